//! One way to run a command, by either back end.
//!
//! Always true: the reply is the same whichever ran; arguments that do not fit the command's shape are a refusal and
//! change nothing.

use crate::catalog::Deployed;
use crate::engine::Mode;
use crate::reply::{Refusal, Reply};
use rc_bytecode::Cost;
use rc_bytecode::instr::CommandIndex;
use rc_canvas::Canvas;
use rc_jit::{Compiled, Machine};
use rc_vm::{Bindings, Environment, Halt, InterpretError, Interpreter, Outcome, Prepared, Run};
use std::sync::Arc;

/// Code with its regions: machine code where it is to be used, else what the interpreter runs.
pub(crate) struct Code {
    prepared: Arc<Prepared>,
    bindings: Arc<Bindings>,
    compiled: Option<Arc<Compiled>>,
}

impl Code {
    pub fn of(deployed: &Deployed, mode: Mode) -> Code {
        let compiled = match mode {
            Mode::Interpreter => None,
            Mode::Jit => deployed.compiled.clone(),
        };
        Code {
            prepared: Arc::clone(&deployed.prepared),
            bindings: Arc::clone(&deployed.bindings),
            compiled,
        }
    }
}

/// Both back ends' memory, kept from op to op.
pub(crate) struct Runner {
    pub run: Run,
    /// The interpreter's cost of the last command; zero after machine code.
    pub measured: Cost,
    machine: Machine,
    interpreter: Option<Interpreter>,
}

impl Default for Runner {
    fn default() -> Runner {
        Runner {
            run: Run::default(),
            measured: Cost::ZERO,
            machine: Machine::new(),
            interpreter: None,
        }
    }
}

impl Runner {
    /// Runs one command; its events are left in `run`.
    pub fn execute(
        &mut self,
        code: &Code,
        command: CommandIndex,
        arguments: &[u8],
        environment: Environment,
        canvas: &mut Canvas,
    ) -> Result<Reply, Halt> {
        self.run.begin(environment);
        self.measured = Cost::ZERO;
        let outcome = match &code.compiled {
            Some(compiled) => compiled.execute(
                &mut self.machine,
                &code.bindings,
                command,
                arguments,
                canvas,
                &mut self.run,
            ),
            None => {
                let interpreter = match self.interpreter.take() {
                    Some(interpreter) if Arc::ptr_eq(interpreter.prepared(), &code.prepared) => {
                        interpreter
                    }
                    _ => Interpreter::new(Arc::clone(&code.prepared)),
                };
                let interpreter = self.interpreter.insert(interpreter);
                let executed = interpreter.interpret(
                    &code.bindings,
                    command,
                    arguments,
                    canvas,
                    &mut self.run,
                );
                executed.map(|executed| {
                    self.measured = executed.measured;
                    executed.outcome
                })
            }
        };
        match outcome {
            Ok(Outcome::Done(result)) => Ok(Reply::Done(result)),
            Ok(Outcome::Failed(failure, payload)) => Ok(Reply::Failed(failure, payload)),
            Err(InterpretError::Arguments(_)) => Ok(Reply::Refused(Refusal::BadArguments)),
            Err(InterpretError::NoSuchCommand(_)) => Ok(Reply::Refused(Refusal::CommandGone)),
            Err(InterpretError::Halt(halt)) => Err(halt),
        }
    }
}
