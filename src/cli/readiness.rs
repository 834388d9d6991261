//! The part of `doctor` about Dash Core 24: unmet requirements of a masternode's node, changes before an upgrade, and
//! the revival of banned masternodes of the watch list.
//!
//! Never here: RPC calls; the other findings of `doctor`.

use std::fmt::Write;

use crate::rpc::NetworkInfo;
use domain::chain::{ChainRules, Subnet};
use domain::release::{FIRST_WITH_CHECKS, REFUSED_SETTINGS, bad_version};
use domain::revival::{self, NEW_KEY, NOTES};
use domain::watch::WatchTarget;
use domain::{Duffs, MasternodeList};

/// Default of `minrelaytxfee` and `incrementalrelayfee`, for 1000 bytes (`src/policy/policy.h` of Dash Core; recorded answers).
const DEFAULT_FEE: Duffs = Duffs(1_000);

/// Default of `maxmempool` (`DEFAULT_MAX_MEMPOOL_SIZE_MB` in `src/policy/policy.h` of Dash Core).
const DEFAULT_MEMPOOL_BYTES: u64 = 300_000_000;

/// Maximum number of printed commands: further banned masternodes are only counted.
const MOST_REVIVALS: usize = 3;

/// Facts that a node reports about itself.
pub(super) struct Node<'a> {
    /// `getnetworkinfo`.
    pub(super) info: &'a NetworkInfo,
    /// State of the compact block filter index, if its indexes are known; `Some(None)` if it has none.
    pub(super) filter_index: Option<Option<bool>>,
    /// Maximum size of its mempool in bytes; `None` if not known.
    pub(super) mempool_bytes: Option<u64>,
    /// Whether it is a masternode.
    pub(super) is_masternode: bool,
}

/// One line of the report: subject, whether it is fine, and text.
pub(super) type Line = (&'static str, bool, String);

/// The release of a node and, if it is a masternode, the requirements of Dash Core 24.
pub(super) fn lines(node: &Node<'_>, rules: &ChainRules, subnet: Option<Subnet>) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(release) = bad_version(rules, node.info.version) {
        lines.push((
            "release",
            false,
            format!("{} has a known fault: {}. Update the node", release.name, release.fault),
        ));
    }
    if !rules.has_dkg || !node.is_masternode {
        return lines;
    }
    lines.extend(protocol(node.info, rules));
    lines.push(demanded("transaction relay", node.info.relays, "off: remove blocksonly from dash.conf"));
    let filters = "off: remove peerblockfilters=0 and blockfilterindex=0 from dash.conf";
    lines.push(demanded("compact block filters", node.info.compact_filters, filters));
    lines.push(match node.filter_index {
        Some(Some(true)) => ("filter index", true, "synced".into()),
        Some(Some(false)) => {
            ("filter index", false, "being built: filters are not served whole until it is synced".into())
        }
        Some(None) => ("filter index", false, "none: set blockfilterindex=basic, or remove blockfilterindex=0".into()),
        None => ("filter index", false, "not known: the node does not report its indexes".into()),
    });
    // Relay policy is not checked on regtest (Dash Core's `doc/release-notes-7754.md`).
    if subnet != Some(Subnet::Regtest) {
        lines.extend(policy(node));
    }
    lines
}

fn protocol(info: &NetworkInfo, rules: &ChainRules) -> Option<Line> {
    let (_, minimum) = rules.minimum_protocols.last()?;
    let well = info.protocol_version >= *minimum;
    let words = if well {
        format!("{} is new enough for Dash Core 24", info.protocol_version)
    } else {
        format!(
            "{} is below {minimum}: members on Dash Core 24 vote this masternode bad, before the fork too. Update the node",
            info.protocol_version
        )
    };
    Some(("protocol", well, words))
}

fn demanded(what: &'static str, has: Option<bool>, off: &str) -> Line {
    match has {
        Some(true) => (what, true, "on".into()),
        Some(false) => (what, false, format!("{off}. Members on Dash Core 24 vote this masternode bad")),
        None => (what, false, "not known: the node does not say".into()),
    }
}

