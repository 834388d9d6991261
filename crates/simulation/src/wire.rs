//! The network between the exporter and everything else: each request is answered in this process.
//!
//! Never here: what a node or a receiver answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fastrand::Rng;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use masternode_exporter::outbound::{Answer, Transport};
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Client, Request, Response};
use simulator::ServerHandle;

use crate::disk;
use crate::receivers::{Behaviour, NAMES, Receiver};
use crate::torn::Torn;

/// A node, as far as the exporter can reach it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) server: ServerHandle,
    /// No connection.
    pub(crate) is_down: bool,
}

/// What answers requests.
pub(crate) struct Wire {
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) receivers: BTreeMap<String, Receiver>,
    pub(crate) rng: Rng,
    /// The latencies of each host, so that they do not depend on the order of simultaneous requests.
    latencies: BTreeMap<String, Rng>,
    seed: u64,
    pub(crate) calls: u64,
    /// What a planted bug does to the next body of a message.
    pub(crate) tamper: Option<fn(&mut Vec<u8>) -> bool>,
    transport: Transport,
    dead_end: Option<Client>,
}

thread_local! {
    /// Each thread has one simulation.
    static WIRE: RefCell<Wire> = RefCell::new(Wire::new(0));
}

/// How a request ends.
enum Route {
    Node(ServerHandle),
    Receiver(Behaviour),
    Nowhere,
}

impl Wire {
    fn new(seed: u64) -> Wire {
        Wire {
            nodes: BTreeMap::new(),
            receivers: NAMES.iter().map(|name| ((*name).to_string(), Receiver::default())).collect(),
            rng: Rng::with_seed(seed ^ 0x3173),
            latencies: BTreeMap::new(),
            seed,
            calls: 0,
            tamper: None,
            transport: Transport(Arc::new(|request: Request| -> Answer { Box::pin(answer(request)) })),
            dead_end: None,
        }
    }

    pub(crate) fn with<T>(call: impl FnOnce(&mut Wire) -> T) -> T {
        WIRE.with_borrow_mut(call)
    }

    /// The receiver of this number.
    pub(crate) fn receiver(&mut self, number: usize) -> &mut Receiver {
        self.receivers.entry(NAMES[number].to_string()).or_default()
    }

    fn route(&mut self, host: &str) -> (Route, Duration) {
        self.calls += 1;
        let seed = host.bytes().fold(self.seed ^ 0x3173, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let latencies = self.latencies.entry(host.to_string()).or_insert_with(|| Rng::with_seed(seed));
        let latency = Duration::from_millis(latencies.u64(1..40));
        let route = match (self.nodes.get(host), self.receivers.get(host)) {
            (Some(node), _) if !node.is_down => Route::Node(node.server.clone()),
            (_, Some(receiver)) => Route::Receiver(receiver.behaviour),
            _ => Route::Nowhere,
        };
        (route, latency)
    }
}

/// Begins a simulation.
pub(crate) fn reset(seed: u64) {
    WIRE.set(Wire::new(seed));
}

/// The transport of every request of the exporter.
pub(crate) fn transport() -> Transport {
    Wire::with(|wire| wire.transport.clone())
}

/// A random byte for the exporter.
pub(crate) fn random_byte() -> u8 {
    Wire::with(|wire| wire.rng.u8(..))
}

/// A host name that has no address, or that is searched for without end: the errors of a connection are then those of the real
/// client.
struct DeadEnd;

impl Resolve for DeadEnd {
    fn resolve(&self, name: Name) -> Resolving {
        let hangs = name.as_str().starts_with("silence");
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Err(Box::from(io::Error::from(io::ErrorKind::ConnectionRefused)))
        })
    }
}

/// Fails as a request does to which nothing answers.
async fn fail(mut request: Request, hangs: bool) -> reqwest::Result<Response> {
    let host = if hangs { "silence.invalid" } else { "refused.invalid" };
    // The scheme and the host are valid.
    let _ = request.url_mut().set_scheme("http");
    let _ = request.url_mut().set_host(Some(host));
    let client = Wire::with(|wire| {
        let build = || Client::builder().no_proxy().tls_certs_only([]).dns_resolver(Arc::new(DeadEnd)).build();
        wire.dead_end.get_or_insert_with(|| build().expect("the client has no settings that could fail")).clone()
    });
    client.execute(request).await
}

async fn answer(request: Request) -> reqwest::Result<Response> {
    let host = request.url().host_str().unwrap_or_default().to_string();
    let (route, latency) = Wire::with(|wire| wire.route(&host));
    tokio::time::sleep(latency).await;
    if disk::is_dead() {
        // Nothing that a dead process sent arrives.
        return std::future::pending().await;
    }
    match route {
        Route::Nowhere => fail(request, false).await,
        Route::Node(server) => Ok(ask(&server, request).await),
        Route::Receiver(behaviour) => notify(&host, behaviour, request).await,
    }
}

fn body(request: &Request) -> Bytes {
    request.body().and_then(|body| body.as_bytes()).map(Bytes::copy_from_slice).unwrap_or_default()
}

/// Asks a simulated node. A body that breaks off arrives as far as it does.
async fn ask(server: &ServerHandle, request: Request) -> Response {
    let mut asked = http::Request::builder().method(request.method().clone()).uri("/");
    for (name, value) in request.headers() {
        asked = asked.header(name, value);
    }
    let asked = asked.body(Full::new(body(&request))).expect("it has a valid method and headers");
    let (parts, answered) = server.answer(asked).await.into_parts();
    let mut answered = std::pin::pin!(answered);
    let (mut bytes, mut is_torn) = (BytesMut::new(), false);
    while let Some(frame) = answered.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(_)) => {}
            Err(_) => {
                is_torn = true;
                break;
            }
        }
    }
    let body = if is_torn { reqwest::Body::wrap(Torn(Some(bytes.freeze()))) } else { bytes.freeze().into() };
    http::Response::from_parts(parts, body).into()
}

/// A receiver takes a message.
fn take(name: &str, request: &Request, is_answered: bool) {
    let mut message = body(request).to_vec();
    Wire::with(|wire| {
        if wire.tamper.is_some_and(|tamper| tamper(&mut message)) {
            wire.tamper = None;
        }
        if let Some(receiver) = wire.receivers.get_mut(name) {
            receiver.take(&message, is_answered);
        }
    });
}

async fn notify(name: &str, behaviour: Behaviour, request: Request) -> reqwest::Result<Response> {
    let respond = |status: u16| http::Response::builder().status(status);
    let response = match behaviour {
        Behaviour::Away => return fail(request, false).await,
        Behaviour::Slow => {
            take(name, &request, false);
            return fail(request, true).await;
        }
        Behaviour::LosesAnswers => {
            take(name, &request, false);
            return fail(request, false).await;
        }
        Behaviour::Refuses => respond(400),
        Behaviour::Limits(seconds) => respond(429).header("retry-after", seconds),
        Behaviour::Fails => respond(500),
        Behaviour::Accepts => {
            take(name, &request, true);
            respond(200)
        }
    };
    Ok(response.body(reqwest::Body::from("")).expect("it has a valid status and header").into())
}
