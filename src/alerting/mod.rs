//! Who is told what: the catalogue of alerts, and the files for Prometheus and Alertmanager that are made of it.
//!
//! Reading order: [`catalog`] says every alert once, [`template`] fills in its texts, [`pages`] has the recording rules that
//! choose among the pages of several exporters, [`rules`] and [`inhibition`] write the files in `alerts/`.
//!
//! Never here: judging a snapshot (`domain::finding`); sending.

pub mod catalog;
pub mod inhibition;
pub mod pages;
pub mod rules;
pub mod template;
