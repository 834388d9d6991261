//! The dashboard for permanent display: masternodes in danger, and the age of the data.
//!
//! Never here: details of a single masternode.

use serde_json::{Value, json};

use crate::board::Board;
use crate::panel::{
    BLOCKS, CALLED, CALM, Column, DEMANDED, EXPECTED, FAINT, HARM, LOOK, NEAR, POINTS, Panel, QUORUMS, SCORED_WATCHED,
    coloured, mapping, to_masternode,
};
use crate::queries::{KEY, as_seconds, by_danger, chosen, danger, data_age, networks, rise, watched};

/// Ranks of danger in words, as [`danger`] gives them.
const DANGERS: &[(&str, &str, &str)] = &[
    ("6", "missing from the list", FAINT),
    ("5", "banned", HARM),
    ("4", "one failure from a ban", NEAR),
    ("3", "unhealthy", EXPECTED),
    ("2", "decaying", LOOK),
    ("1", "clear", CALM),
];

/// Colours of the counts, in the words of [`by_danger`].
const COUNTS: &[(&str, &str)] = &[
    ("Missing from the list", FAINT),
    ("Banned", HARM),
    ("One failure from a ban", NEAR),
    ("Unhealthy", EXPECTED),
    ("Decaying", LOOK),
    ("Clear", CALM),
];

/// The dashboard.
pub(crate) fn board() -> Value {
    let about = "Your masternodes by danger, the next payments, and the age of the data. Without a watch list it shows \
                 every masternode that the exporter publishes.";
    let board = Board::new("masternode-fleet", "Fleet", about, "now-24h", "now");
    let board = board.networks().groups().aliases().horizons();
    let board = board
        .annotation(
            "Bans",
            &format!("sum by (network, alias) ({}) > 0", rise("masternode_pose_bans_total", "$__rate_interval")),
            "Ban of {{alias}} on {{network}}",
            HARM,
            true,
        )
        .annotation(
            "Revivals",
            &format!("sum by (network, alias) ({}) > 0", rise("masternode_pose_revivals_total", "$__rate_interval")),
            "Revival of {{alias}} on {{network}}",
            CALM,
            true,
        );
    let board = trust(board.row("Data quality"));
    let board = danger_now(board.row("Masternodes in danger"));
    let board = outlook(board.row("Signs before a penalty"));
    later(board).build()
}

/// The first line: if the data is old, everything below it is meaningless.
fn trust(board: Board) -> Board {
    board
        .panel(data_age_panel().size(6, 4))
        .panel(synced_panel().size(6, 4))
        .panel(
            Panel::stat("Alerts firing", "Firing alerts of the project's rules, without the watchdog. The watchdog always fires and shows that the rules are loaded.", "none")
                .levels(CALM, &[(1.0, HARM)])
                .or_says(NO_RULES)
                .query("firing", format!("count({ALERTS}) or 0 * max({WATCHDOG})"))
                .size(4, 4),
        )
        .panel(restart_panel().size(8, 4))
}

/// Alerts of the project, including those without a network. The watchdog always fires and does not show danger.
const ALERTS: &str = "ALERTS{alertname=~\"Masternode.+\",alertname!=\"MasternodeExporterWatchdog\",\
                      alertstate=\"firing\",network=~\"$network|\"}";

/// Fires if the rules are loaded.
const WATCHDOG: &str = "ALERTS{alertname=\"MasternodeExporterWatchdog\",alertstate=\"firing\"}";

/// Without rules the number of alerts is unknown, not 0.
const NO_RULES: &str = "The project's alert rules are not loaded into this Prometheus";

/// Age of the data, on every dashboard with current values.
pub(crate) fn data_age_panel() -> Panel {
    Panel::stat("Data age", "Seconds since a source last confirmed the data. It should stay near the poll interval. From a minute on, a source is slow or down; after 15 minutes (by default) the exporter withdraws its data.", "s")
        .decimals(0)
        .levels(CALM, &[(60.0, LOOK), (300.0, NEAR), (900.0, HARM)])
        .query("{{network}}", data_age())
}

