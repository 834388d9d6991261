//! The recent events of a snapshot, sorted by what conditions ask of them.
//!
//! Never here: facts that outlive a snapshot (`memory`).

use std::collections::HashMap;

use crate::event::{BanCause, Event, EventKind, FailedQuorum};
use crate::list::Block;
use crate::masternode::{MasternodeId, UnixSeconds};
use crate::snapshot::Snapshot;

/// Events before a tip, by masternode.
#[derive(Default)]
pub struct EventDigest<'a> {
    /// Block time of the tip, in seconds since 1970.
    tip_seconds: u64,
    /// Block time of the last lost payment of each masternode.
    lost: HashMap<MasternodeId, UnixSeconds>,
    /// The penalties of each masternode, in the order of blocks.
    penalties: HashMap<MasternodeId, Vec<&'a Event>>,
    /// The last ban of each masternode.
    pub bans: HashMap<MasternodeId, (BanCause, &'a Event)>,
    /// Recently failed DKG sessions of all masternodes.
    pub failures: u64,
}

/// Penalties of one masternode.
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
    /// From the events up to a snapshot. `recent_seconds` is the period in which failures of the network are counted.
    pub fn of(snapshot: &'a Snapshot, recent_seconds: u64) -> EventDigest<'a> {
        let mut digest = EventDigest { tip_seconds: snapshot.block().time.0, ..EventDigest::default() };
        for event in snapshot.recent_events() {
            match &event.kind {
                EventKind::Ban { cause, .. } => drop(digest.bans.insert(event.masternode, (*cause, event))),
                EventKind::PaymentLost => drop(digest.lost.insert(event.masternode, event.block.time)),
                EventKind::Penalty { failures, .. } => {
                    if digest.is_within(recent_seconds, event.block.time) {
                        digest.failures += u64::from(*failures);
                    }
                    digest.penalties.entry(event.masternode).or_default().push(event);
                }
                _ => {}
            }
        }
        digest
    }

    fn is_within(&self, seconds: u64, time: UnixSeconds) -> bool {
        time.0 > self.tip_seconds.saturating_sub(seconds)
    }

    /// Whether a masternode lost a payment in the last `seconds` before the tip.
    pub fn lost_payment(&self, id: &MasternodeId, seconds: u64) -> bool {
        self.lost.get(id).is_some_and(|time| self.is_within(seconds, *time))
    }

    /// The penalties of a masternode in the last `seconds` before the tip. `None` if there were none.
    pub fn penalties(&self, id: &MasternodeId, seconds: u64) -> Option<Penalties<'a>> {
        let events = self.penalties.get(id)?.iter().filter(|event| self.is_within(seconds, event.block.time));
        let mut all: Option<Penalties<'a>> = None;
        for event in events {
            let EventKind::Penalty { points, quorums, .. } = &event.kind else { continue };
            let penalties = all.get_or_insert_default();
            penalties.points += points;
            penalties.block = Some(event.block);
            penalties.quorums.extend(quorums);
        }
        all
    }
}
