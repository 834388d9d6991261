//! The web configuration file that all Prometheus exporters share:
//! <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>.
//!
//! Empty texts count as absent, as in the toolkit in Go. An unknown key or a value of the wrong type is reported alone,
//! because the parser stops there; all other errors are reported together. No error repeats a value that may be secret.
//!
//! Never here: the effect of the settings; the check whether the file changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::file::{self, FileStamp, is_open_to_everybody};
use crate::security::LoadedSecurity;
use crate::settings::{ClientAuth, ExtraHeader, PasswordHash, RateLimit, SecuritySettings, Tls, TlsParts};

/// Maximum size of a web configuration, certificate or key file, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Maximum number of YAML aliases in a file.
const MAX_ALIASES: usize = 16;

/// Maximum interval of the rate limit.
const DAY: Duration = Duration::from_secs(86_400);

/// Maximum number of edits between an unknown key and a suggestion.
const NEAR: usize = 2;

/// The content of a web configuration file.
pub struct WebConfigFile {
    /// The settings; if there are errors, those that could be read.
    pub settings: SecuritySettings,
    /// All errors, each with its key.
    pub errors: Vec<String>,
    /// Warnings about valid but probably unintended settings.
    pub warnings: Vec<String>,
    /// All files that were read.
    files: Vec<FileStamp>,
}

/// Reads the file and the files that it names, relative to its folder.
pub fn load(path: &Path) -> WebConfigFile {
    let mut reader = Reader {
        folder: path.parent().unwrap_or(Path::new("")),
        files: vec![FileStamp::new(path)],
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    let settings = match file::read(path, MAX_FILE_BYTES).and_then(|bytes| parse(&bytes)) {
        Ok(file) => reader.settings(file),
        Err(error) => {
            reader.errors.push(error);
            SecuritySettings::default()
        }
    };
    if !settings.users.is_empty() && is_open_to_everybody(path) {
        reader.warnings.push(format!("{} contains users and is readable by all users: chmod 640 it", path.display()));
    }
    let Reader { files, errors, warnings, .. } = reader;
    WebConfigFile { settings, errors, warnings, files }
}

/// The same for [`WebSecurity`](crate::WebSecurity).
pub fn read(path: &Path) -> LoadedSecurity {
    let WebConfigFile { settings, errors, files, .. } = load(path);
    let refusal = || format!("{} cannot be used: {}", path.display(), errors.join("; "));
    LoadedSecurity { files, result: if errors.is_empty() { Ok(settings) } else { Err(refusal()) } }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "keys with values")]
struct File {
    tls_server_config: Option<TlsSection>,
    http_server_config: Option<HttpSection>,
    basic_auth_users: Option<BTreeMap<String, Option<String>>>,
    rate_limit: Option<RateSection>,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default, expecting = "keys with values")]
struct TlsSection {
    cert: Option<String>,
    key: Option<String>,
    client_ca: Option<String>,
    cert_file: Option<String>,
    key_file: Option<String>,
    client_auth_type: Option<String>,
    client_ca_file: Option<String>,
    client_allowed_sans: Option<Vec<String>>,
    min_version: Option<String>,
    max_version: Option<String>,
    cipher_suites: Option<Vec<String>>,
    prefer_server_cipher_suites: Option<bool>,
    curve_preferences: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "keys with values")]
struct HttpSection {
    http2: Option<bool>,
    headers: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "keys with values")]
struct RateSection {
    interval: Option<String>,
    burst: Option<u32>,
}

fn parse(bytes: &[u8]) -> Result<File, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the file: is not UTF-8 text")?;
    // The limits are far above every reasonable file. An alias can expand to a text as large as the file, so a low
    // limit of aliases bounds the memory.
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: 16, max_nodes: 100_000, max_aliases: MAX_ALIASES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000, max_replay_stack_depth: 8 },
    };
    let mut path = String::new();
    let file = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        serde_path_to_error::deserialize::<_, Option<File>>(deserializer).map_err(|error| {
            path = error.path().to_string();
            error.into_inner()
        })
    });
    file.map(Option::unwrap_or_default).map_err(|error| describe(&path, &error))
}

/// The location of an error and a sentence. Values are omitted, because a value may be a password, or the file may be
/// another one.
fn describe(path: &str, error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    let line = error.location().map_or(String::new(), |location| format!(" (line {})", location.line()));
    let place = if matches!(path, "" | "." | "?") { "the file" } else { path.trim_end_matches(".?") };
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => {
            let parent = place.strip_suffix(field.as_str()).unwrap_or(place).trim_end_matches('.');
            let parent = if parent.is_empty() || parent == "the file" { String::new() } else { format!("{parent}.") };
            let distance = |name: &str| strsim::levenshtein(name, field);
            match expected.iter().filter(|name| distance(name) <= NEAR).min_by_key(|name| distance(name)) {
                Some(near) => format!("{parent}{field}: unknown key; did you mean {near}?{line}"),
                None => format!("{parent}{field}: unknown key; known here are {}{line}", expected.join(", ")),
            }
        }
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("{place}: expected {expected}{line}")
        }
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "mapping start" => "keys with values",
                "sequence start" => "a list",
                "string scalar" => "a text",
                other => other,
            };
            format!("{place}: expected {expected}{line}")
        }
        Error::InvalidScalar { ty: "boolean", .. } => format!("{place}: is neither true nor false{line}"),
        Error::InvalidScalar { ty, .. } => format!("{place}: is not of the type {ty}{line}"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("{place}: {key} is given twice{line}"),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => {
            format!("the file: is nested too deeply, or repeats itself too often by aliases{line}")
        }
        _ => format!("the file: is not YAML that can be used here{line}"),
    }
}

