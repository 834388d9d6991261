//! Receivers of each kind: e-mail, transactions of Matrix, secrets that are replaced, alerts that a receiver does not match, proxies
//! and certificate authorities, clocks that differ, the commands `notify` and `rules`.
//!
//! Never here: what is due when (`push`, `undelivered`).

mod clock;
mod commands;
mod email;
mod matching;
mod reached;
mod secrets;
mod smtp_server;
