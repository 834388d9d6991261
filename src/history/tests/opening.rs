//! Files found at the start: our own, another process's, damaged, foreign, of another version.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::history::{OpenError, OpenOutcome, Reader, SetAsideReason, StoreError, schema};

/// A file and its log: these bytes must be kept.
const OURS: &[&str] = &["history.db", "history.db-wal"];

/// A history of some blocks whose writer was killed: its log is not checkpointed.
fn left_behind(place: &Place) {
    let elsewhere = Place::new();
    let (mut store, network) = elsewhere.open_network();
    for height in 1..=50 {
        store
            .record(
                network,
                &[happened(
                    height,
                    &[(1, penalty()), (2, EventKind::Payment { amount: None, operator: None, payees: vec![] })],
                )],
            )
            .unwrap();
    }
    for name in elsewhere.files() {
        fs::copy(elsewhere.folder.path().join(&name), place.folder.path().join(&name)).unwrap();
    }
    assert_eq!(place.files(), ["history.db", "history.db-shm", "history.db-wal"]);
}

fn read(place: &Place, name: &str) -> Vec<u8> {
    fs::read(place.folder.path().join(name)).unwrap()
}

/// Opens a faulty file, and compares the file set aside with the original.
fn assert_set_aside(place: &Place, name: &str, expected: impl Fn(&SetAsideReason) -> bool) {
    let found: Vec<(String, Vec<u8>)> = OURS
        .iter()
        .filter(|name| place.files().contains(&name.to_string()))
        .map(|name| (name.to_string(), read(place, name)))
        .collect();
    let store = place.open();
    let aside = store.report().set_aside.clone().expect("something is wrong with it");
    assert!(expected(&aside.fault), "{aside}");
    assert_eq!(aside.path.file_name().unwrap(), name);
    assert!(aside.to_string().contains(name), "{aside}");
    for (before, bytes) in found {
        let after = before.replace("history.db", name);
        assert!(read(place, &after) == bytes, "{before} is kept as {after} to the byte");
    }
    assert_eq!(found_nothing(&store), []);
    drop(store);
    assert_eq!(place.open().report(), &OpenOutcome::default(), "the new one is as good as any");
}

fn found_nothing(store: &Store) -> Vec<(u32, u8, &'static str, bool)> {
    found(store, &everything())
}

#[test]
fn a_new_file_has_our_marks_and_the_settings_it_needs() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(store.report(), &OpenOutcome::default());
    let pragma = |name: &str| -> String {
        store
            .connection
            .pragma_query_value(None, name, |row| {
                row.get_ref(0)?.as_str().map(str::to_string).or_else(|_| Ok(row.get_ref(0)?.as_i64()?.to_string()))
            })
            .unwrap()
    };
    assert_eq!(pragma("application_id"), schema::APPLICATION_ID.to_string());
    assert_eq!(pragma("user_version"), schema::newest().to_string());
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2", "full");
    assert_eq!(pragma("auto_vacuum"), "2", "incremental");
    assert_eq!(pragma("page_size"), "1024");
}

#[test]
fn a_second_writer_is_refused_by_name_until_the_first_is_gone() {
    let place = Place::new();
    let first = place.open();
    let Err(refusal) = Store::open(&place.path, NOW) else { panic!("two writers") };
    assert!(matches!(&refusal, OpenError::InUse { path } if *path == place.path));
    assert!(refusal.to_string().contains("history.db"), "{refusal}");
    drop(first);
    place.open();
}

#[test]
fn what_a_killed_writer_left_is_all_there() {
    let place = Place::new();
    left_behind(&place);
    let store = place.open();
    assert_eq!(store.report(), &OpenOutcome::default());
    assert_eq!(found(&store, &everything()).len(), 100);
}

#[test]
fn an_empty_file_is_a_new_one() {
    let place = Place::new();
    fs::write(&place.path, "").unwrap();
    assert_eq!(place.open().report(), &OpenOutcome::default());
    let begun = Place::new();
    let connection = Connection::open(&begun.path).unwrap();
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    drop(connection);
    assert!(fs::metadata(&begun.path).unwrap().len() > 0);
    assert_eq!(begun.open().report(), &OpenOutcome::default(), "its first process was stopped before the first table");
}

