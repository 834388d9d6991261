//! A piece of a page as text.
//!
//! Never here: which lines it has.

use crate::metrics::gzip::Span;

/// Whole lines of a page.
#[derive(Default)]
pub struct Piece {
    /// The lines.
    pub text: Vec<u8>,
    /// Where they name masternodes, in order.
    pub(super) spans: Vec<Span>,
    /// Whether they are of `masternode_info`, most of whose labels differ between masternodes.
    pub(super) wide: bool,
}

impl Piece {
    /// Whether it has lines whose labels differ in more than the identity.
    pub(super) fn is_wide(&self) -> bool {
        self.wide
    }

    /// Removes the lines, but keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
        self.wide = false;
    }
}
