//! Native code against the interpreter. A test runs each command in both, on twin canvases, and compares outcome, events,
//! digest, random numbers and pages.

mod control;
mod differential;
mod malformed;
mod memory;
mod scalars;

use rc_bytecode::Module;
use rc_bytecode::instr::{Builtin, CommandIndex, Failure};
use rc_bytecode::verify::{Verified, certify, verify};
use rc_bytecode::wire::Plan;
use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_vm::{Bindings, Environment, InterpretError, Interpreter, Outcome, Run};

use crate::sabotage::Sabotage;
use crate::{Compiled, Ended, Machine};

/// One engine's surroundings.
pub(crate) struct Side {
    pub canvas: Canvas,
    pub run: Run,
}

impl Side {
    fn new(module: &Module) -> Side {
        let shift = PageShift::new(module.page_shift).expect("a page size");
        let options = CanvasOptions {
            memory_bytes_max: 64 << 20,
            ..CanvasOptions::new(shift)
        };
        let mut canvas = Canvas::new(options).expect("address space");
        for region in bindings(module).regions {
            canvas.create_region(region).expect("a free region");
        }
        Side {
            canvas,
            run: Run::default(),
        }
    }
}

/// Module regions in descending canvas regions, so that the two numbers never agree by accident.
pub(crate) fn bindings(module: &Module) -> Bindings {
    Bindings {
        regions: (0..module.regions.len() as u16)
            .map(|index| 900 - index)
            .collect(),
    }
}

/// Both engines side by side.
pub(crate) struct Twins {
    interpreter: Interpreter,
    compiled: Compiled,
    machine: Machine,
    bindings: Bindings,
    pub reference: Side,
    pub native: Side,
    /// One canvas on which the engines take turns.
    pub mixed: Side,
    op_number: u64,
}

impl Twins {
    pub(crate) fn new(module: Module) -> Twins {
        let verified = verify(certify(module)).unwrap_or_else(|error| panic!("{error}"));
        Twins::of(&verified, Sabotage::None)
    }

    pub(crate) fn of(verified: &Verified, sabotage: Sabotage) -> Twins {
        let module = verified.module();
        Twins {
            interpreter: Interpreter::of(verified),
            compiled: Compiled::compile_with(verified, sabotage)
                .expect("native code for this machine"),
            machine: Machine::new(),
            bindings: bindings(module),
            reference: Side::new(module),
            native: Side::new(module),
            mixed: Side::new(module),
            op_number: 0,
        }
    }

    /// Runs a command in both and compares everything. The outcome, or what differs.
    pub(crate) fn compare(&mut self, command: u32, arguments: &[u8]) -> Result<Ran, String> {
        self.op_number += 1;
        let environment = Environment {
            now: 1_700_000_000_000_000_000 + self.op_number as i64,
            seed: self.op_number.wrapping_mul(0x1234_5678_9ABC_DEF1),
            caller_id: self.op_number % 7,
            caller_roles: self.op_number % 5,
            op_number: self.op_number,
        };
        for side in [&mut self.reference, &mut self.native, &mut self.mixed] {
            side.run.begin(environment);
        }
        let command = CommandIndex(command);
        let Twins {
            interpreter,
            compiled,
            machine,
            bindings,
            reference,
            native,
            mixed,
            ..
        } = self;
        let wanted = interpret(interpreter, bindings, command, arguments, reference);
        let Side { canvas, run } = native;
        let found = compiled.execute(machine, bindings, command, arguments, canvas, run);
        same(&wanted, reference, &found, native)?;
        // A result that is no value is seen by who packs it: not on the way that packs nothing.
        let malformed = Outcome::Failed(Failure::Builtin(Builtin::BoundExceeded), Vec::new());
        let found = if self.op_number.is_multiple_of(2) || wanted.as_ref() == Ok(&malformed) {
            interpret(interpreter, bindings, command, arguments, mixed)
        } else {
            in_memory(compiled, machine, bindings, command, arguments, mixed)
        };
        same(&wanted, reference, &found, mixed)
            .map_err(|difference| format!("taking turns, {difference}"))?;
        Ok(wanted)
    }

    /// The same; a difference or a halt fails the test.
    pub(crate) fn run(&mut self, command: u32, arguments: &[u8]) -> Outcome {
        match self.compare(command, arguments) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => panic!("command {command} with {arguments:?}: {error}"),
            Err(difference) => panic!("command {command} with {arguments:?}: {difference}"),
        }
    }
}

type Ran = Result<Outcome, InterpretError>;

fn interpret(
    interpreter: &mut Interpreter,
    bindings: &Bindings,
    command: CommandIndex,
    arguments: &[u8],
    side: &mut Side,
) -> Ran {
    let Side { canvas, run } = side;
    interpreter
        .interpret(bindings, command, arguments, canvas, run)
        .map(|executed| executed.outcome)
}

/// Native code by the way that allocates nothing, packed and unpacked here.
fn in_memory(
    compiled: &Compiled,
    machine: &mut Machine,
    bindings: &Bindings,
    command: CommandIndex,
    arguments: &[u8],
    side: &mut Side,
) -> Ran {
    let interface = compiled.interface();
    let (shapes, declared) = (&interface.shapes, &interface.commands[command.0 as usize]);
    let plan = Plan::of(shapes, &declared.arguments);
    let mut memory = vec![0; plan.size()];
    plan.unpack_all(arguments, &mut memory)?;
    let Side { canvas, run } = side;
    match compiled.execute_in_memory(machine, bindings, command, &memory, canvas, run)? {
        Ended::Done => {
            let mut packed = Vec::new();
            if let Some(result) = &declared.result {
                let packing = Plan::of_shape(shapes, result).pack(machine.result(), &mut packed);
                packing.expect("results that generated code makes are values");
            }
            run.events.extend(
                machine
                    .events()
                    .map(|(event, bytes)| (event, bytes.to_vec())),
            );
            Ok(Outcome::Done(packed))
        }
        Ended::Failed(failure) => Ok(Outcome::Failed(failure, machine.payload().to_vec())),
    }
}

/// What differs between two engines' outcomes and surroundings, if anything does.
fn same(wanted: &Ran, reference: &Side, found: &Ran, side: &Side) -> Result<(), String> {
    let agree = match (wanted, found) {
        // The words may differ, the verdict may not.
        (Err(InterpretError::Halt(_)), Err(InterpretError::Halt(_))) => true,
        (wanted, found) => wanted == found,
    };
    if !agree {
        return Err(format!("outcome: wanted {wanted:?}, found {found:?}"));
    }
    if reference.run.events != side.run.events {
        return Err(format!(
            "events: wanted {:?}, found {:?}",
            reference.run.events, side.run.events
        ));
    }
    if reference.run.randoms != side.run.randoms {
        return Err("random numbers".to_owned());
    }
    if reference.run.digest != side.run.digest {
        return Err(format!("digest after {wanted:?}"));
    }
    if reference.canvas.digest_pages() != side.canvas.digest_pages() {
        return Err(format!("pages after {wanted:?}"));
    }
    Ok(())
}

/// Packed words.
pub(crate) fn words(values: &[u64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
