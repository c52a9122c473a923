//! Writing: packed values as protobuf messages. Always true: proto3's defaults are left out, except where presence means
//! something.

use super::is_wrapped;
use crate::json::{Malformed, decimal_value};
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, decimal_scalar, length_prefix, tag_size};
use rc_bytecode::text;

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
        Shape::Uuid => {
            let bytes = take(packed, 16)?.try_into().map_err(|_| Malformed)?;
            put_bytes(field, text::uuid(bytes).as_bytes(), out);
        }
        Shape::Hash => put_bytes(field, text::hex(take(packed, 32)?).as_bytes(), out),
        Shape::Decimal { digits, scale } => {
            let bytes = take(packed, decimal_scalar(*digits).size() as usize)?;
            let value = decimal_value(bytes).ok_or(Malformed)?;
            put_bytes(field, text::decimal(value, *scale).as_bytes(), out);
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
        Shape::List(element, _) | Shape::Set(element, _) | Shape::Map(element, _) => {
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
