//! Follows one network: from the list at the tip, block by block, over restarts of nodes, gaps and reorgs.
//!
//! A poll asks the best source for its tip. For each block that is new it takes the list's changes from the node
//! (`protx listdiff`), or the whole list where the node cannot tell changes. What follows is published as an immutable
//! [`Snapshot`]. The node's load depends on blocks, never on who reads the snapshot.
//!
//! Never here: exposition, alerts, HTTP; publishing an old list as new.

mod book;
mod source;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::domain::chain::{ChainFacts, ChainRules};
use crate::domain::masternode::{BlockHash, Height, UnixSeconds};
use crate::domain::snapshot::Parts;
use crate::domain::tally::Tallies;
use crate::domain::watch::{WatchList, Watched};
use crate::domain::{MasternodeId, Snapshot};
use crate::follower::book::Book;
use crate::follower::source::{Identity, Source, Trouble};
use crate::meters::{Meters, NetworkMeters};
use crate::rpc::{ChainInfo, Client};

/// How often sources that are not in use are asked for their tip, in polls.
const STANDBY_POLLS: u32 = 6;

/// Blocks by which the source in use may lie behind another one before that one is preferred.
const LAG: u32 = 2;

/// Polls in a row at which the node's tip must be an ancestor of ours before we believe that it was rolled back.
const ROLLBACK_POLLS: u32 = 3;

/// How a network is followed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the network: the label `network`.
    pub network: Arc<str>,
    /// The chain's rules.
    pub rules: Arc<ChainRules>,
    /// Pause between two polls.
    pub poll_interval: Duration,
    /// The snapshot is withdrawn when no source confirmed it for this long.
    pub stale_after: Duration,
    /// Blocks from one full list, read as a check, to the next.
    pub resync_blocks: u32,
    /// A gap of more blocks than this is not walked: the list is read anew.
    pub max_gap_blocks: u32,
    /// The present, in seconds since 1970.
    pub clock: fn() -> UnixSeconds,
}

/// Follows one network; see the module.
pub struct Follower {
    settings: Settings,
    sources: Vec<Source>,
    active: Option<usize>,
    identity: Option<Identity>,
    meters: NetworkMeters,
    watch_list: watch::Receiver<WatchList>,
    published: watch::Sender<Option<Arc<Snapshot>>>,
    book: Option<Book>,
    tallies: Tallies,
    facts: Option<Facts>,
    watched: Vec<Watched>,
    read_at: UnixSeconds,
    confirmed: Option<Instant>,
    polls: u32,
    behind: u32,
    peers_asked: usize,
}

/// What was asked beside the list, and when it is due again.
struct Facts {
    chain: ChainFacts,
    sporks_read: Height,
    spacing_read: Height,
    list_read: Height,
}

impl Follower {
    /// A follower of the network behind `clients`, the preferred one first. `watch_list` may change at any time.
    pub fn new(
        settings: Settings,
        clients: Vec<Client>,
        meters: &Meters,
        watch_list: watch::Receiver<WatchList>,
        published: watch::Sender<Option<Arc<Snapshot>>>,
    ) -> Follower {
        let network = meters.network(&settings.network);
        let sources = clients
            .into_iter()
            .map(|client| Source::new(client.clone(), meters.source(&settings.network, client.name())))
            .collect();
        Follower {
            settings,
            sources,
            active: None,
            identity: None,
            meters: network,
            watch_list,
            published,
            book: None,
            tallies: Tallies::default(),
            facts: None,
            watched: Vec::new(),
            read_at: UnixSeconds(0),
            confirmed: None,
            polls: 0,
            behind: 0,
            peers_asked: 0,
        }
    }

