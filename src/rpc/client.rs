//! Requests to a node: authentication, limits, timeouts, one heavy call at a time.
//!
//! Never here: the methods (`calls`); retries, except after a refused cookie and a full work queue; the follower decides when to ask again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use crate::meters::RpcMeters;
use crate::outbound;
use crate::rpc::RpcSettings;
use crate::rpc::batch::{Answer, Answers};
use crate::rpc::credentials::is_here;
use crate::rpc::dash::answers;
use crate::rpc::dash::list_parser::ListParser;
use crate::rpc::dialect::Dialect;
use crate::rpc::error::{ErrorKind, RpcError};
use crate::rpc::http_body::{broken, collect, refuse_longer};
use crate::rpc::limits::Limits;
use crate::rpc::methods::Method;
use crate::rpc::registered::Registered;
use crate::rpc::retry::{self, Retries};
use crate::rpc::wrong_peer;
use crate::secret::Secret;

/// Longest error body that is read.
const ERROR_BODY_BYTES: u64 = 64 * 1024;

/// Idle connections are closed before the node closes them (`rpcservertimeout`, 30 s), so that no call meets a closing
/// connection.
const REST: Duration = Duration::from_secs(20);

/// Factor by which a full list may take longer than another answer. Each piece of it has the normal timeout.
const LIST_TIMEOUTS: u32 = 10;

/// One source. Clones share its connections and its single slot for heavy calls.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: RpcSettings,
    http: reqwest::Client,
    url: reqwest::Url,
    authorization: Mutex<Option<Secret>>,
    heavy: Semaphore,
    pub(super) limits: Limits,
    pub(super) meters: RpcMeters,
    /// Answers to calls that were made ahead.
    pub(super) answers: Answers,
}

