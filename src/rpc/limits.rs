//! Read limits of answers, derived from the number of masternodes that the node counts, so that a faulty node cannot
//! exhaust memory.
//!
//! Never here: reading an answer.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::rpc::methods::Method;

/// Most masternodes of a list, whatever the node counts: forty times the size of Dash.
const MOST_MASTERNODES: usize = 200_000;

/// Masternodes that a list may have beyond twice the count: the count may belong to another block.
const FURTHER_MASTERNODES: usize = 1_000;

/// Bytes for each masternode of an answer: twice a recorded entry.
const ENTRY_BYTES: u64 = 2_048;

/// Least limit of an answer about all masternodes, in bytes.
const FEW_BYTES: u64 = 1024 * 1024;

/// Longest answer about all masternodes that is kept in memory: changes of 50,000 of them.
const WHOLE_BYTES: u64 = 16 * 1024 * 1024;

/// Longest answer of any other call: enough for the special transactions of a block.
const LIGHT_BYTES: u64 = 4 * 1024 * 1024;

/// The limits of one source.
pub(super) struct Limits {
    /// The last count of the node; 0 before the first.
    counted: AtomicU32,
    body_limit: u64,
}

impl Limits {
    /// No answer is longer than `body_limit` bytes.
    pub(super) fn new(body_limit: u64) -> Limits {
        Limits { counted: AtomicU32::new(0), body_limit }
    }

    /// Sets the node's count of masternodes.
    pub(super) fn counted(&self, masternodes: u32) {
        self.counted.store(masternodes, Ordering::Relaxed);
    }

    /// Most entries of a list.
    pub(super) fn masternodes(&self) -> usize {
        match self.counted.load(Ordering::Relaxed) as usize {
            0 => MOST_MASTERNODES,
            counted => counted.saturating_mul(2).saturating_add(FURTHER_MASTERNODES).min(MOST_MASTERNODES),
        }
    }

    /// Most bytes of a list that is parsed while it arrives.
    pub(super) fn streamed(&self) -> u64 {
        (FEW_BYTES + self.masternodes() as u64 * ENTRY_BYTES).min(self.body_limit)
    }

    /// Most bytes of an answer that is kept in memory.
    pub(super) fn whole(&self, method: &Method) -> u64 {
        let longest = if method.heavy { self.streamed().min(WHOLE_BYTES) } else { LIGHT_BYTES };
        longest.min(self.body_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::methods::{GET_NETWORK_INFO, PROTX_LISTDIFF};

    #[test]
    fn what_is_read_depends_on_what_the_node_counts_and_has_an_end() {
        let limits = Limits::new(128 << 20);
        // counted, entries of a list, MiB of a list, MiB of a diff.
        for (counted, entries, streamed, whole) in [
            (0, 200_000, 128, 16),
            (1, 1_002, 2, 2),
            (3_000, 7_000, 14, 14),
            (60_000, 121_000, 128, 16),
            (10_000_000, 200_000, 128, 16),
        ] {
            limits.counted(counted);
            let mib = |bytes: u64| bytes >> 20;
            let found = (limits.masternodes(), mib(limits.streamed()), mib(limits.whole(&PROTX_LISTDIFF)));
            assert_eq!(found, (entries, streamed, whole), "{counted}");
            assert_eq!(mib(limits.whole(&GET_NETWORK_INFO)), 4);
        }
        assert_eq!(Limits::new(10_000).streamed(), 10_000);
    }
}
