//! The families of alerts: every condition as 1, 0, unknown, inapplicable or absent, and the text of those that hold.
//!
//! Their source is an evaluation, which changes with time as well as with blocks. So they are at the end of the page,
//! and are rendered once for each evaluation that is scraped.
//!
//! Never here: evaluation of conditions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::catalog::Family;
use crate::catalog::alerts::{
    CONDITION, CONDITION_INAPPLICABLE, CONDITION_UNKNOWN, EVALUATED, FAMILIES, SUBJECT, TEXT,
};
use crate::metrics::labels;
use crate::metrics::metadata::head;
use crate::metrics::page::{Filter, Format};
use domain::condition::{EvaluatedSubject, Evaluation, Scope, Verdict};

/// An evaluation and its page.
type Rendered = (Arc<Evaluation>, Bytes);

/// Renders the newest evaluation.
#[derive(Default)]
pub(super) struct Conditions {
    newest: Mutex<Option<watch::Receiver<Arc<Evaluation>>>>,
    rendered: Mutex<[Option<Rendered>; 2]>,
}

impl Conditions {
    /// Sets the source of evaluations.
    pub(super) fn read_from(&self, evaluations: watch::Receiver<Arc<Evaluation>>) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(evaluations);
    }

    /// The families that match a filter.
    pub(super) fn page(&self, format: Format, filter: &Filter) -> Bytes {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(evaluation) = newest.as_ref().map(|newest| newest.borrow().clone()) else { return Bytes::new() };
        drop(newest);
        if !filter.is_empty() {
            return render(&evaluation, format, filter);
        }
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut rendered[format as usize];
        match place {
            Some((known, text)) if Arc::ptr_eq(known, &evaluation) => text.clone(),
            _ => {
                let text = render(&evaluation, format, filter);
                *place = Some((evaluation, text.clone()));
                text
            }
        }
    }
}

fn render(evaluation: &Evaluation, format: Format, filter: &Filter) -> Bytes {
    let mut out = Vec::new();
    // Like networks and groups, they are only on the first shard.
    if filter.shard.is_some_and(|shard| shard.index > 0) {
        return Bytes::new();
    }
    let subjects: Vec<(&_, Vec<u8>)> =
        evaluation.subjects.iter().filter(|subject| is_shown(subject, filter)).map(labelled).collect();
    for family in FAMILIES.iter().filter(|family| filter.shows(family)) {
        head(family, format, &mut out);
        match family.name {
            name if name == EVALUATED.name => evaluation.complete.iter().for_each(|network| {
                begin(family, &mut out);
                labels::write(&mut out, "network", network);
                out.extend_from_slice(ONE);
            }),
            name if name == SUBJECT.name => {
                for (_, labels) in subjects.iter().filter(|(subject, _)| is_evaluated(evaluation, subject)) {
                    begin(family, &mut out);
                    // The first byte is a comma.
                    out.extend_from_slice(&labels[1..]);
                    out.extend_from_slice(ONE);
                }
            }
            // Counts of all masternodes.
            name if name == CONDITION_INAPPLICABLE.name && filter.groups.is_empty() => {
                inapplicable(evaluation, &mut out)
            }
            name if name == CONDITION_INAPPLICABLE.name => {}
            name => {
                // The text about a network or a source may name another masternode.
                let says = |subject: &EvaluatedSubject| {
                    name != TEXT.name || filter.groups.is_empty() || subject.scope == Scope::Masternode
                };
                for (subject, labels) in subjects.iter().filter(|(subject, _)| says(subject)) {
                    conditions(family, subject, labels, &mut out);
                }
            }
        }
    }
    out.into()
}

fn labelled(subject: &EvaluatedSubject) -> (&EvaluatedSubject, Vec<u8>) {
    (subject, subject_labels(&subject.labels))
}

