//! The activation of a consensus change that miners signal for after a quorum signed it (BIP9 with an EHF signal): its
//! state, and its earliest activation height (docs/spec/dash-24.md#activation).
//!
//! A node reports the state of the block after its tip: at tip A − 1 it reports "active", and block A is the first
//! under the new rules. The state here is also that of the next block; the heights are exact.
//!
//! Never here: whether a source is trusted (`follower`); names of RPC fields.

use std::collections::BTreeMap;

use crate::chain::Subnet;
use crate::foreign_text::ForeignText;
use crate::masternode::{Height, UnixSeconds};

/// Name of the deployment of Dash Core 24, in answers and in the label `deployment`.
pub const V24: &str = "v24";

/// Version of the coinbase transaction from the activation block of v24 on.
pub const V24_COINBASE: u16 = 4;

/// Names of forks that nodes of known releases report; any other name is a future fork.
pub const KNOWN: &[&str] = &[
    "bip16",
    "bip34",
    "bip65",
    "bip66",
    "bip147",
    "csv",
    "segwit",
    "taproot",
    "dip0001",
    "dip0003",
    "dip0008",
    "dip0020",
    "dip0024",
    "brr",
    "realloc",
    "v17",
    "v18",
    "v19",
    "v20",
    "mn_rr",
    "mn_ehf",
    "withdrawals",
    "v23",
    V24,
    "testdummy",
    "signature_work",
    "distinct_required_payments",
];

/// What a node reports about its forks, by name; empty if it reports nothing.
pub type Forks = BTreeMap<ForeignText, Fork>;

/// What a node reports about one fork. All values that it may omit are options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fork {
    /// The rules hold for the next block.
    pub active: Option<bool>,
    /// First block under the rules, for a fork that is active or buried.
    pub height: Option<Height>,
    /// The signalling, unless the fork is buried.
    pub bip9: Option<Bip9>,
}

/// The signalling of one fork.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bip9 {
    /// The node's name of the state of the next block.
    pub status: ForeignText,
    /// Signals count from this median time on; `None` if none is stated.
    pub start_time: Option<UnixSeconds>,
    /// First block of the state.
    pub since: Option<Height>,
    /// Whether an EHF signal is required; `None` if the node does not print Dash's own fields.
    pub needs_signal: Option<bool>,
    /// Block of the EHF signal.
    pub signal_height: Option<Height>,
    /// First block under the rules, once it is final.
    pub activation_height: Option<Height>,
    /// The current window.
    pub signalling: Option<Signalling>,
}

/// The signalling blocks of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signalling {
    /// Blocks of a window.
    pub window: u32,
    /// Blocks of this window up to the tip.
    pub elapsed: u32,
    /// Signalling blocks among them.
    pub count: u32,
    /// Number of signals that locks in the change; only in the state "started".
    pub threshold: Option<u32>,
    /// The threshold can still be reached in this window.
    pub possible: Option<bool>,
}

impl Signalling {
    /// Share of signalling blocks so far, 0…1; `None` at the beginning of a window.
    pub fn ratio(&self) -> Option<f64> {
        (self.elapsed > 0).then(|| f64::from(self.count) / f64::from(self.elapsed))
    }
}

/// State of the deployment for the next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The start time is not reached; also if the node does not report whether the EHF signal was mined.
    Defined,
    /// The start time is reached, and the EHF signal is missing.
    WaitingForSignal,
    /// The EHF signal was mined; signalling begins with the next window.
    Signalled,
    /// Signalling blocks are counted.
    Started,
    /// The activation height is final.
    LockedIn,
    /// The rules hold.
    Active,
    /// The deployment failed.
    Failed,
}

impl Phase {
    /// All states in their order.
    pub const ALL: [Phase; 7] = [
        Phase::Defined,
        Phase::WaitingForSignal,
        Phase::Signalled,
        Phase::Started,
        Phase::LockedIn,
        Phase::Active,
        Phase::Failed,
    ];

