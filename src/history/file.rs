//! The file while the process runs: it is opened, checked periodically, and opened again when it is damaged, deleted or
//! replaced.
//!
//! Never here: the data that is written; the schedule of the writer thread.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::history::error::{OpenError, StoreError};
use crate::history::file_lock::{self, with_suffix};
use crate::history::open::{LOG_BYTES, SetAsideReason};
use crate::history::{HistorySettings, Store};
use crate::meters::HistoryMeters;

/// Pause after the first failure.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Longest pause between two attempts to open the file.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Interval between two checks of the path.
const LOOK: Duration = Duration::from_secs(10);

/// Damage within this time after damage that an examination did not find sets the file aside without another examination.
const SUSPECT: Duration = Duration::from_secs(3600);

/// A database file that the process has open.
pub(super) struct HistoryFile {
    /// `None` while the file cannot be opened.
    store: Option<Store>,
    path: PathBuf,
    /// The same with symbolic links resolved, since the file was opened.
    real: PathBuf,
    settings: HistorySettings,
    meters: HistoryMeters,
    seen: Seen,
    look_at: Instant,
    open_at: Instant,
    pause: Duration,
    /// The damage found since the file was opened.
    damage: Option<String>,
    /// When the file was last reopened because of damage.
    damaged_at: Option<Instant>,
    /// The reason that was counted when the file was closed.
    closed_for: Option<&'static str>,
    /// The last error of opening it.
    complaint: Option<String>,
}

impl HistoryFile {
    /// An open file, or why it is not open.
    pub(super) fn new(
        opened: Result<Store, OpenError>,
        settings: HistorySettings,
        meters: HistoryMeters,
    ) -> HistoryFile {
        let now = Instant::now();
        meters.began();
        let path = settings.path.clone();
        let mut file = HistoryFile {
            store: None,
            real: path.clone(),
            path,
            settings,
            meters,
            seen: Seen::default(),
            look_at: now,
            open_at: now,
            pause: RETRY,
            damage: None,
            damaged_at: None,
            closed_for: None,
            complaint: None,
        };
        match opened {
            Ok(store) => file.opened(store),
            Err(why) => file.not_opened(&why),
        }
        file
    }

    /// The open file.
    pub(super) fn store(&mut self) -> Result<&mut Store, StoreError> {
        self.store.as_mut().ok_or(StoreError::NotOpen)
    }

    /// Calls the store. Damage that it finds is kept for [`HistoryFile::check`].
    pub(super) fn with<T>(&mut self, call: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let result = self.store().and_then(call);
        if let Err(error) = &result {
            self.note(error);
        }
        result
    }

    /// Records the damage that an error reports.
    pub(super) fn note(&mut self, error: &StoreError) {
        if let StoreError::Damaged(what) = error {
            self.damage = Some(what.clone());
            self.look_at = Instant::now();
        }
    }

    /// Makes the next check look at the path, and try to open a file that is not open.
    pub(super) fn look_now(&mut self) {
        (self.look_at, self.open_at) = (Instant::now(), Instant::now());
    }

    /// When the next check is due.
    pub(super) fn due(&self) -> Instant {
        if self.store.is_some() { self.look_at } else { self.open_at }
    }

    /// Opens the file if it is not open, or if another file is at its path, or after damage. Returns whether a file was
    /// opened.
    pub(super) fn check(&mut self, now: Instant) -> bool {
        if self.store.is_none() {
            return now >= self.open_at && self.open();
        }
        if now < self.look_at {
            return false;
        }
        self.look_at = now + LOOK;
        if let Some(what) = self.damage.take() {
            return self.reopen_damaged(what, now);
        }
        match self.seen.look(&self.path) {
            Found::Same => false,
            Found::Missing | Found::LogMissing => self.restore(),
            Found::Cut(what) => self.reopen_damaged(what.into(), now),
            Found::Other => {
                warn!(path = %self.path.display(), "The history file {} was replaced: opening the file that is there now", self.path.display());
                self.close("replaced");
                // A log of the replaced file would damage the new one.
                self.seen.remove_log(&self.real);
                self.open()
            }
            Found::OtherLock => {
                warn!(path = %self.path.display(), "The lock of the history file {} was replaced: opening the file again", self.path.display());
                // The log stays: it belongs to the file that is there, which another program may have open.
                self.close("replaced");
                self.open()
            }
        }
    }

    /// Opens the file where it is not open yet.
    pub(super) fn open(&mut self) -> bool {
        if self.store.is_some() {
            return false;
        }
        match Store::open(&self.path, (self.settings.clock)()) {
            Ok(store) => self.opened(store),
            Err(error) => self.not_opened(&error),
        }
        self.store.is_some()
    }

    /// Opens a damaged file again: it is examined, or set aside if an examination found nothing within [`SUSPECT`].
    fn reopen_damaged(&mut self, what: String, found_at: Instant) -> bool {
        warn!(path = %self.path.display(), "The history file {} is damaged, opening it again: {what}", self.path.display());
        self.close("damaged");
        let now = (self.settings.clock)();
        let before = self.damaged_at.replace(found_at);
        let opened = if before.is_some_and(|before| found_at.duration_since(before) < SUSPECT) {
            Store::open_renaming(&self.path, now, SetAsideReason::Damaged(what))
        } else {
            Store::open(&self.path, now)
        };
        match opened {
            Ok(store) => self.opened(store),
            Err(error) => self.not_opened(&error),
        }
        self.store.is_some()
    }

