//! Scenarios with a history: counters and events across restarts and disk failures.

use domain::{EventKind, Height, MasternodeId};
use masternode_exporter::history::{Reader, schema};
use masternode_exporter::rpc::dialect::{self, Dialect, Shape};
use rusqlite::Connection;
use simulator::{Action, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;

async fn recording() -> (Stage, u32) {
    let stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let started = stage.network.tip().0 + 1;
    (stage, started)
}

/// Mines blocks with every kind of event, without a follower.
fn live(stage: &Stage, blocks: usize) {
    for block in 0..blocks {
        let node = stage.masternode(block % 12);
        let actions = match block % 50 {
            3 | 7 => vec![fail(&node, 1)],
            20 => vec![fail(&node, 2)],
            30 => vec![Action::ChangePayout { masternode: node }],
            40 => vec![Action::Revive { masternode: stage.masternode(20 % 12) }],
            _ => vec![],
        };
        stage.network.mine_with(&actions).unwrap();
    }
}

/// The page's counters and the file's events are those from a height on.
#[track_caller]
fn assert_complete(stage: &Stage, page: &crate::support::samples::Page, from: u32) {
    ledger::assert_kept(&stage.history(), &stage.network, from);
    ledger::assert_counted(page, &stage.network.shown_since(from), &stage.network.masternodes());
}

#[tokio::test]
async fn a_restart_loses_nothing_and_counts_nothing_twice() {
    let (mut stage, from) = recording().await;
    for round in 0..4 {
        live(&stage, 25);
        if round % 2 == 0 {
            stage.poll().await;
        }
        stage.stop().await;
        live(&stage, round);
        stage.restart().await;
        let page = stage.page().await;
        assert_complete(&stage, &page, from);
        page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
        page.expect("masternode_exporter_history_up", &[], 1.0);
        page.expect("masternode_exporter_history_pending_blocks", &[("network", "dash-test")], 0.0);
    }
    let tip = stage.network.tip().0;
    let reader = Reader::open(&stage.history()).unwrap();
    assert_eq!(reader.networks().unwrap()[0].spans, [(Height(from), Height(tip))], "block by block");
}

#[tokio::test]
async fn a_restart_without_a_new_block_changes_nothing() {
    let (mut stage, from) = recording().await;
    live(&stage, 30);
    stage.poll().await;
    for _ in 0..3 {
        stage.stop().await;
        stage.restart().await;
    }
    assert_complete(&stage, &stage.page().await, from);
}

#[tokio::test]
async fn a_gap_of_300_blocks_while_stopped_is_replayed_and_every_event_has_its_own_height() {
    let (mut stage, from) = recording().await;
    live(&stage, 10);
    stage.poll().await;
    stage.stop().await;
    live(&stage, 300);
    stage.restart().await;
    let page = stage.page().await;
    assert_complete(&stage, &page, from);
    page.expect("masternode_exporter_blocks_followed_total", &[], 300.0);
    page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
}

#[tokio::test]
async fn a_gap_beyond_the_limit_while_stopped_is_reported_and_counters_continue() {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |settings| settings.max_gap_blocks = 20).await;
    let from = stage.network.tip().0 + 1;
    live(&stage, 10);
    stage.poll().await;
    let before = stage.network.shown_since(from);
    stage.stop().await;
    live(&stage, 21);
    let gap_end = stage.network.tip().0;
    stage.restart().await;
    stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], 21.0);
    live(&stage, 5);
    stage.poll().await;
    let known = [before, stage.network.shown_since(gap_end + 1)].concat();
    ledger::assert_counted(&stage.page().await, &known, &stage.network.masternodes());
    let standing: Vec<_> = ledger::kept(&stage.history()).into_iter().map(|kept| kept.event).collect();
    ledger::assert_same(ledger::seen(&standing), known);
    let spans = Reader::open(&stage.history()).unwrap().networks().unwrap().remove(0).spans;
    let span = |first, last| (Height(first), Height(last));
    assert_eq!(spans, [span(from, from + 9), span(gap_end + 1, gap_end + 5)], "the gap is no span");
}

