//! Running compiled commands: the memory they need, kept from call to call, and the way in and out.
//!
//! Always true: a command that fails leaves canvas, events and digest as they were; no page pointer outlives the call; once
//! the buffers have grown to a module's needs, a call through `execute_in_memory` allocates nothing.

use rc_bytecode::instr::{Builtin, CommandIndex, Failure};
use rc_bytecode::wire::WireError;
use rc_canvas::Canvas;
use rc_vm::{Bindings, Halt, InterpretError, Outcome, Run};

use crate::compiled::{Compiled, Entry};
use crate::context::{BoundRegion, Context, status};
use crate::journal::{self, Journal};
use crate::packing::EventBuffer;

/// How a command ended whose arguments and result stay in the machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The result lies in `Machine::result`, the events in `Machine::events`.
    Done,
    /// Everything was undone; a declared failure's packed fields lie in `Machine::payload`.
    Failed(Failure),
}

/// The memory that native code works in. One per thread that executes; serves any number of modules.
#[derive(Debug)]
pub struct Machine {
    context: Context,
    /// The identity of the code that the memory below was last made ready for.
    met: u64,
    regions: Vec<BoundRegion>,
    scratch: Vec<u64>,
    arguments: Vec<u8>,
    result: Vec<u8>,
    result_bytes: usize,
    results: Vec<u128>,
    payload: Vec<u8>,
    journal: Journal,
    events: EventBuffer,
}

// SAFETY: the raw pointers in the context are set before each call (`meet`, `begin`) and used only during it; between calls the
// machine is plain owned memory.
unsafe impl Send for Machine {}

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}

impl Machine {
    /// A machine with no memory yet.
    pub fn new() -> Machine {
        Machine {
            context: Context::empty(),
            met: 0,
            regions: Vec::new(),
            scratch: Vec::new(),
            arguments: Vec::new(),
            result: Vec::new(),
            result_bytes: 0,
            results: Vec::new(),
            payload: Vec::new(),
            journal: Journal::default(),
            events: EventBuffer::default(),
        }
    }

    /// The last command's result in memory layout.
    pub fn result(&self) -> &[u8] {
        &self.result[..self.result_bytes]
    }

    /// The last command's events, in order: interface index and packed bytes.
    pub fn events(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.events.iter()
    }

    /// The last failure's packed fields; empty where it was a built-in one.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Makes room for whatever any command of the module needs, and points the context at it.
    #[cold]
    fn meet(&mut self, compiled: &Compiled) {
        let grow = |length: usize, wanted: usize| length.max(wanted);
        self.regions.resize(
            grow(self.regions.len(), compiled.regions_count),
            BoundRegion::UNBOUND,
        );
        self.scratch.resize(
            grow(self.scratch.len(), compiled.scratch_bytes_max.div_ceil(8)),
            0,
        );
        self.results
            .resize(grow(self.results.len(), compiled.results_max), 0);
        self.result
            .resize(grow(self.result.len(), compiled.result_bytes_max), 0);
        self.journal.reserve(compiled.journal_words_max);
        self.context.regions = self.regions.as_ptr();
        self.context.results = self.results.as_mut_ptr().cast();
        self.context.packings = &*compiled.packings;
        self.met = compiled.identity;
    }

    /// Points the context at everything the entry needs.
    #[inline]
    fn begin(
        &mut self,
        compiled: &Compiled,
        entry: &Entry,
        bindings: &Bindings,
        canvas: &mut Canvas,
        run: &Run,
    ) {
        if self.met != compiled.identity {
            self.meet(compiled);
        }
        let entries = canvas.region_entries_ptr();
        for (index, pages_max) in &entry.regions {
            let id = bindings.regions[usize::from(*index)];
            // SAFETY: the canvas has an entry for each of the 65,536 region numbers, and nobody changes them while it is
            // borrowed here.
            let found = unsafe { &*entries.add(usize::from(id)) };
            self.regions[usize::from(*index)] = BoundRegion {
                table: found.table,
                fast_pages: found.reserved_pages.min(*pages_max),
                base: u64::from(id) << rc_canvas::OFFSET_BITS,
                pages_max: *pages_max,
            };
        }
        let context = &mut self.context;
        context.now = run.environment.now;
        context.seed = run.environment.seed;
        context.caller_id = run.environment.caller_id;
        context.caller_roles = run.environment.caller_roles;
        context.op_number = run.environment.op_number;
        context.digest = run.digest;
        context.randoms = run.randoms;
        context.canvas = canvas;
        context.attempts.clear();
        self.journal.begin(context);
        self.events.begin(context);
    }
}

impl Compiled {
    /// Runs one command with packed arguments, with the same meaning as `rc_vm::Interpreter::interpret`: the same outcome,
    /// events, digest, canvas.
    pub fn execute(
        &self,
        machine: &mut Machine,
        bindings: &Bindings,
        command: CommandIndex,
        arguments: &[u8],
        canvas: &mut Canvas,
        run: &mut Run,
    ) -> Result<Outcome, InterpretError> {
        let index = command.0 as usize;
        let entry = self
            .entries
            .get(index)
            .ok_or(InterpretError::NoSuchCommand(command.0))?;
        let packing = &self.packings.commands[index];
        machine.arguments.clear();
        machine.arguments.resize(entry.arguments_bytes, 0);
        packing
            .arguments
            .unpack_all(arguments, &mut machine.arguments)?;
        let given = std::mem::take(&mut machine.arguments);
        let mut packed = Vec::new();
        let pack = |result: &[u8]| {
            packing
                .result
                .as_ref()
                .map_or(Ok(()), |plan| plan.pack(result, &mut packed))
        };
        let ended = self.run_entry(machine, bindings, entry, &given, canvas, run, pack);
        machine.arguments = given;
        match ended? {
            Ended::Done => {
                run.events.extend(
                    machine
                        .events
                        .iter()
                        .map(|(event, bytes)| (event, bytes.to_vec())),
                );
                Ok(Outcome::Done(packed))
            }
            Ended::Failed(failure) => Ok(Outcome::Failed(failure, machine.payload.clone())),
        }
    }

