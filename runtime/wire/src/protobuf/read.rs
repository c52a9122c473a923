//! Reading: a protobuf message packed as a record. Always true: any bytes give a value or an error.

use super::{ProtoError, error, is_wrapped};
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, decimal_scalar, length_prefix, tag_size};
use rc_bytecode::value::Value;
use rc_bytecode::{sorted, text};

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

/// The last length-delimited value of a field: a string, bytes or a message; none where the field is absent.
///
/// # Errors
/// Bytes that are no message.
pub fn bytes_field(message: &[u8], number: u32) -> Result<Option<&[u8]>, ProtoError> {
    match last(message, number)? {
        Some(Wire::Bytes(bytes)) => Ok(Some(bytes)),
        Some(_) => error("expected a length-delimited field"),
        None => Ok(None),
    }
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
        Shape::Set(element, max) | Shape::Map(element, max) => {
            // As a list, whose packed elements are then put in order.
            let mut list = Vec::new();
            let as_list = Shape::List(element.clone(), *max);
            pack_field(shapes, &as_list, message, number, &mut list)?;
            let (count, mut rest) = list.split_at(4);
            let mut elements = Vec::new();
            while !rest.is_empty() {
                let before = rest;
                if Value::unpack(shapes, element, &mut rest).is_err() {
                    return error("not a protobuf message");
                }
                elements.push(before[..before.len() - rest.len()].to_vec());
            }
            out.extend_from_slice(count);
            sorted::arrange(shapes, shape, elements, out)
                .or_else(|twice| error(format!("element {twice} stands twice")))
        }
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
            out.extend((f64::from_bits(bits) + 0.0).to_le_bytes());
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
                return error(format!("out of range for {}", scalar.name()));
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
        Shape::Uuid => {
            // What was not sent is the nil uuid, as any field of proto3 has an empty value.
            let written = text_of(wire)?;
            let bytes = if written.is_empty() {
                Some([0; 16])
            } else {
                text::parse_uuid(written)
            };
            match bytes {
                Some(bytes) => out.extend(bytes),
                None => return error("not a uuid of 8-4-4-4-12 hexadecimal digits"),
            }
        }
        Shape::Hash => {
            let written = text_of(wire)?;
            let bytes = if written.is_empty() {
                Some([0; 32])
            } else {
                text::parse_hex::<32>(written)
            };
            match bytes {
                Some(bytes) => out.extend(bytes),
                None => return error("not a hash of 64 hexadecimal digits"),
            }
        }
        Shape::Decimal { digits, scale } => {
            let written = text_of(wire)?;
            let written = if written.is_empty() { "0" } else { written };
            match text::parse_decimal(written, *digits, *scale) {
                Ok(value) => {
                    let size = decimal_scalar(*digits).size() as usize;
                    out.extend_from_slice(&value.to_le_bytes()[..size]);
                }
                Err(wrong) => return error(wrong.to_string()),
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
        Shape::Optional(_) | Shape::List(..) | Shape::Set(..) | Shape::Map(..) => {
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
