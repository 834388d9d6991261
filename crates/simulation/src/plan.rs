//! What happens in an episode, by its seed: the chain, the faults and when they begin and end.
//!
//! Never here: carrying it out.

use std::fmt;

use fastrand::Rng;

use crate::chain_kind::ChainKind;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// One episode: some hours of a network, with faults, and a quiet time at its end.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed from which all of it follows.
    pub seed: u64,
    /// What happens is printed.
    pub is_told: bool,
    pub(crate) chain: ChainKind,
    /// Mean milliseconds between two blocks.
    pub(crate) block_millis: u64,
    /// Milliseconds until the faults end.
    pub(crate) length: u64,
    /// The faults, by their beginning.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Milliseconds after the start at which it begins.
    pub(crate) at: u64,
    /// Milliseconds that it lasts; 0 for one that happens in a moment.
    pub(crate) lasts: u64,
    pub(crate) kind: FaultKind,
}

/// Kinds of faults. The number is that of a source or a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// No connection.
    SourceDown(usize),
    /// Each answer takes this many milliseconds.
    SourceSlow(usize, u64),
    /// No answer ever arrives.
    SourceHangs(usize),
    /// It is this many blocks behind.
    SourceLags(usize, u32),
    /// It is cut off, and its tip is replaced on the network.
    SourceForked(usize, u32),
    /// It lies, in one of several ways.
    SourceLies(usize, Lie),
    /// It refuses one method.
    SourceRefuses(usize, &'static str),
    /// Its work queue is full.
    SourceBusy(usize),
    /// It restarts with another password. The exporter gets the new one after these milliseconds.
    SourcePassword(usize, u64),
    /// The last blocks are replaced.
    Reorg(usize),
    /// No block is mined.
    Stall,
    /// A block every second.
    Burst,
    /// The process is killed in its next write but this many, and starts again after these milliseconds.
    Kill(u64, u64),
    /// The same, but the host loses power.
    PowerLoss(u64, u64),
    /// The process stops in order, and starts again after these milliseconds.
    Restart(u64),
    /// A second exporter is started with the same history, and has to end.
    SecondExporter,
    /// The process stops in order, an older version runs for these milliseconds with a history of its own, and then this one again.
    Rollback(u64),
    /// The wall clock is wrong by this many seconds.
    ClockJump(i64),
    /// The wall clock is fast by this many parts per million.
    ClockDrift(i64),
    DiskFull,
    DiskReadOnly,
    DiskBroken,
    /// One bit of the history is flipped while the process is stopped for these milliseconds.
    BitFlip(u64),
    /// No connection to the receiver.
    ReceiverAway(usize),
    /// It answers after the exporter gave up, and has the message.
    ReceiverSlow(usize),
    /// It refuses for good.
    ReceiverRefuses(usize),
    /// It asks for a pause of this many seconds.
    ReceiverLimits(usize, u64),
    /// It fails.
    ReceiverFails(usize),
    /// It takes messages, but the answers are lost.
    ReceiverLosesAnswers(usize),
    /// A random part of the masternodes is watched.
    WatchList(u64),
    /// The configuration is invalid, in one of several ways.
    BadConfiguration(u8),
}

/// Ways in which a source lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    OtherNetwork,
    Bitcoin,
    NotSynced,
    Garbage,
    Height,
    UnknownInDiff,
    Banned,
    Torn,
    WarmUp,
}

