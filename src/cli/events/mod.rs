//! `events`: filters the history, also while the exporter is writing it.
//!
//! Never here: writing; RPC calls.

mod format;

use std::io::{ErrorKind, Write};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::app;
use crate::cli::CommandError;
use crate::cli::block_or_time::{self, BlockOrTime};
use crate::cli::events::format::Form;
use crate::cli::masternode_filter::{MasternodeArguments, WatchListNames, open_history};
use crate::config::Config;
use crate::history::{self, EventId, MAX_PAGE, Query, Reader, StoredEvent};
use domain::event::EventKind;
use domain::masternode::{Height, UnixSeconds};

/// Poll interval for new events.
const LOOK: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Reads the file that history.path names, also while the exporter runs. Names and groups are those of
the watch list, so give the exporter's own configuration. Without a filter by masternode, the events
are those of watched masternodes. With --all, without a watch list, and before the exporter recorded
which masternodes an entry selects, they are those of all masternodes.

Examples:
  masternode-exporter --config.file=exporter.yml events
  masternode-exporter --config.file=exporter.yml events --all --kind ban
  masternode-exporter --config.file=exporter.yml events --alias mn-fra-1 --kind penalty --kind ban
  masternode-exporter --config.file=exporter.yml events --group operator=acme --from 2026-01-01
  masternode-exporter --history.path=history.db events --from 2528000 --to 2528576 --format csv
  masternode-exporter --config.file=exporter.yml events --follow

docs/events.md explains kinds, columns and what withdrawn means.";

/// Arguments of `events`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EventsArguments {
    #[command(flatten)]
    of: MasternodeArguments,
    /// Filter by kind of event. Can be repeated.
    #[arg(long = "kind", value_name = "KIND", value_parser = PossibleValuesParser::new(EventKind::NAMES))]
    kinds: Vec<String>,
    /// Start at this block or time: a height, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ.
    #[arg(long, value_name = "WHEN", value_parser = block_or_time::parse)]
    from: Option<BlockOrTime>,
    /// End at this block or time, inclusive; a date includes the whole day.
    #[arg(long, value_name = "WHEN", value_parser = block_or_time::parse)]
    to: Option<BlockOrTime>,
    /// Include events reverted by a chain reorganisation.
    #[arg(long)]
    withdrawn: bool,
    /// Maximum number of events; with --follow, the number of earlier events to print first.
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Sort order.
    #[arg(long, value_enum, default_value_t = Order::Newest, conflicts_with = "follow")]
    order: Order,
    /// Output format: a table, CSV, or one JSON object per line.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Keep printing new events, oldest first, until stopped.
    #[arg(long)]
    follow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// The last recorded first.
    Newest,
    /// The first recorded first.
    Oldest,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For spreadsheets: a line of names, then a line for each event.
    Csv,
    /// For scripts: an object a line.
    Json,
}

/// Prints the selected events.
pub(super) fn run(arguments: &EventsArguments, config: &Config) -> Result<(), CommandError> {
    let (path, reader) = open_history(config, "events")?;
    let names = WatchListNames::read(config, &reader)?;
    let query = query(arguments, &names, &reader).map_err(CommandError::Configuration)?;
    let form = Form { format: arguments.format, names };
    let shown = if arguments.follow { follow(path, reader, query, &form) } else { list(&reader, query, &form) };
    match shown {
        // A reader that closes early, such as `head`, is not an error.
        Err(CommandError::Run(error)) if is_closed(&error) => Ok(()),
        shown => shown,
    }
}

