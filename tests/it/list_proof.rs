//! The proof of a masternode list, over lists that real nodes of versions 23.1.2 and 24 recorded.

use std::collections::BTreeSet;
use std::io::Read;

use domain::list_proof::{CoinbaseError, LeafError, LeafFields, ListProof, ProofDiff, Proven};
use domain::{BlockHash, Hash, NodeType};
use masternode_exporter::rpc::dash::sml_diff::sml_diff;
use serde_json::Value;
use sha2::{Digest, Sha256};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/dash");

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{FIXTURES}/{path}")).unwrap()
}

/// Recorded answers to `protx diff 1 <height>`: the folder and the file.
fn recorded() -> Vec<String> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(format!("{FIXTURES}/v24")).unwrap().map(|entry| entry.unwrap()) {
        let Ok(files) = std::fs::read_dir(folder.path()) else { continue };
        for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            if file.starts_with("protx_diff") {
                found.push(format!("v24/{}/{file}", folder.file_name().into_string().unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A recorded answer as the decoder gets it, its block, and its whole text.
fn answer(path: &str) -> (ProofDiff, Value) {
    let value: Value = serde_json::from_str(&read(path)).unwrap();
    let whole =
        if value.get("result").is_some() { value } else { serde_json::json!({ "result": value, "error": null }) };
    let hash = BlockHash(whole["result"]["blockHash"].as_str().unwrap().parse().unwrap());
    (sml_diff(whole.to_string().as_bytes(), &hash).unwrap(), whole["result"].clone())
}

fn double(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}

fn printed(mut hash: [u8; 32]) -> Hash {
    hash.reverse();
    Hash(hash)
}

/// Lists of a development build after an entry of version 1 was migrated: it prints that entry's key in the legacy form, which
/// only the entry before tells from the basic one (docs/spec/dash-24.md#operator-key-encodings).
const PRINTED_IN_LEGACY_FORM: &[&str] = &["v24/addresses/", "v24/payout-change/", "v24/revoked/"];

#[test]
fn every_recorded_list_has_the_root_that_its_block_commits_to() {
    let (mut versions, mut hidden, mut port) = (BTreeSet::new(), 0, None);
    assert!(recorded().len() >= 15, "{:?}", recorded());
    for path in recorded() {
        let (mut diff, wire) = answer(&path);
        for entry in diff.entered.iter_mut().filter(|entry| entry.leaf() == Err(LeafError::HiddenPort)) {
            hidden += 1;
            entry.http_port = port;
        }
        let mut proof = ListProof::default();
        if PRINTED_IN_LEGACY_FORM.iter().any(|folder| path.starts_with(folder)) {
            proof.apply(&answer("v24/banned/protx_diff_1_307.json").0);
        }
        proof.apply(&diff);
        let (committed, outcome) = proof.check(&diff, &root_of(&diff)).unwrap();
        assert_eq!(printed(committed.list_root).to_string(), wire["merkleRootMNList"], "{path}");
        assert_eq!(outcome, Proven::Proven, "{path}");
        versions.extend(proof.entries().map(|entry| (entry.version, entry.node_type == NodeType::Evo)));
        // No answer contains the port of an Evo node that never had an address: the first time it is searched.
        port = port.or(proof.entries().find_map(|entry| entry.http_port));
    }
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), [(1, false), (2, false), (2, true), (3, false), (3, true)]);
    assert!(hidden > 5, "{hidden}");
}

#[test]
fn the_header_of_a_recorded_block_has_the_root_that_its_coinbase_leads_to() {
    let path = "v24/active/protx_diff_1_239.json";
    let (diff, _) = answer(path);
    let block: Value = serde_json::from_str(&read("v24/active/getblock_2.json")).unwrap();
    let block = block.get("result").unwrap_or(&block);
    assert_eq!(block["hash"], answer(path).1["blockHash"]);
    assert_eq!(block["merkleroot"], root_of(&diff).to_string());
    let mut proof = ListProof::default();
    proof.apply(&diff);
    let other = Hash([1; 32]);
    assert_eq!(proof.check(&diff, &other), Err(CoinbaseError::OtherBlock));
}

/// Leaves that the node's own class made of entries of every version and kind of address.
#[test]
fn leaves_equal_those_of_the_nodes_own_class() {
    let vectors: Vec<Value> = serde_json::from_str(&read("v24/leaf-vectors.json")).unwrap();
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        let text = vector["network_bytes"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
        let version = vector["version"].as_u64().unwrap() as u16;
        let is_evo = vector["evo"].as_bool().unwrap();
        let (front, end) = (&bytes[2..], bytes.len());
        let behind = match (version, is_evo) {
            (1, _) => 0,
            (2, true) => 2 + 2 + 20,
            (3, true) => 2 + 20,
            _ => 2,
        };
        let valid = end - behind - 1;
        let addresses = ["core_p2p", "platform_p2p", "platform_https"].map(|purpose| {
            let entries = vector["addresses"][purpose].as_array().cloned().unwrap_or_default();
            entries.iter().map(|entry| entry.as_str().unwrap().to_string()).collect()
        });
        let http_port = (version == 2 && is_evo).then(|| u16::from_le_bytes([bytes[end - 22], bytes[end - 21]]));
        let mut platform_node = [0; 20];
        if is_evo {
            platform_node.copy_from_slice(&bytes[end - 20..]);
        }
        let fields = LeafFields {
            version,
            pro_tx: printed(front[..32].try_into().unwrap()),
            confirmed: Some(printed(front[32..64].try_into().unwrap())),
            addresses,
            operator_key: bytes[valid - 68..valid - 20].try_into().unwrap(),
            voting_key: Some(bytes[valid - 20..valid].try_into().unwrap()),
            valid: bytes[valid] == 1,
            node_type: if is_evo { NodeType::Evo } else { NodeType::Regular },
            http_port,
            platform_node,
        };
        let leaf = fields.leaf().unwrap_or_else(|error| panic!("{vector}: {error}"));
        assert_eq!(printed(leaf).to_string(), vector["leaf"], "{vector}");
    }
}

/// The lists of the recorded private network, each by what changed since the one before.
fn chain() -> Vec<(ProofDiff, Option<ProofDiff>)> {
    let mut text = String::new();
    let file = std::fs::read(format!("{FIXTURES}/v23.1.2/seats/quorums.jsonl.gz")).unwrap();
    flate2::read::GzDecoder::new(&file[..]).read_to_string(&mut text).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let diff = |line: &Value, name: &str| {
        let hash = BlockHash(line["lot"]["hash"].as_str().unwrap().parse().unwrap());
        Some(sml_diff(line[name].as_str()?.as_bytes(), &hash).unwrap())
    };
    lines.map(|line| (diff(&line, "roll").unwrap(), diff(&line, "change"))).collect()
}

#[test]
fn a_list_that_is_carried_by_its_changes_stays_proven_and_any_flipped_field_is_a_mismatch() {
    let mut carried = ListProof::default();
    let mut checked = 0;
    for (whole, change) in chain() {
        let change = change.unwrap_or_else(|| whole.clone());
        carried.apply(&change);
        let mut fresh = ListProof::default();
        fresh.apply(&whole);
        assert!(carried.entries().eq(fresh.entries()));
        let root = root_of(&whole);
        assert_eq!(carried.check(&whole, &root).unwrap().1, Proven::Proven);
        assert_eq!(fresh.check(&whole, &root).unwrap().1, Proven::Proven);
        for (index, entry) in whole.entered.iter().enumerate() {
            for lie in lies(entry) {
                let mut lying = carried.clone();
                lying.apply(&ProofDiff { removed: Vec::new(), entered: vec![lie], ..whole.clone() });
                assert_eq!(lying.check(&whole, &root).unwrap().1, Proven::Mismatch, "entry {index}");
                // The truth again makes the same tree.
                lying.apply(&ProofDiff { removed: Vec::new(), entered: vec![entry.clone()], ..whole.clone() });
                assert_eq!(lying.check(&whole, &root).unwrap().1, Proven::Proven);
                checked += 1;
            }
            let mut short = carried.clone();
            short.apply(&ProofDiff { removed: vec![entry.pro_tx], entered: Vec::new(), ..whole.clone() });
            assert_eq!(short.check(&whole, &root).unwrap().1, Proven::Mismatch);
            short.apply(&ProofDiff { removed: Vec::new(), entered: vec![entry.clone()], ..whole.clone() });
            assert_eq!(short.check(&whole, &root).unwrap().1, Proven::Proven);
        }
    }
    assert!(checked > 300, "{checked}");
}

/// The entry with one field that is not what the chain has.
fn lies(entry: &LeafFields) -> Vec<LeafFields> {
    let with = |change: &dyn Fn(&mut LeafFields)| {
        let mut lie = entry.clone();
        change(&mut lie);
        lie
    };
    vec![
        with(&|lie| lie.valid = !lie.valid),
        with(&|lie| lie.operator_key[7] ^= 1),
        with(&|lie| lie.addresses[0] = vec!["127.0.0.1:1".into()]),
        with(&|lie| lie.voting_key = lie.voting_key.map(|key| key.map(|byte| byte ^ 1))),
        with(&|lie| lie.confirmed = None),
    ]
}

/// The root of the block's transactions, from the branch.
fn root_of(diff: &ProofDiff) -> Hash {
    let count = usize::from(diff.branch[4]);
    let hashes: Vec<[u8; 32]> =
        (0..count).map(|at| diff.branch[5 + 32 * at..37 + 32 * at].try_into().unwrap()).collect();
    // The coinbase is the first: each further hash is the branch beside it, from the bottom up, and the odd last one its own.
    let mut at = double(&diff.coinbase);
    assert_eq!(at, hashes[0]);
    for other in &hashes[1..] {
        at = double(&[at, *other].concat());
    }
    printed(at)
}
