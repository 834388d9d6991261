//! Seats in rotating quorums: what is computed ahead of each cycle is what the network's quorums then show.

use std::collections::BTreeMap;

use domain::quorum_rotation::Rotation;
use domain::{Hash, Height, MasternodeId};
use simulator::{Action, Fault, Options};

use crate::support::harness::{Stage, fail};
use crate::support::oracle;

const KIND: (u8, &str) = (103, "llmq_test_dip0024");
const INTERVAL: u32 = 24;
const MISMATCHES: &str = "masternode_exporter_quorum_selection_mismatches_total";

/// Members by cycle and quorum index.
type Members = BTreeMap<(u32, u32), Vec<Hash>>;

fn rotation(stage: &Stage) -> Option<Rotation> {
    let snapshot = stage.snapshot().unwrap();
    assert!(snapshot.facts().rotations.len() <= 1);
    snapshot.facts().rotations.first().map(|rotation| (**rotation).clone())
}

/// The members of the newest cycle that the follower knows.
fn computed(stage: &Stage) -> Members {
    let rotation = rotation(stage).expect("members are known");
    (0..2).map(|index| ((rotation.cycle().0, index), rotation.members(index as usize))).collect()
}

/// What the node says of its active quorums.
async fn mined(stage: &Stage) -> Members {
    let client = stage.client();
    let active = client.active_quorums(KIND.1, Height(stage.network.tip().0)).await.unwrap();
    let mut mined = Members::new();
    for quorum in active {
        let info = client.quorum_members(KIND.0, &quorum.hash).await.unwrap();
        let members = info.members.into_iter().map(|(id, _)| match id {
            MasternodeId::ProTx(hash) => hash,
            MasternodeId::Collateral(_) => panic!("a Dash masternode has a registration"),
        });
        mined.insert((quorum.height.0 - quorum.index, quorum.index), members.collect());
    }
    mined
}

/// Mines and polls up to the given offset into a cycle, block by block.
async fn follow_to(stage: &mut Stage, offset: u32) {
    while stage.network.tip().0 % INTERVAL != offset {
        stage.mine(&[]).await;
    }
}

/// What happens in the cycle of a number: bans, revivals, registrations, removals, failed sessions, reorganisations.
async fn happen(stage: &mut Stage, number: u32) {
    let listed = stage.network.masternodes();
    let one = listed[number as usize * 5 % listed.len()].clone();
    match number % 6 {
        0 => stage.network.mine_with(&[fail(&one, 2)]).map(drop).unwrap(),
        1 => {
            let revived = listed.iter().take(4).map(|one| Action::Revive { masternode: one.clone() });
            stage.network.mine_with(&revived.collect::<Vec<_>>()).map(drop).unwrap();
        }
        2 => stage.network.mine_with(&[Action::SpendCollateral { masternode: one }]).map(drop).unwrap(),
        3 => {
            let two = [(); 2].map(|()| Action::Register { evo: false, with_address: true });
            stage.network.mine_with(&two).map(drop).unwrap();
        }
        4 => {
            let index = number / 6 % 2;
            follow_to(stage, 10).await;
            stage.network.mine_with(&[Action::FailSession { quorum_type: KIND.0, index }]).map(drop).unwrap();
        }
        _ => stage.network.reorg(10, &[const { vec![] }; 11]).map(drop).unwrap(),
    }
    stage.poll().await;
}

#[tokio::test]
async fn members_computed_at_the_work_block_are_those_of_the_mined_quorums_for_many_cycles() {
    let mut stage = Stage::following().await;
    let (mut ahead, mut compared, mut cycles) = (Members::new(), 0, 30);
    while cycles > 0 {
        follow_to(&mut stage, 16).await;
        ahead.extend(computed(&stage));
        let cycle = stage.network.tip().0 + 8;
        assert_eq!(rotation(&stage).unwrap().cycle(), Height(cycle), "known at its work block");
        follow_to(&mut stage, 1).await;
        happen(&mut stage, cycles).await;
        if rotation(&stage).unwrap().cycle() == Height(cycle) {
            // A reorganisation replaced the work block: what was computed before is void.
            let again = computed(&stage);
            assert!(cycles % 6 == 5 || again.iter().all(|(key, members)| ahead[key] == *members));
            ahead.extend(again);
        }
        follow_to(&mut stage, 20).await;
        for (key, members) in mined(&stage).await.iter().filter(|((of, _), _)| *of == cycle) {
            assert_eq!(ahead[key], *members, "{key:?} after {}", cycles % 6);
            compared += 1;
        }
        cycles -= 1;
    }
    assert!(compared > 40, "{compared} quorums were compared");
    check_by_oracle(&stage, &ahead).await;
    stage.page().await.expect(MISMATCHES, &[("network", "dash-test"), ("quorum_type", KIND.1)], 0.0);
}

