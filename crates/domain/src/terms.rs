//! Addresses, keys and payees in a diff of the list, and the resulting values of a masternode.
//!
//! A diff contains changed values, but omits some changes: an emptied address, an operator's payout address that a new
//! key resets, a payout address that a list of payees replaces (docs/spec/dash-24.md#state-objects).
//!
//! Never here: JSON; scores and heights.

use std::borrow::Cow;

use crate::details::{DetailTexts, Details, Endpoint, Purpose, Rare, same_key};
use crate::payout::Payouts;

/// From this version on, a registration lists its payees, and a diff prints its addresses as one whole object.
pub const EXTENDED: u32 = 3;

/// The host that a diff prints before a Platform port whose address it does not know.
const PLACEHOLDER: &str = "255.255.255.255:";

/// Changed values; `None` if unchanged. An inner `None` is "none".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TermsChange {
    /// Version of the registration.
    pub version: Option<u32>,
    /// `service`: the primary address.
    pub service: Option<Option<Box<str>>>,
    /// `addresses`.
    pub addresses: Option<Box<AddressChange>>,
    /// Platform's ports of a version without extended addresses: peer-to-peer, then HTTPS. 0 for none.
    pub ports: [Option<u16>; 2],
    /// The owner's payees.
    pub payees: Option<PayeeChange>,
    /// Owner key's address.
    pub owner_address: Option<Option<Box<str>>>,
    /// Voting key's address.
    pub voting_address: Option<Option<Box<str>>>,
    /// Operator key.
    pub operator_key: Option<Option<Box<str>>>,
    /// Payee of the operator's share.
    pub operator_payout_address: Option<Option<Box<str>>>,
}

/// The object `addresses`, by [`Purpose::ALL`]; `None` for a key that it does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressChange(pub [Option<Vec<Box<str>>>; 3]);

/// The owner's payees: the address that gets all, and otherwise the division.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PayeeChange {
    /// The only payee; `None` if there is not exactly one.
    pub only: Option<Box<str>>,
    /// The others.
    pub payouts: Payouts,
}

/// The primary address, and the others.
#[derive(Debug, Default, PartialEq)]
pub struct Addresses<'a> {
    /// The primary one.
    pub primary: Option<Cow<'a, str>>,
    /// The others.
    pub endpoints: Vec<Endpoint>,
}

impl AddressChange {
    fn of(&self, purpose: Purpose) -> Option<&[Box<str>]> {
        self.0[purpose as usize].as_deref()
    }

    fn is_empty(&self) -> bool {
        self.0.iter().flatten().all(Vec::is_empty)
    }

    /// The whole object: the first of `core_p2p` is the primary address; `service` if the object has none.
    pub fn whole<'a>(&'a self, service: Option<&'a str>) -> Addresses<'a> {
        let core = self.of(Purpose::CoreP2p).unwrap_or_default();
        let primary = core.first().map(|address| &**address).or(service);
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for purpose in Purpose::ALL {
            let all = self.of(purpose).unwrap_or_default();
            let further = if purpose == Purpose::CoreP2p { all.get(1..).unwrap_or_default() } else { all };
            endpoints.extend(further.iter().filter_map(|address| endpoint(purpose, address, primary)));
        }
        Addresses { primary: primary.map(Cow::Borrowed), endpoints }
    }
}

/// An address other than the primary one. A placeholder stands for the host of the primary one.
pub fn endpoint(purpose: Purpose, address: &str, primary: Option<&str>) -> Option<Endpoint> {
    match address.strip_prefix(PLACEHOLDER) {
        Some(port) => primary.map(|_| Endpoint { purpose, address: format!(":{port}").into() }),
        None => Some(Endpoint::new(purpose, address, primary)),
    }
}

