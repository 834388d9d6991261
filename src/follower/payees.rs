//! The payments of a block on the older chains: from the outputs of its coinbase or coinstake, and a scheduled payment that it
//! did not make. On a chain that hides payees, the payment follows from the election and the kind of the block.
//!
//! One small call for each block. Where the node refuses it, payments are known from the list only.
//!
//! Never here: amounts on chains with a deterministic list (`dkg_outcomes`).

use crate::follower::source::Source;
use crate::rpc::RpcError;
use crate::rpc::dialect::Payees;
use domain::ForeignText;
use domain::event::{Event, EventKind};
use domain::list::{Block, MasternodeList};
use domain::masternode::{Duffs, Height, Masternode};
use domain::payment::Vote;
use domain::payment::election::best_by_distance;

/// The lists before and after a block, and the votes that were known before it.
pub(super) struct Paid<'a> {
    pub(super) before: &'a MasternodeList,
    pub(super) next: &'a MasternodeList,
    pub(super) votes: &'a [Vote],
}

/// Replaces the payments of the list by those of the block.
///
/// The list shows the last payment that its node remembers, sometimes a block later, and only payments with votes
/// (`CMasternode::UpdateLastPaid` in `src/masternode/masternode.cpp` of Dimecoin).
pub(super) async fn read(source: &Source, paid: &Paid<'_>, events: &mut Vec<Event>) -> Result<(), RpcError> {
    let Some(payees) = source.client.dialect().payees else { return Ok(()) };
    // A ban or a removal loses no payment: the producer of a block follows the votes.
    events.retain(|event| event.kind != EventKind::PaymentLost);
    if !source.capabilities.payees {
        return Ok(());
    }
    let block = paid.next.block();
    let found = match payees {
        Payees::Outputs => shown(paid, &source.client.payee_outputs(&block.hash).await?),
        Payees::Kind => elected(source, paid).await?,
    };
    events.retain(|event| !matches!(event.kind, EventKind::Payment { .. }));
    events.extend(found);
    events.sort_by_key(|event| event.masternode);
    Ok(())
}

/// The payments of a block that shows them. Several masternodes with one payout address are all paid, as in the node's
/// list.
fn shown(paid: &Paid<'_>, outputs: &[(ForeignText, Option<Duffs>)]) -> Vec<Event> {
    let block = paid.next.block();
    let owners = |address: &str| -> Vec<&Masternode> {
        let pays = |masternode: &&Masternode| masternode.details.payout_address().is_some_and(|own| own == address);
        let left = paid.before.masternodes().iter().filter(|old| paid.next.get(&old.id).is_none());
        paid.next.masternodes().iter().chain(left).filter(pays).collect()
    };
    let vote = paid.votes.iter().find(|vote| vote.height == block.height);
    let voted = vote.and_then(|vote| outputs.iter().find(|(address, _)| *address == *vote.payee));
    // The output for the masternode precedes that of the foundation.
    let payee = voted.or_else(|| outputs.iter().rev().find(|(address, _)| !owners(address).is_empty()));
    let mut events = Vec::new();
    if let Some((address, amount)) = payee {
        let owners = owners(address);
        // One output to several masternodes is no amount of one of them.
        let amount = amount.filter(|_| owners.len() == 1);
        let payees = amount.map(|amount| (address.as_str().into(), amount)).into_iter().collect();
        let kind = EventKind::Payment { amount, operator: Some(Duffs(0)), payees };
        events.extend(owners.into_iter().map(|masternode| event(block, masternode, kind.clone())));
    }
    if let Some(vote) = vote.filter(|_| voted.is_none()) {
        let losers = owners(&vote.payee).into_iter();
        events.extend(losers.map(|masternode| event(block, masternode, EventKind::PaymentLost)));
    }
    events
}

/// The payment of a block of a chain that hides payees: that of the masternode which the block two below elected, if the
/// block is of the kind that pays one.
async fn elected(source: &Source, paid: &Paid<'_>) -> Result<Vec<Event>, RpcError> {
    let (before, block) = (paid.before.block(), paid.next.block());
    let Some(electing) = before.height.0.checked_sub(1).filter(|_| before.height.after(1) == block.height) else {
        return Ok(Vec::new());
    };
    if !source.client.pays_masternode(&block.hash).await? {
        return Ok(Vec::new());
    }
    let electing = source.client.block_hash(Height(electing)).await?;
    let masternodes = paid.before.masternodes();
    let winner = best_by_distance(masternodes, &electing).map(|index| &masternodes[index]);
    let kind = EventKind::Payment { amount: None, operator: None, payees: Vec::new() };
    Ok(winner.map(|masternode| event(block, masternode, kind)).into_iter().collect())
}

fn event(block: &Block, masternode: &Masternode, kind: EventKind) -> Event {
    Event { block: *block, exact: true, masternode: masternode.id, node_type: masternode.node_type, kind }
}
