//! What several boards ask.
//!
//! Every query takes the maximum over the exporters that tell of the same thing, so that a pair of exporters for safety
//! does not count everything twice.
//!
//! Never here: titles, units, colours.

/// What names a masternode.
pub(crate) const KEY: &str = "network, masternode, alias";

/// The masternodes that the variables choose.
pub(crate) const CHOSEN: &str = "network=~\"$network\",alias=~\"$alias\"";

/// The networks that the variables choose.
pub(crate) const NETWORKS: &str = "network=~\"$network\"";

/// A family of the chosen masternodes.
pub(crate) fn chosen(family: &str) -> String {
    format!("max by ({KEY}) ({family}{{{CHOSEN}}})")
}

/// A family of the chosen networks, by these labels.
pub(crate) fn networks(family: &str, by: &str) -> String {
    format!("max by ({by}) ({family}{{{NETWORKS}}})")
}

/// Blocks, given by an expression for masternodes, as seconds by the measured time between blocks.
pub(crate) fn as_seconds(blocks: &str) -> String {
    format!(
        "({blocks}) * on (network) group_left () {}",
        networks("masternode_network_block_interval_seconds", "network")
    )
}

/// How many rows an expression has; 0 only where there are masternodes at all, so that silence is not "none in danger".
fn count(rows: &str) -> String {
    format!("count({rows}) or 0 * count({})", chosen("masternode_enabled"))
}

/// Counts of the chosen masternodes by danger, the worst first, each with its name.
pub(crate) fn by_danger() -> Vec<(&'static str, String)> {
    let (banned, enabled) = (chosen("masternode_pose_banned"), chosen("masternode_enabled"));
    let failures = chosen("masternode_pose_failures_until_ban");
    let score = chosen("masternode_pose_score");
    vec![
        ("Missing from the list", count(&format!("{} == 0", chosen("masternode_registered")))),
        ("Banned", count(&format!("{banned} == 1"))),
        ("One failure from a ban", count(&format!("{failures} == 1"))),
        ("Unhealthy", count(&format!("{enabled} == 0 unless {banned} == 1"))),
        ("Decaying", count(&format!("{failures} == 2 and {score} > 0"))),
        ("Clear", count(&format!("{enabled} == 1 unless {score} > 0"))),
    ]
}

/// The danger of each chosen masternode as a number, 6 the worst: see [`DANGERS`].
pub(crate) fn danger() -> String {
    let ranks = [
        (6, format!("{} == 0", chosen("masternode_registered"))),
        (5, format!("{} == 1", chosen("masternode_pose_banned"))),
        (4, format!("{} == 1", chosen("masternode_pose_failures_until_ban"))),
        (3, format!("{} == 0", chosen("masternode_enabled"))),
        (2, format!("{} > 0", chosen("masternode_pose_score"))),
        (1, chosen("masternode_enabled")),
    ];
    let parts: Vec<String> = ranks.iter().map(|(rank, rows)| format!("({rank} + 0 * ({rows}))")).collect();
    parts.join(" or ")
}

/// Seconds since a source last confirmed what the page says.
pub(crate) fn data_age() -> String {
    format!("time() - {}", networks("masternode_exporter_source_last_success_timestamp_seconds", "network"))
}

/// How often a counter of the chosen masternodes rose in a window, in whole numbers: `increase` guesses what came between two
/// scrapes.
pub(crate) fn rise(family: &str, window: &str) -> String {
    format!("round(max by ({KEY}) (sum without (cause, field) (increase({family}{{{CHOSEN}}}[{window}]))))")
}

/// How often a counter of the networks rose in a window, kinds of masternodes added up.
pub(crate) fn network_rise(family: &str, window: &str) -> String {
    format!("round(sum by (network) (max by (network, node_type) (increase({family}{{{NETWORKS}}}[{window}]))))")
}
