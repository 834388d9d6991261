//! Members of the next sessions of non-rotating quorums, known [`LEAD`] blocks before each begins.
//!
//! The rule is that of `GetAllQuorumMembers` in `src/llmq/utils.cpp` since Core 20
//! (docs/spec/dash.md#quorum-members): each confirmed valid node of the list at the work block gets a number, a hash of
//! its registration, of the block that confirmed it and of the work block's ChainLock. The nodes with the largest
//! numbers are the members.
//!
//! Never here: rotating quorums, whose members depend on four earlier cycles; calls to a node.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::dkg::QuorumType;
use crate::masternode::{BlockHash, Hash, Height, MasternodeId, NodeType};

/// Blocks from the work block to the block at which the session begins (`WORK_DIFF_DEPTH`).
pub const LEAD: u32 = 8;

/// The inputs of a selection at the work block, in addition to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumModifierInput {
    /// Height of the block.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Signature of the newest ChainLock in its coinbase (96 bytes); `None` if it contains none.
    pub chainlock: Option<Vec<u8>>,
}

/// One entry of the simplified masternode list, with the fields for the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmlEntry {
    /// Hash of its registration.
    pub pro_tx: Hash,
    /// The block that confirmed it; `None` before that: it cannot be selected yet.
    pub confirmed: Option<Hash>,
    /// Regular or Evo.
    pub node_type: NodeType,
    /// Not banned.
    pub valid: bool,
}

/// Changes of the simplified list from one block to a later one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmlDiff {
    /// Removed registrations.
    pub removed: Vec<Hash>,
    /// Added or changed registrations.
    pub entered: Vec<SmlEntry>,
}

/// All candidates at a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sml(BTreeMap<Hash, SelectionCandidate>);

/// An entry with the constant part of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SelectionCandidate {
    /// Hash of registration and confirming block (`confirmedHashWithProRegTxHash`).
    stub: [u8; 32],
    node_type: NodeType,
}

/// One session with known members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedQuorum {
    /// Its quorum type.
    pub kind: QuorumType,
    /// Height of the block at which it begins.
    pub start: Height,
    /// Its members, ascending.
    members: Vec<MasternodeId>,
}

impl Sml {
    /// Applies changes.
    pub fn apply(&mut self, change: &SmlDiff) {
        for pro_tx in &change.removed {
            self.0.remove(pro_tx);
        }
        for entrant in &change.entered {
            match entrant.confirmed.filter(|_| entrant.valid) {
                Some(confirmed) => {
                    let ticket =
                        SelectionCandidate { stub: stub(&entrant.pro_tx, &confirmed), node_type: entrant.node_type };
                    self.0.insert(entrant.pro_tx, ticket);
                }
                None => drop(self.0.remove(&entrant.pro_tx)),
            }
        }
    }

    /// The members of the quorum of this type for the given work block, in their order; fewer than the quorum size if
    /// there are too few nodes. `None` if there are too few for a quorum: no session is held (`CDKGSession::Init`).
    pub fn draw(&self, kind: &QuorumType, lot: &QuorumModifierInput) -> Option<Vec<MasternodeId>> {
        let modifier = modifier(kind.id, lot);
        let mut numbered: Vec<([u8; 32], Hash)> = self
            .0
            .iter()
            .filter(|(_, ticket)| kind.draws(ticket.node_type))
            .map(|(pro_tx, ticket)| (number(&ticket.stub, &modifier), *pro_tx))
            .collect();
        // Two equal numbers would need a collision of SHA-256.
        numbered.sort_unstable_by_key(|(number, _)| Reverse(*number));
        let is_held = numbered.len() >= kind.minimum as usize;
        numbered.truncate(kind.size as usize);
        is_held.then(|| numbered.into_iter().map(|(_, pro_tx)| MasternodeId::ProTx(pro_tx)).collect())
    }
}

impl SelectedQuorum {
    /// The session of this type that begins [`LEAD`] blocks after the work block; `None` if none is held.
    pub fn new(kind: QuorumType, lot: &QuorumModifierInput, roll: &Sml) -> Option<SelectedQuorum> {
        let mut members = roll.draw(&kind, lot)?;
        members.sort_unstable();
        Some(SelectedQuorum { kind, start: lot.height.after(LEAD), members })
    }

    /// Whether the masternode is a member of the session.
    pub fn seats(&self, id: &MasternodeId) -> bool {
        self.members.binary_search(id).is_ok()
    }

    /// First height at which its quorum can be mined, independent of the tip.
    pub fn due(&self) -> Height {
        self.start.after(self.kind.due_offset())
    }
}

/// Start height of the newest session of a type whose members are decided at `tip` and that can still end after it.
/// `None` for rotating types, and if the last session is over and the next one not decided.
pub fn decided(kind: &QuorumType, tip: Height) -> Option<Height> {
    let reach = tip.0 + LEAD;
    let start = reach - reach % kind.interval;
    (kind.quorums == 1 && start > LEAD && start + kind.window_end > tip.0).then_some(Height(start))
}

fn stub(pro_tx: &Hash, confirmed: &Hash) -> [u8; 32] {
    Sha256::new().chain_update(pro_tx.in_memory_order()).chain_update(confirmed.in_memory_order()).finalize().into()
}

/// A node's number for a work block, most significant byte first: the node reads the hash as a little-endian number.
fn number(stub: &[u8; 32], modifier: &[u8; 32]) -> [u8; 32] {
    let mut number: [u8; 32] = Sha256::new().chain_update(stub).chain_update(modifier).finalize().into();
    number.reverse();
    number
}

/// The contribution of work block and type to each node's number (`GetHashModifier`).
fn modifier(quorum_type: u8, lot: &QuorumModifierInput) -> [u8; 32] {
    let first = Sha256::new().chain_update([quorum_type]);
    let first = match &lot.chainlock {
        Some(signature) => first.chain_update(lot.height.0.to_le_bytes()).chain_update(signature),
        None => first.chain_update(lot.hash.0.in_memory_order()),
    };
    Sha256::digest(first.finalize()).into()
}
