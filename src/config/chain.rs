//! The section `chains`: profiles of further chains, each the rules of a chain and how its nodes are asked.
//!
//! Never here: a method that is not in the table of `rpc`: a profile chooses among those.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::ChainConfig;
use crate::config::node::Node;
use crate::domain::chain::{BUILT_IN, ChainRules, Penalty, Ping, SlowedDecay};
use crate::domain::payment::{PaymentModel, PoolRule, pool};
use crate::domain::pose::{PenaltyRule, Step};
use crate::domain::state::{self, State};
use crate::rpc::dialect::{Dialect, Item, ListCall, Parameter, Shape};
use crate::rpc::methods::{self, Method};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What a state can be said to be.
const STATE_WORDS: [&str; 4] = ["healthy", "payable", "lasting", "banned"];

/// The built-in chains and those of the section, by name.
pub(super) fn chains(node: &Node<'_>) -> BTreeMap<String, ChainConfig> {
    let mut chains: BTreeMap<String, ChainConfig> = built_in().collect();
    for (name, element) in node.entries() {
        if chains.contains_key(&name) {
            element.error("is built in: give the profile another name");
        } else {
            chains.insert(name.clone(), profile(&name, &element));
        }
    }
    chains
}

fn built_in() -> impl Iterator<Item = (String, ChainConfig)> {
    BUILT_IN.into_iter().filter_map(|rules| {
        let dialect = Dialect::built_in(&rules.name)?;
        Some((rules.name.to_string(), ChainConfig::new(rules, dialect)))
    })
}

fn profile(name: &str, node: &Node<'_>) -> ChainConfig {
    node.check_keys();
    let identity = node.get("identity");
    identity.check_keys();
    let genesis = identity.get("genesis").entries().into_iter();
    let genesis = genesis.filter_map(|(network, hash)| {
        let hash = hash.parsed(str::parse::<crate::domain::Hash>)?;
        Some((Cow::Owned(network), Cow::Owned(hash.to_string())))
    });
    let mut rules = ChainRules {
        name: Cow::Owned(name.to_string()),
        subversion_prefix: identity.get("subversion_prefix").required().unwrap_or_default().into(),
        genesis: genesis.collect(),
        penalty: penalty(&node.get("penalty")),
        has_dkg: false,
        payment: payment(&node.get("payment")),
        tells_payments: false,
        states: states(&node.get("states")),
        ban_ends: node.get("ban_ends").flag().unwrap_or(false),
        spacing_seconds: spacing(&node.get("spacing")),
        ping: ping(&node.get("ping")),
        absent_is_dead: node.get("absent_is_dead").flag().unwrap_or(false),
        minimum_protocols: minimum_protocols(&node.get("minimum_protocols")),
    };
    let list = list(&node.get("list"), &rules);
    rules.tells_payments = list.shape.has(Item::LastPaidHeight);
    let dialect = Dialect {
        list,
        count: method(&node.get("count")),
        sync: method(&node.get("sync")),
        sporks: method(&node.get("sporks")),
        winners: method(&node.get("winners")),
        chainlock: method(&node.get("chainlock")),
        collateral: method(&node.get("collateral")),
        quorums: None,
        sessions: None,
        own: method(&node.get("own_status")),
        special: None,
        roll: None,
        deployments: None,
        indexes: None,
        mempool: None,
        string_arguments: node.get("string_arguments").flag().unwrap_or(false),
    };
    ChainConfig::new(rules, dialect)
}

/// Least protocol versions by the version of the node that judges.
fn minimum_protocols(node: &Node<'_>) -> Cow<'static, [(u32, u32)]> {
    let read = |(version, node): (String, Node<'_>)| {
        let minimum = node.whole(1..=u64::from(u32::MAX))? as u32;
        let version = version.parse::<u32>();
        if version.is_err() {
            node.error("its name must be a version as getnetworkinfo says it, e.g. 2030000");
        }
        Some((version.ok()?, minimum))
    };
    let mut versions: Vec<(u32, u32)> = node.entries().into_iter().filter_map(read).collect();
    versions.sort_unstable();
    Cow::Owned(versions)
}

fn required<'a>(node: Node<'a>) -> Node<'a> {
    if !node.is_set() {
        node.error("is missing");
    }
    node
}

