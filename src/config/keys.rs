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
    key(
        "networks[].chain",
        "`dash`, `dimecoin`, `prcycoin` or a name under `chains`",
        Value("dash"),
        "which chain's rules",
    ),
    key("networks[].poll_interval", "span, 100ms–10m", Value("5s"), "pause between two looks for a new block"),
    key(
        "networks[].stale_after",
        "span, 1s–30d",
        Value("15m"),
        "without confirmation for so long, the network's masternodes leave the page; at least twice `poll_interval`",
    ),
    key("networks[].resync_blocks", "number", Value("576"), "blocks from one full list, read as a check, to the next"),
    key(
        "networks[].ask.reports",
        "flag",
        Value("true"),
        "ask each source twice a minute or so for its connections, and whether it is itself a masternode",
    ),
    key(
        "networks[].ask.sessions",
        "flag",
        Value("true"),
        "as often, ask sources that are masternodes or watch quorums for the DKG sessions under way",
    ),
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
        "proTxHash, or `txid-n` of the collateral on the older chains",
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
    key("probe.enabled", "flag", Value("false"), "call watched masternodes at their addresses; see `docs/probe.md`"),
    key("probe.interval", "span, 30s–1d", Value("5m"), "time from one call of a masternode to the next"),
    key("probe.timeout", "span, 100ms–30s", Value("10s"), "longest time for a call"),
    key("probe.max_parallel", "number, 1–64", Value("4"), "most calls under way at a time, in each network"),
    key("probe.allow_private", "flag", Value("false"), "call also addresses that are not of the public internet"),
    key(
        "probe.controls",
        "number, 0–8",
        Value("2"),
        "when a watched masternode is silent, try to connect to so many others, to know whether it is this host that is cut off",
    ),
    key(
        "history.path",
        "path",
        Words("none: nothing is kept, counters begin when the process starts"),
        "file that keeps events and counters over restarts; each process needs its own",
    ),
    key(
        "history.retention",
        "span, 1d–36500d",
        Value("400d"),
        "events of older blocks are deleted from the file; counters go on",
    ),
    key(
        "history.max_gap_blocks",
        "number",
        Value("5000"),
        "after a longer gap the list is read anew instead of block by block",
    ),
    key(
        "history.backfill_blocks",
        "number",
        Value("576"),
        "blocks below the start, or below a gap's end, that are filled in while the exporter runs; 0 for none",
    ),
    key("web.listen_address", "address or list", Value("127.0.0.1:10066"), "where to listen"),
    key("web.telemetry_path", "path", Value("/metrics"), "where the metrics are"),
    key("web.max_requests", "number", Value("40"), "scrapes answered at a time; 0 for any number"),
    key("web.enable_reload", "flag", Value("false"), "answer `/-/reload`"),
    key(
        "chains.<name>",
        "table or path",
        Words(""),
        "profile of a further chain, or the file with it; see `docs/chains/`",
    ),
    key("log.level", "`trace`, `debug`, `info`, `warn`, `error`", Value("info"), "least severe level that is logged"),
    key("log.format", "`text`, `json`", Value("text"), "form of the log"),
];

