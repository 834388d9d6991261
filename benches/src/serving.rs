//! A page over loopback: through the exporter's server, and through a bare socket that writes the same bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::{NetworkState, UnixSeconds};
use masternode_exporter::metrics::{self, Exposition};
use masternode_exporter::web;
use masternode_exporter::web::api::{Api, Firing};
use masternode_exporter::web::handlers::{Handlers, LandingPage, Readiness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts the exporter's server on an exposition; its settings determine whether a page is rendered while it is sent.
pub async fn ours(exposition: Arc<Exposition>) -> SocketAddr {
    serve(exposition, None).await
}

/// Starts the exporter's server with its pages and API of one network.
pub async fn with_api(state: Arc<NetworkState>) -> SocketAddr {
    let settings = metrics::MetricsSettings::default();
    let exposition = Exposition::new(settings, prometheus::Registry::new());
    let api = Api {
        version: String::new(),
        networks: Box::new(move || vec![state.clone()]),
        alerts: Box::new(|_, _| Firing { critical: 0, warning: 0, alerts: Vec::new() }),
        history: None,
        clock: || UnixSeconds(1_795_000_000),
        is_restricted: false,
    };
    serve(exposition, Some(Arc::new(api))).await
}

async fn serve(exposition: Arc<Exposition>, api: Option<Arc<Api>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has room");
    let address = listener.local_addr().expect("it is bound");
    let site = Handlers {
        api,
        landing: LandingPage {
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            telemetry_path: Default::default(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: Vec::new(),
        },
        runbooks: &[],
        metrics: Box::new(move |request| {
            let exposition = exposition.clone();
            let gzip = request.gzip;
            Box::pin(async move { Ok(exposition.page(metrics::Request { gzip, ..metrics::Request::default() }).await) })
        }),
        ready: Box::new(Readiness::default),
        reload: None,
        maintenance: None,
        views: Box::new(Default::default),
    };
    let meters = web::meters::Meters::new(&prometheus::Registry::new());
    let security = Arc::new(exporter_toolkit::WebSecurity::open());
    tokio::spawn(web::serve(
        vec![listener],
        Arc::new(site),
        security,
        Default::default(),
        meters,
        std::future::pending(),
    ));
    address
}

/// Starts a bare socket that answers each request with the same bytes.
pub async fn bare(page: Bytes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has room");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let page = page.clone();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                while matches!(stream.read(&mut request).await, Ok(1..)) {
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", page.len());
                    if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(&page).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A client that keeps its connection.
pub struct Scraper {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Scraper {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Scraper {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Scraper { stream, buffer: vec![0; 1 << 20] }
    }

    /// Requests the page of metrics and reads it to its end. Returns the number of bytes.
    pub async fn scrape(&mut self) -> usize {
        self.get("/metrics").await
    }

    /// Requests a path and reads the answer to its end. Returns the number of bytes.
    pub async fn get(&mut self, path: &str) -> usize {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
        let (mut total, mut expected, mut chunked) = (0, usize::MAX, false);
        while total < expected {
            let read = self.stream.read(&mut self.buffer).await.expect("the server writes");
            assert!(read > 0, "the server closed early");
            if total == 0 {
                let head_end =
                    self.buffer[..read].windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
                let head = String::from_utf8_lossy(&self.buffer[..head_end]).to_lowercase();
                match head.split("content-length: ").nth(1) {
                    Some(length) => {
                        expected =
                            head_end + length.split('\r').next().expect("a line").parse::<usize>().expect("a number")
                    }
                    None => chunked = true,
                }
            }
            total += read;
            if chunked && self.buffer[..read].ends_with(b"0\r\n\r\n") {
                return total;
            }
        }
        total
    }
}
