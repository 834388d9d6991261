//! The tables whose rows have a checksum in the column `checksum`, computed by the SQL function `row_checksum` over the other columns.
//! A row that does not match it is never used.
//!
//! Never here: events, whose checksum SQL can change (`checksum`); networks, which have a copy (`network_id`).

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use crate::history::checksum;

/// A table and its columns, except the checksum.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
}

pub(super) const BLOCK: Table = Table { name: "block", columns: "network, height, hash, time" };
pub(super) const SPAN: Table = Table { name: "span", columns: "network, first, last, since" };
pub(super) const NODE_TALLY: Table = Table { name: "node_tally", columns: "network, masternode, counts" };
pub(super) const NETWORK_TALLY: Table = Table { name: "network_tally", columns: "network, node_type, counts" };
pub(super) const SESSION_TALLY: Table = Table { name: "session_tally", columns: "network, quorum_type, counts" };
pub(super) const ACTIVATION: Table = Table { name: "activation", columns: "network, deployment, height" };
pub(super) const ALERT: Table = Table { name: "alert", columns: "key, state" };
pub(super) const OPERATOR: Table = Table { name: "operator", columns: "key, state" };
pub(super) const EARNING: Table = Table {
    name: "earning",
    columns: "network, masternode, month, payments, owner, owner_known, operator, operator_known, last",
};

/// All of them.
pub(super) const ALL: [Table; 9] =
    [BLOCK, SPAN, NODE_TALLY, NETWORK_TALLY, SESSION_TALLY, ACTIVATION, ALERT, OPERATOR, EARNING];

impl Table {
    /// The condition that a row matches its checksum; it is 1 or 0.
    pub(super) fn intact(&self) -> String {
        format!("checksum IS row_checksum({})", self.columns)
    }

    /// A statement that selects columns, followed by whether the row is intact.
    pub(super) fn select(&self, columns: &str, rest: &str) -> String {
        format!("SELECT {columns}, {} FROM {} {rest}", self.intact(), self.name)
    }

    /// Fails if a row of [`Table::select`] with that many columns is damaged.
    pub(super) fn check(&self, row: &Row<'_>, columns: usize) -> rusqlite::Result<()> {
        if row.get(columns)? {
            return Ok(());
        }
        let what = format!("a row of the table {} does not match its checksum", self.name);
        Err(rusqlite::Error::FromSqlConversionFailure(columns, Type::Integer, what.into()))
    }

    /// A statement that adds a row: all columns in their order. `verb` is INSERT, or INSERT OR REPLACE.
    pub(super) fn insert(&self, verb: &str) -> String {
        let values = (1..=self.columns.split(',').count()).map(|place| format!("?{place}"));
        let values = values.collect::<Vec<_>>().join(", ");
        let Table { name, columns } = self;
        format!("{verb} INTO {name} ({columns}, checksum) VALUES ({values}, row_checksum({values}))")
    }
}

/// Adds the function `row_checksum` to a connection.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("row_checksum", -1, flags, |context| {
        Ok(i64::from(checksum::of((0..context.len()).map(|place| context.get_raw(place)))))
    })
}

/// The number of damaged rows.
pub(super) fn damaged(connection: &Connection, tables: &[Table]) -> rusqlite::Result<u64> {
    tables.iter().try_fold(0, |sum, table| {
        let select = format!("SELECT count(*) FROM {} WHERE NOT ({})", table.name, table.intact());
        Ok(sum + connection.query_row(&select, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    })
}

/// The first table with damaged rows.
pub(super) fn find_fault(connection: &Connection) -> rusqlite::Result<Option<String>> {
    for table in &ALL {
        let rows = damaged(connection, std::slice::from_ref(table))?;
        if rows > 0 {
            return Ok(Some(format!("{rows} rows of the table {} do not match their checksum", table.name)));
        }
    }
    Ok(None)
}
