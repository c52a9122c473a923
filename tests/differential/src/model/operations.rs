//! Operations of decimals, floats, times, texts and hashes in the model. Always true: decimals are numbers without their point, small enough
//! for products to fit; a float that is not finite is a failure, and a zero has no sign.

use super::*;
use rc_bytecode::instr::{BinaryOp, Rounding};
use sha2::{Digest, Sha256};

impl Model<'_> {
    pub(super) fn operation(
        &mut self,
        operation: Operation,
        operands: &[Expr],
        locals: &mut Locals,
    ) -> Result<Datum> {
        let values = self.exprs(operands, locals)?;
        let number = |at: usize| integer(&values[at]);
        Ok(match operation {
            Operation::Decimal(op, digits, scale) => {
                let skew = self.mistake == Mistake::RoundsDown;
                Datum::Integer(decimal(op, digits, scale, &values, skew)?)
            }
            Operation::Float(op) => Datum::Float(Real(float(op, &values)?)),
            Operation::Lasting(op) => number::binary(op, Scalar::I64, &values[0], &values[1])?,
            Operation::LastingTimes => {
                number::binary(BinaryOp::Mul, Scalar::I64, &values[0], &values[1])?
            }
            Operation::LastingQuotient => {
                number::binary(BinaryOp::Div, Scalar::I64, &values[0], &values[1])?
            }
            Operation::Nanoseconds => values[0].clone(),
            Operation::Hash => {
                let types = operands.iter().map(|operand| self.type_of_source(operand));
                let mut hashes: Vec<Vec<u8>> = types
                    .zip(&values)
                    .map(|(ty, value)| Sha256::digest(content(&ty, value)).to_vec())
                    .collect();
                match hashes.len() {
                    1 => Datum::Bytes(hashes.remove(0)),
                    _ => Datum::Bytes(Sha256::digest(hashes.concat()).to_vec()),
                }
            }
            Operation::Slice => {
                let Datum::Text(text) = &values[0] else {
                    panic!("a slice of no text")
                };
                let end = |at| usize::try_from(number(at)).ok();
                let part = match (end(1), end(2)) {
                    (Some(from), Some(to)) => text.get(from..to),
                    _ => None,
                };
                Datum::Text(part.ok_or(Builtin::BoundExceeded)?.to_string())
            }
            Operation::Greater => values.iter().max().expect("two values").clone(),
            Operation::Same => Datum::Bool(values[0] == values[1]),
            Operation::Swapped => values[0].clone(),
            Operation::Role(has) => Datum::Bool(has),
        })
    }

    /// The type of something with a name.
    fn type_of_source(&self, expr: &Expr) -> Type {
        let package = self.package;
        match expr {
            Expr::Constant(ty, _) => ty.clone(),
            Expr::RowField(_, table, field) => package.tables[*table].fields[*field].ty.clone(),
            Expr::State(state) => package.states[*state].ty.clone(),
            Expr::StructField(_, record, field) => {
                package.structs[*record].fields[*field].ty.clone()
            }
            Expr::Now => Type::Time,
            Expr::CallerId => Type::Integer(Scalar::U64),
            other => panic!("a hash of {other:?}"),
        }
    }
}

/// The bytes that are hashed.
fn content(ty: &Type, value: &Datum) -> Vec<u8> {
    match (ty, value) {
        (_, Datum::Text(text)) => text.as_bytes().to_vec(),
        (_, Datum::Bytes(bytes)) => bytes.clone(),
        (_, Datum::Bool(value)) => vec![u8::from(*value)],
        (_, Datum::Wide(value)) => value.to_le_bytes().to_vec(),
        (Type::Integer(scalar), Datum::Integer(value)) => {
            value.to_le_bytes()[..scalar.size() as usize].to_vec()
        }
        (Type::Decimal(19.., _), Datum::Integer(value)) => value.to_le_bytes().to_vec(),
        (_, Datum::Integer(value)) => value.to_le_bytes()[..8].to_vec(),
        (_, Datum::Float(value)) => value.0.to_le_bytes().to_vec(),
        other => panic!("a hash of {other:?}"),
    }
}

fn within_digits(digits: u8, value: Option<i128>) -> Result<i128> {
    let end = 10i128.checked_pow(digits.into()).unwrap_or(i128::MAX);
    let fits = |value: &i128| (-end..end).contains(value) && *value > -end;
    value.filter(fits).ok_or(Builtin::Overflow.into())
}

