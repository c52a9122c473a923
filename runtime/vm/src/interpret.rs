//! The ways in: a command of a module, or one function of it.
//!
//! Always true: a command that fails leaves canvas, events and digest as they were; one that succeeds used no more
//! than its certificate says; a `Halt` says that the code, the compiler or the memory is wrong, and is never a result.

use std::sync::Arc;

use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{CommandIndex, Failure, FunctionIndex, Register, Space, Type, View};
use rc_bytecode::interface::Command;
use rc_bytecode::verify::Verified;
use rc_bytecode::wire::{Plan, WireError};
use rc_canvas::Canvas;

use crate::machine::{Execution, Machine, Place, Stop, World, check_within};
use crate::number;
use crate::prepare::Prepared;
use crate::run::{Bindings, Executed, Halt, Outcome, Run};
use crate::testing::TestHooks;

/// Why a command did not run. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterpretError {
    /// The caller's mistake: [`check_arguments`] finds it before a command is ordered.
    #[error("the arguments do not fit the command: {0}")]
    Arguments(#[from] WireError),
    /// The module has no command of this index.
    #[error("there is no command {0}")]
    NoSuchCommand(u32),
    /// The node must stop.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// How a function ended that was run by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionOutcome {
    /// The results' canonical bits; a view's are 0.
    Returned(Vec<u128>),
    /// `ReturnNone`.
    ReturnedNone,
    /// What it wrote is undone. The packed payload of a declared failure.
    Failed(Failure, Vec<u8>),
    /// The hooks were told which.
    AssertionFailed,
}

/// What a function gave that was run by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionExecuted {
    pub outcome: FunctionOutcome,
    pub measured: Cost,
}

/// Whether packed arguments are a value of the command's: what admission asks before it orders a call.
pub fn check_arguments(
    prepared: &Prepared,
    command: CommandIndex,
    arguments: &[u8],
) -> Result<(), InterpretError> {
    let (plan, _) = prepared
        .commands
        .get(command.0 as usize)
        .ok_or(InterpretError::NoSuchCommand(command.0))?;
    let mut memory = vec![0; plan.size()];
    plan.unpack_all(arguments, &mut memory)?;
    Ok(())
}

/// Runs one command of a module. Prepares the module each time: who runs many keeps an [`Interpreter`].
pub fn interpret(
    module: &Verified,
    bindings: &Bindings,
    command: CommandIndex,
    arguments: &[u8],
    canvas: &mut Canvas,
    run: &mut Run,
) -> Result<Executed, InterpretError> {
    Interpreter::of(module).interpret(bindings, command, arguments, canvas, run)
}

/// Runs one function of a module, tests among them. Prepares the module each time.
pub fn interpret_function(
    module: &Verified,
    bindings: &Bindings,
    function: FunctionIndex,
    arguments: &[u128],
    canvas: &mut Canvas,
    run: &mut Run,
    hooks: &mut dyn TestHooks,
) -> Result<FunctionExecuted, Halt> {
    Interpreter::of(module).interpret_function(
        bindings,
        function,
        arguments,
        canvas,
        run,
        Some(hooks),
    )
}

/// A module that is ready to run, and the memory to run it in, kept from run to run.
#[derive(Debug)]
pub struct Interpreter {
    prepared: Arc<Prepared>,
    machine: Machine,
}

impl Interpreter {
    /// An interpreter of its own memory; what is prepared may be shared.
    pub fn new(prepared: Arc<Prepared>) -> Interpreter {
        Interpreter {
            prepared,
            machine: Machine::default(),
        }
    }

    /// Prepares the module and makes an interpreter for it.
    pub fn of(module: &Verified) -> Interpreter {
        Interpreter::new(Arc::new(Prepared::new(module)))
    }

