//! Two engines side by side: each command that a test invokes runs in the checked interpreter on one canvas and as
//! machine code on another, and everything that a node would keep of it is compared.
//!
//! Always true: both canvases began empty and have seen the same ops with the same environment; the first difference
//! ends the test and is its result. Measured costs above the proven ones halt the interpreter, which ends it too.

use super::costs::Costs;
use super::verdict::Complaint;
use rc_bytecode::Interface;
use rc_bytecode::hash::hash_bytes;
use rc_bytecode::instr::{Builtin, CommandIndex, Failure, FunctionIndex};
use rc_bytecode::interface::{Allow, CommandKind};
use rc_bytecode::value::{Fields, Value};
use rc_bytecode::verify::Verified;
use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_jit::{CompileError, Compiled, Machine};
use rc_vm::{
    Bindings, Environment, FunctionOutcome, Halt, Interpreter, Outcome, Prepared, Run, Shown,
    TestHooks,
};
use std::sync::Arc;

/// When every test begins: 2026-01-01T00:00:00Z in nanoseconds since 1970.
const START_NANOSECONDS: i64 = 1_767_225_600_000_000_000;
/// The module's first region on both canvases, as on a node: the ones below are the system's.
const FIRST_REGION: u16 = 16;
/// Bytes of pages that one test may fill.
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// A module ready to be run by both engines.
pub struct Code {
    module: Verified,
    prepared: Arc<Prepared>,
    compiled: Compiled,
    bindings: Bindings,
    page_shift: PageShift,
    costs: Costs,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("no memory for the test's pages could be reserved")]
    NoMemory,
    #[error("regions could not be made: {0}")]
    Regions(#[from] rc_canvas::RegionError),
    #[error("pages of 2^{0} bytes are not supported")]
    PageSize(u8),
}

impl Code {
    pub fn new(module: Verified) -> Result<Code, CodeError> {
        let shift = module.module().page_shift;
        let page_shift = PageShift::new(shift).ok_or(CodeError::PageSize(shift))?;
        let regions = (FIRST_REGION..)
            .take(module.module().regions.len())
            .collect();
        Ok(Code {
            prepared: Arc::new(Prepared::new(&module)),
            compiled: Compiled::compile(&module)?,
            bindings: Bindings { regions },
            page_shift,
            module,
            costs: Costs::default(),
        })
    }

    /// The interpreter runs one module, the machine code is of another: what a wrong code generator would be.
    #[cfg(test)]
    fn with_machine_code_of(self, other: &Verified) -> Code {
        Code {
            compiled: Compiled::compile(other).expect("code for this machine"),
            ..self
        }
    }

    /// What all runs so far have cost, as a table.
    pub fn costs(&self) -> String {
        self.costs.table(self.interface())
    }

    pub fn interface(&self) -> &Interface {
        &self.module.module().interface
    }

    fn canvas(&self) -> Result<Canvas, CodeError> {
        let options = CanvasOptions {
            memory_bytes_max: MEMORY_BYTES_MAX,
            ..CanvasOptions::new(self.page_shift)
        };
        let mut canvas = Canvas::new(options).ok_or(CodeError::NoMemory)?;
        for region in &self.bindings.regions {
            canvas.create_region(*region)?;
        }
        Ok(canvas)
    }

    /// Runs one test function on two empty canvases; `Err` is what the test found wrong. `given` are the packed
    /// arguments that a property gets when it invokes the command of that number.
    pub fn run(
        &self,
        function: FunctionIndex,
        given: Option<(CommandIndex, &[u8])>,
    ) -> Result<Result<(), Complaint>, CodeError> {
        let mut canvas = self.canvas()?;
        let mut twins = Twins {
            code: self,
            given,
            interpreter: Interpreter::new(Arc::clone(&self.prepared)),
            interpreter_run: Run::default(),
            machine: Machine::new(),
            machine_run: Run::default(),
            machine_canvas: self.canvas()?,
            now: START_NANOSECONDS,
            roles: 0,
            caller: 0,
            op: 0,
            last: None,
            complaint: None,
        };
        let mut run = Run::default();
        run.begin(Environment {
            now: START_NANOSECONDS,
            ..Environment::default()
        });
        let mut body = Interpreter::new(Arc::clone(&self.prepared));
        let executed = body.interpret_function(
            &self.bindings,
            function,
            &[],
            &mut canvas,
            &mut run,
            Some(&mut twins),
        );
        let name = |failure| failure_text(self.interface(), failure, &[]);
        Ok(
            match (twins.complaint, executed.map(|executed| executed.outcome)) {
                (Some(complaint), _) => Err(complaint),
                (None, Err(halt)) => Err(Complaint::Halted(halt.to_string())),
                (None, Ok(FunctionOutcome::Failed(failure, _))) => {
                    Err(Complaint::Failed(name(failure)))
                }
                (None, Ok(FunctionOutcome::AssertionFailed)) => Err(Complaint::Halted(
                    "an assertion without a number".to_owned(),
                )),
                (None, Ok(FunctionOutcome::Returned(_) | FunctionOutcome::ReturnedNone)) => {
                    let pages = [canvas.digest_pages(), twins.machine_canvas.digest_pages()];
                    if pages[0] == pages[1] {
                        Ok(())
                    } else {
                        let text = format!(
                            "pages at the end: interpreter {:016x}, machine code {:016x}",
                            pages[0], pages[1]
                        );
                        Err(Complaint::Differs {
                            what: "pages",
                            text,
                        })
                    }
                }
            },
        )
    }
}

