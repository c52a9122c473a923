//! What arithmetic means: every operation on scalars, as total functions over bits.
//!
//! Always true: a scalar's bits are canonical before and after. Unsigned integers are zero-extended to 128
//! bits, signed ones sign-extended, `Bool` is 0 or 1, `F64` has its 64 bits in the low half and is finite.
//! Nothing here wraps unless the operation's name says so.

#![expect(
    clippy::unnecessary_cast,
    reason = "one text for integers of all widths, 128 bits among them"
)]

use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Rounding, Scalar, UnaryOp};

/// Why an operation gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// The command fails: the same in both engines.
    Failure(Builtin),
    /// The operation does not exist for this type: the verifier should have refused it.
    Illegal,
}

const OVERFLOW: Trap = Trap::Failure(Builtin::Overflow);
const DIVIDE_BY_ZERO: Trap = Trap::Failure(Builtin::DivideByZero);

/// Runs `$body` with `$Integer` standing for the Rust type of `$scalar`, or `$other` where it is no integer.
macro_rules! with_integer {
    ($scalar:expr, $Integer:ident => $body:expr, $other:expr) => {
        match $scalar {
            Scalar::U8 => {
                type $Integer = u8;
                $body
            }
            Scalar::U16 => {
                type $Integer = u16;
                $body
            }
            Scalar::U32 => {
                type $Integer = u32;
                $body
            }
            Scalar::U64 => {
                type $Integer = u64;
                $body
            }
            Scalar::U128 => {
                type $Integer = u128;
                $body
            }
            Scalar::I8 => {
                type $Integer = i8;
                $body
            }
            Scalar::I16 => {
                type $Integer = i16;
                $body
            }
            Scalar::I32 => {
                type $Integer = i32;
                $body
            }
            Scalar::I64 => {
                type $Integer = i64;
                $body
            }
            Scalar::I128 => {
                type $Integer = i128;
                $body
            }
            Scalar::Bool | Scalar::F64 => $other,
        }
    };
}

/// The canonical bits of a scalar whose two's complement (or IEEE) form stands in the low bits of `bits`; what stands
/// above the type's width is ignored. A `Bool` keeps its lowest bit.
pub fn canonical(scalar: Scalar, bits: u128) -> u128 {
    match scalar {
        Scalar::Bool => bits & 1,
        Scalar::F64 => u128::from(bits as u64),
        _ => with_integer!(scalar, Integer => bits as Integer as u128, bits),
    }
}

/// Whether `bits` are canonical: in range, 0 or 1 for `Bool`, finite for `F64`.
pub fn is_canonical(scalar: Scalar, bits: u128) -> bool {
    let in_range = canonical(scalar, bits) == bits;
    in_range && (scalar != Scalar::F64 || float(bits).is_finite())
}

fn float(bits: u128) -> f64 {
    f64::from_bits(bits as u64)
}

fn finite(value: f64) -> Result<u128, Trap> {
    if value.is_finite() {
        // Zero has one form: the negative one becomes the other.
        Ok(u128::from((value + 0.0).to_bits()))
    } else {
        Err(OVERFLOW)
    }
}

/// `op` on two operands of type `scalar`.
pub fn binary(op: BinaryOp, scalar: Scalar, left: u128, right: u128) -> Result<u128, Trap> {
    with_integer!(scalar, Integer => {
        let (a, b) = (left as Integer, right as Integer);
        let value = match op {
            BinaryOp::Add => a.checked_add(b).ok_or(OVERFLOW)?,
            BinaryOp::Sub => a.checked_sub(b).ok_or(OVERFLOW)?,
            BinaryOp::Mul => a.checked_mul(b).ok_or(OVERFLOW)?,
            BinaryOp::Div if b == 0 => return Err(DIVIDE_BY_ZERO),
            BinaryOp::Div => a.checked_div(b).ok_or(OVERFLOW)?,
            BinaryOp::Rem if b == 0 => return Err(DIVIDE_BY_ZERO),
            // The only remainder that "overflows" is MIN % -1, and it is 0.
            BinaryOp::Rem => a.checked_rem(b).unwrap_or(0),
            BinaryOp::WrappingAdd => a.wrapping_add(b),
            BinaryOp::WrappingSub => a.wrapping_sub(b),
            BinaryOp::WrappingMul => a.wrapping_mul(b),
            BinaryOp::SaturatingAdd => a.saturating_add(b),
            BinaryOp::SaturatingSub => a.saturating_sub(b),
            BinaryOp::SaturatingMul => a.saturating_mul(b),
            BinaryOp::Min => a.min(b),
            BinaryOp::Max => a.max(b),
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            // A negative count has high canonical bits and is far above every width.
            BinaryOp::ShiftLeft | BinaryOp::ShiftRight if right >= u128::from(Integer::BITS) => return Err(OVERFLOW),
            BinaryOp::ShiftLeft => a << right,
            BinaryOp::ShiftRight => a >> right,
        };
        Ok(value as u128)
    }, if scalar == Scalar::Bool { binary_bool(op, left, right) } else { binary_float(op, left, right) })
}

