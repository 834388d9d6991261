//! A file that is deleted, replaced or damaged while the writer thread has it open.

use crate::history::TextTable;
use std::fs;
use std::time::Duration;

use prometheus::Registry;

use super::writing::{start, value};
use super::*;
use crate::history::write_queue::WriteQueue;
use crate::history::writer::Command;
use crate::history::{HistoryOp, NetworkHandle, Reader, StoreError, WriteOutcome, Writer};

const WRITTEN: WriteOutcome = WriteOutcome::Written { withdrawn: 0 };

/// A writer, with two blocks in its file.
pub(super) async fn written(place: &Place) -> (Writer, NetworkHandle, Registry) {
    let (writer, _ended, registry) = start(place, place.open());
    let network = writer.open("dash", main()).await.unwrap().network;
    for height in [1, 2] {
        assert_eq!(keep(&writer, network, height).await, WRITTEN);
    }
    (writer, network, registry)
}

async fn keep(writer: &Writer, network: NetworkHandle, height: u32) -> WriteOutcome {
    writer.keep(network, HistoryOp::Block(happened(height, &[(1, penalty())]))).await
}

/// Records a block where the file ends, as a follower does after [`WriteOutcome::Lost`].
pub(super) async fn record_next(writer: &Writer, height: u32) -> NetworkHandle {
    let opened = writer.open("dash", main()).await.unwrap();
    assert_eq!(opened.blocks.first().map(|block| block.height.0), Some(height - 1), "it continues where the file ends");
    assert_eq!(keep(writer, opened.network, height).await, WRITTEN);
    opened.network
}

pub(super) fn heights(place: &Place) -> Vec<u32> {
    let page = Reader::open(&place.path).unwrap().events(&everything()).unwrap();
    page.events.iter().map(|kept| kept.event.block.height.0).collect()
}

pub(super) fn replaced(registry: &Registry, reason: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == "masternode_exporter_history_replaced_total").unwrap();
    let metric = family.get_metric().iter().find(|metric| metric.get_label()[0].value() == reason).unwrap();
    metric.get_counter().get_value()
}

#[tokio::test]
async fn a_file_that_is_deleted_while_in_use_is_written_again_with_all_that_it_held() {
    for all in [false, true] {
        let place = Place::new();
        let (writer, network, registry) = written(&place).await;
        let names = if all { place.files() } else { vec!["history.db".into()] };
        for name in names.iter().map(String::as_str).chain(all.then_some("history.db.lock")) {
            fs::remove_file(place.folder.path().join(name)).unwrap();
        }
        writer.flush().await.unwrap();
        assert_eq!(replaced(&registry, "missing"), 1.0, "it is noticed");
        assert_eq!(value(&registry, "masternode_exporter_history_up"), 1.0);
        assert_eq!(
            keep(&writer, network, 3).await,
            WriteOutcome::Lost,
            "the block to resume from is read from the new file"
        );
        let network = record_next(&writer, 3).await;
        assert_eq!(heights(&place), [1, 2, 3]);
        assert_eq!(writer.tallies(network).await.unwrap().node(&id(1)).penalties, 3, "counters are kept");
        writer.flush().await.unwrap();
        assert_eq!(replaced(&registry, "missing"), 1.0, "once");
        assert!(Store::open(&place.path, NOW).is_err(), "the new file is locked");
    }
}

#[tokio::test]
async fn a_log_that_is_deleted_while_in_use_loses_nothing() {
    let place = Place::new();
    let (writer, network, registry) = written(&place).await;
    writer.flush().await.unwrap();
    for name in ["history.db-wal", "history.db-shm"] {
        fs::remove_file(place.folder.path().join(name)).unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "missing"), 1.0, "it is noticed");
    assert_eq!(keep(&writer, network, 3).await, WriteOutcome::Lost);
    record_next(&writer, 3).await;
    assert_eq!(heights(&place), [1, 2, 3]);
}

