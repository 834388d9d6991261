//! PRCYcoin: answers compared with recorded ones, ranks and payments by its code.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::shape::{check, check_exactly, shape, status};
use super::{facts, network, recorded, serve};
use crate::legacy::{Action, Chain, LedgerKind, Network, Options};
use crate::tests::client::{call, post, result};

const CHAIN: Chain = Chain::Prcycoin;
const EMPTY: &str = "regtest-empty-height120";

#[tokio::test]
async fn answers_have_the_recorded_keys_types_and_order() {
    let network = network(CHAIN, 5);
    let server = serve(&network, None).await;
    for (name, method, params) in [
        ("getblockchaininfo", "getblockchaininfo", json!([])),
        ("getnetworkinfo", "getnetworkinfo", json!([])),
        ("getinfo", "getinfo", json!([])),
        ("getversion", "getversion", json!([])),
        ("getblockcount", "getblockcount", json!([])),
        ("getmasternodecount", "getmasternodecount", json!([])),
        ("masternode_count", "masternode", json!(["count"])),
        ("getmasternodewinners", "getmasternodewinners", json!([])),
        ("getmasternodewinners_3", "getmasternodewinners", json!(["3"])),
        ("masternode_winners_3", "masternode", json!(["winners", "3"])),
        ("mnsync_status", "mnsync", json!(["status"])),
    ] {
        // Several winners of a height are an array, which was not recorded from the empty network.
        check(&server, CHAIN, &format!("{EMPTY}/{name}.json"), (method, params), &["winner: array", "winner[]"]).await;
    }
    assert_eq!(result(&server, "getnetworkinfo", json!([])).await["subversion"], "/PRCY:2.0.0.6/");
    let counts = result(&server, "getmasternodecount", json!([])).await;
    assert_eq!((&counts["total"], &counts["enabled"], &counts["stable"]), (&json!(5), &json!(5), &json!(5)));
    let (height, tip) = network.tip();
    assert_eq!(result(&server, "getbestblockhash", json!([])).await, json!(tip));
    let header = result(&server, "getblockheader", json!([tip])).await;
    assert_eq!((&header["height"], &header["time"]), (&json!(height), &json!(network.tip_time())));
}

#[tokio::test]
async fn refusals_are_word_for_word_those_of_the_daemon() {
    let network = network(CHAIN, 3);
    let server = serve(&network, None).await;
    for (file, method, params) in [
        ("errors/method_not_found", "nosuch", json!([])),
        ("errors/masternode_status_on_plain_node", "masternode", json!(["status"])),
        ("regtest-empty-height120/masternodelist", "masternodelist", json!([])),
        ("regtest-empty-height120/getmasternodestatus", "getmasternodestatus", json!([])),
        ("regtest-empty-height120/protx_list", "protx", json!(["list"])),
        ("regtest-empty-height120/spork_show", "spork", json!(["show"])),
        ("regtest-empty-height120/masternode", "masternode", json!([])),
        ("regtest-empty-height120/getmasternodewinners_int3", "getmasternodewinners", json!([3])),
        ("regtest-empty-height120/getmasternodescores_int3", "getmasternodescores", json!([3])),
    ] {
        check_exactly(&server, CHAIN, &format!("{file}.json"), (method, params)).await;
    }
    let wrong = post(&server, "user:wrong", "{}").await;
    assert_eq!((wrong.status, wrong.body.len()), (status(CHAIN, "errors/_wrong_password"), 0));
    let missing = call(&server, "getblockhash", json!([])).await;
    assert_eq!(missing.json()["error"]["message"], json!(recorded(CHAIN, "help/getblockhash.txt")));
    for node in network.masternodes() {
        network.act(&Action::GoOffline { masternode: node }).expect("known");
    }
    network.advance(std::time::Duration::from_secs(8_000));
    for (file, method, params) in [
        ("masternodecurrent", "masternodecurrent", json!([])),
        ("masternode_current", "masternode", json!(["current"])),
        ("listmasternodes", "listmasternodes", json!([])),
        ("masternode_list", "masternode", json!(["list"])),
        ("masternode_list_full", "masternode", json!(["list", "full"])),
        ("listmasternodes_ENABLED", "listmasternodes", json!(["ENABLED"])),
        ("getmasternodecount", "getmasternodecount", json!([])),
        ("getmasternodescores", "getmasternodescores", json!([])),
        ("masternode_calcscore", "masternode", json!(["calcscore"])),
    ] {
        check_exactly(&server, CHAIN, &format!("{EMPTY}/{file}.json"), (method, params)).await;
    }
}

