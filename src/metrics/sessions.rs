//! Families of DKG sessions under way.
//!
//! Never here: which sessions are told; that is looked up.

use crate::metrics::catalog;
use crate::metrics::masternode::{Row, ScalarFamily};
use domain::session::MemberSessions;

/// Where a source tells sessions, on chains that have them.
pub(super) const SESSIONS: &[ScalarFamily] = &[
    (&catalog::DKG_SESSION_ACTIVE, |row, _| Some(seats(row)?.sessions.into())),
    (&catalog::DKG_SESSION_BAD_MARKS, |row, _| Some(seats(row)?.marks.into())),
    (&catalog::DKG_SESSION_CONTRIBUTION, |row, _| Some(seats(row)?.contributed?.into())),
];

fn seats(row: &Row<'_>) -> Option<MemberSessions> {
    row.snapshot.facts().sessions.as_ref()?.of(&row.watched?.watched.id)
}
