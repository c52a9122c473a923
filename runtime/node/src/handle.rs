//! The way into a running node, for any thread, and its counters.
//!
//! Always true: `submit` never blocks; what it cannot take within the bounds on requests and bytes is answered at once.

use crate::catalog_view::{CatalogView, SharedCatalog};
use crate::events::EventFeed;
use crate::limits::{BATCH_OPS_MAX, QUEUE_BYTES_MAX};
use crate::orderer::{OrderCounters, Ordered};
use crate::processing::Staged;
use crate::request::{Answering, Request, SubmitError, Work, call_bytes, op_bytes};
use rc_jit::Compiled;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};

/// Written by the threads, read by anyone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub ops: AtomicU64,
    pub events: AtomicU64,
    pub event_bytes: AtomicU64,
    pub digest: AtomicU64,
    pub checkpoint_epoch: AtomicU64,
    pub longest_pause_nanoseconds: AtomicU64,
    /// Set once: why nothing more is ordered.
    pub halt: OnceLock<String>,
    /// The disk has no space for the events of more ops; the loop looks again whenever something was refused for it.
    pub events_full: AtomicBool,
    /// Bytes of requests that wait to be ordered.
    pub queued_bytes: AtomicUsize,
    pub order: OrderCounters,
}

impl Counters {
    /// Halts; only the first reason counts, and is shown.
    pub fn halt(&self, reason: &str) {
        if self.halt.set(reason.to_string()).is_ok() {
            eprintln!(
                "halted after op {}: {reason}",
                self.ops.load(Ordering::Relaxed)
            );
        }
    }
}

/// Counters as of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The last applied op.
    pub op: u64,
    pub batches: u64,
    /// Ops ordered since start.
    pub ops_ordered: u64,
    /// Encoded bytes of the batches ordered since start.
    pub log_bytes: u64,
    pub events: u64,
    /// Bytes of all event segments.
    pub event_bytes: u64,
    pub digest: u64,
    pub halted: bool,
    pub checkpoint_epoch: u64,
    pub longest_pause_nanoseconds: u64,
}

/// Reaches a running node from any thread. Cheap to clone; does not keep the node from closing.
#[derive(Clone)]
pub struct Handle {
    pub(crate) requests: SyncSender<Request>,
    /// What fits into one batch, and so into one request.
    pub(crate) batch_bytes_max: usize,
    pub(crate) to_loop: SyncSender<Ordered>,
    pub(crate) catalog: SharedCatalog,
    pub(crate) feed: EventFeed,
    pub(crate) counters: Arc<Counters>,
}

impl Handle {
    /// Queues work; its callback is called exactly once, also where this answers with an error.
    pub fn submit(&self, work: Work) {
        let (count, request, bytes) = match work {
            Work::Ops { ops, answer } => {
                let bytes = ops.iter().map(op_bytes).sum();
                (
                    ops.len(),
                    Request::Ops {
                        ops,
                        bytes,
                        answer: Answering::new(answer),
                    },
                    bytes,
                )
            }
            Work::Queries { calls, answer } => {
                let bytes = calls.iter().map(call_bytes).sum();
                (
                    calls.len(),
                    Request::Queries {
                        calls,
                        bytes,
                        answer: Answering::new(answer),
                    },
                    bytes,
                )
            }
        };
        if count > BATCH_OPS_MAX || bytes > self.batch_bytes_max {
            return refuse(
                request,
                SubmitError::TooLarge {
                    max_bytes: self.batch_bytes_max,
                },
            );
        }
        let queued = &self.counters.queued_bytes;
        if queued.fetch_add(bytes, Ordering::Relaxed) + bytes > QUEUE_BYTES_MAX {
            queued.fetch_sub(bytes, Ordering::Relaxed);
            return refuse(request, SubmitError::Busy);
        }
        match self.requests.try_send(request) {
            Ok(()) => {}
            Err(TrySendError::Full(request)) => {
                queued.fetch_sub(bytes, Ordering::Relaxed);
                refuse(request, SubmitError::Busy);
            }
            Err(TrySendError::Disconnected(request)) => refuse(request, SubmitError::closed()),
        }
    }

    /// Installs machine code for a module; returns when the loop has it. To be done before its deployment is submitted.
    pub fn install_code(
        &self,
        content_hash: [u8; 32],
        code: Arc<Compiled>,
    ) -> Result<(), SubmitError> {
        let (installed, wait) = mpsc::channel();
        let staged = Ordered::Code(Staged {
            content_hash,
            code,
            installed,
        });
        self.to_loop
            .send(staged)
            .map_err(|_| SubmitError::closed())?;
        wait.recv().map_err(|_| SubmitError::closed())
    }

    pub fn catalog(&self) -> Arc<CatalogView> {
        self.catalog.get()
    }

    pub fn feed(&self) -> EventFeed {
        self.feed.clone()
    }

    pub fn metrics(&self) -> Metrics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Metrics {
            op: of(&counters.ops),
            batches: of(&counters.order.batches),
            ops_ordered: of(&counters.order.ops),
            log_bytes: of(&counters.order.bytes),
            events: of(&counters.events),
            event_bytes: of(&counters.event_bytes),
            digest: of(&counters.digest),
            halted: counters.halt.get().is_some(),
            checkpoint_epoch: of(&counters.checkpoint_epoch),
            longest_pause_nanoseconds: of(&counters.longest_pause_nanoseconds),
        }
    }
}

fn refuse(request: Request, error: SubmitError) {
    match request {
        Request::Ops { answer, .. } | Request::Queries { answer, .. } => answer.answer(Err(error)),
        Request::Look | Request::Stop => {}
    }
}
