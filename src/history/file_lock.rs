//! The lock that makes one process the writer of a file, and the names under which files are set aside.
//!
//! Never here: the content of the file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::history::error::{OpenError, StoreError};
use domain::masternode::UnixSeconds;

/// The companion files of SQLite, in the order in which they are set aside.
const COMPANIONS: &[&str] = &["-wal", "-shm"];

/// The exclusive right to write a file. The operating system releases it when the process ends, for any reason.
///
/// It is a separate lock file: locks on the database file itself belong to SQLite, and readers need no lock.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// `named` is the path that the operator configured.
    pub(super) fn take(path: &Path, named: &Path) -> Result<Lock, OpenError> {
        let failed = |error: io::Error| OpenError::Failed { path: named.into(), error: StoreError::from(error) };
        let names = names(path).map_err(failed)?;
        if names > 1 {
            return Err(OpenError::Linked { path: named.into(), names });
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(with_suffix(path, ".lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: named.into() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// The path of a file with symbolic links resolved; the file is created if it does not exist. The lock is next to the
/// resolved file, whatever name is used. A new file is writable by its owner and readable by its group only, whatever
/// the umask.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            fs::canonicalize(path)
        }
        found => found,
    }
}

/// Creates an empty file if there is none.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.append(true).create(true).open(path).map(drop)
}

/// The number of names of a file; 1 for what is no file.
#[cfg(unix)]
fn names(path: &Path) -> io::Result<u64> {
    let found = fs::metadata(path)?;
    Ok(if found.is_file() { std::os::unix::fs::MetadataExt::nlink(&found) } else { 1 })
}

/// The number of names of a file: not known here.
#[cfg(not(unix))]
fn names(_path: &Path) -> io::Result<u64> {
    Ok(1)
}

/// Whether every user of the host may read the file.
#[cfg(unix)]
pub(super) fn is_world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// Whether every user of the host may read the file: not known here.
#[cfg(not(unix))]
pub(super) fn is_world_readable(_path: &Path) -> bool {
    false
}

/// The path with a suffix.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Renames the file and its companions to `<name>.<why>-<now>`, a name that no file has yet. Returns the new name of
/// the file.
pub(super) fn set_aside(path: &Path, why: &str, now: UnixSeconds) -> io::Result<PathBuf> {
    let suffix = free_suffix(path, &format!(".{why}-{}", now.0))?;
    let aside = with_suffix(path, &suffix);
    rename(path, &aside)?;
    Ok(aside)
}

/// Renames the file and its companions.
///
/// The companions are moved first: without its log the file is an earlier state of itself, but SQLite would delete a
/// log that it finds without its file.
pub(super) fn rename(path: &Path, to: &Path) -> io::Result<()> {
    for companion in COMPANIONS {
        match fs::rename(with_suffix(path, companion), with_suffix(to, companion)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, to)
}

/// Renames a file that was set aside to its old name, over the file that should have taken its place.
pub(super) fn put_back(aside: &Path, path: &Path) -> io::Result<()> {
    // Those of the new file do not belong to the old one.
    COMPANIONS.iter().for_each(|companion| drop(fs::remove_file(with_suffix(path, companion))));
    rename(aside, path)
}

/// The files that were set aside for this reason, the newest first; none where the folder cannot be listed.
pub(super) fn all_set_aside(path: &Path, why: &str) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let beginning = format!("{name}.{why}-");
    let moment = |file: &fs::DirEntry| -> Option<(u64, u32)> {
        // `<seconds>`, or `<seconds>-<number>`; a companion has a further suffix.
        let name = file.file_name();
        let rest = name.to_str()?.strip_prefix(&beginning)?;
        let (seconds, number) = rest.split_once('-').unwrap_or((rest, "1"));
        Some((seconds.parse().ok()?, number.parse().ok()?))
    };
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = files.filter_map(|file| Some((moment(&file)?, file.path()))).collect();
    found.sort_by_key(|(moment, _)| std::cmp::Reverse(*moment));
    found.into_iter().map(|(_, path)| path).collect()
}

/// `suffix`, with a number if a file of that name exists.
fn free_suffix(path: &Path, suffix: &str) -> io::Result<String> {
    for number in 1..1000 {
        let suffix = if number == 1 { suffix.to_string() } else { format!("{suffix}-{number}") };
        let aside = with_suffix(path, &suffix);
        let mut names = COMPANIONS.iter().map(|companion| with_suffix(&aside, companion)).chain([aside.clone()]);
        if !names.any(|name| fs::symlink_metadata(name).is_ok()) {
            return Ok(suffix);
        }
    }
    Err(io::Error::other("too many files were set aside within a second"))
}
