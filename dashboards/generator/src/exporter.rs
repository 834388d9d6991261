//! The exporter itself: health of its sources, and its resource usage.
//!
//! Never here: masternodes.

use serde_json::{Value, json};

use crate::board::Board;
use crate::fleet::data_age_panel;
use crate::panel::{BLOCKS, CALLED, CALM, Column, HARM, LOOK, NEAR, PLAIN, Panel, coloured, mapping};

/// The selected exporters and networks.
const BOTH: &str = "network=~\"$network\",instance=~\"$instance\"";

/// The selected exporters, for metrics without a network.
const SELF: &str = "instance=~\"$instance\"";

/// Text of the history panels without a history.
const NO_HISTORY: &str = "No history: history.path is not set";

/// Text of a panel before the first hourly check of the history.
const NO_CHECK: &str = "No history, or not checked yet";

/// Text of a panel without receivers that say their time.
const NO_CLOCK: &str = "No receivers are configured, or none says its time";

/// Text of a panel without entries.
const NO_ENTRIES: &str = "Neither a watch list nor maintenance is configured";

/// Text of a panel without a web configuration file.
const NO_WEB_FILE: &str = "No web configuration file (web.config_file)";

/// Text of the notification panels without receivers.
const NO_RECEIVERS: &str = "No receivers are configured (alerting)";

fn rate(family: &str, matching: &str, by: &str) -> String {
    format!("sum by ({by}) (rate({family}{{{matching}}}[$__rate_interval]))")
}

/// The dashboard.
pub(crate) fn board() -> Value {
    let about = "Sources, RPC calls, followed and skipped blocks, series, history, notifications, watch list, probes, and the process.";
    let board = Board::new("masternode-self", "Exporter", about, "now-6h", "now").networks().instances();
    let reorgs =
        format!("sum by (network) (increase(masternode_exporter_reorgs_total{{{BOTH}}}[$__rate_interval])) > 0");
    let board = board.annotation("Reorganisations", &reorgs, "Reorganisation of {{network}}", NEAR, true);
    let board = sources(board.row("Sources"));
    let board = calls(board.row("RPC calls"));
    let board = followed(board.row("Blocks and series"));
    let board = history(board.row("History (history.path)"));
    let board = notifications(board.row("Notifications (alerting)"));
    let board = watching(board.row("Watch list and probes"));
    process(board.row("Process")).build()
}

fn sources(board: Board) -> Board {
    let by = "network, source, instance";
    let of = |family: &str| format!("max by ({by}) ({family}{{{BOTH}}})");
    let well = |yes, no| mapping(&[("1", yes, CALM), ("0", no, HARM)]);
    let columns = vec![
        Column::new("Answers", "none", of("masternode_exporter_source_up"))
            .look("mappings", well("yes", "no"))
            .look("custom.cellOptions", coloured()),
        Column::new("In sync", "none", of("masternode_exporter_source_synced"))
            .look("mappings", well("yes", "no"))
            .look("custom.cellOptions", coloured()),
        Column::new("Right network", "none", of("masternode_exporter_source_network_match"))
            .look("mappings", well("yes", "no"))
            .look("custom.cellOptions", coloured()),
        Column::new("List proven", "none", of("masternode_exporter_source_list_proven"))
            .look("mappings", well("yes", "no"))
            .look("custom.cellOptions", coloured()),
        Column::new(
            "Last confirmed",
            "s",
            format!("time() - {}", of("masternode_exporter_source_last_success_timestamp_seconds")),
        )
        .look("decimals", json!(0)),
    ];
    board
        .panel(data_age_panel().size(6, 6))
        .panel(
            Panel::table("Sources", "The source nodes. Answers: whether it answered the last request, even if it is starting. List proven: whether its last checked list is the one to which its block commits; empty if it was not checked. Last confirmed: seconds since it confirmed the list or its tip.", &[("network", "Network"), ("source", "Source"), ("instance", "Exporter")], columns, &[("Answers", false), ("In sync", false)])
                .levels(CALM, &[])
                .size(18, 6),
        )
        .panel(
            Panel::bands("In sync over time", "Whether each source was usable and in sync.")
                .words(&[("1", "in sync", CALM), ("0", "not in sync", HARM)])
                .query("{{network}} {{source}}", "max by (network, source) (masternode_exporter_source_synced{network=~\"$network\",instance=~\"$instance\"})")
                .size(12, 6),
        )
        .panel(
            Panel::lines("Time since a source last confirmed", "It should stay near the poll interval.", "s")
                .levels(CALM, &[(300.0, NEAR), (900.0, HARM)])
                .query("{{network}} {{source}}", format!("time() - max by (network, source) (masternode_exporter_source_last_success_timestamp_seconds{{{BOTH}}})"))
                .size(12, 6),
        )
}

