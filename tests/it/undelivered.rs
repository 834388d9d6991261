//! Receivers that refuse or fail: one refused message delays no other, and a restart resolves no alert that still
//! holds.
//!
//! Never here: receivers that accept everything (`push`).

use std::path::Path;
use std::time::Duration;

use masternode_exporter::alerting::settings::{Kind, Receiver};
use masternode_exporter::history::{TextTable, Writer};
use masternode_exporter::secret::Secret;
use tempfile::TempDir;

use crate::push::{FakeReceiver, Got, TestEngine, at_once, open, story, text};
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
    for (name, kind) in [
        ("generic", Kind::Generic),
        ("alertmanager", Kind::Alertmanager),
        ("slack", Kind::Slack),
        ("discord", Kind::Discord),
        ("telegram", Kind::Telegram { chat: "-1001".into() }),
        ("pagerduty", Kind::PagerDuty),
        ("ntfy", Kind::Ntfy { topic: Secret::new("masternodes") }),
        ("matrix", Kind::Matrix { room: "!room:example.org".into() }),
    ] {
        let fake = FakeReceiver::start().await;
        fake.refuse("mn-1 ");
        receivers.push(Receiver { token: Some(text("hunter2")), ..fake.settings(name, kind) });
        refusing.push((name, fake));
    }
    let mut exporter = TestEngine::new(None);
    stage.mine(&banned.each_ref().map(|masternode| fail(masternode, 2))).await;
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&at_once(receivers)).await;
    for (name, fake) in &refusing {
        exporter.noted("dropped", name, 1).await;
        let watched = ["mn-0 ", "mn-2 ", "mn-3 ", "mn-4 "];
        for alias in watched {
            fake.wait(alias, |got| bans(got, alias) > 0).await;
        }
        let failing = |got: &[Got]| {
            got.iter().any(|got| got.body.to_string().contains(&format!("\"receiver\":\"{name}\",\"severity\"")))
        };
        watcher.wait("that a message was dropped", failing).await;
    }
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_again_and_again_holds_back_no_other() {
    let mut stage = Stage::following().await;
    let banned = [0, 1, 2, 3, 4].map(|number| stage.masternode(number));
    let (mut receivers, mut failing) = (Vec::new(), Vec::new());
    for status in [301, 403, 404, 408, 429, 500, 501, 503, 507] {
        let fake = FakeReceiver::start().await;
        fake.refuse_with("mn-1 ", status);
        let name = format!("generic-{status}");
        receivers.push(fake.settings(&name, Kind::Generic));
        failing.push((name, fake));
    }
    for (name, kind) in [("slack", Kind::Slack), ("pagerduty", Kind::PagerDuty), ("alertmanager", Kind::Alertmanager)] {
        let fake = FakeReceiver::start().await;
        fake.refuse_with("mn-1 ", 500);
        receivers.push(Receiver { token: Some(text("hunter2")), ..fake.settings(name, kind) });
        failing.push((name.into(), fake));
    }
    let mut exporter = TestEngine::new(None);
    stage.mine(&banned.each_ref().map(|masternode| fail(masternode, 2))).await;
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&at_once(receivers)).await;
    for (name, fake) in &failing {
        for alias in ["mn-0 ", "mn-2 ", "mn-3 ", "mn-4 "] {
            fake.wait(&format!("{name}: {alias}"), |got| bans(got, alias) > 0).await;
        }
        assert_eq!(bans(&fake.got(), "mn-1 "), 0, "{name}");
        fake.refuse("no message");
    }
    for (name, fake) in &failing {
        fake.wait(&format!("{name}: the last one"), |got| bans(got, "mn-1 ") > 0).await;
    }
    exporter.engine.stop().await;
}

const FAILING: &str = "MasternodeExporterNotificationsFailing";

/// The history as a killed process leaves it, once it has the notifications of both failing receivers to the good one.
async fn left_by_a_kill(writer: &Writer, folder: &Path) -> TempDir {
    let is_notified =
        |(key, state): &&(String, String)| key.starts_with(FAILING) && state.contains("\"told\":{\"good\"");
    while writer.texts(TextTable::Alert).await.unwrap().iter().filter(is_notified).count() < 2 {
        tokio::task::yield_now().await;
    }
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap()) {
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_or_kill_while_several_receivers_fail_resolves_nothing_and_repeats_nothing() {
    for is_killed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::following().await;
        let (good, bad) = (FakeReceiver::start().await, FakeReceiver::start().await);
        bad.answer_with(503);
        // Nothing listens on its port.
        let away = Receiver { address: text("http://127.0.0.1:1"), ..bad.settings("away", Kind::Slack) };
        let receivers = vec![good.settings("good", Kind::Generic), bad.settings("bad", Kind::Generic), away];
        let settings = at_once(receivers);
        let masternodes = [0, 1].map(|number| stage.masternode(number));
        stage.mine(&[fail(&masternodes[0], 2)]).await;
        let (writer, ended) = open(folder.path());
        let mut exporter = TestEngine::new(Some(writer.clone()));
        exporter.see(stage.snapshot());
        exporter.engine.reconfigure(&settings).await;
        let fired = |got: &[Got]| story(got).iter().filter(|(name, _)| name == FAILING).count();
        good.wait("that both receivers fail", |got| fired(got) == 2).await;
        let left = left_by_a_kill(&writer, folder.path()).await;
        exporter.engine.stop().await;
        drop((exporter.engine, exporter.meters, exporter.registry, writer));
        assert_eq!(ended.within(Duration::from_secs(20)).await, Some(0));

        let (writer, _ended) = open(if is_killed { left.path() } else { folder.path() });
        let mut exporter = TestEngine::new(Some(writer));
        exporter.see(stage.snapshot());
        exporter.engine.reconfigure(&settings).await;
        exporter.noted("failed", "bad", 1).await;
        exporter.noted("failed", "away", 1).await;
        stage.mine(&[fail(&masternodes[1], 2)]).await;
        exporter.see(stage.snapshot());
        let got = good.wait("the next ban", |got| bans(got, &masternodes[1]) > 0).await;
        let of_receivers: Vec<_> = story(&got).into_iter().filter(|(name, _)| name == FAILING).collect();
        assert_eq!(of_receivers, vec![(FAILING.to_string(), "firing".to_string()); 2], "{is_killed}: {got:#?}");
        assert_eq!(bans(&got, &masternodes[0]), 1, "{is_killed}: {got:#?}");
        exporter.engine.stop().await;
    }
}
