//! A node's start (recovery), its threads, and the handle through which gateways reach it.
//!
//! Start reads the last checkpoint, then applies the log after it; the events after the checkpoint are written again.
//! Only then do requests come in.

use crate::events::{EventFeed, EventLogError, EventWriter};
use crate::limits::{BATCH_BYTES_MAX, BATCH_OPS_MAX, CHECKPOINT_LOG_BYTES, QUEUE_BATCHES_MAX, QUEUE_REQUESTS_MAX};
use crate::orderer::{LogCounters, Orderer};
use crate::persister;
use crate::processing::{Processing, Staged};
use crate::request::{SubmitError, Work};
use rc_bytecode::verify::Verified;
use rc_canvas::{CanvasOptions, PageShift, PageStore, RecoverError};
use rc_engine::{Applied, Batch, BatchError, Engine, EngineError, EngineOptions, Mode, Op};
use rc_jit::Compiled;
use rc_log::{Disk, Log, OpenError, Options as LogOptions, Recovery, Syncing};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, RwLock};
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
    /// Mixed into the seeds of batches: from the system's randomness in production, fixed in tests.
    pub seed_base: u64,
    /// For `longest_pause_nanoseconds`.
    pub stopwatch: Option<fn() -> u64>,
}

impl NodeOptions {
    pub fn new(events_folder: PathBuf, seed_base: u64) -> NodeOptions {
        NodeOptions {
            events_folder,
            page_shift: PageShift::new(rc_bytecode::limits::PAGE_SHIFT_DEFAULT).expect("the default is a page size"),
            mode: Mode::default(),
            log: LogOptions::default(),
            checkpoint_log_bytes: CHECKPOINT_LOG_BYTES,
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
    #[error("the log starts at entry {first}, the checkpoint ends at {checkpoint}: entries between are missing")]
    Gap { checkpoint: u64, first: u64 },
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

/// One live package.
#[derive(Clone)]
pub struct CatalogEntry {
    pub epoch: u64,
    pub op: u64,
    pub time: i64,
    pub package: String,
    pub module: Arc<Verified>,
    pub source: Arc<[u8]>,
    /// Whether machine code serves it.
    pub compiled: bool,
}

/// What is deployed, as of one position.
#[derive(Clone, Default)]
pub struct CatalogView {
    pub epoch: u64,
    pub live: Vec<CatalogEntry>,
    /// Modules of all epochs by epoch, to name events of earlier deployments.
    pub history: Vec<(u64, Arc<Verified>)>,
}

impl CatalogView {
    pub(crate) fn of(engine: &Engine) -> CatalogView {
        let live = engine.live().map(|deployed| CatalogEntry {
            epoch: deployed.epoch,
            op: deployed.op,
            time: deployed.time,
            package: deployed.package.clone(),
            module: Arc::clone(&deployed.module),
            source: Arc::clone(&deployed.source),
            compiled: deployed.compiled.is_some(),
        });
        let history = (1..=engine.epoch()).filter_map(|epoch| engine.deployment(epoch));
        CatalogView {
            epoch: engine.epoch(),
            live: live.collect(),
            history: history.map(|deployed| (deployed.epoch, Arc::clone(&deployed.module))).collect(),
        }
    }

    pub fn package(&self, name: &str) -> Option<&CatalogEntry> {
        self.live.iter().find(|entry| entry.package == name)
    }

    pub fn module_of_epoch(&self, epoch: u64) -> Option<&Arc<Verified>> {
        self.history.iter().find(|(known, _)| *known == epoch).map(|(_, module)| module)
    }
}

#[derive(Clone, Default)]
pub(crate) struct SharedCatalog(Arc<RwLock<Arc<CatalogView>>>);

impl SharedCatalog {
    pub fn set(&self, view: CatalogView) {
        *self.0.write().expect("no holder of this lock panics") = Arc::new(view);
    }

    pub fn get(&self) -> Arc<CatalogView> {
        Arc::clone(&self.0.read().expect("no holder of this lock panics"))
    }
}

#[derive(Debug, Default)]
pub(crate) struct LoopCounters {
    pub ops: AtomicU64,
    pub events: AtomicU64,
    pub event_bytes: AtomicU64,
    pub digest: AtomicU64,
    pub halted: AtomicU64,
    pub checkpoint_epoch: AtomicU64,
    pub longest_pause_nanoseconds: AtomicU64,
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

/// Reaches a running node from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    requests: SyncSender<Work>,
    staged: Sender<Staged>,
    catalog: SharedCatalog,
    feed: EventFeed,
    log_counters: Arc<LogCounters>,
    counters: Arc<LoopCounters>,
}

impl Handle {
    /// Queues work; its callback is called exactly once, also where this answers with an error.
    pub fn submit(&self, work: Work) {
        let too_large = match &work {
            Work::Ops { ops, .. } => {
                let deploys = ops.iter().any(|op| matches!(op, Op::Deploy(_)));
                ops.len() > BATCH_OPS_MAX || (!deploys && work.argument_bytes() > BATCH_BYTES_MAX)
            }
            Work::Queries { calls, .. } => calls.len() > BATCH_OPS_MAX,
        };
        if too_large {
            return work.fail(SubmitError::TooLarge { max_bytes: BATCH_BYTES_MAX });
        }
        match self.requests.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(work)) => work.fail(SubmitError::Busy),
            Err(TrySendError::Disconnected(work)) => work.fail(SubmitError::Halted("the node is closed".to_string())),
        }
    }

    /// Installs machine code for a module; returns when the loop has it. To be done before its deployment is submitted.
    pub fn install_code(&self, content_hash: [u8; 32], code: Arc<Compiled>) -> Result<(), SubmitError> {
        let (installed, wait) = mpsc::channel();
        let closed = || SubmitError::Halted("the node is closed".to_string());
        self.staged.send(Staged { content_hash, code, installed }).map_err(|_| closed())?;
        wait.recv().map_err(|_| closed())
    }

    pub fn catalog(&self) -> Arc<CatalogView> {
        self.catalog.get()
    }

    pub fn feed(&self) -> EventFeed {
        self.feed.clone()
    }

    pub fn metrics(&self) -> Metrics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            op: of(&self.counters.ops),
            batches: of(&self.log_counters.batches),
            ops_ordered: of(&self.log_counters.ops),
            log_bytes: of(&self.log_counters.bytes),
            events: of(&self.counters.events),
            event_bytes: of(&self.counters.event_bytes),
            digest: of(&self.counters.digest),
            halted: of(&self.counters.halted) != 0,
            checkpoint_epoch: of(&self.counters.checkpoint_epoch),
            longest_pause_nanoseconds: of(&self.counters.longest_pause_nanoseconds),
        }
    }
}

