//! The exporter follows a network whose registrations move to version 3, over a socket: a relay in front of the
//! simulator rewrites its answers. A theft is found within one block; a change of form raises no alert.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::condition::{Catalogue, Severity};
use domain::event::{Event, EventKind};
use domain::watch::{Selector, WatchEntry, WatchField, WatchList};
use domain::{NetworkState, Snapshot};
use masternode_exporter::follower::{self, Follower};
use masternode_exporter::meters::Meters;
use masternode_exporter::metrics::{self, Exposition, Format};
use masternode_exporter::rpc::{self, Client, Credentials, dialect};
use masternode_exporter::secret::Secret;
use prometheus::Registry;
use serde_json::{Value, json};
use simulator::{Network, Options, RunningServer, Server};
use tokio::sync::watch;

use crate::support::harness::follower_settings;
use crate::support::samples::Page;
use crate::v24_network::unexpected;

/// Registrations that differ from the simulator's, by proTxHash: fields of `state`, null for an absent one.
#[derive(Default)]
struct Rewritten {
    /// Fields of entries of lists.
    states: BTreeMap<String, Value>,
    /// Additional fields of the next diff.
    next: BTreeMap<String, Value>,
}

impl Rewritten {
    fn set(&mut self, id: &str, state: Value) {
        let all = self.states.entry(id.to_string()).or_insert_with(|| json!({}));
        merge(all, &state);
        self.next.insert(id.to_string(), state);
    }

    fn entry(&self, entry: &mut Value) {
        let id = entry["proTxHash"].as_str().unwrap_or_default().to_string();
        if let Some(state) = self.states.get(&id) {
            merge(&mut entry["state"], state);
        }
    }

    /// An answer to a call in the form of version 24.
    fn answer(&mut self, call: &Value, answer: &mut Value) {
        if call["method"] != "protx" {
            return;
        }
        let result = &mut answer["result"];
        match call["params"][0].as_str() {
            Some("list") => result.as_array_mut().into_iter().flatten().for_each(|entry| self.entry(entry)),
            Some("listdiff") => {
                result["addedMNs"].as_array_mut().into_iter().flatten().for_each(|entry| self.entry(entry));
                let Some(updated) = result["updatedMNs"].as_array_mut() else { return };
                for (id, state) in std::mem::take(&mut self.next) {
                    let mut state = state;
                    state.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                    match updated.iter_mut().find(|entry| entry.get(&id).is_some()) {
                        Some(entry) => merge(&mut entry[&id], &state),
                        None => updated.push(json!({ id: state })),
                    }
                }
            }
            _ => {}
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    let into = into.as_object_mut().unwrap();
    for (key, value) in from.as_object().unwrap() {
        match value {
            Value::Null => drop(into.remove(key)),
            value => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// One HTTP message: its head and its body.
fn message(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_string();
    let field = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let mut body = Vec::new();
    match field("content-length") {
        Some(length) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body)?;
        }
        None if field("transfer-encoding").is_some() => loop {
            let mut line = String::new();
            while !line.ends_with("\r\n") {
                stream.read_exact(&mut byte)?;
                line.push(byte[0].into());
            }
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            stream.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..length]);
            if length == 0 {
                break;
            }
        },
        None => drop(stream.read_to_end(&mut body)?),
    }
    Ok((head, body))
}

/// Relays the simulator at `url` and rewrites each answer. Its threads end with the test's process.
fn relay(url: &str, rewritten: Arc<Mutex<Rewritten>>) -> String {
    let to = url.trim_start_matches("http://").trim_end_matches('/').to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, to, rewritten) = (stream.unwrap(), to.clone(), rewritten.clone());
            std::thread::spawn(move || -> std::io::Result<()> {
                while let Ok((head, call)) = message(&mut stream) {
                    let mut node = TcpStream::connect(&to)?;
                    node.write_all(head.as_bytes())?;
                    node.write_all(&call)?;
                    let (head, body) = message(&mut node)?;
                    node.shutdown(Shutdown::Both).ok();
                    let mut answer: Value = serde_json::from_slice(&body)?;
                    rewritten.lock().unwrap().answer(&serde_json::from_slice(&call)?, &mut answer);
                    let body = answer.to_string();
                    let status = head.lines().next().unwrap_or_default();
                    write!(
                        stream,
                        "{status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )?;
                }
                Ok(())
            });
        }
    });
    own
}

/// A follower behind the relay.
struct Followed {
    network: Network,
    _server: RunningServer,
    rewritten: Arc<Mutex<Rewritten>>,
    follower: Follower,
    states: watch::Receiver<Arc<NetworkState>>,
    exposition: Arc<Exposition>,
}

impl Followed {
    /// `watch` creates the watch list of the network.
    async fn new(watch: impl FnOnce(&Network) -> Vec<WatchEntry>) -> Followed {
        let network = Network::new(Options::default()).unwrap();
        let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
        let rewritten = Arc::<Mutex<Rewritten>>::default();
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let settings = rpc::RpcSettings {
            name: "node-0".into(),
            url: relay(&server.handle().url(), rewritten.clone()),
            credentials: Credentials::Password { user: "user".into(), password: Secret::new("password") },
            timeout: Duration::from_secs(10),
            dialect: Arc::new(dialect::DASH),
            ..rpc::RpcSettings::default()
        };
        let client = Client::new(settings, meters.rpc("dash-test", "node-0")).unwrap();
        let settings = follower_settings();
        let (_, watch_list) = watch::channel(WatchList::new(watch(&network)));
        let clients = vec![client];
        let (publish, states) = follower::state_channel(&settings, &clients, &meters);
        let follower = Follower::new(settings, clients, &meters, watch_list, publish);
        let exposition = Exposition::new(metrics::MetricsSettings::default(), registry);
        let mut followed = Followed { network, _server: server, rewritten, follower, states, exposition };
        followed.poll().await;
        followed
    }

