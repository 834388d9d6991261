//! The command line: arguments in, exit code out; one file for each subcommand that does more than call the library.
//!
//! Never here: reading the process's environment, which is passed in.

/// Prints a line on the standard error. A reader that closes early is not an error.
macro_rules! note {
    () => { note!("") };
    ($($text:tt)+) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)+);
    }};
}

mod backfill;
mod block_or_time;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod doctor_list;
mod doctor_names;
mod duties;
mod earnings;
mod events;
mod flags;
mod forecast;
pub mod healthcheck;
mod logging;
mod maintenance;
mod masternode_filter;
mod notify;
mod observe;
mod observe_table;
mod progress;
mod readiness;
mod restart_check;
mod restart_plan;
mod rules;
mod run;
#[cfg(feature = "demo")]
mod scenario;
mod setup;
mod text_table;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::app;
use crate::config::{self, Config, ConfigSources, LoadedConfig, NetworkConfig};
use crate::history::Reader;
use crate::metrics;

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  failure at run time
  2  invalid arguments or configuration
  3  doctor, healthcheck or notify reported a problem, restart-check found no window now, or restart-plan no place

Examples:
  masternode-exporter                       follow the Dash node on this host
  masternode-exporter demo                  try it on a simulated network
  masternode-exporter doctor                check a node's RPC access and configuration
  masternode-exporter forecast payment -h   list what can be computed without a node
  masternode-exporter --config.file=/etc/masternode-exporter.yml check";

/// Prometheus exporter for masternodes: how close each one is to a Proof-of-Service ban, and when it is paid next.
#[derive(Debug, Parser)]
#[command(name = "masternode-exporter", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow the configured networks and serve their metrics (the default).
    Run,
    #[cfg(feature = "demo")]
    /// Run against a built-in simulated Dash network. Needs no node and writes nothing.
    Demo(demo::DemoArguments),
    /// Poll every network once and print the result.
    Observe {
        /// Only this network.
        #[arg(long, value_name = "NAME")]
        network: Option<String>,
        /// Output format.
        #[arg(long, value_enum, default_value_t = ObserveFormat::Table)]
        format: ObserveFormat,
    },
    /// Check that each node answers every RPC call the exporter needs, and print the required node configuration.
    Doctor {
        /// Only this network.
        #[arg(long, value_name = "NAME")]
        network: Option<String>,
    },
    /// Print recorded masternode events from the history file. Safe to run while the exporter is running.
    Events(events::EventsArguments),
    /// Print what masternodes earned, from the history file. Safe to run while the exporter is running.
    Earnings(earnings::EarningsArguments),
    /// Import earlier blocks into the history. Stop the exporter first.
    Backfill(backfill::BackfillArguments),
    /// Compute payment chances or a Proof-of-Service score from given numbers. Needs no node and no configuration.
    Forecast(forecast::ForecastArguments),
    /// Print the DKG sessions ahead of a masternode, as far as its seats are known.
    Duties(duties::DutiesArguments),
    /// Report whether a masternode can be restarted now without missing a DKG session.
    RestartCheck(restart_check::RestartArguments),
    /// Print an order in which watched masternodes can be restarted without missing a DKG session.
    RestartPlan(restart_plan::PlanArguments),
    /// Mute the alerts of masternodes that are worked on, in the running exporter.
    Maintenance(maintenance::MaintenanceArguments),
    /// Send a test message to the receivers of alerts, and print how each answered.
    Notify(notify::NotifyArguments),
    /// Print the alerting rules for Prometheus or Grafana. Needs no node and no configuration.
    Rules(rules::RulesArguments),
    /// Validate the configuration and print the effective settings.
    Check,
    /// Print the reference of all metrics (Markdown).
    Metrics,
    /// Check that a running exporter is alive; for containers.
    Healthcheck(healthcheck::HealthcheckArguments),
    /// Print shell completions.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// Print the version.
    Version,
}

/// Output formats of `observe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ObserveFormat {
    /// For people.
    Table,
    /// For scripts.
    Json,
    /// The exposition format of Prometheus.
    Metrics,
}

/// How a command fails.
enum CommandError {
    /// Exit code 1.
    Run(app::Error),
    /// Exit code 2.
    Configuration(String),
    /// Exit code 3: the text was already printed.
    NotWell,
}

impl<E: Into<app::Error>> From<E> for CommandError {
    fn from(error: E) -> CommandError {
        CommandError::Run(error.into())
    }
}

/// Runs the command. `environment` and `home` are those of the process.
pub fn main(
    arguments: Vec<std::ffi::OsString>,
    environment: BTreeMap<String, String>,
    home: Option<PathBuf>,
) -> ExitCode {
    let (arguments, sources) = match parse(arguments, environment, home) {
        Ok(parsed) => parsed,
        Err(error) => {
            // A closed error stream cannot be reported.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match dispatch(arguments, sources) {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::Run(error)) => {
            note!("masternode-exporter: {error}");
            ExitCode::from(1)
        }
        Err(CommandError::Configuration(error)) => {
            note!("masternode-exporter: {error}");
            ExitCode::from(2)
        }
        Err(CommandError::NotWell) => ExitCode::from(3),
    }
}

/// The command line with all commands and their flags.
fn command_line() -> clap::Command {
    flags::add(Arguments::command())
}

