//! The log store that openraft asks for, over `Ordering`. Always true: an append is reported flushed after it is durable;
//! votes are durable before `save_vote` returns; entries are read from the log itself, there is no cache beside it.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    AnyError, Entry, LogId, LogState, OptionalSend, RaftLogReader, StorageError, StorageIOError,
    Vote,
};
use rc_log::LogReader;

use crate::entry_format::{
    from_log_id, from_raft_vote, to_log_entry, to_log_id, to_raft_entry, to_raft_vote,
};
use crate::ordering::Ordering;
use crate::raft_types::NodeTypes;

/// At most this many payload bytes are handed to replication at once, but always one entry.
const READ_BYTES_MAX: usize = 4 << 20;

type StoreError = StorageError<u64>;

/// The log, as openraft writes it.
#[derive(Clone)]
pub struct LogStore {
    ordering: Ordering,
}

/// The log, as replication reads it.
#[derive(Clone)]
pub struct EntryReader {
    reader: LogReader,
}

impl LogStore {
    /// A store over the log that this ordering thread owns.
    pub fn new(ordering: Ordering) -> LogStore {
        LogStore { ordering }
    }

    fn entry_reader(&self) -> EntryReader {
        EntryReader {
            reader: self.ordering.reader().clone(),
        }
    }
}

impl EntryReader {
    async fn read(
        &self,
        range: impl RangeBounds<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Entry<NodeTypes>>, StoreError> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        let reader = self.reader.clone();
        let read =
            tokio::task::spawn_blocking(move || read_entries(&reader, from, end, bytes_max)).await;
        let entries = match read {
            Ok(entries) => entries,
            Err(ended) => Err(AnyError::new(&ended)),
        };
        entries.map_err(|cause| StorageIOError::read_logs(cause).into())
    }
}

/// Purged entries are left out: openraft asks for them now and then, and takes what there is.
fn read_entries(
    reader: &LogReader,
    from: u64,
    end: u64,
    bytes_max: usize,
) -> Result<Vec<Entry<NodeTypes>>, AnyError> {
    let first_kept = reader.purged().map_or(0, |purged| purged.index + 1);
    let mut entries = Vec::new();
    let mut bytes = 0;
    for entry in reader.entries(from.max(first_kept), end) {
        let entry = entry.map_err(|error| AnyError::new(&error))?;
        bytes += entry.payload.len();
        if bytes > bytes_max && !entries.is_empty() {
            break;
        }
        entries.push(to_raft_entry(entry).map_err(|error| AnyError::new(&error))?);
    }
    Ok(entries)
}

impl RaftLogReader<NodeTypes> for EntryReader {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<NodeTypes>>, StoreError> {
        self.read(range, usize::MAX).await
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry<NodeTypes>>, StoreError> {
        self.read(start..end, READ_BYTES_MAX).await
    }
}

impl RaftLogReader<NodeTypes> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<NodeTypes>>, StoreError> {
        self.entry_reader().read(range, usize::MAX).await
    }
}

impl RaftLogStorage<NodeTypes> for LogStore {
    type LogReader = EntryReader;

    async fn get_log_state(&mut self) -> Result<LogState<NodeTypes>, StoreError> {
        let reader = self.ordering.reader();
        Ok(LogState {
            last_purged_log_id: reader.purged().map(to_log_id),
            last_log_id: reader.last().map(to_log_id),
        })
    }

    async fn get_log_reader(&mut self) -> EntryReader {
        self.entry_reader()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StoreError> {
        let saved = self.ordering.save_vote(from_raft_vote(vote)).await;
        saved.map_err(|error| StorageIOError::write_vote(&error).into())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StoreError> {
        let vote = self
            .ordering
            .vote()
            .await
            .map_err(|error| StorageIOError::read_vote(&error))?;
        Ok(vote.map(to_raft_vote))
    }

    async fn save_committed(&mut self, committed: Option<LogId<u64>>) -> Result<(), StoreError> {
        let saved = self
            .ordering
            .save_committed(committed.as_ref().map(from_log_id))
            .await;
        saved.map_err(|error| StorageIOError::write_logs(&error).into())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId<u64>>, StoreError> {
        let committed = self
            .ordering
            .committed()
            .await
            .map_err(|error| StorageIOError::read_logs(&error))?;
        Ok(committed.map(to_log_id))
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<NodeTypes>,
    ) -> Result<(), StoreError>
    where
        I: IntoIterator<Item = Entry<NodeTypes>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        // What is purged is in a snapshot, hence committed: an entry there needs no second place.
        let first_kept = self
            .ordering
            .reader()
            .purged()
            .map_or(0, |purged| purged.index + 1);
        let kept = entries
            .into_iter()
            .filter(|entry| entry.log_id.index >= first_kept);
        let entries: Result<Vec<_>, _> = kept.map(to_log_entry).collect();
        let entries = entries.map_err(|error| StorageIOError::write_logs(&error))?;
        // Entries must be readable on return, and are so when they are durable: there is nothing to gain by returning early.
        match self.ordering.append(entries).await {
            Ok(()) => {
                callback.log_io_completed(Ok(()));
                Ok(())
            }
            Err(error) => {
                callback.log_io_completed(Err(io::Error::other(error.clone())));
                Err(StorageIOError::write_logs(&error).into())
            }
        }
    }

    async fn truncate(&mut self, log_id: LogId<u64>) -> Result<(), StoreError> {
        let done = self.ordering.truncate_from(log_id.index).await;
        done.map_err(|error| StorageIOError::write_logs(&error).into())
    }

    async fn purge(&mut self, log_id: LogId<u64>) -> Result<(), StoreError> {
        let done = self.ordering.purge_to(from_log_id(&log_id)).await;
        done.map_err(|error| StorageIOError::write_logs(&error).into())
    }
}
