//! What the changes of a block do not say: an operator's payout address that was cleared, the payment of a masternode that left
//! in its block, and a quorum type that appears.

use domain::{Event, EventKind, Field};
use simulator::{Action, Options};

use crate::support::harness::Stage;

fn of<'a>(events: &'a [Event], id: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.masternode.to_string() == id).collect()
}

#[tokio::test]
async fn a_cleared_payout_address_of_an_operator_is_an_event_of_its_block() {
    let mut stage = Stage::following().await;
    let masternode = stage.masternode(4);
    let id = || masternode.clone();
    stage.mine(&[Action::ChangeOperatorPayout { masternode: id() }]).await;
    let before = stage.snapshot().unwrap();
    stage.mine(&[Action::ClearOperatorPayout { masternode: id() }]).await;
    let events = stage.events();
    let cleared = of(&events, &masternode).into_iter().rfind(|event| matches!(event.kind, EventKind::Change(..)));
    let Some(Event { kind: EventKind::Change(Field::OperatorPayout, Some(change)), block, exact: true, .. }) = cleared
    else {
        panic!("{cleared:?}")
    };
    assert_eq!((block.height, &*change.after), (before.block().height.after(1), ""));
    assert!(!change.before.is_empty());
    let page = stage.page().await;
    page.expect("masternode_exporter_resyncs_total", &[], 0.0);
}

#[tokio::test]
async fn a_masternode_that_leaves_in_the_block_that_pays_it_lost_no_payment() {
    let mut stage = Stage::following().await;
    let payee = stage.network.payment_queue(1).remove(0);
    stage.mine(&[Action::SpendCollateral { masternode: payee.clone() }]).await;
    let events = stage.events();
    let kinds: Vec<&EventKind> = of(&events, &payee).into_iter().map(|event| &event.kind).collect();
    let [EventKind::Removal, EventKind::Payment { amount: Some(amount), .. }] = kinds[..] else { panic!("{kinds:?}") };
    assert!(amount.0 > 0);
}

#[tokio::test]
async fn a_private_network_is_asked_for_its_quorum_types_at_each_block() {
    let mut stage = Stage::new(Options::default(), 1).await;
    stage.poll().await;
    stage.servers[0].handle().forget_calls();
    for _ in 0..3 {
        stage.mine(&[]).await;
    }
    let calls = stage.servers[0].handle().calls();
    assert!(calls.get("quorum listextended").is_some_and(|calls| *calls >= 3), "{calls:?}");
}