    /// The value of the label `state`.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Defined => "defined",
            Phase::WaitingForSignal => "waiting_for_signal",
            Phase::Signalled => "signalled",
            Phase::Started => "started",
            Phase::LockedIn => "locked_in",
            Phase::Active => "active",
            Phase::Failed => "failed",
        }
    }

    /// The activation height is final, whether in the past or in the future.
    pub fn is_certain(self) -> bool {
        matches!(self, Phase::LockedIn | Phase::Active)
    }
}

/// One deployment as of a tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// State for the block after the tip.
    pub phase: Phase,
    /// Block of the EHF signal; `None` if there is none or the node does not report it.
    pub signal_height: Option<Height>,
    /// Length of a window in blocks; `None` on a private network that has not reported it yet.
    pub window: Option<u32>,
    /// The current window, while signalling blocks are counted.
    pub signalling: Option<Signalling>,
    /// First block under the new rules, once final; `None` also if the node has it buried without a height.
    pub activation_height: Option<Height>,
    /// Lowest possible activation height while it is not final; `None` before the signal is awaited.
    pub earliest_height: Option<Height>,
}

/// Further inputs for the state of a deployment.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Which of the networks.
    pub subnet: Subnet,
    /// Height of the tip at the time of the node's answer.
    pub tip: Height,
    /// Median time of the blocks before the next one; `None` if the node does not report it.
    pub median_time: Option<UnixSeconds>,
    /// Block of an EHF signal that the exporter saw itself.
    pub seen_signal: Option<Height>,
    /// Length of a window in blocks, as the node reported it earlier.
    pub stated_window: Option<u32>,
    /// Version of the node.
    pub node_version: Option<u32>,
    /// Version of the coinbase transaction of the tip.
    pub coinbase_version: Option<u16>,
}

impl Deployment {
    /// The deployment v24 according to a node. `None` if nothing is known: an older node does not report it.
    pub fn v24(forks: &Forks, at: &At) -> Option<Deployment> {
        match forks.get(V24) {
            Some(fork) => Deployment::of(fork, at),
            // Buried in a later release, so that the coinbase version decides.
            None => {
                let follows = at.node_version.is_some_and(|version| version >= FOLLOWS_SINCE);
                let active = follows && at.coinbase_version.is_some_and(|version| version >= V24_COINBASE);
                active.then(|| Deployment::active(None, window(at.subnet)))
            }
        }
    }

    fn active(activation_height: Option<Height>, window: Option<u32>) -> Deployment {
        let (signal_height, signalling, earliest_height) = (None, None, None);
        Deployment { phase: Phase::Active, signal_height, window, signalling, activation_height, earliest_height }
    }

    fn of(fork: &Fork, at: &At) -> Option<Deployment> {
        let Some(bip9) = &fork.bip9 else {
            return match (fork.active, fork.height) {
                (Some(true), height) => Some(Deployment::active(height, window(at.subnet))),
                // Buried with a height ahead of the tip: it is final.
                (Some(false), Some(height)) => {
                    Some(Deployment { phase: Phase::LockedIn, ..Deployment::active(Some(height), window(at.subnet)) })
                }
                _ => None,
            };
        };
        let stated = bip9.signalling.map(|signalling| signalling.window).filter(|window| *window > 0);
        let window = stated.or(at.stated_window).or_else(|| self::window(at.subnet));
        let next = at.tip.after(1);
        let signal_height = bip9.signal_height.or(at.seen_signal).filter(|height| *height < next);
        let phase = phase(bip9, signal_height, at)?;
        let since = bip9.since.filter(|since| since.0 > 0);
        let activation_height = match phase {
            Phase::LockedIn => bip9.activation_height.or_else(|| Some(since?.after(window?))),
            Phase::Active => fork.height.or(since).or(bip9.activation_height),
            _ => None,
        };
        let signalling = bip9.signalling.filter(|_| matches!(phase, Phase::Started | Phase::LockedIn));
        let signalling = signalling.map(|signalling| Signalling {
            threshold: signalling.threshold.or_else(|| {
                let begun = since.filter(|_| phase == Phase::Started)?;
                let window = window?;
                threshold(at.subnet, window, next.above(begun) / window)
            }),
            ..signalling
        });
        let earliest_height = window.and_then(|window| earliest(phase, signal_height, since, next, window, signalling));
        Some(Deployment { phase, signal_height, window, signalling, activation_height, earliest_height })
    }

