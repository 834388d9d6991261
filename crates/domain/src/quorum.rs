//! Quorums by type: when the last one was mined, how many mining windows passed without one since, and whether a
//! session can still form one.
//!
//! A network that forms no quorum punishes no masternode: a session that fails as a whole is never a masternode's
//! fault.
//!
//! Never here: members of quorums (`quorum_selection`, `dkg_outcome`); calls to a node.

use std::collections::BTreeMap;

use crate::dkg::QuorumType;
use crate::list::Block;
use crate::masternode::{BlockHash, Height};

/// The known quorums of one type at a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formation {
    /// The newest quorum; `None` when none is known.
    pub newest: Option<Mined>,
    /// Whether the session whose mining window includes the block can still form a quorum; `None` if not known.
    pub open: Option<bool>,
}

/// A mined quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Height at which its session, or its cycle of sessions, began.
    pub start: Height,
    /// Height of the block that has its commitment.
    pub mined: Height,
}

/// Known quorums by the name of the quorum type.
pub type Formations = BTreeMap<&'static str, Formation>;

/// Known quorums at a block, updated from block to block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quorums {
    /// The block of this state; `None` when blocks were missed.
    pub at: Option<BlockHash>,
    /// By type.
    pub formations: Formations,
}

impl Quorums {
    /// Advances to the block after `parent`. `commitments` are those of the block, each with the number of its type and
    /// whether its quorum was formed; `None` when they were not read.
    pub fn step(
        &mut self,
        types: &[QuorumType],
        (parent, block): (&BlockHash, &Block),
        commitments: Option<&[(u8, bool)]>,
    ) {
        let is_due = types.iter().any(|kind| kind.is_due_at(block.height));
        if self.at.as_ref() != Some(parent) || (is_due && commitments.is_none()) {
            self.at = None;
            return;
        }
        self.at = Some(block.hash);
        for kind in types {
            let formation = self.formations.entry(kind.name).or_default();
            formation.read(kind, block.height, commitments.unwrap_or_default());
        }
    }
}

impl Formation {
    /// Applies the commitments of a block. Each type has one in each block of its mining window, a null one until its
    /// quorum is mined.
    pub fn read(&mut self, kind: &QuorumType, height: Height, commitments: &[(u8, bool)]) {
        let mut own = commitments.iter().filter(|(id, _)| *id == kind.id).map(|(_, formed)| *formed);
        self.open = kind.is_due_at(height).then(|| own.clone().any(|formed| !formed));
        if own.any(|formed| formed) {
            self.newest = Some(Mined { start: kind.begun(height), mined: height });
        }
    }

    /// Whether the session, or every session of the cycle, that began at `begun` ended by `tip`: its quorum is mined, so that
    /// nobody can fail in it any more. `false` where that is not known.
    #[must_use]
    pub fn has_ended(&self, kind: &QuorumType, begun: Height, tip: Height) -> bool {
        let is_mined = self.newest.is_some_and(|newest| kind.begun(newest.start) == begun);
        // Of a rotating type others of the cycle may still be open.
        let is_whole = kind.quorums == 1 || self.open == Some(false) || !kind.is_due_at(tip);
        is_mined && is_whole
    }
}

