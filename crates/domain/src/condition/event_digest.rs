//! The recent events of a snapshot, sorted by what conditions ask of them.
//!
//! Never here: facts that outlive a snapshot (`memory`).

use std::collections::{HashMap, HashSet};

use crate::event::{BanCause, Event, EventKind, FailedQuorum};
use crate::list::Block;
use crate::masternode::MasternodeId;
use crate::snapshot::Snapshot;

/// Recent events before a tip, by masternode.
#[derive(Default)]
pub struct EventDigest<'a> {
    /// Masternodes that lost a payment.
    pub lost: HashSet<MasternodeId>,
    /// Points, failures and quorums of penalties.
    pub penalties: HashMap<MasternodeId, Penalties<'a>>,
    /// The last ban of each masternode, of any age.
    pub bans: HashMap<MasternodeId, (BanCause, &'a Event)>,
    /// Failed DKG sessions of all masternodes.
    pub failures: u64,
}

/// Recent penalties of one masternode.
#[derive(Default)]
pub struct Penalties<'a> {
    /// Points.
    pub points: u32,
    /// Block of the last penalty.
    pub block: Option<Block>,
    /// The quorums that marked it as failed.
    pub quorums: Vec<&'a FailedQuorum>,
}

impl<'a> EventDigest<'a> {
    /// From the events up to a snapshot.
    pub fn of(snapshot: &'a Snapshot, recent_seconds: u64) -> EventDigest<'a> {
        let since = snapshot.block().time.0.saturating_sub(recent_seconds);
        let mut digest = EventDigest::default();
        for event in snapshot.recent_events() {
            if let EventKind::Ban { cause, .. } = event.kind {
                digest.bans.insert(event.masternode, (cause, event));
            }
            if event.block.time.0 <= since {
                continue;
            }
            match &event.kind {
                EventKind::PaymentLost => drop(digest.lost.insert(event.masternode)),
                EventKind::Penalty { points, failures, quorums, .. } => {
                    digest.failures += u64::from(*failures);
                    let penalties = digest.penalties.entry(event.masternode).or_default();
                    penalties.points += points;
                    penalties.block = Some(event.block);
                    penalties.quorums.extend(quorums);
                }
                _ => {}
            }
        }
        digest
    }
}
