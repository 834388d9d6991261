//! One masternode as a node's RPC describes it, and the newtypes it is made of.
//!
//! Never here: the JSON of a node (`rpc`), or derived values (`pose`, `payment`).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::details::Details;
use crate::operator_reward::OperatorReward;
use crate::packed_height::PackedHeight;
use crate::state::{Announced, State};

/// 32 bytes in the order in which they are displayed, which is the reverse of the order in the node's memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Ord for Hash {
    /// Ordered by the displayed bytes. Lists are sorted and merged by hashes, and the first eight bytes almost always
    /// decide.
    fn cmp(&self, other: &Hash) -> std::cmp::Ordering {
        let first = |hash: &Hash| hash.0.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        first(self).cmp(&first(other)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Hash {
    fn partial_cmp(&self, other: &Hash) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash {
    /// The bytes in the node's memory order, by which consensus compares hashes (docs/spec/dash.md#payment-queue).
    pub fn in_memory_order(&self) -> [u8; 32] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }
}

/// Value of a hexadecimal digit by its byte, 0xff for any other byte: a table costs a fifth of a `match` per digit.
const DIGIT: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

impl FromStr for Hash {
    /// A sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(format!("expected 64 hexadecimal digits, found {} characters", text.chars().count()));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (DIGIT[pair[0] as usize], DIGIT[pair[1] as usize]);
            if high > 15 || low > 15 {
                return Err("expected 64 hexadecimal digits, found another character".into());
            }
            *byte = high << 4 | low;
        }
        Ok(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hash of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHash(pub Hash);

impl FromStr for BlockHash {
    /// A sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(BlockHash)
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount of a coin in its smallest unit, a hundred millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duffs(pub u64);

impl fmt::Display for Duffs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08}", self.0 / 100_000_000, self.0 % 100_000_000)
    }
}

/// Height of a block, the genesis block being 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u32);

impl Height {
    /// The height `blocks` above this one.
    pub fn after(self, blocks: u32) -> Height {
        Height(self.0.saturating_add(blocks))
    }

    /// Number of blocks by which this height is above `lower`; 0 if it is not.
    pub fn above(self, lower: Height) -> u32 {
        self.0.saturating_sub(lower.0)
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(pub u64);

/// Proof-of-Service penalty points as the node reports them. They may exceed the limit, which follows the number of
/// nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Score(pub u32);

/// An output of a transaction: a masternode's collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outpoint {
    /// Transaction id.
    pub txid: Hash,
    /// Index of the output in the transaction.
    pub index: u32,
}

impl fmt::Display for Outpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.txid, self.index)
    }
}

/// The permanent identity of a masternode: the label `masternode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MasternodeId {
    /// Hash of the registration transaction (`proTxHash`), on chains with a deterministic list (DIP3).
    ProTx(Hash),
    /// The collateral, on the older chains.
    Collateral(Outpoint),
}

impl MasternodeId {
    /// The hash within the identity, which distributes masternodes evenly over shards.
    pub fn hash(&self) -> &Hash {
        match self {
            MasternodeId::ProTx(hash) => hash,
            MasternodeId::Collateral(outpoint) => &outpoint.txid,
        }
    }
}

impl fmt::Display for MasternodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasternodeId::ProTx(hash) => hash.fmt(f),
            MasternodeId::Collateral(outpoint) => outpoint.fmt(f),
        }
    }
}

impl FromStr for MasternodeId {
    /// A sentence.
    type Err = String;

    /// Reads a proTxHash, or a collateral as `txid-n`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((txid, index)) = text.split_once('-') else {
            return text.parse().map(MasternodeId::ProTx);
        };
        let index = index.parse().map_err(|_| format!("{index:?} is not an output index"))?;
        Ok(MasternodeId::Collateral(Outpoint { txid: txid.parse()?, index }))
    }
}

/// Type of a masternode, by its collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeType {
    /// 1,000 DASH; the only kind before v19.
    Regular,
    /// 4,000 DASH, serves Platform (`HighPerformance` in v19, `Evo` since v20).
    Evo,
}

impl NodeType {
    /// Both, in the order of their labels.
    pub const ALL: [NodeType; 2] = [NodeType::Regular, NodeType::Evo];

    /// The value of the label `node_type`.
    pub fn label(self) -> &'static str {
        match self {
            NodeType::Regular => "regular",
            NodeType::Evo => "evo",
        }
    }
}

/// The queried node's own view of a masternode (`metaInfo`), which is not consensus. It has five bytes, because there
/// is one for each of very many masternodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PeerView {
    /// Seconds since 1970, least significant byte first, sufficient until 2106; 0 for never.
    last_success: [u8; 4],
    platform_banned: Option<bool>,
}

impl PeerView {
    /// A view of a peer; `None` for never, or if the node does not report it.
    pub fn new(last_success: Option<UnixSeconds>, platform_banned: Option<bool>) -> PeerView {
        let seconds = last_success.map_or(0, |UnixSeconds(seconds)| u32::try_from(seconds).unwrap_or(u32::MAX));
        PeerView { last_success: seconds.to_le_bytes(), platform_banned }
    }

    /// Last successful outbound connection; `None` when never.
    pub fn last_success(&self) -> Option<UnixSeconds> {
        let seconds = u32::from_le_bytes(self.last_success);
        (seconds > 0).then(|| UnixSeconds(seconds.into()))
    }