/// What runs behind a test's back.
struct Twins<'a> {
    code: &'a Code,
    given: Option<(CommandIndex, &'a [u8])>,
    interpreter: Interpreter,
    interpreter_run: Run,
    machine: Machine,
    machine_run: Run,
    machine_canvas: Canvas,
    now: i64,
    roles: u64,
    caller: u64,
    op: u64,
    /// How the last command ended, for an assertion about it.
    last: Option<(CommandIndex, Outcome)>,
    complaint: Option<Complaint>,
}

impl Twins<'_> {
    /// Ends the test: the interpreter stops at a halt, and the complaint is what is told.
    fn end(&mut self, complaint: Complaint) -> Halt {
        let reason = complaint.to_string();
        self.complaint.get_or_insert(complaint);
        Halt {
            function: "the test".to_owned(),
            reason,
        }
    }

    fn differs(
        &mut self,
        what: &'static str,
        command: CommandIndex,
        interpreter: String,
        machine: String,
    ) -> Halt {
        let name = &self.code.interface().commands[command.0 as usize].name;
        let text = format!(
            "op {}, {name}: interpreter {interpreter}, machine code {machine}",
            self.op
        );
        self.end(Complaint::Differs { what, text })
    }

    /// Runs the command on both sides and compares all of it.
    fn both(
        &mut self,
        canvas: &mut Canvas,
        command: CommandIndex,
        arguments: &[u8],
    ) -> Result<Outcome, Halt> {
        let code = self.code;
        let seed = hash_bytes(&self.op.to_le_bytes(), 0);
        let environment = Environment {
            now: self.now,
            seed,
            caller_id: self.caller,
            caller_roles: self.roles,
            op_number: self.op,
        };
        self.interpreter_run.begin(environment);
        self.machine_run.begin(environment);
        let run = &mut self.interpreter_run;
        let interpreted =
            self.interpreter
                .interpret(&code.bindings, command, arguments, canvas, run);
        let interpreted = interpreted
            .map_err(|error| self.end(Complaint::Halted(format!("interpreter: {error}"))))?;
        code.costs.note(command.0, &interpreted.measured);
        let interpreted = interpreted.outcome;
        let (run, other) = (&mut self.machine_run, &mut self.machine_canvas);
        let executed = code.compiled.execute(
            &mut self.machine,
            &code.bindings,
            command,
            arguments,
            other,
            run,
        );
        let executed = executed
            .map_err(|error| self.end(Complaint::Halted(format!("machine code: {error}"))))?;
        if interpreted != executed {
            let [left, right] = [&interpreted, &executed]
                .map(|outcome| outcome_text(code.interface(), command, outcome));
            return Err(self.differs("outcomes", command, left, right));
        }
        if self.interpreter_run.events != self.machine_run.events {
            let [left, right] = [&self.interpreter_run, &self.machine_run]
                .map(|run| events_text(code.interface(), &run.events));
            return Err(self.differs("events", command, left, right));
        }
        if self.interpreter_run.digest != self.machine_run.digest {
            let [left, right] = [&self.interpreter_run, &self.machine_run]
                .map(|run| format!("{:016x}", run.digest));
            return Err(self.differs("digests of the stores", command, left, right));
        }
        Ok(interpreted)
    }
}

impl TestHooks for Twins<'_> {
    fn invoke(
        &mut self,
        canvas: &mut Canvas,
        command: CommandIndex,
        arguments: &[u8],
    ) -> Result<Outcome, Halt> {
        if let Some((number, packed)) = self.given
            && number == command
        {
            return Ok(Outcome::Done(packed.to_vec()));
        }
        self.op += 1;
        let allowed = match self.code.interface().commands[command.0 as usize].allow {
            Allow::Anyone => true,
            // A step is the log's own: a test stands for the log.
            _ if self.code.interface().commands[command.0 as usize].kind == CommandKind::Step => {
                true
            }
            Allow::Roles(roles) => roles & self.roles != 0,
        };
        let outcome = match allowed {
            true => self.both(canvas, command, arguments)?,
            false => Outcome::Failed(Failure::Builtin(Builtin::Denied), Vec::new()),
        };
        self.last = Some((command, outcome.clone()));
        Ok(outcome)
    }

    fn context(&mut self, roles: u64, advance: i64) {
        self.roles = roles;
        self.now = self.now.saturating_add(advance);
    }

    fn caller(&mut self, caller: u64) {
        self.caller = caller;
    }

    fn assert_failed(&mut self, assertion: u32, left: Option<Shown>, right: Option<Shown>) {
        let last = self
            .last
            .as_ref()
            .map(|(command, outcome)| outcome_text(self.code.interface(), *command, outcome));
        self.complaint.get_or_insert(Complaint::Assertion {
            number: assertion,
            left,
            right,
            last,
        });
    }
}

