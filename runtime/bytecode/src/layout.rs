//! How a value of a type lies in memory, and how it is packed for the wire. One rule for compiler and runtime.
//!
//! In memory (frames, rows, arguments, results, events): little-endian, each part aligned to its own
//! alignment (at most 8), a whole padded to it. Always true: padding, unused bytes of strings and lists and the payload of an
//! absent optional or a shorter variant are zero, so equal values are equal bytes.
//!
//! | type | memory | packed |
//! |---|---|---|
//! | scalar | its size | its size |
//! | `string<N>` `bytes<N>` | length (u16, or u32 above 65,535), then N bytes | length as u16/u32, then the bytes used |
//! | `T?` | tag byte (0 or 1), then T at its alignment | tag, then T where present |
//! | tuple, struct | fields in order | fields in order |
//! | enum | tag u8 (u16 above 256 variants), then the payload at the largest alignment | tag, then the variant's fields |
//! | `uuid`, `hash` | 16 or 32 bytes, aligned to 1 | the same |
//! | `decimal<digits, scale>` | without its point: an `I64` up to 18 digits, an `I128` above | the same |
//! | `list<T, N>` | length u32, then N elements at T's alignment | length u32, then the elements used |

use crate::instr::Scalar;

/// A type of the outer interface and of memory layouts. Names serve JSON, OpenAPI and messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    Scalar(Scalar),
    /// Nanoseconds since 1970, an `I64`.
    Time,
    /// Signed nanoseconds, an `I64`.
    Duration,
    /// 16 bytes, ordered as they stand.
    Uuid,
    /// 32 bytes, ordered as they stand.
    Hash,
    /// Exact, with `scale` of its `digits` behind the point: at most [`DECIMAL_DIGITS_MAX`](crate::text::DECIMAL_DIGITS_MAX).
    Decimal {
        digits: u8,
        scale: u8,
    },
    /// UTF-8 of at most so many bytes.
    String(u32),
    Bytes(u32),
    Optional(Box<Shape>),
    Tuple(Vec<Shape>),
    /// Index into the interface's structs.
    Struct(u32),
    /// Index into the interface's enums.
    Enum(u32),
    List(Box<Shape>, u32),
    /// At most so many elements, each once, in their order; in memory and on the wire as a list.
    Set(Box<Shape>, u32),
    /// At most so many tuples of a key and a value, each key once, in the order of the keys; in memory and on the wire as a list.
    Map(Box<Shape>, u32),
}

impl Shape {
    /// What a list, a set or a map is made of, and how many there may be.
    pub fn elements(&self) -> Option<(&Shape, u32)> {
        match self {
            Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
                Some((element, *max))
            }
            _ => None,
        }
    }

    /// Key and value of a map's elements.
    pub fn entry(&self) -> Option<(&Shape, &Shape)> {
        match self {
            Shape::Map(element, _) => match &**element {
                Shape::Tuple(parts) => match &parts[..] {
                    [key, value] => Some((key, value)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}

/// A record's name and fields; also an event's, a variant's, a command's arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    pub name: String,
    pub fields: Vec<(String, Shape)>,
}

/// A sum type; variants without payload have no fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sum {
    pub name: String,
    pub variants: Vec<Record>,
}

/// The named types that shapes point to. A struct or enum refers only to lower indices of `structs` / `enums`… by
/// construction of the compiler; the verifier checks that no shape contains itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    pub structs: Vec<Record>,
    pub enums: Vec<Sum>,
}

/// Size and alignment in memory, in bytes. Size is a multiple of the alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Extent {
    pub size: u32,
    pub align: u32,
}

/// Rounds `offset` up to `align`, a power of two. Saturates at the largest multiple.
pub fn align_up(offset: u32, align: u32) -> u32 {
    let mask = align.max(1) - 1;
    offset.saturating_add(mask) & !mask
}

