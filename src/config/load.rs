//! Loads the configuration: the file, overridden by the environment, overridden by the arguments.
//!
//! Never here: reading the process's environment; the meaning of a key.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::config::{Map, Value, ValueKind};
use exporter_toolkit::settings::Tls;
use exporter_toolkit::web_config;

use crate::config::file_permissions::{open_to_everybody, open_to_others};
use crate::config::mistakes::{Mistakes, Place};
use crate::config::sections::RootSection;
use crate::config::{
    Config, chain, effective, maintenance, network, overrides, receiver_match, reference, sections, view, watch,
    watch_files, yaml,
};
use crate::metrics;
use crate::rpc::Credentials;

/// Largest file that is read, in bytes: several times a watch list of every masternode of a large network.
pub(super) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The inputs.
#[derive(Clone, Debug, Default)]
pub struct ConfigSources {
    /// The file; `None` for none.
    pub file: Option<PathBuf>,
    /// The environment. Only variables that begin with `MASTERNODE_EXPORTER__` count.
    pub environment: BTreeMap<String, String>,
    /// Home directory, for `~` and for cookie files.
    pub home: Option<PathBuf>,
    /// Keys given as arguments.
    pub overrides: Vec<Override>,
}

/// A key set by an argument; it overrides the file and the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The argument as it is typed, for messages: `--web.listen-address`.
    pub argument: &'static str,
    /// The path of the key, its parts joined by dots.
    pub key: &'static str,
    /// Its value; several make a list.
    pub values: Vec<String>,
}

/// A configuration, and its warnings.
#[derive(Debug)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Config,
    /// Warnings for the operator.
    pub warnings: Vec<String>,
    /// The effective settings, without secrets: a line for each key that has a value.
    pub settings: Vec<String>,
}

/// Every error of a configuration, each with the path of its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Errors {
    place: String,
    errors: Vec<String>,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be used:", self.place)?;
        self.errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for Errors {}

/// Reads and checks everything.
pub fn load(origin: &ConfigSources) -> Result<LoadedConfig, Errors> {
    match load_lenient(origin)? {
        (loaded, None) => Ok(loaded),
        (_, Some(errors)) => Err(errors),
    }
}

/// Reads as much as possible, with all errors: for a reload check of a running server, which keeps its previous
/// configuration when a file is invalid.
///
/// # Errors
/// If nothing of the file is readable.
pub fn load_lenient(origin: &ConfigSources) -> Result<(LoadedConfig, Option<Errors>), Errors> {
    let place = origin
        .file
        .as_ref()
        .map_or_else(|| "the configuration".to_string(), |file| format!("configuration {}", file.display()));
    let fail = |errors| Errors { place: place.clone(), errors };
    let mistakes = Mistakes::of_file(origin.file.as_deref());
    let mut merged = match origin.file.as_deref().map(from_file) {
        None => Value::new(None, ValueKind::Table(Map::new())),
        Some(Ok(value)) => value,
        Some(Err(error)) => return Err(fail(vec![error])),
    };
    overrides::environment(&mut merged, &origin.environment, &mistakes);
    overrides::arguments(&mut merged, &origin.overrides, &mistakes);
    include_profiles(&mut merged, &mistakes);
    let root: RootSection = crate::config::read::read(&merged, &mistakes);
    let settings = serde_json::to_value(&root).map(|read| effective::lines(&read, &merged)).unwrap_or_default();
    let mut config = validate(root, &Place::root(&merged, &mistakes), origin.home.as_deref());
    let mut warnings = overrides::mistyped(&origin.environment, reference::sections());
    warnings.extend(readable_secrets(&config));
    warnings.extend(receiver_match::warnings(&config.alerting, &config.watch));
    warnings.extend(config.watch_files.problems());
    let mut users: Vec<String> = Vec::new();
    if let Some(file) = &mut config.web.config_file {
        let found = web_config::load(&file.path);
        file.encrypted = found.settings.tls.is_some();
        file.certificate = found.settings.tls.as_ref().map(|tls| tls.certificate().to_vec());
        file.asks_for_password = !found.settings.users.is_empty();
        file.asks_for_certificate = found.settings.tls.as_ref().is_some_and(Tls::knows_its_clients);
        users.extend(found.settings.users.keys().cloned());
        let place = format!("web.config_file: {}", file.path.display());
        found.errors.iter().for_each(|error| mistakes.add(&place, error));
        warnings.extend(found.warnings.into_iter().map(|warning| format!("{}: {warning}", file.path.display())));
    }
    warnings.extend(view::warnings(&config.web.views, &users));
    let warnings = exposed(&config).into_iter().chain(warnings).collect();
    let errors = Some(mistakes.into_lines()).filter(|errors| !errors.is_empty()).map(fail);
    Ok((LoadedConfig { config, warnings, settings }, errors))
}

