//! Requirements, as tables.
//!
//! Never here: numbers that the specification of the chain does not contain.

use super::*;
use crate::chain::{BUILT_IN, DASH, DIMECOIN, PRCYCOIN};
use crate::deployment::{Deployment, Phase};
use crate::details::{DetailTexts, Details};
use crate::masternode::{Height, PeerView, Score};
use crate::probe::{Peer, Unprobed};
use crate::samples::masternode;
use crate::state::{self, Announced};
use std::sync::Arc;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn facts(subnet: Subnet, version: u32) -> ChainFacts {
    ChainFacts { node_version: Some(version), ..ChainFacts::new(subnet) }
}

fn probe(outcome: Outcome, protocol_version: Option<u32>) -> Probe {
    let peer = protocol_version.map(|version| Peer::new(version, b"/x/"));
    Probe { outcome, at: NOW, duration: None, peer, last_success: None }
}

#[track_caller]
fn check(
    rules: &ChainRules,
    node: &Masternode,
    probe: Option<&Probe>,
    requirement: Requirement,
    expected: Option<(bool, Evidence)>,
) {
    let facts = facts(Subnet::Regtest, if rules.name == "dash" { 230_102 } else { 2_030_000 });
    let case = Case { masternode: node, probe, rules, facts: &facts, read_at: NOW };
    let expected = expected.map(|(met, evidence)| RequirementStatus { met, evidence });
    assert_eq!(case.verdict(requirement), expected, "{requirement:?} by {probe:?} of {node:?}");
}

#[test]
fn the_minimum_protocol_follows_the_version_of_the_voting_node() {
    // chain, the node's version, minimum protocol (docs/spec/dash.md#protocol-versions,
    // docs/spec/legacy-chains.md#at-a-glance).
    let cases = [
        (&DASH, 170_003, Some(70_219)),
        (&DASH, 180_202, Some(70_221)),
        (&DASH, 190_300, Some(70_227)),
        (&DASH, 200_101, Some(70_230)),
        (&DASH, 210_101, Some(70_233)),
        (&DASH, 220_103, Some(70_235)),
        (&DASH, 230_102, Some(70_240)),
        (&DASH, 230_000, None),
        (&DASH, 240_000, Some(70_242)),
        (&DASH, 240_003, Some(70_242)),
        (&DASH, 250_000, None),
        (&DASH, 120_300, None),
        (&DIMECOIN, 2_030_000, Some(70_007)),
        (&DIMECOIN, 2_020_000, None),
        (&PRCYCOIN, 2_000_006, Some(70_915)),
    ];
    for (rules, version, expected) in cases {
        assert_eq!(minimum_protocol(rules, &facts(Subnet::Main, version)), expected, "{} {version}", rules.name);
    }
    assert_eq!(minimum_protocol(&DASH, &ChainFacts::new(Subnet::Main)), None, "unknown is no minimum");
}

/// Members apply the rule of their own release, so the newest source decides, whichever source provided the list.
#[test]
fn the_newest_source_sets_the_requirements_and_the_next_release_applies_until_a_source_runs_it() {
    // subnet, queried node, newest source; minimum, minimum of the next release.
    let cases = [
        (Subnet::Main, Some(230_102), None, Some(70_240), Some(70_242)),
        (Subnet::Main, Some(230_102), Some(230_102), Some(70_240), Some(70_242)),
        (Subnet::Test, Some(220_103), Some(230_102), Some(70_240), Some(70_242)),
        (Subnet::Main, Some(230_102), Some(240_001), Some(70_242), None),
        (Subnet::Main, Some(240_000), Some(230_102), Some(70_242), None),
        (Subnet::Main, Some(240_000), Some(250_000), None, None),
        (Subnet::Main, Some(230_000), None, None, Some(70_242)),
        (Subnet::Main, None, None, None, None),
        (Subnet::Regtest, Some(230_102), None, Some(70_240), None),
        (Subnet::Devnet, Some(230_102), None, Some(70_240), None),
    ];
    for (subnet, node_version, newest_version, minimum, next) in cases {
        let facts = ChainFacts { node_version, newest_version, ..ChainFacts::new(subnet) };
        let found = (minimum_protocol(&DASH, &facts), next_protocol(&DASH, &facts));
        assert_eq!(found, (minimum, next), "{subnet:?} {node_version:?} {newest_version:?}");
    }
    assert_eq!(next_protocol(&DIMECOIN, &facts(Subnet::Main, 2_020_000)), None, "no fork of that chain is known");
}

