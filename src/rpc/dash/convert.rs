//! Conversion from wire types to domain types, with every range checked. The node's formats end here.
//!
//! Never here: the format of a whole answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::rpc::dash::terms;
use crate::rpc::dash::wire::{Entry, MetaInfo, State, WireDiff};
use crate::rpc::error::ErrorKind;
use crate::rpc::unknown::Unknown;
use domain::list::{Block, StateChange};
use domain::masternode::PeerView;
use domain::operator_reward::OperatorReward;
use domain::state;
use domain::state::Announced;
use domain::{Hash, Height, ListDiff, Masternode, MasternodeId, NodeType, Score, UnixSeconds};

/// Name of the height of a ban.
const BAN_HEIGHT: &str = "PoSeBanHeight";

/// An entry of the list. Its identity, its score and its heights are required: without a ban height a banned masternode
/// would look valid.
pub(super) fn masternode(entry: &Entry<'_>, unknown: &mut Unknown) -> Result<Masternode, ErrorKind> {
    let id = id(&entry.pro_tx_hash)?;
    let about = |error: ErrorKind| match error {
        ErrorKind::Malformed { what } => ErrorKind::malformed(format_args!("masternode {id}: {what}")),
        other => other,
    };
    let state = &entry.state;
    let required = |value: Option<i64>, name: &str| {
        value.ok_or_else(|| about(ErrorKind::malformed(format_args!("{name} is missing"))))
    };
    let penalty = required(state.pose_penalty, "PoSePenalty")?;
    let height = |value, name| height(required(value, name)?, name).map_err(about);
    Ok(Masternode {
        id,
        node_type: node_type(entry.node_type.as_deref()),
        pose_score: Some(score(penalty).map_err(about)?),
        registered_height: height(state.registered_height, "registeredHeight")?.into(),
        last_paid_height: height(state.last_paid_height, "lastPaidHeight")?,
        consecutive_payments: tiny(state.consecutive_payments.unwrap_or(0), "consecutivePayments").map_err(about)?,
        revived_height: height(state.pose_revived_height, "PoSeRevivedHeight")?,
        ban_height: ban_height(required(state.pose_ban_height, BAN_HEIGHT)?).map_err(about)?,
        operator_reward: entry.operator_reward.as_ref().map_or_else(OperatorReward::default, operator_reward),
        revocation_reason: tiny(state.revocation_reason.unwrap_or(0), "revocationReason").map_err(about)?,
        details: terms::details(state, unknown),
        peer: entry.meta_info.as_ref().map(peer).unwrap_or_default(),
        announced: entry.need_to_upgrade.filter(|need| *need).map(|_| Box::new(not_paid())),
    })
}

/// A percentage with at most two decimals, `12.5`; anything else is not known.
fn operator_reward(percent: &serde_json::Number) -> OperatorReward {
    let hundredths = percent.as_f64().map(|percent| percent * 100.0);
    let whole = hundredths.filter(|part| (0.0..=10_000.0).contains(part) && (part - part.round()).abs() < 1e-6);
    OperatorReward::new(whole.map(|part| part.round() as u16))
}

/// The status of a node that is not banned and not paid either, because its collateral is no longer sufficient.
fn not_paid() -> Announced {
    Announced {
        state: Arc::new(state::UNKNOWN),
        protocol_version: None,
        last_seen: None,
        started_at: None,
        last_paid_at: None,
        rank: None,
    }
}

