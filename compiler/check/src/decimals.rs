//! Decimals: their type, their literals, and the operations that round, each with its rounding named.
//!
//! Always true: `+ - %` and `*` by an integer are exact and need no rounding; whatever may lose a digit is a method with the
//! rounding's name as an argument. A literal is read digit by digit and never passes through a float.

use crate::body::{Body, error, make};
use crate::values::{are, count};
use crate::world::World;
use rc_bytecode::instr::{BinaryOp, ConvertMode, Rounding, Scalar};
use rc_bytecode::text::{DECIMAL_DIGITS_MAX, DecimalError, parse_decimal};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, ExprKind, Method, Type};
use rc_source::Span;
use rc_syntax::ast;
use rc_syntax::ast::BinaryOperator;

impl World<'_> {
    /// `decimal<digits, scale>`
    pub fn decimal(
        &mut self,
        span: Span,
        arguments: &[ast::TypeArgument],
        module: usize,
        generics: &[ast::Generic],
    ) -> Type {
        let [digits, scale] = arguments else {
            self.error(
                codes::BAD_TYPE_ARGUMENT,
                span,
                "`decimal` needs how many digits it has, and how many of them stand behind the point",
            )
            .hint("decimal<18, 2>");
            return Type::Error;
        };
        let (digits, scale) = (
            self.count(digits, module, generics),
            self.count(scale, module, generics),
        );
        match (digits, scale) {
            (Some(Count::Known(digits)), Some(Count::Known(scale)))
                if (1..=u64::from(DECIMAL_DIGITS_MAX)).contains(&digits) && scale <= digits =>
            {
                Type::Decimal {
                    digits: digits as u8,
                    scale: scale as u8,
                }
            }
            (Some(_), Some(_)) => {
                self.error(
                    codes::BAD_TYPE_ARGUMENT,
                    span,
                    "a decimal has 1 to 38 digits, and at most all of them stand behind the point",
                )
                .hint("decimal<18, 2>");
                Type::Error
            }
            _ => Type::Error,
        }
    }
}

/// Digits in front of the point, and behind it, that hold every value of the type.
fn extent(ty: &Type) -> Option<(u8, u8)> {
    Some(match ty {
        Type::Decimal { digits, scale } => (digits - scale, *scale),
        Type::Scalar(scalar) if scalar.is_integer() => {
            let digits = match scalar.bits() {
                8 => 3,
                16 => 5,
                32 => 10,
                64 if scalar.is_signed() => 19,
                64 => 20,
                _ => 39,
            };
            (digits, 0)
        }
        _ => return None,
    })
}

/// The narrowest decimal that holds all values of both.
pub(crate) fn common(left: &Type, right: &Type) -> Option<Type> {
    let ((a, a_scale), (b, b_scale)) = (extent(left)?, extent(right)?);
    let scale = a_scale.max(b_scale);
    let digits = a.max(b) + scale;
    (digits <= DECIMAL_DIGITS_MAX).then_some(Type::Decimal { digits, scale })
}

/// Between two decimals, or a decimal and an integer.
pub(crate) fn is_between(from: &Type, to: &Type) -> bool {
    let decimal = |ty: &Type| matches!(ty, Type::Decimal { .. });
    (decimal(from) || decimal(to)) && extent(from).is_some() && extent(to).is_some()
}

/// Whether every value of one is one of the other.
pub(crate) fn is_lossless(from: &Type, to: &Type) -> bool {
    if !is_between(from, to) {
        return false;
    }
    let (Some((whole, scale)), Some((to_whole, to_scale))) = (extent(from), extent(to)) else {
        return false;
    };
    match to {
        Type::Decimal { .. } => whole <= to_whole && scale <= to_scale,
        // An integer type holds all numbers of one digit less than its largest has.
        Type::Scalar(integer) => integer.is_signed() && scale == 0 && whole < to_whole,
        _ => false,
    }
}

impl Body<'_, '_> {
    /// A literal where a decimal is expected.
    pub fn decimal(&mut self, text: &str, digits: u8, scale: u8, span: Span) -> hir::Expr {
        let plain: String = text.chars().filter(|letter| *letter != '_').collect();
        let ty = Type::Decimal { digits, scale };
        match parse_decimal(&plain, digits, scale) {
            Ok(value) => make(ExprKind::Integer(value), ty, span),
            Err(wrong) => {
                let shown = self.show(&ty);
                let label = match wrong {
                    DecimalError::Syntax => "digits and a point, without exponent".to_string(),
                    DecimalError::TooFine(_) => {
                        format!(
                            "`{shown}` holds {} behind the point",
                            count(scale.into(), "digit")
                        )
                    }
                    DecimalError::TooLarge(most) => {
                        format!(
                            "`{shown}` holds {} in front of the point",
                            count(most.into(), "digit")
                        )
                    }
                };
                self.world
                    .error(
                        codes::DECIMAL_LITERAL,
                        span,
                        format!("`{text}` is no `{shown}`, and a literal is never rounded"),
                    )
                    .label(label);
                error(span)
            }
        }
    }

