//! A long array or object, written node by node, so that 100,000 masternodes are never one text in memory.
//!
//! Never here: the meaning of a piece.

use std::fmt;

use crate::masternode::Masternode;

/// Approximate size of a piece.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes one node.
type Writer = Box<dyn Fn(&Masternode, &mut Vec<u8>) + Send + Sync>;

/// The rest of an array or object.
pub(crate) struct Pieces {
    nodes: std::vec::IntoIter<Masternode>,
    write: Writer,
    brackets: (u8, u8),
    opened: bool,
    closed: bool,
}

impl Pieces {
    /// `[…]` with one entry per node.
    pub(super) fn array(nodes: Vec<Masternode>, write: Writer) -> Self {
        Self { nodes: nodes.into_iter(), write, brackets: (b'[', b']'), opened: false, closed: false }
    }

    /// `{…}` with one `"key":value` per node.
    pub(super) fn object(nodes: Vec<Masternode>, write: Writer) -> Self {
        Self { brackets: (b'{', b'}'), ..Self::array(nodes, write) }
    }
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.closed {
            return None;
        }
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + 4 * 1024);
        if !self.opened {
            chunk.push(self.brackets.0);
        }
        while chunk.len() < CHUNK_BYTES {
            let Some(node) = self.nodes.next() else {
                chunk.push(self.brackets.1);
                self.closed = true;
                break;
            };
            if self.opened {
                chunk.push(b',');
            }
            self.opened = true;
            (self.write)(&node, &mut chunk);
        }
        Some(chunk)
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pieces").field("left", &self.nodes.len()).finish_non_exhaustive()
    }
}
