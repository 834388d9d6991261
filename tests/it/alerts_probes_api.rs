//! Data of masternodes and sources in addition to the list: alerts, probes, requirements. The pages show the same as
//! the API.
//!
//! Never here: which alerts fire; the tests of pushed alerts cover that.

use std::sync::Arc;
use std::time::Duration;

use domain::probe::{Outcome, Peer, Probe, ProbeError, Unprobed};
use domain::samples::network_state;
use domain::{NetworkState, OwnMasternode, SourceHealth, UnixSeconds};
use masternode_exporter::web::api::{Alert, AlertsOf, Api, Firing};
use masternode_exporter::web::handlers::Handlers;
use masternode_exporter::web::pages;
use serde_json::{Value, json};

use crate::pages::{handlers, text};
use crate::support::contract::Contract;
use crate::support::harness::{NOW, Stage};

/// The inputs of a test.
pub(crate) struct Known {
    stage: Stage,
    probe: Option<Probe>,
    report: SourceHealth,
    pub(crate) firing: Firing,
}

impl Known {
    async fn nothing() -> Known {
        Known::of(Stage::following().await)
    }

    pub(crate) fn of(stage: Stage) -> Known {
        Known { stage, probe: None, report: SourceHealth::default(), firing: Firing::default() }
    }

    /// A site with probes enabled.
    fn site(&self) -> Handlers {
        let id = self.id().parse().unwrap();
        let source = SourceHealth {
            name: "node-0".into(),
            up: Some(true),
            synced: Some(true),
            network_match: Some(true),
            ..self.report.clone()
        };
        let probes = self.probe.clone().map(|probe| (id, probe)).into_iter().collect();
        let state = network_state("dash-test", self.stage.snapshot(), vec![source]);
        let network = Arc::new(NetworkState { probes: Some(Arc::new(probes)), ..state });
        let firing = self.firing.clone();
        let of = move |of: AlertsOf<'_>, most: usize| match of {
            AlertsOf::Masternode(_, other) if *other != id => Firing::default(),
            _ => Firing { alerts: firing.alerts.iter().take(most).cloned().collect(), ..firing },
        };
        let api = Api {
            version: "1.2.3".into(),
            networks: Box::new(move || vec![network.clone()]),
            alerts: Box::new(of),
            history: None,
            clock: || UnixSeconds(NOW + 7),
            is_restricted: false,
        };
        handlers(api)
    }

    /// The masternode of all tests.
    fn id(&self) -> String {
        self.stage.masternode(0)
    }

    /// The API's answer, checked against the contract.
    #[track_caller]
    pub(crate) fn api(&self, path: &str) -> Value {
        Contract::read().good(self.site().api.as_deref().unwrap(), path)
    }

    fn html(&self, path: &str) -> String {
        let site = self.site();
        pages::answer(&site, site.api.as_deref(), &site.landing, path, "").html
    }

    /// The text of a page, without its tags.
    fn page(&self, path: &str) -> String {
        text(&self.html(path))
    }

    #[track_caller]
    pub(crate) fn shows(&self, path: &str, said: &[&str]) {
        let page = self.page(path);
        for said in said {
            assert!(page.contains(said), "{said} in {page}");
        }
    }
}

fn ended(outcome: Outcome, version: Option<u32>) -> Option<Probe> {
    Some(Probe {
        outcome,
        at: UnixSeconds(NOW - 53),
        duration: version.map(|_| Duration::from_millis(42)),
        peer: version.map(|version| Peer::new(version, b"/Dash Core:23.1.2/")),
        last_success: Some(UnixSeconds(if version.is_some() { NOW - 53 } else { NOW - 353 })),
    })
}

fn alert(known: &Known, name: &str, severity: &'static str, runbook_url: &str) -> Alert {
    let labels = [("network", "dash-test"), ("masternode", &known.id()), ("alias", "mn-0")];
    Alert {
        name: name.into(),
        severity,
        labels: labels.map(|(name, text)| (name.to_string(), text.to_string())).into(),
        summary: "One sentence.".into(),
        description: "Masternode mn-0 is in trouble.".into(),
        runbook_url: runbook_url.into(),
        since: UnixSeconds(NOW - 113),
    }
}

#[tokio::test]
async fn a_masternode_that_does_not_answer_is_shown_with_the_reason_and_its_last_success() {
    let mut known = Known::nothing().await;
    known.probe = ended(Outcome::Failed(ProbeError::Refused), None);
    let path = format!("/masternodes/{}", known.id());
    let whole = known.api(&format!("/api/v1{path}"));
    assert_eq!(
        whole["probe"],
        json!({
            "reachable": false, "reason": "refused", "last_probe_time": "2027-01-15T07:59:07Z",
            "last_success_time": "2027-01-15T07:54:07Z", "handshake_duration_seconds": null, "protocol_version": null,
            "agent": null, "relays_transactions": null, "serves_compact_filters": null,
        })
    );
    let port = json!({ "requirement": "p2p_port", "met": false, "evidence": "probe" });
    assert_eq!((&whole["requirements"][0], whole["requirements"].as_array().unwrap().len()), (&port, 9));
    known.shows(
        &path,
        &[
            "Reachability",
            "Reachable no refused, 1 min ago",
            "Last reachable 6 min ago",
            "P2P port is open no from the last probe",
        ],
    );
}

