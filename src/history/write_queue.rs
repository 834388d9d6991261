//! What the writing thread has before it: the store, and what waits to be written to it.
//!
//! Never here: the thread itself; waiting.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::history::backfill::Span;
use crate::history::file_lock::{self, beside};
use crate::history::inspection::Inspection;
use crate::history::writer::{Command, HistoryOp, HistorySettings, OpenedNetwork, WriteOutcome};
use crate::history::{BlockEvents, Identity, NetworkId, OpenError, Store, StoreError};
use crate::meters::HistoryMeters;
use domain::counters::EventCounters;
use domain::deployment::V24;

/// Steps and their events that wait at most, of a network: weeks of Dash, and some megabytes.
const WAITING: usize = 50_000;

/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Longest pause between two attempts to open the file.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// From one look for old events to the next.
const RETENTION: Duration = Duration::from_secs(3600);

/// Pause between two deletions of old events, and before the first.
const BREATH: Duration = Duration::from_millis(200);

/// From one measurement of the file to the next.
const MEASURE: Duration = Duration::from_secs(60);

pub(super) struct WriteQueue {
    /// `None` while the file cannot be opened.
    store: Option<Store>,
    settings: HistorySettings,
    meters: HistoryMeters,
    queues: BTreeMap<NetworkId, NetworkQueue>,
    /// What the last failure said; `None` while all is well.
    failure: Option<String>,
    retry_at: Instant,
    /// When the file is tried again, and the pause after that.
    open_at: Instant,
    open_pause: Duration,
    retain_at: Instant,
    measure_at: Instant,
    inspect_at: Instant,
    inspection: Inspection,
}

/// What waits of one network.
struct NetworkQueue {
    name: String,
    steps: VecDeque<HistoryOp>,
    /// Steps and their events.
    weight: usize,
    /// Events that the last withdrawal took back.
    withdrawn: usize,
    /// Steps were given up: none is taken until the network is opened anew.
    lost: bool,
}

impl NetworkQueue {
    fn blocks(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, HistoryOp::Block(_))).count()
    }

    fn give_up(&mut self, why: &str) {
        warn!(
            network = %self.name,
            "{} steps of {} are not written to the history ({why}); it is gone on with from its last block",
            self.steps.len(),
            self.name
        );
        self.steps.clear();
        self.weight = 0;
        self.lost = true;
    }
}

fn weight(step: &HistoryOp) -> usize {
    match step {
        HistoryOp::Block(happened) | HistoryOp::Amend(happened) => happened.weight(),
        HistoryOp::Withdraw(_) => 1,
    }
}

impl WriteQueue {
    /// On a file that is open.
    pub(super) fn new(store: Store, settings: HistorySettings, meters: HistoryMeters) -> WriteQueue {
        let mut desk = WriteQueue::closed(settings, meters);
        desk.opened(store);
        desk
    }

    /// On a file that cannot be opened yet.
    pub(super) fn without_file(why: &OpenError, settings: HistorySettings, meters: HistoryMeters) -> WriteQueue {
        let mut desk = WriteQueue::closed(settings, meters);
        desk.not_opened(why);
        desk
    }

    fn closed(settings: HistorySettings, meters: HistoryMeters) -> WriteQueue {
        let now = Instant::now();
        meters.began();
        WriteQueue {
            store: None,
            settings,
            meters,
            queues: BTreeMap::new(),
            failure: None,
            retry_at: now,
            open_at: now,
            open_pause: RETRY,
            retain_at: now + BREATH,
            measure_at: now,
            inspect_at: now + BREATH,
            inspection: Inspection::default(),
        }
    }

    /// How long nothing is due.
    pub(super) fn next_wakeup(&self) -> Duration {
        let next = self.retain_at.min(self.measure_at).min(self.inspect_at);
        let next = if self.waiting() > 0 { next.min(self.retry_at) } else { next };
        let next = if self.store.is_none() { next.min(self.open_at) } else { next };
        next.saturating_duration_since(Instant::now())
    }

