//! Selects the addresses that may be probed: converts an address of the list to a socket address, or returns the reason
//! why it is not probed.
//!
//! Never here: name resolution, which would let the author of a list entry choose the name servers that are queried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use domain::probe::Unprobed;

/// Networks of IPv4 that are not of the public internet, by first address and length (IANA's special-purpose registry).
const SPECIAL: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 networks within 2000::/3, the public address space, that are not of the public internet.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // Contains an IPv4 address, which may be of any network.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Networks that are never probed: link-local ones, and the addresses at which cloud providers serve credentials (AWS,
/// Azure, Google Cloud and others use 169.254.169.254; further ones by first address and length).
const NEVER: [(Ipv4Addr, u32); 4] = [
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Alibaba Cloud.
    (Ipv4Addr::new(100, 100, 100, 200), 32),
    // Oracle Cloud.
    (Ipv4Addr::new(192, 0, 0, 192), 32),
    // Azure's host, which is in a public network.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// The same of IPv6.
const NEVER_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    // AWS.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32),
    // Google Cloud.
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0), 32),
];

/// The socket to connect to for an address of the list: `ip:port` or `[ip]:port`.
pub fn target(address: Option<&str>, allow_private: bool) -> Result<SocketAddr, Unprobed> {
    let address = address.ok_or(Unprobed::NoAddress)?;
    let Ok(socket) = address.parse::<SocketAddr>() else { return Err(nameless(address)) };
    // An IPv4-mapped IPv6 address is treated as its IPv4 address.
    let ip = socket.ip().to_canonical();
    if socket.port() == 0 || ip.is_unspecified() {
        Err(Unprobed::NoAddress)
    } else if is_never_called(ip) || (!allow_private && !is_public(ip)) {
        Err(Unprobed::Private)
    } else {
        Ok(SocketAddr::new(ip, socket.port()))
    }
}

/// Classifies an address that is no IP address with a port.
fn nameless(address: &str) -> Unprobed {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let ends = |ending: &str| host.len() > ending.len() && host.to_ascii_lowercase().ends_with(ending);
    if ends(".onion") || ends(".i2p") {
        Unprobed::Overlay
    } else if host.chars().any(|character| character.is_ascii_alphabetic()) && !host.contains([':', '[']) {
        Unprobed::Name
    } else {
        Unprobed::NoAddress
    }
}

/// Whether an address is of the public internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !is_in(ip, &SPECIAL),
        IpAddr::V6(ip) => ip.to_bits() >> 125 == 0b001 && !is_in_v6(ip, &SPECIAL_V6),
    }
}

/// Whether an address is never probed, even if private networks are allowed.
fn is_never_called(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast() || is_in(ip, &NEVER),
        IpAddr::V6(ip) => {
            let is_carried = |carried: Ipv4Addr| is_never_called(carried.into());
            ip.is_multicast() || is_in_v6(ip, &NEVER_V6) || carried(ip).is_some_and(is_carried)
        }
    }
}

/// The IPv4 address that a gateway would connect to for an IPv6 one: NAT64 (RFC 6052, RFC 8215), 6to4, and the
/// deprecated form of `::a.b.c.d`.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let (bits, low) = (ip.to_bits(), Ipv4Addr::from_bits(ip.to_bits() as u32));
    match bits >> 80 {
        0x2002_0000_0000..=0x2002_ffff_ffff => Some(Ipv4Addr::from_bits((bits >> 80) as u32)),
        0x0064_ff9b_0001 => Some(low),
        _ if bits >> 32 == 0x0064_ff9b_u128 << 64 => Some(low),
        _ if bits >> 32 == 0 => Some(low),
        _ => None,
    }
}

fn is_in(ip: Ipv4Addr, networks: &[(Ipv4Addr, u32)]) -> bool {
    networks.iter().any(|(first, length)| (ip.to_bits() ^ first.to_bits()) >> (32 - length) == 0)
}

