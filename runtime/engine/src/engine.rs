//! The loop's body: applies batches, answers queries, cuts stamps for checkpoints.
//!
//! Always true: after `apply` of the batch with ops up to P, pages, catalog, sessions and digest are a function of the log
//! up to P alone. An error from `apply` is a halt: the node stops at that position (decisions 24 and 32).

mod calls;
mod deploys;

use crate::batch::{Batch, Call, Op, Principal, SessionKey, Step};
use crate::catalog::{Catalog, CatalogError, Deployed};
use crate::code::{Code, Runner};
use crate::reply::{Refusal, Reply, failure_code};
use crate::sessions::{SessionClass, SessionSlot, Sessions};
use crate::system;
use calls::allowed;
use deploys::jobs_of;
use rc_bytecode::Cost;
use rc_bytecode::hash::{fold_store, hash_bytes};
use rc_bytecode::instr::{Builtin, CommandIndex, Failure};
use rc_bytecode::interface::CommandKind;
use rc_canvas::{Canvas, CheckpointStamp, RegionError, TouchError};
use rc_jit::Compiled;
use rc_vm::{Environment, Halt};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which back end runs commands. Results are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Every check on; measured costs are held against the proven ones.
    Interpreter,
    /// Machine code where it is ready, else the interpreter.
    #[default]
    Jit,
}

#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    pub cluster_id: u128,
    pub mode: Mode,
}

/// Why the node must stop at this position.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("op {op}: {halt}")]
    Halt { op: u64, halt: Halt },
    #[error("op {op}: a page could not be reached: {error}")]
    Page { op: u64, error: TouchError },
    #[error("op {op}: {error}")]
    Catalog { op: u64, error: CatalogError },
    #[error("the batch starts at op {found}, expected {expected}: the log skips or repeats")]
    OutOfOrder { expected: u64, found: u64 },
    #[error(
        "the batch at op {op} does not follow the one before (chain {found:#x}, expected {expected:#x})"
    )]
    Chain { op: u64, expected: u64, found: u64 },
    #[error("the log is of cluster {found:#x}, this node is of {expected:#x}")]
    Cluster { expected: u128, found: u128 },
    #[error("system regions cannot be made: {0}")]
    Regions(#[from] RegionError),
    #[error("the engine's part of the checkpoint is malformed")]
    Stamp,
}

/// A fact, addressed by (op, k): `k` counts the op's events from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    pub op: u64,
    pub k: u32,
    /// Deployment whose interface describes it.
    pub epoch: u64,
    /// Index in that interface's events.
    pub event: u32,
    /// As stamped.
    pub time: i64,
    /// Packed fields.
    pub fields: Vec<u8>,
}

/// What a batch gave. Reused from batch to batch.
#[derive(Debug, Default)]
pub struct Applied {
    /// One per op, in order.
    pub replies: Vec<Reply>,
    pub events: Vec<EventRecord>,
    /// Jobs that have work since this batch: a run was started, a step says that runs wait, or a deployment brought them.
    /// The orderer gives each of them one step. A hint: a step with nothing to do does nothing.
    pub woken: Vec<Step>,
}

/// See the file's text.
pub struct Engine {
    canvas: Canvas,
    options: EngineOptions,
    catalog: Catalog,
    sessions: Sessions,
    runner: Runner,
    /// Machine code made ahead of a deployment, by content hash; a deployment takes it out.
    staged: BTreeMap<[u8; 32], Arc<Compiled>>,
    /// Of the live deployments: the event that tells of a started run, and the job's step.
    jobs: Vec<(u32, Step)>,
    /// See `Applied`.
    woken: Vec<Step>,
    next_op: u64,
    last_now: i64,
    chain: u64,
    digest: u64,
}

impl Engine {
    /// An engine over an empty canvas, before the first op.
    pub fn new(mut canvas: Canvas, options: EngineOptions) -> Result<Engine, EngineError> {
        system::create_regions(&mut canvas)?;
        Ok(Engine {
            canvas,
            options,
            catalog: Catalog::default(),
            sessions: Sessions::default(),
            runner: Runner::default(),
            staged: BTreeMap::new(),
            jobs: Vec::new(),
            woken: Vec::new(),
            next_op: 1,
            last_now: 0,
            chain: 0,
            digest: 0,
        })
    }

