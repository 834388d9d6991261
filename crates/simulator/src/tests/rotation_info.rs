//! `quorum rotationinfo` over its socket: a client that knows only the answers gets the members that the chain has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::client::{call, error_code, result};
use crate::list::List;
use crate::masternode::Masternode;
use crate::quorum_rotation::{Quarter, Shape, Snapshot, new_quarter, restore};
use crate::quorum_selection::{modifier_of, ranked};
use crate::random::{Hash256, unhex};
use crate::{Action, ActionError, Fault, LedgerKind, Network, Options, RunningServer, Server, Software};

/// What a client keeps: the lists by block, and a place for each masternode.
#[derive(Default)]
struct Client {
    lists: BTreeMap<Hash256, BTreeMap<Hash256, (Hash256, bool)>>,
    slots: BTreeMap<Hash256, u32>,
}

fn hash(value: &Value) -> Hash256 {
    Hash256::parse(value.as_str().expect("a text")).expect("a hash")
}

fn texts(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("an array").iter()
}

impl Client {
    /// Applies a `protx diff`; gives the block it leads to.
    fn apply(&mut self, diff: &Value) -> Hash256 {
        let base = self.lists.get(&hash(&diff["baseBlockHash"]));
        let mut list = base.cloned().unwrap_or_default();
        for gone in texts(&diff["deletedMNs"]) {
            list.remove(&hash(gone));
        }
        for entry in texts(&diff["mnList"]) {
            let id = hash(&entry["proRegTxHash"]);
            list.insert(id, (hash(&entry["confirmedHash"]), entry["isValid"] == true));
            let next = u32::try_from(self.slots.len()).expect("small");
            self.slots.entry(id).or_insert(next);
        }
        let block = hash(&diff["blockHash"]);
        self.lists.insert(block, list);
        block
    }

    fn list(&self, block: Hash256) -> List {
        let mut list = List::default();
        for (id, (confirmed, valid)) in &self.lists[&block] {
            let node = Masternode::registered(*id, self.slots[id], false, 1, *valid);
            list.replace(node.slot, Some(Masternode { confirmed: *confirmed, ..node }));
        }
        list
    }

    /// The members of each index of the cycle under way, from `quorum rotationinfo` and the coinbases alone.
    async fn members(&mut self, server: &RunningServer, tip: &str, (kind, shape): (u8, Shape)) -> Vec<Vec<String>> {
        let info = result(server, "quorum", json!(["rotationinfo", tip])).await;
        let mut quarters: Vec<Quarter> = Vec::new();
        for name in ["AtHMinus3C", "AtHMinus2C", "AtHMinusC", "H"] {
            let work = self.apply(&info[format!("mnListDiff{name}")]);
            let coinbase = &result(server, "getspecialtxes", json!([work, 5, 1, 0, 2])).await[0]["cbTx"];
            let signature = unhex(coinbase["bestCLSignature"].as_str().expect("hex"));
            let height = u32::try_from(coinbase["height"].as_u64().expect("a height")).expect("small");
            let modifier = modifier_of(kind, height, &signature.try_into().expect("96 bytes"));
            let list = self.list(work);
            let order = ranked(list.iter(), &modifier);
            let stored = &info[format!("quorumSnapshot{name}")];
            let quarter = if stored.is_null() {
                let previous: Vec<&Quarter> = quarters.iter().rev().collect();
                new_quarter(shape, &list, &order, &previous).0
            } else {
                let snapshot = Snapshot {
                    active: texts(&stored["activeQuorumMembers"]).map(|bit| *bit == true).collect(),
                    skips: texts(&stored["mnSkipList"]).map(|skip| skip.as_i64().expect("a position")).collect(),
                };
                assert_eq!(stored["mnSkipListMode"], json!(u8::from(!snapshot.skips.is_empty())));
                assert_eq!(snapshot.active.len(), list.registered());
                restore(shape, &order, &snapshot)
            };
            quarters.push(quarter);
        }
        let of_index = |index: usize| {
            let members = quarters.iter().flat_map(|quarter| &quarter[index]);
            members.map(|node| node.hash.to_string()).collect()
        };
        (0..shape.quorums).map(of_index).collect()
    }
}

