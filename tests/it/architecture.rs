//! Our own rules, held against our own files: who may name whom, how long things are, what every page may mention.
//!
//! Never here: how the code behaves.

mod links;
mod rules;

use std::collections::BTreeSet;
use std::path::Path;

use crate::architecture::links::Target;
use crate::architecture::rules::Arrows;
use crate::markdown;

/// Folders whose files may mention metrics.
const PAGES: &[&str] = &["docs", "alerts", "dashboards"];

fn files(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(relative(&path));
        }
    }
}

/// A path as we write it in messages: from the root of the package, with slashes.
fn relative(path: &Path) -> String {
    path.strip_prefix(markdown::root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

pub fn files_in(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    files(&markdown::root().join(folder), &mut found);
    found.sort();
    found
}

/// Path and text of each source file.
fn sources_in(folder: &str) -> Vec<(String, String)> {
    let paths = files_in(folder).into_iter().filter(|path| path.ends_with(".rs"));
    paths.map(|path| (path.clone(), markdown::read(&path))).collect()
}

/// The table of `ARCHITECTURE.md`: its first column has the parts of a row, its second whom they may name.
fn arrows() -> Arrows {
    let table = markdown::table_of("ARCHITECTURE.md", "## Module dependencies");
    assert_eq!(table.header[..2], ["part", "may name"]);
    let rows = table.rows.iter().flat_map(|row| {
        let may: BTreeSet<String> = code_spans(&row[1]).into_iter().collect();
        assert_eq!(may.is_empty(), row[1] == "nothing of ours", "cannot be read: {row:?}");
        code_spans(&row[0]).into_iter().map(move |part| (part, may.clone()))
    });
    rows.collect()
}

/// What stands in backquotes, in order.
fn code_spans(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

#[track_caller]
fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn the_code_keeps_to_the_architecture() {
    let arrows = arrows();
    let check = |(path, text): &(String, String)| {
        [rules::check_arrows(path, text, &arrows), rules::check_file(path, text), rules::check_ignored(path, text)]
            .concat()
    };
    assert_none(&sources_in("src").iter().flat_map(check).collect::<Vec<String>>());
}

/// What a crate of this workspace depends on, its tests aside.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = markdown::read(&format!("crates/{name}/Cargo.toml"));
    let section = manifest.split("[dependencies]\n").nth(1).expect("a section of dependencies");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_string())).collect()
}

#[test]
fn the_crates_keep_to_the_rules_and_the_toolkit_names_nothing_of_masternodes() {
    let sources = sources_in("crates");
    for name in rules::CRATES {
        assert!(sources.iter().any(|source| source.0.starts_with(&format!("crates/{name}/src/"))), "{name}");
    }
    // Without a runtime, a clock or a format: its dependencies and its clippy.toml say so.
    assert_eq!(dependencies("domain"), ["sha2", "triomphe"]);
    let ours =
        |name: &str| dependencies(name).into_iter().filter(|crate_name| crate_name.contains("masternode")).count();
    assert_eq!((ours("simulator"), ours("exporter-toolkit")), (0, 0), "they name nothing of ours");
    let check =
        |(path, text): &(String, String)| [rules::check_file(path, text), rules::check_ignored(path, text)].concat();
    assert_none(&sources.iter().flat_map(check).collect::<Vec<String>>());
    // The authors have the name of the project.
    for path in files_in("crates/exporter-toolkit").into_iter().filter(|path| !path.contains("LICENSE")) {
        assert!(!markdown::read(&path).to_ascii_lowercase().contains("masternode"), "{path}");
    }
}

#[test]
fn no_test_is_ignored() {
    let sources = ["tests", "benches", "dashboards"].into_iter().flat_map(sources_in);
    assert_none(&sources.flat_map(|(path, text)| rules::check_ignored(&path, &text)).collect::<Vec<String>>());
}

#[test]
fn every_metric_that_a_page_mentions_exists() {
    let defining = sources_in("src/catalog").into_iter();
    let methods = masternode_exporter::rpc::METHODS.iter().map(|method| method.name.to_string());
    let defined: BTreeSet<String> =
        defining.flat_map(|(path, text)| rules::defined(&path, &text)).chain(methods).collect();
    let pages = PAGES.iter().flat_map(|folder| files_in(folder)).chain(["README.md".to_string()]);
    let pages = pages.filter(|path| !path.ends_with(".png"));
    let mut unknown = Vec::new();
    for path in pages {
        let names = rules::undefined(&markdown::read(&path), &defined);
        unknown.extend(names.into_iter().map(|name| format!("{path} mentions {name}, which nothing defines")));
    }
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}

#[test]
fn every_link_between_our_pages_leads_somewhere() {
    let top = std::fs::read_dir(markdown::root()).unwrap().map(|entry| relative(&entry.unwrap().path()));
    let below = ["docs", "alerts", "dashboards", "helm", "tests", "benches"].into_iter().flat_map(files_in);
    // The chart has links to our folders; their pages are held where they are.
    let ours = below.filter(|path| !path.starts_with("helm/masternode-exporter/files/"));
    let pages: Vec<String> = top.chain(ours).filter(|path| path.ends_with(".md")).collect();
    assert!(pages.iter().any(|page| page == "README.md") && pages.iter().any(|page| page == "docs/pose.md"));
    let mut broken = Vec::new();
    for page in pages {
        for target in links::links(&markdown::read(&page)) {
            let path = if target.path.is_empty() { page.clone() } else { path_from(&page, &target.path) };
            broken.extend(links::fault(&Target { path, ..target }).map(|fault| format!("{page} links to {fault}")));
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// The path, from the root, of what `page` calls `target`.
fn path_from(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn every_page_that_the_code_cites_exists_with_the_section() {
    let mut broken = Vec::new();
    let mut cited = 0;
    for folder in ["src", "crates", "tests", "benches", "dashboards"] {
        for path in files_in(folder).into_iter().filter(|path| path.ends_with(".rs")) {
            for (line, text) in markdown::read(&path).lines().enumerate() {
                for target in links::citations(text, folder == "src" || folder == "crates") {
                    cited += usize::from(target.anchor.is_some());
                    broken.extend(links::fault(&target).map(|fault| format!("{path}:{}: cites {fault}", line + 1)));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    assert!(cited > 50, "only {cited} citations with a section were found");
}
