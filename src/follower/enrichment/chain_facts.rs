//! Facts about the chain: sporks, block spacing, ChainLock, votes, forks.
//!
//! Never here: facts of a masternode; reports of sources about themselves.

use crate::follower::source::{Source, SourceError, optional};
use crate::follower::source_forks;
use crate::rpc::{ChainInfo, Client};
use domain::Subnet;
use domain::chain::ChainRules;
use domain::chain_facts::ChainFacts;
use domain::list::Block;
use domain::masternode::Height;
use domain::payment::PaymentModel;

/// Interval between two reads of sporks, in blocks.
const SPORK_BLOCKS: u32 = 24;

/// Interval between two measurements of the spacing, in blocks.
const SPACING_BLOCKS: u32 = 100;

/// Blocks over which the mean spacing is measured.
const SPACING_SPAN: u32 = 1000;

/// The facts, and when each is due again.
pub(super) struct FactQueries {
    pub(super) facts: ChainFacts,
    sporks: LastRead,
    spacing: LastRead,
}

/// The height at which a fact was last read.
#[derive(Default)]
struct LastRead(Option<Height>);

impl LastRead {
    /// Whether it is due again, after `blocks` blocks or because the tip went back.
    fn is_due(&self, tip: &Block, blocks: u32) -> bool {
        self.0.is_none_or(|read| tip.height.above(read) >= blocks || read > tip.height)
    }

    fn set(&mut self, tip: &Block) {
        self.0 = Some(tip.height);
    }
}

impl FactQueries {
    /// Nothing was asked yet.
    pub(super) fn new(source: &Source, chain: &ChainInfo) -> FactQueries {
        let facts = ChainFacts::new(subnet(source, chain));
        FactQueries { facts, sporks: LastRead::default(), spacing: LastRead::default() }
    }

    /// Asks for the facts that are due at a block. Facts that cannot be read stay as they were.
    pub(super) async fn refresh(&mut self, source: &Source, chain: &ChainInfo, tip: &Block, rules: &ChainRules) {
        let client = &source.client;
        let facts = &mut self.facts;
        facts.subnet = subnet(source, chain);
        facts.coinbase_version = source.forks.coinbase.map(|(_, version)| version);
        facts.node_version = source.version;
        facts.evo_payments = source_forks::evo_payments(chain, source.version);
        facts.reports_dkg_outcomes = source.capabilities.dkg_outcomes();
        facts.tells_payees = source.capabilities.payees;
        let chainlock = client.chainlock().await;
        facts.chainlock_height = chainlock.ok().flatten().map(|(height, _)| height);
        let drawn = matches!(rules.payment, PaymentModel::Pool(_));
        if drawn && client.dialect().winners.is_some() {
            // Votes of the tip itself still keep their payees out of the queue.
            facts.votes = if source.has_votes { client.votes(1).await.ok() } else { None };
        }
        if self.sporks.is_due(tip, SPORK_BLOCKS)
            && let Ok(sporks) = client.sporks().await
        {
            facts.sporks = sporks;
            self.sporks.set(tip);
        }
        // The public networks use the types of the table; on others it depends on their setup, and may change at any block.
        let by_setup = matches!(facts.subnet, Subnet::Regtest | Subnet::Devnet) && source.capabilities.quorums;
        if by_setup && let Ok(types) = client.quorum_types().await {
            facts.held_types = Some(types);
        }
        if self.spacing.is_due(tip, SPACING_BLOCKS)
            && let Ok(spacing) = measure_spacing(client, tip).await
        {
            facts.measured_spacing_seconds = spacing;
            self.spacing.set(tip);
        }
    }
}

fn subnet(source: &Source, chain: &ChainInfo) -> Subnet {
    source.subnet().unwrap_or_else(|| Subnet::from_chain_name(&chain.chain))
}

/// Mean seconds between the last blocks; `None` where there are too few.
pub(in crate::follower) async fn measure_spacing(client: &Client, tip: &Block) -> Result<Option<f64>, SourceError> {
    let blocks = SPACING_SPAN.min(tip.height.0.saturating_sub(1));
    if blocks < 2 {
        return Ok(None);
    }
    let Some(hash) = optional(client.block_hash(Height(tip.height.0 - blocks)).await)? else { return Ok(None) };
    let Some(header) = optional(client.block_header(hash).await)? else { return Ok(None) };
    let seconds = tip.time.0.saturating_sub(header.block.time.0) as f64;
    Ok(Some(seconds / f64::from(blocks)).filter(|spacing| *spacing > 0.0))
}
