//! Blocks that were not followed and are imported later: the file then has the simulator's events, each once.

use domain::{Height, UnixSeconds};
use masternode_exporter::history::{Reader, Store};
use masternode_exporter::rpc::dialect::{self, Dialect, Shape};
use simulator::{Action, Options};

use crate::support::harness::{NOW, Stage, fail};
use crate::support::ledger;

/// Blocks of the gap.
const GAP: u32 = 60;

/// A history with a closed gap, and the first height that it can know.
async fn with_gap() -> (Stage, u32) {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |settings| settings.max_gap_blocks = 20).await;
    let from = stage.network.tip().0 + 1;
    stage.mine(&[fail(&stage.masternode(3), 1)]).await;
    stage.stop().await;
    for block in 0..GAP as usize {
        let node = stage.masternode(block % 12);
        let actions = match block % 20 {
            3 => vec![fail(&node, 2)],
            7 | 12 => vec![fail(&node, 1)],
            15 => vec![Action::ChangePayout { masternode: node }],
            _ => vec![],
        };
        stage.network.mine_with(&actions).unwrap();
    }
    stage.restart().await;
    stage.mine(&[fail(&stage.masternode(4), 1)]).await;
    stage.page().await.expect("masternode_exporter_gap_blocks_total", &[], f64::from(GAP));
    stage.stop().await;
    (stage, from)
}

const ALL: (Height, Height) = (Height(0), Height(u32::MAX));

fn store(stage: &Stage) -> Store {
    Store::open(&stage.history(), UnixSeconds(NOW)).unwrap()
}

#[tokio::test]
async fn an_interrupted_backfill_continues_where_it_ended_and_imports_events_once() {
    let (mut stage, from) = with_gap().await;
    let counted = stage.page().await;
    let gap = (Height(from + 1), Height(from + GAP));
    let mut backfill = stage.backfill().await.unwrap();
    let mut seen = Vec::new();
    let mut file = store(&stage);
    let stopped = backfill.fill(&mut file, gap, |progress| {
        seen.push((progress.height.0, progress.done, progress.total));
        progress.done < 25
    });
    assert_eq!(stopped.await.unwrap(), (25, GAP));
    drop(file);
    assert_eq!(seen.first(), Some(&(from + 1, 1, GAP)));
    let spans = Reader::open(&stage.history()).unwrap().networks().unwrap().remove(0).spans;
    assert_eq!(spans[0], (Height(from), Height(from + 25)), "what was filled in stays");
    assert_eq!(backfill.fill(&mut store(&stage), gap, |_| true).await.unwrap(), (GAP - 25, GAP - 25));
    assert_eq!(backfill.fill(&mut store(&stage), gap, |_| true).await.unwrap(), (0, 0), "nothing is left");
    ledger::assert_kept(&stage.history(), &stage.network, from);

    stage.restart().await;
    let page = stage.page().await;
    for alias in ["mn-0", "mn-3", "mn-7"] {
        let penalties = counted.value("masternode_pose_penalties_total", &[("alias", alias)]).unwrap();
        page.expect("masternode_pose_penalties_total", &[("alias", alias)], penalties);
    }
}

#[tokio::test]
async fn backfilled_penalties_name_their_quorums() {
    let (stage, from) = with_gap().await;
    stage.backfill().await.unwrap().fill(&mut store(&stage), (Height(from), ALL.1), |_| true).await.unwrap();
    let kept = ledger::kept(&stage.history());
    let mut penalties = 0;
    for kept in kept.iter().filter(|kept| kept.event.kind.name() == "penalty") {
        let domain::EventKind::Penalty { failures, quorums, .. } = &kept.event.kind else {
            unreachable!("by its name")
        };
        penalties += 1;
        assert_eq!(quorums.len(), *failures as usize, "{:?}", kept.event);
        assert!(!quorums.is_empty(), "{:?}", kept.event);
    }
    assert!(penalties > 5);
}

#[tokio::test]
async fn a_time_is_found_among_the_blocks() {
    let (stage, _) = with_gap().await;
    let backfill = stage.backfill().await.unwrap();
    let tip = stage.snapshot().unwrap().block().to_owned();
    assert_eq!(backfill.first_since(tip.time).await.unwrap(), tip.height);
    assert_eq!(backfill.first_since(UnixSeconds(tip.time.0 + 1)).await.unwrap(), tip.height.after(1));
    assert_eq!(backfill.first_since(UnixSeconds(0)).await.unwrap(), Height(0));
}

#[tokio::test]
async fn a_chain_without_old_lists_and_a_history_without_a_block_are_refused_with_the_reason() {
    let mut dialect: Dialect = dialect::DASH;
    if let Shape::ProTx { pinned, diff, .. } = &mut dialect.list.shape {
        (*pinned, *diff) = (false, None);
    }
    let stage = Stage::recording(Options::default(), dialect, |_| {}).await;
    let refusal = stage.backfill().await.err().unwrap().to_string();
    assert!(refusal.contains("returns the current list only"), "{refusal}");

    let stage = Stage::small().await;
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("history.db"), UnixSeconds(NOW)).unwrap();
    let refusal = stage.backfill().await.unwrap().fill(&mut store, ALL, |_| true).await.unwrap_err().to_string();
    assert!(refusal.contains("run the exporter first"), "{refusal}");
}
