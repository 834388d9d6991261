//! The deterministic payment queue of DIP3 chains.
//!
//! docs/spec/dash.md#payment-queue; `src/evo/deterministicmns.cpp` `CompareByLastPaid`, `GetProjectedMNPayees`.
//!
//! Never here: the pools of the older chains.

use std::num::NonZeroU32;

use crate::chain_facts::Population;
use crate::list::MasternodeList;
use crate::masternode::{Height, Masternode, NodeType};

/// Consecutive payments of an Evo node between the forks v19 and MN_RR: its voting weight.
const EVO_RUN: u32 = 4;

/// Number of consecutive payments of an Evo node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvoPayments {
    /// One, like any other node: before v19, and since MN_RR (mainnet height 2128896).
    Once,
    /// Four: between the two forks.
    FourInARow,
}

/// Position of each masternode of the list in the payment queue, 1 = paid by the next block; `None` when banned.
///
/// The node is paid at tip + position at the latest: no node can enter ahead of it, and nodes ahead can only leave.
pub fn positions(list: &MasternodeList, evo: EvoPayments) -> Vec<Option<NonZeroU32>> {
    let masternodes = list.masternodes();
    let mut order: Vec<Place> = (0_u32..)
        .zip(masternodes)
        .filter(|(_, masternode)| masternode.is_payable())
        .map(|(index, masternode)| Place::of(index, masternode))
        .collect();
    order.sort_unstable_by(|a, b| a.key.cmp(&b.key).then_with(|| tie(masternodes, a).cmp(&tie(masternodes, b))));

    let mut positions = vec![None; masternodes.len()];
    let mut next = 1;
    let mut place = |index: u32, slots: u32| {
        positions[index as usize] = NonZeroU32::new(next);
        next += slots;
    };
    let running = order.iter().find(|place| {
        evo == EvoPayments::FourInARow && is_running(&masternodes[place.index as usize], list.block().height)
    });
    if let Some(running) = running {
        place(running.index, EVO_RUN - u32::from(masternodes[running.index as usize].consecutive_payments));
    }
    for entry in order.iter().filter(|place| Some(place.index) != running.map(|running| running.index)) {
        let weighty = evo == EvoPayments::FourInARow && masternodes[entry.index as usize].node_type == NodeType::Evo;
        place(entry.index, if weighty { EVO_RUN } else { 1 });
    }
    positions
}

/// The order of two masternodes that are paid once in turn: ascending.
pub(crate) fn turn(masternode: &Masternode) -> (Height, [u8; 32]) {
    (waiting_since(masternode), masternode.id.hash().in_memory_order())
}

/// Number of blocks in which every valid masternode is paid once.
pub fn cycle_blocks(population: &Population, evo: EvoPayments) -> u32 {
    let weight = if evo == EvoPayments::FourInARow { EVO_RUN } else { 1 };
    let [regular, evo] = population.valid.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    regular.saturating_add(evo.saturating_mul(weight))
}

/// Probability of a payment within `blocks` blocks: 0 or 1 in a fixed order. `None` for a node that is not queued.
pub fn probability(position: Option<NonZeroU32>, blocks: u32) -> f64 {
    f64::from(u8::from(position.is_some_and(|position| position.get() <= blocks)))
}

/// A valid node in the order, small so that sorting moves little memory.
struct Place {
    /// Height since which it waits, then the first bytes of the tie-break.
    key: u64,
    index: u32,
}

impl Place {
    fn of(index: u32, masternode: &Masternode) -> Place {
        // Memory order starts with the last displayed byte; its first four bytes decide almost all ties.
        let tie = masternode.id.hash().0.last_chunk().map_or(0, |last: &[u8; 4]| u32::from_le_bytes(*last));
        Place { key: u64::from(waiting_since(masternode).0) << 32 | u64::from(tie), index }
    }
}

/// The full tie-break: the hash in the node's memory order.
fn tie(masternodes: &[Masternode], place: &Place) -> [u8; 32] {
    masternodes[place.index as usize].id.hash().in_memory_order()
}

