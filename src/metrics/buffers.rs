//! Buffers of pages that are written while they are sent. They are reused after their bytes are sent, because
//! allocating fresh memory costs more than writing into it.
//!
//! Never here: their content.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Maximum number of unused buffers: typically the number of concurrent scrapes.
const MOST_WAITING: usize = 4;

/// Buffers of one size.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// An empty buffer with room for at least `bytes`.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Buffer {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut text = waiting.unwrap_or_default();
        text.clear();
        text.reserve(bytes);
        Buffer { text, home: self.clone() }
    }
}

/// A buffer that returns to the pool when it is dropped.
pub(super) struct Buffer {
    /// The written bytes.
    pub(super) text: Vec<u8>,
    home: Arc<Buffers>,
}

impl Buffer {
    /// The bytes written; the buffer is reused after their last copy is dropped.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut waiting = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push(std::mem::take(&mut self.text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_the_last_copy_of_its_bytes_is_gone() {
        let buffers = Arc::new(Buffers::default());
        let fill = |text: &[u8]| {
            let mut buffer = buffers.take(1000);
            buffer.text.extend_from_slice(text);
            (buffer.text.as_ptr(), buffer.freeze())
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
    fn few_buffers_are_kept() {
        let buffers = Arc::new(Buffers::default());
        let many: Vec<Buffer> = (0..20).map(|_| buffers.take(10)).collect();
        drop(many);
        assert_eq!(buffers.0.lock().unwrap().len(), MOST_WAITING);
    }
}
