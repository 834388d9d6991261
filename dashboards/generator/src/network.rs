//! The whole network, to distinguish its faults from those of single masternodes.
//!
//! Never here: single masternodes.

use serde_json::{Value, json};

use crate::board::Board;
use crate::fleet::{data_age_panel, restart_panel};
use crate::panel::{
    BLOCKS, CALLED, CALM, Column, EXPECTED, HARM, LEVEL, LOOK, NEAR, PLAIN, POINTS, Panel, QUORUMS, SCORED, mapping,
};
use crate::queries::{NETWORKS, network_rise, networks};

/// The values of the label `risk`, the worst last, as areas are stacked.
pub(crate) const RISKS: &[(&str, &str)] =
    &[("clear", CALM), ("decaying", LOOK), ("unhealthy", EXPECTED), ("one_failure_from_ban", NEAR), ("banned", HARM)];

/// The dashboard.
pub(crate) fn board() -> Value {
    let about =
        "All masternodes of a network: their number, how many are in danger, and whether penalties come in waves.";
    let bans = format!("{} > 0", network_rise("masternode_network_bans_total", "$__rate_interval"));
    let penalties = format!("{} > 0", network_rise("masternode_network_penalties_total", "$__rate_interval"));
    let board = Board::new("masternode-network", "Network", about, "now-7d", "now").networks();
    let board = board.annotation("Bans", &bans, "Bans on {{network}}", HARM, false).annotation(
        "Penalties",
        &penalties,
        "Penalties on {{network}}",
        NEAR,
        false,
    );
    let board = now(board.row("Now"));
    let board = over_time(board.row("Danger and events"));
    rules(board.row("Chain and rules")).build()
}

/// Masternodes of a network in some states or of some type.
fn nodes(matching: &str) -> String {
    format!("sum by (network) (max by (network, state, node_type) (masternode_network_nodes{{{NETWORKS},{matching}}}))")
}

fn now(board: Board) -> Board {
    let banned = format!("max by (network) (masternode_network_risk_nodes{{{NETWORKS},risk=\"banned\"}})");
    let lag = format!(
        "{} - {}",
        networks("masternode_network_height", "network"),
        networks("masternode_network_chainlock_height", "network")
    );
    let unproven = format!(
        "{} - {}",
        networks("masternode_exporter_list_height", "network"),
        networks("masternode_network_list_proven_height", "network")
    );
    board
        .panel(data_age_panel())
        .panel(Panel::stat("Enabled", "Masternodes that can be paid.", "none").query("{{network}}", nodes("state=\"enabled\"")))
        .panel(
            Panel::stat("Banned", "Banned masternodes, for any cause.", "none")
                .levels(CALM, &[(1.0, LOOK)])
                .query("{{network}}", banned),
        )
        .panel(
            Panel::stat("Evo", "Evo nodes, including banned ones.", "none")
                .levels(PLAIN, &[])
                .or_says("Only on networks with Evo nodes (Dash)")
                .query("{{network}}", nodes("node_type=\"evo\"")),
        )
        .panel(
            Panel::stat("ChainLock lag", "Blocks between the tip and the highest block under a ChainLock. A larger value means that quorums do not sign, and that a reorganisation is possible.", BLOCKS)
                .levels(CALM, &[(3.0, LOOK), (6.0, NEAR)])
                .or_says("Only on chains with ChainLocks (Dash)")
                .query("{{network}}", lag),
        )
        .panel(
            Panel::stat("List proof lag", "Blocks between the list and the newest one that was proven: compared with the root in the coinbase of its block. 0 while every list is proven.", BLOCKS)
                .levels(CALM, &[(1.0, NEAR)])
                .or_says("Only where the source proves its list (Dash)")
                .query("{{network}}", unproven),
        )
        .panel(
            Panel::stat("Height", "The block of the data.", "none")
                .levels(PLAIN, &[])
                .query("{{network}}", networks("masternode_exporter_list_height", "network")),
        )
}

