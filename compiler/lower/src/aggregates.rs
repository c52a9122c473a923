//! Aggregates: what a row counts for, added and taken away with every write; and how they are read.
//!
//! Always true: a sum outside its type fails `Overflow` at the write that would make it so.

use crate::body::{Dest, Function, Operand};
use crate::concrete::{Opaque, Ty, scalar_of};
use crate::places::Location;
use crate::schema::AggregateInfo;
use rc_bytecode::instr::{
    BinaryOp, Builtin, CompareOp, ConvertMode, RegionIndex, Register, Scalar,
};
use rc_bytecode::layout::{Shape, align_up};
use rc_hir::{AggregateFunction, AggregateId, Expr, TableId};

impl<'l, 'p> Function<'l, 'p> {
    /// A whole row's part in the table's aggregates.
    pub fn count_row(&mut self, table: TableId, row: Register, op: BinaryOp) {
        let program = self.low.program;
        for (number, aggregate) in program.aggregates.iter().enumerate() {
            if aggregate.table == table {
                self.count_one(number, row, op);
            }
        }
    }

    /// Adds or takes away what a row counts for. A sum outside its type fails `Overflow` at this write.
    pub fn count_one(&mut self, number: usize, row: Register, op: BinaryOp) {
        let aggregate = &self.low.program.aggregates[number];
        let info = &self.low.schema.tables[aggregate.table.0 as usize];
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Ends => {}
            AggregateInfo::Single(state) => {
                let (page, offset, shape) = (state.page, state.offset, state.shape.clone());
                let Some(view) = self.states.get(page as usize).copied().flatten() else {
                    return;
                };
                self.add_to(number, view, offset, &shape, row, op);
            }
            AggregateInfo::Grouped {
                region,
                group,
                group_bytes,
                value,
            } => {
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
    pub fn group_generics(&self, group: &Shape, value: &Shape) -> Vec<Ty> {
        let (group, value) = (
            self.low.types.shapes.extent(group),
            self.low.types.shapes.extent(value),
        );
        let base = align_up(group.size, 8);
        let key = Opaque {
            size: group.size,
            align: 8,
        };
        let rest = Opaque {
            size: base - group.size + value.size,
            align: 1,
        };
        vec![Ty::Opaque(key), Ty::Opaque(rest)]
    }

    /// Where a group's number stands in its row.
    pub fn group_base(&self, number: usize) -> u32 {
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Grouped { group_bytes, .. } => align_up(*group_bytes, 8),
            _ => 0,
        }
    }

    /// The row of a group, made where there is none.
    fn find_group(
        &mut self,
        generics: Vec<Ty>,
        region: RegionIndex,
        key: Register,
        size: u32,
    ) -> Option<Register> {
        let mut joined: Option<Register> = None;
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.leavable(&mut |me: &mut Function<'l, 'p>, absent| {
                let none = &mut |me: &mut Function<'l, 'p>| me.code.break_to(absent);
                if let Some(found) = me.call_std(
                    "hashed.find_mut",
                    generics.clone(),
                    region,
                    vec![key],
                    Some(none),
                ) {
                    joined = Some(me.code.copied(found));
                    me.code.break_to(end);
                }
            });
            let capacity = me.code.number(1 << 40);
            let exists = &mut |me: &mut Function<'l, 'p>| me.code.fail(Builtin::AlreadyExists);
            let made = me.call_std(
                "hashed.insert",
                generics.clone(),
                region,
                vec![key, capacity],
                Some(exists),
            );
            if let (Some(made), Some(joined)) = (made, joined) {
                let bytes = me.code.view_of(key).length;
                let rest =
                    me.code
                        .part(made, bytes, me.code.view_of(made).length.max(size) - bytes);
                me.code.zero(rest);
                me.code.move_to(joined, made);
            }
        });
        joined
    }

    /// What a row counts for in a sum that is one number: that is changed by one store, the new for the old.
    pub fn single_amount(&mut self, number: usize, row: Register) -> Option<Register> {
        let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] else {
            return None;
        };
        let wide = scalar_of(&state.shape)?;
        self.amount(number, wide, row)
    }

    pub fn recount(&mut self, number: usize, row: Register, before: Register) {
        let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] else {
            return;
        };
        let (page, offset) = (state.page, state.offset);
        let Some(view) = self.states.get(page as usize).copied().flatten() else {
            return;
        };
        let wide = self.code.scalar_of(before);
        let Some(after) = self.amount(number, wide, row) else {
            return;
        };
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
                let scalar = scalar_of(&info.shapes[field as usize])?;
                let value = self.code.load(scalar, row, info.offsets[field as usize]);
                Some(self.code.convert(ConvertMode::Checked, wide, value))
            }
            _ => Some(self.code.literal(wide, 1)),
        }
    }

    fn add_to(
        &mut self,
        number: usize,
        view: Register,
        offset: u32,
        shape: &Shape,
        row: Register,
        op: BinaryOp,
    ) {
        let Some(wide) = scalar_of(shape) else { return };
        let Some(amount) = self.amount(number, wide, row) else {
            return;
        };
        let old = self.code.load(wide, view, offset);
        let new = self.code.binary(op, old, amount);
        self.code.store(view, offset, new);
    }

    // -- reading -----------------------------------------------------------------------------------------
    /// `supply`, `supply[c]`.
    pub fn aggregate(
        &mut self,
        expr: &'p Expr,
        id: AggregateId,
        group: Option<&'p Expr>,
    ) -> Operand {
        let number = id.0 as usize;
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Single(state) => {
                let (page, offset, shape) = (state.page, state.offset, state.shape.clone());
                let view = self.state_view(page);
                self.read_as(&Ty::Value(shape), Location::Static { view, offset })
            }
            AggregateInfo::Grouped {
                region,
                group: shape,
                group_bytes,
                value,
            } => {
                let (region, shape, bytes, value) =
                    (*region, shape.clone(), *group_bytes, value.clone());
                let Some(group) = group else {
                    return self.unsupported(expr.span, "a grouped aggregate without its group");
                };
                let key = self.code.zeroed_slot(bytes);
                self.into(
                    group,
                    Dest::Memory {
                        view: key,
                        offset: 0,
                        fresh: true,
                    },
                );
                let Some(scalar) = scalar_of(&value) else {
                    return Operand::Never;
                };
                let generics = self.group_generics(&shape, &value);
                let base = self.group_base(number);
                let result = self.code.constant(scalar, 0);
                self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
                    let none = &mut |me: &mut Function<'l, 'p>| me.code.break_to(end);
                    if let Some(found) = me.call_std(
                        "hashed.find",
                        generics.clone(),
                        region,
                        vec![key],
                        Some(none),
                    ) {
                        let have = me.code.load(scalar, found, base);
                        me.code.move_to(result, have);
                    }
                });
                Operand::Scalar(result)
            }
            AggregateInfo::Ends => self.end_of_index(expr, number),
        }
    }

    /// `min` and `max`: the first or last entry of an ordered index led by the field.
    fn end_of_index(&mut self, expr: &'p Expr, number: usize) -> Operand {
        let aggregate = &self.low.program.aggregates[number];
        let info = &self.low.schema.tables[aggregate.table.0 as usize];
        let found = info.indexes.iter().position(|index| {
            index.fields.first().copied() == aggregate.field && aggregate.by.is_none()
        });
        let (Some(index), Some(field)) = (found, aggregate.field) else {
            return self.unsupported(expr.span, "a `min` or `max` without an index on its field");
        };
        let (region, generics, bytes) = (
            info.indexes[index].region,
            info.index_generics(index),
            info.indexes[index].key_bytes,
        );
        let (native_bytes, offset, shape) = (
            info.key_bytes,
            info.offsets[field as usize],
            info.shapes[field as usize].clone(),
        );
        let table = aggregate.table;
        let Ty::Value(result_shape) = self.ty(&expr.ty) else {
            return Operand::Never;
        };
        let result_size = self.size(&result_shape);
        let slot = self.code.zeroed_slot(result_size);
        let key = self.code.zeroed_slot(bytes);
        let is_max = aggregate.function == AggregateFunction::Max;
        let cursor = if is_max {
            self.fill(key, 0, bytes);
            let limit = self.code.constant(Scalar::I64, 1);
            self.call_std(
                "ordered.table_seek_back",
                generics.clone(),
                region,
                vec![key, limit],
                None,
            )
        } else {
            self.call_std(
                "ordered.table_seek",
                generics.clone(),
                region,
                vec![key],
                None,
            )
        };
        let Some(cursor) = cursor else {
            return Operand::Never;
        };
        let zero = self.code.number(0);
        let none = self.code.compare(CompareOp::Equal, cursor, zero);
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.code.break_if(none, end);
            let Some(leaf) = me.call_std(
                "ordered.leaf_at",
                generics.clone(),
                region,
                vec![cursor],
                None,
            ) else {
                return;
            };
            let Some(entry) = me.call_std(
                "ordered.leaf_row",
                generics.clone(),
                region,
                vec![leaf, cursor],
                None,
            ) else {
                return;
            };
            let native = me.code.slot(native_bytes);
            me.code.copy(native, entry);
            let absent = &mut |me: &mut Function<'l, 'p>| me.code.break_to(end);
            let Some(row) = me.find(table, native, false, absent) else {
                return;
            };
            let value = me.read_as(
                &Ty::Value(shape.clone()),
                Location::Static { view: row, offset },
            );
            if let Shape::Optional(content) = &result_shape {
                me.store_some(content, slot, 0, value);
            } else {
                me.deliver(
                    value,
                    Dest::Memory {
                        view: slot,
                        offset: 0,
                        fresh: true,
                    },
                );
            }
        });
        self.read_as(
            &Ty::Value(result_shape),
            Location::Static {
                view: slot,
                offset: 0,
            },
        )
    }
}
