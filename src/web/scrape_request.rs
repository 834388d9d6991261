//! The request of a scrape: its query and the timeout header of Prometheus.
//!
//! Never here: the known families; the renderer checks them.

use std::time::Duration;

use hyper::http::request::Parts;
use hyper::{HeaderMap, Uri};

use crate::metrics::Request;
use crate::metrics::page::{Filter, Shard};
use crate::web::content_negotiation;
use domain::watch::parse_group;

/// Sent by Prometheus with every scrape: seconds, with a fraction.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Parses a scrape request: the page, and the timeout of the client. Unknown parameters are ignored, as other exporters
/// do.
///
/// # Errors
/// A sentence for the client about an invalid parameter.
pub(super) fn metrics_request(head: &Parts) -> Result<(Request, Option<Duration>), String> {
    let page = Request {
        format: content_negotiation::format(&head.headers),
        gzip: content_negotiation::gzip(&head.headers),
        filter: filter(&head.uri)?,
    };
    Ok((page, scrape_timeout(&head.headers)))
}

fn filter(uri: &Uri) -> Result<Filter, String> {
    let mut filter = Filter::default();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "collect[]" if value.is_empty() => {
                return Err("collect[] is empty: omit it to get all families".to_owned());
            }
            "collect[]" => filter.families.push(value.into_owned()),
            "shard" if filter.shard.is_some() => return Err("shard is given twice".to_owned()),
            "shard" => filter.shard = Some(shard(&value)?),
            "group" => {
                let group = parse_group(&value).map(|(key, group)| (key.to_owned(), group.to_owned()));
                let wrong = || format!("group must be a group and its value, such as customer=acme; got {value:?}");
                filter.groups.push(group.ok_or_else(wrong)?);
            }
            _ => {}
        }
    }
    Ok(filter)
}

fn shard(text: &str) -> Result<Shard, String> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    };
    let numbers = text.split_once('/').and_then(|(index, total)| Some((number(index)?, number(total)?)));
    match numbers {
        Some((index, total)) if index < total => Ok(Shard { index, total }),
        _ => Err(format!("shard must be index/total with 0 <= index < total, for example shard=0/3; got {text:?}")),
    }
}

/// The scrape timeout of Prometheus; `None` if it is absent or invalid.
fn scrape_timeout(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(SCRAPE_TIMEOUT)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(target: &str) -> Result<Filter, String> {
        let (head, ()) = hyper::Request::get(target).body(()).unwrap().into_parts();
        metrics_request(&head).map(|(page, _)| page.filter)
    }

    #[test]
    fn families_are_percent_decoded_and_keep_their_order() {
        let request = parse("/metrics?collect[]=b%5f%31&x=y&collect%5B%5D=a+b&collect[]=%C3%A4&collect[]=%ff").unwrap();
        assert_eq!(request.families, ["b_1", "a b", "ä", "\u{fffd}"]);
        assert_eq!(parse("/metrics?collect=a&Collect[]=b&&=").unwrap(), Filter::default());
        let error = parse("/metrics?collect[]=").unwrap_err();
        assert!(error.contains("collect[]"), "{error}");
    }

    #[test]
    fn a_shard_is_an_index_below_a_total() {
        let table = [("0/1", 0, 1), ("2%2F3", 2, 3), ("4294967294/4294967295", u32::MAX - 1, u32::MAX)];
        for (text, index, total) in table {
            let request = parse(&format!("/metrics?shard={text}")).unwrap();
            assert_eq!(request.shard, Some(Shard { index, total }), "{text}");
        }
        for bad in ["", "1", "/", "1/1", "0/0", "3/2", "-1/2", "+0/2", "0/2/3", "a/b", " 0/2", "0/4294967296"] {
            let target = format!("/metrics?shard={}", bad.replace(' ', "%20").replace('+', "%2B"));
            let error = parse(&target).expect_err(bad);
            assert!(error.contains("index/total") && error.contains(&format!("{bad:?}")), "{error}");
        }
        let error = parse("/metrics?shard=0/2&shard=1/2").unwrap_err();
        assert!(error.contains("twice"), "{error}");
    }

    #[test]
    fn a_scrape_timeout_is_a_positive_number_of_seconds() {
        let table = [
            ("10", Some(Duration::from_secs(10))),
            ("9.5", Some(Duration::from_millis(9500))),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("1e300", None),
            ("ten", None),
        ];
        for (text, expected) in table {
            let request = hyper::Request::get("/metrics").header("X-Prometheus-Scrape-Timeout-Seconds", text);
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(metrics_request(&head).unwrap().1, expected, "{text}");
        }
    }
}
