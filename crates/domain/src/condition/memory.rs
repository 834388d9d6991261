//! Facts that one evaluation keeps for the next, because no single state contains them.
//!
//! Ages are measured with the monotonic clock.
//!
//! Never here: sent notifications (`alerting`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::condition::evaluation::EvaluatedSubject;
use crate::condition::thresholds::Thresholds;
use crate::masternode::{Height, Masternode, MasternodeId, NodeType, UnixSeconds};
use crate::network_state::{Moment, NetworkState};
use crate::payment::QueueHead;
use crate::snapshot::Snapshot;

/// Seconds for which a score that differed from the computed one counts.
pub(super) const DISAGREEMENT_SECONDS: u64 = 86_400;

/// A DKG session counts as active for this long after the last active one, in seconds of block time: the pause between
/// two sessions.
pub(super) const SESSION_PAUSE_SECONDS: u64 = 2_700;

/// Facts of all networks.
#[derive(Default)]
pub struct Memory {
    pub(super) networks: BTreeMap<Arc<str>, NetworkMemory>,
}

/// A fact that a source reports about itself, and the source.
type Fact = (&'static str, Arc<str>);

/// What a masternode is to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It can be paid.
    Payable,
    /// It cannot be paid, and is not banned.
    Unpaid,
    Banned,
}

impl Standing {
    fn of(masternode: &Masternode) -> Standing {
        match (masternode.is_banned(), masternode.is_payable()) {
            (true, _) => Standing::Banned,
            (false, true) => Standing::Payable,
            (false, false) => Standing::Unpaid,
        }
    }
}

/// Facts of one network.
#[derive(Default)]
pub struct NetworkMemory {
    /// The subjects of the last fresh list.
    pub(super) subjects: Vec<EvaluatedSubject>,
    /// Skipped blocks.
    pub(super) gap: Rise,
    /// Values that were not understood.
    pub(super) not_understood: Rise,
    /// Scores that differed from the computed ones.
    pub(super) score_disagreements: Rise,
    /// The highest tip.
    tip: Option<HighestTip>,
    /// The head of the payment queue.
    head: Option<QueueHead>,
    /// Watched masternodes that are not in the list, and since when they are seen to be absent.
    absent: BTreeMap<MasternodeId, Moment>,
    /// Whether each watched masternode is banned or paid, and since when that is so.
    standings: BTreeMap<MasternodeId, (Standing, Option<Moment>)>,
    /// Whether a snapshot had DKG sessions.
    pub(super) had_sessions: bool,
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

/// A tip is seen to arrive if the one before it was fresh so many seconds ago. Otherwise it may have arrived long ago.
const ARRIVAL_SECONDS: u64 = 60;

/// The highest tip of fresh lists.
#[derive(Clone, Copy)]
struct HighestTip {
    height: Height,
    /// When it was seen to arrive.
    arrived: Option<Moment>,
    /// The last evaluation with a fresh list.
    noted: Moment,
}

impl HighestTip {
    fn after(before: Option<HighestTip>, height: Height, now: Moment) -> HighestTip {
        match before {
            Some(before) if height <= before.height => HighestTip { noted: now, ..before },
            _ => {
                let is_seen = before.is_some_and(|before| before.noted.age(now).as_secs() <= ARRIVAL_SECONDS);
                HighestTip { height, arrived: is_seen.then_some(now), noted: now }
            }
        }
    }
}

impl NetworkMemory {
    pub(super) fn note(
        &mut self,
        state: &NetworkState,
        fresh: Option<&Snapshot>,
        thresholds: &Thresholds,
        now: Moment,
    ) {
        self.gap.note(state.gap_blocks, thresholds.recent_seconds, now);
        self.not_understood.note(state.not_understood, thresholds.not_understood_seconds, now);
        self.score_disagreements.note(state.score_disagreements, DISAGREEMENT_SECONDS, now);
        for source in &state.sources {
            let facts = [
                ("isolated", source.isolated),
                ("release_bad", source.release_bad),
                ("filter_index_synced", source.filter_index_synced),
            ];
            for (fact, said) in facts {
                let known = self.said.entry((fact, source.name.clone())).or_insert((None, now));
                let may_follow = known.0.is_none() && source.synced != Some(true);
                if said.is_some() || may_follow {
                    *known = (said, now);
                }
            }
        }
        let Some(snapshot) = fresh else { return };
        let tip = snapshot.block();
        self.tip = Some(HighestTip::after(self.tip, tip.height, now));
        self.head = snapshot.head_of_queue().map(|id| QueueHead::at(tip.height, id, self.head));
        let absent = snapshot.watched().iter().filter(|watched| watched.index.is_none());
        let absent = absent.map(|watched| watched.watched.id);
        self.absent = absent.map(|id| (id, self.absent.get(&id).copied().unwrap_or(now))).collect();
        let listed = snapshot.watched().iter().filter_map(|watched| Some((watched.watched.id, watched.index?)));
        let standings = listed.map(|(id, index)| {
            let standing = Standing::of(snapshot.node(index).masternode);
            let since = match self.standings.get(&id) {
                Some((before, since)) if *before == standing => *since,
                before => before.map(|_| now),
            };
            (id, (standing, since))
        });
        self.standings = standings.collect();
        self.had_sessions |= snapshot.facts().sessions.is_some();
        for node_type in NodeType::ALL {
            if snapshot.maintenance_window(node_type) == Some(0) {
                self.sessions.insert(node_type, tip.time);
            }
        }
    }

