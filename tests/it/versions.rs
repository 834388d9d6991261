//! Answers of versions other than the recorded one, written by the field tables of Dash Core's sources: missing fields
//! are accepted, and new fields are ignored.

use domain::list::{Block, MasternodeList};
use domain::{BlockHash, Hash, Height, NodeType, Score, UnixSeconds};
use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

fn answer(result: &Value) -> Vec<u8> {
    json!({"result": result, "error": null, "id": "x"}).to_string().into_bytes()
}

/// An entry with the fields that every version has.
fn entry(state: &Value) -> Value {
    let mut all = json!({
        "registeredHeight": 1_100_000, "lastPaidHeight": 0, "PoSePenalty": 7, "PoSeRevivedHeight": -1,
        "PoSeBanHeight": -1, "revocationReason": 0, "ownerAddress": "Xowner", "votingAddress": "Xvoter",
        "payoutAddress": "Xpayout", "pubKeyOperator": "ab".repeat(48),
    });
    for (key, value) in state.as_object().unwrap() {
        all[key] = value.clone();
    }
    json!({"proTxHash": "01".repeat(32), "collateralHash": "02".repeat(32), "collateralIndex": 1, "operatorReward": 12.5,
        "state": all, "confirmations": -1})
}

#[test]
fn entries_of_every_version_are_read() {
    let with = |mut entry: Value, node_type: &str| {
        entry["type"] = json!(node_type);
        entry
    };
    let service = json!({"service": "192.0.2.1:9999"});
    // version, entry, kind, address.
    let cases = [
        ("0.17: no type", entry(&service), NodeType::Regular, Some("192.0.2.1:9999")),
        ("19: HighPerformance", with(entry(&service), "HighPerformance"), NodeType::Evo, Some("192.0.2.1:9999")),
        ("20: Evo", with(entry(&service), "Evo"), NodeType::Evo, Some("192.0.2.1:9999")),
        ("22: no service set", with(entry(&json!({"service": "[::]:0"})), "Regular"), NodeType::Regular, None),
        ("0.17: no service set", entry(&json!({"service": "0.0.0.0:0"})), NodeType::Regular, None),
        (
            "23: ports unknown",
            with(entry(&json!({"service": "192.0.2.1:9999", "platformP2PPort": -1, "addresses": {}})), "Evo"),
            NodeType::Evo,
            Some("192.0.2.1:9999"),
        ),
        (
            "development: addresses only, a name",
            with(
                entry(&json!({"version": 3, "addresses": {"core_p2p": ["node.example:9999", "192.0.2.1:9999"]}})),
                "Evo",
            ),
            NodeType::Evo,
            Some("node.example:9999"),
        ),
        ("to come: another kind", with(entry(&service), "Mega"), NodeType::Regular, Some("192.0.2.1:9999")),
        ("development: no address", with(entry(&json!({"addresses": {}})), "Regular"), NodeType::Regular, None),
    ];
    for (version, entry, node_type, address) in cases {
        let masternode = answers::masternode(&answer(&entry)).unwrap_or_else(|error| panic!("{version}: {error:?}"));
        assert_eq!(masternode.node_type, node_type, "{version}");
        assert_eq!(masternode.details.address().as_deref(), address, "{version}");
        assert_eq!(masternode.pose_score, Some(Score(7)), "{version}");
        assert_eq!((masternode.last_paid_height, masternode.ban_height), (None, None), "{version}");
        assert_eq!(masternode.registered_height.get(), Some(Height(1_100_000)), "{version}");
    }
}

#[test]
fn impossible_values_are_refused_by_name() {
    let mut nameless = entry(&json!({}));
    nameless["proTxHash"] = json!("zz");
    let mut scoreless = entry(&json!({}));
    scoreless["state"].as_object_mut().unwrap().remove("PoSePenalty");
    let cases = [
        (nameless, "64 hexadecimal digits"),
        (scoreless, "PoSePenalty is missing"),
        (entry(&json!({"PoSePenalty": -5})), "PoSePenalty -5 is out of range"),
        (entry(&json!({"PoSeBanHeight": -2})), "PoSeBanHeight -2 is out of range"),
        (entry(&json!({"registeredHeight": 1_u64 << 40})), "registeredHeight"),
    ];
    for (entry, expected) in cases {
        let error = format!("{:?}", answers::masternode(&answer(&entry)).unwrap_err());
        assert!(error.contains(expected), "{error} should say {expected}");
    }
}

