//! Conditions of a snapshot, as a process without trouble evaluates them.
//!
//! Never here: the engine; holds.

use std::sync::Arc;
use std::time::Duration;

use domain::condition::{Catalogue, Evaluation, Memory, ThresholdSettings, evaluate};
use domain::network_state::{Moment, NetworkState, SourceHealth};
use domain::probe::Probes;
use domain::samples::evaluation_input;
use domain::{Snapshot, UnixSeconds};

/// A condition that holds.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) alert: &'static str,
    /// The labels `masternode` or `quorum_type`.
    pub(crate) of: String,
    pub(crate) value: f64,
    pub(crate) text: String,
}

/// This moment in a process that runs for so long.
pub(crate) fn moment(unix: u64, uptime: u64) -> Moment {
    Moment { unix: UnixSeconds(unix), uptime: Duration::from_secs(uptime) }
}

/// A network with one usable source that was confirmed then, followed since the process began.
pub(crate) fn network(
    name: &str,
    snapshot: Option<Arc<Snapshot>>,
    probes: Option<Arc<Probes>>,
    confirmed: Option<Moment>,
) -> NetworkState {
    let known = confirmed.is_some().then_some(true);
    let source = SourceHealth {
        name: "node".into(),
        synced: known,
        network_match: known,
        last_success: confirmed,
        ..SourceHealth::default()
    };
    let rules = Arc::new(snapshot.as_ref().map_or(domain::chain::DASH, |snapshot| snapshot.rules().clone()));
    NetworkState {
        snapshot,
        sources: vec![source],
        confirmed,
        probes,
        ..NetworkState::new(name, rules, Duration::from_secs(900), moment(0, 0), [])
    }
}

/// Evaluates a snapshot at `now` with what was seen before.
pub(crate) fn evaluated(snapshot: Arc<Snapshot>, memory: &mut Memory, now: UnixSeconds) -> Evaluation {
    let now = moment(now.0, 500_000);
    let name = snapshot.network().to_string();
    let network = network(&name, Some(snapshot), None, Some(now));
    evaluate(&Catalogue::default(), &evaluation_input(vec![network], now), &ThresholdSettings::default(), memory)
}

/// What holds of a snapshot at `now`.
pub(crate) fn holding(snapshot: Arc<Snapshot>, now: UnixSeconds) -> Vec<Holding> {
    let evaluation = evaluated(snapshot, &mut Memory::default(), now);
    let holding = evaluation.holding().map(|(subject, condition, value, text)| {
        let of = subject.labels.get("masternode").or_else(|| subject.labels.get("quorum_type"));
        Holding { alert: condition.alert.name, of: of.cloned().unwrap_or_default(), value, text: text.into() }
    });
    holding.collect()
}
