//! What a human should know of: a snapshot, thresholds and the present in, findings out.
//!
//! A condition has no memory and no delay: how long it must hold before somebody is told is the catalogue's (`alerting`). Only
//! watched masternodes are judged one by one; the others count for the network.
//!
//! The caller hands in a snapshot that is fresh: of an old one nothing is to be said but that it is old.
//!
//! Never here: text, names of alerts, who is told.

mod deployment;
mod probes;
mod registration;

use std::collections::{BTreeMap, HashSet};

use crate::event::{Event, EventKind};
use crate::masternode::{Height, MasternodeId, NodeType, UnixSeconds};
use crate::pose::Risk;
use crate::snapshot::{NodeView, Snapshot, WatchedEntry};
use crate::watch::WatchField;

pub use probes::{ProbeConditions, called};
pub use registration::unknown_versions;

/// From where on something is told. The rules for Prometheus are written with the defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Chance of another test before it is safe, above which a ban counts as imminent; 0…1.
    pub imminent_chance: f64,
    /// What "recently" means, in seconds.
    pub recent_seconds: u64,
    /// A score above this many steps needs two failures inside one decay. A little more than one, because the step moves
    /// with the number of masternodes.
    pub repeated_steps: f64,
    /// Penalised lately, as a part of all masternodes: a wave of the whole network.
    pub wave_ratio: f64,
    /// Fewer are no wave, however small the network.
    pub wave_minimum: u64,
    /// So many of a group, newly penalised, are told whatever its size …
    pub group_nodes: u64,
    /// … and fewer, but at least two, when they are such a part of it.
    pub group_ratio: f64,
    /// Age of the tip at which the chain counts as stalled, in seconds.
    pub stalled_seconds: u64,
    /// Blocks by which ChainLocks may lag.
    pub chainlock_lag: u32,
    /// Mining windows without a quorum of a type from which on that is told.
    pub quorum_windows: u32,
    /// Seconds before the expected activation of a consensus change from which on it is near.
    pub fork_near_seconds: u64,
    /// Shortest payment cycle in which waiting at the head of the queue means anything.
    pub shortest_cycle: u32,
}

impl Thresholds {
    /// Those that hold unless told otherwise.
    pub const DEFAULT: Thresholds = Thresholds {
        imminent_chance: 0.5,
        recent_seconds: 3_600,
        repeated_steps: 1.05,
        wave_ratio: 0.01,
        wave_minimum: 10,
        group_nodes: 3,
        group_ratio: 1.0 / 3.0,
        stalled_seconds: 1_800,
        chainlock_lag: 5,
        quorum_windows: 2,
        fork_near_seconds: 604_800,
        shortest_cycle: 10,
    };
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds::DEFAULT
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// Banned, for whatever cause.
    Banned,
    /// One failure from a ban, and likely to be tested before it is safe, or in danger from a session under way.
    BanImminent,
    /// The next failure bans.
    OneFailureFromBan,
    /// Penalised lately.
    Penalized,
    /// Penalised again before the last penalty had decayed.
    RepeatedFailures,
    /// Not on the list.
    Missing,
    /// Neither paid nor banned: expired, for instance. On the older chains.
    NotEnabled,
    /// Silent for longer than it should be, and not expired yet.
    PingLate,
    /// At the head of the payment queue; wrong only if it stays there.
    HeadOfQueue,
    /// Lost its payment lately, by a ban or by leaving the list.
    PaymentLost,
    /// A field is not what the operator says it must be.
    UnexpectedChange,
    /// The Platform asked for a ban.
    PlatformBanned,
    /// Its contribution to a DKG session under way is missing, and the phase of contributions is over.
    ContributionMissing,
    /// Does not answer at its address.
    Unreachable,
    /// Speaks a protocol that is older than its network demands.
    ProtocolTooOld,
    /// Speaks a protocol that is older than the next release demands, which no source runs yet.
    NotReadyForNextRelease,
    /// Does not relay transactions, which its network demands.
    NoTransactionRelay,
    /// Does not serve compact block filters, which its network demands.
    NoCompactFilters,
    /// Its software is a release with a known fault.
    BadRelease,
    /// An Evo node whose registration is below the ProTx version that the network demands.
    EvoVersionOld,
    /// Many masternodes were penalised lately.
    PenaltyWave,
    /// Several masternodes of a group were penalised lately.
    GroupDegraded,
    /// No block for long.
    ChainStalled,
    /// ChainLocks lag behind the tip.
    ChainLockLag,
    /// No quorum of a type formed in its last mining windows. No masternode's fault: a session that fails punishes nobody.
    QuorumMissing,
    /// A consensus change is locked in and activates soon.
    ForkNear,
    /// A consensus change activated within the last window.
    ForkActivated,
}

