//! What `doctor` asks of a source about the list of the tip: the list itself, its changes, quorums, rotation and proof.
//!
//! Never here: the other calls (`doctor`).

use crate::cli::doctor::Findings;
use crate::follower::{is_whole, rotation_reasons};
use crate::rpc::dialect::{Payees, Shape};
use crate::rpc::methods::GET_BLOCK;
use crate::rpc::{ChainInfo, Client, Header};
use domain::chain::ChainRules;
use domain::list_proof::{CoinbaseError, ListProof, Proven};
use domain::{Block, Masternode, MasternodeId, MasternodeList, Subnet};

/// The list at the tip, the calls for one masternode of it, and the changes of the last block. Returns the list.
pub(super) async fn examine_list(
    client: &Client,
    chain: &ChainInfo,
    findings: &mut Findings,
) -> Option<MasternodeList> {
    let dialect = client.dialect();
    let tip = findings.note("getblockheader", true, client.block_header(chain.best).await, |header| {
        format!("height {}", header.block.height)
    });
    let list =
        findings.note(dialect.list.method.name, true, client.registered(chain.blocks, 0).await, |list| {
            match list.unreadable.first() {
                None => format!("{} masternodes", list.masternodes.len()),
                Some(first) => format!(
                    "{} masternodes; {} entries cannot be read, the first: {}",
                    list.masternodes.len(),
                    list.unreadable.len(),
                    first.why
                ),
            }
        });
    if let Some(list) = &list {
        compare_count(client, list.entries(), findings).await;
    }
    let tip = tip?;
    if let Some(first) = list.as_ref().and_then(|list| list.masternodes.first()) {
        examine_one(client, first, &tip.block, findings).await;
    }
    if let Some((method, parent)) = dialect.diff().zip(tip.previous)
        && let Ok(parent) = client.block_header(parent).await
    {
        findings.note(method.name, false, client.list_diff(&parent.block, &tip.block).await, |diff| {
            format!("{} changes in the last block", diff.updated.len() + diff.added.len() + diff.removed.len())
        });
        examine_quorums(client, &parent.block, &tip.block, findings).await;
    }
    let list = MasternodeList::new(tip.block, list?.masternodes).ok()?;
    examine_proof(client, &tip, &list, findings).await;
    Some(list)
}

/// Whether the list has the masternodes that the node counts. An empty one is refused, as by a follower.
async fn compare_count(client: &Client, entries: usize, findings: &mut Findings) {
    let Ok(count) = client.masternode_count().await else { return };
    let counted = count.total as usize;
    if !is_whole(entries, counted) {
        let method = client.dialect().list.method.name;
        let what = format!("it has {entries} of the {counted} masternodes that the node counts");
        findings.bad(method, entries == 0, &what);
    }
}

/// Calls that show the results of DKG sessions and the members of the next ones.
async fn examine_quorums(client: &Client, parent: &Block, tip: &Block, findings: &mut Findings) {
    let dialect = client.dialect();
    if let Some((method, _)) = dialect.quorums {
        findings.note(method.name, false, client.quorum_types().await, |types| types.join(", "));
    }
    if let Some(method) = dialect.special {
        findings.note(method.name, false, client.commitments(&tip.hash).await, |commitments| {
            format!("{} commitments in the last block", commitments.len())
        });
    }
    if let Some(method) = dialect.rotation {
        findings.note(method.name, false, client.rotation_info(&tip.hash, &[parent.hash]).await, |_| "answers".into());
    }
}

/// Whether members of rotating quorums can be computed, and why not.
pub(super) async fn examine_rotation(
    client: &Client,
    (rules, chain): (&ChainRules, &ChainInfo),
    (version, tip): (u32, &Block),
    findings: &mut Findings,
) {
    let types = rules.quorum_types(Subnet::from_chain_name(&chain.chain));
    for (name, reason) in rotation_reasons(client, types, version, tip).await {
        match reason {
            None => findings.good(name, "its members can be computed: seats are known ahead"),
            Some(reason) => findings.bad(name, false, &format!("its members are not known: {reason}")),
        }
    }
}

/// Whether the list is the one to which the block of the tip commits.
async fn examine_proof(client: &Client, tip: &Header, list: &MasternodeList, findings: &mut Findings) {
    let Some(method) = client.dialect().sml_diff else { return };
    let diff = match client.sml_diff(None, &tip.block.hash).await {
        Ok(diff) => diff,
        Err(error) => return findings.bad(method.name, false, &error.to_string()),
    };
    findings.good(method.name, &format!("{} masternodes", diff.entered.len()));
    let mut proof = ListProof::default();
    proof.apply(&diff);
    let checked = tip.merkle_root.map(|root| proof.check(&diff, &root));
    let refuted = |why: &str| format!("WRONG: {why}: nothing that this node says of masternodes can be trusted");
    match checked {
        Some(Ok((_, Proven::Proven))) => match proof.difference(list) {
            None => findings.good("proof of the list", "it is the one to which the block commits"),
            Some(difference) => findings.bad("proof of the list", true, &refuted(&difference.to_string())),
        },
        Some(Ok((_, Proven::Mismatch))) => {
            findings.bad("proof of the list", true, &refuted("it has another root than the block commits to"));
        }
        Some(Ok((_, Proven::Incomplete(id, error)))) => {
            findings.bad("proof of the list", false, &format!("not possible: masternode {id}: {error}"));
        }
        Some(Err(error @ CoinbaseError::OtherBlock)) => {
            findings.bad("proof of the list", true, &refuted(&error.to_string()))
        }
        Some(Err(error)) => findings.bad("proof of the list", false, &format!("not possible: {error}")),
        None => findings.bad("proof of the list", false, "not possible: the header has no Merkle root"),
    }
}

/// Calls for a single masternode, tried on one.
async fn examine_one(client: &Client, first: &Masternode, tip: &Block, findings: &mut Findings) {
    let dialect = client.dialect();
    if let Shape::ProTx { info: Some(method), .. } = dialect.list.shape {
        findings.note(method.name, false, client.masternode(&first.id, None).await, |_| "answers".into());
    }
    if let (Some(method), MasternodeId::Collateral(outpoint)) = (dialect.collateral, &first.id) {
        findings.note(method.name, false, client.collateral_height(outpoint, tip).await, |height| {
            height.map_or_else(|| "not reported".into(), |height| format!("a collateral of block {height}"))
        });
    }
    match dialect.payees {
        Some(Payees::Outputs) => {
            findings.note(GET_BLOCK.name, false, client.payee_outputs(&tip.hash).await, |outputs| {
                format!("{} outputs besides those of the producer of the last block", outputs.len())
            });
        }
        Some(Payees::Kind) => {
            findings.note(GET_BLOCK.name, false, client.pays_masternode(&tip.hash).await, |pays| {
                if *pays { "the last block pays a masternode" } else { "the last block pays no masternode" }.into()
            });
        }
        None => {}
    }
}
