//! How often a block is read again whose events or DKG outcomes a source did not return.
//!
//! Never here: repeating a single call (`rpc::retry`); which errors may pass.

use domain::masternode::BlockHash;

/// Attempts while a node or proxy says that it has no room for a call: after 8 attempts of 3 calls each, one of 90,000 calls is
/// still unanswered if 60 % of all are refused.
const MOST_IF_MOMENTARY: u32 = 8;

/// Attempts after any other error.
const MOST: u32 = 2;

/// Attempts to read one block.
#[derive(Debug, Default)]
pub(super) struct ReadingAttempts {
    block: Option<BlockHash>,
    made: u32,
    /// A block was given up, and none that was incomplete at first was read since: a source that never answers does not delay each block.
    were_in_vain: bool,
}

impl ReadingAttempts {
    /// Records an incomplete answer. Returns whether the block is to be read again.
    pub(super) fn again(&mut self, block: BlockHash, is_momentary: bool) -> bool {
        self.made = if self.block.replace(block) == Some(block) { self.made + 1 } else { 1 };
        let most = if is_momentary && !self.were_in_vain { MOST_IF_MOMENTARY } else { MOST };
        let again = self.made < most;
        if !again {
            (self.block, self.made, self.were_in_vain) = (None, 0, true);
        }
        again
    }

    /// A block was read completely. If it was not at once, the source answers again.
    pub(super) fn succeeded(&mut self) {
        self.were_in_vain &= self.made == 0;
        (self.block, self.made) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::masternode::Hash;

    /// Attempts until a block is given up.
    fn attempts(reading: &mut ReadingAttempts, block: u8, is_momentary: bool) -> usize {
        let again = || reading.again(BlockHash(Hash([block; 32])), is_momentary);
        1 + std::iter::repeat_with(again).take_while(|again| *again).count()
    }

    #[test]
    fn a_block_is_read_more_often_if_the_node_has_no_room_but_not_each_block_of_a_node_that_never_has() {
        let mut reading = ReadingAttempts::default();
        assert_eq!(attempts(&mut reading, 1, true), 8);
        assert_eq!([2, 3].map(|block| attempts(&mut reading, block, true)), [2, 2]);
        reading.succeeded();
        assert_eq!(attempts(&mut reading, 4, true), 2, "that block needed no call that is refused");
        assert!(reading.again(BlockHash(Hash([5; 32])), true));
        reading.succeeded();
        assert_eq!(attempts(&mut reading, 6, true), 8);
        assert_eq!(attempts(&mut ReadingAttempts::default(), 7, false), 2);
    }
}
