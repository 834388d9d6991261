//! Answers in the form of Dash Core 24: recorded from a chain that crosses the activation, from public test data, and
//! written by the tables of `docs/spec/dash-24.md`. Each decodes to its recorded values, and a change is a change of
//! meaning.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use domain::details::Purpose;
use domain::event::{self, Field};
use domain::list::{Block, ListError, MasternodeList};
use domain::pose::CONSENSUS;
use domain::{BlockHash, Duffs, EventKind, Hash, Height, Masternode, MasternodeId, UnixSeconds};
use masternode_exporter::meters::NotUnderstood;
use masternode_exporter::rpc::Unknown;
use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use serde_json::{Value, json};

use crate::recorded::{event_text, recorded_event};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dash").join(folder)
}

fn read(path: &str) -> Vec<u8> {
    fs::read(fixtures(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn answer(result: &Value) -> Vec<u8> {
    json!({"result": result, "error": null, "id": "x"}).to_string().into_bytes()
}

fn parse(body: &[u8]) -> (Vec<Masternode>, Unknown) {
    let mut parser = ListParser::default();
    parser.push(body).unwrap();
    let unknown = parser.unknown().clone();
    (parser.finish().unwrap().masternodes, unknown)
}

fn block(height: u32) -> Block {
    Block { height: Height(height), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) }
}

fn diff(list: &MasternodeList, result: &Value) -> Result<MasternodeList, ListError> {
    let target = block(result["blockHeight"].as_u64().unwrap() as u32);
    list.apply(&answers::list_diff(&answer(result), list.block(), &target).unwrap().0)
}

/// Compares an entry of a record with the decoded values. Written for these records only: the first of `core_p2p` is
/// the primary address, and payees are those of `payouts`, of `shares`, or the one of `payoutAddress`.
#[track_caller]
fn assert_reads(masternode: &Masternode, entry: &Value) {
    let (state, details) = (&entry["state"], &masternode.details);
    let text = |value: &Value| value.as_str().map(str::to_string);
    assert_eq!(details.version().map(u64::from), state["version"].as_u64());
    for purpose in Purpose::ALL {
        let listed = state["addresses"][purpose.label()].as_array().cloned().unwrap_or_default();
        let listed: Vec<String> = listed.iter().filter_map(text).collect();
        assert_eq!(details.addresses(purpose), listed, "{}", purpose.label());
    }
    let payees: Vec<(String, f64)> = match (&state["shares"], &state["payouts"]) {
        (Value::Array(shares), _) => {
            let sum: u64 = shares.iter().map(|share| share["amount"].as_u64().unwrap()).sum();
            let part = |share: &Value| share["amount"].as_u64().unwrap() as f64 / sum as f64;
            shares.iter().map(|share| (text(&share["rewardAddress"]).unwrap(), part(share))).collect()
        }
        (_, Value::Array(payouts)) => {
            let part = |payout: &Value| payout["reward"].as_u64().unwrap() as f64 / 10_000.0;
            payouts.iter().map(|payout| (text(&payout["address"]).unwrap(), part(payout))).collect()
        }
        _ => vec![(text(&state["payoutAddress"]).unwrap(), 1.0)],
    };
    let read = details.payees().expect("the payees are known");
    let read: Vec<(String, f64)> = read.into_iter().map(|payee| (payee.address.into(), payee.ratio.unwrap())).collect();
    assert_eq!(read, payees);
    let texts = details.texts();
    assert_eq!(texts.payout_address.as_deref(), Some(&*payees[0].0).filter(|_| payees.len() == 1));
    assert_eq!(texts.owner_address.as_deref(), state["ownerAddress"].as_str());
    assert_eq!(texts.operator_key.as_deref(), state["pubKeyOperator"].as_str());
    assert_eq!(texts.operator_payout_address.as_deref(), state["operatorPayoutAddress"].as_str());
}

#[test]
fn every_recorded_answer_decodes_to_its_values() {
    let (mut lists, mut others) = (0, 0);
    for moment in fs::read_dir(fixtures("v24")).unwrap().map(|entry| entry.unwrap().path()) {
        if !moment.is_dir() || moment.ends_with("episodes") {
            continue;
        }
        for file in fs::read_dir(&moment).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().to_string();
            let body = fs::read(&file).unwrap();
            let recorded: Value = serde_json::from_slice(&body).unwrap();
            others += 1;
            match name.as_str() {
                "getblockchaininfo.json" => drop(answers::chain_info(&body).unwrap()),
                "getnetworkinfo.json" => drop(answers::network_info(&body).unwrap()),
                "mnsync_status.json" => drop(answers::sync_status(&body).unwrap()),
                "masternode_count.json" => drop(answers::count(&body).unwrap()),
                "spork_show.json" => drop(answers::sporks(&body).unwrap()),
                "masternode_status.json" => {
                    let own = masternode_exporter::rpc::masternode_status::own_masternode(&body).unwrap();
                    assert_eq!(own.address.is_some(), recorded["result"]["service"] != "[::]:0", "{}", file.display());
                }
                "protx_info.json" => assert_reads(&answers::masternode(&body).unwrap(), &recorded["result"]),
                _ if name.starts_with("protx_listdiff") => {
                    let at = |key: &str| block(recorded["result"][key].as_u64().unwrap() as u32);
                    answers::list_diff(&body, &at("baseHeight"), &at("blockHeight")).unwrap();
                }
                _ if name.starts_with("protx_list_") && name.ends_with("true.json") => {
                    let (read, unknown) = parse(&body);
                    assert_eq!(unknown, Unknown::default(), "{}", file.display());
                    for (masternode, entry) in read.iter().zip(recorded["result"].as_array().unwrap()) {
                        assert_reads(masternode, entry);
                    }
                    (lists, others) = (lists + read.len(), others - 1);
                }
                _ => others -= 1,
            }
        }
    }
    assert_eq!((lists, others), (134, 96), "fixtures are missing, or there are new ones");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one recording, checked block by block")]
fn each_block_across_the_activation_follows_from_its_changes_and_has_the_recorded_events() {
    // Blocks whose changes do not contain the payees in the new form, so that the full list is read; and blocks in
    // which an address other than the primary one is added or removed.
    type Row = (&'static str, &'static [u32], &'static [u32]);
    let rows: [Row; 2] = [
        ("activation", &[242], &[242]),
        ("ban-revive-addresses", &[309, 315, 318, 330, 339], &[315, 318, 321, 327, 330, 333, 339]),
    ];
    for (episode, read_whole, further) in rows {
        let mut text = String::new();
        let packed = read(&format!("v24/episodes/{episode}/blocks.jsonl.gz"));
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let list_of = |line: &Value| {
            let block = block(line["height"].as_u64().unwrap() as u32);
            MasternodeList::new(block, parse(&answer(&line["list"])).0).unwrap()
        };
        let mut list = list_of(&lines.next().unwrap());
        let (mut events, mut changes, mut whole, mut addresses) = (vec![], vec![], vec![], vec![]);
        for line in lines {
            let recorded = list_of(&line);
            let height = recorded.block().height.0;
            let next = match diff(&list, &line["listdiff"]) {
                Ok(next) => next,
                Err(ListError::UnknownPayees(_)) => {
                    whole.push(height);
                    recorded.clone()
                }
                Err(error) => panic!("{episode} {height}: {error}"),
            };
            for entry in line["list"].as_array().unwrap() {
                let id: MasternodeId = entry["proTxHash"].as_str().unwrap().parse().unwrap();
                assert_reads(next.get(&id).unwrap(), entry);
            }
            assert_eq!(next.differences(&recorded).count(), 0, "{episode} {height}");
            for event in event::diff(&list, &next, Some(&CONSENSUS)) {
                match &event.kind {
                    EventKind::Change(Field::Addresses, _) => addresses.push(height),
                    EventKind::Change(field, change) => {
                        let change = change.as_ref().expect("a new event has both sides");
                        let (field, before, after) = (field.label(), &change.before, &change.after);
                        changes.push(format!("{height} {} {field} {before} {after}", event.masternode));
                        events.extend(event_text(&event));
                    }
                    _ => events.extend(event_text(&event)),
                }
            }
            if height >= 339 {
                let revoked = "badaadb37c47922ff9ec1bd8c5e55902454f41bf7a8d1a930eaafcb2e0fb2968".parse().unwrap();
                let details = format!("{:?}", next.get(&revoked).unwrap().details);
                assert!(!details.contains(":30002"), "{details}");
            }
            list = next;
        }
        assert_eq!((whole, addresses), (read_whole.to_vec(), further.to_vec()), "{episode}");
        let recorded: Vec<Value> =
            serde_json::from_slice(&read(&format!("v24/episodes/{episode}/events.json"))).unwrap();
        let recorded: Vec<&Value> = recorded.iter().filter(|event| event["field"] != "addresses").collect();
        let mut expected: Vec<String> = recorded.iter().flat_map(|event| recorded_event(event)).collect();
        let said = |event: &&&Value| event["kind"] == "change";
        let of = |event: &&Value, key: &str| event[key].as_str().unwrap().to_string();
        let mut sides: Vec<String> = recorded
            .iter()
            .filter(said)
            .map(|event| {
                let (masternode, field) = (of(event, "masternode"), of(event, "field"));
                format!("{} {masternode} {field} {} {}", event["height"], of(event, "before"), of(event, "after"))
            })
            .collect();
        for texts in [&mut events, &mut expected, &mut changes, &mut sides] {
            texts.sort();
        }
        assert_eq!(events, expected, "{episode}");
        assert_eq!(changes, sides, "{episode}");
    }
}

/// The decoded values of an entry, by the first digits of its hash.
fn of<'a>(list: &'a MasternodeList, digits: &str) -> &'a Masternode {
    list.masternodes().iter().find(|masternode| masternode.id.to_string().starts_with(digits)).unwrap()
}

#[test]
fn the_public_answers_of_version_24_match_their_record() {
    let public = |name: &str| -> Value { serde_json::from_slice(&read(&format!("v24-public/{name}.json"))).unwrap() };
    let first = public("listdiff-1-1250");
    let empty = MasternodeList::new(block(1), vec![]).unwrap();
    let at_1250 = diff(&empty, &first).unwrap();
    for entry in first["addedMNs"].as_array().unwrap() {
        assert_reads(at_1250.get(&entry["proTxHash"].as_str().unwrap().parse().unwrap()).unwrap(), entry);
    }
    let shared = of(&at_1250, "a4d26868").details.payouts();
    let owners: Vec<_> = shared.shares().iter().map(|share| (&*share.owner_address, share.amount)).collect();
    assert_eq!(
        owners,
        [
            ("yQzAeRbC9Hy3Fy9Ydcu5naZVqivT95Ka2R", Duffs(60_000_000_000)),
            ("yVetSeT3tL4R2FmxqWAYgc1rZpmqbMcFhL", Duffs(40_000_000_000))
        ]
    );
    let at_1260 = diff(&at_1250, &public("listdiff-1250-1260")).unwrap();
    let changes = |before: &MasternodeList, after: &MasternodeList, digits: &str| -> Vec<(&'static str, String)> {
        let (old, new) = (of(before, digits), of(after, digits));
        let change = |field: Field| Some((field.label(), field.change(old, new)?.after.to_string()));
        Field::ALL.into_iter().filter_map(change).collect()
    };
    let ports = "platform_p2p 192.0.2.40:36656, platform_https 192.0.2.40:1443".to_string();
    assert_eq!(changes(&at_1250, &at_1260, "ca3d32c4"), [("addresses", ports), ("version", "3".into())]);
    let split = "yezL36AmNQFAYq2oFGhUUeva22UccZnF8F 25 %, ygYZyATPHQwd8vaGeZndSfQgvj6Qro5WbT 75 %".to_string();
    assert_eq!(changes(&at_1250, &at_1260, "27978dd8"), [("payout", split)]);
    let swapped = "yiNjY5GEMnEWtSyeegFATjPepVU48ATT7E".to_string();
    assert_eq!(changes(&at_1250, &at_1260, "813a7c3f"), [("payout", swapped)]);
    let at_1270 = diff(&at_1260, &public("listdiff-1260-1270")).unwrap();
    let ports = "platform_p2p 192.0.2.40:36657, platform_https 192.0.2.40:8443".to_string();
    assert_eq!(changes(&at_1260, &at_1270, "ca3d32c4"), [("addresses", ports)]);
    let onion = "4zmxpqirulb4blkyeufp3nd37wvcvpz6fibfwvgeybtfttkkni7h3mdd.onion:9999";
    assert_eq!(of(&at_1270, "99e719c6").details.address().as_deref(), Some(onion));

    let before = diff(&empty, &public("before-v24-listdiff-1-1000")).unwrap();
    let after = diff(&before, &public("before-v24-listdiff-1000-1010")).unwrap();
    let ports = "platform_p2p 192.0.2.60:36657, platform_https 192.0.2.60:443".to_string();
    assert_eq!(changes(&before, &after, "86e4a427"), [("addresses", ports)]);
    assert_eq!(of(&after, "86e4a427").details.address().as_deref(), Some("192.0.2.60:9999"));
}

/// A key in its legacy encoding, in the basic one, and another.
const KEYS: [&str; 3] = ["0b", "8b", "8c"];

fn key(first: &str) -> String {
    format!("{first}{}", "5a".repeat(47))
}

fn entry(state: Value) -> Value {
    let mut all = json!({
        "version": 1, "addresses": {"core_p2p": ["192.0.2.1:9999"]}, "registeredHeight": 10, "lastPaidHeight": 0,
        "consecutivePayments": 0, "PoSePenalty": 0, "PoSeRevivedHeight": -1, "PoSeBanHeight": -1, "revocationReason": 0,
        "ownerAddress": "Xowner", "votingAddress": "Xvoter", "payoutAddress": "Xa", "pubKeyOperator": key(KEYS[0]),
        "operatorPayoutAddress": "Xoperator",
    });
    for (name, value) in state.as_object().unwrap() {
        all[name] = value.clone();
    }
    if all["version"].as_u64().is_some_and(|version| version >= 3) {
        all.as_object_mut().unwrap().remove("payoutAddress");
    }
    json!({"type": "Regular", "proTxHash": "01".repeat(32), "state": all})
}

fn payouts(parts: &[(&str, u32)]) -> Value {
    parts.iter().map(|(address, reward)| json!({"address": address, "script": "76a9", "reward": reward})).collect()
}

fn shares(rewards: [&str; 2]) -> Value {
    let share = |(place, reward): (usize, &&str)| {
        let owner = ["Xo", "Xp"][place];
        let amount = 600 - 200 * place;
        json!({"amount": amount, "refundAddress": owner, "rewardAddress": reward, "ownerAddress": owner})
    };
    rewards.iter().enumerate().map(share).collect()
}

fn list_of(entry: &Value, height: u32) -> MasternodeList {
    MasternodeList::new(block(height), parse(&answer(&json!([entry]))).0).unwrap()
}

/// The fields that a diff changes, by their labels, and the resulting masternode.
fn changed_by(before: &Value, state: Value) -> Result<(Vec<&'static str>, Masternode), ListError> {
    let result = json!({"baseHeight": 100, "blockHeight": 101, "addedMNs": [], "removedMNs": [],
        "updatedMNs": [{"01".repeat(32): state}]});
    let old = list_of(before, 100);
    let new = diff(&old, &result)?;
    let labels = event::diff(&old, &new, Some(&CONSENSUS)).into_iter().filter_map(|event| match event.kind {
        EventKind::Change(field, _) => Some(field.label()),
        _ => None,
    });
    Ok((labels.collect(), new.masternodes()[0].clone()))
}

#[test]
fn each_transition_changes_only_the_intended_values() {
    let v1 = || entry(json!({}));
    let v2 = || entry(json!({"version": 2, "pubKeyOperator": key(KEYS[1])}));
    let v3 = || entry(json!({"version": 3, "pubKeyOperator": key(KEYS[1]), "payouts": payouts(&[("Xa", 10_000)])}));
    let two = || entry(json!({"version": 3, "payouts": payouts(&[("Xa", 7000), ("Xb", 3000)])}));
    let shared = || {
        let mut entry = entry(json!({"version": 3, "shares": shares(["Xa", "Xb"])}));
        entry["state"].as_object_mut().unwrap().remove("ownerAddress");
        entry
    };
    let far = || {
        entry(json!({"version": 3, "payouts": payouts(&[("Xa", 10_000)]),
        "addresses": {"core_p2p": ["192.0.2.1:9999", "x.onion:9999"], "platform_https": ["192.0.2.1:443"]}}))
    };
    let to_v3 = json!({"version": 3, "payouts": payouts(&[("Xa", 10_000)]), "pubKeyOperator": key(KEYS[1])});
    let stolen = json!({"version": 3, "payouts": payouts(&[("Xthief", 10_000)]), "pubKeyOperator": key(KEYS[1])});
    let banned = |first: &str| json!({"pubKeyOperator": key(first), "PoSeBanHeight": 101});
    let revoked = json!({"pubKeyOperator": "0".repeat(96), "PoSeBanHeight": 101, "revocationReason": 1});
    let revived = json!({"pubKeyOperator": key(KEYS[2]), "PoSeRevivedHeight": 101});
    type Row = (&'static str, Value, Value, &'static [&'static str]);
    let rows: Vec<Row> = vec![
        ("1 to 2", v1(), json!({"version": 2, "pubKeyOperator": key(KEYS[1])}), &["version"]),
        ("1 to 3", v1(), to_v3.clone(), &["version"]),
        ("2 to 3", v2(), json!({"version": 3, "payouts": payouts(&[("Xa", 10_000)])}), &["version"]),
        ("1 to 3 with a theft", v1(), stolen, &["payout", "version"]),
        ("3, another payee", v3(), json!({"payouts": payouts(&[("Xb", 10_000)])}), &["payout"]),
        ("3, split", v3(), json!({"payouts": payouts(&[("Xa", 7000), ("Xb", 3000)])}), &["payout"]),
        ("3, joined", two(), json!({"payouts": payouts(&[("Xa", 10_000)])}), &["payout"]),
        ("3, other parts", two(), json!({"payouts": payouts(&[("Xa", 6000), ("Xb", 4000)])}), &["payout"]),
        ("3, another order", two(), json!({"payouts": payouts(&[("Xb", 3000), ("Xa", 7000)])}), &[]),
        ("a share's reward", shared(), json!({"shares": shares(["Xthief", "Xb"])}), &["payout"]),
        ("the same shares", shared(), json!({"shares": shares(["Xa", "Xb"])}), &[]),
        (
            "an address more",
            v3(),
            json!({"addresses": {"core_p2p": ["192.0.2.1:9999", "[2001:db8::1]:9999"]}}),
            &["addresses"],
        ),
        ("an address less", far(), json!({"addresses": {"core_p2p": ["192.0.2.1:9999"]}}), &["addresses"]),
        ("another primary address", v3(), json!({"addresses": {"core_p2p": ["192.0.2.9:9999"]}}), &["address"]),
        ("no address", far(), json!({"addresses": {}}), &["address", "addresses"]),
        ("another key", far(), banned(KEYS[2]), &["address", "operator_key", "operator_payout", "addresses"]),
        ("the key in its other encoding", far(), json!({"pubKeyOperator": key(KEYS[1])}), &[]),
        ("revoked", v2(), revoked.clone(), &["address", "operator_key", "operator_payout"]),
        ("revoked, extended", far(), revoked, &["address", "operator_key", "operator_payout", "addresses"]),
        ("another key and revived", v3(), revived, &["operator_key", "operator_payout"]),
    ];
    for (name, before, state, expected) in rows {
        let (changed, _) = changed_by(&before, state).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(changed, expected, "{name}");
    }
    for (name, before, state) in [
        ("2 to 3 without payees", v2(), json!({"version": 3})),
        ("3 to 1 without a payee", two(), json!({"version": 1})),
        ("3 to 1 of one payee", v3(), json!({"version": 1, "addresses": {}})),
    ] {
        let error = changed_by(&before, state).unwrap_err();
        assert!(matches!(error, ListError::UnknownPayees(_)), "{name}: the full list is read");
    }
    let (changed, after) = changed_by(&two(), json!({"version": 1, "payoutAddress": "Xa"})).unwrap();
    assert_eq!((changed, after.details.payout_address().as_deref()), (vec!["payout", "version"], Some("Xa")));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row a case")]
fn an_unknown_form_is_counted_and_breaks_nothing() {
    use NotUnderstood::{AddressKind, PayoutForm, ShareForm, StateVersion};
    // name, state, payees known, address, kinds.
    type Row = (&'static str, Value, Option<usize>, Option<&'static str>, &'static [NotUnderstood]);
    let home = Some("192.0.2.1:9999");
    let v3 = |payouts: Value| json!({"version": 3, "payouts": payouts});
    let many: Vec<(String, u32)> =
        (0..32).map(|number| (format!("X{number}"), if number == 0 { 325 } else { 312 })).collect();
    let mut many: Vec<(&str, u32)> = many.iter().map(|(address, reward)| (&**address, *reward)).collect();
    many[1].1 = 315;
    let long = format!("{}.example:443", "a".repeat(5_000));
    let rows: Vec<Row> = vec![
        (
            "version 4",
            json!({"version": 4, "payouts": payouts(&[("Xa", 7000), ("Xb", 3000)])}),
            Some(2),
            home,
            &[StateVersion],
        ),
        ("a version in words", json!({"version": "three"}), Some(1), home, &[StateVersion]),
        ("no version", json!({"version": null}), Some(1), home, &[]),
        ("no payees", v3(json!([])), None, home, &[PayoutForm]),
        ("payees null", v3(json!(null)), None, home, &[PayoutForm]),
        ("payees in words", v3(json!("Xa")), None, home, &[PayoutForm]),
        ("a payee without a name", v3(json!([{"reward": 10_000}])), None, home, &[PayoutForm]),
        ("parts of another unit", v3(payouts(&[("Xa", 70_000), ("Xb", 30_000)])), Some(2), home, &[PayoutForm]),
        ("parts below the whole", v3(payouts(&[("Xa", 9_000)])), Some(1), home, &[PayoutForm]),
        ("a script alone", v3(json!([{"script": "6a04", "reward": 10_000}])), Some(1), home, &[]),
        ("32 payees", v3(payouts(&many)), Some(32), home, &[]),
        (
            "a key that is to come",
            json!({"version": 3, "payouts": [{"address": "Xa", "reward": 10_000, "memo": [1]}], "new": {}}),
            Some(1),
            home,
            &[],
        ),
        ("payouts in a version 2", json!({"version": 2, "payouts": payouts(&[("Xb", 10_000)])}), Some(1), home, &[]),
        ("shares of another form", json!({"version": 3, "shares": [{"amount": "all"}]}), None, home, &[ShareForm]),
        (
            "a share without a reward address",
            json!({"version": 3, "shares": [{"amount": 1, "refundAddress": "Xr"}, {"amount": 1, "rewardAddress": "Xa"}]}),
            Some(2),
            home,
            &[],
        ),
        (
            "addresses in words",
            json!({"addresses": "192.0.2.1:9999", "service": "192.0.2.1:9999"}),
            Some(1),
            home,
            &[AddressKind],
        ),
        (
            "another purpose",
            json!({"addresses": {"core_p2p": ["192.0.2.1:9999"], "core_quic": ["192.0.2.1:1"]}}),
            Some(1),
            home,
            &[AddressKind],
        ),
        (
            "an object for an address",
            json!({"addresses": {"core_p2p": ["192.0.2.1:9999", {"ip": 1}]}}),
            Some(1),
            home,
            &[AddressKind],
        ),
        (
            "a null list",
            json!({"addresses": {"core_p2p": ["192.0.2.1:9999"], "platform_p2p": null}}),
            Some(1),
            home,
            &[],
        ),
        (
            "a name longer than a host name can be",
            json!({"addresses": {"core_p2p": ["192.0.2.1:9999"], "platform_https": [long]}}),
            Some(1),
            home,
            &[AddressKind],
        ),
        (
            "I2P without a port",
            json!({"addresses": {"core_p2p": ["abc.b32.i2p:0"]}}),
            Some(1),
            Some("abc.b32.i2p:0"),
            &[],
        ),
        (
            "keys that are no texts",
            json!({"ownerAddress": ["Xo"], "votingAddress": null, "pubKeyOperator": 7}),
            Some(1),
            home,
            &[],
        ),
    ];
    for (name, state, payees, address, kinds) in rows {
        let good = entry(json!({}));
        let (mut list, unknown) = parse(&answer(&json!([entry(state), good])));
        assert_eq!(list.len(), 2, "{name}");
        let details = list.remove(0).details;
        assert_eq!(details.payees().map(|payees| payees.len()), payees, "{name}");
        assert_eq!(details.address().as_deref(), address, "{name}");
        let met: Vec<NotUnderstood> = NotUnderstood::ALL.into_iter().filter(|kind| unknown.count(*kind) > 0).collect();
        assert_eq!(met, kinds, "{name}");
    }
}
