//! The keys of a chain's profile.
//!
//! Never here: the conversion to a chain's rules (`chain`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use crate::config::kinds::HashKind;
use crate::config::leaf::{DAY, Flag, Kind, Leaf, List, SECOND, Span, Text, Whole};
use crate::rpc::dialect::Item;
use crate::rpc::methods::{self, Method};

/// The name of a method.
pub(super) type MethodName = Leaf<MethodKind>;

/// A method of a node, one of those that the exporter may call.
pub(super) struct MethodKind;

impl Kind for MethodKind {
    type Value = &'static Method;
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<&'static Method, String> {
        let known = || methods::METHODS.iter().map(|method| method.name).collect::<Vec<&str>>().join(", ");
        methods::method(text).ok_or_else(|| format!("is no method that the exporter may call; there are: {}", known()))
    }

    fn schema() -> Schema {
        let names: Vec<&str> = methods::METHODS.iter().map(|method| method.name).collect();
        json_schema!({"type": "string", "title": "method", "enum": names})
    }
}

/// The content of a column or a field of a list.
pub(super) struct ItemKind;

impl Kind for ItemKind {
    type Value = Item;

    fn read(text: &str) -> Result<Item, String> {
        Item::named(text).ok_or_else(|| item_error(text))
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "title": "item", "enum": Item::NAMES.map(|(_, name)| name)})
    }
}

/// The error of an unknown item.
pub(super) fn item_error(name: &str) -> String {
    format!("{name:?} is none of: {}", Item::NAMES.map(|(_, name)| name).join(", "))
}

/// The positions of the items of a list.
pub(super) type Fields = BTreeMap<String, Text>;

/// Any number that the program can store.
type Any<const LEAST: u64> = Whole<LEAST, { u32::MAX as u64 }>;

/// The profile of a chain: its rules, and how its nodes are asked.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["identity", "list", "payment", "spacing"]))]
pub(super) struct ProfileSection {
    pub(super) identity: IdentitySection,
    pub(super) list: Option<ListSection>,
    /// How many masternodes there are.
    pub(super) count: Option<MethodName>,
    /// Whether the node has the whole list.
    pub(super) sync: Option<MethodName>,
    /// The network's switches.
    pub(super) sporks: Option<MethodName>,
    /// Payees that were voted for; a `pool` needs them.
    pub(super) winners: Option<MethodName>,
    /// The last final block.
    pub(super) chainlock: Option<MethodName>,
    /// Depth of a collateral.
    pub(super) collateral: Option<MethodName>,
    /// What `getblock` shows about the payee of a block: its `outputs` with addresses, or only its `kind` (`minetype`), where
    /// payees are hidden; without it, payments are known from the list only.
    pub(super) payees: Option<PayeesChoice>,
    /// A node can have an RPC user of its own for the exporter, by a line `rpcauth`.
    pub(super) rpcauth: Flag,
    /// Numbers are written as strings in masternode calls.
    pub(super) string_arguments: Flag,
    pub(super) penalty: Option<PenaltySection>,
    pub(super) payment: Option<PaymentRuleSection>,
    /// State of a masternode by the node's word for it; without it, the states are those of a deterministic list.
    pub(super) states: Option<BTreeMap<String, List<StateWord>>>,
    /// A ban ends after as many blocks as there are masternodes.
    pub(super) ban_ends: Flag,
    /// Mean time between blocks until it is measured.
    pub(super) spacing: Option<Span<SECOND, DAY>>,
    pub(super) ping: Option<PingSection>,
    /// How a node that is itself a masternode sees itself.
    pub(super) own_status: Option<MethodName>,
    /// A dead masternode leaves the list.
    pub(super) absent_is_dead: Flag,
    /// Least protocol version that nodes of this version (`getnetworkinfo.version`) and later ones of its line accept.
    pub(super) minimum_protocols: BTreeMap<String, Any<1>>,
}

/// How a chain is recognized.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["subversion_prefix"]))]
pub(super) struct IdentitySection {
    /// Prefix of `getnetworkinfo.subversion`.
    pub(super) subversion_prefix: Option<Text>,
    /// Hash of block 0 of the network of this name (`main`, …).
    pub(super) genesis: BTreeMap<String, Leaf<HashKind>>,
}

