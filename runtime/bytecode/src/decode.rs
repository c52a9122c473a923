//! Bytes to a module. Always true: it never panics, allocates in proportion to the bytes given, recurses at most
//! `NESTING_MAX` and `SHAPE_DEPTH_MAX` deep, and accepts only what [`encode`](crate::encode) writes: encoding what
//! was decoded gives the same bytes. It knows nothing of meaning: that is the verifier's.

use crate::cost::Cost;
use crate::encode::{MAGIC, content_hash};
use crate::instr::{
    CommandIndex, EventIndex, Failure, FunctionIndex, Instr, RegionIndex, Register, Scalar,
    SlotIndex, Space, Type, View,
};
use crate::interface::{Allow, Command, Event, Guard, Interface};
use crate::layout::{Record, Shape, Shapes, Sum};
use crate::limits::{ITEMS_MAX, MODULE_BYTES_MAX, NESTING_MAX, SHAPE_DEPTH_MAX};
use crate::module::{Function, Module, Region};
use crate::routes::Route;
use crate::table::{Word, for_each_instruction};

/// Why bytes are no module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("this is not a module file: it does not begin with `RCM1`")]
    Magic,
    #[error("the module has format {0}, known is 1")]
    Format(u16),
    #[error("the module has {0} bytes, at most {MODULE_BYTES_MAX} are allowed")]
    TooLong(usize),
    #[error("the module is damaged: its content does not have the hash that stands at its end")]
    Hash,
    #[error("the module ends in the middle, at byte {0}")]
    Ended(usize),
    #[error("byte {at} cannot be read as {what}")]
    Invalid { at: usize, what: &'static str },
    #[error("the module has more than {ITEMS_MAX} list items")]
    TooManyItems,
    #[error("code or types stand too deep in each other, at byte {0}")]
    TooDeep(usize),
}

/// Reads a module file.
pub fn decode(bytes: &[u8]) -> Result<Module, DecodeError> {
    if bytes.len() > MODULE_BYTES_MAX + 32 {
        return Err(DecodeError::TooLong(bytes.len()));
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(DecodeError::Magic);
    }
    let (payload, hash) = bytes
        .split_last_chunk::<32>()
        .ok_or(DecodeError::Ended(bytes.len()))?;
    if content_hash(payload) != *hash {
        return Err(DecodeError::Hash);
    }
    decode_payload(payload)
}

/// Reads a file without its hash.
pub(crate) fn decode_payload(payload: &[u8]) -> Result<Module, DecodeError> {
    let mut input = Reader {
        bytes: payload,
        at: 0,
        items: 0,
        nesting: 0,
        shape_depth: 0,
    };
    if input.array::<4>()? != MAGIC {
        return Err(DecodeError::Magic);
    }
    let format = u16::from_le_bytes(input.array()?);
    if format != 1 {
        return Err(DecodeError::Format(format));
    }
    let module = Module {
        format,
        edition: u16::from_le_bytes(input.array()?),
        page_shift: input.byte()?,
        interface: input.section()?,
        regions: input.section()?,
        functions: input.section()?,
        files: input.section()?,
    };
    if input.at < payload.len() {
        Err(input.invalid("the end of the module"))
    } else {
        Ok(module)
    }
}

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    items: usize,
    nesting: usize,
    shape_depth: usize,
}

impl Reader<'_> {
    fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid { at: self.at, what }
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.at).ok_or(DecodeError::Ended(self.at))?;
        self.at += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.bytes[self.at..]
            .first_chunk::<N>()
            .ok_or(DecodeError::Ended(self.bytes.len()))?;
        self.at += N;
        Ok(*bytes)
    }

    /// In the fewest bytes, or refused.
    fn varint(&mut self, bits: u32) -> Result<u128, DecodeError> {
        let start = self.at;
        let invalid = DecodeError::Invalid {
            at: start,
            what: "an integer of its width in the fewest bytes",
        };
        let (mut value, mut shift) = (0u128, 0);
        loop {
            let byte = self.byte()?;
            let group = u128::from(byte & 0x7F);
            if shift >= bits || (bits - shift < 7 && group >> (bits - shift) != 0) {
                return Err(invalid);
            }
            value |= group << shift;
            if byte < 0x80 {
                return if byte == 0 && shift > 0 {
                    Err(invalid)
                } else {
                    Ok(value)
                };
            }
            shift += 7;
        }
    }

    /// A length that the bytes left can hold, each of its things having at least one.
    fn length(&mut self) -> Result<usize, DecodeError> {
        let length = self.varint(32)? as usize;
        if length > self.bytes.len() - self.at {
            Err(DecodeError::Ended(self.bytes.len()))
        } else {
            Ok(length)
        }
    }

    fn section<Content: Decode>(&mut self) -> Result<Content, DecodeError> {
        let end = self.length()? + self.at;
        let whole = self.bytes;
        self.bytes = &whole[..end];
        let content = Content::read(self)?;
        if self.at != end {
            return Err(self.invalid("the end of a section"));
        }
        self.bytes = whole;
        Ok(content)
    }
}

