//! JSON to packed values and back, by shape.
//!
//! Always true: integers never pass through floats (64 bits and more are strings, as proto3's JSON mapping has them;
//! numbers are accepted where they fit); duplicate keys, unknown fields, missing fields and nesting beyond
//! [`DEPTH_MAX`] are errors that name the field; what is accepted is packed canonically.

mod read;
mod value;
mod write;

pub use read::{pack, pack_record};
pub use value::{DEPTH_MAX, Json, parse};
pub(crate) use write::decimal_value;
pub use write::{write, write_record, write_string};

use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes};

/// What is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct FieldError {
    /// `to`, `items[3].price`; empty for the whole.
    pub path: String,
    pub reason: String,
}

impl FieldError {
    fn new(reason: impl Into<String>) -> FieldError {
        FieldError {
            path: String::new(),
            reason: reason.into(),
        }
    }

    fn within(mut self, part: &str) -> FieldError {
        let joint = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{part}{joint}{}", self.path);
        self
    }
}

/// Packed bytes that do not have their shape: a fault of ours, since everything packed was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packed bytes do not have the shape of their type")]
pub struct Malformed;

/// Fields without names (`0`, `1`, …) are an array.
pub fn is_positional(record: &Record) -> bool {
    !record.fields.is_empty()
        && record
            .fields
            .iter()
            .enumerate()
            .all(|(index, (name, _))| *name == index.to_string())
}

/// Key and value of a map that is an object: its keys are strings, whole numbers or truth values in protobuf. Other maps are arrays of pairs.
pub fn named_entries(shape: &Shape) -> Option<(&Shape, &Shape)> {
    shape.entry().filter(|(key, _)| {
        matches!(
            key,
            Shape::String(_) | Shape::Uuid | Shape::Hash | Shape::Decimal { .. }
        ) || matches!(key, Shape::Scalar(scalar) if *scalar != Scalar::F64)
    })
}

