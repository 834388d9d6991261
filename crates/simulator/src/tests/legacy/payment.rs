//! Queue, pool, votes and payments of Dimecoin, computed a second time from the answers of a server.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{facts, network, serve};
use crate::ServerHandle;
use crate::legacy::{Action, Chain, LedgerKind, Network, NodeState, Options};
use crate::tests::client::result;

const CHAIN: Chain = Chain::Dimecoin;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// A printed hash as it is stored.
fn stored(hex: &str) -> Vec<u8> {
    bytes(hex).into_iter().rev().collect()
}

/// Step 6 literally: read as a little-endian number, so compared from the last byte on.
fn score(txid: &str, index: u32, confirmed: &str, block: &str) -> Vec<u8> {
    let text = [stored(txid), index.to_le_bytes().to_vec(), stored(confirmed), stored(block)].concat();
    Sha256::digest(Sha256::digest(text)).iter().rev().copied().collect()
}

#[test]
fn a_score_is_the_double_hash_of_outpoint_confirming_block_and_electing_block() {
    // Computed with another implementation of SHA-256.
    let txid = "4103e6a4af66c1c8bc9b007caa23d0b5be67f013632d5e9b885737b487ae7e35";
    let confirmed = "0000e2910960dee2b7e3661e1563142c17900f24cc7e5fafa398aa0e99b3e0ab";
    let block = "000c19a367a0146676af34f38dff188f87a49ef452dc44d3ced8a0521c6d094c";
    let expected = "5cce6bf1737d0177de072f766e2e92832b2ed030e723dd9473f8b64d0fcda703";
    assert_eq!(score(txid, 1, confirmed, block), bytes(expected));
}

/// A masternode as `full` and `gettxout` show it.
struct Seen {
    txid: String,
    index: u32,
    payee: String,
    state: String,
    started: u64,
    paid: u32,
    confirmations: u32,
}

async fn seen(server: &ServerHandle) -> Vec<Seen> {
    let list = result(server, "masternodelist", json!(["full"])).await;
    let mut nodes = Vec::new();
    for (key, line) in list.as_object().expect("an object") {
        let fields: Vec<&str> = line.as_str().expect("a text").split_whitespace().collect();
        let (txid, index) = key[10..key.len() - 1].split_once(", ").expect("an outpoint");
        let index: u32 = index.parse().expect("a number");
        let output = result(server, "gettxout", json!([txid, index])).await;
        let number = |at: usize| fields[at].parse::<u64>().expect("a number");
        nodes.push(Seen {
            txid: txid.to_owned(),
            index,
            payee: fields[2].to_owned(),
            state: fields[0].to_owned(),
            started: number(3) - number(4),
            paid: fields[6].parse().expect("a height"),
            confirmations: output["confirmations"].as_u64().and_then(|number| number.try_into().ok()).expect("unspent"),
        });
    }
    nodes
}

/// The address with the most votes of a height.
fn top(winners: &Value, height: u32) -> Option<String> {
    let line = winners[height.to_string()].as_str().filter(|line| *line != "Unknown")?;
    let votes = line.split(", ").map(|entry| entry.split_once(':').expect("address and votes"));
    let votes: Vec<(&str, u32)> = votes.map(|(address, votes)| (address, votes.parse().expect("a number"))).collect();
    let most = votes.iter().map(|entry| entry.1).max()?;
    votes.iter().find(|entry| entry.1 == most).map(|entry| entry.0.to_owned())
}

