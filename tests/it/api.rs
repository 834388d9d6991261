//! The JSON API on a simulated network: each answer matches the contract, the snapshot and the history.
//!
//! Never here: HTTP; the server's own tests cover that.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use domain::samples::{moment, network_state};
use domain::watch::{Selector, WatchEntry, WatchList};
use domain::{EventKind, NetworkState, Risk, Snapshot, SourceHealth, UnixSeconds};
use masternode_exporter::rpc::dialect;
use masternode_exporter::web::api::{Api, Firing, History, PAGES, openapi};
use serde_json::{Value, json};
use simulator::{Action, Options};

use crate::support::contract::{Contract, table};
use crate::support::harness::{NOW, Stage, fail};

const MASTERNODES: &str = "/api/v1/masternodes";
const EVENTS: &str = "/api/v1/events";
const STATUS: &str = "/api/v1/status";
const CALENDAR: &str = "/api/v1/duties.ics";
const PLAN: &str = "/api/v1/restart-plan";
const EARNINGS: &str = "/api/v1/earnings";

/// The API on the given networks.
struct TestApi {
    api: Api,
    contract: Contract,
    networks: Arc<Mutex<Vec<Arc<NetworkState>>>>,
}

impl TestApi {
    fn new(networks: &[(&str, Option<Arc<Snapshot>>)]) -> TestApi {
        let networks = networks.iter().map(|(name, snapshot)| network(name, snapshot.clone())).collect();
        let networks: Arc<Mutex<Vec<Arc<NetworkState>>>> = Arc::new(Mutex::new(networks));
        let shown = Arc::clone(&networks);
        let api = Api {
            version: "1.2.3".into(),
            networks: Box::new(move || shown.lock().unwrap().clone()),
            alerts: Box::new(|_, _| Firing::default()),
            history: None,
            clock: || UnixSeconds(NOW + 7),
            is_restricted: false,
        };
        TestApi { api, contract: Contract::read(), networks }
    }

    fn of(stage: &Stage) -> TestApi {
        TestApi::new(&[("dash-test", stage.snapshot())])
    }

    fn with_history(stage: &Stage) -> TestApi {
        let mut api = TestApi::of(stage);
        api.api.history = Some(History { path: stage.history(), up: Box::new(|| true), owner: None });
        api
    }

    #[track_caller]
    fn good(&self, target: &str) -> Value {
        self.contract.good(&self.api, target)
    }

    #[track_caller]
    fn refusal(&self, target: &str, status: u16) -> String {
        self.contract.refusal(&self.api, target, status)
    }

    /// Aliases of the masternodes of a page.
    #[track_caller]
    fn aliases(&self, query: &str) -> Vec<String> {
        texts(&self.good(&format!("{MASTERNODES}?{query}"))["masternodes"], "alias")
    }

    /// The identity of a watched masternode.
    #[track_caller]
    fn id(&self, alias: &str) -> String {
        texts(&self.good(&format!("{MASTERNODES}?alias={alias}"))["masternodes"], "masternode").remove(0)
    }

    /// All items, requested page by page.
    #[track_caller]
    fn all(&self, path: &str, items: &str, query: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut page = self.good(&format!("{path}?{query}"));
        loop {
            found.extend(page[items].as_array().unwrap().iter().cloned());
            assert!(found.len() < 10_000, "the pages of {path}?{query} do not end");
            let Some(next) = page["next"].as_str() else { return found };
            page = self.good(&format!("{path}?{query}&after={next}"));
        }
    }
}

fn network(name: &str, snapshot: Option<Arc<Snapshot>>) -> Arc<NetworkState> {
    let asked = SourceHealth {
        name: "node-0".into(),
        up: Some(true),
        synced: Some(false),
        network_match: Some(true),
        last_success: Some(moment(NOW)),
        ..SourceHealth::default()
    };
    let sources = vec![asked, SourceHealth { name: "node-1".into(), ..SourceHealth::default() }];
    Arc::new(network_state(name, snapshot, sources))
}

fn texts(items: &Value, name: &str) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_string()).collect()
}

