//! DKG sessions in progress, as a node reports them that is a member or watches quorums.
//!
//! Never here: the consequences for a masternode.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::rpc::dash::answers::result;
use crate::rpc::dash::convert;
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use domain::session::{DkgMember, DkgSession};
use domain::{Hash, MasternodeId};

/// Most sessions of an answer, and most members of one: the largest quorums have 400, and 32 run at a time.
const MOST: usize = 1_024;

/// The DKG sessions that a node reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSessions {
    /// It has seen at least one session: a node that is no masternode and does not watch quorums sees none.
    pub sees: bool,
    /// The sessions in progress.
    pub sessions: Vec<DkgSession>,
}

#[derive(Deserialize)]
struct WireStatus {
    /// When a session last changed; 0 if none was ever seen.
    #[serde(default)]
    time: i64,
    /// An array; an object by type before v18, which is not read.
    #[serde(default)]
    session: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSession {
    llmq_type: Foreign,
    #[serde(default)]
    quorum_index: u32,
    status: WireState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireState {
    quorum_hash: String,
    phase: u8,
    #[serde(default)]
    bad_members: Vec<WireMember>,
    #[serde(default)]
    we_complain: Vec<WireMember>,
    #[serde(default)]
    received_contributions: Vec<WireMember>,
    #[serde(default)]
    all_members: Vec<String>,
}

#[derive(Deserialize)]
struct WireMember {
    #[serde(rename = "proTxHash")]
    pro_tx_hash: String,
}

#[derive(Deserialize)]
struct WireNext {
    next_dkg: u32,
}

/// `quorum dkgstatus 2`.
pub fn sessions(body: &[u8]) -> Result<SeenSessions, ErrorKind> {
    let status: WireStatus = result(body)?;
    let sessions = match status.session {
        Value::Array(sessions) if sessions.len() > MOST => {
            return Err(ErrorKind::malformed(format_args!("the answer has {} sessions", sessions.len())));
        }
        Value::Array(sessions) => sessions.into_iter().map(session).collect::<Result<Vec<_>, _>>()?,
        _ => Vec::new(),
    };
    Ok(SeenSessions { sees: status.time > 0 || !sessions.is_empty(), sessions })
}

fn session(value: Value) -> Result<DkgSession, ErrorKind> {
    let WireSession { llmq_type, quorum_index, status } =
        serde_json::from_value(value).map_err(ErrorKind::malformed)?;
    if status.all_members.len() > MOST {
        return Err(ErrorKind::malformed(format_args!("a session has {} members", status.all_members.len())));
    }
    let id = |hash: &str| convert::parse::<Hash>(hash, "proTxHash").map(MasternodeId::ProTx);
    let mut seats = BTreeMap::new();
    for hash in &status.all_members {
        seats.insert(id(hash)?, DkgMember::default());
    }
    for member in &status.received_contributions {
        seats.entry(id(&member.pro_tx_hash)?).and_modify(|seat| seat.contributed = true);
    }
    // A member that is both bad and complained of has one mark: it is the view of one source.
    for member in status.bad_members.iter().chain(&status.we_complain) {
        seats.entry(id(&member.pro_tx_hash)?).and_modify(|seat| seat.marks = 1);
    }
    Ok(DkgSession {
        quorum_type: llmq_type.0,
        quorum: convert::parse(&status.quorum_hash, "quorumHash")?,
        index: quorum_index,
        phase: status.phase,
        seats,
    })
}

/// `quorum dkginfo`: blocks until the next session of any type begins.
pub fn blocks_to_next(body: &[u8]) -> Result<u32, ErrorKind> {
    Ok(result::<WireNext>(body)?.next_dkg)
}
