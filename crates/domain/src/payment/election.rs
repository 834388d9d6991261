//! The payees of the next blocks on the older chains: voted, elected by known hashes, or forecast.
//!
//! Dimecoin elects the payee of the block h by the hash of the block h − 101, when the block h − 10 arrives: the vote at
//! the tip is computed exactly, the later ones as if the list did not change until then
//! (docs/spec/legacy-chains.md#dimecoin-payee). PRCYCoin pays rank 1 of the tip by the next proof-of-stake block
//! (docs/spec/legacy-chains.md#prcycoin-payee).
//!
//! Never here: payees beyond the known hashes (`chance`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::chain_facts::ChainFacts;
use crate::list::MasternodeList;
use crate::masternode::{BlockHash, Height, Masternode, MasternodeId, UnixSeconds};
use crate::payment::contest::Contest;
use crate::payment::pool::{PoolRule, Vote};
use crate::payment::score;

/// The block whose hash elects is this far below the paying one.
pub const ELECTING_DEPTH: u32 = 101;

/// The confirmation of a collateral whose block is part of the score.
pub const CONFIRMATION: u32 = 15;

/// The payees of the blocks after the tip.
#[derive(Clone, Debug, Default)]
pub struct Elections {
    ahead: Vec<PaymentAhead>,
    held: Vec<(Height, usize)>,
    gap: Option<ElectionGap>,
}

/// The payee of a block after the tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentAhead {
    /// The block.
    pub height: Height,
    /// The address that it pays; `None` if the list does not contain it.
    pub payee: Option<Box<str>>,
    /// The masternode by its index in the list; `None` if the votes name an address of none or of several.
    pub index: Option<usize>,
    /// Votes for the address so far; `None` if there are none.
    pub votes: Option<u32>,
    /// How sure it is.
    pub certainty: Certainty,
}

/// How sure the payee of a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Votes name it, and the producer of the block follows them.
    Voted,
    /// Elected by the queue and the hashes of the tip.
    Exact,
    /// Elected by known hashes from the queue as it is now: states, starts and bans until then can change it.
    Forecast,
}

impl Certainty {
    /// All, the surest first.
    pub const ALL: [Certainty; 3] = [Certainty::Voted, Certainty::Exact, Certainty::Forecast];

    /// The value of the label `certainty`.
    pub fn label(self) -> &'static str {
        match self {
            Certainty::Voted => "voted",
            Certainty::Exact => "exact",
            Certainty::Forecast => "forecast",
        }
    }
}

/// Why the next payee is not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionGap {
    /// The profile of the chain does not say that it elects like a known chain.
    Rule,
    /// The votes are unknown: the node has not finished its sync of them, or refuses the call.
    Votes,
    /// The node refuses the call for the depth of a collateral.
    Refused,
    /// So many collaterals were not read yet.
    Collaterals(u32),
    /// The hash of this block was not read yet.
    BlockHash(Height),
    /// The chain is too short for an election.
    ShortChain,
    /// The list has no rank 1.
    Rank,
}

impl fmt::Display for ElectionGap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElectionGap::Rule => formatter.write_str("the chain's profile has no rule of election"),
            ElectionGap::Votes => {
                formatter.write_str("the votes are unknown: the node has not finished their sync, or refuses the call")
            }
            ElectionGap::Refused => formatter.write_str("the node refuses the call for the depth of collaterals"),
            ElectionGap::Collaterals(1) => formatter.write_str("the depth of one collateral is not known yet"),
            ElectionGap::Collaterals(count) => {
                write!(formatter, "the depth of {count} collaterals is not known yet")
            }
            ElectionGap::BlockHash(height) => write!(formatter, "the hash of block {height} is not known yet"),
            ElectionGap::ShortChain => formatter.write_str("the chain is too short for an election"),
            ElectionGap::Rank => formatter.write_str("no masternode has rank 1"),
        }
    }
}

impl Elections {
    /// Keeps the blocks that pay some masternodes, by their indices.
    pub(super) fn retain(&mut self, shows: impl Fn(usize) -> bool) {
        self.ahead.retain(|ahead| ahead.index.is_some_and(&shows));
    }

