//! `if`, `if let`, `match`: branches that agree on a type.

use crate::body::{Body, error, make, unit};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, PatternKind, StatementKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    pub fn if_expr(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Expr>,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let condition = self.condition(condition);
        if let Some((then, otherwise)) = self.none_first(then, otherwise, expected) {
            let ty = joined(&then.ty, &otherwise.ty);
            let kind = ExprKind::If {
                condition: Box::new(condition),
                then,
                otherwise: Some(otherwise),
            };
            return make(kind, ty, span);
        }
        let (then, wish) = self.first_branch(then, otherwise, expected);
        let Some(otherwise) = otherwise else {
            if let Some(error) = self.else_missing(&then.ty, expected, span) {
                return error;
            }
            return make(
                ExprKind::If {
                    condition: Box::new(condition),
                    then,
                    otherwise: None,
                },
                Type::Unit,
                span,
            );
        };
        let otherwise = self.as_block(otherwise, wish.as_ref());
        let ty = joined(&then.ty, &otherwise.ty);
        make(
            ExprKind::If {
                condition: Box::new(condition),
                then,
                otherwise: Some(otherwise),
            },
            ty,
            span,
        )
    }

    /// The branch that comes first, and what the others are wished to be. Where another one is `none`, both are optional.
    fn first_branch(
        &mut self,
        then: &ast::Block,
        otherwise: Option<&ast::Expr>,
        expected: Option<&Type>,
    ) -> (hir::Block, Option<Type>) {
        let mut first = self.block(then, self.branch_wish(expected, otherwise));
        if expected.is_none() && otherwise.is_some_and(gives_none) && may_be_optional(&first.ty) {
            let ty = first.ty.clone().optional();
            first = wrapped(self.coerce(block_expr(first), &ty), false);
        }
        let wish = next_wish(expected, &first.ty);
        (first, wish)
    }

    /// Both branches, where the first is a bare `none` and only the second one tells of what type.
    fn none_first(
        &mut self,
        then: &ast::Block,
        otherwise: Option<&ast::Expr>,
        expected: Option<&Type>,
    ) -> Option<(hir::Block, hir::Block)> {
        let (Some(otherwise), None, true) = (otherwise, expected, is_none(then)) else {
            return None;
        };
        let mut second = self.as_block(otherwise, None);
        if may_be_optional(&second.ty) {
            let ty = second.ty.clone().optional();
            second = wrapped(self.coerce(block_expr(second), &ty), false);
        }
        let wish = next_wish(None, &second.ty);
        let first = self.block(then, wish.as_ref());
        Some((first, second))
    }

    fn condition(&mut self, condition: &ast::Expr) -> hir::Expr {
        let checked = self.expr(condition, Some(&Type::BOOL));
        if let Type::Optional(_) = checked.ty {
            let text = self.world.text_of(condition.span);
            self.world
                .error(
                    codes::TYPE_MISMATCH,
                    condition.span,
                    "a condition is a `bool`, and this is an optional",
                )
                .hint(format!("if let x = {text} {{ … }}, or {text} != none"));
            return error(condition.span);
        }
        self.coerce(checked, &Type::BOOL)
    }

    /// Without an `else` there is no value to wish for.
    fn branch_wish<'t>(
        &self,
        expected: Option<&'t Type>,
        otherwise: Option<&ast::Expr>,
    ) -> Option<&'t Type> {
        if otherwise.is_some() {
            expected
        } else {
            expected.filter(|ty| **ty == Type::Unit)
        }
    }

    fn else_missing(
        &mut self,
        then: &Type,
        expected: Option<&Type>,
        span: Span,
    ) -> Option<hir::Expr> {
        let needed = match expected {
            Some(Type::Unit) => return None,
            Some(Type::Error) => return Some(error(span)),
            Some(ty) => ty.clone(),
            None if matches!(then, Type::Unit | Type::Never | Type::Error) => return None,
            None => then.clone(),
        };
        let shown = self.show(&needed);
        self.world
            .error(
                codes::ELSE_MISSING,
                span,
                format!("a `{shown}` is needed, and without an `else` this `if` may give nothing"),
            )
            .hint("if … { … } else { … }");
        Some(error(span))
    }

    /// An else side as a block: a block already, or another `if`.
    fn as_block(&mut self, expr: &ast::Expr, expected: Option<&Type>) -> hir::Block {
        match (&expr.kind, expected) {
            (ast::ExprKind::Block(block), _) => self.block(block, expected),
            (_, Some(ty)) if *ty != Type::Unit => {
                let value = self.expr_of(expr, ty);
                wrapped(value, false)
            }
            _ => {
                let value = self.expr(expr, expected);
                wrapped(value, expected.is_some())
            }
        }
    }

    pub fn if_let(
        &mut self,
        pattern: &ast::Pattern,
        value: &ast::Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Expr>,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let mut value = self.expr(value, None);
        if value.ty == Type::Never {
            value = self.no_value(&value);
        }
        let plain = matches!(
            pattern.kind,
            ast::PatternKind::Bind(_) | ast::PatternKind::Wildcard
        );
        if plain && !matches!(value.ty, Type::Optional(_) | Type::Error | Type::Never) {
            let shown = self.show(&value.ty);
            self.world
                .error(
                    codes::NOT_AN_OPTIONAL,
                    value.span,
                    format!("`{shown}` is always there, so `if let` has nothing to ask"),
                )
                .hint("let x = …");
        }
        let value_ty = value.ty.clone();
        let known = self.none_first(then, otherwise, expected);
        let (pattern, first) = self.in_scope(|body| {
            let pattern = body.pattern(pattern, &value_ty, true, false);
            let pattern = match (pattern.kind, &value_ty) {
                (PatternKind::Wildcard, Type::Optional(inner)) => {
                    some(PatternKind::Wildcard, inner, &value_ty, pattern.span)
                }
                (kind, _) => hir::Pattern { kind, ..pattern },
            };
            let first = match known {
                Some((then, otherwise)) => (then, Err(otherwise)),
                None => {
                    let (then, wish) = body.first_branch(then, otherwise, expected);
                    (then, Ok(wish))
                }
            };
            (pattern, first)
        });
        let (then, second) = first;
        let span_then = then.span;
        let then_ty = then.ty.clone();
        let (otherwise, ty) = match otherwise {
            None => {
                if let Some(error) = self.else_missing(&then_ty, expected, span) {
                    return error;
                }
                (unit(span), Type::Unit)
            }
            Some(otherwise) => {
                let block = match second {
                    Ok(wish) => self.as_block(otherwise, wish.as_ref()),
                    Err(block) => block,
                };
                let ty = joined(&then_ty, &block.ty);
                (block_expr(block), ty)
            }
        };
        let arms = vec![
            hir::Arm {
                pattern,
                guard: None,
                body: block_expr(then),
                span: span_then,
            },
            hir::Arm {
                pattern: hir::Pattern {
                    kind: PatternKind::Wildcard,
                    ty: value_ty,
                    span,
                },
                guard: None,
                span: otherwise.span,
                body: otherwise,
            },
        ];
        make(
            ExprKind::Match {
                value: Box::new(value),
                arms,
            },
            ty,
            span,
        )
    }

    pub fn match_expr(
        &mut self,
        value: &ast::Expr,
        arms: &[ast::MatchArm],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let value = self.expr(value, None);
        let mut value = self.read(value);
        if value.ty == Type::Never {
            value = self.no_value(&value);
        }
        let mut nones = crate::patterns::nones(arms.iter().map(|arm| &arm.pattern));
        let mut ty: Option<Type> = expected.cloned();
        let mut checked: Vec<hir::Arm> = Vec::new();
        for arm in arms {
            let value_ty = value.ty.clone();
            let (pattern, guard, body) = self.in_scope(|body| {
                std::mem::swap(&mut body.nones, &mut nones);
                let pattern = body.pattern(&arm.pattern, &value_ty, true, false);
                std::mem::swap(&mut body.nones, &mut nones);
                let guard = arm
                    .guard
                    .as_ref()
                    .map(|guard| body.expr_of(guard, &Type::BOOL));
                let result = match &ty {
                    // The arms behind it tell of what type it is.
                    None if says_none(&arm.body) => {
                        make(ExprKind::None, Type::Never, arm.body.span)
                    }
                    Some(ty) if *ty != Type::Unit => body.expr_of(&arm.body, ty),
                    Some(_) => {
                        let value = body.expr(&arm.body, Some(&Type::Unit));
                        block_expr(wrapped(value, true))
                    }
                    None => body.expr(&arm.body, None),
                };
                (pattern, guard, result)
            });
            let mut body = body;
            if ty.is_none() && !matches!(body.ty, Type::Never | Type::Error) {
                if may_be_optional(&body.ty) && arms.iter().any(|arm| gives_none(&arm.body)) {
                    let optional = body.ty.clone().optional();
                    body = self.coerce(body, &optional);
                }
                ty = Some(body.ty.clone());
            }
            checked.push(hir::Arm {
                pattern,
                guard,
                body,
                span: arm.span,
            });
        }
        for (checked, arm) in checked.iter_mut().zip(arms) {
            if matches!(checked.body.kind, ExprKind::None) && checked.body.ty == Type::Never {
                checked.body = match &ty {
                    Some(ty) => self.expr_of(&arm.body, ty),
                    None => self.expr(&arm.body, None),
                };
            }
        }
        if value.ty == Type::Error {
            return error(span);
        }
        self.exhaustive(&value, &checked, span);
        let leaves = !checked.is_empty() && checked.iter().all(|arm| arm.body.ty == Type::Never);
        let ty = if leaves {
            Type::Never
        } else {
            ty.unwrap_or(Type::Unit)
        };
        if checked.is_empty() {
            return error(span);
        }
        make(
            ExprKind::Match {
                value: Box::new(value),
                arms: checked,
            },
            ty,
            span,
        )
    }
}

