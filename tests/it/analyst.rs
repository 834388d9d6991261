//! The guide of an analyst: its commands, run in its order on a recorded history of a simulated network.
//!
//! Never here: a backfill (`backfill`), the exporter that serves (`e2e`).

use std::process::{Command, Stdio};

use masternode_exporter::rpc::dialect;
use simulator::Options;

use crate::markdown;
use crate::support::harness::{Stage, fail};
use crate::support::terminal::Session;

const GUIDE: &str = "docs/guide/analyst.md";

/// The fenced blocks of the guide in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = markdown::read(GUIDE);
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| Some(block.strip_prefix(language)?.strip_prefix('\n')?.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_guide_work_in_its_order() {
    let mut stage = Stage::recording(Options::default(), dialect::DASH, |_| {}).await;
    let banned = stage.masternode(1);
    stage.mine(&[fail(&banned, 2)]).await;
    stage.network.mine_with(&[simulator::Action::Revive { masternode: banned }]).unwrap();
    stage.network.mine(20);
    stage.poll().await;
    assert_eq!(stage.flush().await, 0);
    let folder = tempfile::tempdir().unwrap();
    let [configuration] = &blocks("yaml")[..] else { panic!("one configuration") };
    let configuration = configuration
        .replace("http://127.0.0.1:9998", &stage.servers[0].handle().url())
        .replace("username: exporter", "username: user")
        .replace("history.db", &stage.history().display().to_string());
    std::fs::write(folder.path().join("exporter.yml"), configuration).unwrap();
    std::fs::write(folder.path().join("password"), "password").unwrap();
    // `check` opens the history, which has one writer.
    stage.stop().await;
    let commands = blocks("").join("");
    let (mut outputs, mut session) = (Vec::new(), Session::default());
    for line in commands.lines() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        command.args(line.split_whitespace().skip(1)).env_clear().current_dir(folder.path()).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(0), "{line}: {text}{errors}");
        session.add(line, output.status.code(), &format!("{text}{errors}"));
        outputs.push((line, text));
    }
    session.compare("analyst", &[folder.path(), stage.history().parent().unwrap()]);
    let said = |words: &str| -> &str {
        let found = outputs.iter().find(|(line, _)| line.contains(words));
        found.map_or_else(|| panic!("{GUIDE} has no {words}"), |(_, text)| text.as_str())
    };
    let contains = |command: &str, text: &str| assert!(said(command).contains(text), "{command}: {}", said(command));
    contains(" check", "the configuration is good");
    contains("--kind ban --kind penalty", "was banned: its score reached the limit");
    assert_eq!(said("--kind penalty --order oldest").lines().count(), 2, "names and one penalty");
    contains("--kind revival", "\"kind\":\"revival\"");
    contains("earnings --all --by month", "dash-test");
    // The history began less than a month ago.
    contains("--by masternode --last 30d", "Z,false\n");
    contains("--by payee", "\"payee\": \"");
    contains("observe --format metrics", "masternode_pose_score{");
}
