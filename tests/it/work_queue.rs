//! A node whose work queue is often full: its refusals are temporary, so calls are repeated and no block is lost.

use crate::support::relay::Node;
use crate::support::sides::{Fork, network};

/// Follows some blocks with up to `polls` polls for each, while the node refuses a share of all calls. Returns how many
/// blocks the exporter was behind after each block.
async fn behind(refused: u64, blocks: u32, polls: u32) -> Vec<u32> {
    let mut fork = Fork::new(vec![(network(), Node::old())]).await;
    fork.look().await;
    let mut followed = fork.height().unwrap();
    fork.relays[0].set(|node| node.refused = refused);
    let mut behind = Vec::new();
    for _ in 0..blocks {
        fork.relays[0].network.mine(1);
        let tip = fork.relays[0].network.tip().0;
        for _ in 0..polls {
            fork.follower.as_mut().unwrap().poll().await;
            followed = fork.height().map_or(followed, |height| height.max(followed));
            if followed == tip {
                break;
            }
        }
        behind.push(tip - followed);
    }
    behind
}

#[tokio::test]
async fn with_a_third_of_all_calls_refused_the_exporter_keeps_up() {
    assert_eq!(behind(30, 8, 3).await, [0; 8]);
}

#[tokio::test]
async fn with_most_calls_refused_the_exporter_is_at_most_two_blocks_behind() {
    // Four polls are the time from one block to the next in production: 2 s at a poll interval of 500 ms.
    let behind = behind(60, 6, 4).await;
    assert!(behind.iter().all(|blocks| *blocks <= 2), "{behind:?}");
}
