//! `restart-check`: whether a masternode can be restarted now without missing a DKG session, and when it can be.
//!
//! Never here: restarts.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use crate::app;
use crate::cli::duties::time;
use crate::cli::text_table::{Alignment, columns};
use crate::cli::{self, CommandError, observe, observe_table};
use crate::config::{self, Config, NetworkConfig};
use crate::meters::Meters;
use crate::nearest::hint;
use domain::restart::{QuietWindow, RestartOutlook};
use domain::snapshot::NodeView;
use domain::{Height, NodeType, Risk, Snapshot};

const EXAMPLES: &str = "\
Exit codes: 0 safe to restart now; 1 network not reachable; 2 invalid arguments or configuration; 3 not safe now.

Examples:
  masternode-exporter restart-check --masternode mn-fra-1 --for 10m && systemctl restart dashd
  masternode-exporter restart-check --masternode mn-fra-1 --for 10m --wait && systemctl restart dashd
  masternode-exporter restart-check --masternode mn-fra-1 --for 30m --plan

A restart is safe when no session in which the masternode sits or may sit is in its busy part before it is back. Who sits in a
session is known 8 blocks before it begins, in one of a type that rotates (llmq_60_75) for whole cycles;
one in which the masternode does not sit is ignored. A banned masternode can be restarted at any time: a
session that it misses costs it nothing, although it may keep seats in rotating quorums for some cycles
after the ban. --for counts more blocks than usually arrive in that time: in fewer than one of 200
restarts there are more.";

/// Arguments of `restart-check`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RestartArguments {
    /// The masternode: its alias in the watch list, its proTxHash, or its address.
    #[arg(long, value_name = "NAME")]
    masternode: String,
    /// Network, if several are configured.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// How long the restart takes, until the masternode is connected again, from 1s to 24h.
    #[arg(long = "for", value_name = "SPAN", value_parser = span, conflicts_with = "blocks")]
    span: Option<Duration>,
    /// The same in blocks: the window must have at least this many left.
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=200))]
    blocks: u32,
    /// Also print the windows of the next 38 hours (of mainnet).
    #[arg(long)]
    plan: bool,
    /// Wait until a window is long enough, then exit.
    #[arg(long)]
    wait: bool,
}

/// Parses how long a restart takes.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let span = config::parse_duration(text)?;
    if (Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&span) {
        Ok(span)
    } else {
        Err("it must be from 1s to 24h".into())
    }
}

/// The result of the check.
#[derive(Debug, PartialEq)]
enum RestartAdvice {
    /// It is banned: a failure has no further effect (docs/spec/dash.md#pose-state), although memberships in rotating quorums
    /// outlast a ban.
    Banned,
    /// The restart fits into the blocks that are left.
    Now(u32),
    /// It does not. There are so many blocks before the next session.
    NotNow(u32),
}

/// Checks, and waits if requested. Prints the result on the standard output, and progress on the error stream.
pub(super) async fn run(arguments: &RestartArguments, config: &Config) -> Result<String, CommandError> {
    let network = cli::network(config, arguments.network.as_deref())?;
    loop {
        // Read again for each block: later blocks decide about more seats, and a reorg voids what was known.
        let snapshot = observe::rely_on(config, &network.name).await?;
        let node = find(&snapshot, &arguments.masternode)?;
        let blocks = match arguments.span {
            Some(span) => snapshot.restart_blocks(span.as_secs()),
            None => arguments.blocks - 1,
        };
        let outlook = snapshot.restart_outlook(&node, blocks).ok_or_else(|| {
            format!("the quorums of chain {} are not known: no result is possible", snapshot.rules().name)
        })?;
        let advice = judge(&node, &outlook);
        let mut text = describe(&snapshot, &node, &advice, &outlook, arguments.span);
        if arguments.plan {
            text.push_str(&plan(&snapshot, &outlook));
        }
        match advice {
            RestartAdvice::Banned | RestartAdvice::Now(_) => return Ok(text),
            RestartAdvice::NotNow(_) if !arguments.wait => {
                print!("{text}");
                return Err(CommandError::NotWell);
            }
            RestartAdvice::NotNow(_) => eprint!("{text}"),
        }
        next_block(network, snapshot.block().height).await?;
    }
}

/// Waits for another block.
async fn next_block(network: &NetworkConfig, height: Height) -> Result<(), app::Error> {
    let clients = app::clients(network, &Meters::new(&prometheus::Registry::new()))?;
    loop {
        sleep(network.poll_interval).await;
        let mut troubles = Vec::new();
        for client in &clients {
            match client.chain_info().await {
                Ok(chain) if chain.blocks != height => return Ok(()),
                Ok(_) => break,
                Err(error) => troubles.push(error.to_string()),
            }
        }
        if troubles.len() == clients.len() {
            return Err(format!("network {} is no longer reachable: {}", network.name, troubles.join("; ")).into());
        }
    }
}

