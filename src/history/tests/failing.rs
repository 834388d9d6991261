//! A full disk, a read-only directory, a file locked by another process.
//!
//! Root may write anywhere, so a process of root starts a child without its rights.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rusqlite::Connection;

use super::*;
use crate::history::{OpenError, Reader, StoreError};

/// Variable with the path of the file that the child opens.
const UNWRITABLE: &str = "MASTERNODE_EXPORTER_TEST_UNWRITABLE";

/// User id of `nobody` on Debian; any except 0 works.
const UNPRIVILEGED: u32 = 65_534;

#[test]
fn a_full_disk_is_said_and_caught_up_with_later() {
    let (mut store, network) = Place::new().open_network();
    let pages: u32 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let limit = |store: &Store, pages: u32| {
        store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    limit(&store, pages + 100);
    let next = |height| happened(height, &vec![(1, penalty()); 20]);
    let mut height = 0;
    let refusal = loop {
        match store.record(network, &[next(height + 1)]) {
            Ok(()) => height += 1,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, StoreError::Full), "{refusal}");
    assert!(height > 1);
    let kept = |store: &Store| (store.cursor(network).unwrap(), found(store, &everything()).len());
    assert_eq!(kept(&store), (Some(block(height)), height as usize * 20), "the block is not there by half");
    assert!(matches!(store.record(network, &[next(height + 1)]), Err(StoreError::Full)), "and so it stays");

    limit(&store, 1_000_000);
    store.record(network, &[next(height + 1), next(height + 2)]).unwrap();
    assert_eq!(kept(&store), (Some(block(height + 2)), height as usize * 20 + 40));
    let penalties = u64::from(height + 2) * 20;
    assert_eq!(store.tallies(network).unwrap().node(&id(1)).penalties, penalties);
}

#[test]
fn a_disk_that_became_read_only_is_said_and_caught_up_with_later() {
    let (mut store, network) = Place::new().open_network();
    store.connection.pragma_update(None, "query_only", true).unwrap();
    assert!(matches!(store.record(network, &quiet([1])), Err(StoreError::ReadOnly)));
    assert_eq!(store.cursor(network).unwrap(), None);
    store.connection.pragma_update(None, "query_only", false).unwrap();
    store.record(network, &quiet([1])).unwrap();
}

#[test]
fn a_file_held_by_another_program_is_busy_and_not_damaged() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(matches!(store.record(network, &quiet([1])), Err(StoreError::Busy)));
    other.execute_batch("ROLLBACK").unwrap();
    store.record(network, &quiet([1])).unwrap();
}

#[test]
fn damage_found_while_running_is_reported() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &[happened(1, &[(1, penalty())])]).unwrap();
    store.connection.execute("UPDATE event SET kind = 'wedding'", []).unwrap();
    let page = store.events(&everything()).unwrap();
    assert_eq!((page.events, page.skipped), (vec![], 1));
    store.connection.execute("UPDATE node_tally SET counts = 'many'", []).unwrap();
    assert!(matches!(store.tallies(network), Err(StoreError::Damaged(_))));
}

#[test]
fn a_read_only_folder_is_said_so_and_its_history_can_be_read() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &[happened(1, &[(1, penalty())])]).unwrap();
    drop(store);
    let mode = |mode| fs::set_permissions(place.folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    for name in place.files() {
        fs::set_permissions(place.folder.path().join(name), fs::Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(place.folder.path().join("history.db.lock"), fs::Permissions::from_mode(0o444)).unwrap();
    mode(0o555);
    let test = "history::tests::failing::what_a_process_without_rights_finds";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env(UNWRITABLE, &place.path);
    if is_root(&place) {
        child.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    let output = child.output().unwrap();
    mode(0o755);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

/// Whether this process ignores permissions.
fn is_root(place: &Place) -> bool {
    fs::write(place.folder.path().join("probe"), "").is_ok()
}

/// The child's part of the test above; without its file it does nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent says through the environment what to open")]
fn what_a_process_without_rights_finds() {
    let Ok(path) = std::env::var(UNWRITABLE) else { return };
    let path = PathBuf::from(path);
    let refusal = match Store::open(&path, NOW) {
        Ok(_) => panic!("the folder cannot be written"),
        Err(refusal) => refusal,
    };
    assert!(matches!(&refusal, OpenError::Failed { error: StoreError::ReadOnly, .. }), "{refusal}");
    let registry = prometheus::Registry::new();
    let meters = crate::meters::Meters::new(&registry);
    let retention = std::time::Duration::from_secs(86_400);
    let settings = crate::history::HistorySettings { path: path.clone(), retention, clock: || NOW };
    let (_writer, _ended) = crate::history::Writer::start(settings, meters.history().clone()).unwrap();
    let families = registry.gather();
    let up = families.iter().find(|family| family.name() == "masternode_exporter_history_up").unwrap();
    assert_eq!(up.get_metric()[0].get_gauge().get_value(), 0.0, "the metric reports the failure");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.events(&everything()).unwrap().events.len(), 1);
}
