//! The scenarios of `demo`: a simulated Dash network around the fork of Dash 24, its nodes, and its events.
//!
//! Never here: sources and servers; `demo` starts them.

use clap::ValueEnum;

use crate::app;
use domain::watch::WatchField;
use simulator::{Network, Options, Software};

/// Version of the node that does not follow the fork.
const OLD_RELEASE: u32 = 230_102;

/// Version of the node that follows it.
const NEW_RELEASE: u32 = 240_003;

/// Index of the masternode whose payout address is replaced.
const STOLEN: usize = 3;

/// A scenario of a simulated Dash network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// The fork of Dash 24: signal, activation, migrations, a stolen payout, a source that stays on the old chain.
    #[value(name = "dash-24")]
    Dash24,
    /// The same fork; one owner of 60 % of the masternodes moves all of them to ProTx version 3.
    #[value(name = "dash-24-migration")]
    Dash24Migration,
}

impl Scenario {
    /// The simulated network.
    pub(super) fn options(self, masternodes: usize) -> Options {
        let now = || app::now().0;
        match self {
            Scenario::Dash24 => Options::dash_24(masternodes, now),
            Scenario::Dash24Migration => Options::dash_24_migration(masternodes, now),
        }
    }

    /// The nodes that serve it: name of the source and software.
    pub(super) fn nodes() -> [(&'static str, Software); 2] {
        [("core-24", Software::release(NEW_RELEASE)), ("core-23", Software::release(OLD_RELEASE))]
    }

    /// Aliases of the first masternodes to watch.
    pub(super) fn aliases(self) -> &'static [&'static str] {
        match self {
            Scenario::Dash24 => &[
                "old-protocol",
                "migrating",
                "two-payees",
                "stolen-payout",
                "more-addresses",
                "new-operator-key",
                "revoked",
                "shared",
            ],
            Scenario::Dash24Migration => &["old-protocol"],
        }
    }

    /// The masternodes to watch, in the order of the aliases.
    pub(super) fn masternodes(self, network: &Network) -> Vec<String> {
        let mut ids = network.masternodes();
        let shared = match self {
            Scenario::Dash24 => Some(network.shared_masternode(0)),
            Scenario::Dash24Migration => None,
        };
        if let (Some(id), Some(place)) = (shared, self.aliases().iter().position(|alias| *alias == "shared")) {
            ids.insert(place.min(ids.len()), id);
        }
        ids
    }

    /// Expectation of the masternode with this index.
    pub(super) fn expectations(self, network: &Network, index: usize) -> Vec<(WatchField, String)> {
        let honest = network.masternodes().get(STOLEN).and_then(|id| network.masternode(id));
        match (self, honest) {
            (Scenario::Dash24, Some(facts)) if index == STOLEN => {
                vec![(WatchField::PayoutAddress, facts.payout_address)]
            }
            _ => Vec::new(),
        }
    }

    /// The events, in blocks after the start.
    pub(super) fn story(self) -> Vec<String> {
        let fork = [
            "fork: the EHF signal is mined in block 15, miners signal from block 18, locked in at block 38, active from block 58.",
            "sources: \"core-24\" follows the fork; \"core-23\" (23.1.2) stays on the old chain, which grows at half the speed.",
            "\"old-protocol\" runs protocol 70240: its quorum votes it bad in block 12, and it is revived 90 blocks later.",
        ];
        let events: &[&str] = match self {
            Scenario::Dash24 => &[
                "block 60: \"migrating\" moves from ProTx version 1 to 2; block 66: to 3.",
                "block 62: a shared masternode with three owners is registered; block 78: one reward address changes; block 103: it is dissolved.",
                "block 68: \"two-payees\" gets two payees.",
                "block 72: the payout address of \"stolen-payout\" (ProTx version 3 since block 60) is replaced by another.",
                "blocks 76 and 82: \"more-addresses\" gets further addresses.",
                "block 84: the operator key of \"new-operator-key\" changes; block 92: it is revived with ProTx version 3.",
                "block 88: the operator of \"revoked\" revokes.",
            ],
            Scenario::Dash24Migration => {
                &["blocks 63 to 92: one owner moves 60 % of the masternodes to ProTx version 3; no payee changes."]
            }
        };
        fork.iter().chain(events).map(|line| (*line).to_string()).collect()
    }
}
