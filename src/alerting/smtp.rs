//! E-mail over SMTP: a message goes to each recipient in an envelope of its own.
//!
//! Never here: the text of a message; retries.

use std::collections::BTreeSet;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use crate::alerting::answer;
use crate::alerting::client::SendError;
use crate::alerting::settings::{Email, SmtpEncryption};
use crate::outbound::{Outbound, advised};
use crate::secret::Secret;

/// Checks a mail address, with or without a name: `Alerts <alerts@example.org>`.
pub fn check_mailbox(text: &str) -> Result<(), String> {
    let example = "is not a mail address such as alerts@example.org";
    text.parse::<Mailbox>().map(drop).map_err(|error| format!("{example}: {error}"))
}

/// A message from the configured sender to the recipients. Its Message-ID follows from `transaction`, so that a mail
/// server or client can detect a duplicate.
pub(super) fn message(email: &Email, subject: &str, text: &str, transaction: &str) -> Result<Message, SendError> {
    let mailbox =
        |text: &str| text.parse::<Mailbox>().map_err(|_| SendError::of("one of its mail addresses is invalid"));
    let from = mailbox(&email.from)?;
    let id = format!("<{transaction}@{}>", from.email.domain());
    let mut builder =
        Message::builder().from(from).message_id(Some(id)).subject(subject).header(ContentType::TEXT_PLAIN);
    // RFC 3834: suppresses automatic replies.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    builder = builder.raw_header(HeaderValue::new(automatic, "auto-generated".into()));
    for to in &email.to {
        builder = builder.to(mailbox(to)?);
    }
    builder.body(text.to_string()).map_err(|error| SendError::of(format!("invalid message: {error}")))
}

/// Sends a message to each recipient that is not in `done`, in an envelope of its own, so that one that is refused does not
/// keep it from the others. Recipients that accept it are added to `done`. Returns those that refuse it permanently; fails if
/// any should be tried again, or if none accepted it.
pub(super) async fn send(
    email: &Email,
    password: Option<&Secret>,
    outbound: &Outbound,
    timeout: Duration,
    message: &Message,
    done: &mut BTreeSet<String>,
) -> Result<Vec<(String, SendError)>, SendError> {
    let (from, bytes) = (message.envelope().from().cloned(), message.formatted());
    let mut connection: Option<AsyncSmtpConnection> = None;
    let mut refused = Vec::new();
    let mut again = None;
    for to in
        message.envelope().to().iter().filter(|to| !done.contains::<str>(to.as_ref())).cloned().collect::<Vec<_>>()
    {
        let envelope = Envelope::new(from.clone(), vec![to.clone()]);
        let envelope = envelope.map_err(|error| SendError::of(format!("invalid message: {error}")))?;
        let mut open = match connection.take() {
            Some(open) => open,
            None => connect(email, password, outbound, timeout).await?,
        };
        match open.send(&envelope, &bytes).await.map_err(|error| failure(&error, password)) {
            Ok(_) => drop(done.insert(to.to_string())),
            Err(error) if error.is_final => refused.push((to.to_string(), error)),
            Err(error) => again = Some(error),
        }
        // A failed command closes the connection.
        connection = Some(open).filter(|open| !open.has_broken());
    }
    if let Some(mut open) = connection {
        // The messages were accepted before.
        let _ = open.quit().await;
    }
    match again {
        Some(error) => Err(error),
        None if done.is_empty() && !refused.is_empty() => Err(refused.remove(0).1),
        None => Ok(refused),
    }
}

/// Opens an encrypted and authenticated connection. No failure is final: no message was refused yet.
async fn connect(
    email: &Email,
    password: Option<&Secret>,
    outbound: &Outbound,
    timeout: Duration,
) -> Result<AsyncSmtpConnection, SendError> {
    let refused = |error: smtp::Error| SendError { is_final: false, ..failure(&error, password) };
    let parameters = || tls(email, outbound).map_err(|error| SendError::of(advised(error.to_string())));
    let wrapper = if email.encryption == SmtpEncryption::Tls { Some(parameters()?) } else { None };
    let (server, name) = ((email.host.as_str(), email.port), ClientId::default());
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(server, Some(timeout), &name, wrapper, None).await.map_err(refused)?;
    if email.encryption == SmtpEncryption::StartTls {
        connection.starttls(parameters()?, &name).await.map_err(refused)?;
    }
    if let (Some(user), Some(password)) = (&email.user, password) {
        let credentials = Credentials::new(user.clone(), password.expose().to_string());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(refused)?;
    }
    Ok(connection)
}

fn tls(email: &Email, outbound: &Outbound) -> Result<TlsParameters, smtp::Error> {
    let mut tls = TlsParameters::builder(email.host.clone());
    if let Some(authorities) = &outbound.authorities {
        let certificates = Certificate::from_pem(authorities.pem().as_bytes())?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    tls.build()
}

/// Describes a failure. A 5xx response is final (RFC 5321, section 4.2.1), except those about user name and password
/// (RFC 4954, section 6), which can be corrected.
fn failure(error: &smtp::Error, password: Option<&Secret>) -> SendError {
    const OF_THE_USER: [u16; 4] = [530, 534, 535, 538];
    let Some(code) = error.status().map(u16::from) else {
        let what = if error.is_timeout() { "no answer in time".to_string() } else { advised(error.to_string()) };
        return SendError::of(answer::shown(&what, &secrets(password)));
    };
    let is_of_the_user = OF_THE_USER.contains(&code);
    let hint = if is_of_the_user { "; check its username and password" } else { "" };
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    SendError {
        what: format!("SMTP status {code}{hint}"),
        wait: None,
        is_final: error.is_permanent() && !is_of_the_user,
        answer: answer::shown(&text, &secrets(password)),
    }
}

fn secrets(password: Option<&Secret>) -> [&str; 1] {
    [password.map_or("", Secret::expose)]
}
