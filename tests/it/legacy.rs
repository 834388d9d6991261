//! The older chains by recorded answers of real Dimecoin and PRCYCoin daemons, and the derived values.

use std::fs;
use std::path::PathBuf;

use domain::chain::{ChainRules, DIMECOIN, PRCYCOIN, Subnet};
use domain::list::{Block, MasternodeList};
use domain::payment::Payments;
use domain::{BlockHash, ChainFacts, Hash, Height, Masternode, UnixSeconds, state};
use masternode_exporter::rpc::ErrorKind;
use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::dialect::{self, Dialect};
use masternode_exporter::rpc::legacy::answers as legacy;

use crate::markdown;

fn folder(chain: &str) -> PathBuf {
    let version = if chain == "dimecoin" { "2.3.0.0" } else { "2.0.0.6" };
    markdown::root().join("tests/fixtures").join(chain).join(version)
}

fn dime(moment: &str, file: &str) -> Vec<u8> {
    fs::read(folder("dimecoin").join(moment).join(file)).unwrap()
}

fn list_of(body: &[u8], dialect: &Dialect, rules: &ChainRules) -> Result<Vec<Masternode>, String> {
    let states = state::shared(&rules.states);
    legacy::registered(body, &dialect.list.shape, &states, usize::MAX).map(|list| list.masternodes).map_err(|error| {
        match error {
            ErrorKind::Malformed { what } => what.into(),
            other => format!("{other:?}"),
        }
    })
}

fn dime_list(moment: &str) -> Vec<Masternode> {
    list_of(&dime(moment, "masternodelist_full.json"), &dialect::DIMECOIN, &DIMECOIN).unwrap()
}

fn block(height: u32) -> Block {
    Block { height: Height(height), hash: BlockHash(Hash([7; 32])), time: UnixSeconds(1_795_270_571) }
}

/// The identifying properties of each masternode: the beginning of its payee, and its state.
fn states_of(nodes: &[Masternode]) -> Vec<(String, String)> {
    let mut expected_nodes: Vec<(String, String)> = nodes
        .iter()
        .map(|node| {
            let payee = node.details.payout_address().unwrap()[..3].to_string();
            (payee, node.announced.as_ref().unwrap().state.label.to_string())
        })
        .collect();
    expected_nodes.sort();
    expected_nodes
}

#[test]
fn every_recorded_answer_decodes() {
    let mut read_by_us = 0;
    for (chain, dialect, rules) in
        [("dimecoin", dialect::DIMECOIN, DIMECOIN), ("prcycoin", dialect::PRCYCOIN, PRCYCOIN)]
    {
        for moment in fs::read_dir(folder(chain)).unwrap().map(|entry| entry.unwrap().path()) {
            if !moment.file_name().unwrap().to_string_lossy().starts_with("regtest-") {
                continue;
            }
            for file in fs::read_dir(&moment).unwrap().map(|entry| entry.unwrap().path()) {
                let name = file.file_name().unwrap().to_string_lossy().to_string();
                let body = fs::read(&file).unwrap();
                if body.starts_with(b"{\"result\":null,") {
                    continue;
                }
                let result = match (chain, name.as_str()) {
                    (_, "getblockchaininfo.json") => answers::chain_info(&body).map(drop),
                    (_, "getnetworkinfo.json") => answers::network_info(&body).map(drop),
                    (_, "mnsync_status.json") => answers::sync_status(&body).map(drop),
                    (_, "getblockheader_tip.json") => answers::header(&body).map(drop),
                    (_, "getblockhash_tip.json") => answers::block_hash(&body).map(drop),
                    (_, "spork_show.json") => answers::sporks(&body).map(drop),
                    ("dimecoin", "masternode_count_all.json") | ("prcycoin", "getmasternodecount.json") => {
                        answers::count(&body).map(drop)
                    }
                    ("dimecoin", name) if name.starts_with("masternode_winners") => legacy::votes(&body).map(drop),
                    ("prcycoin", name) if name.starts_with("getmasternodewinners") => legacy::votes(&body).map(drop),
                    ("dimecoin", "masternodelist_full.json" | "masternode_list_full.json")
                    | ("prcycoin", "listmasternodes.json" | "listmasternodes_ENABLED.json") => {
                        list_of(&body, &dialect, &rules).map(drop).unwrap();
                        Ok(())
                    }
                    (_, name) if name.starts_with("gettxout") => {
                        legacy::collateral_height(&body, &block(173)).map(drop)
                    }
                    _ => continue,
                };
                result.unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
                read_by_us += 1;
            }
        }
    }
    assert!(read_by_us >= 50, "only {read_by_us} answers were read");
}

