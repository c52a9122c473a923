//! Opening a log: find the segments, read them in order, judge the end, and only then change anything. Always true: until
//! `Scan` is complete nothing on disk was touched; afterwards everything that was read is durable, since a process that
//! was killed may have left it in the page cache only.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::buffer::AlignedBuffer;
use crate::disk::{Disk, Syncing, WriteStyle, write_durably};
use crate::entry::{EntryId, Vote};
use crate::error::OpenError;
use crate::failpoint::Point;
use crate::folder::{
    Folder, Found, check_complete, check_identity, list_folder, needed_segments, read_image,
};
use crate::header::{ActiveSegment, SegmentHeader};
use crate::index::{Index, Run};
use crate::limits::{
    BLOCK_BYTES, FILL_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES,
};
use crate::log::{Durability, Log, Options, Tail};
use crate::reader::{LiveSegment, Shared};
use crate::segment_image::SegmentUnreadable;
use crate::spares::{Preparation, Spare, Spares, write_header};
use crate::state_file::{STATE_NAME, State, StateFile};
use crate::unit::UnitContent;

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The folder was empty: this is a new log.
    pub created: bool,
    /// How writes are made durable here.
    pub syncing: Syncing,
    /// Segments in use, and write units read from them.
    pub segments: u64,
    pub units: u64,
    /// The oldest and the last entry, and the last purged one.
    pub first_index: Option<u64>,
    pub last: Option<EntryId>,
    pub purged: Option<EntryId>,
    pub vote: Option<Vote>,
    /// A last unit that was not written whole was cut: no append of it was ever answered. Worth a warning.
    pub torn_tail: Option<TornTail>,
    /// Files with a damaged header that the log does not need. Worth a warning; they are left alone.
    pub ignored_files: Vec<String>,
}

/// The end of the log that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    pub file: String,
    pub segment: u64,
    /// Where the log now ends in the file, and how many bytes after it were overwritten with zeros.
    pub position: u64,
    pub cut_bytes: u64,
    /// The index of the next entry; `None` if the log is as new.
    pub next_index: Option<u64>,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TornTail {
            file,
            segment,
            position,
            cut_bytes,
            ..
        } = self;
        write!(
            f,
            "{file} (segment {segment}): the last write was not finished; {cut_bytes} bytes from byte {position} were cut"
        )
    }
}

/// What reading all needed segments gave.
struct Scan {
    shared: Shared,
    units: u64,
    committed: Option<EntryId>,
    position: u64,
    next_unit: u64,
    previous_checksum: u32,
    written_through: Option<u64>,
}

pub(crate) fn recover(disk: Arc<dyn Disk>, options: Options) -> Result<(Log, Recovery), OpenError> {
    let bytes = options.segment_bytes;
    if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes)
        || !bytes.is_multiple_of(BLOCK_BYTES as u64)
    {
        return Err(OpenError::SegmentSize {
            bytes,
            bytes_min: SEGMENT_BYTES_MIN,
            bytes_max: SEGMENT_BYTES_MAX,
        });
    }
    options.failpoints.enter(Point::Recovery);
    let style = match options.durability {
        Durability::Disk => WriteStyle::Durable,
        Durability::Memory => WriteStyle::Cached,
    };
    let mut folder = list_folder(disk.as_ref(), style)?;
    let created = !folder.has_state;
    if created {
        create(&disk, &options, style, &folder)?;
        folder = list_folder(disk.as_ref(), style)?;
    }
    let opened = open_existing(disk, options, style, folder, created)?;
    opened.0.options.failpoints.leave(Point::Recovery);
    Ok(opened)
}

