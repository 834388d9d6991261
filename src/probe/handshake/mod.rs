//! The exchange with one peer: our `version`, its `version`, both `verack`s, then an orderly close.
//!
//! Never here: establishing the connection; whether the peer's version is recent enough.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::probe::codec::{self, HEADER_LENGTH, Header, VERACK, VERSION, VERSION_LENGTH, Version};
use domain::probe::{Peer, ProbeError};

/// Most bytes that a peer may send before the handshake ends. Nodes send a few hundred.
const MOST_BYTES: u32 = 64 * 1024;

/// Longest wait for the peer to close its side of the connection.
const CLOSING: Duration = Duration::from_secs(1);

/// Our messages, and the deadline.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The first bytes of every message of the network.
    pub magic: [u8; 4],
    /// Our `version` message.
    pub version: Version,
    /// Deadline of the handshake.
    pub deadline: Instant,
}

/// Performs the handshake, whatever version the peer has. Reads and buffers only a bounded amount. The stream stays
/// open.
pub async fn handshake(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    greeting: &Greeting,
) -> Result<Peer, ProbeError> {
    timeout_at(greeting.deadline, talk(stream, greeting)).await.unwrap_or(Err(ProbeError::Timeout))
}

/// Closes our side and reads from the peer for a moment: discarding what it still sends would look like a crash.
pub(super) async fn close(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let end = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut buffer = [0; 1024];
        let mut left = MOST_BYTES as usize;
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            left = left.saturating_sub(count);
            if left == 0 {
                return;
            }
        }
    };
    // The peer may keep its side open for longer; ours is closed.
    let _ = timeout(CLOSING, end).await;
}

async fn talk(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), greeting: &Greeting) -> Result<Peer, ProbeError> {
    let mut left = MOST_BYTES;
    let mut peer = None;
    send(stream, &codec::message(greeting.magic, VERSION, &greeting.version.payload())).await?;
    loop {
        let header = header(stream, greeting.magic, &mut left).await?;
        match (header.command, &peer) {
            (VERSION, None) if header.length <= VERSION_LENGTH => {
                let payload = payload(stream, &header).await?;
                peer = Some(codec::peer(&payload).ok_or(ProbeError::Malformed)?);
                send(stream, &codec::message(greeting.magic, VERACK, &[])).await?;
            }
            (VERSION, _) => return Err(ProbeError::Malformed),
            (VERACK, Some(_)) if header.fits(&[]) => return peer.take().ok_or(ProbeError::Malformed),
            (VERACK, _) => return Err(ProbeError::Malformed),
            _ => skip(stream, header.length).await?,
        }
    }
}

/// The next header. The magic is checked first: a peer of another network may never send a complete header.
async fn header(stream: &mut (impl AsyncRead + Unpin), magic: [u8; 4], left: &mut u32) -> Result<Header, ProbeError> {
    let mut bytes = [0; HEADER_LENGTH];
    let (start, rest) = bytes.split_at_mut(magic.len());
    stream.read_exact(start).await.map_err(|error| failure(&error))?;
    if *start != magic {
        return Err(ProbeError::WrongMagic);
    }
    stream.read_exact(rest).await.map_err(|error| failure(&error))?;
    let header = Header::read(&bytes);
    let cost = header.length.saturating_add(HEADER_LENGTH as u32);
    *left = left.checked_sub(cost).ok_or(ProbeError::Malformed)?;
    Ok(header)
}

/// A payload that is kept; the caller has checked its length.
async fn payload(stream: &mut (impl AsyncRead + Unpin), header: &Header) -> Result<Vec<u8>, ProbeError> {
    let mut bytes = vec![0; header.length as usize];
    stream.read_exact(&mut bytes).await.map_err(|error| failure(&error))?;
    if header.fits(&bytes) { Ok(bytes) } else { Err(ProbeError::Malformed) }
}

async fn skip(stream: &mut (impl AsyncRead + Unpin), length: u32) -> Result<(), ProbeError> {
    let mut buffer = [0; 1024];
    let mut left = length as usize;
    while left > 0 {
        let piece = left.min(buffer.len());
        stream.read_exact(&mut buffer[..piece]).await.map_err(|error| failure(&error))?;
        left -= piece;
    }
    Ok(())
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> Result<(), ProbeError> {
    stream.write_all(message).await.map_err(|error| failure(&error))?;
    stream.flush().await.map_err(|error| failure(&error))
}

/// The outcome of an error on an open connection.
fn failure(error: &io::Error) -> ProbeError {
    match error.kind() {
        io::ErrorKind::TimedOut => ProbeError::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ProbeError::Unreachable,
        _ => ProbeError::Reset,
    }
}

#[cfg(test)]
mod tests;
