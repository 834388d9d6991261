//! Counts values in the answers of sources that this version does not understand: the first sign of a fork that changes
//! answers.
//!
//! Never here: the content of an answer.

use prometheus::IntCounterVec;

use crate::catalog::process;
use crate::meters::families::{Families, Total};

/// The kinds, one per line: the values of the label `kind`.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident => $label:literal,)*) => {
        /// A kind of value that is not understood.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum NotUnderstood {
            $($(#[doc = $doc])+ $kind,)*
        }

        impl NotUnderstood {
            /// All kinds, in the order of their labels.
            pub const ALL: [NotUnderstood; [$($label),*].len()] = [$(NotUnderstood::$kind),*];

            /// The value of the label `kind`.
            pub fn label(self) -> &'static str {
                match self {
                    $(NotUnderstood::$kind => $label,)*
                }
            }
        }
    };
}

kinds! {
    /// A registration of a version above 3.
    StateVersion => "state_version",
    /// An address with an unknown purpose, or not of the form `host:port`.
    AddressKind => "address_kind",
    /// An entry of the masternode list, of which only the identity may be known, or which lacks a field.
    ListEntry => "list_entry",
    /// Payees of unknown form, or whose parts do not add up to the whole.
    PayoutForm => "payout_form",
    /// Shares of unknown form.
    ShareForm => "share_form",
    /// The name of a deployment; each name counts once.
    SoftforkKey => "softfork_key",
    /// A version of the coinbase transaction above 4, in a checked block.
    CoinbaseVersion => "coinbase_version",
    /// A type of special transactions above 12, in a checked block.
    SpecialTransactionType => "special_transaction_type",
}

/// Counts the values of one network's answers that are not understood.
pub struct NotUnderstoodMeters {
    counters: IntCounterVec,
    network: String,
    total: Total,
}

impl NotUnderstoodMeters {
    pub(super) fn new(families: &Families, network: &str) -> NotUnderstoodMeters {
        let family = &process::NOT_UNDERSTOOD;
        let (counters, total) = (families.counters(family), families.total(family, network));
        NotUnderstoodMeters { counters, network: network.into(), total }
    }

    /// Initialises the counters at 0, so that the first occurrence is an increase.
    pub(super) fn begin(&self) {
        for kind in NotUnderstood::ALL {
            self.counters.with_label_values(&[&*self.network, kind.label()]);
        }
    }

    /// Adds occurrences of a kind.
    pub fn add(&self, kind: NotUnderstood, count: u64) {
        self.counters.with_label_values(&[&*self.network, kind.label()]).inc_by(count);
        self.total.add(count);
    }

    /// Values of all kinds since the process started.
    pub fn total(&self) -> u64 {
        self.total.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_all_kinds() {
        let kinds = NotUnderstood::ALL.map(NotUnderstood::label).join(", ");
        assert!(process::NOT_UNDERSTOOD.help.contains(&format!("by kind: {kinds}. ")), "{kinds}");
    }
}
