//! JSON to packed values and back, by shape.
//!
//! Always true: integers never pass through floats (64 bits and more are strings, as proto3's JSON mapping has them;
//! numbers are accepted where they fit); duplicate keys, unknown fields, missing fields and nesting beyond
//! [`DEPTH_MAX`] are errors that name the field; what is accepted is packed canonically.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, Sum, length_prefix, tag_size};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;

use crate::timetext;

/// How deep arrays and objects may stand in each other.
pub const DEPTH_MAX: usize = 32;

/// A JSON text as it was written: fields in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

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

/// Reads one JSON text.
pub fn parse(text: &[u8]) -> Result<Json, FieldError> {
    if depth_of(text) > DEPTH_MAX {
        return Err(FieldError::new(format!("nested deeper than {DEPTH_MAX}")));
    }
    serde_json::from_slice(text).map_err(|error| FieldError::new(format!("not JSON: {error}")))
}

/// The deepest nesting, by brackets outside of strings.
fn depth_of(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Unsigned(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Signed(value))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::String(value.to_string()))
            }
            fn visit_string<E>(self, value: String) -> Result<Json, E> {
                Ok(Json::String(value))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Json::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut fields: Vec<(String, Json)> = Vec::new();
                while let Some((key, value)) = access.next_entry::<String, Json>()? {
                    fields.push((key, value));
                }
                // Sorted rather than compared with each other: objects may have very many keys.
                let mut keys: Vec<&str> = fields.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                match keys.windows(2).find(|pair| pair[0] == pair[1]) {
                    Some(pair) => Err(A::Error::custom(format!(
                        "the key {:?} stands twice",
                        pair[0]
                    ))),
                    None => Ok(Json::Object(fields)),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Json {
    /// For messages.
    fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Unsigned(_) | Json::Signed(_) => "a number",
            Json::Float(_) => "a number with a fraction or beyond 64 bits",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

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
                    "expected {} elements, found {}",
                    record.fields.len(),
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
        other => Err(FieldError::new(format!(
            "expected an object, found {}",
            other.kind()
        ))),
    }
}

/// Fields without names (`0`, `1`, …) are an array.
pub(crate) fn is_positional(record: &Record) -> bool {
    !record.fields.is_empty()
        && record
            .fields
            .iter()
            .enumerate()
            .all(|(index, (name, _))| *name == index.to_string())
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
        (Shape::Scalar(Scalar::F64), json) => {
            let value = match json {
                Json::Float(value) => *value,
                Json::Unsigned(value) => *value as f64,
                Json::Signed(value) => *value as f64,
                _ => return Err(mismatch()),
            };
            out.extend(value.to_le_bytes());
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
        (Shape::Struct(index), json) => {
            pack_record(shapes, &shapes.structs[*index as usize], json, out)?
        }
        (Shape::Enum(index), json) => pack_sum(shapes, &shapes.enums[*index as usize], json, out)?,
        _ => return Err(mismatch()),
    }
    Ok(())
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
    let out_of_range = || Some(format!("out of range for {}", scalar_name(scalar)));
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
        scalar_name(scalar)
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

pub(crate) fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::U8 => "u8",
        Scalar::U16 => "u16",
        Scalar::U32 => "u32",
        Scalar::U64 => "u64",
        Scalar::U128 => "u128",
        Scalar::I8 => "i8",
        Scalar::I16 => "i16",
        Scalar::I32 => "i32",
        Scalar::I64 => "i64",
        Scalar::I128 => "i128",
        Scalar::F64 => "f64",
    }
}

/// A shape in the language's words, for messages.
pub fn expected(shapes: &Shapes, shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar_name(*scalar).to_string(),
        Shape::Time => "a time such as \"2026-01-31T12:00:00Z\"".to_string(),
        Shape::Duration => "a duration such as \"1.5s\"".to_string(),
        Shape::String(max) => format!("a string of at most {max} bytes"),
        Shape::Bytes(max) => format!("base64 of at most {max} bytes"),
        Shape::Optional(inner) => format!("{} or null", expected(shapes, inner)),
        Shape::Tuple(parts) => format!("an array of {} elements", parts.len()),
        Shape::Struct(index) => shapes.structs[*index as usize].name.clone(),
        Shape::Enum(index) => format!("a variant of {}", shapes.enums[*index as usize].name),
        Shape::List(_, max) => format!("an array of at most {max} elements"),
    }
}

/// Packed bytes that do not have their shape: a fault of ours, since everything packed was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packed bytes do not have the shape of their type")]
pub struct Malformed;

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
        Shape::List(element, _) => {
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

/// A JSON string with its quotes.
pub fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "x: unknown field; the fields are: to, items",
            ),
            (
                r#"{"to": 1, "items": [{"amount": 1}, {"amount": true}]}"#,
                "items[1].amount: expected i128, found a boolean",
            ),
            (
                r#"{"to": 1, "items": [{"amount": 1, "memo": "123456789"}]}"#,
                "items[0].memo: at most 8 bytes, found 9",
            ),
            (r#"[1]"#, "expected an object, found an array"),
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