/// Whether any source of a network is in sync.
pub(crate) fn synced_panel() -> Panel {
    Panel::stat(
        "Source in sync",
        "Whether at least one source of the network answered and was in sync when it was last asked.",
        "bool_yes_no",
    )
    .levels(HARM, &[(1.0, CALM)])
    .words(&[("1", "in sync", CALM), ("0", "not in sync", HARM)])
    .query("{{network}}", networks("masternode_exporter_source_synced", "network"))
}

/// Time for a safe restart.
pub(crate) fn restart_panel() -> Panel {
    Panel::stat("Safe restart window", "Time in which a restart of a masternode of this type misses no DKG session, by the measured block time. 0 means that a session is active or about to begin.", "s")
        .decimals(0)
        .levels(HARM, &[(1.0, NEAR), (600.0, CALM)])
        .or_says(QUORUMS)
        .query("{{network}} {{node_type}}", as_seconds(&networks("masternode_network_maintenance_window_blocks", "network, node_type")))
}

fn danger_now(board: Board) -> Board {
    let mut counts = Panel::stat("Masternodes by danger", "The selected masternodes, each counted once in its worst category; without a watch list, all masternodes of the networks. One failure from a ban: the score is above the safe level. Unhealthy: on the older chains, in a state that is not paid. Missing: watched, but not on the list.", "none").size(24, 4);
    for ((name, query), (_, colour)) in by_danger().into_iter().zip(COUNTS) {
        counts = counts.query(name, query).counted(name, colour);
    }
    board
        .panel(counts)
        .panel(table())
        .panel(
            Panel::lines("Time until one more failure no longer bans", "The 20 longest times, by the measured block time. The value falls by one block per block. 0 is safe; a banned masternode has no value.", "s")
                .levels(CALM, &[(1.0, NEAR)])
                .or_says(SCORED_WATCHED)
                .query("{{network}} {{alias}}", format!("topk(20, {})", as_seconds(&watched("masternode_pose_blocks_until_safe")))),
        )
        .panel(over_time())
}

fn outlook(board: Board) -> Board {
    let (reachable, met) = (chosen("masternode_p2p_reachable"), |by: &str| {
        format!("max by ({KEY}, {by}) (masternode_requirement_met{{{}}})", crate::queries::CHOSEN)
    });
    let unmet = met("requirement");
    board
        .panel(
            Panel::stat("Unreachable", "Selected masternodes that did not complete the handshake of their chain in their last probe. Masternodes without a probe are not counted.", "none")
                .levels(CALM, &[(1.0, HARM)])
                .or_says(CALLED)
                .query("do not answer", format!("count({reachable} == 0) or 0 * count({reachable})"))
                .size(4, 8),
        )
        .panel(
            Panel::stat("Unmet requirements", "Selected masternodes by unmet requirement, by the best evidence.", "none")
                .levels(CALM, &[(1.0, NEAR)])
                .or_says(DEMANDED)
                .query("{{requirement}}", format!("count by (requirement) ({unmet} == 0) or 0 * count by (requirement) ({unmet})"))
                .size(8, 8),
        )
        .panel(
            Panel::lines("Handshake duration", "The 20 slowest probes of the selected masternodes.", "s")
                .levels(CALM, &[(2.0, LOOK), (5.0, NEAR)])
                .or_says(CALLED)
                .query("{{network}} {{alias}}", format!("topk(20, {})", chosen("masternode_p2p_handshake_duration_seconds"))),
        )
}

