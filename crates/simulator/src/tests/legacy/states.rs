//! States to the second, bans to the block.

use std::time::Duration;

use super::{advance_to, facts, network};
use crate::legacy::{Action, ActionError, Chain, LedgerKind, Network, NodeState};

fn state(network: &Network, masternode: &str) -> NodeState {
    facts(network, masternode).state
}

fn act(network: &Network, action: Action) {
    network.act(&action).expect("allowed");
}

#[test]
fn a_masternode_pings_about_every_ten_minutes() {
    for chain in [Chain::Dimecoin, Chain::Prcycoin] {
        let network = network(chain, 3);
        let node = network.masternodes().remove(0);
        for _ in 0..20 {
            let seen = facts(&network, &node).seen;
            advance_to(&network, seen + 599);
            assert_eq!(facts(&network, &node).seen, seen);
            advance_to(&network, seen + 605);
            assert!((seen + 600..=seen + 605).contains(&facts(&network, &node).seen));
        }
    }
}

#[test]
fn a_started_node_is_pre_enabled_until_a_ping_ten_minutes_after_its_start() {
    let network = network(Chain::Dimecoin, 3);
    let node = network.masternodes().remove(0);
    act(&network, Action::Restart { masternode: node.clone() });
    let started = network.now();
    assert_eq!((state(&network, &node), facts(&network, &node).started), (NodeState::PreEnabled, started));
    advance_to(&network, started + 599);
    assert_eq!(state(&network, &node), NodeState::PreEnabled);
    advance_to(&network, started + 605);
    assert_eq!(state(&network, &node), NodeState::Enabled);
    assert!(facts(&network, &node).seen - started >= 600);
}

#[test]
fn dimecoin_expires_after_65_minutes_for_good_and_needs_a_new_start_after_180() {
    let network = network(Chain::Dimecoin, 5);
    let node = network.masternodes().remove(0);
    act(&network, Action::GoOffline { masternode: node.clone() });
    let seen = facts(&network, &node).seen;
    advance_to(&network, seen + 65 * 60 - 1);
    assert_eq!(state(&network, &node), NodeState::Enabled);
    advance_to(&network, seen + 65 * 60);
    assert_eq!(state(&network, &node), NodeState::Expired);
    act(&network, Action::ComeBack { masternode: node.clone() });
    advance_to(&network, seen + 180 * 60 - 1);
    assert_eq!((state(&network, &node), facts(&network, &node).seen), (NodeState::Expired, seen), "pings are dropped");
    advance_to(&network, seen + 180 * 60);
    assert_eq!(state(&network, &node), NodeState::NewStartRequired);
    act(&network, Action::Restart { masternode: node.clone() });
    assert_eq!(state(&network, &node), NodeState::PreEnabled);
    let changes: Vec<NodeState> = network
        .ledger()
        .into_iter()
        .filter(|entry| entry.masternode == node)
        .filter_map(|entry| if let LedgerKind::State { to, .. } = entry.kind { Some(to) } else { None })
        .collect();
    assert_eq!(changes, [NodeState::Expired, NodeState::NewStartRequired, NodeState::PreEnabled]);
}

#[test]
fn a_node_that_returns_in_time_is_listed_again_at_once() {
    let network = network(Chain::Dimecoin, 5);
    let node = network.masternodes().remove(0);
    act(&network, Action::GoOffline { masternode: node.clone() });
    let seen = facts(&network, &node).seen;
    advance_to(&network, seen + 64 * 60);
    act(&network, Action::ComeBack { masternode: node.clone() });
    assert_eq!((state(&network, &node), facts(&network, &node).seen), (NodeState::Enabled, network.now()));
}

/// The oldest and the youngest collateral.
fn by_age(network: &Network) -> (String, String) {
    let mut nodes = network.masternodes();
    nodes.sort_by_key(|node| facts(network, node).collateral_height);
    let (old, young) = (nodes[0].clone(), nodes[nodes.len() - 1].clone());
    assert_ne!(facts(network, &old).collateral_height, facts(network, &young).collateral_height);
    (old, young)
}

#[test]
fn the_younger_of_two_at_one_address_is_banned_in_the_third_minute_and_the_older_is_not() {
    let network = network(Chain::Dimecoin, 10);
    let (old, young) = by_age(&network);
    let minute = network.now() / 60 * 60;
    act(&network, Action::Duplicate { masternode: young.clone(), of: old.clone() });
    for (moment, score) in [(minute + 60, 2), (minute + 120, 4), (minute + 179, 4)] {
        advance_to(&network, moment);
        assert_eq!((facts(&network, &young).score, facts(&network, &young).banned_until), (score, None));
    }
    advance_to(&network, minute + 180);
    assert_eq!((state(&network, &young), facts(&network, &young).score), (NodeState::PoseBan, 5));
    assert_eq!((state(&network, &old), facts(&network, &old).score), (NodeState::Enabled, 0));
}

