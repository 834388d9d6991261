//! The vectors in `docs/vectors`, which another implementation in another language wrote: the rules of this crate give the same
//! results.
//!
//! Never here: results that this crate computed.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use masternode_domain::dkg::QuorumType;
use masternode_domain::event::{EventKind, diff};
use masternode_domain::list_proof::leaf::LeafFields;
use masternode_domain::list_proof::tree::MerkleTree;
use masternode_domain::masternode::{BlockHash, Hash, Height, Masternode, MasternodeId, NodeType, Score};
use masternode_domain::payment::queue::{EvoPayments, positions};
use masternode_domain::pose::CONSENSUS;
use masternode_domain::quorum_selection::{QuorumModifierInput, SelectedQuorum, Sml, SmlDiff, SmlEntry};
use masternode_domain::samples::{list, masternode};
use serde_json::Value;

macro_rules! vectors {
    ($file:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../docs/vectors/", $file))).unwrap()
    };
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

/// A height; 0 and null are none.
fn height(value: &Value) -> Option<Height> {
    value.as_u64().filter(|height| *height > 0).map(|height| Height(height.try_into().unwrap()))
}

fn hash(value: &Value) -> Hash {
    value.as_str().unwrap().parse().unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    let text = value.as_str().unwrap();
    assert_eq!(text.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn node_type(value: &Value) -> NodeType {
    if value.as_bool().unwrap() { NodeType::Evo } else { NodeType::Regular }
}

fn each(value: &Value) -> &Vec<Value> {
    let values = value.as_array().unwrap();
    assert!(!values.is_empty(), "vectors are missing");
    values
}

#[test]
fn levels_of_scores() {
    for level in each(&vectors!("pose.json")["levels"]) {
        let limits = CONSENSUS.limits(number(&level["registered"]) as usize);
        let expected = [&level["limit"], &level["points"], &level["safe_level"]].map(number);
        assert_eq!([limits.limit, limits.step, limits.safe_level()], expected, "{level}");
    }
}

#[test]
fn walks_of_scores() {
    for walk in each(&vectors!("pose.json")["walks"]) {
        let limits = CONSENSUS.limits(number(&walk["registered"]) as usize);
        let (mut score, mut is_banned) = (0_u32, false);
        for step in each(&walk["steps"]) {
            let decays = if is_banned { 0 } else { CONSENSUS.decays(Height(7), number(&step["blocks"])) };
            score = score.saturating_sub(decays);
            for _ in 0..number(&step["failures"]) {
                is_banned |= limits.bans(score);
                score = limits.punish(score);
            }
            assert_eq!((score, is_banned), (number(&step["score"]), step["banned"].as_bool().unwrap()), "{walk}");
        }
    }
}

#[test]
fn the_order_of_payments() {
    for case in each(&vectors!("payment_order.json")["cases"]) {
        let registered = |node: &Value| Masternode {
            id: MasternodeId::ProTx(hash(&node["pro_tx_hash"])),
            registered_height: height(&node["registered_height"]).into(),
            last_paid_height: height(&node["last_paid_height"]),
            revived_height: height(&node["revived_height"]),
            ban_height: node["banned"].as_bool().unwrap().then_some(Height(999)),
            ..masternode(1)
        };
        let list = list(number(&case["height"]), each(&case["masternodes"]).iter().map(registered).collect());
        let positions = positions(&list, EvoPayments::Once);
        let mut order: Vec<_> = list
            .masternodes()
            .iter()
            .zip(positions)
            .filter_map(|(node, position)| Some((position?, node.id.to_string())))
            .collect();
        order.sort();
        let order: Vec<Value> = order.into_iter().map(|(_, id)| id.into()).collect();
        assert_eq!(&order, each(&case["order"]), "{}", case["name"]);
    }
}

#[test]
fn members_of_quorums() {
    for case in each(&vectors!("quorum_selection.json")["cases"]) {
        let entry = |node: &Value| SmlEntry {
            pro_tx: hash(&node["pro_tx_hash"]),
            confirmed: (!node["confirmed_hash"].is_null()).then(|| hash(&node["confirmed_hash"])),
            node_type: node_type(&node["evo"]),
            valid: node["valid"].as_bool().unwrap(),
            address: None,
            operator_key: None,
        };
        let mut sml = Sml::default();
        sml.apply(&SmlDiff { removed: vec![], entered: each(&case["masternodes"]).iter().map(entry).collect() });
        let work = &case["work_block"];
        let signature = &work["chainlock_signature"];
        let input = QuorumModifierInput {
            height: Height(number(&work["height"])),
            hash: BlockHash(hash(&work["hash"])),
            chainlock: (!signature.is_null()).then(|| bytes::<96>(signature).to_vec()),
        };
        let kind = QuorumType {
            id: number(&case["quorum_type"]).try_into().unwrap(),
            name: "vectors",
            size: number(&case["size"]),
            minimum: 1,
            interval: 24,
            quorums: 1,
            window_start: 10,
            window_end: 18,
            busy_until: 18,
            evo_only: case["evo_only"].as_bool().unwrap(),
        };
        let quorum = SelectedQuorum::new(kind, &input, &sml).unwrap();
        let members: Vec<Value> = quorum.in_order().iter().map(|id| id.to_string().into()).collect();
        assert_eq!(&members, each(&case["members"]), "type {}", case["quorum_type"]);
    }
}

#[test]
fn leaves_and_roots_of_lists() {
    for case in each(&vectors!("list_root.json")["cases"]) {
        let mut tree = MerkleTree::default();
        for node in case["masternodes"].as_array().unwrap() {
            let is_evo = node["evo"].as_bool().unwrap();
            let fields = LeafFields {
                version: number(&node["version"]).try_into().unwrap(),
                pro_tx: hash(&node["pro_tx_hash"]),
                confirmed: (!node["confirmed_hash"].is_null()).then(|| hash(&node["confirmed_hash"])),
                addresses: [node["address"].as_str().map(str::to_string).into_iter().collect(), vec![], vec![]],
                operator_key: bytes(&node["operator_key"]),
                voting_key: Some(bytes(&node["voting_key_hash"])),
                valid: node["valid"].as_bool().unwrap(),
                node_type: node_type(&node["evo"]),
                http_port: is_evo.then(|| number(&node["platform_http_port"]).try_into().unwrap()),
                platform_node: if is_evo { bytes(&node["platform_node_id"]) } else { [0; 20] },
            };
            let leaf = fields.leaf().unwrap();
            assert_eq!(leaf, hash(&node["leaf"]).in_memory_order(), "{node}");
            tree.set(fields.pro_tx, leaf);
        }
        assert_eq!(tree.root(), hash(&case["root"]).in_memory_order());
    }
}

#[test]
fn events_between_two_lists() {
    let vectors = vectors!("events.json");
    for case in each(&vectors["cases"]) {
        let at = number(&case["height"]);
        let is_paid = |node: &Value| node["last_paid"] == at;
        let is_payee = is_paid(&case["after"]);
        let one = |node: &Value| {
            (!node.is_null()).then(|| Masternode {
                pose_score: Some(Score(number(&node["score"]))),
                ban_height: height(&node["banned_at"]),
                revived_height: height(&node["revived_at"]),
                last_paid_height: height(&node["last_paid"]),
                ..masternode(1)
            })
        };
        let others =
            |last: u32| (2..=10).map(move |id| Masternode { last_paid_height: Some(Height(last)), ..masternode(id) });
        let before = list(at - 1, one(&case["before"]).into_iter().chain(others(400)).collect());
        let mut after: Vec<Masternode> = one(&case["after"]).into_iter().chain(others(400)).collect();
        if !is_payee {
            after.last_mut().unwrap().last_paid_height = Some(Height(at));
        }
        let events = diff(&before, &list(at, after), Some(&CONSENSUS));
        let of_it = events.iter().filter(|event| event.masternode == masternode(1).id);
        let happened: Vec<Value> = of_it
            .map(|event| match &event.kind {
                EventKind::Penalty { points, failures, .. } => {
                    format!("penalty {points} points, {failures} failure{}", if *failures == 1 { "" } else { "s" })
                        .into()
                }
                other => other.name().into(),
            })
            .collect();
        assert_eq!(&happened, case["events"].as_array().unwrap(), "{}", case["name"]);
    }
}
