//! The keys and JSON types of every answer, compared with the answers of a real node.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::result;
use super::recorded;
use crate::{Action, Network, Options, RunningServer, Server, ServerOptions};

/// A chain like the recorded one: a masternode was punished, quorums exist, the server runs an Evo masternode.
async fn recorded_like() -> (Network, RunningServer) {
    let network = Network::new(Options { start_height: 528, ..Options::default() }).expect("valid");
    network.mine(40);
    let nodes = network.masternodes();
    let evo = nodes.iter().find(|node| network.masternode(node).is_some_and(|facts| facts.evo)).expect("three");
    let options = ServerOptions { masternode: Some(evo.clone()), ..ServerOptions::default() };
    let server = Server::bind_with(network.clone(), "127.0.0.1:0", options).await.expect("a free port").spawn();
    (network, server)
}

/// `path: type` of everything in a value; keys that are data are replaced by their kind.
pub(super) fn shape(value: &Value) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    describe(value, "", &mut lines);
    lines
}

fn describe(value: &Value, path: &str, lines: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            items.iter().for_each(|item| describe(item, &format!("{path}[]"), lines));
            "array"
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                describe(field, &format!("{path}.{}", key_kind(key)), lines);
            }
            "object"
        }
    };
    lines.insert(format!("{path}: {kind}"));
}

fn key_kind(key: &str) -> &str {
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match key.split_once('-') {
        Some((hash, _)) if is_hash(hash) => "<outpoint>",
        _ if is_hash(key) => "<hash>",
        _ if key.bytes().all(|byte| byte.is_ascii_digit()) => "<height>",
        _ => key,
    }
}

/// Compares an answer with a recorded one. `except` lists parts of paths that depend on the available data.
async fn check(server: &RunningServer, file: &str, method: &str, params: Value, except: &[&str]) {
    let answer = shape(&result(server, method, params).await);
    let expected = shape(&recorded(file)["result"]);
    let differing: Vec<&String> =
        answer.symmetric_difference(&expected).filter(|line| !except.iter().any(|part| line.contains(part))).collect();
    assert!(differing.is_empty(), "{file} differs in {differing:#?}");
}

#[tokio::test]
async fn chain_answers_have_the_recorded_shape() {
    let (network, server) = recorded_like().await;
    let (_, tip) = network.tip();
    check(&server, "healthy/getbestblockhash.json", "getbestblockhash", json!([]), &[]).await;
    check(&server, "healthy/getblockcount.json", "getblockcount", json!([]), &[]).await;
    check(&server, "healthy/getblockheader_tip.json", "getblockheader", json!([tip]), &[]).await;
    let details = ["softforks.v24", "softforks.testdummy"];
    check(&server, "healthy/getblockchaininfo.json", "getblockchaininfo", json!([]), &details).await;
    check(&server, "healthy/getnetworkinfo_on_masternode.json", "getnetworkinfo", json!([]), &[]).await;
    check(&server, "healthy/getbestchainlock.json", "getbestchainlock", json!([]), &[]).await;
    check(&server, "healthy/mnsync_status.json", "mnsync", json!(["status"]), &[]).await;
    check(&server, "healthy/spork_show.json", "spork", json!(["show"]), &[]).await;
    check(&server, "healthy/spork_active.json", "spork", json!(["active"]), &[]).await;
    check(&server, "healthy/uptime.json", "uptime", json!([]), &[]).await;
}

#[tokio::test]
async fn masternode_answers_have_the_recorded_shape() {
    let (_, server) = recorded_like().await;
    check(&server, "healthy/masternode_count.json", "masternode", json!(["count"]), &[]).await;
    check(&server, "healthy/masternode_status.json", "masternode", json!(["status"]), &["operatorPayoutAddress"]).await;
    check(&server, "healthy/masternode_winners.json", "masternode", json!(["winners", "10"]), &[]).await;
    for mode in [
        "json",
        "full",
        "info",
        "status",
        "addr",
        "evo",
        "recent",
        "payee",
        "lastpaidblock",
        "lastpaidtime",
        "owneraddress",
        "votingaddress",
        "pubkeyoperator",
    ] {
        let file = format!("healthy/masternodelist_{mode}.json");
        check(&server, &file, "masternodelist", json!([mode]), &[]).await;
    }
}

#[tokio::test]
async fn protx_answers_have_the_recorded_shape() {
    let (network, server) = recorded_like().await;
    let height = network.tip().0;
    let optional = ["operatorPayoutAddress"];
    let list = "healthy/protx_list_registered_true_on_masternode.json";
    check(&server, "healthy/protx_list_registered.json", "protx", json!(["list", "registered"]), &[]).await;
    check(&server, list, "protx", json!(["list", "registered", true]), &optional).await;
    check(&server, list, "protx", json!(["list", "registered", 1, height - 5]), &optional).await;
    let diff = json!(["listdiff", height - 24, height]);
    check(&server, "healthy/protx_listdiff.json", "protx", diff, &[]).await;
    let evo = result(&server, "protx", json!(["list", "evo"])).await[0].clone();
    let wallet = ["wallet", "operatorPayoutAddress"];
    check(&server, "healthy/protx_info.json", "protx", json!(["info", evo]), &wallet).await;
}

