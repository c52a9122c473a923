//! Every operation on every scalar type, over values at and around the ends of ranges.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder};
use rc_bytecode::instr::{
    BinaryOp, Builtin, CompareOp, ConvertMode, Environment, Failure, Instr, Register, Scalar,
    UnaryOp,
};
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::Shape;
use rc_bytecode::verify::verify;
use rc_vm::Outcome;

use super::Twins;
use crate::sabotage::Sabotage;

const SCALARS: [Scalar; 12] = [
    Scalar::Bool,
    Scalar::U8,
    Scalar::U16,
    Scalar::U32,
    Scalar::U64,
    Scalar::U128,
    Scalar::I8,
    Scalar::I16,
    Scalar::I32,
    Scalar::I64,
    Scalar::I128,
    Scalar::F64,
];

const BINARY: [BinaryOp; 18] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Rem,
    BinaryOp::WrappingAdd,
    BinaryOp::WrappingSub,
    BinaryOp::WrappingMul,
    BinaryOp::SaturatingAdd,
    BinaryOp::SaturatingSub,
    BinaryOp::SaturatingMul,
    BinaryOp::Min,
    BinaryOp::Max,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::ShiftLeft,
    BinaryOp::ShiftRight,
];

const COMPARE: [CompareOp; 6] = [
    CompareOp::Equal,
    CompareOp::NotEqual,
    CompareOp::Less,
    CompareOp::LessOrEqual,
    CompareOp::Greater,
    CompareOp::GreaterOrEqual,
];

const UNARY: [UnaryOp; 7] = [
    UnaryOp::Not,
    UnaryOp::Neg,
    UnaryOp::Abs,
    UnaryOp::TrailingZeros,
    UnaryOp::LeadingZeros,
    UnaryOp::CountOnes,
    UnaryOp::ByteSwap,
];

/// Values of a scalar worth trying, as low bits.
fn edges(scalar: Scalar) -> Vec<u128> {
    match scalar {
        Scalar::Bool => vec![0, 1],
        Scalar::F64 => {
            let exact = [
                0.0,
                -0.0,
                1.0,
                -1.0,
                0.5,
                -0.9,
                3.7,
                127.0,
                127.9,
                128.0,
                -128.9,
                -129.0,
                255.5,
                256.0,
                1e10,
                f64::MAX,
                f64::MIN,
            ];
            let powers = [31, 32, 63, 64, 127]
                .into_iter()
                .flat_map(|power| [2f64.powi(power), -(2f64.powi(power))]);
            let near = [
                9_223_372_036_854_774_784.0,
                18_446_744_073_709_549_568.0,
                f64::MIN_POSITIVE,
                5e-324,
            ];
            exact
                .into_iter()
                .chain(powers)
                .chain(near)
                .map(|value| u128::from(value.to_bits()))
                .collect()
        }
        _ => {
            let bits = scalar.bits();
            let mask = u128::MAX >> (128 - bits);
            let top = 1u128 << (bits - 1);
            let mut values = vec![
                0,
                1,
                2,
                3,
                7,
                10,
                u128::from(bits) - 1,
                u128::from(bits),
                mask,
                mask - 1,
                mask - 6,
                top,
                top - 1,
                top + 1,
                top >> 1,
                mask / 3,
            ];
            values.extend([1u128 << (bits / 2), (1u128 << (bits / 2)) - 1]);
            values.iter_mut().for_each(|value| *value &= mask);
            values.sort_unstable();
            values.dedup();
            values
        }
    }
}

fn packed(scalar: Scalar, bits: u128) -> Vec<u8> {
    bits.to_le_bytes()[..scalar.size() as usize].to_vec()
}

/// A command over two operands of `scalar` that stores what `compute` makes of them.
fn command(
    builder: &mut ModuleBuilder,
    scalar: Scalar,
    result: Scalar,
    name: &str,
    compute: impl FnOnce(&mut FunctionBuilder, Register, Register) -> Register,
) -> u32 {
    let size = scalar.size();
    let mut function = FunctionBuilder::entry(name, size * 2, result.size());
    let (arguments, answer) = (Register(0), Register(1));
    let left = function.load(arguments, 0, scalar);
    let right = function.load(arguments, size, scalar);
    let value = compute(&mut function, left, right);
    function.store(answer, 0, value);
    function.give(&[]);
    let entry = builder.function(function.finish());
    let arguments = [
        ("left", Shape::Scalar(scalar)),
        ("right", Shape::Scalar(scalar)),
    ];
    builder
        .command(
            name,
            CommandKind::Command,
            &arguments,
            Some(Shape::Scalar(result)),
            entry,
        )
        .0
}

