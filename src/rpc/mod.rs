//! JSON-RPC client of one node.
//!
//! Reading order: [`RpcSettings`] and [`Credentials`] for the endpoint and authentication, [`METHODS`] for the methods,
//! [`Client`] with one function for each, [`RpcError`] for errors. `dash` and `legacy` contain the formats of answers,
//! `dialect` the methods of each chain.
//!
//! Never here: a wallet or writing call; deciding what an answer means for the list.

pub mod batch;
mod calls;
mod client;
pub mod credentials;
pub mod dash;
pub mod dialect;
mod error;
mod foreign;
mod http_body;
pub mod legacy;
mod limits;
pub mod masternode_status;
pub mod methods;
pub mod node;
mod registered;
mod retry;
pub mod rpcauth;
pub mod unknown;
mod url;
mod wrong_peer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::outbound::Outbound;
use domain::{State, state};

pub use batch::{Batch, BatchCost};
pub use client::Client;
pub use credentials::Credentials;
pub use dash::answers::{ChainInfo, Count, Header, NetworkInfo, SyncStatus};
pub use dash::quorums::FormedQuorum;
pub use dialect::Dialect;
pub use error::{ErrorKind, RpcError};
pub use masternode_status::{OwnMasternode, OwnState};
pub use methods::{METHODS, Method};
pub use registered::{Registered, UnreadableEntry};
pub use unknown::Unknown;
pub use url::RpcUrl;

/// The settings of one source.
#[derive(Clone)]
pub struct RpcSettings {
    /// Name of the source: the label `source`.
    pub name: String,
    /// `http://host:port` or `https://…`, without credentials.
    pub url: String,
    /// Authentication.
    pub credentials: Credentials,
    /// Longest time for an answer, including a small body.
    pub timeout: Duration,
    /// Longest time for a connection.
    pub connect_timeout: Duration,
    /// The RPC dialect of the chain.
    pub dialect: Arc<Dialect>,
    /// The states of masternodes on the chain.
    pub states: Vec<Arc<State>>,
    /// Proxy and certificate authorities of the connection.
    pub outbound: Outbound,
    /// Longest body of a list that is read, in bytes. Other answers, and nodes that count few masternodes, have lower
    /// limits.
    pub body_limit: u64,
}

impl fmt::Debug for RpcSettings {
    /// Without the URL, which may contain a password until [`Client::new`] refuses it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RpcSettings { name, url: _, credentials, timeout, connect_timeout, outbound, body_limit, .. } = self;
        f.debug_struct("Settings")
            .field("name", name)
            .field("credentials", credentials)
            .field("timeout", timeout)
            .field("connect_timeout", connect_timeout)
            .field("outbound", outbound)
            .field("body_limit", body_limit)
            .finish_non_exhaustive()
    }
}

impl Default for RpcSettings {
    fn default() -> Self {
        RpcSettings {
            name: "local".into(),
            url: "http://127.0.0.1:9998".into(),
            credentials: Credentials::FindCookie { home: None },
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            dialect: Arc::new(dialect::DASH),
            states: state::shared(state::DETERMINISTIC),
            body_limit: 128 * 1024 * 1024,
            outbound: Outbound::default(),
        }
    }
}
