//! Blocks of the older chains that the follower did not see one by one: their payments are read from the blocks all the same.

use std::path::Path;

use domain::event::{Event, EventKind};
use domain::masternode::Duffs;
use domain::payment::PaymentModel;
use masternode_exporter::history::{Order, Query, Reader};
use simulator::Fault;
use simulator::legacy::{Chain, LedgerKind, Network, Options};

use crate::legacy_scenarios::Stage;

const UNREAD: &str = "masternode_exporter_unread_payment_blocks_total";
const MISMATCHES: &str = "masternode_exporter_election_mismatches_total";
const GAP: &str = "masternode_exporter_gap_blocks_total";

/// What is read of each payment of Dimecoin.
fn payment() -> EventKind {
    EventKind::Payment { amount: Some(Duffs(693_000_000_000)), operator: Some(Duffs(0)), payees: vec![] }
}

fn of_kind(events: &[Event], kind: &EventKind) -> Vec<(u32, String)> {
    // Any payee.
    let amounts = |kind: &EventKind| match kind {
        EventKind::Payment { amount, operator, .. } => Some((*amount, *operator)),
        _ => None,
    };
    let is_it = |event: &EventKind| event == kind || amounts(event).is_some() && amounts(event) == amounts(kind);
    let of_kind = events.iter().filter(|event| event.exact && is_it(&event.kind));
    let mut found: Vec<_> = of_kind.map(|event| (event.block.height.0, event.masternode.to_string())).collect();
    found.sort();
    found
}

/// The payments of the network's own record, from a height on.
fn paid(network: &Network, from: u32) -> Vec<(u32, String)> {
    let ledger = network.ledger_since(from).into_iter();
    let paid = ledger.filter(|entry| matches!(entry.kind, LedgerKind::Paid { .. }));
    let mut paid: Vec<_> = paid.map(|entry| (entry.height, entry.masternode)).collect();
    paid.sort();
    paid
}

/// Payments that the page counts.
async fn counted(stage: &Stage) -> f64 {
    let page = stage.page().await;
    let alias = |index: usize| format!("mn-{index}");
    let aliases: Vec<String> = (0..stage.network.masternodes().len()).map(alias).collect();
    aliases.iter().filter_map(|alias| page.value("masternode_payments_total", &[("alias", alias)])).sum()
}

#[tokio::test]
async fn payments_of_blocks_between_two_polls_are_read_with_their_votes() {
    let mut stage = Stage::new(Options { ignored_votes: 0.5, ..Options::regtest(Chain::Dimecoin, 30) }).await;
    let start = stage.network.tip().0;
    for blocks in [1, 7, 2, 25, 1, 12] {
        stage.network.mine(blocks);
        stage.follower.poll().await;
    }
    let snapshot = stage.snapshot();
    let events = snapshot.recent_events();
    assert_eq!(of_kind(events, &payment()), paid(&stage.network, start + 1));
    let lost = of_kind(events, &EventKind::PaymentLost);
    // A block that was voted to pay one masternode and paid another, of all blocks.
    let mut expected = Vec::new();
    for height in start + 1..=stage.network.tip().0 {
        let Some((payee, _)) = stage.network.votes(height).first().cloned() else { continue };
        let ids = stage.network.masternodes();
        let owner = ids.iter().find(|id| stage.network.masternode(id).unwrap().payout == payee).unwrap();
        if !paid(&stage.network, height).contains(&(height, owner.clone())) {
            expected.push((height, owner.clone()));
        }
    }
    assert_eq!(lost, expected);
    assert!(lost.len() > 10, "{}", lost.len());
    let page = stage.page().await;
    page.expect(UNREAD, &[], 0.0);
    page.expect(GAP, &[], 42.0);
}

#[tokio::test]
async fn a_reorg_over_a_gap_counts_the_payments_of_the_blocks_that_return_once() {
    let mut stage = Stage::new(Options::regtest(Chain::Dimecoin, 30)).await;
    let start = stage.network.tip().0;
    stage.network.mine(9);
    stage.follower.poll().await;
    assert_eq!(counted(&stage).await, 9.0);
    // Three blocks are replaced. The six below were skipped with them, and are the same.
    stage.network.reorg(3, 5).unwrap();
    stage.follower.poll().await;
    assert_eq!(of_kind(stage.snapshot().recent_events(), &payment()), paid(&stage.network, start + 1));
    assert_eq!(counted(&stage).await, 9.0 + 5.0, "counts of replaced blocks stay");
}

/// The events of a history, oldest first.
fn recorded(path: &Path) -> Vec<Event> {
    let query = Query { limit: 5000, order: Order::OldestFirst, ..Query::default() };
    let page = Reader::open(path).unwrap().events(&query).unwrap();
    page.events.into_iter().map(|recorded| recorded.event).collect()
}