/// All keys of a chain's profile, in the order of its page.
pub const PROFILE_KEYS: &[Key] = &[
    key("chains.<name>.identity.subversion_prefix", "text", Required, "what `getnetworkinfo.subversion` begins with"),
    key("chains.<name>.identity.genesis.<name>", "hash", Words(""), "block 0 of the network of this name (`main`, …)"),
    key("chains.<name>.list.method", "method", Required, "what is asked for the list"),
    key("chains.<name>.list.parameters", "list", Words(""), "what follows its subcommand"),
    key("chains.<name>.list.shape", "`protx`, `text`, `object`, `array`", Required, "what it answers"),
    key(
        "chains.<name>.list.pinned",
        "flag",
        Value("false"),
        "`protx`: a height as last parameter asks for the list of then",
    ),
    key("chains.<name>.list.diff", "method", Words(""), "`protx`: changes between two blocks"),
    key("chains.<name>.list.info", "method", Words(""), "`protx`: how the node itself sees a masternode"),
    key("chains.<name>.list.columns", "list of items", Words(""), "`text`: what the words of a line are"),
    key(
        "chains.<name>.list.fields.<name>",
        "text",
        Words(""),
        "`object`, `array`: where an item stands; a dot leads into an object",
    ),
    key("chains.<name>.count", "method", Words(""), "how many there are"),
    key("chains.<name>.sync", "method", Words(""), "whether the node has the whole list"),
    key("chains.<name>.sporks", "method", Words(""), "the network's switches"),
    key("chains.<name>.winners", "method", Words(""), "payees that were voted for; a `pool` needs them"),
    key("chains.<name>.chainlock", "method", Words(""), "the last final block"),
    key("chains.<name>.collateral", "method", Words(""), "depth of a collateral"),
    key("chains.<name>.string_arguments", "flag", Value("false"), "numbers are written as strings in masternode calls"),
    key(
        "chains.<name>.penalty.percent",
        "number, 1–100",
        Value("66"),
        "points of a failure, of the limit; without `penalty` no score is shown",
    ),
    key("chains.<name>.penalty.minimum_limit", "number", Value("100"), "least limit"),
    key(
        "chains.<name>.penalty.decay_period",
        "number",
        Value("1"),
        "a point is lost in each block whose height this divides",
    ),
    key("chains.<name>.penalty.slowed_by", "text", Words(""), "a spork that changes the decay while it is active"),
    key("chains.<name>.penalty.slowed_decay_period", "number", Words(""), "… to this period"),
    key("chains.<name>.payment.model", "`queue`, `pool`, `uniform`", Required, "who is paid"),
    key(
        "chains.<name>.payment.more_than",
        "number",
        Value("0"),
        "`queue`: nobody is paid until there are more masternodes",
    ),
    key("chains.<name>.payment.divisor", "number", Value("10"), "`pool`: which part of all is the pool"),
    key(
        "chains.<name>.payment.of_enabled",
        "flag",
        Value("false"),
        "`pool`: of the enabled ones, not of those in any state",
    ),
    key(
        "chains.<name>.payment.hold_out",
        "span",
        Value("156s"),
        "`pool`: wait after a start, for each known masternode",
    ),
    key("chains.<name>.payment.minimum_protocol", "number", Value("0"), "`pool`: older ones are not known to payments"),
    key("chains.<name>.payment.votes_ahead", "number", Value("10"), "`pool`: for which block above the tip is voted"),
    key(
        "chains.<name>.states.<name>",
        "list of `healthy`, `payable`, `lasting`, `banned`",
        Words("those of a deterministic list"),
        "what a node's word for a state means",
    ),
    key("chains.<name>.ban_ends", "flag", Value("false"), "a ban ends after as many blocks as there are masternodes"),
    key("chains.<name>.spacing", "span", Required, "mean time between blocks until it is measured"),
    key(
        "chains.<name>.ping.warning",
        "span",
        Words(""),
        "silence after which to look; without `ping` nodes do not live by pings",
    ),
    key("chains.<name>.ping.expiry", "span", Words(""), "silence after which a node is expired"),
    key("chains.<name>.own_status", "method", Words(""), "how a node that is itself a masternode sees itself"),
    key("chains.<name>.absent_is_dead", "flag", Value("false"), "a dead masternode leaves the list"),
    key(
        "chains.<name>.minimum_protocols.<version>",
        "number",
        Words(""),
        "least protocol version that nodes of this version (`getnetworkinfo.version`) and later ones of its line accept",
    ),
];

/// Keys of later versions: no code reads them yet, and to ignore them would be to promise what is not done.
const LATER: &[&str] = &["alerting"];

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
        let Key { path, kind, meaning, .. } = key;
        // Writing to a text cannot fail.
        let _ = writeln!(table, "| `{path}` | {kind} | {} | {meaning} | `{}` |", key.default, key.variable());
    }
    table
}

/// The table of `docs/chains/README.md`.
pub fn profile_table() -> String {
    let mut table = String::from("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for Key { path, kind, default, meaning } in PROFILE_KEYS {
        let path = path.trim_start_matches("chains.<name>.");
        let _ = writeln!(table, "| `{path}` | {kind} | {default} | {meaning} |");
    }
    table
}

impl std::fmt::Display for Default {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Required => f.write_str("required"),
            Value(value) => write!(f, "`{value}`"),
            Words(words) => f.write_str(words),
        }
    }
}

/// The keys directly below a path in which places are written `[]`; the root is the empty path.
pub(super) fn below(pattern: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for key in KEYS.iter().chain(PROFILE_KEYS) {
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
