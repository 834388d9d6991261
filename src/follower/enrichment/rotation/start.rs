//! How the members of rotating quorums become known first: by the node's snapshots of three cycles, else by the members of all quorums
//! of one cycle.
//!
//! Never here: the cycles after that.

use std::sync::Arc;

use super::{Failure, KnownRotation, RotatingType, members, of_cycle, work_block};
use crate::follower::enrichment::simplified_list::SimplifiedList;
use crate::follower::source::Source;
use crate::rpc::dash::rotation::RotationInfo;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Hash, Height};
use domain::quorum_rotation::{CYCLES, Quarter, Rotation};

impl RotatingType {
    /// What is known at the tip, from nothing. `is_only`: no other type of the network rotates.
    pub(super) async fn start(
        &mut self,
        source: &mut Source,
        tip: &Block,
        is_only: bool,
    ) -> Result<KnownRotation, Failure> {
        self.list = SimplifiedList::default();
        match self.by_snapshots(source, tip, is_only).await {
            Err(first) if !first.is_passing && source.capabilities.quorum_selection && source.capabilities.quorums => {
                self.by_members(source, tip).await.map_err(|second| Failure {
                    reason: format!("{}; {}", first.reason, second.reason),
                    is_passing: second.is_passing,
                })
            }
            known => known,
        }
    }

    async fn by_snapshots(
        &mut self,
        source: &mut Source,
        tip: &Block,
        is_only: bool,
    ) -> Result<KnownRotation, Failure> {
        let kind = self.kind;
        let newest = kind.begun(tip.height);
        if newest.0 < CYCLES * kind.interval {
            return Err(Failure::lasting("the chain is shorter than four cycles"));
        }
        // The oldest first.
        let mut inputs = Vec::new();
        for back in (0..CYCLES).rev() {
            inputs.push(work_block(source, Height(newest.0 - back * kind.interval)).await?);
        }
        let blocks: Vec<BlockHash> = inputs.iter().map(|input| input.hash).collect();
        let info = source.client.rotation_info(&tip.hash, &blocks).await?;
        check_answer(&info, &kind, &blocks, is_only)?;
        let mut quarters = Vec::new();
        for (input, (snapshot, _)) in inputs.iter().zip(info.earlier.iter().rev()) {
            self.list.update(source, input.hash).await?;
            quarters.push(Quarter::from_snapshot(&kind, self.list.sml(), input, snapshot)?);
        }
        let (Some(input), Ok([three, two, one])) = (inputs.pop(), <[Quarter; 3]>::try_from(quarters)) else {
            return Err(Failure::lasting("there are not three quarters"));
        };
        self.list.update(source, input.hash).await?;
        let rotation = Rotation::new(kind, [one, two, three], self.list.sml(), &input)?;
        Ok(KnownRotation { rotation: Arc::new(rotation), work_block: input.hash })
    }

    async fn by_members(&mut self, source: &mut Source, tip: &Block) -> Result<KnownRotation, Failure> {
        let kind = self.kind;
        let active = source.client.active_quorums(kind.name, tip.height).await?;
        let newest = active.iter().map(|quorum| kind.begun(quorum.height)).max();
        let cycle = newest.ok_or_else(|| Failure::lasting("no quorum of the type is active"))?;
        let quorums = of_cycle(active, cycle);
        if quorums.len() != kind.quorums as usize || self.newest(tip.height).above(cycle) > 2 * kind.interval {
            return Err(Failure::lasting("not all quorums of the newest cycle were formed"));
        }
        let mut all: Vec<Vec<Hash>> = Vec::new();
        for quorum in quorums.values() {
            all.push(members(source, &kind, quorum).await?);
        }
        let input = work_block(source, cycle).await?;
        self.list.update(source, input.hash).await?;
        let rotation = Rotation::from_members(kind, cycle, &all, self.list.sml())?;
        Ok(KnownRotation { rotation: Arc::new(rotation), work_block: input.hash })
    }
}

/// Whether an answer is of this type and of the work blocks that were asked for, the oldest first.
fn check_answer(info: &RotationInfo, kind: &QuorumType, blocks: &[BlockHash], is_only: bool) -> Result<(), Failure> {
    if info.quorum_type.map_or(!is_only, |quorum_type| quorum_type != kind.id) {
        return Err(Failure::lasting("the node tells the snapshots of another quorum type"));
    }
    let answered = info.earlier.iter().rev().map(|(_, block)| *block).chain([info.work_block]);
    if !answered.eq(blocks.iter().copied()) {
        let reason = "the chain changed while the snapshots were read".to_string();
        return Err(Failure { reason, is_passing: true });
    }
    Ok(())
}
