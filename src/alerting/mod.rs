//! Who is told what: the catalogue of alerts, the files for Prometheus and Alertmanager that are made of it, and the engine that
//! tells by itself.
//!
//! Reading order: [`catalog`] says every alert once, [`template`] fills in its texts, [`recording_rules`] has the recording rules that
//! choose among the pages of several exporters, [`rule_file`] and [`inhibition`] write the files in `alerts/`. Of the engine,
//! [`settings`] says whom to tell, [`evaluate`] what holds, [`state`] what is due, [`payload`] how it is said, `client` sends it,
//! `answer` reads what the receiver said, `courier` tries until it arrives, [`Engine`] lets them run; [`ActiveAlerts`] shows what fires.
//!
//! Never here: judging a snapshot (`domain::finding`).

mod active_alerts;
mod answer;
pub mod catalog;
mod client;
pub mod clock_jump;
mod engine;
pub mod evaluate;
pub mod grafana;
mod humanize;
pub mod inhibition;
mod notifier;
pub mod payload;
mod receiver_clock;
pub mod recording_rules;
pub mod routing;
pub mod rule_file;
pub mod runbooks;
pub mod settings;
pub mod smtp;
pub mod state;
pub mod template;
mod test_message;

pub use active_alerts::{ActiveAlert, ActiveAlertList, ActiveAlerts};
pub use engine::{Engine, StateSource};
pub use settings::AlertingSettings;
pub use test_message::send_test;
