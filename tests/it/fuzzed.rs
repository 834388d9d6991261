//! Every input that fuzzing kept, passed to the same functions as in the fuzzer.
//!
//! Never here: generating inputs; `scripts/fuzz` does that.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use crate::fuzz_targets::{TARGETS, Target};
use crate::markdown;

/// Maximum total size of the inputs: they are in every clone of the repository.
const MOST_BYTES: u64 = 1024 * 1024;

fn corpus() -> PathBuf {
    markdown::root().join("tests/fuzz/corpus")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Passes all kept inputs to a target, and the first half of each. Returns the violated invariants; the panics
/// themselves are printed.
fn replay(name: &str, target: Target) -> Vec<String> {
    let folder = corpus().join(name);
    let inputs = names_in(&folder);
    assert!(inputs.len() > 5, "{name} has {} inputs", inputs.len());
    let breaks = |input: &&String| {
        let bytes = fs::read(folder.join(input)).unwrap();
        catch_unwind(|| target(&bytes)).is_err() || catch_unwind(|| target(&bytes[..bytes.len() / 2])).is_err()
    };
    inputs.iter().filter(breaks).map(|input| format!("tests/fuzz/corpus/{name}/{input}")).collect()
}

#[test]
fn kept_fuzzing_inputs_violate_no_invariant() {
    let broken: Vec<String> = thread::scope(|scope| {
        // The state of a target belongs to its thread, and is dropped when the thread ends.
        let replayed = TARGETS.map(|(name, target)| scope.spawn(move || replay(name, target)));
        replayed.into_iter().flat_map(|replayed| replayed.join().unwrap()).collect()
    });
    assert_eq!(broken, [""; 0]);
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(known.len(), TARGETS.len());
    assert_eq!(names_in(&corpus()), known);
    let programs = names_in(&markdown::root().join("tests/fuzz/fuzz_targets"));
    assert_eq!(programs, known.iter().map(|name| format!("{name}.rs")).collect());
}

#[test]
fn kept_inputs_stay_small() {
    let folders = names_in(&corpus()).into_iter().map(|name| corpus().join(name));
    let files = folders.flat_map(|folder| names_in(&folder).into_iter().map(move |name| folder.join(name)));
    let bytes: u64 = files.map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
}
