//! The rules of punishment, ban, revival and payment.

use super::{network, story};
use crate::{Action, ActionError, BanCause, ChangedField, LedgerEntry, LedgerKind, Network, Options, Subnet};

fn fail(masternode: &str, commitments: usize) -> Action {
    Action::FailDkg { masternode: masternode.to_owned(), commitments, quorum_type: None }
}

#[test]
fn the_first_failure_stores_the_whole_step_and_decays_from_the_next_block_on() {
    let network = network();
    let node = network.masternodes().remove(0);
    network.mine_with(&[fail(&node, 1)]).expect("allowed");
    assert_eq!(network.masternode(&node).expect("listed").score, 66);
    network.mine(1);
    assert_eq!(network.masternode(&node).expect("listed").score, 65);
    network.mine(66);
    assert_eq!(network.masternode(&node).expect("listed").score, 0, "never below zero");
}

#[test]
fn two_commitments_in_one_block_ban_from_score_zero() {
    let network = network();
    let node = network.masternodes().remove(0);
    network.mine_with(&[fail(&node, 2)]).expect("allowed");
    let (height, _) = network.tip();
    let facts = network.masternode(&node).expect("listed");
    assert_eq!((facts.score, facts.ban_height), (100, Some(height)));
    let penalty = LedgerKind::Penalty { points: 100, hits: 2, score: 100 };
    let ban = LedgerKind::Ban { cause: BanCause::Dkg, score: 100 };
    assert_eq!(story(&network, &node), [(height, penalty), (height, ban)]);
}

#[test]
fn a_failure_bans_from_the_safe_level_plus_one_and_not_below() {
    for (decay, banned) in [(31, true), (32, false)] {
        let network = network();
        let node = network.masternodes().remove(0);
        network.mine_with(&[fail(&node, 1)]).expect("allowed");
        network.mine(decay);
        // The block of the second failure decays first: 66 - 31 - 1 = 34 = 100 - 66.
        network.mine_with(&[fail(&node, 1)]).expect("allowed");
        let facts = network.masternode(&node).expect("listed");
        assert_eq!(facts.ban_height.is_some(), banned, "after {decay} blocks the score is {}", facts.score);
    }
}

#[test]
fn a_banned_node_is_frozen_and_revived_with_score_zero() {
    let network = network();
    let node = network.masternodes().remove(0);
    network.mine_with(&[fail(&node, 2)]).expect("allowed");
    let (ban_height, _) = network.tip();
    network.mine(5);
    network.mine_with(&[fail(&node, 1)]).expect("a banned node may still hold a seat");
    let facts = network.masternode(&node).expect("listed");
    assert_eq!((facts.score, facts.ban_height), (100, Some(ban_height)));
    network.mine_with(&[Action::Revive { masternode: node.clone() }]).expect("allowed");
    let facts = network.masternode(&node).expect("listed");
    assert_eq!((facts.score, facts.ban_height, facts.revived_height), (0, None, Some(network.tip().0)));
    network.mine(11);
    assert_ne!(network.masternode(&node).expect("listed").last_paid_height, network.tip().0, "waits a full cycle");
    network.mine(1);
    assert_eq!(network.masternode(&node).expect("listed").last_paid_height, network.tip().0);
}

