//! Rows without a disk: native, machine code, interpreter; the same payments, turn by turn.

use crate::Arguments;
use crate::machine::{Summary, summary};
use crate::native::Ledger;
use crate::stream::{Payment, permuted, uniform};
use rc_bytecode::instr::CommandIndex;
use rc_bytecode::verify::Verified;
use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_jit::{Compiled, Ended, Machine};
use rc_vm::{Bindings, Environment, Interpreter, Outcome, Run};
use std::path::Path;
use std::time::Instant;

pub const FUNDS: u64 = 1_000_000;

pub fn compile(folder: &Path, page_shift: u8) -> Verified {
    let package = rc_driver::Package::load(folder).expect("the package can be read");
    compile_package(&package, page_shift)
}

pub fn compile_package(package: &rc_driver::Package, page_shift: u8) -> Verified {
    let options = rc_driver::Options {
        page_shift,
        with_tests: false,
    };
    let compiled = rc_driver::compile_with(package, options);
    let lowered = compiled
        .lowered
        .expect("the package compiles (see `rcc check`)");
    rc_bytecode::verify(lowered.module).expect("the package verifies")
}

pub fn command(module: &Verified, name: &str) -> CommandIndex {
    let commands = &module.module().interface.commands;
    CommandIndex(
        commands
            .iter()
            .position(|command| command.name == name)
            .expect("the package has the command") as u32,
    )
}

/// A canvas with the module's regions, and the module on it.
pub struct Edge<'a> {
    module: &'a Verified,
    pub canvas: Canvas,
    bindings: Bindings,
    run: Run,
}

