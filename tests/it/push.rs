//! Alerts that the exporter pushes itself, from a simulated network to receivers on loopback.
//!
//! Never here: a real Alertmanager; the end-to-end tests have one.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::condition::{Catalogue, Severity};
use domain::probe::{Outcome, Probe, ProbeError, Probes, Unprobed};
use domain::samples::evaluation_input;
use domain::{Snapshot, UnixSeconds};
use masternode_exporter::alerting::routing::AlertMatch;
use masternode_exporter::alerting::settings::{Heartbeat, Kind, Receiver};
use masternode_exporter::alerting::{AlertingSettings, Engine};
use masternode_exporter::history::{self, Writer, WriterHandle};
use masternode_exporter::meters::Meters;
use masternode_exporter::outbound::Outbound;
use masternode_exporter::secret::{Secret, SecretSource};
use prometheus::Registry;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::markdown;
use crate::support::conditions::{moment, network};
use crate::support::harness::{NOW, Stage, fail};

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A receiver on loopback: keeps its requests, and answers with the given status.
pub(crate) struct FakeReceiver {
    pub(crate) address: String,
    got: watch::Receiver<Vec<Got>>,
    status: Arc<Mutex<u16>>,
    poison: Arc<Mutex<Option<(String, u16)>>>,
    key: Arc<Mutex<String>>,
    silent: Arc<Mutex<bool>>,
    date: Arc<Mutex<String>>,
    _task: tokio::task::JoinHandle<()>,
}

impl FakeReceiver {
    pub(crate) async fn start() -> FakeReceiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, got) = watch::channel(Vec::new());
        let status = Arc::new(Mutex::new(200));
        let poison: Arc<Mutex<Option<(String, u16)>>> = Arc::default();
        let (key, silent) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<bool>>::default());
        let date: Arc<Mutex<String>> = Arc::default();
        let said = date.clone();
        let (answer, refused, needed, is_silent) = (status.clone(), poison.clone(), key.clone(), silent.clone());
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut read = Vec::new();
                let got = loop {
                    let mut chunk = [0; 65_536];
                    let length = stream.read(&mut chunk).await.unwrap_or(0);
                    read.extend(&chunk[..length]);
                    if let Some(got) = whole(&read) {
                        break Some(got);
                    }
                    if length == 0 {
                        break None;
                    }
                };
                let sent = String::from_utf8_lossy(&read);
                let poison = refused.lock().unwrap().clone().filter(|(poison, _)| sent.contains(poison));
                let status = match (sent.contains(&*needed.lock().unwrap()), poison) {
                    (false, _) => 401,
                    (true, Some((_, status))) => status,
                    (true, None) => *answer.lock().unwrap(),
                };
                if *is_silent.lock().unwrap() {
                    sender.send_modify(|all| all.extend(got));
                    continue;
                }
                let reply = format!(
                    "HTTP/1.1 {status} X\r\n{}Content-Length: 0\r\nConnection: close\r\n\r\n",
                    said.lock().unwrap()
                );
                let _ = stream.write_all(reply.as_bytes()).await;
                if let Some(got) = got.filter(|_| status < 300) {
                    sender.send_modify(|all| all.push(got));
                }
            }
        });
        FakeReceiver { address, got, status, poison, key, silent, date, _task: task }
    }

    /// Each message with this text is answered with 400.
    pub(crate) fn refuse(&self, text: &str) {
        self.refuse_with(text, 400);
    }

    /// Each message with this text is answered with this status.
    pub(crate) fn refuse_with(&self, text: &str, status: u16) {
        *self.poison.lock().unwrap() = Some((text.into(), status));
    }

    /// Each message without this text is answered with 401.
    pub(crate) fn require(&self, text: &str) {
        *self.key.lock().unwrap() = text.into();
    }

    /// Sets the time of its responses.
    pub(crate) fn set_clock(&self, at: std::time::SystemTime) {
        *self.date.lock().unwrap() = format!("Date: {}\r\n", httpdate::fmt_http_date(at));
    }

    /// Accepts each message, and closes the connection without a response.
    pub(crate) fn be_silent(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }

    pub(crate) fn answer_with(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// All received requests.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.borrow().clone()
    }

    /// Waits until all received requests match.
    pub(crate) async fn wait(&self, what: &str, fits: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let mut got = self.got.clone();
        let waited = timeout(Duration::from_secs(120), got.wait_for(|all| fits(all))).await;
        match waited {
            Ok(all) => all.unwrap().clone(),
            Err(_) => panic!("{what} did not come; got {:#?}", self.got.borrow()),
        }
    }

    pub(crate) fn settings(&self, name: &str, kind: Kind) -> Receiver {
        Receiver {
            name: name.into(),
            kind,
            address: text(&self.address),
            token: None,
            minimum_severity: Severity::Info,
            matches: AlertMatch::default(),
            repeat: Duration::from_secs(3600),
            timeout: Duration::from_secs(5),
            outbound: Outbound::default(),
        }
    }
}