/// `mn-4` is banned by two failures, `mn-1` is one failure from a ban, the collateral of `mn-2` is spent, and a block
/// was withdrawn.
async fn eventful() -> Stage {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let node = |index| stage.masternode(index);
    let (banned, failing, gone) = (node(4), node(1), node(2));
    stage.mine(&[fail(&banned, 1)]).await;
    stage.mine(&[fail(&banned, 1), Action::SpendCollateral { masternode: gone }]).await;
    stage.mine(&[Action::ChangePayout { masternode: failing.clone() }]).await;
    stage.network.reorg(1, &[vec![], vec![]]).unwrap();
    stage.poll().await;
    stage.mine(&[fail(&failing, 1)]).await;
    assert_eq!(stage.flush().await, 0);
    stage
}

#[tokio::test]
async fn the_status_has_every_network_and_source() {
    let stage = eventful().await;
    let api = TestApi::with_history(&stage);
    api.networks.lock().unwrap().push(network("not-yet", None));
    let status = api.good(STATUS);
    let snapshot = stage.snapshot().unwrap();
    assert_eq!((&status["version"], &status["time"]), (&json!("1.2.3"), &json!("2027-01-15T08:00:07Z")));
    let [known, unknown] = status["networks"].as_array().unwrap().as_slice() else { panic!("{status}") };
    assert_eq!(known["height"], snapshot.block().height.0);
    assert_eq!(known["block"], stage.network.tip().1);
    assert_eq!((&known["list_time"], &known["list_age_seconds"]), (&json!("2027-01-15T08:00:00Z"), &json!(7)));
    assert_eq!(
        (&known["registered"], &known["watched"], &known["watched_missing"]),
        (&json!(11), &json!(12), &json!(1))
    );
    assert_eq!(known["risk_nodes"], json!({ "clear": 9, "decaying": 0, "one_failure_from_ban": 1, "banned": 1 }));
    assert_eq!(known["nodes"], json!({ "enabled": 10, "pose_banned": 1, "revoked": 0 }));
    let asked = json!({
        "source": "node-0", "up": true, "synced": false, "network_match": true,
        "last_success_time": "2027-01-15T08:00:00Z", "blocks_behind": null, "connections": null, "isolated": null,
        "follows_fork": null, "fork_split": null, "list_proven": null, "list_mismatch": null, "release_bad": null, "filter_index_synced": null, "masternode": null, "masternode_state": null
    });
    assert_eq!(known["sources"][0], asked);
    assert_eq!(known["sources"][1]["up"], Value::Null);
    assert_eq!(
        (&unknown["network"], &unknown["chain"], &unknown["height"]),
        (&json!("not-yet"), &json!("dash"), &Value::Null)
    );
    let recorded = &status["history"]["networks"][0];
    assert_eq!((&recorded["network"], &recorded["height"]), (&json!("dash-test"), &known["height"]));
    assert_eq!(recorded["spans"][0]["to_height"], known["height"]);
}

#[tokio::test]
async fn masternodes_are_ordered_by_risk_or_by_identity() {
    let stage = eventful().await;
    let api = TestApi::of(&stage);
    let by_danger = api.aliases("");
    assert_eq!(by_danger[..3], ["mn-2", "mn-4", "mn-1"], "missing, banned, one failure from a ban");
    assert_eq!(by_danger.len(), 12);
    let by_id = texts(&api.good(&format!("{MASTERNODES}?order=id"))["masternodes"], "masternode");
    assert!(by_id.is_sorted());
    let registered: BTreeSet<String> = stage.network.masternodes().into_iter().collect();
    let listed: BTreeSet<String> = by_id.into_iter().filter(|id| *id != api.id("mn-2")).collect();
    assert_eq!(listed, registered);
}

