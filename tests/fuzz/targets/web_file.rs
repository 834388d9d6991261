//! Any web configuration file gives settings or errors, and both ways of reading it agree.
//!
//! Never here: whether it reveals secrets (`secrets`).

use exporter_toolkit::web_config;

use super::common;

/// See the module.
pub fn run(input: &[u8]) {
    if [&b"/dev"[..], b"/proc", b"/sys"].iter().any(|bad| input.windows(bad.len()).any(|part| part == *bad)) {
        return;
    }
    let folder = common::folder();
    let path = folder.path().join("web.yml");
    std::fs::write(&path, input).expect("there is room");
    let found = web_config::load(&path);
    let loaded = web_config::read(&path);
    assert_eq!(found.errors.is_empty(), loaded.result.is_ok(), "{:?}", found.errors);
    if let Err(refusal) = loaded.result {
        assert!(found.errors.iter().all(|error| refusal.contains(error)), "{refusal}");
    }
    if let Some(limit) = found.settings.rate_limit {
        assert!(!limit.interval.is_zero(), "no rate is endless");
    }
}
