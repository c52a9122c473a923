//! Integer arithmetic as the language defines it, written for the model alone: exact results, then the type's range.

use crate::description::Datum;
use rc_bytecode::instr::{BinaryOp, Builtin, Scalar, UnaryOp};

/// Smallest and largest value; not for `u128`.
pub fn range(scalar: Scalar) -> (i128, i128) {
    let bits = scalar.bits();
    match (scalar.is_signed(), bits) {
        (true, 128) => (i128::MIN, i128::MAX),
        (true, bits) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        (false, bits) => (0, (1 << bits) - 1),
    }
}

/// What remains of a number in the type's bits.
fn truncated(scalar: Scalar, value: i128) -> i128 {
    let lost = 128 - scalar.bits();
    match scalar.is_signed() {
        true => value << lost >> lost,
        false => ((value as u128) << lost >> lost) as i128,
    }
}

fn checked(scalar: Scalar, value: Option<i128>) -> Result<i128, Builtin> {
    let (low, high) = range(scalar);
    value
        .filter(|value| (low..=high).contains(value))
        .ok_or(Builtin::Overflow)
}

pub fn binary(op: BinaryOp, scalar: Scalar, left: &Datum, right: &Datum) -> Result<Datum, Builtin> {
    match (left, right) {
        (Datum::Wide(left), Datum::Wide(right)) => wide(op, *left, *right).map(Datum::Wide),
        (Datum::Integer(left), Datum::Integer(right)) => {
            narrow(op, scalar, *left, *right).map(Datum::Integer)
        }
        (Datum::Bool(left), Datum::Bool(right)) => Ok(Datum::Bool(match op {
            BinaryOp::And => left & right,
            BinaryOp::Or => left | right,
            _ => left ^ right,
        })),
        _ => panic!("{left:?} {op:?} {right:?}"),
    }
}

fn narrow(op: BinaryOp, scalar: Scalar, a: i128, b: i128) -> Result<i128, Builtin> {
    let (low, high) = range(scalar);
    let saturated = |exact: Option<i128>, negative: bool| match exact {
        Some(exact) => exact.clamp(low, high),
        None if negative => low,
        None => high,
    };
    match op {
        BinaryOp::Add => checked(scalar, a.checked_add(b)),
        BinaryOp::Sub => checked(scalar, a.checked_sub(b)),
        BinaryOp::Mul => checked(scalar, a.checked_mul(b)),
        BinaryOp::Div | BinaryOp::Rem if b == 0 => Err(Builtin::DivideByZero),
        BinaryOp::Div => checked(scalar, a.checked_div(b)),
        BinaryOp::Rem => Ok(a.checked_rem(b).unwrap_or(0)),
        BinaryOp::WrappingAdd => Ok(truncated(scalar, a.wrapping_add(b))),
        BinaryOp::WrappingSub => Ok(truncated(scalar, a.wrapping_sub(b))),
        BinaryOp::WrappingMul => Ok(truncated(scalar, a.wrapping_mul(b))),
        BinaryOp::SaturatingAdd => Ok(saturated(a.checked_add(b), a < 0)),
        BinaryOp::SaturatingSub => Ok(saturated(a.checked_sub(b), a < 0)),
        BinaryOp::SaturatingMul => Ok(saturated(a.checked_mul(b), (a < 0) != (b < 0))),
        BinaryOp::Min => Ok(a.min(b)),
        BinaryOp::Max => Ok(a.max(b)),
        BinaryOp::And => Ok(a & b),
        BinaryOp::Or => Ok(a | b),
        BinaryOp::Xor => Ok(a ^ b),
        BinaryOp::ShiftLeft | BinaryOp::ShiftRight if b < 0 || b >= scalar.bits().into() => {
            Err(Builtin::Overflow)
        }
        BinaryOp::ShiftLeft => Ok(truncated(scalar, a << b)),
        BinaryOp::ShiftRight => Ok(a >> b),
    }
}

