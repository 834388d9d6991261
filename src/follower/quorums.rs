//! When quorums were last mined, and which sessions are still open: carried on by the commitments of each block, and read
//! from the node where that cannot be: after a start, a gap or a reorg, and where the node does not tell commitments.
//!
//! Never here: how sessions ended for masternodes (`cause`).

use tracing::debug;

use crate::follower::source::{Identity, Source};
use crate::follower::{Follower, dkg_outcomes};
use crate::rpc::RpcError;
use crate::rpc::dash::quorums::Commitment;
use domain::ChainRules;
use domain::dkg::QuorumType;
use domain::list::Block;
use domain::masternode::BlockHash;
use domain::quorum::{Formation, Formations, Mined, Quorums};

impl Follower {
    /// Goes on to the block after the tip; `commitments` are `None` where they were not read.
    pub(super) fn step_quorums(&mut self, block: &Block, commitments: Option<&[Commitment]>) {
        let Some(parent) = self.book.as_ref().map(|book| book.tip().hash) else { return };
        step(
            &mut self.quorums,
            types(&self.settings.rules, self.sources.identity.as_ref()),
            (&parent, block),
            commitments,
        );
    }

    /// Makes what is known of quorums that of the tip. What the node does not tell stays unknown.
    pub(super) async fn learn_quorums(&mut self, index: usize) {
        let Some(tip) = self.book.as_ref().map(|book| *book.tip()) else { return };
        let types = types(&self.settings.rules, self.sources.identity.as_ref());
        bring(&mut self.quorums, &mut self.sources[index], types, &tip).await;
        if let Some(facts) = &mut self.facts {
            facts.chain.formations = self.quorums.formations.clone();
        }
    }

    /// Asks again, at a tip that is published already, for what could not be answered.
    pub(super) async fn relearn_quorums(&mut self, index: usize) {
        if self.quorums.at.is_none() {
            self.learn_quorums(index).await;
            if self.quorums.at.is_some() {
                self.publish();
            }
        }
    }
}

/// Goes on to a block by its commitments.
pub(super) fn step(
    quorums: &mut Quorums,
    types: &[QuorumType],
    blocks: (&BlockHash, &Block),
    commitments: Option<&[Commitment]>,
) {
    let commitments: Option<Vec<_>> = commitments.map(|all| all.iter().map(brief).collect());
    quorums.step(types, blocks, commitments.as_deref());
}

/// Makes what is known that of a block: asks the node where it is of another one.
pub(super) async fn bring(quorums: &mut Quorums, source: &mut Source, types: &[QuorumType], block: &Block) {
    if quorums.at == Some(block.hash) {
        return;
    }
    *quorums = match read(source, types, block).await {
        Ok(formations) => Quorums { at: Some(block.hash), formations },
        Err(error) => {
            debug!("the quorums at block {} are not known: {error}", block.height);
            Quorums::default()
        }
    };
}

fn types(rules: &ChainRules, identity: Option<&Identity>) -> &'static [QuorumType] {
    identity.map_or(&[], |identity| rules.quorum_types(identity.subnet()))
}

fn brief(commitment: &Commitment) -> (u8, bool) {
    (commitment.quorum_type, commitment.valid_members > 0)
}

/// Asks for the quorums in use, and in a mining window for the commitments of the tip.
async fn read(source: &mut Source, types: &[QuorumType], tip: &Block) -> Result<Formations, RpcError> {
    let mut formations = Formations::new();
    if source.tells_quorums && !types.is_empty() {
        let newest = source.answer(source.client.newest_quorums(tip.height).await)?;
        for (name, (start, block)) in newest.unwrap_or_default() {
            let Some(kind) = types.iter().find(|kind| kind.name == name) else { continue };
            let mined = source.client.block_header(block).await?.block.height;
            let newest = Mined { start: kind.begun(start), mined };
            // Of a rotating type others of the same cycle may be missing.
            let formed = (kind.quorums == 1 && newest.start == kind.begun(tip.height)).then_some(false);
            let open = formed.filter(|_| kind.is_due_at(tip.height));
            formations.insert(kind.name, Formation { newest: Some(newest), open });
        }
    }
    if source.tells_special && types.iter().any(|kind| kind.is_due_at(tip.height)) {
        let commitments = source.answer(source.client.commitments(&tip.hash).await)?;
        let commitments: Option<Vec<_>> = commitments.map(|all| all.iter().map(brief).collect());
        for kind in types.iter().filter(|_| commitments.is_some()) {
            let own = commitments.as_deref().unwrap_or_default();
            formations.entry(kind.name).or_default().read(kind, tip.height, own);
        }
    }
    Ok(formations)
}

impl Source {
    /// What it answers; `None` where it refuses the method, which is noted, or cannot say it of this block.
    fn answer<T>(&mut self, answer: Result<T, RpcError>) -> Result<Option<T>, RpcError> {
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(error) if dkg_outcomes::is_passing(&error) => Err(error),
            Err(error) => {
                self.note_unsupported_method(&error);
                Ok(None)
            }
        }
    }
}
