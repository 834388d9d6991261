//! Incremental parser of `protx list`, one masternode at a time.
//!
//! A list of 100,000 masternodes is 110 MB of JSON. The parser keeps only the incomplete piece, at most one element,
//! and the compact result.
//!
//! Never here: the network; a whole body; `serde_json::Value`.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::rpc::dash::convert;
use crate::rpc::dash::wire::{Entry, WireError};
use crate::rpc::error::ErrorKind;
use crate::rpc::registered::{Registered, too_many};
use crate::rpc::unknown::Unknown;
use domain::MasternodeId;

/// Longest element, key or other member that is buffered: sixty times a recorded entry.
const PIECE_BYTES: usize = 64 * 1024;

/// Most masternodes for which memory is allocated before the first one is read.
const MOST_EXPECTED: usize = 200_000;

/// Limit of text in a list that does not fit the packed form of most masternodes, in bytes. The texts of 100,000
/// masternodes with onion addresses or several payees take 25 MB.
const TEXT_BYTES: usize = 32 * 1024 * 1024;

/// Takes a body in pieces of any size.
#[derive(Default)]
pub struct ListParser {
    buffer: String,
    /// The start of an incomplete character.
    cut: Vec<u8>,
    at: usize,
    place: Place,
    /// Bytes of texts so far, see [`TEXT_BYTES`].
    texts: usize,
    list: Option<Registered>,
    expected: usize,
    /// Most entries that are read; `None` for no limit.
    most: Option<usize>,
    error: Option<WireError>,
    unknown: Unknown,
}

/// Position of the parser in the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the brace that opens the envelope.
    #[default]
    Start,
    /// Before the first member of the envelope, or its end.
    FirstMember,
    /// After a comma: before a further member.
    NextMember,
    /// After a member: before a comma, or the end of the envelope.
    BehindMember,
    /// Before the first element of the list, or its end.
    FirstElement,
    /// After a comma: before a further element.
    NextElement,
    /// After an element: before a comma, or the end of the list.
    BehindElement,
    /// After the envelope.
    End,
}

/// Whether the buffered bytes were enough for a step.
enum Step {
    Done,
    NeedsMore,
}

impl ListParser {
    /// A parser of a list with an expected number of masternodes. If the number is right, the result has no spare
    /// capacity and was never reallocated.
    pub fn expecting(masternodes: usize) -> ListParser {
        ListParser { expected: masternodes.min(MOST_EXPECTED), ..ListParser::default() }
    }

    /// The same; a list of more than `entries` entries is refused at the first excess one.
    #[must_use]
    pub fn at_most(self, entries: usize) -> ListParser {
        ListParser { most: Some(entries), ..self }
    }

    /// Processes the next bytes. An error is final.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.take(bytes)?;
        while let Step::Done = self.step()? {}
        if self.buffer.len() - self.at > PIECE_BYTES { Err(too_long()) } else { Ok(()) }
    }

    /// Converts bytes to text, once for all of them. A character may be split between two pieces.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), ErrorKind> {
        while !self.cut.is_empty() && !bytes.is_empty() {
            self.cut.push(bytes[0]);
            bytes = &bytes[1..];
            match str::from_utf8(&self.cut) {
                Ok(character) => {
                    self.buffer.push_str(character);
                    self.cut.clear();
                }
                Err(error) if error.error_len().is_none() => {}
                Err(error) => return Err(ErrorKind::malformed(error)),
            }
        }
        let (whole, cut) = match str::from_utf8(bytes) {
            Ok(whole) => (whole, &[][..]),
            Err(error) if error.error_len().is_none() => {
                let (whole, cut) = bytes.split_at(error.valid_up_to());
                (str::from_utf8(whole).expect("from_utf8 found it valid up to there"), cut)
            }
            Err(error) => return Err(ErrorKind::malformed(error)),
        };
        self.buffer.push_str(whole);
        self.cut.extend_from_slice(cut);
        Ok(())
    }

    /// The values that were not understood so far.
    pub fn unknown(&self) -> &Unknown {
        &self.unknown
    }

    /// The list with its unreadable entries, after the complete body. Fails if a tenth of the entries are unreadable.
    pub fn finish(self) -> Result<Registered, ErrorKind> {
        if let Some(error) = self.error {
            return Err(ErrorKind::reported(error.code, &error.message));
        }
        let read = self.list.as_ref().map_or(0, Registered::entries);
        if self.place != Place::End || !self.cut.is_empty() {
            return Err(ErrorKind::malformed(format_args!("the answer was cut off after {read} masternodes")));
        }
        self.list.ok_or_else(|| ErrorKind::malformed("the answer has neither result nor error"))?.checked()
    }

    fn step(&mut self) -> Result<Step, ErrorKind> {
        let Some(next) = self.skip_blanks() else { return Ok(Step::NeedsMore) };
        self.place = match (self.place, next) {
            (Place::Start, b'{') => Place::FirstMember,
            (Place::FirstMember | Place::NextMember, b'"') => return self.member(),
            (Place::BehindMember, b',') => Place::NextMember,
            (Place::FirstMember | Place::BehindMember, b'}') => Place::End,
            (Place::FirstElement | Place::NextElement, b'{' | b'"' | b'[' | b'a'..=b'z' | b'-' | b'0'..=b'9') => {
                return self.element();
            }
            (Place::BehindElement, b',') => Place::NextElement,
            (Place::FirstElement | Place::BehindElement, b']') => Place::BehindMember,
            _ => return Err(ErrorKind::malformed(format_args!("unexpected character {:?}", char::from(next)))),
        };
        self.at += 1;
        Ok(Step::Done)
    }

    /// A key, its colon, and its value; for the list only its opening bracket.
    fn member(&mut self) -> Result<Step, ErrorKind> {
        let Some((key, after_key)) = piece::<String>(&self.buffer[self.at..])? else { return Ok(Step::NeedsMore) };
        let Some(value_at) = value_behind(&self.buffer[self.at..], after_key)? else { return Ok(Step::NeedsMore) };
        let value = &self.buffer[self.at + value_at..];
        let length = match (key.as_str(), value.bytes().next()) {
            ("result", _) if self.list.is_some() => return Err(ErrorKind::malformed("the answer has two results")),
            ("result", Some(b'[')) => {
                self.list = Some(Registered::expecting(self.expected));
                self.place = Place::FirstElement;
                self.at += value_at + 1;
                return Ok(Step::Done);
            }
            ("error", _) => {
                let Some((error, length)) = piece(value)? else { return Ok(Step::NeedsMore) };
                self.error = error;
                length
            }
            _ => {
                let Some((IgnoredAny, length)) = piece(value)? else { return Ok(Step::NeedsMore) };
                length
            }
        };
        self.place = Place::BehindMember;
        self.at += value_at + length;
        Ok(Step::Done)
    }

    fn element(&mut self) -> Result<Step, ErrorKind> {
        let text = &self.buffer[self.at..];
        let (read, length) = match piece::<Entry<'_>>(text) {
            Ok(Some((entry, length))) => (convert::masternode(&entry, &mut self.unknown), length),
            Ok(None) => return Ok(Step::NeedsMore),
            Err(error) => {
                // It is no entry. If it is JSON, it affects its own masternode only.
                let Some((IgnoredAny, length)) = piece(text)? else { return Ok(Step::NeedsMore) };
                (Err(error), length)
            }
        };
        let list = self.list.get_or_insert_default();
        if let Some(most) = self.most.filter(|most| list.entries() >= *most) {
            return Err(too_many(most));
        }
        match read {
            Ok(masternode) => {
                self.texts += masternode.details.further_bytes();
                if self.texts > TEXT_BYTES {
                    return Err(ErrorKind::malformed("addresses and payees of its entries are too long"));
                }
                list.masternodes.push(masternode);
            }
            Err(error) => {
                let id = identity(&text[..length]);
                let error = named(id, list.entries() + 1, error);
                list.skip(id, error)?;
            }
        }
        self.place = Place::BehindElement;
        self.at += length;
        Ok(Step::Done)
    }

    fn skip_blanks(&mut self) -> Option<u8> {
        let bytes = self.buffer.as_bytes();
        while bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }
}

