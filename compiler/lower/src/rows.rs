//! Rows: finding them, keeping their places good, writing them with what hangs on them.
//!
//! A row is (table, key) with a cached place. Whatever may move rows of the table marks the place stale, and
//! its next use finds it again by the key, which has a frame slot of its own. Always true: a field is loaded and
//! stored where the program says so, since two names may be one row; whoever writes a field keeps indexes and
//! aggregates right at once; invariants of rows wait for the command's end, where each row that may break one is checked:
//! those bound on the straight path by name, the others from a list of keys with a proven length.

use crate::body::{Binding, Dest, Function, Operand};
use crate::effects::{Node, visit_expr};
use crate::keys;
use crate::schema::AggregateInfo;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Register, RegionIndex, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir as hir;
use rc_hir::{AggregateFunction, Expr, ExprKind, LocalId, Storage, TableId};

pub struct RowBinding {
    pub table: TableId,
    /// The key as it stands in the row, in the frame.
    pub key: Register,
    pub place: Register,
    pub writable: bool,
    /// The place may be wrong.
    pub stale: bool,
    /// How often it has become so.
    pub moves: u32,
}

/// A row to be looked at when the command ends.
#[derive(Clone, Copy)]
pub struct Check {
    pub row: usize,
    pub inserted: bool,
}

/// What is done when a look-up finds nothing; must not go on.
pub type Absent<'a, 'l, 'p> = &'a mut dyn FnMut(&mut Function<'l, 'p>);

impl<'l, 'p> Function<'l, 'p> {
    pub fn new_row(&mut self, table: TableId, key: Register, place: Register, writable: bool) -> usize {
        self.rows.push(RowBinding { table, key, place, writable, stale: false, moves: 0 });
        self.rows.len() - 1
    }

    /// Marks the places of a table's rows as possibly wrong.
    pub fn table_moved(&mut self, table: TableId) {
        for row in self.rows.iter_mut().filter(|row| row.table == table) {
            row.stale = true;
            row.moves += 1;
        }
    }

    /// The row's view, found again where it may have moved.
    pub fn row_place(&mut self, row: usize) -> Register {
        if self.rows[row].stale {
            let (table, key, place, writable) = {
                let row = &self.rows[row];
                (row.table, row.key, row.place, row.writable)
            };
            // The checker refuses names of rows that may be gone, so there is one.
            let found = self.find(table, key, writable, &mut |me: &mut Function<'l, 'p>| me.code.fail(Builtin::BoundExceeded));
            if let Some(found) = found {
                self.code.move_to(place, found);
            }
            self.rows[row].stale = false;
        }
        self.rows[row].place
    }

    /// A name for a row: from here on what it may break is watched.
    pub fn name_row(&mut self, id: LocalId, row: usize) {
        if self.written.contains(&id) {
            self.watch(row, false);
        }
    }

    /// A row of its own for a name that may come to mean another row.
    pub fn row_variable(&mut self, row: usize, write: bool) -> usize {
        let (table, key) = (self.rows[row].table, self.rows[row].key);
        let place = self.row_place(row);
        let kept = self.code.slot(self.code.view_of(key).length);
        self.code.copy(kept, key);
        let place = self.code.copied(place);
        self.new_row(table, kept, place, write && self.rows[row].writable)
    }

    /// `variable = row`: the key now, the place at the next use.
    pub fn assign_row(&mut self, id: LocalId, variable: usize, row: usize) {
        if self.written.contains(&id) {
            let noted = self.row_variable(row, false);
            self.watch(noted, false);
        }
        let (to, from) = (self.rows[variable].key, self.rows[row].key);
        self.code.copy(to, from);
        self.rows[variable].stale = true;
        self.rows[variable].moves += 1;
    }

    // -- keys ----------------------------------------------------------------------------------------------

    /// The key as it stands in a row, in a new slot.
    fn native_key(&mut self, table: TableId, key: &'p [Expr]) -> Register {
        let info = &self.low.schema.tables[table.0 as usize];
        let (bytes, offsets) = (info.key_bytes, info.offsets.clone());
        let view = self.code.zeroed_slot(bytes);
        for (part, offset) in key.iter().zip(offsets) {
            self.into(part, Dest::Memory { view, offset, fresh: true });
        }
        view
    }

