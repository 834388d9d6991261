//! Text that somebody else wrote: a node, a peer or a server. It is short, and harmless in a log and on a terminal.
//!
//! Never here: what a text means; texts of the operator.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

/// A text of at most [`ForeignText::MAX_CHARS`] characters, and `…` where it was longer. Characters that start a line, that a
/// terminal obeys, or that change the order of others are replaced by U+FFFD.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignText(Box<str>);

impl ForeignText {
    /// Most characters that are kept.
    pub const MAX_CHARS: usize = 300;

    /// Most characters of an address or a key: a host name has up to 253, and a port.
    pub const MAX_ADDRESS_CHARS: usize = 260;

    /// The start of a text. No more of it is written than is kept.
    pub fn new(text: impl fmt::Display) -> ForeignText {
        ForeignText::bounded(text, ForeignText::MAX_CHARS)
    }

    /// The same with another limit.
    pub fn bounded(text: impl fmt::Display, max_chars: usize) -> ForeignText {
        let mut start = Start { text: String::new(), room: max_chars };
        if fmt::write(&mut start, format_args!("{text}")).is_err() {
            start.text.push('…');
        }
        ForeignText(start.text.into())
    }

    /// An address or a key, without a copy where it is short and harmless already. There are several of each masternode.
    pub fn address(text: Cow<'_, str>) -> Cow<'_, str> {
        let most = ForeignText::MAX_ADDRESS_CHARS;
        let is_short = text.len() <= most || text.chars().count() <= most;
        if is_short && text.chars().all(is_harmless) {
            text
        } else {
            Cow::Owned(ForeignText::bounded(text, most).into())
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Takes characters until there is no room.
struct Start {
    text: String,
    room: usize,
}

impl fmt::Write for Start {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for character in piece.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(if is_harmless(character) { character } else { char::REPLACEMENT_CHARACTER });
        }
        Ok(())
    }
}

/// Whether a character neither controls a terminal nor hides or reorders text: no control character, no separator of lines, no
/// character without a width, no bidirectional control (Unicode, UAX 9).
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl Deref for ForeignText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ForeignText {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ForeignText {
    fn from(text: &str) -> ForeignText {
        ForeignText::new(text)
    }
}

impl From<ForeignText> for String {
    fn from(text: ForeignText) -> String {
        text.0.into()
    }
}

impl PartialEq<str> for ForeignText {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for ForeignText {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Display for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_the_reader_does_not_see_is_replaced() {
        let cases = [
            ("/Dash Core:23.1.2/", "/Dash Core:23.1.2/"),
            ("a\nINFO forged", "a\u{fffd}INFO forged"),
            ("\u{1b}[2J\u{7}\r\u{9b}", "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}"),
            ("\u{202e}evil\u{2066}\u{200f}", "\u{fffd}evil\u{fffd}\u{fffd}"),
            ("a\u{2028}b\u{feff}\u{200b}\u{e0041}", "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}"),
            ("naïve 漢字 é", "naïve 漢字 é"),
        ];
        for (text, expected) in cases {
            assert_eq!(ForeignText::new(text), expected, "{text:?}");
            assert_eq!(ForeignText::address(text.into()), expected, "{text:?}");
        }
        assert!(matches!(ForeignText::address("harmless".into()), Cow::Borrowed(_)), "no copy");
    }

    #[test]
    fn a_text_is_cut_at_a_bound_and_says_so() {
        let most = "é".repeat(ForeignText::MAX_CHARS);
        assert_eq!(ForeignText::new(&most), *most);
        assert_eq!(ForeignText::new("é".repeat(1_000_000)), *(most.clone() + "…"));
        assert_eq!(
            ForeignText::address("é".repeat(1_000_000).into()),
            "é".repeat(ForeignText::MAX_ADDRESS_CHARS) + "…"
        );
        assert_eq!(ForeignText::bounded("abcdef", 3), "abc…");
    }
}
