//! The structure of a JSON text: every path with its type, in the order of the text.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use std::fmt;

use serde_json::{Value, json};

use super::recorded;
use crate::ServerHandle;
use crate::legacy::Chain;
use crate::tests::client::call;

/// Paths with their types in the order of their first occurrence; keys that are data are replaced by their kind.
pub(super) fn shape(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    Walk { path: String::new(), lines: &mut lines }
        .deserialize(&mut reader)
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    lines
}

/// Calls, and compares status, keys, types and order with a recorded answer. `except` lists parts of paths that depend
/// on the available data.
pub(super) async fn check(
    server: &ServerHandle,
    chain: Chain,
    file: &str,
    (method, params): (&str, Value),
    except: &[&str],
) -> Value {
    let answer = call(server, method, params.clone()).await;
    let keep = |text: &str| -> Vec<String> {
        shape(text).into_iter().filter(|line| !except.iter().any(|part| line.contains(part))).collect()
    };
    assert_eq!(keep(&answer.text()), keep(&recorded(chain, file)), "{method} {params} against {file}");
    assert_eq!(answer.status, status(chain, file), "{method} {params} against {file}");
    answer.json()["result"].take()
}

/// Calls, and compares status and every word with a recorded answer.
pub(super) async fn check_exactly(server: &ServerHandle, chain: Chain, file: &str, (method, params): (&str, Value)) {
    let answer = call(server, method, params.clone()).await;
    let expected: Value = serde_json::from_str(&recorded(chain, file)).expect("JSON");
    assert_eq!(answer.json(), expected, "{method} {params} against {file}");
    assert_eq!(answer.status, status(chain, file), "{method} {params} against {file}");
}

/// The recorded HTTP status of a file, from the index next to it.
pub(super) fn status(chain: Chain, file: &str) -> u16 {
    let (folder, name) = file.split_once('/').expect("a scenario and a file");
    let index: Value = serde_json::from_str(&recorded(chain, &format!("{folder}/_index.json"))).expect("JSON");
    index[name]["http"].as_u64().and_then(|status| status.try_into().ok()).expect("every file is in the index")
}

struct Walk<'a> {
    path: String,
    lines: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn say(&mut self, kind: &str) {
        let line = format!("{}: {kind}", self.path);
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

fn key_kind(key: &str) -> &str {
    match key {
        _ if key.starts_with("COutPoint(") => "<outpoint>",
        _ if key.bytes().all(|byte| byte.is_ascii_digit()) => "<height>",
        _ => key,
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.say("null");
        Ok(())
    }

    fn visit_bool<E>(mut self, _: bool) -> Result<(), E> {
        self.say("bool");
        Ok(())
    }

    fn visit_u64<E>(mut self, _: u64) -> Result<(), E> {
        self.say("integer");
        Ok(())
    }

    fn visit_i64<E>(mut self, _: i64) -> Result<(), E> {
        self.say("integer");
        Ok(())
    }

    fn visit_f64<E>(mut self, _: f64) -> Result<(), E> {
        self.say("real");
        Ok(())
    }

    fn visit_str<E>(mut self, _: &str) -> Result<(), E> {
        self.say("string");
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.say("array");
        let path = format!("{}[]", self.path);
        while items.next_element_seed(Walk { path: path.clone(), lines: self.lines })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.say("object");
        while let Some(key) = members.next_key::<String>()? {
            let path = format!("{}.{}", self.path, key_kind(&key));
            members.next_value_seed(Walk { path, lines: self.lines })?;
        }
        Ok(())
    }
}

#[test]
fn the_order_of_keys_is_part_of_a_shape() {
    assert_ne!(shape(r#"{"a":1,"b":2}"#), shape(r#"{"b":2,"a":1}"#));
    assert_ne!(shape(r#"{"a":1}"#), shape(r#"{"a":1.5}"#));
    assert_eq!(shape(&json!({ "10": "x", "11": "y" }).to_string()), [": object", ".<height>: string"]);
}
