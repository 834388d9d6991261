//! A source that answers for another network than that of the history is refused as long as it does.

use std::time::Duration;

use masternode_exporter::follower::ExpectedNetwork;
use masternode_exporter::history::Reader;
use masternode_exporter::rpc::dialect;
use simulator::{Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::ledger;

const MATCH: &str = "masternode_exporter_source_network_match";

async fn assert_refused(stage: &Stage) {
    assert!(stage.snapshot().is_none(), "nothing of another network is published");
    let page = stage.page().await;
    page.expect(MATCH, &[], 0.0);
    page.expect("masternode_exporter_source_synced", &[], 0.0);
}

#[tokio::test]
async fn the_network_of_the_history_stays_bound_beyond_stale_after_and_a_restart() {
    let withdraw_at_once =
        |settings: &mut masternode_exporter::follower::FollowerSettings| settings.stale_after = Duration::ZERO;
    let mut stage = Stage::recording(Options::default(), dialect::DASH, withdraw_at_once).await;
    stage.mine(&[fail(&stage.masternode(1), 1)]).await;
    let kept = ledger::kept(&stage.history());
    let networks = Reader::open(&stage.history()).unwrap().networks().unwrap();
    stage.servers[0].handle().faults().set(Fault::WrongNetwork);
    for _ in 0..8 {
        stage.mine(&[fail(&stage.masternode(2), 1)]).await;
        assert_refused(&stage).await;
    }
    stage.stop().await;
    for _ in 0..2 {
        stage.restart().await;
        stage.poll().await;
        assert_refused(&stage).await;
        stage.stop().await;
    }
    assert_eq!(ledger::kept(&stage.history()).len(), kept.len(), "nothing else is recorded");
    assert_eq!(Reader::open(&stage.history()).unwrap().networks().unwrap().len(), networks.len());

    stage.servers[0].handle().faults().clear();
    stage.restart().await;
    assert!(stage.snapshot().is_some());
    stage.page().await.expect(MATCH, &[], 1.0);
}

#[tokio::test]
async fn without_a_history_the_network_stays_what_the_first_source_said() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.stale_after = Duration::ZERO).await;
    stage.poll().await;
    assert!(stage.snapshot().is_some());
    stage.servers[0].handle().faults().set(Fault::WrongNetwork);
    for _ in 0..8 {
        stage.mine(&[]).await;
        assert_refused(&stage).await;
    }
    stage.servers[0].handle().faults().clear();
    stage.poll().await;
    stage.page().await.expect(MATCH, &[], 1.0);
}

#[tokio::test]
async fn only_the_expected_network_is_followed_from_the_first_answer_on() {
    let named = Stage::new(Options::default(), 1).await;
    let info = named.client().chain_info().await.unwrap();
    let genesis = named.client().block_hash(domain::Height(0)).await.unwrap();
    let right = [ExpectedNetwork::Chain(info.chain.to_string()), ExpectedNetwork::Genesis(genesis)];
    let wrong = [ExpectedNetwork::Chain("main".into()), ExpectedNetwork::Genesis(info.best)];
    for (expected, is_right) in right.into_iter().map(|right| (right, true)).chain(wrong.map(|wrong| (wrong, false))) {
        let expect = |settings: &mut masternode_exporter::follower::FollowerSettings| {
            settings.stale_after = Duration::ZERO;
            settings.expect = Some(expected.clone());
        };
        let mut stage = Stage::with(Options::default(), 2, expect).await;
        for _ in 0..3 {
            stage.mine(&[]).await;
        }
        assert_eq!(stage.snapshot().is_some(), is_right, "{expected:?}");
        stage.page().await.expect(MATCH, &[("source", "node-0")], f64::from(u8::from(is_right)));
    }
}
