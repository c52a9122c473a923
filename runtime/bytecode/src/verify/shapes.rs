//! The interface's types: no type contains itself, names are followed to a bounded depth, sizes are within a
//! slot. After this pass recursion over shapes is bounded, so sizes may be asked for freely; the ones
//! that instructions refer to are kept in [`Sizes`].

use super::{At, LimitError, Place, VerifyError, at_most, within};
use crate::instr::{EventIndex, Failure, Scalar};
use crate::interface::Interface;
use crate::layout::{Record, Shape};
use crate::limits::{
    ERROR_VARIANTS_MAX, NAME_BYTES_MAX, SHAPE_DEPTH_MAX, SHAPE_NODES_MAX, SLOT_BYTES_MAX,
    VARIANTS_MAX,
};
use crate::text::DECIMAL_DIGITS_MAX;

/// What is wrong with a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("it contains itself")]
    ContainsItself,
    #[error("types stand more than {SHAPE_DEPTH_MAX} deep in each other")]
    TooDeep,
    #[error("there is no struct {0}")]
    NoStruct(u32),
    #[error("there is no enum {0}")]
    NoEnum(u32),
    #[error("an enum has no variant")]
    NoVariant,
    #[error("a map's elements are no tuples of a key and a value")]
    NoEntry,
    #[error("a set or map is sorted by what has no order")]
    NoOrder,
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Bytes in memory and most bytes packed, and whether packing may find memory that is no value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    pub memory: u32,
    pub packed: u64,
    pub checked: bool,
}

/// Sizes of what instructions name.
#[derive(Debug, Default)]
pub struct Sizes {
    pub events: Vec<Size>,
    /// By error type, then by variant.
    pub errors: Vec<Vec<Size>>,
    /// Arguments and result of each command.
    pub commands: Vec<(Size, Size)>,
    /// Bytes in memory of the largest failure that each command declares.
    pub failures: Vec<u32>,
}

impl Sizes {
    /// Checks all types and measures.
    pub fn of(interface: &Interface) -> Result<Sizes, VerifyError> {
        Walk::new(interface).all()?;
        let shapes = &interface.shapes;
        let record = |record: &Record| Size {
            memory: shapes.fields_extent(record).0.size,
            packed: shapes.packed_record_max(record),
            checked: !shapes.any_bytes_record(record),
        };
        let mut sizes = Sizes {
            failures: Vec::new(),
            events: interface
                .events
                .iter()
                .map(|event| record(&event.record))
                .collect(),
            errors: interface
                .errors
                .iter()
                .map(|sum| sum.variants.iter().map(record).collect())
                .collect(),
            commands: interface
                .commands
                .iter()
                .map(|command| {
                    let result = command
                        .result
                        .as_ref()
                        .map_or(Size::default(), |shape| Size {
                            memory: shapes.extent(shape).size,
                            packed: shapes.packed_max(shape),
                            checked: !shapes.any_bytes(shape),
                        });
                    (record(&command.arguments), result)
                })
                .collect(),
        };
        let largest: Vec<u32> = sizes
            .errors
            .iter()
            .map(|sum| sum.iter().map(|size| size.memory).max().unwrap_or(0))
            .collect();
        let most = |fails: &[u32]| {
            fails
                .iter()
                .filter_map(|error| largest.get(*error as usize))
                .max()
                .copied()
                .unwrap_or(0)
        };
        sizes.failures = interface
            .commands
            .iter()
            .map(|command| most(&command.fails))
            .collect();
        let fits = |size: &Size, name: &str| {
            within(
                "size in memory",
                u64::from(size.memory),
                u64::from(SLOT_BYTES_MAX),
            )
            .and_then(|()| within("packed size", size.packed, u64::from(SLOT_BYTES_MAX)))
            .map_err(|error| ShapeError::Limit(error).at(Place::Shape(name.into())))
        };
        for (size, event) in sizes.events.iter().zip(&interface.events) {
            fits(size, &event.record.name)?;
        }
        for (variants, sum) in sizes.errors.iter().zip(&interface.errors) {
            variants.iter().try_for_each(|size| fits(size, &sum.name))?;
        }
        for ((arguments, result), command) in sizes.commands.iter().zip(&interface.commands) {
            fits(arguments, &command.name)?;
            fits(result, &command.name)?;
        }
        Ok(sizes)
    }
}

