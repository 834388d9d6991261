//! For any message of a peer, the handshake ends within its bounds, and the peer's report is short and clean.
//!
//! Never here: sockets.

use std::time::Duration;

use domain::probe::{Peer, ProbeError};
use masternode_exporter::probe::codec::{self, HEADER_LENGTH, Header, VERACK, VERSION, VERSION_LENGTH, Version};
use masternode_exporter::probe::{Greeting, handshake};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

const MAGIC: [u8; 4] = [0xbf, 0x0c, 0x6b, 0xbd];

/// See the module.
pub fn run(input: &[u8]) {
    header(input);
    let peer = codec::peer(input);
    peer.iter().for_each(harmless);
    written(input);
    // Unchanged, and in a valid envelope, which the fuzzer cannot generate because of its checksum.
    let _ = talk(input).map(|peer| harmless(&peer));
    let whole = [codec::message(MAGIC, VERSION, input), codec::message(MAGIC, VERACK, &[])].concat();
    let expected = match peer {
        _ if input.len() > VERSION_LENGTH as usize => Err(ProbeError::Malformed),
        Some(peer) => Ok(peer),
        None => Err(ProbeError::Malformed),
    };
    assert_eq!(talk(&whole), expected);
}

/// A header that matches its payload is written as it was read.
fn header(input: &[u8]) {
    let Some((bytes, payload)) = input.split_first_chunk::<HEADER_LENGTH>() else { return };
    let header = Header::read(bytes);
    let again = codec::message(header.magic, header.command, payload);
    assert_eq!(header.fits(payload), again == input);
}

/// The exporter's own message decodes to its values.
fn written(input: &[u8]) {
    let Some((numbers, agent)) = input.split_first_chunk::<20>() else { return };
    let agent: String = String::from_utf8_lossy(agent).chars().take(60).collect();
    let number = |from: usize| numbers[from..from + 8].try_into().map_or(0, u64::from_le_bytes);
    let protocol_version = u32::from_le_bytes([numbers[16], numbers[17], numbers[18], numbers[19]]) >> 1;
    let version = Version { protocol_version, timestamp: number(0), nonce: number(8), agent: agent.clone() };
    assert_eq!(
        codec::peer(&version.payload()),
        Some(Peer {
            relays: Some(true),
            compact_filters: Some(false),
            ..Peer::new(protocol_version, agent.as_bytes())
        })
    );
}

fn harmless(peer: &Peer) {
    assert!(peer.agent.len() <= Peer::AGENT_LENGTH && peer.agent.is_ascii(), "{peer:?}");
    assert!(!peer.agent.contains(['"', '\\', '<', '\n']), "{peer:?}");
}

/// The handshake with a peer that sends this and disconnects.
fn talk(said: &[u8]) -> Result<Peer, ProbeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("it starts");
    runtime.block_on(async {
        let (mut ours, mut theirs) = tokio::io::duplex(said.len() + 4_096);
        theirs.write_all(said).await.expect("it has room for all of it");
        theirs.shutdown().await.expect("it is open");
        let version = Version { protocol_version: 70_240, timestamp: 1, nonce: 2, agent: "/exporter/".to_string() };
        let deadline = Instant::now() + Duration::from_secs(60);
        let peer = handshake(&mut ours, &Greeting { magic: MAGIC, version, deadline }).await;
        assert_ne!(peer, Err(ProbeError::Timeout), "it waits for bytes that cannot come");
        peer
    })
}
