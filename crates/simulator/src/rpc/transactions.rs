//! The transactions of a block: `getspecialtxes`, `getblock`, the Merkle root (`src/rpc/blockchain.cpp`).
//!
//! A simulated block has a coinbase, its commitments and the transactions that came with Dash 24; all else that happens to a
//! masternode leaves no transaction.
//!
//! Never here: the header of a block (`chain`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::coinbase::{COINBASE_TYPE, Coinbase};
use super::params::Params;
use super::quorum::commitment_value;
use super::{Context, Reply, RpcError, chain, special};
use crate::dkg::Commitment;
use crate::history::Block;
use crate::merkle::{self, double_sha256};
use crate::random::{Hash256, hex, unhex};

/// The type of a transaction that carries a commitment.
const COMMITMENT_TYPE: i64 = 6;

/// A block of the chain, with what the simulator knows of it.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) height: u32,
    pub(super) hash: Hash256,
    /// `None` of a block from before the kept ones.
    pub(super) block: Option<Arc<Block>>,
    /// The block whose list this one has, too; `None` where the list is no longer known.
    pub(super) list: Option<Arc<Block>>,
}

impl Point {
    /// A kept block.
    pub(super) fn kept(block: &Arc<Block>) -> Self {
        let (own, list) = (Some(Arc::clone(block)), Some(Arc::clone(block)));
        Self { height: block.height, hash: block.hash, block: own, list }
    }

    /// A block of this hash, which may be on an abandoned branch; `None`: there is none.
    pub(super) fn of(context: &Context<'_>, hash: Hash256) -> Option<Self> {
        let history = &context.state.history;
        if let Some(block) = history.block(hash).filter(|block| block.height <= context.tip.height) {
            return Some(Self::kept(block));
        }
        let height = history.old_height(hash)?;
        Some(Self { height, hash, block: None, list: history.older_list().cloned() })
    }

    /// The block at this height of the branch that ends at this server's tip.
    pub(super) fn at(context: &Context<'_>, height: u32) -> Option<Self> {
        Self::of(context, context.hash_at(height)?)
    }
}

/// One transaction.
enum Transaction<'a> {
    Coinbase(Coinbase),
    Commitment(&'a Commitment),
    Special(u64, &'a special::Special),
}

impl Transaction<'_> {
    fn kind(&self) -> i64 {
        match self {
            Self::Coinbase(_) => COINBASE_TYPE,
            Self::Commitment(_) => COMMITMENT_TYPE,
            Self::Special(_, special) => special.kind(),
        }
    }

    fn bytes(&self, hash: Hash256) -> String {
        match self {
            Self::Coinbase(coinbase) => hex(&coinbase.bytes()),
            Self::Commitment(commitment) => super::quorum::commitment_bytes(commitment),
            Self::Special(place, _) => special::bytes(hash, *place),
        }
    }

    fn txid(&self, hash: Hash256) -> Hash256 {
        let mut txid = Hash256(double_sha256(&unhex(&self.bytes(hash))));
        txid.0.reverse();
        txid
    }

    /// The transaction: its hash at verbosity 0, its bytes at 1, its fields from 2 on.
    fn value(&self, context: &Context<'_>, point: &Point, verbosity: i64) -> Value {
        match verbosity {
            0 => return json!(self.txid(point.hash)),
            1 => return json!(self.bytes(point.hash)),
            _ => {}
        }
        let mut fields = self.fields(context, point);
        fields.extend(mined(context, point));
        Value::Object(fields)
    }

    /// The fields without those of the block.
    fn fields(&self, context: &Context<'_>, point: &Point) -> Map<String, Value> {
        let mut fields = match self {
            Self::Coinbase(coinbase) => coinbase.value(),
            Self::Commitment(commitment) => commitment_value(commitment),
            Self::Special(place, special) => {
                let block = point.block.as_ref().expect("an older block has no such transaction");
                special::transaction(context, block, *place, special)
            }
        };
        fields.insert("txid".to_owned(), json!(self.txid(point.hash)));
        fields.insert("instantlock".to_owned(), json!(false));
        fields.insert("instantlock_internal".to_owned(), json!(false));
        fields
    }
}

