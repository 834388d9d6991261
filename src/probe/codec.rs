//! Encodes and decodes the messages of a handshake: header, `version`, `verack`. Written exactly, read leniently: newer
//! peers append fields (Dash: a challenge and whether it is a masternode), older ones end earlier.
//!
//! Never here: sockets; time; any other message, which is skipped.

use sha2::{Digest, Sha256};

use domain::probe::Peer;

/// Bytes of a header: magic, command, length, checksum.
pub const HEADER_LENGTH: usize = 24;

/// Most bytes of a `version` message that are read: the longest known one has less than 400.
pub const VERSION_LENGTH: u32 = 2_048;

/// The command of the message with which a node identifies itself.
pub const VERSION: [u8; 12] = *b"version\0\0\0\0\0";

/// The command of the message that acknowledges a `version`.
pub const VERACK: [u8; 12] = *b"verack\0\0\0\0\0\0";

/// Bytes of an address in a `version` message: services, IPv6 address, port.
const ADDRESS_LENGTH: usize = 26;

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The magic of the network.
    pub magic: [u8; 4],
    /// The command, padded with zeros.
    pub command: [u8; 12],
    /// Bytes of the payload, as announced by the peer.
    pub length: u32,
    /// The expected [`checksum`] of the payload.
    pub checksum: [u8; 4],
}

impl Header {
    /// Decodes a header. The caller validates its values.
    pub fn read(bytes: &[u8; HEADER_LENGTH]) -> Header {
        let [m0, m1, m2, m3, command @ .., l0, l1, l2, l3, c0, c1, c2, c3] = *bytes;
        Header {
            magic: [m0, m1, m2, m3],
            command,
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            checksum: [c0, c1, c2, c3],
        }
    }

    /// Whether a payload matches the header.
    pub fn fits(&self, payload: &[u8]) -> bool {
        usize::try_from(self.length) == Ok(payload.len()) && self.checksum == checksum(payload)
    }
}

/// A complete message. The payload is ours and short.
pub fn message(magic: [u8; 4], command: [u8; 12], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("our own messages are short");
    [&magic[..], &command, &length.to_le_bytes(), &checksum(payload), payload].concat()
}

/// The checksum of a message: the first four bytes of SHA-256 of SHA-256.
pub fn checksum(payload: &[u8]) -> [u8; 4] {
    let [c0, c1, c2, c3, ..] = <[u8; 32]>::from(Sha256::digest(Sha256::digest(payload)));
    [c0, c1, c2, c3]
}

/// The variable fields of the `version` message that we send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Version of the protocol.
    pub protocol_version: u32,
    /// Unix time in seconds.
    pub timestamp: u64,
    /// A random number by which a node detects a connection to itself.
    pub nonce: u64,
    /// User agent, shorter than 253 bytes.
    pub agent: String,
}

impl Version {
    /// The payload: no services, no addresses, no blocks. `relay` is set as by an ordinary peer: a node answers a
    /// block-relay-only connection with `relay` 0, whatever its own setting.
    pub fn payload(&self) -> Vec<u8> {
        let agent_length = u8::try_from(self.agent.len()).ok().filter(|length| *length < 0xfd);
        let agent_length = agent_length.expect("our own user agent is short");
        [
            &self.protocol_version.to_le_bytes()[..],
            &0_u64.to_le_bytes(), // services
            &self.timestamp.to_le_bytes(),
            &[0; 2 * ADDRESS_LENGTH], // addresses of peer and sender: unused
            &self.nonce.to_le_bytes(),
            &[agent_length],
            self.agent.as_bytes(),
            &0_u32.to_le_bytes(), // height
            &[1],                 // relay: as an ordinary peer
        ]
        .concat()
    }
}

/// The service bit of a node that serves compact block filters (BIP 157).
const NODE_COMPACT_FILTERS: u64 = 1 << 6;

