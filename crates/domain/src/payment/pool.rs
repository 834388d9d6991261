//! The payment pool of the older chains: the longest unpaid eligible masternodes, among which each vote selects one.
//!
//! docs/spec/legacy-chains.md#dimecoin-payee and docs/spec/legacy-chains.md#computed-values;
//! `CMasternodeMan::GetNextMasternodeInQueueForPayment` in
//! `src/masternode/masternodeman.cpp` of Dimecoin, the same steps as Dash's 0.12.3. The computed queue is that of the
//! next vote, for the block [`PoolRule::votes_ahead`] above the tip.
//!
//! Never here: the selection itself (it needs hashes of future blocks).

use std::cmp::Reverse;
use std::collections::HashSet;
use std::num::NonZeroU32;

use crate::chain_facts::ChainFacts;
use crate::list::MasternodeList;
use crate::masternode::{Height, Masternode, MasternodeId, UnixSeconds};
use crate::payment::chance;

/// The parameters of a chain's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolRule {
    /// Divisor of the known masternodes that gives the pool size: 10 for a tenth.
    pub divisor: NonZeroU32,
    /// Only enabled masternodes count as known; otherwise those in any state.
    pub of_enabled: bool,
    /// Seconds that a started node waits for each known masternode.
    pub hold_out_seconds: u64,
    /// Payments ignore nodes with an older protocol.
    pub minimum_protocol: u32,
    /// Votes are for the block this many blocks above the tip.
    pub votes_ahead: u32,
}

/// The divisor of every known chain.
pub const TENTH: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// The payee with the most votes for a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The block.
    pub height: Height,
    /// Address of the payee; several masternodes may share it.
    pub payee: Box<str>,
    /// Number of votes.
    pub votes: u32,
}

/// The payee with votes for a block above the tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The block.
    pub height: Height,
    /// Number of votes; 6 are binding where payments are enforced.
    pub votes: u32,
}

/// What excludes a node from the queue after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentCooldown {
    /// Seconds until its start is old enough.
    pub seconds: u64,
    /// Blocks until its collateral is deep enough; `None` if the collateral's block is not known.
    pub blocks: Option<u32>,
}

/// The pool of a network at its tip.
#[derive(Clone, Debug)]
pub struct Pool {
    rule: PoolRule,
    tip: Height,
    now: UnixSeconds,
    known: u32,
    queue_length: u32,
    size: Option<NonZeroU32>,
    positions: Vec<Option<NonZeroU32>>,
    scheduled: Vec<Option<Scheduled>>,
}

impl Pool {
    /// The pool of a list read at `now`; `None` while the votes are not known, because they exclude masternodes.
    pub fn new(rule: &PoolRule, list: &MasternodeList, facts: &ChainFacts, now: UnixSeconds) -> Option<Pool> {
        let votes = facts.votes.as_deref()?;
        let masternodes = list.masternodes();
        let tip = list.block().height;
        let known = masternodes.iter().filter(|masternode| is_known(rule, masternode)).count();
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        let soon = tip.after(rule.votes_ahead.saturating_sub(2));
        let taken: HashSet<&str> =
            votes.iter().filter(|vote| (tip..=soon).contains(&vote.height)).map(|vote| &*vote.payee).collect();
        let eligible = |masternode: &&(usize, &Masternode)| {
            let payee = masternode.1.details.payout_address();
            let confirmed = blocks_held_out(masternode.1, facts, tip, known).is_none_or(|blocks| blocks == 0);
            is_known(rule, masternode.1)
                && masternode.1.is_payable()
                && confirmed
                && !payee.is_some_and(|payee| taken.contains(&*payee))
        };
        let all: Vec<(usize, &Masternode)> = masternodes.iter().enumerate().collect();
        let candidates: Vec<&(usize, &Masternode)> = all.iter().filter(eligible).collect();
        let waited = |entry: &&&(usize, &Masternode)| seconds_held_out(rule, entry.1, known, now) == 0;
        let mut queue: Vec<&(usize, &Masternode)> = candidates.iter().filter(waited).copied().collect();
        if (queue.len() as u64) < u64::from(known / 3) {
            queue = candidates;
        }
        queue.sort_by_key(|entry| (last_paid(entry.1), storage_order(&entry.1.id)));
        let queue_length = u32::try_from(queue.len()).unwrap_or(u32::MAX);
        let mut positions = vec![None; masternodes.len()];
        for (place, (index, _)) in (1..).zip(queue) {
            positions[*index] = NonZeroU32::new(place);
        }
        Some(Pool {
            rule: *rule,
            tip,
            now,
            known,
            queue_length,
            size: chance::pool_size(queue_length, known, rule.divisor),
            positions,
            scheduled: masternodes.iter().map(|masternode| scheduled(masternode, votes, tip)).collect(),
        })
    }

