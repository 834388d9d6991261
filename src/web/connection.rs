//! One connection: HTTP on a socket, encrypted or not, until either side is done, the time is over, or the server stops.
//!
//! Below everything is the paced socket, so that a handshake has no more time than the header that follows it: both
//! together have that of a header.
//!
//! Never here: what a request means, who gets in.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use exporter_toolkit::{ActiveSecurity, HTTP2};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;

use crate::web::body::Payload;
use crate::web::meters::OpenConnection;
use crate::web::route::Server;
use crate::web::settings::WebSettings;
use crate::web::timed_stream::TimedStream;
use crate::web::timeouts::ConnectionTimer;

/// What hyper may hold of a connection's input, and at which amount of output it waits for the socket. One piece of
/// output larger than this is taken whole and written without being split.
const BUFFER_BYTES: usize = 64 * 1024;

/// Requests of a shared connection at a time. Those of one Prometheus come one after the other for each of its jobs.
const SHARED_REQUESTS: u32 = 16;

/// The other end of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    /// Where it is.
    pub(super) address: IpAddr,
    /// The settings under which it was accepted.
    pub(super) accepted: Arc<ActiveSecurity>,
}

/// Serves one connection. `stop` turns true when the server stops: the request in flight is answered, no further one.
pub(super) async fn drive(
    stream: TcpStream,
    clock: Arc<ConnectionTimer>,
    server: Arc<Server>,
    stop: watch::Receiver<bool>,
) {
    let _open = OpenConnection::new(&server.meters);
    // Answers are written in few large pieces: there is nothing to gather. A failure costs only speed.
    let _ = stream.set_nodelay(true);
    // An error means that the client is gone already.
    let Ok(address) = stream.peer_addr().map(|address| address.ip()) else { return };
    let stream = TimedStream::new(stream, Arc::clone(&clock));
    let accepted = server.security.active();
    let tls = accepted.tls();
    let mut talk = ConnectionLoop { server, clock, stop, peer: Peer { address, accepted } };
    let Some(tls) = tls else { return talk.http1(stream).await };
    let handshake = TlsAcceptor::from(tls).accept(stream).into_fallible();
    match talk.hold(handshake, |_| ConnectionEvent::End).await {
        Some(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP2) => talk.http2(stream).await,
        Some(Ok(stream)) => talk.http1(stream).await,
        Some(Err((error, mut stream))) => {
            talk.server.meters.handshakes_failed.inc();
            tracing::debug!(%error, "a TLS handshake failed: {error}");
            // The alert that says why is on its way. In TLS 1.3 a client meets it when it has already begun to ask; we
            // hear that out, or closing would reset the connection and the alert be lost.
            talk.hold(stream.shutdown(), |_| ConnectionEvent::End).await;
        }
        None => talk.server.meters.handshakes_failed.inc(),
    }
}

/// What is done with a connection when the server stops, or when the settings of client certificates change.
enum ConnectionEvent {
    /// It is ended.
    End,
    /// It ends by itself.
    Wait,
}

/// What a connection is held by, whatever is spoken on it.
struct ConnectionLoop {
    server: Arc<Server>,
    clock: Arc<ConnectionTimer>,
    stop: watch::Receiver<bool>,
    peer: Peer,
}

impl ConnectionLoop {
    async fn http1(&mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (server, clock, peer) = (Arc::clone(&self.server), Arc::clone(&self.clock), self.peer.clone());
        let service = service_fn(|request| answer(Arc::clone(&server), &clock, peer.clone(), request));
        let connection = first(&self.server.settings).serve_connection(TokioIo::new(stream), service);
        let ended = self.hold(connection, |connection| {
            connection.graceful_shutdown();
            ConnectionEvent::Wait
        });
        note(ended.await);
    }

    async fn http2(&mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        self.clock.share();
        let (server, clock, peer) = (Arc::clone(&self.server), Arc::clone(&self.clock), self.peer.clone());
        let service = service_fn(|request| answer(Arc::clone(&server), &clock, peer.clone(), request));
        let connection = second(&self.server.settings).serve_connection(TokioIo::new(stream), service);
        let ended = self.hold(connection, |connection| {
            connection.graceful_shutdown();
            ConnectionEvent::Wait
        });
        note(ended.await);
    }

    /// Polls `work` until it is done, its time is over (`None`), or it has to stop and `stopping` says to end it (`None`).
    async fn hold<W: Future>(
        &mut self,
        work: W,
        stopping: impl Fn(Pin<&mut W>) -> ConnectionEvent,
    ) -> Option<W::Output> {
        let mut work = pin!(work);
        let deadline = || Instant::from_std(self.clock.deadline(&self.server.settings));
        let mut alarm = pin!(sleep_until(deadline()));
        // An error, the sender being gone, means stop as well.
        let mut stop = pin!(self.stop.wait_for(|stop| *stop));
        let mut superseded = pin!(Arc::clone(&self.server.security).superseded(Arc::clone(&self.peer.accepted)));
        let mut stopped = false;
        poll_fn(|context| {
            if !stopped && (stop.as_mut().poll(context).is_ready() || superseded.as_mut().poll(context).is_ready()) {
                stopped = true;
                if let ConnectionEvent::End = stopping(work.as_mut()) {
                    return Poll::Ready(None);
                }
            }
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            // What brings the deadline nearer happens in the poll above, so there is no one to wake us when it moves.
            let deadline = deadline();
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

/// Answers one request, on the clock of its connection.
fn answer(
    server: Arc<Server>,
    clock: &Arc<ConnectionTimer>,
    peer: Peer,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Payload>, Infallible>> + Send + use<> {
    let mark = clock.start_request();
    async move { Ok(server.answer(request, &peer, &mark).await.map(|payload| payload.holding(mark))) }
}

fn note(ended: Option<hyper::Result<()>>) {
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "an HTTP connection ended with an error: {error}");
    }
}

fn first(settings: &WebSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // `deadline` has its place.
        .header_read_timeout(None)
        .max_headers(settings.max_header_lines)
        .max_header_size(settings.max_header_bytes)
        .max_buf_size(BUFFER_BYTES.max(settings.max_header_bytes));
    builder
}

fn second(settings: &WebSettings) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(SHARED_REQUESTS)
        .max_header_list_size(u32::try_from(settings.max_header_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(BUFFER_BYTES);
    builder
}
