//! How this module's values are packed, worked out once: the plans of `rc_bytecode::wire`, and for events of integers
//! alone the few copies that native code makes itself. Also the flat buffer that events are packed into.
//!
//! Always true: both ways give the same bytes (a test compares them); an event in the buffer is a header (index, length)
//! and its packed bytes.

use rc_bytecode::instr::Scalar;
use rc_bytecode::interface::Interface;
use rc_bytecode::layout::{Record, Shape, Shapes, fixed_bytes};
use rc_bytecode::wire::{Plan, WireError};

use crate::context::Context;

/// Bytes before each event in the buffer: index and length, 32 bits each.
pub(crate) const EVENT_HEADER_BYTES: u32 = 8;

/// A field that is the same in memory and packed. Not joined with its neighbours: what was stored field by field is best
/// loaded field by field, and mostly need not be loaded at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainRun {
    pub memory: u32,
    pub packed: u32,
    pub length: u32,
}

/// A record of integers alone: every byte of it is copied, none is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub runs: Vec<PlainRun>,
    pub packed_bytes: u32,
}

impl Plain {
    /// `None` where a field needs more than copying.
    pub(crate) fn of(shapes: &Shapes, record: &Record) -> Option<Plain> {
        let mut plain = PlainRuns {
            shapes,
            runs: Vec::new(),
            packed: 0,
        };
        let (_, offsets) = shapes.fields_extent(record);
        let all = record
            .fields
            .iter()
            .zip(offsets)
            .all(|((_, shape), offset)| plain.add(shape, offset));
        all.then_some(Plain {
            runs: plain.runs,
            packed_bytes: plain.packed,
        })
    }
}

struct PlainRuns<'s> {
    shapes: &'s Shapes,
    runs: Vec<PlainRun>,
    packed: u32,
}

