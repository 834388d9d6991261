//! Results of the DKG sessions that ended in a block: a quorum with a verdict on each member, or a failure.
//!
//! Never here: points; a list shows those.

use std::borrow::Cow;

use crate::masternode::MasternodeId;

/// A session that ended in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkgOutcome {
    /// Name of the quorum type, e.g. `llmq_60_75`.
    pub quorum_type: Cow<'static, str>,
    /// Its members, each with whether it participated. `None` when the session failed as a whole, which punishes no
    /// masternode (docs/spec/dash.md#penalty-trigger).
    pub members: Option<Vec<(MasternodeId, bool)>>,
}

impl DkgOutcome {
    /// Approximate memory use, in units of an event.
    pub fn weight(&self) -> usize {
        1 + self.members.as_ref().map_or(0, Vec::len) / 8
    }
}