/// The changes between two blocks, which must be the requested ones.
pub(super) fn list_diff(
    wire: &WireDiff<'_>,
    base: &Block,
    target: &Block,
    unknown: &mut Unknown,
) -> Result<ListDiff, ErrorKind> {
    let asked = (i64::from(base.height.0), i64::from(target.height.0));
    if (wire.base_height, wire.block_height) != asked {
        return Err(ErrorKind::malformed(format_args!(
            "requested changes from height {} to {}, received {} to {}",
            asked.0, asked.1, wire.base_height, wire.block_height
        )));
    }
    let mut updated = Vec::new();
    for element in &wire.updated {
        for (hash, state) in &read::<BTreeMap<Cow<'_, str>, State<'_>>>(element)? {
            updated.push((id(hash)?, change(state, unknown)?));
        }
    }
    Ok(ListDiff {
        base: base.height,
        target: *target,
        added: wire.added.iter().map(|entry| masternode(&read(entry)?, unknown)).collect::<Result<_, ErrorKind>>()?,
        removed: wire.removed.iter().map(|hash| id(&read::<Cow<'_, str>>(hash)?)).collect::<Result<_, _>>()?,
        updated,
    })
}

fn read<'a, T: Deserialize<'a>>(element: &'a RawValue) -> Result<T, ErrorKind> {
    serde_json::from_str(element.get()).map_err(ErrorKind::malformed)
}

fn change(state: &State<'_>, unknown: &mut Unknown) -> Result<StateChange, ErrorKind> {
    let height = |value: Option<i64>, name| value.map(|value| height(value, name)).transpose();
    Ok(StateChange {
        pose_score: state.pose_penalty.map(score).transpose()?,
        registered_height: height(state.registered_height, "registeredHeight")?,
        last_paid_height: height(state.last_paid_height, "lastPaidHeight")?,
        consecutive_payments: state.consecutive_payments.map(|value| tiny(value, "consecutivePayments")).transpose()?,
        revived_height: height(state.pose_revived_height, "PoSeRevivedHeight")?,
        ban_height: state.pose_ban_height.map(ban_height).transpose()?,
        revocation_reason: state.revocation_reason.map(|value| tiny(value, "revocationReason")).transpose()?,
        terms: terms::change(state, unknown),
    })
}

fn peer(meta: &MetaInfo) -> PeerView {
    let seconds =
        meta.last_outbound_success.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    PeerView::new(seconds.map(UnixSeconds), meta.is_platform_banned)
}

pub(super) fn id(text: &str) -> Result<MasternodeId, ErrorKind> {
    Ok(MasternodeId::ProTx(parse::<Hash>(text, "proTxHash")?))
}

pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str, name: &str) -> Result<T, ErrorKind> {
    text.parse().map_err(|error| ErrorKind::malformed(format_args!("{name}: {error}")))
}

/// The type of a masternode. An unknown future type is treated as a regular one, because its score and payments are
/// valid, and refusing it would refuse the whole list.
fn node_type(text: Option<&str>) -> NodeType {
    match text {
        Some("Evo" | "HighPerformance") => NodeType::Evo,
        _ => NodeType::Regular,
    }
}

fn score(value: i64) -> Result<Score, ErrorKind> {
    small(value, "PoSePenalty").map(Score)
}

fn small(value: i64, name: &str) -> Result<u32, ErrorKind> {
    u32::try_from(value).map_err(|_| ErrorKind::malformed(format_args!("{name} {value} is out of range")))
}

/// A number of which only the first few values have a meaning.
fn tiny(value: i64, name: &str) -> Result<u8, ErrorKind> {
    small(value, name).map(|value| u8::try_from(value).unwrap_or(u8::MAX))
}

/// A height, `None` for −1 and 0, which stand for "never".
fn height(value: i64, name: &str) -> Result<Option<Height>, ErrorKind> {
    match value {
        -1 | 0 => Ok(None),
        value => small(value, name).map(|height| Some(Height(height))),
    }
}

/// A height of a ban, `None` for −1 only: any other value is a ban (`CDeterministicMNState::IsBanned` in `src/evo/dmnstate.h`).
fn ban_height(value: i64) -> Result<Option<Height>, ErrorKind> {
    if value == -1 { Ok(None) } else { block_height(value, BAN_HEIGHT).map(Some) }
}

/// A height of a block, where 0 is the genesis block.
pub(super) fn block_height(value: i64, name: &str) -> Result<Height, ErrorKind> {
    small(value, name).map(Height)
}

/// A time in the header of a block, where it has 32 bits.
pub(super) fn block_time(value: u64, name: &str) -> Result<UnixSeconds, ErrorKind> {
    match u32::try_from(value) {
        Ok(seconds) => Ok(UnixSeconds(seconds.into())),
        Err(_) => Err(ErrorKind::malformed(format_args!("{name} {value} is out of range"))),
    }
}
