//! What code may do to tables and states, callees included: which rows may move, which fields, states and
//! aggregates change. Always true: an answer covers every path; sets are ordered, so that whoever walks them
//! writes the same code each time.

use rc_hir as hir;
use rc_hir::{Child, Expr, ExprKind, LocalId, Source, Statement, StatementKind, TableId};
use std::collections::BTreeSet;

/// What a visitor meets.
#[derive(Clone, Copy)]
pub enum Node<'a> {
    Expr(&'a Expr),
    Statement(&'a Statement),
    /// Before a loop's body, and after it.
    EnterLoop(&'a Source, &'a hir::Pattern),
    LeaveLoop,
}

pub type Visit<'v, 'a> = &'v mut dyn FnMut(Node<'a>);

pub fn visit_block<'a>(block: &'a hir::Block, visit: Visit<'_, 'a>) {
    for statement in &block.statements {
        visit_statement(statement, visit);
    }
    if let Some(value) = &block.value {
        visit_expr(value, visit);
    }
}

fn visit_statement<'a>(statement: &'a Statement, visit: Visit<'_, 'a>) {
    visit(Node::Statement(statement));
    if let StatementKind::For {
        source,
        body,
        pattern,
    } = &statement.kind
    {
        visit_source(source, visit);
        visit(Node::EnterLoop(source, pattern));
        visit_block(body, visit);
        visit(Node::LeaveLoop);
    } else {
        statement.each_child(&mut |child| visit_child(child, visit));
    }
}

pub fn visit_source<'a>(source: &'a Source, visit: Visit<'_, 'a>) {
    source.each_child(&mut |child| visit_child(child, visit));
}

fn visit_child<'a>(child: Child<'a>, visit: Visit<'_, 'a>) {
    match child {
        Child::Expr(expr) => visit_expr(expr, visit),
        Child::Block(block) => visit_block(block, visit),
    }
}

pub fn visit_expr<'a>(expr: &'a Expr, visit: Visit<'_, 'a>) {
    visit(Node::Expr(expr));
    if let ExprKind::Comprehension {
        value,
        source,
        condition,
        pattern,
    } = &expr.kind
    {
        visit_source(source, visit);
        visit(Node::EnterLoop(source, pattern));
        for inside in condition.iter().chain([value]) {
            visit_expr(inside, visit);
        }
        visit(Node::LeaveLoop);
    } else {
        expr.each_child(&mut |child| visit_child(child, visit));
    }
}

/// Where the value that an assignment changes begins.
pub enum Root {
    /// With the first field taken of it, which for a row names the column.
    Local(LocalId, Option<u32>),
    State(hir::StateId),
    Other,
}

pub fn root(target: &Expr) -> Root {
    let (mut at, mut field) = (target, None);
    loop {
        match &at.kind {
            ExprKind::Field {
                base,
                field: number,
            } => (at, field) = (base, Some(*number)),
            ExprKind::Index { base, .. } => at = base,
            ExprKind::Local(id) => return Root::Local(*id, field),
            ExprKind::State(id) => return Root::State(*id),
            _ => return Root::Other,
        }
    }
}

/// See the file's text. Transitive over calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Tables whose rows may move or go.
    pub moves: BTreeSet<TableId>,
    /// Tables that rows may be added to.
    pub adds: BTreeSet<TableId>,
    /// Fields that may be written in place.
    pub fields: BTreeSet<(TableId, u32)>,
    pub states_written: BTreeSet<hir::StateId>,
    pub states_read: BTreeSet<hir::StateId>,
    pub aggregates_read: BTreeSet<hir::AggregateId>,
    /// Names that come to mean another row; of this code alone, callees have their own.
    pub renamed: BTreeSet<LocalId>,
}

impl Summary {
    fn extend(&mut self, other: &Summary) {
        self.moves.extend(&other.moves);
        self.adds.extend(&other.adds);
        self.fields.extend(&other.fields);
        self.states_written.extend(&other.states_written);
        self.states_read.extend(&other.states_read);
        self.aggregates_read.extend(&other.aggregates_read);
    }

    pub fn writes_table(&self, table: TableId) -> bool {
        self.moves.contains(&table) || self.fields.iter().any(|(of, _)| *of == table)
    }

    /// Whether an aggregate may have another value afterwards.
    pub fn changes_aggregate(&self, aggregate: &hir::Aggregate) -> bool {
        let field = |number: Option<u32>| {
            number.is_some_and(|number| self.fields.contains(&(aggregate.table, number)))
        };
        self.moves.contains(&aggregate.table) || field(aggregate.field) || field(aggregate.by)
    }
}

impl Summary {
    /// Whether groups that a quantified invariant is about may have other numbers afterwards.
    pub fn changes_groups(&self, program: &hir::Program, invariant: u32) -> bool {
        let invariant = &program.invariants[invariant as usize];
        invariant.group.is_some()
            && invariant
                .reads_aggregates
                .iter()
                .any(|aggregate| self.changes_aggregate(&program.aggregates[aggregate.0 as usize]))
    }
}

