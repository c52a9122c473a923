//! Where the result of an `attempt` may stand: it is matched, given a name by `let`, or dropped. It has no type that
//! could be written, so it is never stored, passed, compared or returned.
//!
//! Works on finished bodies.

use crate::world::World;
use rc_diagnostics::codes;
use rc_hir::{Block, Child, Expr, ExprKind, PatternKind, StatementKind, Type};
use rc_source::Span;

pub(crate) fn check(world: &mut World<'_>) {
    let mut walk = Walk::default();
    let program = &world.program;
    for callable in &program.callables {
        walk.block(&callable.body, callable.result == Type::Unit);
    }
    for test in &program.tests {
        walk.block(&test.body, true);
    }
    for span in walk.found {
        let text = world.text_of(span);
        world
            .error(
                codes::ATTEMPT_AS_VALUE,
                span,
                "the result of an attempt is matched or dropped, not kept",
            )
            .label("used as a value")
            .hint(format!("match {text} {{ Ok(value) => …, Err(_) => … }}"));
    }
}

/// What happens to an expression's value.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Matched, or named by a `let`.
    Looked,
    Dropped,
    Used,
}

#[derive(Default)]
struct Walk {
    found: Vec<Span>,
}

impl Walk {
    /// A block whose value is dropped, or used.
    fn block(&mut self, block: &Block, dropped: bool) {
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::Let { pattern, value }
                    if matches!(pattern.kind, PatternKind::Bind(_) | PatternKind::Wildcard) =>
                {
                    self.expr(value, Fate::Looked);
                }
                StatementKind::Expression(value) => self.expr(value, Fate::Dropped),
                StatementKind::For { body, .. } | StatementKind::As { body, .. } => {
                    statement.each_child(&mut |child| match child {
                        Child::Expr(expr) => self.expr(expr, Fate::Used),
                        Child::Block(_) => {}
                    });
                    self.block(body, true);
                }
                _ => statement.each_child(&mut |child| self.child(child)),
            }
        }
        if let Some(value) = &block.value {
            self.expr(value, if dropped { Fate::Dropped } else { Fate::Used });
        }
    }

    fn child(&mut self, child: Child<'_>) {
        match child {
            Child::Expr(expr) => self.expr(expr, Fate::Used),
            Child::Block(block) => self.block(block, false),
        }
    }

    fn expr(&mut self, expr: &Expr, fate: Fate) {
        let outcome = matches!(expr.ty, Type::Attempted(..));
        let stands = match expr.kind {
            ExprKind::Attempt(_) | ExprKind::Local(_) => fate != Fate::Used,
            _ => fate == Fate::Dropped,
        };
        if outcome && !stands {
            self.found.push(expr.span);
            return;
        }
        let dropped = fate == Fate::Dropped || expr.ty == Type::Unit;
        match &expr.kind {
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                self.expr(condition, Fate::Used);
                self.block(then, dropped);
                otherwise
                    .iter()
                    .for_each(|otherwise| self.block(otherwise, dropped));
            }
            ExprKind::Block(block) => self.block(block, dropped),
            ExprKind::Match { value, arms } => {
                self.expr(value, Fate::Looked);
                let fate = if dropped { Fate::Dropped } else { Fate::Used };
                for arm in arms {
                    arm.guard
                        .iter()
                        .for_each(|guard| self.expr(guard, Fate::Used));
                    self.expr(&arm.body, fate);
                }
            }
            _ => expr.each_child(&mut |child| self.child(child)),
        }
    }
}
