//! Numbers of masternodes by form of registration: ProTx version, shared, several payees.
//!
//! The version is that of the registration, not of the software: only a transaction of the owner or operator changes
//! it.
//!
//! Never here: single masternodes.

use crate::masternode::{Masternode, NodeType};
use crate::payout::Payouts;

/// Values of the label `protx_version`.
pub const VERSIONS: [&str; 5] = ["1", "2", "3", "other", "unknown"];

/// Index of versions that no known release has.
const OTHER: usize = 3;

/// Index of masternodes whose version the node does not report.
const UNKNOWN: usize = 4;

/// Counts of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registrations {
    /// All masternodes of the list, by [`VERSIONS`] and by [`NodeType::ALL`].
    pub by_version: [[usize; NodeType::ALL.len()]; VERSIONS.len()],
    /// Masternodes of several owners; `None` while the payees of any masternode are not understood.
    pub shared: Option<usize>,
    /// Masternodes of one owner with several payees; `None` likewise.
    pub split: Option<usize>,
}

impl Registrations {
    /// Counts a list; `None` if the node reports the version of none of them, as before Dash Core 19.
    pub fn of(masternodes: &[Masternode]) -> Option<Registrations> {
        let mut by_version = [[0; NodeType::ALL.len()]; VERSIONS.len()];
        let (mut shared, mut split) = (Some(0), Some(0));
        for Masternode { details, node_type, .. } in masternodes {
            let place = match details.version() {
                Some(version) => (1..=3).position(|known| known == version).unwrap_or(OTHER),
                None => UNKNOWN,
            };
            by_version[place][*node_type as usize] += 1;
            match if details.is_ordinary() { Payouts::One } else { details.payouts() } {
                Payouts::One => {}
                Payouts::Shared(_) => shared = shared.map(|count| count + 1),
                Payouts::Split(_) => split = split.map(|count| count + 1),
                Payouts::Unknown => (shared, split) = (None, None),
            }
        }
        let known = by_version[..UNKNOWN].iter().flatten().any(|count| *count > 0);
        known.then_some(Registrations { by_version, shared, split })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::{DetailTexts, Details, Rare};
    use crate::payout::{Payout, Shared};
    use crate::samples::masternode;

    #[test]
    fn registrations_are_counted_by_version_and_form() {
        let payout = |address: &str| Payout { address: address.into(), reward: Some(5_000) };
        let split = || Payouts::Split(vec![payout("Xa"), payout("Xb")]);
        let node = |number: u8, version: Option<u32>, node_type: NodeType, payouts: Payouts| {
            let rare = Rare { payouts, ..Rare::default() };
            let details = Details::new(&DetailTexts { version, rare, ..DetailTexts::default() });
            Masternode { node_type, details, ..masternode(number) }
        };
        let nodes = [
            node(1, Some(1), NodeType::Regular, Payouts::One),
            node(2, Some(2), NodeType::Evo, Payouts::One),
            node(3, Some(3), NodeType::Evo, split()),
            node(4, Some(3), NodeType::Regular, Payouts::Shared(Shared::default())),
            node(5, None, NodeType::Regular, Payouts::One),
            node(6, Some(4), NodeType::Regular, Payouts::Unknown),
        ];
        let by_version = [[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]];
        let expected = Registrations { by_version, shared: Some(1), split: Some(1) };
        assert_eq!(Registrations::of(&nodes[..5]), Some(expected));
        let by_version = [[1, 0], [0, 1], [1, 1], [1, 0], [1, 0]];
        let expected = Registrations { by_version, shared: None, split: None };
        assert_eq!(Registrations::of(&nodes), Some(expected), "one whose payees are unknown may be of either form");
        assert_eq!(Registrations::of(&nodes[4..5]), None, "the node says no version");
    }
}
