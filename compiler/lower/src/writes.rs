//! Inserting, replacing, deleting and changing rows, with the index entries and aggregates that hang on them.

use crate::body::{Dest, Function, Operand};
use rc_bytecode::instr::{BinaryOp, Builtin, Instr, Register, Scalar};
use rc_hir::{Expr, Storage, TableId};

impl<'l, 'p> Function<'l, 'p> {
    fn new_record(&mut self, table: TableId, fields: &'p [Expr]) -> Register {
        let info = &self.low.schema.tables[table.0 as usize];
        let (size, offsets) = (info.extent.size, info.offsets.clone());
        let view = self.code.slot(size);
        let fresh = self.code.loops == 0;
        for (field, offset) in fields.iter().zip(offsets) {
            self.into(
                field,
                Dest::Memory {
                    view,
                    offset,
                    fresh,
                },
            );
        }
        view
    }

    pub fn insert_row(&mut self, table: TableId, fields: &'p [Expr]) -> Operand {
        let record = self.new_record(table, fields);
        if self.code.ended() {
            return Operand::Never;
        }
        match self.insert_record(table, record) {
            Some(row) => Operand::Row(row),
            None => Operand::Never,
        }
    }

    /// Inserts a row that stands in the frame; fails `AlreadyExists`.
    fn insert_record(&mut self, table: TableId, record: Register) -> Option<usize> {
        let info = &self.low.schema.tables[table.0 as usize];
        let (key_bytes, capacity, dense) = (
            info.key_bytes,
            info.capacity,
            info.storage == Storage::Dense,
        );
        let native = self.code.part(record, 0, key_bytes);
        let name = self.container(
            table,
            "hashed.insert",
            "ordered.table_insert",
            "dense.insert",
        );
        let mut arguments = self.container_key(table, native);
        if !dense {
            arguments.push(self.code.number(capacity));
        }
        let (generics, region) = self.container_of(table);
        let exists = &mut |me: &mut Function<'l, 'p>| me.code.fail(Builtin::AlreadyExists);
        let place = self.call_std(name, generics, region, arguments, Some(exists))?;
        self.code.copy(place, record);
        for index in 0..self.low.schema.tables[table.0 as usize].indexes.len() {
            let key = self.index_key(table, index, record);
            self.add_entry(table, index, key, record);
        }
        self.count_row(table, record, BinaryOp::Add);
        for reference in self.references(table) {
            self.check_reference(table, reference, record);
        }
        self.table_moved(table);
        let row = self.new_row(table, native, place, true);
        self.watch(row, true);
        Some(row)
    }

    /// Adds an index entry that leads to the row.
    fn add_entry(&mut self, table: TableId, index: usize, key: Register, row: Register) {
        let info = &self.low.schema.tables[table.0 as usize];
        let (key_bytes, capacity) = (info.key_bytes, info.capacity);
        let (generics, region) = self.index_of(table, index);
        let capacity = self.code.literal(Scalar::U64, capacity.into());
        let exists = &mut |me: &mut Function<'l, 'p>| me.code.fail(Builtin::AlreadyExists);
        if let Some(entry) = self.call_std(
            "ordered.table_insert",
            generics,
            region,
            vec![key, capacity],
            Some(exists),
        ) {
            let native = self.code.part(row, 0, key_bytes);
            self.code.copy(entry, native);
        }
    }

    fn remove_entry(&mut self, table: TableId, index: usize, key: Register) {
        let (generics, region) = self.index_of(table, index);
        self.call_std("ordered.table_delete", generics, region, vec![key], None);
    }