/// The masternode of an alias, an identity or an address.
pub(super) fn find<'a>(snapshot: &'a Arc<Snapshot>, name: &str) -> Result<NodeView<'a>, CommandError> {
    let found = snapshot.find_named(name);
    let [id, ..] = found[..] else {
        let known = snapshot.known_names();
        let hint = hint(name, known.iter().map(String::as_str));
        return Err(CommandError::Configuration(format!(
            "--masternode {name}: it is neither an alias of the watch list, nor a proTxHash, nor the address of a masternode{hint}"
        )));
    };
    match snapshot.list().position(&id) {
        Some(index) => Ok(snapshot.node(index)),
        None => Err(format!("masternode {name} is not registered on {}", snapshot.network()).into()),
    }
}

fn judge(node: &NodeView<'_>, outlook: &RestartOutlook) -> RestartAdvice {
    if node.risk() == Risk::Banned {
        return RestartAdvice::Banned;
    }
    let open = outlook.windows.first().filter(|window| window.after == outlook.tip);
    let left = open.map_or(0, |window| window.blocks);
    match open.and_then(|window| window.last_start(outlook.blocks)) {
        Some(_) => RestartAdvice::Now(left),
        None => RestartAdvice::NotNow(left),
    }
}

fn describe(
    snapshot: &Snapshot,
    node: &NodeView<'_>,
    advice: &RestartAdvice,
    outlook: &RestartOutlook,
    span: Option<Duration>,
) -> String {
    let height = outlook.tip;
    let kind = match node.masternode.node_type {
        NodeType::Regular => "a regular masternode",
        NodeType::Evo => "an Evo masternode",
    };
    let asked = match span {
        Some(span) => format!("{} may arrive in {}", blocks(outlook.blocks), humantime::format_duration(span)),
        None => format!("{} are asked for", outlook.blocks + 1),
    };
    let mut text = match advice {
        RestartAdvice::Banned => {
            return format!(
                "yes: at height {height} it is banned, so a missed session costs it nothing; it may still sit in rotating quorums\n"
            );
        }
        RestartAdvice::Now(left) => {
            return format!(
                "yes: at height {height} {kind} misses no session for {}; be back before they end\n",
                observe_table::blocks_and_time(snapshot, *left)
            );
        }
        RestartAdvice::NotNow(0) => {
            format!("no: at height {height} {kind} may sit in a session now: it {}\n", outlook.now.describe())
        }
        RestartAdvice::NotNow(left) => {
            format!(
                "no: at height {height} {kind} has {} before the next session, and {asked}: it {}\n",
                blocks(*left),
                outlook.now.describe()
            )
        }
    };
    let _ = match outlook.next() {
        Some(next) => writeln!(text, "next window: {}", window(snapshot, next)),
        None => {
            let longest = outlook.longest().map(|longest| format!("; the longest: {}", window(snapshot, longest)));
            writeln!(text, "no window is long enough up to block {}{}", outlook.until, longest.unwrap_or_default())
        }
    };
    text
}

fn blocks(number: u32) -> String {
    format!("{number} block{}", if number == 1 { "" } else { "s" })
}

fn window(snapshot: &Snapshot, window: QuietWindow) -> String {
    let QuietWindow { after, blocks } = window;
    format!("after block {after} ({}), for {}", time(snapshot, after), observe_table::blocks_and_time(snapshot, blocks))
}

/// The windows of the time of which seats are known.
fn plan(snapshot: &Snapshot, outlook: &RestartOutlook) -> String {
    let heads = [
        ("window", Alignment::Left),
        ("opens after", Alignment::Right),
        ("expected", Alignment::Left),
        ("lasts", Alignment::Left),
        ("latest restart after", Alignment::Right),
    ];
    let longest = outlook.longest();
    let row = |window: &QuietWindow| {
        let last = window.last_start(outlook.blocks);
        let name = match last {
            _ if longest == Some(*window) => "longest",
            Some(_) => "fits",
            None => "too short",
        };
        [
            name.to_string(),
            window.after.to_string(),
            time(snapshot, window.after),
            observe_table::blocks_and_time(snapshot, window.blocks),
            last.map_or_else(|| "-".to_string(), |last| last.to_string()),
        ]
    };
    let rows: Vec<[String; 5]> = outlook.windows.iter().map(row).collect();
    format!("up to block {}:\n{}", outlook.until, columns(heads, &rows))
}