/// A non-empty text.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Checks the sections, and reads the files that they name.
struct Reader<'a> {
    folder: &'a Path,
    files: Vec<FileStamp>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn settings(&mut self, file: File) -> SecuritySettings {
        let HttpSection { http2, headers } = file.http_server_config.unwrap_or_default();
        let tls = file.tls_server_config.filter(|section| *section != TlsSection::default());
        SecuritySettings {
            tls: tls.and_then(|section| self.tls(&section, http2.unwrap_or(true))),
            headers: self
                .each("http_server_config.headers", headers, ExtraHeader::new)
                .into_values()
                .flatten()
                .collect(),
            users: self.each("basic_auth_users", file.basic_auth_users, |_, text| PasswordHash::new(text)),
            rate_limit: file.rate_limit.and_then(|section| self.rate_limit(&section)),
        }
    }

    /// The entries of a table; `make` creates each from its name and text.
    fn each<T>(
        &mut self,
        place: &str,
        table: Option<BTreeMap<String, Option<String>>>,
        make: impl Fn(&str, &str) -> Result<T, String>,
    ) -> BTreeMap<String, T> {
        let mut entries = BTreeMap::new();
        for (name, text) in table.into_iter().flatten() {
            match make(&name, text.as_deref().unwrap_or_default()) {
                Ok(entry) => drop(entries.insert(name, entry)),
                Err(error) => self.error(&format!("{place}.{name}"), error),
            }
        }
        entries
    }

    fn error(&mut self, place: &str, what: impl std::fmt::Display) {
        self.errors.push(format!("{place}: {what}"));
    }

    fn tls(&mut self, section: &TlsSection, http2: bool) -> Option<Tls> {
        let auth = ClientAuth::new(section.client_auth_type.as_deref().unwrap_or_default());
        let auth = auth.map_err(|error| self.error("tls_server_config.client_auth_type", error));
        let has_authorities = given(section.client_ca_file.as_ref()).or(given(section.client_ca.as_ref())).is_some();
        let text = |text: &Option<String>| given(text.as_ref()).map(str::to_string);
        let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let parts = TlsParts {
            client_ca: has_authorities
                .then(|| self.pem("client_ca_file", &section.client_ca_file, "client_ca", &section.client_ca))
                .flatten(),
            cert: self.pem("cert_file", &section.cert_file, "cert", &section.cert).unwrap_or_default(),
            key: self.pem("key_file", &section.key_file, "key", &section.key).unwrap_or_default(),
            client_auth_type: auth.unwrap_or_default(),
            client_allowed_sans: list(&section.client_allowed_sans),
            min_version: text(&section.min_version),
            max_version: text(&section.max_version),
            cipher_suites: list(&section.cipher_suites),
            prefer_server_cipher_suites: section.prefer_server_cipher_suites.unwrap_or(true),
            curve_preferences: list(&section.curve_preferences),
            http2,
        };
        match Tls::new(&parts) {
            Ok((tls, warnings)) => {
                self.warnings.extend(warnings.into_iter().map(|warning| format!("tls_server_config: {warning}")));
                Some(tls)
            }
            Err(errors) => {
                // The failure to read them was already reported.
                let missing = |key| match key {
                    "cert_file" => parts.cert.is_empty(),
                    "key_file" => parts.key.is_empty(),
                    _ => false,
                };
                for error in errors.into_iter().filter(|error| !missing(error.key)) {
                    self.error(&format!("tls_server_config.{}", error.key), error.what);
                }
                None
            }
        }
    }

    /// The content of the file `name`, or else the text in the configuration itself. It is not an error if both are
    /// absent.
    fn pem(
        &mut self,
        file_key: &str,
        name: &Option<String>,
        inline_key: &str,
        text: &Option<String>,
    ) -> Option<Vec<u8>> {
        let place = format!("tls_server_config.{file_key}");
        let Some(name) = given(name.as_ref()) else {
            let text = given(text.as_ref()).map(|text| text.as_bytes().to_vec());
            if text.is_none() {
                self.error(&place, format_args!("is missing: set it, or the text itself as {inline_key}"));
            }
            return text;
        };
        if given(text.as_ref()).is_some() {
            self.warnings.push(format!("tls_server_config.{inline_key} has no effect because {file_key} is given"));
        }
        let path: PathBuf = self.folder.join(name);
        self.files.push(FileStamp::new(&path));
        if file_key == "key_file" && is_open_to_everybody(&path) {
            self.warnings.push(format!("{} is a key that all users can read: chmod 640 it", path.display()));
        }
        match file::read(&path, MAX_FILE_BYTES) {
            Ok(bytes) if bytes.is_empty() => self.error(&place, format_args!("{} is empty", path.display())),
            Ok(bytes) => return Some(bytes),
            Err(error) => self.error(&place, format_args!("{} {error}", path.display())),
        }
        None
    }

    fn rate_limit(&mut self, section: &RateSection) -> Option<RateLimit> {
        let text = given(section.interval.as_ref()).filter(|text| *text != "0")?;
        let interval = match humantime::parse_duration(text) {
            Ok(interval) if interval <= DAY => interval,
            Ok(_) => {
                self.error("rate_limit.interval", format_args!("{text} is longer than a day"));
                return None;
            }
            Err(_) => {
                self.error("rate_limit.interval", format_args!("{text:?} is not a time span such as 200ms, 1s or 1m"));
                return None;
            }
        };
        let burst = section.burst.unwrap_or(0);
        if interval.is_zero() {
            return None;
        }
        if burst == 0 {
            self.warnings.push("rate_limit.burst is 0: every request is refused".into());
        }
        Some(RateLimit { interval, burst })
    }
}
