//! Deadlines of a connection, depending on its phase.
//!
//! A connection waits for a header, processes a request, sends the rest of the response, is idle, or closes.
//! [`ConnectionTimer`] knows the phase and its start; `timed_stream` reports when bytes move. At any time they give one
//! deadline, at which the driver of the connection closes it.
//!
//! hyper has a timeout for headers, but it also closes connections that are idle between two scrapes, and it has none
//! for clients that stop reading.
//!
//! Never here: timers, HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::web::settings::WebSettings;

/// Time and bytes for which the server reads after the last response. Closing a socket with unread bytes resets it, and
/// the reset may overtake the response (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_millis(500);
pub(super) const LINGER_BYTES: usize = 256 * 1024;

/// How long the client of a request may delay it before its connection can be evicted.
const SLACK: Duration = Duration::from_secs(1);

/// Replaces a configured duration that exceeds the range of the clock.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits for the rest of a header.
    Header,
    /// From the end of the header until the last byte of the response was handed over.
    Request,
    /// The response is handed over, but not fully written to the socket.
    Flush,
    /// Idle between two requests.
    Idle,
    /// The last response is sent; the connection closes.
    Linger,
}

/// A request from the end of its header until its response was handed over.
#[derive(Clone, Copy, Debug)]
struct ActiveRequest {
    number: u64,
    since: Instant,
    /// Whether its body was read completely.
    whole: bool,
}

/// Eviction order of connections, lowest first. The number of admitted requests counts for more than age: a client that
/// was answered often, such as Prometheus, stays while others come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EvictionRank {
    /// A request is in progress.
    busy: bool,
    /// No request of it was rejected, or one was admitted. A rejected client has had a response, while a new connection
    /// may be about to send the right password.
    unrefused: bool,
    /// Number of admitted requests.
    admitted: u64,
    /// Start of the current phase.
    since: Instant,
}

#[derive(Clone, Debug)]
struct ConnectionTiming {
    phase: Phase,
    since: Instant,
    /// Requests in progress, the oldest first.
    requests: Vec<ActiveRequest>,
    /// Number of the next request.
    next_request: u64,
    /// Number of admitted requests.
    admitted: u64,
    /// Whether one of them was authenticated.
    authenticated: bool,
    /// Whether requests share the connection (HTTP/2). Then bytes between two responses need not start another request.
    shared: bool,
    /// Since when the client reads no bytes; `None` while it reads.
    blocked_since: Option<Instant>,
}

impl ConnectionTiming {
    fn new(now: Instant) -> ConnectionTiming {
        ConnectionTiming {
            phase: Phase::Header,
            since: now,
            requests: Vec::new(),
            next_request: 0,
            admitted: 0,
            authenticated: false,
            shared: false,
            blocked_since: None,
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }

    fn received(&mut self, now: Instant) {
        if self.phase == Phase::Idle && !self.shared {
            self.enter(Phase::Header, now);
        }
    }

    fn requested(&mut self, now: Instant) -> u64 {
        let number = self.next_request;
        self.next_request += 1;
        self.requests.push(ActiveRequest { number, since: now, whole: false });
        // The oldest of several requests determines the deadline.
        self.enter(Phase::Request, self.requests[0].since);
        number
    }

    fn read_whole(&mut self, number: u64) {
        self.requests.iter_mut().filter(|request| request.number == number).for_each(|request| request.whole = true);
    }

    fn handed_over(&mut self, number: u64) {
        self.requests.retain(|request| request.number != number);
        match self.requests.first() {
            Some(request) => self.since = request.since,
            // The deadline of the request stays.
            None if self.phase == Phase::Request => self.phase = Phase::Flush,
            None => {}
        }
    }

    fn flushed(&mut self, now: Instant) {
        if self.phase == Phase::Flush {
            self.enter(Phase::Idle, now);
        }
    }

    fn deadline(&self, settings: &WebSettings) -> Instant {
        let allowed = match self.phase {
            Phase::Header => settings.header_timeout,
            Phase::Request | Phase::Flush => settings.request_timeout,
            Phase::Idle => settings.idle_timeout,
            Phase::Linger => LINGER,
        };
        let phase_end = after(self.since, allowed);
        match self.blocked_since {
            Some(since) => phase_end.min(after(since, settings.write_stall_timeout)),
            None => phase_end,
        }
    }

    fn admitted(&mut self, authenticated: bool) {
        self.admitted += 1;
        self.authenticated |= authenticated;
    }

    fn standing(&self, now: Instant) -> Option<EvictionRank> {
        if self.authenticated {
            return None;
        }
        let (busy, since) = match self.phase {
            Phase::Header | Phase::Idle | Phase::Linger => (false, self.since),
            Phase::Request | Phase::Flush => {
                let unread = self.requests.iter().find(|request| !request.whole).map(|request| request.since);
                let waiting_for_client = [unread, self.blocked_since].into_iter().flatten().min()?;
                (true, Some(waiting_for_client).filter(|since| now.saturating_duration_since(*since) >= SLACK)?)
            }
        };
        let unrefused = self.next_request == 0 || self.admitted > 0;
        Some(EvictionRank { busy, unrefused, admitted: self.admitted, since })
    }
}

fn after(start: Instant, duration: Duration) -> Instant {
    start + duration.min(NEVER)
}

/// The timer of one connection, shared by its socket, its requests and its driver.
#[derive(Debug)]
pub(super) struct ConnectionTimer(Mutex<ConnectionTiming>);

impl ConnectionTimer {
    pub(super) fn new() -> ConnectionTimer {
        ConnectionTimer(Mutex::new(ConnectionTiming::new(Instant::now())))
    }