#[tokio::test]
async fn a_masternode_that_answers_is_shown_with_its_own_report() {
    let mut known = Known::nothing().await;
    known.probe = ended(Outcome::Reached, Some(70_240));
    let path = format!("/masternodes/{}", known.id());
    let probe = known.api(&format!("/api/v1{path}"))["probe"].clone();
    assert_eq!((&probe["reachable"], &probe["reason"]), (&json!(true), &Value::Null));
    assert_eq!((&probe["protocol_version"], &probe["agent"]), (&json!(70_240), &json!("/Dash Core:23.1.2/")));
    assert_eq!(probe["handshake_duration_seconds"], 0.042);
    let said = ["Reachable yes 1 min ago", "Handshake duration 42 ms", "Protocol version 70240 /Dash Core:23.1.2/"];
    known.shows(&path, &said);
    known.shows(
        &path,
        &["P2P port is open yes from the last probe", "Participates in DKG yes from the masternode list"],
    );
    assert!(!known.page(&path).contains("Last reachable"), "it was reachable just now");
}

#[tokio::test]
async fn masternodes_without_a_probe_are_neither_up_nor_down() {
    let mut known = Known::nothing().await;
    let path = format!("/masternodes/{}", known.id());
    assert_eq!(known.api(&format!("/api/v1{path}"))["probe"], Value::Null);
    known.shows(&path, &["Reachable not known not probed yet"]);
    known.probe = ended(Outcome::Unprobed(Unprobed::NoRoute), None);
    let probe = known.api(&format!("/api/v1{path}"))["probe"].clone();
    assert_eq!((&probe["reachable"], &probe["reason"]), (&Value::Null, &json!("no_route")));
    known.shows(&path, &["Reachable not probed no route, 1 min ago"]);
    assert!(!known.page(&path).contains("P2P port is open"));
}

#[tokio::test]
async fn firing_alerts_are_shown_with_their_runbook_and_masternode() {
    let mut known = Known::nothing().await;
    known.shows("/", &["Alerts No alerts are firing."]);
    assert_eq!(known.api("/api/v1/status")["alerts"], json!({ "critical": 0, "warning": 0, "firing": [] }));
    let urgent = alert(&known, "MasternodePoSeBanned", "critical", "https://example.org/r/docs/runbooks/A.md");
    let other = alert(&known, "MasternodeUnreachable", "warning", "docs/runbooks/B.md");
    known.firing = Firing { critical: 1, warning: 30, alerts: [vec![urgent], vec![other; 30]].concat() };
    known.shows(
        "/",
        &[
            "1 critical, 30 warnings; the 20 most severe are shown",
            "critical MasternodePoSeBanned mn-0 Masternode mn-0 is in trouble.",
            "for 2 min warning MasternodeUnreachable 19 alerts One sentence.",
            "All 19 mn-0 Masternode mn-0 is in trouble. for 2 min",
            "Runbook of MasternodeUnreachable",
        ],
    );
    let html = known.html("/");
    assert!(html.contains("href=\"https://example.org/r/docs/runbooks/A.md\""));
    assert!(!html.contains("href=\"docs/"), "a path in the project is no address of this page");
    assert!(html.contains(&format!("href=\"/masternodes/{}\"", known.id())));
    let status = known.api("/api/v1/status")["alerts"].clone();
    assert_eq!((&status["critical"], &status["warning"]), (&json!(1), &json!(30)));
    let first = &status["firing"][0];
    assert_eq!(
        (&first["alert"], &first["start_time"]),
        (&json!("MasternodePoSeBanned"), &json!("2027-01-15T07:58:07Z"))
    );
    let one = known.api(&format!("/api/v1/masternodes/{}", known.id()));
    assert_eq!(one["alerts"][0], *first);
    known.shows(&format!("/masternodes/{}", known.id()), &["Alerts critical MasternodePoSeBanned"]);
    let well = format!("/masternodes/{}", known.stage.masternode(1));
    assert!(!known.page(&well).contains("MasternodePoSeBanned"));
    assert_eq!(known.api(&format!("/api/v1{well}"))["alerts"], json!([]));
}

#[tokio::test]
async fn an_isolated_source_that_reports_ready_is_not_trusted() {
    let mut known = Known::nothing().await;
    let own = OwnMasternode { id: known.id().parse().ok(), state: "ready".into() };
    let report = SourceHealth {
        blocks_behind: Some(0),
        connections: Some(8),
        isolated: Some(false),
        masternode: Some(own),
        ..SourceHealth::default()
    };
    known.report = report.clone();
    known.shows("/", &["node-0: synced Is a masternode, mn-0 , own state: ready"]);
    known.report = SourceHealth { release_bad: Some(true), filter_index_synced: Some(false), ..report.clone() };
    known.shows("/", &["Its release has a known fault. Upgrade it. Its compact block filter index is not synced."]);
    known.report = SourceHealth { blocks_behind: Some(3), ..report.clone() };
    known.shows("/", &["node-0: synced, 3 blocks behind", "own state: ready (at its own, older tip)"]);
    known.report = SourceHealth { isolated: Some(true), connections: Some(0), ..report };
    known.shows("/", &["node-0: has no peer connections", "(from before it lost its connections)"]);
    let source = known.api("/api/v1/status")["networks"][0]["sources"][0].clone();
    assert_eq!((&source["isolated"], &source["connections"]), (&json!(true), &json!(0)));
    assert_eq!((&source["masternode"], &source["masternode_state"]), (&json!(known.id()), &json!("ready")));
    known.report = SourceHealth::default();
    let source = known.api("/api/v1/status")["networks"][0]["sources"][0].clone();
    assert_eq!((&source["isolated"], &source["masternode_state"]), (&Value::Null, &Value::Null));
}
