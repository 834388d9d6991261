//! Jumps of the wall clock by hours, forward and back: alerts continue, nothing is withdrawn or negative, no block is
//! lost.
//!
//! Never here: a sleep; the test has its own clock. Code that does not read the wall clock (deadlines, rate limits,
//! remembered passwords, retries) has no test here: `clippy.toml` forbids reading it outside `app::now`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::condition::Catalogue;
use domain::samples::evaluation_input;
use domain::{Snapshot, UnixSeconds, rfc3339};
use masternode_exporter::alerting::Engine;
use masternode_exporter::alerting::settings::Kind;
use masternode_exporter::meters::Meters;
use prometheus::Registry;
use serde_json::Value;
use simulator::{Action, Options};
use tokio::sync::Notify;

use crate::push::{FakeReceiver, Got, at_once, has};
use crate::support::conditions::{moment, network};
use crate::support::harness::{NOW, Stage, fail};
use crate::support::ledger;

const HOURS: u64 = 3_600;

/// The snapshot of a test's engine.
type Shown = Arc<Mutex<Option<Arc<Snapshot>>>>;

/// An engine on the given snapshot, which is confirmed at each evaluation, as in the running program.
fn engine(seen: Shown, news: Arc<Notify>, clock: fn() -> UnixSeconds) -> (Engine, Registry) {
    let look = move || {
        let now = moment(clock().0, 500_000);
        evaluation_input(vec![network("dash-test", seen.lock().unwrap().clone(), None, Some(now))], now)
    };
    let registry = Registry::new();
    let meters = Meters::new(&registry);
    (Engine::new(Catalogue::default(), Box::new(look), news, meters.notifications().clone(), None, clock), registry)
}