/// A running node. Closing it lets the queue drain and leaves a checkpoint; dropping it without is like a crash.
pub struct Node {
    handle: Handle,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Recovers and starts the threads.
    pub fn start(
        disk: Arc<dyn Disk>,
        mut store: Box<dyn PageStore>,
        options: NodeOptions,
    ) -> Result<(Node, StartReport), StartError> {
        let canvas_options = CanvasOptions { stopwatch: options.stopwatch, ..CanvasOptions::new(options.page_shift) };
        let recovered = rc_canvas::recover(canvas_options, store.as_mut())?;
        let (log, recovery) = Log::open(disk, options.log.clone())?;
        let mut report = StartReport { warnings: warnings(&recovery), ..StartReport::default() };
        let engine_options = EngineOptions { cluster_id: u128::from(log.identity()), mode: options.mode };
        let stamp = recovered.superblock.map(|superblock| superblock.stamp).unwrap_or_default();
        let mut engine = if stamp.op_number == 0 {
            Engine::new(recovered.canvas, engine_options)?
        } else {
            Engine::recover(recovered.canvas, &stamp, engine_options)?
        };
        report.checkpoint_op = stamp.op_number;
        let (mut events, feed) = EventWriter::open(&options.events_folder, stamp.event_end)?;
        if let Some(first) = log.first_index()
            && first > stamp.raft_index + 1
        {
            return Err(StartError::Gap { checkpoint: stamp.raft_index, first });
        }
        compile_live(&mut engine, options.mode);
        let mut replayed_bytes = 0;
        let (mut applied, mut raft_term, mut raft_index) = (Applied::default(), stamp.raft_term, stamp.raft_index);
        for entry in log.entries_from(stamp.raft_index + 1) {
            let index = raft_index + 1;
            let entry = entry.map_err(|error| StartError::Read { index, reason: error.to_string() })?;
            (raft_term, raft_index) = (entry.term, entry.index);
            if entry.payload.is_empty() {
                continue;
            }
            let batch = Batch::decode(&entry.payload).map_err(|error| StartError::Batch { index, error })?;
            engine.apply(&batch, &entry.payload, &mut applied)?;
            events.append(batch.base_op, batch.now, &applied.events)?;
            report.replayed_ops += batch.ops.len() as u64;
            replayed_bytes += entry.payload.len() as u64;
            if batch.ops.iter().any(|op| matches!(op, Op::Deploy(_))) {
                compile_live(&mut engine, options.mode);
            }
        }
        report.op = engine.next_op() - 1;
        let catalog = SharedCatalog::default();
        catalog.set(CatalogView::of(&engine));
        let counters = Arc::new(LoopCounters::default());
        counters.ops.store(report.op, Ordering::Relaxed);
        counters.digest.store(engine.digest(), Ordering::Relaxed);
        counters.event_bytes.store(events.position(), Ordering::Relaxed);
        let log_counters = Arc::new(LogCounters::default());
        let purge_through = Arc::new(AtomicU64::new(0));

        let (request_sender, request_receiver) = mpsc::sync_channel(QUEUE_REQUESTS_MAX);
        let (ordered_sender, ordered_receiver) = mpsc::sync_channel(QUEUE_BATCHES_MAX);
        let (staged_sender, staged_receiver) = mpsc::channel();
        let (cut_sender, cut_receiver) = mpsc::channel();
        let (persisted_sender, persisted_receiver) = mpsc::channel();
        let orderer = Orderer {
            cluster_id: engine_options.cluster_id,
            next_op: engine.next_op(),
            last_now: engine.last_now(),
            chain: engine.chain(),
            term: raft_term.max(1),
            seed_counter: 0,
            seed_base: options.seed_base,
            counters: Arc::clone(&log_counters),
            purge_through: Arc::clone(&purge_through),
            log,
        };
        let processing = Processing {
            engine,
            events,
            catalog: catalog.clone(),
            counters: Arc::clone(&counters),
            checkpoint_log_bytes: options.checkpoint_log_bytes,
            purge_through,
            since_cut: replayed_bytes,
            raft_term,
            raft_index,
        };
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_string()).spawn(body).map_err(StartError::Thread)
        };
        let threads = vec![
            spawn("ordering", Box::new(move || orderer.run(request_receiver, ordered_sender)))?,
            spawn(
                "processing",
                Box::new(move || processing.run(ordered_receiver, staged_receiver, cut_sender, persisted_receiver)),
            )?,
            spawn("persisting", Box::new(move || persister::run(store, cut_receiver, persisted_sender)))?,
        ];
        let handle =
            Handle { requests: request_sender, staged: staged_sender, catalog, feed, log_counters, counters };
        Ok((Node { handle, threads: Mutex::new(threads) }, report))
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until every handle is dropped and the threads have ended, with a checkpoint written.
    pub fn close(self) {
        let Node { handle, threads } = self;
        drop(handle);
        for thread in threads.into_inner().expect("no holder of this lock panics") {
            let _ = thread.join();
        }
    }
}

/// Makes machine code for what is live: recovery replays at full speed.
fn compile_live(engine: &mut Engine, mode: Mode) {
    if mode == Mode::Interpreter {
        return;
    }
    let missing: Vec<Arc<Verified>> =
        engine.live().filter(|deployed| deployed.compiled.is_none()).map(|deployed| Arc::clone(&deployed.module)).collect();
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
        warnings.push(format!("direct writes are refused here ({reason}): using fdatasync, which is slower"));
    }
    warnings.extend(recovery.ignored_files.iter().map(|file| format!("left alone: {file} has a damaged header")));
    warnings
}
