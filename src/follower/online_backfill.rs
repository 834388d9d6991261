//! Backfill while the exporter runs: records the blocks from before the start between two polls.
//!
//! The tip has priority: a block is backfilled only while there is no new block, from the followed source, and after
//! each block there is a pause as long as its calls took. The missing blocks are determined from the history, so a
//! killed process resumes where it stopped.
//!
//! Never here: counting; backfilled events happened before counting began.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::follower::FollowerSettings;
use crate::follower::block_replay::{self, BlockReplay, ReplayPoint, gaps};
use crate::follower::history_sink::HistorySink;
use crate::follower::offline_backfill::{BREATH, BackfillError};
use crate::follower::source::{Source, SourceError};
use crate::history::StoreError;
use crate::rpc::ErrorKind;
use domain::masternode::{Height, UnixSeconds};

/// Pause after a failure, and until the tip is reached.
const RETRY: Duration = Duration::from_secs(10);

/// Interval between progress logs.
const REPORT: Duration = Duration::from_secs(60);

/// The input of one step.
pub(super) struct BackfillContext<'a> {
    pub(super) settings: &'a FollowerSettings,
    /// The followed source, once the tip is reached and recorded.
    pub(super) source: Option<&'a mut Source>,
    pub(super) history: &'a mut HistorySink,
    pub(super) replay: BlockReplay<'a>,
}

/// The blocks to backfill.
pub(super) struct OnlineBackfill {
    state: State,
    due: Instant,
    complaint: Option<String>,
}

enum State {
    /// Not determined yet.
    Unknown,
    /// These blocks.
    Walking(BackfillProgress),
    /// Nothing, or nothing more.
    Over,
}

struct BackfillProgress {
    gaps: VecDeque<(Height, Height)>,
    /// The list before the first block of the first gap.
    from: Option<ReplayPoint>,
    total: u32,
    missing: u32,
    events: usize,
    begun: Instant,
    logged_at: Instant,
}

impl OnlineBackfill {
    /// Initial state.
    pub(super) fn new() -> OnlineBackfill {
        OnlineBackfill { state: State::Unknown, due: Instant::now(), complaint: None }
    }

    /// When the next step is due; `None` if nothing is left to do.
    pub(super) fn due(&self) -> Option<Instant> {
        (!matches!(self.state, State::Over)).then_some(self.due)
    }

    /// Determines the missing blocks again: the history is another one.
    pub(super) fn again(&mut self) {
        (self.state, self.due) = (State::Unknown, Instant::now());
    }

    /// Backfills one block, or determines the missing ones.
    pub(super) async fn step(&mut self, context: BackfillContext<'_>) {
        let started = Instant::now();
        let BackfillContext { settings, source, history, replay } = context;
        if settings.backfill_blocks == 0 || !history.records() {
            self.state = State::Over;
            return;
        }
        let Some(source) = source else {
            self.due = Instant::now() + RETRY.min(settings.poll_interval.max(BREATH));
            return;
        };
        let step = match &mut self.state {
            State::Over => return,
            State::Unknown => find_missing(settings, source, history).await.map(|state| self.state = state),
            State::Walking(progress) => match progress.step(settings, source, history, &replay).await {
                Ok(true) => Ok(()),
                Ok(false) => {
                    progress.log_end(&settings.network);
                    self.state = State::Over;
                    Ok(())
                }
                Err(failure) => Err(failure),
            },
        };
        match step {
            Ok(()) => {
                self.due = Instant::now() + started.elapsed().max(BREATH);
                self.complaint = None;
            }
            Err(failure) => self.failed(failure, &settings.network),
        }
    }

    fn failed(&mut self, failure: BackfillError, network: &str) {
        self.due = Instant::now() + RETRY;
        let message = failure.to_string();
        // A reorg or another source may be the cause: determines the missing blocks again.
        self.state = State::Unknown;
        if self.complaint.as_ref() != Some(&message) {
            warn!(%network, "Backfill of {network} paused, retrying: {message}");
            self.complaint = Some(message);
        }
    }
}