impl FaultKind {
    /// Its name in the statistics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            FaultKind::SourceDown(_) => "source down",
            FaultKind::SourceSlow(..) => "source slow",
            FaultKind::SourceHangs(_) => "source without answers",
            FaultKind::SourceLags(..) => "source behind",
            FaultKind::SourceForked(..) => "source on a fork",
            FaultKind::SourceLies(_, Lie::OtherNetwork | Lie::Bitcoin) => "source on another network",
            FaultKind::SourceLies(_, Lie::NotSynced | Lie::WarmUp) => "source starting",
            FaultKind::SourceLies(..) => "source lying or garbled",
            FaultKind::SourceRefuses(..) => "source refusing a method",
            FaultKind::SourceBusy(_) => "source with a full work queue",
            FaultKind::SourcePassword(..) => "source with another password",
            FaultKind::Reorg(_) => "reorg",
            FaultKind::Stall => "no blocks",
            FaultKind::Burst => "burst of blocks",
            FaultKind::Kill(..) => "process killed in a write",
            FaultKind::PowerLoss(..) => "power lost in a write",
            FaultKind::Restart(_) => "process restarted",
            FaultKind::SecondExporter => "second exporter",
            FaultKind::Rollback(_) => "rollback and upgrade",
            FaultKind::ClockJump(_) => "clock jump",
            FaultKind::ClockDrift(_) => "clock drift",
            FaultKind::DiskFull => "disk full",
            FaultKind::DiskReadOnly => "disk read-only",
            FaultKind::DiskBroken => "disk failing",
            FaultKind::BitFlip(_) => "bit flipped on disk",
            FaultKind::ReceiverAway(_) => "receiver away",
            FaultKind::ReceiverSlow(_) => "receiver slow",
            FaultKind::ReceiverRefuses(_) => "receiver refusing for good",
            FaultKind::ReceiverLimits(..) => "receiver limiting the rate",
            FaultKind::ReceiverFails(_) => "receiver failing",
            FaultKind::ReceiverLosesAnswers(_) => "receiver losing answers",
            FaultKind::WatchList(_) => "watch list changed",
            FaultKind::BadConfiguration(_) => "invalid configuration",
        }
    }

    /// Whether a source is not as it should be.
    pub(crate) fn source(&self) -> Option<usize> {
        match self {
            FaultKind::SourceDown(source)
            | FaultKind::SourceSlow(source, _)
            | FaultKind::SourceHangs(source)
            | FaultKind::SourceLags(source, _)
            | FaultKind::SourceForked(source, _)
            | FaultKind::SourceLies(source, _)
            | FaultKind::SourceRefuses(source, _)
            | FaultKind::SourceBusy(source)
            | FaultKind::SourcePassword(source, _) => Some(*source),
            _ => None,
        }
    }

    /// Whether a receiver is not as it should be.
    pub(crate) fn receiver(&self) -> Option<usize> {
        match self {
            FaultKind::ReceiverAway(receiver)
            | FaultKind::ReceiverSlow(receiver)
            | FaultKind::ReceiverRefuses(receiver)
            | FaultKind::ReceiverLimits(receiver, _)
            | FaultKind::ReceiverFails(receiver)
            | FaultKind::ReceiverLosesAnswers(receiver) => Some(*receiver),
            _ => None,
        }
    }

    /// Whether the process dies in a write.
    pub(crate) fn is_death(&self) -> bool {
        matches!(self, FaultKind::Kill(..) | FaultKind::PowerLoss(..))
    }

    /// Whether it happens to a running process.
    pub(crate) fn needs_process(&self) -> bool {
        let stops = matches!(self, FaultKind::Restart(_) | FaultKind::BitFlip(_) | FaultKind::Rollback(_));
        stops || self.is_death() || *self == FaultKind::SecondExporter
    }

    /// Whether the disk is not as it should be.
    pub(crate) fn is_of_disk(&self) -> bool {
        matches!(self, FaultKind::DiskFull | FaultKind::DiskReadOnly | FaultKind::DiskBroken)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at / 1000;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hours:>3}:{minutes:02}:{seconds:02} for {:>6} s  {:?}", self.lasts / 1000, self.kind)
    }
}

/// Methods that a source may refuse.
const METHODS: [&str; 6] =
    ["protx listdiff", "quorum listextended", "getblock", "protx diff", "getrawtransaction", "masternode count"];

impl Plan {
    /// The episode of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Plan {
        let mut rng = Rng::with_seed(seed ^ 0x51a7_1e5f);
        let length = HOUR * rng.u64(4..=30);
        let count = rng.usize(4..=24);
        let mut faults: Vec<Fault> = (0..count).map(|_| fault(&mut rng, length)).collect();
        let mut more = Rng::with_seed(seed ^ 0x7e11);
        faults.extend((0..2).filter_map(|_| rare_fault(&mut more, length)));
        faults.sort_by_key(|fault| fault.at);
        // Damage to the file hides what other faults do to it, so few episodes have it.
        if seed % 8 != 7 {
            faults.retain(|fault| !matches!(fault.kind, FaultKind::BitFlip(_)));
        }
        let chain = ChainKind::of(seed);
        Plan { seed, is_told: false, chain, block_millis: chain.pace(&mut rng), length, faults }
    }

    /// A short episode without faults.
    #[must_use]
    pub fn short(seed: u64) -> Plan {
        Plan {
            seed,
            is_told: false,
            chain: ChainKind::Dash,
            block_millis: MINUTE,
            length: 2 * HOUR,
            faults: Vec::new(),
        }
    }

    /// The same with no source for the first half of an hour.
    #[must_use]
    pub fn without_sources(seed: u64) -> Plan {
        let fault = |source| Fault { at: 0, lasts: HOUR / 2, kind: FaultKind::SourceDown(source) };
        Plan { faults: vec![fault(0), fault(1)], ..Plan::short(seed) }
    }

    /// A process that is killed this many times, each time in a random write.
    #[must_use]
    pub fn kills(seed: u64, number: u64) -> Plan {
        let mut rng = Rng::with_seed(seed);
        let kill = |index| {
            let kind = FaultKind::Kill(rng.u64(0..30), rng.u64(1000..20_000));
            Fault { at: 2 * MINUTE * (index + 1), lasts: 0, kind }
        };
        let faults = (0..number).map(kill).collect();
        Plan {
            seed,
            is_told: false,
            chain: ChainKind::Dash,
            block_millis: MINUTE / 3,
            length: 2 * MINUTE * (number + 1),
            faults,
        }
    }
}

