//! The payments of a block on the older chains: from the outputs of its coinbase or coinstake, and a scheduled payment that it
//! did not make. On a chain that hides payees, the payment follows from the election and the kind of the block.
//!
//! One small call for each block, also for blocks whose list was skipped. Where the node refuses it, payments are known from
//! the list only.
//!
//! Never here: amounts on chains with a deterministic list (`dkg_outcomes`).

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::follower::source::Source;
use crate::history::BlockEvents;
use crate::rpc::RpcError;
use crate::rpc::dialect::Payees;
use domain::ForeignText;
use domain::event::{Event, EventKind};
use domain::list::{Block, MasternodeList};
use domain::masternode::{Duffs, Height, Masternode};
use domain::payment::Vote;
use domain::payment::election::best_by_distance;

/// Most skipped blocks whose payments are read at once: the last ones, nine hours on Dimecoin.
const MOST_SKIPPED: usize = 512;

/// Longest time for them, so that the list is published.
const LONGEST: Duration = Duration::from_secs(20);

/// The lists before and after a block, and the votes that were known before it.
#[derive(Clone, Copy)]
pub(super) struct Paid<'a> {
    /// `None` if no list was followed.
    pub(super) before: Option<&'a MasternodeList>,
    pub(super) next: &'a MasternodeList,
    pub(super) votes: &'a [Vote],
}

/// Replaces the payments of the list by those of the block.
///
/// The list shows the last payment that its node remembers, sometimes a block later, and only payments with votes
/// (`CMasternode::UpdateLastPaid` in `src/masternode/masternode.cpp` of Dimecoin).
pub(super) async fn read(source: &Source, paid: &Paid<'_>, events: &mut Vec<Event>) -> Result<(), RpcError> {
    if !source.capabilities.payees {
        return Ok(());
    }
    let found = of_block(source, paid, paid.next.block()).await?;
    events.retain(|event| !matches!(event.kind, EventKind::Payment { .. }));
    events.extend(found);
    events.sort_by_key(|event| event.masternode);
    Ok(())
}

async fn of_block(source: &Source, paid: &Paid<'_>, block: &Block) -> Result<Vec<Event>, RpcError> {
    match source.client.dialect().payees {
        None => Ok(Vec::new()),
        Some(Payees::Outputs) => Ok(shown(paid, block, &source.client.payee_outputs(&block.hash).await?)),
        Some(Payees::Kind) => elected(source, paid, block).await,
    }
}

/// The payments of blocks whose list was skipped.
#[derive(Default)]
pub(super) struct Skipped {
    /// The blocks that were read, ascending.
    pub(super) blocks: Vec<BlockEvents>,
    /// The votes for these blocks and the next ones.
    pub(super) votes: Vec<Vote>,
    /// How many blocks were not read; `None` on chains on which payments are not read from blocks.
    pub(super) unread: Option<u32>,
}

/// Reads the payments of blocks up to the one of the next list, `blocks` ascending: the last ones, while the node answers. `all` is
/// how many there are, of which `blocks` may be a part.
///
/// On a chain that hides payees, only the block after the list before can be read: later ones are elected from lists that are not
/// known.
pub(super) async fn skipped(source: &mut Source, paid: &Paid<'_>, blocks: &[Block], all: u32) -> Skipped {
    let mut skipped = Skipped { votes: paid.votes.to_vec(), ..Skipped::default() };
    let Some(payees) = source.client.dialect().payees else { return skipped };
    let follows = |block: &&Block| paid.before.is_some_and(|list| list.block().height.after(1) == block.height);
    let wanted: Vec<&Block> = match payees {
        _ if !source.capabilities.payees => Vec::new(),
        Payees::Outputs => blocks.iter().skip(blocks.len().saturating_sub(MOST_SKIPPED)).collect(),
        Payees::Kind => blocks.iter().take(1).filter(follows).collect(),
    };
    // Where payees are hidden, the node lists voters and no payees.
    if let Some(first) = wanted.first()
        && payees == Payees::Outputs
        && source.has_votes
        && source.client.dialect().winners.is_some()
        && let Ok(votes) = source.client.votes(paid.next.block().height.above(first.height) + 1).await
    {
        skipped.votes = votes;
    }
    let deadline = Instant::now() + LONGEST;
    // The latest ones first: they are read if the time does not suffice for all.
    for block in wanted.into_iter().rev().take_while(|_| Instant::now() < deadline) {
        match of_block(source, &Paid { votes: &skipped.votes, ..*paid }, block).await {
            Ok(events) => skipped.blocks.push(BlockEvents { block: *block, events, sessions: Vec::new() }),
            Err(error) => {
                source.capabilities.note_refusal(&error);
                warn!("Payments of the skipped blocks up to height {} were not read: {error}", block.height);
                break;
            }
        }
    }
    skipped.blocks.reverse();
    skipped.unread = Some(all.saturating_sub(u32::try_from(skipped.blocks.len()).unwrap_or(all)));
    skipped
}