fn wide(op: BinaryOp, a: u128, b: u128) -> Result<u128, Builtin> {
    let overflow = Builtin::Overflow;
    match op {
        BinaryOp::Add => a.checked_add(b).ok_or(overflow),
        BinaryOp::Sub => a.checked_sub(b).ok_or(overflow),
        BinaryOp::Mul => a.checked_mul(b).ok_or(overflow),
        BinaryOp::Div => a.checked_div(b).ok_or(Builtin::DivideByZero),
        BinaryOp::Rem => a.checked_rem(b).ok_or(Builtin::DivideByZero),
        BinaryOp::WrappingAdd => Ok(a.wrapping_add(b)),
        BinaryOp::WrappingSub => Ok(a.wrapping_sub(b)),
        BinaryOp::WrappingMul => Ok(a.wrapping_mul(b)),
        BinaryOp::SaturatingAdd => Ok(a.saturating_add(b)),
        BinaryOp::SaturatingSub => Ok(a.saturating_sub(b)),
        BinaryOp::SaturatingMul => Ok(a.saturating_mul(b)),
        BinaryOp::Min => Ok(a.min(b)),
        BinaryOp::Max => Ok(a.max(b)),
        BinaryOp::And => Ok(a & b),
        BinaryOp::Or => Ok(a | b),
        BinaryOp::Xor => Ok(a ^ b),
        BinaryOp::ShiftLeft | BinaryOp::ShiftRight if b >= 128 => Err(overflow),
        BinaryOp::ShiftLeft => Ok(a << b),
        BinaryOp::ShiftRight => Ok(a >> b),
    }
}

pub fn unary(op: UnaryOp, scalar: Scalar, operand: &Datum) -> Result<Datum, Builtin> {
    match operand {
        Datum::Bool(value) => Ok(Datum::Bool(!value)),
        Datum::Wide(value) => Ok(Datum::Wide(match op {
            UnaryOp::Not => !value,
            UnaryOp::TrailingZeros => value.trailing_zeros().into(),
            UnaryOp::LeadingZeros => value.leading_zeros().into(),
            UnaryOp::CountOnes => value.count_ones().into(),
            UnaryOp::ByteSwap => value.swap_bytes(),
            UnaryOp::Neg | UnaryOp::Abs | UnaryOp::SquareRoot => panic!("{op:?} of a u128"),
        })),
        Datum::Integer(value) => {
            let (value, bits) = (*value, scalar.bits());
            let result = match op {
                UnaryOp::Not => truncated(scalar, !value),
                UnaryOp::Neg => checked(scalar, value.checked_neg())?,
                UnaryOp::Abs => checked(scalar, value.checked_abs())?,
                UnaryOp::TrailingZeros => value.trailing_zeros().min(bits).into(),
                UnaryOp::LeadingZeros => (value.leading_zeros() - (128 - bits)).into(),
                UnaryOp::CountOnes => value.count_ones().into(),
                UnaryOp::SquareRoot => panic!("a square root of an integer"),
                UnaryOp::ByteSwap => truncated(
                    scalar,
                    (value as u128).swap_bytes().wrapping_shr(128 - bits) as i128,
                ),
            };
            Ok(Datum::Integer(result))
        }
        other => panic!("{op:?} of {other:?}"),
    }
}

/// To another integer type, where it fits.
pub fn convert(to: Scalar, value: &Datum) -> Result<Datum, Builtin> {
    let value = match value {
        Datum::Integer(value) if to == Scalar::U128 => {
            return u128::try_from(*value)
                .map(Datum::Wide)
                .map_err(|_| Builtin::Overflow);
        }
        Datum::Integer(value) => *value,
        Datum::Wide(value) if to == Scalar::U128 => return Ok(Datum::Wide(*value)),
        Datum::Wide(value) => i128::try_from(*value).map_err(|_| Builtin::Overflow)?,
        other => panic!("{other:?} is no integer"),
    };
    checked(to, Some(value)).map(Datum::Integer)
}
