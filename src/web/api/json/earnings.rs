//! Sums of payments as JSON.
//!
//! Never here: which payments are in a sum.

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::json::values::Text;
use domain::earnings;
use domain::masternode::{Duffs, MasternodeId, UnixSeconds};

/// Payments to the masternodes of a row. Amounts are those of the blocks' coinbases: payments of proposals and the Platform's part
/// are not in them.
#[derive(Default, Clone, Debug, Serialize, JsonSchema)]
pub struct EarningsRow {
    /// Name of the network.
    pub network: String,
    /// Group in the watch list, written key=value; null if not by group, empty for masternodes without a group.
    pub group: Option<String>,
    /// The masternode; null if not by masternode.
    pub masternode: Option<Text<MasternodeId>>,
    /// Its alias in the watch list; empty if it has none, null if not by masternode.
    pub alias: Option<String>,
    /// Address of the owner's side; `operator` for the operator's part, empty if not known, null if not by payee.
    pub payee: Option<String>,
    /// Month by block time in UTC, 2026-11; null if not by month.
    pub month: Option<String>,
    /// Day by block time in UTC, 2026-11-30, or the month where days are no longer kept; null if not by day.
    pub day: Option<String>,
    /// Number of payments.
    pub payments: u64,
    /// Sum of the owner's part in coins; null if no amount is known, and without a payment if none was recorded at the end of the
    /// period.
    pub amount: Option<String>,
    /// The same in duffs (1e-8 coins).
    pub amount_duffs: Option<u64>,
    /// Sum of the operator's part in coins; null if no amount is known.
    pub operator_amount: Option<String>,
    /// The same in duffs.
    pub operator_amount_duffs: Option<u64>,
    /// Payments whose amount is not known: with any, the sum is a lower bound.
    pub payments_without_amount: u64,
    /// Payments of the network are recorded without a gap from this time on; null if the last ones are not recorded.
    pub since: Option<Text<UnixSeconds>>,
    /// Whether all payments of the period up to now are recorded.
    pub complete: bool,
}

/// Payments to a masternode in a period that ends with the tip.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EarnedPeriod {
    /// 24h, 7d, 30d, or all: since the beginning of the history.
    #[schemars(extend("enum" = ["24h", "7d", "30d", "all"]))]
    pub period: &'static str,
    /// Number of payments.
    pub payments: u64,
    /// Sum of the owner's part in duffs (1e-8 coins); null if no amount is known.
    pub amount_duffs: Option<u64>,
    /// Sum of the operator's part in duffs; null if no amount is known.
    pub operator_amount_duffs: Option<u64>,
    /// Payments whose amount is not known: with any, the sum is a lower bound.
    pub payments_without_amount: u64,
    /// Payments are recorded without a gap from this time on; null if the last ones are not recorded.
    pub since: Option<Text<UnixSeconds>>,
    /// Whether that is all of the period; false of `all`, which has no beginning.
    pub complete: bool,
}

impl EarnedPeriod {
    /// The sums of a period.
    pub fn new(
        period: &'static str,
        earned: &earnings::Earned,
        since: Option<UnixSeconds>,
        complete: bool,
    ) -> EarnedPeriod {
        let is_known = since.is_some() || earned.payments > 0;
        let duffs = |amount: Option<Duffs>| amount.filter(|_| is_known).map(|Duffs(duffs)| duffs);
        EarnedPeriod {
            period,
            payments: earned.payments,
            amount_duffs: duffs(earned.owner()),
            operator_amount_duffs: duffs(earned.operator()),
            payments_without_amount: earned.without_amount(),
            since: since.map(Text),
            complete,
        }
    }
}
