//! `forecast payment`: payment probabilities by draw, for the hours that the coins' pages show.
//!
//! Never here: the source of the numbers. Callers with numbers of a node fill a [`Draw`].

use std::fmt::Write;
use std::num::NonZeroU32;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::forecast::{Format, number, whole_number};
use crate::cli::text_table::{Alignment, columns};
use crate::cli::{CommandError, observe_table};
use domain::Snapshot;
use domain::payment::{PaymentModel, chance, pool};

/// The hours of the tables on the coins' pages.
const HOURS: &str = "1,2,3,4,6,8,10,12,18,24,30,36,42,48,72,96";

const EXAMPLES: &str = "\
The chance is that of a masternode that can be drawn in each of these blocks. It does not grow by
waiting: one that was not paid in 12 hours has the same chance for the next 12.

Models:
  pool     drawn among the longest unpaid: a tenth of all known masternodes, one at least (Dimecoin)
  uniform  drawn among all enabled masternodes (PRCYcoin, although its page describes a pool)

Examples:
  masternode-exporter forecast payment --nodes 250 --block-seconds 64
  masternode-exporter forecast payment --model uniform --nodes 4500 --block-seconds 60 --hours 24
  masternode-exporter --config.file exporter.yml forecast payment --network dimecoin-main
The table of PRCYcoin's page, and that of Dimecoin's page put right:
  masternode-exporter forecast payment --nodes 4500 --blocks-per-hour 23.07
  masternode-exporter forecast payment --pool 500 --blocks-per-hour 72

docs/payment.md explains the models and both tables.";

/// Arguments of `forecast payment`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub(super) struct PaymentArguments {
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    pace: Pace,
    /// The masternodes among which a block's payee is drawn.
    #[arg(long, value_enum, default_value_t = Model::Pool)]
    model: Model,
    /// Hours to print, separated by commas.
    #[arg(long, value_name = "HOURS", value_delimiter = ',', default_value = HOURS)]
    #[arg(value_parser = whole_number(1, 87_600))]
    hours: Vec<u32>,
    /// Decimals of the percentages in the table, from 0 to 12. CSV and JSON always have all.
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = whole_number(0, 12))]
    decimals: u32,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Number of candidates.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Size {
    /// A network of the configuration: its node is asked for all numbers, the pace and the model among them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["Pace", "model"])]
    network: Option<String>,
    /// Masternodes: all that the network knows for the model pool, the enabled ones for uniform.
    #[arg(long, value_name = "NUMBER", value_parser = whole_number(1, 1_000_000))]
    nodes: Option<u32>,
    /// Masternodes in the pool, where that is known rather than a number of masternodes.
    #[arg(long, value_name = "NUMBER", value_parser = whole_number(1, 1_000_000))]
    pool: Option<u32>,
}

/// Block interval.
#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
struct Pace {
    /// Mean seconds from one block to the next. Whole blocks are counted: the window's seconds by these, cut.
    #[arg(long, value_name = "SECONDS", value_parser = number(0.001, 86_400.0))]
    #[arg(required_unless_present_any = ["network", "blocks_per_hour"])]
    block_seconds: Option<f64>,
    /// Mean blocks in an hour, as the coins' pages count. Fractions of blocks count.
    #[arg(long, value_name = "BLOCKS", value_parser = number(0.001, 3_600_000.0))]
    blocks_per_hour: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Model {
    /// The longest unpaid tenth.
    Pool,
    /// All enabled masternodes.
    Uniform,
}

impl Model {
    fn label(self) -> &'static str {
        match self {
            Model::Pool => "pool",
            Model::Uniform => "uniform",
        }
    }
}

/// A draw in every block, and the block interval.
struct Draw {
    model: Model,
    /// Known masternodes, or the enabled ones; `None` if only the size of the pool is known.
    nodes: Option<u32>,
    candidates: NonZeroU32,
    pace: Pace,
}

/// One line of the forecast.
struct Row {
    hours: u32,
    blocks: f64,
    chance: f64,
}

impl PaymentArguments {
    /// The network whose node provides the numbers.
    pub(super) fn network(&self) -> Option<&str> {
        self.size.network.as_deref()
    }
}

/// Computes and writes a forecast.
pub(super) fn run(arguments: &PaymentArguments, seen: Option<&Snapshot>) -> Result<String, CommandError> {
    let draw = match seen {
        Some(snapshot) => Draw::seen(snapshot)?,
        None => Draw::new(arguments)?,
    };
    let rows: Vec<Row> = arguments.hours.iter().map(|hours| draw.row(*hours)).collect();
    Ok(match arguments.format {
        Format::Table => table(&draw, &rows, arguments.decimals as usize),
        Format::Csv => csv(&rows),
        Format::Json => format!("{:#}\n", json(&draw, &rows)),
    })
}

