//! Scenarios on a simulated network, through the socket: the page after each.

use std::time::Duration;

use domain::EventKind;
use simulator::{Action, Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;

const ONE: &[(&str, &str)] = &[("alias", "mn-1")];

#[tokio::test]
async fn a_single_failure_decays_until_it_is_safe_and_then_clear() {
    let mut stage = Stage::following().await;
    stage.page().await.expect("masternode_network_pose_limit", &[], 100.0);
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 66.0);
    page.expect("masternode_pose_failures_until_ban", ONE, 1.0);
    page.expect("masternode_pose_blocks_until_safe", ONE, 32.0);
    page.expect("masternode_pose_penalties_total", ONE, 1.0);
    page.expect("masternode_pose_banned", ONE, 0.0);
    page.expect("masternode_network_risk_nodes", &[("risk", "one_failure_from_ban")], 1.0);
    page.expect("masternode_group_nodes", &[("group", "odd"), ("risk", "one_failure_from_ban")], 1.0);
    let height = f64::from(stage.network.tip().0);
    page.expect("masternode_pose_last_penalty_height", ONE, height);
    page.expect("masternode_pose_safe_height", ONE, height + 32.0);

    stage.network.mine(32);
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 34.0);
    page.expect("masternode_pose_failures_until_ban", ONE, 2.0);
    page.expect("masternode_pose_blocks_until_safe", ONE, 0.0);
    page.expect("masternode_pose_blocks_until_clear", ONE, 34.0);

    stage.network.mine(34);
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 0.0);
    page.expect("masternode_network_risk_nodes", &[("risk", "clear")], 12.0);
    page.expect("masternode_pose_penalties_total", ONE, 1.0);
}

#[tokio::test]
async fn a_second_failure_too_soon_bans_and_a_revival_resets() {
    let mut stage = Stage::following().await;
    let node = stage.masternode(1);
    stage.mine(&[fail(&node, 1)]).await;
    stage.network.mine(20);
    stage.mine(&[fail(&node, 1)]).await;
    let banned_at = f64::from(stage.network.tip().0);
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 100.0);
    page.expect("masternode_pose_banned", ONE, 1.0);
    page.expect("masternode_enabled", ONE, 0.0);
    page.expect("masternode_pose_failures_until_ban", ONE, 0.0);
    page.expect("masternode_pose_ban_height", ONE, banned_at);
    page.expect("masternode_pose_bans_total", &[("alias", "mn-1"), ("cause", "dkg")], 1.0);
    page.expect("masternode_pose_penalties_total", ONE, 2.0);
    page.expect("masternode_payment_probability_ratio", &[("alias", "mn-1"), ("horizon", "24h")], 0.0);
    page.expect_absent("masternode_pose_blocks_until_safe", ONE);
    page.expect_absent("masternode_payment_queue_position", ONE);

    stage.network.mine(5);
    stage.poll().await;
    stage.page().await.expect("masternode_pose_score", ONE, 100.0);

    stage.mine(&[Action::Revive { masternode: node }]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 0.0);
    page.expect("masternode_pose_banned", ONE, 0.0);
    page.expect("masternode_pose_revivals_total", ONE, 1.0);
    page.expect("masternode_pose_revived_height", ONE, f64::from(stage.network.tip().0));
    page.expect_absent("masternode_pose_ban_height", ONE);
    let queue = stage.network.payment_queue(12);
    for index in 0..12 {
        let place = queue.iter().position(|node| *node == stage.masternode(index)).unwrap() + 1;
        page.expect("masternode_payment_queue_position", &[("alias", &format!("mn-{index}"))], place as f64);
    }
}

#[tokio::test]
async fn two_commitments_in_one_block_ban_a_node_that_had_no_score() {
    let mut stage = Stage::following().await;
    stage.mine(&[fail(&stage.masternode(1), 2)]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 100.0);
    page.expect("masternode_pose_banned", ONE, 1.0);
    page.expect("masternode_pose_penalties_total", ONE, 2.0);
    page.expect("masternode_pose_bans_total", &[("alias", "mn-1"), ("cause", "dkg")], 1.0);
}

