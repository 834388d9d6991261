//! JSON types of masternodes, networks, events, alerts and probes, for the API and the command line. The API contract
//! is generated from them.
//!
//! A field is named as its metric, without the prefix, where there is one. A field is always present; `null` means not
//! known, or not part of the chain. Only events omit fields that their kind does not have.
//!
//! Never here: selection and order.

mod alert;
mod duties;
mod earnings;
mod event;
mod masternode;
mod masternode_details;
mod network;
mod restart_plan;
mod values;

pub use alert::{Alert, Probe, Requirement};
pub use duties::{Duties, OutageCost};
pub use earnings::{EarnedPeriod, EarningsRow};
pub use event::{Event, Object, Payee, Quorum};
pub use masternode::{Masternode, Subject};
pub use masternode_details::MasternodeDetails;
pub use network::{Block, NetworkSummary, ObservedNetwork};
pub use restart_plan::{NotPlaced, Reason, RestartPlan};
pub use values::Text;