impl TermsChange {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == TermsChange::default()
    }

    /// The details after the change. `reason` is the new reason of a revocation; `revived` is true if the masternode
    /// was revived in these blocks. `None` if the diff does not contain the payees.
    pub fn apply(&self, before: &Details, reason: Option<u8>, revived: bool) -> Option<Details> {
        let old = before.texts();
        let version = self.version.or(old.version);
        let is_extended = version.is_some_and(|version| version >= EXTENDED);
        let other_key = self.operator_key.as_ref().is_some_and(|key| {
            let (old, new) = (old.operator_key.as_deref().unwrap_or_default(), key.as_deref().unwrap_or_default());
            !same_key(old, new)
        });
        // `CDeterministicMNState::ResetOperatorFields`; a diff omits what it empties.
        let reset = (other_key || reason.is_some_and(|reason| reason != 0)) && !revived;
        let Addresses { primary, endpoints } = self.addresses_after(&old, is_extended, reset);
        let PayeeChange { only, payouts } = self.payees_after(&old, is_extended)?;
        let or = |change: &Option<Option<Box<str>>>, before: Option<Cow<'_, str>>| -> Option<Cow<'static, str>> {
            let before = before.map(|text| Cow::Owned(text.into_owned()));
            change.as_ref().map_or(before, |text| text.as_deref().map(|text| Cow::Owned(text.to_string())))
        };
        let is_shared = matches!(payouts, Payouts::Shared(_));
        let operator_payout = old.operator_payout_address.clone().filter(|_| !other_key && !reset);
        Some(Details::new(&DetailTexts {
            address: primary,
            payout_address: only.map(|address| Cow::Owned(address.into())),
            owner_address: or(&self.owner_address, old.owner_address.clone().filter(|_| !is_shared)),
            voting_address: or(&self.voting_address, old.voting_address.clone()),
            operator_key: or(&self.operator_key, old.operator_key.clone()),
            operator_payout_address: or(&self.operator_payout_address, operator_payout),
            version,
            rare: Rare { endpoints, payouts },
        }))
    }

    fn addresses_after(&self, old: &DetailTexts<'_>, is_extended: bool, reset: bool) -> Addresses<'static> {
        let service = self.service.as_ref();
        let named = service.and_then(|service| service.as_deref());
        let owned = |addresses: Addresses<'_>| Addresses {
            primary: addresses.primary.map(|text| Cow::Owned(text.into_owned())),
            endpoints: addresses.endpoints,
        };
        match &self.addresses {
            // The object is printed as a whole, or all addresses are gone.
            Some(addresses) if is_extended || addresses.is_empty() => return owned(addresses.whole(named)),
            None if (reset && named.is_none()) || (is_extended && service.is_some_and(Option::is_none)) => {
                return Addresses::default();
            }
            None if is_extended && named.is_none() => {
                let primary = old.address.as_ref().map(|text| Cow::Owned(text.to_string()));
                return Addresses { primary, endpoints: old.rare.endpoints.clone() };
            }
            _ => {}
        }
        let core = self.addresses.as_ref().and_then(|addresses| addresses.of(Purpose::CoreP2p));
        let core = core.filter(|core| !core.is_empty());
        let kept = old.address.as_deref().filter(|_| !reset);
        let primary = match (core, service) {
            (Some(core), _) => Some(&*core[0]),
            (None, Some(service)) => service.as_deref(),
            (None, None) => kept,
        };
        let primary = primary.map(str::to_string);
        let mut endpoints: Vec<Endpoint> = Vec::new();
        let further = |address: &str| endpoint(Purpose::CoreP2p, address, primary.as_deref());
        match core {
            Some(core) => endpoints.extend(core[1..].iter().filter_map(|address| further(address))),
            None => endpoints.extend(old.further(Purpose::CoreP2p).filter(|_| primary.is_some()).cloned()),
        }
        for (purpose, port) in [Purpose::PlatformP2p, Purpose::PlatformHttps].into_iter().zip(self.ports) {
            let listed = self.addresses.as_ref().and_then(|addresses| addresses.of(purpose));
            match (port, listed) {
                (_, Some(listed)) => {
                    endpoints
                        .extend(listed.iter().filter_map(|address| endpoint(purpose, address, primary.as_deref())));
                }
                (Some(port), None) if primary.is_some() && port > 0 => {
                    endpoints.push(Endpoint { purpose, address: format!(":{port}").into() });
                }
                (Some(_), None) => {}
                (None, None) => endpoints.extend(old.further(purpose).filter(|_| primary.is_some()).cloned()),
            }
        }
        Addresses { primary: primary.map(Cow::Owned), endpoints }
    }

    /// The payees after the change: those of the diff, otherwise those before. `None` if the form of the registration
    /// changed, which invalidates those before, and the diff contains none.
    fn payees_after(&self, old: &DetailTexts<'_>, is_extended: bool) -> Option<PayeeChange> {
        if let Some(payees) = &self.payees {
            let mut payees = payees.clone();
            if let (Payouts::Shared(new), Payouts::Shared(old)) = (&mut payees.payouts, &old.rare.payouts) {
                // These never change, so a diff does not repeat them.
                new.early_period_blocks = new.early_period_blocks.or(old.early_period_blocks);
                new.early_penalty = new.early_penalty.or(old.early_penalty);
            }
            return Some(payees);
        }
        let was_extended = old.version.is_some_and(|version| version >= EXTENDED);
        let only = old.payout_address.as_deref().map(Into::into);
        (was_extended == is_extended).then(|| PayeeChange { only, payouts: old.rare.payouts.clone() })
    }
}

impl DetailTexts<'_> {
    /// Addresses other than the primary one for a purpose.
    fn further(&self, purpose: Purpose) -> impl Iterator<Item = &Endpoint> {
        self.rare.endpoints.iter().filter(move |endpoint| endpoint.purpose == purpose)
    }
}
