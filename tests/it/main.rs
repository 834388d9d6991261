//! All integration tests, linked once.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]
#![expect(unreachable_pub, reason = "no other crate uses this one")]

mod alert_evaluation;
mod alerts;
mod alerts_probes_api;
mod api;
mod architecture;
mod backfill;
mod bad_rows;
mod clock_jump;
mod completions;
mod compose;
mod config_files;
mod configuration;
mod crash_recovery;
mod deep_reorg;
mod dkg_outcomes;
mod due;
mod duties;
mod error_messages;
mod events;
mod exposition;
mod forecast;
mod fork;
mod fork_recorded;
#[path = "../fuzz/targets/mod.rs"]
mod fuzz_targets;
mod fuzzed;
mod history;
mod late_history;
mod laws;
mod legacy;
mod legacy_scenarios;
mod list_proof;
mod markdown;
mod online_backfill;
mod openmetrics_backfill;
mod other_network;
mod pages;
mod pose_example;
mod probe;
mod profiles;
mod protection;
mod published;
mod push;
mod quorum_rotation;
mod quorum_selection;
mod quorums;
mod recorded;
mod reports;
mod restart_check;
mod restarts;
mod returned;
mod scenarios;
mod sessions;
mod support;
mod tidy;
mod undelivered;
mod v24;
mod v24_followed;
mod v24_network;
mod versions;
mod work_queue;
