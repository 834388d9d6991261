//! The part of the history that belongs to the followed network, and the recording of each block.
//!
//! A block is recorded before it is published, so that no counter goes back when the process is killed. A history that
//! cannot be written delays nothing: its writer queues the steps, or this module while the file cannot be opened.
//!
//! Never here: asking a node; SQL.

use std::collections::VecDeque;

use tracing::{debug, error, warn};

use crate::follower::source::{Identity, SourceError};
use crate::history::{
    self, BLOCKS_KEPT, BlockEvents, HistoryOp, MAX_PAGE, NetworkHandle, Order, Query, StoreError, WriteOutcome, Writer,
};
use domain::counters::EventCounters;
use domain::deployment::V24;
use domain::event::Event;
use domain::list::Block;
use domain::masternode::{BlockHash, Height};

/// Most queued steps and events: weeks of Dash, and some megabytes.
const MAX_BUFFERED: usize = 50_000;

/// See the module.
pub(super) struct HistorySink {
    name: String,
    writer: Option<Writer>,
    state: State,
    /// The last blocks that the file will contain once the queue is written, the lowest first.
    blocks: VecDeque<Block>,
    /// The queue is empty.
    is_written: bool,
    buffer: ClosedBuffer,
    activation: RecordedActivation,
    /// The common block of a reorg that withdrew all blocks, until another block is recorded.
    common: Option<Height>,
    /// The last error why it cannot be used.
    complaint: Option<String>,
}

/// The steps while the history was closed.
#[derive(Default)]
struct ClosedBuffer {
    /// In order; begins with a block.
    steps: Vec<HistoryOp>,
    /// Steps and their events.
    weight: usize,
    /// No step contains events up to this height.
    before: Option<Height>,
}

/// The activation height of v24 in the file.
#[derive(Default)]
struct RecordedActivation {
    height: Option<Height>,
    /// It was not taken over yet.
    is_news: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its content is unknown: it is read before the chain is followed.
    Closed,
    /// Each block is recorded.
    Open(NetworkHandle),
}

impl HistorySink {
    /// For a network of that name; without a writer nothing is recorded.
    pub(super) fn new(name: &str, writer: Option<Writer>) -> HistorySink {
        HistorySink {
            name: name.into(),
            writer,
            state: State::Closed,
            blocks: VecDeque::new(),
            is_written: true,
            buffer: ClosedBuffer::default(),
            activation: RecordedActivation::default(),
            common: None,
            complaint: None,
        }
    }

    /// The writer of the file; `None` without a history.
    pub(super) fn writer(&self) -> Option<&Writer> {
        self.writer.as_ref()
    }

    /// Whether the history must be asked for the block to resume from.
    pub(super) fn is_closed(&self) -> bool {
        self.writer.is_some() && self.state == State::Closed
    }

    /// Closes it until its content is read again. Later steps are buffered until then.
    fn close_for_now(&mut self) {
        self.state = State::Closed;
        self.blocks.clear();
    }

    /// Forgets the steps that were queued while it was closed.
    pub(super) fn discard_buffered(&mut self) {
        self.buffer = ClosedBuffer::default();
    }

    /// The height below the buffered steps: their events are of later blocks. `None` if nothing is buffered.
    pub(super) fn before_buffered(&self) -> Option<Height> {
        self.buffer.before.filter(|_| !self.buffer.steps.is_empty())
    }

    /// Records the steps queued while it was closed, after it was opened.
    pub(super) async fn flush_buffered(&mut self) {
        // The gap before the first step is counted already.
        let mut before = Height(0);
        for step in std::mem::take(&mut self.buffer).steps {
            match step {
                // The history has it already and would refuse it again and again.
                HistoryOp::Block(known) if self.cursor().is_some_and(|end| end.height >= known.block.height) => {}
                HistoryOp::Amend(other) if self.cursor().is_some_and(|end| end.hash != other.block.hash) => {}
                HistoryOp::Block(happened) => {
                    let height = happened.block.height;
                    self.record(happened, std::mem::replace(&mut before, height)).await;
                }
                HistoryOp::Amend(happened) => self.amend(happened).await,
                HistoryOp::Withdraw(from) => drop(self.withdraw(from).await),
            }
        }
    }

    fn buffer(&mut self, step: HistoryOp) {
        let Some(writer) = &self.writer else { return };
        let ClosedBuffer { steps, weight, .. } = &mut self.buffer;
        *weight += match &step {
            HistoryOp::Block(happened) | HistoryOp::Amend(happened) => happened.weight(),
            HistoryOp::Withdraw(_) => 1,
        };
        if *weight > MAX_BUFFERED {
            warn!(network = %self.name, "Dropped {} history steps of {}: queue limit reached", steps.len(), self.name);
            steps.clear();
            *weight = 0;
        }
        if matches!(step, HistoryOp::Block(_)) || !steps.is_empty() {
            steps.push(step);
        }
        let blocks = steps.iter().filter(|step| matches!(step, HistoryOp::Block(_))).count();
        writer.waiting_outside(&self.name, blocks);
    }

