//! Transactions of the types that Dash 24 added, as `getspecialtxes` writes them.
//!
//! Their names and fields are those of the payloads (`src/evo/providertx.h`); no recorded answer exists for types 10 to
//! 12.
//!
//! Never here: which transactions a block has (`fork_rules`).

use serde_json::{Map, Value, json};

use super::Context;
use crate::extended::script;
use crate::fork::BIT;
pub(super) use crate::fork_rules::Special;
use crate::history::Block;
use crate::masternode::Masternode;
use crate::random::{Hash256, Random};

impl Special {
    /// The number of the transaction's type.
    pub(super) fn kind(&self) -> i64 {
        match self {
            Self::Signal => 7,
            Self::Dissolution(_) => 10,
            Self::ShareReward(..) => 11,
            Self::SharedKey(_) => 12,
        }
    }
}

/// The transaction, without its hash and where it was mined.
pub(super) fn transaction(context: &Context<'_>, block: &Block, place: u64, special: &Special) -> Map<String, Value> {
    let mut random = random(block.hash, place);
    let (name, payload) = payload(context, block, special, &mut random);
    let value = json!({
        "version": 3,
        "type": special.kind(),
        "size": 250,
        "locktime": 0,
        "vin": [],
        "vout": [],
        "extraPayloadSize": 130,
        "extraPayload": random.hex(130),
        "hex": bytes(block.hash, place),
        name: payload,
    });
    let Value::Object(fields) = value else { unreachable!("written as an object") };
    fields
}

/// Its bytes, which are random.
pub(super) fn bytes(block: Hash256, place: u64) -> String {
    random(block, place).hex(250)
}

fn random(block: Hash256, place: u64) -> Random {
    Random::of(&[block.seed(), 0x59ec, place])
}

fn payload(context: &Context<'_>, block: &Block, special: &Special, random: &mut Random) -> (&'static str, Value) {
    let facts = context.state.facts;
    match special {
        Special::Signal => {
            let quorum = block.dkg.active.values().flatten().next();
            let hash = quorum.map_or_else(|| random.hash(), |quorum| quorum.session.base_hash);
            let signal = json!({ "versionBit": BIT, "quorumHash": hash, "sig": random.hex(96) });
            ("mnhfTx", json!({ "version": 1, "signal": signal }))
        }
        Special::Dissolution(node) => {
            ("proDisTx", json!({ "version": 1, "proTxHash": node.hash, "actorIndex": 0, "sigCount": node.shares }))
        }
        Special::ShareReward(node, share) => {
            let reward = node.shares(facts).swap_remove(usize::from(*share)).reward;
            let fields = json!({
                "version": 1,
                "proTxHash": node.hash,
                "shareIndex": share,
                "rewardAddress": reward,
                "inputsHash": random.hash(),
            });
            ("proUpShareTx", fields)
        }
        Special::SharedKey(node) => {
            let fields = json!({
                "version": 1,
                "proTxHash": node.hash,
                "votingAddress": node.voting_address(facts),
                "pubKeyOperator": node.operator_key_hex(),
                "inputsHash": random.hash(),
                "sigCount": node.shares,
            });
            ("proUpSharedRegTx", fields)
        }
    }
}

/// The payees of a masternode payment in the order of the coinbase: the platform's part, the owners, the operator.
pub(super) fn payees(context: &Context<'_>, node: &Masternode, platform: u64, amount: u64) -> Vec<Value> {
    let burnt = json!({ "address": "", "script": "6a", "amount": platform });
    let paid = node.split(amount, context.state.facts);
    let entry =
        |(address, amount): (String, u64)| json!({ "script": script(&address), "address": address, "amount": amount });
    std::iter::once(burnt).chain(paid.into_iter().map(entry)).collect()
}
