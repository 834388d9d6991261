//! Shared queries of several dashboards.
//!
//! Every query takes the maximum over the exporters of the same network, so that redundant exporters are not counted
//! twice.
//!
//! Never here: titles, units, colours.

/// The labels that identify a masternode.
pub(crate) const KEY: &str = "network, masternode, alias";

/// The selected masternodes.
pub(crate) const CHOSEN: &str = "network=~\"$network\",alias=~\"$alias\"";

/// The selected networks.
pub(crate) const NETWORKS: &str = "network=~\"$network\"";

/// A metric of the selected masternodes.
pub(crate) fn chosen(family: &str) -> String {
    format!("max by ({KEY}) ({family}{{{CHOSEN}}})")
}

/// A metric of the selected networks, by these labels.
pub(crate) fn networks(family: &str, by: &str) -> String {
    format!("max by ({by}) ({family}{{{NETWORKS}}})")
}

/// Converts an expression in blocks, for masternodes, to seconds by the measured block time.
pub(crate) fn as_seconds(blocks: &str) -> String {
    format!(
        "({blocks}) * on (network) group_left () {}",
        networks("masternode_network_block_interval_seconds", "network")
    )
}

/// Number of rows of an expression; 0 only if there are masternodes at all, so that missing data is not shown as "none
/// in danger".
pub(crate) fn count(rows: &str) -> String {
    format!("count({rows}) or 0 * count({})", chosen("masternode_enabled"))
}

/// Numbers of the selected masternodes by danger, the worst first, each with its name.
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

/// The danger of each selected masternode as a number, 6 the worst: see [`DANGERS`].
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

/// Seconds since a source last confirmed the data.
pub(crate) fn data_age() -> String {
    format!("time() - {}", networks("masternode_exporter_source_last_success_timestamp_seconds", "network"))
}

/// Increase of a counter of the selected masternodes in a window, in whole numbers: `increase` extrapolates between
/// scrapes.
pub(crate) fn rise(family: &str, window: &str) -> String {
    format!("round(max by ({KEY}) (sum without (cause, field) (increase({family}{{{CHOSEN}}}[{window}]))))")
}

/// Increase of a counter of the networks in a window, summed over masternode types.
pub(crate) fn network_rise(family: &str, window: &str) -> String {
    format!("round(sum by (network) (max by (network, node_type) (increase({family}{{{NETWORKS}}}[{window}]))))")
}
