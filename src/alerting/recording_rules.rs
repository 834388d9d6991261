//! Recording rules: of the pages of all exporters, the newest one speaks for its network.
//!
//! Two replicas are at most a block apart, and a pod that was replaced is behind from the next block on. So the page of the
//! highest list is taken, and what tells one replica from another is left away: an alert has the same labels whoever saw it.
//! While a page is away, because its exporter restarts or its data was withdrawn, what it said last counts for half an hour:
//! an alert neither flaps nor ends only because nobody looks.
//!
//! Never here: thresholds, alerts.

/// How long a page that is away still counts.
pub const MEMORY: &str = "30m";

/// Labels by which Prometheus tells targets apart. They are left away, so that two replicas give one alert.
pub const TARGET_LABELS: &[&str] =
    &["job", "instance", "pod", "container", "endpoint", "service", "node", "prometheus", "prometheus_replica"];

/// Labels of `masternode_info` that change with what they describe: an alert that had them would end and begin anew.
const CHANGING_LABELS: &[&str] = &["address", "state", "payout_address", "owner_address", "operator_key"];

/// A recording rule.
#[derive(Clone, Debug)]
pub struct Recording {
    /// `level:metric:operation`.
    pub name: String,
    /// PromQL.
    pub expression: String,
    /// Why, where it is not plain; empty else.
    pub comment: &'static str,
}

/// Families of masternodes that alerts or their texts need, with a label to keep.
const OF_MASTERNODES: &[(&str, Option<&str>)] = &[
    ("masternode_enabled", None),
    ("masternode_state", Some("state")),
    ("masternode_pose_banned", None),
    ("masternode_pose_score", None),
    ("masternode_pose_failures_until_ban", None),
    ("masternode_pose_blocks_until_safe", None),
    ("masternode_pose_test_before_safe_probability_ratio", None),
    ("masternode_platform_banned", None),
    ("masternode_p2p_reachable", None),
    ("masternode_p2p_failure", Some("reason")),
    ("masternode_dkg_session_contribution_received", None),
    ("masternode_requirement_met", Some("requirement")),
    ("masternode_payment_queue_position", None),
    ("masternode_expectation_met", Some("field")),
    ("masternode_last_seen_timestamp_seconds", None),
    ("masternode_maintenance_until_timestamp_seconds", None),
];

/// Families of networks that alerts or their texts need, with a label to keep.
const OF_NETWORKS: &[(&str, Option<&str>)] = &[
    ("masternode_exporter_list_timestamp_seconds", None),
    ("masternode_network_height", None),
    ("masternode_network_tip_timestamp_seconds", None),
    ("masternode_network_chainlock_height", None),
    ("masternode_network_block_interval_seconds", None),
    ("masternode_network_pose_limit", None),
    ("masternode_network_pose_step", None),
    ("masternode_network_payment_cycle_blocks", None),
    ("masternode_network_ping_warning_seconds", None),
    ("masternode_network_maintenance_window_blocks", Some("node_type")),
    ("masternode_network_quorum_missed_windows", Some("quorum_type")),
    ("masternode_network_deployment_activation_timestamp_seconds", None),
    ("masternode_network_deployment_active_since_height", None),
    ("masternode_network_deployment_window_blocks", None),
];

/// The pages that speak.
const NEWEST: &str = "page:masternode_exporter_list_height:newest";

/// All recording rules, in the order in which they need each other.
pub fn recordings() -> Vec<Recording> {
    let mut rules = vec![newest_pages(), watched(), info()];
    rules.extend(OF_MASTERNODES.iter().map(|(metric, label)| of_masternodes(metric, *label)));
    rules.extend(OF_NETWORKS.iter().map(|(metric, label)| {
        let by = label.map_or(String::new(), |label| format!(", {label}"));
        plain(format!("network:{metric}:newest"), format!("max by (network{by}) (\n{}\n)", indent(&of_page(metric))))
    }));
    let sum = |name: &str, by: &str, metric: &str| {
        plain(
            name.into(),
            format!("sum by ({by}) (\n  max by ({by}, risk) (\n{}\n  )\n)", indent(&indent(&of_page(metric)))),
        )
    };
    let endangered = "masternode_group_nodes{risk=~\"one_failure_from_ban|banned\"}";
    rules.push(sum("network:masternode_network_risk_nodes:newest", "network", "masternode_network_risk_nodes"));
    rules.push(sum("group:masternode_group_nodes:all", "network, group_key, group", "masternode_group_nodes"));
    rules.push(sum("group:masternode_group_nodes:endangered", "network, group_key, group", endangered));
    rules.extend(sources());
    rules
}

