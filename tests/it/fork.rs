//! Across the activation of v24: its state, the used sources, and the reports about sources that do not follow.

use masternode_exporter::web::api::json::NetworkSummary;
use masternode_exporter::web::pages::deployment;
use serde_json::json;
use simulator::{Network, Options};

use crate::support::relay::{ACTIVE, Form, LOCKED_IN, Node, SIGNAL, STARTED};
use crate::support::samples::Page;
use crate::support::sides::{Fork, mine_to, network, part, sides};

const DEPLOYMENT: &[(&str, &str)] = &[("deployment", "v24")];
const STATE: &str = "masternode_network_deployment_state";
const FOLLOWS: &str = "masternode_exporter_source_follows_fork";
const SPLIT: &str = "masternode_exporter_source_fork_split";

fn state(page: &Page, expected: &str) {
    for name in ["defined", "waiting_for_signal", "signalled", "started", "locked_in", "active", "failed"] {
        page.expect(STATE, &[("deployment", "v24"), ("state", name)], f64::from(u8::from(name == expected)));
    }
}

#[tokio::test]
async fn each_step_is_shown_in_either_form_of_an_answer() {
    let certain = "masternode_network_deployment_activation_height";
    let earliest = "masternode_network_deployment_earliest_activation_height";
    let since = "masternode_network_deployment_active_since_height";
    for form in [Form::Softforks, Form::Deployments] {
        let chain = network();
        let mut fork = Fork::new(vec![(chain.clone(), Node::new(form))]).await;
        // tip, state, final height, earliest height, active since.
        for (tip, expected, height, possible, active) in [
            (540, "waiting_for_signal", None, None, None),
            (SIGNAL, "signalled", None, None, None),
            (STARTED - 1, "started", None, Some(600), None),
            (STARTED + 5, "started", None, Some(600), None),
            (LOCKED_IN - 1, "locked_in", Some(600), None, None),
            (ACTIVE - 1, "active", Some(600), None, None),
            (ACTIVE, "active", Some(600), None, Some(600)),
        ] {
            mine_to(&chain, tip);
            let page = fork.look().await;
            state(&page, expected);
            for (name, value) in [(certain, height), (earliest, possible), (since, active)] {
                match value {
                    Some(value) => page.expect(name, DEPLOYMENT, f64::from(value)),
                    None => page.expect_absent(name, DEPLOYMENT),
                }
            }
            page.expect(FOLLOWS, &[("source", "node-0")], 1.0);
            assert_eq!(page.value("masternode_exporter_fork_activation_height", &[]), height.map(f64::from), "{tip}");
        }
        let page = fork.look().await;
        page.expect("masternode_network_deployment_signal_height", DEPLOYMENT, f64::from(SIGNAL));
        page.expect_absent("masternode_network_deployment_activation_timestamp_seconds", DEPLOYMENT);
    }
}

#[tokio::test]
async fn signals_are_counted_and_the_expected_time_follows_the_measured_spacing() {
    let chain = network();
    let mut fork = Fork::new(vec![(chain.clone(), Node::new(Form::Deployments))]).await;
    mine_to(&chain, STARTED + 9);
    let page = fork.look().await;
    page.expect("masternode_network_deployment_signalling_blocks", DEPLOYMENT, 10.0);
    page.expect("masternode_network_deployment_signalling_elapsed_blocks", DEPLOYMENT, 10.0);
    page.expect("masternode_network_deployment_signalling_threshold_blocks", DEPLOYMENT, 19.0);
    page.expect("masternode_network_deployment_signalling_possible", DEPLOYMENT, 1.0);
    page.expect("masternode_network_deployment_window_blocks", DEPLOYMENT, 24.0);
    let at = page.value("masternode_network_deployment_earliest_activation_timestamp_seconds", DEPLOYMENT).unwrap();
    let spacing = page.value("masternode_network_block_interval_seconds", &[]).unwrap();
    let tip = page.value("masternode_network_tip_timestamp_seconds", &[]).unwrap();
    assert!((at - tip - f64::from(ACTIVE - STARTED - 9) * spacing).abs() < 1.0, "{at}");
}

#[tokio::test]
async fn the_method_is_called_once_per_block_and_no_longer_after_a_refusal() {
    for (form, per_block) in [(Form::Deployments, 1), (Form::Softforks, 0), (Form::Forbidden, 0), (Form::Old, 0)] {
        let chain = network();
        let mut fork = Fork::new(vec![(chain.clone(), Node::new(form))]).await;
        fork.look().await;
        assert_eq!(fork.relays[0].calls("getdeploymentinfo"), 1, "{form:?}: tried once");
        for _ in 0..3 {
            fork.look().await;
            assert_eq!(fork.relays[0].calls("getdeploymentinfo"), 0, "{form:?}: nothing new");
            chain.mine(1);
            fork.look().await;
            assert_eq!(fork.relays[0].calls("getdeploymentinfo"), per_block, "{form:?}");
        }
        let page = fork.page().await;
        assert_eq!(page.count(STATE) > 0, matches!(form, Form::Deployments | Form::Softforks), "{form:?}");
        // A release that does not report MN_RR has it buried: Evo nodes are paid like others.
        page.expect("masternode_network_payment_cycle_blocks", &[], 12.0);
    }
}