impl Sizes {
    /// Most packed bytes of an event; nothing where there is none.
    pub fn event_packed(&self, event: EventIndex) -> u64 {
        self.events
            .get(event.0 as usize)
            .map_or(0, |size| size.packed)
    }

    /// Whether packing an event may find memory that is no value of its fields; nothing is known of one that does not exist.
    pub fn event_checked(&self, event: EventIndex) -> bool {
        self.events
            .get(event.0 as usize)
            .is_none_or(|size| size.checked)
    }

    /// Most packed bytes of a failure's payload.
    pub fn failure_packed(&self, failure: Failure) -> u64 {
        let Failure::Declared { error, variant } = failure else {
            return 0;
        };
        let size = self
            .errors
            .get(error as usize)
            .and_then(|variants| variants.get(variant as usize));
        size.map_or(0, |size| size.packed)
    }
}

/// Parts of a type with names followed, and how deep they stand.
#[derive(Clone, Copy)]
struct Weight {
    nodes: u64,
    depth: usize,
}

/// How far a named type is.
#[derive(Clone, Copy)]
enum State {
    Unseen,
    Open,
    Done(Weight),
}

struct Walk<'a> {
    interface: &'a Interface,
    structs: Vec<State>,
    enums: Vec<State>,
    nodes: u64,
}

