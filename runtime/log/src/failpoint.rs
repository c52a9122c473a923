//! Counters of the places where a crash must be tried: how often each was entered, and how often it was left. A crash run
//! that did not stop inside each of them is not done. Always true: counting changes nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A stretch of work that a crash can interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    Append,
    Truncate,
    Purge,
    /// The last segment is full and the next begins.
    Roll,
    /// A segment's header is rewritten, twice.
    HeaderWrite,
    /// The state file (vote, segments begun) is rewritten, twice.
    StateWrite,
    /// A new segment is filled with zeros and given its name.
    Preparation,
    /// A purged segment is marked free, or removed.
    Freeing,
    /// The whole of opening an existing log.
    Recovery,
    /// A torn tail is overwritten with zeros.
    TailCut,
}

impl Point {
    /// All points.
    pub const ALL: [Point; 10] = [
        Point::Append,
        Point::Truncate,
        Point::Purge,
        Point::Roll,
        Point::HeaderWrite,
        Point::StateWrite,
        Point::Preparation,
        Point::Freeing,
        Point::Recovery,
        Point::TailCut,
    ];
}

/// Shared counters; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Failpoints {
    counts: Arc<[(AtomicU64, AtomicU64); Point::ALL.len()]>,
    watch: Option<fn(Point)>,
}

impl Failpoints {
    /// Counters that also call `watch` as a point is entered, so that a crash test can end the process inside it.
    pub fn watched(watch: fn(Point)) -> Failpoints {
        Failpoints {
            watch: Some(watch),
            ..Failpoints::default()
        }
    }

    pub(crate) fn enter(&self, point: Point) {
        self.counts[point as usize]
            .0
            .fetch_add(1, Ordering::Relaxed);
        if let Some(watch) = self.watch {
            watch(point);
        }
    }

    pub(crate) fn leave(&self, point: Point) {
        self.counts[point as usize]
            .1
            .fetch_add(1, Ordering::Relaxed);
    }

    /// How often the point was entered.
    pub fn entered(&self, point: Point) -> u64 {
        self.counts[point as usize].0.load(Ordering::Relaxed)
    }

    /// How often it was entered and never left: a crash or an error stopped it.
    pub fn interrupted(&self, point: Point) -> u64 {
        self.entered(point) - self.counts[point as usize].1.load(Ordering::Relaxed)
    }
}
