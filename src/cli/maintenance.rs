//! `maintenance`: mutes alerts of masternodes that are worked on, in the running exporter.
//!
//! Never here: which masternodes are meant; the effect on alerts.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;

use crate::app;
use crate::cli::healthcheck::ClientArguments;
use crate::cli::healthcheck::request::{self, Reply};
use crate::cli::text_table::{Alignment, columns};
use crate::cli::{CommandError, print};
use crate::config::{self, Config};
use crate::web::api::maintenance::{MaintenanceEntry, MaintenanceList, NewMaintenance, PATH};
use domain::rfc3339;
use domain::watch::parse_group;

const EXAMPLES: &str = "\
Sends a request to the exporter that runs with this configuration, on its first listen address. Changes need
web.enable_maintenance. With history.path, maintenance survives a restart of the exporter.

Examples:
  masternode-exporter maintenance add --alias mn-fra-1 --for 2h --comment \"new disk\"
  masternode-exporter maintenance add --group customer=acme --until 2026-12-01T06:00:00Z
  masternode-exporter maintenance list
  masternode-exporter maintenance end 3

In Kubernetes: kubectl exec deploy/masternode-exporter -- masternode-exporter maintenance list";

/// Arguments of `maintenance`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MaintenanceArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Mute the alerts of watched masternodes until a time.
    Add(AddArguments),
    /// Print the maintenance that has not ended.
    List(ListArguments),
    /// End maintenance now.
    End(EndArguments),
}

#[derive(Debug, Args)]
struct AddArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Only on this network.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// How long it takes, such as 90m or 2h.
    #[arg(long = "for", value_name = "SPAN", value_parser = config::parse_duration, required_unless_present = "until", conflicts_with = "until")]
    span: Option<Duration>,
    /// When it ends: YYYY-MM-DDTHH:MM:SSZ, or YYYY-MM-DD for the end of that day.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// The reason.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    #[command(flatten)]
    client: ClientArguments,
}

/// Which watched masternodes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TargetArguments {
    /// The masternode with this alias.
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,
    /// The masternodes of this group.
    #[arg(long, value_name = "KEY=VALUE", value_parser = group)]
    group: Option<String>,
    /// One masternode: its proTxHash, txid-n of its collateral, its alias, or its address.
    #[arg(long, value_name = "ID")]
    masternode: Option<String>,
    /// The masternodes with this value of a field, such as payout_address=X… Several must all match.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field, num_args = 1..)]
    select: Vec<(String, String)>,
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Output format.
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    format: ListFormat,
    #[command(flatten)]
    client: ClientArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people.
    Table,
    /// For scripts: as the API answers.
    Json,
}

#[derive(Debug, Args)]
struct EndArguments {
    /// Numbers, as `list` prints them.
    #[arg(value_name = "NUMBER", required = true)]
    ids: Vec<u64>,
    #[command(flatten)]
    client: ClientArguments,
}

/// A group as it was given, if it is one.
fn group(text: &str) -> Result<String, String> {
    let group = parse_group(text).map(|(key, group)| format!("{key}={group}"));
    group.ok_or_else(|| "expected a group and its value, such as customer=acme".into())
}

fn field(text: &str) -> Result<(String, String), String> {
    let field = parse_group(text).map(|(field, value)| (field.to_string(), value.to_string()));
    field.ok_or_else(|| "expected a field and its value, such as payout_address=X…".into())
}

/// Sends the requests, and prints the answers.
pub(super) async fn run(arguments: &MaintenanceArguments, config: &Config) -> Result<(), CommandError> {
    match &arguments.action {
        Action::Add(add) => {
            let body = serde_json::to_string(&add.request())?;
            let added = ask(config, &add.client, (Method::POST, PATH, body)).await?;
            print(&added.maintenance.iter().map(|entry| said("added", entry)).collect::<String>())
        }
        Action::List(list) => {
            let answer = ask(config, &list.client, (Method::GET, PATH, String::new())).await?;
            print(&match list.format {
                ListFormat::Json => serde_json::to_string_pretty(&answer)? + "\n",
                ListFormat::Table if answer.maintenance.is_empty() => "no maintenance\n".into(),
                ListFormat::Table => table(&answer.maintenance),
            })
        }
        Action::End(end) => {
            for id in &end.ids {
                let path = format!("{PATH}?id={id}");
                let ended = ask(config, &end.client, (Method::DELETE, &path, String::new())).await?;
                print(&ended.maintenance.iter().map(|entry| said("ended", entry)).collect::<String>())?;
            }
            Ok(())
        }
    }
}

impl AddArguments {
    fn request(&self) -> NewMaintenance {
        let TargetArguments { alias, group, masternode, select } = &self.target;
        let end = self.span.map(|span| domain::UnixSeconds(app::now().0.saturating_add(span.as_secs())));
        NewMaintenance {
            masternode: masternode.clone(),
            alias: alias.clone(),
            group: group.clone(),
            select: select.iter().cloned().collect::<BTreeMap<_, _>>(),
            network: self.network.clone(),
            until: end.map(rfc3339::text).or(self.until.clone()).unwrap_or_default(),
            reason: self.comment.clone(),
        }
    }
}

async fn ask(
    config: &Config,
    client: &ClientArguments,
    request: (Method, &str, String),
) -> Result<MaintenanceList, CommandError> {
    let address = config.web.listen_addresses.first().ok_or("no listen address is configured")?;
    let certificate = config.web.config_file.as_ref().and_then(|file| file.certificate.as_deref());
    let credentials = client.credentials(certificate).map_err(CommandError::Configuration)?;
    let encrypted = config.web.scheme() == "https";
    let answer = request::send(request, address, encrypted, &credentials, client.timeout).await;
    let Reply { status, body } =
        answer.map_err(|error| format!("the exporter at {address}: {error}; does it run with this configuration?"))?;
    match status {
        200 => serde_json::from_str(&body).map_err(|error| format!("an answer that is not understood: {error}").into()),
        401 => Err("the exporter asks for a password: give --username and --password-file".into()),
        _ => Err(refusal(status, &body).into()),
    }
}

/// What the exporter says about a request that it refuses.
fn refusal(status: u16, body: &str) -> String {
    let error: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let error = error.and_then(|error| Some(error.get("error")?.as_str()?.to_string()));
    error.unwrap_or_else(|| format!("the exporter answers {status}: {}", body.trim()))
}

fn said(what: &str, entry: &MaintenanceEntry) -> String {
    let id = entry.id.unwrap_or_default();
    let lost = if entry.survives_restart { "" } else { "; a restart of the exporter ends it (no history)" };
    format!(
        "{what}: maintenance {id} of {} ({} masternodes) until {}{lost}\n",
        entry.target, entry.masternodes, entry.until_time
    )
}

fn table(entries: &[MaintenanceEntry]) -> String {
    let heads = [
        ("number", Alignment::Left),
        ("of", Alignment::Left),
        ("network", Alignment::Left),
        ("masternodes", Alignment::Right),
        ("until", Alignment::Left),
        ("reason", Alignment::Left),
    ];
    let row = |entry: &MaintenanceEntry| {
        let id = entry.id.map_or_else(|| "configuration".to_string(), |id| id.to_string());
        let network = entry.network.clone().unwrap_or_else(|| "all".into());
        [
            id,
            entry.target.clone(),
            network,
            entry.masternodes.to_string(),
            entry.until_time.clone(),
            entry.reason.clone(),
        ]
    };
    columns(heads, &entries.iter().map(row).collect::<Vec<_>>())
}
