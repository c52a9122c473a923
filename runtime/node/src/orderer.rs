//! The ordering thread: collects what waits, stamps a batch, makes it durable, hands it to the loop.
//!
//! Always true: op numbers have no gaps; a batch reaches the loop only after its log entry is durable; while one batch is
//! written, the loop executes the one before. A log that refuses (full disk) fails the requests of that batch and no
//! other; a log that halted fails all that follow.

use crate::limits::{BATCH_BYTES_MAX, BATCH_OPS_MAX};
use crate::request::{Answer, SubmitError, Work, op_bytes};
use rc_bytecode::hash::fold_multiply;
use rc_engine::{Batch, Call, Op};
use rc_log::{EntryKind, EntryRef, Log};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) type AnswerFn = Box<dyn FnOnce(Result<Answer, SubmitError>) + Send>;

/// What the loop gets.
pub(crate) enum Ordered {
    Batch {
        batch: Batch,
        encoded: Vec<u8>,
        raft_term: u64,
        raft_index: u64,
        /// How many ops each caller sent, and its callback, in order.
        callers: Vec<(usize, AnswerFn)>,
    },
    Queries { calls: Vec<Call>, answer: AnswerFn },
    /// The log halted or was closed: no more will come.
    End(String),
}

/// Log figures for metrics.
#[derive(Debug, Default)]
pub(crate) struct LogCounters {
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
    pub counters: Arc<LogCounters>,
    /// Set by the persister: log entries up to here are covered by a checkpoint.
    pub purge_through: Arc<AtomicU64>,
}

impl Orderer {
    pub fn run(mut self, requests: Receiver<Work>, ordered: SyncSender<Ordered>) {
        let mut carried: Option<Work> = None;
        loop {
            let first = match carried.take() {
                Some(work) => work,
                None => match requests.recv() {
                    Ok(work) => work,
                    Err(_) => {
                        let _ = ordered.send(Ordered::End("closed".to_string()));
                        return;
                    }
                },
            };
            let (mut ops, mut callers, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut queries = Vec::new();
            let mut next = Some(first);
            while let Some(work) = next {
                let size = work.argument_bytes();
                let fits = bytes + size <= BATCH_BYTES_MAX || (ops.is_empty() && callers.is_empty());
                match work {
                    Work::Ops { ops: more, answer } if fits && ops.len() + more.len() <= BATCH_OPS_MAX => {
                        bytes += size;
                        callers.push((more.len(), answer));
                        ops.extend(more);
                    }
                    // A query runs after what was ordered before it and before what comes after, so it ends the batch.
                    Work::Queries { calls, answer } => queries.push((calls, answer)),
                    work => {
                        carried = Some(work);
                        break;
                    }
                }
                if ops.len() >= BATCH_OPS_MAX || queries.len() >= BATCH_OPS_MAX {
                    break;
                }
                next = requests.try_recv().ok();
                if !queries.is_empty() && matches!(next, Some(Work::Ops { .. })) {
                    carried = next.take();
                }
            }
            if !ops.is_empty() && !self.order(ops, callers, &ordered) {
                return;
            }
            for (calls, answer) in queries {
                if ordered.send(Ordered::Queries { calls, answer }).is_err() {
                    return;
                }
            }
            self.purge();
        }
    }

    /// Makes a batch durable and passes it on; false = the loop has gone.
    fn order(&mut self, ops: Vec<Op>, callers: Vec<(usize, AnswerFn)>, ordered: &SyncSender<Ordered>) -> bool {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64);
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
        let kind = if deploys { EntryKind::DEPLOY } else { EntryKind::COMMANDS };
        let entry = EntryRef { term: self.term, index, kind, payload: &encoded };
        if let Err(error) = self.log.append(&[entry]) {
            let failure = match self.log.halted() {
                Some(halt) => SubmitError::Halted(halt.to_string()),
                None => SubmitError::LogRefused(error.to_string()),
            };
            for (_, answer) in callers {
                answer(Err(failure.clone()));
            }
            return true;
        }
        self.next_op += count;
        self.last_now = batch.now;
        self.chain = Batch::chain_hash(&encoded);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters.ops.fetch_add(count, Ordering::Relaxed);
        self.counters.bytes.fetch_add(encoded.len() as u64, Ordering::Relaxed);
        let (raft_term, raft_index) = (self.term, index);
        ordered.send(Ordered::Batch { batch, encoded, raft_term, raft_index, callers }).is_ok()
    }

    /// Drops log entries that a checkpoint covers. A failure leaves the log longer, nothing else.
    fn purge(&mut self) {
        let through = self.purge_through.swap(0, Ordering::AcqRel);
        if through == 0 || self.log.first_index().is_none_or(|first| first > through) {
            return;
        }
        let term = self.term;
        if let Err(error) = self.log.purge_to(rc_log::EntryId { term, index: through }) {
            eprintln!("the log could not be shortened: {error}");
        }
    }
}
