//! The validated security settings: TLS, users, headers, rate limit.
//!
//! The names are those of the web configuration file that all Prometheus exporters share
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).
//!
//! Never here: reading a file, the state of a running server.

use std::collections::BTreeMap;
use std::time::Duration;

use bcrypt::HashParts;
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS, X_XSS_PROTECTION,
};

pub use crate::client_cert::ClientAuth;
pub use crate::tls::{Tls, TlsConfigError, TlsParts};

/// The security settings of a server. The default has no protection.
#[derive(Clone, Debug, Default)]
pub struct SecuritySettings {
    /// TLS of the connections; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Headers that are added to each answer.
    pub headers: Vec<ExtraHeader>,
    /// Password hashes by user; empty if no password is required.
    pub users: BTreeMap<String, PasswordHash>,
    /// Limit of the request rate; `None` for no limit.
    pub rate_limit: Option<RateLimit>,
}

/// The request rate: `burst` requests at once, then one per `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Time after which one more request is allowed; not zero.
    pub interval: Duration,
    /// Maximum burst; 0 allows no request.
    pub burst: u32,
}

/// A bcrypt hash. It cannot be printed, because a hash allows offline guessing of its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    cost: u32,
}

impl PasswordHash {
    /// Parses a hash as `htpasswd -B` writes it: `$2y$10$…`.
    ///
    /// # Errors
    /// A sentence with the expected format; it repeats nothing of the text, which may be a password.
    pub fn new(text: &str) -> Result<PasswordHash, String> {
        let parts = text.parse::<HashParts>().ok();
        let cost = parts.map(|parts| parts.get_cost()).filter(|cost| (4..=31).contains(cost));
        let cost = cost.ok_or("is not a bcrypt hash such as htpasswd -nBC 10 prints; it begins with $2y$")?;
        Ok(PasswordHash { text: text.to_owned(), cost })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Logarithm of the work to check a password: each step doubles the work.
    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PasswordHash(cost {})", self.cost)
    }
}

/// A header that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraHeader {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

impl ExtraHeader {
    /// Names of the headers that can be configured, as written in the file.
    pub const NAMES: [&str; 5] = [
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Frame-Options",
        "X-XSS-Protection",
    ];

    /// Parses a header of [`ExtraHeader::NAMES`] and its value; `Ok(None)` if the value is empty, which sets no header.
    ///
    /// # Errors
    /// A sentence with the reason.
    pub fn new(name: &str, value: &str) -> Result<Option<ExtraHeader>, String> {
        let (name, allowed): (HeaderName, &[&str]) = match name {
            "Content-Security-Policy" => (CONTENT_SECURITY_POLICY, &[]),
            "Strict-Transport-Security" => (STRICT_TRANSPORT_SECURITY, &[]),
            "X-Content-Type-Options" => (X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
            "X-Frame-Options" => (X_FRAME_OPTIONS, &["deny", "sameorigin"]),
            "X-XSS-Protection" => (X_XSS_PROTECTION, &[]),
            _ => return Err(format!("is no header that can be set; those are {}", ExtraHeader::NAMES.join(", "))),
        };
        if !allowed.is_empty() && !allowed.contains(&value) {
            return Err(format!("{value:?} is not allowed; allowed is {}", allowed.join(" or ")));
        }
        if value.is_empty() {
            return Ok(None);
        }
        let value = HeaderValue::from_str(value).map_err(|_| "has characters that no header may have")?;
        Ok(Some(ExtraHeader { name, value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_hash_must_be_complete_and_cannot_be_printed() {
        // The hash of "secret", created by `htpasswd -nbBC 4`.
        let good = "$2y$04$Zrs4ONtfrQZsYWWYSdPeBeSlf5pE0u/RLCLbKhEoTDlbnTC6yDb3W";
        let hash = PasswordHash::new(good).unwrap();
        assert_eq!((hash.text(), hash.cost()), (good, 4));
        assert!(!format!("{hash:?}").contains("Zrs4"));
        for bad in
            ["", "secret", "$2y$04$short", &good[..59], "$2y$99$Zrs4ONtfrQZsYWWYSdPeBeSlf5pE0u/RLCLbKhEoTDlbnTC6yDb3W"]
        {
            let error = PasswordHash::new(bad).expect_err(bad);
            assert!(error.contains("htpasswd") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn only_security_headers_can_be_configured() {
        let value = |name, value| ExtraHeader::new(name, value).map(|header| header.is_some());
        assert_eq!(value("X-Frame-Options", "deny"), Ok(true));
        assert_eq!(value("X-XSS-Protection", "1"), Ok(true));
        assert_eq!(value("Content-Security-Policy", ""), Ok(false), "empty sets nothing");
        for (name, bad) in [
            ("X-Frame-Options", "foo"),
            ("X-Frame-Options", ""),
            ("X-Content-Type-Options", "sniff"),
            ("Content-Type", "text/html"),
            ("x-frame-options", "deny"),
            ("Content-Security-Policy", "a\nb"),
        ] {
            assert!(value(name, bad).is_err(), "{name}: {bad}");
        }
    }
}
