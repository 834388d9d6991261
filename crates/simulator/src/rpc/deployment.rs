//! The deployment of Dash 24 in `getblockchaininfo` and `getdeploymentinfo`, and `getindexinfo`
//! (`src/rpc/blockchain.cpp`, `src/versionbits.cpp`).
//!
//! Never here: the state of the deployment (`fork`).

use serde_json::{Map, Value, json};

use super::chain::softforks;
use super::params::Params;
use super::{Context, Reply, RpcError};
use crate::fork::{BIT, Fork, Phase, Status};
use crate::options::Subnet;

/// `timeout` of a deployment without one.
const NEVER: i64 = i64::MAX;

/// The fork of the network, with the height of the signal if that is not above this height.
fn fork_at<'a>(context: &'a Context<'_>, height: u32) -> Option<(&'a Fork, Option<u32>)> {
    let fork = context.state.options.fork.as_ref()?;
    Some((fork, context.state.signal.filter(|signal| *signal <= height)))
}

/// `softforks.v24`, which reports the state of the block after the tip; `None` on a network without the fork.
pub(super) fn softfork(context: &Context<'_>) -> Option<Value> {
    let tip = context.tip.height;
    let (fork, signal) = fork_at(context, tip)?;
    let phase = fork.phase(signal, tip + 1);
    let mut bip9 = frame(fork, phase, signal);
    bip9.insert("status".to_owned(), json!(phase.status.name()));
    bip9.insert("since".to_owned(), json!(phase.since));
    if let Some(statistics) = statistics(fork, phase, (tip + 1) % fork.window) {
        bip9.insert("statistics".to_owned(), statistics);
    }
    if phase.status == Status::LockedIn {
        bip9.insert("activation_height".to_owned(), json!(phase.since + fork.window));
    }
    Some(deployment(bip9, phase))
}

/// `getdeploymentinfo`: the state of the requested block and of the one after it.
pub(super) fn info(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let block = match params.get(0) {
        None => context.tip.clone(),
        Some(_) => {
            let hash = params.hash(0, "blockhash", "getdeploymentinfo ( \"blockhash\" )\n")?;
            let known = context.state.history.block(hash).filter(|block| block.height <= context.tip.height);
            known.cloned().ok_or_else(|| RpcError::new(-5, "Block not found"))?
        }
    };
    let mut deployments = softforks(context);
    deployments.remove("v24");
    if let Some((fork, signal)) = fork_at(context, block.height) {
        deployments.insert("v24".to_owned(), of_block(context, fork, signal, block.height));
    }
    Ok(json!({ "hash": block.hash, "height": context.reported(block.height), "deployments": deployments }).into())
}

/// The deployment of a block in `getdeploymentinfo`.
fn of_block(context: &Context<'_>, fork: &Fork, signal: Option<u32>, height: u32) -> Value {
    let (own, next) = (fork.phase(signal, height), fork.phase(signal, height + 1));
    let mut bip9 = frame(fork, own, signal.filter(|_| context.software.shows_signal));
    if !context.software.shows_signal {
        bip9.remove("ehf");
    }
    bip9.insert("status".to_owned(), json!(own.status.name()));
    bip9.insert("status_next".to_owned(), json!(next.status.name()));
    bip9.insert("since".to_owned(), json!(own.since));
    let elapsed = height % fork.window + 1;
    if let Some(statistics) = statistics(fork, own, elapsed) {
        let first = height + 1 - elapsed;
        let letter = |height| if fork.signals_in(height) { '#' } else { '-' };
        bip9.insert("statistics".to_owned(), statistics);
        bip9.insert("signalling".to_owned(), Value::from((first..=height).map(letter).collect::<String>()));
    }
    if own.status == Status::LockedIn && context.software.shows_signal {
        bip9.insert("activation_height".to_owned(), json!(own.since + fork.window));
    }
    deployment(bip9, next)
}

/// The part that does not depend on the method.
fn frame(fork: &Fork, phase: Phase, signal: Option<u32>) -> Map<String, Value> {
    let mut bip9 = Map::new();
    if matches!(phase.status, Status::Started | Status::LockedIn) {
        bip9.insert("bit".to_owned(), json!(BIT));
    }
    bip9.insert("start_time".to_owned(), json!(fork.start_time));
    bip9.insert("timeout".to_owned(), json!(NEVER));
    bip9.insert("min_activation_height".to_owned(), json!(0));
    bip9.insert("ehf".to_owned(), json!(true));
    if let Some(signal) = signal {
        bip9.insert("ehf_height".to_owned(), json!(signal));
    }
    bip9
}

/// The count of a window with this number of blocks; without the threshold once that is reached.
fn statistics(fork: &Fork, phase: Phase, elapsed: u32) -> Option<Value> {
    let count = fork.signals(elapsed);
    let mut statistics = json!({ "period": fork.window, "elapsed": elapsed, "count": count });
    match phase.status {
        Status::Started => {
            let object = statistics.as_object_mut().expect("an object");
            let missed = elapsed - count;
            object.insert("threshold".to_owned(), json!(phase.threshold));
            object.insert("possible".to_owned(), json!(fork.window - phase.threshold >= missed));
            Some(statistics)
        }
        Status::LockedIn => Some(statistics),
        Status::Defined | Status::Active => None,
    }
}

/// `active` is the state of the next block in both answers.
fn deployment(bip9: Map<String, Value>, next: Phase) -> Value {
    let mut deployment = json!({ "type": "bip9", "bip9": bip9, "active": next.status == Status::Active });
    if next.status == Status::Active {
        deployment.as_object_mut().expect("an object").insert("height".to_owned(), json!(next.since));
    }
    deployment
}

/// Whether bit 12 is set in the version of the block of this height; `None` on a network without the fork.
pub(super) fn signals(context: &Context<'_>, height: u32) -> Option<bool> {
    let (fork, signal) = fork_at(context, height)?;
    let counted = matches!(fork.phase(signal, height).status, Status::Started | Status::LockedIn);
    Some(counted && context.state.left_behind.is_none() && fork.signals_in(height))
}

/// `getindexinfo`.
pub(super) fn indexes(context: &Context<'_>) -> Value {
    let height = context.reported(context.tip.height);
    let mut indexes = json!({ "txindex": { "synced": true, "best_block_height": height } });
    if let Some(synced) = context.software.filter_index {
        let best = if synced { height } else { height / 2 };
        let index = json!({ "synced": synced, "best_block_height": best });
        indexes.as_object_mut().expect("an object").insert("basic block filter index".to_owned(), index);
    }
    if context.state.options.subnet == Subnet::Main && context.masternode.is_some() {
        // A masternode of mainnet needs no transaction index.
        indexes.as_object_mut().expect("an object").remove("txindex");
    }
    indexes
}
