//! The writer thread on a full disk.

use std::time::Duration;

use prometheus::Registry;

use super::*;
use crate::history::write_queue::WriteQueue;
use crate::history::{HistoryOp, HistorySettings, NetworkHandle, StoreError, WriteOutcome, Writer, WriterHandle};
use crate::meters::Meters;
use domain::masternode::Height;

/// A writer that has space for a few blocks.
fn full(place: &Place) -> (Writer, WriterHandle, Registry) {
    let store = place.open();
    let pages: u32 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update_and_check(None, "max_page_count", pages + 50, |_| Ok(())).unwrap();
    start(place, store)
}

pub(super) fn start(place: &Place, store: Store) -> (Writer, WriterHandle, Registry) {
    let registry = Registry::new();
    let meters = Meters::new(&registry);
    let settings =
        HistorySettings { path: place.path.clone(), retention: Duration::from_secs(86_400 * 400), clock: || NOW };
    let (writer, ended) =
        Writer::of(WriteQueue::new(Ok(store), settings, meters.history().clone()), meters.history().clone()).unwrap();
    (writer, ended, registry)
}

/// The value of a family with one sample.
pub(super) fn value(registry: &Registry, name: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name).unwrap();
    let metric = &family.get_metric()[0];
    metric.get_gauge().get_value() + metric.get_counter().get_value()
}

/// Writes blocks, each with twenty penalties, until one is queued. Returns its height.
async fn fill(writer: &Writer, network: NetworkHandle) -> u32 {
    for height in 1.. {
        match writer.keep(network, HistoryOp::Block(happened(height, &vec![(1, penalty()); 20]))).await {
            WriteOutcome::Written { .. } => {}
            WriteOutcome::Waiting => return height,
            WriteOutcome::Lost => panic!("nothing is lost while little waits"),
        }
    }
    unreachable!("no disk is endless")
}

#[tokio::test]
async fn steps_are_queued_while_the_disk_is_full_and_counted_at_the_end() {
    let place = Place::new();
    drop(place.open_network());
    let (writer, ended, registry) = full(&place);
    let opened = writer.open("dash", main()).await.unwrap();
    let stuck = fill(&writer, opened.network).await;
    let kept = writer.keep(opened.network, HistoryOp::Block(happened(stuck + 1, &[]))).await;
    assert_eq!(kept, WriteOutcome::Waiting, "nothing overtakes what waits");
    assert_eq!(value(&registry, "masternode_exporter_history_up"), 0.0);
    assert_eq!(value(&registry, "masternode_exporter_history_pending_blocks"), 2.0);
    assert!(value(&registry, "masternode_exporter_history_write_errors_total") >= 1.0);
    drop(writer);
    assert_eq!(ended.within(Duration::from_secs(20)).await, Some(2));
    assert_eq!(place.open().cursor(opened.network.id).unwrap(), Some(block(stuck - 1)));
}

#[tokio::test]
async fn a_full_queue_is_dropped_at_once_and_the_network_resumes_from_the_file() {
    let place = Place::new();
    drop(place.open_network());
    let (writer, _ended, registry) = full(&place);
    let network = writer.open("dash", main()).await.unwrap().network;
    let stuck = fill(&writer, network).await;
    let flood = happened(stuck + 1, &vec![(1, penalty()); 50_000]);
    assert_eq!(writer.keep(network, HistoryOp::Block(flood)).await, WriteOutcome::Lost);
    assert_eq!(
        writer.keep(network, HistoryOp::Withdraw(Height(1))).await,
        WriteOutcome::Lost,
        "until it is opened again"
    );
    assert_eq!(value(&registry, "masternode_exporter_history_pending_blocks"), 0.0);
    let opened = writer.open("dash", main()).await.unwrap();
    assert_eq!(opened.blocks.first(), Some(&block(stuck - 1)));
    let counted = writer.tallies(opened.network).await.unwrap().node(&id(1)).penalties;
    assert_eq!(counted, u64::from(stuck - 1) * 20);
    let again = HistoryOp::Block(happened(stuck, &vec![(1, penalty()); 20]));
    assert_eq!(
        writer.keep(network, again).await,
        WriteOutcome::Waiting,
        "it is taken again, and the disk is still full"
    );
}

#[tokio::test]
async fn a_step_that_can_never_be_written_does_not_block_others() {
    let place = Place::new();
    let (writer, _ended, registry) = start(&place, place.open());
    let network = writer.open("dash", main()).await.unwrap().network;
    let written = WriteOutcome::Written { withdrawn: 0 };
    assert_eq!(writer.keep(network, HistoryOp::Block(happened(5, &[]))).await, written);
    assert_eq!(writer.keep(network, HistoryOp::Block(happened(5, &[]))).await, WriteOutcome::Lost);
    let other = writer.open("other", main()).await.unwrap().network;
    assert_eq!(writer.keep(other, HistoryOp::Block(happened(5, &[]))).await, written);
    assert_eq!(value(&registry, "masternode_exporter_history_up"), 1.0);
    let elsewhere = Identity { chain: "test".into(), ..main() };
    assert!(matches!(writer.open("dash", elsewhere).await, Err(StoreError::OtherChain { .. })));
}

#[tokio::test]
async fn old_events_are_deleted_automatically() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    // The first is 520 days older than the last, which stays because a reorg could replace it.
    let old = |height| happened(height, &[(1, EventKind::Payment { amount: None, operator: None, payees: vec![] })]);
    store.record(network, &[old(1), old(300_000)]).unwrap();
    let (writer, ended, _registry) = start(&place, store);
    // The thread does it shortly after its start, without a notification.
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let reader = crate::history::Reader::open(&place.path).unwrap();
    for _ in 0..1000 {
        pace.tick().await;
        if reader.events(&everything()).unwrap().events.len() == 1 {
            break;
        }
    }
    drop(writer);
    ended.within(Duration::from_secs(20)).await.unwrap();
    assert_eq!(found(&place.open(), &everything()), [(300_000, 1, "payment", false)]);
}
