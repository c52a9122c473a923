//! Values that describe themselves: for JSON at the edge, for tests and traces that show values. Not for the
//! fast path, where bytes stay bytes.
//!
//! Always true: packing and unpacking go by a shape and follow [`wire`](crate::wire)'s table; a value that does not fit
//! its shape is refused with the path to the part that does not. `Display` writes as the language does.

use crate::instr::Scalar;
use crate::layout::{Record, Shape, Shapes, decimal_scalar, length_prefix, tag_size};
use crate::sorted;
use crate::text;
use crate::text::decimal_max;
use crate::wire::WireError;
use std::fmt;

/// One value of any type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    /// Of a signed type.
    Integer(i128),
    /// Of an unsigned type.
    Unsigned(u128),
    Float(f64),
    /// Nanoseconds since 1970.
    Time(i64),
    /// Signed nanoseconds.
    Duration(i64),
    Uuid([u8; 16]),
    Hash([u8; 32]),
    /// Without its point, and how many digits stand behind it.
    Decimal {
        value: i128,
        scale: u8,
    },
    String(String),
    Bytes(Vec<u8>),
    /// An optional without a value; one with a value is that value. Of an optional within an optional the outer is meant.
    Absent,
    Tuple(Vec<Value>),
    /// Also of a set, and of a map, whose elements are tuples of a key and a value.
    List(Vec<Value>),
    /// A struct, an event, arguments.
    Record(Fields),
    /// A variant by its name.
    Variant(Fields),
}

/// A name, and named values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    pub name: String,
    pub fields: Vec<(String, Value)>,
}

impl Fields {
    /// The value of the field of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

/// Why a value does not fit its shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ValueError {
    /// From the outside in: `orders[3].price`. Empty where the whole is meant.
    pub path: String,
    pub fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("wanted is {wanted}, found is {found}")]
    Kind { wanted: String, found: &'static str },
    #[error("{value} is not within {kind}")]
    Range { value: String, kind: &'static str },
    #[error("{value} has more than {digits} digits")]
    Digits { value: String, digits: u8 },
    #[error("a length of {length}, at most {max} is allowed")]
    TooLong { length: usize, max: u32 },
    #[error("the field is missing")]
    Missing,
    #[error("there is no such field")]
    Unknown,
    #[error("there is no variant {0}")]
    NoVariant(String),
    #[error("{found} parts, wanted are {wanted}")]
    Count { found: usize, wanted: usize },
    #[error("a float must be finite")]
    NotFinite,
    #[error("the same stands before it")]
    Twice,
}

impl Value {
    /// Reads a value and moves `packed` behind it. Checks all that unpacking to memory checks.
    pub fn unpack(shapes: &Shapes, shape: &Shape, packed: &mut &[u8]) -> Result<Value, WireError> {
        Ok(match shape {
            Shape::Scalar(scalar) => unpack_scalar(*scalar, packed)?,
            Shape::Time => Value::Time(i64::from_le_bytes(take(packed)?)),
            Shape::Duration => Value::Duration(i64::from_le_bytes(take(packed)?)),
            Shape::Uuid => Value::Uuid(take(packed)?),
            Shape::Hash => Value::Hash(take(packed)?),
            Shape::Decimal { digits, scale } => {
                let value = match decimal_scalar(*digits) {
                    Scalar::I64 => i64::from_le_bytes(take(packed)?).into(),
                    _ => i128::from_le_bytes(take(packed)?),
                };
                if value.unsigned_abs() > decimal_max(*digits).unsigned_abs() {
                    return Err(WireError::Decimal);
                }
                Value::Decimal {
                    value,
                    scale: *scale,
                }
            }
            Shape::String(max) => {
                let bytes = unpack_bytes(*max, packed)?;
                Value::String(String::from_utf8(bytes).map_err(|_| WireError::Utf8)?)
            }
            Shape::Bytes(max) => Value::Bytes(unpack_bytes(*max, packed)?),
            Shape::Optional(inner) => match unpack_number(1, packed)? {
                0 => Value::Absent,
                1 => Value::unpack(shapes, inner, packed)?,
                tag => return Err(WireError::Tag { tag, count: 2 }),
            },
            Shape::Tuple(parts) => Value::Tuple(
                parts
                    .iter()
                    .map(|part| Value::unpack(shapes, part, packed))
                    .collect::<Result<_, _>>()?,
            ),
            Shape::Struct(index) => Value::Record(Fields::unpack(
                shapes,
                &shapes.structs[*index as usize],
                packed,
            )?),
            Shape::Enum(index) => {
                let variants = &shapes.enums[*index as usize].variants;
                let tag = unpack_number(tag_size(variants.len()) as usize, packed)?;
                let variant = variants.get(tag as usize).ok_or(WireError::Tag {
                    tag,
                    count: variants.len() as u32,
                })?;
                Value::Variant(Fields::unpack(shapes, variant, packed)?)
            }
            Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
                let length = unpack_number(4, packed)?;
                if length > *max {
                    return Err(WireError::TooLong { length, max: *max });
                }
                // Elements may take no bytes, so a list's length is bounded by its type, not by what is left.
                Value::List(
                    (0..length)
                        .map(|_| Value::unpack(shapes, element, packed))
                        .collect::<Result<_, _>>()?,
                )
            }
        })
    }

    /// Appends the packed value. On an error `out` is as it was.
    pub fn pack(
        &self,
        shapes: &Shapes,
        shape: &Shape,
        out: &mut Vec<u8>,
    ) -> Result<(), ValueError> {
        let start = out.len();
        pack(self, shapes, shape, out).inspect_err(|_| out.truncate(start))
    }
}

