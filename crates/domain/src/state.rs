//! The states of a masternode as data: what each name means for its owner, and what the older chains say beside it.
//!
//! Never here: how long a node must be silent to fall into one; the node decides that.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::masternode::{Masternode, UnixSeconds};

/// One state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The value of the label `state`: the node's own word in small letters.
    pub label: Cow<'static, str>,
    /// Nothing is wrong: paid, or about to be.
    pub healthy: bool,
    /// Can be paid.
    pub payable: bool,
    /// Ends only by an act of the operator or owner.
    pub lasting: bool,
    /// A ban.
    pub banned: bool,
}

impl State {
    /// A state of this label, with everything said of it.
    pub const fn new(label: &'static str, healthy: bool, payable: bool, lasting: bool, banned: bool) -> State {
        State { label: Cow::Borrowed(label), healthy, payable, lasting, banned }
    }
}

/// What a state that a chain's table does not have is shown as: neither healthy nor payable.
pub const UNKNOWN: State = State::new("unknown", false, false, false, false);

/// States on chains with a deterministic list: they follow from the ban and from the operator key.
pub const DETERMINISTIC: &[State] = &[
    State::new("enabled", true, true, false, false),
    State::new("pose_banned", false, false, true, true),
    State::new("revoked", false, false, true, true),
];

/// What only the older chains say of a masternode: it lives by pings, and its state is what a node makes of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    /// Its state in the answering node's view.
    pub state: Arc<State>,
    /// Version of the peer-to-peer protocol that it announced.
    pub protocol_version: Option<u32>,
    /// Its last ping; `None` when the node knows none.
    pub last_seen: Option<UnixSeconds>,
    /// When its operator started it: the time in its start message (`sigTime`). Up to ten minutes after a restart this is
    /// later than the last ping, which is then one of before.
    pub started_at: Option<UnixSeconds>,
    /// When it was last paid, in the answering node's view; `None` when never.
    pub last_paid_at: Option<UnixSeconds>,
    /// Its rank by score, 1 the highest; `None` when it has none.
    pub rank: Option<NonZeroU32>,
}

impl Announced {
    /// Seconds from its start to its last ping, 0 while that is one of before the start.
    pub fn active_seconds(&self) -> Option<u64> {
        Some(self.last_seen?.0.saturating_sub(self.started_at?.0))
    }
}

/// Where in a chain's table a masternode's state stands; the length of the table when it is not in it.
pub fn index_of(states: &[State], masternode: &Masternode) -> usize {
    let known = |label: &str| states.iter().position(|state| state.label == label).unwrap_or(states.len());
    match (masternode.announced_state(), masternode.is_banned()) {
        (Some(state), banned) if state.banned || !banned => known(&state.label),
        (_, false) => known("enabled"),
        (_, true) if masternode.details.operator_key_is_zero() => known("revoked"),
        (_, true) => known("pose_banned"),
    }
}

/// The label at a place of a chain's table.
pub fn label(states: &[State], place: usize) -> Cow<'static, str> {
    states.get(place).map_or(UNKNOWN.label, |state| state.label.clone())
}

/// A chain's table made ready to be shared by masternodes.
pub fn shared(states: &[State]) -> Vec<Arc<State>> {
    states.iter().cloned().map(Arc::new).collect()
}
