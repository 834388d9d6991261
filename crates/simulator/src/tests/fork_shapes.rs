//! Answers around the fork of Dash 24, compared with a recorded chain that crosses the activation and with public
//! answers of the new format.
//!
//! The recorded node is a development build: it has no `payouts`, no `shares`, no `getdeploymentinfo`, it still shows
//! `softforks`, the service of `masternode status` and two old sporks.

use serde_json::{Value, json};

use super::client::{error_code, result};
use super::recorded_24;
use super::shapes::shape;
use crate::{Action, Fork, Network, Options, RunningServer, Server, ServerOptions, Software};

/// Heights of the recorded chain and of the simulated one differ by fifteen windows.
const SHIFT: u32 = 15 * 24;

/// A network like the recorded one, at the block that corresponds to a recorded height.
fn network(height: u32) -> Network {
    let fork = Fork { threshold: Some(19), start_time: 0, signal_height: Some(191 + SHIFT), ..Fork::default() };
    let options = Options { version: 240_003, fork: Some(fork), start_height: 140 + SHIFT, ..Options::default() };
    let network = Network::new(options).expect("valid");
    network.mine((height - 140) as usize);
    network
}

async fn serve(network: &Network, software: Software, evo: bool) -> RunningServer {
    let fits = |node: &String| network.masternode(node).is_some_and(|facts| facts.evo == evo);
    let masternode = network.masternodes().into_iter().find(fits);
    let options = ServerOptions { masternode, software: Some(software), ..ServerOptions::default() };
    Server::bind_with(network.clone(), "127.0.0.1:0", options).await.expect("a free port").spawn()
}

async fn check(server: &RunningServer, file: &str, method: &str, params: Value, except: &[&str]) {
    let answer = shape(&result(server, method, params).await);
    let expected = shape(&recorded_24(file)["result"]);
    let differing: Vec<&String> =
        answer.symmetric_difference(&expected).filter(|line| !except.iter().any(|part| line.contains(part))).collect();
    assert!(differing.is_empty(), "{file} differs in {differing:#?}");
}

/// Adds the shift to every height of a deployment.
fn shifted(mut deployment: Value) -> Value {
    for pointer in ["/bip9/ehf_height", "/bip9/since", "/bip9/activation_height", "/height"] {
        if let Some(value) = deployment.pointer_mut(pointer)
            && let Some(height) = value.as_u64().filter(|height| *height > 0)
        {
            *value = json!(height + u64::from(SHIFT));
        }
    }
    deployment["bip9"]["timeout"] = json!(i64::MAX);
    deployment
}

#[tokio::test]
async fn the_deployment_is_as_recorded_at_every_step() {
    let software = Software { shows_softforks: true, ..Software::release(240_003) };
    for (folder, height) in
        [("before", 151), ("ehf-signed", 191), ("started", 203), ("locked-in", 227), ("active", 239)]
    {
        let server = serve(&network(height), software.clone(), false).await;
        let answer = result(&server, "getblockchaininfo", json!([])).await;
        let recorded = &recorded_24(&format!("v24/{folder}/getblockchaininfo.json"))["result"];
        assert_eq!(answer["softforks"]["v24"], shifted(recorded["softforks"]["v24"].clone()), "{folder}");
        let file = format!("v24/{folder}/getblockchaininfo.json");
        check(&server, &file, "getblockchaininfo", json!([]), &["softforks.testdummy"]).await;
    }
}

