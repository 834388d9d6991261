//! Blocks forward and back, and after a restart.

use super::*;
use crate::history::StoreError;
use crate::history::store::BLOCKS_KEPT;
use domain::counters::{EventCounters, NodeCounters};
use domain::list::Block;
use domain::masternode::{Height, MasternodeId, Outpoint};

/// Compares two sets of counters exactly.
fn assert_same(kept: &EventCounters, expected: &EventCounters) {
    let sorted = |tallies: &EventCounters| {
        let mut nodes: Vec<(MasternodeId, NodeCounters)> =
            tallies.nodes().map(|(id, tally)| (*id, tally.clone())).collect();
        nodes.sort_by_key(|(id, _)| *id);
        nodes
    };
    assert_eq!(sorted(kept), sorted(expected));
    assert_eq!(kept.network(), expected.network());
}

/// A block of another branch.
fn branched(height: u32, events: &[(u8, EventKind)]) -> BlockEvents {
    let mut branched = happened(height, events);
    branched.block.hash.0.0[31] = 0xbb;
    branched.events.iter_mut().for_each(|event| event.block = branched.block);
    branched
}

#[test]
fn a_store_can_be_handed_to_another_thread() {
    fn send<T: Send>() {}
    send::<Store>();
    send::<crate::history::Reader>();
}

#[test]
fn a_block_with_a_payment_writes_at_most_fourteen_kilobytes() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let paid = |height: u32| {
        let mut block = happened(
            height,
            &[(0, EventKind::Payment { amount: Some(Duffs(77_050_000)), operator: None, payees: vec![] })],
        );
        // The identities have no order, as hashes have none.
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&height.wrapping_mul(2_654_435_761).to_be_bytes());
        block.events[0].masternode = MasternodeId::ProTx(Hash(hash));
        block
    };
    let log = || std::fs::metadata(place.path.with_extension("db-wal")).unwrap().len();
    store.record(network, &(1..=3_000).map(paid).collect::<Vec<_>>()).unwrap();
    store.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(log(), 0);
    for height in 3_001..=3_200 {
        store.record(network, &[paid(height)]).unwrap();
    }
    assert!(log() / 200 <= 14_000, "{} bytes a block", log() / 200);
}

#[test]
fn every_event_is_read_back_exactly_after_a_restart() {
    let place = Place::new();
    let collateral = MasternodeId::Collateral(Outpoint { txid: Hash([5; 32]), index: 7 });
    let kinds = every_kind().into_iter().enumerate();
    let events = kinds.map(|(number, kind)| Event {
        exact: number % 2 == 0,
        masternode: if number % 3 == 0 { collateral } else { id(number as u8) },
        ..event(8, number as u8, kind)
    });
    let written = BlockEvents { block: block(8), events: events.collect(), sessions: vec![] };
    let (mut store, network) = place.open_network();
    store.record(network, std::slice::from_ref(&written)).unwrap();
    drop(store);
    let page = place.open().events(&everything()).unwrap();
    let read: Vec<Event> = page.events.into_iter().map(|kept| kept.event).collect();
    assert_eq!(read, written.events);
}

#[test]
fn counters_continue_exactly_after_a_restart() {
    let place = Place::new();
    let mut expected = EventCounters::default();
    for height in 1..=20 {
        let (mut store, network) = place.open_network();
        let kinds = every_kind();
        let kind = |offset: usize| kinds[(height as usize + offset) % kinds.len()].clone();
        let next = happened(height, &[(1, kind(0)), (2, kind(3)), (1, kind(5)), (3, penalty())]);
        next.events.iter().for_each(|event| expected.record(event));
        store.record(network, &[next]).unwrap();
        assert_eq!(store.cursor(network).unwrap(), Some(block(height)));
        assert_same(&store.tallies(network).unwrap(), &expected);
    }
    let (store, network) = place.open_network();
    assert_eq!(store.cursor(network).unwrap(), Some(block(20)));
    assert_same(&store.tallies(network).unwrap(), &expected);
}

#[test]
fn a_reorg_withdraws_events_and_keeps_counts() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &quiet([9])).unwrap();
    store.record(network, &[happened(10, &[(1, penalty())])]).unwrap();
    store
        .record(
            network,
            &[happened(
                11,
                &[
                    (1, penalty()),
                    (2, EventKind::Payment { amount: None, operator: None, payees: vec![] }),
                    (2, penalty()),
                ],
            )],
        )
        .unwrap();
    store.record(network, &[happened(12, &[(1, penalty()), (1, penalty())])]).unwrap();

    let withdrawn = store.withdraw(network, Height(11)).unwrap();
    assert_eq!((withdrawn.events, withdrawn.cursor), (5, Some(block(10))));
    let tallies = store.tallies(network).unwrap();
    assert_eq!(tallies.node(&id(1)).penalties, 4, "counts never go down");
    assert_eq!(tallies.node(&id(1)).last_penalty_height, Some(Height(10)), "as it was before the reorg");
    assert_eq!(tallies.node(&id(2)).last_penalty_height, None);
    assert_eq!(tallies.network().map(|network| network.penalties), [4, 1]);
    drop(store);

    // After a kill between the two branches, the other one is followed as usual.
    let (mut store, network) = place.open_network();
    let other = branched(11, &[(2, penalty())]);
    store.record(network, std::slice::from_ref(&other)).unwrap();
    assert_eq!(store.cursor(network).unwrap(), Some(other.block));
    assert_eq!(store.tallies(network).unwrap().node(&id(2)).last_penalty_height, Some(Height(11)));
    let valid = Query { withdrawn: false, ..everything() };
    assert_eq!(found(&store, &valid), [(10, 1, "penalty", false), (11, 2, "penalty", false)]);
    assert_eq!(found(&store, &everything()).iter().filter(|(_, _, _, withdrawn)| *withdrawn).count(), 5);

    // The same call again withdraws nothing further.
    assert_eq!(store.withdraw(network, Height(11)).unwrap().events, 1);
    assert_eq!(store.tallies(network).unwrap().node(&id(2)).last_penalty_height, None);
}

