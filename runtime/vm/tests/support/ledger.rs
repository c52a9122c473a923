//! A ledger made by hand: a dense table of 16-byte rows (exists at 0, balance at 8), commands `open`, `pay` and
//! `pay_late` (which writes before it fails), the query `balance`.
#![allow(dead_code, reason = "each test file uses its part")]

use rc_bytecode::Module;
use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{
    Access, BinaryOp, CompareOp, EventIndex, Failure, FunctionIndex, Instr, Register, Scalar,
};
use rc_bytecode::interface::{Allow, Command, CommandKind, Event, Interface};
use rc_bytecode::layout::{Record, Shape, Sum};
use rc_bytecode::module::Function;

use crate::support::{BOOL, Sketch, U64, frame, module_of_pages, page_view};

pub const OPEN: u32 = 0;
pub const PAY: u32 = 1;
pub const BALANCE: u32 = 2;
pub const PAY_LATE: u32 = 3;

pub const NO_ACCOUNT: Failure = Failure::Declared {
    error: 0,
    variant: 0,
};
pub const INSUFFICIENT: Failure = Failure::Declared {
    error: 0,
    variant: 1,
};
pub const SAME_ACCOUNT: Failure = Failure::Declared {
    error: 0,
    variant: 2,
};

pub fn packed(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn words(name: &str, fields: &[&str]) -> Record {
    let field = |name: &&str| ((*name).to_owned(), Shape::Scalar(Scalar::U64));
    Record {
        name: name.to_owned(),
        fields: fields.iter().map(field).collect(),
    }
}

/// The row of an account, or none: function 0 (for reading) and 1 (for writing).
fn find(page_bytes: u32, access: Access) -> Function {
    let writable = access == Access::Write;
    let row_type = page_view(0, 16, writable);
    let mut sketch = Sketch::new("find", &[U64], &[row_type]).maybe();
    let per_page = sketch.constant(U64, u128::from(page_bytes / 16));
    let number = sketch.binary(BinaryOp::Div, Register(0), per_page);
    let index = sketch.binary(BinaryOp::Rem, Register(0), per_page);
    let page = sketch.touch(0, number, access, page_bytes);
    let row = sketch.register(row_type);
    sketch.push(Instr::ViewAt {
        dst: row,
        src: page,
        index,
        base: 0,
        stride: 16,
        count: page_bytes / 16,
    });
    let exists = sketch.load(BOOL, row, 0);
    sketch.push(Instr::If {
        condition: exists,
        then: Vec::new(),
        otherwise: vec![Instr::ReturnNone],
    });
    sketch.give(&[row])
}

fn fail(sketch: &mut Sketch, failure: Failure, fields: &[Register]) -> Vec<Instr> {
    let before = sketch.take_body();
    let payload = (!fields.is_empty()).then(|| {
        let slot = sketch.slot(8 * fields.len() as u32);
        for (field, offset) in fields.iter().zip((0..).step_by(8)) {
            sketch.store(slot, offset, *field);
        }
        slot
    });
    sketch.push(Instr::Fail { failure, payload });
    std::mem::replace(&mut sketch.function.body, before)
}

fn row_of(sketch: &mut Sketch, id: Register, writable: bool) -> Register {
    let otherwise = fail(sketch, NO_ACCOUNT, &[id]);
    let row = sketch.register(page_view(0, 16, writable));
    let function = FunctionIndex(u32::from(writable));
    sketch.push(Instr::Call {
        function,
        arguments: vec![id],
        results: vec![row],
        otherwise: Some(otherwise),
    });
    row
}

fn open(page_bytes: u32) -> Function {
    let mut sketch = Sketch::new("open", &[frame(16, false), frame(0, true)], &[]);
    let id = sketch.load(U64, Register(0), 0);
    let per_page = sketch.constant(U64, u128::from(page_bytes / 16));
    let number = sketch.binary(BinaryOp::Div, id, per_page);
    let index = sketch.binary(BinaryOp::Rem, id, per_page);
    let page = sketch.touch(0, number, Access::Write, page_bytes);
    let row = sketch.register(page_view(0, 16, true));
    sketch.push(Instr::ViewAt {
        dst: row,
        src: page,
        index,
        base: 0,
        stride: 16,
        count: page_bytes / 16,
    });
    let yes = sketch.constant(BOOL, 1);
    sketch.store(row, 0, yes);
    let balance = sketch.load(U64, Register(0), 8);
    sketch.store(row, 8, balance);
    sketch.give(&[])
}

/// `late`: the payer's balance is written before anything is checked.
fn pay(late: bool) -> Function {
    let mut sketch = Sketch::new(
        if late { "pay_late" } else { "pay" },
        &[frame(24, false), frame(8, true)],
        &[],
    );
    let [from, to, amount] = [0, 8, 16].map(|offset| sketch.load(U64, Register(0), offset));
    if !late {
        let same = sketch.compare(CompareOp::Equal, from, to);
        let then = fail(&mut sketch, SAME_ACCOUNT, &[]);
        sketch.push(Instr::If {
            condition: same,
            then,
            otherwise: Vec::new(),
        });
    }
    let payer = row_of(&mut sketch, from, true);
    if late {
        let had = sketch.load(U64, payer, 8);
        let left = sketch.register(U64);
        sketch.push(Instr::Binary {
            op: BinaryOp::WrappingSub,
            dst: left,
            left: had,
            right: amount,
        });
        sketch.store(payer, 8, left);
        emit(&mut sketch, from, to, amount);
    }
    let payee = row_of(&mut sketch, to, true);
    if !late {
        let available = sketch.load(U64, payer, 8);
        let short = sketch.compare(CompareOp::Less, available, amount);
        let then = fail(&mut sketch, INSUFFICIENT, &[amount, available]);
        sketch.push(Instr::If {
            condition: short,
            then,
            otherwise: Vec::new(),
        });
        let left = sketch.binary(BinaryOp::Sub, available, amount);
        sketch.store(payer, 8, left);
    }
    let had = sketch.load(U64, payee, 8);
    let has = sketch.binary(BinaryOp::Add, had, amount);
    sketch.store(payee, 8, has);
    if !late {
        emit(&mut sketch, from, to, amount);
    }
    let left = sketch.load(U64, payer, 8);
    sketch.store(Register(1), 0, left);
    sketch.give(&[])
}

fn emit(sketch: &mut Sketch, from: Register, to: Register, amount: Register) {
    let paid = sketch.slot(24);
    for (field, offset) in [(from, 0), (to, 8), (amount, 16)] {
        sketch.store(paid, offset, field);
    }
    sketch.push(Instr::Emit {
        event: EventIndex(0),
        view: paid,
    });
}

fn balance() -> Function {
    let mut sketch = Sketch::new("balance", &[frame(8, false), frame(8, true)], &[]);
    let id = sketch.load(U64, Register(0), 0);
    let row = row_of(&mut sketch, id, false);
    let balance = sketch.load(U64, row, 8);
    sketch.store(Register(1), 0, balance);
    sketch.give(&[])
}

/// The module, uncertified, for pages of `1 << page_shift` bytes.
pub fn ledger(page_shift: u8) -> Module {
    let page_bytes = 1 << page_shift;
    let functions = vec![
        find(page_bytes, Access::Read),
        find(page_bytes, Access::Write),
        open(page_bytes),
        pay(false),
        balance(),
        pay(true),
    ];
    let command = |name: &str, kind, arguments, result, fails, entry| Command {
        name: name.to_owned(),
        version: 1,
        kind,
        docs: String::new(),
        arguments,
        result,
        fails,
        allow: Allow::Anyone,
        entry: FunctionIndex(entry),
        cost: Cost::ZERO,
        undo_free: false,
    };
    let word = || Some(Shape::Scalar(Scalar::U64));
    let transfer = || words("pay", &["from", "to", "amount"]);
    let interface = Interface {
        package: "ledger".to_owned(),
        commands: vec![
            command(
                "open",
                CommandKind::Command,
                words("open", &["id", "balance"]),
                None,
                Vec::new(),
                2,
            ),
            command("pay", CommandKind::Command, transfer(), word(), vec![0], 3),
            command(
                "balance",
                CommandKind::Query,
                words("balance", &["id"]),
                word(),
                vec![0],
                4,
            ),
            command(
                "pay_late",
                CommandKind::Command,
                transfer(),
                word(),
                vec![0],
                5,
            ),
        ],
        events: vec![Event {
            record: words("Paid", &["from", "to", "amount"]),
            docs: String::new(),
        }],
        errors: vec![Sum {
            name: "Payment".to_owned(),
            variants: vec![
                words("NoAccount", &["id"]),
                words("Insufficient", &["needed", "available"]),
                words("SameAccount", &[]),
            ],
        }],
        ..Interface::default()
    };
    Module {
        interface,
        ..module_of_pages(functions, page_shift)
    }
}
