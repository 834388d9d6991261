//! Evaluates every condition of every subject into one value, read by notifications, exposition, API and pages.
//!
//! Never here: pending durations; receivers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::condition::event_digest::EventDigest;
use crate::condition::life::NOT_ENABLED_HOLD_SECONDS;
use crate::condition::memory::Standing;
use crate::condition::pose::{BAN_HOLD_SECONDS, BANNED};
use crate::condition::{
    Catalogue, Condition, EvaluationInput, GroupContext, Memory, NetworkContext, NodeContext, QuorumTypeContext, Rule,
    Scope, SourceContext, ThresholdSettings, Verdict,
};
use crate::masternode::UnixSeconds;
use crate::network_state::{FRESH_SECONDS, NetworkState};
use crate::snapshot::{Snapshot, WatchedEntry};

/// One subject and its verdicts.
#[derive(Clone, Debug)]
pub struct EvaluatedSubject {
    /// Its kind.
    pub scope: Scope,
    /// Its labels, without `alertname` and `severity`; none is empty. An exporter has none here.
    pub labels: Arc<BTreeMap<String, String>>,
    /// End of the maintenance that mutes its alerts. `None`: not in maintenance.
    pub muted_until: Option<UnixSeconds>,
    /// Every condition that it can have, in the order of the catalogue.
    pub verdicts: Vec<(&'static Condition, Verdict)>,
}

impl EvaluatedSubject {
    /// Its network. `None` for the exporter and its receivers.
    pub fn network(&self) -> Option<&str> {
        self.labels.get("network").map(String::as_str)
    }

    /// Until when an alert of it is muted. `None` if it is not.
    pub fn muted(&self, condition: &Condition) -> Option<UnixSeconds> {
        self.muted_until.filter(|_| condition.mutable)
    }
}

/// The result of one evaluation.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Every known subject.
    pub subjects: Vec<EvaluatedSubject>,
    /// Networks with a fresh list that is not refuted: all their masternodes, groups and quorum types are among the subjects. Of other
    /// networks, the subjects are those of the last list, and their verdicts are unknown.
    pub complete: BTreeSet<Arc<str>>,
    /// Watched masternodes may be missing: the watch list could not be read as a whole.
    pub is_watch_list_partial: bool,
    /// All configured networks.
    pub networks: BTreeSet<Arc<str>>,
    /// The conditions that masternodes can have. One that is not among the verdicts of a masternode does not apply to it.
    pub of_masternodes: Vec<&'static Condition>,
}

impl Evaluation {
    /// Every condition that holds, with its subject, value and text.
    pub fn holding(&self) -> impl Iterator<Item = (&EvaluatedSubject, &'static Condition, f64, &str)> {
        self.subjects.iter().flat_map(|subject| {
            subject.verdicts.iter().filter_map(move |(condition, verdict)| match verdict {
                Verdict::Holds { value, text } => Some((subject, *condition, *value, text.as_str())),
                _ => None,
            })
        })
    }
}

/// Evaluates every condition. `memory` holds the facts of earlier evaluations.
pub fn evaluate(
    catalogue: &Catalogue,
    input: &EvaluationInput,
    thresholds: &ThresholdSettings,
    memory: &mut Memory,
) -> Evaluation {
    let now = input.now;
    let networks: BTreeSet<Arc<str>> = input.networks.iter().map(|state| state.network.clone()).collect();
    memory.retain(&networks);
    let of_masternodes =
        catalogue.conditions().filter(|condition| condition.alert.scope == Scope::Masternode).collect();
    let is_watch_list_partial = input.process.is_watch_list_partial;
    let mut evaluation = Evaluation { networks, of_masternodes, is_watch_list_partial, ..Evaluation::default() };
    for state in &input.networks {
        let remembered = memory.networks.entry(state.network.clone()).or_default();
        let limit = state.stale_after.as_secs().min(FRESH_SECONDS);
        let is_fresh = state.confirmed.is_some_and(|confirmed| confirmed.age(now).as_secs() <= limit);
        let fresh = state.snapshot.as_deref().filter(|_| is_fresh);
        remembered.note(state, fresh, &thresholds.general, now);
        let known = std::mem::take(&mut remembered.subjects);
        let context = NetworkContext {
            state,
            fresh,
            thresholds: &thresholds.general,
            now,
            jumped: input.jumped.contains(&state.network),
            events: fresh.map(|fresh| EventDigest::of(fresh, thresholds.general.recent_seconds)).unwrap_or_default(),
            memory: remembered,
            cycle: fresh.and_then(Snapshot::payment_cycle_blocks).unwrap_or(0),
        };
        let of_list = match fresh {
            // A refuted list may raise an alert. It resolves none.
            Some(snapshot) if snapshot.facts().list_proof.status.is_refuted() => {
                of_list(catalogue, &context, thresholds, snapshot).into_iter().map(without_all_clear).collect()
            }
            Some(snapshot) => {
                evaluation.complete.insert(state.network.clone());
                of_list(catalogue, &context, thresholds, snapshot)
            }
            None => known.into_iter().map(unknown).collect(),
        };
        evaluation.subjects.extend(of_list.iter().cloned());
        evaluation.subjects.push(of_network(catalogue, &context, &of_list));
        evaluation.subjects.extend(of_sources(catalogue, &context));
        remembered_subjects(memory, state, of_list);
    }
    evaluation.subjects.extend(of_process(catalogue, input));
    evaluation.subjects.retain(|subject| !subject.verdicts.is_empty());
    evaluation
}

