//! Runs one episode: starts the exporter, lets time pass, carries out the plan, checks, and starts it again when it dies.
//!
//! Never here: what a fault does; what is checked.

use fastrand::Rng;
use masternode_exporter::app::{App, Environment};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};

use crate::clock;
use crate::configuration::Files;
use crate::disk::{self, Death};
use crate::figures::Figures;
use crate::health::REMINDER;
use crate::invariant::{Checked, Invariant, Violation, ensure};
use crate::observer::Observer;
use crate::plan::{FaultKind, Plan};
use crate::planted::Planted;
use crate::record::{self, Known};
use crate::wire::{self, Wire};
use crate::world::{Effect, World};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// A planned death that no write caused happens after this time.
const LONGEST_WAIT: u64 = 15 * MINUTE;

/// The result of an episode.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The first broken invariant.
    pub violation: Option<Violation>,
    /// A hash of everything that was observed.
    pub trace: String,
    /// What happened.
    pub figures: Figures,
}

/// How the life of a process ended.
enum End {
    /// The episode is over.
    Over,
    /// It starts again after these milliseconds.
    Down(u64),
    /// The same, and a bit of its file is flipped.
    Damaged(u64),
    /// The same, and an older version runs in the meantime.
    RolledBack(u64),
    Failed(Violation),
}

/// What happens next.
enum Next {
    Block,
    Edge,
    Check,
    Over,
}

struct Episode<'a> {
    plan: &'a Plan,
    world: World,
    observer: Observer,
    rng: Rng,
    /// Beginnings and ends of faults: when, which fault, whether it begins.
    edges: Vec<(u64, usize, bool)>,
    begun: Vec<bool>,
    next_edge: usize,
    next_block: u64,
    next_check: u64,
    over: u64,
    stalled_until: u64,
    burst_until: u64,
    figures: Figures,
    trace: Sha256,
}

/// Runs a plan, perhaps with a planted bug.
///
/// # Panics
///
/// If the machine allows no temporary folder.
#[must_use]
pub fn run(plan: &Plan, planted: Option<Planted>) -> Outcome {
    let memory = std::path::Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a temporary folder can be created");
    clock::reset();
    disk::reset(folder.path(), plan.seed);
    wire::reset(plan.seed);
    Wire::with(|wire| wire.tamper = planted.and_then(Planted::tamper));
    let mut episode = Episode::new(plan, World::new(plan, folder.path()), planted);
    let violation = episode.live_and_die();
    let figures = &mut episode.figures;
    figures.writes = disk::writes();
    figures.requests = Wire::with(|wire| wire.calls);
    let (chain, observer) = (&episode.world.chain, &episode.observer);
    let (blocks, reorgs, notices, snapshots) = (chain.mined, chain.reorgs, observer.notices.seen, observer.snapshots);
    let figures = Figures { blocks, reorgs, notices, snapshots, ..std::mem::take(&mut episode.figures) };
    let trace = std::mem::take(&mut episode.trace).finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Outcome { violation, trace, figures }
}