impl<'a> Edge<'a> {
    pub fn new(module: &'a Verified) -> Edge<'a> {
        let shift = PageShift::new(module.module().page_shift).expect("a page size");
        let mut canvas = Canvas::new(CanvasOptions::new(shift)).expect("address space");
        let regions: Vec<u16> = (16..).take(module.module().regions.len()).collect();
        for region in &regions {
            canvas.create_region(*region).expect("a fresh region");
        }
        Edge {
            module,
            canvas,
            bindings: Bindings { regions },
            run: Run::default(),
        }
    }

    fn environment(&self, op: u64) -> Environment {
        Environment {
            now: 1,
            seed: op,
            caller_id: 0,
            caller_roles: 0,
            op_number: op,
        }
    }

    /// Opens and funds every account, by machine code.
    pub fn fill(&mut self, code: &Compiled, accounts: u64) {
        let mut machine = Machine::new();
        let (open, mint) = (command(self.module, "open"), command(self.module, "mint"));
        for index in 0..accounts {
            let id = permuted(index);
            let mut arguments = id.to_le_bytes().to_vec();
            arguments.extend(5u16.to_le_bytes());
            arguments.extend(b"alice");
            let mut funds = id.to_le_bytes().to_vec();
            funds.extend(FUNDS.to_le_bytes());
            for (command, arguments) in [(open, arguments), (mint, funds)] {
                self.run.begin(self.environment(index + 1));
                let outcome = code.execute(
                    &mut machine,
                    &self.bindings,
                    command,
                    &arguments,
                    &mut self.canvas,
                    &mut self.run,
                );
                assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
            }
        }
    }

    pub fn turn_compiled(
        &mut self,
        code: &Compiled,
        machine: &mut Machine,
        packed: &[[u8; 24]],
        events: &mut Vec<u8>,
    ) {
        let pay = command(self.module, "pay");
        let mut environment = self.environment(1);
        for arguments in packed {
            environment.op_number += 1;
            self.run.begin(environment);
            let ended = code.execute_in_memory(
                machine,
                &self.bindings,
                pay,
                arguments,
                &mut self.canvas,
                &mut self.run,
            );
            assert!(matches!(ended, Ok(Ended::Done)), "{ended:?}");
            for (_, fields) in machine.events() {
                events.extend_from_slice(fields);
            }
        }
    }

    fn turn_interpreted(
        &mut self,
        interpreter: &mut Interpreter,
        packed: &[[u8; 24]],
        events: &mut Vec<u8>,
    ) {
        let pay = command(self.module, "pay");
        for (index, arguments) in packed.iter().enumerate() {
            self.run.begin(self.environment(index as u64 + 2));
            let executed = interpreter.interpret(
                &self.bindings,
                pay,
                arguments,
                &mut self.canvas,
                &mut self.run,
            );
            assert!(
                matches!(
                    executed,
                    Ok(rc_vm::Executed {
                        outcome: Outcome::Done(_),
                        ..
                    })
                ),
                "{executed:?}"
            );
            for (_, fields) in &self.run.events {
                events.extend_from_slice(fields);
            }
        }
    }

    fn balance(&mut self, code: &Compiled, id: u64) -> u64 {
        let query = command(self.module, "balance");
        self.run.begin(self.environment(1));
        let outcome = code.execute(
            &mut Machine::new(),
            &self.bindings,
            query,
            &id.to_le_bytes(),
            &mut self.canvas,
            &mut self.run,
        );
        match outcome {
            Ok(Outcome::Done(bytes)) => u64::from_le_bytes(bytes.try_into().expect("a u64")),
            other => panic!("{other:?}"),
        }
    }
}

fn native_turn(ledger: &mut Ledger, payments: &[Payment]) {
    for payment in payments {
        let paid = ledger.pay(payment.from, payment.to, payment.amount, 1);
        assert!(paid.is_ok(), "{paid:?}");
    }
}

pub fn run(arguments: &Arguments, module: &Verified) {
    let code = Compiled::compile(module).expect("machine code");
    let mut edge = Edge::new(module);
    let mut checked = Edge::new(module);
    let mut native = Ledger::new(12_345, arguments.accounts);
    let filling = Instant::now();
    edge.fill(&code, arguments.accounts);
    println!(
        "filling by machine code (open + mint): {:.0} ns each",
        per(filling, arguments.accounts as usize * 2)
    );
    checked.fill(&code, arguments.accounts);
    (0..arguments.accounts).for_each(|index| native.open(permuted(index), FUNDS));
    let (mut machine, mut interpreter) = (Machine::new(), Interpreter::of(module));
    let (mut compiled_ns, mut native_ns, mut interpreted_ns) = (Vec::new(), Vec::new(), Vec::new());
    let (mut against_native, mut against_compiled) = (Vec::new(), Vec::new());
    let interpreted_share = 20;
    for pair in 0..arguments.pairs {
        let payments = uniform(arguments.accounts, arguments.payments, pair as u64 + 1);
        let packed: Vec<[u8; 24]> = payments.iter().map(Payment::pack).collect();
        let mut events = Vec::with_capacity(packed.len() * 32);
        native.events.clear();
        native.events.reserve(packed.len() * 32);
        let start = Instant::now();
        edge.turn_compiled(&code, &mut machine, &packed, &mut events);
        let compiled = per(start, packed.len());
        let start = Instant::now();
        native_turn(&mut native, &payments);
        let by_hand = per(start, packed.len());
        assert!(events == native.events, "the events differ");
        let few = &packed[..packed.len() / interpreted_share];
        let mut interpreted_events = Vec::new();
        let start = Instant::now();
        checked.turn_interpreted(&mut interpreter, few, &mut interpreted_events);
        let interpreted = per(start, few.len());
        assert!(
            events[..interpreted_events.len()] == interpreted_events,
            "the interpreter's events differ"
        );
        compiled_ns.push(compiled);
        native_ns.push(by_hand);
        interpreted_ns.push(interpreted);
        against_native.push(compiled / by_hand);
        against_compiled.push(interpreted / compiled);
    }
    for index in 0..arguments.accounts.min(1_000) {
        let id = permuted(index);
        assert_eq!(
            Some(edge.balance(&code, id)),
            native.balance(id),
            "account {id} differs"
        );
    }
    println!("\n| row | median | least | most |\n|---|---|---|---|");
    row("hand-written Rust, ns per payment", &summary(native_ns));
    row("machine code, ns per payment", &summary(compiled_ns));
    row("interpreter, ns per payment", &summary(interpreted_ns));
    row(
        "machine code ÷ hand-written (to reach: at most 2)",
        &summary(against_native),
    );
    row(
        "interpreter ÷ machine code (to reach: at most 60)",
        &summary(against_compiled),
    );
}

pub fn per(start: Instant, count: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / count as f64
}

pub fn row(name: &str, figures: &Summary) {
    println!(
        "| {name} | {:.2} | {:.2} | {:.2} |",
        figures.median, figures.least, figures.most
    );
}
