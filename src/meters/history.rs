//! State of the history file and of its write queue.
//!
//! Never here: events.

use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::process;
use crate::meters::families::Families;

/// The families. Without a history they have no samples.
#[derive(Clone)]
pub struct HistoryMeters {
    families: Families,
    health: Arc<Mutex<HistoryHealth>>,
}

/// The state of the history as plain values that decisions read, next to the gauges of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryHealth {
    /// Whether the last write succeeded; false before the file is open.
    pub up: bool,
    /// Damaged events at the last check; `None` before the first.
    pub damaged_rows: Option<u64>,
    /// Unix time in seconds at which damage was last found for which the file was opened again or replaced, also before the start if that file is still
    /// there.
    pub damaged_at: Option<u64>,
}

impl HistoryMeters {
    pub(super) fn new(families: &Families) -> HistoryMeters {
        HistoryMeters { families: families.clone(), health: Arc::default() }
    }

    /// A history is configured: all samples appear except the time of the last write. It is not open yet.
    pub fn began(&self) {
        self.set_up(false);
        self.families.counters(&process::HISTORY_WRITE_ERRORS).with_label_values::<&str>(&[]);
        for reason in REASONS {
            self.families.counters(&process::HISTORY_REPLACED).with_label_values(&[reason]);
        }
    }

    /// The file was replaced for one of [`REASONS`].
    pub fn replaced(&self, reason: &'static str) {
        self.families.counters(&process::HISTORY_REPLACED).with_label_values(&[reason]).inc();
    }

    /// A write succeeded at `now`, a Unix time in seconds.
    pub fn written(&self, now: u64) {
        self.families
            .gauges(&process::HISTORY_LAST_WRITE)
            .with_label_values::<&str>(&[])
            .set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// A write failed.
    pub fn failed(&self) {
        self.set_up(false);
        self.families.counters(&process::HISTORY_WRITE_ERRORS).with_label_values::<&str>(&[]).inc();
    }

    /// Damage was found at that Unix time, in seconds, for which the file is opened again or replaced.
    pub fn found_damage(&self, at: u64) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.damaged_at = health.damaged_at.max(Some(at));
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
        self.families.gauges(&process::HISTORY_UP).with_label_values::<&str>(&[]).set(up.into());
        self.health.lock().unwrap_or_else(PoisonError::into_inner).up = up;
    }

    /// Sets the number of queued blocks of a network.
    pub fn pending(&self, network: &str, blocks: usize) {
        self.families
            .gauges(&process::HISTORY_PENDING_BLOCKS)
            .with_label_values(&[network])
            .set(i64::try_from(blocks).unwrap_or(i64::MAX));
    }

    /// Sets the size of the file and its log in bytes; `None` if the file cannot be examined.
    pub fn size(&self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => self
                .families
                .gauges(&process::HISTORY_SIZE)
                .with_label_values::<&str>(&[])
                .set(i64::try_from(bytes).unwrap_or(i64::MAX)),
            // Absent already is the same.
            None => drop(self.families.gauges(&process::HISTORY_SIZE).remove_label_values::<&str>(&[])),
        }
    }

    /// Sets the number of damaged events in the file, after a complete check.
    pub fn damaged(&self, rows: u64) {
        self.families
            .gauges(&process::HISTORY_DAMAGED_ROWS)
            .with_label_values::<&str>(&[])
            .set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.health.lock().unwrap_or_else(PoisonError::into_inner).damaged_rows = Some(rows);
    }

    /// A block of a network was backfilled with this number of events; `missing` blocks remain.
    pub fn filled_in(&self, network: &str, events: usize, missing: u32) {
        self.families.counters(&process::BACKFILL_BLOCKS).with_label_values(&[network]).inc();
        self.families.counters(&process::BACKFILL_EVENTS).with_label_values(&[network]).inc_by(events as u64);
        self.missing(network, missing);
    }

    /// Sets the number of blocks of a network to backfill.
    pub fn missing(&self, network: &str, blocks: u32) {
        // The counters appear when there may be something to count.
        self.families.counters(&process::BACKFILL_BLOCKS).with_label_values(&[network]);
        self.families.counters(&process::BACKFILL_EVENTS).with_label_values(&[network]);
        self.families.gauges(&process::BACKFILL_PENDING_BLOCKS).with_label_values(&[network]).set(i64::from(blocks));
    }

    /// Removes a network that is no longer configured.
    pub(super) fn forget(&self, network: &str) {
        // An absent sample is as good as a removed one.
        let _ = self.families.gauges(&process::HISTORY_PENDING_BLOCKS).remove_label_values(&[network]);
        let _ = self.families.gauges(&process::BACKFILL_PENDING_BLOCKS).remove_label_values(&[network]);
    }
}

/// Why a history file was replaced: values of the label `reason`.
const REASONS: [&str; 6] = ["damaged", "foreign", "newer", "missing", "replaced", "taken_back"];
