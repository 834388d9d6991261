//! The blocks from before the start, filled into the history between two polls.
//!
//! The tip goes first: a block is filled in only while nothing new is known, on the source that is followed, and after
//! each there is a pause as long as its calls took. What is missing is found out from the history, so a process that was
//! killed goes on where it ended.
//!
//! Never here: counting: what is filled in happened before counting began.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::follower::Follower;
use crate::follower::block_replay::{BlockReplay, gaps};
use crate::follower::offline_backfill::BREATH;
use crate::follower::source::{Identity, Source, SourceError};
use crate::history::StoreError;
use crate::rpc::ErrorKind;
use domain::chain::Subnet;
use domain::list::MasternodeList;
use domain::masternode::{Height, UnixSeconds};

/// Pause after a failure, and until the tip is reached.
const RETRY: Duration = Duration::from_secs(10);

/// From one line about the progress to the next.
const REPORT: Duration = Duration::from_secs(60);

/// What is to be filled in.
pub(super) struct OnlineBackfill {
    state: State,
    due: Instant,
    complaint: Option<String>,
}

enum State {
    /// To be found out.
    Unknown,
    /// These blocks.
    Walking(BackfillProgress),
    /// Nothing, or nothing more.
    Over,
}

struct BackfillProgress {
    gaps: VecDeque<(Height, Height)>,
    /// The list before the first block of the first gap.
    list: Option<MasternodeList>,
    total: u32,
    missing: u32,
    events: usize,
    begun: Instant,
    said: Instant,
}

/// Why a step failed.
enum StepError {
    Node(SourceError),
    History(StoreError),
}

impl From<SourceError> for StepError {
    fn from(trouble: SourceError) -> StepError {
        StepError::Node(trouble)
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> StepError {
        StepError::History(error)
    }
}

impl OnlineBackfill {
    /// Nothing is known yet.
    pub(super) fn new() -> OnlineBackfill {
        OnlineBackfill { state: State::Unknown, due: Instant::now(), complaint: None }
    }

    /// When the next step is due; `None` when nothing is left to do.
    pub(super) fn due(&self) -> Option<Instant> {
        (!matches!(self.state, State::Over)).then_some(self.due)
    }

    /// What is missing is to be found out anew: the history is another one than it was.
    pub(super) fn again(&mut self) {
        (self.state, self.due) = (State::Unknown, Instant::now());
    }

    fn over(&mut self) {
        self.state = State::Over;
    }
}

impl Follower {
    /// Fills in one block, or finds out which are missing. Returns whether there is more to do.
    pub async fn fill(&mut self) -> bool {
        let started = Instant::now();
        if self.settings.backfill_blocks == 0 || !self.recorder.records() {
            self.filling.over();
        } else if let Some(index) = self.sources.active.filter(|index| self.can_fill(*index)) {
            match self.fill_step(index).await {
                Ok(()) => {
                    self.filling.due = Instant::now() + started.elapsed().max(BREATH);
                    self.filling.complaint = None;
                }
                Err(failure) => self.not_filled(failure),
            }
        } else {
            self.filling.due = Instant::now() + RETRY.min(self.settings.poll_interval.max(BREATH));
        }
        self.filling.due().is_some()
    }

    /// Whether the tip is reached, is recorded, and its source answers.
    fn can_fill(&self, index: usize) -> bool {
        let is_recorded =
            self.recorder.is_written() && self.recorder.cursor() == self.book.as_ref().map(|book| *book.tip());
        self.sources[index].trouble().is_none() && self.book.is_some() && is_recorded
    }

    fn not_filled(&mut self, failure: StepError) {
        self.filling.due = Instant::now() + RETRY;
        let message = match failure {
            StepError::Node(trouble) => trouble.to_string(),
            StepError::History(error) => error.to_string(),
        };
        // Perhaps a reorg, or a source that was another: what is missing is looked at again.
        self.filling.state = State::Unknown;
        if self.filling.complaint.as_ref() != Some(&message) {
            let network = &self.settings.network;
            warn!(%network, "old blocks of {network} are not filled in at the moment: {message}");
            self.filling.complaint = Some(message);
        }
    }

    async fn fill_step(&mut self, index: usize) -> Result<(), StepError> {
        match &self.filling.state {
            State::Over => Ok(()),
            State::Unknown => self.look_for_gaps(index).await,
            State::Walking(walk) if walk.list.is_none() => self.stand_before_gap(index).await,
            State::Walking(_) => self.fill_next(index).await,
        }
    }

