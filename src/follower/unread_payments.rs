//! Blocks whose payments were not read although their lists were: kept in the history, so that sums over them are not called
//! complete.
//!
//! Never here: reading payments (`payees`).

use crate::history::{self, TextTable, Writer};
use domain::earnings::Period;
use domain::list::Block;
use domain::masternode::UnixSeconds;

/// Such blocks with less than a day between them are one period.
const APART_SECONDS: u64 = 86_400;

/// The newest period with such blocks.
#[derive(Default)]
pub(super) struct UnreadPayments {
    period: Option<Period>,
    is_kept: bool,
}

impl UnreadPayments {
    /// Adds the blocks after one block, up to another; the same for that block only.
    pub(super) fn add(&mut self, before: &Block, last: &Block) {
        let from = before.time.0.saturating_add(1).min(last.time.0);
        let (from, until) = (UnixSeconds(from), UnixSeconds(last.time.0.saturating_add(1)));
        let near = self.period.filter(|known| from.0 <= known.until.0.saturating_add(APART_SECONDS));
        let from = near.map_or(from, |known| known.from.min(from));
        self.period = Some(Period { from, until: near.map_or(until, |known| known.until.max(until)) });
        self.is_kept = false;
    }

    /// Records the period if it changed. A failure is reported by the history, and retried at the next call.
    pub(super) async fn keep(&mut self, network: &str, history: Option<&Writer>) {
        if let (Some(period), Some(history), false) = (self.period, history, self.is_kept) {
            let change = history::unread_payments(network, period);
            self.is_kept = history.keep_texts(TextTable::Operator, vec![change]).await.is_ok();
        }
    }
}
