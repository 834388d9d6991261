//! A writer that is repeatedly killed at any time: nothing is lost, nothing is counted twice.
//!
//! The plan of events on the chain is fixed. A child process executes it; it is killed by SIGKILL about fifty times,
//! and each time the next one continues from the state of the file. At the end the file holds exactly the plan.
//!
//! Never here: a sleep. The time of the kill is random, in steps of the plan and iterations of a loop.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use domain::counters::{EventCounters, NodeCounters};
use domain::list::Block;
use domain::samples::penalty;
use domain::{BanCause, BlockHash, Event, EventKind, Field, Hash, Height, MasternodeId, NodeType, UnixSeconds};
use masternode_exporter::history::{BlockEvents, Identity, NetworkId, Order, Query, Reader, Store};

/// Tells a child the name of the file to write.
const FILE: &str = "MASTERNODE_EXPORTER_TEST_HISTORY";

const KILLS: usize = 50;

pub(crate) const SIGKILL: i32 = 9;

const STEPS: usize = 1500;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// The next step of the chain.
enum Step {
    Record(Vec<BlockEvents>),
    Withdraw(Height),
}

/// A small generator with the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn kind(&mut self) -> EventKind {
        match self.below(6) {
            0 | 1 => penalty(66, 66, 1, false),
            2 => EventKind::Ban { cause: BanCause::ALL[self.below(6) as usize], among: 9 },
            3 => EventKind::Change(Field::ALL[self.below(5) as usize], None),
            4 => EventKind::Registration,
            _ => EventKind::Payment { amount: None, payees: vec![] },
        }
    }

    /// A block at that height with at least one event, so that a withdrawn block is visible.
    fn block(&mut self, height: u32, number: u64) -> BlockEvents {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        let time = UnixSeconds(1_700_000_000 + u64::from(height) * 150);
        let block = Block { height: Height(height), hash: BlockHash(Hash(hash)), time };
        let events = (0..=self.below(20)).map(|_| {
            let masternode = self.below(30) as u8;
            let node_type = NodeType::ALL[usize::from(masternode % 2)];
            let masternode = MasternodeId::ProTx(Hash([masternode; 32]));
            Event { block, exact: true, masternode, node_type, kind: self.kind() }
        });
        BlockEvents { block, events: events.collect(), sessions: vec![] }
    }
}

fn plan() -> Vec<Step> {
    let mut random = Random(2026);
    let (mut height, mut blocks) = (0, 0);
    let mut steps = Vec::new();
    while steps.len() < STEPS {
        if height > 20 && random.below(10) == 0 {
            height -= 1 + random.below(8) as u32;
            steps.push(Step::Withdraw(Height(height + 1)));
            continue;
        }
        let next = (0..=random.below(3)).map(|_| {
            (height, blocks) = (height + 1, blocks + 1);
            random.block(height, blocks)
        });
        steps.push(Step::Record(next.collect()));
    }
    steps
}

/// The expected content of the file after some steps, by a second implementation of the rules.
#[derive(Default)]
struct Expected {
    branch: Vec<(Block, BTreeMap<MasternodeId, Option<Height>>)>,
    events: Vec<(Event, bool)>,
    tallies: EventCounters,
}

impl Expected {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Record(blocks) => blocks.iter().for_each(|next| self.record(next)),
            Step::Withdraw(from) => {
                while self.branch.last().is_some_and(|(block, _)| block.height >= *from) {
                    let (block, before) = self.branch.pop().unwrap();
                    before.iter().for_each(|(id, height)| self.tallies.set_last_penalty(id, *height));
                    let newest = self.events.iter_mut().rev().skip_while(|(_, withdrawn)| *withdrawn);
                    let abandoned = newest.take_while(|(event, _)| event.block == block);
                    abandoned.for_each(|(_, withdrawn)| *withdrawn = true);
                }
            }
        }
    }

    fn record(&mut self, next: &BlockEvents) {
        let ids = next.events.iter().map(|event| event.masternode);
        self.branch.push((next.block, ids.map(|id| (id, self.tallies.node(&id).last_penalty_height)).collect()));
        next.events.iter().for_each(|event| self.tallies.record(event));
        self.events.extend(next.events.iter().map(|event| (event.clone(), false)));
    }

    /// The position in the plan, derived from the file. Every block has events, so all positions differ.
    fn mark(&self) -> (Option<Block>, usize) {
        (self.branch.last().map(|(block, _)| *block), self.events.len())
    }
}

