//! All integration tests, linked once.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]
#![expect(unreachable_pub, reason = "nobody names this crate from outside")]

mod alerts;
mod api;
mod architecture;
mod backfill;
mod bad_rows;
mod clock;
mod completions;
mod compose;
mod config_files;
mod configuration;
mod deep_reorg;
mod due;
mod events;
mod exposition;
mod filling;
mod forecast;
mod fork;
mod fork_recorded;
#[path = "../fuzz/targets/mod.rs"]
mod fuzz_targets;
mod fuzzed;
mod history;
mod judging;
mod killed;
mod late_history;
mod laws;
mod legacy;
mod legacy_scenarios;
mod markdown;
mod other_network;
mod pages;
mod past;
mod pose_example;
mod probe;
mod profiles;
mod protection;
mod push;
mod quorums;
mod recorded;
mod refusals;
mod reports;
mod restart_check;
mod restarts;
mod returned;
mod scenarios;
mod seats;
mod seen;
mod sessions;
mod support;
mod tidy;
mod undelivered;
mod v24;
mod v24_followed;
mod v24_network;
mod verdicts;
mod versions;
mod work_queue;
