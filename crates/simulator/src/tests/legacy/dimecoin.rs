//! Dimecoin's answers compared with recorded ones.

use serde_json::{Value, json};

use super::shape::{check, check_exactly, status};
use super::{facts, network, recorded, serve};
use crate::legacy::{Action, Chain, Network, Options};
use crate::tests::client::{call, post, result};
use crate::{Fault, RunningServer};

const CHAIN: Chain = Chain::Dimecoin;
const FULL: &str = "regtest-3mn-enabled";
const EMPTY: &str = "regtest-empty-synced";

/// Three masternodes as in the recorded network, with past payments and votes for future blocks.
async fn three() -> (Network, RunningServer) {
    let network = network(CHAIN, 3);
    network.mine(5);
    let server = serve(&network, None).await;
    (network, server)
}

#[tokio::test]
async fn chain_answers_have_the_recorded_keys_types_and_order() {
    let (network, server) = three().await;
    let (height, tip) = network.tip();
    for (file, method, params) in [
        ("regtest-3mn-enabled/getblockchaininfo.json", "getblockchaininfo", json!([])),
        ("regtest-empty-synced/getnetworkinfo.json", "getnetworkinfo", json!([])),
        ("regtest-empty-synced/getblockcount.json", "getblockcount", json!([])),
        ("regtest-3mn-enabled/getblockhash_tip.json", "getblockhash", json!([height])),
        ("regtest-3mn-enabled/getblockheader_tip.json", "getblockheader", json!([tip])),
    ] {
        check(&server, CHAIN, file, (method, params), &[]).await;
    }
    let info = result(&server, "getnetworkinfo", json!([])).await;
    assert_eq!(info["subversion"], "/dimecoin:2.3.0/");
    assert_eq!(result(&server, "getbestblockhash", json!([])).await, json!(tip));
    assert_eq!(result(&server, "getblockhash", json!([height - 1])).await, json!(network.block_hash(height - 1)));
    let header = result(&server, "getblockheader", json!([network.block_hash(height - 300)])).await;
    assert_eq!((&header["height"], &header["confirmations"]), (&json!(height - 300), &json!(301)));
    assert_eq!(header["time"], json!(network.tip_time() - 300 * 64), "a block each 64 simulated seconds");
    let genesis = result(&server, "getblockhash", json!([0])).await;
    assert_eq!(result(&server, "getblockheader", json!([genesis])).await["height"], json!(0));
}

#[tokio::test]
async fn every_mode_of_the_list_is_answered_as_recorded() {
    let (network, server) = three().await;
    let modes = ["activeseconds", "addr", "full", "info", "lastpaidblock", "lastpaidtime", "lastseen"];
    for mode in modes.into_iter().chain(["payee", "protocol", "pubkey", "status"]) {
        let file = format!("{FULL}/masternodelist_{mode}.json");
        let list = check(&server, CHAIN, &file, ("masternodelist", json!([mode])), &[]).await;
        assert_eq!(list.as_object().map(serde_json::Map::len), Some(3), "{mode}");
        assert_eq!(result(&server, "masternode", json!(["list", mode])).await, list);
    }
    check_exactly(&server, CHAIN, &format!("{FULL}/masternodelist_rank.json"), ("masternodelist", json!(["rank"])))
        .await;
    let statuses = result(&server, "masternodelist", json!([])).await;
    assert_eq!(statuses, result(&server, "masternodelist", json!(["status"])).await);
    let first = facts(&network, &network.masternodes()[0]);
    let (txid, index) = first.masternode.split_once('-').expect("txid-n");
    assert_eq!(statuses[format!("COutPoint({txid}, {index})")], "ENABLED");
    let only = result(&server, "masternodelist", json!(["addr", first.service])).await;
    assert_eq!(only, json!({ format!("COutPoint({txid}, {index})"): first.service }));
    assert_eq!(result(&server, "masternodelist", json!(["protocol", "7000"])).await, json!({}), "exact");
}

/// The end of each field of a line, except the last.
fn field_ends(line: &str) -> Vec<usize> {
    let bytes = line.as_bytes();
    (1..bytes.len()).filter(|at| bytes[*at] == b' ' && bytes[*at - 1] != b' ').collect()
}

#[tokio::test]
async fn the_lines_of_full_and_info_are_padded_as_recorded() {
    let (_, server) = three().await;
    for mode in ["full", "info"] {
        let expected: Value =
            serde_json::from_str(&recorded(CHAIN, &format!("{FULL}/masternodelist_{mode}.json"))).unwrap();
        let list = result(&server, "masternodelist", json!([mode])).await;
        let line = |list: &Value| list.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        assert_eq!(field_ends(&line(&list)), field_ends(&line(&expected["result"])), "{mode}: {}", line(&list));
    }
}

