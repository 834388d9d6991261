//! Families of single masternodes, each with its value.
//!
//! Never here: calculations; values are only read and converted.

use std::borrow::Cow;

use crate::catalog::{self, Family, Tier};
use crate::metrics::MetricsSettings;
use crate::metrics::labels;
use crate::metrics::payees;
use crate::metrics::probe;
use crate::metrics::sessions;
use crate::metrics::value::Value;
use domain::chain::{ChainRules, PastPayments};
use domain::counters::NodeCounters;
use domain::duty::{self, Duty};
use domain::event::{BanCause, Field};
use domain::payment::{Certainty, PaymentCooldown, PaymentModel, Pool};
use domain::probe::Probes;
use domain::snapshot::{NodeView, Snapshot, WatchedEntry};
use domain::state::Announced;
use domain::watch::WatchField;

/// One masternode of a page.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Its index in the list; `None` if a watched masternode is not in the list.
    pub(super) index: Option<u32>,
    pub(super) watched: Option<&'a WatchedEntry>,
    pub(super) horizons: &'a [(String, u64)],
    /// The states of all networks on the page, each by its index on its chain; `None` if the chain does not have it.
    pub(super) states: &'a [Option<usize>],
    /// Results of the probes of its network.
    pub(super) probes: Option<&'a Probes>,
    /// The quorum types of all networks on the page.
    pub(super) quorum_types: &'a [&'static str],
}

impl<'a> Row<'a> {
    /// Its entry in the list. Each family looks it up only if needed: there are very many rows.
    pub(super) fn node(&self) -> Option<NodeView<'a>> {
        Some(self.snapshot.node(self.index? as usize))
    }

    fn pose(&self) -> Option<domain::PoseScore> {
        self.node()?.pose()
    }

    /// Facts that only older chains report.
    fn announced(&self) -> Option<&'a Announced> {
        self.node()?.masternode.announced.as_deref()
    }

    /// Payment facts of a chain that draws the payee from a pool.
    fn pool(&self) -> Option<&'a Pool> {
        self.snapshot.payments().pool()
    }

    fn hold_out(&self) -> Option<PaymentCooldown> {
        self.pool()?.hold_out(self.node()?.masternode, self.snapshot.facts())
    }

    fn next_seat(&self) -> Option<Duty> {
        self.snapshot.duties_ahead(&self.node()?)?.into_iter().find(Duty::is_known)
    }

    fn tally(&self) -> Option<&'a NodeCounters> {
        self.watched.map(|watched| &watched.tally)
    }
}