    /// What the container of the table wants as a key, from the key as it stands in a row.
    fn container_key(&mut self, table: TableId, native: Register) -> Vec<Register> {
        let info = &self.low.schema.tables[table.0 as usize];
        match info.storage {
            Storage::Hashed => vec![native],
            Storage::Dense => {
                let scalar = crate::concrete::scalar_of(&info.shapes[0]).unwrap_or(Scalar::U64);
                let capacity = info.capacity;
                let key = self.code.load(scalar, native, 0);
                let key = self.code.convert(ConvertMode::Wrapping, Scalar::U64, key);
                vec![key, self.code.number(capacity)]
            }
            Storage::Ordered => {
                let (bytes, count) = (info.encoded_bytes, info.key_len);
                let key = self.code.zeroed_slot(bytes);
                self.encode_fields(table, &(0..count as u32).collect::<Vec<_>>(), native, key);
                vec![key]
            }
        }
    }

    /// Fields of a row, encoded one after the other.
    fn encode_fields(&mut self, table: TableId, fields: &[u32], row: Register, key: Register) {
        let info = &self.low.schema.tables[table.0 as usize];
        let mut at = 0;
        for field in fields {
            let (shape, offset) = (&info.shapes[*field as usize], info.offsets[*field as usize]);
            at = keys::encode(&mut self.code, &self.low.types.shapes, key, at, shape, row, offset);
        }
    }

    /// An index entry's key for the row.
    pub fn index_key(&mut self, table: TableId, index: usize, row: Register) -> Register {
        let info = &self.low.schema.tables[table.0 as usize].indexes[index];
        let (bytes, fields) = (info.key_bytes, info.fields.clone());
        let key = self.code.zeroed_slot(bytes);
        self.encode_fields(table, &fields, row, key);
        key
    }

    /// Values encoded one after the other from the start of `key`; gives where they end.
    pub fn encode_values(&mut self, key: Register, at: u32, values: &[&'p Expr], shapes: &[Shape]) -> u32 {
        let mut at = at;
        for (value, shape) in values.iter().zip(shapes) {
            at = match self.value(value) {
                Operand::Scalar(register) => keys::encode_scalar(&mut self.code, key, at, register),
                Operand::View(view) => {
                    // A shorter string stands for the field's own type.
                    let size = self.size(shape);
                    let view = if self.code.view_of(view).length == size {
                        view
                    } else {
                        let slot = self.code.slot(size);
                        self.code.copy(slot, view);
                        slot
                    };
                    keys::encode(&mut self.code, &self.low.types.shapes, key, at, shape, view, 0)
                }
                _ => return at,
            };
        }
        at
    }

    // -- look-up -------------------------------------------------------------------------------------------

    fn container(&self, table: TableId, hashed: &'static str, ordered: &'static str, dense: &'static str) -> &'static str {
        match self.low.schema.tables[table.0 as usize].storage {
            Storage::Hashed => hashed,
            Storage::Ordered => ordered,
            Storage::Dense => dense,
        }
    }

    /// The place of the row with this key.
    pub fn find(&mut self, table: TableId, native: Register, write: bool, absent: Absent<'_, 'l, 'p>) -> Option<Register> {
        let name = if write {
            self.container(table, "hashed.find_mut", "ordered.table_find_mut", "dense.find_mut")
        } else {
            self.container(table, "hashed.find", "ordered.table_find", "dense.find")
        };
        let arguments = self.container_key(table, native);
        let (generics, region) = self.container_of(table);
        self.call_std(name, generics, region, arguments, Some(absent))
    }

    fn container_of(&self, table: TableId) -> (Vec<crate::concrete::Ty>, RegionIndex) {
        let info = &self.low.schema.tables[table.0 as usize];
        (info.generics(), info.region)
    }

    fn index_of(&self, table: TableId, index: usize) -> (Vec<crate::concrete::Ty>, RegionIndex) {
        let info = &self.low.schema.tables[table.0 as usize];
        (info.index_generics(index), info.indexes[index].region)
    }

    pub fn get(&mut self, table: TableId, key: &'p [Expr], absent: Absent<'_, 'l, 'p>) -> Operand {
        let write = std::mem::take(&mut self.write_wanted);
        let native = self.native_key(table, key);
        if self.code.ended() {
            return Operand::Never;
        }
        match self.find(table, native, write, absent) {
            Some(place) => Operand::Row(self.new_row(table, native, place, write)),
            None => Operand::Never,
        }
    }

    pub fn get_unique(&mut self, table: TableId, index: u32, parts: &'p [Expr], absent: Absent<'_, 'l, 'p>) -> Operand {
        let write = std::mem::take(&mut self.write_wanted);
        let info = &self.low.schema.tables[table.0 as usize];
        let entry = &info.indexes[index as usize];
        let shapes: Vec<Shape> = entry.fields.iter().map(|field| info.shapes[*field as usize].clone()).collect();
        let (bytes, key_bytes) = (entry.key_bytes, info.key_bytes);
        let key = self.code.zeroed_slot(bytes);
        self.encode_values(key, 0, &parts.iter().collect::<Vec<_>>(), &shapes);
        if self.code.ended() {
            return Operand::Never;
        }
        let (generics, region) = self.index_of(table, index as usize);
        let Some(entry) = self.call_std("ordered.table_find", generics, region, vec![key], Some(&mut *absent)) else { return Operand::Never };
        let native = self.code.slot(key_bytes);
        self.code.copy(native, entry);
        match self.find(table, native, write, absent) {
            Some(place) => Operand::Row(self.new_row(table, native, place, write)),
            None => Operand::Never,
        }
    }

    /// `let x = Account.get(…)`: whether it is there now, and its key, to find it by later.
    pub fn bind_maybe(&mut self, id: LocalId, value: &'p Expr) {
        let present = self.code.scalar(Scalar::Bool);
        let mut bound = None;
        self.code.emit(rc_bytecode::instr::Instr::Const { dst: present, bits: 0 });
        let hir::Type::Optional(row) = &value.ty else { return };
        let hir::Type::Row(table) = **row else { return };
        let bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let kept = self.code.slot(bytes);
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.nested += 1;
            if let Operand::Row(row) = me.optional(value, &mut |me: &mut Function<'l, 'p>| me.code.break_to(end)) {
                let key = me.rows[row].key;
                me.code.copy(kept, key);
                me.code.emit(rc_bytecode::instr::Instr::Const { dst: present, bits: 1 });
                bound = Some(row);
            }
            me.nested -= 1;
        });
        if let Some(row) = bound {
            let place = self.rows[row].place;
            let row = self.new_row(table, kept, place, self.written.contains(&id));
            self.locals[id.0 as usize] = Binding::Maybe(present, row);
        }
    }

