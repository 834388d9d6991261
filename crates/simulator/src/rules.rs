//! The consensus rules of the simulated chain as constants: PoSe arithmetic, quorum tables, fork heights.
//!
//! Written from Dash Core's source (`src/evo/deterministicmns.cpp`, `src/llmq/params.h`, `src/chainparams.cpp`)
//! and compared with answers of a real v23.1.2.
//!
//! Never here: the exporter's arithmetic, which is tested against these rules.

use super::options::Subnet;

/// Percent of the maximum that one failed DKG adds (`src/evo/specialtxman.cpp HandleQuorumCommitment`).
const FAILURE_PERCENT: u64 = 66;

/// Consecutive payments of an Evo node from v19 until MN_RR (`src/evo/dmn_types.h`).
pub(super) const EVO_PAYMENTS_IN_A_ROW: u32 = 4;

/// The maximum PoSe score: all registered nodes, including banned ones, but at least 100
/// (`CDeterministicMNList::CalcMaxPoSePenalty`).
pub(super) fn maximum_score(registered: usize) -> u32 {
    u32::try_from(registered.max(100)).expect("a network has fewer than 2^32 masternodes")
}

/// The points of one failed DKG: multiplied first, then truncated (`CDeterministicMNList::CalcPenalty`).
pub(super) fn failure_points(maximum: u32) -> u32 {
    u32::try_from(u64::from(maximum) * FAILURE_PERCENT / 100).expect("66 percent of a u32 is a u32")
}

/// One quorum type of `src/llmq/params.h`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QuorumType {
    /// The number of the type on the wire.
    pub(super) id: u8,
    /// The name the node prints.
    pub(super) name: &'static str,
    /// Members.
    pub(super) size: usize,
    /// Minimum number of valid members; with fewer, the commitment is null.
    pub(super) minimum: usize,
    /// Blocks between two sessions.
    pub(super) interval: u32,
    /// First and last block of an interval in which the commitment may be mined.
    pub(super) window: (u32, u32),
    /// Number of parallel quorums of a rotation; 0 for non-rotating types.
    pub(super) rotating: u32,
    /// Only Evo nodes are members.
    pub(super) evo_only: bool,
    /// Number of quorums in `quorum list` (`signingActiveQuorumCount`).
    pub(super) active: usize,
}

impl QuorumType {
    /// Number of bad votes that make a member of a quorum of this size invalid.
    pub(super) fn bad_votes(&self, size: usize) -> usize {
        let percent = match self.id {
            2 | 3 => 75,
            6 => 88,
            100 | 102 | 106 => 66,
            103 => 50,
            _ => 80,
        };
        (size * percent).div_ceil(100)
    }
}

/// Every quorum type used by one of the networks below.
static LLMQ_50_60: QuorumType = plain(1, "llmq_50_60", (50, 40), 24, (10, 18), 24);
static LLMQ_400_60: QuorumType = plain(2, "llmq_400_60", (400, 300), 288, (20, 28), 4);
static LLMQ_400_85: QuorumType = plain(3, "llmq_400_85", (400, 350), 576, (20, 48), 4);
static LLMQ_100_67_EVO: QuorumType = evo(plain(4, "llmq_100_67", (100, 80), 24, (10, 18), 24));
static LLMQ_100_67: QuorumType = plain(4, "llmq_100_67", (100, 80), 24, (10, 18), 24);
static LLMQ_60_75: QuorumType = rotating(plain(5, "llmq_60_75", (60, 50), 288, (42, 50), 32), 32);
static LLMQ_25_67: QuorumType = evo(plain(6, "llmq_25_67", (25, 22), 24, (10, 18), 24));
static LLMQ_TEST: QuorumType = plain(100, "llmq_test", (3, 2), 24, (10, 18), 2);
static LLMQ_TEST_V17: QuorumType = plain(102, "llmq_test_v17", (3, 2), 24, (10, 18), 2);
static LLMQ_TEST_DIP0024: QuorumType = rotating(plain(103, "llmq_test_dip0024", (4, 4), 24, (12, 20), 2), 2);
static LLMQ_TEST_PLATFORM: QuorumType = evo(plain(106, "llmq_test_platform", (3, 2), 24, (10, 18), 2));

static MAIN_QUORUMS: [&QuorumType; 4] = [&LLMQ_400_60, &LLMQ_400_85, &LLMQ_100_67_EVO, &LLMQ_60_75];
static TEST_QUORUMS: [&QuorumType; 6] =
    [&LLMQ_50_60, &LLMQ_400_60, &LLMQ_400_85, &LLMQ_100_67, &LLMQ_60_75, &LLMQ_25_67];
