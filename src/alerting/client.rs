//! The HTTP and SMTP client of one receiver: sends a message and reads whether it was accepted.
//!
//! A URL may contain a token, so no error repeats any part of it. Secrets in files are read at each attempt, so a
//! replaced token works without a reload.
//!
//! Never here: retries.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use tokio::sync::Mutex;
use tracing::warn;

use crate::alerting::answer;
use crate::alerting::payload::{Body, Content};
use crate::alerting::settings::{Kind, Receiver, check_address};
use crate::alerting::smtp;
use crate::outbound::{Outbound, cause};
use crate::secret::{Secret, SecretSource};
use domain::masternode::UnixSeconds;

/// Maximum number of bytes read of a response.
const MOST_READ: usize = 16 * 1024;

/// Idle time after which a connection is closed.
const REST: Duration = Duration::from_secs(20);

/// Why a message was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SendError {
    /// The message for the log.
    pub(super) what: String,
    /// The pause that the receiver requested.
    pub(super) wait: Option<Duration>,
    /// The receiver would reject the same message again.
    pub(super) is_final: bool,
    /// The beginning of its response, without secrets; empty without one.
    pub(super) answer: String,
}

impl SendError {
    /// A failure without a response, after which a retry may succeed.
    pub(super) fn of(what: impl Into<String>) -> SendError {
        SendError { what: what.into(), wait: None, is_final: false, answer: String::new() }
    }
}

/// A message was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Time of the receiver's clock, if the response contains it.
    pub(super) date: Option<UnixSeconds>,
    /// Recipients of a mail that refused it permanently, each with the reason.
    pub(super) refused: Vec<(String, SendError)>,
}

/// The current secrets of a receiver.
pub(super) struct Access {
    address: Secret,
    pub(super) token: Option<Secret>,
}

impl Access {
    /// Reads them.
    pub(super) fn read(receiver: &Receiver) -> Result<Access, SendError> {
        let token = receiver.token.as_ref().map(|token| read(token, "token or password")).transpose()?;
        let address = match receiver.kind {
            Kind::Email(_) => Secret::default(),
            _ => read_address(&receiver.address)?,
        };
        Ok(Access { address, token })
    }
}

fn read(source: &SecretSource, what: &str) -> Result<Secret, SendError> {
    source.read().map_err(|error| SendError::of(format!("the file with its {what} {error}")))
}

fn read_address(source: &SecretSource) -> Result<Secret, SendError> {
    let address = read(source, "url")?;
    check_address(address.expose()).map_err(|error| SendError::of(format!("its url {error}")))?;
    Ok(address)
}

/// Sends messages to one receiver.
pub(super) struct Client {
    http: reqwest::Client,
    outbound: Outbound,
    timeout: Duration,
    /// The last mail and the recipients that accepted it: a retry goes to the others.
    mailed: Mutex<(String, BTreeSet<String>)>,
}

impl Client {
    /// A client whose requests time out after `timeout`. Fails if TLS or the proxy cannot be set up. On a system
    /// without certificate authorities, only receivers on `https` fail.
    pub(super) fn new(timeout: Duration, outbound: &Outbound) -> Result<Client, SendError> {
        let build = |uses_tls| {
            let builder = outbound.client(uses_tls)?.connect_timeout(timeout).pool_idle_timeout(REST);
            builder.build().map_err(|error| cause(&error))
        };
        let http = build(true)
            .or_else(|error| {
                warn!("Receivers on https cannot be reached: {error}; install certificate authorities");
                build(false)
            })
            .map_err(|error| SendError::of(format!("no HTTP client: {error}")))?;
        Ok(Client { http, outbound: outbound.clone(), timeout, mailed: Mutex::default() })
    }

    /// Sends a message. `transaction` identifies it: a retry uses the same one.
    pub(super) async fn send(
        &self,
        receiver: &Receiver,
        access: &Access,
        body: &Body,
        transaction: &str,
    ) -> Result<Accepted, SendError> {
        match (&receiver.kind, &body.content) {
            (Kind::Email(email), Content::Mail { subject, text }) => {
                let message = smtp::message(email, subject, text, transaction)?;
                let mut mailed = self.mailed.lock().await;
                if mailed.0 != transaction {
                    *mailed = (transaction.into(), BTreeSet::new());
                }
                let (password, timeout, done) = (access.token.as_ref(), self.timeout, &mut mailed.1);
                let sent = smtp::send(email, password, &receiver.outbound, timeout, &message, done);
                let late = |_| SendError::of(format!("no response within {timeout:?}"));
                let sent = tokio::time::timeout(timeout, sent).await.unwrap_or_else(|elapsed| Err(late(elapsed)));
                sent.map(|refused| Accepted { date: None, refused })
            }
            (_, Content::Json(json)) => self.send_json(receiver, access, json.to_string(), transaction).await,
            (_, Content::Mail { .. }) => Err(SendError::of("only e-mail has a subject")),
        }
    }

