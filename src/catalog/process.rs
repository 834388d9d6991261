//! The families of this process.
//!
//! Never here: how they are counted (`meters`).

use crate::catalog::{Family, Kind, Tier};

families! {
    /// All families of this process.
    FAMILIES;
    BACKFILL_BLOCKS: "masternode_exporter_backfill_blocks_total" Counter Process ["network"]
        "Blocks from before the start, or from a gap, that the running exporter has added to the history.";
    BACKFILL_EVENTS: "masternode_exporter_backfill_events_total" Counter Process ["network"]
        "Events of backfilled blocks. Counters of masternodes do not include them.";
    BACKFILL_PENDING_BLOCKS: "masternode_exporter_backfill_pending_blocks" Gauge Process ["network"]
        "Blocks still to be backfilled: 0 if all are done, or if none is possible. Absent until the number is known.";
    BLOCKS_FOLLOWED: "masternode_exporter_blocks_followed_total" Counter Process ["network"]
        "Blocks whose changes were processed.";
    BUILD_INFO: "masternode_exporter_build_info" Gauge Process ["version", "revision", "rustc"]
        "Constant 1, labelled with the version, revision and compiler of this build.";
    CONFIG_LAST_RELOAD_SUCCESSFUL: "masternode_exporter_config_last_reload_successful" Gauge Process []
        "1 if the last attempt to load the configuration succeeded, 0 otherwise.";
    CONFIG_LAST_RELOAD: "masternode_exporter_config_last_reload_timestamp_seconds" Gauge Process []
        "Unix time of the last successful load of the configuration.";
    ELECTION_MISMATCHES: "masternode_exporter_election_mismatches_total" Counter Process ["network"]
        "Blocks for which the payee elected by the queue and the hashes of a tip was not the one with the votes, or not the paid one of a block without votes. Expected 0: a rising value means that the queried node's list differs from that of the voters. Absent until an election was compared, and on chains that pay in a fixed order.";
    EVENTS_RESTORED: "masternode_exporter_events_restored_total" Counter Process ["network"]
        "Withdrawn events whose block returned with the same hash. Other counters count them once.";
    EVENTS_WITHDRAWN: "masternode_exporter_events_withdrawn_total" Counter Process ["network"]
        "Events of blocks that a chain reorganisation replaced. Counters that include them are not decreased.";
    GAP_BLOCKS: "masternode_exporter_gap_blocks_total" Counter Process ["network"]
        "Blocks that were skipped; their events are missing or approximate.";
    HISTORY_DAMAGED_ROWS: "masternode_exporter_history_damaged_rows" Gauge Process []
        "Damaged events in the history file at the last hourly check; answers omit them. Absent until a check is complete.";
    HISTORY_LAST_WRITE: "masternode_exporter_history_last_write_timestamp_seconds" Gauge Process []
        "Unix time of the last write to the history. Absent before the first write.";
    HISTORY_PENDING_BLOCKS: "masternode_exporter_history_pending_blocks" Gauge Process ["network"]
        "Processed blocks queued for the history. Absent without history.path.";
    HISTORY_REPLACED: "masternode_exporter_history_replaced_total" Counter Process ["reason"]
        "Times that the history file was reopened or replaced by a new one, by reason: damaged, foreign (of another program), newer (written by a newer version), missing (deleted while in use), replaced (by another file while in use), taken_back (by the newer file after a downgrade). Absent without history.path.";
    HISTORY_SIZE: "masternode_exporter_history_size_bytes" Gauge Process []
        "Size of the history file and its write-ahead log in bytes, measured once a minute. Absent without history.path, and if the file cannot be examined.";
    HISTORY_UP: "masternode_exporter_history_up" Gauge Process []
        "1 if the last attempt to open or write the history succeeded, 0 otherwise. Absent without history.path.";
    HISTORY_WRITE_ERRORS: "masternode_exporter_history_write_errors_total" Counter Process []
        "Failed attempts to open or write the history. Queued blocks are retried.";
    HTTP_CONNECTIONS: "masternode_exporter_http_connections" Gauge Process []
        "HTTP connections currently open.";
    HTTP_CONNECTIONS_DISPLACED: "masternode_exporter_http_connections_displaced_total" Counter Process []
        "HTTP connections evicted at the connection limit: rejected and silent ones first, then idle ones, then those that delay a request. Authenticated connections are never evicted.";
    HTTP_CONNECTIONS_REJECTED: "masternode_exporter_http_connections_rejected_total" Counter Process []
        "HTTP connections closed at once because the connection limit was reached and every open connection waited for a response.";
    HTTP_REQUESTS: "masternode_exporter_http_requests_total" Counter Process ["handler", "code"]
        "HTTP requests answered, by handler and status code.";
    HTTP_TLS_HANDSHAKES_FAILED: "masternode_exporter_http_tls_handshakes_failed_total" Counter Process []
        "Failed TLS handshakes: no TLS, no common version or cipher, or no valid certificate.";
    NOT_UNDERSTOOD: "masternode_exporter_not_understood_total" Counter Process ["network", "kind"]
        "Values in answers of sources that this version does not understand, counted each time they are read, by kind: state_version, address_kind, list_entry, payout_form, share_form, softfork_key, coinbase_version, special_transaction_type. Names of deployments count once; coinbases and special transactions are checked in some blocks only. Other metrics omit these values.";
    NOTIFICATION_CLOCK_AHEAD: "masternode_exporter_notification_clock_ahead_seconds" Gauge Process ["receiver"]
        "Seconds by which the receiver's clock is ahead of this host's, from its last answer; negative if it is behind. Absent if its answers have no time.";
    NOTIFICATION_LAST_SUCCESS: "masternode_exporter_notification_last_success_timestamp_seconds" Gauge Process ["receiver"]
        "Unix time at which the receiver last accepted a message. Absent if it accepted none since the process started.";
    NOTIFICATION_QUEUE_LENGTH: "masternode_exporter_notification_queue_length" Gauge Process ["receiver"]
        "Alerts with a notification queued for the receiver.";
    NOTIFICATIONS: "masternode_exporter_notifications_total" Counter Process ["receiver", "outcome"]
        "Messages to a receiver by outcome: delivered, failed (an attempt, which is retried), dropped (not retried).";
    QUORUM_SELECTION_MISMATCHES: "masternode_exporter_quorum_selection_mismatches_total" Counter Process ["network", "quorum_type"]
        "Quorums whose computed members were not those of the mined one, for a rotating type at most one in a cycle. Expected 0. The seats of the type are withdrawn and computed again from the node's lists and snapshots.";
    REFUTED_LISTS: "masternode_exporter_refuted_lists_total" Counter Process ["network"]
        "Masternode lists that a source reported and that are not those to which their blocks commit, one for each block. Expected 0. The log names each difference once. Absent until the first list was proven or refuted.";
    REORGS: "masternode_exporter_reorgs_total" Counter Process ["network"]
        "Chain reorganisations that were processed.";
    RESYNCS: "masternode_exporter_resyncs_total" Counter Process ["network"]
        "Full list downloads after a failed incremental update, or after a list that differed from the node's.";
    RPC_REQUEST_DURATION: "masternode_exporter_rpc_request_duration_seconds" Histogram Process ["network", "source", "method", "outcome"]
        "Duration of calls to a source in seconds, by method and outcome. A call that was answered in a batch has its share of the batch; a batch that failed has the method batch, and its calls are sent alone.";
    SCORE_DISAGREEMENTS: "masternode_exporter_score_disagreements_total" Counter Process ["network"]
        "Scores in the list of a block that are not the ones that follow from the scores before and the block's commitments. Expected 0. Only blocks whose failed members are known are counted: see masternode_network_scores_checked_height.";
    SERIES: "masternode_exporter_series" Gauge Process ["network", "tier"]
        "Upper bound of per-masternode samples in the exposition, by tier.";
    SERIES_SUPPRESSED: "masternode_exporter_series_suppressed_total" Counter Process ["network", "tier"]
        "Per-masternode samples that series.limit removed from the exposition, summed over all lists.";
    SHARD_INFO: "masternode_exporter_shard_info" Gauge Process ["shard", "shards"]
        "Constant 1, with the shard of the masternodes in this exposition. Absent without the parameter shard.";
    UNREAD_PAYMENT_BLOCKS: "masternode_exporter_unread_payment_blocks_total" Counter Process ["network"]
        "Followed or skipped blocks whose payments were not read from the block: all but the last 512 of a gap, those of a gap on a chain that hides payees, and those that the node did not return. Payments in them are missing, or taken from the list. Absent on chains whose payments are read from the list only.";
    WATCH_FILE_ENTRIES: "masternode_exporter_watch_file_entries" Gauge Process ["file"]
        "Entries of the watch list in force from a file of watch_files: of its present content, or of its last good one while the present one is refused.";
    WATCH_FILE_GOOD: "masternode_exporter_watch_file_good" Gauge Process ["file"]
        "1 if the present content of a file of watch_files is in force, 0 if it is refused. Absent for a file that was removed.";
    WEB_CONFIG_LAST_RELOAD_SUCCESSFUL: "masternode_exporter_web_config_last_reload_successful" Gauge Process []
        "1 if the last load of the web configuration file succeeded, 0 if it failed and the previous configuration stays in use. Absent without such a file.";
    PROCESS_CPU_SECONDS_TOTAL: "process_cpu_seconds_total" Counter Process []
        "Total user and system CPU time spent in seconds.";
    PROCESS_MAX_FDS: "process_max_fds" Gauge Process []
        "Maximum number of open file descriptors.";
    PROCESS_OPEN_FDS: "process_open_fds" Gauge Process []
        "Number of open file descriptors.";
    PROCESS_RESIDENT_MEMORY_BYTES: "process_resident_memory_bytes" Gauge Process []
        "Resident memory size in bytes.";
    PROCESS_START_TIME_SECONDS: "process_start_time_seconds" Gauge Process []
        "Start time of the process since unix epoch in seconds.";
    PROCESS_THREADS: "process_threads" Gauge Process []
        "Number of OS threads in the process.";
    PROCESS_VIRTUAL_MEMORY_BYTES: "process_virtual_memory_bytes" Gauge Process []
        "Virtual memory size in bytes.";
}
