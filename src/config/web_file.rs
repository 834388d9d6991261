//! The web configuration file that all Prometheus exporters share: encryption, users, headers, rate.
//! <https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>
//!
//! It is a file of its own because other tools write and check it too. Texts that are empty count as left out, as there.
//!
//! Never here: what the settings do (`web`); the look whether the file changed.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use exporter_toolkit::settings::{ClientAuth, ExtraHeader, PasswordHash, RateLimit, SecuritySettings, Tls, TlsParts};
use exporter_toolkit::{FileStamp, LoadedSecurity};

use crate::config::access::open_to_everybody;
use crate::config::load::from_file;
use crate::config::node::{Node, Report};

/// Largest certificate or key file that is read, in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// Longest interval of the rate limit.
const DAY: Duration = Duration::from_secs(86_400);

/// Keys of the file, by the section that they stand in.
pub const SECTIONS: [(&str, &[&str]); 4] = [
    ("", &["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"]),
    (
        "tls_server_config",
        &[
            "cert",
            "key",
            "client_ca",
            "cert_file",
            "key_file",
            "client_auth_type",
            "client_ca_file",
            "client_allowed_sans",
            "min_version",
            "max_version",
            "cipher_suites",
            "prefer_server_cipher_suites",
            "curve_preferences",
        ],
    ),
    ("http_server_config", &["http2", "headers"]),
    ("rate_limit", &["interval", "burst"]),
];

/// What a web configuration file says.
pub struct WebFile {
    /// What is protected; as far as it was understood where there are mistakes.
    pub protection: SecuritySettings,
    /// All mistakes, each with its key.
    pub errors: Vec<String>,
    /// What is odd but allowed.
    pub warnings: Vec<String>,
    /// All files that were read.
    files: Vec<FileStamp>,
}

/// Reads the file and those that it names, relative to its own folder.
pub fn load(path: &Path) -> WebFile {
    let mut reader = Reader {
        folder: path.parent().unwrap_or(Path::new("")),
        files: vec![FileStamp::new(path)],
        warnings: Vec::new(),
    };
    let report = Report::default();
    let mut protection = SecuritySettings::default();
    match from_file(path) {
        Err(error) => report.error("the file", error),
        Ok(value) => {
            let root = Node::root(&value, &report);
            root.check_only(keys_of(""));
            let http = root.get("http_server_config");
            http.check_only(keys_of("http_server_config"));
            let http2 = http.get("http2").flag().unwrap_or(true);
            protection = SecuritySettings {
                tls: reader.tls(&root.get("tls_server_config"), http2, &report),
                headers: headers(&http.get("headers")),
                users: users(&root.get("basic_auth_users")),
                rate_limit: reader.rate_limit(&root.get("rate_limit")),
            };
        }
    }
    if !protection.users.is_empty() && open_to_everybody(path) {
        reader.warnings.push(format!("{} holds users and can be read by everybody: chmod 640 it", path.display()));
    }
    WebFile { protection, errors: report.into_errors(), warnings: reader.warnings, files: reader.files }
}

/// The same for the running server.
pub fn read(path: &Path) -> LoadedSecurity {
    let WebFile { protection, errors, files, .. } = load(path);
    let refusal = || format!("{} cannot be used: {}", path.display(), errors.join("; "));
    LoadedSecurity { files, result: if errors.is_empty() { Ok(protection) } else { Err(refusal()) } }
}