/// The identity in an otherwise unreadable entry.
fn identity(entry: &str) -> Option<MasternodeId> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(rename = "proTxHash", borrow)]
        pro_tx_hash: Cow<'a, str>,
    }
    let named: Named<'_> = serde_json::from_str(entry).ok()?;
    convert::id(&named.pro_tx_hash).ok()
}

/// An error about an entry, with its name or its position in the list.
fn named(id: Option<MasternodeId>, place: usize, error: ErrorKind) -> ErrorKind {
    match (id, error) {
        (Some(id), ErrorKind::Malformed { what }) if !what.contains(&id.to_string()) => {
            ErrorKind::malformed(format_args!("masternode {id}: {what}"))
        }
        (None, ErrorKind::Malformed { what }) => ErrorKind::malformed(format_args!("entry number {place}: {what}")),
        (_, error) => error,
    }
}

/// Start of a member's value, after the one colon that follows its key; `None` if more bytes are needed.
fn value_behind(member: &str, after_key: usize) -> Result<Option<usize>, ErrorKind> {
    let member = member.as_bytes();
    let blanks = |from: usize| member[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let colon_at = after_key + blanks(after_key);
    match member.get(colon_at) {
        None => return Ok(None),
        Some(b':') => {}
        Some(other) => {
            return Err(ErrorKind::malformed(format_args!("unexpected {:?} after a key", char::from(*other))));
        }
    }
    let value_at = colon_at + 1 + blanks(colon_at + 1);
    Ok((value_at < member.len()).then_some(value_at))
}

/// A value at the start of the text and its length; `None` if more of it is needed. A value that ends with the text may
/// continue (a number), so one more byte is required.
fn piece<'de, T: Deserialize<'de>>(text: &'de str) -> Result<Option<(T, usize)>, ErrorKind> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    match values.next() {
        // The same limit applies to a value that arrives at once.
        Some(Ok(_)) if values.byte_offset() > PIECE_BYTES => Err(too_long()),
        Some(Ok(value)) if values.byte_offset() < text.len() => Ok(Some((value, values.byte_offset()))),
        Some(Ok(_)) | None => Ok(None),
        Some(Err(error)) if error.is_eof() || lies_at_the_end(&error, text) => Ok(None),
        Some(Err(error)) => Err(ErrorKind::malformed(error)),
    }
}

fn too_long() -> ErrorKind {
    ErrorKind::malformed(format_args!("a piece of the answer is longer than {PIECE_BYTES} bytes"))
}

/// Whether an error was found at the last byte: a number split after its sign is an error there.
fn lies_at_the_end(error: &serde_json::Error, text: &str) -> bool {
    let bytes = text.as_bytes();
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    let last_line = bytes.iter().rev().take_while(|byte| **byte != b'\n').count();
    error.line() == lines && error.column() >= last_line
}
