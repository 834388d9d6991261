//! The masternode status of a node itself, on any chain.
//!
//! Never here: the state of that masternode in the list, which may intentionally differ.

use serde::Deserialize;
use serde_json::Value;

use crate::rpc::dash::answers::result;
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use domain::{ForeignText, Hash, MasternodeId, Outpoint};

/// How PRCYCoin reports a masternode that the list does not contain, before the status message of that masternode
/// (`getmasternodestatus` in `src/rpc/masternode.cpp`).
const NOT_LISTED: &str = "Masternode not found in the list of available masternodes.";

/// Placeholder of a node for a missing address.
const NO_ADDRESS: &str = "[::]:0";

/// A node that is a masternode, as it reports itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMasternode {
    /// Its identity. Dash Core no longer reports it while it is banned or revoked
    /// (docs/spec/recorded-answers.md#traps).
    pub id: Option<MasternodeId>,
    /// Its state.
    pub state: OwnState,
    /// The address that it was started with, reported during a ban too; `None` if it reports none.
    pub address: Option<ForeignText>,
}

/// The state of a masternode as its own node reports it. On an isolated node it is that of its old tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnState {
    /// Active.
    Ready,
    /// Waits for its registration, or for its start.
    Waiting,
    /// Banned.
    Banned,
    /// Not on the list: its collateral is spent, or its operator revoked it.
    Removed,
    /// The operator key in the list differs from the node's.
    KeyChanged,
    /// The address in the list differs from the node's.
    AddressChanged,
    /// Configured as a masternode, but it cannot be one at the moment: the node names the reason in its log and its status.
    NotCapable,
    /// The node reports an error.
    Error,
    /// An unknown word.
    Unknown,
}

impl OwnState {
    /// The value of the label `state`.
    pub fn label(self) -> &'static str {
        match self {
            OwnState::Ready => "ready",
            OwnState::Waiting => "waiting",
            OwnState::Banned => "pose_banned",
            OwnState::Removed => "removed",
            OwnState::KeyChanged => "operator_key_changed",
            OwnState::AddressChanged => "address_changed",
            OwnState::NotCapable => "not_capable",
            OwnState::Error => "error",
            OwnState::Unknown => "unknown",
        }
    }

    /// Dash Core: `CActiveMasternodeManager::GetStateString` in `src/active/masternode.cpp`.
    fn of_word(word: &str) -> OwnState {
        match word {
            "READY" => OwnState::Ready,
            "WAITING_FOR_PROTX" => OwnState::Waiting,
            "POSE_BANNED" => OwnState::Banned,
            "REMOVED" => OwnState::Removed,
            "OPERATOR_KEY_CHANGED" => OwnState::KeyChanged,
            "PROTX_IP_CHANGED" => OwnState::AddressChanged,
            "ERROR" => OwnState::Error,
            _ => OwnState::Unknown,
        }
    }

    /// The older chains: a sentence (Dimecoin, docs/spec/legacy-chains.md#other-dimecoin-calls)
    /// or a number (PRCYCoin, docs/spec/legacy-chains.md#prcycoin-rpc).
    fn of_status(status: &Value) -> OwnState {
        match (status.as_str(), status.as_i64()) {
            (Some(text), _) if text.starts_with("Masternode successfully started") => OwnState::Ready,
            (Some(text), _) if text.contains("POSE_BAN") => OwnState::Banned,
            (Some(text), _) if text.contains("not in masternode list") => OwnState::Removed,
            (Some(text), _) if text.contains("Not capable masternode") => OwnState::NotCapable,
            (Some(text), _) if text.contains("not yet activated") => OwnState::Waiting,
            (Some(text), _) if text.contains("Sync in progress") => OwnState::Waiting,
            (None, Some(4)) => OwnState::Ready,
            (None, Some(0 | 1)) => OwnState::Waiting,
            (None, Some(3)) => OwnState::NotCapable,
            _ => OwnState::Unknown,
        }
    }
}

