//! Numbers, strings, bytes, `none`.

use crate::body::{Body, error, make, peeled};
use rc_bytecode::instr::Scalar;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, ExprKind, Type};
use rc_source::Span;
use std::sync::Arc;

/// Nanoseconds of each suffix.
const DURATIONS: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The smallest integer type that holds this value, of the same sign where one does.
pub(crate) fn wider(scalar: Scalar, value: i128) -> Option<Scalar> {
    use Scalar::*;
    let unsigned = [U8, U16, U32, U64, U128];
    let signed = [I8, I16, I32, I64, I128];
    let holds = |other: &Scalar| {
        let (low, high) = range(*other);
        (low..=high).contains(&value)
    };
    let own = if scalar.is_signed() {
        &signed
    } else {
        &unsigned
    };
    let mut all = own.iter().chain(&signed);
    all.find(|other| holds(other)).copied()
}

/// The least and the largest value of an integer type; `u128` ends where `i128` does here, see [`Body::integer`].
pub(crate) fn range(scalar: Scalar) -> (i128, i128) {
    match scalar {
        Scalar::U128 => (0, i128::MAX),
        Scalar::I128 => (i128::MIN, i128::MAX),
        _ if scalar.is_signed() => (-(1 << (scalar.bits() - 1)), (1 << (scalar.bits() - 1)) - 1),
        _ => (0, (1 << scalar.bits()) - 1),
    }
}

impl Body<'_, '_> {
    /// A literal takes the expected integer type, else `u64`.
    pub fn integer(
        &mut self,
        value: u128,
        negative: bool,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        if let Some(Type::Decimal { digits, scale }) = expected.map(peeled) {
            let sign = if negative { "-" } else { "" };
            return self.decimal(&format!("{sign}{value}"), *digits, *scale, span);
        }
        let scalar = match expected.map(peeled) {
            Some(Type::Scalar(scalar)) if scalar.is_integer() => *scalar,
            Some(Type::Scalar(Scalar::F64)) => {
                let text = self.world.text_of(span);
                self.world
                    .error(
                        codes::TYPE_MISMATCH,
                        span,
                        "expected `f64`, found a whole number",
                    )
                    .hint(format!("{text}.0"));
                return error(span);
            }
            Some(Type::Place { ty, .. }) => match **ty {
                Type::Scalar(scalar) if scalar.is_integer() => scalar,
                _ => Scalar::U64,
            },
            _ if negative => Scalar::I64,
            _ => Scalar::U64,
        };
        let ty = Type::Scalar(scalar);
        let signed = match negative {
            true if value == 1 << 127 => Some(i128::MIN),
            true => i128::try_from(value).ok().map(|value| -value),
            false => i128::try_from(value).ok(),
        };
        let (low, high) = range(scalar);
        match signed {
            Some(number) if (low..=high).contains(&number) => {
                make(ExprKind::Integer(number), ty, span)
            }
            None if scalar == Scalar::U128 && !negative => {
                make(ExprKind::Unsigned(value), ty, span)
            }
            _ => {
                let name = scalar.name();
                let bounds = match scalar {
                    Scalar::U128 => format!("0 to {}", u128::MAX),
                    _ => format!("{low} to {high}"),
                };
                let sign = if negative { "-" } else { "" };
                let wider = signed.and_then(|number| wider(scalar, number));
                let hint = wider.map(|wider| {
                    let wider = wider.name();
                    format!("a `{wider}` holds it, where the type is yours to choose")
                });
                self.world
                    .error(
                        codes::LITERAL_OUT_OF_RANGE,
                        span,
                        format!("{sign}{value} does not fit `{name}`"),
                    )
                    .label(format!("`{name}` holds {bounds}"))
                    .hint_if(hint);
                error(span)
            }
        }
    }

    /// A literal with a point is a decimal where one is expected, else an `f64`.
    pub fn float(&mut self, value: f64, expected: Option<&Type>, span: Span) -> hir::Expr {
        if let Some(Type::Decimal { digits, scale }) = expected.map(peeled) {
            let text = self.world.text_of(span);
            return self.decimal(&text, *digits, *scale, span);
        }
        make(ExprKind::Float(value), Type::Scalar(Scalar::F64), span)
    }

