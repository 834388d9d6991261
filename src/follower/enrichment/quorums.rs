//! The blocks in which quorums were last mined, and the sessions still open: updated by the commitments of each block.
//! Read from the node after a start, a gap or a reorg, and if the node returns no commitments.
//!
//! Never here: the outcomes of sessions for masternodes (`dkg_outcomes`).

use tracing::debug;

use crate::follower::dkg_outcomes;
use crate::follower::source::Source;
use crate::rpc::RpcError;
use crate::rpc::dash::quorums::Commitment;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::BlockHash;
use domain::quorum::{Formation, Formations, Mined, Quorums};

/// Continues to a block by its commitments.
pub(in crate::follower) fn step(
    quorums: &mut Quorums,
    types: &[QuorumType],
    blocks: (&BlockHash, &Block),
    commitments: Option<&[Commitment]>,
) {
    let commitments: Option<Vec<_>> = commitments.map(|all| all.iter().map(brief).collect());
    quorums.step(types, blocks, commitments.as_deref());
}

/// Brings the quorums to a block: asks the node if they are of another block.
pub(in crate::follower) async fn bring(
    quorums: &mut Quorums,
    source: &mut Source,
    types: &[QuorumType],
    block: &Block,
) {
    if quorums.at == Some(block.hash) {
        return;
    }
    *quorums = match read(source, types, block).await {
        Ok(formations) => Quorums { at: Some(block.hash), formations },
        Err(error) => {
            debug!("Quorums at block {} are unknown: {error}", block.height);
            Quorums::default()
        }
    };
}

fn brief(commitment: &Commitment) -> (u8, bool) {
    (commitment.quorum_type, commitment.valid_members > 0)
}

/// Asks for the quorums in use, and in a mining window for the commitments of the tip.
async fn read(source: &mut Source, types: &[QuorumType], tip: &Block) -> Result<Formations, RpcError> {
    let mut formations = Formations::new();
    if source.capabilities.quorums && !types.is_empty() {
        let newest = source.client.newest_quorums(tip.height).await;
        let newest = answered(source, newest)?;
        for (name, (start, block)) in newest.unwrap_or_default() {
            let Some(kind) = types.iter().find(|kind| name == kind.name) else { continue };
            let mined = source.client.block_header(block).await?.block.height;
            let newest = Mined { start: kind.begun(start), mined };
            // Other quorums of the same cycle of a rotating type may be missing.
            let formed = (kind.quorums == 1 && newest.start == kind.begun(tip.height)).then_some(false);
            let open = formed.filter(|_| kind.is_due_at(tip.height));
            formations.insert(kind.name, Formation { newest: Some(newest), open });
        }
    }
    if source.capabilities.special_transactions && types.iter().any(|kind| kind.is_due_at(tip.height)) {
        let commitments = source.client.commitments(&tip.hash).await;
        let commitments = answered(source, commitments)?;
        let commitments: Option<Vec<_>> = commitments.map(|all| all.iter().map(brief).collect());
        for kind in types.iter().filter(|_| commitments.is_some()) {
            let own = commitments.as_deref().unwrap_or_default();
            formations.entry(kind.name).or_default().read(kind, tip.height, own);
        }
    }
    Ok(formations)
}

/// The answer of a source; `None` if it refuses the method, which is remembered, or has no answer for this block.
fn answered<T>(source: &mut Source, answer: Result<T, RpcError>) -> Result<Option<T>, RpcError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if dkg_outcomes::is_passing(&error) => Err(error),
        Err(error) => {
            source.capabilities.note_refusal(&error);
            Ok(None)
        }
    }
}