fn is_closed(error: &app::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn query(arguments: &EventsArguments, names: &WatchListNames<'_>, reader: &Reader) -> Result<Query, String> {
    let recorded = reader.networks().map_err(|error| error.to_string())?;
    arguments.of.check_network(recorded.iter().map(|network| network.name.as_str()))?;
    let named = |kind: &String| EventKind::NAMES.into_iter().find(|name| name == kind);
    let (heights, times) = span(arguments.from, arguments.to)?;
    Ok(Query {
        network: arguments.of.network.clone(),
        masternodes: names.resolve(&arguments.of, arguments.of.network.as_deref())?,
        kinds: (!arguments.kinds.is_empty()).then(|| arguments.kinds.iter().filter_map(named).collect()),
        heights,
        times,
        withdrawn: arguments.withdrawn,
        order: match arguments.order {
            Order::Newest => history::Order::NewestFirst,
            Order::Oldest => history::Order::OldestFirst,
        },
        after: None,
        limit: arguments.limit as usize,
        budget: None,
        is_thorough: true,
    })
}

/// Ranges of heights and of times; a range without any bound is open.
type Spans = (Option<RangeInclusive<Height>>, Option<RangeInclusive<UnixSeconds>>);

fn span(from: Option<BlockOrTime>, to: Option<BlockOrTime>) -> Result<Spans, String> {
    // The time in a block header has 32 bits.
    let (mut heights, mut times) = ((Height(0), Height(u32::MAX)), (UnixSeconds(0), UnixSeconds(u64::from(u32::MAX))));
    let (mut by_height, mut by_time) = (false, false);
    for (end, is_from) in [(from, true), (to, false)] {
        match end {
            None => {}
            Some(BlockOrTime::Height(height)) => {
                by_height = true;
                if is_from { heights.0 = height } else { heights.1 = height }
            }
            Some(BlockOrTime::Time(first, last)) => {
                by_time = true;
                if is_from { times.0 = first } else { times.1 = last }
            }
        }
    }
    if heights.0 > heights.1 || times.0 > times.1 {
        return Err("--from is later than --to: swap them".into());
    }
    Ok((by_height.then_some(heights.0..=heights.1), by_time.then_some(times.0..=times.1)))
}

/// Prints the selected events, page by page, up to the limit.
fn list(reader: &Reader, mut query: Query, form: &Form<'_>) -> Result<(), CommandError> {
    let mut left = query.limit;
    let (mut shown, mut skipped) = (0, 0);
    while left > 0 {
        query.limit = left.min(MAX_PAGE);
        let page = reader.events(&query)?;
        if shown == 0 {
            print(&form.head())?;
        }
        print_rows(&page.events, form)?;
        shown += page.events.len();
        skipped += page.skipped;
        left -= page.events.len();
        query.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    if skipped > 0 {
        note!("warning: {skipped} damaged events of the history file are omitted");
    }
    if form.format == Format::Table {
        // Not on standard output, which may be piped into another program.
        match (shown, query.after) {
            (0, _) => note!("no event matches"),
            (_, Some(_)) => note!("more events match: raise --limit to show them"),
            _ => {}
        }
    }
    Ok(())
}

/// Prints the last events, then new ones; each once, because identifiers in the file are never reused.
fn follow(path: &Path, mut reader: Reader, mut query: Query, form: &Form<'_>) -> Result<(), CommandError> {
    query.limit = query.limit.min(MAX_PAGE);
    query.order = history::Order::NewestFirst;
    let before = newest(&reader)?;
    let mut last = reader.events(&query)?.events;
    last.reverse();
    print(&form.head())?;
    print_rows(&last, form)?;
    let mut after = last.last().map_or(before, |last| last.id.max(before));
    (query.order, query.limit) = (history::Order::OldestFirst, MAX_PAGE);
    loop {
        query.after = Some(after);
        let page = reader.events(&query)?;
        print_rows(&page.events, form)?;
        after = page.events.last().map_or(after, |last| last.id);
        if page.next.is_none() {
            std::thread::sleep(LOOK);
            // A file that was moved aside no longer changes; the old one is used until a new one exists.
            reader = Reader::open(path).unwrap_or(reader);
            if newest(&reader)? < after {
                // A new file has new identifiers.
                after = EventId(0);
            }
        }
    }
}

/// The identifier of the last recorded event; 0 if there is none.
fn newest(reader: &Reader) -> Result<EventId, history::StoreError> {
    let query = Query { withdrawn: true, order: history::Order::NewestFirst, limit: 1, ..Query::default() };
    Ok(reader.events(&query)?.events.first().map_or(EventId(0), |newest| newest.id))
}

fn print_rows(events: &[StoredEvent], form: &Form<'_>) -> std::io::Result<()> {
    print(&events.iter().map(|kept| form.row(kept)).collect::<String>())
}

fn print(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}
