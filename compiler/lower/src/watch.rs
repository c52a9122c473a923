//! Invariants of rows: which rows a command may have broken, checked at its end. Always true: a row bound on the straight
//! path is checked by its name, any other by a list of keys whose length was proven enough. Groups have such lists too.

use crate::body::{Function, Operand};
use crate::code::{Label, Stride};
use crate::effects::{Node, visit_expr};
use rc_bytecode::instr::{BinaryOp, CompareOp, Instr, Register, Scalar};
use rc_bytecode::layout::align_up;
use rc_hir as hir;
use rc_hir::{Expr, ExprKind, LocalId, TableId};

/// A list of keys to be looked at when the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Journal {
    /// Rows of a table that may break its invariants.
    Rows(TableId),
    /// Groups that may break the top-level invariant of this number.
    Groups(u32),
}

/// A row to be looked at when the command ends.
#[derive(Clone, Copy)]
pub struct Check {
    pub row: usize,
    pub inserted: bool,
}

impl<'l, 'p> Function<'l, 'p> {
    /// The table's invariants that may be broken: all of a new row's, else those that read a field which is written somewhere.
    pub fn relevant(&self, table: TableId, inserted: bool) -> Vec<&'p hir::Invariant> {
        let program = self.low.program;
        program.tables[table.0 as usize]
            .invariants
            .iter()
            .filter(|invariant| {
                inserted
                    || reads_any(invariant, |field| {
                        self.summary.fields.contains(&(table, field))
                    })
            })
            .collect()
    }

    pub fn watch(&mut self, row: usize, inserted: bool) {
        let table = self.rows[row].table;
        if self.relevant(table, inserted).is_empty() {
            return;
        }
        if self.entry && self.nested == 0 {
            self.checks.push(Check { row, inserted });
        } else if let Some(journal) = self.journals.get(&Journal::Rows(table)).copied() {
            let key = self.rows[row].key;
            self.note(journal, key);
        }
    }

    /// Adds a key to a list of those to be checked.
    pub fn note(&mut self, journal: Register, key: Register) {
        let bytes = self.code.view_of(key).length;
        let stride = align_up(bytes, 8);
        let count = (self.code.view_of(journal).length - 8) / stride;
        let at = self.code.load(Scalar::U64, journal, 0);
        let slot = self.code.part_at(
            journal,
            at,
            Stride {
                base: 8,
                stride,
                count,
            },
            bytes,
        );
        self.code.copy(slot, key);
        let next = self.add_number(at, 1);
        self.code.store(journal, 0, next);
    }

    /// Checks every row that this command may have broken.
    pub fn check_rows(&mut self) {
        for check in self.checks.clone() {
            let (table, key) = (self.rows[check.row].table, self.rows[check.row].key);
            let invariants = self.relevant(table, check.inserted);
            if !self.rows[check.row].stale {
                invariants.iter().for_each(|invariant| {
                    self.check_condition(invariant, Some(Operand::Row(check.row)))
                });
                continue;
            }
            self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
                let found = me.find(table, key, false, &mut |me: &mut Function<'l, 'p>| {
                    me.code.break_to(end)
                });
                if let Some(found) = found {
                    let row = me.new_row(table, key, found, false);
                    invariants.iter().for_each(|invariant| {
                        me.check_condition(invariant, Some(Operand::Row(row)))
                    });
                }
            });
        }
        for (journal, list) in self.journals.clone() {
            match journal {
                Journal::Rows(table) => self.check_rows_of(table, list),
                Journal::Groups(invariant) => self.check_groups(invariant, list),
            }
        }
    }

    fn check_rows_of(&mut self, table: TableId, journal: Register) {
        let inserted = self.summary.adds.contains(&table);
        let invariants = self.relevant(table, inserted);
        let bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        self.each_noted(
            journal,
            bytes,
            &mut |me: &mut Function<'l, 'p>, key, next| {
                let found = me.find(table, key, false, &mut |me: &mut Function<'l, 'p>| {
                    me.code.break_to(next)
                });
                if let Some(found) = found {
                    let row = me.new_row(table, key, found, false);
                    invariants.iter().for_each(|invariant| {
                        me.check_condition(invariant, Some(Operand::Row(row)))
                    });
                }
            },
        );
    }

    /// Runs `check` for each key of a list, in a slot that it may keep; it may leave to the label.
    pub fn each_noted(
        &mut self,
        journal: Register,
        bytes: u32,
        check: &mut dyn FnMut(&mut Function<'l, 'p>, Register, Label),
    ) {
        let stride = align_up(bytes, 8);
        let count = (self.code.view_of(journal).length - 8) / stride;
        let length = self.code.load(Scalar::U64, journal, 0);
        let at = self.code.number(0);
        let key = self.code.slot(bytes);
        self.counted(at, length, count.into(), &mut |me: &mut Function<
            'l,
            'p,
        >| {
            let noted = me.code.part_at(
                journal,
                at,
                Stride {
                    base: 8,
                    stride,
                    count,
                },
                bytes,
            );
            me.code.copy(key, noted);
            me.leavable(&mut |me: &mut Function<'l, 'p>, next| check(me, key, next));
        });
    }

    /// Runs the body with `at` counting up from where it is to below `length`, at most `max` times.
    pub fn counted(
        &mut self,
        at: Register,
        length: Register,
        max: u64,
        body: &mut dyn FnMut(&mut Function<'l, 'p>),
    ) {
        let some = self.code.compare(CompareOp::Less, at, length);
        self.if_else(
            some,
            &mut |me: &mut Function<'l, 'p>| {
                let end = me.code.begin_loop();
                body(me);
                let scalar = me.code.scalar_of(at);
                let one = me.code.literal(scalar, 1);
                me.code.emit(Instr::Binary {
                    op: BinaryOp::WrappingAdd,
                    dst: at,
                    left: at,
                    right: one,
                });
                let over = me.code.compare(CompareOp::GreaterOrEqual, at, length);
                me.code.break_if(over, end);
                me.code.end_loop(max);
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
    }
}

/// Whether the condition reads one of the row's fields that satisfy `wanted`.
fn reads_any(invariant: &hir::Invariant, wanted: impl Fn(u32) -> bool) -> bool {
    let mut found = false;
    visit_expr(&invariant.condition, &mut |node| {
        if let Node::Expr(Expr {
            kind: ExprKind::Field { base, field },
            ..
        }) = node
            && matches!(base.kind, ExprKind::Local(LocalId(0)))
        {
            found |= wanted(*field);
        }
    });
    found
}
