//! The body of a response: complete bytes, or bytes that are produced while they are sent.
//!
//! Never here: copies of the bytes, queues of produced pieces.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

use crate::metrics::Body;
use crate::web::timeouts::RequestMark;

/// How long a streamed page holds its scrape permit.
const LONGEST_PLACE: Duration = Duration::from_secs(1);

/// The body type of all responses.
pub(super) struct Payload {
    source: Source,
    // Both are dropped when hyper has taken the last piece and drops the body.
    _place: Option<oneshot::Sender<()>>,
    _mark: Option<RequestMark>,
}

enum Source {
    Whole { pieces: VecDeque<Bytes>, remaining: u64 },
    Stream(Box<dyn Iterator<Item = Bytes> + Send>),
}

impl Payload {
    pub(super) fn new(body: Body) -> Payload {
        let source = match body {
            Body::Whole(pieces) => {
                let remaining = pieces.iter().map(|piece| piece.len() as u64).sum();
                Source::Whole { pieces: pieces.into(), remaining }
            }
            Body::Stream(pieces) => Source::Stream(pieces),
        };
        Payload { source, _place: None, _mark: None }
    }

    /// Holds a scrape permit until the last piece is taken, but only for a limited time: a client that reads slowly
    /// would block others. A complete page is shared and needs no permit.
    pub(super) fn occupying(self, permit: Option<OwnedSemaphorePermit>) -> Payload {
        let Some(permit) = permit.filter(|_| matches!(self.source, Source::Stream(_))) else { return self };
        let (place, taken) = oneshot::channel::<()>();
        tokio::spawn(async move {
            // Either the body is dropped or its time is over.
            let _ = timeout(LONGEST_PLACE, taken).await;
            drop(permit);
        });
        Payload { _place: Some(place), ..self }
    }

    /// Keeps the request open in the timer of its connection until the last piece is taken.
    pub(super) fn holding(self, mark: RequestMark) -> Payload {
        Payload { _mark: Some(mark), ..self }
    }

    /// Remaining bytes; `None` for a stream.
    fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Whole { remaining, .. } => Some(*remaining),
            Source::Stream(_) => None,
        }
    }
}

impl hyper::body::Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut self.get_mut().source {
            Source::Whole { pieces, remaining } => {
                let piece = pieces.pop_front();
                *remaining -= piece.as_ref().map_or(0, Bytes::len) as u64;
                piece
            }
            Source::Stream(pieces) => pieces.next(),
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
