//! The two engines, each on a canvas of its own: the same op to both, and everything that must agree between them.
//!
//! Always true: what disagrees is an `Err` with both sides in it; the interpreter itself halts where a measured cost is
//! above the proven one, and a halt is an `Err` too.

use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{BinaryOp, CommandIndex, Instr, Rounding};
use rc_bytecode::verify::Verified;
use rc_canvas::{Access, Canvas, CanvasOptions, PageShift};
use rc_driver::{Options, Package};
use rc_jit::{Compiled, Machine};
use rc_vm::{Bindings, Environment, Interpreter, Outcome, Run};
use std::panic::AssertUnwindSafe;

/// What one engine is given instead of the module, to show that the harness sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// Sums in native code wrap around.
    AddsWrap,
    /// `min` is `max` in native code.
    MinIsMax,
    /// `select` takes the other side in native code.
    SelectsOther,
    /// What is rounded to the nearest is cut off in native code.
    RoundsToZero,
}

/// Who calls everything.
pub const CALLER_ID: u64 = 7;

/// A compiled package.
pub struct Built {
    pub module: Verified,
    pub native: Compiled,
    pub page_shift: u8,
}

/// Compiles on the smallest page that rows fit on, or the one given. `Err` is what the compiler or the verifier said.
pub fn build(text: &str, page_shift: Option<u8>, sabotage: Sabotage) -> Result<Built, String> {
    let package = Package::from_texts(
        "generated",
        [("generated.rc".to_string(), text.to_string())],
    );
    let shifts: Vec<u8> = page_shift.map_or_else(|| (8..=12).collect(), |shift| vec![shift]);
    let mut messages = String::new();
    for page_shift in shifts {
        let compile = || {
            rc_driver::compile_with(
                &package,
                Options {
                    page_shift,
                    with_tests: false,
                },
            )
        };
        let compiled = std::panic::catch_unwind(AssertUnwindSafe(compile))
            .map_err(|_| "the compiler panics".to_string())?;
        let Some(lowered) = compiled.lowered else {
            messages =
                rc_diagnostics::render::human(&compiled.sources, &compiled.diagnostics, false);
            match compiled
                .diagnostics
                .iter()
                .all(|diagnostic| diagnostic.code == rc_diagnostics::codes::VALUE_TOO_LARGE)
            {
                true => continue,
                false => return Err(messages),
            }
        };
        let module = rc_bytecode::verify(lowered.module)
            .map_err(|error| format!("the verifier refuses what the compiler made: {error}"))?;
        let native = match sabotage {
            Sabotage::None => Compiled::compile(&module),
            _ => Compiled::compile(&sabotaged(&module, sabotage)),
        };
        let native = native.map_err(|error| error.to_string())?;
        return Ok(Built {
            module,
            native,
            page_shift,
        });
    }
    Err(messages)
}

/// The module with one kind of instruction made wrong, still verified.
fn sabotaged(module: &Verified, sabotage: Sabotage) -> Verified {
    let mut wrong = module.module().clone();
    for function in &mut wrong.functions {
        spoil(&mut function.body, sabotage);
    }
    rc_bytecode::verify(wrong).expect("a module that costs the same")
}

fn spoil(body: &mut rc_bytecode::instr::Body, sabotage: Sabotage) {
    for instruction in body.iter_mut() {
        match (sabotage, &mut *instruction) {
            (
                Sabotage::AddsWrap,
                Instr::Binary {
                    op: op @ BinaryOp::Add,
                    ..
                },
            ) => *op = BinaryOp::WrappingAdd,
            (
                Sabotage::MinIsMax,
                Instr::Binary {
                    op: op @ BinaryOp::Min,
                    ..
                },
            ) => *op = BinaryOp::Max,
            (
                Sabotage::SelectsOther,
                Instr::Select {
                    then, otherwise, ..
                },
            ) => std::mem::swap(then, otherwise),
            (
                Sabotage::RoundsToZero,
                Instr::MultiplyDivide { rounding, .. } | Instr::Round { rounding, .. },
            ) => *rounding = Rounding::Truncate,
            (_, Instr::Block { body } | Instr::Loop { body, .. }) => spoil(body, sabotage),
            (
                _,
                Instr::If {
                    then, otherwise, ..
                },
            ) => {
                spoil(then, sabotage);
                spoil(otherwise, sabotage);
            }
            (
                _,
                Instr::Switch {
                    arms, otherwise, ..
                },
            ) => {
                arms.iter_mut().for_each(|(_, arm)| spoil(arm, sabotage));
                spoil(otherwise, sabotage);
            }
            _ => {}
        }
    }
}

struct Side {
    canvas: Canvas,
    run: Run,
}

