//! Bringing a value to the type that its place asks for, and saying what is wrong where that cannot be.
//!
//! Implicit are only conversions that lose nothing and that nobody would call a change: a value where an
//! optional is asked for, a shorter string or list for a longer one, reading a place. Integers are converted by name.

use crate::body::{Body, error, make};
use rc_bytecode::instr::{ConvertMode, Scalar};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, ExprKind, Sorted, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    pub fn coerce(&mut self, expr: hir::Expr, ty: &Type) -> hir::Expr {
        if self.fits(&expr.ty, ty) {
            return expr;
        }
        let span = expr.span;
        match (&expr.ty, ty) {
            (Type::Optional(from), Type::Optional(to))
                if self.widens(from, to) && matches!(expr.kind, ExprKind::Some(_)) =>
            {
                let ExprKind::Some(inner) = expr.kind else {
                    unreachable!("just matched")
                };
                let inner = self.coerce(*inner, to);
                make(ExprKind::Some(Box::new(inner)), ty.clone(), span)
            }
            (Type::Optional(from), Type::Optional(to)) if self.fits(from, to) => {
                make(expr.kind, ty.clone(), span)
            }
            // An optional that is there, where one of optionals is asked for: what it holds may be `none`.
            (Type::Optional(_), Type::Optional(inner)) if self.fits(&expr.ty, inner) => {
                make(ExprKind::Some(Box::new(expr)), ty.clone(), span)
            }
            (from, Type::Optional(inner)) if !matches!(from, Type::Optional(_)) => {
                let value = self.coerce(expr, inner);
                if value.ty == Type::Error {
                    return value;
                }
                make(ExprKind::Some(Box::new(value)), ty.clone(), span)
            }
            (from, to) if self.widens(from, to) => self.convert(expr, to),
            (Type::Place { ty: inner, .. }, to) if !matches!(to, Type::Place { .. }) => {
                // Reading a place.
                let read = make(
                    ExprKind::Convert {
                        mode: ConvertMode::Checked,
                        value: Box::new(expr.clone()),
                    },
                    (**inner).clone(),
                    span,
                );
                if **inner == *to || self.widens(inner, to) {
                    self.coerce(read, to)
                } else {
                    self.mismatch(&expr, ty)
                }
            }
            _ => self.mismatch(&expr, ty),
        }
    }

    fn convert(&self, expr: hir::Expr, to: &Type) -> hir::Expr {
        let span = expr.span;
        // A literal is simply one of the larger type.
        match expr.kind {
            ExprKind::String(_) | ExprKind::Bytes(_) => make(expr.kind, to.clone(), span),
            _ => make(
                ExprKind::Convert {
                    mode: ConvertMode::Checked,
                    value: Box::new(expr),
                },
                to.clone(),
                span,
            ),
        }
    }

    /// Whether a value of `from` may stand where `to` is asked for, as it is.
    pub fn fits(&self, from: &Type, to: &Type) -> bool {
        match (from, to) {
            (Type::Never | Type::Error, _) | (_, Type::Error) => true,
            (
                Type::Place { ty: from, mutable },
                Type::Place {
                    ty: to,
                    mutable: wanted,
                },
            ) => from == to && (*mutable || !wanted),
            (Type::Optional(from), Type::Optional(to)) => {
                from == to
                    || matches!((&**from, &**to), (Type::Place { .. }, Type::Place { .. }))
                        && self.fits(from, to)
            }
            _ => from == to,
        }
    }

    /// Whether a shorter thing is asked to be a longer one of its kind.
    fn widens(&self, from: &Type, to: &Type) -> bool {
        match (from, to) {
            (Type::String(from), Type::String(to)) | (Type::Bytes(from), Type::Bytes(to)) => {
                at_most(from, to)
            }
            (Type::List(from, from_count), Type::List(to, to_count)) => {
                from == to && at_most(from_count, to_count)
            }
            (Type::Sorted(one, from, from_count), Type::Sorted(other, to, to_count)) => {
                one == other && from == to && at_most(from_count, to_count)
            }
            _ => false,
        }
    }

    fn mismatch(&mut self, expr: &hir::Expr, ty: &Type) -> hir::Expr {
        let span = expr.span;
        let (found, wanted) = (self.show(&expr.ty), self.show(ty));
        let text = self.world.text_of(span);
        match (&expr.ty, ty) {
            (Type::Optional(inner), to) if **inner == *to || self.widens(inner, to) => {
                self.world
                    .error(
                        codes::MAY_BE_NONE,
                        span,
                        format!("expected `{wanted}`, and this may be `none`"),
                    )
                    .label(format!("`{found}`"))
                    .hint(format!("{text} ?? …, or `let x = {text} else …`"));
            }
            (Type::Row(table), _) => {
                let declared = &self.world.program.tables[table.0 as usize];
                let table = declared.name.clone();
                let is_key = |name: &str| {
                    declared.fields[..declared.key_len as usize]
                        .iter()
                        .any(|field| field.name == name)
                };
                let fitting = declared
                    .fields
                    .iter()
                    .filter(|field| field.ty == *ty || self.widens(&field.ty, ty))
                    .map(|field| field.name.clone());
                let fitting: Vec<String> = fitting.collect();
                let key = match fitting.as_slice() {
                    [first, ..] if is_key(first) => Some(first.clone()),
                    [only] => Some(only.clone()),
                    _ => None,
                };
                let note = self
                    .world
                    .error(
                        codes::ROW_AS_VALUE,
                        span,
                        format!("expected `{wanted}`, found a row of `{table}`"),
                    )
                    .label("a row is a place, not a value");
                match key {
                    Some(key) => drop(
                        note.hint(format!("write `{text}.{key}`"))
                            .edit(Span::new(span.file, span.end, span.end), format!(".{key}")),
                    ),
                    None => drop(note.hint(format!("use its fields, as in `{text}.field`"))),
                }
            }
            (Type::Unit, _) => {
                self.world.error(
                    codes::TYPE_MISMATCH,
                    span,
                    format!("expected `{wanted}`, and this gives nothing"),
                );
            }
            (from, to) => {
                let hint = self.conversion_hint(from, to, &text).or_else(|| {
                    let form = self.sample_value(to)?;
                    Some(format!("a `{wanted}` is written as in `{form}`"))
                });
                let pasted = hint
                    .as_ref()
                    .and_then(|hint| hint.split(", which").next())
                    .filter(|hint| hint.contains(&*text) && !hint.contains('`'))
                    .map(str::to_string);
                let note = self
                    .world
                    .error(
                        codes::TYPE_MISMATCH,
                        span,
                        format!("expected `{wanted}`, found `{found}`"),
                    )
                    .label(format!("this is `{found}`"))
                    .hint_if(hint);
                if let Some(pasted) = pasted {
                    drop(note.edit(span, pasted));
                }
            }
        }
        error(span)
    }

    /// What to write to get from one type to the other, if there is a way.
    fn conversion_hint(&self, from: &Type, to: &Type, text: &str) -> Option<String> {
        let text = if text.contains(' ') {
            format!("({text})")
        } else {
            text.to_string()
        };
        match (from, to) {
            (Type::Scalar(from), Type::Scalar(to)) if from.is_integer() && lossless(*from, *to) => {
                Some(format!("{text} as {}", to.name()))
            }
            (Type::Scalar(from), Type::Scalar(to)) if from.is_integer() && to.is_integer() => Some(
                format!("{text}.try_into(), which fails `Overflow` where it does not fit"),
            ),
            (Type::Scalar(from), Type::Scalar(Scalar::Bool)) if from.is_integer() => {
                Some(format!("{text} != 0"))
            }
            (from, to) if crate::decimals::is_lossless(from, to) => {
                Some(format!("{text} as {}", self.show(to)))
            }
            (from @ Type::Decimal { .. }, to) if crate::decimals::is_between(from, to) => {
                Some(format!("{text}.round(half_even)"))
            }
            (Type::Scalar(from), Type::Duration) if from.is_integer() => {
                Some("write a duration with its unit, as in `5s`".into())
            }
            (Type::String(_), Type::String(_))
            | (Type::Bytes(_), Type::Bytes(_))
            | (Type::List(..), Type::List(..))
            | (Type::Sorted(..), Type::Sorted(..)) => Some(format!(
                "{text}.try_into(), which fails `TooLong` where it does not fit"
            )),
            _ => None,
        }
    }

    /// `x as u128`: only where nothing can be lost. The standard library's may be checked when it runs.
    pub fn cast(&mut self, value: &ast::Expr, written: &ast::Type, span: Span) -> hir::Expr {
        if let ast::ExprKind::Touch {
            mutable,
            region,
            page,
        } = &value.kind
        {
            return self.touch(*mutable, region, page, written, span);
        }
        let ty = self.ty(written);
        if ty == Type::Error {
            self.expr(value, None);
            return error(span);
        }
        let literal = crate::operators::is_flexible(value);
        let checked = self.expr(value, literal.then_some(&ty));
        if self.fits(&checked.ty, &ty) {
            return hir::Expr { span, ..checked };
        }
        let convert = |value: hir::Expr| {
            make(
                ExprKind::Convert {
                    mode: ConvertMode::Checked,
                    value: Box::new(value),
                },
                ty.clone(),
                span,
            )
        };
        match (&checked.ty, &ty) {
            (Type::Scalar(from), Type::Scalar(to)) if lossless(*from, *to) => convert(checked),
            (Type::Scalar(from), Type::Scalar(to))
                if from.is_integer() && to.is_integer() && self.is_std() =>
            {
                convert(checked)
            }
            (from, to) if self.widens(from, to) => convert(checked),
            (from, to) if crate::decimals::is_lossless(from, to) => convert(checked),
            (from, to) if crate::decimals::is_between(from, to) => {
                self.lossy_decimal(value, &checked.ty, &ty, span)
            }
            (Type::Scalar(from), Type::Scalar(to)) if from.is_integer() && to.is_integer() => {
                let (from, to) = (from.name(), to.name());
                let text = self.world.text_of(value.span);
                self.world
                    .error(codes::LOSSY_CONVERSION, span, format!("a `{from}` may not fit `{to}`, and `as` never loses anything"))
                    .hint(format!("let x: {to} = {text}.try_into(), which fails `Overflow` where it does not fit"));
                error(span)
            }
            (from, to) => {
                let (from, to) = (self.show(from), self.show(to));
                self.world.error(
                    codes::LOSSY_CONVERSION,
                    span,
                    format!("there is no conversion from `{from}` to `{to}`"),
                );
                error(span)
            }
        }
    }

    /// `x.try_into()`: to the expected type, checked when it runs.
    pub fn try_into(&mut self, value: hir::Expr, expected: Option<&Type>, span: Span) -> hir::Expr {
        let Some(ty) = expected
            .map(crate::body::peeled)
            .filter(|ty| !matches!(ty, Type::Unit))
        else {
            self.world
                .error(codes::TYPE_NEEDED, span, "into which type?")
                .hint("let x: u32 = y.try_into()");
            return error(span);
        };
        let possible = match (&value.ty, ty) {
            (Type::Error, _) | (_, Type::Error) => return error(span),
            (Type::Scalar(from), Type::Scalar(to)) => *from != Scalar::Bool && *to != Scalar::Bool,
            (Type::String(_), Type::String(_)) | (Type::Bytes(_), Type::Bytes(_)) => true,
            (Type::List(from, _), Type::List(to, _)) => from == to,
            (Type::Sorted(one, from, _), Type::Sorted(other, to, _)) => {
                one == other && from == to && *one != Sorted::PriorityQueue
            }
            (from, to) => crate::decimals::is_between(from, to),
        };
        if !possible {
            let (from, to) = (self.show(&value.ty), self.show(ty));
            self.world.error(
                codes::LOSSY_CONVERSION,
                span,
                format!("there is no conversion from `{from}` to `{to}`"),
            );
            return error(span);
        }
        make(
            ExprKind::Convert {
                mode: ConvertMode::Checked,
                value: Box::new(value),
            },
            ty.clone(),
            span,
        )
    }

    /// An index or bound: any unsigned integer, brought to `u64`.
    pub fn as_u64(&mut self, expr: hir::Expr) -> hir::Expr {
        match &expr.ty {
            Type::Scalar(scalar)
                if *scalar != Scalar::U64
                    && scalar.is_integer()
                    && lossless(*scalar, Scalar::U64) =>
            {
                let span = expr.span;
                make(
                    ExprKind::Convert {
                        mode: ConvertMode::Checked,
                        value: Box::new(expr),
                    },
                    Type::U64,
                    span,
                )
            }
            _ => self.coerce(expr, &Type::U64),
        }
    }
}

fn at_most(from: &Count, to: &Count) -> bool {
    match (from, to) {
        (Count::Known(from), Count::Known(to)) => from <= to,
        _ => from == to,
    }
}

/// Whether every value of one scalar type is one of the other.
pub(crate) fn lossless(from: Scalar, to: Scalar) -> bool {
    match (from, to) {
        _ if from == to => true,
        (Scalar::Bool, to) => to.is_integer(),
        (_, Scalar::Bool) | (Scalar::F64, _) => false,
        (from, Scalar::F64) => from.bits() <= 32,
        (from, to) => match (from.is_signed(), to.is_signed()) {
            (false, true) => from.bits() < to.bits(),
            (true, false) => false,
            _ => from.bits() <= to.bits(),
        },
    }
}