fn is_in_v6(ip: Ipv6Addr, networks: &[(Ipv6Addr, u32)]) -> bool {
    networks.iter().any(|(first, length)| (ip.to_bits() ^ first.to_bits()) >> (128 - length) == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    #[test]
    fn an_address_is_probed_or_has_a_reason() {
        let public = |text: &str| Ok(text.parse::<SocketAddr>().unwrap());
        // address, where private ones are refused, where they are allowed.
        let cases = [
            ("8.8.4.4:9999", public("8.8.4.4:9999"), public("8.8.4.4:9999")),
            ("[2a01:4f8::1]:9999", public("[2a01:4f8::1]:9999"), public("[2a01:4f8::1]:9999")),
            ("[::ffff:8.8.4.4]:9999", public("8.8.4.4:9999"), public("8.8.4.4:9999")),
            ("10.1.2.3:9999", Err(Unprobed::Private), public("10.1.2.3:9999")),
            ("127.0.0.1:19899", Err(Unprobed::Private), public("127.0.0.1:19899")),
            ("[::ffff:127.0.0.1]:1", Err(Unprobed::Private), public("127.0.0.1:1")),
            ("192.0.2.7:9999", Err(Unprobed::Private), public("192.0.2.7:9999")),
            ("[::1]:9999", Err(Unprobed::Private), public("[::1]:9999")),
            ("[fe80::1]:9999", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("169.254.169.254:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("169.254.0.1:9999", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[::ffff:169.254.169.254]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[::169.254.169.254]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[64:ff9b::169.254.169.254]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[64:ff9b:1::a9fe:a9fe]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[2002:a9fe:a9fe::1]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[fd00:ec2::254]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[fd20:ce::254]:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("100.100.100.200:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("192.0.0.192:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("168.63.129.16:80", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("100.100.100.201:9999", Err(Unprobed::Private), public("100.100.100.201:9999")),
            ("[fd00:ec3::254]:9999", Err(Unprobed::Private), public("[fd00:ec3::254]:9999")),
            ("168.63.129.17:9999", public("168.63.129.17:9999"), public("168.63.129.17:9999")),
            ("[2001:db8::1]:9999", Err(Unprobed::Private), public("[2001:db8::1]:9999")),
            ("224.0.0.1:9999", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("255.255.255.255:9999", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("[ff02::1]:9999", Err(Unprobed::Private), Err(Unprobed::Private)),
            ("0.0.0.0:9999", Err(Unprobed::NoAddress), Err(Unprobed::NoAddress)),
            ("[::]:0", Err(Unprobed::NoAddress), Err(Unprobed::NoAddress)),
            ("8.8.4.4:0", Err(Unprobed::NoAddress), Err(Unprobed::NoAddress)),
            ("8.8.4.4", Err(Unprobed::NoAddress), Err(Unprobed::NoAddress)),
            ("", Err(Unprobed::NoAddress), Err(Unprobed::NoAddress)),
            ("node.example:9999", Err(Unprobed::Name), Err(Unprobed::Name)),
            ("localhost:9999", Err(Unprobed::Name), Err(Unprobed::Name)),
            ("expyuzz4wqqyqhjn.onion:9999", Err(Unprobed::Overlay), Err(Unprobed::Overlay)),
            ("abc.b32.I2P:0", Err(Unprobed::Overlay), Err(Unprobed::Overlay)),
        ];
        for (address, guarded, allowed) in cases {
            assert_eq!(target(Some(address), false), guarded, "{address}");
            assert_eq!(target(Some(address), true), allowed, "{address} allowed");
        }
        assert_eq!(target(None, true), Err(Unprobed::NoAddress));
    }

    #[test]
    fn the_edges_of_special_networks_are_where_they_should_be() {
        let cases = [
            ("9.255.255.255", true),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.127.255.255", false),
            ("172.15.255.255", true),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("240.0.0.1", false),
            ("2001:1ff:ffff::1", false),
            ("2001:200::1", true),
            ("2002:7f00:1::", false),
            ("3fff:fff::1", false),
            ("64:ff9b::7f00:1", false),
            ("fc00::1", false),
            ("4000::1", false),
            ("::7f00:1", false),
        ];
        for (ip, expected) in cases {
            assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_target_that_is_refused_elsewhere(text in any::<String>(), bits in any::<u128>(), port in any::<u16>()) {
            for address in [text, SocketAddr::new(Ipv6Addr::from_bits(bits).into(), port).to_string()] {
                if let Ok(socket) = target(Some(&address), false) {
                    prop_assert!(is_public(socket.ip()) && socket.port() > 0);
                }
                if let Ok(socket) = target(Some(&address), true) {
                    prop_assert!(!is_never_called(socket.ip()));
                }
            }
        }
    }
}