#[test]
fn forks_are_found_however_a_version_lists_them() {
    let info = |forks: Value| {
        let mut info = json!({"chain": "main", "blocks": 5, "headers": 6, "bestblockhash": "00".repeat(32)});
        for (key, value) in forks.as_object().unwrap() {
            info[key] = value.clone();
        }
        let info = answers::chain_info(&answer(&info)).unwrap();
        (info.fork_active("v19"), info.fork_active("mn_rr"))
    };
    assert_eq!(
        info(json!({"softforks": [{"id": "bip34"}], "bip9_softforks": {"dip0024": {"status": "active"}}})),
        (None, None)
    );
    assert_eq!(info(json!({"softforks": [], "bip9_softforks": {"v19": {"status": "started"}}})), (Some(false), None));
    assert_eq!(info(json!({"softforks": [], "bip9_softforks": {"v19": {"status": "active"}}})), (Some(true), None));
    let both = json!({"softforks": {"v19": {"active": true, "height": 1}, "mn_rr": {"active": true, "height": 2}}});
    assert_eq!(info(both), (Some(true), Some(true)));
}

#[test]
fn a_diff_of_another_span_is_refused() {
    let block = |height| Block { height: Height(height), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) };
    let diff = json!({"baseHeight": 4, "blockHeight": 6, "addedMNs": [], "removedMNs": [], "updatedMNs": []});
    assert!(answers::list_diff(&answer(&diff), &block(4), &block(6)).is_ok());
    let error = format!("{:?}", answers::list_diff(&answer(&diff), &block(4), &block(5)).unwrap_err());
    assert!(error.contains("from height 4 to 5, received 4 to 6"), "{error}");
}

/// Otherwise a ban could be missing from a diff that looks like one without changes.
#[test]
fn a_diff_without_one_of_its_lists_or_with_a_null_is_refused() {
    let block = |height| Block { height: Height(height), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) };
    let whole = json!({"baseHeight": 4, "blockHeight": 5, "addedMNs": [], "removedMNs": [], "updatedMNs": []});
    let read = |diff: &Value| answers::list_diff(&answer(diff), &block(4), &block(5));
    assert!(read(&whole).is_ok());
    for name in ["addedMNs", "removedMNs", "updatedMNs"] {
        let mut cut = whole.clone();
        cut.as_object_mut().unwrap().remove(name);
        assert!(read(&cut).is_err(), "without {name}");
        cut[name] = Value::Null;
        assert!(read(&cut).is_err(), "{name} is null");
    }
    for name in ["PoSePenalty", "PoSeBanHeight", "PoSeRevivedHeight", "lastPaidHeight", "registeredHeight"] {
        let mut diff = whole.clone();
        diff["updatedMNs"] = json!([{"01".repeat(32): {name: null}}]);
        assert!(read(&diff).is_err(), "{name} is null");
        diff["updatedMNs"] = json!([{"01".repeat(32): {name: 3}}]);
        assert!(read(&diff).is_ok(), "{name} is 3");
    }
}

/// v23 reports a change of a Platform port with the Platform's entries of `addresses` and without the primary address.
#[test]
fn a_change_of_a_platform_port_does_not_change_the_address() {
    let block = |height| Block { height: Height(height), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) };
    let changed = |state: Value| {
        let body = answer(&json!([entry(&json!({"service": "192.0.2.1:9999"}))]));
        let mut parser = ListParser::default();
        parser.push(&body).unwrap();
        let before = MasternodeList::new(block(4), parser.finish().unwrap().masternodes).unwrap();
        let hash = "01".repeat(32);
        let diff =
            json!({"baseHeight": 4, "blockHeight": 5, "addedMNs": [], "removedMNs": [], "updatedMNs": [{hash: state}]});
        let after = before.apply(&answers::list_diff(&answer(&diff), &block(4), &block(5)).unwrap().0).unwrap();
        after.masternodes()[0].details.address().map(|address| address.to_string())
    };
    let before = Some("192.0.2.1:9999".to_string());
    assert_eq!(changed(json!({"addresses": {"platform_p2p": ["255.255.255.255:26656"]}})), before);
    assert_eq!(changed(json!({"addresses": {"core_p2p": ["192.0.2.9:9999"]}})), Some("192.0.2.9:9999".into()));
    assert_eq!(changed(json!({"addresses": {}})), None);
    assert_eq!(changed(json!({"service": "[::]:0"})), None);
    assert_eq!(changed(json!({"lastPaidHeight": 5})), before);
}

fn parse(pieces: &[&[u8]]) -> Result<usize, String> {
    let mut parser = ListParser::default();
    let mut push = || -> Result<(), masternode_exporter::rpc::ErrorKind> {
        pieces.iter().try_for_each(|piece| parser.push(piece))
    };
    push().map_err(|error| format!("{error:?}"))?;
    parser.finish().map(|list| list.masternodes.len()).map_err(|error| format!("{error:?}"))
}

fn body(count: usize) -> Vec<u8> {
    answer(&Value::Array((0..count).map(|_| entry(&json!({"service": "192.0.2.1:9999"}))).collect()))
}

