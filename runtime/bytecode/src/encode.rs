//! The binary form: magic `RCM1`, header, four sections (interface, regions, functions, files) each with
//! its length, then SHA-256 of all before it: the content hash, which is the module's identity.
//!
//! Always true: one module has one encoding. Integers are LEB128 in the fewest bytes, lists and strings begin
//! with their length, sums with a tag byte; hashes are 8 bytes little-endian.

use crate::cost::Cost;
use crate::instr::{
    CommandIndex, EventIndex, Failure, FunctionIndex, Instr, RegionIndex, Register, Scalar,
    SlotIndex, Space, Type, View,
};
use crate::interface::{Allow, Command, Event, Guard, Interface};
use crate::layout::{Record, Shape, Shapes, Sum};
use crate::module::{Function, Module, Region};
use crate::routes::Route;
use crate::table::{Word, for_each_instruction};
use sha2::{Digest, Sha256};

/// The first bytes of a module file.
pub const MAGIC: [u8; 4] = *b"RCM1";

/// A module file. Recurses as deep as the code: a module that verifies is at most `NESTING_MAX` deep.
pub fn encode(module: &Module) -> Vec<u8> {
    let mut bytes = payload(module).bytes;
    let hash = content_hash(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

/// SHA-256 of a file without its trailing hash.
pub(crate) fn content_hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// A file without its trailing hash, and how many list items stand in it.
pub(crate) fn payload(module: &Module) -> Writer {
    let Module {
        format,
        edition,
        page_shift,
        interface,
        regions,
        functions,
        files,
    } = module;
    let mut out = Writer::default();
    out.bytes.extend_from_slice(&MAGIC);
    out.bytes.extend_from_slice(&format.to_le_bytes());
    out.bytes.extend_from_slice(&edition.to_le_bytes());
    out.bytes.push(*page_shift);
    out.section(interface);
    out.section(regions);
    out.section(functions);
    out.section(files);
    out
}

#[derive(Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
    pub items: usize,
}

impl Writer {
    fn section(&mut self, content: &impl Encode) {
        let mut section = Writer::default();
        content.write(&mut section);
        self.varint(section.bytes.len() as u128);
        self.bytes.extend_from_slice(&section.bytes);
        self.items += section.items;
    }

    fn varint(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// How a part is written.
pub(crate) trait Encode {
    fn write(&self, out: &mut Writer);
}

macro_rules! integers {
    ($($kind:ty)*) => {$(
        impl Encode for $kind {
            fn write(&self, out: &mut Writer) {
                out.varint(u128::from(*self));
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 u128 bool);

macro_rules! numbered {
    ($($kind:ident)*) => {$(
        impl Encode for $kind {
            fn write(&self, out: &mut Writer) {
                self.0.write(out);
            }
        }
    )*};
}
numbered!(Register RegionIndex FunctionIndex SlotIndex EventIndex CommandIndex);

macro_rules! words {
    ($($kind:ty)*) => {$(
        impl Encode for $kind {
            fn write(&self, out: &mut Writer) {
                out.bytes.push(Word::number(*self));
            }
        }
    )*};
}
words!(Scalar crate::instr::Builtin crate::instr::BinaryOp crate::instr::UnaryOp crate::instr::CompareOp crate::instr::ConvertMode crate::instr::Rounding);
words!(crate::instr::Access crate::instr::Environment crate::interface::CommandKind crate::interface::GuardKind crate::module::FunctionKind crate::routes::Method);

macro_rules! structs {
    ($($kind:ident { $($field:ident)* })*) => {$(
        impl Encode for $kind {
            fn write(&self, out: &mut Writer) {
                let $kind { $($field),* } = self;
                $($field.write(out);)*
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

impl Encode for Region {
    fn write(&self, out: &mut Writer) {
        let Region {
            name,
            layout_hash,
            writable,
            pages_max,
        } = self;
        name.write(out);
        out.bytes.extend_from_slice(&layout_hash.to_le_bytes());
        writable.write(out);
        pages_max.write(out);
    }
}

impl Encode for String {
    fn write(&self, out: &mut Writer) {
        out.varint(self.len() as u128);
        out.bytes.extend_from_slice(self.as_bytes());
    }
}

impl<Item: Encode> Encode for Vec<Item> {
    fn write(&self, out: &mut Writer) {
        out.varint(self.len() as u128);
        out.items += self.len();
        self.iter().for_each(|item| item.write(out));
    }
}

impl<Inner: Encode> Encode for Option<Inner> {
    fn write(&self, out: &mut Writer) {
        self.is_some().write(out);
        self.iter().for_each(|inner| inner.write(out));
    }
}

impl<Left: Encode, Right: Encode> Encode for (Left, Right) {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
    }
}

impl Encode for (u32, u32, u32) {
    fn write(&self, out: &mut Writer) {
        [self.0, self.1, self.2]
            .iter()
            .for_each(|number| number.write(out));
    }
}

impl Encode for Type {
    fn write(&self, out: &mut Writer) {
        match self {
            Type::Scalar(scalar) => scalar.write(out),
            Type::View(View {
                space,
                length,
                writable,
            }) => {
                // Scalars have the numbers below 16.
                match space {
                    Space::Frame => out.bytes.push(16 + u8::from(*writable)),
                    Space::Page(region) => {
                        out.bytes.push(18 + u8::from(*writable));
                        region.write(out);
                    }
                }
                length.write(out);
            }
        }
    }
}

impl Encode for Shape {
    fn write(&self, out: &mut Writer) {
        match self {
            Shape::Scalar(scalar) => scalar.write(out),
            Shape::Time => out.bytes.push(16),
            Shape::Duration => out.bytes.push(17),
            Shape::Uuid => out.bytes.push(25),
            Shape::Hash => out.bytes.push(26),
            Shape::Decimal { digits, scale } => out.bytes.extend([27, *digits, *scale]),
            Shape::String(max) => (18u8, *max).write(out),
            Shape::Bytes(max) => (19u8, *max).write(out),
            Shape::Optional(inner) => {
                out.bytes.push(20);
                inner.write(out);
            }
            Shape::Tuple(parts) => {
                out.bytes.push(21);
                parts.write(out);
            }
            Shape::Struct(index) => (22u8, *index).write(out),
            Shape::Enum(index) => (23u8, *index).write(out),
            Shape::List(element, max) => {
                out.bytes.push(24);
                element.write(out);
                max.write(out);
            }
            Shape::Set(element, max) => {
                out.bytes.push(28);
                element.write(out);
                max.write(out);
            }
            Shape::Map(element, max) => {
                out.bytes.push(29);
                element.write(out);
                max.write(out);
            }
        }
    }
}

/// Routes stand at the end, and not at all where there are none: a module without them is the bytes that it always was.
impl Encode for Interface {
    fn write(&self, out: &mut Writer) {
        let Interface {
            package,
            shapes,
            commands,
            events,
            errors,
            retired,
            guards,
            routes,
            roles,
        } = self;
        package.write(out);
        shapes.write(out);
        commands.write(out);
        events.write(out);
        errors.write(out);
        roles.write(out);
        retired.write(out);
        guards.write(out);
        if !routes.is_empty() {
            routes.write(out);
        }
    }
}

impl Encode for Allow {
    fn write(&self, out: &mut Writer) {
        match self {
            Allow::Anyone => out.bytes.push(0),
            Allow::Roles(roles) => (1u8, *roles).write(out),
        }
    }
}

impl Encode for Failure {
    fn write(&self, out: &mut Writer) {
        match self {
            Failure::Builtin(builtin) => (0u8, *builtin).write(out),
            Failure::Declared { error, variant } => (1u8, (*error, *variant)).write(out),
        }
    }
}

macro_rules! write_instruction {
    ($($number:literal $variant:ident $name:literal { $($field:ident)* })*) => {
        impl Encode for Instr {
            fn write(&self, out: &mut Writer) {
                match self {
                    $(Instr::$variant { $($field),* } => {
                        out.bytes.push($number);
                        $($field.write(out);)*
                    })*
                }
            }
        }
    };
}
for_each_instruction!(write_instruction);
