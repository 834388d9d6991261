//! Payments of a period with their amounts, and since when they are known.
//!
//! A payment is an event. Before old events are deleted, their payments are added to sums by masternode and month, so that sums
//! over whole months and since the beginning stay complete.
//!
//! Never here: groups of masternodes; formats.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Transaction, params};

use crate::history::backfill::Span;
use crate::history::checksum::{self, EVENT_COLUMNS, Unchecked};
use crate::history::codec::{self, Column};
use crate::history::error::StoreError;
use crate::history::network_id::{self, NetworkId};
use crate::history::query::{self, MAX_PAGE, Query};
use crate::history::reader::Reader;
use crate::history::store::highest;
use crate::history::tables::{self, BLOCK, EARNING, SPAN};
use crate::history::texts::{self, TextChange, TextTable};
use domain::earnings::{Earned, Period};
use domain::event::EventKind;
use domain::masternode::{Duffs, Height, MasternodeId, UnixSeconds};
use domain::rfc3339;

/// The payments to read.
#[derive(Clone, Debug)]
pub struct EarningsQuery {
    /// Of the network of that name; `None` for all.
    pub network: Option<String>,
    /// Of these masternodes; `None` for all.
    pub masternodes: Option<Vec<MasternodeId>>,
    /// By block time.
    pub period: Period,
    /// Counts each damaged event that may be a payment, as [`Query::is_thorough`].
    pub is_thorough: bool,
}

/// A payment, or the sum of the payments of a masternode in a month whose events are deleted.
#[derive(Clone, Copy, Debug)]
pub struct EarningsEntry<'a> {
    /// Name of the network.
    pub network: &'a str,
    /// The masternode.
    pub masternode: MasternodeId,
    /// The day, `2026-11-30`, or of a sum only the month, `2026-11`.
    pub date: &'a str,
    /// The amounts.
    pub earned: Earned,
    /// The amounts of the owner's side by payee; empty if not known.
    pub payees: &'a [(Box<str>, Duffs)],
}

/// How far the payments of a network in a period are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The network.
    pub network: String,
    /// From this time on every payment up to the end of the period, or to the last recorded block, is recorded; `None` if the
    /// last ones are not.
    pub since: Option<UnixSeconds>,
    /// Whether that is all of the period that has passed.
    pub is_complete: bool,
    /// Time of the last recorded block.
    pub until: Option<UnixSeconds>,
}

/// What was read next to the payments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarningsRead {
    /// One for each network of the query.
    pub coverage: Vec<Coverage>,
    /// Damaged events, sums, blocks and spans that were omitted.
    pub skipped: u64,
}

