//! Active DKG sessions, as reported by recorded and simulated masternodes: a failure is visible before its penalty.

use domain::session::{DkgSessions, MemberSessions};
use domain::{Hash, MasternodeId};
use masternode_exporter::rpc::dash::sessions::{blocks_to_next, sessions};
use masternode_exporter::rpc::masternode_status::own_masternode;
use proptest::prelude::{any, proptest};

use crate::support::harness::Stage;
use crate::support::samples::Page;

const OWN: &[(&str, &str)] = &[("alias", "mn-0")];
const ACTIVE: &str = "masternode_dkg_session_active";
const CONTRIBUTION: &str = "masternode_dkg_session_contribution_received";
const MARKS: &str = "masternode_dkg_session_bad_marks";

fn recorded(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/dash/v23.1.2/dkg/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn id(hash: &str) -> MasternodeId {
    MasternodeId::ProTx(hash.parse::<Hash>().unwrap())
}

#[test]
fn a_recorded_member_reports_the_contributions_to_its_sessions() {
    let seen = sessions(&recorded("quorum_dkgstatus_offset8_detail2.json")).unwrap();
    assert!(seen.sees);
    let reported: Vec<(&str, u32, u8, usize)> = seen
        .sessions
        .iter()
        .map(|session| (session.quorum_type.as_str(), session.index, session.phase, session.seats.len()))
        .collect();
    assert_eq!(reported, [("llmq_test", 0, 5, 3), ("llmq_test_dip0024", 1, 4, 4)]);
    let own = id("3b158c06eedcf11aafaf576aad37b5a1da4bae31e6bf2e655ec198e14c4f8cfd");
    let mut reported = DkgSessions::default();
    reported.add(Some(own), &seen.sessions);
    let seats = |sessions| Some(MemberSessions { sessions, marks: 0, contributed: Some(true) });
    assert_eq!(reported.of(&own), seats(2), "it is a member of both");
    assert_eq!(reported.of(&id("2d84672c16f1655f80864a9e2eae1170e288b9eb1a64d1837dce60aa55549eb8")), seats(1));
    // It was a member of sessions of that round as well, which this member does not see.
    assert_eq!(reported.of(&id("92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6")), None);
    assert_eq!(blocks_to_next(&recorded("quorum_dkginfo.json")).unwrap(), 16);
}

#[test]
fn a_recorded_node_that_is_not_a_member_sees_nothing() {
    let seen = sessions(&recorded("quorum_dkgstatus_on_plain_node.json")).unwrap();
    assert_eq!((seen.sees, seen.sessions.len()), (false, 0));
}

#[test]
fn answers_of_other_versions_are_read_and_false_ones_refused() {
    let read = |text: &str| sessions(format!(r#"{{"result":{text},"error":null}}"#).as_bytes());
    // Since 23.1 a node that is not a masternode may omit all of it; before 18 it answers by type.
    for nothing in ["{}", r#"{"time":0,"session":{"llmq_50_60":{}}}"#] {
        assert_eq!(read(nothing).map(|seen| (seen.sees, seen.sessions.len())).unwrap(), (false, 0), "{nothing}");
    }
    let hash = "11".repeat(32);
    let session = |hash: &str, members: &str| {
        format!(
            r#"{{"time":1,"session":[{{"llmqType":"llmq_test","status":{{"quorumHash":"{hash}","phase":3,
            "badMembers":[{{"memberIndex":0,"proTxHash":"{}"}}],"allMembers":[{members}]}}}}]}}"#,
            "22".repeat(32)
        )
    };
    // A mark against a non-member does not count.
    assert!(read(&session(&hash, "")).unwrap().sessions[0].seats.is_empty());
    let member = format!("\"{}\"", "22".repeat(32));
    assert_eq!(read(&session(&hash, &member)).unwrap().sessions[0].seats.values().next().unwrap().marks, 1);
    assert!(read(&session("xy", &member)).is_err());
    assert!(read(&session(&hash, &vec![member; 2_000].join(","))).is_err(), "no quorum is that large");
}

