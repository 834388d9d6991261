//! The dashboard of one masternode.
//!
//! Never here: more than one masternode.

use serde_json::{Value, json};

use crate::board::Board;
use crate::fleet::data_age_panel;
use crate::panel::{
    BLOCKS, CALLED, CALM, Column, DEMANDED, DRAWN, EXPECTED, FAINT, HARM, LEVEL, LOOK, NEAR, PAID, PINGED, PLAIN,
    POINTS, Panel, QUEUED, SCORED, SEATED, SESSIONS, WATCHED,
};

/// The selected masternode.
const ONE: &str = "network=~\"$network\",masternode=\"$masternode\"";

fn one(family: &str) -> String {
    format!("max by (network) ({family}{{{ONE}}})")
}

/// A metric of the masternode's network. Several networks may be selected; the masternode is on one of them.
fn of_network(family: &str) -> String {
    format!(
        "(max by (network) ({family}{{network=~\"$network\"}}) and on (network) max by (network) \
         ({{__name__=~\"masternode_enabled|masternode_registered\",{ONE}}}))"
    )
}

fn one_by(label: &str, family: &str) -> String {
    format!("max by ({label}) ({family}{{{ONE}}})")
}

fn as_seconds(blocks: &str) -> String {
    format!(
        "({blocks}) * on (network) max by (network) (masternode_network_block_interval_seconds{{network=~\"$network\"}})"
    )
}

/// The state as a label; the value is 1 if it can be paid, otherwise 0, which determines the colour.
fn state_and_earning() -> String {
    let paid = format!("max by (network) (masternode_enabled{{{ONE}}} or 0 * masternode_registered{{{ONE}}})");
    format!("max by (network, state, node_type) (masternode_info{{{ONE}}}) * on (network) group_left () {paid}")
}

fn rise(family: &str, by: &str, window: &str) -> String {
    let by = if by.is_empty() { "network" } else { by };
    format!("round(sum by ({by}) (max by (network, cause, field) (increase({family}{{{ONE}}}[{window}]))))")
}

/// The dashboard.
pub(crate) fn board() -> Value {
    let about = "One masternode: its risk of a ban, events and payments. The time range extends half a day \
                 ahead, for the projected decay of the score.";
    let mut board = Board::new("masternode-one", "Masternode", about, "now-36h", "now+12h");
    board = board.networks().groups().aliases().one_masternode();
    for (name, family, colour, shown) in [
        ("Penalties", "masternode_pose_penalties_total", NEAR, true),
        ("Bans", "masternode_pose_bans_total", HARM, true),
        ("Revivals", "masternode_pose_revivals_total", CALM, true),
        ("Changes by owner or operator", "masternode_changes_total", EXPECTED, true),
        ("Payments", "masternode_payments_total", PLAIN, false),
        ("Payments lost", "masternode_payments_lost_total", FAINT, false),
    ] {
        let query = format!("{} > 0", rise(family, "", "$__rate_interval"));
        board = board.annotation(name, &query, &format!("{name} on {{{{network}}}}"), colour, shown);
    }
    board = now(board.row("Now"));
    board = states(board.row("Events and states"));
    board = score(board.row("Proof-of-Service score (chains with a score)"));
    board = outlook(board.row("Signs before a penalty"));
    board = payments(board.row("Payments"));
    board = pings(board.row("Pings (chains with pings)"));
    identity(board.row("Identity")).build()
}