impl Fields {
    /// [`Value::unpack`] for a record: arguments, an event, a variant's fields.
    pub fn unpack(
        shapes: &Shapes,
        record: &Record,
        packed: &mut &[u8],
    ) -> Result<Fields, WireError> {
        let fields = record
            .fields
            .iter()
            .map(|(name, shape)| Ok((name.clone(), Value::unpack(shapes, shape, packed)?)));
        Ok(Fields {
            name: record.name.clone(),
            fields: fields.collect::<Result<_, WireError>>()?,
        })
    }

    /// Appends the packed fields, found by name in any order; an optional one may be left out, an unknown one is refused.
    pub fn pack(
        &self,
        shapes: &Shapes,
        record: &Record,
        out: &mut Vec<u8>,
    ) -> Result<(), ValueError> {
        let start = out.len();
        pack_fields(self, shapes, record, out).inspect_err(|_| out.truncate(start))
    }
}

fn take<const N: usize>(packed: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (bytes, rest) = packed.split_first_chunk::<N>().ok_or(WireError::Ended)?;
    *packed = rest;
    Ok(*bytes)
}

fn unpack_number(bytes: usize, packed: &mut &[u8]) -> Result<u32, WireError> {
    let mut word = [0; 4];
    word[..bytes].copy_from_slice(packed.split_off(..bytes).ok_or(WireError::Ended)?);
    Ok(u32::from_le_bytes(word))
}

fn unpack_bytes(max: u32, packed: &mut &[u8]) -> Result<Vec<u8>, WireError> {
    let length = unpack_number(length_prefix(max) as usize, packed)?;
    if length > max {
        return Err(WireError::TooLong { length, max });
    }
    Ok(packed
        .split_off(..length as usize)
        .ok_or(WireError::Ended)?
        .to_vec())
}

fn unpack_scalar(scalar: Scalar, packed: &mut &[u8]) -> Result<Value, WireError> {
    Ok(match scalar {
        Scalar::Bool => match take::<1>(packed)?[0] {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(WireError::Bool),
        },
        Scalar::F64 => {
            let float = f64::from_le_bytes(take(packed)?);
            if !float.is_finite() {
                return Err(WireError::NotFinite);
            }
            Value::Float(float)
        }
        Scalar::U8 => Value::Unsigned(u8::from_le_bytes(take(packed)?).into()),
        Scalar::U16 => Value::Unsigned(u16::from_le_bytes(take(packed)?).into()),
        Scalar::U32 => Value::Unsigned(u32::from_le_bytes(take(packed)?).into()),
        Scalar::U64 => Value::Unsigned(u64::from_le_bytes(take(packed)?).into()),
        Scalar::U128 => Value::Unsigned(u128::from_le_bytes(take(packed)?)),
        Scalar::I8 => Value::Integer(i8::from_le_bytes(take(packed)?).into()),
        Scalar::I16 => Value::Integer(i16::from_le_bytes(take(packed)?).into()),
        Scalar::I32 => Value::Integer(i32::from_le_bytes(take(packed)?).into()),
        Scalar::I64 => Value::Integer(i64::from_le_bytes(take(packed)?).into()),
        Scalar::I128 => Value::Integer(i128::from_le_bytes(take(packed)?)),
    })
}

