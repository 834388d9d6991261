//! Members of rotating quorums: computed at start from what the node stored, then once per cycle at its work block, and compared with
//! a mined quorum in each cycle (docs/spec/dip24-rotation.md#algorithm).
//!
//! Never here: how a quarter is made (`domain::quorum_rotation`); anything without which a list could not be published.

mod start;

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use crate::follower::dkg_outcomes;
use crate::follower::enrichment::simplified_list::{SimplifiedList, modifier_input};
use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::{Source, SourceError};
use crate::rpc::dash::quorums::FormedQuorum;
use crate::rpc::{ErrorKind, RpcError};
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::{BlockHash, Hash, Height, MasternodeId};
use domain::quorum::{Formation, Formations};
use domain::quorum_rotation::{CYCLES, Rotation};
use domain::quorum_selection::{LEAD, QuorumModifierInput};

/// The rotating types of a network.
#[derive(Default)]
pub(super) struct RotationState {
    types: Vec<RotatingType>,
    mismatches: Vec<&'static str>,
}

/// One rotating type.
struct RotatingType {
    kind: QuorumType,
    list: SimplifiedList,
    known: Option<KnownRotation>,
    /// The same one cycle earlier, whose quorums may still be mined.
    previous: Option<Arc<Rotation>>,
    /// Cycle of the last comparison with mined quorums.
    checked: Option<Height>,
    /// Cycle of the last mismatch.
    mismatched: Option<Height>,
    /// After a failure that the same question to the same source would give again: the source, and the height from which it is
    /// asked again.
    paused: Option<(String, Height)>,
    /// What was logged last.
    reason: Option<String>,
}

struct KnownRotation {
    rotation: Arc<Rotation>,
    /// Work block of its newest cycle; the earlier ones are below it.
    work_block: BlockHash,
}

/// Why members are not known.
struct Failure {
    reason: String,
    /// The next block may give another answer.
    is_passing: bool,
}

impl Failure {
    fn lasting(reason: impl Into<String>) -> Failure {
        Failure { reason: reason.into(), is_passing: false }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Failure {
        Failure { is_passing: dkg_outcomes::is_passing(&error), reason: error.to_string() }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        match error {
            SourceError::Rpc(error) => error.into(),
            other => Failure { reason: other.to_string(), is_passing: true },
        }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure::lasting(reason)
    }
}

/// Why the members of a type cannot be computed at a tip; `None` if they can.
pub(super) async fn reason(source: &mut Source, kind: QuorumType, tip: &Block, is_only: bool) -> Option<String> {
    RotatingType::new(kind).start(source, tip, is_only).await.err().map(|failure| failure.reason)
}

impl RotationState {
    /// What is known, by type.
    pub(super) fn rotations(&self) -> Vec<Arc<Rotation>> {
        let known = self.types.iter().filter_map(|of_type| of_type.known.as_ref());
        known.map(|known| known.rotation.clone()).collect()
    }

    /// Whether a mismatch was found that was not taken yet.
    pub(super) fn has_mismatch(&self) -> bool {
        !self.mismatches.is_empty()
    }

    /// Types with a mismatch since this was last called.
    pub(super) fn take_mismatches(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.mismatches)
    }

    /// The computed members of a quorum, in the order of their seats; `None` if they are not known.
    pub(super) fn members(&self, kind: &QuorumType, cycle: Height, index: u32) -> Option<Vec<MasternodeId>> {
        let of_type = self.types.iter().find(|of_type| of_type.kind == *kind)?;
        let known = of_type.known.iter().map(|known| &known.rotation).chain(&of_type.previous);
        let rotation = known.into_iter().find(|rotation| rotation.cycle() == cycle)?;
        Some(rotation.members(index as usize).into_iter().map(MasternodeId::ProTx).collect())
    }

    /// Compares the computed members of a quorum with those that were read. A difference withdraws them.
    pub(super) fn compare(&mut self, kind: &QuorumType, cycle: Height, (index, mined): (u32, &[MasternodeId])) {
        let Some(computed) = self.members(kind, cycle, index).filter(|computed| computed != mined) else { return };
        let Some(of_type) = self.types.iter_mut().find(|of_type| of_type.kind == *kind) else { return };
        let hashes = |ids: &[MasternodeId]| -> Vec<Hash> { ids.iter().map(|id| *id.hash()).collect() };
        if let Some(difference) = first_difference(&hashes(&computed), &hashes(mined)) {
            let difference = format!("quorum {index} of {} of the cycle at {cycle}: {difference}", kind.name);
            of_type.withdraw(&difference, &mut self.mismatches);
        }
    }

