//! Bars: a score relative to limit and safe level, and the number of masternodes in each risk band.
//!
//! Drawn with attributes, because the Content-Security-Policy allows no inline styles.
//!
//! Never here: colours; the style sheet assigns them to classes.

use maud::{Markup, html};

use crate::web::pages::format;
use domain::pose::{PoseLimits, PoseScore, Risk};

/// A score, with a mark at the safe level; full at the limit.
pub(super) fn score(pose: &PoseScore, limits: &PoseLimits) -> Markup {
    let share = |points: u32| 100.0 * f64::from(points.min(limits.limit)) / f64::from(limits.limit.max(1));
    let (score, safe) = (pose.score().0, limits.safe_at_tip());
    let (class, _) = format::risk(Some(pose.risk()));
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" role="img"
            aria-label=(format!("Score {score} of at most {}, safe up to {safe}", limits.limit)) {
            rect.track width="100" height="8" {}
            rect class={ "fill " (class) } width=(format!("{:.1}", share(score))) height="8" {}
            rect.mark x=(format!("{:.1}", share(safe))) width="0.8" height="8" {}
        }
    }
}

/// Masternodes by risk band, with the numbers as text below.
pub(super) fn risks(counts: &[usize; Risk::ALL.len()], with_scores: bool) -> Markup {
    let total = counts.iter().sum::<usize>().max(1) as f64;
    let bands: Vec<(Risk, usize)> =
        Risk::ALL.into_iter().zip(*counts).filter(|(risk, _)| risk.exists(with_scores)).collect();
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="8" {}
            @for (place, (risk, count)) in bands.iter().enumerate() {
                @let share = |count: usize| 100.0 * count as f64 / total;
                @let x = share(bands[..place].iter().map(|(_, count)| count).sum());
                @let width = share(*count);
                rect class={ "fill " (format::risk(Some(*risk)).0) } x=(format!("{x:.2}")) width=(format!("{width:.2}")) height="8" {}
            }
        }
        ul.legend aria-label="Masternodes by danger" {
            @for (risk, count) in &bands {
                @let (class, words) = format::risk(Some(*risk));
                li { span class={ "dot " (class) } {} strong { (count) } " " (words) }
            }
        }
    }
}