#[tokio::test]
async fn bans_by_the_operator_and_the_owner_are_distinguished() {
    let mut stage = Stage::following().await;
    let (one, two) = (stage.masternode(1), stage.masternode(2));
    stage.mine(&[Action::Revoke { masternode: one, reason: 1 }, Action::ChangeOperatorKey { masternode: two }]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_bans_total", &[("alias", "mn-1"), ("cause", "revoked")], 1.0);
    page.expect("masternode_pose_bans_total", &[("alias", "mn-2"), ("cause", "key_changed")], 1.0);
    page.expect("masternode_changes_total", &[("alias", "mn-2"), ("field", "operator_key")], 1.0);
    page.expect("masternode_pose_score", ONE, 0.0);
    page.expect("masternode_state", &[("alias", "mn-1"), ("state", "revoked")], 1.0);
}

#[tokio::test]
async fn a_watched_node_whose_collateral_is_spent_stays_on_the_page_as_not_registered() {
    let mut stage = Stage::following().await;
    stage.page().await.expect("masternode_registered", ONE, 1.0);
    stage.mine(&[Action::SpendCollateral { masternode: stage.masternode(1) }]).await;
    let page = stage.page().await;
    page.expect("masternode_registered", ONE, 0.0);
    page.expect_absent("masternode_pose_score", ONE);
    assert_eq!(page.count("masternode_pose_score"), 11);
    page.expect("masternode_network_removals_total", &[("node_type", "regular")], 1.0);
    // A watch list without it forgets it, also if a poll sees that list first.
    stage.watch(domain::watch::WatchList::default());
    stage.mine(&[]).await;
    assert_eq!(stage.page().await.count("masternode_registered"), 0);
}

#[tokio::test]
async fn a_reorg_across_a_penalty_withdraws_it_and_counters_never_decrease() {
    let mut stage = Stage::following().await;
    let node = stage.masternode(1);
    stage.mine(&[fail(&node, 1)]).await;
    stage.mine(&[]).await;
    stage.page().await.expect("masternode_pose_score", ONE, 65.0);

    stage.network.reorg(2, &[vec![], vec![], vec![]]).unwrap();
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 0.0);
    page.expect("masternode_pose_penalties_total", ONE, 1.0);
    page.expect_absent("masternode_pose_last_penalty_height", ONE);
    page.expect("masternode_exporter_reorgs_total", &[], 1.0);
    // One penalty and the payments of two blocks.
    page.expect("masternode_exporter_events_withdrawn_total", &[], 3.0);
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    assert!(!stage.events().iter().any(|event| matches!(event.kind, EventKind::Penalty { .. })));

    stage.network.reorg(1, &[vec![fail(&node, 1)], vec![]]).unwrap();
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 65.0);
    page.expect("masternode_pose_penalties_total", ONE, 2.0);
}

#[tokio::test]
async fn after_a_pause_of_300_blocks_every_event_has_its_own_height() {
    let mut stage = Stage::following().await;
    let (started, _) = stage.network.tip();
    for block in 0..300 {
        let node = stage.masternode(block % 12);
        let actions = match block % 100 {
            7 => vec![fail(&node, 1)],
            40 => vec![fail(&node, 2)],
            90 => vec![Action::ChangePayout { masternode: node }],
            _ => vec![],
        };
        stage.network.mine_with(&actions).unwrap();
    }
    stage.poll().await;
    assert_seen_as_it_happened(&stage, started);
    stage.page().await.expect("masternode_exporter_blocks_followed_total", &[], 300.0);
    stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
}

#[tokio::test]
async fn events_of_a_lively_network_with_mainnet_rules_match_the_ledger() {
    let options = Options { lively: true, failure_rate: 0.02, offline: 3, ..Options::main(400) };
    let mut stage = Stage::new(options, 1).await;
    stage.poll().await;
    let (started, _) = stage.network.tip();
    for _ in 0..60 {
        stage.network.mine(5);
        stage.poll().await;
    }
    assert!(stage.events().iter().any(|event| matches!(event.kind, EventKind::Penalty { .. })), "something happened");
    assert_seen_as_it_happened(&stage, started);
    stage.page().await.expect("masternode_exporter_resyncs_total", &[], 0.0);
}

