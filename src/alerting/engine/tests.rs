//! The state of receivers as the engine reports it.
//!
//! Never here: conditions.

use super::*;
use crate::alerting::routing::AlertMatch;
use crate::alerting::settings::Kind;
use crate::meters::Meters;
use crate::outbound::Outbound;
use crate::secret::{Secret, SecretSource};
use domain::condition::{ProcessState, Severity};
use domain::network_state::Moment;

fn settings(address: &str) -> AlertingSettings {
    let phone = Receiver {
        name: "phone".into(),
        kind: Kind::Generic,
        address: SecretSource::Text(Secret::new(address)),
        token: None,
        minimum_severity: Severity::Critical,
        matches: AlertMatch::default(),
        repeat: Duration::from_secs(14_400),
        timeout: Duration::from_secs(1),
        outbound: Outbound::default(),
    };
    AlertingSettings { receivers: vec![phone], ..AlertingSettings::default() }
}

/// An engine of a process that has run for hours.
fn engine() -> Engine {
    let meters = Meters::new(&prometheus::Registry::new());
    let now = || UnixSeconds(50_000);
    let look: StateSource = Box::new(|| EvaluationInput {
        networks: vec![],
        process: ProcessState::default(),
        now: Moment { unix: UnixSeconds(50_000), uptime: Duration::from_secs(40_000) },
        jumped: BTreeSet::new(),
    });
    Engine::new(Catalogue::default(), look, Arc::default(), meters.notifications().clone(), None, now)
}

#[tokio::test]
async fn a_failure_or_a_drop_counts_until_a_message_is_accepted_or_the_receiver_changes() {
    let mut engine = engine();
    let (first, second) = (settings("http://127.0.0.1:1"), settings("http://127.0.0.1:2"));
    let at = |engine: &Engine, settings: &AlertingSettings, second| {
        engine.shared.receivers(settings, UnixSeconds(second))[0].failing
    };
    let failing = |engine: &Engine, settings: &AlertingSettings| at(engine, settings, 50_000 + 86_400);
    engine.reconfigure(&first).await;
    assert_eq!(failing(&engine, &first), None, "no message shows whether it works");
    for fail in [&(|engine: &Engine| engine.shared.dropped("phone")) as &dyn Fn(&Engine), &|engine| {
        drop(lock(&engine.shared.failing).insert("phone".into(), "no connection".into()))
    }] {
        fail(&engine);
        assert_eq!(failing(&engine, &first), Some(true));
        let other = AlertingSettings { runbook_url: "https://example.org".into(), ..first.clone() };
        engine.reconfigure(&other).await;
        assert_eq!(failing(&engine, &first), Some(true), "the receiver is the same");
        engine.shared.accepted("phone");
        assert_eq!(failing(&engine, &first), Some(false));
        fail(&engine);
        engine.reconfigure(&second).await;
        assert_eq!(failing(&engine, &second), None, "its address changed");
        engine.reconfigure(&first).await;
    }
    engine.shared.dropped("phone");
    engine.shared.accepted("phone");
    assert_eq!([50_899, 50_900].map(|second| at(&engine, &first, second)), [Some(true), Some(false)]);
    engine.stop().await;
}