impl Draw {
    fn new(arguments: &PaymentArguments) -> Result<Draw, CommandError> {
        let (model, pace) = (arguments.model, arguments.pace);
        let Size { nodes, pool, network: _ } = arguments.size;
        let candidates = match (model, nodes, pool) {
            (Model::Uniform, _, Some(_)) => {
                return Err(CommandError::Configuration(
                    "--pool: --model uniform draws among all enabled masternodes and has no pool; \
                     give their number with --nodes"
                        .into(),
                ));
            }
            (Model::Uniform, nodes, None) => nodes.and_then(chance::uniform_size),
            (Model::Pool, Some(nodes), _) => chance::pool_size(nodes, nodes, pool::TENTH),
            (Model::Pool, None, pool) => pool.and_then(NonZeroU32::new),
        };
        let candidates = candidates.expect("the arguments have one of the two numbers, and none below 1");
        Ok(Draw { model, nodes, candidates, pace })
    }

    /// The draw of a network, from the current data of its node.
    fn seen(snapshot: &Snapshot) -> Result<Draw, CommandError> {
        let payments = snapshot.payments();
        let (model, nodes) = match (snapshot.rules().payment, payments.pool()) {
            (PaymentModel::Queue { .. }, _) => {
                return Err(CommandError::Configuration(format!(
                    "--network: {} pays by a queue, not at random; `masternode-exporter observe` shows who is paid when",
                    snapshot.network()
                )));
            }
            (PaymentModel::Pool(_), None) => {
                return Err("the node does not report the votes that the pool needs".into());
            }
            (PaymentModel::Pool(_), Some(pool)) => (Model::Pool, Some(pool.known())),
            (PaymentModel::Uniform { .. }, _) => (Model::Uniform, payments.drawn_from().map(NonZeroU32::get)),
        };
        let candidates = payments.drawn_from().ok_or("no masternode is currently eligible for a payment")?;
        let seconds = snapshot.facts().spacing_seconds(snapshot.rules());
        Ok(Draw { model, nodes, candidates, pace: Pace { block_seconds: Some(seconds), blocks_per_hour: None } })
    }

    fn row(&self, hours: u32) -> Row {
        let blocks = self.pace.blocks(hours);
        Row { hours, blocks, chance: chance::chance_within_fraction(self.candidates, blocks) }
    }
}

impl Pace {
    fn blocks(&self, hours: u32) -> f64 {
        match self.blocks_per_hour {
            // Six decimals: without the rounding 48 hours of 23.07 blocks are 1107.3600000000001.
            Some(blocks) => (blocks * f64::from(hours) * 1e6).round() / 1e6,
            None => f64::from(chance::whole_blocks(u64::from(hours) * 3600, self.seconds())),
        }
    }

    fn seconds(&self) -> f64 {
        let from_rate = self.blocks_per_hour.map(|blocks| 3600.0 / blocks);
        self.block_seconds.or(from_rate).expect("the arguments have one of the two")
    }
}

fn table(draw: &Draw, rows: &[Row], decimals: usize) -> String {
    let mut text = summary(draw);
    // As the pages show it: fractions of blocks have two decimals, in every row if one has any.
    let places = if rows.iter().all(|row| row.blocks.fract() == 0.0) { 0 } else { 2 };
    let line = |row: &Row| {
        let percent = row.chance * 100.0;
        [row.hours.to_string(), format!("{:.places$}", row.blocks), format!("{percent:.decimals$}%")]
    };
    let lines: Vec<[String; 3]> = rows.iter().map(line).collect();
    text.push('\n');
    text.push_str(&columns(
        [("hours", Alignment::Right), ("blocks", Alignment::Right), ("paid", Alignment::Right)],
        &lines,
    ));
    text
}

fn summary(draw: &Draw) -> String {
    let candidates = draw.candidates;
    let mut text = String::new();
    let described = match (draw.model, draw.nodes) {
        (Model::Uniform, _) => format!("{candidates} enabled masternodes"),
        (Model::Pool, Some(nodes)) => format!("the {candidates} longest unpaid of {nodes} masternodes"),
        (Model::Pool, None) => format!("the {candidates} longest unpaid masternodes"),
    };
    let _ = writeln!(text, "drawn among  {described}");
    let _ = match draw.pace.blocks_per_hour {
        Some(blocks) => writeln!(text, "blocks       {blocks} an hour, fractions counted"),
        None => writeln!(text, "blocks       one every {} s, whole ones counted", draw.pace.seconds()),
    };
    let wait = |blocks: u32| {
        let unit = if blocks == 1 { "block" } else { "blocks" };
        format!("{blocks} {unit}, {}", observe_table::time(f64::from(blocks) * draw.pace.seconds()))
    };
    let _ = writeln!(text, "mean wait    {}", wait(chance::mean_blocks(candidates)));
    let _ = writeln!(text, "median wait  {}", wait(chance::median_blocks(candidates)));
    text
}

fn csv(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| format!("{},{},{}\n", row.hours, row.blocks, row.chance));
    std::iter::once("hours,blocks,probability_ratio\n".to_string()).chain(lines).collect()
}

fn json(draw: &Draw, rows: &[Row]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "hours": row.hours, "blocks": row.blocks, "probability_ratio": row.chance }))
        .collect();
    json!({
        "model": draw.model.label(),
        "masternodes": draw.nodes,
        "candidates": draw.candidates,
        "block_seconds": draw.pace.seconds(),
        "whole_blocks": draw.pace.blocks_per_hour.is_none(),
        "mean_wait_blocks": chance::mean_blocks(draw.candidates),
        "median_wait_blocks": chance::median_blocks(draw.candidates),
        "rows": rows,
    })
}
