//! `quorum dkgstatus` and `quorum dkginfo` (`src/rpc/quorums.cpp`): the sessions of which the answering masternode is a
//! member.
//!
//! Never here: the result of a session. An offline member has sent nothing, and that is the only information.

use serde_json::{Value, json};

use super::params::Params;
use super::{Context, RpcError};
use crate::dkg::Session;
use crate::masternode::Masternode;
use crate::quorum_selection::LEAD;
use crate::random::Hash256;
use crate::rules::quorum_types;

/// Blocks of each phase.
const PHASE_BLOCKS: u32 = 2;

/// Answers `quorum dkgstatus`: counts at level 0, indexes at 1, members at 2.
pub(super) fn status(context: &Context<'_>, params: &Params) -> Result<Value, RpcError> {
    let level = params.number(1, "detail_level")?.unwrap_or(0);
    let own: Vec<&Session> = sessions(context).collect();
    let reported: Vec<Value> = own.iter().map(|session| reported(context, session, level)).collect();
    let time = if own.is_empty() { 0 } else { context.tip.time };
    Ok(json!({ "time": time, "timeStr": "", "session": reported, "quorumConnections": [], "minableCommitments": [] }))
}

/// Answers `quorum dkginfo`.
pub(super) fn info(context: &Context<'_>, params: &Params) -> Result<Value, RpcError> {
    let mut info = json!({ "active_dkgs": sessions(context).count(), "next_dkg": 24 - context.tip.height % 24 });
    let asked = params.get(1).map(|_| params.hash(1, "proTxHash", "quorum dkginfo ( \"proTxHash\" )\n")).transpose()?;
    if context.software.follows_fork()
        && let Some(masternode) = asked.or(context.masternode)
    {
        let fields = info.as_object_mut().expect("an object");
        fields.insert("proTxHash".to_owned(), json!(masternode));
        fields.insert("upcoming_dkgs".to_owned(), upcoming(context, masternode));
    }
    Ok(info)
}

/// The sessions whose work block is mined and which have not begun.
fn upcoming(context: &Context<'_>, masternode: Hash256) -> Value {
    let tip = context.tip.height;
    let mut upcoming = Vec::new();
    for kind in quorum_types(context.state.options.subnet) {
        // The last base whose work block is mined, which can be the one of the cycle under way.
        let cycle = (tip + LEAD) / kind.interval * kind.interval;
        let indexes = (0..kind.rotating.max(1)).filter(|index| cycle + index > tip);
        let work = cycle.checked_sub(LEAD).and_then(|work| Some((work, context.hash_at(work)?)));
        let Some((work, hash)) = work else { continue };
        for index in indexes {
            let members = context.tip.dkg.upcoming(kind, cycle, index);
            let is_member = members.iter().any(|member| member.hash == masternode);
            upcoming.push(json!({
                "llmqType": kind.id,
                "quorumIndex": index,
                "quorumHeight": cycle + index,
                "blocksUntilStart": cycle + index - tip,
                "known": true,
                "isMember": is_member,
                "workBlockHeight": work,
                "workBlockHash": hash,
            }));
        }
    }
    Value::Array(upcoming)
}

fn sessions<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a Session> {
    let own = context.masternode;
    let pending = context.tip.dkg.pending.iter().map(AsRef::as_ref);
    pending.filter(move |session: &&Session| session.members.iter().any(|member| Some(member.hash) == own))
}

fn reported(context: &Context<'_>, session: &Session, level: i64) -> Value {
    let phase = (context.tip.height - session.base_height) / PHASE_BLOCKS + 1;
    let offline = |member: &Masternode| context.state.offline.contains(&member.slot);
    let list = |from: u32, wanted: &dyn Fn(&Masternode) -> bool| -> Value {
        let members = session.members.iter().enumerate().filter(|(_, member)| phase >= from && wanted(member));
        match level {
            0 => json!(members.count()),
            1 => members.map(|(index, _)| json!(index)).collect(),
            _ => members.map(|(index, member)| json!({ "memberIndex": index, "proTxHash": member.hash })).collect(),
        }
    };
    let mut status = json!({
        "llmqType": session.kind.id,
        "quorumHash": session.base_hash,
        "quorumHeight": session.base_height,
        "phase": phase.min(7),
        "sentContributions": phase >= 2,
        "sentComplaint": false,
        "sentJustification": false,
        "sentPrematureCommitment": phase >= 5,
        "aborted": false,
        "badMembers": list(3, &offline),
        "weComplain": list(8, &offline),
        "receivedContributions": list(2, &|member| !offline(member)),
        "receivedComplaints": list(8, &offline),
        "receivedJustifications": list(8, &offline),
        "receivedPrematureCommitments": list(5, &|member| !offline(member)),
    });
    if level >= 2 {
        let all: Value = session.members.iter().map(|member| json!(member.hash)).collect();
        status.as_object_mut().expect("an object").insert("allMembers".to_owned(), all);
    }
    json!({ "llmqType": session.kind.name, "quorumIndex": session.index, "status": status })
}
