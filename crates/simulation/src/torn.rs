//! A body that breaks off after some bytes.
//!
//! Never here: how many.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

/// See the module.
pub(crate) struct Torn(pub(crate) Option<Bytes>);

impl Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = self.0.take().map(|bytes| Ok(Frame::data(bytes)));
        Poll::Ready(Some(next.unwrap_or_else(|| Err(io::ErrorKind::ConnectionReset.into()))))
    }
}