/// Both engines, in the middle of a run.
pub struct Engines<'b> {
    built: &'b Built,
    bindings: Bindings,
    interpreter: Interpreter,
    machine: Machine,
    interpreted: Side,
    compiled: Side,
    ops: u64,
}

/// What both engines said.
pub struct Answer {
    pub outcome: Outcome,
    pub events: Vec<(u32, Vec<u8>)>,
    pub measured: Cost,
}

impl<'b> Engines<'b> {
    pub fn new(built: &'b Built) -> Engines<'b> {
        let regions: Vec<u16> = (16..).take(built.module.module().regions.len()).collect();
        let side = || {
            let shift = PageShift::new(built.page_shift).expect("a page size");
            let mut canvas = Canvas::new(CanvasOptions {
                memory_bytes_max: 1 << 28,
                ..CanvasOptions::new(shift)
            })
            .expect("address space");
            regions
                .iter()
                .for_each(|region| canvas.create_region(*region).expect("a fresh region"));
            Side {
                canvas,
                run: Run::default(),
            }
        };
        Engines {
            built,
            interpreter: Interpreter::of(&built.module),
            machine: Machine::new(),
            interpreted: side(),
            compiled: side(),
            bindings: Bindings {
                regions: regions.clone(),
            },
            ops: 0,
        }
    }

    /// Runs an op on both. `Err` says what differs.
    pub fn call(&mut self, command: u32, arguments: &[u8], now: i64) -> Result<Answer, String> {
        self.ops += 1;
        let environment = Environment {
            now,
            seed: self.ops.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            caller_id: CALLER_ID,
            // The first role of the package, and no other.
            caller_roles: 1,
            op_number: self.ops,
        };
        let command = CommandIndex(command);
        let one = &mut self.interpreted;
        one.run.begin(environment);
        let executed = self
            .interpreter
            .interpret(
                &self.bindings,
                command,
                arguments,
                &mut one.canvas,
                &mut one.run,
            )
            .map_err(|error| format!("interpreter: {error}"))?;
        let two = &mut self.compiled;
        two.run.begin(environment);
        let native = &self.built.native;
        let outcome = native
            .execute(
                &mut self.machine,
                &self.bindings,
                command,
                arguments,
                &mut two.canvas,
                &mut two.run,
            )
            .map_err(|error| format!("native: {error}"))?;
        if executed.outcome != outcome {
            return Err(format!(
                "outcomes: interpreter {:?}, native {outcome:?}",
                executed.outcome
            ));
        }
        if one.run.events != two.run.events {
            return Err(format!(
                "events: interpreter {:?}, native {:?}",
                one.run.events, two.run.events
            ));
        }
        if one.run.digest != two.run.digest {
            return Err(format!(
                "digests: interpreter {:x}, native {:x}",
                one.run.digest, two.run.digest
            ));
        }
        let proven = &self.built.module.module().interface.commands[command.0 as usize].cost;
        if !executed.measured.within(proven) {
            return Err(format!(
                "measured {:?} above proven {proven:?}",
                executed.measured
            ));
        }
        Ok(Answer {
            outcome,
            events: one.run.events.clone(),
            measured: executed.measured,
        })
    }

    /// Changes a byte of a page of both canvases, as no command did.
    pub fn corrupt(&mut self, region: u16, page: u64, offset: usize, byte: u8) {
        self.write(region, page, offset, &[byte]);
    }

    /// Puts bytes into a page of both canvases, as no command did.
    pub fn write(&mut self, region: u16, page: u64, offset: usize, bytes: &[u8]) {
        let region = self.bindings.regions[usize::from(region)];
        for side in [&mut self.interpreted, &mut self.compiled] {
            let frame = side
                .canvas
                .touch(region, page, Access::Write)
                .expect("a page in memory");
            side.canvas.write(&frame, offset, bytes);
            side.canvas.end_command();
        }
    }

    /// The bytes of a page; zeros where it was never written.
    pub fn page(&self, region: u16, page: u64) -> Vec<u8> {
        let region = self.bindings.regions[usize::from(region)];
        let canvas = &self.interpreted.canvas;
        let found = canvas
            .pages()
            .find(|(of, number, _)| (*of, *number) == (region, page));
        found.map_or(vec![0; canvas.page_bytes()], |(_, _, bytes)| bytes.to_vec())
    }

    /// Whether both canvases have the same bytes.
    pub fn compare_pages(&self) -> Result<(), String> {
        let (one, two) = (
            self.interpreted.canvas.digest_pages(),
            self.compiled.canvas.digest_pages(),
        );
        if one == two {
            Ok(())
        } else {
            Err(format!("pages: interpreter {one:x}, native {two:x}"))
        }
    }

    /// A hash of everything on the canvas.
    pub fn pages(&self) -> u64 {
        self.interpreted.canvas.digest_pages()
    }
}
