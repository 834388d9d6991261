//! Links and citations: each one leads to a file of this repository, and to a section that the file has.
//!
//! Never here: links to other sites.

use std::collections::{BTreeMap, BTreeSet};

use crate::markdown;

/// What a text links to: a path, and an anchor where one is given.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    pub path: String,
    pub anchor: Option<String>,
}

impl Target {
    fn parse(text: &str) -> Self {
        let (path, anchor) = text.split_once('#').map_or((text, None), |(path, anchor)| (path, Some(anchor)));
        Self { path: path.to_string(), anchor: anchor.map(str::to_string) }
    }
}

/// Links of a Markdown page: the paths are relative to the page, and empty for the page itself.
pub fn links(page: &str) -> Vec<Target> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(Target::parse).collect()
}

/// Files of `docs/` that a source line names: in its comment, or anywhere in it if `strings` count too.
pub fn citations(line: &str, strings: bool) -> Vec<Target> {
    let text = if strings { line } else { line.split_once("//").map_or("", |(_, comment)| comment) };
    let starts = text.match_indices("docs/").map(|(start, _)| start);
    let starts =
        starts.filter(|start| !text[..*start].ends_with(|before: char| before.is_alphanumeric() || before == '/'));
    let is_part = |part: char| part.is_ascii_alphanumeric() || "_./-#".contains(part);
    let named = starts.map(|start| {
        let rest = &text[start..];
        let end = rest.find(|part| !is_part(part)).unwrap_or(rest.len());
        rest[..end].trim_end_matches(['.', '/'])
    });
    named.filter(|name| *name != "docs").map(Target::parse).collect()
}

/// Anchors of a page's headings, as GitHub makes them.
pub fn anchors(page: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    let mut fenced = false;
    for line in page.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if fenced || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
        let slug: String = kept.map(|one| if one == ' ' { '-' } else { one }).collect();
        let count = seen.entry(slug.clone()).or_default();
        found.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    found
}

/// What is wrong with a target whose path is relative to the root; `None` when it leads somewhere.
pub fn fault(target: &Target) -> Option<String> {
    if !markdown::root().join(&target.path).exists() {
        return Some(format!("{}, which does not exist", target.path));
    }
    let anchor = target.anchor.as_ref()?;
    let known = target.path.ends_with(".md") && anchors(&markdown::read(&target.path)).contains(anchor);
    (!known).then(|| format!("{}#{anchor}, a section that it does not have", target.path))
}

#[test]
fn links_are_read_from_a_page() {
    let page = "[a](docs/x.md#part) [b](https://example.org/y) [c](#here) [d](z.md)";
    let expected = [("docs/x.md", Some("part")), ("", Some("here")), ("z.md", None)];
    let expected = expected.map(|(path, anchor)| Target { path: path.into(), anchor: anchor.map(str::to_string) });
    assert_eq!(links(page), expected);
}

#[test]
fn citations_are_read_from_a_line() {
    let named = |line: &str, strings| -> Vec<String> {
        let show = |target: Target| target.path + &target.anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
        citations(line, strings).into_iter().map(show).collect()
    };
    assert_eq!(
        named("let a = 1; // (docs/spec/dash.md#exposure), docs/web.md.", false),
        ["docs/spec/dash.md#exposure", "docs/web.md"]
    );
    assert_eq!(named("/// See `docs/chains/` and <https://example.org/docs/x.md>.", false), ["docs/chains"]);
    assert_eq!(named("read(\"docs/x.md\");", false), [""; 0]);
    assert_eq!(named("help = \"docs/x.md explains\"; include_str!(\"../docs/y.md\")", true), ["docs/x.md"]);
}

#[test]
fn anchors_are_those_of_the_headings() {
    let page = "# One two\n```\n# comment\n```\n## `protx list`, v20+\n## One two\ntext\n#no heading\n";
    let found: Vec<String> = anchors(page).into_iter().collect();
    assert_eq!(found, ["one-two", "one-two-1", "protx-list-v20"]);
}
