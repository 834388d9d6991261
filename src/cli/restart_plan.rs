//! `restart-plan`: an order in which watched masternodes can be restarted without missing a DKG session.
//!
//! Never here: the order (`domain::restart`); restarts.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::duties::time;
use crate::cli::restart_check::{self, span};
use crate::cli::text_table::{Alignment, columns};
use crate::cli::{self, CommandError, observe};
use crate::config::Config;
use crate::nearest::hint;
use crate::web::api::calendar;
use crate::web::api::duties::{MOST_PARALLEL, RESTART_MINUTES};
use crate::web::api::json::{NotPlaced, Reason, RestartPlan, Subject};
use domain::snapshot::{Snapshot, WatchedEntry};
use domain::{Height, MasternodeId};

const EXAMPLES: &str = "\
Exit codes: 0 every masternode has a place; 1 network not reachable; 2 invalid arguments or configuration; 3 one has none.

Examples:
  masternode-exporter restart-plan --for 10m
  masternode-exporter restart-plan --group region=eu --for 30m --parallel 2 --format ics > restarts.ics

The plan counts each session in which a masternode may sit as one in which it sits. Each block decides
about more seats: check with restart-check before each restart, and plan again after a delay.";

/// Arguments of `restart-plan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PlanArguments {
    /// Only this masternode: its alias in the watch list, its proTxHash, or its address. Can be repeated. [default: all watched]
    #[arg(long, value_name = "NAME")]
    masternode: Vec<String>,
    /// Only watched masternodes of this group. If repeated, all must match.
    #[arg(long, value_name = "KEY=VALUE", value_parser = crate::cli::masternode_filter::group, conflicts_with = "masternode")]
    group: Vec<(String, String)>,
    /// Network, if several are configured.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// How long one restart takes, until the masternode is connected again, from 1s to 24h; counted in whole minutes.
    #[arg(long = "for", value_name = "SPAN", value_parser = span, default_value = "10m")]
    span: Duration,
    /// Restarts at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PARALLEL)))]
    parallel: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    format: PlanFormat,
}

/// Forms of `restart-plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// For people.
    Table,
    /// For scripts: as the API answers.
    Json,
    /// For calendars (iCalendar).
    Ics,
}

/// A plan, and whether every masternode has a place in it.
pub(super) struct Planned {
    pub(super) text: String,
    pub(super) is_whole: bool,
}

/// Polls the network once and prints the plan.
pub(super) async fn run(arguments: &PlanArguments, config: &Config) -> Result<Planned, CommandError> {
    let network = cli::network(config, arguments.network.as_deref())?;
    let snapshot = observe::rely_on(config, &network.name).await?;
    if snapshot.quorum_types().is_none() || snapshot.limits().is_none() {
        return Err(format!("the quorums of chain {} are not known: no plan is possible", snapshot.rules().name).into());
    }
    let subjects = subjects(arguments, &snapshot)?;
    let minutes = u32::try_from(arguments.span.as_secs().div_ceil(60)).unwrap_or(RESTART_MINUTES);
    let plan = RestartPlan::new(&snapshot, &subjects, minutes, arguments.parallel);
    let text = match arguments.format {
        PlanFormat::Table => table(&snapshot, &plan),
        PlanFormat::Ics => calendar::calendar("Restarts of masternodes", &plan.events(&snapshot)),
        PlanFormat::Json => serde_json::to_string_pretty(&plan).map_err(|error| error.to_string())? + "\n",
    };
    Ok(Planned { text, is_whole: plan.not_placed().is_empty() })
}

/// The selected masternodes, each once.
fn subjects<'a>(
    arguments: &PlanArguments,
    snapshot: &'a std::sync::Arc<Snapshot>,
) -> Result<Vec<(MasternodeId, Subject<'a>)>, CommandError> {
    let of_watched = |entry: &'a WatchedEntry| {
        let node = entry.index.map(|index| snapshot.node(index));
        (entry.watched.id, Subject { snapshot, node, watched: Some(entry) })
    };
    if !arguments.masternode.is_empty() {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for name in &arguments.masternode {
            let node = restart_check::find(snapshot, name)?;
            let id = node.masternode.id;
            let watched = snapshot.watched().iter().find(|entry| entry.watched.id == id);
            if seen.insert(id) {
                found.push((id, Subject { snapshot, node: Some(node), watched }));
            }
        }
        return Ok(found);
    }
    let is_of = |entry: &&WatchedEntry| arguments.group.iter().all(|(key, group)| entry.watched.is_in(key, group));
    let found: Vec<_> = snapshot.watched().iter().filter(is_of).map(of_watched).collect();
    if found.is_empty() {
        let what = match arguments.group.first() {
            None => "no masternode is watched".to_string(),
            Some((key, group)) => {
                let asked = format!("{key}={group}");
                let groups = snapshot.groups().keys().map(|(key, group)| format!("{key}={group}"));
                let groups: Vec<String> = groups.filter(|known| *known != asked).collect();
                let hint = hint(&asked, groups.iter().map(String::as_str));
                format!("--group {asked}: it has no masternode{hint}")
            }
        };
        return Err(CommandError::Configuration(format!("{what} (network {})", snapshot.network())));
    }
    Ok(found)
}

fn table(snapshot: &Snapshot, plan: &RestartPlan<'_>) -> String {
    let heads = [("masternode", Alignment::Left), ("restart after", Alignment::Right), ("expected", Alignment::Left)];
    let name = |alias: &str, id: MasternodeId| if alias.is_empty() { id.to_string() } else { alias.to_string() };
    let rows: Vec<[String; 3]> = plan
        .restarts()
        .iter()
        .map(|restart| {
            let after = Height(restart.after_height);
            [name(&restart.alias, restart.masternode.0), after.to_string(), time(snapshot, after)]
        })
        .collect();
    let mut text = format!(
        "block {}; each restart may take up to {} blocks; sessions are known or bounded up to block {}\n",
        snapshot.block().height,
        plan.blocks(),
        plan.until()
    );
    text.push_str(&columns(heads, &rows));
    for node in plan.not_placed() {
        let _ = writeln!(text, "{} is not placed: {}", name(&node.alias, node.masternode.0), why(snapshot, node));
    }
    text
}

fn why(snapshot: &Snapshot, node: &NotPlaced) -> String {
    let reason = match node.reason {
        Reason::NoWindow => "no window is long enough",
        Reason::Taken => "other masternodes restart in its windows",
        Reason::NotKnown => return "its sessions are not known; is it registered?".into(),
    };
    let Some(cheapest) = &node.cheapest else { return reason.into() };
    let after = Height(cheapest.after_height);
    let cost = cheapest.cost.describe();
    format!("{reason}; cheapest after block {after} ({}), which {cost}", time(snapshot, after))
}
