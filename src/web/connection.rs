//! One connection: HTTP/1.1 on a socket until either side is done, the time is over, or the server stops.
//!
//! TLS will stand between the socket and hyper, inside the same deadlines.
//!
//! Never here: what a request means.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::web::deadline::{Clock, Paced};
use crate::web::meters::OpenConnection;
use crate::web::route::Server;
use crate::web::settings::Settings;

/// What hyper may hold of a connection's input, and at which amount of output it waits for the socket. One piece of
/// output larger than this is taken whole and written without being split.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves one connection. `stop` turns true when the server stops: the request in flight is answered, no further one.
pub(super) async fn drive(stream: TcpStream, server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let _open = OpenConnection::new(&server.meters);
    // Answers are written in few large pieces: there is nothing to gather. A failure costs only speed.
    let _ = stream.set_nodelay(true);
    let clock = Arc::new(Clock::new());
    let io = TokioIo::new(Paced::new(stream, Arc::clone(&clock)));
    let service = service_fn(|request| {
        let mark = clock.start_request();
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request).await.map(|payload| payload.holding(mark))) }
    });
    let mut connection = pin!(builder(&server.settings).serve_connection(io, service));
    let deadline = || Instant::from_std(clock.deadline(&server.settings));
    let mut alarm = pin!(sleep_until(deadline()));
    // An error, the sender being gone, means stop as well.
    let mut stop = pin!(stop.wait_for(|stop| *stop));
    let mut stopping = false;
    poll_fn(|context| {
        if !stopping && stop.as_mut().poll(context).is_ready() {
            stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            if let Err(error) = ended {
                tracing::debug!(%error, "an HTTP connection ended with an error: {error}");
            }
            return Poll::Ready(());
        }
        // All that moves the deadline happens in the poll above, so there is no one to wake us when it moves.
        let deadline = deadline();
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(context)
    })
    .await;
}

fn builder(settings: &Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // `deadline` has its place.
        .header_read_timeout(None)
        .max_headers(settings.max_header_lines)
        .max_header_size(settings.max_header_bytes)
        .max_buf_size(BUFFER_BYTES.max(settings.max_header_bytes));
    builder
}