/// How a part is read.
pub(crate) trait Decode: Sized {
    fn read(input: &mut Reader) -> Result<Self, DecodeError>;
}

macro_rules! integers {
    ($($kind:ident)*) => {$(
        impl Decode for $kind {
            fn read(input: &mut Reader) -> Result<Self, DecodeError> {
                Ok(input.varint($kind::BITS)? as $kind)
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 u128);

impl Decode for bool {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        Ok(input.varint(1)? == 1)
    }
}

macro_rules! numbered {
    ($($kind:ident)*) => {$(
        impl Decode for $kind {
            fn read(input: &mut Reader) -> Result<Self, DecodeError> {
                Ok($kind(Decode::read(input)?))
            }
        }
    )*};
}
numbered!(Register RegionIndex FunctionIndex SlotIndex EventIndex CommandIndex);

macro_rules! words {
    ($($kind:ty)*) => {$(
        impl Decode for $kind {
            fn read(input: &mut Reader) -> Result<Self, DecodeError> {
                let number = input.byte()?;
                <$kind as Word>::from_number(number).ok_or(DecodeError::Invalid { at: input.at - 1, what: "one of the listed words" })
            }
        }
    )*};
}
words!(Scalar crate::instr::Builtin crate::instr::BinaryOp crate::instr::UnaryOp crate::instr::CompareOp crate::instr::ConvertMode crate::instr::Rounding);
words!(crate::instr::Access crate::instr::Environment crate::interface::CommandKind crate::interface::GuardKind crate::module::FunctionKind crate::routes::Method);

macro_rules! structs {
    ($($kind:ident { $($field:ident)* })*) => {$(
        impl Decode for $kind {
            fn read(input: &mut Reader) -> Result<Self, DecodeError> {
                Ok($kind { $($field: Decode::read(input)?),* })
            }
        }
    )*};
}
structs! {
    Cost { steps pages_read pages_written bytes_written event_bytes reply_bytes scratch_bytes }
    Record { name fields }
    Sum { name variants }
    Shapes { structs enums }
    Event { record docs }
    Command { name version kind docs arguments result fails allow entry cost undo_free }
    Guard { kind subject rules entry }
    Route { command method path }
    Function { name kind parameters results maybe registers slots body lines cost }
}

impl Decode for Interface {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        let mut interface = Interface {
            package: Decode::read(input)?,
            shapes: Decode::read(input)?,
            commands: Decode::read(input)?,
            events: Decode::read(input)?,
            errors: Decode::read(input)?,
            roles: Decode::read(input)?,
            retired: Decode::read(input)?,
            guards: Decode::read(input)?,
            routes: Vec::new(),
        };
        // Before the end of the section.
        if input.at < input.bytes.len() {
            interface.routes = Decode::read(input)?;
            if interface.routes.is_empty() {
                return Err(input.invalid("routes, which are left out where there are none"));
            }
        }
        Ok(interface)
    }
}

impl Decode for Region {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Region {
            name: Decode::read(input)?,
            layout_hash: u64::from_le_bytes(input.array()?),
            writable: Decode::read(input)?,
            pages_max: Decode::read(input)?,
        })
    }
}

impl Decode for String {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        let length = input.length()?;
        let bytes = &input.bytes[input.at..input.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| input.invalid("UTF-8"))?;
        input.at += length;
        Ok(text.to_owned())
    }
}