    pub fn unwrap_maybe(&mut self, id: LocalId, absent: Absent<'_, 'l, 'p>) -> Operand {
        let Binding::Maybe(present, row) = self.locals[id.0 as usize] else { return Operand::Never };
        let wanted = std::mem::take(&mut self.write_wanted);
        self.if_else(present, &mut |_: &mut Function<'l, 'p>| {}, absent);
        let (table, key, write) = (self.rows[row].table, self.rows[row].key, self.rows[row].writable || wanted);
        // It may have been deleted since.
        match self.find(table, key, write, absent) {
            Some(place) => Operand::Row(self.new_row(table, key, place, write)),
            None => Operand::Never,
        }
    }

    // -- insertion and deletion ----------------------------------------------------------------------------

    fn new_record(&mut self, table: TableId, fields: &'p [Expr]) -> Register {
        let info = &self.low.schema.tables[table.0 as usize];
        let (size, offsets) = (info.extent.size, info.offsets.clone());
        let view = self.code.slot(size);
        let fresh = self.code.loops == 0;
        for (field, offset) in fields.iter().zip(offsets) {
            self.into(field, Dest::Memory { view, offset, fresh });
        }
        view
    }

    pub fn insert_row(&mut self, table: TableId, fields: &'p [Expr]) {
        let record = self.new_record(table, fields);
        if !self.code.ended() {
            self.insert_record(table, record);
        }
    }

