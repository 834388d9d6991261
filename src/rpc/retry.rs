//! Retries of calls that a node refuses because it is busy.
//!
//! Never here: sending a call; failures that take longer to pass.

use std::time::Duration;

use crate::rpc::error::ErrorKind;

/// Pauses before a refused call is repeated: three times within 500 ms.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(150), Duration::from_millis(300)];

/// The pauses for a call with this timeout: those that leave half of it for the answer.
pub(super) fn pauses(timeout: Duration) -> impl Iterator<Item = Duration> {
    let mut waited = Duration::ZERO;
    PAUSES.into_iter().take_while(move |pause| {
        waited += *pause;
        waited <= timeout / 2
    })
}

/// Whether a failure may pass quickly: the node's work queue is full, a proxy has no free connection, or a connection was closed.
/// All calls only read, so each can be repeated.
pub(super) fn is_passing(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Refused | ErrorKind::NotServing | ErrorKind::Unreachable { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_is_repeated_within_half_a_second_and_within_its_timeout() {
        let total = |timeout| pauses(Duration::from_millis(timeout)).sum::<Duration>().as_millis();
        assert_eq!([30_000, 1_000, 500, 300, 60].map(total), [500, 500, 200, 50, 0]);
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        assert!(is_passing(&ErrorKind::Refused) && is_passing(&ErrorKind::NotServing));
        assert!(!is_passing(&ErrorKind::Forbidden) && !is_passing(&ErrorKind::UnknownMethod));
    }
}