/// What the second branch should give.
fn next_wish(expected: Option<&Type>, first: &Type) -> Option<Type> {
    match expected {
        Some(ty) => Some(ty.clone()),
        None if matches!(first, Type::Never | Type::Error) => None,
        None => Some(first.clone()),
    }
}

fn joined(first: &Type, second: &Type) -> Type {
    match (first, second) {
        (Type::Never, other) | (other, Type::Never) => other.clone(),
        (Type::Error, other) | (other, Type::Error) => other.clone(),
        (first, _) => first.clone(),
    }
}

fn some(kind: PatternKind, inner: &Type, outer: &Type, span: Span) -> hir::Pattern {
    let content = hir::Pattern {
        kind,
        ty: inner.clone(),
        span,
    };
    hir::Pattern {
        kind: PatternKind::Some(Box::new(content)),
        ty: outer.clone(),
        span,
    }
}

/// Whether an expression's value may be a bare `none`, as far as can be seen without types.
fn gives_none(expr: &ast::Expr) -> bool {
    let block = |block: &ast::Block| block.value.as_deref().is_some_and(gives_none);
    match &expr.kind {
        ast::ExprKind::None => true,
        ast::ExprKind::Block(inner) => block(inner),
        ast::ExprKind::If {
            then, otherwise, ..
        }
        | ast::ExprKind::IfLet {
            then, otherwise, ..
        } => block(then) || otherwise.as_deref().is_some_and(gives_none),
        ast::ExprKind::Match { arms, .. } => arms.iter().any(|arm| gives_none(&arm.body)),
        _ => false,
    }
}

