//! Content negotiation: `Accept` and `Accept-Encoding` (RFC 9110 §12.5).
//!
//! Never here: a rejection. A client that accepts none of our formats gets plain text, as the exposition formats
//! specify.

use std::cmp::Reverse;

use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};

use crate::metrics::Format;

/// The format of the response. OpenMetrics only for a range that accepts version 1.0.0, the version written here.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let ranges = elements(headers, &ACCEPT);
    let quality = |format| {
        // The most specific range decides; of equal ones, the first.
        let range = ranges.iter().enumerate().filter(|(_, range)| specificity(range, format) > 0);
        let (position, range) = range.min_by_key(|(_, range)| Reverse(specificity(range, format)))?;
        (range.thousandths > 0).then_some((range.thousandths, Reverse(position)))
    };
    // Equal weights are decided by their order, and by the default if one range covers both.
    if quality(Format::OpenMetrics) > quality(Format::Text) { Format::OpenMetrics } else { Format::Text }
}

/// Whether the client accepts gzip and does not prefer plain bytes. `*` alone is not a request for it.
pub(super) fn gzip(headers: &HeaderMap) -> bool {
    let codings = elements(headers, &ACCEPT_ENCODING);
    let quality = |name: &str| {
        codings.iter().find(|coding| coding.value.eq_ignore_ascii_case(name)).map(|coding| coding.thousandths)
    };
    quality("gzip").is_some_and(|gzip| gzip > 0 && gzip >= quality("identity").unwrap_or(0))
}

/// One element of a list header: a value, its parameters and its weight.
struct Element<'a> {
    value: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    /// The `q` parameter times 1000; 1000 without one.
    thousandths: u16,
}

/// The elements of all lines of a header; invalid ones are ignored.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<Element<'a>> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(element).collect()
}

fn element(text: &str) -> Option<Element<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let value = parts.next().filter(|value| !value.is_empty())?;
    let mut element = Element { value, parameters: Vec::new(), thousandths: 1000 };
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("q") {
            element.thousandths = thousandths(value)?;
        } else {
            element.parameters.push((name, value));
        }
    }
    Some(element)
}

fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    (0.0..=1.0).contains(&quality).then(|| (quality * 1000.0).round() as u16)
}

/// How specifically a media range names a format: 0 not at all, 1 any type, 2 any subtype, 3 by name, 4 by name and
/// version. Other parameters (`charset`, `escaping`) exclude nothing: all metric names are ASCII.
fn specificity(range: &Element<'_>, format: Format) -> u8 {
    let (kind, subtype, version) = match format {
        Format::Text => ("text", "plain", "0.0.4"),
        Format::OpenMetrics => ("application", "openmetrics-text", "1.0.0"),
    };
    let Some((range_kind, range_subtype)) = range.value.split_once('/') else { return 0 };
    if (range_kind, range_subtype) == ("*", "*") {
        return 1;
    }
    if !range_kind.eq_ignore_ascii_case(kind) {
        return 0;
    }
    if range_subtype == "*" {
        return 2;
    }
    if !range_subtype.eq_ignore_ascii_case(subtype) {
        return 0;
    }
    match range.parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("version")) {
        None => 3,
        Some((_, wanted)) if *wanted == version => 4,
        Some(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn the_format_is_the_one_that_the_client_likes_best() {
        let prometheus_2_42 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                               text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3_5 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                              application/openmetrics-text;version=0.0.1;q=0.5,\
                              text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        use Format::{OpenMetrics, Text};
        let table: &[(&str, Format)] = &[
            (prometheus_2_42, OpenMetrics),
            (prometheus_3_5, OpenMetrics),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", OpenMetrics),
            ("application/openmetrics-text; version=\"1.0.0\"", OpenMetrics),
            ("text/plain;version=0.0.4;q=0.3, application/openmetrics-text;version=1.0.0;q=0.4", OpenMetrics),
            ("application/openmetrics-text;version=1.0.0, text/plain", OpenMetrics),
            ("text/*;q=0.1, application/*", OpenMetrics),
            ("text/plain;q=0, application/openmetrics-text;q=0.001", OpenMetrics),
            ("text/plain, application/openmetrics-text;version=1.0.0", Text),
            ("text/plain;version=0.0.4;q=0.4, application/openmetrics-text;version=1.0.0;q=0.3", Text),
            ("application/openmetrics-text;version=0.0.1", Text),
            ("application/openmetrics-text;version=2.0.0, text/plain;q=0.1", Text),
            ("application/openmetrics-text;version=1.0.0;q=0", Text),
            ("application/openmetrics-text;q=0.5, */*", Text),
            ("application/openmetrics-text;q=0, */*", Text),
            ("application/openmetrics-text;q=2", Text),
            ("application/openmetrics-text;q=NaN", Text),
            ("*/*", Text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text),
            ("application/json", Text),
            (",;=q,/,*", Text),
            ("", Text),
        ];
        for (accept, expected) in table {
            assert_eq!(format(&headers(ACCEPT, &[accept])), *expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Text);
        let lines = ["text/plain;q=0.5", "application/openmetrics-text;version=1.0.0;q=0.6"];
        assert_eq!(format(&headers(ACCEPT, &lines)), OpenMetrics, "several lines are one list");
    }

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        let table: &[(&str, bool)] = &[
            ("gzip", true),
            ("GZip", true),
            ("deflate, gzip;q=0.1, br", true),
            ("gzip, identity", true),
            ("gzip;q=0.5, identity;q=0", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("gzip;q=0.5, identity", false),
            ("gzip;q=x", false),
            ("deflate", false),
            ("gzipped", false),
            ("*", false),
            ("", false),
        ];
        for (accept, expected) in table {
            assert_eq!(gzip(&headers(ACCEPT_ENCODING, &[accept])), *expected, "{accept}");
        }
        assert!(!gzip(&HeaderMap::new()));
    }
}