    /// Makes what is known that of the tip. What fails leaves the members of that type unknown, or known for fewer cycles.
    pub(super) async fn refresh(
        &mut self,
        source: &mut Source,
        followed: &FollowedChain,
        types: &[QuorumType],
        formations: &Formations,
    ) {
        let rotating: Vec<QuorumType> = types.iter().filter(|kind| kind.quorums > 1).copied().collect();
        self.types.retain(|of_type| rotating.contains(&of_type.kind));
        for kind in &rotating {
            if !self.types.iter().any(|of_type| of_type.kind == *kind) {
                self.types.push(RotatingType::new(*kind));
            }
        }
        let is_only = rotating.len() == 1;
        for of_type in &mut self.types {
            let formation = formations.get(of_type.kind.name).copied().unwrap_or_default();
            let refreshed = of_type.refresh(source, followed, (formation, is_only), &mut self.mismatches).await;
            of_type.note(refreshed.err(), source.name(), followed.tip().height);
        }
    }
}

impl RotatingType {
    fn new(kind: QuorumType) -> RotatingType {
        let list = SimplifiedList::default();
        RotatingType {
            kind,
            list,
            known: None,
            previous: None,
            checked: None,
            mismatched: None,
            paused: None,
            reason: None,
        }
    }

    /// Newest cycle whose work block is mined.
    fn newest(&self, tip: Height) -> Height {
        self.kind.begun(tip.after(LEAD))
    }

    /// Logs why members are not known where that is news, and pauses after what the next block will not change.
    fn note(&mut self, failure: Option<Failure>, source: &str, tip: Height) {
        let reason = failure.as_ref().map(|failure| failure.reason.clone());
        if let Some(reason) = reason.as_ref().filter(|_| self.reason != reason) {
            info!(quorum_type = self.kind.name, "Seats in quorums of {} are not known: {reason}", self.kind.name);
        }
        if failure.is_some_and(|failure| !failure.is_passing) {
            let next = self.newest(tip).after(self.kind.interval - LEAD);
            self.paused = Some((source.to_string(), next));
        }
        // A pause keeps its reason.
        self.reason = reason.or(self.reason.take().filter(|_| self.paused.is_some()));
    }

    async fn refresh(
        &mut self,
        source: &mut Source,
        followed: &FollowedChain,
        (formation, is_only): (Formation, bool),
        mismatches: &mut Vec<&'static str>,
    ) -> Result<(), Failure> {
        let tip = *followed.tip();
        self.forget_replaced(source, followed).await?;
        if self.paused.as_ref().is_some_and(|(name, until)| name == source.name() && tip.height < *until) {
            return Ok(());
        }
        self.paused = None;
        for _ in 0..2 {
            if self.known.is_none() {
                self.known = Some(self.start(source, &tip, is_only).await?);
            }
            let Some(difference) = self.difference(source, tip.height, formation).await? else {
                return self.advance(source, tip.height).await;
            };
            self.withdraw(&difference, mismatches);
        }
        Err(Failure::lasting("the computed members are not those of the mined quorum"))
    }

    /// Forgets what was made from a work block that was replaced, and what is too old to continue from.
    async fn forget_replaced(&mut self, source: &Source, followed: &FollowedChain) -> Result<(), Failure> {
        let Some(known) = &self.known else { return Ok(()) };
        let (cycle, newest) = (known.rotation.cycle(), self.newest(followed.tip().height));
        let mut is_over = cycle > newest || newest.above(cycle) >= CYCLES * self.kind.interval;
        if !is_over && followed.depth_of(&known.work_block).is_none() {
            let there = source.client.block_hash(Height(cycle.0 - LEAD)).await;
            is_over = match there {
                Ok(hash) => hash != known.work_block,
                Err(error) if matches!(error.kind(), ErrorKind::Call { .. }) => true,
                Err(error) => return Err(error.into()),
            };
        }
        if is_over {
            (self.known, self.previous, self.checked, self.paused) = (None, None, None, None);
        }
        Ok(())
    }

