//! What a snapshot tells about payments in time and coins: the last payment, a payment that is overdue, what a ban cost so far.
//!
//! Never here: sums over a time span (`earnings`, from the history).

use crate::chain::PastPayments;
use crate::earnings;
use crate::masternode::{Duffs, Masternode, MasternodeId, UnixSeconds};
use crate::payment::{PaymentModel, QueueHead};
use crate::snapshot::{NodeView, Snapshot, WatchedEntry};

impl Snapshot {
    /// The first masternode of the payment queue.
    pub fn head_of_queue(&self) -> Option<MasternodeId> {
        let is_first = |node: &NodeView<'_>| node.queue_position.is_some_and(|position| position.get() == 1);
        self.nodes().find(is_first).map(|node| node.masternode.id)
    }

    /// Follows the head of the payment queue from an earlier snapshot of the network, and takes its index for searches.
    #[must_use]
    pub fn after(mut self, before: Option<&Snapshot>) -> Snapshot {
        self.search_before = before.and_then(Snapshot::search_index);
        if matches!(self.rules.payment, PaymentModel::Queue { .. }) {
            let (tip, before) = (self.block().height, before.and_then(|before| before.head));
            self.head = self.head_of_queue().map(|id| QueueHead::at(tip, id, before));
        }
        self
    }

    /// Blocks for which a masternode waits at the head of the queue of a chain that pays in order, 0 if it is not there; `None` if it
    /// is not queued, or if it may have been there before this process looked.
    pub fn payment_overdue_blocks(&self, node: &NodeView<'_>) -> Option<u32> {
        let (head, _) = self.head.as_ref().zip(node.queue_position)?;
        if head.id != node.masternode.id {
            return Some(0);
        }
        let (blocks, may_be_older) = head.blocks(self.block().height);
        (!may_be_older).then_some(blocks)
    }

    /// Time of the last payment: from the list, or of the block that paid it; `None` if not known.
    pub fn last_paid_at(&self, node: &WatchedEntry) -> Option<UnixSeconds> {
        let masternode = node.index.map(|index| &self.list.masternodes()[index]);
        let reported = masternode.and_then(|masternode| masternode.announced.as_ref()?.last_paid_at);
        let block = masternode.and_then(|masternode| self.facts.block_times.get(&masternode.last_paid_height?));
        // A list that shows payments knows better than the events which one was the last.
        let is_shown = self.rules.past_payments == PastPayments::Shown;
        reported.or(block.copied()).or(node.tally.last_payment.filter(|_| !is_shown))
    }

    /// Time of the block of the current ban; `None` if it is not banned or the time is not known.
    pub fn banned_at(&self, masternode: &Masternode) -> Option<UnixSeconds> {
        self.facts.block_times.get(&masternode.ban_height?).copied()
    }

    /// The same, estimated by the mean time between blocks if the time of the block is not known.
    pub fn ban_time(&self, masternode: &Masternode) -> Option<UnixSeconds> {
        let (height, tip) = (masternode.ban_height?, self.block());
        let ago = f64::from(tip.height.above(height)) * self.facts.spacing_seconds(&self.rules);
        Some(self.banned_at(masternode).unwrap_or_else(|| UnixSeconds(tip.time.0.saturating_sub(ago.round() as u64))))
    }

    /// Estimated coins that the current ban cost so far; `None` if it is not banned, and while no amount of a payment is known.
    pub fn lost_by_ban(&self, masternode: &Masternode) -> Option<Duffs> {
        let payment = earnings::mean_payment(&self.recent_events)?;
        let (banned_at, tip) = (masternode.ban_height?, self.block().height);
        Some(earnings::lost_by_ban(banned_at, tip, self.payment_cycle_blocks()?, payment))
    }

    /// Expected time at which one more failed session no longer bans a masternode, that of the tip if none would now; `None` if
    /// it is banned.
    pub fn safe_at(&self, node: &NodeView<'_>) -> Option<UnixSeconds> {
        let safe = node.pose()?.safe_height()?;
        self.facts
            .expected_at(safe, self.block(), &self.rules)
            .or(Some(self.block().time).filter(|_| safe <= self.block().height))
    }
}