/// The answers for all callables of a program.
pub struct Effects {
    pub callables: Vec<Summary>,
    /// Row locals and parameters of each callable that are written through.
    pub written: Vec<BTreeSet<LocalId>>,
}

impl Effects {
    pub fn of(program: &hir::Program) -> Effects {
        let count = program.callables.len();
        let mut effects = Effects {
            callables: vec![Summary::default(); count],
            written: vec![BTreeSet::new(); count],
        };
        // Calls are a DAG of unknown order: as many rounds as it is deep settle it.
        loop {
            let mut changed = false;
            for (index, callable) in program.callables.iter().enumerate() {
                let summary = effects.summary(program, &callable.locals, |visit| {
                    visit_block(&callable.body, visit)
                });
                let written = effects.written_rows(program, &callable.locals, &callable.body);
                changed |= summary != effects.callables[index] || written != effects.written[index];
                effects.callables[index] = summary;
                effects.written[index] = written;
            }
            if !changed {
                return effects;
            }
        }
    }

    /// What a piece of code may do; `locals` are those of the callable that it stands in.
    pub fn summary<'a>(
        &self,
        program: &hir::Program,
        locals: &[hir::Local],
        walk: impl FnOnce(Visit<'_, 'a>),
    ) -> Summary {
        let mut summary = Summary::default();
        let write = |target: &Expr, summary: &mut Summary| match root(target) {
            Root::Local(id, Some(field)) => {
                if let hir::Type::Row(table) = locals[id.0 as usize].ty {
                    summary.fields.insert((table, field));
                }
            }
            Root::State(id) => {
                summary.states_written.insert(id);
            }
            Root::Local(_, None) | Root::Other => {}
        };
        walk(&mut |node| match node {
            Node::Statement(Statement {
                kind: StatementKind::Assign { target, .. },
                ..
            }) => {
                if let (ExprKind::Local(id), hir::Type::Row(_)) = (&target.kind, &target.ty) {
                    summary.renamed.insert(*id);
                }
                write(target, &mut summary);
            }
            Node::Statement(_) | Node::EnterLoop(..) | Node::LeaveLoop => {}
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Method {
                    method, receiver, ..
                } if method.changes() => write(receiver, &mut summary),
                ExprKind::Insert { table, .. } | ExprKind::GetOrInsert { table, .. } => {
                    summary.moves.insert(*table);
                    summary.adds.insert(*table);
                }
                ExprKind::Put { table, .. } => {
                    summary.moves.insert(*table);
                    summary.adds.insert(*table);
                    let fields = program.tables[table.0 as usize].fields.len() as u32;
                    summary
                        .fields
                        .extend((0..fields).map(|field| (*table, field)));
                }
                ExprKind::Delete { table, .. } => {
                    summary.moves.extend(program.deleted_with(*table));
                    summary.fields.extend(program.cleared_with(*table));
                }
                ExprKind::State(id) => {
                    summary.states_read.insert(*id);
                }
                ExprKind::Aggregate { id, .. } => {
                    summary.aggregates_read.insert(*id);
                }
                ExprKind::Call { callable, .. } => {
                    let called = self.callables[callable.0 as usize].clone();
                    summary.extend(&called);
                }
                _ => {}
            },
        });
        summary
    }

    /// Row locals that are written through, by name or by being handed to a function that writes.
    pub fn written_rows(
        &self,
        program: &hir::Program,
        locals: &[hir::Local],
        body: &hir::Block,
    ) -> BTreeSet<LocalId> {
        let mut written = BTreeSet::new();
        let is_row = |id: LocalId| matches!(locals[id.0 as usize].ty, hir::Type::Row(_));
        loop {
            let before = written.len();
            let mut found = Vec::new();
            visit_block(body, &mut |node| match node {
                Node::Statement(Statement {
                    kind: StatementKind::Assign { target, .. },
                    ..
                }) => {
                    if let Root::Local(id, Some(_)) = root(target) {
                        found.push(id);
                    }
                }
                Node::Statement(Statement {
                    kind: StatementKind::Let { pattern, value },
                    ..
                }) => {
                    if let (hir::PatternKind::Bind(name), ExprKind::Local(other)) =
                        (&pattern.kind, &value.kind)
                        && written.contains(name)
                    {
                        found.push(*other);
                    }
                }
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::Method {
                        method, receiver, ..
                    } if method.changes() => {
                        if let Root::Local(id, Some(_)) = root(receiver) {
                            found.push(id);
                        }
                    }
                    ExprKind::Call {
                        callable,
                        arguments,
                        ..
                    } => {
                        let parameters = &program.callables[callable.0 as usize].parameters;
                        for (parameter, argument) in parameters.iter().zip(arguments) {
                            if let ExprKind::Local(id) = argument.kind
                                && self.written[callable.0 as usize].contains(parameter)
                            {
                                found.push(id);
                            }
                        }
                    }
                    _ => {}
                },
                Node::Statement(_) | Node::EnterLoop(..) | Node::LeaveLoop => {}
            });
            written.extend(found.into_iter().filter(|id| is_row(*id)));
            if written.len() == before {
                return written;
            }
        }
    }
}
