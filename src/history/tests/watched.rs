//! What the file that is open is looked after for: its names, its lock, and how often it was damaged.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use prometheus::Registry;
use rusqlite::Connection;

use super::running::{heights, record_next, replaced, written};
use super::*;
use crate::history::file::HistoryFile;
use crate::history::{HistorySettings, StoreError};
use crate::meters::Meters;

#[tokio::test]
async fn a_file_whose_lock_was_replaced_is_opened_again_with_its_log() {
    let place = Place::new();
    let (writer, _, registry) = written(&place).await;
    // Another program has the database open, so the log stays when the writer closes it.
    let other = Connection::open(&place.path).unwrap();
    let count = || other.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count(), 2);
    let lock = place.folder.path().join("history.db.lock");
    fs::rename(&lock, place.folder.path().join("moved")).unwrap();
    fs::write(&lock, "").unwrap();
    writer.flush().await.unwrap();
    assert_eq!(replaced(&registry, "replaced"), 1.0, "it is noticed");
    record_next(&writer, 3).await;
    assert_eq!(heights(&place), [1, 2, 3]);
    assert_eq!(count(), 3);
    assert!(Store::open(&place.path, NOW).is_err(), "the new lock is taken");
}

#[test]
fn damage_after_a_long_time_without_any_is_examined_before_the_file_is_set_aside() {
    let place = Place::new();
    let registry = Registry::new();
    let meters = Meters::new(&registry);
    let settings = HistorySettings { path: place.path.clone(), retention: Duration::from_secs(86_400), clock: || NOW };
    let mut file = HistoryFile::new(Ok(place.open()), settings, meters.history().clone());
    let mut find_damage = |later: Duration| {
        file.note(&StoreError::Damaged("a row".into()));
        assert!(file.check(Instant::now() + later), "it is opened again");
        place.files().iter().any(|name| name.ends_with(".damaged-1800000000"))
    };
    let day = Duration::from_secs(86_400);
    assert!(!find_damage(Duration::ZERO));
    assert!(!find_damage(day), "the examination of the day before found nothing");
    assert!(find_damage(day + Duration::from_secs(10)), "soon after an examination that found nothing");
    assert_eq!(replaced(&registry, "damaged"), 3.0, "each counts once");

    let foreign = Place::new();
    Connection::open(&foreign.path).unwrap().execute_batch("CREATE TABLE key (secret BLOB)").unwrap();
    fs::rename(&foreign.path, &place.path).unwrap();
    assert!(file.check(Instant::now() + day * 2));
    assert_eq!(["replaced", "foreign", "damaged"].map(|reason| replaced(&registry, reason)), [1.0, 1.0, 3.0]);
}
