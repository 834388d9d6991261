//! The locks of SQLite on a file and on the index of its log, among the open files of one process.
//!
//! Never here: the content of files.

use std::collections::BTreeMap;
use std::ops::Range;

use sqlite_vfs::LockKind;
use sqlite_vfs::wip::WalIndexLock;

/// Size of a region of the index.
pub(crate) type Region = [u8; 32_768];

/// The locks on files, by path and open file.
#[derive(Default)]
pub(crate) struct Locks(BTreeMap<String, BTreeMap<u64, LockKind>>);

impl Locks {
    /// Whether an open file gets a lock.
    pub(crate) fn take(&mut self, path: &str, handle: u64, kind: LockKind) -> bool {
        let locks = self.0.entry(path.into()).or_default();
        let others = locks.iter().filter(|(other, _)| **other != handle).map(|(_, kind)| *kind as i32);
        let highest = others.max().unwrap_or(LockKind::None as i32);
        let is_free = match kind {
            LockKind::None => true,
            LockKind::Shared => highest < LockKind::Pending as i32,
            LockKind::Reserved | LockKind::Pending => highest < LockKind::Reserved as i32,
            LockKind::Exclusive => highest == LockKind::None as i32,
        };
        if is_free {
            locks.insert(handle, kind);
        }
        is_free
    }

    /// The lock of an open file.
    pub(crate) fn of(&self, path: &str, handle: u64) -> LockKind {
        self.0.get(path).and_then(|locks| locks.get(&handle)).copied().unwrap_or(LockKind::None)
    }

    /// Whether an open file other than this one is about to write.
    pub(crate) fn is_reserved(&self, path: &str) -> bool {
        let locks = self.0.get(path).into_iter().flat_map(BTreeMap::values);
        locks.map(|kind| *kind as i32).any(|kind| kind >= LockKind::Reserved as i32)
    }

    /// An open file was closed.
    pub(crate) fn close(&mut self, path: &str, handle: u64) {
        if let Some(locks) = self.0.get_mut(path) {
            locks.remove(&handle);
        }
    }
}

/// The index of a log: its regions, and the locks on its slots.
#[derive(Default)]
pub(crate) struct IndexLocks {
    pub(crate) regions: BTreeMap<u32, Box<Region>>,
    slots: BTreeMap<u8, BTreeMap<u64, WalIndexLock>>,
}

impl IndexLocks {
    /// Whether an open file gets a lock on all these slots.
    pub(crate) fn take(&mut self, slots: Range<u8>, handle: u64, kind: WalIndexLock) -> bool {
        let is_free = |slot: u8| {
            let others = self.slots.get(&slot).into_iter().flatten().filter(|(other, _)| **other != handle);
            others.map(|(_, other)| *other).all(|other| match kind {
                WalIndexLock::None => true,
                WalIndexLock::Shared => other != WalIndexLock::Exclusive,
                WalIndexLock::Exclusive => other == WalIndexLock::None,
            })
        };
        if !slots.clone().all(is_free) {
            return false;
        }
        for slot in slots {
            self.slots.entry(slot).or_default().insert(handle, kind);
        }
        true
    }

    /// An open file was closed.
    pub(crate) fn close(&mut self, handle: u64) {
        self.slots.values_mut().for_each(|locks| locks.retain(|other, _| *other != handle));
    }
}