/// Waits until no notification is pending: a receiver has its message shortly before that is recorded.
async fn told_all(registry: &Registry) {
    let waits =
        |line: &str| line.starts_with("masternode_exporter_notification_queue_length{") && !line.ends_with(" 0");
    let settled = async {
        while prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap().lines().any(waits) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await.expect("no notification is pending");
}

/// The messages to Alertmanager about alerts of this name: start and end of each.
fn spans(got: &[Got], alert: &str) -> Vec<(u64, u64)> {
    let alerts = got.iter().flat_map(|got| got.body.as_array().unwrap());
    let moment = |text: &Value| rfc3339::span(text.as_str().unwrap()).unwrap().0.0;
    alerts
        .filter(|sent| sent["labels"]["alertname"] == alert)
        .map(|sent| (moment(&sent["startsAt"]), moment(&sent["endsAt"])))
        .collect()
}

const BAN: &str = "MasternodePoSeBanned";

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_jump_ends_no_alert_and_alertmanager_never_gets_an_end_before_a_start() {
    static WALL: AtomicU64 = AtomicU64::new(NOW);
    let jump = |to: u64| WALL.store(to, Ordering::SeqCst);
    let mut stage = Stage::following().await;
    let (page, manager) = (FakeReceiver::start().await, FakeReceiver::start().await);
    let (seen, news) = (Shown::default(), Arc::<Notify>::default());
    let (mut engine, registry) = engine(seen.clone(), news.clone(), || UnixSeconds(WALL.load(Ordering::SeqCst)));
    let receivers = vec![page.settings("page", Kind::Generic), manager.settings("manager", Kind::Alertmanager)];
    engine.reconfigure(&at_once(receivers)).await;
    let show = |stage: &Stage| {
        *seen.lock().unwrap() = stage.snapshot();
        news.notify_one();
    };
    let (first, second) = (stage.masternode(0), stage.masternode(1));
    stage.mine(&[fail(&first, 2)]).await;
    show(&stage);
    page.wait("the ban", |got| has(got, BAN, "firing")).await;
    manager.wait("the ban", |got| !spans(got, BAN).is_empty()).await;
    told_all(&registry).await;

    jump(NOW + 6 * HOURS);
    news.notify_one();
    let lasts = |got: &[Got]| spans(got, BAN).iter().any(|(_, end)| *end > NOW + 6 * HOURS);
    manager.wait("that the alert continues after the jump", lasts).await;
    page.wait("one reminder, as it is later by the clock", |got| {
        let of_ban = got.iter().flat_map(|got| got.body["alerts"].as_array().unwrap());
        of_ban.filter(|alert| alert["alert"] == BAN && alert["reminder"] == true).count() == 1
    })
    .await;
    told_all(&registry).await;

    jump(NOW - 6 * HOURS);
    stage.mine(&[fail(&second, 2)]).await;
    show(&stage);
    let both = |got: &[Got]| spans(got, BAN).iter().any(|(begin, _)| *begin <= NOW - 5 * HOURS);
    manager.wait("the second ban", both).await;
    page.wait("the second ban", |got| got.iter().any(|got| got.body.to_string().contains(&second))).await;
    assert!(!has(&page.wait("all", |_| true).await, BAN, "resolved"), "nothing has ended");

    stage.mine(&[Action::Revive { masternode: first }, Action::Revive { masternode: second }]).await;
    show(&stage);
    let ended = |got: &[Got]| spans(got, BAN).iter().filter(|(_, end)| *end <= NOW - 5 * HOURS).count() >= 2;
    page.wait("their ends", |got| has(got, BAN, "resolved")).await;
    for (begin, end) in spans(&manager.wait("their ends", ended).await, BAN) {
        assert!(begin <= end, "Alertmanager refuses what ends at {end}, before {begin}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_follower_whose_clock_jumps_continues_without_negative_values() {
    static WALL: AtomicU64 = AtomicU64::new(NOW);
    let clock = |settings: &mut masternode_exporter::follower::FollowerSettings| {
        settings.clock = || UnixSeconds(WALL.load(Ordering::SeqCst));
    };
    let mut stage = Stage::with(Options::default(), 1, clock).await;
    stage.poll().await;
    for (step, wall) in [NOW + 7 * HOURS, NOW - 9 * HOURS, 0, NOW].into_iter().enumerate() {
        WALL.store(wall, Ordering::SeqCst);
        stage.poll().await;
        assert!(stage.snapshot().is_some(), "a jump to {wall} withdraws nothing");
        stage.mine(&[fail(&stage.masternode(step), 1)]).await;
        let page = stage.page().await;
        page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
        page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
        let text = stage.text(masternode_exporter::metrics::Format::Text).await;
        let negative: Vec<&str> = text.lines().filter(|line| line.contains(" -")).collect();
        assert!(negative.iter().all(|line| line.starts_with('#')), "{negative:?}");
    }
    assert_eq!(stage.events().iter().filter(|event| event.kind.name() == "penalty").count(), 4);
}

#[tokio::test]
async fn the_backfill_completes_over_clock_jumps() {
    static WALL: AtomicU64 = AtomicU64::new(NOW);
    const WANTED: u32 = 30;
    let before = |network: &simulator::Network| {
        for block in 0..40 {
            let node = network.masternodes()[block % 12].clone();
            network.mine_with(&if block % 5 == 1 { vec![fail(&node, 1)] } else { vec![] }).unwrap();
        }
    };
    let mut stage = Stage::recording_after(before, |settings| {
        settings.backfill_blocks = WANTED;
        settings.clock = || UnixSeconds(WALL.load(Ordering::SeqCst));
    })
    .await;
    let first = stage.network.tip().0 + 1 - WANTED;
    for wall in [NOW + 10 * HOURS, NOW - 10 * HOURS, NOW + 300 * HOURS] {
        assert!(stage.fill(8).await, "there is more to do");
        WALL.store(wall, Ordering::SeqCst);
    }
    assert!(!stage.fill(200).await, "it comes to an end");
    ledger::assert_kept(&stage.history(), &stage.network, first);
    let page = stage.page().await;
    page.expect("masternode_exporter_backfill_pending_blocks", &[], 0.0);
}
