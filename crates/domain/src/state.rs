//! The states of a masternode as data: their meaning for its owner, and further values of the older chains.
//!
//! Never here: how long a node must be silent to enter a state; the node decides that.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::masternode::{Masternode, UnixSeconds};

/// One state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The value of the label `state`: the node's name in lower case.
    pub label: Cow<'static, str>,
    /// Healthy: paid, or about to be.
    pub healthy: bool,
    /// Can be paid.
    pub payable: bool,
    /// Only an action of the operator or owner ends it.
    pub lasting: bool,
    /// A ban.
    pub banned: bool,
}

impl State {
    /// A state of this label, with its properties.
    pub const fn new(label: &'static str, healthy: bool, payable: bool, lasting: bool, banned: bool) -> State {
        State { label: Cow::Borrowed(label), healthy, payable, lasting, banned }
    }
}

/// The label of states that a chain's table does not contain: neither healthy nor payable.
pub const UNKNOWN: State = State::new("unknown", false, false, false, false);

/// States on chains with a deterministic list, derived from the ban and the operator key.
pub const DETERMINISTIC: &[State] = &[
    State::new("enabled", true, true, false, false),
    State::new("pose_banned", false, false, true, true),
    State::new("revoked", false, false, true, true),
];

/// Values of the older chains only: masternodes send pings, and a node derives their state.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    /// Its state as seen by the queried node.
    pub state: Arc<State>,
    /// The peer-to-peer protocol version that it announced.
    pub protocol_version: Option<u32>,
    /// Its last ping; `None` when the node knows none.
    pub last_seen: Option<UnixSeconds>,
    /// When its operator started it: the time in its start message (`sigTime`). For up to ten minutes after a restart
    /// this is later than the last ping, which then is from before the restart.
    pub started_at: Option<UnixSeconds>,
    /// When it was last paid, as seen by the queried node; `None` when never.
    pub last_paid_at: Option<UnixSeconds>,
    /// Its rank by score, 1 the highest; `None` when it has none.
    pub rank: Option<NonZeroU32>,
}

impl Masternode {
    /// Whether it is known to be banned or not. A state that this version does not know says nothing; a list with scores has
    /// heights of bans too.
    pub fn is_ban_known(&self) -> bool {
        let is_unknown = |announced: &Announced| announced.state.label == UNKNOWN.label;
        self.is_banned() || self.pose_score.is_some() || !self.announced.as_deref().is_some_and(is_unknown)
    }
}

impl Announced {
    /// Seconds from its start to its last ping, 0 while that ping is from before the start.
    pub fn active_seconds(&self) -> Option<u64> {
        Some(self.last_seen?.0.saturating_sub(self.started_at?.0))
    }
}

/// Index of each masternode's state in a chain's table; the length of the table if it does not contain it.
pub fn indices(states: &[State], masternodes: &[Masternode]) -> Vec<u8> {
    let known = Indices::of(states);
    let index = |masternode| u8::try_from(known.get(states, masternode)).expect("a chain has few states");
    masternodes.iter().map(index).collect()
}

/// The states that are derived from the ban and the operator key, by their index in a chain's table.
struct Indices {
    enabled: usize,
    pose_banned: usize,
    revoked: usize,
}

impl Indices {
    fn of(states: &[State]) -> Indices {
        let [enabled, pose_banned, revoked] = ["enabled", "pose_banned", "revoked"].map(|label| place(states, label));
        Indices { enabled, pose_banned, revoked }
    }

    fn get(&self, states: &[State], masternode: &Masternode) -> usize {
        match (masternode.announced_state(), masternode.is_banned()) {
            (Some(state), banned) if state.banned || !banned => place(states, &state.label),
            (_, false) => self.enabled,
            (_, true) if masternode.details.operator_key_is_zero() => self.revoked,
            (_, true) => self.pose_banned,
        }
    }
}

fn place(states: &[State], label: &str) -> usize {
    states.iter().position(|state| state.label == label).unwrap_or(states.len())
}

/// The label at an index of a chain's table.
pub fn label(states: &[State], place: usize) -> Cow<'static, str> {
    states.get(place).map_or(UNKNOWN.label, |state| state.label.clone())
}

/// A chain's table in a form that masternodes can share.
pub fn shared(states: &[State]) -> Vec<Arc<State>> {
    states.iter().cloned().map(Arc::new).collect()
}