/// A shape in the language's words, for messages.
pub fn expected(shapes: &Shapes, shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar.name().to_string(),
        Shape::Time => "a time such as \"2026-01-31T12:00:00Z\"".to_string(),
        Shape::Duration => "a duration such as \"1.5s\"".to_string(),
        Shape::Uuid => "a uuid such as \"0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d\"".to_string(),
        Shape::Hash => "a hash of 64 hexadecimal digits".to_string(),
        Shape::Decimal { digits, scale } => format!(
            "a decimal as a string, of at most {} digits before the point and {scale} behind",
            digits - scale
        ),
        Shape::String(max) => format!("a string of at most {max} bytes"),
        Shape::Bytes(max) => format!("base64 of at most {max} bytes"),
        Shape::Optional(inner) => format!("{} or null", expected(shapes, inner)),
        Shape::Tuple(parts) => format!("an array of {} elements", parts.len()),
        Shape::Struct(index) => shapes.structs[*index as usize].name.clone(),
        Shape::Enum(index) => format!("a variant of {}", shapes.enums[*index as usize].name),
        Shape::List(_, max) => format!("an array of at most {max} elements"),
        Shape::Set(_, max) => format!("an array of at most {max} different elements"),
        Shape::Map(_, max) if named_entries(shape).is_some() => {
            format!("an object of at most {max} keys")
        }
        Shape::Map(_, max) => format!("an array of at most {max} pairs of a key and a value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rc_bytecode::layout::Sum;

    fn round_trip(shapes: &Shapes, shape: &Shape, text: &str) -> String {
        let (mut packed, mut out) = (Vec::new(), String::new());
        pack(shapes, shape, &parse(text.as_bytes()).unwrap(), &mut packed).unwrap();
        write(shapes, shape, &packed, &mut out).unwrap();
        out
    }

    fn sample() -> Shapes {
        let variants = vec![
            Record {
                name: "Closed".into(),
                fields: vec![],
            },
            Record {
                name: "Open".into(),
                fields: vec![("until".into(), Shape::Scalar(Scalar::U64))],
            },
            Record {
                name: "Pair".into(),
                fields: vec![
                    ("0".into(), Shape::Scalar(Scalar::U8)),
                    ("1".into(), Shape::String(4)),
                ],
            },
        ];
        Shapes {
            structs: vec![Record {
                name: "Money".into(),
                fields: vec![
                    ("amount".into(), Shape::Scalar(Scalar::I128)),
                    ("memo".into(), Shape::Optional(Box::new(Shape::String(8)))),
                ],
            }],
            enums: vec![Sum {
                name: "Door".into(),
                variants,
            }],
        }
    }

    #[test]
    fn values_come_back_as_they_were() {
        let shapes = sample();
        for (shape, text) in [
            (Shape::Scalar(Scalar::U64), "\"18446744073709551615\""),
            (Shape::Scalar(Scalar::I8), "-128"),
            (
                Shape::Scalar(Scalar::U128),
                "\"340282366920938463463374607431768211455\"",
            ),
            (Shape::Struct(0), r#"{"amount":"-5","memo":"hé\n"}"#),
            (Shape::Struct(0), r#"{"amount":"-5","memo":null}"#),
            (Shape::Enum(0), "\"Closed\""),
            (Shape::Enum(0), r#"{"Open":{"until":"7"}}"#),
            (Shape::Enum(0), r#"{"Pair":[1,"x"]}"#),
            (
                Shape::List(Box::new(Shape::Scalar(Scalar::Bool)), 3),
                "[true,false]",
            ),
            (Shape::Bytes(8), "\"AQID\""),
            (Shape::Time, "\"2026-11-20T10:30:00.000000001Z\""),
            (Shape::Duration, "\"-1.500000000s\""),
            (Shape::Uuid, "\"0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d\""),
            (
                Shape::Hash,
                "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
            ),
            (
                Shape::Decimal {
                    digits: 9,
                    scale: 2,
                },
                "\"-0.05\"",
            ),
            (
                Shape::Decimal {
                    digits: 38,
                    scale: 0,
                },
                "\"-99999999999999999999999999999999999999\"",
            ),
        ] {
            assert_eq!(round_trip(&shapes, &shape, text), text);
        }
    }

    #[test]
    fn errors_name_the_field() {
        let shapes = sample();
        let record = Record {
            name: "arguments".into(),
            fields: vec![
                ("to".into(), Shape::Scalar(Scalar::U8)),
                ("items".into(), Shape::List(Box::new(Shape::Struct(0)), 2)),
                ("door".into(), Shape::Optional(Box::new(Shape::Enum(0)))),
                (
                    "price".into(),
                    Shape::Optional(Box::new(Shape::Decimal {
                        digits: 9,
                        scale: 2,
                    })),
                ),
                ("id".into(), Shape::Optional(Box::new(Shape::Uuid))),
            ],
        };
        for (text, message) in [
            (r#"{"to": 256, "items": []}"#, "to: out of range for u8"),
            (
                r#"{"to": 1.5, "items": []}"#,
                "to: expected u8, found a number with a fraction or beyond 64 bits",
            ),
            (r#"{"to": -1, "items": []}"#, "to: out of range for u8"),
            (r#"{"items": []}"#, "to: missing; expected u8"),
            (
                r#"{"to": 1, "items": [], "x": 1}"#,
                "x: unknown field; the fields are: to, items, door, price, id",
            ),
            (
                r#"{"to": 1, "items": [{"amount": 1}, {"amount": true}]}"#,
                "items[1].amount: expected i128, found a boolean",
            ),
            (
                r#"{"to": 1, "items": [{"amount": 1, "memo": "123456789"}]}"#,
                "items[0].memo: at most 8 bytes, found 9",
            ),
            (
                r#"{"to": 1, "items": [], "price": 12.5}"#,
                "price: expected a decimal as a string, of at most 7 digits before the point and 2 behind, \
                 found a number with a fraction or beyond 64 bits",
            ),
            (
                r#"{"to": 1, "items": [], "price": "12.505"}"#,
                "price: at most 2 digits after the point",
            ),
            (
                r#"{"to": 1, "items": [], "price": "12345678"}"#,
                "price: at most 7 digits in front of the point",
            ),
            (
                r#"{"to": 1, "items": [], "price": "1e3"}"#,
                "price: not a decimal such as \"12.50\"",
            ),
            (
                r#"{"to": 1, "items": [], "id": "0190a6c1"}"#,
                "id: not a uuid of 8-4-4-4-12 hexadecimal digits",
            ),
            (r#"[1]"#, "expected an object, found an array"),
            (
                r#"{"to": 1, "items": [], "door": {"Pair": 50}}"#,
                "door.Pair: expected an array of 2: [u8, a string of at most 4 bytes], found a number",
            ),
            (
                r#"{"to": 1, "items": [], "door": {"Pair": []}}"#,
                "door.Pair: expected an array of 2: [u8, a string of at most 4 bytes], found an array of 0",
            ),
            (
                r#"{"to": 1, "items": [], "door": "Pair"}"#,
                "door.Pair: expected an array of 2: [u8, a string of at most 4 bytes], found null",
            ),
        ] {
            let error = pack_record(
                &shapes,
                &record,
                &parse(text.as_bytes()).unwrap(),
                &mut Vec::new(),
            )
            .unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    fn map(key: Shape, value: Shape) -> Shape {
        Shape::Map(Box::new(Shape::Tuple(vec![key, value])), 3)
    }

    #[test]
    fn sets_and_maps_are_sorted_and_each_key_stands_once() {
        let shapes = sample();
        let byte = || Shape::Scalar(Scalar::I8);
        let set = Shape::Set(Box::new(byte()), 3);
        let ages = map(Shape::String(4), byte());
        let flags = map(Shape::Scalar(Scalar::Bool), Shape::Set(Box::new(byte()), 2));
        let counts = map(Shape::Scalar(Scalar::I64), Shape::Struct(0));
        let pairs = map(Shape::Tuple(vec![byte(), byte()]), byte());
        for (shape, text, sorted) in [
            (&set, "[3,-1,2]", "[-1,2,3]"),
            (&ages, r#"{"bo":2,"al":1}"#, r#"{"al":1,"bo":2}"#),
            (
                &flags,
                r#"{"true":[2,1],"false":[]}"#,
                r#"{"false":[],"true":[1,2]}"#,
            ),
            (
                &counts,
                r#"{"10":{"amount":"1","memo":null},"-9":{"amount":"2","memo":null}}"#,
                r#"{"-9":{"amount":"2","memo":null},"10":{"amount":"1","memo":null}}"#,
            ),
            (&pairs, "[[[1,2],3],[[1,-2],4]]", "[[[1,-2],4],[[1,2],3]]"),
        ] {
            assert_eq!(round_trip(&shapes, shape, text), sorted);
        }
        for (shape, text, message) in [
            (&set, "[1,2,1]", "[2]: stands twice"),
            (&set, "[1,2,3,4]", "at most 3 elements, found 4"),
            (&set, "[1,300]", "[1]: out of range for i8"),
            (
                &set,
                "{}",
                "expected an array of at most 3 different elements, found an object",
            ),
            (
                &ages,
                r#"{"al":1,"longer":2}"#,
                "longer: at most 4 bytes, found 6",
            ),
            (
                &ages,
                "[]",
                "expected an object of at most 3 keys, found an array",
            ),
            (
                &flags,
                r#"{"yes":[]}"#,
                "yes: expected bool, found a string",
            ),
            (
                &counts,
                r#"{"1":{"amount":1},"01":{"amount":1}}"#,
                "01: stands twice",
            ),
            (&pairs, "[[[1,2],3],[[1,2],4]]", "[1]: stands twice"),
        ] {
            let json = parse(text.as_bytes()).unwrap();
            let error = pack(&shapes, shape, &json, &mut Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn duplicate_keys_and_deep_nesting_are_refused() {
        assert!(
            parse(br#"{"a": 1, "a": 2}"#)
                .unwrap_err()
                .to_string()
                .contains("stands twice")
        );
        assert!(
            parse("[".repeat(100_000).as_bytes())
                .unwrap_err()
                .to_string()
                .contains("deeper")
        );
        assert!(parse(b"\xff").is_err());
    }
}
