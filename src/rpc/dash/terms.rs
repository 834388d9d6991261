//! Conversion of addresses, keys and payees of a registration, in every format from 0.17 to 24.
//!
//! Never here: the rules by which a change follows from a diff (`domain::terms`).

use std::borrow::Cow;

use serde_json::Value;

use crate::meters::NotUnderstood;
use crate::rpc::dash::loose::{self, Loose};
use crate::rpc::dash::wire::State;
use crate::rpc::unknown::Unknown;
use domain::details::{Purpose, Rare, is_clean};
use domain::payout::{Payout, Payouts, SCRIPT, Share, Shared};
use domain::terms::{AddressChange, Addresses, EXTENDED, PayeeChange, TermsChange, endpoint};
use domain::{DetailTexts, Details, Duffs, ForeignText};

/// Placeholders for a missing address.
const NO_ADDRESS: [&str; 3] = ["", "[::]:0", "0.0.0.0:0"];

/// The terms in an entry of the list.
pub(super) fn details(state: &State<'_>, unknown: &mut Unknown) -> Details {
    let version = version(state, unknown);
    let is_extended = version.is_some_and(|version| version >= EXTENDED);
    let service = present(&state.service).flatten();
    let has_further = state.addresses.as_ref().is_some_and(|addresses| {
        let [core, platform @ ..] = &addresses.by_purpose;
        addresses.unknown > 0
            || core.as_ref().is_some_and(|core| core.len() > 1)
            || platform.iter().any(Option::is_some)
    });
    let whole = if has_further { address_change(state, unknown) } else { None };
    let Addresses { primary, mut endpoints } = match &whole {
        Some(addresses) => addresses.whole(service),
        None => Addresses { primary: core(state, unknown).or(service).map(Cow::Borrowed), endpoints: Vec::new() },
    };
    // Before v23 the ports of Platform are separate fields.
    for (purpose, port) in [Purpose::PlatformP2p, Purpose::PlatformHttps].into_iter().zip(ports(state)) {
        let listed = endpoints.iter().any(|endpoint| endpoint.purpose == purpose);
        if let Some(port) = port.filter(|port| *port > 0 && !is_extended && !listed && primary.is_some()) {
            endpoints.extend(endpoint(purpose, &format!("255.255.255.255:{port}"), primary.as_deref()));
        }
    }
    let payees = payees(state, version, unknown).unwrap_or_else(|| {
        unknown.note(NotUnderstood::PayoutForm, 1);
        PayeeChange { only: None, payouts: Payouts::Unknown }
    });
    let text = |value| present(value).flatten().map(Cow::Borrowed);
    Details::new(&DetailTexts {
        address: primary,
        payout_address: payees.only.as_deref().map(Cow::Borrowed),
        owner_address: text(&state.owner_address),
        voting_address: text(&state.voting_address),
        operator_key: text(&state.pub_key_operator),
        operator_payout_address: text(&state.operator_payout_address),
        version,
        rare: Rare { endpoints, payouts: payees.payouts },
    })
}

/// The terms in an entry of a diff.
pub(super) fn change(state: &State<'_>, unknown: &mut Unknown) -> TermsChange {
    let text = |value| present(value).map(|text: Option<&str>| text.map(Into::into));
    let version = version(state, unknown);
    TermsChange {
        version,
        service: text(&state.service),
        addresses: address_change(state, unknown).map(Box::new),
        ports: ports(state),
        payees: payees(state, version, unknown),
        owner_address: text(&state.owner_address),
        voting_address: text(&state.voting_address),
        operator_key: text(&state.pub_key_operator),
        operator_payout_address: text(&state.operator_payout_address),
    }
}

/// A text that is present; the inner `None` if it is empty or a placeholder. Anything but a text counts as not present.
fn present<'a>(value: &'a Option<Loose<'_>>) -> Option<Option<&'a str>> {
    let text = value.as_ref()?.text()?;
    Some(Some(text).filter(|text| !NO_ADDRESS.contains(text)))
}

fn version(state: &State<'_>, unknown: &mut Unknown) -> Option<u32> {
    let present = state.version.as_ref().filter(|version| **version != Loose::Null)?;
    let version = present.whole().and_then(|version| u32::try_from(version).ok());
    if version.is_none_or(|version| version > EXTENDED) {
        unknown.note(NotUnderstood::StateVersion, 1);
    }
    version
}

/// Ports of Platform, peer-to-peer first; −1 and 0 are placeholders for none.
fn ports(state: &State<'_>) -> [Option<u16>; 2] {
    [&state.platform_p2p_port, &state.platform_http_port]
        .map(|port| port.as_ref()?.whole().map(|port| u16::try_from(port).unwrap_or(0)))
}

/// The first address of `core_p2p`.
fn core<'a>(state: &'a State<'_>, unknown: &mut Unknown) -> Option<&'a str> {
    let first = state.addresses.as_ref()?.by_purpose[0].as_ref()?.first()?;
    Some(&**first).filter(|first| is_address(first, unknown))
}