/// A list.
impl<Item: Decode> Decode for Vec<Item> {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        let length = input.length()?;
        input.items += length;
        if input.items > ITEMS_MAX {
            return Err(DecodeError::TooManyItems);
        }
        // Grows as items are read: a length alone allocates nothing.
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(Item::read(input)?);
        }
        Ok(items)
    }
}

impl<Inner: Decode> Decode for Option<Inner> {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        Ok(if bool::read(input)? {
            Some(Inner::read(input)?)
        } else {
            None
        })
    }
}

impl<Left: Decode, Right: Decode> Decode for (Left, Right) {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        Ok((Left::read(input)?, Right::read(input)?))
    }
}

impl Decode for (u32, u32, u32) {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        Ok((u32::read(input)?, u32::read(input)?, u32::read(input)?))
    }
}

impl Decode for Type {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        let tag = input.byte()?;
        let space = match tag {
            16 | 17 => Space::Frame,
            18 | 19 => Space::Page(Decode::read(input)?),
            scalar => {
                let scalar = Scalar::from_number(scalar);
                return scalar.map(Type::Scalar).ok_or(DecodeError::Invalid {
                    at: input.at - 1,
                    what: "a type",
                });
            }
        };
        Ok(Type::View(View {
            space,
            writable: tag % 2 == 1,
            length: Decode::read(input)?,
        }))
    }
}

impl Decode for Shape {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        if input.shape_depth == SHAPE_DEPTH_MAX {
            return Err(DecodeError::TooDeep(input.at));
        }
        input.shape_depth += 1;
        let shape = match input.byte()? {
            16 => Shape::Time,
            17 => Shape::Duration,
            25 => Shape::Uuid,
            26 => Shape::Hash,
            27 => Shape::Decimal {
                digits: input.byte()?,
                scale: input.byte()?,
            },
            18 => Shape::String(Decode::read(input)?),
            19 => Shape::Bytes(Decode::read(input)?),
            20 => Shape::Optional(Box::new(Shape::read(input)?)),
            21 => Shape::Tuple(Decode::read(input)?),
            22 => Shape::Struct(Decode::read(input)?),
            23 => Shape::Enum(Decode::read(input)?),
            24 => Shape::List(Box::new(Shape::read(input)?), Decode::read(input)?),
            28 => Shape::Set(Box::new(Shape::read(input)?), Decode::read(input)?),
            29 => Shape::Map(Box::new(Shape::read(input)?), Decode::read(input)?),
            scalar => {
                let scalar = Scalar::from_number(scalar);
                Shape::Scalar(scalar.ok_or(DecodeError::Invalid {
                    at: input.at - 1,
                    what: "a shape",
                })?)
            }
        };
        input.shape_depth -= 1;
        Ok(shape)
    }
}

impl Decode for Allow {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        match input.byte()? {
            0 => Ok(Allow::Anyone),
            1 => Ok(Allow::Roles(Decode::read(input)?)),
            _ => Err(DecodeError::Invalid {
                at: input.at - 1,
                what: "who is allowed",
            }),
        }
    }
}

impl Decode for Failure {
    fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        match input.byte()? {
            0 => Ok(Failure::Builtin(Decode::read(input)?)),
            1 => Ok(Failure::Declared {
                error: Decode::read(input)?,
                variant: Decode::read(input)?,
            }),
            _ => Err(DecodeError::Invalid {
                at: input.at - 1,
                what: "a failure",
            }),
        }
    }
}

macro_rules! read_instruction {
    ($($number:literal $variant:ident $name:literal { $($field:ident)* })*) => {
        impl Decode for Instr {
            fn read(input: &mut Reader) -> Result<Self, DecodeError> {
                // Each instruction that has a body counts: bodies stand at most that deep in each other.
                if input.nesting == NESTING_MAX {
                    return Err(DecodeError::TooDeep(input.at));
                }
                input.nesting += 1;
                let instr = match input.byte()? {
                    $($number => Instr::$variant { $($field: Decode::read(input)?),* },)*
                    _ => return Err(DecodeError::Invalid { at: input.at - 1, what: "an instruction" }),
                };
                input.nesting -= 1;
                Ok(instr)
            }
        }
    };
}
for_each_instruction!(read_instruction);
