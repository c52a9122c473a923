//! Operations of decimals, floats, durations, texts and hashes. Always true: the first operand is a name or a field, so that its type is known
//! where it stands; decimals that are multiplied have few digits, so that the model's products fit.

use super::*;
use rc_bytecode::instr::{BinaryOp, Rounding};

const ROUNDINGS: [Rounding; 6] = [
    Rounding::HalfEven,
    Rounding::HalfUp,
    Rounding::Truncate,
    Rounding::Away,
    Rounding::Floor,
    Rounding::Ceiling,
];

impl Generator {
    pub(super) fn decimal_type(&mut self) -> Type {
        let (digits, scale) =
            *self
                .chance
                .pick(&[(9, 2), (12, 2), (6, 4), (18, 6), (5, 0), (4, 4)]);
        Type::Decimal(digits, scale)
    }

    /// A calculation of the type, where there is one.
    pub(super) fn operation(&mut self, ty: &Type, depth: usize) -> Option<Expr> {
        match ty {
            Type::Decimal(digits, scale) => self.decimal(*digits, *scale, depth),
            Type::Float => self.float(depth),
            Type::Duration => self.lasting(depth),
            Type::Hash => self.hash(),
            Type::Text(max) => self.slice(*max),
            _ => None,
        }
    }

    fn decimal(&mut self, digits: u8, scale: u8, depth: usize) -> Option<Expr> {
        let ty = Type::Decimal(digits, scale);
        let rounding = *self.chance.pick(&ROUNDINGS);
        let few = digits <= 18;
        let made = |op, parts| {
            Some(Expr::Operation(
                Operation::Decimal(op, digits, scale),
                parts,
            ))
        };
        match self.chance.below(10) {
            0..=2 => {
                let left = self.source_of(&ty)?;
                let right = self.expr(&ty, depth - 1);
                let op = *self.chance.pick(&[
                    DecimalOp::Add,
                    DecimalOp::Add,
                    DecimalOp::Sub,
                    DecimalOp::Rem,
                    DecimalOp::Min,
                    DecimalOp::Max,
                ]);
                // What always fails does not compile.
                if op == DecimalOp::Rem && matches!(right, Expr::Constant(..)) {
                    return None;
                }
                made(op, vec![left, right])
            }
            3 => {
                let left = self.source_of(&ty)?;
                let op = *self
                    .chance
                    .pick(&[DecimalOp::Negative, DecimalOp::Absolute]);
                made(op, vec![left])
            }
            4 if few => {
                let left = self.source_of(&ty)?;
                let (right, _) =
                    self.source(|ty| matches!(ty, Type::Integer(scalar) if scalar.bits() <= 64))?;
                made(DecimalOp::Scaled, vec![left, right])
            }
            5 | 6 if few => {
                let left = self.source_of(&ty)?;
                let (right, found) =
                    self.source(|ty| matches!(ty, Type::Decimal(digits, _) if *digits <= 18))?;
                let Type::Decimal(_, other) = found else {
                    return None;
                };
                let op = match self.chance.in_hundred(50) {
                    true => DecimalOp::Times(other, rounding),
                    false => DecimalOp::Divide(other, rounding),
                };
                made(op, vec![left, right])
            }
            7 | 8 if few => {
                let (value, found) =
                    self.source(|ty| matches!(ty, Type::Decimal(digits, _) if *digits <= 18))?;
                let Type::Decimal(_, from) = found else {
                    return None;
                };
                made(DecimalOp::Round(from, rounding), vec![value])
            }
            _ => {
                let whole = digits - scale;
                let (value, found) = self.source(|ty| {
                    matches!(ty, Type::Decimal(d, s) if *s <= scale && d - s <= whole && *d <= 18)
                })?;
                let Type::Decimal(_, from) = found else {
                    return None;
                };
                made(DecimalOp::Widen(from), vec![value])
            }
        }
    }

    fn float(&mut self, depth: usize) -> Option<Expr> {
        let rounding = *self.chance.pick(&ROUNDINGS);
        let made = |op, parts| Some(Expr::Operation(Operation::Float(op), parts));
        match self.chance.below(9) {
            0..=2 => {
                let left = self.source_of(&Type::Float)?;
                let right = self.expr(&Type::Float, depth - 1);
                let op = *self.chance.pick(&[
                    FloatOp::Add,
                    FloatOp::Sub,
                    FloatOp::Mul,
                    FloatOp::Div,
                    FloatOp::Min,
                    FloatOp::Max,
                ]);
                if op == FloatOp::Div && matches!(right, Expr::Constant(..)) {
                    return None;
                }
                made(op, vec![left, right])
            }
            3..=6 => {
                let left = self.source_of(&Type::Float)?;
                let op = *self.chance.pick(&[
                    FloatOp::Negative,
                    FloatOp::Absolute,
                    FloatOp::Root,
                    FloatOp::Round(rounding),
                    FloatOp::Round(rounding),
                ]);
                made(op, vec![left])
            }
            _ => {
                let (value, _) =
                    self.source(|ty| matches!(ty, Type::Integer(scalar) if scalar.bits() <= 32))?;
                made(FloatOp::Of, vec![value])
            }
        }
    }

