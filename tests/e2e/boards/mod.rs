//! Every query of every dashboard, sent to a real Prometheus that has scraped three simulated chains through a ban, a
//! revival, an expiry and a removal.
//!
//! If `DASHBOARD_ANSWERS` names a folder, the answers are stored there: `scripts/pictures` renders the dashboards from
//! them.

mod asking;
mod expected;
mod filling;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use masternode_exporter::app;
use simulator::{Action, Clock, Network, Options, RunningServer, Server, ServerOptions};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::asking::Prometheus;
use self::filling::{Choice, Filled};
use crate::peer::begin_to_listen;
use crate::process::{Running, exporter, free_port, get, wait_for};

/// The simulated networks.
const NETWORKS: &[&str] = &["dash-demo", "dimecoin-demo", "prcycoin-demo"];

/// Masternodes with a scenario: one is banned and revived, one has an address in use and is banned, one expires, one is
/// paid, one does not meet the expectations of the watch list, one is not on the list.
const STORIES: &[(&str, &str)] = &[
    ("dash-demo", "in-danger"),
    ("dimecoin-demo", "duplicate"),
    ("dimecoin-demo", "silent"),
    ("prcycoin-demo", "mn-3"),
    ("dash-kept", "guarded"),
    ("dash-kept", "missing"),
];

/// Events that must precede the queries.
const HAPPENED: &[&str] = &[
    "masternode_pose_revivals_total{alias=\"in-danger\"} > 0",
    "max_over_time(masternode_pose_banned{alias=\"duplicate\"}[10m]) == 1",
    "masternode_registered{network=\"prcycoin-demo\"} == 0",
    "max_over_time(masternode_network_risk_nodes{network=\"prcycoin-demo\",risk=\"unhealthy\"}[10m]) > 0",
    "masternode_expectation_met{network=\"dash-kept\"} == 0",
    "masternode_exporter_history_size_bytes > 0",
    "masternode_p2p_reachable == 1",
    "masternode_dkg_session_contribution_received == 1",
    "masternode_network_dkg_sessions_total{network=\"dash-demo\"} > 0",
    "masternode_exporter_notifications_total{outcome=\"failed\"} > 0",
    "masternode_exporter_notification_last_success_timestamp_seconds > 0",
    "ALERTS{alertstate=\"firing\",severity!~\"info|none\"}",
];

/// Has an answer if the last scrape of everything was successful.
const EVERY_PAGE: &str = "(min(up) == 1) and (count(masternode_network_height) == 4)";

/// A demonstration of all chains, and an exporter with a history and an expectation on a separate node.
struct Run {
    prometheus: Prometheus,
    _processes: [Running; 3],
    _node: Node,
    _directory: tempfile::TempDir,
}

/// The node of the network with a history: one of its masternodes also listens on this host. One block per second.
struct Node {
    network: Network,
    server: RunningServer,
    _runtime: Runtime,
    _end: mpsc::Sender<()>,
}

impl Node {
    fn start() -> Node {
        let runtime = Runtime::new().unwrap();
        let clock = Clock::Following(|| app::now().0);
        let network = Network::new(Options { clock, ..Options::regtest(100, 12) }).unwrap();
        let one = network.masternodes()[0].clone();
        let port = free_port();
        network.mine_with(&[Action::MoveHere { masternode: one.clone(), port }]).unwrap();
        begin_to_listen(port);
        let credentials = Some(("demo".into(), "demo".into()));
        let options = ServerOptions { credentials, masternode: Some(one), ..ServerOptions::default() };
        let bind = Server::bind_with(network.clone(), "127.0.0.1:0", options);
        let server = runtime.block_on(async { bind.await.unwrap().spawn() });
        let (end, ended) = mpsc::channel();
        let mined = network.clone();
        std::thread::spawn(move || {
            while ended.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                mined.mine(1);
            }
        });
        Node { network, server, _runtime: runtime, _end: end }
    }
}

