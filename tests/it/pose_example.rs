//! Compares the tables of `docs/pose.md` with the arithmetic, so that page and code agree.
//!
//! Never here: separate rules; those are in `laws`.

use domain::chain;
use domain::chain_facts::Population;
use domain::dkg;
use domain::pose::{CONSENSUS, DOCUMENTED, PenaltyRule, PoseScore};
use domain::{Height, NodeType, Score};

use crate::markdown::{Table, table_of};

const PAGE: &str = "docs/pose.md";

/// Blocks per day at mainnet's measured spacing, as on the page.
const BLOCKS_PER_DAY: f64 = 548.0;

fn number(cell: &str) -> u32 {
    cell.parse().unwrap_or_else(|_| panic!("not a number: {cell:?}"))
}

fn numbers(row: &[String]) -> Vec<u32> {
    row.iter().map(|cell| number(cell)).collect()
}

fn node_type(cell: &str) -> NodeType {
    let types = [NodeType::Regular, NodeType::Evo];
    types.into_iter().find(|node_type| node_type.label() == cell).unwrap_or_else(|| panic!("no type of node: {cell:?}"))
}

/// One column of the example by one rule: the cell of each row.
fn play(rule: PenaltyRule, registered: usize, table: &Table) -> Vec<String> {
    let limits = rule.limits(registered);
    let (mut height, mut score, mut banned) = (Height(0), 0_u32, false);
    let cell = |row: &Vec<String>| {
        let block = Height(number(&row[0]));
        // The first failure has no row for the blocks before it, because there is no score to decay yet.
        let passed = block.above(height);
        if row[1] == "failure" {
            assert!(passed == 0 || score == 0, "block {block}: blocks passed without a row of their own");
            banned |= limits.bans(score);
            score = limits.punish(score);
        } else {
            assert_eq!(row[1], format!("{passed} blocks pass"), "block {block}");
            let decay = if banned { 0 } else { rule.decays(height, passed) };
            score = score.saturating_sub(decay);
        }
        height = block;
        if banned { format!("{score} banned") } else { score.to_string() }
    };
    table.rows.iter().map(cell).collect()
}

#[test]
fn the_public_example_matches_both_rules() {
    let table = table_of(PAGE, "## The public example, under both rules");
    assert_eq!(table.header, ["block", "what happens", "public pages", "Dash Core"]);
    assert_eq!(table.rows.len(), 9, "the rows of the public table, its two markers left out");
    let documented = play(DOCUMENTED, 5000, &table);
    let consensus = play(CONSENSUS, 5000, &table);
    for (row, (documented, consensus)) in table.rows.iter().zip(documented.iter().zip(&consensus)) {
        assert_eq!((&row[2], &row[3]), (documented, consensus), "block {}, {}", row[0], row[1]);
    }
}

#[test]
fn the_levels_are_those_of_the_node() {
    let table = table_of(PAGE, "### Levels");
    for row in table.rows.iter().map(|row| numbers(row)) {
        let limits = CONSENSUS.limits(row[0] as usize);
        let failed = PoseScore::new(Score(limits.step), false, Height(1), limits);
        let two_thirds = (2 * limits.limit).div_ceil(3);
        let safe = failed.blocks_until_safe().unwrap();
        assert_eq!(row[1..], [limits.limit, limits.step, limits.safe_level(), two_thirds, safe]);
    }
    assert!(table.rows.len() > 1);
}

#[test]
fn the_countdowns_are_those_of_the_node() {
    let table = table_of(PAGE, "### How far from a ban");
    for row in table.rows.iter().map(|row| numbers(row)) {
        let pose = PoseScore::new(Score(row[0]), false, Height(1), CONSENSUS.limits(2993));
        let countdowns = [pose.blocks_until_safe(), pose.blocks_until_below_two_thirds(), pose.blocks_until_clear()];
        assert_eq!(row[1], pose.failures_until_ban(), "score {}", row[0]);
        assert_eq!(row[2..], countdowns.map(Option::unwrap), "score {}", row[0]);
    }
    assert!(table.rows.len() > 1);
}

