//! One connection: HTTP on a socket, with or without TLS, until either side closes it, a deadline passes, or the server
//! stops.
//!
//! The timed stream is below TLS, so that a TLS handshake and the header after it share one deadline.
//!
//! Never here: the meaning of a request, authentication.

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

/// Limit of hyper's input buffer, and the amount of output at which it waits for the socket. A larger piece of output
/// is written without being split.
const BUFFER_BYTES: usize = 64 * 1024;

/// Maximum number of concurrent requests of a shared connection. One Prometheus sends one request at a time for each of
/// its jobs.
const SHARED_REQUESTS: u32 = 16;

/// The other end of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: IpAddr,
    /// The settings with which it was accepted.
    pub(super) accepted: Arc<ActiveSecurity>,
}

/// Serves one connection. `stop` becomes true when the server stops: the current request is answered, no further one.
pub(super) async fn drive(
    stream: TcpStream,
    clock: Arc<ConnectionTimer>,
    server: Arc<Server>,
    stop: watch::Receiver<bool>,
) {
    let _open = OpenConnection::new(&server.meters);
    // Responses are written in few large pieces, so Nagle's algorithm gains nothing. A failure only costs speed.
    let _ = stream.set_nodelay(true);
    // An error means that the client is gone.
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
            tracing::debug!(%error, "TLS handshake failed: {error}");
            // A TLS alert with the reason is being sent. In TLS 1.3 the client sees it after it began its request; the
            // request is read, because closing would reset the connection and lose the alert.
            talk.hold(stream.shutdown(), |_| ConnectionEvent::End).await;
        }
        None => talk.server.meters.handshakes_failed.inc(),
    }
}

/// What happens to a connection when the server stops, or when the client certificate settings change.
enum ConnectionEvent {
    /// It is closed.
    End,
    /// It closes by itself.
    Wait,
}

/// The limits of a connection, independent of the protocol.
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

    /// Polls `work` until it is done, its deadline passes (`None`), or it has to stop and `stopping` says to close it
    /// (`None`).
    async fn hold<W: Future>(
        &mut self,
        work: W,
        stopping: impl Fn(Pin<&mut W>) -> ConnectionEvent,
    ) -> Option<W::Output> {
        let mut work = pin!(work);
        let deadline = || Instant::from_std(self.clock.deadline(&self.server.settings));
        let mut alarm = pin!(sleep_until(deadline()));
        // An error means that the sender is gone, so stop as well.
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
            // An earlier deadline results only from the poll above, so no wake-up is needed when it moves.
            let deadline = deadline();
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

/// Answers one request within the deadline of its connection.
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
        tracing::debug!(%error, "HTTP connection failed: {error}");
    }
}

fn first(settings: &WebSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The timer has the connection.
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