#[tokio::test]
async fn getdeploymentinfo_has_the_state_of_the_block_and_of_the_next() {
    let network = network(240);
    let server = serve(&network, Software::release(240_003), false).await;
    let chain = result(&server, "getblockchaininfo", json!([])).await;
    assert_eq!(chain["softforks"], Value::Null, "gone unless the node is asked for it");
    let of = async |height: u32| {
        let hash = network.block_hash(height + SHIFT).expect("kept");
        let answer = result(&server, "getdeploymentinfo", json!([hash])).await;
        assert_eq!((answer["hash"].clone(), answer["height"].clone()), (json!(hash), json!(height + SHIFT)));
        assert_eq!(answer["deployments"]["mn_rr"]["type"], "buried");
        answer["deployments"]["v24"].clone()
    };
    for (height, status, next, active) in [
        (190, "defined", "defined", false),
        (191, "defined", "started", false),
        (192, "started", "started", false),
        (215, "started", "locked_in", false),
        (239, "locked_in", "active", true),
        (240, "active", "active", true),
    ] {
        let answer = of(height).await;
        let seen =
            (answer["bip9"]["status"].as_str(), answer["bip9"]["status_next"].as_str(), answer["active"].as_bool());
        assert_eq!(seen, (Some(status), Some(next), Some(active)), "{height}");
    }
    assert_eq!(of(190).await["bip9"]["ehf_height"], Value::Null);
    assert_eq!(of(192).await["bip9"]["statistics"]["elapsed"], 1);
    assert_eq!(of(215).await["bip9"]["statistics"]["count"], 24);
    assert_eq!(result(&server, "getdeploymentinfo", json!([])).await["height"], json!(240 + SHIFT));
    server.set_software(Software { shows_signal: false, ..Software::release(240_000) });
    assert_eq!(of(239).await["bip9"]["ehf_height"], Value::Null);
    server.set_software(Software::release(230_102));
    assert_eq!(error_code(&server, "getdeploymentinfo", json!([])).await, -32601);
    let old = result(&server, "getblockchaininfo", json!([])).await;
    assert_eq!(
        (old["softforks"]["v24"].clone(), old["softforks"]["v20"]["active"].clone()),
        (Value::Null, json!(true))
    );
}

#[tokio::test]
async fn answers_before_any_migration_have_the_recorded_shape() {
    let network = network(239);
    let server = serve(&network, Software::release(240_003), false).await;
    let optional = ["operatorPayoutAddress", "wallet"];
    let folder = |name: &str| format!("v24/active/{name}.json");
    check(&server, &folder("getnetworkinfo"), "getnetworkinfo", json!([]), &[]).await;
    check(&server, &folder("getbestchainlock"), "getbestchainlock", json!([]), &[]).await;
    check(&server, &folder("mnsync_status"), "mnsync", json!(["status"]), &[]).await;
    for command in ["show", "active"] {
        let gone = ["SPORK_3_", "SPORK_9_"];
        check(&server, &folder(&format!("spork_{command}")), "spork", json!([command]), &gone).await;
        let sporks = result(&server, "spork", json!([command])).await;
        assert_eq!(sporks.as_object().expect("an object").len(), 5);
    }
    check(&server, &folder("masternode_count"), "masternode", json!(["count"]), &[]).await;
    check(&server, &folder("masternode_winners"), "masternode", json!(["winners"]), &[]).await;
    check(&server, &folder("masternode_status"), "masternode", json!(["status"]), &[".service", optional[0]]).await;
    for mode in ["json", "full", "info", "status", "addr", "evo", "recent", "payee", "owneraddress"] {
        // The only Evo node of the recorded list had no address.
        let except = ["platform_p2p", "platform_https", "core_p2p", "platformNodeID"];
        check(&server, &folder(&format!("masternodelist_{mode}")), "masternodelist", json!([mode]), &except).await;
    }
    let except = ["operatorPayoutAddress", "wallet", "platform_p2p", "platform_https"];
    check(&server, &folder("protx_list_registered_true"), "protx", json!(["list", "registered", true]), &except).await;
    let own = result(&server, "masternode", json!(["status"])).await["proTxHash"].clone();
    check(&server, &folder("protx_info"), "protx", json!(["info", own]), &optional).await;
    let height = network.tip().0;
    let commitments = ["Quorums[]", "quorumsCLSigs", "platform_", "HTTPPort"];
    check(&server, &folder("protx_diff_1_239"), "protx", json!(["diff", 1, height]), &commitments).await;
    let extended = json!(["diff", 1, height, true]);
    check(&server, &folder("protx_diff_1_239_true"), "protx", extended, &commitments).await;
    let tip = network.tip().1;
    check(&server, &folder("masternode_payments_3"), "masternode", json!(["payments", tip, 3]), &[]).await;
    let coinbase = json!([tip, 5, 10, 0, 2]);
    check(&server, &folder("getspecialtxes_5_10_0_2"), "getspecialtxes", coinbase, &["desc"]).await;
    check(&server, &folder("getblock_2"), "getblock", json!([tip, 2]), &["desc"]).await;
    check(&server, &folder("quorum_memberof"), "quorum", json!(["memberof", own]), &[]).await;
    // The recorded build is older than the list of sessions to come.
    let later = ["proTxHash", "upcoming_dkgs"];
    check(&server, &folder("quorum_dkginfo"), "quorum", json!(["dkginfo"]), &later).await;
}

