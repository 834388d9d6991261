//! Proxies and certificate authorities, of receivers and of sources.

use std::sync::Arc;
use std::time::Duration;

use masternode_exporter::alerting::settings::{Kind, Receiver};
use masternode_exporter::meters::Meters;
use masternode_exporter::outbound::{Authorities, ClientCertificate, Outbound};
use masternode_exporter::rpc::{Client, Credentials, ErrorKind, RpcSettings};
use masternode_exporter::secret::Secret;
use prometheus::Registry;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::push::{FakeReceiver, TestEngine, at_once, has, text};
use crate::support::harness::{Stage, fail};

/// A proxy on loopback that connects every tunnel to one address, and answers plain requests itself.
struct Proxy {
    address: Secret,
    requests: watch::Receiver<Vec<String>>,
    _task: tokio::task::JoinHandle<()>,
}

async fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap_or(0) > 0 {
        read.push(byte[0]);
    }
    String::from_utf8(read).unwrap()
}

impl Proxy {
    async fn start(target: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Secret::new(format!("http://user:hunter2@{}", listener.local_addr().unwrap()));
        let (sender, requests) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (sender, target) = (sender.clone(), target.clone());
                tokio::spawn(async move {
                    let request = head(&mut stream).await;
                    let is_tunnel = request.starts_with("CONNECT ");
                    sender.send_modify(|all| all.push(request));
                    if is_tunnel {
                        let mut other = TcpStream::connect(target).await.unwrap();
                        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
                    } else {
                        let _ = stream
                            .write_all(b"HTTP/1.1 204 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                            .await;
                    }
                });
            }
        });
        Proxy { address, requests, _task: task }
    }

    async fn wait(&self, beginning: &str) -> Vec<String> {
        let mut requests = self.requests.clone();
        let fits = |all: &Vec<String>| all.iter().any(|request| request.starts_with(beginning));
        match timeout(Duration::from_secs(30), requests.wait_for(fits)).await {
            Ok(all) => all.unwrap().clone(),
            Err(_) => panic!("{beginning:?} was not requested; got {:#?}", self.requests.borrow()),
        }
    }
}

/// A server of HTTPS that answers 200 with a hash to everything. Returns its port and its certificate.
async fn https_server() -> (u16, String, watch::Receiver<usize>, tokio::task::JoinHandle<()>) {
    https_server_for(None).await
}

/// The same, which requires a client with this certificate.
async fn https_server_for(
    client: Option<CertificateDer<'static>>,
) -> (u16, String, watch::Receiver<usize>, tokio::task::JoinHandle<()>) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = match client {
        None => rustls::ServerConfig::builder().with_no_client_auth(),
        Some(client) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(client).unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            rustls::ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let config = config.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, count) = watch::channel(0);
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut chunk = [0; 65_536];
            let _ = stream.read(&mut chunk).await;
            sender.send_modify(|count| *count += 1);
            let hash = "ab".repeat(32);
            let body = format!(r#"{{"result":"{hash}","error":null,"id":"x"}}"#);
            let answer =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, signed.cert.pem(), count, task)
}

fn through(proxy: Option<&Proxy>, authorities: Option<&str>) -> Outbound {
    Outbound {
        proxy: proxy.map(|proxy| proxy.address.clone()),
        authorities: authorities.map(|pem| Authorities::new(pem).unwrap()),
        certificate: None,
        transport: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_reached_through_its_proxy_and_trusted_by_its_authorities_only() {
    let mut stage = Stage::following().await;
    let (port, certificate, mut count, _task) = https_server().await;
    let proxy = Proxy::start(format!("127.0.0.1:{port}")).await;
    let direct = FakeReceiver::start().await;
    let address = text(&format!("https://localhost:{port}/hook"));
    let receivers = vec![
        Receiver {
            address: text("http://receiver.invalid/hook"),
            outbound: through(Some(&proxy), None),
            ..direct.settings("plain", Kind::Generic)
        },
        Receiver {
            address: address.clone(),
            outbound: through(Some(&proxy), Some(&certificate)),
            ..direct.settings("tunnel", Kind::Generic)
        },
        Receiver { address, outbound: through(None, None), ..direct.settings("unknown", Kind::Generic) },
        direct.settings("direct", Kind::Generic),
    ];
    let settings = at_once(receivers);
    assert!(!format!("{settings:?}").contains("hunter2"));
    let mut exporter = TestEngine::new(None);
    exporter.engine.reconfigure(&settings).await;
    let masternode = stage.masternode(0);
    stage.mine(&[fail(&masternode, 2)]).await;
    exporter.see(stage.snapshot());
    direct.wait("the ban", |got| has(got, "MasternodePoSeBanned", "firing")).await;
    let all = proxy.wait("POST http://receiver.invalid/hook ").await;
    // base64 of "user:hunter2"
    assert!(
        all.iter().all(|request| request.to_lowercase().contains("proxy-authorization: basic dxnlcjpodw50zxiy")),
        "{all:#?}"
    );
    proxy.wait(&format!("CONNECT localhost:{port} ")).await;
    timeout(Duration::from_secs(30), count.wait_for(|count| *count > 0)).await.unwrap().unwrap();
    for (name, outcome) in [("plain", "delivered"), ("tunnel", "delivered"), ("unknown", "failed")] {
        exporter.noted(outcome, name, 1).await;
    }
    exporter.engine.stop().await;
}

fn source(port: u16, outbound: Outbound) -> Client {
    let settings = RpcSettings {
        url: format!("https://localhost:{port}"),
        credentials: Credentials::Password { user: "exporter".into(), password: Secret::new("secret") },
        timeout: Duration::from_secs(10),
        outbound,
        ..RpcSettings::default()
    };
    assert!(!format!("{settings:?}").contains("hunter2"));
    Client::new(settings, Meters::new(&Registry::new()).rpc("net", "node")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_requires_a_client_certificate_gets_that_of_its_settings() {
    let made = rcgen::generate_simple_self_signed(["exporter.example.org".to_string()]).unwrap();
    let (port, authority, _count, _task) = https_server_for(Some(made.cert.der().clone())).await;
    let certificate = ClientCertificate::new(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap();
    let shown = |certificate| Outbound { certificate, ..through(None, Some(&authority)) };
    source(port, shown(Some(certificate))).best_block_hash().await.unwrap();
    source(port, shown(None)).best_block_hash().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_reached_through_its_proxy_and_an_unknown_authority_is_named_as_the_cause() {
    let (port, certificate, _count, _task) = https_server().await;
    let proxy = Proxy::start(format!("127.0.0.1:{port}")).await;
    let client = |outbound: Outbound| source(port, outbound);
    for outbound in [through(None, Some(&certificate)), through(Some(&proxy), Some(&certificate))] {
        client(outbound).best_block_hash().await.unwrap();
    }
    assert_eq!(proxy.requests.borrow().len(), 1);
    let other = rcgen::generate_simple_self_signed(["ca.example.org".to_string()]).unwrap().cert.pem();
    let error = client(through(None, Some(&other))).best_block_hash().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("set ca_file to the authority"), "{text}");
    assert!(!text.contains("server=1"), "the node runs: {text}");
}
