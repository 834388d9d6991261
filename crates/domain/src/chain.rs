//! A chain's rules as data: all differences between chains that the arithmetic needs.
//!
//! A further chain is another value of [`ChainRules`], from a file or from this module. No rule depends on a chain's
//! name.
//!
//! Never here: ports, methods or field names of a chain's RPC (`rpc`); facts about a running network (`facts`).

use std::borrow::Cow;

use crate::dkg::{self, QuorumType};
use crate::foreign_text::ForeignText;
use crate::masternode::{MasternodeId, UnixSeconds};
use crate::payment::{PaymentModel, PoolRule, pool};
use crate::pose::{self, PenaltyRule};
use crate::state::{self, State};

/// One chain.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainRules {
    /// Name in the configuration.
    pub name: Cow<'static, str>,
    /// What `getnetworkinfo.subversion` starts with: the software behind the port.
    pub subversion_prefix: Cow<'static, str>,
    /// Known genesis blocks by `getblockchaininfo.chain`, in hexadecimal.
    pub genesis: Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]>,
    /// How failures become bans; `None` where RPC shows no score.
    pub penalty: Option<Penalty>,
    /// Whether Dash's quorum types hold sessions on this chain. If not, exposure and windows are unknown.
    pub has_dkg: bool,
    /// How payees are selected.
    pub payment: PaymentModel,
    /// What is known about past payments.
    pub past_payments: PastPayments,
    /// All states that a node can report.
    pub states: Cow<'static, [State]>,
    /// A ban ends automatically, after as many blocks as there were masternodes when it began.
    pub ban_ends: bool,
    /// Mean seconds between blocks, used until they are measured.
    pub spacing_seconds: f64,
    /// When a missing ping is reported; `None` on chains without pings.
    pub ping: Option<Ping>,
    /// A dead node leaves the list instead of changing to another state, so its absence shows that it is dead.
    pub absent_is_dead: bool,
    /// Minimum protocol version of a masternode, by the version of the node that checks it (`getnetworkinfo.version`),
    /// ascending; empty if not known.
    pub minimum_protocols: Cow<'static, [(u32, u32)]>,
}

/// What is known about past payments of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastPayments {
    /// Nothing.
    Hidden,
    /// That the elected masternode was paid, from the kind of the block; the payee and the amount are hidden.
    Elected,
    /// All, from the list or the outputs of blocks.
    Shown,
}

/// How failures become bans, and a spork that changes the decay.
#[derive(Clone, Debug, PartialEq)]
pub struct Penalty {
    /// The rule.
    pub rule: PenaltyRule,
    /// A spork that slows down the decay.
    pub slowed: Option<SlowedDecay>,
}

/// A slower decay while a spork is active.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowedDecay {
    /// Name of the spork.
    pub spork: Cow<'static, str>,
    /// Scores decay in blocks whose height is divisible by this.
    pub decay_period: u32,
}

/// Time without a ping on chains with pings, in seconds since the last ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// A ping is overdue: the operator should check.
    pub warning_seconds: u64,
    /// The node treats the masternode as expired.
    pub expiry_seconds: u64,
}

/// Dash. Genesis blocks: `src/chainparams.cpp`; spacing: measured on mainnet
/// (docs/spec/dash.md#chain-constants); least protocols:
/// `MIN_MASTERNODE_PROTO_VERSION` in `src/version.h` of each release
/// (docs/spec/dash.md#protocol-versions).
pub const DASH: ChainRules = ChainRules {
    name: Cow::Borrowed("dash"),
    subversion_prefix: Cow::Borrowed("/Dash Core:"),
    genesis: Cow::Borrowed(&[
        (Cow::Borrowed("main"), Cow::Borrowed("00000ffd590b1485b3caadc19b22e6379c733355108f107a430458cdf3407ab6")),
        (Cow::Borrowed("test"), Cow::Borrowed("00000bafbc94add76cb75e2ec92894837288a481e5c005f6563d91623bf8bc2c")),
        (Cow::Borrowed("regtest"), Cow::Borrowed("000008ca1832a4baf228eb1553c03d3a2c8e02399550dd6ea8d65cec3ef23d2e")),
    ]),
    penalty: Some(Penalty { rule: pose::CONSENSUS, slowed: None }),
    has_dkg: true,
    payment: PaymentModel::Queue { more_than: 0 },
    past_payments: PastPayments::Shown,
    states: Cow::Borrowed(state::DETERMINISTIC),
    ban_ends: false,
    spacing_seconds: 157.6,
    ping: None,
    absent_is_dead: false,
    minimum_protocols: Cow::Borrowed(&[
        (170_003, 70_219),
        (180_202, 70_221),
        (190_300, 70_227),
        (200_101, 70_230),
        (210_101, 70_233),
        (220_101, 70_235),
        (230_102, 70_240),
        (240_000, 70_242),
    ]),
};

