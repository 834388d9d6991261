//! A node that falls back and returns to the same blocks: their events are restored, not counted again.

use masternode_exporter::rpc::dialect;
use simulator::{Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;

const REORGS: &str = "masternode_exporter_reorgs_total";
const RESTORED: &str = "masternode_exporter_events_restored_total";

/// Two blocks with penalties below the tip, all recorded. Returns the height below them.
async fn penalised() -> (Stage, u32) {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let below = stage.network.tip().0;
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    stage.mine(&[fail(&stage.masternode(2), 1)]).await;
    stage.mine(&[]).await;
    (stage, below)
}

async fn resume_from_history(stage: &mut Stage, height: u32) {
    stage.servers[0].handle().faults().set(Fault::FrozenAt(height));
    for _ in 0..5 {
        stage.poll().await;
    }
}

async fn assert_counted_once(stage: &Stage, below: u32) {
    let entries = stage.network.shown_since(below + 1);
    let page = stage.page().await;
    ledger::assert_counted(&page, &entries, &stage.network.masternodes());
    let last = f64::from(below + 1);
    page.expect("masternode_pose_last_penalty_height", &[("alias", "mn-1")], last);
    assert_eq!(stage.flush().await, 0);
    ledger::assert_kept(&stage.history(), &stage.network, below + 1);
    assert!(ledger::kept(&stage.history()).iter().all(|kept| !kept.withdrawn));
}

#[tokio::test]
async fn events_of_blocks_that_return_are_counted_once() {
    let (mut stage, below) = penalised().await;
    for times in 1..=2 {
        resume_from_history(&mut stage, below).await;
        let page = stage.page().await;
        page.expect(REORGS, &[], f64::from(times));
        page.expect_absent("masternode_pose_last_penalty_height", &[("alias", "mn-1")]);
        stage.servers[0].handle().faults().clear();
        stage.poll().await;
        assert_counted_once(&stage, below).await;
    }
    let events = stage.network.shown_since(below + 1).len();
    stage.page().await.expect(RESTORED, &[], 2.0 * events as f64);
    ledger::assert_same(ledger::seen(&stage.events()), stage.network.shown_since(below + 1));
}

#[tokio::test]
async fn events_of_blocks_that_return_after_a_restart_are_counted_once() {
    let (mut stage, below) = penalised().await;
    resume_from_history(&mut stage, below).await;
    stage.stop().await;
    stage.servers[0].handle().faults().clear();
    stage.restart().await;
    assert_counted_once(&stage, below).await;
}

#[tokio::test]
async fn a_block_of_another_branch_is_counted_separately() {
    let (mut stage, below) = penalised().await;
    let abandoned = stage.network.shown_since(below + 1);
    stage.network.reorg(3, &[vec![fail(&stage.masternode(1), 1)], vec![], vec![], vec![]]).unwrap();
    stage.poll().await;
    let counted = [stage.network.shown_since(below + 1), abandoned].concat();
    ledger::assert_counted(&stage.page().await, &counted, &stage.network.masternodes());
    stage.page().await.expect(RESTORED, &[], 0.0);
}
