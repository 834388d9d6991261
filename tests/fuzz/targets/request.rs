//! Bytes of a client to the running server: it sends an HTTP response or closes, and the next client gets an answer.
//!
//! Never here: the content of an answer (`question`); encryption.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use masternode_exporter::web;
use masternode_exporter::web::meters::Meters;
use masternode_exporter::web::settings::WebSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::common;

/// Far more than any answer takes, and far less than the server's timeout for a silent client.
const PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    /// The server runs on the client's thread while the client waits, so that the same bytes take the same path.
    static SERVER: (Runtime, SocketAddr) = start();
}

fn start() -> (Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound");
    let meters = Meters::new(&prometheus::Registry::new());
    let security = Arc::new(exporter_toolkit::WebSecurity::open());
    let site = Arc::new(common::site(None));
    runtime.spawn(web::serve(vec![listener], site, security, WebSettings::default(), meters, std::future::pending()));
    (runtime, address)
}

/// See the module.
pub fn run(input: &[u8]) {
    SERVER.with(|(runtime, address)| {
        runtime.block_on(async {
            let answer = tokio::time::timeout(PATIENCE, talk(*address, input)).await.expect("it answers or closes");
            check(&answer);
        });
    });
}

async fn talk(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.expect("the server is alive");
    let (mut from, mut to) = stream.into_split();
    let mut answer = Vec::new();
    let send = async {
        // A refused request need not be sent to its end.
        let _ = to.write_all(bytes).await;
        let _ = to.shutdown().await;
    };
    let receive = async {
        // A reset ends an answer like a close.
        let _ = from.read_to_end(&mut answer).await;
    };
    tokio::join!(send, receive);
    answer
}

fn check(answer: &[u8]) {
    if answer.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(&answer[..answer.len().min(200)]);
    assert!(answer.starts_with(b"HTTP/1.1 ") || answer.starts_with(b"HTTP/1.0 "), "not an answer: {text}");
    let status: u16 = text[9..].split([' ', '\r']).next().and_then(|code| code.parse().ok()).expect("a status");
    assert!([100, 200, 400, 401, 403, 404, 405, 409, 413, 414, 431, 501, 503, 505].contains(&status), "{text}");
}
