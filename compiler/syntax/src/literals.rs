//! What literals say: numbers with `_`, bases and duration suffixes, strings with escapes, bytes. The
//! readers are total: a bad literal reads as something harmless, and `check` has said why, once.

use crate::token::TokenKind;
use rc_diagnostics::{Diagnostic, Diagnostics, clean, codes};
use rc_source::Span;

/// The duration suffixes and what one of each is, in nanoseconds.
pub const DURATION_SUFFIXES: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Why a number cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberMistake {
    /// A base prefix without digits, or a digit outside its base.
    Malformed,
    TooLarge,
    UnknownSuffix,
}

/// A number's value and its suffix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number<'a> {
    Integer {
        value: u128,
        suffix: Option<&'a str>,
    },
    Float(f64),
}

/// Reads a `Number` or `Float` token.
pub(crate) fn read_number(text: &str) -> Result<Number<'_>, NumberMistake> {
    let base = match text.as_bytes() {
        [b'0', b'x', ..] => 16,
        [b'0', b'b', ..] => 2,
        [b'0', b'o', ..] => 8,
        _ => 10,
    };
    if base != 10 {
        return Ok(Number::Integer {
            value: read_digits(&text[2..], base)?,
            suffix: None,
        });
    }
    if text.contains(['.', 'e', 'E']) {
        return read_float(text);
    }
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(digits_end);
    if suffix.contains(|c: char| c.is_ascii_digit()) {
        return read_duration(text);
    }
    if !suffix.is_empty() && DURATION_SUFFIXES.iter().all(|(known, _)| *known != suffix) {
        return Err(NumberMistake::UnknownSuffix);
    }
    let suffix = Some(suffix).filter(|suffix| !suffix.is_empty());
    Ok(Number::Integer {
        value: read_digits(digits, 10)?,
        suffix,
    })
}

/// `1h30m`: parts with units that grow smaller, in nanoseconds.
fn read_duration(text: &str) -> Result<Number<'_>, NumberMistake> {
    let (mut rest, mut value, mut last) = (text, 0u128, u64::MAX);
    while !rest.is_empty() {
        let digits_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '_')
            .ok_or(NumberMistake::UnknownSuffix)?;
        let (digits, tail) = rest.split_at(digits_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (suffix, tail) = tail.split_at(unit_end);
        let unit = DURATION_SUFFIXES
            .iter()
            .find(|(known, unit)| *known == suffix && *unit < last);
        let (_, unit) = unit.ok_or(NumberMistake::UnknownSuffix)?;
        let part = read_digits(digits, 10)?.checked_mul((*unit).into());
        value = part
            .and_then(|part| value.checked_add(part))
            .ok_or(NumberMistake::TooLarge)?;
        (rest, last) = (tail, *unit);
    }
    Ok(Number::Integer {
        value,
        suffix: Some("ns"),
    })
}

fn read_digits(digits: &str, base: u32) -> Result<u128, NumberMistake> {
    let mut value: u128 = 0;
    let mut any = false;
    for c in digits.chars().filter(|c| *c != '_') {
        let digit = c.to_digit(base).ok_or(NumberMistake::Malformed)?;
        any = true;
        let shifted = value
            .checked_mul(base.into())
            .ok_or(NumberMistake::TooLarge)?;
        value = shifted
            .checked_add(digit.into())
            .ok_or(NumberMistake::TooLarge)?;
    }
    if any {
        Ok(value)
    } else {
        Err(NumberMistake::Malformed)
    }
}

fn read_float(text: &str) -> Result<Number<'_>, NumberMistake> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    if !plain
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return Err(NumberMistake::UnknownSuffix);
    }
    let value: f64 = plain.parse().map_err(|_| NumberMistake::Malformed)?;
    if value.is_finite() {
        Ok(Number::Float(value))
    } else {
        Err(NumberMistake::TooLarge)
    }
}

/// A string's characters; `mistake` hears the byte range (within the token) of each bad escape.
pub(crate) fn read_string(token: &str, mistake: impl FnMut(usize, usize)) -> String {
    let (body, at) = quoted(token);
    String::from_utf8(unescape(body, at, false, mistake)).unwrap_or_default()
}

