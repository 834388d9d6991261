//! The leaf of one masternode: the hash of its entry of the simplified list (docs/spec/dash-24.md#leaf).
//!
//! Never here: trees; what a node's JSON looks like.

use std::net::{IpAddr, SocketAddr};

use crate::details::base58;
use crate::list_proof::{Node, double};
use crate::masternode::{Hash, NodeType};

/// Length of an operator key in bytes.
pub const OPERATOR_KEY: usize = 48;

/// Everything that a leaf is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafFields {
    /// Version of the entry: 1 legacy BLS keys, 2 basic ones, 3 several addresses.
    pub version: u16,
    /// Hash of its registration.
    pub pro_tx: Hash,
    /// The block that confirmed it; `None` before that.
    pub confirmed: Option<Hash>,
    /// Addresses for the peer-to-peer network, Platform's network and Platform's HTTPS, each as `host:port`, in order.
    pub addresses: [Vec<String>; 3],
    /// Operator key as printed; zeros after a revocation.
    pub operator_key: [u8; OPERATOR_KEY],
    /// Key hash of its voting address; `None` where the address is not valid.
    pub voting_key: Option<[u8; 20]>,
    /// Not banned.
    pub valid: bool,
    /// Regular or Evo.
    pub node_type: NodeType,
    /// Platform's HTTP port where the node says it apart from the addresses.
    pub http_port: Option<u16>,
    /// Platform's node id in memory order; zeros where there is none.
    pub platform_node: [u8; 20],
}

/// Why a leaf cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeafError {
    /// A version that is not known.
    Version(u16),
    /// An address that cannot be written as the chain has it.
    Address(String),
    /// A voting address that is none.
    Voting,
    /// A version 2 Evo node without an address, whose HTTP port no answer contains
    /// (docs/spec/dash-24.md#cheapest-calls).
    HiddenPort,
}

impl std::fmt::Display for LeafError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LeafError::Version(version) => write!(f, "version {version} of its entry is not known"),
            LeafError::Address(address) => write!(f, "its address {address:?} cannot be encoded"),
            LeafError::Voting => f.write_str("its voting address is not valid"),
            LeafError::HiddenPort => f.write_str("no answer of the node contains its Platform HTTP port"),
        }
    }
}

impl std::error::Error for LeafError {}

/// A legacy BLS key in its basic form: the sign moves from bit 7 to bit 5 of the first byte, and bit 7 is set. No key stays none.
fn basic(mut key: [u8; OPERATOR_KEY]) -> [u8; OPERATOR_KEY] {
    if key != [0; OPERATOR_KEY] {
        key[0] = 0x80 | (key[0] & 0x80) >> 2 | key[0] & 0x1f;
    }
    key
}

/// The key hash of an address in base 58; `None` when it is not valid.
#[must_use]
pub fn key_hash(address: &str) -> Option<[u8; 20]> {
    base58::pack(address)?[1..].try_into().ok()
}

impl LeafFields {
    /// Its leaf, in memory order.
    ///
    /// # Errors
    /// When a field cannot be encoded.
    pub fn leaf(&self) -> Result<Node, LeafError> {
        self.bytes().map(|bytes| double(&bytes))
    }

    /// The entry as the chain has it, `before` being the one that it replaces. A node may print the key of an entry that was
    /// migrated from version 1 in its legacy form, while the leaf has the basic one
    /// (docs/spec/dash-24.md#operator-key-encodings). Without the entry before, only a key without bit 7 is known to be in that
    /// form.
    pub(super) fn after(self, before: Option<&LeafFields>) -> LeafFields {
        let own = basic(self.operator_key);
        let is_legacy = self.operator_key[0] & 0x80 == 0
            || before.is_some_and(|before| match before.version {
                1 => own == basic(before.operator_key),
                _ => own == before.operator_key && own != self.operator_key,
            });
        if self.version >= 2 && is_legacy { LeafFields { operator_key: own, ..self } } else { self }
    }

