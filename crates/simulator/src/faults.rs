//! Faults of a server, set while it runs.
//!
//! Never here: random faults. A fault is active from when it is set until it is cleared.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::network_kind::{AnyNetwork, Frozen};
use super::random::Hash256;
use super::rpc::Lies;

/// The faults of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// Starting: error −28 with this text, e.g. "Loading block index…".
    WarmUp(String),
    /// 401, whatever the credentials.
    Unauthorized,
    /// 403 with an empty body, as for a method that is not on the user's whitelist.
    Forbidden,
    /// 503 "Work queue depth exceeded", as from v20 on.
    Busy,
    /// 500 with the same text, as before v20.
    BusyOld,
    /// Answers late.
    Slow(Duration),
    /// Closes the connection after the given number of bytes of the body.
    Torn(usize),
    /// A body of the given number of filler bytes instead of the answer; `u64::MAX` never ends.
    Oversized(u64),
    /// 200 with a body that is not JSON.
    Garbage,
    /// 403 for a batch, as from a proxy that forwards single calls only.
    NoBatches,
    /// Another genesis hash and chain name.
    WrongNetwork,
    /// A Bitcoin node: its subversion and genesis hash, and no Dash methods.
    Bitcoin,
    /// In initial block download, `mnsync` not finished.
    NotSynced,
    /// This is added to every reported height of the tip and of headers.
    LyingHeight(i64),
    /// `protx listdiff` contains a masternode that is on no list.
    LyingDiff,
    /// The first N entries of `protx list` have the penalty −1; diffs are correct.
    BadScores(usize),
    /// The same for the list of one block only, at this height.
    BadScoresAt(usize, u32),
    /// One field of this masternode is wrong in each answer about the list, `protx diff` among them; the coinbases are right.
    LyingLeaf {
        /// Which one.
        masternode: String,
        /// What is wrong about it.
        field: LeafField,
    },
    /// The score of this masternode is higher by some points in each answer about the list.
    LyingScore {
        /// Which one.
        masternode: String,
        /// By how much.
        points: u32,
    },
    /// `quorum rotationinfo` finds no snapshot, as on a fresh data directory.
    MissingSnapshots,
    /// Isolated: the tip stays at the block that the active branch has at this height when the fault is set.
    FrozenAt(u32),
    /// Never answers.
    Hang,
}

/// A field that the root of the list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafField {
    /// Banned or not.
    Validity,
    /// The network address.
    Address,
    /// The operator's key.
    OperatorKey,
    /// The voting key.
    VotingKey,
    /// Regular or Evo.
    NodeType,
    /// The version of the entry.
    Version,
    /// The block that confirmed it, which only `protx diff` shows.
    Confirmation,
    /// The Platform id of an Evo node, which the list shows too.
    PlatformId,
}

impl LeafField {
    /// All of them.
    pub const ALL: [LeafField; 8] = [
        LeafField::Validity,
        LeafField::Address,
        LeafField::OperatorKey,
        LeafField::VotingKey,
        LeafField::NodeType,
        LeafField::Version,
        LeafField::Confirmation,
        LeafField::PlatformId,
    ];
}

/// A fault, its scope, and the block at which a frozen server stays.
#[derive(Clone, Debug)]
pub(super) struct ActiveFault {
    pub(super) fault: Fault,
    methods: Vec<String>,
    pub(super) frozen: Option<Frozen>,
}

impl ActiveFault {
    /// Whether it applies to a call of this full name, e.g. "protx list".
    fn applies(&self, name: &str) -> bool {
        let parent = name.split(' ').next().unwrap_or(name);
        self.methods.is_empty() || self.methods.iter().any(|method| method == name || method == parent)
    }
}

/// The faults of one server. Clones are handles of the same faults.
#[derive(Clone, Debug)]
pub struct Faults {
    network: AnyNetwork,
    active: Arc<Mutex<Vec<ActiveFault>>>,
}

impl Faults {
    pub(super) fn new(network: AnyNetwork) -> Self {
        Self { network, active: Arc::default() }
    }

    /// Replaces all faults by this one.
    pub fn set(&self, fault: Fault) {
        self.set_for(fault, &[]);
    }

    /// Replaces all faults by this one for the given methods only: "protx" means all its subcommands, "protx list" one
    /// of them.
    pub fn set_for(&self, fault: Fault, methods: &[&str]) {
        self.clear();
        self.add_for(fault, methods);
    }

    /// Adds a fault to the others.
    pub fn add(&self, fault: Fault) {
        self.add_for(fault, &[]);
    }

    /// Adds a fault for the given methods only.
    pub fn add_for(&self, fault: Fault, methods: &[&str]) {
        if fault == Fault::None {
            return;
        }
        let frozen = match fault {
            Fault::FrozenAt(height) => Some(self.network.freeze(height)),
            _ => None,
        };
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        self.lock().push(ActiveFault { fault, methods, frozen });
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The faults that apply to a request with calls of these names.
    pub(super) fn of(&self, names: &[String]) -> Vec<ActiveFault> {
        let active = self.lock();
        active.iter().filter(|fault| names.iter().any(|name| fault.applies(name))).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ActiveFault>> {
        self.active.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The incorrect values among the faults.
pub(super) fn lies(faults: &[ActiveFault]) -> Lies {
    let mut lies = Lies::default();
    for active in faults {
        match &active.fault {
            Fault::WrongNetwork => lies.other_network = true,
            Fault::Bitcoin => lies.bitcoin = true,
            Fault::NotSynced => lies.not_synced = true,
            Fault::FrozenAt(_) => lies.cut_off = true,
            Fault::LyingHeight(offset) => lies.height_offset += offset,
            Fault::LyingDiff => lies.unknown_in_diff = true,
            Fault::BadScores(count) => lies.bad_scores = Some((*count, None)),
            Fault::BadScoresAt(count, height) => lies.bad_scores = Some((*count, Some(*height))),
            Fault::MissingSnapshots => lies.no_snapshots = true,
            Fault::LyingScore { masternode, points } => {
                lies.score = Hash256::parse(masternode).map(|hash| (hash, *points));
            }
            Fault::LyingLeaf { masternode, field } => {
                lies.leaf = Hash256::parse(masternode).map(|hash| (hash, *field));
            }
            _ => {}
        }
    }
    lies
}
