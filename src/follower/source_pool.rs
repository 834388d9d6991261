//! The sources of a network: which one is followed, when another takes over, and the health of each.
//!
//! Never here: the chain that is followed; publishing.

use std::collections::BTreeSet;
use std::ops::{Index, IndexMut};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::follower::FollowerSettings;
use crate::follower::fork::{Activation, UnknownForks};
use crate::follower::source::{Identity, Source, SourceError};
use crate::meters::NotUnderstoodMeters;
use crate::rpc::{ChainInfo, Client};
use domain::MasternodeList;
use domain::masternode::{Height, MasternodeId};
use domain::network_state::{Moment, SourceHealth};

/// Interval at which the tips of unused sources are read, in polls.
const STANDBY_POLLS: u32 = 6;

/// Blocks by which the source in use may be behind another one before that one is preferred.
const LAG: u32 = 2;

/// Timeout of the checks before the first choice.
const INTRODUCTION: Duration = Duration::from_secs(3);

/// Consecutive polls at which the node's tip must be an ancestor of ours before it counts as a rollback.
const ROLLBACK_POLLS: u32 = 3;

/// All sources of one network, in the order of the configuration; a source is named by its index.
pub(super) struct SourcePool {
    pub(super) settings: FollowerSettings,
    pub(super) sources: Vec<Source>,
    /// The source that is followed.
    pub(super) active: Option<usize>,
    /// The network of the sources, once one was identified.
    pub(super) identity: Option<Identity>,
    /// What is certain about the next consensus change.
    pub(super) activation: Activation,
    pub(super) unknown_forks: UnknownForks,
    pub(super) not_understood: NotUnderstoodMeters,
    polls: u32,
    /// Consecutive polls at which the tip was an ancestor of the followed one.
    rolled_back: u32,
    confirmed: Option<(Instant, Moment)>,
    began: Instant,
}

impl Index<usize> for SourcePool {
    type Output = Source;

    fn index(&self, index: usize) -> &Source {
        &self.sources[index]
    }
}

impl IndexMut<usize> for SourcePool {
    fn index_mut(&mut self, index: usize) -> &mut Source {
        &mut self.sources[index]
    }
}

impl SourcePool {
    /// The sources behind `clients`, the preferred one first.
    pub(super) fn new(
        settings: FollowerSettings,
        clients: Vec<Client>,
        not_understood: NotUnderstoodMeters,
    ) -> SourcePool {
        SourcePool {
            settings,
            sources: clients.into_iter().map(Source::new).collect(),
            active: None,
            identity: None,
            activation: Activation::default(),
            unknown_forks: UnknownForks::new(),
            not_understood,
            polls: 0,
            rolled_back: 0,
            confirmed: None,
            began: Instant::now(),
        }
    }