#[tokio::test]
async fn a_reorg_while_stopped_withdraws_its_recorded_events() {
    let (mut stage, from) = recording().await;
    live(&stage, 20);
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    stage.mine(&[]).await;
    let abandoned = stage.network.shown_since(stage.network.tip().0 - 1);
    assert!(abandoned.iter().any(|(_, _, kind)| kind.starts_with("penalty")));
    stage.stop().await;
    let other = vec![fail(&stage.masternode(2), 1)];
    stage.network.reorg(2, &[vec![], other, vec![], vec![]]).unwrap();
    stage.restart().await;

    ledger::assert_kept(&stage.history(), &stage.network, from);
    let kept = ledger::kept(&stage.history());
    let withdrawn = kept.iter().filter(|kept| kept.withdrawn).map(|kept| &kept.event);
    ledger::assert_same(ledger::seen(withdrawn), abandoned.clone());
    let page = stage.page().await;
    let counted = [stage.network.shown_since(from), abandoned].concat();
    ledger::assert_counted(&page, &counted, &stage.network.masternodes());
    page.expect_absent("masternode_pose_last_penalty_height", &[("alias", "mn-1")]);
    page.expect("masternode_exporter_reorgs_total", &[], 1.0);
    page.expect("masternode_exporter_events_withdrawn_total", &[], 3.0);
}

#[tokio::test]
async fn a_reorg_right_after_a_start_is_followed_block_by_block_from_the_history() {
    let (mut stage, from) = recording().await;
    live(&stage, 20);
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    let abandoned = stage.network.shown_since(stage.network.tip().0 - 1);
    stage.stop().await;
    stage.restart().await;
    stage.network.reorg(2, &[vec![], vec![fail(&stage.masternode(2), 1)], vec![]]).unwrap();
    stage.poll().await;
    ledger::assert_kept(&stage.history(), &stage.network, from);
    let page = stage.page().await;
    let counted = [stage.network.shown_since(from), abandoned].concat();
    ledger::assert_counted(&page, &counted, &stage.network.masternodes());
    page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
    page.expect_absent("masternode_pose_last_penalty_height", &[("alias", "mn-1")]);
}

#[tokio::test]
async fn a_node_behind_the_history_withdraws_nothing_at_first() {
    let (mut stage, from) = recording().await;
    live(&stage, 20);
    stage.poll().await;
    stage.stop().await;
    stage.servers[0].handle().set_lag(3);
    stage.restart().await;
    assert!(stage.snapshot().is_none(), "it has not caught up yet");
    assert!(ledger::kept(&stage.history()).iter().all(|kept| !kept.withdrawn));
    stage.servers[0].handle().set_lag(0);
    stage.poll().await;
    assert_complete(&stage, &stage.page().await, from);
}

