//! What is watched on each network, as it was selected last: a follower takes it over after a restart, and commands that read
//! the history without a node resolve names by it.
//!
//! Never here: which masternodes are watched (`follower`).

use std::collections::{BTreeMap, HashMap};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::history::texts::{self, TextChange, TextTable};
use crate::history::{Reader, StoreError, Writer};
use domain::masternode::MasternodeId;

/// Begin of the keys; the name of the network follows.
const KEY: &str = "watched/";

/// Begin of the keys in which builds before 0.1.0 kept the selector of each masternode, which is now a part of the record. Network
/// and identity follow.
const SELECTOR_KEY: &str = "selected ";

/// A watched masternode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedTarget {
    /// Its identity.
    #[serde(serialize_with = "write_id", deserialize_with = "read_id")]
    pub id: MasternodeId,
    /// Its alias; empty for none.
    pub alias: String,
    /// Its groups.
    pub groups: BTreeMap<String, String>,
    /// Its address, if it is on the list.
    pub address: Option<String>,
    /// The text of the selector of the entry that selected it; `None` if an entry names it by its identity.
    #[serde(default)]
    pub selector: Option<String>,
}

fn write_id<S: Serializer>(id: &MasternodeId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn read_id<'a, D: Deserializer<'a>>(deserializer: D) -> Result<MasternodeId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The masternodes of each recorded network.
fn read(texts: &[(String, String)]) -> BTreeMap<String, Vec<WatchedTarget>> {
    let record = |(key, text): &(String, String)| {
        Some((key.strip_prefix(KEY)?.to_string(), serde_json::from_str::<Vec<WatchedTarget>>(text).ok()?))
    };
    let mut recorded: BTreeMap<_, _> = texts.iter().filter_map(record).collect();
    let selector = |(key, text): &(String, String)| {
        let (network, id) = selector_key(key)?;
        Some(((network.to_string(), id), text.clone()))
    };
    let mut selectors: HashMap<_, _> = texts.iter().filter_map(selector).collect();
    for (network, targets) in &mut recorded {
        for target in targets.iter_mut().filter(|target| target.selector.is_none()) {
            target.selector = selectors.remove(&(network.clone(), target.id));
        }
    }
    for ((network, id), selector) in selectors {
        let (alias, groups, address) = (String::new(), BTreeMap::new(), None);
        let target = WatchedTarget { id, alias, groups, address, selector: Some(selector) };
        recorded.entry(network).or_default().push(target);
    }
    recorded
}

fn selector_key(key: &str) -> Option<(&str, MasternodeId)> {
    let (network, id) = key.strip_prefix(SELECTOR_KEY)?.rsplit_once(' ')?;
    Some((network, id.parse().ok()?))
}

fn change(network: &str, targets: &[WatchedTarget]) -> TextChange {
    let text = serde_json::to_string(targets).expect("texts under texts are JSON");
    (format!("{KEY}{network}"), Some(text))
}

impl Reader {
    /// The recorded masternodes by network. A network is absent until an exporter watched it with this history.
    pub fn watched_targets(&self) -> Result<BTreeMap<String, Vec<WatchedTarget>>, StoreError> {
        Ok(read(&texts::intact(&self.connection, TextTable::Operator)?))
    }
}

impl Writer {
    /// The recorded masternodes of a network; `None` until it was watched with this history. Converts a record of such a build.
    pub async fn watched_targets(&self, network: &str) -> Result<Option<Vec<WatchedTarget>>, StoreError> {
        let texts = self.texts(TextTable::Operator).await?;
        let targets = read(&texts).remove(network);
        let old = texts.into_iter().map(|(key, _)| key);
        let old = old.filter(|key| selector_key(key).is_some_and(|(of, _)| of == network));
        let mut changes: Vec<TextChange> = old.map(|key| (key, None)).collect();
        if let Some(targets) = targets.as_ref().filter(|_| !changes.is_empty()) {
            changes.push(change(network, targets));
            self.keep_texts(TextTable::Operator, changes).await?;
        }
        Ok(targets)
    }

    /// Records the masternodes of a network in place of the earlier ones.
    pub async fn keep_watched_targets(&self, network: &str, targets: &[WatchedTarget]) -> Result<(), StoreError> {
        self.keep_texts(TextTable::Operator, vec![change(network, targets)]).await
    }
}