/// Health of the quorums of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumHealth {
    /// Height at which the last one was mined.
    pub last_mined: Height,
    /// Mining windows without a quorum since then.
    pub missed_windows: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dkg::REGTEST;
    use crate::samples::block;

    /// Commitments of blocks, whether the session is open after the last one, and the next height that is due.
    type Case = (&'static [&'static [bool]], Option<bool>, u32);

    /// `llmq_test`: interval 24, mining window 10 to 18.
    const KIND: &QuorumType = &REGTEST[0];

    /// Processes blocks, each with its commitments: `None` when they were not read.
    fn walk(blocks: &[(u32, Option<&[bool]>)]) -> Quorums {
        let first = blocks[0].0 - 1;
        let mut quorums = Quorums { at: Some(block(first).hash), formations: Formations::new() };
        for (height, commitments) in blocks {
            let own: Option<Vec<_>> = commitments.map(|own| own.iter().map(|formed| (KIND.id, *formed)).collect());
            quorums.step(&[*KIND], (&block(height - 1).hash, &block(*height)), own.as_deref());
        }
        quorums
    }

    #[test]
    fn a_session_is_open_until_its_quorum_is_mined_or_its_window_ends() {
        // Commitments of blocks 34, 35 …: null, formed, none.
        const NULL: &[bool] = &[false];
        const FORMED: &[bool] = &[true];
        let cases: [Case; 6] = [
            (&[NULL], Some(true), 35),
            (&[NULL, FORMED], Some(false), 59),
            (&[NULL, NULL], Some(true), 36),
            (&[NULL, NULL, FORMED], Some(false), 59),
            (&[&[]], Some(false), 59),
            (&[NULL; 9], Some(true), 59),
        ];
        for (commitments, open, due) in cases {
            let blocks: Vec<_> = (34..).zip(commitments.iter().map(|own| Some(*own))).collect();
            let quorums = walk(&blocks);
            let tip = Height(blocks.last().unwrap().0);
            assert_eq!(quorums.formations[KIND.name].open, open, "{commitments:?}");
            assert_eq!(KIND.next_due(tip, open), Height(due), "{commitments:?}");
        }
    }

    #[test]
    fn a_missing_quorum_of_several_keeps_the_cycle_open() {
        let rotating = &REGTEST[2];
        let mut formation = Formation::default();
        formation.read(rotating, Height(36), &[(rotating.id, true), (rotating.id, false)]);
        assert_eq!((formation.open, rotating.next_due(Height(36), formation.open)), (Some(true), Height(37)));
        formation.read(rotating, Height(37), &[(rotating.id, true)]);
        assert_eq!((formation.open, rotating.next_due(Height(37), formation.open)), (Some(false), Height(60)));
        assert_eq!(formation.newest, Some(Mined { start: Height(24), mined: Height(37) }));
    }

    #[test]
    fn a_session_has_ended_once_its_quorum_is_mined_and_a_cycle_with_its_last_one() {
        let (single, rotating) = (KIND, &REGTEST[2]);
        let at = |start: u32, open| Formation { newest: Some(Mined { start: Height(start), mined: Height(37) }), open };
        // Type, the newest quorum's session, whether more can be mined, the tip: whether the session at 24 has ended.
        for (kind, start, open, tip, ended) in [
            (single, 24, Some(false), 37, true),
            (single, 24, None, 37, true),
            (single, 0, Some(true), 37, false),
            (single, 0, Some(false), 37, false),
            (rotating, 25, Some(false), 37, true),
            (rotating, 25, Some(true), 37, false),
            (rotating, 24, None, 37, false),
            (rotating, 24, None, 45, true),
            (rotating, 1, Some(false), 37, false),
        ] {
            assert_eq!(at(start, open).has_ended(kind, Height(24), Height(tip)), ended, "{start} {open:?} {tip}");
        }
        assert!(!Formation::default().has_ended(single, Height(24), Height(37)), "nothing is known");
    }

    #[test]
    fn a_window_is_missed_after_it_ended_without_a_quorum() {
        // tip, mining windows missed since the session that began at 24: they end at 66 and 90.
        for (tip, missed) in [(35, 0), (42, 0), (65, 0), (66, 1), (89, 1), (90, 2), (24 * 100 + 18, 99)] {
            assert_eq!(KIND.missed_windows(Height(tip), Height(24)), missed, "tip {tip}");
        }
        let rotating = &REGTEST[2];
        assert_eq!(rotating.missed_windows(Height(68), Height(25)), 1, "second quorum of the cycle at 24");
    }

    #[test]
    fn nothing_is_known_after_a_block_whose_commitments_were_not_read() {
        assert_eq!(walk(&[(34, Some(&[false])), (35, None)]).at, None);
        assert_eq!(walk(&[(34, Some(&[false])), (36, Some(&[true]))]).at, None, "a block is missing");
        assert_eq!(walk(&[(30, None), (31, None)]).at, Some(block(31).hash), "no window: nothing can be mined");
    }

    #[test]
    fn mined_quorums_stay_known_between_windows() {
        let mut blocks: Vec<(u32, Option<&[bool]>)> = vec![(34, Some(&[false])), (35, Some(&[true]))];
        blocks.extend((36..=42).map(|height| (height, Some(&[][..]))));
        blocks.extend((43..=50).map(|height| (height, None)));
        let formation = walk(&blocks).formations[KIND.name];
        assert_eq!(formation, Formation { newest: Some(Mined { start: Height(24), mined: Height(35) }), open: None });
    }
}
