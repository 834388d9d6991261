//! The proof of the list while a network is followed: every block is proven, and a wrong answer of a node is caught in the block
//! in which it arrives.

use std::collections::BTreeSet;

use domain::condition::{Catalogue, Evaluation, Memory, ThresholdSettings, Verdict, evaluate};
use domain::list_proof::ListProofStatus;
use domain::samples::evaluation_input;
use domain::{Height, NodeType};
use masternode_exporter::follower::FollowerSettings;
use masternode_exporter::rpc::dialect;
use serde_json::{Value, json};
use simulator::{Action, Fault, LeafField, Options};

use crate::pages;
use crate::support::conditions::moment;
use crate::support::harness::{NOW, Stage, fail};

const PROVEN: &str = "masternode_network_list_proven_height";
const SCORES: &str = "masternode_network_scores_checked_height";
const DISAGREEMENTS: &str = "masternode_exporter_score_disagreements_total";
const TRUST: &str = "masternode_exporter_source_list_proven";
const REFUTED: &str = "MasternodeExporterListRefuted";
const UNPROVEN: &str = "MasternodeExporterListUnproven";
const WRONG: &str = "masternode_exporter_refuted_lists_total";

fn status(stage: &Stage) -> ListProofStatus {
    stage.snapshot().unwrap().facts().list_proof.status.clone()
}

fn proven_height(stage: &Stage) -> Option<u32> {
    stage.snapshot().unwrap().facts().list_proof.proven_height.map(|height| height.0)
}

/// Checks that the list of the tip is published as proven.
#[track_caller]
fn assert_proven(stage: &Stage) {
    let tip = stage.network.tip().0;
    assert_eq!((status(stage), proven_height(stage)), (ListProofStatus::Proven, Some(tip)));
    assert_eq!(stage.snapshot().unwrap().block().height, Height(tip));
}

/// What the text of a refuted list names.
fn named(stage: &Stage) -> String {
    match status(stage) {
        ListProofStatus::Refuted(mismatch) => mismatch.difference.map_or_else(String::new, |found| found.to_string()),
        other => panic!("not refuted: {other:?}"),
    }
}

/// Calls of a method so far.
fn calls(stage: &Stage, node: usize, method: &str) -> u64 {
    stage.servers[node].handle().calls().get(method).copied().unwrap_or_default()
}

fn lie(stage: &Stage, index: usize, field: LeafField) -> Fault {
    Fault::LyingLeaf { masternode: stage.masternode(index), field }
}

/// The conditions of the published state, confirmed now.
fn evaluated(stage: &Stage) -> Evaluation {
    let now = moment(NOW, 500_000);
    let mut state = (*stage.state()).clone();
    state.confirmed = Some(now);
    evaluate(
        &Catalogue::default(),
        &evaluation_input(vec![state], now),
        &ThresholdSettings::default(),
        &mut Memory::default(),
    )
}

/// The text of each alert of a source that holds.
fn alerts(stage: &Stage) -> Vec<String> {
    let evaluation = evaluated(stage);
    let holding = evaluation.holding().filter(|(_, condition, _, _)| condition.alert.name == REFUTED);
    holding.map(|(_, _, _, text)| text.to_string()).collect()
}

/// Actions that change everything that the root covers, one block each.
fn actions(stage: &Stage) -> Vec<Vec<Action>> {
    let of = |index: usize| stage.masternode(index);
    vec![
        vec![],
        vec![fail(&of(0), 2), Action::ChangeAddress { masternode: of(1) }],
        vec![Action::Revive { masternode: of(0) }, Action::Revoke { masternode: of(2), reason: 1 }],
        vec![Action::Register { evo: true, with_address: true }, Action::Register { evo: false, with_address: false }],
        vec![Action::ChangeOperatorKey { masternode: of(3) }, Action::ChangeVotingKey { masternode: of(4) }],
        vec![Action::SpendCollateral { masternode: of(5) }],
        vec![Action::ChangePayout { masternode: of(6) }],
    ]
}

