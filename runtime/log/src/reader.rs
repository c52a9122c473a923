//! Reading entries while the log is being written. A reader shares the index with the log, holds its lock only to find a
//! place, and checks every unit that it reads; when a segment was reused meanwhile, the check fails and it looks again.
//! Always true: it answers durable-or-written entries in order of index, or an error that says why not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::buffer::AlignedBuffer;
use crate::disk::{DiskFile, read_full};
use crate::entry::{Entry, EntryId};
use crate::error::ReadError;
use crate::index::{Index, Run};
use crate::unit::{UnitContent, decode_unit};

/// A segment in use.
#[derive(Clone)]
pub(crate) struct LiveSegment {
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub salt: u64,
    pub generation: u64,
    pub segment_bytes: u64,
}

/// What the log and its readers share.
#[derive(Default)]
pub(crate) struct Directory {
    pub segments: BTreeMap<u64, LiveSegment>,
    pub index: Index,
}

/// The lock around it; never held during I/O.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<RwLock<Directory>>);

impl Shared {
    pub fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads entries; cheap to clone, usable from any thread, also while the log is appended to.
#[derive(Clone)]
pub struct LogReader {
    pub(crate) shared: Shared,
}

impl LogReader {
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

    /// The entry with this index; `None` if it is not written yet.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>, ReadError> {
        let Some(end) = index.checked_add(1) else {
            return Ok(None);
        };
        self.entries(index, end).next().transpose()
    }

    /// The entries from this index to the end, as far as it has come when the iterator reaches it.
    pub fn entries_from(&self, index: u64) -> EntryIterator {
        self.entries(index, u64::MAX)
    }

    /// The entries from `from` up to but without `end`.
    pub fn entries(&self, from: u64, end: u64) -> EntryIterator {
        EntryIterator {
            reader: self.clone(),
            next_index: from,
            end,
            read: VecDeque::new(),
            buffer: AlignedBuffer::default(),
            failed: false,
        }
    }

    /// The live entries of the run that holds `index`, from it on; empty at the end of the log.
    fn read_run(
        &self,
        index: u64,
        end: u64,
        buffer: &mut AlignedBuffer,
        into: &mut VecDeque<Entry>,
    ) -> Result<(), ReadError> {
        loop {
            let Some((run, segment)) = self.find(index)? else {
                return Ok(());
            };
            if run.first_index >= end {
                return Ok(());
            }
            buffer.reset(run.bytes as usize);
            let found = read_full(segment.file.as_ref(), run.position, buffer.bytes_mut())
                .map_err(|cause| ReadError::Disk {
                    file: segment.name.clone(),
                    cause,
                })?;
            match decode_run(
                &buffer.bytes()[..found],
                &run,
                segment.salt,
                index,
                end,
                into,
            ) {
                Ok(()) => return Ok(()),
                Err(position) => {
                    into.clear();
                    // Was the segment purged and reused, or the run truncated, while we read? Then look again.
                    let again = self.find(index)?;
                    let same = again.is_some_and(|(now, its)| {
                        (now.segment, now.position, its.generation)
                            == (run.segment, run.position, segment.generation)
                    });
                    if same {
                        let position = run.position + position as u64;
                        return Err(ReadError::Damaged {
                            file: segment.name,
                            segment: run.segment,
                            position,
                            index,
                        });
                    }
                }
            }
        }
    }

    fn find(&self, index: u64) -> Result<Option<(Run, LiveSegment)>, ReadError> {
        let directory = self.shared.read();
        if let Some(purged) = directory.index.purged()
            && index <= purged.index
        {
            return Err(ReadError::Purged {
                index,
                oldest: purged.index + 1,
            });
        }
        Ok(directory
            .index
            .run_at(index)
            .and_then(|run| Some((run, directory.segments.get(&run.segment)?.clone()))))
    }
}

/// Takes the wanted entries out of a run's bytes; the error is the position of a bad unit.
fn decode_run(
    bytes: &[u8],
    run: &Run,
    salt: u64,
    index: u64,
    end: u64,
    into: &mut VecDeque<Entry>,
) -> Result<(), usize> {
    let wanted = index.max(run.first_index)..end.min(run.end_index);
    let mut at = 0;
    let mut number = run.first_unit;
    while at < run.bytes as usize {
        let unit = bytes
            .get(at..)
            .and_then(|rest| decode_unit(rest, salt).ok())
            .ok_or(at)?;
        let UnitContent::Entries(entries) = unit.content else {
            return Err(at);
        };
        if unit.head.number != number {
            return Err(at);
        }
        if entries.first_index() < wanted.end {
            into.extend(
                entries
                    .iter()
                    .filter(|entry| wanted.contains(&entry.index))
                    .map(|entry| entry.to_entry()),
            );
        }
        at += unit.unit_bytes;
        number += 1;
    }
    Ok(())
}

/// Entries in order of index. After an error it ends.
pub struct EntryIterator {
    reader: LogReader,
    next_index: u64,
    end: u64,
    read: VecDeque<Entry>,
    buffer: AlignedBuffer,
    failed: bool,
}

impl Iterator for EntryIterator {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next_index >= self.end {
            return None;
        }
        if self.read.is_empty()
            && let Err(error) =
                self.reader
                    .read_run(self.next_index, self.end, &mut self.buffer, &mut self.read)
        {
            self.failed = true;
            return Some(Err(error));
        }
        let entry = self.read.pop_front()?;
        self.next_index = entry.index + 1;
        Some(Ok(entry))
    }
}
