//! Fuzz targets: a function with invariants for each decoder of foreign input.
//!
//! A function takes any bytes and panics if an invariant does not hold. The fuzzer calls it millions of times
//! (`scripts/fuzz`), and the ordinary tests call it with the kept inputs (`tests/fuzz/corpus`).
//!
//! Never here: an assertion about bytes that only our own code writes.

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

/// Takes bytes and panics if they violate an invariant.
pub type Target = fn(&[u8]);

/// All targets by name.
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