#[tokio::test]
async fn filters_select_items_that_match_all_of_them() {
    let stage = eventful().await;
    let api = TestApi::of(&stage);
    let check = |query: &str, expected: &[&str]| {
        let found: BTreeSet<String> = api.aliases(query).into_iter().collect();
        assert_eq!(found, expected.iter().map(|alias| alias.to_string()).collect(), "{query}");
    };
    check("alias=mn-4&alias=mn-7", &["mn-4", "mn-7"]);
    check("alias=mn-4&alias=mn-7&group=half:even", &["mn-4"]);
    check("risk=banned&risk=one_failure_from_ban", &["mn-4", "mn-1"]);
    check("state=pose_banned&network=dash-test&watched=true", &["mn-4"]);
    check("risk=banned&group=half%3Aodd", &[]);
    assert_eq!(api.aliases("watched=true").len(), 12);
    assert_eq!(api.aliases("watched=false").len(), 12, "false is no filter");
}

#[tokio::test]
async fn all_pages_together_are_complete_even_with_a_new_block_in_between() {
    let mut stage = eventful().await;
    let api = TestApi::of(&stage);
    for order in ["danger", "id"] {
        let whole = api.good(&format!("{MASTERNODES}?order={order}"))["masternodes"].clone();
        for limit in [1, 5, 12] {
            let paged = api.all(MASTERNODES, "masternodes", &format!("order={order}&limit={limit}"));
            assert_eq!(Value::from(paged), whole, "order={order}&limit={limit}");
        }
    }
    let first = api.good(&format!("{MASTERNODES}?order=id&limit=5"));
    stage.mine(&[Action::SpendCollateral { masternode: stage.masternode(6) }]).await;
    *api.networks.lock().unwrap() = vec![network("dash-test", stage.snapshot())];
    let rest = api.good(&format!("{MASTERNODES}?order=id&after={}", first["next"].as_str().unwrap()));
    let mut both = texts(&first["masternodes"], "masternode");
    both.extend(texts(&rest["masternodes"], "masternode"));
    assert_eq!((both.len(), both.iter().collect::<HashSet<_>>().len()), (12, 12));
}

#[tokio::test]
async fn the_page_of_a_masternode_has_all_data_of_the_table_and_more() {
    let stage = eventful().await;
    let api = TestApi::of(&stage);
    for row in api.good(MASTERNODES)["masternodes"].as_array().unwrap() {
        let one = api.good(&format!("{MASTERNODES}/{}", row["masternode"].as_str().unwrap()));
        for (name, value) in row.as_object().unwrap() {
            assert_eq!(one[name], *value, "{name} of {}", row["alias"]);
        }
    }
    let banned = api.good(&format!("{MASTERNODES}/{}?network=dash-test", api.id("mn-4")));
    assert_eq!(banned["counted"]["penalties"], 2);
    assert_eq!((&banned["counted"]["bans"], &banned["pose_failures_until_ban"]), (&json!(1), &json!(0)));
    assert_eq!(banned["pose_blocks_until_safe"], Value::Null);
    let failing = api.good(&format!("{MASTERNODES}/{}", api.id("mn-1")));
    assert_eq!((&failing["pose_failures_until_ban"], &failing["risk"]), (&json!(1), &json!("one_failure_from_ban")));
    let gone = api.good(&format!("{MASTERNODES}/{}", api.id("mn-2")));
    assert_eq!((&gone["registered"], &gone["alias"], &gone["state"]), (&json!(false), &json!("mn-2"), &Value::Null));
    api.networks.lock().unwrap().push(network("again", stage.snapshot()));
    let several = api.refusal(&format!("{MASTERNODES}/{}", api.id("mn-1")), 409);
    assert!(several.contains("network"), "{several}");
    api.good(&format!("{MASTERNODES}/{}?network=dash-test", api.id("mn-1")));
    api.refusal(&format!("{MASTERNODES}/{}", "0".repeat(64)), 404);
}

