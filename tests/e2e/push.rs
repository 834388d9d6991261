//! Alerts from a simulated network to real Alertmanagers, pushed by the exporter and by a real Prometheus with the
//! rules of the release. Only the times are shorter: pending minutes are seconds here.
//!
//! Never here: bodies of other receivers; the integration tests cover those.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use masternode_exporter::app;
use serde_json::Value;
use simulator::{Action, Clock, Fault, Network, Options, RunningServer, Server, ServerOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::configuration;
use crate::peer::begin_to_listen;
use crate::process::{Running, exporter, free_port, get, start_prometheus, wait_for};

/// Maximum wait for an alert to arrive or to end: scrapes, evaluations and groups take a second each, and the other alerts of a
/// masternode end a minute after its ban.
const PATIENCE: Duration = Duration::from_secs(120);

/// Name and label set of each alert about the watched masternode or its network, with whether it is inhibited.
type Alerts = BTreeMap<String, (BTreeMap<String, String>, bool)>;

/// A network, an exporter, a Prometheus, an Alertmanager that receives from both and one that receives from the
/// exporter only.
struct Scene {
    network: Network,
    masternode: String,
    server: RunningServer,
    _runtime: Runtime,
    folder: TempDir,
    exporter: Option<Running>,
    exporter_port: u16,
    /// Additions to its usual configuration.
    more: String,
    _prometheus: Running,
    prometheus_port: u16,
    both: Option<Running>,
    both_port: u16,
    _alone: Running,
    alone_port: u16,
}

impl Scene {
    fn start() -> Scene {
        Scene::with("", |_, _| {})
    }

    /// With additions to the configuration, on a network with earlier events.
    fn with(more: &str, before: impl FnOnce(&Network, &str)) -> Scene {
        let runtime = Runtime::new().unwrap();
        let clock = Clock::Following(|| app::now().0);
        let network = Network::new(Options { clock, ..Options::default() }).unwrap();
        let access = ServerOptions { credentials: Some(("demo".into(), "demo".into())), ..ServerOptions::default() };
        let bind = Server::bind_with(network.clone(), "127.0.0.1:0", access);
        let server = runtime.block_on(async { bind.await.unwrap().spawn() });
        let folder = tempfile::tempdir().unwrap();
        let masternode = network.masternodes()[0].clone();
        before(&network, &masternode);
        let [exporter_port, prometheus_port, both_port, alone_port] = [(); 4].map(|()| free_port());
        let both = alertmanager(folder.path(), "both", both_port);
        let alone = alertmanager(folder.path(), "alone", alone_port);
        let prometheus = prometheus(folder.path(), exporter_port, prometheus_port, both_port);
        let mut scene = Scene {
            network,
            masternode,
            server,
            _runtime: runtime,
            folder,
            exporter: None,
            exporter_port,
            more: more.into(),
            _prometheus: prometheus,
            prometheus_port,
            both: Some(both),
            both_port,
            _alone: alone,
            alone_port,
        };
        scene.start_exporter();
        scene.network.mine(1);
        // The rules compare with earlier samples, so those must be scraped first.
        wait_for("a healthy masternode in Prometheus", PATIENCE, || {
            let records = get(prometheus_port, "/api/v1/query?query=masternode_alert_subject")?;
            records.contains(&scene.masternode).then_some(())
        });
        scene
    }

    fn start_exporter(&mut self) {
        let address = self.server.handle().address().to_string();
        let more = format!(
            "watch: [{{masternode: {}, alias: mine, groups: {{operator: acme}}}}]\n\
             history: {{path: {}}}\n\
             alerting:\n  alertmanagers: [{{url: \"http://127.0.0.1:{}\"}}, {{url: \"http://127.0.0.1:{}\"}}]\n  \
             longest_hold: 1s\n{}",
            self.masternode,
            self.folder.path().join("history.db").display(),
            self.both_port,
            self.alone_port,
            self.more,
        );
        let file = configuration(self.folder.path(), &address, &more);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(
            &file,
            text.replace("name: dash-demo,", "name: dash-demo, poll_interval: 100ms, stale_after: 5s,"),
        )
        .unwrap();
        let web = format!("127.0.0.1:{}", self.exporter_port);
        let mut command = exporter();
        command.arg("--config.file").arg(file).args(["--web.listen-address", &web]);
        self.exporter = Some(Running::start(&mut command));
    }

    fn fail(&self) {
        let masternode = self.masternode.clone();
        self.network.mine_with(&[Action::FailDkg { masternode, commitments: 1, quorum_type: None }]).unwrap();
    }

    /// Firing alerts of an Alertmanager.
    fn alerts(port: u16) -> Option<Alerts> {
        let answer: Vec<Value> = serde_json::from_str(&get(port, "/api/v2/alerts")?).ok()?;
        let mut alerts = Alerts::new();
        for alert in answer {
            let mut labels: BTreeMap<String, String> = serde_json::from_value(alert["labels"].clone()).ok()?;
            let name = labels.remove("alertname")?;
            let inhibited = !alert["status"]["inhibitedBy"].as_array()?.is_empty();
            if ["MasternodeExporterWatchdog", "MasternodeExporterAbsent"].contains(&name.as_str()) {
                continue;
            }
            assert!(alerts.insert(name.clone(), (labels, inhibited)).is_none(), "{name} is there twice: {alert}");
        }
        Some(alerts)
    }

    /// Firing alerts of Prometheus.
    fn fired_by_rules(&self) -> Option<Alerts> {
        let answer: Value = serde_json::from_str(&get(self.prometheus_port, "/api/v1/alerts")?).ok()?;
        let mut alerts = Alerts::new();
        for alert in answer["data"]["alerts"].as_array()?.iter().filter(|alert| alert["state"] == "firing") {
            let mut labels: BTreeMap<String, String> = serde_json::from_value(alert["labels"].clone()).ok()?;
            let name = labels.remove("alertname")?;
            if !["MasternodeExporterWatchdog", "MasternodeExporterAbsent"].contains(&name.as_str()) {
                alerts.insert(name, (labels, false));
            }
        }
        Some(alerts)
    }

    /// Waits until exactly these alerts fire at both Alertmanagers and by the rules, with the same labels everywhere. A
    /// name that ends with `*` is inhibited.
    #[track_caller]
    fn expect(&self, when: &str, expected: &[&str]) {
        let named = |alerts: &Alerts| {
            let mark =
                |(name, (_, inhibited)): (&String, &(_, bool))| format!("{name}{}", if *inhibited { "*" } else { "" });
            alerts.iter().map(mark).collect::<Vec<_>>()
        };
        let labels = |alerts: &Alerts| -> BTreeMap<String, BTreeMap<String, String>> {
            alerts.iter().map(|(name, (labels, _))| (name.clone(), labels.clone())).collect()
        };
        let started = Instant::now();
        loop {
            let all = [Scene::alerts(self.both_port), Scene::alerts(self.alone_port), self.fired_by_rules()];
            if let [Some(both), Some(alone), Some(rules)] = &all
                && named(both) == expected
                && labels(both) == labels(alone)
                && labels(both) == labels(rules)
            {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{when}: expected {expected:?}; both, push alone, rules: {all:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn alertmanager(folder: &Path, name: &str, port: u16) -> Running {
    let inhibition = std::fs::read_to_string(root().join("alerts/inhibition.yml")).unwrap();
    let file = folder.join(format!("{name}.yml"));
    let route = "route: {receiver: nobody, group_wait: 1s, group_interval: 1s}\nreceivers: [{name: nobody}]\n";
    std::fs::write(&file, format!("{route}{inhibition}")).unwrap();
    let running = Running::start(Command::new("prometheus-alertmanager").args([
        format!("--config.file={}", file.display()),
        format!("--storage.path={}", folder.join(name).display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".into(),
    ]));
    wait_for("Alertmanager", Duration::from_secs(30), || get(port, "/-/ready"));
    running
}

/// The rules of the release, with shorter times.
fn prometheus(folder: &Path, exporter: u16, port: u16, alertmanager: u16) -> Running {
    let rules = std::fs::read_to_string(root().join("alerts/masternode.rules.yml")).unwrap();
    let short = ["for: 10m", "for: 5m", "for: 1m"].iter().fold(rules, |rules, hold| rules.replace(hold, "for: 1s"));
    std::fs::write(folder.join("rules.yml"), short).unwrap();
    let rules = "rule_files: [rules.yml]";
    let alerting =
        format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}");
    start_prometheus(folder, exporter, port, &format!("{rules}\n{alerting}"))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const ONE_FAILURE: &[&str] =
    &["MasternodePoSeBanImminent", "MasternodePoSeOneFailureFromBan*", "MasternodePoSePenalized"];
const BANNED: &[&str] = &["MasternodePaymentLost*", "MasternodePoSeBanned", "MasternodePoSePenalized*"];
/// The alert about a lost payment lasts an hour.
const REVIVED: &[&str] = &["MasternodePaymentLost"];

#[test]
fn from_healthy_to_banned_to_revived_push_and_rules_are_one_alert() {
    let scene = Scene::start();
    scene.expect("healthy", &[]);
    scene.fail();
    scene.expect("one failure", ONE_FAILURE);
    scene.fail();
    scene.expect("banned", BANNED);
    scene.network.mine_with(&[Action::Revive { masternode: scene.masternode.clone() }]).unwrap();
    scene.expect("revived", REVIVED);
}

#[test]
fn a_killed_exporter_and_a_stopped_alertmanager_lose_no_alert() {
    let mut scene = Scene::start();
    scene.fail();
    scene.fail();
    scene.expect("banned", BANNED);
    // Killed, not stopped.
    drop(scene.exporter.take());
    scene.network.mine(1);
    scene.start_exporter();
    scene.expect("banned, after a restart", BANNED);
    drop(scene.both.take());
    scene.network.mine_with(&[Action::Revive { masternode: scene.masternode.clone() }]).unwrap();
    wait_for("the end of the ban at the other one", PATIENCE, || {
        Scene::alerts(scene.alone_port).filter(|alerts| !alerts.contains_key("MasternodePoSeBanned"))
    });
    scene.both = Some(alertmanager(scene.folder.path(), "both", scene.both_port));
    scene.expect("revived, at both", REVIVED);
}

#[test]
fn an_exporter_that_is_gone_leaves_its_ban_firing_by_the_rules_and_is_missed() {
    let mut scene = Scene::start();
    scene.fail();
    scene.fail();
    scene.expect("banned", BANNED);
    drop(scene.exporter.take());
    let gone = ["MasternodeExporterDown", "MasternodeExporterNetworkUnreported", "MasternodePoSeBanned"];
    let fired = |names: &[&str]| {
        let alerts = scene.fired_by_rules()?;
        names.iter().all(|name| alerts.contains_key(*name)).then_some(alerts)
    };
    wait_for("that the exporter is missed while the ban holds", PATIENCE, || fired(&gone));
    // Prometheus remembers the ban for longer than a sample is looked back for.
    scene.network.mine_with(&[Action::Revive { masternode: scene.masternode.clone() }]).unwrap();
    assert!(fired(&gone).is_some());
    scene.start_exporter();
    scene.expect("revived, seen by the new process", REVIVED);
}

#[test]
fn a_silent_source_resolves_no_alert_but_a_reorg_that_reverts_a_ban_does() {
    let scene = Scene::start();
    scene.fail();
    scene.fail();
    scene.expect("banned", BANNED);
    scene.server.handle().faults().set(Fault::WarmUp("Loading block index...".into()));
    let all = [
        "MasternodeExporterAllSourcesDown",
        "MasternodeExporterDataStale*",
        "MasternodeExporterSourceDown*",
        "MasternodePaymentLost*",
        "MasternodePoSeBanned",
        "MasternodePoSePenalized*",
    ];
    scene.expect("silent", &all);
    scene.server.handle().faults().clear();
    scene.expect("heard again", BANNED);
    // Both failures are reverted, with all their consequences except the counter.
    scene.network.reorg(2, &[vec![], vec![], vec![]]).unwrap();
    wait_for("the end of the ban", PATIENCE, || {
        let gone = |alerts: &Alerts| alerts.keys().all(|name| !name.contains("PoSe"));
        let all = [Scene::alerts(scene.both_port), Scene::alerts(scene.alone_port), scene.fired_by_rules()];
        all.iter().all(|alerts| alerts.as_ref().is_some_and(gone)).then_some(())
    });
}

#[test]
fn an_unreachable_masternode_alerts_both_ways_before_its_score_rises_until_it_answers() {
    let port = free_port();
    let scene = Scene::with("probe: {enabled: true, interval: 30s, allow_private: true}", |network, masternode| {
        network.mine_with(&[Action::MoveHere { masternode: masternode.into(), port }]).unwrap();
    });
    scene.expect("no process listens", &["MasternodeDkgSeatUnreachable", "MasternodeUnreachable*"]);
    let [both, rules] = [Scene::alerts(scene.both_port), scene.fired_by_rules()].map(Option::unwrap);
    let labels = &both["MasternodeUnreachable"].0;
    assert_eq!((labels["alias"].as_str(), labels["operator"].as_str()), ("mine", "acme"));
    assert_eq!(labels, &rules["MasternodeUnreachable"].0);
    begin_to_listen(port);
    scene.expect("it answers", &[]);
}
