//! Shared queries of several dashboards.
//!
//! Every query takes the maximum over the exporters of the same network, as the alert rules do, so that redundant exporters are
//! not counted twice.
//!
//! Never here: titles, units, colours.

/// The labels that identify a masternode.
pub(crate) const KEY: &str = "network, masternode, alias";

/// The selected targets.
pub(crate) const SCOPE: &str = "cluster=~\"$cluster\",namespace=~\"$namespace\",job=~\"$job\"";

/// A query whose selectors are limited to the selected targets: those of the selected networks, and those of exporters. Alerts have no
/// labels of targets.
pub(crate) fn scoped(query: &str) -> String {
    query
        .replace("network=~\"$network\"", &format!("{SCOPE},network=~\"$network\""))
        .replace("{instance=~\"$instance\"", &format!("{{{SCOPE},instance=~\"$instance\""))
}

/// The selected masternodes.
pub(crate) const CHOSEN: &str = "network=~\"$network\",alias=~\"$alias\"";

/// The selected networks.
pub(crate) const NETWORKS: &str = "network=~\"$network\"";

/// A metric of the selected masternodes.
pub(crate) fn chosen(family: &str) -> String {
    format!("max by ({KEY}) ({family}{{{CHOSEN}}})")
}

/// The same, of the watch list only. Without one it selects nothing, so that a graph over time does not read every masternode of a
/// network.
pub(crate) fn watched(family: &str) -> String {
    format!("max by ({KEY}) ({family}{{{CHOSEN},alias!=\"\"}})")
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

/// Numbers of the selected masternodes by danger, the worst first, each with its name. Without a watch list, those of the whole
/// networks. 0 only if there are masternodes at all, so that missing data is not shown as "none in danger".
pub(crate) fn by_danger() -> Vec<(&'static str, String)> {
    let (banned, enabled) = (watched("masternode_pose_banned"), watched("masternode_enabled"));
    let failures = watched("masternode_pose_failures_until_ban");
    let score = watched("masternode_pose_score");
    let count = |rows: &str, risk: &str| {
        let all = format!("sum(max by (network) (masternode_network_risk_nodes{{{NETWORKS},risk=\"{risk}\"}}))");
        let any = format!("0 * sum(max by (network, risk) (masternode_network_risk_nodes{{{NETWORKS}}}))");
        format!("count({rows}) or 0 * count({enabled}) or {all} or {any}")
    };
    vec![
        ("Missing from the list", count(&format!("{} == 0", watched("masternode_registered")), "missing")),
        ("Banned", count(&format!("{banned} == 1"), "banned")),
        ("One failure from a ban", count(&format!("{failures} == 1"), "one_failure_from_ban")),
        ("Unhealthy", count(&format!("{enabled} == 0 unless {banned} == 1"), "unhealthy")),
        ("Decaying", count(&format!("{failures} == 2 and {score} > 0"), "decaying")),
        ("Clear", count(&format!("{enabled} == 1 unless {score} > 0"), "clear")),
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
