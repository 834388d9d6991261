//! The reference of all metrics, generated from the catalog and a registry: `docs/metrics.md`.
//!
//! Never here: descriptions that exist nowhere else.

use std::fmt::Write;

use prometheus::proto::{MetricFamily, MetricType};

use crate::metrics::alert_families::ALERT_FAMILIES;
use crate::metrics::catalog::{FAMILIES, Family, Kind, Tier};

/// The page. `own` are this process's families, with at least one sample each so that their labels are visible.
pub fn reference(own: &[MetricFamily]) -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         Made by `masternode-exporter metrics` from the catalog; do not edit by hand.\n\n\
         A value that is not known is absent, never 0. Samples of masternodes carry `network`, `masternode` (proTxHash) and\n\
         `alias` (where there is one), those of networks `network`; the tables name further labels only.\n\n\
         Event counters continue across restarts if `history.path` is set; otherwise counting begins with the process.\n",
    );
    let tiers = [
        (Tier::Aggregate, "Networks and groups: always"),
        (Tier::Lean, "Masternodes: all, or those at risk, as `series.others` says"),
        (Tier::Watched, "Watched masternodes"),
        (Tier::Source, "Sources of networks: always, also while there is no list"),
    ];
    let kind = |kind| if kind == Kind::Counter { "counter" } else { "gauge" };
    let row = |family: &'static Family| (family.name, kind(family.kind), family.labels.join(", "), family.help);
    for (tier, title) in tiers {
        table(&mut text, title, FAMILIES.iter().filter(|family| family.tier == tier).map(row));
    }
    table(
        &mut text,
        "Conditions of alerts: watched masternodes, groups, networks, sources, receivers",
        ALERT_FAMILIES.iter().map(row),
    );
    table(&mut text, "This process", own.iter().map(process_row));
    text
}

fn process_row(family: &MetricFamily) -> (&str, &'static str, String, &str) {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => "counter",
        MetricType::HISTOGRAM => "histogram",
        _ => "gauge",
    };
    let labels = family.get_metric().first().map(|metric| metric.get_label()).unwrap_or_default();
    let names: Vec<&str> = labels.iter().map(|pair| pair.name()).collect();
    (family.name(), kind, names.join(", "), family.help())
}

fn table<'a>(text: &mut String, title: &str, rows: impl Iterator<Item = (&'a str, &'static str, String, &'a str)>) {
    let _ = write!(text, "\n## {title}\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    for (name, kind, labels, help) in rows {
        let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {help} |");
    }
}
