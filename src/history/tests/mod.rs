//! Tests of the store with files in temporary directories.
//!
//! Never here: a killed process; see `tests/it/history.rs`.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::history::{BlockEvents, Identity, NetworkId, Query, Store};
use domain::event::{BanCause, Change, Event, EventKind, FailedQuorum, Field};
use domain::masternode::{BlockHash, Duffs, Hash, Height, NodeType, Score, UnixSeconds};
use domain::samples::{self, block, id};

mod alerting;
mod asking;
mod checksums;
mod damage;
mod earnings;
mod failing;
mod filling;
mod opening;
mod recording;
mod running;
mod salvage;
mod unnoticed;
mod watched;
mod watched_targets;
mod writing;

/// The current time of the tests.
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// A temporary directory, with the path of a history in it.
struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place { path: folder.path().join("history.db"), folder }
    }

    fn open(&self) -> Store {
        Store::open(&self.path, NOW).unwrap()
    }

    /// A store with a network, nothing recorded of it.
    fn open_network(&self) -> (Store, NetworkId) {
        let mut store = self.open();
        let network = store.network("dash", &main()).unwrap();
        (store, network)
    }

    /// Names of the files in the directory, except the lock.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "history.db.lock").collect();
        names.sort();
        names
    }
}

fn main() -> Identity {
    Identity { chain: "main".into(), genesis: BlockHash(Hash([1; 32])) }
}

fn event(height: u32, masternode: u8, kind: EventKind) -> Event {
    let node_type = if masternode.is_multiple_of(2) { NodeType::Evo } else { NodeType::Regular };
    Event { block: block(height), exact: true, masternode: id(masternode), node_type, kind }
}

fn penalty() -> EventKind {
    samples::penalty(66, 66, 1, false)
}

/// A block with these events of these masternodes.
fn happened(height: u32, events: &[(u8, EventKind)]) -> BlockEvents {
    let events = events.iter().map(|(masternode, kind)| event(height, *masternode, kind.clone()));
    BlockEvents { block: block(height), events: events.collect(), sessions: vec![] }
}

/// Blocks without events.
fn quiet(heights: impl IntoIterator<Item = u32>) -> Vec<BlockEvents> {
    heights.into_iter().map(|height| happened(height, &[])).collect()
}

/// Each kind of event with everything it can carry, in the order of [`EventKind::NAMES`].
pub(crate) fn every_kind() -> Vec<EventKind> {
    let whole = samples::penalty(u32::MAX, u32::MAX, 2, false);
    let quorum = FailedQuorum {
        quorum_type: "llmq_60_75".into(),
        hash: BlockHash(Hash([8; 32])),
        height: Height(288),
        index: 31,
        others: Some(2),
    };
    let clamped = EventKind::Penalty {
        score: Score(100),
        points: 58,
        failures: 1,
        clamped: true,
        quorums: vec![quorum],
        others: Some(0),
    };
    let others = [
        EventKind::Revival,
        EventKind::Registration,
        EventKind::Removal,
        EventKind::Payment {
            amount: Some(Duffs(u64::MAX)),
            operator: Some(Duffs(1)),
            payees: vec![("Xa".into(), Duffs(u64::MAX)), ("Xb".into(), Duffs(0))],
        },
        EventKind::PaymentLost,
    ];
    let kinds =
        [whole, clamped].into_iter().chain(BanCause::ALL.map(|cause| EventKind::Ban { cause, among: 9 })).chain(others);
    let state = EventKind::State { from: "enabled".into(), to: "expired".into() };
    let change = |field| {
        let change = Change { before: "Xa 70 %, Xb 30 %".into(), after: "".into() };
        EventKind::Change(field, Some(Box::new(change)))
    };
    kinds.chain(Field::ALL.map(change)).chain([state]).collect()
}

/// All events, withdrawn or not.
fn everything() -> Query {
    Query { withdrawn: true, limit: 10_000, ..Query::default() }
}

/// Height, masternode, name of the kind, and whether it was withdrawn, of each event found.
fn found(store: &Store, query: &Query) -> Vec<(u32, u8, &'static str, bool)> {
    let events = store.events(query).unwrap().events.into_iter();
    events
        .map(|kept| {
            let event = kept.event;
            (event.block.height.0, event.masternode.hash().0[0], event.kind.name(), kept.withdrawn)
        })
        .collect()
}
