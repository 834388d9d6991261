//! The block tree: the changes of each kept block, on the active branch and on abandoned ones.
//!
//! A block keeps its changed nodes, before and after, and only the score for a mere decay; never a list. The list of
//! any kept block, and the difference of any two, follow from the path between them.
//!
//! Never here: changing a masternode.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use super::dkg::{Commitment, DkgState};
use super::fork_rules::Special;
use super::ledger::Note;
use super::masternode::Masternode;
use super::random::{Hash256, Random};

/// The change of one slot by a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) slot: u32,
    pub(super) before: Option<Masternode>,
    pub(super) after: Option<Masternode>,
}

/// One block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) height: u32,
    pub(super) hash: Hash256,
    pub(super) parent: Hash256,
    /// Unix time.
    pub(super) time: u64,
    /// Nodes with changes other than the decay.
    pub(super) changes: Vec<Change>,
    /// Slots that only decayed, with the score after it.
    pub(super) decays: Vec<(u32, u32)>,
    /// Commitments in the order of the block, null ones included.
    pub(super) commitments: Vec<Arc<Commitment>>,
    /// The state of quorums after the block.
    pub(super) dkg: Arc<DkgState>,
    pub(super) notes: Vec<Note>,
    /// Transactions of the types that came with Dash 24.
    pub(super) special: Vec<Special>,
    /// The payee as in the list before the block.
    pub(super) payee: Option<Masternode>,
    /// The root of the simplified list after the block, once somebody asked for it.
    pub(super) list_root: OnceLock<Hash256>,
}

/// The difference of two lists in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made for one answer, copied nowhere")]
pub(super) enum Difference {
    /// Only the score differs.
    Score { before: u32, after: u32 },
    /// Anything may differ.
    Node { before: Option<Masternode>, after: Option<Masternode> },
}

/// How block hashes are generated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Naming {
    pub(super) seed: u64,
    /// Leading zero bytes.
    pub(super) work_bytes: usize,
    pub(super) genesis: Hash256,
}

impl Naming {
    /// Hash of a block that is older than the kept ones; it depends on the height only.
    pub(super) fn old(&self, height: u32) -> Hash256 {
        if height == 0 {
            return self.genesis;
        }
        let mut hash = Random::of(&[self.seed, 0x01d, u64::from(height)]).hash();
        hash.0[28..].copy_from_slice(&height.to_be_bytes());
        self.worked(hash)
    }

    /// Hash of a new block.
    pub(super) fn new_block(&self, parent: Hash256, height: u32, branch: u64) -> Hash256 {
        self.worked(Random::of(&[self.seed, parent.seed(), u64::from(height), branch]).hash())
    }

    fn worked(&self, mut hash: Hash256) -> Hash256 {
        hash.0[..self.work_bytes].fill(0);
        hash
    }
}

/// The kept blocks. A clone shares them.
#[derive(Clone, Debug)]
pub(super) struct History {
    naming: Naming,
    keep: usize,
    /// Height of the block it started with.
    first: u32,
    blocks: HashMap<Hash256, Arc<Block>>,
    by_height: BTreeMap<u32, Vec<Hash256>>,
    active: VecDeque<Arc<Block>>,
}

impl History {
    /// Starts with a block that changed nothing. `keep` blocks are kept.
    pub(super) fn new(naming: Naming, keep: u32, root: Block) -> Self {
        let mut history = Self {
            naming,
            first: root.height,
            keep: keep as usize + 1,
            blocks: HashMap::new(),
            by_height: BTreeMap::new(),
            active: VecDeque::new(),
        };
        history.push(root);
        history
    }

    /// The newest block of the active branch.
    pub(super) fn tip(&self) -> &Arc<Block> {
        self.active.back().expect("the active branch is never empty")
    }

    /// The oldest kept block of the active branch.
    pub(super) fn root(&self) -> &Arc<Block> {
        self.active.front().expect("the active branch is never empty")
    }

    /// The block whose list an older block had, too: before the first block the list never changed. `None` once that block is
    /// no longer kept.
    pub(super) fn older_list(&self) -> Option<&Arc<Block>> {
        Some(self.root()).filter(|root| root.height == self.first)
    }

    /// The kept blocks of the active branch, the oldest first.
    pub(super) fn active(&self) -> impl DoubleEndedIterator<Item = &Arc<Block>> {
        self.active.iter()
    }

    /// A kept block of any branch.
    pub(super) fn block(&self, hash: Hash256) -> Option<&Arc<Block>> {
        self.blocks.get(&hash)
    }

    /// The kept block of the active branch at this height.
    pub(super) fn active_at(&self, height: u32) -> Option<&Arc<Block>> {
        self.active.get(height.checked_sub(self.root().height)? as usize)
    }

