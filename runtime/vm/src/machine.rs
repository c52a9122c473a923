//! The machine: stacks of registers, frame bytes, loop counters and calls.
//!
//! Always true: the running function's registers stand at `base..` of the register stacks, unassigned when it
//! starts, its slots at `frame..` of the frame bytes, zero when it starts; a function that ends, also by a failure, has used no
//! more than its certificate says. What breaks this is a `Stop::Halted`, never a result. The stacks keep their memory
//! from run to run.

use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{Builtin, Failure, FunctionIndex, Register, Scalar, Space, Type, View};
use rc_bytecode::limits::CALL_DEPTH_MAX;
use rc_canvas::{Canvas, Frame};

use crate::number::Trap;
use crate::prepare::{Code, LineNumber, Op, Prepared};
use crate::run::{Bindings, Mark, Run};
use crate::testing::TestHooks;

/// Why a run ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The command fails; a declared failure's packed payload is in the machine.
    Failed(Failure),
    /// The test's assertion does not hold, and its hooks know.
    AssertionFailed,
    /// The node must stop. Boxed, since every checked access may give it.
    Halted(Box<Halted>),
}

/// Why, and in which function where it is known already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Halted {
    pub(crate) function: Option<String>,
    pub(crate) reason: String,
}

impl Stop {
    pub(crate) fn builtin(builtin: Builtin) -> Stop {
        Stop::Failed(Failure::Builtin(builtin))
    }

    #[cold]
    pub(crate) fn halt(reason: impl Into<String>) -> Stop {
        Stop::Halted(Box::new(Halted {
            function: None,
            reason: reason.into(),
        }))
    }
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Stop {
        match trap {
            Trap::Failure(builtin) => Stop::builtin(builtin),
            Trap::Illegal => Stop::halt("an operation on a type that does not have it"),
        }
    }
}

/// What a view register holds: where its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The page; `None` for the frame.
    pub(crate) page: Option<Frame>,
    /// Length, space and permission.
    pub(crate) view: View,
    /// The first byte: in the page, or in the machine's frame bytes.
    pub(crate) start: usize,
}

const NOWHERE: Place = Place {
    page: None,
    view: View {
        space: Space::Frame,
        length: 0,
        writable: false,
    },
    start: 0,
};

/// A call that waits for the one above it, or the running one: where its stacks begin.
#[derive(Clone, Copy, Debug)]
struct CallRecord {
    function: FunctionIndex,
    /// The next line, while it waits.
    line: LineNumber,
    base: usize,
    counters: usize,
    frame: usize,
    /// The counted cost when it was entered, and the highest frame byte before.
    entered: Cost,
}

/// An attempt whose callee runs.
#[derive(Clone, Copy, Debug)]
struct AttemptRecord {
    /// Calls that were open where it stands: the last of them takes the status.
    calls: usize,
    /// What its failure takes everything back to.
    mark: Mark,
    failure: Register,
    status: Register,
}

/// The interpreter's memory, kept from run to run.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// Beside each other: a register's scalar, its view, and whether it was assigned.
    pub(crate) bits: Vec<u128>,
    pub(crate) places: Vec<Place>,
    pub(crate) assigned: Vec<bool>,
    pub(crate) frame_bytes: Vec<u8>,
    counters: Vec<u64>,
    calls: Vec<CallRecord>,
    /// Attempts that have not ended, outermost first.
    attempts: Vec<AttemptRecord>,
    /// What a bulk instruction reads before it writes.
    pub(crate) buffer: Vec<u8>,
    /// The packed payload of a declared failure.
    pub(crate) payload: Vec<u8>,
}

