//! Alerts: the catalogue, the Prometheus and Alertmanager files generated from it, and the engine that notifies
//! receivers without Prometheus.
//!
//! Reading order: `domain::condition` evaluates conditions, [`catalog`] adds the alerts that only Prometheus can raise,
//! [`rule_file`] and [`inhibition`] write the files in `alerts/`. Of the engine, [`settings`] names the receivers,
//! [`state`] decides which notifications are due, [`payload`] writes the message, `client` sends it, `answer` reads the
//! response, `notifier` retries, [`Engine`] runs the tasks; [`ActiveAlerts`] lists firing alerts.
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
mod portion;
mod receiver_clock;
pub mod routing;
pub mod rule_file;
pub mod runbooks;
pub mod settings;
pub mod smtp;
pub mod state;

mod test_message;

pub use active_alerts::{ActiveAlert, ActiveAlertList, ActiveAlerts};
pub use engine::{EVALUATION_PAUSE, Engine, HEARTBEAT, StateSource};
pub use notifier::random_byte;
pub use settings::AlertingSettings;
pub use test_message::send_test;
