//! An event: as JSON without the fields that its kind does not have, as CSV with an empty cell for them.
//!
//! Never here: selection of events; their text (`domain::event`).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::history::EventId;
use crate::web::api::csv_table;
use crate::web::api::json::values::{Text, absent_instead_of_null};
use domain::event::{self, BanCause, EventKind, FailedQuorum};
use domain::list::Block;
use domain::masternode::{BlockHash, Duffs, Hash, Height, MasternodeId, NodeType, UnixSeconds};

/// One object.
pub type Object = Map<String, Value>;

/// An event of a masternode. Fields that its kind does not have are absent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event", transform = absent_instead_of_null)]
pub struct Event<'a, Q = Vec<Quorum<'a>>, P = Vec<Payee<'a>>> {
    /// Its identifier in the history, never reused. Absent if `history` is false.
    #[schemars(range(min = 1))]
    pub id: Option<i64>,
    /// Time in the header of the block.
    pub time: Text<UnixSeconds>,
    /// Height of the block.
    pub height: u32,
    /// Hash of the block.
    pub block: Text<BlockHash>,
    /// Name of the network.
    pub network: &'a str,
    /// Identity of the masternode.
    pub masternode: Text<MasternodeId>,
    /// Current alias in the watch list; empty if it has none.
    pub alias: &'a str,
    /// Type by collateral.
    #[schemars(extend("enum" = NodeType::ALL.map(NodeType::label)))]
    pub node_type: &'static str,
    /// Kind of the event.
    #[schemars(extend("enum" = EventKind::NAMES))]
    pub kind: &'static str,
    /// Whether exactly that block caused it. False: that block or an earlier one.
    pub exact: bool,
    /// Whether a chain reorganisation reverted it. Absent if `history` is false.
    pub withdrawn: Option<bool>,
    /// penalty: the score after it.
    pub score: Option<u32>,
    /// penalty: points above the normal decay.
    pub points: Option<u32>,
    /// penalty: number of failed sessions that these points correspond to.
    pub failures: Option<u32>,
    /// penalty: whether the limit capped the points.
    pub clamped: Option<bool>,
    /// penalty: the quorums that marked it as failed, as far as the node reports them.
    pub quorums: Option<Q>,
    /// penalty: number of other masternodes that the same block penalised. Absent if blocks were skipped, or if it was
    /// not recorded.
    pub others: Option<u32>,
    /// payment: amount paid to the owner, in duffs (1e-8 coins). Absent if not known.
    pub amount_duffs: Option<u64>,
    /// ban: the cause.
    #[schemars(extend("enum" = BanCause::ALL.map(BanCause::label)))]
    pub cause: Option<&'static str>,
    /// state_change: the state before.
    pub from: Option<&'a str>,
    /// state_change: the state after.
    pub to: Option<&'a str>,
    /// Changes of fields: the old value, empty for none. Absent in events from before it was recorded.
    pub before: Option<&'a str>,
    /// Changes of fields: the new value, likewise.
    pub after: Option<&'a str>,
    /// payment: the amount by payee. Absent if there is one payee, or if not known.
    pub payees: Option<P>,
    /// payment: amount paid to the operator, in duffs, 0 if the operator has no part. Absent if not known.
    pub operator_amount_duffs: Option<u64>,
}

/// A quorum whose commitment marks a member as failed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(transform = absent_instead_of_null)]
pub struct Quorum<'a> {
    /// Name of the quorum type, for example llmq_60_75.
    pub quorum_type: &'a str,
    /// Hash of the block at which the session started.
    pub hash: Text<BlockHash>,
    /// Height of that block.
    pub height: u32,
    /// Index among the quorums of a rotation cycle.
    pub index: u32,
    /// Number of other members that its commitment marks as failed. Absent if it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<u32>,
}

/// Payment to one of several payees.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Payee<'a> {
    /// Its address.
    pub address: &'a str,
    /// Amount in duffs (1e-8 coins).
    pub amount_duffs: u64,
}

/// Identifier of an event in the history, and whether it was reverted.
type Place = Option<(EventId, bool)>;

