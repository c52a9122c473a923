//! Values: constants at the edges of their types, operators where they are defined, and registers that are used again.

use super::code::{Code, SCALARS};
use crate::instr::*;
use crate::text::power_of_ten;
use crate::verify::{binary_defined, convert_defined, unary_defined};

const RISKY: [BinaryOp; 7] = {
    use BinaryOp::*;
    [Add, Sub, Mul, Div, Rem, ShiftLeft, ShiftRight]
};

const SAFE: [BinaryOp; 11] = {
    use BinaryOp::*;
    [
        WrappingAdd,
        WrappingSub,
        WrappingMul,
        SaturatingAdd,
        SaturatingSub,
        SaturatingMul,
        Min,
        Max,
        And,
        Or,
        Xor,
    ]
};

const UNARY: [UnaryOp; 8] = {
    use UnaryOp::*;
    [
        Not,
        Neg,
        Abs,
        TrailingZeros,
        LeadingZeros,
        CountOnes,
        ByteSwap,
        SquareRoot,
    ]
};

const ROUNDINGS: [Rounding; 6] = {
    use Rounding::*;
    [HalfEven, HalfUp, Truncate, Away, Floor, Ceiling]
};

const COMPARE: [CompareOp; 6] = {
    use CompareOp::*;
    [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]
};

