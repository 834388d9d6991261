//! The PoSe score of one masternode over the blocks, reconstructed from its events: jumps at failures, decay between
//! them.
//!
//! Blocks before the first known event are not drawn. Pure: a function of the events and the score at the tip.
//!
//! Never here: drawing (`chart`).

use domain::event::{Event, EventKind};
use domain::masternode::Height;
use domain::pose::{PenaltyRule, PoseScore};

/// A score at the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) height: Height,
    pub(super) score: u32,
}

/// The score history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScoreHistory {
    /// Lines from point to point, in block order. More than one if events are missing in between.
    pub(super) lines: Vec<Vec<Point>>,
    /// Blocks of bans.
    pub(super) bans: Vec<Height>,
    /// The projected score without further events, from the tip; empty if it does not change.
    pub(super) ahead: Vec<Point>,
}

/// The end of the current line.
#[derive(Clone, Copy)]
struct Cursor {
    at: Point,
    decays: bool,
}

impl ScoreHistory {
    /// From `events`, oldest first, up to the score `now` at the tip.
    pub(super) fn new(events: &[&Event], now: &PoseScore, tip: Height, rule: &PenaltyRule) -> ScoreHistory {
        let mut course = ScoreHistory::default();
        let mut pen: Option<Cursor> = None;
        for event in events.iter().filter(|event| event.block.height <= tip) {
            let height = event.block.height;
            let banned_here = course.bans.last() == Some(&height);
            match &event.kind {
                EventKind::Penalty { score, points, .. } => {
                    course.reach(pen, Point { height, score: score.0.saturating_sub(*points) }, rule);
                    pen = Some(course.turn(Point { height, score: score.0 }, !banned_here));
                }
                EventKind::Ban { .. } => {
                    course.bans.push(height);
                    if let Some(before) = pen {
                        let point = Point { height, score: after(before, height, rule) };
                        course.reach(pen, point, rule);
                        pen = Some(course.turn(point, false));
                    }
                }
                EventKind::Revival | EventKind::Registration => {
                    if let Some(before) = pen {
                        course.reach(pen, Point { height, score: after(before, height, rule) }, rule);
                    }
                    pen = Some(course.turn(Point { height, score: 0 }, true));
                }
                _ => {}
            }
        }
        let now_at = Point { height: tip, score: now.score().0 };
        course.reach(pen, now_at, rule);
        if let Some(clear) = now.clear_height().filter(|clear| *clear > tip) {
            course.ahead = vec![now_at, Point { height: clear, score: 0 }];
        }
        course
    }

    /// Continues to a point along the decay or, if the decay does not lead there, starts a new line.
    fn reach(&mut self, pen: Option<Cursor>, to: Point, rule: &PenaltyRule) {
        let arrives = pen.filter(|pen| after(*pen, to.height, rule) == to.score);
        match (arrives, self.lines.last_mut()) {
            (Some(pen), Some(line)) => {
                // The block in which it became 0; the line is level after it.
                let clear =
                    Point { height: pen.at.height.after(pen.at.score.saturating_mul(rule.decay_period)), score: 0 };
                if pen.decays && pen.at.score > 0 && clear.height < to.height {
                    line.push(clear);
                }
                line.push(to);
            }
            _ => self.lines.push(vec![to]),
        }
    }

    /// Jumps to a point in the same block.
    fn turn(&mut self, to: Point, decays: bool) -> Cursor {
        match self.lines.last_mut() {
            Some(line) => line.push(to),
            None => self.lines.push(vec![to]),
        }
        Cursor { at: to, decays }
    }

    /// All points, to compute their range.
    pub(super) fn points(&self) -> impl Iterator<Item = &Point> {
        self.lines.iter().flatten().chain(&self.ahead)
    }
}

