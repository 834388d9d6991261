//! Gzip of a page without its end: the cached part is compressed once, the rest is appended for each scrape.
//!
//! Both parts form one gzip member, because some clients do not read after the first member (RFC 1952 §2.2 allows
//! several).
//!
//! Never here: the decision to compress.

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Fastest level: a page changes with each block, and higher levels gain little on random hashes.
const LEVEL: u32 = 1;

/// Identification, deflate, no flags, no time, fastest, unknown system: RFC 1952 §2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// The compressed first part of a page.
pub(super) struct GzipPrefix {
    /// Header and deflate blocks, byte-aligned by a sync flush.
    bytes: Bytes,
    checksum: Hasher,
}

impl GzipPrefix {
    /// Compresses the first part.
    pub(super) fn new(text: &[u8]) -> GzipPrefix {
        let mut bytes = HEADER.to_vec();
        deflate(text, FlushCompress::Sync, &mut bytes);
        let mut checksum = Hasher::new();
        checksum.update(text);
        bytes.shrink_to_fit();
        GzipPrefix { bytes: bytes.into(), checksum }
    }

    /// The complete gzip: the compressed part, and its end with `tail` as the last part of the text.
    pub(super) fn close(&self, text_length: usize, tail: &[u8]) -> Vec<Bytes> {
        let mut end = Vec::new();
        deflate(tail, FlushCompress::Finish, &mut end);
        let mut checksum = self.checksum.clone();
        checksum.update(tail);
        end.extend_from_slice(&checksum.finalize().to_le_bytes());
        // The length modulo 2^32, as the format specifies.
        end.extend_from_slice(&((text_length + tail.len()) as u32).to_le_bytes());
        vec![self.bytes.clone(), end.into()]
    }
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
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn both_parts_are_one_member() {
        let text = "masternode_pose_score{masternode=\"ab\"} 66\n".repeat(10_000);
        for (first, tail) in [(text.as_str(), "# EOF\n"), ("", ""), ("", "tail"), (text.as_str(), "")] {
            let whole = GzipPrefix::new(first.as_bytes()).close(first.len(), tail.as_bytes()).concat();
            // This decoder stops behind the first member.
            let mut read = String::new();
            let mut decoder = flate2::bufread::GzDecoder::new(&whole[..]);
            decoder.read_to_string(&mut read).unwrap();
            assert_eq!(read, format!("{first}{tail}"));
            assert!(decoder.into_inner().is_empty(), "nothing stands behind the member");
        }
    }
}
