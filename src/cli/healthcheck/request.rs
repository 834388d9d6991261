//! One request to a running exporter.
//!
//! Never here: retries; which server gets a secret (`credentials`).

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::Method;
use reqwest::redirect::Policy;
use rustls::{AlertDescription, CertificateError};

use crate::cli::healthcheck::credentials::Credentials;
use crate::web::listen::ListenAddress;

/// Health responses are a few lines.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The response of the exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// The body; invalid UTF-8 is replaced.
    pub body: String,
}

/// Why there is no response.
#[derive(Debug)]
pub enum RequestError {
    /// No connection, or no HTTP response, or one that is too long.
    Failed(Box<dyn Error + Send + Sync>),
    /// The server requires a client certificate, and none is given.
    CertificateNeeded,
    /// The server rejects the certificate: its alert.
    CertificateRefused(AlertDescription),
    /// The server has a different certificate than the one to which secrets are sent.
    OtherServer,
    /// The timeout has passed.
    Timeout(Duration),
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Failed(cause) => write!(formatter, "no proper answer: {}", innermost(&**cause)),
            RequestError::CertificateNeeded => formatter.write_str("asks for a certificate"),
            RequestError::CertificateRefused(alert) => write!(formatter, "refuses the certificate: {alert:?}"),
            RequestError::OtherServer => formatter
                .write_str("shows another certificate than that of the web configuration; no credentials were sent"),
            RequestError::Timeout(timeout) => write!(formatter, "no answer within {timeout:?}"),
        }
    }
}

impl Error for RequestError {}

/// Gets `path` from an exporter on this host. `address` is the one that it listens on: all interfaces are reached over
/// loopback.
///
/// # Errors
/// If there is no complete response within `timeout`; any status is a response.
pub async fn get(
    address: &ListenAddress,
    path: &str,
    encrypted: bool,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<Reply, RequestError> {
    send((Method::GET, path, String::new()), address, encrypted, credentials, timeout).await
}

/// Sends a method, path and body, likewise.
///
/// # Errors
/// As [`get`].
pub async fn send(
    request: (Method, &str, String),
    address: &ListenAddress,
    encrypted: bool,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<Reply, RequestError> {
    let answer = answer(request, address, encrypted, credentials);
    tokio::time::timeout(timeout, answer).await.map_err(|_| RequestError::Timeout(timeout))?
}

async fn answer(
    (method, path, body): (Method, &str, String),
    address: &ListenAddress,
    encrypted: bool,
    credentials: &Credentials,
) -> Result<Reply, RequestError> {
    let tls = credentials.tls_client().map_err(failed)?;
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().redirect(Policy::none());
    let client = client.http1_only().build().map_err(failed)?;
    let scheme = if encrypted { "https" } else { "http" };
    let mut request = client.request(method, format!("{scheme}://{}{path}", address.dial())).body(body);
    if let Some((user, password)) = credentials.password() {
        request = request.basic_auth(user, Some(password));
    }
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY_BYTES {
            return Err(RequestError::Failed(format!("more than {MAX_BODY_BYTES} bytes").into()));
        }
    }
    Ok(Reply { status, body: String::from_utf8_lossy(&body).into_owned() })
}

/// An error as what the server says of our certificate, or we of the server's, where TLS is behind it.
fn failed(error: impl Error + Send + Sync + 'static) -> RequestError {
    match of_tls(&error) {
        Some(rustls::Error::AlertReceived(alert)) => match *alert {
            // TLS 1.3 has an alert for it (RFC 8446 §6.2), TLS 1.2 says only that the handshake failed.
            AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => {
                RequestError::CertificateNeeded
            }
            alert if CERTIFICATE_REFUSED.contains(&alert) => RequestError::CertificateRefused(alert),
            _ => RequestError::Failed(error.into()),
        },
        Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            RequestError::OtherServer
        }
        _ => RequestError::Failed(error.into()),
    }
}

/// TLS alerts about a sent certificate (RFC 8446 §6.2).
const CERTIFICATE_REFUSED: [AlertDescription; 7] = [
    AlertDescription::AccessDenied,
    AlertDescription::BadCertificate,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::UnsupportedCertificate,
];

/// An error and its causes. An I/O error does not return the error that it wraps as its source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    })
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

/// The TLS error behind an error.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|error| error.downcast_ref())
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
        for (status, body) in [(200, "Ready."), (503, "Not ready"), (301, "")] {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: {length}");
            let port = answering(format!("{head}\r\n\r\n{body}")).await.port();
            // All interfaces are reached over loopback.
            let address = format!(":{port}").parse().unwrap();
            let reply = get(&address, "/-/ready", false, &Credentials::default(), PATIENCE).await.unwrap();
            assert_eq!(reply, Reply { status, body: body.to_owned() });
        }
    }

    #[tokio::test]
    async fn no_answer_has_its_reason() {
        let nothing = Credentials::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = get(&address.into(), "/", false, &nothing, Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(RequestError::Timeout(_))), "{silent:?}");
        drop(listener);
        let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", "x".repeat(200_000));
        for (address, reason) in [
            (address, "refused"),
            (answering("SSH-2.0-x\r\n".to_owned()).await, "invalid HTTP version"),
            (answering(endless).await, "more than 65536 bytes"),
        ] {
            let error = get(&address.into(), "/", false, &nothing, PATIENCE).await.unwrap_err();
            assert!(matches!(error, RequestError::Failed(_)) && error.to_string().contains(reason), "{error:?}");
        }
    }
}
