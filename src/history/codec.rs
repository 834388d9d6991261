//! Encodes events, identities and counts as column values, and decodes them.
//!
//! Fields used in filters have columns; the rest of an event is a small JSON text. An unreadable row counts as damage.
//!
//! Never here: SQL.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::history::error::StoreError;
use domain::event::{BanCause, Change, EventKind, FailedQuorum, Field};
use domain::masternode::{Duffs, Hash, Height, MasternodeId, NodeType, Outpoint, Score, UnixSeconds};

/// A value of ours as SQLite stores it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column<T>(pub(super) T);

impl ToSql for Column<Hash> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0.0)))
    }
}

impl FromSql for Column<Hash> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        bytes.try_into().map(|bytes| Column(Hash(bytes))).map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Column<Height> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.0))
    }
}

impl FromSql for Column<Height> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        u32::column_result(value).map(|height| Column(Height(height)))
    }
}

impl ToSql for Column<UnixSeconds> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        // The time in a block header has 32 bits.
        Ok(ToSqlOutput::from(i64::try_from(self.0.0).unwrap_or(i64::MAX)))
    }
}

impl FromSql for Column<UnixSeconds> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let seconds = value.as_i64()?;
        u64::try_from(seconds).map(|time| Column(UnixSeconds(time))).map_err(|_| FromSqlError::OutOfRange(seconds))
    }
}

impl ToSql for Column<MasternodeId> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let mut bytes = self.0.hash().0.to_vec();
        if let MasternodeId::Collateral(outpoint) = &self.0 {
            bytes.extend(outpoint.index.to_be_bytes());
        }
        Ok(ToSqlOutput::from(bytes))
    }
}

impl FromSql for Column<MasternodeId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let (hash, index) = value.as_blob()?.split_first_chunk().ok_or(FromSqlError::InvalidType)?;
        if index.is_empty() {
            return Ok(Column(MasternodeId::ProTx(Hash(*hash))));
        }
        let index = index.try_into().map(u32::from_be_bytes).map_err(|_| FromSqlError::InvalidType)?;
        Ok(Column(MasternodeId::Collateral(Outpoint { txid: Hash(*hash), index })))
    }
}

impl ToSql for Column<NodeType> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.label()))
    }
}

impl FromSql for Column<NodeType> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let label = value.as_str()?;
        let known = NodeType::ALL.into_iter().find(|node_type| node_type.label() == label);
        known.map(Column).ok_or(FromSqlError::InvalidType)
    }
}

#[derive(Serialize, Deserialize)]
struct PenaltyDetails {
    score: u32,
    points: u32,
    failures: u32,
    clamped: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quorums: Vec<QuorumDetails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct QuorumDetails {
    quorum_type: String,
    hash: String,
    height: u32,
    index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct PaymentDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    payees: Vec<(Box<str>, u64)>,
}

#[derive(Serialize, Deserialize, Default)]
struct ChangeDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Box<str>>,
}

#[derive(Serialize, Deserialize)]
struct BanDetails<C> {
    cause: C,
    #[serde(default)]
    among: u32,
}

#[derive(Serialize, Deserialize)]
struct StateDetails<T> {
    from: T,
    to: T,
}

/// The data of a kind other than its name.
pub(super) fn details(kind: &EventKind) -> String {
    match kind {
        EventKind::Penalty { score: Score(score), points, failures, clamped, quorums, others } => {
            let (score, points, failures, clamped, others) = (*score, *points, *failures, *clamped, *others);
            let quorums = quorums.iter().map(quorum_details).collect();
            to_json(&PenaltyDetails { score, points, failures, clamped, quorums, others })
        }
        EventKind::Ban { cause, among } => to_json(&BanDetails { cause: cause.label(), among: *among }),
        EventKind::State { from, to } => to_json(&StateDetails { from, to }),
        EventKind::Payment { amount, operator, payees } => {
            let payees = payees.iter().map(|(address, Duffs(amount))| (address.clone(), *amount)).collect();
            let duffs = |amount: &Option<Duffs>| amount.map(|Duffs(amount)| amount);
            to_json(&PaymentDetails { amount: duffs(amount), operator: duffs(operator), payees })
        }
        EventKind::Change(_, change) => {
            let (before, after) = change.as_ref().map(|change| (change.before.clone(), change.after.clone())).unzip();
            to_json(&ChangeDetails { before, after })
        }
        EventKind::Revival | EventKind::Registration | EventKind::Removal | EventKind::PaymentLost => "{}".to_string(),
    }
}

fn quorum_details(quorum: &FailedQuorum) -> QuorumDetails {
    QuorumDetails {
        quorum_type: quorum.quorum_type.to_string(),
        hash: quorum.hash.to_string(),
        height: quorum.height.0,
        index: quorum.index,
        others: quorum.others,
    }
}

fn quorum(details: QuorumDetails) -> Result<FailedQuorum, StoreError> {
    let hash = details.hash.parse();
    Ok(FailedQuorum {
        quorum_type: details.quorum_type.into(),
        hash: hash.map_err(|error| StoreError::Damaged(format!("an event has an invalid quorum hash: {error}")))?,
        height: Height(details.height),
        index: details.index,
        others: details.others,
    })
}