/// A secret in the configuration itself.
pub(crate) fn text(text: &str) -> SecretSource {
    SecretSource::Text(Secret::new(text))
}

/// A request, once all of it was read.
fn whole(read: &[u8]) -> Option<Got> {
    let text = std::str::from_utf8(read).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    (body.len() >= length.unwrap_or(0))
        .then(|| Got { head: head.into(), body: serde_json::from_str(body).unwrap_or(Value::Null) })
}

/// The state that the engine of a test sees.
#[derive(Clone, Default)]
struct Sight {
    snapshot: Option<Arc<Snapshot>>,
    confirmed: Option<u64>,
    probes: Option<Arc<Probes>>,
    isolated: Option<bool>,
}

/// An engine on a network that a test advances.
pub(crate) struct TestEngine {
    pub(crate) engine: Engine,
    sight: Arc<Mutex<Sight>>,
    news: Arc<Notify>,
    pub(crate) meters: Meters,
    pub(crate) registry: Registry,
}

impl TestEngine {
    pub(crate) fn new(history: Option<Writer>) -> TestEngine {
        TestEngine::with(Catalogue::default(), history)
    }

    /// An engine that evaluates these conditions.
    pub(crate) fn with(catalogue: Catalogue, history: Option<Writer>) -> TestEngine {
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let sight: Arc<Mutex<Sight>> = Arc::default();
        let news: Arc<Notify> = Arc::default();
        let seen = sight.clone();
        let look = move || {
            let Sight { snapshot, confirmed, probes, isolated } = seen.lock().unwrap().clone();
            // The wall clock does not advance, and the process has run for days.
            let confirmed = confirmed.map(|at| moment(at, 500_000 - (NOW - at)));
            let mut network = network("dash-test", snapshot, probes, confirmed);
            network.sources[0].isolated = isolated;
            if confirmed.is_none() {
                network.since = moment(NOW, 500_000);
            }
            evaluation_input(vec![network], moment(NOW, 500_000))
        };
        let notifications = meters.notifications().clone();
        let engine = Engine::new(catalogue, Box::new(look), news.clone(), notifications, history, || UnixSeconds(NOW));
        TestEngine { engine, sight, news, meters, registry }
    }

    pub(crate) fn see(&self, snapshot: Option<Arc<Snapshot>>) {
        {
            let mut sight = self.sight.lock().unwrap();
            (sight.snapshot, sight.confirmed) = (snapshot, Some(NOW));
        }
        self.news.notify_one();
    }

    /// Waits for the given number of attempts with this result. The engine then knows the result, which it may not know
    /// yet when a receiver has its message.
    pub(crate) async fn noted(&self, outcome: &str, receiver: &str, attempts: usize) {
        let sample =
            format!("masternode_exporter_notifications_total{{outcome=\"{outcome}\",receiver=\"{receiver}\"}} ");
        let count = || self.page().lines().find_map(|line| line.strip_prefix(&sample)?.parse::<usize>().ok());
        let noted = async {
            while count().is_none_or(|count| count < attempts) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), noted).await.expect("attempts are counted");
    }

    /// The metrics of the process, as text.
    pub(crate) fn page(&self) -> String {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap()
    }
}

