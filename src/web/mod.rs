//! The HTTP server: scrapes, the JSON API, health, readiness, reload and the status pages.
//!
//! Its content comes from [`handlers::Handlers`]: functions that answer, and a few facts. [`listen`] opens the sockets,
//! [`serve`] accepts connections, `connection` speaks HTTP on one of them, `timeouts` and `timed_stream` hold its
//! deadlines, `connections` limits their number, `route` selects the answer, `browser` rejects cross-site requests,
//! `content_negotiation` and `scrape_request` read what the client asked for, `body` sends the bytes. [`api`] answers
//! scripts, [`pages`] answers browsers. The crate `exporter-toolkit` provides TLS and authentication.
//!
//! Every wait has a deadline and every size a limit, all of them in [`settings::WebSettings`]: a hostile or broken
//! client costs one connection for a bounded time.
//!
//! Never here: RPC calls, rendering of samples, decisions about health.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use exporter_toolkit::WebSecurity;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::web::connections::Connections;
use crate::web::handlers::Handlers;
use crate::web::meters::Meters;
use crate::web::route::Server;
use crate::web::settings::WebSettings;
use crate::web::timeouts::ConnectionTimer;

pub mod api;
mod body;
mod browser;
mod connection;
mod connections;
mod content_negotiation;
pub mod handlers;
pub mod listen;
pub mod meters;
pub mod pages;
mod response;
mod route;
pub mod route_prefix;
mod routes;
mod scrape_request;
pub mod settings;
#[cfg(test)]
mod tests;
mod timed_stream;
mod timeouts;
pub mod view;

/// Pause of accepting when the process or the host has no room for another socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `site` with the settings of `security` on all `listeners` until `shutdown` is ready, then stops accepting,
/// drains requests for up to [`WebSettings::stop_grace`], closes the remaining connections and returns.
///
/// No client can end it earlier. Each connection is a separate task; a panic ends only that task.
pub async fn serve(
    listeners: Vec<TcpListener>,
    site: Arc<Handlers>,
    security: Arc<WebSecurity>,
    settings: WebSettings,
    meters: Meters,
    shutdown: impl Future<Output = ()>,
) {
    let stop_grace = settings.stop_grace;
    let mut keeper = JoinSet::new();
    // Aborted when this function returns.
    keeper.spawn(Arc::clone(&security).watch_files());
    let server = Arc::new(Server::new(site, security, settings, meters));
    let (stop, stopped) = watch::channel(false);
    let mut connections = Connections::default();
    let mut door = Acceptor { listeners, next: 0, refusing: false };
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.next_end() => note_end(&server, ended),
            accepted = door.accept() => {
                if let Some(stream) = door.admit(accepted).await {
                    welcome(stream, &server, &stopped, &mut connections).await;
                }
            }
        }
    }
    drop(door);
    // An error means that no connection is left.
    let _ = stop.send(true);
    let finished = async {
        while let Some(ended) = connections.next_end().await {
            note_end(&server, ended);
        }
    };
    if tokio::time::timeout(stop_grace, finished).await.is_err() {
        tracing::warn!(connections = connections.len(), "Closed HTTP connections that did not finish in time");
        connections.close_all().await;
    }
}

/// Starts the task of a connection. At [`WebSettings::max_connections`], the least useful connection is evicted; if all
/// of them wait for answers, the new one is closed.
///
/// It is closed at once instead of queued: the client learns it immediately, not at its own timeout, and the queue of
/// the kernel stays free for later clients.
async fn welcome(
    stream: TcpStream,
    server: &Arc<Server>,
    stopped: &watch::Receiver<bool>,
    connections: &mut Connections,
) {
    if connections.len() >= server.settings.max_connections {
        if !connections.evict_one() {
            server.meters.connections_rejected.inc();
            return;
        }
        server.meters.connections_displaced.inc();
        // Its task only has to be dropped, so this is short.
        if let Some(ended) = connections.next_end().await {
            note_end(server, ended);
        }
    }
    let clock = Arc::new(ConnectionTimer::new());
    connections.add(Arc::clone(&clock), connection::drive(stream, clock, Arc::clone(server), stopped.clone()));
}

fn note_end(server: &Server, ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        server.note_panic("connection", &*error.into_panic());
    }
}

/// The listening sockets.
struct Acceptor {
    listeners: Vec<TcpListener>,
    /// The socket to try first next time, so that a busy one does not starve the others.
    next: usize,
    /// Whether the last attempt failed; only the first failure of a series is logged.
    refusing: bool,
}

impl Acceptor {
    async fn accept(&mut self) -> io::Result<TcpStream> {
        let count = self.listeners.len();
        poll_fn(|context| {
            for offset in 0..count {
                let index = (self.next + offset) % count;
                if let Poll::Ready(accepted) = self.listeners[index].poll_accept(context) {
                    self.next = index + 1;
                    return Poll::Ready(accepted.map(|(stream, _)| stream));
                }
            }
            Poll::Pending
        })
        .await
    }

    async fn admit(&mut self, accepted: io::Result<TcpStream>) -> Option<TcpStream> {
        match accepted {
            Ok(stream) => {
                self.refusing = false;
                Some(stream)
            }
            // The client closed the connection before it was accepted.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => None,
            Err(error) => {
                if !self.refusing {
                    tracing::warn!(%error, "Cannot accept HTTP connections: {error}; will retry");
                }
                self.refusing = true;
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }
}
