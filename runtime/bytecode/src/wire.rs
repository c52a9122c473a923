//! Packing values for log, wire and events, by the table in [`layout`](crate::layout). A [`Plan`] is made once per record and
//! run per value; a record of fixed scalars without padding is one copy.
//!
//! Always true: what was unpacked is canonical memory (padding and unused bytes zero, `Bool` 0 or 1, UTF-8, tags in
//! range, floats finite); nothing is read or written outside the given slices, whatever they hold.
//! Packing checks lengths, tags, truth values and floats of memory too, but not UTF-8.

use crate::instr::Scalar;
use crate::layout::{Record, Shape, Shapes, decimal_scalar, fixed_bytes, length_prefix, tag_size};
use crate::text::decimal_max;

/// Why a value cannot be packed or unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the packed value ends too early")]
    Ended,
    #[error("{0} bytes follow the packed value")]
    Trailing(usize),
    #[error("a length of {length}, at most {max} is allowed")]
    TooLong { length: u32, max: u32 },
    #[error("a string is not UTF-8")]
    Utf8,
    #[error("a truth value is neither 0 nor 1")]
    Bool,
    #[error("a float is not finite")]
    NotFinite,
    #[error("a decimal has more digits than its type")]
    Decimal,
    #[error("tag {tag} of {count}")]
    Tag { tag: u32, count: u32 },
    #[error("memory of {found} bytes, the value needs {wanted}")]
    Memory { found: usize, wanted: usize },
}

/// Packs a value that lies at the start of `memory`; `out` is appended to, or left as it was. Slower than a kept [`Plan`].
pub fn pack(
    shapes: &Shapes,
    shape: &Shape,
    memory: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    Plan::of_shape(shapes, shape).pack(memory, out)
}

/// Unpacks a value to the start of `memory` and moves `packed` behind it. Slower than a kept [`Plan`].
pub fn unpack(
    shapes: &Shapes,
    shape: &Shape,
    packed: &mut &[u8],
    memory: &mut [u8],
) -> Result<(), WireError> {
    Plan::of_shape(shapes, shape).unpack(packed, memory)
}

/// [`pack`] for a record: arguments, an event, a variant's fields.
pub fn pack_record(
    shapes: &Shapes,
    record: &Record,
    memory: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    Plan::of(shapes, record).pack(memory, out)
}

/// [`unpack`] for a record.
pub fn unpack_record(
    shapes: &Shapes,
    record: &Record,
    packed: &mut &[u8],
    memory: &mut [u8],
) -> Result<(), WireError> {
    Plan::of(shapes, record).unpack(packed, memory)
}

/// How values of one type are packed, worked out in advance. Shapes must be acyclic, as in a verified module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    nodes: Vec<Node>,
    size: usize,
    packed_max: u64,
    /// One copy makes the whole value: there is no padding to clear.
    dense: bool,
}

/// One step; places in memory count from the start of the value or list element that it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Copy {
        at: usize,
        length: usize,
    },
    /// Checks a byte that was copied.
    Bool {
        at: usize,
    },
    /// Checks eight bytes that were copied.
    Float {
        at: usize,
    },
    /// Checks a signed number of 8 or 16 bytes that was copied.
    Decimal {
        at: usize,
        bytes: usize,
        max: i128,
    },
    Text {
        at: usize,
        prefix: usize,
        max: u32,
        utf8: bool,
    },
    Optional {
        at: usize,
        inner: Vec<Node>,
    },
    Enum {
        at: usize,
        tag: usize,
        variants: Vec<Vec<Node>>,
    },
    List {
        at: usize,
        base: usize,
        stride: usize,
        max: u32,
        element: Vec<Node>,
    },
}

impl Plan {
    /// For a record.
    pub fn of(shapes: &Shapes, record: &Record) -> Plan {
        let mut nodes = Vec::new();
        let (extent, offsets) = shapes.fields_extent(record);
        for ((_, shape), offset) in record.fields.iter().zip(&offsets) {
            plan(shapes, shape, *offset as usize, &mut nodes);
        }
        Plan::new(
            nodes,
            extent.size as usize,
            shapes.packed_record_max(record),
        )
    }

