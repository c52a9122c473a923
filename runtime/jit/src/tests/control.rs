//! Control and calls, in place and native, with results, nothing, and failures.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::instr::{
    BinaryOp, Builtin, CompareOp, Failure, FunctionIndex, Instr, Register, Scalar, View,
};
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::{Shape, Sum};
use rc_bytecode::module::Function;
use rc_vm::Outcome;

use super::{Twins, words};

const WORD: Shape = Shape::Scalar(Scalar::U64);

/// A command of one word that answers one word.
fn one_word(
    builder: &mut ModuleBuilder,
    name: &str,
    fill: impl FnOnce(&mut FunctionBuilder, Register) -> Register,
) -> u32 {
    let mut function = FunctionBuilder::entry(name, 8, 8);
    let given = function.load(Register(0), 0, Scalar::U64);
    let value = fill(&mut function, given);
    function.store(Register(1), 0, value);
    function.give(&[]);
    let entry = builder.function(function.finish());
    builder
        .command(
            name,
            CommandKind::Command,
            &[("given", WORD)],
            Some(WORD),
            entry,
        )
        .0
}

fn done(value: u64) -> Outcome {
    Outcome::Done(words(&[value]))
}

const BOUND: Failure = Failure::Builtin(Builtin::BoundExceeded);

/// Sum of 0..n in a loop of at most 10 iterations, skipping 3 by `Continue`.
fn sum(function: &mut FunctionBuilder, n: Register) -> Register {
    let total = function.constant(Scalar::U64, 0);
    let index = function.constant(Scalar::U64, 0);
    let one = function.constant(Scalar::U64, 1);
    let three = function.constant(Scalar::U64, 3);
    function.repeat(10, |function| {
        let end = function.compare(CompareOp::GreaterOrEqual, index, n);
        function.branch(
            end,
            |function| function.emit(Instr::Break { depth: 0 }),
            |_| {},
        );
        let current = function.reg(Scalar::U64);
        function.emit(Instr::Move {
            dst: current,
            src: index,
        });
        function.emit(Instr::Binary {
            op: BinaryOp::Add,
            dst: index,
            left: index,
            right: one,
        });
        let skip = function.compare(CompareOp::Equal, current, three);
        function.branch(
            skip,
            |function| function.emit(Instr::Continue { depth: 0 }),
            |_| {},
        );
        function.emit(Instr::Binary {
            op: BinaryOp::Add,
            dst: total,
            left: total,
            right: current,
        });
    });
    total
}

#[test]
fn loops_count_their_starts() {
    let mut builder = ModuleBuilder::new();
    let command = one_word(&mut builder, "sum", sum);
    let mut twins = Twins::new(builder.module);
    assert_eq!(twins.run(command, &words(&[0])), done(0));
    assert_eq!(twins.run(command, &words(&[5])), done(1 + 2 + 4));
    assert_eq!(twins.run(command, &words(&[9])), done(36 - 3));
    // The tenth iteration breaks nothing, the eleventh start is refused.
    assert_eq!(
        twins.run(command, &words(&[10])),
        Outcome::Failed(BOUND, Vec::new())
    );
}