/// Of whom something is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject<'a> {
    /// A watched masternode.
    Masternode(&'a WatchedEntry),
    /// A group of the watch list: key and group.
    Group(&'a str, &'a str),
    /// The network itself.
    Network,
    /// The quorums of a type.
    QuorumType(&'static str),
}

impl Subject<'_> {
    /// The masternode, where it is one.
    pub fn masternode(&self) -> Option<&MasternodeId> {
        match self {
            Subject::Masternode(node) => Some(&node.watched.id),
            _ => None,
        }
    }
}

/// A condition that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<'a> {
    /// What.
    pub condition: Condition,
    /// Of whom.
    pub subject: Subject<'a>,
    /// The number that the condition is about: chance, points, blocks, seconds or how many.
    pub value: f64,
    /// The fields that are not as expected; empty for all other conditions.
    pub fields: Vec<WatchField>,
}

/// Everything that is to be told of a fresh snapshot at `now`: masternodes in the order of the list, then groups, then the
/// network.
pub fn findings<'a>(snapshot: &'a Snapshot, thresholds: &Thresholds, now: UnixSeconds) -> Vec<Finding<'a>> {
    let lost = lost_payments(snapshot, thresholds);
    let cycle = snapshot.payment_cycle_blocks().unwrap_or(0);
    let judge = Evaluator { snapshot, thresholds, now, lost, cycle };
    let mut found = Vec::new();
    for watched in snapshot.watched() {
        judge.masternode(watched, &mut |condition, value| {
            let fields = if condition == Condition::UnexpectedChange { judge.unexpected(watched) } else { Vec::new() };
            found.push(Finding { condition, subject: Subject::Masternode(watched), value, fields });
        });
    }
    judge.groups(&mut found);
    judge.network(&mut |condition, value| {
        found.push(Finding { condition, subject: Subject::Network, value, fields: Vec::new() });
    });
    let missing = snapshot.quorums().filter(|(_, health)| health.missed_windows >= thresholds.quorum_windows);
    found.extend(missing.map(|(kind, health)| Finding {
        condition: Condition::QuorumMissing,
        subject: Subject::QuorumType(kind.name),
        value: health.missed_windows.into(),
        fields: Vec::new(),
    }));
    found
}

/// How far ahead of a node's own clock the time of a block may be: `MAX_FUTURE_BLOCK_TIME` in `src/chain.h` of Dash Core.
const MOST_AHEAD_SECONDS: u64 = 7_200;

type Emit<'t> = &'t mut dyn FnMut(Condition, f64);

struct Evaluator<'a, 't> {
    snapshot: &'a Snapshot,
    thresholds: &'t Thresholds,
    now: UnixSeconds,
    /// Who lost its payment lately.
    lost: HashSet<MasternodeId>,
    /// Blocks in which everybody is paid once; 0 where that is not known. It takes a walk over the whole list.
    cycle: u32,
}

