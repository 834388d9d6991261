//! Reads the data other than the list. Each part knows when it is due; here they run in order.
//!
//! Never here: anything without which a list could not be published.

mod block_times;
mod chain_facts;
mod elections;
mod peers;
mod quorum_selection;
mod quorums;
mod rotation;
mod simplified_list;
mod verification;

use tokio::time::Instant;

use crate::follower::capabilities::Capabilities;
use crate::follower::enrichment::chain_facts::FactQueries;
pub(super) use crate::follower::enrichment::chain_facts::measure_spacing;
use crate::follower::enrichment::elections::ElectionQueries;
use crate::follower::enrichment::peers::PeerQueries;
use crate::follower::enrichment::quorum_selection::SelectionState;
pub(super) use crate::follower::enrichment::quorums::{bring, step};
use crate::follower::enrichment::rotation::RotationState;
use crate::follower::followed_chain::FollowedChain;
use crate::follower::source::{Source, SourceError};
use crate::rpc::dash::quorums::Commitment;
use crate::rpc::{ChainInfo, Client};
use domain::chain::ChainRules;
use domain::chain_facts::ChainFacts;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::BlockHash;
use domain::payment::Vote;
use domain::quorum::Quorums;
use domain::watch::WatchTarget;

/// Why members of the rotating types among `types` cannot be computed from a node of this version at its tip; `None` for a type
/// whose members can.
pub async fn rotation_reasons(
    client: &Client,
    types: &[QuorumType],
    version: u32,
    tip: &Block,
) -> Vec<(&'static str, Option<String>)> {
    let mut source = Source::new(client.clone());
    source.capabilities = Capabilities::of(client.dialect(), version);
    let rotating: Vec<QuorumType> = types.iter().filter(|kind| kind.quorums > 1).copied().collect();
    let mut reasons = Vec::new();
    for kind in &rotating {
        reasons.push((kind.name, rotation::reason(&mut source, *kind, tip, rotating.len() == 1).await));
    }
    reasons
}

/// See the module.
#[derive(Default)]
pub(super) struct Enrichment {
    facts: Option<FactQueries>,
    quorums: Quorums,
    selection: SelectionState,
    rotation: RotationState,
    /// Types of sessions whose computed members were not those of the quorum.
    mismatches: Vec<&'static str>,
    peers: PeerQueries,
    elections: ElectionQueries,
}

impl Enrichment {
    /// The facts of the chain; `None` until they were asked for.
    pub(super) fn facts(&self) -> Option<&ChainFacts> {
        self.facts.as_ref().map(|queries| &queries.facts)
    }

    /// The same, to change them.
    pub(super) fn facts_mut(&mut self) -> Option<&mut ChainFacts> {
        self.facts.as_mut().map(|queries| &mut queries.facts)
    }

    /// The sporks as last read; none while they are not known.
    pub(super) fn sporks(&self) -> &[(domain::ForeignText, i64)] {
        self.facts().map_or(&[], |facts| &facts.sporks)
    }

    /// Another list was opened: the facts are asked for again.
    pub(super) fn forget_facts(&mut self) {
        self.facts = None;
    }

    /// Continues to the block after `parent`. `commitments` are `None` if they were not read.
    pub(super) fn step_quorums(
        &mut self,
        types: &[QuorumType],
        blocks: (&BlockHash, &Block),
        commitments: Option<&[Commitment]>,
    ) {
        step(&mut self.quorums, types, blocks, commitments);
    }

    /// Asks for the facts that are due at a block. Facts that cannot be read stay as they were.
    pub(super) async fn refresh_facts(&mut self, source: &Source, chain: &ChainInfo, tip: &Block, rules: &ChainRules) {
        let facts = self.facts.get_or_insert_with(|| FactQueries::new(source, chain));
        facts.refresh(source, chain, tip, rules).await;
    }

