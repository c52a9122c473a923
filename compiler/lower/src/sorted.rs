//! Operations of sorted collections, as calls of `stdlib/sorted.rc`, and the order of values in memory.
//!
//! Always true: a collection's elements stand in the order of their keys; what is beyond the length is zero; whatever changes a
//! collection inside a row or a state keeps what hangs on it right.

use crate::body::{Function, Operand};
use crate::concrete::{Opaque, Ty, scalar_of};
use crate::keys::{encode, encoded_bytes};
use rc_bytecode::instr::{CompareOp, Instr, Register, Scalar};
use rc_bytecode::layout::{Shape, tag_size};
use rc_hir as hir;
use rc_hir::{Expr, Method, Sorted};

/// What an element is made of.
struct Entry {
    key: Shape,
    /// Of maps and priority queues.
    value: Option<Shape>,
    capacity: u32,
}

impl Entry {
    fn of(kind: Sorted, shape: &Shape) -> Option<Entry> {
        let (element, capacity) = shape.elements()?;
        let (key, value) = match (kind, element) {
            (Sorted::Map | Sorted::PriorityQueue, Shape::Tuple(parts)) => {
                (parts.first()?.clone(), parts.get(1).cloned())
            }
            (_, element) => (element.clone(), None),
        };
        Some(Entry {
            key,
            value,
            capacity,
        })
    }
}