    /// An engine over the canvas of a checkpoint.
    pub fn recover(
        mut canvas: Canvas,
        stamp: &CheckpointStamp,
        options: EngineOptions,
    ) -> Result<Engine, EngineError> {
        let op = stamp.op_number;
        if stamp.cluster_id != options.cluster_id {
            return Err(EngineError::Cluster {
                expected: options.cluster_id,
                found: stamp.cluster_id,
            });
        }
        let metadata: [u8; 16] = stamp
            .metadata
            .as_slice()
            .try_into()
            .map_err(|_| EngineError::Stamp)?;
        let word =
            |at: usize| u64::from_le_bytes(metadata[at..at + 8].try_into().expect("eight bytes"));
        system::create_regions(&mut canvas)?;
        let catalog =
            Catalog::recover(&mut canvas).map_err(|error| EngineError::Catalog { op, error })?;
        let sessions =
            Sessions::recover(&mut canvas).map_err(|error| EngineError::Page { op, error })?;
        Ok(Engine {
            jobs: jobs_of(&catalog),
            woken: Vec::new(),
            catalog,
            sessions,
            runner: Runner::default(),
            staged: BTreeMap::new(),
            next_op: op + 1,
            last_now: word(0) as i64,
            chain: word(8),
            digest: stamp.engine_digest,
            canvas,
            options,
        })
    }

    /// The engine's part of a checkpoint at the present position; the caller fills in raft and event positions.
    pub fn stamp(&self) -> CheckpointStamp {
        let mut metadata = Vec::with_capacity(16);
        metadata.extend((self.last_now as u64).to_le_bytes());
        metadata.extend(self.chain.to_le_bytes());
        CheckpointStamp {
            cluster_id: self.options.cluster_id,
            op_number: self.next_op - 1,
            semantics_version: u32::from(crate::batch::SEMANTICS),
            engine_digest: self.digest,
            metadata,
            ..CheckpointStamp::default()
        }
    }

    /// The op number that the next batch starts at.
    pub fn next_op(&self) -> u64 {
        self.next_op
    }

    /// What the next batch's `chain` has to be.
    pub fn chain(&self) -> u64 {
        self.chain
    }

    /// Time stamped on the last batch, nanoseconds since 1970.
    pub fn last_now(&self) -> i64 {
        self.last_now
    }

    /// Folded from results, events and stores of all ops so far.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// For checkpoints and reports only: stores here would leave the log's story.
    pub fn canvas_mut(&mut self) -> &mut Canvas {
        &mut self.canvas
    }

    /// Catalog version.
    pub fn epoch(&self) -> u64 {
        self.catalog.epoch()
    }

    pub fn live(&self) -> impl Iterator<Item = &Deployed> {
        self.catalog
            .live
            .values()
            .filter_map(|epoch| self.catalog.deployments.get(epoch))
    }

    pub fn deployment(&self, epoch: u64) -> Option<&Deployed> {
        self.catalog.deployments.get(&epoch)
    }

    /// Gives machine code for a module by its content hash, before or after its deployment. Does not change any result.
    pub fn install_code(&mut self, content_hash: [u8; 32], code: Arc<Compiled>) {
        let mut deployed = self
            .catalog
            .deployments
            .values_mut()
            .filter(|deployed| *deployed.module.hash() == content_hash);
        match deployed.next_back() {
            Some(newest) => newest.compiled = Some(code),
            None => drop(self.staged.insert(content_hash, code)),
        }
    }

    /// Applies the next batch of the log. `encoded` is the batch as the log has it.
    pub fn apply(
        &mut self,
        batch: &Batch,
        encoded: &[u8],
        applied: &mut Applied,
    ) -> Result<(), EngineError> {
        applied.replies.clear();
        applied.events.clear();
        applied.woken.clear();
        self.woken.clear();
        if batch.cluster_id != self.options.cluster_id {
            return Err(EngineError::Cluster {
                expected: self.options.cluster_id,
                found: batch.cluster_id,
            });
        }
        if batch.base_op != self.next_op {
            return Err(EngineError::OutOfOrder {
                expected: self.next_op,
                found: batch.base_op,
            });
        }
        if batch.chain != self.chain {
            return Err(EngineError::Chain {
                op: batch.base_op,
                expected: self.chain,
                found: batch.chain,
            });
        }
        let now = batch.now.max(self.last_now);
        for (index, op) in batch.ops.iter().enumerate() {
            let number = batch.base_op + index as u64;
            let first_event = applied.events.len();
            // Each op's stores are folded from 0, so that a digest continues after a restart.
            self.runner.run.digest = 0;
            let reply = match op {
                Op::Call(call) => self.call(
                    call,
                    number,
                    now,
                    batch.op_seed(number),
                    &mut applied.events,
                )?,
                Op::Deploy(deploy) => self.deploy(deploy, number, now)?,
                Op::OpenSession { client } => self.open_session(*client, number, now)?,
                Op::Step(step) => {
                    let seed = batch.op_seed(number);
                    self.step(*step, number, now, seed, &mut applied.events)?
                }
            };
            self.fold(number, &reply, &applied.events[first_event..]);
            applied.replies.push(reply);
            // Ops that only read the engine's own regions also give back what they were shown of absent pages.
            self.canvas.end_command();
        }
        self.next_op = batch.base_op + batch.ops.len() as u64;
        self.last_now = now;
        self.chain = Batch::chain_hash(encoded);
        std::mem::swap(&mut applied.woken, &mut self.woken);
        Ok(())
    }

