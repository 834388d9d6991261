//! The web configuration file of Prometheus exporters, for servers written in Rust.
//!
//! [`WebSecurity`] holds the active security settings and reloads them when a file changes. For each connection and
//! request, the server queries the current [`ActiveSecurity`] for the TLS configuration, whether the request is
//! allowed, and which headers to add.
//!
//! Reading order: [`web_config`] reads the file, [`settings`] has the validated settings, `tls` and `client_cert` the
//! encryption, `password` and `rate_limit` the checks of a request, [`WebSecurity`] the reload.
//!
//! Never here: an HTTP server, a metrics registry, the name of the program that uses it.

#![forbid(unsafe_code)]

mod client_cert;
pub mod file;
mod password;
mod rate_limit;
mod security;
pub mod settings;
mod tls;
pub mod web_config;

pub use file::FileStamp;
pub use security::{Access, ActiveSecurity, Denial, LoadFunction, LoadObserver, LoadedSecurity, WebSecurity};
pub use tls::HTTP2;
