//! What comes into a node and what goes back.

use rc_engine::{Call, Op, Reply};

/// Where an outcome goes. Called exactly once, on a thread of the node's or on the submitter's: it only hands on.
pub type Callback = Box<dyn FnOnce(Result<Answer, SubmitError>) + Send>;

/// One piece of work. Its replies come together, through the callback, on the loop's thread: the callback only hands
/// them on.
pub enum Work {
    /// Ops to be ordered, in this order, in one batch or several adjacent ones.
    Ops { ops: Vec<Op>, answer: Callback },
    /// Queries, run at one position, after all that was submitted before.
    Queries { calls: Vec<Call>, answer: Callback },
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

/// A callback that is called even if it is lost on the way: in a queue that closes, on a thread that ends.
pub(crate) struct Answering(Option<Callback>);

impl Answering {
    pub fn new(callback: Callback) -> Answering {
        Answering(Some(callback))
    }

    pub fn answer(mut self, result: Result<Answer, SubmitError>) {
        if let Some(callback) = self.0.take() {
            callback(result);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(SubmitError::closed()));
        }
    }
}

impl SubmitError {
    pub(crate) fn closed() -> SubmitError {
        SubmitError::Halted("the node is closed".to_string())
    }
}

/// What waits to be ordered.
pub(crate) enum Request {
    Ops {
        ops: Vec<Op>,
        bytes: usize,
        answer: Answering,
    },
    Queries {
        calls: Vec<Call>,
        bytes: usize,
        answer: Answering,
    },
    /// A checkpoint covers a part of the log, or a job has a step to do.
    Look,
    /// Everything before this is answered; nothing after it.
    Stop,
}

/// Bytes of an op in a batch, at most.
pub(crate) fn op_bytes(op: &Op) -> usize {
    match op {
        Op::Call(call) => call_bytes(call),
        Op::Deploy(deploy) => HEAD_BYTES_MAX + deploy.module.len() + deploy.source.len(),
        Op::OpenSession { .. } | Op::Step(_) => HEAD_BYTES_MAX,
    }
}

pub(crate) fn call_bytes(call: &Call) -> usize {
    HEAD_BYTES_MAX + call.arguments.len()
}

/// Everything of an op but its arguments, with each number at its longest.
const HEAD_BYTES_MAX: usize = 72;
