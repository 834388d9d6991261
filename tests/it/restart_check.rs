//! `restart-check` as a script uses it: its exit codes at heights whose windows are known.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use simulator::{Action, Network, Options, RunningServer, Server, Subnet};

use crate::support::harness::present;

/// A network whose tip has this offset into the cycle of 288 blocks, one of its nodes, and a configuration with it.
struct Stage {
    network: Network,
    _server: RunningServer,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn at(offset: u32) -> Stage {
        Stage::of(offset, Options::default()).await
    }

    async fn of(offset: u32, options: Options) -> Stage {
        let options = Options { subnet: Subnet::Main, start_height: 2_880_000 + offset, clock: present(), ..options };
        let network = Network::new(options).unwrap();
        let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "password").unwrap();
        let url = server.handle().url();
        let ids = network.masternodes();
        let first = |evo: bool| ids.iter().find(|id| network.masternode(id).unwrap().evo == evo).unwrap().clone();
        let config = format!(
            "networks: [{{name: one, poll_interval: 100ms, sources: [{{name: a, url: \"{url}\", username: user, password_file: {:?}}}]}}]\n\
             watch:\n- {{masternode: \"{}\", alias: regular}}\n- {{masternode: \"{}\", alias: evo}}\n",
            folder.path().join("password"),
            first(false),
            first(true),
        );
        std::fs::write(folder.path().join("exporter.yml"), config).unwrap();
        Stage { network, _server: server, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("exporter.yml")
    }

    async fn run(&self, more: &[&str]) -> (Option<i32>, String, String) {
        self.output(command(&self.file(), more)).await
    }

