//! Assignments, and which expressions are places that may be written.

use crate::body::{Body, error, make};
use crate::operators;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Local, PatternKind, StatementKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    pub fn assign(
        &mut self,
        target: &ast::Expr,
        operator: Option<ast::BinaryOperator>,
        value: &ast::Expr,
    ) -> StatementKind {
        let target = self.expr(target, None);
        if target.ty == Type::Error {
            self.expr(value, Some(&Type::Error));
            return StatementKind::Expression(error(target.span));
        }
        if !self.assignable(&target) {
            self.expr(value, None);
            return StatementKind::Expression(error(target.span));
        }
        if let Type::Place { ty, .. } = &target.ty
            && !matches!(target.kind, ExprKind::Local(_))
        {
            // A whole sub-place: its bytes are copied.
            let wanted = (**ty).clone();
            let value = self.place_or_value(value, &wanted);
            let span = target.span;
            let copy = make(
                ExprKind::LowLevel {
                    op: hir::LowLevel::Copy,
                    arguments: vec![target, value],
                },
                Type::Unit,
                span,
            );
            return StatementKind::Expression(copy);
        }
        let Some(operator) = operator else {
            let value = self.expr_of(value, &target.ty);
            return StatementKind::Assign {
                target,
                operator: None,
                value,
            };
        };
        let checked = self.compound(&target, operator, value);
        let op = operators::arithmetic(operator);
        match (checked, op) {
            (Some(value), Some(op)) => StatementKind::Assign {
                target,
                operator: Some(op),
                value,
            },
            _ => StatementKind::Expression(error(target.span)),
        }
    }

    /// `place = optional else …`: what the optional has in it, or the `else` leaves before anything is written.
    pub fn assign_content(
        &mut self,
        target: &ast::Expr,
        value: &ast::Expr,
        otherwise: &ast::Expr,
        span: Span,
        into: &mut Vec<hir::Statement>,
    ) -> StatementKind {
        let target = self.expr(target, None);
        if target.ty == Type::Error || !self.assignable(&target) {
            self.expr(value, Some(&Type::Error));
            self.otherwise(otherwise);
            return StatementKind::Expression(error(target.span));
        }
        let expected = match &target.ty {
            Type::Optional(_) => target.ty.clone(),
            ty => ty.clone().optional(),
        };
        let checked = self.expr(value, Some(&expected));
        let content = self.content_type(&checked);
        let otherwise = self.otherwise(otherwise);
        if content == Type::Error || !matches!(checked.ty, Type::Optional(_)) {
            return StatementKind::Expression(error(checked.span));
        }
        let at = checked.span;
        let local = self.anonymous(Local {
            name: String::new(),
            ty: content.clone(),
            mutable: false,
            span: at,
        });
        into.push(hir::Statement {
            kind: StatementKind::LetElse {
                pattern: hir::Pattern {
                    kind: PatternKind::Bind(local),
                    ty: content.clone(),
                    span: at,
                },
                value: checked,
                otherwise,
            },
            span,
        });
        let value = self.coerce(make(ExprKind::Local(local), content, at), &target.ty);
        StatementKind::Assign {
            target,
            operator: None,
            value,
        }
    }

    /// Whether an expression is a place that may be written; says why where it is not.
    pub fn assignable(&mut self, target: &hir::Expr) -> bool {
        let span = target.span;
        match &target.kind {
            ExprKind::Error => false,
            ExprKind::State(_) => true,
            ExprKind::Local(id) => {
                let local = self.local(*id).clone();
                if matches!(local.ty, Type::Row(_)) && !local.mutable {
                    self.world
                        .error(
                            codes::NOT_ASSIGNABLE,
                            span,
                            format!(
                                "`{}` names a row, and a row's name stays where it is",
                                local.name
                            ),
                        )
                        .hint(format!(
                            "assign to its fields, as in `{}.field = …`",
                            local.name
                        ));
                    return false;
                }
                if !local.mutable {
                    let (name, bound) = (local.name.clone(), local.span);
                    let before = &self.world.sources.file(bound.file).text[..bound.start as usize];
                    let word = before.trim_end();
                    let begin = word.len().saturating_sub(3) as u32;
                    let is_let = word.ends_with("let") && !before.is_empty();
                    let hint = match is_let {
                        true => format!("var {name} = …"),
                        false => format!("var other = {name}, and change that"),
                    };
                    let note = self
                        .world
                        .error(
                            codes::NOT_ASSIGNABLE,
                            span,
                            format!("`{name}` does not change: it was bound without `var`"),
                        )
                        .label("changed here")
                        .secondary(bound, "bound here")
                        .hint(hint);
                    if is_let {
                        drop(note.edit(Span::new(bound.file, begin, begin + 3), "var"));
                    }
                    return false;
                }
                true
            }
            ExprKind::Field { base, field } => self.field_assignable(base, *field, span),
            ExprKind::Index { base, .. } => match &base.ty {
                Type::Place { mutable, .. } => self.place_writable(*mutable, span),
                _ => self.assignable(base),
            },
            ExprKind::LowLevel {
                op: hir::LowLevel::At | hir::LowLevel::Window,
                ..
            }
            | ExprKind::Touch { .. } => match &target.ty {
                Type::Place { mutable, .. } => self.place_writable(*mutable, span),
                _ => true,
            },
            ExprKind::Aggregate { .. } => {
                self.world
                    .error(
                        codes::NOT_ASSIGNABLE,
                        span,
                        "an aggregate is kept by the writes to its table",
                    )
                    .hint("change the rows instead");
                false
            }
            _ => {
                self.world.error(
                    codes::NOT_ASSIGNABLE,
                    span,
                    "this is a value, not a place that could change",
                );
                false
            }
        }
    }

    fn field_assignable(&mut self, base: &hir::Expr, field: u32, span: Span) -> bool {
        match &base.ty {
            Type::Row(_) if matches!(base.kind, ExprKind::Get { .. }) => {
                let text = self.world.text_of(base.span);
                self.world
                    .error(
                        codes::NOT_ASSIGNABLE,
                        span,
                        "a row is written by its name, and this one has none yet",
                    )
                    .hint(format!("let row = {text}, then assign to `row`'s fields"));
                false
            }
            Type::Row(table) => {
                let table = &self.world.program.tables[table.0 as usize];
                if field < table.key_len {
                    let (field, name) = (
                        table.fields[field as usize].name.clone(),
                        table.name.clone(),
                    );
                    self.world
                        .error(
                            codes::KEY_ASSIGNED,
                            span,
                            format!("`{field}` is the key of `{name}`, and a row keeps its key"),
                        )
                        .hint("delete the row and insert another");
                    return false;
                }
                true
            }
            Type::Place { mutable, .. } => self.place_writable(*mutable, span),
            _ => self.assignable(base),
        }
    }

    fn place_writable(&mut self, mutable: bool, span: Span) -> bool {
        if !mutable {
            self.world
                .error(codes::NOT_ASSIGNABLE, span, "this place is for reading")
                .hint("touch mut(region, page), or a `place_mut` parameter");
        }
        mutable
    }
}
