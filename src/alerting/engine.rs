//! The tasks of alerting: one evaluates, one for each receiver sends notifications, one stores the state of alerts.
//!
//! The tasks share one [`AlertStore`]. A change of it wakes the other tasks, so a notification is sent as soon as a
//! block was evaluated, and no receiver waits for another.
//!
//! Never here: conditions and their texts (`domain::condition`), due notifications (`state`), messages (`payload`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::alerting::active_alerts::ActiveAlerts;
use crate::alerting::clock_jump::{ClockJump, ClockJumps};
use crate::alerting::notifier;
use crate::alerting::settings::{AlertingSettings, Receiver};
use crate::alerting::state::AlertStore;
use crate::history::{StoreError, TextTable, Writer};
use crate::meters::{NotificationMeters, Outcome};
use domain::condition::Catalogue;
use domain::condition::{Evaluation, EvaluationInput, Memory, ReceiverState, evaluate};
use domain::masternode::UnixSeconds;

/// Longest pause between two evaluations: a condition may depend on time alone.
pub const EVALUATION_PAUSE: Duration = Duration::from_secs(5);

/// Pause until storing the alert state is retried.
const RETRY: Duration = Duration::from_secs(5);

/// Longest wait for the last write of the alert state at shutdown.
const FINAL_WRITE: Duration = Duration::from_millis(500);

/// The heartbeat stops after this long without an evaluation.
const ALIVE: Duration = Duration::from_secs(60);

/// Seconds for which a dropped notification counts at least: later messages may be accepted at once.
const DROPPED_SECONDS: u64 = 900;

/// Name under which heartbeats are counted.
pub const HEARTBEAT: &str = "heartbeat";

/// The evaluated state, read at each call.
pub type StateSource = Box<dyn Fn() -> EvaluationInput + Send + Sync>;

/// State that the tasks share.
pub(super) struct EngineState {
    pub(super) book: Mutex<AlertStore>,
    pub(super) meters: NotificationMeters,
    pub(super) clock: fn() -> UnixSeconds,
    /// A random byte, which spreads retries.
    pub(super) jitter: fn() -> u8,
    /// Longest pause between two evaluations.
    evaluation_pause: fn() -> Duration,
    /// Receivers whose last message failed, each with the reason.
    pub(super) failing: Mutex<BTreeMap<String, String>>,
    /// When a notification for a receiver was last dropped, and whether the receiver accepted a message since.
    dropped: Mutex<BTreeMap<String, (UnixSeconds, bool)>>,
    /// Receivers that accepted a message since the start or since their settings changed.
    accepted: Mutex<BTreeSet<String>>,
    /// Base URL of the runbooks.
    pub(super) runbook_url: Mutex<String>,
    changed: watch::Sender<()>,
    judged_at: Mutex<Option<Instant>>,
    jumps: Mutex<ClockJumps>,
    /// Facts that an evaluation keeps for the next one; a reload preserves them.
    memory: Mutex<Memory>,
    catalogue: Catalogue,
    evaluated: watch::Sender<Arc<Evaluation>>,
    look: StateSource,
    wake: Arc<Notify>,
    history: Option<Writer>,
    /// The stored alerts were read. Until then none are stored: that would overwrite which notifications were sent.
    is_loaded: AtomicBool,
}

/// The engine. It evaluates from the first settings on, with or without receivers: pages and the API show the alerts.
pub struct Engine {
    shared: Arc<EngineState>,
    settings: AlertingSettings,
    tasks: Vec<JoinHandle<()>>,
    is_loaded: bool,
}

impl Engine {
    /// An idle engine. `wake` is notified of each new snapshot and of new probe results.
    pub fn new(
        catalogue: Catalogue,
        look: StateSource,
        wake: Arc<Notify>,
        meters: NotificationMeters,
        history: Option<Writer>,
        clock: fn() -> UnixSeconds,
    ) -> Engine {
        let shared = EngineState {
            book: Mutex::default(),
            meters,
            clock,
            jitter: notifier::random_byte,
            evaluation_pause: || EVALUATION_PAUSE,
            failing: Mutex::default(),
            dropped: Mutex::default(),
            accepted: Mutex::default(),
            runbook_url: Mutex::default(),
            changed: watch::Sender::default(),
            judged_at: Mutex::default(),
            jumps: Mutex::default(),
            memory: Mutex::default(),
            catalogue,
            evaluated: watch::Sender::default(),
            look,
            wake,
            history,
            is_loaded: AtomicBool::new(false),
        };
        Engine { shared: Arc::new(shared), settings: AlertingSettings::default(), tasks: Vec::new(), is_loaded: false }
    }

