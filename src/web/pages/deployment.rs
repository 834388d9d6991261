//! Where a consensus change stands, for people: on the network's card and in `observe` the same words.
//!
//! Never here: whether a source is ready for it (`network`).

use crate::web::pages::format;
use domain::deployment::{Deployment, Phase};
use domain::masternode::Height;
use domain::snapshot::Snapshot;

/// What is said of the deployment v24: its state, and what comes next. `None` where no source names it.
pub fn words(snapshot: &Snapshot) -> Option<(String, String)> {
    let known = snapshot.facts().deployment.as_ref()?;
    let tip = snapshot.block().height;
    let state = known.phase.label().replace('_', " ");
    let ahead = |height: Height| {
        let blocks = height.above(tip);
        format!(
            "{}, {}",
            format::count(blocks.into(), "block"),
            format::format_duration(format::seconds_of(snapshot, blocks))
        )
    };
    let next = match (known.phase, known.activation_height, known.earliest_height) {
        (Phase::Active, Some(since), _) if since <= tip => format!("since block {since}"),
        (_, Some(height), _) => format!("active from block {height} on, in {}", ahead(height)),
        (_, None, Some(height)) => {
            let signals = signals(known).map_or_else(String::new, |signals| format!("{signals}; "));
            format!("{signals}at the earliest active from block {height} on, in {}", ahead(height))
        }
        (Phase::Active, None, None) => "since when is not known".into(),
        _ => "when it activates is not known".into(),
    };
    Some((state, next))
}

fn signals(known: &Deployment) -> Option<String> {
    let signalling = known.signalling?;
    let threshold = signalling.threshold.map_or_else(String::new, |threshold| format!(", {threshold} are needed"));
    Some(format!("{} of {} blocks signal{threshold}", signalling.count, signalling.elapsed))
}