/// Determines the missing blocks within the configured span and retention.
async fn find_missing(
    settings: &FollowerSettings,
    source: &Source,
    history: &HistorySink,
) -> Result<State, BackfillError> {
    let network = &settings.network;
    if let Some(why) = BlockReplay::refusal(source, &settings.rules) {
        info!(%network, "Backfill of {network} is not possible: {why}");
        history.missing(0);
        return Ok(State::Over);
    }
    let (Some(cursor), Some(known)) = (history.cursor(), history.spans().await?) else {
        return Err(StoreError::NotOpen.into());
    };
    let first = Height((cursor.height.0 + 1).saturating_sub(settings.backfill_blocks).max(2));
    let mut missing = gaps(&known, (first, cursor.height));
    if let Some((lowest, _)) = missing.first().copied() {
        let now = (settings.clock)();
        let oldest = UnixSeconds(now.0.saturating_sub(settings.retention.as_secs()));
        let kept = block_replay::first_since(source, oldest, (lowest, cursor.height)).await?;
        missing = gaps(&known, (kept, cursor.height));
    }
    let total = missing.iter().map(|(first, last)| last.above(*first) + 1).sum();
    history.missing(total);
    if total == 0 {
        return Ok(State::Over);
    }
    info!(%network, blocks = total, "Backfill of {network} started: {total} blocks");
    let now = Instant::now();
    let gaps = missing.into();
    Ok(State::Walking(BackfillProgress {
        gaps,
        from: None,
        total,
        missing: total,
        events: 0,
        begun: now,
        logged_at: now,
    }))
}

impl BackfillProgress {
    /// Takes one step. Returns whether more is to do.
    async fn step(
        &mut self,
        settings: &FollowerSettings,
        source: &mut Source,
        history: &mut HistorySink,
        replay: &BlockReplay<'_>,
    ) -> Result<bool, BackfillError> {
        match self.from.take() {
            Some(from) => self.fill_next(&settings.network, source, history, (replay, from)).await?,
            None => self.enter_gap(&settings.network, source, history).await?,
        }
        Ok(!self.gaps.is_empty())
    }

    /// Reads the list before the first gap. If the node cannot return it, the backfill begins half-way to the gap's
    /// end.
    async fn enter_gap(&mut self, network: &str, source: &Source, history: &HistorySink) -> Result<(), BackfillError> {
        let Some((first, last)) = self.gaps.front().copied() else { return Ok(()) };
        match block_replay::point_before(source, first).await {
            Ok(from) => self.from = Some(from),
            Err(SourceError::Rpc(error)) if matches!(error.kind(), ErrorKind::Call { .. }) => {
                let later = first.after(last.above(first) / 2 + 1);
                warn!(%network, "Reading the list of {network} before block {first} failed, starting at a later block: {error}");
                self.gaps.pop_front();
                if later <= last {
                    self.gaps.push_front((later, last));
                }
                self.missing -= later.above(first);
                history.missing(self.missing);
            }
            Err(trouble) => return Err(trouble.into()),
        }
        Ok(())
    }

    async fn fill_next(
        &mut self,
        network: &str,
        source: &mut Source,
        history: &mut HistorySink,
        (replay, mut from): (&BlockReplay<'_>, ReplayPoint),
    ) -> Result<(), BackfillError> {
        let replayed = replay.replay_next(source, &from).await?;
        let (block, events) = (replayed.happened.block, replayed.happened.events.len());
        history.fill_in(replayed.happened, self.missing - 1).await?;
        self.missing -= 1;
        self.events += events;
        if self.gaps.front().is_some_and(|(_, last)| *last <= block.height) {
            self.gaps.pop_front();
        } else {
            from.advance(replayed.list);
            self.from = Some(from);
        }
        if !self.gaps.is_empty() && self.logged_at.elapsed() >= REPORT {
            self.logged_at = Instant::now();
            let (total, done) = (self.total, self.total - self.missing);
            let left = self.begun.elapsed().as_secs_f64() / f64::from(done.max(1)) * f64::from(self.missing);
            info!(%network, "Backfill of {network}: {done} of {total} blocks, about {left:.0} s left");
        }
        Ok(())
    }

    fn log_end(&self, network: &str) {
        let (blocks, events) = (self.total, self.events);
        info!(%network, blocks, events, "Backfill of {network} finished: {blocks} blocks, {events} events");
    }
}

/// Waits until a time; for ever without one.
pub(super) async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