impl<'p> Function<'_, 'p> {
    /// The kind of collection that an operation is called on, where it is one that lists do not have.
    pub fn sorted_kind(&self, method: Method, receiver: &Expr) -> Option<Sorted> {
        let own = matches!(
            method,
            Method::Add
                | Method::Put
                | Method::Get
                | Method::Remove
                | Method::Contains
                | Method::Take
        );
        match &receiver.ty {
            hir::Type::Sorted(kind, ..) if own => Some(*kind),
            _ => None,
        }
    }

    /// An operation whose result is a truth value or nothing.
    pub fn sorted_method(
        &mut self,
        kind: Sorted,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
    ) -> Operand {
        let Some(entry) = self.entry(receiver) else {
            return Operand::Never;
        };
        let name = match (kind, method) {
            (Sorted::Set, Method::Add) => "sorted.add",
            (Sorted::Map, Method::Add) => "sorted.insert",
            (Sorted::PriorityQueue, Method::Add) => "sorted.push",
            (_, Method::Put) => "sorted.put",
            (_, Method::Remove) => "sorted.remove",
            _ => "sorted.contains",
        };
        if method == Method::Contains {
            let Some((Operand::View(collection), key)) = self.pair(receiver, &arguments[0]) else {
                return Operand::Never;
            };
            let Some(key) = self.key_in_memory(&entry, key) else {
                return Operand::Never;
            };
            let generics = self.sorted_generics(&entry);
            return match self.call_plain(name, generics, vec![collection, key]) {
                Some(found) => Operand::Scalar(found),
                None => Operand::Never,
            };
        }
        let prepared = self.prepared.len();
        self.prepare(receiver);
        let given = self.given(&entry, arguments);
        let generics = self.sorted_generics(&entry);
        let mut result = None;
        if let Some(given) = given {
            self.change(receiver, &mut |me: &mut Self| {
                if let Some(collection) = me.place_of(receiver) {
                    let mut registers = vec![collection];
                    registers.extend(&given);
                    result = me.call_plain(name, generics.clone(), registers);
                }
            });
        }
        self.prepared.truncate(prepared);
        match result {
            Some(result) => Operand::Scalar(result),
            None if self.code.ended() => Operand::Never,
            None => Operand::Unit,
        }
    }

    /// An operation whose result is made in memory: an optional value of a map, the first items of a queue.
    pub fn build_sorted(
        &mut self,
        method: Method,
        receiver: &'p Expr,
        arguments: &'p [Expr],
        shape: &Shape,
        (view, offset, fresh): (Register, u32, bool),
    ) {
        let Some(entry) = self.entry(receiver) else {
            return;
        };
        let size = self.size(shape);
        let generics = self.sorted_generics(&entry);
        let prepared = self.prepared.len();
        if method == Method::Remove {
            self.prepare(receiver);
            let given = self.given(&entry, arguments);
            self.clear(shape, view, offset, fresh);
            if let Some(given) = given {
                self.change(receiver, &mut |me: &mut Self| {
                    if let Some(collection) = me.place_of(receiver) {
                        let to = me.code.part(view, offset, size);
                        let registers = vec![collection, given[0], to];
                        me.call_plain("sorted.take_out", generics.clone(), registers);
                    }
                });
            }
            self.prepared.truncate(prepared);
            return;
        }
        let Some((Operand::View(collection), given)) = self.pair(receiver, &arguments[0]) else {
            return;
        };
        self.clear(shape, view, offset, fresh);
        let to = self.code.part(view, offset, size);
        match (method, given) {
            (Method::Take, Operand::Scalar(number)) => {
                let number = self.widen(number);
                self.call_plain("sorted.take", generics, vec![to, collection, number]);
            }
            (_, given) => {
                if let Some(key) = self.key_in_memory(&entry, given) {
                    self.call_plain("sorted.get", generics, vec![collection, key, to]);
                }
            }
        }
    }

    /// `[a, b]` where a set is wanted, `[(key, a), (other, b)]` where a map is.
    pub fn build_sorted_literal(
        &mut self,
        parts: &'p [Expr],
        shape: &Shape,
        (view, offset, fresh): (Register, u32, bool),
    ) {
        let kind = match shape {
            Shape::Map(..) => Sorted::Map,
            _ => Sorted::Set,
        };
        let Some(entry) = Entry::of(kind, shape) else {
            return;
        };
        self.clear(shape, view, offset, fresh);
        let generics = self.sorted_generics(&entry);
        let element = shape.elements().map(|(element, _)| element.clone());
        let (size, one) = (self.size(shape), element.map_or(0, |one| self.size(&one)));
        for part in parts {
            let operand = self.kept(part);
            let Some(from) = self.in_memory(operand, one) else {
                return;
            };
            let collection = self.code.part(view, offset, size);
            let key_bytes = self.size(&entry.key);
            let key = self.code.part(from, 0, key_bytes);
            match &entry.value {
                None => self.call_plain("sorted.add", generics.clone(), vec![collection, key]),
                Some(value) => {
                    let shapes = &self.low.types.shapes;
                    let (_, offsets) = shapes.record_extent([&entry.key, value].into_iter());
                    let value_bytes = self.size(value);
                    let value = self.code.part(from, offsets[1], value_bytes);
                    let registers = vec![collection, key, value];
                    self.call_plain("sorted.insert", generics.clone(), registers)
                }
            };
        }
    }

    fn entry(&mut self, receiver: &Expr) -> Option<Entry> {
        match (&receiver.ty, self.ty(&receiver.ty)) {
            (hir::Type::Sorted(kind, ..), Ty::Value(shape)) => Entry::of(*kind, &shape),
            _ => None,
        }
    }

    /// What the functions of `std.sorted` want to know: the key, whose order they ask for, the value's bytes, and how many there may be.
    fn sorted_generics(&mut self, entry: &Entry) -> Vec<Ty> {
        let value = match &entry.value {
            Some(value) => {
                let extent = self.low.types.shapes.extent(value);
                Opaque {
                    size: extent.size,
                    align: extent.align,
                }
            }
            None => Opaque { size: 0, align: 1 },
        };
        vec![
            Ty::Value(entry.key.clone()),
            Ty::Opaque(value),
            Ty::Number(entry.capacity.into()),
        ]
    }

    /// The arguments, each in memory that nothing which follows changes.
    fn given(&mut self, entry: &Entry, arguments: &'p [Expr]) -> Option<Vec<Register>> {
        let mut given = Vec::new();
        for (argument, shape) in arguments
            .iter()
            .zip([Some(&entry.key), entry.value.as_ref()])
        {
            let size = shape.map_or(0, |shape| self.size(shape));
            let operand = self.kept(argument);
            given.push(match operand {
                Operand::Unit => self.code.slot(size),
                operand => self.in_memory(operand, size)?,
            });
        }
        (!self.code.ended()).then_some(given)
    }

    fn key_in_memory(&mut self, entry: &Entry, key: Operand) -> Option<Register> {
        let size = self.size(&entry.key);
        self.in_memory(key, size)
    }

    // -- the order of values ---------------------------------------------------------------------------

    /// Whether the value at `left` comes before the one at `right`.
    pub fn precedes(&mut self, shape: &Shape, left: Register, right: Register) -> Register {
        let by_scalar = match shape {
            Shape::Scalar(Scalar::Bool) => Some(Scalar::U8),
            Shape::Enum(index) => {
                let variants = self.low.types.shapes.enums[*index as usize].variants.len();
                Some(match tag_size(variants) {
                    1 => Scalar::U8,
                    _ => Scalar::U16,
                })
            }
            shape => scalar_of(shape),
        };
        if let Some(scalar) = by_scalar {
            let left = self.code.load(scalar, left, 0);
            let right = self.code.load(scalar, right, 0);
            return self.code.compare(CompareOp::Less, left, right);
        }
        let ty = Ty::Value(shape.clone());
        if let Shape::String(_) | Shape::Bytes(_) | Shape::Uuid | Shape::Hash = shape {
            return self.compare_memory(CompareOp::Less, left, &ty, right, &ty);
        }
        let bytes = encoded_bytes(&self.low.types.shapes, shape);
        let mut encoded = |source: Register| {
            let slot = self.code.slot(bytes);
            encode(
                &mut self.code,
                &self.low.types.shapes,
                slot,
                0,
                shape,
                source,
                0,
            );
            slot
        };
        let (left, right) = (encoded(left), encoded(right));
        let order = self.code.scalar(Scalar::I64);
        self.code.emit(Instr::CompareBytes {
            dst: order,
            left,
            right,
        });
        let zero = self.code.literal(Scalar::I64, 0);
        self.code.compare(CompareOp::Less, order, zero)
    }
}
