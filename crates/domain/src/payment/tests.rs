//! Elections of every size, ties, and what makes them unknown.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::DetailTexts;
use crate::chain::{ChainRules, DIMECOIN, PRCYCOIN, Subnet};
use crate::chain_facts::{ChainFacts, Collateral};
use crate::list::{Block, MasternodeList};
use crate::masternode::{BlockHash, Hash, Height, Masternode, MasternodeId, Outpoint, UnixSeconds};
use crate::payment::{Certainty, ElectionGap, PaymentModel, Payments, Vote, chance, score};
use crate::samples::masternode;
use crate::state::{self, Announced};

const TIP: u32 = 10_000;
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// A hash that no other number has.
fn hash(number: u32) -> Hash {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[28..].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

/// An enabled masternode that was started long ago and last paid at a height, 0 for never.
fn node(rules: &ChainRules, number: u32, paid: u32) -> Masternode {
    let texts = DetailTexts { payout_address: Some(format!("payee-{number}").into()), ..DetailTexts::default() };
    Masternode {
        id: MasternodeId::Collateral(Outpoint { txid: hash(number), index: number % 2 }),
        last_paid_height: Some(Height(paid)).filter(|height| height.0 > 0),
        details: texts.into(),
        announced: Some(Box::new(Announced {
            state: state::shared(&rules.states)[0].clone(),
            protocol_version: Some(70_915),
            last_seen: Some(UnixSeconds(NOW.0 - 60)),
            started_at: Some(UnixSeconds(NOW.0 - 10_000_000)),
            last_paid_at: None,
            rank: NonZeroU32::new(number),
        })),
        ..masternode(1)
    }
}

fn tip() -> Block {
    Block { height: Height(TIP), hash: BlockHash(hash(TIP)), time: UnixSeconds(NOW.0 - 10) }
}

fn list(nodes: Vec<Masternode>) -> MasternodeList {
    MasternodeList::new(tip(), nodes).unwrap()
}

/// Everything that the elections of a list need, with votes up to the tip.
fn facts(list: &MasternodeList, votes: Vec<Vote>) -> ChainFacts {
    let collateral = |masternode: &Masternode| {
        let confirmed = Some(BlockHash(hash(999)));
        (masternode.id, Collateral { height: Height(100), confirmed })
    };
    let hashes: BTreeMap<Height, BlockHash> =
        (TIP - 100..=TIP).map(|height| (Height(height), BlockHash(hash(height)))).collect();
    ChainFacts {
        votes: Some(votes),
        collaterals: Arc::new(list.masternodes().iter().map(collateral).collect()),
        block_hashes: Arc::new(hashes),
        measured_spacing_seconds: Some(60.0),
        ..ChainFacts::new(Subnet::Main)
    }
}

fn vote(height: u32, number: u32) -> Vote {
    Vote { height: Height(height), payee: format!("payee-{number}").into(), votes: 7 }
}

/// Votes for the blocks up to the election, for nodes that are not among the first.
fn votes() -> Vec<Vote> {
    (1..=9).map(|ahead| vote(TIP + ahead, 100_000 + ahead)).collect()
}

/// The number of the masternode that is elected at the tip.
fn elected(list: &MasternodeList, facts: &ChainFacts) -> Result<Option<String>, ElectionGap> {
    let payments = Payments::new(&DIMECOIN, list, facts, NOW);
    let elections = payments.elections();
    let exact = elections.ahead().iter().find(|ahead| ahead.certainty == Certainty::Exact);
    match elections.gap() {
        Some(gap) => Err(gap),
        None => Ok(exact.map(|ahead| {
            assert_eq!(ahead.height, Height(TIP + 10));
            let number = ahead.payee.as_ref().unwrap().strip_prefix("payee-").unwrap();
            number.to_string()
        })),
    }
}

#[test]
fn the_best_score_of_the_pool_is_elected_whatever_the_size_of_the_network() {
    // Masternodes, pool.
    for (count, pool) in [(0, 0), (1, 1), (9, 1), (10, 1), (11, 1), (20, 2), (29, 2), (30, 3), (4999, 499)] {
        let list = list((1..=count).map(|number| node(&DIMECOIN, number, number)).collect());
        let facts = facts(&list, votes());
        let own = |number: u32| {
            let outpoint = Outpoint { txid: hash(number), index: number % 2 };
            score::ScorePrefix::new(&outpoint, &BlockHash(hash(999))).score(&BlockHash(hash(TIP - 91)))
        };
        let best = (1..=pool).max_by_key(|number| own(*number)).map(|number| number.to_string());
        assert_eq!(elected(&list, &facts), Ok(best), "{count} masternodes");
    }
}

#[test]
fn a_tie_of_the_last_payment_is_decided_by_the_bytes_of_the_outpoint_in_memory() {
    // A pool of one: the first of the queue is elected.
    let with = |first: u8, last: u8, index: u32, number: u32| {
        let mut bytes = [0x11; 32];
        (bytes[0], bytes[31]) = (first, last);
        Masternode {
            id: MasternodeId::Collateral(Outpoint { txid: Hash(bytes), index }),
            ..node(&DIMECOIN, number, 50)
        }
    };
    for (nodes, expected) in [
        (vec![with(1, 9, 0, 1), with(2, 3, 0, 2)], "2"),
        (vec![with(1, 3, 1, 1), with(1, 3, 0, 2)], "2"),
        (vec![with(1, 3, 0, 1), Masternode { last_paid_height: None, ..with(1, 9, 0, 2) }], "2"),
    ] {
        let list = list(nodes);
        let facts = facts(&list, votes());
        assert_eq!(elected(&list, &facts), Ok(Some(expected.into())));
    }
}

#[test]
fn while_fewer_than_a_third_qualify_started_masternodes_take_part() {
    let nodes = |fresh: u32| {
        let node = |number: u32| {
            let mut node = node(&DIMECOIN, number, if number <= fresh { 0 } else { number });
            if number <= fresh
                && let Some(announced) = &mut node.announced
            {
                announced.started_at = Some(UnixSeconds(NOW.0 - 156 * 12 + 1));
            }
            node
        };
        list((1..=12).map(node).collect())
    };
    let first_of_storage = |fresh: u32| {
        let by_memory = |number: &u32| hash(*number).in_memory_order();
        (1..=fresh).min_by_key(by_memory).unwrap().to_string()
    };
    // Four of twelve are a third; three are fewer.
    let enough = nodes(8);
    assert_eq!(elected(&enough, &facts(&enough, votes())), Ok(Some("9".into())));
    let few = nodes(9);
    assert_eq!(elected(&few, &facts(&few, votes())), Ok(Some(first_of_storage(9))));
}

#[test]
fn payees_of_the_tip_and_the_next_eight_blocks_are_not_elected_again() {
    let list = list((1..=9).map(|number| node(&DIMECOIN, number, number)).collect());
    // Votes: the tip, 8 ahead, 9 ahead.
    for (votes, expected) in [
        (vec![], "1"),
        (vec![vote(TIP, 1)], "2"),
        (vec![vote(TIP + 1, 3), vote(TIP + 8, 1)], "2"),
        (vec![vote(TIP + 1, 3), vote(TIP + 9, 1)], "1"),
        (vec![vote(TIP - 1, 1)], "1"),
    ] {
        let facts = facts(&list, votes.clone());
        let payments = Payments::new(&DIMECOIN, &list, &facts, NOW);
        let at = |height: u32| {
            let mut ahead = payments.elections().ahead().iter();
            ahead.find(|ahead| ahead.height == Height(height)).map(|ahead| ahead.payee.clone().unwrap().into_string())
        };
        assert_eq!(at(TIP + 10), Some(format!("payee-{expected}")), "{votes:?}");
    }
}

#[test]
fn a_block_without_votes_is_elected_by_its_producer() {
    let list = list((1..=9).map(|number| node(&DIMECOIN, number, number)).collect());
    let facts = facts(&list, vec![vote(TIP + 2, 1)]);
    let payments = Payments::new(&DIMECOIN, &list, &facts, NOW);
    let ahead: Vec<(u32, &str, Certainty)> = payments.elections().ahead()[..3]
        .iter()
        .map(|ahead| (ahead.height.0 - TIP, ahead.payee.as_deref().unwrap(), ahead.certainty))
        .collect();
    assert_eq!(
        ahead,
        [(1, "payee-2", Certainty::Forecast), (2, "payee-1", Certainty::Voted), (10, "payee-2", Certainty::Exact)]
    );
}

#[test]
fn elections_are_forecast_as_far_as_hashes_are_known() {
    // A pool of one: each is paid in turn, and then waits for all others.
    let list = list((1..=15).map(|number| node(&DIMECOIN, number, number)).collect());
    let facts = facts(&list, votes());
    let payments = Payments::new(&DIMECOIN, &list, &facts, NOW);
    let forecast: Vec<(u32, u32)> = (payments.elections().ahead().iter())
        .filter(|ahead| ahead.certainty != Certainty::Voted)
        .map(|ahead| (ahead.height.0 - TIP, list.masternodes()[ahead.index.unwrap()].last_paid_height.unwrap().0))
        .collect();
    assert_eq!(forecast.last().unwrap().0, 101, "the block h − 101 of the last one is the tip");
    assert_eq!(forecast[..6], [(10, 1), (11, 1), (12, 2), (13, 2), (14, 3), (15, 3)], "height T + 9 is not looked at");
    let first = list.masternodes().iter().position(|node| node.last_paid_height == Some(Height(3))).unwrap();
    let heights: Vec<u32> = payments.elections().of(first).map(|ahead| ahead.height.0 - TIP).take(2).collect();
    assert_eq!(heights, [14, 15]);
    assert_eq!(payments.elections().elected_height(first, Certainty::Forecast), Some(Height(TIP + 14)));
    assert_eq!(payments.elections().elected_height(first, Certainty::Exact), None);
}

#[test]
fn without_an_input_nothing_is_elected_and_the_reason_is_named() {
    let list = list((1..=9).map(|number| node(&DIMECOIN, number, number)).collect());
    let full = || facts(&list, votes());
    let without = |number: u32| {
        let mut facts = full();
        Arc::make_mut(&mut facts.collaterals).remove(&node(&DIMECOIN, number, 1).id);
        facts
    };
    let unconfirmed = || {
        let mut facts = full();
        let id = node(&DIMECOIN, 1, 1).id;
        Arc::make_mut(&mut facts.collaterals).insert(id, Collateral { height: Height(9), confirmed: None });
        facts
    };
    let mut hashless = full();
    Arc::make_mut(&mut hashless.block_hashes).remove(&Height(TIP - 91));
    for (facts, gap) in [
        (ChainFacts { votes: None, ..full() }, ElectionGap::Votes),
        (ChainFacts { collaterals_refused: true, ..full() }, ElectionGap::Refused),
        (without(9), ElectionGap::Collaterals(1)),
        (unconfirmed(), ElectionGap::Collaterals(1)),
        (hashless, ElectionGap::BlockHash(Height(TIP - 91))),
    ] {
        assert_eq!(elected(&list, &facts), Err(gap));
        let payments = Payments::new(&DIMECOIN, &list, &facts, NOW);
        assert!(payments.elections().ahead().iter().all(|ahead| ahead.certainty == Certainty::Voted), "{gap:?}");
        assert!(!gap.to_string().is_empty());
    }
    // Without a block 101 below the paying one, no node can elect.
    let young = MasternodeList::new(Block { height: Height(90), ..tip() }, list.masternodes().to_vec()).unwrap();
    assert_eq!(elected(&young, &ChainFacts { votes: Some(vec![]), ..full() }), Err(ElectionGap::ShortChain));
}

#[test]
fn a_scheduled_masternode_is_paid_whatever_its_state() {
    let mut nodes: Vec<Masternode> = (1..=9).map(|number| node(&DIMECOIN, number, number)).collect();
    let states = state::shared(&DIMECOIN.states);
    for (node, label) in nodes.iter_mut().zip(["pose_ban", "expired", "new_start_required"]) {
        let state = states.iter().find(|state| state.label == label).unwrap().clone();
        node.announced.as_mut().unwrap().state = state;
    }
    let list = list(nodes);
    let facts = facts(&list, (1..=3).map(|number| vote(TIP + 2 + number, number)).collect());
    let payments = Payments::new(&DIMECOIN, &list, &facts, NOW);
    for number in 1..=3 {
        let index = list.position(&node(&DIMECOIN, number, 0).id).unwrap();
        let masternode = &list.masternodes()[index];
        let chance = |blocks| payments.probability(index, masternode, blocks, None);
        assert_eq!([1 + number, 2 + number, 500].map(chance), [Some(0.0), Some(1.0), Some(1.0)], "node {number}");
    }
}

#[test]
fn a_banned_masternode_has_the_chance_of_the_blocks_after_its_ban() {
    let mut nodes: Vec<Masternode> = (1..=9).map(|number| node(&DIMECOIN, number, number)).collect();
    let ban = state::shared(&DIMECOIN.states).into_iter().find(|state| state.banned).unwrap();
    nodes[8].announced.as_mut().unwrap().state = ban;
    let list = list(nodes);
    let payments = Payments::new(&DIMECOIN, &list, &facts(&list, votes()), NOW);
    let index = list.position(&node(&DIMECOIN, 9, 0).id).unwrap();
    let chance = |blocks, end: Option<u32>| {
        payments.probability(index, &list.masternodes()[index], blocks, end.map(|end| Height(TIP + end)))
    };
    assert_eq!(chance(1000, None), None, "the end of a ban whose beginning was not seen is not known");
    // Eight precede it in the queue, and a pool of one pays the first.
    assert_eq!([8, 9].map(|blocks| chance(blocks, Some(3))), [Some(0.0), Some(1.0)]);
    assert_eq!([20, 21].map(|blocks| chance(blocks, Some(20))), [Some(0.0), Some(1.0)]);
}

#[test]
fn a_clock_that_the_list_contradicts_is_not_used() {
    // Started so that the hold-out ends in an hour; a clock that is a day ahead would let it in.
    let mut nodes: Vec<Masternode> = (1..=9).map(|number| node(&DIMECOIN, number, number)).collect();
    nodes[0].announced.as_mut().unwrap().started_at = Some(UnixSeconds(NOW.0 - 156 * 9 + 3600));
    let list = list(nodes);
    let facts = facts(&list, votes());
    let first = |now: u64| {
        let payments = Payments::new(&DIMECOIN, &list, &facts, UnixSeconds(now));
        let ahead = payments.elections().ahead().iter().find(|ahead| ahead.certainty == Certainty::Exact).cloned();
        ahead.unwrap().payee.unwrap().into_string()
    };
    assert_eq!(first(NOW.0), "payee-2");
    assert_eq!(first(NOW.0 + 3600), "payee-1", "an hour later it is in front");
    assert_eq!(first(NOW.0 + 86_400), "payee-2", "its pings would be too old for an enabled masternode");
    assert_eq!(first(0), "payee-2");
}

#[test]
fn the_next_two_payees_of_prcycoin_are_rank_1_and_the_best_score_for_the_tip() {
    let list = list((1..=9).map(|number| node(&PRCYCOIN, number, 0)).collect());
    let own =
        |number: &u32| score::distance(&Outpoint { txid: hash(*number), index: number % 2 }, &BlockHash(hash(TIP)));
    let then = (1..=9).max_by_key(own).unwrap();
    let payments = Payments::new(&PRCYCOIN, &list, &ChainFacts::new(Subnet::Main), NOW);
    let ahead: Vec<_> = (payments.elections().ahead().iter())
        .map(|ahead| (ahead.height.0 - TIP, ahead.payee.as_deref().unwrap().to_string(), ahead.certainty))
        .collect();
    assert_eq!(
        ahead,
        [(1, "payee-1".to_string(), Certainty::Exact), (2, format!("payee-{then}"), Certainty::Forecast)]
    );
    let (_, elected) = payments.elections().held()[0];
    let other = usize::from(elected == 0);
    let chance = |payments: &Payments, index: usize, blocks| {
        payments.probability(index, &list.masternodes()[index], blocks, None).unwrap()
    };
    let of_nine = |blocks| chance::chance_within(NonZeroU32::new(9).unwrap(), blocks);
    assert_eq!([0, 1, 60].map(|blocks| chance(&payments, elected, blocks)), [0.0, 1.0, 1.0]);
    assert_eq!([0, 1, 60].map(|blocks| chance(&payments, other, blocks)), [0.0, 0.0, of_nine(59)]);
    let rules = ChainRules { payment: PaymentModel::Uniform { elects: false }, ..PRCYCOIN };
    let payments = Payments::new(&rules, &list, &ChainFacts::new(Subnet::Main), NOW);
    assert_eq!(chance(&payments, other, 60), of_nine(60), "the next payee is not known");
    assert_eq!((payments.elections().gap(), payments.elections().ahead().len()), (Some(ElectionGap::Rule), 0));
}