proptest! {
    #[test]
    fn no_damage_to_an_answer_makes_its_reader_panic(
        at in any::<proptest::sample::Index>(),
        cut in any::<proptest::sample::Index>(),
        damage in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/dash/v23.1.2");
        for file in ["dkg/quorum_dkgstatus_offset8_detail2.json", "healthy/masternode_status.json"] {
            let mut body = std::fs::read(format!("{folder}/{file}")).unwrap();
            let from = at.index(body.len());
            let to = (from + cut.index(200)).min(body.len());
            body.splice(from..to, damage.iter().copied());
            // Whether it still is a valid answer does not matter here.
            let _ = (sessions(&body), own_masternode(&body), blocks_to_next(&body));
        }
    }
}

/// Mines up to the offset into the next interval of 24 blocks, polls, and requests the reports of sources again.
async fn go_to(stage: &mut Stage, offset: u32) -> Page {
    let (tip, _) = stage.network.tip();
    stage.network.mine(((24 + offset - tip % 24 - 1) % 24 + 1) as usize);
    for _ in 0..6 {
        stage.poll().await;
    }
    stage.page().await
}

#[tokio::test]
async fn a_missing_contribution_is_seen_by_another_member_before_the_penalty() {
    let mut stage = Stage::small().await;
    stage.serve_masternode(0).await;
    // Too many are offline for a quorum, so no masternode is punished and the next rounds are like the first.
    for index in 1..12 {
        stage.network.set_offline(&stage.masternode(index), true).unwrap();
    }
    let mut page = go_to(&mut stage, 2).await;
    for _ in 0..10 {
        if page.value(ACTIVE, OWN).is_some_and(|sessions| sessions > 0.0) {
            break;
        }
        page = go_to(&mut stage, 2).await;
    }
    page.expect_absent(CONTRIBUTION, OWN);
    page.expect(
        "masternode_requirement_met",
        &[OWN[0], ("requirement", "dkg_participation"), ("evidence", "list")],
        1.0,
    );
    let page = go_to(&mut stage, 6).await;
    page.expect(CONTRIBUTION, OWN, 1.0);
    page.expect(MARKS, OWN, 0.0);
    let own = [OWN[0], ("requirement", "dkg_participation"), ("evidence", "session")];
    page.expect("masternode_requirement_met", &own, 1.0);
    let tip = stage.network.tip().0;
    page.expect("masternode_network_dkg_next_start_height", &[], f64::from(tip + 18));
    let aliases: Vec<String> = (1..12).map(|index| format!("mn-{index}")).collect();
    let fellows: Vec<&str> =
        aliases.iter().map(String::as_str).filter(|alias| page.value(ACTIVE, &[("alias", alias)]).is_some()).collect();
    assert!(
        !fellows.is_empty() && fellows.len() < 11,
        "{fellows:?}: the others are members elsewhere, and no source reports them"
    );
    for alias in fellows {
        let fellow = ("alias", alias);
        page.expect(CONTRIBUTION, &[fellow], 0.0);
        page.expect(MARKS, &[fellow], page.value(ACTIVE, &[fellow]).unwrap());
        page.expect("masternode_pose_score", &[fellow], 0.0);
        let verdict = [fellow, ("requirement", "dkg_participation"), ("evidence", "session")];
        page.expect("masternode_requirement_met", &verdict, 0.0);
    }
    // The round is over, and its reports with it.
    let page = go_to(&mut stage, 20).await;
    page.expect(ACTIVE, OWN, 0.0);
    page.expect_absent(CONTRIBUTION, OWN);
}

#[tokio::test]
async fn a_source_that_is_not_a_masternode_reports_no_sessions() {
    let mut stage = Stage::small().await;
    let page = go_to(&mut stage, 6).await;
    assert_eq!((page.count(ACTIVE), page.count(MARKS), page.count(CONTRIBUTION)), (0, 0, 0));
}
