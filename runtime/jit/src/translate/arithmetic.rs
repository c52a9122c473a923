//! Arithmetic and comparison: what `rc_vm::number` says, as machine code.
//!
//! Always true: what does not fit leaves to a cold block; products, quotients and remainders of 128 bits are made by the
//! runtime, everything else inline; a float that is not finite fails, so none is ever in a register.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type as NativeType, Value, types};
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, Register, Rounding, Scalar, UnaryOp};

use super::{Activation, Translator, native_type};
use crate::callouts::{Callout, ROUNDINGS, WideOp};
use crate::context;
use crate::sabotage::Sabotage;

/// The least and greatest value of an integer (or `Bool`), as bits.
pub(crate) fn range(scalar: Scalar) -> (u128, u128) {
    let bits = if scalar == Scalar::Bool {
        1
    } else {
        scalar.bits()
    };
    if scalar.is_signed() {
        let greatest = (1u128 << (bits - 1)) - 1;
        (!greatest, greatest)
    } else {
        (0, u128::MAX >> (128 - bits))
    }
}

impl Translator<'_, '_> {
    pub(crate) fn binary(
        &mut self,
        activation: &mut Activation,
        op: BinaryOp,
        dst: Register,
        left: Register,
        right: Register,
    ) {
        let scalar = activation.scalar_of(left);
        let (a, b) = (
            self.scalar(activation, left),
            self.scalar(activation, right),
        );
        let value = if scalar == Scalar::F64 {
            self.binary_float(op, a, b)
        } else {
            self.binary_integer(op, scalar, a, b)
        };
        self.set_scalar(activation, dst, value);
    }

    fn binary_integer(&mut self, op: BinaryOp, scalar: Scalar, a: Value, b: Value) -> Value {
        let signed = scalar.is_signed();
        let wide = native_type(scalar) == types::I128;
        match op {
            BinaryOp::Add if !signed => {
                let sum = self.builder.ins().iadd(a, b);
                if self.sabotage != Sabotage::NoOverflowCheck {
                    let carried = self.builder.ins().icmp(IntCC::UnsignedLessThan, sum, a);
                    self.fail_if(carried, Builtin::Overflow);
                }
                sum
            }
            BinaryOp::Sub if !signed => {
                let borrows = self.builder.ins().icmp(IntCC::UnsignedLessThan, a, b);
                self.fail_if(borrows, Builtin::Overflow);
                self.builder.ins().isub(a, b)
            }
            BinaryOp::Add => {
                let (sum, overflow) = self.builder.ins().sadd_overflow(a, b);
                self.fail_if(overflow, Builtin::Overflow);
                sum
            }
            BinaryOp::Sub => {
                let (difference, overflow) = self.builder.ins().ssub_overflow(a, b);
                self.fail_if(overflow, Builtin::Overflow);
                difference
            }
            BinaryOp::Mul if wide => self.wide(
                if signed {
                    WideOp::MulSigned
                } else {
                    WideOp::Mul
                },
                a,
                b,
            ),
            BinaryOp::Mul => {
                let (product, overflow) = self.multiply_overflow(signed, a, b);
                self.fail_if(overflow, Builtin::Overflow);
                product
            }
            BinaryOp::Div | BinaryOp::Rem => self.divide(op, scalar, a, b),
            BinaryOp::WrappingAdd => self.builder.ins().iadd(a, b),
            BinaryOp::WrappingSub => self.builder.ins().isub(a, b),
            BinaryOp::WrappingMul => self.builder.ins().imul(a, b),
            BinaryOp::SaturatingAdd | BinaryOp::SaturatingSub | BinaryOp::SaturatingMul => {
                self.saturating(op, scalar, a, b)
            }
            BinaryOp::Min => {
                let condition = if signed {
                    IntCC::SignedLessThan
                } else {
                    IntCC::UnsignedLessThan
                };
                let less = self.builder.ins().icmp(condition, a, b);
                self.choose(less, a, b)
            }
            BinaryOp::Max => {
                let condition = if signed {
                    IntCC::SignedGreaterThan
                } else {
                    IntCC::UnsignedGreaterThan
                };
                let greater = self.builder.ins().icmp(condition, a, b);
                self.choose(greater, a, b)
            }
            BinaryOp::And => self.builder.ins().band(a, b),
            BinaryOp::Or => self.builder.ins().bor(a, b),
            BinaryOp::Xor => self.builder.ins().bxor(a, b),
            BinaryOp::ShiftLeft | BinaryOp::ShiftRight => {
                // A negative count is far above every width when read as unsigned.
                let outside = self.compare_to(
                    IntCC::UnsignedGreaterThanOrEqual,
                    b,
                    u128::from(scalar.bits()),
                );
                self.fail_if(outside, Builtin::Overflow);
                let count = if wide {
                    self.builder.ins().ireduce(types::I64, b)
                } else {
                    b
                };
                match op {
                    BinaryOp::ShiftLeft => self.builder.ins().ishl(a, count),
                    _ if signed => self.builder.ins().sshr(a, count),
                    _ => self.builder.ins().ushr(a, count),
                }
            }
        }
    }