fn fault(rng: &mut Rng, length: u64) -> Fault {
    let at = rng.u64(MINUTE..length);
    let (kind, lasts) = match rng.u8(0..40) {
        0..=15 => source_fault(rng),
        16..=19 => (FaultKind::Reorg(depth(rng)), 0),
        20 => (FaultKind::Stall, duration(rng)),
        21 => (FaultKind::Burst, MINUTE),
        22..=26 => process_fault(rng),
        27 => (FaultKind::ClockJump(rng.i64(-20_000..=20_000)), duration(rng)),
        28 => (FaultKind::ClockDrift(rng.i64(-500..=500)), duration(rng)),
        29..=31 => disk_fault(rng),
        32..=36 => receiver_fault(rng),
        37..=38 => (FaultKind::WatchList(rng.u64(..)), duration(rng)),
        _ => (FaultKind::BadConfiguration(rng.u8(..)), duration(rng)),
    };
    Fault { at, lasts, kind }
}

/// Faults that few episodes have.
fn rare_fault(rng: &mut Rng, length: u64) -> Option<Fault> {
    let at = rng.u64(MINUTE..length);
    let kind = match rng.u8(0..6) {
        0 => FaultKind::SecondExporter,
        1 => FaultKind::Rollback(downtime(rng)),
        _ => return None,
    };
    Some(Fault { at, lasts: 0, kind })
}

/// From half a minute to hours, short ones more often.
fn duration(rng: &mut Rng) -> u64 {
    let longest = [2 * MINUTE, 10 * MINUTE, HOUR, 5 * HOUR][rng.usize(0..4)];
    rng.u64(MINUTE / 2..longest)
}

/// Minutes to weeks, short ones more often.
fn downtime(rng: &mut Rng) -> u64 {
    let longest = [MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, HOUR, 12 * HOUR, 24 * HOUR, 14 * 24 * HOUR][rng.usize(0..8)];
    rng.u64(1000..longest)
}

fn depth(rng: &mut Rng) -> usize {
    let deepest = [1, 2, 6, 6, 40, 150][rng.usize(0..6)];
    rng.usize(1..=deepest)
}

fn source_fault(rng: &mut Rng) -> (FaultKind, u64) {
    const LIES: [Lie; 9] = [
        Lie::OtherNetwork,
        Lie::Bitcoin,
        Lie::NotSynced,
        Lie::Garbage,
        Lie::Height,
        Lie::UnknownInDiff,
        Lie::Banned,
        Lie::Torn,
        Lie::WarmUp,
    ];
    let source = rng.usize(0..2);
    let kind = match rng.u8(0..14) {
        0..=2 => FaultKind::SourceDown(source),
        3 => FaultKind::SourceSlow(source, rng.u64(500..40_000)),
        4 => FaultKind::SourceHangs(source),
        5 => FaultKind::SourceLags(source, rng.u32(1..30)),
        6 => FaultKind::SourceForked(source, rng.u32(1..10)),
        7..=9 => FaultKind::SourceLies(source, LIES[rng.usize(0..LIES.len())]),
        10..=11 => FaultKind::SourceRefuses(source, METHODS[rng.usize(0..METHODS.len())]),
        12 => FaultKind::SourceBusy(source),
        _ => FaultKind::SourcePassword(source, rng.u64(0..10 * MINUTE)),
    };
    (kind, duration(rng))
}

fn process_fault(rng: &mut Rng) -> (FaultKind, u64) {
    let kind = match rng.u8(0..8) {
        0..=3 => FaultKind::Kill(rng.u64(0..40), downtime(rng)),
        4..=5 => FaultKind::PowerLoss(rng.u64(0..40), downtime(rng)),
        6 => FaultKind::BitFlip(downtime(rng)),
        _ => FaultKind::Restart(downtime(rng)),
    };
    (kind, 0)
}

fn disk_fault(rng: &mut Rng) -> (FaultKind, u64) {
    let kind = match rng.u8(0..4) {
        0..=1 => FaultKind::DiskFull,
        2 => FaultKind::DiskReadOnly,
        _ => FaultKind::DiskBroken,
    };
    (kind, duration(rng))
}

fn receiver_fault(rng: &mut Rng) -> (FaultKind, u64) {
    let receiver = rng.usize(0..2);
    let kind = match rng.u8(0..6) {
        0 => FaultKind::ReceiverAway(receiver),
        1 => FaultKind::ReceiverSlow(receiver),
        2 => FaultKind::ReceiverRefuses(receiver),
        3 => FaultKind::ReceiverLimits(receiver, rng.u64(1..600)),
        4 => FaultKind::ReceiverFails(receiver),
        _ => FaultKind::ReceiverLosesAnswers(receiver),
    };
    (kind, duration(rng))
}