fn is_legal(scalar: Scalar, op: BinaryOp) -> bool {
    use BinaryOp::*;
    match scalar {
        Scalar::Bool => matches!(op, And | Or | Xor),
        Scalar::F64 => matches!(op, Add | Sub | Mul | Div | Min | Max),
        _ => true,
    }
}

fn all_pairs(twins: &mut Twins, scalar: Scalar, commands: &[(u32, String)]) {
    for (command, name) in commands {
        for left in edges(scalar) {
            for right in edges(scalar) {
                let arguments = [packed(scalar, left), packed(scalar, right)].concat();
                if let Err(difference) = twins.compare(*command, &arguments) {
                    panic!("{name} on {scalar:?} {left:#x} {right:#x}: {difference}");
                }
            }
        }
    }
}

#[test]
fn binary_operations() {
    for scalar in SCALARS {
        let mut builder = ModuleBuilder::new();
        let mut commands = Vec::new();
        for op in BINARY.into_iter().filter(|op| is_legal(scalar, *op)) {
            let name = format!("{op:?}");
            let index = command(
                &mut builder,
                scalar,
                scalar,
                &name,
                |function, left, right| function.binary(op, left, right),
            );
            commands.push((index, name));
        }
        all_pairs(&mut Twins::new(builder.module), scalar, &commands);
    }
}

#[test]
fn operations_with_constants() {
    // Cranelift folds and strength-reduces these.
    for scalar in SCALARS.into_iter().filter(|scalar| scalar.is_integer()) {
        let mut builder = ModuleBuilder::new();
        let mut commands = Vec::new();
        for constant in edges(scalar) {
            for op in [
                BinaryOp::Add,
                BinaryOp::Sub,
                BinaryOp::Mul,
                BinaryOp::Div,
                BinaryOp::Rem,
                BinaryOp::ShiftLeft,
            ] {
                let name = format!("{op:?}_{constant:x}");
                let index = command(&mut builder, scalar, scalar, &name, |function, left, _| {
                    let right = function.constant(scalar, constant);
                    function.binary(op, left, right)
                });
                commands.push((index, name));
            }
        }
        let mut twins = Twins::new(builder.module);
        for (command, name) in &commands {
            for left in edges(scalar) {
                let arguments = [packed(scalar, left), packed(scalar, 0)].concat();
                if let Err(difference) = twins.compare(*command, &arguments) {
                    panic!("{name} on {scalar:?} {left:#x}: {difference}");
                }
            }
        }
    }
}

#[test]
fn comparisons_and_selections() {
    for scalar in SCALARS {
        let mut builder = ModuleBuilder::new();
        let mut commands = Vec::new();
        for op in COMPARE.into_iter().filter(|op| {
            scalar != Scalar::Bool || matches!(op, CompareOp::Equal | CompareOp::NotEqual)
        }) {
            let name = format!("{op:?}");
            let index = command(
                &mut builder,
                scalar,
                Scalar::Bool,
                &name,
                |function, left, right| function.compare(op, left, right),
            );
            commands.push((index, name));
            let name = format!("select_{op:?}");
            let index = command(
                &mut builder,
                scalar,
                scalar,
                &name,
                |function, left, right| {
                    let condition = function.compare(op, left, right);
                    let dst = function.reg(scalar);
                    function.emit(Instr::Select {
                        dst,
                        condition,
                        then: right,
                        otherwise: left,
                    });
                    dst
                },
            );
            commands.push((index, name));
        }
        all_pairs(&mut Twins::new(builder.module), scalar, &commands);
    }
}