    async fn poll(&mut self) {
        self.follower.poll_once().await.unwrap();
        self.exposition.publish(self.states.borrow().clone());
    }

    /// One block in which registrations change to the given values.
    async fn mine(&mut self, changes: &[(&str, Value)]) {
        for (id, state) in changes {
            self.rewritten.lock().unwrap().set(id, state.clone());
        }
        self.network.mine(1);
        self.poll().await;
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.states.borrow().snapshot.clone().unwrap()
    }

    /// Masternodes that are found to be otherwise than expected, and in which fields.
    fn unexpected(&self) -> Vec<(String, String)> {
        unexpected(self.snapshot())
    }

    /// Changes so far: masternode, name, both sides.
    fn changes(&self) -> Vec<(String, &'static str, String, String)> {
        let change = |event: &Event| match &event.kind {
            EventKind::Change(_, Some(change)) => Some((
                event.masternode.to_string(),
                event.kind.name(),
                change.before.to_string(),
                change.after.to_string(),
            )),
            _ => None,
        };
        self.snapshot().recent_events().iter().filter_map(change).collect()
    }

    async fn page(&self) -> Page {
        Page::read(&self.exposition.text(Format::Text).await)
    }
}

fn payouts(parts: &[(&str, u32)]) -> Value {
    parts.iter().map(|(address, reward)| json!({"address": address, "script": "76a9", "reward": reward})).collect()
}

fn watched(network: &Network, place: usize, expectations: Vec<(WatchField, String)>) -> WatchEntry {
    let selector = Selector::Id(network.masternodes()[place].parse().unwrap());
    WatchEntry {
        selector,
        alias: format!("mn-{place}"),
        groups: BTreeMap::new(),
        expectations,
        thresholds: Default::default(),
    }
}

#[tokio::test]
async fn a_payout_that_is_swapped_on_a_version_3_masternode_is_found_within_one_block() {
    let mut followed = Followed::new(|network| {
        let payout = network.masternode(&network.masternodes()[0]).unwrap().payout_address;
        let expected =
            vec![(WatchField::PayoutAddress, payout.clone()), (WatchField::Payouts, format!("{payout} 10000"))];
        vec![watched(network, 0, expected)]
    })
    .await;
    let id = followed.network.masternodes()[0].clone();
    let payout = followed.network.masternode(&id).unwrap().payout_address;
    let labels = |field: &'static str| [("alias", "mn-0"), ("field", field)];
    let to_v3 = json!({"version": 3, "payoutAddress": null, "service": null, "payouts": payouts(&[(&payout, 10_000)])});
    followed.mine(&[(&id, to_v3)]).await;
    assert_eq!(followed.unexpected(), []);
    let page = followed.page().await;
    page.expect("masternode_info", &[("alias", "mn-0"), ("payout_address", &payout)], 1.0);
    page.expect("masternode_payout_info", &[("alias", "mn-0"), ("payout_address", &payout)], 1.0);
    page.expect("masternode_expectation_met", &labels("payout_address"), 1.0);
    page.expect("masternode_changes_total", &labels("version"), 1.0);
    page.expect("masternode_changes_total", &labels("payout"), 0.0);

    let split = json!({"payouts": payouts(&[(&payout, 7_000), ("yThief", 3_000)])});
    followed.mine(&[(&id, split)]).await;
    assert_eq!(followed.unexpected(), [(id.clone(), "payout_address, payouts.".to_string())]);
    let severity = Catalogue::default().find("MasternodeUnexpectedChange").unwrap().alert.severity;
    assert_eq!(severity, Severity::Critical);
    let page = followed.page().await;
    page.expect("masternode_info", &[("alias", "mn-0"), ("payout_address", "")], 1.0);
    page.expect("masternode_payout_info", &[("alias", "mn-0"), ("payout_address", &payout)], 0.7);
    page.expect("masternode_payout_info", &[("alias", "mn-0"), ("payout_address", "yThief")], 0.3);
    page.expect("masternode_expectation_met", &labels("payout_address"), 0.0);
    page.expect("masternode_changes_total", &labels("payout"), 1.0);
    let sides = (payout.clone(), format!("{payout} 70 %, yThief 30 %"));
    assert_eq!(followed.changes().last().unwrap(), &(id.clone(), "payout_change", sides.0, sides.1));

    followed.mine(&[(&id, json!({"payouts": "another form"}))]).await;
    assert_eq!(followed.page().await.value("masternode_expectation_met", &labels("payout_address")), None);
    assert_eq!(followed.unexpected(), []);
    let strange = [("network", "dash-test"), ("kind", "payout_form")];
    followed.page().await.expect("masternode_exporter_not_understood_total", &strange, 1.0);
}
