//! A sequence of bits, least significant first, as deflate packs them (RFC 1951 §3.1.1).
//!
//! Never here: codes.

/// Appends bits to bytes.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Bits that do not fill a byte group yet, the first in the lowest place.
    pending: u64,
    /// Their number, below 32.
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// Starts at the end of `out`.
    pub(super) fn new(out: &'a mut Vec<u8>) -> BitWriter<'a> {
        BitWriter { out, pending: 0, count: 0 }
    }

    /// Appends the lowest `count` bits, at most 32; the others are zero.
    #[inline]
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.pending |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// Appends the first `count` bits of whole words.
    #[inline]
    pub(super) fn put_words(&mut self, words: &[u64], count: u32) {
        let (whole, rest) = (count as usize / 64, count % 64);
        for word in &words[..whole] {
            self.out.extend_from_slice(&(self.pending | word << self.count).to_le_bytes());
            // In two steps, because a shift by 64 is not defined.
            self.pending = word >> 1 >> (63 - self.count);
        }
        if rest > 0 {
            let last = words[whole];
            self.put(last as u32, rest.min(32));
            if rest > 32 {
                self.put((last >> 32) as u32, rest - 32);
            }
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(self) -> &'a mut Vec<u8> {
        let bytes = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.pending.to_le_bytes()[..bytes]);
        self.out
    }
}

/// Bits in whole words, to be appended many times.
#[derive(Default)]
pub(super) struct Words {
    words: Vec<u64>,
    used: u32,
}

impl Words {
    /// Starts a sequence at the next whole word and returns its position.
    pub(super) fn start(&mut self) -> usize {
        self.used = 0;
        self.words.len()
    }

    /// Appends the lowest `count` bits, at most 32; the others are zero.
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        let bits = u64::from(bits);
        match self.words.last_mut().filter(|_| !self.used.is_multiple_of(64)) {
            Some(last) => {
                let place = self.used % 64;
                *last |= bits << place;
                if place + count > 64 {
                    self.words.push(bits >> (64 - place));
                }
            }
            None => self.words.push(bits),
        }
        self.used += count;
    }

    /// Number of bits since the last start.
    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// Frees unused memory.
    pub(super) fn shrink(&mut self) {
        self.words.shrink_to_fit();
    }

    /// The words from a position.
    pub(super) fn from(&self, position: usize) -> &[u64] {
        &self.words[position..]
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The bits as text, one digit each.
    fn digits(bytes: &[u8]) -> String {
        bytes.iter().flat_map(|byte| (0..8).map(move |bit| if byte >> bit & 1 == 1 { '1' } else { '0' })).collect()
    }

    proptest! {
        #[test]
        fn bits_follow_one_another(parts in vec((any::<u32>(), 1..=32_u32), 0..40), before in 0..40_u32) {
            let mask = |bits: u32, count: u32| (u64::from(bits) & ((1_u64 << count) - 1)) as u32;
            let parts: Vec<(u32, u32)> = parts.iter().map(|(bits, count)| (mask(*bits, *count), *count)).collect();
            let (mut direct, mut spliced, mut words) = (Vec::new(), Vec::new(), Words::default());
            let mut writer = BitWriter::new(&mut direct);
            (0..before).for_each(|_| writer.put(1, 1));
            words.put(7, 3);
            let start = words.start();
            for (bits, count) in &parts {
                writer.put(*bits, *count);
                words.put(*bits, *count);
            }
            writer.align();
            let mut writer = BitWriter::new(&mut spliced);
            (0..before).for_each(|_| writer.put(1, 1));
            writer.put_words(words.from(start), words.used());
            writer.align();
            let expected: String = (0..before)
                .map(|_| '1')
                .chain(parts.iter().flat_map(|(bits, count)| {
                    (0..*count).map(move |bit| if bits >> bit & 1 == 1 { '1' } else { '0' })
                }))
                .collect();
            prop_assert_eq!(&digits(&direct)[..expected.len()], &expected);
            prop_assert!(direct.len() * 8 < expected.len() + 8);
            prop_assert_eq!(direct, spliced);
        }
    }
}
