use super::*;
use crate::chain::DASH;
use crate::chain_facts::ChainFacts;
use crate::list::Block;
use crate::masternode::{BlockHash, Hash};

fn at(subnet: Subnet, tip: u32) -> At {
    let median_time = Some(UnixSeconds(2_000));
    let (seen_signal, stated_window, node_version, coinbase_version) = (None, None, None, None);
    At { subnet, tip: Height(tip), median_time, seen_signal, stated_window, node_version, coinbase_version }
}

fn bip9(status: &str) -> Bip9 {
    let start_time = Some(UnixSeconds(1_000));
    Bip9 { status: status.into(), start_time, needs_signal: Some(true), ..Bip9::default() }
}

fn v24(bip9: Bip9, at: &At) -> Option<Deployment> {
    let fork = Fork { active: Some(bip9.status == "active"), height: None, bip9: Some(bip9) };
    Deployment::v24(&Forks::from([(V24.into(), fork)]), at)
}

#[test]
fn the_earliest_activation_follows_from_the_window_of_the_signal() {
    // Block of the signal on mainnet, earliest activation: the table of docs/spec/dash-24.md#activation.
    for (signal, earliest) in [
        (637 * 4032, 2_580_480),
        (2_572_415, 2_580_480),
        (2_572_416, 2_584_512),
        (2_576_448, 2_588_544),
        (2_580_480, 2_592_576),
        (2_584_511, 2_592_576),
        (641 * 4032, 2_596_608),
    ] {
        let signalled = Bip9 { signal_height: Some(Height(signal)), ..bip9("defined") };
        let deployment = v24(signalled.clone(), &at(Subnet::Main, signal)).unwrap();
        assert_eq!(
            (deployment.phase, deployment.earliest_height),
            (Phase::Signalled, Some(Height(earliest))),
            "{signal}"
        );
        // The next window: blocks are counted, and it is the first that can lock in.
        let since = Height((signal / 4032 + 1) * 4032);
        let started = Bip9 { status: "started".into(), since: Some(since), ..signalled };
        for tip in [since.0 - 1, since.0, since.0 + 4030] {
            let deployment = v24(started.clone(), &at(Subnet::Main, tip)).unwrap();
            assert_eq!(
                (deployment.phase, deployment.earliest_height),
                (Phase::Started, Some(Height(earliest))),
                "{tip}"
            );
        }
        let late = v24(started, &at(Subnet::Main, since.0 + 4031)).unwrap();
        assert_eq!(late.earliest_height, Some(Height(earliest + 4032)), "that window did not lock in");
    }
}

#[test]
fn a_window_that_cannot_lock_in_delays_activation_by_one_window() {
    let signalling = Signalling { window: 24, elapsed: 20, count: 3, threshold: Some(19), possible: Some(false) };
    let started = Bip9 { since: Some(Height(192)), signalling: Some(signalling), ..bip9("started") };
    let deployment = v24(started, &at(Subnet::Regtest, 211)).unwrap();
    assert_eq!((deployment.window, deployment.earliest_height), (Some(24), Some(Height(264))));
    assert_eq!(deployment.signalling.unwrap().ratio(), Some(0.15));
}

#[test]
fn the_steps_come_in_order() {
    // status, EHF height, whether the node prints Dash's own fields, median time: state.
    for (status, signal, needs, median, phase) in [
        ("defined", None, Some(true), Some(999), Phase::Defined),
        ("defined", None, Some(true), Some(1_000), Phase::WaitingForSignal),
        ("defined", Some(50), Some(true), Some(1_000), Phase::Signalled),
        ("defined", None, None, Some(1_000), Phase::Defined),
        ("defined", None, Some(false), Some(1_000), Phase::Defined),
        ("defined", None, Some(true), None, Phase::Defined),
        ("started", None, None, None, Phase::Started),
        ("locked_in", None, None, None, Phase::LockedIn),
        ("active", None, None, None, Phase::Active),
        ("failed", None, None, None, Phase::Failed),
    ] {
        let said = Bip9 { needs_signal: needs, signal_height: signal.map(Height), ..bip9(status) };
        let at = At { median_time: median.map(UnixSeconds), ..at(Subnet::Regtest, 100) };
        assert_eq!(
            v24(said, &at).map(|deployment| deployment.phase),
            Some(phase),
            "{status} {signal:?} {needs:?} {median:?}"
        );
    }
    assert_eq!(v24(bip9("a word that is to come"), &at(Subnet::Main, 100)), None);
}

#[test]
fn a_signal_seen_in_a_block_counts_when_the_node_does_not_report_it() {
    let said = Bip9 { needs_signal: None, ..bip9("defined") };
    let seen = |height| At { seen_signal: Some(Height(height)), ..at(Subnet::Main, 2_576_500) };
    let deployment = v24(said.clone(), &seen(2_576_490)).unwrap();
    assert_eq!((deployment.phase, deployment.signal_height), (Phase::Signalled, Some(Height(2_576_490))));
    assert_eq!(
        v24(said, &seen(2_576_501)).unwrap().phase,
        Phase::Defined,
        "a signal above the tip is of another branch"
    );
}

