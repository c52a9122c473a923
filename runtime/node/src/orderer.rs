//! The ordering thread: collects what waits, stamps a batch, makes it durable, hands it to the loop.
//!
//! Always true: op numbers have no gaps; a batch reaches the loop only after its log entry is durable; while one batch is
//! written, the loop executes the one before. A log that refuses (full disk) fails the requests of that batch and no
//! other; a log that halted fails all that follow.

use crate::handle::Counters;
use crate::limits::{BATCH_OPS_MAX, BATCH_STEPS_MAX};
use crate::persister::Persisted;
use crate::processing::Staged;
use crate::request::{Answering, Request, SubmitError, op_bytes};
use crate::step::step;
use crate::steps::Steps;
use rc_bytecode::hash::fold_multiply;
use rc_engine::{Batch, Call, Op, Step};
use rc_log::{EntryKind, EntryRef, Log};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the loop gets: its one queue.
pub(crate) enum Ordered {
    Batch {
        batch: Batch,
        encoded: Vec<u8>,
        raft_term: u64,
        raft_index: u64,
        /// How many ops each caller sent, and its callback, in order.
        callers: Vec<(usize, Answering)>,
    },
    Queries {
        calls: Vec<Call>,
        answer: Answering,
    },
    Code(Staged),
    Persisted(Persisted),
    /// The disk is out of space: a checkpoint lets the log drop what it covers, and events may have room again.
    Cut,
    /// Nothing more will be ordered.
    End,
}

/// Since start.
#[derive(Debug, Default)]
pub(crate) struct OrderCounters {
    pub batches: AtomicU64,
    pub ops: AtomicU64,
    /// Encoded batch bytes.
    pub bytes: AtomicU64,
}

pub(crate) struct Orderer {
    pub log: Log,
    pub cluster_id: u128,
    pub next_op: u64,
    pub last_now: i64,
    pub chain: u64,
    pub term: u64,
    /// Grows by one with each batch; mixed with `seed_base` into batch seeds.
    pub seed_counter: u64,
    pub seed_base: u64,
    pub counters: Arc<Counters>,
    /// Set by the loop: log entries up to here are covered by a checkpoint.
    pub purge_through: Arc<AtomicU64>,
    pub to_loop: SyncSender<Ordered>,
    /// Jobs that have a step to do.
    pub steps: Steps,
    /// The log refused: steps wait for the next request, so that a full disk is not asked again and again.
    pub steps_refused: bool,
    /// What fits into a write unit of the log.
    pub batch_bytes_max: usize,
}

const NO_EVENT_ROOM: &str = "the disk is full: there is no room for the events of more commands; nothing was ordered. Free space";

/// What one pass takes out of the queue.
#[derive(Default)]
struct Gathered {
    ops: Vec<Op>,
    callers: Vec<(usize, Answering)>,
    bytes: usize,
    queries: Vec<(Vec<Call>, Answering)>,
    stop: bool,
}

impl Gathered {
    fn is_full(&self) -> bool {
        self.stop || self.ops.len() >= BATCH_OPS_MAX || self.queries.len() >= BATCH_OPS_MAX
    }

    /// Gives the request back where it does not fit.
    fn take(&mut self, request: Request, bytes_max: usize) -> Option<Request> {
        match request {
            Request::Ops { ops, bytes, answer } => {
                let fits =
                    self.ops.len() + ops.len() <= BATCH_OPS_MAX && self.bytes + bytes <= bytes_max;
                if !fits && !self.ops.is_empty() {
                    return Some(Request::Ops { ops, bytes, answer });
                }
                self.bytes += bytes;
                self.callers.push((ops.len(), answer));
                if self.ops.is_empty() {
                    self.ops = ops;
                } else {
                    self.ops.extend(ops);
                }
            }
            Request::Queries { calls, answer, .. } => self.queries.push((calls, answer)),
            Request::Look => {}
            Request::Stop => self.stop = true,
        }
        None
    }
}

impl Orderer {
    pub fn run(mut self, requests: Receiver<Request>) {
        let mut carried: Option<Request> = None;
        loop {
            let Some(first) = carried.take().or_else(|| self.next(&requests)) else {
                return;
            };
            let mut gathered = Gathered::default();
            let mut next = Some(first);
            while let Some(request) = next.take() {
                let bytes = match &request {
                    Request::Ops { bytes, .. } | Request::Queries { bytes, .. } => *bytes,
                    Request::Look | Request::Stop => 0,
                };
                carried = gathered.take(request, self.batch_bytes_max);
                if carried.is_some() {
                    break;
                }
                self.counters
                    .queued_bytes
                    .fetch_sub(bytes, Ordering::Relaxed);
                if !gathered.is_full() {
                    next = requests.try_recv().ok();
                }
            }
            // A node that ends begins no more steps; the next start goes on with them.
            let steps = match gathered.stop {
                true => Vec::new(),
                false => self.steps.take(BATCH_STEPS_MAX),
            };
            if !gathered.callers.is_empty() || !steps.is_empty() {
                self.order(gathered.ops, gathered.callers, steps);
            }
            // After the ops: a query sees all that was submitted before it, and perhaps what came at the same time.
            for (calls, answer) in gathered.queries {
                self.pass_on(Ordered::Queries { calls, answer });
            }
            self.purge();
            if gathered.stop {
                return;
            }
        }
    }

