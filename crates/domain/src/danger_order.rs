//! The masternodes of a snapshot in the order of danger, the closest to a ban first.
//!
//! Never here: how close one masternode is ([`NodeView::danger`]).

use std::cmp::Reverse;

use crate::snapshot::{NodeView, Snapshot};

impl Snapshot {
    /// Indices in the list by [`NodeView::danger`], the greatest first, then by identity. Sorted once for all readers.
    pub fn by_danger(&self) -> &[u32] {
        self.by_danger.get_or_init(|| sorted(self.nodes()))
    }

    /// Sorts these indices in the same order, and removes those that the snapshot does not show. Each is given once.
    pub fn sort_by_danger(&self, indices: &mut Vec<u32>) {
        if indices.len() <= self.list.registered() / FEW && !self.is_restricted {
            return indices.sort_unstable_by_key(|index| (Reverse(self.node(*index as usize).danger()), *index));
        }
        let mut wanted = vec![false; self.list.registered()];
        indices.iter().for_each(|index| wanted[*index as usize] = true);
        indices.clear();
        indices.extend(self.by_danger().iter().filter(|index| wanted[**index as usize]));
    }
}

/// Up to one in this number of masternodes, sorting them costs less than a search for them in the order of all.
const FEW: usize = 32;

fn sorted<'a>(nodes: impl Iterator<Item = NodeView<'a>>) -> Vec<u32> {
    // Most masternodes are clear: they are last, in the order of the list.
    let (mut order, mut clear) = (Vec::new(), Vec::new());
    for (index, node) in (0_u32..).zip(nodes) {
        let (risk, safe, score) = node.danger();
        let danger = (risk as u128) << 64 | u128::from(safe) << 32 | u128::from(score);
        if danger == 0 {
            clear.push(index);
        } else {
            order.push(!danger << 32 | u128::from(index));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|key| key as u32).chain(clear).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masternode::{Height, Masternode, Score};
    use crate::samples::{masternode, snapshot};

    #[test]
    fn the_order_is_that_of_danger_for_all_and_for_some() {
        let scored = |number: u8| Masternode {
            pose_score: Some(Score(u32::from(number % 7) * 15)),
            ban_height: (number.is_multiple_of(5)).then_some(Height(50)),
            ..masternode(number)
        };
        let snapshot = snapshot((1..=200).map(scored).collect());
        let mut expected: Vec<u32> = (0..200).collect();
        expected.sort_by_key(|index| Reverse(snapshot.node(*index as usize).danger()));
        assert_eq!(snapshot.by_danger(), expected);
        for step in [1, 3, 50, 199] {
            let mut some: Vec<u32> = (0..200).step_by(step).collect();
            let rest: Vec<u32> = expected.iter().copied().filter(|index| some.contains(index)).collect();
            snapshot.sort_by_danger(&mut some);
            assert_eq!(some, rest, "each {step}th");
        }
    }
}