    /// None, for this reason.
    pub(super) fn unknown(gap: ElectionGap) -> Elections {
        Elections { gap: Some(gap), ..Elections::default() }
    }

    /// The payees ahead, ascending by height. Blocks whose payee is not known are absent, as are those for which no
    /// masternode is eligible.
    pub fn ahead(&self) -> &[PaymentAhead] {
        &self.ahead
    }

    /// The blocks whose payee the queue and the hashes of the tip elect, and the masternode by its index in the list, whatever the
    /// votes for them: to compare both.
    pub fn held(&self) -> &[(Height, usize)] {
        &self.held
    }

    /// Why the next payee is not computed; `None` if it is, or if the chain pays in a fixed order.
    pub fn gap(&self) -> Option<ElectionGap> {
        self.gap
    }

    /// The blocks that pay the masternode at `index` of the list, ascending.
    pub fn of(&self, index: usize) -> impl Iterator<Item = &PaymentAhead> {
        self.ahead.iter().filter(move |ahead| ahead.index == Some(index))
    }

    /// The next block for which the masternode at `index` is elected, of those that are as sure as this; `None` if
    /// there is none.
    pub fn elected_height(&self, index: usize, certainty: Certainty) -> Option<Height> {
        self.of(index).find(|ahead| ahead.certainty == certainty).map(|ahead| ahead.height)
    }

    /// The payees of a chain that elects by votes among a pool.
    pub(super) fn by_pool(
        rule: &PoolRule,
        list: &MasternodeList,
        facts: &ChainFacts,
        (now, spacing_seconds): (UnixSeconds, f64),
    ) -> Elections {
        let tip = list.block().height;
        let votes: Vec<&Vote> = facts.votes.iter().flatten().filter(|vote| vote.height > tip).collect();
        let owners = owners(list, &votes);
        let voted = |vote: &&Vote| PaymentAhead {
            height: vote.height,
            payee: Some(vote.payee.clone()),
            index: owners.get(&*vote.payee).copied().flatten(),
            votes: Some(vote.votes),
            certainty: Certainty::Voted,
        };
        let mut elections = Elections { ahead: votes.iter().map(voted).collect(), ..Elections::default() };
        elections.gap = match Contest::new(rule, list, facts) {
            None => Some(ElectionGap::Votes),
            Some(_) if !rule.elects => Some(ElectionGap::Rule),
            Some(_) if facts.collaterals_refused => Some(ElectionGap::Refused),
            Some(contest) => elections.hold(contest, rule, (tip, facts), (now, spacing_seconds)).err(),
        };
        elections.ahead.sort_by_key(|ahead| ahead.height);
        elections
    }

