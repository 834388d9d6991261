//! Text that a node wrote is short, and harmless in a log and on a terminal, wherever the exporter takes it from.

use std::time::Duration;

use domain::Masternode;
use domain::details::Detail;
use masternode_exporter::meters::Meters;
use masternode_exporter::rpc::dash::{answers, forks, quorums};
use masternode_exporter::rpc::{Client, Credentials, ErrorKind, RpcSettings, legacy, masternode_status, node};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A line that is forged, orders to a terminal, and characters that reorder what is read.
const HOSTILE: &str = "/Dash Core:23/\n2026-11-30T08:00:00Z ERROR forged \u{1b}[2J\u{7}\r\u{202e}\u{2066}\u{2028}";

const MOST_CHARS: usize = 400;

fn hostile() -> String {
    HOSTILE.repeat(1_000)
}

fn body(result: Value) -> Vec<u8> {
    json!({"result": result, "error": null}).to_string().into_bytes()
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    assert!(text.chars().count() <= MOST_CHARS, "{what}: {} characters", text.chars().count());
    let bad = |character: char| {
        character.is_control() || ('\u{2028}'..='\u{202e}').contains(&character) || character == '\u{2066}'
    };
    assert!(!text.contains(bad), "{what}: {text:?}");
    assert!(!text.is_empty(), "{what}: nothing of it is left");
}

#[test]
fn no_answer_brings_more_than_a_line_into_the_exporter() {
    let info = answers::network_info(&body(json!({"version": 230102, "subversion": hostile()}))).unwrap();
    assert_harmless("subversion", &info.subversion);
    let hash = "00".repeat(32);
    let chain = json!({"chain": hostile(), "blocks": 1, "headers": 1, "bestblockhash": hash,
        "softforks": {hostile(): {"active": true}}});
    let chain = answers::chain_info(&body(chain)).unwrap();
    assert_harmless("chain", &chain.chain);
    assert_harmless("fork of getblockchaininfo", chain.forks.unwrap().keys().next().unwrap());
    let deployed = json!({"height": 1, "deployments": {hostile(): {"bip9": {"status": hostile(), "since": 1}}}});
    let (name, fork) = forks::deployments(&body(deployed)).unwrap().pop_first().unwrap();
    assert_harmless("deployment", &name);
    assert_harmless("status of a deployment", &fork.bip9.unwrap().status);
    assert_harmless("spork", &answers::sporks(&body(json!({hostile(): 1}))).unwrap()[0].0);
    assert_harmless("quorum type", &quorums::types(&body(json!({hostile(): []}))).unwrap()[0]);
    let index = node::indexes(&body(json!({hostile(): {"synced": true}}))).unwrap().pop_first().unwrap();
    assert_harmless("index", &index.0);
    let own = json!({"proTxHash": hash, "state": "READY", "service": hostile()});
    assert_harmless("own address", &masternode_status::own_masternode(&body(own)).unwrap().address.unwrap());
    let paid = json!([{"vout": [{"valueSat": 1, "scriptPubKey": {"address": hostile()}}]}]);
    assert_harmless("payee of a block", quorums::outputs(&body(paid)).unwrap()[0].0.as_ref().unwrap());
    let votes = json!([{"nHeight": 1, "winner": {"address": hostile(), "nVotes": 1}}]);
    assert_harmless("payee that was voted for", &legacy::answers::votes(&body(votes)).unwrap()[0].payee);
}

#[test]
fn texts_of_a_registration_are_harmless_in_every_form() {
    let entry = |state: Value| -> Masternode {
        let mut whole = json!({"PoSePenalty": 0, "registeredHeight": 1, "lastPaidHeight": 0, "PoSeRevivedHeight": -1,
            "PoSeBanHeight": -1, "pubKeyOperator": hostile(),
            "ownerAddress": hostile(), "votingAddress": hostile(), "operatorPayoutAddress": hostile()});
        whole.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        answers::masternode(&body(json!({"type": "Regular", "proTxHash": "00".repeat(32), "state": whole}))).unwrap()
    };
    let plain = entry(json!({"version": 2, "service": hostile(), "payoutAddress": hostile()}));
    for detail in Detail::ALL {
        assert_harmless("detail", &plain.details.get(detail).unwrap());
    }
    // Without spaces and controls, which are refused: what is left is long, and reorders.
    let long = "X\u{202e}".repeat(10_000);
    let listed = entry(json!({"version": 3, "payouts": [{"address": long, "reward": 10_000}]}));
    assert_harmless("payee", &listed.details.payees().unwrap()[0].address);
}

#[test]
fn what_a_node_reports_as_an_error_is_one_short_line() {
    let reported = |code: i64| json!({"result": null, "error": {"code": code, "message": hostile()}});
    for code in [-5, -28, -8, -1] {
        let error = answers::block_hash(reported(code).to_string().as_bytes()).unwrap_err();
        let (ErrorKind::Call { message, .. } | ErrorKind::WarmingUp { message }) = error else { panic!("{error:?}") };
        assert_harmless("message", &message);
    }
}

#[tokio::test]
async fn a_subversion_of_20_megabytes_is_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let answer = body(json!({"version": 230102, "subversion": "A".repeat(20_000_000)}));
        // Without a length, so that only reading tells how long it is. The client goes before the end.
        let _ = stream.write_all(&[b"HTTP/1.1 200 OK\r\n\r\n", &*answer].concat()).await;
    });
    let settings = RpcSettings {
        url,
        credentials: Credentials::Password {
            user: "a".into(),
            password: masternode_exporter::secret::Secret::new("b"),
        },
        timeout: Duration::from_secs(20),
        ..RpcSettings::default()
    };
    let meters = Meters::new(&prometheus::Registry::new());
    let error = Client::new(settings, meters.rpc("net", "node")).unwrap().network_info().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error}");
    assert_harmless("error", &error.to_string());
}