#[tokio::test]
async fn the_filled_list_has_the_fields_of_the_source() {
    let network = network(CHAIN, 5);
    let server = serve(&network, Some(network.masternodes().remove(2))).await;
    let fields = [
        ("rank", "integer"),
        ("network", "string"),
        ("txhash", "string"),
        ("outidx", "integer"),
        ("pubkey", "string"),
        ("status", "string"),
        ("addr", "string"),
        ("stealthaddress", "string"),
        ("version", "integer"),
        ("lastseen", "integer"),
        ("activetime", "integer"),
        ("lastpaid", "integer"),
    ];
    let answer = call(&server, "listmasternodes", json!([])).await;
    let mut expected = vec![": object".to_owned(), ".result: array".to_owned(), ".result[]: object".to_owned()];
    expected.extend(fields.iter().map(|(name, kind)| format!(".result[].{name}: {kind}")));
    expected.extend([".error: null".to_owned(), ".id: string".to_owned()]);
    assert_eq!(shape(&answer.text()), expected);
    let list = answer.json()["result"].take();
    let ranks: Vec<u64> = list.as_array().unwrap().iter().map(|entry| entry["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 3, 4, 5]);
    let txid = list[3]["txhash"].as_str().unwrap();
    assert_eq!(result(&server, "listmasternodes", json!([&txid[5..40]])).await, json!([list[3]]));
    assert_eq!(result(&server, "listmasternodes", json!(["EXPIRED"])).await, json!([]));
    let current = result(&server, "masternodecurrent", json!([])).await;
    assert_eq!(current["protocol"], json!(70_915));
    let own = result(&server, "masternode", json!(["status"])).await;
    assert_eq!((&own["status"], &own["message"]), (&json!(4), &json!("Masternode successfully started")));
}

#[tokio::test]
async fn an_expired_node_has_no_rank_and_the_others_move_up() {
    let network = network(CHAIN, 5);
    let server = serve(&network, None).await;
    let node = network.masternodes().remove(1);
    network.act(&Action::GoOffline { masternode: node.clone() }).expect("known");
    let seen = facts(&network, &node).seen;
    super::advance_to(&network, seen + 7_200);
    let list = result(&server, "listmasternodes", json!([])).await;
    let reported: Vec<(u64, &str)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["rank"].as_u64().unwrap(), entry["status"].as_str().unwrap()))
        .collect();
    assert_eq!(reported, [(1, "ENABLED"), (2, "ENABLED"), (3, "ENABLED"), (4, "ENABLED"), (0, "EXPIRED")]);
    network.advance(std::time::Duration::from_secs(660));
    assert_eq!(result(&server, "listmasternodes", json!([])).await.as_array().map(Vec::len), Some(4));
    assert_eq!(result(&server, "getmasternodecount", json!([])).await["total"], json!(4));
}