#[tokio::test]
async fn memory_and_history_have_the_same_events() {
    let stage = eventful().await;
    let (kept, remembered) = (TestApi::with_history(&stage), TestApi::of(&stage));
    let one = remembered.id("mn-4");
    let first = stage.events()[0].block.height.0;
    let queries = [
        String::new(),
        "order=oldest".into(),
        "kind=penalty&kind=ban&order=oldest".into(),
        format!("masternode={one}"),
        "alias=mn-1&alias=mn-4&order=oldest".into(),
        format!("from_height={first}&to_height={}", first + 1),
        "network=dash-test&from_time=2020-01-01&to_time=2099-12-31T23:59:59Z".into(),
        "to_time=2001-01-01".into(),
    ];
    for query in &queries {
        let without = |mut event: Value| {
            let event_id = event.as_object_mut().unwrap().remove("id");
            assert_eq!(event_id.is_some(), event.as_object_mut().unwrap().remove("withdrawn").is_some());
            event
        };
        let of_history: Vec<Value> = kept.all(EVENTS, "events", query).into_iter().map(without).collect();
        for limit in [1, 3, 1000] {
            let of_memory = remembered.all(EVENTS, "events", &format!("{query}&limit={limit}"));
            let paged = kept.all(EVENTS, "events", &format!("{query}&limit={limit}"));
            assert_eq!(of_memory, of_history, "{query}, memory, {limit} a page");
            assert_eq!(paged.into_iter().map(without).collect::<Vec<_>>(), of_history, "{query}, history");
        }
        assert_eq!(of_history.is_empty(), query == "to_time=2001-01-01", "{query}");
    }
    remembered.refusal(&format!("{EVENTS}?format=csv"), 409);
    for (api, query) in [(&kept, ""), (&kept, "kind=payment&"), (&kept, "to_time=2001-01-01&")] {
        let rows = table(&api.api, &format!("{EVENTS}?{query}format=csv&limit=1"));
        let columns = ["time", "height", "masternode", "kind", "score", "amount_duffs"];
        let expected = api.all(EVENTS, "events", query.trim_end_matches('&'));
        let expected: Vec<_> = expected.iter().map(|event| columns.map(|column| cell(event.get(column)))).collect();
        let found: Vec<_> = rows.iter().map(|row| columns.map(|column| row[column].clone())).collect();
        assert_eq!(found, expected, "{query}");
    }
    let flags = |api: &TestApi| api.good(EVENTS)["history"].clone();
    assert_eq!((flags(&kept), flags(&remembered)), (json!(true), json!(false)));
    let withdrawn = kept.all(EVENTS, "events", "withdrawn=true&kind=payout_change");
    assert_eq!((withdrawn.len(), &withdrawn[0]["withdrawn"]), (1, &json!(true)));
    let after = kept.good(&format!("{EVENTS}?limit=1"))["next"].as_str().unwrap().to_string();
    remembered.refusal(&format!("{EVENTS}?after={after}"), 409);
}

#[tokio::test]
async fn a_penalty_names_its_points_and_its_masternode() {
    let stage = eventful().await;
    let penalty = TestApi::with_history(&stage).good(&format!("{EVENTS}?kind=penalty&limit=1"))["events"][0].clone();
    assert_eq!((&penalty["alias"], &penalty["failures"]), (&json!("mn-1"), &json!(1)));
    let limit = 100;
    assert_eq!(penalty["points"], 66 * limit / 100);
    assert!(penalty["quorums"].is_array());
}

#[tokio::test]
async fn before_the_first_list_there_is_a_status_and_no_masternode() {
    let api = TestApi::new(&[("dash-test", None)]);
    assert_eq!(api.good(STATUS)["networks"][0]["registered"], Value::Null);
    for target in [MASTERNODES.to_string(), format!("{MASTERNODES}/{}", "1".repeat(64))] {
        api.refusal(&target, 503);
    }
    assert_eq!(api.good(EVENTS)["events"], json!([]));
}

#[tokio::test]
async fn an_unreadable_history_is_reported_and_affects_nothing_else() {
    let stage = Stage::following().await;
    let mut api = TestApi::of(&stage);
    api.api.history = Some(History { path: "/nonexistent/history.db".into(), up: Box::new(|| false), owner: None });
    assert_eq!(api.good(STATUS)["history"], json!({ "up": false, "networks": null }));
    let error = api.refusal(EVENTS, 503);
    assert!(!error.contains("nonexistent"), "the error shows no path: {error}");
    api.good(MASTERNODES);
}