#[test]
fn three_failures_at_the_documented_blocks_are_survived() {
    let limits = CONSENSUS.limits(5000);
    let (first, second, third) = (0, 1601, 4901);
    let mut score = limits.punish(first);
    for gap in [second - first, third - second] {
        assert!(limits.bans(score - (gap - 1)), "one block earlier it bans");
        score -= gap;
        assert!(!limits.bans(score));
        score = limits.punish(score);
    }
    assert!(table_of(PAGE, "## The public example, under both rules").rows.len() > 1);
    assert!(crate::markdown::read(PAGE).contains(&format!("failures at blocks {first}, {second} and {third}")));
}

#[test]
fn the_exposure_follows_the_quorum_table() {
    let table = table_of(PAGE, "### Exposure");
    for row in &table.rows {
        let [registered, valid, evo] = [1, 2, 3].map(|column| number(&row[column]) as usize);
        let population = Population { valid: [valid - evo, evo], banned: [registered - valid, 0] };
        let rate = dkg::sessions_per_block(dkg::MAIN, node_type(&row[4]), &population);
        let until_ban = dkg::blocks_to_ban_if_offline(0, &CONSENSUS.limits(registered), rate).unwrap();
        assert_eq!(row[5], format!("{:.2}", rate * BLOCKS_PER_DAY), "{row:?}");
        assert_eq!(row[6], format!("{until_ban:.0}"), "{row:?}");
    }
    assert!(table.rows.len() > 1);
}

#[test]
fn the_maintenance_windows_follow_the_quorum_table() {
    let table = table_of(PAGE, "### Maintenance windows");
    assert_eq!(table.rows.len(), 2, "regular and Evo");
    for row in &table.rows {
        let [from, until, from_24, until_24, longest] = [1, 2, 3, 4, 5].map(|column| number(&row[column]));
        let heights = 576_000..576_000 + 2 * 576;
        let unknown = |_: &dkg::QuorumType, _| dkg::Membership::Possible(1.0);
        let blocks =
            |height: u32| dkg::maintenance_window(dkg::MAIN, node_type(&row[0]), Height(height), unknown).unwrap();
        for height in heights.clone() {
            let inside = (from..=until).contains(&(height % 288)) && (from_24..=until_24).contains(&(height % 24));
            assert_eq!(blocks(height) > 0, inside, "{} at h mod 288 = {}", row[0], height % 288);
        }
        assert_eq!(heights.map(blocks).max(), Some(longest));
    }
}

#[test]
fn blocks_are_converted_to_time_by_the_measured_spacing() {
    let page = crate::markdown::read(PAGE);
    let words: Vec<&str> = page.split_whitespace().map(|word| word.trim_end_matches(['.', ','])).collect();
    let mut found = 0;
    for (at, _) in words.windows(2).enumerate().filter(|(_, pair)| *pair == ["blocks", "are"]) {
        let (blocks, said, unit) = (f64::from(number(words[at - 1])), words[at + 2], words[at + 3]);
        let unit = match unit {
            "minutes" => 60.0,
            "hours" => 3600.0,
            "days" => 86_400.0,
            other => panic!("no unit of time: {other:?}"),
        };
        let decimals = said.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let time = blocks * chain::DASH.spacing_seconds / unit;
        assert_eq!(said, format!("{time:.decimals$}"), "{blocks} blocks");
        found += 1;
    }
    assert_eq!(found, 7, "sentences of the form `n blocks are t hours`");
    assert_eq!(BLOCKS_PER_DAY, (86_400.0 / chain::DASH.spacing_seconds).floor());
    assert!(page.contains(&format!("A day has {BLOCKS_PER_DAY} blocks")));
}
