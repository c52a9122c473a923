//! Invariants over groups: which groups a command may have changed, checked at its end.
//!
//! Always true: each change of a group's number notes the group; the list is as long as the command's loops and statements
//! can make it, so that noting never fails; a group that was noted twice in a row stands in the list once.

use crate::body::Function;
use crate::code::Stride;
use crate::effects::{Node, Root, root, visit_block};
use crate::lowering::Lowering;
use crate::places::Location;
use crate::watch::Journal;
use rc_bytecode::instr::{BinaryOp, CompareOp, Instr, Register, Scalar};
use rc_bytecode::layout::align_up;
use rc_bytecode::limits::SLOT_BYTES_MAX;
use rc_diagnostics::{Diagnostic, codes};
use rc_hir as hir;
use rc_hir::{CallableId, ExprKind, StatementKind, TableId};
use std::collections::BTreeMap;

impl<'p> Lowering<'p> {
    /// Bytes of the list of groups that a command may have changed, of those that an invariant asks about; 0 where there are none.
    pub fn group_list_bytes(&mut self, id: CallableId, invariant: u32) -> u32 {
        let program = self.program;
        if !self.effects.callables[id.0 as usize].changes_groups(program, invariant) {
            return 0;
        }
        let declared = &program.invariants[invariant as usize];
        let Some(group) = &declared.group else {
            return 0;
        };
        let shape = self.types.shape(group, &[]);
        let stride = align_up(self.types.shapes.extent(&shape).size, 8);
        let count = self.group_changes(id, invariant, &mut BTreeMap::new());
        let bytes = u64::from(stride).saturating_mul(count).saturating_add(8);
        if bytes > SLOT_BYTES_MAX.into() {
            let name = &program.callables[id.0 as usize].name;
            let message = format!(
                "`{name}` may change {count} groups, each of which an invariant is asked about at its end: too many to keep a list of"
            );
            self.diagnostics.push(
                Diagnostic::error(
                    codes::VALUE_TOO_LARGE,
                    program.callables[id.0 as usize].span,
                    message,
                )
                .with_secondary(declared.span, "this invariant")
                .with_hint("lower the bounds of its loops"),
            );
            return 0;
        }
        bytes as u32
    }

    /// How often a callable may change a group of the invariant's aggregates, at most.
    fn group_changes(
        &mut self,
        id: CallableId,
        invariant: u32,
        known: &mut BTreeMap<CallableId, u64>,
    ) -> u64 {
        if let Some(known) = known.get(&id) {
            return *known;
        }
        let program = self.program;
        if !self.effects.callables[id.0 as usize].changes_groups(program, invariant) {
            return 0;
        }
        let callable = &program.callables[id.0 as usize];
        let aggregates: Vec<&hir::Aggregate> = program.invariants[invariant as usize]
            .reads_aggregates
            .iter()
            .map(|aggregate| &program.aggregates[aggregate.0 as usize])
            .collect();
        let over = |table: TableId| {
            aggregates
                .iter()
                .filter(|aggregate| aggregate.table == table)
                .count() as u64
        };
        let (mut total, mut times, mut calls) = (0u64, vec![1u64], Vec::new());
        visit_block(&callable.body, &mut |node| {
            let now = times.last().copied().unwrap_or(1);
            let changes = match node {
                Node::EnterLoop(source, _) => {
                    let inside = now.saturating_mul(self.bound(source));
                    times.push(inside);
                    0
                }
                Node::LeaveLoop => {
                    times.pop();
                    0
                }
                Node::Statement(statement) => match &statement.kind {
                    StatementKind::Assign { target, .. } => match root(target) {
                        Root::Local(local, Some(field)) => {
                            match callable.locals[local.0 as usize].ty {
                                hir::Type::Row(table) => field_changes(&aggregates, table, field),
                                _ => 0,
                            }
                        }
                        _ => 0,
                    },
                    _ => 0,
                },
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::Insert { table, .. } | ExprKind::GetOrInsert { table, .. } => {
                        over(*table)
                    }
                    ExprKind::Delete { table, .. } => {
                        deletion_changes(program, *table, &aggregates, &over)
                    }
                    // The old row's group and the new one's.
                    ExprKind::Put { table, .. } => 2 * over(*table),
                    ExprKind::Call { callable, .. } => {
                        calls.push((*callable, now));
                        0
                    }
                    _ => 0,
                },
            };
            total = total.saturating_add(changes.saturating_mul(now));
        });
        for (callable, times) in calls {
            let inner = self.group_changes(callable, invariant, known);
            total = total.saturating_add(inner.saturating_mul(times));
        }
        known.insert(id, total);
        total
    }
}

