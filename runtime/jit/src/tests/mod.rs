//! Native code against the interpreter. A test runs each command in both, on twin canvases, and compares outcome, events,
//! digest, random numbers and pages.

mod control;
mod differential;
mod memory;
mod scalars;

use rc_bytecode::Module;
use rc_bytecode::instr::CommandIndex;
use rc_bytecode::verify::{Verified, certify, verify};
use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_vm::{Bindings, Environment, InterpretError, Interpreter, Outcome, Run};

use crate::translate::Sabotage;
use crate::{Compiled, Machine};

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
            op_number: 0,
        }
    }

    /// Runs a command in both and compares everything. The outcome, or what differs.
    pub(crate) fn compare(
        &mut self,
        command: u32,
        arguments: &[u8],
    ) -> Result<Result<Outcome, InterpretError>, String> {
        self.op_number += 1;
        let environment = Environment {
            now: 1_700_000_000_000_000_000 + self.op_number as i64,
            seed: self.op_number.wrapping_mul(0x1234_5678_9ABC_DEF1),
            caller_id: self.op_number % 7,
            op_number: self.op_number,
        };
        self.reference.run.begin(environment);
        self.native.run.begin(environment);
        let command = CommandIndex(command);
        let Side { canvas, run } = &mut self.reference;
        let wanted = self
            .interpreter
            .interpret(&self.bindings, command, arguments, canvas, run)
            .map(|executed| executed.outcome);
        let Side { canvas, run } = &mut self.native;
        let found = self.compiled.execute(
            &mut self.machine,
            &self.bindings,
            command,
            arguments,
            canvas,
            run,
        );
        let same = match (&wanted, &found) {
            // The words may differ, the verdict may not.
            (Err(InterpretError::Halt(_)), Err(InterpretError::Halt(_))) => true,
            (wanted, found) => wanted == found,
        };
        if !same {
            return Err(format!("outcome: interpreter {wanted:?}, native {found:?}"));
        }
        let (reference, native) = (&self.reference, &self.native);
        if reference.run.events != native.run.events {
            return Err(format!(
                "events: interpreter {:?}, native {:?}",
                reference.run.events, native.run.events
            ));
        }
        if reference.run.randoms != native.run.randoms {
            return Err("random numbers".to_owned());
        }
        if reference.run.digest != native.run.digest {
            return Err(format!("digest after {wanted:?}"));
        }
        if reference.canvas.digest_pages() != native.canvas.digest_pages() {
            return Err(format!("pages after {wanted:?}"));
        }
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

/// Packed words.
pub(crate) fn words(values: &[u64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
