//! All integration tests, linked once.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod laws;
mod recorded;
mod refusals;
mod scenarios;
mod support;
