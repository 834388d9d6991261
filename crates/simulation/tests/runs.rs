//! Runs of the simulation: repeatable, without a broken invariant, and able to find a bug of each kind.
//!
//! Never here: long runs; the command has those. Without optimisation the exporter is too slow for these.

#![cfg(not(debug_assertions))]

use simulation::{Plan, Planted, run};

/// Seeds of the fixed episodes.
const SEEDS: [u64; 3] = [1, 2, 4];

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
fn a_planted_bug_is_found_by_its_invariant() {
    for (planted, invariant) in Planted::ALL {
        let found = (1..=4).find_map(|seed| run(&Plan::short(seed), Some(planted)).violation);
        assert_eq!(found.map(|violation| violation.invariant), Some(invariant), "{planted:?}");
    }
}
