//! The rules of `ARCHITECTURE.md` and `CONTRIBUTING.md` that the compiler and clippy do not hold, line by line.
//!
//! Never here: reading files; Rust's grammar. Code is formatted by rustfmt, so a line says enough.

use std::collections::{BTreeMap, BTreeSet};

/// Lines of a file, its tests included.
const FILE_LINES: usize = 400;

/// Crates of this workspace that the program uses.
pub const CRATES: &[&str] = &["domain", "exporter-toolkit", "simulator"];

/// What a histogram's series add to its name.
const SUFFIXES: &[&str] = &["_bucket", "_sum", "_count"];

/// For each part, the other parts that it may name.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Lines of code with their numbers, comments left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.split(" // ").next().unwrap_or(line)));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The code without its tests.
fn production<'a>(path: &str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
    code(text).take_while(move |(_, line)| !is_test && *line != "mod tests {")
}

/// The words behind each `root::` of a line; `{` for a group.
fn named<'a>(line: &'a str, root: &str) -> Vec<&'a str> {
    let found = line.match_indices(root).filter_map(|(start, _)| {
        let inner = line[..start].chars().next_back().is_some_and(|before| is_word(before) || before == ':');
        let rest = line[start + root.len()..].strip_prefix("::").filter(|_| !inner)?;
        let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        Some(if rest.starts_with('{') { "{" } else { &rest[..end] })
    });
    found.collect()
}

/// The part that a file belongs to: a folder of `src`, or a file there.
fn part(path: &str) -> &str {
    path.trim_start_matches("src/").trim_end_matches(".rs").split('/').next().unwrap_or_default()
}

/// A part names only the parts and crates of its row, and re-exports only what is its own.
pub fn check_arrows(path: &str, text: &str, arrows: &Arrows) -> Vec<String> {
    let part = part(path);
    let none = BTreeSet::new();
    let Some(allowed) = (if part == "lib" { Some(&none) } else { arrows.get(part) }) else {
        return vec![format!("{path}: the part `{part}` has no row in ARCHITECTURE.md")];
    };
    let mut breaches = Vec::new();
    for (number, line) in code(text) {
        let mut other: Vec<&str> = ["crate", "masternode_exporter"].iter().flat_map(|root| named(line, root)).collect();
        other.extend(CRATES.iter().filter(|name| !named(line, &name.replace('-', "_")).is_empty()));
        // In the file of a part itself, `super` is the crate.
        other.extend(named(line, "super").into_iter().filter(|name| arrows.contains_key(*name)));
        for name in other.iter().filter(|name| **name != part && !allowed.contains(**name)) {
            breaches.push(format!("{path}:{number}: `{part}` must not name `{name}`"));
        }
        let exports = line.starts_with("pub use ") || (line.starts_with("pub(") && line.contains(") use "));
        if exports && other.iter().any(|name| *name != part) {
            breaches.push(format!("{path}:{number}: `{part}` re-exports what is not its own"));
        }
    }
    breaches
}

/// Length and documentation of a file, and where names come from.
pub fn check_file(path: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES {
        breaches.push(format!("{path}: {lines} lines, {FILE_LINES} are allowed"));
    }
    for (number, line) in production(path, text) {
        let export = line.trim_start().starts_with("pub") && line.contains(" use ") && line.ends_with("::*;");
        if line.contains("super::super") || export {
            breaches.push(format!("{path}:{number}: `super::super`, or a glob that is exported"));
        }
    }
    let root = path.ends_with("/lib.rs") || path == "src/main.rs";
    let says_never = text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains("Never "));
    if !says_never && !root && production(path, text).next().is_some() {
        breaches.push(format!("{path}: the documentation of the module does not end with what is never here"));
    }
    breaches
}

/// No test is ignored. (`#[allow]` is refused by clippy.)
pub fn check_ignored(path: &str, text: &str) -> Vec<String> {
    let ignored = code(text).filter(|(_, line)| line.trim_start().starts_with("#[ignore"));
    ignored.map(|(number, _)| format!("{path}:{number}: an ignored test")).collect()
}

/// Every word of a text that reads as a metric of ours. A prefix, ending in `_`, is none; nor is the crate's own name.
fn metrics(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|character| !is_word(character));
    let ours =
        words.filter(|word| word.starts_with("masternode_") && !word.ends_with('_') && *word != "masternode_exporter");
    ours.map(str::to_string)
}

