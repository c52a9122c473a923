//! One command's surroundings, shared by both engines: what goes in (environment, bindings) and what comes
//! out (outcome, events, journal, digest).
//!
//! Always true: after a failure and `rollback`, canvas, events and digest are as before the command.

use rc_bytecode::cost::Cost;
use rc_bytecode::hash::{fold_store, hash_bytes};
use rc_bytecode::instr::Failure;
use rc_canvas::{Access, Address, Canvas};

/// Values of the outer world, stamped by the log entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Nanoseconds since 1970.
    pub now: i64,
    /// Seed of (batch, op): the n-th random number is `hash_bytes(&n.to_le_bytes(), seed)`, n from 0.
    pub seed: u64,
    pub caller_id: u64,
    /// The caller's roles, a bit each as the running module's interface numbers them.
    pub caller_roles: u64,
    pub op_number: u64,
}

/// The canvas region of each module region, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    pub regions: Vec<u16>,
}

/// How a command ended. Bytes are packed as `rc_bytecode::layout` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The packed result; empty where the command has none.
    Done(Vec<u8>),
    /// The packed fields of the declared variant; empty for built-in failures.
    Failed(Failure, Vec<u8>),
}

/// What a run gave: how it ended, and what it really used (within the certificate, or the interpreter halts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    pub outcome: Outcome,
    pub measured: Cost,
}

/// The node must stop at this position: the code, the compiler or the memory is wrong (decision 24).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("halted in {function}: {reason}")]
pub struct Halt {
    pub function: String,
    pub reason: String,
}

/// One old value, to be put back on failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// Canvas address: region in the upper 16 bits, byte offset below.
    pub address: u64,
    pub old: Box<[u8]>,
}

/// See the module text. One `Run` is reused from op to op to keep its buffers.
#[derive(Debug, Default)]
pub struct Run {
    pub environment: Environment,
    /// Random numbers taken so far by this op.
    pub randoms: u64,
    /// Events of this op: interface index and packed bytes.
    pub events: Vec<(u32, Vec<u8>)>,
    /// Folded by every store to a page (`rc_bytecode::hash::fold_store`).
    pub digest: u64,
    /// The interpreter's journal; the JIT keeps its own compact one.
    pub journal: Vec<Undo>,
    /// Where `rollback` goes back to.
    pub mark: Mark,
}

/// The state of a [`Run`] before a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub randoms: u64,
    pub events: usize,
    pub digest: u64,
    pub journal: usize,
}

impl Run {
    /// Starts an op: its environment, no events, no random numbers taken. The digest runs on.
    pub fn begin(&mut self, environment: Environment) {
        self.environment = environment;
        self.randoms = 0;
        self.events.clear();
        self.journal.clear();
        self.set_mark();
    }

    /// Notes where a later `rollback` goes back to. Both engines call it when a command starts.
    pub fn set_mark(&mut self) {
        self.mark = self.here();
    }

    /// The state now, for a later `rollback_to`.
    pub fn here(&self) -> Mark {
        Mark {
            randoms: self.randoms,
            events: self.events.len(),
            digest: self.digest,
            journal: self.journal.len(),
        }
    }

    /// The next pseudo-random number of this op.
    pub fn next_random(&mut self) -> u64 {
        let number = hash_bytes(&self.randoms.to_le_bytes(), self.environment.seed);
        self.randoms += 1;
        number
    }

    /// Folds a store of a scalar of `size` bytes at a canvas address; `bits` beyond the size are ignored.
    pub fn fold_scalar(&mut self, address: u64, bits: u128, size: u32) {
        if size == 16 {
            self.digest = fold_store(self.digest, address, bits as u64);
            self.digest = fold_store(self.digest, address + 8, (bits >> 64) as u64);
        } else {
            let mask = u64::MAX >> (64 - 8 * size);
            self.digest = fold_store(self.digest, address, bits as u64 & mask);
        }
    }

    /// Folds a bulk store: `new` stands at the canvas address now. Nothing is folded for no bytes.
    pub fn fold_bulk(&mut self, address: u64, new: &[u8]) {
        if !new.is_empty() {
            self.digest = fold_store(self.digest, address, hash_bytes(new, 0));
        }
    }

    /// Everything back to where the command started.
    pub fn rollback(&mut self, canvas: &mut Canvas) -> Result<(), Halt> {
        self.rollback_to(self.mark, canvas)
    }

    /// Puts every value that was journaled since the mark back, newest first, and events, digest and random numbers as they
    /// were there. `Err` where a page that was written cannot be written again: the node must stop.
    pub fn rollback_to(&mut self, mark: Mark, canvas: &mut Canvas) -> Result<(), Halt> {
        let shift = canvas.page_shift();
        while self.journal.len() > mark.journal {
            let Some(Undo { address, old }) = self.journal.pop() else {
                break;
            };
            let address = Address(address);
            let frame = canvas
                .touch(address.region(), address.page(shift), Access::Write)
                .map_err(|error| Halt {
                    function: "rollback".to_owned(),
                    reason: error.to_string(),
                })?;
            canvas.write(&frame, address.offset(shift), &old);
        }
        self.events.truncate(mark.events);
        self.digest = mark.digest;
        self.randoms = mark.randoms;
        Ok(())
    }
}
