//! What the file that is open is looked after for: its names, its lock, and how often it was damaged.

use std::fs;

use rusqlite::Connection;

use super::running::{go_on, heights, replaced, written};
use super::*;

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
    go_on(&writer, 3).await;
    assert_eq!(heights(&place), [1, 2, 3]);
    assert_eq!(count(), 3);
    assert!(Store::open(&place.path, NOW).is_err(), "the new lock is taken");
}