#[test]
fn states_match_the_recording() {
    let expected_nodes = |nodes: [&str; 3]| -> Vec<(String, String)> {
        ["76R", "79U", "7CU"].into_iter().map(String::from).zip(nodes.map(String::from)).collect()
    };
    let cases = [
        ("regtest-3mn-pre-enabled", ["pre_enabled"; 3], [0, 0, 0]),
        ("regtest-3mn-enabled", ["enabled"; 3], [1, 1, 1]),
        ("regtest-3mn-expired", ["expired"; 3], [0, 0, 0]),
        ("regtest-states-enabled-pre_enabled", ["enabled", "pre_enabled", "pre_enabled"], [1, 0, 0]),
        ("regtest-states-enabled-pose_ban", ["enabled", "pose_ban", "pose_ban"], [1, 0, 0]),
        ("regtest-states-expired-pose_ban", ["expired", "pose_ban", "pose_ban"], [0, 0, 0]),
        ("regtest-states-new_start_required-pose_ban", ["new_start_required", "pose_ban", "pose_ban"], [0, 0, 0]),
    ];
    for (moment, expected, payable) in cases {
        let nodes = dime_list(moment);
        assert_eq!(states_of(&nodes), expected_nodes(expected), "{moment}");
        let count = answers::count(&dime(moment, "masternode_count_all.json")).unwrap();
        let enabled = nodes.iter().filter(|node| node.is_payable()).count();
        assert_eq!((count.total, count.enabled as usize), (3, enabled), "{moment}: the node counts the same");
        assert_eq!(enabled, payable.iter().sum::<usize>(), "{moment}");
        assert_eq!(
            nodes.iter().filter(|node| node.is_banned()).count(),
            expected.iter().filter(|state| **state == "pose_ban").count(),
            "{moment}"
        );
    }
}

#[test]
fn a_recorded_line_is_read_completely() {
    let nodes = dime_list("regtest-3mn-enabled");
    let node = nodes
        .iter()
        .find(|node| node.details.payout_address().as_deref() == Some("76REo8TTGRVxn3s4oTdQAaPW4rP4vDJJ2r"));
    let node = node.unwrap();
    assert_eq!(node.id.to_string(), "b2b86b95af6bd938efd89c9e06931728e727d4ff497ccac3210cc4858c7ae7ee-0");
    assert_eq!(node.details.address().as_deref(), Some("192.88.99.1:22941"));
    assert_eq!(node.last_paid_height, Some(Height(170)));
    let announced = node.announced.as_ref().unwrap();
    assert_eq!(announced.protocol_version, Some(70_008));
    assert_eq!(announced.last_seen, Some(UnixSeconds(1_795_270_312)));
    assert_eq!(announced.active_seconds(), Some(2260));
    assert_eq!(announced.started_at, Some(UnixSeconds(1_795_270_312 - 2260)));
    assert_eq!(announced.last_paid_at, Some(UnixSeconds(1_795_270_418)));
    assert_eq!((node.pose_score, node.ban_height), (None, None), "no RPC of this chain shows them");
    let never = &dime_list("regtest-3mn-expired")[0];
    assert_eq!((never.last_paid_height, never.announced.as_ref().unwrap().last_paid_at), (None, None));
}

