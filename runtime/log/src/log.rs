//! The log: one owner writes, any number of `LogReader`s read. An append is one write unit, durable when it returns.
//! Always true: units are numbered without gaps; nothing is written after a write failed (`Halt`); a full disk is noticed
//! before anything is written.

use std::io;
use std::sync::Arc;

use crate::buffer::AlignedBuffer;
use crate::disk::{Disk, DiskFile, Syncing, WriteStyle, write_all};
use crate::entry::{EntryId, EntryKind, EntryRef, Vote};
use crate::error::{Halt, OpenError, WriteError};
use crate::failpoint::{Failpoints, Point};
use crate::header::{ActiveSegment, SegmentHeader};
use crate::index::Run;
use crate::limits::{
    CONTROL_RESERVE_BYTES, SEGMENT_BYTES_DEFAULT, SEGMENT_HEADER_BYTES, SPARES_DEFAULT, SPARES_MAX,
};
use crate::reader::{EntryIterator, LiveSegment, LogReader, Shared};
use crate::recovery::{Recovery, recover};
use crate::spares::{Spare, Spares, is_full, write_header};
use crate::state_file::{STATE_NAME, State, StateFile};
use crate::unit::{UnitBody, UnitHead, encode_unit, unit_bytes};

/// When an append may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the entries are durable.
    Disk,
    /// When the entries are in the page cache; the owner calls `sync` within its bound. Votes, membership, truncations
    /// and purges are synced all the same. A killed process loses nothing, a lost machine the entries since the last sync.
    Memory,
}

/// How to open a log.
#[derive(Debug, Clone)]
pub struct Options {
    /// The length of new segments in bytes, whole blocks; also bounds a write unit.
    pub segment_bytes: u64,
    pub durability: Durability,
    /// How many empty segments are kept ready.
    pub spare_segments: usize,
    /// Prepare them on a thread; switched off, everything happens in the calls, in one order.
    pub prepare_in_background: bool,
    /// The number that marks all files of a new log; random if not given.
    pub identity: Option<u64>,
    /// Counters of the places where crashes are tried.
    pub failpoints: Failpoints,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            durability: Durability::Disk,
            spare_segments: SPARES_DEFAULT,
            prepare_in_background: true,
            identity: None,
            failpoints: Failpoints::default(),
        }
    }
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The last entry of the log now.
    pub last: EntryId,
    /// The number of the write unit.
    pub unit: u64,
    /// The bytes it took on disk.
    pub unit_bytes: u64,
    /// The entries are durable, rather than in memory (`Durability::Memory`).
    pub durable: bool,
}

/// The segment that is written.
pub(crate) struct Tail {
    pub segment: u64,
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub salt: u64,
    pub segment_bytes: u64,
    pub position: u64,
}

/// The ordered log. `Send`: one thread owns it.
pub struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) shared: Shared,
    pub(crate) state: StateFile,
    pub(crate) spares: Spares,
    pub(crate) tail: Tail,
    pub(crate) next_unit: u64,
    pub(crate) previous_checksum: u32,
    /// The last unit known durable.
    pub(crate) synced_through: u64,
    pub(crate) committed: Option<EntryId>,
    pub(crate) buffer: AlignedBuffer,
    pub(crate) halted: Option<Halt>,
}

