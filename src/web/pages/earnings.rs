//! What a masternode earned, and what its ban cost so far.
//!
//! Never here: sums (`api::earnings`); estimates (`domain`).

use maud::{Markup, html};

use crate::web::api::Api;
use crate::web::api::earnings::periods;
use crate::web::api::json::{EarnedPeriod, Subject};
use crate::web::pages::format;
use domain::masternode::{Duffs, MasternodeId, UnixSeconds};

/// The section; nothing without a history and without a ban.
pub(super) fn section(api: &Api, subject: &Subject<'_>, id: &MasternodeId, now: UnixSeconds) -> Markup {
    let snapshot = subject.snapshot;
    let periods = periods(api, snapshot.network(), id, snapshot.block().time).unwrap_or_default();
    let lost = subject.node.and_then(|node| lost(subject, node.masternode, now));
    html! {
        @if !periods.is_empty() || lost.is_some() {
            section aria-labelledby="earned" {
                h2 #earned { "Earned" }
                @if let Some(lost) = lost { p { (lost) } }
                @if !periods.is_empty() {
                    table {
                        thead { tr { th scope="col" { "Period" } th scope="col" { "Payments" } th scope="col" { "Owner" } th scope="col" { "Operator" } th scope="col" { "Recorded" } } }
                        tbody { @for period in &periods { (row(period)) } }
                    }
                }
            }
        }
    }
}

fn row(earned: &EarnedPeriod) -> Markup {
    let name = match earned.period {
        "24h" => "24 hours",
        "7d" => "7 days",
        "30d" => "30 days",
        _ => "All",
    };
    let least = if earned.payments_without_amount > 0 { "at least " } else { "" };
    let coins = |duffs: Option<u64>| match duffs {
        Some(duffs) => format!("{least}{}", Duffs(duffs)),
        None => "not known".into(),
    };
    html! {
        tr {
            th scope="row" { (name) }
            td { (earned.payments) }
            td { (coins(earned.amount_duffs)) }
            td { (coins(earned.operator_amount_duffs)) }
            td {
                @match (&earned.since, earned.complete) {
                    (_, true) => "all of it",
                    (Some(since), false) => { "since " (format::format_time(since.0)) }
                    (None, false) => "with gaps",
                }
            }
        }
    }
}

/// `Banned 34 d: about 9.2 coins not earned, an estimate.`
fn lost(subject: &Subject<'_>, masternode: &domain::Masternode, now: UnixSeconds) -> Option<String> {
    let snapshot = subject.snapshot;
    let lost = snapshot.lost_by_ban(masternode)?;
    let blocks = snapshot.block().height.above(masternode.ban_height?);
    let seconds = match snapshot.banned_at(masternode) {
        Some(at) => now.0.saturating_sub(at.0),
        None => format::seconds_of(snapshot, blocks),
    };
    // Two digits of a coin: more would look exact.
    let hundredths = lost.0.saturating_add(500_000) / 1_000_000;
    let (coins, rest) = (hundredths / 100, hundredths % 100);
    Some(format!(
        "Banned for {}: about {coins}.{rest:02} coins not earned. An estimate: one payment in each payment cycle, of the mean amount \
         that the network pays now.",
        format::format_duration(seconds)
    ))
}