/// Dimecoin 2.3. States: `CMasternode::Check` in `src/masternode/masternode.cpp`
/// (docs/spec/legacy-chains.md#dimecoin-states); pool: `CMasternodeMan::GetNextMasternodeInQueueForPayment`
/// (docs/spec/legacy-chains.md#dimecoin-payee); minimum protocol: `masternode-payments.h`. Its RPC port is the same as
/// Bitcoin's, so only the user agent distinguishes them.
pub const DIMECOIN: ChainRules = ChainRules {
    name: Cow::Borrowed("dimecoin"),
    subversion_prefix: Cow::Borrowed("/dimecoin:"),
    genesis: Cow::Borrowed(&[(
        Cow::Borrowed("main"),
        Cow::Borrowed("00000d5a9113f87575c77eb5442845ff8a0014f6e79e2dd2317d88946ef910da"),
    )]),
    penalty: None,
    has_dkg: false,
    payment: PaymentModel::Pool(PoolRule {
        divisor: pool::TENTH,
        of_enabled: false,
        hold_out_seconds: 156,
        minimum_protocol: 70_007,
        votes_ahead: 10,
        elects: true,
    }),
    past_payments: PastPayments::Shown,
    states: Cow::Borrowed(&[
        State::new("enabled", true, true, false, false),
        State::new("pre_enabled", true, false, false, false),
        State::new("expired", false, false, true, false),
        State::new("new_start_required", false, false, true, false),
        State::new("update_required", false, false, true, false),
        State::new("watchdog_expired", false, false, false, false),
        State::new("pose_ban", false, false, false, true),
        State::new("outpoint_spent", false, false, true, false),
        state::UNKNOWN,
    ]),
    ban_ends: true,
    spacing_seconds: 64.0,
    ping: Some(Ping { warning_seconds: 1_800, expiry_seconds: 3_900 }),
    absent_is_dead: false,
    minimum_protocols: Cow::Borrowed(&[(2_030_000, 70_007)]),
};

/// PRCYCoin 2.0. States: `CMasternode::Check` in `src/masternode.cpp` (docs/spec/legacy-chains.md#prcycoin-rpc);
/// payment: `CMasternodePayments::FillBlockPayee`, which pays any enabled node
/// (docs/spec/legacy-chains.md#prcycoin-payee); minimum protocol: `ActiveProtocol` in `main.cpp`.
pub const PRCYCOIN: ChainRules = ChainRules {
    name: Cow::Borrowed("prcycoin"),
    subversion_prefix: Cow::Borrowed("/PRCY:"),
    genesis: Cow::Borrowed(&[
        (Cow::Borrowed("main"), Cow::Borrowed("000006957e238ff4e6bcf00c8a7d1b3e7249c0a2109b0391d8740821a40c1d8c")),
        (Cow::Borrowed("regtest"), Cow::Borrowed("690cbb5c7ae999de1de49948a3c109d3b15fe4de4297980de8ff0cbfe3c7823a")),
    ]),
    penalty: None,
    has_dkg: false,
    payment: PaymentModel::Uniform { elects: true },
    past_payments: PastPayments::Elected,
    states: Cow::Borrowed(&[
        State::new("enabled", true, true, false, false),
        State::new("expired", false, false, true, false),
        State::new("remove", false, false, true, false),
        State::new("vin_spent", false, false, true, false),
        State::new("active", false, false, false, false),
        state::UNKNOWN,
    ]),
    ban_ends: false,
    spacing_seconds: 60.0,
    ping: Some(Ping { warning_seconds: 1_800, expiry_seconds: 7_200 }),
    absent_is_dead: true,
    minimum_protocols: Cow::Borrowed(&[(2_000_006, 70_915)]),
};

