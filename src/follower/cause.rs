//! Why masternodes were penalised: which quorums of the block that did it call them failed (spec `dash.md` §7).
//!
//! One call for a block with penalties, and one for each of its quorums that has failed members. What a node cannot say
//! stays unknown, and keeps nothing back.
//!
//! Never here: points or bans; a list shows those.

use std::collections::HashMap;

use tracing::debug;

use crate::domain::MasternodeId;
use crate::domain::dkg::QuorumType;
use crate::domain::event::{self, Event, EventKind, FailedQuorum};
use crate::domain::list::Block;
use crate::follower::Follower;
use crate::rpc::{Client, ErrorKind, RpcError};

impl Follower {
    /// Puts the quorums behind the penalties of a block into its events.
    pub(super) async fn attribute(&mut self, index: usize, block: &Block, events: &mut [Event]) {
        let penalised = |event: &Event| event.exact && matches!(event.kind, EventKind::Penalty { .. });
        if !self.sources[index].tells_quorums || !events.iter().any(penalised) {
            return;
        }
        let types =
            self.identity.as_ref().map_or(&[][..], |identity| self.settings.rules.quorum_types(identity.subnet()));
        match failed_in(&self.sources[index].client, types, block).await {
            Ok(failed) => event::attribute(events, &failed),
            Err(error) => {
                if matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden) {
                    self.sources[index].tells_quorums = false;
                }
                debug!("the quorums behind the penalties of block {} are not known: {error}", block.height);
            }
        }
    }
}

/// Whom the quorums that formed in a block call failed; `types` are those that can.
pub(super) async fn failed_in(
    client: &Client,
    types: &[QuorumType],
    block: &Block,
) -> Result<HashMap<MasternodeId, Vec<FailedQuorum>>, RpcError> {
    let mut failed: HashMap<MasternodeId, Vec<FailedQuorum>> = HashMap::new();
    for formed in client.quorums_formed_in(block).await? {
        let Some(kind) = types.iter().find(|kind| kind.name == formed.quorum_type) else { continue };
        if formed.valid_members >= kind.size {
            continue;
        }
        for id in client.failed_members(kind.id, &formed.hash).await? {
            let quorum = FailedQuorum {
                quorum_type: kind.name.into(),
                hash: formed.hash,
                height: formed.height,
                index: formed.index,
            };
            failed.entry(id).or_default().push(quorum);
        }
    }
    Ok(failed)
}
