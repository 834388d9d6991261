//! Flags that override the configuration, each under the commands that use it.
//!
//! A flag may precede or follow its command. Without a command it belongs to `run`.
//!
//! Never here: the meaning of a setting; the configuration defines its default.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use crate::config::Override;

/// Heading of these flags in the help of every command.
const HEADING: &str = "Configuration";

/// Used instead of a key for the flag that names the configuration file.
const FILE: &str = "";

/// A flag: the key of the configuration that it overrides, its help, and the commands that use it.
struct Flag {
    argument: &'static str,
    key: &'static str,
    value: &'static str,
    help: &'static str,
    commands: &'static [&'static str],
}

const SERVING: &[&str] = &["run", "demo", "check"];
const ASKED: &[&str] = &["run", "demo", "check", "healthcheck", "maintenance"];
const RECORDING: &[&str] = &["run", "demo", "check", "events", "earnings", "backfill"];
const CONFIGURED: &[&str] = &[
    "run",
    "check",
    "observe",
    "doctor",
    "events",
    "earnings",
    "backfill",
    "forecast",
    "duties",
    "restart-check",
    "restart-plan",
    "healthcheck",
    "maintenance",
    "notify",
];

const FLAGS: [Flag; 8] = [
    Flag {
        argument: "--config.file",
        key: FILE,
        value: "FILE",
        help: "Configuration file (YAML). Without one, the exporter follows the Dash node on this host",
        commands: CONFIGURED,
    },
    Flag {
        argument: "--history.path",
        key: "history.path",
        value: "FILE",
        help: "History file, which keeps events and counters across restarts. [default: none, counters start at zero]",
        commands: RECORDING,
    },
    Flag {
        argument: "--web.listen-address",
        key: "web.listen_address",
        value: "ADDRESS",
        help: "Where to listen: host:port, :port or [address]:port. May be given several times. [default: 127.0.0.1:10066]",
        commands: ASKED,
    },
    Flag {
        argument: "--web.config.file",
        key: "web.config_file",
        value: "FILE",
        help: "Web configuration file: TLS, client certificates, users, headers. [default: none, unprotected]",
        commands: ASKED,
    },
    Flag {
        argument: "--web.telemetry-path",
        key: "web.telemetry_path",
        value: "PATH",
        help: "Path of the metrics. [default: /metrics]",
        commands: SERVING,
    },
    Flag {
        argument: "--web.max-requests",
        key: "web.max_requests",
        value: "NUMBER",
        help: "Maximum number of concurrent scrapes; 0 for no limit. [default: 40]",
        commands: SERVING,
    },
    Flag {
        argument: "--log.level",
        key: "log.level",
        value: "LEVEL",
        help: "Minimum level to log: trace, debug, info, warn, error. [default: info]",
        commands: SERVING,
    },
    Flag {
        argument: "--log.format",
        key: "log.format",
        value: "FORMAT",
        help: "Log format: text or json. [default: text]",
        commands: SERVING,
    },
];

impl Flag {
    /// Its name without the hyphens.
    fn name(&self) -> &'static str {
        self.argument.trim_start_matches('-')
    }

    fn arg(&self) -> Arg {
        let arg = Arg::new(self.name()).long(self.name()).value_name(self.value).help(self.help).help_heading(HEADING);
        match (self.name(), self.value) {
            ("log.level", _) => {
                arg.value_parser(["trace", "debug", "info", "warn", "error"]).hide_possible_values(true)
            }
            ("log.format", _) => arg.value_parser(["text", "json"]).hide_possible_values(true),
            ("web.max-requests", _) => arg.value_parser(value_parser!(u32)),
            ("web.listen-address", _) => arg.action(ArgAction::Append),
            (_, "FILE") => arg.value_parser(value_parser!(PathBuf)).value_hint(ValueHint::FilePath),
            _ => arg,
        }
    }

    /// The values given with the command, or before it.
    fn values(&self, matches: &ArgMatches) -> Vec<String> {
        let behind = matches.subcommand().map(|(_, behind)| self.values(behind)).unwrap_or_default();
        if !behind.is_empty() {
            return behind;
        }
        let given = matches.try_contains_id(self.name()).unwrap_or(false)
            && matches.value_source(self.name()) == Some(ValueSource::CommandLine);
        let values = given.then(|| matches.get_raw(self.name())).flatten().into_iter().flatten();
        values.map(|value| value.to_string_lossy().into_owned()).collect()
    }
}

/// The command line with the flags of each command.
pub(super) fn add(command: Command) -> Command {
    let all = command.args(FLAGS.iter().map(Flag::arg));
    let names: Vec<String> = all.get_subcommands().map(|command| command.get_name().to_string()).collect();
    names.iter().fold(all, |all, name| all.mut_subcommand(name, |command| add_to(command, name)))
}

fn add_to(command: Command, used_by: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_string()).collect();
    if names.is_empty() {
        // Also those that it does not use: command lines of scripts and images keep working.
        return command.args(FLAGS.iter().map(|flag| flag.arg().hide(!flag.commands.contains(&used_by))));
    }
    names.iter().fold(command, |command, name| command.mut_subcommand(name, |below| add_to(below, used_by)))
}

/// The configuration file and the settings that the flags override, and a warning for each flag that the command does not use.
pub(super) fn read(matches: &ArgMatches) -> (Option<PathBuf>, Vec<Override>, Vec<String>) {
    let command = matches.subcommand_name().unwrap_or("run");
    let (mut file, mut overrides, mut warnings) = (None, Vec::new(), Vec::new());
    for flag in &FLAGS {
        let values = flag.values(matches);
        if values.is_empty() {
            continue;
        }
        if !flag.commands.contains(&command) {
            warnings.push(format!("{} is ignored: {command} does not use it", flag.argument));
        } else if flag.key == FILE {
            file = values.first().map(PathBuf::from);
        } else {
            overrides.push(Override { argument: flag.argument, key: flag.key, values });
        }
    }
    (file, overrides, warnings)
}
