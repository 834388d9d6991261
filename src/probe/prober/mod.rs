//! Schedules probes: every address of a watched masternode once per interval, with jitter, with limited concurrency.
//!
//! Never here: the messages to a peer (`handshake`).

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SystemRandom, generate};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::debug;

use crate::probe::ProbeSettings;
use crate::probe::codec::Version;
use crate::probe::connectivity_check::ConnectivityCheck;
use crate::probe::handshake::{Greeting, close, handshake};
use crate::probe::network_magic::NetworkMagic;
use crate::probe::target::target;
use domain::NetworkState;
use domain::masternode::{Masternode, MasternodeId, UnixSeconds};
use domain::probe::{Outcome, Peer, Probe, ProbeError, Probes, Unprobed};
use domain::{Snapshot, Subnet};

/// Our user agent, with a link to more information.
const AGENT: &str = concat!("/masternode-exporter:", env!("CARGO_PKG_VERSION"), "/");

/// Results are published when no probe is due soon, and at the latest after [`PUBLISH_AFTER`]: each publication
/// rebuilds the page.
const PUBLISH_AFTER: Duration = Duration::from_secs(5);

/// The meaning of soon.
const SOON: Duration = Duration::from_secs(1);

/// Probes the watched masternodes of one network; see the module.
pub struct Prober {
    settings: ProbeSettings,
    clock: fn() -> UnixSeconds,
    states: watch::Receiver<Arc<NetworkState>>,
    /// The last snapshot that was processed.
    seen: Option<Arc<Snapshot>>,
    published: watch::Sender<Arc<Probes>>,
    network: Option<(NetworkMagic, [u8; 4])>,
    nodes: BTreeMap<MasternodeId, Result<SocketAddr, Unprobed>>,
    places: BTreeMap<SocketAddr, Place>,
    /// Unwatched masternodes, for the connectivity check.
    others: Vec<SocketAddr>,
    results: Probes,
    calls: JoinSet<Call>,
    next_start: Instant,
    unpublished: Option<Instant>,
}

/// An address, which several masternodes may share.
#[derive(Clone, Copy)]
struct Place {
    due: Instant,
    calling: bool,
}

/// A finished probe.
struct Call {
    address: SocketAddr,
    outcome: Outcome,
    peer: Option<Peer>,
    duration: Duration,
}

impl Prober {
    /// Probes the watched masternodes of the snapshots of `states`; `clock` returns the current time.
    pub fn new(
        settings: ProbeSettings,
        clock: fn() -> UnixSeconds,
        states: watch::Receiver<Arc<NetworkState>>,
        published: watch::Sender<Arc<Probes>>,
    ) -> Prober {
        Prober {
            settings,
            clock,
            states,
            seen: None,
            published,
            network: None,
            nodes: BTreeMap::new(),
            places: BTreeMap::new(),
            others: Vec::new(),
            results: Probes::new(),
            calls: JoinSet::new(),
            next_start: Instant::now(),
            unpublished: None,
        }
    }

