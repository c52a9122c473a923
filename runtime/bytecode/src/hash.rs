//! The hash and the digest fold of edition 1. Both engines, the containers and every node must agree on
//! each bit, so neither ever changes within an edition; known-answer tests hold them.
//!
//! The shape is the folded multiply of wyhash and ahash: multiply to 128 bits, xor the halves. It is for
//! spreading keys, not for safety against a chooser of keys: no bound relies on it (decision 12).

use sha2::{Digest, Sha256};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const INCREMENT: u64 = 0xD6E8_FEB8_6659_FD93;

/// Multiplies to 128 bits and xors the halves.
pub const fn fold_multiply(left: u64, right: u64) -> u64 {
    let product = (left as u128).wrapping_mul(right as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// `Hash`: eight bytes at a time, the last ones padded with zeros, then the length.
pub fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut state = seed ^ INCREMENT;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = fold_multiply(state ^ u64::from_le_bytes(word), MULTIPLIER);
    }
    fold_multiply(state ^ bytes.len() as u64, INCREMENT)
}

/// `Sha256`: the content hash of the language, the same as everywhere else.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Folds one store of up to eight bytes (zero-extended) at a canvas address into the running digest.
/// A 16-byte store folds its low word at `address`, then its high word at `address + 8`; a bulk store
/// folds `hash_bytes(new bytes, 0)` at its first address.
pub const fn fold_store(digest: u64, address: u64, value: u64) -> u64 {
    (digest.rotate_left(5) ^ address.wrapping_mul(INCREMENT).wrapping_add(value))
        .wrapping_mul(MULTIPLIER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edition_one_never_changes() {
        assert_eq!(hash_bytes(b"", 0), fold_multiply(INCREMENT, INCREMENT));
        assert_ne!(hash_bytes(&[0; 8], 0), hash_bytes(&[0; 9], 0));
        assert_ne!(hash_bytes(&[1], 0), hash_bytes(&[1, 0], 0));
        assert_ne!(fold_store(1, 8, 2), fold_store(1, 16, 2));
    }
}
