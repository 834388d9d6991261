//! Rejects requests that a browser sends on behalf of a page of another site: by a name that resolves to this host (DNS
//! rebinding), or as a write.
//!
//! Prometheus and other tools may use any name, so the names of an unprotected server are checked only for requests of
//! a browser. A page cannot remove all headers by which a browser is detected: browsers always send `Accept-Language`,
//! whatever a script sets.
//!
//! Never here: authentication (`exporter-toolkit`); checks of requests of other clients.

use std::net::IpAddr;

use hyper::header::{HOST, ORIGIN, USER_AGENT};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method, StatusCode, Version};

/// Relation of the requesting page to this server; scripts cannot set it (Fetch Metadata, §2).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Headers that browsers send and other clients of an exporter do not.
const BROWSER_HEADERS: [&str; 6] =
    [SEC_FETCH_SITE, "sec-fetch-mode", "sec-fetch-dest", "origin", "referer", "accept-language"];

/// Checks a request. `open`: whether the server answers any client over plain HTTP. With TLS, a foreign name does not
/// match the certificate; with passwords, a browser has none for a foreign name. `allowed` are further names of the
/// server.
///
/// # Errors
/// The status, and a sentence for the client.
pub(super) fn check(head: &Parts, open: bool, allowed: &[String]) -> Result<(), (StatusCode, String)> {
    let named = named_host(head)?;
    let host = named.and_then(|name| name.parse::<Authority>().ok());
    if open && is_of_browser(&head.headers) && !host.as_ref().is_some_and(|host| is_ours(host.host(), allowed)) {
        let reason = format!(
            "Browsers are answered by IP address, localhost, names without a dot and configured names only, and {:?} is none of them: \
             add it to web.allowed_hosts.",
            named.unwrap_or_default()
        );
        return Err((StatusCode::FORBIDDEN, reason));
    }
    let writes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method);
    if writes && is_of_foreign_page(&head.headers, host.as_ref(), allowed) {
        return Err((StatusCode::FORBIDDEN, "Cross-site requests are not allowed.".into()));
    }
    Ok(())
}

/// The host of a request, which must be unique; HTTP/1.0 may omit it (RFC 9112 §3.2).
fn named_host(head: &Parts) -> Result<Option<&str>, (StatusCode, String)> {
    let bad = |reason: &str| Err((StatusCode::BAD_REQUEST, reason.to_string()));
    let mut values = head.headers.get_all(HOST).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return bad("The request has more than one Host header.");
    }
    // HTTP/2 has it outside of the headers, and the absolute form of HTTP/1.1 takes precedence over the header, but
    // requires it too.
    if let Some(authority) = head.uri.authority()
        && (first.is_some() || head.version != Version::HTTP_11)
    {
        return Ok(Some(authority.as_str()));
    }
    match first.map(|value| value.to_str()) {
        Some(Ok(host)) => Ok(Some(host)),
        Some(Err(_)) => bad("The Host header is invalid."),
        None if head.version <= Version::HTTP_10 => Ok(None),
        None => bad("The Host header is missing."),
    }
}

fn is_of_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    agent || BROWSER_HEADERS.iter().any(|name| headers.contains_key(*name))
}

/// Whether a name belongs to the server and a stranger cannot make it resolve to this host: an address, a name outside
/// of the public DNS, or a configured name.
fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    literal.parse::<IpAddr>().is_ok()
        || (!name.is_empty() && !name.contains('.'))
        || name.ends_with(".localhost")
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&name))
}

/// Whether the page behind a request belongs to another site, as the browser reports it. A client without these headers
/// is not a browser.
fn is_of_foreign_page(headers: &HeaderMap, host: Option<&Authority>, allowed: &[String]) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let Some(origin) = origin.and_then(|(_, authority)| authority.parse::<Authority>().ok()) else { return true };
    let is_configured = allowed.iter().any(|name| name.eq_ignore_ascii_case(origin.host()));
    Some(&origin) != host && !is_configured
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// The status of a request with these headers, or 200.
    fn status(method: Method, headers: &[(&str, &str)], open: bool) -> u16 {
        let mut request = Request::builder().method(method).uri("/metrics");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, open, &["exporter.example".to_string()]).map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn a_browser_reads_a_plain_server_only_by_a_name_that_is_the_servers() {
        let table = [
            ("127.0.0.1:10066", true),
            ("[::1]:10066", true),
            ("192.0.2.1", true),
            ("localhost:10066", true),
            ("LOCALHOST.", true),
            ("a.localhost", true),
            ("exporter:10066", true),
            ("Exporter.Example", true),
            ("exporter.example.:443", true),
            ("evil.example:10066", false),
            ("exporter.example.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("127.0.0.1.", true),
            ("", false),
            (".", false),
            ("a b", false),
        ];
        for (host, expected) in table {
            for mark in [
                ("Accept-Language", ""),
                ("User-Agent", "Mozilla/5.0"),
                ("Referer", "http://a"),
                ("Sec-Fetch-Mode", "cors"),
            ] {
                let found = status(Method::GET, &[("Host", host), mark], true);
                assert_eq!(found == 200, expected, "{host:?} {mark:?}: {found}");
            }
            assert_eq!(status(Method::GET, &[("Host", host)], true), 200, "{host:?}: no browser");
            assert_eq!(
                status(Method::GET, &[("Host", host), ("Accept-Language", "en")], false),
                200,
                "{host:?}: protected"
            );
        }
    }

    #[test]
    fn a_page_of_another_site_does_not_write() {
        let host = ("Host", "localhost:10066");
        let table: [(&[(&str, &str)], u16); 11] = [
            (&[], 200),
            (&[("Sec-Fetch-Site", "same-origin")], 200),
            (&[("Sec-Fetch-Site", "none")], 200),
            (&[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")], 200),
            (&[("Sec-Fetch-Site", "same-site")], 403),
            (&[("Sec-Fetch-Site", "cross-site"), ("Origin", "http://localhost:10066")], 403),
            (&[("Origin", "http://localhost:10066")], 200),
            (&[("Origin", "http://localhost:3000")], 403),
            (&[("Origin", "https://exporter.example")], 200),
            (&[("Origin", "http://evil.example")], 403),
            (&[("Origin", "null")], 403),
        ];
        for (headers, expected) in table {
            let all = [&[host], headers].concat();
            for open in [true, false] {
                assert_eq!(status(Method::POST, &all, open), expected, "{headers:?}");
            }
            assert_eq!(status(Method::GET, &all, true), 200, "{headers:?}: it cannot see the answer");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        assert_eq!(status(Method::GET, &[], true), 400);
        assert_eq!(status(Method::GET, &[("Host", "a"), ("Host", "a")], true), 400);
        assert_eq!(status(Method::GET, &[("Host", "a")], true), 200);
        let old = Request::get("/").version(Version::HTTP_10).body(()).unwrap().into_parts().0;
        assert_eq!(check(&old, true, &[]), Ok(()));
        let absolute = Request::get("http://a/").body(()).unwrap().into_parts().0;
        assert!(check(&absolute, true, &[]).is_err(), "the absolute form needs the header too");
        let second = Request::get("https://a/").version(Version::HTTP_2).body(()).unwrap().into_parts().0;
        assert_eq!(check(&second, true, &[]), Ok(()));
    }
}
