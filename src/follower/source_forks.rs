//! The forks that one source reports: the state of v24, and how Evo nodes are paid.
//!
//! Never here: what several sources report together (`network_forks`).

use crate::follower::capabilities::is_refusal;
use crate::rpc::dash::special::SpecialTransactions;
use crate::rpc::{ChainInfo, Client};
use domain::ForeignText;
use domain::chain::Subnet;
use domain::deployment::{self, At, Deployment, FOLLOWS_SINCE, Forks, V24};
use domain::masternode::{BlockHash, Height};
use domain::payment::EvoPayments;

/// Names of the forks that changed how Evo nodes are paid.
const V19: &str = "v19";
const MN_RR: &str = "mn_rr";

/// The version bit of v24.
pub(super) const V24_BIT: u32 = 12;

/// The forks that one source reports.
#[derive(Default)]
pub(super) struct SourceForks {
    /// It does not know `getdeploymentinfo`, or refuses it.
    silent: bool,
    /// Its answer at a block.
    reported: Option<(BlockHash, Forks)>,
    /// State of v24 at its tip.
    pub(super) deployment: Option<Deployment>,
    /// Whether it follows the activation, once that is known.
    pub(super) follows: Option<bool>,
    /// Version of the last coinbase that was read, and the height of its block.
    pub(super) coinbase: Option<(Height, u16)>,
    /// Block in which an EHF signal was seen.
    seen_signal: Option<Height>,
    /// Blocks of a signalling window, as the node reported them.
    window: Option<u32>,
    /// Height up to which special transactions were read.
    looked_at: Option<Height>,
}

impl SourceForks {
    /// Forgets the reports: the node may have been replaced.
    pub(super) fn forget(&mut self) {
        let SourceForks { coinbase, seen_signal, window, .. } = *self;
        *self = SourceForks { coinbase, seen_signal, window, ..SourceForks::default() };
    }

    /// Whether the special transactions of a block are due: every block while they determine the state of the
    /// deployment, otherwise some.
    pub(super) fn is_due(&self, tip: Height, activation: Option<Height>) -> bool {
        const BLOCKS: u32 = 24;
        let Some(last) = self.looked_at else { return true };
        let bip9 = self.reported.as_ref().and_then(|(_, forks)| forks.get(V24)?.bip9.as_ref());
        let signal_unsaid = bip9.is_some_and(|bip9| bip9.status == "defined" && bip9.needs_signal.is_none());
        let crossed = activation.is_some_and(|height| last < height && tip >= height);
        last != tip && (signal_unsaid || crossed || last > tip || tip.above(last) >= BLOCKS)
    }

    /// Adds the forks that the node reports to `chain`, asked once a block, and determines the state of v24. A failed
    /// call delays nothing.
    pub(super) async fn learn(&mut self, client: &Client, version: Option<u32>, chain: &mut ChainInfo) {
        if client.dialect().deployments.is_none() {
            return;
        }
        let known = self.reported.as_ref().is_some_and(|(block, _)| *block == chain.best);
        if !known && !self.silent {
            match client.deployments().await {
                Ok(forks) => self.reported = Some((chain.best, forks)),
                Err(error) => self.silent = is_refusal(&error),
            }
        }
        match &self.reported {
            Some((_, forks)) if !self.silent => chain.forks = Some(forks.clone()),
            _ => self.reported = chain.forks.clone().map(|forks| (chain.best, forks)),
        }
        self.evaluate(version, chain);
    }

    fn evaluate(&mut self, version: Option<u32>, chain: &ChainInfo) {
        let at = At {
            subnet: Subnet::from_chain_name(&chain.chain),
            tip: chain.blocks,
            median_time: chain.median_time,
            seen_signal: self.seen_signal,
            stated_window: self.window,
            node_version: version,
            coinbase_version: self.coinbase.map(|(_, version)| version),
        };
        self.follows = deployment::follows(chain.forks.as_ref(), version);
        let none = Forks::new();
        self.deployment = Deployment::v24(chain.forks.as_ref().unwrap_or(&none), &at);
        self.window = self.deployment.as_ref().and_then(|known| known.window).or(self.window);
    }

    /// Takes the special transactions of the block at a height.
    pub(super) fn note_special(&mut self, height: Height, found: &SpecialTransactions) {
        self.looked_at = Some(height);
        self.coinbase = found.coinbase_version.map(|version| (height, version)).or(self.coinbase);
        if found.signals.contains(&V24_BIT) {
            self.seen_signal = Some(height);
        }
    }

    /// Names of the forks of the last answer.
    pub(super) fn names(&self) -> impl Iterator<Item = &ForeignText> {
        self.reported.iter().flat_map(|(_, forks)| forks.keys())
    }
}

/// How Evo nodes are paid at the next block, by the forks that the node reports as active.
pub(super) fn evo_payments(chain: &ChainInfo, version: Option<u32>) -> EvoPayments {
    by_forks(chain.fork_active(V19), chain.fork_active(MN_RR), version)
}

/// The same at the block after an old one, if the node reports the activation height of the forks.
pub(super) fn evo_payments_after(chain: &ChainInfo, version: Option<u32>, height: Height) -> EvoPayments {
    let active = |now: Option<bool>, since: Option<Height>| since.map(|since| height.after(1) >= since).or(now);
    let then = |name| active(chain.fork_active(name), chain.fork_height(name));
    by_forks(then(V19), then(MN_RR), version)
}

fn by_forks(v19: Option<bool>, mn_rr: Option<bool>, version: Option<u32>) -> EvoPayments {
    // A release of v24 or later that does not report it has it behind it.
    let behind = version.is_some_and(|version| version >= FOLLOWS_SINCE);
    match (v19, mn_rr.or(behind.then_some(true))) {
        // v19 reports only the first of the two forks.
        (Some(true), Some(false) | None) => EvoPayments::FourInARow,
        // A node too new to report an old fork has it behind it; a node too old to know it does not have it yet.
        _ => EvoPayments::Once,
    }
}
