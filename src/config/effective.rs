//! The effective settings as lines: each key with its value from the arguments, the environment, the file or the defaults.
//!
//! Never here: secrets. Of an address only scheme, host and port are printed: its path or its user may be one.

use std::fmt::Write;

use ::config::{Value, ValueKind};
use serde_json::Value as Json;

/// Keys whose value is an address that may hold a secret.
const ADDRESSES: [&str; 2] = ["url", "proxy"];

/// Keys whose value is like a password: the topic of ntfy.
const SECRETS: [&str; 1] = ["topic"];

/// One line for each key that has a value, in the order of the reference. `read` are the values as they were understood, with
/// defaults; `merged` are the texts that were given.
pub(super) fn lines(read: &Json, merged: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    walk("", "", read, Some(merged), &mut lines);
    lines
}

fn walk(path: &str, key: &str, read: &Json, given: Option<&Value>, lines: &mut Vec<String>) {
    match (read, given.map(|given| &given.kind)) {
        (Json::Object(table), given) => {
            for (key, below) in table {
                let given = match given {
                    Some(ValueKind::Table(given)) => given.get(key),
                    _ => None,
                };
                let dot = if path.is_empty() { "" } else { "." };
                walk(&format!("{path}{dot}{key}"), key, below, given, lines);
            }
        }
        (Json::Array(elements), given) => {
            for (index, below) in elements.iter().enumerate() {
                let given = match given {
                    Some(ValueKind::Array(given)) => given.get(index),
                    _ => None,
                };
                walk(&format!("{path}[{index}]"), key, below, given, lines);
            }
        }
        (Json::Null, None | Some(ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_))) => {}
        (read, _) => {
            let value = given.map_or_else(|| plain(read), ToString::to_string);
            let mut line = format!("{path}: ");
            let _ = match key {
                _ if SECRETS.contains(&key) => write!(line, "(set)"),
                _ if ADDRESSES.contains(&key) => write!(line, "{}", origin(&value)),
                _ => write!(line, "{value}"),
            };
            lines.push(line);
        }
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> String {
    match reqwest::Url::parse(address) {
        Ok(url) if url.has_host() => {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            let has_more = url.path().len() > 1 || url.query().is_some() || !url.username().is_empty();
            let more = if has_more { "/…" } else { "" };
            format!("{}://{}{port}{more}", url.scheme(), url.host_str().unwrap_or_default())
        }
        _ => "(set)".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_the_origin_is_printed() {
        for (address, shown) in [
            ("http://127.0.0.1:9998", "http://127.0.0.1:9998"),
            ("https://hooks.example.org/hunter2", "https://hooks.example.org/…"),
            ("https://example.org/?token=hunter2", "https://example.org/…"),
            ("http://user:hunter2@proxy:3128", "http://proxy:3128/…"),
            ("hunter2", "(set)"),
        ] {
            assert_eq!(origin(address), shown);
        }
    }
}