#[test]
fn collaterals_are_in_the_blocks_of_the_recorded_confirmations() {
    let body = dime("regtest-3mn-enabled", "gettxout_mn1.json");
    let tip = answers::header(&dime("regtest-3mn-enabled", "getblockheader_tip.json")).unwrap().block;
    assert_eq!(tip.height, Height(173));
    assert_eq!(legacy::collateral_height(&body, &tip).unwrap(), Some(Height(173 - 143 + 1)));
    assert_eq!(
        legacy::collateral_height(&body, &block(173)).unwrap(),
        None,
        "the confirmations are those of another tip"
    );
    let spent = br#"{"result":null,"error":null,"id":"x"}"#;
    assert_eq!(legacy::collateral_height(spent, &tip).unwrap(), None);
}

/// The daemon's own votes, recomputed from its list and its votes: for each tip, a pool of one contains the payee that
/// was voted for ten blocks ahead (docs/spec/legacy-chains.md#dimecoin-payee).
#[test]
fn the_recorded_votes_are_those_of_the_pool() {
    let nodes = dime_list("regtest-3mn-enabled");
    let recorded = legacy::votes(&dime("regtest-3mn-enabled", "masternode_winners.json")).unwrap();
    assert_eq!(recorded.iter().map(|vote| vote.votes).collect::<Vec<_>>(), [3; 12]);
    for tip in 167..=173 {
        let known: Vec<_> = recorded.iter().filter(|vote| vote.height.0 < tip + 10).cloned().collect();
        let list = MasternodeList::new(block(tip), nodes.clone()).unwrap();
        let facts = ChainFacts { votes: Some(known), ..ChainFacts::new(Subnet::Regtest) };
        let payments = Payments::new(&DIMECOIN, &list, &facts, UnixSeconds(1_795_270_571));
        let pool = payments.pool().unwrap();
        let drawn: Vec<String> = (0..3)
            .filter(|index| pool.has(*index))
            .map(|index| list.masternodes()[index].details.payout_address().unwrap().into_owned())
            .collect();
        let voted: Vec<&str> =
            recorded.iter().filter(|vote| vote.height.0 == tip + 10).map(|vote| &*vote.payee).collect();
        assert_eq!(drawn, voted, "tip {tip}");
    }
}

#[test]
fn the_queue_has_the_length_that_the_node_reports() {
    for (moment, tip, winners) in [
        ("regtest-3mn-enabled", 173, "masternode_winners.json"),
        ("regtest-3mn-enabled-no-votes", 193, "masternode_winners_12.json"),
    ] {
        let list = MasternodeList::new(block(tip), dime_list(moment)).unwrap();
        let votes = legacy::votes(&dime(moment, winners)).unwrap();
        let facts = ChainFacts { votes: Some(votes), ..ChainFacts::new(Subnet::Regtest) };
        let payments = Payments::new(&DIMECOIN, &list, &facts, UnixSeconds(1_795_272_300));
        let count = answers::count(&dime(moment, "masternode_count_all.json")).unwrap();
        assert_eq!(Some(payments.pool().unwrap().queue_length()), count.queued, "{moment}");
    }
}

#[test]
fn a_node_that_is_not_in_sync_is_reported() {
    let synced = |chain: &str, moment: &str| {
        let status = answers::sync_status(&fs::read(folder(chain).join(moment).join("mnsync_status.json")).unwrap());
        let status = status.unwrap();
        (status.list, status.votes)
    };
    assert_eq!(synced("dimecoin", "regtest-syncing"), (false, false));
    assert_eq!(synced("dimecoin", "regtest-empty-synced"), (true, true));
    assert_eq!(synced("prcycoin", "regtest-empty-height120"), (false, false), "it has asked for the list only");
    let stage = |stage: u32| {
        let body = format!(
            r#"{{"result":{{"IsBlockchainSynced":true,"RequestedMasternodeAssets":{stage}}},"error":null,"id":"x"}}"#
        );
        let status = answers::sync_status(body.as_bytes()).unwrap();
        (status.list, status.votes)
    };
    assert_eq!([0, 1, 2, 3, 998, 999].map(stage).map(|(list, _)| list), [false, false, false, true, false, true]);
}

