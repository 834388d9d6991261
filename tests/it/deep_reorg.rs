//! A reorg deeper than the kept blocks: its true depth is counted, and no event of the abandoned branch stays valid.

use crate::support::harness::{Stage, fail};
use crate::support::ledger;

const GAP: &str = "masternode_exporter_gap_blocks_total";

#[tokio::test]
async fn a_reorg_below_the_start_counts_all_its_blocks() {
    let mut stage = Stage::small().await;
    stage.network.mine(10);
    stage.poll().await;
    stage.network.reorg(5, &vec![vec![]; 6]).unwrap();
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_network_height", &[], f64::from(stage.network.tip().0));
    page.expect(GAP, &[], 6.0);
}

#[tokio::test]
async fn a_reorg_below_the_start_of_a_history_counts_all_its_blocks_also_after_a_restart() {
    let mut stage = Stage::recording_after(|network| network.mine(10), |_| {}).await;
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    stage.stop().await;
    stage.network.reorg(5, &vec![vec![]; 6]).unwrap();
    stage.restart().await;
    stage.page().await.expect(GAP, &[], 6.0);
    assert!(ledger::kept(&stage.history()).iter().all(|kept| kept.withdrawn), "the penalty is of the dead branch");
}