static REGTEST_QUORUMS: [&QuorumType; 4] = [&LLMQ_TEST, &LLMQ_TEST_V17, &LLMQ_TEST_DIP0024, &LLMQ_TEST_PLATFORM];

/// The quorum types in use on the network (`src/chainparams.cpp`).
pub(super) fn quorum_types(subnet: Subnet) -> &'static [&'static QuorumType] {
    match subnet {
        Subnet::Main => &MAIN_QUORUMS,
        Subnet::Test => &TEST_QUORUMS,
        Subnet::Regtest => &REGTEST_QUORUMS,
    }
}

/// Differences between the networks, other than the quorums (`src/chainparams.cpp`).
#[derive(Debug)]
pub(super) struct ChainFacts {
    /// The name of the chain in `getblockchaininfo`.
    pub(super) name: &'static str,
    /// Hash of block 0.
    pub(super) genesis: &'static str,
    /// Folder of the cookie below the data directory.
    pub(super) folder: &'static str,
    /// First letter of a pay-to-public-key-hash address.
    pub(super) address_letter: char,
    /// The version byte of such an address.
    pub(super) address_version: u8,
    /// P2P port of a masternode.
    pub(super) port: u16,
    /// Platform's P2P and HTTP ports.
    pub(super) platform_ports: (u16, u16),
    /// Blocks before a new node can be a member of a quorum.
    pub(super) confirmations: u32,
    /// Blocks between two superblocks.
    pub(super) superblock_cycle: u32,
    /// Activation of DIP3, v19 and v20.
    pub(super) forks: [u32; 3],
    /// Leading zero bytes of a block hash, for appearance only.
    pub(super) work_bytes: usize,
}

static MAIN: ChainFacts = ChainFacts {
    name: "main",
    genesis: "00000ffd590b1485b3caadc19b22e6379c733355108f107a430458cdf3407ab6",
    folder: "",
    address_letter: 'X',
    address_version: 76,
    port: 9999,
    platform_ports: (26656, 443),
    confirmations: 15,
    superblock_cycle: 16616,
    forks: [1_028_160, 1_899_072, 1_987_776],
    work_bytes: 7,
};

static TEST: ChainFacts = ChainFacts {
    name: "test",
    genesis: "00000bafbc94add76cb75e2ec92894837288a481e5c005f6563d91623bf8bc2c",
    folder: "testnet3",
    address_letter: 'y',
    address_version: 140,
    port: 19999,
    platform_ports: (22000, 22001),
    confirmations: 1,
    superblock_cycle: 24,
    forks: [7_000, 850_100, 905_100],
    work_bytes: 3,
};

static REGTEST: ChainFacts = ChainFacts {
    name: "regtest",
    genesis: "000008ca1832a4baf228eb1553c03d3a2c8e02399550dd6ea8d65cec3ef23d2e",
    folder: "regtest",
    address_letter: 'y',
    address_version: 140,
    port: 19899,
    platform_ports: (22200, 22201),
    confirmations: 1,
    superblock_cycle: 20,
    forks: [2, 1, 100],
    work_bytes: 0,
};

/// The facts of the network.
pub(super) fn chain_facts(subnet: Subnet) -> &'static ChainFacts {
    match subnet {
        Subnet::Main => &MAIN,
        Subnet::Test => &TEST,
        Subnet::Regtest => &REGTEST,
    }
}

const fn plain(
    id: u8,
    name: &'static str,
    members: (usize, usize),
    interval: u32,
    window: (u32, u32),
    active: usize,
) -> QuorumType {
    let (size, minimum) = members;
    QuorumType { id, name, size, minimum, interval, window, rotating: 0, evo_only: false, active }
}

const fn evo(mut kind: QuorumType) -> QuorumType {
    kind.evo_only = true;
    kind
}

const fn rotating(mut kind: QuorumType, quorums: u32) -> QuorumType {
    kind.rotating = quorums;
    kind
}

#[cfg(test)]
mod tests {
    use super::{failure_points, maximum_score};

    /// Recorded on regtest: 12 registered nodes give 100 and 66, 109 give 109 and 71.
    #[test]
    fn the_step_is_66_percent_of_the_maximum_rounded_down() {
        for (registered, maximum, points) in
            [(12, 100, 66), (100, 100, 66), (109, 109, 71), (2993, 2993, 1975), (5000, 5000, 3300)]
        {
            assert_eq!(maximum_score(registered), maximum, "{registered} registered");
            assert_eq!(failure_points(maximum), points, "{registered} registered");
        }
    }
}
