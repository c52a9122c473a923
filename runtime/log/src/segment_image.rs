//! A whole segment as bytes: the one reader that recovery, audits and the fuzz target share. It never panics and never
//! allocates more than a small multiple of what it is given. It reports facts; `recovery` judges them.

use thiserror::Error;

use crate::header::{FIRST_USE_GENERATION, SegmentHeader};
use crate::limits::{BLOCK_BYTES, SEGMENT_HEADER_BYTES};
use crate::unit::{NotUnit, UnitView, decode_unit, unit_trace};

/// What a segment's bytes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentImage<'a> {
    pub header: SegmentHeader,
    /// The copy of the header (0 or 1) that is damaged or older than the other, if any.
    pub stale_copy: Option<usize>,
    /// The units in order, with their byte positions; each follows on the one before by number and checksum.
    pub units: Vec<(u64, UnitView<'a>)>,
    pub end: SegmentEnd,
}

/// Where the valid units of a segment stop, and what comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentEnd {
    /// The byte position after the last valid unit.
    pub position: u64,
    /// The number that the next unit would have.
    pub next_unit: u64,
    /// The checksum that the next unit would name.
    pub previous_checksum: u32,
    /// The byte position after the last trace of a write that is not among the units: a torn or cut one. Stale bytes of
    /// an earlier use of the file are no trace.
    pub written_through: Option<u64>,
    /// A later unit that proves that the unit at `position` was durable once: so this is damage, not a torn tail.
    pub proof_of_damage: Option<LaterUnit>,
}

/// A valid unit beyond a bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaterUnit {
    pub position: u64,
    pub number: u64,
}

/// Why bytes cannot be read as a segment at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SegmentUnreadable {
    #[error("both copies of the header are damaged")]
    HeadersDamaged,
    #[error("the header says {expected} bytes, the segment has {found}")]
    WrongLength { expected: u64, found: u64 },
    #[error("the unit at byte {position} is whole but was written by a newer version")]
    NewerUnit { position: u64 },
}

/// Reads a segment file's bytes. Never panics, whatever they are.
pub fn read_segment_bytes(bytes: &[u8]) -> Result<SegmentImage<'_>, SegmentUnreadable> {
    let (header, stale_copy) =
        SegmentHeader::decode_copies(bytes).ok_or(SegmentUnreadable::HeadersDamaged)?;
    if header.segment_bytes != bytes.len() as u64 || bytes.len() < SEGMENT_HEADER_BYTES {
        return Err(SegmentUnreadable::WrongLength {
            expected: header.segment_bytes,
            found: bytes.len() as u64,
        });
    }
    let mut units = Vec::new();
    let mut position = SEGMENT_HEADER_BYTES;
    let (mut next_unit, mut previous_checksum) = match header.active {
        Some(active) => (active.first_unit, active.previous_checksum),
        None => (0, 0),
    };
    if header.active.is_some() {
        while position < bytes.len() && next_unit < u64::MAX {
            let unit = match decode_unit(&bytes[position..], header.salt()) {
                Ok(unit) => unit,
                Err(NotUnit::Unknown) => {
                    return Err(SegmentUnreadable::NewerUnit {
                        position: position as u64,
                    });
                }
                Err(NotUnit::Bad) => break,
            };
            if unit.head.number != next_unit || unit.head.previous_checksum != previous_checksum {
                break;
            }
            units.push((position as u64, unit));
            position += unit.unit_bytes;
            next_unit += 1;
            previous_checksum = unit.checksum;
        }
    }
    // A free segment holds nothing that could be lost.
    let (written_through, proof_of_damage) = if header.active.is_none() {
        (None, None)
    } else {
        beyond(bytes, position, &header, next_unit)
    };
    let end = SegmentEnd {
        position: position as u64,
        next_unit,
        previous_checksum,
        written_through,
        proof_of_damage,
    };
    Ok(SegmentImage {
        header,
        stale_copy,
        units,
        end,
    })
}

/// Looks at every block after the last valid unit: was anything written, and does a unit prove that one was lost?
fn beyond(
    bytes: &[u8],
    from: usize,
    header: &SegmentHeader,
    next_unit: u64,
) -> (Option<u64>, Option<LaterUnit>) {
    // In its first use a file was all zeros, so that any other byte is a trace; later only our salt is.
    let first_use = header.generation <= FIRST_USE_GENERATION;
    let mut written_through = None;
    let mut proof = None;
    for at in (from..bytes.len()).step_by(BLOCK_BYTES) {
        let block = &bytes[at..(at + BLOCK_BYTES).min(bytes.len())];
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        let trace_bytes = unit_trace(&bytes[at..], header.salt());
        if let Some(length) = trace_bytes.or(first_use.then_some(block.len())) {
            written_through = written_through.max(Some((at + length).min(bytes.len()) as u64));
        }
        if proof.is_none()
            && trace_bytes.is_some()
            && let Ok(unit) = decode_unit(&bytes[at..], header.salt())
            && unit.head.synced_through >= next_unit
            && unit.head.number > next_unit
        {
            proof = Some(LaterUnit {
                position: at as u64,
                number: unit.head.number,
            });
        }
    }
    (written_through, proof)
}
