//! Reduces the faults of a failed episode to those without which it does not fail.
//!
//! Never here: other ways to make a plan smaller.

use crate::episode::run;
use crate::invariant::Invariant;
use crate::plan::Plan;

/// A plan with fewer faults that breaks the same invariant, after at most this many runs.
#[must_use]
pub fn shrink(plan: &Plan, invariant: Invariant, mut runs: usize) -> Plan {
    let mut smallest = plan.clone();
    let mut part = smallest.faults.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < smallest.faults.len() && runs > 0 {
            let mut smaller = smallest.clone();
            let to = (from + part).min(smaller.faults.len());
            smaller.faults.drain(from..to);
            runs -= 1;
            let found = run(&smaller, None).violation;
            match found.is_some_and(|violation| violation.invariant == invariant) {
                true => smallest = smaller,
                false => from = to,
            }
        }
        part = if part == 1 || runs == 0 { 0 } else { part.div_ceil(2) };
    }
    smallest
}
