//! Windows, costs and plans over duties that can be counted by hand, and laws over invented ones.

use proptest::prelude::*;

use super::*;
use crate::pose::CONSENSUS;

fn known(start: u32, due: u32) -> Duty {
    Duty {
        quorum_type: "t",
        index: Some(0),
        start: Height(start),
        end: Height(start + 8),
        due: Height(due),
        chance: 1.0,
        most_seats: 1,
    }
}

fn possible(start: u32, due: u32, chance: f64) -> Duty {
    Duty { chance, index: None, ..known(start, due) }
}

fn cost(duties: &[Duty], score: u32, after: u32, blocks: u32) -> OutageCost {
    let outage = Outage { after: Height(after), blocks };
    OutageCost::new(duties, Height(1000), (Score(score), CONSENSUS.limits(100)), outage)
}

#[test]
fn more_blocks_than_counted_arrive_in_fewer_than_one_of_two_hundred_outages() {
    // The distribution of Poisson, summed term by term.
    let tail = |mean: f64, blocks: u32| {
        let mut term = (-mean).exp();
        let mut sum = term;
        for block in 1..=blocks {
            term *= mean / f64::from(block);
            sum += term;
        }
        1.0 - sum
    };
    for seconds in [1, 20, 157, 600, 1_800, 7_200, 36_000] {
        let blocks = blocks_within(seconds, 157.0);
        let chance = tail(seconds as f64 / 157.0, blocks);
        assert!((-1e-9..0.005).contains(&chance), "{seconds} s: more than {blocks} blocks at {chance}");
    }
    assert_eq!((blocks_within(600, 157.0), blocks_within(0, 157.0), blocks_within(60, 0.0)), (10, 0, u32::MAX));
}

#[test]
fn an_outage_costs_the_seats_that_it_may_miss() {
    let duties = [known(1010, 1052), possible(1040, 1052, 0.25)];
    let found = |after: u32, blocks: u32| {
        let cost = cost(&duties, 0, after, blocks);
        (cost.known, cost.possible, cost.expected, cost.bans, cost.may_ban, cost.is_free())
    };
    assert_eq!(found(1000, 9), (0, 0, 0.0, false, false, true));
    assert_eq!(found(1000, 10), (1, 0, 0.0, false, false, false), "block 1010 begins the session");
    assert_eq!(found(1017, 1), (1, 0, 0.0, false, false, false), "its busy period is not over");
    assert_eq!(found(1018, 21), (0, 0, 0.0, false, false, true));
    assert_eq!(found(1018, 22), (0, 1, 0.25, false, false, false));
    // Two seats that are due in one block ban from zero, if it has both.
    assert_eq!(found(1009, 31), (1, 1, 0.25, false, true, false));
    assert!(cost(&duties, 99, 1009, 1).bans, "99 − 52 + 66 is above 100");
    // A session that is due already is punished with the next block.
    let late = cost(&[known(995, 999)], 33, 1000, 1);
    assert_eq!((late.known, late.bans), (1, false));
    assert!(cost(&[known(995, 999)], 35, 1000, 1).bans);
}

#[test]
fn windows_lie_between_sessions_and_overlapping_ones_leave_none() {
    let duties = [known(1010, 1052), known(1012, 1054), known(1030, 1072)];
    let windows = |duties: &[Duty], until: u32| {
        let windows = quiet_windows(duties, Height(1000), Height(until));
        windows.iter().map(|window| (window.after.0, window.blocks)).collect::<Vec<_>>()
    };
    assert_eq!(windows(&duties, 1100), [(1000, 10), (1020, 10), (1038, 63)]);
    assert_eq!(windows(&duties, 1030), [(1000, 10), (1020, 10)]);
    assert_eq!(windows(&[Duty { start: Height(990), end: Height(1005), ..known(990, 1011) }], 1004), []);
    assert_eq!(windows(&[], 1004), [(1000, 5)]);
    let window = QuietWindow { after: Height(1000), blocks: 10 };
    assert_eq!([9, 10, u32::MAX].map(|blocks| window.last_start(blocks)), [Some(Height(1000)), None, None]);
    assert_eq!(window.last_start(3), Some(Height(1006)), "blocks 1007 to 1009 may be missed, 1010 not");
}

