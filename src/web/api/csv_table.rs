//! A table of masternodes as CSV.
//!
//! Never here: which masternodes are in it.

use bytes::Bytes;

use crate::web::api::ApiError;
use crate::web::api::json;

/// Masternodes as CSV (RFC 4180): a column for each field of the JSON, groups as `key=value` with blanks between them.
pub(super) fn csv<'a>(masternodes: impl Iterator<Item = json::Masternode<'a>>) -> Result<Bytes, ApiError> {
    let failed = |error: &dyn std::fmt::Display| ApiError {
        status: hyper::StatusCode::INTERNAL_SERVER_ERROR,
        error: error.to_string(),
    };
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for (index, masternode) in masternodes.enumerate() {
        let value = serde_json::to_value(&masternode).map_err(|error| failed(&error))?;
        let Some(fields) = value.as_object() else { continue };
        if index == 0 {
            writer.write_record(fields.keys()).map_err(|error| failed(&error))?;
        }
        writer.write_record(fields.values().map(cell)).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| failed(&error))
}

fn cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(table) => {
            table.iter().map(|(key, value)| format!("{key}={}", cell(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
