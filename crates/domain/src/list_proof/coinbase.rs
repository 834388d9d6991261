//! What a block's coinbase commits to, and that it is the block's own (docs/spec/dash-24.md#coinbase-payload).
//!
//! Never here: whether the block is the chain's, which its ChainLock and its work say.

use crate::list_proof::{Node, double, printed};
use crate::masternode::{Hash, Height};

/// Type of a transaction whose payload is that of a coinbase.
const COINBASE_TYPE: u16 = 5;

/// Newest version of the payload that is known.
const NEWEST_PAYLOAD: u16 = 4;

/// Most transactions of a block: 2 MB of the smallest ones.
const MOST_TRANSACTIONS: u32 = 34_000;

/// What a coinbase commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedRoot {
    /// Height of the block.
    pub height: Height,
    /// Root of the simplified masternode list after the block, in memory order.
    pub list_root: Node,
}

/// Why a coinbase proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoinbaseError {
    /// The transaction cannot be read, or is no coinbase with a payload.
    Malformed,
    /// The version of its payload is not known.
    Version(u16),
    /// The Merkle branch cannot be read.
    MalformedBranch,
    /// The branch does not lead from this coinbase to the header's root.
    OtherBlock,
}

impl std::fmt::Display for CoinbaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CoinbaseError::Malformed => f.write_str("the coinbase transaction cannot be read"),
            CoinbaseError::Version(version) => write!(f, "version {version} of the coinbase payload is not known"),
            CoinbaseError::MalformedBranch => f.write_str("the Merkle branch of the coinbase cannot be read"),
            CoinbaseError::OtherBlock => {
                f.write_str("the coinbase is not part of the block: its Merkle branch leads to another root")
            }
        }
    }
}

impl std::error::Error for CoinbaseError {}

/// What the coinbase of a block commits to, once its Merkle branch was found to lead to the root in the block's header.
///
/// # Errors
/// When the transaction or the branch cannot be read, or is of another block.
pub fn coinbase_root(transaction: &[u8], branch: &[u8], header_root: &Hash) -> Result<CommittedRoot, CoinbaseError> {
    let committed = committed(transaction)?;
    let (root, first) = read_branch(branch).ok_or(CoinbaseError::MalformedBranch)?;
    if printed(&root) != *header_root || first != double(transaction) {
        return Err(CoinbaseError::OtherBlock);
    }
    Ok(committed)
}

/// Bytes that are read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A compact size that fits the address space.
    fn size(&mut self) -> Option<usize> {
        let [first] = self.array()?;
        match first {
            0xfd => self.u16().map(usize::from),
            0xfe => self.u32().and_then(|size| usize::try_from(size).ok()),
            0xff => None,
            small => Some(usize::from(small)),
        }
    }
}

fn committed(transaction: &[u8]) -> Result<CommittedRoot, CoinbaseError> {
    let payload = payload(transaction).ok_or(CoinbaseError::Malformed)?;
    let mut reader = Reader(payload);
    let version = reader.u16().ok_or(CoinbaseError::Malformed)?;
    if version == 0 || version > NEWEST_PAYLOAD {
        return Err(CoinbaseError::Version(version));
    }
    let fields = (|| Some((reader.u32()?, reader.array()?)))();
    let (height, list_root) = fields.ok_or(CoinbaseError::Malformed)?;
    Ok(CommittedRoot { height: Height(height), list_root })
}

/// The payload of a coinbase with one input and any number of outputs.
fn payload(transaction: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(transaction);
    let (_version, kind) = (reader.u16()?, reader.u16()?);
    let inputs = reader.size()?;
    // The outpoint of a coinbase's only input is null.
    let outpoint = reader.take(36)?;
    if kind != COINBASE_TYPE || inputs != 1 || outpoint[..32] != [0; 32] {
        return None;
    }
    let script = reader.size()?;
    reader.take(script.checked_add(4)?)?;
    for _ in 0..reader.size()? {
        reader.take(8)?;
        let script = reader.size()?;
        reader.take(script)?;
    }
    let _lock_time = reader.u32()?;
    let length = reader.size()?;
    let payload = reader.take(length)?;
    reader.0.is_empty().then_some(payload)
}

/// Root of a partial Merkle tree (`CPartialMerkleTree::ExtractMatches` in `src/merkleblock.cpp`) and the transaction that it
/// marks, which has to be the block's first and the only one.
fn read_branch(bytes: &[u8]) -> Option<(Node, Node)> {
    let mut reader = Reader(bytes);
    let transactions = reader.u32()?;
    if transactions == 0 || transactions > MOST_TRANSACTIONS {
        return None;
    }
    let count = reader.size()?;
    if count as u64 > u64::from(transactions) {
        return None;
    }
    let hashes: Vec<Node> = (0..count).map(|_| reader.array()).collect::<Option<_>>()?;
    let length = reader.size()?;
    let flags = reader.take(length)?;
    if !reader.0.is_empty() {
        return None;
    }
    let levels = u32::BITS - (transactions - 1).leading_zeros();
    let mut walk = Walk { transactions, hashes: hashes.into_iter(), flags, bit: 0, found: Vec::new() };
    let root = walk.descend(levels, 0)?;
    let is_whole = walk.hashes.next().is_none() && walk.bit.div_ceil(8) == flags.len();
    match walk.found[..] {
        [(0, first)] if is_whole => Some((root, first)),
        _ => None,
    }
}

/// A walk through a partial Merkle tree, depth first.
struct Walk<'a> {
    transactions: u32,
    hashes: std::vec::IntoIter<Node>,
    flags: &'a [u8],
    bit: usize,
    found: Vec<(u32, Node)>,
}

impl Walk<'_> {
    fn flag(&mut self) -> Option<bool> {
        let byte = self.flags.get(self.bit / 8)?;
        let flag = byte >> (self.bit % 8) & 1 == 1;
        self.bit += 1;
        Some(flag)
    }

    fn width(&self, level: u32) -> u32 {
        self.transactions.div_ceil(1 << level)
    }

    fn descend(&mut self, level: u32, at: u32) -> Option<Node> {
        let leads_to_match = self.flag()?;
        if level == 0 || !leads_to_match {
            let hash = self.hashes.next()?;
            if level == 0 && leads_to_match {
                self.found.push((at, hash));
            }
            return Some(hash);
        }
        let left = self.descend(level - 1, 2 * at)?;
        let right = if 2 * at + 1 < self.width(level - 1) {
            let right = self.descend(level - 1, 2 * at + 1)?;
            // Two equal branches would prove a transaction twice (CVE-2012-2459).
            (right != left).then_some(right)?
        } else {
            left
        };
        let mut both = [0; 64];
        both[..32].copy_from_slice(&left);
        both[32..].copy_from_slice(&right);
        Some(double(&both))
    }
}
