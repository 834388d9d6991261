//! Peers of every kind at the other end of a pipe, with the time paused.
//!
//! Never here: sockets.

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use tokio::io::{DuplexStream, duplex};

use super::*;

const MAGIC: [u8; 4] = [0xfc, 0xc1, 0xb7, 0xdc];
const PATIENCE: Duration = Duration::from_secs(10);

fn greeting() -> Greeting {
    let version = Version { protocol_version: 70_240, timestamp: 1_800_000_000, nonce: 7, agent: "/us:1/".into() };
    Greeting { magic: MAGIC, version, deadline: Instant::now() + PATIENCE }
}

/// The `version` message of a Dash masternode: with the challenge and the mark that Dash appends.
fn version(protocol_version: u32) -> Vec<u8> {
    let version = Version { protocol_version, timestamp: 1, nonce: 8, agent: "/Dash Core:23.1.2/".into() };
    let payload = [version.payload(), vec![9; 32], vec![1]].concat();
    codec::message(MAGIC, VERSION, &payload)
}

fn verack() -> Vec<u8> {
    codec::message(MAGIC, VERACK, &[])
}

fn other(command: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut name = [0; 12];
    name[..command.len()].copy_from_slice(command);
    codec::message(MAGIC, name, payload)
}

/// A header that announces this number of bytes.
fn announcing(command: [u8; 12], length: u32) -> Vec<u8> {
    [&MAGIC[..], &command, &length.to_le_bytes(), &[0; 4]].concat()
}

/// What comes of a peer that sends this and then keeps the connection open, or closes it.
async fn answer(bytes: &[u8], stays: bool) -> Result<Peer, ProbeError> {
    let (mut ours, mut theirs): (DuplexStream, DuplexStream) = duplex(256 * 1024);
    theirs.write_all(bytes).await.unwrap();
    let kept = if stays { Some(theirs) } else { theirs.shutdown().await.map(|()| None).unwrap() };
    let result = handshake(&mut ours, &greeting()).await;
    drop(kept);
    result
}

#[track_caller]
fn check(what: &str, result: Result<Peer, ProbeError>, expected: Result<u32, ProbeError>) {
    assert_eq!(result.map(|peer| peer.protocol_version), expected, "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_of_the_network_is_heard_to_the_end() {
    let good = [version(70_240), verack()].concat();
    let chatty = [
        other(b"sendaddrv2", b""),
        version(70_240),
        other(b"senddsq", &[1]),
        other(b"sendcmpct", &[0; 9]),
        other(b"inv", &[5; 30_000]),
        verack(),
    ]
    .concat();
    for (what, bytes) in [("good", good), ("chatty", chatty)] {
        let peer = answer(&bytes, true).await.unwrap();
        let said =
            Peer { relays: Some(true), compact_filters: Some(false), ..Peer::new(70_240, b"/Dash Core:23.1.2/") };
        assert_eq!(peer, said, "{what}");
    }
    check("old", answer(&[version(60_001), verack()].concat(), true).await, Ok(60_001));
}

#[tokio::test(start_paused = true)]
async fn each_failed_handshake_has_its_reason() {
    let silent = Err(ProbeError::Timeout);
    let closed = Err(ProbeError::Reset);
    let malformed = Err(ProbeError::Malformed);
    let wrong = Err(ProbeError::WrongMagic);
    let mut damaged = version(70_240);
    damaged[40] ^= 1;
    let flood = other(b"inv", &[5; 20_000]).repeat(4);
    let web = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let cases = [
        ("silent", vec![], true, silent),
        ("closes at once", vec![], false, closed),
        ("stops in a header", version(1)[..10].to_vec(), true, silent),
        ("closes in a header", version(1)[..10].to_vec(), false, closed),
        ("closes in a payload", version(1)[..50].to_vec(), false, closed),
        ("no verack", version(70_240), true, silent),
        ("closes before verack", version(70_240), false, closed),
        ("a web server", web, true, wrong),
        ("Bitcoin, stopping behind its magic", vec![0xf9, 0xbe, 0xb4, 0xd9], true, wrong),
        ("damaged", damaged, true, malformed),
        ("verack first", verack(), true, malformed),
        ("version twice", [version(1), version(1)].concat(), true, malformed),
        ("a huge version", announcing(VERSION, 2_049), true, malformed),
        ("a huge message", announcing(*b"inv\0\0\0\0\0\0\0\0\0", u32::MAX), true, malformed),
        ("a verack with something in it", [version(1), other(b"verack", &[1])].concat(), true, malformed),
        ("more than a handshake", flood, true, malformed),
        ("a version that is too short", other(b"version", &[0; 45]), true, malformed),
    ];
    for (what, bytes, stays, expected) in cases {
        check(what, answer(&bytes, stays).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_drip_ends_at_the_deadline() {
    let (mut ours, mut theirs) = duplex(1024);
    let drip = tokio::spawn(async move {
        for byte in version(70_240) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if theirs.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    check("drip", handshake(&mut ours, &greeting()).await, Err(ProbeError::Timeout));
    assert_eq!(started.elapsed(), PATIENCE);
    drop(ours);
    drip.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn we_send_a_version_and_a_verack_and_then_close() {
    let (mut ours, mut theirs) = duplex(64 * 1024);
    theirs.write_all(&[version(70_240), verack()].concat()).await.unwrap();
    let started = Instant::now();
    handshake(&mut ours, &greeting()).await.unwrap();
    close(&mut ours).await;
    assert_eq!(started.elapsed(), CLOSING, "a peer that keeps its end open is not waited for longer");
    let mut sent = Vec::new();
    theirs.read_to_end(&mut sent).await.unwrap();
    let expected = [codec::message(MAGIC, VERSION, &greeting().version.payload()), verack()].concat();
    assert_eq!(sent, expected, "nothing else is ever sent");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_ends_in_an_outcome(
        start in 0_usize..200,
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        length in any::<u32>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let good = [version(70_240), verack()].concat();
        let answers = [
            [&good[..start.min(good.len())], &bytes].concat(),
            [announcing(VERSION, length), bytes.clone()].concat(),
            [announcing(*b"ping\0\0\0\0\0\0\0\0", length), bytes].concat(),
        ];
        for bytes in answers {
            if let Ok(peer) = runtime.block_on(answer(&bytes, false)) {
                prop_assert!(peer.agent.len() <= Peer::AGENT_LENGTH);
            }
        }
    }
}
