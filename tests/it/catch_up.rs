//! A catch-up of many blocks: few requests, and the same events as with single calls.

use domain::Event;
use simulator::{Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::samples::Page;

/// Blocks that are missed.
const MISSED: u32 = 150;

struct CaughtUp {
    events: Vec<Event>,
    page: Page,
    /// Calls and requests of the catch-up.
    calls: u64,
    requests: u32,
}

/// Follows the same blocks, of which the last ones are missed at first, from a node with a fault.
async fn caught_up(fault: Fault) -> CaughtUp {
    let mut stage = Stage::new(Options::default(), 1).await;
    stage.poll().await;
    for height in 0..MISSED {
        let actions = if height % 40 == 7 { vec![fail(&stage.masternode(1), 1)] } else { Vec::new() };
        stage.network.mine_with(&actions).unwrap();
    }
    let node = stage.servers[0].handle();
    node.faults().set(fault);
    node.forget_calls();
    let before = node.requests();
    stage.poll().await;
    let (calls, requests) = (node.calls().values().sum(), node.requests() - before);
    CaughtUp { events: stage.events(), page: stage.page().await, calls, requests }
}

#[tokio::test]
async fn missed_blocks_are_requested_together_and_have_the_same_events() {
    let together = caught_up(Fault::None).await;
    let alone = caught_up(Fault::NoBatches).await;
    assert_eq!(together.events, alone.events);
    assert!(together.events.len() > MISSED as usize / 2, "{}", together.events.len());
    for caught_up in [&together, &alone] {
        caught_up.page.expect("masternode_exporter_blocks_followed_total", &[], f64::from(MISSED));
        caught_up.page.expect("masternode_exporter_gap_blocks_total", &[], 0.0);
        // 66, 26 + 66, 52 + 66: banned by the third; a banned masternode is in no session.
        caught_up.page.expect("masternode_pose_penalties_total", &[("alias", "mn-1")], 3.0);
    }
    let refused = [("method", "batch"), ("outcome", "denied")];
    alone.page.expect("masternode_exporter_rpc_request_duration_seconds_count", &refused, 1.0);
    println!("{} and {} requests, {} and {} calls", together.requests, alone.requests, together.calls, alone.calls);
    // Two requests for 4 to 64 blocks, as fast as the node is, two for 500 headers, and the calls of each poll.
    assert!(together.requests < 2 * MISSED / 4 + 40, "{} requests", together.requests);
    assert!(alone.requests > 4 * MISSED, "{} requests", alone.requests);
    // The node does not work more than without batches, apart from hashes of heights and outputs without a payment.
    assert!(together.calls <= alone.calls + u64::from(MISSED) * 3 / 2, "{} {}", together.calls, alone.calls);
}
