//! The disk of a simulation: a file system of SQLite that fills up, fails, tears and loses writes, and stops with the process.
//!
//! Its files are real files of a temporary folder, because the exporter also renames, creates and locks them itself. Writes that
//! were not synced are remembered, so that a power failure can lose them.
//!
//! Never here: when a fault happens; the content of a file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use fastrand::Rng;
use tokio::sync::Notify;

use crate::locks::{IndexLocks, Locks};

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DiskFault {
    /// Nothing.
    #[default]
    None,
    /// No file can grow.
    Full,
    /// Nothing can be written.
    ReadOnly,
    /// Reads and writes fail at random.
    Broken,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The process is killed: what it wrote is kept, its last write perhaps in part.
    Killed,
    /// The host loses power: writes that were not synced may be lost.
    PowerLost,
}

thread_local! {
    /// Each thread has one simulation.
    static DISK: RefCell<Disk> = RefCell::new(Disk::new(PathBuf::new(), 0));
}

pub(crate) struct Disk {
    folder: PathBuf,
    rng: Rng,
    fault: DiskFault,
    /// Writes until the process dies in one.
    death: Option<(u64, Death)>,
    died: Option<Death>,
    is_dead: bool,
    dies: Arc<Notify>,
    /// Number of processes so far: files that an earlier one opened no longer do anything.
    life: u64,
    next_handle: u64,
    pub(crate) locks: Locks,
    pub(crate) indexes: BTreeMap<String, IndexLocks>,
    /// Writes since the last sync, by path and inode.
    unsynced: BTreeMap<(String, u64), (File, Vec<Change>)>,
    writes: u64,
}

/// One change of a file.
struct Change {
    offset: u64,
    before: Vec<u8>,
    after: Vec<u8>,
    length: u64,
}

impl Disk {
    fn new(folder: PathBuf, seed: u64) -> Disk {
        Disk {
            folder,
            rng: Rng::with_seed(seed),
            fault: DiskFault::None,
            death: None,
            died: None,
            is_dead: false,
            dies: Arc::default(),
            life: 0,
            next_handle: 0,
            locks: Locks::default(),
            indexes: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            writes: 0,
        }
    }

    pub(crate) fn with<T>(call: impl FnOnce(&mut Disk) -> T) -> T {
        DISK.with_borrow_mut(call)
    }

    /// A number for an open file, and the process that opened it.
    pub(crate) fn open_handle(&mut self) -> (u64, u64) {
        self.next_handle += 1;
        (self.next_handle, self.life)
    }

    /// Fails for a file of an earlier process, and when the process is dead.
    pub(crate) fn check(&mut self, life: u64) -> io::Result<()> {
        if self.is_dead || life != self.life { Err(io::Error::other("the process was killed")) } else { Ok(()) }
    }

    pub(crate) fn check_read(&mut self, life: u64) -> io::Result<()> {
        self.check(life)?;
        if self.fault == DiskFault::Broken && self.rng.u8(..) < 16 {
            return Err(io::Error::other("input/output error"));
        }
        Ok(())
    }

