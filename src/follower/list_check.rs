//! Proves the followed list: the coinbase of each block commits to the simplified list after it, and the header to the
//! coinbase (docs/spec/dash-24.md#cheapest-calls). Each block takes one `protx diff` from the block before, and its header.
//!
//! A list is proven before it is followed. A list that is refuted is read in full once, because an earlier list may have been
//! wrong; if that one is refuted too, the source is, and another one takes over. Without the calls for a proof the list is
//! followed unproven, and the reason is published.
//!
//! Never here: heights and payouts, which the root does not cover; choosing a source (`refuted_sources`).

use std::collections::HashMap;
use std::sync::Arc;

use tracing::{error, info, warn};

use crate::follower::block_sync::ChainSync;
use crate::follower::source::{Source, SourceError};
use crate::rpc::{ErrorKind, RpcError};
use domain::list::{Block, MasternodeList};
use domain::list_proof::{
    CoinbaseError, ListDifference, ListMismatch, ListProof, ListProofFacts, ListProofStatus, Node, ProofDiff, Proven,
};
use domain::masternode::{BlockHash, Hash, Height, MasternodeId};

/// Blocks after a failed attempt in which a source is not asked again.
const PAUSE: u32 = 24;

/// The proven entries, and what is known of the list at the tip.
#[derive(Default)]
pub(super) struct ListCheck {
    entries: ListProof,
    /// Block of the entries; they have its root. `None` while there are none.
    at: Option<BlockHash>,
    /// Block of the last check, and its outcome.
    checked: Option<(BlockHash, ListProofStatus)>,
    /// The newest block whose list was proven.
    proven: Option<Block>,
    /// Blocks commit to their list, and proofs are not switched off.
    is_wanted: bool,
    /// What was logged last of a refuted list: its source and the difference.
    refuted: Option<(String, Option<ListDifference>)>,
    /// The newest block whose scores were recomputed.
    scores_checked: Option<Height>,
    /// Whether the scores of the last block were recomputed; `None` before the first.
    are_scores_checked: Option<bool>,
    /// A source that could not be asked, and the height from which it is asked again.
    paused: Option<(String, Height)>,
    /// What was logged last.
    reason: Option<Arc<str>>,
    /// Merkle roots of headers that were read already.
    pub(super) roots: HashMap<BlockHash, Hash>,
}

/// The outcome of one check.
pub(super) enum Checked {
    /// The list is the one of its block.
    Proven,
    /// The entries are those of the block; the list differs from them.
    ListDiffers(ListMismatch),
    /// The entries that the source reports are not those of the block.
    Refuted(ListMismatch),
    /// Not known, for this reason.
    Unknown(String),
}

/// Why entries are not proven.
enum Failure {
    Refuted(ListMismatch),
    /// The next block may give another answer.
    Passing(String),
    Lasting(String),
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Failure {
        match error.kind() {
            ErrorKind::Unreachable { .. } | ErrorKind::WarmingUp { .. } | ErrorKind::Refused => {
                Failure::Passing(error.to_string())
            }
            _ => Failure::Lasting(error.to_string()),
        }
    }
}

impl ListCheck {
    /// What is known of the proof of the list at the tip.
    pub(super) fn facts(&self, tip: &Block) -> ListProofFacts {
        let checked = self.checked.as_ref().filter(|(hash, _)| *hash == tip.hash);
        let is_of_branch = |proven: &&Block| proven.height < tip.height || proven.hash == tip.hash;
        ListProofFacts {
            status: checked.map(|(_, status)| status.clone()).unwrap_or_default(),
            is_wanted: self.is_wanted,
            proven_height: self.proven.as_ref().filter(is_of_branch).map(|proven| proven.height),
            scores_checked_height: self.scores_checked.filter(|height| *height <= tip.height),
        }
    }

    fn skip(&mut self, block: &Block, reason: &str) {
        self.is_wanted = false;
        self.checked = Some((block.hash, ListProofStatus::Unknown(reason.into())));
    }