    /// The sources in the order of the configuration.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Source> {
        self.sources.iter()
    }

    /// The health of each source, for publishing.
    pub(super) fn health(&self) -> Vec<SourceHealth> {
        self.sources.iter().map(|source| source.health.clone()).collect()
    }

    /// The masternodes that the sources run as, also while one does not answer.
    pub(super) fn own(&self) -> BTreeSet<MasternodeId> {
        self.sources.iter().filter_map(|source| source.report.identity()).collect()
    }

    /// When the source in use last confirmed the list.
    pub(super) fn confirmed(&self) -> Option<Moment> {
        self.confirmed.map(|(_, moment)| moment)
    }

    /// Each source with its last error; sources without an error are left out.
    pub(super) fn complaints(&self) -> Vec<String> {
        let complaint = |source: &Source| Some(format!("{}: {}", source.name(), source.trouble()?));
        self.sources.iter().filter_map(complaint).collect()
    }

    /// Version of the newest node among the sources of this network, whether it currently answers or not.
    pub(super) fn newest_version(&self) -> Option<u32> {
        self.sources.iter().filter(|source| !source.is_elsewhere()).filter_map(|source| source.version).max()
    }

    /// Begins a poll.
    pub(super) fn begin_poll(&mut self) {
        self.polls = self.polls.wrapping_add(1);
    }

    /// Whether the unused sources are due in this poll.
    pub(super) fn is_standby_poll(&self) -> bool {
        self.polls.is_multiple_of(STANDBY_POLLS)
    }

    /// Whether the reports of the sources about themselves are due in this poll.
    pub(super) fn is_report_poll(&self) -> bool {
        self.settings.ask.reports && self.polls % STANDBY_POLLS == 1
    }

    /// Whether no source confirmed the list for `stale_after`, after at least one did.
    pub(super) fn is_stale(&self) -> bool {
        self.stale_at().is_some_and(|stale_at| Instant::now() >= stale_at)
    }

    /// When the list is stale; `None` while no source confirmed one.
    pub(super) fn stale_at(&self) -> Option<Instant> {
        Some(self.confirmed?.0 + self.settings.stale_after)
    }

    /// Whether no source confirmed a list for `stale_after`, or since the start.
    pub(super) fn is_overdue(&self) -> bool {
        self.confirmed.map_or(self.began, |(at, _)| at).elapsed() >= self.settings.stale_after
    }

    /// Whether the pause of a source after its last failure is over.
    pub(super) fn is_due(&self, index: usize) -> bool {
        self.sources[index].is_due(Instant::now())
    }

    /// Counts a poll at which the tip was an ancestor of the followed one. Returns whether to wait: after a restart the
    /// node may only need to catch up.
    pub(super) fn awaits_rollback(&mut self) -> bool {
        let waits = self.rolled_back + 1 < ROLLBACK_POLLS;
        if waits {
            self.rolled_back += 1;
        }
        waits
    }

    /// The tip is no ancestor of the followed one.
    pub(super) fn is_not_rolled_back(&mut self) {
        self.rolled_back = 0;
    }

    /// Forgets the reports of the sources about the network; the followed source stays.
    pub(super) fn forget_answers(&mut self) {
        self.identity = None;
        self.activation = Activation::default();
    }

    /// Forgets the network: the first answer identifies it.
    pub(super) fn forget_network(&mut self) {
        self.identity = None;
        self.active = None;
        self.activation = Activation::default();
    }

    /// In the order of the configuration; sources that are behind another one, or have no peers, come last. `followed`
    /// is the height of the followed tip. A tip more than `max_gap_blocks` above it, or above the lowest tip if nothing is
    /// followed, may be wrong and is not compared with.
    pub(super) fn by_preference(&self, followed: Option<Height>) -> Vec<usize> {
        let tips = || self.sources.iter().filter_map(|source| source.tip);
        let base = followed.or_else(|| tips().min());
        let is_plausible = |tip: &Height| base.is_none_or(|base| tip.above(base) <= self.settings.max_gap_blocks);
        let best = tips().filter(is_plausible).max();
        let lags = |index: &usize| {
            let source = &self.sources[*index];
            source.health.isolated == Some(true)
                || self.is_left_behind(*index, followed)
                || best.zip(source.tip).is_some_and(|(best, tip)| best.above(tip) > LAG)
        };
        let (lagging, mut order): (Vec<usize>, Vec<usize>) = (0..self.sources.len()).partition(lags);
        order.extend(lagging);
        order
    }

    /// Checks that a source is of the network and in sync, and processes its report about the next consensus change.
    pub(super) async fn check(
        &mut self,
        index: usize,
        followed: Option<Height>,
    ) -> Result<(Identity, ChainInfo), SourceError> {
        let checked = self.sources[index].check(&self.settings.rules, self.identity.as_ref()).await?;
        self.examine_fork(index, &checked.1, followed).await?;
        Ok(checked)
    }

    /// Reads the tips of the sources after the one in use. Sources before it are tried by the poll itself.
    pub(super) async fn look_at_standbys(&mut self, followed: Option<Height>) {
        let order = self.by_preference(followed).into_iter();
        let waiting: Vec<usize> = order.skip_while(|index| self.active != Some(*index)).skip(1).collect();
        for index in waiting {
            if !self.is_due(index) {
                continue;
            }
            match self.check(index, followed).await {
                Ok((_, chain)) => self.succeeded(index, chain.blocks),
                Err(trouble) => self.failed(index, &trouble),
            }
        }
    }

    /// Before the first choice: asks concurrently all sources of the network of the preferred one, so that a source left behind by
    /// an activation is not chosen only because no other was asked. Failures are recorded when the source is chosen and
    /// tried again.
    pub(super) async fn introduce(&mut self) {
        if self.active.is_some() || self.sources.len() < 2 {
            return;
        }
        let (rules, known, now) = (self.settings.rules.clone(), self.identity.clone(), Instant::now());
        let due = self.sources.iter_mut().enumerate().filter(|(_, source)| source.is_due(now));
        let checks =
            due.map(async |(index, source)| (index, timeout(INTRODUCTION, source.check(&rules, known.as_ref())).await));
        let mut expected = known.clone();
        for (index, checked) in join_all(checks).await {
            let Ok(Ok((identity, chain))) = checked else { continue };
            if *expected.get_or_insert_with(|| identity.clone()) != identity {
                continue;
            }
            self.sources[index].tip = Some(chain.blocks);
            // A refusal is repeated when the source is chosen.
            let _ = self.examine_fork(index, &chain, None).await;
        }
    }

    /// Records that a source is followed to `tip`: it confirmed the list.
    pub(super) fn activate(&mut self, index: usize, tip: Height) {
        self.succeeded(index, tip);
        self.confirmed = Some((Instant::now(), self.now()));
        if let Some(before) = self.active.replace(index).filter(|before| *before != index) {
            warn!(
                network = %self.settings.network,
                "Failover of network {} to source {} from source {}",
                self.settings.network,
                self.sources[index].name(),
                self.sources[before].name()
            );
        }
    }

    fn succeeded(&mut self, index: usize, tip: Height) {
        let now = self.now();
        self.sources[index].succeeded(tip, now);
    }

    fn now(&self) -> Moment {
        Moment { unix: (self.settings.clock)(), uptime: self.settings.started.elapsed() }
    }

    /// Records that a source is not usable.
    pub(super) fn failed(&mut self, index: usize, trouble: &SourceError) {
        self.sources[index].failed(trouble, self.settings.poll_interval);
    }

    /// Asks every due source for its reports about itself. A refused method only removes its own samples.
    pub(super) async fn ask_for_reports(&mut self, list: Option<Arc<MasternodeList>>) {
        let followed = list.as_ref().map(|list| list.block().height);
        let mut answers: Vec<(usize, ChainInfo)> = Vec::new();
        for index in 0..self.sources.len() {
            // A source that was left behind reports another chain: its height is not comparable, its sessions are not
            // the network's.
            let is_asked =
                !self.sources[index].is_elsewhere() && !self.is_left_behind(index, followed) && self.is_due(index);
            let answer = if is_asked { self.sources[index].client.chain_info().await.ok() } else { None };
            let is_ours = |chain: &ChainInfo| self.identity.as_ref().is_none_or(|ours| chain.chain == *ours.chain);
            match answer.filter(is_ours) {
                Some(chain) => answers.push((index, chain)),
                None => self.sources[index].is_silent(),
            }
        }
        let best = answers.iter().map(|(_, chain)| chain.headers.max(chain.blocks)).max().unwrap_or(Height(0));
        for (index, chain) in answers {
            self.sources[index].read_report(&chain, best, list.as_deref(), &self.settings).await;
        }
    }
}
