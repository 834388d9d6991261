//! Tables as CSV (RFC 4180).
//!
//! Never here: what is in a table.

use serde::Serialize;
use serde_json::Value;

use crate::web::api::{ApiError, json, unavailable};

/// Refuses a table that would lack rows of a damaged history, which it cannot say.
pub(super) fn whole(skipped: u64) -> Result<(), ApiError> {
    match skipped {
        0 => Ok(()),
        _ => Err(unavailable(
            "the history has damaged events, which a table would lack: ask for JSON, which says how many",
        )),
    }
}

/// The line of names of a table with such rows.
pub fn names(row: &impl Serialize) -> String {
    let mut text = written(true, [row]);
    text.truncate(text.find('\n').map_or(0, |end| end + 1));
    text
}

/// A line for each row.
pub fn lines<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    written(false, rows)
}

fn written<R: Serialize>(has_names: bool, rows: impl IntoIterator<Item = R>) -> String {
    let mut writer = csv::WriterBuilder::new().has_headers(has_names).from_writer(Vec::new());
    rows.into_iter().for_each(|row| writer.serialize(row).expect("a row has no lists, and memory takes it"));
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("rows are text")
}

/// Masternodes: a column for each field of the JSON, groups as `key=value` with blanks between them.
pub(super) fn of_masternodes<'a>(masternodes: impl Iterator<Item = json::Masternode<'a>>) -> String {
    let fields = |masternode: json::Masternode<'a>| match serde_json::to_value(&masternode) {
        Ok(Value::Object(fields)) => fields,
        _ => json::Object::new(),
    };
    let names: Vec<String> = fields(json::Masternode::default()).keys().cloned().collect();
    let rows = masternodes.map(|masternode| fields(masternode).values().map(cell).collect());
    lines(std::iter::once(names).chain(rows))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(table) => {
            table.iter().map(|(key, value)| format!("{key}={}", cell(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
