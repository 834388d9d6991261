//! `healthcheck`: checks whether a running exporter is alive or ready, for containers.
//!
//! Never here: RPC calls; secrets as arguments, which every user of the host can read.

pub mod credentials;
pub mod request;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};

use crate::cli::healthcheck::credentials::Credentials;
use crate::cli::healthcheck::request::{Reply, RequestError};
use crate::cli::{CommandError, print};
use crate::config::{self, Config, ConfigSources};
use crate::web::listen::ListenAddress;

/// Maximum size of a password, certificate or key file, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const EXAMPLES: &str = "\
Exit codes: 0 alive, or ready; 2 invalid arguments or configuration; 3 not alive, not ready, or unknown.

Examples:
  masternode-exporter healthcheck
  masternode-exporter healthcheck --ready --web.config.file=web.yml \\
    --username=probe --password-file=probe.txt

A 401 or a request for a client certificate counts as alive. --ready needs credentials if the server
requires them: --username and --password-file, --cert-file and --key-file, or all four. With TLS they
are sent only to a server that has the certificate of the web configuration; without TLS the password
is sent unencrypted.";

/// Arguments of `healthcheck`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HealthcheckArguments {
    /// Check readiness instead: whether a masternode list is available.
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    client: ClientArguments,
}

/// How a running exporter is asked.
#[derive(Debug, Args)]
pub(super) struct ClientArguments {
    /// User for basic authentication.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    username: Option<String>,
    /// File with that user's password.
    #[arg(long, value_name = "FILE", requires = "username", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,
    /// File with a client certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "key_file", value_hint = ValueHint::FilePath)]
    cert_file: Option<PathBuf>,
    /// File with the key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "cert_file", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,
    /// Timeout.
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = config::parse_duration)]
    pub(super) timeout: Duration,
}

pub(super) async fn run(arguments: HealthcheckArguments, origin: &ConfigSources) -> Result<(), CommandError> {
    let client = &arguments.client;
    let shows = client.username.is_some() || client.cert_file.is_some();
    let (config, mistaken) = understood(origin, shows)?;
    let address = config.web.listen_addresses.first().ok_or("no listen address is configured")?;
    let path = if arguments.ready { "/-/ready" } else { "/-/healthy" };
    let certificate = config.web.config_file.as_ref().and_then(|file| file.certificate.as_deref());
    let credentials = client.credentials(certificate).map_err(CommandError::Configuration)?;
    let question = Question { address, path, credentials, timeout: client.timeout };
    let encrypted = config.web.scheme() == "https";
    // Whether it encrypts need not be what the file says by now, or no file is known here. Guessing is for those who have
    // nothing to lose.
    let answer = if shows { question.ask(encrypted).await } else { question.ask_either(encrypted).await };
    // A server that requires authentication is alive.
    let refused = match answer {
        Ok(reply) if reply.status == 200 => return print(&reply.body),
        Ok(reply) if reply.status == 401 && client.username.is_some() => "refuses user or password".to_string(),
        Ok(reply) if reply.status == 401 => "asks for a password".to_string(),
        Ok(reply) if reply.status == 429 => "is asked too often".to_string(),
        Err(refusal @ (RequestError::CertificateNeeded | RequestError::CertificateRefused(_))) => refusal.to_string(),
        Ok(reply) => return not_well(&format!("{address}{path} answers {}: {}", reply.status, reply.body.trim())),
        Err(error) if mistaken => return not_well(&format!("{address}: {error}; mind the mistakes named before")),
        Err(error) => return not_well(&format!("{address}: {error}")),
    };
    if arguments.ready {
        return not_well(&format!("{address}{path} {refused}, so readiness is unknown"));
    }
    print(&format!("It is alive: it {refused}.\n"))
}

/// The configuration, and whether it has mistakes. A running exporter keeps its previous configuration, so mistakes are errors
/// only if `strict`: credentials must not be sent to an unknown server.
fn understood(origin: &ConfigSources, strict: bool) -> Result<(Config, bool), CommandError> {
    let failure = |errors: config::Errors| CommandError::Configuration(errors.to_string());
    let (loaded, errors) = config::load_lenient(origin).map_err(failure)?;
    match errors {
        None => Ok((loaded.config, false)),
        Some(errors) if strict => Err(failure(errors)),
        Some(errors) => {
            note!("{errors}");
            Ok((loaded.config, true))
        }
    }
}

fn not_well(text: &str) -> Result<(), CommandError> {
    note!("{text}");
    Err(CommandError::NotWell)
}

struct Question<'a> {
    address: &'a ListenAddress,
    path: &'a str,
    credentials: Credentials,
    timeout: Duration,
}

impl Question<'_> {
    async fn ask(&self, encrypted: bool) -> Result<Reply, RequestError> {
        request::get(self.address, self.path, encrypted, &self.credentials, self.timeout).await
    }

    /// Asks the other way when this one is not understood.
    async fn ask_either(&self, encrypted: bool) -> Result<Reply, RequestError> {
        let started = Instant::now();
        let first = self.ask(encrypted).await;
        if !matches!(first, Err(RequestError::Failed(_))) {
            return first;
        }
        let timeout = self.timeout.saturating_sub(started.elapsed());
        match request::get(self.address, self.path, !encrypted, &self.credentials, timeout).await {
            Err(RequestError::Failed(_) | RequestError::Timeout(_)) => first,
            second => second,
        }
    }
}

impl ClientArguments {
    /// What is shown, to an exporter with this certificate.
    pub(super) fn credentials(&self, certificate: Option<&[u8]>) -> Result<Credentials, String> {
        let mut credentials = Credentials::only_for(certificate);
        if let (Some(user), Some(file)) = (&self.username, &self.password_file) {
            let password = String::from_utf8(read(file)?).map_err(|_| format!("{} is not text", file.display()))?;
            credentials.set_password(user, &password).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        if let (Some(certificate), Some(key)) = (&self.cert_file, &self.key_file) {
            credentials.set_certificate(&read(certificate)?, &read(key)?).map_err(|(is_key, error)| {
                let file = if is_key { key } else { certificate };
                format!("{} {error}", file.display())
            })?;
        }
        Ok(credentials)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    file.map(|_| bytes).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
