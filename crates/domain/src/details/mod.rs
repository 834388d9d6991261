//! Properties that an owner or operator can change and that no arithmetic needs: six texts, packed into one allocation.
//!
//! An address in base 58 takes 21 bytes, a key 48, an IPv4 address with its port 6. Any other text is stored unchanged,
//! so every text is restored exactly.
//!
//! Never here: what a text means.

pub(crate) mod base58;
mod compact;
mod key;
mod rare;
mod wanted;

use std::borrow::Cow;
use std::fmt;

use triomphe::Arc;

use crate::details::compact::{Form, Packed, stored};
use crate::payout::{Payee, Payouts};

pub use key::same_key;
pub use rare::{Endpoint, Purpose, Rare, is_clean};
pub use wanted::Wanted;

/// One of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Address on which the node listens, as the node writes it (`ip:port`, also onion or domain names).
    Address,
    /// Payee of the owner's share.
    PayoutAddress,
    /// Owner key's address.
    OwnerAddress,
    /// Voting key's address.
    VotingAddress,
    /// Operator's BLS public key in hexadecimal; all zeros when the operator revoked it.
    OperatorKey,
    /// Payee of the operator's share.
    OperatorPayoutAddress,
}

impl Detail {
    /// All, in the order in which they are packed.
    pub const ALL: [Detail; 6] = [
        Detail::Address,
        Detail::PayoutAddress,
        Detail::OwnerAddress,
        Detail::VotingAddress,
        Detail::OperatorKey,
        Detail::OperatorPayoutAddress,
    ];
}

/// The texts; `None` if the masternode does not have one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetailTexts<'a> {
    /// [`Detail::Address`].
    pub address: Option<Cow<'a, str>>,
    /// [`Detail::PayoutAddress`].
    pub payout_address: Option<Cow<'a, str>>,
    /// [`Detail::OwnerAddress`].
    pub owner_address: Option<Cow<'a, str>>,
    /// [`Detail::VotingAddress`].
    pub voting_address: Option<Cow<'a, str>>,
    /// [`Detail::OperatorKey`].
    pub operator_key: Option<Cow<'a, str>>,
    /// [`Detail::OperatorPayoutAddress`].
    pub operator_payout_address: Option<Cow<'a, str>>,
    /// Version of the registration (`state.version`); `None` if the node does not report it.
    pub version: Option<u32>,
    /// Rare properties.
    pub rare: Rare,
}

impl DetailTexts<'_> {
    /// One of them.
    pub fn get(&self, detail: Detail) -> Option<&str> {
        let text = match detail {
            Detail::Address => &self.address,
            Detail::PayoutAddress => &self.payout_address,
            Detail::OwnerAddress => &self.owner_address,
            Detail::VotingAddress => &self.voting_address,
            Detail::OperatorKey => &self.operator_key,
            Detail::OperatorPayoutAddress => &self.operator_payout_address,
        };
        text.as_deref()
    }
}

/// The packed texts, shared between the lists of consecutive blocks: a clone only increments a reference count.
#[derive(Clone)]
pub struct Details(Arc<Packed>);

impl Details {
    /// Packs the texts.
    pub fn new(texts: &DetailTexts<'_>) -> Details {
        Details(Arc::new(Packed::new(texts)))
    }

    /// Bytes that the texts take beyond the room that those of every masternode have.
    pub fn further_bytes(&self) -> usize {
        match &*self.0 {
            Packed::Short(_) => 0,
            Packed::Long(bytes) => bytes.len(),
        }
    }