    /// The same with another source of random bytes and another longest pause, before the first settings.
    #[must_use]
    pub fn with_environment(mut self, jitter: fn() -> u8, evaluation_pause: fn() -> Duration) -> Engine {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            (shared.jitter, shared.evaluation_pause) = (jitter, evaluation_pause);
        }
        self
    }

    /// Applies new settings. The state of alerts and their past notifications are kept.
    pub async fn reconfigure(&mut self, settings: &AlertingSettings) {
        if self.is_loaded && *settings == self.settings {
            return;
        }
        self.halt().await;
        for old in &self.settings.receivers {
            if !settings.receivers.iter().any(|receiver| receiver.name == old.name) {
                self.shared.meters.forget(&old.name);
            }
            if !settings.receivers.contains(old) {
                self.shared.forget(&old.name);
            }
        }
        if settings.heartbeat != self.settings.heartbeat {
            self.shared.forget(HEARTBEAT);
        }
        self.settings = settings.clone();
        lock(&self.shared.runbook_url).clone_from(&settings.runbook_url);
        if self.shared.history.is_none() && !settings.receivers.is_empty() {
            info!("history.path is not set: notification state is lost at a restart");
        }
        if !std::mem::replace(&mut self.is_loaded, true)
            && let Err(error) = self.shared.load().await
        {
            warn!("Could not load alert state: {error}; active alerts may be sent again, and it is tried again");
        }
        lock(&self.shared.book).retry_refused();
        let settings = Arc::new(settings.clone());
        // The conditions are available to the first scrape.
        self.shared.evaluate(&settings, &mut lock(&self.shared.memory));
        self.tasks.push(tokio::spawn(evaluation_loop(self.shared.clone(), settings.clone())));
        if self.shared.history.is_some() {
            self.tasks.push(tokio::spawn(persistence_loop(self.shared.clone())));
        }
        for receiver in &settings.receivers {
            let courier = notifier::notify_loop(self.shared.clone(), settings.clone(), receiver.clone());
            self.tasks.push(tokio::spawn(courier));
        }
        if let Some(heartbeat) = settings.heartbeat.clone() {
            self.tasks.push(tokio::spawn(notifier::heartbeat_loop(self.shared.clone(), heartbeat)));
        }
    }

    /// The latest evaluation of all conditions.
    pub fn evaluations(&self) -> watch::Receiver<Arc<Evaluation>> {
        self.shared.evaluated.subscribe()
    }

    /// The firing alerts, for pages and the API.
    pub fn board(&self) -> ActiveAlerts {
        ActiveAlerts(self.shared.clone())
    }

    /// Stops all tasks and stores the alert state a last time.
    pub async fn stop(&mut self) {
        self.halt().await;
        // The state is stored after each change; a notification that was not stored is sent again after a restart.
        let _ = tokio::time::timeout(FINAL_WRITE, self.shared.keep()).await;
    }

    async fn halt(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Awaited, so that it sends nothing more. The only error is its cancellation.
            let _ = task.await;
        }
    }
}