#[tokio::test]
async fn hostile_and_invalid_requests_get_a_sentence() {
    let stage = eventful().await;
    let (api, kept) = (TestApi::of(&stage), TestApi::with_history(&stage));
    let long = "9".repeat(8000);
    for target in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1e3",
        "limit=%2B5",
        "limit=",
        "limit=5&limit=6",
        "limit=99999999999",
        "order=ID",
        "order=%00",
        "after=x",
        "after=%ff",
        "Limit=5",
        "x=1",
        "=",
        "%00=1",
        "network=",
    ] {
        for path in [MASTERNODES, EVENTS] {
            let error = api.refusal(&format!("{path}?{target}"), 400);
            assert!(error.len() < 300 && !error.chars().any(char::is_control), "{target:?}: {error:?}");
        }
    }
    for query in ["watched=yes", "risk=none", "group=x", "group=:x", "group=x:", "after=6.0.0.00.x", "after=12"] {
        api.refusal(&format!("{MASTERNODES}?{query}"), 400);
    }
    for query in ["kind=x", "from_height=-1", "from_time=2026-02-30", "to_time=now", "after=1.2"] {
        api.refusal(&format!("{EVENTS}?{query}"), 400);
        kept.refusal(&format!("{EVENTS}?{query}"), 400);
    }
    for name in ["%00%0d%0a", "%ff%fe", "..%2f..%2fetc", "%27%20OR%201=1--", long.as_str()] {
        for (target, path) in
            [("network", MASTERNODES), ("alias", MASTERNODES), ("state", MASTERNODES), ("alias", EVENTS)]
        {
            let error = api.refusal(&format!("{path}?{target}={name}"), 404);
            assert!(error.len() < 600 && !error.chars().any(char::is_control), "{error:?}");
        }
        api.refusal(&format!("{EVENTS}?network={name}"), 404);
        kept.refusal(&format!("{EVENTS}?network={name}"), 404);
        let error = api.refusal(&format!("{MASTERNODES}/{name}"), 404);
        assert!(error.len() < 600 && !error.chars().any(char::is_control), "{error:?}");
        kept.refusal(&format!("{EVENTS}?masternode={name}"), 404);
    }
    let many = "kind=ban&".repeat(101);
    assert!(api.refusal(&format!("{EVENTS}?{many}"), 400).contains("100"));
    api.good(&format!("{EVENTS}?{}", &many["kind=ban&".len()..]));
    for query in ["from_height=2&to_height=1", "from_time=2026-01-02&to_time=2026-01-01"] {
        kept.refusal(&format!("{EVENTS}?{query}"), 409);
    }
    api.refusal(&format!("{STATUS}?x=1"), 400);
    for path in ["/api/", "/api/v1", "/api/v1/", "/api/v2/status", "/api/v1/masternodes/", "/api/v1/masternodes/a/b"] {
        let reply = api.api.answer(path, "");
        assert_eq!(reply.status.as_u16(), 404, "{path}");
    }
}

#[test]
fn the_contract_on_record_is_that_of_the_types() {
    crate::support::golden("docs/openapi.json", openapi::contract());
}

#[tokio::test]
async fn the_contract_has_every_path_parameter_and_name() {
    let stage = Stage::following().await;
    let api = TestApi::of(&stage);
    let mut served: BTreeSet<String> = PAGES.iter().map(|(path, _)| path.to_string()).collect();
    served.extend(["", "/duties", "/duties.ics"].map(|more| format!("{MASTERNODES}/{{id}}{more}")));
    served.extend([CALENDAR, PLAN, EARNINGS].map(str::to_string));
    assert_eq!(api.contract.paths(), served);
    for path in served {
        let target = path.replace("{id}", &"0".repeat(64));
        let error = api.refusal(&format!("{target}?no-such-parameter=1"), 400);
        let names = error.split_once("; known: ").map_or("", |(_, names)| names);
        let known: BTreeSet<&str> =
            names.split(", ").filter(|name| !name.starts_with("none") && !name.is_empty()).collect();
        let parameters = api.contract.parameters(&path);
        assert_eq!(known, parameters.keys().map(String::as_str).collect(), "{path}");
    }
    let kinds = api.contract.parameters(EVENTS)["kind"]["items"]["enum"].clone();
    assert_eq!(kinds, json!(EventKind::NAMES));
    assert_eq!(api.contract.at("/components/schemas/Event/properties/kind/enum"), &kinds);
    let risks = &api.contract.parameters(MASTERNODES)["risk"]["items"]["enum"];
    assert_eq!(*risks, json!(Risk::ALL.map(Risk::label)));
}

