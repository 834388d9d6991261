//! The runbooks of all alerts, as a part of the program: an exporter serves them where no copy of the project is at hand.
//!
//! Never here: HTML.

/// Each alert that has a runbook, with its Markdown, in the order of the names.
pub const RUNBOOKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// Path below which an exporter serves them.
pub const SERVED: &str = "/runbooks";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::catalog::alerts;
    use domain::condition::Catalogue;

    #[test]
    fn every_alert_has_a_runbook_in_the_program() {
        for alert in alerts(&Catalogue::default()) {
            let found = RUNBOOKS.iter().find(|(name, _)| *name == alert.name);
            let (_, text) = found.unwrap_or_else(|| panic!("{} has none", alert.name));
            assert!(text.starts_with(&format!("# {}\n", alert.name)), "{}", alert.name);
        }
    }
}
