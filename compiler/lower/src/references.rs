//! References: the target's row is looked for at each write, and its deletion looks at those that refer to it.
//!
//! Always true: a reference leads to a row that is there, at each moment between two writes; a row is looked for after it
//! was written, so that it may refer to itself; what a deletion takes along is deleted before what forbids it is asked.

use crate::body::Function;
use crate::code::Code;
use crate::effects::Summary;
use crate::lowering::Lowering;
use crate::watch::Journal;
use rc_bytecode::instr::{Builtin, FunctionIndex, Instr, Register, Scalar, Space, Type, View};
use rc_bytecode::layout::Shape;
use rc_bytecode::module::FunctionKind;
use rc_hir as hir;
use rc_hir::{Reference, TableId};

/// What a function that deletes was made for: the table, and the lists that it adds to.
pub type Deletion = (TableId, Vec<(Journal, Type)>);

impl<'p> Lowering<'p> {
    /// The function that deletes a row of this table with all that goes along.
    fn deletion(&mut self, deletion: Deletion, summary: Summary) -> FunctionIndex {
        if let Some(known) = self.deletions.get(&deletion) {
            return *known;
        }
        let (table, journals) = &deletion;
        let program = self.program;
        let declared = &program.tables[table.0 as usize];
        let mut parameters = vec![Type::View(View {
            space: Space::Frame,
            length: self.schema.tables[table.0 as usize].key_bytes,
            writable: false,
        })];
        parameters.extend(journals.iter().map(|(_, ty)| *ty));
        let mut function = self.function(
            Code::new(&parameters, declared.span),
            Vec::new(),
            &[],
            summary,
        );
        for (number, (journal, _)) in journals.iter().enumerate() {
            function
                .journals
                .insert(*journal, Register(number as u32 + 1));
        }
        function.touch_states();
        let was_there = function.delete_with_references(*table, Register(0));
        function.code.emit(Instr::Return {
            values: vec![was_there],
        });
        let Function { code, .. } = function;
        let index = self.finished(
            format!("delete {}", declared.name),
            FunctionKind::Plain,
            parameters,
            vec![Type::Scalar(Scalar::Bool)],
            false,
            code,
        );
        self.deletions.insert(deletion, index);
        index
    }
}