/// A list in the format of PRCYCoin's source code; the recorded one is empty (docs/spec/legacy-chains.md#prcycoin-rpc).
const PRCY_LIST: &str = r#"{"result":[
  {"rank":1,"network":"ipv4","txhash":"1111111111111111111111111111111111111111111111111111111111111111","outidx":0,
   "pubkey":"02ab","status":"ENABLED","addr":"Paddr1","stealthaddress":"owner-a","version":70915,
   "lastseen":1795000000,"activetime":86400,"lastpaid":1794990000},
  {"rank":0,"network":"onion","txhash":"2222222222222222222222222222222222222222222222222222222222222222","outidx":1,
   "pubkey":"02cd","status":"EXPIRED","addr":"Paddr2","stealthaddress":"owner-a","version":70915,
   "lastseen":1794990000,"activetime":0,"lastpaid":0}
],"error":null,"id":"x"}"#;

#[test]
fn prcycoin_has_no_values_that_the_chain_hides() {
    let nodes = list_of(PRCY_LIST.as_bytes(), &dialect::PRCYCOIN, &PRCYCOIN).unwrap();
    assert_eq!(states_of(&nodes), [("own".into(), "enabled".into()), ("own".into(), "expired".into())]);
    assert!(nodes.iter().all(|node| node.last_paid_height.is_none()));
    assert!(nodes.iter().all(|node| node.announced.as_ref().unwrap().last_paid_at.is_none()), "lastpaid is no payment");
    let list = MasternodeList::new(block(120), nodes).unwrap();
    let payments = Payments::new(&PRCYCOIN, &list, &ChainFacts::new(Subnet::Main), UnixSeconds(1_795_000_000));
    assert_eq!(payments.drawn_from().unwrap().get(), 1, "one is enabled");
    let of = |index: usize| payments.probability(index, &list.masternodes()[index], 60, None);
    assert_eq!([of(0), of(1)], [Some(1.0), Some(0.0)]);
    assert_eq!(payments.position(0).unwrap().get(), 1);
    assert_eq!((payments.position(1), payments.projected_height(0)), (None, None));
}