/// Relay settings that are visible over RPC and that prevent a masternode of version 24 from starting.
fn policy(node: &Node<'_>) -> impl Iterator<Item = Line> {
    let above = |setting: &str, fee: Option<Duffs>| {
        let fee = fee.filter(|fee| *fee > DEFAULT_FEE)?;
        Some(("relay policy", false, format!("{setting} is {fee}, above its default {DEFAULT_FEE}: remove it")))
    };
    let small = node.mempool_bytes.filter(|bytes| *bytes < DEFAULT_MEMPOOL_BYTES).map(|bytes| {
        let words = format!(
            "maxmempool is {} MB, below its default {}: remove it",
            bytes / 1_000_000,
            DEFAULT_MEMPOOL_BYTES / 1_000_000
        );
        ("relay policy", false, words)
    });
    let fees = [above("minrelaytxfee", node.info.relay_fee), above("incrementalrelayfee", node.info.incremental_fee)];
    fees.into_iter().chain([small]).flatten()
}

/// What to change before the upgrade of a masternode whose oldest node has this version, if known; empty if all nodes
/// run a release that would not have started otherwise.
pub(super) fn before_update(rules: &ChainRules, oldest: Option<u32>) -> String {
    if !rules.has_dkg || oldest.is_some_and(|version| version >= FIRST_WITH_CHECKS) {
        return String::new();
    }
    let mut text = String::from(
        "\nBefore the update of a masternode to Dash Core 24, look through its dash.conf. It does not start with other values of:\n",
    );
    for (setting, change) in REFUSED_SETTINGS {
        let _ = writeln!(text, "  {setting:<44} {change}");
    }
    text.push_str(
        "The first start migrates indexes, which takes 20 to 40 minutes or more; until then the node takes no part in DKG sessions.\n\
         Update when `masternode-exporter restart-check` finds a window that is long enough.\n",
    );
    text
}