    /// When the connection is closed if nothing happens before.
    pub(super) fn deadline(&self, settings: &WebSettings) -> Instant {
        self.pace().deadline(settings)
    }

    /// The header of a request is complete. The response holds the returned value until it is handed over.
    pub(super) fn start_request(self: &Arc<Self>) -> RequestMark {
        let number = self.pace().requested(Instant::now());
        RequestMark { clock: Arc::clone(self), number }
    }

    /// Eviction rank of the connection; `None` while it waits for the server, and from its first authenticated request
    /// on.
    pub(super) fn standing(&self, now: Instant) -> Option<EvictionRank> {
        self.pace().standing(now)
    }

    /// Bytes came from the client.
    pub(super) fn received(&self) {
        self.pace().received(Instant::now());
    }

    /// The client read bytes, or did not.
    pub(super) fn wrote(&self, taken: bool) {
        let mut pace = self.pace();
        if taken {
            pace.blocked_since = None;
        } else {
            pace.blocked_since.get_or_insert_with(Instant::now);
        }
    }

    /// No bytes are left to send.
    pub(super) fn flushed(&self) {
        self.pace().flushed(Instant::now());
    }

    /// The last byte was sent; further input is discarded.
    pub(super) fn lingers(&self) {
        self.pace().enter(Phase::Linger, Instant::now());
    }

    /// From now on, several requests may be in progress at a time.
    pub(super) fn share(&self) {
        self.pace().shared = true;
    }

    fn pace(&self) -> MutexGuard<'_, ConnectionTiming> {
        // Nothing here panics halfway, so the value of a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a request in the timer when it is dropped.
#[derive(Debug)]
pub(super) struct RequestMark {
    clock: Arc<ConnectionTimer>,
    number: u64,
}

impl RequestMark {
    /// The request is admitted; `authenticated`: whether it needed credentials.
    pub(super) fn admitted(&self, authenticated: bool) {
        self.clock.pace().admitted(authenticated);
    }

