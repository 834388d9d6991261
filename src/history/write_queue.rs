//! The state of the writer thread: the store, and the queue of steps to write.
//!
//! Never here: the thread itself; waiting.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::history::damage_report::DamageReport;
use crate::history::file::{HistoryFile, RETRY};
use crate::history::inspection::Inspection;
use crate::history::writer::{Command, HistoryOp, HistorySettings, NetworkHandle, OpenedNetwork, WriteOutcome};
use crate::history::{Identity, NetworkId, OpenError, Store, StoreError};
use crate::meters::HistoryMeters;
use domain::deployment::V24;

/// Most queued steps and events of a network: weeks of Dash, and some megabytes.
const WAITING: usize = 50_000;

/// Longest pause after a failure to write.
const LONGEST_RETRY: Duration = Duration::from_secs(16);

/// Interval between two checks for old events.
const RETENTION: Duration = Duration::from_secs(3600);

/// Pause between two deletions of old events, and before the first.
const BREATH: Duration = Duration::from_millis(200);

/// Shortest interval between two checks, the second of which has a reason.
const EARLIEST: Duration = Duration::from_secs(60);

/// Interval between two measurements of the file.
const MEASURE: Duration = Duration::from_secs(60);

pub(super) struct WriteQueue {
    file: HistoryFile,
    settings: HistorySettings,
    meters: HistoryMeters,
    /// By the numbers of the file that was opened last.
    queues: BTreeMap<NetworkId, NetworkQueue>,
    /// How often the file was reopened: handles of an earlier file are refused.
    generation: u64,
    /// The last error; `None` after a success.
    failure: Option<String>,
    /// When the queue is retried, and the pause after that.
    retry_at: Instant,
    retry_pause: Duration,
    retain_at: Instant,
    measure_at: Instant,
    inspect_at: Instant,
    /// When the last part was checked.
    inspected_at: Instant,
    inspection: Inspection,
}

/// The queue of one network.
struct NetworkQueue {
    name: String,
    steps: VecDeque<HistoryOp>,
    /// Steps and their events.
    weight: usize,
    /// Events that the last withdrawal withdrew.
    withdrawn: usize,
    /// Steps were dropped: none is accepted until the network is opened again.
    lost: bool,
}

