//! Properties of the domain, tested with random cases against brute force.

use std::num::NonZeroU32;

use domain::list::{Block, MasternodeList};
use domain::payment::queue::{self, EvoPayments};
use domain::payment::{chance, pool};
use domain::pose::{CONSENSUS, DOCUMENTED, PoseScore};
use domain::{BlockHash, Hash, Height, Masternode, MasternodeId, NodeType, Score, UnixSeconds};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

/// Simulates the chain: `gap` blocks pass, the last of them with a failure. Returns the score, and whether it banned.
fn fail_after(score: u32, gap: u32, registered: usize, documented: bool) -> (u32, bool) {
    // Implemented again on purpose: the test must not depend on the tested code.
    let (limit, step) = if documented {
        (registered as u32, registered as u32 * 2 / 3)
    } else {
        let limit = (registered as u32).max(100);
        (limit, limit * 66 / 100)
    };
    let mut score = score;
    for _ in 0..gap {
        score = score.saturating_sub(1);
    }
    let raised = score + step;
    if documented { (raised, raised > limit) } else { (raised.min(limit), raised >= limit) }
}

proptest! {
    #[test]
    fn one_failure_after_the_countdown_never_bans_and_in_its_last_block_always_does(
        registered in 100_usize..6000, share in 0.0_f64..1.0, later in 1_u32..50, documented in any::<bool>()
    ) {
        let rule = if documented { DOCUMENTED } else { CONSENSUS };
        let score = (share * registered as f64) as u32;
        let pose = PoseScore::new(Score(score), false, Height(5_000), rule.limits(registered));
        let safe = pose.blocks_until_safe().unwrap();
        prop_assert!(!fail_after(score, safe + later, registered, documented).1);
        if safe > 0 {
            prop_assert!(fail_after(score, safe, registered, documented).1);
        }
    }

    #[test]
    fn exactly_the_computed_number_of_failures_bans(
        registered in 100_usize..6000, share in 0.0_f64..1.0, documented in any::<bool>()
    ) {
        let rule = if documented { DOCUMENTED } else { CONSENSUS };
        let score = (share * registered as f64) as u32;
        let failures = PoseScore::new(Score(score), false, Height(5_000), rule.limits(registered)).failures_until_ban();
        // All in the next block, like two commitments of one block.
        let (mut at, mut needed) = (score.saturating_sub(1), 0);
        loop {
            let (raised, banned) = fail_after(at, 0, registered, documented);
            needed += 1;
            if banned {
                break;
            }
            at = raised;
        }
        prop_assert_eq!(failures, needed);
    }

    #[test]
    fn two_failures_survive_only_beyond_the_gap(registered in 100_usize..6000, gap in 1_u32..6000) {
        // 2p − M + 1: docs/spec/dash.md#pose-headroom.
        let limits = CONSENSUS.limits(registered);
        let (first, _) = fail_after(0, 1, registered, false);
        let survives = !fail_after(first, gap, registered, false).1;
        prop_assert_eq!(survives, gap > 2 * limits.step - limits.limit);
    }

    #[test]
    fn the_queue_ignores_the_order_of_the_input_and_holds_each_valid_node_once(
        nodes in proptest::collection::vec(node(), 1..40), four in any::<bool>(), seed in any::<u64>()
    ) {
        let evo = if four { EvoPayments::FourInARow } else { EvoPayments::Once };
        let mut nodes = nodes;
        nodes.sort_by_key(|node| node.id);
        nodes.dedup_by_key(|node| node.id);
        let mut shuffled = nodes.clone();
        let length = shuffled.len();
        for index in 0..length {
            shuffled.swap(index, (seed.rotate_left(index as u32) % length as u64) as usize);
        }
        let one = queue::positions(&list(nodes.clone()), evo);
        prop_assert_eq!(&one, &queue::positions(&list(shuffled), evo));
        for (node, position) in nodes.iter().zip(&one) {
            prop_assert_eq!(position.is_none(), node.is_banned());
        }
        let mut places: Vec<u32> = one.iter().flatten().map(|place| place.get()).collect();
        places.sort_unstable();
        prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "no two share a place");
        prop_assert!(places.first().is_none_or(|first| *first == 1), "somebody is next");
    }

    #[test]
    fn a_probability_grows_with_time_and_falls_with_the_candidates(
        candidates in candidates(), more in 0_u32..1000, blocks in blocks(), later in 0_u32..1000
    ) {
        let now = chance::chance_within(candidates, blocks);
        prop_assert!((0.0..=1.0).contains(&now), "{now}");
        prop_assert!(chance::chance_within(candidates, blocks.saturating_add(later)) >= now);
        prop_assert!(chance::chance_within(candidates.saturating_add(more), blocks) <= now);
    }

    #[test]
    fn a_probability_is_one_minus_the_product_over_blocks(candidates in 1_u32..5000, blocks in 0_u32..2000) {
        // Implemented again on purpose, in another way: one factor per block.
        let missed = (0..blocks).fold(1.0, |missed, _| missed * f64::from(candidates - 1) / f64::from(candidates));
        let ours = chance::chance_within(NonZeroU32::new(candidates).unwrap(), blocks);
        prop_assert!((ours - (1.0 - missed)).abs() < 1e-11, "{ours} and {}", 1.0 - missed);
    }

    #[test]
    fn a_fraction_of_blocks_has_a_probability_between_its_neighbours(
        candidates in candidates(), blocks in 0_u32..100_000, part in 0.0_f64..1.0, odd in any::<f64>()
    ) {
        let between = chance::chance_within_fraction(candidates, f64::from(blocks) + part);
        prop_assert!(chance::chance_within(candidates, blocks) <= between);
        prop_assert!(between <= chance::chance_within(candidates, blocks + 1));
        prop_assert!((0.0..=1.0).contains(&chance::chance_within_fraction(candidates, odd)), "{odd} blocks");
    }

    #[test]
    fn the_median_is_the_first_block_with_a_probability_of_one_half(candidates in candidates()) {
        let median = chance::median_blocks(candidates);
        prop_assert!(chance::chance_within(candidates, median) >= 0.5);
        prop_assert!(median == 1 || chance::chance_within(candidates, median - 1) < 0.5);
        prop_assert!(median <= chance::mean_blocks(candidates));
    }

    #[test]
    fn the_pool_is_empty_exactly_if_no_masternode_is_eligible(
        known in prop_oneof![0_u32..=11, any::<u32>()], share in 0.0_f64..=1.0
    ) {
        let eligible = (share * f64::from(known)) as u32;
        let Some(pool) = chance::pool_size(eligible, known, pool::TENTH) else {
            prop_assert_eq!(eligible, 0);
            return Ok(());
        };
        prop_assert!(pool.get() <= eligible);
        prop_assert!(pool.get() == 1 || u64::from(pool.get()) * 10 <= u64::from(known), "never more than a tenth");
        prop_assert!(pool.get() == eligible || (u64::from(pool.get()) + 1) * 10 > u64::from(known), "a whole tenth");
    }

    #[test]
    fn a_later_position_waits_longer_for_the_pool(place in candidates(), pool in candidates()) {
        let [wait, behind] = [place, place.saturating_add(1)].map(|place| chance::blocks_until_in_pool(place, pool));
        prop_assert!(wait <= behind);
        prop_assert_eq!(wait == 0, place <= pool);
    }
}