    pub fn coerce_decimal(&self, value: hir::Expr, ty: &Type) -> hir::Expr {
        if value.ty == *ty {
            return value;
        }
        let span = value.span;
        make(
            ExprKind::Convert {
                mode: ConvertMode::Checked,
                value: Box::new(value),
            },
            ty.clone(),
            span,
        )
    }

    /// Both sides of `*`: a whole number beside a decimal stays one, so that the product is exact.
    pub fn factors(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        wish: Option<&Type>,
    ) -> (hir::Expr, hir::Expr) {
        let whole = |expr: &ast::Expr| {
            let plain = match &expr.kind {
                ast::ExprKind::Unary { operand, .. } => &operand.kind,
                kind => kind,
            };
            matches!(plain, ast::ExprKind::Integer { suffix: None, .. })
        };
        let i64 = Type::Scalar(Scalar::I64);
        if whole(right) && !whole(left) {
            let left = self.expr(left, wish);
            let wish = match &left.ty {
                Type::Decimal { .. } => Some(i64),
                Type::Error | Type::Never | Type::Unit => None,
                ty => Some(ty.clone()),
            };
            let right = self.expr(right, wish.as_ref());
            return (left, right);
        }
        if whole(left) && !whole(right) {
            let right = self.expr(right, wish);
            let wish = match &right.ty {
                Type::Decimal { .. } => Some(i64),
                Type::Error | Type::Never | Type::Unit => None,
                ty => Some(ty.clone()),
            };
            let left = self.expr(left, wish.as_ref());
            return (left, right);
        }
        self.operands(left, right, wish)
    }

    /// `a * b` or `a / b` that may not be exact.
    pub fn rounding_needed(
        &mut self,
        op: BinaryOp,
        left: &hir::Expr,
        right: &hir::Expr,
        span: Span,
    ) -> hir::Expr {
        let (a, b) = (
            self.world.text_of(left.span),
            self.world.text_of(right.span),
        );
        let (what, method) = match op {
            BinaryOp::Mul => ("product", "times"),
            _ => ("quotient", "divide"),
        };
        if let Type::Scalar(Scalar::F64 | Scalar::Bool | Scalar::U128) = right.ty {
            let (a, b) = (self.show(&left.ty), self.show(&right.ty));
            let sign = if op == BinaryOp::Mul { "*" } else { "/" };
            self.world
                .error(
                    codes::BAD_OPERANDS,
                    span,
                    format!("`{sign}` does not take `{a}` and `{b}`"),
                )
                .secondary(left.span, format!("`{a}`"))
                .secondary(right.span, format!("`{b}`"));
            return error(span);
        }
        let a = if a.contains(' ') { format!("({a})") } else { a };
        self.world
            .error(
                codes::ROUNDING_NEEDED,
                span,
                format!("this {what} may have more digits than its type, so its rounding is named"),
            )
            .label("rounded how?")
            .hint(format!("{a}.{method}({b}, half_even)"));
        error(span)
    }

    /// `x as decimal<9, 2>` that may lose something.
    pub fn lossy_decimal(
        &mut self,
        value: &ast::Expr,
        from: &Type,
        to: &Type,
        span: Span,
    ) -> hir::Expr {
        let (from_shown, to_shown) = (self.show(from), self.show(to));
        let text = self.world.text_of(value.span);
        let finer = extent(from).map(|(_, scale)| scale) > extent(to).map(|(_, scale)| scale);
        let hint = match finer {
            true => format!("let x: {to_shown} = {text}.round(half_even)"),
            false => format!(
                "let x: {to_shown} = {text}.try_into(), which fails `Overflow` where it does not fit"
            ),
        };
        self.world
            .error(
                codes::LOSSY_CONVERSION,
                span,
                format!("a `{from_shown}` may not fit `{to_shown}`, and `as` never loses anything"),
            )
            .hint(hint);
        error(span)
    }