#[test]
fn a_withdrawn_block_that_returns_is_restored_and_counted_once() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &[happened(10, &[(1, penalty())])]).unwrap();
    let returning = happened(11, &[(1, penalty()), (2, penalty())]);
    store.record(network, std::slice::from_ref(&returning)).unwrap();
    for _ in 0..2 {
        store.withdraw(network, Height(11)).unwrap();
        drop(store);
        store = place.open_network().0;
        assert_eq!(store.replaced(network).unwrap(), [returning.block.hash]);
        assert_eq!(store.tallies(network).unwrap().node(&id(1)).last_penalty_height, Some(Height(10)));
        store.record(network, std::slice::from_ref(&returning)).unwrap();
        let tallies = store.tallies(network).unwrap();
        assert_eq!((tallies.node(&id(1)).penalties, tallies.node(&id(2)).penalties), (2, 1));
        assert_eq!(tallies.node(&id(1)).last_penalty_height, Some(Height(11)));
        let expected = [(10, 1, "penalty", false), (11, 1, "penalty", false), (11, 2, "penalty", false)];
        assert_eq!(found(&store, &everything()), expected);
        assert_eq!(store.replaced(network).unwrap(), []);
    }
}

#[test]
fn a_reorg_below_all_kept_blocks_leaves_no_block_to_continue_from() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &quiet(10..=12)).unwrap();
    assert_eq!(store.withdraw(network, Height(0)).unwrap().cursor, None);
    store.record(network, &quiet([8])).unwrap();
    assert_eq!(store.cursor(network).unwrap(), Some(block(8)));
}

#[test]
fn a_block_that_does_not_extend_the_chain_is_refused_with_its_whole_batch() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &quiet([10])).unwrap();
    for wrong in [vec![10], vec![9], vec![11, 11], vec![12, 11]] {
        let blocks: Vec<BlockEvents> = wrong.iter().map(|height| happened(*height, &[(1, penalty())])).collect();
        let refusal = store.record(network, &blocks).unwrap_err();
        assert!(matches!(refusal, StoreError::NotNext { .. }), "{wrong:?}: {refusal}");
    }
    let strayed = BlockEvents { block: block(11), events: vec![event(12, 1, penalty())], sessions: vec![] };
    assert!(store.record(network, &[strayed]).is_err());
    assert_eq!(store.cursor(network).unwrap(), Some(block(10)));
    assert_eq!(found(&store, &everything()), []);
    assert_eq!(store.tallies(network).unwrap().nodes().count(), 0);
}

#[test]
fn what_comes_to_light_later_belongs_to_the_highest_block() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &quiet(10..=11)).unwrap();
    store.amend(network, &happened(11, &[(1, penalty())])).unwrap();
    assert_eq!(store.tallies(network).unwrap().node(&id(1)).penalties, 1);
    assert!(matches!(store.amend(network, &happened(10, &[])), Err(StoreError::NotNext { .. })));
}

#[test]
fn the_hashes_of_the_last_blocks_are_remembered() {
    let (mut store, network) = Place::new().open_network();
    store.record(network, &quiet(1..=1000)).unwrap();
    store.record(network, &quiet(1001..=2000)).unwrap();
    let blocks = store.blocks(network).unwrap();
    let expected: Vec<Block> = (2000 - BLOCKS_KEPT..=2000).rev().map(block).collect();
    assert_eq!(blocks, expected);
    assert!(blocks.len() > 576, "as far as a reorg may reach back");
    for (height, lowest) in [(2063, 2000 - BLOCKS_KEPT), (2064, 2064 - BLOCKS_KEPT)] {
        let next = store.cursor(network).unwrap().unwrap().height.0 + 1;
        store.record(network, &quiet(next..=height)).unwrap();
        assert_eq!(store.blocks(network).unwrap().last(), Some(&block(lowest)), "many are deleted together");
    }
}

#[test]
fn two_networks_do_not_mix() {
    let (mut store, dash) = Place::new().open_network();
    let other = store.network("test", &Identity { chain: "test".into(), ..main() }).unwrap();
    store.record(dash, &[happened(10, &[(1, penalty())])]).unwrap();
    store.record(other, &[happened(5, &[(1, penalty())])]).unwrap();
    store.withdraw(other, Height(0)).unwrap();
    assert_eq!((store.cursor(dash).unwrap(), store.cursor(other).unwrap()), (Some(block(10)), None));
    assert_eq!(found(&store, &everything()), [(10, 1, "penalty", false), (5, 1, "penalty", true)]);
    assert_eq!(store.tallies(dash).unwrap().node(&id(1)).last_penalty_height, Some(Height(10)));
}

#[test]
fn a_name_stays_the_chain_that_it_was() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    assert_eq!(store.network("dash", &main()).unwrap(), network);
    let reset = Identity { genesis: BlockHash(Hash([2; 32])), ..main() };
    let renamed = Identity { chain: "test".into(), ..main() };
    for other in [reset, renamed] {
        let refusal = store.network("dash", &other).unwrap_err();
        assert!(matches!(refusal, StoreError::OtherChain { .. }));
        let text = refusal.to_string();
        assert!(text.contains("dash") && text.contains(&main().to_string()) && text.contains(&other.to_string()));
    }
}