    /// For one value.
    pub fn of_shape(shapes: &Shapes, shape: &Shape) -> Plan {
        let mut nodes = Vec::new();
        plan(shapes, shape, 0, &mut nodes);
        Plan::new(
            nodes,
            shapes.extent(shape).size as usize,
            shapes.packed_max(shape),
        )
    }

    fn new(nodes: Vec<Node>, size: usize, packed_max: u64) -> Plan {
        let dense = copies_all(&nodes, size);
        Plan {
            nodes,
            size,
            packed_max,
            dense,
        }
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Most bytes packed.
    pub fn packed_max(&self) -> u64 {
        self.packed_max
    }

    /// Appends the value at the start of `memory`. On an error `out` is as it was.
    pub fn pack(&self, memory: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        let memory = memory.get(..self.size).ok_or(WireError::Memory {
            found: memory.len(),
            wanted: self.size,
        })?;
        let start = out.len();
        if self.dense {
            out.extend_from_slice(memory);
            return Ok(());
        }
        pack_nodes(&self.nodes, memory, out).inspect_err(|_| out.truncate(start))
    }

    /// Writes the value to the start of `memory` and moves `packed` behind it. On an error `packed` and the value's memory mean nothing.
    pub fn unpack(&self, packed: &mut &[u8], memory: &mut [u8]) -> Result<(), WireError> {
        let found = memory.len();
        let memory = memory.get_mut(..self.size).ok_or(WireError::Memory {
            found,
            wanted: self.size,
        })?;
        if self.dense {
            memory.copy_from_slice(take(packed, self.size)?);
            return Ok(());
        }
        memory.fill(0);
        unpack_nodes(&self.nodes, packed, memory)
    }

    /// [`unpack`](Plan::unpack) of a value that must be all of `packed`.
    pub fn unpack_all(&self, mut packed: &[u8], memory: &mut [u8]) -> Result<(), WireError> {
        self.unpack(&mut packed, memory)?;
        if packed.is_empty() {
            Ok(())
        } else {
            Err(WireError::Trailing(packed.len()))
        }
    }
}

fn copies_all(nodes: &[Node], size: usize) -> bool {
    match nodes {
        [] => size == 0,
        [Node::Copy { at: 0, length }] => *length == size,
        _ => false,
    }
}

fn plan(shapes: &Shapes, shape: &Shape, at: usize, nodes: &mut Vec<Node>) {
    match shape {
        Shape::Scalar(scalar) => {
            copy(nodes, at, scalar.size() as usize);
            match scalar {
                Scalar::Bool => nodes.push(Node::Bool { at }),
                Scalar::F64 => nodes.push(Node::Float { at }),
                _ => {}
            }
        }
        Shape::Time | Shape::Duration => copy(nodes, at, 8),
        Shape::Uuid | Shape::Hash => copy(nodes, at, fixed_bytes(shape) as usize),
        Shape::Decimal { digits, .. } => {
            let bytes = decimal_scalar(*digits).size() as usize;
            copy(nodes, at, bytes);
            nodes.push(Node::Decimal {
                at,
                bytes,
                max: decimal_max(*digits),
            });
        }
        Shape::String(max) | Shape::Bytes(max) => {
            let utf8 = matches!(shape, Shape::String(_));
            nodes.push(Node::Text {
                at,
                prefix: length_prefix(*max) as usize,
                max: *max,
                utf8,
            });
        }
        Shape::Optional(inner) => {
            let mut present = Vec::new();
            plan(
                shapes,
                inner,
                at + shapes.optional_offset(inner) as usize,
                &mut present,
            );
            nodes.push(Node::Optional { at, inner: present });
        }
        Shape::Tuple(parts) => {
            let (_, offsets) = shapes.record_extent(parts.iter());
            for (part, offset) in parts.iter().zip(offsets) {
                plan(shapes, part, at + offset as usize, nodes);
            }
        }
        Shape::Struct(index) => fields(shapes, &shapes.structs[*index as usize], at, nodes),
        Shape::Enum(index) => {
            let base = at + shapes.payload_offset(*index) as usize;
            let variants: Vec<Vec<Node>> = shapes.enums[*index as usize]
                .variants
                .iter()
                .map(|variant| {
                    let mut payload = Vec::new();
                    fields(shapes, variant, base, &mut payload);
                    payload
                })
                .collect();
            nodes.push(Node::Enum {
                at,
                tag: tag_size(variants.len()) as usize,
                variants,
            });
        }
        Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
            let (base, stride) = (
                at + shapes.list_base(element) as usize,
                shapes.extent(element).size as usize,
            );
            let mut one = Vec::new();
            plan(shapes, element, 0, &mut one);
            nodes.push(Node::List {
                at,
                base,
                stride,
                max: *max,
                element: one,
            });
        }
    }
}

