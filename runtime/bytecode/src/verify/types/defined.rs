//! On which scalars operators are defined. Floats have no remainder, no bits and no saturation; only what has a
//! sign is negated; only what has none has its bits counted.

use super::TypeError;
use crate::instr::{BinaryOp, ConvertMode, Scalar, UnaryOp};

/// Whether bits are a value of a scalar type; a float must be finite.
pub(super) fn constant(scalar: Scalar, bits: u128) -> Result<(), TypeError> {
    let fits = match scalar {
        Scalar::Bool => bits <= 1,
        Scalar::F64 => bits >> 64 == 0 && f64::from_bits(bits as u64).is_finite(),
        integer => integer.bits() == 128 || bits >> integer.bits() == 0,
    };
    if fits {
        Ok(())
    } else {
        Err(TypeError::Constant)
    }
}

/// On which scalars a binary operator is defined.
pub fn binary_defined(op: BinaryOp, scalar: Scalar) -> bool {
    match op {
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Min
        | BinaryOp::Max => scalar != Scalar::Bool,
        BinaryOp::Rem
        | BinaryOp::WrappingAdd
        | BinaryOp::WrappingSub
        | BinaryOp::WrappingMul
        | BinaryOp::SaturatingAdd
        | BinaryOp::SaturatingSub
        | BinaryOp::SaturatingMul
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRight => scalar.is_integer(),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => scalar != Scalar::F64,
    }
}

/// On which scalars a unary operator is defined.
pub fn unary_defined(op: UnaryOp, scalar: Scalar) -> bool {
    match op {
        UnaryOp::Not => scalar != Scalar::F64,
        UnaryOp::Neg | UnaryOp::Abs => scalar.is_signed() || scalar == Scalar::F64,
        UnaryOp::TrailingZeros | UnaryOp::LeadingZeros | UnaryOp::CountOnes => {
            scalar.is_integer() && !scalar.is_signed()
        }
        UnaryOp::ByteSwap => scalar.is_integer(),
        UnaryOp::SquareRoot => scalar == Scalar::F64,
    }
}

/// Between which scalars a conversion is defined.
pub fn convert_defined(mode: ConvertMode, from: Scalar, to: Scalar) -> bool {
    match mode {
        ConvertMode::Checked => {
            from != Scalar::Bool && to != Scalar::Bool && (from.is_integer() || to.is_integer())
        }
        ConvertMode::Wrapping => from != Scalar::F64 && to.is_integer(),
        ConvertMode::Saturating => from.is_integer() && to.is_integer(),
    }
}