/// The members of the quorums in use, by index, with whether each is valid.
async fn mined(server: &RunningServer, kind: u8, name: &str) -> BTreeMap<u64, (u64, Vec<(String, bool)>)> {
    let list = result(server, "quorum", json!(["listextended"])).await;
    let mut quorums = BTreeMap::new();
    for (id, fields) in texts(&list[name]).flat_map(|entry| entry.as_object().expect("an object")) {
        let info = result(server, "quorum", json!(["info", kind, id])).await;
        assert_eq!(info["quorumIndex"], fields["quorumIndex"]);
        let member =
            |member: &Value| (member["proTxHash"].as_str().expect("a hash").to_owned(), member["valid"] == true);
        let members = texts(&info["members"]).map(member).collect();
        let index = fields["quorumIndex"].as_u64().expect("an index");
        quorums.insert(index, (fields["creationHeight"].as_u64().expect("a height"), members));
    }
    quorums
}

const REGTEST: (u8, Shape) = (103, Shape { quorums: 2, quarter: 1 });
const MAINNET: (u8, Shape) = (5, Shape { quorums: 32, quarter: 15 });

async fn serve(network: &Network) -> RunningServer {
    Server::bind(network.clone(), "127.0.0.1:0").await.expect("a free port").spawn()
}

/// Mines to the block of a cycle in which the rotation is mined, and compares what a client computes.
async fn check_regtest(network: &Network, server: &RunningServer, client: &mut Client) -> Vec<Vec<String>> {
    while network.tip().0 % 24 != 12 {
        network.mine(1);
    }
    let (height, tip) = network.tip();
    let computed = client.members(server, &tip, REGTEST).await;
    for (index, (created, members)) in mined(server, 103, "llmq_test_dip0024").await {
        if created + 12 - index == u64::from(height) {
            let members: Vec<String> = members.into_iter().map(|(id, _)| id).collect();
            assert_eq!(members, computed[usize::try_from(index).expect("small")], "index {index} at {height}");
        }
    }
    network.mine(1);
    computed
}

#[tokio::test]
async fn a_client_computes_each_cycle_through_bans_revivals_and_removals() {
    let network = Network::new(Options { start_height: 552, ..Options::regtest(30, 3) }).expect("valid");
    let server = serve(&network).await;
    let mut client = Client::default();
    let seats = check_regtest(&network, &server, &mut client).await;
    let [banned, removed] = [&seats[0][3], &seats[1][3]];
    let fail = Action::FailDkg { masternode: banned.clone(), commitments: 2, quorum_type: Some(100) };
    network.mine_with(&[fail, Action::SpendCollateral { masternode: removed.clone() }]).expect("allowed");
    for cycle in 1..=3 {
        let seats = check_regtest(&network, &server, &mut client).await;
        assert_eq!((&seats[0][3 - cycle], &seats[1][3 - cycle]), (banned, removed), "both keep their seats");
        if cycle == 1 {
            // The seat of a removed node is invalid and no node is punished for it; at four of four no quorum forms.
            let (created, _) = mined(&server, 103, "llmq_test_dip0024").await[&1];
            assert!(created + 24 < u64::from(network.tip().0), "index 1 failed");
            network.mine_with(&[Action::Revive { masternode: banned.clone() }]).expect("allowed");
        }
        network.mine_with(&[Action::Register { evo: false, with_address: true }]).expect("allowed");
    }
    let seats = check_regtest(&network, &server, &mut client).await;
    assert!(!seats[1].contains(removed));
    for _ in 0..6 {
        check_regtest(&network, &server, &mut client).await;
    }
}

#[tokio::test]
async fn a_large_network_gives_no_node_two_seats_and_a_smaller_one_does() {
    for (masternodes, valid) in [(2_900, 2_030), (2_400, 1_680)] {
        let network = Network::new(Options::main(masternodes)).expect("valid");
        assert_eq!(network.counts().1, valid);
        let server = serve(&network).await;
        let offline = network.payment_queue(1).remove(0);
        network.set_offline(&offline, true).expect("listed");
        while network.tip().0 % 288 != 42 {
            network.mine(1);
        }
        let computed = Client::default().members(&server, &network.tip().1, MAINNET).await;
        let quorums = mined(&server, 5, "llmq_60_75").await;
        assert_eq!(quorums.len(), 32);
        let mut seats: BTreeMap<&String, usize> = BTreeMap::new();
        for (index, (_, members)) in &quorums {
            let names: Vec<&String> = members.iter().map(|(id, _)| id).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 60, "no node twice in one quorum");
            assert!(names.iter().copied().eq(&computed[usize::try_from(*index).expect("small")]));
            names.into_iter().for_each(|id| *seats.entry(id).or_default() += 1);
            assert!(members.iter().all(|(id, served)| *served != (*id == offline)));
        }
        let most = seats.values().max().copied();
        assert_eq!(most > Some(1), valid < 1_920, "{most:?} seats at most");
        let hits = network.ledger().into_iter().find_map(|entry| match entry.kind {
            LedgerKind::Penalty { hits, .. } if entry.masternode == offline => Some(hits as usize),
            _ => None,
        });
        assert_eq!(hits, seats.get(&offline).copied(), "one hit for each seat, all in one block");
    }
}

