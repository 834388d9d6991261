//! Deserialises the sections of a configuration as far as they are valid: serde stops at the first error, so each error
//! is recorded, its value is removed, and the rest is read again.
//!
//! Never here: the meaning of a key; checks of one key against another.

use ::config::{Value, ValueKind};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::config::mistakes::{Mistakes, Place};
use crate::config::value::{Fault, Input};

/// Most errors that are reported. The same unknown key in many entries of a list counts once.
const MOST_MISTAKES: usize = 100;

/// One step of the path to a value.
enum Step {
    Key(String),
    Index(usize),
}

/// Reads `root`. Invalid values are recorded and removed, so that their defaults apply.
pub(super) fn read<T: DeserializeOwned + Default>(root: &Value, mistakes: &Mistakes) -> T {
    let place = Place::root(root, mistakes);
    refuse_empty_elements(&place);
    let mut rest = root.clone();
    for _ in 0..MOST_MISTAKES {
        let error = match serde_path_to_error::deserialize::<_, T>(Input(&rest)) {
            Ok(read) => return read,
            Err(error) => error,
        };
        let steps = steps(error.path());
        let fault = error.into_inner();
        if steps.is_empty() {
            place.error(fault);
            return T::default();
        }
        take_out(&mut rest, &steps, &place, &fault);
    }
    mistakes.add("and more", "further errors are listed when these are corrected");
    T::default()
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    let step = |segment: &Segment| match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(step).collect()
}

/// Removes the value at the end of `steps` from `value`, and records its error. An unknown key is removed from all
/// elements of the lists on its path.
fn take_out(value: &mut Value, steps: &[Step], place: &Place<'_>, fault: &Fault) {
    match (steps, &mut value.kind) {
        ([Step::Key(key)], ValueKind::Table(table)) => {
            if table.shift_remove(key).is_some() {
                place.key(key).error(fault);
            }
        }
        ([Step::Key(key), rest @ ..], ValueKind::Table(table)) => {
            if let Some(value) = table.get_mut(key) {
                take_out(value, rest, &place.key(key), fault);
            }
        }
        ([Step::Index(index), rest @ ..], ValueKind::Array(values)) => {
            // A value that is not a table has no keys, and its own error.
            let is_alike = |value: &Value| fault.known.is_some() && matches!(value.kind, ValueKind::Table(_));
            for (at, value) in values.iter_mut().enumerate() {
                if at == *index || is_alike(value) {
                    take_out(value, rest, &place.index(at), fault);
                }
            }
        }
        // The end, a single value that is read as a list of one, or a key in a value that is not a table.
        (_, kind) => {
            *kind = ValueKind::Nil;
            place.error(fault);
        }
    }
}

/// An empty element of a list is neither a value nor omitted.
fn refuse_empty_elements(place: &Place<'_>) {
    for below in place.elements() {
        if place.is_list() && below.is_empty() {
            below.error("is empty: give it a value, or remove it");
        }
        refuse_empty_elements(&below);
    }
}