/// The sort key: last payment, or a later revival, or the registration of a node that was never paid.
fn waiting_since(masternode: &Masternode) -> Height {
    let paid = masternode.last_paid_height.unwrap_or(Height(0));
    match masternode.revived_height {
        Some(revived) if revived > paid => revived,
        _ if paid == Height(0) => masternode.registered_height.get().unwrap_or(Height(0)),
        _ => paid,
    }
}

/// An Evo node that the tip paid and that has payments of its run left.
fn is_running(masternode: &Masternode, tip: Height) -> bool {
    masternode.node_type == NodeType::Evo
        && masternode.last_paid_height == Some(tip)
        && u32::from(masternode.consecutive_payments) < EVO_RUN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masternode::{Hash, MasternodeId};
    use crate::samples::{list, masternode};

    fn queued(tip: u32, evo: EvoPayments, nodes: Vec<Masternode>) -> Vec<(u8, Option<u32>)> {
        let list = list(tip, nodes);
        let positions = positions(&list, evo);
        list.masternodes()
            .iter()
            .zip(positions)
            .map(|(node, position)| (node.id.hash().0[0], position.map(NonZeroU32::get)))
            .collect()
    }

    fn paid(number: u8, height: u32) -> Masternode {
        Masternode { last_paid_height: Some(Height(height)), ..masternode(number) }
    }

    #[test]
    fn the_masternode_that_waits_longest_is_paid_next() {
        let revived = Masternode { revived_height: Some(Height(95)), ..paid(3, 20) };
        let old_revival = Masternode { revived_height: Some(Height(5)), ..paid(4, 60) };
        let nodes = vec![paid(1, 90), paid(2, 50), revived, old_revival, masternode(5)];
        let expected = [(1, Some(4)), (2, Some(2)), (3, Some(5)), (4, Some(3)), (5, Some(1))];
        assert_eq!(queued(100, EvoPayments::Once, nodes), expected);
    }

    #[test]
    fn a_banned_node_has_no_position_in_the_queue() {
        let banned = Masternode { ban_height: Some(Height(80)), ..paid(1, 10) };
        assert_eq!(queued(100, EvoPayments::Once, vec![banned, paid(2, 50)]), [(1, None), (2, Some(1))]);
    }

    #[test]
    fn a_tie_is_broken_by_the_reversed_bytes() {
        // Displayed 01…00 sorts before displayed 00…01 (docs/spec/dash.md#payment-queue).
        let with = |first: u8, last: u8| {
            let mut hash = [0; 32];
            (hash[0], hash[31]) = (first, last);
            Masternode { id: MasternodeId::ProTx(Hash(hash)), ..paid(0, 50) }
        };
        assert_eq!(queued(100, EvoPayments::Once, vec![with(0, 1), with(1, 0)]), [(0, Some(2)), (1, Some(1))]);
    }

    #[test]
    fn before_mn_rr_an_evo_node_gets_four_payments() {
        let evo = |number, height, consecutive_payments| Masternode {
            node_type: NodeType::Evo,
            consecutive_payments,
            ..paid(number, height)
        };
        let nodes = vec![evo(1, 100, 2), evo(2, 60, 0), paid(3, 70), paid(4, 50)];
        let expected = [(1, Some(1)), (2, Some(4)), (3, Some(8)), (4, Some(3))];
        assert_eq!(queued(100, EvoPayments::FourInARow, nodes.clone()), expected);
        assert_eq!(queued(100, EvoPayments::Once, nodes), [(1, Some(4)), (2, Some(2)), (3, Some(3)), (4, Some(1))]);
    }

    #[test]
    fn a_fixed_order_gives_probability_zero_or_one() {
        assert_eq!(probability(NonZeroU32::new(5), 4), 0.0);
        assert_eq!(probability(NonZeroU32::new(5), 5), 1.0);
        assert_eq!(probability(None, 1000), 0.0);
    }
}