    /// The report of a source about itself, at most `silence` seconds old. `None` if it reported nothing in that time.
    pub(super) fn said(&self, fact: &'static str, source: &Arc<str>, silence: u64, now: Moment) -> Option<bool> {
        let (said, at) = self.said.get(&(fact, source.clone()))?;
        said.filter(|_| at.age(now).as_secs() <= silence)
    }

    /// Whether a source never reported this fact, in more than `silence` seconds.
    pub(super) fn never_said(&self, fact: &'static str, source: &Arc<str>, silence: u64, now: Moment) -> bool {
        let said = self.said.get(&(fact, source.clone()));
        said.is_some_and(|(said, at)| said.is_none() && at.age(now).as_secs() > silence)
    }

    /// For how many blocks a masternode has been seen at the head of the payment queue, and whether it may have been there
    /// for longer.
    pub(super) fn blocks_at_head(&self, id: &MasternodeId, tip: Height) -> Option<(u32, bool)> {
        self.head.filter(|head| head.id == *id).map(|head| head.blocks(tip))
    }

    /// Seconds since the tip rose. `None` if that was not seen.
    pub(super) fn tip_seconds(&self, now: Moment) -> Option<u64> {
        self.tip?.arrived.map(|at| at.age(now).as_secs())
    }

    /// For how many seconds a watched masternode is seen to be absent from the list. `None` if it is not.
    pub(super) fn absent_seconds(&self, id: &MasternodeId, now: Moment) -> Option<u64> {
        self.absent.get(id).map(|since| since.age(now).as_secs())
    }

    /// The standing to which a watched masternode changed within the last `seconds`. `None` if it did not change.
    pub(super) fn new_standing(&self, id: &MasternodeId, seconds: u32, now: Moment) -> Option<Standing> {
        let (standing, since) = self.standings.get(id)?;
        since.filter(|since| since.age(now).as_secs() <= seconds.into()).map(|_| *standing)
    }

    /// Whether a DKG session with masternodes of this type is active, or was within the pause between two sessions.
    pub(super) fn session_under_way(&self, node_type: NodeType, tip: UnixSeconds) -> bool {
        self.sessions.get(&node_type).is_some_and(|at| tip.0.saturating_sub(at.0) <= SESSION_PAUSE_SECONDS)
    }
}

impl Memory {
    /// Removes networks that are no longer configured.
    pub(super) fn retain(&mut self, networks: &BTreeSet<Arc<str>>) {
        self.networks.retain(|name, _| networks.contains(name));
    }
}