#[tokio::test]
async fn payments_of_a_downtime_are_read_at_the_start_and_those_below_the_limit_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let network = Network::new(Options::regtest(Chain::Dimecoin, 30)).unwrap();
    let chain = (Chain::Dimecoin, network.clone());
    let mut stage = Stage::with(chain.clone(), |_| {}, Some(&path)).await;
    let start = network.tip().0;
    stage.mine(3).await;
    stage.page().await.expect(UNREAD, &[], 0.0);
    stage.end().await;
    network.mine(40);
    let mut stage = Stage::with(chain.clone(), |_| {}, Some(&path)).await;
    assert_eq!(counted(&stage).await, 43.0);
    stage.mine(1).await;
    assert_eq!(of_kind(stage.snapshot().recent_events(), &payment()), paid(&network, start + 4));
    stage.page().await.expect(UNREAD, &[], 0.0);
    // A reorg above the downtime withdraws no payment of it.
    network.reorg(1, 2).unwrap();
    stage.follower.poll().await;
    assert_eq!(of_kind(stage.snapshot().recent_events(), &payment()), paid(&network, start + 4));
    stage.page().await.expect("masternode_exporter_events_withdrawn_total", &[], 1.0);
    assert_eq!(counted(&stage).await, 46.0);
    stage.end().await;
    network.mine(600);
    let stage = Stage::with(chain, |_| {}, Some(&path)).await;
    assert_eq!(counted(&stage).await, 46.0 + 512.0);
    stage.page().await.expect(UNREAD, &[], 88.0);
    stage.end().await;
    let known = paid(&network, start + 1);
    let last = network.tip().0 - 512;
    let expected: Vec<_> = known.into_iter().filter(|(height, _)| *height <= start + 45 || *height > last).collect();
    assert_eq!(of_kind(&recorded(&path), &payment()), expected);
}

#[tokio::test]
async fn a_node_that_refuses_blocks_is_followed_and_each_unread_block_is_counted() {
    let mut stage = Stage::new(Options::regtest(Chain::Dimecoin, 30)).await;
    stage.mine(1).await;
    stage.server.handle().faults().set_for(Fault::Forbidden, &["getblock"]);
    stage.network.mine(5);
    stage.follower.poll().await;
    stage.mine(1).await;
    assert_eq!(stage.snapshot().block().height.0, stage.network.tip().0);
    stage.page().await.expect(UNREAD, &[], 6.0);
}

#[tokio::test]
async fn prcycoin_payments_of_a_gap_are_known_for_its_first_block_only() {
    let mut stage = Stage::new(Options::regtest(Chain::Prcycoin, 10)).await;
    let start = stage.network.tip().0;
    stage.mine(4).await;
    stage.page().await.expect(UNREAD, &[], 0.0);
    stage.network.mine(6);
    stage.follower.poll().await;
    stage.mine(3).await;
    let kind = EventKind::Payment { amount: None, operator: None, payees: vec![] };
    let seen = of_kind(stage.snapshot().recent_events(), &kind);
    let known = |height: &u32| *height <= start + 5 || *height > start + 10;
    let expected: Vec<_> = paid(&stage.network, start + 1).into_iter().filter(|(height, _)| known(height)).collect();
    assert_eq!(seen, expected);
    stage.page().await.expect(UNREAD, &[], 5.0);
}

#[tokio::test]
async fn elected_payees_are_compared_with_votes_and_payments() {
    for (chain, masternodes) in [(Chain::Dimecoin, 48), (Chain::Prcycoin, 10)] {
        let network = Network::new(Options::regtest(chain, masternodes)).unwrap();
        let mut stage = Stage::with((chain, network.clone()), |_| {}, None).await;
        for round in 0..3 {
            stage.mine(12).await;
            assert_eq!(stage.page().await.value(MISMATCHES, &[]), Some(0.0), "{chain:?}, round {round}");
            network.mine(5);
            stage.follower.poll().await;
            assert_eq!(stage.page().await.value(MISMATCHES, &[]), Some(0.0), "{chain:?}, after gap {round}");
        }
    }
    // With a wrong size of the pool, other masternodes are elected.
    let network = Network::new(Options::regtest(Chain::Dimecoin, 48)).unwrap();
    let wrong = |rules: &mut domain::chain::ChainRules| {
        if let PaymentModel::Pool(rule) = &mut rules.payment {
            rule.divisor = 3.try_into().unwrap();
        }
    };
    let mut stage = Stage::with((Chain::Dimecoin, network), wrong, None).await;
    stage.mine(12).await;
    stage.mine(18).await;
    let count = stage.page().await.value(MISMATCHES, &[]).unwrap();
    assert!((8.0..=19.0).contains(&count), "{count} of 19 elections, three quarters of which are by chance of others");
}