/// What a node reports: protocol, relay, filters, user agent.
type Said = (u32, Option<bool>, Option<bool>, &'static str);

fn peer((protocol_version, relays, compact_filters, agent): Said) -> Peer {
    Peer { relays, compact_filters, ..Peer::new(protocol_version, agent.as_bytes()) }
}

/// The verdict on a masternode with this probe result and this report of its own node.
fn verdict_on(
    version: u32,
    probed: Option<Said>,
    own: Option<Option<Said>>,
    requirement: Requirement,
) -> Option<RequirementStatus> {
    let node = masternode(1);
    let own_nodes = own.map(|said| (node.id, said.map(peer))).into_iter().collect();
    let facts = ChainFacts { own_nodes: Arc::new(own_nodes), ..facts(Subnet::Main, version) };
    let outcome = if probed.is_some() { Outcome::Reached } else { Outcome::Failed(ProbeError::Timeout) };
    let probe = Probe { outcome, at: NOW, duration: None, peer: probed.map(peer), last_success: None };
    let case = Case { masternode: &node, probe: Some(&probe), rules: &DASH, facts: &facts, read_at: NOW };
    case.verdict(requirement)
}

#[test]
fn relay_and_filters_are_required_once_a_source_runs_v24_by_probe_or_own_node() {
    let services = [Requirement::TransactionRelay, Requirement::CompactFilters];
    let said = |has| (70_242, has, has, "/Dash Core:24.0.3/");
    let (on, off, unsaid) = (said(Some(true)), said(Some(false)), said(None));
    let by = |met, evidence| Some(RequirementStatus { met, evidence });
    // version of the voting node, probe result, report of its own node.
    let cases = [
        (240_000, Some(on), None, by(true, Evidence::Probe)),
        (240_003, Some(off), None, by(false, Evidence::Probe)),
        (240_003, Some(off), Some(Some(on)), by(false, Evidence::Probe)),
        (240_003, None, Some(Some(off)), by(false, Evidence::OwnNode)),
        (240_003, Some(unsaid), Some(Some(on)), by(true, Evidence::OwnNode)),
        (240_003, Some(unsaid), None, None),
        (240_003, None, Some(Some(unsaid)), None),
        (240_003, None, Some(None), None),
        (240_003, None, None, None),
        (230_102, Some(off), Some(Some(off)), None),
    ];
    for (version, probed, own, expected) in cases {
        for requirement in services {
            let found = verdict_on(version, probed, own, requirement);
            assert_eq!(found, expected, "{requirement:?} by {version}: {probed:?}, {own:?}");
        }
    }
}

#[test]
fn a_protocol_below_that_of_the_next_release_has_its_own_verdict() {
    let said = |protocol| Some((protocol, None, None, "/Dash Core:23.1.2/"));
    let on_public = |protocol| {
        [Requirement::ProtocolVersion, Requirement::NextProtocolVersion]
            .map(|requirement| verdict_on(230_102, said(protocol), None, requirement).map(|verdict| verdict.met))
    };
    assert_eq!(on_public(70_240), [Some(true), Some(false)]);
    assert_eq!(on_public(70_239), [Some(false), Some(false)]);
    assert_eq!(on_public(70_242), [Some(true), Some(true)]);
    let own = verdict_on(230_102, None, Some(said(70_240)), Requirement::NextProtocolVersion);
    assert_eq!(own, Some(RequirementStatus { met: false, evidence: Evidence::OwnNode }));
}

#[test]
fn a_bad_release_is_found_by_user_agent_and_unknown_without_one() {
    let by_agent = |agent| {
        verdict_on(240_003, Some((70_242, None, None, agent)), None, Requirement::Release).map(|verdict| verdict.met)
    };
    assert_eq!(by_agent("/Dash Core:24.0.0/"), Some(false));
    assert_eq!(by_agent("/Dash Core:24.0.1(mn1)/"), Some(false));
    assert_eq!(by_agent("/Dash Core:24.0.3/"), Some(true));
    assert_eq!(by_agent(""), None);
    assert_eq!(by_agent("/other:1/"), None);
}

#[test]
fn an_evo_node_needs_a_registration_of_version_3_once_v24_is_active() {
    // type, ProTx version, phase; met, version to raise, unknown.
    let (evo, regular) = (NodeType::Evo, NodeType::Regular);
    let cases = [
        (evo, Some(1), Some(Phase::Active), Some(false), None, false),
        (evo, Some(2), Some(Phase::Active), Some(false), None, false),
        (evo, Some(3), Some(Phase::Active), Some(true), None, false),
        (evo, Some(4), Some(Phase::Active), Some(true), None, false),
        (evo, None, Some(Phase::Active), None, None, true),
        (evo, Some(2), Some(Phase::LockedIn), None, Some(2), false),
        (evo, Some(2), Some(Phase::Defined), None, Some(2), false),
        (evo, None, Some(Phase::Started), None, None, false),
        (evo, Some(2), None, None, None, true),
        (evo, Some(3), None, Some(true), None, false),
        (regular, Some(2), Some(Phase::Active), None, None, false),
        (regular, Some(2), None, None, None, false),
    ];
    for (node_type, version, phase, met, to_raise, unknown) in cases {
        let details = Details::new(&DetailTexts { version, ..DetailTexts::default() });
        let node = Masternode { node_type, details, ..masternode(1) };
        let deployment = phase.map(deployment);
        let facts = ChainFacts { deployment, ..facts(Subnet::Main, 240_003) };
        let case = Case { masternode: &node, probe: None, rules: &DASH, facts: &facts, read_at: NOW };
        let verdict = met.map(|met| RequirementStatus { met, evidence: Evidence::List });
        assert_eq!(case.verdict(Requirement::ProtxVersion), verdict, "{node_type:?} {version:?} {phase:?}");
        assert_eq!(case.version_to_raise(), to_raise, "{node_type:?} {version:?} {phase:?}");
        assert_eq!(case.protx_version_is_unknown(), unknown, "{node_type:?} {version:?} {phase:?}");
    }
}

fn deployment(phase: Phase) -> Deployment {
    Deployment {
        phase,
        signal_height: None,
        window: None,
        signalling: None,
        activation_height: None,
        earliest_height: None,
    }
}

#[test]
fn every_verdict_rests_on_evidence_of_the_table() {
    for requirement in Requirement::ALL {
        assert!(EVIDENCE.iter().any(|(known, _)| *known == requirement), "{requirement:?}");
    }
}

#[test]
fn version_tables_are_ascending() {
    for rules in BUILT_IN {
        assert!(rules.minimum_protocols.is_sorted(), "{}", rules.name);
    }
}

#[test]
fn a_port_is_open_when_a_node_of_the_chain_answers() {
    let seen = |seconds| Masternode { peer: PeerView::new(Some(UnixSeconds(NOW.0 - seconds)), None), ..masternode(1) };
    let reached = probe(Outcome::Reached, Some(70_240));
    let old = probe(Outcome::Failed(ProbeError::TooOld), Some(70_000));
    let refused = probe(Outcome::Failed(ProbeError::Refused), None);
    let other = probe(Outcome::Failed(ProbeError::WrongMagic), None);
    let named = probe(Outcome::Unprobed(Unprobed::Name), None);
    let cases = [
        (seen(60), Some(&reached), Some((true, Evidence::Probe))),
        (seen(60), Some(&old), Some((true, Evidence::Probe))),
        (seen(60), Some(&refused), Some((false, Evidence::Probe))),
        (seen(60), Some(&other), Some((false, Evidence::Probe))),
        (seen(60), Some(&named), Some((true, Evidence::PeerView))),
        (seen(3_600), None, Some((true, Evidence::PeerView))),
        (seen(3_601), None, None),
        (masternode(1), None, None),
    ];
    for (node, probe, expected) in cases {
        check(&DASH, &node, probe, Requirement::P2pPort, expected);
    }
}

#[test]
fn a_protocol_is_checked_by_the_probe_or_else_by_the_list() {
    let announced = |protocol_version| Masternode {
        announced: Some(Box::new(Announced {
            state: Arc::new(state::UNKNOWN),
            protocol_version,
            last_seen: None,
            started_at: None,
            last_paid_at: None,
            rank: None,
        })),
        ..masternode(1)
    };
    let told = |version| probe(Outcome::Reached, Some(version));
    let silent = probe(Outcome::Failed(ProbeError::Timeout), None);
    let protocol = Requirement::ProtocolVersion;
    check(&DASH, &masternode(1), Some(&told(70_240)), protocol, Some((true, Evidence::Probe)));
    check(&DASH, &masternode(1), Some(&told(70_239)), protocol, Some((false, Evidence::Probe)));
    check(&DASH, &masternode(1), Some(&silent), protocol, None);
    check(&DIMECOIN, &announced(Some(70_007)), None, protocol, Some((true, Evidence::List)));
    check(&DIMECOIN, &announced(Some(70_006)), Some(&silent), protocol, Some((false, Evidence::List)));
    check(&DIMECOIN, &announced(Some(70_006)), Some(&told(70_008)), protocol, Some((true, Evidence::Probe)));
    check(&DIMECOIN, &announced(None), None, protocol, None);
}

#[test]
fn participation_follows_the_score_and_platform_its_bans() {
    let scored = |score, ban_height| Masternode { pose_score: Some(Score(score)), ban_height, ..masternode(1) };
    let evo = |platform_banned| Masternode {
        node_type: NodeType::Evo,
        peer: PeerView::new(None, platform_banned),
        ..masternode(1)
    };
    let (dkg, platform) = (Requirement::DkgParticipation, Requirement::Platform);
    check(&DASH, &scored(0, None), None, dkg, Some((true, Evidence::List)));
    check(&DASH, &scored(1, None), None, dkg, Some((false, Evidence::List)));
    check(&DASH, &scored(0, Some(Height(5))), None, dkg, Some((false, Evidence::List)));
    check(&DIMECOIN, &scored(0, None), None, dkg, None);
    check(&DASH, &evo(Some(false)), None, platform, Some((true, Evidence::PeerView)));
    check(&DASH, &evo(Some(true)), None, platform, Some((false, Evidence::PeerView)));
    check(&DASH, &evo(None), None, platform, None);
    check(&DASH, &masternode(1), None, platform, None);
}

#[test]
fn the_value_of_a_spork_selects_quorum_types_and_is_not_a_time() {
    let cases = [
        (0, Covers::All),
        (1, Covers::Small),
        (2, Covers::None),
        (-1, Covers::None),
        (1_600_000_000, Covers::None),
        (4_070_908_800, Covers::None),
    ];
    for (value, expected) in cases {
        assert_eq!(Covers::of(value), expected, "{value}");
    }
}

#[test]
fn mainnet_has_its_sporks_compiled_in_since_v21() {
    let off = |facts: ChainFacts| ChainFacts {
        sporks: QuorumSpork::ALL.map(|spork| (spork.name().into(), 4_070_908_800)).to_vec(),
        ..facts
    };
    // subnet, the node's version, compiled in, what sporks 21 and 23 cover when both are reported as off.
    let cases = [
        (Subnet::Main, 210_000, true, [Covers::Small, Covers::All]),
        (Subnet::Main, 200_101, false, [Covers::None; 2]),
        (Subnet::Test, 230_102, false, [Covers::None; 2]),
        (Subnet::Regtest, 230_102, false, [Covers::None; 2]),
    ];
    for (subnet, version, compiled, covers) in cases {
        let facts = off(facts(subnet, version));
        assert_eq!(compiled_in(&DASH, &facts), Some(compiled), "{subnet:?} {version}");
        assert_eq!(QuorumSpork::ALL.map(|spork| spork.covers(&DASH, &facts)), covers.map(Some), "{subnet:?} {version}");
    }
    let silent = facts(Subnet::Test, 230_102);
    assert_eq!(QuorumSpork::Pose.covers(&DASH, &silent), None, "a spork that the node does not report is unknown");
    assert_eq!(compiled_in(&DIMECOIN, &silent), None);
    assert_eq!(QuorumSpork::Pose.covers(&DIMECOIN, &off(silent)), None);
}
