//! Values, failures and the interpreter: the reference meaning of the bytecode.
//!
//! A [`Run`] is one command's surroundings: the stamped environment, the undo journal, the events, the running
//! digest. The interpreter and the JIT both take one and leave the same in it. What only the interpreter checks is a
//! [`Halt`], never a result (decision 24).
//!
//! ```text
//!   Verified ──► Prepared ──► Interpreter::interpret(bindings, command, arguments, canvas, run) ──► Executed
//!                (flat lines,        │ line by line: execute     calls, frame bytes, loops: machine, registers
//!                 prices)            ├ scalars: number           memory through views: memory
//!                                    └ failures, events, tests: effects, testing
//! ```

#![forbid(unsafe_code)]

// In reading order.
pub mod run;

pub mod number;

mod prepare;

mod machine;

mod registers;

mod execute;

mod memory;

mod effects;

mod testing;

mod interpret;

#[cfg(test)]
mod checks;

pub use interpret::{
    FunctionExecuted, FunctionOutcome, InterpretError, Interpreter, check_arguments, interpret,
    interpret_function,
};
pub use prepare::Prepared;
pub use run::{Bindings, Environment, Executed, Halt, Mark, Outcome, Run, Undo};
pub use testing::{Shown, TestHooks};
