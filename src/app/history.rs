//! The history of all networks, from its opening to the last words that are written to it.
//!
//! Never here: what is written, or when.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::warn;

use crate::app::{Error, now};
use crate::config::HistoryConfig;
use crate::history::{self, Writer};
use crate::meters::Meters;

/// Longest wait for the history's last words at the end: a service manager gives us more, an operator not much.
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
    pub(super) fn open(config: &HistoryConfig, meters: &Meters) -> Result<Option<History>, Error> {
        let Some(path) = config.path.clone() else { return Ok(None) };
        let settings = history::HistorySettings { path: path.clone(), retention: config.retention, clock: now };
        let (writer, ended) = Writer::start(settings, meters.history().clone())?;
        Ok(Some(History { path, writer, ended }))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What takes the events of a network.
    pub(super) fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// Waits, not for long, until what was followed is written and the file is closed.
    pub(super) async fn close(self) {
        let History { writer, ended, .. } = self;
        drop(writer);
        match ended.within(LAST_WORDS).await {
            Some(0) => {}
            Some(steps) => {
                warn!("{steps} steps could not be written to the history: the next start follows them again")
            }
            None => {
                warn!("the history could not be closed in time: the next start follows again what it does not have")
            }
        }
    }
}