#[tokio::test]
async fn bans_and_revocations_have_the_recorded_shape() {
    let (network, server) = recorded_like().await;
    let nodes = network.masternodes();
    let evo = nodes.iter().find(|node| network.masternode(node).is_some_and(|facts| facts.evo)).expect("three");
    let ban = Action::FailDkg { masternode: evo.clone(), commitments: 2, quorum_type: None };
    network.mine_with(&[ban]).expect("allowed");
    let height = network.tip().0;
    check(&server, "banned/protx_listdiff.json", "protx", json!(["listdiff", height - 1, height]), &[]).await;
    check(&server, "banned/masternode_status.json", "masternode", json!(["status"]), &[]).await;
    let regular = nodes
        .iter()
        .find(|node| {
            // A node whose operator has no payout address, like the recorded one.
            network.masternode(node).is_some_and(|facts| !facts.evo && facts.ban_height.is_none())
        })
        .expect("nine");
    network.mine_with(&[Action::Revoke { masternode: regular.clone(), reason: 2 }]).expect("allowed");
    let diff = json!(["listdiff", height, height + 1]);
    check(&server, "revoked/protx_listdiff.json", "protx", diff, &["PoSePenalty"]).await;
    let info = json!(["info", regular]);
    check(&server, "revoked/protx_info.json", "protx", info, &["wallet", "operatorPayoutAddress"]).await;
    let full = result(&server, "masternodelist", json!(["full"])).await;
    let line = full[network.masternode(regular).expect("listed").collateral].as_str().expect("a text").to_owned();
    assert!(line.starts_with("       POSE_BANNED 0 y") && line.ends_with(' '), "{line:?}");
}

#[tokio::test]
async fn quorum_answers_have_the_recorded_shape() {
    let (network, server) = recorded_like().await;
    check(&server, "healthy/quorum_list.json", "quorum", json!(["list"]), &[]).await;
    check(&server, "healthy/quorum_listextended.json", "quorum", json!(["listextended"]), &[]).await;
    check(&server, "healthy/quorum_dkginfo.json", "quorum", json!(["dkginfo"]), &[]).await;
    for _ in 0..40 {
        network.mine(1);
        let reported = result(&server, "quorum", json!(["dkgstatus", 2])).await;
        if reported["session"].as_array().is_some_and(|sessions| sessions.len() > 1 && network.tip().0 % 24 == 8) {
            break;
        }
    }
    // Connections between nodes are not simulated.
    let except = ["quorumConnections", "minableCommitments"];
    check(&server, "dkg/quorum_dkgstatus_offset8_detail2.json", "quorum", json!(["dkgstatus", 2]), &except).await;
    check(&server, "dkg/quorum_dkgstatus_offset8.json", "quorum", json!(["dkgstatus", 0]), &except).await;
    let quorums = result(&server, "quorum", json!(["list", 1])).await;
    for (id, name) in [(100, "llmq_test"), (103, "llmq_test_dip0024"), (106, "llmq_test_platform")] {
        let file = format!("healthy/quorum_info_{id}.json");
        // The selected members may or may not include Evo nodes.
        let by_chance = ["platform_https", "platform_p2p"];
        check(&server, &file, "quorum", json!(["info", id, quorums[name][0]]), &by_chance).await;
    }
    let member = network
        .masternodes()
        .into_iter()
        .find(|node| network.masternode(node).is_some_and(|facts| facts.evo))
        .expect("three");
    check(&server, "healthy/quorum_memberof.json", "quorum", json!(["memberof", member]), &[]).await;
}

#[tokio::test]
async fn commitments_have_the_recorded_shape_and_name_failed_members() {
    let (network, server) = recorded_like().await;
    let node = network.masternodes().remove(3);
    let fail = Action::FailDkg { masternode: node.clone(), commitments: 1, quorum_type: Some(100) };
    let block = network.mine_with(&[fail]).expect("allowed");
    let transactions = result(&server, "getspecialtxes", json!([block, 6, 100, 0, 2])).await;
    let line = first_recorded_block_with_commitments();
    assert_eq!(shape(&transactions), shape(&line["commitments"]));
    let commitment = &transactions[0]["qcTx"]["commitment"];
    assert_eq!((commitment["validMembersCount"].as_u64(), commitment["validMembers"].as_str()), (Some(2), Some("03")));
    let quorum = result(&server, "quorum", json!(["info", 100, commitment["quorumHash"]])).await;
    assert_eq!(quorum["minedBlock"], json!(block));
    let failed: Vec<&Value> =
        quorum["members"].as_array().expect("members").iter().filter(|member| member["valid"] == false).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["proTxHash"], json!(node));
}

fn first_recorded_block_with_commitments() -> Value {
    use std::io::BufRead as _;
    let path = super::recorded_path("episodes/fail-ban-revive/blocks.jsonl.gz");
    let file = std::fs::File::open(path).expect("the episode");
    std::io::BufReader::new(flate2::read::GzDecoder::new(file))
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"))
        .find(|block| block["height"] == 563)
        .expect("block 563 has three commitments")
}

#[tokio::test]
async fn older_versions_lack_later_fields() {
    let cases = [
        (170_003, ["pospenaltyscore", "type", "addresses"].as_slice(), ["status"].as_slice()),
        (180_202, &["type", "consecutivePayments", "addresses"], &["pospenaltyscore"]),
        (190_300, &["addresses"], &["type", "consecutivePayments"]),
        (220_101, &["addresses"], &["type", "platformNodeID"]),
        (230_102, &[], &["addresses", "platformNodeID"]),
    ];
    for (version, absent, present) in cases {
        let evo = if version >= 190_000 { 3 } else { 0 };
        let network = Network::new(Options { version, evo, ..Options::default() }).expect("valid");
        let server = Server::bind(network, "127.0.0.1:0").await.expect("a free port").spawn();
        let list = result(&server, "masternodelist", json!([])).await;
        let has = |field: &str| list.as_object().expect("an object").values().any(|entry| !entry[field].is_null());
        assert!(absent.iter().all(|field| !has(field)), "{version} has none of {absent:?}");
        assert!(present.iter().all(|field| has(field)), "{version} has {present:?}");
        let reported = result(&server, "getnetworkinfo", json!([])).await;
        assert_eq!(reported["version"], json!(version));
    }
}
