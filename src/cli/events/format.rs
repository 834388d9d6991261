//! Events as lines: a table, CSV or JSON.
//!
//! Never here: selection of events.

use serde_json::Value;

use crate::cli::events::Format;
use crate::cli::masternode_filter::WatchListNames;
use crate::history::StoredEvent;
use crate::web::api::{csv_table, json};
use domain::event::Event;
use domain::masternode::MasternodeId;
use domain::rfc3339;

/// Width of a masternode's alias in the table.
const NAME: usize = 20;

/// Writes events in one format.
pub(super) struct Form<'a> {
    pub(super) format: Format,
    pub(super) names: WatchListNames<'a>,
}

impl Form<'_> {
    /// The header above the first event.
    pub(super) fn head(&self) -> String {
        match self.format {
            Format::Table => line("time", "height", "network", "masternode", "event"),
            Format::Csv => json::Event::names(),
            Format::Json => String::new(),
        }
    }

    /// The line of an event.
    pub(super) fn row(&self, kept: &StoredEvent) -> String {
        let alias = self.names.alias(&kept.network, &kept.event.masternode);
        match self.format {
            Format::Table => {
                let Event { block, masternode, .. } = &kept.event;
                let name = if alias.is_empty() { short_id(masternode) } else { alias.to_string() };
                line(&rfc3339::text(block.time), &block.height.to_string(), &kept.network, &name, &describe(kept))
            }
            Format::Csv => {
                csv_table::lines([json::Event::row(&kept.event, &kept.network, alias, Some((kept.id, kept.withdrawn)))])
            }
            Format::Json => {
                let event = json::Event::new(&kept.event, &kept.network, alias, Some((kept.id, kept.withdrawn)));
                format!("{}\n", Value::Object(event.json()))
            }
        }
    }
}

fn line(time: &str, height: &str, network: &str, masternode: &str, event: &str) -> String {
    format!("{time:<20}  {height:>9}  {network:<14}  {masternode:<NAME$}  {event}\n")
}

/// A short form of an identity: its first digits, and the output index of a collateral.
fn short_id(id: &MasternodeId) -> String {
    let digits = id.hash().to_string();
    let rest = match id {
        MasternodeId::ProTx(_) => String::new(),
        MasternodeId::Collateral(outpoint) => format!("-{}", outpoint.index),
    };
    format!("{}…{rest}", &digits[..12])
}

/// The description of an event, with its restrictions.
fn describe(kept: &StoredEvent) -> String {
    let exact = if kept.event.exact { "" } else { " (in this block or one before it)" };
    let withdrawn = if kept.withdrawn { " (withdrawn)" } else { "" };
    format!("{}{exact}{withdrawn}", kept.event.kind.describe())
}
