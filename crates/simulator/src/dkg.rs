//! DKG sessions and the commitments that end them (`src/llmq/blockprocessor.cpp`, `src/llmq/utils.cpp`).
//!
//! Simplified: a rotation assigns whole quarters, but not by the real permutation, and selects at its base. A
//! non-rotating quorum is mined in the second block of its window, after a null commitment in the first.
//!
//! Never here: punishment; `block` does that, for each member that a commitment marks as failed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::list::List;
use super::quorum_selection::{LEAD, by_draw};
use super::random::{Hash256, Random};
use super::rules::QuorumType;

use super::masternode::Masternode;
pub(super) use super::quorum_rotation::Rotation;

/// One session with its members.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) kind: &'static QuorumType,
    /// Index in the rotation; 0 for non-rotating types.
    pub(super) index: u32,
    /// Height of the block that identifies the quorum.
    pub(super) base_height: u32,
    /// Hash of that block, which identifies the quorum.
    pub(super) base_hash: Hash256,
    /// Start of the interval, from which the window is counted.
    pub(super) cycle: u32,
    /// Size of the quorum.
    pub(super) size: usize,
    /// Minimum number of valid members; with fewer, the commitment is null.
    pub(super) minimum: usize,
    /// The members at the base; fewer than the quorum size if there were too few nodes.
    pub(super) members: Vec<Masternode>,
}

/// The result of a session in a block.
#[derive(Debug)]
pub(super) struct Commitment {
    pub(super) session: Arc<Session>,
    /// Height of the block with the commitment.
    pub(super) height: u32,
    /// Hash of that block.
    pub(super) block: Hash256,
    /// One bit for each member. All are false in a null commitment, which punishes no masternode.
    pub(super) valid: Vec<bool>,
}

impl Commitment {
    /// Members that contributed.
    pub(super) fn valid_count(&self) -> usize {
        self.valid.iter().filter(|valid| **valid).count()
    }

    /// The session failed as a whole.
    pub(super) fn is_null(&self) -> bool {
        self.valid_count() == 0
    }

    /// Slots of the members that are punished.
    pub(super) fn failed(&self) -> impl Iterator<Item = u32> {
        let punishing = !self.is_null();
        self.session
            .members
            .iter()
            .zip(&self.valid)
            .filter(move |(_, valid)| punishing && !**valid)
            .map(|(member, _)| member.slot)
    }
}

/// The state of the chain's quorums at a block.
#[derive(Clone, Debug, Default)]
pub(super) struct DkgState {
    /// Sessions whose commitment is pending.
    pub(super) pending: Vec<Arc<Session>>,
    /// Active mined quorums, the newest first, by type.
    pub(super) active: BTreeMap<u8, Vec<Arc<Commitment>>>,
    /// Members of the next session of a non-rotating type, with the height of its base.
    drawn: BTreeMap<u8, (u32, Arc<Drawn>)>,
    /// Members of the rotating types.
    rotations: BTreeMap<u8, Arc<Rotation>>,
}

/// Inputs that decide about a session's members.
pub(super) struct Conduct<'a> {
    /// Offline slots, which participate in nothing.
    pub(super) offline: &'a HashSet<u32>,
    /// Slots whose protocol is below the required one.
    pub(super) outdated: &'a HashSet<u32>,
    /// Slots that fail the given number of further commitments of this block.
    pub(super) ordered: &'a mut BTreeMap<u32, usize>,
    /// Every session of the block fails as a whole.
    pub(super) outage: bool,
    /// Share of sessions that an online node fails at random, and the nodes that are exempt.
    pub(super) failure_rate: f64,
    pub(super) spared: Option<u32>,
}

