//! What is known of a running network beside its list, and how many masternodes of each kind it has.
//!
//! Never here: rules of a chain (`chain`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::chain::{ChainRules, Subnet};
use crate::deployment::{Deployment, Phase};
use crate::dkg::QuorumType;
use crate::foreign_text::ForeignText;
use crate::list::Block;
use crate::masternode::{Height, Masternode, MasternodeId, NodeType, UnixSeconds};
use crate::payment::{EvoPayments, Vote, chance};
use crate::probe::Peer;
use crate::quorum::Formations;
use crate::quorum_selection::SelectedQuorum;
use crate::session::DkgSessions;

/// What is known of the running network at a list's block, beside the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainFacts {
    /// Which network.
    pub subnet: Subnet,
    /// Version of the answering node (`getnetworkinfo.version`, 230102 for 23.1.2); `None` when not known.
    pub node_version: Option<u32>,
    /// Where the deployment v24 stands, for the next block; `None` where no source says.
    pub deployment: Option<Deployment>,
    /// Version of the coinbase transaction that was read last; `None` where no source tells.
    pub coinbase_version: Option<u16>,
    /// Version of the newest node among all sources of the network; `None` when not known.
    pub newest_version: Option<u32>,
    /// What the nodes of masternodes that are sources say of themselves; `None` for one that says nothing at the moment.
    pub own_nodes: Arc<BTreeMap<MasternodeId, Option<Peer>>>,
    /// How Evo nodes are paid at the next block.
    pub evo_payments: EvoPayments,
    /// Highest block under a ChainLock; `None` when the node knows none.
    pub chainlock_height: Option<Height>,
    /// Mean seconds between blocks, measured over the last blocks; `None` when not measured yet.
    pub measured_spacing_seconds: Option<f64>,
    /// Sporks by name, as the node shows them.
    pub sporks: Vec<(ForeignText, i64)>,
    /// DKG sessions under way; `None` where no source tells them.
    pub sessions: Option<Arc<DkgSessions>>,
    /// Block at which the next session of any type begins; `None` where no source tells.
    pub next_session: Option<Height>,
    /// The sessions of types that do not rotate for which was drawn and that can still end, the newest of each type; those
    /// that nobody could draw for are missing.
    pub drawings: Vec<Arc<SelectedQuorum>>,
    /// Payees that were voted for, ascending by height; `None` where they could not be asked.
    pub votes: Option<Vec<Vote>>,
    /// Blocks of collaterals, of those asked so far.
    pub collateral_heights: Arc<HashMap<MasternodeId, Height>>,
    /// Names of the quorum types of which the network holds sessions; `None` where nobody was asked: all of the chain's table.
    pub held_types: Option<Vec<ForeignText>>,
    /// The node tells how DKG sessions end, so that they are counted.
    pub tells_sessions: bool,
    /// When quorums were last mined, and which sessions are open; types of which nothing is known are missing.
    pub formations: Formations,
}

impl ChainFacts {
    /// Nothing is known of a network but which it is.
    pub fn new(subnet: Subnet) -> ChainFacts {
        ChainFacts {
            subnet,
            node_version: None,
            deployment: None,
            coinbase_version: None,
            newest_version: None,
            own_nodes: Arc::default(),
            evo_payments: EvoPayments::Once,
            chainlock_height: None,
            measured_spacing_seconds: None,
            sporks: Vec::new(),
            sessions: None,
            next_session: None,
            drawings: Vec::new(),
            votes: None,
            collateral_heights: Arc::default(),
            held_types: None,
            tells_sessions: false,
            formations: Formations::new(),
        }
    }

    /// Whether the rules of Dash Core 24 hold for the next block; `None` where no source says.
    pub fn v24_active(&self) -> Option<bool> {
        Some(self.deployment.as_ref()?.phase == Phase::Active)
    }

    /// Seconds between blocks to count with: measured, or the chain's usual.
    pub fn spacing_seconds(&self, rules: &ChainRules) -> f64 {
        self.measured_spacing_seconds.unwrap_or(rules.spacing_seconds)
    }

    /// When a block of that height is expected; `None` when it lies behind the tip.
    pub fn expected_at(&self, height: Height, tip: &Block, rules: &ChainRules) -> Option<UnixSeconds> {
        let seconds = f64::from(height.above(tip.height)) * self.spacing_seconds(rules);
        (height > tip.height && seconds.is_finite()).then(|| UnixSeconds(tip.time.0.saturating_add(seconds as u64)))
    }

    /// The quorum types whose sessions can punish.
    pub fn quorum_types(&self, rules: &ChainRules) -> Vec<QuorumType> {
        let is_held =
            |kind: &&QuorumType| self.held_types.as_ref().is_none_or(|held| held.iter().any(|name| *name == kind.name));
        rules.quorum_types(self.subnet).iter().filter(is_held).copied().collect()
    }

    /// See [`crate::dkg::Known::open`].
    pub fn open(&self, kind: &QuorumType) -> Option<bool> {
        self.formations.get(kind.name)?.open
    }

    /// How many whole blocks fall into `seconds`.
    pub fn blocks_in(&self, seconds: u64, rules: &ChainRules) -> u32 {
        chance::whole_blocks(seconds, self.spacing_seconds(rules))
    }
}

/// How many of each kind are on a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// Not banned, by [`NodeType::ALL`].
    pub valid: [usize; 2],
    /// Banned, by [`NodeType::ALL`].
    pub banned: [usize; 2],
}

impl Population {
    /// Counts a list.
    pub fn of(masternodes: &[Masternode]) -> Population {
        let mut population = Population::default();
        for masternode in masternodes {
            let kind = usize::from(masternode.node_type == NodeType::Evo);
            if masternode.is_banned() {
                population.banned[kind] += 1;
            } else {
                population.valid[kind] += 1;
            }
        }
        population
    }

    /// All that are not banned.
    pub fn all_valid(&self) -> usize {
        self.valid.iter().sum()
    }

    /// Evo nodes that are not banned.
    pub fn valid_evo(&self) -> usize {
        self.valid[1]
    }
}