    /// Whether the block is on the active branch.
    pub(super) fn is_active(&self, block: &Block) -> bool {
        self.active_at(block.height).is_some_and(|other| other.hash == block.hash)
    }

    /// The ancestor of `from` at this height, itself included, if it is kept.
    pub(super) fn ancestor(&self, from: &Arc<Block>, height: u32) -> Option<Arc<Block>> {
        if height > from.height {
            return None;
        }
        let mut block = Arc::clone(from);
        while block.height > height {
            if self.is_active(&block) {
                return self.active_at(height).cloned();
            }
            block = Arc::clone(self.block(block.parent)?);
        }
        Some(block)
    }

    /// How block hashes are generated.
    pub(super) fn naming(&self) -> Naming {
        self.naming
    }

    /// The height of a hash given by [`Naming::old`].
    pub(super) fn old_height(&self, hash: Hash256) -> Option<u32> {
        if hash == self.naming.genesis {
            return Some(0);
        }
        let mut height = [0; 4];
        height.copy_from_slice(&hash.0[28..]);
        let height = u32::from_be_bytes(height);
        (height < self.root().height && self.naming.old(height) == hash).then_some(height)
    }

    /// Adds a block to the active branch and drops blocks that are too old.
    pub(super) fn push(&mut self, block: Block) {
        let block = Arc::new(block);
        self.by_height.entry(block.height).or_default().push(block.hash);
        self.blocks.insert(block.hash, Arc::clone(&block));
        self.active.push_back(block);
        while self.active.len() > self.keep {
            self.active.pop_front();
        }
        let oldest = self.root().height;
        while let Some(entry) = self.by_height.first_entry()
            && *entry.key() < oldest
        {
            for hash in entry.remove() {
                self.blocks.remove(&hash);
            }
        }
    }

    /// Removes the newest block from the active branch; it stays available by its hash. The root stays.
    pub(super) fn pop(&mut self) -> Option<Arc<Block>> {
        if self.active.len() < 2 {
            return None;
        }
        self.active.pop_back()
    }

    /// The differences between the lists of two kept blocks, by slot. `None` if the path between them is not kept.
    pub(super) fn difference(&self, from: &Arc<Block>, to: &Arc<Block>) -> Option<BTreeMap<u32, Difference>> {
        let mut down = Arc::clone(from);
        let mut up = Arc::clone(to);
        let mut way_up = Vec::new();
        let mut differences = BTreeMap::new();
        while down.hash != up.hash {
            if down.height >= up.height {
                undo(&mut differences, &down);
                down = Arc::clone(self.block(down.parent)?);
            } else {
                way_up.push(Arc::clone(&up));
                up = Arc::clone(self.block(up.parent)?);
            }
        }
        for block in way_up.iter().rev() {
            redo(&mut differences, block);
        }
        differences.retain(|_, difference| match difference {
            Difference::Score { before, after } => before != after,
            Difference::Node { before, after } => before != after,
        });
        Some(differences)
    }
}

/// Adds the block's changes to the differences.
fn redo(differences: &mut BTreeMap<u32, Difference>, block: &Block) {
    for change in &block.changes {
        extend(differences, change.slot, change.before, change.after);
    }
    for (slot, score) in &block.decays {
        extend_score(differences, *slot, score + 1, *score);
    }
}

/// Adds the block's changes in reverse.
fn undo(differences: &mut BTreeMap<u32, Difference>, block: &Block) {
    for change in &block.changes {
        extend(differences, change.slot, change.after, change.before);
    }
    for (slot, score) in &block.decays {
        extend_score(differences, *slot, *score, score + 1);
    }
}

fn extend(
    differences: &mut BTreeMap<u32, Difference>,
    slot: u32,
    before: Option<Masternode>,
    after: Option<Masternode>,
) {
    let before = match differences.get(&slot) {
        Some(Difference::Node { before, .. }) => *before,
        // So far only the score differed: the rest of the node is as before this step.
        Some(Difference::Score { before: score, .. }) => before.map(|node| Masternode { score: *score, ..node }),
        None => before,
    };
    differences.insert(slot, Difference::Node { before, after });
}

fn extend_score(differences: &mut BTreeMap<u32, Difference>, slot: u32, before: u32, score: u32) {
    match differences.get_mut(&slot) {
        Some(Difference::Node { after, .. }) => {
            after.as_mut().expect("only a registered node decays").score = score;
        }
        Some(Difference::Score { after, .. }) => *after = score,
        None => {
            differences.insert(slot, Difference::Score { before, after: score });
        }
    }
}