#[tokio::test]
async fn masternodes_of_a_network_that_is_not_known_are_not_left_out_without_a_word() {
    let stage = Stage::following().await;
    let id = stage.masternode(0);
    let api = TestApi::new(&[("dash-test", stage.snapshot()), ("other", None)]);
    assert_eq!(api.good(MASTERNODES)["unknown_networks"], json!(["other"]));
    assert_eq!(api.good(&format!("{MASTERNODES}?network=dash-test"))["unknown_networks"], json!([]));
    let sentence = "the list of other is not known: choose another network, or ask again later";
    for target in
        [format!("{MASTERNODES}?format=csv"), format!("{MASTERNODES}/{}", "0".repeat(64)), "/api/v1/duties.ics".into()]
    {
        assert_eq!(api.refusal(&target, 503), sentence, "{target}");
    }
    api.good(&format!("{MASTERNODES}/{id}"));
    table(&api.api, &format!("{MASTERNODES}?format=csv&network=dash-test"));
}

/// A value as a table has it.
fn cell(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_string))
}

#[tokio::test]
async fn the_duties_of_a_masternode_are_its_seats_and_what_follows_offline() {
    let mut stage = Stage::following().await;
    stage.network.mine(48);
    stage.mine(&[fail(&stage.masternode(3), 2)]).await;
    let served = TestApi::of(&stage);
    let snapshot = stage.snapshot().unwrap();
    let tip = stage.network.tip().0;
    let mut known = 0;
    for index in 0..12 {
        let id = stage.masternode(index);
        let answer = served.good(&format!("{MASTERNODES}/{id}/duties"));
        assert_eq!((answer["masternode"].as_str(), answer["height"].as_u64()), (Some(&*id), Some(tip.into())));
        let view = snapshot.node(snapshot.list().position(&id.parse().unwrap()).unwrap());
        let duties = snapshot.duties_ahead(&view).unwrap();
        assert_eq!(answer["duties"].as_array().unwrap().len(), duties.len());
        for (listed, duty) in answer["duties"].as_array().unwrap().iter().zip(&duties) {
            assert_eq!(listed["start_height"], duty.start.0);
            assert_eq!((&listed["known"], &listed["quorum_type"]), (&duty.is_known().into(), &duty.quorum_type.into()));
            known += u32::from(duty.is_known());
        }
        let outlook = snapshot.restart_outlook(&view, snapshot.restart_blocks(600)).unwrap();
        let restart = &answer["restart"];
        assert_eq!((&restart["minutes"], &restart["blocks"]), (&10.into(), &outlook.blocks.into()));
        assert_eq!(restart["now"]["known_seats"], outlook.now.known);
        let next = outlook.next().map(|window| window.after.0);
        assert_eq!(restart["next_window"]["after_height"].as_u64(), next.map(u64::from));
        // A banned masternode keeps its known seats, and nothing more can happen to it.
        let banned = index == 3;
        assert_eq!(answer["offline_ban"].is_null(), banned, "{answer}");
        assert!(!banned || duties.iter().all(domain::duty::Duty::is_known));
    }
    assert!(known >= 12, "{known} seats are known");
    served.refusal(&format!("{MASTERNODES}/{}/duties", "0".repeat(64)), 404);
    served.refusal(&format!("{MASTERNODES}/x/duties"), 404);
    served.refusal(&format!("{MASTERNODES}/{}/duties?x=1", stage.masternode(0)), 400);
    for minutes in ["0", "1441", "x"] {
        served.refusal(&format!("{MASTERNODES}/{}/duties?minutes={minutes}", stage.masternode(0)), 400);
    }
    assert_eq!(served.api.answer(&format!("{MASTERNODES}//duties"), "").status.as_u16(), 404);
}