fn now(board: Board) -> Board {
    board
        .panel(
            Panel::stat("State", "The masternode's state on the list; on the older chains as the node reports it.", "none")
                .option("textMode", json!("name"))
                .levels(HARM, &[(1.0, CALM)])
                .or_says("Not on the list")
                .query("{{state}} {{node_type}}", state_and_earning()),
        )
        .panel(data_age_panel())
        .panel(
            Panel::stat("Earning", "Whether it is on the list in a state that can be paid.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "yes", CALM), ("0", "no", HARM)])
                .or_says("Not on the list")
                .query("earning", one("masternode_enabled")),
        )
        .panel(
            Panel::stat("Failures until ban", "Further failed DKG sessions that ban it, if they came in the next block.", "none")
                .levels(HARM, &[(1.0, NEAR), (2.0, CALM)])
                .words(&[("0", "banned", HARM), ("1", "one more bans", NEAR), ("2", "survives one", CALM)])
                .or_says(SCORED)
                .query("failures", one("masternode_pose_failures_until_ban")),
        )
        .panel(
            Panel::stat("Time until safe", "Time until one more failed DKG session no longer bans, by the measured block time. Avoid restarts until then. No value while it is banned.", "s")
                .decimals(0)
                .levels(CALM, &[(1.0, NEAR)])
                .or_says("Banned, or a chain without a score")
                .query("until safe", as_seconds(&one("masternode_pose_blocks_until_safe"))),
        )
        .panel(
            Panel::stat("Paid in, at most", "Latest time of the next payment, by the measured block time. Sooner when others leave the queue.", "s")
                .decimals(0)
                .or_says("Not in a queue of fixed order")
                .query("paid in", as_seconds(&until_paid())),
        )
}

/// Blocks until its latest payment. Absent on chains with random selection.
fn until_paid() -> String {
    format!("{} - on (network) {}", one("masternode_payment_projected_height"), of_network("masternode_network_height"))
}

fn states(board: Board) -> Board {
    let events = Panel::bars("Events", "Events per time step from the exporter's counters: failed DKG sessions, bans, revivals, payments, lost queue positions, changes by owner or operator. Without a history, counters begin when the exporter starts.", "none")
        .levels(CALM, &[])
        .or_says(WATCHED);
    let events = [
        ("penalties", "masternode_pose_penalties_total", NEAR),
        ("bans", "masternode_pose_bans_total", HARM),
        ("revivals", "masternode_pose_revivals_total", LEVEL),
        ("payments", "masternode_payments_total", PLAIN),
        ("payments lost", "masternode_payments_lost_total", FAINT),
        ("changes", "masternode_changes_total", EXPECTED),
    ]
    .into_iter()
    .fold(events, |panel, (name, family, colour)| {
        panel.query(name, rise(family, "", "$__rate_interval")).colour(name, colour)
    });
    board
        .panel(
            Panel::bands("State over time", "A band for each state. Without a band, the exporter had no data, or the masternode was not on the list.")
                .levels(LOOK, &[])
                .option("showValue", json!("never"))
                .or_says("Not on the list")
                .query("{{state}}", one_by("state", "masternode_info"))
                .colour("enabled", CALM)
                .colour("pose_banned", HARM)
                .colour("pose_ban", HARM)
                .colour("expired", NEAR)
                .colour("revoked", HARM)
                .colour("unregistered", FAINT)
                .size(24, 5),
        )
        .panel(events)
        .panel(
            Panel::bars("Changes by field", "Changes of address, payout, keys and operator payout. Treat a change that you did not make as an emergency.", "none")
                .levels(CALM, &[])
                .or_says(WATCHED)
                .query("{{field}}", rise("masternode_changes_total", "field", "$__rate_interval")),
        )
}

fn score(board: Board) -> Board {
    let ahead = |family: &str| format!("max by (network) (last_over_time({family}{{{ONE}}}[1d]))");
    let network = |family: &str| format!("max by (network) (last_over_time({family}{{network=~\"$network\"}}[1d]))");
    // The score is 0 at its clear height, and one more in each block before. A future height is the last known one plus
    // the expected number of blocks since.
    let projected = format!(
        "clamp_min({} - on (network) ({} + on (network) (time() - {}) / on (network) {}), 0) unless on (network) {} == 1",
        ahead("masternode_pose_clear_height"),
        network("masternode_network_height"),
        network("masternode_exporter_list_timestamp_seconds"),
        network("masternode_network_block_interval_seconds"),
        ahead("masternode_pose_banned"),
    );
    board
        .panel(
            Panel::lines("Score, limit, safe level and projected decay", "A failed DKG session adds the step, each block takes 1 point off. At the limit it is banned. Above the safe level one more failure bans. The dashed line projects the score without further failures.", POINTS)
                .levels(CALM, &[])
                .or_says(SCORED)
                .query("score", one("masternode_pose_score"))
                .query("limit", of_network("masternode_network_pose_limit"))
                .query("safe level", of_network("masternode_network_pose_safe_level"))
                .query("projected", projected)
                .colour("score", PLAIN)
                .dashed("limit", HARM)
                .dashed("safe level", LEVEL)
                .dashed("projected", EXPECTED)
                .size(16, 10),
        )
        .panel(
            Panel::stat("Blocks until decay", "Blocks until the score is at the safe level, below the two thirds of Dash's public pages, and at 0.", BLOCKS)
                .levels(CALM, &[(1.0, NEAR)])
                .or_says("Banned, not watched, or a chain without a score")
                .query("until safe", one("masternode_pose_blocks_until_safe"))
                .query("until below two thirds", one("masternode_pose_blocks_until_below_two_thirds"))
                .query("until clear", one("masternode_pose_blocks_until_clear"))
                .size(8, 5),
        )
        .panel(
            Panel::stat("Expected time to a ban if offline", "Expected time until a ban if it goes offline now, from its score and the test rate of masternodes of its type.", "s")
                .decimals(0)
                .levels(HARM, &[(3600.0, NEAR), (86400.0, CALM)])
                .or_says("Banned, not watched, or a chain without a score")
                .query("to a ban", one("masternode_pose_time_to_ban_if_offline_seconds"))
                .size(8, 5),
        )
}

fn outlook(board: Board) -> Board {
    let seats = format!(
        "round(sum by (result) (max by (network, quorum_type, result) (increase(masternode_dkg_memberships_total{{{ONE}}}[$__rate_interval]))))"
    );
    board
        .panel(
            Panel::stat("Reachable", "Whether the last probe completed the handshake of its chain. A masternode that does not answer is penalised when the next quorum is formed without it.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "yes", CALM), ("0", "no", HARM)])
                .or_says(CALLED)
                .query("answers", one("masternode_p2p_reachable"))
                .size(5, 4),
        )
        .panel(
            Panel::stat("Probe failure", "Why the last probe failed, or why the masternode was not probed.", "none")
                .option("textMode", json!("name"))
                .levels(NEAR, &[])
                .or_says("It answers, or is not probed")
                .query("{{reason}}", one_by("reason", "masternode_p2p_failure"))
                .size(5, 4),
        )
        .panel(
            Panel::stat("Protocol version", "Its version in the last probe, and the minimum that members with the newest source's version accept.", "none")
                .decimals(0)
                .levels(PLAIN, &[])
                .or_says(CALLED)
                .query("speaks", one("masternode_p2p_protocol_version"))
                .query("least", format!("{} and on (network) {}", of_network("masternode_network_minimum_protocol_version"), one("masternode_p2p_protocol_version")))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Network requirements", "Whether each requirement is met, by the best evidence: a probe, the queried node's view, an active session, the list.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "met", CALM), ("0", "not met", HARM)])
                .or_says(DEMANDED)
                .query("{{requirement}}", one_by("requirement", "masternode_requirement_met"))
                .size(8, 4),
        )
        .panel(
            Panel::lines("Duration of the handshake", "From the first packet of a probe to the end of the handshake. No line while it does not answer.", "s")
                .levels(CALM, &[(2.0, LOOK), (5.0, NEAR)])
                .or_says(CALLED)
                .query("handshake", one("masternode_p2p_handshake_duration_seconds"))
                .colour("handshake", PLAIN),
        )
        .panel(
            Panel::bars("Quorum memberships by result", "Result of its memberships in the commitments of quorums, per time step. Each invalid one is a penalty.", "none")
                .levels(CALM, &[])
                .or_says(SEATED)
                .query("{{result}}", seats)
                .colour("valid", CALM)
                .colour("invalid", NEAR),
        )
        .panel(
            Panel::stat("Active DKG sessions", "Active DKG sessions that include it, and the bad votes and complaints of sources against it.", "none")
                .decimals(0)
                .levels(PLAIN, &[])
                .or_says(SESSIONS)
                .query("sessions", one("masternode_dkg_session_active"))
                .query("bad marks", one("masternode_dkg_session_bad_marks"))
                .series("bad marks", &[("thresholds", json!({"mode": "absolute", "steps": [{"color": CALM, "value": null}, {"color": NEAR, "value": 0.5}]}))])
                .size(12, 4),
        )
        .panel(
            Panel::stat("Contribution received", "Whether its contribution was received in each active session past that phase. No value between sessions.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "yes", CALM), ("0", "missing", HARM)])
                .or_says(SESSIONS)
                .query("contribution", one("masternode_dkg_session_contribution_received"))
                .size(12, 4),
        )
}

fn payments(board: Board) -> Board {
    let since =
        format!("{} - on (network) {}", of_network("masternode_network_height"), one("masternode_payment_last_height"));
    board
        .panel(
            Panel::lines("Payments and projection", "Maximum number of blocks until the next payment, and blocks since the last one. With each payment, the first rises from about 1 and the second falls to 0. If the second exceeds the cycle, a payment was missed.", BLOCKS)
                .levels(CALM, &[])
                .or_says(QUEUED)
                .query("until paid, at most", until_paid())
                .query("since last paid", &since)
                .query("payment cycle", of_network("masternode_network_payment_cycle_blocks"))
                .dashed("until paid, at most", EXPECTED)
                .colour("since last paid", PLAIN)
                .dashed("payment cycle", LEVEL)
                .size(10, 8),
        )
        .panel(
            Panel::lines("Queue position", "Position in the payment queue: 1 is the next block. On chains with a pool, 1 is the longest unpaid. No line while it is not eligible.", "none")
                .levels(CALM, &[])
                .or_says("Not eligible for a payment")
                .query("position", one("masternode_payment_queue_position"))
                .colour("position", PLAIN)
                .size(7, 8),
        )
        .panel(
            Panel::stat("Received payments", "Payments counted in the selected time range, and queue positions lost by a ban or a removal.", "none")
                .decimals(0)
                .levels(CALM, &[])
                .or_says(PAID)
                .query("received", rise("masternode_payments_total", "", "$__range"))
                .query("lost", rise("masternode_payments_lost_total", "", "$__range"))
                .series("lost", &[("thresholds", json!({"mode": "absolute", "steps": [{"color": CALM, "value": null}, {"color": HARM, "value": 0.5}]}))])
                .size(7, 4),
        )
        .panel(
            Panel::stat("Probability of the next selection", "Probability that the next selection pays it.", "percentunit")
                .decimals(3)
                .levels(FAINT, &[(0.000_001, CALM)])
                .or_says(DRAWN)
                .query("next draw", one("masternode_payment_draw_probability_ratio"))
                .size(7, 4),
        )
        .panel(
            Panel::gauges("Probability of a payment", "Probability of a payment within each horizon. With a fixed order it is 0 or 100 %.", "percentunit")
                .levels(FAINT, &[(0.000_001, CALM)])
                .between(0.0, 1.0)
                .or_says("Not on the list")
                .query("{{horizon}}", one_by("horizon", "masternode_payment_probability_ratio"))
                .size(24, 6),
        )
}

fn pings(board: Board) -> Board {
    let silence = format!(
        "clamp_min({} - on (network) {}, 0)",
        of_network("masternode_network_tip_timestamp_seconds"),
        one("masternode_last_seen_timestamp_seconds")
    );
    board
        .panel(
            Panel::lines("Time since the last ping", "By block time, as seen by the queried node. Above the warning level, check it. At the expiry level the chain treats it as expired and no longer pays it.", "s")
                .levels(CALM, &[])
                .or_says(PINGED)
                .query("silence", &silence)
                .query("warning", of_network("masternode_network_ping_warning_seconds"))
                .query("expiry", of_network("masternode_network_ping_expiry_seconds"))
                .colour("silence", PLAIN)
                .dashed("warning", NEAR)
                .dashed("expiry", HARM)
                .size(16, 8),
        )
        .panel(
            Panel::stat("Active", "Uptime from its start to its last ping.", "s")
                .decimals(0)
                .levels(LOOK, &[(86400.0, CALM)])
                .or_says(PINGED)
                .query("active", one("masternode_active_seconds"))
                .size(8, 4),
        )
        .panel(
            Panel::stat("Ban ends in", "Estimated blocks until the current ban ends automatically. Only on Dimecoin, and only if the exporter saw the ban begin.", BLOCKS)
                .levels(NEAR, &[])
                .or_says("No temporary ban")
                .query("ban ends in", format!("{} - on (network) {}", one("masternode_pose_ban_end_height"), of_network("masternode_network_height")))
                .size(8, 4),
        )
}

fn identity(board: Board) -> Board {
    let labels = [
        ("alias", "Alias"),
        ("node_type", "Kind"),
        ("state", "State"),
        ("address", "Address"),
        ("payout_address", "Payout"),
        ("owner_address", "Owner"),
        ("operator_key", "Operator key"),
        ("masternode", "Masternode"),
    ];
    let by = labels.map(|(label, _)| label).join(", ");
    let info = vec![Column::new("Listed", "none", one_by(&by, "masternode_info")).look("custom.hidden", json!(true))];
    board
        .panel(
            Panel::table(
                "Identity",
                "Its values on the list. An empty cell means that this chain does not report the value.",
                &labels,
                info,
                &[("Alias", false)],
            )
            .levels(CALM, &[])
            .or_says("Not on the list")
            .size(24, 4),
        )
        .panel(
            Panel::table(
                "Payees",
                "Payees and their shares of the owner's side; with several owners, each by its share. A payee with an unknown share is left out.",
                &[("payout_address", "Payee")],
                vec![Column::new("Part", "percentunit", one_by("payout_address", "masternode_payout_info"))],
                &[("Part", true)],
            )
            .levels(CALM, &[])
            .or_says("Not watched, or this chain does not report payees")
            .size(24, 5),
        )
        .panel(
            Panel::stat(
                "Expectations of the watch list",
                "Whether each field has the value of the watch list. A difference may be a theft.",
                "bool_yes_no",
            )
            .levels(HARM, &[(1.0, CALM)])
            .words(&[("1", "as expected", CALM), ("0", "differs", HARM)])
            .or_says("The watch list has no expectation for it")
            .query("{{field}}", one_by("field", "masternode_expectation_met"))
            .size(12, 4),
        )
        .panel(
            Panel::stat(
                "Last connection of the queried node",
                "When the queried node last connected to it, as that node reports.",
                "dateTimeFromNow",
            )
            .levels(PLAIN, &[])
            .or_says("Never, or not reported by this chain")
            .query("connected", format!("1000 * {}", one("masternode_peer_last_success_timestamp_seconds")))
            .size(12, 4),
        )
}