/// One run in progress.
pub(crate) struct Execution<'r> {
    pub(crate) prepared: &'r Prepared,
    pub(crate) bindings: &'r Bindings,
    pub(crate) canvas: &'r mut Canvas,
    pub(crate) run: &'r mut Run,
    pub(crate) machine: &'r mut Machine,
    pub(crate) hooks: Option<&'r mut dyn TestHooks>,
    /// The running function.
    pub(crate) code: &'r Code,
    pub(crate) line: LineNumber,
    pub(crate) base: usize,
    counters: usize,
    pub(crate) frame: usize,
    /// Counted so far. `scratch_bytes` is the highest frame byte since the running function was entered.
    pub(crate) counted: Cost,
    /// Bytes of `frame_bytes` that belong to no call: a command's arguments and result.
    frame_floor: usize,
}

/// What a run works on.
pub(crate) struct World<'r> {
    pub(crate) prepared: &'r Prepared,
    pub(crate) bindings: &'r Bindings,
    pub(crate) canvas: &'r mut Canvas,
    pub(crate) run: &'r mut Run,
    pub(crate) machine: &'r mut Machine,
    pub(crate) hooks: Option<&'r mut dyn TestHooks>,
}

impl<'r> Execution<'r> {
    /// A run of `function` whose first `floor` frame bytes are the caller's. Its parameters must be given
    /// before it runs.
    pub(crate) fn new(
        world: World<'r>,
        function: FunctionIndex,
        floor: usize,
    ) -> Result<Execution<'r>, Stop> {
        let World {
            prepared,
            bindings,
            canvas,
            run,
            machine,
            hooks,
        } = world;
        if u32::from(prepared.page_shift) != canvas.page_shift().bits() {
            return Err(Stop::halt(
                "the module is made for another page size than the canvas",
            ));
        }
        machine.calls.clear();
        machine.attempts.clear();
        machine.payload.clear();
        let mut execution = Execution {
            prepared,
            bindings,
            canvas,
            run,
            machine,
            hooks,
            code: &prepared.functions[function.0 as usize],
            line: 0,
            base: 0,
            counters: 0,
            frame: floor,
            counted: Cost {
                scratch_bytes: floor as u64,
                ..Cost::ZERO
            },
            frame_floor: floor,
        };
        execution.open(function, 0, 0, floor)?;
        Ok(execution)
    }

    /// What the run used so far, its own frames only.
    pub(crate) fn measured(&self) -> Cost {
        Cost {
            scratch_bytes: self.counted.scratch_bytes - self.frame_floor as u64,
            ..self.counted
        }
    }

    /// A declared failure's packed payload; empty for a built-in one.
    pub(crate) fn take_payload(&mut self, failure: Failure) -> Vec<u8> {
        match failure {
            Failure::Declared { .. } => std::mem::take(&mut self.machine.payload),
            Failure::Builtin(_) => Vec::new(),
        }
    }

    /// A halt with the running function's name in it.
    pub(crate) fn name_halt(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Halted(mut halted) => {
                halted
                    .function
                    .get_or_insert_with(|| self.code.name.clone());
                Stop::Halted(halted)
            }
            other => other,
        }
    }

    // -- calls ---------------------------------------------------------------------------------------

    /// Makes room for `function` above the given stack heights and starts it: registers unassigned, slots zero.
    fn open(
        &mut self,
        function: FunctionIndex,
        base: usize,
        counters: usize,
        frame: usize,
    ) -> Result<(), Stop> {
        if self.machine.calls.len() >= CALL_DEPTH_MAX {
            return Err(Stop::halt(format!(
                "more than {CALL_DEPTH_MAX} calls in each other"
            )));
        }
        let code = &self.prepared.functions[function.0 as usize];
        self.machine.calls.push(CallRecord {
            function,
            line: 0,
            base,
            counters,
            frame,
            entered: self.counted,
        });
        (self.code, self.line, self.base, self.counters, self.frame) =
            (code, 0, base, counters, frame);
        let machine = &mut *self.machine;
        let registers_end = base + code.registers.len();
        if machine.bits.len() < registers_end {
            machine.bits.resize(registers_end, 0);
            machine.places.resize(registers_end, NOWHERE);
            machine.assigned.resize(registers_end, false);
        }
        machine.assigned[base..registers_end].fill(false);
        if machine.counters.len() < counters + code.loops {
            machine.counters.resize(counters + code.loops, 0);
        }
        let frame_end = frame + code.frame_bytes;
        if machine.frame_bytes.len() < frame_end {
            machine.frame_bytes.resize(frame_end, 0);
        }
        machine.frame_bytes[frame..frame_end].fill(0);
        self.counted.steps += code.entry.steps;
        self.counted.scratch_bytes = frame_end as u64;
        Ok(())
    }

    /// Calls `function` with registers of the running one.
    pub(crate) fn call(
        &mut self,
        function: FunctionIndex,
        arguments: &[Register],
    ) -> Result<(), Stop> {
        let (code, base, line) = (self.code, self.base, self.line);
        if let Some(waiting) = self.machine.calls.last_mut() {
            waiting.line = line;
        }
        let counters = self.counters + code.loops;
        self.open(
            function,
            base + code.registers.len(),
            counters,
            self.frame + code.frame_bytes,
        )?;
        if arguments.len() != self.code.parameters.len() {
            return Err(Stop::halt("a call with a wrong number of arguments"));
        }
        for (place, argument) in arguments.iter().enumerate() {
            self.carry(
                code,
                base,
                *argument,
                self.code,
                self.base,
                Register(place as u32),
            )?;
        }
        Ok(())
    }

    /// Ends the running function and goes on with its caller, which takes the `values` into the result registers of its
    /// call; nothing for `ReturnNone`. True where it was the outermost one: its values stay to be read.
    pub(crate) fn leave(&mut self, values: Option<&[Register]>) -> Result<bool, Stop> {
        self.check_certificate()?;
        let (callee, callee_base, callee_frame) = (self.code, self.base, self.frame);
        if values.is_none() && !callee.maybe {
            return Err(Stop::halt("`ReturnNone` in a function that always answers"));
        }
        if let Some(values) = values
            && values.len() != callee.results.len()
        {
            return Err(Stop::halt("a return with a wrong number of values"));
        }
        if self.machine.calls.len() == 1 {
            return Ok(true);
        }
        let Some(ended) = self.machine.calls.pop() else {
            return Ok(true);
        };
        let Some(caller) = self.machine.calls.last().copied() else {
            return Ok(true);
        };
        self.code = &self.prepared.functions[caller.function.0 as usize];
        (self.line, self.base, self.counters, self.frame) =
            (caller.line, caller.base, caller.counters, caller.frame);
        self.counted.scratch_bytes = self.counted.scratch_bytes.max(ended.entered.scratch_bytes);
        // The call is the line before the one to go on with.
        let code = self.code;
        let (results, after) = match &code.lines[self.line as usize - 1].op {
            Op::Call { results, after, .. } => (results, after),
            Op::Attempt { status, .. } => {
                self.machine.attempts.pop();
                if values.is_none_or(|values| !values.is_empty()) {
                    return Err(Stop::halt("an attempt that answers with values"));
                }
                self.set_scalar_of(*status, Scalar::U32, 0)?;
                return Ok(false);
            }
            _ => return Err(Stop::halt("a return to what is no call")),
        };
        let Some(values) = values else {
            return Ok(false);
        };
        if results.len() != values.len() {
            return Err(Stop::halt("a call with a wrong number of results"));
        }
        for (value, result) in values.iter().zip(results) {
            if let Some(Type::View(_)) = callee.registers.get(value.0 as usize) {
                let place = self.machine.places[callee_base + value.0 as usize];
                if place.page.is_none() && place.start + place.view.length as usize > callee_frame {
                    return Err(Stop::halt("a view of a frame that is gone"));
                }
            }
            self.carry(callee, callee_base, *value, code, self.base, *result)?;
        }
        self.line = *after;
        Ok(false)
    }

    /// The running function used no more than its certificate says.
    fn check_certificate(&self) -> Result<(), Stop> {
        let Some(call) = self.machine.calls.last() else {
            return Ok(());
        };
        let used = Cost {
            steps: self.counted.steps - call.entered.steps,
            pages_read: self.counted.pages_read - call.entered.pages_read,
            pages_written: self.counted.pages_written - call.entered.pages_written,
            bytes_written: self.counted.bytes_written - call.entered.bytes_written,
            event_bytes: self.counted.event_bytes - call.entered.event_bytes,
            // A failure's payload ends the command, and is held against the command's certificate.
            reply_bytes: 0,
            scratch_bytes: self.counted.scratch_bytes - call.frame as u64,
        };
        check_within(&used, &self.code.certificate)
    }

    // -- attempts ------------------------------------------------------------------------------------

    /// Calls `function` so that its failure comes back as a status.
    pub(crate) fn attempt(
        &mut self,
        function: FunctionIndex,
        arguments: &[Register],
        failure: Register,
        status: Register,
    ) -> Result<(), Stop> {
        self.machine.attempts.push(AttemptRecord {
            calls: self.machine.calls.len(),
            mark: self.run.here(),
            failure,
            status,
        });
        self.call(function, arguments)
    }

    pub(crate) fn is_attempting(&self) -> bool {
        !self.machine.attempts.is_empty()
    }

    /// Takes back what the innermost attempt did, and goes on after it.
    pub(crate) fn catch(&mut self, failure: Failure) -> Result<(), Stop> {
        let Some(attempt) = self.machine.attempts.pop() else {
            return Err(Stop::Failed(failure));
        };
        self.unwind_to(attempt.calls)?;
        let Some(caller) = self.machine.calls.last().copied() else {
            return Err(Stop::halt("an attempt outside any call"));
        };
        self.code = &self.prepared.functions[caller.function.0 as usize];
        (self.line, self.base, self.counters, self.frame) =
            (caller.line, caller.base, caller.counters, caller.frame);
        self.run
            .rollback_to(attempt.mark, self.canvas)
            .map_err(|halt| Stop::halt(halt.to_string()))?;
        let packed = self.take_payload(failure);
        let number = self.give_failure(failure, &packed, attempt.failure)?;
        self.set_scalar_of(attempt.status, Scalar::U32, u128::from(number))
    }

    /// After a failure: no function on the way used more than its certificate says.
    pub(crate) fn check_certificates_unwinding(&mut self) -> Result<(), Stop> {
        self.unwind_to(0)
    }

    /// Ends the calls above the first `calls` ones, which failed.
    fn unwind_to(&mut self, calls: usize) -> Result<(), Stop> {
        while self.machine.calls.len() > calls
            && let Some(call) = self.machine.calls.last().copied()
        {
            self.code = &self.prepared.functions[call.function.0 as usize];
            self.check_certificate()?;
            self.counted.scratch_bytes = self.counted.scratch_bytes.max(call.entered.scratch_bytes);
            self.machine.calls.pop();
        }
        Ok(())
    }

    // -- loops ---------------------------------------------------------------------------------------

    pub(crate) fn start_counter(&mut self, counter: u32) {
        self.machine.counters[self.counters + counter as usize] = 0;
    }

    /// Counts one more iteration; fails where it would be the `max + 1`st.
    pub(crate) fn count_iteration(&mut self, counter: u32, max: u64) -> Result<(), Stop> {
        let counted = &mut self.machine.counters[self.counters + counter as usize];
        if *counted >= max {
            return Err(Stop::builtin(Builtin::BoundExceeded));
        }
        *counted += 1;
        Ok(())
    }
}

/// A measured cost within its certificate, or a halt that names the dimension.
pub(crate) fn check_within(used: &Cost, certificate: &Cost) -> Result<(), Stop> {
    if used.within(certificate) {
        return Ok(());
    }
    let dimensions = used.dimensions().into_iter().zip(certificate.dimensions());
    let beyond = dimensions.filter(|((_, used), (_, most))| used > most);
    let beyond = beyond.map(|((name, used), (_, most))| format!("{name} {used} > {most}"));
    Err(Stop::halt(format!(
        "measured cost above the certificate: {}",
        beyond.collect::<Vec<_>>().join(", ")
    )))
}