fn binary_bool(op: BinaryOp, left: u128, right: u128) -> Result<u128, Trap> {
    match op {
        BinaryOp::And => Ok(left & right),
        BinaryOp::Or => Ok(left | right),
        BinaryOp::Xor => Ok(left ^ right),
        _ => Err(Trap::Illegal),
    }
}

fn binary_float(op: BinaryOp, left: u128, right: u128) -> Result<u128, Trap> {
    let (a, b) = (float(left), float(right));
    match op {
        BinaryOp::Add => finite(a + b),
        BinaryOp::Sub => finite(a - b),
        BinaryOp::Mul => finite(a * b),
        BinaryOp::Div if b == 0.0 => Err(DIVIDE_BY_ZERO),
        BinaryOp::Div => finite(a / b),
        // By comparing, so that of two equal zeros the left one is kept, whatever their signs.
        BinaryOp::Min => Ok(if b < a { right } else { left }),
        BinaryOp::Max => Ok(if b > a { right } else { left }),
        _ => Err(Trap::Illegal),
    }
}

/// `op` on one operand of type `scalar`.
pub fn unary(op: UnaryOp, scalar: Scalar, operand: u128) -> Result<u128, Trap> {
    match (scalar, op) {
        (Scalar::Bool, UnaryOp::Not) => return Ok(operand ^ 1),
        (Scalar::F64, UnaryOp::SquareRoot) => return finite(float(operand).sqrt()),
        (_, UnaryOp::SquareRoot) => return Err(Trap::Illegal),
        (Scalar::F64, UnaryOp::Neg) => return finite(-float(operand)),
        (Scalar::F64, UnaryOp::Abs) => return Ok(u128::from(float(operand).abs().to_bits())),
        _ => {}
    }
    with_integer!(scalar, Integer => {
        let a = operand as Integer;
        let value = match op {
            UnaryOp::Not => !a,
            UnaryOp::Neg => a.checked_neg().ok_or(OVERFLOW)?,
            UnaryOp::Abs if scalar.is_signed() && (operand as i128) < 0 => a.checked_neg().ok_or(OVERFLOW)?,
            UnaryOp::Abs => a,
            UnaryOp::TrailingZeros => a.trailing_zeros() as Integer,
            UnaryOp::LeadingZeros => a.leading_zeros() as Integer,
            UnaryOp::CountOnes => a.count_ones() as Integer,
            UnaryOp::ByteSwap => a.swap_bytes(),
            UnaryOp::SquareRoot => return Err(Trap::Illegal),
        };
        Ok(value as u128)
    }, Err(Trap::Illegal))
}

/// A whole `F64`.
pub fn round(rounding: Rounding, operand: u128) -> u128 {
    u128::from(rc_bytecode::ratio::round_float(rounding, float(operand)).to_bits())
}

/// Whether `left op right`, both of type `scalar`. `F64` compares as IEEE does: the two zeros are equal.
pub fn compare(op: CompareOp, scalar: Scalar, left: u128, right: u128) -> bool {
    let ordering = match scalar {
        Scalar::F64 => float(left).partial_cmp(&float(right)),
        _ if scalar.is_signed() => Some((left as i128).cmp(&(right as i128))),
        _ => Some(left.cmp(&right)),
    };
    // Finite numbers always compare; without an order only "not equal" holds.
    let Some(ordering) = ordering else {
        return op == CompareOp::NotEqual;
    };
    match op {
        CompareOp::Equal => ordering.is_eq(),
        CompareOp::NotEqual => ordering.is_ne(),
        CompareOp::Less => ordering.is_lt(),
        CompareOp::LessOrEqual => ordering.is_le(),
        CompareOp::Greater => ordering.is_gt(),
        CompareOp::GreaterOrEqual => ordering.is_ge(),
    }
}