    fn multiply_overflow(&mut self, signed: bool, a: Value, b: Value) -> (Value, Value) {
        if signed {
            self.builder.ins().smul_overflow(a, b)
        } else {
            self.builder.ins().umul_overflow(a, b)
        }
    }

    fn divide(&mut self, op: BinaryOp, scalar: Scalar, a: Value, b: Value) -> Value {
        let signed = scalar.is_signed();
        if native_type(scalar) == types::I128 {
            return match (op, signed) {
                (BinaryOp::Div, false) => self.wide(WideOp::Div, a, b),
                (BinaryOp::Div, true) => self.wide(WideOp::DivSigned, a, b),
                (_, false) => self.wide(WideOp::Rem, a, b),
                (_, true) => self.wide(WideOp::RemSigned, a, b),
            };
        }
        let zero = self.compare_to(IntCC::Equal, b, 0);
        self.fail_if(zero, Builtin::DivideByZero);
        if !signed {
            return match op {
                BinaryOp::Div => self.builder.ins().udiv(a, b),
                _ => self.builder.ins().urem(a, b),
            };
        }
        let minus_one = self.compare_to(IntCC::Equal, b, u128::MAX);
        if op == BinaryOp::Div {
            let least = self.compare_to(IntCC::Equal, a, range(scalar).0);
            let outside = self.builder.ins().band(minus_one, least);
            self.fail_if(outside, Builtin::Overflow);
            return self.builder.ins().sdiv(a, b);
        }
        // Anything % -1 is 0, and so is anything % 1, which the machine does for MIN too.
        let one = self.constant(native_type(scalar), 1);
        let safe = self.choose(minus_one, one, b);
        self.builder.ins().srem(a, safe)
    }

    fn saturating(&mut self, op: BinaryOp, scalar: Scalar, a: Value, b: Value) -> Value {
        let kind = native_type(scalar);
        let (least, greatest) = range(scalar);
        let signed = scalar.is_signed();
        if kind == types::I128 && op == BinaryOp::SaturatingMul {
            return self.wide(
                if signed {
                    WideOp::SaturatingMulSigned
                } else {
                    WideOp::SaturatingMul
                },
                a,
                b,
            );
        }
        if !signed {
            let (value, outside, end) = match op {
                BinaryOp::SaturatingAdd => {
                    let sum = self.builder.ins().iadd(a, b);
                    (
                        sum,
                        self.builder.ins().icmp(IntCC::UnsignedLessThan, sum, a),
                        greatest,
                    )
                }
                BinaryOp::SaturatingSub => {
                    let difference = self.builder.ins().isub(a, b);
                    (
                        difference,
                        self.builder.ins().icmp(IntCC::UnsignedLessThan, a, b),
                        0,
                    )
                }
                _ => {
                    let (product, outside) = self.multiply_overflow(false, a, b);
                    (product, outside, greatest)
                }
            };
            let end = self.constant(kind, end);
            return self.choose(outside, end, value);
        }
        let (value, outside) = match op {
            BinaryOp::SaturatingAdd => self.builder.ins().sadd_overflow(a, b),
            BinaryOp::SaturatingSub => self.builder.ins().ssub_overflow(a, b),
            _ => self.multiply_overflow(true, a, b),
        };
        // Which end: for sums and differences the left operand's sign says it, for products both.
        let side = if op == BinaryOp::SaturatingMul {
            self.builder.ins().bxor(a, b)
        } else {
            a
        };
        let negative = self.compare_to(IntCC::SignedLessThan, side, 0);
        let (least, greatest) = (self.constant(kind, least), self.constant(kind, greatest));
        let end = self.choose(negative, least, greatest);
        self.choose(outside, end, value)
    }

