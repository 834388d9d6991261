//! What is watched, in the form of this version and in that of 0.1.0.

use std::collections::BTreeMap;

use super::writing::start;
use super::*;
use crate::history::{Reader, TextTable, WatchedTarget};

fn target(number: u8, selector: Option<&str>) -> WatchedTarget {
    let (groups, address) = ([("customer".into(), "acme".into())].into(), Some("192.0.2.1:9999".into()));
    WatchedTarget { id: id(number), alias: format!("mn-{number}"), groups, address, selector: selector.map(Into::into) }
}

#[tokio::test]
async fn the_record_of_a_network_is_read_back_by_its_follower_and_by_commands() {
    let place = Place::new();
    let (writer, _ended, _registry) = start(&place, place.open());
    assert_eq!(writer.watched_targets("dash").await.unwrap(), None);
    let targets = vec![target(1, None), target(2, Some("payout_address=X"))];
    writer.keep_watched_targets("dash", &targets).await.unwrap();
    writer.keep_watched_targets("empty", &[]).await.unwrap();
    assert_eq!(writer.watched_targets("dash").await.unwrap(), Some(targets.clone()));
    let recorded = Reader::open(&place.path).unwrap().watched_targets().unwrap();
    assert_eq!(recorded, [("dash".to_string(), targets), ("empty".to_string(), vec![])].into());
}

#[tokio::test]
async fn records_of_two_keys_are_converted_once() {
    let place = Place::new();
    let (writer, _ended, _registry) = start(&place, place.open());
    let old = |number: u8, is_selected: bool| {
        serde_json::json!({"id": id(number).to_string(), "alias": format!("mn-{number}"), "groups": {"customer": "acme"},
            "address": "192.0.2.1:9999", "is_selected": is_selected})
    };
    let record = serde_json::json!([old(1, false), old(2, true)]).to_string();
    let texts = vec![
        ("watched/dash".to_string(), Some(record)),
        (format!("selected dash {}", id(2)), Some("payout_address=X".into())),
        (format!("selected dash {}", id(3)), Some("self".into())),
        (format!("selected other net {}", id(4)), Some("self".into())),
        ("maintenance/1".to_string(), Some("{}".into())),
    ];
    writer.keep_texts(TextTable::Operator, texts).await.unwrap();
    let bare = |number| WatchedTarget {
        alias: String::new(),
        groups: BTreeMap::new(),
        address: None,
        ..target(number, Some("self"))
    };
    let expected = vec![target(1, None), target(2, Some("payout_address=X")), bare(3)];
    let by_command = Reader::open(&place.path).unwrap().watched_targets().unwrap();
    assert_eq!(by_command["dash"], expected, "before the exporter converts it");
    assert_eq!(writer.watched_targets("dash").await.unwrap(), Some(expected.clone()));
    assert_eq!(writer.watched_targets("other net").await.unwrap(), Some(vec![bare(4)]));
    let keys: Vec<String> = writer.texts(TextTable::Operator).await.unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["maintenance/1", "watched/dash", "watched/other net"]);
    assert_eq!(writer.watched_targets("dash").await.unwrap(), Some(expected));
}
