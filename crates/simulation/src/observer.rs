//! Checks the invariants against the truth of the chain, while a process runs and after the faults.
//!
//! Never here: faults.

use std::collections::BTreeMap;

use domain::counters::NodeCounters;
use domain::network_state::NetworkState;
use domain::snapshot::Snapshot;
use masternode_exporter::alerting::ActiveAlert;
use masternode_exporter::app::App;
use masternode_exporter::metrics::Format;

use crate::chain::Chain;
use crate::clock;
use crate::configuration::STALE_SECONDS;
use crate::health::Health;
use crate::invariant::{Checked, Invariant, ensure};
use crate::notices::{FiringAlert, Notices};
use crate::planted::Planted;

const MINUTE: u64 = 60_000;

/// Time within which everything is right again after the last fault: longer than the pause after a failure and the hold of an alert.
const RECOVERY: u64 = 12 * MINUTE;

/// Blocks by which a snapshot may be behind the tip of a minute ago then.
const BLOCKS_BEHIND: u32 = 1;

/// Time after which the end of a ban is known: a masternode that left the list counts as missing after five minutes.
const KNOWN: u64 = 7 * MINUTE;

/// Most tasks of the exporter at a time.
const TASKS: usize = 40;

/// Largest page in bytes.
const PAGE_BYTES: usize = 1 << 20;

/// The alert of a banned masternode.
const BANNED: &str = "MasternodePoSeBanned";

/// What is remembered from check to check.
#[derive(Default)]
pub(crate) struct Observer {
    pub(crate) planted: Option<Planted>,
    /// The height of the first list: what happened until then is not known.
    pub(crate) first_height: Option<u32>,
    counters: BTreeMap<String, NodeCounters>,
    pub(crate) notices: Notices,
    checks: u64,
    pub(crate) snapshots: u64,
    /// A list was followed although its root refuted it.
    pub(crate) is_misled: bool,
}

impl Observer {
    pub(crate) fn new(planted: Option<Planted>) -> Observer {
        Observer { planted, ..Observer::default() }
    }

    /// Checks what must hold at any moment.
    pub(crate) async fn check(&mut self, app: &App, chain: &Chain, health: &Health) -> Checked {
        self.checks += 1;
        for state in app.published() {
            self.check_state(&state, chain, health)?;
        }
        self.notices.check(chain, health)?;
        if health.is_quiet_for(RECOVERY) {
            self.check_bans(app, chain, health)?;
        }
        self.notices.check_known(&firing(app), health)?;
        if self.checks.is_multiple_of(128) || self.planted.is_some() {
            self.check_page(app).await?;
        }
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        ensure(tasks <= TASKS, Invariant::Bounded, || format!("{tasks} tasks"))
    }

    fn check_state(&mut self, state: &NetworkState, chain: &Chain, health: &Health) -> Checked {
        let quiet = health.is_quiet_for(RECOVERY);
        let snapshot = state.snapshot.as_deref();
        if quiet {
            ensure(snapshot.is_some(), Invariant::RightAgain, || "no list is published".into())?;
        }
        let Some(snapshot) = snapshot else { return Ok(()) };
        let age = confirmed_age(state, health);
        ensure(age <= STALE_SECONDS * 1000 + 5 * MINUTE, Invariant::BestChain, || {
            format!("a snapshot that was confirmed {} s ago is still published", age / 1000)
        })?;
        self.first_height.get_or_insert(snapshot.block().height.0);
        self.snapshots += 1;
        check_block(snapshot, chain, health)?;
        let behind = chain.tip_a_minute_ago().saturating_sub(snapshot.block().height.0);
        if quiet {
            ensure(behind <= BLOCKS_BEHIND, Invariant::RightAgain, || format!("{behind} blocks behind"))?;
        }
        // A list that its root refutes is published as refuted where no source has another one.
        let is_refuted = snapshot.facts().list_proof.status.is_refuted();
        self.is_misled |= is_refuted;
        if !is_refuted && chain.tip_block() == (snapshot.block().height.0, snapshot.block().hash.to_string()) {
            check_list(snapshot, chain, self.planted)?;
        }
        self.check_counters(snapshot, health)
    }

    fn check_counters(&mut self, snapshot: &Snapshot, health: &Health) -> Checked {
        for node in snapshot.watched() {
            let (id, mut now) = (node.watched.id.to_string(), node.tally.clone());
            if self.planted == Some(Planted::CounterGoesBack) && now.earned.payments > 3 {
                now.earned.payments = 1;
            }
            let before = self.counters.get(&id).filter(|_| health.has_history() && !health.has_power_failed);
            let fell = before.is_some_and(|before| {
                now.earned.payments < before.earned.payments
                    || now.penalties < before.penalties
                    || now.revivals < before.revivals
            });
            ensure(!fell, Invariant::Counters, || format!("counters of {id} decreased from {before:?} to {now:?}"))?;
            self.counters.insert(id, now);
        }
        Ok(())
    }

