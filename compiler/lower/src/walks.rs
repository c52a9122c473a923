//! Loops: over numbers, lists and rows, and the comprehensions made of them.
//!
//! Always true: a loop's bound is in its instruction; a walk over rows whose body may write the table reads all keys
//! first, bounded by its `take`, and finds each row again.

use crate::body::{Binding, Dest, Function, Loop, Operand, is_constant};
use crate::code::Label;
use crate::concrete::Ty;
use crate::effects::{Node, Visit};
use crate::places::Location;
use crate::row_walks::Rows;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Instr, Register, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir::{Expr, ExprKind, Pattern, PatternKind, Source};

/// Iterations at most of a loop that is written out.
const REPEATED_MAX: i128 = 16;

/// A loop's body, given what the pattern is bound to already.
pub type Work<'a, 'l, 'p> = &'a mut dyn FnMut(&mut Function<'l, 'p>);

impl<'l, 'p> Function<'l, 'p> {
    /// `for pattern in source { body }`; `visit` walks the body's tree.
    pub fn walk(
        &mut self,
        source: &'p Source,
        pattern: &'p Pattern,
        body: Work<'_, 'l, 'p>,
        visit: impl Fn(Visit<'_, 'p>),
    ) {
        let program = self.low.program;
        let summary = self
            .low
            .effects
            .summary(program, self.declared, |v| visit(v));
        let (mut continues, mut used) = (false, false);
        visit(&mut |node| {
            if let Node::Expr(expr) = node {
                continues |= matches!(expr.kind, ExprKind::Continue);
                used |= matches!((&expr.kind, &pattern.kind), (ExprKind::Local(local), PatternKind::Bind(bound)) if local == bound);
            }
        });
        match source {
            Source::Range {
                start,
                end,
                inclusive,
                max,
            } => {
                let max = self.count(max);
                self.walk_range(
                    (start, end),
                    *inclusive,
                    max,
                    &summary,
                    continues,
                    pattern,
                    used,
                    body,
                );
            }
            Source::List { list, take, max } => {
                let max = self.count(max);
                self.walk_list(list, take.as_ref(), max, &summary, continues, pattern, body);
            }
            Source::Rows {
                table,
                index,
                prefix,
                from,
                to,
                after,
                descending,
                take,
                max,
            } => {
                let rows = Rows {
                    table: *table,
                    index: index.map(|index| index as usize),
                    prefix: prefix.iter().collect(),
                    from: from.iter().collect(),
                    to: to.iter().collect(),
                    after: after.iter().collect(),
                    descending: *descending,
                    max: *max,
                };
                let copied = summary.writes_table(*table);
                self.walk_rows(&rows, take, copied, &summary, continues, pattern, body);
            }
            Source::AllRows { table } => self.scan_table(*table, continues, pattern, body),
        }
    }

    /// The body once: `continue` leaves it, `break` leaves `end`.
    pub fn iteration(&mut self, end: Label, continues: bool, work: Work<'_, 'l, 'p>) {
        self.nested += 1;
        if continues {
            self.leavable(&mut |me: &mut Function<'l, 'p>, next| {
                me.loops.push(Loop { next, end });
                work(me);
                me.loops.pop();
            });
        } else {
            self.loops.push(Loop { next: end, end });
            work(self);
            self.loops.pop();
        }
        self.nested -= 1;
    }

    // -- numbers -----------------------------------------------------------------------------------------

