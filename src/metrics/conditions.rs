//! The families of alerts: every condition as 1, 0, unknown or absent, and the text of those that hold.
//!
//! Their source is an evaluation, which changes with time as well as with blocks. So they are at the end of the page,
//! and are rendered once for each evaluation that is scraped.
//!
//! Never here: evaluation of conditions.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::catalog::Family;
use crate::catalog::alerts::{CONDITION, CONDITION_UNKNOWN, EVALUATED, FAMILIES, TEXT};
use crate::metrics::labels;
use crate::metrics::metadata::head;
use crate::metrics::page::{Filter, Format};
use domain::condition::{Evaluation, Verdict};

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
        evaluation.subjects.iter().map(|subject| (subject, subject_labels(&subject.labels))).collect();
    for family in FAMILIES.iter().filter(|family| filter.shows(family)) {
        head(family, format, &mut out);
        if family.name == EVALUATED.name {
            for network in &evaluation.complete {
                begin(family, &mut out);
                labels::write(&mut out, "network", network);
                out.extend_from_slice(b"} 1\n");
            }
            continue;
        }
        for (subject, subject_labels) in &subjects {
            for (condition, verdict) in &subject.verdicts {
                let Some((value, text)) = sample(family, verdict) else { continue };
                begin(family, &mut out);
                labels::write(&mut out, "alertname", condition.alert.name);
                out.push(b',');
                labels::write(&mut out, "severity", condition.alert.severity.label());
                out.extend_from_slice(subject_labels);
                if let Some(text) = text {
                    out.push(b',');
                    labels::write(&mut out, "text", text);
                }
                out.extend_from_slice(value);
            }
        }
    }
    out.into()
}

fn begin(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(family.name.as_bytes());
    out.push(b'{');
}

/// The labels of a subject, each after a comma.
fn subject_labels(labels: &std::collections::BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels {
        out.push(b',');
        labels::write(&mut out, name, value);
    }
    out
}

/// The end of a sample of a family, and its text; `None` if the family has none for a verdict.
fn sample<'a>(family: &Family, verdict: &'a Verdict) -> Option<(&'static [u8], Option<&'a str>)> {
    const ONE: &[u8] = b"} 1\n";
    match verdict {
        Verdict::Holds { .. } if family.name == CONDITION.name => Some((ONE, None)),
        Verdict::Holds { text, .. } if family.name == TEXT.name => Some((ONE, Some(text))),
        Verdict::DoesNotHold if family.name == CONDITION.name => Some((b"} 0\n", None)),
        Verdict::Unknown if family.name == CONDITION_UNKNOWN.name => Some((ONE, None)),
        _ => None,
    }
}