/// The built-in chains, which need no profile.
pub const BUILT_IN: [ChainRules; 3] = [DASH, DIMECOIN, PRCYCOIN];

impl ChainRules {
    /// The penalty rule for the given sporks at `now`; `None` where RPC shows no score.
    pub fn penalty_rule(&self, sporks: &[(ForeignText, i64)], now: UnixSeconds) -> Option<PenaltyRule> {
        let penalty = self.penalty.as_ref()?;
        // A spork is active from the time in its value on (`CSporkManager::IsSporkActive`).
        let active = |name: &str| {
            sporks.iter().any(|(spork, value)| *spork == name && u64::try_from(*value).is_ok_and(|value| value < now.0))
        };
        let slowed = penalty.slowed.as_ref().filter(|slowed| active(&slowed.spork));
        Some(slowed.map_or(penalty.rule, |slowed| PenaltyRule { decay_period: slowed.decay_period, ..penalty.rule }))
    }

    /// The quorum types whose sessions can punish on one of the chain's networks.
    pub fn quorum_types(&self, subnet: Subnet) -> &'static [QuorumType] {
        match subnet {
            _ if !self.has_dkg => &[],
            Subnet::Main => dkg::MAIN,
            Subnet::Test => dkg::TEST,
            Subnet::Devnet => dkg::DEVNET,
            Subnet::Regtest => dkg::REGTEST,
        }
    }

    /// Whether a masternode of the chain can have this identity: a registration, or on older chains a collateral.
    #[must_use]
    pub fn identifies_by(&self, id: &MasternodeId) -> bool {
        self.is_deterministic() == matches!(id, MasternodeId::ProTx(_))
    }

    /// Whether masternodes are identified by their registration; otherwise by their collateral.
    pub fn is_deterministic(&self) -> bool {
        self.penalty.is_some()
    }
}

/// The network of a chain that a node is on, by `getblockchaininfo.chain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subnet {
    /// The main network.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spork_slows_the_decay_while_it_is_active() {
        let slowed = SlowedDecay { spork: "SPORK_21_LOW_LLMQ_PARAMS".into(), decay_period: 30 };
        let rule = PenaltyRule { decay_period: 2, ..pose::CONSENSUS };
        let rules = ChainRules { penalty: Some(Penalty { rule, slowed: Some(slowed) }), ..DASH };
        // value of the spork, decay period: active from the given time on; off is a time in the far future
        // (docs/spec/legacy-chains.md#chain-profiles).
        for (value, period) in [(0, 30), (999, 30), (1000, 2), (4_070_908_800, 2), (-1, 2)] {
            let sporks = vec![("SPORK_21_LOW_LLMQ_PARAMS".into(), value)];
            let rule = rules.penalty_rule(&sporks, UnixSeconds(1000)).unwrap();
            assert_eq!(rule.decay_period, period, "spork value {value}");
        }
        assert_eq!(rules.penalty_rule(&[], UnixSeconds(1000)).unwrap().decay_period, 2);
        assert_eq!(DIMECOIN.penalty_rule(&[], UnixSeconds(1000)), None);
    }

    #[test]
    fn every_chain_with_pings_has_a_state_for_unknown_states() {
        for rules in BUILT_IN {
            assert!(rules.ping.is_none() || rules.states.last() == Some(&state::UNKNOWN), "{}", rules.name);
            assert_eq!(rules.states.iter().filter(|state| state.payable).count(), 1, "{}", rules.name);
        }
    }
}