#[tokio::test]
async fn a_release_with_a_buried_fork_is_recognised_by_its_coinbase() {
    let chain = network();
    let mut fork = Fork::new(vec![(chain.clone(), Node::new(Form::Forbidden))]).await;
    let page = fork.look().await;
    page.expect("masternode_network_coinbase_version", &[], 3.0);
    assert_eq!(page.count(STATE), 0);
    fork.relays[0].set(|node| node.coinbase = 4);
    chain.mine(24);
    fork.look().await;
    chain.mine(1);
    let page = fork.look().await;
    page.expect("masternode_network_coinbase_version", &[], 4.0);
    state(&page, "active");
    page.expect_absent("masternode_network_deployment_active_since_height", DEPLOYMENT);
}

#[tokio::test]
async fn an_ehf_signal_is_found_in_its_block_if_the_node_does_not_report_it() {
    let chain = network();
    let mut fork = Fork::new(vec![(chain.clone(), Node { says_signal: false, ..Node::new(Form::Deployments) })]).await;
    let page = fork.look().await;
    state(&page, "defined");
    fork.relays[0].set(|node| node.special = Some(7));
    chain.mine(1);
    fork.look().await;
    fork.relays[0].set(|node| node.special = None);
    chain.mine(1);
    let page = fork.look().await;
    state(&page, "signalled");
    page.expect("masternode_network_deployment_signal_height", DEPLOYMENT, 541.0);
}

#[tokio::test]
async fn an_old_source_is_reported_only_where_the_deployment_is_known() {
    let chain = network();
    let mut fork = Fork::new(vec![(chain.clone(), Node::old())]).await;
    let page = fork.look().await;
    page.expect_absent(FOLLOWS, &[("source", "node-0")]);
    assert_eq!(page.count(STATE), 0);
    let nodes = vec![(chain.clone(), Node::old()), (chain, Node::new(Form::Deployments))];
    let mut fork = Fork::new(nodes).await;
    let page = fork.look().await;
    page.expect(FOLLOWS, &[("source", "node-0")], 0.0);
    page.expect(FOLLOWS, &[("source", "node-1")], 1.0);
    page.expect_absent("masternode_exporter_fork_activation_height", &[]);
    let main = Network::new(Options::main(50)).unwrap();
    let mut fork = Fork::new(vec![(main, Node::old())]).await;
    fork.look().await.expect(FOLLOWS, &[("source", "node-0")], 0.0);
}

#[tokio::test]
async fn an_old_source_is_used_until_the_block_before_the_activation() {
    let chain = network();
    let nodes = vec![(chain.clone(), Node::old()), (chain.clone(), Node::new(Form::Deployments))];
    let mut fork = Fork::new(nodes).await;
    mine_to(&chain, LOCKED_IN + 3);
    fork.look().await;
    let page = fork.look().await;
    page.expect("masternode_exporter_fork_activation_height", &[], f64::from(ACTIVE));
    page.expect("masternode_exporter_source_synced", &[("source", "node-0")], 1.0);
    fork.relays[1].calls("protx");
    chain.mine(1);
    fork.look().await;
    assert_eq!(fork.relays[1].calls("protx"), 0, "the preferred one is followed while the chain is one");
    state(&fork.page().await, "locked_in");
    mine_to(&chain, ACTIVE - 1);
    let page = fork.look().await;
    page.expect("masternode_exporter_source_synced", &[("source", "node-0")], 0.0);
    page.expect("masternode_exporter_source_synced", &[("source", "node-1")], 1.0);
    page.expect("masternode_network_height", &[], f64::from(ACTIVE - 1));
}

