//! Requirements of the network for a masternode, and whether one meets them, by which evidence.
//!
//! Never here: how the evidence was obtained.

use crate::chain::{ChainRules, Subnet};
use crate::chain_facts::ChainFacts;
use crate::masternode::{Masternode, NodeType, UnixSeconds};
use crate::probe::{Outcome, Peer, Probe, ProbeError};
use crate::release::{BAD_RELEASES, bad_agent, named_release};
use crate::snapshot::{NodeView, Snapshot};

/// A requirement without which other masternodes give a masternode a bad vote (docs/spec/dash.md#bad-members), or do
/// not pay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Its port accepts connections.
    P2pPort,
    /// Its protocol version is sufficient for the newest release among the sources.
    ProtocolVersion,
    /// Its protocol version is sufficient for the next release, which no source runs yet.
    NextProtocolVersion,
    /// It relays transactions.
    TransactionRelay,
    /// It serves compact block filters.
    CompactFilters,
    /// Its software has no known fault.
    Release,
    /// The registration of an Evo node has the version that Dash Core 24 requires.
    ProtxVersion,
    /// It participates in the DKG sessions of which it is a member.
    DkgParticipation,
    /// An Evo node serves Platform.
    Platform,
}

impl Requirement {
    /// All.
    pub const ALL: [Requirement; 9] = [
        Requirement::P2pPort,
        Requirement::ProtocolVersion,
        Requirement::NextProtocolVersion,
        Requirement::TransactionRelay,
        Requirement::CompactFilters,
        Requirement::Release,
        Requirement::ProtxVersion,
        Requirement::DkgParticipation,
        Requirement::Platform,
    ];

    /// The value of the label `requirement`.
    pub fn label(self) -> &'static str {
        match self {
            Requirement::P2pPort => "p2p_port",
            Requirement::ProtocolVersion => "protocol_version",
            Requirement::NextProtocolVersion => "next_protocol_version",
            Requirement::TransactionRelay => "transaction_relay",
            Requirement::CompactFilters => "compact_filters",
            Requirement::Release => "release",
            Requirement::ProtxVersion => "protx_version",
            Requirement::DkgParticipation => "dkg_participation",
            Requirement::Platform => "platform",
        }
    }
}

/// The evidence of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A probe of the masternode.
    Probe,
    /// The masternode's own node, if it is a source.
    OwnNode,
    /// The queried node's view of it.
    PeerView,
    /// The sources' view of active DKG sessions.
    Session,
    /// The masternode list.
    List,
}

impl Evidence {
    /// All.
    pub const ALL: [Evidence; 5] =
        [Evidence::Probe, Evidence::OwnNode, Evidence::PeerView, Evidence::Session, Evidence::List];

    /// The value of the label `evidence`.
    pub fn label(self) -> &'static str {
        match self {
            Evidence::Probe => "probe",
            Evidence::OwnNode => "own_node",
            Evidence::PeerView => "peer_view",
            Evidence::Session => "session",
            Evidence::List => "list",
        }
    }
}

/// Whether a requirement is met, and the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequirementStatus {
    /// It is met.
    pub met: bool,
    /// The evidence.
    pub evidence: Evidence,
}

/// Every requirement with its possible kinds of evidence, the better first.
pub const EVIDENCE: [(Requirement, Evidence); 17] = [
    (Requirement::P2pPort, Evidence::Probe),
    (Requirement::P2pPort, Evidence::PeerView),
    (Requirement::ProtocolVersion, Evidence::Probe),
    (Requirement::ProtocolVersion, Evidence::OwnNode),
    (Requirement::ProtocolVersion, Evidence::List),
    (Requirement::NextProtocolVersion, Evidence::Probe),
    (Requirement::NextProtocolVersion, Evidence::OwnNode),
    (Requirement::TransactionRelay, Evidence::Probe),
    (Requirement::TransactionRelay, Evidence::OwnNode),
    (Requirement::CompactFilters, Evidence::Probe),
    (Requirement::CompactFilters, Evidence::OwnNode),
    (Requirement::Release, Evidence::Probe),
    (Requirement::Release, Evidence::OwnNode),
    (Requirement::ProtxVersion, Evidence::List),
    (Requirement::DkgParticipation, Evidence::Session),
    (Requirement::DkgParticipation, Evidence::List),
    (Requirement::Platform, Evidence::PeerView),
];

