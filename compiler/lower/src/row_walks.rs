//! Loops over rows in the order of an index or of the table's own key.
//!
//! Always true: a walk whose body may write the table reads all keys first, bounded by its `take`, and finds each row
//! again; any other walk holds a cursor, and touches an entry's leaf once.

use crate::body::{Function, Operand};
use crate::code::{Label, Stride};
use crate::concrete::Ty;
use crate::walks::Work;
use rc_bytecode::instr::{BinaryOp, CompareOp, Instr, RegionIndex, Register, Scalar};
use rc_bytecode::layout::{Shape, align_up};
use rc_bytecode::limits::SLOT_BYTES_MAX;
use rc_diagnostics::{Diagnostic, codes};
use rc_hir::{Expr, Pattern, Storage, TableId};

/// Which rows a walk visits.
pub struct Rows<'p> {
    pub table: TableId,
    pub index: Option<usize>,
    pub prefix: Vec<&'p Expr>,
    pub from: Vec<&'p Expr>,
    pub to: Vec<&'p Expr>,
    pub after: Vec<&'p Expr>,
    pub descending: bool,
    pub max: u64,
}

/// Where a walk over a tree goes.
struct Path {
    region: RegionIndex,
    generics: Vec<Ty>,
    /// The entry stands beyond the end where comparing this many bytes of its key with the bound says so.
    stop: Option<(u32, Register, CompareOp)>,
    cursor: Register,
    descending: bool,
}

