//! For any answer of a Dash node to a small request, each decoder returns a value that matches the bytes, or an error
//! that can be logged.
//!
//! Never here: lists (`list`), changes (`changes`), the older chains (`legacy`).

use std::collections::BTreeSet;

use domain::deployment::{At, Deployment};
use domain::dkg::{MAIN, REGTEST};
use domain::quorum_rotation::Quarter;
use domain::quorum_selection::{QuorumModifierInput, Sml, SmlDiff};
use domain::{Details, Height, Masternode, MasternodeId, Subnet, UnixSeconds, rfc3339};
use masternode_exporter::rpc::ErrorKind;
use masternode_exporter::rpc::dash::{answers, forks, quorums, rotation, sessions, sml_diff, special};
use masternode_exporter::rpc::masternode_status;
use serde_json::{Value, json};

use super::common::{block, read};

/// Minimum number of bytes for each further item with a hash.
const HASH_BYTES: usize = 64;

/// Range of the 32-bit field in a block's header.
const LATEST: UnixSeconds = UnixSeconds(u32::MAX as u64);

/// See the module.
pub fn run(body: &[u8]) {
    chain(body);
    state(body);
    quorum(body);
    seats(body);
    if let Some(masternode) = read(answers::masternode(body)) {
        // One reader refuses duplicate keys of an object, the other overwrites them.
        if let Ok(value) = serde_json::from_slice::<Value>(body) {
            entry(&masternode, &value["result"]);
        }
    }
}

fn chain(body: &[u8]) {
    if let Some(hash) = read(answers::block_hash(body)) {
        assert_eq!(again(&json!(hash.to_string()), answers::block_hash), hash);
    }
    if let Some(header) = read(answers::header(body)) {
        assert!(header.block.time <= LATEST, "a header has 32 bits for its time");
        let written = json!({
            "hash": header.block.hash.to_string(),
            "height": header.block.height.0,
            "time": header.block.time.0,
            "previousblockhash": header.previous.map(|hash| hash.to_string()),
            "merkleroot": header.merkle_root.map(|root| root.to_string()),
        });
        assert_eq!(again(&written, answers::header), header);
        let text = rfc3339::text(header.block.time);
        assert_eq!(rfc3339::span(&text), Some((header.block.time, header.block.time)), "{text}");
    }
    if let Some(info) = read(answers::chain_info(body)) {
        assert!(info.tip_time.is_none_or(|time| time <= LATEST), "a header has 32 bits for its time");
    }
    if let Some((height, hash)) = read(answers::chainlock(body)) {
        let written = json!({ "height": height.0, "blockhash": hash.to_string() });
        assert_eq!(again(&written, answers::chainlock), (height, hash));
    }
    let _ = read(quorums::outputs(body));
    deployments(body);
}

fn deployments(body: &[u8]) {
    let said = read(answers::chain_info(body)).and_then(|info| info.forks).into_iter();
    for forks in said.chain(read(forks::deployments(body))) {
        for tip in [0, 240, u32::MAX].map(Height) {
            for subnet in [Subnet::Main, Subnet::Regtest] {
                let at = At {
                    subnet,
                    tip,
                    median_time: Some(UnixSeconds(0)),
                    seen_signal: None,
                    stated_window: None,
                    node_version: None,
                    coinbase_version: None,
                };
                let Some(known) = Deployment::v24(&forks, &at) else { continue };
                assert!(known.phase.is_certain() || known.activation_height.is_none(), "only a lock-in is certain");
                assert!(known.active_since(tip).is_none_or(|since| since <= tip));
            }
        }
    }
    let _ = read(special::transactions(body));
}

fn state(body: &[u8]) {
    let _ = read(answers::network_info(body)).map(|info| info.is_isolated());
    let _ = read(answers::sync_status(body));
    if let Some(count) = read(answers::count(body)) {
        let written = json!({ "total": count.total, "enabled": count.enabled, "inqueue": count.queued });
        assert_eq!(again(&written, answers::count), count);
    }
    if let Some(sporks) = read(answers::sporks(body)) {
        let written = sporks.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        assert_eq!(again(&Value::Object(written), answers::sporks), sporks);
    }
    if let Some(id) = read(masternode_status::own_masternode(body)).and_then(|own| own.id) {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}

fn quorum(body: &[u8]) {
    let room = |found: usize| assert!(found * HASH_BYTES <= body.len(), "{found} of them in {} bytes", body.len());
    if let Some(commitments) = read(quorums::commitments(body)) {
        room(commitments.len());
    }
    if let Some(quorum) = read(quorums::members(body)) {
        room(quorum.members.len());
        assert!(quorum.members.iter().all(|(id, _)| matches!(id, MasternodeId::ProTx(_))));
    }
    if let Some(formed) = read(quorums::formed_in(body, &block(1).hash)) {
        room(formed.len());
    }
    if let Some(seen) = read(sessions::sessions(body)) {
        room(seen.sessions.iter().map(|session| session.seats.len()).sum());
        assert!(seen.sees || seen.sessions.is_empty());
    }
    let _ = read(sessions::blocks_to_next(body));
}

/// For any candidates, no quorum has more members than its size, and none twice.
fn seats(body: &[u8]) {
    let _ = read(quorums::types(body));
    let lot = read(sml_diff::quorum_modifier_input(body, &block(1))).flatten();
    let lot = lot.unwrap_or(QuorumModifierInput { height: block(1).height, hash: block(1).hash, chainlock: None });
    if let Some(info) = read(rotation::rotation_info(body)) {
        let rotating = REGTEST.iter().find(|kind| kind.quorums > 1).expect("one rotates");
        for (snapshot, _) in &info.earlier {
            let quarter = Quarter::from_snapshot(rotating, &Sml::default(), &lot, snapshot);
            assert!(quarter.is_ok(), "an empty list has no ranked masternode");
        }
    }
    if let Some(change) = read(sml_diff::sml_diff(body, &block(1).hash)) {
        let mut roll = Sml::default();
        roll.apply(&SmlDiff::from(&change));
        let drawn = roll.draw(&MAIN[0], &lot).into_iter().chain(roll.draw(&REGTEST[0], &lot));
        for members in drawn {
            assert!(members.len() <= change.entered.len() && members.len() <= MAIN[0].size as usize);
            assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), members.len());
        }
    }
}

/// The packed form of a masternode matches the answer.
pub(super) fn entry(masternode: &Masternode, said: &Value) {
    let details: &Details = &masternode.details;
    let state = &said["state"];
    let text = |name: &str| state[name].as_str().filter(|text| !text.is_empty()).map(str::to_string);
    let kept = details.texts();
    let pairs = [
        (kept.payout_address, "payoutAddress"),
        (kept.owner_address, "ownerAddress"),
        (kept.voting_address, "votingAddress"),
        (kept.operator_key, "pubKeyOperator"),
        (kept.operator_payout_address, "operatorPayoutAddress"),
    ];
    for (kept, name) in pairs {
        assert_eq!(kept.as_deref(), text(name).as_deref(), "{name}");
    }
    assert_eq!(masternode.pose_score.map(|score| u64::from(score.0)), state["PoSePenalty"].as_u64());
    assert_eq!(Some(masternode.id.to_string()), said["proTxHash"].as_str().map(str::to_ascii_lowercase));
}

/// Reads the written value as from a node.
fn again<T>(result: &Value, read: impl Fn(&[u8]) -> Result<T, ErrorKind>) -> T {
    let body = json!({ "result": result, "error": null, "id": "0" }).to_string();
    read(body.as_bytes()).unwrap_or_else(|error| panic!("{error:?} in {body}"))
}
