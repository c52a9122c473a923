//! A write unit: what one append makes durable. A head with number, salt, chain and checksums, then a body (entries, or a
//! truncation, or a purge), padded with zeros to whole blocks. Always true: a unit that decodes was written whole, into
//! this use of this segment, after the unit whose checksum it names.
//!
//! ```text
//!  0 magic u32   4 version u8   5 kind u8   6 flags u8   7 zero   8 salt u64      16 number u64   24 synced_through u64
//! 32 committed term u64        40 committed index u64            48 first u64     56 term u64
//! 64 count u32  68 body bytes u32  72 previous checksum u32      76 body crc u32  80 head crc u32  84 zero u32
//! 88 body: per entry  term u64, kind u8, payload bytes u32, payload
//! ```

use crate::bytes::{get_u32, get_u64, put_u32, put_u64};
use crate::entry::{EntryId, EntryKind, EntryRef};
use crate::limits::{ENTRY_HEAD_BYTES, UNIT_HEAD_BYTES, whole_blocks};

pub(crate) const UNIT_MAGIC: u32 = u32::from_le_bytes(*b"RCwu");
const VERSION: u8 = 1;
const KIND_ENTRIES: u8 = 1;
const KIND_TRUNCATE: u8 = 2;
const KIND_PURGE: u8 = 3;
const FLAG_COMMITTED: u8 = 1;

/// What a unit's head says besides its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitHead {
    /// Units are numbered across segments, from 1.
    pub number: u64,
    /// The salt of this use of the segment.
    pub salt: u64,
    /// The checksum of the unit before.
    pub previous_checksum: u32,
    /// The last unit that was known durable when this one was written; a damaged unit up to here is no torn tail.
    pub synced_through: u64,
    /// The last entry known committed when this unit was written; a hint that may lag.
    pub committed: Option<EntryId>,
}

/// What a unit does to the log, to be encoded.
#[derive(Debug, Clone, Copy)]
pub enum UnitBody<'a> {
    /// Entries with consecutive indexes; at least one.
    Entries(&'a [EntryRef<'a>]),
    /// Entries from this index on are gone.
    Truncate { from: u64 },
    /// Entries up to and with this one are gone.
    Purge { through: EntryId },
}

/// A unit as found in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitView<'a> {
    pub head: UnitHead,
    /// The head's checksum, which covers the body's: what the next unit names.
    pub checksum: u32,
    /// Head, body and padding.
    pub unit_bytes: usize,
    pub content: UnitContent<'a>,
}

/// What a found unit does to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitContent<'a> {
    Entries(Entries<'a>),
    Truncate { from: u64 },
    Purge { through: EntryId },
}

/// The entries of a unit; iterating cannot fail, since the framing was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entries<'a> {
    first_index: u64,
    count: u32,
    body: &'a [u8],
}

impl<'a> Entries<'a> {
    /// The index of the first entry.
    pub fn first_index(&self) -> u64 {
        self.first_index
    }

    /// How many there are; at least one.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The entries in order of index.
    pub fn iter(&self) -> impl Iterator<Item = EntryRef<'a>> + use<'a> {
        let mut rest = self.body;
        let first_index = self.first_index;
        (0..u64::from(self.count)).map_while(move |position| {
            let (entry, tail) = split_entry(rest, first_index + position)?;
            rest = tail;
            Some(entry)
        })
    }
}

/// Why bytes are not a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUnit {
    /// Nothing written whole in this use of the segment: zeros, stale bytes, a torn or rotten unit.
    Bad,
    /// The checksums hold but the meaning is unknown: written by a newer version.
    Unknown,
}

/// The bytes that a unit with this body takes on disk: whole blocks. `None` if it exceeds 32 bits.
pub fn unit_bytes(body: &UnitBody<'_>) -> Option<usize> {
    let mut bytes = UNIT_HEAD_BYTES;
    if let UnitBody::Entries(entries) = body {
        for entry in *entries {
            bytes = bytes
                .checked_add(ENTRY_HEAD_BYTES)?
                .checked_add(entry.payload.len())?;
        }
    }
    u32::try_from(bytes.checked_add(crate::limits::BLOCK_BYTES)?).ok()?;
    Some(whole_blocks(bytes))
}

