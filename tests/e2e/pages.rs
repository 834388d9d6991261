//! The HTML pages in a real browser: they show the data of the API, support the keyboard and screen readers, and
//! hostile text in them has no effect.
//!
//! Never here: the texts of the pages; the integration tests cover those.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::chain::{ChainRules, DASH, Subnet};
use domain::counters::EventCounters;
use domain::list::Block;
use domain::probe::{Outcome, Peer, Probe};
use domain::samples::network_state;
use domain::snapshot::SnapshotInputs;
use domain::watch::WatchTarget;
use domain::{
    BlockHash, ChainFacts, DetailTexts, Details, Hash, Height, Masternode, MasternodeList, NetworkState, OwnMasternode,
    Score, Snapshot, SourceHealth, UnixSeconds,
};
use masternode_exporter::web::api::{Alert, Api, Firing};
use masternode_exporter::web::handlers::{Handlers, LandingPage, Readiness};
use masternode_exporter::{app, web};
use serde_json::Value;
use simulator::{Action, Clock, Options, Server, ServerOptions};

use crate::browser::{Browser, ENTER, TAB};
use crate::configuration;
use crate::process::{Running, exporter, free_port, get, wait_for};

/// The first words of the rows: the names of the masternodes.
const NAMES: &str = "return [...document.querySelectorAll('tbody th a')].map(link => link.textContent)";

/// All interactive elements, in their order on the page.
const CONTROLS: &str =
    "[...document.querySelectorAll('a[href],button,select,summary,input:not([type=hidden]),[tabindex=\"0\"]')]";

/// All three chains right after the start: the next block is an hour away.
fn demo() -> (Running, u16) {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let chains = ["demo", "--chain", "dash,dimecoin,prcycoin", "--block-time", "1h", "--masternodes", "300"];
    let demo = Running::start(exporter().args(chains).args(["--web.listen-address", &address]));
    wait_for("the lists", Duration::from_secs(60), || {
        get(port, "/api/v1/status").filter(|status| !status.contains("\"height\":null"))
    });
    (demo, port)
}

fn masternodes(port: u16, query: &str) -> Vec<Value> {
    let page = get(port, &format!("/api/v1/masternodes?limit=1000&{query}")).unwrap();
    let page: Value = serde_json::from_str(&page).unwrap();
    page["masternodes"].as_array().unwrap().clone()
}

fn names(masternodes: &[Value]) -> Vec<&str> {
    masternodes.iter().map(|masternode| masternode["alias"].as_str().unwrap()).collect()
}

