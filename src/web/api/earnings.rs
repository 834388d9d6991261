//! What masternodes earned: payments of the history, summed by group, masternode, payee, month or day.
//!
//! Never here: prices; payments that are not recorded.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::history::{Coverage, EarningsEntry, EarningsQuery, Reader, StoreError};
use crate::web::api::csv_table;
use crate::web::api::events::{self, Aliases};
use crate::web::api::json::{EarnedPeriod, EarningsRow, Text};
use crate::web::api::parameters::{Format, Parameter, Parameters, label};
use crate::web::api::{Api, ApiError, conflict, unavailable, written};
use domain::earnings::{Earned, Period};
use domain::masternode::{Duffs, MasternodeId, UnixSeconds};
use domain::rfc3339;

/// Most rows of an answer.
const MAX_ROWS: usize = 10_000;

/// The end of time: the time in a block header has 32 bits.
pub const END: UnixSeconds = UnixSeconds(1 << 32);

/// Payee of the operator's part.
const OPERATOR: &str = "operator";

/// What rows are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Groups of the watch list: a masternode counts in each of its groups.
    Group,
    /// Masternodes.
    Masternode,
    /// Addresses of the owner's side, and the operator's part.
    Payee,
    /// Months in UTC.
    Month,
    /// Days in UTC.
    Day,
}

impl By {
    /// All, with their names.
    pub const NAMES: [(&'static str, By); 5] = [
        ("group", By::Group),
        ("masternode", By::Masternode),
        ("payee", By::Payee),
        ("month", By::Month),
        ("day", By::Day),
    ];
}

/// Parameters of the sums.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::NETWORK,
    Parameter::MASTERNODE,
    Parameter::ALIAS,
    Parameter::GROUP,
    Parameter::once("month", "Payments of this month by block time in UTC.", month),
    Parameter::FROM_TIME,
    Parameter::TO_TIME,
    Parameter::many("by", "One row for each value; if repeated, for each combination.", || {
        label(&By::NAMES.map(|(name, _)| name))
    }),
    Parameter::FORMAT,
];

fn month() -> Value {
    json!({ "type": "string", "pattern": "^(19[7-9][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])$", "examples": ["2026-11"] })
}

/// Sums of payments.
#[derive(Serialize, JsonSchema)]
pub(super) struct Earnings {
    /// The sums, ascending by network and by what they are about.
    #[schemars(length(max = MAX_ROWS))]
    earnings: Vec<EarningsRow>,
    /// Number of damaged events of the history file that were omitted.
    skipped: u64,
}

/// What a row is about, in the order of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    network: String,
    group: Option<String>,
    masternode: Option<MasternodeId>,
    payee: Option<String>,
    month: Option<String>,
    day: Option<String>,
}

/// The names of masternodes: the alias, and the groups as `key=value`.
pub type Names<'a> = dyn Fn(&str, &MasternodeId) -> (String, Vec<String>) + 'a;

/// Sums the payments of a query. Also returns the number of damaged events that were omitted.
pub fn sum(
    reader: &Reader,
    query: &EarningsQuery,
    by: &[By],
    names: &Names<'_>,
) -> Result<(Vec<EarningsRow>, u64), StoreError> {
    let mut sums: BTreeMap<Key, Earned> = BTreeMap::new();
    let read = reader.earnings(query, |entry| {
        for (key, earned) in keys(entry, by, names) {
            sums.entry(key).or_default().add(&earned);
        }
    })?;
    if by.is_empty() {
        for Coverage { network, .. } in &read.coverage {
            sums.entry(Key { network: network.clone(), ..Key::default() }).or_default();
        }
    }
    let row = |(key, earned): (Key, Earned)| {
        let covered = read.coverage.iter().find(|covered| covered.network == key.network);
        row(key, &earned, covered, names)
    };
    Ok((sums.into_iter().map(row).collect(), read.skipped))
}

/// The rows to which a payment belongs, and what it adds to each.
fn keys(entry: &EarningsEntry<'_>, by: &[By], names: &Names<'_>) -> Vec<(Key, Earned)> {
    let has = |wanted: By| by.contains(&wanted);
    let key = Key {
        network: entry.network.to_string(),
        group: None,
        masternode: has(By::Masternode).then_some(entry.masternode),
        payee: None,
        month: has(By::Month).then(|| entry.date.chars().take("2026-11".len()).collect()),
        day: has(By::Day).then(|| entry.date.to_string()),
    };
    let mut rows = vec![(key, entry.earned)];
    if has(By::Payee) {
        rows = rows.iter().flat_map(|(key, _)| by_payee(key, entry)).collect();
    }
    if has(By::Group) {
        let (_, mut groups) = names(entry.network, &entry.masternode);
        if groups.is_empty() {
            groups.push(String::new());
        }
        let of_group = |group: &String, (key, earned): &(Key, Earned)| {
            (Key { group: Some(group.clone()), ..key.clone() }, *earned)
        };
        rows = groups.iter().flat_map(|group| rows.iter().map(move |row| of_group(group, row))).collect();
    }
    rows
}