/// The bytes of `b"…"` (a string's rules and `\x41`) or `x"…"` (pairs of hex digits, blanks and `_` ignored).
pub(crate) fn read_bytes(token: &str, mut mistake: impl FnMut(usize, usize)) -> Vec<u8> {
    let (body, at) = quoted(token);
    if !token.starts_with('x') {
        return unescape(body, at, true, mistake);
    }
    let digits: Vec<u8> = body.bytes().filter(|b| !matches!(b, b' ' | b'_')).collect();
    let value = |b: u8| (b as char).to_digit(16).map(|digit| digit as u8);
    if !digits.len().is_multiple_of(2) || digits.iter().any(|b| value(*b).is_none()) {
        mistake(0, token.len());
        return Vec::new();
    }
    digits
        .chunks(2)
        .filter_map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?))
        .collect()
}

/// Resolves escapes; the result is UTF-8 unless `is_bytes` allows `\x`.
fn unescape(
    body: &str,
    at: usize,
    is_bytes: bool,
    mut mistake: impl FnMut(usize, usize),
) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.char_indices();
    while let Some((start, c)) = rest.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let tail = rest.as_str();
        let (bytes, consumed) = match tail.chars().next() {
            Some('n') => (vec![b'\n'], 1),
            Some('t') => (vec![b'\t'], 1),
            Some('r') => (vec![b'\r'], 1),
            Some('0') => (vec![0], 1),
            Some(c @ ('"' | '\\')) => (vec![c as u8], 1),
            Some('x') if is_bytes => match tail
                .get(1..3)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            {
                Some(byte) => (vec![byte], 3),
                None => (Vec::new(), 0),
            },
            Some('u') => match unicode_escape(tail) {
                Some((c, length)) => (c.to_string().into_bytes(), length),
                None => (Vec::new(), 0),
            },
            _ => (Vec::new(), 0),
        };
        if consumed == 0 {
            let length = tail.chars().next().map_or(0, char::len_utf8);
            mistake(at + start, at + start + 1 + length);
            rest.next();
        }
        out.extend(bytes);
        rest.by_ref().take(consumed).for_each(|_| {});
    }
    out
}

