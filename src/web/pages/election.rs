//! Payees of the next blocks on chains that elect them, in words: for pages and for `observe`.
//!
//! Never here: the election.

use std::collections::BTreeMap;

use crate::web::pages::format;
use domain::masternode::MasternodeId;
use domain::payment::{Certainty, PaymentAhead, PaymentModel};
use domain::snapshot::Snapshot;

/// How many blocks with known payees are listed.
const LISTED: usize = 4;

/// How sure a payee is, behind its block.
pub fn word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Voted => "voted",
        Certainty::Exact => "elected",
        Certainty::Forecast => "forecast",
    }
}

/// The next payees: `mn-3, then mn-1 at 203, 5c01ab42… at 204 (forecast)`, or why they are not known. `None` on chains
/// with a fixed order.
pub fn next_payees(snapshot: &Snapshot) -> Option<String> {
    if matches!(snapshot.rules().payment, PaymentModel::Queue { .. }) || snapshot.is_restricted() {
        return None;
    }
    let elections = snapshot.payments().elections();
    let aliases: BTreeMap<MasternodeId, &str> =
        snapshot.watched().iter().map(|node| (node.watched.id, &*node.watched.alias)).collect();
    let name = |ahead: &PaymentAhead| match ahead.index.map(|index| snapshot.list().masternodes()[index].id) {
        Some(id) => aliases
            .get(&id)
            .filter(|alias| !alias.is_empty())
            .map_or_else(|| format::short_id(&id), |alias| (*alias).to_string()),
        None => ahead.payee.as_deref().unwrap_or("an unknown address").to_string(),
    };
    let next = snapshot.block().height.after(1);
    let mark = |ahead: &PaymentAhead| if ahead.certainty == Certainty::Forecast { " (forecast)" } else { "" };
    let (first, later): (Vec<_>, Vec<_>) = elections.ahead().iter().partition(|ahead| ahead.height == next);
    let first = first.first().map_or_else(|| "unknown".to_string(), |ahead| name(ahead));
    let later: Vec<String> = (later.iter().take(LISTED - 1))
        .map(|ahead| format!("{} at {}{}", name(ahead), ahead.height, mark(ahead)))
        .collect();
    let mut text = first;
    if !later.is_empty() {
        text += &format!(", then {}", later.join(", "));
    }
    if let Some(gap) = elections.gap() {
        text += &format!("; the next vote is not computed: {gap}");
    }
    Some(text)
}
