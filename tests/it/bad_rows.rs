//! One unreadable entry of a list affects its own masternode only.

use domain::state;
use domain::watch::WatchList;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter::rpc::legacy::answers;
use masternode_exporter::rpc::{ErrorKind, Registered, dialect};
use serde_json::{Value, json};
use simulator::{Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::samples::Page;

const UNREADABLE: &str = "masternode_exporter_list_unreadable_entries";
const SCORE: &str = "masternode_pose_score";
const NOT_UNDERSTOOD: &str = "masternode_exporter_not_understood_total";

/// A network of 12 masternodes without watched ones.
async fn stage(resync_blocks: u32) -> Stage {
    let stage = Stage::with(Options::default(), 1, |settings| settings.resync_blocks = resync_blocks).await;
    stage.watch(WatchList::default());
    stage
}

fn set(stage: &Stage, bad: usize) {
    stage.servers[0].handle().faults().set(Fault::BadScores(bad));
}

fn kinds(stage: &Stage) -> Vec<String> {
    stage.events().iter().map(|event| format!("{:?}", event.kind)).collect()
}

/// The masternode of the only unreadable entry, as named on the page.
fn unreadable(page: &Page, stage: &Stage) -> String {
    let names = stage.network.masternodes();
    let mut found = names.iter().filter(|id| page.value(UNREADABLE, &[("masternode", id)]).is_some());
    let name = found.next().unwrap().clone();
    assert_eq!(found.next(), None);
    name
}

#[tokio::test]
async fn an_unreadable_entry_affects_only_its_own_masternode() {
    let mut stage = stage(576).await;
    set(&stage, 1);
    stage.poll().await;
    let page = stage.page().await;
    assert_eq!((page.count(SCORE), page.count(UNREADABLE)), (11, 1));
    page.expect(NOT_UNDERSTOOD, &[("kind", "list_entry")], 1.0);
    let name = unreadable(&page, &stage);
    stage.mine(&[]).await;
    assert_eq!(stage.page().await.count(SCORE), 11, "the next block is followed by its changes");
    // Its next change does not apply to a known entry: the full list is read, and is complete again.
    stage.servers[0].handle().faults().clear();
    stage.mine(&[fail(&name, 1)]).await;
    let page = stage.page().await;
    assert_eq!((page.count(SCORE), page.count(UNREADABLE)), (12, 0));
    assert!(!kinds(&stage).iter().any(|kind| kind.contains("Registration")), "{:?}", kinds(&stage));
}

#[tokio::test]
async fn a_masternode_does_not_leave_because_its_entry_is_unreadable_for_a_while() {
    let mut stage = stage(1).await;
    stage.poll().await;
    set(&stage, 1);
    stage.mine(&[]).await;
    stage.mine(&[]).await;
    assert_eq!(stage.page().await.count(SCORE), 11);
    stage.servers[0].handle().faults().clear();
    stage.mine(&[]).await;
    stage.mine(&[]).await;
    assert_eq!(stage.page().await.count(SCORE), 12);
    let wrong = |kind: &String| kind.contains("Removal") || kind.contains("Registration") || kind.contains("Lost");
    assert!(!kinds(&stage).iter().any(wrong), "{:?}", kinds(&stage));
}

#[tokio::test]
async fn a_list_is_refused_when_a_watched_entry_or_a_tenth_is_unreadable() {
    let mut watched = Stage::small().await;
    set(&watched, 1);
    watched.poll().await;
    assert!(watched.snapshot().is_none(), "every masternode is watched");
    watched.servers[0].handle().faults().clear();
    watched.poll().await;
    assert!(watched.snapshot().is_some());
    let mut many = stage(576).await;
    set(&many, 2);
    many.poll().await;
    assert!(many.snapshot().is_none(), "2 of 12");
}

#[tokio::test]
async fn nothing_is_published_after_a_watch_list_with_an_unreadable_entry() {
    let mut stage = stage(576).await;
    set(&stage, 1);
    stage.poll().await;
    assert!(stage.snapshot().is_some());
    stage.watch(crate::support::harness::watch_all(&stage.network));
    stage.mine(&[]).await;
    assert!(stage.snapshot().is_none(), "it would be shown as one that is not registered");
    stage.page().await.expect("masternode_exporter_source_synced", &[], 0.0);
}

/// Nodes without list diffs: the list of each block is read in full.
fn full_lists() -> Options {
    Options { version: 190_300, evo: 0, ..Options::default() }
}

/// A block whose list hides a watched masternode for ever, below the tip. Returns its height.
async fn hide_below_tip(stage: &mut Stage) -> u32 {
    let hidden = stage.network.tip().0 + 2;
    for server in &stage.servers {
        server.handle().faults().set(Fault::BadScoresAt(1, hidden));
    }
    for block in 0..6 {
        let actions = if block == 4 { vec![fail(&stage.masternode(3), 1)] } else { vec![] };
        stage.network.mine_with(&actions).unwrap();
    }
    hidden
}

#[tokio::test]
async fn a_block_that_hides_a_watched_masternode_is_passed_after_some_attempts() {
    let mut stage = Stage::with(full_lists(), 1, |_| {}).await;
    stage.poll().await;
    let from = stage.network.tip().0 + 1;
    let hidden = hide_below_tip(&mut stage).await;
    for _ in 0..2 {
        stage.poll().await;
        let page = stage.page().await;
        page.expect("masternode_exporter_source_synced", &[], 0.0);
        page.expect("masternode_network_height", &[], f64::from(from - 1));
        page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
    }
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_source_synced", &[], 1.0);
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    // Events of the masternode are missing from the block that hides it and from the one after it.
    page.expect("masternode_exporter_gap_blocks_total", &[], 2.0);
    page.expect("masternode_pose_penalties_total", &[("alias", "mn-3")], 1.0);
    assert_eq!((page.count(SCORE), page.count(UNREADABLE)), (12, 0));
    let wrong = |kind: &String| kind.contains("Removal") || kind.contains("Registration") || kind.contains("Lost");
    assert!(!kinds(&stage).iter().any(wrong), "block {hidden}: {:?}", kinds(&stage));
}

#[tokio::test]
async fn another_source_that_shows_the_watched_masternode_is_used_before_a_block_is_passed() {
    let mut stage = Stage::with(full_lists(), 2, |_| {}).await;
    stage.poll().await;
    hide_below_tip(&mut stage).await;
    stage.servers[1].handle().faults().clear();
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
    page.expect("masternode_pose_penalties_total", &[("alias", "mn-3")], 1.0);
}

#[tokio::test]
async fn nothing_is_published_while_the_tip_hides_a_watched_masternode_and_all_of_it_once_it_does_not() {
    let mut stage = Stage::with(full_lists(), 2, |_| {}).await;
    stage.poll().await;
    for server in &stage.servers {
        server.handle().faults().set(Fault::BadScores(1));
    }
    stage.network.mine(1);
    for _ in 0..8 {
        stage.poll().await;
        assert!(stage.snapshot().is_none_or(|snapshot| snapshot.block().height.0 < stage.network.tip().0));
    }
    assert!(stage.snapshot().is_none(), "the block is passed, and its list hides a watched masternode");
    // At the same tip, another source shows it.
    stage.servers[1].handle().faults().clear();
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    assert_eq!(page.count(SCORE), 12);
}

#[tokio::test]
async fn a_history_that_ends_at_a_block_that_hides_a_watched_masternode_is_continued() {
    let mut stage = Stage::recording(full_lists(), dialect::DASH, |_| {}).await;
    stage.mine(&[fail(&stage.masternode(3), 1)]).await;
    stage.stop().await;
    stage.servers[0].handle().faults().set(Fault::BadScoresAt(1, stage.network.tip().0));
    stage.network.mine_with(&[fail(&stage.masternode(4), 1)]).unwrap();
    stage.network.mine(2);
    stage.restart().await;
    assert!(stage.snapshot().is_none());
    stage.poll().await;
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    page.expect("masternode_exporter_gap_blocks_total", &[], 1.0);
    for alias in ["mn-3", "mn-4"] {
        page.expect("masternode_pose_penalties_total", &[("alias", alias)], 1.0);
    }
    assert_eq!(page.count(SCORE), 12);
}

fn entry(number: u8) -> Value {
    json!({ "proTxHash": format!("{number:02x}").repeat(32), "state": state(json!({})) })
}

/// The numbers of a state that a node always reports, changed.
fn state(changed: Value) -> Value {
    let mut state = json!({ "PoSePenalty": 0, "registeredHeight": 7, "lastPaidHeight": 0, "PoSeRevivedHeight": -1,
        "PoSeBanHeight": -1, "revocationReason": 0 });
    state.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    state
}

fn read(entries: &[Value], size: usize) -> Result<Registered, String> {
    let body = json!({ "result": entries, "error": null, "id": "x" }).to_string();
    let mut parser = ListParser::default();
    for piece in body.as_bytes().chunks(size) {
        parser.push(piece).map_err(|error| format!("{error:?}"))?;
    }
    parser.finish().map_err(|error| format!("{error:?}"))
}

#[test]
fn every_kind_of_unreadable_entry_is_left_out_with_its_name() {
    let id = "ab".repeat(32);
    let with = |state: Value| json!({ "proTxHash": id, "state": state });
    let named = format!("masternode {id}: ");
    // entry, whether its masternode is known, reason.
    let cases = [
        (with(state(json!({ "PoSePenalty": -1 }))), true, named.as_str()),
        (with(state(json!({ "PoSePenalty": "x" }))), true, &named),
        (with(state(json!({ "PoSePenalty": null }))), true, &named),
        (with(json!({})), true, "PoSePenalty is missing"),
        (with(json!({ "PoSePenalty": 0 })), true, "Height is missing"),
        (with(state(json!({ "PoSeBanHeight": -7 }))), true, "PoSeBanHeight"),
        (with(state(json!({ "PoSeBanHeight": null }))), true, &named),
        (with(state(json!({ "PoSeRevivedHeight": null }))), true, &named),
        (with(state(json!({ "lastPaidHeight": null }))), true, &named),
        (with(state(json!({ "registeredHeight": null }))), true, &named),
        (with(state(json!({ "revocationReason": null }))), true, &named),
        (json!({ "proTxHash": id }), true, &named),
        (json!({ "proTxHash": "zz", "state": { "PoSePenalty": 0 } }), false, "entry number 12: "),
        (json!({ "proTxHash": null, "state": { "PoSePenalty": 0 } }), false, "entry number 12: "),
        (json!({}), false, "entry number 12: "),
        (Value::Null, false, "entry number 12: "),
        (json!("text"), false, "entry number 12: "),
        (json!([1, { "proTxHash": id }]), false, "entry number 12: "),
        (json!(-12), false, "entry number 12: "),
    ];
    let banned = read(&[with(state(json!({ "PoSeBanHeight": 0 })))], 7).unwrap();
    assert_eq!(banned.masternodes[0].ban_height, Some(domain::Height(0)), "any height but -1 is a ban");
    for (bad, is_known, why) in cases {
        let mut entries: Vec<Value> = (1..=20).map(entry).collect();
        entries.insert(11, bad.clone());
        for size in [1, 7, 100_000] {
            let list = read(&entries, size).unwrap_or_else(|error| panic!("{bad}: {error}"));
            assert_eq!((list.masternodes.len(), list.unreadable.len()), (20, 1), "{bad}");
            let found = &list.unreadable[0];
            assert_eq!(found.id.map(|id| id.to_string()), is_known.then(|| id.clone()), "{bad}");
            assert!(found.why.contains(why), "{bad}: {}", found.why);
        }
        let error = read(&entries[11..21], 7).unwrap_err();
        assert!(error.contains("1 of 10 entries of the list are unreadable"), "{error}");
    }
    let body = br#"{"result":[{"proTxHash":"a"},],"error":null}"#;
    assert!(ListParser::default().push(body).is_err(), "what is no JSON is no list");
}

#[test]
fn a_row_without_an_address_affects_only_its_own_masternode() {
    let row = |number: u8| {
        (
            format!("COutPoint({}, 0)", format!("{number:02x}").repeat(32)),
            "ENABLED 70008 payee 1795270312 2260 0 0 127.0.0.1:1",
        )
    };
    let mut rows: serde_json::Map<String, Value> = (1..=20).map(row).map(|(key, text)| (key, json!(text))).collect();
    let (key, text) = row(0xab);
    rows.insert(key, json!(text.rsplit_once(' ').unwrap().0));
    let body = json!({ "result": rows, "error": null, "id": "x" }).to_string();
    let states = state::shared(&domain::chain::DIMECOIN.states);
    let list = answers::registered(body.as_bytes(), &dialect::DIMECOIN.list.shape, &states, 21).unwrap();
    assert_eq!((list.masternodes.len(), list.unreadable.len()), (20, 1));
    let more = answers::registered(body.as_bytes(), &dialect::DIMECOIN.list.shape, &states, 20).unwrap_err();
    assert!(
        matches!(&more, ErrorKind::Malformed { what } if what.to_string().contains("more than 20 entries")),
        "{more:?}"
    );
    let id = format!("{}-0", "ab".repeat(32));
    assert_eq!(list.unreadable[0].id.map(|id| id.to_string()), Some(id));
}
