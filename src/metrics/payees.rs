//! Payees: `masternode_payout_info`, a sample for each payee of a watched masternode.
//!
//! Never here: amounts.

use std::borrow::Cow;

use crate::catalog;
use crate::metrics::masternode::{NodeSeries, Row, TrailingLabels};
use crate::metrics::value::Value;
use domain::Snapshot;
use domain::payout::Payee;

/// Maximum number of payees with samples. A registration has at most 32; a node that reports more is wrong.
const MOST: usize = 64;

/// Maximum number of payees of a watched masternode of these networks.
pub(super) fn most<'a>(networks: impl IntoIterator<Item = &'a Snapshot>) -> usize {
    let payees = |snapshot: &'a Snapshot| {
        let nodes = snapshot.watched().iter().filter_map(|watched| watched.index);
        nodes.map(|index| payees_of(snapshot, index).map_or(0, |payees| payees.len())).max()
    };
    networks.into_iter().filter_map(payees).max().unwrap_or(0).min(MOST)
}

/// One series for the first payee of each masternode, one for the second, and so on.
pub(super) fn series(most: usize) -> impl Iterator<Item = NodeSeries> {
    let family = &catalog::PAYOUT_INFO;
    (0..most).map(move |variant| NodeSeries {
        family,
        prefix: format!("{}{{", family.name),
        last: TrailingLabels::Own("payout_address", |row, variant| {
            Some(Cow::Owned(payee(row, variant)?.address.into()))
        }),
        watched_only: true,
        variant,
        applies: |_| true,
        value: |row, variant| Some(Value::Real(payee(row, variant)?.ratio?)),
    })
}

fn payee(row: &Row<'_>, variant: usize) -> Option<Payee> {
    payees_of(row.snapshot, row.index? as usize)?.into_iter().nth(variant)
}

fn payees_of(snapshot: &Snapshot, index: usize) -> Option<Vec<Payee>> {
    snapshot.node(index).masternode.details.payees()
}
