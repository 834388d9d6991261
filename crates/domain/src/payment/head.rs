//! The masternode at the head of the payment queue, and since when: the next block must pay it.
//!
//! Never here: the order of the queue.

use crate::masternode::{Height, MasternodeId};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueHead {
    /// The masternode.
    pub id: MasternodeId,
    since: Height,
    /// Whether it may have been there before `since`: it was when this process first looked, or blocks were replaced.
    may_be_older: bool,
}

impl QueueHead {
    /// The head at a tip, after the one that was seen before.
    #[must_use]
    pub fn at(tip: Height, id: MasternodeId, before: Option<QueueHead>) -> QueueHead {
        match before {
            Some(head) if head.id == id && head.since <= tip => head,
            before => QueueHead { id, since: tip, may_be_older: before.is_none_or(|before| before.id == id) },
        }
    }

    /// For how many blocks it is seen at the head, and whether it may have been there for longer.
    #[must_use]
    pub fn blocks(&self, tip: Height) -> (u32, bool) {
        (tip.above(self.since), self.may_be_older)
    }
}