#[test]
fn unary_operations() {
    for scalar in SCALARS {
        let legal = |op: &UnaryOp| match scalar {
            Scalar::Bool => *op == UnaryOp::Not,
            Scalar::F64 => matches!(op, UnaryOp::Neg | UnaryOp::Abs),
            _ => true,
        };
        for op in UNARY.into_iter().filter(legal) {
            let mut builder = ModuleBuilder::new();
            let name = format!("{op:?}");
            let index = command(&mut builder, scalar, scalar, &name, |function, left, _| {
                let dst = function.reg(scalar);
                function.emit(Instr::Unary { op, dst, src: left });
                dst
            });
            // The verifier may define an operation on fewer types than the interpreter.
            let Ok(verified) = verify(builder.finish()) else {
                assert!(
                    !scalar.is_signed()
                        || !matches!(op, UnaryOp::Not | UnaryOp::Neg | UnaryOp::Abs),
                    "{op:?} on {scalar:?}"
                );
                continue;
            };
            let mut twins = Twins::of(&verified, Sabotage::None);
            for left in edges(scalar) {
                let arguments = [packed(scalar, left), packed(scalar, 0)].concat();
                if let Err(difference) = twins.compare(index, &arguments) {
                    panic!("{op:?} on {scalar:?} {left:#x}: {difference}");
                }
            }
        }
    }
}

#[test]
fn conversions() {
    for from in SCALARS {
        for mode in [
            ConvertMode::Checked,
            ConvertMode::Wrapping,
            ConvertMode::Saturating,
        ] {
            let mut builder = ModuleBuilder::new();
            let mut commands = Vec::new();
            for to in SCALARS {
                let add = |builder: &mut ModuleBuilder| {
                    command(
                        builder,
                        from,
                        to,
                        &format!("to_{to:?}"),
                        |function, left, _| {
                            let dst = function.reg(to);
                            function.emit(Instr::Convert {
                                mode,
                                dst,
                                src: left,
                            });
                            dst
                        },
                    )
                };
                let mut alone = ModuleBuilder::new();
                add(&mut alone);
                if alone.verified().is_ok() {
                    commands.push((add(&mut builder), to));
                }
            }
            if from.is_integer() {
                assert!(
                    commands.len() >= 10,
                    "{from:?} {mode:?} converts to every integer"
                );
            }
            let mut twins = Twins::new(builder.module);
            for (command, to) in commands {
                let mut values = edges(from);
                if from != Scalar::F64 && from != Scalar::Bool {
                    values.extend(
                        SCALARS
                            .into_iter()
                            .filter(|other| *other != Scalar::F64)
                            .flat_map(edges),
                    );
                    let mask = u128::MAX >> (128 - from.bits());
                    values.iter_mut().for_each(|value| *value &= mask);
                }
                for value in values {
                    let arguments = [packed(from, value), packed(from, 0)].concat();
                    if let Err(difference) = twins.compare(command, &arguments) {
                        panic!("{mode:?} {from:?} to {to:?} of {value:#x}: {difference}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_environment_is_stamped() {
    let mut builder = ModuleBuilder::new();
    for (value, scalar) in [
        (Environment::Now, Scalar::I64),
        (Environment::Random, Scalar::U64),
        (Environment::CallerId, Scalar::U64),
        (Environment::OpNumber, Scalar::U64),
        (Environment::CallerRoles, Scalar::U64),
    ] {
        command(
            &mut builder,
            Scalar::U64,
            scalar,
            &format!("{value:?}"),
            |function, _, _| {
                for _ in 0..2 {
                    let dst = function.reg(scalar);
                    function.emit(Instr::Environment { value, dst });
                }
                Register(5)
            },
        );
    }
    let mut twins = Twins::new(builder.module);
    for command in 0..5 {
        let first = twins.run(command, &[0; 16]);
        assert_ne!(first, twins.run(command, &[0; 16]), "each op has its own");
    }
}

#[test]
fn hand_computed_values() {
    let mut builder = ModuleBuilder::new();
    let add = command(
        &mut builder,
        Scalar::U8,
        Scalar::U8,
        "add",
        |function, left, right| function.binary(BinaryOp::Add, left, right),
    );
    let mut twins = Twins::new(builder.module);
    assert_eq!(twins.run(add, &[200, 55]), Outcome::Done(vec![255]));
    assert_eq!(
        twins.run(add, &[200, 56]),
        Outcome::Failed(Failure::Builtin(Builtin::Overflow), Vec::new())
    );
}

#[test]
fn the_comparison_finds_a_missing_overflow_check() {
    let mut builder = ModuleBuilder::new();
    let add = command(
        &mut builder,
        Scalar::U8,
        Scalar::U8,
        "add",
        |function, left, right| function.binary(BinaryOp::Add, left, right),
    );
    let verified = builder.verified().expect("a module that verifies");
    let mut twins = Twins::of(&verified, Sabotage::NoOverflowCheck);
    assert!(twins.compare(add, &[200, 55]).is_ok());
    assert!(twins.compare(add, &[200, 56]).is_err());
}