    /// A text; `None` if absent.
    pub fn get(&self, detail: Detail) -> Option<Cow<'_, str>> {
        match self.0.item(detail) {
            (Form::None, _) => None,
            (Form::Text, bytes) => Some(Cow::Borrowed(stored(bytes))),
            (Form::Usual | Form::V6, _) => {
                let mut text = String::new();
                self.0.write(detail, &mut text);
                Some(Cow::Owned(text))
            }
        }
    }

    /// Address on which the node listens.
    pub fn address(&self) -> Option<Cow<'_, str>> {
        self.get(Detail::Address)
    }

    /// Payee of the owner's share.
    pub fn payout_address(&self) -> Option<Cow<'_, str>> {
        self.get(Detail::PayoutAddress)
    }

    /// Appends a text; appends nothing if it is absent.
    pub fn write(&self, detail: Detail, out: &mut String) {
        self.0.write(detail, out);
    }

    /// Whether the text is present.
    pub fn has(&self, detail: Detail) -> bool {
        self.0.form(detail) != Form::None
    }

    /// Whether both are one value.
    pub(crate) fn is_shared_with(&self, other: &Details) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both have the same text, or both have none. Operator keys are compared as keys, regardless of their
    /// encoding.
    pub fn agrees(&self, other: &Details, detail: Detail) -> bool {
        if self.is_shared_with(other) {
            return true;
        }
        let (own, others) = (self.0.item(detail), other.0.item(detail));
        match (detail, own, others) {
            (Detail::OperatorKey, (Form::Usual, one), (Form::Usual, other)) => key::same_bytes(one, other),
            (Detail::OperatorKey, (Form::Text, _), _) | (Detail::OperatorKey, _, (Form::Text, _)) => {
                self.get(detail).zip(other.get(detail)).is_some_and(|(one, other)| same_key(&one, &other))
            }
            _ => own == others,
        }
    }

    /// Version of the registration; `None` if the node does not report it.
    pub fn version(&self) -> Option<u32> {
        self.0.rare().0
    }

    /// Rare properties.
    pub fn rare(&self) -> Rare {
        self.0.rare().1
    }

    /// Whether it has no rare properties: one address, one payee.
    pub fn is_ordinary(&self) -> bool {
        self.0.is_ordinary()
    }

    /// How the owner's part of a reward is divided.
    pub fn payouts(&self) -> Payouts {
        self.rare().payouts
    }

    /// Whether the payees are in a known form; also true on chains that do not name payees.
    pub fn are_payees_known(&self) -> bool {
        self.is_ordinary() || self.payouts() != Payouts::Unknown
    }

    /// All payees of the owner's side, each address once; `None` if not known.
    pub fn payees(&self) -> Option<Vec<Payee>> {
        let rare = self.rare();
        match rare.payouts {
            Payouts::Unknown => None,
            Payouts::One => {
                let address = self.payout_address()?;
                Some(vec![Payee { address: address.as_ref().into(), ratio: Some(1.0) }])
            }
            payouts => Some(payouts.payees()),
        }
    }

    /// All addresses for a purpose, as the node writes them, the primary one first; those of Platform in the order of
    /// the list.
    pub fn addresses(&self, purpose: Purpose) -> Vec<String> {
        let primary = self.address();
        let first = primary.as_deref().filter(|_| purpose == Purpose::CoreP2p).map(str::to_string);
        let endpoints = self.rare().endpoints;
        let others = endpoints.iter().filter(|endpoint| endpoint.purpose == purpose);
        first.into_iter().chain(others.filter_map(|endpoint| endpoint.whole(primary.as_deref()))).collect()
    }

    /// Whether the operator key is known and all zeros, which marks a revoked operator (docs/spec/dash.md#ban-causes).
    pub fn operator_key_is_zero(&self) -> bool {
        match self.0.item(Detail::OperatorKey) {
            (Form::Usual, key) => key.iter().all(|byte| *byte == 0),
            (_, bytes) => bytes.len() > 4 && bytes[4..].iter().all(|digit| *digit == b'0'),
        }
    }

    /// Whether this is the operator key, in either of its encodings; `None` if the node does not report it as 48 bytes.
    pub fn has_operator_key(&self, key: &[u8]) -> Option<bool> {
        match self.0.item(Detail::OperatorKey) {
            (Form::Usual, own) => Some(key::same_bytes(own, key)),
            _ => None,
        }
    }

    /// Key hash of the voting address; `None` if the node does not report it, or not as an address.
    pub fn voting_key_hash(&self) -> Option<[u8; 20]> {
        match self.0.item(Detail::VotingAddress) {
            (Form::Usual, packed) => packed.get(1..)?.try_into().ok(),
            _ => None,
        }
    }

    /// All texts.
    pub fn texts(&self) -> DetailTexts<'_> {
        DetailTexts {
            address: self.get(Detail::Address),
            payout_address: self.get(Detail::PayoutAddress),
            owner_address: self.get(Detail::OwnerAddress),
            voting_address: self.get(Detail::VotingAddress),
            operator_key: self.get(Detail::OperatorKey),
            operator_payout_address: self.get(Detail::OperatorPayoutAddress),
            version: self.version(),
            rare: self.rare(),
        }
    }
}

impl From<DetailTexts<'_>> for Details {
    fn from(texts: DetailTexts<'_>) -> Details {
        Details::new(&texts)
    }
}

impl Default for Details {
    fn default() -> Details {
        Details::new(&DetailTexts::default())
    }
}

impl PartialEq for Details {
    fn eq(&self, other: &Details) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.bytes() == other.0.bytes()
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.texts().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    const PAYOUT: &str = "XagqqFetxiDb9wbartKDrXgnqLah6SqX2S";

