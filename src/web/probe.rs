//! One request to a running exporter, for the health check of a container.
//!
//! Never here: redirects, retries; whom a secret is shown to (`credentials`).

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::web::credentials::Credentials;
use crate::web::listen::ListenAddress;

/// Health answers are a few lines.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What the exporter answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthcheckReply {
    /// HTTP status code.
    pub status: u16,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum HealthcheckError {
    /// Nobody listens there.
    Connect(io::Error),
    /// Somebody does, but does not answer in HTTP, or with too much.
    Protocol(Box<dyn Error + Send + Sync>),
    /// It takes only clients with a certificate, and we have none.
    CertificateNeeded,
    /// It does not take the certificate that we have: what it said.
    CertificateRefused(AlertDescription),
    /// It has another certificate than whom we would show a secret to.
    Stranger,
    /// The time given is over.
    Timeout(Duration),
}

impl fmt::Display for HealthcheckError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthcheckError::Connect(cause) => write!(formatter, "cannot connect: {cause}"),
            HealthcheckError::Protocol(cause) => write!(formatter, "no proper answer: {cause}"),
            HealthcheckError::CertificateNeeded => formatter.write_str("asks for a certificate"),
            HealthcheckError::CertificateRefused(alert) => write!(formatter, "refuses the certificate: {alert:?}"),
            HealthcheckError::Stranger => formatter
                .write_str("shows another certificate than that of the web configuration, and was told nothing"),
            HealthcheckError::Timeout(timeout) => write!(formatter, "no answer within {timeout:?}"),
        }
    }
}

impl Error for HealthcheckError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            HealthcheckError::Connect(cause) => Some(cause),
            HealthcheckError::Protocol(cause) => Some(&**cause),
            HealthcheckError::CertificateNeeded
            | HealthcheckError::CertificateRefused(_)
            | HealthcheckError::Stranger
            | HealthcheckError::Timeout(_) => None,
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
    credentials: &Credentials,
    timeout: Duration,
) -> Result<HealthcheckReply, HealthcheckError> {
    let answer = connect(address, path, encrypted, credentials);
    tokio::time::timeout(timeout, answer).await.map_err(|_| HealthcheckError::Timeout(timeout))?
}

async fn connect(
    address: &ListenAddress,
    path: &str,
    encrypted: bool,
    credentials: &Credentials,
) -> Result<HealthcheckReply, HealthcheckError> {
    let mut request = Request::get(path).header(HOST, address.to_string()).header(CONNECTION, "close");
    if let Some(value) = credentials.authorization() {
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Empty::new()).map_err(protocol)?;
    let stream = TcpStream::connect(address.dial()).await.map_err(HealthcheckError::Connect)?;
    if !encrypted {
        return exchange(stream, request).await;
    }
    let config = credentials.tls_client().map_err(protocol)?;
    // Certificates of exporters are made out to this name more often than to any other; it is not held against them.
    let name = ServerName::try_from("localhost").map_err(protocol)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(protocol)?;
    exchange(stream, request).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Empty<Bytes>>,
) -> Result<HealthcheckReply, HealthcheckError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(protocol)?;
    // Ends with this function.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = match sender.send_request(request).await {
        Ok(response) => response,
        Err(error) => {
            // The connection may have learned why, and the request only that it is over.
            drop(sender);
            return Err(match driver.join_next().await {
                Some(Ok(Err(cause))) => protocol(cause),
                _ => protocol(error),
            });
        }
    };
    let status = response.status().as_u16();
    let body =
        Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await.map_err(HealthcheckError::Protocol)?;
    Ok(HealthcheckReply { status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
}

/// Of what went wrong, what the other side thinks of certificates, or we of its.
fn protocol(cause: impl Into<Box<dyn Error + Send + Sync>>) -> HealthcheckError {
    let cause = cause.into();
    match of_tls(&*cause) {
        Some(rustls::Error::AlertReceived(alert)) => match *alert {
            // TLS 1.3 has words for it (RFC 8446 §6.2), TLS 1.2 says only that the handshake failed.
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => {
                HealthcheckError::CertificateNeeded
            }
            alert if CERTIFICATE_REFUSED.contains(&alert) => HealthcheckError::CertificateRefused(alert),
            _ => HealthcheckError::Protocol(cause),
        },
        Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            HealthcheckError::Stranger
        }
        _ => HealthcheckError::Protocol(cause),
    }
}

/// What is said of a certificate that was shown (RFC 8446 §6.2).
const CERTIFICATE_REFUSED: [AlertDescription; 7] = [
    AlertDescription::AccessDenied,
    AlertDescription::BadCertificate,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::UnsupportedCertificate,
];

/// The error of TLS that is behind an error.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(found) = inner.or_else(|| error.downcast_ref()) {
            return Some(found);
        }
        cause = error.source();
    }
    None
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
            let reply = get(&address.into(), "/-/ready", false, &Credentials::default(), PATIENCE).await.unwrap();
            assert_eq!(reply, HealthcheckReply { status, body: body.to_owned() });
        }
    }

    #[tokio::test]
    async fn all_interfaces_are_probed_over_loopback() {
        let port = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()).await.port();
        let address = format!(":{port}").parse().unwrap();
        assert_eq!(get(&address, "/-/ready", false, &Credentials::default(), PATIENCE).await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn no_answer_has_its_reason() {
        let nothing = Credentials::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = get(&address.into(), "/", false, &nothing, Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(HealthcheckError::Timeout(_))), "{silent:?}");
        drop(listener);
        let nobody = get(&address.into(), "/", false, &nothing, PATIENCE).await;
        assert!(matches!(nobody, Err(HealthcheckError::Connect(_))), "{nobody:?}");
        let garbage = get(&answering("SSH-2.0-x\r\n".to_owned()).await.into(), "/", false, &nothing, PATIENCE).await;
        assert!(matches!(garbage, Err(HealthcheckError::Protocol(_))), "{garbage:?}");
        let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", "x".repeat(200_000));
        let endless = get(&answering(endless).await.into(), "/", false, &nothing, PATIENCE).await;
        assert!(matches!(endless, Err(HealthcheckError::Protocol(_))), "{endless:?}");
    }
}
