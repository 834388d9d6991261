//! Receivers with a `match`, and the transactions of Matrix.

use std::collections::BTreeSet;

use domain::condition::Severity;
use domain::watch::{Selector, WatchEntry, WatchList};
use masternode_exporter::alerting::routing::AlertMatch;
use masternode_exporter::alerting::settings::{Kind, Receiver};

use crate::push::{FakeReceiver, Got, TestEngine, at_once, story, text};
use crate::support::harness::{Stage, fail};

fn of_customer(names: &[&str]) -> AlertMatch {
    let names = names.iter().map(ToString::to_string).collect();
    AlertMatch { groups: [("customer".to_string(), names)].into(), ..AlertMatch::default() }
}

/// Two masternodes of different customers.
fn watch(stage: &Stage) {
    let entry = |(index, customer): (usize, &str)| WatchEntry {
        selector: Selector::Id(stage.masternode(index).parse().unwrap()),
        alias: format!("mn-{index}"),
        groups: [("customer".to_string(), customer.to_string())].into(),
        expectations: Vec::new(),
        thresholds: Default::default(),
    };
    stage.watch(WatchList::new(["acme", "umbrella"].into_iter().enumerate().map(entry).collect()));
}

/// Status and alias of each message about a ban, in order.
fn bans(got: &[Got]) -> Vec<(String, String)> {
    let alerts = got.iter().flat_map(|got| got.body["alerts"].as_array().unwrap());
    let bans = alerts.filter(|alert| alert["alert"] == "MasternodePoSeBanned");
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_string();
    bans.map(|alert| (word(&alert["status"]), word(&alert["labels"]["alias"]))).collect()
}

