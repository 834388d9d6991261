//! The writer of the process: a thread that owns the [`Store`], and the handle through which followers reach it.
//!
//! Steps are written in the order in which they arrive. A step that cannot be written is queued with those after it and
//! retried after 1, 2, 4 … 16 s; a caller never waits longer than its own limit. If the queue limit is reached, all
//! queued steps are dropped: the file then ends at an earlier block, from which the follower resumes as after a
//! restart. So a step is written once or not at all, and never without those before it.
//!
//! A file that cannot be opened is retried with increasing pauses; until then no step is accepted. A file that is
//! damaged, deleted or replaced while the process runs is reopened, and every network resumes where that file ends.
//!
//! Never here: which chain is right; handling of queued steps (`follower`).

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::history::backfill::Span;
use crate::history::damage_report::{DamageReport, DamageReporter};
use crate::history::write_queue::WriteQueue;
use crate::history::{BlockEvents, Identity, NetworkId, OpenError, Page, Query, StoreError, TextChange, TextTable};
use crate::meters::HistoryMeters;
use domain::counters::EventCounters;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};

/// Jobs that the thread has not begun; more mean that the disk blocks.
const JOBS: usize = 1024;

/// Longest wait for the thread. The thread itself waits for a second while another process locks the file.
const PATIENCE: Duration = Duration::from_secs(4);

/// How the history is kept.
#[derive(Clone, Debug)]
pub struct HistorySettings {
    /// The file, to measure its size.
    pub path: PathBuf,
    /// Events of older blocks are deleted.
    pub retention: Duration,
    /// Unix time in seconds.
    pub clock: fn() -> UnixSeconds,
}

/// One step to write.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryOp {
    /// A block above all previous ones, as [`Store::record`].
    Block(BlockEvents),
    /// The blocks from a height on were replaced, as [`Store::withdraw`].
    Withdraw(Height),
    /// Later findings about the highest block, as [`Store::amend`].
    Amend(BlockEvents),
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is in the file; with the number of events that a withdrawal withdrew.
    Written {
        /// Withdrawn events.
        withdrawn: usize,
    },
    /// It cannot be written yet, and is queued.
    Waiting,
    /// It and the queued steps were dropped: [`Writer::open`] returns the block to resume from.
    Lost,
}

/// A network of the file that was open when [`Writer::open`] returned it. Another file may use its number for another network:
/// after the file was reopened, the handle is refused until the network is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkHandle {
    pub(super) id: NetworkId,
    /// How often the file was reopened before.
    pub(super) generation: u64,
}

/// What the file contains of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedNetwork {
    /// The network.
    pub network: NetworkHandle,
    /// Its last blocks, the highest first.
    pub blocks: Vec<Block>,
    /// The activation height of v24, if one is recorded.
    pub activation: Option<Height>,
    /// Blocks near them that were replaced and whose events are counted.
    pub replaced: Vec<BlockHash>,
}

