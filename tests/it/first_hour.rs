//! The first hour of an owner of one node: the commands of the guide, run in its order against a simulated masternode.
//!
//! Never here: installation; sending messages to real services.

use std::path::Path;
use std::process::{Command, Stdio};

use simulator::{Network, Options, RunningServer, Server, ServerOptions, Subnet, legacy};

use crate::support::harness::present;
use crate::support::terminal::Session;

const GUIDE: &str = "docs/guide/one-node.md";

/// A masternode with its node, and a folder with what the guide writes.
struct Stage {
    id: String,
    url: String,
    folder: tempfile::TempDir,
    _network: Network,
    _server: RunningServer,
}

impl Stage {
    async fn new(masternode: bool) -> Stage {
        let options = Options { subnet: Subnet::Main, start_height: 2_880_085, clock: present(), ..Options::default() };
        let network = Network::new(options).unwrap();
        let id = network.masternodes()[0].clone();
        let credentials = Some(("exporter".to_string(), "password".to_string()));
        let options =
            ServerOptions { credentials, masternode: masternode.then(|| id.clone()), ..ServerOptions::default() };
        let server = Server::bind_with(network.clone(), "127.0.0.1:0", options).await.unwrap().spawn();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "password").unwrap();
        std::fs::write(folder.path().join("chat-url"), "https://hooks.example.org/hunter2").unwrap();
        Stage { id, url: server.handle().url(), folder, _network: network, _server: server }
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("exporter.yml"), text).unwrap();
    }

    /// Exit code and output of a command line.
    async fn run(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        command.args(line.split_whitespace().skip(1)).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }
}

/// The fenced blocks of the guide in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE)).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| Some(block.strip_prefix(language)?.strip_prefix('\n')?.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_guide_work_in_its_order() {
    let stage = Stage::new(true).await;
    let [configuration] = &blocks("yaml")[..] else { panic!("one configuration") };
    stage.write(&configuration.replace("http://127.0.0.1:9998", &stage.url).replace("<proTxHash>", &stage.id));
    let commands: Vec<String> =
        blocks("").iter().flat_map(|block| block.lines().map(str::to_string).collect::<Vec<_>>()).collect();
    let commands = commands.iter().filter(|line| line.starts_with("masternode-exporter --config.file"));
    let (mut outputs, mut session) = (Vec::new(), Session::default());
    for line in commands {
        let (code, output) = stage.run(line).await;
        assert_eq!(code, Some(0), "{line}: {output}");
        assert!(!output.contains("hunter2"), "{line}: {output}");
        session.add(line, code, &output);
        outputs.push(output);
    }
    session.compare("one-node", &[stage.folder.path()]);
    let [check, doctor, observe, restart] = &outputs[..] else { panic!("{outputs:?}") };
    for line in [
        "the configuration is good",
        "  watch[0].alias: mn-1",
        "  alerting.webhooks[0].url_file: chat-url",
        "  networks[0].stale_after: 15m",
    ] {
        assert!(check.lines().any(|printed| printed == line), "{line}: {check}");
    }
    assert!(doctor.contains(&format!("masternode mn-1 ({}) is watched", stage.id)), "{doctor}");
    assert!(doctor.contains("The configured user works") && !doctor.contains("rpcauth="), "{doctor}");
    assert!(!doctor.contains("A complete configuration"), "nothing is missing: {doctor}");
    assert!(observe.contains("mn-1"), "{observe}");
    assert!(restart.starts_with("yes: "), "{restart}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_offers_a_user_of_its_own_where_the_node_of_an_older_chain_supports_that() {
    for (chain, name) in [(legacy::Chain::Dimecoin, "dimecoin"), (legacy::Chain::Prcycoin, "prcycoin")] {
        let network = legacy::Network::new(legacy::Options::demo(chain, 20, 1_795_000_000)).unwrap();
        let stage = Stage::new(true).await;
        let credentials = Some(("exporter".to_string(), "password".to_string()));
        let options = ServerOptions { credentials, ..ServerOptions::default() };
        let server = Server::bind_with(network, "127.0.0.1:0", options).await.unwrap().spawn();
        let source =
            format!("{{name: local, url: \"{}\", username: exporter, password_file: password}}", server.handle().url());
        stage.write(&format!("networks: [{{name: net, chain: {name}, sources: [{source}]}}]\n"));
        let (_, report) = stage.run("x --config.file=exporter.yml doctor").await;
        assert_eq!(report.contains("rpcauth=exporter:"), name == "dimecoin", "{report}");
        assert!(!report.contains("rpcwhitelist") && !report.contains("disablewallet"), "{report}");
        assert_eq!(report.contains("rpcuser and rpcpassword"), name == "prcycoin", "{report}");
    }
}

/// The last part of the report of `doctor`: a configuration.
fn proposed(report: &str) -> &str {
    report.split("replace what is in angle brackets:\n\n").nth(1).unwrap().split("\n\n").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_proposes_a_configuration_that_can_be_used_as_it_is() {
    for is_masternode in [true, false] {
        let stage = Stage::new(is_masternode).await;
        let source = format!("{{name: local, url: \"{}\", username: exporter, password_file: password}}", stage.url);
        stage.write(&format!("networks: [{{name: dash-main, sources: [{source}]}}]\n"));
        let (code, report) = stage.run("x --config.file=exporter.yml doctor").await;
        assert_eq!(code, Some(0), "{report}");
        let nothing =
            "note  watch                        No masternode is watched: no alert about a masternode can fire.";
        assert_eq!(report.contains(nothing), !is_masternode, "{report}");
        let text =
            proposed(&report).replace("/etc/masternode-exporter/", "").replace("/var/lib/masternode-exporter/", "");
        assert_eq!(text.contains(&stage.id), is_masternode, "{text}");
        stage.write(&text.replace("<proTxHash>", &stage.id));
        let (code, checked) = stage.run("x --config.file=exporter.yml check").await;
        assert_eq!(code, Some(0), "{text}\n{checked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_when_the_name_of_a_network_means_another() {
    let stage = Stage::new(true).await;
    let source = format!("{{name: local, url: \"{}\", username: exporter, password_file: password}}", stage.url);
    for (name, fits) in [("dash-main", true), ("dash-testnet", false), ("prcycoin", false), ("production", true)] {
        stage.write(&format!("networks: [{{name: {name}, sources: [{source}]}}]\n"));
        let (code, report) = stage.run("x --config.file=exporter.yml doctor").await;
        assert_eq!(code, Some(0), "{report}");
        let line = format!(
            "note  network label                the name {name:?} does not fit: the node follows dash \"main\""
        );
        assert_eq!(report.contains(&line), !fits, "{name}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_opens_what_the_configuration_names() {
    let stage = Stage::new(false).await;
    let source = format!("{{name: local, url: \"{}\", cookie_file: absent/.cookie}}", stage.url);
    let network = format!("networks: [{{name: dash-main, sources: [{source}]}}]\n");
    stage.write(&format!("{network}history: {{path: absent/history.db}}\nwatch: []\n"));
    let (code, text) = stage.run("x --config.file=exporter.yml check").await;
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("absent/history.db cannot be created"), "{text}");
    assert!(text.contains("the cookie") && text.contains("absent/.cookie cannot be read"), "{text}");
    assert!(text.contains("No masternode is watched: no alert about a masternode can fire."), "{text}");
}