    /// The module as prepared.
    pub fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    /// Runs one command with packed arguments. `run` has its environment and is left with the op's events and digest.
    /// Handles into the canvas from before are over.
    pub fn interpret(
        &mut self,
        bindings: &Bindings,
        command: CommandIndex,
        arguments: &[u8],
        canvas: &mut Canvas,
        run: &mut Run,
    ) -> Result<Executed, InterpretError> {
        let prepared = &*self.prepared;
        let index = command.0 as usize;
        let (Some(declared), Some((of_arguments, of_result))) = (
            prepared.interface.commands.get(index),
            prepared.commands.get(index),
        ) else {
            return Err(InterpretError::NoSuchCommand(command.0));
        };
        let parts = EntryParts::of(of_arguments, of_result.as_ref());
        parts.unpack(of_arguments, arguments, &mut self.machine)?;
        run.set_mark();
        let machine = &mut self.machine;
        let world = World {
            prepared,
            bindings,
            canvas: &mut *canvas,
            run: &mut *run,
            machine,
            hooks: None,
        };
        let ended = command_to_outcome(world, declared.entry, of_result.as_ref(), &parts);
        let ended = ended.and_then(|executed| {
            let (stored, events) = (
                run.journal.len() > run.mark.journal,
                run.events.len() > run.mark.events,
            );
            check_promises(declared, &executed, stored, events).map(|()| executed)
        });
        let ended = settle(canvas, run, ended, |executed| {
            matches!(executed.outcome, Outcome::Done(_))
        });
        let name = || {
            prepared
                .functions
                .get(declared.entry.0 as usize)
                .map_or_else(String::new, |code| code.name.clone())
        };
        ended.map_err(|stop| InterpretError::Halt(halt(stop, name)))
    }

    /// Runs one function with scalars as arguments (two's complement, or IEEE bits, in the low bits). A failure
    /// undoes what the function wrote; commands that it invoked are ops of their own and stay.
    pub fn interpret_function(
        &mut self,
        bindings: &Bindings,
        function: FunctionIndex,
        arguments: &[u128],
        canvas: &mut Canvas,
        run: &mut Run,
        hooks: Option<&mut dyn TestHooks>,
    ) -> Result<FunctionExecuted, Halt> {
        let prepared = &*self.prepared;
        let Some(code) = prepared.functions.get(function.0 as usize) else {
            return Err(Halt {
                function: String::new(),
                reason: format!("there is no function {}", function.0),
            });
        };
        run.set_mark();
        // The coercion shortens what the hooks may borrow to this run.
        let hooks = hooks.map(|hooks| -> &mut dyn TestHooks { hooks });
        let machine = &mut self.machine;
        let world = World {
            prepared,
            bindings,
            canvas: &mut *canvas,
            run: &mut *run,
            machine,
            hooks,
        };
        let ended = function_to_outcome(world, function, arguments);
        let done = |executed: &FunctionExecuted| {
            matches!(
                executed.outcome,
                FunctionOutcome::Returned(_) | FunctionOutcome::ReturnedNone
            )
        };
        settle(canvas, run, ended, done).map_err(|stop| halt(stop, || code.name.clone()))
    }
}

/// Keeps what was written, or puts it all back; page handles end here.
fn settle<Ended>(
    canvas: &mut Canvas,
    run: &mut Run,
    ended: Result<Ended, Stop>,
    done: impl FnOnce(&Ended) -> bool,
) -> Result<Ended, Stop> {
    let ended = match ended {
        Ok(ended) if done(&ended) => {
            run.journal.truncate(run.mark.journal);
            Ok(ended)
        }
        // After a halt too: the node stops with a canvas that the log explains.
        other => run
            .rollback(canvas)
            .map_err(|halt| Stop::halt(halt.to_string()))
            .and(other),
    };
    canvas.end_command();
    ended
}

fn halt(stop: Stop, function: impl FnOnce() -> String) -> Halt {
    match stop {
        Stop::Halted(halted) => Halt {
            function: halted.function.unwrap_or_else(function),
            reason: halted.reason,
        },
        Stop::Failed(failure) => Halt {
            function: function(),
            reason: format!("{failure:?} was not caught"),
        },
        Stop::AssertionFailed => Halt {
            function: function(),
            reason: "an assertion outside a test".to_owned(),
        },
    }
}

/// Where a command's arguments and its result lie at the bottom of the frame bytes.
struct EntryParts {
    arguments_bytes: u32,
    result_start: usize,
    result_bytes: u32,
    floor: usize,
}

impl EntryParts {
    fn of(arguments: &Plan, result: Option<&Plan>) -> EntryParts {
        let result_bytes = result.map_or(0, Plan::size);
        let result_start = arguments.size().next_multiple_of(8);
        EntryParts {
            arguments_bytes: arguments.size() as u32,
            result_start,
            result_bytes: result_bytes as u32,
            floor: result_start + result_bytes.next_multiple_of(8),
        }
    }