    pub fn put_row(&mut self, table: TableId, fields: &'p [Expr]) {
        let record = self.new_record(table, fields);
        if self.code.ended() {
            return;
        }
        let key_bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let native = self.code.part(record, 0, key_bytes);
        self.nested += 1;
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.leavable(&mut |me: &mut Function<'l, 'p>, absent| {
                let found = me.find(table, native, true, &mut |me: &mut Function<'l, 'p>| {
                    me.code.break_to(absent)
                });
                if let Some(place) = found {
                    let row = me.new_row(table, native, place, true);
                    me.watch(row, true);
                    let all: Vec<u32> =
                        (0..me.low.schema.tables[table.0 as usize].shapes.len() as u32).collect();
                    me.write_fields(row, &all, &mut |me: &mut Function<'l, 'p>| {
                        me.code.copy(place, record)
                    });
                    me.code.break_to(end);
                }
            });
            me.insert_record(table, record);
        });
        self.nested -= 1;
    }

    pub fn get_or_insert(&mut self, table: TableId, fields: &'p [Expr]) -> Operand {
        let record = self.new_record(table, fields);
        if self.code.ended() {
            return Operand::Never;
        }
        let key_bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let native = self.code.part(record, 0, key_bytes);
        let mut joined: Option<Register> = None;
        self.nested += 1;
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.leavable(&mut |me: &mut Function<'l, 'p>, absent| {
                let found = me.find(table, native, true, &mut |me: &mut Function<'l, 'p>| {
                    me.code.break_to(absent)
                });
                if let Some(found) = found {
                    joined = Some(me.code.copied(found));
                    me.code.break_to(end);
                }
            });
            if let (Some(row), Some(joined)) = (me.insert_record(table, record), joined) {
                let place = me.rows[row].place;
                me.code.move_to(joined, place);
            }
        });
        self.nested -= 1;
        match joined {
            Some(place) => Operand::Row(self.new_row(table, native, place, true)),
            None => Operand::Never,
        }
    }

    pub fn delete_row(&mut self, table: TableId, key: &'p [Expr]) -> Operand {
        let native = self.native_key(table, key);
        if self.code.ended() {
            return Operand::Never;
        }
        let was_there = self.delete_key(table, native);
        for moved in self.low.program.deleted_with(table) {
            self.table_moved(moved);
        }
        Operand::Scalar(was_there)
    }

    /// Removes a row with its index entries and what it counts for; says whether it was there.
    pub fn remove_row(&mut self, table: TableId, native: Register) -> Register {
        let program = self.low.program;
        let indexes = self.low.schema.tables[table.0 as usize].indexes.len();
        let counted = program
            .aggregates
            .iter()
            .any(|aggregate| aggregate.table == table);
        let was_there = self.code.scalar(Scalar::Bool);
        self.code.emit(Instr::Const {
            dst: was_there,
            bits: 0,
        });
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            if indexes > 0 || counted {
                let found = me.find(table, native, false, &mut |me: &mut Function<'l, 'p>| {
                    me.code.break_to(end)
                });
                let Some(place) = found else { return };
                for index in 0..indexes {
                    let entry = me.index_key(table, index, place);
                    me.remove_entry(table, index, entry);
                }
                me.count_row(table, place, BinaryOp::Sub);
            }
            let name = me.container(
                table,
                "hashed.delete",
                "ordered.table_delete",
                "dense.delete",
            );
            let arguments = me.container_key(table, native);
            let (generics, region) = me.container_of(table);
            if let Some(deleted) = me.call_std(name, generics, region, arguments, None) {
                me.code.move_to(was_there, deleted);
            }
        });
        was_there
    }

    // -- writing fields ----------------------------------------------------------------------------------

    /// Stores to one field of a row, with what hangs on it.
    pub fn write_row_field(
        &mut self,
        row: usize,
        field: u32,
        store: &mut dyn FnMut(&mut Function<'l, 'p>),
    ) {
        self.row_place(row);
        self.write_fields(row, &[field], store);
    }

    fn write_fields(
        &mut self,
        row: usize,
        fields: &[u32],
        store: &mut dyn FnMut(&mut Function<'l, 'p>),
    ) {
        let (table, place) = (self.rows[row].table, self.rows[row].place);
        let indexes: Vec<usize> = self.low.schema.tables[table.0 as usize]
            .indexes
            .iter()
            .enumerate()
            .filter(|(_, index)| index.fields.iter().any(|field| fields.contains(field)))
            .map(|(number, _)| number)
            .collect();
        let old_keys: Vec<Register> = indexes
            .iter()
            .map(|index| self.index_key(table, *index, place))
            .collect();
        let program = self.low.program;
        let aggregates: Vec<usize> = program
            .aggregates
            .iter()
            .enumerate()
            .filter(|(_, aggregate)| {
                let touched =
                    |field: Option<u32>| field.is_some_and(|field| fields.contains(&field));
                aggregate.table == table && (touched(aggregate.field) || touched(aggregate.by))
            })
            .map(|(number, _)| number)
            .collect();
        let before: Vec<_> = aggregates
            .iter()
            .map(|aggregate| self.counted_before(*aggregate, place))
            .collect();
        let references = self.references_before(table, place, fields);
        store(self);
        if self.code.ended() {
            return;
        }
        for (aggregate, before) in aggregates.iter().zip(before) {
            if let Some(before) = before {
                self.recounted(*aggregate, place, before, fields);
            }
        }
        for (index, old) in indexes.iter().zip(old_keys) {
            let new = self.index_key(table, *index, place);
            let same = self.code.scalar(Scalar::Bool);
            self.code.emit(Instr::EqualBytes {
                dst: same,
                left: old,
                right: new,
            });
            self.if_else(
                same,
                &mut |_: &mut Function<'l, 'p>| {},
                &mut |me: &mut Function<'l, 'p>| {
                    me.remove_entry(table, *index, old);
                    me.add_entry(table, *index, new, place);
                },
            );
        }
        self.references_after(table, place, references);
    }
}
