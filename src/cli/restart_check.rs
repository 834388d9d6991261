//! `restart-check`: whether a masternode can be restarted now without missing a DKG session.
//!
//! Never here: restarts.

use std::sync::Arc;

use clap::Args;
use tokio::time::sleep;

use crate::app;
use crate::cli::{CommandError, observe, observe_table};
use crate::config::{Config, NetworkConfig, nearest};
use crate::meters::Meters;
use domain::snapshot::NodeView;
use domain::{Height, MasternodeId, NodeType, Risk, Snapshot};

const EXAMPLES: &str = "\
Exit codes: 0 safe to restart now; 1 network not reachable; 2 invalid arguments or configuration; 3 not safe now.

Examples:
  masternode-exporter restart-check --masternode mn-fra-1 && systemctl restart dashd
  masternode-exporter restart-check --masternode mn-fra-1 --wait --blocks 4 && systemctl restart dashd

A window is free when no session is in its busy part in which the masternode may sit. Who sits in a
session is known 8 blocks before it begins, in one of a type that rotates (llmq_60_75) for whole cycles,
and then one in which it does not sit is passed over. A banned
masternode can be restarted at any time: a session that it misses costs it nothing, although it may
keep seats in rotating quorums for some cycles after the ban.";

/// Arguments of `restart-check`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RestartArguments {
    /// The masternode: its alias in the watch list, or its proTxHash.
    #[arg(long, value_name = "NAME")]
    masternode: String,
    /// Network, if several are configured.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Blocks that the restart may take: the window must have at least this many left.
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=200))]
    blocks: u32,
    /// Wait until a window is long enough, then exit.
    #[arg(long)]
    wait: bool,
}

/// The result of the check.
#[derive(Debug, PartialEq, Eq)]
enum RestartAdvice {
    /// This many blocks are left; `None` if the masternode is banned: a failure has no further effect
    /// (docs/spec/dash.md#pose-state), although memberships in rotating quorums outlast a ban.
    Now(Option<u32>),
    /// Only this many blocks are left.
    NotNow(u32),
}

/// Checks, and waits if requested. Prints the result on the standard output, and progress on the error stream.
pub(super) async fn run(arguments: &RestartArguments, config: &Config) -> Result<String, CommandError> {
    let network = network(arguments.network.as_ref(), config)?;
    let snapshot = observe::look_at(config, &network.name).await?;
    let node = find(&snapshot, &arguments.masternode)?;
    let mut height = snapshot.block().height;
    loop {
        let verdict = judge(&snapshot, &node, height, arguments.blocks)?;
        let text = describe(&snapshot, &node, height, &verdict, arguments.blocks);
        match verdict {
            RestartAdvice::Now(_) => return Ok(text),
            RestartAdvice::NotNow(_) if !arguments.wait => {
                print!("{text}");
                return Err(CommandError::NotWell);
            }
            RestartAdvice::NotNow(_) => eprint!("{text}"),
        }
        height = next_block(network, height).await?;
    }
}

/// Waits for another block. The windows follow from the height alone, so the list is not read again.
async fn next_block(network: &NetworkConfig, height: Height) -> Result<Height, app::Error> {
    let clients = app::clients(network, &Meters::new(&prometheus::Registry::new())?)?;
    loop {
        sleep(network.poll_interval).await;
        let mut troubles = Vec::new();
        for client in &clients {
            match client.chain_info().await {
                Ok(chain) if chain.blocks != height => return Ok(chain.blocks),
                Ok(_) => break,
                Err(error) => troubles.push(error.to_string()),
            }
        }
        if troubles.len() == clients.len() {
            return Err(format!("network {} is no longer reachable: {}", network.name, troubles.join("; ")).into());
        }
    }
}

/// The network of a name; without one the only one.
pub(super) fn network<'a>(named: Option<&String>, config: &'a Config) -> Result<&'a NetworkConfig, CommandError> {
    let wanted = |network: &&NetworkConfig| named.is_none_or(|name| *name == network.name);
    let found: Vec<&NetworkConfig> = config.networks.iter().filter(wanted).collect();
    if let [only] = found.as_slice() {
        return Ok(only);
    }
    let names: Vec<&str> = config.networks.iter().map(|network| network.name.as_str()).collect();
    Err(CommandError::Configuration(format!("--network: name one of {}", names.join(", "))))
}

/// The masternode of an alias or an identity.
pub(super) fn find<'a>(snapshot: &'a Arc<Snapshot>, name: &str) -> Result<NodeView<'a>, CommandError> {
    let watched = snapshot.watched().iter().find(|node| node.watched.alias == name);
    let id = match (watched, name.parse::<MasternodeId>()) {
        (Some(node), _) => node.watched.id,
        (None, Ok(id)) => id,
        (None, Err(_)) => {
            let aliases = snapshot.watched().iter().map(|node| node.watched.alias.as_str());
            let hint = nearest(name, aliases).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return Err(CommandError::Configuration(format!(
                "--masternode {name}: it is neither an alias of the watch list nor a proTxHash{hint}"
            )));
        }
    };
    match snapshot.list().position(&id) {
        Some(index) => Ok(snapshot.node(index)),
        None => Err(format!("masternode {name} is not registered on {}", snapshot.network()).into()),
    }
}

fn judge(snapshot: &Snapshot, node: &NodeView<'_>, height: Height, blocks: u32) -> Result<RestartAdvice, app::Error> {
    if node.risk() == Risk::Banned {
        return Ok(RestartAdvice::Now(None));
    }
    match snapshot.maintenance_window_at(node, height) {
        Some(left) if left >= blocks => Ok(RestartAdvice::Now(Some(left))),
        Some(left) => Ok(RestartAdvice::NotNow(left)),
        None => {
            Err(format!("the quorums of chain {} are not known: no result is possible", snapshot.rules().name).into())
        }
    }
}

fn describe(snapshot: &Snapshot, node: &NodeView<'_>, height: Height, verdict: &RestartAdvice, blocks: u32) -> String {
    let kind = match node.masternode.node_type {
        NodeType::Regular => "a regular masternode",
        NodeType::Evo => "an Evo masternode",
    };
    match verdict {
        RestartAdvice::Now(None) => format!(
            "yes: at height {height} it is banned, so a missed session costs it nothing; it may still sit in rotating quorums\n"
        ),
        RestartAdvice::Now(Some(left)) => format!(
            "yes: at height {height} {kind} misses no session for {}; be back before they end\n",
            observe_table::blocks_and_time(snapshot, *left)
        ),
        RestartAdvice::NotNow(0) => format!("no: at height {height} {kind} may sit in a session now\n"),
        RestartAdvice::NotNow(left) => format!(
            "no: at height {height} {kind} has {left} blocks before the next session, and {blocks} are asked for\n"
        ),
    }
}