#[test]
fn the_cheapest_outage_misses_the_fewest_known_seats_and_then_the_least_likely_ones() {
    // Two known seats, and between them a session that may seat it: never 20 blocks without one.
    let duties = [known(1005, 1047), possible(1020, 1062, 0.4), possible(1035, 1077, 0.1), known(1050, 1092)];
    let found = |blocks: u32| {
        let pose = (Score(0), CONSENSUS.limits(100));
        let (outage, cost) = cheapest(&duties, (Height(1000), Height(1100)), pose, blocks);
        (outage.after.0, cost.known, cost.possible)
    };
    assert_eq!(found(4), (1000, 0, 0), "now");
    assert_eq!(found(6), (1013, 0, 0));
    assert_eq!(found(12), (1058, 0, 0), "after the last one");
    let pose = (Score(0), CONSENSUS.limits(100));
    let (outage, cost) = cheapest(&duties, (Height(1000), Height(1057)), pose, 12);
    assert_eq!((outage.after.0, cost.known, cost.expected), (1028, 0, 0.1));
    // Nothing is known of blocks above the last one: an outage over it is never the cheapest.
    assert_eq!(cheapest(&duties, (Height(1000), Height(1069)), pose, 12).0.after.0, 1028);
    assert_eq!(cheapest(&duties, (Height(1000), Height(1070)), pose, 12).0.after.0, 1058);
}

#[test]
fn masternodes_restart_one_after_another_and_the_least_flexible_is_placed_first() {
    let window = |after: u32, blocks: u32| QuietWindow { after: Height(after), blocks };
    let free = |after: u32| Placement::Free(Height(after));
    // The second can restart at 1000 only, the fourth never.
    let nodes = [
        vec![window(1000, 40)],
        vec![window(1000, 11)],
        vec![window(1005, 12), window(1030, 30)],
        vec![window(1000, 10), window(1020, 10)],
        vec![],
    ];
    assert_eq!(plan(&nodes, 10, 1), [free(1010), free(1000), free(1030), Placement::NoWindow, Placement::NoWindow]);
    assert_eq!(plan(&nodes, 10, 2)[..3], [free(1010), free(1000), free(1005)]);
    let three = vec![vec![window(1000, 15)]; 3];
    assert_eq!(plan(&three, 10, 1), [free(1000), Placement::Taken, Placement::Taken]);
    assert_eq!(plan(&[], 10, 1), []);
}

fn duties() -> impl Strategy<Value = Vec<Duty>> {
    let duty = (980_u32..1200, 1_u32..30, prop::bool::ANY).prop_map(|(start, busy, is_known)| Duty {
        end: Height(start + busy),
        chance: if is_known { 1.0 } else { 0.3 },
        most_seats: 1,
        ..known(start, start + 42)
    });
    let begins_later = |duty: &Duty| duty.end > Height(1000);
    prop::collection::vec(duty.prop_filter("is over", begins_later), 0..8)
}

proptest! {
    /// A window is where an outage is free, and nowhere else is it.
    #[test]
    fn an_outage_is_free_exactly_where_it_fits_into_a_window(duties in duties(), blocks in 0_u32..40) {
        let until = Height(1200);
        let windows = quiet_windows(&duties, Height(1000), until);
        for after in 1000..=1200 - blocks {
            let fits = windows.iter().any(|window| {
                window.last_start(blocks).is_some_and(|last| (window.after..=last).contains(&Height(after)))
            });
            prop_assert_eq!(cost(&duties, 0, after, blocks).is_free(), fits, "after {}", after);
        }
    }

    /// No later outage costs less than the cheapest.
    #[test]
    fn nothing_is_cheaper_than_the_cheapest_outage(duties in duties(), blocks in 1_u32..80) {
        let pose = (Score(0), CONSENSUS.limits(100));
        let (_, least) = cheapest(&duties, (Height(1000), Height(1200)), pose, blocks);
        for after in 1000..=1200 - blocks {
            let other = cost(&duties, 0, after, blocks);
            prop_assert!((least.known, least.expected) <= (other.known, other.expected + 1e-9), "after {}", after);
        }
    }

    /// A placed restart is free, and never are more at once than allowed.
    #[test]
    fn a_plan_misses_no_session_and_keeps_its_limit(
        fleet in prop::collection::vec(duties(), 0..12), blocks in 1_u32..20, parallel in 1_usize..4
    ) {
        let windows: Vec<_> = fleet.iter().map(|duties| quiet_windows(duties, Height(1000), Height(1200))).collect();
        let mut starts = Vec::new();
        for (duties, placement) in fleet.iter().zip(plan(&windows, blocks, parallel)) {
            match placement {
                Placement::Free(after) => {
                    prop_assert!(cost(duties, 0, after.0, blocks).is_free(), "after {}", after);
                    starts.push(after.0);
                }
                Placement::NoWindow => {
                    let (_, least) = cheapest(duties, (Height(1000), Height(1200)), (Score(0), CONSENSUS.limits(100)), blocks);
                    prop_assert!(!least.is_free());
                }
                Placement::Taken => prop_assert!(fleet.len() > parallel),
            }
        }
        for at in 1000..1220 {
            let at_once = starts.iter().filter(|start| **start <= at && at < **start + blocks).count();
            prop_assert!(at_once <= parallel, "{at_once} at {at}");
        }
    }
}
