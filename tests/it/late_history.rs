//! A history that cannot be opened when the process starts: metrics are served, and events are recorded once it opens.

use masternode_exporter::rpc::dialect::{self, Dialect, Shape};
use simulator::{Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;

/// The given number of blocks, in each of which a masternode fails, each seen separately.
async fn live(stage: &mut Stage, blocks: usize) {
    for block in 0..blocks {
        let failing = stage.masternode(block % 12);
        stage.mine(&[fail(&failing, 1)]).await;
    }
}

/// Counters count the events from a height on.
async fn assert_counted(stage: &Stage, from: u32) {
    let page = stage.page().await;
    ledger::assert_counted(&page, &stage.network.shown_since(from), &stage.network.masternodes());
}

/// The page says so.
async fn assert_closed(stage: &Stage, pending: f64) {
    let page = stage.page().await;
    page.expect("masternode_exporter_history_up", &[], 0.0);
    page.expect("masternode_exporter_history_pending_blocks", &[("network", "dash-test")], pending);
    assert!(page.value("masternode_exporter_history_write_errors_total", &[]).unwrap() >= 1.0);
}

#[tokio::test]
async fn a_new_history_that_opens_late_has_everything_since_the_start() {
    let mut stage = Stage::without_its_history().await;
    let from = stage.network.tip().0 + 1;
    live(&mut stage, 5).await;
    assert_closed(&stage, 6.0).await;
    assert_counted(&stage, from).await;
    stage.network.reorg(2, &[vec![fail(&stage.masternode(7), 1)], vec![], vec![]]).unwrap();
    stage.poll().await;
    let before = stage.page().await;

    stage.allow_history().await;
    stage.page().await.expect("masternode_exporter_history_up", &[], 1.0);
    stage.mine(&[]).await;
    ledger::assert_kept(&stage.history(), &stage.network, from);
    assert!(ledger::kept(&stage.history()).iter().any(|kept| kept.withdrawn), "what the reorg replaced is kept apart");
    let after = stage.page().await;
    after.expect("masternode_exporter_history_pending_blocks", &[("network", "dash-test")], 0.0);
    after.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
    for alias in ["mn-3", "mn-4", "mn-7"] {
        let penalties = |page: &crate::support::samples::Page| {
            page.value("masternode_pose_penalties_total", &[("alias", alias)]).unwrap()
        };
        assert_eq!(penalties(&before), 1.0, "{alias}");
        assert_eq!(penalties(&after), 1.0, "{alias}");
    }
    stage.stop().await;
    stage.restart().await;
    stage.page().await.expect("masternode_pose_penalties_total", &[("alias", "mn-4")], 1.0);
}

#[tokio::test]
async fn a_history_that_opens_late_continues_from_its_end() {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let from = stage.network.tip().0 + 1;
    live(&mut stage, 8).await;
    stage.stop().await;
    stage.forbid_history();
    stage.network.mine(3);
    stage.restart().await;
    let start = stage.network.tip().0 + 1;
    live(&mut stage, 4).await;
    assert_closed(&stage, 5.0).await;
    assert_counted(&stage, start).await;

    stage.allow_history().await;
    live(&mut stage, 2).await;
    ledger::assert_kept(&stage.history(), &stage.network, from);
    assert_counted(&stage, from).await;
    stage.stop().await;
    stage.restart().await;
    ledger::assert_kept(&stage.history(), &stage.network, from);
    assert_counted(&stage, from).await;
}

/// The history is too far behind, or its chain does not provide old lists: events followed meanwhile are added.
async fn check_on_top(dialect: Dialect, max_gap_blocks: u32, missed: usize) {
    let change =
        |settings: &mut masternode_exporter::follower::FollowerSettings| settings.max_gap_blocks = max_gap_blocks;
    let mut stage = Stage::recording(Options::default(), dialect, change).await;
    let from = stage.network.tip().0 + 1;
    live(&mut stage, 8).await;
    let mut known = stage.network.shown_since(from);
    stage.stop().await;
    stage.forbid_history();
    stage.network.mine(missed);
    stage.restart().await;
    let start = stage.network.tip().0 + 1;
    live(&mut stage, 4).await;
    assert_counted(&stage, start).await;
    stage.allow_history().await;
    live(&mut stage, 2).await;
    known.extend(stage.network.shown_since(start));
    let page = stage.page().await;
    page.expect("masternode_exporter_gap_blocks_total", &[], missed as f64);
    ledger::assert_counted(&page, &known, &stage.network.masternodes());
    ledger::assert_same(ledger::seen(ledger::kept(&stage.history()).iter().map(|kept| &kept.event)), known.clone());
    stage.stop().await;
    stage.restart().await;
    ledger::assert_counted(&stage.page().await, &known, &stage.network.masternodes());
}

#[tokio::test]
async fn events_followed_meanwhile_are_added_to_a_history_that_is_too_far_behind() {
    check_on_top(dialect::DASH, 9, 10).await;
}

/// A node that returns the list of its tip only.
fn without_old_lists() -> Dialect {
    let mut dialect: Dialect = dialect::DASH;
    if let Shape::ProTx { pinned, diff, .. } = &mut dialect.list.shape {
        (*pinned, *diff) = (false, None);
    }
    dialect
}

#[tokio::test]
async fn events_followed_meanwhile_are_added_without_old_lists() {
    check_on_top(without_old_lists(), 5000, 10).await;
    check_on_top(without_old_lists(), 5000, 0).await;
}

#[tokio::test]
async fn the_block_that_finds_the_history_deleted_is_recorded_without_old_lists() {
    let mut stage = Stage::recording(Options::default(), without_old_lists(), |_| {}).await;
    let from = stage.network.tip().0 + 1;
    live(&mut stage, 4).await;
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", stage.history().display())).unwrap();
    }
    stage.flush().await;
    live(&mut stage, 3).await;
    for _ in 0..2 {
        ledger::assert_kept(&stage.history(), &stage.network, from);
        assert_counted(&stage, from).await;
        stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
        stage.stop().await;
        stage.restart().await;
    }
}