/// Steps 1 to 6 for a height from the server's answers: queue, pool size, elected outpoint.
async fn worked_out(server: &ServerHandle, height: u32, now: u64) -> (Vec<String>, usize, Option<String>) {
    let mut nodes = seen(server).await;
    let count = nodes.len();
    let tip =
        result(server, "getblockcount", json!([])).await.as_u64().and_then(|tip| u32::try_from(tip).ok()).unwrap();
    let winners = result(server, "masternode", json!(["winners"])).await;
    let scheduled: Vec<String> =
        (tip..=tip + 8).filter(|other| *other != height).filter_map(|other| top(&winners, other)).collect();
    let fits = |node: &Seen, hold_out: bool| {
        node.state == "ENABLED"
            && !scheduled.contains(&node.payee)
            && (!hold_out || node.started + 156 * count as u64 <= now)
            && node.confirmations as usize >= count
    };
    let hold_out = nodes.iter().filter(|node| fits(node, true)).count() >= count / 3;
    nodes.retain(|node| fits(node, hold_out));
    nodes.sort_by_key(|node| (node.paid, stored(&node.txid), node.index));
    let pool = nodes.len().min((count / 10).max(1));
    let block = result(server, "getblockhash", json!([height - 101])).await.as_str().unwrap().to_owned();
    let mut best: Option<(Vec<u8>, String)> = None;
    for node in &nodes[..pool] {
        let confirming = tip - node.confirmations + 1 + 14;
        let confirmed = result(server, "getblockhash", json!([confirming])).await.as_str().unwrap().to_owned();
        let candidate = (score(&node.txid, node.index, &confirmed, &block), format!("{}-{}", node.txid, node.index));
        if best.as_ref().is_none_or(|best| candidate.0 > best.0) {
            best = Some(candidate);
        }
    }
    let queue = nodes.iter().map(|node| format!("{}-{}", node.txid, node.index)).collect();
    (queue, pool, best.map(|best| best.1))
}

#[tokio::test]
async fn the_voted_masternode_follows_from_the_answers_of_a_server() {
    let options = Options { shared_payouts: 0.1, young: 4, ..Options::regtest(CHAIN, 40) };
    let network = Network::new(options).expect("valid");
    let server = serve(&network, None).await;
    for round in 0..20_usize {
        if round == 5 {
            network.act(&Action::Restart { masternode: network.masternodes()[3].clone() }).expect("allowed");
            network.act(&Action::GoOffline { masternode: network.masternodes()[4].clone() }).expect("allowed");
            network.act(&Action::Register).expect("allowed");
        }
        let height = network.tip().0;
        for target in [height + 1, height + 10] {
            let (queue, pool, elected) = worked_out(&server, target, network.now()).await;
            let truth = network.queue(target);
            assert_eq!((queue, pool, elected), (truth.candidates, truth.pool, truth.elected), "round {round}");
        }
        let qualify = result(&server, "masternode", json!(["count", "qualify"])).await;
        assert_eq!(qualify, json!(worked_out(&server, height, network.now()).await.0.len()));
        network.mine(3);
    }
}

#[test]
fn votes_are_for_the_masternode_elected_ten_blocks_ahead() {
    let network = network(CHAIN, 30);
    for _ in 0..30 {
        network.mine(1);
        let target = network.tip().0 + 10;
        // IsScheduled ignores the masternode with the votes for T + 10, so the election can be repeated.
        let elected = network.queue(target).elected.expect("a queue");
        assert_eq!(network.votes(target), [(facts(&network, &elected).payout, 10)]);
        assert!(network.votes(target + 1).is_empty());
    }
}

#[test]
fn voters_that_are_off_line_do_not_vote_and_without_two_votes_a_payment_is_not_remembered() {
    let network = network(CHAIN, 3);
    let nodes = network.masternodes();
    for node in &nodes[1..] {
        network.act(&Action::GoOffline { masternode: node.clone() }).expect("known");
    }
    network.mine(40);
    let tip = network.tip().0;
    let paid: Vec<u32> = network
        .ledger_since(tip - 20)
        .into_iter()
        .filter_map(|entry| if let LedgerKind::Paid { votes } = entry.kind { Some(votes) } else { None })
        .collect();
    assert!(!paid.is_empty() && paid.iter().all(|votes| *votes <= 1), "{paid:?}");
    assert!(nodes.iter().all(|node| facts(&network, node).last_paid_height < tip - 20));
}

