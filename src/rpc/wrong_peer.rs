//! Recognizes peers that are not the RPC of a node: a web server, TLS where none is expected or the reverse, the P2P port.
//!
//! Never here: errors of a node; the content of a page.

use std::error::Error;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Response, StatusCode, Url};

use crate::rpc::error::ErrorKind;
use crate::rpc::http_body::broken;
use domain::ForeignText;

/// P2P and RPC ports of Dash's networks (`src/chainparams.cpp`, `src/chainparamsbase.cpp` of Dash Core): main, test, regtest.
const PORTS: [(u16, u16); 3] = [(9999, 9998), (19999, 19998), (19899, 19898)];

fn wrong(what: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::WrongPeer { what: ForeignText::new(what) }
}

/// The error of a connection. The URL is omitted, except for its port.
pub(super) fn failure(error: &reqwest::Error, url: &Url, timeout: Duration) -> ErrorKind {
    by_failure(error, url).unwrap_or_else(|| broken(error, timeout))
}

/// A broken connection to something that does not speak HTTP as the URL expects; `None` for any other failure.
fn by_failure(error: &reqwest::Error, url: &Url) -> Option<ErrorKind> {
    let port = url.port_or_known_default().unwrap_or_default();
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(here) = cause {
        if here.to_string().contains("InvalidContentType") {
            return Some(wrong("it does not speak TLS; write http:// in the URL, or name the port of the TLS proxy"));
        }
        if let Some(hyper) = here.downcast_ref::<hyper::Error>() {
            if hyper.is_incomplete_message() {
                return Some(closed(port));
            }
            if hyper.is_parse() {
                let what = "it does not speak HTTP; write https:// in the URL if it speaks TLS, and check the port";
                return Some(wrong(what));
            }
        }
        cause = here.source();
    }
    None
}

/// A peer that closes the connection without an answer: the P2P port does, and a node that stops. Only the port tells which.
fn closed(port: u16) -> ErrorKind {
    match PORTS.iter().find(|(p2p, _)| *p2p == port) {
        Some((_, rpc)) => wrong(format_args!("{port} is the P2P port; the RPC port is {rpc}")),
        None => ErrorKind::Unreachable {
            cause: ForeignText::new(
                "the peer closed the connection without an answer: the node stops, or this is its P2P port",
            ),
        },
    }
}

/// Refuses an answer with a status that no node gives: a redirect.
pub(super) fn check_status(response: &Response) -> Result<(), ErrorKind> {
    let status = response.status();
    if !status.is_redirection() {
        return Ok(());
    }
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| response.url().join(location).ok());
    let target = target.filter(Url::has_host).map_or_else(String::new, |target| {
        let port = target.port().map_or_else(String::new, |port| format!(":{port}"));
        format!(" to {}://{}{port}", target.scheme(), target.host_str().unwrap_or_default())
    });
    Err(wrong(format_args!("it redirects{target} (HTTP {}); redirects are not followed", status.as_u16())))
}

/// The body of an answer that is a page or a plain error of a web server; `None` if it may be a node's.
pub(super) fn by_body(status: StatusCode, body: &[u8]) -> Option<ErrorKind> {
    let is_page = body.trim_ascii_start().first() == Some(&b'<');
    let text = String::from_utf8_lossy(&body[..body.len().min(1024)]).to_ascii_lowercase();
    match status {
        StatusCode::BAD_REQUEST if text.contains("https") => Some(wrong("it expects TLS; write https:// in the URL")),
        StatusCode::NOT_FOUND => {
            Some(wrong("nothing is at this path (HTTP 404); check host, port and path of the URL"))
        }
        _ if is_page => Some(wrong("it is a web server, which answers with HTML; check host and port of the URL")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_an_answer_of_a_node_are_distinguished() {
        let text = |status, body: &str| match by_body(status, body.as_bytes()) {
            Some(ErrorKind::WrongPeer { what }) => what.to_string(),
            other => format!("{other:?}"),
        };
        assert!(text(StatusCode::OK, "\n <!DOCTYPE html><title>hunter2</title>").starts_with("it is a web server"));
        assert!(!text(StatusCode::OK, "<p>hunter2").contains("hunter2"));
        assert!(text(StatusCode::NOT_FOUND, "Not found").contains("HTTP 404"));
        let nginx = "<html>400 The plain HTTP request was sent to HTTPS port</html>";
        assert!(text(StatusCode::BAD_REQUEST, nginx).contains("https://"));
        assert_eq!(text(StatusCode::OK, "{\"result\":1}"), "None");
    }

    #[test]
    fn a_closed_connection_names_the_p2p_port_where_it_is_known() {
        assert!(matches!(closed(9999), ErrorKind::WrongPeer { what } if what.contains("the RPC port is 9998")));
        assert!(matches!(closed(1234), ErrorKind::Unreachable { cause } if cause.contains("P2P port")));
    }
}
