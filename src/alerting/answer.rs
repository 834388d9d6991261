//! The response of a receiver that did not accept a message: whether and when to retry, and what may be logged.
//!
//! A service may repeat the request, including its token. So the logged part of a response contains no part of a
//! secret.
//!
//! Never here: HTTP; the state of a rejected notification (`state`).

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use serde_json::Value;

use crate::alerting::client::SendError;
use crate::alerting::settings::Kind;
use domain::ForeignText;

/// Maximum pause that a receiver may request.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Maximum number of characters shown of a response.
const MOST_SHOWN: usize = 200;

/// Parts of a secret of at least this length are removed from the shown text.
const SHORTEST_PART: usize = 6;

/// Describes a response other than success. `retry_after` is its header, in seconds or as a time that is compared with
/// `date`, the time of the receiver. `secrets` must not be shown.
pub(super) fn failure(
    status: StatusCode,
    retry_after: Option<&str>,
    date: Option<SystemTime>,
    body: &[u8],
    secrets: &[&str],
) -> SendError {
    let text = String::from_utf8_lossy(body);
    let wait = asked(retry_after, date, &serde_json::from_str(&text).unwrap_or_default());
    let why = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; check its token",
        StatusCode::NOT_FOUND | StatusCode::GONE => "; check its url",
        StatusCode::TOO_MANY_REQUESTS => "; too many messages",
        _ => "",
    };
    SendError {
        what: format!("HTTP status {}{why}", status.as_u16()),
        wait,
        is_final: is_final(status) && wait.is_none(),
        answer: shown(&text, secrets),
    }
}

/// The failure that a response with a status of success states: a web page, such as that of a login in front of the service, or an
/// error in the terms of its API. A generic receiver may answer with anything.
pub(super) fn contradiction(kind: &Kind, body: &[u8], secrets: &[&str]) -> Option<SendError> {
    let text = String::from_utf8_lossy(body);
    let begins = |tag: &str| text.trim_start().get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let what = match kind {
        Kind::Generic => return None,
        _ if begins("<!doctype") || begins("<html") => "a web page answered instead of its API; check its url",
        Kind::Telegram { .. } if json["ok"] == Value::Bool(false) => "its API reported an error",
        Kind::Matrix { .. } if json.get("errcode").is_some() => "its API reported an error",
        _ => return None,
    };
    Some(SendError { what: what.into(), wait: None, is_final: false, answer: shown(&text, secrets) })
}

/// Whether the same message would be rejected again. The excepted statuses depend on the token, the URL or the time.
fn is_final(status: StatusCode) -> bool {
    let may_pass = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_client_error() && !may_pass.contains(&status)
}

/// Whether PagerDuty rejects the integration key, which may be that of a file while it is written: `'routing_key' is missing or blank`,
/// `Invalid routing key`.
pub(super) fn names_key(status: StatusCode, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    status == StatusCode::BAD_REQUEST && (text.contains("routing_key") || text.contains("routing key"))
}

/// The longest pause of the header and of the body as Telegram (`parameters.retry_after`), Discord (`retry_after`, with
/// a fraction) and Matrix (`retry_after_ms`) write it. A proxy may turn a number of the body into a text.
fn asked(header: Option<&str>, date: Option<SystemTime>, body: &Value) -> Option<Duration> {
    let until = |text: &str| Some(httpdate::parse_http_date(text).ok()?.duration_since(date?).ok()?.as_secs_f64());
    let header = header.map(str::trim).and_then(|text| text.parse().ok().or_else(|| until(text)));
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let milliseconds = number(&body["retry_after_ms"]).map(|milliseconds| milliseconds / 1000.0);
    let in_body = [number(&body["parameters"]["retry_after"]), number(&body["retry_after"]), milliseconds];
    let seconds = in_body.into_iter().chain([header]).flatten();
    let seconds = seconds.filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0).reduce(f64::max)?;
    Some(Duration::from_secs_f64(seconds.min(LONGEST_ASKED.as_secs_f64())))
}