/// Writes the unit over all of `into`, which has `unit_bytes` bytes; answers its checksum.
pub fn encode_unit(into: &mut [u8], head: &UnitHead, body: &UnitBody<'_>) -> u32 {
    let mut at = UNIT_HEAD_BYTES;
    let (kind, first, term, count) = match *body {
        UnitBody::Entries(entries) => {
            for entry in entries {
                put_u64(into, at, entry.term);
                into[at + 8] = entry.kind.0;
                put_u32(into, at + 9, entry.payload.len() as u32);
                at += ENTRY_HEAD_BYTES;
                into[at..at + entry.payload.len()].copy_from_slice(entry.payload);
                at += entry.payload.len();
            }
            (KIND_ENTRIES, entries[0].index, 0, entries.len() as u32)
        }
        UnitBody::Truncate { from } => (KIND_TRUNCATE, from, 0, 0),
        UnitBody::Purge { through } => (KIND_PURGE, through.index, through.term, 0),
    };
    into[at..].fill(0);
    let body_crc = crc32c::crc32c(&into[UNIT_HEAD_BYTES..at]);
    let committed = head.committed.unwrap_or(EntryId { term: 0, index: 0 });
    put_u32(into, 0, UNIT_MAGIC);
    into[4] = VERSION;
    into[5] = kind;
    into[6] = if head.committed.is_some() {
        FLAG_COMMITTED
    } else {
        0
    };
    into[7] = 0;
    put_u64(into, 8, head.salt);
    put_u64(into, 16, head.number);
    put_u64(into, 24, head.synced_through);
    put_u64(into, 32, committed.term);
    put_u64(into, 40, committed.index);
    put_u64(into, 48, first);
    put_u64(into, 56, term);
    put_u32(into, 64, count);
    put_u32(into, 68, (at - UNIT_HEAD_BYTES) as u32);
    put_u32(into, 72, head.previous_checksum);
    put_u32(into, 76, body_crc);
    let checksum = crc32c::crc32c(&into[..80]);
    put_u32(into, 80, checksum);
    put_u32(into, 84, 0);
    checksum
}

/// Finds a unit with this salt at the start of `from`. Never panics.
pub fn decode_unit(from: &[u8], salt: u64) -> Result<UnitView<'_>, NotUnit> {
    let view = checked_unit(from, salt).ok_or(NotUnit::Bad)?;
    interpreted(view).ok_or(NotUnit::Unknown)
}

/// The bytes that a unit with this salt seems to take, whole or not, if one was begun at the start of `from`.
pub(crate) fn unit_trace(from: &[u8], salt: u64) -> Option<usize> {
    if get_u32(from, 0)? != UNIT_MAGIC || get_u64(from, 8)? != salt {
        return None;
    }
    let head_whole = crc32c::crc32c(from.get(..80)?) == get_u32(from, 80)?;
    let body_bytes = if head_whole {
        get_u32(from, 68)? as usize
    } else {
        0
    };
    Some(whole_blocks(UNIT_HEAD_BYTES.checked_add(body_bytes)?))
}

struct CheckedUnit<'a> {
    head: UnitHead,
    checksum: u32,
    unit_bytes: usize,
    version_kind_flags: (u8, u8, u8),
    first: u64,
    term: u64,
    count: u32,
    body: &'a [u8],
}

/// The part that any version of the format shares: place, salt, checksums.
fn checked_unit(from: &[u8], salt: u64) -> Option<CheckedUnit<'_>> {
    if get_u32(from, 0)? != UNIT_MAGIC || get_u64(from, 8)? != salt {
        return None;
    }
    let checksum = get_u32(from, 80)?;
    if crc32c::crc32c(from.get(..80)?) != checksum || get_u32(from, 84)? != 0 {
        return None;
    }
    let body_bytes = get_u32(from, 68)? as usize;
    let unit_bytes = whole_blocks(UNIT_HEAD_BYTES.checked_add(body_bytes)?);
    let body = from
        .get(..unit_bytes)?
        .get(UNIT_HEAD_BYTES..UNIT_HEAD_BYTES + body_bytes)?;
    if crc32c::crc32c(body) != get_u32(from, 76)? {
        return None;
    }
    let committed = (from[6] & FLAG_COMMITTED != 0).then_some(EntryId {
        term: get_u64(from, 32)?,
        index: get_u64(from, 40)?,
    });
    Some(CheckedUnit {
        head: UnitHead {
            number: get_u64(from, 16)?,
            salt,
            previous_checksum: get_u32(from, 72)?,
            synced_through: get_u64(from, 24)?,
            committed,
        },
        checksum,
        unit_bytes,
        version_kind_flags: (from[4], from[5], from[6]),
        first: get_u64(from, 48)?,
        term: get_u64(from, 56)?,
        count: get_u32(from, 64)?,
        body,
    })
}