    /// Does a job. That nobody waits for the answer any more is no reason not to.
    pub(super) fn handle(&mut self, job: Command) {
        match job {
            Command::Open { name, identity, reply } => drop(reply.send(self.open(name, &identity))),
            Command::Events { query, reply } => drop(reply.send(self.store().and_then(|store| store.events(&query)))),
            Command::Tallies { network, reply } => drop(reply.send(self.tallies(network))),
            Command::Keep { network, step, reply } => drop(reply.send(self.keep(network, step))),
            Command::Spans { network, reply } => drop(reply.send(self.spans(network))),
            Command::Backfill { network, happened, reply } => drop(reply.send(self.backfill(network, &happened))),
            Command::Alerts { reply } => drop(reply.send(self.store().and_then(|store| store.alerts()))),
            Command::KeepAlerts { changes, reply } => {
                let kept = self.store.as_mut().ok_or(StoreError::NotOpen).and_then(|store| store.keep_alerts(&changes));
                let _ = reply.send(kept);
            }
            Command::KeepActivation { network, deployment, height, reply } => {
                let store = self.store.as_mut().ok_or(StoreError::NotOpen);
                let _ = reply.send(store.and_then(|store| store.keep_activation(network, deployment, height)));
            }
            Command::Flush { reply } => {
                self.open_file();
                let waiting = self.flush();
                let _ = reply.send(waiting);
            }
        }
    }

    /// Does what is due.
    pub(super) fn run_due_tasks(&mut self) {
        let now = Instant::now();
        if now >= self.open_at {
            self.open_file();
        }
        if self.waiting() > 0 && now >= self.retry_at {
            self.flush();
        }
        if now >= self.retain_at {
            self.retain_at = now + self.retain();
        }
        if now >= self.measure_at {
            self.measure_at = now + MEASURE;
            self.measure();
        }
        if now >= self.inspect_at {
            let pause = self.store.as_ref().map(|store| self.inspection.step(store, &self.meters));
            self.inspect_at = now + pause.unwrap_or(LONGEST_PAUSE);
        }
    }

    /// Opens the file where it is not open yet.
    fn open_file(&mut self) {
        if self.store.is_none() {
            match Store::open(&self.settings.path, (self.settings.clock)()) {
                Ok(store) => self.opened(store),
                Err(error) => self.not_opened(&error),
            }
        }
    }

    fn opened(&mut self, store: Store) {
        let path = self.settings.path.display();
        let report = store.report();
        if let Some(aside) = &report.set_aside {
            warn!(%path, "{path}: {aside}");
        }
        if let Some(version) = report.migrated_from {
            info!(%path, "the history {path} was of version {version} and is of the newest now");
        }
        if file_lock::is_world_readable(&self.settings.path) {
            warn!(%path, "The history file {path} is readable by all users: chmod o-r {path}");
        }
        info!(%path, "events and counters are kept in {path}");
        self.store = Some(store);
        self.retain_at = Instant::now() + BREATH;
        self.inspect_at = self.retain_at;
        self.failure = None;
        self.meters.recovered();
    }

    fn not_opened(&mut self, why: &OpenError) {
        self.meters.failed();
        self.open_at = Instant::now() + self.open_pause;
        self.open_pause = (self.open_pause * 2).min(LONGEST_PAUSE);
        let message = match why {
            OpenError::Failed { error, .. } => format!("{why}; {}", error.cure()),
            other => other.to_string(),
        };
        if self.failure.as_ref() != Some(&message) {
            warn!("history.path: {message}. What happens is served all the same, and kept as soon as that is possible");
            self.failure = Some(message);
        }
    }

    fn tallies(&self, network: NetworkId) -> Result<EventCounters, StoreError> {
        self.store()?.tallies(network)
    }

    fn store(&self) -> Result<&Store, StoreError> {
        self.store.as_ref().ok_or(StoreError::NotOpen)
    }

    fn spans(&self, network: NetworkId) -> Result<Vec<Span>, StoreError> {
        self.store.as_ref().ok_or(StoreError::NotOpen)?.spans(network)
    }

    fn backfill(&mut self, network: NetworkId, happened: &BlockEvents) -> Result<(), StoreError> {
        self.store.as_mut().ok_or(StoreError::NotOpen)?.backfill(network, std::slice::from_ref(happened))
    }

    fn open(&mut self, name: String, identity: &Identity) -> Result<OpenedNetwork, StoreError> {
        self.flush();
        let store = self.store.as_mut().ok_or(StoreError::NotOpen)?;
        let found = store.network(&name, identity).and_then(|network| {
            let (blocks, activation) = (store.blocks(network)?, store.activation(network, V24)?);
            Ok(OpenedNetwork { network, blocks, activation, replaced: store.replaced(network)? })
        });
        let opened = match found {
            Ok(found) => found,
            Err(error) => {
                if is_of_all(&error) {
                    self.failed(&error, &name);
                }
                return Err(error);
            }
        };
        if self.waiting() == 0 {
            self.recovered(0);
        }
        if let Some(queue) = self.queues.get_mut(&opened.network).filter(|queue| !queue.steps.is_empty()) {
            queue.give_up("the network is followed anew");
        }
        self.meters.pending(&name, 0);
        let queue = NetworkQueue { name, steps: VecDeque::new(), weight: 0, withdrawn: 0, lost: false };
        self.queues.insert(opened.network, queue);
        Ok(opened)
    }