    /// Runs one command whose arguments are in memory layout already, exactly as many bytes as the layout has. Result and
    /// events stay in the machine, the result unchecked: who packs it may find that it is no value; `run.events` is left alone, digest and random numbers move on.
    pub fn execute_in_memory(
        &self,
        machine: &mut Machine,
        bindings: &Bindings,
        command: CommandIndex,
        arguments: &[u8],
        canvas: &mut Canvas,
        run: &mut Run,
    ) -> Result<Ended, InterpretError> {
        let entry = self
            .entries
            .get(command.0 as usize)
            .ok_or(InterpretError::NoSuchCommand(command.0))?;
        if arguments.len() != entry.arguments_bytes {
            return Err(InterpretError::Halt(halt(
                entry,
                "arguments of another length than the layout's",
            )));
        }
        self.run_entry(machine, bindings, entry, arguments, canvas, run, |_| Ok(()))
    }

    /// Calls the entry; `pack` sees the result before the journal is given up.
    #[inline]
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a call, borrowed apart"
    )]
    fn run_entry(
        &self,
        machine: &mut Machine,
        bindings: &Bindings,
        entry: &Entry,
        arguments: &[u8],
        canvas: &mut Canvas,
        run: &mut Run,
        pack: impl FnOnce(&[u8]) -> Result<(), WireError>,
    ) -> Result<Ended, InterpretError> {
        if canvas.page_shift().bits() != u32::from(self.page_shift)
            || bindings.regions.len() != self.regions_count
        {
            return Err(InterpretError::Halt(halt(
                entry,
                "the canvas has another page size, or not every region is bound",
            )));
        }
        run.set_mark();
        machine.begin(self, entry, bindings, canvas, run);
        let result = &mut machine.result[..entry.result_bytes];
        result.fill(0);
        let scratch = machine.scratch.as_mut_ptr().cast::<u8>();
        // SAFETY: the code was made from a verified module for exactly these layouts. The context was filled just above;
        // what it points to (regions, results, journal, events, canvas, plans) is owned or borrowed by this call and
        // referred to by nobody else until the code returns. `scratch` has the frame bytes of the deepest call path,
        // `arguments` and `result` the bytes of the entry's two views. Pages that the code reaches are pinned: frames
        // neither move nor go before `end_command`, region changes or cuts, none of which happen inside.
        let answered = unsafe {
            (entry.native)(
                &raw mut machine.context,
                scratch,
                arguments.as_ptr(),
                result.as_mut_ptr(),
            )
        };
        // SAFETY: the buffer was begun for this call, and only native code has appended since.
        unsafe { machine.events.catch_up(&machine.context) };
        machine.result_bytes = entry.result_bytes;
        if answered != status::DONE {
            return self.stopped(machine, entry, answered, canvas);
        }
        if pack(machine.result()).is_err() {
            let malformed = status::of_builtin(Builtin::BoundExceeded);
            return self.stopped(machine, entry, malformed, canvas);
        }
        run.digest = machine.context.digest;
        run.randoms = machine.context.randoms;
        canvas.end_command();
        Ok(Ended::Done)
    }

    /// A command that did not return: puts everything back and says why.
    #[cold]
    fn stopped(
        &self,
        machine: &mut Machine,
        entry: &Entry,
        answered: u32,
        canvas: &mut Canvas,
    ) -> Result<Ended, InterpretError> {
        machine.payload.clear();
        let ended = match answered {
            status::DECLARED => Ok(Ended::Failed(self.declared_failure(machine))),
            status::HALT => Err(halt(entry, machine.halt_reason())),
            other => match status::builtin(other) {
                Some(builtin) => Ok(Ended::Failed(Failure::Builtin(builtin))),
                None => Err(halt(entry, "a command that answers nothing")),
            },
        };
        machine.undo(canvas);
        ended.map_err(InterpretError::Halt)
    }

    fn declared_failure(&self, machine: &mut Machine) -> Failure {
        let (error, variant) = (
            machine.context.failure_error as u32,
            machine.context.failure_variant as u32,
        );
        let failure = Failure::Declared { error, variant };
        if machine.context.failure_payload.is_null() {
            return failure;
        }
        let plan = &self.packings.failures[error as usize][variant as usize];
        // SAFETY: the payload is a verified frame view with the variant's layout: scratch, arguments or result memory, which
        // nobody has written since the code failed.
        let memory =
            unsafe { std::slice::from_raw_parts(machine.context.failure_payload, plan.size()) };
        match plan.pack(memory, &mut machine.payload) {
            Ok(()) => failure,
            Err(_) => Failure::Builtin(Builtin::BoundExceeded),
        }
    }
}

impl Machine {
    /// Undoes the command that just ran, and ends it for the canvas.
    fn undo(&mut self, canvas: &mut Canvas) {
        self.events.clear();
        // SAFETY: the journal was begun for this command; the pages in it are still where they were, since the command has
        // not ended for the canvas yet.
        unsafe { journal::roll_back_to(&mut self.context, 0) };
        canvas.end_command();
    }

    fn halt_reason(&mut self) -> String {
        if let Some(error) = self.context.touch_error.take() {
            format!("touch: {error}")
        } else {
            "a call-out that says not why".to_owned()
        }
    }
}

fn halt(entry: &Entry, reason: impl Into<String>) -> Halt {
    Halt {
        function: entry.function_name.clone(),
        reason: reason.into(),
    }
}
