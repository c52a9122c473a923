//! Where a recorded disk stands: how many writes and flushes it has noted.
//! Always true: it only grows; it stays 0 for a disk that nobody records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by the disk, which moves it, and the clients, who note it beside what they send and are answered.
#[derive(Clone, Debug, Default)]
pub struct DiskClock(Arc<AtomicU64>);

impl DiskClock {
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// One more write or flush.
    pub fn tick(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
