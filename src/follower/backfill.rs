//! Blocks from before the history began: walked from an old list forward, block by block, and filled in.
//!
//! The node is treated politely: one call at a time, and after each block a pause as long as its calls took. What is in
//! the history already is not asked again, so a walk that was stopped goes on where it ended.
//!
//! Never here: counting: what is filled in happened before counting began.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use crate::domain::event::{self, EventKind};
use crate::domain::list::{Block, MasternodeList};
use crate::domain::masternode::{BlockHash, Height, UnixSeconds};
use crate::domain::pose::PenaltyRule;
use crate::follower::source::{Diffs, Identity, Source, Trouble, optional};
use crate::follower::{Settings, cause};
use crate::history::{self, BlockEvents, NetworkId, Store, StoreError};
use crate::meters::Meters;
use crate::rpc::Client;

/// Shortest pause after a block.
const BREATH: Duration = Duration::from_millis(5);

/// How far a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last block filled in.
    pub height: Height,
    /// Blocks filled in by this walk.
    pub done: u32,
    /// Blocks that it is to fill in.
    pub total: u32,
}

/// Why nothing, or nothing more, can be filled in. What was filled in stays.
#[derive(Debug)]
pub enum Refusal {
    /// The node cannot be asked, or not for this.
    Node(String),
    /// The history cannot take it.
    History(StoreError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Node(why) => f.write_str(why),
            Refusal::History(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Refusal {
        Refusal::Node(trouble.to_string())
    }
}

impl From<crate::rpc::RpcError> for Refusal {
    fn from(error: crate::rpc::RpcError) -> Refusal {
        Refusal::Node(error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::History(error)
    }
}

/// A node that tells old lists, and the network that it is of.
pub struct Backfill {
    settings: Settings,
    source: Source,
    identity: Identity,
    rule: Option<PenaltyRule>,
}

impl Backfill {
    /// Makes sure that the node behind `client` is of the right chain, is in sync, and can tell what happened in old blocks.
    pub async fn new(settings: Settings, client: Client, meters: &Meters) -> Result<Backfill, Refusal> {
        if !client.dialect().is_pinned() {
            let name = &settings.rules.name;
            return Err(Refusal::Node(format!(
                "a {name} node tells the list of now only: what was before is not known"
            )));
        }
        let mut source = Source::new(client.clone(), &settings.network, meters);
        let (identity, _) = source.check(&settings.rules, None).await?;
        if source.diffs == Diffs::Unsupported {
            return Err(Refusal::Node("the node does not tell what a block changed: that came with version 20".into()));
        }
        let sporks = optional(client.sporks().await)?.unwrap_or_default();
        let rule = settings.rules.penalty_rule(&sporks, (settings.clock)());
        Ok(Backfill { settings, source, identity, rule })
    }

    /// The first block at or after a moment; above the tip when there is none yet. Times of blocks are taken to rise.
    pub async fn first_since(&self, moment: UnixSeconds) -> Result<Height, Refusal> {
        let tip = self.source.client.chain_info().await?.blocks;
        let (mut low, mut high) = (0, tip.0 + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.block(Height(middle)).await?.0.time < moment {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(Height(low))
    }

    /// Fills in what the history lacks from `first` to `last` and below its end. `go_on` is told of each block, and
    /// ends the walk by `false`. Returns how many blocks were filled in, and how many were to be.
    pub async fn fill(
        &mut self,
        store: &mut Store,
        (first, last): (Height, Height),
        mut go_on: impl FnMut(Progress) -> bool,
    ) -> Result<(u32, u32), Refusal> {
        let identity = history::Identity { chain: self.identity.chain.clone(), genesis: self.identity.genesis };
        let network = store.network(&self.settings.network, &identity)?;
        let Some(cursor) = store.cursor(network)? else {
            let why = format!("nothing is recorded of {} yet: run the exporter first", self.settings.network);
            return Err(Refusal::Node(why));
        };
        if self.source.client.block_hash(cursor.height).await? != cursor.hash {
            let why = format!("the node's block {} is not the history's: run the exporter first", cursor.height);
            return Err(Refusal::Node(why));
        }
        let gaps = gaps(&store.spans(network)?, (first.max(Height(1)), last.min(cursor.height)));
        let total = gaps.iter().map(|(first, last)| last.above(*first) + 1).sum();
        let mut done = 0;
        for (first, last) in gaps {
            let mut list = self.list_before(first).await?;
            for height in first.0..=last.0 {
                let started = Instant::now();
                list = self.fill_one(store, network, list, Height(height)).await?;
                done += 1;
                if !go_on(Progress { height: Height(height), done, total }) {
                    return Ok((done, total));
                }
                tokio::time::sleep(started.elapsed().max(BREATH)).await;
            }
        }
        Ok((done, total))
    }

    async fn fill_one(
        &mut self,
        store: &mut Store,
        network: NetworkId,
        list: MasternodeList,
        height: Height,
    ) -> Result<MasternodeList, Refusal> {
        let (block, previous) = self.block(height).await?;
        if previous != Some(list.block().hash) {
            return Err(Refusal::Node(format!("block {height} was replaced meanwhile: try again")));
        }
        let diff = self.source.client.list_diff(list.block(), &block).await?;
        let next =
            list.apply(&diff).map_err(|error| Refusal::Node(format!("the changes of block {height}: {error}")))?;
        let mut events = event::between(&list, &next, self.rule.as_ref());
        if self.source.tells_quorums && events.iter().any(|event| matches!(event.kind, EventKind::Penalty { .. })) {
            let types = self.settings.rules.quorum_types(self.identity.subnet());
            match cause::failed_in(&self.source.client, types, &block).await {
                Ok(failed) => event::attribute(&mut events, &failed),
                Err(error) => debug!("the quorums behind the penalties of block {height} are not known: {error}"),
            }
        }
        store.backfill(network, &[BlockEvents { block, events }])?;
        Ok(next)
    }

    async fn list_before(&self, height: Height) -> Result<MasternodeList, Refusal> {
        let (block, _) = self.block(Height(height.0.saturating_sub(1))).await?;
        let masternodes = self.source.client.registered(block.height, 0).await?;
        MasternodeList::new(block, masternodes).map_err(|error| Refusal::Node(error.to_string()))
    }

    async fn block(&self, height: Height) -> Result<(Block, Option<BlockHash>), Refusal> {
        let hash = self.source.client.block_hash(height).await?;
        let header = self.source.client.block_header(hash).await?;
        Ok((header.block, header.previous))
    }
}

/// What of a span is in none of `known`, which ascend.
fn gaps(known: &[(Height, Height)], (first, last): (Height, Height)) -> Vec<(Height, Height)> {
    let mut gaps = Vec::new();
    let mut next = first;
    for (known_first, known_last) in known {
        if *known_first > last {
            break;
        }
        if *known_first > next {
            gaps.push((next, Height(known_first.0 - 1)));
        }
        next = next.max(known_last.after(1));
    }
    if next <= last {
        gaps.push((next, last));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_left_out() {
        let span = |(first, last)| (Height(first), Height(last));
        let cases = [
            ("nothing known", vec![], (1, 9), vec![(1, 9)]),
            ("all known", vec![(1, 20)], (3, 9), vec![]),
            ("the end known", vec![(5, 20)], (3, 9), vec![(3, 4)]),
            ("the beginning known", vec![(1, 5)], (3, 9), vec![(6, 9)]),
            ("the middle known", vec![(1, 2), (5, 6), (8, 8), (30, 40)], (3, 9), vec![(3, 4), (7, 7), (9, 9)]),
            ("an empty span", vec![], (9, 8), vec![]),
        ];
        for (name, known, asked, expected) in cases {
            let known: Vec<_> = known.into_iter().map(span).collect();
            let expected: Vec<_> = expected.into_iter().map(span).collect();
            assert_eq!(gaps(&known, span(asked)), expected, "{name}");
        }
    }
}
