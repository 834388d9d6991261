//! The simplified masternode list: the bytes of a leaf, and the root that a coinbase commits to
//! (`docs/spec/dash-24.md#leaf`).
//!
//! Never here: what an answer shows of a leaf.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::history::{Block, Difference};
use super::masternode::Masternode;
use super::merkle::{Tree, double_sha256};
use super::random::Hash256;
use super::rules::ChainFacts;
use super::state::State;

/// The first version whose addresses are lists.
const EXTENDED: u8 = 3;

/// The network ids of BIP 155.
mod network {
    pub(super) const IPV4: u8 = 1;
    pub(super) const IPV6: u8 = 2;
    pub(super) const TOR: u8 = 4;
    pub(super) const I2P: u8 = 5;
    pub(super) const CJDNS: u8 = 6;
}

/// Everything about a masternode that the root covers.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) version: u8,
    pub(super) evo: bool,
    pub(super) hash: Hash256,
    pub(super) confirmed: Hash256,
    /// Addresses of the node, of the platform's P2P and HTTPS, each as `host:port`. Below version 3 only the first of the node
    /// counts.
    pub(super) addresses: [Vec<String>; 3],
    pub(super) operator_key: [u8; 48],
    pub(super) voting_key: [u8; 20],
    pub(super) valid: bool,
    /// Of an Evo node below version 3.
    pub(super) http_port: u16,
    /// As printed.
    pub(super) platform_id: [u8; 20],
}

impl Leaf {
    /// That of a simulated masternode. An Evo node without an address has no HTTP port.
    pub(super) fn of(node: &Masternode, facts: &ChainFacts) -> Self {
        let (p2p, https) = facts.platform_ports;
        let (p2p, https) = (node.platform_port(p2p), node.platform_port(https));
        let platform = |port: u16| node.endpoint(port).filter(|_| node.evo).into_iter().collect();
        Self {
            version: node.version,
            evo: node.evo,
            hash: node.hash,
            confirmed: node.confirmed,
            addresses: [node.core_addresses(facts), platform(p2p), platform(https)],
            operator_key: node.operator_key(),
            voting_key: node.voting_key_id(),
            valid: node.is_valid(),
            http_port: if node.address > 0 { https } else { 0 },
            platform_id: node.platform_id(),
        }
    }

    /// The bytes that are hashed.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(200);
        bytes.extend(self.hash.memory_order());
        bytes.extend(self.confirmed.memory_order());
        if self.version >= EXTENDED {
            self.write_lists(&mut bytes);
        } else {
            let first = self.addresses[0].first().and_then(|address| address.parse::<SocketAddr>().ok());
            let ip = first.map_or(Ipv6Addr::UNSPECIFIED, |address| mapped(address.ip()));
            bytes.extend(ip.octets());
            bytes.extend(first.map_or(0, |address| address.port()).to_be_bytes());
        }
        bytes.extend(self.operator_key);
        bytes.extend(self.voting_key);
        bytes.push(u8::from(self.valid));
        if self.version >= 2 {
            bytes.extend(u16::from(self.evo).to_le_bytes());
            if self.evo {
                if self.version < EXTENDED {
                    bytes.extend(self.http_port.to_le_bytes());
                }
                bytes.extend(self.platform_id.iter().rev());
            }
        }
        bytes
    }

    /// The addresses by their purpose (`docs/spec/dash-24.md#version-3-addresses`).
    fn write_lists(&self, bytes: &mut Vec<u8>) {
        let small = |number: usize| u8::try_from(number).expect("a masternode has few addresses");
        bytes.push(1);
        bytes.push(small(self.addresses.iter().filter(|addresses| !addresses.is_empty()).count()));
        for (purpose, addresses) in (0..).zip(&self.addresses).filter(|(_, addresses)| !addresses.is_empty()) {
            bytes.extend([purpose, small(addresses.len())]);
            for address in addresses {
                write_address(address, bytes);
            }
        }
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn write_address(address: &str, bytes: &mut Vec<u8>) {
    let (host, port) = address.rsplit_once(':').expect("an address has a port");
    let port: u16 = port.parse().expect("a port is a number");
    let mut write = |kind: &[u8], text: &[u8]| {
        bytes.extend(kind);
        bytes.push(u8::try_from(text.len()).expect("an address is short"));
        bytes.extend(text);
        bytes.extend(port.to_be_bytes());
    };
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => write(&[1, network::IPV4], &ip.octets()),
        Ok(IpAddr::V6(ip)) if ip.octets()[0] == 0xfc => write(&[1, network::CJDNS], &ip.octets()),
        Ok(IpAddr::V6(ip)) => write(&[1, network::IPV6], &ip.octets()),
        Err(_) => match (host.strip_suffix(".onion"), host.strip_suffix(".b32.i2p")) {
            (Some(name), _) => write(&[1, network::TOR], &base32(name)),
            (_, Some(name)) => write(&[1, network::I2P], &base32(name)),
            _ => write(&[2], host.as_bytes()),
        },
    }
}

/// The first 32 bytes of a Base32 text.
fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::with_capacity(35));
    for letter in text.bytes() {
        let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'a' };
        bits = bits << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("eight bits"));
        }
    }
    bytes.truncate(32);
    bytes
}

/// The root of the simplified list at a kept block. It is computed when somebody asks: from the tree of the block that was
/// asked for last and what differs, so a following block costs little.
pub(super) fn list_root(state: &State, block: &Arc<Block>) -> Option<Hash256> {
    if let Some(root) = block.list_root.get() {
        return Some(*root);
    }
    let mut kept = state.tree.borrow_mut();
    let known = kept.take().and_then(|(from, mut tree)| {
        let leaf = |node: Masternode| hashed(&node, state.facts);
        let changes = state.history.difference(&from, block)?.into_values().filter_map(|difference| match difference {
            Difference::Node { after: Some(node), .. } => Some(leaf(node)).map(|(key, leaf)| (key, Some(leaf))),
            Difference::Node { before: Some(node), after: None } => Some((node.hash.memory_order(), None)),
            _ => None,
        });
        tree.change(changes);
        Some(tree)
    });
    let tree = match known {
        Some(tree) => tree,
        None => tree(state.list_at(block)?.iter().flatten(), state.facts),
    };
    let root = *block.list_root.get_or_init(|| tree.root());
    *kept = Some((Arc::clone(block), tree));
    Some(root)
}

/// The tree of a list.
fn tree<'a>(nodes: impl Iterator<Item = &'a Masternode>, facts: &ChainFacts) -> Tree {
    let mut leaves: Vec<([u8; 32], [u8; 32])> = nodes.map(|node| hashed(node, facts)).collect();
    leaves.sort_unstable();
    Tree::of(leaves)
}

/// Key and hash of a node's leaf.
fn hashed(node: &Masternode, facts: &ChainFacts) -> ([u8; 32], [u8; 32]) {
    (node.hash.memory_order(), double_sha256(&Leaf::of(node, facts).bytes()))
}