    pub(crate) fn check_open(&self, writes: bool) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("the process was killed"));
        }
        if writes && self.fault == DiskFault::ReadOnly {
            return Err(ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    fn check_write(&mut self, life: u64, grows: bool) -> io::Result<()> {
        self.check(life)?;
        match self.fault {
            // Becomes SQLITE_FULL.
            DiskFault::Full if grows => Err(ErrorKind::WriteZero.into()),
            DiskFault::ReadOnly => Err(ErrorKind::ReadOnlyFilesystem.into()),
            DiskFault::Broken if self.rng.u8(..) < 64 => Err(io::Error::other("input/output error")),
            _ => Ok(()),
        }
    }

    pub(crate) fn write(&mut self, path: &str, file: &File, life: u64, data: &[u8], offset: u64) -> io::Result<()> {
        let length = file.metadata()?.len();
        self.check_write(life, offset + data.len() as u64 > length)?;
        self.writes += 1;
        match &mut self.death {
            Some((0, _)) => {
                let torn = self.rng.usize(..=data.len());
                self.apply(path, file, &data[..torn], offset, length)?;
                self.die();
                return Err(io::Error::other("the process was killed"));
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        self.apply(path, file, data, offset, length)
    }

    fn apply(&mut self, path: &str, file: &File, data: &[u8], offset: u64, length: u64) -> io::Result<()> {
        let known = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX).min(data.len());
        let mut before = vec![0; known];
        file.read_exact_at(&mut before, offset)?;
        self.note(path, file, Change { offset, before, after: data.to_vec(), length })?;
        file.write_all_at(data, offset)
    }

    fn note(&mut self, path: &str, file: &File, change: Change) -> io::Result<()> {
        let key = (path.to_string(), file.metadata()?.ino());
        match self.unsynced.get_mut(&key) {
            Some((_, changes)) => changes.push(change),
            None => drop(self.unsynced.insert(key, (file.try_clone()?, vec![change]))),
        }
        Ok(())
    }

    pub(crate) fn set_len(&mut self, path: &str, file: &File, life: u64, length: u64) -> io::Result<()> {
        let before = file.metadata()?.len();
        self.check_write(life, length > before)?;
        let mut cut = vec![0; usize::try_from(before.saturating_sub(length)).unwrap_or(0)];
        file.read_exact_at(&mut cut, length.min(before))?;
        self.note(path, file, Change { offset: length, before: cut, after: Vec::new(), length: before })?;
        file.set_len(length)
    }

    pub(crate) fn sync(&mut self, path: &str, file: &File, life: u64) -> io::Result<()> {
        self.check_write(life, false)?;
        self.unsynced.remove(&(path.to_string(), file.metadata()?.ino()));
        Ok(())
    }

    pub(crate) fn delete(&mut self, path: &str) -> io::Result<()> {
        self.check_open(true)?;
        self.unsynced.retain(|(changed, _), _| changed != path);
        fs::remove_file(path)
    }

    pub(crate) fn temporary_name(&mut self) -> String {
        self.next_handle += 1;
        self.folder.join(format!("temporary-{}", self.next_handle)).display().to_string()
    }

    pub(crate) fn random(&mut self, buffer: &mut [i8]) {
        buffer.iter_mut().for_each(|byte| *byte = self.rng.i8(..));
    }

    fn die(&mut self) {
        self.died = self.death.take().map(|(_, death)| death);
        self.is_dead = true;
        self.dies.notify_one();
    }

    /// Undoes changes that were not synced: all after one of them, except a few that reached the disk early.
    fn lose_unsynced(&mut self) -> io::Result<()> {
        for (file, changes) in std::mem::take(&mut self.unsynced).into_values() {
            let kept = self.rng.usize(..=changes.len());
            for change in changes[kept..].iter().rev() {
                file.set_len(change.length)?;
                file.write_all_at(&change.before, change.offset)?;
            }
            for change in &changes[kept..] {
                if self.rng.u8(..) < 64 && !change.after.is_empty() {
                    file.write_all_at(&change.after, change.offset)?;
                }
            }
        }
        Ok(())
    }
}

/// Begins a simulation in an empty folder.
pub(crate) fn reset(folder: &Path, seed: u64) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        sqlite_vfs::register("simulated", crate::files::Files, true).expect("the name is new and has no zero byte");
    });
    DISK.set(Disk::new(folder.into(), seed));
}

/// Sets what is wrong from now on.
pub(crate) fn set_fault(fault: DiskFault) {
    Disk::with(|disk| disk.fault = fault);
}

/// Lets the process die in a later write.
pub(crate) fn die_after(writes: u64, death: Death) {
    Disk::with(|disk| disk.death = Some((writes, death)));
}

/// Lets the process die now if it was to die in a write, and none came.
pub(crate) fn die_if_planned(death: Death) {
    Disk::with(|disk| {
        if disk.death.is_some_and(|(_, planned)| planned == death) {
            disk.die();
        }
    });
}

/// Whether the process died.
pub(crate) fn is_dead() -> bool {
    Disk::with(|disk| disk.is_dead)
}

/// Waits until the process dies.
pub(crate) async fn died() {
    let dies = Disk::with(|disk| disk.dies.clone());
    while !is_dead() {
        dies.notified().await;
    }
}

/// Stops everything that the process might still write. Called before its memory is dropped.
pub(crate) fn stop() {
    Disk::with(|disk| disk.is_dead = true);
}

/// Prepares the disk for the next process. Returns how the last one died.
pub(crate) fn next_life() -> Option<Death> {
    Disk::with(|disk| {
        let death = disk.died.take();
        disk.death = None;
        if death == Some(Death::PowerLost) {
            disk.lose_unsynced().expect("the files of the simulation can be written");
        }
        disk.life += 1;
        disk.is_dead = false;
        disk.dies = Arc::default();
        disk.locks = Locks::default();
        disk.indexes.clear();
        death
    })
}

/// Flips one bit of a file. Returns whether the file has any.
pub(crate) fn flip_bit(path: &Path) -> bool {
    let Ok(file) = File::options().read(true).write(true).open(path) else { return false };
    let Ok(length @ 1..) = file.metadata().map(|file| file.len()) else { return false };
    let (offset, bit) = Disk::with(|disk| (disk.rng.u64(..length), disk.rng.u32(..8)));
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).and_then(|()| file.write_all_at(&[byte[0] ^ (1 << bit)], offset)).is_ok()
}

/// Number of writes so far.
pub(crate) fn writes() -> u64 {
    Disk::with(|disk| disk.writes)
}