fn over_time(board: Board) -> Board {
    let by_risk = format!("sum by (risk) (max by (network, risk) (masternode_network_risk_nodes{{{NETWORKS}}}))");
    let endangered = format!(
        "sum by (network) (max by (network, risk) (masternode_network_risk_nodes{{{NETWORKS},risk!~\"clear|banned\"}}))"
    );
    let alive = format!(
        "sum by (network) (max by (network, risk) (masternode_network_risk_nodes{{{NETWORKS},risk!=\"banned\"}}))"
    );
    let wave = format!("{} / {alive}", network_rise("masternode_network_penalties_total", "1h"));
    let mut risks = Panel::areas("Masternodes by danger", "All masternodes of the selected networks. Decaying: a score above 0 that survives one more failure. Unhealthy: on the older chains, in a state that is not paid.", "none").levels(CALM, &[]);
    risks = risks.query("{{risk}}", by_risk);
    risks = RISKS.iter().fold(risks, |panel, (risk, colour)| panel.colour(risk, colour));
    let daily = Panel::lines("Penalties, bans and revivals in 24 hours", "Events counted in the preceding 24 hours. Without a history, counters begin when the exporter starts, so the first day is incomplete. Penalties exist only on chains with a score.", "none")
        .levels(CALM, &[])
        .query("{{network}} penalties", network_rise("masternode_network_penalties_total", "1d"))
        .query("{{network}} bans", network_rise("masternode_network_bans_total", "1d"))
        .query("{{network}} revivals", network_rise("masternode_network_revivals_total", "1d"));
    let ended = |matching: &str, window: &str| {
        format!(
            "sum by (network, quorum_type) (max by (network, quorum_type, result) (increase(masternode_network_dkg_sessions_total{{{NETWORKS}{matching}}}[{window}])))"
        )
    };
    let formed = format!("{} / ({} > 0)", ended(",result=\"formed\"", "1d"), ended("", "1d"));
    let results = format!(
        "round(sum by (result) (max by (network, quorum_type, result) (increase(masternode_network_dkg_sessions_total{{{NETWORKS}}}[$__rate_interval]))))"
    );
    board
        .panel(risks)
        .panel(
            Panel::lines("Share in danger", "Masternodes with a score or in an unhealthy state, as a share of those that are not banned.", "percentunit")
                .levels(CALM, &[(0.05, LOOK), (0.2, NEAR)])
                .query("{{network}}", format!("{endangered} / {alive}")),
        )
        .panel(daily)
        .panel(
            Panel::lines("Waves: penalised within an hour", "Penalties in the preceding hour, as a share of the masternodes that are not banned, at most 100 %. If many are penalised at once, check the network before your own machines.", "percentunit")
                .levels(CALM, &[(0.01, LOOK), (0.05, NEAR)])
                .or_says(SCORED)
                .query("{{network}}", format!("clamp_max({wave}, 1)")),
        )
        .panel(
            Panel::lines("DKG sessions that formed a quorum, in 24 hours", "By quorum type, as a share of those that ended in the preceding 24 hours. A session that fails as a whole punishes no masternode, but the network lacks a quorum.", "percentunit")
                .levels(CALM, &[])
                .or_says(QUORUMS)
                .query("{{network}} {{quorum_type}}", formed),
        )
        .panel(
            Panel::bars("DKG sessions by result", "Sessions that ended per time step: formed, or failed as a whole.", "none")
                .levels(CALM, &[])
                .or_says(QUORUMS)
                .query("{{result}}", results)
                .colour("formed", CALM)
                .colour("failed", NEAR),
        )
        .panel(
            Panel::lines("Mining windows without a quorum", "By quorum type, since its newest quorum; 0 while quorums form. From 2 on MasternodeQuorumMissing fires. A session without a quorum punishes no masternode.", "none")
                .levels(CALM, &[(1.0, LOOK), (2.0, NEAR)])
                .or_says(QUORUMS)
                .query("{{network}} {{quorum_type}}", networks("masternode_network_quorum_missed_windows", "network, quorum_type")),
        )
        .panel(
            Panel::lines("Blocks since the last quorum", "By quorum type, from the block of its newest quorum to the tip.", BLOCKS)
                .levels(CALM, &[])
                .or_says(QUORUMS)
                .query(
                    "{{network}} {{quorum_type}}",
                    format!(
                        "{} - on (network) group_right () {}",
                        networks("masternode_network_height", "network"),
                        networks("masternode_network_quorum_last_mined_height", "network, quorum_type")
                    ),
                ),
        )
        .panel(
            Panel::lines("Registrations and removals in 24 hours", "Masternodes that were added to the list and removed from it, in the preceding 24 hours.", "none")
                .levels(CALM, &[])
                .query("{{network}} registered", network_rise("masternode_network_registrations_total", "1d"))
                .query("{{network}} removed", network_rise("masternode_network_removals_total", "1d")),
        )
        .panel(
            Panel::lines("Masternodes by ProTx version", "By the version of their registration, not of their software. Only a transaction of the owner or operator changes it. Shared: with several owners.", "none")
                .levels(CALM, &[])
                .or_says("Only if the node reports registration versions (Dash)")
                .query("{{network}} version {{protx_version}} {{node_type}}", networks("masternode_network_nodes_by_version", "network, protx_version, node_type"))
                .query("{{network}} shared", networks("masternode_network_shared_nodes", "network"))
                .query("{{network}} several payees", networks("masternode_network_split_payout_nodes", "network")),
        )
        .panel(
            Panel::lines("Watched masternodes by release", "By the user agent in their last probe. Masternodes that did not answer are not counted.", "none")
                .levels(CALM, &[])
                .or_says(CALLED)
                .query("{{network}} {{release}}", networks("masternode_network_watched_nodes_by_release", "network, release")),
        )
        .panel(
            Panel::lines("Watched masternodes by protocol version", "By the protocol version in their last probe. Masternodes that did not answer are not counted.", "none")
                .levels(CALM, &[])
                .or_says(CALLED)
                .query("{{network}} protocol {{protocol_version}}", networks("masternode_network_watched_nodes_by_protocol", "network, protocol_version")),
        )
        .panel(
            Panel::lines("Masternodes by state and type", "States without masternodes are left out.", "none")
                .levels(CALM, &[])
                .query("{{network}} {{state}} {{node_type}}", format!("{} > 0", networks("masternode_network_nodes", "network, state, node_type"))),
        )
}