fn number(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn twice(text: &[u8]) -> Vec<u8> {
    Sha256::digest(Sha256::digest(text)).iter().rev().copied().collect()
}

/// The distance of the two hashes as a big-endian number; output numbers up to 1 only.
fn score(txid: &str, index: u8, block: &str) -> Vec<u8> {
    let block: Vec<u8> = number(block).into_iter().rev().collect();
    let mut named: Vec<u8> = number(txid).into_iter().rev().collect();
    assert!(named[0] < 255, "no carry in this test");
    named[0] += index;
    let (one, other) = (twice(&[block.clone(), named].concat()), twice(&block));
    let (large, small) = if one > other { (one, other) } else { (other, one) };
    let mut borrow = 0;
    let mut digits: Vec<u8> = Vec::new();
    for (high, low) in large.iter().rev().zip(small.iter().rev()) {
        let digit = 256 + i32::from(*high) - i32::from(*low) - borrow;
        borrow = i32::from(digit < 256);
        digits.push((digit % 256).try_into().expect("a byte"));
    }
    digits.reverse();
    digits
}

#[test]
fn a_score_is_the_distance_between_two_hashes() {
    // Computed with other implementations of SHA-256 and of large numbers.
    let txid = "4103e6a4af66c1c8bc9b007caa23d0b5be67f013632d5e9b885737b487ae7e35";
    let block = "000c19a367a0146676af34f38dff188f87a49ef452dc44d3ced8a0521c6d094c";
    assert_eq!(score(txid, 1, block), number("5c6abb6a1c777f6714e5daafdc868b82a36a7f66c9ebdf34e4e13dbe6be0a547"));
}

#[tokio::test]
async fn rank_1_is_the_largest_distance_over_the_block_below_the_tip_and_is_paid_next() {
    let network = network(CHAIN, 12);
    let server = serve(&network, None).await;
    for _ in 0..70 {
        let tip = network.tip().0;
        let block = network.block_hash(tip - 1).expect("a block");
        let list = result(&server, "listmasternodes", json!([])).await;
        let mut nodes: Vec<(String, u8, String)> = Vec::new();
        for entry in list.as_array().unwrap() {
            let index: u8 = entry["outidx"].as_u64().and_then(|index| index.try_into().ok()).expect("0 or 1");
            let txid = entry["txhash"].as_str().unwrap();
            nodes.push((txid.to_owned(), index, format!("{txid}-{index}")));
        }
        // All but the 23 highest bits are truncated, which makes no difference among twelve.
        let best: Vec<Vec<u8>> = nodes.iter().map(|(txid, index, _)| score(txid, *index, &block)).collect();
        assert!(best.is_sorted_by(|one, other| one >= other));
        network.mine(1);
        let paid: Vec<String> = network
            .ledger_since(tip + 1)
            .into_iter()
            .filter(|entry| matches!(entry.kind, LedgerKind::Paid { .. }))
            .map(|entry| entry.masternode)
            .collect();
        let audit = (tip + 1).is_multiple_of(60);
        assert_eq!(paid, if audit { Vec::new() } else { vec![nodes[0].2.clone()] });
    }
}

#[test]
fn payments_are_uniform_over_the_enabled_nodes() {
    let network = network(CHAIN, 10);
    network.mine(2_000);
    let mut paid: BTreeMap<String, u32> = BTreeMap::new();
    for entry in network.ledger_since(network.tip().0 - 1_999) {
        if matches!(entry.kind, LedgerKind::Paid { .. }) {
            *paid.entry(entry.masternode).or_default() += 1;
        }
    }
    // Of 1967 payments each node expects 197 with a deviation of 13.
    assert!(paid.len() == 10 && paid.values().all(|count| (137..257).contains(count)), "{paid:?}");
}

#[tokio::test]
async fn winners_are_voters_under_the_stealth_address_of_their_owner() {
    let options = Options { shared_payouts: 0.6, ..Options::regtest(CHAIN, 40) };
    let network = Network::new(options).expect("valid");
    let server = serve(&network, None).await;
    network.mine(30);
    let list = result(&server, "listmasternodes", json!([])).await;
    let stealth: BTreeSet<&str> =
        list.as_array().unwrap().iter().map(|entry| entry["stealthaddress"].as_str().unwrap()).collect();
    assert!(stealth.len() < 30, "owners with several nodes: {}", stealth.len());
    let addresses: BTreeSet<&str> =
        list.as_array().unwrap().iter().map(|entry| entry["addr"].as_str().unwrap()).collect();
    assert_eq!(addresses.len(), 40);
    let winners = result(&server, "getmasternodewinners", json!(["10"])).await;
    let tip = network.tip().0;
    let voted = winners.as_array().unwrap().iter().find(|entry| entry["nHeight"] == json!(tip + 10)).expect("T + 10");
    let several = voted["winner"].as_array().expect("ten voters have several owners");
    let votes: u64 = several.iter().map(|winner| winner["nVotes"].as_u64().unwrap()).sum();
    assert_eq!(votes, 10);
    assert!(several.iter().all(|winner| stealth.contains(winner["address"].as_str().unwrap().trim())));
    assert!(several[1]["address"].as_str().unwrap().starts_with(' '), "cut at commas only");
    let twice: Vec<&Value> = several.iter().filter(|winner| winner["nVotes"].as_u64() >= Some(2)).collect();
    assert!(!twice.is_empty(), "some owner has two of ten voters");
}

#[tokio::test]
async fn last_paid_is_a_block_time_with_two_votes_and_a_small_offset() {
    let network = Network::new(Options { shared_payouts: 0.6, ..Options::regtest(CHAIN, 40) }).expect("valid");
    let server = serve(&network, None).await;
    network.mine(60);
    let tip = network.tip().0;
    let mut known = 0;
    for entry in result(&server, "listmasternodes", json!([])).await.as_array().unwrap() {
        let address = entry["stealthaddress"].as_str().unwrap();
        let two = |height: &u32| network.votes(*height).iter().any(|vote| vote.0 == address && vote.1 >= 2);
        let last = (tip - 49..=tip).rev().find(two);
        let paid = entry["lastpaid"].as_u64().unwrap();
        match last {
            None => assert_eq!(paid, 0),
            Some(height) => {
                known += 1;
                let time = network.tip_time() - u64::from(tip - height) * 60;
                assert!((time..time + 150).contains(&paid), "{paid} for {time}");
            }
        }
    }
    assert!(known > 5, "{known}");
}
