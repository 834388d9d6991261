//! The section `alerting.emails`.
//!
//! Never here: sending anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerting::settings::{Email, Kind, Receiver, SmtpEncryption};
use crate::config::files::read_authorities;
use crate::config::leaf::{FilePath, Leaf, List, MINUTE, Name, SECOND, Span, Text};
use crate::config::mistakes::{Place, required};
use crate::config::network::required_name;
use crate::config::receiver_kinds::{MailboxKind, ServerKind};
use crate::config::receiver_match::MatchSection;
use crate::config::receivers::{Context, Repeat, SeverityChoice, secret_file};
use crate::outbound::Outbound;
use crate::secret::{Secret, SecretSource};

/// Recipients of e-mail.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "server", "from", "to"]))]
pub(super) struct EmailSection {
    /// The label `receiver` of metrics.
    name: Option<Name>,
    /// The SMTP server: host and port, such as `smtp.example.org:587`.
    server: Option<Leaf<ServerKind>>,
    /// How the connection is encrypted: by the command STARTTLS, which the server must offer, from the first byte (port 465), or not
    /// at all, without a user only.
    encryption: EncryptionChoice,
    /// User of the server; needs `password` or `password_file`. Without it, the server is used without authentication.
    username: Option<Text>,
    /// That user's password.
    password: Option<Text>,
    /// File with the password; read again for each message.
    password_file: Option<FilePath>,
    /// Sender, such as `alerts@example.org` or `Masternodes <alerts@example.org>`.
    from: Option<Leaf<MailboxKind>>,
    /// Recipients.
    to: List<Leaf<MailboxKind>>,
    /// Less urgent alerts are not sent.
    minimum_severity: SeverityChoice,
    r#match: MatchSection,
    /// From one message about an alert that is still active to the next.
    repeat_interval: Repeat,
    /// Longest time that a message may take.
    timeout: Span<{ SECOND / 10 }, MINUTE, { 30 * SECOND }>,
    /// PEM file with the certificate authorities of the server, in place of the system's; read at the start and on a reload.
    ca_file: Option<FilePath>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EncryptionChoice {
    #[default]
    StartTls,
    Tls,
    None,
}

impl EmailSection {
    pub(super) fn receiver(self, at: &Place<'_>, context: &Context<'_>) -> Receiver {
        let (host, port) = required(self.server, "server", at).map(|server| server.0).unwrap_or_default();
        let encryption = match self.encryption {
            EncryptionChoice::StartTls => SmtpEncryption::StartTls,
            EncryptionChoice::Tls => SmtpEncryption::Tls,
            EncryptionChoice::None => SmtpEncryption::None,
        };
        if encryption == SmtpEncryption::None && self.username.is_some() {
            at.key("encryption").error("none would send the password in clear text: use starttls or tls");
        }
        let password = match (self.password, self.password_file) {
            (Some(_), Some(_)) => {
                at.key("password_file").error("give either this or password, not both");
                None
            }
            (Some(password), None) => Some(SecretSource::Text(Secret::new(password.0))),
            (None, file) => secret_file(file, &at.key("password_file"), context, |_| Ok(())),
        };
        if self.username.is_some() != password.is_some() && !at.is_refused("password_file") {
            let missing = if password.is_some() { "username" } else { "password_file" };
            at.key(missing).error("is missing: username and password or password_file go together");
        }
        if self.to.is_empty() {
            at.key("to").error("is missing: the recipients");
        }
        Receiver {
            name: required_name(self.name, at),
            kind: Kind::Email(Email {
                host,
                port,
                encryption,
                user: self.username.map(|user| user.0),
                from: required(self.from, "from", at).map(|from| from.0).unwrap_or_default(),
                to: self.to.each().map(|(_, to)| to.0).collect(),
            }),
            address: SecretSource::Text(Secret::default()),
            token: password,
            minimum_severity: self.minimum_severity.severity(),
            matches: self.r#match.settings(&at.key("match"), context),
            repeat: self.repeat_interval.0,
            timeout: self.timeout.0,
            outbound: Outbound { authorities: read_authorities(self.ca_file, at, context.home), ..Outbound::default() },
        }
    }
}
