//! Protobuf messages to packed values and back, by shape: the wire form of what `descriptor` describes.
//!
//! | shape | protobuf |
//! |---|---|
//! | bool, f64, string, bytes | the same |
//! | u8 u16 u32 / u64 | `uint32` / `uint64` |
//! | i8 i16 i32 / i64 | `int32` / `int64` |
//! | u128 i128 | `string`, decimal |
//! | time, duration | `google.protobuf.Timestamp`, `google.protobuf.Duration` |
//! | `T?` | `optional T` |
//! | struct, tuple | message, fields numbered from 1 in order |
//! | enum | message with one `oneof`, variants numbered from 1, each a message |
//! | list | `repeated`; of lists or optionals: of a message with the one field `value` |
//!
//! Always true: unknown fields are skipped, absent ones take proto3's defaults, everything is checked against its range.

use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, length_prefix, tag_size};

use crate::json::Malformed;

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

/// One field's value on the wire.
#[derive(Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if shift < 64 {
            value |= u64::from(byte & 0x7f) << shift;
        }
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Takes one field off a message; `Ok(None)` for wire types that are skipped.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Option<Wire<'a>>)> {
    let key = varint(bytes)?;
    let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
    let mut take = |length: usize| {
        let (taken, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(taken)
    };
    let wire = match key & 7 {
        0 => Some(Wire::Varint(varint(bytes)?)),
        1 => Some(Wire::Fixed64(u64::from_le_bytes(take(8)?.try_into().ok()?))),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (taken, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Some(Wire::Bytes(taken))
        }
        5 => {
            take(4)?;
            None
        }
        _ => return None,
    };
    Some((number, wire))
}

/// The values of one field, in order.
fn values<'a>(
    message: &'a [u8],
    wanted: u32,
) -> impl Iterator<Item = Result<Wire<'a>, ProtoError>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            match field(&mut rest) {
                Some((number, Some(wire))) if number == wanted => return Some(Ok(wire)),
                Some(_) => {}
                None => {
                    rest = &[];
                    return Some(error("not a protobuf message"));
                }
            }
        }
        None
    })
}

/// Packs a message as a record.
pub fn pack_record(
    shapes: &Shapes,
    record: &Record,
    message: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), ProtoError> {
    if message.is_empty() && record.fields.is_empty() {
        return Ok(());
    }
    for (index, (name, shape)) in record.fields.iter().enumerate() {
        pack_field(shapes, shape, message, index as u32 + 1, out)
            .map_err(|error| within(name, error))?;
    }
    Ok(())
}

fn within(name: &str, error: ProtoError) -> ProtoError {
    let joint = if error.path.is_empty() { "" } else { "." };
    ProtoError {
        path: format!("{name}{joint}{}", error.path),
        ..error
    }
}

fn last<'a>(message: &'a [u8], number: u32) -> Result<Option<Wire<'a>>, ProtoError> {
    let mut found = None;
    for wire in values(message, number) {
        found = Some(wire?);
    }
    Ok(found)
}