#[test]
fn a_list_is_found_anywhere_in_the_envelope() {
    let list = json!([entry(&json!({}))]).to_string();
    for envelope in [
        format!("{{\"result\":{list},\"error\":null,\"id\":\"x\"}}\n"),
        format!(" {{ \"id\" : 12 , \"jsonrpc\":\"2.0\", \"error\" : null , \"result\" : {list} }} "),
        format!("{{\"id\":{{\"a\":[1,2]}},\"result\":{list}}}"),
    ] {
        assert_eq!(parse(&[envelope.as_bytes()]), Ok(1), "{envelope:.60}");
    }
    let error = parse(&[br#"{"result":null,"error":{"code":-28,"message":"Loading"},"id":1}"#]).unwrap_err();
    assert!(error.contains("WarmingUp"), "{error}");
}

#[test]
fn a_list_with_its_punctuation_damaged_is_refused() {
    let entry = entry(&json!({})).to_string();
    for body in [
        format!("{{\"result\":[{entry}{entry}]}}"),
        format!("{{\"result\":[{entry},]}}"),
        format!("{{\"result\":[,{entry}]}}"),
        format!("{{\"result\":[{entry}],}}"),
        format!("{{,\"result\":[{entry}]}}"),
        format!("{{\"result\"[{entry}]}}"),
        format!("{{\"result\"::[{entry}]}}"),
        format!("{{\"id\":1 \"result\":[{entry}]}}"),
        format!("{{\"result\":[{entry}],\"result\":[]}}"),
        format!("{{\"result\":[{entry}]]}}"),
    ] {
        assert!(parse(&[body.as_bytes()]).is_err(), "{body}");
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert!(parse(&bytes).is_err(), "byte by byte: {body}");
    }
}

#[test]
fn a_masternode_is_too_long_however_it_arrives() {
    let padded = |length: usize| {
        let mut entry = entry(&json!({}));
        entry["padding"] = json!("x".repeat(length));
        answer(&json!([entry]))
    };
    for (length, taken) in [(60_000, true), (70_000, false)] {
        let body = padded(length);
        assert_eq!(parse(&[&body]).is_ok(), taken, "{length} at once");
        assert_eq!(parse(&body.chunks(1000).collect::<Vec<_>>()).is_ok(), taken, "{length} in chunks");
    }
}

#[test]
fn a_truncated_list_or_one_with_trailing_data_is_refused() {
    let whole = body(3);
    for length in 0..whole.len() - 1 {
        assert!(parse(&[&whole[..length]]).is_err(), "{length} of {} bytes", whole.len());
    }
    let error = parse(&[&whole[..whole.len() - 30]]).unwrap_err();
    assert!(error.contains("cut off after 2 masternodes"), "{error}");
    assert!(parse(&[&whole, b"x"]).is_err());
    assert!(
        parse(&[b"{\"result\":[", &[b' '; 10], b"{\"a\":\"", &vec![b'x'; 300_000]])
            .unwrap_err()
            .contains("longer than")
    );
}

#[test]
fn a_character_may_be_cut_between_two_pieces_and_must_be_whole_at_the_end() {
    let named = answer(&json!([entry(&json!({"service": "knöten-🏠.example:9999", "payoutAddress": "ü"}))]));
    let bytes: Vec<&[u8]> = named.chunks(1).collect();
    assert_eq!((parse(&[&named]), parse(&bytes)), (Ok(1), Ok(1)));
    let mut broken = named.clone();
    let at = broken.iter().position(|byte| *byte >= 0x80).unwrap();
    broken[at + 1] = b'x';
    assert!(parse(&[&broken]).is_err() && parse(&broken.chunks(1).collect::<Vec<_>>()).is_err());
    assert!(parse(&[&named, "🏠".as_bytes()]).is_err());
    assert!(parse(&[&named, &"🏠".as_bytes()[..3]]).is_err());
}

proptest! {
    #[test]
    fn the_pieces_in_which_a_list_arrives_do_not_matter(cuts in proptest::collection::vec(any::<u16>(), 0..40)) {
        let body = body(5);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| usize::from(cut) % body.len()).chain([0, body.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
        prop_assert_eq!(parse(&pieces), Ok(5));
    }

    #[test]
    fn a_damaged_list_gives_the_same_result_as_with_serde_json(at in any::<u16>(), byte in 0x20_u8..0x7f) {
        let mut body = body(2);
        let at = usize::from(at) % body.len();
        body[at] = byte;
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        prop_assert_eq!(parse(&[&body]), parse(&bytes), "at once and byte by byte");
        if serde_json::from_slice::<Value>(&body).is_err() {
            prop_assert!(parse(&[&body]).is_err(), "no JSON, but a list: {}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn a_corrupted_list_is_an_error_or_a_list_but_never_a_panic(at in any::<u16>(), byte in any::<u8>()) {
        let mut body = body(3);
        let at = usize::from(at) % body.len();
        body[at] = byte;
        prop_assert!(parse(&[&body]).is_err() || parse(&[&body]).is_ok());
    }
}