#[test]
fn a_reader_finds_the_data_of_the_api_and_the_endangered_masternode() {
    let (_demo, port) = demo();
    let root = format!("http://127.0.0.1:{port}");
    let browser = Browser::start();
    browser.open(&root);
    let watched = masternodes(port, "watched=true");
    assert_eq!(watched.len(), 24);
    assert_eq!(browser.texts(NAMES), names(&watched));
    let rows = browser.texts("return [...document.querySelectorAll('tbody tr')].map(row => row.innerText)");
    for (row, masternode) in rows.iter().zip(&watched) {
        if let Some(score) = masternode["pose_score"].as_u64() {
            assert!(row.contains(&format!("{score} of 300")), "{row}");
        }
        if let Some(blocks) = masternode["pose_blocks_until_safe"].as_u64().filter(|blocks| *blocks > 0) {
            assert!(row.contains(&format!("{blocks} block")), "{row}");
        }
    }
    for height in heights(port) {
        assert!(browser.text("return document.body.innerText").contains(&height), "height {height}");
    }

    browser.run("document.querySelector('input[name=q]').focus()");
    browser.press(&format!("in-danger{ENTER}"));
    wait_for("the filtered page", Duration::from_secs(20), || {
        browser.text("return location.search").contains("q=in-danger").then_some(())
    });
    assert_eq!(browser.texts(NAMES), ["in-danger"]);
    assert_eq!(browser.text("return document.querySelector('input[name=q]').value"), "in-danger");

    browser.run("document.querySelector('tbody th a').click()");
    wait_for("the masternode's page", Duration::from_secs(20), || {
        browser.text("return location.pathname").starts_with("/masternodes/").then_some(())
    });
    let [in_danger] = masternodes(port, "alias=in-danger").try_into().unwrap();
    assert_eq!(browser.text("return document.querySelector('h1').innerText"), "in-danger");
    let text = browser.text("return document.body.innerText");
    for name in ["masternode", "address", "payout_address"] {
        assert!(text.contains(in_danger[name].as_str().unwrap()), "{name} in {text}");
    }
    let drawn = browser.text("return document.querySelector('svg.chart desc').textContent");
    assert!(drawn.starts_with(&format!("{} points at block", in_danger["pose_score"])), "{drawn}");
    browser.run("document.querySelector('header a').click()");
    wait_for("the way back", Duration::from_secs(20), || {
        (browser.text("return location.pathname") == "/").then_some(())
    });
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// Of each network.
fn heights(port: u16) -> Vec<String> {
    let status: Value = serde_json::from_str(&get(port, "/api/v1/status").unwrap()).unwrap();
    status["networks"].as_array().unwrap().iter().map(|network| network["height"].to_string()).collect()
}

#[test]
fn every_page_works_in_light_and_dark_on_a_desktop_and_on_a_phone() {
    let (_demo, port) = demo();
    let browser = Browser::start();
    let of_chain = |network: &str| {
        let found = &masternodes(port, &format!("watched=true&network={network}"))[0];
        format!("/masternodes/{}?network={network}", found["masternode"].as_str().unwrap())
    };
    let pages = [
        ("status", "/".to_string()),
        ("all", "/?show=all&refresh=off".to_string()),
        ("nothing", "/?q=nobody".to_string()),
        ("dash", of_chain("dash-demo")),
        ("dimecoin", of_chain("dimecoin-demo")),
        ("prcycoin", of_chain("prcycoin-demo")),
        ("wrong", "/masternodes/nonsense".to_string()),
    ];
    for (name, path) in pages {
        for (look, width, height, dark) in
            [("light", 1180, 1120, false), ("dark", 1180, 1120, true), ("phone", 360, 780, false)]
        {
            browser.look(width, height, dark);
            browser.open(&format!("http://127.0.0.1:{port}{path}"));
            browser.picture(&format!("{name}-{look}.png"));
            assert_eq!(browser.violations(), Vec::<String>::new(), "{name}, {look}");
            let wide = browser.run("return document.documentElement.scrollWidth");
            assert_eq!(wide, width, "{name}, {look}: nothing stands out to the side");
            let outside =
                browser.run("return performance.getEntriesByType('resource').length + document.scripts.length");
            assert_eq!(outside, 0, "{name}, {look}: no request but the page, no script");
        }
    }
    // The page with an error is logged as a failed request.
    let console: Vec<String> = browser.console().into_iter().filter(|line| !line.contains("nonsense")).collect();
    assert_eq!(console, Vec::<String>::new());
}

/// A private network by the wall clock, and its node.
fn scripted() -> (tokio::runtime::Runtime, simulator::Network, simulator::RunningServer) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock = Clock::Following(|| app::now().0);
    let network = simulator::Network::new(Options { clock, ..Options::default() }).unwrap();
    let access = ServerOptions { credentials: Some(("demo".into(), "demo".into())), ..ServerOptions::default() };
    let bind = Server::bind_with(network.clone(), "127.0.0.1:0", access);
    let node = runtime.block_on(async { bind.await.unwrap().spawn() });
    (runtime, network, node)
}