impl Log {
    /// Opens the log in this folder, or makes a new one in an empty folder. A torn tail is cut and reported in `Recovery`;
    /// any other damage is an error, and nothing is changed.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Log, Recovery), OpenError> {
        recover(disk, options)
    }

    /// Appends entries as one write unit. Their indexes are consecutive and follow the last one. In `Durability::Disk`
    /// the unit is durable on return. No entries: nothing is done, and the answer is `None`.
    pub fn append(&mut self, entries: &[EntryRef<'_>]) -> Result<Option<Appended>, WriteError> {
        self.check_running()?;
        let Some(first) = entries.first() else {
            return Ok(None);
        };
        self.check_follows(first.index, entries)?;
        self.options.failpoints.enter(Point::Append);
        let membership = entries
            .iter()
            .any(|entry| entry.kind == EntryKind::MEMBERSHIP);
        let position = self.write_unit(&UnitBody::Entries(entries), membership)?;
        let unit = self.next_unit - 1;
        let unit_bytes = self.tail.position - position;
        let run = Run {
            segment: self.tail.segment,
            position,
            bytes: unit_bytes,
            first_unit: unit,
            first_index: first.index,
            end_index: first.index,
        };
        let mut directory = self.shared.write();
        directory
            .index
            .add(run, entries.iter().map(|entry| entry.term));
        drop(directory);
        self.options.failpoints.leave(Point::Append);
        let last = entries[entries.len() - 1].id();
        Ok(Some(Appended {
            last,
            unit,
            unit_bytes,
            durable: self.synced_through == unit,
        }))
    }

    /// Forgets the entries from this index on; durable on return. Nothing is done if there are none.
    pub fn truncate_from(&mut self, from: u64) -> Result<(), WriteError> {
        self.check_running()?;
        if let Some(purged) = self.purged()
            && from <= purged.index
        {
            return Err(WriteError::Purged { from, purged });
        }
        if self.last().is_none_or(|last| last.index < from) {
            return Ok(());
        }
        self.options.failpoints.enter(Point::Truncate);
        self.write_unit(&UnitBody::Truncate { from }, true)?;
        self.shared.write().index.truncate(from);
        self.options.failpoints.leave(Point::Truncate);
        Ok(())
    }

    /// Forgets the entries up to and with this one; durable on return. The segments that hold no other entries are reused
    /// or deleted. It may name an entry after the last one (a snapshot was installed); the log goes on after it.
    pub fn purge_to(&mut self, through: EntryId) -> Result<(), WriteError> {
        self.check_running()?;
        if self
            .purged()
            .is_some_and(|purged| through.index <= purged.index)
            || through.index == u64::MAX
        {
            return Ok(());
        }
        self.options.failpoints.enter(Point::Purge);
        self.write_unit(&UnitBody::Purge { through }, true)?;
        let mut directory = self.shared.write();
        directory.index.purge(through);
        let first_kept = directory
            .index
            .first_segment()
            .unwrap_or(self.tail.segment)
            .min(self.tail.segment);
        let kept = directory.segments.split_off(&first_kept);
        let freed = std::mem::replace(&mut directory.segments, kept);
        drop(directory);
        for segment in freed.into_values() {
            self.free_segment(segment)?;
        }
        self.options.failpoints.leave(Point::Purge);
        Ok(())
    }

    /// The vote that was saved last.
    pub fn vote(&self) -> Option<Vote> {
        self.state.state().vote
    }

    /// Saves the vote; durable on return, in every durability mode. Needs no space.
    pub fn save_vote(&mut self, vote: Vote) -> Result<(), WriteError> {
        self.check_running()?;
        let state = State {
            vote: Some(vote),
            ..*self.state.state()
        };
        self.write_state(state)
    }

    /// The last entry known committed, as of the last write unit before a restart.
    pub fn committed(&self) -> Option<EntryId> {
        self.committed
    }

    /// Notes what is committed. It becomes durable with the next write unit: a hint that may lag, never run ahead.
    pub fn save_committed(&mut self, committed: Option<EntryId>) {
        self.committed = committed;
    }

    /// Makes all entries so far durable. Only of use with `Durability::Memory`.
    pub fn sync(&mut self) -> Result<(), WriteError> {
        self.check_running()?;
        if self.synced_through + 1 < self.next_unit {
            self.tail
                .file
                .sync()
                .map_err(|cause| self.halt("a sync", self.tail.position, cause))?;
            self.synced_through = self.next_unit - 1;
        }
        Ok(())
    }

    /// A reader, for any thread.
    pub fn reader(&self) -> LogReader {
        LogReader {
            shared: self.shared.clone(),
        }
    }

    /// The entries from this index to the end.
    pub fn entries_from(&self, index: u64) -> EntryIterator {
        self.reader().entries_from(index)
    }

    /// The last entry, or the last purged one if none lives.
    pub fn last(&self) -> Option<EntryId> {
        self.shared.read().index.last()
    }

    /// The last purged entry.
    pub fn purged(&self) -> Option<EntryId> {
        self.shared.read().index.purged()
    }

    /// The index of the oldest entry.
    pub fn first_index(&self) -> Option<u64> {
        self.shared.read().index.first_index()
    }

    /// Why the log takes no more writes, if so.
    pub fn halted(&self) -> Option<&Halt> {
        self.halted.as_ref()
    }

    /// How writes are made durable on this disk.
    pub fn syncing(&self) -> Syncing {
        self.disk.syncing()
    }

    /// The number that marks all files of this log.
    pub fn identity(&self) -> u64 {
        self.state.state().identity
    }

    /// The most bytes that a write unit may take, head and padding included.
    pub fn unit_bytes_max(&self) -> u64 {
        self.options.segment_bytes - SEGMENT_HEADER_BYTES as u64 - CONTROL_RESERVE_BYTES
    }

    fn check_running(&self) -> Result<(), WriteError> {
        match &self.halted {
            Some(halt) => Err(WriteError::Halted(halt.clone())),
            None => Ok(()),
        }
    }

    fn check_follows(&self, first: u64, entries: &[EntryRef<'_>]) -> Result<(), WriteError> {
        let next = self.shared.read().index.next_index();
        if let Some(expected) = next
            && first != expected
        {
            return Err(WriteError::NotNext {
                expected,
                found: first,
            });
        }
        for (position, entry) in entries.iter().enumerate() {
            // The highest number is never an index, so that every index has a next.
            let expected = first.saturating_add(position as u64);
            if entry.index != expected || entry.index == u64::MAX {
                return Err(WriteError::NotNext {
                    expected,
                    found: entry.index,
                });
            }
        }
        Ok(())
    }

    /// Writes one unit and answers its position. `sync` makes it durable in every mode.
    fn write_unit(&mut self, body: &UnitBody<'_>, sync: bool) -> Result<u64, WriteError> {
        let is_control = !matches!(body, UnitBody::Entries(_));
        let bytes_max = self.unit_bytes_max();
        let bytes = match unit_bytes(body) {
            Some(bytes) if bytes as u64 <= bytes_max => bytes,
            too_large => {
                let bytes = too_large.map_or(u64::from(u32::MAX), |bytes| bytes as u64);
                return Err(WriteError::TooLarge { bytes, bytes_max });
            }
        };
        self.make_room(bytes as u64, is_control)?;
        let head = UnitHead {
            number: self.next_unit,
            salt: self.tail.salt,
            previous_checksum: self.previous_checksum,
            synced_through: self.synced_through,
            committed: self.committed,
        };
        self.buffer.reset(bytes);
        let checksum = encode_unit(self.buffer.bytes_mut(), &head, body);
        let position = self.tail.position;
        write_all(self.tail.file.as_ref(), position, self.buffer.bytes())
            .map_err(|cause| self.halt("a write", position, cause))?;
        let mut durable = self.tail.file.style() == WriteStyle::Durable;
        if sync && !durable {
            self.tail
                .file
                .sync()
                .map_err(|cause| self.halt("a sync", position, cause))?;
            durable = true;
        }
        self.tail.position += bytes as u64;
        self.previous_checksum = checksum;
        self.next_unit += 1;
        if durable {
            self.synced_through = self.next_unit - 1;
        }
        Ok(position)
    }

    /// Sees to it that `bytes` fit into the last segment. Entries leave a reserve while no spare is ready, so that what
    /// frees space can still be written.
    fn make_room(&mut self, bytes: u64, is_control: bool) -> Result<(), WriteError> {
        let room = self.tail.segment_bytes - self.tail.position;
        let reserve = if is_control { 0 } else { CONTROL_RESERVE_BYTES };
        if room >= bytes + reserve {
            return Ok(());
        }
        if self.spares.ready() == 0 {
            self.spares
                .wait()
                .map_err(|cause| self.preparation_failed(cause))?;
        }
        if room >= bytes {
            return Ok(());
        }
        self.roll()
    }

    /// Begins the next segment in a spare.
    fn roll(&mut self) -> Result<(), WriteError> {
        let Some(spare) = self.spares.take() else {
            return Err(self.preparation_failed(io::ErrorKind::StorageFull.into()));
        };
        self.options.failpoints.enter(Point::Roll);
        // The new header proves that all units before it were durable: in memory mode they must become so first.
        self.sync()?;
        let (last, purged) = {
            let directory = self.shared.read();
            (directory.index.last(), directory.index.purged())
        };
        let active = ActiveSegment {
            segment: self.tail.segment + 1,
            first_unit: self.next_unit,
            previous_checksum: self.previous_checksum,
            last,
            purged,
        };
        let header = SegmentHeader {
            generation: spare.header.generation + 1,
            active: Some(active),
            ..spare.header
        };
        write_header(spare.file.as_ref(), &header, None, &self.options.failpoints)
            .map_err(|cause| self.halt_at("a header write", &spare.name, cause))?;
        self.begin_segment(spare, header, active.segment);
        self.write_state(State {
            segments_begun: active.segment,
            ..*self.state.state()
        })?;
        self.spares
            .prepare_ahead()
            .map_err(|cause| self.halt_at("preparing a segment", "a new segment", cause))?;
        self.options.failpoints.leave(Point::Roll);
        Ok(())
    }

    fn begin_segment(&mut self, spare: Spare, header: SegmentHeader, segment: u64) {
        let live = LiveSegment {
            name: spare.name.clone(),
            file: spare.file.clone(),
            salt: header.salt(),
            generation: header.generation,
            segment_bytes: header.segment_bytes,
        };
        self.shared.write().segments.insert(segment, live);
        self.tail = Tail {
            segment,
            name: spare.name,
            file: spare.file,
            salt: header.salt(),
            segment_bytes: header.segment_bytes,
            position: SEGMENT_HEADER_BYTES as u64,
        };
    }

    /// Marks a purged segment free for reuse, or deletes it when there are enough.
    pub(crate) fn free_segment(&mut self, segment: LiveSegment) -> Result<(), WriteError> {
        self.options.failpoints.enter(Point::Freeing);
        if self.spares.ready() < SPARES_MAX && segment.segment_bytes == self.options.segment_bytes {
            let header = SegmentHeader {
                identity: self.identity(),
                generation: segment.generation + 1,
                segment_bytes: segment.segment_bytes,
                active: None,
            };
            write_header(
                segment.file.as_ref(),
                &header,
                None,
                &self.options.failpoints,
            )
            .map_err(|cause| self.halt_at("a header write", &segment.name, cause))?;
            self.spares.put(Spare {
                name: segment.name,
                file: segment.file,
                header,
            });
        } else {
            let removed = self
                .disk
                .remove(&segment.name)
                .and_then(|()| self.disk.sync_folder());
            removed.map_err(|cause| self.halt_at("removing", &segment.name, cause))?;
        }
        self.options.failpoints.leave(Point::Freeing);
        Ok(())
    }

    fn write_state(&mut self, state: State) -> Result<(), WriteError> {
        self.state
            .write(state)
            .map_err(|cause| self.halt_at("a write", STATE_NAME, cause))
    }

    fn preparation_failed(&mut self, cause: io::Error) -> WriteError {
        if is_full(&cause) {
            let segment_bytes = self.options.segment_bytes;
            WriteError::DiskFull {
                segment_bytes,
                cause: Arc::new(cause),
            }
        } else {
            self.halt_at("preparing a segment", "a new segment", cause)
        }
    }

    fn halt(&mut self, operation: &'static str, position: u64, cause: io::Error) -> WriteError {
        let halt = Halt {
            operation,
            file: self.tail.name.clone(),
            position,
            cause: Arc::new(cause),
        };
        self.halted = Some(halt.clone());
        WriteError::Halted(halt)
    }

    fn halt_at(&mut self, operation: &'static str, file: &str, cause: io::Error) -> WriteError {
        let halt = Halt {
            operation,
            file: file.to_string(),
            position: 0,
            cause: Arc::new(cause),
        };
        self.halted = Some(halt.clone());
        WriteError::Halted(halt)
    }
}