/// Makes a new log. The state file comes last: until it is there, what is found is an attempt that was interrupted.
fn create(
    disk: &Arc<dyn Disk>,
    options: &Options,
    style: WriteStyle,
    folder: &Folder,
) -> Result<(), OpenError> {
    let mut buffer = AlignedBuffer::default();
    for (found, _) in &folder.active {
        let holds_units = match read_image(disk.as_ref(), found, &mut buffer)? {
            Ok(image) => !image.units.is_empty() || image.end.proof_of_damage.is_some(),
            Err(_) => true,
        };
        if holds_units || found.segment() != 1 {
            return Err(OpenError::State {
                what: "is missing, though the log is not empty".into(),
            });
        }
    }
    if !folder.unreadable.is_empty() {
        return Err(OpenError::State {
            what: "is missing, though there are segments".into(),
        });
    }
    let begun = folder
        .active
        .iter()
        .map(|(found, _)| found)
        .chain(&folder.free);
    for name in begun.map(|found| &found.name).chain(&folder.leftovers) {
        disk.remove(name)
            .map_err(OpenError::disk("removing", name))?;
    }
    let identity = options
        .identity
        .unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let spare = preparation(disk, options, style, identity)
        .prepare(folder.next_file)
        .map_err(OpenError::disk("making the first segment", "a new segment"))?;
    let active = ActiveSegment {
        segment: 1,
        first_unit: 1,
        previous_checksum: 0,
        last: None,
        purged: None,
    };
    let header = SegmentHeader {
        generation: spare.header.generation + 1,
        active: Some(active),
        ..spare.header
    };
    write_header(spare.file.as_ref(), &header, None, &options.failpoints)
        .map_err(OpenError::disk("a header write", &spare.name))?;
    let state = State {
        generation: 0,
        identity,
        segments_begun: 1,
        vote: None,
    };
    StateFile::create(disk.as_ref(), state, &options.failpoints)
        .map_err(OpenError::disk("a write", STATE_NAME))?;
    Ok(())
}

