//! The ordered log. Entries, in the shape raft needs, are appended in write units to preallocated segments; a unit is
//! durable before the append answers. Segments are reused after a purge. Recovery cuts a torn tail and refuses anything
//! worse, with the position and what to do.
//!
//! ```text
//!   folder:   state (vote, twice)   segment-00000001.log   segment-00000002.log   segment-00000003.log (spare)
//!   segment:  header │ header │ unit n │ unit n+1 │ unit n+2 │ zeros, or stale units of another salt …
//!   unit:     head { number, salt, checksum of unit n-1, synced through, committed, checksums } body, padding to 4096
//!   body:     entries { term, kind, payload }  or  truncate from  or  purge through
//!
//!   one owner ── Log::append ─► Disk (real, or simulated with crashes) ◄─ LogReader ── any thread
//! ```
//!
//! One thread owns the `Log` and may append unit k+1 while others still work on the entries of unit k.
#![forbid(unsafe_code)]

pub mod limits;

mod entry;
mod error;

mod buffer;
mod disk;
mod real_disk;
mod simulated_disk;
mod simulated_state;

mod bytes;
mod header;
mod segment_image;
mod state_file;
mod unit;

mod failpoint;
mod index;
mod log;
mod reader;
mod spares;

mod folder;
mod recovery;

mod fuzzing;

pub use buffer::AlignedBuffer;
pub use disk::{Disk, DiskFile, Syncing, WriteStyle};
pub use entry::{Entry, EntryId, EntryKind, EntryRef, Vote};
pub use error::{Halt, OpenError, ReadError, WriteError};
pub use failpoint::{Failpoints, Point};
pub use fuzzing::{seal_segment_bytes, visit_segment_bytes};
pub use header::{ActiveSegment, SegmentHeader};
pub use log::{Appended, Durability, Log, Options};
pub use reader::{EntryIterator, LogReader};
pub use real_disk::RealDisk;
pub use recovery::{Recovery, TornTail};
pub use segment_image::{
    LaterUnit, SegmentEnd, SegmentImage, SegmentUnreadable, read_segment_bytes,
};
pub use simulated_disk::SimulatedDisk;
pub use simulated_state::Honesty;
pub use unit::{Entries, UnitContent, UnitHead, UnitView};
