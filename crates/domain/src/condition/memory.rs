//! What one evaluation leaves for the next: facts that no single state shows.
//!
//! Ages are measured with the clock that never jumps.
//!
//! Never here: what was sent to whom (`alerting`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::condition::evaluation::EvaluatedSubject;
use crate::event::{BanCause, Event, EventKind, FailedQuorum};
use crate::masternode::{Height, MasternodeId, NodeType, UnixSeconds};
use crate::network_state::{Moment, NetworkState};
use crate::snapshot::Snapshot;

/// For how long a gap counts, in seconds.
pub(super) const GAP_SECONDS: u64 = 3_600;

/// For how long an answer counts that was not understood, in seconds.
pub(super) const NOT_UNDERSTOOD_SECONDS: u64 = 86_400;

/// For how long it counts what a source said of itself, once it says nothing any more, in seconds.
const SILENCE_SECONDS: u64 = 600;

/// A session counts as under way for this long after one was, in seconds of block time: the pause between two of them.
const SESSION_PAUSE_SECONDS: u64 = 2_700;

/// What is remembered of all networks.
#[derive(Default)]
pub struct Memory {
    pub(super) networks: BTreeMap<Arc<str>, NetworkMemory>,
}

/// What a source says of itself: which fact, and the source.
type Fact = (&'static str, Arc<str>);

/// What is remembered of one network.
#[derive(Default)]
pub struct NetworkMemory {
    /// The subjects of the last fresh list.
    pub(super) subjects: Vec<EvaluatedSubject>,
    /// Blocks that were not followed.
    pub(super) gap: Rise,
    /// Values that were not understood.
    pub(super) not_understood: Rise,
    /// First in the payment queue, since which block.
    head: Option<(MasternodeId, Height)>,
    /// When a session was last under way, by kind of masternode and time of the block.
    sessions: BTreeMap<NodeType, UnixSeconds>,
    /// What sources last said of themselves, and when; `None` as long as they said nothing.
    said: BTreeMap<Fact, (Option<bool>, Moment)>,
}

/// A counter that began at 0 with the process. A lower value, as before a network is followed again, is no new beginning.
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

    /// By how much it rose within the window; `None` when it did not.
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

    /// What a source says of itself, or said until a moment ago; `Err` when it said nothing for longer or ever.
    pub(super) fn said(&self, fact: &'static str, source: &Arc<str>, now: Moment) -> Result<Option<bool>, ()> {
        let Some((said, at)) = self.said.get(&(fact, source.clone())) else { return Ok(None) };
        if at.age(now).as_secs() > SILENCE_SECONDS { Err(()) } else { Ok(*said) }
    }

    /// For how many blocks a masternode has been first in the payment queue.
    pub(super) fn blocks_at_head(&self, id: &MasternodeId, tip: Height) -> Option<u32> {
        self.head.filter(|(head, _)| head == id).map(|(_, since)| tip.above(since))
    }

    /// Whether a session with masternodes of this kind is under way, or was within the pause between two of them.
    pub(super) fn session_under_way(&self, node_type: NodeType, tip: UnixSeconds) -> bool {
        self.sessions.get(&node_type).is_some_and(|at| tip.0.saturating_sub(at.0) <= SESSION_PAUSE_SECONDS)
    }
}

/// What happened lately before a tip, by masternode.
#[derive(Default)]
pub struct EventDigest<'a> {
    /// Who lost a payment.
    pub lost: HashSet<MasternodeId>,
    /// Points, failures and quorums of penalties.
    pub penalties: HashMap<MasternodeId, Penalties<'a>>,
    /// The last ban of each masternode, however long ago.
    pub bans: HashMap<MasternodeId, (BanCause, &'a Event)>,
    /// Failed sessions of all masternodes.
    pub failures: u64,
}

/// Recent penalties of one masternode.
#[derive(Default)]
pub struct Penalties<'a> {
    /// Points.
    pub points: u32,
    /// Height of the last one.
    pub height: Option<Height>,
    /// The quorums that named it.
    pub quorums: Vec<&'a FailedQuorum>,
}

impl<'a> EventDigest<'a> {
    /// Of the events that led to a snapshot.
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
    /// Forgets networks that are not configured any more.
    pub(super) fn retain(&mut self, networks: &BTreeSet<Arc<str>>) {
        self.networks.retain(|name, _| networks.contains(name));
    }
}
