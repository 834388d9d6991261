//! A protected server over real sockets: which clients can access which page, and which settings can change at run
//! time.
//!
//! Reading order: this file, then `attacks`, then `health_check`.
//!
//! Never here: limits of unprotected connections; the server's own tests cover them.

mod attacks;
mod health_check;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use exporter_toolkit::{WebSecurity, web_config};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use masternode_exporter::metrics::{Body, Page};
use masternode_exporter::web;
use masternode_exporter::web::handlers::{Handlers, LandingPage, Readiness, TelemetryPath};
use masternode_exporter::web::meters::Meters;
use masternode_exporter::web::settings::WebSettings;
use prometheus::{Registry, TextEncoder};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ProtocolVersion, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::certificates;

const PATIENCE: Duration = Duration::from_secs(20);

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// `alice` with the password "secret", at the lowest cost.
fn users() -> String {
    format!("basic_auth_users: {{alice: {}}}\n", bcrypt::hash("secret", 4).unwrap())
}

/// "alice:secret".
const ALICE: &str = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";

struct Server {
    folder: TempDir,
    address: std::net::SocketAddr,
    security: Arc<WebSecurity>,
    registry: Registry,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(file: &str) -> Server {
        Server::start_with(file, WebSettings::default()).await
    }

    async fn start_with(file: &str, settings: WebSettings) -> Server {
        let folder = tempfile::tempdir().unwrap();
        certificates::write(folder.path());
        let path = folder.path().join("web.yml");
        std::fs::write(&path, file).unwrap();
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let counted = meters.clone();
        let observer = Box::new(move |good| counted.web_config_loaded(good));
        let security = Arc::new(WebSecurity::new(Box::new(move || web_config::read(&path)), observer).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve =
            web::serve(vec![listener], Arc::new(site()), security.clone(), settings, meters, std::future::pending());
        Server { address, security, registry, task: tokio::spawn(serve), folder }
    }

    fn rewrite(&self, file: &str) {
        std::fs::write(self.folder.path().join("web.yml"), file).unwrap();
    }

    /// A client with the certificate of this name.
    fn client(&self, shows: Option<&str>) -> ClientConfig {
        client(self.folder.path(), shows)
    }

    /// An encrypted connection, or the error. In TLS 1.3 the server refuses a client's certificate later.
    async fn connect(&self, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }

    /// Status of an answer over an encrypted connection; `None` without an answer.
    async fn status(&self, shows: Option<&str>, request: &str) -> Option<u16> {
        let mut stream = self.connect(self.client(shows)).await.ok()?;
        let header = "Host: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("{request}{header}").as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        // A refusal ends the connection with an error.
        let _ = soon(stream.read_to_end(&mut answer)).await;
        status(&answer)
    }

    /// The answer over an unencrypted connection.
    async fn plain(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let header = "Host: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("{request}{header}").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn meter(&self, name: &str) -> Option<String> {
        let page = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_string))
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    String::from_utf8_lossy(answer).split(' ').nth(1)?.parse().ok()
}