/// `u{1f600}` at the start of `tail`: the character and how many characters say it.
fn unicode_escape(tail: &str) -> Option<(char, usize)> {
    let digits = tail.strip_prefix("u{")?.split_once('}')?.0;
    if !(1..=6).contains(&digits.len()) {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((c, digits.len() + 3))
}

/// What stands between the quotes, and where it begins; a missing closing quote is forgiven.
fn quoted(token: &str) -> (&str, usize) {
    let at = token.find('"').map_or(token.len(), |quote| quote + 1);
    let body = &token[at..];
    (body.strip_suffix('"').unwrap_or(body), at)
}

/// Reports what is wrong with a literal.
pub(crate) fn check(kind: TokenKind, text: &str, span: Span, diagnostics: &mut Diagnostics) {
    let part = |start: usize, end: usize| {
        Span::new(
            span.file,
            span.start + start as u32,
            span.start + end as u32,
        )
    };
    match kind {
        TokenKind::Number | TokenKind::Float => {
            let Err(mistake) = read_number(text) else {
                return;
            };
            let shown: String = text.chars().take(48).collect();
            diagnostics.push(match mistake {
                NumberMistake::Malformed => {
                    Diagnostic::error(codes::BAD_NUMBER, span, format!("`{shown}` is not a number"))
                        .with_hint("numbers are written like `1_000`, `0xff`, `0b1010` or `2.5`")
                }
                NumberMistake::TooLarge => {
                    Diagnostic::error(codes::NUMBER_TOO_LARGE, span, "the number does not fit 128 bits")
                }
                NumberMistake::UnknownSuffix => {
                    Diagnostic::error(codes::UNKNOWN_SUFFIX, span, format!("`{shown}` ends in an unknown suffix"))
                        .with_hint("durations end in `ns`, `us`, `ms`, `s`, `m`, `h` or `d`; names begin with a letter")
                }
            });
        }
        TokenKind::String => {
            let mut bad = Vec::new();
            read_string(text, |start, end| bad.push((start, end)));
            for (start, end) in bad {
                let message = format!(
                    "`{}` is not an escape",
                    clean(text.get(start..end).unwrap_or("\\"))
                );
                diagnostics.push(
                    Diagnostic::error(codes::BAD_ESCAPE, part(start, end), message).with_hint(
                        "escapes are `\\n`, `\\t`, `\\r`, `\\0`, `\\\"`, `\\\\` and `\\u{1f600}`",
                    ),
                );
            }
        }
        TokenKind::Bytes => {
            let mut bad = Vec::new();
            read_bytes(text, |start, end| bad.push((start, end)));
            for (start, end) in bad {
                let diagnostic = Diagnostic::error(
                    codes::BAD_ESCAPE,
                    part(start, end),
                    "these bytes cannot be read",
                );
                diagnostics.push(
                    diagnostic.with_hint("bytes are written `b\"text\\x00\"` or `x\"00 ff\"`"),
                );
            }
        }
        TokenKind::UnclosedString => diagnostics.push(
            Diagnostic::error(
                codes::UNCLOSED_STRING,
                span,
                "the string has no closing quote on this line",
            )
            .with_hint("end it with `\"`; a newline inside is written `\\n`"),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(text: &str) -> u128 {
        match read_number(text) {
            Ok(Number::Integer {
                value,
                suffix: None,
            }) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(integer("1_000_000_00"), 100_000_000);
        assert_eq!(integer("0xff_FF"), 0xffff);
        assert_eq!(integer("0b1010"), 10);
        assert_eq!(
            integer("340282366920938463463374607431768211455"),
            u128::MAX
        );
        assert_eq!(
            read_number("340282366920938463463374607431768211456"),
            Err(NumberMistake::TooLarge)
        );
        assert_eq!(read_number("0x"), Err(NumberMistake::Malformed));
        assert_eq!(read_number("0b12"), Err(NumberMistake::Malformed));
        assert_eq!(read_number("5x"), Err(NumberMistake::UnknownSuffix));
        assert_eq!(
            read_number("100ms"),
            Ok(Number::Integer {
                value: 100,
                suffix: Some("ms")
            })
        );
        assert_eq!(
            read_number("1h30m5s"),
            Ok(Number::Integer {
                value: 5_405_000_000_000,
                suffix: Some("ns")
            })
        );
        for wrong in ["30m1h", "1h1h", "1h30", "1h30x"] {
            assert_eq!(read_number(wrong), Err(NumberMistake::UnknownSuffix));
        }
        assert_eq!(read_number("2_5.5e-1"), Ok(Number::Float(2.55)));
        assert_eq!(read_number("1e999"), Err(NumberMistake::TooLarge));
    }

    #[test]
    fn strings_and_their_bad_escapes() {
        let mut bad = Vec::new();
        let text = read_string(r#""a\n\u{1f600}\q\u{110000}z""#, |start, end| {
            bad.push((start, end))
        });
        assert_eq!(text, "a\n\u{1f600}{110000}z");
        assert_eq!(bad, [(13, 15), (15, 17)]);
    }

    #[test]
    fn bytes() {
        let none = |start: usize, end: usize| panic!("mistake at {start}..{end}");
        assert_eq!(
            read_bytes(r#"b"a\x00\xffé\\x41""#, none),
            b"a\x00\xff\xc3\xa9\\x41"
        );
        assert_eq!(read_bytes(r#"x"00 fF_10""#, none), [0, 255, 16]);
        let mut bad = Vec::new();
        assert!(read_bytes(r#"x"0""#, |start, end| bad.push((start, end))).is_empty());
        assert_eq!(
            read_bytes(r#"b"\q\xzz""#, |start, end| bad.push((start, end))),
            b"zz"
        );
        assert_eq!(bad, [(0, 4), (2, 4), (4, 6)]);
    }
}
