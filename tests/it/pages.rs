//! The HTML pages: they show the data of the API, no text of a node or configuration becomes markup, and a large
//! network is cheap.
//!
//! Never here: the appearance of a page in a browser; the end-to-end tests cover that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::chain::{DASH, Subnet};
use domain::counters::EventCounters;
use domain::list::Block;
use domain::network_state::Moment;
use domain::samples::network_state;
use domain::snapshot::SnapshotInputs;
use domain::watch::WatchTarget;
use domain::{
    BlockHash, ChainFacts, DetailTexts, Details, Hash, Height, Masternode, MasternodeList, NetworkState, Score,
    Snapshot, SourceHealth, UnixSeconds,
};
use masternode_exporter::alerting::runbooks::RUNBOOKS;
use masternode_exporter::rpc::dialect;
use masternode_exporter::web::api::{Api, Firing, History};
use masternode_exporter::web::handlers::{Handlers, LandingPage, Link, Readiness};
use masternode_exporter::web::pages::{self, Page};
use serde_json::Value;
use simulator::{Action, Options};

use crate::support::harness::{NOW, Stage, fail};

/// A site with these networks.
pub(crate) fn site(networks: Vec<(&str, Option<Arc<Snapshot>>)>, history: Option<&Stage>) -> Handlers {
    let source = SourceHealth {
        name: "node-0".into(),
        up: Some(true),
        synced: Some(true),
        network_match: Some(true),
        ..SourceHealth::default()
    };
    let silent = SourceHealth { name: "node-1".into(), up: Some(false), ..SourceHealth::default() };
    let network = |(name, snapshot): (&str, Option<Arc<Snapshot>>)| {
        Arc::new(network_state(name, snapshot, vec![source.clone(), silent.clone()]))
    };
    let networks: Vec<Arc<NetworkState>> = networks.into_iter().map(network).collect();
    let api = Api {
        version: "1.2.3".into(),
        networks: Box::new(move || networks.clone()),
        alerts: Box::new(|_, _| Firing::default()),
        history: history.map(|stage| History { path: stage.history(), up: Box::new(|| true), owner: None }),
        clock: || UnixSeconds(NOW + 7),
        is_restricted: false,
    };
    handlers(api)
}