impl NetworkQueue {
    fn blocks(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, HistoryOp::Block(_))).count()
    }

    fn give_up(&mut self, why: &str) {
        warn!(
            network = %self.name,
            "Dropped {} queued history steps of {} ({why}): resuming from the last block in the file",
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
    /// Opens the file. Fails only if another process writes it, or may write it.
    pub(super) fn of_file(settings: HistorySettings, meters: HistoryMeters) -> Result<WriteQueue, OpenError> {
        match Store::open(&settings.path, (settings.clock)()) {
            Err(error @ (OpenError::InUse { .. } | OpenError::Linked { .. })) => Err(error),
            opened => Ok(WriteQueue::new(opened, settings, meters)),
        }
    }

    /// On a file that is open, or that cannot be opened yet.
    pub(super) fn new(
        opened: Result<Store, OpenError>,
        settings: HistorySettings,
        meters: HistoryMeters,
    ) -> WriteQueue {
        let now = Instant::now();
        let file = HistoryFile::new(opened, settings.clone(), meters.clone());
        WriteQueue {
            file,
            settings,
            meters,
            queues: BTreeMap::new(),
            generation: 0,
            failure: None,
            retry_at: now,
            retry_pause: RETRY,
            retain_at: now + BREATH,
            measure_at: now,
            inspect_at: now + BREATH,
            inspected_at: now,
            inspection: Inspection::default(),
        }
    }

    /// How long nothing is due.
    pub(super) fn next_wakeup(&self) -> Duration {
        let next = self.retain_at.min(self.measure_at).min(self.inspect_at).min(self.file.due());
        let next = if self.file.is_open() && self.waiting() > 0 { next.min(self.retry_at) } else { next };
        next.saturating_duration_since(Instant::now())
    }

    /// Runs a job, even if the caller no longer waits for the answer.
    pub(super) fn handle(&mut self, job: Command) {
        match job {
            Command::Open { name, identity, reply } => drop(reply.send(self.open(name, &identity))),
            Command::Events { query, reply } => drop(reply.send(self.file.with(|store| store.events(&query)))),
            Command::Tallies { network, reply } => drop(reply.send(self.with(network, |store, id| store.tallies(id)))),
            Command::Keep { network, step, reply } => drop(reply.send(self.keep(network, step))),
            Command::Spans { network, reply } => drop(reply.send(self.with(network, |store, id| store.spans(id)))),
            Command::Backfill { network, happened, reply } => {
                let blocks = std::slice::from_ref(&happened);
                drop(reply.send(self.with(network, |store, id| store.backfill(id, blocks))));
            }
            Command::Texts { table, reply } => drop(reply.send(self.file.with(|store| store.texts(table)))),
            Command::KeepTexts { table, changes, reply } => {
                drop(reply.send(self.file.with(|store| store.keep_texts(table, &changes))));
            }
            Command::KeepActivation { network, deployment, height, reply } => {
                drop(reply.send(self.with(network, |store, id| store.keep_activation(id, deployment, height))));
            }
            Command::Report(report) => self.reported(report),
            Command::Flush { reply } => {
                self.file.look_now();
                self.check_file();
                let waiting = self.flush();
                let _ = reply.send(waiting);
            }
        }
    }

    /// Runs what is due.
    pub(super) fn run_due_tasks(&mut self) {
        let now = Instant::now();
        self.check_file();
        if self.file.is_open() && self.waiting() > 0 && now >= self.retry_at {
            self.flush();
        }
        if now >= self.retain_at {
            self.retain_at = now + self.retain();
        }
        if now >= self.measure_at {
            self.measure_at = now + MEASURE;
            self.file.measure();
        }
        if now >= self.inspect_at {
            (self.inspected_at, self.inspect_at) = (now, now + self.inspect());
        }
    }

    /// Checks a part of the file. Returns the pause until the next check.
    fn inspect(&mut self) -> Duration {
        if self.file.store().is_err() {
            return EARLIEST;
        }
        let (pause, damage) = self.inspection.step(&self.settings.path, &self.meters);
        if let Some(damage) = damage {
            self.file.damaged(damage);
        }
        pause
    }

    /// A reader found damage.
    fn reported(&mut self, report: DamageReport) {
        if report.what.is_none() {
            self.inspect_early();
        }
        self.file.reported(report);
    }

    /// Advances the next check.
    fn inspect_early(&mut self) {
        self.inspect_at = self.inspect_at.min(self.inspected_at + EARLIEST);
    }

    /// Checks the file. The networks of a reopened file resume where it ends.
    fn check_file(&mut self) {
        if !self.file.check(Instant::now()) {
            if self.file.take_change() {
                self.inspect_early();
            }
            return;
        }
        for mut queue in std::mem::take(&mut self.queues).into_values() {
            queue.give_up("the history file was reopened");
        }
        self.generation += 1;
        self.failure = None;
        self.retry_pause = RETRY;
        self.retain_at = Instant::now() + BREATH;
        self.inspect_at = self.retain_at;
        self.inspection = Inspection::default();
    }

    /// Calls the store for a network of the open file.
    fn with<T>(
        &mut self,
        network: NetworkHandle,
        call: impl FnOnce(&mut Store, NetworkId) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if network.generation != self.generation {
            return Err(StoreError::NotOpen);
        }
        self.file.with(|store| call(store, network.id))
    }

    fn open(&mut self, name: String, identity: &Identity) -> Result<OpenedNetwork, StoreError> {
        self.flush();
        let generation = self.generation;
        let found = self.file.with(|store| {
            let id = store.network(&name, identity)?;
            let (blocks, activation) = (store.blocks(id)?, store.activation(id, V24)?);
            let network = NetworkHandle { id, generation };
            Ok(OpenedNetwork { network, blocks, activation, replaced: store.replaced(id)? })
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
        if let Some(queue) = self.queues.get_mut(&opened.network.id).filter(|queue| !queue.steps.is_empty()) {
            queue.give_up("the network was opened again");
        }
        self.meters.pending(&name, 0);
        let queue = NetworkQueue { name, steps: VecDeque::new(), weight: 0, withdrawn: 0, lost: false };
        self.queues.insert(opened.network.id, queue);
        Ok(opened)
    }

    fn keep(&mut self, NetworkHandle { id, generation }: NetworkHandle, step: HistoryOp) -> WriteOutcome {
        if generation != self.generation {
            return WriteOutcome::Lost;
        }
        let Some(queue) = self.queues.get_mut(&id).filter(|queue| !queue.lost) else { return WriteOutcome::Lost };
        queue.weight += weight(&step);
        queue.steps.push_back(step);
        if self.failure.is_none() || Instant::now() >= self.retry_at {
            self.flush();
        }
        let Some(queue) = self.queues.get_mut(&id) else { return WriteOutcome::Lost };
        if queue.weight > WAITING {
            queue.give_up("queue limit reached");
        }
        self.meters.pending(&queue.name, queue.blocks());
        match (queue.lost, queue.steps.is_empty()) {
            (true, _) => WriteOutcome::Lost,
            (false, true) => WriteOutcome::Written { withdrawn: std::mem::take(&mut queue.withdrawn) },
            (false, false) => WriteOutcome::Waiting,
        }
    }

    /// Number of queued steps.
    fn waiting(&self) -> usize {
        self.queues.values().map(|queue| queue.steps.len()).sum()
    }

    /// Writes what it can. Returns the number of steps still queued.
    pub(super) fn flush(&mut self) -> usize {
        let before = self.waiting();
        let Some(store) = self.file.store().ok().filter(|_| before > 0) else { return before };
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
        // Steps of a network that resumes elsewhere did not fail because of the disk.
        self.retry_at = Instant::now() + self.after_failure(error);
        self.file.note(error);
        let message = error.to_string();
        if self.failure.as_ref() != Some(&message) {
            warn!(network, "History write failed, retrying: {message}. Metrics are unaffected; steps are queued");
            self.failure = Some(message);
        }
    }

    /// The pause after another failure.
    pub(super) fn after_failure(&mut self, error: &StoreError) -> Duration {
        if matches!(error, StoreError::NotNext { .. }) {
            return Duration::ZERO;
        }
        let longer = (self.retry_pause * 2).min(LONGEST_RETRY);
        std::mem::replace(&mut self.retry_pause, longer)
    }

    fn recovered(&mut self, written: usize) {
        self.retry_pause = RETRY;
        if self.failure.take().is_some() {
            self.meters.recovered();
            info!("History writes resumed: {written} queued steps written");
        }
    }

    /// Deletes some old events. Returns the pause until the next check.
    fn retain(&mut self) -> Duration {
        let (now, retention) = ((self.settings.clock)(), self.settings.retention);
        match self.file.with(|store| store.retain(now, retention)) {
            Ok(retained) if retained.more => BREATH,
            Ok(_) | Err(StoreError::NotOpen) => RETENTION,
            Err(error) => {
                self.failed(&error, "");
                RETENTION
            }
        }
    }
}

/// All networks share one disk.
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
                    // It would always fail.
                    queue.give_up(&error.to_string());
                }
                return Err(error);
            }
        }
    }
    Ok(())
}
