//! The section `chains`: profiles of further chains, each with the chain's rules and the RPC dialect of its nodes.
//!
//! Never here: a method that is not in the table of `rpc`: a profile chooses among those.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::config::ChainConfig;
use crate::config::leaf::{List, Whole};
use crate::config::mistakes::{Place, required};
use crate::config::network::count;
use crate::config::profile::{
    Fields, ListSection, MethodName, ParameterValue, PayeesChoice, PaymentChoice, PaymentRuleSection, PenaltySection,
    PingSection, ProfileSection, ShapeChoice, StateWord, item_error,
};
use crate::rpc::dialect::{Dialect, Item, ListCall, Parameter, Payees, RpcUser, Shape};
use crate::rpc::methods;
use domain::chain::{BUILT_IN, ChainRules, PastPayments, Penalty, Ping, SlowedDecay};
use domain::payment::{PaymentModel, PoolRule, pool};
use domain::pose::{PenaltyRule, Step};
use domain::state::{self, State};

/// The built-in chains and those of the section, by name.
pub(super) fn chains(
    section: BTreeMap<String, Option<ProfileSection>>,
    at: &Place<'_>,
) -> BTreeMap<String, ChainConfig> {
    let mut chains: BTreeMap<String, ChainConfig> = built_in().collect();
    for (name, section) in section {
        let at = at.key(&name);
        if chains.contains_key(&name) {
            at.error("is built in: give the profile another name");
            continue;
        }
        // An unreadable profile is an error already; its name is known nevertheless.
        let chain = section.map_or_else(ChainConfig::dash, |section| profile(&name, section, &at));
        chains.insert(name, chain);
    }
    chains
}

fn built_in() -> impl Iterator<Item = (String, ChainConfig)> {
    BUILT_IN.into_iter().filter_map(|rules| {
        let dialect = Dialect::built_in(&rules.name)?;
        Some((rules.name.to_string(), ChainConfig::new(rules, dialect)))
    })
}

fn profile(name: &str, section: ProfileSection, at: &Place<'_>) -> ChainConfig {
    let genesis = section.identity.genesis.into_iter();
    let genesis = genesis.map(|(network, hash)| (Cow::Owned(network), Cow::Owned(hash.0.to_string())));
    let has_states = section.states.is_some();
    let prefix = required(section.identity.subversion_prefix, "subversion_prefix", &at.key("identity"));
    let mut rules = ChainRules {
        name: Cow::Owned(name.to_string()),
        subversion_prefix: prefix.map(|prefix| prefix.0).unwrap_or_default().into(),
        genesis: genesis.collect(),
        penalty: section.penalty.map(|penalty| penalty_rule(penalty, &at.key("penalty"))),
        has_dkg: false,
        payment: required(section.payment, "payment", at)
            .map_or(PaymentModel::Uniform { elects: false }, |payment| payment_model(&payment, &at.key("payment"))),
        past_payments: PastPayments::Hidden,
        states: states(section.states, &at.key("states")),
        ban_ends: section.ban_ends.0,
        spacing_seconds: required(section.spacing, "spacing", at).map_or(1.0, |spacing| spacing.0.as_secs_f64()),
        ping: section.ping.and_then(|ping| ping_rule(ping, &at.key("ping"))),
        absent_is_dead: section.absent_is_dead.0,
        minimum_protocols: minimum_protocols(section.minimum_protocols, &at.key("minimum_protocols")),
    };
    let list = match required(section.list, "list", at) {
        Some(list) => list_call(list, &rules, &at.key("list")),
        None => list_call(ListSection::default(), &rules, &at.key("list")),
    };
    if has_states && !list.shape.has(Item::State) {
        at.key("states").error("the list has no state to which they apply");
    }
    let payees = section.payees.map(|choice| match choice {
        PayeesChoice::Outputs => Payees::Outputs,
        PayeesChoice::Kind => Payees::Kind,
    });
    rules.past_payments = match payees {
        _ if list.shape.has(Item::LastPaidHeight) => PastPayments::Shown,
        Some(Payees::Outputs) => PastPayments::Shown,
        Some(Payees::Kind) => PastPayments::Elected,
        None => PastPayments::Hidden,
    };
    let method = |method: Option<MethodName>| method.map(|method| method.0);
    let dialect = Dialect {
        list,
        count: method(section.count),
        sync: method(section.sync),
        sporks: method(section.sporks),
        winners: method(section.winners),
        chainlock: method(section.chainlock),
        collateral: method(section.collateral),
        payees,
        quorums: None,
        sessions: None,
        own: method(section.own_status),
        special: None,
        sml_diff: None,
        rotation: None,
        deployments: None,
        indexes: None,
        mempool: None,
        user: if section.rpcauth.0 { RpcUser::Own } else { RpcUser::Shared },
        string_arguments: section.string_arguments.0,
    };
    ChainConfig::new(rules, dialect)
}

