//! Sources that lie about their tip, lie behind what was followed, or do not answer: the network is followed again.

use std::time::{Duration, Instant};

use domain::EventKind;
use simulator::{Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;
use crate::support::relay::Node;
use crate::support::sides::{Fork, mine_to, network, part, sides};

const GAP: &str = "masternode_exporter_gap_blocks_total";

/// Longer than a test.
const LONG: Duration = Duration::from_secs(900);

#[tokio::test]
async fn after_stale_after_a_lower_source_on_another_branch_is_followed() {
    let (wrong, right) = sides(540);
    part(&wrong, &right);
    let victim = wrong.masternodes()[1].clone();
    wrong.mine_with(&[fail(&victim, 1)]).unwrap();
    wrong.mine(5);
    right.mine(1);
    for (stale_after, is_followed) in [(LONG, false), (Duration::ZERO, true)] {
        let nodes = vec![(wrong.clone(), Node::old()), (right.clone(), Node::old())];
        let mut fork = Fork::with_stale_after(nodes, stale_after).await;
        fork.relays[1].set(|node| node.down = true);
        fork.look().await;
        assert_eq!(fork.height(), Some(wrong.tip().0));
        fork.relays[0].set(|node| node.down = true);
        fork.relays[1].set(|node| node.down = false);
        fork.look().await;
        fork.look().await;
        assert_eq!(fork.hash() == Some(right.tip().1), is_followed, "{:?}", fork.height());
        if is_followed {
            let events = fork.snapshot().unwrap().recent_events().to_vec();
            assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Penalty { .. })), "{events:?}");
        }
    }
}

#[tokio::test]
async fn a_source_that_claims_a_tip_far_ahead_is_neither_preferred_nor_followed() {
    let honest = network();
    mine_to(&honest, 540);
    let liar = Node { ahead: 1_000_000, ..Node::old() };
    let mut fork = Fork::with_stale_after(vec![(honest.clone(), Node::old()), (honest.clone(), liar)], LONG).await;
    for _ in 0..3 {
        let page = fork.look().await;
        assert_eq!(fork.height(), Some(honest.tip().0));
        page.expect(GAP, &[], 0.0);
        honest.mine(1);
    }
    fork.look().await;
    fork.relays[0].set(|node| node.down = true);
    let page = fork.look().await;
    assert_eq!(fork.height(), Some(honest.tip().0), "it does not know our block");
    page.expect(GAP, &[], 0.0);
    fork.restart().await;
    let page = fork.look().await;
    assert_eq!(fork.height(), None, "it does not know the recorded block");
    page.expect(GAP, &[], 0.0);
    fork.relays[0].set(|node| node.down = false);
    fork.look().await;
    assert_eq!(fork.height(), Some(honest.tip().0));
}

#[tokio::test]
async fn a_tip_of_a_far_future_is_not_followed_at_the_start() {
    let nodes = vec![(network(), Node { time: Some(u64::from(u32::MAX)), ..Node::old() })];
    let mut fork = Fork::with_stale_after(nodes, LONG).await;
    fork.look().await;
    assert_eq!(fork.height(), None);
    fork.relays[0].set(|node| node.time = None);
    fork.look().await;
    assert!(fork.height().is_some());
}

#[tokio::test]
async fn a_standby_that_cannot_be_followed_confirms_no_list() {
    let mut stage = Stage::new(Options::default(), 2).await;
    stage.network.mine(2);
    stage.poll().await;
    let confirmed = stage.state().confirmed.unwrap();
    stage.servers[0].handle().faults().set(Fault::Busy);
    stage.servers[1].handle().set_lag(1);
    for _ in 0..12 {
        stage.poll().await;
    }
    assert_eq!(stage.state().confirmed, Some(confirmed));
    stage.servers[1].handle().set_lag(0);
    stage.poll().await;
    assert!(stage.state().confirmed.unwrap().uptime > confirmed.uptime);
}

#[tokio::test]
async fn standbys_that_do_not_answer_delay_the_first_list_together_not_one_after_another() {
    let mut stage = Stage::new(Options::default(), 6).await;
    for server in &stage.servers[1..] {
        server.handle().faults().set(Fault::Hang);
    }
    let (mut states, begun) = (stage.states(), Instant::now());
    tokio::select! {
        state = states.wait_for(|state| state.snapshot.is_some()) => drop(state.unwrap()),
        () = stage.poll() => {}
    }
    assert!(stage.snapshot().is_some());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_block_of_the_past_is_filled_in_once_the_node_says_what_happened_in_it() {
    for method in ["getspecialtxes", "quorum"] {
        let life = |network: &simulator::Network| {
            for block in 0..20 {
                network.mine_with(&[fail(&network.masternodes()[block % 12], 1)]).unwrap();
            }
        };
        let mut stage = Stage::recording_after(life, |settings| settings.backfill_blocks = 12).await;
        stage.servers[0].handle().faults().set_for(Fault::Busy, &[method]);
        for _ in 0..4 {
            stage.fill(3).await;
        }
        stage.servers[0].handle().faults().clear();
        stage.poll().await;
        assert!(!stage.fill(60).await);
        let tip = stage.network.tip().0;
        ledger::assert_kept(&stage.history(), &stage.network, tip + 1 - 12);
        for kept in ledger::kept(&stage.history()) {
            let is_known = match &kept.event.kind {
                EventKind::Penalty { quorums, .. } => !quorums.is_empty(),
                EventKind::Payment { amount, .. } => amount.is_some(),
                _ => true,
            };
            assert!(is_known, "{method}: {:?}", kept.event);
        }
    }
}
