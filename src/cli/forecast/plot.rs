//! The plot of `forecast pose`: one SVG file without scripts, fonts or external resources.
//!
//! For screen readers it has a title, a description with every number, and a title for each mark. The rules differ in
//! line and mark as well as in colour; the colours follow the reader's light or dark mode.
//!
//! Never here: calculation of scores.

use std::fmt::Write;

use crate::cli::forecast::pose::{Projection, ProjectionView};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 830.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 390.0;

/// CSS class of each rule's line and marks, in the order of the view.
const CLASSES: [&str; 2] = ["consensus", "documented"];

/// No custom properties: most desktop viewers do not support them.
const STYLE: &str = "\
.pose-plot{font:13px system-ui,sans-serif}
.pose-plot .page,.pose-plot .mark{fill:#fff}
.pose-plot text{fill:#1f2328}
.pose-plot .grid{stroke:#d8dee4}
.pose-plot .limit{stroke:#b3261e;stroke-width:2}
.pose-plot .line{fill:none;stroke-width:2.5}
.pose-plot .level{stroke-width:1.5;stroke-dasharray:2 4}
.pose-plot .mark{stroke-width:2}
.pose-plot .consensus{stroke:#0a58ca}
.pose-plot .documented{stroke:#8a4b00}
.pose-plot .line.documented{stroke-dasharray:9 5}
.pose-plot .mark.banned{stroke:#b3261e;fill:#b3261e}
@media (prefers-color-scheme:dark){
.pose-plot .page,.pose-plot .mark{fill:#15181c}
.pose-plot text{fill:#e6e8eb}
.pose-plot .grid{stroke:#363c44}
.pose-plot .limit{stroke:#ff8a80}
.pose-plot .consensus{stroke:#7ab8ff}
.pose-plot .documented{stroke:#ffb86b}
.pose-plot .mark.banned{stroke:#ff8a80;fill:#ff8a80}
}";

/// Positions of blocks and points in the plot.
struct Scale {
    blocks: f64,
    points: f64,
}

impl Scale {
    fn x(&self, block: u32) -> f64 {
        LEFT + (RIGHT - LEFT) * f64::from(block) / self.blocks
    }

    fn y(&self, score: u32) -> f64 {
        BOTTOM - (BOTTOM - TOP) * f64::from(score) / self.points
    }
}

/// The plot of a view.
pub(super) fn svg(view: &ProjectionView) -> String {
    let moments = view.rules.iter().flat_map(|played| played.timeline.moments());
    let limit = view.rules[0].timeline.limits().limit;
    let highest = moments.map(|moment| moment.score.0).fold(limit, u32::max);
    // A margin above the highest point.
    let scale = Scale { blocks: f64::from(view.end.0), points: f64::from(highest) * 1.05 };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pose-plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"pose-title pose-description\">\n\
         <title id=\"pose-title\">{}</title>\n<desc id=\"pose-description\">{}</desc>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n",
        escaped(&format!("Proof-of-Service score over {} blocks with a limit of {limit}", view.end)),
        escaped(&description(view)),
    );
    axes(&mut text, &scale, view.end.0, highest);
    levels(&mut text, &scale, view);
    for (played, class) in view.rules.iter().zip(CLASSES) {
        line(&mut text, &scale, view, played, class);
    }
    for (played, class) in view.rules.iter().zip(CLASSES) {
        marks(&mut text, &scale, played, class);
    }
    legend(&mut text, view);
    text.push_str("</svg>\n");
    text
}

/// The content of the plot in sentences.
fn description(view: &ProjectionView) -> String {
    let mut sentences = Vec::new();
    for played in &view.rules {
        let limits = played.timeline.limits();
        sentences.push(format!(
            "{}: limit {}, a failure adds {}, safe level {}.",
            played.name,
            limits.limit,
            limits.step,
            limits.safe_at_tip()
        ));
        sentences.extend(
            played.failures().map(|moment| format!("Failure at block {}: {}.", moment.height, played.failure(moment))),
        );
        sentences.push(match played.timeline.ban_height() {
            Some(height) => format!("Banned at block {height}; the score stays."),
            None => "Not banned.".to_string(),
        });
    }
    sentences.join(" ")
}

fn axes(text: &mut String, scale: &Scale, end: u32, highest: u32) {
    for score in ticks(highest) {
        let y = scale.y(score);
        let _ = writeln!(text, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>");
        label(text, LEFT - 8.0, y + 4.0, "end", &score.to_string());
    }
    for block in ticks(end) {
        let x = scale.x(block);
        let _ = writeln!(
            text,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{BOTTOM}\" x2=\"{x:.1}\" y2=\"{}\"/>",
            BOTTOM + 5.0
        );
        label(text, x, BOTTOM + 20.0, "middle", &block.to_string());
    }
    label(text, (LEFT + RIGHT) / 2.0, BOTTOM + 40.0, "middle", "block");
}

/// Round numbers from 0 to `highest`, at most ten.
fn ticks(highest: u32) -> impl Iterator<Item = u32> {
    let steps = (0..9).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u32.pow(power)));
    let step = steps.into_iter().find(|step| highest / step < 10).unwrap_or(u32::MAX);
    (0..=highest / step).map(move |tick| tick * step)
}

/// The limit, and the level of each rule at or below which a failure does not cause a ban.
fn levels(text: &mut String, scale: &Scale, view: &ProjectionView) {
    let limit = view.rules[0].timeline.limits().limit;
    let across = |text: &mut String, class: &str, score: u32| {
        let y = scale.y(score);
        let _ = writeln!(text, "<line class=\"{class}\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>");
    };
    across(text, "limit", limit);
    label(text, RIGHT, scale.y(limit) - 6.0, "end", &format!("limit {limit}"));
    let safe = view.rules.each_ref().map(|played| played.timeline.limits().safe_at_tip());
    for (level, class) in safe.into_iter().zip(CLASSES) {
        across(text, &format!("level {class}"), level);
    }
    let [consensus, documented] = safe;
    let highest = consensus.max(documented);
    label(text, RIGHT, scale.y(highest) - 6.0, "end", &format!("safe level {consensus} and {documented}"));
}

fn line(text: &mut String, scale: &Scale, view: &ProjectionView, played: &Projection, class: &str) {
    let end = (view.end, played.timeline.at(view.end).0);
    let corners = played.timeline.moments().iter().flat_map(|moment| {
        let before = (moment.height, moment.before);
        let after = (moment.height, moment.score);
        std::iter::once(before).chain((before != after).then_some(after))
    });
    let points: Vec<String> = corners
        .chain(std::iter::once(end))
        .map(|(height, score)| format!("{:.1},{:.1}", scale.x(height.0), scale.y(score.0)))
        .collect();
    let _ = writeln!(text, "<polyline class=\"line {class}\" points=\"{}\"/>", points.join(" "));
}

/// A ring for each failure, a filled square for the one that causes a ban; the tooltip shows its effect.
fn marks(text: &mut String, scale: &Scale, played: &Projection, class: &str) {
    let ban = played.failures().position(|moment| moment.banned);
    for (index, moment) in played.failures().enumerate() {
        let (x, y) = (scale.x(moment.height.0), scale.y(moment.score.0));
        let title = format!("{}, block {}: {}", played.name, moment.height, played.failure(moment));
        let title = format!("<title>{}</title>", escaped(&title));
        let _ = if Some(index) == ban {
            let (x, y) = (x - 5.0, y - 5.0);
            writeln!(
                text,
                "<rect class=\"mark banned\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"10\">{title}</rect>"
            )
        } else {
            writeln!(text, "<circle class=\"mark {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\">{title}</circle>")
        };
    }
}

fn legend(text: &mut String, view: &ProjectionView) {
    let mut x = LEFT;
    for (played, class) in view.rules.iter().zip(CLASSES) {
        let _ = writeln!(text, "<line class=\"line {class}\" x1=\"{x}\" y1=\"24\" x2=\"{}\" y2=\"24\"/>", x + 36.0);
        label(text, x + 44.0, 28.0, "start", played.name);
        x += 170.0;
    }
    let _ = writeln!(text, "<circle class=\"mark {}\" cx=\"{}\" cy=\"24\" r=\"4\"/>", CLASSES[0], x + 6.0);
    label(text, x + 18.0, 28.0, "start", "failed DKG");
    x += 120.0;
    let _ = writeln!(text, "<rect class=\"mark banned\" x=\"{}\" y=\"19\" width=\"10\" height=\"10\"/>", x + 1.0);
    label(text, x + 18.0, 28.0, "start", "ban");
}

fn label(text: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let _ = writeln!(text, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(words));
}

/// Text escaped for XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_never_more_than_ten() {
        let cases = [(1, vec![0, 1]), (9, (0..=9).collect()), (10, vec![0, 2, 4, 6, 8, 10])];
        for (highest, expected) in cases {
            assert_eq!(ticks(highest).collect::<Vec<u32>>(), expected, "up to {highest}");
        }
        assert_eq!(ticks(6333).collect::<Vec<u32>>(), [0, 1000, 2000, 3000, 4000, 5000, 6000]);
        for highest in [1, 99, 100, 101, 5000, 123_456, 3_000_000, u32::MAX] {
            assert!((1..=10).contains(&ticks(highest).count()), "up to {highest}");
        }
    }

    #[test]
    fn no_text_can_end_an_element_or_an_attribute() {
        assert_eq!(escaped("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;");
    }
}
