//! Invariants: conditions over one row, and over states and aggregates.
//!
//! Always true after it: each invariant names what it reads. What a function called in one reads is found
//! with the effects.

use crate::body::{Body, Place};
use crate::world::*;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Child, ExprKind, Local, TableId, Type};
use rc_syntax::ast;

pub(crate) fn check(world: &mut World<'_>) {
    for index in 0..world.tables.len() {
        let (module, tree) = (world.tables[index].module, world.tables[index].tree);
        for member in &tree.members {
            let ast::TableMember::Invariant { condition, .. } = member else {
                continue;
            };
            let invariant = row_invariant(world, module, TableId(index as u32), condition);
            world.program.tables[index].invariants.push(invariant);
        }
    }
    for index in 0..world.invariants.len() {
        let (module, (for_each, condition)) =
            (world.invariants[index].module, world.invariants[index].tree);
        if let Some(name) = for_each {
            if let Some(invariant) = crate::quantified::invariant(world, module, name, condition) {
                world.program.invariants.push(invariant);
            }
            continue;
        }
        let mut body = Body::new(world, module, &[], Place::Invariant);
        let checked = body.expr_of(condition, &Type::BOOL);
        let locals = body.finish();
        let invariant = finish(world, checked, locals, condition.span);
        if invariant.reads_states.is_empty()
            && invariant.reads_aggregates.is_empty()
            && invariant.condition.ty != Type::Error
        {
            world
                .error(
                    codes::INVARIANT_TOO_WIDE,
                    condition.span,
                    "this invariant reads no state and no aggregate, so nothing could break it",
                )
                .hint("conditions on one row stand inside the table");
        }
        world.program.invariants.push(invariant);
    }
}

fn row_invariant<'a>(
    world: &mut World<'a>,
    module: usize,
    table: TableId,
    condition: &'a ast::Expr,
) -> hir::Invariant {
    let span = world.program.tables[table.0 as usize].span;
    let mut body = Body::new(world, module, &[], Place::RowInvariant(table));
    body.parameters(vec![Local {
        name: String::new(),
        ty: Type::Row(table),
        mutable: false,
        span,
    }]);
    let checked = body.expr_of(condition, &Type::BOOL);
    let locals = body.finish();
    let invariant = finish(world, checked, locals, condition.span);
    if !invariant.reads_states.is_empty() || !invariant.reads_aggregates.is_empty() {
        world
            .error(
                codes::INVARIANT_TOO_WIDE,
                condition.span,
                "a row's invariant reads that row alone",
            )
            .hint("put it at top level, outside the table");
    }
    invariant
}

pub(crate) fn finish(
    world: &mut World<'_>,
    condition: hir::Expr,
    locals: Vec<Local>,
    span: rc_source::Span,
) -> hir::Invariant {
    let (mut reads_states, mut reads_aggregates, mut table_read) = (Vec::new(), Vec::new(), None);
    condition.walk(&mut |expr| match &expr.kind {
        ExprKind::State(id) => reads_states.push(*id),
        ExprKind::Aggregate { id, .. } => reads_aggregates.push(*id),
        ExprKind::Get { .. }
        | ExprKind::GetUnique { .. }
        | ExprKind::Comprehension { .. }
        | ExprKind::Now
        | ExprKind::RandomUuid { .. }
        | ExprKind::CallerId
        | ExprKind::CallerHasRole(_) => {
            table_read = table_read.or(Some(expr.span));
        }
        ExprKind::Call { .. } => table_read = table_read.or(Some(expr.span)),
        _ => expr.each_child(&mut |child| {
            if let Child::Block(block) = child
                && let Some(statement) = block.statements.first()
            {
                table_read = table_read.or(Some(statement.span));
            }
        }),
    });
    if let Some(at) = table_read {
        world
            .error(
                codes::INVARIANT_TOO_WIDE,
                at,
                "an invariant reads fields, states and aggregates, nothing else",
            )
            .label("this could change without the invariant being checked");
    }
    reads_states.sort();
    reads_states.dedup();
    reads_aggregates.sort();
    reads_aggregates.dedup();
    let text = world.text_of(span);
    hir::Invariant {
        condition,
        locals,
        group: None,
        text,
        reads_states,
        reads_aggregates,
        span,
    }
}
