//! Alerts: the catalogue, the files for Prometheus and Alertmanager that are made of it, and the engine that notifies receivers
//! without Prometheus.
//!
//! Reading order: `domain::condition` evaluates, [`catalog`] adds what only Prometheus can see, [`rule_file`] and [`inhibition`]
//! write the files in `alerts/`. Of the engine, [`settings`] says whom to notify, [`state`] what is due, [`payload`] how it is
//! said, `client` sends it, `answer` reads what the receiver said, `notifier` tries until it arrives, [`Engine`] lets them run;
//! [`ActiveAlerts`] shows what fires.
//!
//! Never here: a condition (`domain::condition`).

mod active_alerts;
mod answer;
pub mod catalog;
mod client;
pub mod clock_jump;
mod engine;
pub mod grafana;
pub mod inhibition;
mod notifier;
pub mod payload;
mod receiver_clock;
pub mod routing;
pub mod rule_file;
pub mod runbooks;
pub mod settings;
pub mod smtp;
pub mod state;
mod test_message;

pub use active_alerts::{ActiveAlert, ActiveAlertList, ActiveAlerts};
pub use engine::{Engine, StateSource};
pub use settings::AlertingSettings;
pub use test_message::send_test;
