//! The event segments: derived from the log, written in order, read by feeds from any op.
//!
//! Files need no fsync of their own: what a crash takes, replay writes again (decision 36). A checkpoint syncs them and
//! remembers their end; start cuts there and replays. Blocks carry a checksum; a feed that asks for events before the
//! oldest segment learns the oldest position.
//!
//! ```text
//!   file NAME = position of its first byte │ block: length u32, crc32c u32, base op, time, count, records │ block │ …
//!   record: op - base, k, epoch, event, length, packed fields          (integers as varints; a payment's takes 38 bytes)
//! ```

use crate::limits::{EVENT_INDEX_BYTES, EVENT_ROOM_BYTES};
use rc_engine::{EventRecord, Reader, Truncated, Writer};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const BLOCK_HEADER_BYTES: usize = 8;

/// Why event files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EventLogError {
    #[error("event segment {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "the events end at {found}, the checkpoint knows of {expected}: restore the file or start from an empty data directory and the whole log"
    )]
    Lost { found: u64, expected: u64 },
    #[error(
        "event block at {position} is damaged: stop the node, remove the checkpoint to rebuild it from the log"
    )]
    Damaged { position: u64 },
}

/// What readers and the writer share.
struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Default)]
struct State {
    /// Positions of segments' first bytes, ascending.
    segments: Vec<u64>,
    /// Sparse: (first op of a block, its position), ascending.
    index: Vec<(u64, u64)>,
    /// One past the last byte.
    end: u64,
    /// The op that the oldest kept block starts with; 0 while nothing was let go of.
    oldest_op: u64,
    closed: bool,
}

/// The loop's side.
pub(crate) struct EventWriter {
    shared: Arc<Shared>,
    file: Arc<File>,
    segment_start: u64,
    segment_bytes: u64,
    /// Full segments that no checkpoint has made durable yet.
    full: Vec<PathBuf>,
    buffer: Vec<u8>,
    /// Position of the last block in the index; `None` where the next block is to be in it.
    last_indexed: Option<u64>,
    /// Position up to which the disk has promised space.
    room_end: u64,
}

/// The feeds' side: cheap to clone, may block, so it belongs on its own thread.
#[derive(Clone)]
pub struct EventFeed {
    shared: Arc<Shared>,
}

/// What a feed gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedItem {
    Events(Vec<EventRecord>),
    /// Nothing new within the waiting time.
    Quiet,
    /// The position asked for is gone; this is the oldest op that can be asked for.
    Gone {
        oldest: u64,
    },
    /// The node is closing.
    Closed,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> EventLogError + '_ {
    move |source| EventLogError::Io {
        path: path.to_path_buf(),
        source,
    }
}

fn segment_path(folder: &Path, start: u64) -> PathBuf {
    folder.join(format!("{start:020}.events"))
}