/// Seconds for which a connection of the queried node shows that the port is open. Nodes of v0.17 gave a bad vote to
/// masternodes without a successful connection for longer (docs/spec/dash.md#bad-members).
const PEER_VIEW_SECONDS: u64 = 3_600;

/// From this version on, members give a bad vote to a masternode that does not relay transactions or serve compact
/// block filters, whether or not the fork is active (Dash Core's `doc/release-notes-7755.md`).
const SERVICES_SINCE: u32 = 240_000;

/// Minimum ProTx version of a service update of an Evo node once v24 is active
/// (docs/spec/dash-24.md#provider-transaction-versions).
const EVO_VERSION: u32 = 3;

/// The known facts of one masternode.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Its entry of the list.
    pub masternode: &'a Masternode,
    /// Its last probe; `None` when probes are off.
    pub probe: Option<&'a Probe>,
    /// The chain's rules.
    pub rules: &'a ChainRules,
    /// The known facts of the network.
    pub facts: &'a ChainFacts,
    /// When the list was read.
    pub read_at: UnixSeconds,
}

impl<'a> Case<'a> {
    /// The facts of a masternode from a snapshot and a probe; `None` when it is not on the list.
    pub fn of(snapshot: &'a Snapshot, node: Option<&NodeView<'a>>, probe: Option<&'a Probe>) -> Option<Case<'a>> {
        Some(Case {
            masternode: node?.masternode,
            probe,
            rules: snapshot.rules(),
            facts: snapshot.facts(),
            read_at: snapshot.read_at(),
        })
    }

    /// Whether the list should have its protocol version, as on older chains, and has none.
    pub(crate) fn lacks_protocol_version(&self) -> bool {
        let listed = self.masternode.announced.as_ref();
        !self.rules.minimum_protocols.is_empty() && listed.is_some_and(|listed| listed.protocol_version.is_none())
    }

    /// The verdict on a requirement by the best evidence; `None` without evidence, or if the requirement does not
    /// apply.
    pub fn verdict(&self, requirement: Requirement) -> Option<RequirementStatus> {
        let by = |evidence| move |met| RequirementStatus { met, evidence };
        match requirement {
            Requirement::P2pPort => {
                let seen = || self.recently_connected().map(by(Evidence::PeerView));
                self.port_answers().map(by(Evidence::Probe)).or_else(seen)
            }
            Requirement::ProtocolVersion => {
                let minimum = minimum_protocol(self.rules, self.facts)?;
                let listed = || self.masternode.announced.as_ref()?.protocol_version;
                let list = || listed().map(|version| version >= minimum).map(by(Evidence::List));
                self.said(|peer| Some(peer.protocol_version >= minimum)).or_else(list)
            }
            Requirement::NextProtocolVersion => {
                let minimum = next_protocol(self.rules, self.facts)?;
                self.said(|peer| Some(peer.protocol_version >= minimum))
            }
            Requirement::TransactionRelay if demands_services(self.rules, self.facts) => self.said(|peer| peer.relays),
            Requirement::CompactFilters if demands_services(self.rules, self.facts) => {
                self.said(|peer| peer.compact_filters)
            }
            Requirement::Release if BAD_RELEASES.iter().any(|release| release.chain == self.rules.name) => {
                self.said(|peer| {
                    named_release(self.rules, &peer.agent)?;
                    Some(bad_agent(self.rules, &peer.agent).is_none())
                })
            }
            Requirement::ProtxVersion => {
                let version = self.evo_version()?;
                match self.facts.v24_active() {
                    Some(true) => Some(version >= EVO_VERSION).map(by(Evidence::List)),
                    // Such a version does not exist before the activation, so it is met whatever is reported about the
                    // fork.
                    None => (version >= EVO_VERSION).then_some(true).map(by(Evidence::List)),
                    Some(false) => None,
                }
            }
            Requirement::DkgParticipation if self.rules.has_dkg => {
                let clear = self.masternode.pose_score.map(|score| score.0 == 0);
                let listed = || clear.map(|clear| clear && !self.masternode.is_banned()).map(by(Evidence::List));
                self.takes_part().map(by(Evidence::Session)).or_else(listed)
            }
            Requirement::Platform if self.masternode.node_type == NodeType::Evo => self
                .masternode
                .peer
                .platform_banned()
                .map(|banned| RequirementStatus { met: !banned, evidence: Evidence::PeerView }),
            Requirement::TransactionRelay
            | Requirement::CompactFilters
            | Requirement::Release
            | Requirement::DkgParticipation
            | Requirement::Platform => None,
        }
    }

    /// The ProTx version of an Evo node; `None` for others, and if the list does not contain it.
    fn evo_version(&self) -> Option<u32> {
        let is_evo = self.rules.has_dkg && self.masternode.node_type == NodeType::Evo;
        self.masternode.details.version().filter(|_| is_evo)
    }

    /// The ProTx version of an Evo node that must be raised once v24 is active, while v24 is known to be inactive.
    pub fn version_to_raise(&self) -> Option<u32> {
        let waits = self.facts.v24_active() == Some(false);
        self.evo_version().filter(|version| waits && *version < EVO_VERSION)
    }

    /// Whether the ProTx version of an Evo node cannot be evaluated: the list does not contain it, or no source reports
    /// whether v24 is active.
    pub fn protx_version_is_unknown(&self) -> bool {
        let is_evo = self.rules.has_dkg && self.masternode.node_type == NodeType::Evo;
        is_evo && self.facts.v24_active() != Some(false) && self.verdict(Requirement::ProtxVersion).is_none()
    }

    /// A verdict from what its node reports about itself: to a probe, otherwise as a source.
    fn said(&self, judge: impl Fn(&Peer) -> Option<bool>) -> Option<RequirementStatus> {
        let probed = self.probe.and_then(|probe| judge(probe.peer.as_ref()?));
        let own = || judge(self.facts.own_nodes.get(&self.masternode.id)?.as_ref()?);
        let by = |evidence| move |met| RequirementStatus { met, evidence };
        probed.map(by(Evidence::Probe)).or_else(|| own().map(by(Evidence::OwnNode)))
    }

    /// Its own node is a source that reports nothing at the moment.
    pub fn own_node_is_silent(&self) -> bool {
        self.facts.own_nodes.get(&self.masternode.id).is_some_and(Option::is_none)
    }

    /// Whether a node of the chain answered; one that is too old still has an open port.
    fn port_answers(&self) -> Option<bool> {
        match self.probe?.outcome {
            Outcome::Reached | Outcome::Failed(ProbeError::TooOld) => Some(true),
            Outcome::Failed(_) => Some(false),
            Outcome::Unprobed(_) => None,
        }
    }

    /// Whether it participates in the active sessions; `None` if none has reached the phase that shows it.
    fn takes_part(&self) -> Option<bool> {
        let seats = self.facts.sessions.as_ref()?.of(&self.masternode.id)?;
        seats.contributed.map(|contributed| contributed && seats.marks == 0)
    }

    /// `Some(true)` if the queried node was recently connected to it. The node may not have tried since, so an older
    /// connection, or none, shows nothing.
    fn recently_connected(&self) -> Option<bool> {
        let last = self.masternode.peer.last_success()?;
        (self.read_at.0.saturating_sub(last.0) <= PEER_VIEW_SECONDS).then_some(true)
    }
}

/// Version of the newest node that is known to vote: the newest source.
fn newest_version(facts: &ChainFacts) -> Option<u32> {
    facts.newest_version.max(facts.node_version)
}

/// Minimum protocol version that nodes of the newest source's version accept; `None` if not known for its version. A
/// table row applies to its release and later ones of the same line (`23.1`, `23.2`). The newest source decides,
/// because members apply the rule of their own release, whether or not a fork is active: all members with that release
/// give an older masternode a bad vote.
pub fn minimum_protocol(rules: &ChainRules, facts: &ChainFacts) -> Option<u32> {
    let version = newest_version(facts)?;
    let line = |version: u32| version / 10_000;
    let fits = |(release, _): &&(u32, u32)| *release <= version && line(*release) == line(version);
    rules.minimum_protocols.iter().rev().find(fits).map(|(_, minimum)| *minimum)
}

/// Minimum protocol version of the newest known release, if all sources are older than it; `None` if a source runs it
/// (then [`minimum_protocol`] applies), if no version is known, and on private networks, which may never run it. An
/// older node cannot show how many members of a quorum run it.
pub fn next_protocol(rules: &ChainRules, facts: &ChainFacts) -> Option<u32> {
    let is_public = matches!(facts.subnet, Subnet::Main | Subnet::Test);
    let (release, minimum) = rules.minimum_protocols.last().filter(|_| rules.has_dkg && is_public)?;
    (newest_version(facts)? < *release).then_some(*minimum)
}

/// Whether members are known to give a bad vote for a missing service.
fn demands_services(rules: &ChainRules, facts: &ChainFacts) -> bool {
    rules.has_dkg && newest_version(facts).is_some_and(|version| version >= SERVICES_SINCE)
}

/// A spork that selects the quorum types with enforced requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuorumSpork {
    /// Members connect to all others and give a bad vote to those without a connection.
    AllConnected,
    /// Members give a bad vote to those that are unreachable or too old.
    Pose,
}