impl Shapes {
    /// Size and alignment of a shape. Saturates at `u32::MAX`; the slot limit refuses such sizes.
    pub fn extent(&self, shape: &Shape) -> Extent {
        match shape {
            Shape::Scalar(scalar) => Extent {
                size: scalar.size(),
                align: scalar.size().min(8),
            },
            Shape::Time | Shape::Duration => Extent { size: 8, align: 8 },
            Shape::Uuid | Shape::Hash => Extent {
                size: fixed_bytes(shape),
                align: 1,
            },
            Shape::Decimal { digits, .. } => Extent {
                size: decimal_scalar(*digits).size(),
                align: 8,
            },
            Shape::String(max) | Shape::Bytes(max) => {
                let prefix = length_prefix(*max);
                Extent {
                    size: align_up(prefix.saturating_add(*max).min(1 << 30), prefix),
                    align: prefix,
                }
            }
            Shape::Optional(inner) => {
                let inner = self.extent(inner);
                let align = inner.align.max(1);
                Extent {
                    size: align.saturating_add(inner.size).min(1 << 30),
                    align,
                }
            }
            Shape::Tuple(parts) => self.record_extent(parts.iter()).0,
            Shape::Struct(index) => {
                self.record_extent(
                    self.structs[*index as usize]
                        .fields
                        .iter()
                        .map(|(_, shape)| shape),
                )
                .0
            }
            Shape::Enum(index) => {
                let payload = self.payload_extent(*index);
                let tag = tag_size(self.variant_count(*index));
                let align = payload.align.max(tag);
                Extent {
                    size: align_up(
                        align_up(tag, payload.align).saturating_add(payload.size),
                        align,
                    ),
                    align,
                }
            }
            Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
                let element = self.extent(element);
                let align = element.align.max(4);
                let bytes = u64::from(element.size) * u64::from(*max) + u64::from(align);
                Extent {
                    size: align_up(bytes.min(1 << 30) as u32, align),
                    align,
                }
            }
        }
    }

    /// Whether any bytes in memory are a value of the shape, so that packing finds nothing to refuse.
    pub fn any_bytes(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Scalar(scalar) => scalar.is_integer(),
            Shape::Time | Shape::Duration | Shape::Uuid | Shape::Hash => true,
            Shape::Tuple(parts) => parts.iter().all(|part| self.any_bytes(part)),
            Shape::Struct(index) => self.any_bytes_record(&self.structs[*index as usize]),
            Shape::Decimal { .. }
            | Shape::String(_)
            | Shape::Bytes(_)
            | Shape::Optional(_)
            | Shape::Enum(_)
            | Shape::List(..)
            | Shape::Set(..)
            | Shape::Map(..) => false,
        }
    }

    /// [`any_bytes`](Shapes::any_bytes) of each field.
    pub fn any_bytes_record(&self, record: &Record) -> bool {
        record.fields.iter().all(|(_, shape)| self.any_bytes(shape))
    }

    /// Where a list's elements start.
    pub fn list_base(&self, element: &Shape) -> u32 {
        self.extent(element).align.max(4)
    }

    /// Where an optional's value starts; its tag is at 0.
    pub fn optional_offset(&self, inner: &Shape) -> u32 {
        self.extent(inner).align.max(1)
    }

    /// Where an enum's payload starts; its tag is at 0.
    pub fn payload_offset(&self, index: u32) -> u32 {
        align_up(
            tag_size(self.variant_count(index)),
            self.payload_extent(index).align.max(1),
        )
    }

    /// Extent and field offsets of parts laid out in order.
    pub fn record_extent<'a>(&self, parts: impl Iterator<Item = &'a Shape>) -> (Extent, Vec<u32>) {
        let (mut offset, mut align, mut offsets) = (0u32, 1u32, Vec::new());
        for part in parts {
            let extent = self.extent(part);
            align = align.max(extent.align);
            offset = align_up(offset, extent.align.max(1));
            offsets.push(offset);
            offset = offset.saturating_add(extent.size).min(1 << 30);
        }
        (
            Extent {
                size: align_up(offset, align),
                align,
            },
            offsets,
        )
    }

    /// Extent and field offsets of a record (arguments, an event, a variant's payload).
    pub fn fields_extent(&self, record: &Record) -> (Extent, Vec<u32>) {
        self.record_extent(record.fields.iter().map(|(_, shape)| shape))
    }

    fn variant_count(&self, index: u32) -> usize {
        self.enums[index as usize].variants.len()
    }

    fn payload_extent(&self, index: u32) -> Extent {
        let mut whole = Extent { size: 0, align: 1 };
        for variant in &self.enums[index as usize].variants {
            let (extent, _) = self.fields_extent(variant);
            whole = Extent {
                size: whole.size.max(extent.size),
                align: whole.align.max(extent.align),
            };
        }
        whole
    }

    /// Most bytes that a shape can pack to.
    pub fn packed_max(&self, shape: &Shape) -> u64 {
        match shape {
            Shape::Scalar(scalar) => u64::from(scalar.size()),
            Shape::Time | Shape::Duration => 8,
            Shape::Uuid | Shape::Hash => u64::from(fixed_bytes(shape)),
            Shape::Decimal { digits, .. } => u64::from(decimal_scalar(*digits).size()),
            Shape::String(max) | Shape::Bytes(max) => {
                u64::from(length_prefix(*max)) + u64::from(*max)
            }
            Shape::Optional(inner) => self.packed_max(inner).saturating_add(1),
            Shape::Tuple(parts) => parts
                .iter()
                .map(|part| self.packed_max(part))
                .fold(0, u64::saturating_add),
            Shape::Struct(index) => self.packed_record_max(&self.structs[*index as usize]),
            Shape::Enum(index) => {
                let sum = &self.enums[*index as usize];
                let payload = sum
                    .variants
                    .iter()
                    .map(|variant| self.packed_record_max(variant))
                    .max()
                    .unwrap_or(0);
                payload.saturating_add(u64::from(tag_size(sum.variants.len())))
            }
            Shape::List(element, max) | Shape::Set(element, max) | Shape::Map(element, max) => {
                4u64.saturating_add(self.packed_max(element).saturating_mul(u64::from(*max)))
            }
        }
    }

    /// Most bytes that a record can pack to.
    pub fn packed_record_max(&self, record: &Record) -> u64 {
        record
            .fields
            .iter()
            .map(|(_, shape)| self.packed_max(shape))
            .fold(0, u64::saturating_add)
    }
}

/// Bytes of a `Uuid` or a `Hash`; 0 for other shapes.
pub fn fixed_bytes(shape: &Shape) -> u32 {
    match shape {
        Shape::Uuid => 16,
        Shape::Hash => 32,
        _ => 0,
    }
}

/// What holds a decimal of so many digits.
pub fn decimal_scalar(digits: u8) -> Scalar {
    if digits <= 18 {
        Scalar::I64
    } else {
        Scalar::I128
    }
}

/// Bytes of a string's length prefix.
pub fn length_prefix(max: u32) -> u32 {
    if max <= u32::from(u16::MAX) { 2 } else { 4 }
}

/// Bytes of an enum's tag.
pub fn tag_size(variants: usize) -> u32 {
    if variants <= 256 { 1 } else { 2 }
}