impl EventWriter {
    /// Opens the folder with the events up to `end` (a checkpoint's), and cuts what comes after: replay writes it again.
    pub fn open(
        folder: &Path,
        end: u64,
        segment_bytes: u64,
    ) -> Result<(EventWriter, EventFeed), EventLogError> {
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder).map_err(io_error(folder))? {
            let name = entry.map_err(io_error(folder))?.file_name();
            if let Some(start) = name
                .to_str()
                .and_then(|name| name.strip_suffix(".events"))
                .and_then(|start| start.parse().ok())
            {
                segments.push(start);
            }
        }
        segments.sort_unstable();
        while let Some(start) = segments
            .last()
            .copied()
            .filter(|start| *start >= end && *start > 0)
        {
            let path = segment_path(folder, start);
            fs::remove_file(&path).map_err(io_error(&path))?;
            segments.pop();
        }
        if segments.is_empty() {
            if end > 0 {
                return Err(EventLogError::Lost {
                    found: 0,
                    expected: end,
                });
            }
            segments.push(0);
        }
        let segment_start = *segments.last().expect("there is one segment at least");
        let path = segment_path(folder, segment_start);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io_error(&path))?;
        let found = segment_start + file.metadata().map_err(io_error(&path))?.len();
        if found < end {
            return Err(EventLogError::Lost {
                found,
                expected: end,
            });
        }
        file.set_len(end - segment_start).map_err(io_error(&path))?;
        file.seek(SeekFrom::End(0)).map_err(io_error(&path))?;
        let mut state = State {
            segments,
            end,
            ..State::default()
        };
        index_blocks(folder, &mut state)?;
        let shared = Arc::new(Shared {
            folder: folder.to_path_buf(),
            state: Mutex::new(state),
            grown: Condvar::new(),
        });
        let feed = EventFeed {
            shared: Arc::clone(&shared),
        };
        let file = Arc::new(file);
        let writer = EventWriter {
            shared,
            file,
            segment_start,
            segment_bytes,
            full: Vec::new(),
            buffer: Vec::new(),
            last_indexed: None,
            room_end: end,
        };
        Ok((writer, feed))
    }

    /// Appends a batch's events and wakes the feeds.
    pub fn append(
        &mut self,
        base_op: u64,
        time: i64,
        events: &[EventRecord],
    ) -> Result<(), EventLogError> {
        if events.is_empty() {
            return Ok(());
        }
        self.buffer.clear();
        self.buffer.extend([0; BLOCK_HEADER_BYTES]);
        let mut writer = Writer(&mut self.buffer);
        writer.varint(base_op);
        writer.varint(time as u64);
        writer.varint(events.len() as u64);
        for event in events {
            writer.varint(event.op - base_op);
            writer.varint(u64::from(event.k));
            writer.varint(event.epoch);
            writer.varint(u64::from(event.event));
            writer.bytes(&event.fields);
        }
        let length = (self.buffer.len() - BLOCK_HEADER_BYTES) as u32;
        let checksum = crc32c::crc32c(&self.buffer[BLOCK_HEADER_BYTES..]);
        self.buffer[..4].copy_from_slice(&length.to_le_bytes());
        self.buffer[4..8].copy_from_slice(&checksum.to_le_bytes());
        let position = self.position();
        let path = segment_path(&self.shared.folder, self.segment_start);
        (&*self.file)
            .write_all(&self.buffer)
            .map_err(io_error(&path))?;
        let end = position + self.buffer.len() as u64;
        let roll = end - self.segment_start >= self.segment_bytes;
        if roll {
            // Gives back the space that was taken ahead.
            self.file
                .set_len(end - self.segment_start)
                .map_err(io_error(&path))?;
            self.room_end = end;
            let next = segment_path(&self.shared.folder, end);
            let file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .open(&next)
                .map_err(io_error(&next))?;
            // Made durable by the next checkpoint, on the persister's thread: the loop does not wait for a disk.
            self.full.push(path);
            self.file = Arc::new(file);
            self.segment_start = end;
        }
        let mut state = self
            .shared
            .state
            .lock()
            .expect("no holder of this lock panics");
        if self
            .last_indexed
            .is_none_or(|last| position - last >= EVENT_INDEX_BYTES)
        {
            state.index.push((base_op, position));
            self.last_indexed = Some(position);
        }
        if roll {
            state.segments.push(end);
        }
        state.end = end;
        drop(state);
        self.shared.grown.notify_all();
        Ok(())
    }

    /// Takes space on the disk ahead, for the events of batches that are ordered already: an error says that no more
    /// should be ordered until there is space.
    pub fn make_room(&mut self) -> io::Result<()> {
        let end = self.position();
        // A segment smaller than the room would give it back before it is of use.
        let is_small = self.segment_bytes < EVENT_ROOM_BYTES;
        if is_small || self.room_end >= end + EVENT_ROOM_BYTES {
            return Ok(());
        }
        let room_end = end + 2 * EVENT_ROOM_BYTES;
        let from = end - self.segment_start;
        let taken = fallocate(&*self.file, FallocateFlags::KEEP_SIZE, from, room_end - end);
        match taken {
            // A file system that cannot promise will tell when it is written to.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.room_end = room_end;
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// One past the last byte written.
    pub fn position(&self) -> u64 {
        self.shared
            .state
            .lock()
            .expect("no holder of this lock panics")
            .end
    }

    /// What makes all events so far durable when it is run, on the persister's thread.
    pub fn syncer(&self) -> EventSyncer {
        EventSyncer {
            full: self.full.clone(),
            last: Arc::clone(&self.file),
            last_path: segment_path(&self.shared.folder, self.segment_start),
            folder: self.shared.folder.clone(),
        }
    }

    /// The oldest so many full segments are durable.
    pub fn forget_synced(&mut self, count: usize) {
        self.full.drain(..count.min(self.full.len()));
    }
}

/// See [`EventWriter::syncer`].
pub(crate) struct EventSyncer {
    /// Not kept open: a slow disk may leave many. An error while one is written back is told to the next who opens and syncs it.
    full: Vec<PathBuf>,
    last: Arc<File>,
    last_path: PathBuf,
    folder: PathBuf,
}

impl EventSyncer {
    /// How many full files it syncs; the last one is still written to.
    pub fn full_segments(&self) -> usize {
        self.full.len()
    }

    pub fn sync(&self) -> Result<(), EventLogError> {
        for path in &self.full {
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(io_error(path))?;
        }
        self.last.sync_all().map_err(io_error(&self.last_path))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io_error(&self.folder))
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        self.shared
            .state
            .lock()
            .expect("no holder of this lock panics")
            .closed = true;
        self.shared.grown.notify_all();
    }
}