/// Decodes the `version` message of a peer. `None` if the payload is none: fields after the relay flag are not read,
/// and a message may end before it.
pub fn peer(payload: &[u8]) -> Option<Peer> {
    let mut rest = payload;
    let protocol_version = u32::from_le_bytes(take::<4>(&mut rest)?);
    // The node reads it as a signed number; negative versions do not exist.
    let protocol_version = i32::try_from(protocol_version).ok().map(i32::unsigned_abs)?;
    let services = u64::from_le_bytes(take::<8>(&mut rest)?);
    let compact_filters = Some(services & NODE_COMPACT_FILTERS != 0);
    let peer = |agent: &[u8], relays| Peer { relays, compact_filters, ..Peer::new(protocol_version, agent) };
    take::<8>(&mut rest)?; // time
    take::<ADDRESS_LENGTH>(&mut rest)?;
    if rest.is_empty() {
        return Some(peer(b"", None));
    }
    take::<ADDRESS_LENGTH>(&mut rest)?;
    take::<8>(&mut rest)?; // nonce
    if rest.is_empty() {
        return Some(peer(b"", None));
    }
    let length = usize::try_from(compact_size(&mut rest)?).ok()?;
    let (agent, mut rest) = rest.split_at_checked(length)?;
    // Height, then the flag of BIP 37. Nodes treat a missing flag as set; here it is unknown.
    let relays = take::<4>(&mut rest).and_then(|_| take::<1>(&mut rest)).map(|[flag]| flag != 0);
    Some(peer(agent, relays))
}

fn take<const LENGTH: usize>(rest: &mut &[u8]) -> Option<[u8; LENGTH]> {
    let (head, tail) = rest.split_first_chunk::<LENGTH>()?;
    *rest = tail;
    Some(*head)
}

