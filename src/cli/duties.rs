//! `duties`: the DKG sessions ahead of a masternode, for people, scripts and calendars.
//!
//! Never here: which seats are known (`domain::duty`).

use std::fmt::Write;

use clap::{Args, ValueEnum};

use crate::cli::text_table::{Alignment, columns};
use crate::cli::{CommandError, observe, restart_check};
use crate::config::Config;
use crate::web::api::json::{Duties, Subject};
use domain::duty::Duty;
use domain::snapshot::{NodeView, Snapshot};
use domain::{Height, UnixSeconds, rfc3339};

const EXAMPLES: &str = "\
Examples:
  masternode-exporter duties --masternode mn-fra-1
  masternode-exporter duties --masternode mn-fra-1 --format ics > mn-fra-1.ics

Seats in rotating quorums are known up to four cycles ahead (38 hours on mainnet), others 8 blocks
before the session begins. Times are estimates by the measured time between blocks.";

/// Arguments of `duties`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DutiesArguments {
    /// The masternode: its alias in the watch list, or its proTxHash.
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
    let network = restart_check::network(arguments.network.as_ref(), config)?;
    let snapshot = observe::look_at(config, &network.name).await?;
    let node = restart_check::find(&snapshot, &arguments.masternode)?;
    let known = snapshot.duties_ahead(&node);
    let duties = known.ok_or_else(|| format!("the quorums of chain {} are not known", snapshot.rules().name))?;
    Ok(match arguments.format {
        DutiesFormat::Table => table(&snapshot, &node, &duties),
        DutiesFormat::Ics => calendar(&snapshot, &arguments.masternode, &duties),
        DutiesFormat::Json => {
            let id = node.masternode.id;
            let subject = Subject { snapshot: &snapshot, node: Some(node), watched: None };
            serde_json::to_string_pretty(&Duties::new(&subject, id)).map_err(|error| error.to_string())? + "\n"
        }
    })
}

fn time(snapshot: &Snapshot, height: Height) -> Option<UnixSeconds> {
    snapshot.facts().expected_at(height, snapshot.block(), snapshot.rules())
}

fn table(snapshot: &Snapshot, node: &NodeView<'_>, duties: &[Duty]) -> String {
    let heads = [
        ("session", Alignment::Left),
        ("seat", Alignment::Left),
        ("begins at", Alignment::Right),
        ("ends", Alignment::Right),
        ("due", Alignment::Right),
        ("expected", Alignment::Left),
    ];
    let row = |duty: &Duty| {
        let seat = match duty.index {
            _ if !duty.is_known() => format!("{:.0} %", duty.chance * 100.0),
            Some(index) => format!("known, quorum {index}"),
            None => "known".to_string(),
        };
        let begins = time(snapshot, duty.start).map_or_else(|| "now".to_string(), rfc3339::text);
        let heights = [duty.start, duty.end, duty.due].map(|height| height.to_string());
        let [start, end, due] = heights;
        [duty.quorum_type.to_string(), seat, start, end, due, begins]
    };
    let mut text = format!("block {}\n", snapshot.block().height);
    text.push_str(&columns(heads, &duties.iter().map(row).collect::<Vec<_>>()));
    if let Some(outlook) = snapshot.offline_outlook(node) {
        for (what, bounds) in [("first penalty", outlook.penalty), ("ban", outlook.ban)] {
            let height =
                |height: Option<Height>| height.map_or_else(|| "not known".to_string(), |height| height.to_string());
            let (earliest, latest) = (height(bounds.earliest), height(bounds.latest));
            let _ = match bounds.exact() {
                Some(exact) => writeln!(text, "if offline from now on: {what} at {exact}"),
                None => writeln!(
                    text,
                    "if offline from now on: {what} at {earliest} at the earliest, {latest} at the latest"
                ),
            };
        }
    }
    text
}

/// Known seats as events of a calendar (RFC 5545).
fn calendar(snapshot: &Snapshot, name: &str, duties: &[Duty]) -> String {
    let stamp = stamp(snapshot.block().time);
    let mut lines: Vec<String> =
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//masternode-exporter//duties//EN"].map(str::to_string).into();
    let name = escaped(name);
    for duty in duties.iter().filter(|duty| duty.is_known()) {
        let begun = snapshot.block().time;
        let (start, end) = (time(snapshot, duty.start).unwrap_or(begun), time(snapshot, duty.end).unwrap_or(begun));
        let (kind, index) = (duty.quorum_type, duty.index.unwrap_or(0));
        lines.extend([
            "BEGIN:VEVENT".to_string(),
            format!("UID:{kind}-{index}-{}-{name}@masternode-exporter", duty.start),
            format!("DTSTAMP:{stamp}"),
            format!("DTSTART:{}", self::stamp(start)),
            format!("DTEND:{}", self::stamp(end)),
            format!("SUMMARY:{name}: {kind} session"),
            format!("DESCRIPTION:Blocks {} to {}\\, result due at block {}", duty.start, duty.end.0 - 1, duty.due),
            "END:VEVENT".to_string(),
        ]);
    }
    lines.push("END:VCALENDAR".to_string());
    lines.iter().flat_map(|line| [folded(line), "\r\n".to_string()]).collect()
}

/// A time as iCalendar writes it: `20261130T093000Z`.
fn stamp(time: UnixSeconds) -> String {
    rfc3339::text(time).replace(['-', ':'], "")
}

fn escaped(text: &str) -> String {
    let escape = |letter: char| match letter {
        '\\' | ';' | ',' => format!("\\{letter}"),
        letter if letter.is_control() => " ".to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(escape).collect()
}

/// A line of at most 75 bytes; what follows is on lines that begin with a blank.
fn folded(line: &str) -> String {
    let (mut text, mut bytes) = (String::new(), 0);
    for letter in line.chars() {
        if bytes + letter.len_utf8() > 75 {
            text.push_str("\r\n ");
            bytes = 1;
        }
        text.push(letter);
        bytes += letter.len_utf8();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_calendar_is_folded_and_its_text_escaped() {
        assert_eq!(escaped("a,b;c\\d\r\ne"), "a\\,b\\;c\\\\d  e");
        let long = "é".repeat(100);
        let folded = folded(&long);
        assert!(folded.split("\r\n").all(|line| line.len() <= 75), "{folded}");
        assert_eq!(folded.replace("\r\n ", ""), long);
        assert_eq!(stamp(UnixSeconds(1_800_000_000)), "20270115T080000Z");
    }
}
