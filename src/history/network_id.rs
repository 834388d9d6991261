//! The networks of a file, and the check that each stays the same chain.
//!
//! Never here: their events.

use std::collections::HashMap;
use std::fmt;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::history::checksum;
use crate::history::codec::Column;
use crate::history::error::StoreError;
use domain::masternode::BlockHash;

/// A network of the file, whose identity is known and was compared with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(pub(super) i64);

/// The identity of a chain as its nodes report it.
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

/// A network as it is recorded.
struct Recorded {
    id: i64,
    name: String,
    identity: Identity,
}

impl Recorded {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Recorded> {
        let Column(genesis) = row.get(3)?;
        let identity = Identity { chain: row.get(2)?, genesis: BlockHash(genesis) };
        Ok(Recorded { id: row.get(0)?, name: row.get(1)?, identity })
    }

    fn checksum(&self) -> u32 {
        let Recorded { id, name, identity: Identity { chain, genesis } } = self;
        let (name, chain) = (ValueRef::Text(name.as_bytes()), ValueRef::Text(chain.as_bytes()));
        checksum::of([ValueRef::Integer(*id), name, chain, ValueRef::Blob(&genesis.0.0)])
    }
}

/// The network of that name; a new one is recorded. Fails if it was another chain.
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
    let id = connection.last_insert_rowid();
    copy(connection, &Recorded { id, name: name.into(), identity: identity.clone() })?;
    Ok(NetworkId(id))
}

fn copy(connection: &Connection, recorded: &Recorded) -> Result<(), StoreError> {
    let insert = "INSERT OR REPLACE INTO network_copy (id, name, chain, genesis, checksum) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Recorded { id, name, identity } = recorded;
    connection.execute(insert, params![id, name, identity.chain, Column(identity.genesis.0), recorded.checksum()])?;
    Ok(())
}

/// Copies the networks of a damaged file, each with its number.
pub(super) fn carry(from: &Connection, into: &Connection) -> Result<(), StoreError> {
    for recorded in all(from)? {
        let insert = "INSERT INTO network (id, name, chain, genesis) VALUES (?1, ?2, ?3, ?4)";
        let Recorded { id, name, identity } = &recorded;
        into.execute(insert, params![id, name, identity.chain, Column(identity.genesis.0)])?;
        copy(into, &recorded)?;
    }
    Ok(())
}

/// Restores networks from their copies, and adds missing or damaged copies. Runs before anything else is written.
pub(super) fn repair(connection: &Connection) -> Result<(), StoreError> {
    let copies = copies(connection);
    for Recorded { id, name, identity } in &copies {
        let update = "UPDATE network SET name = ?2, chain = ?3, genesis = ?4 \
                      WHERE id = ?1 AND (name, chain, genesis) IS NOT (?2, ?3, ?4)";
        connection.execute(update, params![id, name, identity.chain, Column(identity.genesis.0)])?;
    }
    for recorded in originals(connection)? {
        if copies.iter().all(|copy| copy.id != recorded.id) {
            copy(connection, &recorded)?;
        }
    }
    Ok(())
}

/// The copies that match their checksum.
fn copies(connection: &Connection) -> Vec<Recorded> {
    let read = || -> rusqlite::Result<Vec<Recorded>> {
        let mut statement = connection.prepare("SELECT id, name, chain, genesis, checksum FROM network_copy")?;
        let mut rows = statement.query([])?;
        let mut copies = Vec::new();
        while let Some(row) = rows.next()? {
            let read = Recorded::of(row).and_then(|copy| Ok((row.get::<_, u32>(4)?, copy)));
            copies.extend(read.ok().filter(|(checksum, copy)| copy.checksum() == *checksum).map(|(_, copy)| copy));
        }
        Ok(copies)
    };
    // The original replaces an unreadable copy.
    read().unwrap_or_default()
}

/// The readable networks, without a checksum.
fn originals(connection: &Connection) -> Result<Vec<Recorded>, StoreError> {
    let mut statement = connection.prepare("SELECT id, name, chain, genesis FROM network")?;
    let rows = statement.query_map([], Recorded::of)?;
    Ok(rows.filter_map(Result::ok).collect())
}

fn all(connection: &Connection) -> Result<Vec<Recorded>, StoreError> {
    let mut all = copies(connection);
    // Only a damaged copy is replaced by an original without a checksum.
    for recorded in originals(connection).or_else(|error| if all.is_empty() { Err(error) } else { Ok(vec![]) })? {
        if all.iter().all(|copy| copy.id != recorded.id) {
            all.push(recorded);
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// The name of each network, by its number.
pub(super) fn names(connection: &Connection) -> Result<HashMap<i64, String>, StoreError> {
    Ok(all(connection)?.into_iter().map(|recorded| (recorded.id, recorded.name)).collect())
}

/// The networks recorded, by name.
pub(super) fn recorded(connection: &Connection) -> Result<Vec<(String, NetworkId, Identity)>, StoreError> {
    Ok(all(connection)?.into_iter().map(|Recorded { id, name, identity }| (name, NetworkId(id), identity)).collect())
}

/// The network of that name, if the file has one.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<(NetworkId, Identity)>, StoreError> {
    let found = all(connection)?.into_iter().find(|recorded| recorded.name == name);
    Ok(found.map(|recorded| (NetworkId(recorded.id), recorded.identity)))
}