fn open_existing(
    disk: Arc<dyn Disk>,
    options: Options,
    style: WriteStyle,
    mut folder: Folder,
    created: bool,
) -> Result<(Log, Recovery), OpenError> {
    let state = StateFile::open(disk.as_ref(), &options.failpoints)
        .map_err(OpenError::disk("reading", STATE_NAME))?
        .ok_or_else(|| OpenError::State {
            what: "is damaged in both copies".into(),
        })?;
    let identity = state.state().identity;
    check_identity(&folder, identity)?;
    let needed = needed_segments(&mut folder)?;
    let scan = scan(
        disk.as_ref(),
        &needed,
        &folder,
        state.state().segments_begun,
    )?;
    let Some((tail, _)) = needed.last() else {
        return Err(OpenError::Missing {
            segment: state.state().segments_begun,
            first_lost_index: 0,
        });
    };

    // Everything was read and judged: from here on the folder is changed.
    let at_disk = |operation| OpenError::disk(operation, &tail.name);
    disk.sync_folder().map_err(at_disk("syncing the folder"))?;
    tail.file.sync().map_err(at_disk("a sync"))?;
    let mut state = state;
    state
        .repair()
        .map_err(OpenError::disk("a write", STATE_NAME))?;
    let all = needed
        .iter()
        .chain(&folder.active)
        .map(|(found, _)| found)
        .chain(&folder.free);
    for found in all {
        if found.stale_copy.is_some() || found.header.active.is_none() {
            found
                .file
                .sync()
                .map_err(OpenError::disk("a sync", &found.name))?;
        }
        if found.stale_copy.is_some() {
            write_header(
                found.file.as_ref(),
                &found.header,
                found.stale_copy,
                &options.failpoints,
            )
            .map_err(OpenError::disk("a header write", &found.name))?;
        }
    }
    if state.state().segments_begun < tail.segment() {
        let begun = State {
            segments_begun: tail.segment(),
            ..*state.state()
        };
        state
            .write(begun)
            .map_err(OpenError::disk("a write", STATE_NAME))?;
    }
    let torn_tail = cut_tail(tail, &scan, &options)?;
    for name in &folder.leftovers {
        disk.remove(name)
            .map_err(OpenError::disk("removing", name))?;
    }

    let (right_size, wrong_size): (Vec<_>, Vec<_>) = folder.free.into_iter().partition(|found| {
        found.header.segment_bytes == options.segment_bytes
            && found.length_bytes == options.segment_bytes
    });
    for found in wrong_size {
        disk.remove(&found.name)
            .map_err(OpenError::disk("removing", &found.name))?;
    }
    let ready = right_size
        .into_iter()
        .map(|found| Spare {
            name: found.name,
            file: found.file,
            header: found.header,
        })
        .collect();
    let preparation = preparation(&disk, &options, style, identity);
    let spares = Spares::new(
        preparation,
        ready,
        folder.next_file,
        options.spare_segments,
        options.prepare_in_background,
    )
    .map_err(OpenError::disk("starting a thread", "a new segment"))?;
    let mut log = Log {
        shared: scan.shared,
        state,
        spares,
        tail: Tail {
            segment: tail.segment(),
            name: tail.name.clone(),
            file: tail.file.clone(),
            salt: tail.header.salt(),
            segment_bytes: tail.header.segment_bytes,
            position: scan.position,
        },
        next_unit: scan.next_unit,
        previous_checksum: scan.previous_checksum,
        synced_through: scan.next_unit - 1,
        committed: scan.committed,
        buffer: AlignedBuffer::default(),
        halted: None,
        disk,
        options,
    };
    // Segments that were purged, but not yet marked free when the process ended.
    let unneeded: Vec<_> = folder
        .active
        .iter()
        .map(|(found, _)| found.live())
        .collect();
    let freed = unneeded.into_iter().chain(log.take_purged_segments());
    for segment in freed.collect::<Vec<_>>() {
        let name = segment.name.clone();
        log.free_segment(segment).map_err(|error| OpenError::Disk {
            operation: "freeing",
            file: name,
            cause: io::Error::other(error),
        })?;
    }
    log.spares
        .prepare_ahead()
        .map_err(OpenError::disk("preparing", "a new segment"))?;
    let recovery = Recovery {
        created,
        syncing: log.syncing(),
        segments: log.shared.read().segments.len() as u64,
        units: scan.units,
        first_index: log.first_index(),
        last: log.last(),
        purged: log.purged(),
        vote: log.vote(),
        torn_tail,
        ignored_files: folder.unreadable,
    };
    Ok((log, recovery))
}

impl Log {
    /// Takes the segments without live entries, before the last, out of the directory.
    fn take_purged_segments(&mut self) -> Vec<LiveSegment> {
        let mut directory = self.shared.write();
        if directory.index.purged().is_none() {
            return Vec::new();
        }
        let first_kept = directory
            .index
            .first_segment()
            .unwrap_or(self.tail.segment)
            .min(self.tail.segment);
        let kept = directory.segments.split_off(&first_kept);
        std::mem::replace(&mut directory.segments, kept)
            .into_values()
            .collect()
    }
}

fn preparation(
    disk: &Arc<dyn Disk>,
    options: &Options,
    style: WriteStyle,
    identity: u64,
) -> Preparation {
    Preparation {
        disk: disk.clone(),
        identity,
        segment_bytes: options.segment_bytes,
        style,
        failpoints: options.failpoints.clone(),
        stop: Arc::new(AtomicBool::new(false)),
    }
}

