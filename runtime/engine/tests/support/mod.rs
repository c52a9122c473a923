//! An engine with its log: batches are made, applied and kept, so that another engine can apply the same.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod bank;

use bank::Bank;
use rc_canvas::{Canvas, CanvasOptions, MemoryStore, PageShift, persist};
use rc_engine::{
    Applied, Batch, Call, Deploy, Engine, EngineOptions, EventRecord, Mode, Op, Principal, Reply,
    SessionKey,
};
use std::sync::Arc;

pub const CLUSTER: u128 = 77;
pub const START: i64 = 1_700_000_000_000_000_000;

pub fn canvas() -> Canvas {
    let page_shift = PageShift::new(rc_bytecode::limits::PAGE_SHIFT_DEFAULT).unwrap();
    Canvas::new(CanvasOptions {
        memory_bytes_max: 1 << 32,
        ..CanvasOptions::new(page_shift)
    })
    .unwrap()
}

pub fn options(mode: Mode) -> EngineOptions {
    EngineOptions {
        cluster_id: CLUSTER,
        mode,
    }
}

/// Runs one op after another, each in a batch of its own unless told otherwise.
pub struct Stage {
    pub engine: Engine,
    pub mode: Mode,
    pub replies: Vec<Reply>,
    pub events: Vec<EventRecord>,
    pub now: i64,
    /// Checkpoints are what changed since the last: they need one store.
    store: MemoryStore,
}

impl Stage {
    pub fn new(mode: Mode) -> Stage {
        Stage {
            engine: Engine::new(canvas(), options(mode)).unwrap(),
            store: MemoryStore::new(),
            mode,
            replies: vec![],
            events: vec![],
            now: START,
        }
    }

    /// With the first bank deployed as epoch 1.
    pub fn bank(mode: Mode) -> Stage {
        let mut stage = Stage::new(mode);
        assert_eq!(stage.deploy(bank::BANK), Reply::Deployed { epoch: 1 });
        stage
    }

    pub fn batch(&self, ops: Vec<Op>) -> Batch {
        Batch {
            cluster_id: CLUSTER,
            base_op: self.engine.next_op(),
            now: self.now,
            // So that an op's random numbers do not hang on the cut.
            seed: 9,
            chain: self.engine.chain(),
            key_id: 0,
            ops,
        }
    }

    /// Through the encoding, as the node does it. The replies of this batch.
    pub fn apply(&mut self, ops: Vec<Op>) -> Vec<Reply> {
        let mut encoded = Vec::new();
        self.batch(ops).encode(&mut encoded);
        let batch = Batch::decode(&encoded).unwrap();
        if self.mode == Mode::Jit {
            for op in &batch.ops {
                if let Op::Deploy(deploy) = op {
                    stage_code(&mut self.engine, &deploy.module);
                }
            }
        }
        let mut applied = Applied::default();
        self.engine
            .apply(&batch, &encoded, &mut applied)
            .expect("no halt");
        assert_eq!(applied.replies.len(), batch.ops.len());
        self.replies.extend(applied.replies.iter().cloned());
        self.events.extend(applied.events);
        applied.replies
    }

    pub fn one(&mut self, op: Op) -> Reply {
        self.apply(vec![op]).remove(0)
    }

    pub fn deploy(&mut self, bank: Bank) -> Reply {
        self.one(deploy(self.engine.epoch(), bank.encoded()))
    }

    pub fn call(&mut self, command: u32, arguments: Vec<u8>) -> Reply {
        self.one(Op::Call(call(command, arguments)))
    }

    pub fn balance(&mut self, id: u64) -> u64 {
        let epoch = self.engine.epoch();
        match self
            .engine
            .query(&Call {
                epoch,
                ..call(bank::BALANCE, bank::words(&[id]))
            })
            .unwrap()
        {
            Reply::Done(bytes) => u64::from_le_bytes(bytes.try_into().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// Everything that must agree between two nodes.
    pub fn state(&self) -> (u64, u64, u64) {
        (
            self.engine.next_op(),
            self.engine.digest(),
            self.engine.canvas().digest_pages(),
        )
    }

    /// As after a restart from a checkpoint made now.
    pub fn restarted(mut self, mode: Mode) -> Stage {
        let stamp = self.engine.stamp();
        let mut cut = self.engine.canvas_mut().begin_checkpoint(stamp).unwrap();
        persist(&mut cut, &mut self.store).unwrap();
        self.engine.canvas_mut().finish_checkpoint(cut).unwrap();
        let before = self.state();
        let page_shift = PageShift::new(rc_bytecode::limits::PAGE_SHIFT_DEFAULT).unwrap();
        let recovered =
            rc_canvas::recover(CanvasOptions::new(page_shift), &mut self.store).unwrap();
        let stamp = recovered.superblock.unwrap().stamp;
        let engine = Engine::recover(recovered.canvas, &stamp, options(mode)).unwrap();
        let stage = Stage {
            engine,
            mode,
            ..self
        };
        assert_eq!(stage.state(), before);
        stage
    }
}

pub fn stage_code(engine: &mut Engine, encoded: &[u8]) {
    let verified = rc_bytecode::decode(encoded)
        .ok()
        .and_then(|module| rc_bytecode::verify(module).ok());
    if let Some(verified) = verified {
        let code = rc_jit::Compiled::compile(&verified).expect("it compiles");
        engine.install_code(*verified.hash(), Arc::new(code));
    }
}

/// Of epoch 1, by nobody, without a session.
pub fn call(command: u32, arguments: Vec<u8>) -> Call {
    Call {
        epoch: 1,
        command,
        principal: Principal::default(),
        session: SessionKey::None,
        arguments,
    }
}

pub fn deploy(expected_epoch: u64, module: Vec<u8>) -> Op {
    Op::Deploy(Box::new(Deploy {
        expected_epoch,
        deployer: 4,
        module,
        source: b"source".to_vec(),
    }))
}

/// A small generator of numbers for tests.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