/// Compares our events with the simulator's ledger: the same events, heights and blocks.
fn assert_seen_as_it_happened(stage: &Stage, started: u32) {
    let events = stage.events();
    assert!(events.iter().all(|event| event.exact));
    ledger::assert_same(ledger::seen(&events), stage.network.shown_since(started + 1));
}

#[tokio::test]
async fn a_gap_beyond_the_limit_is_reported_and_the_list_read_again() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.max_gap_blocks = 20).await;
    stage.poll().await;
    stage.network.mine(21);
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_gap_blocks_total", &[], 21.0);
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
}

#[tokio::test]
async fn a_node_without_list_diffs_is_followed_by_full_lists() {
    for version in [190_300, 180_202, 170_003] {
        let options = Options { version, evo: 0, ..Options::default() };
        let mut stage = Stage::new(options, 1).await;
        stage.poll().await;
        stage.mine(&[fail(&stage.masternode(1), 1)]).await;
        let page = stage.page().await;
        page.expect("masternode_pose_score", ONE, 66.0);
        page.expect("masternode_pose_penalties_total", ONE, 1.0);
        assert!(stage.events().iter().all(|event| event.exact));
        assert!(!stage.servers[0].handle().calls().contains_key("protx listdiff"), "version {version}");
    }
}

#[tokio::test]
async fn a_gap_is_walked_by_full_lists_where_the_node_has_no_list_diffs() {
    for version in [190_300, 170_003] {
        let mut stage = Stage::new(Options { version, evo: 0, ..Options::default() }, 1).await;
        stage.poll().await;
        let from = stage.network.tip().0 + 1;
        for block in 0..60 {
            let actions = if block % 7 == 3 { vec![fail(&stage.masternode(block % 9), 1)] } else { vec![] };
            stage.network.mine_with(&actions).unwrap();
        }
        stage.poll().await;
        let page = stage.page().await;
        page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
        page.expect("masternode_exporter_blocks_followed_total", &[], 60.0);
        let happened = stage.network.shown_since(from);
        assert!(happened.len() > 60, "payments and penalties");
        ledger::assert_same(ledger::seen(&stage.events()), happened.clone());
        ledger::assert_counted(&page, &happened, &stage.network.masternodes());
    }
}

#[tokio::test]
async fn a_snapshot_that_becomes_stale_during_a_walk_is_withdrawn() {
    let options = Options { version: 190_300, evo: 0, ..Options::default() };
    let mut stage = Stage::with(options, 1, |settings| settings.stale_after = Duration::ZERO).await;
    stage.poll().await;
    assert!(stage.snapshot().is_some());
    stage.network.mine(40);
    let mut states = stage.states();
    let is_withdrawn = tokio::select! {
        biased;
        state = states.wait_for(|state| state.snapshot.is_none()) => state.is_ok(),
        () = stage.poll() => false,
    };
    assert!(is_withdrawn);
    stage.poll().await;
    stage.page().await.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
}

#[tokio::test]
async fn a_snapshot_that_becomes_stale_while_a_source_does_not_answer_is_withdrawn_and_comes_back_with_the_answer() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.stale_after = Duration::ZERO).await;
    stage.poll().await;
    stage.servers[0].handle().faults().set(Fault::Hang);
    let mut states = stage.states();
    let withdrawn = tokio::select! {
        biased;
        state = states.wait_for(|state| state.snapshot.is_none()) => state.unwrap().withdrawn.is_some(),
        () = stage.poll() => false,
    };
    assert!(withdrawn, "names and groups stay known");
    stage.servers[0].handle().faults().clear();
    stage.poll().await;
    assert_eq!(stage.page().await.count("masternode_pose_score"), 12);
}

