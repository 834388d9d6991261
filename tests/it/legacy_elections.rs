//! Elections of real Dimecoin and PRCYCoin networks: what their nodes voted for and paid, computed from what the nodes
//! answered before.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::sync::Arc;

use domain::chain::{DIMECOIN, PRCYCOIN, Subnet};
use domain::chain_facts::{ChainFacts, Collateral};
use domain::list::{Block, MasternodeList};
use domain::payment::election::best_by_distance;
use domain::payment::{Certainty, Payments, Vote};
use domain::{BlockHash, Height, Masternode, MasternodeId, UnixSeconds, state};
use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::dialect::{self, Dialect};
use masternode_exporter::rpc::legacy::answers as legacy;
use masternode_exporter::rpc::legacy::payees;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::markdown;

/// What never changes during the recording.
#[derive(Deserialize)]
struct Static {
    collateral_heights: BTreeMap<String, u32>,
    aliases: HashMap<String, String>,
    payees: HashMap<String, String>,
    block_hashes: BTreeMap<u32, String>,
}

/// What a node answered after a block.
#[derive(Deserialize)]
struct Moment {
    height: u32,
    hash: String,
    time: u64,
    read_at: u64,
    list: Box<RawValue>,
    winners: Box<RawValue>,
    /// Aliases whose address the coinbase pays.
    coinbase_pays: Vec<String>,
}

fn recorded(path: &str) -> Vec<u8> {
    fs::read(markdown::root().join("tests/fixtures").join(path)).unwrap()
}

fn fixed() -> Static {
    serde_json::from_slice(&recorded("dimecoin/2.3.0.0/episodes/pool-of-two/static.json")).unwrap()
}