#[test]
fn an_activation_is_final_from_lock_in_and_starts_with_its_block() {
    let locked = Bip9 { since: Some(Height(216)), ..bip9("locked_in") };
    let stated = Bip9 { activation_height: Some(Height(240)), ..locked.clone() };
    let with_window = Bip9 { signalling: Some(Signalling { window: 24, ..Signalling::default() }), ..locked };
    for said in [Bip9 { since: None, ..stated.clone() }, stated, with_window] {
        let deployment = v24(said, &at(Subnet::Regtest, 227)).unwrap();
        assert_eq!(deployment.activation_height, Some(Height(240)));
        assert_eq!((deployment.earliest_height, deployment.active_since(Height(227))), (None, None));
    }
    let active = v24(Bip9 { since: Some(Height(240)), ..bip9("active") }, &at(Subnet::Regtest, 239)).unwrap();
    assert_eq!((active.phase, active.activation_height), (Phase::Active, Some(Height(240))));
    assert_eq!(active.active_since(Height(239)), None, "the node says active one block early");
    assert_eq!(active.active_since(Height(240)), Some(Height(240)));
}

#[test]
fn a_buried_or_unknown_deployment_is_recognised() {
    let tip =
        |version, coinbase| At { node_version: version, coinbase_version: coinbase, ..at(Subnet::Main, 3_000_000) };
    // version, coinbase version: active or unknown.
    for (version, coinbase, known) in [
        (Some(250_000), Some(4), true),
        (Some(250_000), Some(3), false),
        (Some(250_000), None, false),
        (Some(230_102), Some(3), false),
        (Some(230_102), Some(4), false),
        (None, Some(4), false),
    ] {
        let deployment = Deployment::v24(&Forks::new(), &tip(version, coinbase));
        assert_eq!(
            deployment.map(|deployment| deployment.phase),
            known.then_some(Phase::Active),
            "{version:?} {coinbase:?}"
        );
    }
    let buried = |active, height| {
        let fork = Fork { active: Some(active), height: Some(Height(height)), bip9: None };
        Deployment::v24(&Forks::from([(V24.into(), fork)]), &at(Subnet::Main, 3_000_000)).unwrap()
    };
    assert_eq!(buried(true, 2_592_576).active_since(Height(3_000_000)), Some(Height(2_592_576)));
    assert_eq!(buried(false, 3_100_000).phase, Phase::LockedIn);
}

#[test]
fn the_threshold_decreases_with_each_attempt() {
    // Network, window, attempt, threshold.
    for (subnet, window, attempt, expected) in [
        (Subnet::Main, 4032, 0, 3226),
        (Subnet::Main, 4032, 1, 3218),
        (Subnet::Main, 4032, 5, 3025),
        (Subnet::Main, 4032, 9, 2573),
        (Subnet::Main, 4032, 10, 2420),
        (Subnet::Main, 4032, u32::MAX, 2420),
        (Subnet::Test, 100, 0, 80),
        (Subnet::Test, 100, 10, 60),
        (Subnet::Devnet, 120, 0, 96),
        (Subnet::Regtest, 24, 0, 19),
    ] {
        assert_eq!(threshold(subnet, window, attempt), Some(expected), "{subnet:?} {window} {attempt}");
    }
    assert_eq!(threshold(Subnet::Main, 0, 0), None);
}

#[test]
fn a_missing_threshold_is_computed_from_the_attempt() {
    let signalling = Signalling { window: 4032, elapsed: 1, count: 1, threshold: None, possible: None };
    let started = Bip9 { since: Some(Height(4032 * 640)), signalling: Some(signalling), ..bip9("started") };
    let at = at(Subnet::Main, 4032 * 641);
    assert_eq!(v24(started, &at).unwrap().signalling.unwrap().threshold, Some(3218), "the second window");
}

#[test]
fn a_source_follows_when_it_reports_the_deployment_or_is_new_enough() {
    let named = Forks::from([(V24.into(), Fork::default())]);
    for (forks, version, expected) in [
        (Some(&named), Some(230_102), Some(true)),
        (Some(&named), None, Some(true)),
        (Some(&Forks::new()), Some(240_000), Some(true)),
        (Some(&Forks::new()), Some(230_102), Some(false)),
        (None, Some(230_102), Some(false)),
        (None, None, None),
    ] {
        assert_eq!(follows(forks, version), expected, "{version:?}");
    }
}

#[test]
fn the_expected_time_counts_from_the_tip() {
    let tip = Block { height: Height(100), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(5_000) };
    let facts = ChainFacts { measured_spacing_seconds: Some(150.5), ..ChainFacts::new(Subnet::Main) };
    assert_eq!(facts.expected_at(Height(110), &tip, &DASH), Some(UnixSeconds(6_505)));
    assert_eq!(facts.expected_at(Height(100), &tip, &DASH), None);
}

#[test]
fn a_private_network_has_only_the_window_that_it_reported() {
    let signalled = Bip9 { signal_height: Some(Height(190)), ..bip9("defined") };
    let unsaid = v24(signalled.clone(), &at(Subnet::Regtest, 190)).unwrap();
    assert_eq!((unsaid.window, unsaid.earliest_height), (None, None), "it may have been started with another one");
    let said = At { stated_window: Some(24), ..at(Subnet::Regtest, 190) };
    assert_eq!(v24(signalled.clone(), &said).unwrap().earliest_height, Some(Height(240)));
    for (subnet, window) in [(Subnet::Main, 4032), (Subnet::Test, 100), (Subnet::Devnet, 120)] {
        assert_eq!(v24(signalled.clone(), &at(subnet, 190)).unwrap().window, Some(window));
    }
    let locked = v24(Bip9 { since: Some(Height(216)), ..bip9("locked_in") }, &at(Subnet::Regtest, 220)).unwrap();
    assert_eq!(locked.activation_height, None);
}