fn pack(
    value: &Value,
    shapes: &Shapes,
    shape: &Shape,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    match (shape, value) {
        (Shape::Optional(_), Value::Absent) => out.push(0),
        (Shape::Optional(inner), value) => {
            out.push(1);
            pack(value, shapes, inner, out)?;
        }
        (Shape::Scalar(scalar), value) => pack_scalar(*scalar, value, out)?,
        (Shape::Time, Value::Time(nanoseconds))
        | (Shape::Duration, Value::Duration(nanoseconds)) => {
            out.extend_from_slice(&nanoseconds.to_le_bytes())
        }
        (Shape::Uuid, Value::Uuid(bytes)) => out.extend_from_slice(bytes),
        (Shape::Hash, Value::Hash(bytes)) => out.extend_from_slice(bytes),
        (
            Shape::Decimal { digits, scale },
            Value::Decimal {
                value: number,
                scale: of,
            },
        ) if scale == of => {
            if number.unsigned_abs() > decimal_max(*digits).unsigned_abs() {
                return Err(Fault::Digits {
                    value: value.to_string(),
                    digits: *digits,
                }
                .into());
            }
            let size = decimal_scalar(*digits).size() as usize;
            out.extend_from_slice(&number.to_le_bytes()[..size]);
        }
        (Shape::String(max), Value::String(text)) => pack_bytes(text.as_bytes(), *max, out)?,
        (Shape::Bytes(max), Value::Bytes(bytes)) => pack_bytes(bytes, *max, out)?,
        (Shape::Tuple(parts), Value::Tuple(values)) => {
            if values.len() != parts.len() {
                return Err(Fault::Count {
                    found: values.len(),
                    wanted: parts.len(),
                }
                .into());
            }
            for (index, (value, part)) in values.iter().zip(parts).enumerate() {
                pack(value, shapes, part, out)
                    .map_err(|error| error.under(&format!(".{index}")))?;
            }
        }
        (Shape::List(element, max), Value::List(values)) => {
            let length = u32::try_from(values.len())
                .ok()
                .filter(|length| length <= max);
            let length = length.ok_or(Fault::TooLong {
                length: values.len(),
                max: *max,
            })?;
            out.extend_from_slice(&length.to_le_bytes());
            for (index, value) in values.iter().enumerate() {
                pack(value, shapes, element, out)
                    .map_err(|error| error.under(&format!("[{index}]")))?;
            }
        }
        (Shape::Set(element, max) | Shape::Map(element, max), Value::List(values)) => {
            let length = u32::try_from(values.len())
                .ok()
                .filter(|length| length <= max);
            let length = length.ok_or(Fault::TooLong {
                length: values.len(),
                max: *max,
            })?;
            let mut elements = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                let mut packed = Vec::new();
                pack(value, shapes, element, &mut packed)
                    .map_err(|error| error.under(&format!("[{index}]")))?;
                elements.push(packed);
            }
            out.extend_from_slice(&length.to_le_bytes());
            sorted::arrange(shapes, shape, elements, out)
                .map_err(|twice| ValueError::from(Fault::Twice).under(&format!("[{twice}]")))?;
        }
        (Shape::Struct(index), Value::Record(fields)) => {
            pack_fields(fields, shapes, &shapes.structs[*index as usize], out)?
        }
        (Shape::Enum(index), Value::Variant(fields)) => {
            let variants = &shapes.enums[*index as usize].variants;
            let tag = variants
                .iter()
                .position(|variant| variant.name == fields.name);
            let tag = tag.ok_or_else(|| Fault::NoVariant(fields.name.clone()))?;
            out.extend_from_slice(&(tag as u32).to_le_bytes()[..tag_size(variants.len()) as usize]);
            pack_fields(fields, shapes, &variants[tag], out)
                .map_err(|error| error.under(&format!(".{}", fields.name)))?;
        }
        (shape, value) => {
            return Err(Fault::Kind {
                wanted: shapes.describe(shape),
                found: value.kind(),
            }
            .into());
        }
    }
    Ok(())
}

