//! States and aggregates: values at fixed offsets in the pages of the region `states`.
//!
//! Always true: a function that may use them touches their pages once, at its start, for writing where it may
//! change one. A state whose default is not all zeros has a byte that says whether it was ever written.

use crate::body::{Function, Operand};
use crate::concrete::Ty;
use crate::schema::AggregateInfo;
use crate::value::Location;
use rc_bytecode::instr::{Register, Scalar};
use rc_hir as hir;
use rc_hir::{AggregateId, Expr, StateId};
use std::collections::BTreeMap;

impl<'l, 'p> Function<'l, 'p> {
    /// Touches the pages of the states that this function itself uses; what its callees use they touch.
    pub fn touch_states(&mut self) {
        self.states = vec![None; self.low.schema.state_pages as usize];
        let Some(region) = self.low.schema.states_region else { return };
        let program = self.low.program;
        // Page to whether it is written.
        let mut pages: BTreeMap<u32, bool> = BTreeMap::new();
        let used = |state: &StateId| self.low.schema.states[state.0 as usize].page;
        for state in &self.summary.states_read {
            pages.entry(used(state)).or_insert(false);
        }
        for state in &self.summary.states_written {
            pages.insert(used(state), true);
        }
        for (number, aggregate) in program.aggregates.iter().enumerate() {
            if let AggregateInfo::Single(state) = &self.low.schema.aggregates[number] {
                if self.summary.changes_aggregate(aggregate) {
                    pages.insert(state.page, true);
                } else if self.summary.aggregates_read.contains(&AggregateId(number as u32)) {
                    pages.entry(state.page).or_insert(false);
                }
            }
        }
        if self.entry {
            for invariant in &program.invariants {
                let changed = invariant.reads_states.iter().any(|state| self.summary.states_written.contains(state))
                    || invariant.reads_aggregates.iter().any(|aggregate| self.summary.changes_aggregate(&program.aggregates[aggregate.0 as usize]));
                if changed {
                    for state in &invariant.reads_states {
                        pages.entry(used(state)).or_insert(false);
                    }
                    for aggregate in &invariant.reads_aggregates {
                        if let AggregateInfo::Single(state) = &self.low.schema.aggregates[aggregate.0 as usize] {
                            pages.entry(state.page).or_insert(false);
                        }
                    }
                }
            }
        }
        for (page, write) in pages {
            let number = self.code.number(page.into());
            let view = self.code.touch(region, number, write, self.low.types.page_bytes);
            self.states[page as usize] = Some(view);
        }
    }

    fn state_view(&mut self, page: u32) -> Register {
        match self.states.get(page as usize).copied().flatten() {
            Some(view) => view,
            // A test looks at states between the commands it invokes, so it touches where it looks.
            None => {
                let region = self.low.schema.states_region.unwrap_or(rc_bytecode::instr::RegionIndex(0));
                let number = self.code.number(page.into());
                self.code.touch(region, number, false, self.low.types.page_bytes)
            }
        }
    }

    /// Where a state stands to be read; a copy of its default where it was never written.
    pub fn state(&mut self, id: StateId) -> Location {
        let info = self.low.schema.states[id.0 as usize].clone();
        let view = self.state_view(info.page);
        let default = &self.low.program.states[id.0 as usize].default;
        let (Some(flag), Some(default)) = (info.flag, default) else { return Location::Static { view, offset: info.offset } };
        if self.code.view_of(view).writable && self.opened.contains(&id) {
            return Location::Static { view, offset: info.offset };
        }
        let size = self.size(&info.shape);
        let slot = self.code.slot(size);
        let was_set = self.code.load(Scalar::Bool, view, flag);
        self.if_else(
            was_set,
            &mut |me: &mut Function<'l, 'p>| {
                let stored = me.code.part(view, info.offset, size);
                me.code.copy(slot, stored);
            },
            &mut |me: &mut Function<'l, 'p>| me.into(default, crate::body::Dest::Memory { view: slot, offset: 0, fresh: false }),
        );
        Location::Static { view: slot, offset: 0 }
    }