/// `operand` of type `from` as a value of type `to`.
pub fn convert(mode: ConvertMode, from: Scalar, to: Scalar, operand: u128) -> Result<u128, Trap> {
    match (from, to, mode) {
        (Scalar::F64, Scalar::F64, ConvertMode::Checked) => Ok(operand),
        (Scalar::F64, _, ConvertMode::Checked) => float_to_integer(to, float(operand)),
        (_, Scalar::F64, ConvertMode::Checked) => {
            let value = if is_negative(from, operand) {
                (operand as i128) as f64
            } else {
                operand as f64
            };
            finite(value)
        }
        (Scalar::F64, ..) | (_, Scalar::F64, _) => Err(Trap::Illegal),
        (_, _, ConvertMode::Wrapping) => Ok(canonical(to, operand)),
        (_, _, ConvertMode::Checked) => {
            if clamp(from, to, operand) == operand {
                Ok(operand)
            } else {
                Err(OVERFLOW)
            }
        }
        (_, _, ConvertMode::Saturating) => Ok(clamp(from, to, operand)),
    }
}

fn is_negative(scalar: Scalar, bits: u128) -> bool {
    scalar.is_signed() && (bits as i128) < 0
}

/// The least value, sign-extended, and the greatest.
fn range(scalar: Scalar) -> (u128, u128) {
    with_integer!(scalar, Integer => (Integer::MIN as u128, Integer::MAX as u128), (0, 1))
}

/// The value of `to` that is nearest to `operand`.
fn clamp(from: Scalar, to: Scalar, operand: u128) -> u128 {
    let (least, greatest) = range(to);
    match (is_negative(from, operand), to.is_signed()) {
        (false, _) => operand.min(greatest),
        (true, false) => 0,
        (true, true) => (operand as i128).max(least as i128) as u128,
    }
}