    /// The first difference between the computed members and those of mined quorums of the cycle; `None` when there is none, and
    /// while none of them is mined. Each cycle is compared once: the first quorum, the last, and one in between.
    async fn difference(
        &mut self,
        source: &Source,
        tip: Height,
        formation: Formation,
    ) -> Result<Option<String>, Failure> {
        let Some(known) = &self.known else { return Ok(None) };
        let (kind, cycle) = (self.kind, known.rotation.cycle());
        let is_mined = formation.newest.is_some_and(|newest| newest.start == cycle);
        let is_last_chance = tip >= cycle.after(kind.window_end) || self.newest(tip) > cycle;
        if self.checked == Some(cycle)
            || tip < cycle.after(kind.due_offset())
            || !(is_mined || is_last_chance)
            || !source.capabilities.quorums
        {
            return Ok(None);
        }
        let at = tip.min(cycle.after(kind.window_end));
        let active = match source.client.active_quorums(kind.name, at).await {
            Err(error) if !dkg_outcomes::is_passing(&error) => return Ok(None),
            active => of_cycle(active?, cycle),
        };
        let turn = (cycle.0 / kind.interval) as usize % active.len().max(1);
        let picked = [active.values().next(), active.values().nth(turn), active.values().next_back()];
        for quorum in picked.into_iter().flatten() {
            let mined = members(source, &kind, quorum).await?;
            let computed = known.rotation.members(quorum.index as usize);
            if let Some(difference) = first_difference(&computed, &mined) {
                let (name, index) = (kind.name, quorum.index);
                return Ok(Some(format!("quorum {index} of {name} of the cycle at {cycle}: {difference}")));
            }
        }
        self.checked = Some(cycle);
        Ok(None)
    }

    /// Withdraws what is known and counts it, once per cycle.
    fn withdraw(&mut self, difference: &str, mismatches: &mut Vec<&'static str>) {
        let cycle = self.known.take().map(|known| known.rotation.cycle());
        self.previous = None;
        self.list = SimplifiedList::default();
        if self.mismatched != cycle {
            self.mismatched = cycle;
            mismatches.push(self.kind.name);
            warn!(quorum_type = self.kind.name, "the computed members of {difference}; its seats are withdrawn");
        }
    }

    /// Makes the quarters of the cycles up to the newest one whose work block is mined.
    async fn advance(&mut self, source: &mut Source, tip: Height) -> Result<(), Failure> {
        let newest = self.newest(tip);
        while let Some(known) = self.known.as_ref().filter(|known| known.rotation.cycle() < newest) {
            let next = known.rotation.cycle().after(self.kind.interval);
            let mut rotation = (*known.rotation).clone();
            let input = work_block(source, next).await?;
            self.list.update(source, input.hash).await?;
            if let Err(error) = rotation.advance(self.list.sml(), &input) {
                self.known = None;
                return Err(error.into());
            }
            self.previous = self.known.take().map(|known| known.rotation);
            self.known = Some(KnownRotation { rotation: Arc::new(rotation), work_block: input.hash });
        }
        Ok(())
    }
}

/// The inputs of a cycle's work block.
async fn work_block(source: &Source, cycle: Height) -> Result<QuorumModifierInput, Failure> {
    if !source.capabilities.quorum_selection || !source.capabilities.special_transactions {
        return Err(Failure::lasting("the node does not answer protx diff or getspecialtxes"));
    }
    let height = cycle.0.checked_sub(LEAD).ok_or_else(|| Failure::lasting("the cycle has no work block"))?;
    let input = modifier_input(source, Height(height)).await?;
    input.ok_or_else(|| Failure::lasting("the node does not tell the coinbase of a work block"))
}

/// The quorums of a cycle by their index.
fn of_cycle(active: Vec<FormedQuorum>, cycle: Height) -> BTreeMap<u32, FormedQuorum> {
    let own = active.into_iter().filter(|quorum| quorum.height == cycle.after(quorum.index));
    own.map(|quorum| (quorum.index, quorum)).collect()
}

async fn members(source: &Source, kind: &QuorumType, quorum: &FormedQuorum) -> Result<Vec<Hash>, RpcError> {
    let members = source.client.quorum_members(kind.id, &quorum.hash).await?.members;
    let pro_tx = |(id, _)| match id {
        MasternodeId::ProTx(pro_tx) => Some(pro_tx),
        MasternodeId::Collateral(_) => None,
    };
    Ok(members.into_iter().filter_map(pro_tx).collect())
}

fn first_difference(computed: &[Hash], mined: &[Hash]) -> Option<String> {
    let place = (0..computed.len().max(mined.len())).find(|place| computed.get(*place) != mined.get(*place))?;
    let name = |member: Option<&Hash>| member.map_or_else(|| "none".to_string(), Hash::to_string);
    let (computed, mined) = (name(computed.get(place)), name(mined.get(place)));
    Some(format!("member {place} is {computed}, in the mined quorum {mined}"))
}
