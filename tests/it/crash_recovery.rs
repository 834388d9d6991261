//! The binary, killed repeatedly by SIGKILL while its network runs: nothing is lost, nothing is counted twice.
//!
//! No scrape may ever see a counter that decreases, or a page that is ahead of the next start.
//!
//! Never here: a real node; the network is simulated in this process, behind a socket.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use simulator::{Action, Network, Options, Server};
use tempfile::TempDir;

use crate::history::{Random, SIGKILL};
use crate::support::harness::fail;
use crate::support::ledger::{self, Entry};
use crate::support::samples::Page;

const KILLS: usize = 16;

/// Requests a page every 20 ms, until the test gives up.
const LOOKS: usize = 3000;

/// A configuration of a network behind `url`, with a history in the same folder.
fn configuration(folder: &Path, network: &Network, url: &str) -> PathBuf {
    let (file, password) = (folder.join("exporter.yml"), folder.join("password"));
    std::fs::write(&password, "password\n").unwrap();
    let watch: Vec<String> = network.masternodes().iter().map(|id| format!("  - masternode: \"{id}\"\n")).collect();
    let text = format!(
        "networks:\n  - name: dash-test\n    poll_interval: 100ms\n    sources:\n      - {{ name: node, url: \"{url}\", \
         username: user, password_file: {} }}\nhistory: {{ path: {} }}\nwatch:\n{}",
        password.display(),
        folder.join("history.db").display(),
        watch.concat()
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// A running exporter, which is killed at the end.
struct Exporter {
    child: Child,
    address: SocketAddr,
}

impl Exporter {
    fn start(configuration: &Path) -> Exporter {
        Exporter::of(Command::new(env!("CARGO_BIN_EXE_masternode-exporter")), configuration)
    }

    /// The same with so many file descriptors at most.
    fn with_descriptors(limit: u32, configuration: &Path) -> Exporter {
        let mut command = Command::new("/bin/sh");
        let binary = env!("CARGO_BIN_EXE_masternode-exporter");
        command.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\""), binary]);
        Exporter::of(command, configuration)
    }

    fn of(mut command: Command, configuration: &Path) -> Exporter {
        command.env_clear().arg("--config.file").arg(configuration).args(["--web.listen-address", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut before = Vec::new();
        let address = loop {
            let line = log.next().unwrap_or_else(|| panic!("it ended before it served: {before:?}")).unwrap();
            match line.split_once("serving http://").and_then(|(_, rest)| rest.split('/').next()) {
                Some(address) => break address.parse().unwrap(),
                None => before.push(line),
            }
        };
        // The rest of its log must be read, otherwise it would block.
        std::thread::spawn(move || log.for_each(drop));
        Exporter { child, address }
    }

    /// The page, once it has a list.
    fn page(&self) -> Option<Page> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let page = Page::read(answer.split_once("\r\n\r\n").unwrap().1);
        page.value("masternode_network_height", &[]).is_some().then_some(page)
    }

    /// The first page of this height.
    async fn page_of(&self, height: u32) -> Page {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..LOOKS {
            // Another process cannot signal that it is ready, so it is polled at intervals.
            pace.tick().await;
            let page = tokio::task::block_in_place(|| self.page());
            match page {
                Some(page) if page.value("masternode_network_height", &[]) == Some(f64::from(height)) => return page,
                _ => {}
            }
        }
        panic!("block {height} never came");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        let end = self.child.wait().unwrap();
        assert_eq!(end.signal(), Some(SIGKILL), "it ended by itself: {end}");
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It is already killed unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The state that outlives the exporter.
struct Life {
    network: Network,
    random: Random,
    abandoned: Vec<Entry>,
}

impl Life {
    fn actions(&mut self) -> Vec<Action> {
        let masternodes = self.network.masternodes();
        let one = masternodes[self.random.below(masternodes.len() as u64) as usize].clone();
        match self.random.below(6) {
            0 => vec![fail(&one, 1)],
            1 => vec![fail(&one, 2)],
            2 => vec![Action::ChangePayout { masternode: one }],
            3 => vec![Action::Revive { masternode: one }],
            _ => vec![],
        }
    }

    /// A block, or occasionally a branch that replaces the last blocks.
    fn go_on(&mut self) {
        if self.random.below(6) > 0 {
            let actions = self.actions();
            self.network.mine_with(&actions).unwrap();
            return;
        }
        let depth = 1 + self.random.below(2) as u32;
        let replaced = self.network.tip().0 + 1 - depth;
        self.abandoned.extend(self.network.shown_since(replaced));
        let branch: Vec<Vec<Action>> = (0..=depth).map(|_| vec![]).collect();
        self.network.reorg(depth as usize, &branch).unwrap();
    }
}

/// No counter is lower than on an earlier page.
#[track_caller]
fn assert_not_back(page: &Page, known: &mut BTreeMap<String, f64>) {
    let totals = page.totals();
    for (series, before) in known.iter() {
        let now = totals.get(series).copied();
        assert!(now >= Some(*before), "{series} was {before} and is {now:?}");
    }
    known.extend(totals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_killed_at_any_time_continues_counting_exactly() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let network = Network::new(Options::default()).unwrap();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
    let configuration = configuration(folder.path(), &network, &server.handle().url());
    let mut life = Life { network: network.clone(), random: Random(11), abandoned: Vec::new() };
    let mut known = BTreeMap::new();

    let exporter = Exporter::start(&configuration);
    let from = network.tip().0 + 1;
    assert_not_back(&exporter.page_of(from - 1).await, &mut known);
    exporter.kill();
    for _ in 0..KILLS {
        (0..life.random.below(4)).for_each(|_| life.go_on());
        let exporter = Exporter::start(&configuration);
        if life.random.below(3) > 0 {
            assert_not_back(&exporter.page_of(network.tip().0).await, &mut known);
        }
        for _ in 0..life.random.below(6) {
            life.go_on();
            if life.random.below(3) == 0 {
                assert_not_back(&exporter.page_of(network.tip().0).await, &mut known);
            }
            let turns = life.random.below(3_000_000);
            tokio::task::block_in_place(|| (0..turns).for_each(|_| std::hint::spin_loop()));
        }
        if let Some(page) = tokio::task::block_in_place(|| exporter.page()) {
            assert_not_back(&page, &mut known);
        }
        exporter.kill();
    }
    life.network.mine(1);
    let exporter = Exporter::start(&configuration);
    let page = exporter.page_of(network.tip().0).await;
    exporter.kill();

    assert_not_back(&page, &mut known);
    let path = folder.path().join("history.db");
    ledger::assert_kept(&path, &network, from);
    let kept = ledger::kept(&path);
    ledger::assert_counted(&page, &ledger::seen(kept.iter().map(|kept| &kept.event)), &network.masternodes());
    let mut abandoned = life.abandoned;
    for withdrawn in ledger::seen(kept.iter().filter(|kept| kept.withdrawn).map(|kept| &kept.event)) {
        let place = abandoned.iter().position(|entry| *entry == withdrawn);
        abandoned.remove(place.unwrap_or_else(|| panic!("{withdrawn:?} happened on no branch, or less often")));
    }
}

/// The output of a process that ends by itself, and its exit code.
fn refused(configuration: &Path) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
    command.env_clear().arg("--config.file").arg(configuration).args(["--web.listen-address", "127.0.0.1:0"]);
    let output = command.output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_one_file_is_refused_as_an_invalid_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Options::default()).unwrap();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
    let configuration = configuration(folder.path(), &network, &server.handle().url());
    let first = Exporter::start(&configuration);
    first.page_of(network.tip().0).await;
    let (errors, code) = tokio::task::block_in_place(|| refused(&configuration));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("history.path: another process writes the history file"), "{errors}");
    network.mine(1);
    first.page_of(network.tip().0).await;
    first.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_file_descriptors_idle_clients_stop_neither_blocks_nor_scrapes() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Options::default()).unwrap();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
    let configuration = configuration(folder.path(), &network, &server.handle().url());
    let exporter = Exporter::with_descriptors(96, &configuration);
    exporter.page_of(network.tip().0).await;
    let idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(exporter.address).unwrap()).collect();
    for _ in 0..3 {
        network.mine(1);
        let page = exporter.page_of(network.tip().0).await;
        page.expect("process_max_fds", &[], 96.0);
        page.expect("masternode_exporter_history_up", &[], 1.0);
        page.expect("masternode_exporter_source_up", &[], 1.0);
    }
    drop(idle);
    exporter.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_a_history_is_renamed_and_a_new_one_created() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::new(Options::default()).unwrap();
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
    let configuration = configuration(folder.path(), &network, &server.handle().url());
    let path = folder.path().join("history.db");
    let foreign = "no database, but the only copy of something".repeat(100);
    std::fs::write(&path, &foreign).unwrap();
    let exporter = Exporter::start(&configuration);
    let page = exporter.page_of(network.tip().0).await;
    page.expect("masternode_exporter_history_up", &[], 1.0);
    exporter.kill();
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let aside = names.iter().find(|name| name.starts_with("history.db.damaged-")).expect("it is not thrown away");
    assert_eq!(std::fs::read_to_string(folder.path().join(aside)).unwrap(), foreign);
    assert!(ledger::kept(&path).is_empty());
}
