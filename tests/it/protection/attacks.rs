//! Unauthenticated clients: their effect on authenticated ones.
//!
//! Never here: limits of a server without protection; the server's own tests cover them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use masternode_exporter::cli::healthcheck::credentials::Credentials;
use masternode_exporter::cli::healthcheck::request;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::*;

const ATTACKERS: usize = 600;

/// Fewer than the attackers, and few enough that both ends of all connections fit the usual limit of open files.
const MAX_CONNECTIONS: usize = 128;

static PASSWORDS: AtomicUsize = AtomicUsize::new(0);

/// Sends another wrong password in each round, on a new connection if the old one was closed.
async fn attack(address: SocketAddr, mut rounds: watch::Receiver<u32>) {
    let mut open = None;
    let mut answer = [0; 1024];
    while rounds.changed().await.is_ok() {
        let mut stream = match open.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(address).await {
                Ok(stream) => stream,
                Err(_) => continue,
            },
        };
        let number = PASSWORDS.fetch_add(1, Ordering::Relaxed);
        let value = base64::engine::general_purpose::STANDARD.encode(format!("alice:{number}"));
        let request = format!("GET /metrics HTTP/1.1\r\nHost: t\r\nAuthorization: Basic {value}\r\n\r\n");
        if stream.write_all(request.as_bytes()).await.is_ok() && matches!(stream.read(&mut answer).await, Ok(1..)) {
            open = Some(stream);
        }
    }
}

/// Attackers of a server, and the trigger that makes all of them send at once.
struct Attack {
    _attackers: JoinSet<()>,
    rounds: watch::Sender<u32>,
}

impl Attack {
    /// The first round, until there are too many connections.
    async fn start(server: &Server) -> Attack {
        let rounds = watch::Sender::new(0);
        let mut attackers = JoinSet::new();
        for _ in 0..ATTACKERS {
            attackers.spawn(attack(server.address, rounds.subscribe()));
        }
        let attack = Attack { _attackers: attackers, rounds };
        attack.next_round();
        let closed = |what: &str| {
            let count = server.meter(&format!("masternode_exporter_http_connections_{what}_total"));
            count.map_or(0.0, |count| count.parse::<f64>().unwrap())
        };
        soon(async {
            while closed("displaced") + closed("rejected") < 100.0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        attack
    }

    fn next_round(&self) {
        self.rounds.send_modify(|round| *round += 1);
    }
}

/// The status of a scrape with the correct password on a new connection from this address.
async fn scrape(server: &Server, from: Ipv4Addr) -> Option<u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = soon(socket.connect(server.address)).await.ok()?;
    let request = format!("GET /metrics HTTP/1.1\r\n{ALICE}Host: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    status(&answer)
}

async fn start() -> Server {
    Server::start_with(&users(), WebSettings { max_connections: MAX_CONNECTIONS, ..WebSettings::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapes_and_health_checks_pass_between_600_connections_with_wrong_passwords() {
    let server = start().await;
    assert_eq!(scrape(&server, Ipv4Addr::LOCALHOST).await, Some(200));
    let attack = Attack::start(&server).await;
    let mut codes = Vec::new();
    for _ in 0..15 {
        attack.next_round();
        codes.push(scrape(&server, Ipv4Addr::LOCALHOST).await);
    }
    assert_eq!(codes, [Some(200); 15]);
    for _ in 0..8 {
        attack.next_round();
        let asked = request::get(&server.address.into(), "/-/healthy", false, &Credentials::default(), PATIENCE).await;
        assert_eq!(asked.unwrap().status, 401, "which is a sign of life");
    }
}

/// All of 127.0.0.0/8 is this host on Linux.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrape_from_another_address_passes_with_an_unchecked_password() {
    let server = start().await;
    let attack = Attack::start(&server).await;
    attack.next_round();
    assert_eq!(scrape(&server, Ipv4Addr::new(127, 0, 0, 2)).await, Some(200));
}

#[tokio::test]
async fn an_authenticated_connection_is_not_displaced_by_others() {
    let server = Server::start_with(&users(), WebSettings { max_connections: 4, ..WebSettings::default() }).await;
    let mut scraper = TcpStream::connect(server.address).await.unwrap();
    let mut ask = async || {
        scraper.write_all(format!("GET /metrics HTTP/1.1\r\n{ALICE}Host: t\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"page 1\n") {
            answer.push(soon(scraper.read_u8()).await.expect("the connection stays"));
        }
        status(&answer)
    };
    assert_eq!(ask().await, Some(200));
    let mut strangers = Vec::new();
    for _ in 0..40 {
        // Others send as many requests, and are refused.
        let mut stranger = TcpStream::connect(server.address).await.unwrap();
        for _ in 0..3 {
            stranger.write_all(b"GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
            let mut answer = [0; 1024];
            assert!(soon(stranger.read(&mut answer)).await.unwrap() > 0);
        }
        strangers.push(stranger);
    }
    assert_eq!(ask().await, Some(200));
}

#[tokio::test]
async fn unauthenticated_clients_do_not_use_the_rate_of_authenticated_ones() {
    let server = Server::start(&format!("{}rate_limit: {{interval: 1h, burst: 3}}\n", users())).await;
    let mut codes = Vec::new();
    // The first password was not checked before.
    for lines in [ALICE, "", "", "", "", ALICE, ALICE, ALICE, ALICE] {
        codes.push(status(server.plain(&format!("GET /metrics HTTP/1.1\r\n{lines}")).await.as_bytes()).unwrap());
    }
    assert_eq!(codes, [200, 401, 401, 429, 429, 200, 200, 200, 429]);
}

/// A connection with one answered request.
async fn used(server: &Server) -> TlsStream<TcpStream> {
    let mut stream = server.connect(server.client(None)).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"page 1\n") {
        answer.push(soon(stream.read_u8()).await.unwrap());
    }
    stream
}

const STRICT: &str = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n";

#[tokio::test]
async fn a_connection_from_before_certificates_were_required_is_closed() {
    let server = Server::start(TLS).await;
    let mut resting = used(&server).await;
    let mut half = used(&server).await;
    half.write_all(b"GET /metrics HTTP/1.1\r\n").await.unwrap();
    server.rewrite(&format!("{TLS}{STRICT}"));
    server.security.refresh(true).unwrap();
    let mut rest = Vec::new();
    let _ = soon(resting.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
    // The others may be too late.
    let _ = half.write_all(b"Host: localhost\r\n\r\n").await;
    let _ = soon(half.read_to_end(&mut rest)).await;
    assert!(matches!(status(&rest), None | Some(421)), "{}", String::from_utf8_lossy(&rest));
    assert_eq!(server.status(None, "GET /metrics HTTP/1.1\r\n").await, None);
    assert_eq!(server.status(Some("client"), "GET /metrics HTTP/1.1\r\n").await, Some(200));
}

#[tokio::test]
async fn a_file_without_client_certificates_is_used_only_if_it_stays_unchanged() {
    let server = Server::start(&format!("{TLS}{STRICT}")).await;
    server.rewrite(TLS);
    let refused = server.security.refresh(true).unwrap_err();
    assert!(refused.contains("client_auth_type is weaker"), "{refused}");
    assert_eq!(server.status(None, "GET /metrics HTTP/1.1\r\n").await, None);
    assert_eq!(server.meter("masternode_exporter_web_config_last_reload_successful").as_deref(), Some("0"));
    soon(async {
        while server.status(None, "GET /metrics HTTP/1.1\r\n").await != Some(200) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(server.meter("masternode_exporter_web_config_last_reload_successful").as_deref(), Some("1"));
}