/// Reads all blocks once to rebuild the sparse index; also checks them.
fn index_blocks(folder: &Path, state: &mut State) -> Result<(), EventLogError> {
    let mut position = state.segments[0];
    let mut last_indexed = None;
    while position < state.end {
        let (base_op, events, next) =
            read_block(folder, state.segments.as_slice(), position, state.end)?;
        debug_assert!(!events.is_empty());
        if last_indexed.is_none_or(|last| position - last >= EVENT_INDEX_BYTES) {
            if last_indexed.is_none() && position > 0 {
                state.oldest_op = base_op;
            }
            state.index.push((base_op, position));
            last_indexed = Some(position);
        }
        position = next;
    }
    Ok(())
}

/// The block at a position: its base op, its events, and the position after it.
fn read_block(
    folder: &Path,
    segments: &[u64],
    position: u64,
    end: u64,
) -> Result<(u64, Vec<EventRecord>, u64), EventLogError> {
    let damaged = EventLogError::Damaged { position };
    let segment = segments[segments.partition_point(|start| *start <= position) - 1];
    let path = segment_path(folder, segment);
    let mut file = File::open(&path).map_err(io_error(&path))?;
    file.seek(SeekFrom::Start(position - segment))
        .map_err(io_error(&path))?;
    let mut header = [0; BLOCK_HEADER_BYTES];
    file.read_exact(&mut header).map_err(io_error(&path))?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let checksum = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let next = position + BLOCK_HEADER_BYTES as u64 + u64::from(length);
    if next > end {
        return Err(damaged);
    }
    let mut block = vec![0; length as usize];
    file.read_exact(&mut block).map_err(io_error(&path))?;
    if crc32c::crc32c(&block) != checksum {
        return Err(damaged);
    }
    let (base_op, events) = parse_block(&block).map_err(|_| damaged)?;
    Ok((base_op, events, next))
}

fn parse_block(block: &[u8]) -> Result<(u64, Vec<EventRecord>), Truncated> {
    let mut reader = Reader::new(block);
    let base_op = reader.varint()?;
    let time = reader.varint()? as i64;
    let count = reader.varint()?;
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(EventRecord {
            op: base_op + reader.varint()?,
            k: reader.varint_u32()?,
            epoch: reader.varint()?,
            event: reader.varint_u32()?,
            time,
            fields: reader.bytes()?.to_vec(),
        });
    }
    Ok((base_op, events))
}

/// A place in the event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    position: u64,
    from_op: u64,
}

impl EventFeed {
    /// Where the events of op `from` and later start.
    pub fn seek(&self, from: u64) -> FeedCursor {
        let state = self
            .shared
            .state
            .lock()
            .expect("no holder of this lock panics");
        let before = state.index.partition_point(|(op, _)| *op <= from);
        let position = match before.checked_sub(1) {
            Some(at) => state.index[at].1,
            None => state.segments[0],
        };
        FeedCursor {
            position,
            from_op: from,
        }
    }

