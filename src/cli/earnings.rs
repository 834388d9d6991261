//! `earnings`: what masternodes earned, from the history, also while the exporter is writing it.
//!
//! Never here: RPC calls; prices.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::cli::CommandError;
use crate::cli::block_or_time::{self, BlockOrTime};
use crate::cli::masternode_filter::{MasternodeArguments, WatchListNames, open_history};
use crate::cli::text_table::{Alignment, columns};
use crate::config::{Config, parse_duration};
use crate::history::EarningsQuery;
use crate::web::api::csv_table;
use crate::web::api::earnings::{By, END, sum};
use crate::web::api::json::EarningsRow;
use domain::earnings::Period;
use domain::masternode::{MasternodeId, UnixSeconds};
use domain::rfc3339;

const EXAMPLES: &str = "\
Sums the payments of the file that history.path names, also while the exporter runs. Names and
groups are those of the watch list. Without a filter by masternode, the payments are those of
watched masternodes. With --all, without a watch list, and before the exporter recorded which
masternodes an entry selects, they are those of all masternodes. Months and days are those of block times in UTC.

Examples:
  masternode-exporter --config.file=exporter.yml earnings --last 30d
  masternode-exporter --config.file=exporter.yml earnings --by group --month 2026-11 --format csv
  masternode-exporter --config.file=exporter.yml earnings --by payee --alias mn-fra-1
  masternode-exporter --history.path=history.db earnings --by month --from 2026-01-01

docs/payment.md explains what is counted, and what is not known.";

/// Arguments of `earnings`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EarningsArguments {
    #[command(flatten)]
    of: MasternodeArguments,
    /// Print a row for each value, if repeated for each combination.
    #[arg(long = "by", value_name = "WHAT", value_parser = PossibleValuesParser::new(By::NAMES.map(|(name, _)| name)))]
    by: Vec<String>,
    /// Payments of this month, such as 2026-11.
    #[arg(long, value_name = "YYYY-MM", value_parser = month, conflicts_with_all = ["from", "to", "last"])]
    month: Option<Period>,
    /// Payments of the time before the last recorded block, such as 24h, 7d or 30d.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with_all = ["from", "to"])]
    last: Option<Duration>,
    /// Start at this time: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ.
    #[arg(long, value_name = "WHEN", value_parser = time)]
    from: Option<(UnixSeconds, UnixSeconds)>,
    /// End at this time, inclusive; a date includes the whole day.
    #[arg(long, value_name = "WHEN", value_parser = time)]
    to: Option<(UnixSeconds, UnixSeconds)>,
    /// Output format: a table, CSV, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For spreadsheets.
    Csv,
    /// For scripts: one array.
    Json,
}

fn month(text: &str) -> Result<Period, String> {
    let (from, last) = rfc3339::month(text).ok_or_else(|| format!("{text:?} is not a month such as 2026-11"))?;
    Ok(Period { from, until: UnixSeconds(last.0 + 1) })
}

fn time(text: &str) -> Result<(UnixSeconds, UnixSeconds), String> {
    match block_or_time::parse(text)? {
        BlockOrTime::Time(first, last) => Ok((first, last)),
        BlockOrTime::Height(_) => Err("expected a date, not a height".into()),
    }
}

