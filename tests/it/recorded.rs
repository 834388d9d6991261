//! Recorded answers of a real Dash Core v23.1.2: every answer that the exporter reads decodes to the observed values.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use domain::dkg::REGTEST;
use domain::event;
use domain::list::{Block, MasternodeList};
use domain::payment::queue::{self, EvoPayments};
use domain::pose::{CONSENSUS, PoseScore};
use domain::{BlockHash, Duffs, EventKind, Hash, Height, Masternode, UnixSeconds};
use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter::rpc::dash::quorums;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dash/v23.1.2")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn parse_list(body: &[u8]) -> Vec<Masternode> {
    let mut parser = ListParser::default();
    parser.push(body).unwrap();
    parser.finish().unwrap().masternodes
}

fn block(height: u32) -> Block {
    Block { height: Height(height), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) }
}

fn list_at(moment: &str) -> MasternodeList {
    let height: Value = serde_json::from_slice(&read(&format!("{moment}/getblockcount.json"))).unwrap();
    let height = height["result"].as_u64().unwrap() as u32;
    let body = read(&format!("{moment}/protx_list_registered_true.json"));
    MasternodeList::new(block(height), parse_list(&body)).unwrap()
}

/// Every answer that one of our functions reads, of any recorded time.
#[test]
fn every_recorded_answer_decodes() {
    let mut read_by_us = 0;
    for moment in fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        if moment.ends_with("errors") || moment.ends_with("episodes") {
            continue;
        }
        for file in fs::read_dir(&moment).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().to_string();
            let body = fs::read(&file).unwrap();
            let spans = |value: &Value| {
                let at = |key: &str| value["result"][key].as_u64().unwrap() as u32;
                (block(at("baseHeight")), block(at("blockHeight")))
            };
            let result = match name.as_str() {
                _ if name.starts_with("getbestblockhash") => answers::block_hash(&body).map(drop),
                "getblockheader_tip.json" => answers::header(&body).map(drop),
                "getblockchaininfo.json" => answers::chain_info(&body).map(drop),
                _ if name.starts_with("getnetworkinfo") => answers::network_info(&body).map(drop),
                _ if name.starts_with("mnsync_status") => answers::sync_status(&body).map(drop),
                "masternode_count.json" => answers::count(&body).map(drop),
                "getbestchainlock.json" => answers::chainlock(&body).map(drop),
                "spork_show.json" => answers::sporks(&body).map(drop),
                _ if name.starts_with("protx_info") => answers::masternode(&body).map(drop),
                _ if name.starts_with("protx_listdiff") => {
                    let (base, target) = spans(&serde_json::from_slice(&body).unwrap());
                    answers::list_diff(&body, &base, &target).map(drop)
                }
                "protx_list_registered.json" | "protx_list_registered_2.json" => continue,
                _ if name.starts_with("protx_list_") => {
                    assert!(!parse_list(&body).is_empty());
                    Ok(())
                }
                _ => continue,
            };
            result.unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
            read_by_us += 1;
        }
    }
    assert_eq!(read_by_us, 75, "fixtures are missing, or there are new ones");
}

