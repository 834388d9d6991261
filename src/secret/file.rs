//! Files that contain one secret: a cookie, a password, a token, a URL with one in it. Certificates are read in the
//! same way.
//!
//! Never here: content of the file in an error; files that may block or never end, such as a FIFO or a device.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Maximum file size in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The text in a file, without surrounding white space.
///
/// # Errors
/// If it is not a regular file, cannot be read, is not UTF-8, is empty, as while it is written, or is larger than 64 KiB. The text
/// follows the path of the file.
pub fn read(path: &Path) -> Result<String, String> {
    let text = read_up_to(path, MAX_BYTES)?;
    let text = text.trim();
    if text.is_empty() { Err("is empty".into()) } else { Ok(text.to_string()) }
}

/// The text in a file of at most `limit` bytes.
///
/// # Errors
/// If it is not a regular file, cannot be read, is not UTF-8, or is larger.
pub fn read_up_to(path: &Path, limit: u64) -> Result<String, String> {
    // Checked before opening: opening a FIFO waits for its writer.
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let kind = std::fs::metadata(path).map_err(unreadable)?.file_type();
    if !kind.is_file() {
        return Err(format!("is {}, not a regular file", name(kind)));
    }
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > limit {
        return Err(format!("is larger than {} KiB: it must hold nothing else", limit >> 10));
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
        assert_eq!(read(folder.path()).unwrap_err(), "is a directory, not a regular file");
        std::fs::write(&file, "x".repeat(MAX_BYTES as usize + 1)).unwrap();
        assert_eq!(read(&file).unwrap_err(), "is larger than 64 KiB: it must hold nothing else");
        std::fs::write(&file, " \n").unwrap();
        assert_eq!(read(&file).unwrap_err(), "is empty");
        assert!(read(&folder.path().join("absent")).unwrap_err().starts_with("cannot be read: "));
        assert_eq!(read(Path::new("/dev/null")).unwrap_err(), "is a device, not a regular file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_fifo_is_refused_and_nobody_waits_for_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(read(&fifo).unwrap_err(), "is a FIFO, not a regular file");
    }
}
