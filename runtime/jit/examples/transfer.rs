//! What native code costs: transfers in a flat array of accounts, by compiled bytecode and by the same thing written in
//! Rust, in one process. `cargo run --release -p rc-jit --example transfer`. All times are nanoseconds per transfer, the
//! least of several runs. `--listing` shows the machine code; `--count N` runs N transfers in native code alone, for counting
//! instructions under valgrind.

use std::hint::black_box;
use std::time::Instant;

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::hash::fold_store;
use rc_bytecode::instr::{
    Access, BinaryOp, CommandIndex, CompareOp, Environment, Failure, Instr, RegionIndex, Register,
    Scalar, View,
};
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::{Shape, Sum};
use rc_bytecode::verify::Verified;
use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_jit::{Compiled, Ended, Machine};
use rc_vm::{Bindings, Interpreter, Run};

const PAGE_BYTES: u32 = 1 << 14;
const ROW_BYTES: u32 = 16;
const ROWS_PER_PAGE: u32 = PAGE_BYTES / ROW_BYTES;
const WORD: Shape = Shape::Scalar(Scalar::U64);
const TRANSFER: CommandIndex = CommandIndex(0);
const OPEN: CommandIndex = CommandIndex(1);
const RUNS: usize = 9;
const TRANSFERS: usize = 400_000;

/// The row of account `id`: exists at 0, balance at 8.
fn row(function: &mut FunctionBuilder, region: RegionIndex, id: Register) -> Register {
    let per_page = function.constant(Scalar::U64, u128::from(ROWS_PER_PAGE));
    let number = function.binary(BinaryOp::Div, id, per_page);
    let index = function.binary(BinaryOp::Rem, id, per_page);
    let page = function.touch(region, number, Access::Write, PAGE_BYTES);
    let row = function.reg(View::page(region, ROW_BYTES, true));
    function.emit(Instr::ViewAt {
        dst: row,
        src: page,
        index,
        base: 0,
        stride: ROW_BYTES,
        count: ROWS_PER_PAGE,
    });
    row
}

/// `transfer(from, to, amount)` and `open(id, balance)`.
fn ledger() -> Verified {
    let mut builder = ModuleBuilder::new();
    let region = builder.region("Account/rows@1", true, 1 << 20);
    builder.module.interface.errors = vec![Sum {
        name: "Payment".to_owned(),
        variants: vec![
            record("NoAccount", &[]),
            record("Insufficient", &[("had", WORD)]),
        ],
    }];
    let paid = builder.event(
        "Paid",
        &[
            ("from", WORD),
            ("to", WORD),
            ("amount", WORD),
            ("at", Shape::Time),
        ],
    );

    let mut function = FunctionBuilder::entry("transfer", 24, 8);
    let [from, to, amount] =
        [0, 8, 16].map(|offset| function.load(Register(0), offset, Scalar::U64));
    let zero = function.constant(Scalar::U64, 0);
    let [payer, payee] = [from, to].map(|id| {
        let row = row(&mut function, region, id);
        let exists = function.load(row, 0, Scalar::U64);
        let missing = function.compare(CompareOp::Equal, exists, zero);
        let failure = Failure::Declared {
            error: 0,
            variant: 0,
        };
        function.branch(
            missing,
            |function| {
                function.emit(Instr::Fail {
                    failure,
                    payload: None,
                })
            },
            |_| {},
        );
        row
    });
    let had = function.load(payer, 8, Scalar::U64);
    let short = function.compare(CompareOp::Less, had, amount);
    function.branch(
        short,
        |function| {
            let payload = function.slot(8);
            function.store(payload, 0, had);
            function.emit(Instr::Fail {
                failure: Failure::Declared {
                    error: 0,
                    variant: 1,
                },
                payload: Some(payload),
            });
        },
        |_| {},
    );
    let left = function.binary(BinaryOp::Sub, had, amount);
    function.store(payer, 8, left);
    let before = function.load(payee, 8, Scalar::U64);
    let after = function.binary(BinaryOp::Add, before, amount);
    function.store(payee, 8, after);
    let event = function.slot(32);
    let now = function.reg(Scalar::I64);
    function.emit(Instr::Environment {
        value: Environment::Now,
        dst: now,
    });
    for (value, offset) in [(from, 0), (to, 8), (amount, 16), (now, 24)] {
        function.store(event, offset, value);
    }
    function.emit(Instr::Emit {
        event: paid,
        view: event,
    });
    function.store(Register(1), 0, left);
    function.give(&[]);
    let entry = builder.function(function.finish());
    builder.command(
        "transfer",
        CommandKind::Command,
        &[("from", WORD), ("to", WORD), ("amount", WORD)],
        Some(WORD),
        entry,
    );

    let mut function = FunctionBuilder::entry("open", 16, 0);
    let [id, balance] = [0, 8].map(|offset| function.load(Register(0), offset, Scalar::U64));
    let row = row(&mut function, region, id);
    let one = function.constant(Scalar::U64, 1);
    function.store(row, 0, one);
    function.store(row, 8, balance);
    function.give(&[]);
    let entry = builder.function(function.finish());
    builder.command(
        "open",
        CommandKind::Command,
        &[("id", WORD), ("balance", WORD)],
        None,
        entry,
    );
    builder.verified().expect("the ledger verifies")
}

/// The same in Rust: checked, with events; `GUARDED` adds journal and digest, which the engine has.
#[derive(Default)]
struct Native {
    rows: Vec<[u64; 2]>,
    events: Vec<u8>,
    journal: Vec<(usize, u64)>,
    digest: u64,
}