    /// Reads what is recorded of the network. Returns the blocks that the file marks as replaced; from then on each
    /// block is recorded. `None` while the file cannot be opened. Fails if the history is of another network.
    pub(super) async fn open(&mut self, identity: &Identity) -> Result<Option<Vec<BlockHash>>, SourceError> {
        let Some(writer) = &self.writer else { return Ok(None) };
        let identity = history::Identity { chain: identity.chain.clone(), genesis: identity.genesis };
        match writer.open(&self.name, identity).await {
            Ok(opened) => {
                self.blocks = opened.blocks.into_iter().rev().collect();
                self.state = State::Open(opened.network);
                self.activation = RecordedActivation { height: opened.activation, is_news: true };
                (self.is_written, self.complaint) = (true, None);
                Ok(Some(opened.replaced))
            }
            Err(error @ StoreError::OtherChain { .. }) => Err(SourceError::WrongNetwork(error.to_string())),
            Err(error) => {
                self.log_once(&error);
                Ok(None)
            }
        }
    }

    fn log_once(&mut self, error: &StoreError) {
        let message = error.to_string();
        if self.complaint.as_ref() == Some(&message) {
            return;
        }
        if matches!(error, StoreError::Damaged(_)) {
            error!(network = %self.name, "Recording of {} stopped: {message}", self.name);
        } else if !matches!(error, StoreError::NotOpen) {
            warn!(network = %self.name, "Recording of {} paused: {message}", self.name);
        }
        self.complaint = Some(message);
    }

    /// The counters of the history; `None` if it is not open or cannot be read, and then it is closed.
    pub(super) async fn counters(&mut self) -> Option<EventCounters> {
        let (Some(writer), State::Open(network)) = (&self.writer, self.state) else { return None };
        match writer.tallies(network).await {
            Ok(counters) => Some(counters),
            Err(error) => {
                self.close_for_now();
                self.log_once(&error);
                None
            }
        }
    }

    /// The last events of the history up to its highest block, oldest first; none if they cannot be read. They are of
    /// the last `blocks` blocks: backfilled old events are not news.
    pub(super) async fn recent(&self, blocks: u32) -> Vec<Event> {
        let (Some(writer), Some(cursor)) = (&self.writer, self.cursor()) else { return Vec::new() };
        let heights = Height(cursor.height.0.saturating_sub(blocks))..=cursor.height;
        let query = Query {
            network: Some(self.name.clone()),
            heights: Some(heights),
            order: Order::NewestFirst,
            limit: MAX_PAGE,
            ..Query::default()
        };
        let page = match writer.events(query).await {
            Ok(page) => page,
            Err(error) => {
                warn!(network = %self.name, "Reading the last events of {} from the history failed: {error}", self.name);
                return Vec::new();
            }
        };
        let mut events: Vec<Event> = page.events.into_iter().rev().map(|kept| kept.event).collect();
        // Backfilled events come after the live ones; the events of one block stay in the order of recording.
        events.sort_by_key(|event| event.block.height);
        events
    }

    /// The activation height of v24 in the history when it was opened, once.
    pub(super) fn take_activation(&mut self) -> Option<Height> {
        std::mem::take(&mut self.activation.is_news).then_some(self.activation.height)?
    }

    /// Records a new activation height. A failed write is retried the next time.
    pub(super) async fn keep_activation(&mut self, height: Option<Height>) {
        let (Some(writer), State::Open(network)) = (&self.writer, self.state) else { return };
        if self.activation.height == height {
            return;
        }
        match writer.keep_activation(network, V24, height).await {
            Ok(()) => self.activation.height = height,
            Err(error) => {
                debug!(network = %self.name, "Recording the activation height of {} failed, retrying at the next poll: {error}", self.name);
            }
        }
    }

    /// The highest block recorded.
    pub(super) fn cursor(&self) -> Option<Block> {
        self.blocks.back().copied()
    }