#[tokio::test]
async fn one_index_fails_and_its_quarter_counts_all_the_same() {
    let network = Network::new(Options { start_height: 552, ..Options::regtest(20, 0) }).expect("valid");
    let server = serve(&network).await;
    let mut client = Client::default();
    check_regtest(&network, &server, &mut client).await;
    let early = network.mine_with(&[Action::FailSession { quorum_type: 103, index: 1 }]);
    assert_eq!(early, Err(ActionError::NoSession(103, 1)));
    while network.tip().0 % 24 != 2 {
        network.mine(1);
    }
    network.mine_with(&[Action::FailSession { quorum_type: 103, index: 1 }]).expect("under way");
    let seats = check_regtest(&network, &server, &mut client).await;
    network.mine(9);
    let (height, tip) = network.tip();
    let quorums = mined(&server, 103, "llmq_test_dip0024").await;
    assert!(u64::from(height) - quorums[&0].0 < 24 && u64::from(height) - quorums[&1].0 > 24, "{quorums:?}");
    // The snapshot that the older quorum needs is given in addition to the others.
    let info = result(&server, "quorum", json!(["rotationinfo", tip])).await;
    assert_eq!((texts(&info["quorumSnapshotList"]).count(), texts(&info["mnListDiffList"]).count()), (1, 1));
    assert_eq!(texts(&info["lastCommitmentPerIndex"]).count(), 2);
    let next = check_regtest(&network, &server, &mut client).await;
    assert_eq!(next[1][..3], seats[1][1..], "the seats of the failed session stay");
    assert!(network.ledger().iter().all(|entry| !matches!(entry.kind, LedgerKind::Penalty { .. })));
}

#[tokio::test]
async fn a_reorganisation_across_a_work_block_seats_others() {
    let network = Network::new(Options { start_height: 552, ..Options::regtest(40, 0) }).expect("valid");
    let server = serve(&network).await;
    let mut client = Client::default();
    check_regtest(&network, &server, &mut client).await;
    while network.tip().0 % 24 != 17 {
        network.mine(1);
    }
    let at = |back: u32| network.block_hash(network.tip().0 - back).expect("a block");
    let work = at(1);
    network.mine(8);
    let (_, before) = network.tip();
    let old = client.members(&server, &before, REGTEST).await;
    network.reorg(10, &vec![vec![]; 10]).expect("kept");
    assert_ne!(network.block_hash(network.tip().0 - 9), Some(work));
    let new = check_regtest(&network, &server, &mut client).await;
    assert_ne!(old, new);
    assert_eq!(old[0][..3], new[0][..3], "the older quarters stay");
    assert_eq!(error_code(&server, "quorum", json!(["rotationinfo", before])).await, -32600, "no longer on the chain");
}

#[tokio::test]
async fn with_too_few_nodes_one_sits_twice_and_cannot_serve_its_second_seat() {
    // A quorum of 60 has fewer nodes than seats: quarters are short, and full again once they are older.
    let network = Network::new(Options { shrink_quorums: false, ..Options::main(83) }).expect("valid");
    assert_eq!(network.counts().1, 59);
    let server = serve(&network).await;
    while network.tip().0 % 288 != 42 {
        network.mine(1);
    }
    let computed = Client::default().members(&server, &network.tip().1, MAINNET).await;
    let quorums = mined(&server, 5, "llmq_60_75").await;
    let mut doubles = 0;
    for (index, (_, members)) in &quorums {
        assert!(members.iter().map(|(id, _)| id).eq(&computed[usize::try_from(*index).expect("small")]));
        let mut first = BTreeSet::new();
        for (id, served) in members {
            assert_eq!(*served, first.insert(id), "the second seat of {id} is invalid");
            doubles += usize::from(!served);
        }
    }
    assert!(doubles > 0, "{} quorums formed", quorums.len());
    let hits = network.ledger().into_iter().map(|entry| match entry.kind {
        LedgerKind::Penalty { hits, .. } => hits as usize,
        _ => 0,
    });
    assert_eq!(hits.sum::<usize>(), doubles);
}

