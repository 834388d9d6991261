//! Files that contain one secret: a cookie, a password, a token, a URL with one in it. Certificates are read in the
//! same way.
//!
//! Never here: content of the file in an error; files that may block or never end, such as a FIFO or a device.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Maximum file size in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a secret cannot be read; the text follows the path of the file.
#[derive(Debug)]
pub enum SecretFileError {
    /// The file cannot be opened or read.
    Io(io::Error),
    /// The path is a directory, a FIFO, a socket or a device.
    NotAFile(&'static str),
    /// The file has white space only, as while it is written.
    Empty,
    /// The file is larger than this, in bytes.
    TooLarge(u64),
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretFileError::Io(error) => write!(f, "cannot be read: {error}"),
            SecretFileError::NotAFile(kind) => write!(f, "is {kind}, not a regular file"),
            SecretFileError::Empty => write!(f, "is empty"),
            SecretFileError::TooLarge(limit) => {
                write!(f, "is larger than {} KiB: it must hold nothing else", limit >> 10)
            }
        }
    }
}

impl std::error::Error for SecretFileError {}

impl From<io::Error> for SecretFileError {
    fn from(error: io::Error) -> Self {
        SecretFileError::Io(error)
    }
}

/// The text in a file, without surrounding white space.
///
/// # Errors
/// If it is not a regular file, cannot be read, is not UTF-8, is empty, or is larger than 64 KiB.
pub fn read(path: &Path) -> Result<String, SecretFileError> {
    let text = read_up_to(path, MAX_BYTES)?;
    let text = text.trim();
    if text.is_empty() { Err(SecretFileError::Empty) } else { Ok(text.to_string()) }
}

/// The text in a file of at most `limit` bytes.
///
/// # Errors
/// If it is not a regular file, cannot be read, is not UTF-8, or is larger.
pub fn read_up_to(path: &Path, limit: u64) -> Result<String, SecretFileError> {
    // Checked before opening: opening a FIFO waits for its writer.
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() {
        return Err(SecretFileError::NotAFile(name(kind)));
    }
    let mut text = String::new();
    File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        return Err(SecretFileError::TooLarge(limit));
    }
    Ok(text)
}

#[cfg(unix)]
fn name(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn name(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() { "a directory" } else { "a device" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_small_regular_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, " hunter2\n").unwrap();
        assert_eq!(read(&file).unwrap(), "hunter2");
        assert_eq!(read(folder.path()).unwrap_err().to_string(), "is a directory, not a regular file");
        std::fs::write(&file, "x".repeat(MAX_BYTES as usize + 1)).unwrap();
        assert_eq!(read(&file).unwrap_err().to_string(), "is larger than 64 KiB: it must hold nothing else");
        std::fs::write(&file, " \n").unwrap();
        assert_eq!(read(&file).unwrap_err().to_string(), "is empty");
        assert!(matches!(read(&folder.path().join("absent")), Err(SecretFileError::Io(_))));
        assert_eq!(read(Path::new("/dev/null")).unwrap_err().to_string(), "is a device, not a regular file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_fifo_is_refused_and_nobody_waits_for_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(read(&fifo).unwrap_err().to_string(), "is a FIFO, not a regular file");
    }
}
