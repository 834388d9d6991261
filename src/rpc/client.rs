//! The calls themselves: one function for each method, over one private `call`.
//!
//! Never here: a retry, but for the one after a refused cookie; when to ask again is the follower's affair.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::domain::{Block, BlockHash, Height, ListDiff, Masternode, MasternodeId};
use crate::meters::RpcMeters;
use crate::rpc::Settings;
use crate::rpc::credentials::Secret;
use crate::rpc::dash::answers::{self, ChainInfo, Count, Header, NetworkInfo};
use crate::rpc::dash::stream::ListParser;
use crate::rpc::error::{ErrorKind, RpcError};
use crate::rpc::methods::{self, Method};

/// Longest error body that is worth reading.
const ERROR_BODY_BYTES: u64 = 64 * 1024;

/// Longest answer that is kept as a whole, which are all but the list: room for the changes of 500,000 masternodes.
const ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// A connection at rest is given up before the node does so (`rpcservertimeout`, 30 s), lest a call meet its closing.
const REST: Duration = Duration::from_secs(20);

/// A whole list may take so many times as long as another answer, while none of its pieces may.
const LIST_TIMEOUTS: u32 = 10;

/// One source. Clones share its connections and its one place for a heavy call.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    http: reqwest::Client,
    url: reqwest::Url,
    authorization: Mutex<Option<Secret>>,
    heavy: Semaphore,
    meters: RpcMeters,
}