    async fn send_json(
        &self,
        receiver: &Receiver,
        access: &Access,
        body: String,
        transaction: &str,
    ) -> Result<Accepted, SendError> {
        let method = if matches!(receiver.kind, Kind::Matrix { .. }) { Method::PUT } else { Method::POST };
        let url = endpoint(&receiver.kind, access, transaction)?;
        let mut request = self.http.request(method, url).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(token) = access.token.as_ref().filter(|_| uses_bearer(&receiver.kind)) {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| SendError::of("its token is not valid in a header"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let topic = match &receiver.kind {
            Kind::Ntfy { topic } => topic.expose(),
            _ => "",
        };
        self.run(
            &receiver.kind,
            request,
            &[access.address.expose(), access.token.as_ref().map_or("", Secret::expose), topic],
        )
        .await
    }

    /// Sends a request to a URL.
    pub(super) async fn get(&self, address: &SecretSource) -> Result<Accepted, SendError> {
        let address = read_address(address)?;
        self.run(&Kind::Generic, self.http.get(parse(address.expose())?), &[address.expose()]).await
    }

    async fn run(
        &self,
        kind: &Kind,
        request: reqwest::RequestBuilder,
        secrets: &[&str],
    ) -> Result<Accepted, SendError> {
        match self.outbound.send(request.timeout(self.timeout)).await {
            Ok(answer) => judge(kind, answer, secrets).await,
            Err(error) if error.is_timeout() => Err(SendError::of(format!("no response within {:?}", self.timeout))),
            Err(error) if error.is_connect() => {
                Err(SendError::of(format!("no connection: {}", answer::shown(&cause(&error), secrets))))
            }
            Err(error) => Err(SendError::of(format!("{}", error.without_url()))),
        }
    }
}

/// Whether the kind uses a bearer token; the others have their token elsewhere.
fn uses_bearer(kind: &Kind) -> bool {
    matches!(kind, Kind::Alertmanager | Kind::Generic | Kind::Ntfy { .. } | Kind::Matrix { .. })
}

/// The URL to which a message is sent.
fn endpoint(kind: &Kind, access: &Access, transaction: &str) -> Result<Url, SendError> {
    let base = access.address.expose();
    let below = |path: &str| format!("{}/{path}", base.trim_end_matches('/'));
    match (kind, &access.token) {
        (Kind::Alertmanager, _) => parse(&below("api/v2/alerts")),
        (Kind::Telegram { .. }, Some(token)) => parse(&below(&format!("bot{}/sendMessage", token.expose()))),
        (Kind::Matrix { room }, _) => {
            let mut url = parse(&below("_matrix/client/v3/rooms"))?;
            let mut path = url.path_segments_mut().map_err(|()| SendError::of("its url has no path"))?;
            path.extend([room.as_str(), "send", "m.room.message", transaction]);
            drop(path);
            Ok(url)
        }
        _ => parse(base),
    }
}

fn parse(address: &str) -> Result<Url, SendError> {
    address.parse().map_err(|_| SendError::of("its url is invalid"))
}

async fn judge(kind: &Kind, mut answer: Response, secrets: &[&str]) -> Result<Accepted, SendError> {
    let status = answer.status();
    let date = answer.headers().get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
    if status.is_success() {
        // A generic receiver may answer with anything, and slowly.
        if *kind != Kind::Generic
            && let Some(failure) = answer::contradiction(kind, &beginning(&mut answer).await, secrets)
        {
            return Err(failure);
        }
        let date = date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
        return Ok(Accepted { date: date.map(|since| UnixSeconds(since.as_secs())), refused: Vec::new() });
    }
    let body = beginning(&mut answer).await;
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let failure = answer::failure(status, asked, date, &body, secrets);
    let is_key = *kind == Kind::PagerDuty && answer::names_key(status, &body);
    Err(SendError { is_final: failure.is_final && !is_key, ..failure })
}

/// The body, up to the limit, or as far as it arrives.
async fn beginning(answer: &mut Response) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < MOST_READ
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read.extend_from_slice(&chunk[..chunk.len().min(MOST_READ - read.len())]);
    }
    read
}