/// One of the samples of a family for each masternode.
pub(super) struct NodeSeries {
    pub(super) family: &'static Family,
    /// The beginning of a line, up to the labels of the masternode.
    pub(super) prefix: String,
    /// Labels after those.
    pub(super) last: TrailingLabels,
    /// For watched masternodes only.
    pub(super) watched_only: bool,
    /// The index of the sample within the family.
    pub(super) variant: usize,
    /// Whether masternodes of a chain have it.
    pub(super) applies: fn(&ChainRules) -> bool,
    pub(super) value: fn(&Row<'_>, usize) -> Option<Value>,
}

/// Labels of a sample after those that identify the masternode.
pub(super) enum TrailingLabels {
    /// None.
    None,
    /// The same for all masternodes, including the end of the labels.
    Same(String),
    /// A label whose value differs between masternodes: its name, and its lookup by variant.
    Own(&'static str, for<'a> fn(&Row<'a>, usize) -> Option<Cow<'a, str>>),
}

/// All samples of single masternodes, family by family, in the order of the page. `states` are those of all its
/// networks, `most_payees` is the maximum number of payees of a watched masternode.
pub(super) fn series(
    settings: &MetricsSettings,
    states: &[String],
    quorum_types: &[&'static str],
    most_payees: usize,
) -> Vec<NodeSeries> {
    let horizons: Vec<&str> = settings.horizons.iter().map(|(label, _)| label.as_str()).collect();
    let mut series: Vec<NodeSeries> = single(SINGLE, |_| true).collect();
    series.extend(single(COUNTED, |rules| rules.past_payments != PastPayments::Hidden));
    series.extend(single(PAID, |rules| rules.past_payments == PastPayments::Shown));
    series.extend(single(SCORED, |rules| rules.penalty.is_some()));
    series.extend(single(PINGED, |rules| rules.ping.is_some()));
    series.extend(single(DRAWN, elects));
    let certainties = ELECTED.map(Certainty::label);
    let elected = variants(&catalog::PAYMENT_ELECTED_HEIGHT, "certainty", &certainties, |row, variant| {
        let elections = row.snapshot.payments().elections();
        Some(elections.elected_height(row.node()?.index, ELECTED[variant])?.0.into())
    });
    series.extend(elected.into_iter().map(|series| NodeSeries { applies: elects, ..series }));
    series.extend(variants(&catalog::PAYMENT_PROBABILITY, "horizon", &horizons, |row, variant| {
        let (_, seconds) = &row.horizons[variant];
        Some(Value::Real(row.snapshot.payment_probability(&row.node()?, *seconds)?))
    }));
    let states: Vec<&str> = states.iter().map(String::as_str).collect();
    series.extend(variants(&catalog::STATE, "state", &states, |row, variant| {
        let state = row.states[variant]?;
        Some((row.node()?.state == state).into())
    }));
    series.extend(variants(&catalog::POSE_BANS, "cause", &BanCause::ALL.map(BanCause::label), |row, variant| {
        // Without a score, causes cannot be distinguished.
        let known = row.snapshot.limits().is_some() || BanCause::ALL[variant] == BanCause::Unknown;
        Some(Value::Whole(row.tally().filter(|_| known)?.bans[variant]))
    }));
    series.extend(memberships(quorum_types));
    series.extend(variants(&catalog::DKG_SEAT, "quorum_type", quorum_types, |row, variant| {
        let masternode = row.node()?.masternode;
        let types = row.snapshot.quorum_types()?;
        let kind = types.iter().find(|kind| kind.name == row.quorum_types[variant])?;
        // A masternode that can never be a member for a type has no sample.
        let draw = row.snapshot.draw(&masternode.id, kind).filter(|_| kind.draws(masternode.node_type))?;
        Some(draw.seated.into())
    }));
    let amounts = variants(&catalog::PAYMENT_AMOUNT, "recipient", &RECIPIENTS, |row, variant| {
        let earned = &row.tally()?.earned;
        Some(Value::Coins(if variant == 0 { earned.owner()? } else { earned.operator()? }))
    });
    let shown: fn(&ChainRules) -> bool = |rules| rules.past_payments == PastPayments::Shown;
    series.extend(amounts.into_iter().map(|series| NodeSeries { applies: shown, ..series }));
    series.extend(variants(&catalog::CHANGES, "field", &Field::ALL.map(Field::label), |row, variant| {
        Some(Value::Whole(row.tally()?.changes[variant]))
    }));
    series.extend(variants(
        &catalog::EXPECTATION_MET,
        "field",
        &WatchField::ALL.map(WatchField::label),
        |row, variant| {
            let expected = &row.watched?.watched.expectations;
            let (field, value) = expected.iter().find(|(field, _)| *field == WatchField::ALL[variant])?;
            Some(field.met_by(row.node()?.masternode, value)?.into())
        },
    ));
    series.extend(single(sessions::SESSIONS, |rules| rules.has_dkg));
    series.extend(probe::series(settings.probed));
    series.extend(payees::series(most_payees));
    series
}

/// The states of these chains without duplicates.
pub(super) fn states<'a>(chains: impl IntoIterator<Item = &'a ChainRules>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for state in chains.into_iter().flat_map(|rules| rules.states.iter()) {
        if !labels.iter().any(|label| *label == state.label) {
            labels.push(state.label.to_string());
        }
    }
    labels
}

/// The index of each of these states on a chain.
pub(super) fn indices(labels: &[String], rules: &ChainRules) -> Vec<Option<usize>> {
    labels.iter().map(|label| rules.states.iter().position(|state| state.label == *label)).collect()
}

/// The quorum types of these networks without duplicates.
pub(super) fn quorum_types<'a>(networks: impl IntoIterator<Item = &'a Snapshot>) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for kind in networks.into_iter().filter_map(Snapshot::quorum_types).flatten() {
        if !names.contains(&kind.name) {
            names.push(kind.name);
        }
    }
    names
}

