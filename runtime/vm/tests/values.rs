//! Instructions on scalars, through functions: the operator's own cases are in `number`.

mod support;

use rc_bytecode::instr::{
    BinaryOp, CompareOp, ConvertMode, Environment, Instr, Scalar, Type, UnaryOp,
};
use rc_vm::Environment as Surroundings;
use support::*;

fn binary(op: BinaryOp, kind: Type) -> Stage {
    let mut sketch = Sketch::new("f", &[kind, kind], &[kind]);
    let [left, right] = [0, 1].map(rc_bytecode::Register);
    let dst = sketch.binary(op, left, right);
    stage(sketch.give(&[dst]))
}

#[test]
fn constants_are_read_by_their_type() {
    let mut sketch = Sketch::new(
        "f",
        &[],
        &[
            Type::Scalar(Scalar::I8),
            U64,
            BOOL,
            Type::Scalar(Scalar::I128),
        ],
    );
    let minus_two = sketch.constant(Type::Scalar(Scalar::I8), 0xFE);
    let large = sketch.constant(U64, u128::from(u64::MAX));
    let yes = sketch.constant(BOOL, 1);
    let least = sketch.constant(Type::Scalar(Scalar::I128), 1 << 127);
    let mut stage = stage(sketch.give(&[minus_two, large, yes, least]));
    assert_eq!(
        stage.values(0, &[]),
        [-2i128 as u128, u128::from(u64::MAX), 1, i128::MIN as u128]
    );
}

#[test]
fn binary_computes_or_fails() {
    let mut add = binary(BinaryOp::Add, U8);
    assert_eq!(add.values(0, &[200, 55]), [255]);
    assert_eq!(add.failure(0, &[200, 56]), OVERFLOW);
    let mut divide = binary(BinaryOp::Div, I64);
    assert_eq!(divide.values(0, &[-7i128 as u128, 2]), [-3i128 as u128]);
    assert_eq!(divide.failure(0, &[1, 0]), DIVIDE);
    assert_eq!(
        divide.failure(0, &[i64::MIN as u128, -1i128 as u128]),
        OVERFLOW
    );
    let mut both = binary(BinaryOp::And, BOOL);
    assert_eq!(both.values(0, &[1, 0]), [0]);
    let mut float = binary(BinaryOp::Mul, Type::Scalar(Scalar::F64));
    let bits = |value: f64| u128::from(value.to_bits());
    assert_eq!(float.values(0, &[bits(1.5), bits(-2.0)]), [bits(-3.0)]);
    assert_eq!(float.failure(0, &[bits(1e200), bits(1e200)]), OVERFLOW);
}

#[test]
fn unary_compare_select_convert_and_move() {
    let mut sketch = Sketch::new("f", &[I64, I64], &[I64, BOOL, I64, U8]);
    let [left, right] = [0, 1].map(rc_bytecode::Register);
    let negated = sketch.register(I64);
    sketch.push(Instr::Unary {
        op: UnaryOp::Neg,
        dst: negated,
        src: left,
    });
    let less = sketch.compare(CompareOp::Less, left, right);
    let chosen = sketch.register(I64);
    sketch.push(Instr::Select {
        dst: chosen,
        condition: less,
        then: left,
        otherwise: right,
    });
    let moved = sketch.register(I64);
    sketch.push(Instr::Move {
        dst: moved,
        src: chosen,
    });
    let byte = sketch.register(U8);
    sketch.push(Instr::Convert {
        mode: ConvertMode::Checked,
        dst: byte,
        src: moved,
    });
    let mut stage = stage(sketch.give(&[negated, less, moved, byte]));
    assert_eq!(stage.values(0, &[3, 9]), [-3i128 as u128, 1, 3, 3]);
    assert_eq!(stage.values(0, &[5, 4]), [-5i128 as u128, 0, 4, 4]);
    assert_eq!(
        stage.failure(0, &[-1i128 as u128, 0]),
        OVERFLOW,
        "-1 is no U8"
    );
    assert_eq!(
        stage.failure(0, &[i64::MIN as u128, 0]),
        OVERFLOW,
        "MIN has no negative"
    );
}

#[test]
fn the_environment_is_stamped() {
    let mut sketch = Sketch::new("f", &[], &[I64, U64, U64, U64, U64, U64]);
    let values = [
        Environment::Now,
        Environment::Random,
        Environment::Random,
        Environment::CallerId,
        Environment::CallerRoles,
        Environment::OpNumber,
    ];
    let kinds = [I64, U64, U64, U64, U64, U64];
    let registers = std::iter::zip(values, kinds).map(|(value, kind)| {
        let dst = sketch.register(kind);
        sketch.push(Instr::Environment { value, dst });
        dst
    });
    let registers = registers.collect::<Vec<_>>();
    let mut stage = stage(sketch.give(&registers));
    stage.run.begin(Surroundings {
        now: -5,
        seed: 7,
        caller_id: 8,
        caller_roles: 11,
        op_number: 9,
    });
    let hash = |n: u64| u128::from(rc_bytecode::hash::hash_bytes(&n.to_le_bytes(), 7));
    assert_eq!(
        stage.values(0, &[]),
        [-5i128 as u128, hash(0), hash(1), 8, 11, 9]
    );
    // A later part of the same op goes on with the numbers; a new op starts again.
    assert_eq!(stage.values(0, &[])[1], hash(2));
    stage.run.begin(Surroundings {
        seed: 7,
        ..Surroundings::default()
    });
    assert_eq!(stage.values(0, &[])[1], hash(0));
}
