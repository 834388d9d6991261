//! The board that stays open: are my masternodes in danger, and is this still true?
//!
//! Never here: one masternode's story.

use serde_json::{Value, json};

use crate::board::Board;
use crate::panel::{
    BLOCKS, CALLED, CALM, Column, DEMANDED, EXPECTED, FAINT, HARM, LOOK, NEAR, POINTS, Panel, QUORUMS, SCORED,
    coloured, mapping, to_masternode,
};
use crate::queries::{KEY, as_seconds, by_danger, chosen, danger, data_age, networks, rise};

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

/// The board.
pub(crate) fn board() -> Value {
    let about = "Your masternodes by danger, who is paid next, and how fresh all this is. Without a watch list it shows \
                 every masternode that the exporter tells of.";
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
    let board = trust(board.row("Is this the truth, and of when?"));
    let board = danger_now(board.row("Who is in danger?"));
    let board = outlook(board.row("Who is seen to fail before a penalty?"));
    later(board).build()
}

/// The first line: nothing below it means anything when the data are old.
fn trust(board: Board) -> Board {
    board
        .panel(data_age_panel().size(6, 4))
        .panel(synced_panel().size(6, 4))
        .panel(
            Panel::stat("Alerts firing", "Alerts of the project's rules that fire now. The watchdog, which always fires, is not counted; it tells that the rules are loaded.", "none")
                .levels(CALM, &[(1.0, HARM)])
                .or_says(NO_RULES)
                .query("firing", format!("count({ALERTS}) or 0 * max({WATCHDOG})"))
                .size(4, 4),
        )
        .panel(restart_panel().size(8, 4))
}

/// Alerts of ours; those that are about no network too. The watchdog always fires and says nothing about danger.
const ALERTS: &str = "ALERTS{alertname=~\"Masternode.+\",alertname!=\"MasternodeExporterWatchdog\",\
                      alertstate=\"firing\",network=~\"$network|\"}";

/// Fires wherever the rules are loaded.
const WATCHDOG: &str = "ALERTS{alertname=\"MasternodeExporterWatchdog\",alertstate=\"firing\"}";

/// Without rules there is no count of alerts, and certainly not 0.
const NO_RULES: &str = "The project's alert rules are not loaded into this Prometheus";

/// Age of the data, on every board that speaks of now.
pub(crate) fn data_age_panel() -> Panel {
    Panel::stat("Data age", "Seconds since a source last confirmed what the pages say. It should stay near the poll interval. From a minute on a source is slow or gone; after 15 minutes (by default) the exporter withdraws its data rather than show old numbers.", "s")
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

/// Whether a restart is harmless now.
pub(crate) fn restart_panel() -> Panel {
    Panel::stat("Restart without harm", "Time in which a restart of a masternode of this kind misses no DKG session, by the measured time between blocks. 0 means: not now, a session is under way or about to begin.", "s")
        .decimals(0)
        .levels(HARM, &[(1.0, NEAR), (600.0, CALM)])
        .or_says(QUORUMS)
        .query("{{network}} {{node_type}}", as_seconds(&networks("masternode_network_maintenance_window_blocks", "network, node_type")))
}

fn danger_now(board: Board) -> Board {
    let mut counts = Panel::stat("Masternodes by danger", "The chosen masternodes, each counted once under the worst that is true of it. One failure from a ban: the score is above the safe level. Unhealthy: on the older chains, in a state that is not paid. Missing: watched, but not on the list.", "none").size(24, 4);
    for ((name, query), (_, colour)) in by_danger().into_iter().zip(COUNTS) {
        counts = counts.query(name, query).counted(name, colour);
    }
    board
        .panel(counts)
        .panel(table())
        .panel(
            Panel::lines("Time until one more failure no longer bans", "The 20 that wait longest, by the measured time between blocks. It falls by one block a block. 0 is safe; a banned masternode has no value here.", "s")
                .levels(CALM, &[(1.0, NEAR)])
                .or_says(SCORED)
                .query("{{network}} {{alias}}", format!("topk(20, {})", as_seconds(&chosen("masternode_pose_blocks_until_safe")))),
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
            Panel::stat("Do not answer", "Chosen masternodes that did not complete the handshake of their chain when they were last called. Those that were not called are not counted.", "none")
                .levels(CALM, &[(1.0, HARM)])
                .or_says(CALLED)
                .query("do not answer", format!("count({reachable} == 0) or 0 * count({reachable})"))
                .size(4, 8),
        )
        .panel(
            Panel::stat("Do not meet what is demanded", "Chosen masternodes by the requirement that they do not meet, by the best evidence there is.", "none")
                .levels(CALM, &[(1.0, NEAR)])
                .or_says(DEMANDED)
                .query("{{requirement}}", format!("count by (requirement) ({unmet} == 0) or 0 * count by (requirement) ({unmet})"))
                .size(8, 8),
        )
        .panel(
            Panel::lines("Time of handshakes", "The 20 slowest of the chosen masternodes to answer a call.", "s")
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
    Panel::table("Masternodes, the most endangered first", "Click an alias for the story of that masternode. Time until safe: how long one more failed DKG session would still ban. Queue position 1 is the next block; where chance decides it says how long unpaid, and the chance is what counts.", &labels, columns, &[("Danger", true), ("Blocks until safe", true), ("Score", true)])
        .levels(CALM, &[])
        .series("alias", &[("links", to_masternode())])
        .series("masternode", &[("links", to_masternode()), ("custom.width", json!(160))])
        .size(24, 12)
}

/// Chance of a payment within the chosen horizon.
pub(crate) fn chosen_within() -> String {
    format!("max by ({KEY}) (masternode_payment_probability_ratio{{{},horizon=\"$horizon\"}})", crate::queries::CHOSEN)
}

fn over_time() -> Panel {
    let mut panel = Panel::areas(
        "Masternodes by danger over time",
        "The counts from above. A gap is a time without data, not a time without danger.",
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
    let payments = Panel::table("Next payments", "Soonest first. Where an order decides, the masternode is paid by that block at the latest, sooner when others drop out. Where chance decides there is no latest block, only the chance.", &labels, columns, &[("Queue position", false)])
        .levels(CALM, &[])
        .series("alias", &[("links", to_masternode())])
        .size(12, 9);
    let alerts = Panel::table(
        "Firing alerts",
        "Alerts of the project's rules that fire in this Prometheus. Silences and routes are the Alertmanager's.",
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
    board.row("What comes next").panel(payments).panel(alerts)
}

/// Blocks until the projected payment. Absent where chance decides.
pub(crate) fn blocks_until_paid() -> String {
    format!(
        "{} - on (network) group_left () {}",
        chosen("masternode_payment_projected_height"),
        networks("masternode_network_height", "network")
    )
}
