//! The DKG sessions ahead: who sits when, and what an outage would cost.
//!
//! Never here: the past of one masternode, beyond the sessions that it attended and missed.

use serde_json::{Value, json};

use crate::board::Board;
use crate::fleet::{data_age_panel, restart_panel};
use crate::panel::{BLOCKS, CALM, Column, HARM, LOOK, NEAR, NODES, PLAIN, Panel, QUORUMS, SEATED, to_masternode};
use crate::queries::{CHOSEN, NETWORKS, chosen, count, networks};

/// The text of a panel without members of rotating quorums.
const NO_MEMBERS: &str = "The members of rotating quorums are not known";

/// The text of the table without a known seat.
const NO_SEAT: &str = "No seat is known";

/// Blocks from the tip to a height of each selected masternode; 0 when it is not above the tip.
fn ahead(family: &str) -> String {
    let tip = networks("masternode_exporter_list_height", "network");
    format!("clamp_min({} - on (network) group_left () {tip}, 0)", chosen(family))
}

/// The dashboard.
pub(crate) fn board() -> Value {
    let about = "The DKG sessions in which your masternodes are known to sit: when they begin, when a penalty or a ban would come, and \
                 whether the computed members are those of the mined quorums.";
    let board = Board::new("masternode-duties", "Duties", about, "now-24h", "now").networks().groups().aliases();
    let board = now(board.row("Now"));
    let board = seats(board.row("Who sits when"));
    past(board.row("Sessions attended and missed")).build()
}

fn now(board: Board) -> Board {
    let slack = networks("masternode_network_rotation_slack_nodes", "network, quorum_type");
    let mismatches = format!(
        "round(max by (network, quorum_type) (increase(masternode_exporter_quorum_selection_mismatches_total{{{NETWORKS}}}[$__range])))"
    );
    let under_way = format!("{} == 0", ahead("masternode_dkg_next_seat_height"));
    board
        .panel(data_age_panel())
        .panel(
            Panel::stat("In a session", "Selected masternodes whose next known session has begun and is not over. Do not restart them.", "none")
                .levels(CALM, &[(1.0, LOOK)])
                .query("masternodes", count(&under_way)),
        )
        .panel(
            Panel::stat("Double seats", "Selected masternodes with two known seats that are due in one block: missed together, they ban at any score.", "none")
                .levels(CALM, &[(1.0, NEAR)])
                .query("masternodes", count(&chosen("masternode_dkg_double_seat_height"))),
        )
        .panel(
            Panel::stat("Rotation slack", "Valid masternodes minus the seats of a cycle of a rotating quorum type. Below 0 some masternodes have two seats in one cycle.", NODES)
                .decimals(0)
                .levels(LOOK, &[(0.0, CALM)])
                .or_says(QUORUMS)
                .query("{{network}} {{quorum_type}}", slack),
        )
        .panel(
            Panel::stat("Mismatches", "Cycles in the selected time range in which the computed members were not those of the mined quorum. Expected 0. The seats are withdrawn after one, and computed again.", "none")
                .levels(CALM, &[(1.0, HARM)])
                .or_says(NO_MEMBERS)
                .query("{{network}} {{quorum_type}}", mismatches),
        )
        .panel(restart_panel())
}

fn seats(board: Board) -> Board {
    let height = |name, family: &str| Column::new(name, "none", chosen(family)).look("decimals", json!(0));
    let columns = vec![
        Column::new("Begins in", BLOCKS, ahead("masternode_dkg_next_seat_height")).look("links", to_masternode()),
        height("Begins at", "masternode_dkg_next_seat_height"),
        height("Result due at", "masternode_dkg_next_seat_due_height"),
        height("Penalty if offline", "masternode_pose_offline_penalty_height"),
        height("Ban if offline", "masternode_pose_offline_ban_height"),
        height("Double seat due at", "masternode_dkg_double_seat_height"),
    ];
    let labels = &[("network", "Network"), ("alias", "Alias"), ("masternode", "Masternode")];
    board
        .panel(
            Panel::table("Next known sessions, the nearest first", "Heights of the next known session of each selected masternode, and of the first penalty and the ban if it goes offline now, where known seats decide them. An empty cell: not known, or none.", labels, columns, &[("Begins in", false)])
                .levels(PLAIN, &[])
                .or_says(NO_SEAT),
        )
        .panel(
            Panel::lines("Blocks to the next known session", "The 20 nearest. 0 while a session is under way.", BLOCKS)
                .decimals(0)
                .levels(CALM, &[])
                .or_says(SEATED)
                .query("{{network}} {{alias}}", format!("bottomk(20, {})", ahead("masternode_dkg_next_seat_height"))),
        )
        .panel(
            Panel::lines("Blocks to the ban if offline now", "The 20 nearest, where known seats decide it.", BLOCKS)
                .decimals(0)
                .levels(CALM, &[])
                .or_says("Known seats decide no ban")
                .query("{{network}} {{alias}}", format!("bottomk(20, {})", ahead("masternode_pose_offline_ban_height"))),
        )
}

fn past(board: Board) -> Board {
    let by = |labels: &str, matching: &str| {
        format!(
            "round(sum by ({labels}) (max by (network, masternode, alias, quorum_type, result) \
             (increase(masternode_dkg_memberships_total{{{CHOSEN}{matching}}}[$__rate_interval]))))"
        )
    };
    board
        .panel(
            Panel::bars("Sessions by result", "Results of the selected masternodes in the commitments of quorums, per time step. Each invalid one is a penalty.", "none")
                .levels(CALM, &[])
                .or_says(SEATED)
                .query("{{result}}", by("result", ""))
                .colour("valid", CALM)
                .colour("invalid", NEAR),
        )
        .panel(
            Panel::bars("Missed sessions by masternode", "The 20 masternodes with the most missed sessions, per time step.", "none")
                .levels(CALM, &[])
                .or_says(SEATED)
                .query("{{network}} {{alias}}", format!("topk(20, {})", by("network, alias", ",result=\"invalid\""))),
        )
}