fn keys_of(section: &str) -> &'static [&'static str] {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

/// A text that is not empty.
fn given(node: &Node<'_>) -> Option<String> {
    node.text().filter(|text| !text.is_empty())
}

fn texts(node: &Node<'_>) -> Vec<String> {
    node.elements().iter().filter_map(Node::text).collect()
}

fn headers(node: &Node<'_>) -> Vec<ExtraHeader> {
    let header = |(name, node): (String, Node<'_>)| {
        let value = if node.is_set() { node.text()? } else { String::new() };
        ExtraHeader::new(&name, &value).map_err(|error| node.error(error)).ok()?
    };
    node.entries().into_iter().filter_map(header).collect()
}

fn users(node: &Node<'_>) -> BTreeMap<String, PasswordHash> {
    let user = |(name, node): (String, Node<'_>)| {
        let text = if node.is_set() { node.text()? } else { String::new() };
        Some((name, PasswordHash::new(&text).map_err(|error| node.error(error)).ok()?))
    };
    node.entries().into_iter().filter_map(user).collect()
}

/// Reads what stands in further files.
struct Reader<'a> {
    folder: &'a Path,
    files: Vec<FileStamp>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn tls(&mut self, node: &Node<'_>, http2: bool, report: &Report) -> Option<Tls> {
        node.check_only(keys_of("tls_server_config"));
        if !node.is_set() || node.entries().is_empty() {
            return None;
        }
        let authorities = given(&node.get("client_ca_file")).or_else(|| given(&node.get("client_ca")));
        let auth = node.get("client_auth_type").parsed(ClientAuth::new);
        let parts = TlsParts {
            client_ca: authorities.and_then(|_| self.pem(node, "client_ca_file", "client_ca")),
            cert: self.pem(node, "cert_file", "cert").unwrap_or_default(),
            key: self.pem(node, "key_file", "key").unwrap_or_default(),
            client_auth_type: auth.unwrap_or_default(),
            client_allowed_sans: texts(&node.get("client_allowed_sans")),
            min_version: given(&node.get("min_version")),
            max_version: given(&node.get("max_version")),
            cipher_suites: texts(&node.get("cipher_suites")),
            prefer_server_cipher_suites: node.get("prefer_server_cipher_suites").flag().unwrap_or(true),
            curve_preferences: texts(&node.get("curve_preferences")),
            http2,
        };
        match Tls::new(&parts) {
            Ok((tls, warnings)) => {
                self.warnings.extend(warnings.into_iter().map(|warning| format!("tls_server_config: {warning}")));
                Some(tls)
            }
            Err(mistakes) => {
                // What could not be read was said already.
                let missing = |key| match key {
                    "cert_file" => parts.cert.is_empty(),
                    "key_file" => parts.key.is_empty(),
                    _ => false,
                };
                for mistake in mistakes.into_iter().filter(|mistake| !missing(mistake.key)) {
                    report.error(&format!("tls_server_config.{}", mistake.key), mistake.what);
                }
                None
            }
        }
    }

    /// The text under the key `inline`, or that of the file under the key `file`, which wins. What is missing is a mistake.
    fn pem(&mut self, node: &Node<'_>, file: &str, inline: &str) -> Option<Vec<u8>> {
        let (file_node, inline_node) = (node.get(file), node.get(inline));
        let Some(name) = given(&file_node) else {
            let text = given(&inline_node).map(String::into_bytes);
            if text.is_none() {
                file_node.error(format_args!("is missing: give it, or the text itself as {inline}"));
            }
            return text;
        };
        if given(&inline_node).is_some() {
            self.warnings.push(format!("tls_server_config.{inline} has no effect beside {file}"));
        }
        let path: PathBuf = self.folder.join(name);
        self.files.push(FileStamp::new(&path));
        if file == "key_file" && open_to_everybody(&path) {
            self.warnings.push(format!("{} is a key that everybody can read: chmod 640 it", path.display()));
        }
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path).and_then(|file| file.take(MAX_PEM_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(0) => file_node.error(format_args!("{} is empty", path.display())),
            Ok(_) => return Some(bytes),
            Err(error) => file_node.error(format_args!("{} cannot be read: {error}", path.display())),
        }
        None
    }

    fn rate_limit(&mut self, node: &Node<'_>) -> Option<RateLimit> {
        node.check_only(keys_of("rate_limit"));
        let burst = node.get("burst").whole(0..=u64::from(u32::MAX)).unwrap_or(0);
        let interval = node.get("interval");
        if interval.text().as_deref() == Some("0") {
            return None;
        }
        let interval = interval.duration(Duration::ZERO..=DAY).filter(|interval| !interval.is_zero())?;
        if burst == 0 {
            self.warnings.push("rate_limit.burst is 0: every request is refused".into());
        }
        Some(RateLimit { interval, burst: u32::try_from(burst).unwrap_or(u32::MAX) })
    }
}
