//! The parameters of a call, and the refusals of a node for wrong ones.
//!
//! Never here: the meaning of a parameter.

use serde_json::{Map, Value};

use super::RpcError;
use crate::random::Hash256;

/// Parameters by position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    values: Vec<Value>,
}

impl Params {
    /// Reads the `params` of a request: an array, an object with the method's parameter names, or nothing.
    pub(crate) fn of(method: &str, params: Option<&Value>) -> Result<Self, RpcError> {
        match params {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Array(values)) => Ok(Self { values: values.clone() }),
            Some(Value::Object(named)) => Self::named(method, named),
            Some(_) => Err(RpcError::new(-32600, "Params must be an array or object")),
        }
    }

    fn named(method: &str, named: &Map<String, Value>) -> Result<Self, RpcError> {
        let names: &[&str] = match method {
            "masternodelist" => &["mode", "filter"],
            "getblockhash" => &["height"],
            "getblockheader" => &["blockhash", "verbose"],
            "getspecialtxes" => &["blockhash", "type", "count", "skip", "verbosity"],
            _ => &[],
        };
        if let Some(unknown) = named.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(RpcError::parameter(format!("Unknown named parameter {unknown}")));
        }
        let values = names.iter().map(|name| named.get(*name).cloned().unwrap_or(Value::Null)).collect();
        Ok(Self { values })
    }

    /// The parameter, if it is there and not null.
    pub(crate) fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index).filter(|value| !value.is_null())
    }

    /// The parameter as a text, if it is one.
    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        self.get(index)?.as_str()
    }

    /// A whole number; a text with a number is accepted too, as by the Dash commands (`ParseInt32V`).
    pub(super) fn number(&self, index: usize, name: &str) -> Result<Option<i64>, RpcError> {
        match self.get(index) {
            None => Ok(None),
            Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64()),
            Some(Value::String(text)) if text.parse::<i64>().is_ok() => Ok(text.parse().ok()),
            Some(other) => Err(RpcError::parameter(format!("{name} must be a 32bit integer (not '{}')", shown(other)))),
        }
    }

    /// A strict number, as required by the methods inherited from Bitcoin.
    pub(super) fn strict_number(&self, index: usize, help: &str) -> Result<i64, RpcError> {
        match self.get(index) {
            None => Err(RpcError::new(-1, help)),
            Some(Value::Number(number)) => {
                number.as_i64().ok_or_else(|| RpcError::new(-1, "JSON integer out of range"))
            }
            Some(other) => Err(wrong_type(other, "number")),
        }
    }

    /// A truth value (`ParseBoolV`).
    pub(super) fn truth(&self, index: usize, name: &str) -> Result<bool, RpcError> {
        let Some(value) = self.get(index) else { return Ok(false) };
        match shown(value).to_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" => Ok(false),
            other => Err(RpcError::parameter(format!("{name} must be true, false, yes, no, 1 or 0 (not '{other}')"))),
        }
    }

    /// A hash of 64 digits.
    pub(super) fn hash(&self, index: usize, name: &str, help: &str) -> Result<Hash256, RpcError> {
        Self::parse_hash(self.get(index).ok_or_else(|| RpcError::new(-1, help))?, name)
    }

    /// The parameters from this place on.
    pub(super) fn rest(&self, index: usize) -> &[Value] {
        self.values.get(index..).unwrap_or_default()
    }

    /// A list of them in one parameter; none without it.
    pub(super) fn list(&self, index: usize) -> Result<&[Value], RpcError> {
        match self.get(index) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(wrong_type(other, "array")),
        }
    }

    /// A hash of 64 digits (`ParseHashV`).
    pub(super) fn parse_hash(value: &Value, name: &str) -> Result<Hash256, RpcError> {
        let text = value.as_str().ok_or_else(|| wrong_type(value, "string"))?;
        if text.len() != 64 {
            let message = format!("{name} must be of length 64 (not {}, for '{text}')", text.len());
            return Err(RpcError::parameter(message));
        }
        Hash256::parse(text)
            .ok_or_else(|| RpcError::parameter(format!("{name} must be hexadecimal string (not '{text}')")))
    }
}

/// −3.
fn wrong_type(value: &Value, expected: &str) -> RpcError {
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    RpcError::new(-3, format!("JSON value of type {actual} is not of expected type {expected}"))
}

/// A value as a node quotes it.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