    /// The next block's events from the cursor on, waiting for at most `wait`.
    pub fn next(&self, cursor: &mut FeedCursor, wait: Duration) -> Result<FeedItem, EventLogError> {
        loop {
            let mut state = self
                .shared
                .state
                .lock()
                .expect("no holder of this lock panics");
            if cursor.position < state.segments[0] {
                return Ok(FeedItem::Gone {
                    oldest: state.oldest_op,
                });
            }
            if cursor.position >= state.end {
                if state.closed {
                    return Ok(FeedItem::Closed);
                }
                (state, _) = self
                    .shared
                    .grown
                    .wait_timeout(state, wait)
                    .expect("no holder of this lock panics");
                if cursor.position >= state.end {
                    return Ok(if state.closed {
                        FeedItem::Closed
                    } else {
                        FeedItem::Quiet
                    });
                }
            }
            let (segments, end) = (state.segments.clone(), state.end);
            drop(state);
            let (_, mut events, next) =
                read_block(&self.shared.folder, &segments, cursor.position, end)?;
            cursor.position = next;
            events.retain(|event| event.op >= cursor.from_op);
            if !events.is_empty() {
                return Ok(FeedItem::Events(events));
            }
        }
    }

    /// The oldest op whose events are kept; 0 when all are.
    pub fn oldest_op(&self) -> u64 {
        self.shared
            .state
            .lock()
            .expect("no holder of this lock panics")
            .oldest_op
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(op: u64, k: u32) -> EventRecord {
        EventRecord {
            op,
            k,
            epoch: 1,
            event: 0,
            time: 7,
            fields: vec![op as u8; 32],
        }
    }

    fn read_all(feed: &EventFeed, from: u64) -> Vec<(u64, u32)> {
        let (mut cursor, mut seen) = (feed.seek(from), Vec::new());
        while let FeedItem::Events(events) =
            feed.next(&mut cursor, Duration::from_millis(1)).unwrap()
        {
            seen.extend(events.iter().map(|event| (event.op, event.k)));
        }
        seen
    }

    #[test]
    fn feeds_resume_from_any_op_and_survive_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, feed) = EventWriter::open(folder.path(), 0, 1 << 20).unwrap();
        for base in (1..4_000).step_by(10) {
            writer
                .append(
                    base,
                    7,
                    &[event(base, 0), event(base, 1), event(base + 5, 0)],
                )
                .unwrap();
        }
        assert_eq!(
            read_all(&feed, 3_985),
            [(3_986, 0), (3_991, 0), (3_991, 1), (3_996, 0)]
        );
        assert_eq!(read_all(&feed, 0).len(), 1_200);
        let end = writer.position();
        writer.append(5_000, 7, &[event(5_000, 0)]).unwrap();
        writer.syncer().sync().unwrap();
        drop(writer);
        let (mut writer, feed) = EventWriter::open(folder.path(), end, 1 << 20).unwrap();
        assert_eq!(
            read_all(&feed, 3_992),
            [(3_996, 0)],
            "what came after the checkpoint is cut"
        );
        writer.append(5_000, 7, &[event(5_000, 3)]).unwrap();
        assert_eq!(read_all(&feed, 3_997), [(5_000, 3)]);
    }

    #[test]
    fn a_payment_event_takes_at_most_48_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _) = EventWriter::open(folder.path(), 0, 1 << 20).unwrap();
        let events: Vec<EventRecord> = (0..1_000).map(|op| event(1_000_000 + op, 0)).collect();
        writer
            .append(1_000_000, 1_700_000_000_000_000_000, &events)
            .unwrap();
        assert!(
            writer.position() / 1_000 <= 48,
            "{} bytes each",
            writer.position() / 1_000
        );
    }

    #[test]
    fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _) = EventWriter::open(folder.path(), 0, 1 << 20).unwrap();
        writer.append(1, 7, &[event(1, 0)]).unwrap();
        writer.append(2, 7, &[event(2, 0)]).unwrap();
        let end = writer.position();
        drop(writer);
        let path = segment_path(folder.path(), 0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(
            EventWriter::open(folder.path(), end, 1 << 20),
            Err(EventLogError::Damaged { position: 0 })
        ));
        assert!(matches!(
            EventWriter::open(folder.path(), end + 1, 1 << 20),
            Err(EventLogError::Lost { .. })
        ));
    }
}