#[tokio::test]
async fn every_block_is_proven_by_one_small_answer() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.ask.seats = false).await;
    stage.poll().await;
    assert_proven(&stage);
    assert_eq!(calls(&stage, 0, "protx diff"), 1);
    for (count, actions) in actions(&stage).into_iter().enumerate() {
        stage.mine(&actions).await;
        assert_proven(&stage);
        assert_eq!(calls(&stage, 0, "protx diff"), count as u64 + 2);
    }
    let tip = f64::from(stage.network.tip().0);
    let page = stage.page().await;
    page.expect(PROVEN, &[], tip);
    page.expect(TRUST, &[("source", "node-0")], 1.0);
    assert_eq!(calls(&stage, 0, "protx list"), 1, "the list is not read in full again");
    assert!(alerts(&stage).is_empty());
}

#[tokio::test]
async fn each_wrong_field_is_caught_when_it_is_read_and_named() {
    let fields = LeafField::ALL.into_iter().flat_map(|field| {
        // What the list does not show can only be wrong in the simplified one.
        let hidden = matches!(field, LeafField::Confirmation | LeafField::PlatformId | LeafField::Version);
        let places: &[&[&str]] =
            if hidden { &[&["protx diff"]] } else { &[&["protx diff"], &["protx list", "protx listdiff"], &[]] };
        places.iter().map(move |methods| (field, *methods))
    });
    for (field, methods) in fields {
        let mut stage = Stage::small().await;
        // An Evo node for what only those have, else a regular one.
        let is_evo = |id: &String| stage.network.masternode(id).unwrap().evo == (field == LeafField::PlatformId);
        let index = stage.network.masternodes().iter().position(is_evo).unwrap();
        let liar = stage.masternode(index);
        stage.servers[0].handle().faults().set_for(lie(&stage, index, field), methods);
        stage.poll().await;
        let context = format!("{field:?} in {methods:?}");
        assert!(status(&stage).is_refuted(), "{context}");
        // If both lists lie alike, only a ban that is not one can be found by trying.
        if !methods.is_empty() && !matches!(field, LeafField::Confirmation | LeafField::PlatformId | LeafField::Version)
        {
            assert!(named(&stage).contains(&liar), "{context}: {}", named(&stage));
        }
        if field == LeafField::Validity {
            assert_eq!(named(&stage), format!("masternode {liar}: ban"), "{context}");
        }
        let page = stage.page().await;
        page.expect(TRUST, &[("source", "node-0")], 0.0);
        page.expect_absent(PROVEN, &[]);
        assert_eq!(alerts(&stage).len(), 1, "{context}");
        // The list is known to the operator all the same.
        page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
        stage.servers[0].handle().faults().clear();
        stage.mine(&[]).await;
        assert_proven(&stage);
        stage.page().await.expect(TRUST, &[("source", "node-0")], 1.0);
        assert!(alerts(&stage).is_empty(), "{context}");
    }
}

#[tokio::test]
async fn a_field_that_becomes_wrong_is_caught_in_the_block_whose_answer_has_it() {
    for field in [LeafField::Validity, LeafField::Address, LeafField::OperatorKey, LeafField::NodeType] {
        for methods in [&["protx diff"][..], &["protx listdiff", "protx list"], &[]] {
            let mut stage = Stage::following().await;
            let liar = stage.masternode(4);
            stage.servers[0].handle().faults().set_for(lie(&stage, 4, field), methods);
            stage.mine(&[]).await;
            let answered = matches!(status(&stage), ListProofStatus::Refuted(_));
            assert!(!answered || !methods.is_empty(), "nothing about it was answered yet");
            // Its voting key changes: now the answers have its whole entry.
            stage.mine(&[Action::ChangeVotingKey { masternode: liar.clone() }]).await;
            let context = format!("{field:?} in {methods:?}");
            if methods == ["protx listdiff", "protx list"] && field != LeafField::Validity {
                // Only changed fields are in a list diff: nothing wrong was read.
                continue;
            }
            if methods != ["protx listdiff", "protx list"] {
                assert!(status(&stage).is_refuted(), "{context}");
                assert!(named(&stage).contains(&liar), "{context}: {}", named(&stage));
                assert_eq!(proven_height(&stage), Some(stage.network.tip().0 - 1), "{context}");
            }
        }
    }
}

