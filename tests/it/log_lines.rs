//! The log of a running exporter, as a systemd user reads it: what happened to watched masternodes and their alerts at info, each
//! RPC call and each notification attempt at debug.
//!
//! Never here: counters and events of the same facts.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use simulator::Action;

use crate::support::harness::fail;
use crate::support::running::Running;

/// Longest wait for a line that comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running process and the lines of its log.
struct Log {
    process: std::process::Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Drop for Log {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Log {
    fn start(running: &Running) -> Log {
        let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        command.args(["--config.file=exporter.yml", "--log.level=debug", "--web.listen-address=127.0.0.1:0"]);
        command.env_clear().current_dir(running.folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stderr.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Log { process, lines, seen: Vec::new() }
    }

    /// Waits for a line of a level with these words.
    #[track_caller]
    fn wait(&mut self, level: &str, words: &[&str]) {
        let started = Instant::now();
        let is_it = |line: &String| {
            line.split_whitespace().nth(1) == Some(level) && words.iter().all(|words| line.contains(words))
        };
        while !self.seen.iter().any(is_it) {
            let left = PATIENCE.saturating_sub(started.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("{level} {words:?}: {error}\n{}", self.seen.join("\n")),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_what_happens_at_info_and_each_call_and_notification_at_debug() {
    let running = Running::idle().await;
    let ids = running.network.masternodes();
    let other = ids[5].clone();
    running.configure(&format!(
        "watch:\n  - {{ masternode: \"{}\", alias: mn-0 }}\n  - {{ masternode: \"{}\", alias: mn-1 }}\nalerting: {{ longest_hold: 0s, \
         webhooks: [{{ name: chat, url: \"http://127.0.0.1:1/\" }}] }}\n",
        ids[0], ids[1]
    ));
    let mut log = Log::start(&running);
    let mut expect = async |actions: Vec<Action>, expected: Vec<(&str, Vec<&str>)>| {
        running.network.mine_with(&actions).unwrap();
        for (level, words) in expected {
            tokio::task::block_in_place(|| log.wait(level, &words));
        }
    };
    expect(
        vec![],
        vec![
            ("DEBUG", vec!["RPC call protx list", "ok", "seconds=0.", "source=\"node\""]),
            ("DEBUG", vec!["RPC call getblockchaininfo", "seconds="]),
        ],
    )
    .await;
    expect(
        vec![fail(&ids[0], 1), fail(&other, 1)],
        vec![
            ("INFO", vec!["Masternode mn-0 of dash-test", "failed 1 DKG session", "block "]),
            ("INFO", vec!["Alert MasternodePoSePenalized fires", "mn-0"]),
            ("DEBUG", vec!["Notification to receiver chat", "seconds="]),
        ],
    )
    .await;
    expect(
        vec![fail(&ids[0], 1), fail(&other, 1)],
        vec![
            ("INFO", vec!["Masternode mn-0 of dash-test", "was banned"]),
            ("INFO", vec!["Masternode mn-0 of dash-test", "lost the payment"]),
            ("INFO", vec!["Alert MasternodePoSeBanned fires"]),
        ],
    )
    .await;
    expect(
        vec![Action::Revive { masternode: ids[0].clone() }],
        vec![
            ("INFO", vec!["Masternode mn-0 of dash-test", "was revived"]),
            ("INFO", vec!["Alert MasternodePoSeBanned is resolved"]),
        ],
    )
    .await;
    expect(
        vec![Action::ChangePayout { masternode: ids[1].clone() }],
        vec![("INFO", vec!["Masternode mn-1 of dash-test", "other payees"])],
    )
    .await;
    let of_other: Vec<&String> =
        log.seen.iter().filter(|line| line.contains(&other) && line.contains(" INFO ")).collect();
    assert!(of_other.is_empty(), "not watched: {of_other:?}");
}
