//! The file while the process runs: it is opened, checked periodically, and opened again when it is damaged, deleted or
//! replaced.
//!
//! Never here: the data that is written; the schedule of the writer thread.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::history::damage_report::DamageReport;
use crate::history::error::{OpenError, StoreError};
use crate::history::file_lock::{self, with_suffix};
use crate::history::log_check::{Cut, LogUse};
use crate::history::open::{DAMAGED, SetAsideReason};
use crate::history::seen::{Found, Seen, real};
use crate::history::{HistorySettings, Store};
use crate::meters::HistoryMeters;
use domain::masternode::UnixSeconds;

/// Pause after the first failure.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Longest pause between two attempts to open the file.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Interval between two checks of the path.
const LOOK: Duration = Duration::from_secs(10);

/// Damage within this time after damage that an examination did not find sets the file aside without another examination.
const SUSPECT: Duration = Duration::from_secs(3600);

/// Reports of readers that follow another one within this time are ignored.
const REPORTS: Duration = Duration::from_secs(60);

/// Damage that was found since the file was opened.
pub(super) struct Damage {
    pub(super) what: String,
    /// Whether the file needs no examination before it is set aside.
    pub(super) is_certain: bool,
}

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
    damage: Option<Damage>,
    /// When the file was last reopened because of damage that the examination may not have found.
    damaged_at: Option<Instant>,
    /// When it was last set aside without an examination.
    suspected_at: Option<Instant>,
    /// When it was last reopened because of a report.
    reported_at: Option<Instant>,
    opened_at: Instant,
    /// Another program wrote to the file.
    is_changed: bool,
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
            suspected_at: None,
            reported_at: None,
            opened_at: now,
            is_changed: false,
            closed_for: None,
            complaint: None,
        };
        match opened {
            Ok(store) => file.opened(store),
            Err(why) => file.not_opened(&why),
        }
        file
    }

    /// Whether the file is open.
    pub(super) fn is_open(&self) -> bool {
        self.store.is_some()
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
            self.damaged(Damage { what: what.clone(), is_certain: false });
        }
    }

    /// Records damage for [`HistoryFile::check`].
    pub(super) fn damaged(&mut self, damage: Damage) {
        self.damage = Some(damage);
        self.look_at = Instant::now();
    }

    /// Whether another program wrote to the file since the last call.
    pub(super) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Records what a reader found, unless it read an earlier file.
    pub(super) fn reported(&mut self, DamageReport { what, began }: DamageReport) {
        let is_early = self.reported_at.is_some_and(|at| began < at + REPORTS);
        if let (Some(what), true, false) = (what, began > self.opened_at, is_early) {
            self.reported_at = Some(Instant::now());
            self.damaged(Damage { what, is_certain: false });
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
        let found = self.store.as_ref().map_or(Found::Same, |store| self.seen.look(&self.path, &store.connection));
        match found {
            Found::Same => self.damage.take().is_some_and(|damage| self.reopen_damaged(damage, now)),
            Found::Changed => {
                self.is_changed = true;
                self.damage.take().is_some_and(|damage| self.reopen_damaged(damage, now))
            }
            Found::Missing | Found::LogMissing => self.restore(),
            Found::Cut(cut) => self.reopen_cut(cut),
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

    /// Opens a damaged file again: it is examined, or set aside if the damage is certain or an examination found nothing within
    /// [`SUSPECT`].
    fn reopen_damaged(&mut self, Damage { what, is_certain }: Damage, found_at: Instant) -> bool {
        warn!(path = %self.path.display(), "The history file {} is damaged, opening it again: {what}", self.path.display());
        self.close("damaged");
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| found_at.duration_since(at) < SUSPECT);
        let is_suspect = is_recent(self.damaged_at) && !is_recent(self.suspected_at);
        self.damaged_at = Some(found_at);
        if is_suspect {
            self.suspected_at = Some(found_at);
        }
        self.open_after_damage((is_suspect || is_certain).then_some(what))
    }

    /// Opens a file again that is not as this process left it. What is left of its log must not make it worse.
    fn reopen_cut(&mut self, Cut { what, log }: Cut) -> bool {
        warn!(path = %self.path.display(), "The history file {} was changed while in use, opening it again: {what}", self.path.display());
        if let Some(store) = self.store.as_ref().filter(|_| log != LogUse::Whole) {
            // A connection has this option.
            let _ = store.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        self.close("damaged");
        if log == LogUse::Nothing {
            self.seen.remove_log(&self.real);
        }
        self.open_after_damage(None)
    }

    /// Opens the file, or replaces it without an examination because of this damage.
    fn open_after_damage(&mut self, known: Option<String>) -> bool {
        let now = (self.settings.clock)();
        self.meters.found_damage(now.0);
        let opened = match known {
            Some(what) => Store::open_renaming(&self.path, now, SetAsideReason::Damaged(what)),
            None => Store::open(&self.path, now),
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
        if let Some(at) = last_damage(&self.path) {
            self.meters.found_damage(at.0);
        }
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
        self.opened_at = Instant::now();
        self.look_at = self.opened_at + LOOK;
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

/// When a file that is still there was last set aside as damaged.
fn last_damage(path: &Path) -> Option<UnixSeconds> {
    let damaged = file_lock::all_set_aside(&real(path), DAMAGED);
    let name = damaged.first()?.file_name()?.to_str()?;
    let (_, moment) = name.rsplit_once(&format!(".{DAMAGED}-"))?;
    moment.split('-').next()?.parse().ok().map(UnixSeconds)
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