    /// Makes sure that a state that is about to be written holds its value in the page.
    pub fn open_state(&mut self, id: StateId) {
        let info = self.low.schema.states[id.0 as usize].clone();
        let default = &self.low.program.states[id.0 as usize].default;
        let (Some(flag), Some(default)) = (info.flag, default) else { return };
        let view = self.state_view(info.page);
        let was_set = self.code.load(Scalar::Bool, view, flag);
        self.if_else(was_set, &mut |_: &mut Function<'l, 'p>| {}, &mut |me: &mut Function<'l, 'p>| {
            me.into(default, crate::body::Dest::Memory { view, offset: info.offset, fresh: true });
            let set = me.code.constant(Scalar::U8, 1);
            me.code.store(view, flag, set);
        });
        self.opened.insert(id);
    }

    /// `supply`, `supply[c]`.
    pub fn aggregate(&mut self, expr: &'p Expr, id: AggregateId, group: Option<&'p Expr>) -> Operand {
        let number = id.0 as usize;
        match &self.low.schema.aggregates[number] {
            AggregateInfo::Single(state) => {
                let (page, offset, shape) = (state.page, state.offset, state.shape.clone());
                let view = self.state_view(page);
                self.read_as(&Ty::Value(shape), Location::Static { view, offset })
            }
            AggregateInfo::Grouped { region, group: shape, group_bytes, value } => {
                let (region, shape, bytes, value) = (*region, shape.clone(), *group_bytes, value.clone());
                let Some(group) = group else { return self.unsupported(expr.span, "a grouped aggregate without its group") };
                let key = self.code.zeroed_slot(bytes);
                self.into(group, crate::body::Dest::Memory { view: key, offset: 0, fresh: true });
                let Some(scalar) = crate::concrete::scalar_of(&value) else { return Operand::Never };
                let generics = self.group_generics(&shape, &value);
                let base = self.group_base(number);
                let result = self.code.constant(scalar, 0);
                self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
                    let none = &mut |me: &mut Function<'l, 'p>| me.code.break_to(end);
                    if let Some(found) = me.call_std("hashed.find", generics.clone(), region, vec![key], Some(none)) {
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
        let found = info.indexes.iter().position(|index| index.fields.first().copied() == aggregate.field && aggregate.by.is_none());
        let (Some(index), Some(field)) = (found, aggregate.field) else {
            return self.unsupported(expr.span, "a `min` or `max` without an index on its field");
        };
        let (region, generics, bytes) = (info.indexes[index].region, info.index_generics(index), info.indexes[index].key_bytes);
        let (native_bytes, offset, shape) = (info.key_bytes, info.offsets[field as usize], info.shapes[field as usize].clone());
        let table = aggregate.table;
        let Ty::Value(result_shape) = self.ty(&expr.ty) else { return Operand::Never };
        let result_size = self.size(&result_shape);
        let slot = self.code.zeroed_slot(result_size);
        let key = self.code.zeroed_slot(bytes);
        let is_max = aggregate.function == hir::AggregateFunction::Max;
        let cursor = if is_max {
            self.fill(key, 0, bytes);
            let limit = self.code.constant(Scalar::I64, 1);
            self.call_std("ordered.table_seek_back", generics.clone(), region, vec![key, limit], None)
        } else {
            self.call_std("ordered.table_seek", generics.clone(), region, vec![key], None)
        };
        let Some(cursor) = cursor else { return Operand::Never };
        let zero = self.code.number(0);
        let none = self.code.compare(rc_bytecode::instr::CompareOp::Equal, cursor, zero);
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.code.break_if(none, end);
            let Some(leaf) = me.call_std("ordered.leaf_at", generics.clone(), region, vec![cursor], None) else { return };
            let Some(entry) = me.call_std("ordered.leaf_row", generics.clone(), region, vec![leaf, cursor], None) else { return };
            let native = me.code.slot(native_bytes);
            me.code.copy(native, entry);
            let absent = &mut |me: &mut Function<'l, 'p>| me.code.break_to(end);
            let Some(row) = me.find(table, native, false, absent) else { return };
            let value = me.read_as(&Ty::Value(shape.clone()), Location::Static { view: row, offset });
            if let rc_bytecode::layout::Shape::Optional(content) = &result_shape {
                me.store_some(content, slot, 0, value);
            } else {
                me.deliver(value, crate::body::Dest::Memory { view: slot, offset: 0, fresh: true });
            }
        });
        self.read_as(&Ty::Value(result_shape), Location::Static { view: slot, offset: 0 })
    }
}
