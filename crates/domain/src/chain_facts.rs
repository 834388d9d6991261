//! What is known about a running network in addition to its list, and the number of masternodes of each type.
//!
//! Never here: rules of a chain (`chain`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::chain::{ChainRules, Subnet};
use crate::deployment::{Deployment, Phase};
use crate::dkg::QuorumType;
use crate::foreign_text::ForeignText;
use crate::list::Block;
use crate::list_proof::ListProofFacts;
use crate::masternode::{BlockHash, Height, Masternode, MasternodeId, NodeType, UnixSeconds};
use crate::payment::{EvoPayments, Vote, chance};
use crate::probe::Peer;
use crate::quorum::Formations;
use crate::quorum_rotation::Rotation;
use crate::quorum_selection::SelectedQuorum;
use crate::session::DkgSessions;

/// The collateral of a masternode of an older chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collateral {
    /// The block that contains it.
    pub height: Height,
    /// The block of its 15th confirmation, which is part of the score in elections; `None` if it was not read.
    pub confirmed: Option<BlockHash>,
}

/// What is known about the running network at a list's block, in addition to the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainFacts {
    /// Which network.
    pub subnet: Subnet,
    /// Version of the queried node (`getnetworkinfo.version`, 230102 for 23.1.2); `None` when not known.
    pub node_version: Option<u32>,
    /// State of the deployment v24 for the next block; `None` if no source reports it.
    pub deployment: Option<Deployment>,
    /// Version of the last coinbase transaction that was read; `None` if no source provides it.
    pub coinbase_version: Option<u16>,
    /// Version of the newest node among all sources of the network; `None` when not known.
    pub newest_version: Option<u32>,
    /// What masternodes that are sources report about themselves; `None` for one that reports nothing at the moment.
    pub own_nodes: Arc<BTreeMap<MasternodeId, Option<Peer>>>,
    /// How Evo nodes are paid at the next block.
    pub evo_payments: EvoPayments,
    /// Highest block under a ChainLock; `None` when the node knows none.
    pub chainlock_height: Option<Height>,
    /// Mean seconds between blocks, measured over the last blocks; `None` when not measured yet.
    pub measured_spacing_seconds: Option<f64>,
    /// Sporks by name, as the node shows them.
    pub sporks: Vec<(ForeignText, i64)>,
    /// Active DKG sessions; `None` if no source reports them.
    pub sessions: Option<Arc<DkgSessions>>,
    /// Block at which the next session of any type begins; `None` if no source reports it.
    pub next_session: Option<Height>,
    /// The newest session of each non-rotating type whose members are known and that can still end. Sessions without
    /// known members are absent.
    pub drawings: Vec<Arc<SelectedQuorum>>,
    /// Members of rotating quorums, by type; types whose members cannot be computed are absent.
    pub rotations: Vec<Arc<Rotation>>,
    /// Payees with votes, ascending by height; `None` if they could not be requested.
    pub votes: Option<Vec<Vote>>,
    /// Collaterals of masternodes, for those requested so far.
    pub collaterals: Arc<HashMap<MasternodeId, Collateral>>,
    /// The node refuses the call for collaterals.
    pub collaterals_refused: bool,
    /// Hashes of the branch's blocks below the tip that elect payees, as far as read.
    pub block_hashes: Arc<BTreeMap<Height, BlockHash>>,
    /// Names of the quorum types that hold sessions on the network; `None` if not requested: then all types of the
    /// chain's table.
    pub held_types: Option<Vec<ForeignText>>,
    /// Times of the blocks that last paid a watched masternode or banned it, as far as read.
    pub block_times: Arc<BTreeMap<Height, UnixSeconds>>,
    /// The node reports the payees of blocks, or the kind of a block where payees are hidden, so payments are counted.
    pub tells_payees: bool,
    /// The node reports the results of DKG sessions, so they can be counted.
    pub reports_dkg_outcomes: bool,
    /// When quorums were last mined, and which sessions are open; types without data are absent.
    pub formations: Formations,
    /// Whether the list is the one to which its block commits.
    pub list_proof: ListProofFacts,
}

impl ChainFacts {
    /// Facts of a network of which only the subnet is known.
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
            rotations: Vec::new(),
            votes: None,
            collaterals: Arc::default(),
            collaterals_refused: false,
            block_hashes: Arc::default(),
            held_types: None,
            block_times: Arc::default(),
            tells_payees: false,
            reports_dkg_outcomes: false,
            formations: Formations::new(),
            list_proof: ListProofFacts::default(),
        }
    }

    /// Whether the rules of Dash Core 24 hold for the next block; `None` if no source reports it.
    pub fn v24_active(&self) -> Option<bool> {
        Some(self.deployment.as_ref()?.phase == Phase::Active)
    }

    /// Seconds between blocks for estimates: measured, or else the chain's usual value.
    pub fn spacing_seconds(&self, rules: &ChainRules) -> f64 {
        self.measured_spacing_seconds.unwrap_or(rules.spacing_seconds)
    }

    /// Expected time of a block; `None` if its height is not above the tip.
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

    /// Whether the session of a type whose mining window includes the tip can still form a quorum after the tip: `false` once its
    /// quorum is mined. `None` if not known, and outside mining windows.
    pub fn open(&self, kind: &QuorumType) -> Option<bool> {
        self.formations.get(kind.name)?.open
    }

    /// The members of a rotating type; `None` where they are not known.
    pub fn rotation(&self, kind: &QuorumType) -> Option<&Rotation> {
        self.rotations.iter().find(|rotation| rotation.kind() == kind).map(AsRef::as_ref)
    }

    /// Number of whole blocks within `seconds`.
    pub fn blocks_in(&self, seconds: u64, rules: &ChainRules) -> u32 {
        chance::whole_blocks(seconds, self.spacing_seconds(rules))
    }
}

/// Number of masternodes of each type on a list.
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
