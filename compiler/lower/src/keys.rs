//! Keys as bytes that compare like the values they stand for: big-endian, sign flipped, strings padded with
//! zeros and followed by their length.

use crate::code::Code;
use crate::concrete::scalar_of;
use rc_bytecode::instr::{BinaryOp, ConvertMode, Instr, Register, Scalar, UnaryOp};
use rc_bytecode::layout::{Shape, Shapes, decimal_scalar, fixed_bytes, length_prefix, tag_size};

/// Bytes of a shape's encoding.
pub fn encoded_bytes(shapes: &Shapes, shape: &Shape) -> u32 {
    match shape {
        Shape::Scalar(scalar) => scalar.size(),
        Shape::Time | Shape::Duration => 8,
        Shape::Uuid | Shape::Hash => fixed_bytes(shape),
        Shape::Decimal { digits, .. } => decimal_scalar(*digits).size(),
        Shape::String(max) | Shape::Bytes(max) => max + length_prefix(*max),
        Shape::Optional(inner) => 1 + encoded_bytes(shapes, inner),
        Shape::Tuple(parts) => parts.iter().map(|part| encoded_bytes(shapes, part)).sum(),
        Shape::Struct(index) => shapes.structs[*index as usize]
            .fields
            .iter()
            .map(|(_, part)| encoded_bytes(shapes, part))
            .sum(),
        Shape::Enum(index) => {
            let variants = &shapes.enums[*index as usize].variants;
            let payload = variants
                .iter()
                .map(|variant| {
                    variant
                        .fields
                        .iter()
                        .map(|(_, part)| encoded_bytes(shapes, part))
                        .sum()
                })
                .max();
            tag_size(variants.len()) + payload.unwrap_or(0)
        }
        Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
            4 + max.saturating_mul(encoded_bytes(shapes, element))
        }
    }
}

/// Writes the encoding of the value at `source` + `offset` to `key` + `at`; the bytes there are zero before. Gives where it ends.
pub fn encode(
    code: &mut Code,
    shapes: &Shapes,
    key: Register,
    at: u32,
    shape: &Shape,
    source: Register,
    offset: u32,
) -> u32 {
    if let Some(scalar) = scalar_of(shape) {
        let value = code.load(scalar, source, offset);
        return encode_scalar(code, key, at, value);
    }
    match shape {
        Shape::String(max) | Shape::Bytes(max) => {
            let prefix = length_prefix(*max);
            if *max > 0 {
                let content = code.part(source, offset + prefix, *max);
                let to = code.part(key, at, *max);
                code.copy(to, content);
            }
            let scalar = if prefix == 2 {
                Scalar::U16
            } else {
                Scalar::U32
            };
            let length = code.load(scalar, source, offset);
            encode_scalar(code, key, at + max, length)
        }
        Shape::Uuid | Shape::Hash => {
            let bytes = fixed_bytes(shape);
            let content = code.part(source, offset, bytes);
            let to = code.part(key, at, bytes);
            code.copy(to, content);
            at + bytes
        }
        Shape::Optional(inner) => {
            let tag = code.load(Scalar::U8, source, offset);
            code.store(key, at, tag);
            encode(
                code,
                shapes,
                key,
                at + 1,
                inner,
                source,
                offset + shapes.optional_offset(inner),
            )
        }
        Shape::Tuple(parts) => encode_parts(
            code,
            shapes,
            key,
            at,
            &parts.iter().collect::<Vec<_>>(),
            source,
            offset,
        ),
        Shape::Struct(index) => {
            let parts: Vec<&Shape> = shapes.structs[*index as usize]
                .fields
                .iter()
                .map(|(_, part)| part)
                .collect();
            encode_parts(code, shapes, key, at, &parts, source, offset)
        }
        Shape::Enum(index) => {
            let variants = &shapes.enums[*index as usize].variants;
            let scalar = if tag_size(variants.len()) == 1 {
                Scalar::U8
            } else {
                Scalar::U16
            };
            let tag = code.load(scalar, source, offset);
            let after = encode_scalar(code, key, at, tag);
            let tag = code.convert(ConvertMode::Wrapping, Scalar::U64, tag);
            let payload = offset + shapes.payload_offset(*index);
            let mut arms = Vec::new();
            for (number, variant) in variants
                .iter()
                .enumerate()
                .filter(|(_, variant)| !variant.fields.is_empty())
            {
                code.begin();
                let parts: Vec<&Shape> = variant.fields.iter().map(|(_, part)| part).collect();
                encode_parts(code, shapes, key, after, &parts, source, payload);
                arms.push((number as u64, code.end()));
            }
            if !arms.is_empty() {
                code.switch(tag, arms);
            }
            at + encoded_bytes(shapes, shape)
        }
        Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
            let length = code.load(Scalar::U32, source, offset);
            let base = offset + shapes.list_base(element);
            let stride = shapes.extent(element).size;
            let mut at = at;
            for number in 0..*max {
                at = encode(
                    code,
                    shapes,
                    key,
                    at,
                    element,
                    source,
                    base + number * stride,
                );
            }
            encode_scalar(code, key, at, length)
        }
        Shape::Scalar(_) | Shape::Time | Shape::Duration | Shape::Decimal { .. } => at,
    }
}

fn encode_parts(
    code: &mut Code,
    shapes: &Shapes,
    key: Register,
    at: u32,
    parts: &[&Shape],
    source: Register,
    offset: u32,
) -> u32 {
    let (_, offsets) = shapes.record_extent(parts.iter().copied());
    parts
        .iter()
        .zip(offsets)
        .fold(at, |at, (part, part_offset)| {
            encode(code, shapes, key, at, part, source, offset + part_offset)
        })
}

/// A scalar's encoding.
pub fn encode_scalar(code: &mut Code, key: Register, at: u32, value: Register) -> u32 {
    let scalar = code.scalar_of(value);
    let unsigned = match scalar {
        Scalar::I8 => Scalar::U8,
        Scalar::I16 => Scalar::U16,
        Scalar::I32 => Scalar::U32,
        Scalar::I64 => Scalar::U64,
        Scalar::I128 => Scalar::U128,
        other => other,
    };
    let mut bits = value;
    if unsigned != scalar {
        bits = code.convert(ConvertMode::Wrapping, unsigned, bits);
        let sign = code.constant(unsigned, 1 << (unsigned.bits() - 1));
        bits = code.binary(BinaryOp::Xor, bits, sign);
    }
    if unsigned.is_integer() && unsigned.size() > 1 {
        let dst = code.scalar(unsigned);
        code.emit(Instr::Unary {
            op: UnaryOp::ByteSwap,
            dst,
            src: bits,
        });
        bits = dst;
    }
    code.store(key, at, bits);
    at + scalar.size()
}