/// Recovers from a poisoned lock: each change of the guarded value is complete.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EngineState {
    /// Subscribes to changes of the alert state.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Notifies the other tasks of a change of the alert state.
    pub(super) fn changed(&self) {
        self.changed.send_replace(());
    }

    /// Whether there was an evaluation within [`ALIVE`].
    pub(super) fn is_alive(&self) -> bool {
        lock(&self.judged_at).is_some_and(|judged_at| judged_at.elapsed() < ALIVE)
    }

    /// A receiver accepted a message. Returns whether the previous one failed.
    pub(super) fn accepted(&self, receiver: &str) -> bool {
        lock(&self.dropped).entry(receiver.into()).and_modify(|(_, accepted)| *accepted = true);
        lock(&self.accepted).insert(receiver.into());
        lock(&self.failing).remove(receiver).is_some()
    }

    /// A notification was dropped: it is counted and raises an alert for [`DROPPED_SECONDS`], and until the receiver accepts a
    /// message.
    pub(super) fn dropped(&self, receiver: &str) {
        self.meters.ended(receiver, Outcome::Dropped);
        lock(&self.dropped).insert(receiver.into(), ((self.clock)(), false));
    }

    /// Forgets failures and successes of a receiver whose settings changed or that was removed.
    fn forget(&self, receiver: &str) {
        lock(&self.failing).remove(receiver);
        lock(&self.dropped).remove(receiver);
        lock(&self.accepted).remove(receiver);
    }

    /// Every receiver, with whether a message failed or was dropped after the last accepted one. `None` if there was no
    /// message since the start or since its settings changed: only an accepted message shows that the receiver works.
    fn receivers(&self, settings: &AlertingSettings, now: UnixSeconds) -> Vec<ReceiverState> {
        let counts = |(at, accepted): &(UnixSeconds, bool)| !accepted || now.0.saturating_sub(at.0) < DROPPED_SECONDS;
        let (failing, dropped, accepted) = (lock(&self.failing), lock(&self.dropped), lock(&self.accepted));
        let heartbeat = settings.heartbeat.as_ref().map(|_| HEARTBEAT);
        let names = settings.receivers.iter().map(|receiver| receiver.name.as_str()).chain(heartbeat);
        let state = |name: &str| {
            let is_failing = failing.contains_key(name) || dropped.get(name).is_some_and(counts);
            let is_known = is_failing || accepted.contains(name);
            ReceiverState { name: name.into(), failing: is_known.then_some(is_failing) }
        };
        names.map(state).collect()
    }

    /// Reads the stored alerts, unless that was done.
    async fn load(&self) -> Result<(), StoreError> {
        if self.is_loaded.load(Ordering::Relaxed) {
            return Ok(());
        }
        match &self.history {
            None => lock(&self.book).begin_without_state((self.clock)()),
            Some(history) => {
                let kept = history.texts(TextTable::Alert).await?;
                let strange = lock(&self.book).restore(kept, &self.catalogue, (self.clock)());
                if strange > 0 {
                    warn!("{strange} alerts in the history were written by another version and are ignored");
                }
            }
        }
        self.is_loaded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Stores changed alerts. Returns whether that succeeded.
    async fn keep(&self) -> bool {
        let Some(history) = &self.history else { return true };
        if self.load().await.is_err() {
            return false;
        }
        let changes = lock(&self.book).take_changes();
        if changes.is_empty() {
            return true;
        }
        let kept = history.keep_texts(TextTable::Alert, changes.clone()).await;
        if kept.is_err() {
            lock(&self.book).mark_unsaved(&changes);
        }
        kept.is_ok()
    }

    /// Evaluates once. Returns the pause until the next evaluation.
    fn evaluate(&self, settings: &AlertingSettings, memory: &mut Memory) -> Duration {
        let mut input = (self.look)();
        let now = input.now.unix;
        let mut jumps = lock(&self.jumps);
        let jump = jumps.look(&input);
        input.jumped = jumps.stalled_since(&input);
        drop(jumps);
        if let Some(jump) = jump {
            self.carry_over(jump);
        }
        input.process.receivers = self.receivers(settings, now);
        input.process.unrouted.clone_from(&settings.unrouted);
        let evaluation = Arc::new(evaluate(&self.catalogue, &input, &settings.thresholds, memory));
        self.evaluated.send_replace(evaluation.clone());
        let mut book = lock(&self.book);
        let left_out = book.update(&evaluation, settings, now);
        let given_up = book.prune(&settings.receivers, now);
        let next = book.next_firing(settings);
        for receiver in &settings.receivers {
            self.meters.waiting(&receiver.name, book.due(receiver, now).len());
        }
        drop(book);
        if left_out > 0 {
            warn!("{left_out} alerts suppressed: too many active alerts");
        }
        for name in given_up.iter().map(String::as_str).chain(dropped_for(left_out, &settings.receivers)) {
            self.dropped(name);
        }
        *lock(&self.judged_at) = Some(Instant::now());
        self.changed();
        let pause = (self.evaluation_pause)();
        next.map_or(pause, |next| pause.min(Duration::from_secs(next.0.saturating_sub(now.0).max(1))))
    }

    /// Shifts all stored times by a jump of the wall clock.
    fn carry_over(&self, jump: ClockJump) {
        warn!("System clock jumped by {} s; alert timers adjusted", jump.0);
        lock(&self.book).shift(jump);
        lock(&self.dropped).values_mut().for_each(|(at, _)| *at = jump.carry(*at));
    }
}

fn dropped_for(left_out: usize, receivers: &[Receiver]) -> impl Iterator<Item = &str> {
    receivers.iter().filter(move |_| left_out > 0).map(|receiver| receiver.name.as_str())
}

async fn evaluation_loop(shared: Arc<EngineState>, settings: Arc<AlertingSettings>) {
    loop {
        let pause = shared.evaluate(&settings, &mut lock(&shared.memory));
        tokio::select! {
            biased;
            () = shared.wake.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

async fn persistence_loop(shared: Arc<EngineState>) {
    let mut changes = shared.changes();
    let mut complained = false;
    loop {
        let kept = shared.keep().await;
        if !kept && !complained {
            warn!("Could not store alert state; after a restart, some notifications may be sent twice");
        }
        complained = !kept;
        if !kept {
            sleep(RETRY).await;
        } else if changes.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
