//! Reads of a history in the process that writes it: damage that they find is reported to the writer, which examines the file.
//!
//! Never here: what the writer does about it.

use std::path::Path;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::history::writer::Command;
use crate::history::{OpenError, Reader, StoreError};

/// What a read found.
pub(super) struct DamageReport {
    /// The error of a read; `None` if only some rows were damaged and omitted.
    pub(super) what: Option<String>,
    /// When the read began: it concerns no file that was opened later.
    pub(super) began: Instant,
}

/// Reaches the thread of a [`Writer`](crate::history::Writer) for reports, without keeping it alive.
#[derive(Clone)]
pub struct DamageReporter(pub(super) mpsc::WeakSender<Command>);

impl DamageReporter {
    /// Some rows were damaged and omitted by a read that has just ended.
    pub fn rows_omitted(&self) {
        self.send(DamageReport { what: None, began: Instant::now() });
    }

    fn send(&self, report: DamageReport) {
        if let Some(jobs) = self.0.upgrade() {
            // A full queue has other reasons to look at the file; the next read reports again.
            let _ = jobs.try_send(Command::Report(report));
        }
    }
}

/// Reads a file that this process writes.
pub fn read<T>(
    path: &Path,
    owner: Option<&DamageReporter>,
    read: impl FnOnce(&Reader) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let began = Instant::now();
    let result = Reader::open(path).map_err(|error| cause(error, path)).and_then(|reader| read(&reader));
    if let (Err(StoreError::Damaged(what)), Some(owner)) = (&result, owner) {
        owner.send(DamageReport { what: Some(what.clone()), began });
    }
    result
}

/// Why a file of ours cannot be read. One that is there and is no history was damaged.
fn cause(error: OpenError, path: &Path) -> StoreError {
    match error {
        OpenError::Failed { error, .. } => error,
        OpenError::NotHistory { why, .. } if path.exists() => StoreError::Damaged(why),
        other => StoreError::Other(other.to_string()),
    }
}