#[tokio::test]
async fn another_source_takes_over_from_one_whose_list_is_wrong() {
    for methods in [&["protx diff"][..], &["protx list", "protx listdiff"], &[]] {
        let mut stage = Stage::new(Options::default(), 2).await;
        stage.servers[0].handle().faults().set_for(lie(&stage, 4, LeafField::Validity), methods);
        stage.poll().await;
        assert_proven(&stage);
        let honest = stage.network.masternode(&stage.masternode(4)).unwrap();
        assert_eq!(honest.ban_height, None);
        let bans = stage.snapshot().unwrap().list().masternodes().iter().filter(|node| node.is_banned()).count();
        assert_eq!(bans, 0, "what is published is proven");
        let page = stage.page().await;
        page.expect(TRUST, &[("source", "node-0")], 0.0);
        assert_eq!(alerts(&stage).len(), 1);
        assert!(stage.events().is_empty(), "a wrong list makes no event");
        for _ in 0..8 {
            stage.mine(&[]).await;
            assert_proven(&stage);
        }
        stage.page().await.expect(TRUST, &[("source", "node-0")], 0.0);
        // The node is repaired: its whole list is read again, and it is followed again.
        stage.servers[0].handle().faults().clear();
        for _ in 0..16 {
            stage.mine(&[]).await;
            assert_proven(&stage);
        }
        let page = stage.page().await;
        page.expect(TRUST, &[("source", "node-0")], 1.0);
        assert!(alerts(&stage).is_empty());
        let before = calls(&stage, 0, "protx listdiff");
        stage.mine(&[]).await;
        assert_eq!(calls(&stage, 0, "protx listdiff"), before + 1, "the preferred source is used again");
    }
}

#[tokio::test]
async fn a_list_that_is_not_proven_raises_alerts_and_resolves_none() {
    let mut stage = Stage::small().await;
    stage.servers[0].handle().faults().set(lie(&stage, 4, LeafField::Address));
    stage.mine(&[fail(&stage.masternode(0), 2)]).await;
    assert!(status(&stage).is_refuted());
    stage.mine(&[]).await;
    stage.page().await.expect(WRONG, &[], 2.0);
    let evaluation = evaluated(&stage);
    assert!(evaluation.complete.is_empty(), "subjects that are not on it are not gone");
    let of_list = evaluation.subjects.iter().filter(|subject| subject.labels.contains_key("masternode"));
    let (mut holding, mut known_clear) = (BTreeSet::new(), 0);
    for (condition, verdict) in of_list.flat_map(|subject| &subject.verdicts) {
        match verdict {
            Verdict::Holds { .. } => drop(holding.insert(condition.alert.name)),
            Verdict::DoesNotHold => known_clear += 1,
            Verdict::Unknown | Verdict::Inapplicable => {}
        }
    }
    assert!(holding.contains("MasternodePoSeBanned"), "{holding:?}");
    assert_eq!(known_clear, 0);
}

#[tokio::test]
async fn without_the_calls_for_a_proof_nothing_is_published_about_it_and_the_reason_is_said() {
    let mut stage = Stage::small().await;
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx diff"]);
    stage.poll().await;
    for _ in 0..3 {
        stage.mine(&[]).await;
        let ListProofStatus::Unknown(reason) = status(&stage) else { panic!("{:?}", status(&stage)) };
        assert!(reason.contains("protx diff"), "{reason}");
    }
    let page = stage.page().await;
    page.expect_absent(PROVEN, &[]);
    page.expect_absent(TRUST, &[("source", "node-0")]);
    page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
    assert_eq!(calls(&stage, 0, "protx diff"), 2, "once for the proof, once for the next quorums");
    // Later the node allows it; a new process asks again.
    stage.servers[0].handle().faults().clear();
    stage.restart().await;
    assert_proven(&stage);
    // A chain that cannot be asked for one block is proven again from the last proven block on.
    stage.servers[0].handle().faults().set_for(Fault::Busy, &["protx diff"]);
    stage.mine(&[]).await;
    assert_eq!(proven_height(&stage), Some(stage.network.tip().0 - 1));
    assert_eq!(status(&stage).verdict(), None);
    stage.servers[0].handle().faults().clear();
    stage.mine(&[Action::ChangeVotingKey { masternode: stage.masternode(1) }]).await;
    assert_proven(&stage);
}

