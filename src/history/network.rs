//! The networks of a file, and that each stays the chain that it was.
//!
//! Never here: what is recorded of them.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::masternode::BlockHash;
use crate::history::codec::Column;
use crate::history::error::StoreError;

/// A network of the file: what it is is known, and was compared with what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(pub(super) i64);

/// A chain as its nodes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `getblockchaininfo.chain`.
    pub chain: String,
    /// Hash of block 0.
    pub genesis: BlockHash,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (genesis block {})", self.chain, self.genesis)
    }
}

/// The network of that name; recorded when it is new. Fails when it was another chain.
pub(super) fn find_or_add(connection: &Connection, name: &str, identity: &Identity) -> Result<NetworkId, StoreError> {
    if let Some((network, recorded)) = find(connection, name)? {
        if recorded == *identity {
            return Ok(network);
        }
        let (recorded, offered) = (recorded.to_string(), identity.to_string());
        return Err(StoreError::OtherChain { network: name.into(), recorded, offered });
    }
    let genesis = Column(identity.genesis.0);
    let insert = "INSERT INTO network (name, chain, genesis) VALUES (?1, ?2, ?3)";
    connection.execute(insert, params![name, identity.chain, genesis])?;
    Ok(NetworkId(connection.last_insert_rowid()))
}

/// The network of that name, if the file has one.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<(NetworkId, Identity)>, StoreError> {
    let select = "SELECT id, chain, genesis FROM network WHERE name = ?1";
    let found = connection.query_row(select, [name], |row| {
        let Column(genesis) = row.get(2)?;
        Ok((NetworkId(row.get(0)?), Identity { chain: row.get(1)?, genesis: BlockHash(genesis) }))
    });
    Ok(found.optional()?)
}
