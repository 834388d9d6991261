//! Authentication at a node: by its cookie, searched for if not configured, or by user and password.
//!
//! Never here: a secret in a log, an error or a `Debug` output.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret::{Secret, file};

/// How to authenticate.
#[derive(Clone, Debug, PartialEq)]
pub enum Credentials {
    /// The node's cookie file. The node writes a new one at each start, so it is read again after a refusal.
    CookieFile(PathBuf),
    /// The cookie file in a default data directory below `home`; the network that fits the port is tried first.
    FindCookie {
        /// Home directory of the user that runs the node; `None` if unknown.
        home: Option<PathBuf>,
    },
    /// A user and its password.
    Password {
        /// Name of the user.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// A user and a file with its password, read again after a refusal.
    PasswordFile {
        /// Name of the user.
        user: String,
        /// The file; surrounding white space is removed.
        path: PathBuf,
    },
}

impl Credentials {
    /// The value of the header `Authorization` for a node at `port`, read again. `None` if there is no cookie file, as
    /// when the node is not running: the call then shows whether it is. The error names the file. A cookie that was
    /// searched for is never sent to another host, which could use it on the node here.
    pub(super) fn authorization(&self, port: Option<u16>, here: bool) -> Result<Option<Secret>, String> {
        let pair = match self {
            Credentials::Password { user, password } => format!("{user}:{}", password.expose()),
            Credentials::PasswordFile { user, path } => format!("{user}:{}", read(path)?.expose()),
            Credentials::CookieFile(path) if !path.exists() => return Ok(None),
            Credentials::CookieFile(path) => read(path)?.expose().to_string(),
            Credentials::FindCookie { .. } if !here => return Ok(None),
            Credentials::FindCookie { home } => match found(home.as_deref(), port) {
                Some(path) => read(&path)?.expose().to_string(),
                None => return Ok(None),
            },
        };
        Ok(Some(Secret::new(format!("Basic {}", STANDARD.encode(pair)))))
    }

    /// Describes the credentials without the secret, and where to look if they are wrong.
    pub(super) fn describe(&self, port: Option<u16>, here: bool) -> String {
        match self {
            Credentials::Password { user, .. } => format!("user {user:?} and its password; check rpcauth in the node's configuration"),
            Credentials::PasswordFile { user, path } => {
                format!("user {user:?} and the password in {}; check rpcauth in the node's configuration", path.display())
            }
            Credentials::CookieFile(path) if !path.exists() => {
                format!("there is no cookie file {}; a node with rpcpassword writes none", path.display())
            }
            Credentials::CookieFile(path) => format!("the cookie in {}; check that it belongs to this node", path.display()),
            Credentials::FindCookie { .. } if !here => {
                "the node is on another host, and cookies are never sent to other hosts; set cookie_file, or username and password_file".into()
            }
            Credentials::FindCookie { home } => match found(home.as_deref(), port) {
                Some(path) => format!("the cookie found in {}; check that it belongs to this node", path.display()),
                None => format!(
                    "no cookie was found in {}; set cookie_file, or username and password_file",
                    looked(home.as_deref())
                ),
            },
        }
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let text = file::read(path).map_err(|error| {
        format!("{} {error}; check that the node is running and that this user may read the file", path.display())
    })?;
    Ok(Secret::new(text))
}

/// Data directory of a network below Dash Core's, and its default RPC port (docs/spec/dash.md#chain-constants).
const NETWORKS: [(&str, u16); 4] = [("", 9998), ("testnet3", 19998), ("devnet-", 19798), ("regtest", 19898)];

/// The cookie file of a node at `port`, or of any node if none fits the port. `None` if there is no cookie file.
fn found(home: Option<&Path>, port: Option<u16>) -> Option<PathBuf> {
    let mut networks = NETWORKS;
    networks.sort_by_key(|(_, default)| Some(*default) != port);
    let roots = roots(home?);
    networks
        .iter()
        .flat_map(|(name, _)| roots.iter().flat_map(|root| directories(root, name)))
        .map(|directory| directory.join(".cookie"))
        .find(|path| path.is_file())
}

/// The network of the first cookie file below a home directory, and its default RPC port: identifies the node that runs
/// on this host. `None` if there is no cookie file.
pub fn running_network(home: &Path) -> Option<(&'static str, u16)> {
    let has_cookie = |name: &str| {
        roots(home).iter().flat_map(|root| directories(root, name)).any(|directory| directory.join(".cookie").is_file())
    };
    let (name, port) = NETWORKS.into_iter().find(|(name, _)| has_cookie(name))?;
    let network = match name {
        "" => "main",
        "testnet3" => "test",
        "devnet-" => "devnet",
        other => other,
    };
    Some((network, port))
}

/// Data directories of Dash Core below a home directory: on Linux, on macOS.
fn roots(home: &Path) -> [PathBuf; 2] {
    [home.join(".dashcore"), home.join("Library/Application Support/DashCore")]
}

fn looked(home: Option<&Path>) -> String {
    home.map_or_else(
        || "no directory, because the home directory is unknown".into(),
        |home| format!("{} and below", roots(home)[0].display()),
    )
}

/// Directories of a network; a devnet's directory contains its name.
fn directories(root: &Path, network: &str) -> Vec<PathBuf> {
    if !network.ends_with('-') {
        return vec![root.join(network)];
    }
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut named: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(network)))
        .collect();
    named.sort();
    named
}