    /// Follows until the watch list's sender is gone, which is how the owner stops it.
    pub async fn run(mut self) {
        let mut timer = tokio::time::interval(self.settings.poll_interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = self.watch_list.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // What was withdrawn stays so: another watch list does not make it any fresher.
                    if self.published.borrow().is_some() {
                        self.publish();
                    }
                }
                _ = timer.tick() => self.poll().await,
            }
        }
    }

    /// Asks once: the first usable source is followed to its tip. Where none is usable, what is stale is withdrawn.
    pub async fn poll(&mut self) {
        if let Err(troubles) = self.try_sources().await {
            self.withdraw_if_stale(&troubles);
        }
    }

    /// As [`Follower::poll`], but says what is wrong: one line a source.
    pub async fn poll_once(&mut self) -> Result<(), Vec<String>> {
        self.try_sources().await
    }

    async fn try_sources(&mut self) -> Result<(), Vec<String>> {
        self.polls = self.polls.wrapping_add(1);
        if self.polls.is_multiple_of(STANDBY_POLLS) {
            self.look_at_standbys().await;
        }
        for index in self.by_preference() {
            if !self.sources[index].is_due(Instant::now()) {
                continue;
            }
            match self.follow(index).await {
                Ok(tip) => {
                    self.in_use(index, tip);
                    return Ok(());
                }
                Err(trouble) => self.sources[index].failed(&trouble, self.settings.poll_interval),
            }
        }
        Err(self
            .sources
            .iter()
            .filter_map(|source| Some(format!("{}: {}", source.name(), source.trouble()?)))
            .collect())
    }

    /// In the order of the configuration; those that lag behind another one last.
    fn by_preference(&self) -> Vec<usize> {
        let best = self.sources.iter().filter_map(|source| source.tip).max();
        let lags = |index: &usize| {
            let tip = self.sources[*index].tip;
            best.zip(tip).is_some_and(|(best, tip)| best.above(tip) > LAG)
        };
        let (lagging, mut order): (Vec<usize>, Vec<usize>) = (0..self.sources.len()).partition(lags);
        order.extend(lagging);
        order
    }

    async fn look_at_standbys(&mut self) {
        let expected = self.identity.clone();
        for index in 0..self.sources.len() {
            let source = &mut self.sources[index];
            if self.active == Some(index) || !source.is_due(Instant::now()) {
                continue;
            }
            match source.check(&self.settings.rules, expected.as_ref()).await {
                Ok((_, chain)) => source.succeeded(chain.blocks, (self.settings.clock)().0 as f64),
                Err(trouble) => source.failed(&trouble, self.settings.poll_interval),
            }
        }
    }

    fn in_use(&mut self, index: usize, tip: Height) {
        self.sources[index].succeeded(tip, (self.settings.clock)().0 as f64);
        self.confirmed = Some(Instant::now());
        if self.active != Some(index) {
            if let Some(before) = self.active {
                warn!(
                    network = %self.settings.network,
                    "network {} is now followed through source {} instead of {}",
                    self.settings.network,
                    self.sources[index].name(),
                    self.sources[before].name()
                );
            }
            self.active = Some(index);
        }
    }

    /// Follows a source to its tip and publishes what is new.
    async fn follow(&mut self, index: usize) -> Result<Height, Trouble> {
        let best = self.sources[index].client.best_block_hash().await?;
        if let Some(book) = self.book.as_ref().filter(|_| self.active == Some(index)) {
            match book.depth_of(&best) {
                Some(0) if self.is_published(&best) => {
                    self.behind = 0;
                    return Ok(book.tip().height);
                }
                // Followed already, but an error kept it from being published, or it was withdrawn as stale.
                Some(0) => {}
                Some(depth) if self.behind + 1 < ROLLBACK_POLLS => {
                    self.behind += 1;
                    return Err(Trouble::Behind(Height(book.tip().height.0.saturating_sub(depth as u32))));
                }
                _ => {}
            }
        }
        let (identity, chain) = self.sources[index].check(&self.settings.rules, self.identity.as_ref()).await?;
        if self.active != Some(index) {
            let depth = self.book.as_ref().and_then(|book| book.depth_of(&chain.best));
            if depth.is_some_and(|depth| depth > 0) {
                return Err(Trouble::Behind(chain.blocks));
            }
        }
        self.identity = Some(identity);
        self.behind = 0;
        self.walk_to(index, chain.best).await?;
        self.learn_facts(index, &chain).await?;
        self.check_against_node(index).await?;
        self.ask_for_peers(index).await?;
        self.read_at = (self.settings.clock)();
        self.publish();
        Ok(self.book.as_ref().map_or(chain.blocks, |book| book.tip().height))
    }

    fn is_published(&self, tip: &BlockHash) -> bool {
        self.published.borrow().as_ref().is_some_and(|snapshot| snapshot.block().hash == *tip)
    }

    fn publish(&mut self) {
        let (Some(book), Some(facts)) = (&self.book, &self.facts) else { return };
        self.watched = self.watch_list.borrow_and_update().resolve(book.list(), &self.watched);
        let parts = Parts {
            network: self.settings.network.clone(),
            rules: self.settings.rules.clone(),
            list: book.list().clone(),
            facts: facts.chain.clone(),
            read_at: self.read_at,
            watched: self.watched.clone(),
            recent_events: book.recent().cloned().collect(),
        };
        self.published.send_replace(Some(Arc::new(Snapshot::new(parts, book.tallies()))));
    }

    fn withdraw_if_stale(&mut self, troubles: &[String]) {
        let stale = self.confirmed.is_some_and(|confirmed| confirmed.elapsed() >= self.settings.stale_after);
        if stale && self.published.borrow().is_some() {
            warn!(
                network = %self.settings.network,
                "nothing is published of network {} any more: no source confirmed its list for {:?} ({})",
                self.settings.network,
                self.settings.stale_after,
                troubles.join("; ")
            );
            self.published.send_replace(None);
        }
    }

    /// What is known beside the list. The heavy part of it is asked for only every so many blocks.
    async fn learn_facts(&mut self, index: usize, chain: &ChainInfo) -> Result<(), Trouble> {
        const SPORK_BLOCKS: u32 = 24;
        const SPACING_BLOCKS: u32 = 100;
        let Some(tip) = self.book.as_ref().map(|book| *book.tip()) else { return Ok(()) };
        let client = &self.sources[index].client;
        let chainlock = source::optional(client.chainlock().await)?.flatten().map(|(height, _)| height);
        let old = self.facts.take();
        let due = |read: Option<Height>, blocks| {
            read.is_none_or(|read| tip.height.above(read) >= blocks || read > tip.height)
        };
        let sporks_due = due(old.as_ref().map(|facts| facts.sporks_read), SPORK_BLOCKS);
        let spacing_due = due(old.as_ref().map(|facts| facts.spacing_read), SPACING_BLOCKS);
        let sporks = match &old {
            Some(facts) if !sporks_due => facts.chain.sporks.clone(),
            _ => source::optional(client.sporks().await)?.unwrap_or_default(),
        };
        let spacing = match &old {
            Some(facts) if !spacing_due => facts.chain.measured_spacing_seconds,
            _ => walk::measure_spacing(client, &tip).await?,
        };
        let read = |due: bool, before: Option<Height>| if due { tip.height } else { before.unwrap_or(tip.height) };
        self.facts = Some(Facts {
            sporks_read: read(sporks_due, old.as_ref().map(|facts| facts.sporks_read)),
            spacing_read: read(spacing_due, old.as_ref().map(|facts| facts.spacing_read)),
            list_read: old.as_ref().map_or(tip.height, |facts| facts.list_read),
            chain: ChainFacts {
                subnet: self
                    .identity
                    .as_ref()
                    .map_or_else(|| crate::domain::Subnet::from_chain_name(&chain.chain), Identity::subnet),
                evo_payments: source::evo_payments(chain),
                chainlock_height: chainlock,
                measured_spacing_seconds: spacing,
                sporks,
            },
        });
        Ok(())
    }

    /// Compares the list carried on from block to block with the node's own count, and now and then with its full list.
    async fn check_against_node(&mut self, index: usize) -> Result<(), Trouble> {
        let (Some(book), Some(facts)) = (&self.book, &self.facts) else { return Ok(()) };
        let tip = *book.tip();
        let client = self.sources[index].client.clone();
        let counted = source::optional(client.masternode_count().await)?;
        let agrees = counted.is_none_or(|count| {
            count.total as usize == book.list().registered() && count.enabled as usize == book.list().valid()
        });
        let due = tip.height.above(facts.list_read) >= self.settings.resync_blocks;
        if (agrees && !due) || client.best_block_hash().await? != tip.hash {
            // A block came in between: the counts are not of our tip, the next poll compares again.
            return Ok(());
        }
        let full = self.full_list(index, tip).await?;
        let rules = self.settings.rules.clone();
        if let (Some(book), Some(facts)) = (&mut self.book, &mut self.facts) {
            facts.list_read = tip.height;
            let wrong = book.correct(full, &rules.penalty);
            if wrong > 0 || !agrees {
                self.meters.resyncs.inc();
                warn!(
                    network = %self.settings.network,
                    height = tip.height.0,
                    "the list of {} was read anew at height {}: {wrong} masternodes differed from the node's",
                    self.settings.network,
                    tip.height
                );
            }
        }
        Ok(())
    }

    /// Asks the node how it sees some of the watched masternodes itself: a few a block, each in its turn.
    async fn ask_for_peers(&mut self, index: usize) -> Result<(), Trouble> {
        const PER_BLOCK: usize = 8;
        let Some(book) = &self.book else { return Ok(()) };
        let listed: Vec<MasternodeId> =
            self.watched.iter().map(|watched| watched.id).filter(|id| book.list().position(id).is_some()).collect();
        let mut seen = Vec::new();
        for offset in 0..listed.len().min(PER_BLOCK) {
            let id = listed[(self.peers_asked + offset) % listed.len()];
            match source::optional(self.sources[index].client.masternode(&id).await)? {
                Some(masternode) => seen.push((id, masternode.peer)),
                None => break,
            }
        }
        self.peers_asked = self.peers_asked.wrapping_add(PER_BLOCK);
        if let Some(book) = self.book.as_mut().filter(|_| !seen.is_empty()) {
            book.amend(|list| list.see_peers(&seen));
        }
        Ok(())
    }

    fn log_opened(&self, list: &crate::domain::MasternodeList, seconds: f64) {
        let block = list.block();
        info!(
            network = %self.settings.network,
            height = block.height.0,
            masternodes = list.registered(),
            "following {} from height {}: {} masternodes, {} of them valid, read in {seconds:.1} s",
            self.settings.network,
            block.height,
            list.registered(),
            list.valid()
        );
    }
}
