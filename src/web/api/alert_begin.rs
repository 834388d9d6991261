//! When the condition of an alert began: by the chain where the chain tells, never the start of the exporter.
//!
//! Never here: evaluation of conditions; words.

use std::sync::Arc;

use crate::web::api::Alert;
use domain::NetworkState;
use domain::condition::Catalogue;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::snapshot::Snapshot;

/// Seconds after the first list within which each condition that held before is noticed.
const NOTICED: u64 = 120;

/// When a condition began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Begin {
    /// With a block of this time: what happened, and when.
    Block(&'static str, UnixSeconds),
    /// Before this: the exporter noticed it when it started.
    Before(UnixSeconds),
    /// Then.
    Noticed(UnixSeconds),
}

impl Begin {
    /// When the condition of an alert began.
    pub(in crate::web) fn of(alert: &Alert, networks: &[Arc<NetworkState>]) -> Begin {
        let label = |name: &str| alert.labels.get(name).map(String::as_str);
        let state = label("network").and_then(|name| networks.iter().find(|state| *state.network == *name));
        let id = label("masternode").and_then(|id| id.parse().ok());
        if let Some((what, time)) = state.and_then(|state| by_chain(&alert.name, state.last()?, &id?)) {
            return Begin::Block(what, time);
        }
        let started = state.into_iter().chain(networks).map(|state| state.since.unix.0).next();
        let hold = Catalogue::default().find(&alert.name).map_or(0, |condition| condition.alert.hold_seconds);
        let first = |started: u64| started..=started.saturating_add(u64::from(hold) + NOTICED);
        match started.is_some_and(|started| first(started).contains(&alert.since.0)) {
            true => Begin::Before(alert.since),
            false => Begin::Noticed(alert.since),
        }
    }

    /// The time of the block with which it began; `None` if the chain does not tell.
    pub(super) fn block_time(self) -> Option<UnixSeconds> {
        match self {
            Begin::Block(_, time) => Some(time),
            Begin::Before(_) | Begin::Noticed(_) => None,
        }
    }
}

fn by_chain(alert: &str, last: &Snapshot, id: &MasternodeId) -> Option<(&'static str, UnixSeconds)> {
    let event = |kind: &str| {
        let events = last.recent_events().iter().rev();
        let mut events = events.filter(|event| event.masternode == *id && event.kind.name() == kind);
        events.next().map(|event| event.block.time)
    };
    match alert {
        "MasternodePoSeBanned" | "MasternodeNotEnabled" => {
            let masternode = last.list().get(id).filter(|masternode| masternode.is_banned())?;
            Some(("banned", last.ban_time(masternode)?))
        }
        "MasternodePoSePenalized" | "MasternodePoSeOneFailureFromBan" | "MasternodePoSeRepeatedFailures" => {
            Some(("failed", event("penalty")?))
        }
        "MasternodeMissing" => Some(("left the list", event("removal")?)),
        _ => None,
    }
}
