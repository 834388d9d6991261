//! Bytes of a client, to the server as it runs: it answers in HTTP or closes, and the next client is answered.
//!
//! Never here: what an answer says (`question`); encryption.

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

/// Far more than any answer takes, far less than the server's own patience with a silent client.
const PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    /// The server runs while a client waits, on the client's own thread, so that the same bytes take the same way.
    static SERVER: (Runtime, SocketAddr) = start();
}

fn start() -> (Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound");
    let meters = Meters::new(&prometheus::Registry::new()).expect("an empty registry takes them");
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
        // What the server has refused already need not be sent to the end.
        let _ = to.write_all(bytes).await;
        let _ = to.shutdown().await;
    };
    let receive = async {
        // A reset ends an answer as well as a close.
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
