//! Damage on the disk that the writer does not see by itself, because it has the pages in memory.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use super::running::{heights, record_next, replaced, written};
use super::writing::value;
use super::*;
use crate::history::file::HistoryFile;
use crate::history::inspection::Inspection;
use crate::history::{HistoryOp, HistorySettings, NetworkHandle, Writer, WriterHandle, read};

/// A closed file with 300 events, all of them in the database file itself.
fn filled() -> Place {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    for height in 1..=100 {
        store.record(network, &[happened(height, &[(1, penalty()), (2, penalty()), (3, penalty())])]).unwrap();
    }
    place
}

fn start(place: &Place) -> (Writer, WriterHandle, prometheus::Registry) {
    super::writing::start(place, place.open())
}

fn owned(place: &Place) -> HistoryFile {
    let retention = std::time::Duration::from_secs(86_400);
    let settings = HistorySettings { path: place.path.clone(), retention, clock: || NOW };
    let meters = crate::meters::Meters::new(&prometheus::Registry::new());
    HistoryFile::new(Ok(place.open()), settings, meters.history().clone())
}

fn overwrite(file: &File, from: u64, bytes: usize) {
    let noise: Vec<u8> = (0..bytes).map(|place| (place * 7 + 3) as u8).collect();
    file.write_all_at(&noise, from).unwrap();
}

fn file(place: &Place, suffix: &str) -> File {
    let path = place.folder.path().join(format!("history.db{suffix}"));
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

#[tokio::test]
async fn damage_that_a_reader_finds_reaches_the_writer() {
    let place = filled();
    let (writer, _ended, registry) = start(&place);
    let network = writer.open("dash", main()).await.unwrap().network;
    assert_eq!(writer.tallies(network).await.unwrap().node(&id(1)).penalties, 100, "it has the pages in memory");
    overwrite(&file(&place, ""), 1024 * 3, 1024 * 30);
    let owner = writer.damage_reporter();
    let found = || read(&place.path, Some(&owner), |reader| reader.events(&everything()));
    assert!(found().is_err());
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "damaged"), 1.0);
    assert!(place.files().iter().any(|name| name.contains("damaged")), "{:?}", place.files());
    assert_eq!(value(&registry, "masternode_exporter_history_up"), 1.0);
    found().unwrap();
    drop(found().unwrap());
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "damaged"), 1.0, "once");
}

#[tokio::test]
async fn a_report_about_an_earlier_file_is_ignored() {
    let place = filled();
    let mut file = owned(&place);
    let report = |began| crate::history::damage_report::DamageReport { what: Some("a page".into()), began };
    let now = tokio::time::Instant::now();
    file.reported(report(now - std::time::Duration::from_secs(1)));
    assert!(!file.check(now), "nothing is to be done");
    file.reported(report(tokio::time::Instant::now()));
    assert!(file.check(tokio::time::Instant::now()), "it is opened again");
    file.reported(report(tokio::time::Instant::now()));
    assert!(!file.check(tokio::time::Instant::now()), "not with each request");
}

#[tokio::test]
async fn a_database_file_that_is_cut_while_in_use_is_noticed() {
    let place = filled();
    let (writer, _ended, registry) = start(&place);
    writer.open("dash", main()).await.unwrap();
    file(&place, "").set_len(1024 * 5).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "damaged"), 1.0);
    let opened = writer.open("dash", main()).await.unwrap();
    assert!(opened.blocks.len() < 100, "it is not the file that was cut");
}

async fn keep(writer: &Writer, network: NetworkHandle, height: u32) {
    writer.keep(network, HistoryOp::Block(happened(height, &[(1, penalty())]))).await;
}

