//! The masternodes that the running exporter watches, for commands that read the history without a node.
//!
//! Never here: which masternodes are watched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::texts::{self, TextChange, TextTable};
use crate::history::{Reader, StoreError};

/// Begin of the keys; the name of the network follows.
const KEY: &str = "watched/";

/// A watched masternode as it was recorded last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedTarget {
    /// Its identity.
    pub id: String,
    /// Its alias; empty for none.
    pub alias: String,
    /// Its groups.
    pub groups: BTreeMap<String, String>,
    /// Its address, if it is on the list.
    pub address: Option<String>,
    /// Whether an entry selects it by something else than its identity.
    pub is_selected: bool,
}

impl RecordedTarget {
    /// The change that records all of a network; nothing if they cannot be written.
    pub fn change(network: &str, targets: &[RecordedTarget]) -> Option<TextChange> {
        Some((format!("{KEY}{network}"), Some(serde_json::to_string(targets).ok()?)))
    }
}

impl Reader {
    /// The recorded masternodes by network. A network is absent until an exporter watched it with this history.
    pub fn watched_targets(&self) -> Result<BTreeMap<String, Vec<RecordedTarget>>, StoreError> {
        let texts = texts::intact(&self.connection, TextTable::Operator)?;
        let read = |(key, text): &(String, String)| {
            Some((key.strip_prefix(KEY)?.to_string(), serde_json::from_str(text).ok()?))
        };
        Ok(texts.iter().filter_map(read).collect())
    }
}
