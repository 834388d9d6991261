//! The history of all networks, from opening to the final write.
//!
//! Never here: what is written, or when.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::warn;

use crate::app::Error;
use crate::app::environment::Environment;
use crate::config::HistoryConfig;
use crate::history::{self, Writer};
use crate::meters::Meters;

/// Longest wait for the final write at shutdown: a service manager allows more, an operator does not.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// The history, open for writing.
pub(super) struct History {
    path: PathBuf,
    writer: Writer,
    ended: history::WriterHandle,
}

impl History {
    /// Opens the history of a configuration that names one, and starts its writer.
    ///
    /// # Errors
    ///
    /// A [`history::OpenError`] when another process writes the file.
    pub(super) fn open(
        config: &HistoryConfig,
        meters: &Meters,
        environment: Environment,
    ) -> Result<Option<History>, Error> {
        let Some(path) = config.path.clone() else { return Ok(None) };
        let settings =
            history::HistorySettings { path: path.clone(), retention: config.retention, clock: environment.clock };
        let start = if environment.has_threads { Writer::start } else { Writer::start_task };
        let (writer, ended) = start(settings, meters.history().clone())?;
        Ok(Some(History { path, writer, ended }))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The writer for the events of a network.
    pub(super) fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// Waits, for a short time, until queued writes are done and the file is closed.
    pub(super) async fn close(self) {
        let History { writer, ended, .. } = self;
        drop(writer);
        match ended.within(LAST_WORDS).await {
            Some(0) => {}
            Some(steps) => {
                warn!("{steps} queued history writes failed; their blocks are replayed after the next start")
            }
            None => {
                warn!("History was not closed in time; missing blocks are replayed after the next start")
            }
        }
    }
}