/// The metrics that the code of a file defines.
pub fn defined(path: &str, text: &str) -> BTreeSet<String> {
    production(path, text).flat_map(|(_, line)| metrics(line)).collect()
}

/// The metrics that a page mentions and that nothing defines.
pub fn undefined(page: &str, defined: &BTreeSet<String>) -> BTreeSet<String> {
    let known = |name: &String| {
        let series = SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix));
        defined.contains(name) || series.into_iter().any(|name| defined.contains(name))
    };
    metrics(page).filter(|name| !known(name)).collect()
}

#[test]
fn an_arrow_is_seen_however_it_is_written() {
    let row = |part: &str, may: &[&str]| (part.to_string(), may.iter().map(ToString::to_string).collect());
    let arrows: Arrows =
        [row("meters", &[]), row("rpc", &["domain"]), row("web", &["domain"]), row("main", &["cli"])].into();
    for (path, text, breaches) in [
        ("src/rpc/client.rs", "use crate::{rpc::Height, web::Site};", 1),
        ("src/rpc/client.rs", "fn f() { let x = crate::web::probe(); }", 1),
        ("src/rpc/client.rs", "use {crate::web, std::fmt};", 1),
        ("src/rpc/client.rs", "use masternode_exporter::web;", 1),
        ("src/rpc/client.rs", "#[cfg(test)]\nmod tests {\n    use crate::web::Site;\n}", 1),
        ("src/rpc/client.rs", "use exporter_toolkit::WebSecurity;", 1),
        ("src/rpc/mod.rs", "use super::web::Site;", 1),
        ("src/rpc/mod.rs", "pub use domain::Height;", 1),
        ("src/main.rs", "use masternode_exporter::app;", 1),
        ("src/lib.rs", "use crate::app;", 1),
        ("src/new/mod.rs", "", 1),
        ("src/rpc/client.rs", "use domain::{Height, list::Block};\nuse crate::rpc::error::RpcError;\n// crate::web", 0),
        ("src/rpc/mod.rs", "pub use client::Client;\npub(super) use crate::rpc::client::Y;\nuse x::domain::Z;", 0),
    ] {
        assert_eq!(check_arrows(path, text, &arrows).len(), breaches, "{path}: {text}");
    }
    let breach = check_arrows("src/meters/x.rs", "use std::fmt;\nuse crate::rpc::Client;\n", &arrows);
    assert_eq!(breach, ["src/meters/x.rs:2: `meters` must not name `rpc`"]);
}

#[test]
fn files_that_break_a_rule_are_found() {
    let good = "//! What.\n//!\n//! Never here: that.\nuse super::x;\n";
    let tests = format!("{good}#[cfg(test)]\nmod tests {{\n    use super::super::x;\n}}\n");
    for (path, text, breaches) in [
        ("src/x.rs", good, 0),
        ("src/x.rs", &tests, 0),
        ("src/x.rs", &format!("{good}{}", "x\n".repeat(396)), 0),
        ("src/x.rs", &format!("{good}{}", "x\n".repeat(397)), 1),
        ("src/x.rs", &format!("{good}use super::super::x;\n"), 1),
        ("src/x.rs", &format!("{good}pub(super) use x::*;\n"), 1),
        ("src/x.rs", "//! What.\nfn f() {} // Never here.\n", 1),
        ("src/x/tests/y.rs", "//! Tests.\nfn f() {}\n", 0),
    ] {
        assert_eq!(check_file(path, text).len(), breaches, "{path}: {text}");
    }
    assert_eq!(check_ignored("x.rs", "#[test]\n#[ignore]\nfn f() {}\n// #[ignore]\n"), ["x.rs:2: an ignored test"]);
}

#[test]
fn a_metric_that_nothing_defines_is_found() {
    let code = "//! masternode_in_a_comment\nconst A: &str = \"masternode_pose_score\";\n\
                const H: &str = \"masternode_exporter_wait_seconds\";\n#[cfg(test)]\nmod tests {\n\
                const T: &str = \"masternode_of_a_test\";\n}";
    let defined = defined("src/catalog/mod.rs", code);
    let page = "`masternode_pose_score{masternode=\"x\"} 3`, masternode_exporter_wait_seconds_bucket, masternode_exporter,\n\
                the prefix `masternode_pose_`, masternode-exporter, my_masternode_x";
    assert_eq!(undefined(page, &defined), BTreeSet::new());
    let wrong = "masternode_pose_scores masternode_in_a_comment masternode_of_a_test";
    assert_eq!(undefined(wrong, &defined).len(), 3);
}