impl<'a> Episode<'a> {
    fn new(plan: &'a Plan, world: World, planted: Option<Planted>) -> Episode<'a> {
        let ends = |(index, fault): (usize, &crate::plan::Fault)| {
            let lasts = if fault.kind.is_death() { LONGEST_WAIT } else { fault.lasts };
            let end = (lasts > 0).then_some((fault.at + lasts, index, false));
            [Some((fault.at, index, true)), end].into_iter().flatten()
        };
        let mut edges: Vec<(u64, usize, bool)> = plan.faults.iter().enumerate().flat_map(ends).collect();
        edges.sort_unstable();
        let refuses = plan.faults.iter().any(|fault| matches!(fault.kind, FaultKind::ReceiverRefuses(_)));
        let last = edges.last().map_or(plan.length, |(at, ..)| (*at).max(plan.length));
        let quiet = if refuses { REMINDER + 50 * MINUTE } else { 50 * MINUTE };
        Episode {
            plan,
            world,
            observer: Observer::new(planted),
            rng: Rng::with_seed(plan.seed ^ 0xe915),
            edges,
            begun: vec![false; plan.faults.len()],
            next_edge: 0,
            next_block: plan.block_millis,
            next_check: MINUTE,
            over: last + quiet,
            stalled_until: 0,
            burst_until: 0,
            figures: Figures::default(),
            trace: Sha256::new(),
        }
    }

    /// One process after the other, until the episode is over.
    fn live_and_die(&mut self) -> Option<Violation> {
        loop {
            let runtime = runtime();
            let end = runtime.block_on(async {
                clock::runtime_started();
                let begun = clock::millis();
                let end = self.live().await;
                // Nothing that is dropped now reaches the disk.
                disk::stop();
                clock::runtime_ends();
                self.figures.running += clock::millis() - begun;
                end
            });
            drop(runtime);
            match end {
                End::Over => return None,
                End::Failed(violation) => return Some(violation),
                End::Down(down) => self.be_down(down, |_| true),
                End::Damaged(down) => self.be_down(down, |files| !disk::flip_bit(&files.history())),
                End::RolledBack(down) => self.be_down(down, |files| {
                    files.roll_back();
                    true
                }),
            }
        }
    }

    /// Starts a process with the present configuration.
    async fn start(&self) -> Result<App, String> {
        let loaded = self.world.files.load().map_err(|error| format!("a valid configuration is refused: {error}"))?;
        let environment = Environment {
            clock: clock::wall,
            jitter: wire::random_byte,
            evaluation_pause: clock::evaluation_pause,
            has_threads: false,
        };
        let started = App::start(&loaded.config, environment).await;
        started.map_err(|error| format!("the exporter does not start: {error}"))
    }

    async fn live(&mut self) -> End {
        self.figures.starts += 1;
        clock::enliven();
        let mut app = match self.start().await {
            Ok(app) => app,
            Err(error) => return fail(Invariant::RightAgain, error),
        };
        self.world.health.process = Some(clock::millis());
        self.note("started");
        loop {
            let (moment, next) = self.next();
            tokio::select! {
                biased;
                () = disk::died() => {
                    self.note("died");
                    return End::Down(self.world.downtime);
                }
                () = clock::sleep_until(moment) => {}
            }
            self.world.deliver_passwords();
            let effect = match next {
                Next::Over => return self.finish(app).await,
                Next::Block => {
                    self.mine();
                    Effect::None
                }
                Next::Edge => self.pass_edge(),
                Next::Check => {
                    if let Err(violation) = self.check(&app).await {
                        return End::Failed(violation);
                    }
                    Effect::None
                }
            };
            match effect {
                Effect::None => {}
                Effect::Stop(down) => {
                    app.close().await;
                    return End::Down(down);
                }
                Effect::Damage(down) => return End::Damaged(down),
                Effect::Rollback(down) => {
                    app.close().await;
                    return End::RolledBack(down);
                }
                Effect::Second => {
                    if self.start().await.is_ok() {
                        return fail(Invariant::EventsOnce, "a second exporter writes the same history".into());
                    }
                }
                Effect::Reload { is_valid } => {
                    let reloaded = app.reload(|| self.world.files.load()).await;
                    if reloaded.is_ok() != is_valid {
                        return fail(Invariant::RightAgain, format!("a reload of a configuration: {reloaded:?}"));
                    }
                }
            }
        }
    }

    /// Time passes without a process, after something happened to its files that leaves the history intact or not.
    fn be_down(&mut self, down: u64, happens: impl FnOnce(&Files) -> bool) {
        let begun = clock::millis();
        let death = disk::next_life();
        self.world.health.process = None;
        let is_intact = happens(&self.world.files);
        let restart = begun + down.max(1000);
        loop {
            let (moment, next) = self.next();
            if moment >= restart && self.world.is_configuration_valid {
                break;
            }
            match &next {
                Next::Block => {
                    clock::pass_to(moment);
                    self.mine();
                }
                Next::Edge => {
                    clock::pass_to(moment);
                    let _ = self.pass_edge();
                }
                // The episode is not over before the process ran.
                Next::Check | Next::Over => self.next_check = moment + MINUTE,
            }
            if matches!(next, Next::Over) {
                self.over = self.over.max(moment + HOUR);
            }
        }
        clock::pass_to(restart);
        self.over = self.over.max(clock::millis() + 50 * MINUTE);
        self.next_check = clock::millis() + MINUTE;
        self.figures.stopped += clock::millis() - begun;
        let is_certain = death != Some(Death::PowerLost) && is_intact;
        self.observer.started(begun, is_certain);
    }

    fn next(&self) -> (u64, Next) {
        let edge = self.edges.get(self.next_edge).map_or(u64::MAX, |(at, ..)| *at);
        // No block in the last minutes: the end is compared with the tip.
        let block = if self.next_block + 4 * MINUTE > self.over { u64::MAX } else { self.next_block };
        let first = edge.min(block).min(self.next_check).min(self.over);
        let next = match first {
            _ if first == edge => Next::Edge,
            _ if first == block => Next::Block,
            _ if first == self.next_check => Next::Check,
            _ => Next::Over,
        };
        (first, next)
    }

    fn mine(&mut self) {
        let now = clock::millis();
        if now >= self.stalled_until {
            self.world.chain.mine();
            let tip = self.world.chain.tip_block();
            self.note(&format!("block {tip:?}"));
        }
        let mean = if now < self.burst_until { 1000 } else { self.plan.block_millis };
        let wait = -(1.0 - self.rng.f64()).ln() * mean as f64;
        self.next_block = now.max(self.stalled_until) + (wait as u64).clamp(500, 10 * mean);
    }

    fn pass_edge(&mut self) -> Effect {
        let (_, index, begins) = self.edges[self.next_edge];
        self.next_edge += 1;
        clock::enliven();
        let fault = &self.plan.faults[index];
        if !begins {
            if fault.kind.is_death() {
                let death = if matches!(fault.kind, FaultKind::Kill(..)) { Death::Killed } else { Death::PowerLost };
                disk::die_if_planned(death);
                return Effect::None;
            }
            return if self.begun[index] { self.world.end(fault) } else { Effect::None };
        }
        let is_running = self.world.health.process.is_some();
        let effect = if fault.kind.needs_process() && !is_running { None } else { self.world.begin(fault) };
        let Some(effect) = effect else { return Effect::None };
        self.begun[index] = true;
        *self.figures.faults.entry(fault.kind.name()).or_default() += 1;
        match fault.kind {
            FaultKind::Stall => self.stalled_until = clock::millis() + fault.lasts,
            FaultKind::Burst => self.burst_until = clock::millis() + fault.lasts,
            _ => {}
        }
        if let FaultKind::Burst = fault.kind {
            self.next_block = clock::millis() + 500;
        }
        self.note(&format!("{fault}"));
        effect
    }

    async fn check(&mut self, app: &App) -> Checked {
        self.next_check = clock::millis() + self.rng.u64(20_000..90_000);
        self.plant();
        let checked = self.observer.check(app, &self.world.chain, &self.world.health).await;
        for line in std::mem::take(&mut self.observer.notices.told) {
            self.note(&line);
        }
        checked?;
        for state in app.published() {
            let block = state.snapshot.as_deref().map(|snapshot| *snapshot.block());
            self.note(&format!("{:?} {:?}", block.map(|block| block.height), state.confirmed));
        }
        self.note(&format!("{} notices", self.observer.notices.seen));
        Ok(())
    }

    /// Bugs of the runtime and of the sources.
    fn plant(&mut self) {
        match self.observer.planted {
            Some(Planted::Leak) => drop(tokio::spawn(std::future::pending::<()>())),
            Some(Planted::StaysBehind) => {
                Wire::with(|wire| wire.nodes.values().for_each(|node| node.server.set_lag(9)))
            }
            _ => {}
        }
    }

    async fn finish(&mut self, app: App) -> End {
        let (chain, health) = (&self.world.chain, &self.world.health);
        let mut checked = self.observer.check(&app, chain, health).await;
        app.close().await;
        // What a node lied about, while no other one answered, is recorded as it said.
        if checked.is_ok() && !self.observer.is_misled {
            let known = Known {
                counters: self.observer.counters(),
                first_height: self.observer.first_height.unwrap_or(u32::MAX - 1),
                is_undamaged: health.is_undamaged,
                planted: self.observer.planted,
            };
            let has_list =
                ensure(self.observer.first_height.is_some(), Invariant::RightAgain, || "no list at all".into());
            checked = has_list.and_then(|()| record::check(&self.world.files.history(), chain, &known));
        }
        self.note("over");
        checked.map_or_else(End::Failed, |()| End::Over)
    }

    fn note(&mut self, what: &str) {
        let line = format!("{} {what}\n", clock::millis());
        if self.plan.is_told {
            print!("{line}");
        }
        self.trace.update(line);
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without input and output needs nothing of the system")
}

fn fail(invariant: Invariant, what: String) -> End {
    End::Failed(Violation { invariant, at: clock::millis(), what })
}
