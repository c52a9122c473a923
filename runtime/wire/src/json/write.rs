//! Writing: packed values as JSON text. Always true: integers of 64 bits and more are strings; bytes that do not have
//! their shape are told, never guessed at.

use super::{Malformed, is_positional, named_entries};
use crate::timetext;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, decimal_scalar, length_prefix, tag_size};
use rc_bytecode::text;
use std::fmt;

/// Takes fixed parts off packed bytes.
struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: u32) -> Result<u64, Malformed> {
        let mut word = [0; 8];
        word[..bytes as usize].copy_from_slice(self.take(bytes as usize)?);
        Ok(u64::from_le_bytes(word))
    }
}

/// Writes a packed value as JSON text.
pub fn write(
    shapes: &Shapes,
    shape: &Shape,
    packed: &[u8],
    out: &mut String,
) -> Result<(), Malformed> {
    let mut packed = Packed(packed);
    write_value(shapes, shape, &mut packed, out)?;
    if packed.0.is_empty() {
        Ok(())
    } else {
        Err(Malformed)
    }
}

/// Writes a packed record as a JSON object, or an array where the fields have no names.
pub fn write_record(
    shapes: &Shapes,
    record: &Record,
    packed: &[u8],
    out: &mut String,
) -> Result<(), Malformed> {
    let mut packed = Packed(packed);
    write_fields(shapes, record, &mut packed, out)?;
    if packed.0.is_empty() {
        Ok(())
    } else {
        Err(Malformed)
    }
}

fn write_fields(
    shapes: &Shapes,
    record: &Record,
    packed: &mut Packed<'_>,
    out: &mut String,
) -> Result<(), Malformed> {
    let positional = is_positional(record);
    out.push(if positional { '[' } else { '{' });
    for (index, (name, shape)) in record.fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if !positional {
            write_string(name, out);
            out.push(':');
        }
        write_value(shapes, shape, packed, out)?;
    }
    out.push(if positional { ']' } else { '}' });
    Ok(())
}

fn write_value(
    shapes: &Shapes,
    shape: &Shape,
    packed: &mut Packed<'_>,
    out: &mut String,
) -> Result<(), Malformed> {
    use fmt::Write as _;
    match shape {
        Shape::Scalar(Scalar::Bool) => out.push_str(if packed.number(1)? != 0 {
            "true"
        } else {
            "false"
        }),
        Shape::Scalar(Scalar::F64) => {
            let value = f64::from_bits(packed.number(8)?);
            out.push_str(
                &serde_json::Number::from_f64(value)
                    .ok_or(Malformed)?
                    .to_string(),
            );
        }
        Shape::Scalar(scalar) => {
            let mut bytes = [0; 16];
            bytes[..scalar.size() as usize].copy_from_slice(packed.take(scalar.size() as usize)?);
            let bits = u128::from_le_bytes(bytes);
            let quote = if scalar.bits() >= 64 { "\"" } else { "" };
            if scalar.is_signed() {
                let shift = 128 - scalar.bits();
                let _ = write!(out, "{quote}{}{quote}", ((bits << shift) as i128) >> shift);
            } else {
                let _ = write!(out, "{quote}{bits}{quote}");
            }
        }
        Shape::Time => {
            let _ = write!(out, "\"{}\"", timetext::time_text(packed.number(8)? as i64));
        }
        Shape::Duration => {
            let _ = write!(
                out,
                "\"{}\"",
                timetext::duration_text(packed.number(8)? as i64)
            );
        }
        Shape::Uuid => {
            let bytes = packed.take(16)?.try_into().map_err(|_| Malformed)?;
            let _ = write!(out, "\"{}\"", text::uuid(bytes));
        }
        Shape::Hash => {
            let _ = write!(out, "\"{}\"", text::hex(packed.take(32)?));
        }
        Shape::Decimal { digits, scale } => {
            let value = decimal_value(packed.take(decimal_scalar(*digits).size() as usize)?);
            let _ = write!(
                out,
                "\"{}\"",
                text::decimal(value.ok_or(Malformed)?, *scale)
            );
        }
        Shape::String(max) => {
            let length = packed.number(length_prefix(*max))? as usize;
            write_string(
                std::str::from_utf8(packed.take(length)?).map_err(|_| Malformed)?,
                out,
            );
        }
        Shape::Bytes(max) => {
            let length = packed.number(length_prefix(*max))? as usize;
            let _ = write!(out, "\"{}\"", BASE64.encode(packed.take(length)?));
        }
        Shape::Optional(inner) => match packed.number(1)? {
            0 => out.push_str("null"),
            _ => write_value(shapes, inner, packed, out)?,
        },
        Shape::Tuple(parts) => {
            out.push('[');
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(shapes, part, packed, out)?;
            }
            out.push(']');
        }
        Shape::Map(..) if named_entries(shape).is_some() => {
            let (key, value) = named_entries(shape).ok_or(Malformed)?;
            let length = packed.number(4)?;
            out.push('{');
            for index in 0..length {
                if index > 0 {
                    out.push(',');
                }
                let start = out.len();
                write_value(shapes, key, packed, out)?;
                if !out[start..].starts_with('"') {
                    out.insert(start, '"');
                    out.push('"');
                }
                out.push(':');
                write_value(shapes, value, packed, out)?;
            }
            out.push('}');
        }
        Shape::List(element, _) | Shape::Set(element, _) | Shape::Map(element, _) => {
            let length = packed.number(4)?;
            out.push('[');
            for index in 0..length {
                if index > 0 {
                    out.push(',');
                }
                write_value(shapes, element, packed, out)?;
            }
            out.push(']');
        }
        Shape::Struct(index) => {
            write_fields(shapes, &shapes.structs[*index as usize], packed, out)?
        }
        Shape::Enum(index) => {
            let sum = &shapes.enums[*index as usize];
            let tag = packed.number(tag_size(sum.variants.len()))? as usize;
            let variant = sum.variants.get(tag).ok_or(Malformed)?;
            if variant.fields.is_empty() {
                write_string(&variant.name, out);
            } else {
                out.push('{');
                write_string(&variant.name, out);
                out.push(':');
                write_fields(shapes, variant, packed, out)?;
                out.push('}');
            }
        }
    }
    Ok(())
}

/// A decimal's packed bytes as a number without its point.
pub(crate) fn decimal_value(packed: &[u8]) -> Option<i128> {
    match packed.try_into() {
        Ok(eight) => Some(i64::from_le_bytes(eight).into()),
        Err(_) => packed.try_into().ok().map(i128::from_le_bytes),
    }
}

/// A JSON string with its quotes.
pub fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}
