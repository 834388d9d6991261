//! Groups of the watch list, compared with each other and with the network.
//!
//! Never here: names of groups; the watch list defines them.

use serde_json::Value;

use crate::board::Board;
use crate::fleet::data_age_panel;
use crate::network::RISKS;
use crate::panel::{CALM, Column, HARM, LOOK, NEAR, PAID, Panel, SCORED, coloured};
use crate::queries::{CHOSEN, NETWORKS};

/// Text of an empty dashboard.
const NO_GROUPS: &str = "No masternode on the watch list has groups";

/// Masternodes of the selected groups with a given risk.
fn nodes(matching: &str) -> String {
    format!(
        "sum by (network, group) (max by (network, group, risk) (masternode_group_nodes{{{NETWORKS},group_key=\"$group_key\",\
         group=~\"$group\"{matching}}}))"
    )
}

/// All masternodes of the networks with a given risk.
fn network(matching: &str) -> String {
    format!("sum by (network) (max by (network, risk) (masternode_network_risk_nodes{{{NETWORKS}{matching}}}))")
}

/// A counter of the watched masternodes, summed by group. The group is a label of `masternode_info`.
fn by_group(family: &str, window: &str) -> String {
    let facts = format!("max by (network, masternode, ${{group_key:raw}}) (masternode_info{{{CHOSEN}}})");
    format!(
        "sum by (network, ${{group_key:raw}}) (round(max by (network, masternode) (sum without (cause) \
         (increase({family}{{{CHOSEN}}}[{window}])))) * on (network, masternode) group_left (${{group_key:raw}}) {facts})"
    )
}

/// The dashboard.
pub(crate) fn board() -> Value {
    let about = "The groups of the watch list, such as operators or regions, compared with each other and with the \
                 whole network. If a group is worse than the network, the cause is in the group.";
    let board = Board::new("masternode-groups", "Groups", about, "now-7d", "now").networks().groups().aliases();
    let share = |matching: &str| {
        (format!("{} / {}", nodes(matching), nodes("")), format!("{} / {}", network(matching), network("")))
    };
    let against = |panel: Panel, matching: &str| {
        let (groups, everybody) = share(matching);
        panel
            .levels(CALM, &[])
            .query("{{network}} {{group}}", groups)
            .query("{{network}}, everybody", everybody)
            .dashed_ending(", everybody")
    };
    let column = |name, risk: &str| Column::new(name, "none", nodes(&format!(",risk=\"{risk}\"")));
    let columns = vec![
        Column::new("Not clear", "percentunit", share(",risk!=\"clear\"").0).look("custom.cellOptions", coloured()),
        Column::new("Masternodes", "none", nodes("")),
        column("Banned", "banned"),
        column("One failure from a ban", "one_failure_from_ban"),
        column("Unhealthy", "unhealthy"),
        column("Decaying", "decaying"),
        column("Clear", "clear"),
    ];
    let mut risks = Panel::areas("Masternodes of the groups by danger", "All selected groups.", "none")
        .levels(CALM, &[])
        .or_says(NO_GROUPS);
    let by_risk = format!(
        "sum by (risk) (max by (network, group, risk) (masternode_group_nodes{{{NETWORKS},group_key=\"$group_key\",group=~\"$group\"}}))"
    );
    risks = RISKS.iter().fold(risks.query("{{risk}}", by_risk), |panel, (risk, colour)| panel.colour(risk, colour));
    let board = board
        .row("Now")
        .panel(data_age_panel().size(6, 9))
        .panel(
            Panel::table("Groups, the worst first", "Masternodes of each group by danger. Not clear: the share with a score, in a bad state or banned.", &[("group", "Group"), ("network", "Network")], columns, &[("Not clear", true)])
                .levels(CALM, &[(0.000_001, LOOK), (0.1, NEAR), (0.34, HARM)])
                .or_says(NO_GROUPS)
                .size(18, 9),
        )
        .row("Comparison with the network")
        .panel(against(Panel::lines("Not clear: groups and network", "Share of masternodes with a score, in a bad state or banned. The dashed line is the whole network: a group above it has a fault of its own.", "percentunit"), ",risk!=\"clear\""))
        .panel(against(Panel::lines("Banned: groups and network", "Share of masternodes that are banned. The dashed line is the whole network.", "percentunit"), ",risk=\"banned\""))
        .panel(risks);
    by_day(board).build()
}

/// Events, summed by group.
fn by_day(board: Board) -> Board {
    board
        .panel(
            Panel::lines(
                "Penalties in 24 hours by group",
                "Failed DKG sessions that raised a score, in the preceding 24 hours.",
                "none",
            )
            .levels(CALM, &[])
            .or_says(SCORED)
            .query("{{network}} {{${group_key:raw}}}", by_group("masternode_pose_penalties_total", "1d")),
        )
        .panel(
            Panel::lines("Bans in 24 hours by group", "Bans for any cause, in the preceding 24 hours.", "none")
                .levels(CALM, &[])
                .query("{{network}} {{${group_key:raw}}}", by_group("masternode_pose_bans_total", "1d")),
        )
        .panel(
            Panel::lines("Payments in 24 hours by group", "Payments counted in the preceding 24 hours.", "none")
                .levels(CALM, &[])
                .or_says(PAID)
                .query("{{network}} {{${group_key:raw}}}", by_group("masternode_payments_total", "1d")),
        )
}
