//! The keys of a chain's profile.
//!
//! Never here: the rest of the configuration.

use crate::config::keys::Default::{Required, Value, Words};
use crate::config::keys::{Key, key};

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
