//! The special transactions of a block that matter for a fork: the version of the coinbase, EHF signals (type 7), and
//! types that no known release has.
//!
//! Never here: commitments and payments (`quorums`).

use serde::Deserialize;
use serde_json::Value;

use crate::rpc::dash::answers::result;
use crate::rpc::error::ErrorKind;

/// The fork-related content of the special transactions of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialTransactions {
    /// Version of the coinbase; `None` if it has none, before the second version of the list.
    pub coinbase_version: Option<u16>,
    /// Version bits for which an EHF signal was mined.
    pub signals: Vec<u32>,
    /// Types, one for each transaction.
    pub types: Vec<u32>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(rename = "cbTx", default)]
    coinbase: Value,
    #[serde(rename = "mnhfTx", default)]
    signal: Value,
}

/// `getspecialtxes` of any type, in full.
pub fn transactions(body: &[u8]) -> Result<SpecialTransactions, ErrorKind> {
    // An invalid entry affects itself only.
    let transactions: Vec<Value> = result(body)?;
    let read = |transaction: Value| serde_json::from_value::<Wire>(transaction).ok();
    let transactions: Vec<Wire> = transactions.into_iter().filter_map(read).collect();
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    let mut found = SpecialTransactions::default();
    for transaction in &transactions {
        found.types.extend(number(&transaction.kind));
        found.coinbase_version = found.coinbase_version.or_else(|| version(&transaction.coinbase));
        found.signals.extend(number(&transaction.signal["signal"]["versionBit"]));
    }
    Ok(found)
}

/// The version in a coinbase's payload.
pub(super) fn version(payload: &Value) -> Option<u16> {
    u16::try_from(payload.get("version")?.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_block_has_its_coinbase_version_signals_and_types() {
        let block = json!([
            {"type": 5, "cbTx": {"version": 4, "height": 9}},
            {"type": 7, "mnhfTx": {"version": 1, "signal": {"versionBit": 12, "quorumHash": "00", "sig": "00"}}},
            {"type": 13}, {"type": "strange", "cbTx": 3, "mnhfTx": []}, {"txid": "00"}, "00", null,
        ]);
        let found = transactions(json!({"result": block, "error": null}).to_string().as_bytes()).unwrap();
        let expected = SpecialTransactions { coinbase_version: Some(4), signals: vec![12], types: vec![5, 7, 13] };
        assert_eq!(found, expected);
        let none = transactions(br#"{"result":[],"error":null}"#).unwrap();
        assert_eq!(none, SpecialTransactions::default());
    }
}
