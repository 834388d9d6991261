//! A page over loopback: through the exporter's server, and through a bare socket that writes the same bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use masternode_exporter::metrics::{self, Exposition};
use masternode_exporter::web;
use masternode_exporter::web::handlers::{Handlers, LandingPage, Readiness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts the exporter's server on an exposition; its settings determine whether a page is rendered while it is sent.
pub async fn ours(exposition: Arc<Exposition>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has room");
    let address = listener.local_addr().expect("it is bound");
    let site = Handlers {
        api: None,
        landing: LandingPage {
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            telemetry_path: Default::default(),
            path_prefix: String::new(),
            links: Vec::new(),
        },
        runbooks: &[],
        metrics: Box::new(move |_| {
            let exposition = exposition.clone();
            Box::pin(async move { Ok(exposition.page(metrics::Request::default()).await) })
        }),
        ready: Box::new(Readiness::default),
        reload: None,
    };
    let meters = web::meters::Meters::new(&prometheus::Registry::new()).expect("an empty registry takes them");
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

    /// Requests the page and reads it to its end. Returns the number of bytes.
    pub async fn scrape(&mut self) -> usize {
        self.stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("the server reads");
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