fn fields(shapes: &Shapes, record: &Record, at: usize, nodes: &mut Vec<Node>) {
    let (_, offsets) = shapes.fields_extent(record);
    for ((_, shape), offset) in record.fields.iter().zip(offsets) {
        plan(shapes, shape, at + offset as usize, nodes);
    }
}

/// Adds bytes to copy: to the copy before where they are adjacent. Checks stay behind the copy that they check.
fn copy(nodes: &mut Vec<Node>, start: usize, more: usize) {
    let last = nodes.iter_mut().rev().find(|node| {
        !matches!(
            node,
            Node::Bool { .. } | Node::Float { .. } | Node::Decimal { .. }
        )
    });
    match last {
        Some(Node::Copy { at, length }) if *at + *length == start => *length += more,
        _ => nodes.push(Node::Copy {
            at: start,
            length: more,
        }),
    }
}

fn take<'a>(packed: &mut &'a [u8], length: usize) -> Result<&'a [u8], WireError> {
    packed.split_off(..length).ok_or(WireError::Ended)
}

fn number(bytes: &[u8]) -> u32 {
    let mut word = [0; 4];
    word[..bytes.len()].copy_from_slice(bytes);
    u32::from_le_bytes(word)
}

fn at_most(length: u32, max: u32) -> Result<usize, WireError> {
    if length <= max {
        Ok(length as usize)
    } else {
        Err(WireError::TooLong { length, max })
    }
}

fn checked_bool(memory: &[u8], at: usize) -> Result<(), WireError> {
    if memory[at] <= 1 {
        Ok(())
    } else {
        Err(WireError::Bool)
    }
}

fn checked_float(memory: &[u8], at: usize) -> Result<(), WireError> {
    let bytes = memory[at..].first_chunk::<8>().ok_or(WireError::Ended)?;
    if f64::from_le_bytes(*bytes).is_finite() {
        Ok(())
    } else {
        Err(WireError::NotFinite)
    }
}

fn checked_decimal(memory: &[u8], at: usize, bytes: usize, max: i128) -> Result<(), WireError> {
    let wide = |bytes: &[u8]| match bytes.try_into() {
        Ok(eight) => Some(i128::from(i64::from_le_bytes(eight))),
        Err(_) => bytes.try_into().ok().map(i128::from_le_bytes),
    };
    let value = memory.get(at..at + bytes).and_then(wide);
    if value.ok_or(WireError::Ended)?.unsigned_abs() <= max.unsigned_abs() {
        Ok(())
    } else {
        Err(WireError::Decimal)
    }
}

