//! The coinbase of a block: its outputs, its payload, its bytes (`docs/spec/dash-24.md#coinbase-payload`).
//!
//! It has the outputs of the miner, of the platform and of the payee, whose operator shares nothing without the fork of Dash
//! 24. The root of the masternode list and the ChainLock are those of the chain; the root of the quorums is random and proves
//! nothing.
//!
//! Never here: the other transactions of a block (`transactions`).

use serde_json::{Map, Value, json};

use super::Context;
use super::transactions::Point;
use crate::extended::script;
use crate::masternode::Masternode;
use crate::merkle::double_sha256;
use crate::payment::payment_amount;
use crate::quorum_selection::chainlock_signature;
use crate::random::{Hash256, Random, hex, unhex};
use crate::simplified_list::list_root;

/// The type of a block's first transaction.
pub(super) const COINBASE_TYPE: i64 = 5;

/// Duffs that go to the platform.
pub(super) const PLATFORM_AMOUNT: u64 = 112_592_247;

/// Duffs of the miner, and its address.
const MINER: (&str, u64) = ("yMiner", 100_081_998);

/// Duffs of the credit pool.
const CREDIT_POOL: u64 = 3_265_175_163;

/// The coinbase of one block.
pub(super) struct Coinbase {
    height: u32,
    /// Script and amount; the address of what is no burnt amount.
    outputs: Vec<(String, u64, Option<String>)>,
    /// Dash 24 is in force.
    forked: bool,
    pub(super) list_root: Hash256,
    pub(super) quorums_root: Hash256,
    signature: [u8; 96],
}

impl Coinbase {
    /// That of a block; `None` where its list is no longer known.
    pub(super) fn of(context: &Context<'_>, point: &Point) -> Option<Self> {
        let list_root = list_root(context.state, point.list.as_ref()?)?;
        let to = |address: String, amount: u64| (script(&address), amount, Some(address));
        let mut outputs = vec![to(MINER.0.to_owned(), MINER.1), ("6a".to_owned(), PLATFORM_AMOUNT, None)];
        let payee = point.block.as_ref().and_then(|block| block.payee);
        let payees = payee.map(|payee| paid(context, &payee, point.height)).unwrap_or_default();
        outputs.extend(payees.into_iter().map(|(address, amount)| to(address, amount)));
        Some(Self {
            height: point.height,
            outputs,
            forked: context.state.forked(point.height),
            list_root,
            quorums_root: Random::of(&[point.hash.seed(), 0xc0b]).hash(),
            signature: chainlock_signature(point.hash),
        })
    }

    fn version(&self) -> u16 {
        if self.forked { 4 } else { 3 }
    }

    fn payload(&self) -> Vec<u8> {
        let mut bytes = self.version().to_le_bytes().to_vec();
        bytes.extend(self.height.to_le_bytes());
        bytes.extend(self.list_root.memory_order());
        bytes.extend(self.quorums_root.memory_order());
        // The ChainLock is that of the parent.
        bytes.push(0);
        bytes.extend(self.signature);
        bytes.extend(CREDIT_POOL.to_le_bytes());
        if self.forked {
            bytes.extend([0; 32]);
        }
        bytes
    }

    /// The transaction as it is hashed.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![3, 0, 5, 0, 1];
        bytes.extend([0; 32]);
        bytes.extend([0xff, 0xff, 0xff, 0xff, 1, 0x6a, 0xff, 0xff, 0xff, 0xff]);
        bytes.push(u8::try_from(self.outputs.len()).expect("a payment has few payees"));
        for (script, amount, _) in &self.outputs {
            bytes.extend(amount.to_le_bytes());
            let script = unhex(script);
            bytes.push(u8::try_from(script.len()).expect("a script is short"));
            bytes.extend(script);
        }
        bytes.extend([0; 4]);
        let payload = self.payload();
        bytes.push(u8::try_from(payload.len()).expect("a payload is shorter than 253 bytes"));
        bytes.extend(payload);
        bytes
    }

    /// Hash of the transaction.
    pub(super) fn txid(&self) -> Hash256 {
        let mut hash = Hash256(double_sha256(&self.bytes()));
        hash.0.reverse();
        hash
    }

    /// The payload as `getspecialtxes` and `getblock` write it.
    pub(super) fn payload_value(&self) -> Value {
        let mut payload = json!({
            "version": self.version(),
            "height": self.height,
            "merkleRootMNList": self.list_root,
            "merkleRootQuorums": self.quorums_root,
            "bestCLHeightDiff": 0,
            "bestCLSignature": hex(&self.signature),
            "creditPoolBalance": CREDIT_POOL as f64 / 1e8,
        });
        if self.forked {
            let fields = payload.as_object_mut().expect("an object");
            fields.insert("merkleRootAssetUnlocks".to_owned(), json!(Hash256::ZERO));
        }
        payload
    }

    /// The fields of the transaction, without where it was mined.
    pub(super) fn value(&self) -> Map<String, Value> {
        let script = |(hex, _, address): &(String, u64, Option<String>)| match address {
            Some(address) => json!({ "asm": "", "hex": hex, "address": address, "type": "pubkeyhash" }),
            None => json!({ "asm": "OP_RETURN", "hex": hex, "type": "nulldata" }),
        };
        let output = |(n, output): (usize, &(String, u64, Option<String>))| {
            let amount = output.1;
            json!({ "value": amount as f64 / 1e8, "valueSat": amount, "n": n, "scriptPubKey": script(output) })
        };
        let (bytes, payload) = (self.bytes(), self.payload());
        let value = json!({
            "txid": self.txid(),
            "version": 3,
            "type": COINBASE_TYPE,
            "size": bytes.len(),
            "locktime": 0,
            "vin": [{ "coinbase": "6a", "sequence": 4_294_967_295_u32 }],
            "vout": self.outputs.iter().enumerate().map(output).collect::<Vec<Value>>(),
            "extraPayloadSize": payload.len(),
            "extraPayload": hex(&payload),
            "cbTx": self.payload_value(),
            "hex": hex(&bytes),
        });
        let Value::Object(fields) = value else { unreachable!("a transaction is an object") };
        fields
    }
}

/// Who is paid by a block. Without the fork of Dash 24 the operator shares nothing, see the module.
fn paid(context: &Context<'_>, payee: &Masternode, height: u32) -> Vec<(String, u64)> {
    let (facts, amount) = (context.state.facts, payment_amount(height));
    match context.state.options.fork {
        None => vec![(payee.payout_address(facts), amount)],
        Some(_) => payee.split(amount, facts),
    }
}