/// `pay gave 70` or `pay failed with Payment.Insufficient { needed: 100, available: 70 }`.
fn outcome_text(interface: &Interface, command: CommandIndex, outcome: &Outcome) -> String {
    let command = &interface.commands[command.0 as usize];
    match outcome {
        Outcome::Done(packed) => match &command.result {
            None => format!("{} succeeded", command.name),
            Some(shape) => match Value::unpack(&interface.shapes, shape, &mut packed.as_slice()) {
                Ok(value) => format!("{} gave {value}", command.name),
                Err(error) => format!(
                    "{} gave what is no value of its result ({error})",
                    command.name
                ),
            },
        },
        Outcome::Failed(failure, packed) => format!(
            "{} failed with {}",
            command.name,
            failure_text(interface, *failure, packed)
        ),
    }
}

fn failure_text(interface: &Interface, failure: Failure, packed: &[u8]) -> String {
    match failure {
        Failure::Builtin(builtin) => format!("{builtin:?}"),
        Failure::Declared { error, variant } => {
            let sum = &interface.errors[error as usize];
            let record = &sum.variants[variant as usize];
            match Fields::unpack(&interface.shapes, record, &mut &packed[..]) {
                Ok(fields) => format!("{}.{}", sum.name, Value::Variant(fields)),
                Err(_) => format!("{}.{}", sum.name, record.name),
            }
        }
    }
}

fn events_text(interface: &Interface, events: &[(u32, Vec<u8>)]) -> String {
    let shown = events.iter().map(|(event, packed)| {
        let record = &interface.events[*event as usize].record;
        match Fields::unpack(&interface.shapes, record, &mut packed.as_slice()) {
            Ok(fields) => Value::Record(fields).to_string(),
            Err(error) => format!("{} ({error})", record.name),
        }
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rc_driver::{Options, Package, compile_with};

    /// A package with one test, which calls `bump` twice and looks at nothing.
    fn module(bump: &str) -> Verified {
        let text = format!(
            "package twin\n\ntable T {{\n    key id: u64\n    n: u64 = 0\n}}\n\nevent Bumped {{ by: u64 }}\n\n\
             command open(id: u64) allow anyone {{ T.insert({{ id }}) }}\n\n\
             command bump(id: u64, by: u64) -> u64 allow anyone {{\n    {bump}\n}}\n\n\
             test \"t\" {{\n    open(1)\n    bump(1, 2)\n}}\n"
        );
        let package = Package::from_texts("twin", [("twin.rc".to_owned(), text)]);
        let compiled = compile_with(
            &package,
            Options {
                with_tests: true,
                ..Options::default()
            },
        );
        let lowered = compiled
            .lowered
            .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        rc_bytecode::verify(lowered.module).expect("a module that verifies")
    }

    fn outcome(interpreted: &str, compiled: &str) -> Result<(), Complaint> {
        let module_run = module(interpreted);
        let is_test = |function: &rc_bytecode::module::Function| {
            function.kind == rc_bytecode::module::FunctionKind::Test
        };
        let test = module_run
            .module()
            .functions
            .iter()
            .position(is_test)
            .expect("the test");
        let code = Code::new(module_run)
            .unwrap()
            .with_machine_code_of(&module(compiled));
        code.run(FunctionIndex(test as u32), None).unwrap()
    }

    #[test]
    fn engines_that_agree_pass() {
        assert_eq!(outcome("by + 1", "by + 1"), Ok(()));
    }

    #[test]
    fn every_difference_between_the_engines_is_found_and_named() {
        let row = |write: &str| format!("if let row = T.get(id) {{ {write} }}\n    by");
        let cases = [
            ("outcomes", "by + 1".to_owned(), "by + 2".to_owned()),
            ("outcomes", "by".to_owned(), "by - 3".to_owned()),
            (
                "events",
                "emit Bumped { by }\n    by".to_owned(),
                "emit Bumped { by: by + 1 }\n    by".to_owned(),
            ),
            (
                "events",
                "by".to_owned(),
                "emit Bumped { by }\n    by".to_owned(),
            ),
            (
                "digests of the stores",
                row("row.n = by"),
                row("row.n = by + 1"),
            ),
        ];
        for (what, interpreted, compiled) in cases {
            match outcome(&interpreted, &compiled) {
                Err(Complaint::Differs { what: found, text }) => {
                    assert_eq!(found, what, "{text}");
                    assert!(text.starts_with("op 2, bump: interpreter "), "{text}");
                }
                other => panic!("{interpreted} against {compiled}: {other:?}"),
            }
        }
    }
}