/// Groups that a deletion changes, with the rows that go along.
fn deletion_changes(
    program: &hir::Program,
    table: TableId,
    aggregates: &[&hir::Aggregate],
    over: &dyn Fn(TableId) -> u64,
) -> u64 {
    program
        .references_to(table)
        .fold(over(table), |total, (from, reference)| {
            let (rows, each) = match (reference.cascade, reference.clear) {
                (Some(rows), _) => (rows, deletion_changes(program, from, aggregates, over)),
                (None, Some(rows)) => (rows, field_changes(aggregates, from, reference.field)),
                (None, None) => (0, 0),
            };
            total.saturating_add(rows.saturating_mul(each))
        })
}

/// Groups that a write to one field of a row changes.
fn field_changes(aggregates: &[&hir::Aggregate], table: TableId, field: u32) -> u64 {
    let of = aggregates
        .iter()
        .filter(|aggregate| aggregate.table == table);
    of.map(|aggregate| match aggregate {
        aggregate if aggregate.by == Some(field) => 2,
        aggregate if aggregate.field == Some(field) => 1,
        _ => 0,
    })
    .sum()
}

impl<'l, 'p> Function<'l, 'p> {
    /// Notes that a group of an aggregate has another number, for the invariants that ask.
    pub fn note_group(&mut self, aggregate: usize, key: Register) {
        let program = self.low.program;
        for (number, invariant) in program.invariants.iter().enumerate() {
            let asks = invariant.group.is_some()
                && invariant
                    .reads_aggregates
                    .contains(&hir::AggregateId(aggregate as u32));
            let list = self.journals.get(&Journal::Groups(number as u32)).copied();
            if let (true, Some(list)) = (asks, list) {
                self.note_once(list, key);
            }
        }
    }

    /// Adds a key to a list unless it is the last one there.
    fn note_once(&mut self, list: Register, key: Register) {
        let bytes = self.code.view_of(key).length;
        let stride = align_up(bytes, 8);
        let count = (self.code.view_of(list).length - 8) / stride;
        let array = Stride {
            base: 8,
            stride,
            count,
        };
        let length = self.code.load(Scalar::U64, list, 0);
        let zero = self.code.literal(Scalar::U64, 0);
        let some = self.code.compare(CompareOp::NotEqual, length, zero);
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.if_else(
                some,
                &mut |me: &mut Function<'l, 'p>| {
                    let one = me.code.literal(Scalar::U64, 1);
                    let last = me.code.binary(BinaryOp::WrappingSub, length, one);
                    let last = me.code.part_at(list, last, array, bytes);
                    let same = me.code.scalar(Scalar::Bool);
                    me.code.emit(Instr::EqualBytes {
                        dst: same,
                        left: last,
                        right: key,
                    });
                    me.code.break_if(same, end);
                },
                &mut |_: &mut Function<'l, 'p>| {},
            );
            me.note(list, key);
        });
    }

    /// Fails `InvariantBroken` where the invariant does not hold of a group in the list.
    pub fn check_groups(&mut self, invariant: u32, list: Register) {
        let program = self.low.program;
        let invariant = &program.invariants[invariant as usize];
        let Some(group) = &invariant.group else {
            return;
        };
        let ty = self.ty(group);
        let bytes = self.low.types.extent(&ty).size;
        self.each_noted(list, bytes, &mut |me: &mut Function<'l, 'p>, key, _| {
            let about = me.read_as(
                &ty,
                Location::Static {
                    view: key,
                    offset: 0,
                },
            );
            me.check_condition(invariant, Some(about));
        });
    }
}
