//! Receivers that refuse or fail: one refused message delays no other, and a restart resolves no alert that still
//! holds.
//!
//! Never here: receivers that accept everything (`push`).

use std::time::Duration;

use masternode_exporter::alerting::settings::Kind;

use crate::push::{FakeReceiver, Got, TestEngine, at_once, has, open, story};
use crate::support::harness::{Stage, fail};

/// How often a ban of this masternode was received.
fn bans(got: &[Got], masternode: &str) -> usize {
    let is_ban = |got: &&Got| {
        let text = got.body.to_string();
        text.contains("MasternodePoSeBanned") && text.contains(masternode)
    };
    got.iter().filter(is_ban).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanently_refused_message_is_dropped_and_the_others_are_sent() {
    let mut stage = Stage::following().await;
    let banned = [0, 1, 2, 3, 4].map(|number| stage.masternode(number));
    let watcher = FakeReceiver::start().await;
    let mut receivers = vec![watcher.settings("watcher", Kind::Generic)];
    let mut refusing = Vec::new();
    for (name, kind) in [("generic", Kind::Generic), ("pagerduty", Kind::PagerDuty)] {
        let fake = FakeReceiver::start().await;
        fake.refuse(&banned[1]);
        receivers.push(fake.settings(name, kind));
        refusing.push((name, fake));
    }
    let mut exporter = TestEngine::new(None);
    stage.mine(&banned.each_ref().map(|masternode| fail(masternode, 2))).await;
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&at_once(receivers)).await;
    for (name, fake) in &refusing {
        exporter.noted("dropped", name, 1).await;
        let watched = banned.iter().filter(|masternode| **masternode != banned[1]);
        for masternode in watched {
            fake.wait(masternode, |got| bans(got, masternode) > 0).await;
        }
        let failing = |got: &[Got]| {
            got.iter().any(|got| got.body.to_string().contains(&format!("\"receiver\":\"{name}\",\"severity\"")))
        };
        watcher.wait("that a message was dropped", failing).await;
    }
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_while_a_receiver_fails_resolves_nothing_and_repeats_nothing() {
    const ALERT: &str = "MasternodeExporterNotificationsFailing";
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::following().await;
    let (good, bad) = (FakeReceiver::start().await, FakeReceiver::start().await);
    bad.answer_with(503);
    let settings = at_once(vec![good.settings("good", Kind::Generic), bad.settings("bad", Kind::Generic)]);
    let masternodes = [0, 1].map(|number| stage.masternode(number));
    stage.mine(&[fail(&masternodes[0], 2)]).await;
    let (writer, ended) = open(folder.path());
    let mut exporter = TestEngine::new(Some(writer));
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&settings).await;
    let first = good.wait("that a receiver fails", |got| has(got, ALERT, "firing")).await;
    exporter.noted("delivered", "good", first.len()).await;
    exporter.engine.stop().await;
    drop((exporter.engine, exporter.meters, exporter.registry));
    assert_eq!(ended.within(Duration::from_secs(20)).await, Some(0));

    let (writer, _ended) = open(folder.path());
    let mut exporter = TestEngine::new(Some(writer));
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&settings).await;
    exporter.noted("failed", "bad", 1).await;
    stage.mine(&[fail(&masternodes[1], 2)]).await;
    exporter.see(stage.snapshot());
    let got = good.wait("the next ban", |got| bans(got, &masternodes[1]) > 0).await;
    let of_receiver: Vec<_> = story(&got).into_iter().filter(|(name, _)| name == ALERT).collect();
    assert_eq!(of_receiver, [(ALERT.to_string(), "firing".to_string())], "{got:#?}");
    assert_eq!(bans(&got, &masternodes[0]), 1, "{got:#?}");
    exporter.engine.stop().await;
}
