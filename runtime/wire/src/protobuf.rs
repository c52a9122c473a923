//! Protobuf messages to packed values and back, by shape: the wire form of what reflection describes.
//!
//! | shape | protobuf |
//! |---|---|
//! | bool, f64, string, bytes | the same |
//! | u8 u16 u32 / u64 | `uint32` / `uint64` |
//! | i8 i16 i32 / i64 | `int32` / `int64` |
//! | u128 i128 | `string`, decimal |
//! | uuid, hash, decimal | `string`, as in JSON |
//! | time, duration | `google.protobuf.Timestamp`, `google.protobuf.Duration` |
//! | `T?` | `optional T` |
//! | struct, tuple | message, fields numbered from 1 in order |
//! | enum | message with one `oneof`, variants numbered from 1, each a message |
//! | list, set | `repeated`; of lists or optionals: of a message with the one field `value` |
//! | map | `map`, where protobuf has such keys and such values; else `repeated` of a message of the two |
//!
//! Always true: unknown fields are skipped, absent ones take proto3's defaults, everything is checked against its range.

mod read;
mod write;

pub use read::{bytes_field, pack_record};
pub use write::{put_bytes, put_number, write_field, write_record};

use rc_bytecode::layout::Shape;

/// Why a message cannot be taken; names the field by its path of numbers and names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ProtoError {
    pub path: String,
    pub reason: String,
}

fn error<T>(reason: impl Into<String>) -> Result<T, ProtoError> {
    Err(ProtoError {
        path: String::new(),
        reason: reason.into(),
    })
}