#[test]
fn a_damaged_file_is_set_aside_with_its_log() {
    let place = Place::new();
    left_behind(&place);
    let log = place.folder.path().join("history.db-wal");
    // Checkpointed, so that the damage is in the file; the log stays unused, but is not deleted.
    drop(place.open());
    let mut bytes = read(&place, "history.db");
    let page = 4096;
    assert!(bytes.len() > 4 * page);
    bytes[2 * page..].fill(0x5a);
    fs::write(&place.path, bytes).unwrap();
    fs::write(log, "what was left of a log").unwrap();
    assert_set_aside(&place, "history.db.damaged-1800000000", |fault| matches!(fault, SetAsideReason::Damaged(_)));
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    let place = Place::new();
    fs::write(&place.path, "a list of things to buy: milk, bread, a hard disk that does not fail").unwrap();
    assert_set_aside(&place, "history.db.damaged-1800000000", |fault| matches!(fault, SetAsideReason::Damaged(_)));
    fs::write(&place.path, "and yet another one, within the same second, longer than a header of a database needs")
        .unwrap();
    assert_set_aside(&place, "history.db.damaged-1800000000-2", |fault| matches!(fault, SetAsideReason::Damaged(_)));
    assert!(read(&place, "history.db.damaged-1800000000").starts_with(b"a list"), "the first is still there");
}

#[test]
fn a_newer_file_is_set_aside_with_its_log() {
    let place = Place::new();
    left_behind(&place);
    let connection = Connection::open(&place.path).unwrap();
    connection.pragma_update(None, "user_version", schema::newest() + 1).unwrap();
    drop(connection);
    left_behind_log_of(&place);
    let newer = SetAsideReason::Newer(schema::newest() + 1);
    assert_set_aside(&place, "history.db.newer-1800000000", |fault| *fault == newer);
}

#[test]
fn after_a_downgrade_and_an_upgrade_the_newer_file_is_in_use_again() {
    let place = Place::new();
    let path = |name: &str| place.folder.path().join(name);
    // What an older program leaves: this version's file set aside with its log, also an earlier one, and a file of its own.
    left_behind(&place);
    let old = [("history.db", "history.db.newer-1700000009"), ("history.db-wal", "history.db.newer-1700000009-wal")];
    for (from, to) in old {
        fs::rename(path(from), path(to)).unwrap();
    }
    fs::remove_file(path("history.db-shm")).unwrap();
    fs::write(path("history.db.newer-999999"), "an earlier one").unwrap();
    let mut older = Connection::open(&place.path).unwrap();
    schema::migrate(&mut older, &schema::STEPS[..schema::STEPS.len() - 1]).unwrap();
    older.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
    drop(older);

    let store = place.open();
    let taken = store.report().taken_back.clone().expect("the newer file is there");
    assert_eq!(taken.from, path("history.db.newer-1700000009"));
    assert_eq!(taken.older, path("history.db.older-1800000000"));
    assert_eq!((found(&store, &everything()).len(), &store.report().migrated_from), (100, &None));
    drop(store);
    assert_eq!(place.open().report(), &OpenOutcome::default(), "once");
    assert!(taken.older.exists() && !taken.from.exists());
}

#[test]
fn a_file_that_was_set_aside_stays_where_this_version_already_has_its_own() {
    let place = Place::new();
    left_behind(&place);
    fs::copy(&place.path, place.folder.path().join("history.db.newer-1700000009")).unwrap();
    assert_eq!(place.open().report(), &OpenOutcome::default());
}