    /// Asks for everything that is due at a new tip and takes few calls.
    pub(super) async fn refresh(
        &mut self,
        source: &mut Source,
        chain: &ChainInfo,
        followed: &mut FollowedChain,
        rules: &ChainRules,
        watched: &[WatchTarget],
    ) {
        let tip = *followed.tip();
        self.refresh_facts(source, chain, &tip, rules).await;
        self.refresh_quorums(source, &tip, rules).await;
        if let Some(queries) = &mut self.facts {
            block_times::refresh(source, followed, &mut queries.facts, watched).await;
            if source.client.dialect().collateral.is_some() {
                self.elections.refresh(source, followed, &mut queries.facts, watched).await;
            } else {
                self.peers.refresh(source, followed, watched).await;
            }
        }
    }

    /// When the votes of the tip are due to be read again; `None` if they are not.
    pub(super) fn votes_due(&self) -> Option<Instant> {
        self.elections.votes_due()
    }

    /// Whether the votes of the tip are due to be read again; then they are not until the next time.
    pub(super) fn take_votes_due(&mut self) -> bool {
        self.elections.take_votes_due()
    }

    /// Reads the votes again. Returns whether they changed.
    pub(super) async fn read_votes(&mut self, source: &Source) -> Result<bool, SourceError> {
        let Some(queries) = &mut self.facts else { return Ok(false) };
        let votes = Some(source.client.votes(1).await?);
        let is_news = queries.facts.votes != votes;
        queries.facts.votes = votes;
        Ok(is_news)
    }

    /// The votes as last read; none while they are not known.
    pub(super) fn votes(&self) -> &[Vote] {
        self.facts().and_then(|facts| facts.votes.as_deref()).unwrap_or_default()
    }

    /// Asks for the quorums if they are unknown at the tip. Returns whether they changed.
    pub(super) async fn refresh_quorums(&mut self, source: &mut Source, tip: &Block, rules: &ChainRules) -> bool {
        if self.quorums.at == Some(tip.hash) {
            return self.share_formations();
        }
        let types = source.subnet().map_or(&[][..], |subnet| rules.quorum_types(subnet));
        bring(&mut self.quorums, source, types, tip).await;
        self.share_formations() && self.quorums.at.is_some()
    }

    fn share_formations(&mut self) -> bool {
        let Some(queries) = &mut self.facts else { return false };
        let is_news = queries.facts.formations != self.quorums.formations;
        queries.facts.formations.clone_from(&self.quorums.formations);
        is_news
    }

    /// Selects the members of the sessions that are determined and can still end. On a new node this takes one large
    /// answer. Returns whether the result changed, and the error if any.
    pub(super) async fn select_quorums(
        &mut self,
        source: &mut Source,
        followed: &FollowedChain,
        rules: &ChainRules,
    ) -> (bool, Result<(), SourceError>) {
        let Some(queries) = &mut self.facts else { return (false, Ok(())) };
        let types = queries.facts.quorum_types(rules);
        let selected = self.selection.refresh(source, followed, &types).await;
        // A node that does not answer is not asked more.
        if selected.is_ok() {
            self.rotation.refresh(source, followed, &types, &queries.facts.formations).await;
        }
        if self.rotation.has_mismatch() {
            // The same answers made both lists.
            self.selection = SelectionState::default();
        }
        let (drawings, rotations) = (self.selection.selected(), self.rotation.rotations());
        let is_news = queries.facts.drawings != drawings || queries.facts.rotations != rotations;
        (queries.facts.drawings, queries.facts.rotations) = (drawings, rotations);
        (is_news, selected)
    }

    /// Quorum types whose members are computed.
    pub(super) fn computed_types(&self) -> Vec<&'static str> {
        let rotating = self.rotation.rotations().into_iter().map(|rotation| rotation.kind().name);
        rotating.chain(self.selection.selected().into_iter().map(|selected| selected.kind.name)).collect()
    }

    /// Quorum types whose computed members differed from those of a mined quorum since this was last asked.
    pub(super) fn take_mismatches(&mut self) -> Vec<&'static str> {
        let mut all = self.rotation.take_mismatches();
        all.append(&mut self.mismatches);
        all
    }
}