    /// Whether the list of this block was checked.
    fn is_checked(&self, block: &Block) -> bool {
        self.checked.as_ref().is_some_and(|(hash, _)| *hash == block.hash)
    }

    /// Checks the list of a block. Where `before` is the proven list of the entries' block, only what changed since is
    /// compared.
    pub(super) async fn check(
        &mut self,
        source: &mut Source,
        before: Option<&MasternodeList>,
        list: &MasternodeList,
    ) -> Checked {
        let block = list.block();
        if self.at == Some(block.hash) {
            return self.compare(list);
        }
        if let Some(reason) = self.refusal(source, block.height) {
            return Checked::Unknown(reason);
        }
        // A list that was followed although it is refuted says nothing about what did not change since.
        let is_proven = |list: &MasternodeList| matches!(&self.checked, Some((hash, ListProofStatus::Proven)) if *hash == list.block().hash);
        let compared = before.filter(|before| self.at == Some(before.block().hash) && is_proven(before));
        match self.advance(source, list).await {
            Ok(changed) => match changed.zip(compared) {
                Some((changed, before)) => self.compare_among(changed, before, list),
                None => self.compare(list),
            },
            Err(Failure::Refuted(mismatch)) => Checked::Refuted(mismatch),
            Err(Failure::Passing(reason)) => Checked::Unknown(reason),
            Err(Failure::Lasting(reason)) => {
                self.paused = Some((source.name().to_string(), block.height.after(PAUSE)));
                Checked::Unknown(reason)
            }
        }
    }

    /// Why a source is not asked; `None` if it is.
    fn refusal(&self, source: &Source, height: Height) -> Option<String> {
        if !source.capabilities.list_proof {
            return Some("the source does not answer protx diff, or its version is below 20".into());
        }
        let is_paused = |(name, until): &&(String, Height)| name == source.name() && height < *until;
        let paused = self.paused.as_ref().filter(is_paused)?;
        Some(match &self.reason {
            Some(reason) => reason.to_string(),
            None => format!("the last attempt failed; the next one is at height {}", paused.1),
        })
    }

    /// Makes the entries those of the block, which then have its root. Returns the registrations that changed since the entries
    /// before; `None` if all were read.
    async fn advance(&mut self, source: &mut Source, list: &MasternodeList) -> Result<Option<Vec<Hash>>, Failure> {
        let block = *list.block();
        let root = match self.roots.remove(&block.hash) {
            Some(root) => Some(root),
            None => source.client.block_header(block.hash).await?.merkle_root,
        };
        let root = root.ok_or_else(|| Failure::Lasting("the header has no Merkle root".into()))?;
        if let Some(base) = self.at.take() {
            match source.client.sml_diff(Some(&base), &block.hash).await {
                Ok(diff) => {
                    let undo = self.entries.apply(&diff);
                    if self.outcome(&diff, &root, &block)?.is_none() {
                        let removed = diff.removed.iter().copied();
                        let changed = removed.chain(diff.entered.iter().map(|entry| entry.pro_tx)).collect();
                        self.at = Some(block.hash);
                        return Ok(Some(changed));
                    }
                    // An earlier answer may have been wrong: all entries are read again.
                    self.entries.revert(undo);
                }
                // The block before was replaced, or another node does not know it.
                Err(error) if matches!(error.kind(), ErrorKind::Call { .. }) => {}
                Err(error) => {
                    self.at = Some(base);
                    return Err(refused(source, error));
                }
            }
        }
        let diff = source.client.sml_diff(None, &block.hash).await.map_err(|error| refused(source, error))?;
        let earlier = std::mem::take(&mut self.entries);
        self.entries.apply(&diff);
        let outcome = self.outcome(&diff, &root, &block);
        if let Ok(Some(wanted)) = outcome {
            let earlier = Some(&earlier).filter(|earlier| !earlier.is_empty());
            let difference = self.entries.explain(&wanted, earlier, list);
            return Err(Failure::Refuted(ListMismatch { height: block.height, difference }));
        }
        outcome?;
        self.at = Some(block.hash);
        Ok(None)
    }

