//! The rules of `ARCHITECTURE.md` and `CONTRIBUTING.md`, each a function from a source file to its breaches.
//!
//! Never here: reading files.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::source::{Source, Token, end_of_item, paths, reads};

/// Lines of a function, its signature included: it fits a screen.
const FUNCTION_LINES: usize = 60;

/// Lines of a file, its tests included.
const FILE_LINES: usize = 400;

/// Functions that may be longer, because they are a table: one arm or row a line and nothing to follow.
const TABLES: &[&str] = &[];

/// Crates of this workspace that the program uses.
pub const CRATES: &[&str] = &["domain", "exporter-toolkit", "simulator"];

/// For each part, the other parts that it may name.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What is wrong where, and by which rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Breach {
    pub path: String,
    pub line: usize,
    pub rule: &'static str,
    pub what: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}: {} [{}]", self.path, self.line, self.what, self.rule)
    }
}

fn breach(source: &Source, line: usize, rule: &'static str, what: String) -> Breach {
    Breach { path: source.path.clone(), line, rule, what }
}

/// Every rule at once.
pub fn check(source: &Source, arrows: &Arrows) -> Vec<Breach> {
    let mut breaches = check_arrows(source, arrows);
    breaches.extend(check_exports(source));
    breaches.extend(check_imports(source));
    breaches.extend(check_lengths(source));
    breaches.extend(check_doc(source));
    breaches.extend(check_attributes(source));
    breaches
}

/// The rules of a crate of its own: what it may name, its `Cargo.toml` says.
pub fn check_crate(source: &Source) -> Vec<Breach> {
    let mut breaches = check_imports(source);
    breaches.extend(check_lengths(source));
    breaches.extend(check_doc(source));
    breaches.extend(check_attributes(source));
    breaches
}

/// The part that a file belongs to, and how deep below it the file's module lies: `("rpc", 1)` for its `mod.rs`.
fn place(path: &str) -> (&str, usize) {
    let module = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    (module.split('/').next().unwrap_or_default(), module.split('/').count())
}

/// A part names only the parts of its row.
pub fn check_arrows(source: &Source, arrows: &Arrows) -> Vec<Breach> {
    const RULE: &str = "arrows";
    let (part, depth) = place(&source.path);
    let none = BTreeSet::new();
    let Some(allowed) = (if part == "lib" { Some(&none) } else { arrows.get(part) }) else {
        return vec![breach(source, 1, RULE, format!("the part `{part}` has no row in ARCHITECTURE.md"))];
    };
    let mut named = paths(source.tokens(), "crate");
    named.extend(paths(source.tokens(), "masternode_exporter"));
    if depth == 1 {
        // There, `super` is the crate; in a test module it is the part itself.
        named.extend(paths(&source.production(), "super"));
    }
    let foreign = named.iter().filter_map(|path| Some((path.segments.get(1)?.clone(), path.line)));
    let crates = CRATES.iter().flat_map(|name| {
        paths(source.tokens(), &name.replace('-', "_")).into_iter().map(|path| (name.to_string(), path.line))
    });
    foreign
        .chain(crates)
        .filter(|(other, _)| *other != part && !allowed.contains(other))
        .map(|(other, line)| breach(source, line, RULE, format!("`{part}` must not name `{other}`")))
        .collect()
}

/// A part re-exports what is its own, and nothing else.
pub fn check_exports(source: &Source) -> Vec<Breach> {
    let tokens = source.production();
    let (part, depth) = place(&source.path);
    let modules: BTreeSet<&str> =
        (1..tokens.len()).filter(|at| reads(&tokens, at - 1, &["mod"])).map(|at| tokens[at].text.as_str()).collect();
    let mut breaches = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "pub") {
        let after = if reads(&tokens, at + 1, &["("]) {
            at + 2 + tokens[at..].iter().position(|token| token.text == ")").unwrap_or_default() - 1
        } else {
            at + 1
        };
        if !reads(&tokens, after, &["use"]) {
            continue;
        }
        let word = |offset: usize| tokens.get(after + offset).map_or("", |token| token.text.as_str());
        let own = match word(1) {
            "self" => true,
            "super" => depth > 1,
            "crate" => word(3) == part,
            first => modules.contains(first) || first.starts_with(char::is_uppercase),
        };
        if !own {
            let what = format!("`{part}` re-exports `{}`, which is not its own", word(1));
            breaches.push(breach(source, token.line, "re-exports", what));
        }
    }
    breaches
}

