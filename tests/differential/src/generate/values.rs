//! Constants and arguments: few keys, so that they collide; small numbers, and now and then the ends of a type.

use super::Generator;
use crate::chance::Chance;
use crate::description::*;
use crate::number;
use rc_bytecode::instr::Scalar;

const TEXTS: [&str; 12] = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "no",
    "bob",
    "zoë",
    "alice",
    "a b",
    "aaaaaaaaaa",
    "\u{7f}",
];

/// A value of the type; `keys` says how many small ones there are.
pub fn constant(package: &Package, chance: &mut Chance, ty: &Type, keys: usize) -> Datum {
    match ty {
        Type::Bool => Datum::Bool(chance.in_hundred(50)),
        Type::Integer(Scalar::U128) => Datum::Wide(match chance.below(30) {
            0 => u128::MAX,
            1 => u128::from(u64::MAX),
            _ => chance.below(keys) as u128,
        }),
        Type::Integer(scalar) => {
            let (low, high) = number::range(*scalar);
            let small = chance.below(keys) as i128;
            let value = match chance.below(24) {
                0 => low,
                1 => high,
                2 => high - small,
                3 => low + small,
                4 | 5 => -small,
                6 => small * 7,
                _ => small,
            };
            Datum::Integer(value.clamp(low, high))
        }
        Type::Time => Datum::Integer(chance.below(1_000) as i128),
        Type::Duration => {
            let size = chance.below(keys) as i128 * 1_000_000;
            Datum::Integer(if chance.in_hundred(25) { -size } else { size })
        }
        Type::Float => {
            let size = chance.below(keys) as f64 / 4.0;
            let value = match chance.below(12) {
                0 => 1e300,
                1 => 0.1,
                2 | 3 => -size,
                _ => size,
            };
            Datum::Float(Real(value + 0.0))
        }
        Type::Decimal(digits, _) => {
            let most = 10i128.pow((*digits).into()) - 1;
            let small = chance.below(keys) as i128;
            Datum::Integer(match chance.below(20) {
                0 => most,
                1 => -most,
                2..=4 => -small,
                5..=8 => (small * 25 + 5).min(most),
                _ => small,
            })
        }
        Type::Uuid => Datum::Bytes(vec![chance.below(keys) as u8; 16]),
        Type::Hash => Datum::Bytes(vec![chance.below(keys) as u8; 32]),
        Type::Container(kind, _) => crate::model::empty(*kind),
        Type::Text(max) => {
            let fitting: Vec<&str> = TEXTS
                .into_iter()
                .filter(|text| text.len() <= *max as usize)
                .collect();
            match (chance.below(3), *max >= 2) {
                (0, true) => Datum::Text(format!(
                    "{}{}",
                    (b'a' + chance.below(keys.min(26)) as u8) as char,
                    chance.below(10)
                )),
                _ => Datum::Text(chance.pick(&fitting).to_string()),
            }
        }
        Type::Bytes(max) => {
            let length = chance.below(*max as usize + 1);
            Datum::Bytes(
                (0..length)
                    .map(|_| *chance.pick(&[0, 1, 2, 127, 255]))
                    .collect(),
            )
        }
        Type::Optional(inner) => match chance.in_hundred(40) {
            true => Datum::None,
            false => Datum::Some(Box::new(constant(package, chance, inner, keys))),
        },
        Type::Struct(record) => Datum::Record(
            package.structs[*record]
                .fields
                .iter()
                .map(|field| constant(package, chance, &field.ty, keys))
                .collect(),
        ),
        Type::Enum(whole) => {
            let variants = &package.enums[*whole].variants;
            let variant = chance.below(variants.len());
            Datum::Variant(
                variant,
                variants[variant]
                    .fields
                    .iter()
                    .map(|field| constant(package, chance, &field.ty, keys))
                    .collect(),
            )
        }
        Type::List(element, max) => {
            let length = chance.below(*max as usize + 1);
            Datum::List(
                (0..length)
                    .map(|_| constant(package, chance, element, keys))
                    .collect(),
            )
        }
        Type::Tuple(parts) => Datum::Tuple(
            parts
                .iter()
                .map(|part| constant(package, chance, part, keys))
                .collect(),
        ),
    }
}

/// An argument: a constant, mostly of the small ones.
pub fn argument(package: &Package, chance: &mut Chance, ty: &Type, keys: usize) -> Datum {
    match ty {
        Type::Integer(scalar) if *scalar != Scalar::U128 && chance.in_hundred(70) => {
            Datum::Integer((chance.below(keys) as i128).min(number::range(*scalar).1))
        }
        ty => constant(package, chance, ty, keys),
    }
}

impl Generator {
    pub fn constant(&mut self, ty: &Type) -> Datum {
        constant(&self.package, &mut self.chance, ty, self.keys)
    }
}