fn method(node: &Node<'_>) -> Option<&'static Method> {
    let name = node.verbatim()?;
    let method = methods::method(&name);
    if method.is_none() {
        let known: Vec<&str> = methods::METHODS.iter().map(|method| method.name).collect();
        node.error(format_args!("is no method that the exporter may call; there are: {}", known.join(", ")));
    }
    method
}

fn list(node: &Node<'_>, rules: &ChainRules) -> ListCall {
    required(node.clone()).check_keys();
    let parameters = node.get("parameters").elements().iter().filter_map(parameter).collect();
    let shape = match required(node.get("shape")).text().unwrap_or_default().as_str() {
        "" => Shape::Array(Cow::Borrowed(&[])),
        "protx" => Shape::ProTx {
            pinned: node.get("pinned").flag().unwrap_or(false),
            diff: method(&node.get("diff")),
            info: method(&node.get("info")),
        },
        "text" => Shape::Text(columns(&required(node.get("columns")))),
        "object" => Shape::Object(fields(&required(node.get("fields")))),
        "array" => Shape::Array(fields(&required(node.get("fields")))),
        other => {
            node.get("shape").error(one_of(other, ["protx", "text", "object", "array"]));
            Shape::Array(Cow::Borrowed(&[]))
        }
    };
    check_shape(node, &shape, rules);
    let method = method(&required(node.get("method")));
    ListCall { method: method.unwrap_or(&methods::PROTX_LIST), parameters, shape }
}

/// What a shape must say for the rules to have something to work with.
fn check_shape(node: &Node<'_>, shape: &Shape, rules: &ChainRules) {
    let has = |item| shape.has(item);
    if matches!(shape, Shape::Array(_)) && !has(Item::ProTxHash) && !(has(Item::Txid) && has(Item::OutputIndex)) {
        node.get("fields").error("an array names nobody: it needs pro_tx_hash, or txid and output_index");
    }
    if rules.penalty.is_some() && !has(Item::Score) {
        node.error("there is a penalty, but the list has no score");
    }
    if rules.ping.is_some() && !has(Item::LastSeen) {
        node.error("there is a ping, but the list has no last_seen");
    }
}

fn parameter(node: &Node<'_>) -> Option<Parameter> {
    let text = node.text()?;
    Some(match (text.as_str(), node.is_text()) {
        ("true", false) => Parameter::Flag(true),
        ("false", false) => Parameter::Flag(false),
        (number, false) if number.parse::<i64>().is_ok() => Parameter::Whole(number.parse().unwrap_or_default()),
        _ => Parameter::Text(Cow::Owned(text)),
    })
}

fn columns(node: &Node<'_>) -> Cow<'static, [Item]> {
    let column = |node: &Node<'_>| {
        let name = node.text()?;
        let item = Item::named(&name);
        if item.is_none() {
            node.error(one_of(&name, Item::NAMES.map(|(_, name)| name)));
        }
        item
    };
    node.elements().iter().filter_map(column).collect()
}

fn fields(node: &Node<'_>) -> Cow<'static, [(Item, Cow<'static, str>)]> {
    let field = |(name, node): (String, Node<'_>)| {
        let path = node.verbatim()?;
        let item = Item::named(&name).filter(|item| *item != Item::Ignored);
        if item.is_none() {
            node.error(one_of(&name, Item::NAMES.map(|(_, name)| name)));
        }
        Some((item?, Cow::Owned(path)))
    };
    node.entries().into_iter().filter_map(field).collect()
}

fn penalty(node: &Node<'_>) -> Option<Penalty> {
    node.check_keys();
    if !node.is_set() {
        return None;
    }
    let whole = |key: &str, most, default| node.get(key).whole(1..=most).unwrap_or(default) as u32;
    let slowed = node.get("slowed_by").verbatim().map(|spork| SlowedDecay {
        spork: Cow::Owned(spork),
        decay_period: required(node.get("slowed_decay_period")).whole(1..=1_000_000).unwrap_or(1) as u32,
    });
    if slowed.is_none() && node.get("slowed_decay_period").is_set() {
        node.get("slowed_by").error("is missing: it names the spork that slows the decay");
    }
    let rule = PenaltyRule {
        step: Step::Percent(whole("percent", 100, 66)),
        minimum_limit: whole("minimum_limit", 1_000_000, 100),
        ban_above_limit: false,
        clamped: true,
        decay_period: whole("decay_period", 1_000_000, 1),
    };
    Some(Penalty { rule, slowed })
}

fn payment(node: &Node<'_>) -> PaymentModel {
    required(node.clone()).check_keys();
    match required(node.get("model")).text().unwrap_or_default().as_str() {
        "" => PaymentModel::Uniform,
        "queue" => PaymentModel::Queue { more_than: node.get("more_than").whole(0..=1_000_000).unwrap_or(0) as u32 },
        "uniform" => PaymentModel::Uniform,
        "pool" => PaymentModel::Pool(PoolRule {
            divisor: node
                .get("divisor")
                .whole(1..=1_000_000)
                .and_then(|divisor| NonZeroU32::new(divisor as u32))
                .unwrap_or(pool::TENTH),
            of_enabled: node.get("of_enabled").flag().unwrap_or(false),
            hold_out_seconds: node.get("hold_out").duration(SECOND..=DAY).unwrap_or(156 * SECOND).as_secs(),
            minimum_protocol: node.get("minimum_protocol").whole(0..=u64::from(u32::MAX)).unwrap_or(0) as u32,
            votes_ahead: node.get("votes_ahead").whole(2..=1000).unwrap_or(10) as u32,
        }),
        other => {
            node.get("model").error(one_of(other, ["queue", "pool", "uniform"]));
            PaymentModel::Uniform
        }
    }
}

/// States by the node's words; without any, those of a deterministic list.
fn states(node: &Node<'_>) -> Cow<'static, [State]> {
    if !node.is_set() {
        return state::DETERMINISTIC.iter().cloned().chain([state::UNKNOWN]).collect();
    }
    let read = |(name, node): (String, Node<'_>)| {
        let words: Vec<String> = node.elements().iter().filter_map(Node::text).collect();
        if let Some(unknown) = words.iter().find(|word| !STATE_WORDS.contains(&word.as_str())) {
            node.error(one_of(unknown, STATE_WORDS));
        }
        let [healthy, payable, lasting, banned] = STATE_WORDS.map(|word| words.iter().any(|given| given == word));
        State { label: Cow::Owned(name.to_ascii_lowercase()), healthy, payable, lasting, banned }
    };
    let mut states: Vec<State> = node.entries().into_iter().map(read).collect();
    if !states.iter().any(|state| state.payable) {
        node.error("no state is payable: nobody would ever be paid");
    }
    if !states.iter().any(|state| state.label == state::UNKNOWN.label) {
        states.push(state::UNKNOWN);
    }
    Cow::Owned(states)
}

fn spacing(node: &Node<'_>) -> f64 {
    required(node.clone()).duration(SECOND..=DAY).unwrap_or(SECOND).as_secs_f64()
}

fn ping(node: &Node<'_>) -> Option<Ping> {
    node.check_keys();
    if !node.is_set() {
        return None;
    }
    let seconds = |key: &str| required(node.get(key)).duration(SECOND..=30 * DAY).unwrap_or(DAY).as_secs();
    let ping = Ping { warning_seconds: seconds("warning"), expiry_seconds: seconds("expiry") };
    if ping.warning_seconds > ping.expiry_seconds {
        node.get("warning").error("must not be longer than expiry: it would never be told in time");
    }
    Some(ping)
}

fn one_of<const COUNT: usize>(found: &str, known: [&str; COUNT]) -> impl Display {
    format!("{found:?} is none of: {}", known.join(", "))
}
