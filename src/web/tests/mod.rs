//! The server over real sockets, byte by byte.
//!
//! Never here: sleeps. An expected event is awaited, and fails after [`PATIENCE`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use exporter_toolkit::WebSecurity;
use prometheus::{Registry, TextEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::metrics::{Body, Page, Request};
use crate::web::handlers::{Answer, Handlers, LandingPage, Link, Readiness, TelemetryPath};
use crate::web::meters::Meters;
use crate::web::serve;
use crate::web::settings::WebSettings;

mod abuse;
mod browser;
mod pages;
mod routes;
mod stop;
mod streaming;

/// Far longer than any wait here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A timeout that a test lets expire.
const SHORT: Duration = Duration::from_millis(50);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes far too long")
}

struct Running {
    address: SocketAddr,
    registry: Registry,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(site: Handlers, settings: WebSettings) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let security = Arc::new(WebSecurity::open());
        let task = tokio::spawn(serve(vec![listener], Arc::new(site), security, settings, meters, shutdown));
        Running { address, registry, stop: Some(stop), task }
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address)).await.unwrap()
    }

    /// A new connection on which `request` was sent.
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = self.connect().await;
        soon(stream.write_all(request.as_bytes())).await.unwrap();
        stream
    }

    /// One request on its own connection. `request` is its lines without the empty one.
    async fn ask(&self, request: &str) -> Reply {
        let stream = self.send(&format!("{request}\r\nHost: test\r\nConnection: close\r\n\r\n")).await;
        Reply::parse(&everything(stream).await)
    }

    async fn get(&self, target: &str) -> Reply {
        self.ask(&format!("GET {target} HTTP/1.1")).await
    }

    fn meter(&self, sample: &str) -> Option<String> {
        let page = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        page.lines().find_map(|line| line.strip_prefix(&format!("{sample} ")).map(str::to_owned))
    }

    async fn wait_for_meter(&self, sample: &str, value: &str) {
        soon(async {
            while self.meter(sample).as_deref() != Some(value) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// All bytes until the server closes or resets the connection.
async fn everything(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset ends the response like a close; the bytes before it count.
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    bytes
}

#[derive(Debug)]
struct Reply {
    status: u16,
    header: String,
    body: Vec<u8>,
}

impl Reply {
    /// Parses a response that ended with its connection; the chunks of a chunked body are joined.
    fn parse(bytes: &[u8]) -> Reply {
        let text = String::from_utf8_lossy(bytes);
        let end = text.find("\r\n\r\n").unwrap_or_else(|| panic!("no header in {text:?}"));
        let header = text[..end].to_owned();
        let status = header.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let mut reply = Reply { status, header, body: bytes[end + 4..].to_vec() };
        if reply.header("transfer-encoding") == Some("chunked") {
            reply.body = dechunked(&reply.body);
        }
        reply
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.header.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|pair| pair == b"\r\n").expect("a chunk's length");
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        rest = &rest[line + 2..];
        if length == 0 {
            assert_eq!(rest, b"\r\n", "the end of a chunked body");
            return body;
        }
        body.extend_from_slice(&rest[..length]);
        rest = &rest[length + 2..];
    }
}

/// A site whose metrics are `answer`'s, ready, without reload.
fn site(answer: impl Fn(Request) -> Answer<Result<Page, String>> + Send + Sync + 'static) -> Handlers {
    Handlers {
        landing: LandingPage {
            name: "masternode-exporter".to_owned(),
            version: "1.2.3".to_owned(),
            summary: "Shows <how close> a masternode is to a ban.".to_owned(),
            telemetry_path: TelemetryPath::default(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: vec![Link { target: "/api/v1/status".to_owned(), text: "Status".to_owned() }],
        },
        runbooks: &[("MasternodeX", "# MasternodeX\n")],
        metrics: Box::new(answer),
        api: None,
        ready: Box::new(Readiness::default),
        reload: None,
        maintenance: None,
        views: Box::new(Default::default),
    }
}

/// A site whose metrics are `pieces`.
fn page(pieces: &[&'static str]) -> Handlers {
    let pieces: Vec<Bytes> = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
    site(move |_| now(Ok(whole(pieces.clone()))))
}

fn whole(pieces: Vec<Bytes>) -> Page {
    Page { content_type: "text/plain; version=0.0.4", gzip: false, body: Body::Whole(pieces) }
}

fn stream(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Page {
    Page { body: Body::Stream(Box::new(pieces)), ..whole(Vec::new()) }
}

fn now<T: Send + 'static>(answer: T) -> Answer<T> {
    Box::pin(std::future::ready(answer))
}
