//! One receiver's HTTP: a body goes out, and the answer says whether it arrived.
//!
//! An address may hold a token, so no error repeats anything of it.
//!
//! Never here: trying again.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use tracing::warn;

use crate::alerting::answer;
use crate::alerting::settings::{Kind, Receiver};
use crate::secret::Secret;

/// Bytes of an answer that are read at most.
const MOST_READ: usize = 16 * 1024;

/// A connection at rest is given up after so long.
const REST: Duration = Duration::from_secs(20);

/// Why something did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SendError {
    /// For people.
    pub(super) what: String,
    /// For how long the receiver asked not to be told anything.
    pub(super) wait: Option<Duration>,
    /// The receiver would refuse the same message again.
    pub(super) is_final: bool,
    /// The beginning of its answer, without secrets; empty where it gave none.
    pub(super) answer: String,
}

impl SendError {
    fn of(what: impl Into<String>) -> SendError {
        SendError { what: what.into(), wait: None, is_final: false, answer: String::new() }
    }
}

/// What sends.
pub(super) struct Client {
    http: reqwest::Client,
    timeout: Duration,
}

impl Client {
    /// One whose requests take no longer than that. Fails when TLS cannot be set up; where the system has no certificate
    /// authorities, only receivers on `https` cannot be reached.
    pub(super) fn new(timeout: Duration) -> Result<Client, SendError> {
        // Only the first one in a process is installed; that one is as good as ours.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(timeout)
                .pool_idle_timeout(REST)
        };
        let http = builder()
            .build()
            .or_else(|error| {
                warn!("receivers on https cannot be reached: {}; install certificate authorities", error.without_url());
                builder().tls_certs_only([]).build()
            })
            .map_err(|error| SendError::of(format!("no HTTP client: {}", error.without_url())))?;
        Ok(Client { http, timeout })
    }

    /// Sends a body to a receiver.
    pub(super) async fn send(&self, receiver: &Receiver, body: String) -> Result<(), SendError> {
        let mut request = self.http.post(address(receiver)?).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(token) = receiver.token.as_ref().filter(|_| uses_bearer(&receiver.kind)) {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| SendError::of("its token cannot stand in a header"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let token = receiver.token.as_ref().map_or("", Secret::expose);
        self.run(request, &[receiver.address.expose(), token]).await
    }

    /// Asks for an address.
    pub(super) async fn get(&self, address: &Secret) -> Result<(), SendError> {
        self.run(self.http.get(parse(address.expose())?), &[address.expose()]).await
    }

    async fn run(&self, request: reqwest::RequestBuilder, secrets: &[&str]) -> Result<(), SendError> {
        match request.timeout(self.timeout).send().await {
            Ok(answer) => judge(answer, secrets).await,
            Err(error) if error.is_timeout() => Err(SendError::of(format!("no answer within {:?}", self.timeout))),
            Err(error) if error.is_connect() => Err(SendError::of("no connection")),
            Err(error) => Err(SendError::of(format!("{}", error.without_url()))),
        }
    }
}

/// Only these two kinds read a bearer token; the others have theirs elsewhere.
fn uses_bearer(kind: &Kind) -> bool {
    matches!(kind, Kind::Alertmanager | Kind::Generic)
}

/// Where exactly a receiver listens.
fn address(receiver: &Receiver) -> Result<Url, SendError> {
    let mut text = receiver.address.expose().to_string();
    match &receiver.kind {
        Kind::Alertmanager => text = format!("{}/api/v2/alerts", text.trim_end_matches('/')),
        Kind::Telegram { .. } => {
            if let Some(token) = &receiver.token {
                text = format!("{}/bot{}/sendMessage", text.trim_end_matches('/'), token.expose());
            }
        }
        _ => {}
    }
    parse(&text)
}

fn parse(address: &str) -> Result<Url, SendError> {
    address.parse().map_err(|_| SendError::of("its address is none"))
}

async fn judge(mut answer: Response, secrets: &[&str]) -> Result<(), SendError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let body = beginning(&mut answer).await;
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(answer::failure(status, asked, &body, secrets))
}

/// As much of a body as is read at most, or as arrives.
async fn beginning(answer: &mut Response) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < MOST_READ
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read.extend_from_slice(&chunk[..chunk.len().min(MOST_READ - read.len())]);
    }
    read
}
