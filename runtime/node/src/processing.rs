//! The loop: the only thread that writes the canvas. One batch at a time: apply, answer, events, checkpoint cadence.
//!
//! Always true: answers go out in op order; a halt answers everything after it with the reason; a checkpoint is cut
//! between batches and never waited for.

use crate::events::EventWriter;
use crate::node::{CatalogView, LoopCounters, SharedCatalog};
use crate::orderer::Ordered;
use crate::persister::{Persisted, ToPersist};
use crate::request::{Answer, SubmitError};
use rc_engine::{Applied, Engine, Reply};
use rc_jit::Compiled;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// How often an idle loop looks at what the persister finished.
const IDLE: Duration = Duration::from_millis(50);

/// Code for the engine, made by another thread; acknowledged so that a deployment is ordered after it is there.
pub(crate) struct Staged {
    pub content_hash: [u8; 32],
    pub code: Arc<Compiled>,
    pub installed: Sender<()>,
}

pub(crate) struct Processing {
    pub engine: Engine,
    pub events: EventWriter,
    pub catalog: SharedCatalog,
    pub counters: Arc<LoopCounters>,
    pub checkpoint_log_bytes: u64,
    pub purge_through: Arc<AtomicU64>,
    /// Log bytes applied since the last cut.
    pub since_cut: u64,
    pub raft_term: u64,
    pub raft_index: u64,
}

impl Processing {
    pub fn run(
        mut self,
        ordered: Receiver<Ordered>,
        staged: Receiver<Staged>,
        cuts: Sender<ToPersist>,
        persisted: Receiver<Persisted>,
    ) {
        let mut applied = Applied::default();
        let mut halted: Option<String> = None;
        loop {
            while let Ok(staged) = staged.try_recv() {
                self.engine.install_code(staged.content_hash, staged.code);
                let _ = staged.installed.send(());
            }
            while let Ok(done) = persisted.try_recv() {
                self.finish_checkpoint(done);
            }
            match ordered.recv_timeout(IDLE) {
                Ok(Ordered::Batch { batch, encoded, raft_term, raft_index, callers }) => {
                    let result = match &halted {
                        Some(reason) => Err(reason.clone()),
                        None => self.apply(&batch, &encoded, &mut applied),
                    };
                    match result {
                        Ok(()) => {
                            (self.raft_term, self.raft_index) = (raft_term, raft_index);
                            self.since_cut += encoded.len() as u64;
                            if applied.replies.iter().any(|reply| matches!(reply, Reply::Deployed { .. })) {
                                self.catalog.set(CatalogView::of(&self.engine));
                            }
                            let mut replies = applied.replies.drain(..);
                            let mut op = batch.base_op;
                            for (count, answer) in callers {
                                answer(Ok(Answer { op, time: batch.now, replies: replies.by_ref().take(count).collect() }));
                                op += count as u64;
                            }
                        }
                        Err(reason) => {
                            for (_, answer) in callers {
                                answer(Err(SubmitError::Halted(reason.clone())));
                            }
                            self.halt(&mut halted, reason);
                        }
                    }
                }
                Ok(Ordered::Queries { calls, answer }) => {
                    let result = match &halted {
                        Some(reason) => Err(reason.clone()),
                        None => {
                            let replies: Result<Vec<Reply>, _> = calls.iter().map(|call| self.engine.query(call)).collect();
                            replies.map_err(|error| error.to_string())
                        }
                    };
                    let (op, time) = (self.engine.next_op() - 1, self.engine.last_now());
                    match result {
                        Ok(replies) => answer(Ok(Answer { op, time, replies })),
                        Err(reason) => {
                            answer(Err(SubmitError::Halted(reason.clone())));
                            self.halt(&mut halted, reason);
                        }
                    }
                }
                Ok(Ordered::End(_)) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if halted.is_none() && self.since_cut >= self.checkpoint_log_bytes {
                self.cut(&cuts);
            }
        }
        // A closing node leaves a checkpoint, so that the next start has little to replay.
        if halted.is_none() {
            while self.engine.canvas().is_checkpoint_running() {
                match persisted.recv() {
                    Ok(done) => self.finish_checkpoint(done),
                    Err(_) => return,
                }
            }
            if self.since_cut > 0 && self.cut(&cuts) && let Ok(done) = persisted.recv() {
                self.finish_checkpoint(done);
            }
        }
    }

    fn apply(&mut self, batch: &rc_engine::Batch, encoded: &[u8], applied: &mut Applied) -> Result<(), String> {
        self.engine.apply(batch, encoded, applied).map_err(|error| error.to_string())?;
        self.events.append(batch.base_op, batch.now, &applied.events).map_err(|error| error.to_string())?;
        self.counters.ops.store(self.engine.next_op() - 1, Ordering::Relaxed);
        self.counters.events.fetch_add(applied.events.len() as u64, Ordering::Relaxed);
        self.counters.event_bytes.store(self.events.position(), Ordering::Relaxed);
        self.counters.digest.store(self.engine.digest(), Ordering::Relaxed);
        Ok(())
    }

    fn halt(&self, halted: &mut Option<String>, reason: String) {
        if halted.is_none() {
            eprintln!("halted at op {}: {reason}", self.engine.next_op() - 1);
            self.counters.halted.store(1, Ordering::Relaxed);
            *halted = Some(reason);
        }
    }

    /// Cuts a checkpoint unless one is running; whether it did.
    fn cut(&mut self, cuts: &Sender<ToPersist>) -> bool {
        if self.engine.canvas().is_checkpoint_running() {
            return false;
        }
        let events = match self.events.syncer() {
            Ok(events) => events,
            Err(error) => {
                eprintln!("no checkpoint: {error}");
                return false;
            }
        };
        let mut stamp = self.engine.stamp();
        stamp.raft_term = self.raft_term;
        stamp.raft_index = self.raft_index;
        stamp.event_end = self.events.position();
        match self.engine.canvas_mut().begin_checkpoint(stamp) {
            Ok(cut) => {
                self.since_cut = 0;
                cuts.send(ToPersist { cut, events }).is_ok()
            }
            Err(error) => {
                eprintln!("no checkpoint: {error}");
                false
            }
        }
    }

    fn finish_checkpoint(&mut self, done: Persisted) {
        let outcome = match done.result {
            Ok((cut, report)) => {
                self.counters.checkpoint_epoch.store(report.epoch, Ordering::Relaxed);
                self.purge_through.store(done.raft_index, Ordering::Release);
                self.engine.canvas_mut().finish_checkpoint(cut).map_err(|error| error.to_string())
            }
            Err(reason) => {
                self.since_cut = self.checkpoint_log_bytes / 2;
                let _ = self.engine.canvas_mut().abandon_checkpoint();
                Err(reason)
            }
        };
        if let Err(reason) = outcome {
            eprintln!("a checkpoint failed, the log keeps everything since the last one: {reason}");
        }
        let pause = self.engine.canvas().counters().longest_pause_nanoseconds;
        self.counters.longest_pause_nanoseconds.store(pause, Ordering::Relaxed);
    }
}
