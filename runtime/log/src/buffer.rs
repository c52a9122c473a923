//! A byte buffer that starts at a block border in memory, as `O_DIRECT` asks. It is reused from write to write, so that
//! appending allocates nothing once the largest unit has been seen.

use crate::limits::{BLOCK_BYTES, whole_blocks};

/// Bytes at a block border. The length is always whole blocks.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    storage: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// A zero-filled buffer of at least `bytes`, rounded up to whole blocks.
    pub fn zeroed(bytes: usize) -> AlignedBuffer {
        let mut buffer = AlignedBuffer::default();
        buffer.reset(bytes);
        buffer
    }

    /// Makes the length `bytes`, rounded up to whole blocks. What the bytes are afterwards is unspecified.
    pub fn reset(&mut self, bytes: usize) {
        let length = whole_blocks(bytes);
        if self.storage.len() < length + BLOCK_BYTES {
            // A fresh zeroed vector rather than a grown one: nothing needs to be copied.
            self.storage = vec![0; length + BLOCK_BYTES];
            self.start = self.storage.as_ptr().align_offset(BLOCK_BYTES);
            assert!(
                self.start < BLOCK_BYTES,
                "a byte pointer can always be aligned"
            );
        }
        self.length = length;
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.length]
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_a_block_border_and_grows() {
        let mut buffer = AlignedBuffer::zeroed(1);
        assert_eq!(buffer.bytes().len(), BLOCK_BYTES);
        for bytes in [5000, 100_000, 10] {
            buffer.reset(bytes);
            assert_eq!(buffer.bytes().as_ptr() as usize % BLOCK_BYTES, 0);
            assert_eq!(buffer.bytes().len(), whole_blocks(bytes));
            buffer.bytes_mut().fill(7);
        }
    }
}