    /// The recorded blocks that are kept, the highest first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().rev()
    }

    /// The common block of a reorg that withdrew all blocks, if known.
    pub(super) fn common(&self) -> Option<Height> {
        self.common
    }

    /// Records it.
    pub(super) fn set_common(&mut self, common: Option<Height>) {
        self.common = common;
    }

    /// Blocks below a height of which the history has events, the highest first, limited to one page of events.
    pub(super) async fn blocks_with_events_below(&self, height: Height) -> Vec<Block> {
        let (Some(writer), Some(below)) = (&self.writer, height.0.checked_sub(1)) else { return Vec::new() };
        let query = Query {
            network: Some(self.name.clone()),
            heights: Some(Height(0)..=Height(below)),
            order: Order::NewestFirst,
            limit: MAX_PAGE,
            ..Query::default()
        };
        let page = writer.events(query).await.map(|page| page.events).unwrap_or_default();
        let mut blocks: Vec<Block> = page.into_iter().map(|kept| kept.event.block).collect();
        blocks.sort_by_key(|block| std::cmp::Reverse(block.height));
        blocks.dedup();
        blocks
    }

    /// Whether the file contains every recorded step.
    pub(super) fn is_written(&self) -> bool {
        self.is_written
    }

    /// Whether a block other than the highest is recorded.
    pub(super) fn is_below_cursor(&self, hash: &BlockHash) -> bool {
        self.blocks().skip(1).any(|block| block.hash == *hash)
    }

    /// Records a block with its events. `before` is the height up to which the events are in earlier steps or unknown: that of the
    /// parent, or its own for the first block followed.
    pub(super) async fn record(&mut self, happened: BlockEvents, before: Height) {
        let block = happened.block;
        if self.keep(HistoryOp::Block(happened)).await.is_some() {
            self.blocks.push_back(block);
            self.common = None;
            let remembered = |oldest: &Block| block.height.above(oldest.height) <= BLOCKS_KEPT;
            while self.blocks.front().is_some_and(|oldest| !remembered(oldest)) {
                self.blocks.pop_front();
            }
        } else if self.buffer.steps.len() == 1 {
            self.buffer.before = Some(before);
        }
    }

    /// The spans of heights that are recorded block by block; `None` if they cannot be read at the moment.
    pub(super) async fn spans(&self) -> Result<Option<Vec<(Height, Height)>>, StoreError> {
        let (Some(writer), State::Open(network), true) = (&self.writer, self.state, self.is_written) else {
            return Ok(None);
        };
        writer.spans(network).await.map(Some)
    }

    /// Records a block below the highest one that was skipped when it arrived, and sets the number of missing blocks.
    pub(super) async fn fill_in(&mut self, happened: BlockEvents, missing: u32) -> Result<(), StoreError> {
        let (Some(writer), State::Open(network)) = (&self.writer, self.state) else { return Err(StoreError::NotOpen) };
        let (block, events) = (happened.block, happened.events.len());
        writer.backfill(network, happened).await?;
        writer.filled_in(&self.name, events, missing);
        // It is a candidate for the common block of a later reorg.
        let place = self.blocks.partition_point(|other| other.height < block.height);
        let is_near = self.cursor().is_some_and(|cursor| cursor.height.above(block.height) <= BLOCKS_KEPT);
        if is_near && self.blocks.get(place) != Some(&block) {
            self.blocks.insert(place, block);
        }
        Ok(())
    }

    /// Sets the metric of the blocks to backfill.
    pub(super) fn missing(&self, blocks: u32) {
        if let Some(writer) = &self.writer {
            writer.missing(&self.name, blocks);
        }
    }

    /// Whether a history is configured.
    pub(super) fn records(&self) -> bool {
        self.writer.is_some()
    }

    /// Records later findings about the highest block.
    pub(super) async fn amend(&mut self, happened: BlockEvents) {
        if !happened.events.is_empty() || !happened.sessions.is_empty() {
            self.keep(HistoryOp::Amend(happened)).await;
        }
    }

    /// Withdraws the blocks from a height on. Returns the number of withdrawn events, if known.
    pub(super) async fn withdraw(&mut self, from: Height) -> usize {
        if self.is_closed() {
            self.buffer(HistoryOp::Withdraw(from));
        }
        if self.cursor().is_none_or(|cursor| cursor.height < from) {
            return 0;
        }
        let kept = self.keep(HistoryOp::Withdraw(from)).await;
        while self.blocks.back().is_some_and(|block| block.height >= from) {
            self.blocks.pop_back();
        }
        match kept {
            Some(WriteOutcome::Written { withdrawn }) => withdrawn,
            _ => 0,
        }
    }

    /// `None` if nothing is recorded.
    async fn keep(&mut self, step: HistoryOp) -> Option<WriteOutcome> {
        if self.is_closed() {
            self.buffer(step);
            return None;
        }
        let (Some(writer), State::Open(network)) = (&self.writer, self.state) else { return None };
        let kept = writer.keep(network, step.clone()).await;
        self.is_written = matches!(kept, WriteOutcome::Written { .. });
        if kept == WriteOutcome::Lost {
            self.close_for_now();
            self.buffer(step);
            return None;
        }
        Some(kept)
    }
}
