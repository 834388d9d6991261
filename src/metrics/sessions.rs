//! Families of active DKG sessions.
//!
//! Never here: the choice of sessions; they are looked up.

use crate::catalog;
use crate::metrics::masternode::{Row, ScalarFamily};
use domain::session::MemberSessions;

/// If a source reports sessions, on chains that have them.
pub(super) const SESSIONS: &[ScalarFamily] = &[
    (&catalog::DKG_SESSION_ACTIVE, |row, _| Some(seats(row)?.sessions.into())),
    (&catalog::DKG_SESSION_BAD_MARKS, |row, _| Some(seats(row)?.marks.into())),
    (&catalog::DKG_SESSION_CONTRIBUTION, |row, _| Some(seats(row)?.contributed?.into())),
];

fn seats(row: &Row<'_>) -> Option<MemberSessions> {
    row.snapshot.facts().sessions.as_ref()?.of(&row.watched?.watched.id)
}
