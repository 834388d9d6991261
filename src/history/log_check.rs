//! Compares the log (`-wal`) and the size of the database file with what SQLite knows of them. This notices a log that was cut or
//! overwritten, also one that grew again since, and a database file that was cut.
//!
//! Only the log is opened here: closing the database file or `-shm` would release the locks that SQLite holds on them.
//!
//! Never here: repair.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use rusqlite::Connection;

use crate::history::error::StoreError;
use crate::history::file_lock::with_suffix;

/// A longer log, which a reader made grow, is not checked: it would take too long.
const LONGEST: u32 = 32_768;

/// Bytes of the header of the log, and of that of a frame.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The first bytes of a log with checksums over little-endian numbers; big-endian ones have the next number.
const MAGIC: u32 = 0x377f_0682;

/// Which part of a log belongs to an intact state of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogUse {
    /// All that the file does not have yet.
    Whole,
    /// Its beginning. The rest must not reach the file.
    Beginning,
    /// The file is intact without it only.
    Nothing,
}

/// What is missing in the file or its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) what: &'static str,
    pub(super) log: LogUse,
}

/// What is known of a file and its log.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) cut: Option<Cut>,
    /// Changes whenever this process copies the log to the file.
    pub(super) copies: Option<Copies>,
}

/// Identifies the last copying of the log to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copies {
    /// The beginning of the log, which is another one after it was copied as a whole.
    log: [u8; HEADER],
    copied: u32,
}

/// Frames of the log; each is a page.
struct Frames {
    /// How many it has.
    all: u32,
    /// How many of them were copied to the file.
    copied: u32,
    page_bytes: u32,
    /// Pages of the database.
    pages: u32,
}

/// Compares a file with what SQLite knows of it. `connection` is the only one that writes.
pub(super) fn compare(connection: &Connection, path: &Path) -> Result<Compared, StoreError> {
    let (all, copied): (i64, i64) =
        connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
    let frames = Frames {
        all: u32::try_from(all).unwrap_or(0),
        copied: u32::try_from(copied).unwrap_or(0),
        page_bytes: connection.pragma_query_value(None, "page_size", |row| row.get(0))?,
        pages: connection.pragma_query_value(None, "page_count", |row| row.get(0))?,
    };
    if frames.all > LONGEST {
        return Ok(Compared::default());
    }
    let log = walk(&with_suffix(path, "-wal"), &frames)?;
    let copies = Some(Copies { log: log.header, copied: frames.copied });
    if let Some(first) = log.first_bad {
        let log = match (log.is_needed_bad, first > frames.copied) {
            (false, _) => LogUse::Whole,
            (true, true) => LogUse::Beginning,
            (true, false) => LogUse::Nothing,
        };
        return Ok(Compared { cut: Some(Cut { what: "its log was cut or overwritten", log }), copies });
    }
    let last = (1..=frames.pages).rev().find(|page| !log.pages.get(*page as usize).copied().unwrap_or_default());
    let needed = u64::from(last.unwrap_or(0)) * u64::from(frames.page_bytes);
    let is_short = fs::metadata(path)?.len() < needed;
    let cut = is_short.then_some(Cut { what: "it is shorter than its number of pages", log: LogUse::Whole });
    Ok(Compared { cut, copies })
}

/// What a walk through the log found.
#[derive(Default)]
struct Walk {
    header: [u8; HEADER],
    /// The first damaged frame.
    first_bad: Option<u32>,
    /// A frame is damaged that the file does not have.
    is_needed_bad: bool,
    /// Whether a page is in the log and not in the file yet, by its number.
    pages: Vec<bool>,
}

impl Walk {
    fn bad(&mut self, first: u32, last: u32, frames: &Frames) {
        self.first_bad.get_or_insert(first);
        self.is_needed_bad |= last > frames.copied;
    }
}

fn walk(log: &Path, frames: &Frames) -> io::Result<Walk> {
    let mut walk = Walk { pages: vec![false; frames.pages as usize + 1], ..Walk::default() };
    if frames.all == 0 {
        return Ok(walk);
    }
    let mut file = BufReader::with_capacity(1 << 16, File::open(log)?);
    let header: [u8; HEADER] = match read(&mut file)? {
        Some(header) => header,
        None => {
            walk.bad(1, frames.all, frames);
            return Ok(walk);
        }
    };
    walk.header = header;
    let magic = number(&header);
    let is_header = magic & !1 == MAGIC && sum((0, 0), &header[..24], magic & 1 == 1) == stored(&header[24..]);
    let is_big = if is_header { magic & 1 == 1 } else { cfg!(target_endian = "big") };
    if !is_header {
        walk.bad(1, 1, frames);
    }
    let mut before = stored(&header[24..]);
    let mut frame = vec![0; FRAME_HEADER + frames.page_bytes as usize];
    for place in 1..=frames.all {
        match file.read_exact(&mut frame) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                walk.bad(place, frames.all, frames);
                break;
            }
            Err(error) => return Err(error),
        }
        let (head, page) = frame.split_at(FRAME_HEADER);
        let computed = sum(sum(before, &head[..8], is_big), page, is_big);
        before = stored(&head[16..]);
        let is_of_this_log = !is_header || head[8..16] == header[16..24];
        if computed != before || !is_of_this_log {
            walk.bad(place, place, frames);
        } else if place > frames.copied
            && let Some(is_there) = walk.pages.get_mut(number(head) as usize)
        {
            *is_there = true;
        }
    }
    Ok(walk)
}

/// The next bytes; `None` at the end of the file.
fn read<const N: usize>(file: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The big-endian number at the beginning.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// A checksum as it is stored.
fn stored(bytes: &[u8]) -> (u32, u32) {
    (number(bytes), number(&bytes[4..]))
}

/// SQLite's checksum of the log: over pairs of numbers, continued from the one before.
fn sum(before: (u32, u32), bytes: &[u8], is_big: bool) -> (u32, u32) {
    let word = |bytes: &[u8; 4]| if is_big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
    let (pairs, _) = bytes.as_chunks::<4>();
    pairs.chunks_exact(2).fold(before, |(first, second), pair| {
        let first = first.wrapping_add(word(&pair[0])).wrapping_add(second);
        (first, second.wrapping_add(word(&pair[1])).wrapping_add(first))
    })
}
