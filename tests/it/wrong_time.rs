//! A node that says a wrong time of its blocks for a while: what follows from it ends with the lie.

use domain::UnixSeconds;

use crate::support::harness::NOW;
use crate::support::relay::Node;
use crate::support::sides::{Fork, network};

/// Polls after which a source whose answers are honest again must be followed.
const POLLS: usize = 2;

async fn polls(fork: &mut Fork, times: usize) {
    for _ in 0..times {
        fork.follower.as_mut().unwrap().poll().await;
    }
}

#[tokio::test]
async fn a_time_far_in_the_future_ends_with_the_lie() {
    // The last time of a header, one that no header can have, and one that no number can have.
    for lie in [u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
        for blocks in [1, 5] {
            let mut fork = Fork::new(vec![(network(), Node::old())]).await;
            fork.look().await;
            fork.relays[0].set(|node| node.time = Some(lie));
            for _ in 0..blocks {
                fork.relays[0].network.mine(1);
                polls(&mut fork, 2).await;
            }
            fork.relays[0].set(|node| node.time = None);
            polls(&mut fork, POLLS).await;
            let tip = fork.relays[0].network.tip().0;
            let snapshot = fork.snapshot().unwrap_or_else(|| panic!("{lie} in {blocks} blocks: nothing is published"));
            assert_eq!(snapshot.block().height.0, tip, "{lie} in {blocks} blocks: at the tip again");
            let time = snapshot.block().time;
            assert!(time < UnixSeconds(NOW + 86_400), "{lie} in {blocks} blocks: block {tip} is of {time:?}");
            fork.relays[0].network.mine(1);
            polls(&mut fork, 1).await;
            let snapshot = fork.snapshot().unwrap();
            assert_eq!(snapshot.block().height.0, tip + 1);
            let spacing = snapshot.facts().measured_spacing_seconds.unwrap_or(0.0);
            assert!(spacing < 100_000.0, "{lie} in {blocks} blocks: blocks are {spacing} s apart");
        }
    }
}