/// A payment by payee: each gets its part, and the operator its own.
fn by_payee(key: &Key, entry: &EarningsEntry<'_>) -> Vec<(Key, Earned)> {
    let to = |payee: &str| Key { payee: Some(payee.to_string()), ..key.clone() };
    let mut rows: Vec<(Key, Earned)> = Vec::new();
    for (address, amount) in entry.payees {
        let mut earned = Earned::default();
        earned.pay(Some(*amount), Some(Duffs(0)));
        rows.push((to(address), earned));
    }
    if rows.is_empty() {
        let (operator, operator_known) = (0, entry.earned.payments);
        rows.push((to(""), Earned { operator, operator_known, ..entry.earned }));
    }
    if entry.earned.operator > 0 || entry.earned.operator_known < entry.earned.payments {
        let (owner, owner_known) = (0, entry.earned.payments);
        rows.push((to(OPERATOR), Earned { owner, owner_known, ..entry.earned }));
    }
    rows
}

fn row(key: Key, earned: &Earned, covered: Option<&Coverage>, names: &Names<'_>) -> EarningsRow {
    let Key { network, group, masternode, payee, month, day } = key;
    let since = covered.and_then(|covered| covered.since);
    let is_known = since.is_some() || earned.payments > 0;
    let coins = |amount: Option<Duffs>| amount.filter(|_| is_known).map(|amount| amount.to_string());
    let duffs = |amount: Option<Duffs>| amount.filter(|_| is_known).map(|Duffs(duffs)| duffs);
    EarningsRow {
        alias: masternode.map(|id| names(&network, &id).0),
        group,
        masternode: masternode.map(Text),
        payee,
        month,
        day,
        payments: earned.payments,
        amount: coins(earned.owner()),
        amount_duffs: duffs(earned.owner()),
        operator_amount: coins(earned.operator()),
        operator_amount_duffs: duffs(earned.operator()),
        payments_without_amount: earned.without_amount(),
        since: since.map(Text),
        complete: covered.is_some_and(|covered| covered.is_complete),
        network,
    }
}

/// The payments of a masternode in the last day, week and month before a tip, and since the beginning.
pub(in crate::web) fn periods(
    api: &Api,
    network: &str,
    id: &MasternodeId,
    tip: UnixSeconds,
) -> Option<Vec<EarnedPeriod>> {
    const DAY: u64 = 86_400;
    let read = |(label, seconds): (&'static str, u64)| {
        let until = UnixSeconds(tip.0.saturating_add(1));
        let period = Period { from: UnixSeconds(until.0.saturating_sub(seconds)), until };
        let query = EarningsQuery {
            network: Some(network.to_string()),
            masternodes: Some(vec![*id]),
            period,
            is_thorough: false,
        };
        let mut earned = Earned::default();
        let history = api.history.as_ref()?;
        let read = history.read(|reader| reader.earnings(&query, |entry| earned.add(&entry.earned)));
        let read = read.map_err(|error| tracing::debug!("Cannot read the payments of the history: {error}")).ok()?;
        history.rows_omitted(read.skipped);
        let covered = read.coverage.first()?;
        Some(EarnedPeriod::new(label, &earned, covered.since, covered.is_complete))
    };
    [("24h", DAY), ("7d", 7 * DAY), ("30d", 30 * DAY), ("all", u64::MAX)].into_iter().map(read).collect()
}

/// The sums of a request: of watched masternodes, unless it names others.
pub(super) fn answer(api: &Api, query: &str) -> Result<Bytes, ApiError> {
    let parameters = Parameters::read(query, PARAMETERS)?;
    let networks = (api.networks)();
    let aliases = Aliases::of(&networks);
    let asked = events::conditions(&parameters, &networks)?;
    let Some(history) = &api.history else {
        return Err(conflict("history.path is not set, so payments are not kept; see masternode_payment_amount_total"));
    };
    let masternodes = match asked.masternodes {
        Some(masternodes) => masternodes,
        None => networks.iter().flat_map(|network| network.watched()).map(|target| target.id).collect(),
    };
    let query = EarningsQuery {
        network: asked.network,
        masternodes: Some(api.seen(&networks, masternodes)),
        period: period(&parameters, asked.times)?,
        is_thorough: false,
    };
    let by = parameters.each("by", &By::NAMES.map(|(name, _)| name).join(", "), |text| {
        By::NAMES.iter().find(|(name, _)| *name == text).map(|(_, by)| *by)
    })?;
    let unreadable = |error: &dyn std::fmt::Display| {
        tracing::debug!("Cannot read the history for the API: {error}");
        unavailable("the history cannot be read at the moment")
    };
    let names = |network: &str, id: &MasternodeId| aliases.names(network, *id);
    let summed = history.read(|reader| sum(reader, &query, &by, &names));
    let (earnings, skipped) = summed.map_err(|error| unreadable(&error))?;
    history.rows_omitted(skipped);
    if earnings.len() > MAX_ROWS {
        return Err(conflict(
            "more than 10000 rows: choose a shorter period, fewer masternodes, or other values of by",
        ));
    }
    match parameters.format()? {
        Format::Json => written(&Earnings { earnings, skipped }),
        Format::Csv => csv_table::whole(skipped)
            .map(|()| (csv_table::names(&EarningsRow::default()) + &csv_table::lines(&earnings)).into()),
    }
}

fn period(parameters: &Parameters, times: Option<std::ops::RangeInclusive<UnixSeconds>>) -> Result<Period, ApiError> {
    let month = parameters.read_one("month", "a month such as 2026-11", rfc3339::month)?;
    match (month, times) {
        (Some(_), Some(_)) => Err(conflict("month cannot be given with from_time or to_time")),
        (Some((from, last)), None) => Ok(Period { from, until: UnixSeconds(last.0 + 1) }),
        (None, Some(times)) => Ok(Period { from: *times.start(), until: UnixSeconds(times.end().0 + 1) }),
        (None, None) => Ok(Period { from: UnixSeconds(0), until: END }),
    }
}