/// An implementation in another language, written from the specification, computes the same members from the lists of the node.
async fn check_by_oracle(stage: &Stage, ahead: &Members) {
    let first = ahead.keys().next().unwrap().0;
    let last = ahead.keys().last().unwrap().0;
    let members = |cycle: u32| -> Vec<Vec<String>> {
        (0..2).map(|index| ahead[&(cycle, index)].iter().map(Hash::to_string).collect()).collect()
    };
    let request = serde_json::json!({
        "id": KIND.0, "size": 4, "quorums": 2, "interval": INTERVAL, "first": first, "last": last, "members": members(first),
    });
    let url = stage.servers[0].handle().url();
    let answer = tokio::task::spawn_blocking(move || oracle::run(&["node", &url], &request)).await.unwrap();
    let found = answer["members"].as_object().unwrap();
    // A reorganisation leads past some cycles.
    let mut compared = 0;
    for (cycle, found) in found {
        let number: u32 = cycle.parse().unwrap();
        if ahead.contains_key(&(number, 0)) && ahead.contains_key(&(number, 1)) {
            assert_eq!(*found, serde_json::json!(members(number)), "cycle {cycle}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared} cycles");
}

#[tokio::test]
async fn a_start_at_any_block_of_a_cycle_knows_what_a_follower_knows() {
    let mut stage = Stage::following().await;
    follow_to(&mut stage, 0).await;
    for version in [230_102, 200_000] {
        for _ in 0..INTERVAL {
            stage.mine(&[]).await;
            let known = rotation(&stage).unwrap();
            stage.restart().await;
            assert_eq!(rotation(&stage), Some(known), "block {}, version {version}", stage.network.tip().0);
        }
        stage = Stage::new(Options { version: 200_000, ..Options::default() }, 1).await;
        stage.poll().await;
    }
}

#[tokio::test]
async fn without_snapshots_the_members_of_a_whole_cycle_are_read() {
    let mut stage = Stage::following().await;
    // A new network has no quorum yet.
    stage.network.mine(INTERVAL as usize);
    follow_to(&mut stage, 14).await;
    for fault in [Fault::Forbidden, Fault::MissingSnapshots] {
        let known = rotation(&stage).unwrap();
        stage.servers[0].handle().faults().set_for(fault.clone(), &["quorum rotationinfo"]);
        stage.restart().await;
        assert_eq!(rotation(&stage).map(|read| read.members(1)), Some(known.members(1)), "{fault:?}");
        follow_to(&mut stage, 16).await;
        let ahead = computed(&stage);
        follow_to(&mut stage, 14).await;
        assert_eq!(mined(&stage).await.into_iter().rev().take(2).rev().collect::<Members>(), ahead, "{fault:?}");
        stage.servers[0].handle().faults().clear();
        stage.restart().await;
    }
}

#[tokio::test]
async fn where_members_cannot_be_known_nothing_is_published_but_the_list() {
    for refused in [&["quorum rotationinfo", "quorum info"][..], &["protx diff"], &["getspecialtxes"]] {
        let mut stage = Stage::small().await;
        stage.servers[0].handle().faults().set_for(Fault::Forbidden, refused);
        stage.poll().await;
        assert_eq!(rotation(&stage), None, "{refused:?}");
        stage.mine(&[]).await;
        let calls = stage.servers[0].handle().calls();
        stage.mine(&[]).await;
        assert_eq!(rotation(&stage), None, "{refused:?}");
        let page = stage.page().await;
        page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
        let again = stage.servers[0].handle().calls();
        assert_eq!(again.get("quorum rotationinfo"), calls.get("quorum rotationinfo"), "{refused:?}");
        // When the node answers, the next cycle is known.
        stage.servers[0].handle().faults().clear();
        if refused[0] == "quorum rotationinfo" {
            follow_to(&mut stage, 15).await;
            follow_to(&mut stage, 16).await;
            assert!(rotation(&stage).is_some(), "{refused:?}");
        }
    }
    // A failed session leaves a cycle that cannot be read from its quorums.
    let mut stage = Stage::following().await;
    stage.network.mine(INTERVAL as usize);
    follow_to(&mut stage, 10).await;
    stage.mine(&[Action::FailSession { quorum_type: KIND.0, index: 1 }]).await;
    follow_to(&mut stage, 14).await;
    assert!(rotation(&stage).is_some());
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["quorum rotationinfo"]);
    stage.restart().await;
    assert_eq!(rotation(&stage), None);
}

#[tokio::test]
async fn a_reorganisation_across_a_work_block_voids_what_was_made_from_it() {
    let mut others = 0;
    for depth in 1..6 {
        let mut stage = Stage::following().await;
        follow_to(&mut stage, 17).await;
        let before = computed(&stage);
        stage.network.reorg(depth, &vec![vec![]; depth + 1]).unwrap();
        stage.poll().await;
        let after = computed(&stage);
        others += u32::from(depth > 1 && after != before);
        assert!(depth > 1 || after == before, "the work block is still there");
        follow_to(&mut stage, 14).await;
        assert_eq!(mined(&stage).await.into_iter().rev().take(2).rev().collect::<Members>(), after, "depth {depth}");
        // Back below the work block: the quarter of the next cycle is not known any more.
        follow_to(&mut stage, 16).await;
        let cycle = rotation(&stage).unwrap().cycle();
        stage.network.reorg(2, &[vec![], vec![]]).unwrap();
        stage.network.reorg(3, &[const { vec![] }; 3]).unwrap();
        stage.poll().await;
        assert_eq!(rotation(&stage).map(|rotation| rotation.cycle()), Some(cycle));
    }
    assert!(others > 0, "another work block selects other members");
}

#[tokio::test]
async fn members_that_the_chain_contradicts_are_withdrawn_and_counted() {
    let mut wrong = 0;
    for lie in 0..6 {
        let mut stage = Stage::following().await;
        follow_to(&mut stage, 11).await;
        let honest = computed(&stage);
        let liar = stage.masternode(lie);
        let field = simulator::LeafField::Validity;
        let fault = Fault::LyingLeaf { masternode: liar.clone(), field };
        stage.servers[0].handle().faults().set_for(fault, &["protx diff"]);
        stage.restart().await;
        if computed(&stage) == honest {
            continue;
        }
        wrong += 1;
        follow_to(&mut stage, 14).await;
        assert_eq!(rotation(&stage), None, "lie {lie}");
        let page = stage.page().await;
        page.expect(MISMATCHES, &[("network", "dash-test"), ("quorum_type", KIND.1)], 1.0);
        page.expect("masternode_exporter_list_height", &[], f64::from(stage.network.tip().0));
        // From the next work block on, what an honest node says is published again.
        stage.servers[0].handle().faults().clear();
        follow_to(&mut stage, 16).await;
        let ahead = computed(&stage);
        follow_to(&mut stage, 14).await;
        assert_eq!(mined(&stage).await.into_iter().rev().take(2).rev().collect::<Members>(), ahead, "lie {lie}");
        stage.page().await.expect(MISMATCHES, &[("network", "dash-test"), ("quorum_type", KIND.1)], 1.0);
    }
    assert!(wrong > 0, "a lie changes members");
}

#[tokio::test]
async fn the_next_known_seat_of_each_masternode_is_on_the_page() {
    let mut stage = Stage::following().await;
    stage.network.mine(48);
    follow_to(&mut stage, 17).await;
    let (snapshot, page, known) = (stage.snapshot().unwrap(), stage.page().await, rotation(&stage).unwrap());
    let tip = snapshot.block().height;
    let mut seated = 0;
    for node in snapshot.watched() {
        let MasternodeId::ProTx(hash) = node.watched.id else { panic!("a Dash masternode has a registration") };
        let single = snapshot.facts().drawings.iter().filter(|selected| selected.seats(&node.watched.id));
        // A seat is over with the last block of its mining window, or with block 13 of a type that does not rotate.
        let seats = known.seats(&hash).into_iter().map(|seat| (seat.start, seat.due, seat.due.after(8)));
        let all = seats.chain(single.map(|selected| (selected.start, selected.due(), selected.start.after(13))));
        let next = all.filter(|(.., end)| *end > tip).map(|(start, due, _)| (start, due)).min();
        let labels = [("alias", node.watched.alias.as_str())];
        let height = |height: Option<Height>| height.map(|height| f64::from(height.0));
        let (start, due) = next.unzip();
        assert_eq!(page.value("masternode_dkg_next_seat_height", &labels), height(start), "{labels:?}");
        assert_eq!(page.value("masternode_dkg_next_seat_due_height", &labels), height(due), "{labels:?}");
        let sits = (0..2).any(|index| known.members(index).contains(&hash));
        let seat = [labels[0], ("quorum_type", KIND.1)];
        page.expect("masternode_dkg_seat", &seat, f64::from(u8::from(sits)));
        seated += u32::from(sits);
    }
    assert!(seated > 0 && seated < 12, "{seated} of 12 are members");
    let kind = [("quorum_type", KIND.1)];
    page.expect("masternode_network_rotation_slack_nodes", &kind, 4.0);
    page.expect("masternode_network_dkg_drawn_height", &kind, f64::from(known.cycle().0));
}

#[tokio::test]
async fn a_known_seat_before_it_is_safe_makes_a_ban_certain_when_it_fails() {
    const CHANCE: &str = "masternode_pose_test_before_safe_probability_ratio";
    let mut stage = Stage::following().await;
    stage.network.mine(48);
    follow_to(&mut stage, 18).await;
    let known = rotation(&stage).unwrap();
    let sits = |id: &String| (0..2).any(|index| known.members(index).contains(&id.parse().unwrap()));
    let members: Vec<String> = stage.network.masternodes().iter().filter(|id| sits(id)).cloned().collect();
    stage.mine(&[fail(&members[0], 1)]).await;
    let page = stage.page().await;
    page.expect("masternode_pose_failures_until_ban", &[("masternode", &members[0])], 1.0);
    page.expect(CHANCE, &[("masternode", &members[0])], 1.0);
    // Without the computed members there is only a rate.
    stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx diff"]);
    stage.restart().await;
    let rate = stage.page().await.value(CHANCE, &[("masternode", &members[0])]).unwrap();
    assert!(rate > 0.5 && rate < 1.0, "{rate}");
}

#[tokio::test]
async fn a_masternode_that_goes_offline_is_penalised_and_banned_at_the_heights_that_were_said() {
    // A quorum of the rotating type of four members needs all of them: where it fails as a whole, the penalty comes later.
    let (mut banned, mut penalised) = (0, 0);
    for index in 0..9 {
        let mut stage = Stage::following().await;
        stage.network.mine(48);
        // The cycle under way is over.
        follow_to(&mut stage, 20).await;
        let (alias, id) = (format!("mn-{index}"), stage.masternode(index));
        let page = stage.page().await;
        let labels = [("alias", alias.as_str())];
        let penalty = page.value("masternode_pose_offline_penalty_height", &labels);
        let ban = page.value("masternode_pose_offline_ban_height", &labels);
        stage.network.set_offline(&id, true).unwrap();
        for _ in 0..2 * INTERVAL {
            stage.mine(&[]).await;
            let (page, tip) = (stage.page().await, f64::from(stage.network.tip().0));
            let score = page.value("masternode_pose_score", &labels).unwrap();
            let is_banned = page.value("masternode_pose_banned", &labels) == Some(1.0);
            assert!(score == 0.0 || penalty.is_none_or(|penalty| tip >= penalty), "{alias}: penalty at {tip}");
            assert!(!is_banned || ban.is_none_or(|ban| tip >= ban), "{alias}: ban at {tip}");
            penalised += u32::from(score > 0.0 && penalty == Some(tip));
            banned += u32::from(is_banned && ban == Some(tip));
        }
    }
    assert!(penalised > 2 && banned > 0, "{penalised} penalties and {banned} bans came at once");
}

/// With 220 masternodes each has several seats in a cycle of `llmq_60_75`, all due in one block; the types of 400 members hold no
/// session. The quorums of 60 members form without one of them.
#[tokio::test]
async fn seats_of_a_mainnet_type_ban_an_offline_masternode_exactly_at_the_height_that_was_said() {
    let options = Options {
        subnet: simulator::Subnet::Main,
        start_height: 2_880_000 + 60,
        masternodes: 220,
        evo: 0,
        shrink_quorums: false,
        ..Options::default()
    };
    let mut stage = Stage::new(options, 1).await;
    // Until four cycles have made quarters, and the mining window of the newest one is over.
    stage.network.mine(4 * 288);
    stage.poll().await;
    for index in [0, 7, 100] {
        let (alias, id) = (format!("mn-{index}"), stage.masternode(index));
        let labels = [("alias", alias.as_str())];
        let (page, tip) = (stage.page().await, stage.network.tip().0);
        assert_eq!(tip % 288, 60);
        let due = tip - 60 + 288 + 42;
        page.expect("masternode_pose_offline_penalty_height", &labels, f64::from(due));
        page.expect("masternode_pose_offline_ban_height", &labels, f64::from(due));
        page.expect("masternode_dkg_double_seat_height", &labels, f64::from(due));
        stage.network.set_offline(&id, true).unwrap();
        stage.network.mine((due - 1 - tip) as usize);
        stage.poll().await;
        let page = stage.page().await;
        page.expect("masternode_exporter_list_height", &[], f64::from(due - 1));
        page.expect("masternode_pose_score", &labels, 0.0);
        stage.mine(&[]).await;
        stage.page().await.expect("masternode_pose_banned", &labels, 1.0);
        // A masternode that missed none of its sessions is not penalised.
        stage.page().await.expect("masternode_pose_score", &[("alias", "mn-50")], 0.0);
        stage.network.mine(18);
        stage.poll().await;
    }
}