impl Client {
    /// A client; nothing is asked yet. Fails when the URL is none or holds credentials, or TLS cannot be set up.
    pub fn new(settings: Settings, meters: RpcMeters) -> Result<Client, RpcError> {
        let refuse = |kind| RpcError { source: settings.name.clone(), method: "connect", kind };
        // Only the first one in a process is installed; that one is as good as ours.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url: reqwest::Url = settings
            .url
            .parse()
            .map_err(|error| refuse(ErrorKind::malformed(format_args!("its URL is not one: {error}"))))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(ErrorKind::malformed(
                "its URL holds a user or password, which have settings of their own",
            )));
        }
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.timeout)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(REST)
            .build()
            .map_err(|error| refuse(ErrorKind::malformed(format_args!("no HTTP client: {error}"))))?;
        let inner = Inner { settings, http, url, authorization: Mutex::default(), heavy: Semaphore::new(1), meters };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// Name of the source.
    pub fn name(&self) -> &str {
        &self.inner.settings.name
    }

    /// Hash of the node's tip.
    pub async fn best_block_hash(&self) -> Result<BlockHash, RpcError> {
        self.call(&methods::GET_BEST_BLOCK_HASH, json!([]), answers::block_hash).await
    }

    /// Hash of the block of the active branch at a height.
    pub async fn block_hash(&self, height: Height) -> Result<BlockHash, RpcError> {
        self.call(&methods::GET_BLOCK_HASH, json!([height.0]), answers::block_hash).await
    }

    /// A block's header.
    pub async fn block_header(&self, hash: BlockHash) -> Result<Header, RpcError> {
        let header = self.call(&methods::GET_BLOCK_HEADER, json!([hash.to_string()]), answers::header).await?;
        if header.block.hash != hash {
            return Err(
                self.error(&methods::GET_BLOCK_HEADER, ErrorKind::malformed("it is the header of another block"))
            );
        }
        Ok(header)
    }

    /// Chain, sync and forks.
    pub async fn chain_info(&self) -> Result<ChainInfo, RpcError> {
        self.call(&methods::GET_BLOCKCHAIN_INFO, json!([]), answers::chain_info).await
    }

    /// Software and version.
    pub async fn network_info(&self) -> Result<NetworkInfo, RpcError> {
        self.call(&methods::GET_NETWORK_INFO, json!([]), answers::network_info).await
    }

    /// Whether the node's masternode sync has finished.
    pub async fn sync_status(&self) -> Result<bool, RpcError> {
        self.call(&methods::MNSYNC_STATUS, json!(["status"]), answers::is_synced).await
    }

    /// The highest block under a ChainLock; `None` when the node knows none yet.
    pub async fn chainlock(&self) -> Result<Option<(Height, BlockHash)>, RpcError> {
        match self.call(&methods::GET_BEST_CHAINLOCK, json!([]), answers::chainlock).await {
            Ok(lock) => Ok(Some(lock)),
            // "Unable to find any ChainLock" (`observed.md`).
            Err(error) if matches!(error.kind, ErrorKind::Call { code: -32603, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many masternodes there are.
    pub async fn masternode_count(&self) -> Result<Count, RpcError> {
        self.call(&methods::MASTERNODE_COUNT, json!(["count"]), answers::count).await
    }

    /// Sporks with their values, by name.
    pub async fn sporks(&self) -> Result<Vec<(String, i64)>, RpcError> {
        self.call(&methods::SPORK_SHOW, json!(["show"]), answers::sporks).await
    }

    /// One masternode at the tip.
    pub async fn masternode(&self, id: &MasternodeId) -> Result<Masternode, RpcError> {
        let method = &methods::PROTX_INFO;
        let masternode = self.call(method, json!(["info", id.to_string()]), answers::masternode).await?;
        if masternode.id != *id {
            return Err(self.error(method, ErrorKind::malformed("it is of another masternode")));
        }
        Ok(masternode)
    }

    /// All registered masternodes after the block at a height, about `expected` of them. The body is never held as a
    /// whole.
    pub async fn registered(&self, height: Height, expected: usize) -> Result<Vec<Masternode>, RpcError> {
        let method = &methods::PROTX_LIST;
        let _turn = self.turn(method).await;
        let started = Instant::now();
        let longest = self.inner.settings.timeout * LIST_TIMEOUTS;
        let list = self.stream_list(method, json!(["list", "registered", true, height.0]), expected);
        let result = tokio::time::timeout(longest, list).await.unwrap_or(Err(ErrorKind::Timeout { after: longest }));
        self.finish(method, started, result)
    }

    /// What changed from one block to a later one.
    pub async fn list_diff(&self, base: &Block, target: &Block) -> Result<ListDiff, RpcError> {
        let params = json!(["listdiff", base.hash.to_string(), target.hash.to_string()]);
        let (base, target) = (*base, *target);
        self.call(&methods::PROTX_LISTDIFF, params, move |body| answers::list_diff(body, &base, &target)).await
    }

    async fn turn(&self, method: &Method) -> Option<tokio::sync::SemaphorePermit<'_>> {
        if !method.heavy {
            return None;
        }
        Some(self.inner.heavy.acquire().await.expect("the semaphore is never closed"))
    }

    async fn call<T>(
        &self,
        method: &Method,
        params: Value,
        read: impl FnOnce(&[u8]) -> Result<T, ErrorKind>,
    ) -> Result<T, RpcError> {
        let _turn = self.turn(method).await;
        let started = Instant::now();
        let timeout = self.inner.settings.timeout;
        let answer = async {
            let response = self.request(method, params).await?;
            let body = collect(response, self.inner.settings.body_limit.min(ANSWER_BYTES), timeout).await?;
            read(&body)
        };
        let result = tokio::time::timeout(timeout, answer).await.unwrap_or(Err(ErrorKind::Timeout { after: timeout }));
        self.finish(method, started, result)
    }

    fn finish<T>(&self, method: &Method, started: Instant, result: Result<T, ErrorKind>) -> Result<T, RpcError> {
        let outcome = result.as_ref().map_or_else(ErrorKind::label, |_| "ok");
        self.inner.meters.observe(method.name, outcome, started.elapsed());
        result.map_err(|kind| self.error(method, kind))
    }

    fn error(&self, method: &Method, kind: ErrorKind) -> RpcError {
        RpcError { source: self.inner.settings.name.clone(), method: method.name, kind }
    }

    async fn stream_list(&self, method: &Method, params: Value, expected: usize) -> Result<Vec<Masternode>, ErrorKind> {
        let timeout = self.inner.settings.timeout;
        let mut response = self.request(method, params).await?;
        let limit = self.inner.settings.body_limit;
        refuse_longer(&response, limit)?;
        let mut parser = ListParser::expecting(expected);
        let mut read: u64 = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, timeout))? {
            read += chunk.len() as u64;
            if read > limit {
                return Err(ErrorKind::TooLarge { limit });
            }
            parser.push(&chunk)?;
        }
        parser.finish()
    }

    /// Sends a request until it is answered well, with fresh credentials after a refusal.
    async fn request(&self, method: &Method, params: Value) -> Result<Response, ErrorKind> {
        let body = json!({"jsonrpc": "1.0", "id": "x", "method": method.parent(), "params": params}).to_string();
        let known = self.inner.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh = known.is_none();
        let authorization = if fresh { self.read_credentials()? } else { known };
        let response = self.send(&body, authorization.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return self.check(response).await;
        }
        // The cookie is new after each start of the node, and a password may have been changed.
        let renewed = if fresh { None } else { self.read_credentials()? };
        match renewed.filter(|renewed| Some(renewed) != authorization.as_ref()) {
            Some(renewed) => self.check(self.send(&body, Some(&renewed)).await?).await,
            None => self.check(response).await,
        }
    }

    fn read_credentials(&self) -> Result<Option<Secret>, ErrorKind> {
        let read = self.inner.settings.credentials.authorization(self.inner.url.port());
        let authorization = read.map_err(|cause| ErrorKind::NoCredentials { cause })?;
        self.inner.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&authorization);
        Ok(authorization)
    }

    async fn send(&self, body: &str, authorization: Option<&Secret>) -> Result<Response, ErrorKind> {
        let mut request = self
            .inner
            .http
            .post(self.inner.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(authorization.expose()).expect("base64 is a header's text");
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request.send().await.map_err(|error| broken(&error, self.inner.settings.timeout))
    }

    /// Lets a good answer through; turns any other into its kind of failure, by its body where it has one.
    async fn check(&self, response: Response) -> Result<Response, ErrorKind> {
        let status = response.status();
        match status {
            StatusCode::OK => return Ok(response),
            StatusCode::UNAUTHORIZED => {
                let used = self.inner.settings.credentials.describe(self.inner.url.port());
                return Err(ErrorKind::Unauthorized { used });
            }
            StatusCode::FORBIDDEN => return Err(ErrorKind::Forbidden),
            StatusCode::SERVICE_UNAVAILABLE => return Err(ErrorKind::Refused),
            _ => {}
        }
        let body = collect(response, ERROR_BODY_BYTES, self.inner.settings.timeout).await?;
        if body.starts_with(b"Work queue depth exceeded") {
            return Err(ErrorKind::Refused);
        }
        Err(answers::reported_error(&body)
            .unwrap_or_else(|| ErrorKind::malformed(format_args!("HTTP status {status}"))))
    }
}

/// Refuses an answer that announces more than the limit, before any of it is read.
fn refuse_longer(response: &Response, limit: u64) -> Result<(), ErrorKind> {
    match response.content_length() {
        Some(length) if length > limit => Err(ErrorKind::TooLarge { limit }),
        _ => Ok(()),
    }
}

async fn collect(mut response: Response, limit: u64, timeout: Duration) -> Result<Vec<u8>, ErrorKind> {
    refuse_longer(&response, limit)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, timeout))? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(ErrorKind::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong with a connection. The URL is left out: it is the operator's affair, the source's name says enough.
fn broken(error: &reqwest::Error, timeout: Duration) -> ErrorKind {
    if error.is_timeout() && !error.is_connect() {
        return ErrorKind::Timeout { after: timeout };
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    ErrorKind::Unreachable { cause: cause.to_string() }
}