/// How to revive the banned ones of the watched masternodes; empty if none is banned.
pub(super) fn revivals(watched: &[WatchTarget], list: &MasternodeList, v24_active: Option<bool>) -> String {
    let banned: Vec<_> = watched
        .iter()
        .filter_map(|watched| {
            let masternode = &list.masternodes()[list.position(&watched.id)?];
            Some((watched, revival::commands_for(masternode, v24_active)?))
        })
        .collect();
    if banned.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (watched, commands) in banned.iter().take(MOST_REVIVALS) {
        let name = if watched.alias.is_empty() { watched.id.to_string() } else { watched.alias.clone() };
        let _ =
            writeln!(text, "  note  {:<28} {name} is banned. Find and remove the cause, then revive it:", "revival");
        for command in commands {
            if !command.when.is_empty() {
                let _ = writeln!(text, "        {}:", command.when);
            }
            for line in command.text.lines() {
                let _ = writeln!(text, "          {line}");
            }
        }
    }
    if banned.len() > MOST_REVIVALS {
        let _ =
            writeln!(text, "        {} more are banned; their pages have the commands", banned.len() - MOST_REVIVALS);
    }
    for note in NOTES.iter().chain([&NEW_KEY]) {
        let _ = writeln!(text, "        {note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::dash::answers;
    use domain::chain::{DASH, DIMECOIN};
    use domain::masternode::{Height, Masternode, NodeType};
    use domain::samples::{id, list, masternode};

    /// The report of a masternode of 23.1.2, with other values in some fields.
    fn info(replace: &[(&str, &str)]) -> NetworkInfo {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/dash/v23.1.2/healthy/getnetworkinfo_on_masternode.json"
        );
        let recorded = std::fs::read_to_string(path).unwrap();
        let body = replace.iter().fold(recorded, |body, (from, to)| {
            assert!(body.contains(from), "{from}");
            body.replace(from, to)
        });
        answers::network_info(body.as_bytes()).unwrap()
    }

    fn report(info: &NetworkInfo, filter_index: Option<Option<bool>>, mempool_bytes: Option<u64>) -> String {
        let node = Node { info, filter_index, mempool_bytes, is_masternode: true };
        let line = |(what, well, words): Line| format!("{} {what}: {words}\n", if well { "ok" } else { "note" });
        lines(&node, &DASH, Some(Subnet::Main)).into_iter().map(line).collect()
    }

    #[test]
    fn a_ready_masternode_has_nothing_to_change() {
        let info = info(&[("230102", "240003"), ("70240", "70242")]);
        assert_eq!(
            report(&info, Some(Some(true)), Some(300_000_000)),
            "ok protocol: 70242 is new enough for Dash Core 24\n\
             ok transaction relay: on\n\
             ok compact block filters: on\n\
             ok filter index: synced\n"
        );
    }

    #[test]
    fn what_a_masternode_lacks_is_said_with_the_setting_to_change() {
        let replaced = [
            ("230102", "240000"),
            ("\"localrelay\":true", "\"localrelay\":false"),
            ("\"COMPACT_FILTERS\",", ""),
            ("\"relayfee\":0.00001000", "\"relayfee\":0.0001"),
        ];
        assert_eq!(
            report(&info(&replaced), Some(None), Some(5_000_000)),
            "note release: 24.0.0 has a known fault: memory grows until the node is restarted (fixed in 24.0.2), and the commit \
             step of LLMQ_400_85 sessions is too slow (fixed in 24.0.1). Update the node\n\
             note protocol: 70240 is below 70242: members on Dash Core 24 vote this masternode bad, before the fork too. Update \
             the node\n\
             note transaction relay: off: remove blocksonly from dash.conf. Members on Dash Core 24 vote this masternode bad\n\
             note compact block filters: off: remove peerblockfilters=0 and blockfilterindex=0 from dash.conf. Members on Dash \
             Core 24 vote this masternode bad\n\
             note filter index: none: set blockfilterindex=basic, or remove blockfilterindex=0\n\
             note relay policy: minrelaytxfee is 0.00010000, above its default 0.00001000: remove it\n\
             note relay policy: maxmempool is 5 MB, below its default 300: remove it\n"
        );
    }

    #[test]
    fn what_a_node_does_not_say_is_not_known_and_never_well() {
        let mut info = info(&[]);
        (info.relays, info.compact_filters, info.relay_fee) = (None, None, None);
        let report = report(&info, None, None);
        for what in ["transaction relay", "compact block filters", "filter index"] {
            assert!(report.contains(&format!("note {what}: not known")), "{report}");
        }
    }

    #[test]
    fn of_a_node_that_is_no_masternode_only_its_release_is_judged() {
        let lines = |info: &NetworkInfo, rules: &ChainRules| {
            let node = Node { info, filter_index: None, mempool_bytes: None, is_masternode: false };
            lines(&node, rules, None).len()
        };
        assert_eq!(lines(&info(&[]), &DASH), 0);
        assert_eq!(lines(&info(&[("230102", "240001")]), &DASH), 1);
        assert_eq!(lines(&info(&[("230102", "240001")]), &DIMECOIN), 0);
    }

    #[test]
    fn settings_to_change_are_listed_until_all_nodes_run_a_release_that_checks_them() {
        for oldest in [None, Some(230_102), Some(239_999)] {
            let text = before_update(&DASH, oldest);
            assert!(REFUSED_SETTINGS.iter().all(|(setting, _)| text.contains(setting)), "{text}");
            assert!(text.contains("20 to 40 minutes") && text.contains("restart-check"), "{text}");
        }
        assert_eq!(before_update(&DASH, Some(240_000)), "");
        assert_eq!(before_update(&DIMECOIN, None), "");
    }

    #[test]
    fn banned_masternodes_of_the_watch_list_are_printed_with_their_commands() {
        let banned = |number, node_type| Masternode { node_type, ban_height: Some(Height(5)), ..masternode(number) };
        let nodes = [banned(1, NodeType::Regular), banned(2, NodeType::Evo), masternode(3), banned(4, NodeType::Evo)];
        let list =
            list(100, nodes.into_iter().chain((5..=6).map(|number| banned(number, NodeType::Regular))).collect());
        let watched = |numbers: &[u8]| {
            let watched = |number: &u8| WatchTarget {
                id: id(*number),
                alias: format!("mn-{number}"),
                groups: [].into(),
                expectations: vec![],
                thresholds: Default::default(),
                maintenance_until: None,
            };
            numbers.iter().map(watched).collect::<Vec<_>>()
        };
        assert_eq!(revivals(&watched(&[3, 9]), &list, Some(true)), "", "number 9 is not on the list");
        let text = revivals(&watched(&[1, 2, 3]), &list, Some(true));
        assert!(text.contains("mn-1 is banned") && text.contains("protx update_service 0101"), "{text}");
        assert!(text.contains("mn-2 is banned") && text.contains("protx update_service_evo 0202"), "{text}");
        assert!(text.contains("<Platform P2P address:port>") && !text.contains("<Platform P2P port>"), "{text}");
        assert!(text.contains("up to 10 minutes in the mempool") && !text.contains("mn-3"), "{text}");
        let unknown = revivals(&watched(&[2]), &list, None);
        assert!(unknown.contains("Once v24 is active") && unknown.contains("Before v24 is active"), "{unknown}");
        let many = revivals(&watched(&[1, 2, 4, 5, 6]), &list, Some(true));
        assert!(many.contains("2 more are banned") && !many.contains("mn-5"), "{many}");
    }
}