fn remembered_subjects(memory: &mut Memory, state: &NetworkState, subjects: Vec<EvaluatedSubject>) {
    if let Some(network) = memory.networks.get_mut(&state.network) {
        network.subjects = subjects;
    }
}

fn unknown(mut subject: EvaluatedSubject) -> EvaluatedSubject {
    subject.verdicts.iter_mut().for_each(|(_, verdict)| *verdict = Verdict::Unknown);
    subject
}

fn without_all_clear(mut subject: EvaluatedSubject) -> EvaluatedSubject {
    let clear = |verdict: &&mut Verdict| matches!(verdict, Verdict::DoesNotHold | Verdict::Inapplicable);
    let verdicts = subject.verdicts.iter_mut().map(|(_, verdict)| verdict);
    verdicts.filter(clear).for_each(|verdict| *verdict = Verdict::Unknown);
    subject
}

fn verdicts(
    catalogue: &Catalogue,
    scope: Scope,
    of: impl Fn(&Condition) -> Option<Verdict>,
) -> Vec<(&'static Condition, Verdict)> {
    let conditions = catalogue.conditions().filter(|condition| condition.alert.scope == scope);
    let verdicts = conditions.filter_map(|condition| Some((condition, of(condition)?)));
    verdicts.filter(|(_, verdict)| *verdict != Verdict::Inapplicable).collect()
}

fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Arc<BTreeMap<String, String>> {
    let pairs = pairs.into_iter().filter(|(_, text)| !text.is_empty());
    Arc::new(pairs.map(|(name, text)| (name.to_string(), text.to_string())).collect())
}

