//! The one writer of the process: a thread that owns the [`Store`], and the handle by which followers reach it.
//!
//! Steps are taken in the order in which they come. A step that cannot be written waits with those behind it and is tried
//! again after 1, 2, 4 … 16 s; nobody who follows a chain waits longer than they want to. Too many that wait are given up all at
//! once: the file then goes up to an earlier block, from which the follower goes on as after a restart. So a step is
//! written once or not at all, and never without those before it.
//!
//! A file that cannot be opened is tried again, less and less often; nothing is taken until it is. One that is damaged, deleted or
//! replaced while the process runs is opened again, and every network continues where that file ends.
//!
//! Never here: which chain is right; what is done while steps wait (`follower`).

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::history::backfill::Span;
use crate::history::write_queue::WriteQueue;
use crate::history::{AlertChange, BlockEvents, Identity, NetworkId, OpenError, Page, Query, Store, StoreError};
use crate::meters::HistoryMeters;
use domain::counters::EventCounters;
use domain::list::Block;
use domain::masternode::{BlockHash, Height, UnixSeconds};

/// Jobs that the thread has not begun yet; more mean that the disk stands still.
const JOBS: usize = 1024;

/// Longest wait for the thread. It waits for a second itself when another process holds the file.
const PATIENCE: Duration = Duration::from_secs(4);

/// How the history is kept.
#[derive(Clone, Debug)]
pub struct HistorySettings {
    /// The file, to measure its size.
    pub path: PathBuf,
    /// Events of older blocks are deleted.
    pub retention: Duration,
    /// The present, in seconds since 1970.
    pub clock: fn() -> UnixSeconds,
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryOp {
    /// A block above all before it, as [`Store::record`].
    Block(BlockEvents),
    /// The blocks from a height on were replaced, as [`Store::withdraw`].
    Withdraw(Height),
    /// What came to light of the highest block, as [`Store::amend`].
    Amend(BlockEvents),
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is in the file; a withdrawal took back so many events.
    Written {
        /// Events taken back.
        withdrawn: usize,
    },
    /// It cannot be written at the moment, and waits.
    Waiting,
    /// It and those that waited were given up: [`Writer::open`] says from where to go on.
    Lost,
}

/// A network of the file that was open when [`Writer::open`] returned it. Numbers of networks belong to their file: after the
/// file was opened again, the handle is refused until the network is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkHandle {
    pub(super) id: NetworkId,
    /// How often the file was opened again before.
    pub(super) generation: u64,
}

/// What the file holds of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedNetwork {
    /// The network.
    pub network: NetworkHandle,
    /// Its last blocks, the highest first.
    pub blocks: Vec<Block>,
    /// The activation height of v24, where one is recorded.
    pub activation: Option<Height>,
    /// Blocks near them that were replaced and whose events are counted.
    pub replaced: Vec<BlockHash>,
}

/// What the thread is asked to do.
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
    Alerts {
        reply: oneshot::Sender<Result<Vec<(String, String)>, StoreError>>,
    },
    KeepAlerts {
        changes: Vec<AlertChange>,
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
}

/// A handle of the thread. It ends when all handles are gone, after it wrote what it can.
#[derive(Clone)]
pub struct Writer {
    jobs: SyncSender<Command>,
    meters: HistoryMeters,
}

/// The end of the thread: the file is closed then.
pub struct WriterHandle(oneshot::Receiver<usize>);

impl WriterHandle {
    /// Waits for it. Returns how many steps could not be written, `None` when it takes longer than that.
    pub async fn within(self, longest: Duration) -> Option<usize> {
        timeout(longest, self.0).await.ok()?.ok()
    }
}

impl Writer {
    /// Opens the file and starts the thread. A file that cannot be opened is said in metric and log and tried again;
    /// only one that another process writes is refused.
    pub fn start(settings: HistorySettings, meters: HistoryMeters) -> Result<(Writer, WriterHandle), OpenError> {
        let path = settings.path.clone();
        let opened = match Store::open(&path, (settings.clock)()) {
            Err(error @ OpenError::InUse { .. }) => return Err(error),
            opened => opened,
        };
        let desk = WriteQueue::new(opened, settings, meters.clone());
        Writer::of(desk, meters).map_err(|error| OpenError::Failed { path, error: error.into() })
    }

