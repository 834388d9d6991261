//! The root of the simplified list: the leaves held against recorded ones, and the answers of a server against each other.

use serde_json::{Value, json};

use super::client::{error_code, result};
use super::{recorded, recorded_24};
use crate::merkle::{self, Tree, double_sha256};
use crate::random::{Hash256, hex, unhex};
use crate::simplified_list::Leaf;
use crate::{Action, Fault, LeafField, Network, Options, Server, ServerOptions, Software};

fn hash(value: &Value) -> Hash256 {
    Hash256::parse(value.as_str().expect("a text")).expect("a hash")
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes")
}

/// The key hash that an address stands for.
fn key_id(address: &str) -> [u8; 20] {
    const LETTERS: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    for letter in address.chars() {
        let mut carry = LETTERS.find(letter).expect("a letter of Base58");
        for byte in bytes.iter_mut().rev() {
            carry += 58 * usize::from(*byte);
            *byte = u8::try_from(carry % 256).expect("a byte");
            carry /= 256;
        }
        assert_eq!(carry, 0, "{address} is too long");
    }
    assert_eq!(double_sha256(&bytes[..21])[..4], bytes[21..], "the checksum of {address}");
    array(&bytes[1..21])
}

/// The leaf of an entry of `protx diff`.
fn leaf(entry: &Value) -> Leaf {
    let texts = |name: &str| -> Vec<String> {
        let list = entry["addresses"][name].as_array();
        list.into_iter().flatten().map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let mut addresses = ["core_p2p", "platform_p2p", "platform_https"].map(texts);
    if let Some(service) = entry["service"].as_str().filter(|_| addresses[0].is_empty()) {
        addresses[0].push(service.to_owned());
    }
    let port = |address: &String| address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let own = entry["platformHTTPPort"].as_u64().map(|port| u16::try_from(port).expect("a port"));
    Leaf {
        version: u8::try_from(entry["nVersion"].as_u64().expect("a version")).expect("small"),
        evo: entry["nType"] == 1,
        hash: hash(&entry["proRegTxHash"]),
        confirmed: hash(&entry["confirmedHash"]),
        http_port: own.or_else(|| addresses[2].first().and_then(port)).unwrap_or(0),
        addresses,
        operator_key: array(&unhex(entry["pubKeyOperator"].as_str().expect("hex"))),
        voting_key: key_id(entry["votingAddress"].as_str().expect("an address")),
        valid: entry["isValid"] == true,
        platform_id: entry["platformNodeID"].as_str().map_or([0; 20], |id| array(&unhex(id))),
    }
}

/// The root over the leaves of a whole list.
fn root<'a>(entries: impl IntoIterator<Item = &'a Value>) -> Hash256 {
    let hashed = |entry| (leaf(entry).hash.memory_order(), double_sha256(&leaf(entry).bytes()));
    let mut leaves: Vec<_> = entries.into_iter().map(hashed).collect();
    leaves.sort_unstable();
    Tree::of(leaves).root()
}

/// The entries of a whole list.
fn entries(diff: &Value) -> &[Value] {
    diff["mnList"].as_array().expect("entries")
}

/// The root that the bytes of a coinbase name.
fn committed(coinbase: &str) -> Hash256 {
    let bytes = unhex(coinbase);
    // The payload stands at the end: 175 bytes of version 3, 207 of version 4, its length in front.
    let size = [175, 207].into_iter().find(|size| usize::from(bytes[bytes.len() - size - 1]) == *size);
    let payload = &bytes[bytes.len() - size.expect("a known version")..];
    let mut root = Hash256(array(&payload[6..38]));
    root.0.reverse();
    root
}

/// Fourteen leaves of versions 1 to 3 that Dash Core's own code agreed to.
#[test]
fn leaves_have_the_recorded_bytes() {
    let vectors = recorded_24("v24/leaf-vectors.json");
    let vectors = vectors.as_array().expect("leaves");
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        let bytes = unhex(vector["network_bytes"].as_str().expect("hex"));
        let version = bytes[0];
        let evo = vector["evo"] == true;
        let id = if evo && version >= 2 { 20 } else { 0 };
        let port = if evo && version == 2 { 2 } else { 0 };
        let kind = if version >= 2 { 2 } else { 0 };
        // What follows the addresses, from the end on.
        let tail = &bytes[bytes.len() - (48 + 20 + 1 + kind + port + id)..];
        let list = |name: &str| -> Vec<String> {
            let texts = vector["addresses"][name].as_array();
            texts.into_iter().flatten().map(|text| text.as_str().expect("a text").to_owned()).collect()
        };
        let mut platform_id: Vec<u8> = tail[tail.len() - id..].to_vec();
        platform_id.reverse();
        platform_id.resize(20, 0);
        let mut hashes = [array(&bytes[2..34]), array(&bytes[34..66])].map(Hash256);
        hashes.iter_mut().for_each(|hash| hash.0.reverse());
        let leaf = Leaf {
            version,
            evo,
            hash: hashes[0],
            confirmed: hashes[1],
            addresses: ["core_p2p", "platform_p2p", "platform_https"].map(list),
            operator_key: array(&tail[..48]),
            voting_key: array(&tail[48..68]),
            valid: tail[68] == 1,
            http_port: if port > 0 { u16::from_le_bytes(array(&tail[71..73])) } else { 0 },
            platform_id: array(&platform_id),
        };
        assert_eq!(hex(&leaf.bytes()), hex(&bytes[2..]), "{vector}");
        let mut hash = Hash256(double_sha256(&leaf.bytes()));
        let printed = vector["leaf"].as_str().expect("hex");
        let forward = hash.to_string();
        hash.0.reverse();
        assert!([forward, hash.to_string()].contains(&printed.to_owned()), "{vector}");
    }
}