#[tokio::test]
async fn the_load_on_the_node_depends_on_blocks_and_not_on_polls() {
    let mut stage = Stage::following().await;
    stage.servers[0].handle().forget_calls();
    for _ in 0..10 {
        stage.poll().await;
    }
    let calls = stage.servers[0].handle().calls();
    // A node whose tip does not change is occasionally asked for its sync state and its reports.
    let (rare, tip): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(name, _)| name != "getbestblockhash");
    assert_eq!(tip, [("getbestblockhash".to_string(), 10)]);
    let light = |(name, times): &(String, u64)| match name.as_str() {
        "getblockchaininfo" => *times <= 4,
        "mnsync status" | "getnetworkinfo" => *times <= 2,
        _ => false,
    };
    assert!(rare.iter().all(light), "{rare:?}");
    stage.mine(&[]).await;
    let calls = stage.servers[0].handle().calls();
    assert_eq!(calls.get("protx listdiff"), Some(&1));
    assert_eq!(calls.get("protx list"), None);
}

#[tokio::test]
async fn another_source_takes_over_and_the_preferred_one_returns() {
    let mut stage = Stage::new(Options::default(), 2).await;
    stage.poll().await;
    for fault in
        [Fault::Busy, Fault::BusyOld, Fault::Unauthorized, Fault::WarmUp("Loading block index…".into()), Fault::Hang]
    {
        stage.servers[0].handle().faults().set(fault.clone());
        stage.mine(&[]).await;
        let page = stage.page().await;
        page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
        page.expect("masternode_exporter_source_synced", &[("source", "node-0")], 0.0);
        page.expect("masternode_exporter_source_synced", &[("source", "node-1")], 1.0);
        stage.servers[0].handle().faults().clear();
        stage.poll().await;
        stage.page().await.expect("masternode_exporter_source_synced", &[("source", "node-0")], 1.0);
    }
    stage.page().await.expect("masternode_exporter_resyncs_total", &[], 0.0);
    stage.page().await.expect("masternode_exporter_reorgs_total", &[], 0.0);
}

#[tokio::test]
async fn a_source_that_stays_behind_is_replaced_by_another() {
    let mut stage = Stage::new(Options::default(), 2).await;
    stage.poll().await;
    let (height, _) = stage.network.tip();
    stage.servers[0].handle().faults().set(Fault::FrozenAt(height));
    stage.network.mine(5);
    for _ in 0..12 {
        stage.poll().await;
    }
    stage.page().await.expect("masternode_network_height", &[], f64::from(height + 5));
    stage.page().await.expect("masternode_exporter_reorgs_total", &[], 0.0);
}

#[tokio::test]
async fn a_starting_node_answers_without_data_to_publish() {
    let mut stage = Stage::small().await;
    for fault in [Fault::WarmUp("Verifying blocks…".into()), Fault::NotSynced] {
        stage.servers[0].handle().faults().set(fault);
        stage.poll().await;
        assert!(stage.snapshot().is_none());
        let page = stage.page().await;
        page.expect("masternode_exporter_source_up", &[], 1.0);
        page.expect("masternode_exporter_source_synced", &[], 0.0);
        assert_eq!(page.count("masternode_pose_score"), 0);
    }
    stage.servers[0].handle().faults().clear();
    stage.poll().await;
    stage.page().await.expect("masternode_exporter_source_synced", &[], 1.0);
    assert_eq!(stage.page().await.count("masternode_pose_score"), 12);
}

#[tokio::test]
async fn a_source_on_another_network_is_refused() {
    for fault in [Fault::WrongNetwork, Fault::Bitcoin] {
        let mut stage = Stage::new(Options::default(), 2).await;
        stage.servers[1].handle().faults().set(fault.clone());
        stage.poll().await;
        stage.servers[0].handle().faults().set(Fault::Busy);
        stage.network.mine(1);
        stage.poll().await;
        let page = stage.page().await;
        page.expect("masternode_exporter_source_network_match", &[("source", "node-1")], 0.0);
        page.expect("masternode_exporter_source_network_match", &[("source", "node-0")], 1.0);
        page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0 - 1));
    }
}

