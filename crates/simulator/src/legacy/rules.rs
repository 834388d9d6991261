//! Constants of the two chains, and the names of their networks.
//!
//! Never here: computations.

use super::options::Chain;
use crate::options::Subnet;

/// Seconds between two pings of a masternode (`MASTERNODE_MIN_MNP_SECONDS`, both chains); earlier ones are refused.
pub(super) const PING_SECONDS: u64 = 10 * 60;
/// Maximum delay of a ping in seconds.
pub(super) const PING_JITTER_SECONDS: u32 = 5;
/// How often a node checks for duplicates and removes entries (`CheckAndRemove`, both chains).
pub(super) const ROUND_SECONDS: u64 = 60;
/// Score at which Dimecoin bans (`src/masternode/masternode.h MASTERNODE_POSE_BAN_MAX_SCORE`).
pub(super) const BAN_SCORE: u32 = 5;
/// Confirmations of a collateral before its masternode can start, both chains.
pub(super) const START_CONFIRMATIONS: u32 = 15;
/// Voters of a height (`MNPAYMENTS_SIGNATURES_TOTAL`, both chains).
pub(super) const VOTERS: usize = 10;
/// Votes are for the block this many blocks above the tip, both chains.
pub(super) const VOTE_LEAD: u32 = 10;
/// Votes that a node must have seen before it remembers a payment (`HasPayeeWithVotes(.., 2)`, both chains).
pub(super) const REMEMBERED_VOTES: u32 = 2;
/// Heights from the tip on whose payees are not elected again (`IsScheduled`, both chains).
pub(super) const SCHEDULED_BLOCKS: u32 = 8;
/// Distance below a height of the block whose hash elects the payee of that height.
pub(super) const ELECTING_DEPTH: u32 = 101;
/// Seconds per masternode during which a started one is excluded, 2.6 minutes, independent of the block time.
pub(super) const HELD_OUT_SECONDS: u64 = 156;
/// Interval of PRCYcoin audit blocks, which pay no masternode (`59–65` in the source, constant here).
pub(super) const AUDIT_PERIOD: u32 = 60;

/// Differences between the chains.
#[derive(Debug)]
pub(super) struct Rules {
    /// Seconds between start and ping below which a node is `PRE_ENABLED`; 0: this state does not exist.
    pub(super) pre_enabled: u64,
    /// Age of the last ping, in seconds, from which a node is `EXPIRED`.
    pub(super) expired: u64,
    /// Age of the last ping, in seconds, from which it is `NEW_START_REQUIRED`, or on PRCYcoin `REMOVE`.
    pub(super) gone: u64,
    /// The protocol version of nodes.
    pub(super) protocol: u32,
}

/// `src/masternode/masternode.h` of Dimecoin.
static DIMECOIN: Rules = Rules { pre_enabled: 600, expired: 65 * 60, gone: 180 * 60, protocol: 70_008 };

/// `src/masternode.h` of PRCYcoin.
static PRCYCOIN: Rules = Rules { pre_enabled: 0, expired: 120 * 60, gone: 130 * 60, protocol: 70_915 };

/// The rules of the chain.
pub(super) fn rules(chain: Chain) -> &'static Rules {
    match chain {
        Chain::Dimecoin => &DIMECOIN,
        Chain::Prcycoin => &PRCYCOIN,
    }
}

/// Names and start values of a network of a chain (`src/chainparams.cpp`, `src/chainparamsbase.cpp`).
#[derive(Debug)]
pub(super) struct NetworkNames {
    /// As in `getblockchaininfo`.
    pub(super) name: &'static str,
    /// Hash of block 0.
    pub(super) genesis: &'static str,
    /// Folder below the data directory.
    pub(super) folder: &'static str,
    /// First letter of a pay-to-public-key-hash address.
    pub(super) letter: char,
    /// Peer-to-peer port.
    pub(super) port: u16,
    /// Whole coins of a collateral.
    pub(super) collateral: u32,
}

const fn names(
    name: &'static str,
    genesis: &'static str,
    folder: &'static str,
    letter: char,
    port: u16,
    collateral: u32,
) -> NetworkNames {
    NetworkNames { name, genesis, folder, letter, port, collateral }
}

const DIMECOIN_MAIN: &str = "00000d5a9113f87575c77eb5442845ff8a0014f6e79e2dd2317d88946ef910da";
const DIMECOIN_TEST: &str = "00000d3b251f80cbbff32cf05e0d50cfbec979e9309d3677e2726988203ba0f1";
const DIMECOIN_REGTEST: &str = "36e44ebfce5fa314e5de80c28a05f74aa46abd7e3bd0750c7b9618508f4414e5";
const PRCYCOIN_MAIN: &str = "000006957e238ff4e6bcf00c8a7d1b3e7249c0a2109b0391d8740821a40c1d8c";
const PRCYCOIN_TEST: &str = "000001488be8bb442cd72cb737ade49a31de90dbbe5dce36f7d7e07f5dde2b77";
const PRCYCOIN_REGTEST: &str = "690cbb5c7ae999de1de49948a3c109d3b15fe4de4297980de8ff0cbfe3c7823a";

static DIMECOINS: [NetworkNames; 3] = [
    names("main", DIMECOIN_MAIN, "", '7', 11_931, 500_000_000),
    names("test", DIMECOIN_TEST, "testnet3", '7', 21_931, 100_000),
    names("regtest", DIMECOIN_REGTEST, "regtest", '7', 21_931, 100_000),
];

static PRCYCOINS: [NetworkNames; 3] = [
    names("main", PRCYCOIN_MAIN, "", 'P', 59_682, 5_000),
    names("test", PRCYCOIN_TEST, "testnet4", 'y', 59_684, 5_000),
    names("regtest", PRCYCOIN_REGTEST, "regtest", 'y', 59_686, 5_000),
];

/// The names of a network.
pub(super) fn network_names(chain: Chain, subnet: Subnet) -> &'static NetworkNames {
    let networks = match chain {
        Chain::Dimecoin => &DIMECOINS,
        Chain::Prcycoin => &PRCYCOINS,
    };
    match subnet {
        Subnet::Main => &networks[0],
        Subnet::Test => &networks[1],
        Subnet::Regtest => &networks[2],
    }
}