#[test]
fn nested_loops_start_anew_and_breaks_reach_out() {
    let mut builder = ModuleBuilder::new();
    let command = one_word(&mut builder, "nested", |function, n| {
        let total = function.constant(Scalar::U64, 0);
        let one = function.constant(Scalar::U64, 1);
        let outer = function.constant(Scalar::U64, 0);
        let limit = function.constant(Scalar::U64, 50);
        let body = function.body(|function| {
            function.repeat(4, |function| {
                let end = function.compare(CompareOp::GreaterOrEqual, outer, n);
                function.branch(
                    end,
                    |function| function.emit(Instr::Break { depth: 0 }),
                    |_| {},
                );
                function.emit(Instr::Binary {
                    op: BinaryOp::Add,
                    dst: outer,
                    left: outer,
                    right: one,
                });
                let inner = function.constant(Scalar::U64, 0);
                function.repeat(4, |function| {
                    let end = function.compare(CompareOp::GreaterOrEqual, inner, outer);
                    function.branch(
                        end,
                        |function| function.emit(Instr::Continue { depth: 1 }),
                        |_| {},
                    );
                    function.emit(Instr::Binary {
                        op: BinaryOp::Add,
                        dst: inner,
                        left: inner,
                        right: one,
                    });
                    function.emit(Instr::Binary {
                        op: BinaryOp::Add,
                        dst: total,
                        left: total,
                        right: n,
                    });
                    let far = function.compare(CompareOp::Greater, total, limit);
                    function.branch(
                        far,
                        |function| function.emit(Instr::Break { depth: 2 }),
                        |_| {},
                    );
                });
            });
            function.emit(Instr::Binary {
                op: BinaryOp::Add,
                dst: total,
                left: total,
                right: limit,
            });
        });
        function.emit(Instr::Block { body });
        total
    });
    let mut twins = Twins::new(builder.module);
    for n in 0..70 {
        twins.run(command, &words(&[n]));
    }
    assert_eq!(twins.run(command, &words(&[2])), done(56));
    assert_eq!(twins.run(command, &words(&[60])), done(60));
}

#[test]
fn switches_of_every_width() {
    for scalar in [Scalar::U8, Scalar::U16, Scalar::U32, Scalar::U64] {
        let mut builder = ModuleBuilder::new();
        let numbers = [0, 1, 2, 3, 7, 8, 100, 200, 255];
        let command = one_word(&mut builder, "switch", |function, given| {
            let value = function.reg(scalar);
            function.emit(Instr::Convert {
                mode: rc_bytecode::instr::ConvertMode::Wrapping,
                dst: value,
                src: given,
            });
            let answer = function.reg(Scalar::U64);
            let arms = numbers
                .map(|number| {
                    let body = function.body(|function| {
                        function.emit(Instr::Const {
                            dst: answer,
                            bits: u128::from(number) * 10 + 1,
                        })
                    });
                    (number, body)
                })
                .to_vec();
            let otherwise = function.body(|function| {
                function.emit(Instr::Const {
                    dst: answer,
                    bits: 5,
                })
            });
            function.emit(Instr::Switch {
                value,
                arms,
                otherwise,
            });
            answer
        });
        let mut twins = Twins::new(builder.module);
        for given in (0..300).chain([65_535, 1 << 32, u64::MAX]) {
            let narrow = given & (u64::MAX >> (64 - scalar.bits()));
            let wanted = if numbers.contains(&narrow) {
                narrow * 10 + 1
            } else {
                5
            };
            assert_eq!(
                twins.run(command, &words(&[given])),
                done(wanted),
                "{scalar:?} {given}"
            );
        }
    }
}

/// Takes one of each kind, gives several back, or nothing for an odd word, or fails for 13.
fn busy_callee(heavy: bool) -> Function {
    let mut function = FunctionBuilder::new("busy").maybe();
    let word = function.parameter(Scalar::U64);
    let wide = function.parameter(Scalar::I128);
    let float = function.parameter(Scalar::F64);
    let byte = function.parameter(Scalar::U8);
    let view = function.parameter(View::frame(16, true));
    let flag = function.parameter(Scalar::Bool);
    for kind in [
        Scalar::I128,
        Scalar::F64,
        Scalar::U64,
        Scalar::U8,
        Scalar::Bool,
    ] {
        function.result(kind);
    }
    let own = function.slot(24);
    let before = function.load(own, 8, Scalar::U64);
    function.store(own, 8, word);
    let one = function.constant(Scalar::U64, 1);
    let odd = function.binary(BinaryOp::And, word, one);
    let is_odd = function.compare(CompareOp::Equal, odd, one);
    let thirteen = function.constant(Scalar::U64, 13);
    let unlucky = function.compare(CompareOp::Equal, word, thirteen);
    function.branch(
        unlucky,
        |function| {
            function.emit(Instr::Fail {
                failure: Failure::Builtin(Builtin::Denied),
                payload: None,
            })
        },
        |_| {},
    );
    function.branch(is_odd, |function| function.emit(Instr::ReturnNone), |_| {});
    // Bulk that nobody reads, so that the function is too heavy to be translated twice.
    for _ in 0..if heavy { 500 } else { 0 } {
        function.binary(BinaryOp::WrappingAdd, word, one);
    }
    function.store(view, 8, word);
    let wider = function.binary(BinaryOp::WrappingAdd, wide, wide);
    let larger = function.binary(BinaryOp::Add, float, float);
    let answer = function.binary(BinaryOp::Add, word, before);
    let more = function.binary(BinaryOp::Add, byte, byte);
    let not = function.reg(Scalar::Bool);
    function.emit(Instr::Unary {
        op: rc_bytecode::instr::UnaryOp::Not,
        dst: not,
        src: flag,
    });
    function.give(&[wider, larger, answer, more, not]);
    function.finish()
}