#[tokio::test]
async fn impossible_answers_change_nothing_and_correct_ones_are_used_afterwards() {
    let faults = [
        Fault::Torn(40),
        Fault::Oversized(u64::MAX),
        Fault::Slow(Duration::from_secs(5)),
        Fault::Garbage,
        Fault::Forbidden,
        Fault::LyingHeight(7),
        Fault::LyingHeight(-3),
    ];
    for fault in faults {
        let mut stage = Stage::following().await;
        let (height, _) = stage.network.tip();
        stage.servers[0].handle().faults().set(fault.clone());
        stage.mine(&[fail(&stage.masternode(1), 1)]).await;
        let page = stage.page().await;
        page.expect("masternode_exporter_list_height", &[], f64::from(height));
        page.expect("masternode_pose_score", ONE, 0.0);
        page.expect("masternode_exporter_source_synced", &[], 0.0);
        stage.servers[0].handle().faults().clear();
        stage.poll().await;
        let page = stage.page().await;
        page.expect("masternode_pose_score", ONE, 66.0);
        page.expect("masternode_pose_penalties_total", ONE, 1.0);
        page.expect("masternode_exporter_source_synced", &[], 1.0);
    }
}

#[tokio::test]
async fn optional_requests_cannot_delay_a_list() {
    for method in ["getbestchainlock", "masternode count", "protx info", "spork show"] {
        let mut stage = Stage::following().await;
        stage.servers[0].handle().faults().set_for(Fault::Busy, &[method]);
        stage.mine(&[fail(&stage.masternode(1), 1)]).await;
        stage.page().await.expect("masternode_pose_score", ONE, 66.0);
    }
}

#[tokio::test]
async fn a_user_without_listdiff_is_served_by_full_lists() {
    let mut stage = Stage::following().await;
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx listdiff"]);
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    stage.page().await.expect("masternode_pose_score", ONE, 66.0);
}

#[tokio::test]
async fn a_node_that_loses_its_sync_at_our_tip_is_noticed() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.stale_after = Duration::ZERO).await;
    stage.poll().await;
    stage.servers[0].handle().faults().set(Fault::NotSynced);
    for _ in 0..12 {
        stage.poll().await;
    }
    assert!(stage.snapshot().is_none());
}

#[tokio::test]
async fn a_source_behind_the_followed_tip_does_not_take_over() {
    // Right after the start no earlier blocks are known by which to recognise the other source's tip.
    let mut stage = Stage::new(Options::default(), 2).await;
    stage.poll().await;
    let height = f64::from(stage.network.tip().0);
    stage.servers[0].handle().faults().set(Fault::Busy);
    stage.servers[1].handle().set_lag(1);
    stage.poll().await;
    stage.page().await.expect("masternode_network_height", &[], height);
    stage.page().await.expect("masternode_exporter_resyncs_total", &[], 0.0);
}

#[tokio::test]
async fn a_reorg_into_a_skipped_gap_is_followed() {
    let options = Options { version: 180_202, evo: 0, ..Options::default() };
    let mut stage = Stage::with(options, 1, |settings| settings.max_gap_blocks = 20).await;
    stage.poll().await;
    stage.network.mine(30);
    stage.poll().await;
    stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], 30.0);
    stage.network.reorg(1, &[vec![], vec![]]).unwrap();
    stage.poll().await;
    stage.page().await.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
}

#[tokio::test]
async fn changes_that_contradict_the_list_are_replaced_by_the_full_list() {
    let mut stage = Stage::following().await;
    stage.servers[0].handle().faults().set(Fault::LyingDiff);
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_score", ONE, 66.0);
    page.expect("masternode_pose_penalties_total", ONE, 1.0);
    page.expect("masternode_exporter_resyncs_total", &[], 1.0);
}

#[tokio::test]
async fn a_list_that_no_source_confirms_is_withdrawn_and_restored() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.stale_after = Duration::ZERO).await;
    stage.poll().await;
    assert!(stage.snapshot().is_some());
    stage.servers[0].handle().faults().set(Fault::Busy);
    stage.poll().await;
    assert!(stage.snapshot().is_none());
    assert_eq!(stage.page().await.count("masternode_pose_score"), 0);
    stage.servers[0].handle().faults().clear();
    stage.poll().await;
    assert_eq!(stage.page().await.count("masternode_pose_score"), 12);
}