fn main_network(store: &mut Store) -> NetworkId {
    let genesis = BlockHash(Hash([1; 32]));
    store.network("dash", &Identity { chain: "main".into(), genesis }).unwrap()
}

/// All events of the file, withdrawn or not.
fn events(path: &Path) -> Vec<(Event, bool)> {
    let reader = Reader::open(path).unwrap();
    let mut query = Query { withdrawn: true, limit: 1000, ..Query::default() };
    let mut events = Vec::new();
    loop {
        let page = reader.events(&query).unwrap();
        events.extend(page.events.into_iter().map(|kept| (kept.event, kept.withdrawn)));
        query.after = page.next;
        if query.after.is_none() {
            return events;
        }
    }
}

/// The child: finds its position in the plan from the file, and continues; it writes a byte for each finished step.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent says through the environment which file to write")]
fn a_writer_continues_where_the_previous_one_was_killed() {
    let Ok(path) = std::env::var(FILE) else { return };
    let path = PathBuf::from(path);
    let mut store = Store::open(&path, NOW).unwrap();
    assert_eq!(store.report().set_aside, None);
    let network = main_network(&mut store);
    let newest = Query { withdrawn: true, order: Order::NewestFirst, limit: 1, ..Query::default() };
    let recorded = store.events(&newest).unwrap().events.first().map_or(0, |newest| newest.id.0 as usize);
    let mark = (store.cursor(network).unwrap(), recorded);
    let mut expected = Expected::default();
    let mut steps = plan().into_iter();
    while expected.mark() != mark {
        expected.take(&steps.next().expect("the file holds what is between two steps"));
    }
    let mut progress = std::io::stdout();
    for step in steps {
        match step {
            Step::Record(blocks) => store.record(network, &blocks).unwrap(),
            Step::Withdraw(from) => store.withdraw(network, from).map(drop).unwrap(),
        }
        progress.write_all(b".").and_then(|()| progress.flush()).unwrap();
    }
    progress.write_all(b"!").unwrap();
}

fn writer(path: &Path) -> (Child, ChildStdout) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = "history::a_writer_continues_where_the_previous_one_was_killed";
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(FILE, path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let progress = child.stdout.take().unwrap();
    (child, progress)
}

/// Waits until a child has finished the given number of steps. Returns the number of steps; fewer if it ended.
fn watch(progress: &mut ChildStdout, steps: usize) -> usize {
    let mut byte = [0];
    let mut taken = 0;
    while taken < steps && progress.read(&mut byte).unwrap() == 1 {
        taken += usize::from(byte == *b".");
    }
    taken
}

#[test]
fn a_history_killed_fifty_times_holds_every_event_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut random = Random(7);
    for _ in 0..KILLS {
        let (mut child, mut progress) = writer(&path);
        watch(&mut progress, random.below(40) as usize);
        (0..random.below(400_000)).for_each(|_| std::hint::spin_loop());
        child.kill().unwrap();
        let end = child.wait().unwrap();
        assert_eq!(end.signal(), Some(SIGKILL), "it ended by itself: it failed, or the plan is too short ({end})");
    }
    let (mut child, mut progress) = writer(&path);
    let mut rest = Vec::new();
    progress.read_to_end(&mut rest).unwrap();
    assert!(child.wait().unwrap().success() && rest.contains(&b'!'));

    let mut expected = Expected::default();
    plan().iter().for_each(|step| expected.take(step));
    let mut store = Store::open(&path, NOW).unwrap();
    let network = main_network(&mut store);
    assert_eq!(events(&path), expected.events);
    let branch: Vec<Block> = expected.branch.iter().rev().map(|(block, _)| *block).collect();
    let kept = store.blocks(network).unwrap();
    assert_eq!(kept, branch[..kept.len()]);
    assert!(kept.len() == branch.len() || kept.len() > 576);
    let tallies = store.tallies(network).unwrap();
    assert_eq!(tallies.network(), expected.tallies.network());
    let sorted = |tallies: &EventCounters| -> BTreeMap<MasternodeId, NodeCounters> {
        tallies.nodes().map(|(id, tally)| (*id, tally.clone())).collect()
    };
    assert_eq!(sorted(&tallies), sorted(&expected.tallies));
}