    /// Whether Platform requested a ban of this Evo node (v23+); `None` if the node does not report it.
    pub fn platform_banned(&self) -> Option<bool> {
        self.platform_banned
    }
}

/// One entry of the list. Every height is `None` if the node reports "never".
#[derive(Clone, Debug)]
pub struct Masternode {
    /// Identity.
    pub id: MasternodeId,
    /// Type.
    pub node_type: NodeType,
    /// Penalty points; `None` on chains that do not show them.
    pub pose_score: Option<Score>,
    /// Block that registered it.
    pub registered_height: PackedHeight,
    /// Block that last paid it.
    pub last_paid_height: Option<Height>,
    /// Consecutive payments up to the last one (Evo nodes between v19 and MN_RR).
    pub consecutive_payments: u8,
    /// Block of the last revival; never cleared, so a value does not mean "recent".
    pub revived_height: Option<Height>,
    /// Block of the ban; `None` means valid. The score does not show whether a masternode is banned
    /// (docs/spec/recorded-answers.md#consequences).
    pub ban_height: Option<Height>,
    /// The operator's part of each reward.
    pub operator_reward: OperatorReward,
    /// Operator's reason for a revocation, 0 = unspecified (docs/spec/dash.md#ban-causes).
    pub revocation_reason: u8,
    /// Further properties, shared between the lists of consecutive blocks.
    pub details: Details,
    /// The queried node's own view, valid at the time of the full list only.
    pub peer: PeerView,
    /// State and pings; `None` on chains with a deterministic list.
    pub announced: Option<Box<Announced>>,
}

impl Masternode {
    /// Banned: receives no payments until revived or, on some of the older chains, until the ban ends.
    pub fn is_banned(&self) -> bool {
        self.ban_height.is_some() || self.announced.as_ref().is_some_and(|announced| announced.state.banned)
    }

    /// In a state in which it can be paid.
    pub fn is_payable(&self) -> bool {
        !self.is_banned() && self.announced.as_ref().is_none_or(|announced| announced.state.payable)
    }

    /// The state that an older chain reports.
    pub fn announced_state(&self) -> Option<&Arc<State>> {
        self.announced.as_ref().map(|announced| &announced.state)
    }

    /// Whether both have the same chain state; [`PeerView`] and pings are ignored.
    pub fn same_state(&self, other: &Masternode) -> bool {
        self.same_counters(other) && self.details == other.details
    }

    fn same_counters(&self, other: &Masternode) -> bool {
        self.id == other.id
            && self.node_type == other.node_type
            && self.pose_score == other.pose_score
            && self.registered_height == other.registered_height
            && self.last_paid_height == other.last_paid_height
            && self.consecutive_payments == other.consecutive_payments
            && self.revived_height == other.revived_height
            && self.ban_height == other.ban_height
            && self.revocation_reason == other.revocation_reason
            && self.announced_state() == other.announced_state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_hash_parses_to_itself() {
        let text = "92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6";
        let hash: Hash = text.parse().unwrap();
        assert_eq!(hash.to_string(), text);
        assert_eq!(hash.in_memory_order()[0], 0xf6);
    }

    #[test]
    fn hashes_are_ordered_by_their_bytes() {
        let with = |at: usize, byte: u8| {
            let mut bytes = [0x7f; 32];
            bytes[at] = byte;
            Hash(bytes)
        };
        for (one, other) in [
            (with(0, 1), with(0, 0xff)),
            (with(7, 1), with(7, 2)),
            (with(8, 1), with(8, 0x80)),
            (with(31, 0), with(31, 9)),
        ] {
            assert!(one < other && one.0 < other.0 && one.to_string() < other.to_string());
            assert_eq!(one.cmp(&one), std::cmp::Ordering::Equal);
        }
    }

    #[test]
    fn an_invalid_hash_has_an_error_with_the_reason() {
        let cases = [("", "found 0 characters"), ("zz", "found 2 characters")];
        for (text, expected) in cases {
            assert!(text.parse::<Hash>().unwrap_err().to_string().contains(expected), "{text:?}");
        }
        assert!("g".repeat(64).parse::<Hash>().unwrap_err().to_string().contains("another character"));
    }

    #[test]
    fn an_entry_of_the_list_is_small() {
        assert!(size_of::<Masternode>() <= 104, "{} bytes", size_of::<Masternode>());
    }

    #[test]
    fn a_view_of_a_peer_keeps_its_values() {
        for (told, kept) in [(None, None), (Some(0), None), (Some(1_795_236_663), Some(1_795_236_663))] {
            let view = PeerView::new(told.map(UnixSeconds), Some(true));
            assert_eq!((view.last_success(), view.platform_banned()), (kept.map(UnixSeconds), Some(true)));
        }
        let last = Some(UnixSeconds(u64::from(u32::MAX)));
        assert_eq!(PeerView::new(Some(UnixSeconds(u64::MAX)), None).last_success(), last);
    }

    #[test]
    fn an_id_is_a_pro_tx_hash_or_a_collateral() {
        let hash = "1".repeat(64);
        assert!(matches!(hash.parse(), Ok(MasternodeId::ProTx(_))));
        let id: MasternodeId = format!("{hash}-3").parse().unwrap();
        assert_eq!(id.to_string(), format!("{hash}-3"));
        assert!(format!("{hash}-x").parse::<MasternodeId>().is_err());
    }
}
