//! The pure core: the rules of a masternode list. Functions take values, including the current time and height, and
//! return values. Reading order: [`masternode`], [`details`], [`payout`], [`operator_reward`], [`terms`] and [`list`] hold what a node
//! reports; [`chain`] and [`state`] hold the rules of chains, [`chain_facts`] further facts about a network. [`pose`],
//! [`dkg`] and [`payment`] derive values for one masternode, and [`score_projection`] the effect of failures at known
//! blocks. [`event`] holds the changes between blocks, [`dkg_outcome`] the results of DKG sessions, [`rfc3339`] the
//! format of times. [`watch`] holds the watch list, [`entry_matches`] what its entries match, [`maintenance`] masternodes in maintenance, [`probe`] the results
//! of probes, [`session`] active DKG sessions, [`quorum_selection`] and [`quorum_rotation`] the members of the next ones,
//! [`duty`] the sessions of a masternode, [`restart`] what a restart costs it, and [`quorum`] the last quorums of each type.
//! [`list_proof`] holds the proof that a list is the one that the chain commits to, and [`score_check`] recomputes its scores. [`registrations`] counts masternodes by form of registration, [`census`] watched ones by
//! software. [`foreign_text`] bounds text that others wrote. [`release`] lists software with known faults, [`requirement`] the requirements of the network, [`revival`]
//! the commands that revive a masternode, and [`deployment`] the activation of consensus changes. [`earnings`] sums payments. [`snapshot`] combines
//! all of it for readers, [`network_state`] adds sources and probes, and [`condition`] holds the conditions that alerts
//! report.
//!
//! Never here: input or output, clocks, async, JSON, metrics, logs.

pub mod census;
pub mod chain;
pub mod chain_facts;
pub mod condition;
pub mod counters;
mod danger_order;
pub mod deployment;
pub mod details;
pub mod dkg;
pub mod dkg_outcome;
pub mod duty;
pub mod earnings;
pub mod entry_matches;
pub mod event;
pub mod foreign_text;
pub mod hex;
pub mod list;
pub mod list_proof;
pub mod maintenance;
pub mod masternode;
pub mod naming;
pub mod network_state;
pub mod operator_reward;
pub mod packed_height;
pub mod payment;
pub mod payout;
pub mod pose;
pub mod probe;
pub mod quorum;
pub mod quorum_rotation;
pub mod quorum_selection;
pub mod registrations;
pub mod release;
pub mod requirement;
pub mod restart;
pub mod revival;
pub mod rfc3339;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod score_check;
pub mod score_projection;
mod search;
pub mod session;
mod session_outlook;
pub mod snapshot;
pub mod state;
pub mod terms;
pub mod unreadable;
pub mod view;
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
