//! What each callable does, itself and through what it calls: circles, effects, failures, writes where none may be.
//!
//! Works on finished bodies. Calls form a DAG afterwards, or a message names the circle.

use crate::world::World;
use rc_bytecode::instr::ConvertMode;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{
    Block, CallableId, CallableKind, Child, Effects, ErrorId, ExprKind, FailureValue, LowLevel,
    Origin, Source, StatementKind, TableId, Type,
};
use rc_source::Span;
use std::collections::BTreeSet;

/// What a body does.
#[derive(Clone, Default)]
pub(crate) struct Footprint {
    pub effects: Effects,
    pub calls: Vec<(CallableId, Span)>,
    /// Where an `attempt` stands before a call: its failure goes no further.
    attempted: BTreeSet<Span>,
    /// Tables from which rows are deleted.
    pub deletes: BTreeSet<TableId>,
    /// With the place of the first.
    raises: Vec<(ErrorId, Span)>,
    /// Where it first changes something, and what it does there.
    first_write: Option<(Span, String)>,
    /// Where it first draws a random number.
    first_random: Option<Span>,
}

pub(crate) fn check(world: &mut World<'_>) {
    let mut prints: Vec<Footprint> = world
        .program
        .callables
        .iter()
        .map(|callable| footprint(&callable.body, world))
        .collect();
    let order = order(world, &prints);
    for id in order {
        let index = id.0 as usize;
        let mut own = std::mem::take(&mut prints[index]);
        for (callee, span) in own.calls.clone() {
            absorb(&mut own, &prints[callee.0 as usize], callee, span, world);
        }
        settle(world, id, &own);
        prints[index] = own;
    }
    for index in 0..world.program.tests.len() {
        let mut own = footprint(&world.program.tests[index].body, world);
        let helpers: Vec<_> = own
            .calls
            .iter()
            .copied()
            .filter(|(callee, _)| {
                world.program.callables[callee.0 as usize].kind == CallableKind::Function
            })
            .collect();
        for (callee, span) in helpers {
            absorb(&mut own, &prints[callee.0 as usize], callee, span, world);
        }
        if let Some((span, what)) = own.first_write {
            world
                .error(
                    codes::TEST_WRITES,
                    span,
                    format!("a test changes data by calling commands; this {what}"),
                )
                .hint("call the command that does it");
        }
    }
    world.deletes = prints.into_iter().map(|print| print.deletes).collect();
}

fn absorb(own: &mut Footprint, callee: &Footprint, id: CallableId, span: Span, world: &World<'_>) {
    own.effects.reads |= callee.effects.reads;
    own.effects.writes |= callee.effects.writes;
    own.effects.emits |= callee.effects.emits;
    own.deletes.extend(callee.deletes.iter().copied());
    if own.first_write.is_none() && callee.first_write.is_some() {
        let name = &world.program.callables[id.0 as usize].name;
        own.first_write = Some((span, format!("calls `{name}`, which changes data")));
    }
    if callee.first_random.is_some() {
        own.first_random.get_or_insert(span);
    }
    if own.attempted.contains(&span) {
        return;
    }
    own.effects.may_fail |= callee.effects.may_fail;
    for (error, _) in &callee.raises {
        if !own.raises.iter().any(|(known, _)| known == error) {
            own.raises.push((*error, span));
        }
    }
}