fn parse(
    arguments: Vec<std::ffi::OsString>,
    environment: BTreeMap<String, String>,
    home: Option<PathBuf>,
) -> Result<(Arguments, ConfigSources), clap::Error> {
    let mut command = command_line();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let (file, overrides, warnings) = flags::read(&matches);
    for warning in warnings {
        note!("masternode-exporter: {warning}");
    }
    Ok((Arguments::from_arg_matches(&matches)?, ConfigSources { file, environment, home, overrides }))
}

fn dispatch(arguments: Arguments, origin: ConfigSources) -> Result<(), CommandError> {
    let read = || config::load(&origin).map_err(|errors| CommandError::Configuration(errors.to_string()));
    let load = || read().map(reported);
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => with_runtime(run::run(read()?, origin)),
        #[cfg(feature = "demo")]
        Command::Demo(demo) => {
            // The demo has its own networks, which a configuration file could only contradict.
            let own = ConfigSources { file: None, ..origin };
            with_runtime(demo::run(demo, own))
        }
        Command::Observe { network, format } => {
            let config = with_network(load()?, network.as_deref())?;
            print(&with_runtime(async move { Ok(observe::run(&config, network.as_deref(), format).await?) })?)
        }
        Command::Doctor { network } => {
            let config = with_network(load()?, network.as_deref())?;
            let findings = with_runtime(async move { Ok(doctor::run(&config, network.as_deref()).await?) })?;
            print_findings(&findings.report, findings.healthy)
        }
        Command::Forecast(arguments) => {
            let seen = match arguments.network().map(str::to_string) {
                Some(name) => {
                    let config = with_network(load()?, Some(&name))?;
                    Some(with_runtime(async move { Ok(observe::look_at(&config, &name).await?) })?)
                }
                None => None,
            };
            print(&forecast::run(&arguments, seen.as_deref())?)
        }
        Command::Events(arguments) => events::run(&arguments, &load()?),
        Command::Earnings(arguments) => earnings::run(&arguments, &load()?),
        Command::Duties(arguments) => {
            let config = load()?;
            print(&with_runtime(async move { duties::run(&arguments, &config).await })?)
        }
        Command::RestartCheck(arguments) => {
            let config = load()?;
            print(&with_runtime(async move { restart_check::run(&arguments, &config).await })?)
        }
        Command::RestartPlan(arguments) => {
            let config = load()?;
            let planned = with_runtime(async move { restart_plan::run(&arguments, &config).await })?;
            print_findings(&planned.text, planned.is_whole)
        }
        Command::Backfill(arguments) => with_runtime(backfill::run(&arguments, &load()?)),
        Command::Notify(arguments) => {
            let config = load()?;
            let answers = with_runtime(async move { notify::run(&arguments, &config).await })?;
            print_findings(&answers.report, answers.all_accepted)
        }
        Command::Maintenance(arguments) => with_runtime(maintenance::run(&arguments, &load()?)),
        Command::Rules(arguments) => print(&rules::run(arguments)?),
        Command::Check => check::run(&read()?),
        Command::Metrics => print(&metrics::reference::reference()),
        Command::Healthcheck(arguments) => with_runtime(healthcheck::run(arguments, &origin)),
        Command::Completions { shell } => print(&completions(shell)),
        Command::Man => print(&manual()?),
        Command::Version => print(&command_line().render_version()),
    }
}

/// The configuration, after a line for each refused watch file. The history has the last good content of it; without one, its
/// masternodes are missing in the result.
fn reported(loaded: LoadedConfig) -> Config {
    let mut config = loaded.config;
    let path = config.history.path.as_ref().filter(|_| config.watch_files.is_partial());
    let kept = path.and_then(|path| Reader::open(path).ok()?.watch_files().ok());
    if let Some(kept) = kept {
        config.recall_watch_files(&kept);
    }
    config.watch_files.problems().iter().for_each(|problem| note!("masternode-exporter: {problem}"));
    config
}

/// The configuration, if it has a network of that name.
fn with_network(config: Config, name: Option<&str>) -> Result<Config, CommandError> {
    if name.is_some() {
        network(&config, name)?;
    }
    Ok(config)
}

/// The network of a name; without one the only one.
fn network<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a NetworkConfig, CommandError> {
    let is_asked = |network: &&NetworkConfig| name.is_none_or(|name| *name == network.name);
    let found: Vec<&NetworkConfig> = config.networks.iter().filter(is_asked).collect();
    let names: Vec<&str> = config.networks.iter().map(|network| network.name.as_str()).collect();
    match (found.as_slice(), name, names.join(", ")) {
        ([only], _, _) => Ok(only),
        (_, Some(name), known) => {
            Err(CommandError::Configuration(format!("no network {name:?} is configured; there are: {known}")))
        }
        (_, None, known) => Err(CommandError::Configuration(format!("--network: name one of {known}"))),
    }
}

fn manual() -> Result<String, CommandError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command_line()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "masternode-exporter", &mut script);
    // The Bash script uses different labels if the program's name has a hyphen, and then completes nothing after a
    // command: https://github.com/clap-rs/clap/issues/6421.
    String::from_utf8_lossy(&script).replace("masternode__subcmd__exporter", "masternode__exporter")
}

fn with_runtime<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(work);
    // A blocking thread may still wait for a node.
    runtime.shutdown_background();
    result
}

/// Prints to the standard output. A reader that closes early, such as `head`, is not an error.
fn print(text: &str) -> Result<(), CommandError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints the result; a problem has its own exit code.
fn print_findings(report: &str, is_well: bool) -> Result<(), CommandError> {
    print(report)?;
    if is_well { Ok(()) } else { Err(CommandError::NotWell) }
}