#[tokio::test]
async fn the_list_is_in_the_order_of_the_nodes_memory() {
    let network = network(CHAIN, 30);
    let server = serve(&network, None).await;
    let reversed = |key: &str| -> Vec<u8> { key.as_bytes()[10..74].chunks(2).rev().flatten().copied().collect() };
    for text in [
        recorded(CHAIN, &format!("{FULL}/masternodelist_status.json")),
        call(&server, "masternodelist", json!(["status"])).await.text(),
    ] {
        let keys: Vec<&str> = text.split('"').filter(|part| part.starts_with("COutPoint(")).collect();
        assert!(keys.len() >= 3 && keys.is_sorted_by_key(|key| reversed(key)), "{keys:?}");
    }
}

#[tokio::test]
async fn masternode_calls_have_the_recorded_keys_types_and_order() {
    let (network, server) = three().await;
    for (file, params) in [
        ("masternode_count", json!(["count"])),
        ("masternode_count_all", json!(["count", "all"])),
        ("masternode_count_enabled", json!(["count", "enabled"])),
        ("masternode_count_qualify", json!(["count", "qualify"])),
        ("masternode_count_ps", json!(["count", "ps"])),
        ("masternode_winners", json!(["winners"])),
        ("masternode_winners_3", json!(["winners", "3"])),
    ] {
        check(&server, CHAIN, &format!("{FULL}/{file}.json"), ("masternode", params), &[]).await;
    }
    let tip = network.tip().0;
    let winners = result(&server, "masternode", json!(["winners", "3"])).await;
    let mut heights: Vec<u32> = winners.as_object().unwrap().keys().map(|key| key.parse().unwrap()).collect();
    heights.sort_unstable();
    assert_eq!(heights, (tip - 3..tip + 20).collect::<Vec<u32>>());
    assert_eq!(winners[(tip + 11).to_string()], "Unknown", "votes are cast for ten blocks ahead");
    let line = |height: u32| match network.votes(height).as_slice() {
        [] => "Unknown".to_owned(),
        [(address, votes)] => format!("{address}:{votes}"),
        several => panic!("no voter dissents: {several:?}"),
    };
    for height in heights {
        assert_eq!(winners[height.to_string()], json!(line(height)));
    }
    assert!((tip + 1..=tip + 10).any(|height| line(height).ends_with(":3")), "three voters");
    check(&server, CHAIN, &format!("{FULL}/mnsync_status.json"), ("mnsync", json!(["status"])), &[]).await;
    for file in ["show", "active"] {
        check_exactly(&server, CHAIN, &format!("{EMPTY}/spork_{file}.json"), ("spork", json!([file]))).await;
    }
}

#[tokio::test]
async fn current_and_winner_are_objects_or_unknown() {
    let network = network(CHAIN, 30);
    let server = serve(&network, None).await;
    let tip = network.tip().0;
    for (name, height) in [("current", tip + 1), ("winner", tip + 10)] {
        let file = format!("regtest-3mn-enabled-no-votes/masternode_{name}.json");
        let answer = check(&server, CHAIN, &file, ("masternode", json!([name])), &[]).await;
        let elected = network.queue(height).elected.expect("30 nodes have a queue");
        assert_eq!(answer["height"], json!(height));
        assert!(answer["outpoint"].as_str().unwrap().contains(elected.split_once('-').unwrap().0));
    }
    // No masternode is enabled on a network whose nodes have been silent for two hours.
    for id in network.masternodes() {
        network.act(&Action::GoOffline { masternode: id }).expect("known");
    }
    network.advance(std::time::Duration::from_secs(7_200));
    for name in ["current", "winner"] {
        let file = format!("{FULL}/masternode_{name}.json");
        check_exactly(&server, CHAIN, &file, ("masternode", json!([name]))).await;
    }
    let all = result(&server, "masternode", json!(["count", "all"])).await;
    assert_eq!(all, "Total: 30 (Enabled: 0 / Qualify: 0)");
}

#[tokio::test]
async fn only_collaterals_can_be_queried() {
    let (network, server) = three().await;
    let first = facts(&network, &network.masternodes()[0]);
    let (txid, index) = first.masternode.split_once('-').expect("txid-n");
    let index: u32 = index.parse().unwrap();
    let output = ("gettxout", json!([txid, index]));
    let answer = check(&server, CHAIN, &format!("{FULL}/gettxout_mn1.json"), output.clone(), &[]).await;
    assert_eq!(answer["confirmations"], json!(network.tip().0 + 1 - first.collateral_height));
    assert_eq!(answer["value"], json!(100_000.0));
    assert_eq!(answer["scriptPubKey"]["addresses"][0], json!(first.payout));
    assert_eq!(result(&server, "gettxout", json!([txid, index + 1])).await, Value::Null);
    network.act(&Action::SpendCollateral { masternode: first.masternode }).expect("known");
    assert_eq!(result(&server, output.0, output.1).await, Value::Null);
}

