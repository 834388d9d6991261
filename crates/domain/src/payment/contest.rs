//! The queue of an election on the older chains: who takes part, the longest unpaid first, and who wins.
//!
//! `CMasternodeMan::GetNextMasternodeInQueueForPayment` in `src/masternode/masternodeman.cpp` of Dimecoin
//! (docs/spec/legacy-chains.md#dimecoin-payee).
//!
//! Never here: the heights for which elections are held (`election`).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;

use crate::chain_facts::{ChainFacts, Collateral};
use crate::list::MasternodeList;
use crate::masternode::{BlockHash, Hash, Height, Masternode, MasternodeId, Outpoint, UnixSeconds};
use crate::payment::chance;
use crate::payment::election::ElectionGap;
use crate::payment::pool::PoolRule;
use crate::payment::score::ScorePrefix;

/// The masternodes of a list that payments know, and the payees of the blocks ahead.
pub(super) struct Contest<'a> {
    rule: &'a PoolRule,
    known: u32,
    /// The payable ones, the longest unpaid first.
    entries: Vec<Entry<'a>>,
    /// The payee with the most votes, or the elected one, by block.
    payees: BTreeMap<Height, Cow<'a, str>>,
}

/// A payable masternode.
pub(super) struct Entry<'a> {
    /// Its index in the list.
    pub(super) index: usize,
    pub(super) payee: Option<Cow<'a, str>>,
    last_paid: LastPaid,
    /// `None` while the block of the 15th confirmation is not known.
    score: Option<ScorePrefix>,
    order: StorageOrder,
    /// The time from which its start no longer excludes it.
    opens: u64,
    collateral: Option<Collateral>,
}

/// The masternodes that an election can select.
pub(super) struct Queue<'c, 'a> {
    /// The longest unpaid first.
    pub(super) entries: Vec<&'c Entry<'a>>,
    /// How many collaterals are of unknown depth, so that a masternode may be wrongly in it.
    pub(super) undetermined: u32,
}

/// Block of the last payment, or its time if the list has only that; "never" sorts first.
pub(super) type LastPaid = (Option<Height>, Option<UnixSeconds>);

/// The order of outpoints in a node: bytes of the transaction id in memory order, then the index.
pub(super) type StorageOrder = ([u8; 32], u32);

impl<'a> Contest<'a> {
    /// The contest at the tip of a list.
    pub(super) fn new(rule: &'a PoolRule, list: &'a MasternodeList, facts: &'a ChainFacts) -> Option<Contest<'a>> {
        let votes = facts.votes.as_deref()?;
        let masternodes = list.masternodes();
        let known = masternodes.iter().filter(|masternode| is_known(rule, masternode)).count();
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        let payable = |(_, masternode): &(usize, &Masternode)| is_known(rule, masternode) && masternode.is_payable();
        let entry = |(index, masternode): (usize, &'a Masternode)| {
            let collateral = facts.collaterals.get(&masternode.id).copied();
            let confirmed = collateral.and_then(|collateral| collateral.confirmed);
            Entry {
                index,
                payee: masternode.details.payout_address(),
                last_paid: last_paid(masternode),
                score: confirmed.map(|confirmed| ScorePrefix::new(&outpoint(&masternode.id), &confirmed)),
                order: storage_order(&masternode.id),
                opens: opens(rule, masternode, known),
                collateral,
            }
        };
        let entries = masternodes.iter().enumerate().filter(payable).map(entry).collect();
        let payees = votes.iter().map(|vote| (vote.height, Cow::Borrowed(&*vote.payee))).collect();
        let mut contest = Contest { rule, known, entries, payees };
        contest.sort();
        Some(contest)
    }

    /// Number of masternodes that payments consider as known.
    pub(super) fn known(&self) -> u32 {
        self.known
    }

    /// The payee of a block, voted or elected.
    pub(super) fn payee(&self, height: Height) -> Option<&str> {
        self.payees.get(&height).map(|payee| &**payee)
    }

    /// The queue of the election for the block at `height` that is held at `tip`.
    pub(super) fn queue(&self, tip: Height, height: Height, now: UnixSeconds) -> Queue<'_, 'a> {
        let soon = tip.after(self.rule.votes_ahead.saturating_sub(2));
        let near = self.payees.range(tip..=soon).filter(|(at, _)| **at != height);
        let taken: HashSet<&str> = near.map(|(_, payee)| &**payee).collect();
        let free = |entry: &&Entry<'_>| !entry.payee.as_ref().is_some_and(|payee| taken.contains(&**payee));
        let deep = |entry: &&Entry<'_>| {
            entry.collateral.is_none_or(|collateral| blocks_held_out(collateral, tip, self.known) == 0)
        };
        let candidates: Vec<&Entry<'_>> = self.entries.iter().filter(free).filter(deep).collect();
        let undetermined = candidates.iter().filter(|entry| entry.collateral.is_none()).count();
        let mut entries: Vec<&Entry<'_>> = candidates.iter().filter(|entry| entry.opens <= now.0).copied().collect();
        if (entries.len() as u64) < u64::from(self.known / 3) {
            // While a network is upgraded, masternodes that were started lately are not excluded.
            entries = candidates;
        }
        Queue { entries, undetermined: u32::try_from(undetermined).unwrap_or(u32::MAX) }
    }