#[test]
fn operator_bans_keep_the_score_and_wipe_the_operator() {
    let network = network();
    let nodes = network.masternodes();
    let revoke = Action::Revoke { masternode: nodes[0].clone(), reason: 2 };
    let change = Action::ChangeOperatorKey { masternode: nodes[1].clone() };
    let old_key = network.masternode(&nodes[1]).expect("listed").operator_key;
    network.mine_with(&[revoke, change]).expect("allowed");
    let revoked = network.masternode(&nodes[0]).expect("listed");
    assert_eq!((revoked.revocation_reason, revoked.score, revoked.service.as_str()), (2, 0, "[::]:0"));
    assert!(revoked.operator_key.bytes().all(|digit| digit == b'0'));
    let changed = network.masternode(&nodes[1]).expect("listed");
    assert!(changed.ban_height.is_some() && changed.operator_key != old_key);
    let refused = network.mine_with(&[Action::Revive { masternode: nodes[0].clone() }]);
    assert_eq!(refused, Err(ActionError::NoOperatorKey(nodes[0].clone())));
    network.mine_with(&[Action::ChangeOperatorKey { masternode: nodes[0].clone() }]).expect("allowed");
    network.mine_with(&[Action::Revive { masternode: nodes[0].clone() }]).expect("a new key can sign");
    let height = network.tip().0;
    let story = story(&network, &nodes[0]);
    assert!(story.contains(&(height - 2, LedgerKind::Ban { cause: BanCause::Revoked, score: 0 })));
    assert!(story.contains(&(height, LedgerKind::Change(ChangedField::Address))));
    assert!(story.contains(&(height, LedgerKind::Revival)));
}

#[test]
fn an_offline_node_fails_every_quorum_it_is_a_member_of() {
    let network = Network::new(Options { start_height: 552, ..Options::regtest(4, 3) }).expect("valid");
    let evo: Vec<String> = network
        .masternodes()
        .into_iter()
        .filter(|node| network.masternode(node).is_some_and(|facts| facts.evo))
        .collect();
    network.set_offline(&evo[0], true).expect("listed");
    network.mine(10);
    assert_eq!(network.masternode(&evo[0]).expect("listed").score, 0, "the first commitment of the window is null");
    network.mine(1);
    assert_eq!(network.tip().0, 563, "as recorded: 552, then 563");
    // It is always a member in llmq_test_platform (three of three).
    let facts = network.masternode(&evo[0]).expect("listed");
    assert!(facts.score >= 66, "{facts:?}");
    assert_eq!(network.masternode(&evo[1]).expect("listed").score, 0);
}

#[test]
fn a_network_wide_failure_punishes_no_masternode() {
    let network = Network::new(Options { start_height: 552, ..Options::regtest(4, 3) }).expect("valid");
    let nodes = network.masternodes();
    for node in &nodes[..2] {
        network.set_offline(node, true).expect("listed");
    }
    for _ in 0..24 {
        network.mine_with(&[Action::FailNetwork]).expect("allowed");
    }
    let scores: Vec<u32> = nodes.iter().filter_map(|node| network.masternode(node)).map(|facts| facts.score).collect();
    assert_eq!(scores, [0, 0, 0, 0]);
}

#[test]
fn the_queue_pays_every_valid_node_once_a_cycle() {
    let network = network();
    let expected = network.payment_queue(12);
    let start = network.tip().0;
    network.mine(12);
    let paid: Vec<String> = network
        .ledger_since(start + 1)
        .into_iter()
        .filter(|entry| entry.kind == LedgerKind::Payment)
        .map(|entry| entry.masternode)
        .collect();
    assert_eq!(paid, expected);
}

#[test]
fn nodes_registered_in_one_block_are_paid_by_their_reversed_hash() {
    let network = network();
    let known = network.masternodes();
    let register = Action::Register { evo: false, with_address: true };
    network.mine_with(&vec![register; 6]).expect("allowed");
    let new: Vec<String> = network.masternodes().into_iter().filter(|node| !known.contains(node)).collect();
    let mut by_bytes = new.clone();
    let reversed = |hash: &String| {
        let pairs: Vec<&str> = (0..32).rev().map(|index| &hash[index * 2..index * 2 + 2]).collect();
        pairs.concat()
    };
    by_bytes.sort_by_key(reversed);
    let queue: Vec<String> = network.payment_queue(100).into_iter().filter(|node| new.contains(node)).collect();
    assert_eq!(queue, by_bytes);
    let mut by_text = new;
    by_text.sort();
    assert_ne!(queue, by_text, "the seed must make the two orders differ");
}

