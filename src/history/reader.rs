//! Read access to a history that another process may be writing.
//!
//! Never here: a lock that a writer would have to wait for; repairs.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::history::error::{OpenError, StoreError};
use crate::history::network_id::{self, Identity, NetworkId};
use crate::history::open::PATIENCE;
use crate::history::query::{self, Page, Query};
use crate::history::schema::{self, SchemaInfo};
use crate::history::{backfill, file_lock, store, tables};
use domain::list::Block;

/// The history, open for reading only.
pub struct Reader {
    pub(super) connection: Connection,
}

/// What is recorded of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkStatus {
    /// Its name.
    pub name: String,
    /// Its chain.
    pub identity: Identity,
    /// The highest recorded block; `None` if there is none.
    pub cursor: Option<Block>,
    /// Spans of heights whose events are recorded block by block, ascending, both ends included.
    pub spans: Vec<backfill::Span>,
}

impl Reader {
    /// Opens an existing file of the version that this program writes.
    pub fn open(path: &Path) -> Result<Reader, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = connect(path, flags).or_else(|error| match (error.sqlite_error_code(), unchanging(path)) {
            (Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly), Some(unchanging)) if !has_log(path) => {
                connect(Path::new(&unchanging), flags | OpenFlags::SQLITE_OPEN_URI)
            }
            _ => Err(error),
        });
        let (connection, marks) = opened.map_err(|error| refusal(path.into(), error))?;
        if !marks.is_ours() {
            let why = "it is empty, or belongs to another program".to_string();
            return Err(OpenError::NotHistory { path: path.into(), why });
        }
        if marks.version != schema::newest() {
            let (found, known) = (marks.version, schema::newest());
            return Err(OpenError::OtherVersion { path: path.into(), found, known });
        }
        Ok(Reader { connection })
    }

    /// A page of events; see [`Query`].
    pub fn events(&self, query: &Query) -> Result<Page, StoreError> {
        query::events(&self.connection, query)
    }

    /// The number of damaged rows of counters, blocks, sums and states, which are omitted.
    pub fn damaged_rows(&self) -> Result<u64, StoreError> {
        Ok(tables::damaged(&self.connection, &tables::ALL)?)
    }

    /// The networks recorded, by name. Damaged blocks and spans are omitted.
    pub fn networks(&self) -> Result<Vec<NetworkStatus>, StoreError> {
        let recorded = network_id::recorded(&self.connection)?.into_iter();
        recorded.map(|(name, id, identity)| self.status(name, id, identity)).collect()
    }

    fn status(&self, name: String, id: NetworkId, identity: Identity) -> Result<NetworkStatus, StoreError> {
        let cursor = store::highest(&self.connection, id, &tables::BLOCK.intact())?;
        Ok(NetworkStatus { name, identity, cursor, spans: backfill::intact_spans(&self.connection, id)? })
    }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<(Connection, SchemaInfo)> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    tables::prepare(&connection)?;
    let marks = SchemaInfo::read(&connection)?;
    Ok((connection, marks))
}

/// Whether a part of the history is in the log: a writer is running, or was killed.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(file_lock::with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// The same file, declared immutable: SQLite then needs no companion file, which a read-only directory cannot hold.
/// `None` if the path cannot be expressed as a URI.
fn unchanging(path: &Path) -> Option<String> {
    let path = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Some(format!("file:{path}?immutable=1"))
}

fn refusal(path: PathBuf, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) if !path.exists() => {
            OpenError::NotHistory { path, why: "there is no such file".into() }
        }
        _ if path.is_dir() => {
            OpenError::NotHistory { path, why: "it is a directory; history.path is a file in one".into() }
        }
        Some(ErrorCode::NotADatabase) => OpenError::NotHistory { path, why: "it is not a database".into() },
        _ => OpenError::Failed { path, error: error.into() },
    }
}
