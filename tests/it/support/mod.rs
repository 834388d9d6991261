//! Shared code of the scenarios: a simulated network behind its servers with a follower, and a parser of pages.

#[path = "../../../crates/exporter-toolkit/tests/support/certificates.rs"]
pub(crate) mod certificates;
pub(crate) mod conditions;
pub(crate) mod contract;
pub(crate) mod harness;
pub(crate) mod ledger;
pub(crate) mod oracle;
pub(crate) mod relay;
pub(crate) mod running;
pub(crate) mod samples;
pub(crate) mod sides;
pub(crate) mod terminal;

use std::path::Path;

/// Compares with a golden text. `UPDATE_GOLDEN=1` rewrites it; review it before the commit.
#[track_caller]
pub(crate) fn golden(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    #[expect(clippy::disallowed_methods, reason = "how a golden file is rewritten")]
    let update = std::env::var("UPDATE_GOLDEN").is_ok();
    if update {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    for (line, (ours, theirs)) in text.lines().zip(recorded.lines()).enumerate() {
        assert_eq!(ours, theirs, "{path}, line {}", line + 1);
    }
    assert_eq!(text.lines().count(), recorded.lines().count(), "{path} has another length");
}
