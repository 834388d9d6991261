//! `quorum rotationinfo`: what a node stored of the quarters of three earlier cycles
//! (docs/spec/dip24-rotation.md#quorum-rotationinfo).
//!
//! Never here: how a quarter is made (`domain::quorum_rotation`); the lists in the answer, which `protx diff` gives alike.

use std::borrow::Cow;

use serde::Deserialize;

use crate::rpc::dash::answers::result;
use crate::rpc::dash::convert;
use crate::rpc::error::ErrorKind;
use domain::BlockHash;
use domain::quorum_rotation::{QuarterSnapshot, SkipMode};

/// What a node stored of the quarters before the cycle at H, the newest at or below the given block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationInfo {
    /// Number of the quorum type of which it is; `None` when no quorum of it is active.
    pub quorum_type: Option<u8>,
    /// Work block of the cycle at H.
    pub work_block: BlockHash,
    /// Of the cycles one, two and three intervals before H: the snapshot, and the work block.
    pub earlier: [(QuarterSnapshot, BlockHash); 3],
}

#[derive(Deserialize)]
struct WireInfo<'a> {
    #[serde(rename = "quorumSnapshotAtHMinusC")]
    snapshot_1: WireSnapshot,
    #[serde(rename = "quorumSnapshotAtHMinus2C")]
    snapshot_2: WireSnapshot,
    #[serde(rename = "quorumSnapshotAtHMinus3C")]
    snapshot_3: WireSnapshot,
    #[serde(rename = "mnListDiffH", borrow)]
    list: WireList<'a>,
    #[serde(rename = "mnListDiffAtHMinusC", borrow)]
    list_1: WireList<'a>,
    #[serde(rename = "mnListDiffAtHMinus2C", borrow)]
    list_2: WireList<'a>,
    #[serde(rename = "mnListDiffAtHMinus3C", borrow)]
    list_3: WireList<'a>,
    #[serde(rename = "lastCommitmentPerIndex", default)]
    commitments: Vec<WireCommitment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSnapshot {
    active_quorum_members: Vec<bool>,
    mn_skip_list_mode: u8,
    mn_skip_list: Vec<i64>,
}

#[derive(Deserialize)]
struct WireList<'a> {
    #[serde(rename = "blockHash", borrow)]
    block: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireCommitment {
    #[serde(rename = "llmqType")]
    quorum_type: u8,
}

impl From<WireSnapshot> for QuarterSnapshot {
    fn from(wire: WireSnapshot) -> QuarterSnapshot {
        let mode = match wire.mn_skip_list_mode {
            0 => SkipMode::None,
            1 => SkipMode::Skipped,
            _ => SkipMode::Unused,
        };
        QuarterSnapshot { active: wire.active_quorum_members, mode, skips: wire.mn_skip_list }
    }
}

/// `quorum rotationinfo`.
///
/// # Errors
/// When a snapshot or a work block is missing.
pub fn rotation_info(body: &[u8]) -> Result<RotationInfo, ErrorKind> {
    let wire: WireInfo<'_> = result(body)?;
    let block = |list: &WireList<'_>| convert::parse::<BlockHash>(&list.block, "blockHash");
    let (work_block, one, two, three) =
        (block(&wire.list)?, block(&wire.list_1)?, block(&wire.list_2)?, block(&wire.list_3)?);
    Ok(RotationInfo {
        quorum_type: wire.commitments.first().map(|commitment| commitment.quorum_type),
        work_block,
        earlier: [(wire.snapshot_1.into(), one), (wire.snapshot_2.into(), two), (wire.snapshot_3.into(), three)],
    })
}
