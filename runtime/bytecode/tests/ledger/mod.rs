//! A small ledger by hand: what most tests start from.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::instr::*;
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::{Shape, Sum};
use rc_bytecode::module::Module;

pub const PAGE: u32 = 1 << 14;
pub const U64: Shape = Shape::Scalar(Scalar::U64);

/// `pay(from, to, amount)`: two rows of 8 bytes on page 0, an error, an event; and a query `balance(of) -> u64`.
pub fn ledger() -> Module {
    let mut module = ModuleBuilder::new();
    let rows = module.region("Account/rows@1", true, 16);
    module.region("Other/rows@1", false, 16);
    let too_poor = record("TooPoor", &[("has", U64)]);
    module.module.interface.errors.push(Sum {
        name: "PayError".into(),
        variants: vec![too_poor, record("Frozen", &[])],
    });
    let paid = module.event("Paid", &[("from", U64), ("to", U64), ("amount", U64)]);

    let mut pay = FunctionBuilder::entry("pay", 24, 0);
    let arguments = Register(0);
    let page = pay.constant(Scalar::U64, 0);
    let whole = pay.touch(rows, page, Access::Write, PAGE);
    let [from, to] = [0, 8].map(|offset| {
        let key = pay.load(arguments, offset, Scalar::U64);
        let dst = pay.reg(View::page(rows, 8, true));
        pay.emit(Instr::ViewAt {
            dst,
            src: whole,
            index: key,
            base: 0,
            stride: 8,
            count: 2048,
        });
        dst
    });
    let amount = pay.load(arguments, 16, Scalar::U64);
    let has = pay.load(from, 0, Scalar::U64);
    let payload = pay.slot(8);
    let poor = pay.compare(CompareOp::Less, has, amount);
    pay.branch(
        poor,
        |pay| {
            pay.store(payload, 0, has);
            pay.emit(Instr::Fail {
                failure: Failure::Declared {
                    error: 0,
                    variant: 0,
                },
                payload: Some(payload),
            });
        },
        |_| {},
    );
    let left = pay.binary(BinaryOp::WrappingSub, has, amount);
    let had = pay.load(to, 0, Scalar::U64);
    let gets = pay.binary(BinaryOp::Add, had, amount);
    pay.store(from, 0, left);
    pay.store(to, 0, gets);
    pay.emit(Instr::Emit {
        event: paid,
        view: arguments,
    });
    pay.give(&[]);
    let pay = module.function(pay.finish());
    module.command(
        "pay",
        CommandKind::Command,
        &[("from", U64), ("to", U64), ("amount", U64)],
        None,
        pay,
    );

    let mut read = FunctionBuilder::new("read").maybe();
    let key = read.parameter(Scalar::U64);
    read.result(Scalar::U64);
    let page = read.constant(Scalar::U64, 0);
    let whole = read.touch(rows, page, Access::Read, PAGE);
    let dst = read.reg(Scalar::U64);
    read.emit(Instr::LoadAt {
        dst,
        view: whole,
        index: key,
        base: 0,
        stride: 8,
        count: 2048,
    });
    let zero = read.constant(Scalar::U64, 0);
    let empty = read.compare(CompareOp::Equal, dst, zero);
    read.branch(
        empty,
        |read| read.emit(Instr::ReturnNone),
        |read| read.give(&[dst]),
    );
    let read = module.function(read.finish());

    let mut balance = FunctionBuilder::entry("balance", 8, 8);
    let key = balance.load(Register(0), 0, Scalar::U64);
    let found = balance.reg(Scalar::U64);
    let otherwise = balance.body(|balance| {
        balance.emit(Instr::Const {
            dst: found,
            bits: 0,
        })
    });
    balance.emit(Instr::Call {
        function: read,
        arguments: vec![key],
        results: vec![found],
        otherwise: Some(otherwise),
    });
    balance.repeat(3, |balance| balance.emit(Instr::Break { depth: 0 }));
    balance.store(Register(1), 0, found);
    balance.give(&[]);
    let balance = module.function(balance.finish());
    module.command(
        "balance",
        CommandKind::Query,
        &[("of", U64)],
        Some(U64),
        balance,
    );
    module.finish()
}