impl<'a> Event<'a> {
    /// An event of a network.
    pub fn new(event: &'a event::Event, network: &'a str, alias: &'a str, place: Place) -> Event<'a> {
        let quorum = |quorum: &'a FailedQuorum| Quorum {
            quorum_type: &quorum.quorum_type,
            hash: Text(quorum.hash),
            height: quorum.height.0,
            index: quorum.index,
            others: quorum.others,
        };
        let payee = |(address, Duffs(amount)): &'a (Box<str>, Duffs)| Payee { address, amount_duffs: *amount };
        let quorums = |quorums: &'a [FailedQuorum]| quorums.iter().map(quorum).collect();
        Event::with_lists(event, network, alias, place, quorums, |payees| payees.iter().map(payee).collect())
    }

    /// The JSON object, without fields that the kind does not have.
    pub fn json(&self) -> Object {
        let Ok(Value::Object(mut object)) = serde_json::to_value(self) else { return Object::new() };
        object.retain(|_, value| !value.is_null());
        object
    }
}

impl<'a> Event<'a, String, String> {
    /// The row of a table. A list becomes a text with `; ` between its items.
    pub fn row(event: &'a event::Event, network: &'a str, alias: &'a str, place: Place) -> Self {
        let join = |texts: Vec<String>| texts.join("; ");
        let quorums = |quorums: &[FailedQuorum]| join(quorums.iter().map(ToString::to_string).collect());
        let payee = |(address, amount): &(Box<str>, Duffs)| format!("{amount} to {address}");
        Event::with_lists(event, network, alias, place, quorums, |payees| join(payees.iter().map(payee).collect()))
    }

    /// The line of names above such rows.
    pub fn names() -> String {
        let block = Block { height: Height(0), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) };
        let masternode = MasternodeId::ProTx(Hash([0; 32]));
        let kind = EventKind::Registration;
        let any = event::Event { block, exact: true, masternode, node_type: NodeType::Regular, kind };
        csv_table::names(&Event::row(&any, "", "", None))
    }
}

impl<'a, Q, P> Event<'a, Q, P> {
    fn with_lists(
        event: &'a event::Event,
        network: &'a str,
        alias: &'a str,
        place: Place,
        to_quorums: impl FnOnce(&'a [FailedQuorum]) -> Q,
        to_payees: impl FnOnce(&'a [(Box<str>, Duffs)]) -> P,
    ) -> Self {
        let event::Event { block, exact, masternode, node_type, kind } = event;
        let mut written = Event {
            id: place.map(|(id, _)| id.0),
            time: Text(block.time),
            height: block.height.0,
            block: Text(block.hash),
            network,
            masternode: Text(*masternode),
            alias,
            node_type: node_type.label(),
            kind: kind.name(),
            exact: *exact,
            withdrawn: place.map(|(_, withdrawn)| withdrawn),
            score: None,
            points: None,
            failures: None,
            clamped: None,
            quorums: None,
            others: None,
            amount_duffs: None,
            operator_amount_duffs: None,
            cause: None,
            from: None,
            to: None,
            before: None,
            after: None,
            payees: None,
        };
        match kind {
            EventKind::Penalty { score, points, failures, clamped, quorums, others } => {
                (written.score, written.points, written.failures) = (Some(score.0), Some(*points), Some(*failures));
                (written.clamped, written.others) = (Some(*clamped), *others);
                written.quorums = Some(to_quorums(quorums));
            }
            EventKind::Payment { amount, operator, payees } => {
                written.amount_duffs = amount.map(|Duffs(amount)| amount);
                written.operator_amount_duffs = operator.map(|Duffs(amount)| amount);
                written.payees = (payees.len() > 1).then(|| to_payees(payees));
            }
            EventKind::Change(_, Some(change)) => {
                (written.before, written.after) = (Some(&*change.before), Some(&*change.after));
            }
            EventKind::Ban { cause, .. } => written.cause = Some(cause.label()),
            EventKind::State { from, to } => (written.from, written.to) = (Some(from.as_ref()), Some(to.as_ref())),
            _ => {}
        }
        written
    }
}
