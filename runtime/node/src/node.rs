//! A node's start (recovery), its threads, and the handle through which gateways reach it.
//!
//! Start reads the last checkpoint, then applies the log after it; the events after the checkpoint are written again.
//! Only then do requests come in.

use crate::catalog_view::{CatalogView, SharedCatalog};
use crate::events::{EventLogError, EventWriter};
use crate::handle::{Counters, Handle};
use crate::limits::{
    BATCH_BYTES_MAX, CHECKPOINT_LOG_BYTES, EVENT_SEGMENT_BYTES, QUEUE_BATCHES_MAX,
    QUEUE_REQUESTS_MAX,
};
use crate::orderer::Orderer;
use crate::persister;
use crate::processing::Processing;
use crate::request::Request;
use crate::step::step;
use crate::steps::Steps;
use rc_bytecode::verify::Verified;
use rc_canvas::{CanvasOptions, PageShift, PageStore, RecoverError};
use rc_engine::{Applied, Batch, BatchError, Engine, EngineError, EngineOptions, Mode, Op};
use rc_jit::Compiled;
use rc_log::{Disk, Log, OpenError, Options as LogOptions, Recovery, Syncing};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// How a node is started.
pub struct NodeOptions {
    /// Folder of the event segments.
    pub events_folder: PathBuf,
    pub page_shift: PageShift,
    pub mode: Mode,
    pub log: LogOptions,
    /// Log bytes between two checkpoints.
    pub checkpoint_log_bytes: u64,
    /// Bytes after which a new event segment begins.
    pub event_segment_bytes: u64,
    /// Mixed into the seeds of batches: from the system's randomness in production, fixed in tests.
    pub seed_base: u64,
    /// For `longest_pause_nanoseconds`.
    pub stopwatch: Option<fn() -> u64>,
}

impl NodeOptions {
    pub fn new(events_folder: PathBuf, seed_base: u64) -> NodeOptions {
        NodeOptions {
            events_folder,
            page_shift: PageShift::new(rc_bytecode::limits::PAGE_SHIFT_DEFAULT)
                .expect("the default is a page size"),
            mode: Mode::default(),
            log: LogOptions::default(),
            checkpoint_log_bytes: CHECKPOINT_LOG_BYTES,
            event_segment_bytes: EVENT_SEGMENT_BYTES,
            seed_base,
            stopwatch: None,
        }
    }
}

/// Why a node could not start. Nothing was changed but what the log's recovery says it cut.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the checkpoint cannot be read: {0}")]
    Checkpoint(#[from] RecoverError),
    #[error(transparent)]
    Log(#[from] OpenError),
    #[error(transparent)]
    Events(#[from] EventLogError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("log entry {index} is not a batch: {error}")]
    Batch { index: u64, error: BatchError },
    #[error("log entry {index} cannot be read: {reason}")]
    Read { index: u64, reason: String },
    #[error(
        "the log starts at entry {first}, the checkpoint ends at {checkpoint}: entries between are missing"
    )]
    Gap { checkpoint: u64, first: u64 },
    #[error(
        "the log ends at entry {last}, the checkpoint knows of {checkpoint}: restore the log's files"
    )]
    LogBehind { checkpoint: u64, last: u64 },
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// What recovery did, for people.
#[derive(Clone, Debug, Default)]
pub struct StartReport {
    pub checkpoint_op: u64,
    pub replayed_ops: u64,
    /// The last op.
    pub op: u64,
    /// Such as a torn tail that was cut.
    pub warnings: Vec<String>,
}

/// A running node. Closing it lets the queue drain and leaves a checkpoint; dropping it without leaves none, like a
/// crash, but waits for the threads.
pub struct Node {
    handle: Handle,
    abandoned: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Node {
    /// Recovers and starts the threads.
    pub fn start(
        disk: Arc<dyn Disk>,
        mut store: Box<dyn PageStore>,
        options: NodeOptions,
    ) -> Result<(Node, StartReport), StartError> {
        let recovered = Recovered::new(disk, store.as_mut(), &options)?;
        let Recovered {
            engine,
            log,
            events,
            feed,
            report,
            replayed_bytes,
            raft_term,
            raft_index,
        } = recovered;
        let catalog = SharedCatalog::default();
        catalog.set(CatalogView::of(&engine));
        let counters = Arc::new(Counters::default());
        counters.ops.store(report.op, Ordering::Relaxed);
        counters.digest.store(engine.digest(), Ordering::Relaxed);
        counters
            .event_bytes
            .store(events.position(), Ordering::Relaxed);
        let (purge_through, abandoned) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );

        let (request_sender, requests) = mpsc::sync_channel(QUEUE_REQUESTS_MAX);
        let (to_loop, inbox) = mpsc::sync_channel(QUEUE_BATCHES_MAX);
        let (cut_sender, cuts) = mpsc::channel();
        // A unit holds the heads of the batch and of its entry too.
        let batch_bytes_max =
            BATCH_BYTES_MAX.min((log.unit_bytes_max() as usize).saturating_sub(8 << 10));
        // Any of them may have been in the middle of a run.
        let steps = Steps::default();
        steps.put(engine.jobs());
        let orderer = Orderer {
            batch_bytes_max,
            steps: steps.clone(),
            steps_refused: false,
            cluster_id: u128::from(log.identity()),
            next_op: engine.next_op(),
            last_now: engine.last_now(),
            chain: engine.chain(),
            term: raft_term.max(1),
            seed_counter: 0,
            seed_base: options.seed_base,
            counters: Arc::clone(&counters),
            purge_through: Arc::clone(&purge_through),
            to_loop: to_loop.clone(),
            log,
        };
        let processing = Processing {
            engine,
            events,
            catalog: catalog.clone(),
            counters: Arc::clone(&counters),
            checkpoint_log_bytes: options.checkpoint_log_bytes,
            purge_through,
            requests: request_sender.clone(),
            steps,
            cuts: cut_sender,
            abandoned: Arc::clone(&abandoned),
            since_cut: replayed_bytes,
            raft_term,
            raft_index,
        };
        let handle = Handle {
            batch_bytes_max,
            requests: request_sender,
            to_loop: to_loop.clone(),
            catalog,
            feed,
            counters,
        };
        let mut node = Node {
            handle,
            abandoned,
            threads: Vec::with_capacity(3),
        };
        node.spawn("persisting", move || persister::run(store, cuts, to_loop))?;
        node.spawn("processing", move || processing.run(inbox))?;
        node.spawn("ordering", move || orderer.run(requests))?;
        Ok((node, report))
    }

    fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let thread = std::thread::Builder::new()
            .name(name.to_string())
            .spawn(body)
            .map_err(StartError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Answers what was submitted before, writes a checkpoint, and ends. What handles submit later is refused.
    pub fn close(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        // Fails where the ordering thread has ended already.
        let _ = self.handle.requests.send(Request::Stop);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; its callers were answered.
            let _ = thread.join();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.abandoned.store(true, Ordering::Release);
            self.stop();
        }
    }
}

/// A node's state as of its last durable op, before its threads start.
struct Recovered {
    engine: Engine,
    log: Log,
    events: EventWriter,
    feed: crate::events::EventFeed,
    report: StartReport,
    replayed_bytes: u64,
    raft_term: u64,
    raft_index: u64,
}

impl Recovered {
    fn new(
        disk: Arc<dyn Disk>,
        store: &mut dyn PageStore,
        options: &NodeOptions,
    ) -> Result<Recovered, StartError> {
        let canvas_options = CanvasOptions {
            stopwatch: options.stopwatch,
            ..CanvasOptions::new(options.page_shift)
        };
        let recovered = rc_canvas::recover(canvas_options, store)?;
        let (log, recovery) = Log::open(disk, options.log.clone())?;
        let engine_options = EngineOptions {
            cluster_id: u128::from(log.identity()),
            mode: options.mode,
        };
        let stamp = recovered
            .superblock
            .map(|superblock| superblock.stamp)
            .unwrap_or_default();
        let mut engine = if stamp.op_number == 0 {
            Engine::new(recovered.canvas, engine_options)?
        } else {
            Engine::recover(recovered.canvas, &stamp, engine_options)?
        };
        let (checkpoint, last) = (stamp.raft_index, log.last().map_or(0, |last| last.index));
        if last < checkpoint {
            return Err(StartError::LogBehind { checkpoint, last });
        }
        if let Some(first) = log.first_index().filter(|first| *first > checkpoint + 1) {
            return Err(StartError::Gap { checkpoint, first });
        }
        let (mut events, feed) = EventWriter::open(
            &options.events_folder,
            stamp.event_end,
            options.event_segment_bytes,
        )?;
        compile_live(&mut engine, options.mode);
        let mut report = StartReport {
            checkpoint_op: stamp.op_number,
            warnings: warnings(&recovery),
            ..StartReport::default()
        };
        let mut replayed_bytes = 0;
        let (mut applied, mut raft_term, mut raft_index) =
            (Applied::default(), stamp.raft_term, stamp.raft_index);
        for entry in log.entries_from(stamp.raft_index + 1) {
            let index = raft_index + 1;
            let entry = entry.map_err(|error| StartError::Read {
                index,
                reason: error.to_string(),
            })?;
            (raft_term, raft_index) = (entry.term, entry.index);
            if entry.payload.is_empty() {
                continue;
            }
            let batch = Batch::decode(&entry.payload)
                .map_err(|error| StartError::Batch { index, error })?;
            step("replaying a batch");
            engine.apply(&batch, &entry.payload, &mut applied)?;
            events.append(batch.base_op, engine.last_now(), &applied.events)?;
            report.replayed_ops += batch.ops.len() as u64;
            replayed_bytes += entry.payload.len() as u64;
            if batch.ops.iter().any(|op| matches!(op, Op::Deploy(_))) {
                compile_live(&mut engine, options.mode);
            }
        }
        report.op = engine.next_op() - 1;
        Ok(Recovered {
            engine,
            log,
            events,
            feed,
            report,
            replayed_bytes,
            raft_term,
            raft_index,
        })
    }
}

/// Makes machine code for what is live: recovery replays at full speed.
fn compile_live(engine: &mut Engine, mode: Mode) {
    if mode == Mode::Interpreter {
        return;
    }
    let missing: Vec<Arc<Verified>> = engine
        .live()
        .filter(|deployed| deployed.compiled.is_none())
        .map(|deployed| Arc::clone(&deployed.module))
        .collect();
    for module in missing {
        match Compiled::compile(&module) {
            Ok(code) => engine.install_code(*module.hash(), Arc::new(code)),
            Err(error) => eprintln!("no machine code, the interpreter serves instead: {error}"),
        }
    }
}

/// What people should know of a log's recovery.
fn warnings(recovery: &Recovery) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(tail) = &recovery.torn_tail {
        warnings.push(format!("torn tail: {tail}; nothing acknowledged was in it"));
    }
    if let Syncing::Fdatasync { reason } = &recovery.syncing {
        warnings.push(format!(
            "direct writes are refused here ({reason}): using fdatasync, which is slower"
        ));
    }
    warnings.extend(
        recovery
            .ignored_files
            .iter()
            .map(|file| format!("left alone: {file} has a damaged header")),
    );
    warnings
}