#[tokio::test]
async fn blocks_that_an_older_copy_of_the_history_does_not_have_are_counted() {
    for falls_back in [false, true] {
        let mut stage = Stage::recording(Options::default(), without_old_lists(), |_| {}).await;
        live(&mut stage, 2).await;
        stage.stop().await;
        let older = stage.history().with_extension("older");
        std::fs::copy(stage.history(), &older).unwrap();
        stage.restart().await;
        live(&mut stage, 4).await;
        std::fs::rename(&older, stage.history()).unwrap();
        stage.flush().await;
        let mut from = stage.network.tip().0 + 1;
        if falls_back {
            // A block is taken back, so that none waits until the history is open again.
            from -= 1;
            stage.servers[0].handle().faults().set(Fault::FrozenAt(from - 1));
            for _ in 0..4 {
                stage.poll().await;
            }
            stage.page().await.expect("masternode_network_height", &[], f64::from(from - 1));
            stage.servers[0].handle().faults().clear();
            stage.poll().await;
        }
        live(&mut stage, 3).await;
        let missing = if falls_back { 3.0 } else { 4.0 };
        stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], missing);
        let kept = ledger::kept(&stage.history());
        let kept = kept.iter().map(|kept| &kept.event).filter(|event| event.block.height.0 >= from);
        ledger::assert_same(ledger::seen(kept), stage.network.shown_since(from));
    }
}

#[tokio::test]
async fn a_block_that_returns_after_the_history_opened_late_is_counted() {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let from = stage.network.tip().0 + 1;
    live(&mut stage, 3).await;
    stage.stop().await;
    stage.forbid_history();
    stage.restart().await;
    let below = stage.network.tip().0;
    stage.mine(&[fail(&stage.masternode(5), 1)]).await;
    // The node falls back, so the block is taken back before it was ever recorded. Then the history opens.
    stage.servers[0].handle().faults().set(Fault::FrozenAt(below));
    for _ in 0..4 {
        stage.poll().await;
    }
    stage.page().await.expect("masternode_network_height", &[], f64::from(below));
    stage.allow_history().await;
    stage.servers[0].handle().faults().clear();
    stage.poll().await;
    assert_counted(&stage, from).await;
    assert_eq!(stage.flush().await, 0);
    ledger::assert_kept(&stage.history(), &stage.network, from);
}