fn calls(board: Board) -> Board {
    let seconds = "masternode_exporter_rpc_request_duration_seconds";
    let buckets = rate(&format!("{seconds}_bucket"), BOTH, "le, network, method");
    let mean = format!(
        "{} / {}",
        rate(&format!("{seconds}_sum"), BOTH, "network, method"),
        rate(&format!("{seconds}_count"), BOTH, "network, method")
    );
    board
        .panel(
            Panel::lines("RPC call duration, 95th percentile", "By method, with the precision of the histogram's buckets. No line for methods that were not called.", "s")
                .levels(CALM, &[(10.0, LOOK)])
                .query("{{network}} {{method}}", format!("histogram_quantile(0.95, {buckets}) >= 0"))
                .size(12, 9),
        )
        .panel(
            Panel::lines("Mean RPC call duration", "By method.", "s")
                .levels(CALM, &[(5.0, LOOK)])
                .query("{{network}} {{method}}", format!("{mean} >= 0"))
                .size(12, 9),
        )
        .panel(
            Panel::lines("RPC calls per second by method", "The rate depends on blocks and the poll interval, not on scrapes.", "reqps")
                .levels(CALM, &[])
                .query("{{network}} {{method}}", rate(&format!("{seconds}_count"), BOTH, "network, method")),
        )
        .panel(
            Panel::areas("RPC calls per second by outcome", "Any outcome other than ok means that a source refuses, is starting, is slow or is down. The log names it once.", "reqps")
                .levels(CALM, &[])
                .query("{{outcome}}", rate(&format!("{seconds}_count"), BOTH, "outcome"))
                .colour("ok", CALM),
        )
}

fn followed(board: Board) -> Board {
    let window = |family: &str| format!("sum by (network) (increase({family}{{{BOTH}}}[$__range]))");
    board
        .panel(
            Panel::stat("Blocks not followed one by one", "In the selected time range. Events of such blocks are missing or not exact.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, NEAR)])
                .query("{{network}}", window("masternode_exporter_gap_blocks_total"))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Reorganisations", "In the selected time range.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, LOOK)])
                .query("{{network}}", window("masternode_exporter_reorgs_total"))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Events withdrawn", "Events of blocks that a reorganisation replaced, in the selected time range. Counters that counted them do not decrease.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, LOOK)])
                .query("{{network}}", window("masternode_exporter_events_withdrawn_total"))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Full list downloads", "In the selected time range, after an incremental update failed or contradicted the node.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, LOOK)])
                .query("{{network}}", window("masternode_exporter_resyncs_total"))
                .size(6, 4),
        )
        .panel(
            Panel::bars("Answers not understood", "Values in answers of sources that this version does not understand, per time step, by kind. The affected values are absent elsewhere: update the exporter.", "none")
                .levels(CALM, &[(0.5, NEAR)])
                .query("{{network}} {{kind}}", format!("sum by (network, kind) (increase(masternode_exporter_not_understood_total{{{BOTH}}}[$__rate_interval]))"))
                .size(24, 6),
        )
        .panel(
            Panel::lines("Blocks followed per minute", "About one per 2.6 minutes on Dash, and one per minute on the older chains.", "none")
                .levels(CALM, &[])
                .query("{{network}}", format!("60 * {}", rate("masternode_exporter_blocks_followed_total", BOTH, "network")))
                .size(8, 8),
        )
        .panel(
            Panel::lines("Samples of individual masternodes", "Maximum number on a page, by tier: watched masternodes have all families, others the lean ones.", "none")
                .levels(CALM, &[])
                .query("{{network}} {{tier}}", format!("max by (network, tier) (masternode_exporter_series{{{BOTH}}})"))
                .size(8, 8),
        )
        .panel(
            Panel::lines("Samples dropped by the limit", "Samples per second that series.limit dropped. Above 0: raise the limit, or select fewer masternodes.", "none")
                .levels(CALM, &[(0.001, NEAR)])
                .query("{{network}} {{tier}}", rate("masternode_exporter_series_suppressed_total", BOTH, "network, tier"))
                .size(8, 8),
        )
}

