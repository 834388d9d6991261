//! Samples of old blocks as a file: the file has the samples that the page had when the block was the tip.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use domain::chain::DASH;
use domain::counters::EventCounters;
use domain::snapshot::{Snapshot, SnapshotInputs};
use domain::watch::WatchList;
use domain::{Height, UnixSeconds};
use masternode_exporter::history::Store;
use masternode_exporter::metrics::backfill::BackfillFile;
use masternode_exporter::metrics::{Format, MetricsSettings};
use masternode_exporter::rpc::dialect;
use simulator::{Action, Options};

use crate::support::harness::{NOW, Stage, fail, watch_all};

/// Blocks that are followed live, and exported afterwards.
const BLOCKS: u32 = 30;

/// Name with labels, and value, of each sample of a page.
fn samples(page: &str) -> HashMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.into(), value.parse().unwrap()))
        .collect()
}

/// Samples that exist for the present only, or belong to the page or the process.
fn is_of_now(series: &str) -> bool {
    let of_now = [
        "masternode_peer_",
        "masternode_payment_overdue_blocks",
        "masternode_payment_last_timestamp_seconds",
        "masternode_pose_ban_lost_amount",
        "masternode_platform_banned",
        "masternode_p2p_",
        "masternode_requirement_met",
        "masternode_maintenance",
        "masternode_network_chainlock",
        "masternode_network_spork",
        "masternode_network_quorum_spork",
        "masternode_network_minimum_protocol",
        "masternode_network_coinbase_version",
        "masternode_network_deployment_",
        "masternode_network_list_proven_height",
        "masternode_network_scores_checked_height",
    ];
    series.starts_with("process_")
        || series.starts_with("masternode_exporter_")
        || of_now.iter().any(|name| series.starts_with(name))
}

/// Follows some blocks. Returns the pages by block time, and the watched masternodes.
async fn lived() -> (Stage, u32, BTreeMap<u64, HashMap<String, f64>>, WatchList) {
    // Members of sessions are not requested for past blocks, which have the probabilities of any masternode.
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |settings| settings.ask.seats = false).await;
    let from = stage.network.tip().0 + 1;
    // Masternodes that are registered later are not watched.
    let watch_list = watch_all(&stage.network);
    let mut pages = BTreeMap::new();
    for block in 0..BLOCKS as usize {
        let node = stage.masternode(block % 12);
        let actions = match block % 10 {
            1 => vec![fail(&node, 2)],
            3 => vec![fail(&node, 1)],
            5 => vec![Action::ChangePayout { masternode: node }],
            7 => vec![Action::Register { evo: false, with_address: true }],
            _ => vec![],
        };
        stage.mine(&actions).await;
        pages.insert(stage.network.tip_time(), samples(&stage.text(Format::Text).await));
    }
    (stage, from, pages, watch_list)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one file, checked line by line")]
async fn the_file_has_the_samples_of_the_page_for_each_block_in_the_order_of_the_format() {
    let (mut stage, from, pages, watch_list) = lived().await;
    stage.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("past.txt");
    let mut file = BackfillFile::create(&target, MetricsSettings::default()).unwrap();
    let mut store = Store::open(&stage.history(), UnixSeconds(NOW)).unwrap();
    let mut tallies = EventCounters::default();
    let mut backfill = stage.backfill().await.unwrap();
    let exported = backfill.replay_all(&mut store, (Height(from), Height(u32::MAX)), |walked| {
        walked.happened.events.iter().for_each(|event| tallies.record(event));
        walked.happened.sessions.iter().for_each(|session| tallies.record_session(session));
        let parts = SnapshotInputs {
            network: "dash-test".into(),
            rules: Arc::new(DASH),
            list: Arc::new(walked.list.clone()),
            facts: walked.facts.clone(),
            read_at: walked.list.block().time,
            watched: watch_list.resolve(walked.list, &[]),
            recent_events: vec![],
        };
        file.add(Arc::new(Snapshot::new(parts, &tallies))).unwrap();
        Ok(true)
    });
    assert_eq!(exported.await.unwrap(), (BLOCKS, BLOCKS));
    assert!(!target.exists(), "it has no name before it is whole");
    let count = file.finish().unwrap();

    let text = std::fs::read_to_string(&target).unwrap();
    let mut exported: BTreeMap<u64, HashMap<String, f64>> = BTreeMap::new();
    let (mut families, mut series, mut last) = (HashSet::new(), HashSet::new(), ("", 0));
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# TYPE ") {
            assert!(families.insert(name), "{name} stands in two places");
        }
        if line.starts_with('#') {
            continue;
        }
        let (rest, moment) = line.rsplit_once(' ').unwrap();
        let (name, value) = rest.rsplit_once(' ').unwrap();
        let moment: u64 = moment.parse().unwrap();
        if last.0 == name {
            assert!(moment > last.1, "{line}");
        } else {
            assert!(series.insert(name), "{name} stands in two places");
        }
        last = (name, moment);
        exported.entry(moment).or_default().insert(name.into(), value.parse().unwrap());
    }
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(exported.values().map(HashMap::len).sum::<usize>() as u64, count);
    for (moment, page) in &pages {
        let exported = &exported[moment];
        let expected = page.iter().filter(|(series, _)| !is_of_now(series));
        for (series, value) in expected.clone() {
            assert_eq!(exported.get(series), Some(value), "{series} at {moment}");
        }
        let known: HashSet<&String> = expected.map(|(series, _)| series).collect();
        let other: Vec<&String> = exported.keys().filter(|series| !known.contains(series)).collect();
        assert!(other.is_empty(), "nothing else is exported at {moment}: {other:?}");
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left next to it: {names:?}");
}

#[test]
fn an_existing_file_and_the_folder_of_a_killed_run_are_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("past.txt");
    std::fs::create_dir(folder.path().join("past.txt.parts")).unwrap();
    let refusal = BackfillFile::create(&target, MetricsSettings::default()).err().unwrap().to_string();
    assert!(refusal.contains("past.txt.parts") && refusal.contains("remove it"), "{refusal}");
    std::fs::write(&target, "mine").unwrap();
    let refusal = BackfillFile::create(&target, MetricsSettings::default()).err().unwrap().to_string();
    assert!(refusal.contains("choose another file"), "{refusal}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
}