/// The score at a height after nothing but decay.
fn after(pen: Cursor, height: Height, rule: &PenaltyRule) -> u32 {
    let decays = if pen.decays { rule.decays(pen.at.height, height.above(pen.at.height)) } else { 0 };
    pen.at.score.saturating_sub(decays)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::BanCause;
    use domain::list::Block;
    use domain::masternode::{BlockHash, Hash, MasternodeId, NodeType, Score, UnixSeconds};
    use domain::pose::CONSENSUS;

    fn event(height: u32, kind: EventKind) -> Event {
        let block = Block { height: Height(height), hash: BlockHash(Hash([0; 32])), time: UnixSeconds(0) };
        let masternode: MasternodeId = "00".repeat(32).parse().unwrap();
        Event { block, exact: true, masternode, node_type: NodeType::Regular, kind }
    }

    fn penalty(height: u32, score: u32, points: u32) -> Event {
        let (score, quorums) = (Score(score), Vec::new());
        event(height, EventKind::Penalty { score, points, failures: 1, clamped: false, quorums, others: Some(0) })
    }

    fn ban(height: u32) -> Event {
        event(height, EventKind::Ban { cause: BanCause::Dkg, among: 12 })
    }

    /// The lines as pairs of height and score.
    #[track_caller]
    fn check(events: &[Event], score: u32, banned: bool, tip: u32, lines: &[&[(u32, u32)]]) -> ScoreHistory {
        let now = PoseScore::new(Score(score), banned, Height(tip), CONSENSUS.limits(12));
        let course = ScoreHistory::new(&events.iter().collect::<Vec<_>>(), &now, Height(tip), &CONSENSUS);
        let pairs = |line: &Vec<Point>| line.iter().map(|point| (point.height.0, point.score)).collect::<Vec<_>>();
        assert_eq!(course.lines.iter().map(pairs).collect::<Vec<_>>(), lines);
        course
    }

    #[test]
    fn a_failure_is_a_jump_and_then_a_point_less_each_block() {
        let course = check(&[penalty(100, 66, 66)], 56, false, 110, &[&[(100, 0), (100, 66), (110, 56)]]);
        assert_eq!(course.ahead, [Point { height: Height(110), score: 56 }, Point { height: Height(166), score: 0 }]);
    }

    #[test]
    fn a_score_that_has_decayed_stays_at_zero() {
        let course = check(&[penalty(100, 66, 66)], 0, false, 200, &[&[(100, 0), (100, 66), (166, 0), (200, 0)]]);
        assert!(course.ahead.is_empty() && course.bans.is_empty());
    }

    #[test]
    fn a_ban_holds_the_score_until_the_revival_clears_it() {
        // Within a block, the ban may come before or after its penalty.
        for in_block in [[penalty(110, 100, 44), ban(110)], [ban(110), penalty(110, 100, 44)]] {
            let [one, other] = in_block;
            let events = [penalty(100, 66, 66), one, other, event(150, EventKind::Revival)];
            let course = ScoreHistory::new(
                &events.iter().collect::<Vec<_>>(),
                &PoseScore::new(Score(0), false, Height(160), CONSENSUS.limits(12)),
                Height(160),
                &CONSENSUS,
            );
            let heights = |height: u32| {
                let points = course.lines.iter().flatten().filter(move |point| point.height.0 == height);
                points.map(|point| point.score).collect::<Vec<_>>()
            };
            assert_eq!((heights(110).first(), heights(110).last()), (Some(&56), Some(&100)));
            assert_eq!(heights(150), [100, 0], "no decay while it is banned");
            assert_eq!((course.bans.as_slice(), course.lines.len()), (&[Height(110)][..], 1));
        }
    }

    #[test]
    fn what_events_do_not_explain_is_not_joined() {
        check(&[penalty(100, 66, 66)], 90, false, 110, &[&[(100, 0), (100, 66)], &[(110, 90)]]);
        check(&[], 5, false, 110, &[&[(110, 5)]]);
    }

    #[test]
    fn an_event_of_a_block_that_the_list_does_not_have_yet_is_left_out() {
        check(&[penalty(100, 66, 66), penalty(111, 100, 45)], 56, false, 110, &[&[(100, 0), (100, 66), (110, 56)]]);
    }
}