    /// Probes until the sender of the states is dropped.
    pub async fn run(mut self) {
        self.look();
        loop {
            let now = Instant::now();
            self.start(now);
            if self.publish_at(now).is_some_and(|at| at <= now) {
                self.unpublished = None;
                self.published.send_replace(Arc::new(self.results.clone()));
            }
            let wake = [self.start_at(), self.publish_at(now)].into_iter().flatten().min();
            tokio::select! {
                changed = self.states.changed() => match changed {
                    Ok(()) => self.look(),
                    Err(_) => return,
                },
                Some(ended) = self.calls.join_next() => match ended {
                    Ok(call) => self.note(call),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    /// Updates the addresses to probe from the newest snapshot. A withdrawn snapshot changes nothing.
    fn look(&mut self) {
        let Some(snapshot) = self.states.borrow_and_update().snapshot.clone() else { return };
        if self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &snapshot)) {
            return;
        }
        self.seen = Some(Arc::clone(&snapshot));
        self.network = network(&snapshot.rules().name, snapshot.facts().subnet);
        let list = snapshot.list().masternodes();
        let listed = snapshot.watched().iter().filter_map(|node| Some((node.watched.id, &list[node.index?])));
        let place = |address: Option<&str>| match self.network {
            Some(_) => target(address, self.settings.allow_private),
            None => Err(Unprobed::UnknownNetwork),
        };
        let nodes: BTreeMap<_, _> =
            listed.map(|(id, masternode)| (id, place(masternode.details.address().as_deref()))).collect();
        self.others.clear();
        if self.settings.controls > 0 && self.network.is_some() {
            let others = list.iter().filter(|other| !other.is_banned() && !nodes.contains_key(&other.id));
            let target = |other: &Masternode| target(other.details.address().as_deref(), self.settings.allow_private);
            self.others.extend(others.filter_map(|other| target(other).ok()));
        }
        if nodes == self.nodes {
            return;
        }
        let now = Instant::now();
        // The result of another address is not valid for this one.
        self.results.retain(|id, _| self.nodes.get(id) == nodes.get(id));
        let wanted: Vec<SocketAddr> = nodes.values().filter_map(|place| place.ok()).collect();
        self.places.retain(|address, _| wanted.contains(address));
        for address in wanted {
            self.places.entry(address).or_insert(Place { due: now, calling: false });
        }
        for (id, unprobed) in nodes.iter().filter_map(|(id, place)| Some((id, place.err()?))) {
            let outcome = Outcome::Unprobed(unprobed);
            let probe = Probe { outcome, at: (self.clock)(), duration: None, peer: None, last_success: None };
            self.results.entry(*id).or_insert(probe);
        }
        self.nodes = nodes;
        self.unpublished.get_or_insert(now);
    }

    /// Starts the probes that are due, within the limits.
    fn start(&mut self, now: Instant) {
        let Some((wire, magic)) = self.network else { return };
        while self.start_at().is_some_and(|at| at <= now) {
            let idle = self.places.iter_mut().filter(|(_, place)| !place.calling);
            let Some((address, place)) = idle.min_by_key(|(_, place)| place.due) else { return };
            place.calling = true;
            self.next_start = now + self.settings.gap;
            let version = Version {
                protocol_version: wire.protocol_version,
                timestamp: (self.clock)().0,
                nonce: random(),
                agent: AGENT.into(),
            };
            let greeting = Greeting { magic, version, deadline: now + self.settings.timeout };
            let ProbeSettings { controls, timeout, .. } = self.settings;
            let control = ConnectivityCheck::of(*address, &self.others, controls, random(), timeout);
            self.calls.spawn(call(*address, greeting, wire.oldest_peer, control));
        }
    }

    /// When the next probe may start; `None` while the limit of concurrent probes is reached, or if there is nothing to
    /// probe.
    fn start_at(&self) -> Option<Instant> {
        let due = self.places.values().filter(|place| !place.calling).map(|place| place.due).min();
        due.filter(|_| self.calls.len() < self.settings.max_parallel).map(|due| due.max(self.next_start))
    }

    /// When results are to be published; `None` if there are no new ones.
    fn publish_at(&self, now: Instant) -> Option<Instant> {
        let since = self.unpublished?;
        let more = !self.calls.is_empty() || self.start_at().is_some_and(|at| at < now + SOON);
        Some(if more { since + PUBLISH_AFTER } else { now })
    }

    /// Records a result for all masternodes at the address.
    fn note(&mut self, call: Call) {
        let now = Instant::now();
        let at = (self.clock)();
        if let Some(place) = self.places.get_mut(&call.address) {
            *place = Place { due: now + jittered(self.settings.interval, random()), calling: false };
        }
        let reason = call.outcome.reason().unwrap_or("reached");
        debug!(address = %call.address, reason, "Probed {}: {reason}", call.address);
        for id in self.nodes.iter().filter(|(_, place)| **place == Ok(call.address)).map(|(id, _)| id) {
            let before = self.results.get(id).and_then(|probe| probe.last_success);
            let probe = Probe {
                outcome: call.outcome,
                at,
                duration: call.peer.as_ref().map(|_| call.duration),
                peer: call.peer.clone(),
                last_success: if call.outcome == Outcome::Reached { Some(at) } else { before },
            };
            self.results.insert(*id, probe);
        }
        self.unpublished.get_or_insert(now);
    }
}

fn network(chain: &str, subnet: Subnet) -> Option<(NetworkMagic, [u8; 4])> {
    let wire = NetworkMagic::built_in(chain)?;
    Some((wire, wire.magic(subnet)?))
}

/// A duration with up to a tenth of jitter, so that probes do not cluster.
fn jittered(span: Duration, random: u64) -> Duration {
    span.mul_f64(0.9 + 0.2 * (random as f64 / u64::MAX as f64))
}

/// An unpredictable number; 0 if the system has none, which only makes probes sequential.
fn random() -> u64 {
    generate::<[u8; 8]>(&SystemRandom::new()).map_or(0, |random| u64::from_le_bytes(random.expose()))
}

/// One probe, including its close. The duration ends with the handshake.
async fn call(address: SocketAddr, greeting: Greeting, oldest_peer: u32, control: ConnectivityCheck) -> Call {
    let started = Instant::now();
    let ended = |outcome, peer| Call { address, outcome, peer, duration: started.elapsed() };
    let mut stream = match timeout_at(greeting.deadline, TcpStream::connect(address)).await {
        Err(_) => return ended(control.judge(Outcome::Failed(ProbeError::Timeout)).await, None),
        Ok(Err(error)) => return ended(control.judge(no_connection(&error)).await, None),
        Ok(Ok(stream)) => stream,
    };
    match handshake(&mut stream, &greeting).await {
        Err(failure) => ended(Outcome::Failed(failure), None),
        Ok(peer) => {
            let too_old = peer.protocol_version < oldest_peer;
            let call = ended(if too_old { Outcome::Failed(ProbeError::TooOld) } else { Outcome::Reached }, Some(peer));
            close(&mut stream).await;
            call
        }
    }
}

/// The outcome of a failed connection. Errors that this host may have caused do not count against the masternode.
fn no_connection(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Failed(ProbeError::Refused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Outcome::Failed(ProbeError::Reset),
        io::ErrorKind::TimedOut => Outcome::Failed(ProbeError::Timeout),
        io::ErrorKind::HostUnreachable => Outcome::Failed(ProbeError::Unreachable),
        _ => Outcome::Unprobed(Unprobed::NoRoute),
    }
}

#[cfg(test)]
mod tests;