    /// An operation on 128 bits by the runtime.
    fn wide(&mut self, op: WideOp, a: Value, b: Value) -> Value {
        let (a_low, a_high) = self.builder.ins().isplit(a);
        let (b_low, b_high) = self.builder.ins().isplit(b);
        let op = self.word(op as u64);
        let arguments = [self.context, op, a_low, a_high, b_low, b_high];
        let status = self
            .call_out(Callout::Wide, &arguments)
            .expect("answers a status");
        self.fail_if_status(status);
        self.wide_result()
    }

    pub(crate) fn multiply_divide(
        &mut self,
        activation: &mut Activation,
        rounding: Rounding,
        dst: Register,
        operands: [Register; 3],
    ) {
        let mut arguments = vec![self.context, self.rounding(rounding)];
        for operand in operands {
            let value = self.scalar(activation, operand);
            let (low, high) = self.builder.ins().isplit(value);
            arguments.extend([low, high]);
        }
        let status = self
            .call_out(Callout::MultiplyDivide, &arguments)
            .expect("answers a status");
        self.fail_if_status(status);
        let value = self.wide_result();
        self.set_scalar(activation, dst, value);
    }

    pub(crate) fn round(
        &mut self,
        activation: &mut Activation,
        rounding: Rounding,
        dst: Register,
        src: Register,
    ) {
        let (rounding, value) = (self.rounding(rounding), self.scalar(activation, src));
        let value = self
            .call_out(Callout::Round, &[rounding, value])
            .expect("answers a number");
        self.set_scalar(activation, dst, value);
    }

    fn rounding(&mut self, rounding: Rounding) -> Value {
        let number = ROUNDINGS.iter().position(|known| *known == rounding);
        self.word(number.expect("all are listed") as u64)
    }

