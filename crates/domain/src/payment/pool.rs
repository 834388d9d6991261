//! The payment pool of the older chains: the longest unpaid eligible masternodes, among which each vote selects one.
//!
//! docs/spec/legacy-chains.md#dimecoin-payee and docs/spec/legacy-chains.md#computed-values;
//! `CMasternodeMan::GetNextMasternodeInQueueForPayment` in
//! `src/masternode/masternodeman.cpp` of Dimecoin, the same steps as Dash's 0.12.3. The computed queue is that of the
//! next vote, for the block [`PoolRule::votes_ahead`] above the tip.
//!
//! Never here: the election among the pool (`election`).

use std::cmp::Reverse;
use std::num::NonZeroU32;

use crate::chain_facts::ChainFacts;
use crate::list::MasternodeList;
use crate::masternode::{Height, Masternode, UnixSeconds};
use crate::payment::chance;
use crate::payment::contest::{self, Contest};

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
    /// Elects by hashes as Dimecoin does; otherwise the payee is not computed.
    pub elects: bool,
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

/// Seconds from its start until a masternode counts as enabled at the earliest
/// (`MASTERNODE_MIN_MNP_SECONDS` in `src/masternode/masternode.h` of Dimecoin).
const PRE_ENABLED_SECONDS: u64 = 600;

/// The pool of a network at its tip.
#[derive(Clone, Debug)]
pub struct Pool {
    rule: PoolRule,
    tip: Height,
    now: UnixSeconds,
    known: u32,
    queue_length: u32,
    size: Option<NonZeroU32>,
    places: Vec<Place>,
    scheduled: Vec<Option<Scheduled>>,
}

/// What a masternode waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is in the queue, at this position.
    Queued(NonZeroU32),
    /// It enters the queue by waiting so many blocks, at this position of the queue as it is now. A ban is not counted.
    Waiting { blocks: u32, position: NonZeroU32 },
    /// It does not become eligible by waiting.
    Out,
}

impl Pool {
    /// The pool of a list read at `now`; `None` while the votes are not known, because they exclude masternodes.
    pub fn new(
        rule: &PoolRule,
        list: &MasternodeList,
        facts: &ChainFacts,
        (now, spacing_seconds): (UnixSeconds, f64),
    ) -> Option<Pool> {
        let votes = facts.votes.as_deref()?;
        let contest = Contest::new(rule, list, facts)?;
        let (masternodes, tip) = (list.masternodes(), list.block().height);
        let queue = contest.queue(tip, tip.after(rule.votes_ahead), now).entries;
        let queue_length = u32::try_from(queue.len()).unwrap_or(u32::MAX);
        let mut places = vec![Place::Out; masternodes.len()];
        for (place, entry) in places.iter_mut().zip(masternodes) {
            let Some(blocks) = blocks_to_entry(rule, entry, (facts, tip, contest.known()), now, spacing_seconds) else {
                continue;
            };
            let ahead = queue.partition_point(|queued| queued.precedes(entry));
            let position = NonZeroU32::MIN.saturating_add(u32::try_from(ahead).unwrap_or(u32::MAX));
            *place = Place::Waiting { blocks, position };
        }
        for (position, entry) in (1..).zip(&queue) {
            places[entry.index] = NonZeroU32::new(position).map_or(Place::Out, Place::Queued);
        }
        Some(Pool {
            rule: *rule,
            tip,
            now,
            known: contest.known(),
            queue_length,
            size: chance::pool_size(queue_length, contest.known(), rule.divisor),
            places,
            scheduled: masternodes.iter().map(|masternode| scheduled(masternode, votes, tip)).collect(),
        })
    }

    /// Position of the masternode at `index` of the list in the queue, 1 = longest unpaid; `None` if it is not
    /// eligible.
    pub fn position(&self, index: usize) -> Option<NonZeroU32> {
        match self.places[index] {
            Place::Queued(position) => Some(position),
            Place::Waiting { .. } | Place::Out => None,
        }
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
        self.position(index).zip(self.size).is_some_and(|(position, size)| position <= size)
    }