fn subject(
    scope: Scope,
    labels: Arc<BTreeMap<String, String>>,
    verdicts: Vec<(&'static Condition, Verdict)>,
) -> EvaluatedSubject {
    EvaluatedSubject { scope, labels, muted_until: None, verdicts }
}

/// Masternodes, groups and quorum types, then the conditions of the network that need its list.
fn of_list(
    catalogue: &Catalogue,
    network: &NetworkContext<'_>,
    thresholds: &ThresholdSettings,
    snapshot: &Snapshot,
) -> Vec<EvaluatedSubject> {
    let of_watched = |watched| of_masternode(catalogue, network, thresholds, snapshot, watched);
    let mut subjects: Vec<EvaluatedSubject> = snapshot.watched().iter().map(of_watched).collect();
    let mut groups: BTreeMap<(&str, &str), Vec<&WatchedEntry>> = BTreeMap::new();
    for watched in snapshot.watched() {
        for (key, group) in &watched.watched.groups {
            groups.entry((key, group)).or_default().push(watched);
        }
    }
    for ((key, group), members) in groups {
        let thresholds = thresholds.of_group(key, group);
        let context = GroupContext { network, snapshot, key, group, members, thresholds };
        let of = |condition: &Condition| match condition.rule {
            Rule::Group(rule) => Some(rule(&context)),
            _ => None,
        };
        let labels = labels([("network", network.name()), ("group_key", key), ("group", group)]);
        subjects.push(subject(Scope::Group, labels, verdicts(catalogue, Scope::Group, of)));
    }
    for quorum_type in snapshot.quorum_types().unwrap_or_default() {
        let context = QuorumTypeContext { network, snapshot, quorum_type };
        let of = |condition: &Condition| match condition.rule {
            Rule::QuorumType(rule) => Some(rule(&context)),
            _ => None,
        };
        let labels = labels([("network", network.name()), ("quorum_type", quorum_type.name)]);
        subjects.push(subject(Scope::QuorumType, labels, verdicts(catalogue, Scope::QuorumType, of)));
    }
    let of = |condition: &Condition| match condition.rule {
        Rule::Network(rule) => Some(rule(network)),
        _ => None,
    };
    subjects.push(subject(
        Scope::Network,
        labels([("network", network.name())]),
        verdicts(catalogue, Scope::Network, of),
    ));
    subjects
}

fn of_masternode(
    catalogue: &Catalogue,
    network: &NetworkContext<'_>,
    thresholds: &ThresholdSettings,
    snapshot: &Snapshot,
    watched: &WatchedEntry,
) -> EvaluatedSubject {
    let target = &watched.watched;
    let view = watched.index.map(|index| snapshot.node(index));
    let probe = network.state.probes.as_ref().and_then(|probes| probes.get(&target.id));
    let thresholds = thresholds.of_masternode(target);
    let context = NodeContext { network, snapshot, watched, view, probe, thresholds };
    let of = |condition: &Condition| match condition.rule {
        Rule::Masternode(rule) => Some(until_reported(&context, condition, rule(&context))),
        _ => None,
    };
    let id = target.id.to_string();
    let node_type = context.view.as_ref().map_or("", |view| view.masternode.node_type.label());
    let own = [("network", network.name()), ("masternode", &id), ("alias", &target.alias), ("node_type", node_type)];
    let groups = target.groups.iter().map(|(key, group)| (key.as_str(), group.as_str()));
    EvaluatedSubject {
        muted_until: target.maintenance_until.filter(|until| *until > network.now.unix),
        ..subject(Scope::Masternode, labels(groups.chain(own)), verdicts(catalogue, Scope::Masternode, of))
    }
}

/// A verdict on a masternode that was just banned or is no longer paid. Until the alert about that fires, no other alert of it
/// ends, as if all were well in between.
fn until_reported(node: &NodeContext<'_>, condition: &Condition, verdict: Verdict) -> Verdict {
    let changed = |seconds| node.network.memory.new_standing(&node.watched.watched.id, seconds, node.network.now);
    let is_held = match (condition.alert.name, &verdict) {
        (BANNED, Verdict::DoesNotHold) => changed(NOT_ENABLED_HOLD_SECONDS) == Some(Standing::Unpaid),
        (BANNED, _) => false,
        (_, Verdict::DoesNotHold | Verdict::Inapplicable) => changed(BAN_HOLD_SECONDS) == Some(Standing::Banned),
        _ => false,
    };
    if is_held { Verdict::Unknown } else { verdict }
}

/// Conditions of a network that need no list. Those that follow from the list are unknown until a list was read.
fn of_network(catalogue: &Catalogue, network: &NetworkContext<'_>, of_list: &[EvaluatedSubject]) -> EvaluatedSubject {
    let has_list = of_list.iter().any(|subject| subject.scope == Scope::Network);
    let of = |condition: &Condition| match condition.rule {
        Rule::Reachability(rule) => Some(rule(network)),
        Rule::Network(_) if !has_list => Some(Verdict::Unknown),
        _ => None,
    };
    subject(Scope::Network, labels([("network", network.name())]), verdicts(catalogue, Scope::Network, of))
}

fn of_sources(catalogue: &Catalogue, network: &NetworkContext<'_>) -> Vec<EvaluatedSubject> {
    let of_source = |source| {
        let context = SourceContext { network, source };
        let of = |condition: &Condition| match condition.rule {
            Rule::Source(rule) => Some(rule(&context)),
            _ => None,
        };
        let labels = labels([("network", network.name()), ("source", &*context.source.name)]);
        subject(Scope::Source, labels, verdicts(catalogue, Scope::Source, of))
    };
    network.state.sources.iter().map(of_source).collect()
}

fn of_process(catalogue: &Catalogue, input: &EvaluationInput) -> Vec<EvaluatedSubject> {
    let of_receiver = |receiver| {
        let of = |condition: &Condition| match condition.rule {
            Rule::Receiver(rule) => Some(rule(receiver)),
            _ => None,
        };
        subject(Scope::Receiver, labels([("receiver", &*receiver.name)]), verdicts(catalogue, Scope::Receiver, of))
    };
    let of = |condition: &Condition| match condition.rule {
        Rule::Exporter(rule) => Some(rule(&input.process)),
        _ => None,
    };
    let own = subject(Scope::Exporter, labels([]), verdicts(catalogue, Scope::Exporter, of));
    input.process.receivers.iter().map(of_receiver).chain([own]).collect()
}