impl Client {
    /// A client that has not called anything yet. Fails if the URL is invalid or contains credentials, or if TLS cannot
    /// be set up.
    pub fn new(settings: RpcSettings, meters: RpcMeters) -> Result<Client, RpcError> {
        let refuse = |kind| RpcError { source: settings.name.clone(), method: "connect", kind };
        let invalid = |error| refuse(ErrorKind::malformed(format_args!("its URL is invalid: {error}")));
        let url: reqwest::Url = settings.url.parse().map_err(invalid)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(ErrorKind::malformed(
                "its URL holds a user or password, which have settings of their own",
            )));
        }
        let http = settings.outbound.client(url.scheme() == "https").and_then(|http| {
            let http = http.connect_timeout(settings.connect_timeout).pool_max_idle_per_host(2).pool_idle_timeout(REST);
            http.build().map_err(|error| outbound::cause(&error))
        });
        let no_client =
            |error| refuse(ErrorKind::malformed(format_args!("the HTTP client cannot be created: {error}")));
        let http = http.map_err(no_client)?;
        let limits = Limits::new(settings.body_limit);
        let (authorization, heavy, answers) = (Mutex::default(), Semaphore::new(1), Answers::default());
        let inner = Inner { settings, http, url, authorization, heavy, limits, meters, answers };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// Name of the source.
    pub fn name(&self) -> &str {
        &self.inner.settings.name
    }

    /// The dialect of the chain's nodes.
    pub fn dialect(&self) -> &Dialect {
        &self.inner.settings.dialect
    }

    /// Reads a list of detailed entries. The whole body is never in memory.
    pub(super) async fn streamed(
        &self,
        method: &'static Method,
        params: Value,
        expected: usize,
    ) -> Result<Registered, RpcError> {
        let _turn = self.turn(method).await;
        let started = Instant::now();
        let longest = self.inner.settings.timeout * LIST_TIMEOUTS;
        let request = body(method, &params);
        let result = self.repeated(method, longest, || self.stream_list(&request, expected)).await;
        self.finish(method, started.elapsed(), result)
    }

    /// A method of the dialect. If the chain has none, the call fails like an unknown method.
    pub(super) fn known(&self, method: Option<&'static Method>) -> Result<&'static Method, RpcError> {
        method.ok_or_else(|| RpcError {
            source: self.inner.settings.name.clone(),
            method: "a method that this chain has not",
            kind: ErrorKind::UnknownMethod,
        })
    }

    /// The parameters of a call: the method's subcommand, then the arguments.
    pub(super) fn params(&self, method: &Method, others: impl IntoIterator<Item = Value>) -> Value {
        method.subcommand().map(|subcommand| json!(subcommand)).into_iter().chain(others).collect()
    }

    pub(super) async fn turn(&self, method: &Method) -> Option<tokio::sync::SemaphorePermit<'_>> {
        if !method.heavy {
            return None;
        }
        Some(self.inner.heavy.acquire().await.expect("the semaphore is never closed"))
    }

    pub(super) async fn call<T>(
        &self,
        method: &Method,
        params: Value,
        read: impl Fn(&[u8]) -> Result<T, ErrorKind>,
    ) -> Result<T, RpcError> {
        if let Some(Answer { body, took }) = self.inner.answers.take(method, &params) {
            return self.finish(method, took, read(&body));
        }
        let _turn = self.turn(method).await;
        let started = Instant::now();
        // Nodes of the older chains scan many blocks for each entry of a list before they send anything.
        let is_list = *method == *self.dialect().list.method;
        let timeout = self.inner.settings.timeout * if is_list { LIST_TIMEOUTS } else { 1 };
        let request = body(method, &params);
        let answer = self.repeated(method, timeout, || async {
            let response = self.request(&request).await?;
            let body = collect(response, self.inner.limits.whole(method), timeout).await?;
            let answer = wrong_peer::by_body(StatusCode::OK, &body).map_or_else(|| read(&body), Err)?;
            self.inner.answers.keep(method, &params, body);
            Ok(answer)
        });
        let result = answer.await;
        self.finish(method, started.elapsed(), result)
    }

    /// The first answer of `attempt` that is no passing failure, within the timeout.
    pub(super) async fn repeated<T, F: Future<Output = Result<T, ErrorKind>>>(
        &self,
        method: &Method,
        timeout: Duration,
        attempt: impl Fn() -> F,
    ) -> Result<T, ErrorKind> {
        let mut retries = Retries::new(self, method, timeout.min(self.inner.settings.timeout));
        let attempts = async {
            loop {
                match attempt().await {
                    Err(kind) if retries.again(&kind).await => {}
                    answer => return answer,
                }
            }
        };
        tokio::time::timeout(timeout, attempts).await.unwrap_or(Err(ErrorKind::Timeout { after: timeout }))
    }

    /// Counts a failed attempt that is repeated.
    pub(super) fn count(&self, method: &Method, kind: &ErrorKind, elapsed: Duration) {
        self.inner.meters.observe(method.name, kind.label(), elapsed);
    }

    fn finish<T>(&self, method: &Method, elapsed: Duration, result: Result<T, ErrorKind>) -> Result<T, RpcError> {
        let outcome = result.as_ref().map_or_else(ErrorKind::label, |_| "ok");
        self.inner.meters.observe(method.name, outcome, elapsed);
        let (source, seconds) = (self.name(), elapsed.as_secs_f64());
        debug!(
            source,
            method = method.name,
            outcome,
            seconds,
            "RPC call {} at source {source}: {outcome}",
            method.name
        );
        result.map_err(|kind| self.error(method, kind))
    }

    pub(super) fn error(&self, method: &Method, kind: ErrorKind) -> RpcError {
        RpcError { source: self.inner.settings.name.clone(), method: method.name, kind }
    }

    async fn stream_list(&self, request: &str, expected: usize) -> Result<Registered, ErrorKind> {
        let timeout = self.inner.settings.timeout;
        let late = |_| ErrorKind::Timeout { after: timeout };
        let mut response = tokio::time::timeout(timeout, self.request(request)).await.map_err(late)??;
        let limit = self.inner.limits.streamed();
        refuse_longer(&response, limit)?;
        let mut parser = ListParser::expecting(expected).at_most(self.inner.limits.masternodes());
        let mut read: u64 = 0;
        loop {
            let chunk = tokio::time::timeout(timeout, response.chunk()).await.map_err(late)?;
            let Some(chunk) = chunk.map_err(|error| broken(&error, timeout))? else { break };
            wrong_peer::by_body(StatusCode::OK, &chunk).filter(|_| read == 0).map_or(Ok(()), Err)?;
            read += chunk.len() as u64;
            if read > limit {
                return Err(ErrorKind::TooLarge { limit });
            }
            parser.push(&chunk)?;
        }
        parser.unknown().count_in(&self.inner.meters);
        parser.finish()
    }

    /// Sends a request, and once more with fresh credentials after a refusal.
    pub(super) async fn request(&self, body: &str) -> Result<Response, ErrorKind> {
        let known = self.inner.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh = known.is_none();
        let authorization = if fresh { self.read_credentials()? } else { known };
        let response = self.send(body, authorization.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return self.check(response).await;
        }
        // The cookie changes at each start of the node, and a password may have been changed.
        let renewed = if fresh { None } else { self.read_credentials()? };
        match renewed.filter(|renewed| Some(renewed) != authorization.as_ref()) {
            Some(renewed) => self.check(self.send(body, Some(&renewed)).await?).await,
            None => self.check(response).await,
        }
    }

    fn read_credentials(&self) -> Result<Option<Secret>, ErrorKind> {
        let read = self.inner.settings.credentials.authorization(self.inner.url.port(), is_here(&self.inner.url));
        let authorization = read.map_err(|cause| ErrorKind::NoCredentials { cause })?;
        self.inner.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&authorization);
        Ok(authorization)
    }

    async fn send(&self, body: &str, authorization: Option<&Secret>) -> Result<Response, ErrorKind> {
        let Inner { settings, http, url, .. } = &*self.inner;
        let mut request = http.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.to_string());
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(authorization.expose()).expect("base64 is valid in a header");
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        settings.outbound.send(request).await.map_err(|error| wrong_peer::failure(&error, url, settings.timeout))
    }

    /// Passes a successful answer on; converts any other into its error kind, by its body if it has one.
    async fn check(&self, response: Response) -> Result<Response, ErrorKind> {
        let status = response.status();
        match status {
            StatusCode::OK => return Ok(response),
            StatusCode::UNAUTHORIZED => {
                let used = self.inner.settings.credentials.describe(self.inner.url.port(), is_here(&self.inner.url));
                return Err(ErrorKind::Unauthorized { used });
            }
            StatusCode::FORBIDDEN => return Err(ErrorKind::Forbidden),
            _ => {}
        }
        wrong_peer::check_status(&response)?;
        let body = collect(response, ERROR_BODY_BYTES, self.inner.settings.timeout).await?;
        Err(match status {
            _ if body.starts_with(b"Work queue depth exceeded") => ErrorKind::Refused,
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::Refused,
            _ => answers::reported_error(&body)
                .or_else(|| retry::by_status(status, wrong_peer::by_body(status, &body)))
                .unwrap_or_else(|| ErrorKind::malformed(format_args!("HTTP status {status}"))),
        })
    }
}

fn body(method: &Method, params: &Value) -> String {
    json!({"jsonrpc": "1.0", "id": "x", "method": method.parent(), "params": params}).to_string()
}
