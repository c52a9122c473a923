//! Decimals as plain instructions: integers without their point, and a check of the digits after each operation.
//!
//! Always true: a decimal in a register has at most its type's digits; a result that has more fails `Overflow`. What rounds
//! is one `multiply_divide` on 128 bits.

use crate::body::{Function, Operand};
use crate::concrete::{Ty, scalar_of};
use rc_bytecode::instr::{
    BinaryOp, Builtin, CompareOp, ConvertMode, Instr, Register, Rounding, Scalar, UnaryOp,
};
use rc_bytecode::layout::Shape;
use rc_bytecode::text::{decimal_max, power_of_ten};
use rc_hir::{Expr, Method};

/// Digits and scale; of an integer no more is known than its scale.
fn scale_of(ty: &Ty) -> u8 {
    match ty {
        Ty::Value(Shape::Decimal { scale, .. }) => *scale,
        _ => 0,
    }
}

pub fn is_decimal(ty: &Ty) -> bool {
    matches!(ty, Ty::Value(Shape::Decimal { .. }))
}

impl<'p> Function<'_, 'p> {
    /// A decimal where it may have too many digits: `register` is of the type's scalar or wider, the result of the type's.
    pub fn within_digits(&mut self, shape: &Shape, register: Register) -> Register {
        let (Shape::Decimal { digits, .. }, Some(scalar)) = (shape, scalar_of(shape)) else {
            return register;
        };
        let wide = self.code.scalar_of(register);
        let size = self.code.scalar(wide);
        self.code.emit(Instr::Unary {
            op: UnaryOp::Abs,
            dst: size,
            src: register,
        });
        let most = self.code.literal(wide, decimal_max(*digits) as u128);
        let beyond = self.code.compare(CompareOp::Greater, size, most);
        self.code.fail_if(beyond, Builtin::Overflow);
        self.code.convert(ConvertMode::Wrapping, scalar, register)
    }

    /// `+ - % *` with a decimal on one side at least: of `shape`.
    pub fn decimal_operation(
        &mut self,
        op: BinaryOp,
        shape: &Shape,
        left: Register,
        right: Register,
    ) -> Register {
        match op {
            BinaryOp::Mul => {
                let [left, right] = [left, right].map(|side| self.wide(side));
                let product = self.code.binary(op, left, right);
                self.within_digits(shape, product)
            }
            BinaryOp::Add | BinaryOp::Sub => {
                let value = self.code.binary(op, left, right);
                self.within_digits(shape, value)
            }
            // The rest is never larger than what it is made of.
            _ => self.code.binary(op, left, right),
        }
    }

    fn wide(&mut self, register: Register) -> Register {
        self.code
            .convert(ConvertMode::Checked, Scalar::I128, register)
    }

    fn power(&mut self, exponent: u8) -> Register {
        self.code
            .literal(Scalar::I128, power_of_ten(exponent) as u128)
    }

    fn multiply_divide(
        &mut self,
        rounding: Rounding,
        left: Register,
        right: Register,
        divisor: Register,
    ) -> Register {
        let dst = self.code.scalar(Scalar::I128);
        self.code.emit(Instr::MultiplyDivide {
            rounding,
            dst,
            left,
            right,
            divisor,
        });
        dst
    }

    /// `times`, `divide` and `round`, the last one of an `f64` too.
    pub fn rounded(
        &mut self,
        expr: &'p Expr,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
    ) -> Operand {
        let (from, to) = (self.ty(&receiver.ty), self.ty(&expr.ty));
        let Some(operand) = arguments.first() else {
            let (Operand::Scalar(src), Method::Round(rounding)) = (self.value(receiver), method)
            else {
                return Operand::Never;
            };
            if self.code.scalar_of(src) == Scalar::F64 {
                let dst = self.code.scalar(Scalar::F64);
                self.code.emit(Instr::Round { rounding, dst, src });
                return Operand::Scalar(dst);
            }
            return Operand::Scalar(self.rescaled(src, &from, &to, Some(rounding)));
        };
        let by = scale_of(&self.ty(&operand.ty));
        let Some((Operand::Scalar(left), Operand::Scalar(right))) = self.pair(receiver, operand)
        else {
            return Operand::Never;
        };
        let [left, right] = [left, right].map(|side| self.wide(side));
        let scale = self.power(by);
        let value = match method {
            Method::Times(rounding) => self.multiply_divide(rounding, left, right, scale),
            Method::Divide(rounding) => self.multiply_divide(rounding, left, scale, right),
            _ => left,
        };
        Operand::Scalar(self.fitted(value, &to))
    }

    fn fitted(&mut self, value: Register, to: &Ty) -> Register {
        match to {
            Ty::Value(shape @ Shape::Decimal { .. }) => self.within_digits(shape, value),
            to => {
                let scalar = to.as_scalar().unwrap_or(Scalar::I128);
                self.code.convert(ConvertMode::Checked, scalar, value)
            }
        }
    }

    /// From one decimal or integer type to another. Digits that would be lost fail `Overflow`, unless a rounding is given.
    pub fn rescaled(
        &mut self,
        value: Register,
        from: &Ty,
        to: &Ty,
        rounding: Option<Rounding>,
    ) -> Register {
        let (have, want) = (scale_of(from), scale_of(to));
        let value = self.wide(value);
        if want >= have {
            let more = self.power(want - have);
            let value = match want > have {
                true => self.code.binary(BinaryOp::Mul, value, more),
                false => value,
            };
            return self.fitted(value, to);
        }
        let less = self.power(have - want);
        let value = match rounding {
            Some(rounding) => {
                let one = self.power(0);
                self.multiply_divide(rounding, value, one, less)
            }
            None => {
                let rest = self.code.binary(BinaryOp::Rem, value, less);
                let none = self.code.literal(Scalar::I128, 0);
                let lost = self.code.compare(CompareOp::NotEqual, rest, none);
                self.code.fail_if(lost, Builtin::Overflow);
                self.code.binary(BinaryOp::Div, value, less)
            }
        };
        self.fitted(value, to)
    }
}
