//! The loop: the only thread that writes the canvas. One batch at a time: apply, answer, events, checkpoint cadence.
//!
//! Always true: answers go out in op order; a halt answers everything after it with the reason; a checkpoint is cut
//! between batches and never waited for, but at the very end.

use crate::catalog_view::{CatalogView, SharedCatalog};
use crate::events::EventWriter;
use crate::handle::Counters;
use crate::orderer::Ordered;
use crate::persister::{PersistError, Persisted, ToPersist};
use crate::request::{Answer, Answering, Request, SubmitError};
use crate::step::step;
use crate::steps::Steps;
use rc_engine::{Applied, Batch, Call, Engine, Reply};
use rc_jit::Compiled;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender};

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
    pub counters: Arc<Counters>,
    pub checkpoint_log_bytes: u64,
    pub purge_through: Arc<AtomicU64>,
    /// To tell the orderer of it.
    pub requests: SyncSender<Request>,
    pub steps: Steps,
    pub cuts: Sender<ToPersist>,
    /// Ends without a checkpoint, like a crash.
    pub abandoned: Arc<AtomicBool>,
    /// Log bytes applied since the last cut.
    pub since_cut: u64,
    pub raft_term: u64,
    pub raft_index: u64,
}

impl Processing {
    pub fn run(mut self, inbox: Receiver<Ordered>) {
        let mut applied = Applied::default();
        self.make_event_room();
        for message in &inbox {
            match message {
                Ordered::Batch {
                    batch,
                    encoded,
                    raft_term,
                    raft_index,
                    callers,
                } => {
                    if self.apply(&batch, &encoded, &mut applied) {
                        (self.raft_term, self.raft_index) = (raft_term, raft_index);
                        self.since_cut += encoded.len() as u64;
                        self.answer(&batch, &mut applied, callers);
                        self.make_event_room();
                    } else {
                        callers
                            .into_iter()
                            .for_each(|(_, answer)| self.refuse(answer));
                    }
                }
                Ordered::Queries { calls, answer } => self.query(&calls, answer),
                Ordered::Code(staged) => self.install(staged),
                Ordered::Persisted(done) => self.finish_checkpoint(done),
                Ordered::Cut => {
                    self.make_event_room();
                    if self.since_cut > 0 {
                        self.cut();
                    }
                }
                Ordered::End => break,
            }
            if self.since_cut >= self.checkpoint_log_bytes {
                self.cut();
            }
        }
        self.close(&inbox);
    }

    /// Looks for space for the events of what will be ordered next; without it nothing more is.
    fn make_event_room(&mut self) {
        let is_full = self.events.make_room().is_err();
        self.counters.events_full.store(is_full, Ordering::Release);
    }

    /// Whether the batch was applied and its events are written; if not, the node has halted.
    fn apply(&mut self, batch: &Batch, encoded: &[u8], applied: &mut Applied) -> bool {
        if self.counters.halt.get().is_some() {
            return false;
        }
        step("applying a batch");
        let result = self
            .engine
            .apply(batch, encoded, applied)
            .map_err(|error| error.to_string());
        let result = result.and_then(|()| {
            self.events
                .append(batch.base_op, self.engine.last_now(), &applied.events)
                .map_err(|error| error.to_string())
        });
        if let Err(reason) = result {
            self.counters.halt(&reason);
            return false;
        }
        if !applied.woken.is_empty() {
            self.steps.put(applied.woken.drain(..));
            // Only a nudge: a full queue is a busy orderer, which looks by itself.
            let _ = self.requests.try_send(Request::Look);
        }
        self.counters
            .ops
            .store(self.engine.next_op() - 1, Ordering::Relaxed);
        self.counters
            .events
            .fetch_add(applied.events.len() as u64, Ordering::Relaxed);
        self.counters
            .event_bytes
            .store(self.events.position(), Ordering::Relaxed);
        self.counters
            .digest
            .store(self.engine.digest(), Ordering::Relaxed);
        true
    }

    fn answer(&mut self, batch: &Batch, applied: &mut Applied, callers: Vec<(usize, Answering)>) {
        if applied
            .replies
            .iter()
            .any(|reply| matches!(reply, Reply::Deployed { .. }))
        {
            step("activating a deployment");
            self.catalog.set(CatalogView::of(&self.engine));
        }
        step("answering a batch");
        let mut replies = applied.replies.drain(..);
        let (mut op, time) = (batch.base_op, self.engine.last_now());
        for (count, answer) in callers {
            answer.answer(Ok(Answer {
                op,
                time,
                replies: replies.by_ref().take(count).collect(),
            }));
            op += count as u64;
        }
    }