    #[expect(clippy::too_many_arguments)]
    fn walk_range(
        &mut self,
        ends: (&'p Expr, &'p Expr),
        inclusive: bool,
        max: u64,
        summary: &crate::effects::Summary,
        continues: bool,
        pattern: &'p Pattern,
        used: bool,
        body: Work<'_, 'l, 'p>,
    ) {
        let scalar = self.ty(&ends.0.ty).as_scalar().unwrap_or(Scalar::U64);
        let (has_one, over) = if inclusive {
            (CompareOp::LessOrEqual, CompareOp::Equal)
        } else {
            (CompareOp::Less, CompareOp::GreaterOrEqual)
        };
        let known = literal(ends.0).zip(self.known(ends.1));
        if let Some((low, high)) = known
            && self.low_level
            && !inclusive
            && !continues
            && high - low <= REPEATED_MAX
            && matches!(pattern.kind, PatternKind::Bind(_) | PatternKind::Wildcard)
        {
            return self.repeat(scalar, low..high, used.then_some(pattern), body);
        }
        let fits =
            known.is_some_and(|(low, high)| high - low + i128::from(inclusive) <= i128::from(max));
        let Operand::Scalar(start) = self.stable(ends.0, &[ends.1]) else {
            return;
        };
        let at = self.code.copied(start);
        let Operand::Scalar(end) = self.value(ends.1) else {
            return;
        };
        // The end is fixed when the loop starts.
        let end = if is_constant(ends.1) {
            end
        } else {
            self.code.copied(end)
        };
        let some = self.code.compare(has_one, at, end);
        self.moved(summary);
        self.if_else(
            some,
            &mut |me: &mut Function<'l, 'p>| {
                if !fits {
                    let unsigned = unsigned_of(scalar);
                    let length = me.code.binary(BinaryOp::WrappingSub, end, at);
                    let length = me.code.convert(ConvertMode::Wrapping, unsigned, length);
                    // Of an inclusive range the length is one more than the difference.
                    let most = max
                        .saturating_sub(u64::from(inclusive))
                        .min(u64::MAX >> (64 - unsigned.bits().min(64)));
                    let most = me.code.literal(unsigned, most.into());
                    let beyond = me.code.compare(CompareOp::Greater, length, most);
                    me.code.fail_if(beyond, Builtin::BoundExceeded);
                }
                let leave = me.code.begin_loop();
                me.iteration(leave, continues, &mut |me: &mut Function<'l, 'p>| {
                    me.bind_counter(pattern, at);
                    body(me);
                });
                if inclusive {
                    let last = me.code.compare(over, at, end);
                    me.code.break_if(last, leave);
                }
                let one = me.code.literal(scalar, 1);
                me.code.emit(Instr::Binary {
                    op: BinaryOp::WrappingAdd,
                    dst: at,
                    left: at,
                    right: one,
                });
                if !inclusive {
                    let last = me.code.compare(over, at, end);
                    me.code.break_if(last, leave);
                }
                me.code.end_loop(max);
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
        self.moved(summary);
    }

    /// A short loop of the standard library between constants, written out: no counting, no jumping back.
    fn repeat(
        &mut self,
        scalar: Scalar,
        numbers: std::ops::Range<i128>,
        pattern: Option<&'p Pattern>,
        body: Work<'_, 'l, 'p>,
    ) {
        self.leavable(&mut |me: &mut Function<'l, 'p>, end| {
            me.code.repeats += 1;
            for number in numbers.clone() {
                if me.code.ended() {
                    break;
                }
                me.iteration(end, false, &mut |me: &mut Function<'l, 'p>| {
                    if let Some(pattern) = pattern {
                        let at = me.code.literal(scalar, number as u128);
                        me.bind_counter(pattern, at);
                    }
                    body(me);
                });
            }
            me.code.repeats -= 1;
        });
    }

    /// A name for the running number; its own register where the body may change it.
    fn bind_counter(&mut self, pattern: &'p Pattern, at: Register) {
        match pattern.kind {
            PatternKind::Bind(id) if !self.declared[id.0 as usize].mutable => {
                self.locals[id.0 as usize] = Binding::Is(Operand::Scalar(at));
            }
            _ => self.bind(pattern, Operand::Scalar(at)),
        }
    }

    fn known(&mut self, expr: &Expr) -> Option<i128> {
        match &expr.kind {
            ExprKind::Const(constant) => {
                Some(self.low.types.constant(constant, &self.generics).into())
            }
            _ => literal(expr),
        }
    }

    // -- lists -------------------------------------------------------------------------------------------

    #[expect(clippy::too_many_arguments)]
    fn walk_list(
        &mut self,
        list: &'p Expr,
        take: Option<&'p Expr>,
        max: u64,
        summary: &crate::effects::Summary,
        continues: bool,
        pattern: &'p Pattern,
        body: Work<'_, 'l, 'p>,
    ) {
        let Ty::Value(of) = self.ty(&list.ty) else {
            return;
        };
        let Some((element, capacity)) = of.elements() else {
            return;
        };
        let Operand::View(mut view) = self.value(list) else {
            return;
        };
        let fixed =
            matches!(list.kind, ExprKind::Local(id) if !self.declared[id.0 as usize].mutable);
        if !fixed && !self.is_own_slot(list) {
            // The walk sees the list as it was.
            let slot = self.code.slot(self.code.view_of(view).length);
            self.code.copy(slot, view);
            view = slot;
        }
        let length = self.code.load(Scalar::U32, view, 0);
        let mut length = self.widen(length);
        if let Some(take) = take {
            let Operand::Scalar(take) = self.value(take) else {
                return;
            };
            let take = self.code.convert(ConvertMode::Checked, Scalar::U64, take);
            length = self.code.binary(BinaryOp::Min, length, take);
        }
        if max < capacity.into()
            && take.is_none_or(|take| self.known(take).is_none_or(|take| take > i128::from(max)))
        {
            let most = self.code.number(max);
            let beyond = self.code.compare(CompareOp::Greater, length, most);
            self.code.fail_if(beyond, Builtin::BoundExceeded);
        }
        let at = self.code.number(0);
        let stride = self.list_stride(element, capacity, 0);
        self.moved(summary);
        let some = self.code.compare(CompareOp::Less, at, length);
        self.if_else(
            some,
            &mut |me: &mut Function<'l, 'p>| {
                let leave = me.code.begin_loop();
                me.iteration(leave, continues, &mut |me: &mut Function<'l, 'p>| {
                    let location = Location::Element {
                        view,
                        index: at,
                        array: stride,
                    };
                    let item = me.read_as(&Ty::Value(element.clone()), location);
                    me.bind_fresh(pattern, item);
                    body(me);
                });
                me.step(at, length, leave);
                me.code.end_loop(max.min(capacity.into()));
            },
            &mut |_: &mut Function<'l, 'p>| {},
        );
        self.moved(summary);
    }

    /// Binds to a value that nothing else can change.
    fn bind_fresh(&mut self, pattern: &'p Pattern, operand: Operand) {
        match (&pattern.kind, operand) {
            (PatternKind::Bind(id), operand) if !self.declared[id.0 as usize].mutable => {
                self.locals[id.0 as usize] = Binding::Is(operand);
            }
            (PatternKind::Tuple(parts), Operand::View(view)) => {
                let shape = self.shape(&pattern.ty);
                for (number, inner) in parts
                    .iter()
                    .enumerate()
                    .filter(|(_, inner)| !matches!(inner.kind, PatternKind::Wildcard))
                {
                    let part = self.tuple_part(&shape, number, view);
                    self.bind_fresh(inner, part);
                }
            }
            (_, operand) => self.bind(pattern, operand),
        }
    }

    pub fn step(&mut self, at: Register, length: Register, leave: Label) {
        let one = self.code.literal(Scalar::U64, 1);
        self.code.emit(Instr::Binary {
            op: BinaryOp::WrappingAdd,
            dst: at,
            left: at,
            right: one,
        });
        let over = self.code.compare(CompareOp::GreaterOrEqual, at, length);
        self.code.break_if(over, leave);
    }

    /// How many to visit; more than `max` fails `BoundExceeded`.
    pub fn take(&mut self, take: &'p Expr, max: u64) -> Option<Register> {
        let known = self.known(take);
        let Operand::Scalar(number) = self.value(take) else {
            return None;
        };
        if known.is_some_and(|known| known <= i128::from(max)) {
            return Some(self.widen(number));
        }
        let number = self.code.convert(ConvertMode::Checked, Scalar::U64, number);
        let most = self.code.number(max);
        let beyond = self.code.compare(CompareOp::Greater, number, most);
        self.code.fail_if(beyond, Builtin::BoundExceeded);
        Some(number)
    }

    // -- comprehensions ----------------------------------------------------------------------------------

    /// `[value for pattern in source if condition]` at `view` + `offset`.
    pub fn comprehension(
        &mut self,
        expr: &'p Expr,
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let ExprKind::Comprehension {
            value,
            pattern,
            source,
            condition,
        } = &expr.kind
        else {
            return;
        };
        let Shape::List(element, max) = shape else {
            return;
        };
        self.clear(shape, view, offset, fresh);
        let stride = self.list_stride(element, *max, offset);
        let size = self.size(element);
        let count = self.code.number(0);
        self.walk(
            source,
            pattern,
            &mut |me: &mut Function<'l, 'p>| {
                let mut push = |me: &mut Function<'l, 'p>| {
                    let slot = me.code.part_at(view, count, stride, size);
                    me.into(
                        value,
                        Dest::Memory {
                            view: slot,
                            offset: 0,
                            fresh: true,
                        },
                    );
                    let one = me.code.literal(Scalar::U64, 1);
                    me.code.emit(Instr::Binary {
                        op: BinaryOp::WrappingAdd,
                        dst: count,
                        left: count,
                        right: one,
                    });
                };
                match condition {
                    Some(condition) => {
                        if let Operand::Scalar(holds) = me.value(condition) {
                            me.if_else(holds, &mut push, &mut |_: &mut Function<'l, 'p>| {});
                        }
                    }
                    None => push(me),
                }
            },
            |visit| {
                condition
                    .iter()
                    .for_each(|condition| crate::effects::visit_expr(condition, visit));
                crate::effects::visit_expr(value, visit);
            },
        );
        let length = self.code.convert(ConvertMode::Wrapping, Scalar::U32, count);
        self.code.store(view, offset, length);
    }
}

fn literal(expr: &Expr) -> Option<i128> {
    match expr.kind {
        ExprKind::Integer(number) => Some(number),
        _ => None,
    }
}

fn unsigned_of(scalar: Scalar) -> Scalar {
    match scalar {
        Scalar::I8 => Scalar::U8,
        Scalar::I16 => Scalar::U16,
        Scalar::I32 => Scalar::U32,
        Scalar::I64 => Scalar::U64,
        Scalar::I128 => Scalar::U128,
        other => other,
    }
}
