//! Checks of passwords, and remembered results.
//!
//! Never here: a server.

use std::net::{IpAddr, Ipv4Addr};

use super::*;

fn header(user: &str, password: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).unwrap()
}

fn peer(number: u8) -> Peer {
    IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into()
}

fn hash(password: &str, cost: u32) -> PasswordHash {
    PasswordHash::new(&bcrypt::hash(password, cost).unwrap()).unwrap()
}

fn hashes() -> BTreeMap<String, PasswordHash> {
    [("alice".to_owned(), hash("secret", 4)), ("bob".to_owned(), hash("se:cret", 6))].into()
}

fn users() -> Arc<Users> {
    Arc::new(Users::new(hashes(), None).unwrap().expect("there are users"))
}

impl Users {
    async fn admits(self: &Arc<Self>, header: &HeaderValue, peer: Peer) -> Result<bool, TooManyChecks> {
        match self.recall(Some(header)) {
            Recalled::Right => Ok(true),
            Recalled::Wrong => Ok(false),
            Recalled::Unknown(credentials) => self.check(credentials, peer).await,
        }
    }
}

#[tokio::test]
async fn only_the_correct_password_of_a_user_is_accepted_also_when_repeated() {
    let users = users();
    for _ in 0..3 {
        assert_eq!(users.admits(&header("alice", "secret"), peer(1)).await, Ok(true));
        assert_eq!(users.admits(&header("bob", "se:cret"), peer(1)).await, Ok(true), "a password may hold a colon");
        for (user, password) in [("alice", "Secret"), ("alice", ""), ("bob", "secret"), ("carol", "secret"), ("", "")] {
            assert_eq!(users.admits(&header(user, password), peer(1)).await, Ok(false), "{user}:{password}");
        }
    }
    assert_eq!(users.known().right.len(), 2);
    assert_eq!(users.known().wrong.len(), 5);
}

#[tokio::test]
async fn other_authentication_is_refused_without_a_check() {
    let users = users();
    for bad in ["", "Basic", "Basic ", "Basic ###", "Bearer YWxpY2U6c2VjcmV0", "Basic YWxpY2U="] {
        let header = HeaderValue::from_str(bad).unwrap();
        assert!(matches!(users.recall(Some(&header)), Recalled::Wrong), "{bad:?}");
    }
    assert!(matches!(users.recall(None), Recalled::Wrong));
    assert!(users.known().wrong.is_empty());
    let lower = HeaderValue::from_static("basic YWxpY2U6c2VjcmV0");
    assert_eq!(users.admits(&lower, peer(1)).await, Ok(true), "the scheme is written in any case");
}

#[test]
fn each_check_takes_the_same_work_for_any_user() {
    let users = users();
    for user in ["alice", "bob", "nobody"] {
        let costs = users.costs(users.hashes.get(user));
        assert_eq!(costs.iter().map(|cost| 1 << cost).sum::<u64>(), 1 << 6, "{user}: {costs:?}");
        assert!(!users.is_right(user, b"wrong"), "{user}");
    }
    let parts: bcrypt::HashParts = decoy(6).parse().expect("a hash");
    assert_eq!(parts.get_cost(), 6);
    assert!(users.is_right("alice", b"secret") && users.is_right("bob", b"se:cret"));
}

#[tokio::test]
async fn wrong_passwords_are_remembered_up_to_a_limit_and_correct_ones_do_not_wait() {
    let users = users();
    assert_eq!(users.admits(&header("alice", "secret"), peer(1)).await, Ok(true));
    for number in 0..2 * MAX_REMEMBERED_WRONG {
        users.remember("alice".into(), users.digest("alice", number.to_string().as_bytes()), false);
    }
    assert_eq!(users.known().wrong.len(), MAX_REMEMBERED_WRONG);
    let _busy = users.checks.turn.acquire().await.unwrap();
    assert_eq!(users.admits(&header("alice", "secret"), peer(1)).await, Ok(true), "although a check runs");
}

