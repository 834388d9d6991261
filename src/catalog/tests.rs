//! Names and texts of the families.
//!
//! Never here: their values.

use super::*;

#[test]
fn names_follow_the_conventions() {
    let all = || FAMILIES.iter().chain(alerts::FAMILIES).chain(process::FAMILIES);
    for family in all() {
        let is_library = family.tier == Tier::Process && family.name.starts_with("process_");
        assert!(is_library || family.name.starts_with("masternode_"), "{}", family.name);
        assert_eq!(family.kind == Kind::Counter, family.name.ends_with("_total"), "{}", family.name);
        assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
        let reserved = ["service", "endpoint", "type", "owner", "instance", "job", "le", "quantile"];
        assert!(family.labels.iter().all(|label| !reserved.contains(label)), "{}", family.name);
        assert_eq!(all().filter(|other| other.name == family.name).count(), 1, "{}", family.name);
    }
}
