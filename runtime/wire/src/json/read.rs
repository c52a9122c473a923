//! Reading: a [`Json`] packed as a value of a shape. Always true: what is refused names the field, and what is packed has
//! its shape.

use super::{FieldError, Json, expected, is_positional, named_entries};
use crate::timetext;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, Sum, decimal_scalar, length_prefix, tag_size};
use rc_bytecode::{sorted, text};

/// Packs an object as a record: every field there, none unknown. An optional may be left out.
pub fn pack_record(
    shapes: &Shapes,
    record: &Record,
    json: &Json,
    out: &mut Vec<u8>,
) -> Result<(), FieldError> {
    match json {
        Json::Object(fields) => {
            if let Some((unknown, _)) = fields
                .iter()
                .find(|(name, _)| !record.fields.iter().any(|(known, _)| known == name))
            {
                let known: Vec<&str> = record
                    .fields
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect();
                let reason = format!("unknown field; the fields are: {}", known.join(", "));
                return Err(FieldError::new(reason).within(unknown));
            }
            for (name, shape) in &record.fields {
                match fields.iter().find(|(given, _)| given == name) {
                    Some((_, value)) => {
                        pack(shapes, shape, value, out).map_err(|error| error.within(name))?
                    }
                    None if matches!(shape, Shape::Optional(_)) => out.push(0),
                    None => {
                        return Err(FieldError::new(format!(
                            "missing; expected {}",
                            expected(shapes, shape)
                        ))
                        .within(name));
                    }
                }
            }
            Ok(())
        }
        Json::Array(items) if is_positional(record) => {
            if items.len() != record.fields.len() {
                return Err(FieldError::new(format!(
                    "expected {}, found an array of {}",
                    positions(shapes, record),
                    items.len()
                )));
            }
            for (index, (item, (_, shape))) in items.iter().zip(&record.fields).enumerate() {
                pack(shapes, shape, item, out)
                    .map_err(|error| error.within(&format!("[{index}]")))?;
            }
            Ok(())
        }
        Json::Null if record.fields.is_empty() => Ok(()),
        other if is_positional(record) => Err(FieldError::new(format!(
            "expected {}, found {}",
            positions(shapes, record),
            other.kind()
        ))),
        other => Err(FieldError::new(format!(
            "expected an object, found {}",
            other.kind()
        ))),
    }
}

/// What a record without names wants, as in `an array of 1: [u8]`.
fn positions(shapes: &Shapes, record: &Record) -> String {
    let parts: Vec<String> = record
        .fields
        .iter()
        .map(|(_, shape)| expected(shapes, shape))
        .collect();
    format!("an array of {}: [{}]", parts.len(), parts.join(", "))
}

