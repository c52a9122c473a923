//! Operators: arithmetic, comparison, logic. Literals take the other side's type; times and durations mix.
//!
//! Calculations on literals are folded here; one that does not fit its type would always fail and is an error.

use crate::body::{Body, error, make, peeled};
use crate::coerce::lossless;
use rc_bytecode::instr::{BinaryOp, CompareOp, ConvertMode, Scalar, UnaryOp};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, ExprKind, Method, Type};
use rc_source::Span;
use rc_syntax::ast;
use rc_syntax::ast::{BinaryOperator, UnaryOperator};

pub(crate) fn arithmetic(operator: BinaryOperator) -> Option<BinaryOp> {
    Some(match operator {
        BinaryOperator::Add => BinaryOp::Add,
        BinaryOperator::Subtract => BinaryOp::Sub,
        BinaryOperator::Multiply => BinaryOp::Mul,
        BinaryOperator::Divide => BinaryOp::Div,
        BinaryOperator::Remainder => BinaryOp::Rem,
        BinaryOperator::BitAnd => BinaryOp::And,
        BinaryOperator::BitOr => BinaryOp::Or,
        BinaryOperator::BitXor => BinaryOp::Xor,
        BinaryOperator::ShiftLeft => BinaryOp::ShiftLeft,
        BinaryOperator::ShiftRight => BinaryOp::ShiftRight,
        _ => return None,
    })
}

fn comparison(operator: BinaryOperator) -> Option<CompareOp> {
    Some(match operator {
        BinaryOperator::Equal => CompareOp::Equal,
        BinaryOperator::NotEqual => CompareOp::NotEqual,
        BinaryOperator::Less => CompareOp::Less,
        BinaryOperator::LessOrEqual => CompareOp::LessOrEqual,
        BinaryOperator::Greater => CompareOp::Greater,
        BinaryOperator::GreaterOrEqual => CompareOp::GreaterOrEqual,
        _ => return None,
    })
}

/// Whether the other side should be looked at first, because this one takes its type from it.
pub(crate) fn is_flexible(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Integer { suffix: None, .. }
        | ast::ExprKind::Float(_)
        | ast::ExprKind::None
        | ast::ExprKind::List(_) => true,
        ast::ExprKind::Unary { operand, .. } => is_flexible(operand),
        ast::ExprKind::Binary {
            operator,
            left,
            right,
        } => arithmetic(*operator).is_some() && is_flexible(left) && is_flexible(right),
        ast::ExprKind::Name { name, .. } => upper(&name.text),
        ast::ExprKind::Call { callee, .. } => match &callee.kind {
            ast::ExprKind::Name { name, .. } => upper(&name.text),
            // `x.try_into()` waits for its type.
            ast::ExprKind::Member { name, .. } => &*name.text == "try_into",
            _ => false,
        },
        ast::ExprKind::Record {
            qualifier: None,
            name: Some(_),
            ..
        } => true,
        _ => false,
    }
}

/// Whether a decimal may be multiplied by it: its values are within 128 bits with a sign.
fn is_factor(scalar: Scalar) -> bool {
    scalar.is_integer() && scalar != Scalar::U128
}