#[derive(Deserialize)]
struct WireOwn {
    #[serde(rename = "proTxHash")]
    pro_tx_hash: Option<String>,
    state: Option<String>,
    #[serde(default)]
    status: Value,
    service: Option<Foreign>,
    /// Dash Core: the list's entry. Since v24 the only place of its address.
    #[serde(rename = "dmnState", default)]
    listed: Value,
    outpoint: Option<String>,
    txhash: Option<String>,
    outputidx: Option<u32>,
}

/// `masternode status` of any chain.
pub fn own_masternode(body: &[u8]) -> Result<OwnMasternode, ErrorKind> {
    let mut wire: WireOwn = result(body)?;
    let state = match &wire.state {
        Some(word) => OwnState::of_word(word),
        None => OwnState::of_status(&wire.status),
    };
    let id = id(&wire)?;
    let listed = || wire.listed.get("addresses")?.get("core_p2p")?.get(0)?.as_str().map(ForeignText::from);
    let address =
        wire.service.take().map(|Foreign(service)| service).or_else(listed).filter(|service| *service != NO_ADDRESS);
    Ok(OwnMasternode { id, state, address })
}

/// The masternode that a refusal describes: one that its own node does not find in the list, or that is not active.
/// `None` if the node is no masternode.
pub fn of_refusal(message: &str) -> Option<OwnMasternode> {
    let state = match OwnState::of_status(&Value::from(message)) {
        OwnState::Unknown if message.starts_with(NOT_LISTED) => OwnState::Removed,
        OwnState::Unknown => return None,
        state => state,
    };
    Some(OwnMasternode { id: None, state, address: None })
}

/// The identity of the node. A hash or an outpoint of zeros means none.
fn id(wire: &WireOwn) -> Result<Option<MasternodeId>, ErrorKind> {
    let malformed = |error: &dyn std::fmt::Display| ErrorKind::malformed(format_args!("its own masternode: {error}"));
    if let Some(hash) = &wire.pro_tx_hash {
        let hash: Hash = hash.parse().map_err(|error| malformed(&error))?;
        return Ok(Some(hash).filter(|hash| hash.0 != [0; 32]).map(MasternodeId::ProTx));
    }
    let text = match (&wire.outpoint, &wire.txhash) {
        // A state without a hash: a node of a deterministic list that has lost its identity.
        _ if wire.state.is_some() => return Ok(None),
        (Some(outpoint), _) => outpoint.trim_start_matches("COutPoint(").trim_end_matches(')').replace(", ", "-"),
        (None, Some(txhash)) => format!("{txhash}-{}", wire.outputidx.unwrap_or_default()),
        (None, None) => return Ok(None),
    };
    let id: MasternodeId = text.parse().map_err(|error| malformed(&error))?;
    Ok(Some(id).filter(|id| !matches!(id, MasternodeId::Collateral(Outpoint { txid, .. }) if txid.0 == [0; 32])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_of_zeros_is_none() {
        for (hash, is_one) in [("00".repeat(32), false), ("01".repeat(32), true)] {
            let body = format!(r#"{{"result":{{"proTxHash":"{hash}","state":"READY"}},"error":null,"id":"x"}}"#);
            assert_eq!(own_masternode(body.as_bytes()).unwrap().id.is_some(), is_one, "{hash}");
        }
    }

    #[test]
    fn a_refusal_tells_a_masternode_that_is_not_active_from_a_node_that_is_none() {
        let listed = |status: &str| format!("{NOT_LISTED} Current status: {status}");
        for (message, state) in [
            ("This is not a masternode".to_string(), None),
            ("masternode status".to_string(), None),
            ("Not capable masternode: Hot node, waiting for remote activation.".into(), Some(OwnState::NotCapable)),
            (listed("Not capable masternode: Could not connect to 192.0.2.1:59682"), Some(OwnState::NotCapable)),
            (listed("Node just started, not yet activated"), Some(OwnState::Waiting)),
            (listed("Sync in progress. Must wait until sync is complete to start Masternode"), Some(OwnState::Waiting)),
            (listed("unknown"), Some(OwnState::Removed)),
        ] {
            assert_eq!(of_refusal(&message).map(|own| own.state), state, "{message}");
        }
    }
}
