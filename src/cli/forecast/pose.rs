//! `forecast pose`: a PoSe score with failures at given blocks, by the rule of Dash Core and by that of the public
//! pages.
//!
//! Never here: the rules, which are data of `domain`, and the drawing of a plot (`plot`).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::app;
use crate::cli::CommandError;
use crate::cli::forecast::{Format, plot, whole_number};
use crate::cli::text_table::{Alignment, columns};
use domain::pose::{CONSENSUS, DOCUMENTED, PenaltyRule};
use domain::score_projection::{Change, Moment, ScoreProjection};
use domain::{Height, Score};

/// Maximum number of failures.
const MOST_FAILURES: usize = 100;

const EXAMPLES: &str = "\
Block 0 is now, or any block you like to begin with; failures are counted from it. A failure named
twice is two commitments in one block. In each block the score loses 1 point first, then failures
add theirs. A ban does not end by itself: the score stays until the operator sends a ProUpServTx.

Dash Core adds 66 % of the limit, rounded down, bans at the limit and cuts the score to it. The
public pages add 2/3 of it and ban above it. The first is what happens, the second is to compare.

Examples:
  masternode-exporter forecast pose --limit 2993 --score 1975 --failures 600
  masternode-exporter forecast pose --limit 5000 --failures 1,1734 --svg pose.svg
The example of Dash's public pages:
  masternode-exporter forecast pose --limit 5000 --failures 1,1734,5500,7000

docs/pose.md explains the score and what to do.";

/// Arguments of `forecast pose`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub(super) struct PoseArguments {
    /// Highest score: the number of registered masternodes, banned ones included; 100 where there are fewer.
    #[arg(long, value_name = "POINTS", value_parser = whole_number(100, 1_000_000))]
    limit: u32,
    /// Blocks at which a DKG fails, separated by commas.
    #[arg(long, value_name = "BLOCKS", required = true, value_delimiter = ',')]
    #[arg(value_parser = whole_number(1, 1_000_000))]
    failures: Vec<u32>,
    /// Score at block 0.
    #[arg(long, value_name = "POINTS", default_value_t = 0, value_parser = whole_number(0, 1_000_000))]
    score: u32,
    /// Also draw it into this file.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    svg: Option<PathBuf>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// One rule and its result.
pub(super) struct Projection {
    /// For people.
    pub(super) name: &'static str,
    /// For scripts.
    key: &'static str,
    /// The score, block by block.
    pub(super) timeline: ScoreProjection,
}

/// All results.
pub(super) struct ProjectionView {
    /// The consensus rule first.
    pub(super) rules: [Projection; 2],
    /// The last block shown: nothing happens after it.
    pub(super) end: Height,
}

/// Computes and writes a forecast, and draws it if requested.
pub(super) fn run(arguments: &PoseArguments) -> Result<String, CommandError> {
    if arguments.failures.len() > MOST_FAILURES {
        let found = arguments.failures.len();
        return Err(CommandError::Configuration(format!(
            "--failures: give at most {MOST_FAILURES} blocks, not {found}"
        )));
    }
    let view = ProjectionView::new(arguments);
    if let Some(file) = &arguments.svg {
        std::fs::write(file, plot::svg(&view)).map_err(|error| app::Error::from(unwritten(file, &error)))?;
    }
    Ok(match arguments.format {
        Format::Table => table(&view),
        Format::Csv => csv(&view),
        Format::Json => format!("{:#}\n", json(&view)),
    })
}

fn unwritten(file: &std::path::Path, error: &std::io::Error) -> String {
    format!("--svg: {} cannot be written: {error}; name a file in a folder that exists and is yours", file.display())
}

impl ProjectionView {
    fn new(arguments: &PoseArguments) -> ProjectionView {
        let failures: Vec<Height> = arguments.failures.iter().copied().map(Height).collect();
        let play = |name, key, rule: PenaltyRule| {
            let limits = rule.limits(arguments.limit as usize);
            Projection { name, key, timeline: ScoreProjection::new(limits, Score(arguments.score), &failures) }
        };
        let rules = [play("Dash Core", "consensus", CONSENSUS), play("public pages", "documented", DOCUMENTED)];
        // Until nothing more happens, rounded up to a whole number of limits, as in the example of the public pages.
        let last = rules.iter().flat_map(|played| played.timeline.moments()).map(|moment| moment.height.0).max();
        let end = last.unwrap_or(0).max(1).next_multiple_of(arguments.limit);
        ProjectionView { rules, end: Height(end) }
    }
}

impl Projection {
    /// The score at the end of a block, and the ban.
    fn state(&self, height: Height) -> String {
        let (score, banned) = self.timeline.at(height);
        format!("{}{}", score.0, if banned { ", banned" } else { "" })
    }

