//! States of alerts.

use crate::history::TextTable;
use crate::history::tests::Place;

#[test]
fn states_of_alerts_are_there_after_a_restart_as_they_were_kept_last() {
    let place = Place::new();
    let change = |key: &str, state: Option<&str>| (key.to_string(), state.map(str::to_string));
    let mut store = place.open();
    store.keep_texts(TextTable::Alert, &[change("a", Some("1")), change("b", Some("1"))]).unwrap();
    store.keep_texts(TextTable::Alert, &[change("a", Some("2")), change("b", None), change("never", None)]).unwrap();
    drop(store);
    assert_eq!(place.open().texts(TextTable::Alert).unwrap(), [("a".to_string(), "2".to_string())]);
}
