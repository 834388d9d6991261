//! The counts of masternodes and networks.
//!
//! They are stored, not computed from events: old events are deleted, counts continue. Each count is stored under its
//! name if it is not 0, so that a new cause or field needs no schema change.
//!
//! Never here: which counts an event increments (`domain::tally`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::history::codec::{Column, from_json, to_json};
use crate::history::error::StoreError;
use crate::history::network_id::NetworkId;
use crate::history::tables::{NETWORK_TALLY, NODE_TALLY, SESSION_TALLY};
use domain::counters::{ByQuorumType, DkgCounters, EventCounters, Memberships, NetworkCounters, NodeCounters};
use domain::earnings::Earned;
use domain::event::{BanCause, Field};
use domain::masternode::{Height, MasternodeId, NodeType, UnixSeconds};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct NodeCounts {
    #[serde(skip_serializing_if = "is_zero")]
    penalties: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bans: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "is_zero")]
    revivals: u64,
    #[serde(skip_serializing_if = "is_zero")]
    payments: u64,
    #[serde(skip_serializing_if = "is_zero")]
    payments_lost: u64,
    /// Duffs of owner and operator, each with the number of payments that it is the sum of, and the time of the last payment. Short,
    /// because each block writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<(u64, u64, u64, u64, u64)>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    changes: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_penalty_height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ban: Option<(u32, u32)>,
    /// Valid and withdrawn ones.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    memberships: BTreeMap<String, (u64, u64)>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct SessionCounts {
    #[serde(skip_serializing_if = "is_zero")]
    formed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    failed: u64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct NetworkCounts {
    #[serde(skip_serializing_if = "is_zero")]
    penalties: u64,
    #[serde(skip_serializing_if = "is_zero")]
    bans: u64,
    #[serde(skip_serializing_if = "is_zero")]
    revivals: u64,
    #[serde(skip_serializing_if = "is_zero")]
    registrations: u64,
    #[serde(skip_serializing_if = "is_zero")]
    removals: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn named<K: Copy>(keys: &[K], counts: &[u64], label: fn(K) -> &'static str) -> BTreeMap<String, u64> {
    let pairs = keys.iter().zip(counts).filter(|(_, count)| **count > 0);
    pairs.map(|(key, count)| (label(*key).to_string(), *count)).collect()
}

fn placed<K: Copy, const N: usize>(
    keys: [K; N],
    named: &BTreeMap<String, u64>,
    label: fn(K) -> &'static str,
) -> [u64; N] {
    keys.map(|key| named.get(label(key)).copied().unwrap_or_default())
}

fn node_to_json(tally: &NodeCounters) -> String {
    let NodeCounters {
        penalties,
        bans,
        revivals,
        earned,
        last_payment,
        payments_lost,
        changes,
        last_penalty_height,
        last_ban,
        memberships,
    } = tally;
    let seats =
        |(quorum_type, seats): (&Cow<'_, str>, &Memberships)| (quorum_type.to_string(), (seats.valid, seats.invalid));
    to_json(&NodeCounts {
        penalties: *penalties,
        bans: named(&BanCause::ALL, bans, BanCause::label),
        revivals: *revivals,
        payments: earned.payments,
        paid: last_payment
            .map(|last| (earned.owner, earned.owner_known, earned.operator, earned.operator_known, last.0)),
        payments_lost: *payments_lost,
        changes: named(&Field::ALL, changes, Field::label),
        last_penalty_height: last_penalty_height.map(|height| height.0),
        last_ban: last_ban.map(|(height, among)| (height.0, among)),
        memberships: memberships.iter().map(seats).collect(),
    })
}

fn node_from_json(text: &str) -> Result<NodeCounters, StoreError> {
    let counts: NodeCounts = from_json(text)?;
    // Amounts were not counted before: those of earlier payments are not known.
    let (owner, owner_known, operator, operator_known, last) = counts.paid.unwrap_or_default();
    Ok(NodeCounters {
        penalties: counts.penalties,
        bans: placed(BanCause::ALL, &counts.bans, BanCause::label),
        revivals: counts.revivals,
        earned: Earned { payments: counts.payments, owner, owner_known, operator, operator_known },
        last_payment: counts.paid.is_some().then_some(UnixSeconds(last)),
        payments_lost: counts.payments_lost,
        changes: placed(Field::ALL, &counts.changes, Field::label),
        last_penalty_height: counts.last_penalty_height.map(Height),
        last_ban: counts.last_ban.map(|(height, among)| (Height(height), among)),
        memberships: counts
            .memberships
            .into_iter()
            .map(|(quorum_type, (valid, invalid))| (quorum_type.into(), Memberships { valid, invalid }))
            .collect(),
    })
}

fn network_to_json(tally: &NetworkCounters) -> String {
    let NetworkCounters { penalties, bans, revivals, registrations, removals } = *tally;
    to_json(&NetworkCounts { penalties, bans, revivals, registrations, removals })
}

fn network_from_json(text: &str) -> Result<NetworkCounters, StoreError> {
    let NetworkCounts { penalties, bans, revivals, registrations, removals } = from_json(text)?;
    Ok(NetworkCounters { penalties, bans, revivals, registrations, removals })
}

/// All counts of a network.
pub(super) fn load(connection: &Connection, network: NetworkId) -> Result<EventCounters, StoreError> {
    let mut statement = connection.prepare(&NODE_TALLY.select("masternode, counts", "WHERE network = ?1"))?;
    let mut rows = statement.query([network.0])?;
    let mut nodes = Vec::new();
    while let Some(row) = rows.next()? {
        NODE_TALLY.check(row, 2)?;
        nodes.push((row.get::<_, Column<MasternodeId>>(0)?.0, node_from_json(row.get_ref(1)?.as_str()?)?));
    }
    Ok(EventCounters::continue_from(nodes, load_network(connection, network)?, load_sessions(connection, network)?))
}

/// Changes the counts of a network and of those masternodes.
pub(super) fn update(
    connection: &Connection,
    network: NetworkId,
    ids: impl IntoIterator<Item = MasternodeId>,
    change: impl FnOnce(&mut EventCounters) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let before = load_some(connection, network, ids)?;
    let mut counts = before.clone();
    change(&mut counts)?;
    save(connection, network, &before, &counts)
}

/// The counts of a network and of those masternodes.
fn load_some(
    connection: &Connection,
    network: NetworkId,
    ids: impl IntoIterator<Item = MasternodeId>,
) -> Result<EventCounters, StoreError> {
    let mut statement = connection.prepare(&NODE_TALLY.select("counts", "WHERE network = ?1 AND masternode = ?2"))?;
    let counts = |row: &rusqlite::Row<'_>| NODE_TALLY.check(row, 1).and_then(|()| row.get(0));
    let mut nodes = Vec::new();
    for id in ids {
        let text: Option<String> = statement.query_row(params![network.0, Column(id)], counts).optional()?;
        nodes.push((id, text.map_or(Ok(NodeCounters::default()), |text| node_from_json(&text))?));
    }
    Ok(EventCounters::continue_from(nodes, load_network(connection, network)?, load_sessions(connection, network)?))
}

fn load_network(
    connection: &Connection,
    network: NetworkId,
) -> Result<[NetworkCounters; NodeType::ALL.len()], StoreError> {
    let mut statement = connection.prepare(&NETWORK_TALLY.select("node_type, counts", "WHERE network = ?1"))?;
    let mut rows = statement.query([network.0])?;
    let mut tallies = [NetworkCounters::default(); NodeType::ALL.len()];
    while let Some(row) = rows.next()? {
        NETWORK_TALLY.check(row, 2)?;
        let Column(node_type) = row.get::<_, Column<NodeType>>(0)?;
        tallies[node_type as usize] = network_from_json(row.get_ref(1)?.as_str()?)?;
    }
    Ok(tallies)
}

fn load_sessions(connection: &Connection, network: NetworkId) -> Result<ByQuorumType<DkgCounters>, StoreError> {
    let mut statement = connection.prepare(&SESSION_TALLY.select("quorum_type, counts", "WHERE network = ?1"))?;
    let mut rows = statement.query([network.0])?;
    let mut sessions = ByQuorumType::new();
    while let Some(row) = rows.next()? {
        SESSION_TALLY.check(row, 2)?;
        let SessionCounts { formed, failed } = from_json(row.get_ref(1)?.as_str()?)?;
        sessions.insert(row.get::<_, String>(0)?.into(), DkgCounters { formed, failed });
    }
    Ok(sessions)
}

/// Stores the counts of these masternodes, and those of the network and its sessions that differ from the ones in `before`: each
/// row that is written, the same or not, costs a page.
fn save(
    connection: &Connection,
    network: NetworkId,
    before: &EventCounters,
    tallies: &EventCounters,
) -> Result<(), StoreError> {
    let mut node = connection.prepare(&NODE_TALLY.insert("INSERT OR REPLACE"))?;
    for (id, tally) in tallies.nodes() {
        node.execute(params![network.0, Column(*id), node_to_json(tally)])?;
    }
    let mut kind = connection.prepare(&NETWORK_TALLY.insert("INSERT OR REPLACE"))?;
    for node_type in NodeType::ALL {
        let tally = &tallies.network()[node_type as usize];
        if *tally != before.network()[node_type as usize] {
            kind.execute(params![network.0, Column(node_type), network_to_json(tally)])?;
        }
    }
    let mut session = connection.prepare(&SESSION_TALLY.insert("INSERT OR REPLACE"))?;
    for (quorum_type, tally) in tallies.sessions() {
        if before.sessions().get(quorum_type) != Some(tally) {
            let counts = SessionCounts { formed: tally.formed, failed: tally.failed };
            session.execute(params![network.0, quorum_type, to_json(&counts)])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_back_to_the_unit() {
        let node = NodeCounters {
            penalties: u64::MAX,
            bans: [1, 2, 3, 4, 5, 6],
            revivals: 7,
            earned: Earned { payments: 8, owner: u64::MAX, owner_known: 7, operator: 6, operator_known: 5 },
            last_payment: Some(UnixSeconds(3)),
            payments_lost: 9,
            changes: [10, 11, 12, 13, 14, 15, 16],
            last_penalty_height: Some(Height(u32::MAX)),
            last_ban: Some((Height(9), 12)),
            memberships: [("llmq_60_75".into(), Memberships { valid: 15, invalid: 16 })].into(),
        };
        let little = NodeCounters { bans: [0, 0, 0, 0, 1, 0], ..NodeCounters::default() };
        for tally in [node, little, NodeCounters::default()] {
            assert_eq!(node_from_json(&node_to_json(&tally)).unwrap(), tally);
        }
        let network = NetworkCounters { penalties: 1, bans: 2, revivals: 3, registrations: 4, removals: u64::MAX };
        assert_eq!(network_from_json(&network_to_json(&network)).unwrap(), network);
    }

    #[test]
    fn the_amounts_of_payments_that_an_earlier_version_counted_are_not_known() {
        let earned = node_from_json(r#"{"payments":8}"#).unwrap().earned;
        assert_eq!((earned.payments, earned.owner(), earned.operator()), (8, None, None));
    }

    #[test]
    fn a_count_has_the_name_of_its_label() {
        let tally =
            NodeCounters { bans: [0, 2, 0, 0, 0, 0], last_penalty_height: Some(Height(7)), ..NodeCounters::default() };
        assert_eq!(node_to_json(&tally), r#"{"bans":{"revoked":2},"last_penalty_height":7}"#);
    }
}