    /// Position of each masternode of the list in the queue, 1 = longest unpaid; `None` if it is not eligible.
    pub fn positions(&self) -> &[Option<NonZeroU32>] {
        &self.positions
    }

    /// Number of candidates of the next vote; `None` if no masternode is eligible.
    pub fn size(&self) -> Option<NonZeroU32> {
        self.size
    }

    /// Number of masternodes that payments consider as known.
    pub fn known(&self) -> u32 {
        self.known
    }

    /// Number of eligible masternodes.
    pub fn queue_length(&self) -> u32 {
        self.queue_length
    }

    /// Whether the next vote can select the masternode at `index` of the list.
    pub fn has(&self, index: usize) -> bool {
        self.positions[index].zip(self.size).is_some_and(|(position, size)| position <= size)
    }

    /// The next block with votes for the address of the masternode at `index`; `None` if there is none.
    pub fn scheduled(&self, index: usize) -> Option<Scheduled> {
        self.scheduled[index]
    }

    /// What still excludes a masternode from the queue after its start; `None` if its start is not known.
    pub fn hold_out(&self, masternode: &Masternode, facts: &ChainFacts) -> Option<PaymentCooldown> {
        masternode.announced.as_ref()?.started_at?;
        Some(PaymentCooldown {
            seconds: seconds_held_out(&self.rule, masternode, self.known, self.now),
            blocks: blocks_held_out(masternode, facts, self.tip, self.known),
        })
    }

    /// Probability in 0…1 that one of the next `blocks` blocks pays the masternode at `index`
    /// (docs/spec/legacy-chains.md#computed-values). A masternode with the votes is paid by its block; one that is not
    /// eligible has 0.
    pub fn probability(&self, index: usize, blocks: u32) -> f64 {
        if let Some(scheduled) = self.scheduled[index] {
            return f64::from(u8::from(scheduled.height.above(self.tip) <= blocks));
        }
        let (Some(position), Some(size)) = (self.positions[index], self.size) else { return 0.0 };
        chance::chance_within_from(position, size, blocks)
    }
}

fn is_known(rule: &PoolRule, masternode: &Masternode) -> bool {
    let protocol = masternode.announced.as_ref().and_then(|announced| announced.protocol_version);
    protocol.is_none_or(|protocol| protocol >= rule.minimum_protocol) && (masternode.is_payable() || !rule.of_enabled)
}

fn seconds_held_out(rule: &PoolRule, masternode: &Masternode, known: u32, now: UnixSeconds) -> u64 {
    let started = masternode.announced.as_ref().and_then(|announced| announced.started_at);
    started.map_or(0, |started| {
        let until = started.0.saturating_add(rule.hold_out_seconds.saturating_mul(u64::from(known)));
        until.saturating_sub(now.0)
    })
}

/// Blocks until the collateral has as many confirmations as there are known masternodes.
fn blocks_held_out(masternode: &Masternode, facts: &ChainFacts, tip: Height, known: u32) -> Option<u32> {
    let height = facts.collateral_heights.get(&masternode.id)?;
    Some(known.saturating_sub(tip.above(*height).saturating_add(1)))
}

/// Block of the last payment, or its time if the list has only that; "never" sorts first.
fn last_paid(masternode: &Masternode) -> (Option<Height>, Option<UnixSeconds>) {
    let time = masternode.announced.as_ref().and_then(|announced| announced.last_paid_at);
    (masternode.last_paid_height, time.filter(|_| masternode.last_paid_height.is_none()))
}