fn pack_nodes(nodes: &[Node], memory: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    for node in nodes {
        match node {
            Node::Copy { at, length } => out.extend_from_slice(&memory[*at..*at + *length]),
            Node::Bool { at } => checked_bool(memory, *at)?,
            Node::Float { at } => checked_float(memory, *at)?,
            Node::Decimal { at, bytes, max } => checked_decimal(memory, *at, *bytes, *max)?,
            Node::Text {
                at,
                prefix,
                max,
                utf8,
            } => {
                let used = at_most(number(&memory[*at..*at + *prefix]), *max)?;
                let text = &memory[*at + *prefix..*at + *prefix + used];
                if *utf8 && std::str::from_utf8(text).is_err() {
                    return Err(WireError::Utf8);
                }
                out.extend_from_slice(&memory[*at..*at + *prefix + used]);
            }
            Node::Optional { at, inner } => {
                let tag = memory[*at];
                out.push(tag);
                match tag {
                    0 => {}
                    1 => pack_nodes(inner, memory, out)?,
                    tag => {
                        return Err(WireError::Tag {
                            tag: u32::from(tag),
                            count: 2,
                        });
                    }
                }
            }
            Node::Enum { at, tag, variants } => {
                let bytes = &memory[*at..*at + *tag];
                out.extend_from_slice(bytes);
                pack_nodes(variant(variants, number(bytes))?, memory, out)?;
            }
            Node::List {
                at,
                base,
                stride,
                max,
                element,
            } => {
                let bytes = &memory[*at..*at + 4];
                let used = at_most(number(bytes), *max)?;
                out.extend_from_slice(bytes);
                let elements = &memory[*base..*base + used * *stride];
                if copies_all(element, *stride) {
                    out.extend_from_slice(elements);
                } else {
                    // An element of no bytes has no chunk, and nothing to pack.
                    elements
                        .chunks_exact((*stride).max(1))
                        .try_for_each(|one| pack_nodes(element, one, out))?;
                }
            }
        }
    }
    Ok(())
}

/// Trusts: `memory` is zero where no node before has written.
fn unpack_nodes(nodes: &[Node], packed: &mut &[u8], memory: &mut [u8]) -> Result<(), WireError> {
    for node in nodes {
        match node {
            Node::Copy { at, length } => {
                memory[*at..*at + *length].copy_from_slice(take(packed, *length)?)
            }
            Node::Bool { at } => checked_bool(memory, *at)?,
            Node::Float { at } => {
                checked_float(memory, *at)?;
                // Zero has one form in memory.
                if memory[*at..*at + 8] == (-0.0f64).to_le_bytes() {
                    memory[*at..*at + 8].fill(0);
                }
            }
            Node::Decimal { at, bytes, max } => checked_decimal(memory, *at, *bytes, *max)?,
            Node::Text {
                at,
                prefix,
                max,
                utf8,
            } => {
                let length = take(packed, *prefix)?;
                let used = at_most(number(length), *max)?;
                let bytes = take(packed, used)?;
                if *utf8 && std::str::from_utf8(bytes).is_err() {
                    return Err(WireError::Utf8);
                }
                memory[*at..*at + *prefix].copy_from_slice(length);
                memory[*at + *prefix..*at + *prefix + used].copy_from_slice(bytes);
            }
            Node::Optional { at, inner } => {
                let tag = take(packed, 1)?[0];
                memory[*at] = tag;
                match tag {
                    0 => {}
                    1 => unpack_nodes(inner, packed, memory)?,
                    tag => {
                        return Err(WireError::Tag {
                            tag: u32::from(tag),
                            count: 2,
                        });
                    }
                }
            }
            Node::Enum { at, tag, variants } => {
                let bytes = take(packed, *tag)?;
                memory[*at..*at + *tag].copy_from_slice(bytes);
                unpack_nodes(variant(variants, number(bytes))?, packed, memory)?;
            }
            Node::List {
                at,
                base,
                stride,
                max,
                element,
            } => {
                let bytes = take(packed, 4)?;
                let used = at_most(number(bytes), *max)?;
                memory[*at..*at + 4].copy_from_slice(bytes);
                let elements = &mut memory[*base..*base + used * *stride];
                if copies_all(element, *stride) {
                    elements.copy_from_slice(take(packed, elements.len())?);
                } else {
                    elements
                        .chunks_exact_mut((*stride).max(1))
                        .try_for_each(|one| unpack_nodes(element, packed, one))?;
                }
            }
        }
    }
    Ok(())
}

fn variant(variants: &[Vec<Node>], tag: u32) -> Result<&[Node], WireError> {
    let found = variants.get(tag as usize).map(Vec::as_slice);
    found.ok_or(WireError::Tag {
        tag,
        count: variants.len() as u32,
    })
}

#[cfg(test)]
mod tests;
