//! `docs/troubleshooting.md` quotes what the exporter prints: every quoted symptom is a text, a metric or a command of the program.
//!
//! Never here: causes and cures.

use std::fs;
use std::path::Path;

use crate::markdown;

const PAGE: &str = "docs/troubleshooting.md";

/// Functions of PromQL.
const OF_PROMETHEUS: [&str; 2] = ["rate()", "increase()"];

/// The program without its tests, whose texts that continue on another line are joined.
fn source(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() && name != "tests" {
            source(&path, all);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = fs::read_to_string(path).unwrap();
            let program = text.split("\nmod tests {").next().unwrap();
            let mut lines = program.split("\\\n");
            all.push_str(lines.next().unwrap());
            lines.for_each(|line| all.push_str(line.trim_start()));
        }
    }
}

/// The texts in backticks in the first cells of the tables.
fn quoted(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.trim_matches('|').split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>()).collect()
}

#[test]
fn every_quoted_symptom_is_a_text_of_the_program() {
    let mut program = String::new();
    for folder in ["src", "crates/domain/src", "crates/exporter-toolkit/src"] {
        source(&markdown::root().join(folder), &mut program);
    }
    let quoted = quoted(&markdown::read(PAGE));
    assert!(quoted.len() > 20, "{quoted:?}");
    for text in quoted.iter().filter(|text| !OF_PROMETHEUS.contains(&text.as_str())) {
        // A comment is not printed.
        let printed = program.lines().any(|line| line.contains(text.as_str()) && !line.trim_start().starts_with("//"));
        assert!(printed, "{PAGE} quotes {text:?}, which the program does not print");
    }
}
