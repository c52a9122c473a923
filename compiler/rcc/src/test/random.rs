//! Values by shape from a seeded stream of numbers. Always true: the same seed gives the same values; every value fits
//! its shape; edges (empty, full, smallest, largest) come up often.

use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes};
use rc_bytecode::text::decimal_max;
use rc_bytecode::value::{Fields, Value};

/// Elements of a generated list at most, unless the list is to be full.
const LIST_USUAL_MAX: u64 = 12;
/// Full lists are made of at most this many elements.
const LIST_FULL_MAX: u32 = 1_000;
/// Characters of a generated string at most, unless it is to be full.
const TEXT_USUAL_MAX: u64 = 8;
/// Bytes of a full string at most.
const TEXT_FULL_MAX: u32 = 4_096;

/// SplitMix64: small, fast, and good enough to pick values.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True in `part` of `whole` cases.
    fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    /// The fields of a record.
    pub fn fields(&mut self, shapes: &Shapes, record: &Record) -> Fields {
        let fields = record
            .fields
            .iter()
            .map(|(name, shape)| (name.clone(), self.value(shapes, shape)))
            .collect();
        Fields {
            name: record.name.clone(),
            fields,
        }
    }

    fn value(&mut self, shapes: &Shapes, shape: &Shape) -> Value {
        match shape {
            Shape::Scalar(scalar) => self.scalar(*scalar),
            Shape::Time => Value::Time(self.signed(64).max(0) as i64),
            Shape::Duration => Value::Duration(self.signed(64) as i64),
            Shape::Uuid => {
                // Few of them, so that names of rows meet.
                let mut bytes = [0; 16];
                bytes[15] = self.below(8) as u8;
                Value::Uuid(bytes)
            }
            Shape::Hash => Value::Hash(rc_bytecode::hash::sha256(&[self.below(8) as u8])),
            Shape::Decimal { digits, scale } => {
                let most = decimal_max(*digits);
                let value = self.signed(128).clamp(-most, most);
                Value::Decimal {
                    value,
                    scale: *scale,
                }
            }
            Shape::String(max) => Value::String(self.text(*max)),
            Shape::Bytes(max) => {
                let length = self.length(*max, TEXT_USUAL_MAX, TEXT_FULL_MAX);
                Value::Bytes((0..length).map(|_| self.next() as u8).collect())
            }
            Shape::Optional(inner) => match self.chance(1, 4) {
                true => Value::Absent,
                false => self.value(shapes, inner),
            },
            Shape::Tuple(parts) => {
                Value::Tuple(parts.iter().map(|part| self.value(shapes, part)).collect())
            }
            Shape::Struct(index) => {
                Value::Record(self.fields(shapes, &shapes.structs[*index as usize]))
            }
            Shape::Enum(index) => {
                let variants = &shapes.enums[*index as usize].variants;
                let variant = self.below(variants.len().max(1) as u64) as usize;
                Value::Variant(
                    variants
                        .get(variant)
                        .map(|variant| self.fields(shapes, variant))
                        .unwrap_or_default(),
                )
            }
            Shape::List(element, max) => {
                let length = self.length(*max, LIST_USUAL_MAX, LIST_FULL_MAX);
                Value::List((0..length).map(|_| self.value(shapes, element)).collect())
            }
            Shape::Set(element, max) | Shape::Map(element, max) => {
                let length = self.length(*max, LIST_USUAL_MAX, LIST_FULL_MAX);
                let mut packed = std::collections::BTreeMap::new();
                for _ in 0..length {
                    let (value, mut key) = (self.value(shapes, element), Vec::new());
                    let (kind, of) = match (shape.entry(), &value) {
                        (Some((kind, _)), Value::Tuple(parts)) => (kind, &parts[0]),
                        _ => (&**element, &value),
                    };
                    of.pack(shapes, kind, &mut key)
                        .expect("what was made of a shape has it");
                    // By its bytes, so that each key stands once.
                    packed.insert(key, value);
                }
                Value::List(packed.into_values().collect())
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar) -> Value {
        match scalar {
            Scalar::Bool => Value::Bool(self.chance(1, 2)),
            Scalar::F64 => {
                const EDGES: [f64; 6] = [0.0, -1.0, 0.5, f64::MAX, f64::MIN, f64::MIN_POSITIVE];
                let float = match self.chance(1, 3) {
                    true => EDGES[self.below(EDGES.len() as u64) as usize],
                    false => self.signed(64) as f64 / 1000.0,
                };
                Value::Float(float)
            }
            scalar if scalar.is_signed() => Value::Integer(self.signed(scalar.bits())),
            scalar => Value::Unsigned(self.unsigned(scalar.bits())),
        }
    }

    /// Small ones mostly, since names of rows should meet; then edges, then any magnitude.
    fn unsigned(&mut self, bits: u32) -> u128 {
        let most = u128::MAX >> (128 - bits);
        let wide = u128::from(self.next()) << 64 | u128::from(self.next());
        let number = match self.below(10) {
            0..4 => wide % 8,
            4..7 => wide % 1_000,
            7 => [0, 1, most / 2, most / 2 + 1, most - 1, most][(wide % 6) as usize],
            _ => wide >> self.below(128),
        };
        number & most
    }

    fn signed(&mut self, bits: u32) -> i128 {
        let number = self.unsigned(bits - 1) as i128;
        if self.chance(1, 3) {
            -number - 1
        } else {
            number
        }
    }

    fn text(&mut self, max: u32) -> String {
        const LETTERS: [char; 12] = [
            'a', 'b', 'c', 'z', 'A', '0', ' ', '"', '\\', 'é', '漢', '🦀',
        ];
        let length = self.length(max, TEXT_USUAL_MAX, TEXT_FULL_MAX);
        let mut text = String::new();
        for _ in 0..length {
            // Plain letters mostly, all kinds of characters sometimes.
            let letters = if self.chance(1, 4) { LETTERS.len() } else { 4 };
            let letter = LETTERS[self.below(letters as u64) as usize];
            if text.len() + letter.len_utf8() > max as usize {
                break;
            }
            text.push(letter);
        }
        text
    }

    /// Short mostly; empty and full sometimes.
    fn length(&mut self, max: u32, usual: u64, full: u32) -> u32 {
        match self.below(8) {
            0 => 0,
            1 => max.min(full),
            _ => self.below(usual.min(max.into()) + 1) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> (Shapes, Record) {
        let variants = vec![
            Record {
                name: "None".into(),
                fields: vec![],
            },
            Record {
                name: "Some".into(),
                fields: vec![("by".into(), Shape::Scalar(Scalar::I16))],
            },
        ];
        let shapes = Shapes {
            structs: vec![],
            enums: vec![rc_bytecode::layout::Sum {
                name: "State".into(),
                variants,
            }],
        };
        let tuple = Shape::Tuple(vec![
            Shape::Scalar(Scalar::U128),
            Shape::Scalar(Scalar::I8),
            Shape::Scalar(Scalar::F64),
            Shape::Time,
        ]);
        let fields = vec![
            ("moves".into(), Shape::List(Box::new(tuple), 50)),
            ("name".into(), Shape::Optional(Box::new(Shape::String(5)))),
            ("state".into(), Shape::Enum(0)),
        ];
        (
            shapes,
            Record {
                name: "arguments".into(),
                fields,
            },
        )
    }

    #[test]
    fn values_fit_their_shapes_and_repeat_with_the_seed() {
        let (shapes, record) = record();
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..500 {
            let fields = Random::new(seed).fields(&shapes, &record);
            assert_eq!(fields, Random::new(seed).fields(&shapes, &record));
            fields.pack(&shapes, &record, &mut Vec::new()).unwrap();
            if let Some(Value::List(moves)) = fields.get("moves") {
                lengths.insert(moves.len());
            }
        }
        assert!(
            lengths.contains(&0) && lengths.contains(&50) && lengths.len() > 10,
            "{lengths:?}"
        );
    }
}
