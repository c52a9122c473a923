//! Rows: finding them, keeping their places good, writing them with what hangs on them.
//!
//! A row is (table, key) with a cached place. Whatever may move rows of the table marks the place stale, and
//! its next use finds it again by the key, which has a frame slot of its own. Always true: a field is loaded and
//! stored where the program says so, since two names may be one row; whoever writes a field keeps indexes and
//! aggregates right at once; invariants of rows wait for the command's end, where each row that may break one is checked:
//! those bound on the straight path by name, the others from a list of keys with a proven length.

use crate::body::{Binding, Dest, Function, Operand};
use crate::keys;
use rc_bytecode::instr::{Builtin, ConvertMode, RegionIndex, Register, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir as hir;
use rc_hir::{Expr, LocalId, Storage, TableId};

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

/// What is done when a look-up finds nothing; must not go on.
pub type Absent<'a, 'l, 'p> = &'a mut dyn FnMut(&mut Function<'l, 'p>);

impl<'l, 'p> Function<'l, 'p> {
    pub fn new_row(
        &mut self,
        table: TableId,
        key: Register,
        place: Register,
        writable: bool,
    ) -> usize {
        self.rows.push(RowBinding {
            table,
            key,
            place,
            writable,
            stale: false,
            moves: 0,
        });
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
            let found = self.find(table, key, writable, &mut |me: &mut Function<'l, 'p>| {
                me.code.fail(Builtin::BoundExceeded)
            });
            if let Some(found) = found {
                self.code.move_to(place, found);
            }
            self.rows[row].stale = false;
        }
        self.rows[row].place
    }

    /// A name for a row: from here on what it may break is watched.
    pub fn name_row(&mut self, id: LocalId, row: usize) {
        let known = |check: &crate::watch::Check| check.row == row && check.inserted;
        if self.written.contains(&id) && !self.checks.iter().any(known) {
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

    // -- keys --------------------------------------------------------------------------------------------

    /// The key as it stands in a row, in a new slot.
    pub fn native_key(&mut self, table: TableId, key: &'p [Expr]) -> Register {
        let info = &self.low.schema.tables[table.0 as usize];
        let (bytes, offsets) = (info.key_bytes, info.offsets.clone());
        let view = self.code.zeroed_slot(bytes);
        for (part, offset) in key.iter().zip(offsets) {
            self.into(
                part,
                Dest::Memory {
                    view,
                    offset,
                    fresh: true,
                },
            );
        }
        view
    }

    /// What the container of the table wants as a key, from the key as it stands in a row.
    pub fn container_key(&mut self, table: TableId, native: Register) -> Vec<Register> {
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
            at = keys::encode(
                &mut self.code,
                &self.low.types.shapes,
                key,
                at,
                shape,
                row,
                offset,
            );
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
    pub fn encode_values(
        &mut self,
        key: Register,
        at: u32,
        values: &[&'p Expr],
        shapes: &[Shape],
    ) -> u32 {
        let mut at = at;
        for (value, shape) in values.iter().zip(shapes) {
            let value = self.value(value);
            if matches!(value, Operand::Never) {
                return at;
            }
            at = self.encode_operand(key, at, value, shape);
        }
        at
    }

    /// One value encoded at `at`, where the bytes are zero; gives where it ends.
    pub fn encode_operand(&mut self, key: Register, at: u32, value: Operand, shape: &Shape) -> u32 {
        match value {
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
                keys::encode(
                    &mut self.code,
                    &self.low.types.shapes,
                    key,
                    at,
                    shape,
                    view,
                    0,
                )
            }
            _ => at,
        }
    }

    // -- look-up -----------------------------------------------------------------------------------------

    pub fn container(
        &self,
        table: TableId,
        hashed: &'static str,
        ordered: &'static str,
        dense: &'static str,
    ) -> &'static str {
        match self.low.schema.tables[table.0 as usize].storage {
            Storage::Hashed => hashed,
            Storage::Ordered => ordered,
            Storage::Dense => dense,
        }
    }

    /// The place of the row with this key.
    pub fn find(
        &mut self,
        table: TableId,
        native: Register,
        write: bool,
        absent: Absent<'_, 'l, 'p>,
    ) -> Option<Register> {
        let name = if write {
            self.container(
                table,
                "hashed.find_mut",
                "ordered.table_find_mut",
                "dense.find_mut",
            )
        } else {
            self.container(table, "hashed.find", "ordered.table_find", "dense.find")
        };
        let arguments = self.container_key(table, native);
        let (generics, region) = self.container_of(table);
        self.call_std(name, generics, region, arguments, Some(absent))
    }

    pub fn container_of(&self, table: TableId) -> (Vec<crate::concrete::Ty>, RegionIndex) {
        let info = &self.low.schema.tables[table.0 as usize];
        (info.generics(), info.region)
    }

    pub fn index_of(
        &self,
        table: TableId,
        index: usize,
    ) -> (Vec<crate::concrete::Ty>, RegionIndex) {
        let info = &self.low.schema.tables[table.0 as usize];
        (info.index_generics(index), info.indexes[index].region)
    }

    pub fn get(&mut self, table: TableId, key: &'p [Expr], absent: Absent<'_, 'l, 'p>) -> Operand {
        let write = std::mem::take(&mut self.write_wanted);
        let native = match key {
            // No key is optional: this is a reference that may be `none`, followed.
            [reference] if matches!(reference.ty, hir::Type::Optional(_)) => {
                self.referenced_key(table, reference, &mut *absent)
            }
            _ => self.native_key(table, key),
        };
        if self.code.ended() {
            return Operand::Never;
        }
        match self.find(table, native, write, absent) {
            Some(place) => Operand::Row(self.new_row(table, native, place, write)),
            None => Operand::Never,
        }
    }

    /// The key that an optional reference holds, as it stands in the target's row, in a new slot.
    fn referenced_key(
        &mut self,
        table: TableId,
        reference: &'p Expr,
        absent: Absent<'_, 'l, 'p>,
    ) -> Register {
        let bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let view = self.code.zeroed_slot(bytes);
        let mut key = self.optional(reference, absent);
        if let Operand::View(tuple) = key {
            // A tuple ends in padding that a row's key does without.
            key = Operand::View(self.code.part(tuple, 0, bytes));
        }
        self.deliver(
            key,
            Dest::Memory {
                view,
                offset: 0,
                fresh: true,
            },
        );
        view
    }

    pub fn get_unique(
        &mut self,
        table: TableId,
        index: u32,
        parts: &'p [Expr],
        absent: Absent<'_, 'l, 'p>,
    ) -> Operand {
        let write = std::mem::take(&mut self.write_wanted);
        let info = &self.low.schema.tables[table.0 as usize];
        let entry = &info.indexes[index as usize];
        let shapes: Vec<Shape> = entry
            .fields
            .iter()
            .map(|field| info.shapes[*field as usize].clone())
            .collect();
        let (bytes, key_bytes) = (entry.key_bytes, info.key_bytes);
        let key = self.code.zeroed_slot(bytes);
        self.encode_values(key, 0, &parts.iter().collect::<Vec<_>>(), &shapes);
        if self.code.ended() {
            return Operand::Never;
        }
        let (generics, region) = self.index_of(table, index as usize);
        let Some(entry) = self.call_std(
            "ordered.table_find",
            generics,
            region,
            vec![key],
            Some(&mut *absent),
        ) else {
            return Operand::Never;
        };
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
        self.code.emit(rc_bytecode::instr::Instr::Const {
            dst: present,
            bits: 0,
        });
        let hir::Type::Optional(row) = &value.ty else {
            return;
        };
        let hir::Type::Row(table) = **row else { return };
        let bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let kept = self.code.slot(bytes);
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.nested += 1;
            if let Operand::Row(row) = me.optional(value, &mut |me: &mut Function<'l, 'p>| {
                me.code.break_to(end)
            }) {
                let key = me.rows[row].key;
                me.code.copy(kept, key);
                me.code.emit(rc_bytecode::instr::Instr::Const {
                    dst: present,
                    bits: 1,
                });
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
        let Binding::Maybe(present, row) = self.locals[id.0 as usize] else {
            return Operand::Never;
        };
        let wanted = std::mem::take(&mut self.write_wanted);
        self.if_else(present, &mut |_: &mut Function<'l, 'p>| {}, absent);
        let (table, key, write) = (
            self.rows[row].table,
            self.rows[row].key,
            self.rows[row].writable || wanted,
        );
        // It may have been deleted since.
        match self.find(table, key, write, absent) {
            Some(place) => Operand::Row(self.new_row(table, key, place, write)),
            None => Operand::Never,
        }
    }
}
