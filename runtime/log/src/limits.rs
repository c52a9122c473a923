//! Every size and count of the log, a sentence each, with the relations between them checked at compile time.
//! Sizes are in bytes. Changing one that is stored on disk (a block, a header) is a new format version.

/// All writes are whole blocks at block borders: what `O_DIRECT` asks for on every disk we know.
pub const BLOCK_BYTES: usize = 4096;

/// What a disk writes without tearing; the simulated disk tears at this size.
pub const SECTOR_BYTES: usize = 512;

/// A segment begins with its header, written twice, one block each.
pub const SEGMENT_HEADER_BYTES: usize = 2 * BLOCK_BYTES;

/// The size of a segment unless the options say otherwise.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;

/// The smallest segment: header, reserve and a few units. Tests use it so that every schedule rolls.
pub const SEGMENT_BYTES_MIN: u64 = 32 << 10;

/// The largest segment: recovery holds one in memory.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Room that entries leave free in the last segment while no spare segment is ready, so that a purge, which is what
/// frees space, and a truncation can still be written on a full disk.
pub const CONTROL_RESERVE_BYTES: u64 = 4 * BLOCK_BYTES as u64;

/// The head of a write unit: numbers, salt, chain, checksums.
pub const UNIT_HEAD_BYTES: usize = 88;

/// The head of an entry inside a unit: term, kind, payload length.
pub const ENTRY_HEAD_BYTES: usize = 13;

/// Adjacent units are one place in the in-memory index until they reach this size.
pub const RUN_BYTES_MAX: u64 = 64 << 10;

/// Spare segments that are kept ready ahead of need.
pub const SPARES_DEFAULT: usize = 2;

/// Purged segments beyond this many spares are deleted instead of kept for reuse.
pub const SPARES_MAX: usize = 4;

/// New segments are filled with zeros in pieces of this size.
pub const FILL_BYTES: usize = 1 << 20;

const _: () = {
    assert!(BLOCK_BYTES.is_multiple_of(SECTOR_BYTES));
    assert!(SEGMENT_BYTES_MIN.is_multiple_of(BLOCK_BYTES as u64));
    assert!(SEGMENT_BYTES_DEFAULT.is_multiple_of(BLOCK_BYTES as u64));
    assert!(
        SEGMENT_BYTES_MIN
            >= SEGMENT_HEADER_BYTES as u64 + CONTROL_RESERVE_BYTES + 2 * BLOCK_BYTES as u64
    );
    assert!(SEGMENT_BYTES_MAX <= u32::MAX as u64);
    assert!(UNIT_HEAD_BYTES + ENTRY_HEAD_BYTES < BLOCK_BYTES);
    assert!(FILL_BYTES.is_multiple_of(BLOCK_BYTES));
    assert!(SPARES_DEFAULT <= SPARES_MAX);
};

/// `bytes` rounded up to whole blocks.
pub const fn whole_blocks(bytes: usize) -> usize {
    bytes.next_multiple_of(BLOCK_BYTES)
}