/// Whether a node is on this host.
pub(super) fn is_here(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(home: &Path, directory: &str) -> PathBuf {
        let directory = home.join(".dashcore").join(directory);
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(".cookie");
        fs::write(&path, "__cookie__:abc\n").unwrap();
        path
    }

    #[test]
    fn the_cookie_that_fits_the_port_is_preferred_to_any_other() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(found(Some(home.path()), Some(9998)), None);
        let regtest = cookie(home.path(), "regtest");
        assert_eq!(found(Some(home.path()), Some(9998)), Some(regtest.clone()), "better than none");
        let main = cookie(home.path(), "");
        let devnet = cookie(home.path(), "devnet-bintang");
        let test = cookie(home.path(), "testnet3");
        for (port, expected) in [(9998, &main), (19998, &test), (19798, &devnet), (19898, &regtest), (1234, &main)] {
            assert_eq!(found(Some(home.path()), Some(port)).as_ref(), Some(expected), "port {port}");
        }
    }

    #[test]
    fn the_network_on_this_host_is_that_of_its_cookie() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(running_network(home.path()), None);
        for (directory, expected) in [
            ("regtest", ("regtest", 19898)),
            ("devnet-x", ("devnet", 19798)),
            ("testnet3", ("test", 19998)),
            ("", ("main", 9998)),
        ] {
            cookie(home.path(), directory);
            assert_eq!(running_network(home.path()), Some(expected), "{directory}");
        }
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        let password = Credentials::Password { user: "exporter".into(), password: Secret::new("hunter2") };
        assert!(!format!("{password:?} {}", password.describe(None, true)).contains("hunter2"));
        let header = password.authorization(None, true).unwrap().unwrap();
        assert_eq!(header.expose(), "Basic ZXhwb3J0ZXI6aHVudGVyMg==");
        assert!(!format!("{header:?}").contains("Zm9v"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let home = tempfile::tempdir().unwrap();
        let missing = home.path().join("password");
        let password = Credentials::PasswordFile { user: "exporter".into(), path: missing.clone() };
        assert!(password.authorization(None, true).unwrap_err().contains(&*missing.to_string_lossy()));
        // A directory cannot be read as a file, not even by root.
        let error = Credentials::CookieFile(home.path().into()).authorization(None, true).unwrap_err();
        assert!(error.contains(&*home.path().to_string_lossy()), "{error}");
    }

    #[test]
    fn a_cookie_that_is_not_there_is_named_and_no_reason_not_to_ask() {
        let cookie = Credentials::CookieFile("/nonexistent/.cookie".into());
        assert_eq!(cookie.authorization(None, true), Ok(None));
        assert!(cookie.describe(None, true).contains("no cookie file /nonexistent/.cookie"));
    }
}