/// Where a transaction was mined.
fn mined(context: &Context<'_>, point: &Point) -> Map<String, Value> {
    let active = context.hash_at(point.height) == Some(point.hash);
    let confirmations = if active { i64::from(context.tip.height) - i64::from(point.height) + 1 } else { 0 };
    let time = chain::time_of(context, point);
    let value = json!({
        "blockhash": point.hash,
        "height": point.height,
        "confirmations": confirmations,
        "time": time,
        "blocktime": time,
        "chainlock": true,
    });
    let Value::Object(fields) = value else { unreachable!("written as an object") };
    fields
}

/// The transactions of a block in its order; of one whose list is no longer known none.
fn transactions<'a>(context: &Context<'_>, point: &'a Point) -> Vec<Transaction<'a>> {
    let Some(coinbase) = Coinbase::of(context, point) else { return Vec::new() };
    let block = point.block.as_deref();
    let commitments = block.into_iter().flat_map(|block| &block.commitments);
    let further = block.into_iter().flat_map(|block| (0..).zip(&block.special));
    std::iter::once(Transaction::Coinbase(coinbase))
        .chain(commitments.map(|commitment| Transaction::Commitment(commitment)))
        .chain(further.map(|(place, special)| Transaction::Special(place, special)))
        .collect()
}

/// Hashes of the transactions of a block, in its order.
pub(super) fn txids(context: &Context<'_>, point: &Point) -> Vec<Hash256> {
    transactions(context, point).iter().map(|transaction| transaction.txid(point.hash)).collect()
}

/// `getspecialtxes`.
pub(super) fn special_transactions(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(0, "blockhash", "getspecialtxes \"blockhash\" ( type count skip verbosity )\n")?;
    let kind = params.number(1, "type")?.unwrap_or(-1);
    let count = params.number(2, "count")?.unwrap_or(10).clamp(0, 1_000_000);
    let skip = params.number(3, "skip")?.unwrap_or(0).clamp(0, 1_000_000);
    let verbosity = params.number(4, "verbosity")?.unwrap_or(0);
    let point = Point::of(context, hash).ok_or_else(|| RpcError::new(-5, "Block not found"))?;
    let values: Vec<Value> = transactions(context, &point)
        .iter()
        .filter(|transaction| [-1, transaction.kind()].contains(&kind))
        .skip(usize::try_from(skip).expect("clamped"))
        .take(usize::try_from(count).expect("clamped"))
        .map(|transaction| transaction.value(context, &point, verbosity))
        .collect();
    Ok(Value::Array(values).into())
}

/// `getblock`: the header and the transactions, by their hashes at verbosity 1 and in full at 2. A simulated block has no bytes.
pub(super) fn block(context: &Context<'_>, params: &Params) -> Result<Reply, RpcError> {
    let hash = params.hash(0, "blockhash", "getblock \"blockhash\" ( verbosity )\n")?;
    let verbosity = params.number(1, "verbosity")?.unwrap_or(1);
    let point = Point::of(context, hash).ok_or_else(|| RpcError::new(-5, "Block not found"))?;
    let transactions = transactions(context, &point);
    let Some(Transaction::Coinbase(coinbase)) = transactions.first() else {
        return Err(RpcError::new(-1, "Block not available (pruned data)"));
    };
    let mut fields = chain::header_value(context, &point);
    fields.insert("cbTx".to_owned(), coinbase.payload_value());
    let list = transactions.iter().map(|transaction| match verbosity {
        ..2 => json!(transaction.txid(hash)),
        _ => Value::Object(transaction.fields(context, &point)),
    });
    fields.insert("tx".to_owned(), list.collect());
    let bytes: usize = transactions.iter().map(|transaction| transaction.bytes(hash).len() / 2).sum();
    fields.insert("size".to_owned(), json!(81 + bytes));
    Ok(Value::Object(fields).into())
}

/// The Merkle root of the block's header; random where the transactions are no longer known.
pub(super) fn merkle_root(context: &Context<'_>, point: &Point) -> (Hash256, usize) {
    let hashes = txids(context, point);
    match hashes.len() {
        0 => (crate::random::Random::of(&[point.hash.seed(), 0x3e4]).hash(), 1),
        count => (merkle::root(&hashes), count),
    }
}
