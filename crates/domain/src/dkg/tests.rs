//! The tables and the arithmetic of sessions, compared with the specification and with a simulation block by block.
//!
//! Never here: the selection of members, which is compared with real quorums.

use super::*;
use crate::pose::CONSENSUS;

const DAY: f64 = 548.0;

fn unknown(_: &QuorumType, _: Height) -> Membership {
    Membership::Possible(1.0)
}

#[test]
fn exposure_matches_the_table() {
    // valid, valid Evo, sessions per day of a regular node, of an Evo node: docs/spec/dash.md#exposure.
    let cases = [(3000, 400, 1.60, 7.31), (2100, 348, 2.28, 8.85), (2305, 299, 2.08, 9.72)];
    for (valid, evo, regular_expected, evo_expected) in cases {
        let population = Population { valid: [valid - evo, evo], banned: [0, 0] };
        let regular = DAY * sessions_per_block(MAIN, NodeType::Regular, &population);
        let evo = DAY * sessions_per_block(MAIN, NodeType::Evo, &population);
        assert!((regular - regular_expected).abs() < 0.011, "{valid}: {regular}");
        assert!((evo - evo_expected).abs() < 0.02, "{valid}: {evo}");
    }
}

#[test]
fn results_are_due_at_the_recorded_offsets() {
    // tip, whether the sessions of a window are open, next height with a quorum: 288 · 1000 is the base of every mainnet type.
    let base = 288_000;
    let cases = [
        (base, None, base + 11),
        (base + 10, Some(true), base + 11),
        (base + 10, None, base + 11),
        (base + 11, Some(true), base + 12),
        (base + 11, None, base + 12),
        (base + 11, Some(false), base + 21),
        (base + 21, Some(false), base + 35),
        (base + 35, Some(false), base + 42),
        (base + 42, Some(true), base + 43),
        (base + 42, Some(false), base + 59),
    ];
    for (tip, open, expected) in cases {
        assert_eq!(next_due(MAIN, Height(tip), |_| open), Some(Height(expected)), "tip {tip}, open {open:?}");
    }
}

