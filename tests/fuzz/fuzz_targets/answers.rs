//! Calls the target of this name.
//!
//! Never here: a check; they stand in `tests/fuzz/targets`, for the ordinary tests too.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| masternode_exporter_fuzz::answers::run(input));