    /// The effect of a failure: `1567 + 3300 = 4867`.
    pub(super) fn failure(&self, moment: &Moment) -> String {
        let (step, before, score) = (self.timeline.limits().step, moment.before.0, moment.score.0);
        if before == score {
            // Already banned: nothing was added.
            return self.state(moment.height);
        }
        let raised = before + step;
        let cut = if raised == score { String::new() } else { format!(", cut to {score}") };
        let banned = if moment.banned { ", banned" } else { "" };
        format!("{before} + {step} = {raised}{cut}{banned}")
    }

    /// The failures, in order.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Moment> {
        self.timeline.moments().iter().filter(|moment| moment.change == Change::Failure)
    }
}

fn table(view: &ProjectionView) -> String {
    let [consensus, documented] = &view.rules;
    let mut text = String::new();
    for played in &view.rules {
        let limits = played.timeline.limits();
        let _ = writeln!(
            text,
            "{:<12}  a failure adds {} and bans {} {}; safe at or below {}",
            played.name,
            limits.step,
            if limits.rule.ban_above_limit { "above" } else { "at" },
            limits.limit,
            limits.safe_at_tip(),
        );
    }
    text.push('\n');
    let heads = [
        ("block", Alignment::Right),
        ("blocks passed", Alignment::Right),
        ("what happens", Alignment::Left),
        (consensus.name, Alignment::Left),
        (documented.name, Alignment::Left),
    ];
    text.push_str(&columns(heads, &rows(view)));
    text.push('\n');
    for played in &view.rules {
        let verdict = match played.timeline.ban_height() {
            Some(height) => format!("banned at block {height}, until it is revived"),
            None => "not banned".to_string(),
        };
        let _ = writeln!(text, "{:<12}  {verdict}", played.name);
    }
    text
}

/// A line for each block with an event under either rule, with both results.
fn rows(view: &ProjectionView) -> Vec<[String; 5]> {
    // Several failures in one block are numbered.
    let mut events: BTreeMap<(Height, Change, usize), [Option<&Moment>; 2]> = BTreeMap::new();
    for (rule, played) in view.rules.iter().enumerate() {
        let mut failures = 0;
        for moment in played.timeline.moments() {
            failures += usize::from(moment.change == Change::Failure);
            let number = if moment.change == Change::Failure { failures } else { 0 };
            events.entry((moment.height, moment.change, number)).or_default()[rule] = Some(moment);
        }
    }
    let mut rows = Vec::new();
    let mut last = Height(0);
    for ((height, change, number), moments) in events {
        let passed = height.above(last);
        let cell = |rule: usize| match moments[rule] {
            Some(moment) if change == Change::Failure => view.rules[rule].failure(moment),
            _ => view.rules[rule].state(height),
        };
        let by = match moments {
            [Some(_), Some(_)] => String::new(),
            [Some(_), None] => format!(" ({})", view.rules[0].name),
            _ => format!(" ({})", view.rules[1].name),
        };
        let what = match change {
            Change::Start => "start".to_string(),
            Change::Failure => format!("failure {number}"),
            Change::Safe => format!("safe again{by}"),
            Change::Clear => format!("clear{by}"),
        };
        rows.push([height.to_string(), passed.to_string(), what, cell(0), cell(1)]);
        last = height;
    }
    if view.end > last {
        let states = view.rules.each_ref().map(|played| played.state(view.end));
        let [consensus, documented] = states;
        rows.push([view.end.to_string(), view.end.above(last).to_string(), "end".into(), consensus, documented]);
    }
    rows
}

fn label(change: Change) -> &'static str {
    match change {
        Change::Start => "start",
        Change::Failure => "failure",
        Change::Safe => "safe",
        Change::Clear => "clear",
    }
}

fn csv(view: &ProjectionView) -> String {
    let mut text = "rule,block,change,score_before,score,banned\n".to_string();
    for played in &view.rules {
        for moment in played.timeline.moments() {
            let Moment { height, change, before, score, banned } = moment;
            let _ = writeln!(text, "{},{height},{},{},{},{banned}", played.key, label(*change), before.0, score.0);
        }
    }
    text
}

fn json(view: &ProjectionView) -> Value {
    let moment = |moment: &Moment| {
        json!({
            "block": moment.height.0,
            "change": label(moment.change),
            "score_before": moment.before.0,
            "score": moment.score.0,
            "banned": moment.banned,
        })
    };
    let rule = |played: &Projection| {
        let limits = played.timeline.limits();
        json!({
            "rule": played.key,
            "limit": limits.limit,
            "step": limits.step,
            "safe_level": limits.safe_at_tip(),
            "ban_block": played.timeline.ban_height().map(|height| height.0),
            "moments": played.timeline.moments().iter().map(moment).collect::<Vec<Value>>(),
        })
    };
    json!({ "end_block": view.end.0, "rules": view.rules.iter().map(rule).collect::<Vec<Value>>() })
}
