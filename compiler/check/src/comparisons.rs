//! Comparisons, `== none`, and `??`: two sides brought to one type where that loses nothing.

use crate::body::{Body, error, make, peeled};
use crate::coerce::lossless;
use rc_bytecode::instr::{CompareOp, ConvertMode, Scalar, UnaryOp};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, LowLevel, Method, Type};
use rc_source::Span;
use rc_syntax::ast;
use rc_syntax::ast::BinaryOperator;

impl Body<'_, '_> {
    pub fn compare(
        &mut self,
        op: CompareOp,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> hir::Expr {
        let equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        if equality {
            // `x == none`
            let other = match (&left.kind, &right.kind) {
                (ast::ExprKind::None, _) => Some(right),
                (_, ast::ExprKind::None) => Some(left),
                _ => None,
            };
            if let Some(other) = other {
                return self.is_none(op, other, span);
            }
        }
        let (left, right) = self.operands(left, right, None);
        let (left, right) = (self.read(left), self.read(right));
        match (&left.ty, &right.ty) {
            (Type::Error, _) | (_, Type::Error) => return error(span),
            (Type::Never, _) => return self.no_value(&left),
            (_, Type::Never) => return self.no_value(&right),
            (Type::Parameter(_), _) | (_, Type::Parameter(_)) if !self.is_std() => {
                return self.compare_parameters(op, operator, left, right, span);
            }
            (Type::Place { .. } | Type::Parameter(_), Type::Place { .. } | Type::Parameter(_)) => {
                return self.compare_bytes(op, left, right, span);
            }
            _ => {}
        }
        let (left, right) = self.levelled(left, right);
        let both = left.ty == right.ty
            || matches!(
                (&left.ty, &right.ty),
                (Type::String(_), Type::String(_)) | (Type::Bytes(_), Type::Bytes(_))
            )
            || matches!((&left.ty, &right.ty), (Type::List(a, _), Type::List(b, _)) if a == b)
            || matches!((&left.ty, &right.ty), (Type::Sorted(one, a, _), Type::Sorted(other, b, _)) if one == other && a == b);
        let ordered = matches!(
            left.ty,
            Type::Scalar(_)
                | Type::Time
                | Type::Duration
                | Type::Uuid
                | Type::Hash
                | Type::Decimal { .. }
                | Type::String(_)
                | Type::Bytes(_)
        ) && (equality || left.ty != Type::BOOL)
            || matches!(left.ty, Type::Enum(..))
                && crate::tables::orderable(&left.ty, &self.world.program);
        let equal = ordered
            || matches!(
                left.ty,
                Type::Optional(_)
                    | Type::Tuple(_)
                    | Type::Struct(..)
                    | Type::Enum(..)
                    | Type::List(..)
                    | Type::Sorted(..)
            );
        if !both || !(ordered || equality && equal) {
            if let (Type::Row(_), _) | (_, Type::Row(_)) = (&left.ty, &right.ty) {
                self.world
                    .error(
                        codes::ROW_AS_VALUE,
                        span,
                        "rows are places and are not compared",
                    )
                    .hint("compare their keys");
                return error(span);
            }
            return self.bad_operands(operator, &left, &right, span);
        }
        make(
            ExprKind::Compare {
                op,
                left: Box::new(left),
                right: Box::new(right),
            },
            Type::BOOL,
            span,
        )
    }

    /// Integers of two types, the narrower one widened where that loses nothing; optionals around plain values likewise.
    pub fn levelled(&mut self, left: hir::Expr, right: hir::Expr) -> (hir::Expr, hir::Expr) {
        let widen = |side: hir::Expr, ty: &Type| {
            let span = side.span;
            make(
                ExprKind::Convert {
                    mode: ConvertMode::Checked,
                    value: Box::new(side),
                },
                ty.clone(),
                span,
            )
        };
        match (&left.ty, &right.ty) {
            (Type::Scalar(a), Type::Scalar(b)) if a != b && a.is_integer() && b.is_integer() => {
                if lossless(*a, *b) {
                    let ty = right.ty.clone();
                    (widen(left, &ty), right)
                } else if lossless(*b, *a) {
                    let ty = left.ty.clone();
                    (left, widen(right, &ty))
                } else {
                    (left, right)
                }
            }
            (Type::Decimal { .. }, Type::Decimal { .. }) if left.ty != right.ty => {
                match crate::decimals::common(&left.ty, &right.ty) {
                    Some(ty) => (
                        self.coerce_decimal(left, &ty),
                        self.coerce_decimal(right, &ty),
                    ),
                    None => (left, right),
                }
            }
            (Type::Optional(inner), other) if **inner == *other => {
                let ty = left.ty.clone();
                let right = self.coerce(right, &ty);
                (left, right)
            }
            (other, Type::Optional(inner)) if **inner == *other => {
                let ty = right.ty.clone();
                let left = self.coerce(left, &ty);
                (left, right)
            }
            _ => (left, right),
        }
    }

    /// Opaque values are compared by their bytes.
    pub fn compare_bytes(
        &mut self,
        op: CompareOp,
        left: hir::Expr,
        right: hir::Expr,
        span: Span,
    ) -> hir::Expr {
        let arguments = vec![left, right];
        match op {
            CompareOp::Equal => make(
                ExprKind::LowLevel {
                    op: LowLevel::Equal,
                    arguments,
                },
                Type::BOOL,
                span,
            ),
            CompareOp::NotEqual => {
                let equal = make(
                    ExprKind::LowLevel {
                        op: LowLevel::Equal,
                        arguments,
                    },
                    Type::BOOL,
                    span,
                );
                make(
                    ExprKind::Unary {
                        op: UnaryOp::Not,
                        operand: Box::new(equal),
                    },
                    Type::BOOL,
                    span,
                )
            }
            _ => {
                let i64 = Type::Scalar(Scalar::I64);
                let order = make(
                    ExprKind::LowLevel {
                        op: LowLevel::Compare,
                        arguments,
                    },
                    i64.clone(),
                    span,
                );
                let zero = make(ExprKind::Integer(0), i64, span);
                make(
                    ExprKind::Compare {
                        op,
                        left: Box::new(order),
                        right: Box::new(zero),
                    },
                    Type::BOOL,
                    span,
                )
            }
        }
    }

    pub fn is_none(&mut self, op: CompareOp, other: &ast::Expr, span: Span) -> hir::Expr {
        let value = self.expr(other, None);
        match &value.ty {
            Type::Error => error(span),
            Type::Never => self.no_value(&value),
            Type::Optional(_) => {
                let method = if op == CompareOp::Equal {
                    Method::IsNone
                } else {
                    Method::IsSome
                };
                make(
                    ExprKind::Method {
                        method,
                        receiver: Box::new(value),
                        arguments: Vec::new(),
                    },
                    Type::BOOL,
                    span,
                )
            }
            ty => {
                let shown = self.show(ty);
                self.world.error(
                    codes::NOT_AN_OPTIONAL,
                    value.span,
                    format!("`{shown}` is always there, never `none`"),
                );
                error(span)
            }
        }
    }

    pub fn or_else(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let wish = expected
            .filter(|ty| !matches!(ty, Type::Unit))
            .map(|ty| peeled(ty).clone().optional());
        let left = self.expr(left, wish.as_ref());
        let inner = match &left.ty {
            Type::Optional(inner) => (**inner).clone(),
            Type::Error => {
                self.expr(right, None);
                return error(span);
            }
            ty => {
                let shown = self.show(ty);
                self.world.error(
                    codes::NOT_AN_OPTIONAL,
                    left.span,
                    format!("`{shown}` is always there, so `??` has nothing to do"),
                );
                return error(span);
            }
        };
        if matches!(inner, Type::Row(_)) {
            self.world
                .error(codes::ROW_AS_VALUE, span, "a row has no stand-in")
                .hint("let row = … else …");
            return error(span);
        }
        let right = match right.kind {
            ast::ExprKind::None => self.expr_of(right, &inner),
            _ => {
                let right = self.expr(right, Some(&inner));
                let right = self.read(right);
                if right.ty == left.ty {
                    return self.first_there(left, right, inner, span);
                }
                self.coerce(right, &inner)
            }
        };
        if right.ty == Type::Never {
            self.world
                .error(codes::TYPE_MISMATCH, right.span, "`??` needs a value here")
                .hint("let x = … else fail …");
            return error(span);
        }
        make(
            ExprKind::Method {
                method: Method::OrElse,
                receiver: Box::new(left),
                arguments: vec![right],
            },
            inner,
            span,
        )
    }

    /// `a ?? b` of two optionals: `b` is worked out where `a` is `none`, and may be `none` too.
    fn first_there(
        &mut self,
        left: hir::Expr,
        right: hir::Expr,
        inner: Type,
        span: Span,
    ) -> hir::Expr {
        let (ty, at) = (left.ty.clone(), left.span);
        let id = self.anonymous(hir::Local {
            name: "there".to_string(),
            ty: inner.clone(),
            mutable: false,
            span: at,
        });
        let content = hir::Pattern {
            kind: hir::PatternKind::Bind(id),
            ty: inner.clone(),
            span: at,
        };
        let there = make(ExprKind::Local(id), inner, at);
        let there = make(ExprKind::Some(Box::new(there)), ty.clone(), at);
        let arm = |kind, body: hir::Expr| hir::Arm {
            pattern: hir::Pattern {
                kind,
                ty: ty.clone(),
                span: at,
            },
            guard: None,
            span: body.span,
            body,
        };
        let arms = vec![
            arm(hir::PatternKind::Some(Box::new(content)), there),
            arm(hir::PatternKind::None, right),
        ];
        let value = Box::new(left);
        make(ExprKind::Match { value, arms }, ty, span)
    }
}