/// Memberships by quorum type and result: the variant is twice the index of the type, plus one for invalid ones.
fn memberships(quorum_types: &[&'static str]) -> impl Iterator<Item = NodeSeries> {
    let family = &catalog::DKG_MEMBERSHIPS;
    (0..quorum_types.len() * 2).map(move |variant| {
        let result = ["valid", "invalid"][variant % 2];
        let labels = labels::text(&[("quorum_type", quorum_types[variant / 2]), ("result", result)]);
        NodeSeries {
            family,
            prefix: format!("{}{{", family.name),
            last: TrailingLabels::Same(format!(",{labels}}} ")),
            watched_only: true,
            variant,
            applies: |rules| rules.has_dkg,
            value: |row, variant| {
                let seats = row.snapshot.memberships(row.watched?, row.quorum_types[variant / 2])?;
                Some(Value::Whole(if variant % 2 == 0 { seats.valid } else { seats.invalid }))
            },
        }
    })
}

/// Families with one sample for each masternode, on the chains for which `applies` is true.
pub(super) fn single(
    families: &'static [ScalarFamily],
    applies: fn(&ChainRules) -> bool,
) -> impl Iterator<Item = NodeSeries> {
    families.iter().map(move |(family, value)| NodeSeries {
        family,
        prefix: format!("{}{{", family.name),
        last: TrailingLabels::None,
        watched_only: family.tier == Tier::Watched,
        variant: 0,
        applies,
        value: *value,
    })
}

/// A family with one sample for each value of a label; the first of a lean family exists for all, the others for
/// watched masternodes.
fn variants(
    family: &'static Family,
    label: &str,
    values: &[&str],
    value: fn(&Row<'_>, usize) -> Option<Value>,
) -> Vec<NodeSeries> {
    let one = |(variant, text): (usize, &&str)| NodeSeries {
        family,
        prefix: format!("{}{{", family.name),
        last: TrailingLabels::Same(format!(",{}}} ", labels::text(&[(label, text)]))),
        watched_only: family.tier == Tier::Watched || variant > 0,
        variant,
        applies: |_| true,
        value,
    };
    values.iter().enumerate().map(one).collect()
}

/// A family with one sample for each masternode.
pub(super) type ScalarFamily = (&'static Family, fn(&Row<'_>, usize) -> Option<Value>);

/// On all chains.
const SINGLE: &[ScalarFamily] = &[
    (&catalog::ENABLED, |row, _| Some(row.node()?.masternode.is_payable().into())),
    (&catalog::POSE_BANNED, |row, _| {
        Some(row.node()?.masternode).filter(|node| node.is_ban_known()).map(|node| node.is_banned().into())
    }),
    (&catalog::PAYMENT_QUEUE_POSITION, |row, _| Some(row.node()?.queue_position?.get().into())),
    (&catalog::REGISTERED, |row, _| Some(row.index.is_some().into())),
    (&catalog::POSE_REVIVALS, |row, _| Some(Value::Whole(row.tally()?.revivals))),
    (&catalog::MAINTENANCE, |row, _| {
        let until = row.watched?.watched.maintenance_until;
        Some(until.is_some_and(|until| until > row.snapshot.read_at()).into())
    }),
    (&catalog::PAYMENT_LAST_TIMESTAMP, |row, _| Some(Value::Whole(row.snapshot.last_paid_at(row.watched?)?.0))),
    (&catalog::MAINTENANCE_UNTIL, |row, _| Some(Value::Whole(row.watched?.watched.maintenance_until?.0))),
];

/// Chains that elect the payee.
fn elects(rules: &ChainRules) -> bool {
    !matches!(rules.payment, PaymentModel::Queue { .. })
}

/// How sure an elected payee is, apart from votes, which have their own families.
const ELECTED: [Certainty; 2] = [Certainty::Exact, Certainty::Forecast];

/// On chains whose payments can be counted.
const COUNTED: &[ScalarFamily] = &[(&catalog::PAYMENTS, |row, _| {
    let (rules, facts) = (row.snapshot.rules(), row.snapshot.facts());
    let is_counted = rules.past_payments == PastPayments::Shown || facts.tells_payees;
    Some(Value::Whole(row.tally().filter(|_| is_counted)?.earned.payments))
})];

/// The owner's and the operator's part of payments.
const RECIPIENTS: [&str; 2] = ["owner", "operator"];

/// On chains that show the payee.
const PAID: &[ScalarFamily] = &[
    (&catalog::PAYMENTS_LOST, |row, _| Some(Value::Whole(row.tally()?.payments_lost))),
    (&catalog::PAYMENT_LAST_HEIGHT, |row, _| Some(row.node()?.masternode.last_paid_height?.0.into())),
    (&catalog::PAYMENTS_WITHOUT_AMOUNT, |row, _| Some(Value::Whole(row.tally()?.earned.without_amount()))),
];

/// On chains whose RPC shows a score: those with a deterministic list.
const SCORED: &[ScalarFamily] = &[
    (&catalog::POSE_SCORE, |row, _| Some(row.pose()?.score().0.into())),
    (&catalog::POSE_FAILURES_UNTIL_BAN, |row, _| Some(row.pose()?.failures_until_ban().into())),
    (&catalog::POSE_BLOCKS_UNTIL_SAFE, |row, _| Some(row.pose()?.blocks_until_safe()?.into())),
    (&catalog::POSE_BLOCKS_UNTIL_BELOW_TWO_THIRDS, |row, _| Some(row.pose()?.blocks_until_below_two_thirds()?.into())),
    (&catalog::POSE_BLOCKS_UNTIL_CLEAR, |row, _| Some(row.pose()?.blocks_until_clear()?.into())),
    (&catalog::POSE_SAFE_HEIGHT, |row, _| Some(row.pose()?.safe_height()?.0.into())),
    (&catalog::POSE_SAFE_TIMESTAMP, |row, _| Some(Value::Whole(row.snapshot.safe_at(&row.node()?)?.0))),
    (&catalog::POSE_CLEAR_HEIGHT, |row, _| Some(row.pose()?.clear_height()?.0.into())),
    (&catalog::POSE_BAN_HEIGHT, |row, _| Some(row.node()?.masternode.ban_height?.0.into())),
    (&catalog::POSE_BAN_LOST_AMOUNT, |row, _| Some(Value::Coins(row.snapshot.lost_by_ban(row.node()?.masternode)?))),
    (&catalog::POSE_REVIVED_HEIGHT, |row, _| Some(row.node()?.masternode.revived_height?.0.into())),
    (&catalog::POSE_LAST_PENALTY_HEIGHT, |row, _| Some(row.tally()?.last_penalty_height?.0.into())),
    (&catalog::POSE_TIME_TO_BAN_IF_OFFLINE, |row, _| {
        Some(Value::Real(row.snapshot.seconds_to_ban_if_offline(&row.node()?)?.round()))
    }),
    (&catalog::POSE_TEST_PROBABILITY, |row, _| {
        Some(Value::Real(row.snapshot.chance_of_test_before_safe(&row.node()?)?))
    }),
    (&catalog::POSE_PENALTIES, |row, _| Some(Value::Whole(row.tally()?.penalties))),
    (&catalog::DKG_SESSIONS_PER_DAY, |row, _| {
        Some(Value::Real(row.snapshot.sessions_per_day(row.node()?.masternode.node_type)?))
    }),
    (&catalog::DKG_NEXT_SEAT_HEIGHT, |row, _| Some(row.next_seat()?.start.0.into())),
    (&catalog::DKG_NEXT_SEAT_DUE_HEIGHT, |row, _| Some(row.next_seat()?.due.0.into())),
    (&catalog::DKG_DOUBLE_SEAT_HEIGHT, |row, _| {
        Some(duty::double_seat(&row.snapshot.duties_ahead(&row.node()?)?)?.0.into())
    }),
    (&catalog::POSE_OFFLINE_PENALTY_HEIGHT, |row, _| {
        Some(row.snapshot.offline_outlook(&row.node()?)?.penalty.exact()?.0.into())
    }),
    (&catalog::POSE_OFFLINE_BAN_HEIGHT, |row, _| {
        Some(row.snapshot.offline_outlook(&row.node()?)?.ban.exact()?.0.into())
    }),
    (&catalog::PAYMENT_PROJECTED_HEIGHT, |row, _| {
        Some(row.snapshot.payments().projected_height(row.node()?.index)?.0.into())
    }),
    (&catalog::PAYMENT_PROJECTED_TIMESTAMP, |row, _| {
        let (snapshot, height) = (row.snapshot, row.snapshot.payments().projected_height(row.node()?.index)?);
        Some(Value::Whole(snapshot.facts().expected_at(height, snapshot.block(), snapshot.rules())?.0))
    }),
    (&catalog::PAYMENT_OVERDUE_BLOCKS, |row, _| Some(row.snapshot.payment_overdue_blocks(&row.node()?)?.into())),
    (&catalog::PEER_LAST_SUCCESS, |row, _| Some(Value::Whole(row.node()?.masternode.peer.last_success()?.0))),
    (&catalog::PLATFORM_BANNED, |row, _| {
        let masternode = row.node()?.masternode;
        let evo = masternode.node_type == domain::NodeType::Evo;
        Some(masternode.peer.platform_banned().filter(|_| evo)?.into())
    }),
];

/// On chains with masternode pings.
const PINGED: &[ScalarFamily] = &[
    (&catalog::POSE_BAN_END_HEIGHT, |row, _| Some(row.snapshot.ban_end(row.watched?)?.0.into())),
    (&catalog::LAST_SEEN, |row, _| Some(Value::Whole(row.announced()?.last_seen?.0))),
    (&catalog::ACTIVE_SECONDS, |row, _| Some(Value::Whole(row.announced()?.active_seconds()?))),
];

/// On chains that draw the payee at random.
const DRAWN: &[ScalarFamily] = &[
    (&catalog::PAYMENT_POOL_MEMBER, |row, _| Some(row.pool()?.has(row.node()?.index).into())),
    (&catalog::PAYMENT_DRAW_PROBABILITY, |row, _| {
        let node = row.node()?;
        Some(Value::Real(row.snapshot.payments().draw_probability(node.index, node.masternode)?))
    }),
    (&catalog::PAYMENT_SCHEDULED_HEIGHT, |row, _| Some(row.pool()?.scheduled(row.node()?.index)?.height.0.into())),
    (&catalog::PAYMENT_SCHEDULED_VOTES, |row, _| Some(row.pool()?.scheduled(row.node()?.index)?.votes.into())),
    (&catalog::PAYMENT_HELD_OUT_SECONDS, |row, _| Some(Value::Whole(row.hold_out()?.seconds))),
    (&catalog::PAYMENT_HELD_OUT_BLOCKS, |row, _| Some(row.hold_out()?.blocks?.into())),
];
