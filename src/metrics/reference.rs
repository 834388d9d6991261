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
         `alias` (where there is one), those of networks `network`; the tables name further labels only. *Of* says what has\n\
         samples: *masternodes* are all, or those at risk, as `series.others` says; *watched* those of the watch list.\n\n\
         Event counters continue across restarts if `history.path` is set; otherwise counting begins with the process.\n",
    );
    let question = |family: &Family| {
        QUESTIONS.iter().position(|(_, prefixes)| prefixes.iter().any(|prefix| family.name.starts_with(prefix)))
    };
    for (index, (title, _)) in QUESTIONS.iter().enumerate() {
        table(&mut text, title, FAMILIES.iter().filter(|family| question(family) == Some(index)));
    }
    table(&mut text, "Which conditions of alerts hold?", catalog::alerts::FAMILIES.iter());
    table(&mut text, "Is the exporter itself well?", catalog::process::FAMILIES.iter());
    text
}

/// The sections, and the beginnings of the names of their families: a family is in the first section that has it.
const QUESTIONS: [(&str, &[&str]); 8] = [
    ("How close is a masternode to a ban?", &["masternode_pose_", "masternode_platform_banned"]),
    ("When is it paid, and what did it earn?", &["masternode_payment", "masternode_payout_"]),
    ("When are its DKG sessions?", &["masternode_dkg_"]),
    (
        "Does it answer, and is its software right?",
        &[
            "masternode_p2p_",
            "masternode_requirement_",
            "masternode_peer_",
            "masternode_last_seen",
            "masternode_active_",
        ],
    ),
    ("How fresh is the data, and do the sources work?", &["masternode_exporter_"]),
    ("What does the network do?", &["masternode_network_"]),
    (
        "What is watched, and in maintenance?",
        &[
            "masternode_group_",
            "masternode_watch_",
            "masternode_maintenance",
            "masternode_registered",
            "masternode_expectation_",
        ],
    ),
    ("What is it, and what changed?", &["masternode_"]),
];

fn table(text: &mut String, title: &str, families: impl Iterator<Item = &'static Family>) {
    let _ =
        write!(text, "\n## {title}\n\n| metric | type | labels | of | meaning |\n| --- | --- | --- | --- | --- |\n");
    for Family { name, kind, labels, help, tier } in families {
        let _ = writeln!(text, "| `{name}` | {} | {} | {} | {help} |", kind.label(), labels.join(", "), of(*tier));
    }
}

/// For what a family has samples.
fn of(tier: Tier) -> &'static str {
    match tier {
        Tier::Source => "sources",
        Tier::Aggregate => "networks, groups",
        Tier::Lean => "masternodes",
        Tier::Watched => "watched",
        Tier::Process => "process",
    }
}
