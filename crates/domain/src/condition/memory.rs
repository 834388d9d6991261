//! Facts that one evaluation keeps for the next, because no single state contains them.
//!
//! Ages are measured with the monotonic clock.
//!
//! Never here: sent notifications (`alerting`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::condition::evaluation::EvaluatedSubject;
use crate::event::{BanCause, Event, EventKind, FailedQuorum};
use crate::masternode::{Height, MasternodeId, NodeType, UnixSeconds};
use crate::network_state::{Moment, NetworkState};
use crate::snapshot::Snapshot;

/// Seconds for which a gap counts.
pub(super) const GAP_SECONDS: u64 = 3_600;

/// Seconds for which a value that was not understood counts.
pub(super) const NOT_UNDERSTOOD_SECONDS: u64 = 86_400;

/// Seconds for which the last report of a source about itself counts after it stops reporting.
const SILENCE_SECONDS: u64 = 600;

/// A DKG session counts as active for this long after the last active one, in seconds of block time: the pause between
/// two sessions.
const SESSION_PAUSE_SECONDS: u64 = 2_700;

/// Facts of all networks.
#[derive(Default)]
pub struct Memory {
    pub(super) networks: BTreeMap<Arc<str>, NetworkMemory>,
}

/// A fact that a source reports about itself, and the source.
type Fact = (&'static str, Arc<str>);

/// Facts of one network.
#[derive(Default)]
pub struct NetworkMemory {
    /// The subjects of the last fresh list.
    pub(super) subjects: Vec<EvaluatedSubject>,
    /// Skipped blocks.
    pub(super) gap: Rise,
    /// Values that were not understood.
    pub(super) not_understood: Rise,
    /// The masternode at the head of the payment queue, and since which block.
    head: Option<(MasternodeId, Height)>,
    /// Block time of the last active DKG session, by type of masternode.
    sessions: BTreeMap<NodeType, UnixSeconds>,
    /// Last reports of the sources about themselves, and when; `None` if a source reported nothing.
    said: BTreeMap<Fact, (Option<bool>, Moment)>,
}

/// A counter that starts at 0 with the process. A lower value does not reset it: a network restarts at 0.
#[derive(Default)]
pub struct Rise {
    counted: u64,
    last: Option<(Moment, u64)>,
}

impl Rise {
    fn note(&mut self, counted: u64, window: u64, now: Moment) {
        self.last = self.last.filter(|(at, _)| at.age(now).as_secs() < window);
        if counted > self.counted {
            let before = self.last.map_or(0, |(_, count)| count);
            self.last = Some((now, before + counted - self.counted));
        }
        self.counted = self.counted.max(counted);
    }

    /// The increase within the window. `None` if there was none.
    pub(super) fn recent(&self) -> Option<u64> {
        self.last.map(|(_, count)| count)
    }
}

impl NetworkMemory {
    pub(super) fn note(&mut self, state: &NetworkState, fresh: Option<&Snapshot>, now: Moment) {
        self.gap.note(state.gap_blocks, GAP_SECONDS, now);
        self.not_understood.note(state.not_understood, NOT_UNDERSTOOD_SECONDS, now);
        for source in &state.sources {
            let facts = [
                ("isolated", source.isolated),
                ("release_bad", source.release_bad),
                ("filter_index_synced", source.filter_index_synced),
            ];
            for (fact, said) in facts {
                let known = self.said.entry((fact, source.name.clone())).or_insert((None, now));
                if said.is_some() {
                    *known = (said, now);
                }
            }
        }
        let Some(snapshot) = fresh else { return };
        let tip = snapshot.block();
        let first = snapshot.nodes().find(|node| node.queue_position.is_some_and(|position| position.get() == 1));
        let first = first.map(|node| node.masternode.id);
        self.head = first.map(|first| match self.head {
            Some((id, since)) if id == first && since <= tip.height => (id, since),
            _ => (first, tip.height),
        });
        for node_type in NodeType::ALL {
            if snapshot.maintenance_window(node_type) == Some(0) {
                self.sessions.insert(node_type, tip.time);
            }
        }
    }

    /// The report of a source about itself, now or within [`SILENCE_SECONDS`]; `Err` if it reported nothing in that time.
    pub(super) fn said(&self, fact: &'static str, source: &Arc<str>, now: Moment) -> Result<Option<bool>, ()> {
        let Some((said, at)) = self.said.get(&(fact, source.clone())) else { return Ok(None) };
        if at.age(now).as_secs() > SILENCE_SECONDS { Err(()) } else { Ok(*said) }
    }

    /// For how many blocks a masternode has been at the head of the payment queue.
    pub(super) fn blocks_at_head(&self, id: &MasternodeId, tip: Height) -> Option<u32> {
        self.head.filter(|(head, _)| head == id).map(|(_, since)| tip.above(since))
    }

    /// Whether a DKG session with masternodes of this type is active, or was within the pause between two sessions.
    pub(super) fn session_under_way(&self, node_type: NodeType, tip: UnixSeconds) -> bool {
        self.sessions.get(&node_type).is_some_and(|at| tip.0.saturating_sub(at.0) <= SESSION_PAUSE_SECONDS)
    }
}

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
    /// Height of the last penalty.
    pub height: Option<Height>,
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
                    penalties.height = Some(event.block.height);
                    penalties.quorums.extend(quorums);
                }
                _ => {}
            }
        }
        digest
    }
}

impl Memory {
    /// Removes networks that are no longer configured.
    pub(super) fn retain(&mut self, networks: &BTreeSet<Arc<str>>) {
        self.networks.retain(|name, _| networks.contains(name));
    }
}
