//! Reads how the DKG sessions of a block ended, and so why masternodes were penalised: the quorums whose commitments
//! mark them as failed (docs/spec/dash.md#attributing-a-penalty). Also reads the payees of the block.
//!
//! Costs one small call for a block in which commitments are due, one for each quorum whose members are needed, and one
//! for a block that pays masternodes. Data that the node refuses stays unknown and delays nothing.
//!
//! Never here: scores or bans, which are in the list.

use std::collections::HashMap;

use crate::follower::source::Source;
use crate::rpc::dash::quorums::{Commitment, QuorumMembers};
use crate::rpc::{Batch, Client, ErrorKind, RpcError, batch};
use domain::dkg::QuorumType;
use domain::dkg_outcome::DkgOutcome;
use domain::event::{self, Event, EventKind, FailedQuorum};
use domain::list::{Block, MasternodeList};
use domain::{BlockHash, MasternodeId};

/// The commitments of a block and their outcomes.
#[derive(Default)]
pub(super) struct DkgOutcomes {
    pub(super) sessions: Vec<DkgOutcome>,
    pub(super) failed: HashMap<MasternodeId, Vec<FailedQuorum>>,
    /// All commitments; `None` if they were not read.
    pub(super) commitments: Option<Vec<Commitment>>,
    /// The quorums whose members were read.
    pub(super) quorums: Vec<ReadQuorum>,
}

/// A quorum whose members were read from the node.
pub(super) struct ReadQuorum {
    /// Number of its type.
    pub(super) quorum_type: u8,
    /// Hash of the block at which its session began.
    pub(super) hash: BlockHash,
    /// Index of the quorum in its cycle.
    pub(super) index: u32,
    /// Its members in the order of their seats.
    pub(super) members: Vec<MasternodeId>,
}

/// Whether a retry may return more.
pub(super) fn is_passing(error: &RpcError) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::UnknownMethod | ErrorKind::Forbidden | ErrorKind::Call { .. } | ErrorKind::Malformed { .. }
    )
}

/// Adds the amounts of a block to its payments; `before` is the list from which its payee was chosen.
pub(super) async fn pay(
    source: &Source,
    before: &MasternodeList,
    block: &Block,
    events: &mut [Event],
) -> Result<(), RpcError> {
    let is_payment = |event: &Event| event.exact && matches!(event.kind, EventKind::Payment { .. });
    if source.capabilities.special_transactions && events.iter().any(is_payment) {
        let outputs = source.client.block_outputs(&block.hash).await?;
        event::pay(events, before, &outputs);
    }
    Ok(())
}

/// Reads the commitments of a block; `types` are the quorum types that can penalise. The members of quorums without
/// failures are read only if `all` are to be counted. Without the special transactions of the block, formed quorums are
/// searched for only if a masternode was penalised.
pub(super) async fn read(
    source: &Source,
    types: &[QuorumType],
    block: &Block,
    events: &[Event],
    all: bool,
) -> Result<DkgOutcomes, RpcError> {
    let penalised = events.iter().any(|event| matches!(event.kind, EventKind::Penalty { .. }));
    let is_due = types.iter().any(|kind| kind.is_due_at(block.height));
    if !source.capabilities.quorums || !(penalised || is_due && all) {
        return Ok(DkgOutcomes::default());
    }
    let commitments = if source.capabilities.special_transactions {
        source.client.commitments(&block.hash).await.map(Some)
    } else {
        Ok(None)
    };
    match commitments {
        Ok(Some(commitments)) => {
            let judged = judged(&source.client, types, block, &commitments, all).await?;
            Ok(DkgOutcomes { commitments: Some(commitments), ..judged })
        }
        // A node without the block data still has its quorums.
        Err(error) if is_passing(&error) => Err(error),
        Ok(None) | Err(_) if penalised => failed_in(&source.client, types, block).await,
        Ok(None) => Ok(DkgOutcomes::default()),
        Err(error) => Err(error),
    }
}

async fn judged(
    client: &Client,
    types: &[QuorumType],
    block: &Block,
    commitments: &[Commitment],
    all: bool,
) -> Result<DkgOutcomes, RpcError> {
    let mut outcomes = DkgOutcomes::default();
    let mut ahead = Batch::new(client);
    add_members(&mut ahead, types, commitments, all);
    ahead.send(batch::FEWEST).await;
    for commitment in commitments {
        let Some(kind) = types.iter().find(|kind| kind.id == commitment.quorum_type) else { continue };
        if commitment.valid_members == 0 {
            // A null commitment is in each block of the mining window until a quorum forms.
            if kind.ends_at(block.height) {
                outcomes.sessions.push(DkgOutcome { quorum_type: kind.name.into(), quorum: None, members: None });
            }
        } else if is_read(commitment, kind, all) {
            let quorum = client.quorum_members(kind.id, &commitment.hash).await?;
            outcomes.add(kind, commitment, quorum);
        }
    }
    Ok(outcomes)
}

/// Adds the calls for the members that [`read`] needs.
pub(super) fn add_members(batch: &mut Batch, types: &[QuorumType], commitments: &[Commitment], all: bool) {
    for commitment in commitments {
        let kind = types.iter().find(|kind| kind.id == commitment.quorum_type);
        if kind.is_some_and(|kind| is_read(commitment, kind, all)) {
            batch.quorum_members(commitment.quorum_type, &commitment.hash);
        }
    }
}

/// Whether the members of a quorum are read: it was formed, and all are, or some failed.
fn is_read(commitment: &Commitment, kind: &QuorumType, all: bool) -> bool {
    commitment.valid_members > 0 && (all || commitment.valid_members < kind.size)
}

impl DkgOutcomes {
    fn add(&mut self, kind: &QuorumType, commitment: &Commitment, quorum: QuorumMembers) {
        let QuorumMembers { height, members } = quorum;
        self.quorums.push(ReadQuorum {
            quorum_type: kind.id,
            hash: commitment.hash,
            index: commitment.index,
            members: members.iter().map(|(id, _)| *id).collect(),
        });
        let failed = members.iter().filter(|(_, valid)| !valid);
        let others = u32::try_from(failed.clone().count()).ok().and_then(|failed| failed.checked_sub(1));
        for (id, _) in failed {
            let quorum = FailedQuorum {
                quorum_type: kind.name.into(),
                hash: commitment.hash,
                height,
                index: commitment.index,
                others,
            };
            self.failed.entry(*id).or_default().push(quorum);
        }
        let quorum = Some((height, commitment.index));
        self.sessions.push(DkgOutcome { quorum_type: kind.name.into(), quorum, members: Some(members) });
    }
}

/// The members that the quorums formed in a block mark as failed, from the quorums active after it.
async fn failed_in(client: &Client, types: &[QuorumType], block: &Block) -> Result<DkgOutcomes, RpcError> {
    let mut outcomes = DkgOutcomes::default();
    for formed in client.quorums_formed_in(block).await? {
        let Some(kind) = types.iter().find(|kind| formed.quorum_type == kind.name) else { continue };
        if formed.valid_members < kind.size {
            let quorum = client.quorum_members(kind.id, &formed.hash).await?;
            let (hash, index, valid_members) = (formed.hash, formed.index, formed.valid_members);
            let commitment = Commitment { quorum_type: kind.id, hash, index, valid_members, valid: Vec::new() };
            outcomes.add(kind, &commitment, quorum);
        }
    }
    // Quorums without failures are missing here, so the sessions are not counted.
    outcomes.sessions.clear();
    Ok(outcomes)
}