/// UID and begin of each event of a calendar.
fn events_of(calendar: &str) -> Vec<(String, String)> {
    let unfolded = calendar.replace("\r\n ", "");
    let values = |name: &str| -> Vec<String> {
        unfolded.split("\r\n").filter_map(|line| line.strip_prefix(name)).map(str::to_string).collect()
    };
    values("UID:").into_iter().zip(values("DTSTART:")).collect()
}

#[tokio::test]
async fn the_calendars_have_each_known_seat_once_with_a_uid_that_stays() {
    let mut stage = Stage::following().await;
    stage.network.mine(46);
    stage.poll().await;
    let calendar = |stage: &Stage, target: &str| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let reply = TestApi::of(stage).api.answer(path, query);
        assert_eq!((reply.status.as_u16(), reply.content_type), (200, "text/calendar; charset=utf-8"));
        assert_eq!(reply.cache_control, "private, max-age=60");
        String::from_utf8(reply.body.to_vec()).unwrap()
    };
    let all = events_of(&calendar(&stage, CALENDAR));
    let uids: BTreeSet<&String> = all.iter().map(|(uid, _)| uid).collect();
    assert_eq!(uids.len(), all.len());
    let (mut seats, mut of_half) = (0, 0);
    let snapshot = stage.snapshot().unwrap();
    for index in 0..12 {
        let id = stage.masternode(index);
        let view = snapshot.node(snapshot.list().position(&id.parse().unwrap()).unwrap());
        let known = snapshot.duties_ahead(&view).unwrap().iter().filter(|duty| duty.is_known()).count();
        let own = events_of(&calendar(&stage, &format!("{MASTERNODES}/{id}/duties.ics")));
        assert_eq!(own.len(), known);
        assert!(own.iter().all(|(uid, _)| uid.contains(&id) && uids.contains(uid)), "{own:?}");
        seats += known;
        of_half += if index % 2 == 0 { known } else { 0 };
    }
    assert!(seats > 12 && all.len() == seats, "{seats} seats, {} events", all.len());
    assert_eq!(events_of(&calendar(&stage, &format!("{CALENDAR}?group=half:even"))).len(), of_half);
    // A later block moves an event at most; the seats that are over are gone.
    stage.mine(&[]).await;
    let later = events_of(&calendar(&stage, CALENDAR));
    let kept = later.iter().filter(|(uid, _)| uids.contains(uid)).count();
    assert!(kept > 0 && kept + 12 >= all.len(), "{kept} of {}", all.len());
    let served = TestApi::of(&stage);
    served.refusal(&format!("{CALENDAR}?group=half:none"), 404);
    served.refusal(&format!("{MASTERNODES}/{}/duties.ics", "0".repeat(64)), 404);
    assert_eq!(TestApi::new(&[("dash-test", None)]).api.answer(CALENDAR, "").status.as_u16(), 503);
}

#[tokio::test]
async fn a_plan_restarts_each_watched_masternode_at_a_time_that_costs_nothing_or_says_why_not() {
    let mut stage = Stage::following().await;
    stage.network.mine(44);
    stage.mine(&[fail(&stage.masternode(3), 2)]).await;
    let (served, snapshot) = (TestApi::of(&stage), stage.snapshot().unwrap());
    let answer = served.good(&format!("{PLAN}?minutes=1&parallel=2"));
    let plan = &answer["plans"][0];
    let (placed, others) = (plan["restarts"].as_array().unwrap(), plan["not_placed"].as_array().unwrap());
    assert_eq!((placed.len() + others.len(), &plan["height"]), (12, &stage.network.tip().0.into()));
    assert!(placed.len() > 2, "{plan}");
    let blocks = plan["blocks"].as_u64().unwrap() as u32;
    for restart in placed {
        let id = restart["masternode"].as_str().unwrap().parse().unwrap();
        let view = snapshot.node(snapshot.list().position(&id).unwrap());
        let after = domain::Height(restart["after_height"].as_u64().unwrap() as u32);
        let missed = snapshot.duties_ahead(&view).unwrap();
        let missed = missed.iter().filter(|duty| duty.may_be_missed_by(after, Some(after.after(blocks))));
        assert!(view.masternode.is_banned() || missed.count() == 0, "{restart}");
    }
    let heights: Vec<u64> = placed.iter().map(|restart| restart["after_height"].as_u64().unwrap()).collect();
    assert!(heights.is_sorted() && heights.iter().all(|at| heights.iter().filter(|other| *other == at).count() <= 2));
    // A restart of three hours fits nowhere in cycles of 24 blocks, but for the banned one.
    let long = &served.good(&format!("{PLAN}?minutes=180"))["plans"][0];
    assert_eq!((long["restarts"].as_array().unwrap().len(), long["not_placed"].as_array().unwrap().len()), (1, 11));
    for node in long["not_placed"].as_array().unwrap() {
        assert_eq!(node["reason"], "no_window");
        assert!(node["cheapest"]["cost"]["possible_sessions"].as_u64().unwrap() > 0, "{node}");
    }
    for wrong in ["minutes=0", "parallel=0", "parallel=101"] {
        served.refusal(&format!("{PLAN}?{wrong}"), 400);
    }
}