fn upper(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

impl Body<'_, '_> {
    pub fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: &ast::Expr,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        if let (
            UnaryOperator::Negate,
            ast::ExprKind::Integer {
                value,
                suffix: None,
            },
        ) = (operator, &operand.kind)
        {
            return self.integer(*value, true, expected, span);
        }
        let operand = self.expr(operand, expected);
        let operand = self.read(operand);
        let op = match operator {
            UnaryOperator::Negate => UnaryOp::Neg,
            UnaryOperator::Not => UnaryOp::Not,
        };
        let fits = match (&operand.ty, op) {
            (Type::Error, _) => return error(span),
            (Type::Never, _) => return self.no_value(&operand),
            (Type::Scalar(Scalar::Bool), UnaryOp::Not)
            | (Type::Duration | Type::Decimal { .. }, UnaryOp::Neg) => true,
            (Type::Scalar(scalar), UnaryOp::Not) => scalar.is_integer(),
            (Type::Scalar(scalar), _) => scalar.is_signed() || *scalar == Scalar::F64,
            _ => false,
        };
        if !fits {
            let shown = self.show(&operand.ty);
            let (sign, hint) = match operator {
                UnaryOperator::Not => ("!", None),
                UnaryOperator::Negate => (
                    "-",
                    matches!(&operand.ty, Type::Scalar(scalar) if scalar.is_integer()).then(|| {
                        "an unsigned number has no negative; subtract it, or use a signed type"
                            .to_string()
                    }),
                ),
            };
            self.world
                .error(
                    codes::BAD_OPERANDS,
                    span,
                    format!("`{sign}` does not take `{shown}`"),
                )
                .hint_if(hint);
            return error(span);
        }
        let ty = operand.ty.clone();
        match (&operand.kind, op) {
            // Zero has one form.
            (ExprKind::Float(number), UnaryOp::Neg) => {
                make(ExprKind::Float(0.0 - number), ty, span)
            }
            (ExprKind::Integer(number), UnaryOp::Neg)
                if matches!(ty, Type::Duration | Type::Decimal { .. }) =>
            {
                make(ExprKind::Integer(-number), ty, span)
            }
            _ => make(
                ExprKind::Unary {
                    op,
                    operand: Box::new(operand),
                },
                ty,
                span,
            ),
        }
    }

    pub fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        match operator {
            BinaryOperator::And | BinaryOperator::Or => {
                let left = Box::new(self.expr_of(left, &Type::BOOL));
                let right = Box::new(self.expr_of(right, &Type::BOOL));
                let kind = if operator == BinaryOperator::And {
                    ExprKind::And(left, right)
                } else {
                    ExprKind::Or(left, right)
                };
                make(kind, Type::BOOL, span)
            }
            BinaryOperator::Otherwise => self.or_else(left, right, expected, span),
            _ => match comparison(operator) {
                Some(op) => self.compare(op, operator, left, right, span),
                None => self.calculate(operator, left, right, expected, span),
            },
        }
    }

    /// Both sides, the one with a type of its own first.
    pub fn operands(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        wish: Option<&Type>,
    ) -> (hir::Expr, hir::Expr) {
        let wish_of = |other: &hir::Expr| match &other.ty {
            Type::Never | Type::Unit => None,
            ty => Some(ty.clone()),
        };
        if is_flexible(left) && !is_flexible(right) {
            let right = self.expr(right, wish);
            let left_wish = wish_of(&right);
            (self.expr(left, left_wish.as_ref()), right)
        } else {
            let left = self.expr(left, wish);
            let right_wish = wish_of(&left);
            let right = self.expr(right, right_wish.as_ref());
            (left, right)
        }
    }

    /// Says that an expression which leaves cannot be a part of another one.
    pub fn no_value(&mut self, expr: &hir::Expr) -> hir::Expr {
        self.world.error(
            codes::TYPE_MISMATCH,
            expr.span,
            "this leaves, so it gives no value to go on with",
        );
        error(expr.span)
    }

    /// A place of a scalar, read.
    pub fn read(&mut self, expr: hir::Expr) -> hir::Expr {
        match &expr.ty {
            Type::Place { ty, .. }
                if matches!(
                    **ty,
                    Type::Scalar(_) | Type::Time | Type::Duration | Type::Decimal { .. }
                ) =>
            {
                let ty = (**ty).clone();
                self.coerce(expr, &ty)
            }
            _ => expr,
        }
    }

    fn calculate(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let wish = expected
            .map(peeled)
            .filter(|ty| matches!(ty, Type::Scalar(_) | Type::Decimal { .. }));
        // A duration times a number: the number is no duration.
        let (left, right) = match operator {
            BinaryOperator::Multiply => self.factors(left, right, wish),
            _ => self.operands(left, right, wish),
        };
        let (left, right) = (self.read(left), self.read(right));
        self.calculated(operator, left, right, span)
    }

    pub fn calculated(
        &mut self,
        operator: BinaryOperator,
        left: hir::Expr,
        right: hir::Expr,
        span: Span,
    ) -> hir::Expr {
        let Some(op) = arithmetic(operator) else {
            return error(span);
        };
        let i64 = Type::Scalar(Scalar::I64);
        let ty = match (&left.ty, op, &right.ty) {
            (Type::Error, ..) | (.., Type::Error) => return error(span),
            (Type::Never, ..) => return self.no_value(&left),
            (.., Type::Never) => return self.no_value(&right),
            (Type::Scalar(a), op, Type::Scalar(b)) if a == b => {
                let bits = matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor);
                let shifts = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
                let fits = match a {
                    Scalar::Bool => bits,
                    Scalar::F64 => !bits && !shifts && op != BinaryOp::Rem,
                    _ => true,
                };
                fits.then(|| left.ty.clone())
            }
            (Type::Time, BinaryOp::Sub, Type::Time) => Some(Type::Duration),
            (Type::Time, BinaryOp::Add | BinaryOp::Sub, Type::Duration)
            | (Type::Duration, BinaryOp::Add, Type::Time) => Some(Type::Time),
            (Type::Duration, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Rem, Type::Duration) => {
                Some(Type::Duration)
            }
            (Type::Duration, BinaryOp::Div, Type::Duration) => Some(i64.clone()),
            (Type::Duration, BinaryOp::Mul | BinaryOp::Div, Type::Scalar(scalar))
                if scalar.is_integer() =>
            {
                Some(Type::Duration)
            }
            (Type::Scalar(scalar), BinaryOp::Mul, Type::Duration) if scalar.is_integer() => {
                Some(Type::Duration)
            }
            (
                Type::Decimal { .. },
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Rem,
                Type::Decimal { .. },
            ) if left.ty == right.ty => Some(left.ty.clone()),
            (Type::Decimal { .. }, BinaryOp::Mul, Type::Scalar(scalar)) if is_factor(*scalar) => {
                Some(left.ty.clone())
            }
            (Type::Scalar(scalar), BinaryOp::Mul, Type::Decimal { .. }) if is_factor(*scalar) => {
                Some(right.ty.clone())
            }
            (
                Type::Decimal { .. },
                BinaryOp::Mul | BinaryOp::Div,
                Type::Decimal { .. } | Type::Scalar(_),
            ) => return self.rounding_needed(op, &left, &right, span),
            (Type::String(a), BinaryOp::Add, Type::String(b)) => {
                return self.concatenated(a.clone(), b.clone(), left, right, span);
            }
            _ => None,
        };
        let Some(ty) = ty else {
            return self.bad_operands(operator, &left, &right, span);
        };
        let as_nanoseconds = |side: hir::Expr| match &side.ty {
            Type::Scalar(scalar) if ty == Type::Duration && *scalar != Scalar::I64 => {
                match side.kind {
                    ExprKind::Integer(_) => make(side.kind, i64.clone(), side.span),
                    _ => {
                        let at = side.span;
                        make(
                            ExprKind::Convert {
                                mode: ConvertMode::Checked,
                                value: Box::new(side),
                            },
                            i64.clone(),
                            at,
                        )
                    }
                }
            }
            _ => side,
        };
        let (left, right) = (as_nanoseconds(left), as_nanoseconds(right));
        self.folded(op, left, right, ty, span)
    }

    /// Literals are calculated here, once; what cannot fit is an error now rather than a failure each time.
    fn folded(
        &mut self,
        op: BinaryOp,
        left: hir::Expr,
        right: hir::Expr,
        ty: Type,
        span: Span,
    ) -> hir::Expr {
        let whole = |left, right| {
            make(
                ExprKind::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                },
                ty.clone(),
                span,
            )
        };
        if matches!(op, BinaryOp::Div | BinaryOp::Rem) && matches!(right.kind, ExprKind::Integer(0))
        {
            self.world
                .error(
                    codes::CONSTANT_OVERFLOW,
                    right.span,
                    "a division by zero always fails",
                )
                .hint("divide by what is not zero: `ensure n != 0 else Failure` comes before");
            return error(span);
        }
        let scalar = match &ty {
            Type::Scalar(scalar) if scalar.is_integer() => *scalar,
            Type::Time | Type::Duration => Scalar::I64,
            _ => return whole(left, right),
        };
        if matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight)
            && let ExprKind::Integer(bits) = right.kind
            && bits >= i128::from(scalar.bits())
        {
            let most = scalar.bits() - 1;
            self.world
                .error(
                    codes::CONSTANT_OVERFLOW,
                    right.span,
                    format!(
                        "a shift by {bits} always fails: the type has {} bits",
                        scalar.bits()
                    ),
                )
                .hint(format!("shift by 0 to {most}"));
            return error(span);
        }
        let (ExprKind::Integer(a), ExprKind::Integer(b)) = (&left.kind, &right.kind) else {
            return whole(left, right);
        };
        let (a, b) = (*a, *b);
        let (low, high) = crate::literals::range(scalar);
        let value = match op {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Div => a.checked_div(b),
            BinaryOp::Rem => a.checked_rem(b),
            BinaryOp::And => Some(a & b),
            BinaryOp::Or => Some(a | b),
            BinaryOp::Xor => Some(a ^ b),
            _ => return whole(left, right),
        };
        match value {
            Some(value) if (low..=high).contains(&value) => {
                make(ExprKind::Integer(value), ty, span)
            }
            // Beyond what is calculated here, the machine still can.
            None if scalar == Scalar::U128 => whole(left, right),
            _ => {
                let shown = self.show(&ty);
                let result = match value {
                    Some(value) => format!("this is {value}, which does not fit `{shown}`"),
                    None => format!("this never fits `{shown}`"),
                };
                let wider = value.and_then(|value| crate::literals::wider(scalar, value));
                let hint = match wider {
                    Some(wider) => {
                        let name = wider.name();
                        format!("calculate in `{name}`, or with smaller numbers")
                    }
                    None => "calculate with smaller numbers".to_string(),
                };
                self.world
                    .error(
                        codes::CONSTANT_OVERFLOW,
                        span,
                        format!("{result}: it would always fail `Overflow`"),
                    )
                    .label(format!("`{shown}` holds {low} to {high}"))
                    .hint(hint);
                error(span)
            }
        }
    }

    fn concatenated(
        &mut self,
        a: Count,
        b: Count,
        left: hir::Expr,
        right: hir::Expr,
        span: Span,
    ) -> hir::Expr {
        let (Count::Known(a), Count::Known(b)) = (a, b) else {
            return self.bad_operands(BinaryOperator::Add, &left, &right, span);
        };
        let ty = Type::String(Count::Known(a + b));
        make(
            ExprKind::Method {
                method: Method::Concat,
                receiver: Box::new(left),
                arguments: vec![right],
            },
            ty,
            span,
        )
    }

    pub fn bad_operands(
        &mut self,
        operator: BinaryOperator,
        left: &hir::Expr,
        right: &hir::Expr,
        span: Span,
    ) -> hir::Expr {
        let sign = operator.sign();
        if let Some(optional) = [left, right]
            .into_iter()
            .find(|side| matches!(side.ty, Type::Optional(_)))
        {
            let text = self.world.text_of(optional.span);
            self.world
                .error(
                    codes::MAY_BE_NONE,
                    optional.span,
                    format!("`{sign}` needs a value, and this may be `none`"),
                )
                .hint(format!("{text} ?? …, or `let x = {text} else …`"));
            return error(span);
        }
        let (a, b) = (self.show(&left.ty), self.show(&right.ty));
        let mut edit = None;
        let hint = match (&left.ty, &right.ty) {
            (Type::Scalar(from), Type::Scalar(to)) if from.is_integer() && to.is_integer() => {
                let (narrow, wide) = if lossless(*from, *to) {
                    (left, b.clone())
                } else {
                    (right, a.clone())
                };
                let text = self.world.text_of(narrow.span);
                let lossless = lossless(*from, *to) || lossless(*to, *from);
                let text = match text.contains(' ') {
                    true => format!("({text})"),
                    false => text,
                };
                if lossless {
                    edit = Some((narrow.span, format!("({text} as {wide})")));
                }
                Some(if lossless {
                    format!("write `{text} as {wide}`")
                } else {
                    format!(
                        "let other: {wide} = {text}.try_into(), which fails `Overflow` where it does not fit"
                    )
                })
            }
            (Type::Decimal { .. }, Type::Decimal { .. }) => {
                crate::decimals::common(&left.ty, &right.ty).map(|common| {
                    let (narrow, ty) = match common == right.ty {
                        true => (left, self.show(&common)),
                        false => (right, self.show(&common)),
                    };
                    format!("{} as {ty}", self.world.text_of(narrow.span))
                })
            }
            (Type::Time, Type::Scalar(_)) | (Type::Duration, Type::Scalar(_)) => {
                Some("durations carry a unit, as in `5s`".into())
            }
            _ => None,
        };
        let message = match a == b {
            true => format!("`{sign}` does not take `{a}`"),
            false => format!("`{sign}` does not take `{a}` and `{b}`"),
        };
        let note = self
            .world
            .error(codes::BAD_OPERANDS, span, message)
            .secondary(left.span, format!("`{a}`"))
            .secondary(right.span, format!("`{b}`"))
            .hint_if(hint);
        if let Some((place, text)) = edit {
            drop(note.edit(place, text));
        }
        error(span)
    }

    /// The right side of `+=` and its like, fit for the target.
    pub fn compound(
        &mut self,
        target: &hir::Expr,
        operator: BinaryOperator,
        value: &ast::Expr,
    ) -> Option<hir::Expr> {
        let wish = match &target.ty {
            Type::Time | Type::Duration
                if matches!(operator, BinaryOperator::Add | BinaryOperator::Subtract) =>
            {
                Type::Duration
            }
            Type::Duration => Type::Scalar(Scalar::I64),
            Type::Decimal { .. } => return self.compound_decimal(target, operator, value),
            ty @ Type::Scalar(_) => ty.clone(),
            ty => {
                let shown = self.show(ty);
                let found = self.expr(value, Some(ty));
                if found.ty != Type::Error {
                    let hint = matches!(ty, Type::List(..)).then(|| "xs.push(x)".to_string());
                    self.world
                        .error(
                            codes::BAD_OPERANDS,
                            target.span,
                            format!("`{}=` does not take `{shown}`", operator.sign()),
                        )
                        .hint_if(hint);
                }
                return None;
            }
        };
        let value = self.expr(value, Some(&wish));
        let value = self.read(value);
        if value.ty == Type::Error {
            return None;
        }
        let span = target.span.to(value.span);
        if value.ty != wish {
            // The same words as for the operator itself.
            match (&target.ty, &value.ty) {
                (Type::Scalar(_), Type::Scalar(_) | Type::Optional(_)) => {
                    drop(self.calculated(operator, target.clone(), value, span))
                }
                _ => drop(self.coerce(value, &wish)),
            }
            return None;
        }
        if matches!(target.ty, Type::Scalar(_) | Type::Duration) {
            let checked = self.calculated(operator, target.clone(), value.clone(), span);
            if checked.ty == Type::Error {
                return None;
            }
        }
        Some(value)
    }
}