/// Packs one value.
pub fn pack(
    shapes: &Shapes,
    shape: &Shape,
    json: &Json,
    out: &mut Vec<u8>,
) -> Result<(), FieldError> {
    let mismatch = || {
        FieldError::new(format!(
            "expected {}, found {}",
            expected(shapes, shape),
            json.kind()
        ))
    };
    match (shape, json) {
        (Shape::Scalar(Scalar::Bool), Json::Bool(value)) => out.push(u8::from(*value)),
        (Shape::Scalar(Scalar::Bool), _) => return Err(mismatch()),
        (Shape::Scalar(Scalar::F64), json) => {
            let value = match json {
                Json::Float(value) => *value,
                Json::Unsigned(value) => *value as f64,
                Json::Signed(value) => *value as f64,
                _ => return Err(mismatch()),
            };
            out.extend((value + 0.0).to_le_bytes());
        }
        (Shape::Scalar(scalar), json) => {
            pack_integer(*scalar, json, out).map_err(|reason| match reason {
                Some(reason) => FieldError::new(reason),
                None => mismatch(),
            })?
        }
        (Shape::Time, Json::String(text)) => out.extend(
            timetext::parse_time(text)
                .map_err(FieldError::new)?
                .to_le_bytes(),
        ),
        (Shape::Duration, Json::String(text)) => {
            out.extend(
                timetext::parse_duration(text)
                    .map_err(FieldError::new)?
                    .to_le_bytes(),
            );
        }
        (Shape::Uuid, Json::String(text)) => {
            let bytes = text::parse_uuid(text)
                .ok_or_else(|| FieldError::new("not a uuid of 8-4-4-4-12 hexadecimal digits"))?;
            out.extend(bytes);
        }
        (Shape::Hash, Json::String(text)) => {
            let bytes = text::parse_hex::<32>(text)
                .ok_or_else(|| FieldError::new("not a hash of 64 hexadecimal digits"))?;
            out.extend(bytes);
        }
        (Shape::Decimal { digits, scale }, json) => {
            // A number with a fraction has been a float: only text and whole numbers are exact.
            let written = match json {
                Json::String(text) => text.clone(),
                Json::Unsigned(number) => number.to_string(),
                Json::Signed(number) => number.to_string(),
                _ => return Err(mismatch()),
            };
            let value = text::parse_decimal(&written, *digits, *scale)
                .map_err(|error| FieldError::new(error.to_string()))?;
            let size = decimal_scalar(*digits).size() as usize;
            out.extend_from_slice(&value.to_le_bytes()[..size]);
        }
        (Shape::String(max), Json::String(text)) => put_bytes(*max, text.as_bytes(), out)?,
        (Shape::Bytes(max), Json::String(text)) => {
            let bytes = BASE64
                .decode(text)
                .map_err(|error| FieldError::new(format!("not base64: {error}")))?;
            put_bytes(*max, &bytes, out)?;
        }
        (Shape::Optional(_), Json::Null) => out.push(0),
        (Shape::Optional(inner), json) => {
            out.push(1);
            pack(shapes, inner, json, out)?;
        }
        (Shape::Tuple(parts), Json::Array(items)) => {
            if parts.len() != items.len() {
                return Err(FieldError::new(format!(
                    "expected {} elements, found {}",
                    parts.len(),
                    items.len()
                )));
            }
            for (index, (part, item)) in parts.iter().zip(items).enumerate() {
                pack(shapes, part, item, out)
                    .map_err(|error| error.within(&format!("[{index}]")))?;
            }
        }
        (Shape::List(element, max), Json::Array(items)) => {
            if items.len() > *max as usize {
                return Err(FieldError::new(format!(
                    "at most {max} elements, found {}",
                    items.len()
                )));
            }
            out.extend((items.len() as u32).to_le_bytes());
            for (index, item) in items.iter().enumerate() {
                pack(shapes, element, item, out)
                    .map_err(|error| error.within(&format!("[{index}]")))?;
            }
        }
        (Shape::Set(element, max) | Shape::Map(element, max), Json::Array(items))
            if named_entries(shape).is_none() =>
        {
            let mut elements = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let mut packed = Vec::new();
                pack(shapes, element, item, &mut packed)
                    .map_err(|error| error.within(&format!("[{index}]")))?;
                elements.push(packed);
            }
            put_sorted(shapes, shape, *max, elements, out).map_err(|(at, error)| match at {
                Some(at) => error.within(&format!("[{at}]")),
                None => error,
            })?;
        }
        (Shape::Map(_, max), Json::Object(fields)) => {
            let Some((key, value)) = named_entries(shape) else {
                return Err(mismatch());
            };
            let mut elements = Vec::with_capacity(fields.len());
            for (name, given) in fields {
                let mut packed = Vec::new();
                pack(shapes, key, &key_of(key, name), &mut packed)
                    .and_then(|()| pack(shapes, value, given, &mut packed))
                    .map_err(|error| error.within(name))?;
                elements.push(packed);
            }
            put_sorted(shapes, shape, *max, elements, out).map_err(|(at, error)| match at {
                Some(at) => error.within(&fields[at].0),
                None => error,
            })?;
        }
        (Shape::Struct(index), json) => {
            pack_record(shapes, &shapes.structs[*index as usize], json, out)?
        }
        (Shape::Enum(index), json) => pack_sum(shapes, &shapes.enums[*index as usize], json, out)?,
        _ => return Err(mismatch()),
    }
    Ok(())
}

