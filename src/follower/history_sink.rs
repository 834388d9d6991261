//! What the history holds of the network that is followed, and the way of each block into it.
//!
//! A block is recorded before it is published, so that no counter goes back when the process is killed. A history that
//! cannot be written keeps nothing back: what happened waits with its writer, and here while it cannot be opened.
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

/// Steps and their events that wait here at most: weeks of Dash, and some megabytes.
const MAX_BUFFERED: usize = 50_000;

/// See the module.
pub(super) struct HistorySink {
    name: String,
    writer: Option<Writer>,
    state: State,
    /// What will be its last blocks when nothing waits any more, the lowest first.
    blocks: VecDeque<Block>,
    /// Nothing waits to be written.
    is_written: bool,
    buffer: ClosedBuffer,
    activation: RecordedActivation,
    /// The common block of a reorg that took back all blocks, until another block is recorded.
    common: Option<Height>,
    /// The file said once which network this is.
    is_bound: bool,
    /// What was said last of why it cannot be used.
    complaint: Option<String>,
}

/// What happened while the history was closed.
#[derive(Default)]
struct ClosedBuffer {
    /// In order; begins with a block.
    steps: Vec<HistoryOp>,
    /// Steps and their events.
    weight: usize,
    /// The events up to this height are in no step.
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
    /// What it holds is not known: to be asked before the chain is followed.
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
            is_bound: false,
            complaint: None,
        }
    }

    /// Whether the history is to be asked from where to go on.
    pub(super) fn is_closed(&self) -> bool {
        self.writer.is_some() && self.state == State::Closed
    }

    /// Forgets what is known: perhaps the network is another one now.
    pub(super) fn close(&mut self) {
        self.close_for_now();
        self.discard_buffered();
    }

    /// What the file holds is to be asked again. What follows is buffered until then.
    fn close_for_now(&mut self) {
        self.state = State::Closed;
        self.blocks.clear();
    }

    /// Forgets what was held while it was closed.
    pub(super) fn discard_buffered(&mut self) {
        self.buffer = ClosedBuffer::default();
    }

    /// The height up to which nothing waits until the history is open; `None` where nothing waits at all.
    pub(super) fn before_buffered(&self) -> Option<Height> {
        self.buffer.before.filter(|_| !self.buffer.steps.is_empty())
    }

    /// Records what happened while it was closed, after it was opened.
    pub(super) async fn flush_buffered(&mut self) {
        // What lies before the first step is counted.
        let mut before = Height(0);
        for step in std::mem::take(&mut self.buffer).steps {
            match step {
                // The history has it, such as the start; it would refuse it for ever.
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
            warn!(network = %self.name, "{} steps of {} are not recorded: too many wait", steps.len(), self.name);
            steps.clear();
            *weight = 0;
        }
        if matches!(step, HistoryOp::Block(_)) || !steps.is_empty() {
            steps.push(step);
        }
        let blocks = steps.iter().filter(|step| matches!(step, HistoryOp::Block(_))).count();
        writer.waiting_outside(&self.name, blocks);
    }

    /// Whether the history says which network this is. Then no source makes it another one.
    pub(super) fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// Asks what is recorded of the network. Returns the blocks that the file has as replaced; each block is recorded from now on.
    /// `None` while it cannot be opened. Fails where the history is of another network.
    pub(super) async fn open(&mut self, identity: &Identity) -> Result<Option<Vec<BlockHash>>, SourceError> {
        let Some(writer) = &self.writer else { return Ok(None) };
        let identity = history::Identity { chain: identity.chain.clone(), genesis: identity.genesis };
        match writer.open(&self.name, identity).await {
            Ok(opened) => {
                self.blocks = opened.blocks.into_iter().rev().collect();
                self.state = State::Open(opened.network);
                self.activation = RecordedActivation { height: opened.activation, is_news: true };
                (self.is_written, self.complaint) = (true, None);
                self.is_bound = true;
                Ok(Some(opened.replaced))
            }
            Err(error @ StoreError::OtherChain { .. }) => {
                self.is_bound = true;
                Err(SourceError::WrongNetwork(error.to_string()))
            }
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
            error!(network = %self.name, "nothing is recorded of {}: {message}", self.name);
        } else if !matches!(error, StoreError::NotOpen) {
            warn!(network = %self.name, "nothing is recorded of {} at the moment: {message}", self.name);
        }
        self.complaint = Some(message);
    }

    /// The counters that the history has; `None` where it is not open or cannot be read, and then it is closed.
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

    /// The last events that the history has up to its highest block, oldest first; none where it cannot say. They are of `blocks`
    /// blocks at most: what was filled in of old ones is not news.
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
                warn!(network = %self.name, "the last events of {} cannot be read from the history: {error}", self.name);
                return Vec::new();
            }
        };
        let mut events: Vec<Event> = page.events.into_iter().rev().map(|kept| kept.event).collect();
        // What was filled in later stands behind what was seen; of one block, in the order in which it was recorded.
        events.sort_by_key(|event| event.block.height);
        events
    }

    /// The activation height of v24 that the history had when it was opened, once.
    pub(super) fn take_activation(&mut self) -> Option<Height> {
        std::mem::take(&mut self.activation.is_news).then_some(self.activation.height)?
    }

    /// Records an activation height that is news. What cannot be written now is tried again the next time.
    pub(super) async fn keep_activation(&mut self, height: Option<Height>) {
        let (Some(writer), State::Open(network)) = (&self.writer, self.state) else { return };
        if self.activation.height == height {
            return;
        }
        match writer.keep_activation(network, V24, height).await {
            Ok(()) => self.activation.height = height,
            Err(error) => {
                debug!(network = %self.name, "the activation height of {} is not recorded yet: {error}", self.name);
            }
        }
    }

    /// The highest block recorded.
    pub(super) fn cursor(&self) -> Option<Block> {
        self.blocks.back().copied()
    }

    /// The blocks recorded, the highest first, as far as they are remembered.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().rev()
    }

    /// The common block of a reorg that took back all blocks, where it is known.
    pub(super) fn common(&self) -> Option<Height> {
        self.common
    }

    /// Notes it.
    pub(super) fn set_common(&mut self, common: Option<Height>) {
        self.common = common;
    }

    /// Blocks below a height of which the history has events, the highest first, as far as one page of events goes.
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

    /// Whether the file holds everything that was recorded.
    pub(super) fn is_written(&self) -> bool {
        self.is_written
    }

    /// Whether a block other than the highest is recorded.
    pub(super) fn is_below_cursor(&self, hash: &BlockHash) -> bool {
        self.blocks().skip(1).any(|block| block.hash == *hash)
    }

    /// Records a block with what happened in it. `before` is the height up to which it says nothing: that of the block before, or
    /// its own where the chain is followed from it on.
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

    /// The spans of heights that are recorded block by block; `None` where that cannot be asked at the moment.
    pub(super) async fn spans(&self) -> Result<Option<Vec<(Height, Height)>>, StoreError> {
        let (Some(writer), State::Open(network), true) = (&self.writer, self.state, self.is_written) else {
            return Ok(None);
        };
        writer.spans(network).await.map(Some)
    }

    /// Records a block below the highest one that was not walked when it came, and says how many are still missing.
    pub(super) async fn fill_in(&mut self, happened: BlockEvents, missing: u32) -> Result<(), StoreError> {
        let (Some(writer), State::Open(network)) = (&self.writer, self.state) else { return Err(StoreError::NotOpen) };
        let (block, events) = (happened.block, happened.events.len());
        writer.backfill(network, happened).await?;
        writer.filled_in(&self.name, events, missing);
        // It is one of those among which the common block is looked for after a reorg.
        let place = self.blocks.partition_point(|other| other.height < block.height);
        let is_near = self.cursor().is_some_and(|cursor| cursor.height.above(block.height) <= BLOCKS_KEPT);
        if is_near && self.blocks.get(place) != Some(&block) {
            self.blocks.insert(place, block);
        }
        Ok(())
    }

    /// Says in a metric how many blocks are to be filled in.
    pub(super) fn missing(&self, blocks: u32) {
        if let Some(writer) = &self.writer {
            writer.missing(&self.name, blocks);
        }
    }

    /// Whether anything is ever recorded.
    pub(super) fn records(&self) -> bool {
        self.writer.is_some()
    }

    /// Records what came to light of the highest block.
    pub(super) async fn amend(&mut self, happened: BlockEvents) {
        if !happened.events.is_empty() || !happened.sessions.is_empty() {
            self.keep(HistoryOp::Amend(happened)).await;
        }
    }

    /// Takes back the blocks from a height on. Returns how many of their events are withdrawn, as far as that is known.
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

    /// `None` where nothing is recorded.
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
