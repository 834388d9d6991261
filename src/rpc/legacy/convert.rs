//! Conversion from rows to masternodes, with every range checked. The node's formats end here.
//!
//! Never here: JSON.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::rpc::dialect::{Item, Shape};
use crate::rpc::error::ErrorKind;
use crate::rpc::legacy::list_entry::{Row, malformed};
use domain::masternode::PeerView;
use domain::operator_reward::OperatorReward;
use domain::state;
use domain::state::Announced;
use domain::{DetailTexts, Hash, Height, Masternode, MasternodeId, NodeType, Outpoint, Score, State, UnixSeconds};

/// Later than any time that a node can report: the year 2286.
const LATEST: i64 = 10_000_000_000;

/// Items without which a banned masternode would look valid.
const REQUIRED: [Item; 3] = [Item::State, Item::Score, Item::BanHeight];

/// Items without which a late ping or an old protocol version is not seen.
const EXPECTED: [Item; 2] = [Item::LastSeen, Item::Protocol];

/// Whether a row lacks one of [`EXPECTED`] although the format of the list has it.
pub(super) fn lacks_field(row: &Row, shape: &Shape) -> bool {
    EXPECTED.into_iter().any(|item| shape.has(item) && !row.has(item))
}

/// A masternode of a row. Its identity is required, and what the format of the list has of its state, score and ban.
pub(super) fn masternode(row: &Row, shape: &Shape, states: &[Arc<State>]) -> Result<Masternode, ErrorKind> {
    if let Some(item) = REQUIRED.into_iter().find(|item| shape.has(*item) && !row.has(*item)) {
        return Err(row.wrong(item, "is missing"));
    }
    let text = |item| row.text(item);
    let details = DetailTexts {
        address: text(Item::Address)?.filter(|address| !["[::]:0", "0.0.0.0:0"].contains(&&**address)),
        payout_address: text(Item::PayoutAddress)?,
        owner_address: text(Item::OwnerAddress)?,
        voting_address: text(Item::VotingAddress)?,
        operator_key: text(Item::OperatorKey)?,
        operator_payout_address: None,
        ..DetailTexts::default()
    };
    Ok(Masternode {
        id: id(row)?,
        node_type: NodeType::Regular,
        pose_score: small(row, Item::Score)?.map(Score),
        registered_height: height(row, Item::RegisteredHeight)?.into(),
        last_paid_height: height(row, Item::LastPaidHeight)?,
        consecutive_payments: 0,
        revived_height: height(row, Item::RevivedHeight)?,
        ban_height: height(row, Item::BanHeight)?,
        operator_reward: OperatorReward::new(Some(0)),
        revocation_reason: 0,
        details: details.into(),
        peer: PeerView::default(),
        announced: announced(row, states)?.map(Box::new),
    })
}

fn announced(row: &Row, states: &[Arc<State>]) -> Result<Option<Announced>, ErrorKind> {
    let Some(word) = row.text(Item::State)? else { return Ok(None) };
    let label = word.to_ascii_lowercase();
    let known = states.iter().find(|state| state.label == label).cloned();
    let last_seen = time(row, Item::LastSeen)?;
    Ok(Some(Announced {
        state: known.unwrap_or_else(|| Arc::new(state::UNKNOWN)),
        protocol_version: small(row, Item::Protocol)?,
        last_seen,
        started_at: last_seen.map_or(Ok(None), |seen| started(row, seen))?,
        last_paid_at: time(row, Item::LastPaidTime)?,
        rank: small(row, Item::Rank)?.and_then(NonZeroU32::new),
    }))
}

/// By registration if the list has it, otherwise by collateral: from two members, or from the key.
pub(super) fn id(row: &Row) -> Result<MasternodeId, ErrorKind> {
    if let Some(hash) = row.text(Item::ProTxHash)? {
        return hash
            .parse::<Hash>()
            .map(MasternodeId::ProTx)
            .map_err(|error| row.wrong(Item::ProTxHash, &error.to_string()));
    }
    if let Some(txid) = row.text(Item::Txid)? {
        let txid = txid.parse().map_err(|error| row.wrong(Item::Txid, &format!("is invalid: {error}")))?;
        let index = small(row, Item::OutputIndex)?.ok_or_else(|| row.wrong(Item::OutputIndex, "is missing"))?;
        return Ok(MasternodeId::Collateral(Outpoint { txid, index }));
    }
    if !row.keyed {
        return Err(malformed(&row.name, "it has neither a registration nor a collateral"));
    }
    outpoint(&row.name).ok_or_else(|| malformed(&row.name, "its key is no collateral: COutPoint(txid, n) or txid-n"))
}

/// `COutPoint(<txid>, <n>)` or `<txid>-<n>`.
pub(super) fn outpoint(key: &str) -> Option<MasternodeId> {
    let inner = key.strip_prefix("COutPoint(").and_then(|rest| rest.strip_suffix(')'));
    let (txid, index) = match inner {
        Some(inner) => inner.split_once(',')?,
        None => key.split_once('-')?,
    };
    let index = index.trim().parse().ok()?;
    Some(MasternodeId::Collateral(Outpoint { txid: txid.trim().parse().ok()?, index }))
}

fn small(row: &Row, item: Item) -> Result<Option<u32>, ErrorKind> {
    let Some(value) = row.whole(item)? else { return Ok(None) };
    u32::try_from(value).map(Some).map_err(|_| row.wrong(item, &format!("{value} is out of range")))
}

/// A height; −1 and 0 mean "never".
fn height(row: &Row, item: Item) -> Result<Option<Height>, ErrorKind> {
    match row.whole(item)? {
        None | Some(-1 | 0) => Ok(None),
        Some(_) => Ok(small(row, item)?.map(Height)),
    }
}

/// The node reports its last ping minus its start. That is negative after a restart, until the first new ping: an
/// earlier ping is kept while it is younger than ten minutes. Without a ping it is the start subtracted from 0.
fn started(row: &Row, seen: UnixSeconds) -> Result<Option<UnixSeconds>, ErrorKind> {
    match row.whole(Item::ActiveSeconds)? {
        None => Ok(None),
        Some(active) if active.unsigned_abs() < LATEST.unsigned_abs() => {
            Ok(seen.0.checked_add_signed(-active).map(UnixSeconds))
        }
        Some(active) => Err(row.wrong(Item::ActiveSeconds, &format!("{active} is out of range"))),
    }
}

fn seconds(row: &Row, item: Item) -> Result<Option<u64>, ErrorKind> {
    match row.whole(item)? {
        None => Ok(None),
        Some(value @ 0..LATEST) => Ok(Some(value as u64)),
        Some(value) => Err(row.wrong(item, &format!("{value} is out of range"))),
    }
}

/// A time; 0 means "never".
fn time(row: &Row, item: Item) -> Result<Option<UnixSeconds>, ErrorKind> {
    Ok(seconds(row, item)?.filter(|seconds| *seconds > 0).map(UnixSeconds))
}
