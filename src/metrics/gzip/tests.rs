use std::io::Read;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn piece(text: String) -> Piece {
    Piece { text: text.into(), ..Piece::default() }
}

/// This decoder stops behind the first member.
fn inflate(member: &[u8]) -> String {
    let mut read = String::new();
    let mut decoder = flate2::bufread::GzDecoder::new(member);
    decoder.read_to_string(&mut read).unwrap();
    assert!(decoder.into_inner().is_empty(), "nothing stands behind the member");
    read
}

fn page() -> ExpositionPage {
    ExpositionPage::new(crate::metrics::MetricsSettings::default(), Vec::new())
}

#[test]
fn all_parts_are_one_member() {
    let text = "masternode_pose_score{masternode=\"ab\"} 66\n".repeat(10_000);
    for (first, tail) in [(text.as_str(), "# EOF\n"), ("", ""), ("", "tail"), (text.as_str(), "")] {
        let (mut member, mut whole) = (Member::default(), Vec::new());
        member.add(&piece(first.to_owned()), &page(), &mut whole);
        member.add(&piece(first.to_owned()), &page(), &mut whole);
        whole.extend(member.end(tail.as_bytes()));
        assert_eq!(inflate(&whole), format!("{first}{first}{tail}"));
    }
}

/// A text of identities and the text before each, with the end after the last.
fn lines(parts: &[(String, String)], end: &str) -> (String, Vec<Span>) {
    let (mut text, mut spans) = (String::new(), Vec::new());
    for (place, (gap, identity)) in parts.iter().enumerate() {
        text.push_str(gap);
        spans.push(Span { start: text.len() as u32, network: 0, place: place as u32 });
        text.push_str(identity);
    }
    (text + end, spans)
}

/// Both ways to deflate a text with identities, each a complete member.
fn both(parts: &[(String, String)], end: &str) -> (String, [Vec<u8>; 2]) {
    let (text, spans) = lines(parts, end);
    let identities = CodedIdentities::new(parts.iter().map(|(_, identity)| identity.as_bytes()));
    let complete = |write: &dyn Fn(&mut Vec<u8>)| {
        let (mut member, mut out) = (Member { started: true, ..Member::default() }, HEADER.to_vec());
        write(&mut out);
        member.count(text.as_bytes());
        out.extend(member.end(b""));
        out
    };
    let coded = complete(&|out| lines::deflate_coded(text.as_bytes(), &spans, |_| &identities, out));
    let wide = complete(&|out| lines::deflate_wide(text.as_bytes(), &spans, out));
    (text, [coded, wide])
}

proptest! {
    #[test]
    fn any_text_is_restored(
        parts in vec(("[ab\"\n]{0,12}|[ -~é\n]{0,40}|(abcd){60,90}", "[0-9a-f]{0,70}|[ -~ü]{0,30}"), 0..60),
        end in "[ab\"\n]{0,9}|(abcd){0,900}",
    ) {
        let (text, members) = both(&parts, &end);
        for member in members {
            prop_assert_eq!(inflate(&member), &text[..]);
        }
    }

    #[test]
    fn lines_of_one_family_are_restored(
        rows in vec((any::<u64>(), 0..12_u32, prop_oneof![0..4_usize, Just(300)]), 1..100),
        far in prop_oneof![Just(0_usize), Just(33_000)],
    ) {
        let gap = |value: u32, alias: usize, after: usize| {
            let (alias, after) = ("x".repeat(alias), "#".repeat(after));
            format!("\",alias=\"{alias}\"}} {value}\n{after}m_score{{network=\"n\",masternode=\"")
        };
        let parts: Vec<(String, String)> = rows
            .iter()
            .enumerate()
            .map(|(at, (id, value, alias))| {
                let id = format!("{id:016x}").repeat(4);
                (gap(*value, *alias, if at == 5 { far } else { 0 }), id)
            })
            .collect();
        let (text, members) = both(&parts, "\"} 1\n");
        for member in members {
            prop_assert_eq!(inflate(&member), &text[..]);
        }
    }
}