    /// The root that the entries should have; `None` if they have it.
    fn outcome(&mut self, diff: &ProofDiff, root: &Hash, block: &Block) -> Result<Option<Node>, Failure> {
        match self.entries.check(diff, root) {
            Ok((committed, _)) if committed.height != block.height => {
                Err(Failure::Lasting("the coinbase names another height".into()))
            }
            Ok((_, Proven::Proven)) => Ok(None),
            Ok((committed, Proven::Mismatch)) => Ok(Some(committed.list_root)),
            Ok((_, Proven::Incomplete(pro_tx, error))) => {
                Err(Failure::Lasting(format!("masternode {pro_tx}: {error}")))
            }
            Err(CoinbaseError::OtherBlock) => {
                Err(Failure::Refuted(ListMismatch { height: block.height, difference: None }))
            }
            Err(error) => Err(Failure::Lasting(error.to_string())),
        }
    }

    /// Compares a list with the entries, which are those of its block.
    fn compare(&self, list: &MasternodeList) -> Checked {
        self.judged(list, self.entries.difference(list))
    }

    /// The same for what changed in the entries and between two lists.
    fn compare_among(&self, changed: Vec<Hash>, before: &MasternodeList, list: &MasternodeList) -> Checked {
        let differing = before.differences(list).filter_map(|(old, new)| match old.or(new)?.id {
            MasternodeId::ProTx(pro_tx) => Some(pro_tx),
            MasternodeId::Collateral(_) => None,
        });
        self.judged(list, self.entries.difference_among(changed.into_iter().chain(differing), list))
    }

    fn judged(&self, list: &MasternodeList, difference: Option<ListDifference>) -> Checked {
        match difference {
            None => Checked::Proven,
            Some(difference) => {
                Checked::ListDiffers(ListMismatch { height: list.block().height, difference: Some(difference) })
            }
        }
    }

    /// The difference of a list from the proven entries, if those are of the same block.
    fn refutes(&self, list: &MasternodeList) -> Option<ListMismatch> {
        match self.compare(list) {
            Checked::ListDiffers(mismatch) if self.at == Some(list.block().hash) => Some(mismatch),
            _ => None,
        }
    }
}

/// Notes that a source does not know the call. One that forbids it may allow it later: it is asked again after a pause.
fn refused(source: &mut Source, error: RpcError) -> Failure {
    if matches!(error.kind(), ErrorKind::UnknownMethod) {
        source.capabilities.list_proof = false;
    }
    error.into()
}

impl ChainSync {
    /// The list of a block once it is proven, or not known to be wrong: `list`, or the one that was read in full in its place.
    /// Fails if it is refuted, unless refuted lists are accepted.
    pub(super) async fn proven(
        &mut self,
        source: &mut Source,
        list: MasternodeList,
    ) -> Result<MasternodeList, SourceError> {
        let block = *list.block();
        if source.client.dialect().sml_diff.is_none() {
            self.list_check.skip(&block, "the blocks of this chain do not commit to their masternode list");
            return Ok(list);
        }
        if !self.settings.ask.proof {
            self.list_check.skip(&block, "ask.proof is off");
            return Ok(list);
        }
        self.list_check.is_wanted = true;
        if let (Some((hash, mismatch)), false) = (&source.refuted, self.accepts_refuted)
            && *hash == block.hash
        {
            return Err(SourceError::Refuted(mismatch.clone()));
        }
        let before = self.list().cloned();
        let mut list = list;
        let mut checked = self.list_check.check(source, before.as_deref(), &list).await;
        if let Checked::ListDiffers(_) = checked {
            let full = self.lists.full(source, block, before.as_deref()).await?;
            checked = self.list_check.compare(&full);
            if let Checked::Proven = checked {
                self.recorded.meters.resyncs.inc();
                let (network, height) = (&self.settings.network, block.height);
                warn!(%network, height = height.0, "List of {network} read in full at height {height}: an earlier one was wrong");
                list = full;
            }
        }
        self.judge(source, &block, checked)?;
        Ok(list)
    }

