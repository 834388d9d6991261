//! Every key as data: what the loader knows, and what `docs/configuration.md` says of it.
//!
//! Never here: reading or checking a value.

mod profile;

use std::fmt::Write;

use crate::config::keys::Default::{Required, Value, Words};
use crate::config::overlay::PREFIX;

pub use profile::PROFILE_KEYS;

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

const SEVERITY: &str = "`critical`, `warning`, `info`";

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
    key(
        "networks[].ask.seats",
        "flag",
        Value("true"),
        "once for each DKG session of a type that does not rotate, ask who can be drawn, and compute who is (Dash v20 and later)",
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
    key("watch[].select.payout_address", "text", Words(""), "… of which this is a payee, be it one of several"),
    key("watch[].select.owner_address", "text", Words(""), "… with this owner key, be it that of one share"),
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
    key("watch[].expect.payout_address", "text", Words(""), "… that exactly this one address is paid, and no other"),
    key("watch[].expect.owner_address", "text", Words(""), "likewise"),
    key("watch[].expect.voting_address", "text", Words(""), "likewise"),
    key("watch[].expect.operator_key", "text", Words(""), "likewise"),
    key("watch[].expect.operator_payout_address", "text", Words(""), "likewise"),
    key(
        "watch[].expect.payouts[].address",
        "text",
        Words(""),
        "… that these payees are paid and no others (Dash Core 24)",
    ),
    key(
        "watch[].expect.payouts[].reward",
        "number, 1–10000",
        Words(""),
        "part of this payee in hundredths of a percent, as `protx info` prints it: 7000 is 70 %; together they make 10000",
    ),
    key(
        "watch[].expect.shares[].owner_address",
        "text",
        Words(""),
        "… that a shared masternode has these owners and no others",
    ),
    key("watch[].expect.shares[].reward_address", "text", Words(""), "where the rewards of this owner go"),
    key(
        "watch[].expect.shares[].amount",
        "number",
        Words("any"),
        "amount of this share in duffs, as `protx info` prints it",
    ),
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
    key(
        "alerting.alertmanagers[].url",
        "URL",
        Words(""),
        "an Alertmanager, without `/api/v2/alerts`; list all of a cluster",
    ),
    key("alerting.alertmanagers[].url_file", "path", Words(""), "file with the URL, where it holds a password"),
    key("alerting.alertmanagers[].token_file", "path", Words(""), "file with a bearer token"),
    key(
        "alerting.alertmanagers[].name",
        "name",
        Words("`alertmanager-` and its place"),
        "the label `receiver` of metrics",
    ),
    key("alerting.alertmanagers[].minimum_severity", SEVERITY, Words("`info`"), "less urgent alerts are not told"),
    key("alerting.alertmanagers[].timeout", "span, 100ms–1m", Words("`10s`"), "longest wait for an answer"),
    key("alerting.webhooks[].name", "name", Words("required"), "the label `receiver` of metrics"),
    key(
        "alerting.webhooks[].kind",
        "`generic`, `slack`, `discord`, `telegram`, `pagerduty`",
        Words("`generic`"),
        "what the receiver understands; see [alerts.md](alerts.md#push)",
    ),
    key("alerting.webhooks[].url", "URL", Words("that of the service for telegram and pagerduty"), "where it listens"),
    key("alerting.webhooks[].url_file", "path", Words(""), "file with the URL, where it holds a token: Slack, Discord"),
    key(
        "alerting.webhooks[].token_file",
        "path",
        Words(""),
        "file with the bearer token, the token of the bot, or PagerDuty's routing key",
    ),
    key("alerting.webhooks[].chat_id", "text", Words(""), "`telegram`: which chat"),
    key("alerting.webhooks[].minimum_severity", SEVERITY, Words("`info`"), "less urgent alerts are not told"),
    key(
        "alerting.webhooks[].repeat_interval",
        "span, 1m–30d",
        Words("`4h`"),
        "from one message about an alert that goes on to the next",
    ),
    key("alerting.webhooks[].timeout", "span, 100ms–1m", Words("`10s`"), "longest wait for an answer"),
    key(
        "alerting.heartbeat.url",
        "URL",
        Words(""),
        "asked for by GET as long as the exporter judges: a dead man's switch",
    ),
    key("alerting.heartbeat.url_file", "path", Words(""), "file with that URL, where it holds a token"),
    key("alerting.heartbeat.interval", "span, 1s–1d", Words("`1m`"), "how often"),
    key(
        "alerting.labels.<name>",
        "text",
        Words(""),
        "label that each pushed alert gets: what `external_labels` of Prometheus adds to those of the rules",
    ),
    key(
        "alerting.job",
        "text",
        Value("masternode-exporter"),
        "label `job` of alerts about the exporter: that of its scrape",
    ),
    key(
        "alerting.runbook_url",
        "URL",
        Words("none: a path"),
        "address of a copy of this project, before `docs/runbooks/…`",
    ),
    key("alerting.external_url", "URL", Words(""), "where people find this exporter; a link in alerts"),
    key(
        "alerting.longest_hold",
        "span, 0s–1d",
        Words("as long as each alert says"),
        "no pushed alert waits longer than this before it is told",
    ),
    key(
        "alerting.thresholds.imminent_chance",
        "number, 0–1",
        Value("0.5"),
        "chance of a test above which a ban is imminent",
    ),
    key("alerting.thresholds.recent", "span, 1m–30d", Value("1h"), "what \"lately\" means"),
    key("alerting.thresholds.wave_ratio", "number, 0–1", Value("0.01"), "part of all masternodes that makes a wave …"),
    key("alerting.thresholds.wave_minimum", "number", Value("10"), "… and how many at least"),
    key(
        "alerting.thresholds.group_nodes",
        "number",
        Value("3"),
        "masternodes of a group that are told whatever its size",
    ),
    key("alerting.thresholds.group_ratio", "number, 0–1", Words("a third"), "part of a group, and at least two"),
    key("alerting.thresholds.stalled_after", "span, 1m–30d", Value("30m"), "age of the tip of a stalled chain"),
    key("alerting.thresholds.chainlock_lag", "number", Value("5"), "blocks by which ChainLocks may lag"),
    key(
        "alerting.thresholds.quorum_windows",
        "number",
        Value("2"),
        "mining windows without a quorum of a type that are told",
    ),
    key(
        "alerting.maintenance[].masternode",
        "proTxHash or `txid-n`",
        Words(""),
        "whose alerts are muted; either this or `select`",
    ),
    key("alerting.maintenance[].select.address", "text", Words(""), "… by what they say, as in `watch`"),
    key("alerting.maintenance[].select.payout_address", "text", Words(""), "likewise"),
    key("alerting.maintenance[].select.owner_address", "text", Words(""), "likewise"),
    key("alerting.maintenance[].select.voting_address", "text", Words(""), "likewise"),
    key("alerting.maintenance[].select.operator_key", "text", Words(""), "likewise"),
    key("alerting.maintenance[].select.operator_payout_address", "text", Words(""), "likewise"),
    key("alerting.maintenance[].network", "name", Words("all networks"), "only on this network"),
    key(
        "alerting.maintenance[].until",
        "`2026-01-31` or `2026-01-31T12:00:00Z`",
        Words("required"),
        "when the work ends, in UTC; a day counts to its end",
    ),
    key("alerting.maintenance[].reason", "text", Words(""), "why, for whoever reads this"),
    key("web.listen_address", "address or list", Value("127.0.0.1:10066"), "where to listen"),
    key("web.telemetry_path", "path", Value("/metrics"), "where the metrics are"),
    key("web.max_requests", "number", Value("40"), "scrapes answered at a time; 0 for any number"),
    key(
        "web.allowed_hosts",
        "list of names",
        Words("none"),
        "further names by which browsers may open a server without TLS and users: see `docs/web.md`",
    ),
    key("web.enable_reload", "flag", Value("false"), "answer `/-/reload`"),
    key(
        "web.config_file",
        "path",
        Words("none: anybody who reaches it may ask, unencrypted"),
        "encryption, users, headers and rate limit: see `docs/web.md`",
    ),
    key(
        "chains.<name>",
        "table or path",
        Words(""),
        "profile of a further chain, or the file with it; see `docs/chains/`",
    ),
    key("log.level", "`trace`, `debug`, `info`, `warn`, `error`", Value("info"), "least severe level that is logged"),
    key("log.format", "`text`, `json`", Value("text"), "form of the log"),
];

/// Keys of later versions: no code reads them yet, and to ignore them would be to promise what is not done.
const LATER: &[&str] = &[];

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
