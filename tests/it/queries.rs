//! The queries of `docs/queries.md`: each is one that promtool tests, on samples that the exporter can have.
//!
//! Never here: results; promtool checks them (`alerts/tests/queries.yml`, `scripts/test`).

use std::collections::BTreeSet;

use masternode_exporter::catalog::{self, Family};

use crate::markdown;

const PAGE: &str = "docs/queries.md";
const SAMPLES: &str = "alerts/tests/queries.yml";

/// Without differences of indentation.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The blocks of a page in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let parts = page.split("```").collect::<Vec<_>>();
    let of_language = parts.iter().filter_map(|part| part.strip_prefix(&format!("{language}\n")));
    of_language.map(words).collect()
}

#[test]
fn promtool_runs_every_query_of_the_page() {
    let (page, samples) = (markdown::read(PAGE), markdown::read(SAMPLES));
    let queries = blocks(&page, "promql");
    assert!(queries.len() >= 25, "{} queries", queries.len());
    let tests: serde_json::Value = serde_saphyr::from_str(&samples).unwrap();
    let tests = tests["tests"].as_array().unwrap().iter().flat_map(|test| test["promql_expr_test"].as_array().unwrap());
    let tested: BTreeSet<String> = tests.map(|test| words(test["expr"].as_str().unwrap())).collect();
    for query in &queries {
        assert!(tested.contains(query), "{PAGE}: promtool does not run {query}");
    }
    for query in &tested {
        assert!(queries.contains(query), "{SAMPLES}: {PAGE} does not have {query}");
    }
}

#[test]
fn the_samples_are_of_families_with_their_labels() {
    let samples = markdown::read(SAMPLES);
    let families: Vec<&Family> = catalog::FAMILIES.iter().chain(catalog::alerts::FAMILIES).collect();
    let always = ["job", "instance", "network", "masternode", "alias", "customer"];
    let mut seen = 0;
    for line in samples.lines().filter_map(|line| line.trim().strip_prefix("- {series: '")) {
        let (name, rest) = line.split_once('{').unwrap();
        let labels = rest.split_once("}'").unwrap().0;
        let family = families.iter().find(|family| family.name == name);
        let family = family.unwrap_or_else(|| panic!("{name} is no family"));
        for (label, _) in labels.split(", ").filter_map(|label| label.split_once('=')) {
            assert!(always.contains(&label) || family.labels.contains(&label), "{name} has no label {label}");
        }
        seen += 1;
    }
    assert!(seen > 80, "{seen} series");
}
