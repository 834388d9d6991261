//! Runs of the simulation: repeatable, without a broken invariant, and able to find a bug of each kind.
//!
//! Never here: long runs; `scripts/test` and the command have those.

use simulation::{Invariant, Plan, Planted, run};

/// Seeds whose episodes have every kind of fault.
const SEEDS: [u64; 4] = [1, 2, 3, 7];

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
    assert!(Invariant::ALL.iter().all(|invariant| Planted::ALL.iter().any(|(_, finds)| finds == invariant)));
}

#[test]
fn a_thousand_kills_lose_no_event_and_double_none() {
    let plan = Plan::kills(11, 1000);
    let outcome = run(&plan, None);
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.figures.starts, 1001);
}
