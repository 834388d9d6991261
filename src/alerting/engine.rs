//! The tasks: one judges, one for each receiver tells, one keeps the book over restarts.
//!
//! The book is what they share. Whoever changes it wakes the others, so a receiver hears of a block as soon as it was judged, and
//! none waits for another.
//!
//! Never here: what holds (`judge`), what is due (`book`), what is said (`body`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::alerting::active_alerts::ActiveAlerts;
use crate::alerting::clock_jump::{ClockJump, ClockJumps};
use crate::alerting::notifier;
use crate::alerting::settings::{AlertingSettings, Receiver};
use crate::alerting::state::AlertStore;
use crate::history::Writer;
use crate::meters::{NotificationMeters, Outcome};
use domain::condition::Catalogue;
use domain::condition::{Evaluation, EvaluationInput, Memory, ReceiverState, evaluate};
use domain::masternode::UnixSeconds;

/// Longest pause between two judgements: what holds may depend on the time alone.
const PAUSE: Duration = Duration::from_secs(5);

/// Pause until the book is tried to be kept again.
const RETRY: Duration = Duration::from_secs(5);

/// Longest wait for the book's last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Without a judgement for so long the heartbeat stops.
const ALIVE: Duration = Duration::from_secs(60);

/// A failure counts for so long, in seconds: where nothing is to be told any more, nobody finds out whether it would arrive. The
/// rules look back as far.
const FAILING_SECONDS: u64 = 900;

/// Name under which heartbeats are counted.
pub(super) const HEARTBEAT: &str = "heartbeat";

/// Everything that is known, at the moment of the call.
pub type StateSource = Box<dyn Fn() -> EvaluationInput + Send + Sync>;

/// What the tasks share.
pub(super) struct EngineState {
    pub(super) book: Mutex<AlertStore>,
    pub(super) meters: NotificationMeters,
    pub(super) clock: fn() -> UnixSeconds,
    /// Receivers whose last message did not arrive, each with what was said of it and when.
    pub(super) failing: Mutex<BTreeMap<String, (String, UnixSeconds)>>,
    /// When something for a receiver was last dropped.
    dropped: Mutex<BTreeMap<String, UnixSeconds>>,
    /// Receivers that were sent something since the start, with whatever success.
    attempted: Mutex<BTreeSet<String>>,
    /// What stands before the path of a runbook.
    pub(super) runbook_url: Mutex<String>,
    changed: watch::Sender<()>,
    started: Instant,
    judged_at: Mutex<Option<Instant>>,
    jumps: Mutex<ClockJumps>,
    /// What evaluations leave for the next one; a reload keeps it.
    memory: Mutex<Memory>,
    catalogue: Catalogue,
    evaluated: watch::Sender<Arc<Evaluation>>,
    look: StateSource,
    wake: Arc<Notify>,
    history: Option<Writer>,
}

/// The engine. It judges from the first settings on, whether or not anybody is to be told: somebody may look.
pub struct Engine {
    shared: Arc<EngineState>,
    settings: AlertingSettings,
    tasks: Vec<JoinHandle<()>>,
    is_loaded: bool,
}

impl Engine {
    /// An engine at rest. `wake` is notified of each new snapshot, and of new results of probes.
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
            failing: Mutex::default(),
            dropped: Mutex::default(),
            attempted: Mutex::default(),
            runbook_url: Mutex::default(),
            changed: watch::Sender::default(),
            started: Instant::now(),
            judged_at: Mutex::default(),
            jumps: Mutex::default(),
            memory: Mutex::default(),
            catalogue,
            evaluated: watch::Sender::default(),
            look,
            wake,
            history,
        };
        Engine { shared: Arc::new(shared), settings: AlertingSettings::default(), tasks: Vec::new(), is_loaded: false }
    }

    /// Tells as these settings say from now on. What was told stays told.
    pub async fn reconfigure(&mut self, settings: &AlertingSettings) {
        if self.is_loaded && *settings == self.settings {
            return;
        }
        self.halt().await;
        for old in &self.settings.receivers {
            if !settings.receivers.iter().any(|receiver| receiver.name == old.name) {
                self.shared.meters.forget(&old.name);
                lock(&self.shared.failing).remove(&old.name);
                lock(&self.shared.dropped).remove(&old.name);
            }
        }
        self.settings = settings.clone();
        lock(&self.shared.runbook_url).clone_from(&settings.runbook_url);
        if self.shared.history.is_none() && !settings.receivers.is_empty() {
            info!("without history.path, a restart forgets which alerts were told");
        }
        if !std::mem::replace(&mut self.is_loaded, true) {
            self.shared.load().await;
        }
        lock(&self.shared.book).retry_refused();
        let settings = Arc::new(settings.clone());
        // The first scrape after a start already has the conditions.
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

    /// The newest evaluation of all conditions.
    pub fn evaluations(&self) -> watch::Receiver<Arc<Evaluation>> {
        self.shared.evaluated.subscribe()
    }

    /// What fires, for those who look.
    pub fn board(&self) -> ActiveAlerts {
        ActiveAlerts(self.shared.clone())
    }

    /// Stops everything, and keeps the book a last time.
    pub async fn stop(&mut self) {
        self.halt().await;
        // It is kept again after each change; what is lost here is told once more.
        let _ = tokio::time::timeout(LAST_WORDS, self.shared.keep()).await;
    }

    async fn halt(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Waited for, so that it tells nothing any more. That it was stopped is no news.
            let _ = task.await;
        }
    }
}