/// Sizes of a pool: small ones, which reveal a wrong division, are as frequent as others.
fn candidates() -> impl Strategy<Value = NonZeroU32> {
    prop_oneof![1_u32..=11, 1_u32..=5000, 1_u32..=u32::MAX].prop_map(|count| NonZeroU32::new(count).unwrap())
}

fn blocks() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..=11, 0_u32..=100_000, any::<u32>()]
}

fn node() -> impl Strategy<Value = Masternode> {
    let height = || prop_oneof![Just(None), (1_u32..100).prop_map(|height| Some(Height(height)))];
    (any::<[u8; 2]>(), any::<bool>(), height(), height(), height(), 0_u8..4).prop_map(
        |(hash, evo, last_paid_height, revived_height, ban_height, consecutive_payments)| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (hash[0], hash[1]);
            Masternode {
                id: MasternodeId::ProTx(Hash(bytes)),
                node_type: if evo { NodeType::Evo } else { NodeType::Regular },
                last_paid_height,
                consecutive_payments,
                revived_height,
                ban_height: ban_height.filter(|height| height.0 % 3 == 0),
                ..domain::samples::masternode(0)
            }
        },
    )
}

fn list(nodes: Vec<Masternode>) -> MasternodeList {
    let block = Block { height: Height(99), hash: BlockHash(Hash([1; 32])), time: UnixSeconds(0) };
    MasternodeList::new(block, nodes).unwrap()
}
