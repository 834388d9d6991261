//! Rare properties: further addresses, several payees, shares, a future version. They are one text, packed after the
//! others.
//!
//! One line for each property: a letter, then its fields, separated by tabs. No field has a control character:
//! [`is_clean`].
//!
//! Never here: properties of every masternode.

use std::fmt::Write;

use crate::masternode::Duffs;
use crate::payout::{Payout, Payouts, Share, Shared};

/// Purpose of an address: the key of `addresses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Connections of other nodes.
    CoreP2p,
    /// Platform's peer-to-peer network.
    PlatformP2p,
    /// Platform's API for applications.
    PlatformHttps,
}

impl Purpose {
    /// All, in the order in which they are shown.
    pub const ALL: [Purpose; 3] = [Purpose::CoreP2p, Purpose::PlatformP2p, Purpose::PlatformHttps];

    /// The node's name of the purpose.
    pub fn label(self) -> &'static str {
        match self {
            Purpose::CoreP2p => "core_p2p",
            Purpose::PlatformP2p => "platform_p2p",
            Purpose::PlatformHttps => "platform_https",
        }
    }

    fn letter(self) -> char {
        match self {
            Purpose::CoreP2p => 'c',
            Purpose::PlatformP2p => 'p',
            Purpose::PlatformHttps => 'h',
        }
    }
}

/// An address other than the primary one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its purpose.
    pub purpose: Purpose,
    /// `host:port`; or `:port`, if the host is that of the primary address.
    pub address: Box<str>,
}

impl Endpoint {
    /// An address, without its host if that is the host of the primary address.
    pub fn new(purpose: Purpose, address: &str, primary: Option<&str>) -> Endpoint {
        let same =
            primary.and_then(host).zip(host(address)).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other));
        let address = if same { &address[host(address).unwrap_or_default().len()..] } else { address };
        Endpoint { purpose, address: address.into() }
    }

    /// Whether its host is that of the primary address, with which it changes.
    pub fn is_beside_primary(&self) -> bool {
        self.address.starts_with(':')
    }

    /// The whole address; `None` if it needs the primary address and there is none.
    pub fn whole(&self, primary: Option<&str>) -> Option<String> {
        match self.is_beside_primary() {
            true => Some(format!("{}{}", host(primary?)?, self.address)),
            false => Some(self.address.to_string()),
        }
    }
}

/// The host of `host:port`.
fn host(address: &str) -> Option<&str> {
    address.rsplit_once(':').map(|(host, _)| host)
}

/// Rare properties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rare {
    /// Addresses other than the primary one, in the order of the list.
    pub endpoints: Vec<Endpoint>,
    /// Payees, if there are several, or if none is known.
    pub payouts: Payouts,
}

impl Rare {
    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.payouts == Payouts::One
    }

    /// The text. `version` is added if it does not fit elsewhere. `None` if it is empty.
    pub(super) fn pack(&self, version: Option<u32>) -> Option<String> {
        if self.is_empty() && version.is_none() {
            return None;
        }
        let mut text = String::new();
        if let Some(version) = version {
            line(&mut text, 'v', &[&version.to_string()]);
        }
        for Endpoint { purpose, address } in &self.endpoints {
            line(&mut text, purpose.letter(), &[address]);
        }
        match &self.payouts {
            Payouts::One => {}
            Payouts::Unknown => line(&mut text, 'u', &[]),
            Payouts::Split(payouts) => {
                for Payout { address, reward } in payouts {
                    line(&mut text, 'o', &[&number(reward.map(u64::from)), address]);
                }
            }
            Payouts::Shared(shared) => {
                let penalty = number(shared.early_penalty.map(|Duffs(amount)| amount));
                line(&mut text, 'e', &[&number(shared.early_period_blocks.map(u64::from)), &penalty]);
                for Share { owner_address, reward_address, refund_address, amount } in &shared.shares {
                    line(&mut text, 's', &[&amount.0.to_string(), owner_address, reward_address, refund_address]);
                }
            }
        }
        Some(text)
    }

    /// The unpacked properties, and the version if it was added.
    pub(super) fn unpack(text: &str) -> (Rare, Option<u32>) {
        let (mut rare, mut version) = (Rare::default(), None);
        let (mut payouts, mut shared) = (Vec::new(), None::<Shared>);
        for line in text.lines() {
            let Some(kind) = line.chars().next() else { continue };
            let mut fields = line[1..].split('\t');
            let mut next = || fields.next().unwrap_or_default();
            if let Some(purpose) = Purpose::ALL.into_iter().find(|purpose| purpose.letter() == kind) {
                rare.endpoints.push(Endpoint { purpose, address: next().into() });
                continue;
            }
            match kind {
                'v' => version = next().parse().ok(),
                'u' => rare.payouts = Payouts::Unknown,
                'o' => payouts.push(Payout { reward: next().parse().ok(), address: next().into() }),
                'e' => {
                    let (early_period_blocks, penalty) = (next().parse().ok(), next().parse().ok());
                    let early_penalty = penalty.map(Duffs);
                    shared = Some(Shared { shares: Vec::new(), early_period_blocks, early_penalty });
                }
                _ => {
                    let amount = Duffs(next().parse().unwrap_or_default());
                    let (owner, reward, refund) = (next().into(), next().into(), next().into());
                    let share = Share { owner_address: owner, reward_address: reward, refund_address: refund, amount };
                    shared.get_or_insert_default().shares.push(share);
                }
            }
        }
        if !payouts.is_empty() {
            rare.payouts = Payouts::Split(payouts);
        }
        if let Some(shared) = shared {
            rare.payouts = Payouts::Shared(shared);
        }
        (rare, version)
    }
}

