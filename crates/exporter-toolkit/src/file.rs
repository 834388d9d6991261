//! Files of the settings: a stamp that changes with the file, and a bounded read.
//!
//! Never here: the meaning of a file.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file's path with its time, size and inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStamp {
    path: PathBuf,
    /// Modification time, size, and on Unix the inode, which change when the file is written or replaced. `None` if
    /// there is no file.
    state: Option<(Option<SystemTime>, u64, u64)>,
}

impl FileStamp {
    /// The stamp of the current file.
    pub fn new(path: &Path) -> FileStamp {
        let state = std::fs::metadata(path).ok().map(|file| {
            #[cfg(unix)]
            let number = std::os::unix::fs::MetadataExt::ino(&file);
            #[cfg(not(unix))]
            let number = 0;
            (file.modified().ok(), file.len(), number)
        });
        FileStamp { path: path.to_owned(), state }
    }

    /// Whether the file is unchanged.
    pub fn is_current(&self) -> bool {
        FileStamp::new(&self.path) == *self
    }
}

/// Reads a regular file of at most `max_bytes`. A FIFO, which would block until another process writes to it, a socket,
/// a device or a directory is refused before it is opened.
///
/// # Errors
/// The reason, to be appended to the path.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("cannot be read: it is not a regular file".into());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max_bytes {
        return Err(format!("cannot be read: it is larger than {} KiB", max_bytes / 1024));
    }
    Ok(bytes)
}

/// Whether every user of this host may read or change a file. Always false where files have no such permissions.
pub(crate) fn is_open_to_everybody(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o007 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_up_to_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [b'x'; 2048]).unwrap();
        assert_eq!(read(&path, 2048).unwrap().len(), 2048);
        let error = read(&path, 2047).unwrap_err();
        assert!(error.contains("larger than 1 KiB"), "{error}");
        let error = read(folder.path(), 2048).unwrap_err();
        assert!(error.contains("not a regular file"), "{error}");
        assert!(read(&folder.path().join("absent"), 1).unwrap_err().starts_with("cannot be read: "));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(read(&path, 1).unwrap_err().contains("not a regular file"));
    }
}