    pub(crate) fn wide_result(&mut self) -> Value {
        let low =
            self.builder
                .ins()
                .load(types::I64, self.flags.context, self.context, context::WIDE);
        let high = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::WIDE + 8,
        );
        self.builder.ins().iconcat(low, high)
    }

    fn binary_float(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        match op {
            BinaryOp::Add => {
                let sum = self.builder.ins().fadd(a, b);
                self.finite(sum)
            }
            BinaryOp::Sub => {
                let difference = self.builder.ins().fsub(a, b);
                self.finite(difference)
            }
            BinaryOp::Mul => {
                let product = self.builder.ins().fmul(a, b);
                self.finite(product)
            }
            BinaryOp::Div => {
                let zero = self.builder.ins().f64const(0.0);
                let by_zero = self.builder.ins().fcmp(FloatCC::Equal, b, zero);
                self.fail_if(by_zero, Builtin::DivideByZero);
                let quotient = self.builder.ins().fdiv(a, b);
                self.finite(quotient)
            }
            // Of two equal zeros the left one is kept, whatever their signs.
            BinaryOp::Min => {
                let less = self.builder.ins().fcmp(FloatCC::LessThan, b, a);
                self.choose(less, b, a)
            }
            BinaryOp::Max => {
                let greater = self.builder.ins().fcmp(FloatCC::GreaterThan, b, a);
                self.choose(greater, b, a)
            }
            _ => unreachable!("verified: {op:?} is for integers"),
        }
    }

    /// A zero that is not negative: adding zero changes nothing else.
    fn positive_zero(&mut self, value: Value) -> Value {
        let zero = self.builder.ins().f64const(0.0);
        self.builder.ins().fadd(value, zero)
    }

    /// Fails where the float is not finite.
    fn finite(&mut self, value: Value) -> Value {
        let size = self.builder.ins().fabs(value);
        let infinite = self.builder.ins().f64const(f64::INFINITY);
        // Unordered counts as outside, so NaN fails too.
        let outside =
            self.builder
                .ins()
                .fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, size, infinite);
        self.fail_if(outside, Builtin::Overflow);
        self.positive_zero(value)
    }

    pub(crate) fn unary(
        &mut self,
        activation: &mut Activation,
        op: UnaryOp,
        dst: Register,
        src: Register,
    ) {
        let scalar = activation.scalar_of(src);
        let a = self.scalar(activation, src);
        let kind = native_type(scalar);
        let value = match (scalar, op) {
            (Scalar::Bool, UnaryOp::Not) => {
                let one = self.constant(kind, 1);
                self.builder.ins().bxor(a, one)
            }
            (Scalar::F64, UnaryOp::Neg) => {
                let negated = self.builder.ins().fneg(a);
                self.positive_zero(negated)
            }
            (Scalar::F64, UnaryOp::Abs) => self.builder.ins().fabs(a),
            (_, UnaryOp::SquareRoot) => {
                let root = self.builder.ins().sqrt(a);
                self.finite(root)
            }
            (_, UnaryOp::Not) => self.builder.ins().bnot(a),
            (_, UnaryOp::Neg) if scalar.is_signed() => {
                let least = self.compare_to(IntCC::Equal, a, range(scalar).0);
                self.fail_if(least, Builtin::Overflow);
                self.negate(kind, a)
            }
            (_, UnaryOp::Neg) => {
                let positive = self.compare_to(IntCC::NotEqual, a, 0);
                self.fail_if(positive, Builtin::Overflow);
                a
            }
            (_, UnaryOp::Abs) if scalar.is_signed() => {
                let least = self.compare_to(IntCC::Equal, a, range(scalar).0);
                self.fail_if(least, Builtin::Overflow);
                let negative = self.compare_to(IntCC::SignedLessThan, a, 0);
                let negated = self.negate(kind, a);
                self.choose(negative, negated, a)
            }
            (_, UnaryOp::Abs) => a,
            (_, UnaryOp::TrailingZeros) => self.builder.ins().ctz(a),
            (_, UnaryOp::LeadingZeros) => self.builder.ins().clz(a),
            (_, UnaryOp::CountOnes) => self.builder.ins().popcnt(a),
            (_, UnaryOp::ByteSwap) if kind == types::I8 => a,
            (_, UnaryOp::ByteSwap) => self.builder.ins().bswap(a),
        };
        self.set_scalar(activation, dst, value);
    }

    fn negate(&mut self, kind: NativeType, value: Value) -> Value {
        let zero = self.constant(kind, 0);
        self.builder.ins().isub(zero, value)
    }

    pub(crate) fn compare(
        &mut self,
        activation: &mut Activation,
        op: CompareOp,
        dst: Register,
        left: Register,
        right: Register,
    ) {
        let scalar = activation.scalar_of(left);
        let (a, b) = (
            self.scalar(activation, left),
            self.scalar(activation, right),
        );
        let value = if scalar == Scalar::F64 {
            let condition = match op {
                CompareOp::Equal => FloatCC::Equal,
                CompareOp::NotEqual => FloatCC::NotEqual,
                CompareOp::Less => FloatCC::LessThan,
                CompareOp::LessOrEqual => FloatCC::LessThanOrEqual,
                CompareOp::Greater => FloatCC::GreaterThan,
                CompareOp::GreaterOrEqual => FloatCC::GreaterThanOrEqual,
            };
            self.builder.ins().fcmp(condition, a, b)
        } else {
            let condition = match (op, scalar.is_signed()) {
                (CompareOp::Equal, _) => IntCC::Equal,
                (CompareOp::NotEqual, _) => IntCC::NotEqual,
                (CompareOp::Less, false) => IntCC::UnsignedLessThan,
                (CompareOp::LessOrEqual, false) => IntCC::UnsignedLessThanOrEqual,
                (CompareOp::Greater, false) => IntCC::UnsignedGreaterThan,
                (CompareOp::GreaterOrEqual, false) => IntCC::UnsignedGreaterThanOrEqual,
                (CompareOp::Less, true) => IntCC::SignedLessThan,
                (CompareOp::LessOrEqual, true) => IntCC::SignedLessThanOrEqual,
                (CompareOp::Greater, true) => IntCC::SignedGreaterThan,
                (CompareOp::GreaterOrEqual, true) => IntCC::SignedGreaterThanOrEqual,
            };
            self.builder.ins().icmp(condition, a, b)
        };
        self.set_scalar(activation, dst, value);
    }
}