    /// Waits for a request; a step that waits is reason enough to look at once.
    fn next(&self, requests: &Receiver<Request>) -> Option<Request> {
        if self.steps_refused || self.steps.is_empty() {
            return requests.recv().ok();
        }
        match requests.try_recv() {
            Ok(request) => Some(request),
            Err(TryRecvError::Empty) => Some(Request::Look),
            Err(TryRecvError::Disconnected) => None,
        }
    }

    /// To the loop; if that has gone, what is passed on answers by itself.
    fn pass_on(&self, ordered: Ordered) {
        if self.to_loop.send(ordered).is_err() {
            self.counters.halt("the loop has stopped");
        }
    }

    /// Makes a batch durable and passes it on. Steps stand behind the commands.
    fn order(&mut self, mut ops: Vec<Op>, callers: Vec<(usize, Answering)>, steps: Vec<Step>) {
        self.steps_refused = true;
        ops.extend(steps.iter().copied().map(Op::Step));
        if let Some(reason) = self.counters.halt.get() {
            return refuse(callers, SubmitError::Halted(reason.clone()));
        }
        if self.counters.events_full.load(Ordering::Acquire) {
            self.pass_on(Ordered::Cut);
            self.steps.put(steps);
            return refuse(callers, SubmitError::LogRefused(NO_EVENT_ROOM.to_string()));
        }
        let clock = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as i64);
        self.seed_counter += 1;
        let count = ops.len() as u64;
        let deploys = ops.iter().any(|op| matches!(op, Op::Deploy(_)));
        let batch = Batch {
            cluster_id: self.cluster_id,
            base_op: self.next_op,
            now: clock.max(self.last_now),
            seed: fold_multiply(self.seed_base ^ self.seed_counter, 0x9E37_79B9_7F4A_7C15),
            chain: self.chain,
            key_id: 0,
            ops,
        };
        let mut encoded = Vec::with_capacity(96 + batch.ops.iter().map(op_bytes).sum::<usize>());
        batch.encode(&mut encoded);
        let index = self.log.last().map_or(1, |last| last.index + 1);
        let kind = if deploys {
            EntryKind::DEPLOY
        } else {
            EntryKind::COMMANDS
        };
        let entry = EntryRef {
            term: self.term,
            index,
            kind,
            payload: &encoded,
        };
        if let Err(error) = self.log.append(&[entry]) {
            return match self.log.halted() {
                Some(halt) => {
                    let reason = halt.to_string();
                    self.counters.halt(&reason);
                    refuse(callers, SubmitError::Halted(reason));
                }
                None => {
                    self.pass_on(Ordered::Cut);
                    self.steps.put(steps);
                    refuse(callers, SubmitError::LogRefused(error.to_string()));
                }
            };
        }
        self.steps_refused = false;
        step("passing on a durable batch");
        self.next_op += count;
        self.last_now = batch.now;
        self.chain = Batch::chain_hash(&encoded);
        let counters = &self.counters.order;
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.ops.fetch_add(count, Ordering::Relaxed);
        counters
            .bytes
            .fetch_add(encoded.len() as u64, Ordering::Relaxed);
        self.pass_on(Ordered::Batch {
            batch,
            encoded,
            raft_term: self.term,
            raft_index: index,
            callers,
        });
    }

    /// Drops log entries that a checkpoint covers. A failure leaves the log longer, nothing else.
    fn purge(&mut self) {
        let through = self.purge_through.swap(0, Ordering::AcqRel);
        if through == 0 || self.log.first_index().is_none_or(|first| first > through) {
            return;
        }
        let term = self.term;
        if let Err(error) = self.log.purge_to(rc_log::EntryId {
            term,
            index: through,
        }) {
            eprintln!("the log could not be shortened: {error}");
        }
    }
}

/// However this thread ends, the loop learns of it.
impl Drop for Orderer {
    fn drop(&mut self) {
        let _ = self.to_loop.send(Ordered::End);
    }
}

fn refuse(callers: Vec<(usize, Answering)>, error: SubmitError) {
    for (_, answer) in callers {
        answer.answer(Err(error.clone()));
    }
}
