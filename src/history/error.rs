//! Errors of the history, as far as a caller branches on them.
//!
//! Never here: handling them.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::types::FromSqlError;

use domain::list::Block;
use domain::masternode::Height;

/// Why a read or write failed. Nothing was changed, and the same call may be repeated later.
#[derive(Debug)]
pub enum StoreError {
    /// No space is left.
    Full,
    /// The file, its folder or its disk cannot be written.
    ReadOnly,
    /// Another process locked the file for too long.
    Busy,
    /// The file could not be opened yet; its owner retries and has logged why.
    NotOpen,
    /// The content of the file is inconsistent: when opened again, it is examined and set aside.
    Damaged(String),
    /// The name belongs to another chain than the recorded one.
    OtherChain {
        /// Name of the network.
        network: String,
        /// The chain recorded under it, and its genesis block.
        recorded: String,
        /// The chain that is to continue under it, and its genesis block.
        offered: String,
    },
    /// A block does not extend the recorded chain; nothing is recorded twice.
    NotNext {
        /// The highest block recorded; `None` when none is.
        cursor: Option<Block>,
        /// Height of the block that was to be recorded.
        offered: Height,
    },
    /// Anything else.
    Other(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Full => f.write_str("no space left on the disk of the history"),
            StoreError::ReadOnly => f.write_str("the history cannot be written: file, folder or disk is read-only"),
            StoreError::Busy => f.write_str("another process locked the history file for too long"),
            StoreError::NotOpen => f.write_str("the history file could not be opened yet"),
            StoreError::Damaged(what) => write!(f, "the history file is damaged: {what}"),
            StoreError::OtherChain { network, recorded, offered } => write!(
                f,
                "the history of network {network} is of chain {recorded}, the source is on {offered}: give the network \
                 another name, or the history another file"
            ),
            StoreError::NotNext { cursor: Some(cursor), offered } => {
                write!(f, "the history ends at block {}, block {offered} does not extend it", cursor.height)
            }
            StoreError::NotNext { cursor: None, offered } => {
                write!(f, "the history has no block yet, block {offered} cannot extend it")
            }
            StoreError::Other(what) => write!(f, "history: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// How to resolve a failure to open or write a file.
    pub(super) fn cure(&self) -> &'static str {
        match self {
            StoreError::Full => "free space on its disk",
            StoreError::ReadOnly => "allow this process to write the file and its directory",
            StoreError::Busy => "stop the other program that locks it",
            _ => "make sure that its directory exists and that this process can write to it",
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
        if let FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..) =
            error
        {
            return StoreError::Damaged(error.to_string());
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
            _ => StoreError::Other(error.to_string()),
        }
    }
}

impl From<FromSqlError> for StoreError {
    fn from(error: FromSqlError) -> StoreError {
        StoreError::Damaged(error.to_string())
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
            _ => StoreError::Other(error.to_string()),
        }
    }
}

/// Why a file could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process writes to it.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file has several names. SQLite keeps its log beside the name that is used, so writing through two of them destroys it.
    Linked {
        /// The file.
        path: PathBuf,
        /// The number of its names.
        names: u64,
    },
    /// A reader found no readable history: no file, or a file of another kind.
    NotHistory {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// A reader found another version: the program that writes the file is older or newer.
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The file could not be read or written.
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        error: StoreError,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::InUse { path } => {
                write!(f, "another process writes the history file {}: configure one file per process", path.display())
            }
            OpenError::Linked { path, names } => write!(
                f,
                "the history file {} has {names} names (hard links), and writing through two of them would destroy it: remove the \
                 others, or replace them by copies",
                path.display()
            ),
            OpenError::NotHistory { path, why } => write!(f, "{} is not a history file: {why}", path.display()),
            OpenError::OtherVersion { path, found, known } => write!(
                f,
                "the history file {} is of version {found}, this program reads version {known}: use the program that \
                 writes it",
                path.display()
            ),
            OpenError::Failed { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}
