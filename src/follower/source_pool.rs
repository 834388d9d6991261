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
use crate::follower::network_forks::NetworkForks;
use crate::follower::source::{Identity, Source, SourceError};
use crate::meters::NotUnderstoodMeters;
use crate::rpc::{ChainInfo, Client};
use domain::MasternodeList;
use domain::chain::Subnet;
use domain::deployment::Deployment;
use domain::list::Block;
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
    pub(super) forks: NetworkForks,
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
            forks: NetworkForks::new(settings.network.clone(), not_understood),
            settings,
            sources: clients.into_iter().map(Source::new).collect(),
            active: None,
            identity: None,
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
        self.sources.iter().map(|source| source.reports.health.clone()).collect()
    }

    /// The masternodes that the sources run as, also while one does not answer.
    pub(super) fn own(&self) -> BTreeSet<MasternodeId> {
        self.sources.iter().filter_map(|source| source.reports.identity()).collect()
    }

    /// When the source in use last confirmed the list.
    pub(super) fn confirmed(&self) -> Option<Moment> {
        self.confirmed.map(|(_, moment)| moment)
    }

    /// Each source with its last error; sources without an error are left out.
    pub(super) fn complaints(&self) -> Vec<String> {
        let complaint = |source: &Source| Some(format!("{}: {}", source.name(), source.availability.error()?));
        self.sources.iter().filter_map(complaint).collect()
    }

    /// Version of the newest node among the sources of this network, whether it currently answers or not.
    pub(super) fn newest_version(&self) -> Option<u32> {
        let here = self.sources.iter().filter(|source| !source.availability.is_elsewhere());
        here.filter_map(|source| source.version).max()
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
        self.sources[index].availability.is_due(Instant::now())
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
        self.forks.forget();
    }

    /// In the order of the configuration; sources that are behind another one, have no peers, or reported a list that was
    /// refuted, come last. `followed` is the height of the followed tip. A tip more than `max_gap_blocks` above it, or above the lowest tip if nothing is
    /// followed, may be wrong and is not compared with.
    pub(super) fn by_preference(&self, followed: Option<Height>) -> Vec<usize> {
        let tips = || self.sources.iter().filter_map(|source| source.tip);
        let base = followed.or_else(|| tips().min());
        let is_plausible = |tip: &Height| base.is_none_or(|base| tip.above(base) <= self.settings.max_gap_blocks);
        let best = tips().filter(is_plausible).max();
        let lags = |index: &usize| {
            let source = &self.sources[*index];
            source.reports.health.isolated == Some(true)
                || source.reports.health.list_proof.is_refuted()
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
        let checked = self.sources[index].check(&self.settings, self.identity.as_ref()).await?;
        self.examine_fork(index, &checked.1, followed).await?;
        Ok(checked)
    }

    /// Processes what a source reports about the activation, after it was checked. Refuses a source that was left
    /// behind. `followed` is the height of the followed tip.
    async fn examine_fork(
        &mut self,
        index: usize,
        chain: &ChainInfo,
        followed: Option<Height>,
    ) -> Result<(), SourceError> {
        if self.sources[index].client.dialect().deployments.is_none() {
            return Ok(());
        }
        self.forks.learn(&self.sources[index], chain.blocks);
        self.report_fork(chain);
        let source = &self.sources[index];
        let active = self.active.map(|active| &self.sources[active]);
        let is_active = self.active == Some(index);
        let old_in_use = active.is_none_or(|active| active.forks.follows != Some(true));
        let activation = self.forks.activation_height();
        let split = match source.forks.follows {
            // The chain that is followed, or about to be. Before the activation there is nothing to compare.
            Some(true) if is_active || old_in_use => {
                activation.is_some_and(|height| chain.blocks >= height).then_some(false)
            }
            Some(_) if !is_active => self.forks.compare_chains(active, source, (chain.blocks, followed)).await,
            _ => None,
        };
        self.sources[index].reports.health.fork_split = split;
        let source = &self.sources[index];
        match activation.filter(|_| self.forks.refuses(source, chain.blocks)) {
            Some(height) => Err(SourceError::LeftBehind { version: source.version.unwrap_or_default(), height }),
            None => Ok(()),
        }
    }

    /// Updates whether each source follows the activation, on networks where it matters.
    fn report_fork(&mut self, chain: &ChainInfo) {
        let public = matches!(Subnet::from_chain_name(&chain.chain), Subnet::Main | Subnet::Test);
        let seen = self.sources.iter().any(|source| source.forks.follows == Some(true));
        let matters = public || seen || self.forks.activation_height().is_some();
        for source in &mut self.sources {
            source.reports.health.follows_fork = source.forks.follows.filter(|_| matters);
        }
    }

    /// Whether the followed chain is the one that was left behind, so that a shorter chain may replace it.
    pub(super) fn is_astray(&self, index: usize, followed: Option<Height>) -> bool {
        let beyond = |height: Height| followed.is_some_and(|followed| followed >= height);
        let old = self.active.is_none_or(|active| self.sources[active].forks.follows == Some(false));
        self.sources[index].forks.follows == Some(true) && old && self.forks.activation_height().is_some_and(beyond)
    }

    /// Whether the source at this index must not be used with its last tip.
    pub(super) fn is_left_behind(&self, index: usize, followed: Option<Height>) -> bool {
        let source = &self.sources[index];
        self.forks.refuses(source, source.tip.or(followed).unwrap_or(Height(0)))
    }

    /// State of v24: as the source in use reports it, otherwise as the most advanced other source that follows.
    pub(super) fn deployment(&self, index: usize) -> Option<Deployment> {
        let own = self.sources[index].forks.deployment.clone();
        own.or_else(|| {
            let follows = |source: &&Source| source.forks.follows == Some(true) && source.tip.is_some();
            self.sources.iter().filter(follows).max_by_key(|source| source.tip)?.forks.deployment.clone()
        })
    }

    /// Takes over the activation height of the history. Refuses a source that this leaves behind. `followed` is the
    /// height of the followed tip.
    pub(super) async fn recall_activation(
        &mut self,
        index: usize,
        chain: &ChainInfo,
        (recorded, followed): (Height, Option<Height>),
    ) -> Result<(), SourceError> {
        if self.forks.recall(recorded) { self.examine_fork(index, chain, followed).await } else { Ok(()) }
    }

    /// Reads the special transactions of the tip when they are due: the coinbase's version, EHF signals, and types that
    /// no known release has.
    pub(super) async fn look_at_special(&mut self, index: usize, tip: &Block) {
        let activation = self.forks.activation_height();
        if let Some(found) = self.sources[index].look_at_special(tip, activation).await {
            self.forks.note_special(tip.height, &found);
        }
    }

    /// Reads the tips of the sources after the one in use. Sources before it are tried by the poll itself.
    pub(super) async fn look_at_standbys(&mut self, followed: Option<Height>) {
        let order = self.by_preference(followed).into_iter();
        let waiting: Vec<usize> = order.skip_while(|index| self.active != Some(*index)).skip(1).collect();
        for index in waiting {
            if !self.is_due(index) {
                continue;
            }
            let before = self.sources[index].reports.health.fork_split;
            match self.check(index, followed).await {
                Ok((_, chain)) => {
                    let (source, active) = (&self.sources[index], self.active.map(|active| &self.sources[active]));
                    let split = self.forks.compare_branches(active, source, (chain.blocks, followed), before).await;
                    self.sources[index].reports.health.fork_split = split;
                    self.succeeded(index, chain.blocks);
                }
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
        let (settings, known, now) = (self.settings.clone(), self.identity.clone(), Instant::now());
        let due = self.sources.iter_mut().enumerate().filter(|(_, source)| source.availability.is_due(now));
        let checks = due
            .map(async |(index, source)| (index, timeout(INTRODUCTION, source.check(&settings, known.as_ref())).await));
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

    /// Records that a source answered with the list of its tip.
    pub(super) fn confirm(&mut self) {
        self.confirmed = Some((Instant::now(), self.now()));
    }

    /// Records that a source is followed to `tip`: it confirmed the list.
    pub(super) fn activate(&mut self, index: usize, tip: Height) {
        self.succeeded(index, tip);
        let several = self.sources.len() > 1;
        let source = &mut self.sources[index];
        if several && source.forks.follows != Some(false) {
            source.reports.health.fork_split = Some(false);
        }
        self.confirm();
        if let Some(before) = self.active.replace(index).filter(|before| *before != index) {
            let (network, to, from) = (&self.settings.network, self.sources[index].name(), self.sources[before].name());
            warn!(%network, "Failover of network {network} to source {to} from source {from}");
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
            let is_asked = !self.sources[index].availability.is_elsewhere()
                && !self.is_left_behind(index, followed)
                && self.is_due(index);
            let answer = if is_asked { self.sources[index].client.chain_info().await.ok() } else { None };
            let is_ours = |chain: &ChainInfo| self.identity.as_ref().is_none_or(|ours| chain.chain == *ours.chain);
            match answer.filter(is_ours) {
                Some(chain) => answers.push((index, chain)),
                None => self.sources[index].reports.silence(),
            }
        }
        let best = answers.iter().map(|(_, chain)| chain.headers.max(chain.blocks)).max().unwrap_or(Height(0));
        for (index, chain) in answers {
            let source = &mut self.sources[index];
            let version = source.reports.read(&source.client, &chain, (best, list.as_deref()), &self.settings).await;
            // A node may have been updated between two reports; it was identified before.
            source.version = source.version.and(version).or(source.version);
        }
    }
}
