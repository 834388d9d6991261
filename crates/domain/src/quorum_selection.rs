//! Drawing: who will sit in the sessions of quorums that do not rotate, known [`LEAD`] blocks before each begins.
//!
//! The rule is that of `GetAllQuorumMembers` in `src/llmq/utils.cpp` since Core 20
//! (docs/spec/dash.md#quorum-members): the list
//! at the deciding block, each of its confirmed valid nodes with a number that is a hash of its registration, of the block that
//! confirmed it and of the deciding block's ChainLock; the largest numbers get the seats.
//!
//! Never here: quorums that rotate, whose members follow from four cycles back; asking a node.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::dkg::QuorumType;
use crate::masternode::{BlockHash, Hash, Height, MasternodeId, NodeType};

/// Blocks from the one that decides who is drawn to the one with which the session begins (`WORK_DIFF_DEPTH`).
pub const LEAD: u32 = 8;

/// What decides at a block, beside the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumModifierInput {
    /// Height of the block.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Signature of the newest ChainLock that its coinbase names (96 bytes); `None` when it names none.
    pub chainlock: Option<Vec<u8>>,
}

/// One masternode of the simplified list, as far as drawing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmlEntry {
    /// Hash of its registration.
    pub pro_tx: Hash,
    /// The block that confirmed it; `None` before that: it cannot be drawn yet.
    pub confirmed: Option<Hash>,
    /// Regular or Evo.
    pub node_type: NodeType,
    /// Not banned.
    pub valid: bool,
}

/// What changed on the simplified list from one block to a later one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmlDiff {
    /// Registrations that left.
    pub removed: Vec<Hash>,
    /// Those that came, or are different now.
    pub entered: Vec<SmlEntry>,
}

/// All who may be drawn at a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sml(BTreeMap<Hash, SelectionCandidate>);

/// An entrant with its half of the numbers that it will get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SelectionCandidate {
    /// Hash of registration and confirming block (`confirmedHashWithProRegTxHash`).
    stub: [u8; 32],
    node_type: NodeType,
}

/// One session for which was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedQuorum {
    /// Its quorum type.
    pub kind: QuorumType,
    /// Height of the block with which it begins.
    pub start: Height,
    /// Its members, ascending.
    members: Vec<MasternodeId>,
}

impl Sml {
    /// Takes over what changed.
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

    /// The members of the quorum of this type that the lot decides, in the order of their seats; fewer than seats when
    /// there are too few nodes. `None` when there are too few for a quorum: no session is held (`CDKGSession::Init`).
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
    /// The session of this type that begins [`LEAD`] blocks after the lot; `None` when none is held.
    pub fn new(kind: QuorumType, lot: &QuorumModifierInput, roll: &Sml) -> Option<SelectedQuorum> {
        let mut members = roll.draw(&kind, lot)?;
        members.sort_unstable();
        Some(SelectedQuorum { kind, start: lot.height.after(LEAD), members })
    }

    /// Whether the masternode will sit, or sits, in the session.
    pub fn seats(&self, id: &MasternodeId) -> bool {
        self.members.binary_search(id).is_ok()
    }

    /// First height at which its quorum can be mined, whatever the tip.
    pub fn due(&self) -> Height {
        self.start.after(self.kind.due_offset())
    }
}

/// The newest session of a type that is decided at `tip` and can still end after it: the height with which it begins.
/// `None` for types that rotate, and when the last one is over and the next not decided.
pub fn decided(kind: &QuorumType, tip: Height) -> Option<Height> {
    let reach = tip.0 + LEAD;
    let start = reach - reach % kind.interval;
    (kind.quorums == 1 && start > LEAD && start + kind.window_end > tip.0).then_some(Height(start))
}

fn stub(pro_tx: &Hash, confirmed: &Hash) -> [u8; 32] {
    Sha256::new().chain_update(pro_tx.in_memory_order()).chain_update(confirmed.in_memory_order()).finalize().into()
}

/// A node's number at a lot, the most significant byte first: the node reads the hash as a number from its other end.
fn number(stub: &[u8; 32], modifier: &[u8; 32]) -> [u8; 32] {
    let mut number: [u8; 32] = Sha256::new().chain_update(stub).chain_update(modifier).finalize().into();
    number.reverse();
    number
}

/// What a lot and a type add to each node's number (`GetHashModifier`).
fn modifier(quorum_type: u8, lot: &QuorumModifierInput) -> [u8; 32] {
    let first = Sha256::new().chain_update([quorum_type]);
    let first = match &lot.chainlock {
        Some(signature) => first.chain_update(lot.height.0.to_le_bytes()).chain_update(signature),
        None => first.chain_update(lot.hash.0.in_memory_order()),
    };
    Sha256::digest(first.finalize()).into()
}