fn float_to_integer(to: Scalar, value: f64) -> Result<u128, Trap> {
    let whole = value.trunc();
    with_integer!(to, Integer => {
        // Both ends are powers of two (or 0), which F64 has exactly; MAX itself is not.
        let end = (Integer::MAX / 2 + 1) as f64 * 2.0;
        if whole >= Integer::MIN as f64 && whole < end { Ok(whole as Integer as u128) } else { Err(OVERFLOW) }
    }, Err(Trap::Illegal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGERS: [Scalar; 10] = [
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
    ];

    fn bits(value: i128) -> u128 {
        value as u128
    }

    fn f(value: f64) -> u128 {
        u128::from(value.to_bits())
    }

    #[test]
    fn every_width_overflows_at_its_own_end() {
        for scalar in INTEGERS {
            let (least, greatest) = range(scalar);
            assert_eq!(
                binary(BinaryOp::Add, scalar, greatest, 1),
                Err(OVERFLOW),
                "{scalar:?}"
            );
            assert_eq!(
                binary(BinaryOp::Sub, scalar, least, 1),
                Err(OVERFLOW),
                "{scalar:?}"
            );
            assert_eq!(
                binary(BinaryOp::Mul, scalar, greatest, 2),
                Err(OVERFLOW),
                "{scalar:?}"
            );
            assert_eq!(
                binary(BinaryOp::WrappingAdd, scalar, greatest, 1),
                Ok(least)
            );
            assert_eq!(
                binary(BinaryOp::WrappingSub, scalar, least, 1),
                Ok(greatest)
            );
            assert_eq!(
                binary(BinaryOp::SaturatingAdd, scalar, greatest, 1),
                Ok(greatest)
            );
            assert_eq!(binary(BinaryOp::SaturatingSub, scalar, least, 1), Ok(least));
            assert_eq!(
                binary(BinaryOp::SaturatingMul, scalar, greatest, 3),
                Ok(greatest)
            );
            assert_eq!(
                binary(BinaryOp::Div, scalar, greatest, 0),
                Err(DIVIDE_BY_ZERO)
            );
            assert_eq!(
                binary(BinaryOp::Rem, scalar, greatest, 0),
                Err(DIVIDE_BY_ZERO)
            );
            assert_eq!(binary(BinaryOp::Min, scalar, greatest, least), Ok(least));
            assert_eq!(binary(BinaryOp::Max, scalar, least, greatest), Ok(greatest));
            assert!(compare(CompareOp::Less, scalar, least, greatest));
            assert!(!compare(CompareOp::GreaterOrEqual, scalar, least, greatest));
            for op in [BinaryOp::ShiftLeft, BinaryOp::ShiftRight] {
                assert_eq!(
                    binary(op, scalar, 1, u128::from(scalar.bits())),
                    Err(OVERFLOW)
                );
                assert!(binary(op, scalar, 1, u128::from(scalar.bits() - 1)).is_ok());
            }
        }
    }

    #[test]
    fn signed_ends_are_special() {
        for scalar in INTEGERS.into_iter().filter(|scalar| scalar.is_signed()) {
            let (least, greatest) = range(scalar);
            let minus_one = bits(-1);
            assert_eq!(
                binary(BinaryOp::Div, scalar, least, minus_one),
                Err(OVERFLOW)
            );
            assert_eq!(binary(BinaryOp::Rem, scalar, least, minus_one), Ok(0));
            assert_eq!(unary(UnaryOp::Neg, scalar, least), Err(OVERFLOW));
            assert_eq!(unary(UnaryOp::Abs, scalar, least), Err(OVERFLOW));
            assert_eq!(unary(UnaryOp::Abs, scalar, minus_one), Ok(1));
            assert_eq!(
                unary(UnaryOp::Neg, scalar, greatest),
                Ok(bits(-(greatest as i128)))
            );
            assert_eq!(binary(BinaryOp::Rem, scalar, bits(-7), 3), Ok(bits(-1)));
            assert_eq!(binary(BinaryOp::Div, scalar, bits(-7), 2), Ok(bits(-3)));
            assert_eq!(
                binary(BinaryOp::ShiftRight, scalar, bits(-8), 1),
                Ok(bits(-4))
            );
            assert_eq!(
                binary(BinaryOp::ShiftLeft, scalar, 1, minus_one),
                Err(OVERFLOW)
            );
        }
        assert_eq!(unary(UnaryOp::Neg, Scalar::U32, 1), Err(OVERFLOW));
        assert_eq!(unary(UnaryOp::Neg, Scalar::U32, 0), Ok(0));
        assert_eq!(
            binary(BinaryOp::ShiftLeft, Scalar::I8, 0x40, 1),
            Ok(bits(-128))
        );
        assert_eq!(binary(BinaryOp::ShiftLeft, Scalar::U8, 0xFF, 4), Ok(0xF0));
    }

    #[test]
    fn bits_are_counted_in_the_width() {
        assert_eq!(unary(UnaryOp::TrailingZeros, Scalar::U8, 0), Ok(8));
        assert_eq!(unary(UnaryOp::TrailingZeros, Scalar::U128, 0), Ok(128));
        assert_eq!(unary(UnaryOp::LeadingZeros, Scalar::U16, 1), Ok(15));
        assert_eq!(
            unary(UnaryOp::CountOnes, Scalar::U64, u128::from(u64::MAX)),
            Ok(64)
        );
        assert_eq!(
            unary(UnaryOp::ByteSwap, Scalar::U32, 0x0102_0304),
            Ok(0x0403_0201)
        );
        assert_eq!(
            unary(UnaryOp::ByteSwap, Scalar::I16, 0x00FF),
            Ok(bits(-256))
        );
        assert_eq!(unary(UnaryOp::Not, Scalar::U8, 0x0F), Ok(0xF0));
        assert_eq!(unary(UnaryOp::Not, Scalar::Bool, 1), Ok(0));
        assert_eq!(unary(UnaryOp::Neg, Scalar::Bool, 1), Err(Trap::Illegal));
    }

    #[test]
    fn floats_stay_finite() {
        let huge = f(f64::MAX);
        assert_eq!(
            binary(BinaryOp::Add, Scalar::F64, huge, huge),
            Err(OVERFLOW)
        );
        assert_eq!(
            binary(BinaryOp::Mul, Scalar::F64, huge, f(-2.0)),
            Err(OVERFLOW)
        );
        assert_eq!(
            binary(BinaryOp::Div, Scalar::F64, f(1.0), f(-0.0)),
            Err(DIVIDE_BY_ZERO)
        );
        assert_eq!(
            binary(BinaryOp::Div, Scalar::F64, huge, f(f64::MIN_POSITIVE)),
            Err(OVERFLOW)
        );
        assert_eq!(
            binary(BinaryOp::Add, Scalar::F64, f(0.1), f(0.2)),
            Ok(f(0.1 + 0.2))
        );
        assert_eq!(
            binary(BinaryOp::Min, Scalar::F64, f(0.0), f(-0.0)),
            Ok(f(0.0))
        );
        assert_eq!(
            binary(BinaryOp::Max, Scalar::F64, f(-0.0), f(0.0)),
            Ok(f(-0.0))
        );
        assert!(compare(CompareOp::Equal, Scalar::F64, f(0.0), f(-0.0)));
        assert!(!is_canonical(Scalar::F64, f(f64::NAN)));
        assert!(!is_canonical(Scalar::F64, f(f64::INFINITY)));
        assert!(!is_canonical(Scalar::Bool, 2));
    }

    #[test]
    fn conversions_fit_or_fail() {
        use ConvertMode::{Checked, Saturating, Wrapping};
        assert_eq!(
            convert(Checked, Scalar::U64, Scalar::U8, 256),
            Err(OVERFLOW)
        );
        assert_eq!(convert(Checked, Scalar::U64, Scalar::U8, 255), Ok(255));
        assert_eq!(
            convert(Checked, Scalar::I64, Scalar::U64, bits(-1)),
            Err(OVERFLOW)
        );
        assert_eq!(
            convert(Checked, Scalar::U128, Scalar::I128, u128::MAX),
            Err(OVERFLOW)
        );
        assert_eq!(
            convert(Checked, Scalar::I128, Scalar::I8, bits(-128)),
            Ok(bits(-128))
        );
        assert_eq!(
            convert(Checked, Scalar::I128, Scalar::I8, bits(-129)),
            Err(OVERFLOW)
        );
        assert_eq!(
            convert(Saturating, Scalar::U128, Scalar::I128, u128::MAX),
            Ok(bits(i128::MAX))
        );
        assert_eq!(
            convert(Saturating, Scalar::I64, Scalar::U16, bits(-5)),
            Ok(0)
        );
        assert_eq!(
            convert(Saturating, Scalar::I64, Scalar::I16, bits(-99_999)),
            Ok(bits(-32_768))
        );
        assert_eq!(
            convert(Wrapping, Scalar::U16, Scalar::I8, 0xFF80),
            Ok(bits(-128))
        );
        assert_eq!(
            convert(Wrapping, Scalar::I8, Scalar::U128, bits(-1)),
            Ok(u128::MAX)
        );
        assert_eq!(convert(Wrapping, Scalar::Bool, Scalar::U64, 1), Ok(1));
        assert_eq!(
            convert(Checked, Scalar::U64, Scalar::F64, (1 << 53) + 1),
            Ok(f((1u64 << 53) as f64))
        );
        assert_eq!(
            convert(Checked, Scalar::I8, Scalar::F64, bits(-3)),
            Ok(f(-3.0))
        );
        assert_eq!(
            convert(Checked, Scalar::F64, Scalar::I8, f(-128.9)),
            Ok(bits(-128))
        );
        assert_eq!(
            convert(Checked, Scalar::F64, Scalar::I8, f(-129.0)),
            Err(OVERFLOW)
        );
        assert_eq!(convert(Checked, Scalar::F64, Scalar::U8, f(-0.9)), Ok(0));
        assert_eq!(
            convert(
                Checked,
                Scalar::F64,
                Scalar::U64,
                f(18_446_744_073_709_551_616.0)
            ),
            Err(OVERFLOW)
        );
        assert_eq!(
            convert(
                Checked,
                Scalar::F64,
                Scalar::U64,
                f(18_446_744_073_709_549_568.0)
            ),
            Ok(18_446_744_073_709_549_568)
        );
        assert_eq!(
            convert(
                Checked,
                Scalar::F64,
                Scalar::I64,
                f(-9_223_372_036_854_775_808.0)
            ),
            Ok(bits(i128::from(i64::MIN)))
        );
        assert_eq!(
            convert(Wrapping, Scalar::F64, Scalar::U8, f(1.0)),
            Err(Trap::Illegal)
        );
    }
}