fn episode() -> Vec<Moment> {
    let packed = recorded("dimecoin/2.3.0.0/episodes/pool-of-two/blocks.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn answer(result: &RawValue) -> Vec<u8> {
    format!(r#"{{"result":{},"error":null,"id":"x"}}"#, result.get()).into_bytes()
}

fn list_of(block: Block, body: &[u8], dialect: &Dialect) -> MasternodeList {
    let rules = if *dialect == dialect::DIMECOIN { &DIMECOIN } else { &PRCYCOIN };
    let states = state::shared(&rules.states);
    let masternodes = legacy::registered(body, &dialect.list.shape, &states, usize::MAX).unwrap().masternodes;
    MasternodeList::new(block, masternodes).unwrap()
}

impl Static {
    fn hash(&self, height: u32) -> Option<BlockHash> {
        self.block_hashes.get(&height).map(|hash| hash.parse().unwrap())
    }

    /// What the exporter has read at a tip: hashes up to it, and all collaterals.
    fn facts(&self, tip: u32, votes: Vec<Vote>) -> ChainFacts {
        let collateral = |(id, height): (&String, &u32)| {
            let id: MasternodeId = id.parse().unwrap();
            (
                id,
                Collateral {
                    height: Height(*height),
                    confirmed: self.hash(height + 14).filter(|_| height + 14 <= tip),
                },
            )
        };
        let hashes = (tip.saturating_sub(100)..=tip).filter_map(|height| Some((Height(height), self.hash(height)?)));
        ChainFacts {
            votes: Some(votes),
            collaterals: Arc::new(self.collateral_heights.iter().map(collateral).collect()),
            block_hashes: Arc::new(hashes.collect()),
            measured_spacing_seconds: Some(64.0),
            ..ChainFacts::new(Subnet::Regtest)
        }
    }

    fn alias(&self, masternode: &Masternode) -> &str {
        &self.aliases[&masternode.id.to_string()]
    }
}

impl Moment {
    fn votes(&self) -> Vec<Vote> {
        legacy::votes(&answer(&self.winners)).unwrap()
    }

    fn payments(&self, fixed: &Static) -> (MasternodeList, Payments) {
        let block =
            Block { height: Height(self.height), hash: self.hash.parse().unwrap(), time: UnixSeconds(self.time) };
        let list = list_of(block, &answer(&self.list), &dialect::DIMECOIN);
        // Only what was voted before this block: votes for the block ten ahead are cast now.
        let known = self.votes().into_iter().filter(|vote| vote.height.0 < self.height + 10).collect();
        let payments = Payments::new(&DIMECOIN, &list, &fixed.facts(self.height, known), UnixSeconds(self.read_at));
        (list, payments)
    }
}

/// The payee of each height after all votes arrived.
fn final_votes(moments: &[Moment]) -> BTreeMap<u32, String> {
    let votes = moments.iter().flat_map(Moment::votes);
    votes.map(|vote| (vote.height.0, vote.payee.into_string())).collect()
}

#[test]
fn every_recorded_vote_and_payee_is_computed_before_it_is_cast() {
    let (fixed, moments) = (fixed(), episode());
    let voted = final_votes(&moments);
    let paid: HashMap<u32, &Vec<String>> =
        moments.iter().map(|moment| (moment.height, &moment.coinbase_pays)).collect();
    let (mut votes, mut none, mut forecast) = (0, 0, [0, 0]);
    let mut payments: [Vec<u32>; 2] = Default::default();
    for moment in &moments {
        let (list, computed) = moment.payments(&fixed);
        let elections = computed.elections();
        assert_eq!(elections.gap(), None, "at block {}", moment.height);
        let at = |height: u32| elections.ahead().iter().find(|ahead| ahead.height.0 == height);
        let height = moment.height + 10;
        let elected = at(height).map(|ahead| {
            assert_eq!((ahead.certainty, ahead.votes), (Certainty::Exact, None), "block {height}");
            ahead.payee.as_deref().unwrap()
        });
        assert_eq!(elected, voted.get(&height).map(|payee| &**payee), "the vote for block {height}");
        votes += usize::from(elected.is_some());
        none += usize::from(elected.is_none());
        if let (Some(elected), Some(paid)) = (elected, paid.get(&height)) {
            let pays = |alias: &String| {
                let id = fixed.aliases.iter().find(|(_, known)| *known == alias).map(|(id, _)| id).unwrap();
                fixed.payees[id] == elected
            };
            payments[usize::from(paid.iter().any(pays))].push(height);
        }
        for ahead in elections.ahead().iter().filter(|ahead| ahead.certainty == Certainty::Forecast) {
            assert_eq!(
                list.masternodes()[ahead.index.unwrap()].details.payout_address().as_deref(),
                ahead.payee.as_deref()
            );
            if let Some(payee) = voted.get(&ahead.height.0) {
                forecast[usize::from(ahead.payee.as_deref() == Some(payee))] += 1;
            }
        }
    }
    assert_eq!((votes, none), (128, 1), "all but that of the first block, at which no masternode is enabled");
    // Block 125 paid mn5, although mn7 had the votes: the one lost payment of the recording.
    let [others, elected] = payments;
    assert_eq!((others, elected.len()), (vec![125], 116));
    // Starts, bans and the end of hold-outs change what is only forecast.
    let [wrong, right] = forecast;
    assert!(right * 10 > (right + wrong) * 6, "{right} of {} forecasts were right", right + wrong);
}

#[test]
fn a_banned_masternode_keeps_its_certain_payment() {
    // mn1 was banned at 199, voted for 201, and paid by 201.
    let (fixed, moments) = (fixed(), episode());
    for (height, blocks) in [(199, 2), (200, 1)] {
        let moment = moments.iter().find(|moment| moment.height == height).unwrap();
        let block =
            Block { height: Height(height), hash: moment.hash.parse().unwrap(), time: UnixSeconds(moment.time) };
        let list = list_of(block, &answer(&moment.list), &dialect::DIMECOIN);
        let facts = fixed.facts(height, moment.votes());
        let payments = Payments::new(&DIMECOIN, &list, &facts, UnixSeconds(moment.read_at));
        let index = list.masternodes().iter().position(|masternode| fixed.alias(masternode) == "mn1").unwrap();
        let masternode = &list.masternodes()[index];
        assert!(masternode.is_banned());
        let chance = |blocks| payments.probability(index, masternode, blocks, None);
        assert_eq!([chance(blocks - 1), chance(blocks), chance(1350)], [Some(0.0), Some(1.0), Some(1.0)]);
    }
    let paid = moments.iter().find(|moment| moment.height == 201).unwrap();
    assert!(paid.coinbase_pays.contains(&"mn1".to_string()));
}

type Row = (&'static str, &'static str, Option<u32>, Option<u32>, u64, Option<f64>);

/// Alias, state, position in the queue, voted or elected block, seconds of hold-out, chance within 60 blocks; the last is absent if
/// the end of a ban is not known. Computed by a separate script from the recorded answers.
const ROWS: [Row; 27] = [
    ("mn0", "enabled", None, Some(302), 0, Some(1.0)),
    ("mn1", "pose_ban", None, None, 0, None),
    ("mn2", "new_start_required", None, None, 0, Some(0.0)),
    ("mn3", "new_start_required", None, None, 0, Some(0.0)),
    ("mn4", "enabled", None, Some(305), 0, Some(1.0)),
    ("mn5", "enabled", Some(8), None, 0, Some(1.0)),
    ("mn6", "enabled", None, Some(309), 0, Some(1.0)),
    ("mn7", "enabled", Some(6), None, 0, Some(1.0)),
    ("mn8", "enabled", Some(9), None, 0, Some(1.0)),
    ("mn9", "enabled", Some(7), None, 0, Some(1.0)),
    ("mn10", "enabled", None, Some(303), 0, Some(1.0)),
    ("mn11", "enabled", Some(1), Some(311), 0, Some(1.0)),
    ("mn12", "enabled", Some(4), None, 0, Some(1.0)),
    ("mn13", "enabled", None, Some(306), 0, Some(1.0)),
    ("mn14", "enabled", None, Some(308), 0, Some(1.0)),
    ("mn15", "enabled", None, Some(307), 0, Some(1.0)),
    ("mn16", "enabled", Some(5), None, 0, Some(1.0)),
    ("mn17", "enabled", Some(3), None, 0, Some(1.0)),
    ("mn18", "new_start_required", None, None, 0, Some(0.0)),
    ("mn19", "pose_ban", None, None, 0, None),
    ("mn20", "new_start_required", None, None, 0, Some(0.0)),
    ("mn21", "new_start_required", None, None, 0, Some(0.0)),
    ("mn22", "new_start_required", None, None, 0, Some(0.0)),
    ("mn23", "new_start_required", None, None, 0, Some(0.0)),
    ("mn24", "new_start_required", None, None, 0, Some(0.0)),
    ("mn26", "pose_ban", None, None, 0, None),
    ("mn27", "enabled", Some(2), None, 0, Some(1.0)),
];

#[test]
fn a_network_of_27_masternodes_in_all_states_is_read_row_by_row() {
    let file = |name: &str| recorded(&format!("dimecoin/2.3.0.0/regtest-27mn-mixed/{name}"));
    let fixed = fixed();
    let tip = answers::header(&file("getblockheader_tip.json")).unwrap().block;
    let list = list_of(tip, &file("masternodelist_full.json"), &dialect::DIMECOIN);
    let facts = fixed.facts(tip.height.0, legacy::votes(&file("masternode_winners.json")).unwrap());
    // A few seconds after the last ping.
    let payments = Payments::new(&DIMECOIN, &list, &facts, UnixSeconds(1_796_085_701));
    let pool = payments.pool().unwrap();
    let count = answers::count(&file("masternode_count_all.json")).unwrap();
    assert_eq!((count.total, pool.known(), count.queued), (27, 27, Some(pool.queue_length())));
    assert_eq!(pool.size().unwrap().get(), 2);
    for (alias, label, position, payee_of, seconds, chance) in ROWS {
        let index = list.masternodes().iter().position(|masternode| fixed.alias(masternode) == alias).unwrap();
        let masternode = &list.masternodes()[index];
        assert_eq!(masternode.announced.as_ref().unwrap().state.label, label, "{alias}");
        assert_eq!(payments.position(index).map(|position| position.get()), position, "{alias}");
        let ahead: Vec<u32> = payments
            .elections()
            .of(index)
            .filter(|ahead| ahead.certainty != Certainty::Forecast)
            .map(|ahead| ahead.height.0)
            .collect();
        assert_eq!(ahead.first().copied(), payee_of, "{alias}");
        assert_eq!(pool.hold_out(masternode, &facts).unwrap().seconds, seconds, "{alias}");
        let computed = payments.probability(index, masternode, 60, None);
        assert_eq!(computed.is_some(), chance.is_some(), "{alias}");
        assert!((computed.unwrap_or(0.0) - chance.unwrap_or(0.0)).abs() < 1e-12, "{alias}: {computed:?}");
        if let Some(position) = position.filter(|_| payee_of.is_none()) {
            let within = |blocks: u32| payments.probability(index, masternode, blocks, None).unwrap();
            let wait = position.saturating_sub(2);
            assert_eq!([within(wait), within(wait + 1), within(wait + 3)], [0.0, 0.5, 0.875], "{alias}");
        }
        if label == "pose_ban" {
            // With a ban of ten blocks the chance is that of the blocks after it.
            let end = Some(Height(tip.height.0 + 10));
            let within = |blocks: u32| payments.probability(index, masternode, blocks, end).unwrap();
            assert_eq!(within(10), 0.0, "{alias}");
            assert!(within(11) == 0.5 && within(13) == 0.875, "{alias} is at the head: {}", within(11));
        }
    }
    // Each line of the page is one of these; `current` and `winner` are what the node elects itself, whatever the votes.
    let next = |height: u32, votes: Vec<Vote>| {
        let payments = Payments::new(&DIMECOIN, &list, &fixed.facts(301, votes), UnixSeconds(1_796_085_701));
        let ahead = payments.elections().ahead().iter().find(|ahead| ahead.height.0 == height).cloned().unwrap();
        (ahead.certainty, fixed.alias(&list.masternodes()[ahead.index.unwrap()]).to_string())
    };
    let votes = || legacy::votes(&file("masternode_winners.json")).unwrap();
    let without = |height: u32| votes().into_iter().filter(|vote| vote.height.0 != height).collect::<Vec<_>>();
    assert_eq!(next(311, without(311)), (Certainty::Exact, "mn11".into()), "masternode_winner.json");
    assert_eq!(next(302, without(302)), (Certainty::Forecast, "mn27".into()), "masternode_current.json");
}

#[test]
fn the_recorded_block_pays_the_payee_that_was_voted() {
    let paid = payees::outputs(&recorded("dimecoin/2.3.0.0/regtest-27mn-mixed/getblock_tip.json")).unwrap();
    let (address, amount) = &paid[0];
    assert_eq!((&**address, amount.unwrap().0), ("788gZ7WVesr6sN5yBqznW7AkejdegbvNHP", 693_000_000_000));
    assert!(payees::pays(&recorded("prcycoin/2.0.0.6/regtest-9mn-enabled/getblock_tip.json")).unwrap());
}

#[test]
fn the_recorded_ranks_of_prcycoin_are_the_scores_by_the_block_before_the_tip() {
    let file = |name: &str| recorded(&format!("prcycoin/2.0.0.6/regtest-9mn-enabled/{name}"));
    let header = answers::header(&file("getblockheader_tip.json")).unwrap();
    let list = list_of(header.block, &file("listmasternodes.json"), &dialect::PRCYCOIN);
    let mut left: Vec<Masternode> = list.masternodes().to_vec();
    for rank in 1..=9 {
        let best = best_by_distance(&left, &header.previous.unwrap()).unwrap();
        let masternode = left.remove(best);
        assert_eq!(masternode.announced.unwrap().rank.unwrap().get(), rank);
    }
    let payments = Payments::new(&PRCYCOIN, &list, &ChainFacts::new(Subnet::Regtest), UnixSeconds(1_796_102_950));
    let ahead: Vec<(u32, String, Certainty)> = (payments.elections().ahead().iter())
        .map(|ahead| (ahead.height.0, list.masternodes()[ahead.index.unwrap()].id.to_string(), ahead.certainty))
        .collect();
    // The second is that of a separate computation.
    assert_eq!((ahead[0].0, &ahead[0].1[..8], ahead[0].2), (328, "202d21c4", Certainty::Exact));
    assert_eq!((ahead[1].0, &ahead[1].1[..8], ahead[1].2), (329, "513515f5", Certainty::Forecast));
}
