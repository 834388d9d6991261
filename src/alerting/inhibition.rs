//! `alerts/inhibition.yml`: the inhibition rules for Alertmanager.
//!
//! Never here: the choice of inhibitions (`catalog`).

use std::fmt::Write;

use crate::alerting::catalog::inhibitions;
use domain::condition::Catalogue;

/// The file.
pub fn render(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# Put these rules under `inhibit_rules` of Alertmanager 0.22 or later. docs/alerts.md explains them.\n\
         #\n\
         # Made of the catalogue of conditions; a test compares both.\n\
         inhibit_rules:\n",
    );
    for (source, rule) in inhibitions(catalogue) {
        let _ = write!(text, "\n  # {}\n", rule.reason);
        let _ = writeln!(text, "  - source_matchers: ['alertname = \"{source}\"']");
        let _ = writeln!(text, "    target_matchers: ['alertname =~ \"{}\"']", rule.targets.join("|"));
        let _ = writeln!(text, "    equal: [{}]", rule.equal.join(", "));
    }
    text
}
