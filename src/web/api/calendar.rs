//! Calendars (iCalendar, RFC 5545) of DKG sessions and planned restarts, to import or to subscribe to.
//!
//! An event keeps its UID while its expected time changes, so that a calendar moves it instead of adding another.
//!
//! Never here: which seats are known (`domain::duty`), and when to restart (`domain::restart`).

use crate::web::api::json::Subject;
use domain::duty::Duty;
use domain::{Height, MasternodeId, Snapshot, UnixSeconds, rfc3339};

/// The media type of a calendar.
pub const CONTENT_TYPE: &str = "text/calendar; charset=utf-8";

/// Octets of a line, without its end (RFC 5545, section 3.1).
const LINE: usize = 75;

/// An event of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEvent {
    /// What it is about, unique and the same in each calendar.
    pub uid: String,
    /// Time of the block by which it was computed.
    pub stamp: UnixSeconds,
    /// Its expected begin.
    pub start: UnixSeconds,
    /// Its expected end.
    pub end: UnixSeconds,
    /// One line.
    pub summary: String,
    /// More.
    pub description: String,
}

/// The calendar of this name with these events.
#[must_use]
pub fn calendar(name: &str, events: &[CalendarEvent]) -> String {
    let name = escaped(name);
    let mut lines: Vec<String> = vec![
        "BEGIN:VCALENDAR".into(),
        "VERSION:2.0".into(),
        "PRODID:-//masternode-exporter//duties//EN".into(),
        format!("NAME:{name}"),
        format!("X-WR-CALNAME:{name}"),
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M".into(),
        "X-PUBLISHED-TTL:PT15M".into(),
    ];
    for event in events {
        lines.extend([
            "BEGIN:VEVENT".to_string(),
            format!("UID:{}@masternode-exporter", escaped(&event.uid)),
            format!("DTSTAMP:{}", stamp(event.stamp)),
            format!("DTSTART:{}", stamp(event.start)),
            // An event ends after its begin.
            format!("DTEND:{}", stamp(event.end.max(UnixSeconds(event.start.0.saturating_add(1))))),
            format!("SUMMARY:{}", escaped(&event.summary)),
            format!("DESCRIPTION:{}", escaped(&event.description)),
            "TRANSP:TRANSPARENT".to_string(),
            "END:VEVENT".to_string(),
        ]);
    }
    lines.push("END:VCALENDAR".to_string());
    lines.iter().flat_map(|line| [folded(line), "\r\n".to_string()]).collect()
}

/// The known seats of a masternode, under way and ahead; none while it is not registered, and where no quorums are known.
#[must_use]
pub fn seats(subject: &Subject<'_>, id: &MasternodeId) -> Vec<CalendarEvent> {
    let snapshot = subject.snapshot;
    let duties = subject.node.and_then(|node| snapshot.duties_ahead(&node)).unwrap_or_default();
    let name = subject.name(id);
    let event = |duty: &Duty| {
        let quorum = duty.index.map_or_else(String::new, |index| format!(", quorum {index}"));
        CalendarEvent {
            uid: format!("{}-{id}-{}-{}-{}", snapshot.network(), duty.quorum_type, duty.index.unwrap_or(0), duty.start),
            stamp: snapshot.block().time,
            start: about(snapshot, duty.start),
            end: about(snapshot, duty.end),
            summary: format!("{name}: {} session", duty.quorum_type),
            description: format!(
                "Masternode {id} on {}{quorum}. Begins with block {}, result due at block {}, over after block {}. Times are \
                 estimates.",
                snapshot.network(),
                duty.start,
                duty.due,
                duty.end
            ),
        }
    };
    duties.iter().filter(|duty| duty.is_known()).map(event).collect()
}

/// When a block is expected, or was mined: by the mean time between blocks.
#[must_use]
pub fn about(snapshot: &Snapshot, height: Height) -> UnixSeconds {
    let (tip, facts) = (snapshot.block(), snapshot.facts());
    let ago = f64::from(tip.height.above(height)) * facts.spacing_seconds(snapshot.rules());
    facts
        .expected_at(height, tip, snapshot.rules())
        .unwrap_or_else(|| UnixSeconds(tip.time.0.saturating_sub(ago as u64)))
}

/// A time as iCalendar writes it: `20261130T093000Z`.
fn stamp(time: UnixSeconds) -> String {
    rfc3339::text(time).replace(['-', ':'], "")
}

/// A text value (RFC 5545, section 3.3.11).
fn escaped(text: &str) -> String {
    let escape = |letter: char| match letter {
        '\\' | ';' | ',' => format!("\\{letter}"),
        '\n' => "\\n".to_string(),
        letter if letter.is_control() => " ".to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Its lines of at most [`LINE`] octets; each after the first begins with a blank.
fn folded(line: &str) -> String {
    let (mut text, mut octets) = (String::new(), 0);
    for letter in line.chars() {
        if octets + letter.len_utf8() > LINE {
            text.push_str("\r\n ");
            octets = 1;
        }
        text.push(letter);
        octets += letter.len_utf8();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_folded_within_no_letter_and_its_text_escaped() {
        assert_eq!(escaped("a,b;c\\d:\"e\"\r\nf\t"), "a\\,b\\;c\\\\d:\"e\" \\nf ");
        for text in ["é".repeat(100), "a".repeat(75), "a".repeat(76), format!("a{}", "€".repeat(60))] {
            let folded = folded(&text);
            assert!(folded.split("\r\n").all(|line| line.len() <= 75), "{folded}");
            assert_eq!(folded.replace("\r\n ", ""), text);
        }
        assert!(!folded(&"a".repeat(75)).contains('\n'), "75 octets are allowed");
        assert_eq!(stamp(UnixSeconds(1_800_000_000)), "20270115T080000Z");
    }

    #[test]
    fn a_calendar_has_the_properties_that_the_standard_requires_of_it_and_of_each_event() {
        let event = CalendarEvent {
            uid: "main-ab;c-1".into(),
            stamp: UnixSeconds(1_800_000_000),
            start: UnixSeconds(1_800_000_060),
            end: UnixSeconds(1_800_000_060),
            summary: "mn-1: session\r\nBEGIN:VEVENT".into(),
            description: String::new(),
        };
        let text = calendar("fleet, all", &[event.clone(), event]);
        let required =
            ["UID:main-ab\\;c-1@masternode-exporter", "DTSTAMP:20270115T080000Z", "DTSTART:20270115T080100Z"];
        for line in required.into_iter().chain(["DTEND:20270115T080101Z", "BEGIN:VEVENT", "END:VEVENT"]) {
            assert_eq!(text.split("\r\n").filter(|found| *found == line).count(), 2, "{line} in {text}");
        }
        for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "NAME:fleet\\, all", "END:VCALENDAR"] {
            assert_eq!(text.split("\r\n").filter(|found| *found == line).count(), 1, "{line} in {text}");
        }
        assert!(text.contains("SUMMARY:mn-1: session \\nBEGIN:VEVENT\r\n"), "{text}");
        assert!(text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
    }
}