fn history(board: Board) -> Board {
    let of = |family: &str| format!("max by (instance) ({family}{{{SELF}}})");
    board
        .panel(
            Panel::stat("History", "Whether the last attempt to open or write the file succeeded. While it fails, the exporter continues to serve metrics and writes later.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "written", CALM), ("0", "cannot be written", HARM)])
                .or_says(NO_HISTORY)
                .query("{{instance}}", of("masternode_exporter_history_up"))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Last written", "Time since the last write. Each block causes a write.", "s")
                .decimals(0)
                .levels(CALM, &[(1800.0, NEAR)])
                .or_says(NO_HISTORY)
                .query("{{instance}}", format!("time() - {}", of("masternode_exporter_history_last_write_timestamp_seconds")))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Queued blocks", "Followed blocks that wait to be written.", BLOCKS)
                .levels(CALM, &[(3.0, LOOK), (100.0, NEAR)])
                .or_says(NO_HISTORY)
                .query("{{network}}", format!("max by (network) (masternode_exporter_history_pending_blocks{{{BOTH}}})"))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Failed writes", "Failed attempts to open or write it, in the selected time range. Each block is retried until it is written.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, NEAR)])
                .or_says(NO_HISTORY)
                .query("{{instance}}", format!("sum by (instance) (increase(masternode_exporter_history_write_errors_total{{{SELF}}}[$__range]))"))
                .size(6, 4),
        )
        .panel(
            Panel::stat("Damaged events", "Damaged events in the history file at the last hourly check. Answers omit them.", "none")
                .decimals(0)
                .levels(CALM, &[(1.0, HARM)])
                .or_says(NO_CHECK)
                .query("{{instance}}", of("masternode_exporter_history_damaged_rows"))
                .size(6, 6),
        )
        .panel(
            Panel::stat("Files replaced", "Times that the history file was opened again or set aside, in the selected time range, by reason.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, NEAR)])
                .or_says(NO_HISTORY)
                .query("{{reason}}", format!("sum by (reason) (increase(masternode_exporter_history_replaced_total{{{SELF}}}[$__range]))"))
                .size(6, 6),
        )
        .panel(
            Panel::lines("Size of the history", "The file and its write-ahead log. history.retention limits it.", "bytes")
                .levels(CALM, &[])
                .or_says(NO_HISTORY)
                .query("{{instance}}", of("masternode_exporter_history_size_bytes"))
                .size(12, 6),
        )
}

