//! Damaged texts of the schema: the rows of all tables are carried into the new file.

use std::fs;

use super::*;
use crate::history::TextTable;

/// Places of letters in CREATE statements.
fn letters(bytes: &[u8]) -> Vec<usize> {
    let begins = (0..bytes.len() - 64).filter(|place| bytes[*place..].starts_with(b"CREATE "));
    begins.flat_map(|begin| begin..begin + 64).filter(|place| bytes[*place].is_ascii_lowercase()).collect()
}

fn schema(place: &Place) -> String {
    let connection = rusqlite::Connection::open(&place.path).unwrap();
    let texts = "SELECT group_concat(name || tbl_name || type || ifnull(sql, ''), ' ') FROM sqlite_schema";
    connection.query_row(texts, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_damaged_letter_of_the_schema_costs_no_event() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    for height in 1..=50 {
        store.record(network, &[happened(height, &[(1, penalty()), (2, penalty())])]).unwrap();
    }
    store.keep_texts(TextTable::Alert, &[("a".into(), Some("1".into()))]).unwrap();
    drop(store);
    let bytes = fs::read(&place.path).unwrap();
    let letters = letters(&bytes);
    assert!(letters.len() > 300, "{} letters", letters.len());
    let mut noticed = 0;
    for letter in letters.iter().step_by(letters.len() / 45) {
        for bit in [0, 5] {
            let copy = Place::new();
            let mut damaged = bytes.clone();
            damaged[*letter] ^= 1 << bit;
            fs::write(&copy.path, &damaged).unwrap();
            let mut store = copy.open();
            let Some(aside) = store.report().set_aside.clone() else {
                // An unused part of a page, with an earlier text.
                assert_eq!(schema(&copy), schema(&place), "byte {letter}, bit {bit}");
                continue;
            };
            noticed += 1;
            assert_eq!(aside.carried, 100, "byte {letter}, bit {bit}: {aside}");
            assert_eq!(fs::read(&aside.path).unwrap(), damaged, "the damaged file is unchanged");
            let network = store.network("dash", &main()).unwrap();
            assert_eq!(store.cursor(network).unwrap(), Some(block(50)));
            assert_eq!(store.tallies(network).unwrap().node(&id(1)).penalties, 50);
            assert_eq!(store.texts(TextTable::Alert).unwrap().len(), 1);
            assert!(copy.files().iter().all(|name| !name.contains(".copy")), "{:?}", copy.files());
        }
    }
    assert!(noticed > 20, "{noticed} of the bits are of the schema");
}

#[test]
fn a_disk_that_fails_while_a_damaged_file_is_replaced_leaves_nothing_behind() {
    let place = Place::new();
    let (mut store, network) = place.open_network();
    store.record(network, &[happened(1, &[(1, penalty())])]).unwrap();
    drop(store);
    let good = fs::read(&place.path).unwrap();
    let damaged = letters(&good).into_iter().map(|letter| {
        let mut bytes = good.clone();
        bytes[letter] ^= 1;
        bytes
    });
    let is_noticed = |bytes: &Vec<u8>| {
        let copy = Place::new();
        fs::write(&copy.path, bytes).unwrap();
        copy.open().report().set_aside.is_some()
    };
    let bytes = damaged.into_iter().find(is_noticed).unwrap();
    fs::write(&place.path, &bytes).unwrap();
    // The new file cannot be written: its journal is a folder.
    let journal = place.path.with_extension("db-journal");
    fs::create_dir(&journal).unwrap();
    for _ in 0..2 {
        // As while it is in use: its damage was found.
        let fault = crate::history::SetAsideReason::Damaged("a page".into());
        assert!(Store::open_renaming(&place.path, NOW, fault).is_err());
        assert_eq!(fs::read(&place.path).unwrap(), bytes);
    }
    fs::remove_dir(&journal).unwrap();
    let mut store = place.open();
    assert_eq!(store.report().set_aside.clone().unwrap().carried, 1);
    let network = store.network("dash", &main()).unwrap();
    assert_eq!(store.tallies(network).unwrap().node(&id(1)).penalties, 1);
}
