//! State of the history file and of its write queue.
//!
//! Never here: events.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The families. Without a history they have no samples.
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

/// The state of the history as plain values that decisions read, next to the gauges of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryHealth {
    /// Whether the last write succeeded; false before the file is open.
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
                "Failed attempts to open or write the history. Queued blocks are retried.",
            ),
            &[],
        )?;
        registry.register(Box::new(write_errors.clone()))?;
        let help = "Unix time of the last write to the history. Absent before the first write.";
        let last_write =
            GaugeVec::new(Opts::new("masternode_exporter_history_last_write_timestamp_seconds", help), &[])?;
        registry.register(Box::new(last_write.clone()))?;
        Ok(HistoryMeters {
            up: gauge(
                "masternode_exporter_history_up",
                "1 if the last attempt to open or write the history succeeded, 0 otherwise. Absent without history.path.",
                &[],
            )?,
            write_errors,
            pending_blocks: gauge(
                "masternode_exporter_history_pending_blocks",
                "Processed blocks queued for the history. Absent without history.path.",
                &["network"],
            )?,
            last_write,
            size: gauge(
                "masternode_exporter_history_size_bytes",
                "Size of the history file and its write-ahead log in bytes, measured once a minute. Absent without history.path, and if the file cannot be examined.",
                &[],
            )?,
            damaged_rows: damaged_rows(registry)?,
            replaced: replaced(registry)?,
            health: Arc::default(),
            filled_blocks: counter(
                "masternode_exporter_backfill_blocks_total",
                "Blocks from before the start, or from a gap, that the running exporter has added to the history.",
            )?,
            filled_events: counter(
                "masternode_exporter_backfill_events_total",
                "Events of backfilled blocks. Counters of masternodes do not include them.",
            )?,
            missing_blocks: gauge(
                "masternode_exporter_backfill_pending_blocks",
                "Blocks still to be backfilled: 0 if all are done, or if none is possible. Absent until the number is known.",
                &["network"],
            )?,
        })
    }

    /// A history is configured: all samples appear except the time of the last write. It is not open yet.
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

    /// A write succeeded at `now`, a Unix time in seconds.
    pub fn written(&self, now: u64) {
        self.last_write.with_label_values::<&str>(&[]).set(now as f64);
    }

    /// A write failed.
    pub fn failed(&self) {
        self.set_up(false);
        self.write_errors.with_label_values::<&str>(&[]).inc();
    }

    /// Writes succeed, or succeed again.
    pub fn recovered(&self) {
        self.set_up(true);
    }

    /// The current state.
    pub fn health(&self) -> HistoryHealth {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_up(&self, up: bool) {
        self.up.with_label_values::<&str>(&[]).set(up.into());
        self.health.lock().unwrap_or_else(PoisonError::into_inner).up = up;
    }

    /// Sets the number of queued blocks of a network.
    pub fn pending(&self, network: &str, blocks: usize) {
        self.pending_blocks.with_label_values(&[network]).set(i64::try_from(blocks).unwrap_or(i64::MAX));
    }

    /// Sets the size of the file and its log in bytes; `None` if the file cannot be examined.
    pub fn size(&self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => self.size.with_label_values::<&str>(&[]).set(i64::try_from(bytes).unwrap_or(i64::MAX)),
            // Absent already is the same.
            None => drop(self.size.remove_label_values::<&str>(&[])),
        }
    }

    /// Sets the number of damaged events in the file, after a complete check.
    pub fn damaged(&self, rows: u64) {
        self.damaged_rows.with_label_values::<&str>(&[]).set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.health.lock().unwrap_or_else(PoisonError::into_inner).damaged_rows = Some(rows);
    }

    /// A block of a network was backfilled with this number of events; `missing` blocks remain.
    pub fn filled_in(&self, network: &str, events: usize, missing: u32) {
        self.filled_blocks.with_label_values(&[network]).inc();
        self.filled_events.with_label_values(&[network]).inc_by(events as u64);
        self.missing(network, missing);
    }

    /// Sets the number of blocks of a network to backfill.
    pub fn missing(&self, network: &str, blocks: u32) {
        // The counters appear when there may be something to count.
        self.filled_blocks.with_label_values(&[network]);
        self.filled_events.with_label_values(&[network]);
        self.missing_blocks.with_label_values(&[network]).set(i64::from(blocks));
    }

    /// Removes a network that is no longer configured.
    pub(super) fn forget(&self, network: &str) {
        // An absent sample is as good as a removed one.
        let _ = self.pending_blocks.remove_label_values(&[network]);
        let _ = self.missing_blocks.remove_label_values(&[network]);
    }
}

/// Why a history file was replaced: values of the label `reason`.
const REASONS: [&str; 6] = ["damaged", "foreign", "newer", "missing", "replaced", "taken_back"];

fn replaced(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    let help = "Times that the history file was reopened or replaced by a new one, by reason: damaged, foreign (of another program), newer (written by a newer version), missing (deleted while in use), replaced (by another file while in use), taken_back (by the newer file after a downgrade). Absent without history.path.";
    let family = IntCounterVec::new(Opts::new("masternode_exporter_history_replaced_total", help), &["reason"])?;
    registry.register(Box::new(family.clone())).map(|()| family)
}

fn damaged_rows(registry: &Registry) -> prometheus::Result<IntGaugeVec> {
    let help = "Damaged events in the history file at the last hourly check; answers omit them. Absent until a check is complete.";
    let family = IntGaugeVec::new(Opts::new("masternode_exporter_history_damaged_rows", help), &[])?;
    registry.register(Box::new(family.clone())).map(|()| family)
}
