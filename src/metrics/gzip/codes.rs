//! The codes of a deflate block: their lengths from weights, and the bits of each literal and match (RFC 1951 §3.2).
//!
//! Never here: which matches there are.

use crate::metrics::gzip::bits::BitWriter;

/// Literals, the end of the block, and the lengths of matches.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const END: usize = 256;
const LONGEST_CODE: u8 = 15;

/// Lengths of code lengths, in the order of the format.
const LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The shortest and longest match, and the longest distance.
pub(super) const SHORTEST_MATCH: usize = 3;
pub(super) const LONGEST_MATCH: usize = 258;
pub(super) const LONGEST_DISTANCE: usize = 32 * 1024;

/// A code: its bits in the order in which they are sent, and their number.
#[derive(Clone, Copy, Default)]
struct Code {
    bits: u16,
    count: u8,
}

/// What a deflate block consists of.
pub(super) trait Symbols {
    /// Appends a byte.
    fn literal(&mut self, byte: u8);

    /// Appends a match: `length` from 3 to 258 bytes, from 1 to 32,768 bytes back.
    fn repeat(&mut self, length: usize, distance: usize);
}

/// How often each symbol occurs. Every symbol is possible.
pub(super) struct Weights {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Weights {
    /// Each symbol once.
    pub(super) fn new() -> Weights {
        Weights { literals: [1; LITERALS], distances: [1; DISTANCES] }
    }

    /// Adds a number of occurrences of a byte.
    pub(super) fn add(&mut self, byte: u8, times: u32) {
        self.literals[usize::from(byte)] += times;
    }
}

impl Symbols for Weights {
    fn literal(&mut self, byte: u8) {
        self.add(byte, 1);
    }

    fn repeat(&mut self, length: usize, distance: usize) {
        self.literals[length_symbol(length).0] += 1;
        self.distances[split(distance - 1, 1).0] += 1;
    }
}

/// The codes of a block.
pub(super) struct Codes {
    literals: [Code; LITERALS],
    distances: [Code; DISTANCES],
}

impl Codes {
    /// The best codes for some weights.
    pub(super) fn new(weights: &Weights) -> Codes {
        Codes { literals: codes(&weights.literals, LONGEST_CODE), distances: codes(&weights.distances, LONGEST_CODE) }
    }

    fn start(&self, out: &mut BitWriter<'_>) {
        let all = || self.literals.iter().chain(&self.distances).map(|code| usize::from(code.count));
        let mut weights = [0; 19];
        all().for_each(|length| weights[length] += 1);
        let lengths: [Code; 19] = codes(&weights, 7);
        // Not the last block, dynamic codes, and the number of each kind of code.
        out.put(0b100, 3);
        out.put((LITERALS - 257) as u32, 5);
        out.put((DISTANCES - 1) as u32, 5);
        out.put((LENGTH_ORDER.len() - 4) as u32, 4);
        LENGTH_ORDER.iter().for_each(|symbol| out.put(lengths[*symbol].count.into(), 3));
        all().for_each(|length| out.put(lengths[length].bits.into(), lengths[length].count.into()));
    }

    /// The bits of a literal and their number.
    #[inline]
    pub(super) fn literal(&self, byte: u8) -> (u32, u32) {
        let code = self.literals[usize::from(byte)];
        (code.bits.into(), code.count.into())
    }

    fn put(&self, code: Code, extra: u32, extra_bits: u32, out: &mut BitWriter<'_>) {
        out.put(u32::from(code.bits) | extra << code.count, u32::from(code.count) + extra_bits);
    }
}

/// A block in some codes.
pub(super) struct Block<'a> {
    codes: &'a Codes,
    pub(super) out: BitWriter<'a>,
}

impl<'a> Block<'a> {
    /// Starts a block that is not the last one.
    pub(super) fn start(codes: &'a Codes, mut out: BitWriter<'a>) -> Block<'a> {
        codes.start(&mut out);
        Block { codes, out }
    }

    /// Ends it, and starts an empty stored one, so that the next block begins with a byte.
    pub(super) fn end(mut self) {
        self.codes.put(self.codes.literals[END], 0, 0, &mut self.out);
        self.out.put(0, 3);
        self.out.align().extend_from_slice(&[0, 0, 0xff, 0xff]);
    }
}

impl Symbols for Block<'_> {
    #[inline]
    fn literal(&mut self, byte: u8) {
        let (bits, count) = self.codes.literal(byte);
        self.out.put(bits, count);
    }

    #[inline]
    fn repeat(&mut self, length: usize, distance: usize) {
        let (symbol, extra, extra_bits) = length_symbol(length);
        self.codes.put(self.codes.literals[symbol], extra, extra_bits, &mut self.out);
        let (symbol, extra, extra_bits) = split(distance - 1, 1);
        self.codes.put(self.codes.distances[symbol], extra, extra_bits, &mut self.out);
    }
}

/// The symbol of the length of a match, with its extra bits and their number.
#[inline]
fn length_symbol(length: usize) -> (usize, u32, u32) {
    if length == LONGEST_MATCH {
        return (285, 0, 0);
    }
    let (steps, extra, extra_bits) = split(length - SHORTEST_MATCH, 2);
    (257 + steps, extra, extra_bits)
}

/// The symbol of a number, counted from the first one, with its extra bits and their number: `2^steps` symbols for each
/// number of extra bits (RFC 1951 §3.2.5).
#[inline]
fn split(number: usize, steps: u32) -> (usize, u32, u32) {
    if number < 2 << steps {
        return (number, 0, 0);
    }
    let extra_bits = number.ilog2() - steps;
    let extra = number & ((1 << extra_bits) - 1);
    ((number >> extra_bits) + (extra_bits << steps) as usize, extra as u32, extra_bits)
}

/// Codes of at most `longest` bits for weights. A symbol of weight 0 has none; at least two have one.
fn codes<const N: usize>(weights: &[u32; N], longest: u8) -> [Code; N] {
    let mut weights = *weights;
    let mut lengths = lengths(&weights);
    while lengths.iter().any(|length| *length > longest) {
        // Weights that are closer to one another have shorter longest codes.
        weights.iter_mut().filter(|weight| **weight > 0).for_each(|weight| *weight = *weight / 2 + 1);
        lengths = self::lengths(&weights);
    }
    let mut next = [0_u16; 17];
    for length in 1..=16 {
        let shorter = lengths.iter().filter(|other| usize::from(**other) == length - 1 && length > 1).count() as u16;
        next[length] = (next[length - 1] + shorter) << 1;
    }
    lengths.map(|count| {
        let code = next[usize::from(count)];
        next[usize::from(count)] += 1;
        // Codes are sent from their highest bit.
        let bits = if count == 0 { 0 } else { code.reverse_bits() >> (16 - count) };
        Code { bits, count }
    })
}

/// The lengths of Huffman's codes.
fn lengths<const N: usize>(weights: &[u32; N]) -> [u8; N] {
    // Each tree is its weight and its symbols; the two lightest become one.
    let mut trees: Vec<(u64, Vec<usize>)> = weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0)
        .map(|(at, weight)| (u64::from(*weight), vec![at]))
        .collect();
    let mut lengths = [0; N];
    trees.sort_unstable_by(|one, other| other.cmp(one));
    while let (Some((light, mut symbols)), Some((weight, others))) = (trees.pop(), trees.pop()) {
        symbols.extend(others);
        symbols.iter().for_each(|symbol| lengths[*symbol] += 1);
        let weight = light + weight;
        let place = trees.partition_point(|(other, _)| *other > weight);
        trees.insert(place, (weight, symbols));
    }
    lengths
}
