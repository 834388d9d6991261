//! `check`: the configuration as it was understood, and whether what it names can be opened.
//!
//! Files with a password or a token, certificates and profiles were opened when the configuration was loaded.
//!
//! Never here: calls to nodes and receivers; creating or changing files.

use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, access};

use crate::cli::{CommandError, print};
use crate::config::{Config, LoadedConfig};
use crate::history::Reader;
use crate::rpc::Credentials;
use crate::rpc::credentials::running_network;
use crate::secret::file;
use domain::entry_matches::selector_text;
use domain::watch::{NOTHING_WATCHED, Selector, WATCH_LINES};

/// Prints the configuration, and opens what it names.
pub(super) fn run(loaded: &LoadedConfig) -> Result<(), CommandError> {
    let usable = open(&loaded.config).and_then(|()| refused_files(&loaded.config));
    let first = match usable {
        Ok(()) => "the configuration is good",
        Err(_) => "the configuration was read, but what it names cannot be used; the error is at the end",
    };
    print(&describe(first, loaded))?;
    usable.map_err(CommandError::Configuration)
}

/// All mistakes in files of the watch list.
fn refused_files(config: &Config) -> Result<(), String> {
    let mistakes = config.watch_files.files().iter().flat_map(|file| &file.mistakes);
    let mistakes: Vec<&str> = mistakes.map(String::as_str).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(format!("refused watch files:\n  {}", mistakes.join("\n  "))) }
}

fn days(span: Duration) -> u64 {
    span.as_secs() / 86_400
}

/// The protection of the server in words.
fn protection(config: &Config) -> String {
    let Some(file) = &config.web.config_file else { return "without TLS and passwords".into() };
    let parts = [
        (file.encrypted, "TLS"),
        (file.asks_for_certificate, "client certificates"),
        (file.asks_for_password, "passwords"),
    ];
    let parts: Vec<&str> = parts.into_iter().filter_map(|(given, what)| given.then_some(what)).collect();
    let parts = if parts.is_empty() { "without TLS and passwords".into() } else { parts.join(", ") };
    format!("{parts}, by {}", file.path.display())
}

/// The effective configuration.
fn describe(first: &str, loaded: &LoadedConfig) -> String {
    let config = &loaded.config;
    let mut lines = vec![first.to_string()];
    for network in &config.networks {
        lines.push(format!(
            "network {}: polled every {:?}, withdrawn after {:?} without confirmation",
            network.name, network.poll_interval, network.stale_after
        ));
        lines.extend(network.sources.iter().map(|source| format!("  source {}: {}", source.name, source.url)));
    }
    for (network, entry) in &config.watch {
        let selection = selector_text(&entry.selector);
        let place = network.as_ref().map_or_else(String::new, |network| format!(" on {network}"));
        lines.push(format!("watch {:?}{place}: {selection}", entry.alias));
    }
    for file in config.watch_files.files() {
        let entries = match file.entries() {
            None => "refused".into(),
            Some(1) => "1 entry".into(),
            Some(entries) => format!("{entries} entries"),
        };
        lines.push(format!("watch file {}: {entries}", file.name));
    }
    match config.watch.as_slice() {
        [] => lines.push(format!("warning: {NOTHING_WATCHED} Add:\n{}", WATCH_LINES.trim_end())),
        [(_, only)] if only.selector == Selector::Own => lines.push(
            "only the masternode that a source runs as is watched, if there is one; `doctor` asks the sources".into(),
        ),
        _ => {}
    }
    let addresses: Vec<String> = config.web.listen_addresses.iter().map(ToString::to_string).collect();
    lines.push(format!("serves {} on {} ({})", config.web.telemetry_path, addresses.join(", "), protection(config)));
    lines.push(match &config.history.path {
        Some(path) => {
            format!(
                "keeps events for {} days and counters without limit in {}",
                days(config.history.retention),
                path.display()
            )
        }
        None => "keeps nothing: counters begin when the process starts (history.path)".to_string(),
    });
    lines.push("effective settings, without secrets:".into());
    lines.extend(loaded.settings.iter().map(|line| format!("  {line}")));
    lines.extend(cookies(config).into_iter().map(|warning| format!("warning: {warning}")));
    lines.extend(loaded.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n") + "\n"
}

/// Cookies that cannot be read. Not a mistake of the configuration: the node may not run at the moment.
fn cookies(config: &Config) -> Vec<String> {
    let sources = config.networks.iter().flat_map(|network| &network.sources);
    let unreadable = sources.filter_map(|source| match &source.credentials {
        Credentials::CookieFile(path) => {
            let error = file::read(path).err()?;
            Some(format!(
                "source {}: the cookie {} {error}; a node writes it when it starts",
                source.name,
                path.display()
            ))
        }
        Credentials::FindCookie { home } => {
            let found = home.as_deref().and_then(running_network);
            let place = home.as_deref().map_or_else(|| "of an unknown home".into(), |home| home.display().to_string());
            found.is_none().then(|| {
                format!("source {}: no cookie of a Dash node is below {place}; name it by cookie_file", source.name)
            })
        }
        Credentials::Password { .. } | Credentials::PasswordFile { .. } => None,
    });
    unreadable.collect()
}

/// Opens the history, or checks that it can be created.
///
/// # Errors
///
/// If the exporter could not write the history: the path and the reason.
fn open(config: &Config) -> Result<(), String> {
    let Some(path) = &config.history.path else { return Ok(()) };
    if path.exists() {
        Reader::open(path).map_err(|error| format!("history.path: {error}"))?;
        return access(path, Access::WRITE_OK)
            .map_err(|error| format!("history.path: {} cannot be written: {error}", path.display()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| format!("history.path: {} cannot be created: its directory: {error}", path.display()))
}