    fn usual() -> DetailTexts<'static> {
        DetailTexts {
            address: Some("192.0.2.1:9999".into()),
            payout_address: Some(PAYOUT.into()),
            owner_address: Some("yWfYk2T5eeHhEx48BPzM5acDDmMk5tgC9U".into()),
            voting_address: Some("7SQekjmcMtR25wEPPiL6m1Mb5586R5ut33".into()),
            operator_key: Some("a0".repeat(48).into()),
            operator_payout_address: None,
            version: Some(3),
            rare: Rare::default(),
        }
    }

    fn form(detail: Detail, text: &str) -> Form {
        Wanted::new(detail, text).like.0.form(detail)
    }

    #[test]
    fn the_details_of_an_ordinary_masternode_take_one_allocation_of_128_bytes() {
        let details = Details::new(&usual());
        assert!(matches!(*details.0, Packed::Short(_)));
        // The reference count of the shared allocation is stored next to the bytes.
        assert_eq!(size_of::<Packed>() + size_of::<usize>(), 128);
        assert_eq!(size_of::<Option<Details>>(), size_of::<usize>());
        assert_eq!(details.texts(), usual());
    }

    #[test]
    fn non_canonical_texts_are_kept_as_text() {
        let texts = [
            (Detail::Address, Form::Usual, "0.0.0.0:0"),
            (Detail::Address, Form::Text, "192.0.2.1:09999"),
            (Detail::Address, Form::Text, "192.0.2.1:00"),
            (Detail::Address, Form::Text, "192.0.2.01:9999"),
            (Detail::Address, Form::V6, "[2001:db8::1]:9999"),
            (Detail::Address, Form::Text, "[2001:DB8::1]:9999"),
            (Detail::Address, Form::Text, "[2001:db8:0::1]:9999"),
            (Detail::Address, Form::Text, "[fe80::1%3]:9999"),
            (Detail::Address, Form::Text, "kf4xlyxqjhxkjgnv.onion:9999"),
            (Detail::OperatorKey, Form::Text, "ab"),
            (Detail::OperatorKey, Form::Text, &*"AB".repeat(48)),
            (Detail::PayoutAddress, Form::Text, ""),
            (Detail::PayoutAddress, Form::Text, PAYOUT.trim_end_matches('S')),
            (Detail::OperatorPayoutAddress, Form::Usual, PAYOUT),
        ];
        for (detail, expected, text) in texts {
            let wanted = Wanted::new(detail, text);
            assert!(wanted.like.0.form(detail) == expected, "{text}");
            assert_eq!(wanted.like.get(detail).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_zeroed_key_differs_from_no_key_and_from_other_keys() {
        let cases = [("0".repeat(96), true), ("00".into(), true), ("01".into(), false), (String::new(), false)];
        for (key, expected) in cases {
            let details = Wanted::new(Detail::OperatorKey, &key).like;
            assert_eq!(details.operator_key_is_zero(), expected, "{key:?}");
        }
        assert!(!Details::default().operator_key_is_zero());
        assert!(!Details::new(&usual()).operator_key_is_zero());
    }

    #[test]
    fn each_text_is_separated_from_its_neighbours() {
        let (all, none) = (Details::new(&usual()), Details::default());
        for detail in Detail::ALL {
            let same = detail == Detail::OperatorPayoutAddress;
            assert_eq!(all.agrees(&none, detail), same, "{detail:?}");
            assert_eq!(all.has(detail), !same, "{detail:?}");
            assert!(all.agrees(&Details::new(&usual()), detail), "{detail:?}");
        }
        assert!(form(Detail::Address, PAYOUT) == Form::Text, "each has its own form");
    }

    /// Texts in the node's format, and in other formats.
    fn text() -> impl Strategy<Value = Option<String>> {
        let forms = proptest::prop_oneof![
            "\\PC{0,40}",
            "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}:[0-9]{1,5}",
            "\\[[0-9a-f:]{2,20}\\]:[0-9]{1,5}",
            "[0-9a-f]{96}",
            "0{96}",
            "[1-9A-HJ-NP-Za-km-z]{34}",
            any::<[u8; base58::PACKED_BYTES]>().prop_map(|packed| {
                let mut text = String::new();
                base58::write(&packed, &mut text);
                text
            }),
            any::<std::net::SocketAddr>().prop_map(|address| address.to_string()),
        ];
        proptest::option::of(forms)
    }

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(texts in proptest::array::uniform6(text()), other in proptest::array::uniform6(text())) {
            let details_of = |texts: &[Option<String>; 6]| {
                let text = |at: usize| texts[at].as_deref().map(Cow::Borrowed);
                Details::new(&DetailTexts {
                    address: text(0),
                    payout_address: text(1),
                    owner_address: text(2),
                    voting_address: text(3),
                    operator_key: text(4),
                    operator_payout_address: text(5),
                    ..DetailTexts::default()
                })
            };
            let (details, others) = (details_of(&texts), details_of(&other));
            for ((detail, text), other) in Detail::ALL.into_iter().zip(&texts).zip(&other) {
                prop_assert_eq!(details.get(detail), text.as_deref().map(Cow::Borrowed));
                prop_assert_eq!(details.agrees(&others, detail), text == other);
            }
            prop_assert_eq!(details == others, texts == other);
            prop_assert!(details == details_of(&texts));
        }
    }
}