impl<'l, 'p> Function<'l, 'p> {
    pub fn references(&self, table: TableId) -> &'p [Reference] {
        let program = self.low.program;
        &program.tables[table.0 as usize].references
    }

    /// Where the key stands in a field that is a reference.
    pub fn reference_offset(&self, shape: &Shape) -> u32 {
        match shape {
            Shape::Optional(inner) => self.low.types.shapes.optional_offset(inner),
            _ => 0,
        }
    }

    /// Fails `InvariantBroken` where a reference of the row in memory leads nowhere.
    pub fn check_reference(&mut self, table: TableId, reference: &'p Reference, row: Register) {
        let info = &self.low.schema.tables[table.0 as usize];
        let field = reference.field as usize;
        let (offset, shape) = (info.offsets[field], info.shapes[field].clone());
        let bytes = self.low.schema.tables[reference.target.0 as usize].key_bytes;
        let at = offset + self.reference_offset(&shape);
        let look = &mut |me: &mut Function<'l, 'p>| {
            let part = me.code.part(row, at, bytes);
            let key = me.code.slot(bytes);
            me.code.copy(key, part);
            me.find(reference.target, key, false, &mut |me: &mut Function<
                'l,
                'p,
            >| {
                me.code.fail(Builtin::InvariantBroken)
            });
        };
        if reference.optional {
            let there = self.code.load(Scalar::Bool, row, offset);
            self.if_else(there, look, &mut |_: &mut Function<'l, 'p>| {});
        } else {
            look(self);
        }
    }

    /// Copies of the references among fields that are about to be written.
    pub fn references_before(
        &mut self,
        table: TableId,
        row: Register,
        fields: &[u32],
    ) -> Vec<(&'p Reference, Register)> {
        let mut before = Vec::new();
        for reference in self.references(table) {
            if fields.contains(&reference.field) {
                let part = self.reference_part(table, reference, row);
                let old = self.code.slot(self.code.view_of(part).length);
                self.code.copy(old, part);
                before.push((reference, old));
            }
        }
        before
    }

    /// Looks for the targets of those that have changed.
    pub fn references_after(
        &mut self,
        table: TableId,
        row: Register,
        before: Vec<(&'p Reference, Register)>,
    ) {
        for (reference, left) in before {
            let right = self.reference_part(table, reference, row);
            let same = self.code.scalar(Scalar::Bool);
            self.code.emit(Instr::EqualBytes {
                dst: same,
                left,
                right,
            });
            self.if_else(
                same,
                &mut |_: &mut Function<'l, 'p>| {},
                &mut |me: &mut Function<'l, 'p>| me.check_reference(table, reference, row),
            );
        }
    }

    fn reference_part(&mut self, table: TableId, reference: &Reference, row: Register) -> Register {
        let info = &self.low.schema.tables[table.0 as usize];
        let field = reference.field as usize;
        let (offset, shape) = (info.offsets[field], info.shapes[field].clone());
        let bytes = self.size(&shape);
        self.code.part(row, offset, bytes)
    }

    // -- deletion ----------------------------------------------------------------------------------------

    /// Deletes the row of this key; says whether it was there.
    pub fn delete_key(&mut self, table: TableId, native: Register) -> Register {
        let program: &'p hir::Program = self.low.program;
        if program.references_to(table).next().is_none() {
            return self.remove_row(table, native);
        }
        let summary = Summary {
            moves: program.deleted_with(table),
            fields: program.cleared_with(table),
            ..Summary::default()
        };
        let lists = self.journals_of(&summary);
        let journals = lists
            .iter()
            .map(|(journal, list)| (*journal, Type::View(self.code.view_of(*list))))
            .collect();
        let function = self.low.deletion((table, journals), summary);
        let mut arguments = vec![native];
        arguments.extend(lists.iter().map(|(_, list)| *list));
        let was_there = self.code.scalar(Scalar::Bool);
        self.code.call(function, arguments, vec![was_there], None);
        was_there
    }

    /// The row, then the rows that go along, then the question whether any reference is left.
    fn delete_with_references(&mut self, table: TableId, native: Register) -> Register {
        let program: &'p hir::Program = self.low.program;
        let was_there = self.remove_row(table, native);
        self.if_else(
            was_there,
            &mut |me: &mut Function<'l, 'p>| {
                for (from, reference) in program.references_to(table) {
                    if let Some(rows) = reference.cascade {
                        me.cascade(from, reference, native, rows);
                    }
                }
                for (from, reference) in program.references_to(table) {
                    if let Some(rows) = reference.clear {
                        me.clear_references(from, reference, native, rows);
                    }
                }
                for (from, reference) in program.references_to(table) {
                    me.leavable(&mut |me: &mut Function<'l, 'p>, end| {
                        if me.first_reference(from, reference, native, end).is_some() {
                            me.code.fail(Builtin::StillReferenced);
                        }
                    });
                }
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
        was_there
    }

    /// Deletes the rows whose reference leads to `native`, at most so many.
    fn cascade(&mut self, from: TableId, reference: &Reference, native: Register, rows: u64) {
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            let at = me.code.number(0);
            let length = me.code.number(rows);
            me.counted(at, length, rows, &mut |me: &mut Function<'l, 'p>| {
                if let Some(key) = me.first_reference(from, reference, native, end) {
                    me.delete_key(from, key);
                }
            });
        });
    }

    /// Makes the references that lead to `native` `none`, at most so many.
    fn clear_references(
        &mut self,
        from: TableId,
        reference: &'p Reference,
        native: Register,
        rows: u64,
    ) {
        let info = &self.low.schema.tables[from.0 as usize];
        let field = reference.field as usize;
        let (offset, shape) = (info.offsets[field], info.shapes[field].clone());
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            let at = me.code.number(0);
            let length = me.code.number(rows);
            me.counted(at, length, rows, &mut |me: &mut Function<'l, 'p>| {
                let Some(key) = me.first_reference(from, reference, native, end) else {
                    return;
                };
                let found = me.find(from, key, true, &mut |me: &mut Function<'l, 'p>| {
                    me.code.fail(Builtin::BoundExceeded)
                });
                let Some(place) = found else { return };
                let row = me.new_row(from, key, place, true);
                me.watch(row, false);
                me.write_row_field(row, reference.field, &mut |me: &mut Function<'l, 'p>| {
                    me.clear(&shape, place, offset, false)
                });
            });
        });
    }
}