fn decimal(op: DecimalOp, digits: u8, scale: u8, values: &[Datum], skew: bool) -> Result<i128> {
    let left = integer(&values[0]);
    let right = || integer(&values[1]);
    let power = |scale: u8| 10i128.pow(scale.into());
    let rounded = |number: i128, divisor: i128, rounding: Rounding| {
        divided(
            number,
            divisor,
            if skew { Rounding::Floor } else { rounding },
        )
    };
    let exact = match op {
        DecimalOp::Add => left.checked_add(right()),
        DecimalOp::Sub => left.checked_sub(right()),
        DecimalOp::Rem if right() == 0 => return Err(Builtin::DivideByZero.into()),
        DecimalOp::Rem => Some(left % right()),
        DecimalOp::Min => Some(left.min(right())),
        DecimalOp::Max => Some(left.max(right())),
        DecimalOp::Negative => Some(-left),
        DecimalOp::Absolute => Some(left.abs()),
        DecimalOp::Scaled => left.checked_mul(right()),
        DecimalOp::Times(other, rounding) => {
            let product = left.checked_mul(right()).expect("few digits");
            Some(rounded(product, power(other), rounding))
        }
        DecimalOp::Divide(_, _) if right() == 0 => return Err(Builtin::DivideByZero.into()),
        DecimalOp::Divide(other, rounding) => Some(rounded(left * power(other), right(), rounding)),
        DecimalOp::Round(from, rounding) if from > scale => {
            Some(rounded(left, power(from - scale), rounding))
        }
        DecimalOp::Round(from, _) | DecimalOp::Widen(from) => left.checked_mul(power(scale - from)),
    };
    within_digits(digits, exact)
}

/// A quotient, rounded once.
fn divided(number: i128, divisor: i128, rounding: Rounding) -> i128 {
    let (number, divisor) = if divisor < 0 {
        (-number, -divisor)
    } else {
        (number, divisor)
    };
    let (low, rest) = (number.div_euclid(divisor), number.rem_euclid(divisor));
    let negative = number < 0;
    let up = match rounding {
        _ if rest == 0 => false,
        Rounding::Floor => false,
        Rounding::Ceiling => true,
        Rounding::Truncate => negative,
        Rounding::Away => !negative,
        Rounding::HalfUp => rest * 2 > divisor || (rest * 2 == divisor && !negative),
        Rounding::HalfEven => rest * 2 > divisor || (rest * 2 == divisor && low % 2 != 0),
    };
    low + i128::from(up)
}

fn float(op: FloatOp, values: &[Datum]) -> Result<f64> {
    let of = |at: usize| match &values[at] {
        Datum::Float(value) => value.0,
        other => panic!("{other:?} is no float"),
    };
    if op == FloatOp::Of {
        return Ok(integer(&values[0]) as f64);
    }
    let left = of(0);
    let result = match op {
        FloatOp::Add => left + of(1),
        FloatOp::Sub => left - of(1),
        FloatOp::Mul => left * of(1),
        FloatOp::Div if of(1) == 0.0 => return Err(Builtin::DivideByZero.into()),
        FloatOp::Div => left / of(1),
        FloatOp::Min => {
            if of(1) < left {
                of(1)
            } else {
                left
            }
        }
        FloatOp::Max => {
            if of(1) > left {
                of(1)
            } else {
                left
            }
        }
        FloatOp::Negative => -left,
        FloatOp::Absolute => left.abs(),
        FloatOp::Root if left < 0.0 => return Err(Builtin::Overflow.into()),
        FloatOp::Root => left.sqrt(),
        FloatOp::Round(rounding) => match rounding {
            Rounding::HalfEven => left.round_ties_even(),
            Rounding::HalfUp => left.round(),
            Rounding::Truncate => left.trunc(),
            Rounding::Floor => left.floor(),
            Rounding::Ceiling => left.ceil(),
            Rounding::Away if left < 0.0 => left.floor(),
            Rounding::Away => left.ceil(),
        },
        FloatOp::Of => unreachable!("answered above"),
    };
    match result.is_finite() {
        true => Ok(result + 0.0),
        false => Err(Builtin::Overflow.into()),
    }
}
