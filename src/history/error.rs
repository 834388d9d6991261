//! What can go wrong, as far as somebody decides by it.
//!
//! Never here: the decision.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::types::FromSqlError;

use domain::list::Block;
use domain::masternode::Height;

/// Why something could not be written or read. Nothing was changed, and the same call may be tried again later.
#[derive(Debug)]
pub enum StoreError {
    /// No space is left.
    Full,
    /// The file, its folder or its disk cannot be written.
    ReadOnly,
    /// Another process held the file for too long.
    Busy,
    /// The file could not be opened yet; whoever keeps it tries again and has said why.
    NotOpen,
    /// What the file holds makes no sense: opened anew, it is examined and set aside.
    Damaged(String),
    /// The name stands for another chain than the one that was recorded.
    OtherChain {
        /// Name of the network.
        network: String,
        /// The chain recorded under it, and its genesis block.
        recorded: String,
        /// The chain that is to go on under it, and its genesis block.
        offered: String,
    },
    /// A block does not go on from what is recorded; nothing is recorded twice.
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
            StoreError::Full => f.write_str("no space is left for the history"),
            StoreError::ReadOnly => f.write_str("the history cannot be written: file, folder or disk is read-only"),
            StoreError::Busy => f.write_str("another process held the history file for too long"),
            StoreError::NotOpen => f.write_str("the history file could not be opened yet"),
            StoreError::Damaged(what) => write!(f, "the history file is damaged: {what}"),
            StoreError::OtherChain { network, recorded, offered } => write!(
                f,
                "the history of network {network} is of chain {recorded}, the source is on {offered}: give the network \
                 another name, or the history another file"
            ),
            StoreError::NotNext { cursor: Some(cursor), offered } => {
                write!(f, "the history goes up to block {}, block {offered} does not go on from it", cursor.height)
            }
            StoreError::NotNext { cursor: None, offered } => {
                write!(f, "the history has no block yet, block {offered} cannot go on from it")
            }
            StoreError::Other(what) => write!(f, "history: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// What to do about a file that cannot be opened or written.
    pub(super) fn cure(&self) -> &'static str {
        match self {
            StoreError::Full => "make room on its disk",
            StoreError::ReadOnly => "let this process write the file and its folder",
            StoreError::Busy => "end the other program that holds it",
            _ => "make sure that its folder exists and can be written by this process",
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
    /// Another process writes it.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A reader found nothing that it could read as a history: no file, or one of another kind.
    NotHistory {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// A reader found a file of another version: the program that writes it is older or newer.
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The file could not be written or read.
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
                write!(f, "another process writes the history file {}: give each its own file", path.display())
            }
            OpenError::NotHistory { path, why } => write!(f, "{} is no history file: {why}", path.display()),
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
