//! States and aggregates: a value each, at the start of page 0 of its own region.
//!
//! Always true: a function that may use them touches their pages once, at its start, for writing where it may
//! change one. A state whose default is not all zeros has a byte that says whether it was ever written.

use crate::body::Function;
use crate::places::Location;
use crate::schema::AggregateInfo;
use rc_bytecode::instr::{Register, Scalar};
use rc_hir::{AggregateId, StateId, TableId};
use std::collections::{BTreeMap, BTreeSet};

impl<'l, 'p> Function<'l, 'p> {
    /// Touches the pages of the states that this function itself uses; what its callees use they touch.
    pub fn touch_states(&mut self) {
        self.states = vec![None; self.low.schema.state_regions.len()];
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
        let single = |id: &AggregateId| match &self.low.schema.aggregates[id.0 as usize] {
            AggregateInfo::Single(state) => Some(state.page),
            _ => None,
        };
        for page in self.summary.aggregates_read.iter().filter_map(single) {
            pages.entry(page).or_insert(false);
        }
        let fields = self.summary.fields.iter().map(|(table, _)| *table);
        let changed: BTreeSet<TableId> = self.summary.moves.iter().copied().chain(fields).collect();
        let about = changed
            .iter()
            .filter_map(|table| self.low.aggregates.get(table));
        for id in about.flatten() {
            if self
                .summary
                .changes_aggregate(&program.aggregates[id.0 as usize])
                && let Some(page) = single(id)
            {
                pages.insert(page, true);
            }
        }
        let writes = !changed.is_empty() || !self.summary.states_written.is_empty();
        if self.entry && writes {
            for invariant in &program.invariants {
                let changed = invariant
                    .reads_states
                    .iter()
                    .any(|state| self.summary.states_written.contains(state))
                    || invariant.reads_aggregates.iter().any(|aggregate| {
                        self.summary
                            .changes_aggregate(&program.aggregates[aggregate.0 as usize])
                    });
                if changed {
                    for state in &invariant.reads_states {
                        pages.entry(used(state)).or_insert(false);
                    }
                    for aggregate in &invariant.reads_aggregates {
                        if let AggregateInfo::Single(state) =
                            &self.low.schema.aggregates[aggregate.0 as usize]
                        {
                            pages.entry(state.page).or_insert(false);
                        }
                    }
                }
            }
        }
        for (page, write) in pages {
            let region = self.low.schema.state_regions[page as usize];
            let number = self.code.number(0);
            let view = self
                .code
                .touch(region, number, write, self.low.types.page_bytes);
            self.states[page as usize] = Some(view);
        }
    }

    pub fn state_view(&mut self, page: u32) -> Register {
        match self.states.get(page as usize).copied().flatten() {
            Some(view) => view,
            // A test looks at states between the commands it invokes, so it touches where it looks.
            None => {
                let region = self.low.schema.state_regions[page as usize];
                let number = self.code.number(0);
                self.code
                    .touch(region, number, false, self.low.types.page_bytes)
            }
        }
    }

    /// Where a state stands to be read; a copy of its default where it was never written.
    pub fn state(&mut self, id: StateId) -> Location {
        let info = self.low.schema.states[id.0 as usize].clone();
        let view = self.state_view(info.page);
        let default = &self.low.program.states[id.0 as usize].default;
        let (Some(flag), Some(default)) = (info.flag, default) else {
            return Location::Static {
                view,
                offset: info.offset,
            };
        };
        if self.code.view_of(view).writable && self.opened.contains(&id) {
            return Location::Static {
                view,
                offset: info.offset,
            };
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
            &mut |me: &mut Function<'l, 'p>| {
                me.into(
                    default,
                    crate::body::Dest::Memory {
                        view: slot,
                        offset: 0,
                        fresh: false,
                    },
                )
            },
        );
        Location::Static {
            view: slot,
            offset: 0,
        }
    }

    /// Makes sure that a state that is about to be written holds its value in the page.
    pub fn open_state(&mut self, id: StateId) {
        let info = self.low.schema.states[id.0 as usize].clone();
        let default = &self.low.program.states[id.0 as usize].default;
        let (Some(flag), Some(default)) = (info.flag, default) else {
            return;
        };
        let view = self.state_view(info.page);
        let was_set = self.code.load(Scalar::Bool, view, flag);
        self.if_else(
            was_set,
            &mut |_: &mut Function<'l, 'p>| {},
            &mut |me: &mut Function<'l, 'p>| {
                me.into(
                    default,
                    crate::body::Dest::Memory {
                        view,
                        offset: info.offset,
                        fresh: true,
                    },
                );
                let set = me.code.constant(Scalar::U8, 1);
                me.code.store(view, flag, set);
            },
        );
        self.opened.insert(id);
    }
}