impl Reader {
    /// Passes every payment of a query to `visit`, in no particular order.
    pub fn earnings(
        &self,
        query: &EarningsQuery,
        mut visit: impl FnMut(&EarningsEntry<'_>),
    ) -> Result<EarningsRead, StoreError> {
        // One state of the file for payments and sums.
        let transaction = self.connection.unchecked_transaction()?;
        let skipped = payments(&transaction, query, &mut visit)?;
        let skipped = skipped + tables::damaged(&transaction, &[EARNING, SPAN, BLOCK])?;
        let mut read = EarningsRead { skipped, coverage: Vec::new() };
        for (network, id, _) in network_id::recorded(&transaction)? {
            if query.network.as_ref().is_none_or(|name| *name == network) {
                let split = sums(&transaction, (id, &network), query, &mut visit)?;
                read.coverage.push(coverage(&transaction, id, network, query.period, split)?);
            }
        }
        Ok(read)
    }
}

/// The payments that are events.
fn payments(
    connection: &Connection,
    query: &EarningsQuery,
    visit: &mut impl FnMut(&EarningsEntry<'_>),
) -> Result<u64, StoreError> {
    let Some(last) = query.period.until.0.checked_sub(1).filter(|last| *last >= query.period.from.0) else {
        return Ok(0);
    };
    let mut events = Query {
        network: query.network.clone(),
        masternodes: query.masternodes.clone(),
        kinds: Some(vec!["payment"]),
        times: Some(query.period.from..=UnixSeconds(last)),
        limit: MAX_PAGE,
        is_thorough: query.is_thorough,
        ..Query::default()
    };
    let mut skipped = 0;
    loop {
        let page = query::events(connection, &events)?;
        for stored in &page.events {
            let EventKind::Payment { amount, operator, payees } = &stored.event.kind else { continue };
            let mut earned = Earned::default();
            earned.pay(*amount, *operator);
            let date = rfc3339::text(stored.event.block.time);
            let masternode = stored.event.masternode;
            visit(&EarningsEntry { network: &stored.network, masternode, date: &date[..10], earned, payees });
        }
        skipped += page.skipped;
        events.after = page.next;
        if page.next.is_none() {
            return Ok(skipped);
        }
    }
}

/// The sums of a network whose months are in the period. Returns the time of the last payment in a sum that the period divides:
/// only later payments are known one by one.
fn sums(
    connection: &Connection,
    (id, network): (NetworkId, &str),
    query: &EarningsQuery,
    visit: &mut impl FnMut(&EarningsEntry<'_>),
) -> Result<Option<UnixSeconds>, StoreError> {
    let columns = "masternode, month, payments, owner, owner_known, operator, operator_known, last";
    let rest = format!("WHERE network = ?1 AND {} ORDER BY masternode, month", EARNING.intact());
    let mut statement = connection.prepare(&EARNING.select(columns, &rest))?;
    let mut rows = statement.query([id.0])?;
    let mut divided = None;
    while let Some(row) = rows.next()? {
        let Column(masternode) = row.get::<_, Column<MasternodeId>>(0)?;
        let month: String = row.get(1)?;
        let Some((first, last)) = rfc3339::month(&month) else {
            return Err(StoreError::Damaged(format!("a sum of payments is of the month {month:?}")));
        };
        if last < query.period.from || first >= query.period.until {
            continue;
        }
        if first < query.period.from || last >= query.period.until {
            let Column(last) = row.get::<_, Column<UnixSeconds>>(7)?;
            divided = divided.max(Some(last));
            continue;
        }
        if query.masternodes.as_ref().is_none_or(|asked| asked.contains(&masternode)) {
            let earned = sum(row, 2)?;
            visit(&EarningsEntry { network, masternode, date: &month, earned, payees: &[] });
        }
    }
    Ok(divided.filter(|last| *last >= query.period.from))
}

/// The numbers of a sum, from a column on.
fn sum(row: &Row<'_>, first: usize) -> rusqlite::Result<Earned> {
    let number = |at: usize| row.get::<_, i64>(first + at).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Earned {
        payments: number(0)?,
        owner: number(1)?,
        owner_known: number(2)?,
        operator: number(3)?,
        operator_known: number(4)?,
    })
}

/// The change that records that payments of blocks in this period were not read, although their lists were. A longer period from the
/// same time on replaces it.
pub fn unread_payments(network: &str, period: Period) -> TextChange {
    (format!("{}{}", unread_key(network), period.from.0), Some(period.until.0.to_string()))
}

/// Beginning of the keys of such periods of a network; the first second follows.
fn unread_key(network: &str) -> String {
    format!("unread payments {network} ")
}

/// The end of the last period with unread payments that begins before `end`.
fn unread_until(connection: &Connection, network: &str, end: UnixSeconds) -> Result<Option<UnixSeconds>, StoreError> {
    let texts = texts::below(connection, TextTable::Operator, &unread_key(network))?;
    let until = |(from, until): (String, String)| {
        let [from, until] = [from, until].map(|text| text.parse().map_or(UnixSeconds(u64::MAX), UnixSeconds));
        (from < end).then_some(until)
    };
    Ok(texts.into_iter().filter_map(until).max())
}

/// How far the payments of a network are known; those up to `split` are known as sums of months only.
fn coverage(
    connection: &Connection,
    id: NetworkId,
    network: String,
    period: Period,
    split: Option<UnixSeconds>,
) -> Result<Coverage, StoreError> {
    let Some(tip) = highest(connection, id, &BLOCK.intact())? else {
        return Ok(Coverage { network, since: None, is_complete: false, until: None });
    };
    let end = UnixSeconds(period.until.0.min(tip.time.0.saturating_add(1)));
    let rest = format!("WHERE network = ?1 AND {} ORDER BY first", SPAN.intact());
    let mut statement = connection.prepare(&SPAN.select("first, last, since", &rest))?;
    let mut rows = statement.query([id.0])?;
    let mut since = None;
    while let Some(row) = rows.next()? {
        let (Column(first), Column(last)) = (row.get(0)?, row.get(1)?);
        let Some(begin) = row.get::<_, Option<Column<UnixSeconds>>>(2)?.map(|Column(time)| time) else { continue };
        let known_until =
            if last == tip.height { tip.time } else { last_event(connection, id, (first, last))?.unwrap_or(begin) };
        // Of a period that begins after the last block nothing is known.
        if begin < end && period.from < end && known_until.0.saturating_add(1) >= end.0 {
            since = Some(begin);
        }
    }
    let after_split = split.map_or(UnixSeconds(0), |last| UnixSeconds(last.0 + 1));
    let unread = unread_until(connection, &network, end)?;
    let known_from = after_split.max(unread.unwrap_or(UnixSeconds(0)));
    let since = since.map(|begin| begin.max(period.from).max(known_from)).filter(|since| *since < end);
    Ok(Coverage { network, is_complete: since == Some(period.from), since, until: Some(tip.time) })
}

/// Time of the last event of a span.
fn last_event(connection: &Connection, id: NetworkId, (first, last): Span) -> Result<Option<UnixSeconds>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT time FROM event WHERE network = ?1 AND height BETWEEN ?2 AND ?3 ORDER BY height DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![id.0, Column::<Height>(first), Column(last)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Column(time) = row.get(0)?;
    Ok(Some(time))
}

/// Adds the payments among events to the sums, before the events are deleted.
pub(super) fn fold(transaction: &Transaction<'_>, events: &[i64]) -> Result<(), StoreError> {
    let unchecked = Unchecked::read(transaction);
    let mut select = transaction
        .prepare(&format!("SELECT {EVENT_COLUMNS} FROM event WHERE id = ?1 AND kind = 'payment' AND withdrawn = 0"))?;
    let mut folded: BTreeMap<(i64, MasternodeId, String), (Earned, UnixSeconds)> = BTreeMap::new();
    for event in events {
        let mut rows = select.query([event])?;
        let Some(row) = rows.next()? else { continue };
        if checksum::check(row, unchecked).is_err() {
            continue;
        }
        let (Column(time), Column(masternode)): (Column<UnixSeconds>, Column<MasternodeId>) =
            (row.get(4)?, row.get(5)?);
        let Ok(kind) = codec::kind(row.get_ref(7)?.as_str()?, row.get_ref(9)?.as_str()?) else { continue };
        let mut month = rfc3339::text(time);
        month.truncate(7);
        let (earned, last) = folded.entry((row.get(1)?, masternode, month)).or_insert((Earned::default(), time));
        earned.record(&kind);
        *last = time.max(*last);
    }
    // A damaged row stays one.
    let mut add = transaction.prepare(&format!(
        "{} ON CONFLICT DO UPDATE SET \
         payments = payments + ?4, owner = owner + ?5, owner_known = owner_known + ?6, operator = operator + ?7, \
         operator_known = operator_known + ?8, last = max(last, ?9), \
         checksum = row_checksum(network, masternode, month, payments + ?4, owner + ?5, owner_known + ?6, operator + ?7, \
         operator_known + ?8, max(last, ?9)) WHERE {}",
        EARNING.insert("INSERT"),
        EARNING.intact()
    ))?;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    for ((network, masternode, month), (earned, last)) in folded {
        let Earned { payments, owner, owner_known, operator, operator_known } = earned;
        let counts = [payments, owner, owner_known, operator, operator_known].map(number);
        let [payments, owner, owner_known, operator, operator_known] = counts;
        add.execute(params![
            network,
            Column(masternode),
            month,
            payments,
            owner,
            owner_known,
            operator,
            operator_known,
            Column(last)
        ])?;
    }
    Ok(())
}
