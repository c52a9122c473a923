//! `left * right / divisor` exactly, rounded once: what multiplies, divides and rescales decimals.
//!
//! Always true: the product is kept in 256 bits, so the only failures are a divisor of zero and a result that does not
//! fit; the rounding is the one that was asked for, by the sign and the size of what is left over.

use crate::instr::{Builtin, Rounding};

/// See the file's text. Fails `DivideByZero`, and `Overflow` where the result is beyond 128 bits.
pub fn multiply_divide(
    rounding: Rounding,
    left: i128,
    right: i128,
    divisor: i128,
) -> Result<i128, Builtin> {
    if divisor == 0 {
        return Err(Builtin::DivideByZero);
    }
    let negative = (left < 0) != (right < 0) && left != 0 && right != 0;
    let negative = negative != (divisor < 0);
    let (high, low) = product(left.unsigned_abs(), right.unsigned_abs());
    let size = divisor.unsigned_abs();
    if high >= size {
        return Err(Builtin::Overflow);
    }
    let (quotient, rest) = quotient(high, low, size);
    let up = match rounding {
        Rounding::HalfEven => rest > size - rest || (rest == size - rest && quotient % 2 == 1),
        Rounding::HalfUp => rest >= size - rest,
        Rounding::Truncate => false,
        Rounding::Away => rest > 0,
        Rounding::Floor => negative && rest > 0,
        Rounding::Ceiling => !negative && rest > 0,
    };
    let size = quotient
        .checked_add(u128::from(up))
        .ok_or(Builtin::Overflow)?;
    let value = if negative {
        0i128.checked_sub_unsigned(size)
    } else {
        0i128.checked_add_unsigned(size)
    };
    value.ok_or(Builtin::Overflow)
}

/// The nearest whole float in the direction that was asked for. Of a finite one it is finite, and zero is never negative.
pub fn round_float(rounding: Rounding, value: f64) -> f64 {
    let whole = match rounding {
        Rounding::HalfEven => value.round_ties_even(),
        Rounding::HalfUp => value.round(),
        Rounding::Truncate => value.trunc(),
        Rounding::Away if value < 0.0 => value.floor(),
        Rounding::Away | Rounding::Ceiling => value.ceil(),
        Rounding::Floor => value.floor(),
    };
    whole + 0.0
}

const LOW: u128 = u64::MAX as u128;

/// The product's high and low 128 bits.
fn product(left: u128, right: u128) -> (u128, u128) {
    let (a, b, c, d) = (left >> 64, left & LOW, right >> 64, right & LOW);
    let (bd, ad, bc, ac) = (b * d, a * d, b * c, a * c);
    // Below 3 * 2⁶⁴.
    let middle = (bd >> 64) + (ad & LOW) + (bc & LOW);
    (
        ac + (ad >> 64) + (bc >> 64) + (middle >> 64),
        middle << 64 | bd & LOW,
    )
}