/// A site with this API.
pub(crate) fn handlers(api: Api) -> Handlers {
    Handlers {
        landing: LandingPage {
            name: "Masternode exporter".into(),
            version: "1.2.3".into(),
            summary: "What it is.".into(),
            telemetry_path: Default::default(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: vec![Link { target: "/api/v1/status".into(), text: "API: status".into() }],
        },
        runbooks: RUNBOOKS,
        metrics: Box::new(|_| Box::pin(std::future::ready(Err("not here".into())))),
        api: Some(Arc::new(api)),
        ready: Box::new(Readiness::default),
        reload: None,
        maintenance: None,
        views: Box::new(Default::default),
    }
}

pub(crate) fn of(stage: &Stage) -> Handlers {
    site(vec![("dash-test", stage.snapshot())], None)
}

pub(crate) fn get(site: &Handlers, address: &str) -> Page {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    pages::answer(site, site.api.as_deref(), &site.landing, path, query)
}

#[track_caller]
pub(crate) fn good(site: &Handlers, address: &str) -> String {
    let page = get(site, address);
    assert_eq!(page.status, 200, "{address}");
    page.html
}

/// The API's answer.
pub(crate) fn api(site: &Handlers, path: &str, query: &str) -> Value {
    serde_json::from_slice(&site.api.as_ref().unwrap().answer(path, query).body).unwrap()
}

/// The identity of a watched masternode.
pub(crate) fn id_of(site: &Handlers, alias: &str) -> String {
    let found = api(site, "/api/v1/masternodes", &format!("alias={alias}"));
    found["masternodes"][0]["masternode"].as_str().unwrap().to_string()
}

/// The text of a piece of HTML: without its tags, one space between words, unescaped.
pub(crate) fn text(html: &str) -> String {
    let html = html.split_once("</head>").map_or(html, |(_, body)| body);
    let pieces = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    let words = pieces.collect::<Vec<&str>>().join(" ").split_whitespace().collect::<Vec<&str>>().join(" ");
    words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The rows of the table of masternodes, as text.
pub(crate) fn rows(html: &str) -> Vec<String> {
    let body = html.split("<tbody").nth(1).and_then(|rest| rest.split("</tbody>").next()).unwrap_or_default();
    body.split("<tr").skip(1).map(|row| text(&format!("<{row}"))).collect()
}

/// Their first words, which are the aliases.
pub(crate) fn aliases(html: &str) -> Vec<String> {
    rows(html).iter().map(|row| row.split(' ').next().unwrap().to_string()).collect()
}

/// `mn-4` is banned by two failures, `mn-1` is one failure from a ban, the collateral of `mn-2` is spent.
pub(crate) async fn eventful() -> Stage {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let (banned, failing, gone) = (stage.masternode(4), stage.masternode(1), stage.masternode(2));
    stage.mine(&[fail(&banned, 1)]).await;
    stage.mine(&[fail(&banned, 1), Action::SpendCollateral { masternode: gone }]).await;
    stage.mine(&[fail(&failing, 1)]).await;
    assert_eq!(stage.flush().await, 0);
    stage
}

#[tokio::test]
async fn the_table_matches_the_api_in_the_same_order() {
    let stage = eventful().await;
    let site = of(&stage);
    let html = good(&site, "/");
    let rows = rows(&html);
    let listed = api(&site, "/api/v1/masternodes", "watched=true");
    let listed = listed["masternodes"].as_array().unwrap();
    assert_eq!((rows.len(), listed.len()), (12, 12));
    for (row, masternode) in rows.iter().zip(listed) {
        let has = |what: String| assert!(row.contains(&what), "{what} in {row}");
        has(format!("{} ", masternode["alias"].as_str().unwrap()));
        if let Some(score) = masternode["pose_score"].as_u64() {
            has(format!(" {score} of 100 "));
        }
        match masternode["pose_blocks_until_safe"].as_u64() {
            Some(0) => has(" safe ".into()),
            Some(blocks) => has(format!(" {blocks} blocks about ")),
            None => assert!(row.contains("after its revival") || row.contains("not registered"), "{row}"),
        }
        if let Some(position) = masternode["payment_queue_position"].as_u64() {
            let height = masternode["payment_projected_height"].as_u64().unwrap();
            has(format!(" {position} by block {height} about "));
        }
        let groups = masternode["groups"]["half"].as_str().unwrap();
        has(format!("half: {groups}"));
    }
    assert!(rows[0].starts_with("mn-2 ") && rows[0].contains("not registered"), "{}", rows[0]);
    assert!(rows[1].starts_with("mn-4 ") && rows[1].contains("banned for about 2 min, since block 542"), "{}", rows[1]);
    assert!(rows[2].starts_with("mn-1 ") && rows[2].contains("one failure from a ban"), "{}", rows[2]);
}

#[tokio::test]
async fn the_card_of_a_network_matches_the_status() {
    let stage = eventful().await;
    let site = site(vec![("dash-test", stage.snapshot()), ("not-yet", None)], None);
    let page = text(&good(&site, "/"));
    let height = stage.snapshot().unwrap().block().height;
    for said in [
        "11 masternodes, list read 7 s ago",
        "9 clear",
        "0 decaying",
        "1 one failure from a ban",
        "1 banned",
        &format!("Height {} block", height.0),
        "Ban limit 100 points",
        "Points per failure 66 points",
        "Safe up to 34 points",
        "Restart regular",
        "Restart evo",
        "node-0: synced",
        "node-1: does not answer",
        "not-yet No fresh list.",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
}

#[tokio::test]
async fn the_form_selects_items_that_match_all_fields() {
    let stage = eventful().await;
    let site = of(&stage);
    let id = id_of(&site, "mn-7");
    let check = |query: &str, expected: &[&str]| {
        let mut found = aliases(&good(&site, &format!("/?{query}")));
        found.sort();
        assert_eq!(found, expected, "{query}");
    };
    check("show=risk", &["mn-1", "mn-2", "mn-4"]);
    check("show=risk&group=half:even", &["mn-2", "mn-4"]);
    check("state=pose_banned&q=", &["mn-4"]);
    check("q=MN-1", &["mn-1", "mn-10", "mn-11"]);
    check(&format!("q={id}"), &["mn-7"]);
    check("q=nobody", &[]);
    check("group=half:neither", &[]);
    check("network=other", &[]);
    assert_eq!(aliases(&good(&site, "/?show=all")).len(), 12);
    let address = stage.snapshot().unwrap().list().masternodes()[0].details.address().unwrap().into_owned();
    let by_address = aliases(&good(&site, &format!("/?q={address}")));
    assert_eq!(by_address.len(), 1, "{address} {by_address:?}");
    let page = good(&site, "/?q=nobody&group=half:neither&refresh=off");
    assert!(page.contains("No masternode matches the filter") && page.contains("half=neither (unknown)"));
    assert!(page.contains("value=\"nobody\"") && page.contains("name=\"refresh\" value=\"off\""));
}

#[tokio::test]
async fn without_a_watch_list_those_at_risk_are_shown() {
    let mut stage = Stage::following().await;
    let failing = stage.masternode(1);
    stage.watch(Default::default());
    stage.mine(&[fail(&failing, 1)]).await;
    let page = good(&of(&stage), "/");
    assert!(page.contains("Masternodes at risk</h2>"), "{}", text(&page));
    let [row] = rows(&page).try_into().unwrap();
    assert!(row.contains("one failure from a ban") && page.contains(&failing), "{row}");
    assert!(text(&page).contains("failed 1 DKG session") && !text(&page).contains("was paid"));
}

#[tokio::test]
async fn the_page_of_a_masternode_shows_events_from_memory_and_from_the_history() {
    let stage = eventful().await;
    let (from_memory, from_history) = (of(&stage), site(vec![("dash-test", stage.snapshot())], Some(&stage)));
    let id = id_of(&from_memory, "mn-4");
    let address = format!("/masternodes/{id}");
    let page = good(&from_memory, &address);
    let shown = text(&page);
    for said in [
        "mn-4",
        "banned for about",
        "100 of 100",
        "was banned: its score reached the limit",
        "failed 1 DKG session: 66 points more, score 66",
        "PoSe score by block",
        "Revival",
        "up to 10 minutes in the mempool",
        "1 ban in the shown range",
        "Show as a table",
        "half even",
        "lost the payment that it was waiting for",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    assert!(shown.contains(&id), "the whole identity");
    assert!(
        page.contains(&format!("protx update_service {id}"))
            || page.contains(&format!("protx update_service_evo {id}"))
    );
    // Sums of payments are those of the history.
    let (whole, recorded) = (page.clone(), good(&from_history, &address));
    let without_sums = |page: &str| {
        let (before, rest) = page.split_once("<section aria-labelledby=\"earned\">").unwrap();
        format!("{before}{}", rest.split_once("</section>").unwrap().1)
    };
    assert_eq!(without_sums(&recorded), without_sums(&whole), "the history has the same events");
    assert!(text(&recorded).contains("24 hours 1 1.87000541"), "{}", text(&recorded));
    assert!(!whole.contains("24 hours"), "sums need a history");
    assert!(text(&whole).contains("coins not earned"), "a ban costs without a history too");
    let gone = text(&good(&from_memory, &format!("/masternodes/{}", id_of(&from_memory, "mn-2"))));
    assert!(gone.contains("not registered") && gone.contains("left the list"), "{gone}");
}

#[tokio::test]
async fn a_score_chart_ends_at_the_score_of_the_list() {
    let mut stage = eventful().await;
    for _ in 0..5 {
        stage.mine(&[]).await;
    }
    let site = of(&stage);
    let page = good(&site, &format!("/masternodes/{}", id_of(&site, "mn-1")));
    let points = page.split("<polyline class=\"line\" points=\"").nth(1).unwrap().split('"').next().unwrap();
    let points: Vec<Vec<f64>> =
        points.split(' ').map(|point| point.split(',').map(|part| part.parse().unwrap()).collect()).collect();
    let [before, jump, tip] = points.as_slice() else { panic!("{points:?}") };
    // 66 points at the failure, 61 five blocks later: the heights above the zero line match.
    assert_eq!(before[0], jump[0]);
    let height = |point: &[f64]| before[1] - point[1];
    assert!((height(tip) / height(jump) - 61.0 / 66.0).abs() < 0.01, "{points:?}");
    assert!(text(&page).contains("61 points at block"));
}

#[tokio::test]
async fn a_session_ahead_has_the_time_at_which_it_begins() {
    let mut stage = Stage::new(Options::default(), 1).await;
    stage.poll().await;
    let (mut ahead, mut now) = (0, 0);
    for _ in 0..48 {
        stage.mine(&[]).await;
        let (site, tip) = (of(&stage), stage.snapshot().unwrap().block().height.0);
        for index in 0..12 {
            let page = good(&site, &format!("/masternodes/{}", stage.masternode(index)));
            for item in page.split("<li>").filter(|item| item.contains("result due at")) {
                let line = text(item.split("</li>").next().unwrap());
                let start = line.split_once("from block ").unwrap().1.split_once(',').unwrap().0;
                let start: u32 = start.trim().parse().unwrap();
                assert_eq!(line.contains("begins in about"), start > tip, "at block {tip}: {line}");
                assert_eq!(line.contains("under way"), start <= tip, "at block {tip}: {line}");
                *(if start > tip { &mut ahead } else { &mut now }) += 1;
            }
        }
    }
    assert!(ahead > 20 && now > 20, "{ahead} ahead, {now} under way");
}

#[tokio::test]
async fn an_unknown_address_is_answered_with_not_found() {
    let stage = eventful().await;
    let one = of(&stage);
    assert_eq!(get(&one, "/masternodes/nonsense").status, 404);
    assert_eq!(get(&one, &format!("/masternodes/{}", "0".repeat(64))).status, 404);
    let known = format!("/masternodes/{}", stage.masternode(1));
    assert_eq!(get(&one, &format!("{known}?network=other")).status, 404);
    assert_eq!(get(&site(vec![("dash-test", None)], None), &known).status, 503);
    let two = site(vec![("dash-test", stage.snapshot()), ("again", stage.snapshot())], None);
    let choice = good(&two, &known);
    assert!(choice.contains("several networks") && choice.contains("?network=dash-test"), "{choice}");
    assert!(good(&two, "/").contains(&format!("{known}?network=dash-test")));
}

/// A list of `count` masternodes, with scores from 0 up; each has the address `address`.
fn crowd(count: u32, address: &str, watched: Vec<WatchTarget>) -> Snapshot {
    let masternode = |number: u32| Masternode {
        id: id(number).parse().unwrap(),
        pose_score: Some(Score(if number.is_multiple_of(3) { number } else { 0 })),
        last_paid_height: Some(Height(number)),
        ban_height: number.is_multiple_of(10).then_some(Height(50)),
        details: Details::new(&DetailTexts { address: Some(address.into()), ..DetailTexts::default() }),
        ..domain::samples::masternode(0)
    };
    let block = Block { height: Height(10_000), hash: BlockHash(Hash([7; 32])), time: UnixSeconds(NOW) };
    let list = MasternodeList::new(block, (0..count).map(masternode).collect()).unwrap();
    let parts = SnapshotInputs {
        network: "dash-test".into(),
        rules: Arc::new(DASH),
        list: Arc::new(list),
        facts: ChainFacts::new(Subnet::Main),
        read_at: UnixSeconds(NOW),
        watched,
        recent_events: vec![],
    };
    Snapshot::new(parts, &EventCounters::default())
}

fn id(number: u32) -> String {
    format!("{number:064x}")
}

fn watched(number: u32, alias: &str, group: &str) -> WatchTarget {
    let groups = BTreeMap::from([(group.to_string(), group.to_string())]);
    WatchTarget {
        id: id(number).parse().unwrap(),
        alias: alias.into(),
        groups,
        expectations: vec![],
        thresholds: Default::default(),
        maintenance_until: None,
    }
}

#[test]
fn a_large_network_is_shown_page_by_page_within_fifty_milliseconds() {
    let site = site(vec![("dash-test", Some(Arc::new(crowd(5000, "10.0.0.1:9999", vec![]))))], None);
    let pages: Vec<String> = (1..=25).map(|page| good(&site, &format!("/?show=all&page={page}"))).collect();
    let shown: std::collections::HashSet<String> = pages.iter().flat_map(|page| rows(page)).collect();
    assert_eq!((rows(&pages[0]).len(), shown.len()), (200, 5000));
    assert!(pages[0].contains("Page 1 of 25") && pages[0].contains("?show=all&amp;page=2"));
    assert!(!pages[0].contains("rel=\"prev\"") && !pages[24].contains("rel=\"next\""));
    assert_eq!(rows(&good(&site, "/?show=all&page=999")), rows(&pages[24]), "beyond the last one is the last one");
    assert!(pages[0].len() < 400_000, "{} bytes", pages[0].len());
    // The fastest of several runs, because other load on the machine is not measured.
    let quickest = |address: &str| {
        let took = |_| {
            let started = Instant::now();
            good(&site, address);
            started.elapsed()
        };
        (0..20).map(took).min().unwrap()
    };
    // Without optimisation everything takes several times as long.
    let longest = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 50 });
    for address in ["/", "/?show=all", "/?show=all&q=10.0.0.1", &format!("/masternodes/{}", id(3))] {
        let took = quickest(address);
        assert!(took < longest, "{address} took {took:?}");
    }
}

#[test]
fn no_text_of_a_node_or_a_configuration_becomes_markup() {
    let nasty = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let hostile = Arc::new(crowd(12, nasty, vec![watched(3, nasty, nasty), watched(77, nasty, nasty)]));
    let site = site(vec![(nasty, Some(hostile)), ("other", None)], None);
    let query = form_urlencoded::byte_serialize(nasty.as_bytes()).collect::<String>();
    let pages = [
        "/".to_string(),
        format!("/?q={query}&network={query}&group={query}&state={query}&show={query}&refresh={query}&page={query}"),
        format!("/?show=all&q={query}"),
        format!("/masternodes/{}", id(3)),
        format!("/masternodes/{}?network={query}", id(77)),
        format!("/masternodes/{query}"),
    ];
    for address in pages {
        let page = get(&site, &address).html;
        for bad in ["<script", "<img", "\"'>"] {
            assert!(!page.contains(bad), "{bad} of {address} in {page}");
        }
    }
    let page = good(&site, &format!("/masternodes/{}", id(3)));
    assert!(text(&page).contains(nasty), "it is shown as the text that it is: {page}");
}

#[test]
fn every_runbook_is_a_page_in_the_list_and_leads_to_pages_that_are_served() {
    let site = site(Vec::new(), None);
    let list = good(&site, "/runbooks");
    assert!(RUNBOOKS.len() > 30);
    for (name, _) in RUNBOOKS {
        assert!(list.contains(&format!("<a href=\"/runbooks/{name}\">")), "{name}");
        let page = good(&site, &format!("/runbooks/{name}"));
        assert!(page.contains(&format!("<h1>{name}</h1>")) && page.contains("<h2>Diagnosis</h2>"), "{name}");
        let runbook = page.split("article").nth(1).unwrap();
        for link in runbook.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(link.starts_with("https://") || get(&site, link).status == 200, "{name} leads to {link}");
        }
    }
    assert_eq!(get(&site, "/runbooks/Nothing").status, 404);
}

/// A site with one network in this state.
fn in_state(state: NetworkState, clock: fn() -> UnixSeconds) -> Handlers {
    let mut site = site(vec![], None);
    let state = Arc::new(state);
    let api = Api {
        version: "1.2.3".into(),
        networks: Box::new(move || vec![state.clone()]),
        alerts: Box::new(|_, _| Firing::default()),
        history: None,
        clock,
        is_restricted: false,
    };
    site.api = Some(Arc::new(api));
    site
}

/// What is green on a page, apart from a source that is synced.
fn green(html: &str) -> Vec<&str> {
    let body = html.split_once("</head>").map_or(html, |(_, body)| body);
    body.split('<').filter(|tag| tag.contains("class=\"") && tag.contains("clear")).collect()
}

#[tokio::test]
async fn while_the_source_is_away_watched_masternodes_stay_and_nothing_is_green() {
    let stage = eventful().await;
    let snapshot = stage.snapshot().unwrap();
    let id = snapshot.watched()[4].watched.id.to_string();
    let known = network_state("dash-test", Some(snapshot.clone()), vec![]);
    let confirmed = Some(Moment { unix: UnixSeconds(NOW), uptime: Duration::from_secs(100) });
    let withdrawn = NetworkState { snapshot: None, withdrawn: Some(snapshot.clone()), confirmed, ..known.clone() };
    let unconfirmed = NetworkState { confirmed, ..known.clone() };
    let targets: Vec<WatchTarget> = snapshot.watched().iter().map(|entry| entry.watched.clone()).collect();
    let started = NetworkState { snapshot: None, named: targets.into(), ..known };
    for (what, state, has_events) in
        [("withdrawn", withdrawn, true), ("unconfirmed", unconfirmed, true), ("never read", started, false)]
    {
        let site = in_state(state, || UnixSeconds(NOW + 3_600));
        let html = good(&site, "/");
        let page = text(&html);
        assert!(green(&html).is_empty(), "{what}: {:?}", green(&html));
        assert!(page.contains("12 watched masternodes of dash-test: not known since"), "{what}: {page}");
        assert!(page.contains("Alerts about masternodes of dash-test are not evaluated"), "{what}: {page}");
        assert!(!page.contains("No alerts are firing"), "{what}: {page}");
        assert_eq!(page.contains("banned"), has_events, "{what}: events stay");
        let page = get(&site, &format!("/masternodes/{id}"));
        let (status, page) = (page.status, text(&page.html));
        assert!(status == 503 && page.contains("The state is not known since"), "{what}: {page}");
        assert!(!page.contains("Not found"), "{what}: {page}");
        let page = text(&get(&site, &format!("/masternodes/{}", "ab".repeat(32))).html);
        assert!(page.contains("Whether this masternode is registered is not known either."), "{what}: {page}");
    }
}

#[tokio::test]
async fn without_a_watched_masternode_the_page_says_that_nothing_can_fire() {
    let stage = Stage::following_of(1).await;
    let snapshot = stage.snapshot().unwrap();
    let inputs = SnapshotInputs {
        network: "dash-test".into(),
        rules: Arc::new(DASH),
        list: snapshot.list().clone(),
        facts: snapshot.facts().clone(),
        read_at: UnixSeconds(NOW),
        watched: vec![],
        recent_events: vec![],
    };
    let unwatched = Arc::new(Snapshot::new(inputs, &EventCounters::default()));
    let site = site(vec![("dash-test", Some(unwatched))], None);
    let html = good(&site, "/");
    let page = text(&html);
    assert!(page.contains("No masternode is watched: no alert about a masternode can fire."), "{page}");
    assert!(page.contains("watch: - { masternode: \"<proTxHash>\", alias: <name> }"), "{page}");
    assert!(!html.contains("dot clear\"></span>No alerts") && !page.contains("No alerts are firing"), "{page}");
}

#[tokio::test]
async fn the_page_begins_with_a_verdict_that_title_and_icon_share() {
    let mut stage = Stage::following().await;
    let colour = |page: &str, colour: &str| {
        page.split("<link rel=\"icon\"").nth(1).unwrap().split('>').next().unwrap().contains(colour)
    };
    let (page, quiet) = (good(&of(&stage), "/"), "<span class=\"dot clear\"></span>No alerts are firing.");
    assert!(page.contains(quiet), "{page}");
    assert!(text(&page).contains("12 watched : 12 well · data 7 s old · no restart now"), "{}", text(&page));
    assert!(page.contains("<title>12 well – Masternode exporter</title>") && colour(&page, "1a7f4b"), "{page}");
    stage.mine(&[fail(&stage.masternode(4), 2), fail(&stage.masternode(5), 1)]).await;
    let page = good(&of(&stage), "/");
    assert!(!page.contains(quiet), "the alert of a ban fires a minute later: {page}");
    assert!(text(&page).contains("12 watched : 1 banned · 1 one failure from a ban · 10 well"), "{}", text(&page));
    assert!(page.contains("<title>1 banned – Masternode exporter</title>") && colour(&page, "b42318"), "{page}");
    let place = |id: &str| page.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("{id} in {page}"));
    let order = ["masternodes", "alerts", "networks", "events"].map(place);
    assert!(page.find("12 watched").unwrap() < order[0] && order.is_sorted(), "{order:?}");
    // While nothing is known, nothing is green.
    let named = stage.snapshot().unwrap().watched().iter().map(|entry| entry.watched.clone()).collect::<Vec<_>>();
    let unknown = NetworkState { named: named.into(), ..network_state("dash-test", None, vec![]) };
    let mut site = site(vec![], None);
    let unknown = Arc::new(unknown);
    let api = Api {
        version: "1.2.3".into(),
        networks: Box::new(move || vec![unknown.clone()]),
        alerts: Box::new(|_, _| Firing::default()),
        history: None,
        clock: || UnixSeconds(NOW + 7),
        is_restricted: false,
    };
    site.api = Some(Arc::new(api));
    let page = good(&site, "/");
    assert!(text(&page).contains("12 watched : 12 not known since"), "{}", text(&page));
    assert!(page.contains("<title>12 not known since") && colour(&page, "586474"), "{page}");
    assert!(!page.contains("\"dot clear\""), "{page}");
}