    /// Runs a query at the present position; nothing is written, nothing is logged.
    pub fn query(&mut self, call: &Call) -> Result<Reply, EngineError> {
        let op = self.next_op - 1;
        let Some((deployed, command)) = self.resolve(call) else {
            return Ok(Reply::Refused(Refusal::CommandGone));
        };
        if deployed.module.module().interface.commands[command as usize].kind != CommandKind::Query
        {
            return Ok(Reply::Refused(Refusal::NotACommand));
        }
        let environment = Environment {
            now: self.last_now,
            seed: op,
            caller_id: call.principal.id,
            caller_roles: self.roles(call, deployed),
            op_number: op,
        };
        if !allowed(environment.caller_roles, deployed, command) {
            return Ok(Reply::Failed(Failure::Builtin(Builtin::Denied), Vec::new()));
        }
        let (code, epoch) = (Code::of(deployed, self.options.mode), deployed.epoch);
        let reply = self.runner.execute(
            &code,
            CommandIndex(command),
            &call.arguments,
            environment,
            &mut self.canvas,
        );
        self.canvas.end_command();
        reply
            .map(|reply| self.renumbered(reply, epoch, call.epoch))
            .map_err(|halt| EngineError::Halt { op, halt })
    }

    /// The steps of all jobs that are live: after a start any of them may have runs that wait.
    pub fn jobs(&self) -> impl Iterator<Item = Step> {
        self.jobs.iter().map(|(_, step)| *step)
    }

    /// One step of a job, as nobody in particular.
    fn step(
        &mut self,
        step: Step,
        op: u64,
        now: i64,
        seed: u64,
        events: &mut Vec<EventRecord>,
    ) -> Result<Reply, EngineError> {
        let call = Call {
            epoch: step.epoch,
            command: step.command,
            principal: Principal::default(),
            session: SessionKey::None,
            arguments: Vec::new(),
        };
        let live = self.resolve(&call).map(|(deployed, command)| Step {
            epoch: deployed.epoch,
            command,
        });
        let (reply, _) = self.run(&call, CommandKind::Step, op, now, seed, events)?;
        // Whether runs wait: a packed bool.
        if let (Reply::Done(answer), Some(live)) = (&reply, live)
            && answer.first() == Some(&1)
        {
            self.wake(live);
        }
        Ok(reply)
    }

    fn wake(&mut self, step: Step) {
        if !self.woken.contains(&step) {
            self.woken.push(step);
        }
    }

    /// The cost that the interpreter measured for the last op; zero after machine code.
    pub fn last_measured(&self) -> Cost {
        self.runner.measured
    }

    fn open_session(&mut self, client: u128, op: u64, now: i64) -> Result<Reply, EngineError> {
        let opened = self
            .sessions
            .open(&mut self.canvas, client, SessionClass::Wide, now);
        Ok(
            match opened.map_err(|error| EngineError::Page { op, error })? {
                Ok(SessionSlot { slot, generation }) => Reply::SessionOpened { slot, generation },
                Err(refusal) => Reply::Refused(refusal),
            },
        )
    }

    /// Takes an op's reply, events and stores into the digest.
    fn fold(&mut self, op: u64, reply: &Reply, events: &[EventRecord]) {
        let (code, bytes) = match reply {
            Reply::Done(bytes) => (0, hash_bytes(bytes, 0)),
            Reply::Failed(failure, bytes) => (failure_code(*failure), hash_bytes(bytes, 0)),
            Reply::Deployed { epoch } => (u64::MAX, *epoch),
            Reply::SessionOpened { slot, generation } => (
                u64::MAX - 1,
                u64::from(*slot) << 32 | u64::from(*generation),
            ),
            Reply::Refused(refusal) => (u64::MAX - 2, refusal.code()),
        };
        self.digest = fold_store(self.digest, op, code);
        self.digest = fold_store(self.digest, op, bytes);
        self.digest = fold_store(self.digest, op, self.runner.run.digest);
        for event in events {
            self.digest = fold_store(
                self.digest,
                u64::from(event.event),
                hash_bytes(&event.fields, 0),
            );
        }
    }
}