#[tokio::test]
async fn events_are_filtered_by_group_and_masternodes_are_a_table() {
    let mut stage = eventful().await;
    let api = TestApi::of(&stage);
    let listed = api.good(&format!("{MASTERNODES}?watched=true&limit=500"));
    let listed = listed["masternodes"].as_array().unwrap();
    let (key, group) = listed.iter().find_map(|node| node["groups"].as_object()?.iter().next()).unwrap();
    let group = group.as_str().unwrap();
    let of_group = |separator: char| {
        let target = format!("{EVENTS}?limit=500&group={key}{separator}{group}").replace('=', "%3D");
        let target = target.replace("limit%3D", "limit=").replace("group%3D", "group=");
        api.good(&target)["events"].as_array().unwrap().clone()
    };
    assert!(!of_group(':').is_empty());
    assert_eq!(of_group('='), of_group(':'));
    let members: Vec<&str> = listed
        .iter()
        .filter(|node| node["groups"][key] == group)
        .map(|node| node["masternode"].as_str().unwrap())
        .collect();
    assert!(of_group('=').iter().all(|event| members.contains(&event["masternode"].as_str().unwrap())));
    assert!(api.refusal(&format!("{EVENTS}?group=customer:nobody"), 404).contains("no group"));
    let rows = table(&api.api, &format!("{MASTERNODES}?format=csv&watched=true&limit=1"));
    let found: Vec<&str> = rows.iter().map(|row| row["masternode"].as_str()).collect();
    let expected: Vec<&str> = listed.iter().map(|node| node["masternode"].as_str().unwrap()).collect();
    assert_eq!(found, expected, "a table is not cut by the limit");
    // Four of them are watched: two of three failures and the ban are of others.
    let ids: Vec<String> = (0..4).map(|index| api.id(&format!("mn-{index}"))).collect();
    let entry = |id: &String| WatchEntry {
        selector: Selector::Id(id.parse().unwrap()),
        alias: "some".into(),
        groups: [].into(),
        expectations: vec![],
        thresholds: Default::default(),
    };
    stage.watch(WatchList::new(ids.iter().map(entry).collect()));
    stage.mine(&[]).await;
    let api = TestApi::of(&stage);
    let events = |query: &str| api.good(&format!("{EVENTS}?limit=500{query}"))["events"].as_array().unwrap().clone();
    let (all, watched) = (events(""), events("&watched=true"));
    let of_ids = |event: &&Value| ids.iter().any(|id| event["masternode"] == *id);
    assert_eq!(watched.iter().collect::<Vec<_>>(), all.iter().filter(of_ids).collect::<Vec<_>>());
    assert!(watched.iter().all(|event| event["alias"] == "some"));
    for (kind, of_all, of_watched) in [("penalty", 3, 1), ("ban", 1, 0), ("removal", 1, 1)] {
        let count = |events: &[Value]| events.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!((count(&all), count(&watched)), (of_all, of_watched), "{kind}");
    }
}
