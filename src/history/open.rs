//! Opens a path as a writable history: locked, intact, and of the newest version.
//!
//! A file that cannot be used is set aside under another name and replaced by a new one. It is examined through a
//! read-only connection and closed without a checkpoint of the log, so that the file set aside is unchanged.
//!
//! Never here: reading the clock; recording.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::history::error::{OpenError, StoreError};
use crate::history::file_lock::{self, Lock};
use crate::history::schema::{self, SchemaInfo};
use crate::history::{carry, network_id, salvage, tables};
use domain::masternode::UnixSeconds;

/// Longest wait for another process, which locks the file for moments only.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The log is truncated to this many bytes after a reader made it grow.
pub(super) const LOG_BYTES: u32 = 16 << 20;

/// Bytes of a page of a new file: a few events fit into one.
const PAGE_BYTES: u32 = 1024;

/// Pages of the log after which they are copied to the file: a page that changed often in between is copied once.
const CHECKPOINT_PAGES: u32 = 8192;

/// The label of damage.
pub(super) const DAMAGED: &str = "damaged";

/// Why a file was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetAsideReason {
    /// It is inconsistent, or not a database; with the first finding.
    Damaged(String),
    /// It is a database of another program.
    Foreign,
    /// A newer version of this program wrote it, with this version.
    Newer(u32),
}

impl SetAsideReason {
    /// The value of the label `reason`, and a part of the new name of the file.
    pub(super) fn label(&self) -> &'static str {
        match self {
            SetAsideReason::Damaged(_) => DAMAGED,
            SetAsideReason::Foreign => "foreign",
            SetAsideReason::Newer(_) => "newer",
        }
    }
}

/// A file that was unusable and was renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its new name.
    pub path: PathBuf,
    /// Why it was set aside.
    pub fault: SetAsideReason,
    /// The number of its events that were copied to the new file.
    pub carried: u64,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.fault {
            SetAsideReason::Damaged(what) => write!(f, "the history file was damaged ({what})")?,
            SetAsideReason::Foreign => write!(f, "the history file belonged to another program")?,
            SetAsideReason::Newer(version) => write!(
                f,
                "the history file was written by a newer program (version {version}, known is {})",
                schema::newest()
            )?,
        }
        write!(f, "; renamed it to {} and created a new file with {} of its events", self.path.display(), self.carried)
    }
}

/// A file that an older program set aside as newer, and that took its place again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// Its name until now.
    pub from: PathBuf,
    /// The new name of the older program's file.
    pub older: PathBuf,
}

impl std::fmt::Display for TakenBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let TakenBack { from, older } = self;
        write!(
            f,
            "the history file {}, which an older version had set aside, is in use again: the blocks since then are replayed as far as \
             the node can; the file of the older version is {}",
            from.display(),
            older.display()
        )
    }
}

/// What happened while a file was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOutcome {
    /// The file was unusable.
    pub set_aside: Option<SetAside>,
    /// The file of an earlier run of this version, which an older program had set aside, is in use again.
    pub taken_back: Option<TakenBack>,
    /// The previous version of the file; `None` for a new file, and for one of the newest version.
    pub migrated_from: Option<u32>,
}

/// Takes the lock, examines the file, and opens it for writing.
pub(super) fn open(path: &Path, now: UnixSeconds) -> Result<(Connection, Lock, OpenOutcome), OpenError> {
    open_renaming(path, now, None)
}

/// The same; a file with a known fault is not examined.
pub(super) fn open_renaming(
    path: &Path,
    now: UnixSeconds,
    known: Option<SetAsideReason>,
) -> Result<(Connection, Lock, OpenOutcome), OpenError> {
    let failed = |error: StoreError| OpenError::Failed { path: path.into(), error };
    let (named, real) = (path, file_lock::real(path).map_err(|error| failed(error.into()))?);
    let path = real.as_path();
    if path.is_dir() {
        return Err(failed(StoreError::Other("it is a directory; history.path is a file in one".into())));
    }
    let lock = Lock::take(path, named)?;
    let mut report = OpenOutcome::default();
    let fault = known.map_or_else(|| examine(path), |fault| Ok(Some(fault))).map_err(failed)?;
    if let Some(fault) = fault {
        let aside = file_lock::set_aside(path, fault.label(), now).map_err(|error| failed(error.into()))?;
        report.set_aside = Some(SetAside { path: aside, fault, carried: 0 });
    }
    if report.set_aside.is_none() {
        report.taken_back = take_back(path, now).map_err(failed)?;
    }
    let created = if report.set_aside.is_some() { file_lock::create(path) } else { Ok(()) };
    let connected = created.map_err(StoreError::from).and_then(|()| connect(path));
    if let (Err(_), Some(SetAside { path: aside, .. })) = (&connected, &report.set_aside) {
        // The next attempt begins with the old file again, whose content would otherwise be left behind.
        file_lock::put_back(aside, path).map_err(|error| failed(error.into()))?;
    }
    let (mut connection, before) = connected.map_err(failed)?;
    if let Some(aside) = report.set_aside.as_mut().filter(|aside| matches!(aside.fault, SetAsideReason::Damaged(_))) {
        aside.carried = carry::events(&aside.path, &mut connection).unwrap_or_else(|error| {
            tracing::warn!("Copying events from {} failed: {error}", aside.path.display());
            0
        });
    }
    report.migrated_from = Some(before).filter(|version| (1..schema::newest()).contains(version));
    Ok((connection, lock, report))
}