fn client(folder: &Path, shows: Option<&str>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("servers.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    match shows {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(folder.join(format!("{name}.crt"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    }
}

fn site() -> Handlers {
    let body = || Body::Whole(vec![Bytes::from_static(b"page 1\n")]);
    Handlers {
        landing: LandingPage {
            name: "exporter".into(),
            version: "1".into(),
            summary: "…".into(),
            telemetry_path: TelemetryPath::default(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: vec![],
        },
        runbooks: &[],
        metrics: Box::new(move |_| {
            let reply = Page { content_type: "text/plain; version=0.0.4", gzip: false, body: body() };
            Box::pin(std::future::ready(Ok(reply)))
        }),
        api: None,
        ready: Box::new(Readiness::default),
        reload: None,
        maintenance: None,
        views: Box::new(Default::default),
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes far too long")
}

#[tokio::test]
async fn http2_is_used_if_offered_and_a_connection_serves_many_requests() {
    let server = Server::start(TLS).await;
    let mut config = server.client(None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = server.connect(config.clone()).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        soon(hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let asked: Vec<_> = (0..5)
            .map(|_| {
                let request = Request::get("https://localhost/metrics").body(Empty::<Bytes>::new()).unwrap();
                sender.send_request(request)
            })
            .collect();
        for answer in asked {
            let answer = soon(answer).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(soon(answer.into_body().collect()).await.unwrap().to_bytes(), "page 1\n");
        }
    }
    assert_eq!(server.meter("masternode_exporter_http_connections").as_deref(), Some("1"));

    let without = Server::start(&format!("{TLS}http_server_config: {{http2: false}}\n")).await;
    config = without.client(None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = without.connect(config).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn every_route_requires_a_password_and_sends_the_configured_headers() {
    let headers = "http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: sandbox}}\n";
    let server = Server::start(&format!("{}{headers}", users())).await;
    for path in ["/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/api/v1/status", "/nothing"] {
        let refused = server.plain(&format!("GET {path} HTTP/1.1\r\n")).await;
        assert!(refused.starts_with("HTTP/1.1 401 "), "{path}: {refused}");
        let refused = refused.to_ascii_lowercase();
        assert!(refused.contains("www-authenticate: basic realm="), "{path}: {refused}");
        assert!(refused.contains("x-frame-options: deny") && refused.contains("content-security-policy: sandbox"));
        let wrong = server.plain(&format!("GET {path} HTTP/1.1\r\nAuthorization: Basic YWxpY2U6d3Jvbmc=\r\n")).await;
        assert!(wrong.starts_with("HTTP/1.1 401 "), "{path}: {wrong}");
        let answer = server.plain(&format!("GET {path} HTTP/1.1\r\n{ALICE}")).await;
        assert!(!answer.starts_with("HTTP/1.1 401 "), "{path}: {answer}");
        let answer = answer.to_ascii_lowercase();
        assert_eq!(answer.matches("content-security-policy: ").count(), 1, "ours gives way: {answer}");
        assert!(answer.contains("content-security-policy: sandbox"), "{path}: {answer}");
    }
    assert!(server.plain(&format!("GET /metrics HTTP/1.1\r\n{ALICE}")).await.ends_with("page 1\n"));
}

#[tokio::test]
async fn a_client_is_accepted_by_its_certificate_according_to_the_policy() {
    let verified = "client_ca_file: clients.crt\n";
    let named = "client_ca_file: clients.crt\n  client_allowed_sans: ";
    // policy, other settings, then which are accepted: no certificate, the client's, the stranger's.
    let table = [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", verified, [true, true, false]),
        ("RequireAndVerifyClientCert", verified, [false, true, false]),
        ("RequireAndVerifyClientCert", "", [false, false, false]),
        ("RequireAndVerifyClientCert", &format!("{named}[other, prometheus.example]\n"), [false, true, false]),
        ("RequireAndVerifyClientCert", &format!("{named}[192.0.2.7]\n"), [false, true, false]),
        ("RequireAndVerifyClientCert", &format!("{named}[Prometheus.example, example]\n"), [false, false, false]),
        ("RequireAnyClientCert", "client_allowed_sans: [stranger.example]\n", [false, false, true]),
    ];
    for (policy, more, expected) in table {
        let server = Server::start(&format!("{TLS}  client_auth_type: {policy}\n  {more}")).await;
        let mut seen = [false; 3];
        for (shows, seen) in [None, Some("client"), Some("stranger")].into_iter().zip(&mut seen) {
            *seen = server.status(shows, "GET /metrics HTTP/1.1\r\n").await == Some(200);
        }
        assert_eq!(seen, expected, "{policy} {more}");
        let failed = expected.iter().filter(|good| !**good).count().to_string();
        assert_eq!(server.meter("masternode_exporter_http_tls_handshakes_failed_total"), Some(failed), "{policy}");
    }
}

#[tokio::test]
async fn a_refused_client_that_began_a_request_can_read_the_reason() {
    let policy = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n";
    let server = Server::start(&format!("{TLS}{policy}")).await;
    let mut stream = server.connect(server.client(None)).await.unwrap();
    // In version 1.2 the handshake ends only after the client is accepted.
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    // More than the server reads from the socket before it refuses.
    stream.write_all(&[b'x'; 12 * 1024]).await.unwrap();
    let (mut socket, mut session) = stream.into_inner();
    let mut answer = Vec::new();
    soon(socket.read_to_end(&mut answer)).await.expect("the connection is closed and not reset");
    let mut answer = answer.as_slice();
    let refused = loop {
        assert_ne!(session.read_tls(&mut answer).unwrap(), 0, "no reason was given");
        if let Err(error) = session.process_new_packets() {
            break error;
        }
    };
    assert_eq!(refused, rustls::Error::AlertReceived(AlertDescription::CertificateRequired));
}

#[tokio::test]
async fn a_client_that_is_its_own_authority_is_accepted_by_its_certificate() {
    let policy = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: own.crt\n";
    let server = Server::start(&format!("{TLS}{policy}")).await;
    assert_eq!(server.status(Some("own"), "GET / HTTP/1.1\r\n").await, Some(200));
    assert_eq!(server.status(Some("client"), "GET / HTTP/1.1\r\n").await, None);
}

#[tokio::test]
async fn a_request_beyond_the_rate_is_refused() {
    let server = Server::start("rate_limit: {interval: 1h, burst: 3}\n").await;
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(status(server.plain("GET /metrics HTTP/1.1\r\n").await.as_bytes()));
    }
    assert_eq!(codes, [Some(200), Some(200), Some(200), Some(429), Some(429)]);
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_or_a_signal() {
    let server = Server::start(TLS).await;
    let old = server.client(None);
    assert!(server.connect(old.clone()).await.is_ok());
    certificates::write_server(server.folder.path());
    let new = server.client(None);
    soon(async {
        while server.connect(new.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(server.connect(old).await.is_err(), "the old authority did not sign it");
    assert_eq!(server.meter("masternode_exporter_web_config_last_reload_successful").as_deref(), Some("1"));
}

#[tokio::test]
async fn invalid_settings_change_nothing_and_protection_is_not_removed() {
    let (first, other) = (format!("{TLS}{}", users()), bcrypt::hash("other", 4).unwrap());
    let server = Server::start(&first).await;
    let request = format!("GET /metrics HTTP/1.1\r\n{ALICE}");
    for (bad, why) in [
        ("tls_server_config: {cert_file: absent}\n".to_string(), "absent"),
        (String::new(), "tls_server_config is gone"),
        (TLS.to_string(), "basic_auth_users is gone"),
        ("basic_auth_users: {alice: wrong}\n".to_string(), "not a bcrypt hash"),
    ] {
        server.rewrite(&bad);
        let error = server.security.refresh(true).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert_eq!(server.status(None, &request).await, Some(200), "{bad}");
        assert_eq!(server.status(None, "GET /metrics HTTP/1.1\r\n").await, Some(401), "{bad}");
        assert_eq!(server.meter("masternode_exporter_web_config_last_reload_successful").as_deref(), Some("0"));
    }
    server.rewrite(&format!("{TLS}basic_auth_users: {{alice: {other}}}\n"));
    server.security.refresh(true).unwrap();
    assert_eq!(server.status(None, &request).await, Some(401), "the old password is forgotten");
    assert_eq!(server.meter("masternode_exporter_web_config_last_reload_successful").as_deref(), Some("1"));
}

#[tokio::test]
async fn an_endless_handshake_is_closed_after_the_header_timeout() {
    let header_timeout = Duration::from_millis(50);
    let server = Server::start_with(TLS, WebSettings { header_timeout, ..WebSettings::default() }).await;
    // Nothing; the beginning of a handshake; other bytes.
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert_eq!(status(&rest), None, "{rest:?}");
    }
    // A handshake, and then nothing.
    let mut stream = server.connect(server.client(None)).await.unwrap();
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
    assert_eq!(server.meter("masternode_exporter_http_tls_handshakes_failed_total").as_deref(), Some("3"));
}