fn settle(world: &mut World<'_>, id: CallableId, own: &Footprint) {
    let index = id.0 as usize;
    // A migration has no header that could say `fails`.
    let declared = world.callables.get(index);
    let declared_fails = declared.is_some_and(|declared| !declared.tree.fails.is_empty());
    let callable = &mut world.program.callables[index];
    callable.effects = own.effects;
    if callable.origin == Origin::Std {
        return;
    }
    let (kind, name) = (callable.kind, callable.name.clone());
    if kind == CallableKind::Function && !declared_fails {
        let mut fails: Vec<ErrorId> = own.raises.iter().map(|(error, _)| *error).collect();
        fails.sort();
        callable.fails = fails;
    } else {
        let direct: Vec<Span> = own.calls.iter().map(|(_, span)| *span).collect();
        let missing: Vec<(ErrorId, Span)> = own
            .raises
            .iter()
            .filter(|(error, span)| !callable.fails.contains(error) && direct.contains(span))
            .copied()
            .collect();
        for (error, span) in missing {
            let error = world.program.errors[error.0 as usize].name.clone();
            world
                .error(
                    codes::UNDECLARED_FAILURE,
                    span,
                    format!("this may fail with `{error}`, and `{name}` does not say so"),
                )
                .label("fails inside")
                .hint(format!("fails {error}"));
        }
    }
    if matches!(kind, CallableKind::Query | CallableKind::Report)
        && let Some(span) = own.first_random
    {
        world
            .error(
                codes::RANDOM_IN_QUERY,
                span,
                format!("`{name}` must answer twice the same, and this is new each time"),
            )
            .label("drawn from the command's seed")
            .hint(format!("command {name}(…)"));
    }
    if matches!(kind, CallableKind::Query | CallableKind::Report)
        && let Some((span, what)) = &own.first_write
    {
        let word = if kind == CallableKind::Query {
            "query"
        } else {
            "report"
        };
        world
            .error(
                codes::QUERY_WRITES,
                *span,
                format!("the {word} `{name}` only reads, and this {what}"),
            )
            .label("changes data")
            .hint(format!("command {name}(…)"));
    }
}

/// Callees before callers. Reports each circle once and leaves its closing call out.
fn order(world: &mut World<'_>, prints: &[Footprint]) -> Vec<CallableId> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; prints.len()];
    let mut order = Vec::with_capacity(prints.len());
    for start in 0..prints.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        let mut stack = vec![(start, 0usize)];
        while let Some((node, at)) = stack.last_mut() {
            let node = *node;
            let Some((callee, span)) = prints[node].calls.get(*at).copied() else {
                marks[node] = Mark::Done;
                order.push(CallableId(node as u32));
                stack.pop();
                continue;
            };
            *at += 1;
            let next = callee.0 as usize;
            match marks[next] {
                Mark::Done => {}
                Mark::New => {
                    marks[next] = Mark::Open;
                    stack.push((next, 0));
                }
                Mark::Open => {
                    let from = stack
                        .iter()
                        .position(|(node, _)| *node == next)
                        .unwrap_or(0);
                    let mut names: Vec<&str> = stack[from..]
                        .iter()
                        .map(|(node, _)| world.program.callables[*node].name.as_str())
                        .collect();
                    names.push(&world.program.callables[next].name);
                    let circle = names.join(" → ");
                    let message = match names.len() {
                        2 => format!("`{}` calls itself", names[0]),
                        _ => format!("these call each other in a circle: {circle}"),
                    };
                    let header = world.program.callables[next].span;
                    world
                        .error(codes::RECURSION, span, message)
                        .label("closes the circle")
                        .secondary(header, "begins here")
                        .hint("every command must end: write a bounded `for`");
                }
            }
        }
    }
    order
}

fn footprint(block: &Block, world: &World<'_>) -> Footprint {
    let mut print = Footprint::default();
    visit_block(block, world, &mut print);
    print
}

fn visit_block(block: &Block, world: &World<'_>, print: &mut Footprint) {
    for statement in &block.statements {
        visit_statement(statement, world, print);
    }
    if let Some(value) = &block.value {
        visit(value, world, print);
    }
}

fn visit_statement(statement: &hir::Statement, world: &World<'_>, print: &mut Footprint) {
    match &statement.kind {
        StatementKind::Assign {
            target, operator, ..
        } => {
            print.effects.may_fail |= operator.is_some();
            match root(target) {
                Root::Row(table) => write(print, statement.span, || {
                    format!("changes `{}`", world.program.tables[table.0 as usize].name)
                }),
                Root::State(state) => write(print, statement.span, || {
                    format!("changes `{}`", world.program.states[state.0 as usize].name)
                }),
                Root::Page => print.effects.writes = true,
                Root::Local => {}
            }
        }
        StatementKind::Emit { event, .. } => {
            print.effects.emits = true;
            if print.first_write.is_none() {
                print.first_write = Some((
                    statement.span,
                    format!("emits `{}`", world.program.events[event.0 as usize].name),
                ));
            }
        }
        StatementKind::For { source, .. } => source_effects(source, print),
        _ => {}
    }
    statement.each_child(&mut |child| match child {
        Child::Expr(expr) => visit(expr, world, print),
        Child::Block(block) => visit_block(block, world, print),
    });
}