/// Elements of a set or a map in their order; where one stands twice, which it is.
fn put_sorted(
    shapes: &Shapes,
    shape: &Shape,
    max: u32,
    elements: Vec<Vec<u8>>,
    out: &mut Vec<u8>,
) -> Result<(), (Option<usize>, FieldError)> {
    let count = elements.len();
    if count > max as usize {
        let reason = format!("at most {max} elements, found {count}");
        return Err((None, FieldError::new(reason)));
    }
    out.extend((count as u32).to_le_bytes());
    sorted::arrange(shapes, shape, elements, out)
        .map_err(|twice| (Some(twice), FieldError::new("stands twice")))
}

/// An object's key as the value that it stands for.
fn key_of(shape: &Shape, name: &str) -> Json {
    match (shape, name) {
        (Shape::Scalar(Scalar::Bool), "true") => Json::Bool(true),
        (Shape::Scalar(Scalar::Bool), "false") => Json::Bool(false),
        _ => Json::String(name.to_string()),
    }
}

/// `"Closed"`, or `{"Open": {…}}`.
fn pack_sum(shapes: &Shapes, sum: &Sum, json: &Json, out: &mut Vec<u8>) -> Result<(), FieldError> {
    let (name, payload) = match json {
        Json::String(name) => (name, &Json::Null),
        Json::Object(fields) if fields.len() == 1 => (&fields[0].0, &fields[0].1),
        other => {
            return Err(FieldError::new(format!(
                "expected a variant of {}, found {}",
                sum.name,
                other.kind()
            )));
        }
    };
    let Some(tag) = sum
        .variants
        .iter()
        .position(|variant| variant.name == *name)
    else {
        let known: Vec<&str> = sum
            .variants
            .iter()
            .map(|variant| variant.name.as_str())
            .collect();
        return Err(FieldError::new(format!(
            "{} has no variant {name}; it has {}",
            sum.name,
            known.join(", ")
        )));
    };
    out.extend_from_slice(&(tag as u16).to_le_bytes()[..tag_size(sum.variants.len()) as usize]);
    pack_record(shapes, &sum.variants[tag], payload, out).map_err(|error| error.within(name))
}

fn put_bytes(max: u32, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FieldError> {
    if bytes.len() > max as usize {
        return Err(FieldError::new(format!(
            "at most {max} bytes, found {}",
            bytes.len()
        )));
    }
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes()[..length_prefix(max) as usize]);
    out.extend_from_slice(bytes);
    Ok(())
}

/// `Err(None)` where the JSON is of another kind.
fn pack_integer(scalar: Scalar, json: &Json, out: &mut Vec<u8>) -> Result<(), Option<String>> {
    let out_of_range = || Some(format!("out of range for {}", scalar.name()));
    let bits: u128 = if scalar == Scalar::U128 {
        match json {
            Json::Unsigned(value) => u128::from(*value),
            Json::Signed(_) => return Err(out_of_range()),
            Json::String(text) => text
                .parse::<u128>()
                .map_err(|_| integer_text(scalar, text))?,
            _ => return Err(None),
        }
    } else {
        let value: i128 = match json {
            Json::Unsigned(value) => i128::from(*value),
            Json::Signed(value) => i128::from(*value),
            Json::String(text) => text
                .parse::<i128>()
                .map_err(|_| integer_text(scalar, text))?,
            _ => return Err(None),
        };
        let (least, most) = range(scalar);
        if value < least || value > most {
            return Err(out_of_range());
        }
        value as u128
    };
    out.extend_from_slice(&bits.to_le_bytes()[..scalar.size() as usize]);
    Ok(())
}

fn integer_text(scalar: Scalar, text: &str) -> Option<String> {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    Some(format!(
        "{shown:?} is not a whole number within {}",
        scalar.name()
    ))
}

fn range(scalar: Scalar) -> (i128, i128) {
    let bits = scalar.bits();
    match (scalar.is_signed(), bits) {
        (true, 128) => (i128::MIN, i128::MAX),
        (true, bits) => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        (false, bits) => (
            0,
            if bits >= 127 {
                i128::MAX
            } else {
                (1i128 << bits) - 1
            },
        ),
    }
}
