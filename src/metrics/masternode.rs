//! Families of single masternodes, each with its value.
//!
//! Never here: arithmetic; a value is looked up and cast.

use crate::domain::details::Details;
use crate::domain::event::{BanCause, Field};
use crate::domain::snapshot::{NodeView, Snapshot, WatchedNode};
use crate::domain::tally::NodeTally;
use crate::domain::watch::Expected;
use crate::metrics::Settings;
use crate::metrics::catalog::{self, Family, Tier};
use crate::metrics::labels;
use crate::metrics::value::Value;

/// One masternode of a page.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Its place in the list; `None` when a watched masternode is not on it.
    pub(super) index: Option<u32>,
    pub(super) watched: Option<&'a WatchedNode>,
    pub(super) horizons: &'a [(String, u64)],
}

impl<'a> Row<'a> {
    /// Its entry in the list. Looked up by each family that needs it, as far as it needs it: there are very many rows.
    pub(super) fn node(&self) -> Option<NodeView<'a>> {
        Some(self.snapshot.node(self.index? as usize))
    }

    fn pose(&self) -> Option<crate::domain::PoseScore> {
        self.node()?.pose()
    }

    fn tally(&self) -> Option<&'a NodeTally> {
        self.watched.map(|watched| &watched.tally)
    }
}

