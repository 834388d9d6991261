//! Masternodes, networks, events, alerts and probes as JSON, for the API and for the command line: the types that are
//! serialized, and that the contract is made of.
//!
//! A name is that of the metric where there is one, without its prefix. A name is always there; `null` is what is not
//! known or what a chain does not have. Only events leave out what their kind does not carry.
//!
//! Never here: which of them are shown, in which order.

mod alert;
mod duties;
mod event;
mod masternode;
mod masternode_details;
mod network;
mod values;

pub use alert::{Alert, Probe, Requirement};
pub use duties::Duties;
pub use event::{Event, Object, Payee, Quorum};
pub use masternode::{Masternode, Subject};
pub use masternode_details::MasternodeDetails;
pub use network::{Block, NetworkSummary, ObservedNetwork};
pub use values::Text;
