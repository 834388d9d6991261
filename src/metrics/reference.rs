//! The reference of all metrics, generated from the catalogue: `docs/metrics.md`.
//!
//! Never here: descriptions that exist nowhere else.

use std::fmt::Write;

use crate::catalog::{self, FAMILIES, Family, Tier};

/// The page.
pub fn reference() -> String {
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
    for (tier, title) in tiers {
        table(&mut text, title, FAMILIES.iter().filter(|family| family.tier == tier));
    }
    table(
        &mut text,
        "Conditions of alerts: watched masternodes, groups, networks, sources, receivers",
        catalog::alerts::FAMILIES.iter(),
    );
    table(&mut text, "This process", catalog::process::FAMILIES.iter());
    text
}

fn table(text: &mut String, title: &str, families: impl Iterator<Item = &'static Family>) {
    let _ = write!(text, "\n## {title}\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    for Family { name, kind, labels, help, .. } in families {
        let _ = writeln!(text, "| `{name}` | {} | {} | {help} |", kind.label(), labels.join(", "));
    }
}
