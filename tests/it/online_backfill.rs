//! Blocks from before the start, imported between two polls: the file then has the simulator's events, each once.

use std::sync::Arc;
use std::time::Duration;

use domain::{Height, UnixSeconds};
use masternode_exporter::history::{Reader, Store};
use masternode_exporter::rpc::dialect::{self, Shape};
use simulator::{Action, Network};

use crate::support::harness::{NOW, Stage, fail};
use crate::support::ledger;

/// Blocks before the start.
const BEFORE: u32 = 40;

/// Blocks to import.
const WANTED: u32 = 30;

/// More steps than any of these tests needs.
const STEPS: usize = 200;

/// Events before the history begins.
fn lead_a_life(network: &Network) {
    for block in 0..BEFORE as usize {
        let node = network.masternodes()[block % 12].clone();
        let actions = match block % 8 {
            1 => vec![fail(&node, 2)],
            3 => vec![fail(&node, 1)],
            6 => vec![Action::ChangePayout { masternode: node }],
            _ => vec![],
        };
        network.mine_with(&actions).unwrap();
    }
}

async fn stage() -> Stage {
    Stage::recording_after(lead_a_life, |settings| settings.backfill_blocks = WANTED).await
}

fn tip(stage: &Stage) -> u32 {
    stage.network.tip().0
}

fn spans(stage: &Stage) -> Vec<(u32, u32)> {
    let networks = Reader::open(&stage.history()).unwrap().networks().unwrap();
    networks[0].spans.iter().map(|(first, last)| (first.0, last.0)).collect()
}

#[tokio::test]
async fn the_last_blocks_before_the_first_start_are_backfilled_and_not_counted() {
    let mut stage = stage().await;
    let start = tip(&stage);
    stage.mine(&[fail(&stage.masternode(4), 1)]).await;
    assert!(!stage.fill(STEPS).await, "it comes to an end");
    let first = start + 2 - WANTED;
    assert_eq!(spans(&stage), [(first, start + 1)]);
    ledger::assert_kept(&stage.history(), &stage.network, first);
    let events = stage.network.shown_since(first).iter().filter(|(height, _, _)| *height <= start).count();
    let page = stage.page().await;
    page.expect("masternode_exporter_backfill_blocks_total", &[], f64::from(WANTED - 1));
    page.expect("masternode_exporter_backfill_pending_blocks", &[], 0.0);
    let lost = ledger::kept(&stage.history()).iter().filter(|kept| kept.event.kind.name() == "payment_lost").count();
    page.expect("masternode_exporter_backfill_events_total", &[], (events + lost) as f64);
    assert!(lost > 0 && events > WANTED as usize, "something happened");
    let since = stage.network.shown_since(start + 1);
    let masternodes = stage.network.masternodes().to_vec();
    ledger::assert_counted(&page, &since, &masternodes);
}

#[tokio::test]
async fn a_killed_process_continues_where_it_ended() {
    let mut stage = stage().await;
    let first = tip(&stage) + 1 - WANTED;
    assert!(stage.fill(12).await, "there is more to do");
    let known = spans(&stage);
    assert_eq!(known[0].0, first);
    assert!(known[0].1 < first + 12, "{known:?}");
    stage.stop().await;
    for _ in 0..4 {
        stage.network.mine_with(&[fail(&stage.masternode(2), 1)]).unwrap();
    }
    stage.restart().await;
    assert!(!stage.fill(STEPS).await);
    assert_eq!(spans(&stage), [(first, tip(&stage))]);
    ledger::assert_kept(&stage.history(), &stage.network, first);
    stage.page().await.expect("masternode_exporter_backfill_pending_blocks", &[], 0.0);
    stage.stop().await;
    stage.restart().await;
    assert!(!stage.fill(1).await, "nothing is left to do");
}

#[tokio::test]
async fn a_reorganisation_reaches_into_backfilled_blocks() {
    for steps in [15, STEPS] {
        let mut stage = stage().await;
        stage.mine(&[]).await;
        stage.fill(steps).await;
        let first = tip(&stage) - WANTED + 1;
        let node = stage.masternode(5);
        let branch: Vec<Vec<Action>> =
            (0..26).map(|block| if block % 5 == 0 { vec![fail(&node, 1)] } else { vec![] }).collect();
        stage.network.reorg(24, &branch).unwrap();
        stage.poll().await;
        assert!(!stage.fill(STEPS).await);
        ledger::assert_kept(&stage.history(), &stage.network, first.max(spans(&stage)[0].0));
        assert_eq!(spans(&stage).len(), 1, "{:?}", spans(&stage));
        assert_eq!(spans(&stage)[0].1, tip(&stage));
    }
}

#[tokio::test]
async fn nothing_is_backfilled_if_impossible_or_not_requested() {
    let mut stage = Stage::recording_after(lead_a_life, |settings| settings.backfill_blocks = 0).await;
    assert!(!stage.fill(1).await);
    assert_eq!(spans(&stage), []);

    let mut stage = self::stage().await;
    let mut dialect = dialect::DASH;
    if let Shape::ProTx { diff, .. } = &mut dialect.list.shape {
        *diff = None;
    }
    stage.dialect = Arc::new(dialect);
    stage.stop().await;
    stage.restart().await;
    assert!(!stage.fill(1).await, "it is said once, and that is all");
    stage.page().await.expect("masternode_exporter_backfill_pending_blocks", &[], 0.0);
    assert_eq!(spans(&stage), []);
}

#[tokio::test]
async fn blocks_are_backfilled_as_far_as_the_node_knows_them() {
    let mut stage = Stage::recording_after(lead_a_life, |settings| settings.backfill_blocks = 4 * BEFORE).await;
    assert!(!stage.fill(STEPS).await);
    let known = spans(&stage);
    assert_eq!(known.len(), 1);
    assert!(known[0].1 == tip(&stage) && known[0].1 - known[0].0 >= BEFORE / 2, "{known:?}");
    ledger::assert_kept(&stage.history(), &stage.network, known[0].0);
}

/// The simulated chain's times are far before a stage's current time: this retention ends in the middle of the chain.
fn kept_from(moment: UnixSeconds) -> Duration {
    Duration::from_secs(NOW - moment.0)
}

#[tokio::test]
async fn blocks_that_retention_would_delete_are_skipped_and_reported() {
    let mut stage = stage().await;
    let start = stage.snapshot().unwrap().block().to_owned();
    stage.settings.retention = kept_from(UnixSeconds(start.time.0 - 10 * 150));
    stage.stop().await;
    stage.restart().await;
    assert!(!stage.fill(STEPS).await);
    let known = spans(&stage);
    let first = known[0].0;
    assert!(start.height.0 - first < WANTED - 1 && first < start.height.0, "{known:?}");
    ledger::assert_kept(&stage.history(), &stage.network, first);
    stage.stop().await;

    let mut backfill = stage.backfill().await.unwrap();
    assert_eq!(backfill.first_kept().await.unwrap(), Height(first));
    let mut store = Store::open(&stage.history(), UnixSeconds(NOW)).unwrap();
    let all = (Height(0), Height(u32::MAX));
    assert_eq!(backfill.fill(&mut store, all, |_| true).await.unwrap(), (0, 0), "all that is kept is known");
    let old = (Height(first - 9), Height(first - 1));
    let refusal = backfill.fill(&mut store, old, |_| true).await.unwrap_err().to_string();
    assert!(refusal.contains("history.retention"), "{refusal}");
}
