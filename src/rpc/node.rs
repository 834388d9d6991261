//! The software and settings of a node besides its version: its indexes and its mempool.
//!
//! Never here: the requirements for a masternode (`domain::requirement`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::rpc::dash::answers::result;
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use domain::ForeignText;

/// The index of compact block filters, as `getindexinfo` names it.
pub const FILTER_INDEX: &str = "basic block filter index";

/// The indexes that a node has or is building: whether each is synced, by name. A missing one is off.
pub fn indexes(body: &[u8]) -> Result<BTreeMap<ForeignText, bool>, ErrorKind> {
    let answer = result::<BTreeMap<Foreign, Value>>(body)?;
    let synced = answer.into_iter().filter_map(|(Foreign(name), index)| Some((name, index.get("synced")?.as_bool()?)));
    Ok(synced.collect())
}

/// `getmempoolinfo`: the maximum size of the mempool in bytes; `None` if the node does not report it.
pub fn mempool_limit(body: &[u8]) -> Result<Option<u64>, ErrorKind> {
    Ok(result::<BTreeMap<String, Value>>(body)?.get("maxmempool").and_then(Value::as_u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_synced_or_not_and_a_strange_one_is_left_out() {
        let body = br#"{"result":{"txindex":{"synced":true,"best_block_height":548},
            "basic block filter index":{"synced":false,"best_block_height":12},"odd":7,"new":{"synced":"yes"}},"error":null}"#;
        let read = indexes(body).unwrap();
        assert_eq!(read, BTreeMap::from([("txindex".into(), true), (FILTER_INDEX.into(), false)]));
        assert!(indexes(br#"{"result":{},"error":null}"#).unwrap().is_empty(), "all of them are off");
        assert!(indexes(br#"{"result":[],"error":null}"#).is_err());
    }

    #[test]
    fn the_limit_of_the_mempool_is_not_known_where_the_node_does_not_say_it() {
        let limit = |body: &str| mempool_limit(body.as_bytes()).unwrap();
        assert_eq!(limit(r#"{"result":{"maxmempool":300000000},"error":null}"#), Some(300_000_000));
        assert_eq!(limit(r#"{"result":{"size":1},"error":null}"#), None);
        assert_eq!(limit(r#"{"result":{"maxmempool":"much"},"error":null}"#), None);
    }
}
