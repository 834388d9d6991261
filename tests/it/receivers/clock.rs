//! A receiver whose clock is not this host's.

use std::time::{Duration, SystemTime};

use masternode_exporter::alerting::settings::Kind;

use crate::push::{FakeReceiver, Got, TestEngine, at_once};
use crate::support::harness::{NOW, Stage, fail};

/// The last end that was sent of a ban.
fn last_end(got: &[Got]) -> Option<String> {
    let alerts = got.iter().flat_map(|got| got.body.as_array().unwrap());
    let mut bans = alerts.filter(|alert| alert["labels"]["alertname"] == "MasternodePoSeBanned");
    bans.next_back().map(|alert| alert["endsAt"].as_str().unwrap().to_string())
}

fn text(seconds: u64) -> String {
    domain::rfc3339::text(domain::UnixSeconds(seconds))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_does_not_end_on_arrival_by_either_clock() {
    for ahead in [300_i64, -300] {
        let mut stage = Stage::following().await;
        let fake = FakeReceiver::start().await;
        let its_now = NOW.saturating_add_signed(ahead);
        fake.set_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(its_now));
        let mut exporter = TestEngine::new(None);
        exporter.engine.reconfigure(&at_once(vec![fake.settings("am", Kind::Alertmanager)])).await;
        let masternode = stage.masternode(0);
        stage.mine(&[fail(&masternode, 2)]).await;
        exporter.see(stage.snapshot());
        // The first message was written before its clock was known; it is repeated at once.
        fake.wait("an end in the future of both clocks", |got| last_end(got) == Some(text(its_now.max(NOW) + 240)))
            .await;
        stage.mine(&[simulator::Action::Revive { masternode }]).await;
        exporter.see(stage.snapshot());
        fake.wait("an end that is past by both clocks", |got| last_end(got) == Some(text(its_now.min(NOW)))).await;
        let sample = format!("masternode_exporter_notification_clock_ahead_seconds{{receiver=\"am\"}} {ahead}");
        assert!(exporter.page().lines().any(|line| line == sample), "{}", exporter.page());
        exporter.engine.stop().await;
    }
}
