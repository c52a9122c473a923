//! The cost vector: what one run may use at most. Arithmetic saturates; a saturated dimension is refused
//! by the ceilings, never shown as a number.

/// One dimension each; names are the same in the language, the tools and the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cost {
    /// Priced instructions.
    pub steps: u64,
    /// `touch` for reading and for writing: every touch reads.
    pub pages_read: u64,
    /// `touch` for writing.
    pub pages_written: u64,
    /// Bytes stored to pages.
    pub bytes_written: u64,
    /// Packed bytes of emitted events.
    pub event_bytes: u64,
    /// Packed bytes of the result or failure.
    pub reply_bytes: u64,
    /// Frame bytes on the deepest call path: a maximum, not a sum.
    pub scratch_bytes: u64,
}

impl Cost {
    pub const ZERO: Cost = Cost {
        steps: 0,
        pages_read: 0,
        pages_written: 0,
        bytes_written: 0,
        event_bytes: 0,
        reply_bytes: 0,
        scratch_bytes: 0,
    };

    /// One after the other. Scratch is held, so the larger counts.
    pub fn then(self, next: Cost) -> Cost {
        Cost {
            steps: self.steps.saturating_add(next.steps),
            pages_read: self.pages_read.saturating_add(next.pages_read),
            pages_written: self.pages_written.saturating_add(next.pages_written),
            bytes_written: self.bytes_written.saturating_add(next.bytes_written),
            event_bytes: self.event_bytes.saturating_add(next.event_bytes),
            reply_bytes: self.reply_bytes.max(next.reply_bytes),
            scratch_bytes: self.scratch_bytes.max(next.scratch_bytes),
        }
    }

    /// Either one: the larger in each dimension.
    pub fn or(self, other: Cost) -> Cost {
        Cost {
            steps: self.steps.max(other.steps),
            pages_read: self.pages_read.max(other.pages_read),
            pages_written: self.pages_written.max(other.pages_written),
            bytes_written: self.bytes_written.max(other.bytes_written),
            event_bytes: self.event_bytes.max(other.event_bytes),
            reply_bytes: self.reply_bytes.max(other.reply_bytes),
            scratch_bytes: self.scratch_bytes.max(other.scratch_bytes),
        }
    }

    /// `count` times in a row.
    pub fn times(self, count: u64) -> Cost {
        Cost {
            steps: self.steps.saturating_mul(count),
            pages_read: self.pages_read.saturating_mul(count),
            pages_written: self.pages_written.saturating_mul(count),
            bytes_written: self.bytes_written.saturating_mul(count),
            event_bytes: self.event_bytes.saturating_mul(count),
            reply_bytes: self.reply_bytes,
            scratch_bytes: self.scratch_bytes,
        }
    }

    pub fn steps(steps: u64) -> Cost {
        Cost {
            steps,
            ..Cost::ZERO
        }
    }

    /// Whether each dimension is within `bound`.
    pub fn within(&self, bound: &Cost) -> bool {
        self.dimensions()
            .iter()
            .zip(bound.dimensions())
            .all(|((_, used), (_, most))| *used <= most)
    }

    /// The dimensions by name, in the order in which tools show them.
    pub fn dimensions(&self) -> [(&'static str, u64); 7] {
        [
            ("steps", self.steps),
            ("pages_read", self.pages_read),
            ("pages_written", self.pages_written),
            ("bytes_written", self.bytes_written),
            ("event_bytes", self.event_bytes),
            ("reply_bytes", self.reply_bytes),
            ("scratch_bytes", self.scratch_bytes),
        ]
    }
}
