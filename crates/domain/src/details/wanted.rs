//! Searching for a text in many masternodes.
//!
//! Never here: which masternodes.

use std::borrow::Cow;

use crate::details::{Detail, DetailTexts, Details};

/// A packed text to search for in many masternodes.
#[derive(Clone, Debug)]
pub struct Wanted {
    detail: Detail,
    pub(super) like: Details,
}

impl Wanted {
    /// Packs the text.
    pub fn new(detail: Detail, text: &str) -> Wanted {
        let text = Some(Cow::Borrowed(text));
        let texts = match detail {
            Detail::Address => DetailTexts { address: text, ..DetailTexts::default() },
            Detail::PayoutAddress => DetailTexts { payout_address: text, ..DetailTexts::default() },
            Detail::OwnerAddress => DetailTexts { owner_address: text, ..DetailTexts::default() },
            Detail::VotingAddress => DetailTexts { voting_address: text, ..DetailTexts::default() },
            Detail::OperatorKey => DetailTexts { operator_key: text, ..DetailTexts::default() },
            Detail::OperatorPayoutAddress => DetailTexts { operator_payout_address: text, ..DetailTexts::default() },
        };
        Wanted { detail, like: texts.into() }
    }

    /// Whether a masternode has the text; for payees and owners, whether it is one of several.
    pub fn is_of(&self, details: &Details) -> bool {
        self.like.agrees(details, self.detail) || !details.is_ordinary() && self.is_one_of(details)
    }

    fn is_one_of(&self, details: &Details) -> bool {
        let Some(text) = self.like.get(self.detail) else { return false };
        let payouts = details.payouts();
        match self.detail {
            Detail::PayoutAddress => payouts.payees().iter().any(|payee| *payee.address == text),
            Detail::OwnerAddress => payouts.shares().iter().any(|share| *share.owner_address == text),
            _ => false,
        }
    }
}
