//! The files behind the names of an open history: whether they are still the same.
//!
//! Never here: reaction to a change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::Connection;
use tracing::debug;

use crate::history::file_lock::with_suffix;
use crate::history::log_check::{self, Compared, Copies, Cut, LogUse};

/// The result of a check of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The open file, with its lock, or unknown.
    Same,
    /// Nothing is there.
    Missing,
    /// The open file without its log.
    LogMissing,
    /// The open file, or its log, is not as this process left it.
    Cut(Cut),
    /// The open file was changed, and not by this process.
    Changed,
    /// Another file.
    Other,
    /// The file that is open, with another lock.
    OtherLock,
}

/// The files behind the names when they were opened: device and inode.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    file: Option<(u64, u64)>,
    log: Option<(u64, u64)>,
    lock: Option<(u64, u64)>,
    /// The file has content, which no write removes.
    is_filled: bool,
    /// When the file was changed, and the last copying of the log to it at that time.
    changed: Option<(SystemTime, Copies)>,
}

impl Seen {
    pub(super) fn of(path: &Path) -> Seen {
        let id = |suffix| id(&with_suffix(path, suffix)).ok().flatten();
        Seen {
            file: id(""),
            log: id("-wal"),
            lock: id(".lock"),
            is_filled: fs::metadata(path).is_ok_and(|file| file.len() > 0),
            changed: None,
        }
    }

    /// Compares with the current files. `connection` has them open.
    pub(super) fn look(&mut self, path: &Path, connection: &Connection) -> Found {
        let real = real(path);
        let now = Seen::of(&real);
        let is_gone = || fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if self.file.is_none() || (now.file.is_none() && !is_gone()) {
            return Found::Same;
        }
        match now.file {
            None => Found::Missing,
            file if file != self.file => Found::Other,
            _ if now.lock != self.lock => Found::OtherLock,
            _ if self.is_filled && !now.is_filled => Found::Cut(Cut { what: "it is empty", log: LogUse::Whole }),
            _ if self.log.is_some() && now.log != self.log => Found::LogMissing,
            _ => {
                let before = std::mem::replace(self, now).changed;
                let compared = log_check::compare(connection, &real);
                let Compared { cut, copies } = compared.unwrap_or_else(|error| {
                    debug!("Cannot compare the history file with its log: {error}");
                    Compared::default()
                });
                self.changed = fs::metadata(&real).and_then(|file| file.modified()).ok().zip(copies);
                // A file that another one wrote has another time, although nothing was copied to it.
                let is_foreign =
                    before.zip(self.changed).is_some_and(|(before, now)| before.1 == now.1 && before.0 != now.0);
                match cut {
                    Some(cut) => Found::Cut(cut),
                    None if is_foreign => Found::Changed,
                    None => Found::Same,
                }
            }
        }
    }

    /// Removes the log of the file that was open, if it is still there.
    pub(super) fn remove_log(&self, path: &Path) {
        let log = with_suffix(path, "-wal");
        if self.log.is_some() && id(&log).ok().flatten() == self.log {
            // If it could not be removed, the next open reports it.
            let _ = fs::remove_file(log);
        }
    }
}

/// The path with symbolic links resolved, as far as it exists.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

/// Device and inode of a file; `None` if the system has none.
#[cfg(unix)]
fn id(path: &Path) -> io::Result<Option<(u64, u64)>> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|file| Some((file.dev(), file.ino())))
}

/// Device and inode of a file: not known here.
#[cfg(not(unix))]
fn id(path: &Path) -> io::Result<Option<(u64, u64)>> {
    fs::metadata(path).map(|_| None)
}