    /// Starts the thread on what it has before it.
    pub(super) fn of(mut desk: WriteQueue, meters: HistoryMeters) -> std::io::Result<(Writer, WriterHandle)> {
        let (jobs, queue) = sync_channel(JOBS);
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name("history".into()).spawn(move || {
            work(&mut desk, &queue);
            let waiting = desk.flush();
            drop(desk);
            // Whoever started it may not care.
            let _ = end.send(waiting);
        })?;
        Ok((Writer { jobs, meters }, WriterHandle(ended)))
    }

    /// Says in a metric that so many blocks of a network wait outside until it is opened.
    pub fn waiting_outside(&self, name: &str, blocks: usize) {
        self.meters.pending(name, blocks);
    }

    /// The network of that name; what waited of it to be written is given up. Fails when the name stood for another chain.
    pub async fn open(&self, name: &str, identity: Identity) -> Result<OpenedNetwork, StoreError> {
        self.ask(|reply| Command::Open { name: name.into(), identity, reply }).await?
    }

    /// The counts up to the highest block in the file. [`StoreError::NotOpen`] after the file was opened again.
    pub async fn tallies(&self, network: NetworkHandle) -> Result<EventCounters, StoreError> {
        self.ask(|reply| Command::Tallies { network, reply }).await?
    }

    /// What is written of events.
    pub async fn events(&self, query: Query) -> Result<Page, StoreError> {
        self.ask(|reply| Command::Events { query: Box::new(query), reply }).await?
    }

    /// The spans of heights that the file knows block by block, ascending, both ends included. [`StoreError::NotOpen`] after the file was
    /// opened again.
    pub async fn spans(&self, network: NetworkHandle) -> Result<Vec<Span>, StoreError> {
        self.ask(|reply| Command::Spans { network, reply }).await?
    }

    /// Fills in a block below the highest one, as [`Store::backfill`]. Nothing waits: what fails is to be tried again.
    /// [`StoreError::NotOpen`] after the file was opened again.
    pub async fn backfill(&self, network: NetworkHandle, happened: BlockEvents) -> Result<(), StoreError> {
        self.ask(|reply| Command::Backfill { network, happened, reply }).await?
    }

    /// Counts a block that was filled in, and says how many are still missing.
    pub fn filled_in(&self, name: &str, events: usize, missing: u32) {
        self.meters.filled_in(name, events, missing);
    }

    /// Says how many blocks are to be filled in.
    pub fn missing(&self, name: &str, blocks: u32) {
        self.meters.missing(name, blocks);
    }

    /// Writes a step of a network that was opened. Without an answer in time the step waits. It is
    /// [`WriteOutcome::Lost`] after the file was opened again.
    pub async fn keep(&self, network: NetworkHandle, step: HistoryOp) -> WriteOutcome {
        let (reply, kept) = oneshot::channel();
        match self.jobs.try_send(Command::Keep { network, step, reply }) {
            Ok(()) => match timeout(PATIENCE, kept).await {
                Ok(kept) => kept.unwrap_or(WriteOutcome::Lost),
                Err(_) => WriteOutcome::Waiting,
            },
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => WriteOutcome::Lost,
        }
    }

    /// The states of alerts, by key.
    pub async fn alerts(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.ask(|reply| Command::Alerts { reply }).await?
    }

    /// Keeps or forgets states of alerts, all of them or none.
    pub async fn keep_alerts(&self, changes: Vec<AlertChange>) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepAlerts { changes, reply }).await?
    }

    /// Keeps or forgets the activation height of a deployment. [`StoreError::NotOpen`] after the file was opened again.
    pub async fn keep_activation(
        &self,
        network: NetworkHandle,
        deployment: &'static str,
        height: Option<Height>,
    ) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepActivation { network, deployment, height, reply }).await?
    }

    /// Tries at once to open the file and to write what waits. Returns how many steps still do.
    pub async fn flush(&self) -> Result<usize, StoreError> {
        self.ask(|reply| Command::Flush { reply }).await
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, StoreError> {
        let gone = || StoreError::Other("its thread has ended".into());
        let late = || StoreError::Other(format!("no answer for {} s", PATIENCE.as_secs()));
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(job(reply)).map_err(|error| match error {
            TrySendError::Full(_) => late(),
            TrySendError::Disconnected(_) => gone(),
        })?;
        timeout(PATIENCE, answer).await.map_err(|_| late())?.map_err(|_| gone())
    }
}

fn work(desk: &mut WriteQueue, queue: &Receiver<Command>) {
    loop {
        match queue.recv_timeout(desk.next_wakeup()) {
            Ok(job) => desk.handle(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        desk.run_due_tasks();
    }
}