impl<'a> Walk<'a> {
    fn new(interface: &'a Interface) -> Walk<'a> {
        let shapes = &interface.shapes;
        Walk {
            interface,
            structs: vec![State::Unseen; shapes.structs.len()],
            enums: vec![State::Unseen; shapes.enums.len()],
            nodes: 0,
        }
    }

    fn all(&mut self) -> Result<(), VerifyError> {
        let interface = self.interface;
        for (index, record) in interface.shapes.structs.iter().enumerate() {
            let weight = self.shape(&Shape::Struct(index as u32), 0);
            self.add(weight, &record.name)?;
        }
        for (index, sum) in interface.shapes.enums.iter().enumerate() {
            let weight = self.shape(&Shape::Enum(index as u32), 0);
            self.add(weight, &sum.name)?;
        }
        for event in &interface.events {
            let weight = self.record(&event.record, 0);
            self.add(weight, &event.record.name)?;
        }
        for sum in &interface.errors {
            let counted = at_most("number of variants", sum.variants.len(), ERROR_VARIANTS_MAX);
            counted.map_err(|error| error.at(Place::Shape(sum.name.clone())))?;
            let weight = self.variants(&sum.variants, 0);
            self.add(weight, &sum.name)?;
        }
        for command in &interface.commands {
            let weight = self.record(&command.arguments, 0);
            self.add(weight, &command.name)?;
            if let Some(result) = &command.result {
                let weight = self.shape(result, 0);
                self.add(weight, &command.name)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, weight: Result<Weight, ShapeError>, name: &str) -> Result<(), VerifyError> {
        let counted = weight.and_then(|weight| {
            self.nodes = self.nodes.saturating_add(weight.nodes);
            within("number of parts of all types", self.nodes, SHAPE_NODES_MAX)?;
            at_most("length of a name", name.len(), NAME_BYTES_MAX)?;
            Ok(())
        });
        counted.map_err(|error| error.at(Place::Shape(name.into())))
    }

    /// Whether values of a shape have one order.
    fn is_key(&self, shape: &Shape, above: usize) -> bool {
        match shape {
            Shape::Scalar(scalar) => *scalar != Scalar::F64,
            Shape::Time
            | Shape::Duration
            | Shape::Uuid
            | Shape::Hash
            | Shape::Decimal { .. }
            | Shape::String(_)
            | Shape::Bytes(_) => true,
            Shape::Enum(index) => {
                let sum = self.interface.shapes.enums.get(*index as usize);
                sum.is_some_and(|sum| sum.variants.iter().all(|one| one.fields.is_empty()))
            }
            Shape::Tuple(parts) => {
                above < SHAPE_DEPTH_MAX && parts.iter().all(|part| self.is_key(part, above + 1))
            }
            _ => false,
        }
    }

    fn shape(&mut self, shape: &Shape, above: usize) -> Result<Weight, ShapeError> {
        if above >= SHAPE_DEPTH_MAX {
            return Err(ShapeError::TooDeep);
        }
        let inner = match shape {
            Shape::Scalar(_)
            | Shape::Time
            | Shape::Duration
            | Shape::Uuid
            | Shape::Hash
            | Shape::String(_)
            | Shape::Bytes(_) => Weight { nodes: 0, depth: 0 },
            Shape::Decimal { digits, scale } => {
                within(
                    "digits of a decimal",
                    (*digits).into(),
                    DECIMAL_DIGITS_MAX.into(),
                )?;
                within("scale of a decimal", (*scale).into(), (*digits).into())?;
                Weight { nodes: 0, depth: 0 }
            }
            Shape::Optional(inner) => self.shape(inner, above + 1)?,
            Shape::List(inner, max) | Shape::Set(inner, max) | Shape::Map(inner, max) => {
                let key = match shape {
                    Shape::Set(element, _) => Some(&**element),
                    Shape::Map(..) => Some(shape.entry().ok_or(ShapeError::NoEntry)?.0),
                    _ => None,
                };
                if let Some(key) = key
                    && !self.is_key(key, above)
                {
                    return Err(ShapeError::NoOrder);
                }
                // Elements may have no size, so the length has a bound of its own.
                within(
                    "length of a list",
                    u64::from(*max),
                    u64::from(SLOT_BYTES_MAX),
                )?;
                self.shape(inner, above + 1)?
            }
            Shape::Tuple(parts) => self.parts(parts.iter(), above + 1)?,
            Shape::Struct(index) => {
                let interface = self.interface;
                let record = interface
                    .shapes
                    .structs
                    .get(*index as usize)
                    .ok_or(ShapeError::NoStruct(*index))?;
                match self.structs[*index as usize] {
                    State::Open => return Err(ShapeError::ContainsItself),
                    State::Done(weight) => weight,
                    State::Unseen => {
                        self.structs[*index as usize] = State::Open;
                        let weight = self.record(record, above + 1)?;
                        self.structs[*index as usize] = State::Done(weight);
                        weight
                    }
                }
            }
            Shape::Enum(index) => {
                let interface = self.interface;
                let sum = interface
                    .shapes
                    .enums
                    .get(*index as usize)
                    .ok_or(ShapeError::NoEnum(*index))?;
                match self.enums[*index as usize] {
                    State::Open => return Err(ShapeError::ContainsItself),
                    State::Done(weight) => weight,
                    State::Unseen => {
                        self.enums[*index as usize] = State::Open;
                        if sum.variants.is_empty() {
                            return Err(ShapeError::NoVariant);
                        }
                        at_most("number of variants", sum.variants.len(), VARIANTS_MAX)?;
                        let weight = self.variants(&sum.variants, above + 1)?;
                        self.enums[*index as usize] = State::Done(weight);
                        weight
                    }
                }
            }
        };
        // A type that was measured at a shallower place may stand too deep here.
        if above + inner.depth >= SHAPE_DEPTH_MAX {
            return Err(ShapeError::TooDeep);
        }
        Ok(Weight {
            nodes: inner.nodes.saturating_add(1),
            depth: inner.depth + 1,
        })
    }

    fn variants(&mut self, variants: &[Record], above: usize) -> Result<Weight, ShapeError> {
        let mut whole = Weight { nodes: 0, depth: 0 };
        for variant in variants {
            let weight = self.record(variant, above)?;
            whole = Weight {
                nodes: whole.nodes.saturating_add(weight.nodes).saturating_add(1),
                depth: whole.depth.max(weight.depth),
            };
        }
        Ok(whole)
    }

    fn record(&mut self, record: &Record, above: usize) -> Result<Weight, ShapeError> {
        for (name, _) in &record.fields {
            at_most("length of a name", name.len(), NAME_BYTES_MAX)?;
        }
        at_most("length of a name", record.name.len(), NAME_BYTES_MAX)?;
        self.parts(record.fields.iter().map(|(_, shape)| shape), above)
    }

    fn parts<'s>(
        &mut self,
        parts: impl Iterator<Item = &'s Shape>,
        above: usize,
    ) -> Result<Weight, ShapeError> {
        let mut whole = Weight { nodes: 0, depth: 0 };
        for part in parts {
            let weight = self.shape(part, above)?;
            whole = Weight {
                nodes: whole.nodes.saturating_add(weight.nodes),
                depth: whole.depth.max(weight.depth),
            };
        }
        Ok(whole)
    }
}
