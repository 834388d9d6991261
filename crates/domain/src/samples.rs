//! Sample values for the tests of this crate and of crates that use it (feature `samples`).
//!
//! Never here: code that the exporter runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::{DASH, Subnet};
use crate::chain_facts::ChainFacts;
use crate::condition::{EvaluationInput, ProcessState};
use crate::counters::EventCounters;
use crate::details::DetailTexts;
use crate::event::EventKind;
use crate::list::{Block, MasternodeList};
use crate::masternode::{BlockHash, Hash, Height, Masternode, MasternodeId, NodeType, PeerView, Score, UnixSeconds};
use crate::network_state::{Moment, NetworkState, SourceHealth};
use crate::operator_reward::OperatorReward;
use crate::snapshot::{Snapshot, SnapshotInputs};

/// The masternode whose ProTx hash consists of one repeated byte.
#[must_use]
pub fn id(number: u8) -> MasternodeId {
    MasternodeId::ProTx(Hash([number; 32]))
}

/// A penalty whose quorums are not known.
#[must_use]
pub fn penalty(score: u32, points: u32, failures: u32, clamped: bool) -> EventKind {
    EventKind::Penalty { score: Score(score), points, failures, clamped, quorums: vec![], others: Some(0) }
}

/// A block whose hash and time follow from its height.
#[must_use]
pub fn block(height: u32) -> Block {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&height.to_be_bytes());
    Block {
        height: Height(height),
        hash: BlockHash(Hash(hash)),
        time: UnixSeconds(1_700_000_000 + u64::from(height) * 150),
    }
}

/// A registered regular masternode with score 0, never paid, never banned.
#[must_use]
pub fn masternode(number: u8) -> Masternode {
    Masternode {
        id: id(number),
        node_type: NodeType::Regular,
        pose_score: Some(Score(0)),
        registered_height: Some(Height(10)).into(),
        last_paid_height: None,
        consecutive_payments: 0,
        revived_height: None,
        ban_height: None,
        operator_reward: OperatorReward::new(Some(0)),
        revocation_reason: 0,
        details: DetailTexts { address: Some("192.0.2.1:9999".into()), ..DetailTexts::default() }.into(),
        peer: PeerView::default(),
        announced: None,
    }
}

/// A list at a height.
///
/// # Panics
/// If a masternode is listed twice.
#[must_use]
pub fn list(height: u32, masternodes: Vec<Masternode>) -> MasternodeList {
    MasternodeList::new(block(height), masternodes).expect("no masternode twice")
}

/// The input of an evaluation: networks, and a process without trouble.
#[must_use]
pub fn evaluation_input(networks: Vec<NetworkState>, now: Moment) -> EvaluationInput {
    let process = ProcessState {
        config_good: true,
        web_config_good: true,
        history_damaged: Some(0),
        history_writable: Some(true),
        entry_problems: Some(Vec::new()),
        watch_file_problems: Vec::new(),
        is_watch_list_partial: false,
        ..ProcessState::default()
    };
    EvaluationInput { networks: networks.into_iter().map(Arc::new).collect(), process, now, jumped: BTreeSet::new() }
}

/// The moment at which the wall clock shows `unix`, of a process that started in 1970.
#[must_use]
pub fn moment(unix: u64) -> Moment {
    Moment { unix: UnixSeconds(unix), uptime: Duration::from_secs(unix) }
}

/// A network on Dash's rules with these sources, confirmed by each that had a success, followed since 1970, stale after a quarter of an hour.
#[must_use]
pub fn network_state(network: &str, snapshot: Option<Arc<Snapshot>>, sources: Vec<SourceHealth>) -> NetworkState {
    let stale_after = Duration::from_secs(900);
    let confirmed = sources.iter().filter_map(|source| source.last_success).max_by_key(|moment| moment.uptime);
    NetworkState {
        snapshot,
        sources,
        confirmed,
        // The blocks of samples have no relation to a clock.
        stalled_seconds: Some(u64::MAX),
        ..NetworkState::new(network, Arc::new(DASH), stale_after, moment(0), [])
    }
}

/// A snapshot of a Dash list at block 100, without watched masternodes.
#[must_use]
pub fn snapshot(masternodes: Vec<Masternode>) -> Snapshot {
    let inputs = SnapshotInputs {
        network: "dash-test".into(),
        rules: Arc::new(DASH),
        list: Arc::new(list(100, masternodes)),
        facts: ChainFacts::new(Subnet::Regtest),
        read_at: UnixSeconds(0),
        watched: vec![],
        recent_events: vec![],
    };
    Snapshot::new(inputs, &EventCounters::default())
}
