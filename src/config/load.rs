//! Where the configuration comes from: a file, then the environment over it, then the arguments over both.
//!
//! Never here: reading the process's environment; the meaning of a key.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ::config::{FileFormat, Source, Value};

use crate::config::node::{Node, Report};
use crate::config::{Config, network, sections, watch};
use crate::rpc::Credentials;

/// What names of variables that set a key begin with; `__` stands between the parts of its path.
const PREFIX: &str = "MASTERNODE_EXPORTER__";

/// Where to read from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file; `None` for none.
    pub file: Option<PathBuf>,
    /// The environment. Only variables that begin with `MASTERNODE_EXPORTER__` count.
    pub environment: BTreeMap<String, String>,
    /// Home directory, for `~` and for cookie files.
    pub home: Option<PathBuf>,
    /// Keys given as arguments, with their values.
    pub overrides: Vec<(String, String)>,
}

/// A configuration, and what is odd about it but allowed.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// Every mistake of a configuration, each with the path of its key.
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
pub fn load(origin: &Origin) -> Result<Loaded, Errors> {
    let place = origin
        .file
        .as_ref()
        .map_or_else(|| "the configuration".to_string(), |file| format!("configuration {}", file.display()));
    let fail = |errors| Errors { place: place.clone(), errors };
    let merged = merge(origin).map_err(|error| fail(vec![error]))?;
    let report = Report::default();
    let config = read(&Node::root(&merged, &report), origin.home.as_deref());
    match report.into_errors() {
        errors if errors.is_empty() => Ok(Loaded { warnings: warnings(&config), config }),
        errors => Err(fail(errors)),
    }
}

fn merge(origin: &Origin) -> Result<Value, String> {
    let mut builder = ::config::Config::builder();
    if let Some(file) = &origin.file {
        let text = std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))?;
        builder = builder.add_source(::config::File::from_str(&text, FileFormat::Yaml));
    }
    let environment = origin.environment.iter().filter_map(|(name, value)| {
        let upper = name.to_ascii_uppercase();
        Some((key(upper.strip_prefix(PREFIX)?), value.clone()))
    });
    for (key, value) in environment.chain(origin.overrides.iter().cloned()) {
        builder = builder.set_override(&key, value).map_err(|error| format!("{key}: {error}"))?;
    }
    let built = builder.build().map_err(|error| error.to_string())?;
    Ok(built.collect().map_err(|error| error.to_string())?.into())
}

/// `NETWORKS__0__SOURCES__1__URL` is `networks[0].sources[1].url`.
fn key(variable: &str) -> String {
    let mut key = String::new();
    for part in variable.split("__") {
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            key.push_str(&format!("[{part}]"));
        } else {
            key.push_str(if key.is_empty() { "" } else { "." });
            key.push_str(&part.to_ascii_lowercase());
        }
    }
    key
}

fn read(root: &Node<'_>, home: Option<&Path>) -> Config {
    root.keys(&["networks", "watch", "series", "payment", "history", "web", "log"]);
    let history = root.get("history");
    history.keys(&["max_gap_blocks"]);
    let networks = network::networks(&root.get("networks"), &history, home);
    let names: Vec<String> = networks.iter().map(|network| network.name.clone()).collect();
    Config {
        watch: watch::watch(&root.get("watch"), &names),
        metrics: sections::metrics(&root.get("series"), &root.get("payment")),
        web: sections::web(&root.get("web")),
        log: sections::log(&root.get("log")),
        networks,
    }
}

fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for address in config.web.listen_addresses.iter().filter(|address| !address.is_loopback()) {
        warnings.push(format!(
            "{address} can be reached from other hosts, and nothing asks them for a password: keep it behind a firewall or a proxy"
        ));
    }
    for source in config.networks.iter().flat_map(|network| &network.sources) {
        if let Credentials::PasswordFile { path, .. } = &source.credentials
            && readable_by_others(path)
        {
            warnings.push(format!("{} can be read by other users: chmod 600 it", path.display()));
        }
    }
    warnings
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}