/// The order of outpoints in a node: bytes of the transaction id in memory order, then the index.
fn storage_order(id: &MasternodeId) -> ([u8; 32], u32) {
    match id {
        MasternodeId::Collateral(outpoint) => (outpoint.txid.in_memory_order(), outpoint.index),
        MasternodeId::ProTx(hash) => (hash.in_memory_order(), 0),
    }
}

fn scheduled(masternode: &Masternode, votes: &[Vote], tip: Height) -> Option<Scheduled> {
    let payee = masternode.details.payout_address()?;
    let ahead = votes.iter().filter(|vote| vote.height > tip && *vote.payee == payee);
    ahead
        .map(|vote| Scheduled { height: vote.height, votes: vote.votes })
        .min_by_key(|scheduled| (scheduled.height, Reverse(scheduled.votes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DetailTexts;
    use crate::chain::{DIMECOIN, Subnet};
    use crate::payment::PaymentModel;
    use crate::samples::{block, id, masternode};
    use crate::state;
    use crate::state::Announced;
    use std::sync::Arc;

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    fn rule() -> PoolRule {
        match DIMECOIN.payment {
            PaymentModel::Pool(rule) => rule,
            other => panic!("{other:?} is no pool"),
        }
    }

    /// A node in a state, started the given seconds ago, last paid at a height (0 = never), paid at `payee-<number>`.
    fn node(number: u8, state: &str, started_ago: u64, paid: u32) -> Masternode {
        let place = DIMECOIN.states.iter().position(|known| known.label == state).unwrap();
        let mut node = masternode(number);
        node.last_paid_height = Some(Height(paid)).filter(|height| height.0 > 0);
        node.details =
            DetailTexts { payout_address: Some(format!("payee-{number}").into()), ..DetailTexts::default() }.into();
        node.announced = Some(Box::new(Announced {
            state: state::shared(&DIMECOIN.states)[place].clone(),
            protocol_version: Some(70_008),
            last_seen: Some(UnixSeconds(NOW.0 - 60)),
            started_at: Some(UnixSeconds(NOW.0 - started_ago)),
            last_paid_at: None,
            rank: None,
        }));
        node
    }

    fn pool(nodes: Vec<Masternode>, votes: Vec<Vote>) -> (MasternodeList, Pool) {
        let list = MasternodeList::new(block(1000), nodes).unwrap();
        let facts = ChainFacts { votes: Some(votes), ..ChainFacts::new(Subnet::Regtest) };
        let pool = Pool::new(&rule(), &list, &facts, NOW).unwrap();
        (list, pool)
    }

    fn place(list: &MasternodeList, pool: &Pool, number: u8) -> Option<u32> {
        pool.positions()[list.position(&id(number)).unwrap()].map(NonZeroU32::get)
    }

    #[test]
    fn never_paid_masternodes_precede_the_longest_unpaid() {
        let nodes = (1..=30).map(|number| node(number, "enabled", 100_000, 1000 - u32::from(number) * 5));
        let mut nodes: Vec<Masternode> = nodes.collect();
        nodes[4].last_paid_height = None;
        let (list, pool) = pool(nodes, vec![]);
        assert_eq!((pool.queue_length(), pool.size().unwrap().get()), (30, 3));
        assert_eq!([5, 30, 29, 28].map(|number| place(&list, &pool, number)), [Some(1), Some(2), Some(3), Some(4)]);
        let chance = |number: u8, blocks| pool.probability(list.position(&id(number)).unwrap(), blocks);
        assert_eq!(chance(28, 1), 0.0, "one payment must come first");
        assert!((chance(28, 2) - 1.0 / 3.0).abs() < 1e-12);
        assert!((chance(5, 1) - 1.0 / 3.0).abs() < 1e-12);
        assert!(pool.has(list.position(&id(29)).unwrap()) && !pool.has(list.position(&id(28)).unwrap()));
    }

    #[test]
    fn a_tie_is_decided_by_the_bytes_in_memory_order() {
        let with_id = |displayed: [u8; 2], number| {
            let mut hash = [0; 32];
            (hash[0], hash[31]) = (displayed[0], displayed[1]);
            let txid = crate::Hash(hash);
            let outpoint = crate::Outpoint { txid, index: 0 };
            Masternode { id: MasternodeId::Collateral(outpoint), ..node(number, "enabled", 100_000, 5) }
        };
        // As displayed, the first is smaller; reversed, the last byte decides.
        let (list, pool) = pool(vec![with_id([1, 9], 1), with_id([2, 3], 2)], vec![]);
        assert_eq!(list.masternodes()[0].id.hash().0[0], 1);
        assert_eq!(pool.positions().iter().map(|place| place.unwrap().get()).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn disabled_scheduled_or_recently_started_masternodes_have_no_position() {
        let mut nodes: Vec<Masternode> = (1..=9).map(|number| node(number, "enabled", 100_000, 10)).collect();
        nodes.push(node(10, "pose_ban", 100_000, 1));
        nodes.push(node(11, "expired", 100_000, 1));
        nodes.push(node(12, "enabled", 156 * 12 - 1, 1));
        let vote = |height, payee: &str| Vote { height: Height(height), payee: payee.into(), votes: 6 };
        let votes = vec![vote(1000, "payee-3"), vote(1002, "payee-1"), vote(1008, "payee-2"), vote(1009, "payee-4")];
        let (list, pool) = pool(nodes, votes);
        for out in [1, 2, 3, 10, 11, 12] {
            assert_eq!(place(&list, &pool, out), None, "node {out}");
        }
        // docs/spec/legacy-chains.md#dimecoin-payee, step 2.
        assert_eq!(place(&list, &pool, 4), Some(1), "height T + 9 is not looked at");
        let index = list.position(&id(1)).unwrap();
        assert_eq!(pool.scheduled(index), Some(Scheduled { height: Height(1002), votes: 6 }));
        assert_eq!([1, 2].map(|blocks| pool.probability(index, blocks)), [0.0, 1.0]);
        let hold_out = pool.hold_out(list.get(&id(12)).unwrap(), &ChainFacts::new(Subnet::Regtest)).unwrap();
        assert_eq!(hold_out, PaymentCooldown { seconds: 1, blocks: None });
    }

    #[test]
    fn a_short_queue_includes_recently_started_masternodes() {
        // 9 known: unless at least 3 remain, the time since the start is ignored.
        let fresh = |number| node(number, "enabled", 100, 10);
        let old = |number| node(number, "enabled", 100_000, 10);
        let (_, short) = pool((1..=2).map(old).chain((3..=9).map(fresh)).collect(), vec![]);
        assert_eq!(short.queue_length(), 9);
        let (_, enough) = pool((1..=3).map(old).chain((4..=9).map(fresh)).collect(), vec![]);
        assert_eq!(enough.queue_length(), 3);
    }

    #[test]
    fn a_collateral_must_be_as_deep_as_there_are_nodes() {
        let list =
            MasternodeList::new(block(1000), (1..=4).map(|number| node(number, "enabled", 100_000, 1)).collect())
                .unwrap();
        let heights = [(id(1), Height(998)), (id(2), Height(997))].into();
        let votes = Some(vec![]);
        let facts = ChainFacts { votes, collateral_heights: Arc::new(heights), ..ChainFacts::new(Subnet::Regtest) };
        let pool = Pool::new(&rule(), &list, &facts, NOW).unwrap();
        assert_eq!(place(&list, &pool, 1), None, "3 confirmations of 4");
        assert_eq!(place(&list, &pool, 2), Some(1));
        assert_eq!(pool.hold_out(list.get(&id(1)).unwrap(), &facts).unwrap().blocks, Some(1));
    }

    #[test]
    fn without_nodes_or_votes_there_is_no_pool() {
        let (_, empty) = pool(vec![], vec![]);
        assert_eq!((empty.queue_length(), empty.size()), (0, None));
        let (_, banned) = pool(vec![node(1, "pose_ban", 100_000, 1)], vec![]);
        assert_eq!((banned.size(), banned.probability(0, 1000)), (None, 0.0));
        let list = MasternodeList::new(block(1), vec![]).unwrap();
        assert!(Pool::new(&rule(), &list, &ChainFacts::new(Subnet::Regtest), NOW).is_none());
    }
}