    /// The rest of the request is not read.
    pub(super) fn read_whole(&self) {
        self.clock.pace().read_whole(self.number);
    }
}

impl Drop for RequestMark {
    fn drop(&mut self) {
        self.clock.pace().handed_over(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn left(pace: &ConnectionTiming, now: Instant) -> Duration {
        pace.deadline(&WebSettings::default()) - now
    }

    #[test]
    fn each_phase_has_its_own_time() {
        let start = Instant::now();
        let mut pace = ConnectionTiming::new(start);
        assert_eq!(left(&pace, start), 10 * SECOND, "a new connection has the time of a header");

        pace.received(start + SECOND);
        assert_eq!(left(&pace, start), 10 * SECOND, "more bytes of a header do not prolong it");

        let request = pace.requested(start);
        assert_eq!(left(&pace, start), 120 * SECOND, "a request has its own");
        pace.received(start + SECOND);
        pace.flushed(start + SECOND);
        assert_eq!(left(&pace, start), 120 * SECOND, "neither its body nor a flush within it changes that");

        pace.handed_over(request);
        assert_eq!(left(&pace, start), 120 * SECOND, "what is still to be sent belongs to the request");
        pace.flushed(start);
        assert_eq!(left(&pace, start), 130 * SECOND, "then the connection may rest longer than a header may take");

        pace.received(start + 60 * SECOND);
        assert_eq!(left(&pace, start + 60 * SECOND), 10 * SECOND, "until the first byte of the next request");
    }

    #[test]
    fn a_client_that_takes_no_bytes_has_less_time_and_never_more() {
        let start = Instant::now();
        let mut pace = ConnectionTiming::new(start);
        pace.requested(start);
        pace.blocked_since = Some(start + SECOND);
        assert_eq!(left(&pace, start), 31 * SECOND);
        pace.blocked_since = Some(start + 119 * SECOND);
        assert_eq!(left(&pace, start), 120 * SECOND);
    }

    #[test]
    fn of_requests_that_share_a_connection_the_oldest_counts_and_other_bytes_do_not() {
        let start = Instant::now();
        let mut pace = ConnectionTiming { shared: true, ..ConnectionTiming::new(start) };
        assert_eq!(left(&pace, start), 10 * SECOND, "the first request must come as soon as ever");
        let first = pace.requested(start);
        let second = pace.requested(start + 50 * SECOND);
        assert_eq!(left(&pace, start), 120 * SECOND);
        pace.handed_over(first);
        pace.flushed(start + 60 * SECOND);
        assert_eq!(left(&pace, start), 170 * SECOND, "the other request continues");
        pace.handed_over(second);
        pace.flushed(start + 60 * SECOND);
        pace.received(start + 100 * SECOND);
        assert_eq!(left(&pace, start), 190 * SECOND, "bytes between two requests neither shorten nor prolong the rest");
    }

    #[test]
    fn who_was_answered_often_is_missed_most_and_who_waits_for_us_is_never_given_up() {
        let start = Instant::now();
        let silent = ConnectionTiming::new(start);
        let newer = ConnectionTiming::new(start + SECOND);
        let mut answered = ConnectionTiming::new(start);
        let request = answered.requested(start);
        answered.read_whole(request);
        answered.admitted(false);
        assert_eq!(answered.standing(start + 100 * SECOND), None, "it waits for its answer");
        answered.handed_over(request);
        answered.flushed(start);
        let now = start + 2 * SECOND;
        assert!(silent.standing(now) < newer.standing(now), "the oldest silent connection is evicted first");
        assert!(newer.standing(now) < answered.standing(now), "an answered connection stays longer");
        let mut refused = ConnectionTiming::new(start + SECOND);
        let request = refused.requested(start + SECOND);
        refused.handed_over(request);
        refused.flushed(start + SECOND);
        assert!(refused.standing(now) < silent.standing(now), "a rejected connection is evicted before a silent one");
        let mut known = answered.clone();
        known.admitted(true);
        assert_eq!(known.standing(now), None, "an authenticated connection stays");
        let mut stuck = ConnectionTiming::new(start);
        let request = stuck.requested(start);
        assert_eq!(stuck.standing(start), None, "the rest of a request may take a moment");
        assert!(stuck.standing(now) > answered.standing(now), "a body that does not end");
        stuck.read_whole(request);
        assert_eq!(stuck.standing(now), None);
        stuck.blocked_since = Some(start);
        assert!(stuck.standing(now) > answered.standing(now), "a response that the client does not read");
    }

    #[test]
    fn an_endless_timeout_does_not_overflow_the_clock() {
        let start = Instant::now();
        let settings = WebSettings { header_timeout: Duration::MAX, ..WebSettings::default() };
        assert_eq!(ConnectionTiming::new(start).deadline(&settings), start + NEVER);
    }
}
