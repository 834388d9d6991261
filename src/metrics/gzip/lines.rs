//! Deflates lines of masternodes without a search for matches.
//!
//! Within the 32 KiB that a match can reach, a line is the line before it with another identity and another value. So
//! an identity is a copy of bits that were coded once, and the text between two identities is matched with the text
//! between the two before.
//!
//! Never here: text without identities.

use std::ops::Range;
use std::sync::LazyLock;

use crate::metrics::gzip::bits::{BitWriter, Words};
use crate::metrics::gzip::codes::{Block, Codes, LONGEST_DISTANCE, LONGEST_MATCH, SHORTEST_MATCH, Symbols, Weights};

/// Lines whose symbols are counted to choose the codes of a text.
const SOME_LINES: usize = 64;

/// Texts that are remembered to be repeated.
const RECENT: usize = 32;

/// An identity in a text.
#[derive(Clone, Copy, Debug)]
pub(in crate::metrics) struct Span {
    /// Position of its first byte.
    pub(in crate::metrics) start: u32,
    /// Its network on the page.
    pub(in crate::metrics) network: u32,
    /// Its place on the page of its network.
    pub(in crate::metrics) place: u32,
}

/// The identities of a network's page in the code of [`IDENTITY_CODES`], by place.
pub(in crate::metrics) struct CodedIdentities {
    words: Words,
    entries: Vec<Entry>,
}

struct Entry {
    /// Position of the first word.
    word: u32,
    bits: u32,
    /// Length of the text.
    length: u32,
}

/// Codes for hexadecimal digits, most of them four bits long. They are the same for all pages, so that an identity is
/// coded once.
static IDENTITY_CODES: LazyLock<Codes> = LazyLock::new(|| {
    let mut weights = Weights::new();
    b"0123456789abcdef".iter().for_each(|digit| weights.add(*digit, 1024));
    // Digits of values, letters of aliases, and what is around them.
    b"0123456789".iter().for_each(|digit| weights.add(*digit, 76));
    (b'a'..=b'z').chain(*b"-_. \"}\n").for_each(|byte| weights.add(byte, 2));
    // A line is a match of 35 to 162 bytes with the line before, or two with a value between them.
    for (lengths, times) in [(&[4, 5, 6, 7, 8, 9, 10][..], 8), (&[3, 36, 44, 52, 60, 70, 90, 110, 140], 40)] {
        lengths.iter().for_each(|length| (0..times).for_each(|_| weights.repeat(*length, 150)));
    }
    for distance in [70, 100, 200, 300] {
        (0..32).for_each(|_| weights.repeat(64, distance));
    }
    Codes::new(&weights)
});

impl CodedIdentities {
    /// Codes the identities.
    pub(in crate::metrics) fn new<'a>(identities: impl ExactSizeIterator<Item = &'a [u8]>) -> CodedIdentities {
        let mut coded = CodedIdentities { words: Words::default(), entries: Vec::with_capacity(identities.len()) };
        for text in identities {
            let word = coded.words.start();
            for byte in text {
                let (bits, count) = IDENTITY_CODES.literal(*byte);
                coded.words.put(bits, count);
            }
            let number = |length| u32::try_from(length).expect("identities of ten million masternodes are no page");
            coded.entries.push(Entry { word: number(word), bits: coded.words.used(), length: number(text.len()) });
        }
        coded.words.shrink();
        coded
    }
}

/// Appends a block with a text whose identities are coded; `of_network` gives those of a network.
pub(super) fn deflate_coded<'a>(
    text: &[u8],
    spans: &[Span],
    of_network: impl Fn(u32) -> &'a CodedIdentities,
    out: &mut Vec<u8>,
) {
    let mut block = Block::start(&IDENTITY_CODES, BitWriter::new(out));
    deflate(text, spans, &mut block, |span, block| {
        let coded = of_network(span.network);
        let entry = &coded.entries[span.place as usize];
        block.out.put_words(coded.words.from(entry.word as usize), entry.bits);
        entry.length as usize
    });
    block.end();
}

/// Appends a block with a text of lines that have more than an identity and a value: with codes of its own.
pub(super) fn deflate_wide(text: &[u8], spans: &[Span], out: &mut Vec<u8>) {
    let mut weights = Weights::new();
    let (some, end) = spans.split_at_checked(SOME_LINES).map_or((spans, text.len()), |(some, others)| {
        (some, others.first().map_or(text.len(), |span| span.start as usize))
    });
    deflate(&text[..end], some, &mut weights, |_, _| 0);
    let codes = Codes::new(&weights);
    let mut block = Block::start(&codes, BitWriter::new(out));
    deflate(text, spans, &mut block, |_, _| 0);
    block.end();
}

