//! Spans of heights that are recorded block by block, and the gaps between them.

use super::*;
use crate::history::StoreError;
use domain::masternode::Height;

fn spans(store: &Store, network: NetworkId) -> Vec<(u32, u32)> {
    store.spans(network).unwrap().into_iter().map(|(first, last)| (first.0, last.0)).collect()
}

#[test]
fn a_block_is_known_when_the_one_before_it_was_there() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &quiet([10])).unwrap();
    assert_eq!(spans(&store, network), [], "the events of the first block are unknown");
    store.record(network, &quiet(11..=13)).unwrap();
    store.record(network, &quiet([14, 20, 21, 22, 30])).unwrap();
    store.record(network, &quiet([31])).unwrap();
    assert_eq!(spans(&store, network), [(11, 14), (21, 22), (31, 31)]);
    store.withdraw(network, Height(22)).unwrap();
    assert_eq!(spans(&store, network), [(11, 14), (21, 21)]);
}

#[test]
fn a_gap_is_filled_once_and_counts_stay() {
    let (mut store, network) = Place::new().open_network();
    let mut jumped = happened(20, &[(1, penalty())]);
    jumped.events[0].exact = false;
    store.record(network, &quiet(10..=14)).unwrap();
    store.record(network, &[jumped, happened(21, &[(2, penalty())])]).unwrap();

    let missed: Vec<BlockEvents> = (15..=20)
        .map(|height| happened(height, &[(1, EventKind::Payment { amount: None, operator: None, payees: vec![] })]))
        .collect();
    store.backfill(network, &missed).unwrap();
    assert_eq!(spans(&store, network), [(11, 21)]);
    let tally = store.tallies(network).unwrap().node(&id(1));
    assert_eq!((tally.penalties, tally.earned.payments), (1, 0));
    let known = Query { withdrawn: false, ..everything() };
    assert_eq!(found(&store, &known).len(), 7, "what was only guessed of the gap is withdrawn");

    assert!(store.backfill(network, &missed).is_err());
    assert_eq!(found(&store, &known).len(), 7);
    assert_eq!(store.cursor(network).unwrap(), Some(block(21)));
}

#[test]
fn only_neighbours_below_the_highest_block_are_filled_in() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &quiet([10])).unwrap();
    for wrong in [vec![5, 7], vec![6, 5], vec![11]] {
        let refusal = store.backfill(network, &quiet(wrong)).unwrap_err();
        assert!(matches!(refusal, StoreError::NotNext { .. }), "{refusal}");
    }
    store.backfill(network, &quiet(0..=3)).unwrap();
    store.backfill(network, &quiet(5..=6)).unwrap();
    store.backfill(network, &quiet([4])).unwrap();
    assert_eq!(spans(&store, network), [(0, 6)]);
}

#[test]
fn a_withdrawn_block_that_was_filled_in_leaves_the_counts_alone() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &[happened(10, &[(1, penalty())])]).unwrap();
    store.record(network, &quiet([20])).unwrap();
    store.backfill(network, &[happened(20, &[(1, penalty())])]).unwrap();
    assert_eq!(store.withdraw(network, Height(20)).unwrap().events, 1);
    assert_eq!(store.tallies(network).unwrap().node(&id(1)).last_penalty_height, Some(Height(10)));
    // The block returns: its events are restored, and still not counted.
    let penalties = |store: &Store| store.tallies(network).unwrap().node(&id(1)).penalties;
    let before = penalties(&store);
    store.record(network, &[happened(20, &[(1, penalty())])]).unwrap();
    assert_eq!(penalties(&store), before);
}