/// A receiver that accepts all messages until the test ends.
fn receiver() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The rest of the request is irrelevant: the sender reads the answer first.
            let _ = stream.read(&mut [0; 65_536]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

/// A configuration with features that the demonstration lacks: a history, an unmet expectation, a masternode that is on
/// no list, probes, a receiver that accepts messages and one that is unreachable.
fn kept(directory: &Path, node: &Node) -> PathBuf {
    let (file, password) = (directory.join("kept.yml"), directory.join("password"));
    std::fs::write(&password, "demo\n").unwrap();
    let (address, one) = (node.server.handle().address(), &node.network.masternodes()[0]);
    let source =
        format!("{{name: node, url: \"http://{address}\", username: demo, password_file: \"{}\"}}", password.display());
    let history = directory.join("history.db");
    let text = format!(
        "networks: [{{name: dash-kept, chain: dash, poll_interval: 1s, sources: [{source}]}}]\n\
         watch:\n- {{masternode: \"{one}\", alias: guarded, groups: {{operator: kept}}, expect: {{address: \"192.0.2.1:9999\"}}}}\n\
         - {{masternode: \"{}\", alias: missing, groups: {{operator: kept}}}}\nhistory: {{path: \"{}\"}}\n\
         probe: {{enabled: true, interval: 30s, allow_private: true}}\n\
         alerting:\n  longest_hold: 0s\n  webhooks:\n  - {{name: team, url: \"http://127.0.0.1:{}\"}}\n  \
         - {{name: away, url: \"http://127.0.0.1:{}\"}}\n",
        "ab".repeat(32),
        history.display(),
        receiver(),
        free_port(),
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn run() -> Run {
    let [port, kept_port, prometheus_port] = [(); 3].map(|()| free_port());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let configuration = format!(
        "global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s}}\n\
         rule_files: ['{}/alerts/masternode.rules.yml']\nscrape_configs:\n- job_name: masternode\n  \
         static_configs: [{{targets: ['127.0.0.1:{port}', '127.0.0.1:{kept_port}']}}]\n",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::write(file("prometheus.yml"), configuration).unwrap();
    // Prometheus starts first, so that it sees the counters from their beginning.
    let server = Running::start(Command::new("prometheus").args([
        format!("--config.file={}", file("prometheus.yml").display()),
        format!("--storage.tsdb.path={}", file("data").display()),
        format!("--web.listen-address=127.0.0.1:{prometheus_port}"),
    ]));
    wait_for("Prometheus", Duration::from_secs(30), || get(prometheus_port, "/-/ready"));
    let local = |port: u16| format!("127.0.0.1:{port}");
    let size = ["--masternodes", "100", "--block-time", "1s"];
    let node = Node::start();
    let keeping = Running::start(
        exporter()
            .args(["run", "--web.listen-address", &local(kept_port), "--config.file"])
            .arg(kept(directory.path(), &node)),
    );
    let demo = Running::start(
        exporter().args(["demo", "--chain", "dash,dimecoin,prcycoin", "--web.listen-address", &local(port)]).args(size),
    );
    let mut prometheus = Prometheus::new(prometheus_port);
    for condition in HAPPENED {
        wait_for(condition, Duration::from_secs(240), || {
            prometheus.instant(condition).ok().filter(|found| !found.is_empty())
        });
    }
    wait_for("a moment with every page", Duration::from_secs(60), || prometheus.end_with(EVERY_PAGE));
    Run { prometheus, _processes: [server, keeping, demo], _node: node, _directory: directory }
}

fn boards() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    files.sort();
    files.iter().map(|path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// The answers to the panels of a dashboard.
struct Answered {
    problems: Vec<String>,
    kept: Value,
}

/// Sends all queries of a dashboard, with the selected variables.
fn ask(prometheus: &Prometheus, board: &Value, choice: &Choice) -> Answered {
    let filled = Filled::new(prometheus, board, choice);
    let place = format!("{} ({choice})", board["uid"].as_str().unwrap());
    let mut problems: Vec<String> = filled.problems.iter().map(|problem| format!("{place}: {problem}")).collect();
    let mut kept = serde_json::Map::new();
    let panels = list(board, "/panels").filter(|panel| panel["type"] != "row");
    for panel in panels {
        let mut answers = Vec::new();
        // A panel with long steps gets those of the window of `$__rate_interval`.
        let step = if panel["interval"].is_string() { filling::WINDOW } else { 1 };
        for target in list(panel, "/targets") {
            let expression = filled.fill(target["expr"].as_str().unwrap());
            let answer = if target["instant"] == true {
                prometheus.instant(&expression)
            } else {
                prometheus.range(&expression, filled.ahead, step)
            };
            let answer = answer.unwrap_or_else(|error| {
                problems.push(format!("{place}, {}: {error}: {expression}", panel["title"]));
                Vec::new()
            });
            answers.push(json!({"refId": target["refId"], "expr": expression, "legend": filled.fill(target["legendFormat"].as_str().unwrap()), "result": answer}));
        }
        problems.extend(
            expected::problems(panel, &answers, choice).into_iter().map(|problem| format!("{place}, {problem}")),
        );
        kept.insert(panel["id"].to_string(), Value::Array(answers));
    }
    for annotation in list(board, "/annotations/list").filter(|annotation| annotation["builtIn"] != 1) {
        let expression = filled.fill(annotation["expr"].as_str().unwrap());
        match prometheus.range(&expression, 0.0, 1) {
            Err(error) => problems.push(format!("{place}, {}: {error}: {expression}", annotation["name"])),
            Ok(found) if found.is_empty() && expected::must_have_marks(board, annotation, choice) => {
                problems.push(format!("{place}: nothing is marked by {}", annotation["name"]));
            }
            Ok(_) => {}
        }
    }
    let variables = json!(filled.values);
    let kept = json!({"board": board, "panels": kept, "variables": variables, "range": prometheus.span()});
    Answered { problems, kept }
}

fn choices(board: &Value) -> Vec<Choice> {
    if list(board, "/templating/list").any(|variable| variable["name"] == "masternode") {
        return STORIES.iter().map(|(network, alias)| Choice::story(network, alias)).collect();
    }
    std::iter::once(Choice::everything()).chain(NETWORKS.iter().map(|network| Choice::network(network))).collect()
}

#[test]
fn every_query_of_every_board_answers_on_every_chain() {
    let run = run();
    let kept = std::env::var_os("DASHBOARD_ANSWERS");
    let (mut problems, boards) = (Vec::new(), boards());
    assert_eq!(boards.len(), 7);
    for board in &boards {
        for (index, choice) in choices(board).iter().enumerate() {
            let answered = ask(&run.prometheus, board, choice);
            problems.extend(answered.problems);
            if let Some(folder) = kept.as_ref().filter(|_| index == 0) {
                std::fs::create_dir_all(folder).unwrap();
                let file = Path::new(folder).join(format!("{}.json", board["uid"].as_str().unwrap()));
                std::fs::write(file, answered.kept.to_string()).unwrap();
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}\n", problems.len(), problems.join("\n"));
}