fn pack_field(
    shapes: &Shapes,
    shape: &Shape,
    message: &[u8],
    number: u32,
    out: &mut Vec<u8>,
) -> Result<(), ProtoError> {
    match shape {
        Shape::List(element, max) => {
            let count_at = out.len();
            out.extend([0; 4]);
            let mut count = 0u32;
            for wire in values(message, number) {
                match wire? {
                    Wire::Bytes(bytes) if is_packable(element) => {
                        let mut rest = bytes;
                        while !rest.is_empty() {
                            let wire = if matches!(**element, Shape::Scalar(Scalar::F64)) {
                                let Some((word, after)) = rest.split_first_chunk::<8>() else {
                                    return error("not a protobuf message");
                                };
                                rest = after;
                                Wire::Fixed64(u64::from_le_bytes(*word))
                            } else {
                                match varint(&mut rest) {
                                    Some(value) => Wire::Varint(value),
                                    None => return error("not a protobuf message"),
                                }
                            };
                            pack_value(shapes, element, Some(wire), out)?;
                            count += 1;
                        }
                    }
                    wire if is_wrapped(element) => {
                        let Wire::Bytes(inner) = wire else {
                            return error("expected a message");
                        };
                        pack_field(shapes, element, inner, 1, out)?;
                        count += 1;
                    }
                    wire => {
                        pack_value(shapes, element, Some(wire), out)?;
                        count += 1;
                    }
                }
                if count > *max {
                    return error(format!("at most {max} elements"));
                }
            }
            out[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
            Ok(())
        }
        Shape::Optional(inner) => match last(message, number)? {
            None => {
                out.push(0);
                Ok(())
            }
            Some(Wire::Bytes(message)) if is_wrapped(inner) => {
                out.push(1);
                pack_field(shapes, inner, message, 1, out)
            }
            wire => {
                out.push(1);
                pack_value(shapes, inner, wire, out)
            }
        },
        shape => {
            let wire = last(message, number)?;
            pack_value(shapes, shape, wire, out)
        }
    }
}

/// Numbers that proto3 packs in repeated fields.
fn is_packable(shape: &Shape) -> bool {
    matches!(shape, Shape::Scalar(scalar) if !matches!(scalar, Scalar::U128 | Scalar::I128))
}

/// Shapes that have no place as an element or an optional's content and get a message around them.
pub(crate) fn is_wrapped(shape: &Shape) -> bool {
    matches!(shape, Shape::List(..) | Shape::Optional(_))
}

/// One value; `None` is proto3's default.
fn pack_value(
    shapes: &Shapes,
    shape: &Shape,
    wire: Option<Wire<'_>>,
    out: &mut Vec<u8>,
) -> Result<(), ProtoError> {
    match shape {
        Shape::Scalar(Scalar::F64) => {
            let bits = match wire {
                Some(Wire::Fixed64(bits)) => bits,
                None => 0,
                _ => return error("expected a double"),
            };
            if !f64::from_bits(bits).is_finite() {
                return error("not a finite number");
            }
            out.extend(bits.to_le_bytes());
        }
        Shape::Scalar(scalar @ (Scalar::U128 | Scalar::I128)) => {
            let text = text_of(wire)?;
            let text = if text.is_empty() { "0" } else { text };
            let bits = match scalar {
                Scalar::U128 => text.parse::<u128>().ok(),
                _ => text.parse::<i128>().ok().map(|value| value as u128),
            };
            match bits {
                Some(bits) => out.extend(bits.to_le_bytes()),
                None => return error("not a whole number of 128 bits"),
            }
        }
        Shape::Scalar(scalar) => {
            let value = match wire {
                Some(Wire::Varint(value)) => value,
                None => 0,
                _ => return error("expected a number"),
            };
            let bits = scalar.bits();
            let fits = match scalar {
                Scalar::Bool => value <= 1,
                scalar if scalar.is_signed() => {
                    let value = value as i64;
                    bits == 64 || (value >= -(1 << (bits - 1)) && value < 1 << (bits - 1))
                }
                _ => bits == 64 || value >> bits == 0,
            };
            if !fits {
                return error(format!(
                    "out of range for {}",
                    crate::json::scalar_name(*scalar)
                ));
            }
            out.extend_from_slice(&value.to_le_bytes()[..scalar.size() as usize]);
        }
        Shape::Time | Shape::Duration => {
            let message = bytes_of(wire)?;
            let seconds = match last(message, 1)? {
                Some(Wire::Varint(value)) => value as i64,
                None => 0,
                _ => return error("expected seconds"),
            };
            let nanos = match last(message, 2)? {
                Some(Wire::Varint(value)) => value as i64,
                None => 0,
                _ => return error("expected nanos"),
            };
            if !(-999_999_999..=999_999_999).contains(&nanos) {
                return error("nanos out of range");
            }
            match seconds
                .checked_mul(1_000_000_000)
                .and_then(|whole| whole.checked_add(nanos))
            {
                Some(nanoseconds) => out.extend(nanoseconds.to_le_bytes()),
                None => return error("out of range"),
            }
        }
        Shape::String(max) => {
            let text = text_of(wire)?;
            put(*max, text.as_bytes(), out)?;
        }
        Shape::Bytes(max) => put(*max, bytes_of(wire)?, out)?,
        Shape::Tuple(parts) => {
            let message = bytes_of(wire)?;
            for (index, part) in parts.iter().enumerate() {
                pack_field(shapes, part, message, index as u32 + 1, out)
                    .map_err(|error| within(&index.to_string(), error))?;
            }
        }
        Shape::Struct(index) => pack_record(
            shapes,
            &shapes.structs[*index as usize],
            bytes_of(wire)?,
            out,
        )?,
        Shape::Enum(index) => {
            let sum = &shapes.enums[*index as usize];
            let mut message = bytes_of(wire)?;
            let mut chosen = None;
            while !message.is_empty() {
                match field(&mut message) {
                    Some((number, Some(Wire::Bytes(payload))))
                        if number as usize <= sum.variants.len() =>
                    {
                        chosen = Some((number as usize - 1, payload));
                    }
                    Some(_) => {}
                    None => return error("not a protobuf message"),
                }
            }
            let Some((tag, payload)) = chosen else {
                return error(format!("no variant of {} is set", sum.name));
            };
            out.extend_from_slice(
                &(tag as u16).to_le_bytes()[..tag_size(sum.variants.len()) as usize],
            );
            let variant = &sum.variants[tag];
            pack_record(shapes, variant, payload, out)
                .map_err(|error| within(&variant.name, error))?;
        }
        Shape::Optional(_) | Shape::List(..) => {
            return error("a list or optional needs its own field");
        }
    }
    Ok(())
}

fn bytes_of<'a>(wire: Option<Wire<'a>>) -> Result<&'a [u8], ProtoError> {
    match wire {
        Some(Wire::Bytes(bytes)) => Ok(bytes),
        None => Ok(&[]),
        _ => error("expected a length-delimited field"),
    }
}