/// The keys and values of a file. An error never quotes its content: the wrong file may be one with a password.
pub(super) fn from_file(path: &Path) -> Result<Value, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is larger than {} MiB", MAX_FILE_BYTES >> 20));
    }
    // As it is for a moment while it is written. A file with comments only, like that of the package, is one with the defaults.
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err("is empty: a file without settings has {}".into());
    }
    yaml::parse(&text)
}

/// Loads the profiles of chains that are separate files, with paths relative to the configuration file if it names them.
fn include_profiles(merged: &mut Value, mistakes: &Mistakes) {
    let ValueKind::Table(root) = &mut merged.kind else { return };
    let Some(ValueKind::Table(chains)) = root.get_mut("chains").map(|chains| &mut chains.kind) else { return };
    for (name, profile) in chains {
        let ValueKind::String(path) = &profile.kind else { continue };
        let folder = if profile.origin().is_some() { Path::new("") } else { mistakes.folder() };
        match from_file(&folder.join(path)) {
            Ok(value) => *profile = value,
            Err(error) => {
                mistakes.add(&format!("chains.{name}"), format_args!("{path} {error}"));
                *profile = Value::default();
            }
        }
    }
}

/// Checks every section, in the order of the errors.
fn validate(root: RootSection, at: &Place<'_>, home: Option<&Path>) -> Config {
    let chains = chain::chains(root.chains, &at.key("chains"));
    let networks = network::networks(root.networks, &root.history, &chains, &at.key("networks"), home);
    let files = watch_files::patterns(root.watch_files, &at.key("watch_files"), home);
    let mut watch = match root.watch {
        Some(section) => watch::watch(section, &networks, &at.key("watch")),
        None if at.key("watch").is_empty() && !files.is_configured() => watch::implied(),
        None => Vec::new(),
    };
    let watch_files = files.read(&networks, &watch);
    watch.extend(watch_files.entries().cloned());
    let metrics = sections::metrics(root.series, root.payment, at);
    let probe = root.probe.settings();
    let history = root.history.settings(&at.key("history"), home);
    let (alerting, maintenance) = root.alerting.settings(
        &at.key("alerting"),
        home,
        &networks,
        (&watch, files.is_configured()),
        root.web.external_url(),
    );
    let maintenance = maintenance::maintenance(maintenance, &networks, &at.key("alerting").key("maintenance"));
    Config {
        watch,
        watch_files,
        history,
        metrics: metrics::MetricsSettings { probed: probe.is_some(), ..metrics },
        probe,
        alerting,
        maintenance,
        web: root.web.settings(&at.key("web"), home),
        log: root.log.settings(),
        networks,
    }
}

fn readable_secrets(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for source in config.networks.iter().flat_map(|network| &network.sources) {
        match &source.credentials {
            Credentials::PasswordFile { path, .. } if open_to_others(path) => {
                warnings.push(format!(
                    "{} can be read by other users: chmod 600 it, or 640 if it belongs to root and its group is one of the exporter's",
                    path.display()
                ));
            }
            // A node may let its group read the cookie, which is how another user on its host authenticates.
            Credentials::CookieFile(path) if open_to_everybody(path) => {
                warnings.push(format!(
                    "the cookie {} can be read by every user of this host: chmod 640 it",
                    path.display()
                ));
            }
            _ => {}
        }
    }
    warnings
}

/// A warning if other hosts can reach a server without protection.
fn exposed(config: &Config) -> Option<String> {
    let addresses = config.web.listen_addresses.iter().filter(|address| !address.is_loopback());
    let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
    let file = config.web.config_file.as_ref();
    let encrypted = file.is_some_and(|file| file.encrypted);
    let asks = file.is_some_and(|file| file.asks_for_password || file.asks_for_certificate);
    let fault = match (encrypted, asks) {
        _ if addresses.is_empty() => return None,
        (true, true) => return None,
        (false, false) => "no password is required, and nothing is encrypted",
        (true, false) => "no password or certificate is required",
        (false, true) => "passwords are sent unencrypted",
    };
    Some(format!(
        "{} can be reached from other hosts, and {fault}: protect it by --web.config.file, or keep it behind a firewall or a proxy",
        addresses.join(", ")
    ))
}
