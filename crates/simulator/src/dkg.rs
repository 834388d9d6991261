//! DKG sessions and the commitments that end them (`src/llmq/blockprocessor.cpp`, `src/llmq/utils.cpp`).
//!
//! Simplified against a real chain: a quorum that does not rotate is mined in the second block of its window, after a null
//! commitment in the first.
//!
//! Never here: punishment; `block` does that, for each member that a commitment marks as failed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::list::List;
use super::masternode::Masternode;
use super::options::Options;
use super::quorum_rotation::{Rotation, Shape};
use super::quorum_selection::{LEAD, modifier, ranked};
use super::random::{Hash256, Random};
use super::rules::QuorumType;

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
    /// The members as the work block of their quarter or session has them; fewer than seats when there were too few nodes.
    /// With too few nodes one can have two seats in a rotating quorum.
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
    /// Seats of the rotating types.
    pub(super) rotations: BTreeMap<u8, Arc<Rotation>>,
    /// Sessions that fail as a whole, whatever their members do: type and quorum hash.
    failing: Vec<(u8, Hash256)>,
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
    /// Starts the sessions whose base is the block `height`/`hash`.
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
                self.rotating_session(kind, block)
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
        for kind in kinds.iter().filter(|kind| base.is_multiple_of(kind.interval)) {
            if kind.rotating > 0 {
                self.rotate(kind, list, block, rule);
            } else {
                self.drawn.insert(kind.id, (base, Arc::new(Drawn::by(kind, list, block, rule))));
            }
        }
    }

    /// Adds the cycle of a rotating type whose work block is `block`.
    pub(super) fn rotate(&mut self, kind: &'static QuorumType, list: &List, block: (u32, Hash256), rule: Seating) {
        let shape = rule.shape(kind, list);
        let rotation = Arc::make_mut(self.rotations.entry(kind.id).or_default());
        rotation.advance((block.0 + LEAD, kind.interval), shape, list, (block, modifier(block, kind.id)));
    }

    /// The members of a session that is to begin, as its work block decided; none where that is not known.
    pub(super) fn upcoming(&self, kind: &QuorumType, cycle: u32, index: u32) -> Vec<Masternode> {
        if kind.rotating > 0 {
            let rotation = self.rotations.get(&kind.id);
            return rotation
                .and_then(|rotation| rotation.members((cycle, kind.interval), index as usize))
                .unwrap_or_default();
        }
        let drawn = self.drawn.get(&kind.id).filter(|(base, _)| *base == cycle);
        drawn.map(|(_, drawn)| drawn.members.clone()).unwrap_or_default()
    }

    /// Lets the session at an index of a rotating type fail as a whole; says whether one is under way.
    pub(super) fn fail_session(&mut self, id: u8, index: u32) -> bool {
        let of_it =
            |session: &&Arc<Session>| session.kind.id == id && session.index == index && session.kind.rotating > 0;
        let failing: Vec<(u8, Hash256)> =
            self.pending.iter().filter(of_it).map(|session| (id, session.base_hash)).collect();
        self.failing.extend(&failing);
        !failing.is_empty()
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
            let fails = is_too_early || self.failing.contains(&(session.kind.id, session.base_hash));
            let valid = match fails {
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
        let pending = |(id, hash): &(u8, Hash256)| {
            self.pending.iter().any(|session| session.kind.id == *id && session.base_hash == *hash)
        };
        self.failing.retain(pending);
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

    fn rotating_session(&self, kind: &'static QuorumType, (height, hash): (u32, Hash256)) -> Option<Session> {
        let index = height % kind.interval;
        let cycle = height - index;
        let members = self.rotations.get(&kind.id)?.members((cycle, kind.interval), index as usize)?;
        let (size, minimum) = match members.len() {
            seats if seats < kind.size && self.rotations[&kind.id].is_shrunk(cycle, kind) => {
                (seats, (kind.minimum * seats).div_ceil(kind.size))
            }
            _ => (kind.size, kind.minimum),
        };
        Some(Session { kind, index, base_height: height, base_hash: hash, cycle, size, minimum, members })
    }
}

/// How members are selected.
#[derive(Clone, Copy)]
pub(super) struct Seating {
    /// See [`super::Options::shrink_quorums`].
    pub(super) shrink: bool,
}

impl Seating {
    /// That of a network.
    pub(super) fn of(options: &Options) -> Self {
        Self { shrink: options.shrink_quorums }
    }

    /// The quorums of a rotating type. One that shrinks is the only one of its cycle.
    fn shape(self, kind: &QuorumType, list: &List) -> Shape {
        let eligible = list.iter().filter(|node| node.is_valid() && node.is_confirmed()).count();
        let shrunk = self.shrink && (4..kind.size).contains(&eligible);
        match shrunk {
            true => Shape { quorums: 1, quarter: eligible / 4 },
            false => Shape { quorums: kind.rotating as usize, quarter: kind.size / 4 },
        }
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
        let nodes = ranked(list.iter().filter(|node| node.evo || !kind.evo_only), &modifier(block, kind.id));
        let Some((size, minimum)) = rule.sizes(kind, nodes.len()) else {
            return Self { size: kind.size, minimum: kind.minimum, members: Vec::new() };
        };
        let members = nodes.into_iter().take(size).copied().collect();
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
    let mut seated = HashSet::new();
    for (seat, member) in session.members.iter().enumerate() {
        let slot = member.slot;
        let unlucky = random.chance(conduct.failure_rate) && conduct.spared != Some(slot);
        let able = list.get(slot).is_some_and(|node| node.operator_key != 0);
        let failing = unlucky || conduct.offline.contains(&slot) || (bad && conduct.outdated.contains(&slot));
        // Of two seats of one node in one quorum the second cannot be served.
        valid[seat] = able && !failing && seated.insert(slot);
        if let Some(orders) = conduct.ordered.get_mut(&slot).filter(|orders| **orders > 0) {
            *orders -= 1;
            valid[seat] = false;
        }
    }
    if valid.iter().filter(|valid| **valid).count() < session.minimum { none } else { valid }
}
