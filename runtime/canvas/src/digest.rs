//! The hash of a canvas's contents: the same for equal contents on every machine.
//! Each step is a bijection of the state, so no input word can erase what came before. It guards against faults and
//! disagreement, not against an attacker who chooses bytes.

use crate::address::RegionId;

/// A running hash over pages in address order.
pub struct Digest {
    state: u64,
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn step(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(MULTIPLIER);
    mixed ^ (mixed >> 29)
}

impl Digest {
    /// The hash of no pages.
    pub fn new() -> Digest {
        Digest {
            state: 0x7263_2d63_616e_7661,
        }
    }

    /// Adds a page; one of all zeros counts like an absent one. Panics when the page is not whole 32-byte groups.
    pub fn add_page(&mut self, region: RegionId, page: u64, bytes: &[u8]) {
        if is_zero(bytes) {
            return;
        }
        self.state = step(step(self.state, u64::from(region)), page);
        self.state = step(self.state, hash_page(bytes));
    }

    /// The hash of the pages so far.
    pub fn finish(&self) -> u64 {
        step(step(self.state, self.state >> 32), 1)
    }
}

impl Default for Digest {
    fn default() -> Self {
        Digest::new()
    }
}

/// The hash of one page's bytes: four lanes, so that the multiplications overlap.
pub fn hash_page(bytes: &[u8]) -> u64 {
    let (groups, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty(), "a page is whole groups of 32 bytes");
    let mut lanes = [1u64, 2, 3, 4];
    for group in groups {
        for (lane, word) in lanes.iter_mut().zip(group.as_chunks::<8>().0) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    lanes.into_iter().fold(bytes.len() as u64, step)
}

/// Whether every byte is zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}
