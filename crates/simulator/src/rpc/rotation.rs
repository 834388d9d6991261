//! `quorum rotationinfo` (`src/llmq/snapshot.cpp BuildQuorumRotationInfo`; `docs/spec/dip24-rotation.md#quorum-rotationinfo`).
//!
//! Never here: how members are selected (`quorum_rotation`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::diff::between;
use super::params::Params;
use super::quorum::commitment_fields;
use super::transactions::Point;
use super::{Context, Reply, RpcError};
use crate::quorum_rotation::{Cycle, Rotation, Snapshot};
use crate::random::Hash256;
use crate::rules::{QuorumType, quorum_types};

const HELP: &str = "quorum rotationinfo \"blockRequestHash\" ( extraShare baseBlockHash... )\n";

/// The first release with the base hashes in one array.
const ONE_ARRAY: u32 = 230_000;

/// The first release that uses each work block as a base of the next.
const GROWING_BASES: u32 = 220_102;

/// The first release that asks for the oldest cycle only with `extraShare`.
const THREE_CYCLES: u32 = 230_100;

/// Answers `quorum rotationinfo`.
pub(super) fn info(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(1, "blockRequestHash", HELP)?;
    let extra = params.truth(2, "extraShare")?;
    let bases = bases(context, params)?;
    let asked = known(context, hash)?;
    let kinds = quorum_types(context.state.options.subnet);
    let kind = kinds.iter().find(|kind| kind.rotating > 0).expect("each network has a type that rotates");
    let rotation = asked.block.as_ref().and_then(|block| block.dkg.rotations.get(&kind.id));
    let rotation = rotation.filter(|_| !context.lies.no_snapshots).ok_or_else(|| missing("H-C"))?;
    let newest = asked.height - asked.height % kind.interval;
    if context.version() < THREE_CYCLES {
        stored(rotation, newest, kind, 4)?;
    }
    let mut diffs = Diffs { context, bases, fields: Map::new() };
    let mut fields = Map::new();
    let mut shown = BTreeSet::from([newest]);
    for back in (1..=if extra { 4 } else { 3 }).rev() {
        let (cycle, snapshot) = stored(rotation, newest, kind, back)?;
        shown.insert(cycle.base);
        fields.insert(format!("quorumSnapshotAtH{}", minus(back)), snapshot_value(snapshot));
        diffs.add(&format!("mnListDiffAtH{}", minus(back)), &work_block(context, cycle, back)?)?;
    }
    let own = rotation.cycle(newest).ok_or_else(|| missing("H"))?;
    diffs.add("mnListDiffH", &work_block(context, own, 0)?)?;
    diffs.add("mnListDiffTip", &Point::kept(&context.tip))?;
    let (snapshots, lists) = diffs.older(rotation, &asked, kind, &shown)?;
    let active = asked.block.iter().flat_map(|block| block.dkg.active.get(&kind.id)).flatten();
    fields.insert("extraShare".to_owned(), json!(extra));
    fields.insert("lastCommitmentPerIndex".to_owned(), active.map(|quorum| commitment_fields(quorum)).collect());
    fields.insert("quorumSnapshotList".to_owned(), json!(snapshots));
    fields.insert("mnListDiffList".to_owned(), json!(lists));
    fields.extend(diffs.fields);
    Ok(Value::Object(fields).into())
}

/// Lists that each begin at the newest known block.
struct Diffs<'a> {
    context: &'a Context<'a>,
    bases: Vec<Point>,
    fields: Map<String, Value>,
}

