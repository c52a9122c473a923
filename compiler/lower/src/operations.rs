//! Comparison, conversion, and the operations of the built-in types.

use crate::body::{Function, Operand};
use crate::concrete::Ty;
use crate::decimals::is_decimal;
use crate::texts::text_max;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Instr, Register, Scalar};
use rc_bytecode::layout::{Shape, length_prefix, tag_size};
use rc_hir::{Expr, ExprKind, Method};

impl<'p> Function<'_, 'p> {
    pub fn comparison(&mut self, op: CompareOp, left: &'p Expr, right: &'p Expr) -> Operand {
        let nothing = |expr: &Expr| matches!(expr.kind, ExprKind::None);
        if nothing(left) || nothing(right) {
            let other = if nothing(left) { right } else { left };
            let some = self.is_some(other);
            return Operand::Scalar(if op == CompareOp::Equal {
                self.code.not(some)
            } else {
                some
            });
        }
        let (left_ty, right_ty) = (self.ty(&left.ty), self.ty(&right.ty));
        match self.pair(left, right) {
            Some((Operand::Scalar(left), Operand::Scalar(right))) => {
                Operand::Scalar(self.code.compare(op, left, right))
            }
            Some((Operand::View(left), Operand::View(right))) => {
                Operand::Scalar(self.compare_memory(op, left, &left_ty, right, &right_ty))
            }
            Some((Operand::Unit, Operand::Unit)) => Operand::Scalar(
                self.code
                    .constant(Scalar::Bool, u128::from(op == CompareOp::Equal)),
            ),
            _ => Operand::Never,
        }
    }

    /// Values in memory are canonical, so equal ones are equal bytes; strings compare by content, then by length.
    pub fn compare_memory(
        &mut self,
        op: CompareOp,
        mut left: Register,
        left_ty: &Ty,
        mut right: Register,
        right_ty: &Ty,
    ) -> Register {
        let equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        let (left_length, right_length) = (
            self.code.view_of(left).length,
            self.code.view_of(right).length,
        );
        if let (Some(left_max), Some(right_max)) = (text_max(left_ty), text_max(right_ty))
            && (!equality || length_prefix(left_max) != length_prefix(right_max))
        {
            let left = self.text_parts(left, left_max);
            let right = self.text_parts(right, right_max);
            return self.compare_texts(op, left, right);
        }
        if left_length < right_length {
            left = self.widened(left, right_length);
        } else if right_length < left_length {
            right = self.widened(right, left_length);
        }
        if let (Ty::Value(Shape::Uuid | Shape::Hash), false) = (left_ty, equality) {
            let order = self.code.scalar(Scalar::I64);
            self.code.emit(Instr::CompareBytes {
                dst: order,
                left,
                right,
            });
            let zero = self.code.literal(Scalar::I64, 0);
            return self.code.compare(op, order, zero);
        }
        if let (Ty::Value(Shape::Enum(index)), false) = (left_ty, equality) {
            // Variants that carry nothing, in the order of their declaration.
            let variants = self.low.types.shapes.enums[*index as usize].variants.len();
            let tag = match tag_size(variants) {
                1 => Scalar::U8,
                _ => Scalar::U16,
            };
            let (left, right) = (self.code.load(tag, left, 0), self.code.load(tag, right, 0));
            return self.code.compare(op, left, right);
        }
        let dst = self.code.scalar(Scalar::Bool);
        self.code.emit(Instr::EqualBytes { dst, left, right });
        if op == CompareOp::Equal {
            dst
        } else {
            self.code.not(dst)
        }
    }

    fn widened(&mut self, view: Register, length: u32) -> Register {
        let slot = self.code.slot(length);
        self.code.copy(slot, view);
        slot
    }

    // -- conversion --------------------------------------------------------------------------------------

    pub fn conversion(&mut self, expr: &'p Expr, mode: ConvertMode, value: &'p Expr) -> Operand {
        let (from, to) = (self.ty(&value.ty), self.ty(&expr.ty));
        if from == to {
            return self.value(value);
        }
        match (&from, &to) {
            (Ty::Place(inner, _), to) => {
                let Some(location) = self.locate(value) else {
                    return Operand::Never;
                };
                match (inner.as_scalar(), to.as_scalar()) {
                    (Some(have), Some(want)) => {
                        let register = self.load(location, have);
                        Operand::Scalar(self.code.convert(mode, want, register))
                    }
                    _ => Operand::View(self.view(location, inner)),
                }
            }
            (from, to) => match (from.as_scalar(), to.as_scalar()) {
                (Some(have), Some(want)) => match self.value(value) {
                    Operand::Scalar(register) if is_decimal(from) || is_decimal(to) => {
                        Operand::Scalar(self.rescaled(register, from, to, None))
                    }
                    Operand::Scalar(register) => {
                        let mode = if have == Scalar::Bool {
                            ConvertMode::Wrapping
                        } else {
                            mode
                        };
                        let converted = self.code.convert(mode, want, register);
                        if have == Scalar::F64 && want.is_integer() && mode == ConvertMode::Checked
                        {
                            self.ensure_whole(register, converted);
                        }
                        Operand::Scalar(converted)
                    }
                    _ => Operand::Never,
                },
                _ => self.built(expr),
            },
        }
    }

    /// Fails `Overflow` where a float lost what stands behind its point.
    fn ensure_whole(&mut self, float: Register, whole: Register) {
        let back = self.code.convert(ConvertMode::Checked, Scalar::F64, whole);
        let same = self.code.compare(CompareOp::Equal, float, back);
        self.if_else(same, &mut |_: &mut Self| {}, &mut |me: &mut Self| {
            me.code.fail(Builtin::Overflow)
        });
    }

    /// Operations of the built-in types that are not of lists and strings.
    pub fn method(
        &mut self,
        expr: &'p Expr,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
    ) -> Operand {
        match method {
            Method::IsSome => Operand::Scalar(self.is_some(receiver)),
            Method::IsNone => {
                let some = self.is_some(receiver);
                Operand::Scalar(self.code.not(some))
            }
            Method::OrElse => {
                let Ty::Value(shape) = self.ty(&expr.ty) else {
                    return self.unsupported(expr.span, "`??` on rows");
                };
                let (operand, dest) = self.new_local(&shape);
                self.leavable(&mut |me: &mut Self, end| {
                    let content = me.optional(receiver, &mut |me: &mut Self| {
                        me.nested += 1;
                        me.into(&arguments[0], dest);
                        me.nested -= 1;
                        me.code.break_to(end);
                    });
                    me.deliver(content, dest);
                });
                operand
            }
            Method::Nanoseconds => self.value(receiver),
            Method::Times(_) | Method::Divide(_) | Method::Round(_) => {
                self.rounded(expr, method, receiver, arguments)
            }
            Method::ContentHash => self.content_hash(receiver, arguments),
            _ => self.list_method(expr, method, receiver, arguments),
        }
    }

    pub fn add_number(&mut self, register: Register, number: u64) -> Register {
        let scalar = self.code.scalar_of(register);
        let one = self.code.literal(scalar, number.into());
        self.code.binary(BinaryOp::WrappingAdd, register, one)
    }
}