#[tokio::test]
async fn a_list_that_is_no_longer_proven_is_an_alert_until_it_is_proven_again() {
    let mut stage = Stage::following().await;
    stage.mine(&[]).await;
    assert_proven(&stage);
    stage.page().await.expect(WRONG, &[], 0.0);
    let unproven = |stage: &Stage| {
        let evaluation = evaluated(stage);
        let mut found = evaluation.holding().filter(|(_, condition, _, _)| condition.alert.name == UNPROVEN);
        found.next().map(|(_, _, value, text)| (value, text.to_string()))
    };
    assert_eq!(unproven(&stage), None);
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx diff"]);
    for blocks in 1..=3 {
        stage.mine(&[]).await;
        let (value, text) = unproven(&stage).expect("it was proven before");
        assert_eq!(value, f64::from(blocks));
        assert!(text.contains("protx diff"), "{text}");
    }
    // A proxy that allows the call again is noticed without a restart of the node.
    stage.servers[0].handle().faults().clear();
    for _ in 0..24 {
        stage.mine(&[]).await;
    }
    assert_proven(&stage);
    assert_eq!(unproven(&stage), None);
}

#[tokio::test]
async fn a_wrong_full_list_read_as_a_check_does_not_replace_the_proven_one() {
    let mut stage = Stage::with(Options::default(), 1, |settings| settings.resync_blocks = 5).await;
    stage.poll().await;
    stage.servers[0].handle().faults().set_for(lie(&stage, 4, LeafField::Validity), &["protx list"]);
    let mut seen = 0;
    for _ in 0..12 {
        stage.mine(&[]).await;
        assert_proven(&stage);
        let bans = stage.snapshot().unwrap().list().masternodes().iter().filter(|node| node.is_banned()).count();
        assert_eq!(bans, 0);
        seen += alerts(&stage).len();
    }
    assert!(seen > 0, "the source is reported");
    assert!(stage.events().iter().all(|event| event.kind.name() == "payment"), "{:?}", stage.events());
}

/// The only source reports a masternode wrongly in its lists, and its answers for the proof are right.
#[tokio::test]
async fn a_refuted_list_stays_refuted_in_the_blocks_after_it() {
    let mut stage = Stage::with(Options::default(), 1, |_| {}).await;
    stage.servers[0].handle().faults().set_for(lie(&stage, 4, LeafField::Validity), &["protx list"]);
    stage.poll().await;
    assert!(status(&stage).is_refuted());
    for _ in 0..3 {
        stage.mine(&[]).await;
        assert!(status(&stage).is_refuted());
        stage.page().await.expect(TRUST, &[("source", "node-0")], 0.0);
    }
    stage.servers[0].handle().faults().clear();
    stage.mine(&[]).await;
    assert_proven(&stage);
}

