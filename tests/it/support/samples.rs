//! Finds a sample on a page by name and labels; on failure shows similar samples.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A page of metrics, parsed like Prometheus does.
pub(crate) struct Page {
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Page {
    /// Reads the text format 0.0.4. Panics on a line that is neither a comment nor a sample.
    pub(crate) fn read(text: &str) -> Page {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Page { samples: lines.map(sample).collect() }
    }

    /// The value of the only sample of this name with at least these labels; `None` if there is none.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found: Vec<f64> = self
            .samples
            .iter()
            .filter(|(candidate, has, _)| {
                candidate == name && labels.iter().all(|(key, value)| has.get(*key).map(String::as_str) == Some(value))
            })
            .map(|(_, _, value)| *value)
            .collect();
        assert!(found.len() <= 1, "{name} {labels:?} is not one sample but {}", found.len());
        found.first().copied()
    }

    /// Like [`Page::value`], but the sample must exist.
    #[track_caller]
    pub(crate) fn expect(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        let value = self.value(name, labels);
        if value != Some(expected) {
            panic!("{name} {labels:?} is {value:?}, expected {expected}\nnear:\n{}", self.near(name));
        }
    }

    /// The sample must not exist.
    #[track_caller]
    pub(crate) fn expect_absent(&self, name: &str, labels: &[(&str, &str)]) {
        let value = self.value(name, labels);
        assert!(value.is_none(), "{name} {labels:?} is {value:?}, expected to be absent");
    }

    /// Number of samples of this name.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.samples.iter().filter(|(candidate, _, _)| candidate == name).count()
    }

    /// The counters of events, by name and labels.
    pub(crate) fn totals(&self) -> BTreeMap<String, f64> {
        let counters = self.samples.iter().filter(|(name, _, _)| {
            name.starts_with("masternode_") && !name.starts_with("masternode_exporter_") && name.ends_with("_total")
        });
        counters.map(|(name, labels, value)| (format!("{name} {labels:?}"), *value)).collect()
    }

    fn near(&self, name: &str) -> String {
        let mut text = String::new();
        for (candidate, labels, value) in self.samples.iter().filter(|(candidate, _, _)| candidate == name).take(20) {
            let _ = writeln!(text, "  {candidate} {labels:?} {value}");
        }
        if text.is_empty() {
            text.push_str("  no sample of this name");
        }
        text
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line}"));
    let value = value.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
    let Some((name, labels)) = series.split_once('{') else { return (series.into(), BTreeMap::new(), value) };
    let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("labels do not end: {line}"));
    let mut pairs = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        let mut text = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap_or_else(|| panic!("label does not end: {line}")) {
                (at, '"') => break at,
                (_, '\\') => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, other)) => text.push(other),
                    None => panic!("label ends in a backslash: {line}"),
                },
                (_, other) => text.push(other),
            }
        };
        pairs.insert(key.trim_start_matches(',').to_string(), text);
        rest = &after[end + 1..];
    }
    (name.into(), pairs, value)
}