fn plain(name: String, expression: String) -> Recording {
    Recording { name, expression, comment: "" }
}

fn newest_pages() -> Recording {
    let heights = format!("last_over_time(masternode_exporter_list_height[{MEMORY}])");
    Recording {
        name: NEWEST.into(),
        expression: format!("{heights}\n  == on (network) group_left () max by (network) ({heights})"),
        comment: "Of the pages of all exporters, those with the newest list: they speak for their network.",
    }
}

/// What the newest pages say of a family: now, or last where such a page is away.
fn of_page(metric: &str) -> String {
    format!(
        "(\n  {metric}\n  or\n  last_over_time({metric}[{MEMORY}])\n  \
         unless on (job, instance, network) masternode_exporter_list_height\n)\n\
         and on (job, instance, network) {NEWEST}"
    )
}

fn watched() -> Recording {
    Recording {
        name: "masternode:masternode_registered:newest".into(),
        expression: format!("max by (network, masternode, alias) (\n{}\n)", indent(&of_page("masternode_registered"))),
        comment: "Watched masternodes. A page that is away counts with what it said last, for half an hour.",
    }
}

fn info() -> Recording {
    let without = TARGET_LABELS.iter().chain(CHANGING_LABELS).copied().collect::<Vec<_>>().join(", ");
    Recording {
        name: "masternode:masternode_info:newest".into(),
        expression: format!(
            "max without ({without}) (\n{}\n)\nand on (network, masternode, alias) masternode:masternode_registered:newest",
            indent(&of_page("masternode_info"))
        ),
        comment: "The labels that alerts get: who it is, and its groups, whatever these are called.",
    }
}

fn of_masternodes(metric: &str, label: Option<&str>) -> Recording {
    let by = label.map_or(String::new(), |label| format!(", {label}"));
    let expression = format!(
        "max by (network, masternode, alias{by}) (\n{}\n)\n\
         and on (network, masternode, alias) masternode:masternode_registered:newest",
        indent(&of_page(metric))
    );
    plain(format!("masternode:{metric}:newest"), expression)
}

fn sources() -> [Recording; 6] {
    [
        Recording {
            name: "network:masternode_exporter_source_last_success_timestamp_seconds:max".into(),
            expression: format!(
                "max by (network) (last_over_time(masternode_exporter_source_last_success_timestamp_seconds[{MEMORY}]))"
            ),
            comment: "When any source was last heard by any exporter: how fresh everything above is.",
        },
        Recording {
            name: "source:masternode_exporter_source_synced:max".into(),
            expression: "max by (network, source) (last_over_time(masternode_exporter_source_synced[10m]))".into(),
            comment: "A source is well while one exporter can use it; one that restarts says nothing for a while.",
        },
        Recording {
            name: "source:masternode_exporter_source_isolated:min".into(),
            expression: "min by (network, source) (last_over_time(masternode_exporter_source_isolated[10m]))".into(),
            comment: "A source is cut off when no exporter sees it connected.",
        },
        Recording {
            name: "source:masternode_exporter_source_follows_fork:max".into(),
            expression: "max by (network, source) (last_over_time(masternode_exporter_source_follows_fork[10m]))"
                .into(),
            comment: "A source follows a consensus change as soon as one exporter sees that it was upgraded.",
        },
        Recording {
            name: "source:masternode_exporter_source_fork_split:max".into(),
            expression: "max by (network, source) (last_over_time(masternode_exporter_source_fork_split[10m]))".into(),
            comment: "One exporter that compared two different blocks is enough.",
        },
        Recording {
            name: "network:masternode_exporter_fork_activation_height:max".into(),
            expression: format!(
                "max by (network) (last_over_time(masternode_exporter_fork_activation_height[{MEMORY}]))"
            ),
            comment: "Known to one exporter, it is certain for all.",
        },
    ]
}

pub(super) fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