#[test]
fn firing_alerts_and_reasons_on_the_pages_match_the_api() {
    let (_runtime, network, node) = scripted();
    // No process listens there, and it is penalised.
    let masternode = network.masternodes()[0].clone();
    network.mine_with(&[Action::MoveHere { masternode: masternode.clone(), port: free_port() }]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let more = format!(
        "watch: [{{masternode: {masternode}, alias: mine}}]\nprobe: {{enabled: true, allow_private: true}}\n\
         alerting: {{longest_hold: 0s, runbook_url: \"https://example.org/exporter\"}}"
    );
    let file = configuration(folder.path(), &node.handle().address().to_string(), &more);
    let port = free_port();
    let web = format!("127.0.0.1:{port}");
    let _exporter = Running::start(exporter().arg("--config.file").arg(&file).args(["--web.listen-address", &web]));
    wait_for("the first list", Duration::from_secs(60), || get(port, "/-/ready"));
    network
        .mine_with(&[Action::FailDkg { masternode: masternode.clone(), commitments: 1, quorum_type: None }])
        .unwrap();
    let firing = wait_for("the alerts without receivers", Duration::from_secs(60), || {
        let status: Value = serde_json::from_str(&get(port, "/api/v1/status")?).ok()?;
        let firing = status["alerts"]["firing"].as_array()?.clone();
        let has = |name: &str| firing.iter().any(|alert| alert["alert"] == name);
        (has("MasternodeUnreachable") && has("MasternodePoSePenalized")).then_some(firing)
    });
    assert_eq!(firing[0]["severity"], "critical", "the most urgent first: {firing:?}");
    let browser = Browser::start();
    for (look, width, height, dark) in
        [("light", 1180, 1120, false), ("dark", 1180, 1120, true), ("phone", 360, 780, false)]
    {
        browser.look(width, height, dark);
        for (name, path) in [("alerts", "/".to_string()), ("unreachable", format!("/masternodes/{masternode}"))] {
            browser.open(&format!("http://127.0.0.1:{port}{path}"));
            browser.picture(&format!("{name}-{look}.png"));
            let text = browser.text("return document.querySelector('section[aria-labelledby=alerts]').innerText");
            for alert in &firing {
                for said in ["alert", "severity", "description"] {
                    assert!(text.contains(alert[said].as_str().unwrap()), "{said} of {alert} in {text}");
                }
            }
            let links = browser.texts("return [...document.querySelectorAll('.alerts a')].map(link => link.href)");
            let runbook = firing[0]["runbook_url"].as_str().unwrap();
            assert!(links.iter().any(|link| link == runbook), "{runbook} in {links:?}");
            assert_eq!(browser.violations(), Vec::<String>::new(), "{name}, {look}");
            let wide = browser.run("return document.documentElement.scrollWidth");
            assert_eq!(wide, width, "{name}, {look}: nothing stands out to the side");
        }
    }
    let outside = browser.text("return document.querySelector('section[aria-labelledby=outside]').innerText");
    assert!(outside.contains("refused") && outside.contains("P2P port is open"), "{outside}");
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// Screens of 390 × 844 pixels that a phone shows of the page of eight watched masternodes, whose state calls for every part of it.
#[test]
fn the_page_of_eight_masternodes_fits_three_screens_of_a_phone() {
    const WIDTH: u32 = 390;
    const SCREEN: u32 = 844;
    let (_runtime, network, node) = scripted();
    let ids = network.masternodes();
    let entry = |index: usize| format!("{{masternode: {}, alias: mn-fra-{index}, groups: {{region: eu}}}}", ids[index]);
    let entries: Vec<String> = (0..8).map(entry).collect();
    let more = format!("watch: [{}]\nalerting: {{longest_hold: 0s}}", entries.join(", "));
    let folder = tempfile::tempdir().unwrap();
    let file = configuration(folder.path(), &node.handle().address().to_string(), &more);
    let port = free_port();
    let web = format!("127.0.0.1:{port}");
    let _exporter = Running::start(exporter().arg("--config.file").arg(&file).args(["--web.listen-address", &web]));
    wait_for("the first list", Duration::from_secs(60), || get(port, "/-/ready"));
    let fail = |index: usize| Action::FailDkg { masternode: ids[index].clone(), commitments: 1, quorum_type: None };
    network.mine_with(&[fail(0)]).unwrap();
    network.mine_with(&[fail(0), fail(1)]).unwrap();
    network.mine(12);
    wait_for("the alerts", Duration::from_secs(60), || {
        get(port, "/api/v1/status").filter(|status| status.contains("MasternodePoSeBanned"))
    });
    let browser = Browser::start();
    browser.look(WIDTH, SCREEN, false);
    browser.open(&format!("http://127.0.0.1:{port}/"));
    browser.picture("phone-8.png");
    assert_eq!(browser.texts(NAMES).len(), 8);
    let height = browser.run("return document.documentElement.scrollHeight").as_u64().unwrap();
    println!("{height} pixels, {:.2} screens", height as f64 / f64::from(SCREEN));
    assert!(height <= u64::from(3 * SCREEN), "{height} pixels of {}", 3 * SCREEN);
    assert_eq!(browser.run("return document.documentElement.scrollWidth"), WIDTH, "nothing stands out to the side");
    // Small, but readable, and each target of a finger is large enough.
    let small = browser.texts(
        "return [...document.querySelectorAll('main *')].filter(it => it.textContent.trim() && it.getClientRects().length && \
         parseFloat(getComputedStyle(it).fontSize) < 11.5).map(it => it.outerHTML)",
    );
    assert_eq!(small, Vec::<String>::new());
    assert_eq!(browser.violations(), Vec::<String>::new());
}

#[test]
fn the_keyboard_reaches_everything_with_a_visible_focus() {
    let (_demo, port) = demo();
    let browser = Browser::start();
    browser.open(&format!("http://127.0.0.1:{port}/?refresh=off"));
    let count = browser.run(&format!("return {CONTROLS}.length")).as_u64().unwrap();
    let mut walked = Vec::new();
    for step in 0..count {
        browser.press(TAB);
        let at = browser.run(&format!(
            "const at = document.activeElement; const style = getComputedStyle(at); \
             return [{CONTROLS}.indexOf(at), style.outlineStyle, at.getBoundingClientRect().width]"
        ));
        assert_ne!(at[1], "none", "control {at} is marked when it is reached, step {step}");
        assert!(at[2].as_f64().unwrap() > 1.0, "control {at} is seen when it is reached");
        walked.push(at[0].as_i64().unwrap());
    }
    assert_eq!(walked, (0..i64::try_from(count).unwrap()).collect::<Vec<_>>(), "in the order in which they are shown");

    browser.open(&format!("http://127.0.0.1:{port}/"));
    browser.press(&format!("{TAB}{ENTER}"));
    assert_eq!(browser.text("return location.hash"), "#content", "the first of all is the way past the head");
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// Text that would do harm as markup, as a text and inside an attribute.
const HOSTILE: &str =
    "\"'><script>window.harmed=1</script><img src=x onerror=window.harmed=1><svg onload=window.harmed=1>";

/// A network with only hostile texts: node, configuration, name.
fn hostile() -> Snapshot {
    let masternode = |number: u32| Masternode {
        id: format!("{number:064x}").parse().unwrap(),
        pose_score: Some(Score(number * 8)),
        details: Details::new(&DetailTexts {
            address: Some(HOSTILE.into()),
            payout_address: Some(HOSTILE.into()),
            operator_key: Some("javascript:window.harmed=1".into()),
            ..DetailTexts::default()
        }),
        ..domain::samples::masternode(0)
    };
    let watched = |number: u32| WatchTarget {
        id: format!("{number:064x}").parse().unwrap(),
        alias: HOSTILE.into(),
        groups: BTreeMap::from([(HOSTILE.into(), HOSTILE.into())]),
        expectations: Vec::new(),
        thresholds: Default::default(),
        maintenance_until: None,
    };
    let block = Block { height: Height(10_000), hash: BlockHash(Hash([7; 32])), time: UnixSeconds(1_800_000_000) };
    let parts = SnapshotInputs {
        network: HOSTILE.into(),
        rules: Arc::new(DASH),
        list: Arc::new(MasternodeList::new(block, (0..12).map(masternode).collect()).unwrap()),
        facts: ChainFacts::new(Subnet::Main),
        read_at: UnixSeconds(1_800_000_000),
        watched: vec![watched(3), watched(77)],
        recent_events: vec![],
    };
    Snapshot::new(parts, &EventCounters::default())
}

fn hostile_site() -> Handlers {
    let own = OwnMasternode { id: Some(format!("{:064x}", 3).parse().unwrap()), state: HOSTILE.into() };
    let source = SourceHealth {
        name: HOSTILE.into(),
        up: Some(true),
        isolated: Some(true),
        masternode: Some(own),
        ..SourceHealth::default()
    };
    let connected = SourceHealth { name: HOSTILE.into(), up: Some(true), ..SourceHealth::default() };
    let probe = Probe {
        outcome: Outcome::Reached,
        at: UnixSeconds(1_800_000_000),
        duration: Some(Duration::from_millis(9)),
        peer: Some(Peer { agent: HOSTILE.into(), ..Peer::new(1, b"") }),
        last_success: None,
    };
    let labels = [("network", HOSTILE), ("masternode", &format!("{:064x}", 3)), ("alias", HOSTILE)];
    let alert = |runbook_url: &str| Alert {
        name: HOSTILE.into(),
        severity: "critical",
        labels: labels.map(|(name, text)| (name.to_string(), text.to_string())).into(),
        summary: HOSTILE.into(),
        description: HOSTILE.into(),
        runbook_url: runbook_url.into(),
        since: UnixSeconds(1_800_000_000),
    };
    let alerts = vec![alert("javascript:window.harmed=1"), alert(&format!("https://example.org/{HOSTILE}"))];
    let firing = Firing { critical: 2, warning: 0, alerts };
    let rules = Arc::new(ChainRules { name: HOSTILE.into(), ..DASH });
    let network = Arc::new(NetworkState {
        rules: rules.clone(),
        probes: Some(Arc::new([(format!("{:064x}", 3).parse().unwrap(), probe)].into())),
        // Of isolated sources only, nothing would be shown.
        ..network_state(HOSTILE, Some(Arc::new(hostile())), vec![source, connected])
    });
    let nothing = Arc::new(NetworkState { rules, ..network_state(&format!("{HOSTILE} "), None, vec![]) });
    let api = Api {
        version: HOSTILE.into(),
        networks: Box::new(move || vec![network.clone(), nothing.clone()]),
        alerts: Box::new(move |_, _| firing.clone()),
        history: None,
        clock: || UnixSeconds(1_800_000_007),
        is_restricted: false,
    };
    Handlers {
        landing: LandingPage {
            name: HOSTILE.into(),
            version: HOSTILE.into(),
            summary: HOSTILE.into(),
            telemetry_path: Default::default(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: Vec::new(),
        },
        runbooks: &[],
        metrics: Box::new(|_| Box::pin(std::future::ready(Err("not here".into())))),
        api: Some(Arc::new(api)),
        ready: Box::new(Readiness::default),
        reload: None,
        maintenance: None,
        views: Box::new(Default::default),
    }
}

#[test]
fn hostile_text_is_shown_as_text_without_effect() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let meters = web::meters::Meters::new(&prometheus::Registry::new());
    let site = Arc::new(hostile_site());
    let security = Arc::new(exporter_toolkit::WebSecurity::open());
    runtime.spawn(web::serve(vec![listener], site, security, Default::default(), meters, std::future::pending()));
    let browser = Browser::start();
    let query: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let paths = [
        "/".to_string(),
        "/?show=all".to_string(),
        format!("/?q={query}&group={query}&state={query}&network={query}"),
        format!("/masternodes/{:064x}", 3),
        format!("/masternodes/{:064x}", 77),
    ];
    for path in paths {
        browser.open(&format!("{root}{path}"));
        assert_eq!(browser.run("return window.harmed === undefined"), true, "{path}");
        let elements =
            browser.texts("return [...new Set([...document.querySelectorAll('*')].map(it => it.localName))]");
        let elements: BTreeSet<&str> = elements.iter().map(String::as_str).collect();
        assert!(elements.contains("main") && !elements.contains("script") && !elements.contains("img"), "{elements:?}");
        let handlers = browser.run("return document.querySelectorAll('[onerror],[onload],[href^=javascript]').length");
        assert_eq!(handlers, 0, "{path}");
        assert!(browser.text("return document.body.textContent").contains(HOSTILE), "{path} shows it as it is");
    }
    assert_eq!(browser.console(), Vec::<String>::new());
}