impl QuorumSpork {
    /// Both.
    pub const ALL: [QuorumSpork; 2] = [QuorumSpork::AllConnected, QuorumSpork::Pose];

    /// Its name, and the value of the label `spork`.
    pub fn name(self) -> &'static str {
        match self {
            QuorumSpork::AllConnected => "SPORK_21_QUORUM_ALL_CONNECTED",
            QuorumSpork::Pose => "SPORK_23_QUORUM_POSE",
        }
    }

    /// Which quorum types it covers; `None` if the node does not report it and it is not compiled in.
    pub fn covers(self, rules: &ChainRules, facts: &ChainFacts) -> Option<Covers> {
        if !rules.has_dkg {
            return None;
        }
        let shown = facts.sporks.iter().find(|(name, _)| name == self.name()).map(|(_, value)| *value);
        let value = match (compiled_in(rules, facts), self) {
            (Some(true), QuorumSpork::AllConnected) => Some(1),
            (Some(true), QuorumSpork::Pose) => Some(0),
            _ => shown,
        };
        value.map(Covers::of)
    }
}

/// Quorum types that a spork covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// All.
    All,
    /// All except llmq_100_67, llmq_400_60 and llmq_400_85.
    Small,
    /// None: it is off.
    None,
}

impl Covers {
    /// All.
    pub const ALL: [Covers; 3] = [Covers::All, Covers::Small, Covers::None];

    /// Reads a spork's value (`EvalSpork` in `src/llmq/options.cpp`). It is not a time, although `spork active` treats
    /// it as one.
    pub fn of(value: i64) -> Covers {
        match value {
            0 => Covers::All,
            1 => Covers::Small,
            _ => Covers::None,
        }
    }

    /// The value of the label `quorums`.
    pub fn label(self) -> &'static str {
        match self {
            Covers::All => "all",
            Covers::Small => "small",
            Covers::None => "none",
        }
    }
}

/// Whether the queried node has the sporks compiled in, regardless of broadcasts: on mainnet since v21
/// (`CSporkManager::GetSporkValue` in `src/spork.cpp`). `None` if such sporks do not exist or its version is unknown.
pub fn compiled_in(rules: &ChainRules, facts: &ChainFacts) -> Option<bool> {
    let version = facts.node_version.filter(|_| rules.has_dkg)?;
    Some(facts.subnet == Subnet::Main && version >= 210_000)
}

#[cfg(test)]
mod tests;
