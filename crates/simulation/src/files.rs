//! The file system as SQLite sees it: every call goes to the disk of the simulation of this thread.
//!
//! Never here: faults; locks.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

use crate::disk::Disk;
use crate::locks::Region;

/// The file system.
pub(crate) struct Files;

/// An open file.
pub(crate) struct OpenFile {
    path: String,
    file: File,
    handle: u64,
    life: u64,
}

/// The index of the log of an open file.
pub(crate) struct Index {
    path: String,
    handle: u64,
    life: u64,
}

impl Vfs for Files {
    type Handle = OpenFile;

    fn open(&self, path: &str, options: OpenOptions) -> io::Result<OpenFile> {
        let writes = options.access != OpenAccess::Read;
        Disk::with(|disk| disk.check_open(writes))?;
        let mut open = File::options();
        open.read(true).write(writes);
        open.create(options.access == OpenAccess::Create).create_new(options.access == OpenAccess::CreateNew);
        let file = open.open(path)?;
        let (handle, life) = Disk::with(Disk::open_handle);
        Ok(OpenFile { path: path.into(), file, handle, life })
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        Disk::with(|disk| disk.delete(path))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        // As SQLite on Unix: an empty file has nothing to recover.
        Ok(fs::metadata(path).is_ok_and(|file| file.len() > 0))
    }

    fn temporary_name(&self) -> String {
        Disk::with(Disk::temporary_name)
    }

    fn random(&self, buffer: &mut [i8]) {
        Disk::with(|disk| disk.random(buffer));
    }

    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }
}

impl DatabaseHandle for OpenFile {
    type WalIndex = Index;

    fn size(&self) -> io::Result<u64> {
        Disk::with(|disk| disk.check(self.life))?;
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        Disk::with(|disk| disk.check_read(self.life))?;
        let length = self.file.metadata()?.len();
        let available = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        self.file.read_exact_at(&mut buffer[..available], offset)?;
        // SQLite expects zeros after the end of a file.
        buffer[available..].fill(0);
        if available < buffer.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        Disk::with(|disk| disk.write(&self.path, &self.file, self.life, data, offset))
    }

    fn sync(&mut self, _data_only: bool) -> io::Result<()> {
        Disk::with(|disk| disk.sync(&self.path, &self.file, self.life))
    }

    fn set_len(&mut self, size: u64) -> io::Result<()> {
        Disk::with(|disk| disk.set_len(&self.path, &self.file, self.life, size))
    }

    fn lock(&mut self, lock: LockKind) -> io::Result<bool> {
        Disk::with(|disk| {
            // A dead process holds no lock, and may release it.
            if disk.check(self.life).is_err() {
                return Ok(true);
            }
            Ok(disk.locks.take(&self.path, self.handle, lock))
        })
    }

    fn reserved(&mut self) -> io::Result<bool> {
        Disk::with(|disk| Ok(disk.locks.is_reserved(&self.path)))
    }

    fn current_lock(&self) -> io::Result<LockKind> {
        Disk::with(|disk| Ok(disk.locks.of(&self.path, self.handle)))
    }

    fn wal_index(&self, _readonly: bool) -> io::Result<Index> {
        Disk::with(|disk| disk.check(self.life))?;
        Ok(Index { path: self.path.clone(), handle: self.handle, life: self.life })
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        Disk::with(|disk| {
            if disk.check(self.life).is_ok() {
                disk.locks.close(&self.path, self.handle);
                disk.indexes.get_mut(&self.path).into_iter().for_each(|index| index.close(self.handle));
            }
        });
    }
}

impl WalIndex for Index {
    fn map(&mut self, region: u32) -> io::Result<Region> {
        Disk::with(|disk| {
            disk.check(self.life)?;
            let index = disk.indexes.entry(self.path.clone()).or_default();
            Ok(**index.regions.entry(region).or_insert_with(|| Box::new([0; 32_768])))
        })
    }

    fn lock(&mut self, slots: Range<u8>, lock: WalIndexLock) -> io::Result<bool> {
        Disk::with(|disk| {
            if disk.check(self.life).is_err() {
                return Ok(true);
            }
            Ok(disk.indexes.entry(self.path.clone()).or_default().take(slots, self.handle, lock))
        })
    }

    fn delete(self) -> io::Result<()> {
        Disk::with(|disk| {
            if disk.check(self.life).is_ok() {
                disk.indexes.remove(&self.path);
            }
        });
        Ok(())
    }

    fn pull(&mut self, region: u32, data: &mut Region) -> io::Result<()> {
        Disk::with(|disk| {
            if let Some(known) = disk.indexes.get(&self.path).and_then(|index| index.regions.get(&region)) {
                data.copy_from_slice(&known[..]);
            }
            Ok(())
        })
    }

    fn push(&mut self, region: u32, data: &Region) -> io::Result<()> {
        Disk::with(|disk| {
            if disk.check(self.life).is_ok() {
                let index = disk.indexes.entry(self.path.clone()).or_default();
                index.regions.entry(region).or_insert_with(|| Box::new([0; 32_768])).copy_from_slice(data);
            }
            Ok(())
        })
    }
}
