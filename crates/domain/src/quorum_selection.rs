//! Members of the next sessions of non-rotating quorums, known [`LEAD`] blocks before each begins.
//!
//! The rule is that of `GetAllQuorumMembers` in `src/llmq/utils.cpp` since Core 20
//! (docs/spec/dash.md#quorum-members): each confirmed valid node of the list at the work block gets a number, a hash of
//! its registration, of the block that confirmed it and of the work block's ChainLock. The nodes with the largest
//! numbers are the members.
//!
//! Never here: quorums that rotate ([`crate::quorum_rotation`]); asking a node.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::dkg::QuorumType;
use crate::list_proof::{LeafFields, ProofDiff};
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
    /// Address; `None` when it has none. No two registered masternodes have the same one at the same block.
    pub address: Option<Fingerprint>,
    /// Operator key; `None` when it was revoked. No two have the same one at the same block.
    pub operator_key: Option<Fingerprint>,
}

/// A short digest of a text or key: equal for equal ones, and for two different ones with a chance of 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The digest of a text or key.
    #[must_use]
    pub fn of(bytes: impl AsRef<[u8]>) -> Fingerprint {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Fingerprint(u64::from_be_bytes(first))
    }
}

/// Changes of the simplified list from one block to a later one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmlDiff {
    /// Removed registrations.
    pub removed: Vec<Hash>,
    /// Added or changed registrations.
    pub entered: Vec<SmlEntry>,
}

impl From<&LeafFields> for SmlEntry {
    fn from(entry: &LeafFields) -> SmlEntry {
        let has_key = entry.operator_key.iter().any(|byte| *byte != 0);
        SmlEntry {
            pro_tx: entry.pro_tx,
            confirmed: entry.confirmed,
            node_type: entry.node_type,
            valid: entry.valid,
            address: entry.addresses[0].first().map(Fingerprint::of),
            operator_key: has_key.then(|| Fingerprint::of(entry.operator_key)),
        }
    }
}

impl From<&ProofDiff> for SmlDiff {
    fn from(diff: &ProofDiff) -> SmlDiff {
        SmlDiff { removed: diff.removed.clone(), entered: diff.entered.iter().map(SmlEntry::from).collect() }
    }
}

/// The simplified masternode list at a block, as far as selection goes: all registered masternodes, the banned ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sml(BTreeMap<Hash, SmlNode>);

/// An entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SmlNode {
    /// Hash of registration and confirming block (`confirmedHashWithProRegTxHash`); `None` before it is confirmed.
    stub: Option<[u8; 32]>,
    node_type: NodeType,
    pub(crate) valid: bool,
    pub(crate) address: Option<Fingerprint>,
    pub(crate) operator_key: Option<Fingerprint>,
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
    /// The same in the order of their seats.
    seats: Vec<MasternodeId>,
}

impl Sml {
    /// Applies changes.
    pub fn apply(&mut self, change: &SmlDiff) {
        for pro_tx in &change.removed {
            self.0.remove(pro_tx);
        }
        for entry in &change.entered {
            let SmlEntry { pro_tx, confirmed, node_type, valid, address, operator_key } = *entry;
            let stub = confirmed.map(|confirmed| stub(&pro_tx, &confirmed));
            self.0.insert(pro_tx, SmlNode { stub, node_type, valid, address, operator_key });
        }
    }

    /// How many masternodes are registered, the banned ones too.
    #[must_use]
    pub fn registered(&self) -> usize {
        self.0.len()
    }

    /// How many masternodes are not banned, those that are not confirmed yet too.
    #[must_use]
    pub fn valid(&self) -> usize {
        self.0.values().filter(|node| node.valid).count()
    }

    pub(crate) fn get(&self, pro_tx: &Hash) -> Option<&SmlNode> {
        self.0.get(pro_tx)
    }

    /// The confirmed valid nodes that `is_wanted`, in the order in which a quorum of the type selects them.
    pub(crate) fn ranked(
        &self,
        kind: &QuorumType,
        input: &QuorumModifierInput,
        is_wanted: impl Fn(&Hash) -> bool,
    ) -> Vec<Hash> {
        let modifier = modifier(kind.id, input);
        let candidates =
            self.0.iter().filter(|(pro_tx, node)| node.valid && kind.draws(node.node_type) && is_wanted(pro_tx));
        let mut numbered: Vec<([u8; 32], Hash)> =
            candidates.filter_map(|(pro_tx, node)| Some((number(&node.stub?, &modifier), *pro_tx))).collect();
        // Two equal numbers would need a collision of SHA-256.
        numbered.sort_unstable_by_key(|(number, _)| Reverse(*number));
        numbered.into_iter().map(|(_, pro_tx)| pro_tx).collect()
    }

    /// The members of the quorum of this type that the lot decides, in the order of their seats; fewer than seats when
    /// there are too few nodes. `None` when there are too few for a quorum: no session is held (`CDKGSession::Init`).
    pub fn draw(&self, kind: &QuorumType, lot: &QuorumModifierInput) -> Option<Vec<MasternodeId>> {
        let mut ranked = self.ranked(kind, lot, |_| true);
        let is_held = ranked.len() >= kind.minimum as usize;
        ranked.truncate(kind.size as usize);
        is_held.then(|| ranked.into_iter().map(MasternodeId::ProTx).collect())
    }
}

impl SelectedQuorum {
    /// The session of this type that begins [`LEAD`] blocks after the work block; `None` if none is held.
    pub fn new(kind: QuorumType, lot: &QuorumModifierInput, roll: &Sml) -> Option<SelectedQuorum> {
        let seats = roll.draw(&kind, lot)?;
        let mut members = seats.clone();
        members.sort_unstable();
        Some(SelectedQuorum { kind, start: lot.height.after(LEAD), members, seats })
    }

    /// Whether the masternode is a member of the session.
    pub fn seats(&self, id: &MasternodeId) -> bool {
        self.members.binary_search(id).is_ok()
    }

    /// Its members in the order of their seats, which is that of a commitment's flags.
    #[must_use]
    pub fn in_order(&self) -> &[MasternodeId] {
        &self.seats
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