impl Native {
    #[inline(never)]
    fn transfer<const GUARDED: bool>(
        &mut self,
        from: u64,
        to: u64,
        amount: u64,
        now: i64,
    ) -> Result<u64, u64> {
        self.events.clear();
        self.journal.clear();
        let (payer, payee) = (from as usize, to as usize);
        if self.rows.get(payer).is_none_or(|row| row[0] == 0)
            || self.rows.get(payee).is_none_or(|row| row[0] == 0)
        {
            return Err(u64::MAX);
        }
        let had = self.rows[payer][1];
        if had < amount {
            return Err(had);
        }
        let left = had - amount;
        self.store::<GUARDED>(payer, left);
        let after = self.rows[payee][1].checked_add(amount).ok_or(0u64)?;
        self.store::<GUARDED>(payee, after);
        for word in [from, to, amount, now as u64] {
            self.events.extend_from_slice(&word.to_le_bytes());
        }
        Ok(left)
    }

    #[inline(always)]
    fn store<const GUARDED: bool>(&mut self, row: usize, value: u64) {
        if GUARDED {
            self.journal.push((row, self.rows[row][1]));
            self.digest = fold_store(self.digest, (5 << 48) + row as u64 * 16 + 8, value);
        }
        self.rows[row][1] = value;
    }
}

/// Pseudo-random pairs of different accounts.
fn pairs(accounts: u64) -> Vec<[u64; 3]> {
    let mut state = 0x1234_5678_9ABC_DEF1u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(state) * u128::from(accounts)) >> 64) as u64
    };
    (0..TRANSFERS)
        .map(|number| [next(), next(), number as u64 % 10])
        .collect()
}

fn bytes(words: &[u64; 3]) -> [u8; 24] {
    let mut all = [0; 24];
    for (into, word) in all.chunks_exact_mut(8).zip(words) {
        into.copy_from_slice(&word.to_le_bytes());
    }
    all
}

/// The least of several runs, in nanoseconds per transfer: what else the machine does only adds.
fn least(mut measure: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        measure();
        start.elapsed().as_nanos() as f64 / TRANSFERS as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let verified = ledger();
    let start = Instant::now();
    let compiled = Compiled::compile(&verified).expect("native code for this machine");
    println!(
        "compiled {compiled:?} in {:.2} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    if std::env::args().any(|argument| argument == "--listing") {
        println!(
            "{}",
            rc_jit::disassemble(&verified, TRANSFER).expect("a listing")
        );
    }
    let mut arguments = std::env::args()
        .skip_while(|argument| argument != "--count")
        .skip(1);
    let count: Option<usize> = arguments.next().and_then(|count| count.parse().ok());
    let mut interpreter = Interpreter::of(&verified);
    for accounts in [1_000u64, 1_000_000] {
        let shift = PageShift::new(14).expect("a page size");
        let mut canvas = Canvas::new(CanvasOptions::new(shift)).expect("address space");
        canvas.create_region(5).expect("a free region");
        let bindings = Bindings { regions: vec![5] };
        let mut machine = Machine::new();
        let mut run = Run::default();
        for id in 0..accounts {
            let packed = [id.to_le_bytes(), 1_000_000u64.to_le_bytes()].concat();
            compiled
                .execute(
                    &mut machine,
                    &bindings,
                    OPEN,
                    &packed,
                    &mut canvas,
                    &mut run,
                )
                .expect("no halt");
        }
        let mut native = Native {
            rows: vec![[1, 1_000_000]; accounts as usize],
            ..Native::default()
        };
        let transfers = pairs(accounts);
        let packed: Vec<[u8; 24]> = transfers.iter().map(bytes).collect();

        if let Some(count) = count {
            for arguments in packed.iter().cycle().take(count) {
                let ended = compiled.execute_in_memory(
                    &mut machine,
                    &bindings,
                    TRANSFER,
                    arguments,
                    &mut canvas,
                    &mut run,
                );
                assert_eq!(ended.expect("no halt"), Ended::Done);
            }
            return;
        }
        let plain = least(|| {
            for [from, to, amount] in &transfers {
                black_box(native.transfer::<false>(*from, *to, *amount, 7)).expect("a transfer");
            }
        });
        let guarded = least(|| {
            for [from, to, amount] in &transfers {
                black_box(native.transfer::<true>(*from, *to, *amount, 7)).expect("a transfer");
            }
        });
        let in_memory = least(|| {
            for arguments in &packed {
                let ended = compiled.execute_in_memory(
                    &mut machine,
                    &bindings,
                    TRANSFER,
                    arguments,
                    &mut canvas,
                    &mut run,
                );
                assert_eq!(ended.expect("no halt"), Ended::Done);
                black_box(machine.events().count());
            }
        });
        let whole = least(|| {
            for arguments in &packed {
                run.begin(run.environment);
                black_box(compiled.execute(
                    &mut machine,
                    &bindings,
                    TRANSFER,
                    arguments,
                    &mut canvas,
                    &mut run,
                ))
                .expect("no halt");
            }
        });
        let interpreted = least(|| {
            for arguments in &packed {
                run.begin(run.environment);
                black_box(interpreter.interpret(
                    &bindings,
                    TRANSFER,
                    arguments,
                    &mut canvas,
                    &mut run,
                ))
                .expect("no halt");
            }
        });
        println!(
            "{accounts:>9} accounts: Rust {plain:.1}, Rust with journal and digest {guarded:.1}, JIT {in_memory:.1}, JIT packed {whole:.1}, interpreter {interpreted:.1}"
        );
        println!(
            "{:>9}           JIT / Rust {:.2}, JIT / Rust guarded {:.2}, interpreter / JIT {:.1}",
            "",
            in_memory / plain,
            in_memory / guarded,
            interpreted / in_memory
        );
    }
}