#[tokio::test]
async fn base_blocks_shorten_the_answer_in_the_spelling_of_each_release() {
    let network = Network::new(Options { start_height: 552, ..Options::regtest(12, 0) }).expect("valid");
    let server = serve(&network).await;
    network.mine(30);
    let (height, tip) = network.tip();
    let cycle = height - height % 24;
    let works: Vec<String> = (0..5).map(|back| network.block_hash(cycle - 8 - back * 24).expect("a block")).collect();
    let sizes = |info: &Value| -> Vec<usize> {
        let names = ["AtHMinus3C", "AtHMinus2C", "AtHMinusC", "H", "Tip"];
        names.map(|name| texts(&info[format!("mnListDiff{name}")]["mnList"]).count()).to_vec()
    };
    for (version, plain) in [(180_202, [12; 5]), (220_000, [12; 5]), (230_102, [12, 0, 0, 0, 0])] {
        server.set_software(Software::release(version));
        let info = result(&server, "quorum", json!(["rotationinfo", tip])).await;
        assert_eq!(sizes(&info), plain, "{version}");
        assert!(info.get("quorumSnapshotAtHMinus4C").is_none());
        let separate: Vec<Value> = [json!("rotationinfo"), json!(tip), json!(true)]
            .into_iter()
            .chain(works.iter().map(|hash| json!(hash)))
            .collect();
        let array = json!(["rotationinfo", tip, true, works]);
        let (good, bad) = if version >= 230_000 { (array, json!(separate)) } else { (json!(separate), array) };
        let info = result(&server, "quorum", good).await;
        // Up to v22 a base lies below its target, so the oldest list of all is whole.
        assert_eq!(sizes(&info), [0; 5]);
        let oldest = &info["mnListDiffAtHMinus4C"];
        assert_eq!(texts(&oldest["mnList"]).count(), if version < 220_102 { 12 } else { 0 });
        assert_eq!(oldest["blockHash"], json!(works[4]));
        assert!(info["quorumSnapshotAtHMinus4C"].is_object());
        assert_ne!(call(&server, "quorum", bad).await.status, 200, "{version}");
    }
    server.set_software(Software::release(170_003));
    assert_ne!(call(&server, "quorum", json!(["rotationinfo", tip])).await.status, 200);
}

#[tokio::test]
async fn a_node_without_snapshots_or_with_another_chain_says_so() {
    let network = Network::new(Options { history: 100, ..Options::default() }).expect("valid");
    let server = serve(&network).await;
    network.mine(1);
    let (_, tip) = network.tip();
    let asked = json!(["rotationinfo", tip]);
    let refusal = |answer: Value| answer["error"].clone();
    server.faults().set(Fault::MissingSnapshots);
    let error = refusal(call(&server, "quorum", asked.clone()).await.json());
    assert_eq!(error, json!({ "code": -32600, "message": "Can not find quorum snapshot H-C" }));
    server.faults().set_for(Fault::Forbidden, &["quorum rotationinfo"]);
    assert_eq!(call(&server, "quorum", asked.clone()).await.status, 403);
    server.faults().clear();
    result(&server, "quorum", asked).await;
    let unknown = json!(["rotationinfo", "11".repeat(32)]);
    assert_eq!(error_code(&server, "quorum", unknown).await, -32600);
    // Behind by more than eight blocks: the newest cycle is one that the chain is past.
    server.set_lag(1);
    assert_eq!(error_code(&server, "quorum", json!(["rotationinfo", tip])).await, -32600);
    server.set_lag(0);
    // Once the lists of the old work blocks are gone, as on a pruned node.
    network.mine(110);
    let (_, tip) = network.tip();
    let error = refusal(call(&server, "quorum", json!(["rotationinfo", tip, true])).await.json());
    assert_eq!(error, json!({ "code": -32600, "message": "Can not find quorum snapshot H-4C" }));
}