/// Quotient and rest of 256 bits by 128, where `high < divisor`: long division with digits of 64 bits (Knuth's D).
fn quotient(high: u128, low: u128, divisor: u128) -> (u128, u128) {
    if high == 0 {
        return (low / divisor, low % divisor);
    }
    let shift = divisor.leading_zeros();
    let divisor = divisor << shift;
    let (upper, lower) = (divisor >> 64, divisor & LOW);
    let carried = if shift == 0 { 0 } else { low >> (128 - shift) };
    let (high, low) = (high << shift | carried, low << shift);
    let digit = |rest: u128, next: u128| {
        let (mut digit, mut left) = (rest / upper, rest % upper);
        // At most twice: the first guess is never too small, and at most two too large.
        while digit > LOW || digit * lower > (left << 64 | next) {
            digit -= 1;
            left += upper;
            if left > LOW {
                break;
            }
        }
        let rest = (rest << 64 | next).wrapping_sub(digit.wrapping_mul(divisor));
        (digit, rest)
    };
    let (first, rest) = digit(high, low >> 64);
    let (second, rest) = digit(rest, low & LOW);
    (first << 64 | second, rest >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Rounding; 6] = [
        Rounding::HalfEven,
        Rounding::HalfUp,
        Rounding::Truncate,
        Rounding::Away,
        Rounding::Floor,
        Rounding::Ceiling,
    ];

    #[test]
    fn each_rounding_by_hand() {
        let rounded = |rounding, number| multiply_divide(rounding, number, 1, 10).unwrap();
        let numbers = [25, 35, -25, -35, 21, -21, 29, -29, 20, 5, -5];
        let expected = [
            [2, 4, -2, -4, 2, -2, 3, -3, 2, 0, 0],
            [3, 4, -3, -4, 2, -2, 3, -3, 2, 1, -1],
            [2, 3, -2, -3, 2, -2, 2, -2, 2, 0, 0],
            [3, 4, -3, -4, 3, -3, 3, -3, 2, 1, -1],
            [2, 3, -3, -4, 2, -3, 2, -3, 2, 0, -1],
            [3, 4, -2, -3, 3, -2, 3, -2, 2, 1, 0],
        ];
        for (rounding, expected) in ALL.into_iter().zip(expected) {
            assert_eq!(
                numbers.map(|number| rounded(rounding, number)),
                expected,
                "{rounding:?}"
            );
        }
    }

    #[test]
    fn ends() {
        use Builtin::{DivideByZero, Overflow};
        let with = |a, b, c| multiply_divide(Rounding::HalfEven, a, b, c);
        assert_eq!(with(1, 1, 0), Err(DivideByZero));
        assert_eq!(with(i128::MAX, i128::MAX, i128::MAX), Ok(i128::MAX));
        assert_eq!(with(i128::MIN, i128::MIN, i128::MIN), Ok(i128::MIN));
        assert_eq!(with(i128::MIN, -1, 1), Err(Overflow));
        assert_eq!(with(i128::MIN, 1, -1), Err(Overflow));
        assert_eq!(with(i128::MAX, 2, 1), Err(Overflow));
        assert_eq!(with(0, i128::MIN, -7), Ok(0));
        assert_eq!(with(i128::MAX, 3, 2), Err(Overflow));
    }

    /// Numbers of 32 digits of 16 bits, least first, two's complement: another way to calculate than the one tested.
    fn times(left: i128, right: i128) -> [i64; 32] {
        let digits = |number: i128| -> [i64; 32] {
            std::array::from_fn(|at| (number >> (16 * at).min(127)) as i64 & 0xffff)
        };
        let (left, right) = (digits(left), digits(right));
        let mut sum = [0; 32];
        for (i, a) in left.iter().enumerate() {
            for (j, b) in right.iter().take(32 - i).enumerate() {
                sum[i + j] += a * b;
            }
        }
        carried(sum)
    }

    fn carried(mut digits: [i64; 32]) -> [i64; 32] {
        let mut carry = 0;
        for digit in &mut digits {
            carry += *digit;
            *digit = carry & 0xffff;
            carry >>= 16;
        }
        digits
    }

    fn edged() -> impl Strategy<Value = i128> {
        prop_oneof![
            any::<i128>(),
            (any::<i128>(), 0u32..127).prop_map(|(number, shift)| number >> shift),
            (0u32..39, any::<bool>(), -1i128..=1).prop_map(|(power, negative, more)| {
                let number = 10i128.saturating_pow(power).saturating_add(more);
                if negative { -number } else { number }
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        // left * right - quotient * divisor is what is left over: smaller than the divisor, and on the side that the
        // rounding allows.
        #[test]
        fn what_is_left_over_is_small(left in edged(), right in edged(), divisor in edged()) {
            prop_assume!(divisor != 0);
            for rounding in ALL {
                let Ok(quotient) = multiply_divide(rounding, left, right, divisor) else { continue };
                let (whole, back) = (times(left, right), times(quotient, divisor));
                let rest = carried(std::array::from_fn(|at| whole[at] - back[at]));
                // Its absolute value fits 128 bits.
                let filler = if rest[31] >= 0x8000 { 0xffff } else { 0 };
                prop_assert!(rest[8..].iter().all(|digit| *digit == filler));
                let low = rest[..8].iter().rev().fold(0u128, |all, digit| all << 16 | *digit as u128);
                let negative = filler != 0;
                let size = if negative { low.wrapping_neg() } else { low };
                let most = divisor.unsigned_abs();
                prop_assert!(size < most);
                // The exact quotient lies above the rounded one where rest and divisor have one sign.
                let above = negative == (divisor < 0);
                let twice = size.checked_mul(2);
                let fits = match rounding {
                    _ if size == 0 => true,
                    Rounding::Floor => above,
                    Rounding::Ceiling => !above,
                    // Toward zero: the exact one is further out; its sign is the product's by the divisor's.
                    Rounding::Truncate | Rounding::Away => {
                        let exact_negative = ((left < 0) != (right < 0)) != (divisor < 0);
                        (above != exact_negative) == (rounding == Rounding::Truncate)
                    }
                    Rounding::HalfUp | Rounding::HalfEven => match twice.map(|twice| twice.cmp(&most)) {
                        Some(std::cmp::Ordering::Less) => true,
                        Some(std::cmp::Ordering::Equal) => match rounding {
                            Rounding::HalfEven => quotient % 2 == 0,
                            _ => above == (quotient < 0),
                        },
                        _ => false,
                    },
                };
                prop_assert!(fits, "{rounding:?} {left} * {right} / {divisor} = {quotient}");
            }
        }
    }
}