#[test]
fn two_equally_old_nodes_at_one_address_are_both_banned_in_the_fifth_minute() {
    let network = network(Chain::Dimecoin, 5);
    act(&network, Action::Register);
    act(&network, Action::Register);
    let nodes = network.masternodes();
    let (one, other) = (nodes[5].clone(), nodes[6].clone());
    let minute = network.now() / 60 * 60;
    act(&network, Action::Duplicate { masternode: one.clone(), of: other.clone() });
    advance_to(&network, minute + 299);
    assert_eq!((facts(&network, &one).score, facts(&network, &other).score), (4, 4));
    advance_to(&network, minute + 300);
    assert_eq!((state(&network, &one), state(&network, &other)), (NodeState::PoseBan, NodeState::PoseBan));
}

#[test]
fn a_ban_at_height_b_ends_at_b_plus_n_and_one_more_point_bans_again() {
    let network = network(Chain::Dimecoin, 10);
    let (old, young) = by_age(&network);
    act(&network, Action::Duplicate { masternode: young.clone(), of: old });
    network.advance(Duration::from_secs(180));
    let banned_at = network.tip().0;
    assert_eq!(facts(&network, &young).banned_until, Some(banned_at + 10), "ten masternodes are known");
    // A later change of the number does not change the end.
    act(&network, Action::Register);
    let refused = network.act(&Action::Restart { masternode: young.clone() });
    assert_eq!(refused, Err(ActionError::Banned(young.clone())));
    network.mine(9);
    assert_eq!((network.tip().0, state(&network, &young)), (banned_at + 9, NodeState::PoseBan));
    network.mine(1);
    assert_ne!(state(&network, &young), NodeState::PoseBan);
    assert_eq!(facts(&network, &young).score, 4);
    let next_minute = network.now() / 60 * 60 + 60;
    advance_to(&network, next_minute);
    assert_eq!(state(&network, &young), NodeState::PoseBan, "still at one address");
    assert_eq!(facts(&network, &young).banned_until, Some(network.tip().0 + 11), "eleven by now");
    let bans = network.ledger().into_iter().filter(|entry| matches!(entry.kind, LedgerKind::Banned { .. })).count();
    assert_eq!(bans, 2);
}

#[test]
fn a_node_that_moves_after_its_ban_stays_unbanned() {
    let network = network(Chain::Dimecoin, 5);
    let (old, young) = by_age(&network);
    act(&network, Action::Duplicate { masternode: young.clone(), of: old });
    network.advance(Duration::from_secs(180));
    network.mine(5);
    assert_eq!(facts(&network, &young).score, 4);
    act(&network, Action::Move { masternode: young.clone() });
    assert_eq!((state(&network, &young), facts(&network, &young).score), (NodeState::PreEnabled, 0));
    network.advance(Duration::from_secs(1_300));
    assert_eq!(state(&network, &young), NodeState::Enabled);
}

#[test]
fn pings_of_a_banned_node_are_not_relayed_so_a_long_ban_ends_expired() {
    let network = network(Chain::Dimecoin, 100);
    let (old, young) = by_age(&network);
    act(&network, Action::Duplicate { masternode: young.clone(), of: old });
    let started = network.now();
    network.advance(Duration::from_secs(180));
    network.mine(100);
    assert_eq!((state(&network, &young), facts(&network, &young).seen), (NodeState::Expired, started));
}

#[test]
fn prcycoin_expires_after_120_minutes_and_removes_after_130() {
    let network = network(Chain::Prcycoin, 5);
    let node = network.masternodes().remove(0);
    act(&network, Action::GoOffline { masternode: node.clone() });
    let seen = facts(&network, &node).seen;
    advance_to(&network, seen + 120 * 60 - 1);
    assert_eq!(state(&network, &node), NodeState::Enabled);
    advance_to(&network, seen + 120 * 60);
    assert_eq!(state(&network, &node), NodeState::Expired);
    act(&network, Action::ComeBack { masternode: node.clone() });
    advance_to(&network, seen + 130 * 60 - 1);
    assert_eq!((state(&network, &node), facts(&network, &node).seen), (NodeState::Expired, seen), "pings are dropped");
    advance_to(&network, seen + 130 * 60);
    assert_eq!(state(&network, &node), NodeState::Remove);
    network.advance(Duration::from_secs(60));
    assert!(!network.masternodes().contains(&node) && !facts(&network, &node).listed);
    act(&network, Action::Restart { masternode: node.clone() });
    assert!(network.masternodes().contains(&node));
    assert_eq!(state(&network, &node), NodeState::Enabled, "there is no delay");
}

#[test]
fn a_spent_collateral_is_shown_for_less_than_a_minute() {
    for (chain, spent) in [(Chain::Dimecoin, NodeState::OutpointSpent), (Chain::Prcycoin, NodeState::VinSpent)] {
        let network = network(chain, 5);
        let node = network.masternodes().remove(2);
        act(&network, Action::SpendCollateral { masternode: node.clone() });
        assert_eq!(state(&network, &node), spent);
        network.advance(Duration::from_secs(60));
        assert_eq!(network.counts(), (4, 4));
        let refused = network.act(&Action::Restart { masternode: node.clone() });
        assert_eq!(refused, Err(ActionError::Spent(node)));
    }
}