#[tokio::test]
async fn a_masternode_reports_its_own_status() {
    let network = network(CHAIN, 3);
    let server = serve(&network, Some(network.masternodes().remove(1))).await;
    let file = "regtest-3mn-enabled-masternode-side/masternode_status.json";
    let answer = check(&server, CHAIN, file, ("masternode", json!(["status"])), &[]).await;
    assert_eq!(answer["status"], "Masternode successfully started");
    assert_eq!(answer["service"], json!(facts(&network, &network.masternodes()[1]).service));
}

#[tokio::test]
async fn refusals_are_word_for_word_those_of_the_daemon() {
    let (_, server) = three().await;
    for (file, method, params) in [
        ("errors/method_not_found", "nosuch", json!([])),
        ("errors/masternode_status_on_plain_node", "masternode", json!(["status"])),
        ("regtest-empty-synced/getinfo", "getinfo", json!([])),
        ("regtest-empty-synced/listmasternodes", "listmasternodes", json!([])),
        ("regtest-empty-synced/getmasternodecount", "getmasternodecount", json!([])),
        ("regtest-empty-synced/masternodelist_json", "masternodelist", json!(["json"])),
        ("regtest-empty-synced/masternode_winners_int3", "masternode", json!(["winners", 3])),
    ] {
        check_exactly(&server, CHAIN, &format!("{file}.json"), (method, params)).await;
    }
    let text = |name: &str| recorded(CHAIN, &format!("help/{name}.txt"));
    for (method, params) in [("masternode", json!([])), ("masternode", json!(["nosuch"])), ("getblockhash", json!([]))]
    {
        let answer = call(&server, method, params).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (500, &json!(-1)));
        assert_eq!(answer.json()["error"]["message"], json!(text(method)));
    }
    let parse = post(&server, "user:password", "not JSON").await;
    assert_eq!(parse.json(), serde_json::from_str::<Value>(&recorded(CHAIN, "errors/parse_error.json")).unwrap());
    assert_eq!(parse.status, status(CHAIN, "errors/parse_error.json"));
    let wrong = post(&server, "user:wrong", "{}").await;
    assert_eq!((wrong.status, wrong.body.len()), (status(CHAIN, "errors/_wrong_password"), 0));
    server.faults().set(Fault::WarmUp("Loading wallet...".to_owned()));
    check_exactly(&server, CHAIN, "errors/warming_up.json", ("getblockcount", json!([]))).await;
}

#[tokio::test]
async fn a_batch_answers_200_whatever_is_inside() {
    let (network, server) = three().await;
    let body = json!([{ "method": "getblockcount", "id": 1 }, { "method": "nosuch", "id": 2 }]).to_string();
    let answer = post(&server, "user:password", &body).await;
    let mut expected: Value = serde_json::from_str(&recorded(CHAIN, "errors/batch_with_one_failure.json")).unwrap();
    expected[0]["result"] = json!(network.tip().0);
    assert_eq!((answer.status, answer.json()), (200, expected));
}

#[tokio::test]
async fn faults_work_as_on_a_dash_network() {
    let network = Network::new(Options { enforced: true, ..Options::regtest(CHAIN, 30) }).expect("valid");
    let server = serve(&network, None).await;
    let height = network.tip().0;
    let sporks = result(&server, "spork", json!(["active"])).await;
    assert_eq!(sporks["SPORK_8_MASTERNODE_PAYMENT_ENFORCEMENT"], json!(true));
    server.faults().set(Fault::NotSynced);
    check(&server, CHAIN, "regtest-syncing/mnsync_status.json", ("mnsync", json!(["status"])), &[]).await;
    assert_eq!(result(&server, "mnsync", json!(["status"])).await["AssetID"], 2);
    assert_eq!(result(&server, "masternode", json!(["count", "qualify"])).await, 0);
    server.faults().set(Fault::Bitcoin);
    assert_eq!(call(&server, "masternode", json!(["count"])).await.status, 404);
    server.faults().set(Fault::LyingHeight(5));
    assert_eq!(result(&server, "getblockcount", json!([])).await, json!(height + 5));
    server.faults().set(Fault::FrozenAt(height - 1));
    network.mine(3);
    assert_eq!(result(&server, "getblockcount", json!([])).await, json!(height - 1));
    server.faults().clear();
    server.set_lag(2);
    assert_eq!(result(&server, "getblockcount", json!([])).await, json!(height + 1));
    server.set_lag(0);
    assert_eq!(result(&server, "getblockcount", json!([])).await, json!(height + 3));
}