/// How the list is read.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["method", "shape"]))]
pub(super) struct ListSection {
    /// The method that answers with the list.
    pub(super) method: Option<MethodName>,
    /// Parameters after the subcommand.
    pub(super) parameters: List<ParameterValue>,
    /// Shape of the answer.
    pub(super) shape: Option<ShapeChoice>,
    /// `protx`: a height as last parameter asks for the list at that block.
    pub(super) pinned: Flag,
    /// `protx`: changes between two blocks.
    pub(super) diff: Option<MethodName>,
    /// `protx`: how the node itself sees a masternode.
    pub(super) info: Option<MethodName>,
    /// `text`: the fields of a line, in order.
    pub(super) columns: Option<List<Leaf<ItemKind>>>,
    /// `object`, `array`: the position of each field; a dot descends into an object.
    pub(super) fields: Option<Fields>,
}

#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ShapeChoice {
    Protx,
    Text,
    Object,
    Array,
}

/// A parameter that is always the same, of the type that it is to YAML.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ParameterValue {
    Text(String),
    Whole(i64),
    Flag(bool),
}

impl<'de> Deserialize<'de> for ParameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParameterVisitor)
    }
}

struct ParameterVisitor;

impl Visitor<'_> for ParameterVisitor {
    type Value = ParameterValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number or a flag")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Text(text.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Whole(number))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Flag(flag))
    }
}

impl JsonSchema for ParameterValue {
    fn schema_name() -> Cow<'static, str> {
        "Parameter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer", "boolean"], "title": "parameter"})
    }
}

/// Proof-of-Service penalties; without them no score is shown.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PenaltySection {
    /// Points of a failure, as a part of the limit.
    pub(super) percent: Whole<1, 100, 66>,
    /// Least limit.
    pub(super) minimum_limit: Whole<1, 1_000_000, 100>,
    /// A point is lost in each block whose height this divides.
    pub(super) decay_period: Whole<1, 1_000_000, 1>,
    /// A spork that changes the decay while it is active …
    pub(super) slowed_by: Option<Text>,
    /// … to this period.
    pub(super) slowed_decay_period: Option<Whole<1, 1_000_000>>,
}

/// How payments are made.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["model"]))]
pub(super) struct PaymentRuleSection {
    /// The payment model.
    pub(super) model: Option<PaymentChoice>,
    /// `queue`: nothing is paid until there are more masternodes than this.
    pub(super) more_than: Whole<0, 1_000_000>,
    /// `pool`: which part of all is the pool.
    pub(super) divisor: Whole<1, 1_000_000, 10>,
    /// `pool`: counts enabled masternodes only, not those in any state.
    pub(super) of_enabled: Flag,
    /// `pool`: wait after a start, for each known masternode.
    pub(super) hold_out: Span<SECOND, DAY, { 156 * SECOND }>,
    /// `pool`: older ones are not known to payments.
    pub(super) minimum_protocol: Any<0>,
    /// `pool`: for which block above the tip is voted.
    pub(super) votes_ahead: Whole<2, 1000, 10>,
    /// The payee is elected by hashes: `pool` as on Dimecoin, `uniform` by the rank in the list as on PRCYCoin. Without
    /// it, the next payees are not computed.
    pub(super) elects: Flag,
}

/// What a block shows about its payee.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PayeesChoice {
    Outputs,
    Kind,
}

#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PaymentChoice {
    Queue,
    Pool,
    Uniform,
}

/// The meaning of a state.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateWord {
    Healthy,
    Payable,
    Lasting,
    Banned,
}

/// How long a masternode may be silent; without it, masternodes of the chain do not depend on pings.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["warning", "expiry"]))]
pub(super) struct PingSection {
    /// Age of the last ping from which a masternode is reported as silent.
    pub(super) warning: Option<Span<SECOND, { 30 * DAY }>>,
    /// Silence after which a node is expired.
    pub(super) expiry: Option<Span<SECOND, { 30 * DAY }>>,
}

/// The schema of `chains`: a profile, or the path of the file with it.
pub(super) fn profiles_schema(generator: &mut SchemaGenerator) -> Schema {
    let profile = generator.subschema_for::<ProfileSection>();
    json_schema!({
        "type": "object",
        "additionalProperties": {"title": "profile or path", "anyOf": [profile, {"type": "string", "title": "path"}]},
    })
}
