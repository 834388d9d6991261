//! A chain's rules as data, and the facts about one running network that a list does not carry.
//!
//! Never here: ports, methods or field names of a chain's RPC (`rpc`).

use crate::domain::dkg::{self, QuorumType};
use crate::domain::masternode::{Height, Masternode, NodeType};
use crate::domain::payment::EvoPayments;
use crate::domain::pose::{self, PenaltyRule};

/// Everything in which one chain differs from another, for the arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainRules {
    /// Name in the configuration.
    pub name: &'static str,
    /// What `getnetworkinfo.subversion` starts with: the software behind the port.
    pub subversion_prefix: &'static str,
    /// Known genesis blocks by `getblockchaininfo.chain`, in hexadecimal.
    pub genesis: &'static [(&'static str, &'static str)],
    /// How failures become bans.
    pub penalty: PenaltyRule,
    /// Mean seconds between blocks where it could not be measured.
    pub spacing_seconds: f64,
}

/// Dash. Genesis blocks: `src/chainparams.cpp`; spacing: measured on mainnet (spec `dash.md` §8).
pub const DASH: ChainRules = ChainRules {
    name: "dash",
    subversion_prefix: "/Dash Core:",
    genesis: &[
        ("main", "00000ffd590b1485b3caadc19b22e6379c733355108f107a430458cdf3407ab6"),
        ("test", "00000bafbc94add76cb75e2ec92894837288a481e5c005f6563d91623bf8bc2c"),
        ("regtest", "000008ca1832a4baf228eb1553c03d3a2c8e02399550dd6ea8d65cec3ef23d2e"),
    ],
    penalty: pose::CONSENSUS,
    spacing_seconds: 157.6,
};

/// Which of a chain's networks a node is on, by `getblockchaininfo.chain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subnet {
    /// The real one.
    Main,
    /// The public test network.
    Test,
    /// A named development network (`devnet-…`).
    Devnet,
    /// A private network.
    Regtest,
}

impl Subnet {
    /// Reads `getblockchaininfo.chain`.
    pub fn from_chain_name(chain: &str) -> Subnet {
        match chain {
            "main" => Subnet::Main,
            "test" => Subnet::Test,
            "regtest" => Subnet::Regtest,
            _ => Subnet::Devnet,
        }
    }

    /// The quorum types whose sessions can punish on this network.
    pub fn quorum_types(self) -> &'static [QuorumType] {
        match self {
            Subnet::Main => dkg::MAIN,
            Subnet::Test => dkg::TEST,
            Subnet::Devnet => dkg::DEVNET,
            Subnet::Regtest => dkg::REGTEST,
        }
    }
}

/// What is known of the running network at a list's block, beside the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainFacts {
    /// Which network.
    pub subnet: Subnet,
    /// How Evo nodes are paid at the next block.
    pub evo_payments: EvoPayments,
    /// Highest block under a ChainLock; `None` when the node knows none.
    pub chainlock_height: Option<Height>,
    /// Mean seconds between blocks, measured over the last blocks; `None` when not measured yet.
    pub measured_spacing_seconds: Option<f64>,
    /// Sporks by name, as the node shows them.
    pub sporks: Vec<(String, i64)>,
}

impl ChainFacts {
    /// Seconds between blocks to count with: measured, or the chain's usual.
    pub fn spacing_seconds(&self, rules: &ChainRules) -> f64 {
        self.measured_spacing_seconds.unwrap_or(rules.spacing_seconds)
    }

    /// How many whole blocks fall into `seconds`.
    pub fn blocks_in(&self, seconds: u64, rules: &ChainRules) -> u32 {
        (seconds as f64 / self.spacing_seconds(rules)) as u32
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