/// Reads the needed segments and follows what they did to the log.
fn scan(
    disk: &dyn Disk,
    needed: &[(Found, ActiveSegment)],
    folder: &Folder,
    segments_begun: u64,
) -> Result<Scan, OpenError> {
    let shared = Shared::default();
    let mut scan = Scan {
        shared: shared.clone(),
        units: 0,
        committed: None,
        position: SEGMENT_HEADER_BYTES as u64,
        next_unit: 1,
        previous_checksum: 0,
        written_through: None,
    };
    let mut directory = shared.write();
    if let Some((_, first)) = needed.first() {
        directory.index = Index::starting_after(first.last, first.purged);
    }
    let mut buffer = AlignedBuffer::default();
    for (position_in_order, (found, active)) in needed.iter().enumerate() {
        let next_index = |index: &Index| index.next_index().unwrap_or(0);
        let damaged = |position, first_lost_index, what: String| OpenError::Damaged {
            file: found.name.clone(),
            segment: active.segment,
            position,
            first_lost_index,
            what,
        };
        let image = match read_image(disk, found, &mut buffer)? {
            Ok(image) => image,
            Err(error) => {
                let position = match error {
                    SegmentUnreadable::NewerUnit { position } => position,
                    SegmentUnreadable::HeadersDamaged | SegmentUnreadable::WrongLength { .. } => 0,
                };
                return Err(damaged(
                    position,
                    next_index(&directory.index),
                    error.to_string(),
                ));
            }
        };
        for (position, unit) in &image.units {
            let problem = apply_unit(&mut directory.index, active.segment, *position, unit);
            if let Err(what) = problem {
                return Err(damaged(*position, next_index(&directory.index), what));
            }
            scan.units += 1;
            scan.committed = unit.head.committed.or(scan.committed);
        }
        let end = image.end;
        if let Some(later) = end.proof_of_damage {
            let what = format!(
                "unit {} is not readable, yet unit {} at byte {} was written after it was durable",
                end.next_unit, later.number, later.position
            );
            return Err(damaged(end.position, next_index(&directory.index), what));
        }
        if let Some((next_found, next)) = needed.get(position_in_order + 1)
            && (next.first_unit, next.previous_checksum) != (end.next_unit, end.previous_checksum)
        {
            let what = format!(
                "unit {} is not readable, yet {} (segment {}) was begun after it was durable",
                end.next_unit, next_found.name, next.segment
            );
            return Err(damaged(end.position, next_index(&directory.index), what));
        }
        scan.position = end.position;
        scan.next_unit = end.next_unit;
        scan.previous_checksum = end.previous_checksum;
        scan.written_through = end.written_through;
        directory.segments.insert(active.segment, found.live());
    }
    check_complete(needed, folder, segments_begun, &directory.index)?;
    drop(directory);
    Ok(scan)
}

fn apply_unit(
    index: &mut Index,
    segment: u64,
    position: u64,
    unit: &crate::unit::UnitView<'_>,
) -> Result<(), String> {
    match unit.content {
        UnitContent::Entries(entries) => {
            let first_index = entries.first_index();
            if let Some(next) = index.next_index()
                && next != first_index
            {
                return Err(format!("entry {first_index} stands where {next} belongs"));
            }
            let run = Run {
                segment,
                position,
                bytes: unit.unit_bytes as u64,
                first_unit: unit.head.number,
                first_index,
                end_index: first_index,
            };
            index.add(run, entries.iter().map(|entry| entry.term));
        }
        UnitContent::Truncate { from } => index.truncate(from),
        UnitContent::Purge { through } => index.purge(through),
    }
    Ok(())
}

/// Overwrites what follows the last unit, so that nothing of it can ever be taken for a unit.
fn cut_tail(tail: &Found, scan: &Scan, options: &Options) -> Result<Option<TornTail>, OpenError> {
    let Some(end) = scan.written_through else {
        return Ok(None);
    };
    options.failpoints.enter(Point::TailCut);
    let zeros = AlignedBuffer::zeroed(FILL_BYTES.min((end - scan.position) as usize));
    let mut position = scan.position;
    while position < end {
        let piece = (end - position).min(FILL_BYTES as u64);
        write_durably(
            tail.file.as_ref(),
            position,
            &zeros.bytes()[..piece as usize],
        )
        .map_err(OpenError::disk("a write", &tail.name))?;
        position += piece;
    }
    options.failpoints.leave(Point::TailCut);
    Ok(Some(TornTail {
        file: tail.name.clone(),
        segment: tail.segment(),
        position: scan.position,
        cut_bytes: end - scan.position,
        next_index: scan.shared.read().index.next_index(),
    }))
}