    /// The next block with votes for the address of the masternode at `index`; `None` if there is none.
    pub fn scheduled(&self, index: usize) -> Option<Scheduled> {
        self.scheduled[index]
    }

    /// What still excludes a masternode from the queue after its start; `None` if its start is not known.
    pub fn hold_out(&self, masternode: &Masternode, facts: &ChainFacts) -> Option<PaymentCooldown> {
        masternode.announced.as_ref()?.started_at?;
        let collateral = facts.collaterals.get(&masternode.id);
        Some(PaymentCooldown {
            seconds: contest::opens(&self.rule, masternode, self.known).saturating_sub(self.now.0),
            blocks: collateral.map(|collateral| contest::blocks_held_out(*collateral, self.tip, self.known)),
        })
    }

    /// Probability in 0…1 that an election for one of the next `blocks` blocks selects the masternode at `index`
    /// (docs/spec/legacy-chains.md#computed-values): 0 if it does not become eligible by waiting. `ban_blocks` is what is
    /// left of its ban, 0 without one.
    pub fn probability(&self, index: usize, blocks: u32, ban_blocks: u32) -> f64 {
        let (position, entry) = match self.places[index] {
            Place::Queued(position) => (position, ban_blocks),
            Place::Waiting { blocks, position } => (position, blocks.max(ban_blocks)),
            Place::Out => return 0.0,
        };
        // Until it enters, payments remove masternodes ahead of it.
        let queued = self.queue_length.max(1);
        let Some(size) = chance::pool_size(queued, self.known, self.rule.divisor) else { return 0.0 };
        let wait = entry.max(chance::blocks_until_in_pool(position, size));
        chance::chance_within(size, blocks.saturating_sub(wait))
    }
}

