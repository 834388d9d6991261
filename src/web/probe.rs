//! One request to a running exporter, for the health check of a container.
//!
//! Of an encrypted one it takes any certificate: it asks this host whether somebody is alive, tells no secret, and must not
//! call an exporter dead whose certificate ran out.
//!
//! Never here: redirects, retries, passwords.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::web::guard::anybody;
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
    /// It takes only clients with a certificate, and we have none.
    CertificateNeeded,
    /// The time given is over.
    Timeout(Duration),
}

impl fmt::Display for ProbeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeError::Connect(cause) => write!(formatter, "cannot connect: {cause}"),
            ProbeError::Protocol(cause) => write!(formatter, "no proper answer: {cause}"),
            ProbeError::CertificateNeeded => formatter.write_str("asks for a certificate"),
            ProbeError::Timeout(timeout) => write!(formatter, "no answer within {timeout:?}"),
        }
    }
}

impl Error for ProbeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ProbeError::Connect(cause) => Some(cause),
            ProbeError::Protocol(cause) => Some(&**cause),
            ProbeError::CertificateNeeded | ProbeError::Timeout(_) => None,
        }
    }
}

/// Gets `path` from an exporter on this host. `address` is the one it was told to listen on: all interfaces are probed
/// over loopback.
///
/// # Errors
/// When there is no complete answer within `timeout`; any status is an answer.
pub async fn get(
    address: &ListenAddress,
    path: &str,
    encrypted: bool,
    timeout: Duration,
) -> Result<ProbeReply, ProbeError> {
    tokio::time::timeout(timeout, connect(address, path, encrypted)).await.map_err(|_| ProbeError::Timeout(timeout))?
}

async fn connect(address: &ListenAddress, path: &str, encrypted: bool) -> Result<ProbeReply, ProbeError> {
    let stream = TcpStream::connect(address.dial()).await.map_err(ProbeError::Connect)?;
    if !encrypted {
        return exchange(stream, address, path).await;
    }
    let config = anybody::client().map_err(protocol)?;
    // Certificates of exporters are made out to this name more often than to any other; it is not held against them.
    let name = ServerName::try_from("localhost").map_err(protocol)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(protocol)?;
    exchange(stream, address, path).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    address: &ListenAddress,
    path: &str,
) -> Result<ProbeReply, ProbeError> {
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
    let cause = cause.into();
    if asks_for_certificate(&*cause) { ProbeError::CertificateNeeded } else { ProbeError::Protocol(cause) }
}

/// Whether the other side ended it because we showed no certificate: TLS 1.3 has words for it (RFC 8446 §6.2), TLS 1.2
/// says only that the handshake failed.
fn asks_for_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = inner.or_else(|| error.downcast_ref()) {
            return matches!(alert, AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure);
        }
        cause = error.source();
    }
    false
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
            let reply = get(&address.into(), "/-/ready", false, PATIENCE).await.unwrap();
            assert_eq!(reply, ProbeReply { status, body: body.to_owned() });
        }
    }

    #[tokio::test]
    async fn all_interfaces_are_probed_over_loopback() {
        let port = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()).await.port();
        let address = format!(":{port}").parse().unwrap();
        assert_eq!(get(&address, "/-/ready", false, PATIENCE).await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn no_answer_has_its_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = get(&address.into(), "/", false, Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(ProbeError::Timeout(_))), "{silent:?}");
        drop(listener);
        let nobody = get(&address.into(), "/", false, PATIENCE).await;
        assert!(matches!(nobody, Err(ProbeError::Connect(_))), "{nobody:?}");
        let garbage = get(&answering("SSH-2.0-x\r\n".to_owned()).await.into(), "/", false, PATIENCE).await;
        assert!(matches!(garbage, Err(ProbeError::Protocol(_))), "{garbage:?}");
        let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", "x".repeat(200_000));
        let endless = get(&answering(endless).await.into(), "/", false, PATIENCE).await;
        assert!(matches!(endless, Err(ProbeError::Protocol(_))), "{endless:?}");
    }
}
