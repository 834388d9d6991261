//! The pure core: what a masternode list means.
//!
//! Values go in (the current time and height among them), values come out. Reading order: [`masternode`],
//! [`details`], [`payout`], [`terms`] and [`list`] say what a node told us, [`chain`] and [`state`] by which rules, [`chain_facts`] what else is known, [`pose`], [`dkg`] and
//! [`payment`] what follows from it for one node, [`score_projection`] what failures at known blocks would do to it, [`event`] what
//! changed from one block to the next, [`dkg_outcome`] how its DKG sessions ended, [`rfc3339`] how times are written, [`watch`]
//! whom the operator cares about, [`entry_matches`] which of that matches nobody, [`maintenance`] who is being worked on, [`probe`] what came of calling a masternode,
//! [`session`] what is seen of DKG sessions under way, [`quorum_selection`] who will sit in the next, [`quorum`] when quorums were last mined,
//! [`registrations`] how many are registered in which form, [`census`] how many watched ones run which software,
//! [`release`] which software has a known fault, [`foreign_text`] how text of others is kept, [`requirement`] what the network demands of one, [`revival`] how a banned one is
//! revived, [`deployment`] when a consensus change activates, [`snapshot`] puts all
//! of it together for the readers, [`network_state`] adds its sources and probes, and [`condition`] says what of it a human should know.
//!
//! Never here: input or output, clocks, async, JSON, metrics, logs.

pub mod census;
pub mod chain;
pub mod chain_facts;
pub mod condition;
pub mod counters;
pub mod deployment;
pub mod details;
pub mod dkg;
pub mod dkg_outcome;
pub mod entry_matches;
pub mod event;
pub mod foreign_text;
pub mod list;
pub mod maintenance;
pub mod masternode;
pub mod network_state;
pub mod payment;
pub mod payout;
pub mod pose;
pub mod probe;
pub mod quorum;
pub mod quorum_selection;
pub mod registrations;
pub mod release;
pub mod requirement;
pub mod revival;
pub mod rfc3339;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod score_projection;
pub mod session;
pub mod snapshot;
pub mod state;
pub mod terms;
pub mod unreadable;
pub mod watch;

pub use chain::{ChainRules, Subnet};
pub use chain_facts::ChainFacts;
pub use details::{Detail, DetailTexts, Details};
pub use event::{BanCause, Event, EventKind, Field};
pub use foreign_text::ForeignText;
pub use list::{Block, ListDiff, MasternodeList, StateChange};
pub use masternode::{
    BlockHash, Duffs, Hash, Height, Masternode, MasternodeId, NodeType, Outpoint, Score, UnixSeconds,
};
pub use network_state::{Moment, NetworkState, OwnMasternode, SourceHealth};
pub use pose::{PoseLimits, PoseScore, Risk};
pub use snapshot::{NodeView, Snapshot};
pub use state::State;
pub use unreadable::Unreadable;