/// Whether a text of a node can be a field: it is not empty, and has no control character and no blank.
pub fn is_clean(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|character| character.is_control() || character.is_whitespace())
}

fn line(text: &mut String, kind: char, fields: &[&str]) {
    text.push(kind);
    for (place, field) in fields.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { "\t" });
        text.push_str(field);
    }
    text.push('\n');
}

fn number(number: Option<u64>) -> String {
    let mut text = String::new();
    if let Some(number) = number {
        write!(text, "{number}").expect("a String takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_properties_are_restored() {
        let endpoints = vec![
            Endpoint { purpose: Purpose::CoreP2p, address: "[2001:4860::1]:9999".into() },
            Endpoint { purpose: Purpose::PlatformP2p, address: ":26656".into() },
            Endpoint { purpose: Purpose::PlatformHttps, address: "example.com:443".into() },
        ];
        let share = |owner: &str| Share {
            owner_address: owner.into(),
            reward_address: "reward".into(),
            refund_address: "".into(),
            amount: Duffs(u64::MAX),
        };
        let shared =
            Shared { shares: vec![share("one"), share("")], early_period_blocks: Some(1), early_penalty: None };
        let payout = |reward| Payout { address: "a".into(), reward };
        let payouts = [
            Payouts::One,
            Payouts::Unknown,
            Payouts::Split(vec![payout(Some(7000)), payout(None)]),
            Payouts::Shared(shared),
            Payouts::Shared(Shared::default()),
        ];
        for payouts in payouts {
            for endpoints in [vec![], endpoints.clone()] {
                for version in [None, Some(4), Some(u32::MAX)] {
                    let rare = Rare { endpoints: endpoints.clone(), payouts: payouts.clone() };
                    match rare.pack(version) {
                        Some(text) => assert_eq!(Rare::unpack(&text), (rare, version), "{text:?}"),
                        None => assert!(rare.is_empty() && version.is_none()),
                    }
                }
            }
        }
    }

    #[test]
    fn an_address_on_the_host_of_the_primary_one_follows_it() {
        let new = |address, primary| Endpoint::new(Purpose::PlatformP2p, address, primary);
        let beside = new("192.0.2.1:26656", Some("192.0.2.1:9999"));
        assert!(beside.is_beside_primary());
        assert_eq!(beside.whole(Some("[2001:db8::1]:9999")).as_deref(), Some("[2001:db8::1]:26656"));
        assert_eq!(beside.whole(None), None);
        for (address, primary) in
            [("192.0.2.1:1", None), ("192.0.2.11:1", Some("192.0.2.1:9999")), ("odd", Some("odd"))]
        {
            assert_eq!(new(address, primary).whole(primary).as_deref(), Some(address));
            assert!(!new(address, primary).is_beside_primary());
        }
        assert!(new("EXAMPLE.com:1", Some("example.com:9999")).is_beside_primary());
    }

    #[test]
    fn a_text_with_blanks_or_control_characters_is_no_field() {
        for (text, clean) in [("yX4Ve7Q8", true), ("", false), ("a b", false), ("a\tb", false), ("a\n", false)] {
            assert_eq!(is_clean(text), clean, "{text:?}");
        }
    }
}