#[tokio::test]
async fn a_file_or_log_that_is_emptied_while_in_use_is_noticed_and_the_history_goes_on() {
    for name in ["history.db", "history.db-wal"] {
        let place = Place::new();
        let (writer, _, registry) = written(&place).await;
        writer.flush().await.unwrap();
        fs::File::options().write(true).open(place.folder.path().join(name)).unwrap().set_len(0).unwrap();
        writer.flush().await.unwrap();
        assert_eq!(replaced(&registry, "damaged"), 1.0, "{name}: it is noticed");
        assert_eq!(value(&registry, "masternode_exporter_history_up"), 1.0, "{name}");
        let opened = writer.open("dash", main()).await.unwrap();
        let next = opened.blocks.first().map_or(1, |block| block.height.0 + 1);
        assert_eq!(keep(&writer, opened.network, next).await, WRITTEN, "{name}");
        assert_eq!(heights(&place).last(), Some(&next), "{name}: readers see it");
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_while_in_use_is_opened_without_the_log_of_the_old_one() {
    let place = Place::new();
    let (writer, network, registry) = written(&place).await;
    let other = Place::new();
    let (mut store, of_other) = other.open_network();
    store.record(of_other, &[happened(1, &[(1, penalty())])]).unwrap();
    drop(store);
    fs::rename(&other.path, &place.path).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "replaced"), 1.0);
    assert_eq!(keep(&writer, network, 3).await, WriteOutcome::Lost);
    record_next(&writer, 2).await;
    assert_eq!(heights(&place), [1, 2]);
}

#[tokio::test]
async fn a_network_of_the_file_before_is_refused_although_another_has_its_number_now() {
    let place = Place::new();
    let (writer, dash, _registry) = written(&place).await;
    let other = writer.open("other", main()).await.unwrap().network;
    let replacement = Place::new();
    let mut store = replacement.open();
    let ids = ["other", "dash"].map(|name| store.network(name, &main()).unwrap());
    drop(store);
    assert_eq!(ids, [dash.id, other.id], "the numbers are exchanged");
    fs::rename(&replacement.path, &place.path).unwrap();
    writer.flush().await.unwrap();
    let dash_now = writer.open("dash", main()).await.unwrap().network;
    assert_eq!(keep(&writer, other, 7).await, WriteOutcome::Lost);
    assert!(matches!(writer.tallies(other).await, Err(StoreError::NotOpen)));
    assert!(matches!(writer.spans(other).await, Err(StoreError::NotOpen)));
    assert!(matches!(writer.backfill(other, happened(6, &[])).await, Err(StoreError::NotOpen)));
    let activation = writer.keep_activation(other, "v24", Some(Height(6))).await;
    assert!(matches!(activation, Err(StoreError::NotOpen)));
    assert_eq!(heights(&place), [0; 0], "nothing of another network is recorded");
    assert_eq!(keep(&writer, dash_now, 3).await, WRITTEN);
    let other_now = writer.open("other", main()).await.unwrap();
    assert_eq!((other_now.blocks, other_now.activation), (vec![], None));
}

#[tokio::test]
async fn a_folder_that_is_gone_is_said_and_the_history_begins_again_when_it_is_back() {
    let place = Place::new();
    let (writer, network, registry) = written(&place).await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(place.folder.path(), elsewhere.path().join("moved")).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(value(&registry, "masternode_exporter_history_up"), 0.0);
    assert_eq!(keep(&writer, network, 3).await, WriteOutcome::Waiting);
    fs::rename(elsewhere.path().join("moved"), place.folder.path()).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(value(&registry, "masternode_exporter_history_up"), 1.0);
    record_next(&writer, 3).await;
}

