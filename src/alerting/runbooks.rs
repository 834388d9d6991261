//! The runbooks of all alerts, compiled into the program: an exporter serves them without a copy of the repository.
//!
//! Never here: HTML.

/// Each alert with a runbook, with its Markdown, in the order of names.
pub const RUNBOOKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// URL path of the runbooks.
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