#[test]
fn before_mn_rr_an_evo_node_is_paid_four_blocks_in_a_row() {
    let network = Network::new(Options { mn_rr_height: None, ..Options::default() }).expect("valid");
    network.mine(60);
    let payments: Vec<String> = network
        .ledger()
        .into_iter()
        .filter(|entry| entry.kind == LedgerKind::Payment)
        .map(|entry| entry.masternode)
        .collect();
    let runs: Vec<(&String, usize)> =
        payments.chunk_by(|one, other| one == other).map(|run| (&run[0], run.len())).collect();
    for (node, length) in &runs[1..runs.len() - 1] {
        let evo = network.masternode(node).expect("listed").evo;
        assert_eq!(*length, if evo { 4 } else { 1 }, "{node}");
    }
}

#[test]
fn mn_rr_cuts_a_run_short() {
    let network = Network::new(Options { mn_rr_height: Some(570), ..Options::default() }).expect("valid");
    network.mine(60);
    let nodes = network.masternodes();
    assert!(nodes.iter().filter_map(|node| network.masternode(node)).all(|facts| facts.consecutive_payments == 0));
}

#[test]
fn a_payee_that_leaves_or_is_banned_in_its_block_is_paid() {
    let network = network();
    let next = network.payment_queue(2);
    network.mine_with(&[Action::SpendCollateral { masternode: next[0].clone() }]).expect("allowed");
    assert_eq!(network.masternode(&next[0]), None);
    let of_it = |entry: &LedgerEntry| entry.masternode == next[0] && entry.height == network.tip().0;
    let kinds: Vec<LedgerKind> = network.ledger().into_iter().filter(of_it).map(|entry| entry.kind).collect();
    assert_eq!(kinds, [LedgerKind::Removal, LedgerKind::Payment]);
    network.mine_with(&[fail(&next[1], 2)]).expect("allowed");
    let facts = network.masternode(&next[1]).expect("listed");
    assert_eq!((facts.last_paid_height, facts.ban_height), (network.tip().0, Some(network.tip().0)));
}

#[test]
fn the_maximum_follows_the_registrations_of_the_blocks_before() {
    let network = Network::new(Options { start_height: 600, ..Options::regtest(110, 0) }).expect("valid");
    assert_eq!(network.limits(), (110, 72));
    network.mine_with(&[Action::Register { evo: false, with_address: false }]).expect("allowed");
    assert_eq!(network.limits(), (111, 73));
    let newest = network.masternodes().pop().expect("just registered");
    let facts = network.masternode(&newest).expect("listed");
    assert_eq!((facts.ban_height, facts.registered_height), (Some(network.tip().0), network.tip().0));
}

#[test]
fn actions_that_the_chain_does_not_allow_mine_no_block() {
    let network = network();
    let before = network.tip();
    let unknown = "00".repeat(32);
    let wrong = [
        (fail(&unknown, 1), ActionError::UnknownMasternode(unknown)),
        (
            Action::FailDkg { masternode: network.masternodes().remove(0), commitments: 1, quorum_type: Some(4) },
            ActionError::QuorumType(4),
        ),
    ];
    for (action, error) in wrong {
        assert_eq!(network.mine_with(&[action]), Err(error));
    }
    assert_eq!(network.tip(), before);
}

#[test]
fn main_rules_mine_the_rotation_42_blocks_into_its_cycle() {
    let start_height = 2_524_032 + 30;
    let options = Options { start_height, banned: 0, decaying: 0, ..Options::main(2_500) };
    assert_eq!(options.subnet, Subnet::Main);
    let network = Network::new(options).expect("valid");
    for node in network.masternodes().iter().take(1_000).step_by(10) {
        network.set_offline(node, true).expect("listed");
    }
    network.mine(11);
    let regular_before = penalties(&network, false);
    network.mine(1);
    assert_eq!(regular_before, 0, "no regular node can be punished before the window");
    assert!(penalties(&network, false) > 10, "1920 of 2500 nodes have a seat");
}

fn penalties(network: &Network, evo: bool) -> usize {
    network
        .ledger()
        .iter()
        .filter(|entry| matches!(entry.kind, LedgerKind::Penalty { .. }))
        .filter(|entry| network.masternode(&entry.masternode).is_some_and(|facts| facts.evo == evo))
        .count()
}