/// Writes to the file and undoes the effect of closing it, as if the writer had been killed.
fn left_behind_log_of(place: &Place) {
    let connection = Connection::open(&place.path).unwrap();
    connection.execute("UPDATE network SET name = 'renamed'", []).unwrap();
    let files: Vec<_> = place.files().into_iter().map(|name| (name.clone(), read(place, &name))).collect();
    assert!(files.iter().any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty()));
    drop(connection);
    for (name, bytes) in files {
        fs::write(place.folder.path().join(name), bytes).unwrap();
    }
}

#[test]
fn a_database_of_another_program_is_set_aside() {
    let place = Place::new();
    let connection = Connection::open(&place.path).unwrap();
    connection.execute_batch("CREATE TABLE key (secret BLOB)").unwrap();
    drop(connection);
    assert_set_aside(&place, "history.db.foreign-1800000000", |fault| *fault == SetAsideReason::Foreign);
}

#[test]
fn a_file_that_cannot_be_looked_at_is_left_alone() {
    let place = Place::new();
    fs::create_dir(&place.path).unwrap();
    assert!(matches!(Store::open(&place.path, NOW), Err(OpenError::Failed { .. })));
    assert_eq!(place.files(), ["history.db"]);
    let nowhere = place.folder.path().join("no-such-folder/history.db");
    let Err(refusal) = Store::open(&nowhere, NOW) else { panic!("in no folder") };
    assert!(matches!(&refusal, OpenError::Failed { error: StoreError::Other(_), .. }));
    assert!(refusal.to_string().contains("no-such-folder"), "{refusal}");
}

#[test]
fn a_reader_says_what_it_cannot_read() {
    let refusal = |place: &Place| match Reader::open(&place.path) {
        Ok(_) => panic!("it was read"),
        Err(refusal) => refusal,
    };
    let place = Place::new();
    assert!(refusal(&place).to_string().contains("no such file"));
    assert_eq!(place.files(), [""; 0], "a reader makes no file");
    fs::write(&place.path, "a list of things to buy: milk, bread, a hard disk that does not fail").unwrap();
    assert!(matches!(refusal(&place), OpenError::NotHistory { .. }));
    let foreign = Place::new();
    Connection::open(&foreign.path).unwrap().execute_batch("CREATE TABLE key (secret BLOB)").unwrap();
    assert!(matches!(refusal(&foreign), OpenError::NotHistory { .. }));
    let newer = Place::new();
    drop(newer.open());
    Connection::open(&newer.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refusal(&newer), OpenError::OtherVersion { found: 99, .. }));
}

#[test]
fn a_second_writer_is_refused_through_a_symbolic_link() {
    let place = Place::new();
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    let first = Store::open(&link, NOW).unwrap();
    let Err(refusal) = Store::open(&place.path, NOW) else { panic!("two writers") };
    assert!(matches!(refusal, OpenError::InUse { .. }), "{refusal}");
    drop(first);
    let first = place.open();
    let Err(refusal) = Store::open(&link, NOW) else { panic!("two writers") };
    assert!(matches!(&refusal, OpenError::InUse { path } if *path == link), "{refusal}");
    drop(first);
}

#[test]
fn a_file_with_a_second_name_is_refused() {
    let place = Place::new();
    drop(place.open());
    let other = place.folder.path().join("other.db");
    std::fs::hard_link(&place.path, &other).unwrap();
    for path in [&place.path, &other] {
        let Err(refusal) = Store::open(path, NOW) else { panic!("a file with two names was opened") };
        assert!(matches!(&refusal, OpenError::Linked { names: 2, .. }), "{refusal}");
    }
    std::fs::remove_file(&other).unwrap();
    drop(place.open());
}

#[test]
fn a_new_file_is_not_readable_by_all_users() {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |place: &Place, name: &str| fs::metadata(place.folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let place = Place::new();
    let store = place.open();
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        assert_eq!(mode(&place, name) & 0o137, 0, "{name}");
    }
    drop(store);
    fs::write(&place.path, "a text that is no database, and long enough for the header of one, or so it seems")
        .unwrap();
    place.open();
    assert_eq!(mode(&place, "history.db") & 0o137, 0, "nor the one that replaces a damaged one");
}
