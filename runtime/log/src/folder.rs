//! The folder as recovery finds it: which files there are, by their names and headers, which segments must be read, and
//! whether any is missing. Always true: nothing here changes the disk.

use std::sync::Arc;

use crate::buffer::AlignedBuffer;
use crate::disk::{Disk, DiskFile, WriteStyle, read_full};
use crate::error::OpenError;
use crate::header::{ActiveSegment, SegmentHeader};
use crate::index::Index;
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENT_HEADER_BYTES};
use crate::reader::LiveSegment;
use crate::segment_image::{SegmentImage, SegmentUnreadable, read_segment_bytes};
use crate::spares::segment_name_number;
use crate::state_file::STATE_NAME;

/// A segment file by its header alone.
pub(crate) struct Found {
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub header: SegmentHeader,
    /// The copy of the header that is damaged or older.
    pub stale_copy: Option<usize>,
    pub length_bytes: u64,
}

impl Found {
    pub(crate) fn segment(&self) -> u64 {
        self.header.active.map_or(0, |active| active.segment)
    }

    pub(crate) fn live(&self) -> LiveSegment {
        LiveSegment {
            name: self.name.clone(),
            file: self.file.clone(),
            salt: self.header.salt(),
            generation: self.header.generation,
            segment_bytes: self.header.segment_bytes,
        }
    }
}

/// What is in the folder, by names and headers alone.
#[derive(Default)]
pub(crate) struct Folder {
    /// In order of segment number.
    pub active: Vec<(Found, ActiveSegment)>,
    pub free: Vec<Found>,
    /// Both copies of the header are damaged.
    pub unreadable: Vec<String>,
    /// Files that were being made.
    pub leftovers: Vec<String>,
    pub has_state: bool,
    /// Higher than the number in any segment file's name.
    pub next_file: u64,
}

pub(crate) fn list_folder(disk: &dyn Disk, style: WriteStyle) -> Result<Folder, OpenError> {
    let mut names = disk
        .names()
        .map_err(OpenError::disk("listing", "the folder"))?;
    names.sort();
    let mut folder = Folder {
        next_file: 1,
        ..Folder::default()
    };
    for name in names {
        if name == STATE_NAME {
            folder.has_state = true;
        } else if let Some(unfinished) = name.strip_suffix(".new") {
            if unfinished == STATE_NAME || segment_name_number(unfinished).is_some() {
                folder.leftovers.push(name);
            }
        } else if let Some(number) = segment_name_number(&name) {
            folder.next_file = folder.next_file.max(number + 1);
            match read_header(disk, &name, style)? {
                None => folder.unreadable.push(name),
                Some(found) => match found.header.active {
                    Some(active) => folder.active.push((found, active)),
                    None => folder.free.push(found),
                },
            }
        }
    }
    folder.active.sort_by_key(|(_, active)| active.segment);
    Ok(folder)
}

fn read_header(disk: &dyn Disk, name: &str, style: WriteStyle) -> Result<Option<Found>, OpenError> {
    let file = disk
        .open(name, style)
        .map_err(OpenError::disk("opening", name))?;
    let past_cache = disk
        .open(name, WriteStyle::Bulk)
        .map_err(OpenError::disk("opening", name))?;
    let mut buffer = AlignedBuffer::zeroed(SEGMENT_HEADER_BYTES);
    let length = read_full(past_cache.as_ref(), 0, buffer.bytes_mut())
        .map_err(OpenError::disk("reading", name))?;
    let decoded = SegmentHeader::decode_copies(&buffer.bytes()[..length]);
    let length_bytes = file
        .length_bytes()
        .map_err(OpenError::disk("reading", name))?;
    Ok(decoded.map(|(header, stale_copy)| Found {
        name: name.to_string(),
        file,
        header,
        stale_copy,
        length_bytes,
    }))
}

pub(crate) fn check_identity(folder: &Folder, expected: u64) -> Result<(), OpenError> {
    let all = folder
        .active
        .iter()
        .map(|(found, _)| found)
        .chain(&folder.free);
    for found in all {
        if found.header.identity != expected {
            let found_identity = found.header.identity;
            return Err(OpenError::Foreign {
                file: found.name.clone(),
                expected,
                found: found_identity,
            });
        }
    }
    Ok(())
}

/// Takes the segments that recovery must read: the highest ones without a gap, from the first that may hold a live entry.
/// What remains in `active` was purged.
pub(crate) fn needed_segments(
    folder: &mut Folder,
) -> Result<Vec<(Found, ActiveSegment)>, OpenError> {
    let active = &folder.active;
    for pair in active.windows(2) {
        if pair[0].1.segment == pair[1].1.segment {
            return Err(OpenError::Damaged {
                file: pair[1].0.name.clone(),
                segment: pair[1].1.segment,
                position: 0,
                first_lost_index: pair[1].1.last.map_or(0, |last| last.index + 1),
                what: format!("{} claims the same place", pair[0].0.name),
            });
        }
    }
    let Some((_, newest)) = active.last() else {
        return Ok(Vec::new());
    };
    let purged = newest.purged;
    let mut first = active.len() - 1;
    while first > 0 && active[first - 1].1.segment + 1 == active[first].1.segment {
        // All that lived before this segment is purged: the ones before are not needed.
        if active[first]
            .1
            .last
            .is_none_or(|last| purged.is_some_and(|purged| last.index <= purged.index))
        {
            break;
        }
        first -= 1;
    }
    Ok(folder.active.split_off(first))
}

/// Reads past the page cache where the disk can: after a failed sync the cache may show what the disk never got.
pub(crate) fn read_image<'a>(
    disk: &dyn Disk,
    found: &Found,
    buffer: &'a mut AlignedBuffer,
) -> Result<Result<SegmentImage<'a>, SegmentUnreadable>, OpenError> {
    let at_disk = |cause| OpenError::Disk {
        operation: "reading",
        file: found.name.clone(),
        cause,
    };
    let file = disk.open(&found.name, WriteStyle::Bulk).map_err(at_disk)?;
    let length = found.length_bytes;
    if length != found.header.segment_bytes || length > SEGMENT_BYTES_MAX {
        return Ok(Err(SegmentUnreadable::WrongLength {
            expected: found.header.segment_bytes,
            found: length,
        }));
    }
    buffer.reset(length as usize);
    let read = read_full(file.as_ref(), 0, buffer.bytes_mut()).map_err(at_disk)?;
    Ok(read_segment_bytes(&buffer.bytes()[..read]))
}

/// Are all segments there that hold live entries, and the last that was begun?
pub(crate) fn check_complete(
    needed: &[(Found, ActiveSegment)],
    folder: &Folder,
    segments_begun: u64,
    index: &Index,
) -> Result<(), OpenError> {
    let first = needed.first().map_or(0, |(found, _)| found.segment());
    let last = needed.last().map_or(0, |(found, _)| found.segment());
    let (segment, first_lost_index) = if last < segments_begun {
        (last + 1, index.next_index().unwrap_or(0))
    } else if index.unseen().is_some() {
        (
            first.saturating_sub(1),
            index.purged().map_or(0, |purged| purged.index + 1),
        )
    } else {
        return Ok(());
    };
    match folder.unreadable.first() {
        Some(file) => Err(OpenError::Damaged {
            file: file.clone(),
            segment,
            position: 0,
            first_lost_index,
            what: "both copies of the header are damaged".into(),
        }),
        None => Err(OpenError::Missing {
            segment,
            first_lost_index,
        }),
    }
}
