//! What comes into a node and what goes back.

use rc_engine::{Call, Op, Reply};

/// One piece of work. Its replies come together, through the callback, on the loop's thread: the callback only hands
/// them on.
pub enum Work {
    /// Ops to be ordered, in this order, in one batch or several adjacent ones.
    Ops { ops: Vec<Op>, answer: Box<dyn FnOnce(Result<Answer, SubmitError>) + Send> },
    /// Queries, run at one position after all that was ordered before.
    Queries { calls: Vec<Call>, answer: Box<dyn FnOnce(Result<Answer, SubmitError>) + Send> },
}

/// Replies in the order of the ops or queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For ops: the number of the first. For queries: the last op that they saw.
    pub op: u64,
    /// As stamped, nanoseconds since 1970.
    pub time: i64,
    pub replies: Vec<Reply>,
}

/// Why work was not taken, or not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Nothing was ordered: try again later.
    #[error("the node is busy: too many requests are waiting")]
    Busy,
    /// Nothing was ordered.
    #[error("the log cannot take more: {0}")]
    LogRefused(String),
    /// The node has halted. What was sent may or may not have been ordered: ask again with the same idempotency key.
    #[error("the node has halted: {0}")]
    Halted(String),
    /// Nothing was ordered: the request is larger than a batch may be.
    #[error("the request is too large: at most {max_bytes} bytes of arguments in one")]
    TooLarge { max_bytes: usize },
}

impl Work {
    pub(crate) fn fail(self, error: SubmitError) {
        match self {
            Work::Ops { answer, .. } | Work::Queries { answer, .. } => answer(Err(error)),
        }
    }

    pub(crate) fn argument_bytes(&self) -> usize {
        match self {
            Work::Ops { ops, .. } => ops.iter().map(op_bytes).sum(),
            Work::Queries { calls, .. } => calls.iter().map(|call| call.arguments.len()).sum(),
        }
    }
}

pub(crate) fn op_bytes(op: &Op) -> usize {
    match op {
        Op::Call(call) => 48 + call.arguments.len(),
        Op::Deploy(deploy) => 48 + deploy.module.len() + deploy.source.len(),
        Op::OpenSession { .. } => 24,
    }
}
