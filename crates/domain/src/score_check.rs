//! Recomputes the scores of a block from those of the block before and the failures in its commitments. The root of the list
//! does not cover scores (docs/spec/dash-24.md#coverage).
//!
//! Never here: whose failures they are (`quorum_selection`, `quorum_rotation`); reading commitments.

use std::collections::BTreeMap;

use crate::list::MasternodeList;
use crate::masternode::{Masternode, MasternodeId};
use crate::pose::PenaltyRule;

/// The masternodes whose score in `after`, the list of the next block, is not the computed one. `failures` has the number of
/// commitments of that block in which a masternode is a member and not valid, by docs/spec/recorded-answers.md#score.
#[must_use]
pub fn disagreements(
    before: &MasternodeList,
    after: &MasternodeList,
    failures: &BTreeMap<MasternodeId, u32>,
    rule: &PenaltyRule,
) -> Vec<MasternodeId> {
    // Commitments come before all other changes of the block, so the limit is that of the list before.
    let limits = rule.limits(before.registered());
    let decay = rule.decays(before.block().height, 1);
    let expected = |masternode: &Masternode| {
        let Some(earlier) = before.get(&masternode.id) else { return Some(0) };
        if masternode.revived_height == Some(after.block().height) {
            return Some(0);
        }
        let mut score = earlier.pose_score?.0;
        if !earlier.is_banned() {
            score = score.saturating_sub(decay);
        }
        for _ in 0..failures.get(&masternode.id).copied().unwrap_or(0) {
            score = score.saturating_add(limits.step);
            score = if rule.clamped { score.min(limits.limit) } else { score };
        }
        Some(score)
    };
    let differs = |masternode: &&Masternode| {
        let own = masternode.pose_score.map(|score| score.0);
        own.zip(expected(masternode)).is_some_and(|(own, expected)| own != expected)
    };
    after.masternodes().iter().filter(differs).map(|masternode| masternode.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masternode::{Height, Score};
    use crate::pose::CONSENSUS;
    use crate::samples::{id, list, masternode};

    fn with(number: u8, score: u32, banned: bool) -> Masternode {
        Masternode { pose_score: Some(Score(score)), ban_height: banned.then_some(Height(5)), ..masternode(number) }
    }

    #[test]
    fn a_score_follows_from_the_one_before_and_the_failures_of_the_block() {
        let cases = [
            ("decays", with(1, 43, false), 0, with(1, 42, false), true),
            ("does not decay", with(1, 43, false), 0, with(1, 43, false), false),
            ("stays 0", with(1, 0, false), 0, with(1, 0, false), true),
            ("does not decay while banned", with(1, 100, true), 0, with(1, 100, true), true),
            ("decays while banned", with(1, 100, true), 0, with(1, 99, true), false),
            ("fails once", with(1, 0, false), 1, with(1, 66, false), true),
            ("fails and is not penalised", with(1, 0, false), 1, with(1, 0, false), false),
            ("is penalised without a failure", with(1, 0, false), 0, with(1, 66, false), false),
            ("fails after decay, cut to the limit", with(1, 43, false), 1, with(1, 100, true), true),
            ("fails twice", with(1, 0, false), 2, with(1, 100, true), true),
            ("fails while banned", with(1, 100, true), 1, with(1, 100, true), true),
        ];
        for (name, before, failures, after, agrees) in cases {
            let failures = BTreeMap::from([(id(1), failures)]);
            let found = disagreements(&list(10, vec![before]), &list(11, vec![after]), &failures, &CONSENSUS);
            assert_eq!(found.is_empty(), agrees, "{name}");
        }
    }

    #[test]
    fn a_revival_and_a_registration_begin_at_0() {
        let before = list(10, vec![with(1, 100, true)]);
        let revived = |score| Masternode { revived_height: Some(Height(11)), ..with(1, score, false) };
        let none = BTreeMap::new();
        for (score, new, expected) in [(0, 0, vec![]), (7, 0, vec![id(1)]), (0, 7, vec![id(2)])] {
            let after = list(11, vec![revived(score), with(2, new, false)]);
            assert_eq!(disagreements(&before, &after, &none, &CONSENSUS), expected);
        }
    }
}