#[test]
fn the_first_result_of_a_type_follows_its_mining_window() {
    // docs/spec/dash.md#dkg-phases-and-mining-windows: window start, and one block later for non-rotating types.
    for (types, expected) in [
        (MAIN, &[21, 21, 11, 42][..]),
        (TEST, &[11, 21, 21, 11, 42, 11]),
        (DEVNET, &[11, 21, 21, 11, 42, 11, 11, 12]),
        (REGTEST, &[11, 11, 12, 11]),
    ] {
        assert_eq!(types.iter().map(QuorumType::due_offset).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_restart_is_safe_when_the_spec_says_so() {
    // offset into 288, blocks left for a regular node, for an Evo node: docs/spec/dash.md#safe-maintenance.
    let cases =
        [(0, 0, 0), (49, 0, 0), (50, 238, 0), (61, 227, 11), (71, 217, 1), (72, 216, 0), (85, 203, 11), (287, 1, 1)];
    for (offset, regular, evo) in cases {
        let tip = Height(288_000 + offset);
        assert_eq!(maintenance_window(MAIN, NodeType::Regular, tip, unknown), Some(regular), "offset {offset}");
        assert_eq!(maintenance_window(MAIN, NodeType::Evo, tip, unknown), Some(evo), "offset {offset}");
    }
}

#[test]
fn the_probability_of_a_test_counts_coming_windows() {
    let population = Population { valid: [1752, 348], banned: [0, 0] };
    // offset of the tip into 576, blocks, type, known windows: probability. 1920 / 2100 = 0.914 in a rotation cycle,
    // 400 / 2100 = 0.190 in each quorum of 400, 100 / 348 = 0.287 in a Platform quorum.
    let (regular, evo) = (NodeType::Regular, NodeType::Evo);
    let seat = |kind: &QuorumType, _| Membership::Possible(kind.seats(&population));
    let cases = [
        (60, 248, regular, 0.0),
        (60, 249, regular, 0.1905),
        (60, 270, regular, 1.0 - 0.8095 * 0.0857),
        (20, 22, regular, 0.9143),
        (20, 21, regular, 0.0),
        (560, 37, regular, 1.0 - 0.8095 * 0.8095),
        (60, 22, evo, 0.0),
        (60, 23, evo, 0.2874),
        (60, 47, evo, 1.0 - 0.7126 * 0.7126),
    ];
    for (offset, blocks, kind, expected) in cases {
        let chance = chance_of_test(MAIN, kind, (Height(576_000 + offset), blocks), |_| Some(false), seat);
        assert!((chance - expected).abs() < 0.001, "offset {offset}, {blocks} blocks: {chance}");
    }
}

#[test]
fn a_known_membership_replaces_the_probability() {
    let population = Population { valid: [1752, 348], banned: [0, 0] };
    // offset of the tip into 576, the Platform session whose members are known, open, member: probability within 47
    // blocks, in which only the results of two Platform sessions are due that have not begun, 0.287 each; then blocks
    // left for a restart.
    let two = 1.0 - 0.7126 * 0.7126;
    let cases = [
        (64, 72, false, true, 1.0, 8),
        (64, 72, false, false, 0.2874, 32),
        (71, 72, false, false, 0.2874, 25),
        // The active session: its quorum is mined, two others follow.
        (84, 72, false, false, two, 12),
        (84, 72, false, true, two, 0),
        // No quorum is mined yet: the membership still counts.
        (83, 72, true, true, 1.0, 0),
        (84, 72, true, true, 1.0, 0),
        (89, 72, true, true, 1.0, 7),
        (90, 72, true, true, two, 6),
        // A finished session does not affect the next one.
        (64, 48, false, true, two, 8),
    ];
    for (offset, start, open, seated, expected, restart) in cases {
        let seat = |kind: &QuorumType, begun: Height| match (kind.id == 4 && begun.0 == 576_000 + start, seated) {
            (true, true) => Membership::Seated(begun),
            (true, false) => Membership::Absent,
            (false, _) => Membership::Possible(kind.seats(&population)),
        };
        let is_open = |kind: &QuorumType| Some(open && kind.id == 4);
        let tip = Height(576_000 + offset);
        let chance = chance_of_test(MAIN, NodeType::Evo, (tip, 47), is_open, seat);
        assert!((chance - expected).abs() < 0.001, "offset {offset}, {open}, {seated}: {chance}");
        let window = maintenance_window(MAIN, NodeType::Evo, tip, seat);
        assert_eq!(window, Some(restart), "offset {offset}, {start}, {seated}");
    }
}

#[test]
fn a_network_too_small_for_a_quorum_tests_no_masternode() {
    let population = Population { valid: [1, 0], banned: [0, 0] };
    assert_eq!(sessions_per_block(REGTEST, NodeType::Regular, &population), 0.0);
    assert_eq!(blocks_to_ban_if_offline(0, &CONSENSUS.limits(100), 0.0), None);
}

#[test]
fn a_network_smaller_than_a_quorum_selects_every_node_while_one_can_form() {
    // valid Evo nodes, expected sessions of one of them in each interval of llmq_test_platform, with three members and
    // at least two.
    for (evo, expected) in [(1, 0.0), (2, 1.0), (3, 1.0), (6, 0.5)] {
        let population = Population { valid: [0, evo], banned: [0, 0] };
        let platform: Vec<QuorumType> = REGTEST.iter().copied().filter(|kind| kind.evo_only).collect();
        assert_eq!(24.0 * sessions_per_block(&platform, NodeType::Evo, &population), expected, "{evo} nodes");
    }
}

/// Simulates an offline node block by block until its ban: one session per block with probability `rate`.
fn walk(score: u32, limits: &PoseLimits, rate: f64, random: &mut u64) -> u32 {
    let (mut score, mut blocks) = (score, 0);
    loop {
        blocks += 1;
        score = score.saturating_sub(1);
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if ((*random >> 11) as f64) < rate * (1_u64 << 53) as f64 {
            if limits.bans(score) {
                return blocks;
            }
            score = limits.punish(score);
        }
    }
}

#[test]
fn the_time_to_a_ban_matches_a_simulation_by_block() {
    let limits = CONSENSUS.limits(2993);
    let mut random = 7;
    for (score, rate) in [(0, 2.28 / DAY), (500, 2.28 / DAY), (1975, 2.28 / DAY), (1200, 8.85 / DAY), (0, 0.5 / DAY)] {
        let rounds = 6000;
        let total: u64 = (0..rounds).map(|_| u64::from(walk(score, &limits, rate, &mut random))).sum();
        let walked = total as f64 / f64::from(rounds);
        let closed = blocks_to_ban_if_offline(score, &limits, rate).unwrap();
        assert!((closed / walked - 1.0).abs() < 0.05, "score {score}, rate {rate}: {closed} against {walked}");
    }
}