/// The last `all` blocks up to a tip, ascending, if payments can be read of them; fewer if there are more than are read, or if the
/// node does not answer.
pub(super) async fn blocks_up_to(source: &Source, tip: &Block, all: u32) -> Vec<Block> {
    let mut blocks = Vec::new();
    let is_read = source.capabilities.payees && source.client.dialect().payees == Some(Payees::Outputs);
    let mut wanted = Some(tip.hash).filter(|_| is_read);
    let deadline = Instant::now() + LONGEST;
    while let Some(hash) = wanted.filter(|_| Instant::now() < deadline)
        && blocks.len() < MOST_SKIPPED.min(all as usize)
        && let Ok(header) = source.client.block_header(hash).await
    {
        blocks.push(header.block);
        wanted = header.previous;
    }
    blocks.reverse();
    blocks
}

/// The payments of a block that shows them. Several masternodes with one payout address are all paid, as in the node's
/// list.
fn shown(paid: &Paid<'_>, block: &Block, outputs: &[(ForeignText, Option<Duffs>)]) -> Vec<Event> {
    let owners = |address: &str| -> Vec<&Masternode> {
        let pays = |masternode: &&Masternode| masternode.details.payout_address().is_some_and(|own| own == address);
        let before = paid.before.map_or(&[][..], MasternodeList::masternodes);
        let left = before.iter().filter(|old| paid.next.get(&old.id).is_none());
        paid.next.masternodes().iter().chain(left).filter(pays).collect()
    };
    let vote = paid.votes.iter().find(|vote| vote.height == block.height);
    let voted = vote.and_then(|vote| outputs.iter().find(|(address, _)| *address == *vote.payee));
    // The output for the masternode precedes that of the foundation.
    let payee = voted.or_else(|| outputs.iter().rev().find(|(address, _)| !owners(address).is_empty()));
    let mut events = Vec::new();
    if let Some((address, amount)) = payee {
        let kind = EventKind::Payment { amount: *amount, payees: Vec::new() };
        events.extend(owners(address).into_iter().map(|masternode| event(block, masternode, kind.clone())));
    }
    if let Some(vote) = vote.filter(|_| voted.is_none()) {
        let losers = owners(&vote.payee).into_iter();
        events.extend(losers.map(|masternode| event(block, masternode, EventKind::PaymentLost)));
    }
    events
}

/// The payment of a block of a chain that hides payees: that of the masternode which the block two below elected, if the
/// block is of the kind that pays one.
async fn elected(source: &Source, paid: &Paid<'_>, block: &Block) -> Result<Vec<Event>, RpcError> {
    let Some(before) = paid.before.filter(|before| before.block().height.after(1) == block.height) else {
        return Ok(Vec::new());
    };
    let Some(electing) = before.block().height.0.checked_sub(1) else { return Ok(Vec::new()) };
    if !source.client.pays_masternode(&block.hash).await? {
        return Ok(Vec::new());
    }
    let electing = source.client.block_hash(Height(electing)).await?;
    let masternodes = before.masternodes();
    let winner = best_by_distance(masternodes, &electing).map(|index| &masternodes[index]);
    let kind = EventKind::Payment { amount: None, payees: Vec::new() };
    Ok(winner.map(|masternode| event(block, masternode, kind)).into_iter().collect())
}

fn event(block: &Block, masternode: &Masternode, kind: EventKind) -> Event {
    Event { block: *block, exact: true, masternode: masternode.id, node_type: masternode.node_type, kind }
}
