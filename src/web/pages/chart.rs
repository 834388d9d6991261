//! A chart of a PoSe score, with a table of the same data.
//!
//! Never here: the score history (`score_history`).

use maud::{Markup, html};

use crate::web::pages::format;
use crate::web::pages::score_history::{Point, ScoreHistory};
use domain::event::Event;
use domain::masternode::Height;
use domain::pose::PoseLimits;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 260.0;
/// Space for the labels at the edges.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 28.0;

/// Maps heights and scores to positions in the chart.
struct Scale {
    first: Height,
    blocks: f64,
    highest: f64,
}

impl Scale {
    fn of(course: &ScoreHistory, limits: &PoseLimits, tip: Height) -> Scale {
        let heights = || course.points().map(|point| point.height);
        let first = heights().min().unwrap_or(tip).min(tip);
        let last = heights().max().unwrap_or(tip).max(tip);
        // A margin, so that a jump in the first block is visible.
        let first = Height(first.0.saturating_sub(last.above(first) / 40 + 1));
        let highest = course.points().map(|point| point.score).max().unwrap_or_default().max(limits.limit);
        Scale { first, blocks: f64::from(last.above(first).max(1)), highest: f64::from(highest.max(1)) * 1.06 }
    }

    fn x(&self, height: Height) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * f64::from(height.above(self.first)) / self.blocks
    }

    fn y(&self, score: u32) -> f64 {
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - f64::from(score) / self.highest)
    }

    fn line(&self, points: &[Point]) -> String {
        let place = |point: &Point| format!("{:.1},{:.1}", self.x(point.height), self.y(point.score));
        points.iter().map(place).collect::<Vec<String>>().join(" ")
    }
}

/// The chart with its text alternative.
pub(super) fn chart(course: &ScoreHistory, limits: &PoseLimits, tip: Height, now: u32) -> Markup {
    let scale = Scale::of(course, limits, tip);
    let last = scale.first.after(scale.blocks as u32);
    let safe = limits.safe_at_tip();
    html! {
        div.scroll role="region" aria-label="Chart of the PoSe score" tabindex="0" {
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby="chart-title chart-text" {
                title #chart-title { "PoSe score by block" }
                desc #chart-text { (description(course, limits, tip, now)) }
                rect.zone x=(LEFT) y=(format!("{:.1}", scale.y(limits.limit))) width=(WIDTH - LEFT - RIGHT)
                    height=(format!("{:.1}", scale.y(safe) - scale.y(limits.limit))) {}
                (level(&scale, limits.limit, "limit", "ban"))
                (level(&scale, safe, "safe", "safe"))
                (level(&scale, 0, "zero", ""))
                @for line in &course.lines {
                    @match line.as_slice() {
                        [point] => circle.now cx=(format!("{:.1}", scale.x(point.height))) cy=(format!("{:.1}", scale.y(point.score))) r="4" {},
                        points => polyline.line points=(scale.line(points)) {},
                    }
                }
                @if !course.ahead.is_empty() { polyline.ahead points=(scale.line(&course.ahead)) {} }
                @for ban in &course.bans {
                    line.ban x1=(format!("{:.1}", scale.x(*ban))) x2=(format!("{:.1}", scale.x(*ban))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                }
                circle.now cx=(format!("{:.1}", scale.x(tip))) cy=(format!("{:.1}", scale.y(now))) r="4.5" {}
                (below(&scale, scale.first, "start", tip))
                (below(&scale, tip, "middle", tip))
                @if last != tip { (below(&scale, last, "end", tip)) }
            }
        }
        ul.legend {
            li { span.dot.line {} "score" }
            @if !course.ahead.is_empty() { li { span.dot.ahead {} "without further failures" } }
            @if !course.bans.is_empty() { li { span.dot.banned {} "ban" } }
            li { span.dot.zone {} "one more failure causes a ban" }
        }
    }
}

fn description(course: &ScoreHistory, limits: &PoseLimits, tip: Height, now: u32) -> String {
    let bans = match course.bans.len() {
        0 => "no ban".to_string(),
        number => format::count(number as u64, "ban"),
    };
    format!(
        "{now} points at block {}; ban limit {}, safe up to {}; {bans} in the shown range. The table below has the same data.",
        tip.0,
        limits.limit,
        limits.safe_at_tip()
    )
}

fn level(scale: &Scale, score: u32, class: &str, words: &str) -> Markup {
    let y = scale.y(score);
    html! {
        line class={ "level " (class) } x1=(LEFT) x2=(WIDTH - RIGHT) y1=(format!("{y:.1}")) y2=(format!("{y:.1}")) {}
        text x=(LEFT - 8.0) y=(format!("{:.1}", y + 4.0)) text-anchor="end" { (score) }
        @if !words.is_empty() { text x=(WIDTH - RIGHT - 6.0) y=(format!("{:.1}", y - 5.0)) text-anchor="end" { (words) } }
    }
}

/// A height below the chart. Heights at the ends are hidden if they overlap that of the tip.
fn below(scale: &Scale, height: Height, anchor: &str, tip: Height) -> Markup {
    let x = scale.x(height);
    let hidden = height != tip && (x - scale.x(tip)).abs() < 110.0;
    let at_end = (anchor == "middle" && x > WIDTH - RIGHT - 60.0).then_some("end");
    let at_start = (anchor == "middle" && x < LEFT + 60.0).then_some("start");
    let anchor = at_end.or(at_start).unwrap_or(anchor);
    html! {
        @if !hidden {
            text x=(format!("{x:.1}")) y=(HEIGHT - 8.0) text-anchor=(anchor) {
                (height.0) @if height == tip { " (now)" }
            }
        }
    }
}

/// The events of the chart, newest first.
pub(super) fn table(events: &[&Event]) -> Markup {
    html! {
        details {
            summary { "Show as a table" }
            @if events.is_empty() {
                p { "No known failures, bans or revivals." }
            } @else {
                table.plain {
                    thead { tr { th scope="col" { "Block" } th scope="col" { "Time" } th scope="col" { "Event" } } }
                    tbody {
                        @for event in events.iter().rev() {
                            tr {
                                td { (event.block.height.0) }
                                td { (format::format_time(event.block.time)) }
                                td { (event.kind.describe()) }
                            }
                        }
                    }
                }
            }
        }
    }
}