/// The kind of that name, with its data.
pub(super) fn kind(name: &str, details: &str) -> Result<EventKind, StoreError> {
    let unknown = |what: &str| StoreError::Damaged(format!("an event has the unknown {what}"));
    match name {
        "penalty" => {
            let PenaltyDetails { score, points, failures, clamped, quorums, others } = from_json(details)?;
            let quorums = quorums.into_iter().map(quorum).collect::<Result<_, _>>()?;
            return Ok(EventKind::Penalty { score: Score(score), points, failures, clamped, quorums, others });
        }
        "ban" => {
            let BanDetails::<String> { cause, among } = from_json(details)?;
            let known = BanCause::ALL.into_iter().find(|known| known.label() == cause);
            return known
                .map(|cause| EventKind::Ban { cause, among })
                .ok_or_else(|| unknown(&format!("cause {cause:?}")));
        }
        "payment" => {
            let PaymentDetails { amount, operator, payees } = from_json(details)?;
            let payees = payees.into_iter().map(|(address, amount)| (address, Duffs(amount))).collect();
            return Ok(EventKind::Payment { amount: amount.map(Duffs), operator: operator.map(Duffs), payees });
        }
        "state_change" => {
            let StateDetails::<String> { from, to } = from_json(details)?;
            return Ok(EventKind::State { from: from.into(), to: to.into() });
        }
        _ => {}
    }
    let plain = [EventKind::Revival, EventKind::Registration, EventKind::Removal, EventKind::PaymentLost];
    if let Some(kind) = plain.into_iter().find(|kind| kind.name() == name) {
        return Ok(kind);
    }
    let field = Field::ALL.into_iter().find(|field| EventKind::Change(*field, None).name() == name);
    let field = field.ok_or_else(|| unknown(&format!("kind {name:?}")))?;
    let ChangeDetails { before, after } = from_json(details)?;
    let change = before.zip(after).map(|(before, after)| Box::new(Change { before, after }));
    Ok(EventKind::Change(field, change))
}

/// Compact JSON of a value of ours.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and texts under fixed names can be written")
}

/// Reads what [`to_json`] wrote.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("{error} in {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tests::every_kind;

    #[test]
    fn every_kind_is_read_back_as_it_was_written() {
        for written in every_kind() {
            assert_eq!(kind(written.name(), &details(&written)).unwrap(), written);
        }
        let mut seen: Vec<_> = every_kind().iter().map(EventKind::name).collect();
        seen.dedup();
        assert_eq!(seen, EventKind::NAMES, "every name has a kind, and no two kinds share one");
    }

    #[test]
    fn what_an_event_carries_is_kept_under_names_that_never_change() {
        let penalty = EventKind::Penalty {
            score: Score(100),
            points: 58,
            failures: 1,
            clamped: true,
            quorums: vec![],
            others: Some(3),
        };
        assert_eq!(details(&penalty), r#"{"score":100,"points":58,"failures":1,"clamped":true,"others":3}"#);
        assert_eq!(
            details(&EventKind::Ban { cause: BanCause::KeyChanged, among: 9 }),
            r#"{"cause":"key_changed","among":9}"#
        );
        let payment = |amount, payees| details(&EventKind::Payment { amount, operator: None, payees });
        let operated = EventKind::Payment { amount: None, operator: Some(Duffs(0)), payees: vec![] };
        assert_eq!(details(&operated), r#"{"operator":0}"#);
        assert_eq!(payment(None, vec![]), "{}");
        assert_eq!(payment(Some(Duffs(77_050_000)), vec![]), r#"{"amount":77050000}"#);
        let parts = vec![("Xa".into(), Duffs(7)), ("Xb".into(), Duffs(3))];
        assert_eq!(payment(Some(Duffs(10)), parts), r#"{"amount":10,"payees":[["Xa",7],["Xb",3]]}"#);
        let change = Box::new(Change { before: "Xa".into(), after: "".into() });
        assert_eq!(details(&EventKind::Change(Field::Payout, Some(change))), r#"{"before":"Xa","after":""}"#);
        assert_eq!(kind("payout_change", "{}").unwrap(), EventKind::Change(Field::Payout, None), "a row of before");
        let old = kind("penalty", r#"{"score":100,"points":58,"failures":1,"clamped":true}"#).unwrap();
        assert!(matches!(old, EventKind::Penalty { others: None, .. }), "what was not noted is not known");
    }

    #[test]
    fn what_cannot_be_read_is_damage() {
        let cases = [("wedding", "{}"), ("ban", "{}"), ("ban", r#"{"cause":"bad luck"}"#), ("penalty", "{")];
        for (name, details) in cases {
            assert!(matches!(kind(name, details), Err(StoreError::Damaged(_))), "{name} {details}");
        }
    }

    #[test]
    fn an_identity_is_read_back_as_it_was_written() {
        let collateral = MasternodeId::Collateral(Outpoint { txid: Hash([7; 32]), index: 0x0102_0304 });
        for id in [MasternodeId::ProTx(Hash([9; 32])), collateral] {
            let written = Column(id);
            let ToSqlOutput::Owned(value) = written.to_sql().unwrap() else { panic!("a text of its own") };
            assert_eq!(Column::<MasternodeId>::column_result((&value).into()).unwrap().0, id);
        }
        assert!(Column::<MasternodeId>::column_result(ValueRef::Blob(&[0; 33])).is_err());
        assert!(Column::<Hash>::column_result(ValueRef::Blob(&[0; 31])).is_err());
    }
}