    /// Holds the elections for which the hashes are known. Fails if the one at the tip cannot be held.
    fn hold<'a>(
        &mut self,
        mut contest: Contest<'a>,
        rule: &PoolRule,
        (tip, facts): (Height, &ChainFacts),
        (now, spacing_seconds): (UnixSeconds, f64),
    ) -> Result<(), ElectionGap> {
        let next = tip.after(1);
        let electing = |height: Height| {
            let below = height.0.checked_sub(ELECTING_DEPTH).map(Height).ok_or(ElectionGap::ShortChain)?;
            facts.block_hashes.get(&below).copied().ok_or(ElectionGap::BlockHash(below))
        };
        if contest.payee(next).is_none()
            && let Ok(hash) = electing(next)
        {
            // Without votes the producer of the block elects, from its own view: in the recorded network it elected the same one
            // in 5 of 9 blocks.
            let queue = contest.queue(tip, next, now);
            let elected = contest.winner(&queue, &hash)?.map(|entry| (entry.index, entry.payee.clone()));
            self.add(next, elected, Certainty::Forecast);
        }
        for lead in 0..ELECTING_DEPTH - rule.votes_ahead.min(ELECTING_DEPTH) + 1 {
            let (at, height) = (tip.after(lead), tip.after(lead.saturating_add(rule.votes_ahead)));
            let hash = match electing(height) {
                Err(gap) if lead == 0 => return Err(gap),
                Err(_) => break,
                Ok(hash) => hash,
            };
            if lead > 0 {
                contest.pay(at);
            }
            let then = UnixSeconds(now.0.saturating_add((f64::from(lead) * spacing_seconds) as u64));
            let queue = contest.queue(at, height, then);
            let Some(entry) = contest.winner(&queue, &hash)? else { continue };
            let (index, payee) = (entry.index, entry.payee.clone());
            let certainty = if lead == 0 { Certainty::Exact } else { Certainty::Forecast };
            self.add(height, Some((index, payee.clone())), certainty);
            if let Some(payee) = payee {
                contest.schedule(height, payee);
            }
        }
        Ok(())
    }

    /// Adds an elected payee; votes that agree make it no surer, and votes for another one replace it.
    fn add(&mut self, height: Height, elected: Option<(usize, Option<Cow<'_, str>>)>, certainty: Certainty) {
        let Some((index, payee)) = elected else { return };
        if certainty == Certainty::Exact {
            self.held.push((height, index));
        }
        let payee: Option<Box<str>> = payee.map(|payee| payee.into());
        match self.ahead.iter_mut().find(|ahead| ahead.height == height) {
            Some(voted) if voted.payee == payee => (voted.index, voted.certainty) = (Some(index), certainty),
            Some(_) => {}
            None => self.ahead.push(PaymentAhead { height, payee, index: Some(index), votes: None, certainty }),
        }
    }

    /// The payees of a chain on which the block before the tip elects among all enabled masternodes: the next one by
    /// the node's rank, the one after it by the tip.
    pub(super) fn by_rank(list: &MasternodeList) -> Elections {
        let masternodes = list.masternodes();
        let first = |masternode: &Masternode| {
            let rank = masternode.announced.as_ref().and_then(|announced| announced.rank);
            masternode.is_payable() && rank.is_some_and(|rank| rank.get() == 1)
        };
        let Some(next) = masternodes.iter().position(first) else { return Elections::unknown(ElectionGap::Rank) };
        let tip = list.block().height;
        let ahead = |height, index: usize, certainty| PaymentAhead {
            height,
            payee: masternodes[index].details.payout_address().map(Box::from),
            index: Some(index),
            votes: None,
            certainty,
        };
        let ahead_of_tip = vec![ahead(tip.after(1), next, Certainty::Exact)];
        let mut elections = Elections { ahead: ahead_of_tip, held: vec![(tip.after(1), next)], gap: None };
        if let Some(then) = best_by_distance(masternodes, &list.block().hash) {
            elections.ahead.push(ahead(tip.after(2), then, Certainty::Forecast));
        }
        elections
    }
}

/// The masternode that a block elects among all enabled ones, by its index; `None` if there is none, or if scores are
/// equal: then the node pays the one that it heard of first, which no call shows.
///
/// `CMasternodeMan::GetCurrentMasterNode` in `src/masternodeman.cpp` of PRCYCoin, which the producer of a block asks for the block
/// two below the one that it makes.
pub fn best_by_distance(masternodes: &[Masternode], electing: &BlockHash) -> Option<usize> {
    let mut best: Option<(u32, Option<usize>)> = None;
    for (index, masternode) in masternodes.iter().enumerate().filter(|(_, masternode)| masternode.is_payable()) {
        let MasternodeId::Collateral(outpoint) = &masternode.id else { continue };
        let own = score::distance(outpoint, electing);
        match &mut best {
            Some((highest, _)) if own < *highest => {}
            Some((highest, winner)) if own == *highest => *winner = None,
            _ => best = Some((own, Some(index))),
        }
    }
    best.and_then(|(_, winner)| winner)
}

/// The masternode with each of the voted payout addresses, by its index in the list: `None` if several have it; absent if
/// none has.
fn owners<'a>(list: &MasternodeList, votes: &[&'a Vote]) -> HashMap<&'a str, Option<usize>> {
    let payees: HashSet<&str> = votes.iter().map(|vote| &*vote.payee).collect();
    let mut owners = HashMap::new();
    if payees.is_empty() {
        return owners;
    }
    for (index, masternode) in list.masternodes().iter().enumerate() {
        let payee = masternode.details.payout_address().and_then(|address| payees.get(&*address).copied());
        if let Some(payee) = payee {
            owners.entry(payee).and_modify(|owner| *owner = None).or_insert(Some(index));
        }
    }
    owners
}