fn pack_fields(
    given: &Fields,
    shapes: &Shapes,
    record: &Record,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    for (name, _) in &given.fields {
        if !record.fields.iter().any(|(known, _)| known == name) {
            return Err(ValueError::from(Fault::Unknown).under(&format!(".{name}")));
        }
    }
    for (name, shape) in &record.fields {
        let packed = match given.get(name) {
            Some(value) => pack(value, shapes, shape, out),
            None if matches!(shape, Shape::Optional(_)) => pack(&Value::Absent, shapes, shape, out),
            None => Err(Fault::Missing.into()),
        };
        packed.map_err(|error| error.under(&format!(".{name}")))?;
    }
    Ok(())
}

fn pack_bytes(bytes: &[u8], max: u32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length <= max);
    let length = length.ok_or(Fault::TooLong {
        length: bytes.len(),
        max,
    })?;
    out.extend_from_slice(&length.to_le_bytes()[..length_prefix(max) as usize]);
    out.extend_from_slice(bytes);
    Ok(())
}

/// Any number that fits is taken, whatever the sign of its type.
fn pack_scalar(scalar: Scalar, value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let wrong = || Fault::Kind {
        wanted: scalar.name().into(),
        found: value.kind(),
    };
    let size = scalar.size() as usize;
    match (scalar, value) {
        (Scalar::Bool, Value::Bool(truth)) => out.push(u8::from(*truth)),
        (Scalar::F64, Value::Float(float)) if float.is_finite() => {
            out.extend_from_slice(&(float + 0.0).to_le_bytes())
        }
        (Scalar::F64, Value::Float(_)) => return Err(Fault::NotFinite.into()),
        (Scalar::Bool | Scalar::F64, _) => return Err(wrong().into()),
        (integer, value) => {
            let shift = 128 - integer.bits();
            let range = || Fault::Range {
                value: value.to_string(),
                kind: integer.name(),
            };
            let bits = if integer.is_signed() {
                let number = match value {
                    Value::Integer(number) => Some(*number),
                    Value::Unsigned(number) => i128::try_from(*number).ok(),
                    _ => return Err(wrong().into()),
                };
                number
                    .filter(|number| (number << shift) >> shift == *number)
                    .ok_or_else(range)? as u128
            } else {
                let number = match value {
                    Value::Integer(number) => u128::try_from(*number).ok(),
                    Value::Unsigned(number) => Some(*number),
                    _ => return Err(wrong().into()),
                };
                number
                    .filter(|number| (number << shift) >> shift == *number)
                    .ok_or_else(range)?
            };
            out.extend_from_slice(&bits.to_le_bytes()[..size]);
        }
    }
    Ok(())
}

impl From<Fault> for ValueError {
    fn from(fault: Fault) -> ValueError {
        ValueError {
            path: String::new(),
            fault,
        }
    }
}

impl ValueError {
    /// The same, seen from one level further out.
    fn under(mut self, step: &str) -> ValueError {
        let inner = std::mem::take(&mut self.path);
        let dot = if inner.is_empty() || inner.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{}{dot}{inner}", step.trim_start_matches('.'));
        self
    }
}

impl Value {
    /// What it is, in a word or two for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a truth value",
            Value::Integer(_) | Value::Unsigned(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Time(_) => "a time",
            Value::Duration(_) => "a duration",
            Value::Uuid(_) => "a uuid",
            Value::Hash(_) => "a hash",
            Value::Decimal { .. } => "a decimal",
            Value::String(_) => "a string",
            Value::Bytes(_) => "bytes",
            Value::Absent => "none",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Record(_) => "a record",
            Value::Variant(_) => "a variant",
        }
    }
}