fn text_of<'a>(wire: Option<Wire<'a>>) -> Result<&'a str, ProtoError> {
    std::str::from_utf8(bytes_of(wire)?).or_else(|_| error("not UTF-8"))
}

fn put(max: u32, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ProtoError> {
    if bytes.len() > max as usize {
        return error(format!("at most {max} bytes, found {}", bytes.len()));
    }
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes()[..length_prefix(max) as usize]);
    out.extend_from_slice(bytes);
    Ok(())
}

// -- out --------------------------------------------------------------------------------------------------

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_key(number: u32, wire: u8, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire), out);
}

/// A length-delimited field.
pub fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_key(number, 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A varint field; zero is left out.
pub fn put_number(number: u32, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        put_key(number, 0, out);
        put_varint(value, out);
    }
}

fn take<'a>(packed: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = packed.split_at_checked(length).ok_or(Malformed)?;
    *packed = rest;
    Ok(taken)
}

fn number(packed: &mut &[u8], bytes: u32) -> Result<u64, Malformed> {
    let mut word = [0; 8];
    word[..bytes as usize].copy_from_slice(take(packed, bytes as usize)?);
    Ok(u64::from_le_bytes(word))
}

/// Writes a packed record as a message.
pub fn write_record(
    shapes: &Shapes,
    record: &Record,
    packed: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    for (index, (_, shape)) in record.fields.iter().enumerate() {
        write_field(shapes, shape, index as u32 + 1, false, packed, out)?;
    }
    Ok(())
}

