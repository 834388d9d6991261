//! `duties`: the DKG sessions ahead of a masternode, for people, scripts and calendars.
//!
//! Never here: which seats are known (`domain::duty`).

use std::fmt::Write;

use clap::{Args, ValueEnum};

use crate::cli::text_table::{Alignment, columns};
use crate::cli::{self, CommandError, observe, restart_check};
use crate::config::Config;
use crate::web::api::calendar;
use crate::web::api::duties::RESTART_MINUTES;
use crate::web::api::json::{Duties, Subject};
use domain::duty::{Bounds, Duty};
use domain::snapshot::{NodeView, Snapshot};
use domain::{Height, rfc3339};

const EXAMPLES: &str = "\
Examples:
  masternode-exporter duties --masternode mn-fra-1
  masternode-exporter duties --masternode mn-fra-1 --format ics > mn-fra-1.ics

Seats in rotating quorums are known up to four cycles ahead (38 hours on mainnet), others 8 blocks
before the session begins. A percentage is the chance of a seat that is not decided yet. Times are
estimates by the measured time between blocks. The exporter serves the calendar too, to subscribe to:
/api/v1/masternodes/<proTxHash>/duties.ics";

/// Arguments of `duties`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DutiesArguments {
    /// The masternode: its alias in the watch list, its proTxHash, or its address.
    #[arg(long, value_name = "NAME")]
    masternode: String,
    /// Network, if several are configured.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = DutiesFormat::Table)]
    format: DutiesFormat,
}

/// Forms of `duties`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DutiesFormat {
    /// For people.
    Table,
    /// For scripts: as the API answers.
    Json,
    /// For calendars (iCalendar): known seats only.
    Ics,
}

/// Polls the network once and prints the duties.
pub(super) async fn run(arguments: &DutiesArguments, config: &Config) -> Result<String, CommandError> {
    let network = cli::network(config, arguments.network.as_deref())?;
    let snapshot = observe::rely_on(config, &network.name).await?;
    let node = restart_check::find(&snapshot, &arguments.masternode)?;
    let id = node.masternode.id;
    let known = snapshot.duties_ahead(&node);
    let duties = known.ok_or_else(|| format!("the quorums of chain {} are not known", snapshot.rules().name))?;
    let watched = snapshot.watched().iter().find(|watched| watched.watched.id == id);
    let subject = Subject { snapshot: &snapshot, node: Some(node), watched };
    Ok(match arguments.format {
        DutiesFormat::Table => table(&snapshot, &node, &duties),
        DutiesFormat::Ics => {
            let name = format!("DKG sessions of {}", subject.name(&id));
            calendar::calendar(&name, &calendar::seats(&subject, &id))
        }
        DutiesFormat::Json => {
            let duties = Duties::new(&subject, id, RESTART_MINUTES);
            serde_json::to_string_pretty(&duties).map_err(|error| error.to_string())? + "\n"
        }
    })
}

/// When a block is expected; "now" when it is mined.
pub(super) fn time(snapshot: &Snapshot, height: Height) -> String {
    let expected = snapshot.facts().expected_at(height, snapshot.block(), snapshot.rules());
    expected.map_or_else(|| "now".to_string(), rfc3339::text)
}

fn table(snapshot: &Snapshot, node: &NodeView<'_>, duties: &[Duty]) -> String {
    let heads = [
        ("session", Alignment::Left),
        ("seat", Alignment::Left),
        ("begins at", Alignment::Right),
        ("over after", Alignment::Right),
        ("due", Alignment::Right),
        ("expected", Alignment::Left),
    ];
    let row = |duty: &Duty| {
        let seat = match duty.index {
            _ if !duty.is_known() => format!("{:.0} %", duty.chance * 100.0),
            Some(index) => format!("known, quorum {index}"),
            None => "known".to_string(),
        };
        let begins = time(snapshot, duty.start);
        let heights = [duty.start, duty.end, duty.due].map(|height| height.to_string());
        let [start, end, due] = heights;
        [duty.quorum_type.to_string(), seat, start, end, due, begins]
    };
    let mut text = format!("block {}\n", snapshot.block().height);
    text.push_str(&columns(heads, &duties.iter().map(row).collect::<Vec<_>>()));
    if let Some(outlook) = snapshot.offline_outlook(node) {
        for (what, bounds) in [("first penalty", outlook.penalty), ("ban", outlook.ban)] {
            let _ = writeln!(text, "if offline from now on: {what} {}", when(snapshot, bounds));
        }
    }
    text
}

fn when(snapshot: &Snapshot, bounds: Bounds) -> String {
    let height = |height: Height| format!("{height} ({})", time(snapshot, height));
    match (bounds.exact(), bounds.earliest, bounds.latest) {
        (Some(exact), _, _) => format!("at {}", height(exact)),
        (None, Some(earliest), Some(latest)) => {
            format!("at {} at the earliest, {} at the latest", height(earliest), height(latest))
        }
        (None, Some(earliest), None) => format!("at {} at the earliest", height(earliest)),
        (None, None, _) => "not within the sessions that are listed".to_string(),
    }
}