/// Whether a text is an address. An address of an unknown kind is accepted, and counted.
fn is_address(text: &str, unknown: &mut Unknown) -> bool {
    if NO_ADDRESS.contains(&text) {
        return false;
    }
    let is_name = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let is_known = match text.rsplit_once(':') {
        _ if text.parse::<std::net::SocketAddr>().is_ok() => true,
        Some((host, port)) => port.parse::<u16>().is_ok() && is_name(host),
        None => is_name(text),
    };
    if !is_known {
        unknown.note(NotUnderstood::AddressKind, 1);
    }
    is_clean(text)
}

/// The object `addresses`; `None` if it is missing, or nothing in it is understood.
fn address_change(state: &State<'_>, unknown: &mut Unknown) -> Option<AddressChange> {
    let loose::Addresses { by_purpose, unknown: strange } = state.addresses.as_ref()?;
    unknown.note(NotUnderstood::AddressKind, *strange);
    if *strange > 0 && by_purpose.iter().flatten().all(Vec::is_empty) {
        return None;
    }
    let mut read = |texts: &Vec<Cow<'_, str>>| -> Vec<Box<str>> {
        let texts = texts.iter().filter(|text| is_address(text, unknown));
        texts.map(|text| Box::from(&**text)).collect()
    };
    Some(AddressChange(by_purpose.each_ref().map(|texts| texts.as_ref().map(&mut read))))
}

/// The owner's payees; `None` if the entry does not contain them.
fn payees(state: &State<'_>, version: Option<u32>, unknown: &mut Unknown) -> Option<PayeeChange> {
    let listed = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
    let is_empty = |value: &Option<Value>| matches!(value, Some(Value::Array(list)) if list.is_empty());
    let single = present(&state.payout_address);
    let strange = || PayeeChange { only: None, payouts: Payouts::Unknown };
    if listed(&state.shares) && !is_empty(&state.shares) {
        let shared = shared(state);
        if shared.is_none() {
            unknown.note(NotUnderstood::ShareForm, 1);
        }
        return Some(shared.map_or_else(strange, divided));
    }
    // Below version 3 only the single address is valid, whatever else is present.
    let is_single = single.is_some() && version.is_some_and(|version| version < EXTENDED);
    if listed(&state.payouts) && !is_single {
        let payouts = payouts(state.payouts.as_ref());
        let is_whole = |payouts: &Payouts| payouts.payees().iter().all(|payee| payee.ratio.is_some());
        if !payouts.as_ref().is_some_and(is_whole) {
            unknown.note(NotUnderstood::PayoutForm, 1);
        }
        return Some(payouts.map_or_else(strange, divided));
    }
    match (&state.payout_address, single) {
        (_, Some(single)) => Some(PayeeChange { only: single.map(Into::into), payouts: Payouts::One }),
        (None | Some(Loose::Null), None) => None,
        (Some(_), None) => {
            unknown.note(NotUnderstood::PayoutForm, 1);
            Some(strange())
        }
    }
}

/// With the only payee separate, if there is one.
fn divided(payouts: Payouts) -> PayeeChange {
    let only = payouts.only_payee().map(Into::into);
    let is_plain = matches!(&payouts, Payouts::Split(split) if only.is_some() && split[0].reward.is_some());
    PayeeChange { only, payouts: if is_plain { Payouts::One } else { payouts } }
}

/// `payouts`; `None` if an entry has no payee, or if it is no list of entries.
fn payouts(value: Option<&Value>) -> Option<Payouts> {
    let payout = |entry: &Value| {
        let reward = entry.get("reward").and_then(Value::as_u64).and_then(|reward| u32::try_from(reward).ok());
        Some(Payout { address: payee(entry, "address", "script")?, reward })
    };
    Payouts::of(value?.as_array()?.iter().map(payout).collect::<Option<_>>()?)
}

/// `shares` and related fields; `None` if a share has no owner or no amount. A share without a reward address is paid
/// to its refund address.
fn shared(state: &State<'_>) -> Option<Payouts> {
    let share = |entry: &Value| {
        let owner = entry.get("ownerAddress").and_then(Value::as_str).filter(|owner| is_clean(owner));
        let refund = payee(entry, "refundAddress", "refundScript");
        Some(Share {
            owner_address: ForeignText::address(owner.unwrap_or_default().into()).into(),
            reward_address: payee(entry, "rewardAddress", "rewardScript").or_else(|| refund.clone())?,
            refund_address: refund.unwrap_or_default(),
            amount: Duffs(entry.get("amount")?.as_u64()?),
        })
    };
    let shares = state.shares.as_ref()?.as_array()?.iter().map(share).collect::<Option<_>>()?;
    let whole = |value: &Option<Loose<'_>>| value.as_ref().and_then(Loose::whole);
    Some(Payouts::Shared(Shared {
        shares,
        early_period_blocks: whole(&state.early_period_blocks).and_then(|blocks| u32::try_from(blocks).ok()),
        early_penalty: whole(&state.early_penalty).and_then(|penalty| u64::try_from(penalty).ok()).map(Duffs),
    }))
}

/// An address, or the script if it has none.
fn payee(entry: &Value, address: &str, script: &str) -> Option<Box<str>> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| is_clean(text));
    let named = text(address).map(Cow::Borrowed).or_else(|| Some(format!("{SCRIPT}{}", text(script)?).into()))?;
    Some(ForeignText::address(named).into())
}
