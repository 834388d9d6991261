//! Tests of what is unknown after a restart.
//!
//! Never here: what is unknown at other times (`tests`).

use super::tests::world;
use super::{EvaluationInput, Labels, PreviousState, judge, named};
use crate::alerting::settings::AlertingSettings;
use domain::masternode::UnixSeconds;

#[test]
fn a_restart_ends_neither_stale_data_nor_a_gap_before_the_network_is_confirmed_and_the_hour_is_over() {
    let labels: Labels = [("network".to_string(), "dash-main".to_string())].into();
    let is_unknown = |name: &str, confirmed, now| {
        let world = EvaluationInput { started: UnixSeconds(2_000), ..world(None, confirmed) };
        let verdict = judge(&world, &AlertingSettings::default(), &mut PreviousState::default(), UnixSeconds(now));
        verdict.is_unknown(named(name).unwrap(), &labels, UnixSeconds(1_000))
    };
    assert!(is_unknown("MasternodeExporterDataStale", None, 2_010));
    assert!(!is_unknown("MasternodeExporterDataStale", Some(2_009), 2_010));
    assert!(is_unknown("MasternodeExporterHistoryGap", Some(2_009), 2_010));
    assert!(!is_unknown("MasternodeExporterHistoryGap", Some(4_599), 4_600));
}