impl Diffs<'_> {
    fn add(&mut self, name: &str, target: &Point) -> Result<(), RpcError> {
        let diff = self.to(target)?;
        self.fields.insert(name.to_owned(), diff);
        Ok(())
    }

    fn to(&mut self, target: &Point) -> Result<Value, RpcError> {
        let grows = self.context.version() >= GROWING_BASES;
        let below = |base: &&Point| base.height < target.height || (grows && base.height == target.height);
        let base = self.bases.iter().filter(below).max_by_key(|base| base.height).cloned();
        let genesis = self.context.state.history.naming().genesis;
        let diff = between(self.context, (base.as_ref(), genesis), target, false)?;
        if grows {
            self.bases.push(target.clone());
        }
        Ok(diff)
    }

    /// What else is needed for the newest commitment of an index whose last session failed.
    fn older(
        &mut self,
        rotation: &Rotation,
        asked: &Point,
        kind: &QuorumType,
        shown: &BTreeSet<u32>,
    ) -> Result<(Vec<Value>, Vec<Value>), RpcError> {
        let quorums = asked.block.iter().flat_map(|block| block.dkg.active.get(&kind.id)).flatten();
        let cycles = quorums.flat_map(|quorum| {
            let cycle = quorum.session.base_height - quorum.session.index;
            (0..4).filter_map(move |back| cycle.checked_sub(back * kind.interval))
        });
        let needed: BTreeSet<u32> = cycles.filter(|base| !shown.contains(base)).collect();
        let (mut snapshots, mut lists) = (Vec::new(), Vec::new());
        for cycle in needed.into_iter().filter_map(|base| rotation.cycle(base)) {
            let Some(snapshot) = &cycle.snapshot else { continue };
            snapshots.push(snapshot_value(snapshot));
            lists.push(self.to(&work_block(self.context, cycle, 4)?)?);
        }
        Ok((snapshots, lists))
    }
}

fn minus(back: u32) -> String {
    if back == 1 { "MinusC".to_owned() } else { format!("Minus{back}C") }
}

/// A block of the chain that this server follows.
fn known(context: &Context<'_>, hash: Hash256) -> Result<Point, RpcError> {
    let point = Point::of(context, hash).filter(|point| context.hash_at(point.height) == Some(hash));
    point.ok_or_else(|| RpcError::new(-32600, format!("block {hash} not found")))
}

/// The blocks that the client has the lists of: further parameters, one each, before v23, and one array since.
fn bases(context: &Context<'_>, params: &Params) -> Result<Vec<Point>, RpcError> {
    let values = if context.version() >= ONE_ARRAY { params.list(3)? } else { params.rest(3) };
    values.iter().map(|value| known(context, Params::parse_hash(value, "baseBlockHash")?)).collect()
}

/// The cycle `back` before the newest, and what the node stored of it.
fn stored<'a>(
    rotation: &'a Rotation,
    newest: u32,
    kind: &QuorumType,
    back: u32,
) -> Result<(&'a Cycle, &'a Snapshot), RpcError> {
    let cycle = newest.checked_sub(back * kind.interval).and_then(|base| rotation.cycle(base));
    let found = cycle.and_then(|cycle| Some((cycle.as_ref(), cycle.snapshot.as_ref()?)));
    found.ok_or_else(|| missing(&distance(back)))
}

/// A work block whose list is known.
fn work_block(context: &Context<'_>, cycle: &Cycle, back: u32) -> Result<Point, RpcError> {
    let point = Point::of(context, cycle.work.1).filter(|point| point.list.is_some());
    point.ok_or_else(|| missing(&distance(back)))
}

fn distance(back: u32) -> String {
    match back {
        0 => "H".to_owned(),
        1 => "H-C".to_owned(),
        _ => format!("H-{back}C"),
    }
}

/// A fresh or pruned node, or a cycle from before the rotation.
fn missing(distance: &str) -> RpcError {
    RpcError::new(-32600, format!("Can not find quorum snapshot {distance}"))
}

fn snapshot_value(snapshot: &Snapshot) -> Value {
    json!({
        "activeQuorumMembers": snapshot.active,
        "mnSkipListMode": u8::from(!snapshot.skips.is_empty()),
        "mnSkipList": snapshot.skips,
    })
}