/// Least protocol versions by the version of the node that enforces them.
fn minimum_protocols(
    section: BTreeMap<String, Whole<1, { u32::MAX as u64 }>>,
    at: &Place<'_>,
) -> Cow<'static, [(u32, u32)]> {
    let mut versions = Vec::new();
    for (version, minimum) in section {
        match version.parse::<u32>() {
            Ok(version) => versions.push((version, count(minimum.0))),
            Err(_) => {
                at.key(&version).error("its name must be a version as getnetworkinfo returns it, e.g. 2030000");
            }
        }
    }
    versions.sort_unstable();
    Cow::Owned(versions)
}

fn list_call(section: ListSection, rules: &ChainRules, at: &Place<'_>) -> ListCall {
    let parameters = section.parameters.each().map(|(_, parameter)| match parameter {
        ParameterValue::Text(text) => Parameter::Text(Cow::Owned(text)),
        ParameterValue::Whole(number) => Parameter::Whole(number),
        ParameterValue::Flag(flag) => Parameter::Flag(flag),
    });
    let parameters = parameters.collect();
    let fields = |section: Option<Fields>| fields(required(section, "fields", at), &at.key("fields"));
    let shape = match required(section.shape, "shape", at) {
        Some(ShapeChoice::Protx) => Shape::ProTx {
            pinned: section.pinned.0,
            diff: section.diff.map(|method| method.0),
            info: section.info.map(|method| method.0),
        },
        Some(ShapeChoice::Text) => {
            let columns = required(section.columns, "columns", at).unwrap_or_default();
            Shape::Text(columns.each().map(|(_, item)| item.0).collect())
        }
        Some(ShapeChoice::Object) => Shape::Object(fields(section.fields)),
        Some(ShapeChoice::Array) => Shape::Array(fields(section.fields)),
        None => Shape::Array(Cow::Borrowed(&[])),
    };
    if !at.is_refused("shape") {
        check_shape(&shape, rules, at);
    }
    let method = required(section.method, "method", at).map_or(&methods::PROTX_LIST, |method| method.0);
    ListCall { method, parameters, shape }
}

/// Fields that a list format must have for the rules to work.
fn check_shape(shape: &Shape, rules: &ChainRules, at: &Place<'_>) {
    let has = |item| shape.has(item);
    if matches!(shape, Shape::Array(_)) && !has(Item::ProTxHash) && !(has(Item::Txid) && has(Item::OutputIndex)) {
        at.key("fields")
            .error("an array has no identity of a masternode: it needs pro_tx_hash, or txid and output_index");
    }
    if !has(Item::State) && !has(Item::BanHeight) {
        at.error("the list has neither state nor ban_height: a banned masternode would look well");
    }
    let of_state = [Item::Protocol, Item::LastSeen, Item::ActiveSeconds, Item::LastPaidTime, Item::Rank];
    if !has(Item::State) && of_state.into_iter().any(has) {
        at.error("protocol, last_seen, active_seconds, last_paid_time and rank are of a list with state: it has none");
    }
    if rules.penalty.is_some() && !has(Item::Score) {
        at.error("there is a penalty, but the list has no score");
    }
    if rules.ping.is_some() && !has(Item::LastSeen) {
        at.error("there is a ping, but the list has no last_seen");
    }
}

