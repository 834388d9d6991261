//! Members of the next sessions: the members computed from the list match those of the network's quorums.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use domain::dkg::REGTEST;
use domain::quorum_selection::{Sml, SmlDiff};
use domain::{Block, BlockHash, Height, MasternodeId, UnixSeconds};
use masternode_exporter::rpc::dash::{quorums, sml_diff};
use simulator::{Action, Fault, Network, Options};

use crate::support::harness::{Stage, fail};

const SEAT: &str = "masternode_dkg_seat";
const DRAWN: &str = "masternode_network_dkg_drawn_height";

/// Quorums of a private network of Dash Core v23.1.2, each line those of one block: the inputs of the selection eight
/// blocks before, and the members. 9 masternodes, 3 of them Evo; at first without a ChainLock, at the end with one of
/// the Evo nodes banned, so that quorums of three are formed by two.
fn recorded() -> Vec<serde_json::Value> {
    let file = format!("{}/tests/fixtures/dash/v23.1.2/seats/quorums.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&std::fs::read(file).unwrap()[..]).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn change(body: &[u8], block: &BlockHash) -> SmlDiff {
    SmlDiff::from(&sml_diff::sml_diff(body, block).unwrap())
}

#[test]
fn recorded_quorums_have_the_computed_members_in_order() {
    let mut carried = Sml::default();
    let (mut without_chainlock, mut compared) = (0, BTreeMap::new());
    for line in recorded() {
        let body = |name: &str| line[name].as_str().map(str::as_bytes);
        let hash: BlockHash = BlockHash(line["lot"]["hash"].as_str().unwrap().parse().unwrap());
        let height = Height(line["lot"]["height"].as_u64().unwrap() as u32);
        let block = Block { height, hash, time: UnixSeconds(0) };
        let lot = sml_diff::quorum_modifier_input(body("coinbase").unwrap(), &block).unwrap().expect("v20 is active");
        without_chainlock += u32::from(lot.chainlock.is_none());
        let mut whole = Sml::default();
        whole.apply(&change(body("roll").unwrap(), &hash));
        match body("change") {
            Some(body) => carried.apply(&change(body, &hash)),
            None => carried = whole.clone(),
        }
        assert_eq!(carried, whole, "what changed makes the same of the list before");
        for (id, info) in line["quorums"].as_object().unwrap() {
            let kind = REGTEST.iter().find(|kind| kind.id.to_string() == *id).unwrap();
            let quorum = quorums::members(info.as_str().unwrap().as_bytes()).unwrap();
            assert_eq!(quorum.height, height.after(8));
            let members: Vec<MasternodeId> = quorum.members.into_iter().map(|(id, _)| id).collect();
            if kind.quorums == 1 {
                assert_eq!(whole.draw(kind, &lot), Some(members), "{} of block {}", kind.name, quorum.height);
                *compared.entry(kind.name).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(without_chainlock, 2);
    assert_eq!(compared, BTreeMap::from([("llmq_test", 8), ("llmq_test_v17", 3), ("llmq_test_platform", 8)]));
}

#[test]
fn an_answer_of_another_block_or_without_inputs_is_refused() {
    let line = recorded().remove(2);
    let text = |name: &str| line[name].as_str().unwrap().to_string();
    let hash: BlockHash = BlockHash(line["lot"]["hash"].as_str().unwrap().parse().unwrap());
    let other = BlockHash("11".repeat(32).parse().unwrap());
    assert!(sml_diff::sml_diff(text("roll").as_bytes(), &other).is_err());
    for (from, to) in
        [("\"confirmedHash\":\"", "\"confirmedHash\":\"x"), ("\"isValid\"", "\"valid\""), ("\"mnList\"", "\"list\"")]
    {
        assert!(sml_diff::sml_diff(text("roll").replace(from, to).as_bytes(), &hash).is_err(), "{to}");
    }
    let block = Block { height: Height(256), hash, time: UnixSeconds(0) };
    let lot = |text: String| sml_diff::quorum_modifier_input(text.as_bytes(), &block);
    assert!(lot(text("coinbase").replace("\"bestCLSignature\":\"", "\"bestCLSignature\":\"+")).is_err());
    assert!(lot(text("coinbase").replace("\"bestCLSignature\"", "\"signature\"")).is_err(), "v20 names one");
    assert_eq!(
        lot(text("coinbase").replace("\"version\":3,\"height\"", "\"version\":2,\"height\"")),
        Ok(None),
        "before v20"
    );
}

/// The non-rotating types of the small network.
const TYPES: [&str; 3] = ["llmq_test", "llmq_test_v17", "llmq_test_platform"];

/// Mines up to the work block of the next sessions.
fn mine_to_the_lot(network: &Network) -> u32 {
    let lot = network.tip().0 + 24 - (network.tip().0 + 8) % 24;
    network.mine((lot - network.tip().0) as usize);
    lot
}

/// How often the list of candidates was requested.
fn asked(stage: &Stage) -> u64 {
    stage.servers[0].handle().calls().get("protx diff").copied().unwrap_or_default()
}

/// The members of a session of this type, as the page shows them for all watched masternodes.
async fn drawn(stage: &Stage, quorum_type: &str) -> BTreeSet<String> {
    let (snapshot, page) = (stage.snapshot().unwrap(), stage.page().await);
    let drawing = snapshot.facts().drawings.iter().find(|drawing| drawing.kind.name == quorum_type).unwrap();
    let ids = snapshot.list().masternodes().iter().map(|masternode| masternode.id);
    let drawn: BTreeSet<String> = ids.filter(|id| drawing.seats(id)).map(|id| id.to_string()).collect();
    for node in snapshot.watched() {
        let id = node.watched.id.to_string();
        let evo = stage.network.masternode(&id).unwrap().evo;
        let expected = (evo || quorum_type != "llmq_test_platform").then(|| f64::from(u8::from(drawn.contains(&id))));
        assert_eq!(page.value(SEAT, &[("masternode", &id), ("quorum_type", quorum_type)]), expected);
    }
    drawn
}

/// The members of the quorum of this type that was formed since a height.
fn members(network: &Network, quorum_type: &str, since: u32) -> BTreeSet<String> {
    let sessions = network.sessions_since(since);
    let (_, _, members) = sessions.into_iter().find(|(_, kind, _)| *kind == quorum_type).expect("a session has ended");
    members.expect("a quorum formed").into_iter().map(|(id, _)| id).collect()
}

#[tokio::test]
async fn members_are_known_eight_blocks_before_their_session_begins() {
    let mut stage = Stage::following().await;
    let mut seen = BTreeSet::new();
    for round in 0..6 {
        let lot = mine_to_the_lot(&stage.network);
        stage.poll().await;
        let mut reported = Vec::new();
        for kind in TYPES {
            stage.page().await.expect(DRAWN, &[("quorum_type", kind)], f64::from(lot + 8));
            reported.push(drawn(&stage, kind).await);
        }
        // Events in between change no member: a ban, a new node, another payee.
        let banned = stage.masternode(round);
        stage.network.mine_with(&[fail(&banned, 2), Action::Register { evo: true, with_address: true }]).unwrap();
        stage.network.mine(18);
        stage.poll().await;
        for (kind, reported) in TYPES.iter().zip(reported) {
            assert_eq!(reported, members(&stage.network, kind, lot + 10), "{kind} of block {}", lot + 8);
            seen.insert((kind.to_string(), reported));
        }
        stage.network.mine_with(&[Action::Revive { masternode: banned }]).unwrap();
    }
    assert!(seen.len() > 9, "others are drawn each time: {seen:?}");
}

#[tokio::test]
async fn a_start_in_the_middle_of_a_session_knows_its_members_and_the_next_ones() {
    let network_at = |blocks: usize| async move {
        let mut stage = Stage::small().await;
        let lot = mine_to_the_lot(&stage.network);
        stage.network.mine(blocks);
        stage.poll().await;
        (stage, lot)
    };
    // Blocks after the work block, start height of the reported session: 8 + 18 blocks later the first session can form
    // no quorum any more, 24 blocks later the next one is decided.
    for (blocks, expected) in [(0, Some(8)), (13, Some(8)), (23, Some(8)), (24, Some(32))] {
        let (stage, lot) = network_at(blocks).await;
        let reported = stage.page().await.value(DRAWN, &[("quorum_type", "llmq_test")]);
        assert_eq!(reported, expected.map(|start: u32| f64::from(lot + start)), "{blocks} blocks after the lot");
    }
}

#[tokio::test]
async fn a_reorganisation_across_the_work_block_selects_members_again() {
    let mut others = BTreeSet::new();
    for depth in 1..5 {
        let mut stage = Stage::following().await;
        let lot = mine_to_the_lot(&stage.network);
        stage.poll().await;
        let before = drawn(&stage, "llmq_test").await;
        stage.network.reorg(depth, &vec![vec![]; depth + 1]).unwrap();
        stage.poll().await;
        let after = drawn(&stage, "llmq_test").await;
        stage.network.mine(18);
        assert_eq!(after, members(&stage.network, "llmq_test", lot + 10), "depth {depth}");
        others.extend((after != before).then_some(after));
    }
    assert!(!others.is_empty(), "another block decides for others");
}

#[tokio::test]
async fn a_refused_method_affects_only_the_memberships() {
    let mut stage = Stage::small().await;
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx diff"]);
    let lot = mine_to_the_lot(&stage.network);
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_list_height", &[], f64::from(lot));
    assert_eq!((page.count(SEAT), page.count(DRAWN)), (0, 0));
    assert!(page.value("masternode_dkg_sessions_per_day", &[("alias", "mn-0")]).is_some(), "exposure stays a rate");
    let before = asked(&stage);
    stage.mine(&[]).await;
    assert_eq!(asked(&stage), before, "it is not asked again");
}

#[tokio::test]
async fn data_of_a_finished_session_is_not_reported_for_the_next() {
    // The proof of the list would ask again once in 24 blocks.
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.ask.proof = false).await;
    stage.poll().await;
    mine_to_the_lot(&stage.network);
    stage.poll().await;
    assert!(stage.page().await.count(SEAT) > 0);
    // The node no longer answers requests about the next sessions; the list still arrives.
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx diff"]);
    stage.network.mine(24);
    stage.poll().await;
    let page = stage.page().await;
    page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
    for kind in TYPES {
        page.expect_absent(SEAT, &[("alias", "mn-0"), ("quorum_type", kind)]);
        page.expect_absent(DRAWN, &[("quorum_type", kind)]);
    }
    // That of a rotating type is not over yet; the next one is not known either.
    assert_eq!(page.count(DRAWN), 1);
    let before = asked(&stage);
    stage.mine(&[]).await;
    assert_eq!(asked(&stage), before, "it is not asked again");
    stage.network.mine(3);
    stage.poll().await;
    let page = stage.page().await;
    assert_eq!(page.count(SEAT), 0);
}

#[tokio::test]
async fn no_request_is_sent_if_disabled() {
    let mut stage = Stage::with(Options::default(), 1, |settings| {
        (settings.ask.seats, settings.ask.proof) = (false, false);
    })
    .await;
    mine_to_the_lot(&stage.network);
    stage.poll().await;
    assert_eq!(asked(&stage), 0);
    assert_eq!(stage.snapshot().unwrap().facts().drawings.len(), 0);
}

#[tokio::test]
async fn a_session_is_requested_once() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.ask.proof = false).await;
    stage.poll().await;
    let lot = mine_to_the_lot(&stage.network);
    stage.poll().await;
    let before = asked(&stage);
    for _ in 0..15 {
        stage.mine(&[]).await;
    }
    assert_eq!(asked(&stage), before);
    stage.network.mine(24 - 15);
    stage.poll().await;
    assert_eq!(asked(&stage), before + 2, "what changed since, in one call for each of the two lists");
    let start = stage.snapshot().unwrap().facts().drawings[0].start;
    assert_eq!(start, Height(lot + 32));
}