    /// `a.times(b, half_even)`, `a.divide(b, half_even)`, `a.round(half_even)`
    pub fn rounded(
        &mut self,
        receiver: hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let Some((rounding, operands)) = arguments.split_last() else {
            self.world
                .error(
                    codes::UNKNOWN_ROUNDING,
                    span,
                    format!("`{}` needs the name of a rounding", name.text),
                )
                .hint(roundings());
            return error(span);
        };
        let wanted = if &*name.text == "round" { 0 } else { 1 };
        if operands.len() != wanted {
            self.world.error(
                codes::WRONG_ARGUMENT_COUNT,
                span,
                format!(
                    "`{}` takes {} and a rounding, {} given",
                    name.text,
                    count(wanted, "number"),
                    are(arguments.len())
                ),
            );
            return self.skip(operands, span);
        }
        let Some(rounding) = self.rounding(rounding) else {
            return self.skip(operands, span);
        };
        let method = |method, arguments, ty| {
            make(
                ExprKind::Method {
                    method,
                    receiver: Box::new(receiver.clone()),
                    arguments,
                },
                ty,
                span,
            )
        };
        let own = receiver.ty.clone();
        let [operand] = operands else {
            if own == Type::Scalar(Scalar::F64) {
                return method(Method::Round(rounding), Vec::new(), own);
            }
            let ty = expected
                .map(crate::body::peeled)
                .filter(|ty| is_between(&own, ty));
            let Some(ty) = ty else {
                self.world
                    .error(codes::TYPE_NEEDED, span, "rounded to which type?")
                    .hint("let x: decimal<18, 2> = y.round(half_even)");
                return error(span);
            };
            return method(Method::Round(rounding), Vec::new(), ty.clone());
        };
        let wish = self.natural(operand);
        let operand = self.expr(operand, wish.as_ref());
        let operand = self.read(operand);
        match &operand.ty {
            Type::Error => return error(span),
            ty if extent(ty).is_some() && *ty != Type::Scalar(Scalar::U128) => {}
            ty => {
                let shown = self.show(ty);
                self.world.error(
                    codes::BAD_OPERANDS,
                    operand.span,
                    format!(
                        "`{}` takes a decimal or an integer of at most 64 bits or `i128`, not `{shown}`",
                        name.text
                    ),
                );
                return error(span);
            }
        }
        let which = match &*name.text {
            "times" => Method::Times(rounding),
            _ => Method::Divide(rounding),
        };
        method(which, vec![operand], own)
    }

    /// The decimal type that a literal has by its own digits.
    fn natural(&self, expr: &ast::Expr) -> Option<Type> {
        let literal = match &expr.kind {
            ast::ExprKind::Unary { operand, .. } => &**operand,
            _ => expr,
        };
        if !matches!(literal.kind, ast::ExprKind::Float(_)) {
            return None;
        }
        let text = self.world.text_of(literal.span);
        let (whole, fraction) = text.split_once('.')?;
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() as u64;
        let scale = digits(fraction);
        let digits = digits(whole) + scale;
        (digits <= u64::from(DECIMAL_DIGITS_MAX)).then_some(Type::Decimal {
            digits: digits as u8,
            scale: scale as u8,
        })
    }

    fn rounding(&mut self, expr: &ast::Expr) -> Option<Rounding> {
        if let ast::ExprKind::Name { name, .. } = &expr.kind
            && let Some(rounding) = Rounding::from_name(&name.text)
        {
            return Some(rounding);
        }
        let text = self.world.text_of(expr.span);
        self.world
            .error(
                codes::UNKNOWN_ROUNDING,
                expr.span,
                format!("`{text}` is no rounding"),
            )
            .hint(roundings());
        None
    }

    /// The right side of `+=` and its like for a decimal.
    pub fn compound_decimal(
        &mut self,
        target: &hir::Expr,
        operator: BinaryOperator,
        value: &ast::Expr,
    ) -> Option<hir::Expr> {
        let wish = match operator {
            BinaryOperator::Multiply => Type::Scalar(Scalar::I64),
            _ => target.ty.clone(),
        };
        let value = self.expr(value, Some(&wish));
        let value = self.read(value);
        if value.ty == Type::Error {
            return None;
        }
        let span = target.span.to(value.span);
        let checked = self.calculated(operator, target.clone(), value.clone(), span);
        (checked.ty != Type::Error).then_some(value)
    }
}

fn roundings() -> String {
    let names: Vec<&str> = Rounding::names().collect();
    names.join(", ")
}
