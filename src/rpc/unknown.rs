//! What an answer says that is not understood, counted by kind while it is read.
//!
//! Never here: which answers; the counters of the process (`meters`).

use crate::meters::NotUnderstood;

/// How often each kind was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown([u64; NotUnderstood::ALL.len()]);

impl Unknown {
    /// Counts so many of a kind.
    pub fn note(&mut self, kind: NotUnderstood, count: u64) {
        self.0[kind as usize] += count;
    }

    /// How often a kind was met.
    pub fn count(&self, kind: NotUnderstood) -> u64 {
        self.0[kind as usize]
    }

    /// Hands on each kind that was met.
    pub fn each(&self, mut take: impl FnMut(NotUnderstood, u64)) {
        for kind in NotUnderstood::ALL {
            let count = self.count(kind);
            if count > 0 {
                take(kind, count);
            }
        }
    }
}
