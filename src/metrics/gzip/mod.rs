//! Gzip of a page: one member of one block for each piece, and an end for each scrape.
//!
//! Some clients do not read after the first member, although RFC 1952 §2.2 allows several.
//!
//! Reading order: `bits`, `codes`, `lines`; this file joins the blocks.
//!
//! Never here: the decision to compress.

mod bits;
mod codes;
mod lines;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::metrics::page::ExpositionPage;
use crate::metrics::piece::Piece;

pub(super) use lines::{CodedIdentities, Span};

/// Level of text that is not lines of many masternodes: a higher one gains little.
const LEVEL: u32 = 1;

/// Identification, deflate, no flags, no time, fastest, unknown system: RFC 1952 §2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// How far back a match can reach: RFC 1951 §2.
const WINDOW: u32 = 32 * 1024;

/// Longest mean line of a text that is deflated as lines.
const LONGEST_LINE: usize = 1024;

/// The text of a gzip member, or of a part of one.
#[derive(Clone, Default)]
pub(super) struct Member {
    checksum: Hasher,
    length: u64,
    /// Whether the header is in a part before.
    started: bool,
}

impl Member {
    /// An empty part that follows this one.
    pub(super) fn part(&self) -> Member {
        Member { started: self.started || self.length > 0, ..Member::default() }
    }

    /// Adds the text of the next part.
    pub(super) fn append(&mut self, part: &Member) {
        self.checksum.combine(&part.checksum);
        self.length += part.length;
    }

    /// Appends the block of the next piece of a page, whole bytes. The header comes before the first.
    pub(super) fn add(&mut self, piece: &Piece, page: &ExpositionPage, out: &mut Vec<u8>) {
        if piece.text.is_empty() {
            return;
        }
        self.start(out);
        if is_lines(piece) && piece.wide {
            lines::deflate_wide(&piece.text, &piece.spans, out);
        } else if is_lines(piece) {
            lines::deflate_coded(&piece.text, &piece.spans, |network| page.identities(network), out);
        } else {
            deflate(&piece.text, FlushCompress::Sync, out);
        }
        self.count(&piece.text);
    }

    /// The end of the member, with the last part of the text.
    pub(super) fn end(mut self, tail: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.start(&mut out);
        deflate(tail, FlushCompress::Finish, &mut out);
        self.count(tail);
        out.extend_from_slice(&self.checksum.finalize().to_le_bytes());
        // The length modulo 2^32, as the format specifies.
        out.extend_from_slice(&(self.length as u32).to_le_bytes());
        out
    }

    fn start(&self, out: &mut Vec<u8>) {
        if self.length == 0 && !self.started {
            out.extend_from_slice(&HEADER);
        }
    }

    fn count(&mut self, text: &[u8]) {
        self.checksum.update(text);
        self.length += text.len() as u64;
    }
}

/// Whether a piece has the lines of so many masternodes that no family is in reach of the next. Otherwise a search for
/// matches finds whole identities and is better.
fn is_lines(piece: &Piece) -> bool {
    let Some((first, others)) = piece.spans.split_first() else { return false };
    let again = others.iter().find(|span| (span.network, span.place) == (first.network, first.place));
    piece.text.len() / piece.spans.len() <= LONGEST_LINE
        && piece.text.len() > WINDOW as usize
        && again.is_none_or(|again| again.start - first.start > WINDOW)
}

fn deflate(text: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    let mut compressor = Compress::new(Compression::new(LEVEL), false);
    out.reserve(text.len() / 3 + 64);
    loop {
        let taken = usize::try_from(compressor.total_in()).unwrap_or(usize::MAX);
        let status =
            compressor.compress_vec(&text[taken..], out, flush).expect("deflate of bytes in memory cannot fail");
        let all_taken = compressor.total_in() == text.len() as u64;
        // A flush is complete if space remains in the output.
        if status == Status::StreamEnd || (all_taken && flush == FlushCompress::Sync && out.len() < out.capacity()) {
            return;
        }
        out.reserve(out.capacity().max(64));
    }
}

#[cfg(test)]
mod tests;
