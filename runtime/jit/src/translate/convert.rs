//! Conversions between scalars: what `rc_vm::number::convert` says, as machine code.
//!
//! Always true: a value that does not fit leaves to a cold block (`Checked`), is clamped (`Saturating`) or keeps its low bits
//! (`Wrapping`); 128-bit integers meet floats in the runtime.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type as NativeType, Value, types};
use rc_bytecode::instr::{Builtin, ConvertMode, Register, Scalar};

use super::arithmetic::range;
use super::{Activation, Translator, native_type};
use crate::callouts::Callout;

impl Translator<'_, '_> {
    pub(crate) fn convert(
        &mut self,
        activation: &mut Activation,
        mode: ConvertMode,
        dst: Register,
        src: Register,
    ) {
        let (from, to) = (activation.scalar_of(src), activation.scalar_of(dst));
        let value = self.scalar(activation, src);
        let value = match (from, to, mode) {
            (Scalar::F64, Scalar::F64, _) => value,
            (Scalar::F64, _, _) => self.integer_from_float(to, value),
            (_, Scalar::F64, _) => self.float_from_integer(from, value),
            (_, _, ConvertMode::Wrapping) => self.wrap(from, to, value),
            (_, _, ConvertMode::Checked) => {
                if let Some(outside) = self.outside(from, to, value) {
                    self.fail_if(outside, Builtin::Overflow);
                }
                self.wrap(from, to, value)
            }
            (_, _, ConvertMode::Saturating) => self.clamp(from, to, value),
        };
        self.set_scalar(activation, dst, value);
    }

    /// Extends by the source's sign or cuts.
    fn resize(&mut self, from_signed: bool, kind: NativeType, value: Value) -> Value {
        let present = self.builder.func.dfg.value_type(value);
        if present.bits() == kind.bits() {
            value
        } else if present.bits() > kind.bits() {
            self.builder.ins().ireduce(kind, value)
        } else if from_signed {
            self.builder.ins().sextend(kind, value)
        } else {
            self.builder.ins().uextend(kind, value)
        }
    }

    fn wrap(&mut self, from: Scalar, to: Scalar, value: Value) -> Value {
        let resized = self.resize(from.is_signed(), native_type(to), value);
        if to != Scalar::Bool || from == Scalar::Bool {
            return resized;
        }
        let one = self.constant(types::I8, 1);
        self.builder.ins().band(resized, one)
    }

    /// Whether the value is outside the target's range; `None` where it never is.
    fn outside(&mut self, from: Scalar, to: Scalar, value: Value) -> Option<Value> {
        let ((from_least, from_greatest), (to_least, to_greatest)) = (range(from), range(to));
        match (from.is_signed(), to.is_signed()) {
            (false, _) if to_greatest >= from_greatest => None,
            (false, _) => Some(self.compare_to(IntCC::UnsignedGreaterThan, value, to_greatest)),
            (true, false) if to_greatest >= from_greatest => {
                Some(self.compare_to(IntCC::SignedLessThan, value, 0))
            }
            // Negative numbers are large ones when read as unsigned.
            (true, false) => Some(self.compare_to(IntCC::UnsignedGreaterThan, value, to_greatest)),
            (true, true) if to_greatest >= from_greatest => None,
            (true, true) => {
                debug_assert!((to_least as i128) > (from_least as i128));
                let kind = native_type(from);
                let cut = self.builder.ins().ireduce(native_type(to), value);
                let back = self.builder.ins().sextend(kind, cut);
                Some(self.builder.ins().icmp(IntCC::NotEqual, back, value))
            }
        }
    }

    fn clamp(&mut self, from: Scalar, to: Scalar, value: Value) -> Value {
        let ((_, from_greatest), (to_least, to_greatest)) = (range(from), range(to));
        let kind = native_type(from);
        let mut value = value;
        if from.is_signed() {
            let least = if to.is_signed() { to_least } else { 0 };
            if !to.is_signed() || to_greatest < from_greatest {
                let below = self.compare_to(IntCC::SignedLessThan, value, least);
                let end = self.constant(kind, least);
                value = self.choose(below, end, value);
            }
        }
        if to_greatest < from_greatest {
            let condition = if from.is_signed() {
                IntCC::SignedGreaterThan
            } else {
                IntCC::UnsignedGreaterThan
            };
            let above = self.compare_to(condition, value, to_greatest);
            let end = self.constant(kind, to_greatest);
            value = self.choose(above, end, value);
        }
        self.resize(from.is_signed(), native_type(to), value)
    }

    fn float_from_integer(&mut self, from: Scalar, value: Value) -> Value {
        let kind = native_type(from);
        if kind == types::I128 {
            let (low, high) = self.builder.ins().isplit(value);
            let signed = self.word(u64::from(from.is_signed()));
            return self
                .call_out(Callout::FloatFromWide, &[low, high, signed])
                .expect("answers a float");
        }
        // Every narrower integer fits 64 signed bits exactly; only U64 needs the unsigned form.
        let word = self.resize(from.is_signed(), types::I64, value);
        if from == Scalar::U64 {
            self.builder.ins().fcvt_from_uint(types::F64, word)
        } else {
            self.builder.ins().fcvt_from_sint(types::F64, word)
        }
    }

    fn integer_from_float(&mut self, to: Scalar, value: Value) -> Value {
        let kind = native_type(to);
        if kind == types::I128 {
            let signed = self.word(u64::from(to.is_signed()));
            let arguments = [self.context, value, signed];
            let status = self
                .call_out(Callout::WideFromFloat, &arguments)
                .expect("answers a status");
            self.fail_if_status(status);
            return self.wide_result();
        }
        let bits = to.bits() as i32;
        // Both ends are powers of two (or 0), which F64 has exactly. The fraction is dropped first.
        let (least, end) = if to.is_signed() {
            (-f64::powi(2.0, bits - 1), f64::powi(2.0, bits - 1))
        } else {
            (0.0, f64::powi(2.0, bits))
        };
        let whole = self.truncate(value);
        let least = self.builder.ins().f64const(least);
        let below = self
            .builder
            .ins()
            .fcmp(FloatCC::UnorderedOrLessThan, whole, least);
        self.fail_if(below, Builtin::Overflow);
        let end = self.builder.ins().f64const(end);
        let above = self
            .builder
            .ins()
            .fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, whole, end);
        self.fail_if(above, Builtin::Overflow);
        let word = if to == Scalar::U64 {
            self.builder.ins().fcvt_to_uint_sat(types::I64, whole)
        } else {
            self.builder.ins().fcvt_to_sint_sat(types::I64, whole)
        };
        self.resize(true, kind, word)
    }

    /// Without its fraction. By the runtime: not every machine has the instruction, and the result must not depend on it.
    fn truncate(&mut self, value: Value) -> Value {
        self.call_out(Callout::Truncate, &[value])
            .expect("answers a float")
    }
}
