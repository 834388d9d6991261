//! Who may ask: user and password of a request against the hashes of the users.
//!
//! A check takes as long as whoever made the hash wanted: tens of milliseconds to seconds of a whole core. So it runs on
//! a thread that may be kept busy, one at a time, and a password that was right once is known again by a keyed digest.
//! A user that does not exist costs the same work, so that nobody learns which ones do.
//!
//! Never here: a password in memory for longer than its request, a log.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;

use crate::settings::PasswordHash;

/// Wrong passwords that are remembered, so that a client that repeats its mistake costs little.
const REMEMBERED_MISTAKES: usize = 64;

/// Behind the cost of a hash that no password fits, as far as anybody knows.
const DECOY: &str = "$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";

type Digest = [u8; 32];

/// The users of a server.
pub(crate) struct Users {
    hashes: BTreeMap<String, PasswordHash>,
    /// What is checked for a user that does not exist: as costly as the costliest.
    decoy: String,
    key: hmac::Key,
    known: Mutex<Known>,
    /// One check at a time: what is left of the machine is for answers.
    turn: Semaphore,
}

/// Outcomes of earlier checks. The digests tell nothing to whoever does not have the key.
#[derive(Default)]
struct Known {
    /// The right password of each user, once seen.
    right: HashMap<String, Digest>,
    wrong: VecDeque<Digest>,
}

impl Users {
    /// These users; `None` when there are none and everybody may ask.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(crate) fn new(hashes: BTreeMap<String, PasswordHash>) -> Result<Option<Users>, String> {
        let Some(cost) = hashes.values().map(PasswordHash::cost).max() else { return Ok(None) };
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| "the system gives no random numbers")?;
        let decoy = format!("$2y${cost:02}{DECOY}");
        Ok(Some(Users { hashes, decoy, key, known: Mutex::default(), turn: Semaphore::new(1) }))
    }

    /// Whether a request with this header `Authorization` may pass.
    pub(crate) async fn authenticate(self: &Arc<Self>, authorization: Option<&HeaderValue>) -> bool {
        let Some((user, password)) = authorization.and_then(credentials) else { return false };
        let digest = self.digest(&user, &password);
        if let Some(right) = self.remembered(&user, &digest) {
            return right;
        }
        // An error means that the semaphore was closed, which nobody does.
        let Ok(_turn) = self.turn.acquire().await else { return false };
        // Others with the same password may have waited here before us.
        if let Some(right) = self.remembered(&user, &digest) {
            return right;
        }
        let users = Arc::clone(self);
        let name = user.clone();
        // A panic in there is a refusal.
        let right = tokio::task::spawn_blocking(move || users.check(&name, &password)).await.unwrap_or(false);
        self.remember(user, digest, right);
        right
    }

    fn check(&self, user: &str, password: &[u8]) -> bool {
        let hash = self.hashes.get(user);
        let fits = bcrypt::verify(password, hash.map_or(&self.decoy, PasswordHash::text)).unwrap_or(false);
        hash.is_some() && fits
    }

    /// Keyed with a number of this process. The length keeps name and password apart.
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
        // Compared as it is: who can choose digests has the key.
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
        if known.wrong.len() >= REMEMBERED_MISTAKES {
            known.wrong.pop_front();
        }
        known.wrong.push_back(digest);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing in here panics halfway, so what a panicking holder left is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// User and password of HTTP's basic authentication (RFC 7617); the password may hold any bytes.
fn credentials(authorization: &HeaderValue) -> Option<(String, Vec<u8>)> {
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
mod tests {
    use super::*;

    fn header(user: &str, password: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).unwrap()
    }

    fn users() -> Arc<Users> {
        let hash = |password, cost| PasswordHash::new(&bcrypt::hash(password, cost).unwrap()).unwrap();
        let hashes = [("alice".to_owned(), hash("secret", 4)), ("bob".to_owned(), hash("se:cret", 5))];
        Arc::new(Users::new(hashes.into()).unwrap().expect("there are users"))
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_user_passes_also_when_asked_again() {
        let users = users();
        for _ in 0..3 {
            assert!(users.authenticate(Some(&header("alice", "secret"))).await);
            assert!(users.authenticate(Some(&header("bob", "se:cret"))).await, "a password may hold a colon");
            for (user, password) in
                [("alice", "Secret"), ("alice", ""), ("bob", "secret"), ("carol", "secret"), ("", "")]
            {
                assert!(!users.authenticate(Some(&header(user, password))).await, "{user}:{password}");
            }
        }
        assert_eq!(users.known().right.len(), 2);
        assert_eq!(users.known().wrong.len(), 5);
    }

    #[tokio::test]
    async fn what_is_no_basic_authentication_is_refused_without_work() {
        let users = users();
        for bad in ["", "Basic", "Basic ", "Basic ###", "Bearer YWxpY2U6c2VjcmV0", "Basic YWxpY2U="] {
            assert!(!users.authenticate(Some(&HeaderValue::from_str(bad).unwrap())).await, "{bad:?}");
        }
        assert!(!users.authenticate(None).await);
        assert!(users.known().wrong.is_empty());
        let lower = HeaderValue::from_static("basic YWxpY2U6c2VjcmV0");
        assert!(users.authenticate(Some(&lower)).await, "the scheme is written in any case");
    }

    #[test]
    fn a_user_that_does_not_exist_costs_as_much_as_the_costliest() {
        let users = users();
        let decoy: bcrypt::HashParts = users.decoy.parse().expect("a hash");
        assert_eq!(decoy.get_cost(), 5);
        assert!(!users.check("nobody", b"secret"));
    }

    #[tokio::test]
    async fn mistakes_are_remembered_up_to_a_limit_and_right_passwords_stay() {
        let users = users();
        assert!(users.authenticate(Some(&header("alice", "secret"))).await);
        for number in 0..2 * REMEMBERED_MISTAKES {
            users.remember("alice".into(), users.digest("alice", number.to_string().as_bytes()), false);
        }
        assert_eq!(users.known().wrong.len(), REMEMBERED_MISTAKES);
        let _busy = users.turn.acquire().await.unwrap();
        assert!(
            users.authenticate(Some(&header("alice", "secret"))).await,
            "known again although a check is under way"
        );
    }
}
