//! The URL of a node's RPC. Its path may be secret: hosted nodes put their key there.
//!
//! Never here: validation (`config`); connections.

use std::fmt;

/// A URL whose path, query and fragment cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RpcUrl(String);

impl RpcUrl {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> RpcUrl {
        RpcUrl(text.into())
    }

    /// The whole text, for the client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.find("://").map_or(0, |scheme| scheme + 3);
        match self.0[host..].find(['/', '?', '#']) {
            Some(end) if self.0.len() > host + end + 1 => write!(f, "{}/…", &self.0[..host + end]),
            _ => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_printed() {
        for (url, shown) in [
            ("http://127.0.0.1:9998", "http://127.0.0.1:9998"),
            ("http://127.0.0.1:9998/", "http://127.0.0.1:9998/"),
            ("https://rpc.example.org/hunter2", "https://rpc.example.org/…"),
            ("https://rpc.example.org?key=hunter2", "https://rpc.example.org/…"),
        ] {
            assert_eq!((RpcUrl::new(url).to_string(), RpcUrl::new(url).expose()), (shown.to_string(), url));
        }
    }
}
