//! Counts of watched masternodes by protocol version and by release, from the answers to their last probe.
//!
//! A peer chooses these texts, so the number of values is bounded: the most frequent values are kept, all others share
//! one.
//!
//! Never here: single masternodes; the version of a registration (`registrations`).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::chain::ChainRules;
use crate::probe::{Peer, Probes};
use crate::release::named_release;
use crate::snapshot::Snapshot;

/// Maximum number of values that keep their own name.
const MOST: usize = 16;

/// Maximum length of a release, in characters.
const RELEASE_LENGTH: usize = 16;

/// The value for all others.
pub const OTHER: &str = "other";

/// Counts by value, each at least 1.
pub type Counts = BTreeMap<String, usize>;

/// Counts of watched masternodes. Masternodes whose last probe has no result are not counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// By version of the peer-to-peer protocol.
    pub by_protocol: Counts,
    /// By release of the chain's software; [`OTHER`] for a user agent that names no release.
    pub by_release: Counts,
}

impl Census {
    /// Counts the watched masternodes that are on the list.
    pub fn of(snapshot: &Snapshot, probes: &Probes) -> Census {
        let listed = snapshot.watched().iter().filter(|watched| watched.index.is_some());
        let peers = listed.filter_map(|watched| probes.get(&watched.watched.id)?.peer.as_ref());
        Census::of_peers(snapshot.rules(), peers)
    }

    fn of_peers<'a>(rules: &ChainRules, peers: impl Iterator<Item = &'a Peer>) -> Census {
        let mut census = Census::default();
        for peer in peers {
            *census.by_protocol.entry(peer.protocol_version.to_string()).or_default() += 1;
            let release = named_release(rules, &peer.agent).filter(|release| release.len() <= RELEASE_LENGTH);
            *census.by_release.entry(release.unwrap_or(OTHER).into()).or_default() += 1;
        }
        Census { by_protocol: bounded(census.by_protocol), by_release: bounded(census.by_release) }
    }
}

/// Keeps the most frequent values; of equally frequent ones, those that are greater as text.
fn bounded(counts: Counts) -> Counts {
    let mut by_count: Vec<(String, usize)> = counts.into_iter().collect();
    by_count.sort_by_key(|(value, count)| (value == OTHER, Reverse(*count), Reverse(value.clone())));
    let mut kept = Counts::new();
    for (place, (value, count)) in by_count.into_iter().enumerate() {
        *kept.entry(if place < MOST { value } else { OTHER.into() }).or_default() += count;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::DASH;

    fn census(peers: &[(u32, &str)]) -> Census {
        let peers: Vec<Peer> = peers.iter().map(|(version, agent)| Peer::new(*version, agent.as_bytes())).collect();
        Census::of_peers(&DASH, peers.iter())
    }

    fn counts(pairs: &[(&str, usize)]) -> Counts {
        pairs.iter().map(|(value, count)| ((*value).to_string(), *count)).collect()
    }

    #[test]
    fn watched_masternodes_are_counted_by_protocol_and_release() {
        let census = census(&[
            (70_242, "/Dash Core:24.0.2/"),
            (70_242, "/Dash Core:24.0.2(mn1)/"),
            (70_240, "/Dash Core:23.1.2/"),
            (70_240, "/Satoshi:0.7.2/"),
            (70_240, "/Dash Core:24.0.2.11111111111111/"),
        ]);
        assert_eq!(census.by_protocol, counts(&[("70242", 2), ("70240", 3)]));
        assert_eq!(census.by_release, counts(&[("24.0.2", 2), ("23.1.2", 1), (OTHER, 2)]));
        assert_eq!(
            super::Census::of_peers(&DASH, [].iter()),
            Census::default(),
            "nothing is known, nothing is counted"
        );
    }

    #[test]
    fn the_number_of_values_from_peers_is_bounded() {
        let agents: Vec<String> = (0..50).map(|number| format!("/Dash Core:23.0.{number}/")).collect();
        let mut peers: Vec<(u32, &str)> = (0..).zip(&agents).map(|(number, agent)| (number, agent.as_str())).collect();
        peers.extend([(70_242, "/Dash Core:24.0.2/"); 2]);
        let census = census(&peers);
        for (counts, frequent) in [(&census.by_protocol, "70242"), (&census.by_release, "24.0.2")] {
            assert_eq!((counts.len(), counts.values().sum::<usize>()), (MOST + 1, 52));
            assert_eq!((counts[frequent], counts[OTHER]), (2, 35));
        }
    }
}
