//! E-mail over SMTP: one connection for each message.
//!
//! Never here: the text of a message; retries.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::{self, AsyncSmtpTransportBuilder};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::alerting::answer;
use crate::alerting::client::SendError;
use crate::alerting::settings::{Email, SmtpEncryption};
use crate::outbound::{Outbound, advised};
use crate::secret::Secret;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

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

/// Sends a message over a new connection.
pub(super) async fn send(
    email: &Email,
    password: Option<&Secret>,
    outbound: &Outbound,
    timeout: Duration,
    message: Message,
) -> Result<(), SendError> {
    let mut builder = Transport::builder_dangerous(&email.host).port(email.port).timeout(Some(timeout));
    builder = encrypt(builder, email, outbound).map_err(|error| SendError::of(advised(error.to_string())))?;
    if let (Some(user), Some(password)) = (&email.user, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_string()));
    }
    let sent = builder.build::<Tokio1Executor>().send(message).await;
    sent.map(drop).map_err(|error| failure(&error, password))
}

fn encrypt(
    builder: AsyncSmtpTransportBuilder,
    email: &Email,
    outbound: &Outbound,
) -> Result<AsyncSmtpTransportBuilder, smtp::Error> {
    let parameters = || {
        let mut tls = TlsParameters::builder(email.host.clone());
        if let Some(authorities) = &outbound.authorities {
            let certificates = Certificate::from_pem(authorities.pem().as_bytes())?;
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(certificates);
        }
        tls.build()
    };
    Ok(builder.tls(match email.encryption {
        SmtpEncryption::StartTls => Tls::Required(parameters()?),
        SmtpEncryption::Tls => Tls::Wrapper(parameters()?),
        SmtpEncryption::None => Tls::None,
    }))
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