    async fn output(&self, mut command: Command) -> (Option<i32>, String, String) {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

fn command(file: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
    command.arg("--config.file").arg(file).arg("restart-check").args(more);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_determines_the_exit_code() {
    // Offset into the cycle, blocks left for a regular node and for an Evo node: the table of `domain/dkg.rs`.
    let stage = Stage::at(85).await;
    let (code, text, _) = stage.run(&["--masternode", "regular"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("yes: at height 2880085 a regular masternode misses no session for 203 blocks"), "{text}");
    let (code, text, _) = stage.run(&["--masternode", "evo", "--blocks", "12"]).await;
    assert_eq!((code, text.starts_with("no:")), (Some(3), true), "{text}");
    assert!(text.contains("has 11 blocks before the next session, and 12 are asked for"), "{text}");
    let (code, _, errors) = stage.run(&["--masternode", "nobody"]).await;
    assert_eq!(code, Some(2));
    assert!(
        errors.contains("--masternode nobody: it is neither an alias of the watch list, nor a proTxHash"),
        "{errors}"
    );
    let (code, _, errors) = stage.run(&["--masternode", "evo", "--network", "two"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("no network \"two\" is configured; there are: one"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_some_minutes_costs_what_it_may_miss_and_the_next_window_is_named() {
    let stage = Stage::at(85).await;
    // 157.6 seconds a block on the simulated chain before it is measured; at offset 85 an Evo node has 11 blocks left.
    let (code, text, errors) = stage.run(&["--masternode", "evo", "--for", "10m"]).await;
    assert_eq!(code, Some(0), "{text}{errors}");
    let (code, text, _) = stage.run(&["--masternode", "evo", "--for", "1h", "--plan"]).await;
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("has 11 blocks before the next session, and ") && text.contains("may arrive in 1h"),
        "{text}"
    );
    assert!(text.contains("it misses 0 known seats, and further ones are possible"), "{text}");
    assert!(text.contains("no window is long enough up to block 2881237; the longest: after block"), "{text}");
    // The windows are those of docs/pose.md: 11 blocks from offset 13 to 23 of each 24, and none while a cycle of 288 begins.
    let windows = text.lines().filter(|line| line.starts_with("longest") || line.starts_with("too short")).count();
    assert!(windows > 30, "{text}");
    let (code, text, _) = stage.run(&["--masternode", "regular", "--for", "1h", "--plan"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("\nlongest") && text.contains("\nfits"), "{text}");
    for wrong in [&["--for", "0s"][..], &["--for", "25h"], &["--for", "10m", "--blocks", "4"]] {
        let arguments = [&["--masternode", "evo"], wrong].concat();
        assert_eq!(stage.run(&arguments).await.0, Some(2), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_fleet_is_a_table_json_or_a_calendar_and_tells_by_its_exit_code_whether_all_have_a_place() {
    let stage = Stage::at(85).await;
    let plan = |more: &'static [&'static str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        command.arg("--config.file").arg(stage.file()).arg("restart-plan").args(more);
        stage.output(command)
    };
    let (code, table, errors) = plan(&["--for", "10m"]).await;
    assert_eq!(code, Some(0), "{table}{errors}");
    let rows: Vec<Vec<&str>> = table.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    // The Evo node has fewer times and is first; both windows are open.
    assert_eq!((rows.len(), rows[0][0], rows[0][1]), (2, "evo", "2880085"), "{table}");
    assert_eq!(rows[1][0], "regular");
    let between = rows[1][1].parse::<u32>().unwrap() - 2_880_085;
    let (code, json, _) = plan(&["--for", "10m", "--format", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["blocks"].as_u64()), (Some(0), Some(between.into())), "one begins when the other is over");
    let (code, calendar, _) = plan(&["--for", "10m", "--format", "ics"]).await;
    assert_eq!((code, calendar.matches("SUMMARY:Restart ").count()), (Some(0), 2), "{calendar}");
    let (_, both, _) = plan(&["--parallel", "2"]).await;
    assert_eq!(both.matches("2880085").count(), 3, "both at once, and the head: {both}");
    let (code, long, _) = plan(&["--for", "2h"]).await;
    assert_eq!(code, Some(3), "{long}");
    assert!(long.contains("evo is not placed: no window is long enough; cheapest after block"), "{long}");
    let (code, _, errors) = plan(&["--group", "region=eu"]).await;
    assert_eq!(
        (code, errors.contains("--group region=eu: it has no masternode (network one)")),
        (Some(2), true),
        "{errors}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_the_masternode_is_ignored() {
    // Half of the Evo nodes are members of a Platform quorum; there are too few nodes for quorums of 400.
    let stage = Stage::of(63, Options { masternodes: 220, evo: 200, ..Options::default() }).await;
    stage.network.mine(1);
    let evo = |id: &String| stage.network.masternode(id).unwrap().evo;
    let asked: Vec<String> = stage.network.masternodes().into_iter().filter(evo).take(6).collect();
    let mut answers = Vec::new();
    for id in &asked {
        let (code, text, errors) = stage.run(&["--masternode", id]).await;
        assert_eq!(code, Some(0), "{text}{errors}");
        answers.push(text);
    }
    stage.network.mine(19);
    let sessions = stage.network.sessions_since(2_880_000 + 83);
    let (_, _, members) = sessions.iter().find(|(_, kind, _)| *kind == "llmq_100_67").unwrap();
    let mut sat = 0;
    for (id, text) in asked.iter().zip(answers) {
        let sits = members.iter().flatten().any(|(member, _)| member == id);
        sat += u32::from(sits);
        // The session of block 72 begins in 8 blocks, the next one in 32.
        let expected = if sits { "misses no session for 8 blocks" } else { "misses no session for 32 blocks" };
        assert!(text.contains(expected), "sits: {sits}, {text}");
    }
    assert!((1..6).contains(&sat), "the seed must give some of both: {sat}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_the_window_if_requested() {
    let stage = Stage::at(72).await;
    let mut child = command(&stage.file(), &["--masternode", "evo", "--wait", "--blocks", "8"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let (first, errors) = tokio::task::spawn_blocking(move || {
        let mut first = String::new();
        errors.read_line(&mut first).unwrap();
        (first, errors)
    })
    .await
    .unwrap();
    assert!(first.starts_with("no: at height 2880072"), "{first}");
    // No block arrives before its first poll.
    let pause = std::time::Duration::from_millis(150);
    let mining = tokio::spawn(simulator::drive(stage.network.clone(), pause, std::future::pending()));
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    mining.abort();
    drop(errors);
    let (code, text) = (output.status.code(), String::from_utf8(output.stdout).unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("yes:"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_masternode_can_be_restarted_at_any_time() {
    let stage = Stage::at(72).await;
    let ids = stage.network.masternodes();
    let id = ids.into_iter().find(|id| !stage.network.masternode(id).unwrap().evo).unwrap();
    stage.network.mine_with(&[Action::FailDkg { masternode: id, commitments: 2, quorum_type: None }]).unwrap();
    let (code, text, _) = stage.run(&["--masternode", "regular"]).await;
    assert_eq!((code, text.contains("it is banned, so a missed session costs it nothing")), (Some(0), true), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_without_certificate_authorities_can_call_a_node_without_tls() {
    let stage = Stage::at(85).await;
    let mut command = command(&stage.file(), &["--masternode", "regular"]);
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn duties_are_printed_as_a_table_as_json_and_as_a_calendar() {
    let stage = Stage::of(290, Options { masternodes: 220, evo: 20, ..Options::default() }).await;
    let duties = |format: &'static str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        let arguments = ["duties", "--masternode", "regular", "--format", format];
        command.arg("--config.file").arg(stage.file()).args(arguments);
        stage.output(command)
    };
    let (code, table, errors) = duties("table").await;
    assert_eq!(code, Some(0), "{errors}");
    let known = table.lines().filter(|line| line.contains("known, quorum")).count();
    assert!(known > 0 && table.contains("if offline from now on: first penalty at"), "{table}");
    let json: serde_json::Value = serde_json::from_str(&duties("json").await.1).unwrap();
    let listed = json["duties"].as_array().unwrap();
    assert_eq!(listed.iter().filter(|duty| duty["index"].is_u64()).count(), known);
    let calendar = duties("ics").await.1;
    let seats = listed.iter().filter(|duty| duty["known"] == true).count();
    assert_eq!(calendar.matches("BEGIN:VEVENT\r\n").count(), seats);
    assert!(calendar.starts_with("BEGIN:VCALENDAR\r\n") && calendar.ends_with("END:VCALENDAR\r\n"), "{calendar}");
    assert!(calendar.contains("SUMMARY:regular: llmq_60_75 session\r\n"), "{calendar}");
    assert!(calendar.split("\r\n").all(|line| line.len() <= 75), "{calendar}");
}
