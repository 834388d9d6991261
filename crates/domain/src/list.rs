//! All registered masternodes at one block, and the transition to the next block's list.
//!
//! Never here: which RPC provided the list, or whether it is still current.

use std::collections::HashSet;
use std::fmt;

use crate::details::Detail;
use crate::masternode::{BlockHash, Height, Masternode, MasternodeId, PeerView, Score, UnixSeconds};
use crate::packed_height::PackedHeight;
use crate::terms::TermsChange;
use crate::unreadable::Unreadable;

/// The block of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Height.
    pub height: Height,
    /// Hash.
    pub hash: BlockHash,
    /// Time in its header.
    pub time: UnixSeconds,
}

/// All registered masternodes at [`MasternodeList::block`], sorted by identity so that two lists compare by one merge.
#[derive(Clone, Debug)]
pub struct MasternodeList {
    block: Block,
    masternodes: Vec<Masternode>,
    unreadable: Unreadable,
}

/// Why a list or a diff is inconsistent: the source's answer is wrong, or the current list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListError {
    /// Listed twice, or added although present.
    Duplicate(MasternodeId),
    /// Updated or removed although absent.
    Unknown(MasternodeId),
    /// Its registration changed its format, and the diff does not contain its payees.
    UnknownPayees(MasternodeId),
    /// The diff does not start at the block of the list.
    WrongBase {
        /// Height of the list.
        list: Height,
        /// Height from which the diff starts.
        diff: Height,
    },
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListError::Duplicate(id) => write!(f, "masternode {id} is listed twice"),
            ListError::Unknown(id) => write!(f, "masternode {id} changed but is not on the list"),
            ListError::UnknownPayees(id) => {
                write!(
                    f,
                    "masternode {id} has another version of its registration and the diff does not name its payees"
                )
            }
            ListError::WrongBase { list, diff } => {
                write!(f, "the diff starts at height {diff}, the list is of height {list}")
            }
        }
    }
}

impl std::error::Error for ListError {}

/// The changes of one block (or a range of blocks): the domain form of `protx listdiff`.
#[derive(Clone, Debug)]
pub struct ListDiff {
    /// Height of the list to which it applies.
    pub base: Height,
    /// The block of the resulting list.
    pub target: Block,
    /// New entries.
    pub added: Vec<Masternode>,
    /// Removed entries (collateral spent).
    pub removed: Vec<MasternodeId>,
    /// Changed fields of remaining entries.
    pub updated: Vec<(MasternodeId, StateChange)>,
}

impl ListDiff {
    /// The updates that may hide that an operator has no payout address any more: an update contains a new one, but omits that it
    /// was cleared (docs/spec/dash.md#protx-listdiff). Only a registration's service transaction clears it, so updates of
    /// scores and payments alone are left out.
    pub fn unsaid_operator_payouts<'a>(
        &'a mut self,
        before: &MasternodeList,
    ) -> impl Iterator<Item = (MasternodeId, &'a mut TermsChange)> {
        let has_payout = |id: &MasternodeId| {
            before.get(id).is_some_and(|masternode| masternode.details.has(Detail::OperatorPayoutAddress))
        };
        let updates = self.updated.iter_mut().filter(move |(id, change)| change.may_clear_payout() && has_payout(id));
        updates.map(|(id, change)| (*id, &mut change.terms))
    }
}

/// The changed fields of one entry; `None` for an unchanged field. An inner `None` is "never" or "none".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateChange {
    /// New score.
    pub pose_score: Option<Score>,
    /// New registration height (does not happen on a chain, but a diff can contain it).
    pub registered_height: Option<Option<Height>>,
    /// New height of the last payment.
    pub last_paid_height: Option<Option<Height>>,
    /// New number of consecutive payments.
    pub consecutive_payments: Option<u8>,
    /// New height of the last revival.
    pub revived_height: Option<Option<Height>>,
    /// New ban height; the inner `None` lifts the ban.
    pub ban_height: Option<Option<Height>>,
    /// New revocation reason.
    pub revocation_reason: Option<u8>,
    /// Properties changed by its owner or operator.
    pub terms: TermsChange,
}

impl StateChange {
    fn apply(&self, masternode: &mut Masternode) -> Result<(), ListError> {
        fn set<T: Clone>(slot: &mut T, change: &Option<T>) {
            if let Some(value) = change {
                slot.clone_from(value);
            }
        }
        if let Some(score) = self.pose_score {
            masternode.pose_score = Some(score);
        }
        set(&mut masternode.registered_height, &self.registered_height.map(PackedHeight::from));
        set(&mut masternode.last_paid_height, &self.last_paid_height);
        set(&mut masternode.consecutive_payments, &self.consecutive_payments);
        set(&mut masternode.revived_height, &self.revived_height);
        set(&mut masternode.ban_height, &self.ban_height);
        set(&mut masternode.revocation_reason, &self.revocation_reason);
        if !self.terms.is_empty() {
            let after = self.terms.apply(&masternode.details, self.revocation_reason, self.revives());
            masternode.details = after.ok_or(ListError::UnknownPayees(masternode.id))?;
        }
        Ok(())
    }