/// The events of the last `seconds` before the tip. By the time of blocks, not by ours, which may jump.
pub fn recent_events(snapshot: &Snapshot, seconds: u64) -> impl Iterator<Item = &Event> {
    let since = snapshot.block().time.0.saturating_sub(seconds);
    snapshot.recent_events().iter().filter(move |event| event.block.time.0 > since)
}

fn lost_payments(snapshot: &Snapshot, thresholds: &Thresholds) -> HashSet<MasternodeId> {
    let lost = recent_events(snapshot, thresholds.recent_seconds).filter(|event| event.kind == EventKind::PaymentLost);
    lost.map(|event| event.masternode).collect()
}

/// Watched masternodes of which nothing can be said but that no expectation is known to be broken: of one or more the list does
/// not say what is so.
pub fn unsaid_expectations(snapshot: &Snapshot) -> impl Iterator<Item = &WatchedEntry> {
    snapshot.watched().iter().filter(|watched| {
        let Some(index) = watched.index else { return false };
        let masternode = snapshot.node(index).masternode;
        let expectations = watched.watched.expectations.iter();
        let met: Vec<_> = expectations.map(|(field, value)| field.met_by(masternode, value)).collect();
        met.contains(&None) && !met.contains(&Some(false))
    })
}

impl<'a> Evaluator<'a, '_> {
    fn masternode(&self, watched: &WatchedEntry, tell: Emit<'_>) {
        if self.lost.contains(&watched.watched.id) {
            tell(Condition::PaymentLost, 1.0);
        }
        let Some(index) = watched.index else { return tell(Condition::Missing, 0.0) };
        let node = self.snapshot.node(index);
        self.pose(watched, &node, tell);
        let seats = self.snapshot.facts().sessions.as_ref().and_then(|sessions| sessions.of(&watched.watched.id));
        if seats.is_some_and(|seats| seats.contributed == Some(false)) {
            tell(Condition::ContributionMissing, 0.0);
        }
        self.life(&node, tell);
        if registration::is_old(self.snapshot, &node) {
            tell(Condition::EvoVersionOld, 0.0);
        }
        if node.queue_position.is_some_and(|position| position.get() == 1)
            && self.cycle > self.thresholds.shortest_cycle
        {
            tell(Condition::HeadOfQueue, 1.0);
        }
        let unexpected = self.unexpected(watched).len();
        if unexpected > 0 {
            tell(Condition::UnexpectedChange, unexpected as f64);
        }
    }

    fn pose(&self, watched: &WatchedEntry, node: &NodeView<'_>, tell: Emit<'_>) {
        let banned = node.masternode.is_banned();
        if banned {
            tell(Condition::Banned, 1.0);
        }
        if node.masternode.node_type == NodeType::Evo && node.masternode.peer.platform_banned() == Some(true) {
            tell(Condition::PlatformBanned, 1.0);
        }
        let (Some(pose), Some(limits)) = (node.pose(), self.snapshot.limits()) else { return };
        // A revival takes the score away, and with it what there was to tell.
        if pose.score().0 > 0 && self.is_recent(watched.tally.last_penalty_height) {
            tell(Condition::Penalized, f64::from(pose.score().0));
        }
        if !banned && f64::from(pose.score().0) > self.thresholds.repeated_steps * f64::from(limits.step) {
            tell(Condition::RepeatedFailures, f64::from(pose.score().0));
        }
        if node.risk() == Risk::OneFailureFromBan {
            tell(Condition::OneFailureFromBan, f64::from(pose.blocks_until_safe().unwrap_or(0)));
            let chance = self.snapshot.chance_of_test_before_safe(node).unwrap_or(0.0);
            let under_way = self.snapshot.maintenance_window(node.masternode.node_type) == Some(0);
            if chance > self.thresholds.imminent_chance || (chance > 0.0 && under_way) {
                tell(Condition::BanImminent, chance);
            }
        }
    }

    fn life(&self, node: &NodeView<'_>, tell: Emit<'_>) {
        let masternode = node.masternode;
        if masternode.is_banned() {
            return;
        }
        if !masternode.is_payable() {
            return tell(Condition::NotEnabled, 0.0);
        }
        let last_seen = masternode.announced.as_ref().and_then(|announced| announced.last_seen);
        // Against the time of the list, not the present: what is not read again must not seem to fall silent.
        let (read_at, tip) = (self.snapshot.read_at(), self.snapshot.block().time);
        // No node takes a block from further ahead: our clock is behind, and nobody was heard of in the future.
        let read_at = if read_at.0.saturating_add(MOST_AHEAD_SECONDS) < tip.0 { tip } else { read_at };
        let silent = last_seen.map(|seen| read_at.0.saturating_sub(seen.0));
        if let Some((silent, ping)) = silent.zip(self.snapshot.rules().ping)
            && silent > ping.warning_seconds
        {
            tell(Condition::PingLate, silent as f64);
        }
    }

    /// Fields that the masternode says otherwise than the watch list does.
    fn unexpected(&self, watched: &WatchedEntry) -> Vec<WatchField> {
        let Some(index) = watched.index else { return Vec::new() };
        let masternode = self.snapshot.node(index).masternode;
        let expectations = watched.watched.expectations.iter();
        expectations
            .filter(|(field, value)| field.met_by(masternode, value) == Some(false))
            .map(|(field, _)| *field)
            .collect()
    }

    fn is_recent(&self, height: Option<Height>) -> bool {
        let blocks = self.snapshot.facts().blocks_in(self.thresholds.recent_seconds, self.snapshot.rules());
        height.is_some_and(|height| self.snapshot.block().height.above(height) < blocks)
    }

    fn groups(&self, found: &mut Vec<Finding<'a>>) {
        // Of each group: its masternodes on the list, and those of them newly penalised.
        let mut groups: BTreeMap<(&'a str, &'a str), (u64, u64)> = BTreeMap::new();
        for watched in self.snapshot.watched().iter().filter(|watched| watched.index.is_some()) {
            let penalised = self.is_recent(watched.tally.last_penalty_height);
            for (key, group) in &watched.watched.groups {
                let (all, newly) = groups.entry((key, group)).or_default();
                *all += 1;
                *newly += u64::from(penalised);
            }
        }
        for ((key, group), (all, newly)) in groups {
            let many = newly >= self.thresholds.group_nodes;
            if many || (newly >= 2 && newly as f64 >= self.thresholds.group_ratio * all as f64) {
                let subject = Subject::Group(key, group);
                let condition = Condition::GroupDegraded;
                found.push(Finding { condition, subject, value: newly as f64, fields: Vec::new() });
            }
        }
    }

    fn network(&self, tell: Emit<'_>) {
        let penalties = self.recent_penalties();
        let share = self.thresholds.wave_ratio * self.snapshot.list().registered() as f64;
        if penalties >= self.thresholds.wave_minimum && penalties as f64 > share {
            tell(Condition::PenaltyWave, penalties as f64);
        }
        let age = self.now.0.saturating_sub(self.snapshot.block().time.0);
        if age > self.thresholds.stalled_seconds {
            tell(Condition::ChainStalled, age as f64);
        }
        let lag = self.snapshot.facts().chainlock_height.map(|height| self.snapshot.block().height.above(height));
        if let Some(lag) = lag.filter(|lag| *lag > self.thresholds.chainlock_lag) {
            tell(Condition::ChainLockLag, f64::from(lag));
        }
        deployment::conditions(self.snapshot, self.thresholds, self.now, tell);
    }

    fn recent_penalties(&self) -> u64 {
        recent_events(self.snapshot, self.thresholds.recent_seconds)
            .map(|event| match event.kind {
                EventKind::Penalty { failures, .. } => u64::from(failures),
                _ => 0,
            })
            .sum()
    }
}

#[cfg(test)]
mod tests;