    /// Writes a deleted file again: this process can still read its content through the open file.
    fn restore(&mut self) -> bool {
        let path = self.path.display().to_string();
        let copy = with_suffix(&self.real, ".restored");
        let copied = self.with(|store| copy_to(store, &copy));
        self.close("missing");
        let restored = copied.and_then(|()| {
            // The log belongs to the file that was deleted.
            self.seen.remove_log(&self.real);
            fs::rename(&copy, &self.real).map_err(StoreError::from)
        });
        match restored {
            Ok(()) => {
                warn!(
                    path,
                    "The history file {path} or its log was deleted while in use: its contents were written again"
                )
            }
            Err(error) => {
                warn!(
                    path,
                    "The history file {path} or its log was deleted while in use, and its contents are lost: {error}"
                )
            }
        }
        self.open()
    }

    fn close(&mut self, reason: &'static str) {
        self.store = None;
        self.open_at = Instant::now();
        self.meters.failed();
        self.meters.replaced(reason);
        self.closed_for = Some(reason);
    }

    fn opened(&mut self, store: Store) {
        let path = self.path.display();
        let report = store.report();
        let counted = self.closed_for.take();
        if let Some(aside) = &report.set_aside {
            warn!(%path, "{path}: {aside}");
            if counted != Some(aside.fault.label()) {
                self.meters.replaced(aside.fault.label());
            }
        }
        if let Some(taken) = &report.taken_back {
            warn!(%path, "{path}: {taken}");
            self.meters.replaced("taken_back");
        }
        if let Some(version) = report.migrated_from {
            info!(%path, "Migrated the history file {path} from schema version {version} to the newest");
        }
        if file_lock::is_world_readable(&self.path) {
            warn!(%path, "The history file {path} is readable by all users: chmod o-r {path}");
        }
        info!(%path, "History file opened: {path}");
        self.real = real(&self.path);
        self.seen = Seen::of(&self.real);
        self.pause = RETRY;
        self.look_at = Instant::now() + LOOK;
        self.store = Some(store);
        self.complaint = None;
        self.damage = None;
        self.meters.recovered();
    }

    fn not_opened(&mut self, why: &OpenError) {
        self.meters.failed();
        self.open_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let message = match why {
            OpenError::Failed { error, .. } => format!("{why}; {}", error.cure()),
            other => other.to_string(),
        };
        if self.complaint.as_ref() != Some(&message) {
            warn!(
                "History file unavailable (history.path), retrying: {message}. Metrics are unaffected; events are queued"
            );
            self.complaint = Some(message);
        }
    }

    /// Sets the metric of the size of the file and its log in bytes.
    pub(super) fn measure(&self) {
        let size = |suffix| fs::metadata(with_suffix(&self.path, suffix)).map(|file| file.len());
        // A missing log has no size; that of a file that cannot be examined is not known.
        self.meters.size(size("").ok().map(|file| file + size("-wal").unwrap_or(0)));
    }
}

/// Copies everything to a new file.
fn copy_to(store: &Store, copy: &Path) -> Result<(), StoreError> {
    match fs::remove_file(copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    file_lock::create(copy)?;
    store.copy_to(copy)
}

/// The result of a check of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// The open file, with its lock, or unknown.
    Same,
    /// Nothing is there.
    Missing,
    /// The open file without its log.
    LogMissing,
    /// The open file, or its log, is shorter than this process left it.
    Cut(&'static str),
    /// Another file.
    Other,
    /// The file that is open, with another lock.
    OtherLock,
}

/// The files behind the names when they were opened: device and inode.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    file: Option<(u64, u64)>,
    log: Option<(u64, u64)>,
    lock: Option<(u64, u64)>,
    /// The file has content, which no write removes.
    is_filled: bool,
    /// Size of the log in bytes; `None` without one.
    log_bytes: Option<u64>,
}

impl Seen {
    fn of(path: &Path) -> Seen {
        let id = |suffix| id(&with_suffix(path, suffix)).ok().flatten();
        let bytes = |suffix| fs::metadata(with_suffix(path, suffix)).map(|file| file.len()).ok();
        Seen {
            file: id(""),
            log: id("-wal"),
            lock: id(".lock"),
            is_filled: bytes("").is_some_and(|bytes| bytes > 0),
            log_bytes: bytes("-wal"),
        }
    }

    /// Whether the log is shorter than before. It is truncated to its limit only.
    fn is_log_cut(&self, now: &Seen) -> bool {
        let before = self.log_bytes.map(|bytes| bytes.min(LOG_BYTES.into()));
        before.zip(now.log_bytes).is_some_and(|(before, now)| now < before)
    }

    /// Compares with the current files.
    fn look(&mut self, path: &Path) -> Found {
        let now = Seen::of(&real(path));
        let is_gone = || fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if self.file.is_none() || (now.file.is_none() && !is_gone()) {
            return Found::Same;
        }
        match now.file {
            None => Found::Missing,
            file if file != self.file => Found::Other,
            _ if now.lock != self.lock => Found::OtherLock,
            _ if self.is_filled && !now.is_filled => Found::Cut("it is empty"),
            _ if self.log.is_some() && now.log != self.log => Found::LogMissing,
            _ if self.is_log_cut(&now) => Found::Cut("its log is shorter than it was"),
            _ => {
                *self = now;
                Found::Same
            }
        }
    }

    /// Removes the log of the file that was open, if it is still there.
    fn remove_log(&self, path: &Path) {
        let log = with_suffix(path, "-wal");
        if self.log.is_some() && id(&log).ok().flatten() == self.log {
            // If it could not be removed, the next open reports it.
            let _ = fs::remove_file(log);
        }
    }
}

/// The path with symbolic links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
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