fn is(bans: &[(String, String)], expected: &[(&str, &str)]) -> bool {
    bans.iter().map(|(status, alias)| (status.as_str(), alias.as_str())).eq(expected.iter().copied())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_and_its_end_reach_only_receivers_that_match_also_after_a_reload_of_the_match() {
    let mut stage = Stage::following().await;
    watch(&stage);
    let (acme, umbrella, all) = (FakeReceiver::start().await, FakeReceiver::start().await, FakeReceiver::start().await);
    let receivers = |of_acme: AlertMatch, of_umbrella: AlertMatch| {
        at_once(vec![
            Receiver { matches: of_acme, ..acme.settings("acme", Kind::Generic) },
            Receiver { matches: of_umbrella, ..umbrella.settings("umbrella", Kind::Generic) },
            all.settings("all", Kind::Generic),
        ])
    };
    let mut exporter = TestEngine::new(None);
    exporter.engine.reconfigure(&receivers(of_customer(&["acme"]), of_customer(&["umbrella"]))).await;
    let masternodes = [0, 1].map(|number| stage.masternode(number));
    stage.mine(&[fail(&masternodes[0], 2)]).await;
    exporter.see(stage.snapshot());
    acme.wait("the first ban", |got| is(&bans(got), &[("firing", "mn-0")])).await;
    all.wait("the first ban", |got| is(&bans(got), &[("firing", "mn-0")])).await;
    exporter.noted("delivered", "acme", 1).await;
    exporter.noted("delivered", "all", 1).await;

    assert!(umbrella.got().is_empty(), "{:#?}", umbrella.got());

    // The receivers change their customers: one is sent what still fires, the other no end of it.
    exporter.engine.reconfigure(&receivers(of_customer(&["umbrella"]), of_customer(&["acme"]))).await;
    umbrella.wait("what fires", |got| is(&bans(got), &[("firing", "mn-0")])).await;
    exporter.noted("delivered", "umbrella", 1).await;
    stage.mine(&[fail(&masternodes[1], 2)]).await;
    exporter.see(stage.snapshot());
    acme.wait("the second ban and no end", |got| is(&bans(got), &[("firing", "mn-0"), ("firing", "mn-1")])).await;
    exporter.noted("delivered", "acme", 2).await;

    // Both receivers that were sent the first ban are sent its end.
    stage.mine(&[simulator::Action::Revive { masternode: masternodes[0].clone() }]).await;
    exporter.see(stage.snapshot());
    let ended = [("firing", "mn-0"), ("firing", "mn-1"), ("resolved", "mn-0")];
    for fake in [&acme, &all] {
        fake.wait("the end of the first ban", |got| is(&bans(got), &ended)).await;
    }
    umbrella.wait("its end only", |got| is(&bans(got), &[("firing", "mn-0"), ("resolved", "mn-0")])).await;
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn severities_and_networks_are_matched_and_alerts_about_the_exporter_have_no_network() {
    let mut stage = Stage::following().await;
    let (critical, elsewhere, here) =
        (FakeReceiver::start().await, FakeReceiver::start().await, FakeReceiver::start().await);
    let broken = FakeReceiver::start().await;
    broken.answer_with(503);
    let on = |network: &str| AlertMatch { networks: vec![network.into()], ..AlertMatch::default() };
    let severities = AlertMatch { severities: vec![Severity::Critical], ..AlertMatch::default() };
    let mut exporter = TestEngine::new(None);
    let receivers = vec![
        Receiver { matches: severities, ..critical.settings("critical", Kind::Generic) },
        Receiver { matches: on("other"), ..elsewhere.settings("elsewhere", Kind::Generic) },
        Receiver { matches: on("dash-test"), ..here.settings("here", Kind::Generic) },
        broken.settings("broken", Kind::Generic),
    ];
    exporter.engine.reconfigure(&at_once(receivers)).await;
    let masternodes = [0, 1].map(|number| stage.masternode(number));
    stage.mine(&[fail(&masternodes[0], 2)]).await;
    exporter.see(stage.snapshot());
    let about_the_exporter =
        |got: &[Got]| story(got).iter().any(|(name, _)| name == "MasternodeExporterNotificationsFailing");
    let is_critical = |got: &[Got]| {
        got.iter().all(|got| got.body["alerts"].as_array().unwrap().iter().all(|alert| alert["severity"] == "critical"))
    };
    let got = critical.wait("the ban", |got| !bans(got).is_empty() && about_the_exporter(got)).await;
    assert!(is_critical(&got), "{got:#?}");
    let got = here.wait("the ban", |got| !bans(got).is_empty()).await;
    assert!(!about_the_exporter(&got) && !is_critical(&got), "{got:#?}");
    stage.mine(&[simulator::Action::Revive { masternode: masternodes[0].clone() }]).await;
    exporter.see(stage.snapshot());
    here.wait("its end", |got| bans(got).len() == 2).await;
    assert!(elsewhere.got().is_empty(), "{:#?}", elsewhere.got());
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_matrix_that_arrived_without_an_answer_keeps_its_transaction() {
    let mut stage = Stage::following().await;
    let fake = FakeReceiver::start().await;
    fake.be_silent(true);
    let matrix = Kind::Matrix { room: "!room:example.org".into() };
    let receiver = Receiver { token: Some(text("hunter2")), ..fake.settings("matrix", matrix) };
    let mut exporter = TestEngine::new(None);
    let masternodes = [0, 1].map(|number| stage.masternode(number));
    stage.mine(&[fail(&masternodes[0], 2)]).await;
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&at_once(vec![receiver])).await;
    exporter.noted("failed", "matrix", 1).await;
    // Another alert begins before the second attempt: it must not change the first message.
    stage.mine(&[fail(&masternodes[1], 2)]).await;
    exporter.see(stage.snapshot());
    fake.be_silent(false);
    let second = |got: &Got| got.body["body"].as_str().unwrap().contains("mn-1 on");
    let got = fake.wait("the second ban", |got| got.iter().any(second)).await;
    let attempts: Vec<&Got> = got.iter().filter(|got| got.body["body"].as_str().unwrap().contains("mn-0 on")).collect();
    let requests: BTreeSet<&str> = attempts.iter().map(|got| got.head.lines().next().unwrap()).collect();
    assert!(attempts.len() >= 2 && requests.len() == 1, "{requests:#?}");
    let next: BTreeSet<&str> =
        got.iter().filter(|got| second(got)).map(|got| got.head.lines().next().unwrap()).collect();
    assert!(next.is_disjoint(&requests), "{next:#?}");
    exporter.engine.stop().await;
}
