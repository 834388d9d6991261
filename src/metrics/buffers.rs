//! Buffers of the pieces of pages. They are reused after their bytes are sent and their page is replaced, because
//! allocating fresh memory costs more than writing into it.
//!
//! Never here: their content.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::metrics::piece::Piece;

/// Maximum memory of unused buffers: some pieces. More would stay in memory for good after the last scrape of a page as text.
const MOST_UNUSED_BYTES: usize = 2 << 20;

/// The unused buffers.
#[derive(Default)]
pub(super) struct PieceBuffers(Mutex<Vec<Piece>>);

impl PieceBuffers {
    /// An empty buffer with room for at least `bytes`.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Buffer {
        let unused = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = unused.unwrap_or_default();
        piece.clear();
        piece.text.reserve(bytes);
        Buffer { piece, home: self.clone() }
    }
}

/// A buffer that returns to its pool when it is dropped.
pub(super) struct Buffer {
    /// The written piece.
    pub(super) piece: Piece,
    home: Arc<PieceBuffers>,
}

impl Buffer {
    /// The bytes written; the buffer is reused after their last copy is dropped.
    pub(super) fn freeze(mut self) -> Bytes {
        self.piece.spans = Vec::new();
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.piece.text
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut unused = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: usize = unused.iter().chain([&self.piece]).map(|piece| piece.text.capacity()).sum();
        if bytes <= MOST_UNUSED_BYTES {
            unused.push(std::mem::take(&mut self.piece));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_the_last_copy_of_its_bytes_is_gone() {
        let buffers = Arc::new(PieceBuffers::default());
        let fill = |text: &[u8]| {
            let mut buffer = buffers.take(1000);
            buffer.piece.text.extend_from_slice(text);
            (buffer.piece.text.as_ptr(), buffer.freeze())
        };
        let (first, bytes) = fill(b"first");
        let copy = bytes.clone();
        drop(bytes);
        let (second, other) = fill(b"second");
        assert_ne!(first, second, "a copy of the first is still to be sent");
        assert_eq!((&*copy, &*other), (&b"first"[..], &b"second"[..]));
        drop(copy);
        let (third, _bytes) = fill(b"third");
        assert_eq!(first, third);
    }

    #[test]
    fn unused_buffers_take_little_memory() {
        let buffers = Arc::new(PieceBuffers::default());
        let many: Vec<Buffer> = (0..20).map(|_| buffers.take(1 << 20)).collect();
        drop(many);
        let unused: usize = buffers.0.lock().unwrap().iter().map(|piece| piece.text.capacity()).sum();
        assert!((MOST_UNUSED_BYTES - (1 << 20)..=MOST_UNUSED_BYTES).contains(&unused), "{unused}");
    }
}