    /// Records the outcome of a check. Fails if the list is refuted, unless refuted lists are accepted.
    fn judge(&mut self, source: &mut Source, block: &Block, checked: Checked) -> Result<(), SourceError> {
        let network = &self.settings.network;
        let status = match checked {
            Checked::Proven => {
                self.list_check.proven = Some(*block);
                (self.list_check.reason, self.list_check.refuted) = (None, None);
                self.recorded.meters.refuted_lists.inc_by(0);
                source.trust();
                ListProofStatus::Proven
            }
            Checked::Unknown(reason) => {
                let reason: Arc<str> = reason.into();
                if self.list_check.reason.as_ref() != Some(&reason) {
                    let name = source.name();
                    info!(%network, source = name, "The list of {network} from source {name} is not proven: {reason}");
                    self.list_check.reason = Some(reason.clone());
                }
                ListProofStatus::Unknown(reason)
            }
            Checked::ListDiffers(mismatch) | Checked::Refuted(mismatch) => {
                let mismatch = Arc::new(mismatch);
                self.distrust(source, block, &mismatch);
                if !self.accepts_refuted {
                    return Err(SourceError::Refuted(mismatch));
                }
                ListProofStatus::Refuted(mismatch)
            }
        };
        self.list_check.checked = Some((block.hash, status));
        Ok(())
    }

    /// Notes that a source reported a wrong list. The log names each difference once, however many blocks have it.
    fn distrust(&mut self, source: &mut Source, block: &Block, mismatch: &Arc<ListMismatch>) {
        let (network, name) = (&self.settings.network, source.name().to_string());
        self.recorded.meters.refuted_lists.inc_by(1);
        let difference = Some((name.clone(), mismatch.difference));
        if self.list_check.refuted != difference {
            error!(%network, source = name, "Source {name} of {network} is not trustworthy: {mismatch}");
            self.list_check.refuted = difference;
        }
        source.distrust(block.hash, mismatch.clone());
    }

    /// Proves the list at the tip where that was not tried yet: after a list was read in full, or blocks were stepped back.
    pub(super) async fn prove_tip(&mut self, source: &mut Source) -> Result<(), SourceError> {
        let Some(list) = self.list().cloned() else { return Ok(()) };
        if self.list_check.is_checked(list.block()) {
            return Ok(());
        }
        let proven = self.proven(source, (*list).clone()).await?;
        if list.differences(&proven).next().is_some() {
            self.correct(source, proven).await;
        }
        Ok(())
    }

    /// Whether a list that was read in full at the tip is the proven one. Fails if not, unless refuted lists are accepted; the
    /// proven one stays.
    pub(super) fn accepts_full(&mut self, source: &mut Source, full: &MasternodeList) -> Result<bool, SourceError> {
        let Some(mismatch) = self.list_check.refutes(full).map(Arc::new) else { return Ok(true) };
        self.distrust(source, full.block(), &mismatch);
        if self.accepts_refuted { Ok(false) } else { Err(SourceError::Refuted(mismatch)) }
    }

    /// Counts scores that are not the computed ones. `None`: the failures of the block are not known, so its scores are not checked.
    pub(super) fn note_scores(&mut self, height: Height, wrong: Option<Vec<MasternodeId>>) {
        let network = &self.settings.network;
        let before = self.list_check.are_scores_checked.replace(wrong.is_some());
        match (before, &wrong) {
            (None | Some(true), None) => {
                warn!(%network, height = height.0, "Scores of {network} are not checked from height {height} on: failed members of its \
                      commitments are not known");
            }
            (Some(false), Some(_)) => {
                info!(%network, height = height.0, "Scores of {network} are checked again from height {height} on");
            }
            _ => {}
        }
        let Some(wrong) = wrong else { return };
        self.list_check.scores_checked = Some(height);
        let Some(first) = wrong.first() else { return };
        self.recorded.meters.score_disagreements.inc_by(wrong.len() as u64);
        warn!(
            %network,
            height = height.0,
            "{} scores of {network} at height {height} are not the computed ones, the first that of masternode {first}",
            wrong.len()
        );
    }
}
