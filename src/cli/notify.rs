//! `notify --test`: sends a test message to each receiver, and prints each response.
//!
//! Never here: alerts.

use std::fmt::Write;

use clap::Args;

use crate::alerting::send_test;
use crate::app;
use crate::cli::CommandError;
use crate::config::Config;
use crate::nearest::nearest;

#[derive(Debug, Args)]
pub(super) struct NotifyArguments {
    /// Send a message that is marked as a test. Only a running exporter sends alerts.
    #[arg(long, required = true)]
    test: bool,
    /// Only to these receivers, by their names. [default: all]
    #[arg(value_name = "RECEIVER")]
    receivers: Vec<String>,
}

/// The responses, and whether every receiver accepted the message.
pub(super) struct Answers {
    pub(super) report: String,
    pub(super) all_accepted: bool,
}

/// Sends the messages, one after the other.
pub(super) async fn run(arguments: &NotifyArguments, config: &Config) -> Result<Answers, CommandError> {
    let receivers = &config.alerting.receivers;
    let names = || receivers.iter().map(|receiver| receiver.name.as_str());
    if receivers.is_empty() {
        let what = "no receiver is configured: see alerting.alertmanagers, alerting.webhooks and alerting.emails";
        return Err(CommandError::Configuration(what.into()));
    }
    for name in &arguments.receivers {
        if !names().any(|known| known == name) {
            let hint = match nearest(name, names()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(CommandError::Configuration(format!("no receiver is called {name:?}; {hint}")));
        }
    }
    let mut answers = Answers { report: String::new(), all_accepted: true };
    let is_meant = |name: &String| arguments.receivers.is_empty() || arguments.receivers.contains(name);
    for receiver in receivers.iter().filter(|receiver| is_meant(&receiver.name)) {
        let line = match send_test(&config.alerting, receiver, app::now()).await {
            Ok(()) => format!("  ok    {:<28} accepted the test message", receiver.name),
            Err(error) => {
                answers.all_accepted = false;
                format!("  FAIL  {:<28} {error}", receiver.name)
            }
        };
        let _ = writeln!(answers.report, "{line}");
    }
    Ok(answers)
}
