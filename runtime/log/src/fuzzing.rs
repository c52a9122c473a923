//! The body of a fuzz target over segment bytes, and what it needs to get past the checksums. Always true: neither function
//! panics, whatever the bytes; the target and the stable test over its corpus call the same code.

use crate::bytes::{get_u32, put_u32, put_u64};
use crate::header::SegmentHeader;
use crate::limits::{BLOCK_BYTES, SEGMENT_HEADER_BYTES, UNIT_HEAD_BYTES};
use crate::segment_image::read_segment_bytes;
use crate::unit::{UNIT_MAGIC, UnitContent};

/// Reads bytes as a segment, as they are and again with all checksums made right, and visits every entry. Answers how many
/// entries the two readings found.
pub fn visit_segment_bytes(bytes: &[u8]) -> (u64, u64) {
    let mut sealed = bytes.to_vec();
    seal_segment_bytes(&mut sealed);
    (visit(bytes), visit(&sealed))
}

fn visit(bytes: &[u8]) -> u64 {
    let Ok(image) = read_segment_bytes(bytes) else {
        return 0;
    };
    let mut count = 0;
    for (position, unit) in &image.units {
        assert!(
            position + unit.unit_bytes as u64 <= image.end.position,
            "units stay before the end"
        );
        if let UnitContent::Entries(entries) = unit.content {
            let mut next = entries.first_index();
            for entry in entries.iter() {
                assert_eq!(entry.index, next, "indexes are consecutive inside a unit");
                next += 1;
                count += 1;
            }
            assert_eq!(
                next - entries.first_index(),
                u64::from(entries.count()),
                "all entries are visited"
            );
        }
    }
    count
}

/// Gives the bytes a header for their length, and the units that stand at its end, one after another, salt, number, chain and checksums that fit, so that
/// changed bytes are read as if they had been written.
pub fn seal_segment_bytes(bytes: &mut [u8]) {
    if bytes.len() < SEGMENT_HEADER_BYTES {
        return;
    }
    let first = SegmentHeader::decode_copies(bytes).map(|(header, _)| header);
    let active = first.and_then(|header| header.active).unwrap_or_default();
    let header = SegmentHeader {
        identity: first.map_or(0, |header| header.identity),
        generation: 2,
        segment_bytes: bytes.len() as u64,
        active: Some(active),
    };
    header.encode(&mut bytes[..BLOCK_BYTES]);
    header.encode(&mut bytes[BLOCK_BYTES..SEGMENT_HEADER_BYTES]);
    let mut at = SEGMENT_HEADER_BYTES;
    let mut number = active.first_unit;
    let mut previous_checksum = active.previous_checksum;
    while let Some(unit) = bytes.get_mut(at..)
        && unit.len() >= UNIT_HEAD_BYTES
        && get_u32(unit, 0) == Some(UNIT_MAGIC)
    {
        let body_bytes =
            (get_u32(unit, 68).unwrap_or(0) as usize).min(unit.len() - UNIT_HEAD_BYTES);
        put_u64(unit, 8, header.salt());
        put_u64(unit, 16, number);
        put_u32(unit, 68, body_bytes as u32);
        put_u32(unit, 72, previous_checksum);
        let body_crc = crc32c::crc32c(&unit[UNIT_HEAD_BYTES..UNIT_HEAD_BYTES + body_bytes]);
        put_u32(unit, 76, body_crc);
        previous_checksum = crc32c::crc32c(&unit[..80]);
        put_u32(unit, 80, previous_checksum);
        put_u32(unit, 84, 0);
        number = number.wrapping_add(1);
        at += (UNIT_HEAD_BYTES + body_bytes).next_multiple_of(BLOCK_BYTES);
    }
}
