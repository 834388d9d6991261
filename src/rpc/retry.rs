//! Retries of calls that a node refuses for a moment.
//!
//! Never here: sending a call; failures that take longer to pass.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::Instant;

use crate::rpc::client::Client;
use crate::rpc::error::ErrorKind;
use crate::rpc::methods::{self, Method};

/// Pauses before a refused call is repeated: three times within 500 ms.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(150), Duration::from_millis(300)];

/// The attempts of one call.
pub(super) struct Retries<'a> {
    client: &'a Client,
    method: &'a Method,
    pauses: Vec<Duration>,
    started: Instant,
}

impl<'a> Retries<'a> {
    /// For a call with this timeout.
    pub(super) fn new(client: &'a Client, method: &'a Method, timeout: Duration) -> Retries<'a> {
        Retries { client, method, pauses: pauses(timeout), started: Instant::now() }
    }

    /// Whether to call again after this failure: counts it and waits if so.
    pub(super) async fn again(&mut self, kind: &ErrorKind) -> bool {
        if !is_passing(self.method, kind) {
            return false;
        }
        let Some(pause) = self.pauses.pop() else { return false };
        self.client.count(self.method, kind, self.started.elapsed());
        tokio::time::sleep(pause).await;
        self.started = Instant::now();
        true
    }
}

/// The pauses for a call with this timeout, the last one first: those that leave half of it for the answer.
fn pauses(timeout: Duration) -> Vec<Duration> {
    let mut waited = Duration::ZERO;
    let fits = |pause: &Duration| {
        waited += *pause;
        waited <= timeout / 2
    };
    let mut pauses: Vec<Duration> = PAUSES.into_iter().take_while(fits).collect();
    pauses.reverse();
    pauses
}

/// The failure of an answer without an error of the node: 408 and the statuses from 500 on are of a proxy that does not reach the
/// node, or of a node that stops. `page` is the failure that the body shows; a page with the status 500 is of another server.
pub(super) fn by_status(status: StatusCode, page: Option<ErrorKind>) -> Option<ErrorKind> {
    let is_unavailable = status == StatusCode::REQUEST_TIMEOUT || status.is_server_error();
    let own = is_unavailable.then(|| ErrorKind::NotServing { status: status.as_u16() });
    if status == StatusCode::INTERNAL_SERVER_ERROR { page.or(own) } else { own.or(page) }
}

/// Whether a failure may pass quickly: it is momentary, or a connection was closed. All calls only read, so each can be repeated.
/// Some nodes report with a code of momentary failures that they are no masternode.
fn is_passing(method: &Method, kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Unreachable { .. } => true,
        ErrorKind::Call { .. } if *method == methods::MASTERNODE_STATUS => false,
        _ => kind.is_momentary(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_is_repeated_within_half_a_second_and_within_its_timeout() {
        let total = |timeout| pauses(Duration::from_millis(timeout)).iter().sum::<Duration>().as_millis();
        assert_eq!([30_000, 1_000, 500, 300, 60].map(total), [500, 500, 200, 50, 0]);
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        let call = |code| ErrorKind::Call { code, message: "x".into() };
        let tip = &methods::GET_BEST_BLOCK_HASH;
        for kind in [ErrorKind::Refused, ErrorKind::NotServing { status: 502 }, call(-1)] {
            assert!(is_passing(tip, &kind), "{kind:?}");
        }
        for kind in [ErrorKind::Forbidden, ErrorKind::UnknownMethod, call(-8), call(-32603)] {
            assert!(!is_passing(tip, &kind), "{kind:?}");
        }
        assert!(!is_passing(&methods::MASTERNODE_STATUS, &call(-1)), "the node is no masternode");
    }
}
