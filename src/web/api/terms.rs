//! Addresses, payees and shares of a masternode as JSON.
//!
//! Never here: whether they are as expected.

use serde_json::{Value, json};

use domain::details::{Details, Purpose};
use domain::masternode::Duffs;
use domain::payout::{Payouts, Share};

/// All addresses by purpose, the primary one first.
pub(super) fn addresses(details: &Details) -> Value {
    let of = |purpose: Purpose| (purpose.label().to_string(), json!(details.addresses(purpose)));
    Value::Object(Purpose::ALL.map(of).into_iter().collect())
}

/// Everybody who is paid a part of the owner's side; `None` where that is not known.
pub(super) fn payouts(details: &Details) -> Option<Vec<Value>> {
    let payees = details.payees()?;
    Some(payees.iter().map(|payee| json!({ "address": payee.address, "ratio": payee.ratio })).collect())
}

/// The shares of a masternode of several owners; `None` for one of one owner.
pub(super) fn shares(details: &Details) -> Option<Value> {
    let Payouts::Shared(shared) = details.payouts() else { return None };
    let share = |share: &Share| {
        json!({
            "owner_address": share.owner_address,
            "reward_address": share.reward_address,
            "refund_address": share.refund_address,
            "amount_duffs": share.amount.0,
        })
    };
    Some(json!({
        "early_period_blocks": shared.early_period_blocks,
        "early_penalty_duffs": shared.early_penalty.map(|Duffs(amount)| amount),
        "owners": shared.shares.iter().map(share).collect::<Vec<_>>(),
    }))
}

/// The amounts of a payment by payee, where there are several.
pub(super) fn paid(payees: &[(Box<str>, Duffs)]) -> Value {
    let paid = |(address, Duffs(amount)): &(Box<str>, Duffs)| json!({ "address": address, "amount_duffs": amount });
    match payees {
        [] => json!({}),
        payees => json!({ "payees": payees.iter().map(paid).collect::<Vec<_>>() }),
    }
}