fn rules(board: Board) -> Board {
    let next = format!(
        "{} - {}",
        networks("masternode_network_dkg_next_window_height", "network"),
        networks("masternode_network_height", "network")
    );
    let spork = vec![Column::new("Value", "none", networks("masternode_network_spork", "network, spork")).look(
        "mappings",
        mapping(&[("0", "on for all", CALM), ("1", "on for some quorum types", LOOK), ("4070908800", "off", PLAIN)]),
    )];
    let deployment = |name: &str| networks(&format!("masternode_network_deployment_{name}"), "network, deployment");
    let signals = format!("{} / {}", deployment("signalling_blocks"), deployment("signalling_threshold_blocks"));
    let left = format!("{} - time()", deployment("activation_timestamp_seconds"));
    board
        .panel(
            Panel::lines("Limit, step and safe level", "At the limit a masternode is banned; one failed DKG session adds the step; at or below the safe level it survives one more.", POINTS)
                .levels(CALM, &[])
                .or_says(SCORED)
                .query("{{network}} limit", networks("masternode_network_pose_limit", "network"))
                .query("{{network}} step", networks("masternode_network_pose_step", "network"))
                .query("{{network}} safe level", networks("masternode_network_pose_safe_level", "network")),
        )
        .panel(restart_panel().size(6, 8))
        .panel(
            Panel::stat("Next block that can punish", "Blocks until the quorum of a DKG session can be mined, which can raise a score. 1 while a session in its mining window has no quorum yet.", BLOCKS)
                .levels(PLAIN, &[])
                .or_says(QUORUMS)
                .query("{{network}}", next)
                .size(6, 8),
        )
        .panel(
            Panel::lines("Time between blocks", "Mean of the last 1000 blocks. All durations on these dashboards are computed with it.", "s")
                .levels(CALM, &[])
                .query("{{network}}", networks("masternode_network_block_interval_seconds", "network")),
        )
        .panel(
            Panel::table("Sporks", "Sporks of the network, as the node reports them. A large number is a time in Unix seconds.", &[("network", "Network"), ("spork", "Spork")], spork, &[("Network", false), ("Spork", false)])
                .levels(LEVEL, &[])
                .or_says("This chain shows no sporks")
                .option("cellHeight", json!("sm"))
                .size(12, 8),
        )
        .panel(
            Panel::lines("Consensus change: signals for the threshold", "Blocks of the current window that signal for Dash Core 24, as a share of the threshold.", "percentunit")
                .levels(CALM, &[])
                .or_says("No signals are counted")
                .query("{{network}} {{deployment}}", signals),
        )
        .panel(
            Panel::stat("Consensus change: activates in", "Expected time until the activation of Dash Core 24 once it is locked in.", "s")
                .levels(PLAIN, &[])
                .or_says("Not locked in, or already active")
                .query("{{network}} {{deployment}}", left)
                .size(6, 8),
        )
        .panel(
            Panel::stat("Sources that do not follow", "Source nodes that do not follow the activation of Dash Core 24: upgrade them.", "none")
                .levels(CALM, &[(1.0, NEAR)])
                .or_says("Not known")
                .query(
                    "{{network}}",
                    format!("count by (network) ({}) - sum by (network) ({})", sources(), sources()),
                )
                .size(6, 8),
        )
}

/// Whether each source follows the activation.
fn sources() -> String {
    format!("max by (network, source) (masternode_exporter_source_follows_fork{{{NETWORKS}}})")
}
