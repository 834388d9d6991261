//! The differences between chains in the peer-to-peer protocol, as data.
//!
//! Never here: ports; the list contains addresses with their ports.

use domain::Subnet;

/// The peer-to-peer parameters of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkMagic {
    /// The protocol version that we announce: the newest known, because a peer may disconnect older ones.
    pub protocol_version: u32,
    /// Least version that nodes of the network accept: older peers are isolated.
    pub oldest_peer: u32,
    magics: &'static [(Subnet, [u8; 4])],
}

/// Dash Core 24.0. Magics: `pchMessageStart` in `src/chainparams.cpp`; versions: `PROTOCOL_VERSION` and
/// `MIN_PEER_PROTO_VERSION` in `src/version.h`. A devnet disconnects peers whose user agent does not contain its name,
/// so devnets are not probed.
const DASH: NetworkMagic = NetworkMagic {
    protocol_version: 70_242,
    oldest_peer: 70_216,
    magics: &[
        (Subnet::Main, [0xbf, 0x0c, 0x6b, 0xbd]),
        (Subnet::Test, [0xce, 0xe2, 0xca, 0xff]),
        (Subnet::Regtest, [0xfc, 0xc1, 0xb7, 0xdc]),
    ],
};

/// Dimecoin 2.3. Magics: `pchMessageStart` in `src/chainparams.cpp`, the same on both test networks; versions:
/// `src/version.h`. `ProcessMessage` in `src/net_processing.cpp` drops `MIN_PEER_PROTO_VERSION` (70006) itself too.
const DIMECOIN: NetworkMagic = NetworkMagic {
    protocol_version: 70_008,
    oldest_peer: 70_007,
    magics: &[
        (Subnet::Main, [0xfe, 0xa5, 0x03, 0xdd]),
        (Subnet::Test, [0x78, 0x92, 0x30, 0x39]),
        (Subnet::Regtest, [0x78, 0x92, 0x30, 0x39]),
    ],
};

/// PRCYCoin 2.0. Magics: `pchMessageStart` in `src/chainparams.cpp`; versions: `src/version.h` and `ActiveProtocol` in
/// `src/main.cpp`.
const PRCYCOIN: NetworkMagic = NetworkMagic {
    protocol_version: 70_915,
    oldest_peer: 70_915,
    magics: &[
        (Subnet::Main, [0xf8, 0x8e, 0xa6, 0x90]),
        (Subnet::Test, [0xc1, 0xaa, 0xb2, 0xe9]),
        (Subnet::Regtest, [0xc6, 0xb3, 0x97, 0xd1]),
    ],
};

impl NetworkMagic {
    /// The parameters of a built-in chain, by its name; `None` for a chain of a profile, which is not probed.
    pub fn built_in(chain: &str) -> Option<NetworkMagic> {
        match chain {
            "dash" => Some(DASH),
            "dimecoin" => Some(DIMECOIN),
            "prcycoin" => Some(PRCYCOIN),
            _ => None,
        }
    }

    /// The first bytes of every message of a network; `None` if unknown.
    pub fn magic(&self, subnet: Subnet) -> Option<[u8; 4]> {
        self.magics.iter().find(|(known, _)| *known == subnet).map(|(_, magic)| *magic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::chain::BUILT_IN;

    #[test]
    fn every_built_in_chain_has_a_wire_and_a_devnet_has_no_magic() {
        for rules in BUILT_IN {
            let wire = NetworkMagic::built_in(&rules.name).unwrap();
            for subnet in [Subnet::Main, Subnet::Test, Subnet::Regtest] {
                assert!(wire.magic(subnet).is_some(), "{} {subnet:?}", rules.name);
            }
            assert_eq!(wire.magic(Subnet::Devnet), None, "{}", rules.name);
            assert!(wire.protocol_version >= wire.oldest_peer, "{}", rules.name);
        }
        assert_eq!(NetworkMagic::built_in("firo"), None);
    }

    #[test]
    fn we_are_never_too_old_for_those_who_judge_masternodes() {
        for rules in BUILT_IN {
            let newest = rules.minimum_protocols.last().unwrap().1;
            assert!(NetworkMagic::built_in(&rules.name).unwrap().protocol_version >= newest, "{}", rules.name);
        }
    }
}
