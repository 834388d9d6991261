//! One simulated masternode as seen by the queried node, and the texts derived from its outpoint.
//!
//! Never here: decisions; the rules are in `check` and `election`.

use std::fmt;

use super::rules::NetworkNames;
use crate::random::{Hash256, Random};

/// A state of a masternode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeState {
    /// Started less than ten minutes before its last ping (Dimecoin).
    PreEnabled,
    /// Can be paid.
    Enabled,
    /// Pings stopped long ago. Final on both chains: later pings are ignored.
    Expired,
    /// Pings stopped three hours ago (Dimecoin).
    NewStartRequired,
    /// Banned for as many blocks as there are masternodes (Dimecoin).
    PoseBan,
    /// The collateral is spent (Dimecoin).
    OutpointSpent,
    /// Pings stopped so long ago that the entry disappears (PRCYcoin).
    Remove,
    /// The collateral is spent (PRCYcoin).
    VinSpent,
}

impl NodeState {
    /// The node's name of the state.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::PreEnabled => "PRE_ENABLED",
            Self::Enabled => "ENABLED",
            Self::Expired => "EXPIRED",
            Self::NewStartRequired => "NEW_START_REQUIRED",
            Self::PoseBan => "POSE_BAN",
            Self::OutpointSpent => "OUTPOINT_SPENT",
            Self::Remove => "REMOVE",
            Self::VinSpent => "VIN_SPENT",
        }
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

/// A masternode in the memory of the queried node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) txid: Hash256,
    pub(super) index: u32,
    /// Height of the collateral's block.
    pub(super) born: u32,
    /// Hash of the block in which the collateral had 15 confirmations.
    pub(super) confirmed: Hash256,
    /// Number of the payout address; nodes of one owner share it.
    pub(super) payout: u32,
    /// Number of the network address; duplicates share it.
    pub(super) address: u32,
    /// Unix time of the start message.
    pub(super) started: u64,
    /// Unix time of the last valid ping.
    pub(super) seen: u64,
    /// Unix time of the next ping, if the daemon runs then.
    pub(super) next_ping: u64,
    /// The daemon runs.
    pub(super) online: bool,
    /// The collateral is spent.
    pub(super) spent: bool,
    /// On the list of the queried node.
    pub(super) listed: bool,
    /// Dimecoin's hidden score; the verifications that lower it below 0 are not simulated.
    pub(super) score: u32,
    /// First height after the current ban.
    pub(super) banned_until: Option<u32>,
    pub(super) state: NodeState,
}

/// The derived texts, distinguished when they are generated.
#[derive(Clone, Copy)]
enum Text {
    Key = 1,
    Collateral,
}

impl Node {
    /// The outpoint as the simulator's name of the masternode.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.txid, self.index)
    }

    /// The outpoint as Dimecoin prints it (`src/primitives/transaction.cpp COutPoint::ToString`).
    pub(super) fn outpoint(&self) -> String {
        format!("COutPoint({}, {})", self.txid, self.index)
    }

    /// The order of a map of outpoints: hash in memory order, then index.
    pub(super) fn order(&self) -> ([u8; 32], u32) {
        (self.txid.memory_order(), self.index)
    }

    /// Confirmations of the collateral when the tip has this height.
    pub(super) fn confirmations(&self, tip: u32) -> u32 {
        if self.spent { 0 } else { (tip + 1).saturating_sub(self.born) }
    }

    /// IP address and port.
    pub(super) fn service(&self, names: &NetworkNames) -> String {
        let [_, high, middle, low] = self.address.to_be_bytes();
        format!("11.{high}.{middle}.{low}:{}", names.port)
    }

    /// The masternode key, uncompressed.
    pub(super) fn key(&self) -> String {
        format!("04{}", self.draw(Text::Key).hex(64))
    }

    /// PRCYcoin's address of the collateral key; it differs from node to node.
    pub(super) fn collateral_address(&self, names: &NetworkNames) -> String {
        format!("{}{}", names.letter, self.draw(Text::Collateral).base58(33))
    }

    fn draw(&self, text: Text) -> Random {
        Random::of(&[self.txid.seed(), u64::from(self.index), text as u64])
    }
}

/// Dimecoin's payout address of this number.
pub(super) fn payout_address(seed: u64, payout: u32, names: &NetworkNames) -> String {
    format!("{}{}", names.letter, payout_draw(seed, payout).base58(33))
}

/// The 20 bytes of the payout address in a script.
pub(super) fn payout_hash(seed: u64, payout: u32) -> String {
    payout_draw(seed, payout).hex(20)
}

/// PRCYcoin's stealth address of this number. Its format is not recorded, because the recorded list was empty.
pub(super) fn stealth_address(seed: u64, payout: u32) -> String {
    format!("41{}", payout_draw(seed, payout).base58(97))
}

fn payout_draw(seed: u64, payout: u32) -> Random {
    Random::of(&[seed, 0x9a1d, u64::from(payout)])
}
