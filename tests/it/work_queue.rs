//! A node whose work queue is often full, or a proxy that often does not reach it: such refusals are temporary, so calls are
//! repeated and no block is lost.

use std::time::Duration;

use crate::support::relay::{Node, REFUSED};
use crate::support::sides::{Fork, network};

/// Other answers that pass: an overloaded proxy, one without a node, a node that starts, an error without a cause, no answer.
const PASSING: [&str; 7] = [
    "HTTP/1.1 500 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 408 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 502 x\r\nConnection: close\r\nContent-Length: 28\r\n\r\n<html>502 Bad Gateway</html>",
    "HTTP/1.1 429 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 500 x\r\nConnection: close\r\nContent-Length: 63\r\n\r\n\
     {\"result\":null,\"error\":{\"code\":-28,\"message\":\"Loading\"},\"id\":1}",
    "HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length: 59\r\n\r\n\
     {\"result\":null,\"error\":{\"code\":-1,\"message\":\"busy\"},\"id\":1}",
    "",
];

/// Follows some blocks with up to `polls` polls for each, while the node refuses a share of all calls. Returns how many
/// blocks the exporter was behind after each block.
async fn behind(refused: u64, refusal: &'static str, blocks: u32, polls: u32) -> Vec<u32> {
    let mut fork = Fork::new(vec![(network(), Node::old())]).await;
    fork.look().await;
    let mut followed = fork.height().unwrap();
    fork.relays[0].set(|node| (node.refused, node.refusal) = (refused, refusal));
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
    assert_eq!(behind(30, REFUSED, 8, 3).await, [0; 8]);
}

#[tokio::test]
async fn with_most_calls_refused_the_exporter_is_at_most_two_blocks_behind() {
    // Four polls are the time from one block to the next in production: 2 s at a poll interval of 500 ms.
    let behind = behind(60, REFUSED, 6, 4).await;
    assert!(behind.iter().all(|blocks| *blocks <= 2), "{behind:?}");
}

#[tokio::test]
async fn blocks_that_were_read_are_published_although_the_walk_to_the_tip_was_refused() {
    let mut fork = Fork::with_stale_after(vec![(network(), Node::old())], Duration::from_secs(900)).await;
    fork.look().await;
    let start = fork.height().unwrap();
    fork.relays[0].network.mine(12);
    fork.relays[0].set(|node| node.refused = 60);
    let mut heights = vec![start];
    while heights.last() != Some(&(start + 12)) {
        fork.follower.as_mut().unwrap().poll().await;
        heights.push(fork.height().unwrap());
    }
    assert!(heights.is_sorted(), "{heights:?}");
    assert!(heights.iter().any(|height| (start + 1..start + 12).contains(height)), "{heights:?}");
}

#[tokio::test]
async fn other_answers_that_pass_delay_no_block_either() {
    for refusal in PASSING {
        assert_eq!(behind(30, refusal, 4, 3).await, [0; 4], "{refusal}");
    }
}
