//! Operations of lists and strings, as plain instructions. Always true: what is beyond a length is zero.

use crate::body::{Dest, Function, Operand};
use crate::concrete::{Ty, scalar_of};
use crate::effects::{self, Root};
use crate::places::Location;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Instr, Register, Scalar};
use rc_bytecode::layout::{Shape, length_prefix};
use rc_hir::{Expr, Method};

impl<'p> Function<'_, 'p> {
    /// Whether the operation's result is made in memory.
    pub fn builds_list(&self, method: Method) -> bool {
        matches!(
            method,
            Method::Pop | Method::First | Method::Last | Method::Concat
        )
    }

    pub fn list_method(
        &mut self,
        expr: &'p Expr,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
    ) -> Operand {
        match method {
            Method::Length | Method::IsEmpty => {
                let Some(length) = self.length_of(receiver) else {
                    return Operand::Never;
                };
                if method == Method::IsEmpty {
                    let zero = self.code.constant(self.code.scalar_of(length), 0);
                    return Operand::Scalar(self.code.compare(CompareOp::Equal, length, zero));
                }
                let scalar = self.ty(&expr.ty).as_scalar().unwrap_or(Scalar::U64);
                Operand::Scalar(self.code.convert(ConvertMode::Wrapping, scalar, length))
            }
            Method::Push => {
                self.push(receiver, &arguments[0]);
                Operand::Unit
            }
            Method::Contains => self.contains(receiver, &arguments[0]),
            Method::StartsWith => self.starts_with(receiver, &arguments[0]),
            _ => {
                // Optionals and strings are made in a slot of their own.
                let Ty::Value(shape) = self.ty(&expr.ty) else {
                    return Operand::Never;
                };
                let size = self.size(&shape);
                let view = self.code.slot(size);
                let fresh = self.code.loops == 0;
                self.build_method(method, receiver, arguments, &shape, view, 0, fresh);
                Operand::View(view)
            }
        }
    }

    /// The length of a list, string or bytes, as it is stored.
    fn length_of(&mut self, receiver: &'p Expr) -> Option<Register> {
        let scalar = match self.ty(&receiver.ty) {
            Ty::Value(Shape::String(max) | Shape::Bytes(max)) if length_prefix(max) == 2 => {
                Scalar::U16
            }
            _ => Scalar::U32,
        };
        let location = self.locate(receiver)?;
        Some(self.load(location, scalar))
    }

    /// What changes a list inside a row or a state keeps what hangs on it right.
    fn change(&mut self, receiver: &'p Expr, work: &mut dyn FnMut(&mut Self)) {
        match effects::root(receiver) {
            Root::Local(id, Some(field)) => {
                if let crate::body::Binding::Is(Operand::Row(row)) = self.locals[id.0 as usize] {
                    return self.write_row_field(row, field, work);
                }
            }
            Root::State(id) => self.open_state(id),
            _ => {}
        }
        work(self);
    }

    fn push(&mut self, receiver: &'p Expr, item: &'p Expr) {
        let Ty::Value(Shape::List(element, max)) = self.ty(&receiver.ty) else {
            return;
        };
        let prepared = self.prepared.len();
        self.prepare(receiver);
        let operand = self.value(item);
        let operand = match operand {
            Operand::View(view) if !self.is_own_slot(item) => {
                let slot = self.code.slot(self.code.view_of(view).length);
                self.code.copy(slot, view);
                Operand::View(slot)
            }
            other => other,
        };
        if self.code.ended() {
            return;
        }
        let size = self.size(&element);
        self.change(receiver, &mut |me: &mut Self| {
            let Some(list) = me.place_of(receiver) else {
                return;
            };
            let length = me.code.load(Scalar::U32, list, 0);
            let most = me.code.constant(Scalar::U32, max.into());
            let full = me.code.compare(CompareOp::GreaterOrEqual, length, most);
            me.code.fail_if(full, Builtin::TooLong);
            let at = me.widen(length);
            let stride = me.list_stride(&element, max, 0);
            let slot = me.code.part_at(list, at, stride, size);
            me.deliver(
                operand,
                Dest::Memory {
                    view: slot,
                    offset: 0,
                    fresh: true,
                },
            );
            let next = me.add_number(length, 1);
            me.code.store(list, 0, next);
        });
        self.prepared.truncate(prepared);
    }

    /// `pop`, `first`, `last` and `concat` into memory.
    #[expect(clippy::too_many_arguments)]
    pub fn build_method(
        &mut self,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        match method {
            Method::Concat => self.concat(receiver, &arguments[0], shape, view, offset, fresh),
            Method::Pop => {
                let prepared = self.prepared.len();
                self.prepare(receiver);
                self.clear(shape, view, offset, fresh);
                self.change(receiver, &mut |me: &mut Self| {
                    let Some(list) = me.place_of(receiver) else {
                        return;
                    };
                    me.end_of_list(receiver, list, method, shape, view, offset);
                });
                self.prepared.truncate(prepared);
            }
            _ => {
                self.clear(shape, view, offset, fresh);
                let Some(list) = self.place_of(receiver) else {
                    return;
                };
                self.end_of_list(receiver, list, method, shape, view, offset);
            }
        }
    }

    /// The first or last element as an optional whose bytes are zero; `pop` takes it out.
    fn end_of_list(
        &mut self,
        receiver: &'p Expr,
        list: Register,
        method: Method,
        shape: &Shape,
        view: Register,
        offset: u32,
    ) {
        let Ty::Value(Shape::List(element, max)) = self.ty(&receiver.ty) else {
            return;
        };
        let Shape::Optional(content) = shape else {
            return;
        };
        let length = self.code.load(Scalar::U32, list, 0);
        let zero = self.code.constant(Scalar::U32, 0);
        let empty = self.code.compare(CompareOp::Equal, length, zero);
        let stride = self.list_stride(&element, max, 0);
        let size = self.size(&element);
        self.if_else(empty, &mut |_: &mut Self| {}, &mut |me: &mut Self| {
            let one = me.code.constant(Scalar::U32, 1);
            let last = me.code.binary(BinaryOp::WrappingSub, length, one);
            let index = if method == Method::First { zero } else { last };
            let index = me.widen(index);
            let item = me.read_as(
                &Ty::Value((*element).clone()),
                Location::Element {
                    view: list,
                    index,
                    array: stride,
                },
            );
            me.store_some(content, view, offset, item);
            if method == Method::Pop {
                let slot = me.code.part_at(list, index, stride, size);
                me.code.zero(slot);
                me.code.store(list, 0, last);
            }
        });
    }

    fn contains(&mut self, receiver: &'p Expr, item: &'p Expr) -> Operand {
        let list_ty = self.ty(&receiver.ty);
        let Ty::Value(Shape::List(element, max)) = &list_ty else {
            return Operand::Never;
        };
        let element_ty = Ty::Value((**element).clone());
        let item_ty = self.ty(&item.ty);
        let Some((Operand::View(list), wanted)) = self.pair(receiver, item) else {
            return Operand::Never;
        };
        let found = self.code.constant(Scalar::Bool, 0);
        let length = self.code.load(Scalar::U32, list, 0);
        let length = self.widen(length);
        let at = self.code.number(0);
        let stride = self.list_stride(element, *max, 0);
        let is_scalar = scalar_of(element).is_some();
        let some = self.code.compare(CompareOp::Less, at, length);
        self.if_else(
            some,
            &mut |me: &mut Self| {
                let leave = me.code.begin_loop();
                let have = me.read_as(
                    &element_ty,
                    Location::Element {
                        view: list,
                        index: at,
                        array: stride,
                    },
                );
                let same = match (have, wanted) {
                    (Operand::Scalar(have), Operand::Scalar(wanted)) if is_scalar => {
                        me.code.compare(CompareOp::Equal, have, wanted)
                    }
                    (Operand::View(have), Operand::View(wanted)) => {
                        me.compare_memory(CompareOp::Equal, have, &element_ty, wanted, &item_ty)
                    }
                    _ => return,
                };
                me.code.move_to(found, same);
                me.code.break_if(same, leave);
                let one = me.code.literal(Scalar::U64, 1);
                me.code.emit(Instr::Binary {
                    op: BinaryOp::WrappingAdd,
                    dst: at,
                    left: at,
                    right: one,
                });
                let over = me.code.compare(CompareOp::GreaterOrEqual, at, length);
                me.code.break_if(over, leave);
                me.code.end_loop((*max).into());
            },
            &mut |_: &mut Self| {},
        );
        Operand::Scalar(found)
    }

    // -- strings -------------------------------------------------------------------------------------------

    fn string_length(&mut self, view: Register, max: u32) -> Register {
        let scalar = if length_prefix(max) == 2 {
            Scalar::U16
        } else {
            Scalar::U32
        };
        let length = self.code.load(scalar, view, 0);
        self.widen(length)
    }

    fn starts_with(&mut self, receiver: &'p Expr, start: &'p Expr) -> Operand {
        let (Some(whole_max), Some(start_max)) =
            (self.string_max(receiver), self.string_max(start))
        else {
            return Operand::Never;
        };
        let Some((Operand::View(whole), Operand::View(start))) = self.pair(receiver, start) else {
            return Operand::Never;
        };
        let whole_length = self.string_length(whole, whole_max);
        let start_length = self.string_length(start, start_max);
        let holds = self
            .code
            .compare(CompareOp::GreaterOrEqual, whole_length, start_length);
        let at = self.code.number(0);
        let max = whole_max.min(start_max);
        if max == 0 {
            return Operand::Scalar(holds);
        }
        self.if_else(
            holds,
            &mut |me: &mut Self| {
                me.counted(at, start_length, max.into(), &mut |me: &mut Self| {
                    let byte = |me: &mut Self, view: Register, max: u32| {
                        let dst = me.code.scalar(Scalar::U8);
                        me.code.emit(Instr::LoadAt {
                            dst,
                            view,
                            index: at,
                            base: length_prefix(max),
                            stride: 1,
                            count: max,
                        });
                        dst
                    };
                    let (left, right) = (byte(me, whole, whole_max), byte(me, start, start_max));
                    let same = me.code.compare(CompareOp::Equal, left, right);
                    let both = me.code.binary(BinaryOp::And, holds, same);
                    me.code.move_to(holds, both);
                });
            },
            &mut |_: &mut Self| {},
        );
        Operand::Scalar(holds)
    }

    fn string_max(&mut self, expr: &Expr) -> Option<u32> {
        match self.ty(&expr.ty) {
            Ty::Value(Shape::String(max) | Shape::Bytes(max)) => Some(max),
            _ => None,
        }
    }

    fn concat(
        &mut self,
        left: &'p Expr,
        right: &'p Expr,
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let (Some(left_max), Some(right_max)) = (self.string_max(left), self.string_max(right))
        else {
            return;
        };
        let (Shape::String(max) | Shape::Bytes(max)) = shape else {
            return;
        };
        let Some((Operand::View(left), Operand::View(right))) = self.pair(left, right) else {
            return;
        };
        let left_length = self.string_length(left, left_max);
        let right_length = self.string_length(right, right_max);
        let length = self.code.binary(BinaryOp::Add, left_length, right_length);
        if u64::from(left_max) + u64::from(right_max) > u64::from(*max) {
            self.check_length(length, (*max).into());
        }
        self.clear(shape, view, offset, fresh);
        let prefix = length_prefix(*max);
        let most = left_max.min(*max);
        if most > 0 {
            let content = self.code.part(left, length_prefix(left_max), left_max);
            let to = self.code.part(view, offset + prefix, most);
            self.code.copy(to, content);
        }
        let from = self.code.number(0);
        if right_max > 0 && *max > 0 {
            let (base, count) = (offset + prefix, *max);
            self.counted(
                from,
                right_length,
                right_max.into(),
                &mut |me: &mut Self| {
                    let byte = me.code.scalar(Scalar::U8);
                    me.code.emit(Instr::LoadAt {
                        dst: byte,
                        view: right,
                        index: from,
                        base: length_prefix(right_max),
                        stride: 1,
                        count: right_max,
                    });
                    let to = me.code.binary(BinaryOp::WrappingAdd, left_length, from);
                    me.code.emit(Instr::StoreAt {
                        view,
                        index: to,
                        base,
                        stride: 1,
                        count,
                        src: byte,
                    });
                },
            );
        }
        let scalar = if prefix == 2 {
            Scalar::U16
        } else {
            Scalar::U32
        };
        let length = self.code.convert(ConvertMode::Wrapping, scalar, length);
        self.code.store(view, offset, length);
    }

    /// A text as a string in a slot.
    pub fn literal_text(&mut self, text: &str, shape: &Shape, slot: Register) {
        self.literal(text.as_bytes(), shape, slot, 0, self.code.loops == 0);
    }
}