#[tokio::test]
async fn damage_that_is_found_while_running_sets_the_file_aside_with_what_can_be_read() {
    let place = Place::new();
    let (writer, network, registry) = written(&place).await;
    writer.keep_texts(TextTable::Alert, vec![("key".into(), Some("state".into()))]).await.unwrap();
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute("UPDATE network_tally SET counts = 'many'", []).unwrap();
    drop(other);
    assert_ne!(keep(&writer, network, 3).await, WRITTEN);
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "damaged"), 1.0, "it is opened again and examined");
    assert!(place.files().iter().any(|name| name.contains("damaged")), "{:?}", place.files());
    let network = record_next(&writer, 3).await;
    assert_eq!(heights(&place), [1, 2, 3]);
    assert_eq!(writer.texts(TextTable::Alert).await.unwrap(), [("key".into(), "state".into())]);
    let counts = writer.tallies(network).await.unwrap();
    assert_eq!(counts.node(&id(1)).penalties, 3, "intact counters continue");
    assert_eq!(counts.network().iter().map(|counts| counts.penalties).sum::<u64>(), 1, "the damaged one begins at 0");
    assert_eq!(value(&registry, "masternode_exporter_history_up"), 1.0);
}

#[tokio::test]
async fn counters_and_the_place_in_the_chain_survive_a_file_that_is_set_aside() {
    let place = Place::new();
    let (writer, network, _registry) = written(&place).await;
    let before = writer.tallies(network).await.unwrap();
    let state = |key: &str, state: &str| (key.to_string(), Some(state.to_string()));
    writer.keep_texts(TextTable::Alert, vec![state("bad", "a"), state("good", "b")]).await.unwrap();
    let other = rusqlite::Connection::open(&place.path).unwrap();
    // Invalid UTF-8 in a text column: found when it is read, not by an examination.
    other.execute("UPDATE alert SET state = CAST(x'ff' AS TEXT) WHERE key = 'bad'", []).unwrap();
    drop(other);
    assert!(writer.texts(TextTable::Alert).await.is_err());
    writer.flush().await.unwrap();
    assert!(place.files().iter().any(|name| name.contains("damaged")), "{:?}", place.files());
    assert_eq!(writer.texts(TextTable::Alert).await.unwrap(), [("good".to_string(), "b".to_string())]);
    let network = record_next(&writer, 3).await;
    let after = writer.tallies(network).await.unwrap();
    assert_eq!(after.node(&id(1)).penalties, before.node(&id(1)).penalties + 1);
    assert_eq!(heights(&place), [1, 2, 3]);
}

fn write_queue(place: &Place, store: Store) -> WriteQueue {
    let registry = Registry::new();
    let meters = crate::meters::Meters::new(&registry);
    let settings = crate::history::HistorySettings {
        path: place.path.clone(),
        retention: Duration::from_secs(86_400),
        clock: || NOW,
    };
    WriteQueue::new(Ok(store), settings, meters.history().clone())
}

#[tokio::test]
async fn a_step_that_cannot_be_written_is_tried_less_and_less_often() {
    let place = Place::new();
    let store = place.open();
    store.connection.pragma_update(None, "query_only", true).unwrap();
    let mut queue = write_queue(&place, store);
    let pauses: Vec<u64> =
        (0..7).map(|_| queue.after_failure(&crate::history::StoreError::ReadOnly).as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 16, 16]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_a_file_that_cannot_be_opened_keeps_no_thread_busy() {
    let place = Place::new();
    let mut queue = write_queue(&place, place.open());
    let (reply, opened) = tokio::sync::oneshot::channel();
    queue.handle(Command::Open { name: "dash".into(), identity: main(), reply });
    let network = opened.await.unwrap().unwrap().network;
    let full = rusqlite::Connection::open(&place.path).unwrap();
    full.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (reply, kept) = tokio::sync::oneshot::channel();
    let step = HistoryOp::Block(happened(1, &[(1, penalty())]));
    queue.handle(Command::Keep { network, step, reply });
    assert_eq!(kept.await.unwrap(), WriteOutcome::Waiting, "another process writes");
    drop(full);
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(60)).await;
        queue.run_due_tasks();
        assert!(queue.next_wakeup() > Duration::ZERO);
    }
    assert_eq!(queue.flush(), 1, "it still waits");
}