fn interpreted(unit: CheckedUnit<'_>) -> Option<UnitView<'_>> {
    let (version, kind, flags) = unit.version_kind_flags;
    if version != VERSION || flags & !FLAG_COMMITTED != 0 {
        return None;
    }
    let content = match kind {
        KIND_ENTRIES => {
            // Indexes stay below the last number, so that "the index after" always exists.
            unit.first
                .checked_add(u64::from(unit.count))
                .filter(|_| unit.count > 0)?;
            let mut rest = unit.body;
            for position in 0..u64::from(unit.count) {
                rest = split_entry(rest, unit.first + position)?.1;
            }
            rest.is_empty().then_some(())?;
            UnitContent::Entries(Entries {
                first_index: unit.first,
                count: unit.count,
                body: unit.body,
            })
        }
        KIND_TRUNCATE if unit.body.is_empty() => UnitContent::Truncate { from: unit.first },
        KIND_PURGE if unit.body.is_empty() && unit.first < u64::MAX => UnitContent::Purge {
            through: EntryId {
                term: unit.term,
                index: unit.first,
            },
        },
        _ => return None,
    };
    Some(UnitView {
        head: unit.head,
        checksum: unit.checksum,
        unit_bytes: unit.unit_bytes,
        content,
    })
}

fn split_entry(from: &[u8], index: u64) -> Option<(EntryRef<'_>, &[u8])> {
    let term = get_u64(from, 0)?;
    let kind = EntryKind(*from.get(8)?);
    let payload_bytes = get_u32(from, 9)? as usize;
    let (payload, rest) = from
        .get(ENTRY_HEAD_BYTES..)?
        .split_at_checked(payload_bytes)?;
    Some((
        EntryRef {
            term,
            index,
            kind,
            payload,
        },
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> UnitHead {
        UnitHead {
            number: 7,
            salt: 99,
            previous_checksum: 3,
            synced_through: 6,
            committed: Some(EntryId { term: 1, index: 4 }),
        }
    }

    #[test]
    fn a_unit_reads_back_as_written() {
        let entries = [
            EntryRef {
                term: 1,
                index: 5,
                kind: EntryKind::COMMANDS,
                payload: b"hello",
            },
            EntryRef {
                term: 2,
                index: 6,
                kind: EntryKind::BLANK,
                payload: b"",
            },
        ];
        let body = UnitBody::Entries(&entries);
        let mut bytes = vec![0xAA; unit_bytes(&body).unwrap()];
        let checksum = encode_unit(&mut bytes, &head(), &body);
        let unit = decode_unit(&bytes, 99).unwrap();
        assert_eq!(
            (unit.head, unit.checksum, unit.unit_bytes),
            (head(), checksum, 4096)
        );
        let UnitContent::Entries(found) = unit.content else {
            panic!("{unit:?}")
        };
        assert_eq!(found.iter().collect::<Vec<_>>(), entries);
        assert_eq!(
            decode_unit(&bytes, 98),
            Err(NotUnit::Bad),
            "another use of the segment"
        );
    }

    #[test]
    fn every_flipped_bit_of_head_and_body_is_noticed() {
        let entries = [EntryRef {
            term: 1,
            index: 5,
            kind: EntryKind::COMMANDS,
            payload: b"hello",
        }];
        let body = UnitBody::Entries(&entries);
        let mut bytes = vec![0; unit_bytes(&body).unwrap()];
        encode_unit(&mut bytes, &head(), &body);
        for bit in 0..(UNIT_HEAD_BYTES + ENTRY_HEAD_BYTES + 5) * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_unit(&bytes, 99), Err(NotUnit::Bad), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_unit_of_a_newer_version_is_known_to_be_one() {
        let body = UnitBody::Truncate { from: 3 };
        let mut bytes = vec![0; unit_bytes(&body).unwrap()];
        encode_unit(&mut bytes, &head(), &body);
        bytes[4] = 2;
        let checksum = crc32c::crc32c(&bytes[..80]);
        put_u32(&mut bytes, 80, checksum);
        assert_eq!(decode_unit(&bytes, 99), Err(NotUnit::Unknown));
    }
}
