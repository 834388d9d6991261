//! Basic authentication: user and password of a request against the bcrypt hashes of the users.
//!
//! A check takes as long as the cost of the hash requires: tens of milliseconds to seconds of a whole core. Checks
//! therefore run one at a time on a thread that may block, few of them wait, and further ones are refused at once. An
//! accepted password is remembered as a keyed digest and never waits. Each check does the same amount of work, whether
//! or not the user exists and whatever the cost of its hash, so that its duration does not reveal which users exist.
//!
//! Never here: a password in memory for longer than its check, a log.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;

use crate::rate_limit::Peer;
use crate::settings::PasswordHash;

/// Wrong passwords that are remembered, so that repeated mistakes of a client cost little.
const MAX_REMEMBERED_WRONG: usize = 64;

/// Concurrent checks: the running one and those that wait.
const MAX_CHECKS: usize = 8;

/// The same for one address, so that one client cannot take all places.
const MAX_CHECKS_OF_PEER: usize = 2;

/// The same for all addresses whose last check failed: an address with its first password has a place whatever they do.
const MAX_CHECKS_OF_FAILED: usize = 4;

/// Addresses that are remembered because their last check failed.
const MAX_REMEMBERED_FAILED: usize = 4096;

/// Salt and digest, after the cost, of a hash that no known password matches.
const DECOY: &str = "$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";

type Digest = [u8; 32];

/// The users of a server.
pub(crate) struct Users {
    hashes: BTreeMap<String, PasswordHash>,
    /// The highest cost of all hashes.
    cost: u32,
    key: hmac::Key,
    known: Mutex<Known>,
    checks: Arc<Checks>,
}

/// Results of earlier checks. The digests are useless without the key.
#[derive(Default)]
struct Known {
    /// The correct password of each user, once seen.
    right: HashMap<String, Digest>,
    wrong: VecDeque<Digest>,
}

/// The result that is known before a check.
pub(crate) enum Recalled {
    /// The password is correct.
    Right,
    /// It has no password, or a wrong one.
    Wrong,
    /// It needs a check.
    Unknown(Credentials),
}

/// User and password of a request.
pub(crate) struct Credentials {
    user: String,
    password: Vec<u8>,
    digest: Digest,
}

/// [`MAX_CHECKS`] checks are active, or [`MAX_CHECKS_OF_PEER`] of the same address, or [`MAX_CHECKS_OF_FAILED`] of those that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooManyChecks;

impl Users {
    /// These users; `None` if there are none. Remembered passwords of `previous` are kept for users whose hash is
    /// unchanged, so that known clients do not wait after a reload.
    ///
    /// # Errors
    /// If the system provides no random numbers.
    pub(crate) fn new(
        hashes: BTreeMap<String, PasswordHash>,
        previous: Option<&Users>,
    ) -> Result<Option<Users>, String> {
        let Some(cost) = hashes.values().map(PasswordHash::cost).max() else { return Ok(None) };
        let (key, known, checks) = match previous {
            Some(previous) => {
                let same = |user: &String| hashes.get(user) == previous.hashes.get(user);
                let right = previous.known().right.clone().into_iter().filter(|(user, _)| same(user)).collect();
                (previous.key.clone(), Known { right, ..Known::default() }, Arc::clone(&previous.checks))
            }
            None => {
                let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                    .map_err(|_| "the system provides no random numbers")?;
                (key, Known::default(), Arc::default())
            }
        };
        Ok(Some(Users { hashes, cost, key, known: Mutex::new(known), checks }))
    }

    /// The known result for a request with this header `Authorization`.
    pub(crate) fn recall(&self, authorization: Option<&HeaderValue>) -> Recalled {
        let Some((user, password)) = authorization.and_then(decode) else { return Recalled::Wrong };
        let digest = self.digest(&user, &password);
        match self.remembered(&user, &digest) {
            Some(true) => Recalled::Right,
            Some(false) => Recalled::Wrong,
            None => Recalled::Unknown(Credentials { user, password, digest }),
        }
    }

    /// Checks an unknown password. A check that has begun is completed and its result remembered, even if the caller
    /// does not wait for it.
    ///
    /// # Errors
    /// Immediately, if there are too many checks.
    pub(crate) async fn check(self: &Arc<Self>, credentials: Credentials, peer: Peer) -> Result<bool, TooManyChecks> {
        let place = Place::take(&self.checks, peer)?;
        // An error means that the semaphore was closed, which does not happen.
        let Ok(turn) = Arc::clone(&self.checks.turn).acquire_owned().await else { return Ok(false) };
        let Credentials { user, password, digest } = credentials;
        // Other requests with the same password may have waited before this one.
        if let Some(right) = self.remembered(&user, &digest) {
            return Ok(right);
        }
        let users = Arc::clone(self);
        let check = tokio::task::spawn_blocking(move || {
            let right = users.is_right(&user, &password);
            users.remember(user, digest, right);
            users.checks.places().note(peer, right);
            drop((turn, place));
            right
        });
        // A panic in the check counts as a refusal.
        Ok(check.await.unwrap_or(false))
    }