    /// Inserts a row that stands in the frame; fails `AlreadyExists`.
    fn insert_record(&mut self, table: TableId, record: Register) -> Option<usize> {
        let info = &self.low.schema.tables[table.0 as usize];
        let (key_bytes, capacity, dense) = (info.key_bytes, info.capacity, info.storage == Storage::Dense);
        let native = self.code.part(record, 0, key_bytes);
        let name = self.container(table, "hashed.insert", "ordered.table_insert", "dense.insert");
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
        if let Some(entry) = self.call_std("ordered.table_insert", generics, region, vec![key, capacity], Some(exists)) {
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
                let found = me.find(table, native, true, &mut |me: &mut Function<'l, 'p>| me.code.break_to(absent));
                if let Some(place) = found {
                    let row = me.new_row(table, native, place, true);
                    me.watch(row, true);
                    let all: Vec<u32> = (0..me.low.schema.tables[table.0 as usize].shapes.len() as u32).collect();
                    me.write_fields(row, &all, &mut |me: &mut Function<'l, 'p>| me.code.copy(place, record));
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
                let found = me.find(table, native, true, &mut |me: &mut Function<'l, 'p>| me.code.break_to(absent));
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
        let program = self.low.program;
        let indexes = self.low.schema.tables[table.0 as usize].indexes.len();
        let counted = program.aggregates.iter().any(|aggregate| aggregate.table == table);
        let was_there = self.code.scalar(Scalar::Bool);
        self.code.emit(rc_bytecode::instr::Instr::Const { dst: was_there, bits: 0 });
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            if indexes > 0 || counted {
                let found = me.find(table, native, false, &mut |me: &mut Function<'l, 'p>| me.code.break_to(end));
                let Some(place) = found else { return };
                for index in 0..indexes {
                    let entry = me.index_key(table, index, place);
                    me.remove_entry(table, index, entry);
                }
                me.count_row(table, place, BinaryOp::Sub);
            }
            let name = me.container(table, "hashed.delete", "ordered.table_delete", "dense.delete");
            let arguments = me.container_key(table, native);
            let (generics, region) = me.container_of(table);
            if let Some(deleted) = me.call_std(name, generics, region, arguments, None) {
                me.code.move_to(was_there, deleted);
            }
        });
        self.table_moved(table);
        Operand::Scalar(was_there)
    }

    // -- writing fields ------------------------------------------------------------------------------------

    /// Stores to one field of a row, with what hangs on it.
    pub fn write_row_field(&mut self, row: usize, field: u32, store: &mut dyn FnMut(&mut Function<'l, 'p>)) {
        self.row_place(row);
        self.write_fields(row, &[field], store);
    }

    fn write_fields(&mut self, row: usize, fields: &[u32], store: &mut dyn FnMut(&mut Function<'l, 'p>)) {
        let (table, place) = (self.rows[row].table, self.rows[row].place);
        let indexes: Vec<usize> = self.low.schema.tables[table.0 as usize]
            .indexes
            .iter()
            .enumerate()
            .filter(|(_, index)| index.fields.iter().any(|field| fields.contains(field)))
            .map(|(number, _)| number)
            .collect();
        let old_keys: Vec<Register> = indexes.iter().map(|index| self.index_key(table, *index, place)).collect();
        let program = self.low.program;
        let aggregates: Vec<usize> = program
            .aggregates
            .iter()
            .enumerate()
            .filter(|(_, aggregate)| {
                let touched = |field: Option<u32>| field.is_some_and(|field| fields.contains(&field));
                aggregate.table == table && (touched(aggregate.field) || touched(aggregate.by))
            })
            .map(|(number, _)| number)
            .collect();
        let mut before: Vec<Option<Register>> = Vec::new();
        for aggregate in &aggregates {
            before.push(self.single_amount(*aggregate, place));
            if before.last().is_some_and(Option::is_none) {
                self.count_one(*aggregate, place, BinaryOp::Sub);
            }
        }
        store(self);
        if self.code.ended() {
            return;
        }
        for (aggregate, before) in aggregates.iter().zip(before) {
            match before {
                Some(before) => self.recount(*aggregate, place, before),
                None => self.count_one(*aggregate, place, BinaryOp::Add),
            }
        }
        for (index, old) in indexes.iter().zip(old_keys) {
            let new = self.index_key(table, *index, place);
            let same = self.code.scalar(Scalar::Bool);
            self.code.emit(rc_bytecode::instr::Instr::EqualBytes { dst: same, left: old, right: new });
            self.if_else(same, &mut |_: &mut Function<'l, 'p>| {}, &mut |me: &mut Function<'l, 'p>| {
                me.remove_entry(table, *index, old);
                me.add_entry(table, *index, new, place);
            });
        }
    }

    // -- aggregates ----------------------------------------------------------------------------------------

    /// A whole row's part in the table's aggregates.
    fn count_row(&mut self, table: TableId, row: Register, op: BinaryOp) {
        let program = self.low.program;
        for (number, aggregate) in program.aggregates.iter().enumerate() {
            if aggregate.table == table {
                self.count_one(number, row, op);
            }
        }
    }