/// Names say where they come from.
pub fn check_imports(source: &Source) -> Vec<Breach> {
    const RULE: &str = "imports";
    let tokens = source.production();
    let at = |wanted: &'static [&'static str]| {
        let tokens = &tokens;
        (0..tokens.len()).filter(move |at| reads(tokens, *at, wanted)).map(|at| tokens[at].line)
    };
    let up = at(&["super", "::", "super"]).map(|line| breach(source, line, RULE, "`super::super`".into()));
    let globs = at(&["::", "*"]).map(|line| breach(source, line, RULE, "a glob import".into()));
    up.chain(globs).collect()
}

/// A function fits a screen, a file is one noun.
pub fn check_lengths(source: &Source) -> Vec<Breach> {
    const RULE: &str = "lengths";
    let mut breaches = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        breaches.push(breach(source, lines, RULE, format!("{lines} lines, {FILE_LINES} are allowed")));
    }
    let tokens = source.tokens();
    for at in functions(tokens) {
        let (start, end, name) = (tokens[at].line, tokens[end_of_item(tokens, at)].line, &tokens[at + 1].text);
        let length = end - start + 1;
        if length > FUNCTION_LINES && !TABLES.contains(&format!("{}::{name}", source.path).as_str()) {
            let what = format!("`{name}` has {length} lines, {FUNCTION_LINES} are allowed");
            breaches.push(breach(source, start, RULE, what));
        }
    }
    breaches
}

fn functions(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let named = |at: &usize| {
        let name = tokens.get(at + 1).and_then(|token| token.text.chars().next());
        reads(tokens, *at, &["fn"]) && name.is_some_and(|first| first.is_alphabetic() || first == '_')
    };
    (0..tokens.len()).filter(named)
}

/// A module says what it is, and what it never does.
pub fn check_doc(source: &Source) -> Vec<Breach> {
    let crate_root = matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs");
    if source.production().is_empty() || crate_root {
        return Vec::new();
    }
    let doc: Vec<&str> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let says = doc.iter().any(|line| line.contains("Never "));
    let missing = || breach(source, 1, "module docs", "the module's doc does not end with what is never here".into());
    if says { Vec::new() } else { vec![missing()] }
}