    /// First block under the new rules, once the tip is that block or a later one.
    pub fn active_since(&self, tip: Height) -> Option<Height> {
        self.activation_height.filter(|height| self.phase.is_certain() && *height <= tip)
    }
}

/// From this version on, a node follows the activation of v24, whether or not it still reports the deployment.
pub const FOLLOWS_SINCE: u32 = 240_000;

fn phase(bip9: &Bip9, signal_height: Option<Height>, at: &At) -> Option<Phase> {
    match bip9.status.as_str() {
        "defined" => {
            let reached = match (bip9.start_time, at.median_time) {
                (Some(start), Some(median)) => Some(median >= start),
                (Some(start), None) => (start.0 == 0).then_some(true),
                (None, _) => None,
            };
            Some(match (signal_height, bip9.needs_signal, reached) {
                (Some(_), _, _) => Phase::Signalled,
                (None, Some(true), Some(true)) => Phase::WaitingForSignal,
                _ => Phase::Defined,
            })
        }
        "started" => Some(Phase::Started),
        "locked_in" => Some(Phase::LockedIn),
        "active" => Some(Phase::Active),
        "failed" => Some(Phase::Failed),
        _ => None,
    }
}

/// A signal mined in window P activates at (P + 3) · window at the earliest; each window without lock-in adds one
/// window.
fn earliest(
    phase: Phase,
    signal_height: Option<Height>,
    since: Option<Height>,
    next: Height,
    window: u32,
    signalling: Option<Signalling>,
) -> Option<Height> {
    let from = |begins: u32, windows: u32| Some(Height(begins.checked_add(window.checked_mul(windows)?)?));
    match phase {
        Phase::WaitingForSignal => from(next.0 / window * window, 3),
        Phase::Signalled => {
            // A signal of an earlier window takes effect at the end of this one.
            let mined = signal_height?.0.max(next.0.saturating_sub(1));
            from(mined / window * window, 3)
        }
        Phase::Started => {
            let since = since.unwrap_or(Height(next.0 / window * window)).0;
            let begins = since.checked_add(next.0.checked_sub(since)? / window * window)?;
            let hopeless = signalling.and_then(|signalling| signalling.possible) == Some(false);
            from(begins, if hopeless { 3 } else { 2 })
        }
        _ => None,
    }
}

/// Length of a window in blocks if the node does not report it (`src/chainparams.cpp` of the development branch).
/// `None` for a private network: the default of 250 can be changed by a start argument.
fn window(subnet: Subnet) -> Option<u32> {
    match subnet {
        Subnet::Main => Some(4032),
        Subnet::Test => Some(100),
        Subnet::Devnet => Some(120),
        Subnet::Regtest => None,
    }
}

/// Number of signals that locks in the change in the given window after the start: 80 %, decreasing with each attempt
/// to 60 % (`ThresholdConditionChecker::Threshold`). `None` for an invalid window.
pub fn threshold(subnet: Subnet, window: u32, attempt: u32) -> Option<u32> {
    let (start, least) = match subnet {
        // The chain's own numbers are rounded up.
        Subnet::Main if window == 4032 => (3226, 2420),
        _ => (window.checked_mul(80)? / 100, window.checked_mul(60)? / 100),
    };
    let fall = u64::from(attempt).saturating_pow(2).saturating_mul(window.into()) / 500;
    let threshold = u32::try_from(fall).map_or(least, |fall| start.saturating_sub(fall).max(least));
    (window > 0).then_some(threshold)
}

/// Whether a source follows the activation of v24; `None` if not known. It does if it reports the deployment, or if its
/// release has it buried.
pub fn follows(forks: Option<&Forks>, version: Option<u32>) -> Option<bool> {
    let named = forks.is_some_and(|forks| forks.contains_key(V24));
    match version {
        _ if named => Some(true),
        Some(version) => Some(version >= FOLLOWS_SINCE),
        None => None,
    }
}

#[cfg(test)]
mod tests;
