//! Writes the families of a registry: those of this process, gathered for each scrape.
//!
//! Never here: masternodes.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use crate::catalog::Kind;
use crate::metrics::labels;
use crate::metrics::metadata::write_head;
use crate::metrics::page::Format;
use crate::metrics::value::Value;

/// Appends the families in the order given.
pub(super) fn write(families: &[MetricFamily], format: Format, out: &mut Vec<u8>) {
    for family in families {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => Kind::Counter,
            MetricType::HISTOGRAM => Kind::Histogram,
            _ => Kind::Gauge,
        };
        write_head(family.name(), family.help(), kind.label(), format, out);
        for metric in family.get_metric() {
            match family.get_field_type() {
                MetricType::COUNTER => sample(family.name(), "", metric, None, metric.get_counter().get_value(), out),
                MetricType::HISTOGRAM => histogram(family.name(), metric, out),
                _ => sample(family.name(), "", metric, None, metric.get_gauge().get_value(), out),
            }
        }
    }
}

fn histogram(name: &str, metric: &Metric, out: &mut Vec<u8>) {
    let histogram = metric.get_histogram();
    for bucket in histogram.get_bucket() {
        let mut bound = Vec::new();
        Value::Real(bucket.upper_bound()).write(&mut bound);
        let bound = String::from_utf8(bound).expect("numbers are ASCII");
        // OpenMetrics requires bucket bounds to be written as floats.
        let bound = if bound.contains(['.', 'e', 'I']) { bound } else { format!("{bound}.0") };
        sample(name, "_bucket", metric, Some(&bound), bucket.cumulative_count() as f64, out);
    }
    sample(name, "_bucket", metric, Some("+Inf"), histogram.get_sample_count() as f64, out);
    sample(name, "_sum", metric, None, histogram.get_sample_sum(), out);
    sample(name, "_count", metric, None, histogram.get_sample_count() as f64, out);
}

fn sample(name: &str, part: &str, metric: &Metric, bound: Option<&str>, value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(part.as_bytes());
    let pairs =
        metric.get_label().iter().map(|pair| (pair.name(), pair.value())).chain(bound.map(|bound| ("le", bound)));
    let mut separator = b'{';
    for (name, text) in pairs {
        out.push(separator);
        labels::write(out, name, text);
        separator = b',';
    }
    if separator == b',' {
        out.push(b'}');
    }
    out.push(b' ');
    Value::Real(value).write(out);
    out.push(b'\n');
}