pub(crate) fn at_once(receivers: Vec<Receiver>) -> AlertingSettings {
    AlertingSettings { receivers, longest_hold: Some(Duration::ZERO), ..AlertingSettings::default() }
}

/// Name and status of each alert in the notifications of a generic webhook, in order.
pub(crate) fn story(got: &[Got]) -> Vec<(String, String)> {
    let alerts = got.iter().flat_map(|got| got.body["alerts"].as_array().unwrap().clone());
    let text = |value: &Value| value.as_str().unwrap().to_string();
    alerts.map(|alert| (text(&alert["alert"]), text(&alert["status"]))).collect()
}

pub(crate) fn has(got: &[Got], alert: &str, status: &str) -> bool {
    story(got).iter().any(|(name, said)| name == alert && said == status)
}

pub(crate) fn open(folder: &Path) -> (Writer, WriterHandle) {
    let path = folder.join("history.db");
    let settings =
        history::HistorySettings { path, retention: Duration::from_secs(86_400), clock: || UnixSeconds(NOW) };
    Writer::start(settings, Meters::new(&Registry::new()).history().clone()).unwrap()
}

/// Two failures in one block: a masternode of the small network is banned. Then it is revived.
#[tokio::test(flavor = "multi_thread")]
async fn a_ban_and_its_end_reach_every_receiver_once_and_a_failing_receiver_delays_no_other() {
    let mut stage = Stage::following().await;
    let (good, bad) = (FakeReceiver::start().await, FakeReceiver::start().await);
    bad.answer_with(503);
    let mut exporter = TestEngine::new(None);
    let receivers = vec![bad.settings("bad", Kind::Generic), good.settings("good", Kind::Generic)];
    exporter.engine.reconfigure(&at_once(receivers)).await;
    exporter.see(stage.snapshot());
    let masternode = stage.masternode(0);
    stage.mine(&[fail(&masternode, 2)]).await;
    exporter.see(stage.snapshot());
    good.wait("the ban", |got| has(got, "MasternodePoSeBanned", "firing")).await;
    stage.mine(&[simulator::Action::Revive { masternode }]).await;
    exporter.see(stage.snapshot());
    let got = good.wait("its end", |got| has(got, "MasternodePoSeBanned", "resolved")).await;
    let of_ban: Vec<_> = story(&got).into_iter().filter(|(name, _)| name == "MasternodePoSeBanned").collect();
    assert_eq!(of_ban.len(), 2, "{got:#?}");
    exporter.noted("failed", "bad", 1).await;
    bad.answer_with(200);
    let late = bad.wait("what it missed", |got| has(got, "MasternodePoSeBanned", "resolved")).await;
    assert!(!has(&late, "MasternodePoSeBanned", "firing"), "it gets the current state, not the past");
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_repeats_no_notification_and_reports_ended_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::following().await;
    let receiver = FakeReceiver::start().await;
    let settings = at_once(vec![receiver.settings("one", Kind::Generic)]);
    let masternode = stage.masternode(0);
    stage.mine(&[fail(&masternode, 2)]).await;
    let (writer, ended) = open(folder.path());
    let mut exporter = TestEngine::new(Some(writer));
    exporter.engine.reconfigure(&settings).await;
    exporter.see(stage.snapshot());
    let first = receiver.wait("the ban", |got| has(got, "MasternodePoSeBanned", "firing")).await;
    exporter.noted("delivered", "one", first.len()).await;
    exporter.engine.stop().await;
    drop((exporter.engine, exporter.meters, exporter.registry));
    assert_eq!(ended.within(Duration::from_secs(20)).await, Some(0));

    let (writer, _ended) = open(folder.path());
    let mut exporter = TestEngine::new(Some(writer));
    exporter.engine.reconfigure(&settings).await;
    stage.mine(&[simulator::Action::Revive { masternode }]).await;
    exporter.see(stage.snapshot());
    let all = receiver.wait("its end", |got| has(got, "MasternodePoSeBanned", "resolved")).await;
    let bans = story(&all).iter().filter(|(name, _)| name == "MasternodePoSeBanned").count();
    assert_eq!(bans, 2, "fired before, ended after: {first:#?} {all:#?}");
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_ended_while_the_history_could_not_be_opened_is_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::following().await;
    let receiver = FakeReceiver::start().await;
    let settings = at_once(vec![receiver.settings("one", Kind::Generic)]);
    let masternode = stage.masternode(0);
    stage.mine(&[fail(&masternode, 2)]).await;
    let (writer, ended) = open(folder.path());
    let mut exporter = TestEngine::new(Some(writer));
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&settings).await;
    let first = receiver.wait("the ban", |got| has(got, "MasternodePoSeBanned", "firing")).await;
    exporter.noted("delivered", "one", first.len()).await;
    exporter.engine.stop().await;
    drop((exporter.engine, exporter.meters, exporter.registry));
    assert_eq!(ended.within(Duration::from_secs(20)).await, Some(0));

    // As a lock of another file system: a directory in its place.
    let lock = folder.path().join("history.db.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let (writer, _ended) = open(folder.path());
    stage.mine(&[simulator::Action::Revive { masternode }]).await;
    let mut exporter = TestEngine::new(Some(writer.clone()));
    exporter.see(stage.snapshot());
    exporter.engine.reconfigure(&settings).await;
    assert!(!has(&receiver.got(), "MasternodePoSeBanned", "resolved"), "it is not known yet");
    std::fs::remove_dir(&lock).unwrap();
    writer.flush().await.unwrap();
    receiver.wait("its end", |got| has(got, "MasternodePoSeBanned", "resolved")).await;
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_snapshot_resolves_no_alert() {
    let mut stage = Stage::following().await;
    let receiver = FakeReceiver::start().await;
    let mut exporter = TestEngine::new(None);
    exporter.engine.reconfigure(&at_once(vec![receiver.settings("one", Kind::Generic)])).await;
    let masternode = stage.masternode(0);
    stage.mine(&[fail(&masternode, 2)]).await;
    exporter.see(stage.snapshot());
    receiver.wait("the ban", |got| has(got, "MasternodePoSeBanned", "firing")).await;
    *exporter.sight.lock().unwrap() = Sight { confirmed: Some(NOW - 901), ..Sight::default() };
    exporter.news.notify_one();
    let got = receiver.wait("that it is stale", |got| has(got, "MasternodeExporterDataStale", "firing")).await;
    assert!(story(&got).iter().all(|(_, status)| status == "firing"), "{got:#?}");
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_receiver_gets_a_valid_body_and_no_secret_is_shown() {
    let mut stage = Stage::following().await;
    let token = text("hunter2");
    let kinds = [
        ("alertmanager", Kind::Alertmanager, "POST /api/v2/alerts "),
        ("generic", Kind::Generic, "POST / "),
        ("slack", Kind::Slack, "POST / "),
        ("discord", Kind::Discord, "POST / "),
        ("telegram", Kind::Telegram { chat: "-1001".into() }, "POST /bothunter2/sendMessage "),
        ("pagerduty", Kind::PagerDuty, "POST / "),
        ("ntfy", Kind::Ntfy { topic: Secret::new("masternodes") }, "POST / "),
        (
            "matrix",
            Kind::Matrix { room: "!ab/c:example.org".into() },
            "PUT /_matrix/client/v3/rooms/!ab%2Fc:example.org/send/m.room.message/",
        ),
    ];
    let mut fakes = Vec::new();
    let mut receivers = Vec::new();
    for (name, kind, request) in kinds {
        let fake = FakeReceiver::start().await;
        receivers.push(Receiver { token: Some(token.clone()), ..fake.settings(name, kind) });
        fakes.push((name, request, fake));
    }
    let beat = FakeReceiver::start().await;
    let mut exporter = TestEngine::new(None);
    let address = text(&format!("{}/hunter2", beat.address));
    let outbound = Outbound::default();
    let heartbeat = Some(Heartbeat { address, interval: Duration::from_millis(100), outbound });
    let settings =
        AlertingSettings { heartbeat, external_url: "https://exporter.example.org".into(), ..at_once(receivers) };
    assert!(!format!("{settings:?}").contains("hunter2"));
    exporter.engine.reconfigure(&settings).await;
    let masternode = stage.masternode(0);
    stage.mine(&[fail(&masternode, 2)]).await;
    exporter.see(stage.snapshot());
    for (name, request, fake) in &fakes {
        let of_ban = |got: &Got| got.body.to_string().contains("MasternodePoSeBanned");
        let got = fake.wait(name, |got| got.iter().any(of_ban)).await;
        let path = match *name {
            "generic" => "docs/webhook.schema.json".to_string(),
            name => format!("tests/fixtures/receivers/{name}.schema.json"),
        };
        let schema: Value = serde_json::from_str(&markdown::read(&path)).unwrap();
        for Got { head, body } in &got {
            assert!(head.starts_with(request), "{name}: {head}");
            let bearer = head.to_lowercase().contains("authorization: bearer hunter2");
            assert_eq!(bearer, ["alertmanager", "generic", "ntfy", "matrix"].contains(name), "{name}: {head}");
            if let Err(error) = jsonschema::validate(&schema, body) {
                panic!("{name}: {error}\n{body:#}");
            }
        }
    }
    beat.wait("a heartbeat", |got| got.iter().any(|got| got.head.starts_with("GET /hunter2 "))).await;
    assert!(!exporter.page().contains("hunter2") && !exporter.page().contains("127.0.0.1"));
    exporter.engine.stop().await;
}

/// The result of probing one masternode.
fn called(masternode: &str, outcome: Outcome) -> Option<Arc<Probes>> {
    let probe = Probe { outcome, at: UnixSeconds(NOW), duration: None, peer: None, last_success: None };
    Some(Arc::new([(masternode.parse().unwrap(), probe)].into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_masternode_alerts_until_it_answers_but_not_for_our_own_outage() {
    let stage = Stage::following().await;
    let receiver = FakeReceiver::start().await;
    let mut exporter = TestEngine::new(None);
    let masternode = stage.masternode(0);
    let call = |exporter: &TestEngine, probes: Option<Arc<Probes>>, isolated: bool| {
        let mut sight = exporter.sight.lock().unwrap();
        (sight.probes, sight.isolated) = (probes, Some(isolated));
        drop(sight);
        exporter.news.notify_one();
    };
    exporter.engine.reconfigure(&at_once(vec![receiver.settings("own", Kind::Generic)])).await;
    exporter.see(stage.snapshot());
    call(&exporter, called(&masternode, Outcome::Failed(ProbeError::Refused)), false);
    let fired = receiver.wait("the silence", |got| has(got, "MasternodeUnreachable", "firing")).await;
    assert!(fired.iter().any(|got| got.body.to_string().contains("registered address: refused.")), "{fired:#?}");
    // Not probed yet, then no route: the alert of the isolated source, sent with each evaluation, shows that it took place.
    for (probes, isolated) in
        [(Some(Arc::default()), true), (called(&masternode, Outcome::Unprobed(Unprobed::NoRoute)), false)]
    {
        call(&exporter, probes, isolated);
        let status = if isolated { "firing" } else { "resolved" };
        let got = receiver.wait("the source", |got| has(got, "MasternodeExporterSourceIsolated", status)).await;
        assert!(!has(&got, "MasternodeUnreachable", "resolved"), "{got:#?}");
    }
    call(&exporter, called(&masternode, Outcome::Reached), false);
    let got = receiver.wait("its answer", |got| has(got, "MasternodeUnreachable", "resolved")).await;
    assert_eq!(story(&got).iter().filter(|(name, _)| name == "MasternodeUnreachable").count(), 2, "{got:#?}");
    exporter.engine.stop().await;
}