    fn is_right(&self, user: &str, password: &[u8]) -> bool {
        let hash = self.hashes.get(user);
        let mut costs = self.costs(hash).into_iter();
        let first = costs.next().map(decoy).unwrap_or_default();
        let fits = bcrypt::verify(password, hash.map_or(&first, PasswordHash::text)).unwrap_or(false);
        for cost in costs {
            std::hint::black_box(bcrypt::verify(password, &decoy(cost)).unwrap_or(false));
        }
        hash.is_some() && fits
    }

    /// The costs of the hashes to compute for a user. Each step of the cost doubles the work, so `c` followed by `c` to
    /// `highest - 1` equals the work of `highest`: 2^c + (2^c + … + 2^(highest-1)) = 2^highest.
    fn costs(&self, hash: Option<&PasswordHash>) -> Vec<u32> {
        let own = hash.map_or(self.cost, PasswordHash::cost);
        std::iter::once(own).chain(own..self.cost).collect()
    }

    /// Keyed with a random number of this process. The length separates name and password.
    fn digest(&self, user: &str, password: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(user.len() as u64).to_be_bytes());
        context.update(user.as_bytes());
        context.update(password);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn remembered(&self, user: &str, digest: &Digest) -> Option<bool> {
        let known = self.known();
        // A constant-time comparison is not needed: without the key, digests cannot be chosen.
        if known.right.get(user) == Some(digest) {
            return Some(true);
        }
        known.wrong.contains(digest).then_some(false)
    }

    fn remember(&self, user: String, digest: Digest, right: bool) {
        let mut known = self.known();
        if right {
            known.right.insert(user, digest);
            return;
        }
        if known.wrong.len() >= MAX_REMEMBERED_WRONG {
            known.wrong.pop_front();
        }
        known.wrong.push_back(digest);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic leaves no value half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running and waiting checks, across reloads.
struct Checks {
    /// One check at a time: the other cores serve answers.
    turn: Arc<Semaphore>,
    places: Mutex<Places>,
}

impl Default for Checks {
    fn default() -> Checks {
        Checks { turn: Arc::new(Semaphore::new(1)), places: Mutex::default() }
    }
}

impl Checks {
    fn places(&self) -> MutexGuard<'_, Places> {
        // A panic leaves no value half changed.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The places that are taken, and the addresses whose last check failed.
#[derive(Default)]
struct Places {
    by_peer: HashMap<Peer, usize>,
    failed: VecDeque<Peer>,
}

impl Places {
    fn note(&mut self, peer: Peer, right: bool) {
        self.failed.retain(|failed| *failed != peer);
        if !right {
            if self.failed.len() >= MAX_REMEMBERED_FAILED {
                self.failed.pop_front();
            }
            self.failed.push_back(peer);
        }
    }

    fn is_free_for(&self, peer: Peer) -> bool {
        let of_failed = || {
            self.by_peer.iter().filter(|(peer, _)| self.failed.contains(peer)).map(|(_, count)| count).sum::<usize>()
        };
        self.by_peer.values().sum::<usize>() < MAX_CHECKS
            && self.by_peer.get(&peer).is_none_or(|count| *count < MAX_CHECKS_OF_PEER)
            && !(self.failed.contains(&peer) && of_failed() >= MAX_CHECKS_OF_FAILED)
    }
}

/// A place among the checks, held until it is dropped.
struct Place {
    checks: Arc<Checks>,
    peer: Peer,
}

impl Place {
    fn take(checks: &Arc<Checks>, peer: Peer) -> Result<Place, TooManyChecks> {
        let mut places = checks.places();
        if !places.is_free_for(peer) {
            return Err(TooManyChecks);
        }
        *places.by_peer.entry(peer).or_default() += 1;
        Ok(Place { checks: Arc::clone(checks), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let by_peer = &mut self.checks.places().by_peer;
        if let Some(count) = by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                by_peer.remove(&self.peer);
            }
        }
    }
}

/// A hash of this cost that no known password matches.
fn decoy(cost: u32) -> String {
    format!("$2y${cost:02}{DECOY}")
}

/// The user that a header `Authorization` names, whether or not the password is correct.
pub(crate) fn user_of(authorization: &HeaderValue) -> Option<String> {
    decode(authorization).map(|(user, _)| user)
}

/// User and password of HTTP basic authentication (RFC 7617); the password may contain any bytes.
fn decode(authorization: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = authorization.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut user = STANDARD.decode(encoded.trim()).ok()?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.split_off(colon + 1);
    user.truncate(colon);
    Some((String::from_utf8(user).ok()?, password))
}

#[cfg(test)]
mod tests;