#[tokio::test]
async fn a_chain_without_old_lists_continues_counting_and_reports_the_gap() {
    let mut dialect: Dialect = dialect::DASH;
    if let Shape::ProTx { pinned, diff, .. } = &mut dialect.list.shape {
        (*pinned, *diff) = (false, None);
    }
    let mut stage = Stage::recording(Options::default(), dialect, |_| {}).await;
    let mut known = Vec::new();
    for _ in 0..5 {
        let height = stage.network.tip().0 + 1;
        stage.mine(&[fail(&stage.masternode(1), 1)]).await;
        known.extend(stage.network.shown_since(height));
    }
    stage.stop().await;
    stage.network.mine(7);
    stage.restart().await;
    stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], 7.0);
    let height = stage.network.tip().0 + 1;
    stage.mine(&[fail(&stage.masternode(2), 1)]).await;
    known.extend(stage.network.shown_since(height));
    ledger::assert_counted(&stage.page().await, &known, &stage.network.masternodes());
    ledger::assert_same(ledger::seen(ledger::kept(&stage.history()).iter().map(|kept| &kept.event)), known);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_delays_nothing_and_catches_up_later() {
    let (mut stage, from) = recording().await;
    stage.mine(&[]).await;
    let other = Connection::open(stage.history()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    stage.mine(&[]).await;
    stage.network.reorg(1, &[vec![fail(&stage.masternode(2), 1)], vec![]]).unwrap();
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    page.expect("masternode_pose_penalties_total", &[("alias", "mn-1")], 1.0);
    page.expect("masternode_pose_penalties_total", &[("alias", "mn-2")], 1.0);
    page.expect("masternode_exporter_history_up", &[], 0.0);
    page.expect("masternode_exporter_history_pending_blocks", &[("network", "dash-test")], 4.0);
    assert!(page.value("masternode_exporter_history_write_errors_total", &[]).unwrap() >= 1.0);

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(stage.flush().await, 0);
    let page = stage.page().await;
    page.expect("masternode_exporter_history_up", &[], 1.0);
    page.expect("masternode_exporter_history_pending_blocks", &[("network", "dash-test")], 0.0);
    ledger::assert_kept(&stage.history(), &stage.network, from);
    let kept = ledger::kept(&stage.history());
    assert_eq!(kept.iter().filter(|kept| kept.withdrawn).count(), 1, "the payment of the replaced block");
    stage.stop().await;
    stage.restart().await;
    stage.page().await.expect("masternode_pose_penalties_total", &[("alias", "mn-1")], 1.0);
}

#[tokio::test]
async fn blocks_missing_because_of_a_failing_disk_are_replayed_after_a_restart() {
    let (mut stage, from) = recording().await;
    let other = Connection::open(stage.history()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    live(&stage, 8);
    stage.poll().await;
    stage.stop().await;
    other.execute_batch("ROLLBACK").unwrap();
    stage.restart().await;
    assert_complete(&stage, &stage.page().await, from);
}

#[tokio::test]
async fn a_file_with_another_state_is_trusted_and_continued() {
    let (mut stage, from) = recording().await;
    live(&stage, 10);
    stage.poll().await;
    let other = Connection::open(stage.history()).unwrap();
    let tip = stage.network.tip().0;
    schema::add_row_checksum(&other).unwrap();
    let foreign = "INSERT INTO block VALUES (1, ?1, zeroblob(32), 0, row_checksum(1, ?1, zeroblob(32), 0))";
    other.execute(foreign, [tip + 1]).unwrap();
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    stage.page().await.expect("masternode_network_height", &[], f64::from(tip + 1));
    stage.mine(&[]).await;
    assert_complete(&stage, &stage.page().await, from);
}

#[tokio::test]
async fn a_network_that_became_another_chain_is_refused_and_not_mixed_with_the_history() {
    let (mut stage, _) = recording().await;
    live(&stage, 10);
    stage.poll().await;
    let before = ledger::kept(&stage.history());
    stage.stop().await;
    let other = Connection::open(stage.history()).unwrap();
    other.execute_batch("UPDATE network SET genesis = zeroblob(32); DELETE FROM network_copy").unwrap();
    stage.restart().await;
    let id: MasternodeId = stage.masternode(1).parse().unwrap();
    stage.mine(&[fail(&id.to_string(), 1)]).await;
    assert!(stage.snapshot().is_none(), "the history says which network this is");
    stage.page().await.expect("masternode_exporter_source_network_match", &[], 0.0);
    assert_eq!(ledger::kept(&stage.history()), before);
}

/// The last penalties of a snapshot: the masternodes, and the number of quorums of each.
fn penalties(stage: &Stage) -> Vec<(String, usize)> {
    let snapshot = stage.snapshot().unwrap();
    let named = snapshot.recent_events().iter().filter_map(|event| match &event.kind {
        EventKind::Penalty { quorums, .. } => Some((event.masternode.to_string(), quorums.len())),
        _ => None,
    });
    named.collect()
}

#[tokio::test]
async fn after_a_restart_the_last_penalties_still_name_their_quorums_unless_their_block_is_replaced() {
    let (mut stage, _) = recording().await;
    let (first, second) = (stage.masternode(3), stage.masternode(5));
    stage.mine(&[fail(&first, 1)]).await;
    stage.mine(&[fail(&second, 1)]).await;
    let reported = [(first.clone(), 1), (second, 1)];
    assert_eq!(penalties(&stage), reported);
    assert_eq!(stage.flush().await, 0);
    stage.stop().await;
    stage.restart().await;
    assert_eq!(penalties(&stage), reported, "each once");
    stage.network.reorg(1, &[vec![], vec![]]).unwrap();
    stage.poll().await;
    assert_eq!(penalties(&stage), [(first, 1)]);
}
