//! Any watch list selects each masternode at most once, by the entry that names it, and only intended ones.
//!
//! Never here: the rest of a configuration (`configuration`).

use std::collections::BTreeMap;

use domain::watch::Selector;

use super::{common, configuration};

/// A configuration in which everything except the watch list is valid.
const FILE: &str = "networks: [{name: n, sources: [{url: 'http://127.0.0.1:9998', cookie_file: /nowhere}]}]\n";

/// See the module. Each line of the input is a key below `watch` with its value, as in the environment.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let environment: BTreeMap<String, String> =
        lines.map(|(key, value)| (format!("MASTERNODE_EXPORTER__WATCH__{key}"), value.to_string())).collect();
    let Some(config) = configuration::read(FILE.as_bytes(), environment) else { return };
    let (watch_list, list) = (config.watch_list("n"), common::list());
    let watched = watch_list.resolve(list, &[]);
    assert!(watched.is_sorted_by(|one, next| one.id < next.id), "sorted without duplicates");
    let entries = watch_list.entries();
    for node in &watched {
        let named = entries.iter().any(|entry| entry.selector == Selector::Id(node.id));
        let selected = list.get(&node.id).is_some_and(|masternode| {
            entries.iter().any(|entry| match &entry.selector {
                Selector::Fields(fields) => {
                    fields.iter().all(|(field, value)| field.met_by(masternode, value) == Some(true))
                }
                Selector::Id(_) | Selector::Own => false,
            })
        });
        assert!(named || selected, "no entry selects {}", node.id);
    }
    for entry in entries {
        if let Selector::Id(id) = &entry.selector {
            assert!(watched.iter().any(|node| node.id == *id), "{id} is watched even where it is on no list");
        }
    }
    assert_eq!(watch_list.resolve(list, &watched), watched, "the same list finds the same");
}