/// One of the samples that a family has for each masternode.
pub(super) struct NodeSeries {
    pub(super) family: &'static Family,
    /// What a line begins with, up to the labels of the masternode.
    pub(super) prefix: String,
    /// Further labels, the same for all masternodes, up to the value; `None` where there are none.
    pub(super) suffix: Option<String>,
    /// For watched masternodes only.
    pub(super) watched_only: bool,
    /// Which of the family's samples it is.
    pub(super) variant: usize,
    pub(super) value: fn(&Row<'_>, usize) -> Option<Value>,
}

/// States of a masternode, of which one holds: the label `state`.
pub(super) const STATES: [&str; 3] = ["enabled", "pose_banned", "revoked"];

/// Which of [`STATES`] holds.
pub(super) fn state(banned: bool, details: &Details) -> usize {
    match (banned, details.operator_key_is_zero()) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// All samples of single masternodes, family by family, in the order of the page.
pub(super) fn series(settings: &Settings) -> Vec<NodeSeries> {
    let plain = SINGLE.iter().map(|(family, value)| NodeSeries {
        family,
        prefix: format!("{}{{", family.name),
        suffix: None,
        watched_only: family.tier == Tier::Watched,
        variant: 0,
        value: *value,
    });
    let horizons: Vec<&str> = settings.horizons.iter().map(|(label, _)| label.as_str()).collect();
    let mut series: Vec<NodeSeries> = plain.collect();
    series.extend(variants(&catalog::PAYMENT_PROBABILITY, "horizon", &horizons, |row, variant| {
        let (_, seconds) = &row.horizons[variant];
        Some(Value::Real(row.snapshot.payment_probability(&row.node()?, *seconds)))
    }));
    series.extend(variants(&catalog::STATE, "state", &STATES, |row, variant| {
        let masternode = row.node()?.masternode;
        Some((state(masternode.is_banned(), &masternode.details) == variant).into())
    }));
    series.extend(variants(&catalog::POSE_BANS, "cause", &BanCause::ALL.map(BanCause::label), |row, variant| {
        Some(Value::Whole(row.tally()?.bans[variant]))
    }));
    series.extend(variants(&catalog::CHANGES, "field", &Field::ALL.map(Field::label), |row, variant| {
        Some(Value::Whole(row.tally()?.changes[variant]))
    }));
    series.extend(variants(&catalog::EXPECTATION_MET, "field", &Expected::ALL.map(Expected::label), |row, variant| {
        let expected = &row.watched?.watched.expectations;
        let (field, value) = expected.iter().find(|(field, _)| *field == Expected::ALL[variant])?;
        Some(field.met_by(row.node()?.masternode, value).into())
    }));
    series
}

/// A family with one sample for each value of a label; the first of a lean family is for all, the others for watched.
fn variants(
    family: &'static Family,
    label: &str,
    values: &[&str],
    value: fn(&Row<'_>, usize) -> Option<Value>,
) -> Vec<NodeSeries> {
    let one = |(variant, text): (usize, &&str)| NodeSeries {
        family,
        prefix: format!("{}{{", family.name),
        suffix: Some(format!(",{}}} ", labels::text(&[(label, text)]))),
        watched_only: family.tier == Tier::Watched || variant > 0,
        variant,
        value,
    };
    values.iter().enumerate().map(one).collect()
}

/// A family with one sample for each masternode.
type Single = (&'static Family, fn(&Row<'_>, usize) -> Option<Value>);

const SINGLE: &[Single] = &[
    (&catalog::ENABLED, |row, _| Some((!row.node()?.masternode.is_banned()).into())),
    (&catalog::POSE_SCORE, |row, _| Some(row.pose()?.score().0.into())),
    (&catalog::POSE_BANNED, |row, _| Some(row.node()?.masternode.is_banned().into())),
    (&catalog::POSE_FAILURES_UNTIL_BAN, |row, _| Some(row.pose()?.failures_until_ban().into())),
    (&catalog::POSE_BLOCKS_UNTIL_SAFE, |row, _| Some(row.pose()?.blocks_until_safe()?.into())),
    (&catalog::PAYMENT_QUEUE_POSITION, |row, _| Some(row.node()?.queue_position?.get().into())),
    (&catalog::REGISTERED, |row, _| Some(row.index.is_some().into())),
    (&catalog::POSE_BLOCKS_UNTIL_BELOW_TWO_THIRDS, |row, _| Some(row.pose()?.blocks_until_below_two_thirds()?.into())),
    (&catalog::POSE_BLOCKS_UNTIL_CLEAR, |row, _| Some(row.pose()?.blocks_until_clear()?.into())),
    (&catalog::POSE_SAFE_HEIGHT, |row, _| Some(row.pose()?.safe_height()?.0.into())),
    (&catalog::POSE_CLEAR_HEIGHT, |row, _| Some(row.pose()?.clear_height()?.0.into())),
    (&catalog::POSE_BAN_HEIGHT, |row, _| Some(row.node()?.masternode.ban_height?.0.into())),
    (&catalog::POSE_REVIVED_HEIGHT, |row, _| Some(row.node()?.masternode.revived_height?.0.into())),
    (&catalog::POSE_LAST_PENALTY_HEIGHT, |row, _| Some(row.tally()?.last_penalty_height?.0.into())),
    (&catalog::POSE_TIME_TO_BAN_IF_OFFLINE, |row, _| {
        Some(Value::Real(row.snapshot.seconds_to_ban_if_offline(&row.node()?)?.round()))
    }),
    (&catalog::POSE_PENALTIES, |row, _| Some(Value::Whole(row.tally()?.penalties))),
    (&catalog::POSE_REVIVALS, |row, _| Some(Value::Whole(row.tally()?.revivals))),
    (&catalog::DKG_SESSIONS_PER_DAY, |row, _| {
        Some(Value::Real(row.snapshot.sessions_per_day(row.node()?.masternode.node_type)))
    }),
    (&catalog::PAYMENT_PROJECTED_HEIGHT, |row, _| Some(row.snapshot.projected_payment(&row.node()?)?.0.into())),
    (&catalog::PAYMENT_LAST_HEIGHT, |row, _| Some(row.node()?.masternode.last_paid_height?.0.into())),
    (&catalog::PAYMENTS, |row, _| Some(Value::Whole(row.tally()?.payments))),
    (&catalog::PAYMENTS_LOST, |row, _| Some(Value::Whole(row.tally()?.payments_lost))),
    (&catalog::PEER_LAST_SUCCESS, |row, _| Some(Value::Whole(row.node()?.masternode.peer.last_success()?.0))),
    (&catalog::PLATFORM_BANNED, |row, _| {
        let masternode = row.node()?.masternode;
        let evo = masternode.node_type == crate::domain::NodeType::Evo;
        Some(masternode.peer.platform_banned().filter(|_| evo)?.into())
    }),
];