    /// Whether it may be that of a service transaction that cleared the operator's payout address.
    fn may_clear_payout(&self) -> bool {
        let StateChange { pose_score, last_paid_height, consecutive_payments, terms, .. } = self;
        let is_routine = pose_score.is_some() || last_paid_height.is_some() || consecutive_payments.is_some();
        let is_service = self.revives() || terms.service.is_some() || terms.addresses.is_some();
        let is_service = is_service || terms.version.is_some() || terms.ports.iter().any(Option::is_some);
        terms.operator_payout_address.is_none() && (is_service || terms.is_empty() && !is_routine)
    }

    /// Whether the masternode was revived in these blocks: then it has an address, and an address that the diff omits
    /// is unchanged.
    fn revives(&self) -> bool {
        self.revived_height.is_some_and(|height| height.is_some()) && !matches!(self.ban_height, Some(Some(_)))
    }
}

impl MasternodeList {
    /// A list from entries in any order. Fails if a masternode is listed twice.
    pub fn new(block: Block, mut masternodes: Vec<Masternode>) -> Result<MasternodeList, ListError> {
        masternodes.sort_unstable_by_key(|masternode| masternode.id);
        if let Some(pair) = masternodes.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(ListError::Duplicate(pair[0].id));
        }
        masternodes.shrink_to_fit();
        Ok(MasternodeList { block, masternodes, unreadable: Unreadable::default() })
    }

    /// The same, with the unreadable entries.
    #[must_use]
    pub fn with_unreadable(self, unreadable: Unreadable) -> MasternodeList {
        MasternodeList { unreadable, ..self }
    }

    /// The unreadable entries; their masternodes are not in [`MasternodeList::masternodes`].
    pub fn unreadable(&self) -> &Unreadable {
        &self.unreadable
    }

    /// The block of this list.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// All entries, ascending by identity.
    pub fn masternodes(&self) -> &[Masternode] {
        &self.masternodes
    }

    /// Number of registered masternodes, including banned ones.
    pub fn registered(&self) -> usize {
        self.masternodes.len()
    }

    /// Number of masternodes that are not banned.
    pub fn valid(&self) -> usize {
        self.masternodes.iter().filter(|masternode| !masternode.is_banned()).count()
    }

    /// Index of a masternode in [`MasternodeList::masternodes`].
    pub fn position(&self, id: &MasternodeId) -> Option<usize> {
        self.masternodes.binary_search_by(|masternode| masternode.id.cmp(id)).ok()
    }

    /// The masternode with this address, which is unique; `None` if there is none.
    #[must_use]
    pub fn by_address(&self, address: &str) -> Option<MasternodeId> {
        let has = |masternode: &&Masternode| masternode.details.address().as_deref() == Some(address);
        self.masternodes().iter().find(has).map(|masternode| masternode.id)
    }

    /// The entry of a masternode; `None` when it is not registered.
    pub fn get(&self, id: &MasternodeId) -> Option<&Masternode> {
        self.position(id).map(|position| &self.masternodes[position])
    }

    /// Removes the queried node's view of masternodes, because for an old list the node returns its current view.
    pub fn forget_peers(&mut self) {
        self.masternodes.iter_mut().for_each(|masternode| masternode.peer = PeerView::default());
    }

    /// Adds the queried node's view of its peers, for the given masternodes.
    pub fn see_peers(&mut self, seen: &[(MasternodeId, PeerView)]) {
        for (id, view) in seen {
            if let Some(position) = self.position(id) {
                self.masternodes[position].peer = *view;
            }
        }
    }

    /// The list after the diff's target block. Fails, and changes nothing, if the diff contradicts this list.
    pub fn apply(&self, diff: &ListDiff) -> Result<MasternodeList, ListError> {
        if diff.base != self.block.height {
            return Err(ListError::WrongBase { list: self.block.height, diff: diff.base });
        }
        let mut masternodes = self.masternodes.clone();
        for (id, change) in &diff.updated {
            let position = self.position(id).ok_or(ListError::Unknown(*id))?;
            change.apply(&mut masternodes[position])?;
        }
        if !diff.removed.is_empty() {
            let mut removed = diff.removed.clone();
            removed.sort_unstable();
            if let Some(unknown) = removed.iter().find(|id| self.position(id).is_none()) {
                return Err(ListError::Unknown(*unknown));
            }
            masternodes.retain(|masternode| removed.binary_search(&masternode.id).is_err());
        }
        if diff.added.is_empty() {
            return Ok(MasternodeList { block: diff.target, masternodes, unreadable: self.unreadable.clone() });
        }
        masternodes.extend(diff.added.iter().cloned());
        Ok(MasternodeList::new(diff.target, masternodes)?.with_unreadable(self.unreadable.clone()))
    }

    /// The list of an earlier block, from the earlier entries of changed masternodes; `None` for those not yet listed.
    pub fn restore(
        &self,
        block: Block,
        entries: Vec<(MasternodeId, Option<Masternode>)>,
    ) -> Result<MasternodeList, ListError> {
        let changed: HashSet<MasternodeId> = entries.iter().map(|(id, _)| *id).collect();
        let unchanged = self.masternodes.iter().filter(|masternode| !changed.contains(&masternode.id)).cloned();
        MasternodeList::new(block, unchanged.chain(entries.into_iter().filter_map(|(_, entry)| entry)).collect())
    }

    /// The masternodes whose chain state differs between two lists, with both entries; ascending by identity.
    pub fn differences<'a>(&'a self, next: &'a MasternodeList) -> Differences<'a> {
        Differences { before: &self.masternodes, after: &next.masternodes }
    }
}