fn fields(section: Option<Fields>, at: &Place<'_>) -> Cow<'static, [(Item, Cow<'static, str>)]> {
    let mut fields = Vec::new();
    for (name, path) in section.unwrap_or_default() {
        match Item::named(&name).filter(|item| *item != Item::Ignored) {
            Some(item) => fields.push((item, Cow::Owned(path.0))),
            None => at.key(&name).error(item_error(&name)),
        }
    }
    Cow::Owned(fields)
}

fn penalty_rule(section: PenaltySection, at: &Place<'_>) -> Penalty {
    if section.slowed_by.is_none() && section.slowed_decay_period.is_some() {
        at.key("slowed_by").error("is missing: it names the spork that slows the decay");
    }
    let period = section.slowed_decay_period;
    let slowed = section.slowed_by.map(|spork| SlowedDecay {
        spork: Cow::Owned(spork.0),
        decay_period: required(period, "slowed_decay_period", at).map_or(1, |period| count(period.0)),
    });
    let rule = PenaltyRule {
        step: Step::Percent(count(section.percent.0)),
        minimum_limit: count(section.minimum_limit.0),
        ban_above_limit: false,
        clamped: true,
        decay_period: count(section.decay_period.0),
    };
    Penalty { rule, slowed }
}

fn payment_model(section: &PaymentRuleSection, at: &Place<'_>) -> PaymentModel {
    match required(section.model, "model", at) {
        None | Some(PaymentChoice::Uniform) => PaymentModel::Uniform { elects: section.elects.0 },
        Some(PaymentChoice::Queue) => PaymentModel::Queue { more_than: count(section.more_than.0) },
        Some(PaymentChoice::Pool) => PaymentModel::Pool(PoolRule {
            divisor: NonZeroU32::new(count(section.divisor.0)).unwrap_or(pool::TENTH),
            of_enabled: section.of_enabled.0,
            hold_out_seconds: section.hold_out.0.as_secs(),
            minimum_protocol: count(section.minimum_protocol.0),
            votes_ahead: count(section.votes_ahead.0),
            elects: section.elects.0,
        }),
    }
}

/// States by the node's words; without any, those of a deterministic list.
fn states(section: Option<BTreeMap<String, List<StateWord>>>, at: &Place<'_>) -> Cow<'static, [State]> {
    let Some(section) = section else {
        return state::DETERMINISTIC.iter().cloned().chain([state::UNKNOWN]).collect();
    };
    let read = |(name, words): (String, List<StateWord>)| {
        let words: Vec<StateWord> = words.each().map(|(_, word)| word).collect();
        State {
            label: Cow::Owned(name.to_ascii_lowercase()),
            healthy: words.contains(&StateWord::Healthy),
            payable: words.contains(&StateWord::Payable),
            lasting: words.contains(&StateWord::Lasting),
            banned: words.contains(&StateWord::Banned),
        }
    };
    let is_complete = section.values().all(List::is_complete);
    let mut states: Vec<State> = section.into_iter().map(read).collect();
    if is_complete && !states.iter().any(|state| state.payable) {
        at.error("no state is payable: no masternode would ever be paid");
    }
    if !states.iter().any(|state| state.label == state::UNKNOWN.label) {
        states.push(state::UNKNOWN);
    }
    Cow::Owned(states)
}

fn ping_rule(section: PingSection, at: &Place<'_>) -> Option<Ping> {
    let (warning, expiry) = (required(section.warning, "warning", at), required(section.expiry, "expiry", at));
    let ping = Ping { warning_seconds: warning?.0.as_secs(), expiry_seconds: expiry?.0.as_secs() };
    if ping.warning_seconds > ping.expiry_seconds {
        at.key("warning").error("must not be longer than expiry: the warning would come after the expiry");
    }
    Some(ping)
}