    /// Banned masternodes have an alert, and only they.
    fn check_bans(&self, app: &App, chain: &Chain, health: &Health) -> Checked {
        let firing = firing(app);
        for (id, standing) in &chain.standings {
            if clock::millis().saturating_sub(standing.since) < KNOWN {
                continue;
            }
            let fires = firing.iter().any(|alert| alert.name == BANNED && alert.masternode == *id);
            let is_watched =
                app.published().iter().any(|state| state.watched().iter().any(|target| target.id.to_string() == *id));
            if is_watched && standing.is_banned {
                ensure(fires, Invariant::NoAllClear, || format!("{id} is banned and has no alert"))?;
            }
            // While the history cannot be opened, the alerts of the process before are not known.
            ensure(standing.is_banned || !fires || !health.has_disk_for(KNOWN), Invariant::RightAgain, || {
                format!("the alert of {id} is not resolved although its ban is over")
            })?;
        }
        Ok(())
    }

    async fn check_page(&self, app: &App) -> Checked {
        let has_list = app.published().iter().any(|state| state.snapshot.is_some());
        let mut page = app.exposition().text(Format::Text).await;
        if self.planted == Some(Planted::NumberWithoutList) && !has_list {
            page += "masternode_pose_score{masternode=\"00\"} 0\n";
        }
        let number = page.lines().find(|line| {
            ["masternode_pose_score{", "masternode_pose_banned{", "masternode_network_height{"]
                .iter()
                .any(|family| line.starts_with(family))
        });
        ensure(has_list || number.is_none(), Invariant::NoNumberWithoutList, || format!("without a list: {number:?}"))?;
        ensure(page.len() < PAGE_BYTES, Invariant::Bounded, || format!("a page of {} bytes", page.len()))
    }

    /// A process starts: what the last one knew may be lost with the power.
    pub(crate) fn started(&mut self, ended: u64, is_certain: bool) {
        if !is_certain {
            self.counters.clear();
        }
        self.notices.process_started(ended, is_certain);
    }

    /// The counters of watched masternodes at the end.
    pub(crate) fn counters(&self) -> &BTreeMap<String, NodeCounters> {
        &self.counters
    }
}

/// The alerts that fire.
fn firing(app: &App) -> Vec<FiringAlert> {
    let shown = app.alerts().firing(|_| true, usize::MAX).alerts.into_iter();
    let firing = |alert: ActiveAlert| FiringAlert {
        name: alert.alert.name.to_string(),
        masternode: alert.labels.get("masternode").cloned().unwrap_or_default(),
        labels: alert.labels,
        seconds: clock::wall().0.saturating_sub(alert.since.0),
    };
    shown.map(firing).collect()
}

/// Milliseconds since a source confirmed the list.
fn confirmed_age(state: &NetworkState, health: &Health) -> u64 {
    let (Some(confirmed), Some(started)) = (state.confirmed, health.process) else { return 0 };
    let uptime = u64::try_from(confirmed.uptime.as_millis()).unwrap_or(u64::MAX);
    clock::millis().saturating_sub(started).saturating_sub(uptime)
}

/// The block was mined, and is not abandoned for long while all sources knew better.
fn check_block(snapshot: &Snapshot, chain: &Chain, health: &Health) -> Checked {
    let block = snapshot.block();
    let Some(mined) = chain.blocks.get(&block.hash.to_string()) else {
        return ensure(false, Invariant::BestChain, || {
            format!("block {} of no honest chain is published", block.height)
        });
    };
    let abandoned = mined.replaced.map_or(0, |at| clock::millis().saturating_sub(at));
    ensure(abandoned < RECOVERY || !health.is_quiet_for(RECOVERY), Invariant::BestChain, || {
        format!("block {} was abandoned {} s ago and is still published", block.height, abandoned / 1000)
    })
}

/// The list of the tip is the true one.
fn check_list(snapshot: &Snapshot, chain: &Chain, planted: Option<Planted>) -> Checked {
    let (list, (registered, valid)) = (snapshot.list(), chain.counts());
    let is_right = list.registered() == registered && (list.valid() == valid || !chain.has_ledger());
    ensure(is_right, Invariant::BestChain, || {
        format!("{} masternodes, {} valid; the chain has {registered}, {valid}", list.registered(), list.valid())
    })?;
    for masternode in list.masternodes() {
        let id = masternode.id.to_string();
        let Some(facts) = chain.facts(&id) else {
            return ensure(false, Invariant::BestChain, || format!("{id} is not registered"));
        };
        let mut banned = masternode.is_banned();
        if planted == Some(Planted::BanHidden) {
            banned = false;
        }
        ensure(banned || !facts.is_banned, Invariant::NoAllClear, || format!("{id} is shown as valid"))?;
        ensure(banned == facts.is_banned, Invariant::BestChain, || format!("{id} is shown as banned"))?;
        let score = masternode.pose_score.map(|score| score.0);
        let shown = if planted == Some(Planted::WrongScore) { score.map(|score| score + 1) } else { score };
        ensure(shown.is_none_or(|score| Some(score) == facts.score), Invariant::BestChain, || {
            format!("{id} has score {:?}, shown is {shown:?}", facts.score)
        })?;
    }
    Ok(())
}
