//! Bounds and cadences of a node, a sentence each.

/// Ops in one batch at most: what one pass of the loop takes.
/// Steps of jobs in one batch at most, one of each job: what a command waits for behind them.
pub(crate) const BATCH_STEPS_MAX: usize = 4;
pub const BATCH_OPS_MAX: usize = 8_192;
/// Argument bytes in one batch at most; keeps a write unit well below a log segment.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// Requests that may wait to be ordered; above it `submit` answers `Busy`.
pub const QUEUE_REQUESTS_MAX: usize = 65_536;
/// Ordered batches that may wait for the loop.
pub const QUEUE_BATCHES_MAX: usize = 4;
/// Log bytes after which a checkpoint starts; with the loop's rate it bounds replay time.
pub const CHECKPOINT_LOG_BYTES: u64 = 256 << 20;
/// Bytes of one event segment file.
pub const EVENT_SEGMENT_BYTES: u64 = 256 << 20;
/// How many log bytes the feed index skips between two entries.
pub const EVENT_INDEX_BYTES: u64 = 64 << 10;
/// Bytes of requests that may wait to be ordered; above it `submit` answers `Busy`.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes of disk that are taken ahead for events: more than the batches between ordering and execution usually emit.
pub const EVENT_ROOM_BYTES: u64 = 4 << 20;
