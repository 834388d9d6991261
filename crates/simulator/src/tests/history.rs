//! Lists of the past, differences and reorganisations, requested over the socket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::{error_code, result};
use super::network;
use crate::random::Random;
use crate::{Action, LedgerKind, Network, Options, RunningServer, Server};

type List = BTreeMap<String, Value>;

async fn list(server: &RunningServer, height: u32) -> List {
    let entries = result(server, "protx", json!(["list", "registered", true, height])).await;
    let named = |entry: &Value| {
        let mut entry = entry.clone();
        let object = entry.as_object_mut().expect("an entry");
        // Current values are not part of the list.
        object.remove("confirmations");
        object.remove("metaInfo");
        (entry["proTxHash"].as_str().expect("a hash").to_owned(), entry)
    };
    entries.as_array().expect("a list").iter().map(named).collect()
}

fn apply(mut list: List, diff: &Value) -> List {
    for removed in diff["removedMNs"].as_array().expect("removed") {
        assert!(list.remove(removed.as_str().expect("a hash")).is_some(), "{removed} was listed");
    }
    for added in diff["addedMNs"].as_array().expect("added") {
        list.insert(added["proTxHash"].as_str().expect("a hash").to_owned(), added.clone());
    }
    for update in diff["updatedMNs"].as_array().expect("updated") {
        for (hash, fields) in update.as_object().expect("one node") {
            let state = &mut list.get_mut(hash).expect("an updated node is listed")["state"];
            for (name, value) in fields.as_object().expect("fields") {
                state[name] = value.clone();
            }
        }
    }
    // A diff of v23.1 reports a new address by `service` only, and omits that an operator's payout was wiped.
    for entry in list.values_mut() {
        let state = entry["state"].as_object_mut().expect("a state");
        state.remove("addresses");
        state.remove("operatorPayoutAddress");
    }
    list
}

fn comparable(list: List) -> List {
    apply(list, &json!({ "removedMNs": [], "addedMNs": [], "updatedMNs": [] }))
}

/// Most blocks have events.
fn random_actions(network: &Network, random: &mut Random) -> Vec<Action> {
    let nodes = network.masternodes();
    let mut actions = Vec::new();
    for _ in 0..random.below(4) {
        let masternode = nodes[random.below(nodes.len())].clone();
        let facts = network.masternode(&masternode).expect("listed");
        let has_key = facts.operator_key.bytes().any(|digit| digit != b'0');
        actions.push(match random.below(9) {
            0 | 1 => Action::FailDkg { masternode, commitments: 1 + random.below(2), quorum_type: None },
            2 | 3 if has_key => Action::Revive { masternode },
            4 if has_key => Action::ChangeAddress { masternode },
            5 => Action::ChangePayout { masternode },
            6 => Action::Revoke { masternode, reason: 1 },
            7 => Action::ChangeOperatorKey { masternode },
            8 if nodes.len() > 8 => Action::SpendCollateral { masternode },
            _ => Action::Register { evo: random.chance(0.3), with_address: random.chance(0.8) },
        });
        // An action of this block may invalidate a later one.
        if matches!(actions.last(), Some(Action::Revoke { .. } | Action::SpendCollateral { .. })) {
            break;
        }
    }
    actions
}

#[tokio::test]
async fn a_list_plus_a_diff_is_the_later_list_on_random_chains() {
    for seed in 0..6 {
        let network = Network::new(Options { seed, failure_rate: 0.02, ..Options::default() }).expect("valid");
        let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
        let mut random = Random::of(&[seed, 77]);
        let start = network.tip().0;
        let mut seen = BTreeMap::from([(start, list(&server, start).await)]);
        for _ in 0..60 {
            let actions = random_actions(&network, &mut random);
            network.mine_with(&actions).expect("chosen to be allowed");
            let height = network.tip().0;
            seen.insert(height, list(&server, height).await);
        }
        for (height, then) in &seen {
            assert_eq!(list(&server, *height).await, *then, "seed {seed}: the list of {height} is remembered");
        }
        for _ in 0..40 {
            let base = start + u32::try_from(random.below(61)).expect("small");
            let target = start + u32::try_from(random.below(61)).expect("small");
            let diff = result(&server, "protx", json!(["listdiff", base, target.to_string()])).await;
            assert_eq!((&diff["baseHeight"], &diff["blockHeight"]), (&json!(base), &json!(target)));
            let expected = comparable(seen[&target].clone());
            assert_eq!(apply(seen[&base].clone(), &diff), expected, "seed {seed}: {base} to {target}");
        }
    }
}

