//! Reproducible payments: permuted keys, uniform or Zipf-skewed, small amounts.

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(bound)) >> 64) as u64
    }
}

/// An id's place among the accounts is no hint of its place in memory.
pub fn permuted(index: u64) -> u64 {
    index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
}

/// One payment.
#[derive(Clone, Copy)]
pub struct Payment {
    pub from: u64,
    pub to: u64,
    pub amount: u64,
}

/// `count` payments between `accounts` accounts, uniform.
pub fn uniform(accounts: u64, count: usize, seed: u64) -> Vec<Payment> {
    let mut random = Random(seed);
    (0..count)
        .map(|_| {
            let from = random.below(accounts);
            let to = (from + 1 + random.below(accounts - 1)) % accounts;
            Payment {
                from: permuted(from),
                to: permuted(to),
                amount: 1 + random.below(3),
            }
        })
        .collect()
}

impl Payment {
    /// Packed arguments, which for three u64 are also the memory layout.
    pub fn pack(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.from.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.to.to_le_bytes());
        bytes[16..].copy_from_slice(&self.amount.to_le_bytes());
        bytes
    }
}