    fn bytes(&self) -> Result<Vec<u8>, LeafError> {
        let mut bytes = Vec::with_capacity(192);
        bytes.extend(self.pro_tx.in_memory_order());
        bytes.extend(self.confirmed.map_or([0; 32], |confirmed| confirmed.in_memory_order()));
        match self.version {
            1 | 2 => bytes.extend(self.service()?),
            3 => self.write_addresses(&mut bytes)?,
            version => return Err(LeafError::Version(version)),
        }
        bytes.extend(self.operator_key);
        bytes.extend(self.voting_key.ok_or(LeafError::Voting)?);
        bytes.push(u8::from(self.valid));
        if self.version >= 2 {
            let is_evo = self.node_type == NodeType::Evo;
            bytes.extend(u16::from(is_evo).to_le_bytes());
            if is_evo {
                if self.version == 2 {
                    bytes.extend(self.http_port()?.to_le_bytes());
                }
                bytes.extend(self.platform_node);
            }
        }
        Ok(bytes)
    }

    /// The only address of versions 1 and 2.
    fn service(&self) -> Result<[u8; 18], LeafError> {
        let mut bytes = [0; 18];
        let Some(text) = self.addresses[0].first() else { return Ok(bytes) };
        let address: SocketAddr = text.parse().map_err(|_| LeafError::Address(text.clone()))?;
        let octets = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        bytes[..16].copy_from_slice(&octets);
        bytes[16..].copy_from_slice(&address.port().to_be_bytes());
        Ok(bytes)
    }

    pub(super) fn http_port(&self) -> Result<u16, LeafError> {
        if let Some(port) = self.http_port {
            return Ok(port);
        }
        let text = self.addresses[2].first().ok_or(LeafError::HiddenPort)?;
        split_port(text).map(|(_, port)| port).ok_or_else(|| LeafError::Address(text.clone()))
    }

    /// All addresses of version 3, by purpose (docs/spec/dash-24.md#version-3-addresses).
    fn write_addresses(&self, bytes: &mut Vec<u8>) -> Result<(), LeafError> {
        bytes.push(1);
        let present = self.addresses.iter().filter(|entries| !entries.is_empty()).count();
        bytes.push(present as u8);
        for (purpose, entries) in (0_u8..).zip(&self.addresses).filter(|(_, entries)| !entries.is_empty()) {
            bytes.push(purpose);
            // Four at most; the one-byte form of a compact size ends at 252.
            bytes.push(u8::try_from(entries.len()).map_err(|_| LeafError::Address(entries[0].clone()))?);
            for text in entries {
                write_address(text, bytes).ok_or_else(|| LeafError::Address(text.clone()))?;
            }
        }
        Ok(())
    }
}

fn split_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

/// Network ids of BIP 155.
const IPV4: u8 = 1;
const IPV6: u8 = 2;
const TOR: u8 = 4;
const I2P: u8 = 5;
const CJDNS: u8 = 6;

fn write_address(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let (host, port) = split_port(text)?;
    let (network, address) = if let Some(onion) = host.strip_suffix(".onion") {
        (TOR, base32(onion)?.get(..32)?.to_vec())
    } else if let Some(i2p) = host.strip_suffix(".b32.i2p") {
        (I2P, base32(i2p)?.get(..32)?.to_vec())
    } else {
        match text.parse::<SocketAddr>().map(|address| address.ip()) {
            Ok(IpAddr::V4(ip)) => (IPV4, ip.octets().to_vec()),
            Ok(IpAddr::V6(ip)) if ip.octets()[0] == 0xfc => (CJDNS, ip.octets().to_vec()),
            Ok(IpAddr::V6(ip)) => (IPV6, ip.octets().to_vec()),
            Err(_) => {
                bytes.extend([2, u8::try_from(host.len()).ok().filter(|length| *length < 253)?]);
                bytes.extend(host.as_bytes());
                bytes.extend(port.to_be_bytes());
                return Some(());
            }
        }
    };
    bytes.extend([1, network, address.len() as u8]);
    bytes.extend(address);
    bytes.extend(port.to_be_bytes());
    Some(())
}

/// The bytes of a name in base 32 (RFC 4648, lower case, without padding).
fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let value = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        buffer = buffer << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    Some(bytes)
}