fn calls(heavy: bool) {
    let mut builder = ModuleBuilder::new();
    let callee = builder.function(busy_callee(heavy));
    let command = one_word(&mut builder, "calls", |function, given| {
        let total = function.constant(Scalar::U64, 0);
        for round in 0..2 {
            let wide = function.constant(Scalar::I128, (-5i128 - round) as u128);
            let float = function.constant(Scalar::F64, u128::from(1.5f64.to_bits()));
            let byte = function.constant(Scalar::U8, 120 + round as u128);
            let flag = function.constant(Scalar::Bool, 0);
            let view = function.slot(16);
            let results = [
                Scalar::I128,
                Scalar::F64,
                Scalar::U64,
                Scalar::U8,
                Scalar::Bool,
            ]
            .map(|kind| function.reg(kind));
            let otherwise = function.body(|function| {
                for result in results {
                    function.emit(Instr::Const {
                        dst: result,
                        bits: 0,
                    });
                }
            });
            let arguments = vec![given, wide, float, byte, view, flag];
            function.emit(Instr::Call {
                function: callee,
                arguments,
                results: results.to_vec(),
                otherwise: Some(otherwise),
            });
            let mut add = |value: Register| {
                function.emit(Instr::Binary {
                    op: BinaryOp::WrappingAdd,
                    dst: total,
                    left: total,
                    right: value,
                })
            };
            add(results[2]);
            let folded = function.reg(Scalar::U64);
            function.emit(Instr::Convert {
                mode: rc_bytecode::instr::ConvertMode::Wrapping,
                dst: folded,
                src: results[0],
            });
            let from_byte = function.reg(Scalar::U64);
            function.emit(Instr::Convert {
                mode: rc_bytecode::instr::ConvertMode::Wrapping,
                dst: from_byte,
                src: results[3],
            });
            let from_float = function.reg(Scalar::U64);
            function.emit(Instr::Convert {
                mode: rc_bytecode::instr::ConvertMode::Checked,
                dst: from_float,
                src: results[1],
            });
            let from_flag = function.reg(Scalar::U64);
            function.emit(Instr::Convert {
                mode: rc_bytecode::instr::ConvertMode::Wrapping,
                dst: from_flag,
                src: results[4],
            });
            let written = function.load(view, 8, Scalar::U64);
            for value in [folded, from_byte, from_float, from_flag, written] {
                function.emit(Instr::Binary {
                    op: BinaryOp::WrappingAdd,
                    dst: total,
                    left: total,
                    right: value,
                });
            }
        }
        total
    });
    let mut twins = Twins::new(builder.module);
    for given in 0..20 {
        twins.run(command, &words(&[given]));
    }
    assert_eq!(twins.run(command, &words(&[1])), done(0));
    assert_eq!(
        twins.run(command, &words(&[13])),
        Outcome::Failed(Failure::Builtin(Builtin::Denied), Vec::new())
    );
}

#[test]
fn calls_in_place() {
    calls(false);
}

#[test]
fn native_calls() {
    calls(true);
}