fn source_effects(source: &Source, print: &mut Footprint) {
    print.effects.may_fail |= matches!(source, Source::Range { .. } | Source::Rows { .. });
    print.effects.reads |= matches!(source, Source::Rows { .. } | Source::AllRows { .. });
}

fn write(print: &mut Footprint, span: Span, what: impl FnOnce() -> String) {
    print.effects.writes = true;
    if print.first_write.is_none() {
        print.first_write = Some((span, what()));
    }
}

enum Root {
    Row(TableId),
    State(hir::StateId),
    Page,
    Local,
}

/// What an assignment to this place changes.
fn root(target: &hir::Expr) -> Root {
    match (&target.kind, &target.ty) {
        (ExprKind::Field { base, .. }, _) => match &base.ty {
            Type::Row(table) => Root::Row(*table),
            Type::Place { .. } => Root::Page,
            _ => root(base),
        },
        (ExprKind::Index { base, .. }, _) => match &base.ty {
            Type::Place { .. } => Root::Page,
            _ => root(base),
        },
        (ExprKind::State(id), _) => Root::State(*id),
        _ => Root::Local,
    }
}

fn visit(expr: &hir::Expr, world: &World<'_>, print: &mut Footprint) {
    let table_name = |table: &TableId| world.program.tables[table.0 as usize].name.clone();
    match &expr.kind {
        ExprKind::State(_)
        | ExprKind::Aggregate { .. }
        | ExprKind::Get { .. }
        | ExprKind::GetUnique { .. } => print.effects.reads = true,
        ExprKind::Insert { table, .. }
        | ExprKind::Put { table, .. }
        | ExprKind::GetOrInsert { table, .. } => {
            print.effects.may_fail = true;
            print.effects.reads = true;
            write(print, expr.span, || {
                format!("changes `{}`", table_name(table))
            });
        }
        ExprKind::Delete { table, .. } => {
            print.effects.reads = true;
            let program = &world.program;
            let gone = program.deleted_with(*table);
            print.effects.may_fail |= gone
                .iter()
                .any(|table| program.references_to(*table).next().is_some());
            print.deletes.extend(gone);
            write(print, expr.span, || {
                format!("changes `{}`", table_name(table))
            });
        }
        ExprKind::Method {
            method, receiver, ..
        } if method.changes() => {
            print.effects.may_fail = true;
            match root(receiver) {
                Root::Row(table) => write(print, expr.span, || {
                    format!("changes `{}`", table_name(&table))
                }),
                Root::State(state) => write(print, expr.span, || {
                    format!("changes `{}`", world.program.states[state.0 as usize].name)
                }),
                Root::Page => print.effects.writes = true,
                Root::Local => {}
            }
        }
        ExprKind::RandomUuid { .. } => {
            print.first_random.get_or_insert(expr.span);
        }
        ExprKind::Method {
            method: hir::Method::Times(_) | hir::Method::Divide(_) | hir::Method::Round(_),
            ..
        } => print.effects.may_fail = true,
        ExprKind::Binary { .. }
        | ExprKind::Index { .. }
        | ExprKind::Convert {
            mode: ConvertMode::Checked,
            ..
        } => print.effects.may_fail = true,
        ExprKind::Fail(failure) => {
            print.effects.may_fail = true;
            if let FailureValue::Declared { error, .. } = failure
                && !print.raises.iter().any(|(known, _)| known == error)
            {
                print.raises.push((*error, expr.span));
            }
        }
        ExprKind::Call { callable, .. } => print.calls.push((*callable, expr.span)),
        ExprKind::Attempt(call) => {
            print.attempted.insert(call.span);
        }
        ExprKind::Comprehension { source, .. } => source_effects(source, print),
        ExprKind::Touch { mutable, .. } => {
            print.effects.reads = true;
            print.effects.writes |= mutable;
            print.effects.may_fail = true;
        }
        ExprKind::LowLevel {
            op: LowLevel::Shift | LowLevel::At | LowLevel::Window,
            ..
        } => print.effects.may_fail = true,
        _ => {}
    }
    expr.each_child(&mut |child| match child {
        Child::Expr(expr) => visit(expr, world, print),
        Child::Block(block) => visit_block(block, world, print),
    });
}
