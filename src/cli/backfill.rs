//! `backfill`: imports blocks from before the history into it; it continues after an interruption.
//!
//! Never here: replay of a block.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use crate::app;
use crate::cli::block_or_time::{self, BlockOrTime};
use crate::cli::progress::ProgressReport;
use crate::cli::{self, CommandError};
use crate::config::{Config, NetworkConfig};
use crate::follower::offline_backfill::OfflineBackfill;
use crate::history::Store;
use crate::meters::Meters;
use crate::metrics::backfill::BackfillFile;
use domain::counters::EventCounters;
use domain::masternode::Height;
use domain::snapshot::{Snapshot, SnapshotInputs};

/// Arguments of `backfill`.
#[derive(Debug, Args)]
pub(super) struct BackfillArguments {
    /// First block or day: 2528000, 2026-01-31 or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = block_or_time::parse)]
    from: BlockOrTime,
    /// Last block or day. [default: the last block of the history]
    #[arg(long, value_name = "WHEN", value_parser = block_or_time::parse)]
    to: Option<BlockOrTime>,
    /// Which network, where several are configured.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Write the samples of all these blocks too: a new file for promtool tsdb create-blocks-from openmetrics.
    #[arg(long, value_name = "FILE")]
    openmetrics: Option<PathBuf>,
}

pub(super) async fn run(arguments: &BackfillArguments, config: &Config) -> Result<(), CommandError> {
    let wrong = |why: String| CommandError::Configuration(why);
    let path =
        config.history.path.as_deref().ok_or_else(|| wrong("history.path is not set: nothing to fill".into()))?;
    let network = cli::network(config, arguments.network.as_deref())?;
    let mut store = Store::open(path, app::now()).map_err(|error| {
        CommandError::Configuration(format!("history.path: {error}. Stop the exporter while its history is filled"))
    })?;
    let meters = Meters::new(&prometheus::Registry::new());
    let mut backfill = Err("no source is configured".to_string());
    for client in app::clients(network, &meters)? {
        let settings = app::follower_settings(
            network,
            config.history.retention,
            config.alerting.thresholds.general.stalled_seconds,
        );
        let name = client.name().to_string();
        backfill = OfflineBackfill::new(settings, client).await.map_err(|why| format!("source {name}: {why}"));
        if backfill.is_ok() {
            break;
        }
    }
    let mut backfill = backfill?;
    let first = match arguments.from {
        BlockOrTime::Height(height) => height,
        BlockOrTime::Time(moment, _) => backfill.first_since(moment).await?,
    };
    let last = match arguments.to {
        None => Height(u32::MAX),
        Some(BlockOrTime::Height(height)) => height,
        Some(BlockOrTime::Time(_, moment)) => {
            let after = backfill.first_since(domain::UnixSeconds(moment.0 + 1)).await?;
            Height(after.0.saturating_sub(1))
        }
    };
    if first > last {
        return Err(CommandError::Configuration("--from is later than --to: swap them".into()));
    }
    let kept = backfill.first_kept().await?;
    if first < kept && kept <= last {
        note!("blocks below {kept} are left out: they are older than history.retention, raise it to keep their events");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopped.store(true, Ordering::Relaxed);
        }
    });
    let report = ProgressReport::new(stop);
    match &arguments.openmetrics {
        Some(file) => with_samples(&mut backfill, &mut store, (first, last), (config, network), file, report).await,
        None => fill(&mut backfill, &mut store, (first, last), report).await,
    }
}

async fn fill(
    backfill: &mut OfflineBackfill,
    store: &mut Store,
    span: (Height, Height),
    mut report: ProgressReport,
) -> Result<(), CommandError> {
    let (done, total) = backfill.fill(store, span, |progress| report.goes_on(progress)).await?;
    drop(report);
    if done < total {
        note!("stopped after {done} of {total} blocks: run the same command again to continue");
    } else {
        note!("{done} blocks were filled in; all others were known, or lie above the end of the history");
    }
    Ok(())
}

/// With samples: known blocks too, with counters that start at the first of them.
async fn with_samples(
    backfill: &mut OfflineBackfill,
    store: &mut Store,
    span: (Height, Height),
    (config, network): (&Config, &NetworkConfig),
    target: &Path,
    mut report: ProgressReport,
) -> Result<(), CommandError> {
    let wrong = |error: std::io::Error| format!("--openmetrics: {error}");
    let mut file = BackfillFile::create(target, config.metrics.clone())
        .map_err(|error| CommandError::Configuration(wrong(error)))?;
    let (watch_list, mut watched) = (config.watch_list(&network.name), Vec::new());
    let mut tallies = EventCounters::default();
    let progress = backfill.replay_all(store, span, |walked| {
        walked.happened.events.iter().for_each(|event| tallies.record(event));
        walked.happened.sessions.iter().for_each(|session| tallies.record_session(session));
        watched = watch_list.resolve(walked.list, &watched);
        let parts = SnapshotInputs {
            network: network.name.as_str().into(),
            rules: network.chain.rules.clone(),
            list: Arc::new(walked.list.clone()),
            facts: walked.facts.clone(),
            read_at: walked.list.block().time,
            watched: watched.clone(),
            recent_events: Vec::new(),
        };
        file.add(Arc::new(Snapshot::new(parts, &tallies))).map_err(wrong)?;
        Ok(report.goes_on(walked.progress))
    });
    let (done, total) = progress.await?;
    drop(report);
    if done < total {
        note!("stopped after {done} of {total} blocks: their events are kept, {} is not written", target.display());
        return Ok(());
    }
    let samples = file.finish().map_err(wrong)?;
    note!("{samples} samples of {done} blocks are in {}", target.display());
    Ok(())
}