    /// The masternode of the queue that the block `electing` elects; `None` if the queue is empty.
    pub(super) fn winner<'c>(
        &self,
        queue: &Queue<'c, 'a>,
        electing: &BlockHash,
    ) -> Result<Option<&'c Entry<'a>>, ElectionGap> {
        if queue.undetermined > 0 {
            return Err(ElectionGap::Collaterals(queue.undetermined));
        }
        let queued = u32::try_from(queue.entries.len()).unwrap_or(u32::MAX);
        let size = chance::pool_size(queued, self.known, self.rule.divisor).map_or(0, NonZeroU32::get);
        let mut best: Option<(Hash, &Entry<'_>)> = None;
        for entry in queue.entries.iter().take(size as usize) {
            let own = entry.score.as_ref().ok_or(ElectionGap::Collaterals(1))?.score(electing);
            // Of equal scores the first wins.
            if best.is_none_or(|(highest, _)| own > highest) {
                best = Some((own, entry));
            }
        }
        Ok(best.map(|(_, entry)| entry))
    }

    /// The block at `height` has this payee, unless votes name another.
    pub(super) fn schedule(&mut self, height: Height, payee: Cow<'a, str>) {
        self.payees.entry(height).or_insert(payee);
    }

    /// The block at `height` pays its payee: the masternodes with that address go to the end of the queue.
    pub(super) fn pay(&mut self, height: Height) {
        let Some(payee) = self.payees.get(&height) else { return };
        for entry in self.entries.iter_mut().filter(|entry| entry.payee.as_ref() == Some(payee)) {
            entry.last_paid = (Some(height), None);
        }
        self.sort();
    }

    fn sort(&mut self) {
        // Nearly sorted after the first time: a stable sort takes the sorted runs as they are.
        self.entries.sort_by(|a, b| (a.last_paid, &a.order).cmp(&(b.last_paid, &b.order)));
    }
}

impl Entry<'_> {
    /// Whether the masternode precedes another one in the queue.
    pub(super) fn precedes(&self, other: &Masternode) -> bool {
        (self.last_paid, self.order) < (last_paid(other), storage_order(&other.id))
    }
}

/// Whether payments consider a masternode.
fn is_known(rule: &PoolRule, masternode: &Masternode) -> bool {
    is_current(rule, masternode) && (masternode.is_payable() || !rule.of_enabled)
}

/// Whether its protocol is recent enough for payments.
pub(super) fn is_current(rule: &PoolRule, masternode: &Masternode) -> bool {
    let protocol = masternode.announced.as_ref().and_then(|announced| announced.protocol_version);
    protocol.is_none_or(|protocol| protocol >= rule.minimum_protocol)
}

/// The time from which the start of a masternode no longer excludes it; 0 if the start is not known.
pub(super) fn opens(rule: &PoolRule, masternode: &Masternode, known: u32) -> u64 {
    let started = masternode.announced.as_ref().and_then(|announced| announced.started_at);
    started.map_or(0, |started| started.0.saturating_add(rule.hold_out_seconds.saturating_mul(u64::from(known))))
}

/// Blocks until a collateral has as many confirmations as there are known masternodes.
pub(super) fn blocks_held_out(collateral: Collateral, tip: Height, known: u32) -> u32 {
    let confirmations = if tip < collateral.height { 0 } else { tip.above(collateral.height) + 1 };
    known.saturating_sub(confirmations)
}

fn last_paid(masternode: &Masternode) -> LastPaid {
    let time = masternode.announced.as_ref().and_then(|announced| announced.last_paid_at);
    (masternode.last_paid_height, time.filter(|_| masternode.last_paid_height.is_none()))
}

fn outpoint(id: &MasternodeId) -> Outpoint {
    match id {
        MasternodeId::Collateral(outpoint) => *outpoint,
        MasternodeId::ProTx(hash) => Outpoint { txid: *hash, index: 0 },
    }
}

fn storage_order(id: &MasternodeId) -> StorageOrder {
    let Outpoint { txid, index } = outpoint(id);
    (txid.in_memory_order(), index)
}