    fn unpack(
        &self,
        plan: &Plan,
        arguments: &[u8],
        machine: &mut Machine,
    ) -> Result<(), WireError> {
        if machine.frame_bytes.len() < self.floor {
            machine.frame_bytes.resize(self.floor, 0);
        }
        machine.frame_bytes[..self.floor].fill(0);
        plan.unpack_all(
            arguments,
            &mut machine.frame_bytes[..self.arguments_bytes as usize],
        )
    }

    fn places(&self) -> [Place; 2] {
        let place = |start, length, writable| Place {
            page: None,
            view: View {
                space: Space::Frame,
                length,
                writable,
            },
            start,
        };
        [
            place(0, self.arguments_bytes, false),
            place(self.result_start, self.result_bytes, true),
        ]
    }
}

/// Runs the entry to its end and packs the result. Failures are outcomes here; the canvas is not put back yet.
fn command_to_outcome(
    world: World<'_>,
    entry: FunctionIndex,
    of_result: Option<&Plan>,
    parts: &EntryParts,
) -> Result<Executed, Stop> {
    let mut execution = Execution::new(world, entry, parts.floor)?;
    for (place, register) in parts.places().into_iter().zip(0..) {
        execution.set_place(Register(register), place)?;
    }
    let ended = execution.run_to_end();
    let ended = ended.map_err(|stop| execution.name_halt(stop));
    let packed = ended.and_then(|values| {
        if values.is_none() {
            return Err(Stop::halt("a command that answers nothing"));
        }
        match of_result {
            Some(plan) => execution.pack(plan, &parts.places()[1]),
            None => Ok(Vec::new()),
        }
    });
    let outcome = match packed {
        Ok(packed) => Outcome::Done(packed),
        Err(Stop::Failed(failure)) => {
            execution.check_certificates_unwinding()?;
            Outcome::Failed(failure, execution.take_payload(failure))
        }
        Err(other) => return Err(other),
    };
    let mut measured = execution.measured();
    let (Outcome::Done(reply) | Outcome::Failed(_, reply)) = &outcome;
    measured.reply_bytes = reply.len() as u64;
    Ok(Executed { outcome, measured })
}

/// What the interface promises of the command holds for this run.
fn check_promises(
    command: &Command,
    executed: &Executed,
    stored: bool,
    events: bool,
) -> Result<(), Stop> {
    check_within(&executed.measured, &command.cost)?;
    let failed = matches!(executed.outcome, Outcome::Failed(..));
    if command.undo_free && failed && (stored || events) {
        return Err(Stop::halt(
            "a failure after a write in a command without an undo journal",
        ));
    }
    if !command.kind.writes() && (stored || events) {
        return Err(Stop::halt("a write where only reads are allowed"));
    }
    Ok(())
}

fn function_to_outcome(
    world: World<'_>,
    function: FunctionIndex,
    arguments: &[u128],
) -> Result<FunctionExecuted, Stop> {
    let code = &world.prepared.functions[function.0 as usize];
    let mut execution = Execution::new(world, function, 0)?;
    if arguments.len() != code.parameters.len() {
        return Err(Stop::halt("a wrong number of arguments"));
    }
    for ((bits, parameter), register) in arguments.iter().zip(&code.parameters).zip(0..) {
        let Type::Scalar(scalar) = parameter else {
            return Err(Stop::halt("a parameter that is no scalar"));
        };
        execution.set_scalar(Register(register), number::canonical(*scalar, *bits))?;
    }
    let outcome = match execution.run_to_end() {
        Ok(None) => FunctionOutcome::ReturnedNone,
        Ok(Some(values)) => {
            let bits = values.iter().map(|value| match execution.type_of(*value)? {
                Type::Scalar(_) => execution.scalar(*value),
                Type::View(_) => Ok(0),
            });
            FunctionOutcome::Returned(bits.collect::<Result<_, Stop>>()?)
        }
        Err(Stop::Failed(failure)) => {
            execution.check_certificates_unwinding()?;
            FunctionOutcome::Failed(failure, execution.take_payload(failure))
        }
        Err(Stop::AssertionFailed) => FunctionOutcome::AssertionFailed,
        Err(stop) => return Err(execution.name_halt(stop)),
    };
    Ok(FunctionExecuted {
        outcome,
        measured: execution.measured(),
    })
}
