//! What is to be said of a consensus change: that it is near, and that it came.
//!
//! Never here: sources that do not follow it, which no snapshot knows.

use crate::condition::{Condition, Emit, Thresholds};
use crate::masternode::UnixSeconds;
use crate::snapshot::Snapshot;

/// The conditions that hold of the network's deployment.
pub(super) fn conditions(snapshot: &Snapshot, thresholds: &Thresholds, now: UnixSeconds, tell: Emit<'_>) {
    let (facts, tip) = (snapshot.facts(), snapshot.block());
    let Some(deployment) = &facts.deployment else { return };
    let expected = deployment.activation_height;
    let expected = expected.and_then(|height| facts.expected_at(height, tip, snapshot.rules()));
    let left = expected.map(|at| at.0.saturating_sub(now.0));
    if let Some(left) = left.filter(|left| *left < thresholds.fork_near_seconds) {
        tell(Condition::ForkNear, left as f64);
    }
    let blocks = deployment.active_since(tip.height).map(|since| tip.height.above(since));
    if let Some(blocks) = blocks.filter(|blocks| deployment.window.is_some_and(|window| *blocks < window)) {
        tell(Condition::ForkActivated, f64::from(blocks));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chain::{DASH, Subnet};
    use crate::chain_facts::ChainFacts;
    use crate::counters::EventCounters;
    use crate::deployment::{Deployment, Phase};
    use crate::masternode::Height;
    use crate::samples::{list, masternode};
    use crate::snapshot::SnapshotInputs;

    const TIP: u32 = 10_000;

    fn holding(phase: Phase, activation: Option<u32>, seconds_later: u64) -> Vec<(Condition, f64)> {
        let (signal_height, signalling, earliest_height) = (None, None, Some(Height(TIP + 1)));
        let activation_height = activation.map(Height);
        let window = Some(4032);
        let known = Deployment { phase, signal_height, window, signalling, activation_height, earliest_height };
        let spacing = Some(100.0);
        let facts =
            ChainFacts { deployment: Some(known), measured_spacing_seconds: spacing, ..ChainFacts::new(Subnet::Main) };
        let list = list(TIP, vec![masternode(1)]);
        let tip = list.block().time;
        let parts = SnapshotInputs {
            network: "net".into(),
            rules: Arc::new(DASH),
            list: Arc::new(list),
            facts,
            read_at: tip,
            watched: vec![],
            recent_events: vec![],
        };
        let snapshot = Snapshot::new(parts, &EventCounters::default());
        let mut found = Vec::new();
        conditions(&snapshot, &Thresholds::DEFAULT, UnixSeconds(tip.0 + seconds_later), &mut |condition, value| {
            found.push((condition, value));
        });
        found
    }

    #[test]
    fn an_activation_is_near_for_a_week_and_was_there_for_a_window() {
        let near = |seconds| vec![(Condition::ForkNear, seconds)];
        let came = |blocks| vec![(Condition::ForkActivated, blocks)];
        // state, activation height, seconds since the tip: what is found.
        for (phase, activation, later, expected) in [
            (Phase::Started, None, 0, vec![]),
            (Phase::LockedIn, None, 0, vec![]),
            (Phase::LockedIn, Some(TIP + 6048), 0, vec![]),
            (Phase::LockedIn, Some(TIP + 6047), 0, near(604_700.0)),
            (Phase::LockedIn, Some(TIP + 6048), 1, near(604_799.0)),
            (Phase::LockedIn, Some(TIP + 10), 5_000, near(0.0)),
            (Phase::Active, Some(TIP + 1), 0, near(100.0)),
            (Phase::Active, Some(TIP), 0, came(0.0)),
            (Phase::Active, Some(TIP - 4031), 0, came(4031.0)),
            (Phase::Active, Some(TIP - 4032), 0, vec![]),
            (Phase::Active, None, 0, vec![]),
        ] {
            assert_eq!(holding(phase, activation, later), expected, "{phase:?} {activation:?} {later}");
        }
    }
}
