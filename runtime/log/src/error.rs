//! What can go wrong, one enum per operation, each message saying what happened, where, and what to do. Errors that end
//! the log (`Halt`) are kept and answered again by every later write: an `EIO` is never retried.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::entry::EntryId;

/// Why the log takes no more writes. The cause is shared, since it is answered many times.
#[derive(Debug, Clone, Error)]
#[error(
    "the log stopped: {operation} failed on {file} at byte {position} ({cause}); whether the last write is durable is \
     unknown, so nothing more is accepted. Check the disk, then restart: recovery decides what was written"
)]
pub struct Halt {
    pub operation: &'static str,
    pub file: String,
    pub position: u64,
    pub cause: Arc<io::Error>,
}

/// Why a write to the log was not done.
#[derive(Debug, Clone, Error)]
pub enum WriteError {
    /// Nothing was ordered and nothing is lost; the same call may succeed when there is space.
    #[error(
        "the disk is full: {segment_bytes} bytes for the next log segment could not be taken ({cause}); nothing was \
         ordered. Free space, or purge the log after a checkpoint"
    )]
    DiskFull {
        segment_bytes: u64,
        cause: Arc<io::Error>,
    },
    /// An earlier or this write failed in a way that must not be retried.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// The entries do not fit into one write unit. Nothing was written.
    #[error(
        "the entries take {bytes} bytes, a write unit holds at most {bytes_max}; split them or raise the segment size"
    )]
    TooLarge { bytes: u64, bytes_max: u64 },
    /// The caller's entries do not continue the log. Nothing was written.
    #[error("entry {found} does not follow: the next index is {expected}")]
    NotNext { expected: u64, found: u64 },
    /// Entries that were purged cannot be truncated. Nothing was written.
    #[error("cannot truncate from {from}: entries through {purged} are purged")]
    Purged { from: u64, purged: EntryId },
}

/// Why a log could not be opened. Nothing on disk was changed by the variants that speak of damage.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Data that was durable is not there any more.
    #[error(
        "{file} (segment {segment}) is damaged at byte {position}: {what}. The entries from index {first_lost_index} on \
         cannot be trusted, and this is not a torn tail, so the log was not opened and nothing was changed. Keep a copy \
         of the folder, then restore it from another node or from a backup"
    )]
    Damaged {
        file: String,
        segment: u64,
        position: u64,
        first_lost_index: u64,
        what: String,
    },
    /// A whole segment is not there.
    #[error(
        "segment {segment} of the log is missing; the entries from index {first_lost_index} on cannot be read. Nothing \
         was changed. Put the file back, or restore the folder from another node or from a backup"
    )]
    Missing { segment: u64, first_lost_index: u64 },
    /// The file with the vote is not there or unreadable.
    #[error(
        "the file \"state\", which holds this node's vote, {what}. A node that forgets its vote may elect two leaders, so \
         the log was not opened. Restore the folder from a backup, or let the node join again with an empty folder"
    )]
    State { what: String },
    /// The file is of another log.
    #[error(
        "{file} belongs to another log ({found:016x}, this one is {expected:016x}): the folder mixes two"
    )]
    Foreign {
        file: String,
        expected: u64,
        found: u64,
    },
    /// The segment size in the options is out of bounds.
    #[error(
        "a segment of {bytes} bytes is not possible: whole blocks of 4096 between {bytes_min} and {bytes_max}"
    )]
    SegmentSize {
        bytes: u64,
        bytes_min: u64,
        bytes_max: u64,
    },
    /// The disk answered an error.
    #[error("{operation} failed on {file}: {cause}")]
    Disk {
        operation: &'static str,
        file: String,
        cause: io::Error,
    },
}

impl OpenError {
    pub(crate) fn disk(operation: &'static str, file: &str) -> impl FnOnce(io::Error) -> OpenError {
        let file = file.to_string();
        move |cause| OpenError::Disk {
            operation,
            file,
            cause,
        }
    }
}

/// Why an entry could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The entry is not kept any more.
    #[error("entry {index} was purged; the oldest entry is {oldest}")]
    Purged { index: u64, oldest: u64 },
    /// What was durable is damaged.
    #[error(
        "{file} (segment {segment}) is damaged at byte {position}: entry {index} cannot be read. Restore the folder from another node or from a backup"
    )]
    Damaged {
        file: String,
        segment: u64,
        position: u64,
        index: u64,
    },
    /// The disk answered an error.
    #[error("reading {file} failed: {cause}")]
    Disk { file: String, cause: io::Error },
}