/// Whole lists of a recorded chain, with the coinbase of their block.
#[test]
fn recorded_lists_have_the_root_of_their_coinbase() {
    for name in ["v24/active/protx_diff_1_239.json", "v24/banned/protx_diff_1_307.json"] {
        let diff = recorded_24(name);
        let diff = &diff["result"];
        let mut entries = entries(diff).to_vec();
        for entry in &mut entries {
            // Registered with a port that no answer shows, see the recording's notes.
            if entry["nType"] == 1 && entry["addresses"]["core_p2p"].is_null() {
                entry["platformHTTPPort"] = json!(22_201);
            }
        }
        assert_eq!(root(&entries), hash(&diff["merkleRootMNList"]), "{name}");
        assert_eq!(committed(diff["cbTx"].as_str().expect("hex")), hash(&diff["merkleRootMNList"]), "{name}");
    }
}

/// The one transaction of a recorded block is its root, and the proof says so.
#[test]
fn a_recorded_coinbase_is_the_root_of_its_block() {
    let diff = recorded("healthy/protx_diff.json");
    let txid = double_sha256(&unhex(diff["result"]["cbTx"].as_str().expect("hex")));
    let mut txid = Hash256(txid);
    txid.0.reverse();
    assert_eq!(hex(&merkle::proof_of_first(&[txid])), diff["result"]["cbTxMerkleTree"].as_str().expect("hex"));
}

/// Checks everything that a client can about the list of a block.
async fn prove(server: &crate::RunningServer, block: &str) -> Value {
    let diff = result(server, "protx", json!(["diff", 1, block])).await;
    let coinbase = diff["cbTx"].as_str().expect("hex");
    assert_eq!(root(entries(&diff)), committed(coinbase));
    let header = result(server, "getblockheader", json!([block])).await;
    let whole = result(server, "getblock", json!([block, 2])).await;
    let special = result(server, "getspecialtxes", json!([block, 5, 10, 0, 2])).await;
    let mut txid = Hash256(double_sha256(&unhex(coinbase)));
    txid.0.reverse();
    let transactions = whole["tx"].as_array().expect("transactions");
    for transaction in transactions {
        let mut hash = Hash256(double_sha256(&unhex(transaction["hex"].as_str().expect("hex"))));
        hash.0.reverse();
        assert_eq!(transaction["txid"], json!(hash));
    }
    let hashes: Vec<Hash256> = transactions.iter().map(|transaction| hash(&transaction["txid"])).collect();
    assert_eq!((hashes[0], hash(&header["merkleroot"])), (txid, merkle::root(&hashes)));
    assert_eq!(header["nTx"], json!(hashes.len()));
    assert_eq!(diff["cbTxMerkleTree"], json!(hex(&merkle::proof_of_first(&hashes))));
    assert_eq!((&special[0]["hex"], &special[0]["txid"]), (&diff["cbTx"], &json!(txid)));
    let short = result(server, "getblock", json!([block])).await;
    assert_eq!(short["tx"], json!(hashes));
    assert_eq!(short["cbTx"], special[0]["cbTx"]);
    diff
}

