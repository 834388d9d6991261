//! The payees: the deterministic queue (`src/evo/deterministicmns.cpp GetMNPayee`, `GetProjectedMNPayees`).
//!
//! Never here: changing the list.

use super::list::List;
use super::masternode::Masternode;
use super::rules::EVO_PAYMENTS_IN_A_ROW;

/// The amount that a block pays to its payee, in duffs: different in each block.
pub(super) fn payment_amount(height: u32) -> u64 {
    187_000_000 + u64::from(height)
}

/// The payee of the block after `tip`, selected from the list at `tip`. `mn_rr`: the rule of the next block.
pub(super) fn payee(list: &List, tip: u32, mn_rr: bool) -> Option<Masternode> {
    if !mn_rr && let Some(node) = continuing(list, tip) {
        return Some(node);
    }
    list.queue().next().copied()
}

/// The next payees without further events, at most `count` and at most one cycle.
pub(super) fn projection(list: &List, tip: u32, mn_rr: bool, count: usize) -> Vec<Masternode> {
    let mut payees = Vec::with_capacity(count);
    let mut first = None;
    if !mn_rr && let Some(node) = continuing(list, tip) {
        let left = EVO_PAYMENTS_IN_A_ROW - node.consecutive;
        payees.extend((0..left).map(|_| node));
        first = Some(node.slot);
    }
    for node in list.queue().filter(|node| Some(node.slot) != first) {
        if payees.len() >= count {
            break;
        }
        let times = if node.evo && !mn_rr { EVO_PAYMENTS_IN_A_ROW } else { 1 };
        payees.extend((0..times).map(|_| *node));
    }
    payees.truncate(count);
    payees
}

/// Before MN_RR an Evo node that was paid last is paid again until it has four consecutive payments.
fn continuing(list: &List, tip: u32) -> Option<Masternode> {
    list.running()
        .filter_map(|slot| list.get(slot))
        .find(|node| node.evo && node.is_valid() && node.last_paid == tip && node.consecutive < EVO_PAYMENTS_IN_A_ROW)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::{payee, projection};
    use crate::list::List;
    use crate::masternode::Masternode;
    use crate::random::Hash256;

    fn node(slot: u32, first: &str, last: &str) -> Masternode {
        let hash = Hash256::parse(&format!("{first}{}{last}", "0".repeat(60))).expect("64 digits");
        Masternode::registered(hash, slot, false, 100, true)
    }

    fn list(nodes: &[Masternode]) -> List {
        let mut list = List::default();
        for node in nodes {
            list.replace(node.slot, Some(*node));
        }
        list
    }

    #[test]
    fn a_tie_goes_to_the_smaller_hash_read_from_its_end() {
        let list = list(&[node(0, "01", "00"), node(1, "00", "01")]);
        let order: Vec<u32> = list.queue().map(|node| node.slot).collect();
        assert_eq!(order, [0, 1], "the shown text alone would put slot 1 first");
    }

    #[test]
    fn an_evo_node_is_paid_four_times_in_a_row_before_mn_rr_only() {
        let mut evo = node(0, "00", "02");
        evo.evo = true;
        evo.last_paid = 200;
        evo.consecutive = 3;
        let list = list(&[evo, node(1, "00", "01")]);
        assert_eq!(payee(&list, 200, false).map(|node| node.slot), Some(0));
        assert_eq!(payee(&list, 201, false).map(|node| node.slot), Some(1), "its run was cut");
        assert_eq!(payee(&list, 200, true).map(|node| node.slot), Some(1));
        let slots: Vec<u32> = projection(&list, 200, false, 20).iter().map(|node| node.slot).collect();
        assert_eq!(slots, [0, 1]);
    }

    #[test]
    fn a_banned_node_has_no_place_in_the_queue() {
        let mut banned = node(0, "00", "00");
        banned.ban = Some(150);
        let list = list(&[banned, node(1, "00", "01")]);
        assert_eq!(payee(&list, 200, true).map(|node| node.slot), Some(1));
        assert_eq!((list.registered(), list.valid()), (2, 1));
    }
}