/// A lock that a panic elsewhere does not make useless: each change of what it guards is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EngineState {
    /// Hears of each change of the book.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Tells the others that the book changed.
    pub(super) fn changed(&self) {
        self.changed.send_replace(());
    }

    /// Whether somebody judged lately.
    pub(super) fn is_alive(&self) -> bool {
        lock(&self.judged_at).is_some_and(|judged_at| judged_at.elapsed() < ALIVE)
    }

    /// A receiver was sent something, with whatever success.
    pub(super) fn attempted(&self, receiver: &str) {
        lock(&self.attempted).insert(receiver.into());
    }

    /// Something for a receiver is given up: counted, and an alert for a while.
    pub(super) fn dropped(&self, receiver: &str) {
        self.meters.ended(receiver, Outcome::Dropped);
        lock(&self.dropped).insert(receiver.into(), (self.clock)());
    }

    /// Every receiver, with whether a failure or a drop still counts at `now`. It is not known of one that was sent nothing since
    /// the start; after a while it counts as well, as nothing may be due to it.
    fn receivers(&self, settings: &AlertingSettings, is_young: bool, now: UnixSeconds) -> Vec<ReceiverState> {
        let recent = |at: UnixSeconds| now.0.saturating_sub(at.0) < FAILING_SECONDS;
        let (failing, dropped, attempted) = (lock(&self.failing), lock(&self.dropped), lock(&self.attempted));
        let heartbeat = settings.heartbeat.as_ref().map(|_| HEARTBEAT);
        let names = settings.receivers.iter().map(|receiver| receiver.name.as_str()).chain(heartbeat);
        let state = |name: &str| {
            let is_failing =
                failing.get(name).is_some_and(|(_, at)| recent(*at)) || dropped.get(name).is_some_and(|at| recent(*at));
            let is_known = is_failing || attempted.contains(name) || !is_young;
            ReceiverState { name: name.into(), failing: is_known.then_some(is_failing) }
        };
        names.map(state).collect()
    }

    async fn load(&self) {
        let Some(history) = &self.history else { return };
        match history.alerts().await {
            Ok(kept) => {
                let strange = lock(&self.book).restore(kept, &self.catalogue, (self.clock)());
                if strange > 0 {
                    warn!("{strange} alerts in the history are of another version, and are forgotten");
                }
            }
            Err(error) => warn!("which alerts were told before is not known: {error}"),
        }
    }

    /// Keeps what changed. Returns whether that was possible.
    async fn keep(&self) -> bool {
        let Some(history) = &self.history else { return true };
        let changes = lock(&self.book).take_changes();
        if changes.is_empty() {
            return true;
        }
        let kept = history.keep_alerts(changes.clone()).await;
        if kept.is_err() {
            lock(&self.book).mark_unsaved(&changes);
        }
        kept.is_ok()
    }

    /// Evaluates once. Returns the pause until the next time.
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
        let is_young = self.started.elapsed().as_secs() < FAILING_SECONDS;
        input.process.receivers = self.receivers(settings, is_young, now);
        let evaluation = Arc::new(evaluate(&self.catalogue, &input, &settings.thresholds, memory));
        self.evaluated.send_replace(evaluation.clone());
        let mut book = lock(&self.book);
        let left_out = book.update(&evaluation, settings, now);
        let given_up = book.prune(&settings.receivers, now);
        let next = book.next_firing(settings);
        for receiver in &settings.receivers {
            self.meters.waiting(&receiver.name, book.waiting(receiver, now));
        }
        drop(book);
        if left_out > 0 {
            warn!("{left_out} alerts are left out: too many hold at once");
        }
        for name in given_up.iter().map(String::as_str).chain(dropped_for(left_out, &settings.receivers)) {
            self.dropped(name);
        }
        *lock(&self.judged_at) = Some(Instant::now());
        self.changed();
        next.map_or(PAUSE, |next| PAUSE.min(Duration::from_secs(next.0.saturating_sub(now.0).max(1))))
    }

    /// Makes what was noted before the wall clock jumped lie as far back as before.
    fn carry_over(&self, jump: ClockJump) {
        warn!("the clock jumped by {} s: how long alerts hold is counted on without it", jump.0);
        lock(&self.book).shift(jump);
        lock(&self.failing).values_mut().for_each(|(_, at)| *at = jump.carry(*at));
        lock(&self.dropped).values_mut().for_each(|at| *at = jump.carry(*at));
    }
}

fn dropped_for(left_out: usize, receivers: &[Receiver]) -> impl Iterator<Item = &str> {
    receivers.iter().filter(move |_| left_out > 0).map(|receiver| receiver.name.as_str())
}

async fn evaluation_loop(shared: Arc<EngineState>, settings: Arc<AlertingSettings>) {
    loop {
        let pause = shared.evaluate(&settings, &mut lock(&shared.memory));
        tokio::select! {
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
            warn!("which alerts were told cannot be kept at the moment: a restart now would tell some twice");
        }
        complained = !kept;
        if !kept {
            sleep(RETRY).await;
        } else if changes.changed().await.is_err() {
            return;
        }
    }
}