/// Steps 1 to 5 by hand: 20 nodes, so a node is excluded for 52 minutes and 20 confirmations, and the pool has 2.
#[test]
fn the_queue_excludes_new_young_scheduled_and_silent_masternodes() {
    let network = network(CHAIN, 20);
    let nodes = network.masternodes();
    let (restarted, silent) = (nodes[0].clone(), nodes[1].clone());
    network.act(&Action::Restart { masternode: restarted.clone() }).expect("allowed");
    let started = network.now();
    network.act(&Action::GoOffline { masternode: silent.clone() }).expect("allowed");
    network.act(&Action::Register).expect("allowed");
    let registered = network.masternodes().remove(20);
    let held_out = 156 * 21;
    super::advance_to(&network, started + held_out - 1);
    let height = network.tip().0 + 10;
    let queue = network.queue(height);
    assert_eq!(queue.pool, 2, "a tenth of 21, rounded down");
    assert!(!queue.candidates.contains(&restarted), "held out until 156 seconds for each of 21 nodes are over");
    super::advance_to(&network, started + held_out);
    let scheduled: Vec<String> =
        (network.tip().0..=network.tip().0 + 8).flat_map(|at| network.votes(at)).map(|vote| vote.0).collect();
    assert_eq!(
        network.queue(height).candidates.contains(&restarted),
        !scheduled.contains(&facts(&network, &restarted).payout)
    );
    let queue = network.queue(height);
    let payouts: Vec<String> = queue.candidates.iter().map(|node| facts(&network, node).payout).collect();
    assert!(scheduled.iter().all(|payout| !payouts.contains(payout)));
    assert!(!queue.candidates.contains(&registered), "15 confirmations are fewer than 21");
    network.advance(std::time::Duration::from_secs(900));
    assert_eq!(facts(&network, &silent).state, NodeState::Expired);
    assert!(!network.queue(height).candidates.contains(&silent));
    assert_eq!(network.queue(height).pool, 2, "the silent one still counts");
    network.mine(6);
    let tip = network.tip().0;
    assert_eq!(facts(&network, &registered).confirmations, 21);
    let queue = network.queue(tip + 10).candidates;
    assert_eq!(queue.first(), Some(&registered), "never paid comes first");
    let paid: Vec<u32> = queue.iter().map(|node| facts(&network, node).last_paid_height).collect();
    assert!(paid.is_sorted() && paid.len() > 8, "{paid:?}");
}

#[test]
fn a_network_that_restarts_as_a_whole_excludes_no_masternode() {
    let network = network(CHAIN, 30);
    for node in network.masternodes() {
        network.act(&Action::Restart { masternode: node }).expect("allowed");
    }
    network.advance(std::time::Duration::from_secs(605));
    let queue = network.queue(network.tip().0 + 10);
    assert!(queue.candidates.len() >= 30 - 9, "{}", queue.candidates.len());
}

#[test]
fn blocks_pay_the_voted_address_and_the_node_remembers_it() {
    let network = network(CHAIN, 30);
    let start = network.tip().0;
    let mut voted = BTreeMap::new();
    for _ in 0..60 {
        let next = network.tip().0 + 1;
        voted.insert(next, network.votes(next).remove(0));
        network.mine(1);
        let time = network.tip_time();
        let entries = network.ledger_since(next);
        let paid: Vec<_> = entries.iter().filter(|entry| matches!(entry.kind, LedgerKind::Paid { .. })).collect();
        assert_eq!(paid.len(), 1);
        let node = facts(&network, &paid[0].masternode);
        assert_eq!((node.last_paid_height, node.last_paid_time), (next, time));
        assert_eq!((node.payout, paid[0].kind), (voted[&next].0.clone(), LedgerKind::Paid { votes: voted[&next].1 }));
    }
    assert_eq!(network.tip().0, start + 60);
    let different: std::collections::BTreeSet<&String> = voted.values().map(|vote| &vote.0).collect();
    assert!(different.len() >= 27, "the pool of three takes nearly everybody once in two cycles: {}", different.len());
}

#[test]
fn voters_with_another_view_split_the_votes() {
    let network = Network::new(Options { dissent: 0.5, ..Options::regtest(CHAIN, 50) }).expect("valid");
    network.mine(20);
    let tip = network.tip().0;
    let split = (tip - 9..=tip + 10).filter(|height| network.votes(*height).len() > 1).count();
    assert!(split > 10, "{split}");
    for height in tip - 9..=tip + 10 {
        assert_eq!(network.votes(height).iter().map(|vote| vote.1).sum::<u32>(), 10);
    }
}