/// Writes one field; `explicit` keeps default values on the wire (optionals, elements).
pub fn write_field(
    shapes: &Shapes,
    shape: &Shape,
    field: u32,
    explicit: bool,
    packed: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    match shape {
        Shape::Scalar(Scalar::F64) => {
            let bits = number(packed, 8)?;
            if bits != 0 || explicit {
                put_key(field, 1, out);
                out.extend(bits.to_le_bytes());
            }
        }
        Shape::Scalar(scalar @ (Scalar::U128 | Scalar::I128)) => {
            let bits = u128::from_le_bytes(take(packed, 16)?.try_into().map_err(|_| Malformed)?);
            let text = if *scalar == Scalar::U128 {
                bits.to_string()
            } else {
                (bits as i128).to_string()
            };
            put_bytes(field, text.as_bytes(), out);
        }
        Shape::Scalar(scalar) => {
            let raw = number(packed, scalar.size())?;
            let shift = 64 - scalar.bits().min(64);
            let value = if scalar.is_signed() {
                ((raw << shift) as i64 >> shift) as u64
            } else {
                raw
            };
            if value != 0 || explicit {
                put_key(field, 0, out);
                put_varint(value, out);
            }
        }
        Shape::Time | Shape::Duration => {
            let nanoseconds = number(packed, 8)? as i64;
            let (seconds, nanos) = if matches!(shape, Shape::Time) {
                (
                    nanoseconds.div_euclid(1_000_000_000),
                    nanoseconds.rem_euclid(1_000_000_000),
                )
            } else {
                (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
            };
            let mut message = Vec::with_capacity(16);
            put_number(1, seconds as u64, &mut message);
            put_number(2, nanos as u64, &mut message);
            put_bytes(field, &message, out);
        }
        Shape::String(max) | Shape::Bytes(max) => {
            let length = number(packed, length_prefix(*max))? as usize;
            let bytes = take(packed, length)?;
            if !bytes.is_empty() || explicit {
                put_bytes(field, bytes, out);
            }
        }
        Shape::Optional(inner) => {
            if number(packed, 1)? != 0 {
                write_element(shapes, inner, field, packed, out)?;
            }
        }
        Shape::List(element, _) => {
            for _ in 0..number(packed, 4)? {
                write_element(shapes, element, field, packed, out)?;
            }
        }
        Shape::Tuple(parts) => {
            let mut message = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                write_field(shapes, part, index as u32 + 1, false, packed, &mut message)?;
            }
            put_bytes(field, &message, out);
        }
        Shape::Struct(index) => {
            let mut message = Vec::new();
            write_record(
                shapes,
                &shapes.structs[*index as usize],
                packed,
                &mut message,
            )?;
            put_bytes(field, &message, out);
        }
        Shape::Enum(index) => {
            let sum = &shapes.enums[*index as usize];
            let tag = number(packed, tag_size(sum.variants.len()))?;
            let variant = sum.variants.get(tag as usize).ok_or(Malformed)?;
            let (mut payload, mut message) = (Vec::new(), Vec::new());
            write_record(shapes, variant, packed, &mut payload)?;
            put_bytes(tag as u32 + 1, &payload, &mut message);
            put_bytes(field, &message, out);
        }
    }
    Ok(())
}

fn write_element(
    shapes: &Shapes,
    shape: &Shape,
    field: u32,
    packed: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    if is_wrapped(shape) {
        let mut message = Vec::new();
        write_field(shapes, shape, 1, false, packed, &mut message)?;
        put_bytes(field, &message, out);
        return Ok(());
    }
    write_field(shapes, shape, field, true, packed, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

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
            ],
        };
        round_trip(
            &shapes,
            &record,
            r#"{"a":-3,"b":"7","c":[null,[1,-1],[]],"d":"Closed","e":"0","f":[0,1.5],"g":["x","-1.5s"],"h":[true,false]}"#,
        );
        round_trip(
            &shapes,
            &record,
            r#"{"a":0,"b":"0","c":[],"d":{"Open":{"until":"1969-12-31T23:59:59.5Z"}},"e":null,"f":[],"g":["","0s"],"h":[]}"#,
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
