//! Runs of the simulation: repeatable, without a broken invariant, and able to find a bug of each kind.
//!
//! Never here: long runs; the command has those. Without optimisation the exporter is too slow for these.

#![cfg(not(debug_assertions))]

use std::thread;
use std::time::{Duration, Instant};

use simulation::{Invariant, Plan, Planted, run};

/// Seeds of the fixed episodes.
const SEEDS: [u64; 8] = [1, 2, 6, 8, 9, 17, 1005, 1006];

#[test]
fn the_same_seed_gives_the_same_run() {
    let runs = [(); 2].map(|()| run(&Plan::of(SEEDS[0]), None));
    assert_eq!(runs[0].trace, runs[1].trace);
    assert_ne!(runs[0].trace, run(&Plan::of(SEEDS[1]), None).trace, "the trace says what happened");
}

#[test]
fn no_invariant_is_broken() {
    for seed in SEEDS {
        assert_eq!(run(&Plan::of(seed), None).violation, None, "seed {seed}");
    }
}

#[test]
fn a_planted_bug_is_found_by_its_invariant_within_a_minute() {
    for (planted, invariant) in Planted::ALL {
        let begun = Instant::now();
        let found = (1..=4).find_map(|seed| run(&planted.plan(seed), Some(planted)).violation);
        assert_eq!(found.map(|violation| violation.invariant), Some(invariant), "{planted:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{planted:?}");
    }
    let found = |invariant: &Invariant| Planted::ALL.iter().any(|(_, by)| by == invariant);
    assert!(Invariant::ALL.iter().all(found), "a bug for each invariant");
}

#[test]
fn a_thousand_kills_in_writes_lose_and_double_nothing() {
    let kills: u64 = thread::scope(|scope| {
        let run = |seed| scope.spawn(move || run(&Plan::kills(seed, 500), None));
        let runs = [1, 2].map(run).map(|run| run.join().unwrap());
        runs.iter().for_each(|outcome| assert_eq!(outcome.violation, None));
        runs.iter().map(|outcome| outcome.figures.starts - 1).sum()
    });
    assert!(kills >= 990, "{kills}");
}
