//! Compares the payees that were elected by the queue and the hashes of a tip with those for which the masternodes voted, or which the
//! block pays if it has no votes.
//!
//! Never here: the election (`domain::payment::election`); counting.

use std::collections::BTreeMap;

use crate::follower::followed_chain::FollowedChain;
use crate::history::BlockEvents;
use domain::event::EventKind;
use domain::list::MasternodeList;
use domain::masternode::{BlockHash, Height, MasternodeId};
use domain::payment::{Elections, Vote};

/// The elected payees of the next blocks.
#[derive(Default)]
pub(super) struct ElectionCheck {
    ahead: BTreeMap<Height, Elected>,
}

struct Elected {
    /// The tip at which it was elected.
    at: BlockHash,
    masternode: MasternodeId,
    payee: Box<str>,
}

impl ElectionCheck {
    /// Remembers the payees that are elected at the tip. The voters elect when the block arrives: what is computed at the first tip,
    /// or later at the same one, may differ rightly.
    pub(super) fn note(&mut self, chain: &FollowedChain, elections: &Elections) {
        let (list, tip) = (chain.list(), chain.tip());
        self.ahead = self.ahead.split_off(&tip.height.after(1));
        if chain.at_depth(1).is_none() {
            return;
        }
        for (height, index) in elections.held() {
            let masternode = &list.masternodes()[*index];
            let Some(payee) = masternode.details.payout_address() else { continue };
            if self.ahead.get(height).is_none_or(|elected| elected.at != tip.hash) {
                let elected = Elected { at: tip.hash, masternode: masternode.id, payee: payee.into() };
                self.ahead.insert(*height, elected);
            }
        }
    }

    /// Compares the payee that was elected for a block; fails with the difference. `None` if none was elected on this branch, or if the block
    /// has neither votes nor a payment.
    pub(super) fn compare(
        &mut self,
        chain: &FollowedChain,
        happened: &BlockEvents,
        votes: &[Vote],
    ) -> Option<Result<(), String>> {
        let Elected { at, masternode, payee } = self.ahead.remove(&happened.block.height)?;
        chain.depth_of(&at)?;
        if let Some(vote) = votes.iter().find(|vote| vote.height == happened.block.height) {
            let is_equal = vote.payee == payee;
            let difference = || format!("{masternode} was elected, {} votes are for {}", vote.votes, vote.payee);
            return Some(if is_equal { Ok(()) } else { Err(difference()) });
        }
        let mut paid =
            happened.events.iter().filter(|event| matches!(event.kind, EventKind::Payment { .. })).peekable();
        let first = paid.peek()?.masternode;
        let is_equal =
            paid.any(|event| event.masternode == masternode || shares(chain.list(), &event.masternode, &payee));
        Some(if is_equal { Ok(()) } else { Err(format!("{masternode} was elected, {first} was paid")) })
    }
}

fn shares(list: &MasternodeList, id: &MasternodeId, payee: &str) -> bool {
    list.get(id).is_some_and(|masternode| masternode.details.payout_address().as_deref() == Some(payee))
}
