//! Words that the texts of this repository avoid, because a reader who knows Dash Core and Prometheus has to decode
//! them.
//!
//! Each word has a maximum number of occurrences. The numbers may only fall: after a rewrite, lower them to the output
//! of `TIDY=1` with `--nocapture`. A word that no longer occurs stays at 0.
//!
//! Never here: names of items; the compiler knows those.

use crate::markdown;

/// A word or phrase, its maximum number of occurrences, and alternatives.
const AVOIDED: &[(&str, usize, &str)] = &[
    ("told", 363, "notified, received, reported"),
    ("tell", 107, "notify, report, show"),
    ("tells", 81, "reports, shows, returns"),
    ("telling", 2, "reporting"),
    ("whom", 62, "which masternode, which client"),
    ("whoever", 42, "name the reader, the client or the caller"),
    ("whomever", 0, "name it"),
    ("anew", 36, "again"),
    ("mend", 2, "fix, resolve"),
    ("mends", 0, "fixes"),
    ("mended", 0, "fixed, resolved"),
    ("mending", 1, "fixing"),
    ("nobody", 98, "no client, no masternode"),
    ("beside", 45, "next to, in addition to"),
    ("so many", 31, "the number, or `N`"),
    ("all the same", 7, "still"),
    ("last words", 4, "shutdown"),
    ("life of its own", 0, "leave it out"),
    ("ended badly", 1, "failed"),
    ("goes on", 28, "continues"),
    ("courier", 3, "notifier"),
    ("desk", 102, "queue"),
    ("crowd", 6, "connections"),
    ("entrant", 14, "entry of the simplified masternode list"),
];

/// Phrases in which a word is right, with the file that contains them.
const ALLOWED: &[(&str, &str)] = &[];

/// Folders and files that are read, and the types of files in them.
const READ: &[&str] = &[
    "src",
    "crates",
    "tests",
    "benches",
    "dashboards/generator",
    "docs",
    "alerts",
    "helm",
    "scripts",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "justfile",
];
const KINDS: &[&str] = &["rs", "md", "yml", "yaml", "tpl", "txt", "toml", "py", ""];

/// Not part of our text: recorded answers, generated inputs, and this list.
const SKIPPED: &[&str] =
    &["tests/fixtures/", "tests/fuzz/corpus/", "helm/masternode-exporter/files/", "tests/it/tidy.rs"];

/// Number of occurrences of `phrase` in `line` as whole words, in any case.
fn count(line: &str, phrase: &str) -> usize {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = line.as_bytes();
    let starts = line.match_indices(phrase).map(|(start, _)| start);
    let whole = starts.filter(|&start| {
        let end = start + phrase.len();
        (start == 0 || !is_part(bytes[start - 1])) && bytes.get(end).is_none_or(|byte| !is_part(*byte))
    });
    whole.count()
}

/// The text in which words are counted: lower case, one space between words, so that a phrase may span lines.
fn plain(path: &str, text: &str) -> String {
    let mut text = text.to_lowercase();
    for (_, phrase) in ALLOWED.iter().filter(|(file, _)| *file == path) {
        text = text.replace(phrase, "");
    }
    let words = text.split_whitespace().filter(|word| !["//", "///", "//!", "#"].contains(word));
    words.collect::<Vec<&str>>().join(" ")
}

fn texts() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for place in READ {
        let full = markdown::root().join(place);
        if full.is_file() {
            paths.push((*place).to_string())
        } else {
            paths.extend(crate::architecture::files_in(place))
        }
    }
    let read = paths.into_iter().filter(|path| {
        let kind = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, kind)| kind);
        KINDS.contains(&kind) && !SKIPPED.iter().any(|skipped| path.starts_with(skipped))
    });
    read.filter_map(|path| {
        let text = std::fs::read_to_string(markdown::root().join(&path)).ok()?;
        let text = plain(&path, &text);
        Some((path, text))
    })
    .collect()
}

#[test]
fn avoided_words_become_fewer() {
    let texts = texts();
    assert!(texts.len() > 300, "only {} files were read", texts.len());
    let mut wrong = Vec::new();
    for (phrase, most, instead) in AVOIDED {
        let mut places: Vec<(usize, &str)> = texts
            .iter()
            .map(|(path, text)| (count(text, phrase), path.as_str()))
            .filter(|(found, _)| *found > 0)
            .collect();
        let found: usize = places.iter().map(|(found, _)| found).sum();
        if std::env::var_os("TIDY").is_some() {
            println!("    (\"{phrase}\", {found}, \"{instead}\"),");
        }
        if found > *most {
            places.sort_unstable_by(|a, b| b.cmp(a));
            let places: Vec<String> = places.iter().take(10).map(|(found, path)| format!("{path} ({found})")).collect();
            wrong.push(format!(
                "{phrase:?} occurs {found} times, allowed {most}; write: {instead}; {}",
                places.join(", ")
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn words_are_counted_whole_and_in_any_case() {
    let text = plain("x.rs", "// Told so\n    // many times: untold, told_twice, \"told\".\n");
    assert_eq!(count(&text, "told"), 2);
    assert_eq!(count(&text, "so many"), 1);
}

#[test]
fn no_word_is_listed_twice() {
    for (at, (phrase, ..)) in AVOIDED.iter().enumerate() {
        assert!(AVOIDED[..at].iter().all(|(other, ..)| other != phrase), "{phrase} is listed twice");
    }
}