#[tokio::test]
async fn each_block_commits_to_its_list_through_every_kind_of_change() {
    let network = Network::new(Options { start_height: 560, ..Options::default() }).expect("valid");
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let nodes = network.masternodes();
    let of = |index: usize| nodes[index].clone();
    let fail = |index: usize| Action::FailDkg { masternode: of(index), commitments: 2, quorum_type: None };
    let blocks: Vec<Vec<Action>> = vec![
        vec![],
        vec![fail(0), Action::ChangeAddress { masternode: of(1) }],
        vec![Action::Revive { masternode: of(0) }, Action::Revoke { masternode: of(2), reason: 1 }],
        vec![Action::Register { evo: true, with_address: true }, Action::Register { evo: false, with_address: false }],
        vec![Action::ChangeOperatorKey { masternode: of(3) }, Action::ChangeVotingKey { masternode: of(4) }],
        vec![Action::SpendCollateral { masternode: of(5) }],
        vec![Action::ChangePayout { masternode: of(6) }],
    ];
    let mut roots = Vec::new();
    for actions in blocks {
        let block = network.mine_with(&actions).expect("allowed");
        let mut diff = prove(&server, &block).await;
        roots.push(diff["merkleRootMNList"].take());
        // From block to block the same list follows.
        let (height, _) = network.tip();
        let step = result(&server, "protx", json!(["diff", height - 1, height])).await;
        assert_eq!(step["cbTx"], diff["cbTx"]);
    }
    // A payout is in no leaf; all else changed the root.
    assert_eq!(roots[5], roots[6]);
    roots.dedup();
    assert_eq!(roots.len(), 6);
    // An abandoned branch and its replacement.
    network.reorg(3, &[vec![fail(7)], vec![], vec![]]).expect("allowed");
    prove(&server, &network.tip().1).await;
    // A block from before the kept ones has the first list.
    let old = network.block_hash(500).expect("a block");
    let entries_then = entries(&prove(&server, &old).await).len();
    assert_eq!(entries_then, 12);
}

#[tokio::test]
async fn the_list_is_proven_through_the_fork_of_dash_24() {
    let now = || 1_795_219_200;
    let network = Network::new(Options::dash_24(60, now)).expect("valid");
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let mut versions = std::collections::BTreeSet::new();
    for _ in 0..14 {
        network.mine(9);
        let diff = prove(&server, &network.tip().1).await;
        versions.extend(entries(&diff).iter().map(|entry| entry["nVersion"].as_u64()));
        assert!(diff["mnList"][0].get("service").is_none());
    }
    assert_eq!(versions.into_iter().flatten().collect::<Vec<u64>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_lie_about_one_leaf_is_not_in_the_coinbase() {
    let network = super::network();
    network.mine(1);
    let server = Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn();
    let (_, tip) = network.tip();
    let masternode = network.masternodes().remove(4);
    let truth = result(&server, "protx", json!(["diff", 1, tip])).await;
    for field in [LeafField::Validity, LeafField::Address, LeafField::OperatorKey] {
        server.faults().set(Fault::LyingLeaf { masternode: masternode.clone(), field });
        let diff = result(&server, "protx", json!(["diff", 1, tip])).await;
        assert_eq!(diff["cbTx"], truth["cbTx"]);
        assert_ne!(root(entries(&diff)), committed(diff["cbTx"].as_str().expect("hex")), "{field:?}");
        let differing: Vec<&Value> = entries(&diff).iter().filter(|entry| !entries(&truth).contains(entry)).collect();
        assert_eq!(differing.len(), 1);
        assert_eq!(differing[0]["proRegTxHash"], json!(masternode));
        // The full list shows the same lie.
        let info = result(&server, "protx", json!(["info", masternode])).await;
        assert_eq!(info["state"]["pubKeyOperator"], differing[0]["pubKeyOperator"]);
        assert_eq!(info["state"]["PoSeBanHeight"] == json!(-1), differing[0]["isValid"] == true);
    }
    server.faults().clear();
    prove(&server, &tip).await;
}

#[tokio::test]
async fn each_release_spells_the_simplified_list_as_it_does() {
    let network = Network::new(Options { evo: 0, version: 180_202, ..Options::default() }).expect("valid");
    let server =
        Server::bind_with(network.clone(), "127.0.0.1:0", ServerOptions::default()).await.expect("a port").spawn();
    network.mine(1);
    let (height, _) = network.tip();
    let mut keys = Vec::new();
    for version in [180_202, 200_100, 230_102, 240_003] {
        server.set_software(Software::release(version));
        let diff = result(&server, "protx", json!(["diff", 1, height])).await;
        let names: Vec<String> = diff["mnList"][0].as_object().expect("an entry").keys().cloned().collect();
        keys.push(names.join(" "));
        assert_eq!(diff.get("quorumsCLSigs").is_some(), version >= 200_000);
    }
    let common = "confirmedHash isValid";
    assert_eq!(
        keys,
        [
            format!("{common} proRegTxHash pubKeyOperator service votingAddress"),
            format!("{common} nType nVersion proRegTxHash pubKeyOperator service votingAddress"),
            format!("addresses {common} nType nVersion proRegTxHash pubKeyOperator service votingAddress"),
            format!("addresses {common} nType nVersion proRegTxHash pubKeyOperator votingAddress"),
        ]
    );
    assert_eq!(error_code(&server, "protx", json!(["diff", 1, height + 1])).await, -1);
}
