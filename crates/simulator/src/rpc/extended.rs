//! Answers about a masternode since Dash 24: payees instead of a payout address, shares, differences
//! (`src/evo/core_write.cpp`, `src/evo/dmnstate.cpp`, `src/evo/simplifiedmns.cpp`).
//!
//! Never here: answers of older nodes.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::entry::Scene;
use crate::extended::{EXTENDED, script};
use crate::masternode::Masternode;

/// The placeholder address of a difference in which only a platform port changed.
const NO_ADDRESS: &str = "255.255.255.255";

/// Blocks in which the dissolution of a shared masternode costs a penalty.
const EARLY_BLOCKS: u32 = 1_000;

/// The penalty in duffs.
const EARLY_PENALTY: u64 = 100_000_000;

/// The payees of the owners' part: one address, several payees, or the owners of a shared masternode.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payees {
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payouts: Option<Vec<Payout>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<Vec<Share>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    early_period_blocks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    early_penalty: Option<u64>,
}

#[derive(Serialize)]
struct Payout {
    address: String,
    script: String,
    reward: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Share {
    amount: u64,
    refund_address: String,
    refund_script: String,
    reward_address: String,
    reward_script: String,
    owner_address: String,
}

impl Payees {
    /// The payees of a node.
    pub(super) fn of(scene: &Scene, node: &Masternode) -> Self {
        let none =
            Self { payout_address: None, payouts: None, shares: None, early_period_blocks: None, early_penalty: None };
        if node.is_shared() {
            let share = |share: crate::extended::Share| Share {
                amount: share.amount,
                refund_script: script(&share.refund),
                refund_address: share.refund,
                reward_script: script(&share.reward),
                reward_address: share.reward,
                owner_address: share.owner,
            };
            return Self {
                shares: Some(node.shares(scene.facts).into_iter().map(share).collect()),
                early_period_blocks: Some(EARLY_BLOCKS),
                early_penalty: Some(EARLY_PENALTY),
                ..none
            };
        }
        if node.version < EXTENDED {
            return Self { payout_address: Some(node.payout_address(scene.facts)), ..none };
        }
        let payout = |payout: crate::extended::Payout| Payout {
            script: script(&payout.address),
            address: payout.address,
            reward: payout.reward,
        };
        Self { payouts: Some(node.payouts(scene.facts).into_iter().map(payout).collect()), ..none }
    }
}

/// The changed fields of a node. As recorded, `version` is included in every change of the addresses or of the
/// operator's key, and emptied addresses are omitted.
pub(super) fn changed_fields(
    scene: &Scene,
    (before, after): (&Masternode, &Masternode),
    (old, new): (&Map<String, Value>, Map<String, Value>),
) -> Map<String, Value> {
    let key_changed = old.get("pubKeyOperator") != new.get("pubKeyOperator");
    let ports_only = before.version < EXTENDED && after.version < EXTENDED && ports_alone(before, after);
    // The two kinds of address lists differ even if their addresses are the same.
    let kind_changed = (before.version < EXTENDED) != (after.version < EXTENDED);
    let moved = !ports_only && (kind_changed || old.get("addresses") != new.get("addresses"));
    let is_changed = |(name, value): &(String, Value)| match name.as_str() {
        "addresses" => moved && value.as_object().is_some_and(|addresses| !addresses.is_empty()),
        "version" => moved || key_changed || old.get(name) != Some(value),
        _ => old.get(name) != Some(value),
    };
    let mut fields: Map<String, Value> = new.into_iter().filter(is_changed).collect();
    if ports_only {
        let (p2p, https) = scene.platform_ports(after);
        let dummy = |port: u16| json!([format!("{NO_ADDRESS}:{port}")]);
        fields.insert("platformP2PPort".to_owned(), json!(p2p));
        fields.insert("platformHTTPPort".to_owned(), json!(https));
        fields.insert("addresses".to_owned(), json!({ "platform_p2p": dummy(p2p), "platform_https": dummy(https) }));
    }
    fields
}

/// Only the platform's ports changed.
fn ports_alone(before: &Masternode, after: &Masternode) -> bool {
    before.platform_ports != after.platform_ports
        && (before.address, before.local_port) == (after.address, after.local_port)
}
