//! Quorums that do not form, and memberships in active sessions.
//!
//! Never here: penalties.

use super::*;

/// `llmq_400_85` has a session every 576 blocks, which is 288,000 and 287,424; their mining windows end 48 blocks later.
#[test]
fn a_type_without_a_quorum_in_two_windows_is_told_and_is_no_fault_of_a_masternode() {
    let start = |windows: u32| TIP - windows * 576;
    let cases: [(u32, u32, Found); 5] = [
        (TIP + 47, start(1), &[]),
        (TIP + 48, start(1), &[]),
        (TIP + 47, start(2), &[]),
        (TIP + 48, start(2), &[("MasternodeQuorumMissing", 2.0)]),
        (TIP + 48, start(30), &[("MasternodeQuorumMissing", 30.0)]),
    ];
    for (tip, start, expected) in cases {
        let newest = Some(Mined { start: Height(start), mined: Height(start + 21) });
        let formations = Formations::from([("llmq_400_85", Formation { newest, open: None })]);
        // A member of these sessions with a score: there is no condition of it.
        Scene { tip, node: scored(10), formations, ..Scene::default() }.check(expected);
    }
    Scene { tip: TIP + 48, ..Scene::default() }.check(&[]);
}

#[test]
fn a_contribution_is_missing_once_the_phase_for_it_is_over_and_no_source_has_it() {
    let session = |phase, masternode, contributed| DkgSession {
        quorum_type: "llmq_60_75".into(),
        quorum: BlockHash(Hash([9; 32])),
        index: 0,
        phase,
        seats: BTreeMap::from([(id(masternode), DkgMember { contributed, marks: 0 })]),
    };
    // Phase 2: contribute; 3: complain.
    let cases: [(Seen, Found); 6] = [
        (&[], &[]),
        (&[(2, 1, false)], &[]),
        (&[(3, 1, false)], &[("MasternodeDkgContributionMissing", 0.0)]),
        (&[(3, 1, true)], &[]),
        (&[(3, 1, false), (3, 1, true)], &[]),
        // Number 2 is not watched.
        (&[(3, 2, false)], &[]),
    ];
    for (seen, expected) in cases {
        let mut sessions = DkgSessions::default();
        seen.iter().for_each(|(phase, node, came)| sessions.add(None, &[session(*phase, *node, *came)]));
        Scene { sessions: Some(sessions), ..Scene::default() }.check(expected);
    }
}