#[test]
fn a_list_of_another_format_or_with_a_wrong_value_is_refused_by_name() {
    let txid = "41".repeat(32);
    let line = |value: &str| format!(r#"{{"result":{{"COutPoint({txid}, 0)":{value}}},"error":null,"id":"x"}}"#);
    let full = |text: &str| line(&format!("{text:?}"));
    let good = "ENABLED 70008 payee 1795270312 2260 0 0 127.0.0.1:1";
    let long = "X".repeat(1 << 20);
    let dash = format!(r#"{{"result":{{"{txid}-0":"ENABLED payee 0 0 127.0.0.1:1"}},"error":null,"id":"x"}}"#);
    let cases = [
        (dash, "it has 5 fields, expected 8: state protocol payout_address"),
        (full("ENABLED 70008 payee 1795270312"), "it has 4 fields, expected 8"),
        (full(&good.replace("1795270312", "-5")), "last_seen -5 is out of range"),
        (full(&good.replace("2260", "-99999999999")), "active_seconds -99999999999 is out of range"),
        (full(&good.replace("70008", "seventy")), "protocol is not a whole number"),
        (full(&good.replace("ENABLED", &long)), "state is longer than 256 characters"),
        (line(r#"{"proTxHash":"x"}"#), "its value is not a text"),
        (r#"{"result":["x"],"error":null,"id":"x"}"#.into(), "expected an object"),
        (full(good).replace("COutPoint", "Output"), "its key is no collateral"),
    ];
    for (body, expected) in cases {
        let error = list_of(body.as_bytes(), &dialect::DIMECOIN, &DIMECOIN).unwrap_err();
        assert!(error.contains(expected), "expected {expected:?} in {error:.300}");
        assert!(error.len() < 600, "an error repeats no megabyte: {} bytes", error.len());
    }
    assert!(list_of(full(good).as_bytes(), &dialect::DIMECOIN, &DIMECOIN).is_ok());
    let error = list_of(PRCY_LIST.replace("\"rank\":1", "\"rank\":-1").as_bytes(), &dialect::PRCYCOIN, &PRCYCOIN);
    assert!(error.unwrap_err().contains("masternode number 1: rank -1 is out of range"));
    for status in [r#""status":null"#, r#""status":"""#, r#""status":" ""#, r#""other":"x""#] {
        let error =
            list_of(PRCY_LIST.replace(r#""status":"EXPIRED""#, status).as_bytes(), &dialect::PRCYCOIN, &PRCYCOIN);
        assert!(error.unwrap_err().contains("masternode number 2: state is missing"), "{status}");
    }
    let error = list_of(br#"{"result":[{"rank":1}],"error":null,"id":"x"}"#, &dialect::PRCYCOIN, &PRCYCOIN);
    assert!(error.unwrap_err().contains("state is missing"));
}

#[test]
fn an_unknown_state_is_neither_healthy_nor_paid() {
    let body = PRCY_LIST.replace("ENABLED", "SOMETHING_NEW");
    let nodes = list_of(body.as_bytes(), &dialect::PRCYCOIN, &PRCYCOIN).unwrap();
    let state = &nodes[0].announced.as_ref().unwrap().state;
    assert_eq!((&*state.label, state.healthy, nodes[0].is_payable()), ("unknown", false, false));
}

/// The node calls a banned masternode something that this version does not know.
#[test]
fn an_unknown_state_does_not_end_a_ban() {
    let list = |state: &str, height| {
        let key = format!("COutPoint({}, 0)", "41".repeat(32));
        let line = format!("{state} 70008 payee 1795270312 2260 0 0 127.0.0.1:1");
        let body = serde_json::json!({"result": {key: line}, "error": null, "id": "x"}).to_string();
        let nodes = list_of(body.as_bytes(), &dialect::DIMECOIN, &DIMECOIN).unwrap();
        (nodes[0].is_ban_known(), MasternodeList::new(block(height), nodes).unwrap())
    };
    let (banned, unknown, enabled) = (list("POSE_BAN", 5), list("SLEEPING", 6), list("ENABLED", 7));
    assert_eq!([banned.0, unknown.0, enabled.0], [true, false, true]);
    let kinds = |before: &MasternodeList, after: &MasternodeList| -> Vec<String> {
        domain::event::diff(before, after, None).iter().map(|event| format!("{:?}", event.kind)).collect()
    };
    assert!(!kinds(&banned.1, &unknown.1).iter().any(|kind| kind.contains("Revival")));
    assert!(kinds(&banned.1, &enabled.1).iter().any(|kind| kind.contains("Revival")));
}

#[test]
fn both_forms_of_a_collateral_are_one_masternode() {
    let txid = "ab".repeat(32);
    let list = |key: String| {
        let body = format!(
            r#"{{"result":{{"{key}":"ENABLED 70008 payee 1795270312 2260 0 0 127.0.0.1:1"}},"error":null,"id":"x"}}"#
        );
        list_of(body.as_bytes(), &dialect::DIMECOIN, &DIMECOIN).unwrap().remove(0).id.to_string()
    };
    assert_eq!(list(format!("COutPoint({txid}, 7)")), format!("{txid}-7"));
    assert_eq!(list(format!("{txid}-7")), format!("{txid}-7"));
}

#[test]
fn a_restarted_node_keeps_its_last_ping_for_some_time() {
    let txid = "41".repeat(32);
    let body = format!(
        r#"{{"result":{{"{txid}-0":"PRE_ENABLED 70008 payee 1795270312 -312 0 0 127.0.0.1:1"}},"error":null,"id":"x"}}"#
    );
    let node = list_of(body.as_bytes(), &dialect::DIMECOIN, &DIMECOIN).unwrap().remove(0);
    let announced = node.announced.unwrap();
    assert_eq!(announced.started_at, Some(UnixSeconds(1_795_270_312 + 312)), "the start is what holds it out");
    assert_eq!(announced.active_seconds(), Some(0));
}