impl PlainRuns<'_> {
    /// Adds a part that lies at `memory`; false where it is not plain.
    fn add(&mut self, shape: &Shape, memory: u32) -> bool {
        match shape {
            Shape::Scalar(Scalar::Bool | Scalar::F64) => false,
            Shape::Scalar(scalar) => self.push(memory, scalar.size()),
            Shape::Time | Shape::Duration => self.push(memory, 8),
            Shape::Uuid | Shape::Hash => self.push(memory, fixed_bytes(shape)),
            Shape::Tuple(parts) => {
                let (_, offsets) = self.shapes.record_extent(parts.iter());
                parts
                    .iter()
                    .zip(offsets)
                    .all(|(part, offset)| self.add(part, memory + offset))
            }
            Shape::Struct(index) => {
                let shapes = self.shapes;
                let record = &shapes.structs[*index as usize];
                let (_, offsets) = shapes.fields_extent(record);
                record
                    .fields
                    .iter()
                    .zip(offsets)
                    .all(|((_, part), offset)| self.add(part, memory + offset))
            }
            // Decimals have digits to count.
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

    fn push(&mut self, memory: u32, length: u32) -> bool {
        self.runs.push(PlainRun {
            memory,
            packed: self.packed,
            length,
        });
        self.packed += length;
        true
    }
}

/// An event's plans.
#[derive(Debug)]
pub(crate) struct EventPacking {
    pub plan: Plan,
    pub plain: Option<Plain>,
}

/// A command's plans.
#[derive(Debug)]
pub(crate) struct CommandPacking {
    pub arguments: Plan,
    pub result: Option<Plan>,
}

/// All plans of a module.
#[derive(Debug)]
pub(crate) struct Packings {
    pub events: Vec<EventPacking>,
    pub commands: Vec<CommandPacking>,
    /// By error and variant.
    pub failures: Vec<Vec<Plan>>,
}

impl Packings {
    pub(crate) fn of(interface: &Interface) -> Packings {
        let shapes = &interface.shapes;
        let events = interface.events.iter().map(|event| EventPacking {
            plan: Plan::of(shapes, &event.record),
            plain: Plain::of(shapes, &event.record),
        });
        let commands = interface.commands.iter().map(|command| CommandPacking {
            arguments: Plan::of(shapes, &command.arguments),
            result: command
                .result
                .as_ref()
                .map(|shape| Plan::of_shape(shapes, shape)),
        });
        let failures = interface.errors.iter();
        let failures = failures.map(|error| {
            error
                .variants
                .iter()
                .map(|variant| Plan::of(shapes, variant))
                .collect()
        });
        Packings {
            events: events.collect(),
            commands: commands.collect(),
            failures: failures.collect(),
        }
    }
}

/// Events of the running command, flat.
#[derive(Debug)]
pub(crate) struct EventBuffer {
    bytes: Vec<u8>,
}

/// What the buffer starts with, in bytes.
const EVENT_BUFFER_BYTES_MIN: usize = 1 << 12;

impl Default for EventBuffer {
    fn default() -> EventBuffer {
        EventBuffer {
            bytes: Vec::with_capacity(EVENT_BUFFER_BYTES_MIN),
        }
    }
}

impl EventBuffer {
    /// Points the context at the empty buffer. Both must stay where they are until the command has ended.
    #[inline]
    pub(crate) fn begin(&mut self, context: &mut Context) {
        self.bytes.clear();
        let start = self.bytes.as_mut_ptr();
        context.events = self;
        context.event_start = start;
        context.event_cursor = start;
        // SAFETY: the vector owns `capacity` bytes from `start`; one past them is a valid end.
        context.event_end = unsafe { start.add(self.bytes.capacity()) };
    }

    /// Takes over what native code has appended.
    ///
    /// # Safety
    /// The context was pointed at this buffer by `begin`, and only native code has appended since.
    #[inline]
    pub(crate) unsafe fn catch_up(&mut self, context: &Context) {
        // SAFETY: the cursor is within the capacity, and events are written whole before it moves.
        unsafe {
            let length = context.event_cursor.offset_from(context.event_start) as usize;
            self.bytes.set_len(length);
        }
    }

    /// Points the context's cursors at the buffer as it is now.
    fn lead(&mut self, context: &mut Context) {
        let (length, capacity) = (self.bytes.len(), self.bytes.capacity());
        let start = self.bytes.as_mut_ptr();
        context.event_start = start;
        // SAFETY: both are within the vector's capacity.
        unsafe {
            context.event_cursor = start.add(length);
            context.event_end = start.add(capacity);
        }
    }

    /// Makes room for `bytes` more bytes.
    ///
    /// # Safety
    /// As `catch_up`.
    pub(crate) unsafe fn grow(&mut self, context: &mut Context, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { self.catch_up(context) };
        self.bytes.reserve(bytes.max(self.bytes.capacity()));
        self.lead(context);
    }

    /// Appends one event by the codec.
    ///
    /// # Safety
    /// As `catch_up`.
    pub(crate) unsafe fn push(
        &mut self,
        context: &mut Context,
        plan: &Plan,
        event: u32,
        memory: &[u8],
    ) -> Result<(), WireError> {
        // SAFETY: as the caller says.
        unsafe { self.catch_up(context) };
        let start = self.bytes.len();
        self.bytes
            .extend_from_slice(&[0; EVENT_HEADER_BYTES as usize]);
        let packed = plan.pack(memory, &mut self.bytes);
        if packed.is_err() {
            self.bytes.truncate(start);
        } else {
            let length = (self.bytes.len() - start) as u32 - EVENT_HEADER_BYTES;
            self.bytes[start..start + 4].copy_from_slice(&event.to_le_bytes());
            self.bytes[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
        }
        self.lead(context);
        packed
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The events in order: index and packed bytes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (header, after) = rest.split_at_checked(EVENT_HEADER_BYTES as usize)?;
            let number =
                |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let (event, length) = (number(&header[..4]), number(&header[4..]));
            let (packed, next) = after.split_at(length as usize);
            rest = next;
            Some((event, packed))
        })
    }
}