/// Shapes that have no place as an element or an optional's content and get a message around them.
pub fn is_wrapped(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::List(..) | Shape::Set(..) | Shape::Map(..) | Shape::Optional(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use rc_bytecode::instr::Scalar;
    use rc_bytecode::layout::{Record, Shapes};

    /// JSON → packed → protobuf → packed → JSON.
    fn round_trip(shapes: &Shapes, record: &Record, text: &str) {
        let mut packed = Vec::new();
        json::pack_record(
            shapes,
            record,
            &json::parse(text.as_bytes()).unwrap(),
            &mut packed,
        )
        .unwrap();
        let (mut message, mut rest) = (Vec::new(), packed.as_slice());
        write_record(shapes, record, &mut rest, &mut message).unwrap();
        assert!(rest.is_empty());
        let mut again = Vec::new();
        pack_record(shapes, record, &message, &mut again).unwrap();
        assert_eq!(again, packed, "{text}");
    }

    #[test]
    fn sets_and_maps_come_back_sorted() {
        let text = || Shape::String(3);
        let pair = |key, value| Box::new(Shape::Tuple(vec![key, value]));
        let numbers = Shape::List(Box::new(Shape::Scalar(Scalar::U8)), 2);
        let record = Record {
            name: "all".into(),
            fields: vec![
                (
                    "a".into(),
                    Shape::Set(Box::new(Shape::Scalar(Scalar::I16)), 4),
                ),
                ("b".into(), Shape::Set(Box::new(text()), 4)),
                ("c".into(), Shape::Map(pair(text(), Shape::Time), 4)),
                ("d".into(), Shape::Map(pair(Shape::Uuid, numbers), 4)),
                (
                    "e".into(),
                    Shape::List(Box::new(Shape::Set(Box::new(text()), 2)), 2),
                ),
            ],
        };
        let shapes = Shapes::default();
        round_trip(
            &shapes,
            &record,
            r#"{"a":[3,-1,0],"b":["x",""],"c":{"b":"2026-01-01T00:00:00Z","":"1970-01-01T00:00:00Z"},
                "d":{"0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d":[1,0]},"e":[["b","a"],[]]}"#,
        );
        // What a client sends in its own order is put in order, and refused where it stands twice.
        let one = Record {
            name: "one".into(),
            fields: vec![("b".into(), Shape::Set(Box::new(text()), 4))],
        };
        let message = |parts: &[&str]| {
            let mut message = Vec::new();
            for part in parts {
                put_bytes(1, part.as_bytes(), &mut message);
            }
            message
        };
        let mut packed = Vec::new();
        pack_record(&shapes, &one, &message(&["b", "a"]), &mut packed).unwrap();
        assert_eq!(packed, [2, 0, 0, 0, 1, 0, b'a', 1, 0, b'b']);
        let error = pack_record(&shapes, &one, &message(&["b", "a", "b"]), &mut Vec::new());
        assert_eq!(error.unwrap_err().to_string(), "b: element 2 stands twice");
    }

    #[test]
    fn every_shape_comes_back() {
        let nested = Shape::List(
            Box::new(Shape::Optional(Box::new(Shape::List(
                Box::new(Shape::Scalar(Scalar::I8)),
                3,
            )))),
            3,
        );
        let door = rc_bytecode::layout::Sum {
            name: "Door".into(),
            variants: vec![
                Record {
                    name: "Closed".into(),
                    fields: vec![],
                },
                Record {
                    name: "Open".into(),
                    fields: vec![("until".into(), Shape::Time)],
                },
            ],
        };
        let shapes = Shapes {
            structs: vec![],
            enums: vec![door],
        };
        let record = Record {
            name: "all".into(),
            fields: vec![
                ("a".into(), Shape::Scalar(Scalar::I16)),
                ("b".into(), Shape::Scalar(Scalar::U128)),
                ("c".into(), nested),
                ("d".into(), Shape::Enum(0)),
                (
                    "e".into(),
                    Shape::Optional(Box::new(Shape::Scalar(Scalar::U64))),
                ),
                (
                    "f".into(),
                    Shape::List(Box::new(Shape::Scalar(Scalar::F64)), 4),
                ),
                (
                    "g".into(),
                    Shape::Tuple(vec![Shape::String(5), Shape::Duration]),
                ),
                (
                    "h".into(),
                    Shape::List(Box::new(Shape::Scalar(Scalar::Bool)), 4),
                ),
                ("i".into(), Shape::List(Box::new(Shape::Uuid), 2)),
                ("j".into(), Shape::Hash),
                (
                    "k".into(),
                    Shape::Tuple(vec![
                        Shape::Decimal {
                            digits: 5,
                            scale: 4,
                        },
                        Shape::Decimal {
                            digits: 30,
                            scale: 0,
                        },
                    ]),
                ),
            ],
        };
        round_trip(
            &shapes,
            &record,
            r#"{"a":-3,"b":"7","c":[null,[1,-1],[]],"d":"Closed","e":"0","f":[0,1.5],"g":["x","-1.5s"],"h":[true,false],"i":["0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d"],"j":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","k":["-1.5","-7"]}"#,
        );
        round_trip(
            &shapes,
            &record,
            r#"{"a":0,"b":"0","c":[],"d":{"Open":{"until":"1969-12-31T23:59:59.5Z"}},"e":null,"f":[],"g":["","0s"],"h":[],"i":[],"j":"0000000000000000000000000000000000000000000000000000000000000000","k":["0",0]}"#,
        );
    }

    #[test]
    fn any_bytes_give_an_answer() {
        let record = Record {
            name: "r".into(),
            fields: vec![
                ("a".into(), Shape::String(4)),
                ("b".into(), Shape::Scalar(Scalar::U8)),
            ],
        };
        let mut state = 1u64;
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..state % 12 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                bytes.push((state >> 33) as u8);
            }
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407)
                >> 1;
            let mut packed = Vec::new();
            if pack_record(&Shapes::default(), &record, &bytes, &mut packed).is_ok() {
                assert!(packed.len() >= 3);
            }
        }
        let error = pack_record(
            &Shapes::default(),
            &record,
            &[0x10, 0x80, 0x02],
            &mut Vec::new(),
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "b: out of range for u8");
    }
}