impl Shapes {
    /// A shape as the language writes it: `list<(u64, string<5>), 10>`.
    pub fn describe(&self, shape: &Shape) -> String {
        match shape {
            Shape::Scalar(scalar) => scalar.name().into(),
            Shape::Time => "time".into(),
            Shape::Duration => "duration".into(),
            Shape::Uuid => "uuid".into(),
            Shape::Hash => "hash".into(),
            Shape::Decimal { digits, scale } => format!("decimal<{digits}, {scale}>"),
            Shape::String(max) => format!("string<{max}>"),
            Shape::Bytes(max) => format!("bytes<{max}>"),
            Shape::Optional(inner) => format!("{}?", self.describe(inner)),
            Shape::Tuple(parts) => format!(
                "({})",
                parts
                    .iter()
                    .map(|part| self.describe(part))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Shape::Struct(index) => self.structs[*index as usize].name.clone(),
            Shape::Enum(index) => self.enums[*index as usize].name.clone(),
            Shape::List(element, max) => format!("list<{}, {max}>", self.describe(element)),
            Shape::Set(element, max) => format!("set<{}, {max}>", self.describe(element)),
            Shape::Map(element, max) => match shape.entry() {
                Some((key, value)) => format!(
                    "map<{}, {}, {max}>",
                    self.describe(key),
                    self.describe(value)
                ),
                None => format!("map<{}, {max}>", self.describe(element)),
            },
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Bool(truth) => write!(out, "{truth}"),
            Value::Integer(number) => write!(out, "{number}"),
            Value::Unsigned(number) => write!(out, "{number}"),
            Value::Float(float) => write!(out, "{float:?}"),
            Value::Time(nanoseconds) => time(*nanoseconds, out),
            Value::Duration(nanoseconds) => duration(*nanoseconds, out),
            Value::Uuid(bytes) => write!(out, "uuid(\"{}\")", text::uuid(bytes)),
            Value::Hash(bytes) => write!(out, "hash.hex(\"{}\")", text::hex(bytes)),
            Value::Decimal { value, scale } => out.write_str(&text::decimal(*value, *scale)),
            Value::String(text) => write!(out, "{text:?}"),
            Value::Bytes(bytes) => {
                write!(out, "0x")?;
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
            Value::Absent => write!(out, "none"),
            Value::Tuple(values) => list(values, "(", ")", out),
            Value::List(values) => list(values, "[", "]", out),
            Value::Record(fields) | Value::Variant(fields) => write!(out, "{fields}"),
        }
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}", self.name)?;
        for (index, (name, value)) in self.fields.iter().enumerate() {
            write!(
                out,
                "{}{name}: {value}",
                if index == 0 { " { " } else { ", " }
            )?;
        }
        write!(out, "{}", if self.fields.is_empty() { "" } else { " }" })
    }
}

fn list(values: &[Value], open: &str, close: &str, out: &mut fmt::Formatter) -> fmt::Result {
    write!(out, "{open}")?;
    for (index, value) in values.iter().enumerate() {
        write!(out, "{}{value}", if index == 0 { "" } else { ", " })?;
    }
    write!(out, "{close}")
}

/// In the largest unit that leaves no rest.
fn duration(nanoseconds: i64, out: &mut fmt::Formatter) -> fmt::Result {
    const UNITS: [(i64, &str); 6] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
    ];
    let unit = UNITS
        .iter()
        .find(|(unit, _)| nanoseconds != 0 && nanoseconds % unit == 0);
    let (unit, name) = unit.unwrap_or(&(1, "ns"));
    write!(out, "{}{name}", nanoseconds / unit)
}

/// As RFC 3339 has it, with as many digits as there are.
fn time(nanoseconds: i64, out: &mut fmt::Formatter) -> fmt::Result {
    let (seconds, rest) = (
        nanoseconds.div_euclid(1_000_000_000),
        nanoseconds.rem_euclid(1_000_000_000),
    );
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01 make leap days the last of their year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    write!(
        out,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    )?;
    if rest != 0 {
        write!(out, ".{}", format!("{rest:09}").trim_end_matches('0'))?;
    }
    write!(out, "Z")
}

#[cfg(test)]
mod tests;