/// Prints the sums.
pub(super) fn run(arguments: &EarningsArguments, config: &Config) -> Result<(), CommandError> {
    let (_, reader) = open_history(config, "payments")?;
    let recorded = reader.networks()?;
    let names = recorded.iter().map(|network| network.name.as_str());
    arguments.of.check_network(names).map_err(CommandError::Configuration)?;
    let by: Vec<By> =
        By::NAMES.iter().filter(|(name, _)| arguments.by.iter().any(|by| by == name)).map(|(_, by)| *by).collect();
    let watch_list = WatchListNames::read(config, &reader)?;
    let names =
        |network: &str, id: &MasternodeId| (watch_list.alias(network, id).to_string(), watch_list.groups(network, id));
    let (mut rows, mut skipped) = (Vec::new(), 0);
    let is_meant = |name: &str| arguments.of.network.as_ref().is_none_or(|only| only == name);
    for network in recorded.iter().filter(|network| is_meant(&network.name)) {
        let masternodes =
            watch_list.resolve(&arguments.of, Some(&network.name)).map_err(CommandError::Configuration)?;
        let tip = network.cursor.map_or(UnixSeconds(0), |cursor| cursor.time);
        let period = arguments.period(tip).map_err(CommandError::Configuration)?;
        let query = EarningsQuery { network: Some(network.name.clone()), masternodes, period, is_thorough: true };
        let (more, damaged) = sum(&reader, &query, &by, &names)?;
        rows.extend(more);
        skipped += damaged;
    }
    if skipped > 0 {
        note!("warning: {skipped} damaged events of the history file are omitted");
    }
    print(&rows, arguments.format)
}

impl EarningsArguments {
    /// The requested period of a network, whose last recorded block has this time.
    fn period(&self, tip: UnixSeconds) -> Result<Period, String> {
        if let Some(month) = self.month {
            return Ok(month);
        }
        if let Some(last) = self.last {
            let until = UnixSeconds(tip.0.saturating_add(1));
            return Ok(Period { from: UnixSeconds(until.0.saturating_sub(last.as_secs())), until });
        }
        let from = self.from.map_or(UnixSeconds(0), |(first, _)| first);
        let until = self.to.map_or(END, |(_, last)| UnixSeconds(last.0 + 1));
        if from >= until { Err("--from is later than --to: swap them".into()) } else { Ok(Period { from, until }) }
    }
}

fn print(rows: &[EarningsRow], format: Format) -> Result<(), CommandError> {
    let text = match format {
        Format::Table => table(rows),
        Format::Csv => csv_table::names(&EarningsRow::default()) + &csv_table::lines(rows),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(rows).map_err(std::io::Error::other)?),
    };
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        // A reader that closes early, such as `head`, is not an error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    notes(rows);
    Ok(())
}

/// What restricts the sums, on standard error.
fn notes(rows: &[EarningsRow]) {
    if rows.is_empty() {
        note!("no recorded payment matches; payments before the history began are not known");
    }
    let partial: BTreeSet<(&str, Option<String>)> = rows
        .iter()
        .filter(|row| !row.complete)
        .map(|row| (row.network.as_str(), row.since.map(|since| rfc3339::text(since.0))))
        .collect();
    for (network, since) in partial {
        match since {
            Some(since) => note!("{network}: payments are recorded without a gap since {since}"),
            None => note!("{network}: the last payments of the period are not recorded"),
        }
    }
}

fn table(rows: &[EarningsRow]) -> String {
    let coins = |row: &EarningsRow, amount: &Option<String>| match amount {
        Some(amount) if row.payments_without_amount > 0 => format!(">= {amount}"),
        Some(amount) => amount.clone(),
        None => "not known".into(),
    };
    let about = |row: &EarningsRow| {
        let masternode = row.masternode.map(|id| id.0.to_string());
        let name = row.alias.clone().filter(|alias| !alias.is_empty()).or(masternode);
        let parts = [&row.group, &name, &row.payee, &row.month, &row.day];
        parts.into_iter().flatten().map(|part| if part.is_empty() { "-" } else { part }).collect::<Vec<_>>().join("  ")
    };
    let lines: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            [
                row.network.clone(),
                about(row),
                row.payments.to_string(),
                coins(row, &row.amount),
                coins(row, &row.operator_amount),
            ]
        })
        .collect();
    columns(
        [
            ("network", Alignment::Left),
            ("of", Alignment::Left),
            ("payments", Alignment::Right),
            ("owner", Alignment::Right),
            ("operator", Alignment::Right),
        ],
        &lines,
    )
}