/// Blocks until a masternode can be in the queue, apart from a ban; `None` if waiting does not suffice.
fn blocks_to_entry(
    rule: &PoolRule,
    masternode: &Masternode,
    (facts, tip, known): (&ChainFacts, Height, u32),
    now: UnixSeconds,
    spacing_seconds: f64,
) -> Option<u32> {
    let state = masternode.announced_state()?;
    // Only the first minutes after a start, and a ban, end by waiting.
    if !contest::is_current(rule, masternode) || !(state.payable || state.healthy || state.banned) {
        return None;
    }
    let started = masternode.announced.as_ref().and_then(|announced| announced.started_at);
    let enabled = started.filter(|_| !state.payable).map_or(0, |started| started.0.saturating_add(PRE_ENABLED_SECONDS));
    let seconds = contest::opens(rule, masternode, known).max(enabled).saturating_sub(now.0);
    let by_time = (seconds as f64 / spacing_seconds).ceil() as u32;
    let collateral = facts.collaterals.get(&masternode.id);
    let by_depth = collateral.map_or(0, |collateral| contest::blocks_held_out(*collateral, tip, known));
    // Its own payment that was just made or voted keeps it out for at least a block.
    Some(by_time.max(by_depth).max(1))
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
    use crate::MasternodeId;
    use crate::chain::{DIMECOIN, Subnet};
    use crate::chain_facts::Collateral;
    use crate::payment::PaymentModel;
    use crate::samples::{block, id, masternode};
    use crate::state;
    use crate::state::Announced;
    use std::sync::Arc;

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    /// The time of the list, with blocks of a minute.
    const WHEN: (UnixSeconds, f64) = (NOW, 60.0);

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
        let pool = Pool::new(&rule(), &list, &facts, WHEN).unwrap();
        (list, pool)
    }

    fn place(list: &MasternodeList, pool: &Pool, number: u8) -> Option<u32> {
        pool.position(list.position(&id(number)).unwrap()).map(NonZeroU32::get)
    }

    #[test]
    fn never_paid_masternodes_precede_the_longest_unpaid() {
        let nodes = (1..=30).map(|number| node(number, "enabled", 100_000, 1000 - u32::from(number) * 5));
        let mut nodes: Vec<Masternode> = nodes.collect();
        nodes[4].last_paid_height = None;
        let (list, pool) = pool(nodes, vec![]);
        assert_eq!((pool.queue_length(), pool.size().unwrap().get()), (30, 3));
        assert_eq!([5, 30, 29, 28].map(|number| place(&list, &pool, number)), [Some(1), Some(2), Some(3), Some(4)]);
        let chance = |number: u8, blocks| pool.probability(list.position(&id(number)).unwrap(), blocks, 0);
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
        assert_eq!([0, 1].map(|index| pool.position(index).unwrap().get()), [2, 1]);
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
    fn a_started_masternode_waits_for_its_hold_out_and_then_is_in_front() {
        // 20 known, a pool of two: 3120 s of hold-out, of which 120 s are left: two blocks.
        let mut nodes: Vec<Masternode> = (1..=19).map(|number| node(number, "enabled", 100_000, 10)).collect();
        nodes.push(node(20, "enabled", 156 * 20 - 120, 0));
        nodes.push(node(21, "pre_enabled", 60, 0));
        nodes[0].last_paid_height = Some(Height(1000));
        let paid = Vote { height: Height(1000), payee: "payee-1".into(), votes: 6 };
        let (list, pool) = pool(nodes, vec![paid]);
        let chance = |number: u8, blocks| pool.probability(list.position(&id(number)).unwrap(), blocks, 0);
        // 21 known: 156 s more.
        let opens = 5;
        assert_eq!([opens, opens + 1, opens + 3].map(|blocks| chance(20, blocks)), [0.0, 0.5, 0.875]);
        assert_eq!(chance(21, 54), 0.0, "21 times 156 s, of which 60 s are over");
        assert_eq!([55, 1000].map(|blocks| chance(21, blocks) > 0.4), [true, true]);
        // The masternode that the tip paid is behind the eighteen others.
        assert_eq!([17, 18].map(|blocks| chance(1, blocks)), [0.0, 0.5]);
    }

    #[test]
    fn a_collateral_must_be_as_deep_as_there_are_nodes() {
        let list =
            MasternodeList::new(block(1000), (1..=4).map(|number| node(number, "enabled", 100_000, 1)).collect())
                .unwrap();
        let at = |height| Collateral { height: Height(height), confirmed: None };
        let collaterals = Arc::new([(id(1), at(998)), (id(2), at(997))].into());
        let facts = ChainFacts { votes: Some(vec![]), collaterals, ..ChainFacts::new(Subnet::Regtest) };
        let pool = Pool::new(&rule(), &list, &facts, WHEN).unwrap();
        assert_eq!(place(&list, &pool, 1), None, "3 confirmations of 4");
        assert_eq!(place(&list, &pool, 2), Some(1));
        assert_eq!(pool.hold_out(list.get(&id(1)).unwrap(), &facts).unwrap().blocks, Some(1));
    }

    #[test]
    fn without_nodes_or_votes_there_is_no_pool() {
        let (_, empty) = pool(vec![], vec![]);
        assert_eq!((empty.queue_length(), empty.size()), (0, None));
        let (_, banned) = pool(vec![node(1, "pose_ban", 100_000, 1)], vec![]);
        assert_eq!(banned.size(), None);
        assert_eq!(
            [20, 21].map(|blocks| banned.probability(0, blocks, 20)),
            [0.0, 1.0],
            "its ban ends after 20 blocks"
        );
        let list = MasternodeList::new(block(1), vec![]).unwrap();
        assert!(Pool::new(&rule(), &list, &ChainFacts::new(Subnet::Regtest), WHEN).is_none());
    }
}
