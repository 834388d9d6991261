//! `simulation`: runs episodes, and prints what happened, or the first broken invariant and how to replay it.
//!
//! Never here: an episode itself.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use clap::Parser;
use simulation::{Figures, Invariant, Plan, run, shrink};

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
    /// Episodes that run at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Most runs to shrink the faults of a failed episode.
    #[arg(long, default_value_t = 40)]
    shrink: usize,
    /// Prints what happens, what the receivers accept, and the log of the exporter.
    #[arg(long)]
    tell: bool,
    /// Goes on after a broken invariant, without shrinking its faults.
    #[arg(long)]
    all: bool,
}

/// What the threads share.
#[derive(Default)]
struct Progress {
    begun: u64,
    ended: u64,
    figures: Figures,
    failed: Vec<(Plan, Invariant)>,
}

const YEAR_MILLIS: f64 = 365.25 * 86_400_000.0;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.tell {
        tracing_subscriber::fmt().without_time().with_writer(std::io::stdout).init();
    }
    let begun = Instant::now();
    let progress = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| run_episodes(&arguments, begun, &progress));
        }
    });
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let [(plan, invariant), ..] = progress.failed.as_slice()
        && !arguments.all
    {
        let mut plan = plan.clone();
        plan.is_told = false;
        let smallest = shrink(&plan, *invariant, arguments.shrink);
        println!("{} of {} faults of seed {} are needed:", smallest.faults.len(), plan.faults.len(), plan.seed);
        smallest.faults.iter().for_each(|fault| println!("  {fault}"));
    }
    report(&progress.figures, progress.ended, begun.elapsed().as_secs_f64());
    if progress.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one episode after the other, until there were enough.
fn run_episodes(arguments: &Arguments, begun: Instant, progress: &Mutex<Progress>) {
    let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let bounded = arguments.years.is_some() || arguments.seconds.is_some();
    let most = arguments.episodes.unwrap_or(if bounded { u64::MAX } else { 1 });
    loop {
        let mut now = lock();
        let goes_on = now.begun < most
            && (arguments.all || now.failed.is_empty())
            && arguments.years.is_none_or(|years| years_of(&now.figures) < years)
            && arguments.seconds.is_none_or(|seconds| begun.elapsed().as_secs() < seconds);
        if !goes_on {
            return;
        }
        let mut plan = Plan::of(arguments.seed.wrapping_add(now.begun));
        plan.is_told = arguments.tell;
        now.begun += 1;
        drop(now);
        let outcome = run(&plan, None);
        let mut now = lock();
        now.ended += 1;
        now.figures.add(&outcome.figures);
        if let Some(violation) = outcome.violation {
            println!("seed {}: {violation}", plan.seed);
            println!("replay: cargo run --profile simulation -p simulation -- --seed {}", plan.seed);
            now.failed.push((plan, violation.invariant));
        }
    }
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
