//! `forecast`: results from given numbers. Payment probabilities, and the course of a PoSe score.
//!
//! Never here: rules, which belong to `domain`. A node is called only for a named network.

mod payment;
mod plot;
mod pose;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::CommandError;
use domain::Snapshot;

/// Arguments of `forecast`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct ForecastArguments {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// Chance that a masternode of a coin that draws its payees is paid within some hours (Dimecoin, PRCYcoin).
    Payment(payment::PaymentArguments),
    /// What failed DKGs at given blocks do to a Proof-of-Service score: in Dash Core, and as the public pages have it.
    Pose(pose::PoseArguments),
}

/// Forms of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For spreadsheets: one line of names, then full precision.
    Csv,
    /// For scripts.
    Json,
}

impl ForecastArguments {
    /// The network whose node provides the numbers; `None` if all are given.
    pub(super) fn network(&self) -> Option<&str> {
        match &self.subject {
            Subject::Payment(payment) => payment.network(),
            Subject::Pose(_) => None,
        }
    }
}

/// The text of a forecast. `seen` is the named network.
pub(super) fn run(arguments: &ForecastArguments, seen: Option<&Snapshot>) -> Result<String, CommandError> {
    match &arguments.subject {
        Subject::Payment(payment) => payment::run(payment, seen),
        Subject::Pose(pose) => pose::run(pose),
    }
}

/// Parses integers of a range. The error names the expected range, because clap's error for lists is less precise.
fn whole_number(least: u32, most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let number: Option<u32> = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
}

/// Parses decimal numbers of a range; infinity and NaN are in none.
fn number(least: f64, most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    move |text| {
        let number: Option<f64> = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("expected a number from {least} to {most}"))
    }
}
