//! The section `watch[].expect`: the expected values of a watched masternode.
//!
//! Never here: the comparison with the actual values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::leaf::{Kind, Leaf, List, Text, Whole};
use crate::config::mistakes::{Place, required};
use crate::config::network::count;
use domain::Duffs;
use domain::details::is_clean;
use domain::payout::{self, WHOLE};
use domain::watch::WatchField;

/// Expected values of each of them: `masternode_expectation_met`.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExpectSection {
    /// Its address and port; see `masternode_expectation_met`.
    address: Option<Text>,
    /// This one address is paid, and no other.
    payout_address: Option<Text>,
    /// Address of its owner key.
    owner_address: Option<Text>,
    /// Address of its voting key.
    voting_address: Option<Text>,
    /// Its operator key.
    operator_key: Option<Text>,
    /// Address to which its operator is paid.
    operator_payout_address: Option<Text>,
    /// These payees are paid and no others (Dash Core 24).
    payouts: Option<List<PayoutSection>>,
    /// A shared masternode has these owners and no others.
    shares: Option<List<ShareSection>>,
}

/// One of several payees.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["address", "reward"]))]
struct PayoutSection {
    /// Address of the payee.
    address: Option<Address>,
    /// Part of this payee in hundredths of a percent, as `protx info` prints it: 7000 is 70 %; together they make 10000.
    reward: Option<Whole<1, { WHOLE as u64 }>>,
}

/// One share of a shared masternode.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["owner_address", "reward_address"]))]
struct ShareSection {
    /// Owner of the share.
    owner_address: Option<Address>,
    /// Payout address of this owner.
    reward_address: Option<Address>,
    /// Amount of this share in duffs, as `protx info` prints it; any without it.
    amount: Option<Whole<1, { u64::MAX }>>,
}

/// An address in a list of them.
type Address = Leaf<WordKind>;

struct WordKind;

impl Kind for WordKind {
    type Value = String;
    const PATTERN: &'static str = "^[^\\s,]+$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        if !is_clean(text) || text.contains(',') {
            return Err("is no address: it is empty, or has blanks or commas".into());
        }
        Ok(text.to_string())
    }
}

impl ExpectSection {
    /// The fields and their expected values.
    pub(super) fn expectations(self, at: &Place<'_>) -> Vec<(WatchField, String)> {
        let text = |text: Option<Text>| text.map(|text| text.0);
        let fields = [
            (WatchField::Address, text(self.address)),
            (WatchField::PayoutAddress, text(self.payout_address)),
            (WatchField::OwnerAddress, text(self.owner_address)),
            (WatchField::VotingAddress, text(self.voting_address)),
            (WatchField::OperatorKey, text(self.operator_key)),
            (WatchField::OperatorPayoutAddress, text(self.operator_payout_address)),
            (WatchField::Payouts, self.payouts.and_then(|payouts| payouts_text(payouts, &at.key("payouts")))),
            (WatchField::Shares, self.shares.and_then(|shares| shares_text(shares, &at.key("shares")))),
        ];
        fields.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
    }
}

/// The expected payees: each with its part in hundredths of a percent, as the node prints it.
fn payouts_text(section: List<PayoutSection>, at: &Place<'_>) -> Option<String> {
    let is_complete = section.is_complete();
    let mut payouts = Vec::new();
    for (index, payout) in section.each() {
        let at = at.index(index);
        let reward = required(payout.reward, "reward", &at).map(|reward| count(reward.0));
        payouts.push(required(payout.address, "address", &at).map(|address| address.0).zip(reward));
    }
    let payouts: Vec<(String, u32)> = payouts.into_iter().collect::<Option<_>>()?;
    let sum: u64 = payouts.iter().map(|(_, reward)| u64::from(*reward)).sum();
    if is_complete && sum != u64::from(WHOLE) {
        at.error(format_args!(
            "the rewards add up to {sum} and must make {WHOLE}: they are hundredths of a percent, so 7000 is 70 %"
        ));
        return None;
    }
    Some(payout::payouts_text(&payouts))
}

/// The expected shares.
fn shares_text(section: List<ShareSection>, at: &Place<'_>) -> Option<String> {
    let is_complete = section.is_complete();
    let mut shares = Vec::new();
    for (index, share) in section.each() {
        let at = at.index(index);
        let owner = required(share.owner_address, "owner_address", &at);
        let reward = required(share.reward_address, "reward_address", &at);
        let amount = share.amount.map(|amount| Duffs(amount.0));
        shares.push(owner.zip(reward).map(|(owner, reward)| (owner.0, reward.0, amount)));
    }
    let shares: Vec<_> = shares.into_iter().collect::<Option<_>>()?;
    if is_complete && shares.len() < 2 {
        at.error("has fewer than two shares: a shared masternode has at least two");
        return None;
    }
    Some(payout::shares_text(&shares))
}
