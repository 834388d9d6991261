//! Results of the DKG sessions that ended in a block: a quorum with a verdict on each member, or a failure.
//!
//! Never here: points; a list shows those.

use std::borrow::Cow;

use crate::masternode::{Height, MasternodeId};

/// A session that ended in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkgOutcome {
    /// Name of the quorum type, e.g. `llmq_60_75`.
    pub quorum_type: Cow<'static, str>,
    /// Height of the block with which it began and index of its quorum in the cycle; `None` when it failed as a whole.
    pub quorum: Option<(Height, u32)>,
    /// Its members, each with whether it participated. `None` when the session failed as a whole, which punishes no
    /// masternode (docs/spec/dash.md#penalty-trigger).
    pub members: Option<Vec<(MasternodeId, bool)>>,
}

/// A session of a masternode that ended with a quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastSession {
    /// Name of the quorum type.
    pub quorum_type: Cow<'static, str>,
    /// Index of the quorum in its cycle; 0 for types that do not rotate.
    pub index: u32,
    /// Height of the block with which it began.
    pub start: Height,
    /// Whether the masternode participated; if not, it was penalised.
    pub attended: bool,
}

impl DkgOutcome {
    /// Approximate memory use, in units of an event.
    pub fn weight(&self) -> usize {
        1 + self.members.as_ref().map_or(0, Vec::len) / 8
    }
}
