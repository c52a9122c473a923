//! openraft over our log: the log store that openraft asks for, and the thread that owns the log. Commands travel in
//! batches, one batch an entry, opaque here. openraft stays behind `log_store` and `entry_format`: what is below them
//! (`ordering`) knows only our log, so that another raft can take its place.
//!
//! ```text
//!   openraft core ─► LogStore ─► Ordering (a channel) ─► ordering thread ─► rc_log::Log ─► disk
//!   replication  ─► EntryReader ────────────────────────────────────────► rc_log::LogReader
//! ```
#![forbid(unsafe_code)]

mod ordering;

mod entry_format;
mod log_store;
mod raft_types;

pub use entry_format::EntryFormatError;
pub use log_store::{EntryReader, LogStore};
pub use ordering::{Ordering, OrderingError};
pub use raft_types::{BatchOutcome, NodeTypes, OrderedPayload};