#[tokio::test]
async fn the_v24_side_is_followed_and_the_split_is_reported_however_long_the_old_side_is() {
    let (old, new) = sides(LOCKED_IN + 10);
    let nodes = vec![(old.clone(), Node::old()), (new.clone(), Node::new(Form::Softforks))];
    let mut fork = Fork::new(nodes).await;
    fork.look().await;
    fork.look().await;
    mine_to(&old, ACTIVE - 1);
    mine_to(&new, ACTIVE - 1);
    fork.look().await.expect_absent(SPLIT, &[("source", "node-0")]);
    part(&old, &new);
    let page = fork.look().await;
    page.expect(SPLIT, &[("source", "node-0")], 1.0);
    page.expect(SPLIT, &[("source", "node-1")], 0.0);
    assert_eq!(fork.hash(), Some(new.tip().1));
    old.mine(30);
    new.mine(1);
    fork.look().await;
    assert_eq!(fork.hash(), Some(new.tip().1), "the old side is longer, and not followed");
    fork.page().await.expect("masternode_exporter_reorgs_total", &[], 0.0);
}

#[tokio::test]
async fn sources_on_different_chains_are_reported_without_any_activation() {
    let (first, second) = sides(540);
    let nodes = vec![(first.clone(), Node::new(Form::Softforks)), (second.clone(), Node::new(Form::Softforks))];
    let mut fork = Fork::new(nodes).await;
    fork.look().await;
    let page = fork.look().await;
    page.expect(SPLIT, &[("source", "node-0")], 0.0);
    page.expect(SPLIT, &[("source", "node-1")], 0.0);
    part(&first, &second);
    fork.look().await.expect(SPLIT, &[("source", "node-1")], 0.0);
    first.mine(2);
    second.mine(3);
    let page = fork.look().await;
    page.expect(SPLIT, &[("source", "node-0")], 0.0);
    page.expect(SPLIT, &[("source", "node-1")], 1.0);
    first.mine(60);
    second.mine(60);
    fork.look().await.expect(SPLIT, &[("source", "node-1")], 1.0);
}

#[tokio::test]
async fn a_split_stays_reported_over_a_restart_and_when_the_old_side_falls_far_behind() {
    let (old, new) = sides(LOCKED_IN + 10);
    let nodes = vec![(old.clone(), Node::old()), (new.clone(), Node::new(Form::Softforks))];
    let mut fork = Fork::new(nodes).await;
    fork.look().await;
    mine_to(&old, ACTIVE - 1);
    mine_to(&new, ACTIVE - 1);
    fork.look().await;
    part(&old, &new);
    old.mine(1);
    fork.look().await.expect(SPLIT, &[("source", "node-0")], 1.0);
    new.mine(700);
    fork.look().await.expect(SPLIT, &[("source", "node-0")], 1.0);
    fork.restart().await;
    fork.look().await;
    fork.look().await.expect(SPLIT, &[("source", "node-0")], 1.0);
}

#[tokio::test]
async fn an_old_source_is_not_used_even_as_the_only_one_and_a_v24_source_that_returns_is() {
    let (old, new) = sides(LOCKED_IN + 10);
    let nodes = vec![(new.clone(), Node::new(Form::Deployments)), (old.clone(), Node::old())];
    let mut fork = Fork::new(nodes).await;
    fork.look().await;
    fork.look().await;
    fork.relays[0].set(|node| node.down = true);
    old.mine(1);
    new.mine(1);
    let page = fork.look().await;
    page.expect("masternode_network_height", &[], f64::from(LOCKED_IN + 11));
    mine_to(&old, ACTIVE - 1);
    mine_to(&new, ACTIVE - 1);
    fork.look().await;
    assert_eq!(fork.height(), None, "the list is withdrawn: no source shows the network");
    part(&old, &new);
    old.mine(5);
    for _ in 0..3 {
        let page = fork.look().await;
        page.expect("masternode_exporter_source_synced", &[("source", "node-1")], 0.0);
        page.expect("masternode_exporter_fork_activation_height", &[], f64::from(ACTIVE));
    }
    let troubles = fork.follower.as_mut().unwrap().poll_once().await.unwrap_err();
    assert!(
        troubles.iter().any(|line| line.contains("does not follow the activation of v24 at height 600")),
        "{troubles:?}"
    );
    fork.relays[0].set(|node| node.down = false);
    let page = fork.look().await;
    assert_eq!(fork.hash(), Some(new.tip().1));
    page.expect("masternode_exporter_reorgs_total", &[], 0.0);
}

#[tokio::test]
async fn a_restart_does_not_forget_the_activation() {
    let (old, new) = sides(LOCKED_IN + 10);
    let nodes = vec![(new.clone(), Node::new(Form::Deployments)), (old.clone(), Node::old())];
    let mut fork = Fork::new(nodes).await;
    fork.look().await;
    mine_to(&old, ACTIVE - 1);
    mine_to(&new, ACTIVE - 1);
    fork.look().await;
    part(&old, &new);
    fork.look().await;
    old.mine(10);
    fork.relays[0].set(|node| node.down = true);
    fork.restart().await;
    let page = fork.look().await;
    assert_eq!(fork.height(), None, "the old side is longer than what is recorded, and not followed");
    page.expect("masternode_exporter_fork_activation_height", &[], f64::from(ACTIVE));
    page.expect("masternode_exporter_events_withdrawn_total", &[], 0.0);
    fork.relays[0].set(|node| node.down = false);
    let page = fork.look().await;
    assert_eq!(fork.hash(), Some(new.tip().1));
    page.expect("masternode_exporter_events_withdrawn_total", &[], 0.0);
}

