//! Row names after deletions (decision 10): a name bound to a row of a table is dead once a row of that table
//! may have been deleted, by this body or by what it calls.
//!
//! Follows the program's order; branches are joined, a loop's body is gone through twice, so that a deletion at
//! its end is seen at its beginning.

use crate::world::World;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{
    Block, Child, ExprKind, Local, LocalId, Pattern, PatternKind, Source, StatementKind, TableId,
    Type,
};
use rc_source::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn check(world: &mut World<'_>) {
    if world.deletes.iter().all(BTreeSet::is_empty) {
        return;
    }
    let mut found = Vec::new();
    for callable in &world.program.callables {
        Walk::new(world, &callable.locals).run(&callable.body, &mut found);
    }
    for test in &world.program.tests {
        Walk::new(world, &test.locals).run(&test.body, &mut found);
    }
    for death in found {
        let table = &world.program.tables[death.table.0 as usize].name.clone();
        world
            .error(
                codes::ROW_IS_GONE,
                death.used,
                format!(
                    "`{}` may be gone: a row of `{table}` was deleted before",
                    death.name
                ),
            )
            .label("used here")
            .secondary(death.deleted, "deleted here")
            .hint("read what you need before the deletion, or look the row up again");
    }
}

struct Death {
    name: String,
    table: TableId,
    used: Span,
    deleted: Span,
}

type Dead = BTreeMap<LocalId, (TableId, Span)>;

struct Walk<'w, 'a> {
    world: &'w World<'a>,
    locals: &'w [Local],
    /// Names of rows, by table.
    rows: BTreeMap<TableId, Vec<LocalId>>,
    dead: Dead,
    reported: BTreeSet<Span>,
    found: Vec<Death>,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(world: &'w World<'a>, locals: &'w [Local]) -> Walk<'w, 'a> {
        let mut rows: BTreeMap<TableId, Vec<LocalId>> = BTreeMap::new();
        for (number, local) in locals.iter().enumerate() {
            let mut ty = &local.ty;
            while let Type::Optional(inner) = ty {
                ty = inner;
            }
            if let Type::Row(table) = ty {
                rows.entry(*table).or_default().push(LocalId(number as u32));
            }
        }
        Walk {
            world,
            locals,
            rows,
            dead: Dead::new(),
            reported: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    fn run(mut self, body: &Block, found: &mut Vec<Death>) {
        if !self.rows.is_empty() {
            self.block(body);
            found.append(&mut self.found);
        }
    }

    fn kill(&mut self, table: TableId, span: Span) {
        for local in self.rows.get(&table).into_iter().flatten() {
            self.dead.entry(*local).or_insert((table, span));
        }
    }

    fn bind(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Bind(id) => drop(self.dead.remove(id)),
            PatternKind::Some(inner) | PatternKind::Ok(inner) => self.bind(inner),
            PatternKind::Tuple(parts) => parts.iter().for_each(|part| self.bind(part)),
            PatternKind::Variant { fields, .. } | PatternKind::Failure { fields, .. } => {
                fields.iter().for_each(|(_, part)| self.bind(part))
            }
            _ => {}
        }
    }

    fn block(&mut self, block: &Block) {
        for statement in &block.statements {
            self.statement(statement);
        }
        if let Some(value) = &block.value {
            self.expr(value);
        }
    }

    fn statement(&mut self, statement: &hir::Statement) {
        match &statement.kind {
            StatementKind::Let { pattern, value } => {
                self.expr(value);
                self.bind(pattern);
            }
            StatementKind::LetElse {
                pattern,
                value,
                otherwise,
            } => {
                self.expr(value);
                let before = self.dead.clone();
                self.expr(otherwise);
                self.dead = before;
                self.bind(pattern);
            }
            StatementKind::Assign { target, value, .. } => {
                self.expr(value);
                match &target.kind {
                    ExprKind::Local(id) => drop(self.dead.remove(id)),
                    _ => self.expr(target),
                }
            }
            StatementKind::For {
                pattern,
                source,
                body,
            } => {
                self.source(source);
                let before = self.dead.clone();
                for _ in 0..2 {
                    self.bind(pattern);
                    self.block(body);
                }
                self.join(before);
            }
            _ => statement.each_child(&mut |child| self.child(child)),
        }
    }

    fn source(&mut self, source: &Source) {
        source.each_child(&mut |child| self.child(child));
    }

    fn child(&mut self, child: Child<'_>) {
        match child {
            Child::Expr(expr) => self.expr(expr),
            Child::Block(block) => self.block(block),
        }
    }

    fn join(&mut self, other: Dead) {
        for (local, death) in other {
            self.dead.entry(local).or_insert(death);
        }
    }

    /// Runs one branch from `start`; gives what is dead after it, or nothing where it does not come back.
    fn branch(&mut self, start: &Dead, ends: bool, inside: impl FnOnce(&mut Self)) -> Option<Dead> {
        self.dead = start.clone();
        inside(self);
        let after = std::mem::take(&mut self.dead);
        (!ends).then_some(after)
    }

    fn expr(&mut self, expr: &hir::Expr) {
        match &expr.kind {
            ExprKind::Local(id) => {
                if let Some((table, deleted)) = self.dead.get(id).copied()
                    && self.reported.insert(expr.span)
                {
                    let name = self.locals[id.0 as usize].name.clone();
                    self.found.push(Death {
                        name,
                        table,
                        used: expr.span,
                        deleted,
                    });
                    // One mistake, one message: the name counts as found again.
                    self.dead.remove(id);
                }
            }
            ExprKind::Delete { table, key } => {
                key.iter().for_each(|part| self.expr(part));
                self.kill(*table, expr.span);
            }
            ExprKind::Call {
                callable,
                arguments,
                ..
            } => {
                arguments.iter().for_each(|argument| self.expr(argument));
                let world = self.world;
                for table in &world.deletes[callable.0 as usize] {
                    self.kill(*table, expr.span);
                }
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                self.expr(condition);
                let start = std::mem::take(&mut self.dead);
                let first = self.branch(&start, then.ty == Type::Never, |walk| walk.block(then));
                let second = match otherwise {
                    Some(otherwise) => self.branch(&start, otherwise.ty == Type::Never, |walk| {
                        walk.block(otherwise)
                    }),
                    None => Some(start),
                };
                first
                    .into_iter()
                    .chain(second)
                    .for_each(|dead| self.join(dead));
            }
            ExprKind::Match { value, arms } => {
                self.expr(value);
                let start = std::mem::take(&mut self.dead);
                let mut after = Vec::new();
                for arm in arms {
                    after.extend(self.branch(&start, arm.body.ty == Type::Never, |walk| {
                        walk.bind(&arm.pattern);
                        arm.guard.iter().for_each(|guard| walk.expr(guard));
                        walk.expr(&arm.body);
                    }));
                }
                after.into_iter().for_each(|dead| self.join(dead));
            }
            ExprKind::And(left, right) | ExprKind::Or(left, right) => {
                self.expr(left);
                let before = self.dead.clone();
                self.expr(right);
                self.join(before);
            }
            ExprKind::Comprehension {
                value,
                pattern,
                source,
                condition,
            } => {
                self.source(source);
                for _ in 0..2 {
                    self.bind(pattern);
                    condition.iter().for_each(|condition| self.expr(condition));
                    self.expr(value);
                }
            }
            _ => expr.each_child(&mut |child| self.child(child)),
        }
    }
}