/// A compact size: one byte, or a prefix and two, four or eight bytes.
fn compact_size(rest: &mut &[u8]) -> Option<u64> {
    Some(match take::<1>(rest)? {
        [0xfd] => u64::from(u16::from_le_bytes(take(rest)?)),
        [0xfe] => u64::from(u32::from_le_bytes(take(rest)?)),
        [0xff] => u64::from_le_bytes(take(rest)?),
        [short] => u64::from(short),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
    use proptest::{array, collection};

    use super::*;

    /// The `version` message of a Bitcoin 0.7.2 node from the protocol's public documentation, including the header.
    const RECORDED: &str = "f9beb4d976657273696f6e000000000064000000358d4932\
        62ea0000010000000000000011b2d05000000000\
        010000000000000000000000000000000000ffff000000000000000000000000000000000000000000000000ffff000000000000\
        3b2eb35d8ce617650f2f5361746f7368693a302e372e322fc03e0300";

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let digits: Vec<u8> = hexadecimal.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    #[test]
    fn a_recorded_message_is_read() {
        let message = bytes(RECORDED);
        let (header, payload) = message.split_first_chunk().unwrap();
        let header = Header::read(header);
        assert_eq!((header.magic, header.command, header.length), ([0xf9, 0xbe, 0xb4, 0xd9], VERSION, 100));
        assert!(header.fits(payload));
        let expected = Peer { compact_filters: Some(false), ..Peer::new(60_002, b"/Satoshi:0.7.2/") };
        assert_eq!(peer(payload), Some(expected), "0.7.2 ends before the relay flag");
        let mut damaged = payload.to_vec();
        damaged[85] ^= 1;
        assert!(!header.fits(&damaged));
        assert!(!header.fits(&payload[..99]));
    }

    #[test]
    fn an_empty_payload_has_the_checksum_that_every_verack_has() {
        assert_eq!(checksum(b""), [0x5d, 0xf6, 0xe0, 0xe2]);
        let verack = message([0xbf, 0x0c, 0x6b, 0xbd], VERACK, b"");
        assert_eq!(verack, bytes("bf0c6bbd 76657261636b000000000000 00000000 5df6e0e2"));
    }

    #[test]
    fn what_we_send_is_what_the_protocol_says_byte_by_byte() {
        let version = Version {
            protocol_version: 70_240,
            timestamp: 0x0102_0304_0506_0708,
            nonce: 0x1112_1314_1516_1718,
            agent: "/x/".into(),
        };
        let expected = "60120100 0000000000000000 0807060504030201 \
            0000000000000000000000000000000000000000000000000000 0000000000000000000000000000000000000000000000000000 \
            1817161514131211 03 2f782f 00000000 01";
        assert_eq!(version.payload(), bytes(expected));
    }

    #[test]
    fn what_a_newer_peer_appends_is_left_unread_and_what_an_older_one_leaves_out_is_not_missed() {
        let mut payload = bytes(RECORDED).split_off(HEADER_LENGTH);
        payload.extend([1]);
        payload.extend([7; 33]);
        assert_eq!(peer(&payload).unwrap().agent, "/Satoshi:0.7.2/");
        assert_eq!(peer(&payload[..96]).unwrap().agent, "/Satoshi:0.7.2/", "without a height");
        let nameless = Some(Peer { compact_filters: Some(false), ..Peer::new(60_002, b"") });
        assert_eq!(peer(&payload[..80]), nameless, "without a user agent");
        assert_eq!(peer(&payload[..46]), nameless, "of the first versions");
        assert_eq!(peer(&payload[..90]), None, "cut within the user agent");
        assert_eq!(peer(&payload[..45]), None);
    }

    #[test]
    fn services_and_the_relay_flag_are_read_where_the_peer_says_them() {
        // services, what follows the height; relays, compact filters. 0xc45: a masternode of 23.1.2, recorded.
        let cases = [
            (0xc45_u64, &[1_u8][..], Some(true), Some(true)),
            (0xc05, &[1], Some(true), Some(false)),
            (0xc45, &[0], Some(false), Some(true)),
            (0, &[0, 9, 9], Some(false), Some(false)),
            (0x40, &[], None, Some(true)),
            (u64::MAX, &[2], Some(true), Some(true)),
        ];
        let recorded = bytes(RECORDED).split_off(HEADER_LENGTH);
        for (services, behind, relays, compact_filters) in cases {
            let payload = [&recorded[..4], &services.to_le_bytes(), &recorded[12..], behind].concat();
            let peer = peer(&payload).unwrap();
            assert_eq!((peer.relays, peer.compact_filters), (relays, compact_filters), "{services:x} {behind:?}");
        }
        assert_eq!(peer(&recorded[..98]).unwrap().relays, None, "cut within the height");
    }

    #[test]
    fn a_length_that_lies_is_no_message() {
        let start = bytes(RECORDED)[HEADER_LENGTH..HEADER_LENGTH + 80].to_vec();
        for length in ["fd0001", "fe00000080", "ffffffffffffffffff", "fdff", "05"] {
            let payload = [start.clone(), bytes(length)].concat();
            assert_eq!(peer(&payload), None, "{length}");
        }
        let mut negative = start.clone();
        negative[3] = 0x80;
        assert_eq!(peer(&negative), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(protocol in 0..=i32::MAX as u32, nonce in any::<u64>(), time in any::<u64>(), agent in "[a-zA-Z0-9 .:/()+-]{0,64}") {
            let version = Version { protocol_version: protocol, timestamp: time, nonce, agent: agent.clone() };
            let written = message([1, 2, 3, 4], VERSION, &version.payload());
            let (header, payload) = written.split_first_chunk().unwrap();
            let header = Header::read(header);
            prop_assert!(header.fits(payload) && header.magic == [1, 2, 3, 4] && header.command == VERSION);
            let expected = Peer { relays: Some(true), compact_filters: Some(false), ..Peer::new(protocol, agent.as_bytes()) };
            prop_assert_eq!(peer(payload), Some(expected));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_the_reader_panic_or_keep_more_than_it_may(
            header in array::uniform24(any::<u8>()),
            payload in collection::vec(any::<u8>(), 0..400),
            valid in 0_usize..100,
        ) {
            let _ = Header::read(&header).fits(&payload);
            // Half of the cases begin as a real message does, so that the later fields are reached as well.
            let mut real = bytes(RECORDED)[HEADER_LENGTH..HEADER_LENGTH + valid].to_vec();
            real.extend(&payload);
            for payload in [payload, real] {
                if let Some(peer) = peer(&payload) {
                    prop_assert!(peer.agent.len() <= Peer::AGENT_LENGTH && peer.agent.is_ascii());
                }
            }
        }
    }
}
