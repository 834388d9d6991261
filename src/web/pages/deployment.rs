//! The state of a consensus change in words, the same on the card of a network and in `observe`.
//!
//! Never here: whether a source is ready for it (`network`).

use crate::web::pages::format;
use domain::deployment::{Deployment, Phase};
use domain::masternode::Height;
use domain::snapshot::Snapshot;

/// Describes the deployment v24: its state, and what comes next. `None` if no source reports it.
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
        (_, Some(height), _) => format!("active from block {height}, in {}", ahead(height)),
        (_, None, Some(height)) => {
            let signals = signals(known).map_or_else(String::new, |signals| format!("{signals}; "));
            format!("{signals}active from block {height} at the earliest, in {}", ahead(height))
        }
        (Phase::Active, None, None) => "activation height not known".into(),
        _ => "activation height not known yet".into(),
    };
    Some((state, next))
}

fn signals(known: &Deployment) -> Option<String> {
    let signalling = known.signalling?;
    let threshold = signalling.threshold.map_or_else(String::new, |threshold| format!(", {threshold} required"));
    Some(format!("{} of {} blocks signal{threshold}", signalling.count, signalling.elapsed))
}
