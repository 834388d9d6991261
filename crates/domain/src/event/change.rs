//! Changes that an owner or operator can make, with the values before and after.
//!
//! A change is a change of meaning. A key in another encoding is the same key. Another form or order of the same payees
//! is not a change. An address on the host of the primary one changes with it.
//!
//! Never here: whether a change was expected (`watch`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::details::{Detail, Details, Endpoint, Purpose};
use crate::masternode::Masternode;
use crate::payout::{Payee, Payouts};
use crate::terms::EXTENDED;

/// A property that an owner or operator can change: the label `field`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The primary address.
    Address,
    /// Payees of the owner's side, and their shares.
    Payout,
    /// Operator key.
    OperatorKey,
    /// Voting key.
    VotingKey,
    /// Payee of the operator's share.
    OperatorPayout,
    /// Addresses other than the primary one, including those of Platform.
    Addresses,
    /// Version of the registration: a change of format.
    Version,
}

/// The two sides of a change, as displayed; empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Value before the change.
    pub before: Box<str>,
    /// Value after the change.
    pub after: Box<str>,
}

impl Field {
    /// All, in the order of their labels.
    pub const ALL: [Field; 7] = [
        Field::Address,
        Field::Payout,
        Field::OperatorKey,
        Field::VotingKey,
        Field::OperatorPayout,
        Field::Addresses,
        Field::Version,
    ];

    /// The value of the label `field`.
    pub fn label(self) -> &'static str {
        match self {
            Field::Address => "address",
            Field::Payout => "payout",
            Field::OperatorKey => "operator_key",
            Field::VotingKey => "voting_key",
            Field::OperatorPayout => "operator_payout",
            Field::Addresses => "addresses",
            Field::Version => "version",
        }
    }

    /// The corresponding text of the details; `None` if the property is more than one text.
    fn detail(self) -> Option<Detail> {
        match self {
            Field::Address => Some(Detail::Address),
            Field::OperatorKey => Some(Detail::OperatorKey),
            Field::VotingKey => Some(Detail::VotingAddress),
            Field::OperatorPayout => Some(Detail::OperatorPayoutAddress),
            Field::Payout | Field::Addresses | Field::Version => None,
        }
    }

    /// The masternode's value, as displayed; empty for none.
    pub fn text(self, details: &Details) -> Cow<'_, str> {
        if let Some(detail) = self.detail() {
            return details.get(detail).unwrap_or_default();
        }
        match self {
            Field::Version => details.version().map(|version| version.to_string()).unwrap_or_default().into(),
            Field::Addresses => addresses(details).into(),
            _ => payout_text(details),
        }
    }

    /// The change from one to the other; `None` if both mean the same, or one of them is not known.
    pub fn change(self, old: &Masternode, new: &Masternode) -> Option<Change> {
        let (old, new) = (&old.details, &new.details);
        let changed = match self {
            // Before extended registrations, a revocation resets the version, and the next key restores it: neither is a
            // change of format.
            Field::Version => {
                let versions = old.version().zip(new.version()).filter(|(old, new)| old != new);
                let is_restored = old.operator_key_is_zero();
                versions.is_some_and(|(old, new)| old.max(new) >= EXTENDED || (new > old && !is_restored))
            }
            Field::Addresses => addresses_changed(old, new),
            Field::Payout => payout_changed(old, new),
            // These are never empty: if one is missing, the list does not contain it.
            Field::OperatorKey | Field::VotingKey => {
                self.detail().is_some_and(|detail| old.has(detail) && new.has(detail) && !old.agrees(new, detail))
            }
            _ => self.detail().is_some_and(|detail| !old.agrees(new, detail)),
        };
        changed.then(|| Change { before: self.text(old).into(), after: self.text(new).into() })
    }
}

/// `Xone`, or `Xone 70 %, Xtwo 30 %`.
pub fn payout_text(details: &Details) -> Cow<'_, str> {
    match details.payouts() {
        Payouts::One => details.payout_address().unwrap_or_default(),
        payouts => payouts.to_string().into(),
    }
}

fn payout_changed(old: &Details, new: &Details) -> bool {
    if old.is_ordinary() && new.is_ordinary() {
        return !old.agrees(new, Detail::PayoutAddress);
    }
    let (one, other) = (old.payouts(), new.payouts());
    if one == Payouts::Unknown || other == Payouts::Unknown {
        return false;
    }
    if let (Some(before), Some(after)) = (old.payees(), new.payees())
        && before.iter().chain(&after).any(|payee| payee.ratio.is_none())
    {
        // An unknown share is not a change; another payee is.
        let names = |all: &[Payee]| all.iter().map(|payee| payee.address.clone()).collect::<BTreeSet<_>>();
        return names(&before) != names(&after);
    }
    !one.means_the_same(&other) || !old.agrees(new, Detail::PayoutAddress)
}

/// Addresses other than the primary one: `core_p2p 192.0.2.2:9999, platform_https example.com:443`.
fn addresses(details: &Details) -> String {
    let primary = details.address();
    let mut text = String::new();
    for purpose in Purpose::ALL {
        let all = details.addresses(purpose);
        let further = all.iter().skip(usize::from(purpose == Purpose::CoreP2p && primary.is_some()));
        for address in further {
            text.push_str(if text.is_empty() { "" } else { ", " });
            text.push_str(purpose.label());
            text.push(' ');
            text.push_str(address);
        }
    }
    text
}

fn addresses_changed(old: &Details, new: &Details) -> bool {
    if old.is_ordinary() && new.is_ordinary() {
        return false;
    }
    let both_listen = old.address().is_some() && new.address().is_some();
    let compared = |details: &Details| {
        let mut endpoints = details.rare().endpoints;
        endpoints.retain(|endpoint| both_listen || !endpoint.is_beside_primary());
        let lower = |endpoint: &Endpoint| (endpoint.purpose, endpoint.address.to_ascii_lowercase());
        let mut endpoints: Vec<_> = endpoints.iter().map(lower).collect();
        endpoints.sort();
        endpoints
    };
    compared(old) != compared(new)
}