    /// Adds or takes away what a row counts for. A sum outside its type fails `Overflow` at this write.
    fn count_one(&mut self, number: usize, row: Register, op: BinaryOp) {
        let aggregate = &self.low.program.aggregates[number];
        let info = &self.low.schema.tables[aggregate.table.0 as usize];
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Ends => {}
            AggregateInfo::Single(state) => {
                let (page, offset, shape) = (state.page, state.offset, state.shape.clone());
                let Some(view) = self.states.get(page as usize).copied().flatten() else { return };
                self.add_to(number, view, offset, &shape, row, op);
            }
            AggregateInfo::Grouped { region, group, group_bytes, value } => {
                let (region, bytes, value) = (*region, *group_bytes, value.clone());
                let by = aggregate.by.map_or(0, |by| info.offsets[by as usize]);
                let generics = self.group_generics(group, &value);
                let group = self.code.part(row, by, bytes);
                let key = self.code.slot(bytes);
                self.code.copy(key, group);
                let size = self.size(&value);
                let base = self.group_base(number);
                let slot = self.find_group(generics, region, key, base + size);
                if let Some(slot) = slot {
                    self.add_to(number, slot, base, &value, row, op);
                }
            }
        }
    }

    /// The generic arguments of a table from group to number.
    pub fn group_generics(&self, group: &Shape, value: &Shape) -> Vec<crate::concrete::Ty> {
        let (group, value) = (self.low.types.shapes.extent(group), self.low.types.shapes.extent(value));
        let base = rc_bytecode::layout::align_up(group.size, 8);
        let key = crate::concrete::Opaque { size: group.size, align: 8 };
        let rest = crate::concrete::Opaque { size: base - group.size + value.size, align: 1 };
        vec![crate::concrete::Ty::Opaque(key), crate::concrete::Ty::Opaque(rest)]
    }

    /// Where a group's number stands in its row.
    pub fn group_base(&self, number: usize) -> u32 {
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Grouped { group_bytes, .. } => rc_bytecode::layout::align_up(*group_bytes, 8),
            _ => 0,
        }
    }

    /// The row of a group, made where there is none.
    fn find_group(&mut self, generics: Vec<crate::concrete::Ty>, region: RegionIndex, key: Register, size: u32) -> Option<Register> {
        let mut joined: Option<Register> = None;
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.leavable(&mut |me: &mut Function<'l, 'p>, absent| {
                let none = &mut |me: &mut Function<'l, 'p>| me.code.break_to(absent);
                if let Some(found) = me.call_std("hashed.find_mut", generics.clone(), region, vec![key], Some(none)) {
                    joined = Some(me.code.copied(found));
                    me.code.break_to(end);
                }
            });
            let capacity = me.code.number(1 << 40);
            let exists = &mut |me: &mut Function<'l, 'p>| me.code.fail(Builtin::AlreadyExists);
            let made = me.call_std("hashed.insert", generics.clone(), region, vec![key, capacity], Some(exists));
            if let (Some(made), Some(joined)) = (made, joined) {
                let bytes = me.code.view_of(key).length;
                let rest = me.code.part(made, bytes, me.code.view_of(made).length.max(size) - bytes);
                me.code.zero(rest);
                me.code.move_to(joined, made);
            }
        });
        joined
    }

    /// What a row counts for in a sum that is one number: that is changed by one store, the new for the old.
    fn single_amount(&mut self, number: usize, row: Register) -> Option<Register> {
        let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] else { return None };
        let wide = crate::concrete::scalar_of(&state.shape)?;
        self.amount(number, wide, row)
    }

    fn recount(&mut self, number: usize, row: Register, before: Register) {
        let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] else { return };
        let (page, offset) = (state.page, state.offset);
        let Some(view) = self.states.get(page as usize).copied().flatten() else { return };
        let wide = self.code.scalar_of(before);
        let Some(after) = self.amount(number, wide, row) else { return };
        let old = self.code.load(wide, view, offset);
        let rest = self.code.binary(BinaryOp::Sub, old, before);
        let new = self.code.binary(BinaryOp::Add, rest, after);
        self.code.store(view, offset, new);
    }

    /// What a row counts for.
    fn amount(&mut self, number: usize, wide: Scalar, row: Register) -> Option<Register> {
        let aggregate = &self.low.program.aggregates[number];
        let info = &self.low.schema.tables[aggregate.table.0 as usize];
        match (aggregate.function, aggregate.field) {
            (AggregateFunction::Sum, Some(field)) => {
                let scalar = crate::concrete::scalar_of(&info.shapes[field as usize])?;
                let value = self.code.load(scalar, row, info.offsets[field as usize]);
                Some(self.code.convert(ConvertMode::Checked, wide, value))
            }
            _ => Some(self.code.literal(wide, 1)),
        }
    }

    fn add_to(&mut self, number: usize, view: Register, offset: u32, shape: &Shape, row: Register, op: BinaryOp) {
        let Some(wide) = crate::concrete::scalar_of(shape) else { return };
        let Some(amount) = self.amount(number, wide, row) else { return };
        let old = self.code.load(wide, view, offset);
        let new = self.code.binary(op, old, amount);
        self.code.store(view, offset, new);
    }

    // -- invariants of rows --------------------------------------------------------------------------------

    /// The table's invariants that may be broken: all of a new row's, else those that read a field which is written somewhere.
    pub fn relevant(&self, table: TableId, inserted: bool) -> Vec<&'p hir::Invariant> {
        let program = self.low.program;
        program.tables[table.0 as usize]
            .invariants
            .iter()
            .filter(|invariant| inserted || reads_any(invariant, |field| self.summary.fields.contains(&(table, field))))
            .collect()
    }

    fn watch(&mut self, row: usize, inserted: bool) {
        let table = self.rows[row].table;
        if self.relevant(table, inserted).is_empty() {
            return;
        }
        if self.entry && self.nested == 0 {
            self.checks.push(Check { row, inserted });
        } else if let Some(journal) = self.journals.get(&table).copied() {
            self.note(journal, row);
        }
    }

    /// Adds a row's key to the list of those to be checked.
    fn note(&mut self, journal: Register, row: usize) {
        let key = self.rows[row].key;
        let bytes = self.code.view_of(key).length;
        let stride = rc_bytecode::layout::align_up(bytes, 8);
        let count = (self.code.view_of(journal).length - 8) / stride;
        let at = self.code.load(Scalar::U64, journal, 0);
        let slot = self.code.part_at(journal, at, crate::code::Stride { base: 8, stride, count }, bytes);
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
                invariants.iter().for_each(|invariant| self.check_condition(invariant, Some(check.row)));
                continue;
            }
            self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
                let found = me.find(table, key, false, &mut |me: &mut Function<'l, 'p>| me.code.break_to(end));
                if let Some(found) = found {
                    let row = me.new_row(table, key, found, false);
                    invariants.iter().for_each(|invariant| me.check_condition(invariant, Some(row)));
                }
            });
        }
        for (table, journal) in self.journals.clone() {
            self.check_journal(table, journal);
        }
    }

    fn check_journal(&mut self, table: TableId, journal: Register) {
        let inserted = self.summary.adds.contains(&table);
        let invariants = self.relevant(table, inserted);
        let bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let stride = rc_bytecode::layout::align_up(bytes, 8);
        let count = (self.code.view_of(journal).length - 8) / stride;
        let length = self.code.load(Scalar::U64, journal, 0);
        let at = self.code.number(0);
        let key = self.code.slot(bytes);
        self.counted(at, length, count.into(), &mut |me: &mut Function<'l, 'p>| {
            let noted = me.code.part_at(journal, at, crate::code::Stride { base: 8, stride, count }, bytes);
            me.code.copy(key, noted);
            me.leavable(&mut |me: &mut Function<'l, 'p>, next| {
                let found = me.find(table, key, false, &mut |me: &mut Function<'l, 'p>| me.code.break_to(next));
                if let Some(found) = found {
                    let row = me.new_row(table, key, found, false);
                    invariants.iter().for_each(|invariant| me.check_condition(invariant, Some(row)));
                }
            });
        });
    }

    /// Runs the body with `at` counting up from where it is to below `length`, at most `max` times.
    pub fn counted(&mut self, at: Register, length: Register, max: u64, body: &mut dyn FnMut(&mut Function<'l, 'p>)) {
        let some = self.code.compare(CompareOp::Less, at, length);
        self.if_else(
            some,
            &mut |me: &mut Function<'l, 'p>| {
                let end = me.code.begin_loop();
                body(me);
                let scalar = me.code.scalar_of(at);
                let one = me.code.literal(scalar, 1);
                me.code.emit(rc_bytecode::instr::Instr::Binary { op: BinaryOp::WrappingAdd, dst: at, left: at, right: one });
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
        if let Node::Expr(Expr { kind: ExprKind::Field { base, field }, .. }) = node
            && matches!(base.kind, ExprKind::Local(LocalId(0)))
        {
            found |= wanted(*field);
        }
    });
    found
}