    fn keep(&mut self, network: NetworkId, step: HistoryOp) -> WriteOutcome {
        let Some(queue) = self.queues.get_mut(&network).filter(|queue| !queue.lost) else { return WriteOutcome::Lost };
        queue.weight += weight(&step);
        queue.steps.push_back(step);
        if self.failure.is_none() || Instant::now() >= self.retry_at {
            self.flush();
        }
        let Some(queue) = self.queues.get_mut(&network) else { return WriteOutcome::Lost };
        if queue.weight > WAITING {
            queue.give_up("too many wait");
        }
        self.meters.pending(&queue.name, queue.blocks());
        match (queue.lost, queue.steps.is_empty()) {
            (true, _) => WriteOutcome::Lost,
            (false, true) => WriteOutcome::Written { withdrawn: std::mem::take(&mut queue.withdrawn) },
            (false, false) => WriteOutcome::Waiting,
        }
    }

    /// Steps that wait.
    fn waiting(&self) -> usize {
        self.queues.values().map(|queue| queue.steps.len()).sum()
    }

    /// Writes what it can. Returns how many steps wait still.
    pub(super) fn flush(&mut self) -> usize {
        let before = self.waiting();
        let Some(store) = self.store.as_mut().filter(|_| before > 0) else { return before };
        let mut failure = None;
        for (network, queue) in &mut self.queues {
            if queue.steps.is_empty() {
                continue;
            }
            let written = write(store, *network, queue);
            self.meters.pending(&queue.name, queue.blocks());
            let Err(error) = written else { continue };
            let of_all = is_of_all(&error);
            failure = Some((error, queue.name.clone()));
            if of_all {
                break;
            }
        }
        let waiting = self.waiting();
        if waiting < before {
            self.meters.written((self.settings.clock)().0);
        }
        match failure {
            Some((error, network)) => self.failed(&error, &network),
            None => self.recovered(before),
        }
        waiting
    }

    fn failed(&mut self, error: &StoreError, network: &str) {
        self.meters.failed();
        // Those of a network that is gone on with from elsewhere are not the disk's fault.
        let pause = if matches!(error, StoreError::NotNext { .. }) { Duration::ZERO } else { RETRY };
        self.retry_at = Instant::now() + pause;
        let message = error.to_string();
        if self.failure.as_ref() != Some(&message) {
            warn!(network, "{message}; what happens is served all the same, and written as soon as that is possible");
            self.failure = Some(message);
        }
    }

    fn recovered(&mut self, written: usize) {
        if self.failure.take().is_some() {
            self.meters.recovered();
            info!("the history is written again; {written} steps had waited");
        }
    }

    /// Deletes some old events. Returns the pause until more are looked for.
    fn retain(&mut self) -> Duration {
        let Some(store) = &mut self.store else { return RETENTION };
        match store.retain((self.settings.clock)(), self.settings.retention) {
            Ok(retained) if retained.more => BREATH,
            Ok(_) => RETENTION,
            Err(error) => {
                self.failed(&error, "");
                RETENTION
            }
        }
    }

    fn measure(&self) {
        let sizes = ["", "-wal"].map(|suffix| std::fs::metadata(beside(&self.settings.path, suffix)));
        // A log that is not there has no size; nor has a file that cannot be looked at.
        self.meters.size(sizes.iter().flatten().map(std::fs::Metadata::len).sum());
    }
}

/// The disk is the same for all networks.
fn is_of_all(error: &StoreError) -> bool {
    matches!(error, StoreError::Busy | StoreError::Full | StoreError::ReadOnly)
}

/// Writes the steps of a network up to the first that fails.
fn write(store: &mut Store, network: NetworkId, queue: &mut NetworkQueue) -> Result<(), StoreError> {
    while let Some(step) = queue.steps.front() {
        let done = match step {
            HistoryOp::Block(happened) => store.record(network, std::slice::from_ref(happened)),
            HistoryOp::Amend(happened) => store.amend(network, happened),
            HistoryOp::Withdraw(from) => {
                store.withdraw(network, *from).map(|withdrawn| queue.withdrawn = withdrawn.events)
            }
        };
        match done {
            Ok(()) => {
                queue.weight -= weight(step);
                queue.steps.pop_front();
            }
            Err(error) => {
                if matches!(error, StoreError::NotNext { .. } | StoreError::OtherChain { .. }) {
                    // It would fail for ever.
                    queue.give_up(&error.to_string());
                }
                return Err(error);
            }
        }
    }
    Ok(())
}
