//! Whether what happens is kept in the history, and how much of it still waits.
//!
//! Never here: what happened.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The families. Their samples begin with a history: without one there are none.
#[derive(Clone)]
pub struct HistoryMeters {
    up: IntGaugeVec,
    write_errors: IntCounterVec,
    pending_blocks: IntGaugeVec,
    last_write: GaugeVec,
    size: IntGaugeVec,
    damaged_rows: IntGaugeVec,
    replaced: IntCounterVec,
    filled_blocks: IntCounterVec,
    filled_events: IntCounterVec,
    missing_blocks: IntGaugeVec,
    health: Arc<Mutex<HistoryHealth>>,
}

/// How the history fares: what is decided on, beside the gauges of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryHealth {
    /// Whether it could be written when last tried; not before it is open.
    pub up: bool,
    /// Damaged events at the last check; `None` before the first.
    pub damaged_rows: Option<u64>,
}

impl HistoryMeters {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<HistoryMeters> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let counter = |name: &str, help: &str| {
            let family = IntCounterVec::new(Opts::new(name, help), &["network"])?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let write_errors = IntCounterVec::new(
            Opts::new(
                "masternode_exporter_history_write_errors_total",
                "Attempts to open or to write the history that failed. Each block is tried again until it is written.",
            ),
            &[],
        )?;
        registry.register(Box::new(write_errors.clone()))?;
        let help = "Unix time at which something was last written to the history.";
        let last_write =
            GaugeVec::new(Opts::new("masternode_exporter_history_last_write_timestamp_seconds", help), &[])?;
        registry.register(Box::new(last_write.clone()))?;
        Ok(HistoryMeters {
            up: gauge(
                "masternode_exporter_history_up",
                "Whether the history could be opened and written when last tried. Absent without history.path.",
                &[],
            )?,
            write_errors,
            pending_blocks: gauge(
                "masternode_exporter_history_pending_blocks",
                "Blocks that were followed and wait to be written to the history.",
                &["network"],
            )?,
            last_write,
            size: gauge(
                "masternode_exporter_history_size_bytes",
                "Size of the history file and its log, read once a minute.",
                &[],
            )?,
            damaged_rows: damaged_rows(registry)?,
            replaced: replaced(registry)?,
            health: Arc::default(),
            filled_blocks: counter(
                "masternode_exporter_backfill_blocks_total",
                "Blocks from before the start, or from a gap, that were filled into the history while the exporter ran.",
            )?,
            filled_events: counter(
                "masternode_exporter_backfill_events_total",
                "Events of blocks that were filled in. The counters of masternodes do not count them: they happened before.",
            )?,
            missing_blocks: gauge(
                "masternode_exporter_backfill_pending_blocks",
                "Blocks that are still to be filled in: 0 when all are, or none can be. Absent until that is known.",
                &["network"],
            )?,
        })
    }

    /// There is to be a history: all samples begin but the time of the last write. It is not open yet.
    pub fn began(&self) {
        self.set_up(false);
        self.write_errors.with_label_values::<&str>(&[]);
        for reason in REASONS {
            self.replaced.with_label_values(&[reason]);
        }
    }

    /// The file was replaced for one of [`REASONS`].
    pub fn replaced(&self, reason: &'static str) {
        self.replaced.with_label_values(&[reason]).inc();
    }

    /// Something was written at `now`, a Unix time in seconds.
    pub fn written(&self, now: u64) {
        self.last_write.with_label_values::<&str>(&[]).set(now as f64);
    }

    /// Writing failed.
    pub fn failed(&self) {
        self.set_up(false);
        self.write_errors.with_label_values::<&str>(&[]).inc();
    }

    /// It can be written, or again.
    pub fn recovered(&self) {
        self.set_up(true);
    }

    /// How it fares.
    pub fn health(&self) -> HistoryHealth {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_up(&self, up: bool) {
        self.up.with_label_values::<&str>(&[]).set(up.into());
        self.health.lock().unwrap_or_else(PoisonError::into_inner).up = up;
    }

    /// N blocks of a network wait.
    pub fn pending(&self, network: &str, blocks: usize) {
        self.pending_blocks.with_label_values(&[network]).set(i64::try_from(blocks).unwrap_or(i64::MAX));
    }

    /// The file and its log have N bytes.
    pub fn size(&self, bytes: u64) {
        self.size.with_label_values::<&str>(&[]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The number of damaged events in the file, after a complete check.
    pub fn damaged(&self, rows: u64) {
        self.damaged_rows.with_label_values::<&str>(&[]).set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.health.lock().unwrap_or_else(PoisonError::into_inner).damaged_rows = Some(rows);
    }

    /// A block of a network was filled in with N events; N blocks are missing still.
    pub fn filled_in(&self, network: &str, events: usize, missing: u32) {
        self.filled_blocks.with_label_values(&[network]).inc();
        self.filled_events.with_label_values(&[network]).inc_by(events as u64);
        self.missing(network, missing);
    }

    /// N blocks of a network are to be filled in.
    pub fn missing(&self, network: &str, blocks: u32) {
        // The counters begin when there may be something to count.
        self.filled_blocks.with_label_values(&[network]);
        self.filled_events.with_label_values(&[network]);
        self.missing_blocks.with_label_values(&[network]).set(i64::from(blocks));
    }

    /// Forgets a network that is no longer configured.
    pub(super) fn forget(&self, network: &str) {
        // Absent already is as good as removed.
        let _ = self.pending_blocks.remove_label_values(&[network]);
        let _ = self.missing_blocks.remove_label_values(&[network]);
    }
}

/// Why a history file was replaced: values of the label `reason`.
const REASONS: [&str; 5] = ["damaged", "foreign", "newer", "missing", "replaced"];

fn replaced(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    let help = "Times that the history file was opened again or another one begun: damaged, foreign (of another program), newer (written by a newer version), missing (deleted while in use), replaced (by another file while in use). Absent without history.path.";
    let family = IntCounterVec::new(Opts::new("masternode_exporter_history_replaced_total", help), &["reason"])?;
    registry.register(Box::new(family.clone())).map(|()| family)
}

fn damaged_rows(registry: &Registry) -> prometheus::Result<IntGaugeVec> {
    let help = "Events of the history file that were damaged at the last hourly check, and are left out of answers. Absent until a check is complete.";
    let family = IntGaugeVec::new(Opts::new("masternode_exporter_history_damaged_rows", help), &[])?;
    registry.register(Box::new(family.clone())).map(|()| family)
}