#[tokio::test]
async fn a_reorganisation_reverts_events_and_diffs_cross_branches() {
    let network = network();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let node = network.masternodes().remove(0);
    let decaying = Action::FailDkg { masternode: network.masternodes().remove(1), commitments: 1, quorum_type: None };
    network.mine_with(&[decaying]).expect("allowed");
    network.mine(2);
    let (fork, fork_hash) = network.tip();
    let before = list(&server, fork).await;
    let fail = Action::FailDkg { masternode: node.clone(), commitments: 2, quorum_type: None };
    network.mine_with(&[fail, Action::Register { evo: false, with_address: true }]).expect("allowed");
    network.mine(1);
    let (height, abandoned) = network.tip();
    let old = list(&server, height).await;
    network.reorg(2, &[Vec::new(), Vec::new(), Vec::new()]).expect("kept");
    assert_eq!(network.tip().0, height + 1);
    assert_eq!(network.masternode(&node).expect("listed").score, 0);
    let decayed = network.masternode(&network.masternodes()[1]).expect("listed").score;
    assert_eq!(decayed, 66 - 2 - 3, "two blocks before the fork, three after it");
    assert_eq!(list(&server, fork).await, before);
    let banned = |kind: LedgerKind| matches!(kind, LedgerKind::Ban { .. } | LedgerKind::Registration);
    assert!(!network.ledger().iter().any(|entry| banned(entry.kind)), "abandoned blocks are not in the ledger");
    let header = result(&server, "getblockheader", json!([abandoned])).await;
    assert_eq!(header["confirmations"], json!(-1));
    let (_, tip) = network.tip();
    let new = list(&server, height + 1).await;
    let diff = result(&server, "protx", json!(["listdiff", abandoned, tip])).await;
    assert_eq!(apply(old, &diff), comparable(new.clone()));
    let diff = result(&server, "protx", json!(["listdiff", fork_hash, tip])).await;
    assert_eq!(apply(before, &diff), comparable(new));
}

#[tokio::test]
async fn a_reorganisation_of_the_same_actions_has_other_hashes_and_the_same_scores() {
    let network = network();
    let node = network.masternodes().remove(0);
    let fail = Action::FailDkg { masternode: node.clone(), commitments: 1, quorum_type: None };
    let first = network.mine_with(std::slice::from_ref(&fail)).expect("allowed");
    let facts = network.masternode(&node);
    network.reorg(1, &[vec![fail]]).expect("kept");
    assert_ne!(network.tip().1, first);
    assert_eq!(network.masternode(&node), facts);
    assert!(network.reorg(100, &[]).is_err(), "deeper than what is kept");
}

#[tokio::test]
async fn the_number_of_kept_blocks_is_limited() {
    let network = Network::new(Options { history: 20, ..Options::default() }).expect("valid");
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let (_, first) = network.tip();
    network.mine(50);
    let height = network.tip().0;
    assert_eq!(list(&server, height - 20).await.len(), 12);
    assert_eq!(error_code(&server, "protx", json!(["list", "registered", true, height - 21])).await, -8);
    assert_eq!(error_code(&server, "protx", json!(["listdiff", first, height])).await, -1);
    assert_eq!(error_code(&server, "protx", json!(["listdiff", height, height + 1])).await, -1);
}

#[tokio::test]
async fn a_decay_is_in_the_diff_even_if_the_node_changes_later() {
    let network = network();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let node = network.masternodes().remove(0);
    network
        .mine_with(&[Action::FailDkg { masternode: node.clone(), commitments: 1, quorum_type: None }])
        .expect("allowed");
    network.mine(65);
    let (base, _) = network.tip();
    network.mine(1);
    network.mine_with(&[Action::ChangePayout { masternode: node.clone() }]).expect("allowed");
    let diff = result(&server, "protx", json!(["listdiff", base, base + 2])).await;
    let updates = diff["updatedMNs"].as_array().expect("updates");
    let fields = updates.iter().find_map(|update| update.get(&node)).expect("the node changed");
    assert_eq!(fields["PoSePenalty"], json!(0), "it was 1 at the base");
    assert!(fields["payoutAddress"].is_string());
}
