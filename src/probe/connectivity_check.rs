//! Checks whether this host can reach other masternodes when a watched one does not answer, so that a local network
//! outage is not attributed to the masternode.
//!
//! Never here: messages: control connections are closed as soon as they are established.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use domain::probe::{Outcome, ProbeError, Unprobed};

/// Other masternodes to connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectivityCheck {
    addresses: Vec<SocketAddr>,
    timeout: Duration,
}

impl ConnectivityCheck {
    /// Up to `most` of the candidates: hosts other than the probed one that use the same IP version.
    pub(super) fn of(
        called: SocketAddr,
        candidates: &[SocketAddr],
        most: usize,
        random: u64,
        timeout: Duration,
    ) -> ConnectivityCheck {
        let start = (random % (candidates.len().max(1) as u64)) as usize;
        let (before, after) = candidates.split_at(start.min(candidates.len()));
        let fits = |other: &&SocketAddr| other.is_ipv4() == called.is_ipv4() && other.ip() != called.ip();
        ConnectivityCheck { addresses: after.iter().chain(before).filter(fits).take(most).copied().collect(), timeout }
    }

    /// Interprets the outcome of a probe: a timeout counts against the masternode only if others can be reached.
    pub(super) async fn judge(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed(ProbeError::Timeout | ProbeError::Unreachable) if self.is_isolated().await => {
                Outcome::Unprobed(Unprobed::NoRoute)
            }
            outcome => outcome,
        }
    }

    /// Whether there are other masternodes to compare with, and none of them answers.
    async fn is_isolated(&self) -> bool {
        for address in &self.addresses {
            if timeout(self.timeout, TcpStream::connect(address)).await.is_ok_and(|answer| is_heard(&answer)) {
                return false;
            }
        }
        !self.addresses.is_empty()
    }
}

/// Whether the host answered, including by refusing the connection.
fn is_heard<T>(answer: &io::Result<T>) -> bool {
    match answer {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_for_comparison_is_another_one_with_the_same_ip_version() {
        let candidates =
            ["8.8.4.4:1", "9.9.9.9:1", "[2a01::1]:1", "8.8.8.8:2", "1.1.1.1:1"].map(|text| text.parse().unwrap());
        // probed address, start, number: expected addresses.
        let cases: [(&str, u64, usize, &[&str]); 6] = [
            ("8.8.8.8:1", 0, 2, &["8.8.4.4:1", "9.9.9.9:1"]),
            ("8.8.8.8:1", 4, 2, &["1.1.1.1:1", "8.8.4.4:1"]),
            ("8.8.8.8:1", 7, 9, &["1.1.1.1:1", "8.8.4.4:1", "9.9.9.9:1"]),
            ("[2a02::1]:1", 0, 2, &["[2a01::1]:1"]),
            ("[2a01::1]:9", 0, 2, &[]),
            ("8.8.8.8:1", 3, 0, &[]),
        ];
        for (called, random, most, expected) in cases {
            let control = ConnectivityCheck::of(address(called), &candidates, most, random, Duration::ZERO);
            let expected: Vec<SocketAddr> = expected.iter().copied().map(address).collect();
            assert_eq!(control.addresses, expected, "{called} {random} {most}");
        }
        assert!(ConnectivityCheck::of(address("8.8.8.8:1"), &[], 2, 5, Duration::ZERO).addresses.is_empty());
    }

    #[test]
    fn a_refusal_is_an_answer_and_a_router_that_knows_no_way_is_none() {
        let cases = [
            (io::ErrorKind::ConnectionRefused, true),
            (io::ErrorKind::ConnectionReset, true),
            (io::ErrorKind::TimedOut, false),
            (io::ErrorKind::HostUnreachable, false),
            (io::ErrorKind::NetworkUnreachable, false),
        ];
        for (kind, expected) in cases {
            assert_eq!(is_heard::<()>(&Err(kind.into())), expected, "{kind:?}");
        }
        assert!(is_heard(&Ok(())));
    }
}