#[test]
fn the_numbers_match_the_observation() {
    // time, registered, limit, step, safe level, scores above 0 by the first digits of the hash:
    // docs/spec/recorded-answers.md#score.
    type Row = (&'static str, usize, u32, u32, u32, &'static [(&'static str, u32, u32)]);
    let rows: [Row; 7] = [
        ("healthy", 12, 100, 66, 34, &[]),
        ("first-penalty", 12, 100, 66, 34, &[("92bc30f6", 65, 1)]),
        ("decaying", 12, 100, 66, 34, &[("92bc30f6", 59, 1)]),
        ("banned", 12, 100, 66, 34, &[("92bc30f6", 100, 0)]),
        ("revived", 12, 100, 66, 34, &[]),
        ("revoked", 12, 100, 66, 34, &[("3b158c06", 100, 0)]),
        ("large", 109, 109, 71, 38, &[("e288c1cf", 62, 1)]),
    ];
    for (moment, registered, limit, step, safe, scores) in rows {
        let list = list_at(moment);
        let limits = CONSENSUS.limits(list.registered());
        assert_eq!(list.registered(), registered, "{moment}");
        assert_eq!((limits.limit, limits.step, limits.safe_level()), (limit, step, safe), "{moment}");
        let seen: Vec<(String, u32, u32)> = list
            .masternodes()
            .iter()
            .filter_map(|node| PoseScore::of(node, list.block().height, limits).map(|pose| (node, pose)))
            .filter(|(_, pose)| pose.score().0 > 0)
            .map(|(node, pose)| (node.id.to_string()[..8].to_string(), pose.score().0, pose.failures_until_ban()))
            .collect();
        let expected: Vec<_> = scores.iter().map(|(id, score, failures)| (id.to_string(), *score, *failures)).collect();
        let large = moment == "large";
        assert_eq!(
            if large { seen.iter().filter(|(_, _, left)| *left > 0).cloned().collect() } else { seen },
            expected,
            "{moment}"
        );
        let count = answers::count(&read(&format!("{moment}/masternode_count.json"))).unwrap();
        assert_eq!((list.registered(), list.valid()), (count.total as usize, count.enabled as usize), "{moment}");
    }
}

/// `masternode winners` projects the payout addresses of the next blocks; ours are those of the queue.
#[test]
fn the_next_payees_match_the_projection_of_the_node() {
    for (moment, evo) in [
        ("pre-mnrr", EvoPayments::FourInARow),
        ("healthy", EvoPayments::Once),
        ("first-penalty", EvoPayments::Once),
        ("banned", EvoPayments::Once),
        ("revived", EvoPayments::Once),
        ("large", EvoPayments::Once),
    ] {
        let list = list_at(moment);
        let winners: Value = serde_json::from_slice(&read(&format!("{moment}/masternode_winners.json"))).unwrap();
        for (node, position) in list.masternodes().iter().zip(queue::positions(&list, evo)) {
            let Some(position) = position else { continue };
            let height = list.block().height.after(position.get()).to_string();
            let Some(projected) = winners["result"].get(&height).and_then(Value::as_str) else {
                assert!(position.get() > 20, "{moment}: the node projects height {height}");
                continue;
            };
            let ours = node.details.payout_address().unwrap();
            assert!(projected.starts_with(&*ours), "{moment} {height}: {projected} is not {ours}");
        }
    }
}

/// A list in the node's format, from the value of an episode.
fn list_of(value: &Value, block: Block) -> MasternodeList {
    let body = json!({"result": value, "error": null, "id": "x"}).to_string();
    MasternodeList::new(block, parse_list(body.as_bytes())).unwrap()
}

fn block_of(line: &Value) -> Block {
    Block {
        height: Height(line["height"].as_u64().unwrap() as u32),
        hash: line["hash"].as_str().unwrap().parse().unwrap(),
        time: UnixSeconds(line["header"]["time"].as_u64().unwrap()),
    }
}

#[test]
fn each_block_of_the_episodes_follows_from_its_changes_and_has_the_recorded_events() {
    for episode in ["before-mn-rr", "decay-and-changes", "fail-ban-revive"] {
        let packed = read(&format!("episodes/{episode}/blocks.jsonl.gz"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let first = lines.next().unwrap();
        let mut list = list_of(&first["list"], block_of(&first));
        let mut events = Vec::new();
        for line in lines {
            let block = block_of(&line);
            let body = json!({"result": line["listdiff"], "error": null, "id": "x"}).to_string();
            let (diff, _) = answers::list_diff(body.as_bytes(), list.block(), &block).unwrap();
            let next = list.apply(&diff).unwrap();
            let recorded = list_of(&line["list"], block);
            assert_eq!(next.differences(&recorded).count(), 0, "{episode} {}", block.height);
            events
                .extend(event::diff(&list, &next, Some(&CONSENSUS)).into_iter().filter_map(|event| event_text(&event)));
            list = next;
        }
        let recorded: Vec<Value> = serde_json::from_slice(&read(&format!("episodes/{episode}/events.json"))).unwrap();
        let mut recorded: Vec<String> = recorded.iter().flat_map(recorded_event).collect();
        events.sort();
        recorded.sort();
        assert_eq!(events, recorded, "{episode}");
    }
}

pub(crate) fn event_text(event: &domain::Event) -> Option<String> {
    assert!(event.exact);
    let what = match &event.kind {
        EventKind::Penalty { score, points, clamped, .. } => format!("penalty {points} to {} {clamped}", score.0),
        EventKind::Ban { .. } => "ban".into(),
        EventKind::Revival => "revival".into(),
        EventKind::Registration => "registration".into(),
        EventKind::Removal => "removal".into(),
        EventKind::Payment { .. } => "payment".into(),
        EventKind::Change(field, _) => format!("change {}", field.label()),
        EventKind::State { from, to } => format!("state {from} to {to}"),
        EventKind::PaymentLost => return None,
    };
    Some(format!("{} {} {what}", event.block.height, event.masternode))
}

pub(crate) fn recorded_event(event: &Value) -> Option<String> {
    let kind = event["kind"].as_str().unwrap();
    let what = match kind {
        "penalty" => format!("penalty {} to {} {}", event["points"], event["score_after"], event["clamped"]),
        "change" => format!("change {}", event["field"].as_str().unwrap()),
        _ => kind.to_string(),
    };
    Some(format!("{} {} {what}", event["height"], event["masternode"].as_str().unwrap()))
}

#[test]
fn the_recorded_penalties_have_the_recorded_causes() {
    let failed = "92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6";
    // time, block of the penalty, quorum (`events.json`, causes).
    let cases = [
        (
            "first-penalty",
            "14ddd469bb66fdede0a1ed428ce8b98704ce2a396044659f38e7d83205638e78",
            (552, "37d0d894a0d8f61c1ee3f61546ded5734cfd3437a1425336e72fc3b27b66149c"),
        ),
        (
            "banned",
            "3b7b60b558cdbc486f5f36ad94ff66b755a16a29994ba7bed89bb0293dd8a465",
            (576, "1858e20436ecf11e051a0543fe368b950a529d6172bd23b851d13afdbed03e0e"),
        ),
    ];
    for (moment, block, (height, quorum)) in cases {
        let formed = quorums::formed_in(&read(&format!("{moment}/quorum_listextended.json")), &block.parse().unwrap());
        let formed = formed.unwrap();
        let short: Vec<_> = formed.iter().filter(|formed| formed.quorum_type == "llmq_test_platform").collect();
        assert_eq!(short.len(), 1, "{moment}");
        assert_eq!((short[0].height, short[0].hash.to_string().as_str()), (Height(height), quorum), "{moment}");
        assert_eq!(short[0].valid_members, 2, "{moment}: 3 members, one failed");
        assert!(formed.iter().any(|formed| formed.quorum_type == "llmq_test" && formed.valid_members == 3), "{moment}");
        let quorum = quorums::members(&read(&format!("{moment}/quorum_info_106_failed_member.json"))).unwrap();
        let named = quorum.members.iter().filter(|(_, valid)| !valid).map(|(id, _)| id.to_string());
        assert_eq!((named.collect::<Vec<_>>(), quorum.height), (vec![failed.to_string()], Height(height)), "{moment}");
    }
}

/// The value of a block of an episode with a name, as an answer.
fn answer(result: &Value) -> Vec<u8> {
    json!({"result": result, "error": null, "id": "x"}).to_string().into_bytes()
}

#[test]
fn the_commitments_of_the_episodes_match_the_recorded_sessions_and_causes() {
    // Sessions that formed a quorum, and sessions that failed as a whole, by the type's number: counted by another
    // program.
    type Row = (&'static str, &'static [(u8, usize)], &'static [(u8, usize)]);
    let rows: [Row; 3] = [
        ("before-mn-rr", &[(100, 4), (103, 8), (106, 4)], &[]),
        ("decay-and-changes", &[(100, 2), (102, 3), (103, 4), (106, 3)], &[(100, 2), (102, 1), (103, 4), (106, 1)]),
        ("fail-ban-revive", &[(100, 3), (102, 3), (103, 6), (106, 3)], &[]),
    ];
    for (episode, formed, failed) in rows {
        let packed = read(&format!("episodes/{episode}/blocks.jsonl.gz"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        let (mut seen_formed, mut seen_failed, mut causes) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for line in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let height = block_of(&line).height;
            let empty = json!([]);
            let body = answer(line.get("commitments").filter(|known| !known.is_null()).unwrap_or(&empty));
            for commitment in quorums::commitments(&body).unwrap() {
                let kind = REGTEST.iter().find(|kind| kind.id == commitment.quorum_type).unwrap();
                assert!(kind.is_due_at(height), "{episode} {height}: {commitment:?}");
                if commitment.valid_members > 0 {
                    *seen_formed.entry(kind.id).or_insert(0) += 1;
                } else if kind.ends_at(height) {
                    *seen_failed.entry(kind.id).or_insert(0) += 1;
                }
                if (1..kind.size).contains(&commitment.valid_members) {
                    let key = format!("{}:{}", kind.id, commitment.hash);
                    // A masternode at the limit gets no penalty, and its quorum was not recorded.
                    let Some(info) = line["quorum_info"].get(&key) else { continue };
                    let quorum = quorums::members(&answer(info)).unwrap();
                    let named = quorum.members.iter().filter(|(_, valid)| !valid);
                    causes.extend(named.map(|(id, _)| format!("{height} {id} {key}")));
                }
            }
        }
        let recorded: Vec<Value> = serde_json::from_slice(&read(&format!("episodes/{episode}/events.json"))).unwrap();
        let penalties = recorded.iter().filter(|event| event["kind"] == "penalty");
        let event_text = |event: &Value| -> Vec<String> {
            let causes = event["causes"].as_array().unwrap().iter().map(|cause| cause.as_str().unwrap().to_string());
            causes
                .map(|cause| format!("{} {} {cause}", event["height"], event["masternode"].as_str().unwrap()))
                .collect()
        };
        let mut recorded: Vec<String> = penalties.flat_map(event_text).collect();
        causes.sort();
        recorded.sort();
        assert_eq!(causes, recorded, "{episode}");
        assert_eq!(seen_formed, formed.iter().copied().collect(), "{episode}");
        assert_eq!(seen_failed, failed.iter().copied().collect(), "{episode}");
    }
}

#[test]
fn a_recorded_block_pays_the_amounts_that_the_node_reports() {
    let block: Value = serde_json::from_slice(&read("first-penalty/getblock_tip_2.json")).unwrap();
    let outputs = quorums::outputs(&answer(&json!([block["result"]["tx"][0]]))).unwrap();
    let payments: Value = serde_json::from_slice(&read("first-penalty/masternode_payments_10.json")).unwrap();
    let of_block =
        payments["result"].as_array().unwrap().iter().find(|paid| paid["blockhash"] == block["result"]["hash"]);
    let payees = of_block.unwrap()["masternodes"][0]["payees"].as_array().unwrap();
    // The first is the share of Platform, which has no address.
    let (address, amount) = (payees[1]["address"].as_str().unwrap(), payees[1]["amount"].as_u64().unwrap());
    assert!(outputs.contains(&(Some(address.into()), Duffs(amount))), "{outputs:?}");
    let (_, miner) = outputs.iter().find(|(to, _)| to.as_ref().is_some_and(|to| *to != address)).unwrap();
    let (_, platform) = outputs.iter().find(|(to, _)| to.is_none()).unwrap();
    assert_eq!(outputs.len(), 3, "the miner, the Platform and the payee: {outputs:?}");
    // The rule that distinguishes a payment from others to the same address.
    let part = platform.0 + amount;
    assert_eq!(part, (part + miner.0) * 3 / 4);
}
