//! A node's RPC server: binds, accepts, stops. Several servers can serve one network, each with its own faults.
//!
//! Never here: changing the network.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::faults::Faults;
use super::http::{Shared, respond};
use super::network_kind::AnyNetwork;
use super::software::Software;

/// A server's credentials and software.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// User and password; `None`: only the cookie is accepted.
    pub credentials: Option<(String, String)>,
    /// The cookie is accepted, and written below this directory, where a node of the chain puts it.
    pub data_directory: Option<PathBuf>,
    /// proTxHash, or on a legacy chain the outpoint, of the masternode that the node runs, for `masternode status`.
    pub masternode: Option<String>,
    /// The node's software; `None`: a release with the version of the network's options. Software from before Dash 24
    /// stays on the old branch after the fork.
    pub software: Option<Software>,
}

impl Default for ServerOptions {
    /// User "user" with the password "password".
    fn default() -> Self {
        let credentials = Some(("user".to_owned(), "password".to_owned()));
        Self { credentials, data_directory: None, masternode: None, software: None }
    }
}

/// A bound server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    handle: ServerHandle,
}

/// The operations on a running server.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    cookie_path: Option<PathBuf>,
    shared: Arc<Shared>,
}

/// A server that runs as a task; it ends when this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    handle: ServerHandle,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds a server with the default options.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    pub async fn bind(network: impl Into<AnyNetwork>, address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with(network, address, ServerOptions::default()).await
    }

    /// Binds a server.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound or the cookie cannot be written.
    pub async fn bind_with(
        network: impl Into<AnyNetwork>,
        address: impl ToSocketAddrs,
        options: ServerOptions,
    ) -> io::Result<Self> {
        Self::on(TcpListener::bind(address).await?, network, options)
    }

    /// Serves on a bound listener.
    ///
    /// # Errors
    ///
    /// If the cookie cannot be written.
    pub fn on(listener: TcpListener, network: impl Into<AnyNetwork>, options: ServerOptions) -> io::Result<Self> {
        let handle = ServerHandle::at(listener.local_addr()?, network, options)?;
        Ok(Self { listener, handle })
    }

    /// The handle, which outlives the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves until `shutdown` is ready, and then closes open connections.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => {
                    // A failed accept affects one client; the listener continues.
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(serve(stream, Arc::clone(&self.handle.shared)));
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Serves as a task of the current runtime.
    #[must_use]
    pub fn spawn(self) -> RunningServer {
        let handle = self.handle();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(self.run(async {
            // A dropped sender is equivalent to a sent message: stop.
            let _ = stopped.await;
        }));
        RunningServer { handle, stop: Some(stop), task }
    }
}

impl ServerHandle {
    /// A server without a socket, as if it were bound to `address`: [`ServerHandle::answer`] is its only entrance.
    ///
    /// # Errors
    ///
    /// If the cookie cannot be written.
    pub fn at(address: SocketAddr, network: impl Into<AnyNetwork>, options: ServerOptions) -> io::Result<Self> {
        let network = network.into();
        let mut credentials: Vec<String> =
            options.credentials.iter().map(|(user, password)| format!("{user}:{password}")).collect();
        let cookie_path = match &options.data_directory {
            Some(directory) => {
                let (path, cookie) = write_cookie(&network, directory, address.port())?;
                credentials.push(cookie);
                Some(path)
            }
            None => None,
        };
        let shared = Arc::new(Shared {
            faults: Faults::new(network.clone()),
            network,
            credentials,
            masternode: options.masternode,
            software: Mutex::new(options.software),
            lag: AtomicU32::new(0),
            calls: Mutex::default(),
            requests: AtomicU32::default(),
        });
        Ok(Self { address, cookie_path, shared })
    }

    /// Answers a request that did not come over a socket.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<impl Body<Data = Bytes, Error = io::Error> + use<B>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        respond(Arc::clone(&self.shared), request).await
    }

    /// The address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's URL, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The cookie file, if the server has a data directory.
    #[must_use]
    pub fn cookie_path(&self) -> Option<&PathBuf> {
        self.cookie_path.as_ref()
    }

    /// The server's faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Calls so far, by method or by parent and subcommand ("protx list"); parts of a batch count each.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.shared.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Requests so far; a batch is one.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Resets the call counts.
    pub fn forget_calls(&self) {
        self.shared.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }

    /// Changes the node's software, as an upgrade does.
    pub fn set_software(&self, software: Software) {
        *self.shared.software.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(software);
    }

    /// Keeps the server this many blocks behind the network.
    pub fn set_lag(&self, blocks: u32) {
        self.shared.lag.store(blocks, Ordering::Relaxed);
    }
}

impl RunningServer {
    /// The handle, which outlives the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Stops the server and waits until its port is free.
    pub async fn stop(mut self) {
        self.stop.take();
        // The task cannot fail: it has no panicking path, and no other code aborts it.
        let _ = (&mut self.task).await;
    }
}

impl std::ops::Deref for RunningServer {
    type Target = ServerHandle;

    fn deref(&self) -> &ServerHandle {
        &self.handle
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(shared, request).await) }
    });
    // A broken connection is normal for a client, and torn answers end this way on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Writes `<directory>/<chain>/.cookie` (`src/rpc/request.cpp GenerateAuthCookie`).
fn write_cookie(network: &AnyNetwork, directory: &std::path::Path, port: u16) -> io::Result<(PathBuf, String)> {
    let (subfolder, secret) = network.cookie(port);
    let folder = directory.join(subfolder);
    fs::create_dir_all(&folder)?;
    let cookie = format!("__cookie__:{secret}");
    let path = folder.join(".cookie");
    fs::write(&path, &cookie)?;
    Ok((path, cookie))
}
