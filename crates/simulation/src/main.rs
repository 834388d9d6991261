//! `simulation`: runs episodes, and prints what happened, or the first broken invariant and how to replay it.
//!
//! Never here: an episode itself.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::{Figures, Plan, run, shrink};

/// Runs the exporter through simulated faults. Every episode follows from its seed.
#[derive(Parser)]
struct Arguments {
    /// Seed of the first episode; the next ones follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated years to run.
    #[arg(long)]
    years: Option<f64>,
    /// Number of episodes; one unless --years or --seconds is given.
    #[arg(long)]
    episodes: Option<u64>,
    /// Seconds after which no further episode begins.
    #[arg(long)]
    seconds: Option<u64>,
    /// Most runs to shrink the faults of a failed episode.
    #[arg(long, default_value_t = 40)]
    shrink: usize,
}

const YEAR_MILLIS: f64 = 365.25 * 86_400_000.0;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let mut figures = Figures::default();
    let mut episodes = 0;
    let bounded = arguments.years.is_some() || arguments.seconds.is_some();
    let most = arguments.episodes.unwrap_or(if bounded { u64::MAX } else { 1 });
    let mut failed = 0;
    while episodes < most
        && arguments.years.is_none_or(|years| years_of(&figures) < years)
        && arguments.seconds.is_none_or(|seconds| begun.elapsed().as_secs() < seconds)
    {
        let plan = Plan::of(arguments.seed + episodes);
        let outcome = run(&plan, None);
        episodes += 1;
        figures.add(&outcome.figures);
        let Some(violation) = outcome.violation else { continue };
        failed += 1;
        println!("seed {}: {violation}", plan.seed);
        println!("replay: cargo run --release -p simulation -- --seed {}", plan.seed);
        let smallest = shrink(&plan, violation.invariant, arguments.shrink);
        println!("{} of {} faults are needed:", smallest.faults.len(), plan.faults.len());
        smallest.faults.iter().for_each(|fault| println!("  {fault}"));
        break;
    }
    report(&figures, episodes, begun.elapsed().as_secs_f64());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn years_of(figures: &Figures) -> f64 {
    (figures.running + figures.stopped) as f64 / YEAR_MILLIS
}

fn report(figures: &Figures, episodes: u64, seconds: f64) {
    let years = |millis: u64| millis as f64 / YEAR_MILLIS;
    println!(
        "{episodes} episodes, {:.3} simulated years with the exporter running and {:.3} with it stopped, in {seconds:.0} s",
        years(figures.running),
        years(figures.stopped)
    );
    println!(
        "{} blocks, {} reorgs, {} starts, {} requests, {} writes, {} notices, {} snapshots compared",
        figures.blocks,
        figures.reorgs,
        figures.starts,
        figures.requests,
        figures.writes,
        figures.notices,
        figures.snapshots
    );
    figures.faults.iter().for_each(|(kind, number)| println!("{number:>8}  {kind}"));
}
