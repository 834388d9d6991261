//! `forecast`: what follows from numbers alone. Chances of a payment, and the life of a PoSe score.
//!
//! Never here: a rule; those are `domain`'s. A node is asked only where a network is named.

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
    /// The network whose node is asked for the numbers; `None` where all of them are given.
    pub(super) fn network(&self) -> Option<&str> {
        match &self.subject {
            Subject::Payment(payment) => payment.network(),
            Subject::Pose(_) => None,
        }
    }
}

/// The text of a forecast. `seen` is the network that was named.
pub(super) fn run(arguments: &ForecastArguments, seen: Option<&Snapshot>) -> Result<String, CommandError> {
    match &arguments.subject {
        Subject::Payment(payment) => payment::run(payment, seen),
        Subject::Pose(pose) => pose::run(pose),
    }
}

/// Reads whole numbers of a range. The error says what is expected, because clap's own says less for each of a list.
fn whole_number(least: u32, most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let number: Option<u32> = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
}

/// Reads decimal numbers of a range; infinity and what is no number are in none.
fn number(least: f64, most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    move |text| {
        let number: Option<f64> = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("expected a number from {least} to {most}"))
    }
}
