//! `doctor`: tries everything that the exporter needs of each source, says what is wrong and how to mend it.
//!
//! Never here: a wallet or writing call, not even to see whether it is forbidden.

use std::fmt::Write;

use crate::app;
use crate::config::{Config, NetworkConfig};
use crate::domain::Height;
use crate::domain::chain::DASH;
use crate::meters::Meters;
use crate::rpc::{self, Client, ErrorKind, RpcError};

/// What the examination found, and whether every source can be used.
pub(super) struct Findings {
    /// To be printed.
    pub(super) report: String,
    /// No source has a fault that stops the exporter.
    pub(super) healthy: bool,
}

/// Examines every source of every network, or of the one named.
pub(super) async fn run(config: &Config, only: Option<&str>) -> Result<Findings, app::Error> {
    let meters = Meters::new(&prometheus::Registry::new())?;
    let mut findings = Findings { report: String::new(), healthy: true };
    for network in config.networks.iter().filter(|network| only.is_none_or(|name| name == network.name)) {
        for client in app::clients(network, &meters)? {
            examine(network, &client, &mut findings).await;
        }
    }
    if findings.report.is_empty() {
        return Err(format!("no network {:?} is configured", only.unwrap_or_default()).into());
    }
    findings.report.push_str(&advice());
    Ok(findings)
}

impl Findings {
    fn good(&mut self, what: &str, answer: &str) {
        let _ = writeln!(self.report, "  ok    {what:<28} {answer}");
    }

    fn bad(&mut self, what: &str, required: bool, why: &str) {
        self.healthy &= !required;
        let _ = writeln!(self.report, "  {}  {what:<28} {why}", if required { "FAIL" } else { "note" });
    }

    /// Notes an answer; returns it when there is one.
    fn note<T>(
        &mut self,
        what: &str,
        required: bool,
        answer: Result<T, RpcError>,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        match answer {
            Ok(value) => {
                self.good(what, &show(&value));
                Some(value)
            }
            Err(error) => {
                self.bad(what, required, &error.to_string());
                None
            }
        }
    }
}

async fn examine(network: &NetworkConfig, client: &Client, findings: &mut Findings) {
    let _ = writeln!(findings.report, "network {}, source {}", network.name, client.name());
    let node = client.network_info().await;
    let unreachable = node.as_ref().is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::Unreachable { .. }
                | ErrorKind::Timeout { .. }
                | ErrorKind::Unauthorized { .. }
                | ErrorKind::NoCredentials { .. }
        )
    });
    let node = findings.note("getnetworkinfo", true, node, |node| {
        format!("{} (version {}, protocol {})", node.subversion, node.version, node.protocol_version)
    });
    if unreachable {
        findings.report.push_str("  the other calls are not tried: they would fail in the same way\n");
        return;
    }
    if let Some(node) = node.filter(|node| !node.subversion.starts_with(DASH.subversion_prefix)) {
        findings.bad("chain", true, &format!("{:?} is not a {} node: check the port", node.subversion, DASH.name));
    }
    let chain = findings.note("getblockchaininfo", true, client.chain_info().await, |chain| {
        format!("chain {}, block {} of {}", chain.chain, chain.blocks, chain.headers)
    });
    findings.note("getbestblockhash", true, client.best_block_hash().await, |hash| hash.to_string());
    findings.note("getblockhash", true, client.block_hash(Height(0)).await, |hash| format!("genesis {hash}"));
    findings.note("mnsync status", false, client.sync_status().await, |synced| {
        if *synced { "synced".into() } else { "NOT synced: nothing is published until it is".into() }
    });
    findings.note("masternode count", false, client.masternode_count().await, |count| {
        format!("{} registered, {} enabled", count.total, count.enabled)
    });
    findings.note("getbestchainlock", false, client.chainlock().await, |lock| {
        lock.as_ref().map_or_else(|| "none known yet".into(), |(height, _)| format!("height {height}"))
    });
    findings.note("spork show", false, client.sporks().await, |sporks| format!("{} sporks", sporks.len()));
    let Some(chain) = chain else { return };
    let tip = findings.note("getblockheader", true, client.block_header(chain.best).await, |header| {
        format!("height {}", header.block.height)
    });
    let list = findings.note("protx list", true, client.registered(chain.blocks, 0).await, |list| {
        format!("{} masternodes", list.len())
    });
    if let Some(first) = list.as_ref().and_then(|list| list.first()) {
        findings.note("protx info", false, client.masternode(&first.id).await, |_| "answers".into());
    }
    let Some(tip) = tip.filter(|tip| tip.previous.is_some()) else { return };
    if let Some(parent) = tip.previous.map(|hash| client.block_header(hash)) {
        let Ok(parent) = parent.await else { return };
        findings.note("protx listdiff", false, client.list_diff(&parent.block, &tip.block).await, |diff| {
            format!("{} changes in the last block", diff.updated.len() + diff.added.len() + diff.removed.len())
        });
    }
}

/// The lines that an operator should add to the node's configuration.
fn advice() -> String {
    let mut text =
        String::from("\nThe exporter calls these methods and no others; none needs a wallet, none writes:\n");
    for method in rpc::METHODS {
        let need = if method.required { "required" } else { "optional" };
        let _ = writeln!(text, "  {:<18} {need:<9} {}", method.name, method.purpose);
    }
    text.push_str("\nTo give it a user of its own on the node (username: exporter):\n\n");
    text.push_str(&rpc::access::configuration_lines());
    text
}
