//! Every kind of expression, sent to the file that knows it.
//!
//! An expectation is a wish: it shapes literals, bare variants, `none` and generic calls. Who needs the type
//! to be met calls [`Body::expr_of`].

use crate::body::{Body, error, make};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Type};
use rc_syntax::ast;

impl Body<'_, '_> {
    /// An expression of exactly this type, or a message.
    pub fn expr_of(&mut self, expr: &ast::Expr, ty: &Type) -> hir::Expr {
        let checked = self.expr(expr, Some(ty));
        self.coerce(checked, ty)
    }

    pub fn expr(&mut self, expr: &ast::Expr, expected: Option<&Type>) -> hir::Expr {
        let checked = self.deeper(expr.span, |body| body.kind(expr, expected));
        if matches!(checked.ty, Type::Container(_)) && self.receiver_at != Some(expr.span) {
            return self.container_as_value(&checked);
        }
        checked
    }

    fn kind(&mut self, expr: &ast::Expr, expected: Option<&Type>) -> hir::Expr {
        use ast::ExprKind as Kind;
        let span = expr.span;
        match &expr.kind {
            Kind::Broken => error(span),
            Kind::Integer {
                value,
                suffix: None,
            } => self.integer(*value, false, expected, span),
            Kind::Integer {
                value,
                suffix: Some(suffix),
            } => self.duration(*value, suffix, span),
            Kind::Float(number) => self.float(*number, expected, span),
            Kind::String(text) => self.string(&text.value, expected, span),
            Kind::Bytes(bytes) => self.bytes(bytes, expected, span),
            Kind::Bool(value) => make(ExprKind::Bool(*value), Type::BOOL, span),
            Kind::None => self.none(expected, span),
            Kind::Name { name, arguments } => self.name(name, arguments, expected),
            Kind::Member { base, name } => self.member(base, name, span, expected),
            Kind::Call { callee, arguments } => self.call(callee, arguments, expected, span),
            Kind::Version { base, version } => {
                if !self.version_of_table(base, *version, span) {
                    self.no_versions("a value", span);
                }
                error(span)
            }
            Kind::Index { base, index } => self.index(base, index, span),
            Kind::Record {
                qualifier,
                name: Some(name),
                arguments,
                fields,
            } if !arguments.is_empty() && qualifier.is_none() => {
                self.generic_record(name, arguments, fields, span)
            }
            Kind::Record {
                qualifier,
                name,
                fields,
                ..
            } => self.record(qualifier.as_ref(), name.as_ref(), fields, expected, span),
            Kind::Tuple(parts) => self.tuple(parts, expected, span),
            Kind::List(parts) => self.list(parts, expected, span),
            Kind::Comprehension {
                value,
                pattern,
                source,
                condition,
            } => self.comprehension(value, pattern, source, condition.as_deref(), expected, span),
            Kind::Unary { operator, operand } => self.unary(*operator, operand, expected, span),
            Kind::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right, expected, span),
            Kind::Cast { value, ty } => self.cast(value, ty, span),
            Kind::Range { .. } => {
                self.world
                    .error(codes::WRONG_KIND_OF_NAME, span, "a range is not a value")
                    .hint("it stands after `in` of a `for`, and in patterns");
                error(span)
            }
            Kind::Bounded { .. } => {
                self.world
                    .error(
                        codes::WRONG_BOUND,
                        span,
                        "`take` and `max` bound what a loop walks",
                    )
                    .hint("[x for x in … take 100]");
                error(span)
            }
            Kind::If {
                condition,
                then,
                otherwise,
            } => self.if_expr(condition, then, otherwise.as_deref(), expected, span),
            Kind::IfLet {
                pattern,
                value,
                then,
                otherwise,
            } => self.if_let(pattern, value, then, otherwise.as_deref(), expected, span),
            Kind::Match { value, arms } => self.match_expr(value, arms, expected, span),
            Kind::Block(block) => {
                let block = self.block(block, expected);
                let ty = block.ty.clone();
                make(ExprKind::Block(block), ty, span)
            }
            Kind::Attempt(call) => self.attempt(call, span),
            Kind::Fail(failure) => self.fail(failure, span),
            Kind::Return(value) => self.return_value(value.as_deref(), span),
            Kind::Break => self.leave_loop(ExprKind::Break, span),
            Kind::Continue => self.leave_loop(ExprKind::Continue, span),
            Kind::Touch { .. } => self.bare_touch(span),
        }
    }
}