#[tokio::test]
async fn several_addresses_have_the_recorded_shape() {
    let network = network(241);
    for node in network.masternodes() {
        network.mine_with(&[Action::AddAddress { masternode: node }]).expect("allowed");
    }
    let server = serve(&network, Software::release(240_003), false).await;
    let list = json!(["list", "registered", true]);
    let except = ["operatorPayoutAddress", "wallet", "payoutAddress", "payouts"];
    check(&server, "v24/addresses/protx_list_registered_true.json", "protx", list, &except).await;
    let json = result(&server, "masternodelist", json!(["json"])).await;
    assert!(json.as_object().expect("an object").values().all(|entry| entry["address"].is_null()));
    let addresses = result(&server, "masternodelist", json!(["addr"])).await;
    assert!(addresses.as_object().expect("an object").values().all(|text| !text.as_str().unwrap_or(",").contains(',')));
}

/// The element of a public list with these properties.
fn public(file: &str, fits: fn(&Value) -> bool) -> Value {
    let list = recorded_24(&format!("v24-public/{file}"));
    let all = list["addedMNs"].as_array().expect("a list").clone();
    all.into_iter().find(fits).expect("the public list has one")
}

#[tokio::test]
async fn payees_and_shares_have_the_public_shape() {
    let network = network(241);
    let all = network.masternodes();
    let evo = all.iter().find(|node| network.masternode(node).is_some_and(|facts| facts.evo)).expect("three");
    let regular = all.iter().find(|node| network.masternode(node).is_some_and(|facts| !facts.evo)).expect("nine");
    let base = network.tip().0;
    let split = Action::SetPayouts { masternode: regular.clone(), payouts: 2 };
    let migrate = Action::Migrate { masternode: evo.clone(), version: 3 };
    network.mine_with(&[Action::RegisterShared { number: 0, shares: 2 }, split, migrate]).expect("allowed");
    let software = Software { shows_service: true, ..Software::release(240_003) };
    let server = serve(&network, software, false).await;
    let diff = result(&server, "protx", json!(["listdiff", base, base + 1])).await;
    let shared = public("listdiff-1-1250.json", |entry| entry["state"]["shares"].is_array());
    assert_eq!(shape(&diff["addedMNs"][0]), shape(&shared));
    assert_eq!(diff["addedMNs"][0]["proTxHash"], json!(network.shared_masternode(0)));
    for (name, wanted) in [
        (
            regular,
            public("listdiff-1-1250.json", |entry| entry["type"] == "Regular" && entry["state"]["payouts"].is_array()),
        ),
        (evo, public("listdiff-1260-1270.json", |entry| entry["type"] == "Evo")),
    ] {
        let info = result(&server, "protx", json!(["info", name])).await;
        let differing: Vec<String> = shape(&info["state"])
            .symmetric_difference(&shape(&wanted["state"]))
            .filter(|line| !line.contains("operatorPayoutAddress"))
            .cloned()
            .collect();
        assert!(differing.is_empty(), "{differing:#?}");
    }
    let public = recorded_24("v24-public/listdiff-1250-1260.json");
    let migrated = diff["updatedMNs"].as_array().expect("updates").iter().find_map(|update| update.get(evo));
    let mut ours = shape(migrated.expect("it migrated"));
    // In the recording its ports changed too, and it was not paid.
    ours.extend([".platformP2PPort: number".to_owned(), ".platformHTTPPort: number".to_owned()]);
    ours.retain(|line| !["service", "lastPaidHeight"].iter().any(|part| line.contains(part)));
    let mut theirs = shape(public["updatedMNs"][0].as_object().expect("an update").values().next().expect("one"));
    theirs.retain(|line| !line.contains("service"));
    assert_eq!(ours, theirs);
}
