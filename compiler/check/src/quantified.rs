//! `invariant for c: …`: a condition on each group of some aggregates.
//!
//! Always true of what it lets through: the condition reads aggregates by `c` alone, so that only the groups whose numbers a
//! command changed can break it. Whatever else could break it would need a look at every group, and is refused.

use crate::body::{Body, Place};
use crate::world::*;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Local, LocalId, Type};
use rc_source::Span;
use rc_syntax::ast;

pub(crate) fn invariant<'a>(
    world: &mut World<'a>,
    module: usize,
    name: &'a ast::Name,
    condition: &'a ast::Expr,
) -> Option<hir::Invariant> {
    let mut found = Search {
        world,
        module,
        name,
        groups: Vec::new(),
        broken: false,
    };
    found.expr(condition);
    let (groups, broken) = (found.groups, found.broken);
    let Some((first, group)) = groups.first().cloned() else {
        if !broken {
            world
                .error(
                    codes::GROUP_EXPECTED,
                    name.span,
                    format!(
                        "nothing here has groups for `{0}`: no aggregate is read as `total[{0}]`",
                        name.text
                    ),
                )
                .hint("aggregate total = sum(Table.amount) by group");
        }
        return None;
    };
    if let Some((other, ty)) = groups.iter().find(|(_, ty)| *ty != group) {
        let (one, two) = (world.show(&group), world.show(ty));
        world
            .error(
                codes::TYPE_MISMATCH,
                *other,
                format!("`{}` is `{one}` elsewhere, and `{two}` here", name.text),
            )
            .secondary(first, format!("`{one}`"));
        return None;
    }
    let mut body = Body::new(world, module, &[], Place::Invariant);
    body.parameters(vec![Local {
        name: name.text.to_string(),
        ty: group.clone(),
        mutable: false,
        span: name.span,
    }]);
    let checked = body.expr_of(condition, &Type::BOOL);
    let locals = body.finish();
    let mut invariant = crate::invariants::finish(world, checked, locals, condition.span);
    invariant.group = Some(group);
    if invariant.condition.ty == Type::Error {
        return None;
    }
    only_groups(world, &invariant, &name.text).then_some(invariant)
}

/// Refuses what changes without changing a group: every group would have to be looked at.
fn only_groups(world: &mut World<'_>, invariant: &hir::Invariant, name: &str) -> bool {
    let mut other: Option<(Span, String)> = None;
    invariant.condition.walk(&mut |expr| {
        let what = match &expr.kind {
            ExprKind::State(id) => world.program.states[id.0 as usize].name.clone(),
            ExprKind::Aggregate { id, group } => {
                let of_group = group
                    .as_ref()
                    .is_some_and(|group| matches!(group.kind, ExprKind::Local(LocalId(0))));
                if of_group {
                    return;
                }
                let whole = &world.program.aggregates[id.0 as usize].name;
                match group {
                    Some(_) => world.text_of(expr.span),
                    None => whole.clone(),
                }
            }
            _ => return,
        };
        other.get_or_insert((expr.span, what));
    });
    let Some((span, what)) = other else {
        return true;
    };
    world
        .error(
            codes::INVARIANT_NEEDS_SCAN,
            span,
            format!("each write to `{what}` would have to look at every `{name}`: a scan"),
        )
        .label("not of this group")
        .hint(format!(
            "keep it per group too: a table with that key, and `sum(Table.field) by key` read as `total[{name}]`"
        ));
    false
}

/// Looks for `total[c]`, before anything is known of `c`.
struct Search<'s, 'a> {
    world: &'s World<'a>,
    module: usize,
    name: &'s ast::Name,
    /// Types of the groups, and where they were found.
    groups: Vec<(Span, Type)>,
    /// Whether one was in error, which has been said.
    broken: bool,
}

impl Search<'_, '_> {
    fn expr(&mut self, expr: &ast::Expr) {
        use ast::ExprKind as Kind;
        match &expr.kind {
            Kind::Index { base, index } => {
                self.read(base, index);
                self.expr(base);
                self.expr(index);
            }
            Kind::Member { base, .. }
            | Kind::Cast { value: base, .. }
            | Kind::Unary { operand: base, .. } => self.expr(base),
            Kind::Call { callee, arguments } => {
                self.expr(callee);
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            Kind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            Kind::Tuple(parts) | Kind::List(parts) => {
                parts.iter().for_each(|part| self.expr(part));
            }
            Kind::If {
                condition,
                then,
                otherwise,
            } => {
                self.expr(condition);
                self.block(then);
                otherwise.iter().for_each(|otherwise| self.expr(otherwise));
            }
            Kind::IfLet {
                value,
                then,
                otherwise,
                ..
            } => {
                self.expr(value);
                self.block(then);
                otherwise.iter().for_each(|otherwise| self.expr(otherwise));
            }
            Kind::Match { value, arms } => {
                self.expr(value);
                arms.iter().for_each(|arm| self.expr(&arm.body));
            }
            Kind::Block(block) => self.block(block),
            _ => {}
        }
    }

    fn block(&mut self, block: &ast::Block) {
        block.value.iter().for_each(|value| self.expr(value));
    }

    fn read(&mut self, base: &ast::Expr, index: &ast::Expr) {
        let (ast::ExprKind::Name { name: of, .. }, ast::ExprKind::Name { name: group, .. }) =
            (&base.kind, &index.kind)
        else {
            return;
        };
        if group.text != self.name.text {
            return;
        }
        let Some(Symbol::Aggregate(id)) = self.world.find(self.module, &of.text) else {
            return;
        };
        let aggregate = &self.world.program.aggregates[id.0 as usize];
        self.broken |= aggregate.ty == Type::Error;
        if let Some(by) = aggregate.by {
            let table = &self.world.program.tables[aggregate.table.0 as usize];
            self.groups
                .push((index.span, table.fields[by as usize].ty.clone()));
        }
    }
}