/// Whether the groups of a filter may see a subject.
fn is_shown(subject: &EvaluatedSubject, filter: &Filter) -> bool {
    let label = |name: &str| subject.labels.get(name).map_or("", String::as_str);
    match subject.scope {
        _ if filter.groups.is_empty() => true,
        Scope::Masternode => filter.fits(Some(&subject.labels)),
        Scope::Group => filter.has_group(&["group_key", "group"].map(|name| (name, label(name)))),
        Scope::Receiver | Scope::Exporter => false,
        Scope::Network | Scope::QuorumType | Scope::Source => true,
    }
}

/// The conditions of a subject that belong to a family.
fn conditions(family: &Family, subject: &EvaluatedSubject, subject_labels: &[u8], out: &mut Vec<u8>) {
    for (condition, verdict) in &subject.verdicts {
        let Some((value, text)) = sample(family, subject.scope, verdict) else { continue };
        begin(family, out);
        labels::write(out, "alertname", condition.alert.name);
        out.push(b',');
        labels::write(out, "severity", condition.alert.severity.label());
        out.extend_from_slice(subject_labels);
        if let Some(text) = text {
            out.push(b',');
            labels::write(out, "text", text);
        }
        out.extend_from_slice(value);
    }
}

/// Whether a subject is a watched masternode that was evaluated with a fresh list.
fn is_evaluated(evaluation: &Evaluation, subject: &EvaluatedSubject) -> bool {
    subject.scope == Scope::Masternode && subject.network().is_some_and(|network| evaluation.complete.contains(network))
}

/// The number of evaluated masternodes without each condition that some masternode has or could have.
fn inapplicable(evaluation: &Evaluation, out: &mut Vec<u8>) {
    let mut sizes: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut judged: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for subject in evaluation.subjects.iter().filter(|subject| is_evaluated(evaluation, subject)) {
        let node_type = subject.labels.get("node_type").map_or("", String::as_str);
        let kind = (subject.network().unwrap_or_default(), node_type);
        *sizes.entry(kind).or_default() += 1;
        for (condition, _) in &subject.verdicts {
            *judged.entry((kind.0, kind.1, condition.alert.name)).or_default() += 1;
        }
    }
    for ((network, node_type), size) in sizes {
        for condition in evaluation.of_masternodes.iter() {
            let alert = &condition.alert;
            let without = size - judged.get(&(network, node_type, alert.name)).copied().unwrap_or(0);
            if without == 0 {
                continue;
            }
            begin(&CONDITION_INAPPLICABLE, out);
            labels::write(out, "alertname", alert.name);
            let of_subjects = [("severity", alert.severity.label()), ("network", network), ("node_type", node_type)];
            for (name, value) in of_subjects.into_iter().filter(|(_, value)| !value.is_empty()) {
                out.push(b',');
                labels::write(out, name, value);
            }
            out.extend_from_slice(format!("}} {without}\n").as_bytes());
        }
    }
}

fn begin(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(family.name.as_bytes());
    out.push(b'{');
}

/// The labels of a subject, each after a comma.
fn subject_labels(labels: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels {
        out.push(b',');
        labels::write(&mut out, name, value);
    }
    out
}

const ONE: &[u8] = b"} 1\n";

/// The end of a sample of a family, and its text; `None` if the family has none for a verdict. Thousands of masternodes
/// have the same conditions that do not hold: one series for each masternode stands for them.
fn sample<'a>(family: &Family, scope: Scope, verdict: &'a Verdict) -> Option<(&'static [u8], Option<&'a str>)> {
    match verdict {
        Verdict::Holds { .. } if family.name == CONDITION.name => Some((ONE, None)),
        Verdict::Holds { text, .. } if family.name == TEXT.name => Some((ONE, Some(text))),
        Verdict::DoesNotHold if family.name == CONDITION.name && scope != Scope::Masternode => Some((b"} 0\n", None)),
        Verdict::Unknown if family.name == CONDITION_UNKNOWN.name => Some((ONE, None)),
        _ => None,
    }
}
