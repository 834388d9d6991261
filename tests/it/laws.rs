//! Laws of the domain, by random cases against brute force.

use masternode_exporter::domain::list::{Block, MasternodeList};
use masternode_exporter::domain::masternode::PeerView;
use masternode_exporter::domain::payment::queue::{self, EvoPayments};
use masternode_exporter::domain::pose::{CONSENSUS, DOCUMENTED, PoseScore};
use masternode_exporter::domain::{
    BlockHash, Details, Hash, Height, Masternode, MasternodeId, NodeType, Score, UnixSeconds,
};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

/// Walks the chain: `gap` blocks pass, the last of them carrying a failure. Returns the score, and whether it banned.
fn fail_after(score: u32, gap: u32, registered: usize, documented: bool) -> (u32, bool) {
    // Written out anew on purpose: the law must not lean on the code that it tests.
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
    fn so_many_failures_in_a_row_ban_and_not_one_fewer(
        registered in 100_usize..6000, share in 0.0_f64..1.0, documented in any::<bool>()
    ) {
        let rule = if documented { DOCUMENTED } else { CONSENSUS };
        let score = (share * registered as f64) as u32;
        let failures = PoseScore::new(Score(score), false, Height(5_000), rule.limits(registered)).failures_until_ban();
        // All in the next block, as two commitments of one block are.
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
        // 2p − M + 1: spec `dash.md` §3.
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
}

fn node() -> impl Strategy<Value = Masternode> {
    let height = || prop_oneof![Just(None), (1_u32..100).prop_map(|height| Some(Height(height)))];
    (any::<[u8; 2]>(), any::<bool>(), height(), height(), height(), 0_u32..4).prop_map(
        |(hash, evo, last_paid_height, revived_height, ban_height, consecutive_payments)| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (hash[0], hash[1]);
            Masternode {
                id: MasternodeId::ProTx(Hash(bytes)),
                node_type: if evo { NodeType::Evo } else { NodeType::Regular },
                pose_score: Some(Score(0)),
                registered_height: Some(Height(1)),
                last_paid_height,
                consecutive_payments,
                revived_height,
                ban_height: ban_height.filter(|height| height.0 % 3 == 0),
                revocation_reason: 0,
                details: Details::default(),
                peer: PeerView::default(),
            }
        },
    )
}

fn list(nodes: Vec<Masternode>) -> MasternodeList {
    let block = Block { height: Height(99), hash: BlockHash(Hash([1; 32])), time: UnixSeconds(0) };
    MasternodeList::new(block, nodes).unwrap()
}