/// No test is switched off, no lint is silenced without a reason that the compiler checks.
pub fn check_attributes(source: &Source) -> Vec<Breach> {
    let tokens = source.tokens();
    let mut breaches = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(at, _)| reads(tokens, *at, &["["])) {
        let opens = at > 0 && (tokens[at - 1].text == "#" || reads(tokens, at - 1, &["!"]));
        for word in ["ignore", "allow"] {
            if opens && reads(tokens, at + 1, &[word]) {
                breaches.push(breach(source, token.line, "attributes", format!("`#[{word}]`")));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows() -> Arrows {
        let row = |part: &str, may: &[&str]| (part.to_string(), may.iter().map(ToString::to_string).collect());
        [row("meters", &[]), row("rpc", &["domain"]), row("main", &["cli"])].into()
    }

    /// Breaches as `line: what`.
    fn found(breaches: &[Breach]) -> Vec<String> {
        breaches.iter().map(|breach| format!("{}: {}", breach.line, breach.what)).collect()
    }

    fn arrows_of(path: &str, text: &str) -> Vec<String> {
        found(&check_arrows(&Source::new(path, text), &arrows()))
    }

    #[test]
    fn an_arrow_that_points_the_wrong_way_is_named_with_its_file_line_and_rule() {
        let source = Source::new("src/meters/x.rs", "use std::fmt;\nuse crate::rpc::Client;\n");
        let breaches = check_arrows(&source, &arrows());
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0].to_string(), "src/meters/x.rs:2: `meters` must not name `rpc` [arrows]");
    }

    #[test]
    fn an_arrow_is_seen_however_it_is_written() {
        let cases = [
            "use crate::{rpc::Height, web::Site};",
            "fn f() { let x = crate::web::probe(); }",
            "use {crate::web, std::fmt};",
            "pub use crate::web::Site;",
            "use masternode_exporter::web;",
            "#[cfg(test)]\nmod tests { use crate::web::Site; }",
        ];
        for text in cases {
            assert_eq!(arrows_of("src/rpc/client.rs", text).len(), 1, "{text}");
        }
        assert_eq!(arrows_of("src/rpc/mod.rs", "use super::web::Site;"), ["1: `rpc` must not name `web`"]);
        assert_eq!(arrows_of("src/rpc.rs", "use super::web::Site;"), ["1: `rpc` must not name `web`"]);
        assert_eq!(arrows_of("src/main.rs", "use masternode_exporter::app;"), ["1: `main` must not name `app`"]);
        assert_eq!(arrows_of("src/lib.rs", "use crate::app;"), ["1: `lib` must not name `app`"]);
        assert_eq!(arrows_of("src/new/mod.rs", "")[0], "1: the part `new` has no row in ARCHITECTURE.md");
    }

    #[test]
    fn an_arrow_to_a_crate_of_the_workspace_is_seen() {
        let text = "use exporter_toolkit::WebSecurity;";
        assert_eq!(arrows_of("src/rpc/client.rs", text), ["1: `rpc` must not name `exporter-toolkit`"]);
        let may = [("web".to_string(), ["exporter-toolkit".to_string()].into())].into();
        assert_eq!(check_arrows(&Source::new("src/web/x.rs", text), &may), []);
    }

    #[test]
    fn what_the_table_allows_is_allowed() {
        let text = "use domain::{Height, list::Block};\nuse crate::rpc::error::RpcError;\nuse super::methods;\n\
                    // crate::web\n#[cfg(test)]\nmod tests { use super::*; }";
        assert_eq!(arrows_of("src/rpc/client.rs", text), [""; 0]);
        assert_eq!(arrows_of("src/rpc/mod.rs", "#[cfg(test)]\nmod tests { use super::*; }"), [""; 0]);
    }

    #[test]
    fn a_part_re_exports_only_what_is_its_own() {
        let bad = ["pub use domain::Height;", "pub(crate) use bytes::Bytes;", "pub use super::meters::Height;"];
        for text in bad {
            assert_eq!(check_exports(&Source::new("src/rpc/mod.rs", text)).len(), 1, "{text}");
        }
        let good = "mod client;\npub use client::Client;\npub(super) use self::client::X;\nuse domain::Height;\n\
                    pub use crate::rpc::client::Y;\npub fn f() {}\npub(in crate::rpc) fn g() {}";
        assert_eq!(check_exports(&Source::new("src/rpc/mod.rs", good)), []);
        assert_eq!(check_exports(&Source::new("src/rpc/dash/x.rs", "pub(super) use super::y::Z;")), []);
    }

    #[test]
    fn globs_and_grandparents_are_for_tests() {
        let bad = "use super::super::x;\nuse domain::*;\nuse crate::rpc::{a::*, b};";
        let source = Source::new("src/rpc/x.rs", bad);
        assert_eq!(found(&check_imports(&source)), ["1: `super::super`", "2: a glob import", "3: a glob import"]);
        let good = "fn f() { let x = 2 * y; }\n#[cfg(test)]\nmod tests { use super::*; use super::super::x; }";
        assert_eq!(check_imports(&Source::new("src/rpc/x.rs", good)), []);
    }

    #[test]
    fn long_functions_and_long_files_are_found() {
        let body = |lines: usize| format!("pub const fn long(\n) -> u8 {{\n{}}}\n", "    call();\n".repeat(lines));
        assert_eq!(check_lengths(&Source::new("src/x.rs", &body(57))), []);
        assert_eq!(
            found(&check_lengths(&Source::new("src/x.rs", &body(58)))),
            ["1: `long` has 61 lines, 60 are allowed"]
        );
        assert_eq!(check_lengths(&Source::new("src/x.rs", &"// x\n".repeat(400))), []);
        assert_eq!(
            found(&check_lengths(&Source::new("src/x.rs", &"// x\n".repeat(401)))),
            ["401: 401 lines, 400 are allowed"]
        );
        let signatures = format!("trait T {{ fn f(&self); }}\ntype F = fn(u8) -> u8;\n{}", "//\n".repeat(90));
        assert_eq!(check_lengths(&Source::new("src/x.rs", &signatures)), []);
    }

    #[test]
    fn a_module_without_its_never_is_found() {
        assert_eq!(check_doc(&Source::new("src/x.rs", "//! What it is.\nfn f() {}")).len(), 1);
        assert_eq!(check_doc(&Source::new("src/x.rs", "fn f() {} // Never here.")).len(), 1);
        assert_eq!(check_doc(&Source::new("src/x.rs", "//! What it is.\n//!\n//! Never here: files.\nfn f() {}")), []);
        assert_eq!(check_doc(&Source::new("src/x/tests/y.rs", "//! Tests.\nfn f() {}")), []);
    }

    #[test]
    fn ignored_tests_and_silenced_lints_are_found() {
        let bad = "#![allow(dead_code)]\n#[test]\n#[ignore]\nfn f() {}\n#[allow(unused)]\nfn g() {}";
        let source = Source::new("tests/it/x.rs", bad);
        assert_eq!(found(&check_attributes(&source)), ["1: `#[allow]`", "3: `#[ignore]`", "5: `#[allow]`"]);
        let good = "#[expect(dead_code, reason = \"why\")]\nfn f() { let allow = [ignore]; } // #[allow]";
        assert_eq!(check_attributes(&Source::new("src/x.rs", good)), []);
    }
}
