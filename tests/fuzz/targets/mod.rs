//! What is done with invented bytes, and what must hold of it: a function for each decoder of what others wrote.
//!
//! A function takes any bytes and panics when something that we promise does not hold. The fuzzer calls it millions of times
//! (`scripts/fuzz`), the ordinary tests with the bytes that were worth keeping (`tests/fuzz/corpus`).
//!
//! Never here: an assertion about bytes that one of ours would write only.

pub mod answers;
pub mod changes;
mod common;
pub mod configuration;
pub mod legacy;
pub mod lines;
pub mod list;
pub mod message;
pub mod question;
pub mod request;
pub mod secrets;
pub mod stored;
pub mod watch;
pub mod web_file;
pub mod words;

/// Takes bytes and panics when they break a promise.
pub type Target = fn(&[u8]);

/// All of them by name.
pub const TARGETS: [(&str, Target); 14] = [
    ("answers", answers::run),
    ("changes", changes::run),
    ("configuration", configuration::run),
    ("legacy", legacy::run),
    ("lines", lines::run),
    ("list", list::run),
    ("message", message::run),
    ("question", question::run),
    ("request", request::run),
    ("secrets", secrets::run),
    ("stored", stored::run),
    ("watch", watch::run),
    ("web_file", web_file::run),
    ("words", words::run),
];
