//! Who is told what: the catalogue of alerts, the files for Prometheus and Alertmanager that are made of it, and the engine that
//! tells by itself.
//!
//! Reading order: [`catalog`] says every alert once, [`template`] fills in its texts, [`pages`] has the recording rules that
//! choose among the pages of several exporters, [`rules`] and [`inhibition`] write the files in `alerts/`. Of the engine,
//! [`settings`] says whom to tell, [`judge`] what holds, [`book`] what is due, [`body`] how it is said, `client` sends it,
//! `answer` reads what the receiver said, `courier` tries until it arrives, [`Engine`] lets them run; [`Board`] shows what fires.
//!
//! Never here: judging a snapshot (`domain::finding`).

mod answer;
mod board;
pub mod body;
pub mod book;
pub mod catalog;
mod client;
mod courier;
mod engine;
pub mod inhibition;
pub mod judge;
pub mod jumps;
pub mod pages;
pub mod rules;
pub mod settings;
pub mod template;
mod words;

pub use board::{Board, Firing, Shown};
pub use engine::{Engine, Look};
pub use settings::Settings;
