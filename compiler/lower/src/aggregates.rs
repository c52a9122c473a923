//! Aggregates: what a row counts for, added and taken away with every write; and how they are read.
//!
//! Always true: a sum outside its type fails `Overflow` at the write that would make it so; a group that is absent counts
//! zero; each group whose number changes is noted where an invariant asks for it.

use crate::body::{Dest, Function, Operand};
use crate::concrete::{Opaque, Ty, scalar_of};
use crate::places::Location;
use crate::row_walks::Rows;
use crate::schema::AggregateInfo;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Instr, Register, Scalar};
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
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Ends => {
                if aggregate.by.is_some() {
                    let key = self.group_key(number, row);
                    self.note_group(number, key);
                }
            }
            AggregateInfo::Single(state) => {
                let (page, offset, shape) = (state.page, state.offset, state.shape.clone());
                let Some(view) = self.states.get(page as usize).copied().flatten() else {
                    return;
                };
                self.add_to(number, view, offset, &shape, row, op);
            }
            AggregateInfo::Grouped { value, .. } => {
                let Some(wide) = scalar_of(value) else { return };
                let Some(amount) = self.amount(number, wide, row) else {
                    return;
                };
                let key = self.group_key(number, row);
                let change = if op == BinaryOp::Add {
                    Change::Joins(amount)
                } else {
                    Change::Leaves(amount)
                };
                self.change_group(number, key, change);
            }
        }
    }

    /// A row's group, in a slot of its own. The aggregate has groups.
    fn group_key(&mut self, number: usize, row: Register) -> Register {
        let aggregate = &self.low.program.aggregates[number];
        let info = &self.low.schema.tables[aggregate.table.0 as usize];
        let by = aggregate.by.map_or(0, |by| by as usize);
        let (offset, shape) = (info.offsets[by], info.shapes[by].clone());
        let bytes = self.size(&shape);
        let group = self.code.part(row, offset, bytes);
        let key = self.code.slot(bytes);
        self.code.copy(key, group);
        key
    }

    /// Brings a group's number up to date. A group is there as long as it has rows: the first row makes it, the last one takes
    /// it away, and a change within it needs a look-up alone.
    fn change_group(&mut self, number: usize, key: Register, change: Change) {
        self.note_group(number, key);
        let AggregateInfo::Grouped {
            region,
            group,
            value,
            ..
        } = &self.low.schema.aggregates[number]
        else {
            return;
        };
        let (region, group, value) = (*region, group.clone(), value.clone());
        let Some(wide) = scalar_of(&value) else {
            return;
        };
        let generics = self.group_generics(&group, &value);
        let base = self.group_base(number);
        // A count is its own number of rows.
        let rows_at = if wide == Scalar::U64 {
            base
        } else {
            base + wide.size()
        };
        let counted = rows_at != base;
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.leavable(&mut |me: &mut Function<'l, 'p>, absent| {
                let joins = matches!(change, Change::Joins(_));
                let none = &mut |me: &mut Function<'l, 'p>| {
                    if joins {
                        me.code.break_to(absent);
                    } else {
                        // A row's group is there.
                        me.code.fail(Builtin::BoundExceeded);
                    }
                };
                let found = me.call_std(
                    "hashed.find_mut",
                    generics.clone(),
                    region,
                    vec![key],
                    Some(none),
                );
                let Some(found) = found else { return };
                let old = me.code.load(wide, found, base);
                let new = match change {
                    Change::Joins(plus) => me.code.binary(BinaryOp::Add, old, plus),
                    Change::Leaves(minus) => me.code.binary(BinaryOp::Sub, old, minus),
                    Change::Stays(minus, plus) => {
                        let rest = me.code.binary(BinaryOp::Sub, old, minus);
                        me.code.binary(BinaryOp::Add, rest, plus)
                    }
                };
                me.code.store(found, base, new);
                let by_row = match change {
                    Change::Joins(_) => BinaryOp::Add,
                    Change::Leaves(_) => BinaryOp::Sub,
                    Change::Stays(..) => return me.code.break_to(end),
                };
                let mut rows = new;
                if counted {
                    let one = me.code.literal(Scalar::U64, 1);
                    let old = me.code.load(Scalar::U64, found, rows_at);
                    rows = me.code.binary(by_row, old, one);
                    me.code.store(found, rows_at, rows);
                }
                if by_row == BinaryOp::Sub {
                    let zero = me.code.literal(Scalar::U64, 0);
                    let empty = me.code.compare(CompareOp::Equal, rows, zero);
                    me.if_else(
                        empty,
                        &mut |me: &mut Function<'l, 'p>| {
                            me.call_std("hashed.delete", generics.clone(), region, vec![key], None);
                        },
                        &mut |_: &mut Function<'l, 'p>| {},
                    );
                }
                me.code.break_to(end);
            });
            let Change::Joins(plus) = change else { return };
            let capacity = me.code.number(1 << 40);
            let exists = &mut |me: &mut Function<'l, 'p>| me.code.fail(Builtin::AlreadyExists);
            let made = me.call_std(
                "hashed.insert",
                generics.clone(),
                region,
                vec![key, capacity],
                Some(exists),
            );
            if let Some(made) = made {
                let (from, whole) = (me.code.view_of(key).length, me.code.view_of(made).length);
                let rest = me.code.part(made, from, whole - from);
                me.code.zero(rest);
                me.code.store(made, base, plus);
                if counted {
                    let one = me.code.literal(Scalar::U64, 1);
                    me.code.store(made, rows_at, one);
                }
            }
        });
    }

    /// The generic arguments of a table from group to number.
    fn group_generics(&self, group: &Shape, value: &Shape) -> Vec<Ty> {
        let (group, value) = (
            self.low.types.shapes.extent(group),
            self.low.types.shapes.extent(value),
        );
        let base = align_up(group.size, 8);
        let key = Opaque {
            size: group.size,
            align: 8,
        };
        // Beside a sum stands how many rows it has.
        let rows = if value.size > 8 { 8 } else { 0 };
        let rest = Opaque {
            size: base - group.size + value.size + rows,
            align: 1,
        };
        vec![Ty::Opaque(key), Ty::Opaque(rest)]
    }

    /// Where a group's number stands in its row.
    fn group_base(&self, number: usize) -> u32 {
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Grouped { group_bytes, .. } => align_up(*group_bytes, 8),
            _ => 0,
        }
    }

    /// What a row counts for in a sum that is one number: that is changed by one store, the new for the old.
    fn single_amount(&mut self, number: usize, row: Register) -> Option<Register> {
        let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] else {
            return None;
        };
        let wide = scalar_of(&state.shape)?;
        self.amount(number, wide, row)
    }

    fn recount(&mut self, number: usize, row: Register, before: Register) {
        let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] else {
            return;
        };
        let (page, offset, shape) = (state.page, state.offset, state.shape.clone());
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
        let new = self.within_digits(&shape, new);
        self.code.store(view, offset, new);
    }

    /// What a row counts for before some of its fields are written; nothing where no aggregate depends on them.
    pub fn counted_before(&mut self, number: usize, row: Register) -> Option<Counted> {
        let amount = match &self.low.schema.aggregates[number] {
            AggregateInfo::Single(_) => Some(self.single_amount(number, row)?),
            AggregateInfo::Grouped { value, .. } => {
                let wide = scalar_of(value)?;
                Some(self.amount(number, wide, row)?)
            }
            AggregateInfo::Ends => None,
        };
        let group = self.low.program.aggregates[number]
            .by
            .map(|_| self.group_key(number, row));
        Some(Counted { amount, group })
    }

    /// Brings an aggregate up to date after the fields of a row were written.
    pub fn recounted(&mut self, number: usize, row: Register, before: Counted, fields: &[u32]) {
        let Some(old) = before.group else {
            if let Some(amount) = before.amount {
                self.recount(number, row, amount);
            }
            return;
        };
        let aggregate = &self.low.program.aggregates[number];
        let moves = aggregate.by.is_some_and(|by| fields.contains(&by));
        let changes = aggregate.field.is_some_and(|field| fields.contains(&field));
        let after = match before.amount {
            Some(amount) => {
                let wide = self.code.scalar_of(amount);
                self.amount(number, wide, row)
            }
            None => None,
        };
        let amounts = before.amount.zip(after);
        let stays = |me: &mut Function<'l, 'p>| match amounts {
            Some((before, after)) => {
                me.change_group(number, old, Change::Stays(before, after));
            }
            None => me.note_group(number, old),
        };
        if !moves {
            return stays(self);
        }
        let new = self.group_key(number, row);
        let same = self.code.scalar(Scalar::Bool);
        self.code.emit(Instr::EqualBytes {
            dst: same,
            left: old,
            right: new,
        });
        self.if_else(
            same,
            &mut |me: &mut Function<'l, 'p>| {
                if changes {
                    stays(me);
                }
            },
            &mut |me: &mut Function<'l, 'p>| match amounts {
                Some((before, after)) => {
                    me.change_group(number, old, Change::Leaves(before));
                    me.change_group(number, new, Change::Joins(after));
                }
                None => {
                    me.note_group(number, old);
                    me.note_group(number, new);
                }
            },
        );
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
        let new = self.within_digits(shape, new);
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
            AggregateInfo::Ends => self.end_of_index(expr, number, group),
        }
    }

    /// `min` and `max`: the first or last row in an order that begins with the group, then the field.
    fn end_of_index(&mut self, expr: &'p Expr, number: usize, group: Option<&'p Expr>) -> Operand {
        let aggregate = &self.low.program.aggregates[number];
        let table = aggregate.table;
        let led: Vec<u32> = aggregate.by.into_iter().chain(aggregate.field).collect();
        let order = self.low.program.tables[table.0 as usize].order_led_by(&led);
        let (Some(order), Some(field)) = (order, aggregate.field) else {
            return self.unsupported(expr.span, "a `min` or `max` without an index on its field");
        };
        let info = &self.low.schema.tables[table.0 as usize];
        let (offset, shape) = (
            info.offsets[field as usize],
            info.shapes[field as usize].clone(),
        );
        let Ty::Value(result_shape) = self.ty(&expr.ty) else {
            return Operand::Never;
        };
        let rows = Rows {
            table,
            index: order.map(|index| index as usize),
            prefix: group.into_iter().collect(),
            from: Vec::new(),
            to: Vec::new(),
            after: Vec::new(),
            descending: aggregate.function == AggregateFunction::Max,
            max: 1,
        };
        let result_size = self.size(&result_shape);
        let slot = self.code.zeroed_slot(result_size);
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            let Some(row) = me.first_row(&rows, end) else {
                return;
            };
            let value = me.read_as(
                &Ty::Value(shape.clone()),
                Location::Static { view: row, offset },
            );
            if let Shape::Optional(content) = &result_shape {
                me.store_some(content, slot, 0, value);
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

/// What happens to a group, with what the row counts for.
#[derive(Clone, Copy)]
enum Change {
    Joins(Register),
    Leaves(Register),
    /// Before and after.
    Stays(Register, Register),
}

/// What a row counted for in an aggregate.
#[derive(Clone, Copy)]
pub struct Counted {
    /// Nothing where the aggregate is read from an order.
    amount: Option<Register>,
    /// Where the aggregate has groups.
    group: Option<Register>,
}