#[tokio::test]
async fn another_watch_list_is_used_with_the_next_poll_and_needs_no_call() {
    use domain::watch::{Selector, WatchEntry, WatchField, WatchList};
    let mut stage = Stage::following().await;
    let payout = stage.network.masternode(&stage.masternode(3)).unwrap().payout_address;
    let selected = WatchEntry {
        selector: Selector::Fields(vec![(WatchField::PayoutAddress, payout.clone())]),
        alias: "treasury".into(),
        groups: [("operator".to_string(), "acme".to_string())].into(),
        expectations: vec![(WatchField::PayoutAddress, payout), (WatchField::Address, "192.0.2.1:9999".into())],
        thresholds: Default::default(),
    };
    stage.watch(WatchList::new(vec![selected]));
    stage.mine(&[]).await;
    let alias = format!("treasury-{}", &stage.masternode(3)[..8]);
    let page = stage.page().await;
    page.expect("masternode_registered", &[("alias", &alias)], 1.0);
    page.expect("masternode_info", &[("alias", &alias), ("operator", "acme")], 1.0);
    page.expect("masternode_expectation_met", &[("alias", &alias), ("field", "payout_address")], 1.0);
    page.expect("masternode_expectation_met", &[("alias", &alias), ("field", "address")], 0.0);
    page.expect("masternode_group_nodes", &[("group_key", "operator"), ("group", "acme"), ("risk", "clear")], 1.0);
    assert_eq!(page.count("masternode_registered"), 1);
    assert_eq!(page.count("masternode_pose_score"), 12);

    stage.mine(&[Action::ChangePayout { masternode: stage.masternode(3) }]).await;
    let page = stage.page().await;
    page.expect("masternode_registered", &[("alias", &alias)], 1.0);
    page.expect("masternode_expectation_met", &[("alias", &alias), ("field", "payout_address")], 0.0);
}

#[tokio::test]
async fn a_penalty_names_the_quorums_that_reported_the_failure() {
    let mut stage = Stage::following().await;
    let (one, two) = (stage.masternode(1), stage.masternode(2));
    // Each in a separate block, and seen together after a pause: the quorums are those of the penalty's own block.
    stage.network.mine_with(&[fail(&one, 2)]).unwrap();
    stage.network.mine_with(&[fail(&two, 1)]).unwrap();
    stage.network.mine(20);
    stage.poll().await;
    let reported: Vec<(String, usize, u32)> = stage
        .events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Penalty { quorums, failures, .. } => {
                let begun = quorums.iter().all(|quorum| quorum.height < event.block.height);
                assert!(begun, "a session begins before its commitment: {quorums:?}");
                assert!(quorums.iter().all(|quorum| quorum.quorum_type.starts_with("llmq_test")), "{quorums:?}");
                Some((event.masternode.to_string(), quorums.len(), failures))
            }
            _ => None,
        })
        .collect();
    assert_eq!(reported, [(one, 2, 2), (two, 1, 1)]);
}

#[tokio::test]
async fn a_penalty_that_the_limit_cut_counts_the_quorums_that_are_named() {
    let mut stage = Stage::following().await;
    let one = stage.masternode(1);
    // 66, then 66 - 1 + 35 of 2 · 66: the limit is 100, so the points alone say one failure.
    stage.mine(&[fail(&one, 1)]).await;
    stage.mine(&[fail(&one, 2)]).await;
    let cut = stage.events().into_iter().filter_map(|event| match event.kind {
        EventKind::Penalty { points, failures, clamped: true, quorums, .. } => Some((points, failures, quorums.len())),
        _ => None,
    });
    assert_eq!(cut.collect::<Vec<_>>(), [(35, 2, 2)]);
    let page = stage.page().await;
    page.expect("masternode_pose_penalties_total", ONE, 3.0);
    page.expect("masternode_network_penalties_total", &[("node_type", "regular")], 3.0);
}

#[tokio::test]
async fn a_node_that_does_not_provide_quorums_still_provides_penalties() {
    let mut stage = Stage::following().await;
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["quorum"]);
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_penalties_total", ONE, 1.0);
    page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
    assert!(
        stage
            .events()
            .iter()
            .any(|event| matches!(&event.kind, EventKind::Penalty { quorums, .. } if quorums.is_empty()))
    );
}
