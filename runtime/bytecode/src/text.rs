//! Decimals, uuids and hashes as text, both ways: one rule for literals, JSON and messages.
//!
//! Always true: what [`decimal`], [`uuid`] and [`hex`] write is read back as the same value; a decimal is written with all
//! digits of its scale; nothing is rounded on the way in.

use std::fmt::Write as _;

/// Most digits of a decimal: what an `i128` holds of any number.
pub const DECIMAL_DIGITS_MAX: u8 = 38;

/// The largest value of so many digits, at most [`DECIMAL_DIGITS_MAX`], without its point.
pub const fn decimal_max(digits: u8) -> i128 {
    power_of_ten(digits) - 1
}

/// 10 to so many, at most [`DECIMAL_DIGITS_MAX`].
pub const fn power_of_ten(exponent: u8) -> i128 {
    10i128.pow(exponent as u32)
}

/// Why a text is no decimal of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("not a decimal such as \"12.50\"")]
    Syntax,
    #[error("at most {0} digits after the point")]
    TooFine(u8),
    #[error("at most {0} digits in front of the point")]
    TooLarge(u8),
}

/// Reads `-12.5`: digits, at most one point with digits on both sides, no exponent. Gives the value without its point, at
/// the scale asked for.
pub fn parse_decimal(text: &str, digits: u8, scale: u8) -> Result<i128, DecimalError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(DecimalError::Syntax),
        None => (unsigned, ""),
    };
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return Err(DecimalError::Syntax);
    }
    if fraction.len() > usize::from(scale) {
        return Err(DecimalError::TooFine(scale));
    }
    let too_large = DecimalError::TooLarge(digits - scale);
    let zeros = usize::from(scale) - fraction.len();
    let mut value = 0i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let more = value.checked_mul(10);
        value = more
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or(too_large)?;
    }
    for _ in 0..zeros {
        value = value.checked_mul(10).ok_or(too_large)?;
    }
    if value > decimal_max(digits) {
        return Err(too_large);
    }
    Ok(if negative { -value } else { value })
}

/// Writes `-0.05` for -5 at scale 2.
pub fn decimal(value: i128, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!(
        "{:0>width$}",
        value.unsigned_abs(),
        width = usize::from(scale) + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Writes `0190a6c1-….`: 8-4-4-4-12 digits, lower case.
pub fn uuid(bytes: &[u8; 16]) -> String {
    let digits = hex(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]);
    parts.join("-")
}

/// Reads 8-4-4-4-12 hexadecimal digits of either case, with their dashes and nothing else.
pub fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if lengths != [8, 4, 4, 4, 12] {
        return None;
    }
    parse_hex(&parts.concat())
}

/// Two lower-case digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Reads exactly `N` bytes, two digits of either case each.
pub fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(parse_decimal("12.5", 9, 2), Ok(1250));
        assert_eq!(parse_decimal("-0.05", 9, 2), Ok(-5));
        assert_eq!(parse_decimal("7", 9, 2), Ok(700));
        assert_eq!(parse_decimal("0012", 9, 2), Ok(1200));
        assert_eq!(parse_decimal("12.505", 9, 2), Err(DecimalError::TooFine(2)));
        assert_eq!(parse_decimal("10.00", 3, 2), Err(DecimalError::TooLarge(1)));
        assert_eq!(parse_decimal("9.99", 3, 2), Ok(999));
        for wrong in [
            "", "-", ".", "1.", ".5", "+1", "1e3", "1 ", "--1", "1.2.3", "٣",
        ] {
            assert_eq!(
                parse_decimal(wrong, 9, 2),
                Err(DecimalError::Syntax),
                "{wrong}"
            );
        }
        let most = "9".repeat(38);
        assert_eq!(parse_decimal(&most, 38, 0), Ok(decimal_max(38)));
        assert_eq!(
            parse_decimal(&format!("{most}0"), 38, 0),
            Err(DecimalError::TooLarge(38))
        );
    }

    #[test]
    fn what_is_written_is_read() {
        for (value, scale, text) in [
            (-5, 2, "-0.05"),
            (0, 2, "0.00"),
            (1250, 2, "12.50"),
            (12, 0, "12"),
            (-decimal_max(38), 38, &format!("-0.{}", "9".repeat(38))),
        ] {
            assert_eq!(decimal(value, scale), text);
            assert_eq!(parse_decimal(text, 38, scale), Ok(value));
        }
        let id = "0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d";
        assert_eq!(uuid(&parse_uuid(id).unwrap()), id);
        assert_eq!(parse_uuid(&id.to_uppercase()), parse_uuid(id));
        for wrong in [
            "",
            "0190a6c11f2e7b3c8d4d5e6f7a8b9c0d",
            &id[1..],
            &id.replace('a', "g"),
        ] {
            assert_eq!(parse_uuid(wrong), None, "{wrong}");
        }
        assert_eq!(parse_hex::<2>("aB0f"), Some([0xab, 0x0f]));
        assert_eq!(parse_hex::<2>("aB0"), None);
    }
}