/// A ban that the only source hides: no page and no answer for a program says that all is well.
#[tokio::test]
async fn of_a_refuted_list_the_state_of_masternodes_is_not_known() {
    let mut stage = Stage::with(Options::default(), 1, |_| {}).await;
    stage.poll().await;
    assert!(pages::good(&pages::of(&stage), "/").contains("clear"));
    let faulty = lie(&stage, 4, LeafField::Validity);
    stage.servers[0].handle().faults().set_for(faulty, &["protx list", "protx listdiff"]);
    stage.restart().await;
    stage.poll().await;
    assert!(status(&stage).is_refuted());
    let site = pages::of(&stage);
    let page = pages::text(&pages::good(&site, "/"));
    assert!(page.contains("is not known: the list is not trustworthy"), "{page}");
    for well in ["clear", " well", "restart possible", "to the next block", "enabled"] {
        assert!(!page.contains(well), "{well} in {page}");
    }
    let id = stage.masternode(4);
    let node = pages::get(&site, &format!("/masternodes/{id}"));
    assert_eq!(node.status, 503);
    for path in ["masternodes", "restart-plan", &format!("masternodes/{id}"), &format!("masternodes/{id}/duties")] {
        let answer = site.api.as_ref().unwrap().answer(&format!("/api/v1/{path}"), "");
        assert_eq!(answer.status, 503, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_score_is_counted_in_its_block() {
    let mut stage = Stage::following().await;
    stage.network.mine(30);
    stage.poll().await;
    stage.mine(&[]).await;
    let tip = f64::from(stage.network.tip().0);
    let page = stage.page().await;
    page.expect(DISAGREEMENTS, &[("network", "dash-test")], 0.0);
    page.expect(SCORES, &[], tip);
    // A score that the node says of one block in which the masternode is in the list diff.
    let fault = Fault::LyingScore { masternode: stage.masternode(4), points: 7 };
    stage.servers[0].handle().faults().set(fault);
    stage.restart().await;
    stage.page().await.expect(DISAGREEMENTS, &[("network", "dash-test")], 0.0);
    // A wrong score that stays the same does not decay as it should.
    stage.servers[0].handle().faults().clear();
    stage.mine(&[]).await;
    stage.page().await.expect(DISAGREEMENTS, &[("network", "dash-test")], 1.0);
    assert_eq!(stage.state().score_disagreements, 1);
}

/// Bans by real sessions, with members that are computed here: no score differs.
#[tokio::test]
async fn the_scores_of_failed_sessions_are_the_computed_ones() {
    let mut stage = Stage::following().await;
    stage.network.mine(48);
    stage.poll().await;
    for index in [0, 3, 10] {
        stage.network.set_offline(&stage.masternode(index), true).unwrap();
    }
    let mut checked = BTreeSet::new();
    let mut penalties = 0;
    for block in 0..96 {
        if block == 40 {
            // A start: the members of sessions that began before are not computed yet.
            stage.restart().await;
        }
        stage.mine(&[]).await;
        let (snapshot, tip) = (stage.snapshot().unwrap(), Height(stage.network.tip().0));
        let height = snapshot.facts().list_proof.scores_checked_height;
        let penalised = stage.events().iter().any(|event| event.block.height == tip && event.kind.name() == "penalty");
        if height == Some(tip) {
            checked.insert(tip);
            penalties += u32::from(penalised);
        }
    }
    let page = stage.page().await;
    page.expect(DISAGREEMENTS, &[("network", "dash-test")], 0.0);
    assert_eq!(checked.len(), 96, "each block is checked");
    assert!(penalties > 1, "blocks with penalties are checked");
    for (quorum_type, value) in [("llmq_test", 0.0), ("llmq_test_dip0024", 0.0)] {
        let labels = [("quorum_type", quorum_type)];
        page.expect("masternode_exporter_quorum_selection_mismatches_total", &labels, value);
    }
}

/// An answer of the first node.
async fn ask(stage: &Stage, method: &str, params: Value) -> Value {
    let body = json!({ "id": 1, "method": method, "params": params }).to_string();
    let request = reqwest::Client::new().post(stage.servers[0].handle().url()).basic_auth("user", Some("password"));
    let answer = request.body(body).send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice::<Value>(&answer).unwrap()["result"].take()
}

/// Writes whole lists of simulated blocks, and the members of quorums as they are computed here, for `scripts/check-list-proof`, which
/// holds both against another implementation.
#[tokio::test]
async fn simulated_lists_are_written_for_the_check_by_another_implementation() {
    let mut stage = Stage::following().await;
    let (mut choice, mut lines, mut quorums) = (Choice(9), String::new(), 0);
    for _ in 0..60 {
        let actions = happen(&stage, &mut choice, false);
        if stage.network.mine_with(&actions).is_err() {
            stage.network.mine(1);
        }
        stage.poll().await;
        assert_proven(&stage);
        let (height, hash) = stage.network.tip();
        let mut line =
            json!({ "height": height, "hash": hash, "diff": ask(&stage, "protx", json!(["diff", 1, hash])).await });
        let selected = &stage.snapshot().unwrap().facts().drawings.clone();
        let made_here = selected.iter().filter(|selected| selected.start == Height(height + 8));
        let members = made_here.map(|selected| {
            let ids = selected.in_order().iter().map(ToString::to_string).collect::<Vec<_>>();
            (selected.kind.id.to_string(), json!(ids))
        });
        let members: serde_json::Map<String, Value> = members.collect();
        if !members.is_empty() {
            quorums += members.len();
            let coinbase = ask(&stage, "getspecialtxes", json!([hash, 5, 1, 0, 2])).await;
            line["chainlock"] = coinbase[0]["cbTx"]["bestCLSignature"].clone();
            line["quorums"] = Value::Object(members);
        }
        lines += &format!("{line}\n");
    }
    assert!(quorums > 5, "{quorums}");
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/simulated-lists.jsonl"), lines).unwrap();
}

/// A deterministic choice.
struct Choice(u64);

impl Choice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What happens in a block: seldom something, sometimes several things.
fn happen(stage: &Stage, choice: &mut Choice, is_24: bool) -> Vec<Action> {
    let listed = stage.network.masternodes();
    let one = |choice: &mut Choice| listed[choice.below(listed.len() as u64) as usize].clone();
    let facts = |id: &String| stage.network.masternode(id).unwrap();
    let mut actions = Vec::new();
    for _ in 0..choice.below(4).saturating_sub(1) {
        let masternode = one(choice);
        let has_key = facts(&masternode).operator_key.bytes().any(|digit| digit != b'0');
        if actions.iter().any(|action: &Action| format!("{action:?}").contains(&masternode)) {
            continue;
        }
        let many = listed.len() > 8;
        actions.push(match choice.below(12) {
            0 => fail(&masternode, 2),
            1 if has_key => Action::Revive { masternode },
            2 if has_key => Action::ChangeAddress { masternode },
            3 => Action::ChangeVotingKey { masternode },
            4 => Action::ChangeOperatorKey { masternode },
            5 if many => Action::Revoke { masternode, reason: 1 },
            6 if many => Action::SpendCollateral { masternode },
            7 if listed.len() < 40 => Action::Register { evo: choice.below(3) == 0, with_address: choice.below(4) > 0 },
            8 => Action::ChangePayout { masternode },
            9 if is_24 && has_key => Action::Migrate { masternode, version: 3 },
            10 if is_24 && has_key && facts(&masternode).version == 3 => Action::AddAddress { masternode },
            11 if has_key && facts(&masternode).evo => Action::ChangePlatformPorts { masternode },
            _ => fail(&masternode, 1),
        });
    }
    actions
}

/// 10,000 blocks with every kind of change, reorgs, gaps that are walked and gaps that are not, and new processes on the same
/// history: never a mismatch.
#[tokio::test]
async fn ten_thousand_eventful_blocks_raise_no_false_alarm() {
    let mut choice = Choice(20_261_130);
    let (mut blocks, mut polls, mut node_types) = (0_u32, 0_u32, BTreeSet::new());
    // At first with a history, from which a new process continues.
    for (is_24, is_recorded, wanted) in [(false, true, 1_000), (false, false, 7_000), (true, false, 10_000)] {
        let options = if is_24 { Options::dash_24(24, || NOW) } else { Options::default() };
        let change = |settings: &mut FollowerSettings| {
            (settings.ask.seats, settings.ask.reports) = (false, false);
            settings.max_gap_blocks = 40;
        };
        let mut stage = if is_recorded {
            Stage::recording(options, dialect::DASH, change).await
        } else {
            Stage::with(options, 1, change).await
        };
        while blocks < wanted {
            let count = if choice.below(12) == 0 { 1 + choice.below(60) } else { 1 + choice.below(8) };
            for _ in 0..count {
                let actions = happen(&stage, &mut choice, is_24);
                // An action that the chain refuses in this state mines nothing.
                if stage.network.mine_with(&actions).is_err() {
                    stage.network.mine(1);
                }
                blocks += 1;
            }
            if choice.below(20) == 0 {
                let depth = 1 + choice.below(4) as usize;
                stage.network.reorg(depth, &vec![vec![]; depth + 1]).unwrap();
            }
            match choice.below(60) {
                0 => {
                    stage.stop().await;
                    stage.restart().await;
                }
                _ => stage.poll().await,
            }
            polls += 1;
            assert_proven(&stage);
            let list = stage.snapshot().unwrap();
            node_types.extend(list.list().masternodes().iter().map(|node| (node.details.version(), node.node_type)));
        }
        stage.page().await.expect(TRUST, &[("source", "node-0")], 1.0);
        stage.stop().await;
    }
    assert!(polls > 500, "{polls}");
    assert!(node_types.contains(&(Some(3), NodeType::Evo)) && node_types.contains(&(Some(1), NodeType::Regular)));
}