fn table() -> Panel {
    let (state, queue) = (
        format!("max by ({KEY}, state, node_type) (masternode_info{{{}}})", crate::queries::CHOSEN),
        chosen("masternode_payment_queue_position"),
    );
    let columns = vec![
        Column::new("Danger", "none", danger())
            .look("mappings", mapping(DANGERS))
            .look("custom.cellOptions", coloured())
            .look("custom.width", json!(190)),
        Column::new("On the list", "none", state).look("custom.hidden", json!(true)),
        Column::new("Score", POINTS, chosen("masternode_pose_score")),
        Column::new("Failures until ban", "none", chosen("masternode_pose_failures_until_ban")),
        Column::new("Blocks until safe", BLOCKS, chosen("masternode_pose_blocks_until_safe")),
        Column::new("Time until safe", "s", as_seconds(&chosen("masternode_pose_blocks_until_safe"))),
        Column::new("Queue position", "none", queue),
        Column::new("Paid within $horizon", "percentunit", chosen_within()),
    ];
    let labels = [
        ("alias", "Alias"),
        ("network", "Network"),
        ("state", "State"),
        ("node_type", "Kind"),
        ("masternode", "Masternode"),
    ];
    Panel::table("Masternodes, the most endangered first", "Click an alias for the dashboard of that masternode. Time until safe: how long one more failed DKG session would still ban. Queue position 1 is the next block; on chains with random selection, position 1 is the longest unpaid.", &labels, columns, &[("Danger", true), ("Blocks until safe", true), ("Score", true)])
        .levels(CALM, &[])
        .series("alias", &[("links", to_masternode())])
        .series("masternode", &[("links", to_masternode()), ("custom.width", json!(160))])
        .size(24, 12)
}

/// Probability of a payment within the selected horizon.
pub(crate) fn chosen_within() -> String {
    format!("max by ({KEY}) (masternode_payment_probability_ratio{{{},horizon=\"$horizon\"}})", crate::queries::CHOSEN)
}

fn over_time() -> Panel {
    let mut panel = Panel::areas(
        "Masternodes by danger over time",
        "The counts above over time. A gap is a time without data, not a time without danger.",
        "none",
    )
    .levels(CALM, &[]);
    for ((name, query), (_, colour)) in by_danger().into_iter().zip(COUNTS) {
        panel = panel.query(name, query).colour(name, colour);
    }
    panel
}

fn later(board: Board) -> Board {
    let columns = vec![
        Column::new("Paid within $horizon", "percentunit", chosen_within()),
        Column::new("Queue position", "none", chosen("masternode_payment_queue_position")),
        Column::new("Blocks until paid, at most", BLOCKS, blocks_until_paid()),
        Column::new(
            "Paid until, at the latest",
            "dateTimeAsIso",
            format!("1000 * (time() + {})", as_seconds(&blocks_until_paid())),
        ),
    ];
    let labels = [("alias", "Alias"), ("network", "Network"), ("masternode", "Masternode")];
    let payments = Panel::table("Next payments", "Soonest first. On chains with a fixed order, the masternode is paid by that block at the latest, and sooner when others leave the queue. On chains with random selection there is only a probability.", &labels, columns, &[("Queue position", false)])
        .levels(CALM, &[])
        .series("alias", &[("links", to_masternode())])
        .size(12, 9);
    let alerts = Panel::table(
        "Firing alerts",
        "Firing alerts of the project's rules in this Prometheus. Silences and routing are not considered.",
        &[("severity", "Severity"), ("alertname", "Alert"), ("network", "Network"), ("alias", "Alias")],
        vec![
            Column::new("Firing", "none", format!("max by (severity, alertname, network, alias) ({ALERTS})"))
                .look("custom.hidden", json!(true)),
        ],
        &[("Severity", false)],
    )
    .levels(CALM, &[])
    .or_says("No alert of the project's rules fires")
    .series(
        "severity",
        &[
            (
                "mappings",
                mapping(&[("critical", "critical", HARM), ("warning", "warning", NEAR), ("info", "info", CALM)]),
            ),
            ("custom.cellOptions", coloured()),
        ],
    )
    .size(12, 9);
    board.row("Next payments and alerts").panel(payments).panel(alerts)
}

/// Blocks until the projected payment. Absent on chains with random selection.
pub(crate) fn blocks_until_paid() -> String {
    format!(
        "{} - on (network) group_left () {}",
        chosen("masternode_payment_projected_height"),
        networks("masternode_network_height", "network")
    )
}
