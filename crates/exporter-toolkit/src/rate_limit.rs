//! Request rate limits: a burst, then one request per interval.
//!
//! Authenticated requests share one limit. Others have a limit for each source address, so that they do not affect
//! authenticated requests and barely affect each other.
//!
//! Never here: a clock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::settings::RateLimit;

/// Maximum number of addresses with separate limits. Further addresses share one.
const MAX_PEERS: usize = 256;

/// The limits of a server.
#[derive(Debug)]
pub(crate) struct RateLimits {
    authenticated: Mutex<Bucket>,
    others: Mutex<Others>,
}

impl RateLimits {
    /// The state before the first request.
    pub(crate) fn new(limit: RateLimit) -> RateLimits {
        let bucket = Bucket { limit, due: None };
        let others = Others { by_peer: HashMap::new(), further: bucket.clone(), limit };
        RateLimits { authenticated: Mutex::new(bucket), others: Mutex::new(others) }
    }

    /// Whether an authenticated request is allowed; an allowed request is counted.
    pub(crate) fn take_authenticated(&self, now: Instant) -> bool {
        self.authenticated.lock().unwrap_or_else(PoisonError::into_inner).take(now)
    }

    /// Whether another request is allowed; an allowed request is counted.
    pub(crate) fn take_other(&self, peer: Peer, now: Instant) -> bool {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).take(peer, now)
    }
}

/// Source of a request: an IPv4 address, or a /64 IPv6 network, which usually belongs to one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(u128);

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Peer {
        match address.to_canonical() {
            IpAddr::V4(address) => Peer(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Peer(address.to_bits() >> 64 << 64),
        }
    }
}

#[derive(Debug)]
struct Others {
    limit: RateLimit,
    by_peer: HashMap<Peer, Bucket>,
    further: Bucket,
}

impl Others {
    fn take(&mut self, peer: Peer, now: Instant) -> bool {
        if self.by_peer.len() >= MAX_PEERS && !self.by_peer.contains_key(&peer) {
            self.by_peer.retain(|_, bucket| !bucket.is_full(now));
            if self.by_peer.len() >= MAX_PEERS {
                return self.further.take(now);
            }
        }
        let limit = self.limit;
        self.by_peer.entry(peer).or_insert(Bucket { limit, due: None }).take(now)
    }
}

/// The state of one limit.
#[derive(Clone, Debug)]
struct Bucket {
    limit: RateLimit,
    /// When the next request would come if all previous ones had kept the interval.
    due: Option<Instant>,
}

impl Bucket {
    /// Whether a request is allowed now; an allowed request is counted.
    fn take(&mut self, now: Instant) -> bool {
        let RateLimit { interval, burst } = self.limit;
        let Some(further) = burst.checked_sub(1) else { return false };
        let due = self.due.map_or(now, |due| due.max(now));
        if due - now > interval.checked_mul(further).unwrap_or(Duration::MAX) {
            return false;
        }
        // If the clock cannot represent the time, the limit does not change.
        self.due = due.checked_add(interval).or(self.due);
        true
    }

    /// Whether the whole burst is available, as before the first request.
    fn is_full(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(interval: Duration, burst: u32) -> Bucket {
        Bucket { limit: RateLimit { interval, burst }, due: None }
    }

    fn peer(number: u32) -> Peer {
        IpAddr::from(std::net::Ipv4Addr::from_bits(number)).into()
    }

    #[test]
    fn a_burst_is_allowed_at_once_and_then_one_request_per_interval() {
        let mut bucket = bucket(SECOND, 3);
        let start = Instant::now();
        let taken = |bucket: &mut Bucket, now| (0..10).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(&mut bucket, start), 3);
        assert_eq!(taken(&mut bucket, start + SECOND / 2), 0);
        assert_eq!(taken(&mut bucket, start + SECOND), 1);
        assert_eq!(taken(&mut bucket, start + 3 * SECOND), 2);
        assert_eq!(taken(&mut bucket, start + 1000 * SECOND), 3, "a long rest saves no more than a burst");
    }

    #[test]
    fn a_burst_of_zero_allows_nothing_and_large_numbers_do_not_overflow() {
        assert!(!bucket(SECOND, 0).take(Instant::now()));
        let mut endless = bucket(Duration::MAX, u32::MAX);
        assert!(endless.take(Instant::now()) && endless.take(Instant::now()));
    }

    #[test]
    fn each_address_has_its_own_limit_and_their_number_is_bounded() {
        let limits = RateLimits::new(RateLimit { interval: SECOND, burst: 1 });
        let start = Instant::now();
        let many = MAX_PEERS as u32;
        assert!((0..many).all(|number| limits.take_other(peer(number), start)));
        assert!((0..many).all(|number| !limits.take_other(peer(number), start)), "each has used its own");
        assert!(limits.take_other(peer(many), start) && !limits.take_other(peer(many + 1), start), "these share one");
        assert!(limits.take_authenticated(start), "authenticated requests have their own");
        assert!(limits.take_other(peer(many + 1), start + SECOND), "there is room again");
        assert!(limits.others.lock().unwrap().by_peer.len() <= MAX_PEERS);
    }

    #[test]
    fn an_ipv6_host_cannot_evade_its_limit_by_changing_its_address() {
        let peer = |text: &str| Peer::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    }
}
