//! The published state of a network: one snapshot for a block, sources that stay when the list is withdrawn, and metrics that are
//! written only.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use masternode_exporter::metrics::Format;
use simulator::{Fault, Options};

use crate::architecture::files_in;
use crate::markdown;
use crate::support::harness::Stage;

/// Sessions are decided in some of these blocks.
const BLOCKS: usize = 30;

#[tokio::test]
async fn a_block_is_published_once_with_the_selection_of_the_quorums_that_it_decides() {
    // What sources say of themselves is published when they say it.
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.ask.reports = false).await;
    stage.poll().await;
    let seen = Arc::new(Mutex::new(Vec::from_iter(stage.snapshot())));
    let (mut states, noted) = (stage.states(), seen.clone());
    // On the thread of the follower: it looks whenever the follower waits for an answer.
    let watcher = tokio::spawn(async move {
        while states.changed().await.is_ok() {
            let snapshot = states.borrow_and_update().snapshot.clone().expect("nothing is withdrawn");
            let mut seen = noted.lock().unwrap();
            if seen.last().is_none_or(|last| !Arc::ptr_eq(last, &snapshot)) {
                seen.push(snapshot);
            }
        }
    });
    for _ in 0..BLOCKS {
        stage.mine(&[]).await;
    }
    tokio::task::yield_now().await;
    watcher.abort();
    let seen = seen.lock().unwrap();
    let heights: Vec<u32> = seen.iter().map(|snapshot| snapshot.block().height.0).collect();
    let tip = stage.snapshot().unwrap().block().height.0;
    assert_eq!(heights, Vec::from_iter(tip - BLOCKS as u32..=tip));
    let decided = seen.windows(2).filter(|pair| pair[0].facts().drawings != pair[1].facts().drawings).count();
    assert!(decided > 0, "no quorum was selected in {BLOCKS} blocks");
}

#[tokio::test]
async fn sources_stay_on_the_page_when_the_list_is_withdrawn_and_before_there_is_one() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.stale_after = Duration::ZERO).await;
    let source = [("network", "dash-test"), ("source", "node-0")];
    let silent = stage.text(Format::Text).await;
    assert!(!silent.contains("masternode_exporter_source"), "a source that was not asked has no sample");
    stage.servers[0].handle().faults().set(Fault::WarmUp("Loading block index…".into()));
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_source_up", &source, 1.0);
    page.expect("masternode_exporter_source_synced", &source, 0.0);
    page.expect_absent("masternode_exporter_source_last_success_timestamp_seconds", &source);
    stage.servers[0].handle().faults().clear();
    stage.poll().await;
    stage.page().await.expect("masternode_exporter_source_synced", &source, 1.0);
    stage.servers[0].handle().faults().set(Fault::WarmUp("Loading block index…".into()));
    stage.poll().await;
    assert!(stage.snapshot().is_none(), "nothing is published that no source confirms");
    let page = stage.page().await;
    page.expect("masternode_exporter_source_synced", &source, 0.0);
    assert!(page.value("masternode_exporter_source_last_success_timestamp_seconds", &source).is_some());
    page.expect_absent("masternode_network_height", &[("network", "dash-test")]);
}

/// Where families are written out. Everything else sets metrics and decides by the published state.
const WRITERS: [&str; 2] = ["src/metrics/process.rs", "src/metrics/reference.rs"];

/// What reads a metric: a family that is collected, or the value of one whose handle is at hand.
fn reads_metric(line: &str) -> bool {
    let collects = ["core::Collector", "MetricFamily", "get_metric", "get_gauge", "get_counter", ".gather()"];
    let has_handle = ["meters", "counter", "gauge", "with_label_values"].iter().any(|word| line.contains(word));
    collects.iter().any(|read| line.contains(read)) || (has_handle && line.contains(".get()"))
}

#[test]
fn no_decision_reads_a_metric() {
    let sources = files_in("src").into_iter().filter(|path| path.ends_with(".rs") && !path.contains("/tests"));
    let mut found = Vec::new();
    for path in sources.filter(|path| !WRITERS.contains(&path.as_str())) {
        let text = markdown::read(&path);
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        found.extend(code.lines().filter(|line| reads_metric(line)).map(|_| path.clone()));
    }
    found.sort();
    assert_eq!(
        found,
        ["src/meters/families.rs", "src/metrics/exposition.rs"],
        "one registers families, the other writes them out"
    );
}