fn notifications(board: Board) -> Board {
    let ended = |outcome: &str| {
        format!(
            "round(sum by (receiver) (increase(masternode_exporter_notifications_total{{{SELF},outcome=\"{outcome}\"}}[$__range])))"
        )
    };
    board
        .panel(
            Panel::stat("Delivered", "Messages that each receiver accepted, in the selected time range. Alertmanager gets each alert once a minute; a heartbeat is a receiver too.", "none")
                .decimals(0)
                .levels(PLAIN, &[])
                .or_says(NO_RECEIVERS)
                .query("{{receiver}}", ended("delivered"))
                .size(6, 5),
        )
        .panel(
            Panel::stat("Failed attempts", "Attempts that a receiver did not accept, in the selected time range. Each is retried.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, NEAR)])
                .or_says(NO_RECEIVERS)
                .query("{{receiver}}", ended("failed"))
                .size(6, 5),
        )
        .panel(
            Panel::stat("Dropped", "Notifications that a receiver never got, in the selected time range: a refused message, a resolution that failed for a day, or too many alerts at once.", "none")
                .decimals(0)
                .levels(CALM, &[(0.5, HARM)])
                .or_says(NO_RECEIVERS)
                .query("{{receiver}}", ended("dropped"))
                .size(6, 5),
        )
        .panel(
            Panel::stat("Last delivered", "Time since a receiver last accepted a message. It may be long without alerts; an Alertmanager gets one per minute while an alert fires.", "s")
                .decimals(0)
                .levels(PLAIN, &[])
                .or_says(NO_RECEIVERS)
                .query("{{receiver}}", format!("time() - max by (receiver) (masternode_exporter_notification_last_success_timestamp_seconds{{{SELF}}})"))
                .size(6, 5),
        )
        .panel(
            Panel::lines("Clock ahead", "Seconds by which the clock of a receiver is ahead of the exporter's. Alerts end by the receiver's clock; a large value means that one of the clocks is wrong.", "s")
                .levels(CALM, &[(60.0, LOOK)])
                .or_says(NO_CLOCK)
                .query("{{receiver}}", format!("max by (receiver) (masternode_exporter_notification_clock_ahead_seconds{{{SELF}}})"))
                .size(12, 6),
        )
        .panel(
            Panel::lines("Pending notifications", "Alerts with a pending notification for each receiver. A lasting value above 0 means that the receiver is unreachable.", "none")
                .levels(CALM, &[(1.0, LOOK)])
                .or_says(NO_RECEIVERS)
                .query("{{receiver}}", format!("max by (receiver) (masternode_exporter_notification_queue_length{{{SELF}}})"))
                .size(12, 6),
        )
}

/// What the exporter is told to watch, and its probes.
fn watching(board: Board) -> Board {
    let matches = |family: &str| format!("max by (network, entry) ({family}{{{BOTH}}})");
    let entries = vec![
        Column::new(
            "Masternodes",
            "none",
            format!(
                "{} or {}",
                matches("masternode_watch_entry_matches"),
                matches("masternode_maintenance_entry_matches")
            ),
        )
        .look(
            "thresholds",
            json!({"mode": "absolute", "steps": [{"color": HARM, "value": null}, {"color": CALM, "value": 1}]}),
        )
        .look("custom.cellOptions", coloured()),
    ];
    let probed = |which: &str| {
        format!("count by (network) (max by (network, masternode) (masternode_p2p_reachable{{{BOTH}}}) == {which})")
    };
    board
        .panel(
            Panel::table("Entries of the watch list", "How many masternodes each entry of the watch list or of maintenance matches. An entry that matches none watches nothing.", &[("network", "Network"), ("entry", "Entry")], entries, &[("Masternodes", false)])
                .levels(CALM, &[])
                .or_says(NO_ENTRIES)
                .size(12, 8),
        )
        .panel(
            Panel::lines("Probes", "Masternodes by the result of their last probe.", "none")
                .levels(CALM, &[])
                .or_says(CALLED)
                .query("{{network}} reachable", probed("1"))
                .query("{{network}} not reachable", format!("{} or 0 * {}", probed("0"), probed("1")))
                .size(12, 8),
        )
}

fn process(board: Board) -> Board {
    let of = |family: &str| {
        format!("max by (instance) ({family}{{{SELF}}} and on (instance, job) masternode_exporter_build_info)")
    };
    let build = vec![Column::new("Running for", "s", format!("max by (instance, version, revision, rustc) ((time() - process_start_time_seconds{{{SELF}}}) * on (instance, job) group_left (version, revision, rustc) masternode_exporter_build_info)")).look("decimals", json!(0))];
    board
        .panel(
            Panel::table("Exporters", "Versions of the running exporters.", &[("instance", "Exporter"), ("version", "Version"), ("revision", "Revision"), ("rustc", "Compiler")], build, &[("Exporter", false)])
                .levels(PLAIN, &[])
                .size(12, 5),
        )
        .panel(
            Panel::stat("Configuration", "Whether the last configuration reload succeeded. If not, the previous configuration is active.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "read", CALM), ("0", "refused", HARM)])
                .query("{{instance}}", of("masternode_exporter_config_last_reload_successful"))
                .size(4, 5),
        )
        .panel(
            Panel::stat("Web configuration", "Whether the last load of the web configuration file succeeded. If not, the previous one is active.", "bool_yes_no")
                .levels(HARM, &[(1.0, CALM)])
                .words(&[("1", "read", CALM), ("0", "refused", HARM)])
                .or_says(NO_WEB_FILE)
                .query("{{instance}}", of("masternode_exporter_web_config_last_reload_successful"))
                .size(4, 5),
        )
        .panel(
            Panel::stat("Scrape duration", "Duration of the last scrape, as measured by Prometheus.", "s")
                .levels(CALM, &[(5.0, NEAR), (10.0, HARM)])
                .query("{{instance}}", of("scrape_duration_seconds"))
                .size(4, 5),
        )
        .panel(
            Panel::lines("Memory", "Resident memory.", "bytes").levels(CALM, &[]).query("{{instance}}", of("process_resident_memory_bytes")).size(8, 8),
        )
        .panel(
            Panel::lines("CPU", "Share of one core.", "percentunit")
                .levels(CALM, &[])
                .query("{{instance}}", format!("max by (instance) (rate(process_cpu_seconds_total{{{SELF}}}[$__rate_interval]) and on (instance, job) masternode_exporter_build_info)"))
                .size(8, 8),
        )
        .panel(
            Panel::lines("HTTP requests per second", "By handler and status code. 503 means no list yet, or too many concurrent requests.", "reqps")
                .levels(CALM, &[])
                .query("{{handler}} {{code}}", rate("masternode_exporter_http_requests_total", SELF, "handler, code"))
                .size(8, 8),
        )
        .panel(
            Panel::bars("Connections closed for others", "HTTP connections closed at the limit of connections, or rejected, per time step. A lasting value means that clients leave connections open, or an attack.", "none")
                .levels(CALM, &[(0.5, LOOK)])
                .query("displaced", format!("sum(increase(masternode_exporter_http_connections_displaced_total{{{SELF}}}[$__rate_interval]))"))
                .query("rejected", format!("sum(increase(masternode_exporter_http_connections_rejected_total{{{SELF}}}[$__rate_interval]))"))
                .size(24, 6),
        )
}