    fn query(&mut self, calls: &[Call], answer: Answering) {
        if self.counters.halt.get().is_some() {
            return self.refuse(answer);
        }
        let replies: Result<Vec<Reply>, _> =
            calls.iter().map(|call| self.engine.query(call)).collect();
        match replies {
            Ok(replies) => {
                let (op, time) = (self.engine.next_op() - 1, self.engine.last_now());
                answer.answer(Ok(Answer { op, time, replies }));
            }
            Err(error) => {
                self.counters.halt(&error.to_string());
                self.refuse(answer);
            }
        }
    }

    fn refuse(&self, answer: Answering) {
        let reason = self.counters.halt.get().cloned().unwrap_or_default();
        answer.answer(Err(SubmitError::Halted(reason)));
    }

    fn install(&mut self, staged: Staged) {
        self.engine.install_code(staged.content_hash, staged.code);
        if self
            .engine
            .live()
            .any(|live| *live.module.hash() == staged.content_hash)
        {
            self.catalog.set(CatalogView::of(&self.engine));
        }
        // Whoever asked may have gone.
        let _ = staged.installed.send(());
    }

    /// Cuts a checkpoint unless one is running; whether it did.
    fn cut(&mut self) -> bool {
        if self.engine.canvas().is_checkpoint_running() || self.counters.halt.get().is_some() {
            return false;
        }
        let mut stamp = self.engine.stamp();
        stamp.raft_term = self.raft_term;
        stamp.raft_index = self.raft_index;
        stamp.event_end = self.events.position();
        let events = self.events.syncer();
        step("cutting a checkpoint");
        match self.engine.canvas_mut().begin_checkpoint(stamp) {
            Ok(cut) => {
                self.since_cut = 0;
                self.cuts.send(ToPersist { cut, events }).is_ok()
            }
            Err(error) => {
                eprintln!("no checkpoint: {error}");
                false
            }
        }
    }

    fn finish_checkpoint(&mut self, done: Persisted) {
        step("finishing a checkpoint");
        let outcome = match done.result {
            Ok((cut, report)) => {
                self.counters
                    .checkpoint_epoch
                    .store(report.epoch, Ordering::Relaxed);
                self.events.forget_synced(done.event_segments);
                self.purge_through.store(done.raft_index, Ordering::Release);
                // Only a nudge: a full queue is a busy orderer, which looks by itself.
                let _ = self.requests.try_send(Request::Look);
                self.engine
                    .canvas_mut()
                    .finish_checkpoint(cut)
                    .map_err(|error| error.to_string())
            }
            Err(error) => {
                let reason = error.to_string();
                if let PersistError::Disk(_) = error {
                    self.counters
                        .halt(&format!("a checkpoint could not be written: {reason}"));
                }
                // Otherwise tried again after half of the usual way, or at the end.
                self.since_cut = self.since_cut.max(self.checkpoint_log_bytes / 2).max(1);
                self.engine
                    .canvas_mut()
                    .abandon_checkpoint()
                    .err()
                    .map_or(Err(reason), |error| Err(error.to_string()))
            }
        };
        if let Err(reason) = outcome {
            eprintln!("a checkpoint failed, the log keeps everything since the last one: {reason}");
        }
        let pause = self.engine.canvas().counters().longest_pause_nanoseconds;
        self.counters
            .longest_pause_nanoseconds
            .store(pause, Ordering::Relaxed);
    }

    /// A closing node leaves a checkpoint, so that the next start has little to replay.
    fn close(mut self, inbox: &Receiver<Ordered>) {
        if self.abandoned.load(Ordering::Acquire) || self.counters.halt.get().is_some() {
            return;
        }
        let mut last_was_cut = false;
        loop {
            if !self.engine.canvas().is_checkpoint_running() {
                if last_was_cut || self.since_cut == 0 || !self.cut() {
                    return;
                }
                last_was_cut = true;
            }
            match inbox.recv() {
                Ok(Ordered::Persisted(done)) => self.finish_checkpoint(done),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}