    fn lasting(&mut self, depth: usize) -> Option<Expr> {
        match self.chance.below(6) {
            0 => {
                let (left, right) = (self.source_of(&Type::Time)?, self.source_of(&Type::Time)?);
                Some(Expr::Operation(
                    Operation::Lasting(BinaryOp::Sub),
                    vec![left, right],
                ))
            }
            1..=3 => {
                let left = self.source_of(&Type::Duration)?;
                let right = self.expr(&Type::Duration, depth - 1);
                let op = *self.chance.pick(&[
                    BinaryOp::Add,
                    BinaryOp::Add,
                    BinaryOp::Sub,
                    BinaryOp::Rem,
                ]);
                if op == BinaryOp::Rem && matches!(right, Expr::Constant(..)) {
                    return None;
                }
                Some(Expr::Operation(Operation::Lasting(op), vec![left, right]))
            }
            _ => {
                let left = self.source_of(&Type::Duration)?;
                let (right, _) =
                    self.source(|ty| matches!(ty, Type::Integer(scalar) if scalar.bits() <= 32))?;
                Some(Expr::Operation(Operation::LastingTimes, vec![left, right]))
            }
        }
    }

    /// An `i64` out of durations.
    pub(super) fn of_durations(&mut self) -> Option<Expr> {
        let left = self.source_of(&Type::Duration)?;
        match self.chance.in_hundred(50) {
            true => Some(Expr::Operation(Operation::Nanoseconds, vec![left])),
            false => {
                let right = self.source_of(&Type::Duration)?;
                Some(Expr::Operation(
                    Operation::LastingQuotient,
                    vec![left, right],
                ))
            }
        }
    }

    fn hash(&mut self) -> Option<Expr> {
        let count = self.chance.between(1, 3);
        let mut parts = Vec::new();
        for _ in 0..count {
            let (found, _) = self.source(|ty| {
                matches!(
                    ty,
                    Type::Bool
                        | Type::Integer(_)
                        | Type::Decimal(..)
                        | Type::Time
                        | Type::Duration
                        | Type::Uuid
                        | Type::Hash
                        | Type::Text(_)
                        | Type::Bytes(_)
                )
            })?;
            // The model must know the type from the expression alone.
            let known = matches!(
                found,
                Expr::RowField(..) | Expr::State(_) | Expr::StructField(..) | Expr::Now
            );
            parts.extend(known.then_some(found));
        }
        (!parts.is_empty()).then_some(Expr::Operation(Operation::Hash, parts))
    }

    fn slice(&mut self, max: u32) -> Option<Expr> {
        let (text, _) = self.source(|ty| matches!(ty, Type::Text(have) if *have <= max))?;
        let number = Type::Integer(Scalar::U64);
        let from = Expr::Constant(number.clone(), Datum::Integer(self.chance.below(3) as i128));
        let to = self.value_near(&number);
        Some(Expr::Operation(Operation::Slice, vec![text, from, to]))
    }

    /// One of two values of the type, through a generic function.
    pub(super) fn generic(&mut self, ty: &Type, depth: usize) -> Option<Expr> {
        let left = self.source_of(ty)?;
        let right = self.source_of(ty).filter(|_| depth > 0)?;
        // Enums and truth values have an order as keys alone.
        let ordered = self.orderable(ty) && !matches!(ty, Type::Bool | Type::Enum(_));
        let operation = match ordered && self.chance.in_hundred(60) {
            true => Operation::Greater,
            false => Operation::Swapped,
        };
        Some(Expr::Operation(operation, vec![left, right]))
    }

    /// A question whose answer is known, or one through a generic function.
    pub(super) fn generic_test(&mut self) -> Option<Expr> {
        if self.chance.in_hundred(30) {
            let has = self.chance.in_hundred(50);
            return Some(Expr::Operation(Operation::Role(has), Vec::new()));
        }
        let (left, ty) = self.source(|ty| {
            matches!(
                ty,
                Type::Integer(_) | Type::Text(_) | Type::Decimal(..) | Type::Uuid
            )
        })?;
        let right = self.source_of(&ty)?;
        Some(Expr::Operation(Operation::Same, vec![left, right]))
    }
}