#[test]
fn deep_call_chains() {
    // Each function adds one and calls the one below; heavier ones are called natively.
    let mut builder = ModuleBuilder::new();
    let mut below: Option<FunctionIndex> = None;
    for level in 0..60 {
        let mut function = FunctionBuilder::new(&format!("level{level}"));
        let given = function.parameter(Scalar::U64);
        function.result(Scalar::U64);
        let slot = function.slot(8 + level * 8);
        let before = function.load(slot, level * 8, Scalar::U64);
        function.store(slot, level * 8, given);
        let one = function.constant(Scalar::U64, 1);
        let mut value = function.binary(BinaryOp::Add, given, one);
        value = function.binary(BinaryOp::Add, value, before);
        for _ in 0..if level % 9 == 0 { 300 } else { 0 } {
            function.binary(BinaryOp::WrappingAdd, value, one);
        }
        if let Some(callee) = below {
            for _ in 0..if level % 20 == 0 { 2 } else { 1 } {
                let result = function.reg(Scalar::U64);
                function.emit(Instr::Call {
                    function: callee,
                    arguments: vec![value],
                    results: vec![result],
                    otherwise: None,
                });
                value = result;
            }
        }
        let kept = function.load(slot, level * 8, Scalar::U64);
        let changed = function.compare(CompareOp::NotEqual, kept, given);
        function.branch(
            changed,
            |function| {
                function.emit(Instr::Fail {
                    failure: BOUND,
                    payload: None,
                })
            },
            |_| {},
        );
        function.give(&[value]);
        below = Some(builder.function(function.finish()));
    }
    let callee = below.expect("sixty levels");
    let command = one_word(&mut builder, "deep", |function, given| {
        let result = function.reg(Scalar::U64);
        function.emit(Instr::Call {
            function: callee,
            arguments: vec![given],
            results: vec![result],
            otherwise: None,
        });
        result
    });
    let mut twins = Twins::new(builder.module);
    let Outcome::Done(first) = twins.run(command, &words(&[0])) else {
        panic!("it does not fail")
    };
    assert_ne!(first, words(&[0]));
    assert_eq!(
        twins.run(command, &words(&[u64::MAX])),
        Outcome::Failed(Failure::Builtin(Builtin::Overflow), Vec::new())
    );
}

#[test]
fn declared_failures_carry_their_payload() {
    let mut builder = ModuleBuilder::new();
    builder.module.interface.errors = vec![Sum {
        name: "Payment".to_owned(),
        variants: vec![
            record("None", &[]),
            record(
                "Short",
                &[
                    ("needed", WORD),
                    ("tight", Shape::Scalar(Scalar::U8)),
                    ("had", WORD),
                ],
            ),
        ],
    }];
    let command = one_word(&mut builder, "fail", |function, given| {
        let zero = function.constant(Scalar::U64, 0);
        let none = function.compare(CompareOp::Equal, given, zero);
        function.branch(
            none,
            |function| {
                function.emit(Instr::Fail {
                    failure: Failure::Declared {
                        error: 0,
                        variant: 0,
                    },
                    payload: None,
                })
            },
            |function| {
                let payload = function.slot(24);
                function.store(payload, 0, given);
                let tight = function.constant(Scalar::U8, 7);
                function.store(payload, 8, tight);
                function.store(payload, 16, given);
                function.emit(Instr::Fail {
                    failure: Failure::Declared {
                        error: 0,
                        variant: 1,
                    },
                    payload: Some(payload),
                });
            },
        );
        zero
    });
    // The store of the result after a failure on both paths is unreachable, and the verifier refuses it.
    let function = builder.module.functions.last_mut().expect("the command's");
    rc_bytecode::flow::trim_unreachable(function);
    let mut twins = Twins::new(builder.module);
    assert_eq!(
        twins.run(command, &words(&[0])),
        Outcome::Failed(
            Failure::Declared {
                error: 0,
                variant: 0
            },
            Vec::new()
        )
    );
    let payload = [words(&[9]), vec![7], words(&[9])].concat();
    assert_eq!(
        twins.run(command, &words(&[9])),
        Outcome::Failed(
            Failure::Declared {
                error: 0,
                variant: 1
            },
            payload
        )
    );
}