#[tokio::test]
async fn an_unknowingly_followed_old_chain_is_left_for_a_shorter_v24_chain() {
    for preferred in [0, 1] {
        let (old, new) = sides(ACTIVE - 1);
        part(&old, &new);
        old.mine(20);
        let mut nodes = vec![(old.clone(), Node::old()), (new.clone(), Node::new(Form::Deployments))];
        nodes.rotate_left(preferred);
        let mut fork = Fork::new(nodes).await;
        let v24 = fork.relays.iter().position(|relay| relay.network.tip() == new.tip()).unwrap();
        fork.relays[v24].set(|node| node.down = true);
        fork.look().await;
        assert_eq!(fork.hash(), Some(old.tip().1), "no source knows of the activation");
        fork.relays[v24].set(|node| node.down = false);
        new.mine(2);
        fork.look().await;
        let page = fork.look().await;
        assert_eq!(fork.hash(), Some(new.tip().1), "preferred {preferred}");
        page.expect(SPLIT, &[("source", &format!("node-{}", 1 - v24))], 1.0);
    }
}

#[tokio::test]
async fn a_source_that_was_left_behind_is_not_followed_at_the_first_poll() {
    for order in [0, 1] {
        let (old, new) = sides(ACTIVE - 1);
        part(&old, &new);
        old.mine(20);
        let mut nodes = vec![(old.clone(), Node::old()), (new.clone(), Node::new(Form::Deployments))];
        nodes.rotate_left(order);
        let mut fork = Fork::new(nodes).await;
        fork.follower.as_mut().unwrap().poll().await;
        assert_eq!(fork.hash(), Some(new.tip().1), "order {order}");
    }
}

#[tokio::test]
async fn values_of_no_known_release_are_counted() {
    let chain = network();
    let mut fork = Fork::new(vec![(chain.clone(), Node::new(Form::Deployments))]).await;
    let kinds = ["softfork_key", "coinbase_version", "special_transaction_type"];
    let page = fork.look().await;
    for kind in kinds {
        page.expect("masternode_exporter_not_understood_total", &[("kind", kind)], 0.0);
    }
    fork.relays[0].set(|node| {
        node.others = vec!["signature_work", "distinct_required_payments", "testdummy", "v25"];
        node.coinbase = 5;
        node.special = Some(13);
    });
    chain.mine(24);
    fork.look().await;
    chain.mine(1);
    let page = fork.look().await;
    for kind in kinds {
        page.expect("masternode_exporter_not_understood_total", &[("kind", kind)], 1.0);
    }
}

#[tokio::test]
async fn the_api_and_the_page_show_the_state() {
    let chain = network();
    let mut fork = Fork::new(vec![(chain.clone(), Node::new(Form::Deployments))]).await;
    // tip, state, what the page shows about the next state.
    for (tip, state, next) in [
        (540, "waiting for signal", "activation height not known yet"),
        (
            STARTED + 9,
            "started",
            "10 of 10 blocks signal, 19 required; active from block 600 at the earliest, in 39 blocks, ",
        ),
        (LOCKED_IN, "locked in", "active from block 600, in 24 blocks, "),
        (ACTIVE - 1, "active", "active from block 600, in 1 block, "),
        (ACTIVE, "active", "since block 600"),
    ] {
        mine_to(&chain, tip);
        fork.look().await;
        let snapshot = fork.snapshot().unwrap();
        let (said, after) = deployment::words(&snapshot).unwrap();
        assert_eq!(said, state, "{tip}");
        assert!(after.starts_with(next), "{tip}: {after}");
        let said_by_api = &serde_json::to_value(NetworkSummary::new(&snapshot)).unwrap()["deployment"];
        assert_eq!((&said_by_api["name"], &said_by_api["state"]), (&json!("v24"), &json!(state.replace(' ', "_"))));
        let since = (tip >= ACTIVE).then_some(ACTIVE);
        assert_eq!(said_by_api["active_since_height"], json!(since), "{tip}");
        assert_eq!(
            said_by_api["activation_time"].is_string(),
            (LOCKED_IN..ACTIVE).contains(&tip),
            "{tip}: {said_by_api}"
        );
        assert_eq!(said_by_api["earliest_activation_time"].is_string(), state == "started", "{tip}: {said_by_api}");
    }
}