    pub fn duration(&mut self, value: u128, suffix: &str, span: Span) -> hir::Expr {
        let Some((_, unit)) = DURATIONS.iter().find(|(name, _)| *name == suffix) else {
            self.world
                .error(
                    codes::UNKNOWN_SUFFIX,
                    span,
                    format!("durations have no unit `{suffix}`"),
                )
                .hint("ns, us, ms, s, m, h, d");
            return error(span);
        };
        let nanoseconds = i128::try_from(value)
            .ok()
            .and_then(|value| value.checked_mul(*unit))
            .filter(|value| i64::try_from(*value).is_ok());
        match nanoseconds {
            Some(nanoseconds) => make(ExprKind::Integer(nanoseconds), Type::Duration, span),
            None => {
                self.world.error(
                    codes::LITERAL_OUT_OF_RANGE,
                    span,
                    "a duration is at most 292 years",
                );
                error(span)
            }
        }
    }

    pub fn string(&mut self, text: &Arc<str>, expected: Option<&Type>, span: Span) -> hir::Expr {
        self.not_filled_in(text, span);
        let length = text.len() as u64;
        let capacity = match expected.map(peeled) {
            Some(Type::String(Count::Known(capacity))) if length > *capacity => {
                self.world
                    .error(codes::LITERAL_TOO_LONG, span, format!("this text has {length} bytes, and `string<{capacity}>` holds {capacity}"))
                    .label(format!("{} bytes too long", length - capacity));
                return error(span);
            }
            Some(Type::String(Count::Known(capacity))) => *capacity,
            _ => length.max(1),
        };
        make(
            ExprKind::String(text.clone()),
            Type::String(Count::Known(capacity)),
            span,
        )
    }

    /// `"n ${a}"` is what other languages fill in; here it is text, and silence would hide that.
    fn not_filled_in(&mut self, text: &str, span: Span) {
        let Some((before, rest)) = text.split_once("${") else {
            return;
        };
        let Some((inner, after)) = rest.split_once('}') else {
            return;
        };
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        if inner.is_empty() || !inner.chars().all(is_name) {
            return;
        }
        let quoted = |text: &str, sum: &str, first: bool| match (text.is_empty(), first) {
            (true, _) => String::new(),
            (_, true) => format!("{text:?}{sum}"),
            (_, false) => format!("{sum}{text:?}"),
        };
        let hint = format!(
            "{}{inner}{}; an integer is written by `{inner}.to_string()`",
            quoted(before, " + ", true),
            quoted(after, " + ", false),
        );
        self.world
            .warning(
                codes::TEXT_NOT_FILLED_IN,
                span,
                format!("`${{{inner}}}` stays as it is: a text is not filled in"),
            )
            .hint(hint);
    }

    pub fn bytes(&mut self, bytes: &[u8], expected: Option<&Type>, span: Span) -> hir::Expr {
        let length = bytes.len() as u64;
        let capacity = match expected.map(peeled) {
            Some(Type::Bytes(Count::Known(capacity))) if length > *capacity => {
                self.world.error(
                    codes::LITERAL_TOO_LONG,
                    span,
                    format!("these are {length} bytes, and `bytes<{capacity}>` holds {capacity}"),
                );
                return error(span);
            }
            Some(Type::Bytes(Count::Known(capacity))) => *capacity,
            _ => length.max(1),
        };
        make(
            ExprKind::Bytes(bytes.into()),
            Type::Bytes(Count::Known(capacity)),
            span,
        )
    }

    pub fn none(&mut self, expected: Option<&Type>, span: Span) -> hir::Expr {
        match expected {
            Some(ty @ Type::Optional(_)) => make(ExprKind::None, ty.clone(), span),
            Some(Type::Error) => error(span),
            Some(ty) if *ty != Type::Unit => {
                let shown = self.show(ty);
                self.world
                    .error(
                        codes::TYPE_MISMATCH,
                        span,
                        format!("expected `{shown}`, found `none`"),
                    )
                    .label("only an optional can be `none`")
                    .hint(format!("{shown}?"));
                error(span)
            }
            _ => {
                self.world
                    .error(
                        codes::TYPE_NEEDED,
                        span,
                        "the type of this `none` is not known",
                    )
                    .hint("let x: u64? = none");
                error(span)
            }
        }
    }
}