impl DkgState {
    /// Starts the sessions whose base is the block `height`/`hash`. `wanted` becomes a member in the first rotation.
    pub(super) fn start_sessions(
        &mut self,
        kinds: &[&'static QuorumType],
        list: &List,
        block: (u32, Hash256),
        rule: Seating,
    ) {
        let (height, _) = block;
        for kind in kinds {
            let index = height % kind.interval;
            if index >= kind.rotating.max(1) {
                continue;
            }
            let session = if kind.rotating > 0 {
                self.rotating_session(kind, list, block, rule)
            } else {
                let drawn = self.drawn.get(&kind.id).filter(|(base, _)| *base == height);
                let drawn =
                    drawn.map_or_else(|| Arc::new(Drawn::by(kind, list, block, rule)), |(_, drawn)| drawn.clone());
                Some(plain_session(kind, block, &drawn))
            };
            self.pending.extend(session.map(Arc::new));
        }
    }

    /// Selects the members of the sessions whose work block is `height`/`hash`.
    pub(super) fn draw(&mut self, kinds: &[&'static QuorumType], list: &List, block: (u32, Hash256), rule: Seating) {
        let base = block.0 + LEAD;
        for kind in kinds.iter().filter(|kind| kind.rotating == 0 && base.is_multiple_of(kind.interval)) {
            self.drawn.insert(kind.id, (base, Arc::new(Drawn::by(kind, list, block, rule))));
        }
    }

    /// Ends the sessions that are due in the block `height` and stores the mined ones.
    pub(super) fn finish_sessions(
        &mut self,
        list: &List,
        block: (u32, Hash256),
        random: &mut Random,
        conduct: &mut Conduct<'_>,
    ) -> Vec<Arc<Commitment>> {
        let (height, hash) = block;
        let mut commitments = Vec::new();
        let mut left = Vec::with_capacity(self.pending.len());
        for session in std::mem::take(&mut self.pending) {
            let (first, last) = session.kind.window;
            let offset = height - session.cycle;
            if offset < first {
                left.push(session);
                continue;
            }
            // Finalising starts only once the first block of the window is connected, so that block has a null
            // commitment.
            let is_too_early = session.kind.rotating == 0 && offset == first;
            let valid = match is_too_early {
                true => vec![false; session.size],
                false => contributions(&session, list, random, conduct),
            };
            let commitment = Arc::new(Commitment { session: Arc::clone(&session), height, block: hash, valid });
            if commitment.is_null() && offset < last {
                left.push(session);
            }
            commitments.push(commitment);
        }
        self.pending = left;
        for commitment in commitments.iter().filter(|commitment| !commitment.is_null()) {
            self.activate(Arc::clone(commitment));
        }
        commitments
    }

    /// Adds a mined quorum as the newest of its type.
    pub(super) fn activate(&mut self, commitment: Arc<Commitment>) {
        let kind = commitment.session.kind;
        let quorums = self.active.entry(kind.id).or_default();
        if kind.rotating > 0 {
            quorums.retain(|other| other.session.index != commitment.session.index);
            quorums.push(commitment);
            quorums.sort_by_key(|other| other.session.index);
        } else {
            quorums.insert(0, commitment);
        }
        quorums.truncate(kind.active);
    }

    fn rotating_session(
        &mut self,
        kind: &'static QuorumType,
        list: &List,
        block: (u32, Hash256),
        rule: Seating,
    ) -> Option<Session> {
        let (height, hash) = block;
        let index = height % kind.interval;
        if index == 0 || !self.rotations.contains_key(&kind.id) {
            let slots = eligible(kind, list);
            let old = self.rotations.get(&kind.id).map(Arc::as_ref);
            let next = Rotation::next(kind, &slots, old, &mut rule.random(kind, hash), rule);
            self.rotations.insert(kind.id, Arc::new(next));
        }
        let rotation = &self.rotations[&kind.id];
        let members = rotation.members(index)?;
        let members: Vec<Masternode> = members.filter_map(|slot| list.get(slot).copied()).collect();
        Some(Session {
            kind,
            index,
            base_height: height,
            base_hash: hash,
            cycle: height - index,
            size: rotation.size,
            minimum: rotation.minimum,
            members,
        })
    }
}

/// How members are selected.
#[derive(Clone, Copy)]
pub(super) struct Seating {
    pub(super) seed: u64,
    /// See [`super::Options::shrink_quorums`].
    pub(super) shrink: bool,
    /// A slot that becomes a member of the first quorum of a rotation.
    pub(super) wanted: Option<u32>,
}

impl Seating {
    fn random(self, kind: &QuorumType, hash: Hash256) -> Random {
        Random::of(&[self.seed, u64::from(kind.id), hash.seed()])
    }

    /// Quorum size and minimum of valid members for this number of eligible nodes; `None`: no session is possible.
    pub(super) fn sizes(self, kind: &QuorumType, eligible: usize) -> Option<(usize, usize)> {
        if eligible >= kind.size {
            Some((kind.size, kind.minimum))
        } else if self.shrink && eligible >= 3 {
            Some((eligible, (kind.minimum * eligible).div_ceil(kind.size)))
        } else {
            (eligible >= kind.minimum).then_some((kind.size, kind.minimum))
        }
    }
}

/// The selected members of a session.
#[derive(Debug)]
pub(super) struct Drawn {
    size: usize,
    minimum: usize,
    /// Fewer than the quorum size if there were too few nodes, empty if there were too few for any session.
    members: Vec<Masternode>,
}

impl Drawn {
    /// The selection at a block.
    pub(super) fn by(kind: &QuorumType, list: &List, block: (u32, Hash256), rule: Seating) -> Self {
        let slots = eligible(kind, list);
        let Some((size, minimum)) = rule.sizes(kind, slots.len()) else {
            return Self { size: kind.size, minimum: kind.minimum, members: Vec::new() };
        };
        let nodes = slots.iter().filter_map(|slot| list.get(*slot).copied()).collect();
        let mut members = by_draw(kind.id, block, nodes);
        members.truncate(size);
        Self { size, minimum, members }
    }
}

/// The session that begins at a block, with the selected members.
pub(super) fn plain_session(kind: &'static QuorumType, (height, hash): (u32, Hash256), drawn: &Drawn) -> Session {
    Session {
        kind,
        index: 0,
        base_height: height,
        base_hash: hash,
        cycle: height,
        size: drawn.size,
        minimum: drawn.minimum,
        members: drawn.members.clone(),
    }
}

/// Slots of the nodes that can be selected.
fn eligible(kind: &QuorumType, list: &List) -> Vec<u32> {
    list.iter()
        .filter(|node| node.is_valid() && node.is_confirmed() && (node.evo || !kind.evo_only))
        .map(|node| node.slot)
        .collect()
}

/// Whether enough members with the new protocol exist to vote out the others (`dkgBadVotesThreshold`).
fn voted_bad(session: &Session, conduct: &Conduct<'_>) -> bool {
    let votes =
        |member: &&Masternode| !conduct.outdated.contains(&member.slot) && !conduct.offline.contains(&member.slot);
    !conduct.outdated.is_empty() && session.members.iter().filter(votes).count() >= session.kind.bad_votes(session.size)
}

/// Which members are valid; none if there are too few.
fn contributions(session: &Session, list: &List, random: &mut Random, conduct: &mut Conduct<'_>) -> Vec<bool> {
    let none = vec![false; session.size];
    if conduct.outage || session.members.len() < session.minimum {
        return none;
    }
    let mut valid = none.clone();
    let bad = voted_bad(session, conduct);
    for (seat, member) in session.members.iter().enumerate() {
        let slot = member.slot;
        let unlucky = random.chance(conduct.failure_rate) && conduct.spared != Some(slot);
        let able = list.get(slot).is_some_and(|node| node.operator_key != 0);
        let failing = unlucky || conduct.offline.contains(&slot) || (bad && conduct.outdated.contains(&slot));
        valid[seat] = able && !failing;
        if let Some(orders) = conduct.ordered.get_mut(&slot).filter(|orders| **orders > 0) {
            *orders -= 1;
            valid[seat] = false;
        }
    }
    if valid.iter().filter(|valid| **valid).count() < session.minimum { none } else { valid }
}