impl Code<'_> {
    /// Where to put a value: a new register, or one that is used already.
    pub(super) fn target(&mut self, kind: Scalar) -> Register {
        let used: Vec<Register> = self
            .scalars
            .iter()
            .filter(|(_, scalar)| *scalar == kind)
            .map(|(register, _)| *register)
            .collect();
        if !used.is_empty() && self.random.percent(25) {
            return self.random.pick(&used);
        }
        self.builder.reg(kind)
    }

    pub(super) fn known(&mut self, register: Register, kind: Scalar) {
        if !self.scalars.contains(&(register, kind)) {
            self.scalars.push((register, kind));
        }
    }

    pub(super) fn bits(&mut self, kind: Scalar) -> u128 {
        match kind {
            Scalar::Bool => u128::from(self.random.below(2)),
            Scalar::F64 => {
                let value = self.random.pick(&[
                    0.0,
                    -0.0,
                    1.0,
                    -1.5,
                    0.1,
                    1e300,
                    -1e300,
                    5e-324,
                    4_294_967_296.0,
                    9.3e18,
                ]);
                u128::from(f64::to_bits(value))
            }
            integer => {
                let mask = u128::MAX >> (128 - integer.bits());
                let sign = 1u128 << (integer.bits() - 1);
                let random = u128::from(self.random.next()) << 64 | u128::from(self.random.next());
                let small = u128::from(self.random.below(10));
                mask & self.random.pick(&[
                    small,
                    small,
                    small,
                    0u128.wrapping_sub(small),
                    mask,
                    sign,
                    sign - 1,
                    random,
                ])
            }
        }
    }

    pub(super) fn constant(&mut self) {
        let kind = self.random.pick(&SCALARS);
        let bits = self.bits(kind);
        let dst = self.target(kind);
        self.builder.emit(Instr::Const { dst, bits });
        self.known(dst, kind);
    }

    /// A value of a type: one that is there, or a constant.
    pub(super) fn scalar(&mut self, kind: Scalar) -> Register {
        let there: Vec<Register> = self
            .scalars
            .iter()
            .filter(|(_, scalar)| *scalar == kind)
            .map(|(register, _)| *register)
            .collect();
        if !there.is_empty() && self.random.percent(85) {
            return self.random.pick(&there);
        }
        let bits = self.bits(kind);
        self.fixed(kind, bits)
    }

    pub(super) fn fixed(&mut self, kind: Scalar, bits: u128) -> Register {
        let dst = self.builder.constant(kind, bits);
        self.scalars.push((dst, kind));
        dst
    }

    pub(super) fn moved(&mut self) {
        if self.random.percent(70) {
            let kind = self.random.pick(&SCALARS);
            let src = self.scalar(kind);
            let dst = self.target(kind);
            self.builder.emit(Instr::Move { dst, src });
            self.known(dst, kind);
        } else {
            let view = self.some_view();
            let src = self.view(view);
            let dst_view = View {
                writable: view.writable && self.random.percent(50),
                ..view
            };
            let dst = self.builder.reg(dst_view);
            self.builder.emit(Instr::Move { dst, src });
            self.views.push((dst, dst_view));
        }
    }

    pub(super) fn binary(&mut self) {
        let op = if self.random.percent(self.risk) {
            self.random.pick(&RISKY)
        } else {
            self.random.pick(&SAFE)
        };
        let kind = self.random.pick(&SCALARS);
        if !binary_defined(op, kind) {
            return self.constant();
        }
        let (left, mut right) = (self.scalar(kind), self.scalar(kind));
        if RISKY.contains(&op) && self.random.percent(60) {
            let small = if kind == Scalar::F64 {
                u128::from(2.5f64.to_bits())
            } else {
                u128::from(1 + self.random.below(6))
            };
            right = self.fixed(kind, small);
        }
        let dst = self.target(kind);
        self.builder.emit(Instr::Binary {
            op,
            dst,
            left,
            right,
        });
        self.known(dst, kind);
    }

    pub(super) fn unary(&mut self) {
        let (op, kind) = (self.random.pick(&UNARY), self.random.pick(&SCALARS));
        if !unary_defined(op, kind) {
            return self.constant();
        }
        let src = self.scalar(kind);
        let dst = self.target(kind);
        self.builder.emit(Instr::Unary { op, dst, src });
        self.known(dst, kind);
    }

    pub(super) fn rounded(&mut self) {
        let rounding = self.random.pick(&ROUNDINGS);
        if self.random.percent(50) {
            let src = self.scalar(Scalar::F64);
            let dst = self.target(Scalar::F64);
            self.builder.emit(Instr::Round { rounding, dst, src });
            return self.known(dst, Scalar::F64);
        }
        let (left, right) = (self.scalar(Scalar::I128), self.scalar(Scalar::I128));
        let divisor = if self.random.percent(self.risk) {
            self.scalar(Scalar::I128)
        } else {
            let exponent = self.random.below(39) as u8;
            self.fixed(Scalar::I128, power_of_ten(exponent) as u128)
        };
        let dst = self.target(Scalar::I128);
        self.builder.emit(Instr::MultiplyDivide {
            rounding,
            dst,
            left,
            right,
            divisor,
        });
        self.known(dst, Scalar::I128);
    }

    pub(super) fn compare(&mut self) {
        let (op, kind) = (self.random.pick(&COMPARE), self.random.pick(&SCALARS));
        let (left, right) = (self.scalar(kind), self.scalar(kind));
        let dst = self.target(Scalar::Bool);
        self.builder.emit(Instr::Compare {
            op,
            dst,
            left,
            right,
        });
        self.known(dst, Scalar::Bool);
    }

    pub(super) fn convert(&mut self) {
        let risky = self.random.percent(self.risk);
        let mode = if risky {
            ConvertMode::Checked
        } else {
            self.random
                .pick(&[ConvertMode::Wrapping, ConvertMode::Saturating])
        };
        let (from, to) = (self.random.pick(&SCALARS), self.random.pick(&SCALARS));
        // A float is reached by a conversion that cannot fail.
        let mode = if from.is_integer() && to == Scalar::F64 {
            ConvertMode::Checked
        } else {
            mode
        };
        if !convert_defined(mode, from, to) {
            return self.constant();
        }
        let src = self.scalar(from);
        let dst = self.target(to);
        self.builder.emit(Instr::Convert { mode, dst, src });
        self.known(dst, to);
    }

    pub(super) fn select(&mut self) {
        let kind = self.random.pick(&SCALARS);
        let (condition, then, otherwise) = (
            self.scalar(Scalar::Bool),
            self.scalar(kind),
            self.scalar(kind),
        );
        let dst = self.target(kind);
        self.builder.emit(Instr::Select {
            dst,
            condition,
            then,
            otherwise,
        });
        self.known(dst, kind);
    }

    pub(super) fn environment(&mut self) {
        let value = self.random.pick(&[
            Environment::Now,
            Environment::Random,
            Environment::CallerId,
            Environment::OpNumber,
            Environment::CallerRoles,
        ]);
        let kind = if value == Environment::Now {
            Scalar::I64
        } else {
            Scalar::U64
        };
        let dst = self.target(kind);
        self.builder.emit(Instr::Environment { value, dst });
        self.known(dst, kind);
    }
}
