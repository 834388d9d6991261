//! A masternode list as it was read: its masternodes, and its unreadable entries.
//!
//! Never here: JSON; which masternodes are watched.

use std::collections::HashSet;

use crate::rpc::error::ErrorKind;
use domain::{ForeignText, Masternode, MasternodeId};

/// A list is refused if one entry in ten is unreadable.
const REFUSED_SHARE: usize = 10;

/// Unreadable entries after which the rest of a list is not read.
const MOST_UNREADABLE: usize = 100_000;

/// Unreadable entries whose error is kept, for the log.
const REASONS: usize = 20;

/// An unreadable entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEntry {
    /// Its masternode; `None` if the entry has no readable identity.
    pub id: Option<MasternodeId>,
    /// The error with the name of the entry; empty after the first 20 of a list.
    pub why: ForeignText,
}

/// A list as it was read.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    /// Its masternodes, each once.
    pub masternodes: Vec<Masternode>,
    /// The other entries.
    pub unreadable: Vec<UnreadableEntry>,
    /// How many of its masternodes lack a field that the chain's list has: what follows from it is not known.
    pub lacking: u64,
}

/// A list with more entries than the node's count allows.
pub(in crate::rpc) fn too_many(most: usize) -> ErrorKind {
    ErrorKind::malformed(format_args!("the list has more than {most} entries, too many for the node's own count"))
}

impl Registered {
    /// An empty list with room for this number of masternodes.
    pub(in crate::rpc) fn expecting(masternodes: usize) -> Registered {
        Registered { masternodes: Vec::with_capacity(masternodes), unreadable: Vec::new(), lacking: 0 }
    }

    /// Adds an unreadable entry. Fails if there are too many.
    pub(in crate::rpc) fn skip(&mut self, id: Option<MasternodeId>, error: ErrorKind) -> Result<(), ErrorKind> {
        if self.unreadable.len() >= MOST_UNREADABLE {
            return Err(error);
        }
        let why = match error {
            _ if self.unreadable.len() >= REASONS => ForeignText::default(),
            ErrorKind::Malformed { what } => what,
            other => ForeignText::new(format_args!("{other:?}")),
        };
        self.unreadable.push(UnreadableEntry { id, why });
        Ok(())
    }

    /// The number of entries so far.
    pub fn entries(&self) -> usize {
        self.masternodes.len() + self.unreadable.len()
    }

    /// The list after its last entry. Fails if a tenth of the entries are unreadable.
    pub(in crate::rpc) fn checked(self) -> Result<Registered, ErrorKind> {
        let (bad, all) = (self.unreadable.len(), self.entries());
        match self.unreadable.first() {
            Some(first) if bad * REFUSED_SHARE >= all => Err(ErrorKind::malformed(format_args!(
                "{bad} of {all} entries of the list are unreadable, the first: {}",
                first.why
            ))),
            _ => Ok(self),
        }
    }

    /// The same with each masternode once. Contradictory entries of one masternode are unreadable. Fails if a tenth of
    /// the list is.
    pub(in crate::rpc) fn distinct(mut self) -> Result<Registered, ErrorKind> {
        let mut wrong: HashSet<MasternodeId> = self.unreadable.iter().filter_map(|entry| entry.id).collect();
        let mut sorted: Vec<&Masternode> = self.masternodes.iter().collect();
        sorted.sort_unstable_by_key(|masternode| masternode.id);
        let pairs = || sorted.windows(2).filter(|pair| pair[0].id == pair[1].id);
        if pairs().next().is_none() && wrong.is_empty() {
            return Ok(self);
        }
        let twice: Vec<MasternodeId> =
            pairs().filter(|pair| !pair[0].same_state(pair[1])).map(|pair| pair[0].id).collect();
        for id in twice {
            if wrong.insert(id) {
                let why = format_args!("masternode {id}: it is listed twice, with different values");
                self.skip(Some(id), ErrorKind::malformed(why))?;
            }
        }
        let mut kept = HashSet::new();
        self.masternodes.retain(|masternode| !wrong.contains(&masternode.id) && kept.insert(masternode.id));
        self.checked()
    }
}
