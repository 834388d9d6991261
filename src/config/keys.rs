//! Every key as data: what the loader knows, and what `docs/configuration.md` says of it.
//!
//! Never here: reading or checking a value.

use std::fmt::Write;

use crate::config::keys::Default::{Required, Value, Words};
use crate::config::overlay::PREFIX;

/// A key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path: `[]` is any place in a list, `<name>` a part that the operator chooses.
    pub path: &'static str,
    /// What its value is, in Markdown.
    pub kind: &'static str,
    /// What holds when it is left out; entries of a list with `, ` between them.
    pub default: Default,
    /// What it does, in Markdown.
    pub meaning: &'static str,
}

/// What holds when a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It cannot be left out.
    Required,
    /// This value; a test holds the loader to it.
    Value(&'static str),
    /// What the words say; they may be empty.
    Words(&'static str),
}

const fn key(path: &'static str, kind: &'static str, default: Default, meaning: &'static str) -> Key {
    Key { path, kind, default, meaning }
}

/// All keys, in the order of the page.
pub const KEYS: &[Key] = &[
    key("networks[].name", "name", Required, "the label `network`: a-z, 0-9, `-`, `_`"),
    key("networks[].chain", "`dash`", Value("dash"), "which chain's rules"),
    key("networks[].poll_interval", "span, 100ms–10m", Value("5s"), "pause between two looks for a new block"),
    key(
        "networks[].stale_after",
        "span, 1s–30d",
        Value("15m"),
        "without confirmation for so long, the network's masternodes leave the page; at least twice `poll_interval`",
    ),
    key("networks[].resync_blocks", "number", Value("576"), "blocks from one full list, read as a check, to the next"),
    key("networks[].sources[].name", "name", Required, "the label `source`"),
    key("networks[].sources[].url", "URL", Required, "the node's RPC, without user or password"),
    key(
        "networks[].sources[].cookie_file",
        "path",
        Words("found by itself"),
        "the node's cookie; read again when the node refuses it",
    ),
    key("networks[].sources[].username", "text", Words(""), "a user of the node; needs `password_file`"),
    key(
        "networks[].sources[].password_file",
        "path",
        Words(""),
        "file with that user's password, readable by the exporter only",
    ),
    key("networks[].sources[].timeout", "span, 100ms–10m", Value("30s"), "longest wait for an answer"),
    key(
        "watch[].masternode",
        "proTxHash",
        Words(""),
        "one masternode, watched also while it is not on the list; either this or `select`",
    ),
    key("watch[].select.address", "text", Words(""), "all masternodes that listen here"),
    key("watch[].select.payout_address", "text", Words(""), "… whose owner is paid here"),
    key("watch[].select.owner_address", "text", Words(""), "… with this owner key"),
    key("watch[].select.voting_address", "text", Words(""), "… with this voting key"),
    key("watch[].select.operator_key", "text", Words(""), "… with this operator key"),
    key(
        "watch[].select.operator_payout_address",
        "text",
        Words(""),
        "… whose operator is paid here; of several fields all must fit",
    ),
    key("watch[].network", "name", Words("all networks"), "only on this network"),
    key("watch[].alias", "text", Words(""), "name of the masternode: the label `alias`"),
    key(
        "watch[].alias_prefix",
        "text",
        Words(""),
        "with `select`: the alias is this and the first 8 digits of the proTxHash",
    ),
    key(
        "watch[].groups.<name>",
        "text",
        Words(""),
        "group of this kind: a label of `masternode_info` and of `masternode_group_nodes`",
    ),
    key("watch[].expect.address", "text", Words(""), "what must hold of each: `masternode_expectation_met`"),
    key("watch[].expect.payout_address", "text", Words(""), "likewise"),
    key("watch[].expect.owner_address", "text", Words(""), "likewise"),
    key("watch[].expect.voting_address", "text", Words(""), "likewise"),
    key("watch[].expect.operator_key", "text", Words(""), "likewise"),
    key("watch[].expect.operator_payout_address", "text", Words(""), "likewise"),
    key(
        "series.others",
        "`all`, `at_risk`, `watched`",
        Value("all"),
        "which masternodes that are not watched have samples of their own",
    ),
    key("series.limit", "number", Value("200000"), "most samples of single masternodes; watched ones come first"),
    key(
        "payment.horizons",
        "list of spans, 1m–400d",
        Value("24h, 1h, 6h, 12h, 48h, 96h"),
        "spans for the chance of a payment; the first is given for all masternodes",
    ),
    key(
        "history.max_gap_blocks",
        "number",
        Value("5000"),
        "after a longer gap the list is read anew instead of block by block",
    ),
    key("web.listen_address", "address or list", Value("127.0.0.1:10066"), "where to listen"),
    key("web.telemetry_path", "path", Value("/metrics"), "where the metrics are"),
    key("web.max_requests", "number", Value("40"), "scrapes answered at a time; 0 for any number"),
    key("web.enable_reload", "flag", Value("false"), "answer `/-/reload`"),
    key("log.level", "`trace`, `debug`, `info`, `warn`, `error`", Value("info"), "least severe level that is logged"),
    key("log.format", "`text`, `json`", Value("text"), "form of the log"),
];

/// Keys of later versions: no code reads them yet, and to ignore them would be to promise what is not done.
const LATER: &[&str] = &["alerting", "chains", "history.path", "history.retention", "history.backfill_blocks"];

impl Key {
    /// The variable that sets it, with 0 for each place in a list.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace("[]", "__0").replace('.', "__").to_ascii_uppercase())
    }
}

/// The table of `docs/configuration.md`.
pub fn table() -> String {
    let mut table = String::from("| key | type | default | meaning | variable |\n| --- | --- | --- | --- | --- |\n");
    for key in KEYS {
        let default = match key.default {
            Required => "required".to_string(),
            Value(value) => format!("`{value}`"),
            Words(words) => words.to_string(),
        };
        let Key { path, kind, meaning, .. } = key;
        // Writing to a text cannot fail.
        let _ = writeln!(table, "| `{path}` | {kind} | {default} | {meaning} | `{}` |", key.variable());
    }
    table
}

/// The keys directly below a path in which places are written `[]`; the root is the empty path.
pub(super) fn below(pattern: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for key in KEYS {
        let rest = match pattern {
            "" => Some(key.path),
            _ => key.path.strip_prefix(pattern).and_then(|rest| rest.strip_prefix('.')),
        };
        let Some(rest) = rest else { continue };
        let name = rest.split(['.', '[']).next().unwrap_or(rest);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a key is one of a later version.
pub(super) fn is_of_later_version(pattern: &str) -> bool {
    LATER.contains(&pattern)
}
