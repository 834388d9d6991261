//! One request to a running exporter, for the health check of a container.
//!
//! Never here: TLS, redirects, retries.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::web::listen::ListenAddress;

/// Health answers are a few lines.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What the exporter answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReply {
    /// HTTP status code.
    pub status: u16,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ProbeError {
    /// Nobody listens there.
    Connect(io::Error),
    /// Somebody does, but does not answer in HTTP, or with too much.
    Protocol(Box<dyn Error + Send + Sync>),
    /// The time given is over.
    Timeout(Duration),
}

impl fmt::Display for ProbeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeError::Connect(cause) => write!(formatter, "cannot connect: {cause}"),
            ProbeError::Protocol(cause) => write!(formatter, "no proper answer: {cause}"),
            ProbeError::Timeout(timeout) => write!(formatter, "no answer within {timeout:?}"),
        }
    }
}

impl Error for ProbeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ProbeError::Connect(cause) => Some(cause),
            ProbeError::Protocol(cause) => Some(&**cause),
            ProbeError::Timeout(_) => None,
        }
    }
}

/// Gets `path` from an exporter on this host. `address` is the one it was told to listen on: all interfaces are probed
/// over loopback.
///
/// # Errors
/// When there is no complete answer within `timeout`; any status is an answer.
pub async fn get(address: &ListenAddress, path: &str, timeout: Duration) -> Result<ProbeReply, ProbeError> {
    tokio::time::timeout(timeout, exchange(address, path)).await.map_err(|_| ProbeError::Timeout(timeout))?
}

async fn exchange(address: &ListenAddress, path: &str) -> Result<ProbeReply, ProbeError> {
    let stream = TcpStream::connect(address.dial()).await.map_err(ProbeError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(protocol)?;
    // Ends with this function.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(protocol)?;
    let response = sender.send_request(request).await.map_err(protocol)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await.map_err(ProbeError::Protocol)?;
    Ok(ProbeReply { status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
}

fn protocol(cause: impl Into<Box<dyn Error + Send + Sync>>) -> ProbeError {
    ProbeError::Protocol(cause.into())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Answers one connection with `answer` after its request, then keeps it open.
    async fn answering(answer: String) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let _ = stream.write_all(answer.as_bytes()).await;
            std::future::pending::<()>().await;
        });
        address
    }

    #[tokio::test]
    async fn any_status_is_an_answer() {
        for (status, body) in [(200, "Ready."), (503, "Not ready")] {
            let length = body.len();
            let address = answering(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")).await;
            let reply = get(&address.into(), "/-/ready", PATIENCE).await.unwrap();
            assert_eq!(reply, ProbeReply { status, body: body.to_owned() });
        }
    }

    #[tokio::test]
    async fn all_interfaces_are_probed_over_loopback() {
        let port = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()).await.port();
        let address = format!(":{port}").parse().unwrap();
        assert_eq!(get(&address, "/-/ready", PATIENCE).await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn no_answer_has_its_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = get(&address.into(), "/", Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(ProbeError::Timeout(_))), "{silent:?}");
        drop(listener);
        let nobody = get(&address.into(), "/", PATIENCE).await;
        assert!(matches!(nobody, Err(ProbeError::Connect(_))), "{nobody:?}");
        let garbage = get(&answering("SSH-2.0-x\r\n".to_owned()).await.into(), "/", PATIENCE).await;
        assert!(matches!(garbage, Err(ProbeError::Protocol(_))), "{garbage:?}");
        let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", "x".repeat(200_000));
        let endless = get(&answering(endless).await.into(), "/", PATIENCE).await;
        assert!(matches!(endless, Err(ProbeError::Protocol(_))), "{endless:?}");
    }
}