/// After an upgrade that followed a downgrade: the newest intact file that the older program set aside takes the place of the older
/// program's file. Both cannot be joined: the blocks since the downgrade follow from the node.
fn take_back(path: &Path, now: UnixSeconds) -> Result<Option<TakenBack>, StoreError> {
    let Some(older) = version(path)? else { return Ok(None) };
    let is_newer = |from: &PathBuf| version(from).ok().flatten().is_some_and(|version| version > older);
    let is_intact = |from: &PathBuf| examine(from).is_ok_and(|fault| fault.is_none());
    let found = file_lock::all_set_aside(path, "newer").into_iter().find(|from| is_newer(from) && is_intact(from));
    let Some(from) = found else { return Ok(None) };
    let older = file_lock::set_aside(path, "older", now)?;
    if let Err(error) = file_lock::rename(&from, path) {
        file_lock::rename(&older, path)?;
        return Err(error.into());
    }
    Ok(Some(TakenBack { from, older }))
}

/// The version of a file of ours; `None` for a new file.
fn version(path: &Path) -> Result<Option<u32>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let marks = SchemaInfo::read(&read_only(path)?)?;
    Ok(Some(marks.version).filter(|_| marks.is_ours()))
}

/// A connection that changes nothing, not even by closing it.
pub(super) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    tables::prepare(&connection)?;
    Ok(connection)
}

/// The fault of a file, if any. A failure to examine it is an error, not a fault of the file.
fn examine(path: &Path) -> Result<Option<SetAsideReason>, StoreError> {
    match fs::metadata(path) {
        Ok(file) if file.len() > 0 => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    match find_fault(&read_only(path)?) {
        Err(StoreError::Damaged(what)) => Ok(Some(SetAsideReason::Damaged(what))),
        found => found,
    }
}

fn find_fault(connection: &Connection) -> Result<Option<SetAsideReason>, StoreError> {
    let marks = SchemaInfo::read(connection)?;
    if marks.is_blank() {
        return Ok(None);
    }
    if !marks.is_ours() {
        return Ok(Some(SetAsideReason::Foreign));
    }
    if marks.version > schema::newest() {
        return Ok(Some(SetAsideReason::Newer(marks.version)));
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        // It may have several lines; a log line has one.
        return Ok(Some(SetAsideReason::Damaged(verdict.lines().collect::<Vec<_>>().join(" "))));
    }
    if marks.version < schema::newest() {
        return Ok(None);
    }
    if !salvage::has_known_schema(connection)? {
        return Ok(Some(SetAsideReason::Damaged("the texts of its schema are not those of its version".into())));
    }
    Ok(tables::find_fault(connection)?.map(SetAsideReason::Damaged))
}

/// A writing connection, and the previous version of the file.
fn connect(path: &Path) -> Result<(Connection, u32), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Both take effect only before the first table is created. A block changes a few rows of many pages, and each changed page is
    // written whole.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let journal: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if journal != "wal" {
        return Err(StoreError::Other(format!("the disk allows no write-ahead log (journal mode {journal})")));
    }
    // Neither a killed process nor a power failure loses what was written: blocks can be replayed, but the state of alerts says what the
    // receivers know. A block is one transaction, and many are during a backfill.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let before = SchemaInfo::read(&connection)?.version;
    schema::migrate(&mut connection, schema::STEPS)?;
    network_id::repair(&connection)?;
    Ok((connection, before))
}
