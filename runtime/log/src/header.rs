//! The head of a segment file, written twice, one block each, the second only when the first is durable. So a crash can
//! tear one copy at most: both damaged is rot, and never happens to a file that has its final name. A free segment is a
//! valid one that holds nothing; `generation` counts the uses of the file and makes the salt of each differ.

use crate::bytes::{get_u32, get_u64, put_u32, put_u64};
use crate::entry::EntryId;
use crate::limits::BLOCK_BYTES;

const MAGIC: u64 = u64::from_le_bytes(*b"RCsegmnt");
const VERSION: u32 = 1;
const CHECKED_BYTES: usize = 124;

/// A file is prepared as generation 1, zeros all through, and first used as generation 2.
pub(crate) const FIRST_USE_GENERATION: u64 = 2;

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The log that this file belongs to.
    pub identity: u64,
    /// Rises with each rewrite of this file's header.
    pub generation: u64,
    /// The file's length.
    pub segment_bytes: u64,
    /// `None`: the file is free, to be used next.
    pub active: Option<ActiveSegment>,
}

/// The state of the log at the moment when the segment began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActiveSegment {
    /// Segments are numbered in order of use, from 1.
    pub segment: u64,
    /// The number of the first unit in it.
    pub first_unit: u64,
    /// The checksum of the unit before that.
    pub previous_checksum: u32,
    /// The last live entry before it, or the last purged one.
    pub last: Option<EntryId>,
    /// The last purged entry.
    pub purged: Option<EntryId>,
}

impl SegmentHeader {
    /// The salt of the units of this use of this file.
    pub fn salt(&self) -> u64 {
        let segment = self.active.map_or(0, |active| active.segment);
        mixed(mixed(mixed(self.identity) ^ segment) ^ self.generation)
    }

    /// One copy, a block.
    pub fn encode(&self, into: &mut [u8]) {
        into.fill(0);
        put_u64(into, 0, MAGIC);
        put_u32(into, 8, VERSION);
        put_u64(into, 16, self.identity);
        put_u64(into, 24, self.generation);
        put_u64(into, 32, self.segment_bytes);
        if let Some(active) = &self.active {
            put_u32(into, 12, 1);
            put_u64(into, 40, active.segment);
            put_u64(into, 48, active.first_unit);
            put_u32(into, 56, active.previous_checksum);
            put_id(into, 64, active.last);
            put_id(into, 88, active.purged);
        }
        let checksum = crc32c::crc32c(&into[..CHECKED_BYTES]);
        put_u32(into, CHECKED_BYTES, checksum);
    }

    /// A copy, if these bytes are one. Never panics.
    pub fn decode(from: &[u8]) -> Option<SegmentHeader> {
        if get_u64(from, 0)? != MAGIC
            || get_u32(from, CHECKED_BYTES)? != crc32c::crc32c(from.get(..CHECKED_BYTES)?)
            || get_u32(from, 8)? != VERSION
        {
            return None;
        }
        let active = match get_u32(from, 12)? {
            0 => None,
            1 => Some(ActiveSegment {
                segment: get_u64(from, 40)?,
                first_unit: get_u64(from, 48)?,
                previous_checksum: get_u32(from, 56)?,
                last: get_id(from, 64)?,
                purged: get_id(from, 88)?,
            }),
            _ => return None,
        };
        Some(SegmentHeader {
            identity: get_u64(from, 16)?,
            generation: get_u64(from, 24)?,
            segment_bytes: get_u64(from, 32)?,
            active,
        })
    }

    /// The copy that counts of the two at the start of a file, and which of them (0 or 1) is damaged or older.
    pub fn decode_copies(from: &[u8]) -> Option<(SegmentHeader, Option<usize>)> {
        let first = SegmentHeader::decode(from);
        let second = from.get(BLOCK_BYTES..).and_then(SegmentHeader::decode);
        match (first, second) {
            (Some(first), Some(second)) if first == second => Some((first, None)),
            (Some(first), Some(second)) if second.generation > first.generation => {
                Some((second, Some(0)))
            }
            (Some(first), _) => Some((first, Some(1))),
            (None, Some(second)) => Some((second, Some(0))),
            (None, None) => None,
        }
    }
}

fn put_id(into: &mut [u8], at: usize, id: Option<EntryId>) {
    if let Some(id) = id {
        put_u64(into, at, 1);
        put_u64(into, at + 8, id.term);
        put_u64(into, at + 16, id.index);
    }
}

fn get_id(from: &[u8], at: usize) -> Option<Option<EntryId>> {
    match get_u64(from, at)? {
        0 => Some(None),
        1 => Some(Some(EntryId {
            term: get_u64(from, at + 8)?,
            index: get_u64(from, at + 16)?,
        })),
        _ => None,
    }
}

/// The finaliser of splitmix64: close numbers become far ones.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(generation: u64) -> SegmentHeader {
        let active = ActiveSegment {
            segment: 4,
            first_unit: 77,
            previous_checksum: 5,
            last: Some(EntryId {
                term: 3,
                index: 1000,
            }),
            purged: None,
        };
        SegmentHeader {
            identity: 1,
            generation,
            segment_bytes: 65536,
            active: Some(active),
        }
    }

    #[test]
    fn either_copy_is_enough_and_the_newer_counts() {
        let mut bytes = vec![0; 2 * BLOCK_BYTES];
        header(2).encode(&mut bytes[..BLOCK_BYTES]);
        header(1).encode(&mut bytes[BLOCK_BYTES..]);
        assert_eq!(
            SegmentHeader::decode_copies(&bytes),
            Some((header(2), Some(1)))
        );
        bytes[17] ^= 1;
        assert_eq!(
            SegmentHeader::decode_copies(&bytes),
            Some((header(1), Some(0)))
        );
        header(1).encode(&mut bytes[..BLOCK_BYTES]);
        assert_eq!(
            SegmentHeader::decode_copies(&bytes),
            Some((header(1), None))
        );
        assert_ne!(header(1).salt(), header(2).salt());
    }
}