/// The jobs of the thread.
pub(super) enum Command {
    Open {
        name: String,
        identity: Identity,
        reply: oneshot::Sender<Result<OpenedNetwork, StoreError>>,
    },
    Events {
        query: Box<Query>,
        reply: oneshot::Sender<Result<Page, StoreError>>,
    },
    Tallies {
        network: NetworkHandle,
        reply: oneshot::Sender<Result<EventCounters, StoreError>>,
    },
    Keep {
        network: NetworkHandle,
        step: HistoryOp,
        reply: oneshot::Sender<WriteOutcome>,
    },
    Spans {
        network: NetworkHandle,
        reply: oneshot::Sender<Result<Vec<Span>, StoreError>>,
    },
    Backfill {
        network: NetworkHandle,
        happened: BlockEvents,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
    Texts {
        table: TextTable,
        reply: oneshot::Sender<Result<Vec<(String, String)>, StoreError>>,
    },
    KeepTexts {
        table: TextTable,
        changes: Vec<TextChange>,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
    KeepActivation {
        network: NetworkHandle,
        deployment: &'static str,
        height: Option<Height>,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
    Flush {
        reply: oneshot::Sender<usize>,
    },
    Report(DamageReport),
}

/// A handle of the thread. The thread ends when all handles are dropped, after it wrote what it can.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Command>,
    meters: HistoryMeters,
}

/// The end of the thread, when the file is closed.
pub struct WriterHandle(oneshot::Receiver<usize>);

impl WriterHandle {
    /// Waits for it. Returns the number of steps that could not be written, `None` on a timeout.
    pub async fn within(self, longest: Duration) -> Option<usize> {
        timeout(longest, self.0).await.ok()?.ok()
    }
}

impl Writer {
    /// Opens the file and starts the thread. A file that cannot be opened is reported by metric and log and retried;
    /// only a file that another process writes is refused.
    pub fn start(settings: HistorySettings, meters: HistoryMeters) -> Result<(Writer, WriterHandle), OpenError> {
        let path = settings.path.clone();
        let write_queue = WriteQueue::of_file(settings, meters.clone())?;
        Writer::of(write_queue, meters).map_err(|error| OpenError::Failed { path, error: error.into() })
    }

    /// The same, but as a task of the runtime, which each write blocks: a simulation on one thread is repeatable.
    pub fn start_task(settings: HistorySettings, meters: HistoryMeters) -> Result<(Writer, WriterHandle), OpenError> {
        let (writer, work, ended) = Writer::prepare(WriteQueue::of_file(settings, meters.clone())?, meters);
        tokio::spawn(work);
        Ok((writer, ended))
    }

    /// Starts the thread.
    pub(super) fn of(write_queue: WriteQueue, meters: HistoryMeters) -> std::io::Result<(Writer, WriterHandle)> {
        let (writer, work, ended) = Writer::prepare(write_queue, meters);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("history".into()).spawn(move || runtime.block_on(work))?;
        Ok((writer, ended))
    }

    fn prepare(
        write_queue: WriteQueue,
        meters: HistoryMeters,
    ) -> (Writer, impl Future<Output = ()> + Send, WriterHandle) {
        let (jobs, queue) = mpsc::channel(JOBS);
        let (end, ended) = oneshot::channel();
        (Writer { jobs, meters }, work(write_queue, queue, end), WriterHandle(ended))
    }

    /// Sets the metric of the blocks of a network that are queued outside until it is opened.
    pub fn waiting_outside(&self, name: &str, blocks: usize) {
        self.meters.pending(name, blocks);
    }

    /// The network of that name; its queued steps are dropped. Fails if the name belonged to another chain.
    pub async fn open(&self, name: &str, identity: Identity) -> Result<OpenedNetwork, StoreError> {
        self.ask(|reply| Command::Open { name: name.into(), identity, reply }).await?
    }

    /// The counts up to the highest block in the file. [`StoreError::NotOpen`] after the file was opened again.
    pub async fn tallies(&self, network: NetworkHandle) -> Result<EventCounters, StoreError> {
        self.ask(|reply| Command::Tallies { network, reply }).await?
    }

    /// Reads events from the file.
    pub async fn events(&self, query: Query) -> Result<Page, StoreError> {
        self.ask(|reply| Command::Events { query: Box::new(query), reply }).await?
    }

    /// The spans of heights that the file has block by block, ascending, both ends included. [`StoreError::NotOpen`] after the
    /// file was reopened.
    pub async fn spans(&self, network: NetworkHandle) -> Result<Vec<Span>, StoreError> {
        self.ask(|reply| Command::Spans { network, reply }).await?
    }

    /// Backfills a block below the highest one, as [`Store::backfill`]. Nothing is queued: the caller retries after a
    /// failure. [`StoreError::NotOpen`] after the file was reopened.
    pub async fn backfill(&self, network: NetworkHandle, happened: BlockEvents) -> Result<(), StoreError> {
        self.ask(|reply| Command::Backfill { network, happened, reply }).await?
    }

    /// Counts a backfilled block, and sets the number of missing ones.
    pub fn filled_in(&self, name: &str, events: usize, missing: u32) {
        self.meters.filled_in(name, events, missing);
    }

    /// Sets the number of blocks to backfill.
    pub fn missing(&self, name: &str, blocks: u32) {
        self.meters.missing(name, blocks);
    }

    /// Writes a step of an opened network. Without an answer in time the step is queued. [`WriteOutcome::Lost`] after the file
    /// was reopened.
    pub async fn keep(&self, network: NetworkHandle, step: HistoryOp) -> WriteOutcome {
        let (reply, kept) = oneshot::channel();
        match self.jobs.try_send(Command::Keep { network, step, reply }) {
            Ok(()) => match timeout(PATIENCE, kept).await {
                Ok(kept) => kept.unwrap_or(WriteOutcome::Lost),
                Err(_) => WriteOutcome::Waiting,
            },
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => WriteOutcome::Lost,
        }
    }

    /// The texts of a table, by key.
    pub async fn texts(&self, table: TextTable) -> Result<Vec<(String, String)>, StoreError> {
        self.ask(|reply| Command::Texts { table, reply }).await?
    }

    /// Stores or deletes texts of a table, all of them or none.
    pub async fn keep_texts(&self, table: TextTable, changes: Vec<TextChange>) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepTexts { table, changes, reply }).await?
    }

    /// Stores or deletes the activation height of a deployment. [`StoreError::NotOpen`] after the file was reopened.
    pub async fn keep_activation(
        &self,
        network: NetworkHandle,
        deployment: &'static str,
        height: Option<Height>,
    ) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepActivation { network, deployment, height, reply }).await?
    }

    /// Tries immediately to open the file and to write the queue. Returns the number of steps still queued.
    pub async fn flush(&self) -> Result<usize, StoreError> {
        self.ask(|reply| Command::Flush { reply }).await
    }

    /// A handle for the readers of the file in this process.
    pub fn damage_reporter(&self) -> DamageReporter {
        DamageReporter(self.jobs.downgrade())
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, StoreError> {
        let gone = || StoreError::Other("the writer thread has ended".into());
        let late = || StoreError::Other(format!("the writer thread did not answer for {} s", PATIENCE.as_secs()));
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(job(reply)).map_err(|error| match error {
            TrySendError::Full(_) => late(),
            TrySendError::Closed(_) => gone(),
        })?;
        timeout(PATIENCE, answer).await.map_err(|_| late())?.map_err(|_| gone())
    }
}

/// Handles jobs until no handle is left, then writes what it can. Returns the number of steps still queued to `end`.
async fn work(mut write_queue: WriteQueue, mut queue: mpsc::Receiver<Command>, end: oneshot::Sender<usize>) {
    loop {
        match timeout(write_queue.next_wakeup(), queue.recv()).await {
            Ok(Some(job)) => write_queue.handle(job),
            Ok(None) => break,
            Err(_) => {}
        }
        write_queue.run_due_tasks();
    }
    let waiting = write_queue.flush();
    drop(write_queue);
    // The receiver may be gone.
    let _ = end.send(waiting);
}