/// Appends the symbols of a text. `identity` appends one and returns its length, or 0 if it is text like any other.
fn deflate<S: Symbols>(text: &[u8], spans: &[Span], out: &mut S, identity: impl Fn(&Span, &mut S) -> usize) {
    let mut lines = Lines { text, out, recent: [(0, 0); RECENT] };
    let (mut at, mut before) = (0, 0..0);
    for span in spans {
        let gap = at..span.start as usize;
        lines.gap(gap.clone(), before);
        at = gap.end + identity(span, lines.out);
        before = gap;
    }
    lines.gap(at..text.len(), before);
}

/// A text that is being deflated.
struct Lines<'a, S> {
    text: &'a [u8],
    out: &'a mut S,
    /// Start and end of the last texts between two identities, by how they begin: with a value.
    recent: [(usize, usize); RECENT],
}

impl<S: Symbols> Lines<'_, S> {
    /// Appends the text between two identities, by matches with the text between the two before.
    #[inline]
    fn gap(&mut self, gap: Range<usize>, before: Range<usize>) {
        if self.repeats(&gap, &before) {
            return;
        }
        let place = |range: &Range<usize>| recent_place(&self.text[range.clone()]);
        let (own, other) = (place(&gap), place(&before));
        self.recent[other] = (before.start, before.end);
        let (start, end) = self.recent[own];
        if !self.repeats(&gap, &(start..end)) {
            self.different(gap, before);
        }
    }

    /// Appends a text as one match if an earlier one in reach is the same.
    #[inline]
    fn repeats(&mut self, gap: &Range<usize>, earlier: &Range<usize>) -> bool {
        let distance = gap.start - earlier.start;
        let same = (SHORTEST_MATCH..=LONGEST_MATCH).contains(&gap.len())
            && distance <= LONGEST_DISTANCE
            && self.text[gap.clone()] == self.text[earlier.clone()];
        if same {
            self.out.repeat(gap.len(), distance);
        }
        same
    }

    /// Appends a text by the parts that are the same in an earlier one.
    fn different(&mut self, gap: Range<usize>, earlier: Range<usize>) {
        let (mut at, mut from) = (gap.start, earlier.start);
        while !self.repeats(&(at..gap.end), &(from..earlier.end)) {
            let same = common(&self.text[at..gap.end], &self.text[from..earlier.end]).min(LONGEST_MATCH);
            if same >= SHORTEST_MATCH && at - from <= LONGEST_DISTANCE {
                self.out.repeat(same, at - from);
            } else {
                self.literals(at..at + same);
            }
            (at, from) = (at + same, from + same);
            if same == LONGEST_MATCH {
                continue;
            }
            // Both texts are the same again after the value that differs.
            let (value, other) = (ends(&self.text[at..gap.end]), ends(&self.text[from..earlier.end]));
            // One of two different ends is part of a longer text.
            let value = if value + other == 0 { 1.min(gap.end - at) } else { value };
            self.literals(at..at + value);
            (at, from) = (at + value, from + other);
            if at == gap.end {
                return;
            }
            if from == earlier.end {
                return self.literals(at..gap.end);
            }
        }
    }

    fn literals(&mut self, range: Range<usize>) {
        self.text[range].iter().for_each(|byte| self.out.literal(*byte));
    }
}

/// The place of a text among the recent ones: by its first bytes, which contain the value of a line.
fn recent_place(text: &[u8]) -> usize {
    let words = text.chunks_exact(8).take(3);
    let sum = words.fold(0_u64, |sum, word| {
        let word = u64::from_le_bytes(*word.first_chunk().expect("a chunk has eight bytes"));
        (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (sum >> 59) as usize
}

/// Position of the end of a value: a quote or a line's end.
fn ends(text: &[u8]) -> usize {
    memchr::memchr2(b'"', b'\n', text).unwrap_or(text.len())
}

/// Length of the common beginning of two texts.
#[inline]
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut same = 0;
    for (one, other) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        let word = |bytes: &[u8]| u64::from_le_bytes(*bytes.first_chunk().expect("a chunk has eight bytes"));
        let differing = word(one) ^ word(other);
        if differing != 0 {
            return same + differing.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    same + one[same..].iter().zip(&other[same..]).take_while(|(one, other)| one == other).count()
}
