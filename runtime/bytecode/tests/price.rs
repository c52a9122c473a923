//! The prices of edition 1, all of them. A change here is a new edition.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::instr::*;
use rc_bytecode::layout::{Shape, Sum};
use rc_bytecode::price::{entry_cost, own_cost};
use std::fmt::Write;

/// One line: what, and the dimensions that are not zero.
fn line(out: &mut String, what: &str, cost: rc_bytecode::Cost) {
    write!(out, "{what}").unwrap();
    for (dimension, used) in cost.dimensions() {
        if used > 0 {
            write!(out, " {dimension}={used}").unwrap();
        }
    }
    out.push('\n');
}

#[test]
fn edition_one() {
    let mut module = ModuleBuilder::new();
    let region = module.region("rows", true, 1);
    let event = module.event(
        "Paid",
        &[
            ("amount", Shape::Scalar(Scalar::U64)),
            ("note", Shape::String(30)),
        ],
    );
    module.module.interface.errors.push(Sum {
        name: "E".into(),
        variants: vec![record("V", &[("note", Shape::String(30))])],
    });
    let mut f = FunctionBuilder::new("f");
    let [word, wide, float, flag] =
        [Scalar::U64, Scalar::U128, Scalar::F64, Scalar::Bool].map(|kind| f.reg(kind));
    let [frame, page] =
        [View::frame(100, true), View::page(region, 100, true)].map(|kind| f.reg(kind));
    f.slot(100);
    f.slot(3);
    let f = f.finish();
    let module = module.module;

    let mut out = String::new();
    line(&mut out, "entry of slots 100 and 3", entry_cost(&f));
    let mut price = |what: &str, instr: Instr| {
        line(
            &mut out,
            &format!("{} {what}", instr.name()),
            own_cost(&instr, &f, &module),
        )
    };
    let scalars = [("u64", word), ("u128", wide), ("f64", float)];
    let views = [("frame", frame), ("page", page)];
    for (name, dst) in scalars {
        price(name, Instr::Const { dst, bits: 0 });
        price(name, Instr::Move { dst, src: dst });
        price(
            name,
            Instr::Compare {
                op: CompareOp::Less,
                dst: flag,
                left: dst,
                right: dst,
            },
        );
        price(
            name,
            Instr::Select {
                dst,
                condition: flag,
                then: dst,
                otherwise: dst,
            },
        );
        price(
            name,
            Instr::Load {
                dst,
                view: page,
                offset: 0,
            },
        );
        price(
            name,
            Instr::LoadAt {
                dst,
                view: page,
                index: word,
                base: 0,
                stride: 8,
                count: 4,
            },
        );
        for (view_name, view) in views {
            price(
                &format!("{name} {view_name}"),
                Instr::Store {
                    view,
                    offset: 0,
                    src: dst,
                },
            );
            price(
                &format!("{name} {view_name}"),
                Instr::StoreAt {
                    view,
                    index: word,
                    base: 0,
                    stride: 8,
                    count: 4,
                    src: dst,
                },
            );
        }
        for (other, src) in scalars {
            for mode in [
                ConvertMode::Checked,
                ConvertMode::Wrapping,
                ConvertMode::Saturating,
            ] {
                price(
                    &format!("{mode:?} {other} to {name}"),
                    Instr::Convert { mode, dst, src },
                );
            }
        }
    }
    for (name, dst) in &scalars[..2] {
        use BinaryOp::*;
        let all = [
            Add,
            Sub,
            Mul,
            Div,
            Rem,
            WrappingAdd,
            WrappingSub,
            WrappingMul,
            SaturatingAdd,
            SaturatingSub,
            SaturatingMul,
            Min,
            Max,
        ];
        for op in all.into_iter().chain([And, Or, Xor, ShiftLeft, ShiftRight]) {
            price(
                &format!("{op:?} {name}"),
                Instr::Binary {
                    op,
                    dst: *dst,
                    left: *dst,
                    right: *dst,
                },
            );
        }
        use UnaryOp::*;
        for op in [
            Not,
            Neg,
            Abs,
            TrailingZeros,
            LeadingZeros,
            CountOnes,
            ByteSwap,
        ] {
            price(
                &format!("{op:?} {name}"),
                Instr::Unary {
                    op,
                    dst: *dst,
                    src: *dst,
                },
            );
        }
    }
    for value in [
        Environment::Now,
        Environment::Random,
        Environment::CallerId,
        Environment::OpNumber,
        Environment::CallerRoles,
    ] {
        price(
            &format!("{value:?}"),
            Instr::Environment { value, dst: word },
        );
    }
    price(
        "",
        Instr::Slot {
            dst: frame,
            slot: SlotIndex(0),
        },
    );
    for access in [Access::Read, Access::Write] {
        price(
            &format!("{access:?}"),
            Instr::Touch {
                dst: page,
                region,
                page: word,
                access,
            },
        );
    }
    price(
        "",
        Instr::View {
            dst: page,
            src: page,
            offset: 0,
        },
    );
    price(
        "",
        Instr::ViewAt {
            dst: page,
            src: page,
            index: word,
            base: 0,
            stride: 8,
            count: 4,
        },
    );
    for (name, view) in views {
        price(
            name,
            Instr::Copy {
                dst: view,
                src: frame,
            },
        );
        price(name, Instr::Zero { view });
        price(
            name,
            Instr::MoveWithin {
                view,
                base: 0,
                stride: 8,
                count: 10,
                from: word,
                to: word,
                length: word,
            },
        );
        price(
            name,
            Instr::CompareBytes {
                dst: word,
                left: view,
                right: view,
            },
        );
        price(
            name,
            Instr::EqualBytes {
                dst: flag,
                left: view,
                right: view,
            },
        );
        price(
            name,
            Instr::Hash {
                dst: word,
                view,
                seed: word,
            },
        );
        price(
            name,
            Instr::MatchByte {
                dst: word,
                view,
                byte: word,
            },
        );
        price(
            name,
            Instr::Sha256 {
                dst: view,
                view,
                length: word,
            },
        );
    }
    let nested = vec![Instr::Const { dst: word, bits: 0 }];
    price(
        "",
        Instr::Block {
            body: nested.clone(),
        },
    );
    price(
        "",
        Instr::If {
            condition: flag,
            then: nested.clone(),
            otherwise: vec![],
        },
    );
    price(
        "",
        Instr::Loop {
            max: 9,
            body: nested.clone(),
        },
    );
    price(
        "",
        Instr::Switch {
            value: word,
            arms: vec![(0, nested.clone())],
            otherwise: vec![],
        },
    );
    price("", Instr::Break { depth: 0 });
    price("", Instr::Continue { depth: 0 });
    price(
        "2 to 1",
        Instr::Call {
            function: FunctionIndex(0),
            arguments: vec![word, word],
            results: vec![word],
            otherwise: Some(nested),
        },
    );
    price(
        "2",
        Instr::Attempt {
            function: FunctionIndex(0),
            arguments: vec![word, word],
            failure: frame,
            status: word,
        },
    );
    price("", Instr::Return { values: vec![word] });
    price("", Instr::ReturnNone);
    price(
        "built in",
        Instr::Fail {
            failure: Failure::Builtin(Builtin::TableFull),
            payload: None,
        },
    );
    price(
        "declared",
        Instr::Fail {
            failure: Failure::Declared {
                error: 0,
                variant: 0,
            },
            payload: Some(frame),
        },
    );
    price("", Instr::Emit { event, view: frame });
    price(
        "",
        Instr::Invoke {
            command: CommandIndex(0),
            arguments: frame,
            result: frame,
            failure: frame,
            status: word,
        },
    );
    price(
        "",
        Instr::TestContext {
            roles: word,
            advance: word,
        },
    );
    price(
        "",
        Instr::LoopUnbounded {
            body: vec![Instr::Break { depth: 0 }],
        },
    );
    price("", Instr::TestCaller { caller: word });
    price(
        "",
        Instr::Assert {
            condition: flag,
            assertion: 0,
            left: None,
            right: None,
        },
    );
    price(
        "SquareRoot f64",
        Instr::Unary {
            op: UnaryOp::SquareRoot,
            dst: float,
            src: float,
        },
    );
    price(
        "",
        Instr::MultiplyDivide {
            rounding: Rounding::HalfEven,
            dst: word,
            left: word,
            right: word,
            divisor: word,
        },
    );
    price(
        "",
        Instr::Round {
            rounding: Rounding::HalfEven,
            dst: word,
            src: word,
        },
    );

    let expected = include_str!("price.txt");
    assert_eq!(out, expected, "prices of edition 1 never change");
    for name in rc_bytecode::NAMES {
        assert!(
            out.lines().any(|line| line.split(' ').next() == Some(name)),
            "`{name}` has no price here"
        );
    }
}