#[tokio::test]
async fn a_log_that_was_cut_or_overwritten_and_grew_again_is_noticed() {
    let emptied = |log: &File, _: u64| log.set_len(0).unwrap();
    let halved = |log: &File, bytes: u64| log.set_len(bytes / 2).unwrap();
    let noisy = |log: &File, bytes: u64| overwrite(log, bytes / 2, 2_000);
    for (name, damage) in [("emptied", &emptied as &dyn Fn(&File, u64)), ("halved", &halved), ("noise", &noisy)] {
        let place = filled();
        let (writer, _ended, registry) = start(&place);
        let network = writer.open("dash", main()).await.unwrap().network;
        for height in 101..=104 {
            keep(&writer, network, height).await;
        }
        let log = file(&place, "-wal");
        let bytes = log.metadata().unwrap().len();
        damage(&log, bytes);
        for height in 105..=112 {
            keep(&writer, network, height).await;
        }
        assert!(log.metadata().unwrap().len() > bytes, "{name}: it grew again");
        writer.flush().await.unwrap();
        assert_eq!(replaced(&registry, "damaged"), 1.0, "{name}");
        let opened = writer.open("dash", main()).await.unwrap();
        let next = opened.blocks[0].height.0 + 1;
        assert!(next > 100, "{name}: what the database file has is kept");
        record_next(&writer, next).await;
        let heights = heights(&place);
        assert_eq!(heights.len(), 300 + next as usize - 100, "{name}: each event once");
        assert!(place.files().iter().all(|name| !name.contains("damaged")), "{name}: {:?}", place.files());
    }
}

#[test]
fn a_write_of_another_program_is_noticed_and_an_own_one_is_none() {
    let place = filled();
    let mut open = owned(&place);
    let mut is_changed = || {
        open.look_now();
        assert!(!open.check(tokio::time::Instant::now()), "it is not opened again");
        open.take_change()
    };
    assert!(!is_changed());
    file(&place, "").set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert!(is_changed());
    assert!(!is_changed(), "once");
    let network = open.store().unwrap().network("dash", &main()).unwrap();
    for height in 101..=120 {
        let store = open.store().unwrap();
        store.record(network, &[happened(height, &[(1, penalty())])]).unwrap();
        if height % 5 == 0 {
            store.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        }
        open.look_now();
        assert!(!open.check(tokio::time::Instant::now()));
        assert!(!open.take_change(), "block {height}");
    }
}

#[tokio::test]
async fn an_undamaged_log_is_left_alone_before_and_after_it_is_copied_to_the_file() {
    let place = Place::new();
    let (writer, network, registry) = written(&place).await;
    for height in 3..=40 {
        keep(&writer, network, height).await;
        writer.flush().await.unwrap();
        if height % 10 == 0 {
            let other = rusqlite::Connection::open(&place.path).unwrap();
            other.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        }
    }
    assert_eq!(replaced(&registry, "damaged"), 0.0);
    assert_eq!(heights(&place).len(), 40);
}

#[test]
fn the_inspection_finds_events_that_an_index_misses() {
    let place = filled();
    let meters = crate::meters::Meters::new(&prometheus::Registry::new());
    let look = || Inspection::default().step(&place.path, meters.history()).1;
    assert!(look().is_none());
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    // One entry of the index has another key: all structures are intact.
    let change = "PRAGMA writable_schema = ON; DROP INDEX event_by_time; CREATE INDEX event_by_time ON event (time) WHERE id <> 150;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX event_by_time ON event (time)' WHERE name = 'event_by_time'";
    connection.execute_batch(change).unwrap();
    drop(connection);
    let damage = look().expect("event 150 is missing");
    assert!(damage.is_certain && damage.what.contains("event_by_time"), "{}", damage.what);
}

#[tokio::test]
async fn damage_that_was_found_is_known_after_a_restart_while_the_damaged_file_is_there() {
    let place = filled();
    overwrite(&file(&place, ""), 1024 * 3, 1024 * 30);
    let health = || {
        let meters = crate::meters::Meters::new(&prometheus::Registry::new());
        let settings = crate::history::HistorySettings {
            path: place.path.clone(),
            retention: std::time::Duration::from_secs(86_400),
            clock: || NOW,
        };
        let _file = crate::history::file::HistoryFile::new(Ok(place.open()), settings, meters.history().clone());
        meters.history().health().damaged_at
    };
    assert_eq!(health(), Some(NOW.0));
    assert_eq!(health(), Some(NOW.0), "after a restart");
    for name in place.files().iter().filter(|name| name.contains("damaged")) {
        std::fs::remove_file(place.folder.path().join(name)).unwrap();
    }
    assert_eq!(health(), None);
}
