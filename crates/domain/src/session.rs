//! Active DKG sessions, as seen by sources that are members or watch them: they show a failure before its penalty.
//!
//! Never here: sessions that have ended; their commitments show the result.

use std::collections::BTreeMap;

use crate::foreign_text::ForeignText;
use crate::masternode::{BlockHash, MasternodeId};

/// The phase of contributions; missing contributions may still arrive before its end. Phases (`QuorumPhase` in
/// `src/llmq/dkgsessionhandler.h`): 1 begin, 2 contribute, 3 complain, 4 justify, 5 commit, 6 finalise, 7 idle.
const CONTRIBUTE: u8 = 2;

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkgSession {
    /// Name of its quorum type, e.g. `llmq_60_75`.
    pub quorum_type: ForeignText,
    /// The block at which it began, which identifies its quorum.
    pub quorum: BlockHash,
    /// Index of the quorum in its cycle, 0 for non-rotating types.
    pub index: u32,
    /// Its phase, 0…7.
    pub phase: u8,
    /// Its members.
    pub seats: BTreeMap<MasternodeId, DkgMember>,
}

/// What sources see of one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DkgMember {
    /// Its contribution was received.
    pub contributed: bool,
    /// Number of sources with a bad vote or complaint against it.
    pub marks: u32,
}

/// All session reports of the sources of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DkgSessions {
    watched: bool,
    told_by: Vec<MasternodeId>,
    sessions: Vec<DkgSession>,
}

/// What is known about one masternode in the active sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberSessions {
    /// Sessions that include it; if only other masternodes report, those that they share with it.
    pub sessions: u32,
    /// Bad votes and complaints against it, over all sources and sessions.
    pub marks: u32,
    /// Whether its contribution was received in each session past that phase; `None` if there is none.
    pub contributed: Option<bool>,
}

impl DkgSessions {
    /// Adds the report of one more source. `own` is the masternode that the source is; `None` if it watches all
    /// sessions.
    pub fn add(&mut self, own: Option<MasternodeId>, seen: &[DkgSession]) {
        match own {
            Some(id) => self.told_by.push(id),
            None => self.watched = true,
        }
        for session in seen {
            let key = |session: &DkgSession| (session.quorum_type.clone(), session.quorum, session.index);
            match self.sessions.iter_mut().find(|known| key(known) == key(session)) {
                None => self.sessions.push(session.clone()),
                Some(known) => {
                    known.phase = known.phase.max(session.phase);
                    for (id, seat) in &session.seats {
                        let seat_known = known.seats.entry(*id).or_default();
                        seat_known.contributed |= seat.contributed;
                        seat_known.marks += seat.marks;
                    }
                }
            }
        }
    }

    /// What is known about one masternode. `None` if no reported session includes it, and no source reports all of its
    /// sessions.
    pub fn of(&self, id: &MasternodeId) -> Option<MemberSessions> {
        let mut seats = MemberSessions { sessions: 0, marks: 0, contributed: None };
        for (session, seat) in self.sessions.iter().filter_map(|session| Some((session, session.seats.get(id)?))) {
            seats.sessions += 1;
            seats.marks += seat.marks;
            if session.phase > CONTRIBUTE {
                seats.contributed = Some(seats.contributed.unwrap_or(true) && seat.contributed);
            }
        }
        (seats.sessions > 0 || self.watched || self.told_by.contains(id)).then_some(seats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masternode::Hash;

    fn id(number: u8) -> MasternodeId {
        MasternodeId::ProTx(Hash([number; 32]))
    }

    fn session(quorum: u8, phase: u8, seats: &[(u8, bool, u32)]) -> DkgSession {
        let seat = |(number, contributed, marks): &(u8, bool, u32)| {
            (id(*number), DkgMember { contributed: *contributed, marks: *marks })
        };
        DkgSession {
            quorum_type: "llmq_test".into(),
            quorum: BlockHash(Hash([quorum; 32])),
            index: 0,
            phase,
            seats: seats.iter().map(seat).collect(),
        }
    }

    #[test]
    fn a_contribution_is_missing_only_once_its_phase_is_over() {
        // phase, received: expected result.
        for (phase, received, expected) in
            [(1, false, None), (2, false, None), (2, true, None), (3, false, Some(false)), (3, true, Some(true))]
        {
            let mut sessions = DkgSessions::default();
            sessions.add(None, &[session(1, phase, &[(1, received, 0)])]);
            assert_eq!(sessions.of(&id(1)).unwrap().contributed, expected, "phase {phase}, received {received}");
        }
    }

    #[test]
    fn one_missing_contribution_among_several_sessions_is_enough() {
        let mut sessions = DkgSessions::default();
        sessions.add(
            None,
            &[session(1, 4, &[(1, true, 0)]), session(2, 4, &[(1, false, 1)]), session(3, 1, &[(1, false, 0)])],
        );
        assert_eq!(sessions.of(&id(1)), Some(MemberSessions { sessions: 3, marks: 1, contributed: Some(false) }));
    }

    #[test]
    fn reports_of_several_sources_about_a_session_are_merged() {
        let mut sessions = DkgSessions::default();
        sessions.add(Some(id(2)), &[session(1, 3, &[(1, false, 1), (2, true, 0)])]);
        sessions.add(Some(id(3)), &[session(1, 4, &[(1, true, 1), (2, true, 0)])]);
        assert_eq!(sessions.of(&id(1)), Some(MemberSessions { sessions: 1, marks: 2, contributed: Some(true) }));
    }

    #[test]
    fn a_masternode_reports_all_of_its_own_sessions_and_no_others() {
        let mut sessions = DkgSessions::default();
        sessions.add(Some(id(2)), &[]);
        assert_eq!(sessions.of(&id(2)), Some(MemberSessions { sessions: 0, marks: 0, contributed: None }));
        assert_eq!(sessions.of(&id(1)), None, "an unreported session may include it");
        sessions.add(None, &[]);
        assert_eq!(sessions.of(&id(1)).unwrap().sessions, 0, "who watches sees all");
    }
}