/// Merge of two lists; see [`MasternodeList::differences`].
pub struct Differences<'a> {
    before: &'a [Masternode],
    after: &'a [Masternode],
}

impl<'a> Iterator for Differences<'a> {
    /// The entry before and after; at least one of them is present.
    type Item = (Option<&'a Masternode>, Option<&'a Masternode>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (before, after) = match (self.before.first(), self.after.first()) {
                (None, None) => return None,
                (Some(before), Some(after)) if before.id == after.id => (Some(before), Some(after)),
                (Some(before), Some(after)) if before.id < after.id => (Some(before), None),
                (Some(before), None) => (Some(before), None),
                (_, Some(after)) => (None, Some(after)),
            };
            self.before = &self.before[usize::from(before.is_some())..];
            self.after = &self.after[usize::from(after.is_some())..];
            match (before, after) {
                (Some(before), Some(after)) if before.same_state(after) => {}
                pair => return Some(pair),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{block, id, list, masternode};

    fn diff(base: u32, target: u32) -> ListDiff {
        ListDiff { base: Height(base), target: block(target), added: vec![], removed: vec![], updated: vec![] }
    }

    #[test]
    fn a_list_is_sorted_for_any_input_order() {
        let list = list(1, vec![masternode(3), masternode(1), masternode(2)]);
        let order: Vec<_> = list.masternodes().iter().map(|masternode| masternode.id).collect();
        assert_eq!(order, [id(1), id(2), id(3)]);
    }

    #[test]
    fn a_masternode_listed_twice_is_an_error() {
        let error = MasternodeList::new(block(1), vec![masternode(1), masternode(1)]).unwrap_err();
        assert_eq!(error, ListError::Duplicate(id(1)));
    }

    #[test]
    fn a_diff_adds_removes_and_updates() {
        let before = list(1, vec![masternode(1), masternode(2)]);
        let terms = TermsChange { service: Some(None), ..TermsChange::default() };
        let change = StateChange { pose_score: Some(Score(66)), terms, ..StateChange::default() };
        let diff =
            ListDiff { added: vec![masternode(3)], removed: vec![id(1)], updated: vec![(id(2), change)], ..diff(1, 2) };
        let after = before.apply(&diff).unwrap();
        assert_eq!(after.block(), &block(2));
        assert!(after.get(&id(1)).is_none());
        assert_eq!(after.get(&id(2)).unwrap().pose_score, Some(Score(66)));
        assert_eq!(after.get(&id(2)).unwrap().details.address(), None);
        assert!(after.get(&id(3)).is_some());
        assert!(before.get(&id(2)).unwrap().details.address().is_some(), "the list before is untouched");
    }

    #[test]
    fn a_diff_that_contradicts_the_list_is_refused() {
        let before = list(1, vec![masternode(1)]);
        let unknown = ListError::Unknown(id(9));
        assert_eq!(before.apply(&diff(5, 6)).unwrap_err(), ListError::WrongBase { list: Height(1), diff: Height(5) });
        assert_eq!(before.apply(&ListDiff { removed: vec![id(9)], ..diff(1, 2) }).unwrap_err(), unknown);
        let updated = vec![(id(9), StateChange::default())];
        assert_eq!(before.apply(&ListDiff { updated, ..diff(1, 2) }).unwrap_err(), unknown);
        let added = vec![masternode(1)];
        assert_eq!(before.apply(&ListDiff { added, ..diff(1, 2) }).unwrap_err(), ListError::Duplicate(id(1)));
    }

    #[test]
    fn differences_name_each_changed_masternode_once() {
        let mut changed = masternode(2);
        changed.pose_score = Some(Score(1));
        let before = list(1, vec![masternode(1), masternode(2), masternode(4)]);
        let after = list(
            2,
            vec![masternode(2), changed.clone(), masternode(3)].into_iter().skip(1).chain([masternode(4)]).collect(),
        );
        let seen: Vec<_> =
            before.differences(&after).map(|(old, new)| (old.map(|node| node.id), new.map(|node| node.id))).collect();
        assert_eq!(seen, [(Some(id(1)), None), (Some(id(2)), Some(id(2))), (None, Some(id(3)))]);
    }
}