impl<'l, 'p> Function<'l, 'p> {
    #[expect(clippy::too_many_arguments)]
    pub fn walk_rows(
        &mut self,
        rows: &Rows<'p>,
        take: &'p Expr,
        copied: bool,
        summary: &crate::effects::Summary,
        continues: bool,
        pattern: &'p Pattern,
        body: Work<'_, 'l, 'p>,
    ) {
        let table = rows.table;
        let Some(path) = self.path(rows) else { return };
        let Some(take) = self.take(take, rows.max) else {
            return;
        };
        let key_bytes = self.low.schema.tables[table.0 as usize].key_bytes;
        let write = self.writes_through(pattern);
        if !copied {
            self.moved(summary);
            let native = self.code.slot(key_bytes);
            let in_place = rows.index.is_none();
            self.follow(
                &path,
                take,
                rows.max,
                continues,
                in_place && write,
                &mut |me: &mut Function<'l, 'p>, leave, leaf| {
                    let Some(entry) = me.entry_row(&path, leaf, in_place && write) else {
                        return;
                    };
                    let key = me.code.part(entry, 0, key_bytes);
                    me.code.copy(native, key);
                    if in_place {
                        me.bind_row(table, native, entry, write, pattern);
                    } else {
                        // An entry without its row does not exist: indexes are kept with every write.
                        let found =
                            me.find(table, native, write, &mut |me: &mut Function<'l, 'p>| {
                                me.code.break_to(leave)
                            });
                        if let Some(place) = found {
                            me.bind_row(table, native, place, write, pattern);
                        }
                    }
                    body(me);
                },
            );
            self.moved(summary);
            return;
        }
        let stride = align_up(key_bytes, 8);
        let bytes = u64::from(stride).saturating_mul(rows.max);
        if bytes > SLOT_BYTES_MAX.into() {
            let message = format!(
                "the keys of {} rows take {bytes} bytes: a walk that writes its own table keeps at most {SLOT_BYTES_MAX}",
                rows.max
            );
            let span = self.code.span;
            self.low.diagnostics.push(
                Diagnostic::error(codes::VALUE_TOO_LARGE, span, message)
                    .with_hint("take fewer rows"),
            );
            return;
        }
        let keys = self.code.slot(bytes as u32);
        let array = Stride {
            base: 0,
            stride,
            count: rows.max as u32,
        };
        let count = self.code.number(0);
        self.follow(
            &path,
            take,
            rows.max,
            false,
            false,
            &mut |me: &mut Function<'l, 'p>, _, leaf| {
                if let Some(entry) = me.entry_row(&path, leaf, false) {
                    let key = me.code.part(entry, 0, key_bytes);
                    let slot = me.code.part_at(keys, count, array, key_bytes);
                    me.code.copy(slot, key);
                    let one = me.code.literal(Scalar::U64, 1);
                    me.code.emit(Instr::Binary {
                        op: BinaryOp::WrappingAdd,
                        dst: count,
                        left: count,
                        right: one,
                    });
                }
            },
        );
        self.moved(summary);
        let at = self.code.number(0);
        let native = self.code.slot(key_bytes);
        let some = self.code.compare(CompareOp::Less, at, count);
        self.if_else(
            some,
            &mut |me: &mut Function<'l, 'p>| {
                let leave = me.code.begin_loop();
                me.iteration(leave, true, &mut |me: &mut Function<'l, 'p>| {
                    let next = me.loops.last().map(|open| open.next);
                    let key = me.code.part_at(keys, at, array, key_bytes);
                    me.code.copy(native, key);
                    let found = me.find(table, native, write, &mut |me: &mut Function<'l, 'p>| {
                        if let Some(next) = next {
                            me.code.break_to(next);
                        }
                    });
                    if let Some(place) = found {
                        me.bind_row(table, native, place, write, pattern);
                        body(me);
                    }
                });
                me.step(at, count, leave);
                me.code.end_loop(rows.max);
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
        self.moved(summary);
    }

    /// The place of the row that a walk would visit first; leaves to `end` where there is none.
    pub fn first_row(&mut self, rows: &Rows<'p>, end: Label) -> Option<Register> {
        let path = self.path(rows)?;
        let entry = self.first_entry(&path, end)?;
        if rows.index.is_none() {
            return Some(entry);
        }
        let key_bytes = self.low.schema.tables[rows.table.0 as usize].key_bytes;
        let native = self.code.slot(key_bytes);
        self.code.copy(native, entry);
        self.find(rows.table, native, false, &mut |me: &mut Function<
            'l,
            'p,
        >| {
            me.code.break_to(end)
        })
    }

    /// Every row of a table once, in the order in which it lies: reports alone do this.
    pub fn scan_table(
        &mut self,
        table: TableId,
        continues: bool,
        pattern: &'p Pattern,
        body: Work<'_, 'l, 'p>,
    ) {
        let row = self.container(
            table,
            "hashed.scan_row",
            "ordered.scan_row",
            "dense.scan_row",
        );
        let next = self.container(
            table,
            "hashed.scan_next",
            "ordered.scan_next",
            "dense.scan_next",
        );
        let (generics, region) = self.container_of(table);
        let info = &self.low.schema.tables[table.0 as usize];
        let (key_bytes, storage, capacity) = (info.key_bytes, info.storage, info.capacity);
        let native = self.code.slot(key_bytes);
        let cursor = self.code.number(1);
        if storage == Storage::Ordered {
            let first = "ordered.table_first";
            let Some(first) = self.call_std(first, generics.clone(), region, Vec::new(), None)
            else {
                return;
            };
            self.code.move_to(cursor, first);
        }
        let capacity = (storage == Storage::Dense).then(|| self.code.number(capacity));
        let zero = self.code.number(0);
        let there = self.code.compare(CompareOp::NotEqual, cursor, zero);
        self.if_else(
            there,
            &mut |me: &mut Function<'l, 'p>| {
                let leave = me.code.begin_loop();
                let arguments: Vec<Register> = [cursor].into_iter().chain(capacity).collect();
                me.leavable(&mut |me: &mut Function<'l, 'p>, empty| {
                    let found = me.call_std(
                        row,
                        generics.clone(),
                        region,
                        arguments.clone(),
                        Some(&mut |me: &mut Function<'l, 'p>| me.code.break_to(empty)),
                    );
                    let Some(place) = found else { return };
                    let key = me.code.part(place, 0, key_bytes);
                    me.code.copy(native, key);
                    me.iteration(leave, continues, &mut |me: &mut Function<'l, 'p>| {
                        me.bind_row(table, native, place, false, pattern);
                        body(me);
                    });
                });
                if let Some(after) = me.call_std(next, generics.clone(), region, arguments, None) {
                    me.code.move_to(cursor, after);
                }
                let over = me.code.compare(CompareOp::Equal, cursor, zero);
                me.code.break_if(over, leave);
                me.code.end_unbounded_loop();
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
    }

    /// The key, as it stands in its row, of the first row whose reference leads to `native`; leaves to `end` where there is none.
    pub fn first_reference(
        &mut self,
        from: TableId,
        reference: &rc_hir::Reference,
        native: Register,
        end: Label,
    ) -> Option<Register> {
        let info = &self.low.schema.tables[from.0 as usize];
        let (order_bytes, region, generics) = match reference.order {
            Some(index) => {
                let entry = &info.indexes[index as usize];
                (
                    entry.key_bytes,
                    entry.region,
                    info.index_generics(index as usize),
                )
            }
            None => (info.encoded_bytes, info.region, info.generics()),
        };
        let (shape, key_bytes) = (
            info.shapes[reference.field as usize].clone(),
            info.key_bytes,
        );
        let size = self.size(&shape);
        let value = self.code.zeroed_slot(size);
        let at = self.reference_offset(&shape);
        if reference.optional {
            let there = self.code.constant(Scalar::U8, 1);
            self.code.store(value, 0, there);
        }
        let bytes = self.code.view_of(native).length;
        let part = self.code.part(value, at, bytes);
        self.code.copy(part, native);
        let low = self.code.zeroed_slot(order_bytes);
        let prefix = crate::keys::encode(
            &mut self.code,
            &self.low.types.shapes,
            low,
            0,
            &shape,
            value,
            0,
        );
        let cursor = self.call_std(
            "ordered.table_seek",
            generics.clone(),
            region,
            vec![low],
            None,
        )?;
        let path = Path {
            region,
            generics,
            stop: Some((prefix, low, CompareOp::NotEqual)),
            cursor,
            descending: false,
        };
        let entry = self.first_entry(&path, end)?;
        let entry = self.code.part(entry, 0, key_bytes);
        let key = self.code.slot(key_bytes);
        self.code.copy(key, entry);
        Some(key)
    }

    fn bind_row(
        &mut self,
        table: TableId,
        native: Register,
        place: Register,
        write: bool,
        pattern: &'p Pattern,
    ) {
        let row = self.new_row(table, native, place, write);
        self.bind_new(pattern, Operand::Row(row));
    }

    /// The bounds of the walk, encoded, and the cursor at its start.
    fn path(&mut self, rows: &Rows<'p>) -> Option<Path> {
        let info = &self.low.schema.tables[rows.table.0 as usize];
        let (fields, key_bytes, region, generics) = match rows.index {
            Some(index) => {
                let entry = &info.indexes[index];
                (
                    entry.fields.clone(),
                    entry.key_bytes,
                    entry.region,
                    info.index_generics(index),
                )
            }
            None => (
                (0..info.key_len as u32).collect(),
                info.encoded_bytes,
                info.region,
                info.generics(),
            ),
        };
        let shapes: Vec<Shape> = fields
            .iter()
            .map(|field| info.shapes[*field as usize].clone())
            .collect();
        let low = self.code.zeroed_slot(key_bytes);
        let prefix = self.encode_values(low, 0, &rows.prefix, &shapes);
        let next = rows.prefix.len();
        let high = self.code.zeroed_slot(key_bytes);
        if prefix > 0 {
            let (from, to) = (
                self.code.part(low, 0, prefix),
                self.code.part(high, 0, prefix),
            );
            self.code.copy(to, from);
        }
        let mut from_end = None;
        if !rows.from.is_empty() {
            from_end = Some(self.encode_values(low, prefix, &rows.from, &shapes[next..]));
        }
        let mut to_end = None;
        if !rows.to.is_empty() {
            to_end = Some(self.encode_values(high, prefix, &rows.to, &shapes[next..]));
        }
        if self.code.ended() {
            return None;
        }
        let by_prefix = (prefix > 0).then_some((prefix, low, CompareOp::NotEqual));
        let cursor = self.code.number(0);
        let (found, stop) = if rows.descending {
            let limit = match to_end {
                Some(_) => 0,
                None => {
                    self.fill(high, prefix, key_bytes);
                    1
                }
            };
            let limit = self.code.constant(Scalar::I64, limit);
            let limit = self.code.copied(limit);
            if !rows.after.is_empty() {
                self.leavable(&mut |me: &mut Function<'l, 'p>, start| {
                    me.fill_after(rows, high, prefix, key_bytes, &shapes[next..], 0, start);
                    let below = me.code.constant(Scalar::I64, 0);
                    me.code.move_to(limit, below);
                });
            }
            let found = self.call_std(
                "ordered.table_seek_back",
                generics.clone(),
                region,
                vec![high, limit],
                None,
            )?;
            (
                found,
                from_end
                    .map(|end| (end, low, CompareOp::Less))
                    .or(by_prefix),
            )
        } else {
            let behind = (!rows.after.is_empty()).then(|| {
                let no = self.code.constant(Scalar::Bool, 0);
                let behind = self.code.copied(no);
                self.leavable(&mut |me: &mut Function<'l, 'p>, start| {
                    me.fill_after(
                        rows,
                        low,
                        prefix,
                        key_bytes,
                        &shapes[next..],
                        u128::MAX,
                        start,
                    );
                    let yes = me.code.constant(Scalar::Bool, 1);
                    me.code.move_to(behind, yes);
                });
                behind
            });
            let mut found = self.call_std(
                "ordered.table_seek",
                generics.clone(),
                region,
                vec![low],
                None,
            )?;
            if let Some(behind) = behind {
                found = self.skip_equal(region, &generics, found, low, key_bytes, behind);
            }
            (
                found,
                to_end
                    .map(|end| (end, high, CompareOp::GreaterOrEqual))
                    .or(by_prefix),
            )
        };
        self.code.move_to(cursor, found);
        Some(Path {
            region,
            generics,
            stop,
            cursor,
            descending: rows.descending,
        })
    }

    /// Writes the bound of `after` behind the prefix, and `rest` to the bytes that it leaves open; leaves to `start` with the bound
    /// as it was where a part is `none`.
    #[expect(clippy::too_many_arguments)]
    fn fill_after(
        &mut self,
        rows: &Rows<'p>,
        bound: Register,
        prefix: u32,
        key_bytes: u32,
        shapes: &[Shape],
        rest: u128,
        start: Label,
    ) {
        self.nested += 1;
        let mut parts = Vec::new();
        for part in &rows.after {
            parts.push(self.optional(part, &mut |me: &mut Function<'l, 'p>| {
                me.code.break_to(start)
            }));
        }
        self.fill_with(bound, prefix, key_bytes, 0);
        let mut end = prefix;
        for (part, shape) in parts.into_iter().zip(shapes) {
            end = self.encode_operand(bound, end, part, shape);
        }
        if rest != 0 {
            self.fill(bound, end, key_bytes);
        }
        self.nested -= 1;
    }

    /// The cursor, or the one after it where its key is the bound itself and the walk goes on behind that.
    fn skip_equal(
        &mut self,
        region: RegionIndex,
        generics: &[Ty],
        found: Register,
        bound: Register,
        key_bytes: u32,
        behind: Register,
    ) -> Register {
        let found = self.code.copied(found);
        let zero = self.code.literal(Scalar::U64, 0);
        let there = self.code.compare(CompareOp::NotEqual, found, zero);
        let wanted = self.code.binary(BinaryOp::And, there, behind);
        self.if_else(
            wanted,
            &mut |me: &mut Function<'l, 'p>| {
                let at =
                    |me: &mut Function<'l, 'p>, name: &'static str, arguments: Vec<Register>| {
                        me.call_std(name, generics.to_vec(), region, arguments, None)
                    };
                let Some(leaf) = at(me, "ordered.leaf_at", vec![found]) else {
                    return;
                };
                let Some(key) = at(me, "ordered.leaf_key", vec![leaf, found]) else {
                    return;
                };
                let (left, right) = (
                    me.code.part(key, 0, key_bytes),
                    me.code.part(bound, 0, key_bytes),
                );
                let order = me.code.scalar(Scalar::I64);
                me.code.emit(Instr::CompareBytes {
                    dst: order,
                    left,
                    right,
                });
                let zero = me.code.literal(Scalar::I64, 0);
                let same = me.code.compare(CompareOp::Equal, order, zero);
                me.if_else(
                    same,
                    &mut |me: &mut Function<'l, 'p>| {
                        if let Some(next) = at(me, "ordered.leaf_next", vec![leaf, found]) {
                            me.code.move_to(found, next);
                        }
                    },
                    &mut |_: &mut Function<'l, 'p>| {},
                );
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
        found
    }

    /// All bits set from `at` to `end`.
    pub fn fill(&mut self, view: Register, at: u32, end: u32) {
        self.fill_with(view, at, end, u128::MAX);
    }

    fn fill_with(&mut self, view: Register, mut at: u32, end: u32, bits: u128) {
        while at < end {
            let scalar = [Scalar::U64, Scalar::U32, Scalar::U16, Scalar::U8]
                .into_iter()
                .find(|scalar| scalar.size() <= end - at);
            let Some(scalar) = scalar else { return };
            let ones = self.code.constant(scalar, bits);
            self.code.store(view, at, ones);
            at += scalar.size();
        }
    }

    /// The content of the entry at the cursor.
    fn entry_row(&mut self, path: &Path, leaf: Register, write: bool) -> Option<Register> {
        let name = if write {
            "ordered.leaf_row_mut"
        } else {
            "ordered.leaf_row"
        };
        self.call_std(
            name,
            path.generics.clone(),
            path.region,
            vec![leaf, path.cursor],
            None,
        )
    }

    /// The content of the first entry of a path; leaves to `end` where there is none.
    fn first_entry(&mut self, path: &Path, end: Label) -> Option<Register> {
        let zero = self.code.literal(Scalar::U64, 0);
        let none = self.code.compare(CompareOp::Equal, path.cursor, zero);
        self.code.break_if(none, end);
        let leaf = self.call_std(
            "ordered.leaf_at",
            path.generics.clone(),
            path.region,
            vec![path.cursor],
            None,
        )?;
        self.past_the_end(path, leaf, end);
        self.entry_row(path, leaf, false)
    }

    /// Visits the entries from the cursor on, at most `take`; the work is given the way out and the entry's leaf.
    fn follow(
        &mut self,
        path: &Path,
        take: Register,
        max: u64,
        continues: bool,
        write: bool,
        work: &mut dyn FnMut(&mut Function<'l, 'p>, Label, Register),
    ) {
        let zero = self.code.literal(Scalar::U64, 0);
        let visited = self.code.number(0);
        let there = self.code.compare(CompareOp::NotEqual, path.cursor, zero);
        let wanted = self.code.compare(CompareOp::NotEqual, take, zero);
        let some = self.code.binary(BinaryOp::And, there, wanted);
        self.if_else(
            some,
            &mut |me: &mut Function<'l, 'p>| {
                let leave = me.code.begin_loop();
                let name = if write {
                    "ordered.leaf_at_mut"
                } else {
                    "ordered.leaf_at"
                };
                let Some(leaf) = me.call_std(
                    name,
                    path.generics.clone(),
                    path.region,
                    vec![path.cursor],
                    None,
                ) else {
                    return me.code.end_loop(max);
                };
                me.past_the_end(path, leaf, leave);
                me.iteration(leave, continues, &mut |me: &mut Function<'l, 'p>| {
                    work(me, leave, leaf)
                });
                me.step(visited, take, leave);
                let name = if path.descending {
                    "ordered.leaf_previous"
                } else {
                    "ordered.leaf_next"
                };
                if let Some(next) = me.call_std(
                    name,
                    path.generics.clone(),
                    path.region,
                    vec![leaf, path.cursor],
                    None,
                ) {
                    me.code.move_to(path.cursor, next);
                }
                let over = me.code.compare(CompareOp::Equal, path.cursor, zero);
                me.code.break_if(over, leave);
                me.code.end_loop(max);
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
    }

    fn past_the_end(&mut self, path: &Path, leaf: Register, leave: Label) {
        let Some((bytes, bound, op)) = path.stop else {
            return;
        };
        let Some(key) = self.call_std(
            "ordered.leaf_key",
            path.generics.clone(),
            path.region,
            vec![leaf, path.cursor],
            None,
        ) else {
            return;
        };
        let (left, right) = (
            self.code.part(key, 0, bytes),
            self.code.part(bound, 0, bytes),
        );
        let order = self.code.scalar(Scalar::I64);
        self.code.emit(Instr::CompareBytes {
            dst: order,
            left,
            right,
        });
        let zero = self.code.literal(Scalar::I64, 0);
        let past = self.code.compare(op, order, zero);
        self.code.break_if(past, leave);
    }
}