fn is_none(block: &ast::Block) -> bool {
    block.statements.is_empty() && block.value.as_deref().is_some_and(says_none)
}

/// Whether an expression is `none` and nothing else.
fn says_none(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::None => true,
        ast::ExprKind::Block(block) => is_none(block),
        _ => false,
    }
}

/// Whether a value of the type can stand beside `none`.
fn may_be_optional(ty: &Type) -> bool {
    !matches!(
        ty,
        Type::Optional(_)
            | Type::Unit
            | Type::Never
            | Type::Error
            | Type::Row(_)
            | Type::Place { .. }
            | Type::Region
            | Type::Attempted(..)
    )
}

fn block_expr(block: hir::Block) -> hir::Expr {
    let (ty, span) = (block.ty.clone(), block.span);
    make(ExprKind::Block(block), ty, span)
}

/// A value as a block; `dropped` where only its effect counts.
fn wrapped(value: hir::Expr, dropped: bool) -> hir::Block {
    let (span, ty) = (value.span, value.ty.clone());
    if !dropped {
        return hir::Block {
            statements: Vec::new(),
            value: Some(Box::new(value)),
            ty,
            span,
        };
    }
    let ty = if ty == Type::Never {
        Type::Never
    } else {
        Type::Unit
    };
    let statements = vec![hir::Statement {
        kind: StatementKind::Expression(value),
        span,
    }];
    hir::Block {
        statements,
        value: None,
        ty,
        span,
    }
}