/// The beginning of a response on one line, without any part of a secret.
pub(super) fn shown(text: &str, secrets: &[&str]) -> String {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    let mut parts: Vec<&str> = secrets
        .iter()
        .flat_map(|secret| secret.split(|character| !is_part(character)).filter(|part| part.len() >= SHORTEST_PART))
        .chain(secrets.iter().copied().filter(|secret| !secret.is_empty()))
        .collect();
    // One part may contain another.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let text = parts.iter().fold(text.to_string(), |text, part| text.replace(part, "<redacted>"));
    ForeignText::bounded(text, MOST_SHOWN).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, header: Option<&str>, body: &str) -> SendError {
        let date = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").ok();
        failure(StatusCode::from_u16(status).unwrap(), header, date, body.as_bytes(), &[])
    }

    #[test]
    fn a_rejected_integration_key_is_recognized() {
        let names = |status: u16, text: &str| names_key(StatusCode::from_u16(status).unwrap(), text.as_bytes());
        assert!(
            names(400, "{\"errors\":[\"'routing_key' is missing or blank\"]}") && names(400, "Invalid routing key")
        );
        assert!(!names(400, "{\"errors\":[\"'payload' is missing\"]}") && !names(422, "routing_key"));
    }

    #[test]
    fn a_client_error_is_final_unless_token_address_or_moment_may_be_the_reason() {
        for status in [400, 405, 410, 413, 422] {
            assert!(of(status, None, "").is_final, "{status}");
        }
        for status in [302, 401, 403, 404, 408, 429, 500, 502, 503] {
            assert!(!of(status, None, "").is_final, "{status}");
        }
        assert!(!of(400, None, r#"{"retry_after": 1}"#).is_final, "it asks for another attempt");
    }

    #[test]
    fn a_status_of_success_with_a_web_page_or_an_error_is_no_acceptance() {
        let telegram = Kind::Telegram { chat: "1".into() };
        for (kind, body, is_accepted) in [
            (&Kind::Slack, "ok", true),
            (&Kind::Discord, "", true),
            (&Kind::PagerDuty, r#"{"status":"success","dedup_key":"x"}"#, true),
            (&Kind::Slack, "\n<!DOCTYPE html><title>Sign in</title>", false),
            (&Kind::Alertmanager, "<html><body>Sign in", false),
            (&Kind::Generic, "<html><body>Thanks", true),
            (&telegram, r#"{"ok":true}"#, true),
            (&telegram, r#"{"ok":false,"description":"chat not found"}"#, false),
        ] {
            let found = contradiction(kind, body.as_bytes(), &[]);
            assert_eq!(found.is_none(), is_accepted, "{kind:?} {body}");
            assert!(found.is_none_or(|failure| !failure.is_final && !failure.answer.is_empty()));
        }
    }

    #[test]
    fn the_pause_comes_from_the_header_or_from_the_body_and_is_bounded() {
        let telegram = r#"{"ok":false,"error_code":429,"parameters":{"retry_after":35}}"#;
        for (header, body, seconds) in [
            (Some("7"), "", Some(7.0)),
            (None, telegram, Some(35.0)),
            (Some("40"), telegram, Some(40.0)),
            (Some("1"), telegram, Some(35.0)),
            (None, r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#, Some(64.57)),
            (None, r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2500}"#, Some(2.5)),
            (None, r#"{"parameters":{"retry_after":1e300}}"#, Some(600.0)),
            (None, r#"{"retry_after":-3}"#, None),
            (None, r#"{"retry_after":"soon"}"#, None),
            (None, r#"{"retry_after":" 12.5"}"#, Some(12.5)),
            (None, r#"{"parameters":{"retry_after":"8"}}"#, Some(8.0)),
            (None, r#"{"retry_after":null,"parameters":[]}"#, None),
            (Some("1.5"), "", Some(1.5)),
            (Some("Wed, 21 Oct 2015 07:29:30 GMT"), "", Some(90.0)),
            (Some("Wednesday, 21-Oct-15 07:28:20 GMT"), telegram, Some(35.0)),
            (Some("Thu, 22 Oct 2015 07:28:00 GMT"), "", Some(600.0)),
            (Some("Wed, 21 Oct 2015 07:27:00 GMT"), "", None),
            (None, "[", None),
            (Some("NaN"), "", None),
            (Some("Wed, 21 Oct 2015 07:28:00 GMT"), "", Some(0.0)),
        ] {
            assert_eq!(of(429, header, body).wait, seconds.map(Duration::from_secs_f64), "{header:?} {body}");
        }
    }

    #[test]
    fn a_piece_of_the_answer_is_short_of_one_line_and_without_secrets() {
        let secrets = ["https://hooks.example.org/services/T0123456/abcdefgh?key=qwertyuiop", "42:hunter2-token", "xy"];
        let body =
            "no\r\nroute for /services/T0123456/abcdefgh, bot42:hunter2-token, 42%3Ahunter2-token, qwertyuiop xy!";
        let shown = failure(StatusCode::BAD_REQUEST, None, None, body.as_bytes(), &secrets).answer;
        for secret in ["T0123456", "abcdefgh", "hunter2", "qwertyuiop", "xy", "\n"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert!(shown.starts_with("no\u{fffd}\u{fffd}route for /"), "{shown}");
        let long = of(400, None, &"é".repeat(5_000)).answer;
        assert_eq!(long.chars().count(), MOST_SHOWN + 1);
    }
}