    /// Finds out which blocks are missing of those that are asked for and that are kept.
    async fn look_for_gaps(&mut self, index: usize) -> Result<(), StepError> {
        if let Some(why) = BlockReplay::refusal(&self.sources[index], &self.settings.rules) {
            let network = &self.settings.network;
            info!(%network, "blocks of {network} from before the start are not filled into the history: {why}");
            self.recorder.missing(0);
            self.filling.over();
            return Ok(());
        }
        let (Some(cursor), Some(known)) = (self.recorder.cursor(), self.recorder.spans().await?) else {
            return Err(StoreError::NotOpen.into());
        };
        let first = Height((cursor.height.0 + 1).saturating_sub(self.settings.backfill_blocks).max(2));
        let mut missing = gaps(&known, (first, cursor.height));
        if let Some((lowest, _)) = missing.first().copied() {
            let now = (self.settings.clock)();
            let oldest = UnixSeconds(now.0.saturating_sub(self.settings.retention.as_secs()));
            let kept = self.past(&self.sources[index]).first_since(oldest, (lowest, cursor.height)).await?;
            missing = gaps(&known, (kept, cursor.height));
        }
        let total = missing.iter().map(|(first, last)| last.above(*first) + 1).sum();
        self.recorder.missing(total);
        if total == 0 {
            self.filling.over();
            return Ok(());
        }
        let network = &self.settings.network;
        info!(%network, blocks = total, "{total} blocks of {network} from before are filled into the history meanwhile");
        let now = Instant::now();
        let gaps = missing.into();
        self.filling.state = State::Walking(BackfillProgress {
            gaps,
            list: None,
            total,
            missing: total,
            events: 0,
            begun: now,
            said: now,
        });
        Ok(())
    }

    /// Reads the list before the first gap. Where the node cannot say it, the walk begins half-way to the gap's end.
    async fn stand_before_gap(&mut self, index: usize) -> Result<(), StepError> {
        let State::Walking(walk) = &self.filling.state else { return Ok(()) };
        let Some((first, last)) = walk.gaps.front().copied() else {
            self.filled();
            return Ok(());
        };
        let read = self.past(&self.sources[index]).list_before(first).await;
        let State::Walking(walk) = &mut self.filling.state else { return Ok(()) };
        match read {
            Ok(list) => walk.list = Some(list),
            Err(SourceError::Rpc(error)) if matches!(error.kind(), ErrorKind::Call { .. }) => {
                let later = first.after(last.above(first) / 2 + 1);
                let network = &self.settings.network;
                warn!(%network, "the node cannot say the list of {network} before block {first}: {error}");
                walk.gaps.pop_front();
                if later <= last {
                    walk.gaps.push_front((later, last));
                }
                walk.missing -= later.above(first);
                self.recorder.missing(walk.missing);
            }
            Err(trouble) => return Err(trouble.into()),
        }
        Ok(())
    }

    async fn fill_next(&mut self, index: usize) -> Result<(), StepError> {
        let State::Walking(BackfillProgress { list: Some(list), .. }) = &self.filling.state else { return Ok(()) };
        let (next, happened, _) = self.past(&self.sources[index]).next(list).await?;
        let State::Walking(walk) = &mut self.filling.state else { return Ok(()) };
        let (block, events) = (happened.block, happened.events.len());
        self.recorder.fill_in(happened, walk.missing - 1).await?;
        walk.missing -= 1;
        walk.events += events;
        let at_end = walk.gaps.front().is_some_and(|(_, last)| *last <= block.height);
        walk.list = Some(next).filter(|_| !at_end);
        if at_end {
            walk.gaps.pop_front();
        }
        if walk.gaps.is_empty() {
            self.filled();
        } else if walk.said.elapsed() >= REPORT {
            walk.said = Instant::now();
            let done = walk.total - walk.missing;
            let left = walk.begun.elapsed().as_secs_f64() / f64::from(done.max(1)) * f64::from(walk.missing);
            let (network, total) = (&self.settings.network, walk.total);
            info!(%network, "filling in old blocks of {network}: {done} of {total}, about {left:.0} s left");
        }
        Ok(())
    }

    fn filled(&mut self) {
        let State::Walking(walk) = &self.filling.state else { return };
        let (network, blocks, events) = (&self.settings.network, walk.total, walk.events);
        info!(%network, blocks, events, "old blocks of {network} are filled in: {events} events");
        self.filling.over();
    }

    fn past<'a>(&'a self, source: &'a Source) -> BlockReplay<'a> {
        let subnet = self.sources.identity.as_ref().map_or(Subnet::Regtest, Identity::subnet);
        BlockReplay { source, rules: &self.settings.rules, subnet, rule: self.penalty_rule(), counts_sessions: false }
    }
}

/// Waits for a moment; for ever without one.
pub(super) async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
