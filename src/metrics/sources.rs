//! Families of the sources of networks, each with its values; exposed with or without a snapshot.
//!
//! Never here: masternodes; a value that is not in the published state.

use crate::catalog::{self, Family};
use crate::metrics::labels;
use crate::metrics::metadata::head;
use crate::metrics::page::{Filter, Format};
use crate::metrics::value::Value;
use domain::{NetworkState, SourceHealth};

/// A family and its value for a source; `None` means no sample.
type SourceFamily = (&'static Family, fn(&SourceHealth) -> Option<Value>);

const SOURCE_FAMILIES: &[SourceFamily] = &[
    (&catalog::SOURCE_UP, |source| source.up.map(Value::from)),
    (&catalog::SOURCE_SYNCED, |source| source.synced.map(Value::from)),
    (&catalog::SOURCE_NETWORK_MATCH, |source| source.network_match.map(Value::from)),
    (&catalog::SOURCE_LAST_SUCCESS, |source| source.last_success.map(|at| Value::Whole(at.unix.0))),
    (&catalog::SOURCE_HEIGHT, |source| source.height.map(|height| height.0.into())),
    (&catalog::SOURCE_BLOCKS_BEHIND, |source| source.blocks_behind.map(Value::from)),
    (&catalog::SOURCE_TIP_TIMESTAMP, |source| source.tip_time.map(|at| Value::Whole(at.0))),
    (&catalog::SOURCE_CONNECTIONS, |source| source.connections.map(Value::from)),
    (&catalog::SOURCE_ISOLATED, |source| source.isolated.map(Value::from)),
    (&catalog::SOURCE_RELEASE_BAD, |source| source.release_bad.map(Value::from)),
    (&catalog::SOURCE_FILTER_INDEX_SYNCED, |source| source.filter_index_synced.map(Value::from)),
    (&catalog::SOURCE_FOLLOWS_FORK, |source| source.follows_fork.map(Value::from)),
    (&catalog::SOURCE_FORK_SPLIT, |source| source.fork_split.map(Value::from)),
    (&catalog::SOURCE_LIST_PROVEN, |source| source.list_proof.verdict().map(Value::from)),
];

/// Appends the samples of all networks' sources.
pub(super) fn write<'a>(
    states: impl Iterator<Item = &'a NetworkState> + Clone,
    format: Format,
    filter: &Filter,
    out: &mut Vec<u8>,
) {
    let mut page = Writer { format, out, family: None };
    let sources = states.clone().flat_map(|state| state.sources.iter().map(|source| (&*state.network, source)));
    for (family, value) in SOURCE_FAMILIES.iter().filter(|(family, _)| filter.shows(family)) {
        for (network, source) in sources.clone() {
            if let Some(value) = value(source) {
                page.sample(family, &[("network", network), ("source", &source.name)], value);
            }
        }
    }
    if filter.shows(&catalog::SOURCE_MASTERNODE_STATE) && filter.is_neutral(&catalog::SOURCE_MASTERNODE_STATE) {
        for (network, source) in sources {
            let Some(own) = &source.masternode else { continue };
            let id = own.id.map(|id| id.to_string()).unwrap_or_default();
            let pairs = [("network", network), ("source", &*source.name), ("masternode", &*id), ("state", &*own.state)];
            page.sample(&catalog::SOURCE_MASTERNODE_STATE, &pairs, true.into());
        }
    }
    if filter.shows(&catalog::FORK_ACTIVATION_HEIGHT) {
        for state in states {
            let Some(height) = state.fork_activation else { continue };
            page.sample(&catalog::FORK_ACTIVATION_HEIGHT, &[("network", &*state.network)], height.0.into());
        }
    }
}

/// Writes samples, each family's head before its first.
struct Writer<'a> {
    format: Format,
    out: &'a mut Vec<u8>,
    family: Option<&'static str>,
}

impl Writer<'_> {
    fn sample(&mut self, family: &Family, pairs: &[(&str, &str)], value: Value) {
        if self.family.replace(family.name) != Some(family.name) {
            head(family, self.format, self.out);
        }
        self.out.extend_from_slice(format!("{}{{{}}} ", family.name, labels::text(pairs)).as_bytes());
        value.write_line(self.out);
    }
}