#[tokio::test]
async fn few_checks_wait_and_further_ones_are_refused_at_once() {
    let users = users();
    let busy = users.checks.turn.acquire().await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..MAX_CHECKS as u8 {
        let users = Arc::clone(&users);
        waiting.spawn(async move { users.admits(&header("bob", &number.to_string()), peer(number / 2)).await });
    }
    while users.checks.places().by_peer.values().sum::<usize>() < MAX_CHECKS {
        tokio::task::yield_now().await;
    }
    assert_eq!(users.admits(&header("alice", "secret"), peer(99)).await, Err(TooManyChecks));
    drop(busy);
    while let Some(done) = waiting.join_next().await {
        assert_eq!(done.unwrap(), Ok(false));
    }
    assert_eq!(users.admits(&header("alice", "secret"), peer(99)).await, Ok(true), "there is room again");
    assert!(users.checks.places().by_peer.is_empty());
}

#[tokio::test]
async fn one_address_does_not_take_the_places_of_others() {
    let users = users();
    let places: Vec<_> = (0..MAX_CHECKS_OF_PEER).map(|_| Place::take(&users.checks, peer(1)).unwrap()).collect();
    assert_eq!(users.admits(&header("alice", "secret"), peer(1)).await, Err(TooManyChecks));
    assert_eq!(users.admits(&header("alice", "secret"), peer(2)).await, Ok(true));
    drop(places);
}

#[tokio::test]
async fn addresses_that_failed_leave_places_for_those_that_did_not() {
    let users = users();
    for number in 0..20 {
        let password = format!("guess {number}");
        assert_eq!(users.admits(&header("alice", &password), peer(number)).await, Ok(false));
    }
    let places: Vec<_> = (0..20).filter_map(|number| Place::take(&users.checks, peer(number)).ok()).collect();
    assert_eq!(places.len(), MAX_CHECKS_OF_FAILED);
    assert_eq!(users.admits(&header("alice", "secret"), peer(5)).await, Err(TooManyChecks));
    assert_eq!(users.admits(&header("alice", "secret"), peer(99)).await, Ok(true), "its first password");
    drop(places);
    assert_eq!(users.admits(&header("bob", "se:cret"), peer(5)).await, Ok(true));
    let failed = users.checks.places().failed.clone();
    assert_eq!(failed.len(), 19, "the last check of {failed:?} failed");
}

#[tokio::test]
async fn a_client_that_disconnects_does_not_let_a_second_check_begin() {
    let users = users();
    let Recalled::Unknown(credentials) = users.recall(Some(&header("bob", "wrong"))) else { panic!("not known") };
    let mut check = Box::pin(users.check(credentials, peer(1)));
    // The first poll starts the check on its thread.
    let begun = std::future::poll_fn(|context| std::task::Poll::Ready(check.as_mut().poll(context).is_pending()));
    assert!(begun.await);
    drop(check);
    let turn = users.checks.turn.acquire().await.unwrap();
    assert_eq!(users.known().wrong.len(), 1, "the check was finished before the next one may begin");
    drop(turn);
}

#[tokio::test]
async fn a_reload_keeps_the_remembered_passwords_of_users_with_the_same_hash() {
    let users = users();
    for (user, password) in [("alice", "secret"), ("bob", "se:cret")] {
        assert_eq!(users.admits(&header(user, password), peer(1)).await, Ok(true));
    }
    let mut hashes = users.hashes.clone();
    hashes.insert("bob".into(), hash("other", 4));
    let reloaded = Arc::new(Users::new(hashes, Some(&users)).unwrap().unwrap());
    let _busy = reloaded.checks.turn.acquire().await.unwrap();
    assert!(matches!(reloaded.recall(Some(&header("alice", "secret"))), Recalled::Right));
    assert!(matches!(reloaded.recall(Some(&header("bob", "se:cret"))), Recalled::Unknown(_)));
    assert!(users.checks.turn.try_acquire().is_err(), "checks of before and after take turns");
}
