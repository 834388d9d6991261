//! Bodies of answers: complete, in pieces, torn, or endless.
//!
//! Never here: more than one piece of a long answer in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::rpc::Pieces;

/// Answers up to this size have a length; longer ones are chunked.
const WHOLE_BYTES: usize = 256 * 1024;

/// Size of one piece of filler.
const FILLER_BYTES: u64 = 64 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct AnswerBody {
    content: Content,
    /// Bytes after which the connection breaks.
    tear: Option<usize>,
    /// The data before the tear had time to be sent.
    flushed: bool,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    Pieces { ready: Bytes, pieces: Option<Pieces>, end: Bytes },
    Filler(u64),
}

impl AnswerBody {
    /// A complete body.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { content: Content::Whole(bytes.into()), tear: None, flushed: false }
    }

    /// `start`, the pieces, `end`; short ones are joined at once.
    pub(super) fn pieces(start: Vec<u8>, mut pieces: Pieces, end: Vec<u8>) -> Self {
        let mut ready = start;
        while ready.len() < WHOLE_BYTES {
            let Some(piece) = pieces.next() else {
                ready.extend(end);
                return Self::whole(ready);
            };
            ready.extend(piece);
        }
        let content = Content::Pieces { ready: ready.into(), pieces: Some(pieces), end: end.into() };
        Self { content, tear: None, flushed: false }
    }

    /// The given number of bytes that are not an answer.
    pub(super) fn filler(bytes: u64) -> Self {
        Self { content: Content::Filler(bytes), tear: None, flushed: false }
    }

    /// Breaks the connection after the given number of bytes.
    pub(super) fn torn(self, bytes: usize) -> Self {
        Self { tear: Some(bytes), ..self }
    }

    fn next_piece(&mut self) -> Option<Bytes> {
        match &mut self.content {
            Content::Whole(bytes) => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Content::Pieces { ready, pieces, end } => {
                if !ready.is_empty() {
                    return Some(std::mem::take(ready));
                }
                if let Some(piece) = pieces.as_mut().and_then(Iterator::next) {
                    return Some(piece.into());
                }
                *pieces = None;
                Some(std::mem::take(end)).filter(|bytes| !bytes.is_empty())
            }
            Content::Filler(0) => None,
            Content::Filler(left) => {
                let size = (*left).min(FILLER_BYTES);
                *left -= size;
                Some(vec![b' '; usize::try_from(size).expect("at most a piece")].into())
            }
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.tear == Some(0) {
            // Hyper drops unsent data when a body fails; a pause makes it send the data.
            if !std::mem::replace(&mut self.flushed, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(io::Error::other("torn on purpose"))));
        }
        let Some(mut piece) = self.next_piece() else {
            return Poll::Ready(None);
        };
        if let Some(left) = self.tear {
            piece.truncate(left);
            self.tear = Some(left - piece.len());
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces { .. } | Content::Filler(_) => SizeHint::default(),
        }
    }
}
