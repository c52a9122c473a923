//! How a canvas is made, and what it counts: plain numbers, read by others.

use crate::address::PageShift;

/// How a canvas is made.
#[derive(Clone, Copy, Debug)]
pub struct CanvasOptions {
    /// The page size.
    pub page_shift: PageShift,
    /// The most bytes of pages in memory; touches beyond it are refused. Address space for as much is reserved.
    pub memory_bytes_max: u64,
    /// A monotonic clock in nanoseconds, used for `longest_pause_nanoseconds` alone. The canvas has no clock of its own.
    pub stopwatch: Option<fn() -> u64>,
}

impl CanvasOptions {
    /// Pages of the given size, at most 256 GiB of them, no stopwatch.
    pub const fn new(page_shift: PageShift) -> CanvasOptions {
        CanvasOptions {
            page_shift,
            memory_bytes_max: 1 << 38,
            stopwatch: None,
        }
    }
}

/// What happened so far, for metrics.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CanvasCounters {
    /// Pages in memory.
    pub resident_pages: u64,
    /// Pages changed since the last cut.
    pub dirty_pages: u64,
    /// Touches that needed more than one look at the page table.
    pub slow_touches: u64,
    /// Read touches of absent pages.
    pub absent_touches: u64,
    /// Pages whose old contents the loop set aside for a running checkpoint.
    pub pages_set_aside: u64,
    /// Write touches that met the persister in the middle of copying that page.
    pub waits_for_persister: u64,
    /// Pages in the last cut.
    pub cut_pages: u64,
    /// Checkpoints begun.
    pub checkpoints_begun: u64,
    /// The longest that a checkpoint held up the loop at once (the cut itself, or one page); 0 without a stopwatch.
    pub longest_pause_nanoseconds: u64,
}
